//! How long a recording may live (DESIGN P6): 90 days or three calendar months, whichever is earlier.

use jiff::{SignedDuration, Span, Timestamp, tz::TimeZone};

/// The greatest age in days.
pub const DAYS: i64 = 90;

/// The greatest age in calendar months.
pub const MONTHS: i64 = 3;

/// The latest deletion date of a recording that begins at `from`, both in seconds since 1970 UTC. Months
/// are counted in UTC; a day that the third month lacks becomes its last. A time beyond the calendar gives `from`.
pub fn latest_deletion(from: u64) -> u64 {
    latest(from).unwrap_or(from)
}

fn latest(from: u64) -> Option<u64> {
    let from = Timestamp::from_second(i64::try_from(from).ok()?).ok()?;
    let days = from
        .checked_add(SignedDuration::from_hours(24 * DAYS))
        .ok()?;
    let months = from
        .to_zoned(TimeZone::UTC)
        .checked_add(Span::new().months(MONTHS))
        .ok()?
        .timestamp();
    u64::try_from(days.min(months).as_second()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> u64 {
        let time: Timestamp = format!("{text}T12:30:00Z").parse().unwrap();
        time.as_second() as u64
    }

    #[test]
    fn the_earlier_of_both_counts() {
        for (from, until) in [
            // 92 days in three months: 90 days count.
            ("2026-06-15", "2026-09-13"),
            // 89 and 90 days.
            ("2026-02-01", "2026-05-01"),
            ("2028-02-01", "2028-05-01"),
            ("2026-12-15", "2027-03-15"),
            // A day that the month lacks.
            ("2026-11-30", "2027-02-28"),
            ("2027-11-30", "2028-02-28"),
            ("2027-12-01", "2028-02-29"),
            ("2026-01-31", "2026-04-30"),
        ] {
            assert_eq!(latest_deletion(date(from)), date(until), "{from}");
        }
    }

    #[test]
    fn no_clock_breaks_it() {
        assert_eq!(latest_deletion(u64::MAX), u64::MAX);
        assert!(latest_deletion(0) > 0);
    }
}
