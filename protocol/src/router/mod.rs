//! The relay's session logic: who waits, who is paired, and what may pass between them.
//!
//! ```text
//! console: NewSession ─► Offered{nameplate} ─► agent: Join, Share ─► Reply ─► Confirm ─► console: Paired
//!                          │ 10 minutes, 3 shares                                  │
//!                          ▼                                                       ▼
//!                       expired        lost ◄─► Pair{lock, both connected} ─► ended (End, revoked,
//!                                    10 minutes                               drained, lost, 4 hours)
//! ```
//!
//! Pure: connections, time and randomness come in, [`Output`]s and [`Verdict`]s go out.
//! Each call may leave outputs behind; the caller drains [`Router::poll_output`] after it.
//!
//! Not here: sockets, certificates, the register of technicians (the relay program), and
//! the keys of a session, which the relay never has.

mod agent;
mod config;
mod console;
mod frames;
mod fuzz;
mod limits;
mod lock;
mod nameplates;
mod output;
mod recording;
mod session;
mod timers;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::crypto::Hash;
use crate::frame::Direction;
use crate::messages::{End, Refusal, RelayToAgent, RelayToConsole, SessionId};
use crate::rights::Rights;
use limits::Limiter;
use nameplates::Nameplates;
use session::{Phase, Session};
use timers::Timers;

pub use config::Config;
pub use fuzz::fuzz;
pub use limits::{Network, Rate};
pub use lock::Cut;
pub use output::{Event, Output, Verdict};
pub use recording::{Opening, Pairing};

/// A connection, numbered by the caller and never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// A technician in the relay's register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TechnicianId(pub i64);

/// A technician who has shown a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Technician {
    /// Whose it is.
    pub id: TechnicianId,
    /// The chain, leaf first, CA last, DER.
    pub chain: Vec<Vec<u8>>,
    /// The leaf's Ed25519 key.
    pub key: [u8; 32],
    /// SHA-256 of the leaf.
    pub leaf: Hash,
}

/// Whether recorded sessions are offered to an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// The recorder works and there is an auditor.
    Recorded,
    /// Only looking is offered.
    Unavailable,
}

/// An input frame that the recorder has been given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket(u64);

/// The time, as the caller reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Monotonic, since the relay's start. Everything is decided by it.
    pub since_start: Duration,
    /// Seconds since 1970 UTC, for hellos and deletion dates only.
    pub unix_s: u64,
}

/// One end of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The customer's.
    Agent,
    /// The technician's.
    Console,
}

impl Side {
    fn other(self) -> Self {
        match self {
            Self::Agent => Self::Console,
            Self::Console => Self::Agent,
        }
    }

    fn direction(self) -> Direction {
        match self {
            Self::Agent => Direction::AgentToConsole,
            Self::Console => Direction::ConsoleToAgent,
        }
    }
}

/// When something happens by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Timer {
    /// A connection has not said what it wants.
    Connection(ConnectionId),
    /// Nobody paired in time.
    Code(SessionId),
    /// A step of the pairing does not come.
    Pairing(SessionId),
    /// A recorded epoch does not open.
    Recording(SessionId),
    /// A lost side has not come back.
    Lost(SessionId, Side),
    /// A session has reached its greatest length.
    Longest(SessionId),
}

#[derive(Debug, Clone)]
struct Connection {
    network: Network,
    role: Role,
}

#[derive(Debug, Clone)]
enum Role {
    Agent(agent::State),
    Console {
        technician: Option<Arc<Technician>>,
        state: console::State,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Running,
    /// Nothing new begins; at this time since the start what is left ends.
    Ending(Duration),
    Draining,
}

/// All sessions of one relay.
#[derive(Debug, Clone)]
pub struct Router {
    config: Config,
    service: Service,
    connections: HashMap<ConnectionId, Connection>,
    sessions: HashMap<SessionId, Session>,
    /// Agents of ended sessions that may complete their receipts.
    parting: HashMap<SessionId, ConnectionId>,
    nameplates: Nameplates,
    joins: Limiter<Network>,
    new_sessions: Limiter<TechnicianId>,
    timers: Timers<Timer>,
    outputs: VecDeque<Output>,
    next_ticket: u64,
}

impl Router {
    /// A router without connections.
    pub fn new(config: Config) -> Self {
        Self {
            service: Service::Running,
            connections: HashMap::new(),
            sessions: HashMap::new(),
            parting: HashMap::new(),
            nameplates: Nameplates::new(),
            joins: Limiter::new(config.joins, MAX_NETWORKS),
            new_sessions: Limiter::new(config.new_sessions, MAX_NETWORKS),
            timers: Timers::new(),
            outputs: VecDeque::new(),
            next_ticket: 0,
            config,
        }
    }

    /// An agent has connected. `offer` goes into the answer to its hello.
    pub fn handle_agent_connected(
        &mut self,
        id: ConnectionId,
        offer: Offer,
        address: IpAddr,
        now: Now,
    ) {
        self.connected(id, address, Role::Agent(agent::State::Fresh { offer }), now);
    }

