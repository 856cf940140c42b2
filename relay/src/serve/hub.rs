//! The one router of this relay, and the outboxes of all connections.
//!
//! Every event takes the lock for some microseconds, hands the event to the router, and
//! puts what the router says into the outboxes before the lock is released: so each client
//! hears everything in the router's order.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fernsicht_protocol::frame::Header;
use fernsicht_protocol::messages::{
    AgentToRelay, ConsoleToRelay, ControlOffer, Refusal, RelayToAgent, RelayToConsole,
};
use fernsicht_protocol::router::{
    ConnectionId, Cut, Event, Network, Now, Output, Router, TechnicianId, Ticket, Verdict,
};
use rand_core::OsRng;
use tokio::sync::{Notify, mpsc, watch};

use super::recorder::Recorder;
use crate::Error;
use crate::authority::Authority;
use crate::cli::unix_now;
use crate::config::Limits;
use crate::home::Home;
use crate::register::{Register, Standing};

/// Something for a client's message stream.
#[derive(Debug)]
pub(super) enum Mail {
    Agent(RelayToAgent),
    Console(RelayToConsole),
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
#[derive(Debug, Clone, Copy)]
pub(super) enum Client {
    Agent,
    Console(Option<TechnicianId>),
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
    register: Arc<Mutex<Register>>,
    authority: Option<Arc<Authority>>,
    ca: Vec<u8>,
    recorder: Arc<dyn Recorder>,
    limits: Limits,
    started: Instant,
    timers_changed: Notify,
    consoles_changed: Notify,
    emptied: Notify,
    admitted: Arc<Admitted>,
}

#[derive(Debug)]
struct State {
    router: Router,
    peers: HashMap<ConnectionId, Peer>,
    next: u64,
    due: Option<Duration>,
}

#[derive(Debug)]
struct Peer {
    outbox: mpsc::Sender<Mail>,
    cuts: watch::Sender<Cuts>,
    connection: quinn::Connection,
    technician: Option<TechnicianId>,
}

impl Hub {
    pub(super) fn new(
        home: &Home,
        control: ControlOffer,
        authority: Option<Authority>,
        recorder: Arc<dyn Recorder>,
    ) -> Result<Self, Error> {
        Ok(Self {
            state: Mutex::new(State {
                router: Router::new(home.config.router(control)),
                peers: HashMap::new(),
                next: 0,
                due: None,
            }),
            register: Arc::new(Mutex::new(home.register()?)),
            authority: authority.map(Arc::new),
            ca: home.ca.clone(),
            recorder,
            limits: home.config.limits.clone(),
            started: Instant::now(),
            timers_changed: Notify::new(),
            consoles_changed: Notify::new(),
            emptied: Notify::new(),
            admitted: Arc::default(),
        })
    }

    pub(super) fn can_enrol(&self) -> bool {
        self.authority.is_some()
    }

    pub(super) fn recorder(&self) -> &dyn Recorder {
        &*self.recorder
    }

    /// A place for a connection, if there is one for this network.
    pub(super) fn admit(&self, address: IpAddr) -> Option<Place> {
        self.admitted
            .clone()
            .admit(Network::of(address), &self.limits)
    }

