//! The key directory: sealed keys, wrapped under daily keys.
//!
//! ```text
//! KEYS/ (0700)  CACHEDIR.TAG  README
//!   2026-11-22.key                32 random bytes: the daily key (UTC)
//!   NAME.00000001.sealed          the sealed keys of one recording's epoch, AES-256-GCM
//! ```
//!
//! The directory stays out of backups, which its tag and README ask for: destroying a few bytes
//! here then destroys a recording everywhere, even where a copy of its frames survives.
//! A file counts once it and its name are synced; one that cannot be opened was never kept.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use fernsicht_protocol::crypto;
use fernsicht_protocol::wire::{Wire, enc};
use rand_core::OsRng;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::Error;
use super::file::Layer;

pub use fernsicht_protocol::sealing::SealedKeys;

/// The key directory.
#[derive(Debug)]
pub(super) struct Keys {
    directory: PathBuf,
    layer: Arc<dyn Layer>,
}

impl Keys {
    /// Opens the directory and makes what is missing.
    pub(super) fn open(directory: &Path, layer: Arc<dyn Layer>) -> Result<Self, Error> {
        let failed = Error::disk("cannot use the key directory", directory);
        let make = || {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(directory)?;
            for (name, text) in [("CACHEDIR.TAG", TAG), ("README", README)] {
                let path = directory.join(name);
                if !path.exists() {
                    layer.write_whole(&path, text.as_bytes())?;
                }
            }
            Ok(())
        };
        make().map_err(failed)?;
        Ok(Self {
            directory: directory.to_owned(),
            layer,
        })
    }

    /// Makes the daily key if there is none. It must be there before a recording names it.
    pub(super) fn prepare_day(&self, day: &str) -> Result<(), Error> {
        if self.day_key(day)?.is_some() {
            return Ok(());
        }
        let key: Zeroizing<[u8; 32]> = Zeroizing::new(crypto::random(&mut OsRng));
        let path = self.day_path(day);
        self.layer
            .write_whole(&path, key.as_slice())
            .map_err(Error::disk("cannot write", &path))
    }

