//! The one router of this relay, and the outboxes of all connections.
//!
//! Every event takes the lock for some microseconds, hands the event to the router, and
//! puts what the router says into the outboxes before the lock is released: so each client
//! hears everything in the router's order.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use fernsicht_protocol::crypto::Hash;
use fernsicht_protocol::messages::{
    AgentToRelay, ConsoleToRelay, Refusal, RelayToAgent, RelayToConsole, SessionId,
};
use fernsicht_protocol::net::Connection;
use fernsicht_protocol::router::{
    ConnectionId, Cut, Event, Network, Now, Offer, Output, Router, Technician, TechnicianId,
};
use rand_core::OsRng;
use tokio::sync::{Notify, mpsc, watch};

use super::admission::{Admitted, Place};
use super::care::Care;
use super::people;
use super::recorder::{Item, Recorder, short};
use crate::Error;
use crate::authority::Authority;
use crate::cli::unix_now;
use crate::config::Limits;
use crate::home::Home;
use crate::register::{Register, Standing};

/// Something for a client's message stream. Boxed, since an outbox keeps places for many.
#[derive(Debug)]
pub(super) enum Mail {
    Agent(Box<RelayToAgent>),
    Console(Box<RelayToConsole>),
    /// Nothing comes behind it.
    Close,
}

/// How often streams had to be cut, and held ones asked again.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cuts {
    pub(super) rejudged: u64,
    pub(super) beacons: u64,
    pub(super) everything: u64,
}

/// What a new connection turns out to be.
#[derive(Debug, Clone)]
pub(super) enum Client {
    /// With what its hello is answered.
    Agent(Offer),
    Console(Option<Technician>),
    /// A console whose certificate is no longer good: it is told so.
    Revoked,
}

/// A connection's ends inside the relay.
pub(super) struct Seat {
    pub(super) id: ConnectionId,
    pub(super) mail: mpsc::Receiver<Mail>,
}

#[derive(Debug)]
pub(super) struct Hub {
    state: Mutex<State>,
    pub(super) register: Arc<Mutex<Register>>,
    pub(super) authority: Option<Arc<Authority>>,
    pub(super) ca: Vec<u8>,
    /// None: there is no signer of checkpoints, hence no recording.
    care: Option<Arc<Care>>,
    limits: Limits,
    started: Instant,
    timers_changed: Notify,
    pub(super) consoles_changed: Notify,
    emptied: Notify,
    admitted: Arc<Admitted>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) router: Router,
    peers: HashMap<ConnectionId, Peer>,
    next: u64,
    due: Option<Duration>,
    /// Recordings of running sessions.
    pub(super) recordings: HashMap<SessionId, Arc<Recorder>>,
    /// Recordings of ended sessions whose receipts may still come.
    pub(super) ended: HashMap<SessionId, Weak<Recorder>>,
}

#[derive(Debug)]
struct Peer {
    outbox: mpsc::Sender<Mail>,
    cuts: watch::Sender<Cuts>,
    connection: Connection,
    place: Place,
    technician: Option<TechnicianId>,
}

impl Hub {
    pub(super) fn new(
        home: &Home,
        authority: Option<Authority>,
        register: Arc<Mutex<Register>>,
        care: Option<Arc<Care>>,
    ) -> Self {
        Self {
            state: Mutex::new(State {
                router: Router::new(home.config.router(home.ca_fingerprint())),
                peers: HashMap::new(),
                next: 0,
                due: None,
                recordings: HashMap::new(),
                ended: HashMap::new(),
            }),
            register,
            authority: authority.map(Arc::new),
            ca: home.ca.clone(),
            care,
            limits: home.config.limits.clone(),
            started: Instant::now(),
            timers_changed: Notify::new(),
            consoles_changed: Notify::new(),
            emptied: Notify::new(),
            admitted: Arc::default(),
        }
    }

    pub(super) fn can_enrol(&self) -> bool {
        self.authority.is_some()
    }

    /// Recordings and their surroundings; none without a signer of checkpoints.
    pub(super) fn care(&self) -> Option<&Arc<Care>> {
        self.care.as_ref()
    }

    /// SHA-256 of the CA certificate.
    pub(super) fn ca_fingerprint(&self) -> Hash {
        fernsicht_protocol::crypto::hash(&self.ca)
    }

    /// What an agent that says hello is offered, looked up anew.
    pub(super) async fn offer(&self) -> Offer {
        match &self.care {
            Some(care) => care.offer().await,
            None => Offer::Unavailable,
        }
    }

    /// A place for a connection, if there is one for this network.
    pub(super) fn admit(&self, address: IpAddr) -> Option<Place> {
        self.admitted.admit(Network::of(address), &self.limits)
    }

