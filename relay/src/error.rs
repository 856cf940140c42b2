//! What can go wrong, in sentences that say what to do.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a command of the relay failed.
#[derive(Debug, Error)]
pub enum Error {
    /// A file or directory of the relay cannot be used.
    #[error("{what} {path:?}: {source}; check that it exists and belongs to this user")]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The data directory holds other things.
    #[error("{0:?} is not empty and holds no relay.toml: choose another directory with --data")]
    ForeignDirectory(PathBuf),
    /// Another relay runs on the same data.
    #[error(
        "another relay is already running on {0:?}: stop it first, or use another directory with --data"
    )]
    Running(PathBuf),
    /// relay.toml cannot be read.
    #[error("{path:?} is not valid: {reason}")]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and field.
        reason: String,
    },
    /// A field that is needed is empty.
    #[error("the field `{field}` in {path:?} is empty: fill it in first")]
    EmptyField {
        /// The field.
        field: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A certificate or key in the data directory is unusable.
    #[error("{path:?} is damaged: {reason}; restore it from a backup")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The CA key is kept elsewhere.
    #[error(
        "the CA key {0:?} is not here: run this command where it is kept, or put it back for the time of the enrolment"
    )]
    NoCaKey(PathBuf),
    /// The register is damaged or locked.
    #[error(
        "the register {path:?} cannot be used: {source}; if it is damaged, restore it from a backup"
    )]
    Register {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// A later version has written the register.
    #[error("the register {0:?} was written by a newer version of this program: use that version")]
    NewerRegister(PathBuf),
    /// Name or organisation of a technician that no certificate can carry.
    #[error("{0} must have 1 to 64 characters and no control characters")]
    Name(&'static str),
    /// No such technician.
    #[error("there is no technician {0:?}: `fernsicht-relay technician list` shows them all")]
    UnknownTechnician(String),
    /// Several technicians of one name.
    #[error("several technicians are called {name:?}: name one by its number ({ids})")]
    AmbiguousTechnician {
        /// The name.
        name: String,
        /// Their numbers.
        ids: String,
    },
    /// Revoked already.
    #[error("technician {0} has been revoked already")]
    AlreadyRevoked(i64),
    /// No such auditor.
    #[error("there is no auditor {0:?}: `fernsicht-relay auditor list` shows them all")]
    UnknownAuditor(String),
    /// Several auditors of one name.
    #[error("several auditors are called {name:?}: name one by its number ({ids})")]
    AmbiguousAuditor {
        /// The name.
        name: String,
        /// Their numbers.
        ids: String,
    },
    /// Revoked already.
    #[error("auditor {0} has been revoked already")]
    AuditorAlreadyRevoked(i64),
    /// Recordings, keys, catalogue or access log cannot be used.
    #[error(transparent)]
    Store(#[from] fernsicht_recordings::store::Error),
    /// Not a number as it stands on receipts.
    #[error(
        "{0:?} is not the number of a recording: it has 16 letters and digits and stands on the customer's receipt"
    )]
    Number(String),
    /// No recording has this number.
    #[error("there is no recording {0}: check the number on the receipt")]
    NoRecording(String),
    /// The recording is gone already.
    #[error("the recording {number} was deleted on {day}")]
    AlreadyDeleted {
        /// Its number.
        number: String,
        /// When.
        day: String,
    },
    /// Recordings or the access log are not as they were written.
    #[error("{0}")]
    Damaged(String),
    /// A part of what was asked for could not be done.
    #[error("{0}")]
    Incomplete(String),
    /// The program to attach the configuration to is not there.
    #[error("{0:?} is not there: name the agent's program with --program FILE")]
    NoProgram(PathBuf),
    /// The program to attach to is not fit for it.
    #[error(
        "{path:?} cannot be used as the agent's program: {reason}; take the file as it was built"
    )]
    Program {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: fernsicht_protocol::attached::Error,
    },
    /// The address to listen on is taken or not ours.
    #[error(
        "cannot listen on {address}: {source}; stop the program that uses it, or choose another address with --listen"
    )]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The operating system refuses something basic.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
}

impl Error {
    /// What the program ends with: 3 if something stored is damaged, 1 otherwise.
    pub(crate) fn exit_code(&self) -> u8 {
        if matches!(self, Self::Damaged(_)) {
            3
        } else {
            1
        }
    }

    pub(crate) fn file(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }

    pub(crate) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}
