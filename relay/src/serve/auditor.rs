//! An auditor's connection: enrolment, and one recording at a time against an entry in the access log.
//!
//! ```text
//! Hello ─► Enrol (without a certificate, once)
//!       ─► Overview │ Open ─► log: complaint, hand-out; synced ─► Handed ─► keys and file on a stream
//!                   │ Revealed, Exported, Close ─► log ─► Logged
//! ```
//!
//! Nothing of a recording leaves before its entries are on the disk. A certificate is looked up before
//! each answer and once a second: whom the operator has revoked is out.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fernsicht_protocol::audit::{
    AuditRefusal, AuditorToRelay, EpochKeys, HandOut, Keys, MAX_KEYS, Note, RelayToAuditor,
    TechnicianCount,
};
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::messages::VERSION;
use fernsicht_protocol::net::{
    self, Connection, Lost, MessageReceiver, MessageSender, ReadError, WriteError,
};
use fernsicht_protocol::router::Network;
use fernsicht_protocol::wire::{Blob, List, Text, Wire};
use fernsicht_recordings::store::{self, Event, Reading, Recording, State, Store, hex};

use super::admission::Place;
use super::care::Care;
use super::hub::{Hub, lock};
use crate::cli::unix_now;
use crate::register::AuditorStanding;

/// Serves an auditor until the connection ends. `serial` is that of the certificate that was shown.
pub(super) async fn run(
    hub: Arc<Hub>,
    (connection, place): (Connection, &Place),
    serial: Option<Vec<u8>>,
    (mut sender, mut receiver): (MessageSender, MessageReceiver),
) {
    let mut desk = Desk {
        hub,
        connection: connection.clone(),
        serial,
        greeted: false,
        cases: HashMap::new(),
    };
    let since = Instant::now();
    loop {
        let look = tokio::time::sleep(LOOK_EVERY);
        let message = tokio::select! {
            message = receiver.next::<AuditorToRelay>() => message,
            () = look => {
                if desk.idle(since.elapsed()) {
                    break;
                }
                if desk.revoked().await {
                    drop(sender.send(&refused(AuditRefusal::Revoked)).await);
                    break;
                }
                continue;
            }
        };
        let message = match message {
            Ok(Some(message)) => message,
            Ok(None) | Err(ReadError::Lost(_)) => return,
            Err(ReadError::Malformed(_) | ReadError::Truncated | ReadError::Cancelled) => {
                drop(sender.send(&refused(AuditRefusal::Unexpected)).await);
                break;
            }
        };
        let answer = match desk.answer(message).await {
            Ok(answer) => answer,
            Err(reason) => Answer::Last(refused(reason)),
        };
        if desk.greeted && desk.serial.is_some() {
            place.keep();
        }
        let (message, stream, last) = match answer {
            Answer::Message(message) => (message, None, false),
            Answer::Recording(message, keys, reading) => (message, Some((keys, reading)), false),
            Answer::Last(message) => (message, None, true),
        };
        let sending = tokio::time::timeout(net::IDLE_TIMEOUT, sender.send(&message));
        if !matches!(sending.await, Ok(Ok(()))) {
            break;
        }
        if let Some((keys, reading)) = stream
            && let Err(error) = hand_out(&connection, keys, reading).await
        {
            tracing::error!(%error, "a hand-out was not completed");
        }
        if last {
            break;
        }
    }
    if tokio::time::timeout(DELIVER_WITHIN, sender.finish())
        .await
        .is_err()
    {
        tracing::debug!("the last message was not taken");
    }
    connection.close(0, b"");
}

enum Answer {
    Message(RelayToAuditor),
    /// The recording follows on a stream.
    Recording(RelayToAuditor, Vec<u8>, Reading),
    /// The connection ends.
    Last(RelayToAuditor),
}

struct Desk {
    hub: Arc<Hub>,
    connection: Connection,
    serial: Option<Vec<u8>>,
    greeted: bool,
    /// Recordings that were opened here, by case: H(L) in hexadecimal.
    cases: HashMap<String, String>,
}

