//! The receiving end of a piece.
//!
//! ```text
//! Offered ─ accept ─► Receiving ─ Done ─► Complete{hash} ─ the caller compares and puts it in place
//! ```
//!
//! It counts what it was given and what of it is written; the difference is what the caller holds in memory. After a loss
//! the sender goes on behind what was received, written or not, and may send a window: while more than one is held it
//! has to wait for its Accept.

use super::{CHUNK, Error, Kind, Message, WINDOW};
use crate::crypto::Hash;

/// So much is written before the sender is told.
const TELL_EVERY: u64 = WINDOW / 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Offered,
    Receiving,
    Complete(Hash),
}

/// See the module.
#[derive(Debug)]
pub struct Receiver {
    id: u32,
    kind: Kind,
    size: u64,
    state: State,
    received: u64,
    written: u64,
    /// What the sender was told last.
    told: u64,
    /// An offer that was repeated has no answer yet: too much is held.
    owed: bool,
}

impl Receiver {
    /// An offered piece. Errors: [`Error::TooLarge`].
    pub fn new(id: u32, kind: Kind, size: u64) -> Result<Self, Error> {
        if size > kind.largest() {
            return Err(Error::TooLarge);
        }
        Ok(Self {
            id,
            kind,
            size,
            state: State::Offered,
            received: 0,
            written: 0,
            told: 0,
            owed: false,
        })
    }

    /// What is written of it.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Takes it.
    pub fn accept(&mut self) -> Message {
        if self.state == State::Offered {
            self.state = State::Receiving;
        }
        self.told = self.received;
        self.owed = false;
        let (id, from) = (self.id, self.received);
        Message::Accept { id, from }
    }

    /// The same offer has come again, in a new epoch: where it goes on; none while it is not taken yet, or while more
    /// than a window is held. Errors: it is another one.
    pub fn handle_offer(&mut self, kind: &Kind, size: u64) -> Result<Option<Message>, Error> {
        if (kind, size) != (&self.kind, self.size) {
            return Err(Error::Turn);
        }
        self.owed = self.state != State::Offered;
        Ok(self.answer())
    }

    /// The answer that is owed, if no more than a window is held.
    fn answer(&mut self) -> Option<Message> {
        let room = self.received - self.written <= WINDOW;
        (self.owed && room).then(|| self.accept())
    }

    /// Bytes of it: a whole chunk, or the last ones. The caller keeps them until they are written.
    pub fn handle_chunk(&mut self, offset: u64, length: usize) -> Result<(), Error> {
        if self.state != State::Receiving {
            return Err(Error::Turn);
        }
        if offset != self.received {
            return Err(Error::Offset);
        }
        let after = self.received + length as u64;
        // Crumbs would cost more memory than their bytes.
        let whole = length == CHUNK || length > 0 && length < CHUNK && after == self.size;
        // Two windows: what was held at a loss, and what was sent since.
        if !whole || after > self.size || after > self.written + 2 * WINDOW {
            return Err(Error::Length);
        }
        self.received = after;
        Ok(())
    }

    /// So many more bytes are written. What to tell the sender, if it is time.
    pub fn handle_written(&mut self, length: usize) -> Option<Message> {
        self.written = (self.written + length as u64).min(self.received);
        if self.owed {
            return self.answer();
        }
        if self.written < self.told.saturating_add(TELL_EVERY) {
            return None;
        }
        self.told = self.written;
        let (id, to) = (self.id, self.written);
        Some(Message::Received { id, to })
    }

    /// All of it was sent. A repetition changes nothing.
    pub fn handle_done(&mut self, hash: Hash) -> Result<(), Error> {
        match self.state {
            State::Receiving if self.received == self.size => {
                self.state = State::Complete(hash);
                Ok(())
            }
            State::Complete(before) if before == hash => Ok(()),
            State::Offered | State::Receiving | State::Complete(_) => Err(Error::Turn),
        }
    }

    /// The hash to compare with, once everything is written.
    pub fn complete(&self) -> Option<Hash> {
        match self.state {
            State::Complete(hash) if self.written == self.size => Some(hash),
            State::Offered | State::Receiving | State::Complete(_) => None,
        }
    }
}