    /// Whom a console's certificate belongs to.
    pub(super) async fn standing(&self, serial: Vec<u8>) -> Result<Standing, Error> {
        let register = self.register.clone();
        let result = tokio::task::spawn_blocking(move || lock(&register).standing(&serial)).await;
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    pub(super) fn connected(
        self: &Arc<Self>,
        connection: &quinn::Connection,
        client: Client,
        address: IpAddr,
    ) -> Seat {
        let (outbox, mail) = mpsc::channel(OUTBOX);
        self.with(|state, now| {
            let id = ConnectionId(state.next);
            state.next += 1;
            let technician = match client {
                Client::Console(technician) => technician,
                Client::Agent | Client::Revoked => None,
            };
            let peer = Peer {
                outbox,
                cuts: watch::Sender::default(),
                connection: connection.clone(),
                technician,
            };
            state.peers.insert(id, peer);
            match client {
                Client::Agent => state.router.handle_agent_connected(id, address, now),
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

    pub(super) fn judge(self: &Arc<Self>, id: ConnectionId, header: &Header) -> Verdict {
        self.with(|state, now| state.router.handle_frame_header(id, header, now))
    }

    pub(super) fn recorded(self: &Arc<Self>, id: ConnectionId, ticket: Ticket) -> Verdict {
        self.with(|state, _| state.router.handle_recorded(id, ticket))
    }

    pub(super) fn recorder_failed(self: &Arc<Self>, id: ConnectionId) {
        self.with(|state, _| state.router.handle_recorder_failed(id));
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

    pub(super) fn connection(&self, id: ConnectionId) -> Option<quinn::Connection> {
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

    fn with<R>(self: &Arc<Self>, f: impl FnOnce(&mut State, Now) -> R) -> R {
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
                } => state.send(connection, Mail::Agent(message)),
                Output::ToConsole {
                    connection,
                    message,
                } => state.send(connection, Mail::Console(message)),
                Output::Close { connection } => state.send(connection, Mail::Close),
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
                    tokio::spawn(enrol(self.clone(), connection, secret, request));
                }
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
            peer.connection
                .close(CODE_SLOW.into(), b"messages are not read");
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

/// Ends what belongs to technicians whom another process has revoked. Looks once a second,
/// and only while a technician is connected.
pub(super) async fn watch_register(hub: Arc<Hub>) {
    let mut seen = None;
    loop {
        let technicians: Vec<TechnicianId> = {
            let mut all: Vec<_> = lock(&hub.state)
                .peers
                .values()
                .filter_map(|p| p.technician)
                .collect();
            all.sort_unstable_by_key(|t| t.0);
            all.dedup();
            all
        };
        if technicians.is_empty() {
            hub.consoles_changed.notified().await;
            continue;
        }
        let register = hub.register.clone();
        let looked =
            tokio::task::spawn_blocking(move || revoked(&register, &technicians, seen)).await;
        match looked {
            Ok(Ok((version, revoked))) => {
                seen = Some(version);
                for technician in revoked {
                    tracing::info!(technician = technician.0, "revoked");
                    hub.with(|state, now| state.router.handle_revoked(technician, now));
                }
            }
            Ok(Err(error)) => tracing::error!(%error, "cannot look for revocations"),
            Err(error) => tracing::error!(%error, "cannot look for revocations"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            // A console that has just connected may have been revoked in between.
            () = hub.consoles_changed.notified() => seen = None,
        }
    }
}

fn revoked(
    register: &Mutex<Register>,
    technicians: &[TechnicianId],
    seen: Option<i64>,
) -> Result<(i64, Vec<TechnicianId>), Error> {
    let register = lock(register);
    let version = register.version()?;
    let mut revoked = Vec::new();
    if seen != Some(version) {
        for technician in technicians {
            if register.revoked(*technician)? {
                revoked.push(*technician);
            }
        }
    }
    Ok((version, revoked))
}

async fn enrol(hub: Arc<Hub>, id: ConnectionId, secret: [u8; 16], request: Vec<u8>) {
    let worker = hub.clone();
    let enrolled = tokio::task::spawn_blocking(move || worker.issue(&secret, &request)).await;
    let result = enrolled.unwrap_or(Err(Refusal::Token));
    match &result {
        Ok(_) => tracing::info!("a technician has enrolled"),
        Err(refusal) => tracing::info!(?refusal, "an enrolment was refused"),
    }
    hub.with(|state, _| state.router.handle_enrolment(id, result));
}

impl Hub {
    fn issue(&self, secret: &[u8; 16], request: &[u8]) -> Result<Vec<Vec<u8>>, Refusal> {
        let Some(authority) = &self.authority else {
            tracing::error!(
                "an enrolment was refused because ca.key is not here; put it back and restart"
            );
            return Err(Refusal::Token);
        };
        let issued = lock(&self.register).enrol(secret, unix_now(), |name, organisation| {
            authority
                .issue_technician(name, organisation, request)
                .inspect_err(|error| tracing::warn!(%error, "an enrolment request is not usable"))
                .ok()
        });
        match issued {
            Ok(Some(issued)) => Ok(vec![issued.leaf, self.ca.clone()]),
            Ok(None) => Err(Refusal::Token),
            Err(error) => {
                tracing::error!(%error, "an enrolment failed");
                Err(Refusal::Full)
            }
        }
    }
}

/// How many are connected, in all and by network.
#[derive(Debug, Default)]
struct Admitted {
    all: AtomicUsize,
    by_network: Mutex<HashMap<Network, usize>>,
}

impl Admitted {
    fn admit(self: Arc<Self>, network: Network, limits: &Limits) -> Option<Place> {
        let mut by_network = lock(&self.by_network);
        let all = self.all.load(Ordering::Relaxed);
        let here = by_network.get(&network).copied().unwrap_or_default();
        if all >= limits.connections || here >= limits.connections_per_network {
            return None;
        }
        by_network.insert(network, here + 1);
        self.all.store(all + 1, Ordering::Relaxed);
        let crowded = all > limits.connections / 4 || here > limits.connections_per_network / 4;
        drop(by_network);
        Some(Place {
            admitted: self,
            network,
            crowded,
        })
    }
}

/// A connection's place among those that are admitted; free again when dropped.
#[derive(Debug)]
pub(super) struct Place {
    admitted: Arc<Admitted>,
    network: Network,
    crowded: bool,
}

impl Place {
    pub(super) fn crowded(&self) -> bool {
        self.crowded
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_network = lock(&self.admitted.by_network);
        self.admitted.all.fetch_sub(1, Ordering::Relaxed);
        if let Some(here) = by_network.get_mut(&self.network) {
            *here -= 1;
            if *here == 0 {
                by_network.remove(&self.network);
            }
        }
    }
}

fn log(event: &Event) {
    let short = |session: &[u8; 16]| data_encoding::HEXLOWER.encode(&session[..6]);
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
        Event::TooManyTries { network } => tracing::warn!(%network, "too many tries"),
    }
}

/// A panic in another task must not make the relay deaf; the router's state is
/// changed in whole steps.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Messages that a client may leave unread: several pairings' worth, at most 4 MB.
const OUTBOX: usize = 256;
const LOOK_EVERY: Duration = Duration::from_millis(700);
const CODE_SLOW: u32 = 3;
