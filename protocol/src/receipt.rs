//! The receipt: what the customer keeps of a recorded session (SPEC "Complaint code, card, receipt").
//!
//! ```text
//! file = HTML for people, with one machine block in it ‖ signature line
//! block     = "<!--FERNSICHT-RECEIPT 1\n" ‖ hex of the Receipt ‖ "\n-->"
//! signature = "<!--FERNSICHT-SIGNATURE " ‖ hex of Sign(agent_pk, "receipt", every byte before it) ‖ "-->\n"
//! ```
//!
//! One file serves for a complaint: it holds the complaint code sealed to each auditor, never in plain.
//! The signature is by the key whose public half stands in the block: it proves that the file is
//! whole, and whose it is only together with the recording, whose transcript binds the same key.
//!
//! Not here: the HTML (the agent), and what an auditor does with it.

use thiserror::Error;

use crate::checkpoint::SignedCheckpoint;
use crate::content::PeerHeads;
use crate::crypto::{self, Hash, SigningKey};
use crate::messages::{CaseNumber, End, SessionId};
use crate::wire::{self, Blob, List, Text, Wire, wire_enum, wire_struct};

/// The version of the machine block.
pub const VERSION: u16 = 1;

/// The largest file, in bytes.
pub const MAX_FILE: usize = 1 << 20;

/// The most changes of rights that are listed; later ones stand in the recording alone.
pub const MAX_EVENTS: usize = 4096;

/// Why a file is not a receipt that can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Error {
    /// Some other file, or larger than any receipt.
    #[error("this file is not a receipt")]
    NotReceipt,
    /// A receipt that is cut off, or whose block cannot be read.
    #[error("the receipt is damaged")]
    Damaged,
    /// A receipt of a version that this program does not know.
    #[error("the receipt is of version {0}, which is not known here")]
    Version(u16),
    /// A receipt that was altered after the agent had signed it.
    #[error("the receipt was altered: its signature does not fit")]
    Signature,
}

wire_enum! {
    /// How far the session had come when the file was written.
    pub enum State {
        /// Written before the recording began. If nothing follows, the session was interrupted.
        0 => Started,
        /// Written when the session was over.
        1 => Completed {
            /// When, in seconds since 1970 UTC by the agent's clock.
            at: u64,
            /// Why.
            reason: End,
        },
    }
}

wire_enum! {
    /// What happened to the rights.
    pub enum EventKind {
        /// `receipt-right-view-on`.
        0 => ViewOn,
        /// `receipt-right-view-off`.
        1 => ViewOff,
        /// `receipt-right-control-on`.
        2 => ControlOn,
        /// `receipt-right-control-off`.
        3 => ControlOff,
        /// `receipt-right-stop`.
        4 => Stop,
        /// `receipt-right-lost`.
        5 => Lost,
        /// `receipt-right-recorder`.
        6 => Recorder,
    }
}

wire_struct! {
    /// A change of the rights.
    pub struct Event {
        /// When, in seconds since 1970 UTC by the agent's clock.
        pub at: u64,
        /// What.
        pub kind: EventKind,
    }
}

wire_struct! {
    /// The complaint code for one auditor.
    pub struct SealedCode {
        /// First and last name.
        pub auditor: Text<128>,
        /// SHA-256 of the auditor's key.
        pub fingerprint: Hash,
        /// [`crate::sealing::seal_code`].
        pub sealed: Blob<256>,
    }
}

wire_enum! {
    /// The other end's last word on what it sent and received in order.
    pub enum TheirHeads {
        /// None has come since then, in seconds since 1970 UTC by the agent's clock.
        0 => Missing {
            /// The last one, or the recording's beginning.
            since: u64,
        },
        /// The last one.
        1 => Stated {
            /// When it came, in seconds since 1970 UTC by the agent's clock.
            at: u64,
            /// As the console signed it.
            heads: PeerHeads,
        },
    }
}

wire_struct! {
    /// Everything that the machine block says.
    pub struct Receipt {
        /// [`VERSION`].
        pub version: u16,
        /// Started or completed.
        pub state: State,
        /// The operator's name.
        pub operator: Text<128>,
        /// The operator's domain.
        pub domain: Text<256>,
        /// The technician's name.
        pub technician: Text<128>,
        /// The technician's organisation.
        pub organisation: Text<128>,
        /// SHA-256 of the technician's certificate.
        pub leaf: Hash,
        /// The session.
        pub session: SessionId,
        /// The recording's inner id.
        pub rid: [u8; 16],
        /// L: the number of the recording.
        pub lookup: [u8; 10],
        /// When the recording was to begin, in seconds since 1970 UTC by the agent's clock.
        pub started: u64,
        /// When the recording is deleted at the latest, in seconds since 1970 UTC.
        pub deletion: u64,
        /// The changes of rights, in order.
        pub events: List<Event, MAX_EVENTS>,
        /// The complaint code, sealed to each auditor.
        pub codes: List<SealedCode, 16>,
        /// The relay's last checkpoint that the agent has compared with its own heads.
        pub checkpoint: Option<SignedCheckpoint>,
        /// True if a checkpoint contradicted what was sent or received.
        pub mismatch: bool,
        /// The agent's own last heads.
        pub own: Option<PeerHeads>,
        /// The console's last heads.
        pub console: TheirHeads,
        /// First 8 bytes of SHA-256 of the texts that the customer agreed to.
        pub text_version: [u8; 8],
        /// `de` or `en`: the language in which they were agreed to.
        pub language: Text<8>,
        /// The technician's case number; empty: none was given.
        pub case: CaseNumber,
        /// agent_pk, by which the file is signed.
        pub agent_key: [u8; 32],
    }
}

