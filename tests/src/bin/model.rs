//! Runs schedules of the model (`tests/src/model`) and prints one line of JSON. Exits 1 if a promise broke.

use std::process::ExitCode;

use clap::Parser;
use fernsicht_tests::model::{self, Options};
use rand_core::{OsRng, RngCore as _};

/// Both ends and the relay under one fake clock, in random schedules.
#[derive(Debug, Parser)]
struct Args {
    /// How many schedules.
    #[arg(long, default_value_t = 10_000)]
    schedules: u64,
    /// How many at a time.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// The first schedule's seed; another one at every run if it is not given.
    #[arg(long)]
    seed: Option<u64>,
}

#[expect(clippy::print_stdout, reason = "the report is what it is for")]
fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let report = model::run(Options {
        schedules: args.schedules,
        threads: args.threads,
        seed: args
            .seed
            .unwrap_or_else(|| u64::from(OsRng.next_u32()) << 16),
    })?;
    println!("{}", serde_json::to_string(&report)?);
    Ok(match report.failures {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}
