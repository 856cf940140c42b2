//! The streams that the other end opens: what has come and was not read yet.

use std::collections::{HashMap, VecDeque};

use bytes::{Bytes, BytesMut};

use super::segment::{SEGMENT, Segment, Violation};
use super::{Event, MESSAGES, RETURN_ALL, RETURN_ONE, STREAM_WINDOW, STREAMS, WINDOW};

/// A stream of the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReceiveId(u32);

impl ReceiveId {
    /// The stream of messages.
    pub const MESSAGES: Self = Self(MESSAGES);
}

/// What can be read of a stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    /// The next bytes; never none.
    Chunk(Bytes),
    /// Nothing yet.
    Nothing,
    /// It is complete, and read.
    End,
    /// Its sender has taken it back.
    Cancelled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    Complete,
    Cancelled,
}

#[derive(Debug)]
struct Receiving {
    /// Filled up one after the other, so that small segments take no more memory than their bytes.
    chunks: VecDeque<BytesMut>,
    buffered: usize,
    /// Received, and not returned to the sender's windows.
    held: usize,
    /// Of these: read, and to be returned.
    due: usize,
    stage: Stage,
    /// Nobody reads it.
    refused: bool,
}

impl Receiving {
    fn new() -> Self {
        Self {
            chunks: VecDeque::new(),
            buffered: 0,
            held: 0,
            due: 0,
            stage: Stage::Open,
            refused: false,
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.buffered += bytes.len();
        match self.chunks.back_mut() {
            Some(last) if last.len() + bytes.len() <= SEGMENT => last.extend_from_slice(bytes),
            Some(_) | None => self.chunks.push_back(bytes.into()),
        }
    }
}

#[derive(Debug)]
pub(super) struct Receivers {
    streams: HashMap<u32, Receiving>,
    newest: u32,
    arrived: VecDeque<ReceiveId>,
    held: usize,
    due: usize,
    /// How many may be open.
    allowed: usize,
    /// Over here, and the other end was not told yet: to it they are open.
    leaving: usize,
    control: VecDeque<Segment>,
}

impl Receivers {
    pub(super) fn new() -> Self {
        Self {
            streams: HashMap::from([(MESSAGES, Receiving::new())]),
            newest: MESSAGES,
            arrived: VecDeque::new(),
            held: 0,
            due: 0,
            allowed: STREAMS,
            leaving: 0,
            control: VecDeque::new(),
        }
    }

    pub(super) fn allow(&mut self, streams: usize) {
        self.allowed = streams;
    }

    pub(super) fn control_waits(&self) -> bool {
        !self.control.is_empty()
    }

    pub(super) fn poll_control(&mut self) -> Option<Segment> {
        let next = self.control.pop_front()?;
        if matches!(next, Segment::Done(number) if number != MESSAGES) {
            self.leaving -= 1;
        }
        Some(next)
    }

    pub(super) fn accept(&mut self) -> Option<ReceiveId> {
        self.arrived.pop_front()
    }

    /// True if something of the stream can be read, its end included.
    pub(super) fn has_come(&self, id: ReceiveId) -> bool {
        self.streams
            .get(&id.0)
            .is_none_or(|stream| stream.buffered > 0 || stream.stage != Stage::Open)
    }

    pub(super) fn read(&mut self, id: ReceiveId, max: usize) -> Read {
        let Some(stream) = self.streams.get_mut(&id.0) else {
            return Read::Cancelled;
        };
        let Some(front) = stream.chunks.front_mut() else {
            let end = match stream.stage {
                Stage::Open => return Read::Nothing,
                Stage::Complete => Read::End,
                Stage::Cancelled => Read::Cancelled,
            };
            self.over(id.0);
            return end;
        };
        let chunk = front.split_to(max.min(front.len())).freeze();
        if front.is_empty() {
            stream.chunks.pop_front();
        }
        stream.buffered -= chunk.len();
        self.taken(id.0, chunk.len());
        Read::Chunk(chunk)
    }

    /// Nobody reads it any more, to its end or not.
    pub(super) fn release(&mut self, id: ReceiveId) {
        let Some(stream) = self.streams.get_mut(&id.0) else {
            return;
        };
        if stream.refused {
            return;
        }
        stream.refused = true;
        match stream.stage {
            Stage::Open => {
                let dropped = std::mem::take(&mut stream.buffered);
                stream.chunks = VecDeque::new();
                self.control.push_back(Segment::Refuse(id.0));
                self.taken(id.0, dropped);
            }
            Stage::Complete | Stage::Cancelled => self.over(id.0),
        }
    }

