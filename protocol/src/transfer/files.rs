//! The two ends of a file on a disk, for both programs (feature `files`).
//!
//! ```text
//! Incoming::create ─ write … ─ check(hash) ─► Whole ─ place ─► under its name, or a numbered one
//!        └────── dropped at any step: nothing is left
//! Outgoing::open ─ read … ─ finish ─► hash, if the file is still what was offered
//! ```
//!
//! What arrives lies in the chosen folder under a temporary name, readable by its owner alone and not executable,
//! until it is whole and compared. Blocking; call it from a thread of its own. Not here: whether it may happen.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rand_core::{OsRng, RngCore};
use sha2::{Digest, Sha256};

use super::{LARGEST_FILE, Reason, harmless, with_number};
use crate::crypto::Hash;

/// A running SHA-256.
#[derive(Clone, Default)]
struct Sum(Sha256);

/// A file that is arriving. Dropped, it is gone.
pub struct Incoming {
    file: File,
    part: Part,
    name: String,
    sum: Sum,
}

/// A file that has arrived and is what was sent.
pub struct Whole {
    part: Part,
    name: String,
}

/// The file under its temporary name; removed when dropped.
struct Part {
    folder: PathBuf,
    path: PathBuf,
    placed: bool,
}

impl Incoming {
    /// Makes the temporary file, with room for all of it where the system can promise that.
    pub fn create(folder: &Path, name: &str, size: u64) -> Result<Self, Reason> {
        if !folder.is_dir() {
            return Err(Reason::NotWritable);
        }
        remove_left(folder);
        let path = folder.join(format!("{PREFIX}{:016x}{SUFFIX}", OsRng.next_u64()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|e| writing(&e))?;
        let part = Part {
            folder: folder.to_owned(),
            path,
            placed: false,
        };
        // Says that somebody is at it; a system without locks leaves it to the next start to guess.
        file.try_lock().ok();
        reserve(&file, size)?;
        Ok(Self {
            file,
            part,
            name: harmless(name),
            sum: Sum::default(),
        })
    }

    /// Writes what comes next.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        self.file.write_all(bytes).map_err(|e| writing(&e))?;
        self.sum.0.update(bytes);
        Ok(())
    }

    /// All was written: compares, and brings it to the disk.
    pub fn check(self, hash: &Hash) -> Result<Whole, Reason> {
        let found: Hash = self.sum.0.finalize().into();
        if found != *hash {
            return Err(Reason::Mismatch);
        }
        self.file.sync_all().map_err(|e| writing(&e))?;
        Ok(Whole {
            part: self.part,
            name: self.name,
        })
    }
}

impl Whole {
    /// Gives it its name; where the folder has that already, with a number. Quick: no bytes are moved.
    pub fn place(mut self) -> Result<PathBuf, Reason> {
        for number in 1..=MOST_SAME {
            let name = match number {
                1 => self.name.clone(),
                number => with_number(&self.name, number),
            };
            let to = self.part.folder.join(name);
            match rename_new(&self.part.path, &to) {
                Ok(()) => {
                    self.part.placed = true;
                    return Ok(to);
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(writing(&error)),
            }
        }
        Err(Reason::NotWritable)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.placed {
            // What cannot be removed was removed by somebody else, or is found at the next file.
            std::fs::remove_file(&self.path).ok();
        }
    }
}

/// A file that is sent.
pub struct Outgoing {
    file: File,
    size: u64,
    modified: Option<SystemTime>,
    sum: Sum,
    /// How far it was hashed: parts that are read again count once.
    summed: u64,
}

impl Outgoing {
    /// Opens an ordinary file. Devices, pipes and folders are none.
    pub fn open(path: &Path) -> Result<Self, Reason> {
        let mut options = OpenOptions::new();
        options.read(true);
        // A pipe without a writer would hold the thread for ever.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::custom_flags(
            &mut options,
            rustix::fs::OFlags::NONBLOCK.bits().cast_signed(),
        );
        let file = options.open(path).map_err(|_| Reason::Unreadable)?;
        let metadata = file.metadata().map_err(|_| Reason::Unreadable)?;
        if !metadata.is_file() || metadata.len() > LARGEST_FILE {
            return Err(Reason::Unreadable);
        }
        Ok(Self {
            file,
            size: metadata.len(),
            modified: metadata.modified().ok(),
            sum: Sum::default(),
            summed: 0,
        })
    }

    /// Its bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads a part.
    pub fn read(&mut self, offset: u64, length: usize) -> Result<Vec<u8>, Reason> {
        let mut bytes = vec![0; length];
        self.file
            .seek(SeekFrom::Start(offset))
            .map_err(|_| Reason::Unreadable)?;
        self.file.read_exact(&mut bytes).map_err(|error| {
            if error.kind() == ErrorKind::UnexpectedEof {
                Reason::Changed
            } else {
                Reason::Unreadable
            }
        })?;
        let known = self.summed.saturating_sub(offset).min(length as u64);
        self.sum.0.update(&bytes[known as usize..]);
        self.summed = self.summed.max(offset + length as u64);
        Ok(bytes)
    }

    /// The hash of all that was read, if the file is still what it was.
    pub fn finish(&self) -> Result<Hash, Reason> {
        let metadata: Metadata = self.file.metadata().map_err(|_| Reason::Unreadable)?;
        let same = metadata.len() == self.size && metadata.modified().ok() == self.modified;
        if !same || self.summed != self.size {
            return Err(Reason::Changed);
        }
        Ok(self.sum.0.clone().finalize().into())
    }
}

