//! What an item is: a name, a sentence, and something to run.
//!
//! To add one: a function here beside the others, or a [`Command`] whose exit code tells, and a line in
//! [`crate::items`].

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use fernsicht_tests::programs::Programs;
use serde::Serialize;
use serde_json::Value;

use crate::command::Command;
use crate::summary::{Entry, State};

/// What all items are given.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) programs: Programs,
    /// Where an item may leave pictures and the like.
    pub(crate) output: PathBuf,
    pub(crate) attempts: u32,
    pub(crate) per_second: u32,
    pub(crate) connections: usize,
    pub(crate) kills: u32,
    /// Matrices of keyboard layouts.
    pub(crate) matrices: u32,
    /// Minutes with a console that draws areas wrong.
    pub(crate) corrupt_minutes: u64,
    /// Schedules of the model.
    pub(crate) schedules: u64,
    /// Executions of each fuzz target.
    pub(crate) fuzz_runs: u64,
    pub(crate) short: bool,
}

/// One thing that is tried.
pub(crate) struct Item {
    pub(crate) name: &'static str,
    /// A line for people.
    pub(crate) about: &'static str,
    pub(crate) run: Run,
}

/// How an item is run.
pub(crate) enum Run {
    /// By a function of this program.
    Function(fn(&Context) -> Result<Outcome>),
    /// By another program.
    Command(Command),
}

/// What an item found.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// How often it was tried.
    pub(crate) runs: u64,
    /// What did not hold, one sentence for each run that failed.
    pub(crate) failed: Vec<String>,
    /// Figures, and what people read, by name.
    pub(crate) measured: BTreeMap<String, Value>,
    /// By which the runs can be repeated.
    pub(crate) seeds: Vec<String>,
    /// Why there was nothing to try.
    pub(crate) absent: Option<String>,
}

impl Outcome {
    /// There is nothing to try yet, or this machine does not allow it.
    pub(crate) fn absent(why: &str) -> Self {
        Self {
            absent: Some(why.to_owned()),
            ..Self::default()
        }
    }

    /// Adds a figure.
    pub(crate) fn measure(&mut self, name: &str, value: &impl Serialize) -> Result<()> {
        self.measured
            .insert(name.to_owned(), serde_json::to_value(value)?);
        Ok(())
    }

    /// Adds a seed.
    pub(crate) fn seed(&mut self, seed: u64) {
        self.seeds.push(format!("{seed:#x}"));
    }
}

impl Item {
    /// Runs it. An error is a failure of the whole item.
    pub(crate) fn go(&self, context: &Context) -> Entry {
        let began = Instant::now();
        let outcome = match &self.run {
            Run::Function(run) => run(context),
            Run::Command(command) => command.run(context),
        };
        let outcome = outcome.unwrap_or_else(|error| Outcome {
            runs: 1,
            failed: vec![format!("{error:#}")],
            ..Outcome::default()
        });
        let state = match (&outcome.absent, outcome.failed.is_empty()) {
            (_, false) => State::Failed,
            (Some(_), true) => State::Absent,
            (None, true) => State::Passed,
        };
        Entry {
            name: self.name.to_owned(),
            about: self.about.to_owned(),
            state,
            runs: outcome.runs,
            failures: outcome.failed.len() as u64,
            failed: outcome.failed,
            absent: outcome.absent,
            seeds: outcome.seeds,
            measured: outcome.measured,
            seconds: began.elapsed().as_secs_f64().round(),
            ended: jiff::Timestamp::now().to_string(),
        }
    }
}
