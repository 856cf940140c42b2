//! Whether a session stays as it was: latencies and memory, minute by minute, while a film plays.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Claim, Quantiles, Role, Row, Sight, System};

/// One minute of it.
#[derive(Debug, Clone, Serialize)]
pub struct Minute {
    /// From a key to its echo.
    pub echo_ms: Option<Quantiles>,
    /// Keys that were pressed.
    pub pressed: usize,
    /// From drawing a picture of the film to seeing it.
    pub picture_ms: Option<Quantiles>,
    /// Pictures of the film that were seen.
    pub seen: usize,
    /// The most that was resident in this minute, in KiB.
    pub resident_kib: BTreeMap<Role, u64>,
}

/// All of it.
#[derive(Debug, Clone, Serialize)]
pub struct Lasting {
    /// Minute by minute; what is left of the last one counts to the one before.
    pub minutes: Vec<Minute>,
    /// The first and the last third.
    pub thirds: [Minute; 2],
}

/// What was noted meanwhile.
#[derive(Debug)]
pub struct Notes {
    /// When it began.
    pub start: Instant,
    /// When it ended.
    pub end: Instant,
    /// Keys pressed, and their letters seen.
    pub keys: [Vec<Sight>; 2],
    /// Pictures of the film drawn, and seen.
    pub film: [Vec<Sight>; 2],
    /// What was resident when, in KiB.
    pub resident_kib: Vec<(Instant, BTreeMap<Role, u64>)>,
}

impl Notes {
    fn between(&self, from: Instant, to: Instant) -> Minute {
        let within = |at: Instant| (from..to).contains(&at);
        let latencies = |[drawn, seen]: &[Vec<Sight>; 2]| -> Vec<f64> {
            let drawn = drawn.iter().filter(|(at, _)| within(*at));
            let took = |(at, number): &Sight| -> Option<Duration> {
                let after = &seen[seen.partition_point(|(seen, _)| seen < at)..];
                let sight = after.iter().find(|(_, seen)| seen == number)?;
                // Numbers come again.
                Some(sight.0 - *at).filter(|took| *took < LATEST)
            };
            drawn
                .filter_map(took)
                .map(|took| took.as_secs_f64() * 1e3)
                .collect()
        };
        let mut resident_kib = BTreeMap::new();
        for (_, now) in self.resident_kib.iter().filter(|(at, _)| within(*at)) {
            for (role, kib) in now {
                let most: &mut u64 = resident_kib.entry(*role).or_default();
                *most = (*most).max(*kib);
            }
        }
        let pictures = latencies(&self.film);
        Minute {
            echo_ms: Quantiles::of(latencies(&self.keys)),
            pressed: self.keys[0].iter().filter(|(at, _)| within(*at)).count(),
            seen: pictures.len(),
            picture_ms: Quantiles::of(pictures),
            resident_kib,
        }
    }

    /// Minute by minute.
    pub fn judge(&self) -> Lasting {
        const MINUTE: Duration = Duration::from_secs(60);
        let whole = self.end.saturating_duration_since(self.start);
        let count = (whole.as_secs() / MINUTE.as_secs()).max(1) as u32;
        let at = |n: u32| match n == count {
            true => self.end,
            false => self.start + MINUTE * n,
        };
        let third = whole / 3;
        Lasting {
            minutes: (0..count).map(|n| self.between(at(n), at(n + 1))).collect(),
            thirds: [
                self.between(self.start, self.start + third),
                self.between(self.end - third, self.end),
            ],
        }
    }
}

