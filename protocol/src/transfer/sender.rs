//! The sending end of a piece.
//!
//! ```text
//! Offered ─ Accept ─► Sending ─ last byte read ─► Sending(all) ─ Done ─► Sent ─ Finished ─► over
//!    ▲                   │                                                │
//!    └────── pause ──────┴────────────────────────────────────────────────┘   a new epoch
//! ```
//!
//! In a new epoch the repeated offer may meet on its way what the receiver says by itself: an Accept, because its person
//! has just said yes, and a Finished that was lost. The answer to the offer is the second Accept then.

use super::{CHUNK, Error, Kind, Message, WINDOW};
use crate::crypto::Hash;
use crate::wire::{Blob, Text};

/// Which part of the piece is to be read next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Where it begins.
    pub offset: u64,
    /// How long it is; never 0.
    pub length: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Offered,
    Sending,
    Sent,
}

/// See the module.
#[derive(Debug)]
pub struct Sender {
    id: u32,
    kind: Kind,
    name: Text<{ super::LONGEST_NAME }>,
    size: u64,
    state: State,
    /// The next byte to send.
    next: u64,
    /// What the receiver has written.
    written: u64,
    /// The most that was ever sent.
    furthest: u64,
    /// True once the receiver was told the hash.
    stated: bool,
}

impl Sender {
    /// A piece to offer. Errors: [`Error::TooLarge`].
    pub fn new(
        id: u32,
        kind: Kind,
        name: Text<{ super::LONGEST_NAME }>,
        size: u64,
    ) -> Result<Self, Error> {
        if size > kind.largest() {
            return Err(Error::TooLarge);
        }
        Ok(Self {
            id,
            kind,
            name,
            size,
            state: State::Offered,
            next: 0,
            written: 0,
            furthest: 0,
            stated: false,
        })
    }

    /// What the receiver has written.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// How many of its bytes were ever sent.
    pub fn sent(&self) -> u64 {
        self.furthest
    }

    /// True once the receiver has taken it.
    pub fn accepted(&self) -> bool {
        self.furthest > 0 || self.state != State::Offered
    }

    /// The offer; in a new epoch again, and nothing more is sent until it is answered.
    pub fn offer(&mut self) -> Message {
        self.state = State::Offered;
        Message::Offer {
            id: self.id,
            kind: self.kind.clone(),
            name: self.name.clone(),
            size: self.size,
        }
    }

    /// The receiver takes it from this byte on. A second one in an epoch changes nothing: what was sent since the first
    /// is on its way.
    pub fn handle_accept(&mut self, from: u64) -> Result<(), Error> {
        if from > self.furthest {
            return Err(Error::Offset);
        }
        if self.state != State::Offered {
            return Ok(());
        }
        self.state = State::Sending;
        self.next = from;
        self.written = from;
        Ok(())
    }

    /// The receiver has written so much.
    pub fn handle_received(&mut self, to: u64) -> Result<(), Error> {
        if to > self.furthest {
            return Err(Error::Offset);
        }
        self.written = self.written.max(to);
        Ok(())
    }

    /// The receiver has all of it, in place.
    pub fn handle_finished(&self) -> Result<(), Error> {
        match self.stated {
            true => Ok(()),
            false => Err(Error::Turn),
        }
    }

    /// What to read next, as far as the window is open.
    pub fn poll_part(&self) -> Option<Part> {
        if self.state != State::Sending {
            return None;
        }
        let room = (self.written + WINDOW).saturating_sub(self.next);
        let left = self.size - self.next;
        let length = left.min(room).min(CHUNK as u64);
        // Whole chunks or the last one: no crumbs at the window's edge.
        (length > 0 && (length == CHUNK as u64 || length == left)).then_some(Part {
            offset: self.next,
            length: length as usize,
        })
    }

    /// True once all was sent and the hash is due.
    pub fn exhausted(&self) -> bool {
        self.state == State::Sending && self.next == self.size
    }

    /// Bytes were read. None: they are not what is to be sent next (the link was lost meanwhile).
    pub fn handle_read(&mut self, offset: u64, bytes: Vec<u8>) -> Option<Message> {
        let wanted = self.poll_part()?;
        if (wanted.offset, wanted.length) != (offset, bytes.len()) {
            return None;
        }
        self.next += bytes.len() as u64;
        self.furthest = self.furthest.max(self.next);
        let (id, bytes) = (self.id, Blob(bytes));
        Some(Message::Chunk { id, offset, bytes })
    }

    /// The hash of all bytes. None if not all of them were sent.
    pub fn handle_hash(&mut self, hash: Hash) -> Option<Message> {
        if !self.exhausted() {
            return None;
        }
        self.state = State::Sent;
        self.stated = true;
        Some(Message::Done { id: self.id, hash })
    }
}
