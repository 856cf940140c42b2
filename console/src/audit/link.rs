//! The auditor's connection to the relay, with calls that wait.
//!
//! ```text
//! caller ── Request (bounded, one at a time) ──► thread (tokio) ── messages ──► relay
//!        ◄─ answer ────────────────────────────                ◄─ answers, the recording's stream
//! ```
//!
//! The connection stays open for as long as the case: what is revealed or exported is logged by
//! the relay *before* it is shown or written, on the connection that opened the recording.
//! A hand-out is kept in memory and nowhere else.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use fernsicht_protocol::audit::{
    ALPN_AUDITOR, AuditRefusal, AuditorToRelay, HandOut, Keys, MAX_KEYS, Note, RelayToAuditor,
    TechnicianCount,
};
use fernsicht_protocol::crypto::Secret;
use fernsicht_protocol::messages::VERSION;
use fernsicht_protocol::net::{
    self, Connection, MessageReceiver, MessageSender, Pin, ReadError, RecvStream,
};
use fernsicht_protocol::wire::Wire as _;
use tokio::sync::mpsc;

use super::Failure;
use super::identity::Identity;
use crate::identity::Relay;
use crate::session::link::problem;
use crate::view::Problem;

/// The most bytes of a recording that are held in memory. The longest session, four hours of
/// moving pictures, stays far below.
pub const MOST_BYTES: u64 = 2 << 30;

/// How long the relay may take for an answer: it syncs its log before.
const ANSWER: Duration = Duration::from_secs(30);

/// How long a hand-out may stand still.
const STILL: Duration = Duration::from_secs(30);

/// Requests that wait: the caller waits for each answer.
const MOST_REQUESTS: usize = 1;

/// What may be known without a complaint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// Auditors who are enrolled.
    pub auditors: u16,
    /// By technician.
    pub technicians: Vec<TechnicianCount>,
    /// True if there are more technicians.
    pub more: bool,
}

/// A recording as the relay hands it out.
pub struct Handed {
    /// What the relay says of it.
    pub about: HandOut,
    /// The sealed keys, epoch by epoch.
    pub keys: Keys,
    /// The file.
    pub bytes: Vec<u8>,
    /// The relay's time when it was asked, in seconds since 1970 UTC.
    pub relay_now: u64,
}

impl std::fmt::Debug for Handed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handed")
            .field("about", &self.about)
            .finish_non_exhaustive()
    }
}

enum Request {
    Overview(SyncSender<Result<Overview, Failure>>),
    Open(Note, Secret, SyncSender<Result<Box<Handed>, Failure>>),
    Log(AuditorToRelay, SyncSender<Result<(), Failure>>),
}

/// The connection.
#[derive(Debug)]
pub struct Link {
    requests: mpsc::Sender<Request>,
}

impl Link {
    /// Connects as this auditor.
    pub fn connect(identity: &Identity) -> Result<Self, Failure> {
        let relay = identity.relay.clone();
        let tls = net::Identity {
            chain: identity.chain.clone(),
            key: identity.key_der.clone(),
        };
        let (requests, received) = mpsc::channel(MOST_REQUESTS);
        let (report, reported) = sync_channel(1);
        std::thread::Builder::new()
            .name("relay".into())
            .spawn(move || run(&relay, &tls, &report, received))
            .map_err(|e| Failure::Internal(e.to_string()))?;
        reported.recv().unwrap_or_else(|_| Err(gone()))?;
        Ok(Self { requests })
    }

    /// What may be known without a complaint.
    pub fn overview(&self) -> Result<Overview, Failure> {
        self.ask(Request::Overview)
    }

    /// States a complaint and takes the recording.
    pub fn open(&self, case: &Note, open_token: Secret) -> Result<Box<Handed>, Failure> {
        self.ask(|reply| Request::Open(case.clone(), open_token, reply))
    }

    /// Has the relay log that something masked is about to be shown.
    pub fn revealed(&self, case: &Note, what: &str) -> Result<(), Failure> {
        let (case, what) = (case.clone(), note(what));
        self.ask(|reply| Request::Log(AuditorToRelay::Revealed { case, what }, reply))
    }

