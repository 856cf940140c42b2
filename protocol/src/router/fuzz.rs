//! Bytes as operations on a router, beside a model of the second lock that knows nothing but
//! what the two ends can see. Used by the property tests and by the fuzz targets.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rand_core::{CryptoRng, RngCore};

use super::recording::{Opening, Pairing};
use super::{
    Config, ConnectionId, Cut, Now, Offer, Output, Rate, Router, Technician, TechnicianId, Verdict,
};
use crate::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::crypto::{SigningKey, hash};
use crate::frame::{Class, Direction, HEADER_BYTES, Header};
use crate::messages::{
    AgentToRelay, CaseNumber, ConsoleToRelay, End, RecordingOpen, Refusal, RelayToAgent,
    RelayToConsole, SessionId, VERSION,
};
use crate::pairing::{Confirm, Context};
use crate::rights::Rights;
use crate::sealing::{self, Binding, SealedKey};
use crate::wire::{Blob, List, Text, Wire};

/// Runs the operations that `data` stands for. Panics if the router lets pass what the rights
/// frames it forwarded do not cover, or speaks to a connection that is not there.
#[doc(hidden)]
pub fn fuzz(data: &[u8]) {
    play(data);
}

/// How many frames of each class were forwarded.
pub(super) type Forwarded = [u32; Class::ALL.len()];

pub(super) fn play(data: &[u8]) -> Forwarded {
    let mut input = Bytes(data);
    let mut run = Run::begun(input.next());
    while !input.0.is_empty() {
        run.step(&mut input);
        run.drain();
    }
    let end = run.now + Duration::from_secs(24 * 3600);
    run.pass(end);
    assert_eq!(run.router.sessions().0, 0, "codes expire");
    run.forwarded
}

/// What the agent's end can know of the lock.
#[derive(Debug, Default, Clone, Copy)]
struct Model {
    epoch: u32,
    recorded: bool,
    granted: Option<(u32, Rights)>,
    barred: bool,
}

/// What the recorder knows of a recording.
#[derive(Debug, Clone, Default)]
struct Kept {
    epochs: Vec<u32>,
    signed: Option<u32>,
    failed: bool,
    over: bool,
    opening: Option<Opening>,
    first: Option<SignedCheckpoint>,
}

/// The technicians' keys: made once for all runs.
static KEYS: LazyLock<[SigningKey; 4]> =
    LazyLock::new(|| [1, 2, 3, 4].map(|seed| SigningKey::draw(&mut Counter(seed))));

#[derive(Clone)]
struct Run {
    router: Router,
    offer: Offer,
    keys: &'static [SigningKey; 4],
    rng: Counter,
    now: Duration,
    next: u64,
    agents: Vec<ConnectionId>,
    consoles: Vec<ConnectionId>,
    open: HashSet<ConnectionId>,
    closing: HashSet<ConnectionId>,
    models: HashMap<ConnectionId, Model>,
    kept: HashMap<SessionId, Kept>,
    starting: VecDeque<Opening>,
    /// What a console offered last, and what it was paired with.
    offered: HashMap<ConnectionId, (SessionId, u8)>,
    paired: HashMap<SessionId, Arc<Pairing>>,
    sessions: Vec<SessionId>,
    nameplates: Vec<String>,
    numbers: HashMap<(ConnectionId, u32, Class), u64>,
    forwarded: Forwarded,
}

/// Where runs begin, by the middle bits of their first byte: signatures cost a thousand times as much as the
/// rest, and are made once for what most runs begin with.
static BEGUN: LazyLock<[Run; 4]> = LazyLock::new(|| {
    let paired = |by: u8, rights: &[u8]| {
        let mut run = Run::new(0);
        run.pair(by);
        let mut rights = Bytes(rights);
        if !rights.0.is_empty() {
            run.frame(&mut rights);
        }
        run
    };
    [
        paired(RECORDED, &[]),
        // The newest agent's first rights frame of epoch 1: grant 1, control.
        paired(RECORDED, &[0, 0, 4]),
        paired(0, &[]),
        paired(0, &[0, 0, 5]),
    ]
});

