//! Deletion: at the end of a recording's time, or at once when the customer withdraws.
//!
//! ```text
//! marked ─► access-log entry ─► sealed keys destroyed ─► bytes removed ─► line reduced
//!        ─► daily key destroyed, if it was the last ─► no copies left in the catalogue's file
//! ```
//!
//! Every step can be the last before a crash; the next run does the rest. Nothing postpones a
//! deletion: no case, no reader, no full disk.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::catalogue::{Reason, Recording, State};
use super::retention::{self, Alarm};
use super::{ACTIVE, Error, Event, RESERVE, Store, blocking, day, depot, hex};

/// What a retention run has done.
#[derive(Debug, Default)]
pub struct Run {
    /// H(L) of what was deleted, in hexadecimal.
    pub deleted: Vec<String>,
    /// What is wrong with the clock.
    pub alarm: Option<Alarm>,
    /// How many recordings have no keys: nobody can open them, perhaps because the key directory is
    /// not in its place.
    pub keys_missing: usize,
    /// What could not be done; it is tried again at the next run.
    pub failed: Vec<Error>,
}

impl Store {
    /// Deletes what is due, and completes what was begun. At start and hourly.
    pub fn run_retention(&self, clock: &retention::Reading) -> Result<Run, Error> {
        let judged = retention::judge(self.catalogue().remembered()?.as_ref(), clock);
        self.catalogue().remember(&judged.remember)?;
        let mut run = Run {
            alarm: judged.alarm,
            ..Run::default()
        };
        let said = judged.alarm.map(|alarm| alarm.to_string());
        if let Err(error) = self.alarm("clock", said.as_deref(), judged.now_s) {
            run.failed.push(error);
        }
        for recording in self.due(judged.now_s)? {
            let reason = recording.deletion_reason.unwrap_or(Reason::Retention);
            match self.delete_one(&recording, reason, judged.now_s) {
                Ok(()) => run.deleted.push(hex(&recording.lookup_hash)),
                Err(error) => run.failed.push(error),
            }
        }
        match self.keys_missing(judged.now_s) {
            Ok(missing) => run.keys_missing = missing,
            Err(error) => run.failed.push(error),
        }
        for work in [
            self.clear_remains(clock.wall_s),
            self.catalogue().scrub().map(drop),
        ] {
            run.failed.extend(work.err());
        }
        Ok(run)
    }

    /// What a retention run would delete at this time. Changes nothing.
    pub fn would_delete(&self, clock: &retention::Reading) -> Result<Vec<Recording>, Error> {
        let judged = retention::judge(self.catalogue().remembered()?.as_ref(), clock);
        self.due(judged.now_s)
    }

    /// The operator says that the wall clock is right, after an alarm.
    pub fn accept_clock(&self, clock: &retention::Reading) -> Result<(), Error> {
        let accepted = retention::accept(clock);
        self.catalogue().remember(&accepted.remember)
    }

    /// Deletes a recording, whatever is being done with it.
    pub fn delete(&self, recording: &Recording, reason: Reason, now: u64) -> Result<(), Error> {
        self.delete_one(recording, reason, now)?;
        self.catalogue().scrub().map(drop)
    }

    fn delete_one(&self, recording: &Recording, reason: Reason, now: u64) -> Result<(), Error> {
        match self.try_delete(recording, reason, now) {
            Err(error) if error.full() => {
                // A full disk must not keep what is to be deleted.
                self.release_reserve();
                let result = self.try_delete(recording, reason, now);
                self.keep_reserve();
                result
            }
            result => result,
        }
    }

    fn try_delete(&self, recording: &Recording, reason: Reason, now: u64) -> Result<(), Error> {
        let lock = self.exclusive()?;
        let Some(recording) = self.catalogue().find(recording.id)? else {
            return Ok(());
        };
        if recording.state == State::Deleted {
            return Ok(());
        }
        let number = hex(&recording.lookup_hash);
        let begun = recording.deletion_reason;
        let reason = begun.unwrap_or(reason);
        self.catalogue().begin_deletion(recording.id, reason)?;
        if begun.is_none() || !self.deletion_logged(&number)? {
            self.log(
                Event::Deletion {
                    recording: number,
                    reason: reason.word().to_owned(),
                },
                now,
            )?;
        }
        self.keys.destroy(&recording.name)?;
        drop(lock);
        // Without the lock: a slow depot must not keep new recordings from beginning.
        let path = self.active_path(&recording.name);
        self.layer
            .remove_synced(&path)
            .map_err(Error::disk("cannot remove", &path))?;
        blocking(self.depot.remove(&recording.name))?;
        let lock = self.exclusive()?;
        self.catalogue().reduce(recording.id, now)?;
        if !self.catalogue().day_needed(&recording.key_day)? {
            self.keys.destroy_day(&recording.key_day)?;
        }
        drop(lock);
        Ok(())
    }