    /// Has the relay log that something is about to be exported.
    pub fn exported(&self, case: &Note, what: &str) -> Result<(), Failure> {
        let (case, what) = (case.clone(), note(what));
        self.ask(|reply| Request::Log(AuditorToRelay::Exported { case, what }, reply))
    }

    /// Has the relay log that the case is closed.
    pub fn closed(&self, case: &Note) -> Result<(), Failure> {
        let case = case.clone();
        self.ask(|reply| Request::Log(AuditorToRelay::Close { case }, reply))
    }

    fn ask<T>(
        &self,
        request: impl FnOnce(SyncSender<Result<T, Failure>>) -> Request,
    ) -> Result<T, Failure> {
        let (reply, answer) = sync_channel(1);
        self.requests
            .blocking_send(request(reply))
            .map_err(|_| gone())?;
        answer.recv().unwrap_or_else(|_| Err(gone()))
    }
}

/// As much of a description as a note takes.
fn note(what: &str) -> Note {
    let plain: String = what.chars().filter(|c| !c.is_control()).collect();
    let mut end = plain.len().min(NOTE);
    while !plain.is_char_boundary(end) {
        end -= 1;
    }
    Note::new(&plain[..end]).unwrap_or_default()
}

const NOTE: usize = 128;

fn gone() -> Failure {
    Problem::Link("the connection ended".into()).into()
}

fn run(
    relay: &Relay,
    tls: &net::Identity,
    report: &SyncSender<Result<(), Failure>>,
    requests: mpsc::Receiver<Request>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    // Whoever asked has gone where an answer cannot be given.
    match runtime {
        Err(error) => drop(report.send(Err(Failure::Internal(error.to_string())))),
        Ok(runtime) => runtime.block_on(async {
            match Conversation::begin(relay, Some(tls)).await {
                Err(failure) => drop(report.send(Err(failure))),
                Ok(conversation) => {
                    drop(report.send(Ok(())));
                    conversation.serve(requests).await;
                }
            }
        }),
    }
}

/// Messages with the relay, hello exchanged.
pub(crate) struct Conversation {
    connection: Connection,
    sender: MessageSender,
    receiver: MessageReceiver,
    relay_now: u64,
}

impl Conversation {
    pub(crate) async fn begin(relay: &Relay, tls: Option<&net::Identity>) -> Result<Self, Failure> {
        let pin = Pin {
            ca: relay.ca,
            relay_name: relay.name.clone(),
        };
        let connected = net::connect(&relay.address, &pin, ALPN_AUDITOR, tls).await;
        let connection = connected.map_err(|e| problem(relay, &e))?;
        let (sender, receiver) = connection
            .open_messages()
            .await
            .map_err(|e| Problem::Link(e.to_string()))?;
        let mut conversation = Self {
            connection,
            sender,
            receiver,
            relay_now: 0,
        };
        let hello = AuditorToRelay::Hello { version: VERSION };
        let RelayToAuditor::Hello { version, now } = conversation.ask(&hello).await? else {
            return Err(out_of_turn());
        };
        if version != VERSION {
            return Err(Problem::TooOld.into());
        }
        conversation.relay_now = now;
        Ok(conversation)
    }

    pub(crate) async fn ask(
        &mut self,
        message: &AuditorToRelay,
    ) -> Result<RelayToAuditor, Failure> {
        self.sender
            .send(message)
            .await
            .map_err(|e| Problem::Link(e.to_string()))?;
        match tokio::time::timeout(ANSWER, self.receiver.next()).await {
            Ok(Ok(Some(RelayToAuditor::Refused { reason }))) => Err(refusal(reason)),
            Ok(Ok(Some(answer))) => Ok(answer),
            Ok(Ok(None)) => Err(gone()),
            Ok(Err(error)) => Err(unreadable(error)),
            Err(_) => Err(Problem::Link("no answer".into()).into()),
        }
    }

    pub(crate) async fn close(self) {
        self.sender.finish().await;
        self.connection.close(0, b"");
        // Whether the relay has heard the goodbye makes no difference.
        drop(tokio::time::timeout(Duration::from_secs(1), self.connection.drained()).await);
    }

