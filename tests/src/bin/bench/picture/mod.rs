//! The picture: ours beside programs that could be used instead, on the same machine, in turns.
//!
//! ```text
//! customer's screen                              technician's screen
//! player draws, with numbers ─► system ─► … ─►   watch sees the numbers, reads pixels
//! ```
//! [`fernsicht_tests::show`] draws, [`rows`] are the stories, [`looks`] and [`watch`] see the numbers;
//! [`systems`] raises who is measured, [`rig`] counts what that costs, [`breakdown`] says where the time of a change
//! goes, [`revoked`] takes sight away while everything moves. What is reckoned and judged is in the library ([`fernsicht_tests::measure`]). Method and figures:
//! docs/performance.md.

mod breakdown;
mod looks;
mod revoked;
mod rig;
mod rows;
mod systems;
mod watch;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Result, ensure};
use fernsicht_tests::dice::Dice;
use fernsicht_tests::measure::{self, Entry, Figures, Line, Row, Run, System};
use fernsicht_tests::net::{self, Resident, Streets};
use fernsicht_tests::programs::Programs;
use fernsicht_tests::show::material::Material;

use crate::say;
use rows::Lengths;

/// What is wanted.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Picture: only these rows.
    #[arg(long, value_enum, value_delimiter = ',')]
    rows: Vec<Row>,
    /// Picture: only these systems (ours are measured always).
    #[arg(long, value_enum, value_delimiter = ',')]
    peers: Option<Vec<System>>,
    /// Picture: how often each system is raised.
    #[arg(long, default_value_t = 2)]
    picture_turns: usize,
    /// Picture: seconds of each row, as near as its steps allow.
    #[arg(long, default_value_t = 5)]
    row_seconds: u64,
    /// Picture: seconds of the idle row. An operator may want ten minutes.
    #[arg(long, default_value_t = 60)]
    idle_seconds: u64,
    /// Picture: minutes of the row that lasts, which is played only if it is named.
    #[arg(long, default_value_t = 10)]
    lasting_minutes: u64,
    /// Picture: how often sight is revoked in the row of that name, which is played only if it is named.
    #[arg(long, default_value_t = 20)]
    revocations: usize,
    /// Picture: over this line.
    #[arg(long, value_enum, default_value = "cable")]
    line: Line,
    /// Picture: where its figures go.
    #[arg(long, value_name = "FILE")]
    picture_output: Option<PathBuf>,
    /// Picture: keeps what both screens show before the first row.
    #[arg(long, value_name = "FOLDER")]
    photographs: Option<PathBuf>,
}

/// Measures everything. Errors: something must hold and does not, after the table was printed.
pub(crate) fn measure(programs: &Programs, folder: &Path, options: &Options) -> Result<()> {
    ensure!(
        net::possible()?,
        "the picture is measured in networks of our own, which only root can make"
    );
    ensure!(
        (1..=60).contains(&options.row_seconds),
        "rows take 1 to 60 seconds"
    );
    let material = Material::make(folder, systems::SIZE)?;
    let rows: Vec<Row> = match options.rows.is_empty() {
        true => options.line.rows(),
        false => options.rows.clone(),
    };
    let wanted = |system: &System| {
        let peers = options.peers.as_ref();
        system.ours() || peers.is_none_or(|peers| peers.contains(system))
    };
    let systems: Vec<System> = System::ALL.into_iter().filter(wanted).collect();
    let all = Set {
        programs,
        place: folder,
        material: &material,
        rows: &rows,
        options,
    };
    let before = load_average();
    let mut runs: Vec<(Row, System, Run)> = Vec::new();
    let mut failures = Vec::new();
    for turn in 0..options.picture_turns {
        for system in measure::order(&systems, turn) {
            say(&format!("Turn {}: {}.", turn + 1, system.name()));
            let place = folder.join(format!("{turn}-{system:?}"));
            std::fs::create_dir_all(&place)?;
            // Nothing happens in the idle row, so once is enough.
            let rows: Vec<Row> = rows
                .iter()
                .copied()
                .filter(|row| turn == 0 || *row != Row::Idle)
                .filter(|row| *row != Row::Revoked)
                // Minutes each: nobody is compared with.
                .filter(|row| *row != Row::Lasting || (turn == 0 && system.ours()))
                .collect();
            if rows.is_empty() {
                continue;
            }
            let set = Set {
                place: &place,
                rows: &rows,
                ..all
            };
            // What was measured before it failed stays.
            if let Err(error) = set.run(system, &mut runs) {
                failures.push(format!("{}: {error:#}", system.name()));
            }
        }
    }
    let mut figures = summary(options, before, runs, failures);
    let told = [Row::Patch, Row::Key, Row::Flip, Row::Page];
    let idle = rows.contains(&Row::Idle);
    if options.line == Line::Cable && (idle || rows.iter().any(|row| told.contains(row))) {
        say("Where the time of a change goes, and rest with control off.");
        let place = folder.join("breakdown");
        std::fs::create_dir_all(&place)?;
        let set = Set {
            place: &place,
            ..all
        };
        match breakdown::measure(&set, idle) {
            Ok((breakdowns, claims)) => {
                figures.breakdowns = breakdowns;
                figures.claims.extend(claims);
            }
            Err(error) => figures.failures.push(format!("breakdown: {error:#}")),
        }
    }
    if rows.contains(&Row::Revoked) {
        say("Revocations while the whole screen moves.");
        let place = folder.join("revoked");
        std::fs::create_dir_all(&place)?;
        let set = Set {
            place: &place,
            ..all
        };
        match revoked::measure(&set, options.revocations) {
            Ok(revocations) => {
                figures.claims.extend(revocations.claims());
                figures.revocations = Some(revocations);
            }
            Err(error) => figures.failures.push(format!("revocations: {error:#}")),
        }
    }
    let output = options.picture_output.clone();
    figures.write(&output.unwrap_or_else(|| options.line.output()))?;
    say(&figures.table());
    figures.check()
}

