//! `make torture`: what is promised, tried for as long as it takes, under hostile people and bad networks.
//!
//! ```text
//! items ─► one after the other, each by itself ─► target/torture/summary.json, one table
//! ```
//! Each item states runs, failures, what it measured and read, and its seeds; FERNSICHT_DICE repeats one.
//! An item whose subject does not exist yet is *absent*, which is neither passed nor failed.
//!
//! What is quick of all this is tried by `make test` as well.

mod command;
mod corrupt;
mod flood;
mod item;
mod items;
mod keyboard;
mod networks;
mod screens;
mod summary;
mod transfer;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail, ensure};
use clap::Parser;
use fernsicht_tests::programs::Programs;

use item::Context;
use summary::Summary;

/// Tries at length what must hold, with the real programs.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only these items; what others found before stays in the summary.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Names the items and ends.
    #[arg(long)]
    list: bool,
    /// Where the summary goes, and whatever else the items leave behind.
    #[arg(long, value_name = "FOLDER", default_value = "target/torture")]
    output: PathBuf,
    /// Attempts at pairing in the flood.
    #[arg(long, default_value_t = 10_000)]
    attempts: u32,
    /// Attempts a second.
    #[arg(long, default_value_t = 200)]
    per_second: u32,
    /// Connections of each siege.
    #[arg(long, default_value_t = 2_000)]
    connections: usize,
    /// Kills of the relay under load.
    #[arg(long, default_value_t = 200)]
    kills: u32,
    /// Matrices of keyboard layouts.
    #[arg(long, default_value_t = 20)]
    matrices: u32,
    /// Minutes with a console that draws areas wrong.
    #[arg(long, default_value_t = 6)]
    corrupt_minutes: u64,
    /// Schedules of the model.
    #[arg(long, default_value_t = 1_000_000)]
    schedules: u64,
    /// Executions of each fuzz target. Ten million take the slowest ones hours.
    #[arg(long, default_value_t = 100_000)]
    fuzz_runs: u64,
    /// Without what takes a quarter of an hour by the clock.
    #[arg(long)]
    short: bool,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("torture: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    let mut chosen = items::all();
    for name in &arguments.only {
        ensure!(
            chosen.iter().any(|item| item.name == name),
            "there is no item {name:?}; --list names them"
        );
    }
    chosen.retain(|item| {
        arguments.only.is_empty() || arguments.only.iter().any(|name| name == item.name)
    });
    if arguments.list {
        for item in &chosen {
            say(&format!("{:20}  {}", item.name, item.about));
        }
        return Ok(());
    }
    let mut summary = match arguments.only.is_empty() {
        true => Summary::default(),
        false => Summary::read(&arguments.output)?,
    };
    let context = Context {
        programs: Programs::find()?,
        output: arguments.output,
        attempts: arguments.attempts,
        per_second: arguments.per_second,
        connections: arguments.connections,
        kills: arguments.kills,
        matrices: arguments.matrices,
        corrupt_minutes: arguments.corrupt_minutes,
        schedules: arguments.schedules,
        fuzz_runs: arguments.fuzz_runs,
        short: arguments.short,
    };
    for item in chosen {
        say(&format!("{}: {}", item.name, item.about));
        let entry = item.go(&context);
        for failure in &entry.failed {
            say(&format!("  FAILED: {failure}"));
        }
        // After each, so that what was found is there if the next one never ends.
        summary.put(entry);
        summary.write(&context.output)?;
    }
    say(&summary.table());
    match summary.failed() {
        0 => Ok(()),
        failed => bail!("{failed} items do not hold"),
    }
}

/// A line for whoever watches.
#[expect(
    clippy::print_stderr,
    reason = "the torture speaks to the person who started it"
)]
fn say(line: &str) {
    eprintln!("{line}");
}