/// A pairing by this one is recorded.
const RECORDED: u8 = 1;

impl Run {
    /// What the first byte says: nobody there yet, or two that are paired.
    fn begun(flags: u8) -> Self {
        match usize::from(flags >> 1 & 7) {
            begun @ 1..=4 => BEGUN[begun - 1].clone(),
            _ => Self::new(flags),
        }
    }

    fn new(flags: u8) -> Self {
        let offer = match flags & 1 {
            0 => Offer::Recorded,
            _ => Offer::Unavailable,
        };
        let config = Config {
            max_sessions: 8,
            joins: Rate {
                burst: 50,
                every: Duration::from_secs(1),
            },
            ..Config::default()
        };
        Self {
            router: Router::new(config),
            offer,
            keys: &KEYS,
            rng: Counter(u64::from(flags)),
            now: Duration::ZERO,
            next: 0,
            agents: Vec::new(),
            consoles: Vec::new(),
            open: HashSet::new(),
            closing: HashSet::new(),
            models: HashMap::new(),
            kept: HashMap::new(),
            starting: VecDeque::new(),
            offered: HashMap::new(),
            paired: HashMap::new(),
            sessions: Vec::new(),
            nameplates: Vec::new(),
            numbers: HashMap::new(),
            forwarded: Forwarded::default(),
        }
    }

    fn step(&mut self, input: &mut Bytes<'_>) {
        match input.next() % 16 {
            0 => drop(self.connect_agent(input.next())),
            1 => drop(self.connect_console(input.next())),
            2 => self.pair(input.next()),
            3 => {
                let id = self.any(input.next());
                self.disconnect(id);
            }
            4 | 5 => self.agent_says(input),
            6 | 7 => self.console_says(input),
            8..=11 => self.frame(input),
            12 => self.pass(self.now + Duration::from_secs(u64::from(input.next()))),
            13 => match input.next() {
                0 => self.router.handle_drain(self.now()),
                1 => {
                    let within = Duration::from_secs(30);
                    self.router.handle_maintenance(within, self.now());
                }
                by if by % 8 == 7 => self.router.handle_malformed(self.any(by >> 3), self.now()),
                by => self
                    .router
                    .handle_revoked(TechnicianId(i64::from(by % 4)), self.now()),
            },
            14 => self.recorder(input),
            _ => {
                let id = self.any(input.next());
                let length = usize::from(input.next());
                let bytes = input.take(length);
                let now = self.now();
                if let Ok(message) = AgentToRelay::from_bytes(bytes) {
                    self.router.handle_agent(id, message, now, &mut self.rng);
                }
                if let Ok(message) = ConsoleToRelay::from_bytes(bytes) {
                    self.router.handle_console(id, message, now, &mut self.rng);
                }
            }
        }
    }

    /// A whole honest pairing, so that short inputs get far.
    fn pair(&mut self, by: u8) {
        let console = self.connect_console(by);
        self.console(console, ConsoleToRelay::NewSession);
        let agent = self.connect_agent(by);
        let Some(nameplate) = self
            .nameplates
            .last()
            .and_then(|n| Text::new(n.as_str()).ok())
        else {
            return;
        };
        self.agent(agent, AgentToRelay::Join { nameplate });
        self.agent(
            agent,
            AgentToRelay::Share {
                share: Blob(vec![1; 33]),
            },
        );
        self.console(
            console,
            ConsoleToRelay::Reply {
                share: Blob(vec![2; 33]),
                confirmation: [2; 32],
            },
        );
        let confirm = AgentToRelay::Confirm {
            confirmation: [3; 32],
            agent_key: [3; 32],
            nonce: [3; 32],
        };
        self.agent(agent, confirm);
        self.console(console, ConsoleToRelay::Paired);
        let hash = crate::crypto::hash(&[by; 32]);
        self.agent(agent, AgentToRelay::ResumeHash { hash });
        self.console(console, ConsoleToRelay::ResumeHash { hash });
        let recorded = by % 8 == RECORDED && self.offer == Offer::Recorded;
        let recording = recorded.then(|| recording_open(0));
        self.agent(
            agent,
            AgentToRelay::EpochOpen {
                epoch: 1,
                recording,
            },
        );
        if recorded && let Some(session) = self.sessions.last().copied() {
            let confirm = Confirm {
                confirmation: [3; 32],
                agent_key: [3; 32],
                nonce: [3; 32],
            };
            let context = Context {
                relay_name: String::new(),
                ca: [0; 32],
                configuration: [by; 32],
                session,
                nameplate: self.nameplates.last().cloned().unwrap_or_default(),
            };
            let shares = (Blob(vec![1; 33]), Blob(vec![2; 33]));
            let technician = self.technician(by).into();
            let pairing = Pairing::new(context, shares, [2; 32], confirm, technician);
            self.paired.insert(session, Arc::new(pairing));
            self.sign(console, (false, true, 1));
            self.ready();
            self.sign(console, (true, true, 1));
        }
    }