/// One system in one turn.
#[derive(Clone, Copy)]
struct Set<'a> {
    programs: &'a Programs,
    place: &'a Path,
    material: &'a Material,
    rows: &'a [Row],
    options: &'a Options,
}

impl Set<'_> {
    fn run(&self, system: System, runs: &mut Vec<(Row, System, Run)>) -> Result<()> {
        let streets = Arc::new(build(self.options.line)?);
        let prepared = systems::Prepared::new(system, self.programs, self.place, &streets)?;
        if let Some(how) = self.options.line.impairment() {
            // From before the session, as in life; the technician's line stays good.
            streets.line(Resident::Customer).impair(how);
        }
        let inside = Arc::clone(&streets);
        streets.operator.enter(move || {
            let rig = prepared.raise(system, self.place, inside)?;
            if let Some(folder) = &self.options.photographs {
                rig.photograph(folder)?;
            }
            let lengths = Lengths {
                seconds: self.options.row_seconds,
                idle_seconds: self.options.idle_seconds,
                minutes: self.options.lasting_minutes,
                patient: self.options.line != Line::Cable,
            };
            let mut failures = Vec::new();
            for row in self.rows {
                match rows::play(*row, &rig, self.material, lengths) {
                    Ok(Some(run)) => runs.push((*row, system, run)),
                    Ok(None) => {}
                    Err(error) => failures.push(format!("{row:?}: {error:#}")),
                }
            }
            ensure!(failures.is_empty(), "{}", failures.join("; "));
            Ok(())
        })
    }
}

fn summary(
    options: &Options,
    before: String,
    runs: Vec<(Row, System, Run)>,
    failures: Vec<String>,
) -> Figures {
    let mut rows = Vec::new();
    for row in Row::ALL {
        for system in System::ALL {
            let turns: Vec<Run> = runs
                .iter()
                .filter(|run| (run.0, run.1) == (row, system))
                .map(|run| run.2.clone())
                .collect();
            if !turns.is_empty() {
                rows.push(Entry::of(row, system, turns));
            }
        }
    }
    // 0.1 s in ten minutes.
    let idle_limit_s = 0.1 * options.idle_seconds as f64 / 600.0;
    let mut claims = match options.line {
        Line::Cable => measure::claims(&rows, idle_limit_s),
        Line::Thin | Line::Narrow | Line::Long => measure::claims_on(options.line, &rows),
    };
    for entry in &rows {
        let lasting = entry.runs.iter().filter_map(|run| run.lasting.as_ref());
        claims.extend(lasting.flat_map(|lasting| lasting.claims(entry.row, entry.system)));
    }
    Figures {
        method: METHOD,
        line: options.line.words(),
        versions: versions(),
        turns: options.picture_turns,
        load_average: [before, load_average()],
        claims,
        breakdowns: Vec::new(),
        revocations: None,
        rows,
        failures,
    }
}

fn build(line: Line) -> Result<Streets> {
    match line.impairment() {
        None => Streets::cabled(),
        Some(_) => Streets::build(&mut Dice::from_seed(6)),
    }
}

fn versions() -> Vec<String> {
    let of = |package: &str| {
        let output = Command::new("dpkg-query")
            .args(["-W", package])
            .output()
            .ok()?;
        let words = String::from_utf8_lossy(&output.stdout)
            .trim()
            .replace('\t', " ");
        (!words.is_empty()).then_some(words)
    };
    let packages = [
        "tigervnc-scraping-server",
        "tigervnc-viewer",
        "xpra",
        "xvfb",
        "libgl1-mesa-dri",
    ];
    let ours = concat!("fernsicht ", env!("CARGO_PKG_VERSION")).to_owned();
    std::iter::once(ours)
        .chain(packages.into_iter().filter_map(of))
        .collect()
}

fn load_average() -> String {
    std::fs::read_to_string("/proc/loadavg")
        .unwrap_or_default()
        .trim()
        .to_owned()
}

const METHOD: &str = "docs/performance.md, The picture. Latency: from drawing (Key: pressing) on one virtual screen to the pixels on \
                      the other, one clock. App bytes: ours picture, refinement and pointer frames with headers and tags, as recorded; \
                      peers' what TCP delivered. Wire bytes: what left the customer's interface. CPU: user and system.";