    /// A console has connected; without a technician it may only enrol.
    pub fn handle_console_connected(
        &mut self,
        id: ConnectionId,
        technician: Option<Technician>,
        address: IpAddr,
        now: Now,
    ) {
        self.connected(
            id,
            address,
            Role::Console {
                technician: technician.map(Arc::new),
                state: console::State::Fresh,
            },
            now,
        );
    }

    /// A connection is gone. Everything is closed at once; a paired session may be resumed.
    pub fn handle_disconnected(&mut self, id: ConnectionId, now: Now) {
        let Some(connection) = self.connections.remove(&id) else {
            return;
        };
        self.timers.cancel(Timer::Connection(id));
        match connection.role {
            Role::Agent(agent::State::Pairing { session }) => self.candidate_left(session, id, now),
            Role::Agent(agent::State::Paired { session }) => {
                self.side_lost(session, Side::Agent, now)
            }
            Role::Console {
                state: console::State::Offering { session },
                ..
            } => {
                self.withdraw(session, Refusal::TechnicianLeft, now);
            }
            Role::Console {
                state: console::State::Paired { session },
                ..
            } => {
                self.side_lost(session, Side::Console, now);
            }
            Role::Agent(agent::State::Parting { session }) => drop(self.parting.remove(&session)),
            Role::Agent(
                agent::State::Fresh { .. }
                | agent::State::Greeted { .. }
                | agent::State::Joined { .. }
                | agent::State::Over,
            )
            | Role::Console {
                state:
                    console::State::Fresh
                    | console::State::Greeted
                    | console::State::Enrolling
                    | console::State::Over,
                ..
            } => {}
        }
    }

    /// Bytes that no honest client sends: a session ends as tampered with, a connection is refused.
    pub fn handle_malformed(&mut self, id: ConnectionId, now: Now) {
        match self.paired_side(id) {
            Some((session, _)) => self.end_session(session, End::Tampered, Told::Both, now),
            None => self.refuse(id, Refusal::Unexpected, now),
        }
    }

    /// Tells a connection why not, and closes it; what it waits for is given up. Meant for what
    /// the caller finds out by itself, such as a certificate that is no longer good.
    pub fn refuse(&mut self, id: ConnectionId, reason: Refusal, now: Now) {
        match self.connections.get(&id).map(|c| &c.role) {
            Some(Role::Agent(agent::State::Pairing { session })) => {
                let session = *session;
                self.refuse_agent(id, reason);
                self.candidate_left(session, id, now);
            }
            Some(Role::Agent(_)) => self.refuse_agent(id, reason),
            Some(Role::Console {
                state: console::State::Offering { session },
                ..
            }) => {
                let session = *session;
                self.withdraw(session, Refusal::TechnicianLeft, now);
                self.refuse_console(id, reason);
            }
            Some(Role::Console { .. }) => self.refuse_console(id, reason),
            None => {}
        }
    }

    /// A technician's certificate has been revoked: everything of his ends.
    pub fn handle_revoked(&mut self, technician: TechnicianId, now: Now) {
        let sessions: Vec<SessionId> = self
            .sessions
            .iter()
            .filter(|(_, s)| s.technician == technician)
            .map(|(id, _)| *id)
            .collect();
        for session in sessions {
            self.end_session(session, End::Revoked, Told::Both, now);
        }
        let connections: Vec<ConnectionId> = self
            .connections
            .iter()
            .filter(|(_, c)| matches!(&c.role, Role::Console { technician: Some(t), .. } if t.id == technician))
            .map(|(id, _)| *id)
            .collect();
        for connection in connections {
            self.refuse_console(connection, Refusal::Revoked);
        }
    }

    /// The relay is going to end: nothing new begins, and the technicians are told how long they have.
    /// [`Self::handle_drain`] follows.
    pub fn handle_maintenance(&mut self, within: Duration, now: Now) {
        if self.service != Service::Running {
            return;
        }
        self.service = Service::Ending(now.since_start + within);
        let (mut unpaired, mut consoles) = (Vec::new(), Vec::new());
        for (id, session) in &self.sessions {
            match &session.phase {
                session::Phase::Offered(_) => unpaired.push(*id),
                session::Phase::Paired(pair) => {
                    if let session::Link::Connected(console) = pair.console.link {
                        consoles.push(console);
                    }
                }
            }
        }
        for session in unpaired {
            self.end_session(session, End::Relay, Told::Both, now);
        }
        for console in consoles {
            self.tell_maintenance(console, now);
        }
    }

    /// Tells a console, where there is something to tell, how long the relay is still there.
    pub(super) fn tell_maintenance(&mut self, console: ConnectionId, now: Now) {
        if let Service::Ending(at) = self.service {
            let left = at.saturating_sub(now.since_start).as_secs();
            let seconds = u16::try_from(left).unwrap_or(u16::MAX);
            self.tell_console(console, RelayToConsole::Maintenance { seconds });
        }
    }

