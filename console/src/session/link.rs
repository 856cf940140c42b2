//! One connection to the relay: its streams, and the tasks that read them.
//!
//! ```text
//! connect ─► Connected ── reader tasks ──► events (bounded) ──► engine
//!                └─ message stream, one stream per in-order class ◄── writer tasks (bounded) ◄── engine
//! ```
//!
//! The engine never waits for the relay: what a stream does not take waits in its writer's queue,
//! and a queue that is full ends the link. Input asks for room before it is sealed.
//!
//! Every link has a channel of its own, so that nothing of an old link is taken for a new one's.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use fernsicht_protocol::frame::{Class, Frame};
use fernsicht_protocol::messages::{ALPN_CONSOLE, ConsoleToRelay, End, RelayToConsole};
use fernsicht_protocol::net::{
    self, ConnectError, Connection, Incoming, Lost, MessageReceiver, MessageSender, Pin, ReadError,
    RecordSender, RecvStream, Transport,
};
use fernsicht_protocol::unit::Record;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinSet;

use super::budget::{Arriving, Budget, Share};
use crate::identity::{Identity, Relay};
use crate::view::Problem;

/// Events that wait for the engine. When it is full, flow control holds the relay back.
const MOST_EVENTS: usize = 64;

/// Messages, or frames of one class, that wait for their stream. The agent sends no more pictures
/// than are acknowledged within a round trip, so acknowledgements stay far below.
const MOST_WRITES: usize = 256;

/// How long the last frames may take before the goodbye.
const LAST_FRAMES: Duration = Duration::from_millis(500);

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// What a link brings.
#[derive(Debug)]
pub(crate) enum Event {
    /// It stands.
    Connected(Box<Connected>),
    /// It could not be made.
    Failed(Problem),
    /// The relay says something.
    Message(RelayToConsole),
    /// A record of an in-order stream.
    Record(Record),
    /// A frame on a stream of its own, complete.
    Single {
        frame: Frame,
        /// When it was complete.
        received: Instant,
        /// To be held until the frame is handled.
        share: Share,
    },
    /// It is gone.
    Lost(String),
    /// The relay sent what cannot be read.
    Malformed(String),
}

/// A link in the making or made.
#[derive(Debug)]
pub(crate) struct Link {
    events: mpsc::Receiver<Event>,
    task: tokio::task::JoinHandle<()>,
}

impl Link {
    /// Begins to connect.
    pub(crate) fn open(relay: Relay, identity: net::Identity, arriving: Arriving) -> Self {
        let (sender, events) = mpsc::channel(MOST_EVENTS);
        let task = tokio::spawn(run(relay, identity, arriving, sender));
        Self { events, task }
    }

