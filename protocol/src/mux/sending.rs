//! The streams that this end opens: what waits, and which of it goes next.

use std::collections::{BTreeMap, HashMap, VecDeque};

use bytes::{Buf, Bytes};

use super::segment::{SEGMENT, Segment, Violation, write_data_head};
use super::{Event, IMPORTANT, MESSAGES, RESERVE, SEND_BUFFER, STREAM_WINDOW, STREAMS, WINDOW};

/// A stream of this end, until its owner lets go of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SendId(u64);

impl SendId {
    /// The stream of messages.
    pub const MESSAGES: Self = Self(0);
}

/// What became of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is under way.
    Open,
    /// All of it is at the other end.
    Delivered,
    /// The other end wanted no more of it, or it was cancelled here.
    Refused,
}

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    Open,
    /// Complete here; the end goes out behind what waits.
    Finishing,
    Finished,
    Cancelled,
}

#[derive(Debug)]
struct Sending {
    priority: i32,
    /// Its number, once something of it has been sent.
    number: Option<u32>,
    queue: VecDeque<Bytes>,
    queued: usize,
    /// Sent, and not known to be read.
    unread: usize,
    stage: Stage,
    /// Its end has been sent.
    ended: bool,
    got: bool,
    refused: bool,
    done: bool,
    /// Its owner has let go of it.
    released: bool,
}

impl Sending {
    fn new(priority: i32, number: Option<u32>) -> Self {
        Self {
            priority,
            number,
            queue: VecDeque::new(),
            queued: 0,
            unread: 0,
            stage: Stage::Open,
            ended: false,
            got: false,
            refused: false,
            done: false,
            released: false,
        }
    }

    fn clear(&mut self) {
        self.queue = VecDeque::new();
        self.queued = 0;
    }
}

#[derive(Debug)]
pub(super) struct Senders {
    /// By age: of equal importance the oldest goes first.
    streams: BTreeMap<SendId, Sending>,
    numbers: HashMap<u32, SendId>,
    next_id: u64,
    next_number: u32,
    /// Streams but that of messages which are not over.
    open: usize,
    unread: usize,
    pub(super) control: VecDeque<Segment>,
}

impl Senders {
    pub(super) fn new() -> Self {
        let messages = Sending::new(super::MOST_IMPORTANT, Some(MESSAGES));
        Self {
            streams: BTreeMap::from([(SendId::MESSAGES, messages)]),
            numbers: HashMap::from([(MESSAGES, SendId::MESSAGES)]),
            next_id: 1,
            next_number: 1,
            open: 0,
            unread: 0,
            control: VecDeque::new(),
        }
    }

    pub(super) fn open(&mut self, priority: i32) -> Option<SendId> {
        if self.open >= STREAMS {
            return None;
        }
        let id = SendId(self.next_id);
        self.next_id += 1;
        self.open += 1;
        self.streams.insert(id, Sending::new(priority, None));
        Some(id)
    }

    /// Takes from the front of `bytes` what there is room for. Err: the stream takes no more.
    pub(super) fn write(&mut self, id: SendId, bytes: &mut Bytes) -> Result<(), Fate> {
        let Some(stream) = self.streams.get_mut(&id) else {
            return Err(Fate::Refused);
        };
        if stream.refused || stream.stage != Stage::Open {
            return Err(Fate::Refused);
        }
        let room = SEND_BUFFER.saturating_sub(stream.queued).min(bytes.len());
        if room > 0 {
            stream.queue.push_back(bytes.split_to(room));
            stream.queued += room;
        }
        Ok(())
    }

    /// Err: the other end has refused it.
    pub(super) fn finish(&mut self, id: SendId) -> Result<(), Fate> {
        match self.streams.get_mut(&id) {
            Some(stream) if stream.stage == Stage::Open && !stream.refused => {
                stream.stage = Stage::Finishing;
                Ok(())
            }
            Some(stream) if !stream.refused && stream.stage != Stage::Cancelled => Ok(()),
            Some(_) | None => Err(Fate::Refused),
        }
    }