    fn technician(&self, by: u8) -> Technician {
        let chain = vec![vec![by % 4; 8]];
        Technician {
            id: TechnicianId(i64::from(by % 4)),
            key: self.keys[usize::from(by % 4)].public(),
            leaf: hash(&chain[0]),
            chain,
        }
    }

    /// A console signs the transcript or an epoch, rightly or not.
    fn sign(&mut self, console: ConnectionId, (of_epoch, rightly, epoch): (bool, bool, u32)) {
        let Some((session, by)) = self.offered.get(&console).copied() else {
            return;
        };
        let key = &self.keys[usize::from(by % 4)];
        let kept = self.kept.get(&session);
        let (label, mut message) = match of_epoch {
            false => match self.paired.get(&session) {
                Some(pairing) => ("technician", pairing.th2.to_vec()),
                None => return,
            },
            true => match kept.map(|kept| (&kept.opening, &kept.first)) {
                Some((Some(opening), Some(first))) => ("epoch", to_sign(opening, first)),
                Some(_) | None => return,
            },
        };
        if !rightly {
            message.push(0);
        }
        let signature = key.sign(label, &message);
        let message = match of_epoch {
            false => ConsoleToRelay::Transcript {
                epoch,
                signature,
                case: CaseNumber::default(),
            },
            true => ConsoleToRelay::EpochSignature { epoch, signature },
        };
        self.console(console, message);
    }

    /// The recorder has written the oldest opening that it was given.
    fn ready(&mut self) {
        let Some(opening) = self.starting.pop_front() else {
            return;
        };
        let (session, epoch) = (opening.session, opening.epoch);
        let kept = self.kept.entry(session).or_default();
        if kept.failed || kept.over {
            return;
        }
        kept.epochs.push(epoch);
        let checkpoint = Checkpoint {
            rid: opening.recording.rid,
            length: u64::from(epoch),
            chain: [1; 32],
            heads: List(vec![]),
            time: 1,
        };
        let first = SignedCheckpoint {
            checkpoint,
            signature: [0; 64],
        };
        kept.opening = Some(opening);
        kept.first = Some(first.clone());
        let now = self.now();
        self.router
            .handle_recording_ready(session, epoch, List(vec![]), first, now);
        self.drain();
    }

    /// Something becomes of a recording.
    fn recorder(&mut self, input: &mut Bytes<'_>) {
        let (what, by) = (input.next(), input.next());
        if what % 5 == 0 {
            return self.ready();
        }
        let session = self.session(by);
        let Some(kept) = self.kept.get_mut(&session) else {
            return;
        };
        let now = Now {
            since_start: self.now,
            unix_s: UNIX_S,
        };
        match what % 5 {
            1 if !kept.over => {
                kept.failed = true;
                kept.epochs.clear();
                kept.signed = None;
                self.starting.retain(|opening| opening.session != session);
                self.router.handle_recorder_failed(session);
            }
            2 => {
                kept.failed = false;
                self.router.handle_recorder_back(session);
            }
            3 if kept.over => {
                let last = kept.first.clone().filter(|_| !kept.failed);
                self.router.handle_recording_finished(session, last, now);
            }
            _ => {
                if let Some(first) = kept.first.clone() {
                    self.router.handle_checkpoint(session, first);
                }
            }
        }
        self.drain();
    }

