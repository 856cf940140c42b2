//! What the relay keeps: recordings, their keys, the catalogue and the access log.
//!
//! ```text
//! DIR/catalogue.sqlite   which recordings there are                        (catalogue)
//! DIR/active/            what is being written, and is not yet moved       (file)
//! DIR/recordings/        what is finished, or wherever the depot is        (depot)
//! DIR/keys/              sealed keys under daily keys, out of backups      (keys)
//! DIR/access.log         who did what, chained and signed                  (access_log)
//!
//! begin ─► keep_keys (each epoch) ─► end ─► move_finished ─► hand_out …
//!    └─► (killed) recover ─┘                       delete · run_retention, from any state
//! ```
//!
//! A [`Store`] blocks: call it from threads that may. Several programs may have one open on the
//! same directory (the running relay and a command); file locks and the catalogue's
//! transactions order them. It decides nothing about sessions and never sees a key that opens
//! a frame.

mod access_log;
mod catalogue;
pub mod clock;
mod deletion;
mod depot;
#[doc(hidden)]
pub mod faults;
mod file;
mod hand_out;
mod keys;
mod recovery;
pub mod retention;
#[cfg(test)]
mod tests;

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use data_encoding::HEXLOWER;
use fernsicht_protocol::complaint::Lookup;
use fernsicht_protocol::crypto::{self, Hash, SigningKey, hash};
use rand_core::OsRng;

pub use access_log::{Broken, Entry, Event, Fault, Tail, Verified, hex};
pub use catalogue::{Count, Reason, Recording, RecordingId, State, Technician};
pub use deletion::Run;
pub use depot::Location;
pub use file::{Appending, Disk, Layer};
pub use hand_out::{HandOut, Reading};
pub use keys::SealedKeys;
pub use recovery::Recovered;

use access_log::AccessLog;
use catalogue::Catalogue;
use depot::Depot;
use keys::Keys;

/// What the store cannot do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The local disk.
    #[error("{what} {path:?}: {source}")]
    Disk {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The catalogue is damaged, locked or full.
    #[error("the catalogue {path:?} cannot be used: {source}")]
    Catalogue {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// A later version has written the catalogue.
    #[error("the catalogue {0:?} was written by a newer version of this program: use that version")]
    NewerCatalogue(PathBuf),
    /// The depot does not answer as it should.
    #[error("the depot of recordings cannot be used: {0}")]
    Depot(Box<dyn std::error::Error + Send + Sync>),
    /// What the depot has taken is not what it was given.
    #[error("the depot's copy of {0} is not the same; the local file stays")]
    Copy(String),
    /// A recording's file is nowhere.
    #[error(
        "the file {0:?} of a finished recording is missing: restore it, or delete the recording"
    )]
    Missing(PathBuf),
    /// A key that should wrap others is not there.
    #[error("the key {0:?} is missing: is the key directory in its place?")]
    KeyGone(PathBuf),
    /// The recording has been deleted, or its keys have.
    #[error("the recording has been deleted")]
    Deleted,
    /// A recording with these hashes is there already.
    #[error("there is a recording of this number already")]
    Twice,
}

/// Where everything is.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The relay's directory.
    pub data: PathBuf,
    /// The key directory; `DIR/keys` by default.
    pub keys: PathBuf,
    /// The depot; the folder `DIR/recordings` by default.
    pub depot: Location,
}

impl Settings {
    /// Everything in its usual place.
    pub fn usual(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            keys: data.join("keys"),
            depot: Location::Folder(data.join("recordings")),
        }
    }
}

/// What a recording begins with.
#[derive(Debug, Clone)]
pub struct NewRecording {
    /// H(T_open).
    pub open_hash: Hash,
    /// H(L).
    pub lookup_hash: Hash,
    /// The deletion date that the customer was shown.
    pub deletion: u64,
    /// Whose session it is.
    pub technician: Technician,
    /// The technician's case number; empty: none.
    pub case: String,
}

