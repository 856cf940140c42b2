//! Rights and input a second time, over QUIC on ways that are not short (docs/protocol.md §2): what waits for a
//! lost packet otherwise waits for two round trips and more, since nothing behind it tells of the loss.
//!
//! ```text
//! RecordSender ─┬───────► stream of the class ──────────┬─► RecordReceiver: whichever has the next byte
//!               └ 10 ms ► 18 ‖ header ‖ offset ‖ bytes ─┘
//! ```
//!
//! The copy has the same bytes from some record's first one on, and names the stream by the header of the first record
//! there: a connection may carry several of one class, one after the other. Only the class's own stream says where it
//! ends. Nothing is held for copies: who is behind is read and dropped, who is ahead of what has been taken is not read.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::connection::{Connection, Transport};
use super::stream::{RecvStream, SendStream};
use super::units::{CHUNK, ReadError};
use crate::frame::{Class, HEADER_BYTES, Header};
use crate::unit::{COPY_PREFIX, KIND_COPY};
use crate::wire::{self, Wire};

/// Far enough behind to be in a packet of its own.
const AFTER: Duration = Duration::from_millis(10);

/// Where a lost packet is missed soon anyway, nothing is copied.
const NEAR: Duration = Duration::from_millis(20);

/// Records that wait to be copied.
const WAITING: usize = 64;

/// Longer records are not copied: they take several packets.
const LONGEST: usize = 1200;

/// Copies of one stream that are being sent.
const AT_ONCE: usize = 2;

/// The copies that a sender of records makes.
#[derive(Debug)]
pub(super) struct Copier {
    connection: Connection,
    /// Of the stream's first record.
    first: Option<Header>,
    /// Bytes on the class's own stream so far.
    sent: u64,
    queue: Option<mpsc::Sender<(Instant, Bytes)>>,
    copying: JoinSet<()>,
}

impl Copier {
    /// None where nothing is copied.
    pub(super) fn new(connection: &Connection, class: Class) -> Option<Self> {
        let quic = connection.transport() == Transport::Quic;
        (quic && place(class).is_some()).then(|| Self {
            connection: connection.clone(),
            first: None,
            sent: 0,
            queue: None,
            copying: JoinSet::new(),
        })
    }

    /// A whole record is on the class's own stream.
    pub(super) fn handle_sent(&mut self, header: &Header, record: Bytes) {
        let first = *self.first.get_or_insert(*header);
        let offset = self.sent;
        self.sent += record.len() as u64;
        // A copy has no gaps. One that cannot go on ends with what it has, and a later one begins behind it.
        if record.len() > LONGEST {
            self.queue = None;
            return;
        }
        let mut next = (Instant::now() + AFTER, record);
        if let Some(queue) = &self.queue {
            match queue.try_send(next) {
                Ok(()) => return,
                Err(error) => next = error.into_inner(),
            }
            self.queue = None;
        }
        while self.copying.try_join_next().is_some() {}
        let near = self.connection.rtt().is_none_or(|trip| trip < NEAR);
        if near || self.copying.len() >= AT_ONCE {
            return;
        }
        let (queue, waiting) = mpsc::channel(WAITING);
        // There is room for the first one.
        drop(queue.try_send(next));
        let connection = self.connection.clone();
        self.copying
            .spawn(copy(connection, (first, offset), waiting));
        self.queue = Some(queue);
    }
}

async fn copy(
    connection: Connection,
    (first, offset): (Header, u64),
    mut waiting: mpsc::Receiver<(Instant, Bytes)>,
) {
    let mut bytes = vec![KIND_COPY];
    first.write(&mut bytes);
    offset.write(&mut bytes);
    let mut copy: Option<Copy> = None;
    while let Some((due, record)) = waiting.recv().await {
        tokio::time::sleep_until(due).await;
        bytes.extend_from_slice(&record);
        if copy.is_none() {
            // Of equals streams take turns within a packet: the copy stands behind.
            let priority = first.class.priority() - 1;
            copy = connection.open_uni_at(priority).await.ok().map(Copy);
        }
        // Who wants no copy has the record itself.
        let Some(Copy(stream)) = &mut copy else {
            return;
        };
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
        bytes.clear();
    }
    if let Some(Copy(stream)) = &mut copy
        && stream.finish().is_ok()
    {
        // Either way there is nothing left to deliver.
        drop(stream.delivered().await);
    }
}

/// Cancelled when dropped: a copy that merely stopped could end within its head.
struct Copy(SendStream);

