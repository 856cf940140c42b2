//! The technician's side of a session, decided without I/O, clock or threads.
//!
//! ```text
//! Idle ─ NewSession ─► Requested ─ Session ─► Offered ─ Share, Confirm ─► Paired ─► … ─► Ended
//!                          ▲                    │ 10 minutes                         │
//!                          ├──── NewSession ─── Over                                  │
//!                          ├──── 3 tries: replaced by itself, a few times             │
//!                          └──────────────────────────────────────────── NewSession ──┘
//! ```
//!
//! In: relay messages, records and frames, the technician's commands, lost and new links, time.
//! Out: [`Output`]s, and the [`Stage`] to show. What may be drawn and sent is the mirror's to
//! say; this module never widens it.
//!
//! Not here: QUIC ([`super::link`]), decoding pictures ([`super::painter`]).

#[path = "hands.rs"]
mod hands;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fernsicht_protocol::code::{Password, SessionCode};
use fernsicht_protocol::content::{Cause, Pointer};
use fernsicht_protocol::crypto::hash;
use fernsicht_protocol::frame::Frame;
use fernsicht_protocol::guard::Mirror;
use fernsicht_protocol::messages::{
    AgentToConsole, CaseNumber, ConsoleToAgent, ConsoleToRelay, End, Refusal, RelayToConsole,
    SessionId, VERSION,
};
use fernsicht_protocol::pairing::{self, console as side};
use fernsicht_protocol::transfer::Reason;
use fernsicht_protocol::unit::Record;
use fernsicht_protocol::wire::{Blob, List, Wire};
use rand_core::OsRng;
use zeroize::Zeroizing;

use super::chat::Chat;
use super::disk::{Done, Job, Ticket};
use super::paired::{EpochStart, Paired, Resume};
use super::pieces::Pieces;
use super::recorded::Confirmed;
use crate::identity::Identity;
use crate::view::{self, CodeOver, CodeState, Link, Problem, Recorder, Stage};

/// Tries per code (SPEC "Code").
const TRIES: u8 = 3;

/// How often a code whose tries are spent is replaced without the technician. Whoever spends more than that
/// does it on purpose, and has found the nameplates.
const REPLACEMENTS: u8 = 5;

/// The longest that a customer's page waits for an answer, whatever the agent says.
const LONGEST_WAIT_S: u16 = 3600;

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Output {
    /// Say this to the relay.
    Relay(ConsoleToRelay),
    /// Send this frame on the stream of its class.
    Frame(Frame),
    /// A new code to read out.
    Code(String),
    /// Sight has begun: draw only what comes from now on.
    Fresh,
    /// The picture goes, now.
    Blank,
    /// A session begins or is over: picture and pointer go, now.
    Forget,
    /// An opened picture or refinement update.
    Picture(Vec<u8>),
    /// The customer's pointer.
    Pointer(Pointer),
    /// Work for the disk; the answer comes by [`Core::handle_disk`].
    Disk(Job),
    /// The session is over for this reason: say so behind everything that was sent, then close.
    Goodbye(End),
    /// The connection is not needed any more.
    Close,
}

enum Phase {
    Idle {
        problem: Option<Problem>,
    },
    /// The link is being made, or the relay asked; so many codes were spent before this one.
    Requested {
        replaced: u8,
    },
    Offered(Box<Offered>),
    Over(CodeOver),
    Paired(Box<Paired>),
    Ended(End),
}

struct Offered {
    session: SessionId,
    code: SessionCode,
    until: Instant,
    tries: u8,
    /// How many codes in a row were spent before this one.
    replaced: u8,
    state: CodeState,
    attempt: Option<side::Responded>,
}

/// The core.
pub(crate) struct Core {
    identity: Arc<Identity>,
    phase: Phase,
    /// By which certificates are checked, in seconds since 1970 UTC.
    unix_s: u64,
    /// True once the relay has answered our hello on this link.
    greeted: bool,
    /// The technician's case number, for the next session.
    case: CaseNumber,
    /// When the relay ends for maintenance, if it has said so in this session.
    maintenance: Option<Instant>,
    out: VecDeque<Output>,
}