    fn connect_agent(&mut self, by: u8) -> ConnectionId {
        let id = self.id();
        self.agents.push(id);
        self.router
            .handle_agent_connected(id, self.offer, address(by), self.now());
        if by < 250 {
            self.agent(
                id,
                AgentToRelay::Hello {
                    version: VERSION,
                    configuration: [by; 32],
                },
            );
        }
        id
    }

    fn connect_console(&mut self, by: u8) -> ConnectionId {
        let id = self.id();
        self.consoles.push(id);
        let technician = (by < 250).then(|| self.technician(by));
        self.offered.insert(id, (SessionId::default(), by));
        self.router
            .handle_console_connected(id, technician, address(by), self.now());
        self.console(id, ConsoleToRelay::Hello { version: VERSION });
        id
    }

    fn id(&mut self) -> ConnectionId {
        let id = ConnectionId(self.next);
        self.next += 1;
        self.open.insert(id);
        id
    }

    fn disconnect(&mut self, id: ConnectionId) {
        self.open.remove(&id);
        self.models.remove(&id);
        self.router.handle_disconnected(id, self.now());
    }

    fn agent_says(&mut self, input: &mut Bytes<'_>) {
        let id = pick(&self.agents, input.next());
        let by = input.next();
        let message = match input.next() % 10 {
            0 => AgentToRelay::Hello {
                version: u16::from(by % 2),
                configuration: [by; 32],
            },
            1 => match self
                .nameplates
                .get(usize::from(by) % self.nameplates.len().max(1))
            {
                Some(nameplate) => AgentToRelay::Join {
                    nameplate: Text::new(nameplate.as_str())
                        .expect("digits are no control characters"),
                },
                None => return,
            },
            2 => AgentToRelay::Share {
                share: Blob(vec![by; 33]),
            },
            3 => AgentToRelay::Confirm {
                confirmation: [by; 32],
                agent_key: [by; 32],
                nonce: [by; 32],
            },
            4 => AgentToRelay::Peer {
                packet: Blob(vec![by]),
            },
            5 => AgentToRelay::EpochOpen {
                epoch: u32::from(by % 8),
                recording: (by & 8 != 0).then(|| recording_open(by >> 4)),
            },
            9 => AgentToRelay::ReceiptDone,
            6 => AgentToRelay::ResumeHash {
                hash: crate::crypto::hash(&[by; 32]),
            },
            7 => AgentToRelay::Resume {
                session: self.session(by),
                token: [by; 32],
                next_hash: crate::crypto::hash(&[by; 32]),
            },
            _ => AgentToRelay::End {
                reason: End::Customer,
            },
        };
        self.agent(id, message);
    }

    fn console_says(&mut self, input: &mut Bytes<'_>) {
        let id = pick(&self.consoles, input.next());
        let by = input.next();
        let message = match input.next() % 12 {
            0 => ConsoleToRelay::Hello {
                version: u16::from(by % 2),
            },
            1 => ConsoleToRelay::Enrol {
                secret: [by; 16],
                request: Blob(vec![by]),
            },
            2 => ConsoleToRelay::NewSession,
            3 => ConsoleToRelay::Reply {
                share: Blob(vec![by; 33]),
                confirmation: [by; 32],
            },
            4 => ConsoleToRelay::Paired,
            5 => ConsoleToRelay::PairingFailed,
            6 => ConsoleToRelay::Peer {
                packet: Blob(vec![by]),
            },
            7 => ConsoleToRelay::ResumeHash {
                hash: crate::crypto::hash(&[by; 32]),
            },
            8 => ConsoleToRelay::Resume {
                session: self.session(by),
                token: [by; 32],
                next_hash: crate::crypto::hash(&[by; 32]),
            },
            9 => ConsoleToRelay::End {
                reason: End::Technician,
            },
            what => {
                let signing = (what == 11, by & 8 == 0, u32::from(by % 8));
                return self.sign(id, signing);
            }
        };
        self.console(id, message);
    }

