//! One connection to the relay: its streams, and the tasks that read them.
//!
//! ```text
//! connect ─► Connected ── reader tasks ──► events (bounded) ──► engine
//!                └─ message stream, one stream per in-order class ◄── engine
//! ```
//!
//! Every link has a channel of its own, so that nothing of an old link is taken for a new one's.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use fernsicht_protocol::frame::{Class, Frame};
use fernsicht_protocol::messages::{ALPN_CONSOLE, ConsoleToRelay, RelayToConsole};
use fernsicht_protocol::quic::{
    self, ConnectError, Incoming, MessageReceiver, MessageSender, Pin, ReadError, RecordSender,
};
use fernsicht_protocol::unit::Record;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::identity::{Identity, Relay};
use crate::view::Problem;

/// Events that wait for the engine. When it is full, QUIC's flow control holds the relay back.
const MOST_EVENTS: usize = 64;

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
    Single(Frame, Instant),
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
    pub(crate) fn open(relay: Relay, identity: quic::Identity) -> Self {
        let (sender, events) = mpsc::channel(MOST_EVENTS);
        let task = tokio::spawn(run(relay, identity, sender));
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
    endpoint: quinn::Endpoint,
    connection: quinn::Connection,
    messages: MessageSender,
    records: HashMap<Class, RecordSender>,
}

impl Connected {
    /// Says something to the relay.
    pub(crate) async fn say(&mut self, message: &ConsoleToRelay) -> Result<(), String> {
        self.messages.send(message).await.map_err(|e| e.to_string())
    }

    /// Sends a frame on the stream of its class.
    pub(crate) async fn send(&mut self, frame: Frame) -> Result<(), String> {
        let class = frame.header.class;
        let sender = match self.records.entry(class) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => entry.insert(
                RecordSender::open(&self.connection, class)
                    .await
                    .map_err(|e| e.to_string())?,
            ),
        };
        sender
            .send(&Record::Frame(frame))
            .await
            .map_err(|e| e.to_string())
    }

    /// The round trip as QUIC estimates it.
    pub(crate) fn rtt(&self) -> Duration {
        self.connection.rtt()
    }

    /// Delivers what was said, then closes.
    pub(crate) async fn close(self) {
        // A relay that does not take the goodbye finds out by the closed connection.
        drop(tokio::time::timeout(GOODBYE, self.messages.finish()).await);
        self.connection.close(0u32.into(), b"");
        drop(tokio::time::timeout(GOODBYE, self.endpoint.wait_idle()).await);
    }
}

/// Connects and opens the message stream.
pub(crate) async fn connect(
    relay: &Relay,
    identity: Option<&quic::Identity>,
) -> Result<(Connected, MessageReceiver), Problem> {
    let pin = Pin {
        ca: relay.ca,
        relay_name: relay.name.clone(),
    };
    let connected = quic::connect(&relay.address, &pin, ALPN_CONSOLE, identity).await;
    let (endpoint, connection) = connected.map_err(|e| problem(relay, &e))?;
    let (send, receive) = connection
        .open_bi()
        .await
        .map_err(|e| Problem::Link(e.to_string()))?;
    let messages = MessageSender::new(send);
    let connected = Connected {
        endpoint,
        connection,
        messages,
        records: HashMap::new(),
    };
    Ok((connected, MessageReceiver::new(receive)))
}

/// The identity as TLS takes it.
pub(crate) fn tls_identity(identity: &Identity) -> quic::Identity {
    quic::Identity {
        chain: identity.chain.clone(),
        key: identity.key_der.clone(),
    }
}

fn problem(relay: &Relay, error: &ConnectError) -> Problem {
    let (relay, detail) = (relay.address.clone(), error.to_string());
    match error {
        ConnectError::Resolve(_) | ConnectError::NoNetwork(_) | ConnectError::Unreachable => {
            Problem::Unreachable { relay, detail }
        }
        ConnectError::Untrusted | ConnectError::Clock => Problem::WrongRelay { relay, detail },
        ConnectError::Refused(_) => Problem::Unreachable { relay, detail },
        ConnectError::Identity(_) => Problem::Certificate,
    }
}

async fn run(relay: Relay, identity: quic::Identity, events: mpsc::Sender<Event>) {
    let (connected, messages) = match connect(&relay, Some(&identity)).await {
        Ok(made) => made,
        Err(problem) => return give(&events, Event::Failed(problem)).await,
    };
    let connection = connected.connection.clone();
    give(&events, Event::Connected(Box::new(connected))).await;
    let mut tasks = JoinSet::new();
    tasks.spawn(read_messages(messages, events.clone()));
    loop {
        tokio::select! {
            stream = connection.accept_uni() => match stream {
                Ok(stream) => {
                    tasks.spawn(read_stream(stream, events.clone()));
                }
                Err(error) => return give(&events, Event::Lost(lost(&error))).await,
            },
            Some(_) = tasks.join_next() => {}
        }
    }
}

/// What the technician reads when the connection is gone: the relay's own reason, where it gave one.
fn lost(error: &quinn::ConnectionError) -> String {
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

async fn read_stream(stream: quinn::RecvStream, events: mpsc::Sender<Event>) {
    match quic::incoming(stream).await {
        Ok(Incoming::Records(mut records)) => loop {
            match records.next().await {
                Ok(Some(record)) => give(&events, Event::Record(record)).await,
                Ok(None) => return,
                Err(error) => return fail(&events, error).await,
            }
        },
        Ok(Incoming::Single(header, mut stream)) => {
            match quic::read_single(header, &mut stream).await {
                Ok(frame) => give(&events, Event::Single(frame, Instant::now())).await,
                Err(error) => fail(&events, error).await,
            }
        }
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
