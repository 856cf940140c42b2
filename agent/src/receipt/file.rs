//! Receipts as files: their names, the folders they are saved in, and saving that leaves either
//! the old file or the new one, whatever happens in between.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use directories::UserDirs;
use fernsicht_protocol::receipt::{self, MAX_FILE, Receipt, State};
use jiff::{Timestamp, tz::TimeZone};

/// What every receipt's name begins with, in every language: so that people find it again.
const NAME: &str = "Fernhilfe-Beleg-";

/// How often another name is tried where one is taken.
const NAMES: usize = 100;

/// For how long an interrupted session's receipt is shown at the next start, in seconds.
const RECENT_S: u64 = 24 * 60 * 60;

/// The most files of one folder that are looked at.
const MOST_FILES: usize = 4096;

/// The customer's folders in which a receipt is saved, the likeliest first.
pub(crate) fn folders() -> Vec<PathBuf> {
    let Some(user) = UserDirs::new() else {
        return Vec::new();
    };
    let usual = [
        user.document_dir(),
        user.desktop_dir(),
        Some(user.home_dir()),
    ];
    let mut folders: Vec<PathBuf> = Vec::new();
    for folder in usual.into_iter().flatten() {
        if folder.is_dir() && !folders.iter().any(|known| known == folder) {
            folders.push(folder.to_owned());
        }
    }
    folders
}

