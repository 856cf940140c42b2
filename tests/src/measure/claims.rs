//! What must hold, and what is aimed at: ours against the best of the others in the same row of the same run.

use serde::Serialize;

use super::{Entry, Row, System};

/// Something that must hold, or that is an aim.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Claim {
    /// True if it must hold; else it is an aim.
    pub must: bool,
    /// The row that it is about.
    pub row: Row,
    /// The figure.
    pub what: &'static str,
    /// Which of ours.
    pub system: System,
    /// Our figure.
    pub ours: f64,
    /// Where ours must be at most, or at least.
    pub bound: f64,
    /// Whose figure the bound comes from.
    pub peer: Option<System>,
    /// True if it does.
    pub holds: bool,
}

/// Compares ours with the best peer of the same run, row by row.
pub fn claims(rows: &[Entry], idle_limit_s: f64) -> Vec<Claim> {
    let mut out = Vec::new();
    for ours in rows.iter().filter(|entry| entry.system.ours()) {
        let peers: Vec<&Entry> = rows
            .iter()
            .filter(|entry| entry.row == ours.row && !entry.system.ours())
            .collect();
        let claim = |must, what, value: f64, bound: (f64, Option<System>), holds| Claim {
            must,
            row: ours.row,
            what,
            system: ours.system,
            ours: value,
            bound: bound.0,
            peer: bound.1,
            holds,
        };
        let differing = ours.differing_pixels as f64;
        out.push(claim(
            true,
            "differing pixels",
            differing,
            (0.0, None),
            ours.differing_pixels == 0,
        ));
        if matches!(ours.row, Row::Patch | Row::Key | Row::Page | Row::Flip)
            && let Some((best, peer)) = least(&peers, Entry::latency_of_all_ms)
        {
            let at = |part: f64| (best * part, Some(peer));
            let mine = ours.latency_of_all_ms().unwrap_or(f64::INFINITY);
            out.push(claim(true, "latency p50, ms", mine, at(1.0), mine < best));
            out.push(claim(
                false,
                "latency p50, half",
                mine,
                at(0.5),
                mine <= best / 2.0,
            ));
        }
        let lossless: Vec<&Entry> = peers
            .iter()
            .copied()
            .filter(|entry| entry.system.lossless())
            .collect();
        if matches!(
            ours.row,
            Row::Typing | Row::Scroll | Row::Drag | Row::Page | Row::Slides | Row::Video
        ) && let Some(mine) = ours.app_bytes
            && let Some((best, peer)) = least(&lossless, |entry| entry.app_bytes)
        {
            if ours.row != Row::Video {
                out.push(claim(true, "bytes", mine, (best, Some(peer)), mine <= best));
            }
            if matches!(ours.row, Row::Scroll | Row::Drag | Row::Video) {
                out.push(claim(
                    false,
                    "bytes, a quarter",
                    mine,
                    (best / 4.0, Some(peer)),
                    mine <= best / 4.0,
                ));
            }
        }
        if matches!(
            ours.row,
            Row::Typing | Row::Scroll | Row::Drag | Row::Page | Row::Idle
        ) && let Some((best, peer)) = least(&peers, |entry| Some(entry.server_cpu_s))
        {
            let mine = ours.server_cpu_s;
            out.push(claim(
                true,
                "agent's CPU, s",
                mine,
                (best, Some(peer)),
                mine <= best,
            ));
        }
        if ours.row == Row::Idle && ours.system == System::Looked {
            for (what, mine) in [
                ("idle: agent's CPU, s", ours.server_cpu_s),
                ("idle: relay's CPU, s", ours.relay_cpu_s),
                ("idle: console's CPU, s", ours.viewer_cpu_s),
            ] {
                out.push(claim(
                    true,
                    what,
                    mine,
                    (idle_limit_s, None),
                    mine < idle_limit_s,
                ));
            }
        }
        if ours.row == Row::Idle
            && let Some(bytes) = ours.app_bytes
        {
            out.push(claim(
                true,
                "picture bytes",
                bytes,
                (0.0, None),
                bytes == 0.0,
            ));
        }
        if matches!(ours.row, Row::Video | Row::Whole) {
            let best = least(&peers, |entry| Some(-entry.seen_per_s));
            if let Some((best, peer)) = best {
                // A film has no more pictures than it has.
                let most = if ours.row == Row::Video {
                    24.0 * 0.98
                } else {
                    60.0 * 0.98
                };
                let bound = (-best * 2.0).min(most);
                let mine = ours.seen_per_s;
                out.push(claim(
                    false,
                    "pictures a second, twice",
                    mine,
                    (bound, Some(peer)),
                    mine >= bound,
                ));
            }
            if let Some(gap) = ours.gap_ms {
                let bound = gap.p50 * 2.0;
                out.push(claim(
                    false,
                    "gaps p95, twice the median",
                    gap.p95,
                    (bound, None),
                    gap.p95 <= bound,
                ));
            }
        }
    }
    out
}

