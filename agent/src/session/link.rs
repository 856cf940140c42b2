//! One connection to the relay: what leaves goes to its stream, what comes is handed to
//! the core.
//!
//! ```text
//! Outgoing::Message ─► the message stream      Record ─► the stream of its class
//! Outgoing::Single ──► a stream of its own, cancelled when frames are
//! ```
//!
//! The runtime has one thread: tasks run in the order in which they were woken. A
//! cancellation wakes the streams' tasks before the rights frame wakes the sender, so the
//! cancellations stand in the same packets as the rights frame or before it.

use std::sync::Arc;
use std::time::Instant;

use fernsicht_protocol::content::{ConsoleNotice, Input, PeerHeads, PictureAck};
use fernsicht_protocol::epoch;
use fernsicht_protocol::frame::{Class, Frame};
use fernsicht_protocol::messages::{AgentToRelay, End};
use fernsicht_protocol::net::{
    self, Connection, Incoming, MessageSender, RecordSender, RecvStream, SingleSender,
};
use fernsicht_protocol::transfer;
use fernsicht_protocol::unit::Record;
use fernsicht_protocol::wire::Wire;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::core::{Core, INPUT, Outgoing, Queued, Shared};
use super::pointing::Pointed;

/// How long the relay may take for what was said before the end.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_secs(1);

/// Records of one class that wait for its stream. A queue this long means that the relay
/// does not read.
const RECORDS: usize = 256;

/// Sends until [`Outgoing::Close`] or the connection ends. Each stream has a task of its own: a
/// peer that does not read one class holds up no other.
pub(super) async fn send(
    connection: Connection,
    mut messages: MessageSender,
    mut outgoing: mpsc::Receiver<Outgoing>,
    cancels: watch::Receiver<u64>,
) {
    let mut tasks = JoinSet::new();
    let mut classes: [Option<mpsc::Sender<Record>>; 6] = Default::default();
    while let Some(unit) = outgoing.recv().await {
        let sent = match unit {
            Outgoing::Message(message) => {
                if matches!(message, AgentToRelay::End { .. }) {
                    // What was said before the end is recorded before it.
                    classes = Default::default();
                    let said = async { while tasks.join_next().await.is_some() {} };
                    drop(tokio::time::timeout(LAST_WORDS, said).await);
                }
                messages.send(&message).await.is_ok()
            }
            Outgoing::Record(record) => {
                let class = record.header().class;
                if class == Class::Rights {
                    // The tasks of cancelled frames were woken before: let them reset first.
                    tokio::task::yield_now().await;
                }
                let queue = classes[class as usize].get_or_insert_with(|| {
                    let (queue, records) = mpsc::channel(RECORDS);
                    tasks.spawn(send_records(connection.clone(), class, records));
                    queue
                });
                queue.try_send(record).is_ok()
            }
            Outgoing::Single {
                frame,
                cancels: at,
                flight,
            } => {
                let (connection, cancels) = (connection.clone(), cancels.clone());
                tasks.spawn(async move {
                    send_single(connection, frame, at, cancels).await;
                    drop(flight);
                });
                true
            }
            Outgoing::Close => break,
        };
        while tasks.try_join_next().is_some() {}
        if !sent {
            return connection.close(0, b"");
        }
    }
    // The relay closes once it has told the console; a relay that does not is not waited for.
    drop(classes);
    let delivered = async {
        while tasks.join_next().await.is_some() {}
        messages.finish().await;
        connection.closed().await;
    };
    drop(tokio::time::timeout(std::time::Duration::from_secs(2), delivered).await);
    connection.close(0, b"");
}

/// Sends the records of one class until their queue ends, then waits until the relay has them.
async fn send_records(connection: Connection, class: Class, mut records: mpsc::Receiver<Record>) {
    let Ok(mut stream) = RecordSender::open(&connection, class).await else {
        return;
    };
    while let Some(record) = records.recv().await {
        if stream.send(&record).await.is_err() {
            return;
        }
    }
    stream.finish().await;
}

/// Sends one frame unless it was cancelled meanwhile; then its stream is cancelled, also while
/// what was sent has not arrived yet.
async fn send_single(
    connection: Connection,
    frame: Frame,
    at: u64,
    mut cancels: watch::Receiver<u64>,
) {
    let opened = tokio::select! {
        biased;
        _ = cancels.wait_for(|count| *count > at) => return,
        opened = SingleSender::open(&connection, frame.header.class) => opened,
    };
    let Ok(mut stream) = opened else { return };
    let sent = async {
        if stream.send(frame).await.is_ok() {
            // Whether it has arrived or nobody wants it: nothing is left to cancel.
            drop(stream.delivered().await);
        }
    };
    let cancelled = tokio::select! {
        biased;
        _ = cancels.wait_for(|count| *count > at) => true,
        () = sent => false,
    };
    if cancelled {
        stream.cancel();
    }
}

