//! `make bench`: what recording costs the relay, how fast a recording opens, how much it weighs.
//!
//! ```text
//! relay    the real relay between two clients, the same frames with and without a recording, in turns
//! hour     an hour of work, made of real pictures through the real encoder, on a clock that is pushed forward
//! opening  that hour: AEAD alone, verification and opening, first picture, seeks
//! ```
//! Method and figures: docs/performance.md. Prints one table and writes `target/bench/recorder.json`.

mod hour;
mod opening;
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
    #[arg(
        long,
        value_name = "FILE",
        default_value = "target/bench/recorder.json"
    )]
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
    let programs = Programs::find()?;
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let mut figures = table::Figures::default();
    relay::measure(
        &programs,
        folder.path(),
        arguments.megabytes,
        arguments.turns,
        &mut figures,
    )?;
    let hour = hour::make(folder.path(), arguments.minutes, &mut figures)?;
    opening::measure(&hour, &mut figures)?;
    figures.write(&arguments.output)?;
    say(&figures.table());
    figures.check()
}

/// A line for whoever watches.
#[expect(
    clippy::print_stderr,
    reason = "the benchmark speaks to the person who started it"
)]
fn say(line: &str) {
    eprintln!("{line}");
}