impl Desk {
    /// Err: the connection ends with this refusal.
    async fn answer(&mut self, message: AuditorToRelay) -> Result<Answer, AuditRefusal> {
        if let AuditorToRelay::Hello { version } = message {
            if self.greeted {
                return Err(AuditRefusal::Unexpected);
            }
            if version < VERSION {
                return Err(AuditRefusal::TooOld);
            }
            if self.serial.is_some() {
                self.auditor().await?;
            }
            self.greeted = true;
            return Ok(Answer::Message(RelayToAuditor::Hello {
                version: VERSION,
                now: now(),
            }));
        }
        if !self.greeted {
            return Err(AuditRefusal::Unexpected);
        }
        let care = self.hub.care().cloned().ok_or(AuditRefusal::Fault)?;
        if self.serial.is_none() {
            return match message {
                AuditorToRelay::Enrol {
                    secret,
                    request,
                    key,
                } => self.enrol(care, secret, (request.0, key)).await,
                AuditorToRelay::Hello { .. }
                | AuditorToRelay::Overview
                | AuditorToRelay::Open { .. }
                | AuditorToRelay::Revealed { .. }
                | AuditorToRelay::Exported { .. }
                | AuditorToRelay::Close { .. } => Err(AuditRefusal::Unexpected),
            };
        }
        let auditor = self.auditor().await?;
        match message {
            AuditorToRelay::Overview => self.overview(care).await,
            AuditorToRelay::Open { case, open_token } => {
                self.open(care, auditor, (case, open_token)).await
            }
            AuditorToRelay::Revealed { case, what } => {
                let event = |recording| Event::Reveal {
                    auditor,
                    case: case.as_str().to_owned(),
                    recording,
                    what: what.as_str().to_owned(),
                };
                self.note(care, case.clone(), event).await
            }
            AuditorToRelay::Exported { case, what } => {
                let event = |recording| Event::Export {
                    auditor,
                    case: case.as_str().to_owned(),
                    recording,
                    what: what.as_str().to_owned(),
                };
                self.note(care, case.clone(), event).await
            }
            AuditorToRelay::Close { case } => {
                let event = |recording| Event::CaseClosed {
                    auditor,
                    case: case.as_str().to_owned(),
                    recording,
                };
                self.note(care, case.clone(), event).await
            }
            AuditorToRelay::Hello { .. } | AuditorToRelay::Enrol { .. } => {
                Err(AuditRefusal::Unexpected)
            }
        }
    }

    /// The name of who is connected, if he is still good.
    async fn auditor(&self) -> Result<String, AuditRefusal> {
        let serial = self.serial.clone().ok_or(AuditRefusal::Unexpected)?;
        let hub = self.hub.clone();
        let standing = waiting(move || lock(&hub.register).auditor_standing(&serial)).await?;
        match standing {
            Ok(AuditorStanding::Good { name, .. }) => Ok(name),
            Ok(AuditorStanding::Revoked | AuditorStanding::Unknown) => Err(AuditRefusal::Revoked),
            Err(error) => {
                tracing::error!(%error, "cannot look up an auditor");
                Err(AuditRefusal::Fault)
            }
        }
    }

    /// True if a stranger only keeps the connection open.
    fn idle(&self, open: Duration) -> bool {
        (!self.greeted && open > HELLO_WITHIN) || (self.serial.is_none() && open > ENROL_WITHIN)
    }

    async fn revoked(&self) -> bool {
        self.serial.is_some() && self.auditor().await == Err(AuditRefusal::Revoked)
    }

    async fn enrol(
        &self,
        care: Arc<Care>,
        secret: [u8; 16],
        (request, key): (Vec<u8>, [u8; 32]),
    ) -> Result<Answer, AuditRefusal> {
        let address = self.connection.remote_address().ip();
        if let Err(minutes) = care.enrolments.spend(Network::of(address).to_string()) {
            return Err(AuditRefusal::TooManyTries { minutes });
        }
        let hub = self.hub.clone();
        waiting(move || enrol(&hub, &care.store, &secret, (&request, &key)))
            .await?
            .map(Answer::Last)
    }

    async fn overview(&self, care: Arc<Care>) -> Result<Answer, AuditRefusal> {
        let hub = self.hub.clone();
        let (auditors, counts) = waiting(move || {
            let auditors = lock(&hub.register).good_auditors(unix_now());
            (auditors, care.store.counts())
        })
        .await?;
        let auditors = auditors.map_err(fault)?.len();
        let counts = counts.map_err(fault)?;
        let more = counts.len() > MAX_TECHNICIANS;
        let technicians = counts.into_iter().take(MAX_TECHNICIANS).map(|count| {
            let text = |text: String| Text::new(text).unwrap_or_default();
            TechnicianCount {
                name: text(count.technician.name),
                organisation: text(count.technician.organisation),
                recorded: count.recorded,
                without_receipt: count.without_receipt,
            }
        });
        Ok(Answer::Message(RelayToAuditor::Overview {
            auditors: u16::try_from(auditors).unwrap_or(u16::MAX),
            technicians: List(technicians.collect()),
            more,
        }))
    }

