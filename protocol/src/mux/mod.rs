//! Streams on one byte stream, for networks that let only TCP through (docs/protocol.md §2).
//!
//! ```text
//! write ─► waiting per stream ─┐                                        ┌► unread per stream ─► read
//! finish, cancel ──────────────┼► poll_transmit ─► segments ─► handle ──┤
//!     room, refuse, got, done ─┘   most important first, at most 16 KiB └► arrived ─► accept
//! ```
//!
//! The same streams as QUIC's: one of messages per direction, and any number of one-way streams of
//! which at most 64 are open. Segments of a picture never stand before a more important one for longer
//! than 16 KiB, a cancelled stream sends nothing more, and whoever does not read one stream holds up
//! no other: pictures leave half of the connection's window to what is more important.
//!
//! Bounds: 256 KiB unread per stream, 2 MiB per connection, and 32 KiB waiting to be sent per
//! stream. Sans-IO; [`crate::net`] moves the bytes and wakes who waits.

mod receiving;
mod segment;
mod sending;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use bytes::Bytes;

use crate::frame::Class;
use receiving::Receivers;
use segment::{Decoder, Piece, Segment};
use sending::Senders;

pub use receiving::{Read, ReceiveId};
pub use segment::{MAX_REASON, SEGMENT, Violation};
pub use sending::{Fate, SendId};

/// One-way streams of one end that may be open.
pub const STREAMS: usize = 64;

/// Bytes of one stream that may be sent and unread.
pub const STREAM_WINDOW: usize = 256 << 10;

/// Bytes of all streams of one end that may be sent and unread.
pub const WINDOW: usize = 2 << 20;

/// Bytes of one stream that may wait to be sent.
pub const SEND_BUFFER: usize = 32 << 10;

/// What streams of less importance than [`IMPORTANT`] leave free of the connection's window.
const RESERVE: usize = WINDOW / 2;

/// Importance from which on the whole window may be used: everything but pictures and transfers.
const IMPORTANT: i32 = Class::Notices.priority();

/// Messages go with the rights.
const MOST_IMPORTANT: i32 = Class::Rights.priority();

/// The number of the streams of messages.
const MESSAGES: u32 = 0;

/// Bytes read of one stream after which its sender is told.
const RETURN_ONE: usize = 64 << 10;

/// Bytes read of all streams after which their senders are told.
const RETURN_ALL: usize = WINDOW / 4;

/// Something that somebody may wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The other end has opened a stream.
    Arrived,
    /// There is something to read, or the end.
    Readable(ReceiveId),
    /// More can be written, or the stream's fate has changed.
    Writable(SendId),
    /// Another stream may be opened.
    MayOpen,
    /// The answer to a ping.
    Pong(u64),
    /// The other end says goodbye; nothing comes any more.
    Closed,
}

/// The streams of one connection.
#[derive(Debug)]
pub struct Mux {
    senders: Senders,
    receivers: Receivers,
    decoder: Decoder,
    events: VecDeque<Event>,
    ping: Option<u64>,
    /// Only the newest ping is answered: pings take no memory.
    pong: Option<u64>,
    goodbye: Option<(u32, Vec<u8>)>,
    /// What is still to be sent of this end's goodbye.
    closing: Option<Vec<u8>>,
}

impl Default for Mux {
    fn default() -> Self {
        Self {
            senders: Senders::new(),
            receivers: Receivers::new(),
            decoder: Decoder::default(),
            events: VecDeque::new(),
            ping: None,
            pong: None,
            goodbye: None,
            closing: None,
        }
    }
}

impl Mux {
    /// Opens a stream of this importance ([`Class::priority`]). None: too many are open.
    pub fn open(&mut self, priority: i32) -> Option<SendId> {
        self.senders.open(priority)
    }

    /// Takes from the front of `bytes` what there is room for. Errors: the stream takes no more.
    pub fn write(&mut self, id: SendId, bytes: &mut Bytes) -> Result<(), Fate> {
        self.senders.write(id, bytes)
    }

    /// Nothing more comes behind what was written. Errors: the other end wants nothing of it.
    pub fn finish(&mut self, id: SendId) -> Result<(), Fate> {
        self.senders.finish(id)
    }

    /// Takes back what the other end has not read yet.
    pub fn cancel(&mut self, id: SendId) {
        self.senders.cancel(id, &mut self.events);
    }