    /// Wraps and keeps the sealed keys of an epoch. When this returns they are synced.
    pub(super) fn keep(
        &self,
        day: &str,
        name: &str,
        epoch: u32,
        sealed: &SealedKeys,
    ) -> Result<(), Error> {
        let path = self.sealed_path(name, epoch);
        let Some(key) = self.day_key(day)? else {
            return Err(Error::KeyGone(self.day_path(day)));
        };
        let nonce: [u8; 12] = crypto::random(&mut OsRng);
        let mut wrapped = sealed.to_bytes();
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(associated(day, name, epoch)),
            &mut wrapped,
        )
        .map_err(|_| Error::KeyGone(path.clone()))?;
        let content = [MAGIC.as_slice(), &nonce, &wrapped].concat();
        self.layer
            .write_whole(&path, &content)
            .map_err(Error::disk("cannot write", &path))
    }

    /// What was kept for a recording, by epoch. Empty: nothing, or it has been destroyed.
    pub(super) fn sealed(&self, day: &str, name: &str) -> Result<Vec<(u32, SealedKeys)>, Error> {
        let Some(key) = self.day_key(day)? else {
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        for (path, epoch) in self.files_of(name)? {
            let content = fs::read(&path).map_err(Error::disk("cannot read", &path))?;
            if let Some(sealed) = unwrap(&key, &content, &associated(day, name, epoch)) {
                all.push((epoch, sealed));
            }
        }
        all.sort_unstable_by_key(|(epoch, _)| *epoch);
        Ok(all)
    }

    /// Destroys everything that was kept for a recording.
    pub(super) fn destroy(&self, name: &str) -> Result<(), Error> {
        for (path, _) in self.files_of(name)? {
            self.layer
                .wipe(&path)
                .map_err(Error::disk("cannot destroy", &path))?;
        }
        Ok(())
    }

    /// Destroys a daily key: when its last recording goes.
    pub(super) fn destroy_day(&self, day: &str) -> Result<(), Error> {
        let path = self.day_path(day);
        self.layer
            .wipe(&path)
            .map_err(Error::disk("cannot destroy", &path))
    }

    /// The days that have a key.
    pub(super) fn days(&self) -> Result<BTreeSet<String>, Error> {
        Ok(self
            .names()?
            .iter()
            .filter_map(|name| name.strip_suffix(".key"))
            .map(str::to_owned)
            .collect())
    }

    /// The recordings that have keys.
    pub(super) fn recordings(&self) -> Result<BTreeSet<String>, Error> {
        Ok(self
            .names()?
            .iter()
            .filter_map(|name| parse_sealed(name))
            .map(|(name, _)| name.to_owned())
            .collect())
    }

    /// When something was last kept for a recording.
    pub(super) fn modified(&self, name: &str) -> Result<SystemTime, Error> {
        let mut last = SystemTime::UNIX_EPOCH;
        for (path, _) in self.files_of(name)? {
            let modified = fs::metadata(&path).and_then(|meta| meta.modified());
            last = last.max(modified.map_err(Error::disk("cannot read", &path))?);
        }
        Ok(last)
    }

    fn files_of(&self, name: &str) -> Result<Vec<(PathBuf, u32)>, Error> {
        let all = self.names()?;
        let of = all.iter().filter_map(|file| parse_sealed(file));
        Ok(of
            .filter(|(owner, _)| *owner == name)
            .map(|(_, epoch)| (self.sealed_path(name, epoch), epoch))
            .collect())
    }

    fn names(&self) -> Result<Vec<String>, Error> {
        let list = || {
            let mut names = Vec::new();
            for entry in fs::read_dir(&self.directory)? {
                if let Ok(name) = entry?.file_name().into_string() {
                    names.push(name);
                }
            }
            Ok(names)
        };
        list().map_err(Error::disk(
            "cannot list the key directory",
            &self.directory,
        ))
    }

    /// Wipes what was not finished when the machine stopped.
    pub(super) fn clear_unfinished(&self) -> Result<(), Error> {
        for name in self.names()?.iter().filter(|name| name.ends_with(".part")) {
            let path = self.directory.join(name);
            self.layer
                .wipe(&path)
                .map_err(Error::disk("cannot destroy", &path))?;
        }
        Ok(())
    }

    /// None: there is no such key, or it was not whole when the machine stopped.
    fn day_key(&self, day: &str) -> Result<Option<LessSafeKey>, Error> {
        let path = self.day_path(day);
        match fs::read(&path).map(Zeroizing::new) {
            Ok(bytes) if bytes.iter().all(|b| *b == 0) => Ok(None),
            Ok(bytes) => Ok(UnboundKey::new(&AES_256_GCM, &bytes)
                .ok()
                .map(LessSafeKey::new)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::disk("cannot read", &path)(error)),
        }
    }

    fn day_path(&self, day: &str) -> PathBuf {
        self.directory.join(format!("{day}.key"))
    }

    fn sealed_path(&self, name: &str, epoch: u32) -> PathBuf {
        self.directory.join(format!("{name}.{epoch:08x}.sealed"))
    }
}

fn parse_sealed(file: &str) -> Option<(&str, u32)> {
    let (name, epoch) = file.strip_suffix(".sealed")?.split_once('.')?;
    Some((name, u32::from_str_radix(epoch, 16).ok()?))
}

fn unwrap(key: &LessSafeKey, content: &[u8], associated: &[u8]) -> Option<SealedKeys> {
    let (nonce, wrapped) = content.strip_prefix(MAGIC)?.split_first_chunk::<12>()?;
    let mut wrapped = wrapped.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let opened = key
        .open_in_place(nonce, Aad::from(associated), &mut wrapped)
        .ok()?;
    SealedKeys::from_bytes(opened).ok()
}

/// A wrapped key opens only as what it was: this recording's, this epoch's, this day's.
fn associated(day: &str, name: &str, epoch: u32) -> Vec<u8> {
    enc(&[
        b"fernsicht/1 sealed keys",
        day.as_bytes(),
        name.as_bytes(),
        &epoch.to_be_bytes(),
    ])
}

const MAGIC: &[u8; 8] = b"FSKEYS\x00\x01";
const TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
# Keys of sealed recordings. Leave this directory out of backups.\n";
const README: &str = "Leave this directory out of every backup: a key that lives on in a backup \
keeps a deleted recording readable.\n";
