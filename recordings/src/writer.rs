//! Writes a recording: records in, bytes out (docs/recording-format.md §5).
//!
//! ```text
//! new(opening) ─► checkpoint ─► append_signature ─► append_frame … checkpoint (each second) … append_end ─► checkpoint
//! ```
//!
//! Keeps what the next record and the next checkpoint need: chain, length, time and heads. Of ciphertexts it
//! takes the hash ([`Hashing`]), which whoever forwards them makes as they go by.
//! A writer is small and cheap to clone. Whoever writes keeps a clone of the state that is safely
//! written: if writing fails midway, the file is cut back to that clone's [`Writer::length`] and
//! the clone goes on.
//!
//! Not here: writing, syncing and when a checkpoint is due (the relay's recorder).

use fernsicht_protocol::checkpoint::{Checkpoint, SignedCheckpoint};
use fernsicht_protocol::crypto::{Hash, SigningKey};
use fernsicht_protocol::frame::{Class, HEADER_BYTES, Header};
use fernsicht_protocol::heads::{Heads, OutOfOrder};
use fernsicht_protocol::messages::End;
use fernsicht_protocol::wire::{List, Wire};
use thiserror::Error;

use crate::chain;
pub use crate::chain::{Ciphertext, Hashing};
use crate::format::{Kind, Opening, RECORD_HEADER_BYTES, file_header};

/// What stands before a frame's ciphertext: the record's header and the frame's.
pub const FRAME_PREFIX_BYTES: usize = RECORD_HEADER_BYTES + HEADER_BYTES;

/// Our own misuse: nothing was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Error {
    /// An in-order frame that is not the next of its class, or of an epoch that is not recorded.
    #[error("a frame does not continue what is recorded")]
    Order,
    /// An opening of another recording, or of an epoch that is not a later one.
    #[error("an opening does not belong to this recording")]
    Opening,
    /// A header whose length is not that of the ciphertext.
    #[error("a frame's header does not fit its ciphertext")]
    Length,
    /// A class that cannot be withheld or dropped so.
    #[error("frames of this class leave no such record")]
    Class,
    /// The recording has ended: only the last checkpoint may follow.
    #[error("the recording has ended")]
    Ended,
}

impl From<OutOfOrder> for Error {
    fn from(_: OutOfOrder) -> Self {
        Self::Order
    }
}

/// The state behind the last record.
#[derive(Debug, Clone)]
pub struct Writer {
    rid: [u8; 16],
    session: [u8; 16],
    th2: Hash,
    epoch: u32,
    /// Frames of earlier epochs are not recorded any more: the recorder had failed.
    first_epoch: u32,
    chain: Hash,
    length: u64,
    time: u64,
    heads: Heads,
    due: bool,
    ended: bool,
}

impl Writer {
    /// Begins a recording with its first epoch. Returns the file's first bytes. Times are hundredths
    /// of a second since 1970 UTC; one before the last record's is taken as the last record's.
    pub fn new(opening: &Opening, time: u64) -> (Self, Vec<u8>) {
        let mut out = file_header().to_vec();
        let mut writer = Self {
            rid: opening.rid,
            session: opening.session,
            th2: opening.th2,
            epoch: opening.epoch,
            first_epoch: opening.epoch,
            chain: chain::first(opening),
            length: out.len() as u64,
            time,
            heads: Heads::new(opening.session),
            due: false,
            ended: false,
        };
        writer.heads.begin(opening.epoch);
        out.extend(writer.append(Kind::Opening, &opening.to_bytes(), time));
        (writer, out)
    }

    /// A later epoch begins. Errors: [`Error::Opening`], [`Error::Ended`].
    pub fn append_opening(&mut self, opening: &Opening, time: u64) -> Result<Vec<u8>, Error> {
        self.open()?;
        let same =
            (opening.rid, opening.session, opening.th2) == (self.rid, self.session, self.th2);
        if !same || opening.epoch <= self.epoch {
            return Err(Error::Opening);
        }
        self.epoch = opening.epoch;
        self.heads.begin(opening.epoch);
        Ok(self.append(Kind::Opening, &opening.to_bytes(), time))
    }

    /// The technician's signature over the epoch's first checkpoint.
    pub fn append_signature(
        &mut self,
        epoch: u32,
        signature: &[u8; 64],
        time: u64,
    ) -> Result<Vec<u8>, Error> {
        self.open()?;
        let mut body = epoch.to_bytes();
        signature.write(&mut body);
        Ok(self.append(Kind::EpochSignature, &body, time))
    }

