//! The access log: who was enrolled, what was complained about, handed out, shown, deleted.
//!
//! ```text
//! DIR/access.log    one entry a line, JSON: number, time, event, prev, signature
//! DIR/access.head   number and head of the last entry, signed
//! head_n = H(enc("access entry", head_{n-1}, {number, time, event} as written))    head_0 = 0³²
//! ```
//!
//! Every head is signed. An entry that was altered, removed or moved breaks the chain at its
//! place; a cut tail is shorter than `access.head` and the catalogue say. An entry is synced
//! before [`AccessLog::append`] returns. Several programs may append: a file lock orders them.
//!
//! What it does not find: a relay that holds the key and rewrites everything from the start.

mod entry;

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::HEXLOWER;
use fernsicht_protocol::crypto::{self, Hash, SigningKey};
use serde::{Deserialize, Serialize};

pub use entry::{Entry, Event, hex};

use super::Error;
use super::file::Layer;

/// Where a log is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {number}: {fault}")]
pub struct Broken {
    /// The number that the entry should have.
    pub number: u64,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not an entry as this program writes it.
    #[error("it is not an entry as the relay writes it")]
    Unreadable,
    /// Another number: something was removed, added or moved.
    #[error("it has another number: entries were removed, added or moved")]
    Number,
    /// It does not continue what stands before it.
    #[error("it does not continue the entry before it")]
    Chain,
    /// The signature does not fit: it was altered.
    #[error("its signature is wrong: it was altered")]
    Signature,
    /// The end of the log is missing.
    #[error("it is missing: the end of the log was cut off")]
    Cut,
    /// What says how long the log must be is missing or altered.
    #[error("access.head is missing or altered")]
    Head,
}

/// A log that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Number of entries.
    pub entries: u64,
    /// The last head.
    pub head: Hash,
}

/// Number and head of a last entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// Number of the entry; 0: none.
    pub number: u64,
    /// Its head.
    pub head: Hash,
}

/// The access log of a data directory.
#[derive(Debug)]
pub(super) struct AccessLog {
    files: Files,
    layer: Arc<dyn Layer>,
    signer: Arc<SigningKey>,
    /// What this program has seen of the log: spares reading it again.
    seen: Mutex<Seen>,
}

#[derive(Debug, Clone)]
struct Files {
    log: PathBuf,
    head: PathBuf,
    lock: PathBuf,
}

#[derive(Debug, Clone)]
struct Seen {
    bytes: u64,
    tail: Tail,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    number: u64,
    head: String,
    signature: String,
}

impl AccessLog {
    /// Opens the log of a data directory; a new one begins with a head of no entries, so that
    /// from then on a missing head is an attack. It is read when the first entry is written.
    pub(super) fn open(
        directory: &Path,
        layer: Arc<dyn Layer>,
        signer: Arc<SigningKey>,
    ) -> Result<Self, Error> {
        let log = Self {
            files: Files::of(directory),
            layer,
            signer,
            seen: Mutex::new(START),
        };
        let lock = log.files.lock()?;
        if !log.files.log.exists() && !log.files.head.exists() {
            log.write_head(&START.tail)?;
        }
        drop(lock);
        Ok(log)
    }

    /// Appends an entry and returns its number and head. It is synced then.
    pub(super) fn append(&self, time: u64, event: Event) -> Result<Tail, Error> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let lock = self.files.lock()?;
        *seen = self.catch_up(&seen)?;
        let mut entry = Entry {
            number: seen.tail.number + 1,
            time,
            event,
            prev: hex(&seen.tail.head),
            signature: String::new(),
        };
        let head = entry.head();
        entry.signature = hex(&self.signer.sign(LABEL, &head));
        let mut line = entry.line();
        line.push('\n');
        let tail = Tail {
            number: entry.number,
            head,
        };
        let new = !self.files.log.exists();
        let write = || {
            let mut file = if new {
                self.layer.create_synced(&self.files.log)?
            } else {
                self.layer.reopen(&self.files.log)?
            };
            // What a stopped machine or a full disk has left of an entry that never counted.
            file.truncate(seen.bytes)?;
            file.append(line.as_bytes())?;
            file.sync()
        };
        write().map_err(Error::disk("cannot write", &self.files.log))?;
        self.write_head(&tail)?;
        *seen = Seen {
            bytes: seen.bytes + line.len() as u64,
            tail: tail.clone(),
        };
        drop(lock);
        Ok(tail)
    }

    /// Reads what other programs have appended. An incomplete last line does not count.
    fn catch_up(&self, seen: &Seen) -> Result<Seen, Error> {
        let failed = || Error::disk("cannot read", &self.files.log);
        let length = match std::fs::metadata(&self.files.log) {
            Ok(meta) => meta.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(failed()(error)),
        };
        let mut seen = if length < seen.bytes {
            START
        } else {
            seen.clone()
        };
        if length > seen.bytes {
            let text = read_from(&self.files.log, seen.bytes).map_err(failed())?;
            for line in text.split_inclusive(|b| *b == b'\n') {
                let Some(line) = line.strip_suffix(b"\n") else {
                    break;
                };
                seen.bytes += line.len() as u64 + 1;
                if let Some(entry) = Entry::parse(line) {
                    seen.tail = Tail {
                        number: entry.number,
                        head: entry.head(),
                    };
                }
            }
        }
        // A log that was cut or cleared goes on behind what it had: the gap stays visible.
        match self.files.known(&self.signer.public()) {
            Ok(Some(known)) if known.number > seen.tail.number => seen.tail = known,
            Ok(_) | Err(_) => {}
        }
        Ok(seen)
    }

    fn write_head(&self, tail: &Tail) -> Result<(), Error> {
        let head = Head {
            number: tail.number,
            head: hex(&tail.head),
            signature: hex(&self.signer.sign(HEAD_LABEL, &tail.message())),
        };
        let text = serde_json::to_string(&head).expect("a number and two texts are JSON") + "\n";
        self.layer
            .write_whole(&self.files.head, text.as_bytes())
            .map_err(Error::disk("cannot write", &self.files.head))
    }
}