    fn agent(&mut self, id: ConnectionId, message: AgentToRelay) {
        let now = self.now();
        self.router.handle_agent(id, message, now, &mut self.rng);
        self.drain();
    }

    fn console(&mut self, id: ConnectionId, message: ConsoleToRelay) {
        let now = self.now();
        self.router.handle_console(id, message, now, &mut self.rng);
        self.drain();
    }

    /// A frame, mostly with the right number, judged beside the model.
    fn frame(&mut self, input: &mut Bytes<'_>) {
        let (by, what, how) = (input.next(), input.next(), input.next());
        if what == 255 {
            let mut bytes = [0; HEADER_BYTES];
            let taken = input.take(HEADER_BYTES);
            bytes[..taken.len()].copy_from_slice(taken);
            if let Ok(header) = Header::decode(&bytes) {
                let id = self.any(by);
                self.judge(id, &header);
            }
            return;
        }
        let class = Class::ALL[usize::from(what) % Class::ALL.len()];
        let direction = if class.allows(Direction::AgentToConsole) {
            Direction::AgentToConsole
        } else {
            Direction::ConsoleToAgent
        };
        let id = match direction {
            Direction::AgentToConsole => pick(&self.agents, by),
            Direction::ConsoleToAgent => pick(&self.consoles, by),
        };
        let epoch = 1 + u32::from(how >> 6);
        let rights =
            [Rights::Control, Rights::View, Rights::None, Rights::Control][usize::from(how & 3)];
        let number = self.numbers.entry((id, epoch, class)).or_default();
        let header = Header {
            epoch,
            direction,
            class,
            number: if what > 250 { u64::from(how) } else { *number },
            grant: u32::from((how >> 2) & 15),
            rights,
            length: 32,
        };
        *number += 1;
        self.judge(id, &header);
    }

    fn judge(&mut self, id: ConnectionId, header: &Header) {
        let verdict = self.router.handle_frame_header(id, header, self.now());
        let mut taken = None;
        let verdict = match verdict {
            Verdict::Record { ticket, recording } => {
                assert_eq!(header.class, Class::Input);
                self.check_kept(recording, header);
                // Whatever happens before the recorder's answer counts.
                self.drain();
                taken = Some(recording);
                self.router.handle_recorded(id, ticket)
            }
            Verdict::Forward { .. } if header.class == Class::Input => {
                panic!("input past the recorder")
            }
            Verdict::Forward { .. }
            | Verdict::Hold
            | Verdict::Tombstone { .. }
            | Verdict::Discard { .. }
            | Verdict::Refuse
            | Verdict::Tampered => verdict,
        };
        match verdict {
            Verdict::Forward { to, recording } => {
                assert!(self.open.contains(&to) && to != id, "forwarded to nobody");
                self.check(id, to, header, taken.or(recording));
                self.forwarded[header.class as usize] += 1;
            }
            Verdict::Tombstone { recording, .. } | Verdict::Discard { recording } => {
                assert!(header.class.in_order());
                if let Some(recording) = recording {
                    self.check_kept(recording, header);
                }
            }
            Verdict::Record { .. } | Verdict::Hold | Verdict::Refuse | Verdict::Tampered => {}
        }
        self.drain();
    }

    /// Only frames of epochs that the recorder has begun and kept are recorded.
    fn check_kept(&self, recording: SessionId, header: &Header) {
        let kept = self.kept.get(&recording).expect("it was begun");
        assert!(kept.epochs.contains(&header.epoch), "not a recorded epoch");
        assert!(!kept.failed && !kept.over, "the recorder takes nothing");
    }

