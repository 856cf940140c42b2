//! Frames on their way: one task per open stream.
//!
//! ```text
//! in-order:  record ─► verdict (input: recorder first) ─► the target's stream of that class
//! single:    header ─► verdict ─► own stream, chunk by chunk; a cut or a reset on one
//!                       │ hold ▲    side ends the other
//!                       └──────┘
//! ```
//!
//! A frame of classes 6 to 9 is never gathered before it is sent on: what the target does not take
//! stays with the sender, where it can still be cancelled. What is recorded is copied and hashed beside
//! it, chunk by chunk. Nothing is opened; the relay has no keys.

use std::sync::Arc;

use bytes::Bytes;
use fernsicht_protocol::frame::{Class, Frame, Header};
use fernsicht_protocol::net::{
    self, Connection, Incoming, ReadError, RecordReceiver, RecordSender, RecvStream, SingleSender,
    WriteError,
};
use fernsicht_protocol::router::{ConnectionId, Verdict};
use fernsicht_protocol::unit::{KIND_FRAME, RECORD_PREFIX, Record};
use tokio::sync::watch;

use super::hub::{Cuts, Hub};
use super::recorder::{Copying, Item, Room, Sealed, now_centis};
use super::recording::{Passed, Recording};

/// Forwards one unidirectional stream of `from` to its end.
pub(super) async fn run(hub: Arc<Hub>, from: ConnectionId, stream: RecvStream) {
    let result = match net::incoming(stream).await {
        Ok(Incoming::Records(records)) => forward_records(&hub, from, records).await,
        Ok(Incoming::Single(header, stream)) => {
            forward_single(&hub, from, header, stream).await;
            Ok(())
        }
        Ok(Incoming::Copy) => Ok(()),
        // A single frame that was cancelled before its header had come, or a stream without a byte.
        Err(ReadError::Cancelled | ReadError::Truncated) => Ok(()),
        Err(error) => Err(error),
    };
    match result {
        Ok(()) | Err(ReadError::Lost(_)) => {}
        Err(ReadError::Malformed(_) | ReadError::Truncated | ReadError::Cancelled) => {
            hub.malformed(from)
        }
    }
}

