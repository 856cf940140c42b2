//! The cases that were opened on this computer: what `list` shows.
//!
//! ```text
//! DIR/cases.json   reference, number of the recording, when opened and closed, verdict, deletion date
//! ```
//!
//! Nothing of a recording's content. An entry goes once its recording is deleted.

use serde::{Deserialize, Serialize};

use super::Failure;
use super::facts::{Facts, days_left};
use crate::folder::Folder;

/// One opened case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The case reference.
    pub case: String,
    /// The number of the recording.
    pub number: String,
    /// The technician, as proven.
    pub technician: String,
    /// When it was opened last, in seconds since 1970 UTC.
    pub opened_s: u64,
    /// When it was closed; none while it is open.
    pub closed_s: Option<u64>,
    /// The verdict, in English.
    pub verdict: String,
    /// When the recording is deleted, in seconds since 1970 UTC.
    pub deletion_s: u64,
}

impl Entry {
    /// Whole days until the recording is deleted.
    pub fn days_left(&self, now_s: u64) -> u64 {
        days_left(self.deletion_s, now_s)
    }
}

/// The cases in the auditor's directory.
#[derive(Debug, Clone)]
pub struct Cases(Folder);

impl Cases {
    /// Beside the keys.
    pub fn new(folder: &Folder) -> Self {
        Self(folder.clone())
    }

    /// All whose recording is still there, oldest first. Others are forgotten.
    pub fn list(&self, now_s: u64) -> Result<Vec<Entry>, Failure> {
        if !self.0.holds(FILE)? {
            return Ok(Vec::new());
        }
        let text = self.0.read(FILE)?;
        let mut entries: Vec<Entry> =
            serde_json::from_slice(&text).map_err(|_| self.0.damaged(FILE))?;
        let before = entries.len();
        entries.retain(|entry| entry.deletion_s > now_s);
        if entries.len() != before {
            self.write(&entries)?;
        }
        Ok(entries)
    }

    /// A case was opened, perhaps again.
    pub fn note_opened(&self, facts: &Facts, now_s: u64) -> Result<(), Failure> {
        let mut entries = self.list(now_s)?;
        entries.retain(|e| (&e.case, &e.number) != (&facts.case, &facts.number));
        entries.push(Entry {
            case: facts.case.clone(),
            number: facts.number.clone(),
            technician: facts.technician.clone(),
            opened_s: now_s,
            closed_s: None,
            verdict: facts.verdict.name().to_owned(),
            deletion_s: facts.deletion,
        });
        self.write(&entries)
    }

    /// A case was closed. False if there is none of this reference.
    pub fn note_closed(&self, case: &str, now_s: u64) -> Result<bool, Failure> {
        let mut entries = self.list(now_s)?;
        let mut found = false;
        for entry in entries.iter_mut().filter(|e| e.case == case) {
            entry.closed_s.get_or_insert(now_s);
            found = true;
        }
        if found {
            self.write(&entries)?;
        }
        Ok(found)
    }

    fn write(&self, entries: &[Entry]) -> Result<(), Failure> {
        let text =
            serde_json::to_vec_pretty(entries).map_err(|e| Failure::Internal(e.to_string()))?;
        Ok(self.0.write(FILE, &text)?)
    }
}

const FILE: &str = "cases.json";

#[cfg(test)]
mod tests {
    use super::super::report::tests::facts;
    use super::*;

    #[test]
    fn cases_stay_until_their_recording_goes() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(Some(dir.path().to_owned()), "x").unwrap();
        folder.prepare().unwrap();
        let cases = Cases::new(&folder);
        assert_eq!(cases.list(0).unwrap(), []);
        let facts = facts();
        let day = 86_400;
        let now = facts.deletion - 2 * day;
        cases.note_opened(&facts, now).unwrap();
        cases.note_opened(&facts, now + 5).unwrap();
        let list = cases.list(now).unwrap();
        assert_eq!((list.len(), list[0].opened_s), (1, now + 5));
        assert_eq!(list[0].days_left(now), 2);
        assert!(!cases.note_closed("another", now).unwrap());
        assert!(cases.note_closed(&facts.case, now + 9).unwrap());
        assert_eq!(cases.list(now).unwrap()[0].closed_s, Some(now + 9));
        assert_eq!(cases.list(facts.deletion).unwrap(), []);
        assert_eq!(cases.list(now).unwrap(), []);
    }
}