/// The machine block, for the HTML: an HTML comment.
pub fn block(receipt: &Receipt) -> String {
    let mut out = String::from(BEGIN);
    out.push_str(&hex(&receipt.to_bytes()));
    out.push_str(END);
    out
}

/// The file: `html`, which holds exactly one [`block`] naming `key`, and the signature over all of it.
/// Errors: it holds none, or another's.
pub fn seal(html: &str, key: &SigningKey) -> Result<Vec<u8>, Error> {
    let mut file = html.as_bytes().to_vec();
    let signature = key.sign("receipt", &file);
    file.extend_from_slice(SIGNATURE.as_bytes());
    file.extend_from_slice(hex(&signature).as_bytes());
    file.extend_from_slice(SIGNATURE_END.as_bytes());
    parse(&file)?;
    Ok(file)
}

/// Reads a file and checks that every byte is as the agent wrote it.
pub fn parse(file: &[u8]) -> Result<Receipt, Error> {
    if file.len() > MAX_FILE {
        return Err(Error::NotReceipt);
    }
    let begin = find(file, BEGIN.as_bytes()).ok_or(Error::NotReceipt)?;
    let tail = SIGNATURE.len() + 2 * 64 + SIGNATURE_END.len();
    let signed = file.len().checked_sub(tail).ok_or(Error::Damaged)?;
    let (signed, line) = file.split_at(signed);
    let signature = line
        .strip_prefix(SIGNATURE.as_bytes())
        .and_then(|line| line.strip_suffix(SIGNATURE_END.as_bytes()))
        .and_then(unhex)
        .and_then(|bytes| <[u8; 64]>::try_from(bytes).ok())
        .ok_or(Error::Damaged)?;
    let inner = signed.get(begin + BEGIN.len()..).ok_or(Error::Damaged)?;
    let length = find(inner, END.as_bytes()).ok_or(Error::Damaged)?;
    let (inner, rest) = inner.split_at(length);
    if find(rest, BEGIN.as_bytes()).is_some() {
        // Which of two would count is nothing to leave to a reader.
        return Err(Error::Damaged);
    }
    let bytes = unhex(inner).ok_or(Error::Damaged)?;
    let version = u16::read(&mut wire::Reader::new(&bytes)).map_err(|_| Error::Damaged)?;
    if version != VERSION {
        return Err(Error::Version(version));
    }
    let receipt = Receipt::from_bytes(&bytes).map_err(|_| Error::Damaged)?;
    crypto::verify(&receipt.agent_key, "receipt", signed, &signature)
        .map_err(|_| Error::Signature)?;
    Ok(receipt)
}

pub(crate) const BEGIN: &str = "<!--FERNSICHT-RECEIPT 1\n";
pub(crate) const END: &str = "\n-->";
pub(crate) const SIGNATURE: &str = "<!--FERNSICHT-SIGNATURE ";
pub(crate) const SIGNATURE_END: &str = "-->\n";

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        write!(out, "{byte:02x}").ok();
    }
    out
}

/// Lower case only: one encoding.
fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = text.as_chunks::<2>() else {
        return None;
    };
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzzing::receipt::sample as receipt;
    use rand_core::OsRng;

    fn sealed(receipt: &mut Receipt) -> Vec<u8> {
        let key = SigningKey::draw(&mut OsRng);
        receipt.agent_key = key.public();
        let html = format!("<!DOCTYPE html><p>Beleg ä</p>{}</html>\n", block(receipt));
        seal(&html, &key).unwrap()
    }

    #[test]
    fn what_was_sealed_is_read_back() {
        for mut started in [false, true].map(receipt) {
            let file = sealed(&mut started);
            assert_eq!(parse(&file), Ok(started));
        }
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_found() {
        let file = sealed(&mut receipt(true));
        for at in 0..file.len() {
            for bit in [0x01, 0x20, 0x80] {
                let mut flipped = file.clone();
                flipped[at] ^= bit;
                assert!(parse(&flipped).is_err(), "byte {at}");
            }
        }
        for at in (0..file.len()).step_by(7).chain([file.len() - 1]) {
            assert!(parse(&file[..at]).is_err(), "cut at {at}");
        }
        for more in [&b"\n"[..], b"x"] {
            assert!(parse(&[&file[..], more].concat()).is_err());
        }
    }

    #[test]
    fn each_fault_has_its_verdict() {
        let mut plain = receipt(false);
        let file = sealed(&mut plain);
        assert_eq!(parse(b"<html>anything</html>"), Err(Error::NotReceipt));
        assert_eq!(parse(&vec![b' '; MAX_FILE + 1]), Err(Error::NotReceipt));
        assert_eq!(parse(&file[..file.len() - 4]), Err(Error::Damaged));
        let altered = String::from_utf8(file.clone()).unwrap();
        let altered = altered.replace("Beleg", "Belog");
        assert_eq!(parse(altered.as_bytes()), Err(Error::Signature));
        // Signed anew by another key, which the block does not name.
        let key = SigningKey::draw(&mut OsRng);
        let html = format!("<html>{}</html>", block(&plain));
        assert_eq!(seal(&html, &key), Err(Error::Signature));
        plain.version = 2;
        assert_eq!(seal(&block(&plain), &key), Err(Error::Version(2)));
        assert_eq!(seal("<html></html>", &key), Err(Error::NotReceipt));
    }

    #[test]
    fn two_blocks_are_none() {
        let key = SigningKey::draw(&mut OsRng);
        let mut one = receipt(true);
        one.agent_key = key.public();
        let html = [block(&one), block(&one)].concat();
        assert_eq!(seal(&html, &key), Err(Error::Damaged));
    }
}