/// A recording that has begun.
#[derive(Debug)]
pub struct Begun {
    /// Its number in the catalogue.
    pub id: RecordingId,
    /// Its file, empty; the name is synced.
    pub file: Box<dyn Appending>,
    /// Where the file is.
    pub path: PathBuf,
}

/// What is left on the disk that recordings are written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes that can still be written.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
}

impl Space {
    /// True if the operator must act: less than a tenth and less than 2 GiB are left.
    pub fn low(&self) -> bool {
        self.free < (self.total / 10).min(2 << 30)
    }
}

/// The store of a data directory.
#[derive(Debug)]
pub struct Store {
    settings: Settings,
    layer: Arc<dyn Layer>,
    catalogue: Mutex<Catalogue>,
    keys: Keys,
    depot: Depot,
    log: AccessLog,
    signer: [u8; 32],
    probing: Mutex<()>,
}

impl Store {
    /// Opens the store and makes what is missing. `signer` is the relay's signer of
    /// checkpoints; it signs the access log, too.
    pub fn open(settings: Settings, signer: Arc<SigningKey>) -> Result<Self, Error> {
        Self::open_on(settings, signer, Arc::new(Disk))
    }

    /// [`Store::open`] on another layer than the operating system's.
    pub fn open_on(
        settings: Settings,
        signer: Arc<SigningKey>,
        layer: Arc<dyn Layer>,
    ) -> Result<Self, Error> {
        let active = settings.data.join(ACTIVE);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&active)
            .map_err(Error::disk("cannot use", &active))?;
        let catalogue = settings.data.join("catalogue.sqlite");
        // SQLite would make it readable for others, as far as the umask lets it.
        open_private(&catalogue).map_err(Error::disk("cannot open", &catalogue))?;
        let opened = match Catalogue::open(&catalogue) {
            Err(error) if error.full() => {
                // What is due must go from a full disk, too.
                drop(layer.remove(&settings.data.join(RESERVE)));
                Catalogue::open(&catalogue)?
            }
            opened => opened?,
        };
        let store = Self {
            catalogue: Mutex::new(opened),
            keys: Keys::open(&settings.keys, layer.clone())?,
            depot: Depot::open(&settings.depot)?,
            signer: signer.public(),
            probing: Mutex::default(),
            log: AccessLog::open(&settings.data, layer.clone(), signer)?,
            layer,
            settings,
        };
        store.keep_reserve();
        Ok(store)
    }

    /// Begins a recording: a line in the catalogue, a daily key, an empty file.
    pub fn begin(&self, new: &NewRecording, now: u64) -> Result<Begun, Error> {
        let name = HEXLOWER.encode(&crypto::random::<16>(&mut OsRng));
        let day = day(now);
        let lock = self.exclusive()?;
        if self.catalogue().find_by_lookup(&new.lookup_hash)?.is_some()
            || self.catalogue().find_by_open(&new.open_hash)?.is_some()
        {
            return Err(Error::Twice);
        }
        // The line first: a key or a file without one would be nobody's.
        let id = self.catalogue().add(&catalogue::New {
            name: &name,
            key_day: &day,
            lookup_hash: &new.lookup_hash,
            open_hash: &new.open_hash,
            technician: &new.technician,
            case: &new.case,
            started: now,
            deletion: new
                .deletion
                .min(fernsicht_protocol::retention::latest_deletion(now)),
        })?;
        let path = self.active_path(&name);
        let made = self.keys.prepare_day(&day).and_then(|()| {
            self.layer
                .create_synced(&path)
                .map_err(Error::disk("cannot create", &path))
        });
        drop(lock);
        match made {
            Ok(file) => Ok(Begun { id, file, path }),
            Err(error) => {
                // If this fails, too, the next start clears it.
                drop(self.layer.remove_synced(&path));
                drop(self.catalogue().forget(id));
                Err(error)
            }
        }
    }

    /// Keeps the sealed keys of an epoch. They are synced when this returns.
    pub fn keep_keys(&self, id: RecordingId, epoch: u32, sealed: &SealedKeys) -> Result<(), Error> {
        let _lock = self.exclusive()?;
        let recording = self.living(id)?;
        self.keys
            .keep(&recording.key_day, &recording.name, epoch, sealed)
    }

    /// The customer has a completed receipt.
    pub fn receipt_done(&self, id: RecordingId) -> Result<(), Error> {
        self.catalogue().receipt_done(id)
    }

    /// False once the recording is being or has been deleted: the customer has withdrawn the
    /// consent, and what is written from then on is kept nowhere.
    pub fn keeps(&self, id: RecordingId) -> Result<bool, Error> {
        match self.living(id) {
            Ok(_) => Ok(true),
            Err(Error::Deleted) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The recording is complete: `bytes` are written and synced.
    pub fn end(&self, id: RecordingId, bytes: u64, now: u64) -> Result<(), Error> {
        self.catalogue().end(id, now, bytes, false).map(drop)
    }

    /// The recording had to be given up; what is written stays.
    pub fn interrupt(&self, id: RecordingId, bytes: u64, now: u64) -> Result<(), Error> {
        self.catalogue().end(id, now, bytes, true).map(drop)
    }

    /// Moves what is finished into the depot. Returns how many; one that cannot be moved does
    /// not keep the others.
    pub fn move_finished(&self) -> Result<usize, Error> {
        let mut moved = 0;
        let mut failed = None;
        let living = self.catalogue().living()?;
        let finished = living.iter().filter(|recording| {
            matches!(recording.state, State::Closed | State::Interrupted)
                && recording.deletion_reason.is_none()
        });
        for recording in finished {
            match self.move_one(recording) {
                Ok(()) => moved += 1,
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(moved), Err)
    }

    fn move_one(&self, recording: &Recording) -> Result<(), Error> {
        let path = self.active_path(&recording.name);
        if path.exists() {
            blocking(self.depot.put(&recording.name, &path))?;
        } else if blocking(self.depot.length(&recording.name))? != Some(recording.bytes) {
            return Err(Error::Missing(path));
        }
        if self.catalogue().stored(recording.id)? {
            return self
                .layer
                .remove_synced(&path)
                .map_err(Error::disk("cannot remove", &path));
        }
        // It was deleted while it was being moved.
        blocking(self.depot.remove(&recording.name))
    }

    /// All recordings, oldest first, deleted ones included.
    pub fn list(&self) -> Result<Vec<Recording>, Error> {
        self.catalogue().list()
    }

    /// By its number in the catalogue.
    pub fn find(&self, id: RecordingId) -> Result<Option<Recording>, Error> {
        self.catalogue().find(id)
    }

    /// By the number on the receipt.
    pub fn find_by_number(&self, number: &Lookup) -> Result<Option<Recording>, Error> {
        self.catalogue().find_by_lookup(&number.hash())
    }

    /// By what the customer's code opens.
    pub fn find_by_token(&self, open_token: &[u8; 32]) -> Result<Option<Recording>, Error> {
        self.catalogue().find_by_open(&hash(open_token))
    }

    /// Recorded sessions by technician, and those that ended without a completed receipt.
    pub fn counts(&self) -> Result<Vec<Count>, Error> {
        self.catalogue().counts()
    }

    /// Appends to the access log; returns the entry's number. It is synced then.
    pub fn log(&self, event: Event, now: u64) -> Result<u64, Error> {
        let tail = self.log.append(now, event)?;
        // Without this note a cut tail is still found by access.head.
        self.catalogue().note_log(tail.number, &hex(&tail.head))?;
        Ok(tail.number)
    }

    /// Logs an alarm when it begins. `topic` tells apart what can be alarmed about; none: it is
    /// over. Returns true if it has just begun.
    pub fn alarm(&self, topic: &str, what: Option<&str>, now: u64) -> Result<bool, Error> {
        let key = format!("alarm {topic}");
        let before = self.catalogue().noted(&key)?;
        let began = what.is_some() && before.as_deref().unwrap_or_default().is_empty();
        if let Some(what) = what.filter(|_| began) {
            self.log(
                Event::Alarm {
                    what: what.to_owned(),
                },
                now,
            )?;
        }
        let is = what.map_or("", |_| "on");
        if before.as_deref().unwrap_or_default() != is {
            self.catalogue().set(&key, is)?;
        }
        Ok(began)
    }

    /// The entries of the access log; of one recording only, if asked.
    pub fn entries(&self, of: Option<&Hash>) -> Result<Vec<Entry>, Error> {
        let mut all = access_log::entries(&self.settings.data)?;
        if let Some(of) = of.map(|hash| hex(hash)) {
            all.retain(|entry| entry.event.recording() == Some(of.as_str()));
        }
        Ok(all)
    }

    /// Checks the whole access log.
    pub fn verify_log(&self) -> Result<Result<Verified, Broken>, Error> {
        let known = self.catalogue().log_tail()?.and_then(|(number, head)| {
            let head = HEXLOWER.decode(head.as_bytes()).ok()?;
            Some(Tail {
                number,
                head: head.try_into().ok()?,
            })
        });
        access_log::verify(&self.settings.data, &[self.signer], known.as_ref())
    }

    /// Tries whether recordings can be written: makes, syncs and removes a small file.
    pub fn probe(&self) -> io::Result<()> {
        // Recorders that failed together would remove each other's.
        let _alone = self.probing.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.settings.data.join(ACTIVE).join("probe");
        self.layer.remove_synced(&path)?;
        let mut file = self.layer.create(&path)?;
        file.append(&[0; 4096])?;
        file.sync()?;
        drop(file);
        self.layer.remove(&path)
    }

    /// What is left on the disk.
    pub fn space(&self) -> io::Result<Space> {
        let stat = rustix::fs::statvfs(self.settings.data.join(ACTIVE))?;
        Ok(Space {
            free: stat.f_bavail * stat.f_frsize,
            total: stat.f_blocks * stat.f_frsize,
        })
    }

    fn living(&self, id: RecordingId) -> Result<Recording, Error> {
        let recording = self.catalogue().find(id)?.ok_or(Error::Deleted)?;
        if recording.state == State::Deleted || recording.deletion_reason.is_some() {
            return Err(Error::Deleted);
        }
        Ok(recording)
    }

    fn catalogue(&self) -> MutexGuard<'_, Catalogue> {
        self.catalogue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn active_path(&self, name: &str) -> PathBuf {
        self.settings.data.join(ACTIVE).join(depot::file_name(name))
    }

    /// Orders what belongs together in key directory and catalogue, between programs, too.
    fn exclusive(&self) -> Result<File, Error> {
        let path = self.settings.data.join("store.lock");
        let lock = || {
            let file = open_private(&path)?;
            file.lock()?;
            Ok(file)
        };
        lock().map_err(Error::disk("cannot lock", &path))
    }
}

impl Error {
    fn disk(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Disk { what, path, source }
    }

    fn depot(error: object_store::Error) -> Self {
        Self::Depot(Box::new(error))
    }
}

/// Waits for the depot on this thread.
fn blocking<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| Error::Depot(Box::new(error)))?
        .block_on(work)
}

fn open_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

/// The UTC date of a time, as daily keys are named.
fn day(unix_s: u64) -> String {
    i64::try_from(unix_s)
        .ok()
        .and_then(|s| jiff::Timestamp::from_second(s).ok())
        .map_or_else(
            || "unknown".to_owned(),
            |time| time.strftime("%Y-%m-%d").to_string(),
        )
}

const ACTIVE: &str = "active";
const RESERVE: &str = "reserve";
