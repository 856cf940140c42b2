//! Dates, times and durations as people read them, in their language.
//!
//! The texts take them formatted: `12. März 2026`, `14:05 Uhr`; `12 March 2026`, `2:05 pm`.

use jiff::{Timestamp, Zoned, tz::TimeZone};

use crate::texts::Language;

/// A date in this computer's time zone. `seconds` since 1970 UTC.
pub fn date(language: Language, seconds: i64) -> String {
    date_of(language, &local(seconds))
}

/// A time of day in this computer's time zone. `seconds` since 1970 UTC.
pub fn time(language: Language, seconds: i64) -> String {
    time_of(language, &local(seconds))
}

/// How long something lasted: the two largest units.
pub fn duration(language: Language, seconds: u64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let names = match language {
        Language::De => [
            ("Stunde", "Stunden"),
            ("Minute", "Minuten"),
            ("Sekunde", "Sekunden"),
        ],
        Language::En => [
            ("hour", "hours"),
            ("minute", "minutes"),
            ("second", "seconds"),
        ],
    };
    let parts: Vec<String> = [hours, minutes, rest]
        .into_iter()
        .zip(names)
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, (one, many))| format!("{count} {}", if count == 1 { one } else { many }))
        .collect();
    if parts.is_empty() {
        format!("0 {}", names[2].1)
    } else {
        parts.join(" ")
    }
}

fn local(seconds: i64) -> Zoned {
    Timestamp::from_second(seconds)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_zoned(TimeZone::system())
}

fn date_of(language: Language, when: &Zoned) -> String {
    let month = usize::try_from(when.month() - 1).unwrap_or_default();
    match language {
        Language::De => format!("{}. {} {}", when.day(), MONTHS_DE[month], when.year()),
        Language::En => format!("{} {} {}", when.day(), MONTHS_EN[month], when.year()),
    }
}

fn time_of(language: Language, when: &Zoned) -> String {
    let (hour, minute) = (when.hour(), when.minute());
    match language {
        Language::De => format!("{hour}:{minute:02} Uhr"),
        Language::En => {
            let half = if hour < 12 { "am" } else { "pm" };
            format!(
                "{}:{minute:02} {half}",
                if hour % 12 == 0 { 12 } else { hour % 12 }
            )
        }
    }
}

const MONTHS_DE: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin(hour: i8, minute: i8) -> Zoned {
        jiff::civil::date(2026, 3, 12)
            .at(hour, minute, 0, 0)
            .to_zoned(TimeZone::UTC)
            .expect("a valid date")
    }

    #[test]
    fn dates_and_times_read_as_the_texts_promise() {
        assert_eq!(date_of(Language::De, &berlin(14, 5)), "12. März 2026");
        assert_eq!(time_of(Language::De, &berlin(14, 5)), "14:05 Uhr");
        assert_eq!(date_of(Language::En, &berlin(14, 5)), "12 March 2026");
        assert_eq!(time_of(Language::En, &berlin(14, 5)), "2:05 pm");
        assert_eq!(time_of(Language::En, &berlin(0, 5)), "12:05 am");
    }

    #[test]
    fn durations_show_two_units_at_most() {
        assert_eq!(duration(Language::De, 0), "0 Sekunden");
        assert_eq!(duration(Language::De, 61), "1 Minute 1 Sekunde");
        assert_eq!(duration(Language::En, 3600), "1 hour");
        assert_eq!(duration(Language::En, 7384), "2 hours 3 minutes");
    }
}