    pub(super) fn cancel(&mut self, id: SendId, events: &mut VecDeque<Event>) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        if stream.done || stream.stage == Stage::Cancelled {
            return;
        }
        stream.clear();
        stream.stage = Stage::Cancelled;
        match stream.number {
            // Also behind its end: it may not have been read yet.
            Some(number) => self.control.push_back(Segment::Cancel(number)),
            // Nothing of it ever left.
            None => self.over(id, events),
        }
    }

    pub(super) fn fate(&self, id: SendId) -> Fate {
        match self.streams.get(&id) {
            None => Fate::Refused,
            Some(stream) if stream.refused || stream.stage == Stage::Cancelled => Fate::Refused,
            Some(stream) if stream.got || stream.done => Fate::Delivered,
            Some(_) => Fate::Open,
        }
    }

    /// Its owner lets go: what it wrote goes out, and is complete.
    pub(super) fn release(&mut self, id: SendId) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        stream.released = true;
        if stream.stage == Stage::Open && !stream.refused {
            stream.stage = Stage::Finishing;
        }
        if stream.done {
            self.streams.remove(&id);
        }
    }

    /// Appends the next data segment or end of a stream. False: nothing can go.
    pub(super) fn poll_segment(&mut self, out: &mut Vec<u8>, events: &mut VecDeque<Event>) -> bool {
        let free = WINDOW.saturating_sub(self.unread);
        let sendable = |stream: &Sending| {
            let reserve = if stream.priority < IMPORTANT {
                RESERVE
            } else {
                0
            };
            let window = STREAM_WINDOW.saturating_sub(stream.unread);
            window
                .min(free.saturating_sub(reserve))
                .min(stream.queued)
                .min(SEGMENT)
        };
        let ready = |stream: &Sending| {
            sendable(stream) > 0 || (stream.queued == 0 && stream.stage == Stage::Finishing)
        };
        let next = self
            .streams
            .iter_mut()
            .filter(|(_, stream)| ready(stream))
            // Of equals the last is taken, so they are looked at youngest first.
            .rev()
            .max_by_key(|(_, stream)| stream.priority);
        let Some((id, stream)) = next else {
            return false;
        };
        let number = *stream.number.get_or_insert_with(|| {
            let number = self.next_number;
            self.next_number += 1;
            self.numbers.insert(number, *id);
            number
        });
        let mut left = sendable(stream);
        if left > 0 {
            write_data_head(out, number, left);
            stream.queued -= left;
            stream.unread += left;
            self.unread += left;
            events.push_back(Event::Writable(*id));
        }
        while left > 0
            && let Some(front) = stream.queue.front_mut()
        {
            let taken = left.min(front.len());
            out.extend_from_slice(&front[..taken]);
            front.advance(taken);
            left -= taken;
            if front.is_empty() {
                stream.queue.pop_front();
            }
        }
        if stream.queued == 0 && stream.stage == Stage::Finishing {
            Segment::Finish(number).write(out);
            stream.stage = Stage::Finished;
            stream.ended = true;
        }
        true
    }

    pub(super) fn handle_room(&mut self, number: u32, bytes: u32) -> Result<(), Violation> {
        let stream = self.numbered(number)?;
        let bytes = bytes as usize;
        stream.unread = stream
            .unread
            .checked_sub(bytes)
            .ok_or(Violation::Window(number))?;
        self.unread -= bytes;
        Ok(())
    }

    pub(super) fn handle_refused(
        &mut self,
        number: u32,
        events: &mut VecDeque<Event>,
    ) -> Result<(), Violation> {
        let id = *self.numbers.get(&number).ok_or(Violation::Stream(number))?;
        let stream = self.numbered(number)?;
        stream.refused = true;
        stream.clear();
        if matches!(stream.stage, Stage::Open | Stage::Finishing) {
            stream.stage = Stage::Cancelled;
            self.control.push_back(Segment::Cancel(number));
        }
        events.push_back(Event::Writable(id));
        Ok(())
    }

    pub(super) fn handle_got(
        &mut self,
        number: u32,
        events: &mut VecDeque<Event>,
    ) -> Result<(), Violation> {
        let id = *self.numbers.get(&number).ok_or(Violation::Stream(number))?;
        let stream = self.numbered(number)?;
        if !stream.ended {
            return Err(Violation::Stream(number));
        }
        stream.got = true;
        events.push_back(Event::Writable(id));
        Ok(())
    }

    pub(super) fn handle_done(
        &mut self,
        number: u32,
        events: &mut VecDeque<Event>,
    ) -> Result<(), Violation> {
        let stream = self.numbered(number)?;
        if !matches!(stream.stage, Stage::Finished | Stage::Cancelled) {
            return Err(Violation::Stream(number));
        }
        let id = self
            .numbers
            .remove(&number)
            .ok_or(Violation::Stream(number))?;
        self.over(id, events);
        Ok(())
    }

    fn over(&mut self, id: SendId, events: &mut VecDeque<Event>) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        self.unread -= stream.unread;
        stream.unread = 0;
        stream.done = true;
        let released = stream.released;
        if released {
            self.streams.remove(&id);
        }
        events.push_back(Event::Writable(id));
        if id != SendId::MESSAGES {
            self.open -= 1;
            events.push_back(Event::MayOpen);
        }
    }

    fn numbered(&mut self, number: u32) -> Result<&mut Sending, Violation> {
        self.numbers
            .get(&number)
            .and_then(|id| self.streams.get_mut(id))
            .ok_or(Violation::Stream(number))
    }
}
