//! What came of it: percentiles and medians, the table, the JSON, and whether what must hold holds.

use std::path::Path;

use anyhow::{Result, ensure};
use serde::Serialize;

use super::rig::{Role, System};
use super::rows::{Row, Run};
use crate::table::{median, rank};

/// Everything of one run of the benchmark.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) method: &'static str,
    /// What stood between the two screens.
    pub(crate) line: &'static str,
    pub(crate) versions: Vec<String>,
    pub(crate) turns: usize,
    /// Load of the machine before and after, of all that ran on it.
    pub(crate) load_average: [String; 2],
    pub(crate) rows: Vec<Entry>,
    pub(crate) claims: Vec<Claim>,
    /// Systems that could not be measured, and why.
    pub(crate) failures: Vec<String>,
}

/// One row of one system.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    pub(crate) row: Row,
    pub(crate) system: System,
    /// Of all turns together; none in rows that do not rest.
    pub(crate) latency_ms: Option<Quantiles>,
    pub(crate) drawn: usize,
    pub(crate) seen: usize,
    pub(crate) seen_per_s: f64,
    pub(crate) gap_ms: Option<Quantiles>,
    /// From the last change until it was seen, the slowest turn. None: it was not seen in one.
    pub(crate) last_ms: Option<f64>,
    /// From the last change until both screens were the same, the slowest turn. None: they never were in one.
    pub(crate) exact_ms: Option<f64>,
    /// Medians of the turns.
    pub(crate) app_bytes: Option<f64>,
    pub(crate) customer_wire_bytes: f64,
    pub(crate) technician_wire_bytes: f64,
    pub(crate) server_cpu_s: f64,
    pub(crate) relay_cpu_s: f64,
    pub(crate) viewer_cpu_s: f64,
    /// Of both X servers.
    pub(crate) screens_cpu_s: f64,
    pub(crate) seconds: f64,
    /// The worst turn.
    pub(crate) differing_pixels: usize,
    pub(crate) runs: Vec<Run>,
}

/// Half of them are below the first, all but a twentieth below the second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Quantiles {
    pub(crate) p50: f64,
    pub(crate) p95: f64,
}

impl Quantiles {
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        (!values.is_empty()).then(|| Self {
            p50: rank(&values, 0.5),
            p95: rank(&values, 0.95),
        })
    }
}

impl Entry {
    /// `runs` are its turns; there is one at least.
    pub(crate) fn of(row: Row, system: System, runs: Vec<Run>) -> Self {
        let all = |values: fn(&Run) -> &Vec<f64>| -> Vec<f64> {
            runs.iter().flat_map(|run| values(run).clone()).collect()
        };
        let middle = |value: &dyn Fn(&Run) -> f64| median(runs.iter().map(value).collect());
        let cpu =
            |role: Role| middle(&|run| run.cost.cpu_s.get(&role).copied().unwrap_or_default());
        let app: Option<Vec<f64>> = runs
            .iter()
            .map(|run| run.cost.app_bytes.map(|bytes| bytes as f64))
            .collect();
        let slowest = |value: fn(&Run) -> Option<f64>| {
            let all: Option<Vec<f64>> = runs.iter().map(value).collect();
            all.and_then(|all| all.into_iter().max_by(f64::total_cmp))
        };
        Self {
            row,
            system,
            latency_ms: Quantiles::of(all(|run| &run.latencies_ms)),
            drawn: runs.iter().map(|run| run.drawn).sum(),
            seen: runs.iter().map(|run| run.seen).sum(),
            seen_per_s: middle(&|run| match run.played_s > 0.0 {
                true => run.seen as f64 / run.played_s,
                false => 0.0,
            }),
            gap_ms: Quantiles::of(all(|run| &run.gaps_ms)),
            last_ms: slowest(|run| run.last_ms),
            exact_ms: slowest(|run| run.exact_ms),
            app_bytes: app.map(median),
            customer_wire_bytes: middle(&|run| run.cost.customer_wire_bytes as f64),
            technician_wire_bytes: middle(&|run| run.cost.technician_wire_bytes as f64),
            server_cpu_s: cpu(Role::Server),
            relay_cpu_s: cpu(Role::Relay),
            viewer_cpu_s: cpu(Role::Viewer),
            screens_cpu_s: cpu(Role::CustomerScreen) + cpu(Role::TechnicianScreen),
            seconds: middle(&|run| run.cost.seconds),
            differing_pixels: runs
                .iter()
                .map(|run| run.differing_pixels)
                .max()
                .unwrap_or_default(),
            runs,
        }
    }

