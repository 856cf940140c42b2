//! After a crash or a power loss: what was being written is closed as interrupted.
//!
//! The longest prefix of whole, readable records is kept; what was torn off is cut away. A
//! recording whose first record never came, or whose keys were never kept, was never one:
//! control cannot have been granted on it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::catalogue::Recording;
use super::{Error, State, Store, hex};

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
        let living = self.catalogue().living()?;
        let mut recovered = Vec::new();
        for recording in living.iter().filter(|r| r.state == State::Active) {
            if let Some(one) = self.recover_one(recording, now)? {
                recovered.push(one);
            }
        }
        Ok(recovered)
    }

    fn recover_one(&self, recording: &Recording, now: u64) -> Result<Option<Recovered>, Error> {
        let path = self.active_path(&recording.name);
        let failed = |what| Error::disk(what, &path);
        let (valid, length, ended) = match survey(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => (0, 0, now),
            Err(error) => return Err(failed("cannot read")(error)),
        };
        if valid == 0 || !self.has_keys(recording)? {
            let lock = self.exclusive()?;
            self.keys.destroy(&recording.name)?;
            self.layer
                .remove_synced(&path)
                .map_err(failed("cannot remove"))?;
            self.catalogue().forget(recording.id)?;
            drop(lock);
            return Ok(None);
        }
        if valid < length {
            let cut = || {
                let mut file = self.layer.reopen(&path)?;
                file.truncate(valid)?;
                file.sync()
            };
            cut().map_err(failed("cannot cut"))?;
        }
        let ended = ended.clamp(recording.started, now.max(recording.started));
        self.interrupt(recording.id, valid, ended)?;
        Ok(Some(Recovered {
            recording: hex(&recording.lookup_hash),
            bytes: valid,
            torn: length - valid,
        }))
    }
}

/// Bytes of whole records, bytes in all, and when the file was last written.
fn survey(path: &Path) -> io::Result<(u64, u64, u64)> {
    let mut file = File::open(path)?;
    let meta = file.metadata()?;
    let modified = meta.modified()?.duration_since(UNIX_EPOCH);
    let valid = whole_records(&mut file)?;
    Ok((valid, meta.len(), modified.map_or(0, |time| time.as_secs())))
}

/// Where the last whole record ends; 0 without one.
fn whole_records(file: &mut impl Read) -> io::Result<u64> {
    let mut header = [0; HEADER_BYTES];
    if file.read_exact(&mut header).is_err() || !header.starts_with(MAGIC) {
        return Ok(0);
    }
    let (mut offset, mut end) = (HEADER_BYTES as u64, 0);
    loop {
        let mut length = [0; 4];
        if file.read_exact(&mut length).is_err() {
            return Ok(end);
        }
        let length = u64::from(u32::from_be_bytes(length));
        let took = io::copy(&mut file.take(length), &mut io::sink())?;
        if length < 9 || took < length {
            return Ok(end);
        }
        offset += 4 + length;
        end = offset;
    }
}

const MAGIC: &[u8] = b"FERNSICHTREC";
const HEADER_BYTES: usize = 14;
