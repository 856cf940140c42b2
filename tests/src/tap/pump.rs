//! Moves the bytes of one connection's streams, and tells the log what they were.

use std::sync::Arc;
use std::time::Duration;

use fernsicht_protocol::frame::{HEADER_BYTES, Header};
use fernsicht_protocol::unit::{
    Assembler, COPY_PREFIX, KIND_COPY, KIND_FRAME, KIND_TOMBSTONE, Record,
};
use quinn::{Connection, ConnectionError, RecvStream, SendStream, VarInt};

use tokio::time::Instant;

use super::log::{Ending, Leg, Log, Way};

/// Bytes taken from a stream at a time.
const CHUNK: usize = 64 << 10;

/// Closes one side as the other was closed.
pub(super) fn close(other: &Connection, reason: &ConnectionError) {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "every other end is told as plain loss"
    )]
    match reason {
        ConnectionError::ApplicationClosed(closed) => {
            other.close(closed.error_code, &closed.reason)
        }
        _ => other.close(0u32.into(), b""),
    }
}

/// The one bidirectional stream, both ways.
pub(super) async fn messages(agent: &Connection, relay: &Connection) {
    let Ok((to_agent, from_agent)) = agent.accept_bi().await else {
        return;
    };
    let Ok((to_relay, from_relay)) = relay.open_bi().await else {
        return;
    };
    for stream in [&to_agent, &to_relay] {
        stream.set_priority(MESSAGES).ok();
    }
    tokio::join!(
        pass(from_agent, to_relay, None, |_| None),
        pass(from_relay, to_agent, None, |_| None)
    );
}

/// All unidirectional streams of one direction.
pub(super) async fn frames(
    from: &Connection,
    to: &Connection,
    id: u64,
    leg: Leg,
    pace: Option<u32>,
    log: &Arc<Log>,
) {
    while let Ok(stream) = from.accept_uni().await {
        tokio::spawn(frame_stream(
            stream,
            to.clone(),
            id,
            leg,
            pace,
            Arc::clone(log),
        ));
    }
}

async fn frame_stream(
    from: RecvStream,
    to: Connection,
    id: u64,
    leg: Leg,
    pace: Option<u32>,
    log: Arc<Log>,
) {
    let Ok(onward) = to.open_uni().await else {
        return;
    };
    let mut reader = Reader::New { head: Vec::new() };
    let mut open = None;
    let ending = pass(from, onward, pace, |bytes| {
        let mut priority = None;
        reader.push(bytes, |header, unit, way| {
            priority = Some(header.class.priority());
            let tombstone = matches!(unit, Unit::Record { tombstone: true });
            let entry = log.passed((id, leg), *header, tombstone, way);
            if matches!(unit, Unit::Single) {
                open = entry;
            }
        });
        priority
    })
    .await;
    match open {
        Some(entry) => log.ended(entry, ending),
        None if ending == Ending::Reset => log.reset_unread(leg),
        None => {}
    }
}

/// What a header belongs to.
enum Unit {
    Record { tombstone: bool },
    Single,
}

/// Reads the headers out of the bytes of one unidirectional stream.
enum Reader {
    New {
        head: Vec<u8>,
    },
    Records(Assembler, Way),
    /// A single frame whose header has been read, or a stream that cannot be read.
    Done,
}

impl Reader {
    fn push(&mut self, bytes: &[u8], mut seen: impl FnMut(&Header, Unit, Way)) {
        if let Self::New { head } = self {
            head.extend_from_slice(bytes);
            match head.first() {
                Some(&(KIND_FRAME | KIND_TOMBSTONE)) => {
                    let head = std::mem::take(head);
                    *self = Self::Records(Assembler::default(), Way::Own);
                    return self.push(&head, seen);
                }
                // Copies begin with a record here: the programs' do.
                Some(&KIND_COPY) => {
                    if let Some((_, records)) = head.split_at_checked(COPY_PREFIX) {
                        let records = records.to_vec();
                        *self = Self::Records(Assembler::default(), Way::Copy);
                        self.push(&records, seen);
                    }
                }
                Some(_) if head.len() >= HEADER_BYTES => {
                    let header = head.first_chunk().map(Header::decode);
                    if let Some(Ok(header)) = header {
                        seen(&header, Unit::Single, Way::Own);
                    }
                    *self = Self::Done;
                }
                Some(_) | None => {}
            }
            return;
        }
        if let Self::Records(assembler, way) = self {
            assembler.push(bytes);
            while let Ok(Some(record)) = assembler.next_record() {
                let tombstone = matches!(record, Record::Tombstone { .. });
                seen(record.header(), Unit::Record { tombstone }, *way);
            }
        }
    }
}