/// Takes the relay's streams until the connection ends. The streams' tasks end with it.
pub(super) async fn receive(shared: Arc<Shared>, connection: Connection) {
    let mut tasks = JoinSet::new();
    while let Ok(stream) = connection.accept_uni().await {
        while tasks.try_join_next().is_some() {}
        tasks.spawn(receive_stream(shared.clone(), stream));
    }
}

async fn receive_stream(shared: Arc<Shared>, stream: RecvStream) {
    let mut records = match net::incoming(stream).await {
        Ok(Incoming::Records(records)) => records,
        // The console sends nothing but in-order classes.
        Ok(Incoming::Single(..)) | Err(net::ReadError::Malformed(_)) => return tampered(&shared),
        Ok(Incoming::Copy)
        | Err(net::ReadError::Lost(_) | net::ReadError::Cancelled | net::ReadError::Truncated) => {
            return;
        }
    };
    loop {
        match records.next().await {
            Ok(Some(record)) => {
                let class = record.header().class;
                handle_record(&shared, record);
                if class == Class::Input {
                    wait_for_room(&shared).await;
                }
            }
            Ok(None) | Err(net::ReadError::Lost(_) | net::ReadError::Cancelled) => return,
            Err(net::ReadError::Malformed(_) | net::ReadError::Truncated) => {
                return tampered(&shared);
            }
        }
    }
}

/// Does not read more input than the injector can take.
async fn wait_for_room(shared: &Shared) {
    loop {
        let room = shared.room.notified();
        if shared.lock().input.len() < INPUT {
            return;
        }
        room.await;
    }
}

/// A record of an in-order stream has come.
pub(super) fn handle_record(shared: &Shared, record: Record) {
    let class = record.header().class;
    let mut core = shared.lock();
    take_record(&mut core, record);
    match class {
        Class::Acks => shared.settle_for_pictures(&mut core),
        Class::Rights
        | Class::Input
        | Class::Heads
        | Class::Notices
        | Class::Transfer
        | Class::Beacon
        | Class::Pointer
        | Class::Picture
        | Class::Refinement => shared.settle(&mut core),
    }
}

fn take_record(core: &mut Core, record: Record) {
    let header = *record.header();
    let recording = core.recording.as_ref();
    let digest = recording.and_then(|recording| recording.digest(&record));
    let opened = match core.keys.as_mut().map(|keys| keys.open(record)) {
        Some(Ok(opened)) => opened,
        None => return,
        Some(Err(
            epoch::Error::Altered
            | epoch::Error::Foreign
            | epoch::Error::Number
            | epoch::Error::Padding,
        )) => {
            return core.guard.handle_end(Instant::now(), End::Tampered);
        }
    };
    if let Some(digest) = digest {
        core.note(&header, &digest);
    }
    let Some(content) = opened else {
        if header.class == Class::Input && digest.is_some() {
            // Withheld by the relay: decided as never injected.
            core.input.push_back(Queued {
                header,
                input: None,
                releases: core.releases,
            });
        }
        return;
    };
    if handle_content(core, header, &content).is_none() {
        core.guard.handle_end(Instant::now(), End::Tampered);
    }
}

/// None if the content does not fit its class.
fn handle_content(
    core: &mut Core,
    header: fernsicht_protocol::frame::Header,
    content: &[u8],
) -> Option<()> {
    match header.class {
        Class::Input => core.input.push_back(Queued {
            header,
            input: Some(Input::from_bytes(content).ok()?),
            releases: core.releases,
        }),
        Class::Acks => {
            core.acknowledged = Some((PictureAck::from_bytes(content).ok()?, Instant::now()));
        }
        Class::Notices => match ConsoleNotice::from_bytes(content).ok()? {
            ConsoleNotice::PictureWanted => core.wanted = true,
            ConsoleNotice::RecordingMismatch => core.handle_their_mismatch(),
            // The newest counts: whether it is shown, the guard says when it would be.
            ConsoleNotice::Point { x, y, press } => {
                core.pointed = Some(Pointed {
                    header,
                    x,
                    y,
                    press,
                });
            }
            ConsoleNotice::Chat { chat } => core.handle_chat(Instant::now(), &chat),
        },
        Class::Heads => core.handle_heads(PeerHeads::from_bytes(content).ok()?)?,
        Class::Transfer => {
            let message = transfer::Message::from_bytes(content).ok()?;
            core.handle_transfer(Instant::now(), message);
        }
        Class::Rights | Class::Beacon | Class::Pointer | Class::Picture | Class::Refinement => {
            return None;
        }
    }
    Some(())
}

fn tampered(shared: &Shared) {
    shared.change(|core| core.guard.handle_end(Instant::now(), End::Tampered));
}