impl Core {
    pub(crate) fn new(identity: Arc<Identity>) -> Self {
        Self {
            identity,
            phase: Phase::Idle { problem: None },
            unix_s: 0,
            greeted: false,
            case: CaseNumber::default(),
            maintenance: None,
            out: VecDeque::new(),
        }
    }

    /// What to do next.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Offered(offered) => Some(offered.until),
            Phase::Paired(paired) => {
                let recorded = paired.recorded.as_ref().filter(|_| paired.keys.is_some());
                let heads = recorded.and_then(|recorded| recorded.poll_timeout());
                [heads, paired.silence_due()].into_iter().flatten().min()
            }
            Phase::Idle { .. } | Phase::Requested { .. } | Phase::Over(_) | Phase::Ended(_) => None,
        }
    }

    /// The page to show.
    pub(crate) fn stage(&self) -> Stage {
        match &self.phase {
            Phase::Idle { problem } => Stage::Ready {
                problem: problem.clone(),
            },
            Phase::Requested { .. } => Stage::Connecting,
            Phase::Offered(o) => Stage::Code(view::Code {
                grouped: o.code.grouped(),
                until: o.until,
                tries: o.tries,
                replaces: o.replaced > 0,
                state: o.state,
            }),
            Phase::Over(why) => Stage::CodeOver { why: *why },
            Phase::Paired(p) if p.begun || p.link != Link::Whole => Stage::Session(p.view()),
            Phase::Paired(p) => Stage::Deciding {
                page: p.page.clone(),
                until: p.until,
            },
            Phase::Ended(reason) => Stage::Ended {
                reason: reason.clone(),
            },
        }
    }

    /// When the relay ends for maintenance, while a session is still there.
    pub(crate) fn maintenance(&self) -> Option<Instant> {
        self.paired().and(self.maintenance)
    }

    /// Counts input that the agent said it did not take.
    pub(crate) fn dropped(&self) -> u64 {
        self.paired().map_or(0, |p| p.dropped)
    }

    /// True while a connection is needed.
    pub(crate) fn wants_link(&self) -> bool {
        matches!(
            self.phase,
            Phase::Requested { .. } | Phase::Offered(_) | Phase::Paired(_)
        )
    }

    /// True if a lost connection is to be made again.
    pub(crate) fn resumable(&self) -> bool {
        matches!(self.phase, Phase::Paired(_))
    }

    /// The technician wants a code. The link, if there is one, is used.
    pub(crate) fn start(&mut self) {
        if self.paired().is_some() {
            return;
        }
        self.request(0);
    }

    /// The technician ends the session or gives the code up.
    pub(crate) fn end(&mut self) {
        match &self.phase {
            Phase::Paired(_) => self.abort(End::Technician),
            Phase::Requested { .. } | Phase::Offered(_) | Phase::Over(_) | Phase::Ended(_) => {
                self.phase = Phase::Idle { problem: None };
                self.out.push_back(Output::Close);
            }
            Phase::Idle { .. } => self.phase = Phase::Idle { problem: None },
        }
    }

    /// A connection stands.
    pub(crate) fn handle_connected(&mut self) {
        self.greeted = false;
        self.out
            .push_back(Output::Relay(ConsoleToRelay::Hello { version: VERSION }));
        let Phase::Paired(paired) = &mut self.phase else {
            return;
        };
        let session = paired.session;
        let message = paired.resume.ask(session);
        self.out.push_back(Output::Relay(message));
    }

    /// The connection could not be made, or broke, and is not made again.
    pub(crate) fn handle_failed(&mut self, problem: Problem) {
        self.greeted = false;
        match self.phase {
            Phase::Paired(_) => self.finish(End::Lost),
            Phase::Requested { .. } | Phase::Offered(_) => {
                self.phase = Phase::Idle {
                    problem: Some(problem),
                }
            }
            Phase::Idle { .. } | Phase::Over(_) | Phase::Ended(_) => {}
        }
    }

    /// The connection broke and is being made again.
    pub(crate) fn handle_lost(&mut self) {
        self.greeted = false;
        let Phase::Paired(paired) = &mut self.phase else {
            return;
        };
        paired.lose(Link::OwnLost, &mut self.out);
    }

    /// Time has passed.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        match &mut self.phase {
            Phase::Offered(offered) if offered.until <= now => self.over(CodeOver::Expired),
            Phase::Paired(paired) => {
                paired.silent |= paired.silence_due().is_some_and(|due| due <= now);
                paired.state_heads_if_due(&self.identity.key, now, &mut self.out);
            }
            Phase::Idle { .. }
            | Phase::Requested { .. }
            | Phase::Offered(_)
            | Phase::Over(_)
            | Phase::Ended(_) => {}
        }
    }

    /// The time by which certificates are checked, in seconds since 1970 UTC. Told before what
    /// the relay says.
    pub(crate) fn handle_clock(&mut self, unix_s: u64) {
        self.unix_s = unix_s;
        if let Phase::Paired(paired) = &mut self.phase {
            paired.chat.unix_s = unix_s;
        }
    }

    /// The relay says something.
    pub(crate) fn handle_relay(&mut self, message: RelayToConsole, now: Instant) {
        match message {
            RelayToConsole::Hello { version, .. } => self.handle_hello(version),
            RelayToConsole::Enrolled { .. } => self.misfit(),
            RelayToConsole::Session {
                session,
                nameplate,
                valid_s,
            } => {
                self.handle_session(session, nameplate.as_str(), valid_s, now);
            }
            RelayToConsole::CodeExpired => {
                // Before its time it can only have been spent.
                match &self.phase {
                    Phase::Offered(offered) if now < offered.until => self.replace(),
                    Phase::Offered(_) => self.over(CodeOver::Expired),
                    Phase::Idle { .. }
                    | Phase::Requested { .. }
                    | Phase::Over(_)
                    | Phase::Paired(_)
                    | Phase::Ended(_) => {}
                }
            }
            RelayToConsole::Share {
                configuration,
                share,
            } => self.handle_share(configuration, &share.0),
            RelayToConsole::Confirm {
                confirmation,
                agent_key,
                nonce,
            } => {
                self.handle_confirm(&pairing::Confirm {
                    confirmation,
                    agent_key,
                    nonce,
                });
            }
            RelayToConsole::AgentLeft => self.handle_agent_left(),
            RelayToConsole::Peer { packet } => self.handle_peer(&packet.0, now),
            RelayToConsole::PeerLost => {
                if let Phase::Paired(paired) = &mut self.phase {
                    paired.lose(Link::PeerLost, &mut self.out);
                }
            }
            RelayToConsole::Resumed => self.handle_resumed(),
            RelayToConsole::RecorderFailed => {
                if let Phase::Paired(paired) = &mut self.phase {
                    paired.recorder = Recorder::Failed;
                }
            }
            RelayToConsole::RecorderBack => {
                if let Phase::Paired(paired) = &mut self.phase
                    && paired.recorder == Recorder::Failed
                {
                    paired.recorder = Recorder::Back;
                }
            }
            RelayToConsole::Recording {
                epoch,
                chain,
                checkpoint,
            } => {
                let relay = &self.identity.relay;
                let confirmed = Confirmed::verify(epoch, &chain, checkpoint, relay, self.unix_s);
                self.handle_recording(confirmed, now);
            }
            RelayToConsole::Checkpoint { checkpoint } => {
                if let Phase::Paired(paired) = &mut self.phase {
                    paired.handle_checkpoint(&checkpoint);
                }
            }
            RelayToConsole::Maintenance { seconds } => {
                self.maintenance = Some(now + Duration::from_secs(seconds.into()));
            }
            RelayToConsole::Refused { reason } => self.handle_refused(&reason),
            RelayToConsole::Ended { reason } => match self.phase {
                Phase::Paired(_) | Phase::Requested { .. } | Phase::Offered(_) => {
                    self.finish(reason);
                }
                Phase::Idle { .. } | Phase::Over(_) | Phase::Ended(_) => {}
            },
        }
        self.tell_mismatch();
    }

    /// A record or frame has come at this time. Told before it.
    pub(crate) fn handle_heard(&mut self, now: Instant) {
        if let Phase::Paired(paired) = &mut self.phase {
            paired.handle_heard(now);
        }
    }

    /// A record of an in-order stream.
    pub(crate) fn handle_record(&mut self, record: Record) {
        let Phase::Paired(paired) = &mut self.phase else {
            return;
        };
        let reason = paired.handle_record(record, &mut self.out).err();
        if let Some(reason) = reason {
            self.abort(reason);
        }
        self.tell_mismatch();
    }

    /// The disk has done its job.
    pub(crate) fn handle_disk(&mut self, ticket: Ticket, done: Done) {
        if let Phase::Paired(paired) = &mut self.phase {
            paired.handle_disk(ticket, done, &mut self.out);
        }
    }

    /// A frame that came on a stream of its own.
    pub(crate) fn handle_single(&mut self, frame: Frame) {
        let Phase::Paired(paired) = &mut self.phase else {
            return;
        };
        let reason = paired.handle_single(frame, &mut self.out).err();
        if let Some(reason) = reason {
            self.abort(reason);
        }
    }

    fn paired(&self) -> Option<&Paired> {
        match &self.phase {
            Phase::Paired(paired) => Some(paired),
            Phase::Idle { .. }
            | Phase::Requested { .. }
            | Phase::Offered(_)
            | Phase::Over(_)
            | Phase::Ended(_) => None,
        }
    }

    fn handle_hello(&mut self, version: u16) {
        if version != VERSION {
            self.phase = Phase::Idle {
                problem: Some(Problem::TooOld),
            };
            self.out.push_back(Output::Close);
            return;
        }
        self.greeted = true;
        if matches!(self.phase, Phase::Requested { .. }) {
            self.out
                .push_back(Output::Relay(ConsoleToRelay::NewSession));
        }
    }

    fn handle_session(&mut self, session: SessionId, nameplate: &str, valid_s: u32, now: Instant) {
        let Phase::Requested { replaced } = self.phase else {
            return self.misfit();
        };
        let Ok(code) = SessionCode::new(nameplate, Password::draw(&mut OsRng)) else {
            return self.misfit();
        };
        self.out.push_back(Output::Code(code.grouped()));
        // The relay's word is taken only where it is shorter than SPEC's 10 minutes.
        let until = now + Duration::from_secs(u64::from(valid_s.min(600)));
        self.phase = Phase::Offered(Box::new(Offered {
            session,
            code,
            until,
            tries: TRIES,
            replaced,
            state: CodeState::Waiting,
            attempt: None,
        }));
    }

    fn handle_share(&mut self, configuration: [u8; 32], share: &[u8]) {
        let Phase::Offered(offered) = &mut self.phase else {
            return;
        };
        // A try is spent when a share is received, whatever comes of it.
        let Some(tries) = offered.tries.checked_sub(1) else {
            return self
                .out
                .push_back(Output::Relay(ConsoleToRelay::PairingFailed));
        };
        offered.tries = tries;
        let relay = &self.identity.relay;
        let context = pairing::Context {
            relay_name: relay.name.clone(),
            ca: relay.ca,
            configuration,
            session: offered.session,
            nameplate: offered.code.nameplate().to_owned(),
        };
        match side::respond(&context, offered.code.password(), share, &mut OsRng) {
            Ok((attempt, share, confirmation)) => {
                offered.attempt = Some(attempt);
                offered.state = CodeState::Pairing;
                let share = Blob(share.to_vec());
                self.out.push_back(Output::Relay(ConsoleToRelay::Reply {
                    share,
                    confirmation,
                }));
            }
            Err(_) => self.fail_attempt(),
        }
    }

    fn handle_confirm(&mut self, confirm: &pairing::Confirm) {
        let Phase::Offered(offered) = &mut self.phase else {
            return;
        };
        let Some(attempt) = offered.attempt.take() else {
            return;
        };
        let leaf = self.identity.chain.first().expect("an identity has a leaf");
        match attempt.handle_confirm(confirm, leaf, &self.identity.key) {
            Ok(paired) => self.handle_paired(paired),
            Err(_) => self.fail_attempt(),
        }
    }

    pub(super) fn handle_paired(&mut self, paired: side::Paired) {
        let side::Paired {
            session,
            th2,
            signature,
            resume,
            mut peer,
            ..
        } = paired;
        let leaf = self.identity.chain.first().map(|leaf| hash(leaf));
        let chain = List(
            self.identity
                .chain
                .iter()
                .map(|der| Blob(der.clone()))
                .collect(),
        );
        let packet = peer.seal(&ConsoleToAgent::Technician { chain, signature }.to_bytes());
        let resume = Resume {
            key: resume,
            counter: 0,
            asked: None,
        };
        self.out.extend([
            Output::Forget,
            Output::Relay(ConsoleToRelay::Paired),
            Output::Relay(ConsoleToRelay::ResumeHash {
                hash: resume.token_hash(0),
            }),
            Output::Relay(ConsoleToRelay::Peer {
                packet: Blob(packet),
            }),
        ]);
        self.maintenance = None;
        self.phase = Phase::Paired(Box::new(Paired {
            session,
            th2,
            leaf: leaf.expect("an identity has a leaf"),
            signature,
            peer,
            resume,
            keys: None,
            mirror: Mirror::new(),
            cause: Cause::Epoch,
            begun: false,
            page: None,
            until: None,
            case: CaseNumber::default(),
            link: Link::Whole,
            recorder: Recorder::Fine,
            held: VecDeque::new(),
            held_bytes: 0,
            release_first: false,
            dropped: 0,
            drawn: 0,
            layout: None,
            own: None,
            protected: None,
            chat: Chat::new(self.unix_s),
            heard: None,
            silent: false,
            pieces: Pieces::default(),
            recorded: None,
            early: None,
        }));
        let case = self.case.clone();
        self.handle_case(case.as_str());
    }

    fn handle_agent_left(&mut self) {
        let Phase::Offered(offered) = &mut self.phase else {
            return;
        };
        // An agent that has seen our confirmation and goes has found it wrong.
        let state = if offered.attempt.take().is_some() {
            CodeState::Wrong
        } else {
            CodeState::AgentLeft
        };
        offered.state = state;
        if offered.tries == 0 {
            self.replace();
        }
    }

    fn fail_attempt(&mut self) {
        let Phase::Offered(offered) = &mut self.phase else {
            return;
        };
        offered.attempt = None;
        offered.state = CodeState::Wrong;
        self.out
            .push_back(Output::Relay(ConsoleToRelay::PairingFailed));
        if offered.tries == 0 {
            self.replace();
        }
    }

    fn handle_recording(&mut self, confirmed: Result<Confirmed, End>, now: Instant) {
        let Phase::Paired(paired) = &mut self.phase else {
            return;
        };
        let handled = confirmed.and_then(|confirmed| {
            paired.handle_recording(confirmed, &self.identity.key, now, &mut self.out)
        });
        if let Err(reason) = handled {
            self.abort(reason);
        }
    }

    fn tell_mismatch(&mut self) {
        if let Phase::Paired(paired) = &mut self.phase {
            paired.tell_mismatch(&mut self.out);
        }
    }

    fn handle_peer(&mut self, packet: &[u8], now: Instant) {
        let Phase::Paired(paired) = &mut self.phase else {
            return;
        };
        let message = match paired.peer.open(packet) {
            Ok(Some(message)) => message,
            Ok(None) => return,
            Err(_) => return self.abort(End::Tampered),
        };
        match AgentToConsole::from_bytes(&message) {
            Ok(AgentToConsole::EpochStart {
                epoch,
                rid,
                secret,
                sealed_keys_hash,
            }) => {
                let start = EpochStart {
                    number: epoch,
                    rid,
                    secret: Zeroizing::new(secret),
                    sealed_keys_hash,
                };
                let started = paired.start_epoch(&start, &self.identity.key, now, &mut self.out);
                if let Err(reason) = started {
                    self.abort(reason);
                }
            }
            Ok(AgentToConsole::Page { page, left_s }) => {
                paired.page = Some(page);
                let left = left_s.map(|left| left.min(LONGEST_WAIT_S));
                paired.until = left.map(|left| now + Duration::from_secs(left.into()));
            }
            Err(_) => self.abort(End::Fault),
        }
    }

    fn handle_resumed(&mut self) {
        let Phase::Paired(paired) = &mut self.phase else {
            return;
        };
        if let Some(used) = paired.resume.asked.take() {
            paired.resume.counter = used + 1;
        }
        // Whatever comes next comes in a new epoch; until then there are no rights.
        paired.lose(Link::Whole, &mut self.out);
        paired.peer.handle_resumed();
        for packet in paired.peer.kept() {
            self.out.push_back(Output::Relay(ConsoleToRelay::Peer {
                packet: Blob(packet.to_vec()),
            }));
        }
    }

    fn handle_refused(&mut self, reason: &Refusal) {
        if let Phase::Paired(paired) = &mut self.phase {
            let session = paired.session;
            if *reason == Refusal::NotResumable
                && let Some(again) = paired.resume.ask_next(session)
            {
                return self.out.push_back(Output::Relay(again));
            }
            let end = match reason {
                Refusal::Revoked => End::Revoked,
                Refusal::Draining => End::Relay,
                Refusal::Unknown
                | Refusal::Expired
                | Refusal::Used
                | Refusal::TooManyTries { .. }
                | Refusal::Full
                | Refusal::TechnicianLeft
                | Refusal::TooOld
                | Refusal::Token
                | Refusal::Unexpected
                | Refusal::NotResumable => End::Lost,
            };
            return self.finish(end);
        }
        if matches!(self.phase, Phase::Requested { .. } | Phase::Offered(_)) {
            self.phase = Phase::Idle {
                problem: Some(refusal(reason)),
            };
            self.out.push_back(Output::Close);
        }
    }

    /// A message that does not fit: the relay misbehaves, or has another version.
    fn misfit(&mut self) {
        match self.phase {
            Phase::Paired(_) => self.abort(End::Fault),
            Phase::Requested { .. } | Phase::Offered(_) => {
                let problem = Problem::RelayAnswer("a message out of turn".into());
                self.phase = Phase::Idle {
                    problem: Some(problem),
                };
                self.out.push_back(Output::Close);
            }
            Phase::Idle { .. } | Phase::Over(_) | Phase::Ended(_) => {}
        }
    }

    fn request(&mut self, replaced: u8) {
        self.phase = Phase::Requested { replaced };
        if self.greeted {
            self.out
                .push_back(Output::Relay(ConsoleToRelay::NewSession));
        }
    }

    /// The code's tries are spent, by whomever: there is a new one at once.
    fn replace(&mut self) {
        match &self.phase {
            Phase::Offered(offered) if offered.replaced < REPLACEMENTS => {
                let replaced = offered.replaced + 1;
                self.request(replaced);
            }
            Phase::Offered(_)
            | Phase::Idle { .. }
            | Phase::Requested { .. }
            | Phase::Over(_)
            | Phase::Paired(_)
            | Phase::Ended(_) => self.over(CodeOver::Spent),
        }
    }

    fn over(&mut self, why: CodeOver) {
        self.phase = Phase::Over(why);
        self.out.push_back(Output::Close);
    }

    /// This end ends the session.
    fn abort(&mut self, reason: End) {
        if let Phase::Paired(paired) = &mut self.phase {
            paired.end_piece(Reason::Stopped, &mut self.out);
            paired.state_heads(&self.identity.key, None, &mut self.out);
        }
        self.phase = Phase::Ended(reason.clone());
        self.out.extend([Output::Forget, Output::Goodbye(reason)]);
    }

    /// The session has been ended by somebody else.
    fn finish(&mut self, reason: End) {
        if let Phase::Paired(paired) = &mut self.phase {
            paired.end_piece(Reason::Stopped, &mut self.out);
        }
        self.phase = Phase::Ended(reason);
        self.out.extend([Output::Forget, Output::Close]);
    }
}

/// What a refusal before the pairing means for the technician.
pub(crate) fn refusal(reason: &Refusal) -> Problem {
    match reason {
        Refusal::Token => Problem::TokenRefused,
        Refusal::TooOld => Problem::TooOld,
        Refusal::Full => Problem::Full,
        Refusal::Draining => Problem::Draining,
        Refusal::Revoked => Problem::Revoked,
        Refusal::TooManyTries { minutes } => Problem::TooManyTries { minutes: *minutes },
        Refusal::Unknown
        | Refusal::Expired
        | Refusal::Used
        | Refusal::TechnicianLeft
        | Refusal::Unexpected
        | Refusal::NotResumable => Problem::Unexpected,
    }
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;