    async fn open(
        &mut self,
        care: Arc<Care>,
        auditor: String,
        (case, token): (Note, [u8; 32]),
    ) -> Result<Answer, AuditRefusal> {
        let case = case.as_str().trim().to_owned();
        if case.is_empty() {
            return Err(AuditRefusal::Unexpected);
        }
        let tries = care.clone();
        let name = auditor.clone();
        let asked = case.clone();
        let opened = waiting(move || open(&care.store, &name, &asked, &token)).await?;
        match opened {
            Ok((message, keys, reading, recording)) => {
                tracing::info!(recording = &recording[..12], "handed out to an auditor");
                if self.cases.len() < MAX_CASES {
                    self.cases.insert(case, recording);
                }
                Ok(Answer::Recording(message, keys, reading))
            }
            Err(AuditRefusal::NoRecording) => {
                tracing::warn!("an auditor has asked with a code of no recording");
                match tries.tries.spend(auditor) {
                    Ok(()) => Ok(Answer::Message(refused(AuditRefusal::NoRecording))),
                    Err(minutes) => Err(AuditRefusal::TooManyTries { minutes }),
                }
            }
            Err(
                reason @ (AuditRefusal::Deleted { .. }
                | AuditRefusal::Running
                | AuditRefusal::Fault),
            ) => Ok(Answer::Message(refused(reason))),
            Err(
                reason @ (AuditRefusal::Token
                | AuditRefusal::Revoked
                | AuditRefusal::Unexpected
                | AuditRefusal::TooOld
                | AuditRefusal::TooManyTries { .. }),
            ) => Err(reason),
        }
    }

    /// Logs something about a case that this auditor has opened, now or before.
    async fn note(
        &self,
        care: Arc<Care>,
        case: Note,
        event: impl FnOnce(String) -> Event,
    ) -> Result<Answer, AuditRefusal> {
        let auditor = self.auditor().await?;
        let case = case.as_str().trim().to_owned();
        let recording = match self.cases.get(&case) {
            Some(recording) => recording.clone(),
            None => {
                let store = care.store.clone();
                waiting(move || earlier(&store, &auditor, &case)).await??
            }
        };
        let event = event(recording);
        let logged = waiting(move || care.store.log(event, now())).await?;
        logged.map_err(fault)?;
        Ok(Answer::Message(RelayToAuditor::Logged))
    }
}

fn enrol(
    hub: &Hub,
    store: &Store,
    secret: &[u8; 16],
    (request, key): (&[u8], &[u8; 32]),
) -> Result<RelayToAuditor, AuditRefusal> {
    let Some(authority) = &hub.authority else {
        tracing::error!(
            "an enrolment was refused because ca.key is not here; put it back and restart"
        );
        return Err(AuditRefusal::Token);
    };
    let register = &hub.register;
    let enrolled = lock(register).enrol_auditor(secret, key, unix_now(), |name| {
        authority
            .issue_auditor(name, request)
            .inspect_err(|error| tracing::warn!(%error, "an enrolment request is not usable"))
            .ok()
    });
    let enrolled = enrolled.map_err(fault)?.ok_or(AuditRefusal::Token)?;
    let event = Event::AuditorEnrolled {
        auditor: enrolled.name,
        certificate: hex(&enrolled.certificate),
    };
    store.log(event, now()).map_err(fault)?;
    tracing::info!("an auditor has enrolled");
    let auditors = lock(register).good_auditors(unix_now()).map_err(fault)?;
    Ok(RelayToAuditor::Enrolled {
        chain: List(vec![Blob(enrolled.issued.leaf), Blob(hub.ca.clone())]),
        auditors: u16::try_from(auditors.len()).unwrap_or(u16::MAX),
    })
}

type Opened = (RelayToAuditor, Vec<u8>, Reading, String);

