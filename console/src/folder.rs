//! A directory for its owner only (0700, files 0600): where a program keeps its key and what
//! belongs to it.
//!
//! Files are written whole or not at all. A file that others can read is refused by
//! [`Folder::check_permissions`].

use std::io::Write as _;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use crate::identity::Relay;
use crate::view::Problem;

/// The directory.
#[derive(Debug, Clone)]
pub struct Folder {
    dir: PathBuf,
}

impl Folder {
    /// In `dir`, or in the system's place for the data of `program`.
    pub fn new(dir: Option<PathBuf>, program: &str) -> Result<Self, Problem> {
        let dir = match dir {
            Some(dir) => dir,
            None => directories::ProjectDirs::from("", "", program)
                .map(|dirs| dirs.data_local_dir().to_owned())
                .ok_or_else(|| Problem::Storage {
                    path: "~".into(),
                    detail: "no home directory".into(),
                })?,
        };
        Ok(Self { dir })
    }

    /// Where this is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// True if the file is there.
    pub fn holds(&self, name: &str) -> Result<bool, Problem> {
        self.dir
            .join(name)
            .try_exists()
            .map_err(|e| self.problem(&e))
    }

    /// Makes the directory, so that a token is not spent on a disk that cannot be written to.
    pub fn prepare(&self) -> Result<(), Problem> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.dir).map_err(|e| self.problem(&e))?;
        let probe = ".writable";
        self.write(probe, b"")?;
        std::fs::remove_file(self.dir.join(probe)).map_err(|e| self.problem(&e))
    }

    /// The file's bytes.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, Problem> {
        std::fs::read(self.dir.join(name)).map_err(|e| self.problem(&e))
    }

    /// The file's text.
    pub fn read_text(&self, name: &str) -> Result<String, Problem> {
        std::fs::read_to_string(self.dir.join(name)).map_err(|e| self.problem(&e))
    }

    /// Whole or not at all: written beside, synced, renamed.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Problem> {
        let beside = self.dir.join(format!("{name}.new"));
        let written = (|| {
            let mut options = std::fs::OpenOptions::new();
            options.write(true).create(true).truncate(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&beside)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            std::fs::rename(&beside, self.dir.join(name))
        })();
        written.map_err(|e| self.problem(&e))
    }

    /// Adds to the file's end, whole lines in one write.
    pub fn append(&self, name: &str, lines: &[u8]) -> Result<(), Problem> {
        let appended = (|| {
            let mut options = std::fs::OpenOptions::new();
            options.append(true).create(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            options.open(self.dir.join(name))?.write_all(lines)
        })();
        appended.map_err(|e| self.problem(&e))
    }

    /// Refuses a file that others may read.
    #[cfg(unix)]
    pub fn check_permissions(&self, name: &str) -> Result<(), Problem> {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(self.dir.join(name))
            .map_err(|e| self.problem(&e))?
            .permissions()
            .mode();
        if mode & 0o077 != 0 {
            return Err(Problem::StorageOpen {
                path: self.dir.display().to_string(),
            });
        }
        Ok(())
    }

    /// Refuses a file that others may read.
    #[cfg(not(unix))]
    pub fn check_permissions(&self, _: &str) -> Result<(), Problem> {
        Ok(())
    }

    /// What to say of a file that is not what it should be.
    pub fn damaged(&self, name: &str) -> Problem {
        Problem::Storage {
            path: self.dir.display().to_string(),
            detail: format!("{name} is damaged"),
        }
    }

    /// Writes the relay's three lines.
    pub fn write_relay(&self, name: &str, relay: &Relay) -> Result<(), Problem> {
        let lines = format!(
            "{}\n{}\n{}\n",
            relay.address,
            relay.name,
            HEXLOWER.encode(&relay.ca)
        );
        self.write(name, lines.as_bytes())
    }

    /// Reads the relay's three lines.
    pub fn read_relay(&self, name: &str) -> Result<Relay, Problem> {
        parse_relay(&self.read_text(name)?).ok_or_else(|| self.damaged(name))
    }

    fn problem(&self, error: &std::io::Error) -> Problem {
        Problem::Storage {
            path: self.dir.display().to_string(),
            detail: error.to_string(),
        }
    }
}

fn parse_relay(lines: &str) -> Option<Relay> {
    let mut lines = lines.lines();
    let (address, name, ca) = (lines.next()?, lines.next()?, lines.next()?);
    let ca = HEXLOWER.decode(ca.as_bytes()).ok()?.try_into().ok()?;
    Some(Relay {
        address: address.to_owned(),
        name: name.to_owned(),
        ca,
    })
}

/// A block of RFC 7468, with the line length that it asks for.
pub fn pem(label: &str, der: &[u8]) -> String {
    let body = Zeroizing::new(data_encoding::BASE64.encode(der));
    let mut out = format!("-----BEGIN {label}-----\n");
    for at in (0..body.len()).step_by(64) {
        out.push_str(&body[at..body.len().min(at + 64)]);
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

/// The bytes of all blocks of RFC 7468 in `text`.
pub fn pem_blocks(text: &str) -> Vec<Vec<u8>> {
    let mut blocks = Vec::new();
    let mut body = None::<Zeroizing<String>>;
    for line in text.lines() {
        if line.starts_with("-----BEGIN ") {
            body = Some(Zeroizing::default());
        } else if line.starts_with("-----END ") {
            let block = body
                .take()
                .and_then(|b| data_encoding::BASE64.decode(b.as_bytes()).ok());
            blocks.extend(block);
        } else if let Some(body) = &mut body {
            body.push_str(line.trim());
        }
    }
    blocks
}