    /// The relay ends: every session is told, nothing new begins.
    pub fn handle_drain(&mut self, now: Now) {
        self.service = Service::Draining;
        let sessions: Vec<SessionId> = self.sessions.keys().copied().collect();
        for session in sessions {
            self.end_session(session, End::Relay, Told::Both, now);
        }
        // Agents that complete their receipts are let go by themselves.
        let waits = |c: &Connection| !matches!(c.role, Role::Agent(agent::State::Parting { .. }));
        let connections: Vec<ConnectionId> = self
            .connections
            .iter()
            .filter(|(_, c)| waits(c))
            .map(|(id, _)| *id)
            .collect();
        for id in connections {
            self.refuse(id, Refusal::Draining, now);
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Now) {
        while let Some(timer) = self.timers.expire(now.since_start) {
            match timer {
                Timer::Connection(id) => self.refuse(id, Refusal::Expired, now),
                Timer::Code(session) => self.withdraw_and_tell(session, Refusal::Expired, now),
                Timer::Pairing(session) => self.candidate_overdue(session, now),
                Timer::Recording(session) => {
                    self.end_session(session, End::Fault, Told::Both, now);
                }
                Timer::Lost(session, _) => self.end_session(session, End::Lost, Told::Both, now),
                Timer::Longest(session) => self.end_session(session, End::Idle, Told::Both, now),
            }
        }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Router::handle_timeout`] is due, since the relay's start. None: never.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.timers.next()
    }

    /// Sessions at this moment: waiting for an agent, and paired.
    pub fn sessions(&self) -> (usize, usize) {
        let paired = self
            .sessions
            .values()
            .filter(|s| matches!(s.phase, Phase::Paired(_)))
            .count();
        (self.sessions.len() - paired, paired)
    }

    /// The rights that the second lock grants the session of `id`.
    pub fn rights(&self, id: ConnectionId) -> Rights {
        let session = self
            .paired_side(id)
            .and_then(|(session, _)| self.sessions.get(&session));
        match session.map(|s| &s.phase) {
            Some(Phase::Paired(pair)) => pair.lock.rights(),
            Some(Phase::Offered(_)) | None => Rights::None,
        }
    }

    fn connected(&mut self, id: ConnectionId, address: IpAddr, role: Role, now: Now) {
        self.connections.insert(
            id,
            Connection {
                network: Network::of(address),
                role,
            },
        );
        self.timers
            .set(Timer::Connection(id), now.since_start + HELLO_WITHIN);
    }

    /// The session that `id` is one side of, once it is paired.
    fn paired_side(&self, id: ConnectionId) -> Option<(SessionId, Side)> {
        match &self.connections.get(&id)?.role {
            Role::Agent(agent::State::Paired { session }) => Some((*session, Side::Agent)),
            Role::Console {
                state: console::State::Paired { session },
                ..
            } => Some((*session, Side::Console)),
            Role::Agent(_) | Role::Console { .. } => None,
        }
    }

    /// Counts a try of a network. Err: minutes to wait.
    fn spend_try(&mut self, id: ConnectionId, now: Now) -> Result<(), Refusal> {
        let network = self
            .connections
            .get(&id)
            .map(|c| c.network)
            .ok_or(Refusal::Unexpected)?;
        self.joins
            .spend(network, now.since_start)
            .map_err(|too_many| {
                self.outputs
                    .push_back(Output::Event(Event::TooManyTries { network }));
                Refusal::TooManyTries {
                    minutes: too_many.minutes(),
                }
            })
    }

    fn lock_changed(&mut self, connection: ConnectionId, cut: Cut) {
        self.outputs.push_back(match cut {
            Cut::Nothing => Output::Rejudge { connection },
            Cut::Beacons | Cut::Everything => Output::CutStreams { connection, cut },
        });
    }

    fn tell_agent(&mut self, connection: ConnectionId, message: RelayToAgent) {
        self.outputs.push_back(Output::ToAgent {
            connection,
            message,
        });
    }

    fn tell_console(&mut self, connection: ConnectionId, message: RelayToConsole) {
        self.outputs.push_back(Output::ToConsole {
            connection,
            message,
        });
    }
}

/// Who learns of an end: the side that asked for it knows already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Both,
    Only(Side),
}

const HELLO_WITHIN: Duration = Duration::from_secs(10);
/// An agent connects when the customer has typed the code, and joins at once. Whoever waits longer only takes
/// a place away.
const JOIN_WITHIN: Duration = Duration::from_secs(60);
const SHARE_WITHIN: Duration = Duration::from_secs(60);
const ENROL_WITHIN: Duration = Duration::from_secs(60);
/// Bounds the tables of tries: 16,384 networks take less than 1 MB.
const MAX_NETWORKS: usize = 1 << 14;
