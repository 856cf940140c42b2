//! What the auditor says to the relay, and the relay to the auditor (docs/protocol.md §3).
//!
//! ```text
//! Hello ─► Enrol (without a certificate, once)
//!       ─► Overview | Open ─► Handed, then the recording's bytes on a stream ─► Revealed, Exported ─► Close
//! ```
//!
//! On a connection of its own kind ([`ALPN_AUDITOR`]), under mutual TLS. The relay appends and syncs its
//! access log before it answers. After `Handed` it opens one unidirectional stream with
//! the sealed keys and the recording's file, as long as stated. Nothing here can open a recording: the code never travels, T_open only
//! names the recording.

use crate::epoch::MAX_EPOCHS;
use crate::messages::Chain;
use crate::sealing::SealedKeys;
use crate::wire::{Blob, List, Text, wire_enum, wire_struct};

/// ALPN of auditors.
pub const ALPN_AUDITOR: &[u8] = b"fernsicht-auditor/1";

/// A case reference or a short description, as the auditor types it.
pub type Note = Text<128>;

wire_enum! {
    /// From the auditor to the relay.
    pub enum AuditorToRelay {
        /// The first message of a connection.
        0 => Hello {
            /// [`crate::messages::VERSION`].
            version: u16,
        },
        /// Enrols an auditor. The only thing a connection without a certificate may ask.
        1 => Enrol {
            /// The secret of the one-time token.
            secret: [u8; 16],
            /// PKCS #10 request, DER. Its names are ignored.
            request: Blob<4096>,
            /// X25519: recordings are sealed to it.
            key: [u8; 32],
        },
        /// Asks for what may be known without a complaint.
        2 => Overview,
        /// A complaint: asks for one recording.
        3 => Open {
            /// The case reference.
            case: Note,
            /// T_open.
            open_token: [u8; 32],
        },
        /// Something masked is about to be shown to the auditor.
        4 => Revealed {
            /// The case reference.
            case: Note,
            /// What.
            what: Note,
        },
        /// Something is about to be exported.
        5 => Exported {
            /// The case reference.
            case: Note,
            /// What.
            what: Note,
        },
        /// The case is closed.
        6 => Close {
            /// The case reference.
            case: Note,
        },
    }
}

wire_enum! {
    /// Why the relay refuses an auditor.
    pub enum AuditRefusal {
        /// No recording for this code.
        0 => NoRecording,
        /// The enrolment token is unknown, used or expired.
        1 => Token,
        /// The certificate has been revoked, or is not known.
        2 => Revoked,
        /// A message that does not fit.
        3 => Unexpected,
        /// The recording has been deleted.
        4 => Deleted {
            /// When, in seconds since 1970 UTC.
            at: u64,
        },
        /// The recording's session is still running.
        5 => Running,
        /// The client's version is too old.
        6 => TooOld,
        /// The relay cannot read its store or write its log.
        7 => Fault,
        /// Too many codes without a recording.
        8 => TooManyTries {
            /// Minutes to wait, rounded up.
            minutes: u16,
        },
    }
}

wire_struct! {
    /// A technician's recorded sessions.
    pub struct TechnicianCount {
        /// First and last name.
        pub name: Text<256>,
        /// Company or department.
        pub organisation: Text<256>,
        /// Recorded sessions that have ended.
        pub recorded: u32,
        /// Those that ended without a completed receipt.
        pub without_receipt: u32,
    }
}

wire_struct! {
    /// The sealed keys of one epoch.
    pub struct EpochKeys {
        /// n.
        pub epoch: u32,
        /// One per auditor.
        pub sealed_keys: SealedKeys,
    }
}

/// The sealed keys of a recording, epoch by epoch; they alone open nothing.
pub type Keys = List<EpochKeys, { MAX_EPOCHS as usize }>;

/// The most bytes of encoded [`Keys`].
pub const MAX_KEYS: usize = 2 << 20;

wire_struct! {
    /// What goes with a recording's bytes. The stream that follows: `keys_length` bytes of [`Keys`], then
    /// `length` bytes of the recording's file.
    pub struct HandOut {
        /// H(L).
        pub lookup_hash: [u8; 32],
        /// Bytes of the encoded [`Keys`], at most [`MAX_KEYS`].
        pub keys_length: u32,
        /// Bytes of the recording's file.
        pub length: u64,
        /// When it is deleted, in seconds since 1970 UTC.
        pub deletion: u64,
        /// The number of the access log's entry about this.
        pub entry: u64,
    }
}

wire_enum! {
    /// From the relay to the auditor.
    pub enum RelayToAuditor {
        /// Answers the hello.
        0 => Hello {
            /// [`crate::messages::VERSION`].
            version: u16,
            /// The relay's time, in seconds since 1970 UTC.
            now: u64,
        },
        /// The certificate chain of an enrolment.
        1 => Enrolled {
            /// Leaf first, CA last.
            chain: Chain,
            /// Auditors who are enrolled, this one included.
            auditors: u16,
        },
        /// What may be known without a complaint.
        2 => Overview {
            /// Auditors who are enrolled.
            auditors: u16,
            /// By technician.
            technicians: List<TechnicianCount, 64>,
            /// True if there are more technicians than fit.
            more: bool,
        },
        /// The recording follows.
        3 => Handed {
            /// What goes with it.
            recording: HandOut,
        },
        /// The access log has it.
        4 => Logged,
        /// The relay will not.
        5 => Refused {
            /// Why.
            reason: AuditRefusal,
        },
    }
}
