//! Files as the store needs them: appended, synced, wiped.
//!
//! ```text
//! create (O_EXCL, 0600) ─► append (write(2) has taken it) ─► sync (fdatasync) ─► …
//!        └─► sync_directory: from here on the name survives a power loss, too
//! ```
//!
//! Everything that must survive goes through a [`Layer`], so that tests can put one below that
//! forgets whatever was not synced, is full, breaks or stalls ([`super::faults`]).
//! Reading needs no layer: what cannot be read back has not been kept.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// What the store does to a file system. The provided methods are sequences of the others.
pub trait Layer: Send + Sync + Debug {
    /// Makes a file that was not there, readable by its owner only.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Appending>>;

    /// Opens a file that is there, for writing behind its end.
    fn reopen(&self, path: &Path) -> io::Result<Box<dyn Appending>>;

    /// Gives a file another name in the same directory, in place of a file of that name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Takes a name away.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a directory survive a power loss.
    fn sync_directory(&self, directory: &Path) -> io::Result<()>;

    /// [`Self::create`], with a name that survives.
    fn create_synced(&self, path: &Path) -> io::Result<Box<dyn Appending>> {
        let file = self.create(path)?;
        self.sync_directory(parent(path))?;
        Ok(file)
    }

    /// A whole file or none, synced, in place of one of that name.
    fn write_whole(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let part = path.with_added_extension(PART);
        if part.exists() {
            self.remove(&part)?;
        }
        let mut file = self.create(&part)?;
        let written = file.append(content).and_then(|()| file.sync());
        drop(file);
        if let Err(error) = written {
            // On a full disk it would only take the space that others need.
            drop(self.remove(&part));
            return Err(error);
        }
        self.rename(&part, path)?;
        self.sync_directory(parent(path))
    }

    /// Removes a file for good; one that is not there is removed already.
    fn remove_synced(&self, path: &Path) -> io::Result<()> {
        match self.remove(path) {
            Ok(()) => self.sync_directory(parent(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Overwrites a file's bytes on the disk before its name goes. The bytes go first: a name
    /// can come back after a power loss, its content then must not.
    fn wipe(&self, path: &Path) -> io::Result<()> {
        match self.reopen(path) {
            Ok(mut file) => {
                file.overwrite()?;
                file.sync()?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        }
        self.remove_synced(path)
    }
}

/// A file that grows at its end.
pub trait Appending: Send + Debug {
    /// Returns when write(2) has taken all of it: it survives this process, not yet a power loss.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// The same for several pieces, one behind the other.
    fn append_all(&mut self, pieces: &[&[u8]]) -> io::Result<()> {
        self.append(&pieces.concat())
    }

    /// Returns when everything appended survives a power loss. A file that was removed meanwhile
    /// does not: whoever still writes into it must learn that nothing is kept.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the file to this length.
    fn truncate(&mut self, length: u64) -> io::Result<()>;

    /// Writes zeros over all of its bytes.
    fn overwrite(&mut self) -> io::Result<()>;
}

/// The operating system's files.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Layer for Disk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Appending>> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        Ok(Box::new(DiskFile(file)))
    }

    fn reopen(&self, path: &Path) -> io::Result<Box<dyn Appending>> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Box::new(DiskFile(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        File::open(directory)?.sync_all()
    }
}

#[derive(Debug)]
struct DiskFile(File);

impl Appending for DiskFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn append_all(&mut self, pieces: &[&[u8]]) -> io::Result<()> {
        let mut slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let mut left = slices.as_mut_slice();
        // Empty ones in front would look like a disk that takes nothing.
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            match self.0.write_vectored(left) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut left, written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()?;
        match self.0.metadata()?.nlink() {
            0 => Err(io::Error::other("the file has been removed")),
            _ => Ok(()),
        }
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.0.set_len(length)?;
        self.0.seek(SeekFrom::End(0)).map(drop)
    }

    fn overwrite(&mut self) -> io::Result<()> {
        let mut left = self.0.seek(SeekFrom::End(0))?;
        self.0.seek(SeekFrom::Start(0))?;
        let zeros = [0; 4096];
        while left > 0 {
            let now = left.min(zeros.len() as u64);
            let block = zeros.get(..now as usize).unwrap_or(&zeros);
            self.0.write_all(block)?;
            left -= now;
        }
        Ok(())
    }
}

/// The directory that a file of the store stands in.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

/// How files end that are not whole yet.
pub(super) const PART: &str = "part";
