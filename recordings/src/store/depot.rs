//! The depot: where finished recordings lie until their time is over.
//!
//! A folder by default; the seam is `object_store`, so that another kind of store is a matter of
//! configuration (`store = "file:…"` in relay.toml). Recordings are moved in and handed out in
//! blocks; none is ever whole in memory. Nothing is kept open between two blocks: a recording
//! that is deleted ends under its reader.

use std::fs::{self, DirBuilder};
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use ring::digest;

use super::Error;

/// Where a depot is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A folder of this machine.
    Folder(PathBuf),
}

impl Location {
    /// Reads `file:PATH`; a relative path stands in `base`. None: another kind of store.
    pub fn parse(text: &str, base: &Path) -> Option<Self> {
        let path = text.strip_prefix("file:")?;
        let path = path.strip_prefix("//").unwrap_or(path);
        (!path.is_empty()).then(|| Self::Folder(base.join(path)))
    }
}

/// The depot.
#[derive(Debug, Clone)]
pub(super) struct Depot {
    store: Arc<dyn ObjectStore>,
    /// Of a folder: uploads that were cut off are files there.
    folder: Option<PathBuf>,
}

impl Depot {
    /// Opens the depot; a folder is made, for its owner only.
    pub(super) fn open(location: &Location) -> Result<Self, Error> {
        match location {
            Location::Folder(folder) => {
                DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(folder)
                    .map_err(Error::disk("cannot use the depot", folder))?;
                let store = LocalFileSystem::new_with_prefix(folder).map_err(Error::depot)?;
                Ok(Self {
                    store: Arc::new(store.with_fsync(true)),
                    folder: Some(folder.clone()),
                })
            }
        }
    }

    /// The folder, if it is one.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Copies a file in and reads the copy back. When this returns the copy is safe and whole.
    pub(super) async fn put(&self, name: &str, file: &Path) -> Result<u64, Error> {
        let key = key(name);
        let failed = Error::disk("cannot read", file);
        let mut from = match fs::File::open(file) {
            Ok(from) => from,
            Err(error) => return Err(failed(error)),
        };
        let mut upload = self.store.put_multipart(&key).await.map_err(Error::depot)?;
        let mut sent = Sum::new();
        loop {
            let mut block = Vec::new();
            let took = (&mut from).take(BLOCK).read_to_end(&mut block);
            let step = match took {
                Ok(0) => break,
                Ok(_) => {
                    sent.add(&block);
                    upload
                        .put_part(PutPayload::from(block))
                        .await
                        .map_err(Error::depot)
                }
                Err(error) => Err(Error::disk("cannot read", file)(error)),
            };
            if let Err(error) = step {
                // What is left of it is cleared with the recording, at the latest.
                drop(upload.abort().await);
                return Err(error);
            }
        }
        upload.complete().await.map_err(Error::depot)?;
        let sent = sent.finish();
        if self.sum(name).await? != sent {
            return Err(Error::Copy(name.to_owned()));
        }
        Ok(sent.0)
    }

    /// Length of a recording in the depot. None: it is not there.
    pub(super) async fn length(&self, name: &str) -> Result<Option<u64>, Error> {
        match self.store.head(&key(name)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(Error::depot(error)),
        }
    }

    /// A piece of a recording. None: it is not there.
    pub(super) async fn read(
        &self,
        name: &str,
        from: u64,
        length: u64,
    ) -> Result<Option<Vec<u8>>, Error> {
        let range = from..from + length;
        match self.store.get_range(&key(name), range).await {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(Error::depot(error)),
        }
    }

    /// Removes a recording, with what cut-off uploads have left of it. One that is not there
    /// is removed already.
    pub(super) async fn remove(&self, name: &str) -> Result<(), Error> {
        match self.store.delete(&key(name)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(Error::depot(error)),
        }
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let clear = || {
            let whole = file_name(name);
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let left = entry
                    .file_name()
                    .into_string()
                    .is_ok_and(|file| file.starts_with(&whole));
                if left {
                    fs::remove_file(entry.path())?;
                }
            }
            fs::File::open(folder)?.sync_all()
        };
        clear().map_err(Error::disk("cannot clear the depot", folder))
    }

    async fn sum(&self, name: &str) -> Result<(u64, Vec<u8>), Error> {
        let length = self.length(name).await?.unwrap_or(0);
        let mut sum = Sum::new();
        while sum.length < length {
            let step = (length - sum.length).min(BLOCK);
            match self.read(name, sum.length, step).await? {
                Some(block) if !block.is_empty() => sum.add(&block),
                Some(_) | None => break,
            }
        }
        Ok(sum.finish())
    }
}

/// Length and SHA-256 of what went past.
struct Sum {
    length: u64,
    hash: digest::Context,
}

impl Sum {
    fn new() -> Self {
        Self {
            length: 0,
            hash: digest::Context::new(&digest::SHA256),
        }
    }

    fn add(&mut self, block: &[u8]) {
        self.length += block.len() as u64;
        self.hash.update(block);
    }

    fn finish(self) -> (u64, Vec<u8>) {
        (self.length, self.hash.finish().as_ref().to_vec())
    }
}

fn key(name: &str) -> Key {
    Key::from(file_name(name))
}

/// The file of a recording, active or in a depot's folder.
pub(super) fn file_name(name: &str) -> String {
    format!("{name}{ENDING}")
}

/// How the files of recordings end.
pub(super) const ENDING: &str = ".recording";

/// One block of a hand-out or a move, in bytes.
pub(super) const BLOCK: u64 = 1 << 20;
