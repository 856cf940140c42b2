//! Pieces on their way: a text for the customer's clipboard, a file in either direction (docs/protocol.md §12).
//!
//! ```text
//! sender                                            receiver
//! Offer{id, kind, name, size} ─────────────────────► asks its person
//!        ◄───────────────────────────── Accept{id, from}
//! Chunk{id, offset, bytes} … ──────────────────────►
//!        ◄───────────────────────────── Received{id, to}      at most [`WINDOW`] is under way
//! Done{id, hash} ──────────────────────────────────► compares, puts it in place
//!        ◄───────────────────────────── Finished{id}
//! ```
//!
//! - Only the console begins: with an offer, or with `Ask` for a file, which the agent answers with an offer
//!   of the same id. Ids rise; one piece is under way at a time.
//! - Either end ends a piece with `Cancel`, a refusal included.
//! - What a loss of the link has swallowed comes again in the next epoch: the sender repeats its offer, the
//!   receiver answers with where it stands.
//!
//! [`Sender`] and [`Receiver`] keep offsets and states, and take nothing that does not fit: a peer that means
//! harm gets an [`Error`], and never more memory than two windows. Not here: whose permission it takes
//! ([`crate::guard`]); reading, writing and hashing are `files`, behind a feature.

#[cfg(feature = "files")]
pub mod files;
mod name;
mod receiver;
mod sender;

use thiserror::Error;

use crate::content::Cause;
use crate::crypto::Hash;
use crate::rights::Rights;
use crate::wire::{Blob, Text, wire_enum};

pub use name::{LONGEST_NAME, harmless, preview, size_text, with_number};
pub use receiver::Receiver;
pub use sender::{Part, Sender};

/// The most bytes of one chunk: with its fields and padding it fits a frame.
pub const CHUNK: usize = 60 << 10;

/// How much may be under way and not yet written by the receiver.
pub const WINDOW: u64 = 1 << 20;

/// The longest text for a clipboard, in bytes.
pub const LONGEST_TEXT: u64 = 256 << 10;

/// The largest file.
pub const LARGEST_FILE: u64 = 1 << 40;

wire_enum! {
    /// What a piece is.
    pub enum Kind {
        /// A text for the customer's clipboard, UTF-8.
        0 => Text,
        /// A file.
        1 => File,
    }
}

impl Kind {
    /// The most bytes of a piece of this kind.
    pub fn largest(&self) -> u64 {
        match self {
            Self::Text => LONGEST_TEXT,
            Self::File => LARGEST_FILE,
        }
    }
}

wire_enum! {
    /// Why a piece ended before it was whole.
    pub enum Reason {
        /// The customer said no.
        0 => Refused,
        /// Nobody answered.
        1 => Silence,
        /// The customer cancelled it.
        2 => Customer,
        /// The technician cancelled it.
        3 => Technician,
        /// F11, Stop, showing or control switched off, or the session's end.
        4 => Stopped,
        /// Not now: no recorded session with sight, another piece or question, or too many.
        5 => NotNow,
        /// The file cannot be read.
        6 => Unreadable,
        /// The file changed while it was read.
        7 => Changed,
        /// No room where it should go.
        8 => DiskFull,
        /// The folder or the clipboard does not take it.
        9 => NotWritable,
        /// What arrived is not what was sent.
        10 => Mismatch,
        /// The other end did not keep to the protocol.
        11 => Fault,
        /// There was a No just now: it is not asked again for so long.
        12 => TooSoon {
            /// How long still.
            seconds: u16,
        },
        /// There were so many Nos that nothing of this kind is asked any more in this session.
        13 => TooOften,
    }
}

impl Reason {
    /// What the agent believes of it when the console states it: what only the customer's computer can know is
    /// the technician's doing.
    pub fn of_console(self) -> Self {
        match self {
            Self::Refused
            | Self::Silence
            | Self::Customer
            | Self::Technician
            | Self::Stopped
            | Self::NotNow
            | Self::TooSoon { .. }
            | Self::TooOften => Self::Technician,
            Self::Unreadable
            | Self::Changed
            | Self::DiskFull
            | Self::NotWritable
            | Self::Mismatch
            | Self::Fault => self,
        }
    }
}

wire_enum! {
    /// What became of a piece, as the agent states it for the recording.
    pub enum Outcome {
        /// The customer allowed it.
        0 => Allowed,
        /// It arrived whole.
        1 => Complete {
            /// SHA-256 of all its bytes.
            hash: Hash,
        },
        /// It ended before it was whole.
        2 => Ended {
            /// Why.
            reason: Reason,
            /// Of a file from the customer, how many of its bytes had left for the technician by then; else 0.
            sent: u64,
        },
    }
}

wire_enum! {
    /// Class 5, both directions.
    pub enum Message {
        /// The sender has this piece. Repeated in each new epoch until the piece is over.
        0 => Offer {
            /// Which piece.
            id: u32,
            /// What it is.
            kind: Kind,
            /// The file's own name; empty for a text.
            name: Text<LONGEST_NAME>,
            /// Its bytes.
            size: u64,
        },
        /// The technician asks for a file, which the customer chooses.
        1 => Ask {
            /// Which piece.
            id: u32,
        },
        /// The receiver takes it, from this byte on.
        2 => Accept {
            /// Which piece.
            id: u32,
            /// How much the receiver has already.
            from: u64,
        },
        /// Bytes of it.
        3 => Chunk {
            /// Which piece.
            id: u32,
            /// Where they stand in it.
            offset: u64,
            /// [`CHUNK`] of them, but in the last one.
            bytes: Blob<CHUNK>,
        },
        /// So much is written; the window moves.
        4 => Received {
            /// Which piece.
            id: u32,
            /// How many bytes of it.
            to: u64,
        },
        /// All of it was sent.
        5 => Done {
            /// Which piece.
            id: u32,
            /// SHA-256 of all its bytes.
            hash: Hash,
        },
        /// It is whole and in place.
        6 => Finished {
            /// Which piece.
            id: u32,
        },
        /// It is over, and not whole.
        7 => Cancel {
            /// Which piece.
            id: u32,
            /// Why.
            reason: Reason,
        },
    }
}

/// True if rights that change like this end every piece, at both ends: the customer's doing, not a pause.
pub fn ends(cause: &Cause, rights: Rights) -> bool {
    match cause {
        Cause::Narrowed | Cause::Stopped | Cause::Ended => true,
        Cause::Computer => !rights.view(),
        Cause::Granted
        | Cause::Question
        | Cause::Answered
        | Cause::Lost
        | Cause::Recorder
        | Cause::Epoch => false,
    }
}

impl Message {
    /// Which piece.
    pub fn id(&self) -> u32 {
        match self {
            Self::Offer { id, .. }
            | Self::Ask { id }
            | Self::Accept { id, .. }
            | Self::Chunk { id, .. }
            | Self::Received { id, .. }
            | Self::Done { id, .. }
            | Self::Finished { id }
            | Self::Cancel { id, .. } => *id,
        }
    }
}

/// The peer did not keep to the protocol: the piece is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Error {
    /// Larger than its kind may be.
    #[error("a piece is too large")]
    TooLarge,
    /// A message that does not fit the piece's state.
    #[error("a message out of turn")]
    Turn,
    /// An offset that does not continue what there is, or lies beyond it.
    #[error("an offset out of order")]
    Offset,
    /// More than the window allows, or nothing at all.
    #[error("a chunk of the wrong size")]
    Length,
}

#[cfg(test)]
mod tests;