    /// What has become of a stream of this end.
    pub fn fate(&self, id: SendId) -> Fate {
        self.senders.fate(id)
    }

    /// Forgets a stream: what was written of it is complete.
    pub fn release_sender(&mut self, id: SendId) {
        self.senders.release(id);
    }

    /// How many one-way streams the other end may have open; at first [`STREAMS`].
    pub fn allow(&mut self, streams: usize) {
        self.receivers.allow(streams);
    }

    /// The next stream that the other end has opened.
    pub fn accept(&mut self) -> Option<ReceiveId> {
        self.receivers.accept()
    }

    /// True if anything can be read, the end included.
    pub fn has_come(&self, id: ReceiveId) -> bool {
        self.receivers.has_come(id)
    }

    /// Reads at most `max` bytes. Once it said how a stream ended it knows nothing of it any more.
    pub fn read(&mut self, id: ReceiveId, max: usize) -> Read {
        self.receivers.read(id, max)
    }

    /// Refuses what more may come of a stream, and forgets it.
    pub fn release_receiver(&mut self, id: ReceiveId) {
        self.receivers.release(id);
    }

    /// Asks for a pong.
    pub fn ping(&mut self, value: u64) {
        self.ping = Some(value);
    }

    /// Says goodbye: what waits is not sent any more.
    pub fn close(&mut self, code: u32, reason: &[u8]) {
        self.closing.get_or_insert_with(|| {
            let mut bytes = Vec::new();
            Segment::Close(code, reason.to_vec()).write(&mut bytes);
            bytes
        });
    }

    /// The other end's goodbye.
    pub fn goodbye(&self) -> Option<(u32, &[u8])> {
        self.goodbye
            .as_ref()
            .map(|(code, reason)| (*code, &reason[..]))
    }

    /// Bytes of the other end that are unread or were not returned to its windows.
    pub fn held(&self) -> usize {
        self.receivers.held()
    }

    /// Takes what has arrived. Errors: the connection is of no use any more.
    pub fn handle(&mut self, mut input: &[u8]) -> Result<(), Violation> {
        let Self {
            senders,
            receivers,
            decoder,
            events,
            pong,
            goodbye,
            ..
        } = self;
        while let Some(piece) = decoder.next(&mut input)? {
            match piece {
                Piece::Data(number, bytes) => receivers.handle_data(number, bytes, events)?,
                Piece::Whole(segment) => match segment {
                    Segment::Finish(number) => receivers.handle_finish(number, events)?,
                    Segment::Cancel(number) => receivers.handle_cancel(number, events)?,
                    Segment::Room(number, bytes) => senders.handle_room(number, bytes)?,
                    Segment::Refuse(number) => senders.handle_refused(number, events)?,
                    Segment::Got(number) => senders.handle_got(number, events)?,
                    Segment::Done(number) => senders.handle_done(number, events)?,
                    Segment::Ping(value) => *pong = Some(value),
                    Segment::Pong(value) => events.push_back(Event::Pong(value)),
                    Segment::Close(code, reason) => {
                        *goodbye = Some((code, reason));
                        events.push_back(Event::Closed);
                        return Ok(());
                    }
                },
            }
        }
        Ok(())
    }

    /// Appends segments until `out` holds `most` bytes or nothing is left: first what takes back or makes
    /// room, then the streams by importance. False: there was nothing.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>, most: usize) -> bool {
        let before = out.len();
        if let Some(goodbye) = &mut self.closing {
            out.append(goodbye);
            return out.len() > before;
        }
        while out.len() < most {
            let control = self
                .senders
                .control
                .pop_front()
                .or_else(|| self.receivers.poll_control())
                .or_else(|| self.pong.take().map(Segment::Pong))
                .or_else(|| self.ping.take().map(Segment::Ping));
            match control {
                Some(segment) => segment.write(out),
                None if self.senders.poll_segment(out, &mut self.events) => {}
                None => break,
            }
        }
        out.len() > before
    }

    /// True if something that is no stream's data waits to be sent.
    pub fn control_waits(&self) -> bool {
        !self.senders.control.is_empty() || self.receivers.control_waits()
    }

    /// What has happened since it was asked last.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
}

// A window that is all read is returned before its sender waits for it.
const _: () = assert!(RETURN_ONE < STREAM_WINDOW && RETURN_ALL < RESERVE);