/// Saves under a new name in the first of these folders that takes it. Errors: none does; the last one's reason.
pub(crate) fn save_in(folders: &[PathBuf], started: u64, bytes: &[u8]) -> io::Result<PathBuf> {
    let mut outcome = Err(io::Error::from(io::ErrorKind::NotFound));
    for folder in folders {
        outcome = save_new(folder, started, bytes);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

/// Saves under a new name in this folder; nothing that is there is overwritten.
pub(crate) fn save_new(folder: &Path, started: u64, bytes: &[u8]) -> io::Result<PathBuf> {
    let temporary = write_temporary(folder, bytes)?;
    let named = name_new(folder, started, &temporary);
    // With a hard link the temporary name is still there; renamed, it is gone.
    fs::remove_file(&temporary).ok();
    let path = named?;
    sync_folder(folder);
    Ok(path)
}

/// Replaces the file that this program wrote before.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let temporary = write_temporary(folder, bytes)?;
    if let Err(error) = fs::rename(&temporary, path) {
        fs::remove_file(&temporary).ok();
        return Err(error);
    }
    sync_folder(folder);
    Ok(())
}

/// The newest receipt of a session that was interrupted within the last day: started, never completed.
/// To be asked while no other agent runs in this login session.
pub(crate) fn interrupted(folders: &[PathBuf], now: u64) -> Option<PathBuf> {
    let mut newest: Option<(u64, PathBuf)> = None;
    for folder in folders {
        let Ok(entries) = fs::read_dir(folder) else {
            continue;
        };
        for entry in entries.flatten().take(MOST_FILES) {
            if !is_receipt_name(&entry.file_name()) {
                continue;
            }
            let path = entry.path();
            let Some(receipt) = read(&path) else { continue };
            let recent = now.abs_diff(receipt.started) <= RECENT_S;
            let newer = newest.as_ref().is_none_or(|(at, _)| *at < receipt.started);
            if receipt.state == State::Started && recent && newer {
                newest = Some((receipt.started, path));
            }
        }
    }
    newest.map(|(_, path)| path)
}

fn read(path: &Path) -> Option<Receipt> {
    let length = fs::metadata(path).ok()?.len();
    if length > MAX_FILE as u64 {
        return None;
    }
    receipt::parse(&fs::read(path).ok()?).ok()
}

fn is_receipt_name(name: &OsString) -> bool {
    name.to_str()
        .is_some_and(|name| name.starts_with(NAME) && name.ends_with(".html"))
}

/// `Fernhilfe-Beleg-2026-11-22-1405.html`, by this computer's clock; from the second on with a number behind.
fn name(started: u64, attempt: usize) -> String {
    let seconds = i64::try_from(started).unwrap_or_default();
    let when = Timestamp::from_second(seconds)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_zoned(TimeZone::system());
    let suffix = match attempt {
        0 => String::new(),
        again => format!("-{}", again + 1),
    };
    format!(
        "{NAME}{:04}-{:02}-{:02}-{:02}{:02}{suffix}.html",
        when.year(),
        when.month(),
        when.day(),
        when.hour(),
        when.minute(),
    )
}

fn write_temporary(folder: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let path = folder.join(format!(".{NAME}{}.part", std::process::id()));
    // What a killed agent left; nothing else has this name.
    fs::remove_file(&path).ok();
    let written = private(&path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    match written {
        Ok(()) => Ok(path),
        Err(error) => {
            fs::remove_file(&path).ok();
            Err(error)
        }
    }
}

/// A new file for its owner's eyes; a link that lies in wait is not followed.
fn private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn name_new(folder: &Path, started: u64, temporary: &Path) -> io::Result<PathBuf> {
    for attempt in 0..NAMES {
        let path = folder.join(name(started, attempt));
        match fs::hard_link(temporary, &path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            // A stick's file system has no links: nobody else makes such names there meanwhile.
            Err(_) if !path.try_exists()? => {
                fs::rename(temporary, &path)?;
                return Ok(path);
            }
            Err(_) => {}
        }
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists))
}

/// Some file systems do not sync folders; the file itself is safe then.
fn sync_folder(folder: &Path) {
    File::open(folder).and_then(|folder| folder.sync_all()).ok();
}

#[cfg(test)]
mod tests {
    use super::*;
    use fernsicht_protocol::crypto::SigningKey;
    use fernsicht_protocol::fuzzing::receipt::sample;
    use rand_core::OsRng;

    fn sealed(started: u64, completed: bool) -> Vec<u8> {
        let key = SigningKey::draw(&mut OsRng);
        let mut receipt = sample(completed);
        receipt.agent_key = key.public();
        receipt.started = started;
        receipt::seal(&receipt::block(&receipt), &key).expect("our own")
    }

    fn entries(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("UTF-8")
            })
            .collect();
        names.sort();
        names
    }

    #[test]
    fn nothing_is_overwritten_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let one = save_new(folder.path(), 1_800_000_000, b"one").expect("saved");
        let two = save_new(folder.path(), 1_800_000_000, b"two").expect("saved");
        assert_ne!(one, two);
        assert_eq!(fs::read(&one).expect("there"), b"one");
        assert_eq!(entries(folder.path()).len(), 2);
        assert!(
            entries(folder.path())
                .iter()
                .all(|name| name.ends_with(".html"))
        );
        replace(&one, b"three").expect("replaced");
        assert_eq!(fs::read(&one).expect("there"), b"three");
        assert_eq!(entries(folder.path()).len(), 2);
    }

    #[test]
    fn where_it_cannot_be_saved_the_next_folder_is_tried() {
        let folder = tempfile::tempdir().expect("a folder");
        let gone = folder.path().join("gone");
        let folders = [gone.clone(), folder.path().to_owned()];
        let path = save_in(&folders, 1_800_000_000, b"one").expect("saved");
        assert_eq!(path.parent(), Some(folder.path()));
        assert!(save_in(&[gone], 1_800_000_000, b"one").is_err());
        assert!(save_in(&[], 1_800_000_000, b"one").is_err());
    }

    #[test]
    fn a_name_tells_date_and_time() {
        let name = name(1_800_000_000, 0);
        assert!(name.starts_with("Fernhilfe-Beleg-2027-01-1"), "{name}");
        assert_eq!(name.len(), "Fernhilfe-Beleg-2026-11-22-1405.html".len());
    }

    #[test]
    fn only_a_recent_receipt_that_was_never_completed_is_found_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let folders = [folder.path().to_owned()];
        let now = 1_800_000_000;
        let save = |started, completed| {
            save_new(folder.path(), started, &sealed(started, completed)).expect("saved")
        };
        fs::write(folder.path().join("Fernhilfe-Beleg-x.html"), "<html>").expect("written");
        save(now - 60, true);
        save(now - 2 * RECENT_S, false);
        assert_eq!(interrupted(&folders, now), None);
        save(now - 7_200, false);
        let newest = save(now - 3_600, false);
        assert_eq!(interrupted(&folders, now), Some(newest));
    }
}
