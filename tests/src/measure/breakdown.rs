//! Where the time of one key press goes: the stations that it passes, and what lies between them.

use std::time::Instant;

use serde::Serialize;

use super::Quantiles;

/// The parts, in the order of time, and their sum.
#[derive(Debug, Serialize)]
pub struct Breakdown {
    /// Presses that passed all stations.
    pub samples: usize,
    /// Each part by its name, and the whole.
    pub parts_ms: Vec<(&'static str, Quantiles)>,
}

/// When one press passed: key, input frame at the tap, key at the application, letter drawn, picture frame at the
/// tap, ack at the tap, letter seen.
pub type Stations = [Instant; 7];

const PARTS: [&str; 7] = [
    "console, relay: key to input frame at the tap",
    "agent: open, guard, inject",
    "application: draw",
    "agent: damage, read, encode, seal",
    "relay, console: forward, open, decode, take",
    "console: repaint",
    "all",
];

impl Breakdown {
    /// Of these presses.
    pub fn of(presses: &[Stations]) -> Self {
        let ms = |from: Instant, to: Instant| (to - from).as_secs_f64() * 1e3;
        let part = |number: usize| {
            let (from, to) = if number + 1 < PARTS.len() {
                (number, number + 1)
            } else {
                (0, number)
            };
            let all = presses
                .iter()
                .map(|stations| ms(stations[from], stations[to]));
            Some((PARTS[number], Quantiles::of(all.collect())?))
        };
        Self {
            samples: presses.len(),
            parts_ms: (0..PARTS.len()).filter_map(part).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn parts_lie_between_stations_and_their_sum_is_the_whole() {
        let start = Instant::now();
        let stations = [0, 2, 3, 4, 10, 15, 40].map(|ms| start + Duration::from_millis(ms));
        let breakdown = Breakdown::of(&[stations; 3]);
        let medians: Vec<f64> = breakdown
            .parts_ms
            .iter()
            .map(|(_, part)| part.p50.round())
            .collect();
        assert_eq!(medians, [2.0, 1.0, 1.0, 6.0, 5.0, 25.0, 40.0]);
    }
}