/// The smallest value and whose it is.
fn least(entries: &[&Entry], value: impl Fn(&Entry) -> Option<f64>) -> Option<(f64, System)> {
    let values = entries
        .iter()
        .filter_map(|entry| Some((value(entry)?, entry.system)));
    values.min_by(|a, b| a.0.total_cmp(&b.0))
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::entry;
    use super::*;

    fn failed(rows: &[Entry]) -> Vec<(&'static str, System)> {
        let claims = claims(rows, 0.01);
        let failed = claims.iter().filter(|claim| !claim.holds);
        failed.map(|claim| (claim.what, claim.system)).collect()
    }

    #[test]
    fn the_best_peer_of_the_row_sets_the_bound() {
        let rows = [
            entry(Row::Page, System::Recorded, 60.0, 900, 0.2, 0),
            entry(Row::Page, System::X0, 80.0, 100, 0.3, 500),
            entry(Row::Page, System::XpraLossless, 67.0, 900, 0.4, 0),
            entry(Row::Patch, System::X0, 1.0, 1, 0.0, 0),
        ];
        assert_eq!(failed(&rows), [("latency p50, half", System::Recorded)]);
        let rows = [
            entry(Row::Page, System::Recorded, 68.0, 901, 0.31, 1),
            entry(Row::Page, System::X0, 80.0, 100, 0.3, 500),
            entry(Row::Page, System::XpraLossless, 67.0, 900, 0.4, 0),
        ];
        let words: Vec<_> = failed(&rows).into_iter().map(|claim| claim.0).collect();
        assert_eq!(
            words,
            [
                "differing pixels",
                "latency p50, ms",
                "latency p50, half",
                "bytes",
                "agent's CPU, s"
            ]
        );
    }

    #[test]
    fn what_was_never_seen_is_late() {
        let mut rows = [
            entry(Row::Patch, System::Looked, 1.0, 1, 0.0, 0),
            entry(Row::Patch, System::X0, 80.0, 1, 0.0, 0),
        ];
        assert!(failed(&rows).is_empty());
        rows[0].runs[0].latencies_ms.truncate(5);
        assert!(failed(&rows).is_empty());
        rows[0].runs[0].latencies_ms.truncate(4);
        assert_eq!(failed(&rows).len(), 2);
    }

    #[test]
    fn a_film_cannot_have_more_pictures_than_it_has() {
        let mut rows = vec![
            entry(Row::Video, System::Recorded, 1.0, 1, 0.0, 0),
            entry(Row::Video, System::X0, 1.0, 1, 0.0, 0),
        ];
        (rows[0].seen_per_s, rows[1].seen_per_s) = (24.0, 24.0);
        let words: Vec<_> = failed(&rows).into_iter().map(|claim| claim.0).collect();
        assert_eq!(words, ["gaps p95, twice the median"]);
    }
}