impl Lasting {
    /// The last third must be as the first one was.
    pub fn claims(&self, row: Row, system: System) -> Vec<Claim> {
        let [first, last] = &self.thirds;
        let claim = |what, ours: f64, bound: f64| Claim {
            must: true,
            row,
            what,
            system,
            ours,
            bound,
            peer: None,
            holds: ours <= bound,
        };
        // What was never seen is later than everything.
        let ms = |minute: Option<Quantiles>| minute.map_or(f64::INFINITY, |q| q.p50);
        let mut claims = vec![
            claim(
                "last third: echo p50, ms",
                ms(last.echo_ms),
                ms(first.echo_ms) * GROWTH + GROWTH_MS,
            ),
            claim(
                "last third: picture p50",
                ms(last.picture_ms),
                ms(first.picture_ms) * GROWTH + GROWTH_MS,
            ),
        ];
        for (role, what) in [
            (Role::Server, "agent's memory, MiB"),
            (Role::Relay, "relay's memory, MiB"),
            (Role::Viewer, "console's memory, MiB"),
        ] {
            let mib = |minute: &Minute| {
                minute
                    .resident_kib
                    .get(&role)
                    .map(|kib| *kib as f64 / 1024.0)
            };
            if let (Some(before), Some(now)) = (mib(first), mib(last)) {
                claims.push(claim(what, now, before * GROWTH + GROWTH_MIB));
            }
        }
        claims
    }

    /// For people: a line for each minute.
    pub fn table(&self) -> String {
        let both = |q: Option<Quantiles>| {
            q.map_or("–".to_owned(), |q| {
                format!("{:.0} | {:.0} ms", q.p50, q.p95)
            })
        };
        let line = |(n, minute): (usize, &Minute)| {
            let mib = minute
                .resident_kib
                .values()
                .map(|kib| format!("{:.1}", *kib as f64 / 1024.0));
            format!(
                "  minute {:2}: echo {} of {}, film {} of {} pictures, MiB {}\n",
                n + 1,
                both(minute.echo_ms),
                minute.pressed,
                both(minute.picture_ms),
                minute.seen,
                mib.collect::<Vec<_>>().join(" ")
            )
        };
        self.minutes.iter().enumerate().map(line).collect()
    }
}

/// What is later is another one with the same number.
const LATEST: Duration = Duration::from_secs(60);

/// The last third may be so much above the first one.
const GROWTH: f64 = 1.1;
const GROWTH_MS: f64 = 10.0;
const GROWTH_MIB: f64 = 4.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn notes(echo_ms: impl Fn(u64) -> u64, kib: impl Fn(u64) -> u64) -> Notes {
        let start = Instant::now();
        let at = |s: u64, ms: u64| start + Duration::from_millis(s * 1000 + ms);
        let all = |ms: &dyn Fn(u64) -> u64| {
            [0, 1].map(|seen| {
                (0..180)
                    .map(|s| (at(s, seen * ms(s)), s as u32 % 100))
                    .collect()
            })
        };
        Notes {
            start,
            end: at(180, 0),
            keys: all(&echo_ms),
            film: all(&|_| 50),
            resident_kib: (0..180)
                .map(|s| (at(s, 1), [(Role::Server, kib(s))].into()))
                .collect(),
        }
    }

    fn failed(notes: &Notes) -> Vec<&'static str> {
        let claims = notes.judge().claims(Row::Lasting, System::Recorded);
        assert_eq!(claims.len(), 3);
        claims
            .iter()
            .filter(|claim| !claim.holds)
            .map(|claim| claim.what)
            .collect()
    }

    #[test]
    fn what_stays_holds_and_what_grows_does_not() {
        assert!(failed(&notes(|_| 100, |_| 50 << 10)).is_empty());
        assert_eq!(
            failed(&notes(|s| 100 + s, |_| 50 << 10)),
            ["last third: echo p50, ms"]
        );
        assert_eq!(
            failed(&notes(|_| 100, |s| (50 << 10) + s * 200)),
            ["agent's memory, MiB"]
        );
        // An echo that never comes.
        let mut lost = notes(|_| 100, |_| 1);
        lost.keys[1].truncate(100);
        assert_eq!(failed(&lost), ["last third: echo p50, ms"]);
        let minutes = lost.judge().minutes;
        assert_eq!(
            (minutes.len(), minutes[0].pressed, minutes[2].echo_ms),
            (3, 60, None)
        );
    }
}