    /// A frame that is forwarded. Returns what stands before its ciphertext, which is to be written behind
    /// it. Errors: [`Error::Order`], [`Error::Length`], [`Error::Ended`].
    pub fn append_frame(
        &mut self,
        header: &Header,
        ciphertext: &Ciphertext,
        time: u64,
    ) -> Result<[u8; FRAME_PREFIX_BYTES], Error> {
        self.takes(header)?;
        if header.class == Class::Transfer {
            // A tombstone is all that is kept of texts and files.
            return Err(Error::Class);
        }
        if ciphertext.length != header.length {
            return Err(Error::Length);
        }
        if header.class.in_order() {
            self.heads.note(header, &ciphertext.hash)?;
        }
        self.due |= header.class != Class::Heads;
        let length = ciphertext.length as usize;
        let mut prefix = [0; FRAME_PREFIX_BYTES];
        let (record, clear) = prefix.split_at_mut(RECORD_HEADER_BYTES);
        record.copy_from_slice(&self.record_header(Kind::Frame, HEADER_BYTES + length, time));
        clear.copy_from_slice(&header.encode());
        self.chain = chain::step(&self.chain, &[&prefix[4..], &ciphertext.hash]);
        self.length += (FRAME_PREFIX_BYTES + length) as u64;
        Ok(prefix)
    }

    /// An in-order frame that the relay withholds.
    pub fn append_tombstone(
        &mut self,
        header: &Header,
        ciphertext_hash: &Hash,
        time: u64,
    ) -> Result<Vec<u8>, Error> {
        self.takes(header)?;
        if !header.class.in_order() {
            return Err(Error::Class);
        }
        self.heads.note(header, ciphertext_hash)?;
        let mut body = header.to_bytes();
        ciphertext_hash.write(&mut body);
        Ok(self.append(Kind::Tombstone, &body, time))
    }

    /// A frame of classes 6 to 9 that was cancelled or not let through: `received` is what had come of
    /// its ciphertext.
    pub fn append_dropped(
        &mut self,
        header: &Header,
        received: &Ciphertext,
        time: u64,
    ) -> Result<Vec<u8>, Error> {
        self.takes(header)?;
        if header.class.in_order() {
            return Err(Error::Class);
        }
        if received.length > header.length {
            return Err(Error::Length);
        }
        let mut body = header.to_bytes();
        received.length.write(&mut body);
        received.hash.write(&mut body);
        Ok(self.append(Kind::Dropped, &body, time))
    }

    /// The recorder works again; what came by between `from` and `to` is not recorded. The
    /// opening of a new epoch follows.
    pub fn append_gap(&mut self, from: u64, to: u64, time: u64) -> Result<Vec<u8>, Error> {
        self.open()?;
        self.first_epoch = self.epoch.saturating_add(1);
        let mut body = from.min(to).to_bytes();
        to.write(&mut body);
        Ok(self.append(Kind::Gap, &body, time))
    }

    /// The recording is over; the last checkpoint follows. None: interrupted.
    pub fn append_end(&mut self, reason: Option<End>, time: u64) -> Result<Vec<u8>, Error> {
        self.open()?;
        self.ended = true;
        Ok(self.append(Kind::End, &reason.to_bytes(), time))
    }

    /// Signs everything appended so far. The bytes are the checkpoint's own record.
    pub fn checkpoint(&mut self, key: &SigningKey, time: u64) -> (SignedCheckpoint, Vec<u8>) {
        self.time = self.time.max(time);
        let checkpoint = Checkpoint {
            rid: self.rid,
            length: self.length,
            chain: self.chain,
            heads: List(self.heads.all()),
            time: self.time,
        };
        let signed = SignedCheckpoint::sign(checkpoint, key);
        let bytes = self.append(Kind::Checkpoint, &signed.to_bytes(), time);
        self.due = false;
        (signed, bytes)
    }

    /// True if a record other than heads was appended since the last checkpoint.
    pub fn checkpoint_due(&self) -> bool {
        self.due
    }

    /// Bytes of the file so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The newest epoch.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// True once [`Writer::append_end`] was called.
    pub fn ended(&self) -> bool {
        self.ended
    }

    fn open(&self) -> Result<(), Error> {
        if self.ended {
            Err(Error::Ended)
        } else {
            Ok(())
        }
    }

    fn takes(&self, header: &Header) -> Result<(), Error> {
        self.open()?;
        match (self.first_epoch..=self.epoch).contains(&header.epoch) {
            true => Ok(()),
            false => Err(Error::Order),
        }
    }

    fn append(&mut self, kind: Kind, body: &[u8], time: u64) -> Vec<u8> {
        let header = self.record_header(kind, body.len(), time);
        self.chain = chain::step(&self.chain, &[&header[4..], body]);
        let out = [header.as_slice(), body].concat();
        self.length += out.len() as u64;
        self.due = true;
        out
    }

    fn record_header(&mut self, kind: Kind, body: usize, time: u64) -> [u8; RECORD_HEADER_BYTES] {
        self.time = self.time.max(time);
        let mut out = [0; RECORD_HEADER_BYTES];
        let length = (RECORD_HEADER_BYTES - 4 + body) as u32;
        out[..4].copy_from_slice(&length.to_be_bytes());
        out[4] = kind as u8;
        out[5..].copy_from_slice(&self.time.to_be_bytes());
        out
    }
}