    fn due(&self, now: u64) -> Result<Vec<Recording>, Error> {
        let mut living = self.catalogue().living()?;
        living.retain(|recording| {
            recording.deletion_reason.is_some()
                || retention::due(recording.started, recording.deletion, now)
        });
        Ok(living)
    }

    fn deletion_logged(&self, number: &str) -> Result<bool, Error> {
        let entries = super::access_log::entries(&self.settings.data)?;
        Ok(entries.iter().any(|entry| {
            matches!(&entry.event, Event::Deletion { recording, .. } if recording == number)
        }))
    }

    /// Recordings without keys; alarmed when there are the first ones.
    fn keys_missing(&self, now: u64) -> Result<usize, Error> {
        let (kept, days) = (self.keys.recordings()?, self.keys.days()?);
        let mut without = self.catalogue().living()?;
        without.retain(|recording| {
            recording.state != State::Active
                && !(kept.contains(&recording.name) && days.contains(&recording.key_day))
        });
        let what = format!(
            "{} recordings have no keys: is the key directory in its place?",
            without.len()
        );
        let what = (!without.is_empty()).then_some(what.as_str());
        self.alarm("keys", what, now)?;
        Ok(without.len())
    }

    /// What crashes have left, and what the catalogue does not know because another one was put
    /// in its place: the latter goes once it is older than any recording may become.
    fn clear_remains(&self, now: u64) -> Result<(), Error> {
        let lock = self.exclusive()?;
        self.keys.clear_unfinished()?;
        let living = self.catalogue().living()?;
        let known = |name: &str| living.iter().any(|recording| recording.name == name);
        let mut strangers = false;
        for name in self.keys.recordings()?.iter().filter(|name| !known(name)) {
            if older_than_any(self.keys.modified(name)?) {
                self.keys.destroy(name)?;
            } else {
                strangers = true;
            }
        }
        let oldest = day(now.saturating_sub(OLDEST_S));
        for day in self.keys.days()? {
            // Strangers may still need it.
            if !self.catalogue().day_needed(&day)? && (!strangers || day < oldest) {
                self.keys.destroy_day(&day)?;
            }
        }
        drop(lock);
        for path in self.unknown_files(&known)? {
            self.layer
                .remove_synced(&path)
                .map_err(Error::disk("cannot remove", &path))?;
        }
        Ok(())
    }

    fn unknown_files(&self, known: &impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, Error> {
        let active = self.settings.data.join(ACTIVE);
        let mut unknown = Vec::new();
        for directory in [Some(active.as_path()), self.depot.folder()]
            .into_iter()
            .flatten()
        {
            let mut list = || {
                for entry in fs::read_dir(directory)? {
                    let entry = entry?;
                    let file = entry.file_name().to_string_lossy().into_owned();
                    let ours = file.split_once(depot::ENDING);
                    let strange = ours.is_some_and(|(name, _)| !known(name));
                    if strange && older_than_any(entry.metadata()?.modified()?) {
                        unknown.push(entry.path());
                    }
                }
                Ok(())
            };
            list().map_err(Error::disk("cannot list", directory))?;
        }
        Ok(unknown)
    }

    /// Space that deletions on a full disk may use; as much as there is room for.
    pub(super) fn keep_reserve(&self) {
        let path = self.settings.data.join(RESERVE);
        let kept = path.metadata().map_or(0, |meta| meta.len() as usize);
        for size in RESERVE_BYTES {
            // Without it everything works but deletions on a full disk.
            if kept >= size || self.layer.write_whole(&path, &vec![0xff; size]).is_ok() {
                return;
            }
        }
    }

    fn release_reserve(&self) {
        drop(self.layer.remove(&self.settings.data.join(RESERVE)));
    }
}

impl Error {
    /// True if it failed for want of space.
    pub fn full(&self) -> bool {
        match self {
            Self::Disk { source, .. } => source.kind() == io::ErrorKind::StorageFull,
            Self::Catalogue { source, .. } => {
                let extended = source.sqlite_error().map(|error| error.extended_code);
                source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
                    || extended == Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
            }
            Self::NewerCatalogue(_)
            | Self::Depot(_)
            | Self::Copy(_)
            | Self::Missing(_)
            | Self::KeyGone(_)
            | Self::Deleted
            | Self::Twice => false,
        }
    }
}

/// True if the file is older than a recording can become.
fn older_than_any(modified: SystemTime) -> bool {
    let limit = Duration::from_secs(OLDEST_S);
    modified.elapsed().is_ok_and(|age| age > limit)
}

const OLDEST_S: u64 = 93 * 24 * 3600;
const RESERVE_BYTES: [usize; 3] = [1 << 20, 1 << 19, 1 << 18];