    /// The next event. Not lost if the future is dropped.
    pub(crate) async fn next(&mut self) -> Event {
        self.events
            .recv()
            .await
            .unwrap_or_else(|| Event::Lost("the connection ended".into()))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The sending side of a link that stands.
#[derive(Debug)]
pub(crate) struct Connected {
    connection: Connection,
    messages: mpsc::Sender<ConsoleToRelay>,
    /// Writes the messages; ends when all are delivered.
    speaker: JoinSet<()>,
    records: HashMap<Class, mpsc::Sender<Record>>,
    writers: JoinSet<()>,
}

impl Connected {
    fn new(connection: Connection, sender: MessageSender) -> Self {
        let (messages, queued) = mpsc::channel(MOST_WRITES);
        let mut speaker = JoinSet::new();
        speaker.spawn(write_messages(sender, queued));
        Self {
            connection,
            messages,
            speaker,
            records: HashMap::new(),
            writers: JoinSet::new(),
        }
    }

    /// Says something to the relay. Errors: the stream is gone, or the relay does not read.
    pub(crate) fn say(&mut self, message: ConsoleToRelay) -> Result<(), String> {
        self.messages.try_send(message).map_err(|e| unsent(&e))
    }

    /// Sends a frame on the stream of its class. Errors as for [`Self::say`].
    pub(crate) fn send(&mut self, frame: Frame) -> Result<(), String> {
        let class = frame.header.class;
        let (connection, writers) = (&self.connection, &mut self.writers);
        let queue = self.records.entry(class).or_insert_with(|| {
            let (queue, queued) = mpsc::channel(MOST_WRITES);
            writers.spawn(write_records(connection.clone(), class, queued));
            queue
        });
        queue.try_send(Record::Frame(frame)).map_err(|e| unsent(&e))
    }

    /// How many frames of `class` can be sent now.
    pub(crate) fn room(&self, class: Class) -> usize {
        self.records
            .get(&class)
            .map_or(MOST_WRITES, mpsc::Sender::capacity)
    }

    /// The round trip, as far as it is known.
    pub(crate) fn rtt(&self) -> Option<Duration> {
        self.connection.rtt()
    }

    /// What carries it.
    pub(crate) fn transport(&self) -> Transport {
        self.connection.transport()
    }

    /// Delivers what was sent, says why the session is over, then closes.
    pub(crate) async fn close(self, reason: Option<End>) {
        let Self {
            connection,
            messages,
            mut speaker,
            records,
            mut writers,
        } = self;
        drop(records);
        if let Some(reason) = reason {
            let delivered = async { while writers.join_next().await.is_some() {} };
            // Frames that the relay does not take must not keep the session from ending.
            drop(tokio::time::timeout(LAST_FRAMES, delivered).await);
            // Where the queue is full the closed connection says it.
            drop(messages.try_send(ConsoleToRelay::End { reason }));
        }
        drop(messages);
        // A relay that does not take the goodbye finds out by the closed connection.
        drop(tokio::time::timeout(GOODBYE, speaker.join_next()).await);
        connection.close(0, b"");
        drop(tokio::time::timeout(GOODBYE, connection.drained()).await);
    }
}

fn unsent<T>(error: &TrySendError<T>) -> String {
    match error {
        TrySendError::Full(_) => "the relay takes nothing any more".into(),
        TrySendError::Closed(_) => "the connection ended".into(),
    }
}

async fn write_messages(mut sender: MessageSender, mut queued: mpsc::Receiver<ConsoleToRelay>) {
    while let Some(message) = queued.recv().await {
        // The closed queue tells the engine.
        if sender.send(&message).await.is_err() {
            return;
        }
    }
    sender.finish().await;
}

async fn write_records(connection: Connection, class: Class, mut queued: mpsc::Receiver<Record>) {
    let Ok(mut sender) = RecordSender::open(&connection, class).await else {
        return;
    };
    while let Some(record) = queued.recv().await {
        // As above.
        if sender.send(&record).await.is_err() {
            return;
        }
    }
    sender.finish().await;
}

/// Connects and opens the message stream.
pub(crate) async fn connect(
    relay: &Relay,
    identity: Option<&net::Identity>,
) -> Result<(Connected, MessageReceiver), Problem> {
    let pin = Pin {
        ca: relay.ca,
        relay_name: relay.name.clone(),
    };
    let connected = net::connect(&relay.address, &pin, ALPN_CONSOLE, identity).await;
    let connection = connected.map_err(|e| problem(relay, &e))?;
    let transport = connection.transport();
    tracing::info!(%transport, "connected to the relay");
    let (sender, receiver) = connection
        .open_messages()
        .await
        .map_err(|e| Problem::Link(e.to_string()))?;
    Ok((Connected::new(connection, sender), receiver))
}

/// The identity as TLS takes it.
pub(crate) fn tls_identity(identity: &Identity) -> net::Identity {
    net::Identity {
        chain: identity.chain.clone(),
        key: identity.key_der.clone(),
    }
}

/// What a failed connection means.
pub(crate) fn problem(relay: &Relay, error: &ConnectError) -> Problem {
    let (relay, detail) = (relay.address.clone(), error.to_string());
    match error {
        ConnectError::Resolve(_) | ConnectError::NoNetwork(_) | ConnectError::Unreachable => {
            Problem::Unreachable { relay, detail }
        }
        ConnectError::Untrusted | ConnectError::Clock => Problem::WrongRelay { relay, detail },
        ConnectError::Full | ConnectError::Refused(_) => Problem::Unreachable { relay, detail },
        ConnectError::Identity(_) => Problem::Certificate,
    }
}

async fn run(
    relay: Relay,
    identity: net::Identity,
    arriving: Arriving,
    events: mpsc::Sender<Event>,
) {
    let (connected, messages) = match connect(&relay, Some(&identity)).await {
        Ok(made) => made,
        Err(problem) => return give(&events, Event::Failed(problem)).await,
    };
    let connection = connected.connection.clone();
    give(&events, Event::Connected(Box::new(connected))).await;
    let budget = Budget::new(arriving);
    let mut tasks = JoinSet::new();
    tasks.spawn(read_messages(messages, events.clone()));
    loop {
        tokio::select! {
            stream = connection.accept_uni() => match stream {
                Ok(stream) => {
                    tasks.spawn(read_stream(stream, budget.clone(), events.clone()));
                }
                Err(error) => return give(&events, Event::Lost(lost(&error))).await,
            },
            Some(_) = tasks.join_next() => {}
        }
    }
}

/// What the technician reads when the connection is gone: the relay's own reason, where it gave one.
fn lost(error: &Lost) -> String {
    error.to_string()
}

async fn read_messages(mut messages: MessageReceiver, events: mpsc::Sender<Event>) {
    loop {
        match messages.next::<RelayToConsole>().await {
            Ok(Some(message)) => give(&events, Event::Message(message)).await,
            Ok(None) => {
                return give(
                    &events,
                    Event::Lost("the relay ended the connection".into()),
                )
                .await;
            }
            Err(error) => return fail(&events, error).await,
        }
    }
}

async fn read_stream(stream: RecvStream, budget: Budget, events: mpsc::Sender<Event>) {
    match net::incoming(stream).await {
        Ok(Incoming::Records(mut records)) => loop {
            match records.next().await {
                Ok(Some(record)) => give(&events, Event::Record(record)).await,
                Ok(None) => return,
                Err(error) => return fail(&events, error).await,
            }
        },
        Ok(Incoming::Single(header, mut stream)) => {
            let share = budget.take(&header).await;
            match net::read_single(header, &mut stream).await {
                Ok(frame) => {
                    let received = Instant::now();
                    let single = Event::Single {
                        frame,
                        received,
                        share,
                    };
                    give(&events, single).await;
                }
                Err(error) => fail(&events, error).await,
            }
        }
        Ok(Incoming::Copy) => {}
        Err(error) => fail(&events, error).await,
    }
}

async fn fail(events: &mpsc::Sender<Event>, error: ReadError) {
    match error {
        // A revoked picture, or the connection's end, which its own task reports.
        ReadError::Cancelled | ReadError::Lost(_) => {}
        ReadError::Malformed(_) | ReadError::Truncated => {
            give(events, Event::Malformed(error.to_string())).await;
        }
    }
}

async fn give(events: &mpsc::Sender<Event>, event: Event) {
    // The engine has dropped the link: nobody wants to know any more.
    drop(events.send(event).await);
}
