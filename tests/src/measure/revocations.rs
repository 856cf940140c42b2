//! Revocations during motion: when the picture is gone from the technician's screen, and what passes the tap afterwards.

use serde::Serialize;

use super::{Claim, Row, System, rank};

/// One of them.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Revoked {
    /// From the key to the rights frame at the tap, behind the line.
    pub told_ms: f64,
    /// From the key to the first look at the technician's screen with nothing of the picture.
    pub gone_ms: f64,
    /// Packets of the customer's that the line lost in a second and a half, and those for which its queue had no room.
    pub lost: [u64; 2],
    /// Pictures that were captured later than that, or under that grant.
    pub frames_after: usize,
    /// Pictures that were under way.
    pub open: usize,
    /// Those of them that were cancelled.
    pub reset: usize,
}

/// All of them.
#[derive(Debug, Clone, Serialize)]
pub struct Revocations {
    /// The picture must be gone by then.
    pub limit_ms: f64,
    /// From the key to the rights frame at the tap: half, all but a twentieth, all.
    pub told_ms: [f64; 3],
    /// From the key to the empty screen.
    pub gone_ms: [f64; 3],
    /// How many were later than the limit.
    pub late: usize,
    /// Each by itself.
    pub rounds: Vec<Revoked>,
}

impl Revocations {
    /// On a line of this round trip.
    pub fn of(rounds: Vec<Revoked>, round_trip_ms: f64) -> Self {
        let limit_ms = round_trip_ms + 50.0;
        let spread = |value: fn(&Revoked) -> f64| {
            let mut values: Vec<f64> = rounds.iter().map(value).collect();
            values.sort_by(f64::total_cmp);
            [0.5, 0.95, 1.0].map(|share| rank(&values, share))
        };
        Self {
            limit_ms,
            told_ms: spread(|round| round.told_ms),
            gone_ms: spread(|round| round.gone_ms),
            late: rounds
                .iter()
                .filter(|round| round.gone_ms > limit_ms)
                .count(),
            rounds,
        }
    }

    /// Nothing may pass afterwards, and the picture must be gone in time.
    pub fn claims(&self) -> Vec<Claim> {
        let claim = |what, ours: f64, bound: f64| Claim {
            must: true,
            row: Row::Revoked,
            what,
            system: System::Recorded,
            ours,
            bound,
            peer: None,
            holds: ours <= bound,
        };
        let after: usize = self.rounds.iter().map(|round| round.frames_after).sum();
        vec![
            claim("captured afterwards", after as f64, 0.0),
            claim("picture gone p95, ms", self.gone_ms[1], self.limit_ms),
            // Not a must: a rights frame whose packet and whose copy are lost comes after QUIC has probed.
            Claim {
                must: false,
                ..claim("picture gone later than that", self.late as f64, 0.0)
            },
        ]
    }

    /// For people.
    pub fn table(&self) -> String {
        let three = |[p50, p95, most]: [f64; 3]| format!("{p50:.0} | {p95:.0} | {most:.0} ms");
        let sum = |value: fn(&Revoked) -> usize| self.rounds.iter().map(value).sum::<usize>();
        format!(
            "\n{} revocations during motion, p50 | p95 | max: rights frame behind the line {}, picture gone {}; {} later than {:.0} ms;\n  \
             under way {}, cancelled {}, captured afterwards {}\n",
            self.rounds.len(),
            three(self.told_ms),
            three(self.gone_ms),
            self.late,
            self.limit_ms,
            sum(|round| round.open),
            sum(|round| round.reset),
            sum(|round| round.frames_after),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_that_stays_does_not_hold() {
        let round = |gone_ms, frames_after| Revoked {
            told_ms: 60.0,
            gone_ms,
            lost: [0; 2],
            frames_after,
            open: 1,
            reset: 1,
        };
        let held = |rounds: Vec<Revoked>| {
            let claims = Revocations::of(rounds, 80.0).claims();
            claims.iter().map(|claim| claim.holds).collect::<Vec<_>>()
        };
        assert_eq!(held(vec![round(130.0, 0); 20]), [true, true, true]);
        assert_eq!(held(vec![round(131.0, 0); 20]), [true, false, false]);
        assert_eq!(
            held(vec![round(70.0, 0), round(70.0, 1)]),
            [false, true, true]
        );
    }
}