impl Drop for Copy {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// The place of a class that travels twice.
fn place(class: Class) -> Option<usize> {
    match class {
        Class::Rights => Some(0),
        Class::Input => Some(1),
        Class::Acks
        | Class::Heads
        | Class::Notices
        | Class::Transfer
        | Class::Beacon
        | Class::Pointer
        | Class::Picture
        | Class::Refinement => None,
    }
}

/// The newest copies that have come on a connection, for the receivers of their streams.
#[derive(Debug, Clone, Default)]
pub(super) struct Copies(Arc<[Slot; 2]>);

#[derive(Debug, Default)]
struct Slot {
    newest: Mutex<Option<(Header, Behind)>>,
    came: Notify,
}

/// A stream, and the offset of its next byte.
#[derive(Debug)]
struct Behind {
    stream: RecvStream,
    at: u64,
}

impl Copies {
    fn slot(&self, class: Class) -> Option<&Slot> {
        self.0.get(place(class)?)
    }

    /// A stream whose first byte was [`KIND_COPY`], and which has let go of these. Errors: no copy of a class that
    /// travels twice.
    pub(super) async fn handle_copy(&self, mut stream: RecvStream) -> Result<(), ReadError> {
        let mut head = [0; COPY_PREFIX - 1];
        match stream.read_exact(&mut head).await {
            Ok(()) => {}
            // A copy may end anywhere.
            Err(ReadError::Truncated | ReadError::Cancelled) => return Ok(()),
            Err(error) => return Err(error),
        }
        let (first, offset) = head.split_at(HEADER_BYTES);
        let first = Header::from_bytes(first)?;
        let slot = self.slot(first.class);
        let slot = slot.ok_or(wire::Error::OutOfRange("the class of a copy"))?;
        let at = u64::from_bytes(offset)?;
        slot.put(first, Behind { stream, at });
        Ok(())
    }
}

impl Slot {
    fn put(&self, first: Header, copy: Behind) {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some((first, copy));
        self.came.notify_waiters();
    }

    /// The newest copy, if it is of the stream that began with this record.
    fn take(&self, first: &Header) -> Option<Behind> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, copy) = newest.take_if(|(of, _)| of == first)?;
        Some(copy)
    }
}

/// The bytes of an in-order stream, by whichever way they come first.
#[derive(Debug)]
pub(super) struct Ways {
    own: Behind,
    copy: Option<Behind>,
    /// Offset of the next byte to give out.
    taken: u64,
    copies: Option<Copies>,
    /// Of its first record.
    first: Option<Header>,
}

impl Ways {
    /// A class's own stream, of which so many bytes were read.
    pub(super) fn new(mut stream: RecvStream, read: u64) -> Self {
        Self {
            copies: stream.take_copies(),
            own: Behind { stream, at: read },
            copy: None,
            taken: read,
            first: None,
        }
    }

    /// Notes a record's header, of which the first names the stream.
    pub(super) fn handle_record(&mut self, header: &Header) {
        self.first.get_or_insert(*header);
    }

    /// The next bytes; `None` at the end of the class's own stream. Not lost if the future is dropped.
    pub(super) async fn read_chunk(&mut self) -> Result<Option<Bytes>, ReadError> {
        loop {
            let copies = self.copies.as_ref().zip(self.first.as_ref());
            let slot = copies.and_then(|(copies, first)| Some((copies.slot(first.class)?, first)));
            // Asked for before it is looked whether one has come already.
            let mut came = pin!(slot.map(|(slot, _)| slot.came.notified()));
            if let Some(came) = came.as_mut().as_pin_mut() {
                came.enable();
            }
            if let Some(newer) = slot.and_then(|(slot, first)| slot.take(first)) {
                self.copy = Some(newer);
            }
            let (way, mut chunk) = tokio::select! {
                biased;
                chunk = self.own.stream.read_chunk(CHUNK) => match chunk? {
                    Some(chunk) => (&mut self.own, chunk),
                    None => return Ok(None),
                },
                chunk = behind(&mut self.copy, self.taken) => match (&mut self.copy, chunk) {
                    (Some(copy), Some(chunk)) => (copy, chunk),
                    (copy, _) => {
                        *copy = None;
                        continue;
                    }
                },
                () = maybe(came.as_pin_mut()) => continue,
            };
            let had = usize::try_from(self.taken - way.at).unwrap_or(usize::MAX);
            way.at += chunk.len() as u64;
            if had < chunk.len() {
                chunk.advance(had);
                self.taken += chunk.len() as u64;
                return Ok(Some(chunk));
            }
        }
    }
}

/// The next bytes of a copy, which are at most so far; `None` at its end, whatever that is.
async fn behind(copy: &mut Option<Behind>, taken: u64) -> Option<Bytes> {
    match copy {
        Some(copy) if copy.at <= taken => copy.stream.read_chunk(CHUNK).await.ok().flatten(),
        // One that is ahead is read once the class's own stream has come so far.
        Some(_) | None => std::future::pending().await,
    }
}

async fn maybe(future: Option<impl Future<Output = ()> + Unpin>) {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}
