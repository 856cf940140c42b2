//! `make bench`: what the relay and its recorder cost, how fast a recording opens, how much it weighs.
//!
//! ```text
//! relay    the real relay between two clients, the same frames with and without a recording, in turns
//! hour     an hour of work, made of real pictures through the real encoder, on a clock that is pushed forward
//! opening  that hour: AEAD alone, verification and opening, first picture, seeks
//! load     many sessions at once, beside the least that any relay could do
//! picture  everything that a technician sees, with the real programs, beside others in the same run
//! ```
//! Method and figures: docs/performance.md. Prints two tables and writes `target/bench/relay.json` and
//! `target/bench/picture.json`.

mod hour;
mod load;
mod opening;
mod picture;
mod relay;
mod scenes;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use fernsicht_tests::programs::Programs;

/// Measures recordings with the real relay, the real encoder and the auditor's own code.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where the figures go.
    #[arg(long, value_name = "FILE", default_value = "target/bench/relay.json")]
    output: PathBuf,
    /// Megabytes of each run through the relay.
    #[arg(long, default_value_t = 200)]
    megabytes: u64,
    /// Pairs of runs, without and with a recording.
    #[arg(long, default_value_t = 5)]
    turns: usize,
    /// Minutes of the recording that is opened.
    #[arg(long, default_value_t = 60)]
    minutes: u64,
    /// Numbers of sessions under load.
    #[arg(long, value_delimiter = ',', default_value = "1,50,200,500")]
    sessions: Vec<usize>,
    /// How often each load is repeated.
    #[arg(long, default_value_t = 2)]
    load_turns: usize,
    /// Seconds of each load.
    #[arg(long, default_value_t = 6)]
    seconds: u64,
    /// Only this part.
    #[arg(long, value_enum)]
    only: Option<Part>,
    #[command(flatten)]
    picture: picture::Options,
    /// Is a relay that does the least, for a benchmark that started this.
    #[arg(long, value_enum, hide = true)]
    plain: Option<load::plain::Kind>,
}

/// Parts of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// What recording costs the relay.
    Recorder,
    /// How fast a recording opens.
    Opening,
    /// Many sessions at once.
    Load,
    /// The picture, beside others.
    Picture,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("bench: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if let Some(kind) = arguments.plain {
        return load::plain::serve(kind);
    }
    let wanted = |part| arguments.only.is_none_or(|only| only == part);
    let programs = Programs::find()?;
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let mut figures = table::Figures::default();
    if wanted(Part::Recorder) {
        relay::measure(
            &programs,
            folder.path(),
            arguments.megabytes,
            arguments.turns,
            &mut figures,
        )?;
    }
    let mut traces = vec![load::Trace::even()];
    if wanted(Part::Opening) || wanted(Part::Load) {
        let hour = hour::make(folder.path(), arguments.minutes, &mut figures)?;
        if wanted(Part::Opening) {
            opening::measure(&hour, &mut figures)?;
        }
        traces.push(load::Trace::of_recording(&hour.recorded.bytes)?);
    }
    if wanted(Part::Load) {
        let plan = load::Plan {
            sessions: &arguments.sessions,
            seconds: arguments.seconds,
            turns: arguments.load_turns,
        };
        load::measure(&programs, folder.path(), &plan, &traces, &mut figures)?;
    }
    let mut outcome = Ok(());
    if arguments.only != Some(Part::Picture) {
        figures.write(&arguments.output)?;
        say(&figures.table());
        outcome = figures.check();
    }
    if wanted(Part::Picture) {
        let picture = picture::measure(&programs, folder.path(), &arguments.picture);
        outcome = match (outcome, picture) {
            (Err(relay), Err(picture)) => Err(picture.context(relay)),
            (relay, picture) => relay.and(picture),
        };
    }
    outcome
}

/// A line for whoever watches.
#[expect(
    clippy::print_stderr,
    reason = "the benchmark speaks to the person who started it"
)]
fn say(line: &str) {
    eprintln!("{line}");
}