fn open(
    store: &Store,
    auditor: &str,
    case: &str,
    token: &[u8; 32],
) -> Result<Opened, AuditRefusal> {
    let found: Option<Recording> = store.find_by_token(token).map_err(fault)?;
    let recording = found.ok_or(AuditRefusal::NoRecording)?;
    match recording.state {
        State::Active => return Err(AuditRefusal::Running),
        State::Closed | State::Interrupted | State::Stored => {}
        State::Deleted => {
            return Err(AuditRefusal::Deleted {
                at: recording.deleted.unwrap_or_default(),
            });
        }
    }
    let handed = match store.hand_out(&recording, auditor, case, None, now()) {
        Ok(handed) => handed,
        Err(store::Error::Deleted) => {
            return Err(AuditRefusal::Deleted {
                at: recording.deleted.unwrap_or(recording.deletion),
            });
        }
        Err(error) => return Err(fault(error)),
    };
    let keys: Vec<EpochKeys> = handed
        .sealed
        .into_iter()
        .map(|(epoch, sealed_keys)| EpochKeys { epoch, sealed_keys })
        .collect();
    let keys = Keys::to_bytes(&List(keys));
    if keys.len() > MAX_KEYS {
        return Err(AuditRefusal::Fault);
    }
    let message = RelayToAuditor::Handed {
        recording: HandOut {
            lookup_hash: recording.lookup_hash,
            keys_length: keys.len() as u32,
            length: handed.reading.length(),
            deletion: recording.deletion,
            entry: handed.entry,
        },
    };
    Ok((message, keys, handed.reading, hex(&recording.lookup_hash)))
}

/// The recording that this auditor has opened under this case before.
fn earlier(store: &Store, auditor: &str, case: &str) -> Result<String, AuditRefusal> {
    let entries = store.entries(None).map_err(fault)?;
    let recording = entries
        .into_iter()
        .rev()
        .find_map(|entry| match entry.event {
            Event::HandOut {
                auditor: who,
                case: of,
                recording,
                ..
            } if who == auditor && of == case => Some(recording),
            Event::HandOut { .. }
            | Event::AuditorEnrolled { .. }
            | Event::AuditorRevoked { .. }
            | Event::Complaint { .. }
            | Event::Reveal { .. }
            | Event::Export { .. }
            | Event::CaseClosed { .. }
            | Event::Deletion { .. }
            | Event::Alarm { .. } => None,
        });
    recording.ok_or(AuditRefusal::Unexpected)
}

/// Why a hand-out broke off.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("the auditor is gone: {0}")]
    Connection(#[from] Lost),
    #[error("the auditor does not take it: {0}")]
    Write(#[from] WriteError),
}

async fn hand_out(
    connection: &Connection,
    keys: Vec<u8>,
    mut reading: Reading,
) -> Result<(), Broken> {
    let mut stream = connection.open_uni(Class::Transfer).await?;
    stream.write_chunk(keys.into()).await?;
    while let Some(block) = reading.next().await? {
        stream.write_chunk(block.into()).await?;
    }
    // A stream that the auditor has stopped needs no end.
    drop(stream.finish());
    Ok(())
}

/// Runs what may wait for a disk where it may.
async fn waiting<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AuditRefusal> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| AuditRefusal::Fault)
}

fn fault(error: impl std::fmt::Display) -> AuditRefusal {
    tracing::error!(%error, "an auditor cannot be served");
    AuditRefusal::Fault
}

fn refused(reason: AuditRefusal) -> RelayToAuditor {
    RelayToAuditor::Refused { reason }
}

fn now() -> u64 {
    u64::try_from(unix_now()).unwrap_or_default()
}

/// How often somebody may try in vain.
#[derive(Debug, Default)]
pub(super) struct Tries(std::sync::Mutex<HashMap<String, (Instant, u32)>>);

impl Tries {
    /// Counts a try. Err: minutes to wait.
    pub(super) fn spend(&self, who: String) -> Result<(), u16> {
        let mut tries = lock(&self.0);
        tries.retain(|_, (since, _)| since.elapsed() < TRIES_WITHIN);
        if tries.len() >= MAX_TRIERS && !tries.contains_key(&who) {
            return Err(1);
        }
        let (since, count) = tries.entry(who).or_insert((Instant::now(), 0));
        *count += 1;
        match *count > TRIES {
            true => {
                let left = TRIES_WITHIN.saturating_sub(since.elapsed());
                Err((left.as_secs() / 60 + 1) as u16)
            }
            false => Ok(()),
        }
    }
}

const TRIES: u32 = 10;
const TRIES_WITHIN: Duration = Duration::from_secs(10 * 60);
const MAX_TRIERS: usize = 1_024;
const MAX_TECHNICIANS: usize = 64;
const MAX_CASES: usize = 64;
const HELLO_WITHIN: Duration = Duration::from_secs(10);
const ENROL_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_secs(1);
const DELIVER_WITHIN: Duration = Duration::from_secs(3);