    /// Whom a console's certificate belongs to. Errors: also a register on a disk that stalls.
    pub(super) async fn standing(&self, serial: Vec<u8>) -> Result<Standing, Error> {
        let register = self.register.clone();
        let look = tokio::task::spawn_blocking(move || lock(&register).standing(&serial));
        match tokio::time::timeout(STANDING_WITHIN, look).await {
            Ok(Ok(standing)) => standing,
            Ok(Err(panic)) => std::panic::resume_unwind(panic.into_panic()),
            Err(_) => Err(Error::System {
                what: "the register does not answer",
                source: std::io::ErrorKind::TimedOut.into(),
            }),
        }
    }

    pub(super) fn connected(
        self: &Arc<Self>,
        connection: &Connection,
        client: Client,
        (address, place): (IpAddr, Place),
    ) -> Seat {
        let (outbox, mail) = mpsc::channel(OUTBOX);
        self.with(|state, now| {
            let id = ConnectionId(state.next);
            state.next += 1;
            let technician = match &client {
                Client::Console(technician) => technician.as_ref().map(|t| t.id),
                Client::Agent(_) | Client::Revoked => None,
            };
            let peer = Peer {
                outbox,
                cuts: watch::Sender::default(),
                connection: connection.clone(),
                place,
                technician,
            };
            if technician.is_some() {
                peer.place.keep();
            }
            state.peers.insert(id, peer);
            match client {
                Client::Agent(offer) => {
                    state.router.handle_agent_connected(id, offer, address, now);
                }
                Client::Console(technician) => {
                    state
                        .router
                        .handle_console_connected(id, technician, address, now);
                }
                Client::Revoked => {
                    state
                        .router
                        .handle_console_connected(id, None, address, now);
                    state.router.refuse(id, Refusal::Revoked, now);
                }
            }
            if technician.is_some() {
                self.consoles_changed.notify_one();
            }
            Seat { id, mail }
        })
    }

    pub(super) fn disconnected(self: &Arc<Self>, id: ConnectionId) {
        self.with(|state, now| {
            state.peers.remove(&id);
            state.router.handle_disconnected(id, now);
            if state.peers.is_empty() {
                self.emptied.notify_one();
            }
        });
    }

    pub(super) fn agent_says(self: &Arc<Self>, id: ConnectionId, message: AgentToRelay) {
        self.with(|state, now| state.router.handle_agent(id, message, now, &mut OsRng));
    }

    pub(super) fn console_says(self: &Arc<Self>, id: ConnectionId, message: ConsoleToRelay) {
        self.with(|state, now| state.router.handle_console(id, message, now, &mut OsRng));
    }

    /// Bytes that no honest client sends.
    pub(super) fn malformed(self: &Arc<Self>, id: ConnectionId) {
        self.with(|state, now| state.router.handle_malformed(id, now));
    }

    /// A certificate of this technician is no longer good.
    pub(super) fn revoked(self: &Arc<Self>, technician: TechnicianId) {
        self.with(|state, now| state.router.handle_revoked(technician, now));
    }

    /// What became of an enrolment.
    pub(super) fn enrolled(
        self: &Arc<Self>,
        id: ConnectionId,
        result: Result<Vec<Vec<u8>>, Refusal>,
    ) {
        self.with(|state, _| state.router.handle_enrolment(id, result));
    }

    /// The technicians who are connected.
    pub(super) fn technicians(&self) -> Vec<TechnicianId> {
        let state = lock(&self.state);
        let mut all: Vec<_> = state.peers.values().filter_map(|p| p.technician).collect();
        all.sort_unstable_by_key(|t| t.0);
        all.dedup();
        all
    }

    /// Nothing new begins, and technicians are told that the relay ends within this time.
    pub(super) fn announce_end(self: &Arc<Self>, within: Duration) {
        self.with(|state, now| state.router.handle_maintenance(within, now));
    }

    /// True while a session is under way.
    pub(super) fn busy(&self) -> bool {
        lock(&self.state).router.sessions() != (0, 0)
    }

    pub(super) fn drain(self: &Arc<Self>) {
        self.with(|state, now| state.router.handle_drain(now));
    }

    /// Completes once nobody is connected.
    pub(super) async fn empty(&self) {
        while !lock(&self.state).peers.is_empty() {
            self.emptied.notified().await;
        }
    }

    pub(super) fn connection(&self, id: ConnectionId) -> Option<Connection> {
        lock(&self.state)
            .peers
            .get(&id)
            .map(|peer| peer.connection.clone())
    }

    /// Follows the cuts of an agent's streams.
    pub(super) fn cuts(&self, id: ConnectionId) -> Option<watch::Receiver<Cuts>> {
        lock(&self.state)
            .peers
            .get(&id)
            .map(|peer| peer.cuts.subscribe())
    }

