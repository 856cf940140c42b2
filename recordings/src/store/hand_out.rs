//! The hand-out of a recording: logged first, then read in blocks.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::catalogue::Recording;
use super::depot::{BLOCK, Depot};
use super::keys::SealedKeys;
use super::{Error, Event, State, Store, blocking, hex, retention};

/// What an auditor gets.
#[derive(Debug)]
pub struct HandOut {
    /// The entry of the access log that stands for it.
    pub entry: u64,
    /// The sealed keys, by epoch.
    pub sealed: Vec<(u32, SealedKeys)>,
    /// The recording's bytes.
    pub reading: Reading,
}

/// Reads a recording from its beginning, wherever it is. Nothing stays open between two
/// blocks: a deletion takes effect under a reader.
#[derive(Debug)]
pub struct Reading {
    local: PathBuf,
    depot: Depot,
    name: String,
    offset: u64,
    length: u64,
}

impl Store {
    /// Writes complaint and hand-out into the access log; both are synced when this returns.
    /// `length` bounds what is read of a recording that is still being written.
    /// Errors: [`Error::Deleted`] if it is gone, due, or without keys.
    pub fn hand_out(
        &self,
        recording: &Recording,
        auditor: &str,
        case: &str,
        length: Option<u64>,
        now: u64,
    ) -> Result<HandOut, Error> {
        let recording = self.living(recording.id)?;
        if retention::due(recording.started, recording.deletion, now) {
            return Err(Error::Deleted);
        }
        let sealed = self.keys.sealed(&recording.key_day, &recording.name)?;
        if sealed.is_empty() {
            return Err(Error::Deleted);
        }
        let mut reading = self.reading(&recording)?;
        reading.length = length.map_or(reading.length, |length| length.min(reading.length));
        let number = hex(&recording.lookup_hash);
        let (auditor, case) = (auditor.to_owned(), case.to_owned());
        self.log(
            Event::Complaint {
                auditor: auditor.clone(),
                case: case.clone(),
                recording: number.clone(),
            },
            now,
        )?;
        let entry = self.log(
            Event::HandOut {
                auditor,
                case,
                recording: number,
                bytes: reading.length,
            },
            now,
        )?;
        Ok(HandOut {
            entry,
            sealed,
            reading,
        })
    }

    /// Reads a recording for the relay's own checks; not for hand-out.
    pub fn reading(&self, recording: &Recording) -> Result<Reading, Error> {
        let local = self.active_path(&recording.name);
        let length = match local.metadata() {
            Ok(meta) => meta.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                blocking(self.depot.length(&recording.name))?
                    .ok_or_else(|| Error::Missing(local.clone()))?
            }
            Err(error) => return Err(Error::disk("cannot read", &local)(error)),
        };
        let length = match recording.state {
            State::Active => length,
            State::Closed | State::Interrupted | State::Stored => length.min(recording.bytes),
            State::Deleted => return Err(Error::Deleted),
        };
        Ok(Reading {
            local,
            depot: self.depot.clone(),
            name: recording.name.clone(),
            offset: 0,
            length,
        })
    }

    /// True if the sealed keys of a recording are there.
    pub fn has_keys(&self, recording: &Recording) -> Result<bool, Error> {
        let sealed = self.keys.sealed(&recording.key_day, &recording.name)?;
        Ok(!sealed.is_empty())
    }
}

impl Reading {
    /// How many bytes there are in all.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The next block of at most 1 MiB; none at the end. Errors: [`Error::Deleted`].
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let step = (self.length - self.offset).min(BLOCK);
        if step == 0 {
            return Ok(None);
        }
        let (local, offset) = (self.local.clone(), self.offset);
        let read = move || read_block(&local, offset, step);
        // Without a runtime's threads this thread waits itself.
        let block = match tokio::runtime::Handle::try_current() {
            Ok(handle) => match handle.spawn_blocking(read).await {
                Ok(block) => block,
                Err(error) => Err(io::Error::other(error)),
            },
            Err(_) => read(),
        };
        let block = match block {
            Ok(Some(block)) => block,
            // It has been moved, or it is gone.
            Ok(None) => {
                let block = self.depot.read(&self.name, offset, step).await?;
                block.ok_or(Error::Deleted)?
            }
            Err(error) => return Err(Error::disk("cannot read", &self.local)(error)),
        };
        if block.len() as u64 != step {
            return Err(Error::Copy(self.name.clone()));
        }
        self.offset += step;
        Ok(Some(block))
    }

    /// [`Reading::next`] for threads that may wait.
    pub fn next_blocking(&mut self) -> Result<Option<Vec<u8>>, Error> {
        blocking(self.next())
    }
}

/// None: there is no such file.
fn read_block(path: &Path, offset: u64, length: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut block = vec![0; length as usize];
    file.read_exact_at(&mut block, offset)?;
    Ok(Some(block))
}
