//! Lines that are thin, narrow or long, between the customer and everybody else.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use fernsicht_tests::dice::Dice;
use fernsicht_tests::net::{Impairment, Resident, Streets};
use serde::Serialize;

use super::figures::{Claim, Entry};
use super::rig::System;
use super::rows::Row;

/// What stands between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
pub(crate) enum Line {
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
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Cable => "cable",
            Self::Thin => "2 Mbit/s, 80 ms round trip, 1 % loss each way",
            Self::Narrow => "512 kbit/s, 60 ms round trip",
            Self::Long => "20 Mbit/s, 200 ms round trip",
        }
    }

    /// Where its figures go.
    pub(super) fn output(self) -> PathBuf {
        let name = match self {
            Self::Cable => "picture",
            Self::Thin => "picture-thin",
            Self::Narrow => "picture-narrow",
            Self::Long => "picture-long",
        };
        PathBuf::from(format!("target/bench/{name}.json"))
    }

    pub(super) fn build(self) -> Result<Streets> {
        match self {
            Self::Cable => Streets::cabled(),
            Self::Thin | Self::Narrow | Self::Long => Streets::build(&mut Dice::from_seed(6)),
        }
    }

    /// From now on the customer's line is as bad as this; the technician's stays good.
    pub(super) fn impair(self, streets: &Streets) {
        if self != Self::Cable {
            streets.line(Resident::Customer).impair(self.impairment());
        }
    }

    fn impairment(self) -> Impairment {
        let line = |kbit: u32, delay, loss| Impairment {
            loss,
            delay: Duration::from_millis(delay),
            rate: Some(kbit * 125),
            // A fifth of a second, as routers have it at least.
            queue: (kbit as usize * 125 / 5).max(16_000),
            ..Impairment::default()
        };
        match self {
            Self::Cable => Impairment::default(),
            Self::Thin => line(2_000, 40, 10),
            Self::Narrow => line(512, 30, 0),
            Self::Long => line(20_000, 100, 0),
        }
    }

    fn round_trip_ms(self) -> f64 {
        self.impairment().delay.as_secs_f64() * 2e3
    }
}

/// What must hold on a bad line, as far as these rows tell it; beside the best peer it is shown.
pub(super) fn claims(rows: &[Entry], line: Line) -> Vec<Claim> {
    let mut out = Vec::new();
    for entry in rows.iter().filter(|entry| entry.system.ours()) {
        let Some(latency) = entry.latency_ms else {
            continue;
        };
        let bound = match (entry.row, line) {
            (Row::Key, Line::Thin | Line::Long) => line.round_trip_ms() + 60.0,
            (Row::Page, Line::Narrow) => 1_000.0,
            _ => continue,
        };
        let peers = rows
            .iter()
            .filter(|peer| peer.row == entry.row && !peer.system.ours());
        let best = peers.filter_map(|peer| Some((peer.latency_ms?.p95, peer.system)));
        out.push(Claim {
            must: line != Line::Long,
            row: entry.row,
            what: "latency p95, ms",
            system: entry.system,
            ours: latency.p95,
            bound,
            peer: best
                .min_by(|a, b| a.0.total_cmp(&b.0))
                .map(|best: (f64, System)| best.1),
            holds: latency.p95 <= bound && entry.seen == entry.drawn,
        });
    }
    out
}