    fn line(&self) -> String {
        let time = match (self.row, self.latency_ms) {
            (Row::Idle, _) => format!("{:.0} s", self.seconds),
            (Row::Cat, _) => match self.last_ms {
                Some(ms) => format!("last line after {ms:.0} ms, {:.1}/s", self.seen_per_s),
                None => "the last line never came".to_owned(),
            },
            (row, Some(latency)) if row.rests() => {
                format!("{:.1} | {:.1} ms", latency.p50, latency.p95)
            }
            (_, _) => match self.gap_ms {
                Some(gap) => format!(
                    "{:.1}/s, gaps {:.0} | {:.0} ms",
                    self.seen_per_s, gap.p50, gap.p95
                ),
                None => "nothing was seen".to_owned(),
            },
        };
        let missing = self.drawn - self.seen;
        let missing = match self.row.rests() && missing > 0 {
            true => format!(" ({missing} of {} unseen)", self.drawn),
            false => String::new(),
        };
        let kb = |bytes: f64| format!("{:.1}", bytes / 1e3);
        format!(
            "  {:22} {:38} {:>9} {:>9}  {:6.2} {:6.2} {:6.2} {:6.2}  {:>8}{}",
            self.system.name(),
            time + &missing,
            self.app_bytes.map_or("–".to_owned(), kb),
            kb(self.customer_wire_bytes),
            self.server_cpu_s,
            self.relay_cpu_s,
            self.viewer_cpu_s,
            self.screens_cpu_s,
            self.differing_pixels,
            match self.exact_ms {
                Some(ms) if self.differing_pixels > 0 => format!(", exact after {ms:.0} ms"),
                Some(_) | None => String::new(),
            }
        )
    }
}

/// Something that must hold, or that is an aim.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Claim {
    pub(crate) must: bool,
    pub(crate) row: Row,
    pub(crate) what: &'static str,
    pub(crate) system: System,
    pub(crate) ours: f64,
    /// Where ours must be at most, or at least.
    pub(crate) bound: f64,
    /// Whose figure the bound comes from.
    pub(crate) peer: Option<System>,
    pub(crate) holds: bool,
}

