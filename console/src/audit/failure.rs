//! What can keep an auditor from opening a recording, and the exit code that says so.

use fernsicht_protocol::audit::AuditRefusal;
use fernsicht_protocol::complaint;

use crate::view::Problem;

/// Why something was not done. Verdicts about a recording that was opened are not failures.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Storage, link, enrolment: as for technicians.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// There is no key here.
    #[error("this auditor is not enrolled")]
    NotEnrolled,
    /// The passphrase does not open the keys.
    #[error("the passphrase is wrong")]
    Passphrase,
    /// Too short to be one.
    #[error("the passphrase has fewer than ten characters")]
    PassphraseShort,
    /// Typed differently the second time.
    #[error("the passphrases differ")]
    PassphrasesDiffer,
    /// Nothing can be asked.
    #[error("there is no terminal to ask on")]
    NoTerminal,
    /// A file that was named cannot be used.
    #[error("{path}: {detail}")]
    File {
        /// Where.
        path: String,
        /// What the system says.
        detail: String,
    },
    /// The complaint code is mistyped.
    #[error("the complaint code is mistyped: {0}")]
    Code(#[from] complaint::Error),
    /// The file is not a receipt, or was altered.
    #[error("the receipt cannot be used: {0}")]
    Receipt(String),
    /// The receipt's code is not sealed to this auditor.
    #[error("the receipt is not sealed to this auditor")]
    ReceiptKey,
    /// The case reference is empty, too long, or has control characters.
    #[error("the case reference cannot be used")]
    Reference,
    /// The relay will not.
    #[error("the relay refuses: {0:?}")]
    Refused(AuditRefusal),
    /// The recording is larger than what is held in memory.
    #[error("the recording has {length} bytes, more than {cap}")]
    TooLarge {
        /// Its bytes.
        length: u64,
        /// The most that is held.
        cap: u64,
    },
    /// The export was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The picture cannot be encoded.
    #[error("the picture cannot be encoded: {0}")]
    Encoding(String),
    /// What was verified cannot be read after all.
    #[error("the recording cannot be read: {0}")]
    Unreadable(String),
    /// Our own misuse.
    #[error("internal: {0}")]
    Internal(String),
}

impl Failure {
    /// The program's exit code; documented in docs/auditor.md.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Problem(problem) => match problem {
                Problem::Unreachable { .. }
                | Problem::WrongRelay { .. }
                | Problem::RelayAnswer(_)
                | Problem::Revoked
                | Problem::Certificate
                | Problem::TooOld
                | Problem::Full
                | Problem::Draining
                | Problem::TooManyTries { .. }
                | Problem::Unexpected
                | Problem::Link(_) => Exit::Relay,
                Problem::TokenForm
                | Problem::TokenRefused
                | Problem::Storage { .. }
                | Problem::StorageOpen { .. }
                | Problem::NotEnrolled
                | Problem::AlreadyEnrolled { .. }
                | Problem::Internal(_)
                | Problem::Window(_) => Exit::Usage,
            },
            Self::Passphrase => Exit::Passphrase,
            Self::Code(_) => Exit::Mistyped,
            Self::Receipt(_) => Exit::Receipt,
            Self::ReceiptKey => Exit::WrongKey,
            Self::Refused(reason) => match reason {
                AuditRefusal::NoRecording => Exit::NoRecording,
                AuditRefusal::Deleted { .. } => Exit::Deleted,
                AuditRefusal::Token
                | AuditRefusal::Revoked
                | AuditRefusal::Unexpected
                | AuditRefusal::Running
                | AuditRefusal::TooOld
                | AuditRefusal::Fault
                | AuditRefusal::TooManyTries { .. } => Exit::Relay,
            },
            Self::Unreadable(_) => Exit::Altered,
            Self::NotEnrolled
            | Self::PassphraseShort
            | Self::PassphrasesDiffer
            | Self::NoTerminal
            | Self::File { .. }
            | Self::Reference
            | Self::TooLarge { .. }
            | Self::Cancelled
            | Self::Encoding(_)
            | Self::Internal(_) => Exit::Usage,
        }
    }
}

/// The program's exit codes. Scripts rely on them: none changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done; the recording is sound and complete.
    Sound = 0,
    /// The command line, a file, or this computer.
    Usage = 1,
    /// The recording is sound as far as it goes; its end is missing.
    Interrupted = 2,
    /// Something in the recording was altered or is missing.
    Altered = 3,
    /// The complaint code does not belong to this recording.
    WrongCode = 4,
    /// The recording, or the receipt, is not sealed to this auditor.
    WrongKey = 5,
    /// The relay has no recording for this code.
    NoRecording = 6,
    /// The agent sealed something else than what it used.
    SealedFalsely = 7,
    /// The complaint code's check symbols do not fit: it is mistyped.
    Mistyped = 8,
    /// The passphrase is wrong.
    Passphrase = 9,
    /// The relay cannot be reached, or refuses.
    Relay = 10,
    /// The receipt's file cannot be used.
    Receipt = 11,
    /// The recording was deleted.
    Deleted = 12,
}

impl Exit {
    /// The exit code of this number.
    pub fn of(number: u8) -> Self {
        let all = [
            Self::Sound,
            Self::Usage,
            Self::Interrupted,
            Self::Altered,
            Self::WrongCode,
            Self::WrongKey,
            Self::NoRecording,
            Self::SealedFalsely,
            Self::Mistyped,
            Self::Passphrase,
            Self::Relay,
            Self::Receipt,
            Self::Deleted,
        ];
        let found = all.into_iter().find(|exit| *exit as u8 == number);
        found.unwrap_or(Self::Usage)
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
