//! After a crash or a power loss: what was being written is closed as interrupted.
//!
//! A killed relay leaves everything that write(2) had taken: the longest prefix of whole records is
//! kept, what was torn off is cut away. After a power loss only what was synced can be relied
//! on, and that ends with a checkpoint. A recording without a record that counts was never
//! one: control cannot have been granted on it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::catalogue::Recording;
use super::{Error, State, Store, clock, hex};
use crate::format::Kind;
use crate::reader::Reader;

/// A recording that was cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// H(L) in hexadecimal.
    pub recording: String,
    /// Bytes kept.
    pub bytes: u64,
    /// Bytes cut away.
    pub torn: u64,
}

impl Store {
    /// Closes what a relay that was killed has left. Only the running relay may call this, before
    /// it begins a recording.
    pub fn recover(&self, now: u64) -> Result<Vec<Recovered>, Error> {
        let clock = clock::read().map_err(Error::disk("cannot read", Path::new(clock::BOOT)))?;
        self.recover_in(&clock.boot, now)
    }

    /// [`Store::recover`] in this boot of the machine.
    pub(super) fn recover_in(&self, boot: &str, now: u64) -> Result<Vec<Recovered>, Error> {
        let same_boot = self.catalogue().noted(SERVED_IN)?.as_deref() == Some(boot);
        let living = self.catalogue().living()?;
        let mut recovered = Vec::new();
        for recording in living.iter().filter(|r| r.state == State::Active) {
            if let Some(one) = self.recover_one(recording, same_boot, now)? {
                recovered.push(one);
            }
        }
        self.catalogue().set(SERVED_IN, boot)?;
        Ok(recovered)
    }

    fn recover_one(
        &self,
        recording: &Recording,
        same_boot: bool,
        now: u64,
    ) -> Result<Option<Recovered>, Error> {
        if recording.deletion_reason.is_some() {
            // The retention behind this completes it.
            return Ok(None);
        }
        let path = self.active_path(&recording.name);
        let failed = |what| Error::disk(what, &path);
        let found = match survey(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Survey::default(),
            Err(error) => return Err(failed("cannot read")(error)),
        };
        let valid = if same_boot { found.whole } else { found.synced };
        if valid == 0 {
            let lock = self.exclusive()?;
            self.keys.destroy(&recording.name)?;
            self.layer
                .remove_synced(&path)
                .map_err(failed("cannot remove"))?;
            self.catalogue().forget(recording.id)?;
            drop(lock);
            return Ok(None);
        }
        if valid < found.bytes {
            let cut = || {
                let mut file = self.layer.reopen(&path)?;
                file.truncate(valid)?;
                file.sync()
            };
            cut().map_err(failed("cannot cut"))?;
        }
        let ended = found
            .modified
            .clamp(recording.started, now.max(recording.started));
        self.interrupt(recording.id, valid, ended)?;
        Ok(Some(Recovered {
            recording: hex(&recording.lookup_hash),
            bytes: valid,
            torn: found.bytes - valid,
        }))
    }
}

/// What a file holds, in bytes.
#[derive(Debug, Default)]
struct Survey {
    /// Up to the end of the last whole record that can be read; 0 without one.
    whole: u64,
    /// Up to the end of the last checkpoint.
    synced: u64,
    /// All.
    bytes: u64,
    /// When it was last written.
    modified: u64,
}

fn survey(path: &Path) -> io::Result<Survey> {
    let mut file = File::open(path)?;
    let meta = file.metadata()?;
    let modified = meta.modified()?.duration_since(UNIX_EPOCH);
    let mut survey = Survey {
        bytes: meta.len(),
        modified: modified.map_or(0, |time| time.as_secs()),
        ..Survey::default()
    };
    let mut reader = Reader::new();
    let mut readable = true;
    let mut block = vec![0; 1 << 20];
    loop {
        let took = file.read(&mut block)?;
        if took == 0 {
            return Ok(survey);
        }
        reader.push(block.get(..took).unwrap_or_default());
        loop {
            match reader.poll_record() {
                Ok(Some(record)) => {
                    let end = record.end();
                    let parses = record.parse().is_ok();
                    if parses && record.kind() == Some(Kind::Checkpoint) {
                        // What stands before it was written in order, whatever it is.
                        readable = true;
                        survey.synced = end;
                    }
                    readable &= parses;
                    if readable {
                        survey.whole = end;
                    }
                }
                Ok(None) => break,
                Err(_) => return Ok(survey),
            }
        }
    }
}

const SERVED_IN: &str = "served in boot";