/// Compares ours with the best peer of the same run, row by row.
pub(crate) fn claims(rows: &[Entry], idle_limit_s: f64) -> Vec<Claim> {
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
            && let Some(mine) = ours.latency_ms
            && let Some((best, peer)) = least(&peers, |entry| entry.latency_ms.map(|q| q.p50))
        {
            let at = |part: f64| (best * part, Some(peer));
            out.push(claim(
                true,
                "latency p50, ms",
                mine.p50,
                at(1.0),
                mine.p50 < best,
            ));
            out.push(claim(
                false,
                "latency p50, half",
                mine.p50,
                at(0.5),
                mine.p50 <= best / 2.0,
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

impl Figures {
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, serde_json::to_string_pretty(self)? + "\n")?;
        Ok(())
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let mut out = format!(
            "{:64} {:>9} {:>9}  {:>27}  {:>8}\n{:64} {:>9} {:>9}  {:>6} {:>6} {:>6} {:>6}  {:>8}\n",
            "",
            "kB, own",
            "kB, wire",
            "CPU seconds",
            "pixels",
            "",
            "",
            "",
            "server",
            "relay",
            "viewer",
            "screens",
            "differ"
        );
        for row in Row::ALL {
            let entries: Vec<&Entry> = self.rows.iter().filter(|entry| entry.row == row).collect();
            if entries.is_empty() {
                continue;
            }
            out += &format!("{row:?}\n");
            for entry in entries {
                out += &(entry.line() + "\n");
            }
        }
        out += "\n";
        for claim in &self.claims {
            let word = match (claim.holds, claim.must) {
                (true, _) => "holds",
                (false, true) => "MUST, does not hold",
                (false, false) => "aim, not reached",
            };
            let peer = claim.peer.map_or("", System::name);
            out += &format!(
                "{word:20} {:8} {:28} {:20} {:>12.2} against {:>12.2} {peer}\n",
                format!("{:?}", claim.row),
                claim.what,
                claim.system.name(),
                claim.ours,
                claim.bound
            );
        }
        for failure in &self.failures {
            out += &format!("not measured: {failure}\n");
        }
        out
    }

    /// Errors: something that must hold does not.
    pub(crate) fn check(&self) -> Result<()> {
        let failed = self
            .claims
            .iter()
            .filter(|claim| claim.must && !claim.holds)
            .count();
        ensure!(failed == 0, "{failed} figures that must hold do not");
        ensure!(self.failures.is_empty(), "{}", self.failures.join("; "));
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::rig::Cost;
    use super::*;

    fn entry(
        row: Row,
        system: System,
        p50: f64,
        bytes: u64,
        cpu: f64,
        differing_pixels: usize,
    ) -> Entry {
        let run = Run {
            drawn: 10,
            seen: 10,
            latencies_ms: vec![p50; 3],
            gaps_ms: vec![10.0, 10.0, 30.0],
            played_s: 1.0,
            last_ms: Some(p50),
            cost: Cost {
                seconds: 2.0,
                cpu_s: [(Role::Server, cpu)].into(),
                app_bytes: (system != System::Looked).then_some(bytes),
                customer_wire_bytes: bytes,
                technician_wire_bytes: bytes,
            },
            differing_pixels,
            exact_ms: Some(1000.0),
        };
        Entry::of(row, system, vec![run])
    }

    fn failed(rows: &[Entry]) -> Vec<(&'static str, System)> {
        let claims = claims(rows, 0.01);
        let failed = claims.iter().filter(|claim| !claim.holds);
        failed.map(|claim| (claim.what, claim.system)).collect()
    }

    #[test]
    fn percentiles_are_of_all_turns_and_costs_are_medians() {
        assert_eq!(Quantiles::of(Vec::new()), None);
        let hundred = (1..=100).rev().map(f64::from).collect();
        assert_eq!(
            Quantiles::of(hundred),
            Some(Quantiles {
                p50: 50.0,
                p95: 95.0
            })
        );
        let runs = [(1.0, 5), (2.0, 900), (9.0, 7)].map(|(ms, bytes)| {
            entry(Row::Patch, System::X0, ms, bytes, 0.0, bytes as usize)
                .runs
                .remove(0)
        });
        let entry = Entry::of(Row::Patch, System::X0, runs.to_vec());
        assert_eq!(entry.latency_ms, Some(Quantiles { p50: 2.0, p95: 9.0 }));
        assert_eq!(
            (entry.app_bytes, entry.differing_pixels, entry.drawn),
            (Some(7.0), 900, 30)
        );
        let mut runs = runs.to_vec();
        runs[1].last_ms = None;
        runs[1].cost.app_bytes = None;
        let entry = Entry::of(Row::Patch, System::X0, runs);
        assert_eq!((entry.last_ms, entry.app_bytes), (None, None));
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
    fn a_film_cannot_have_more_pictures_than_it_has() {
        let mut rows = vec![
            entry(Row::Video, System::Recorded, 1.0, 1, 0.0, 0),
            entry(Row::Video, System::X0, 1.0, 1, 0.0, 0),
        ];
        (rows[0].seen_per_s, rows[1].seen_per_s) = (24.0, 24.0);
        let words: Vec<_> = failed(&rows).into_iter().map(|claim| claim.0).collect();
        assert_eq!(words, ["gaps p95, twice the median"]);
    }

    #[test]
    fn figures_are_written_with_their_claims_and_decide() {
        let rows = vec![entry(Row::Idle, System::Looked, 1.0, 0, 0.02, 0)];
        let mut figures = Figures {
            method: "",
            line: "",
            versions: Vec::new(),
            turns: 1,
            load_average: Default::default(),
            claims: claims(&rows, 0.01),
            rows,
            failures: Vec::new(),
        };
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("below/picture.json");
        figures.write(&path).expect("writes");
        let text = std::fs::read_to_string(path).expect("reads");
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["rows"][0]["system"], "looked");
        assert_eq!(value["claims"][1]["holds"], false);
        assert!(figures.check().is_err());
        assert!(figures.table().contains("MUST, does not hold"));
        figures.claims.retain(|claim| claim.holds);
        assert!(figures.check().is_ok());
        figures.failures.push("xpra".to_owned());
        assert!(figures.check().is_err());
    }
}
