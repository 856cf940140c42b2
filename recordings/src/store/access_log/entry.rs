//! What stands in the access log, and how.

use data_encoding::HEXLOWER;
use fernsicht_protocol::crypto::{Hash, labelled_hash};
use serde::{Deserialize, Serialize};

use super::LABEL;

/// What happened. Hashes are in hexadecimal; `recording` is H(L).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "snake_case",
    deny_unknown_fields
)]
pub enum Event {
    /// An auditor has enrolled: from now on agents may be made that seal to this key.
    AuditorEnrolled {
        /// First and last name.
        auditor: String,
        /// SHA-256 of the certificate.
        certificate: String,
    },
    /// An auditor was revoked.
    AuditorRevoked {
        /// First and last name.
        auditor: String,
        /// SHA-256 of the certificate; none if there never was one.
        certificate: Option<String>,
    },
    /// An auditor states a complaint and has proved the code.
    Complaint {
        /// Who.
        auditor: String,
        /// The case reference.
        case: String,
        /// Which recording.
        recording: String,
    },
    /// The recording is handed out from here on.
    HandOut {
        /// To whom.
        auditor: String,
        /// The case reference.
        case: String,
        /// Which recording.
        recording: String,
        /// How many bytes.
        bytes: u64,
    },
    /// Something that is masked at first was looked at.
    Reveal {
        /// Who.
        auditor: String,
        /// The case reference.
        case: String,
        /// Which recording.
        recording: String,
        /// What.
        what: String,
    },
    /// Something was written to a file.
    Export {
        /// Who.
        auditor: String,
        /// The case reference.
        case: String,
        /// Which recording.
        recording: String,
        /// What.
        what: String,
    },
    /// The auditor is done with the case.
    CaseClosed {
        /// Who.
        auditor: String,
        /// The case reference.
        case: String,
        /// Which recording.
        recording: String,
    },
    /// A recording is deleted.
    Deletion {
        /// Which.
        recording: String,
        /// Why: `retention` or `withdrawal`.
        reason: String,
    },
    /// Something that the operator must look at.
    Alarm {
        /// What.
        what: String,
    },
}

impl Event {
    /// The recording that it is about.
    pub fn recording(&self) -> Option<&str> {
        match self {
            Self::Complaint { recording, .. }
            | Self::HandOut { recording, .. }
            | Self::Reveal { recording, .. }
            | Self::Export { recording, .. }
            | Self::CaseClosed { recording, .. }
            | Self::Deletion { recording, .. } => Some(recording),
            Self::AuditorEnrolled { .. } | Self::AuditorRevoked { .. } | Self::Alarm { .. } => None,
        }
    }
}

/// How hashes stand in the log.
pub fn hex(hash: &[u8]) -> String {
    HEXLOWER.encode(hash)
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its number, from 1.
    pub number: u64,
    /// When, in seconds since 1970 UTC, by the relay's clock.
    pub time: u64,
    /// What.
    pub event: Event,
    /// The head before it.
    pub(super) prev: String,
    /// Signature over its own head.
    pub(super) signature: String,
}

impl Entry {
    /// None: not an entry exactly as it is written.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let entry: Self = serde_json::from_slice(line).ok()?;
        (entry.line().as_bytes() == line).then_some(entry)
    }

    pub(super) fn line(&self) -> String {
        serde_json::to_string(self).expect("an entry has nothing that JSON lacks")
    }

    pub(super) fn head(&self) -> Hash {
        #[derive(Serialize)]
        struct Signed<'a> {
            number: u64,
            time: u64,
            event: &'a Event,
        }
        let signed = Signed {
            number: self.number,
            time: self.time,
            event: &self.event,
        };
        let signed = serde_json::to_vec(&signed).expect("an entry has nothing that JSON lacks");
        labelled_hash(LABEL, &[self.prev.as_bytes(), &signed])
    }
}