/// Forwards a stream to its end, whichever it is. `look` sees all bytes and may set the priority.
///
/// It reads ahead of what the other side takes, so that a reset is seen even while that side
/// takes nothing.
async fn pass(
    mut from: RecvStream,
    mut to: SendStream,
    pace: Option<u32>,
    mut look: impl FnMut(&[u8]) -> Option<i32>,
) -> Ending {
    let refused = to.stopped();
    tokio::pin!(refused);
    let mut ahead = Vec::new();
    let mut complete = false;
    let rest = tokio::time::sleep(Duration::ZERO);
    tokio::pin!(rest);
    while !(complete && ahead.is_empty()) {
        let room = ahead.len() < AHEAD;
        tokio::select! {
            // Without a pace the rest is over before it begins.
            chunk = async { rest.as_mut().await; from.read_chunk(CHUNK, true).await }, if room && !complete => match chunk {
                Ok(Some(chunk)) => {
                    if pace.is_some() {
                        rest.as_mut().reset(Instant::now() + time_of(chunk.bytes.len(), pace));
                    }
                    if let Some(priority) = look(&chunk.bytes) {
                        to.set_priority(priority).ok();
                    }
                    ahead.extend_from_slice(&chunk.bytes);
                }
                Ok(None) => complete = true,
                Err(error) => {
                    let (code, ending) = cancelled(&error);
                    to.reset(code).ok();
                    return ending;
                }
            },
            written = to.write(&ahead), if !ahead.is_empty() => match written {
                Ok(written) => drop(ahead.drain(..written)),
                Err(_) => {
                    from.stop(VarInt::from_u32(0)).ok();
                    return Ending::Refused;
                }
            },
            code = &mut refused => {
                let code = code.ok().flatten().unwrap_or(VarInt::from_u32(0));
                let own = tokio::time::timeout(OWN_RESET, async {
                    rest.await;
                    own_end(&mut from, pace).await
                });
                return own.await.unwrap_or_else(|_| {
                    from.stop(code).ok();
                    Ending::Refused
                });
            }
        }
    }
    to.finish().ok();
    Ending::Complete
}

/// Reads on what nobody takes any more, at the same pace, to its end.
async fn own_end(from: &mut RecvStream, pace: Option<u32>) -> Ending {
    loop {
        match from.read_chunk(CHUNK, true).await {
            Ok(Some(chunk)) => tokio::time::sleep(time_of(chunk.bytes.len(), pace)).await,
            Ok(None) => return Ending::Complete,
            Err(error) => return cancelled(&error).1,
        }
    }
}

/// How long so many bytes take.
fn time_of(bytes: usize, pace: Option<u32>) -> Duration {
    pace.map_or(Duration::ZERO, |pace| {
        Duration::from_secs_f64(bytes as f64 / f64::from(pace))
    })
}

/// How a stream that cannot be read on is ended onward, and what that is called.
fn cancelled(error: &quinn::ReadError) -> (VarInt, Ending) {
    match error {
        quinn::ReadError::Reset(code) => (*code, Ending::Reset),
        quinn::ReadError::ConnectionLost(_)
        | quinn::ReadError::ClosedStream
        | quinn::ReadError::IllegalOrderedRead
        | quinn::ReadError::ZeroRttRejected => (VarInt::from_u32(0), Ending::Lost),
    }
}

/// The relay refuses what a revocation overtook. How long the agent has to cancel it by itself
/// before it is told so: that it does is what the log is asked for.
const OWN_RESET: Duration = Duration::from_millis(300);

/// How far ahead of the other side is read: a whole frame of any size that occurs.
const AHEAD: usize = 4 << 20;

/// Messages go first, as at the ends.
const MESSAGES: i32 = 9;
