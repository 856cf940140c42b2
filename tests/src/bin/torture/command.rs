//! An item that another program runs: its exit code tells whether it holds.
//!
//! A line `torture: {…}` of its output may add `runs`, `measured` and `seeds`.

use std::collections::BTreeMap;
use std::process::Stdio;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::item::{Context, Outcome};

/// A program with its arguments.
pub(crate) struct Command {
    pub(crate) program: &'static str,
    pub(crate) arguments: &'static [&'static str],
    /// Environment variables.
    pub(crate) environment: fn(&Context) -> Vec<(&'static str, String)>,
    /// How many runs this is, unless the program says it.
    pub(crate) runs: fn(&Context) -> u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Said {
    runs: Option<u64>,
    measured: BTreeMap<String, Value>,
    seeds: Vec<String>,
}

impl Command {
    pub(crate) fn run(&self, context: &Context) -> Result<Outcome> {
        let output = std::process::Command::new(self.program)
            .args(self.arguments)
            .envs((self.environment)(context))
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("{} could not be started", self.program))?;
        let words = [output.stdout, output.stderr].concat();
        let words = String::from_utf8_lossy(&words);
        let mut said = Said::default();
        for line in words.lines() {
            if let Some(json) = line.strip_prefix("torture: ") {
                said = serde_json::from_str(json).with_context(|| line.to_owned())?;
            }
        }
        let mut outcome = Outcome {
            runs: said.runs.unwrap_or_else(|| (self.runs)(context)),
            measured: said.measured,
            seeds: said.seeds,
            ..Outcome::default()
        };
        if !output.status.success() {
            let lines: Vec<&str> = words.lines().collect();
            let last = lines[lines.len().saturating_sub(LAST)..].join("\n");
            outcome.failed.push(format!("{}: {last}", output.status));
        }
        Ok(outcome)
    }
}

/// Lines of a failed program's output that are kept.
const LAST: usize = 30;