/// All entries that can be read, in their order.
pub(super) fn entries(directory: &Path) -> Result<Vec<Entry>, Error> {
    let files = Files::of(directory);
    let lock = files.lock()?;
    let text = files.text()?;
    drop(lock);
    Ok(text
        .split(|b| *b == b'\n')
        .filter_map(Entry::parse)
        .collect())
}

/// Checks the whole log. `signers`: public keys that may have signed; `known`: what the
/// catalogue says of the last entry.
pub(super) fn verify(
    directory: &Path,
    signers: &[[u8; 32]],
    known: Option<&Tail>,
) -> Result<Result<Verified, Broken>, Error> {
    let files = Files::of(directory);
    let lock = files.lock()?;
    let text = files.text()?;
    let head = signers
        .iter()
        .map(|signer| files.known(signer))
        .find(Result::is_ok)
        .unwrap_or(Err(()));
    drop(lock);
    Ok(check(&text, signers, head, known))
}

fn check(
    text: &[u8],
    signers: &[[u8; 32]],
    stated: Result<Option<Tail>, ()>,
    known: Option<&Tail>,
) -> Result<Verified, Broken> {
    let mut tail = START.tail;
    let mut heads = vec![tail.head];
    let whole = text
        .strip_suffix(b"\n")
        .map(|text| text.split(|b| *b == b'\n'));
    if whole.is_none() && !text.is_empty() {
        // An entry that was being written when the machine stopped never counted; what is
        // left of it goes with the next entry. Here it is only passed over.
        let end = text
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |at| at + 1);
        return check(text.get(..end).unwrap_or_default(), signers, stated, known);
    }
    for line in whole.into_iter().flatten() {
        let number = tail.number + 1;
        let broken = |fault| Broken { number, fault };
        let entry = Entry::parse(line).ok_or(broken(Fault::Unreadable))?;
        if entry.number != number {
            return Err(broken(Fault::Number));
        }
        if entry.prev != hex(&tail.head) {
            return Err(broken(Fault::Chain));
        }
        let head = entry.head();
        let signed = signature(&entry.signature).is_some_and(|signature| {
            signers
                .iter()
                .any(|signer| crypto::verify(signer, LABEL, &head, &signature).is_ok())
        });
        if !signed {
            return Err(broken(Fault::Signature));
        }
        tail = Tail { number, head };
        heads.push(head);
    }
    let broken = |number, fault| Broken { number, fault };
    let stated = match stated {
        Ok(None) if tail.number == 0 => None,
        Ok(Some(stated)) => Some(stated),
        Ok(None) | Err(()) => return Err(broken(tail.number, Fault::Head)),
    };
    for must in stated.iter().chain(known) {
        let at = usize::try_from(must.number).ok().and_then(|n| heads.get(n));
        match at {
            Some(head) if *head == must.head => {}
            Some(_) => return Err(broken(must.number, Fault::Signature)),
            None => return Err(broken(tail.number + 1, Fault::Cut)),
        }
    }
    Ok(Verified {
        entries: tail.number,
        head: tail.head,
    })
}

impl Tail {
    fn message(&self) -> Vec<u8> {
        [self.number.to_be_bytes().as_slice(), &self.head].concat()
    }
}

impl Files {
    fn of(directory: &Path) -> Self {
        Self {
            log: directory.join("access.log"),
            head: directory.join("access.head"),
            lock: directory.join("access.lock"),
        }
    }

    /// Held while the log is read or written.
    fn lock(&self) -> Result<File, Error> {
        let lock = || {
            let file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(&self.lock)?;
            file.lock()?;
            Ok(file)
        };
        lock().map_err(Error::disk("cannot lock", &self.lock))
    }

    fn text(&self) -> Result<Vec<u8>, Error> {
        match std::fs::read(&self.log) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(Error::disk("cannot read", &self.log)(error)),
        }
    }

    /// What access.head says. None: there is none. Err: it is not this signer's.
    fn known(&self, signer: &[u8; 32]) -> Result<Option<Tail>, ()> {
        let text = match std::fs::read(&self.head) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(_) => return Err(()),
        };
        let stated: Head = serde_json::from_slice(&text).map_err(drop)?;
        let head = HEXLOWER.decode(stated.head.as_bytes()).map_err(drop)?;
        let tail = Tail {
            number: stated.number,
            head: head.try_into().map_err(drop)?,
        };
        let signature = signature(&stated.signature).ok_or(())?;
        crypto::verify(signer, HEAD_LABEL, &tail.message(), &signature).map_err(drop)?;
        Ok(Some(tail))
    }
}

fn signature(text: &str) -> Option<[u8; 64]> {
    HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}

fn read_from(path: &Path, offset: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    Ok(text)
}

const START: Seen = Seen {
    bytes: 0,
    tail: Tail {
        number: 0,
        head: [0; 32],
    },
};
const LABEL: &str = "access entry";
const HEAD_LABEL: &str = "access head";
