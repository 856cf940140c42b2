//! Where the time of one change goes: the stations that it passes, and what lies between them.

use std::time::Instant;

use serde::Serialize;

use super::{Quantiles, Row};

/// The parts of a row's latency, in the order of time, and their sum.
#[derive(Debug, Serialize)]
pub struct Breakdown {
    /// What was played.
    pub row: Row,
    /// Changes that passed all stations.
    pub samples: usize,
    /// Each part by its name, and the whole.
    pub parts_ms: Vec<(&'static str, Quantiles)>,
}

/// Between the stations of a key press: key, input frame at the tap, key at the application, letter drawn, picture frame
/// at the tap, ack at the tap, letter seen.
pub const KEY: [&str; 6] = [
    "console, relay: key to input frame at the tap",
    "agent: open, guard, inject",
    "application: draw",
    "agent: damage, read, encode, seal",
    "relay, console: forward, open, decode, take",
    "console: repaint",
];

/// Between the stations of a change on the screen: drawing begins, drawn, first picture frame at the tap, end of the last one
/// there, ack at the tap, change seen.
pub const PICTURE: [&str; 5] = [
    "application, X server: draw",
    "agent: damage, read, encode, seal, to the first frame",
    "agent: the rest of its frames",
    "relay, console: forward, open, decode, take",
    "console: repaint",
];

impl Breakdown {
    /// `parts` name what lies between two stations; each sample has one station more, in the order of time.
    pub fn of(row: Row, parts: &[&'static str], samples: &[Vec<Instant>]) -> Self {
        let ms = |from: Instant, to: Instant| (to - from).as_secs_f64() * 1e3;
        let part = |number: usize| {
            let all = samples.iter().filter_map(|stations| {
                Some(ms(*stations.get(number)?, *stations.get(number + 1)?))
            });
            Some((*parts.get(number)?, Quantiles::of(all.collect())?))
        };
        let whole = samples
            .iter()
            .filter_map(|stations| Some(ms(*stations.first()?, *stations.last()?)));
        let mut parts_ms: Vec<_> = (0..parts.len()).filter_map(part).collect();
        parts_ms.extend(Quantiles::of(whole.collect()).map(|whole| ("all", whole)));
        Self {
            row,
            samples: samples.len(),
            parts_ms,
        }
    }

    /// For people.
    pub fn table(&self) -> String {
        let mut out = format!(
            "\n{:?}: where its time goes, p50 | p95 of {}\n",
            self.row, self.samples
        );
        for (part, ms) in &self.parts_ms {
            out += &format!("  {part:56} {:5.1} | {:.1} ms\n", ms.p50, ms.p95);
        }
        out
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
        let breakdown = Breakdown::of(Row::Key, &KEY, &vec![stations.to_vec(); 3]);
        let medians: Vec<f64> = breakdown
            .parts_ms
            .iter()
            .map(|(_, part)| part.p50.round())
            .collect();
        assert_eq!(medians, [2.0, 1.0, 1.0, 6.0, 5.0, 25.0, 40.0]);
        assert!(breakdown.table().contains("console: repaint"));
        assert!(Breakdown::of(Row::Page, &PICTURE, &[]).parts_ms.is_empty());
    }
}