    pub(super) fn handle_data(
        &mut self,
        number: u32,
        bytes: &[u8],
        events: &mut VecDeque<Event>,
    ) -> Result<(), Violation> {
        let whole = self.held + bytes.len();
        let stream = self.opened(number, events)?;
        if stream.stage != Stage::Open {
            return Err(Violation::Stream(number));
        }
        if stream.held + bytes.len() > STREAM_WINDOW || whole > WINDOW {
            return Err(Violation::Window(number));
        }
        stream.held += bytes.len();
        if stream.refused {
            self.held = whole;
            self.taken(number, bytes.len());
        } else {
            stream.push(bytes);
            self.held = whole;
            events.push_back(Event::Readable(ReceiveId(number)));
        }
        Ok(())
    }

    pub(super) fn handle_finish(
        &mut self,
        number: u32,
        events: &mut VecDeque<Event>,
    ) -> Result<(), Violation> {
        let stream = self.opened(number, events)?;
        if stream.stage != Stage::Open {
            return Err(Violation::Stream(number));
        }
        stream.stage = Stage::Complete;
        match stream.refused {
            true => self.over(number),
            false => {
                self.control.push_back(Segment::Got(number));
                events.push_back(Event::Readable(ReceiveId(number)));
            }
        }
        Ok(())
    }

    pub(super) fn handle_cancel(
        &mut self,
        number: u32,
        events: &mut VecDeque<Event>,
    ) -> Result<(), Violation> {
        if number > self.newest {
            return Err(Violation::Stream(number));
        }
        // It may have been read to its end meanwhile.
        let Some(stream) = self.streams.get_mut(&number) else {
            return Ok(());
        };
        if stream.stage == Stage::Cancelled {
            return Err(Violation::Stream(number));
        }
        stream.stage = Stage::Cancelled;
        let dropped = std::mem::take(&mut stream.buffered);
        stream.chunks = VecDeque::new();
        match stream.refused {
            true => self.over(number),
            false => {
                self.taken(number, dropped);
                events.push_back(Event::Readable(ReceiveId(number)));
            }
        }
        Ok(())
    }

    /// Bytes that are unread or not yet returned.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// The stream of this number, which the next number opens.
    fn opened(
        &mut self,
        number: u32,
        events: &mut VecDeque<Event>,
    ) -> Result<&mut Receiving, Violation> {
        if self.newest.checked_add(1) == Some(number) {
            let messages = usize::from(self.streams.contains_key(&MESSAGES));
            // Also those that are leaving: whoever does not read what is told makes nothing pile up.
            if self.streams.len() - messages + self.leaving >= self.allowed {
                return Err(Violation::Stream(number));
            }
            self.newest = number;
            self.streams.insert(number, Receiving::new());
            self.arrived.push_back(ReceiveId(number));
            events.push_back(Event::Arrived);
        }
        self.streams
            .get_mut(&number)
            .ok_or(Violation::Stream(number))
    }

    /// So many bytes make room again. The sender hears of it when it is worth a segment.
    fn taken(&mut self, number: u32, bytes: usize) {
        let Some(stream) = self.streams.get_mut(&number) else {
            return;
        };
        stream.due += bytes;
        self.due += bytes;
        if stream.due >= RETURN_ONE {
            self.give_back(number);
        }
        if self.due >= RETURN_ALL {
            let all: Vec<u32> = self.streams.keys().copied().collect();
            for number in all {
                self.give_back(number);
            }
        }
    }

    fn give_back(&mut self, number: u32) {
        let Some(stream) = self.streams.get_mut(&number) else {
            return;
        };
        let due = std::mem::take(&mut stream.due);
        if due > 0 {
            stream.held -= due;
            self.due -= due;
            self.held -= due;
            self.control.push_back(Segment::Room(number, due as u32));
        }
    }

    fn over(&mut self, number: u32) {
        if let Some(stream) = self.streams.remove(&number) {
            self.due -= stream.due;
            self.held -= stream.held;
            self.leaving += usize::from(number != MESSAGES);
            self.control.push_back(Segment::Done(number));
        }
    }
}