    async fn serve(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some(request) = requests.recv().await {
            // Whoever asked may have gone.
            match request {
                Request::Overview(reply) => drop(reply.send(self.overview().await)),
                Request::Open(case, open_token, reply) => {
                    drop(reply.send(self.open(case, &open_token).await.map(Box::new)));
                }
                Request::Log(message, reply) => drop(reply.send(self.log(&message).await)),
            }
        }
        self.close().await;
    }

    async fn overview(&mut self) -> Result<Overview, Failure> {
        let RelayToAuditor::Overview {
            auditors,
            technicians,
            more,
        } = self.ask(&AuditorToRelay::Overview).await?
        else {
            return Err(out_of_turn());
        };
        Ok(Overview {
            auditors,
            technicians: technicians.0,
            more,
        })
    }

    async fn open(&mut self, case: Note, open_token: &Secret) -> Result<Handed, Failure> {
        let message = AuditorToRelay::Open {
            case,
            open_token: **open_token,
        };
        let RelayToAuditor::Handed { recording: about } = self.ask(&message).await? else {
            return Err(out_of_turn());
        };
        if about.length > MOST_BYTES {
            return Err(Failure::TooLarge {
                length: about.length,
                cap: MOST_BYTES,
            });
        }
        let keys_length = usize::try_from(about.keys_length).unwrap_or(usize::MAX);
        if keys_length > MAX_KEYS {
            return Err(answer("sealed keys beyond their cap"));
        }
        let mut stream = tokio::time::timeout(STILL, self.connection.accept_uni())
            .await
            .map_err(|_| gone())?
            .map_err(|e| Problem::Link(e.to_string()))?;
        let keys = read(&mut stream, keys_length as u64).await?;
        let bytes = read(&mut stream, about.length).await?;
        let keys = Keys::from_bytes(&keys).map_err(|e| answer(&e.to_string()))?;
        Ok(Handed {
            about,
            keys,
            bytes,
            relay_now: self.relay_now,
        })
    }

    async fn log(&mut self, message: &AuditorToRelay) -> Result<(), Failure> {
        match self.ask(message).await? == RelayToAuditor::Logged {
            true => Ok(()),
            false => Err(out_of_turn()),
        }
    }
}

/// Exactly `length` bytes. Memory grows with what arrives.
async fn read(stream: &mut RecvStream, length: u64) -> Result<Vec<u8>, Failure> {
    let length = usize::try_from(length).map_err(|_| answer("a length beyond memory"))?;
    let mut bytes = Vec::new();
    while bytes.len() < length {
        let most = (length - bytes.len()).min(CHUNK);
        let chunk = tokio::time::timeout(STILL, stream.read_chunk(most))
            .await
            .map_err(|_| gone())?
            .map_err(|e| Problem::Link(e.to_string()))?
            .ok_or_else(|| answer("the recording ended too early"))?;
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

const CHUNK: usize = 1 << 20;

fn refusal(reason: AuditRefusal) -> Failure {
    match reason {
        AuditRefusal::Token => Problem::TokenRefused.into(),
        AuditRefusal::Revoked => Problem::Revoked.into(),
        AuditRefusal::TooOld => Problem::TooOld.into(),
        AuditRefusal::TooManyTries { minutes } => Problem::TooManyTries { minutes }.into(),
        AuditRefusal::NoRecording
        | AuditRefusal::Unexpected
        | AuditRefusal::Deleted { .. }
        | AuditRefusal::Running
        | AuditRefusal::Fault => Failure::Refused(reason),
    }
}

fn unreadable(error: ReadError) -> Failure {
    match error {
        ReadError::Malformed(_) | ReadError::Truncated => answer(&error.to_string()),
        ReadError::Cancelled | ReadError::Lost(_) => Problem::Link(error.to_string()).into(),
    }
}

fn answer(detail: &str) -> Failure {
    Problem::RelayAnswer(detail.to_owned()).into()
}

pub(crate) fn out_of_turn() -> Failure {
    answer("a message out of turn")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_cut_where_a_character_ends() {
        assert_eq!(note("keys 1–3\n").as_str(), "keys 1–3");
        let long = "ä".repeat(100);
        assert_eq!(note(&long).as_str().len(), 128);
        assert_eq!(note(&format!("x{long}")).as_str().len(), 127);
    }
}
