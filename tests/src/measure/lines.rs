//! Lines that are thin, narrow or long, between the customer and everybody else.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::{Claim, Entry, Row};
use crate::net::Impairment;

/// What stands between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
pub enum Line {
    /// Cables: nothing but the kernel.
    Cable,
    /// 2 Mbit/s, 80 ms round trip, 1 % loss.
    Thin,
    /// 512 kbit/s, 60 ms round trip.
    Narrow,
    /// 20 Mbit/s, 200 ms round trip.
    Long,
}

impl Line {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Cable => "cable",
            Self::Thin => "2 Mbit/s, 80 ms round trip, 1 % loss each way",
            Self::Narrow => "512 kbit/s, 60 ms round trip",
            Self::Long => "20 Mbit/s, 200 ms round trip",
        }
    }

    /// What is played over it.
    pub fn rows(self) -> Vec<Row> {
        match self {
            Self::Cable => Row::ALL
                .into_iter()
                .filter(|row| !matches!(row, Row::KeyBeside | Row::Lasting | Row::Revoked))
                .collect(),
            Self::Thin | Self::Narrow | Self::Long => {
                let mut rows = vec![
                    Row::Patch,
                    Row::Key,
                    Row::KeyBeside,
                    Row::Page,
                    Row::Typing,
                    Row::Scroll,
                    Row::Video,
                ];
                rows.extend((self == Self::Thin).then_some(Row::Revoked));
                rows.extend((self == Self::Narrow).then_some(Row::Lasting));
                rows
            }
        }
    }

    /// Where its figures go.
    pub fn output(self) -> PathBuf {
        let name = match self {
            Self::Cable => "picture",
            Self::Thin => "picture-thin",
            Self::Narrow => "picture-narrow",
            Self::Long => "picture-long",
        };
        PathBuf::from(format!("target/bench/{name}.json"))
    }

    /// How bad it is, each way. None: it is a cable.
    pub fn impairment(self) -> Option<Impairment> {
        let line = |kbit: u32, delay, loss| Impairment {
            loss,
            delay: Duration::from_millis(delay),
            rate: Some(kbit * 125),
            // A fifth of a second, as routers have it at least.
            queue: (kbit as usize * 125 / 5).max(16_000),
            ..Impairment::default()
        };
        match self {
            Self::Cable => None,
            Self::Thin => Some(line(2_000, 40, 10)),
            Self::Narrow => Some(line(512, 30, 0)),
            Self::Long => Some(line(20_000, 100, 0)),
        }
    }

    /// There and back, while nothing waits.
    pub fn round_trip_ms(self) -> f64 {
        self.impairment()
            .map_or(0.0, |how| how.delay.as_secs_f64() * 2e3)
    }
}

/// What must hold on a bad line, as far as these rows tell it; the best peer of the row is named beside.
pub fn claims_on(line: Line, rows: &[Entry]) -> Vec<Claim> {
    let mut out = Vec::new();
    for entry in rows.iter().filter(|entry| entry.system.ours()) {
        let peers = rows
            .iter()
            .filter(|peer| peer.row == entry.row && !peer.system.ours());
        let best = peers.filter_map(|peer| Some((peer.latency_ms?.p95, peer.system)));
        let peer = best.min_by(|a, b| a.0.total_cmp(&b.0)).map(|best| best.1);
        let mut claim = |what, ours: f64, bound: f64| {
            out.push(Claim {
                must: true,
                row: entry.row,
                what,
                system: entry.system,
                ours,
                bound,
                peer,
                holds: ours <= bound,
            });
        };
        // What was never seen is later than everything.
        let p95 = match entry.latency_ms {
            Some(latency) if entry.seen == entry.drawn => latency.p95,
            Some(_) | None => f64::INFINITY,
        };
        match (entry.row, line) {
            (Row::KeyBeside, Line::Thin) => {
                claim("latency p95, ms", p95, line.round_trip_ms() + 60.0)
            }
            (Row::Page, Line::Narrow) => {
                claim("readable p95, ms", p95, 1_000.0);
                claim(
                    "exact, ms",
                    entry.exact_ms.unwrap_or(f64::INFINITY),
                    4_000.0,
                );
            }
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::System;
    use super::super::figures::tests::entry;
    use super::*;

    #[test]
    fn an_echo_that_never_comes_does_not_hold() {
        let mut rows = [
            entry(Row::KeyBeside, System::Recorded, 140.0, 0, 0.0, 0),
            entry(Row::KeyBeside, System::X0, 50.0, 0, 0.0, 0),
        ];
        let held = claims_on(Line::Thin, &rows);
        assert_eq!(
            (held.len(), held[0].holds, held[0].peer),
            (1, true, Some(System::X0))
        );
        rows[0].seen -= 1;
        assert!(!claims_on(Line::Thin, &rows)[0].holds);
        assert!(claims_on(Line::Narrow, &rows).is_empty());
    }

    #[test]
    fn a_page_must_be_readable_and_then_exact() {
        let mut rows = [entry(Row::Page, System::Looked, 900.0, 0, 0.0, 0)];
        let held = |rows: &[Entry]| {
            claims_on(Line::Narrow, rows)
                .iter()
                .map(|c| c.holds)
                .collect::<Vec<_>>()
        };
        assert_eq!(held(&rows), [true, true]);
        rows[0].exact_ms = None;
        assert_eq!(held(&rows), [true, false]);
    }
}