async fn forward_records(
    hub: &Arc<Hub>,
    from: ConnectionId,
    mut records: RecordReceiver,
) -> Result<(), ReadError> {
    let mut onward: Option<Onward> = None;
    while let Some(record) = records.next().await? {
        let Record::Frame(Frame { header, ciphertext }) = record else {
            // Tombstones are the relay's to make.
            hub.malformed(from);
            return Ok(());
        };
        let ciphertext = Sealed::new(Bytes::from(ciphertext));
        let verdict = match hub.pass(from, &header, &ciphertext) {
            Passed::Judged(verdict) => verdict,
            Passed::Asked { ticket, taken } => {
                let taken = taken.await.is_ok();
                hub.recorded(from, (ticket, taken))
            }
        };
        match verdict {
            Verdict::Forward { to, .. } => {
                let mut prefix = [KIND_FRAME; RECORD_PREFIX];
                prefix[1..].copy_from_slice(&header.encode());
                let mut record = [Bytes::copy_from_slice(&prefix), ciphertext.bytes];
                send(hub, &mut onward, (to, &header), &mut record).await;
            }
            Verdict::Tombstone { to, .. } => {
                let hash = ciphertext.sum.hash;
                let mut record = [Bytes::from(Record::Tombstone { header, hash }.encode())];
                send(hub, &mut onward, (to, &header), &mut record).await;
            }
            Verdict::Discard { .. } => {}
            Verdict::Tampered | Verdict::Refuse | Verdict::Hold | Verdict::Record { .. } => {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The stream on which records go on. Dropped within a record it is cancelled: a stream that merely ended there would
/// look altered.
struct Onward {
    to: ConnectionId,
    stream: RecordSender,
    within: bool,
}

impl Drop for Onward {
    fn drop(&mut self) {
        if self.within {
            self.stream.cancel();
        }
    }
}

/// Sends on the stream to `to`, opening it at first use. If `to` is gone, the record is
/// lost with it: a new epoch will follow.
async fn send(
    hub: &Hub,
    onward: &mut Option<Onward>,
    (to, header): (ConnectionId, &Header),
    record: &mut [Bytes],
) {
    if onward.as_ref().is_none_or(|onward| onward.to != to) {
        *onward = None;
        let Some(connection) = hub.connection(to) else {
            return;
        };
        let Ok(stream) = RecordSender::open(&connection, header.class).await else {
            return;
        };
        *onward = Some(Onward {
            to,
            stream,
            within: false,
        });
    }
    let Some(open) = onward else {
        return;
    };
    open.within = true;
    match open.stream.send_chunks(header, record).await {
        Ok(()) => open.within = false,
        Err(_) => *onward = None,
    }
}

async fn forward_single(
    hub: &Arc<Hub>,
    from: ConnectionId,
    header: Header,
    mut stream: RecvStream,
) {
    // Subscribed before the verdict, so that no cut falls in between.
    let Some(mut cuts) = hub.cuts(from) else {
        return;
    };
    let (to, recording, seen) = loop {
        let seen = *cuts.borrow_and_update();
        let (verdict, recording) = hub.judge(from, &header);
        match verdict {
            Verdict::Forward { to, .. } => break (to, recording, seen),
            // If its sender cancels it meanwhile, the next verdict finds it outdated.
            Verdict::Hold => {
                if cuts.changed().await.is_err() {
                    return;
                }
            }
            Verdict::Refuse
            | Verdict::Discard { .. }
            | Verdict::Tampered
            | Verdict::Tombstone { .. }
            | Verdict::Record { .. } => return stream.refuse(),
        }
    };
    let Some(target) = hub.connection(to) else {
        return stream.refuse();
    };
    let mut kept = Kept::new(hub, recording, header);
    let mut onward = None;
    let outcome = tokio::select! {
        biased;
        () = cut(&mut cuts, header.class, seen) => Outcome::Cut,
        outcome = pipe(&mut stream, &target, &mut kept, &mut onward) => outcome,
    };
    kept.end();
    match outcome {
        Outcome::Delivered => {}
        Outcome::Cut => {
            cancel(onward);
            stream.refuse();
        }
        Outcome::SourceCancelled | Outcome::Lost => cancel(onward),
        Outcome::TargetRefused => stream.refuse(),
        Outcome::WrongLength => {
            cancel(onward);
            hub.malformed(from);
        }
    }
}

/// What of a frame with a stream of its own goes into the recording: all of it once it was sent
/// whole, otherwise how much had come.
struct Kept<'a> {
    hub: &'a Arc<Hub>,
    header: Header,
    place: Option<Place>,
}

struct Place {
    recording: Recording,
    room: Room,
    copying: Copying,
}

impl<'a> Kept<'a> {
    fn new(hub: &'a Arc<Hub>, recording: Option<Recording>, header: Header) -> Self {
        let length = header.length as usize;
        // Without room for it the recorder has failed, and the frame is not recorded.
        let place = recording.and_then(|recording| match recording.recorder.room(length) {
            Ok(room) => Some(Place {
                recording,
                room,
                copying: Copying::new(length),
            }),
            Err(_) => {
                hub.recorder_overflows(&recording);
                None
            }
        });
        Self { hub, header, place }
    }

    fn gather(&mut self, chunk: &Bytes) {
        if let Some(place) = &mut self.place {
            place.copying.push(chunk);
        }
    }

    fn whole(&mut self) {
        let header = self.header;
        self.push(|copying, room| Item::Frame {
            header,
            ciphertext: copying.whole(),
            asked: false,
            room,
        });
    }

    /// If it was not whole before, it will not be any more.
    fn end(&mut self) {
        let header = self.header;
        self.push(|copying, _| Item::Dropped {
            header,
            received: copying.part(),
        });
    }

    fn push(&mut self, item: impl FnOnce(Copying, Room) -> Item) {
        let Some(place) = self.place.take() else {
            return;
        };
        let item = item(place.copying, place.room);
        if place.recording.recorder.push(now_centis(), item).is_err() {
            self.hub.recorder_overflows(&place.recording);
        }
    }
}

enum Outcome {
    /// The target has all of it.
    Delivered,
    Cut,
    SourceCancelled,
    TargetRefused,
    WrongLength,
    Lost,
}

/// A reset by the sender is noticed at the next read. While the target takes nothing it is not
/// looked for: what cancels frames is a change of rights, and that cuts the stream. (Waiting for
/// a reset beside a read leaves a waiting reader behind in quinn.)
async fn pipe(
    stream: &mut RecvStream,
    target: &Connection,
    kept: &mut Kept<'_>,
    onward: &mut Option<SingleSender>,
) -> Outcome {
    let header = kept.header;
    let mut left = header.length as usize;
    // The header goes along with what comes first.
    let mut chunks: [Bytes; CHUNKS] = std::array::from_fn(|_| Bytes::new());
    chunks[0] = Bytes::copy_from_slice(&header.encode());
    let mut from = 1;
    while left > 0 {
        let read = match stream.read_chunks(&mut chunks[from..]).await {
            Ok(Some(read)) => read,
            Ok(None) => return Outcome::WrongLength,
            Err(ReadError::Cancelled) => return Outcome::SourceCancelled,
            Err(_) => return Outcome::Lost,
        };
        let ready = &mut chunks[..from + read];
        for chunk in &ready[from..] {
            let Some(rest) = left.checked_sub(chunk.len()) else {
                return Outcome::WrongLength;
            };
            left = rest;
            kept.gather(chunk);
        }
        if onward.is_none() {
            *onward = SingleSender::open(target, header.class).await.ok();
        }
        let Some(sender) = onward else {
            return Outcome::Lost;
        };
        if let Err(error) = sender.send_chunks(ready).await {
            return Outcome::of_write(&error);
        }
        from = 0;
    }
    let Some(sender) = onward else {
        return Outcome::WrongLength;
    };
    if sender.finish().is_err() {
        return Outcome::Lost;
    }
    // From here on the target may have all of it, whatever it says.
    kept.whole();
    if let Ok(Some(_)) = stream.read_chunk(1).await {
        return Outcome::WrongLength;
    }
    // Until the target has it, a revocation still cancels it.
    match sender.delivered().await {
        Ok(()) => Outcome::Delivered,
        Err(error) => Outcome::of_write(&error),
    }
}

impl Outcome {
    fn of_write(error: &WriteError) -> Self {
        match error {
            WriteError::Refused => Self::TargetRefused,
            WriteError::Lost(_) => Self::Lost,
        }
    }
}

/// Completes when streams of this class are cut.
async fn cut(cuts: &mut watch::Receiver<Cuts>, class: Class, seen: Cuts) {
    let relevant = |cuts: &Cuts| {
        if class.shows_screen() {
            cuts.everything
        } else {
            cuts.beacons
        }
    };
    // Without a sender the connection is gone, and with it the session's rights.
    drop(
        cuts.wait_for(|cuts| relevant(cuts) != relevant(&seen))
            .await,
    );
}

fn cancel(onward: Option<SingleSender>) {
    if let Some(sender) = onward {
        sender.cancel();
    }
}

/// So many packets' worth of a frame go on at once.
const CHUNKS: usize = 16;