    fn check(
        &mut self,
        id: ConnectionId,
        target: ConnectionId,
        header: &Header,
        recording: Option<SessionId>,
    ) {
        let agent = if header.direction == Direction::AgentToConsole {
            id
        } else {
            target
        };
        let model = self.models.entry(agent).or_default();
        assert_eq!(model.epoch, header.epoch, "a frame of another epoch");
        let healthy = model.recorded && !model.barred;
        assert_eq!(
            recording.is_some(),
            healthy,
            "recorded exactly if it is to be"
        );
        match header.class {
            Class::Rights => {
                assert!(model.granted.is_none_or(|(grant, _)| header.grant > grant));
                model.granted = Some((header.grant, header.rights));
            }
            Class::Input | Class::Beacon => {
                assert!(healthy, "control without a recorder");
                assert_eq!(model.granted, Some((header.grant, Rights::Control)));
            }
            Class::Pointer | Class::Picture | Class::Refinement => {
                assert_eq!(model.granted.map(|(grant, _)| grant), Some(header.grant));
                assert!(model.granted.is_some_and(|(_, rights)| rights.view()));
            }
            Class::Acks | Class::Heads | Class::Notices | Class::Transfer => {}
        }
        if let Some(recording) = recording {
            self.check_kept(recording, header);
            let signed = self.kept.get(&recording).and_then(|kept| kept.signed);
            let needs_rights =
                header.class.shows_screen() || matches!(header.class, Class::Input | Class::Beacon);
            assert!(
                !needs_rights || signed == Some(header.epoch),
                "rights before the technician has signed"
            );
        }
    }

    fn pass(&mut self, until: Duration) {
        while let Some(due) = self.router.poll_timeout().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.router.handle_timeout(self.now());
            self.drain();
        }
        self.now = until;
    }

    fn drain(&mut self) {
        while let Some(output) = self.router.poll_output() {
            match output {
                Output::ToAgent {
                    connection,
                    message,
                } => {
                    assert!(self.open.contains(&connection), "a message to nobody");
                    assert!(
                        !self.closing.contains(&connection),
                        "a message behind the end"
                    );
                    self.agent_hears(connection, message);
                }
                Output::ToConsole {
                    connection,
                    message,
                } => {
                    assert!(self.open.contains(&connection), "a message to nobody");
                    assert!(
                        !self.closing.contains(&connection),
                        "a message behind the end"
                    );
                    if let RelayToConsole::Session {
                        session, nameplate, ..
                    } = message
                    {
                        self.sessions.push(session);
                        if let Some((offered, _)) = self.offered.get_mut(&connection) {
                            *offered = session;
                        }
                        self.nameplates.push(nameplate.as_str().to_owned());
                    }
                }
                Output::Close { connection } => {
                    self.closing.insert(connection);
                }
                Output::CutStreams { connection, cut } => {
                    assert_ne!(cut, Cut::Nothing);
                    assert!(self.open.contains(&connection));
                }
                Output::Seated { connection } => assert!(self.open.contains(&connection)),
                Output::Rejudge { connection } => assert!(self.open.contains(&connection)),
                Output::Enrol {
                    connection, secret, ..
                } => {
                    let result = match secret[0] % 2 {
                        0 => Ok(vec![vec![0; 8]]),
                        _ => Err(Refusal::Token),
                    };
                    self.router.handle_enrolment(connection, result);
                }
                Output::StartRecording(opening) => self.start(*opening),
                Output::RecordSignature { session, epoch, .. } => {
                    let kept = self.kept.get_mut(&session).expect("it was begun");
                    assert!(kept.epochs.contains(&epoch) && !kept.failed);
                    kept.signed = Some(epoch);
                }
                Output::FinishRecording { session, .. } => {
                    let kept = self.kept.get_mut(&session).expect("it was begun");
                    assert!(!kept.over, "a recording ends once");
                    kept.over = true;
                }
                Output::ReceiptDone { session } => {
                    assert!(self.kept.get(&session).is_some_and(|kept| kept.over));
                }
                Output::Event(_) => {}
            }
        }
        let (waiting, paired) = self.router.sessions();
        assert!(waiting + paired <= 8, "more sessions than configured");
    }

    fn start(&mut self, opening: Opening) {
        assert_eq!(
            self.offer,
            Offer::Recorded,
            "a recording that was not offered"
        );
        let stated = crate::retention::latest_deletion(UNIX_S);
        assert!(opening.recording.deletion <= stated, "kept for too long");
        assert!(!opening.recording.sealed_keys.0.is_empty());
        let kept = self.kept.entry(opening.session).or_default();
        assert!(!kept.failed && !kept.over);
        if let Some(before) = &kept.opening {
            let (is, was) = (&opening.recording, &before.recording);
            assert_eq!((is.rid, is.deletion), (was.rid, was.deletion));
            assert!(opening.epoch > before.epoch);
        }
        self.starting.push_back(opening);
    }

    fn agent_hears(&mut self, id: ConnectionId, message: RelayToAgent) {
        let model = self.models.entry(id).or_default();
        match message {
            RelayToAgent::EpochOpened { epoch } => {
                *model = Model {
                    epoch,
                    ..Model::default()
                }
            }
            RelayToAgent::Recording { epoch, .. } => {
                *model = Model {
                    epoch,
                    recorded: true,
                    ..Model::default()
                }
            }
            RelayToAgent::PeerLost | RelayToAgent::Resumed | RelayToAgent::Ended { .. } => {
                model.granted = None
            }
            RelayToAgent::RecorderFailed => model.barred = true,
            RelayToAgent::Hello { .. }
            | RelayToAgent::Joined { .. }
            | RelayToAgent::Refused { .. }
            | RelayToAgent::Reply { .. }
            | RelayToAgent::Checkpoint { .. }
            | RelayToAgent::RecorderBack
            | RelayToAgent::Peer { .. } => {}
        }
    }

    /// A session, the newest for 0.
    fn session(&self, by: u8) -> SessionId {
        let at = usize::from(by) % self.sessions.len().max(1);
        let session = self.sessions.iter().rev().nth(at);
        session.copied().unwrap_or_default()
    }

    fn now(&self) -> Now {
        Now {
            since_start: self.now,
            unix_s: UNIX_S,
        }
    }

    fn any(&self, by: u8) -> ConnectionId {
        ConnectionId(u64::from(by) % self.next.max(1))
    }
}

