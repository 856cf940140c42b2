//! `summary.json` and the table.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Everything that was found.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Summary {
    items: Vec<Entry>,
}

/// How an item ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Passed,
    Failed,
    /// There was nothing to try.
    Absent,
}

/// One item.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) state: State,
    pub(crate) runs: u64,
    pub(crate) failures: u64,
    pub(crate) failed: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) absent: Option<String>,
    pub(crate) seeds: Vec<String>,
    pub(crate) measured: BTreeMap<String, Value>,
    pub(crate) seconds: f64,
    /// When, in UTC.
    pub(crate) ended: String,
}

impl Summary {
    /// Reads the one of an earlier run; there may be none.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text)
                .with_context(|| format!("{} is none of ours", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| path.display().to_string()),
        }
    }

    /// Adds an item, in place of what is there of it.
    pub(crate) fn put(&mut self, entry: Entry) {
        match self.items.iter_mut().find(|item| item.name == entry.name) {
            Some(place) => *place = entry,
            None => self.items.push(entry),
        }
    }

    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(folder.join(FILE), text).with_context(|| folder.display().to_string())
    }

    /// How many items do not hold.
    pub(crate) fn failed(&self) -> usize {
        let failed = |item: &&Entry| item.state == State::Failed;
        self.items.iter().filter(failed).count()
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let mut out = format!(
            "\n{:20}  {:>8}  {:>8}  {:>7}  \n",
            "item", "runs", "failures", "seconds"
        );
        for item in &self.items {
            let word = match (item.state, &item.absent) {
                (State::Passed, _) => "passed",
                (State::Failed, _) => "FAILED",
                (State::Absent, Some(why)) => &format!("absent: {why}"),
                (State::Absent, None) => "absent",
            };
            out += &format!(
                "{:20}  {:>8}  {:>8}  {:>7.0}  {word}\n",
                item.name, item.runs, item.failures, item.seconds
            );
        }
        out
    }
}

const FILE: &str = "summary.json";
