//! What came of it: percentiles and medians, the table, the JSON, and whether what must hold holds.

use std::path::Path;

use anyhow::{Result, ensure};
use serde::Serialize;

use super::{Breakdown, Claim, Revocations, Role, Row, Run, System, median, rank};

/// Everything of one run of the benchmark.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// How it was measured, in short.
    pub method: &'static str,
    /// What stood between the two screens.
    pub line: &'static str,
    /// Of all programs and of what draws.
    pub versions: Vec<String>,
    /// How often each system was raised.
    pub turns: usize,
    /// Load of the machine before and after, of all that ran on it.
    pub load_average: [String; 2],
    /// All figures.
    pub rows: Vec<Entry>,
    /// What must hold, and what is aimed at.
    pub claims: Vec<Claim>,
    /// Where the time of a change goes, by row.
    pub breakdowns: Vec<Breakdown>,
    /// F11 while the whole screen moves.
    pub revocations: Option<Revocations>,
    /// Systems that could not be measured, and why.
    pub failures: Vec<String>,
}

/// One row of one system.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// What was played.
    pub row: Row,
    /// Who carried it.
    pub system: System,
    /// Of all turns together; none in rows that do not rest.
    pub latency_ms: Option<Quantiles>,
    /// Changes that were drawn.
    pub drawn: usize,
    /// Of those, the ones that were seen.
    pub seen: usize,
    /// The same in a second, the median of the turns.
    pub seen_per_s: f64,
    /// Between two changes that were seen.
    pub gap_ms: Option<Quantiles>,
    /// From the last change until it was seen, the slowest turn. None: it was not seen in one.
    pub last_ms: Option<f64>,
    /// From the last change until both screens were the same, the slowest turn. None: they never were in one.
    pub exact_ms: Option<f64>,
    /// Medians of the turns.
    pub app_bytes: Option<f64>,
    /// What left the customer's computer.
    pub customer_wire_bytes: f64,
    /// What came to the technician's.
    pub technician_wire_bytes: f64,
    /// Of agent or server.
    pub server_cpu_s: f64,
    /// Of the relay, if there is one.
    pub relay_cpu_s: f64,
    /// Of console or viewer.
    pub viewer_cpu_s: f64,
    /// Of both X servers.
    pub screens_cpu_s: f64,
    /// So long a turn took.
    pub seconds: f64,
    /// The worst turn.
    pub differing_pixels: usize,
    /// Each turn by itself.
    pub runs: Vec<Run>,
}

/// Two ranks of a row of values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quantiles {
    /// Half are not above it.
    pub p50: f64,
    /// All but a twentieth are not above it.
    pub p95: f64,
}

impl Quantiles {
    /// Of these values. None: there are none.
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        (!values.is_empty()).then(|| Self {
            p50: rank(&values, 0.5),
            p95: rank(&values, 0.95),
        })
    }
}

impl Entry {
    /// `runs` are its turns; there is one at least.
    pub fn of(row: Row, system: System, runs: Vec<Run>) -> Self {
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

    /// Median latency, where what was never seen is later than everything. None: nothing was drawn.
    pub fn latency_of_all_ms(&self) -> Option<f64> {
        let mut all: Vec<f64> = self
            .runs
            .iter()
            .flat_map(|run| run.latencies_ms.clone())
            .collect();
        all.resize(self.drawn.max(all.len()), f64::INFINITY);
        Some(Quantiles::of(all)?.p50)
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

impl Figures {
    /// Writes them as JSON, with the file's folder.
    pub fn write(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, serde_json::to_string_pretty(self)? + "\n")?;
        Ok(())
    }

    /// For people.
    pub fn table(&self) -> String {
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
                for lasting in entry.runs.iter().filter_map(|run| run.lasting.as_ref()) {
                    out += &lasting.table();
                }
            }
        }
        for breakdown in &self.breakdowns {
            out += &breakdown.table();
        }
        if let Some(revocations) = &self.revocations {
            out += &revocations.table();
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
                "{word:20} {:8} {:28} {:20} {:>12} against {:>12} {peer}\n",
                format!("{:?}", claim.row),
                claim.what,
                claim.system.name(),
                short(claim.ours),
                short(claim.bound)
            );
            out += &self.lost_to(claim).unwrap_or_default();
        }
        for failure in &self.failures {
            out += &format!("not measured: {failure}\n");
        }
        out
    }

    /// Where that goes which is missing in a claim that does not hold: threads, or classes of frames. Latency has
    /// [`Self::breakdowns`].
    fn lost_to(&self, claim: &Claim) -> Option<String> {
        let of_it = |entry: &&Entry| (entry.row, entry.system) == (claim.row, claim.system);
        let entry = (!claim.holds).then(|| self.rows.iter().find(of_it))??;
        let run = entry.runs.first()?;
        let words: Vec<String> = match claim.what {
            what if what.contains("CPU") => {
                let role = match what {
                    what if what.contains("relay") => Role::Relay,
                    what if what.contains("console") => Role::Viewer,
                    _ => Role::Server,
                };
                let threads = run.cost.threads_s.get(&role)?.iter();
                let mut threads: Vec<_> = threads.filter(|(_, s)| **s > 5e-5).collect();
                threads.sort_by(|a, b| b.1.total_cmp(a.1));
                let line = |(name, s): (&String, &f64)| format!("{name} {:.1} ms", s * 1e3);
                threads.into_iter().map(line).collect()
            }
            what if what.contains("bytes") => {
                let line = |(class, frames): (&&str, &super::Frames)| {
                    format!("{} {class} frames {} B", frames.count, frames.bytes)
                };
                run.cost.frames.iter().map(line).collect()
            }
            _ => return None,
        };
        Some(format!(
            "{:20}   of it, first turn: {}\n",
            "",
            words.join(", ")
        ))
    }

    /// Errors: something that must hold does not.
    pub fn check(&self) -> Result<()> {
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

/// A figure as people read it: with more digits where it is small.
fn short(value: f64) -> String {
    match value.abs() {
        small if small > 0.0 && small < 0.1 => format!("{value:.4}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::{Cost, claims};
    use super::*;

    pub(in crate::measure) fn entry(
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
            latencies_ms: vec![p50; 10],
            gaps_ms: vec![10.0, 10.0, 30.0],
            played_s: 1.0,
            last_ms: Some(p50),
            cost: Cost {
                seconds: 2.0,
                cpu_s: [(Role::Server, cpu)].into(),
                threads_s: [(Role::Server, [("picture".to_owned(), cpu)].into())].into(),
                app_bytes: (system != System::Looked).then_some(bytes),
                frames: Default::default(),
                customer_wire_bytes: bytes,
                technician_wire_bytes: bytes,
            },
            differing_pixels,
            exact_ms: Some(1000.0),
            lasting: None,
        };
        Entry::of(row, system, vec![run])
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
    fn figures_are_written_with_their_claims_and_decide() {
        let rows = vec![entry(Row::Idle, System::Looked, 1.0, 0, 0.02, 0)];
        let mut figures = Figures {
            method: "",
            line: "",
            versions: Vec::new(),
            turns: 1,
            load_average: Default::default(),
            claims: claims(&rows, 0.01),
            breakdowns: Vec::new(),
            revocations: None,
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
        assert!(
            figures
                .table()
                .contains("of it, first turn: picture 20.0 ms")
        );
        figures.claims.retain(|claim| claim.holds);
        assert!(figures.check().is_ok());
        figures.failures.push("xpra".to_owned());
        assert!(figures.check().is_err());
    }
}