fn pick(ids: &[ConnectionId], by: u8) -> ConnectionId {
    // Small numbers mean the newest: they are the ones that are still there.
    let at = usize::from(by) % ids.len().max(1);
    ids.iter().rev().nth(at).copied().unwrap_or(ConnectionId(0))
}

/// What an agent may send for a recorded epoch; 0 is what it should.
fn recording_open(how: u8) -> RecordingOpen {
    let key = SealedKey {
        auditor: [0; 32],
        sealed: Blob(vec![0; 64]),
    };
    RecordingOpen {
        rid: [how & 1; 16],
        commitment: [5; 32],
        sealed_keys: List(vec![key; usize::from(how & 2 == 0)]),
        open_hash: [6; 32],
        lookup_hash: [7; 32],
        deletion: match how & 4 {
            0 => UNIX_S + 1_000,
            _ => u64::MAX,
        },
    }
}

fn to_sign(opening: &Opening, first: &SignedCheckpoint) -> Vec<u8> {
    let binding = Binding {
        session: opening.session,
        rid: opening.recording.rid,
        epoch: opening.epoch,
        commitment: opening.recording.commitment,
        leaf: opening.pairing.technician.leaf,
        th2: opening.pairing.th2,
    };
    sealing::epoch_message(&binding, &opening.sealed_keys_hash, &first.hash())
}

fn address(by: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, by, 1).into()
}

const UNIX_S: u64 = 1_800_000_000;

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn next(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (head, tail) = self.0.split_at(length.min(self.0.len()));
        self.0 = tail;
        head
    }
}

/// Reproducible; nothing in a router under test is secret.
#[derive(Clone)]
struct Counter(u64);

impl RngCore for Counter {
    fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }
    fn next_u64(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0
    }
    fn fill_bytes(&mut self, dest: &mut [u8]) {
        for byte in dest {
            *byte = (self.next_u64() >> 56) as u8;
        }
    }
    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

impl CryptoRng for Counter {}