    pub(super) fn with<R>(self: &Arc<Self>, f: impl FnOnce(&mut State, Now) -> R) -> R {
        let mut state = lock(&self.state);
        let now = Now {
            since_start: self.started.elapsed(),
            unix_s: u64::try_from(unix_now()).unwrap_or_default(),
        };
        let result = f(&mut state, now);
        self.dispatch(&mut state);
        let due = state.router.poll_timeout();
        if due != state.due {
            state.due = due;
            self.timers_changed.notify_one();
        }
        result
    }

    fn dispatch(self: &Arc<Self>, state: &mut State) {
        while let Some(output) = state.router.poll_output() {
            match output {
                Output::ToAgent {
                    connection,
                    message,
                } => state.send(connection, Mail::Agent(Box::new(message))),
                Output::ToConsole {
                    connection,
                    message,
                } => state.send(connection, Mail::Console(Box::new(message))),
                Output::Close { connection } => state.send(connection, Mail::Close),
                Output::Seated { connection } => state.seat(connection),
                Output::Rejudge { connection } => state.cut(connection, |cuts| cuts.rejudged += 1),
                Output::CutStreams { connection, cut } => state.cut(connection, |cuts| match cut {
                    Cut::Nothing => cuts.rejudged += 1,
                    Cut::Beacons => cuts.beacons += 1,
                    Cut::Everything => {
                        cuts.beacons += 1;
                        cuts.everything += 1;
                    }
                }),
                Output::Enrol {
                    connection,
                    secret,
                    request,
                } => {
                    tokio::spawn(people::enrol(self.clone(), connection, secret, request));
                }
                Output::StartRecording(opening) => self.start_recording(state, opening),
                Output::RecordSignature {
                    session,
                    epoch,
                    signature,
                } => state.push(session, Item::Signature { epoch, signature }),
                Output::FinishRecording { session, reason } => {
                    state.finish_recording(session, reason);
                }
                Output::ReceiptDone { session } => state.note_receipt(session),
                Output::Event(event) => log(&event),
            }
        }
    }
}

impl State {
    fn send(&mut self, id: ConnectionId, mail: Mail) {
        let Some(peer) = self.peers.get(&id) else {
            return;
        };
        if peer.outbox.try_send(mail).is_err() {
            // It does not read what it is told; a message must not be left out.
            peer.connection.close(CODE_SLOW, b"messages are not read");
        }
    }

    fn seat(&mut self, id: ConnectionId) {
        if let Some(peer) = self.peers.get(&id) {
            peer.place.keep();
            peer.connection.allow_streams();
        }
    }

    fn cut(&mut self, id: ConnectionId, change: impl FnOnce(&mut Cuts)) {
        if let Some(peer) = self.peers.get(&id) {
            peer.cuts.send_modify(change);
        }
    }
}

/// Wakes the router when it is due, and never otherwise.
pub(super) async fn run_timers(hub: Arc<Hub>) {
    loop {
        let due = lock(&hub.state).due;
        let sleep = async {
            match due {
                Some(due) => tokio::time::sleep_until((hub.started + due).into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = sleep => hub.with(|state, now| state.router.handle_timeout(now)),
            () = hub.timers_changed.notified() => {}
        }
    }
}

fn log(event: &Event) {
    match event {
        Event::Offered {
            session,
            technician,
        } => {
            tracing::info!(
                session = short(session),
                technician = technician.0,
                "a code is out"
            );
        }
        Event::Paired { session } => tracing::info!(session = short(session), "paired"),
        Event::PairingFailed { session } => {
            tracing::info!(session = short(session), "a pairing failed")
        }
        Event::Lost { session, side } => {
            tracing::info!(session = short(session), ?side, "a side is lost")
        }
        Event::Resumed { session, side } => {
            tracing::info!(session = short(session), ?side, "a side is back")
        }
        Event::Ended { session, reason } => {
            tracing::info!(session = short(session), ?reason, "ended")
        }
        Event::Recording { session, epoch } => {
            tracing::info!(session = short(session), epoch, "recording");
        }
        Event::RecorderFailed { session } => {
            tracing::error!(
                session = short(session),
                "the recorder has failed: no control"
            );
        }
        Event::RecorderBack { session } => {
            tracing::info!(session = short(session), "the recorder is back");
        }
        Event::TooManyTries { network } => tracing::warn!(%network, "too many tries"),
    }
}

/// A panic in another task must not make the relay deaf; the router's state is
/// changed in whole steps.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Messages that a client may leave unread: several pairings' worth, at most 4 MB.
const OUTBOX: usize = 256;
const STANDING_WITHIN: Duration = Duration::from_secs(5);
const CODE_SLOW: u32 = 3;