/// Removes what a killed program left in this folder.
fn remove_left(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let ours = name
            .to_str()
            .is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
        let ordinary = entry.file_type().is_ok_and(|kind| kind.is_file());
        if !ours || !ordinary {
            continue;
        }
        // Whoever writes one holds its lock.
        if let Ok(file) = File::open(entry.path())
            && file.try_lock().is_ok()
        {
            std::fs::remove_file(entry.path()).ok();
        }
    }
}

/// Systems that cannot promise room are believed later.
#[cfg(not(target_os = "linux"))]
fn reserve(_: &File, _: u64) -> Result<(), Reason> {
    Ok(())
}

/// Room for the whole file, so that a full disk says so at once.
#[cfg(target_os = "linux")]
fn reserve(file: &File, size: u64) -> Result<(), Reason> {
    if size > 0 {
        use rustix::fs::{FallocateFlags, fallocate};
        if let Err(rustix::io::Errno::NOSPC | rustix::io::Errno::DQUOT | rustix::io::Errno::FBIG) =
            fallocate(file, FallocateFlags::KEEP_SIZE, 0, size)
        {
            return Err(Reason::DiskFull);
        }
    }
    Ok(())
}

/// Renames without taking another file's place.
fn rename_new(from: &Path, to: &Path) -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(()),
            Err(Errno::INVAL | Errno::NOSYS) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    // A file system that cannot promise it: an empty file of ours holds the name for a moment.
    OpenOptions::new().write(true).create_new(true).open(to)?;
    std::fs::rename(from, to).inspect_err(|_| {
        std::fs::remove_file(to).ok();
    })
}

fn writing(error: &std::io::Error) -> Reason {
    let full = [
        ErrorKind::StorageFull,
        ErrorKind::QuotaExceeded,
        ErrorKind::FileTooLarge,
    ];
    match full.contains(&error.kind()) {
        true => Reason::DiskFull,
        false => Reason::NotWritable,
    }
}

const PREFIX: &str = ".fernsicht-";
const SUFFIX: &str = ".part";
/// Files of one name in one folder.
const MOST_SAME: u32 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hash;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_whole_file_takes_its_place_and_no_other_files() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.txt"), "mine").unwrap();
        for _ in 0..2 {
            let mut incoming = Incoming::create(folder.path(), "../a.txt", 6).unwrap();
            incoming.write(b"abc").unwrap();
            incoming.write(b"def").unwrap();
            incoming.check(&hash(b"abcdef")).unwrap().place().unwrap();
        }
        assert_eq!(names(folder.path()), ["a (2).txt", "a (3).txt", "a.txt"]);
        assert_eq!(std::fs::read(folder.path().join("a.txt")).unwrap(), b"mine");
        let placed = folder.path().join("a (2).txt");
        assert_eq!(std::fs::read(&placed).unwrap(), b"abcdef");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = placed.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn what_is_given_up_or_altered_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut incoming = Incoming::create(folder.path(), "a", 3).unwrap();
        incoming.write(b"abc").unwrap();
        assert_eq!(names(folder.path()).len(), 1);
        assert!(matches!(
            incoming.check(&hash(b"abd")),
            Err(Reason::Mismatch)
        ));
        drop(Incoming::create(folder.path(), "a", 3).unwrap());
        let mut incoming = Incoming::create(folder.path(), "a", 3).unwrap();
        incoming.write(b"abc").unwrap();
        drop(incoming.check(&hash(b"abc")).unwrap());
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[test]
    fn what_a_killed_program_left_goes_with_the_next_file() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join(format!("{PREFIX}0{SUFFIX}"));
        std::fs::write(&left, "half").unwrap();
        let running = Incoming::create(folder.path(), "a", 3).unwrap();
        assert!(!left.exists());
        let other = Incoming::create(folder.path(), "b", 3).unwrap();
        assert!(
            running.part.path.exists(),
            "one that is being written stays"
        );
        drop(other);
    }

    #[test]
    fn a_folder_that_takes_nothing_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        assert!(matches!(
            Incoming::create(&gone, "a", 1),
            Err(Reason::NotWritable)
        ));
        #[cfg(target_os = "linux")]
        assert!(matches!(
            Incoming::create(Path::new("/dev/shm"), "a", LARGEST_FILE),
            Err(Reason::DiskFull)
        ));
    }

    #[test]
    fn only_ordinary_files_are_sent() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Outgoing::open(folder.path()).is_err(), "a folder");
        assert!(Outgoing::open(&folder.path().join("none")).is_err());
        #[cfg(target_os = "linux")]
        {
            assert!(Outgoing::open(Path::new("/dev/zero")).is_err(), "a device");
            let pipe = folder.path().join("pipe");
            let made = std::process::Command::new("mkfifo").arg(&pipe).status();
            assert!(made.unwrap().success());
            assert!(Outgoing::open(&pipe).is_err(), "a pipe");
        }
    }

    #[test]
    fn a_file_that_changes_is_found_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, b"abcdef").unwrap();
        let mut outgoing = Outgoing::open(&path).unwrap();
        assert_eq!(outgoing.read(0, 3).unwrap(), b"abc");
        assert!(matches!(outgoing.finish(), Err(Reason::Changed)));
        assert_eq!(outgoing.read(2, 4).unwrap(), b"cdef");
        assert_eq!(
            outgoing.finish().unwrap(),
            hash(b"abcdef"),
            "overlap counts once"
        );
        std::fs::write(&path, b"ab").unwrap();
        assert!(matches!(outgoing.finish(), Err(Reason::Changed)));
        assert!(matches!(outgoing.read(0, 6), Err(Reason::Changed)));
    }
}
