//! Sessions from the first hello to their ends, under a clock of their own.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "tests name what they expect"
)]

use std::time::Duration;

use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;
use crate::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::crypto::SigningKey;
use crate::frame::{Class, Header};
use crate::messages::{AgentToRelay, CaseNumber, ConsoleToRelay, RecordingOpen, VERSION};
use crate::sealing::{self, Binding, SealedKey};
use crate::wire::{Blob, List, Text};

struct Pub {
    router: Router,
    rng: ChaCha8Rng,
    now: Duration,
    next: u64,
}

const TECHNICIAN: TechnicianId = TechnicianId(7);

impl Pub {
    fn new() -> Self {
        Self::with(Config::default())
    }

    fn with(config: Config) -> Self {
        Self {
            router: Router::new(config),
            rng: ChaCha8Rng::seed_from_u64(1),
            now: Duration::ZERO,
            next: 0,
        }
    }

    fn now(&self) -> Now {
        Now {
            since_start: self.now,
            unix_s: UNIX_S,
        }
    }

    fn id(&mut self) -> ConnectionId {
        self.next += 1;
        ConnectionId(self.next)
    }

    fn agent_from(&mut self, network: u8) -> ConnectionId {
        let id = self.id();
        self.router.handle_agent_connected(
            id,
            Offer::Recorded,
            [192, 0, network, 9].into(),
            self.now(),
        );
        self.agent(
            id,
            AgentToRelay::Hello {
                version: VERSION,
                configuration: [1; 32],
            },
        );
        assert!(matches!(
            self.agent_hears(id)[..],
            [RelayToAgent::Hello { .. }]
        ));
        id
    }

    fn console_of(&mut self, technician: Option<TechnicianId>) -> ConnectionId {
        let id = self.id();
        let technician = technician.map(|id| Technician {
            id,
            chain: vec![vec![1]],
            key: key().public(),
            leaf: [4; 32],
        });
        self.router
            .handle_console_connected(id, technician, [10, 0, 0, 1].into(), self.now());
        self.console(id, ConsoleToRelay::Hello { version: VERSION });
        assert!(matches!(
            self.console_hears(id)[..],
            [RelayToConsole::Hello { .. }]
        ));
        id
    }

    fn agent(&mut self, id: ConnectionId, message: AgentToRelay) {
        let now = self.now();
        self.router.handle_agent(id, message, now, &mut self.rng);
    }

    fn console(&mut self, id: ConnectionId, message: ConsoleToRelay) {
        let now = self.now();
        self.router.handle_console(id, message, now, &mut self.rng);
    }

    /// Takes what an agent is told, leaving other outputs.
    fn agent_hears(&mut self, id: ConnectionId) -> Vec<RelayToAgent> {
        let mut heard = Vec::new();
        self.router.outputs.retain(|output| match output {
            Output::ToAgent {
                connection,
                message,
            } if *connection == id => {
                heard.push(message.clone());
                false
            }
            _ => true,
        });
        heard
    }

    fn console_hears(&mut self, id: ConnectionId) -> Vec<RelayToConsole> {
        let mut heard = Vec::new();
        self.router.outputs.retain(|output| match output {
            Output::ToConsole {
                connection,
                message,
            } if *connection == id => {
                heard.push(message.clone());
                false
            }
            _ => true,
        });
        heard
    }

    fn closed(&mut self, id: ConnectionId) -> bool {
        self.router
            .outputs
            .iter()
            .any(|output| matches!(output, Output::Close { connection } if *connection == id))
    }

    fn offer(&mut self, console: ConnectionId) -> Text<12> {
        self.console(console, ConsoleToRelay::NewSession);
        match self.console_hears(console).pop() {
            Some(RelayToConsole::Session {
                nameplate,
                valid_s: 600,
                ..
            }) => nameplate,
            other => panic!("no session: {other:?}"),
        }
    }

    fn join(&mut self, agent: ConnectionId, nameplate: &Text<12>) -> RelayToAgent {
        self.agent(
            agent,
            AgentToRelay::Join {
                nameplate: nameplate.clone(),
            },
        );
        self.agent_hears(agent).pop().expect("a join is answered")
    }

    fn share(&mut self, agent: ConnectionId) {
        self.agent(
            agent,
            AgentToRelay::Share {
                share: Blob(vec![0; 33]),
            },
        );
    }

    fn try_share(&mut self, network: u8, nameplate: &Text<12>) -> Option<RelayToAgent> {
        let agent = self.agent_from(network);
        match self.join(agent, nameplate) {
            RelayToAgent::Joined { .. } => self.share(agent),
            refused => return Some(refused),
        }
        self.agent_hears(agent).pop()
    }

    fn finish_pairing(&mut self, agent: ConnectionId, console: ConnectionId) {
        assert!(matches!(
            self.console_hears(console)[..],
            [RelayToConsole::Share { .. }]
        ));
        self.console(
            console,
            ConsoleToRelay::Reply {
                share: Blob(vec![1; 33]),
                confirmation: [1; 32],
            },
        );
        assert!(matches!(
            self.agent_hears(agent)[..],
            [RelayToAgent::Reply { .. }]
        ));
        self.agent(
            agent,
            AgentToRelay::Confirm {
                confirmation: [2; 32],
                agent_key: [2; 32],
                nonce: [2; 32],
            },
        );
        assert!(matches!(
            self.console_hears(console)[..],
            [RelayToConsole::Confirm { .. }]
        ));
        self.console(console, ConsoleToRelay::Paired);
    }

    fn paired(&mut self) -> (ConnectionId, ConnectionId) {
        let console = self.console_of(Some(TECHNICIAN));
        let nameplate = self.offer(console);
        let agent = self.agent_from(1);
        assert!(matches!(
            self.join(agent, &nameplate),
            RelayToAgent::Joined { .. }
        ));
        self.share(agent);
        self.finish_pairing(agent, console);
        (agent, console)
    }

    fn session(&self, id: ConnectionId) -> SessionId {
        self.router.paired_side(id).expect("it is paired").0
    }

    fn th2(&self, session: SessionId) -> Hash {
        match &self.router.sessions[&session].phase {
            Phase::Paired(pair) => pair.pairing.th2,
            Phase::Offered(_) => panic!("not paired"),
        }
    }

    fn open(&mut self, agent: ConnectionId, epoch: u32, recording: Option<RecordingOpen>) {
        self.agent(agent, AgentToRelay::EpochOpen { epoch, recording });
    }

    fn transcript(&mut self, console: ConnectionId, epoch: u32) {
        let th2 = self.th2(self.session(console));
        let signature = key().sign("technician", &th2);
        self.console(
            console,
            ConsoleToRelay::Transcript {
                epoch,
                signature,
                case: CaseNumber::default(),
            },
        );
    }

    /// Takes the order to begin a recording.
    fn starts(&mut self) -> Option<Opening> {
        let mut all = None;
        self.router.outputs.retain(|output| match output {
            Output::StartRecording(opening) => {
                all = Some((**opening).clone());
                false
            }
            _ => true,
        });
        all
    }

    fn ready(&mut self, session: SessionId, epoch: u32) {
        let now = self.now();
        self.router
            .handle_recording_ready(session, epoch, List(vec![]), checkpoint(), now);
    }

    fn sign_epoch(&mut self, console: ConnectionId, epoch: u32) {
        let session = self.session(console);
        let open = recording();
        let binding = Binding {
            session,
            rid: open.rid,
            epoch,
            commitment: open.commitment,
            leaf: [4; 32],
            th2: self.th2(session),
        };
        let keys = sealing::hash_all(&open.sealed_keys);
        let message = sealing::epoch_message(&binding, &keys, &checkpoint().hash());
        let signature = key().sign("epoch", &message);
        self.console(console, ConsoleToRelay::EpochSignature { epoch, signature });
    }

    /// A recorded epoch up to the technician's signature.
    fn record(&mut self, (agent, console): (ConnectionId, ConnectionId), epoch: u32) {
        self.open(agent, epoch, Some(recording()));
        self.transcript(console, epoch);
        assert_eq!(self.starts().map(|opening| opening.epoch), Some(epoch));
        self.ready(self.session(agent), epoch);
        let expected = RelayToAgent::Recording {
            epoch,
            chain: List(vec![]),
            checkpoint: checkpoint(),
        };
        assert_eq!(self.agent_hears(agent), [expected]);
        assert!(matches!(
            self.console_hears(console)[..],
            [RelayToConsole::Recording { .. }]
        ));
        self.sign_epoch(console, epoch);
    }

    fn controlled(&mut self) -> (ConnectionId, ConnectionId) {
        let (agent, console) = self.paired();
        let hash = crate::crypto::hash(&[9; 32]);
        self.agent(agent, AgentToRelay::ResumeHash { hash });
        self.console(console, ConsoleToRelay::ResumeHash { hash });
        self.record((agent, console), 1);
        let recording = Some(self.session(agent));
        assert_eq!(
            self.frame(agent, Class::Rights, 0, 1),
            Verdict::Forward {
                to: console,
                recording
            }
        );
        (agent, console)
    }

    /// Asks for the record of an input frame.
    fn input(&mut self, console: ConnectionId, number: u64) -> Ticket {
        match self.frame(console, Class::Input, number, 1) {
            Verdict::Record { ticket, .. } => ticket,
            other => panic!("not recorded: {other:?}"),
        }
    }

    fn ends(&mut self) -> Option<End> {
        self.router.outputs.iter().find_map(|output| match output {
            Output::FinishRecording { reason, .. } => Some(reason.clone()),
            _ => None,
        })
    }

    fn frame(&mut self, from: ConnectionId, class: Class, number: u64, grant: u32) -> Verdict {
        let direction = if class == Class::Input {
            Direction::ConsoleToAgent
        } else {
            Direction::AgentToConsole
        };
        let header = Header {
            epoch: 1,
            direction,
            class,
            number,
            grant,
            rights: Rights::Control,
            length: 16,
        };
        let now = self.now();
        self.router.handle_frame_header(from, &header, now)
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.router.handle_timeout(self.now());
    }
}

const UNIX_S: u64 = 1_800_000_000;

fn key() -> SigningKey {
    SigningKey::draw(&mut ChaCha8Rng::seed_from_u64(2))
}

fn recording() -> RecordingOpen {
    let key = SealedKey {
        auditor: [0; 32],
        sealed: Blob(vec![0; 80]),
    };
    RecordingOpen {
        rid: [1; 16],
        commitment: [2; 32],
        sealed_keys: List(vec![key]),
        open_hash: [3; 32],
        lookup_hash: [4; 32],
        deletion: crate::retention::latest_deletion(UNIX_S),
    }
}

fn checkpoint() -> SignedCheckpoint {
    SignedCheckpoint {
        checkpoint: Checkpoint {
            rid: [1; 16],
            length: 100,
            chain: [2; 32],
            heads: List(vec![]),
            time: 3,
        },
        signature: [4; 64],
    }
}

fn forward(to: ConnectionId) -> Verdict {
    Verdict::Forward {
        to,
        recording: None,
    }
}

fn tombstone(to: ConnectionId) -> Verdict {
    Verdict::Tombstone {
        to,
        recording: None,
    }
}

const DISCARD: Verdict = Verdict::Discard { recording: None };

#[test]
fn pairing_and_forwarding() {
    let mut relay = Pub::new();
    let (agent, console) = relay.paired();
    relay.console(
        console,
        ConsoleToRelay::Peer {
            packet: Blob(vec![1]),
        },
    );
    assert_eq!(
        relay.agent_hears(agent),
        [RelayToAgent::Peer {
            packet: Blob(vec![1])
        }]
    );
    relay.agent(
        agent,
        AgentToRelay::Peer {
            packet: Blob(vec![2]),
        },
    );
    assert_eq!(
        relay.console_hears(console),
        [RelayToConsole::Peer {
            packet: Blob(vec![2])
        }]
    );
    assert_eq!(relay.router.sessions(), (0, 1));
}

#[test]
fn input_goes_through_the_recorder_and_not_past_a_revocation() {
    let mut relay = Pub::new();
    let (agent, console) = relay.controlled();
    let session = relay.session(agent);
    let ticket = relay.input(console, 0);
    assert_eq!(
        relay.router.handle_recorded(console, ticket),
        forward(agent)
    );
    assert_eq!(relay.router.handle_recorded(console, ticket), DISCARD);
    let ticket = relay.input(console, 1);
    let off = Header {
        epoch: 1,
        direction: Direction::AgentToConsole,
        class: Class::Rights,
        number: 1,
        grant: 2,
        rights: Rights::None,
        length: 16,
    };
    let now = relay.now();
    let recording = Some(session);
    assert_eq!(
        relay.router.handle_frame_header(agent, &off, now),
        Verdict::Forward {
            to: console,
            recording
        }
    );
    assert!(relay.router.outputs.iter().any(|output| matches!(
        output,
        Output::CutStreams {
            connection,
            cut: Cut::Everything
        } if *connection == agent
    )));
    assert_eq!(
        relay.router.handle_recorded(console, ticket),
        tombstone(agent)
    );
    assert_eq!(
        relay.frame(console, Class::Input, 2, 1),
        Verdict::Tombstone {
            to: agent,
            recording
        }
    );
    assert_eq!(relay.frame(agent, Class::Picture, 0, 1), Verdict::Refuse);
}

#[test]
fn a_recorded_epoch_needs_both_sides_and_the_recorder() {
    for transcript_first in [true, false] {
        let mut relay = Pub::new();
        let (agent, console) = relay.paired();
        let session = relay.session(agent);
        if transcript_first {
            relay.transcript(console, 1);
            assert!(relay.starts().is_none());
            relay.open(agent, 1, Some(recording()));
        } else {
            relay.open(agent, 1, Some(recording()));
            assert!(relay.starts().is_none());
            relay.transcript(console, 1);
        }
        let opening = relay.starts().expect("both are there");
        assert_eq!(opening.pairing.context.session, session);
        assert_eq!(opening.recording, recording());
        assert!(relay.agent_hears(agent).is_empty());
        relay.ready(session, 1);
        // Without the technician's signature no rights have an effect.
        assert!(matches!(
            relay.frame(agent, Class::Rights, 0, 1),
            Verdict::Forward { .. }
        ));
        assert_eq!(relay.frame(agent, Class::Picture, 0, 1), Verdict::Refuse);
        assert!(matches!(
            relay.frame(console, Class::Input, 0, 1),
            Verdict::Tombstone { .. }
        ));
        relay.sign_epoch(console, 1);
        assert!(
            relay
                .router
                .outputs
                .iter()
                .any(|output| matches!(output, Output::RecordSignature { epoch: 1, .. }))
        );
        relay.input(console, 1);
    }
}

#[test]
fn wrong_signatures_end_the_session_as_tampered() {
    let ended = RelayToAgent::Ended {
        reason: End::Tampered,
    };
    let mut relay = Pub::new();
    let (agent, console) = relay.paired();
    relay.open(agent, 1, Some(recording()));
    let (epoch, signature) = (1, [0; 64]);
    relay.console(
        console,
        ConsoleToRelay::Transcript {
            epoch,
            signature,
            case: CaseNumber::default(),
        },
    );
    assert_eq!(relay.agent_hears(agent), std::slice::from_ref(&ended));

    let mut relay = Pub::new();
    let (agent, console) = relay.paired();
    relay.open(agent, 1, Some(recording()));
    relay.transcript(console, 1);
    relay.ready(relay.session(agent), 1);
    relay.agent_hears(agent);
    relay.console(console, ConsoleToRelay::EpochSignature { epoch, signature });
    assert_eq!(relay.agent_hears(agent), [ended]);
    assert_eq!(relay.ends(), Some(End::Tampered));
}

#[test]
fn one_recording_for_one_session() {
    let mut relay = Pub::new();
    let (agent, console) = relay.controlled();
    relay.record((agent, console), 2);
    for other in [
        None,
        Some(RecordingOpen {
            rid: [9; 16],
            ..recording()
        }),
        Some(RecordingOpen {
            deletion: recording().deletion - 1,
            ..recording()
        }),
    ] {
        let mut relay = Pub::new();
        let (agent, _) = relay.controlled();
        relay.open(agent, 2, other);
        assert_eq!(
            relay.agent_hears(agent),
            [RelayToAgent::Ended { reason: End::Fault }]
        );
        assert_eq!(relay.ends(), Some(End::Fault));
    }
}

#[test]
fn no_recording_lives_longer_than_was_stated() {
    for open in [
        RecordingOpen {
            deletion: recording().deletion + 1,
            ..recording()
        },
        RecordingOpen {
            deletion: UNIX_S,
            ..recording()
        },
        RecordingOpen {
            sealed_keys: List(vec![]),
            ..recording()
        },
    ] {
        let mut relay = Pub::new();
        let (agent, _) = relay.paired();
        relay.open(agent, 1, Some(open));
        assert_eq!(
            relay.agent_hears(agent),
            [RelayToAgent::Ended { reason: End::Fault }]
        );
        assert_eq!(relay.ends(), None, "nothing was begun");
    }
}

#[test]
fn what_was_not_recorded_never_is() {
    let mut relay = Pub::new();
    let (agent, console) = relay.paired();
    relay.open(agent, 1, None);
    assert_eq!(relay.frame(agent, Class::Rights, 0, 1), forward(console));
    assert_eq!(relay.frame(agent, Class::Picture, 0, 1), forward(console));
    assert_eq!(relay.frame(console, Class::Input, 0, 1), tombstone(agent));
    relay.agent_hears(agent);
    relay.record((agent, console), 2);
    // A late frame of the unrecorded epoch stays out of the recording.
    assert_eq!(relay.frame(console, Class::Input, 1, 1), tombstone(agent));
    assert_eq!(relay.frame(agent, Class::Notices, 0, 1), tombstone(console));
}

#[test]
fn a_recorded_session_ends_with_its_receipt() {
    let mut relay = Pub::new();
    let (agent, console) = relay.controlled();
    let session = relay.session(agent);
    let reason = End::Technician;
    relay.console(
        console,
        ConsoleToRelay::End {
            reason: reason.clone(),
        },
    );
    assert_eq!(relay.ends(), Some(reason.clone()));
    assert_eq!(relay.agent_hears(agent), [RelayToAgent::Ended { reason }]);
    assert!(!relay.closed(agent));
    assert_eq!(relay.frame(console, Class::Input, 0, 1), DISCARD);
    relay.router.handle_drain(relay.now());
    assert!(!relay.closed(agent), "a drain leaves it its time");
    let now = relay.now();
    relay
        .router
        .handle_recording_finished(session, Some(checkpoint()), now);
    assert_eq!(
        relay.agent_hears(agent),
        [RelayToAgent::Checkpoint {
            checkpoint: checkpoint()
        }]
    );
    relay.agent(agent, AgentToRelay::ReceiptDone);
    assert!(relay.closed(agent));
    assert!(relay.router.outputs.iter().any(|output| matches!(
        output,
        Output::ReceiptDone { session: done } if *done == session
    )));
}

#[test]
fn a_receipt_has_five_seconds() {
    let mut relay = Pub::new();
    let (agent, _) = relay.controlled();
    let session = relay.session(agent);
    relay.agent(
        agent,
        AgentToRelay::End {
            reason: End::Customer,
        },
    );
    relay.pass(Duration::from_secs(1));
    let now = relay.now();
    relay.router.handle_recording_finished(session, None, now);
    assert_eq!(relay.agent_hears(agent), [RelayToAgent::RecorderFailed]);
    relay.pass(Duration::from_millis(4_900));
    assert!(!relay.closed(agent));
    relay.pass(Duration::from_millis(100));
    assert!(relay.closed(agent));
    assert!(relay.router.parting.is_empty());
    // A recorder that never answers does not keep it either.
    let mut relay = Pub::new();
    let (agent, _) = relay.controlled();
    relay.router.handle_drain(relay.now());
    relay.pass(Duration::from_secs(7));
    assert!(relay.closed(agent));
}

#[test]
fn a_code_expires_and_rests() {
    let mut relay = Pub::new();
    let console = relay.console_of(Some(TECHNICIAN));
    let nameplate = relay.offer(console);
    relay.pass(Duration::from_secs(599));
    assert!(relay.console_hears(console).is_empty());
    relay.pass(Duration::from_secs(1));
    assert_eq!(relay.console_hears(console), [RelayToConsole::CodeExpired]);
    let agent = relay.agent_from(1);
    assert_eq!(
        relay.join(agent, &nameplate),
        RelayToAgent::Refused {
            reason: Refusal::Expired
        }
    );
    assert!(relay.closed(agent));
    let agent = relay.agent_from(1);
    let unknown = Text::new("1").unwrap();
    assert_eq!(
        relay.join(agent, &unknown),
        RelayToAgent::Refused {
            reason: Refusal::Unknown
        }
    );
}

#[test]
fn one_share_per_network_and_three_per_code() {
    let mut relay = Pub::new();
    let console = relay.console_of(Some(TECHNICIAN));
    let nameplate = relay.offer(console);
    for network in 1..=3 {
        assert_eq!(relay.try_share(network, &nameplate), None);
        assert!(matches!(
            relay.console_hears(console)[..],
            [RelayToConsole::Share { .. }]
        ));
        let again = relay.try_share(network, &nameplate);
        assert_eq!(
            again,
            Some(RelayToAgent::Refused {
                reason: Refusal::Used
            })
        );
        relay.console(console, ConsoleToRelay::PairingFailed);
    }
    assert_eq!(relay.console_hears(console), [RelayToConsole::CodeExpired]);
    let late = relay.try_share(4, &nameplate);
    assert_eq!(
        late,
        Some(RelayToAgent::Refused {
            reason: Refusal::Expired
        })
    );
    assert_eq!(relay.router.sessions(), (0, 0));
}

#[test]
fn a_stranger_in_between_delays_but_does_not_take_the_place() {
    let mut relay = Pub::new();
    let console = relay.console_of(Some(TECHNICIAN));
    let nameplate = relay.offer(console);
    let (stranger, honest) = (relay.agent_from(1), relay.agent_from(2));
    relay.join(stranger, &nameplate);
    relay.join(honest, &nameplate);
    relay.share(stranger);
    relay.share(honest);
    assert_eq!(relay.console_hears(console).len(), 1, "one at a time");
    // The stranger leaves while the console's reply is on its way: it must not reach the honest one.
    relay.router.handle_disconnected(stranger, relay.now());
    assert_eq!(relay.console_hears(console), [RelayToConsole::AgentLeft]);
    relay.console(
        console,
        ConsoleToRelay::Reply {
            share: Blob(vec![1; 33]),
            confirmation: [1; 32],
        },
    );
    assert!(relay.agent_hears(honest).is_empty());
    relay.finish_pairing(honest, console);
    assert_eq!(relay.router.sessions(), (0, 1));
}

#[test]
fn third_party_on_a_paired_session() {
    let mut relay = Pub::new();
    let console = relay.console_of(Some(TECHNICIAN));
    let nameplate = relay.offer(console);
    let (agent, late, third) = (
        relay.agent_from(1),
        relay.agent_from(2),
        relay.agent_from(3),
    );
    relay.join(agent, &nameplate);
    relay.join(late, &nameplate);
    relay.share(agent);
    relay.finish_pairing(agent, console);
    relay.share(late);
    assert_eq!(
        relay.agent_hears(late),
        [RelayToAgent::Refused {
            reason: Refusal::Used
        }]
    );
    assert_eq!(
        relay.join(third, &nameplate),
        RelayToAgent::Refused {
            reason: Refusal::Used
        }
    );
}

#[test]
fn a_step_that_does_not_come() {
    let mut relay = Pub::new();
    let console = relay.console_of(Some(TECHNICIAN));
    let nameplate = relay.offer(console);
    let agent = relay.agent_from(1);
    relay.join(agent, &nameplate);
    relay.share(agent);
    relay.console_hears(console);
    relay.console(
        console,
        ConsoleToRelay::Reply {
            share: Blob(vec![1; 33]),
            confirmation: [1; 32],
        },
    );
    relay.pass(Duration::from_secs(20));
    assert_eq!(relay.console_hears(console), [RelayToConsole::AgentLeft]);
    assert!(relay.closed(agent));
}

#[test]
fn networks_run_out_of_tries() {
    let mut relay = Pub::new();
    let nameplate = Text::new("1234").unwrap();
    for _ in 0..20 {
        let agent = relay.agent_from(1);
        assert_eq!(
            relay.join(agent, &nameplate),
            RelayToAgent::Refused {
                reason: Refusal::Unknown
            }
        );
    }
    let agent = relay.agent_from(1);
    let reason = Refusal::TooManyTries { minutes: 1 };
    assert_eq!(
        relay.join(agent, &nameplate),
        RelayToAgent::Refused { reason }
    );
    let agent = relay.agent_from(2);
    assert_eq!(
        relay.join(agent, &nameplate),
        RelayToAgent::Refused {
            reason: Refusal::Unknown
        }
    );
}

#[test]
fn full_and_draining() {
    let mut relay = Pub::with(Config {
        max_sessions: 1,
        ..Config::default()
    });
    let first = relay.console_of(Some(TECHNICIAN));
    relay.offer(first);
    relay.offer(first);
    let second = relay.console_of(Some(TechnicianId(8)));
    relay.console(second, ConsoleToRelay::NewSession);
    assert_eq!(
        relay.console_hears(second),
        [RelayToConsole::Refused {
            reason: Refusal::Full
        }]
    );
    assert!(!relay.closed(second));
    relay.router.handle_drain(relay.now());
    assert_eq!(
        relay.console_hears(first),
        [
            RelayToConsole::Ended { reason: End::Relay },
            RelayToConsole::Refused {
                reason: Refusal::Draining
            }
        ]
    );
    assert!(relay.closed(first) && relay.closed(second));
}

#[test]
fn before_a_drain_technicians_have_their_time_and_nothing_new_begins() {
    let mut relay = Pub::new();
    let (agent, console) = relay.controlled();
    let waiting = relay.console_of(Some(TechnicianId(8)));
    relay.offer(waiting);
    let within = Duration::from_secs(30);
    relay.router.handle_maintenance(within, relay.now());
    assert_eq!(
        relay.console_hears(console),
        [RelayToConsole::Maintenance { seconds: 30 }]
    );
    assert_eq!(relay.agent_hears(agent), []);
    assert_eq!(relay.router.rights(agent), Rights::Control);
    let ended = relay.console_hears(waiting);
    assert_eq!(ended, [RelayToConsole::Ended { reason: End::Relay }]);
    let late = relay.console_of(Some(TechnicianId(9)));
    relay.console(late, ConsoleToRelay::NewSession);
    let refused = RelayToConsole::Refused {
        reason: Refusal::Draining,
    };
    assert_eq!(relay.console_hears(late), [refused]);
    // Said once only.
    relay.router.handle_maintenance(within, relay.now());
    assert_eq!(relay.console_hears(console), []);
    relay.router.handle_drain(relay.now());
    let over = [RelayToAgent::Ended { reason: End::Relay }];
    assert_eq!(relay.agent_hears(agent), over);
}

#[test]
fn drain_and_end_tell_both() {
    let mut relay = Pub::new();
    let (agent, console) = relay.controlled();
    relay.router.handle_drain(relay.now());
    assert_eq!(
        relay.agent_hears(agent),
        [RelayToAgent::Ended { reason: End::Relay }]
    );
    assert_eq!(
        relay.console_hears(console)[0],
        RelayToConsole::Ended { reason: End::Relay }
    );

    let mut relay = Pub::new();
    let (agent, console) = relay.controlled();
    relay.agent(
        agent,
        AgentToRelay::End {
            reason: End::Customer,
        },
    );
    assert_eq!(
        relay.console_hears(console),
        [RelayToConsole::Ended {
            reason: End::Customer
        }]
    );
    assert!(relay.agent_hears(agent).is_empty() && !relay.closed(agent));
    relay.offer(console);
}

#[test]
fn nobody_speaks_for_the_other() {
    let mut relay = Pub::new();
    let (agent, console) = relay.paired();
    relay.console(
        console,
        ConsoleToRelay::End {
            reason: End::Customer,
        },
    );
    assert_eq!(
        relay.agent_hears(agent),
        [RelayToAgent::Ended {
            reason: End::Technician
        }]
    );
}

#[test]
fn revocation_of_a_technician_ends_everything_of_his() {
    let mut relay = Pub::new();
    let (agent, console) = relay.controlled();
    let other = relay.console_of(Some(TechnicianId(8)));
    relay.router.handle_revoked(TECHNICIAN, relay.now());
    assert_eq!(
        relay.agent_hears(agent),
        [RelayToAgent::Ended {
            reason: End::Revoked
        }]
    );
    assert_eq!(
        relay.console_hears(console),
        [
            RelayToConsole::Ended {
                reason: End::Revoked
            },
            RelayToConsole::Refused {
                reason: Refusal::Revoked
            }
        ]
    );
    assert!(relay.closed(console) && !relay.closed(other));
}

#[test]
fn resumption() {
    let mut relay = Pub::new();
    let (agent, console) = relay.controlled();
    let session = relay.router.paired_side(agent).unwrap().0;
    relay.router.handle_disconnected(console, relay.now());
    assert_eq!(relay.agent_hears(agent), [RelayToAgent::PeerLost]);
    assert_eq!(relay.router.rights(agent), Rights::None);
    relay.pass(Duration::from_secs(590));

    let next_hash = crate::crypto::hash(&[10; 32]);
    let resume = |token| ConsoleToRelay::Resume {
        session,
        token,
        next_hash,
    };
    let thief = relay.console_of(Some(TechnicianId(8)));
    relay.console(thief, resume([9; 32]));
    assert_eq!(
        relay.console_hears(thief),
        [RelayToConsole::Refused {
            reason: Refusal::NotResumable
        }]
    );
    let back = relay.console_of(Some(TECHNICIAN));
    relay.console(back, resume([8; 32]));
    assert_eq!(
        relay.console_hears(back),
        [RelayToConsole::Refused {
            reason: Refusal::NotResumable
        }]
    );
    relay.console(back, resume([9; 32]));
    assert_eq!(relay.console_hears(back), [RelayToConsole::Resumed]);
    assert_eq!(relay.agent_hears(agent), [RelayToAgent::Resumed]);
    assert_eq!(relay.router.rights(agent), Rights::None);
    assert_eq!(
        relay.frame(agent, Class::Rights, 1, 2),
        Verdict::Tombstone {
            to: back,
            recording: Some(session)
        }
    );

    // The old connection may still count as connected: the token replaces it.
    let again = relay.console_of(Some(TECHNICIAN));
    relay.console(again, resume([9; 32]));
    assert_eq!(
        relay.console_hears(again),
        [RelayToConsole::Refused {
            reason: Refusal::NotResumable
        }]
    );
    relay.console(
        again,
        ConsoleToRelay::Resume {
            session,
            token: [10; 32],
            next_hash,
        },
    );
    assert_eq!(relay.console_hears(again), [RelayToConsole::Resumed]);
    assert!(relay.closed(back));
    relay.router.handle_disconnected(back, relay.now());
    assert_eq!(relay.router.sessions(), (0, 1));
    relay.agent_hears(agent);
    relay.record((agent, again), 2);
}

#[test]
fn the_streams_of_an_agent_that_is_seated_anew_are_cut() {
    let mut relay = Pub::new();
    let (old, _) = relay.controlled();
    let session = relay.router.paired_side(old).unwrap().0;
    let again = relay.agent_from(3);
    relay.agent(
        again,
        AgentToRelay::Resume {
            session,
            token: [9; 32],
            next_hash: [0; 32],
        },
    );
    assert!(relay.closed(old));
    let cut = |output: &Output| matches!(output, Output::CutStreams { connection, cut: Cut::Everything } if *connection == old);
    assert!(relay.router.outputs.iter().any(cut));
}

#[test]
fn both_sides_lost_and_back() {
    let mut relay = Pub::new();
    let (agent, console) = relay.controlled();
    let session = relay.router.paired_side(agent).unwrap().0;
    relay.router.handle_disconnected(console, relay.now());
    relay.router.handle_disconnected(agent, relay.now());
    let agent = relay.agent_from(3);
    let next_hash = [0; 32];
    relay.agent(
        agent,
        AgentToRelay::Resume {
            session,
            token: [9; 32],
            next_hash,
        },
    );
    assert_eq!(
        relay.agent_hears(agent),
        [RelayToAgent::Resumed, RelayToAgent::PeerLost]
    );
    let console = relay.console_of(Some(TECHNICIAN));
    relay.console(
        console,
        ConsoleToRelay::Resume {
            session,
            token: [9; 32],
            next_hash,
        },
    );
    assert_eq!(relay.console_hears(console), [RelayToConsole::Resumed]);
    assert_eq!(relay.agent_hears(agent), [RelayToAgent::Resumed]);
}

#[test]
fn who_does_not_come_back_in_time_is_lost() {
    let mut relay = Pub::new();
    let (agent, console) = relay.controlled();
    relay.router.handle_disconnected(agent, relay.now());
    relay.pass(Duration::from_secs(600));
    assert_eq!(
        relay.console_hears(console),
        [
            RelayToConsole::PeerLost,
            RelayToConsole::Ended { reason: End::Lost }
        ]
    );
    assert_eq!(relay.router.sessions(), (0, 0));
}

#[test]
fn four_hours_at_most() {
    let mut relay = Pub::new();
    let (agent, _) = relay.controlled();
    relay.pass(Duration::from_secs(4 * 3600));
    assert_eq!(
        relay.agent_hears(agent),
        [RelayToAgent::Ended { reason: End::Idle }]
    );
}

#[test]
fn without_a_certificate_only_enrolment() {
    let mut relay = Pub::new();
    for message in [
        ConsoleToRelay::NewSession,
        ConsoleToRelay::Paired,
        ConsoleToRelay::Resume {
            session: [0; 16],
            token: [0; 32],
            next_hash: [0; 32],
        },
    ] {
        let console = relay.console_of(None);
        relay.console(console, message);
        assert_eq!(
            relay.console_hears(console),
            [RelayToConsole::Refused {
                reason: Refusal::Unexpected
            }]
        );
        assert!(relay.closed(console));
    }
    let console = relay.console_of(None);
    relay.console(
        console,
        ConsoleToRelay::Enrol {
            secret: [1; 16],
            request: Blob(vec![1]),
        },
    );
    relay.router.handle_enrolment(console, Err(Refusal::Token));
    assert_eq!(
        relay.console_hears(console),
        [RelayToConsole::Refused {
            reason: Refusal::Token
        }]
    );
}

#[test]
fn a_wrong_number_ends_the_session_as_tampered() {
    let mut relay = Pub::new();
    let (agent, console) = relay.controlled();
    assert_eq!(relay.frame(console, Class::Input, 1, 1), Verdict::Tampered);
    assert_eq!(
        relay.agent_hears(agent),
        [RelayToAgent::Ended {
            reason: End::Tampered
        }]
    );
    assert_eq!(
        relay.console_hears(console),
        [RelayToConsole::Ended {
            reason: End::Tampered
        }]
    );
}

#[test]
fn a_failed_recorder_takes_control_until_a_new_epoch() {
    let mut relay = Pub::new();
    let (agent, console) = relay.controlled();
    let session = relay.session(agent);
    let ticket = relay.input(console, 0);
    relay.router.handle_recorder_failed(session);
    assert_eq!(relay.agent_hears(agent), [RelayToAgent::RecorderFailed]);
    assert_eq!(
        relay.console_hears(console),
        [RelayToConsole::RecorderFailed]
    );
    assert_eq!(
        relay.router.handle_recorded(console, ticket),
        tombstone(agent)
    );
    assert_eq!(relay.frame(console, Class::Input, 1, 1), tombstone(agent));
    assert_eq!(relay.frame(agent, Class::Picture, 0, 1), forward(console));

    // No recorded epoch until it is back, and no unrecorded one at all.
    relay.open(agent, 2, Some(recording()));
    relay.transcript(console, 2);
    assert!(relay.starts().is_none());
    assert_eq!(relay.agent_hears(agent), [RelayToAgent::RecorderFailed]);
    relay.router.handle_recorder_back(session);
    assert_eq!(relay.agent_hears(agent), [RelayToAgent::RecorderBack]);
    assert_eq!(relay.console_hears(console), [RelayToConsole::RecorderBack]);
    relay.record((agent, console), 3);
    // What the failed epoch still brings has a gap before it: it stays out.
    assert_eq!(relay.frame(console, Class::Input, 2, 1), tombstone(agent));
}

/// The failure may be known to whoever waited for the record before anybody else hears of it.
#[test]
fn input_that_was_not_recorded_does_not_pass() {
    let mut relay = Pub::new();
    let (agent, console) = relay.controlled();
    let ticket = relay.input(console, 0);
    assert_eq!(
        relay.router.handle_unrecorded(console, ticket),
        tombstone(agent)
    );
    assert_eq!(relay.agent_hears(agent), [RelayToAgent::RecorderFailed]);
    assert_eq!(relay.frame(console, Class::Input, 1, 1), tombstone(agent));
}

#[test]
fn who_comes_back_learns_how_the_recorder_is() {
    let mut relay = Pub::new();
    let (agent, console) = relay.controlled();
    let session = relay.session(agent);
    relay.router.handle_recorder_failed(session);
    relay.router.handle_disconnected(agent, relay.now());
    relay.router.handle_recorder_back(session);
    relay.console_hears(console);
    let back = relay.agent_from(1);
    relay.agent(
        back,
        AgentToRelay::Resume {
            session,
            token: [9; 32],
            next_hash: [0; 32],
        },
    );
    assert_eq!(
        relay.agent_hears(back),
        [RelayToAgent::Resumed, RelayToAgent::RecorderBack]
    );
    relay.console_hears(console);
    relay.record((back, console), 2);
}

#[test]
fn silent_connections_are_closed() {
    let mut relay = Pub::new();
    let id = relay.id();
    relay
        .router
        .handle_agent_connected(id, Offer::Unavailable, [192, 0, 2, 1].into(), relay.now());
    relay.pass(Duration::from_secs(10));
    assert!(relay.closed(id));
    relay.router.handle_disconnected(id, relay.now());
    assert_eq!(
        relay.router.poll_timeout(),
        None,
        "an idle relay has nothing to wake for"
    );
}

/// The model is worth something only if what it guards really happens.
#[test]
fn the_model_meets_forwarded_frames() {
    let pair = [0, 2, 1];
    let (rights, input, picture) = ([8, 0, 0, 4], [8, 0, 1, 4], [8, 0, 8, 4]);
    let forwarded = super::fuzz::play(&[&pair[..], &rights, &input, &picture, &input].concat());
    assert_eq!((forwarded[0], forwarded[1], forwarded[8]), (1, 2, 1));
    // A recorder that fails, is back, and a new epoch.
    let (fail, back) = ([14, 1, 0], [14, 2, 0]);
    let failed = super::fuzz::play(&[&pair[..], &rights, &fail, &input, &picture, &back].concat());
    assert_eq!((failed[0], failed[1], failed[8]), (1, 0, 1));
    // Epoch 2: the agent opens it, the console signs, the recorder is ready, the console signs.
    let epoch = [5, 0, 8 + 2, 5, 6, 0, 2, 10, 14, 0, 0, 6, 0, 2, 11];
    let (rights, input) = ([8, 0, 0, 64 + 8], [8, 0, 1, 64 + 8]);
    let again = super::fuzz::play(&[&pair[..], &fail, &back, &epoch, &rights, &input].concat());
    assert_eq!((again[0], again[1]), (1, 1));
    let unrecorded = super::fuzz::play(&[&[0, 2, 2][..], &[8, 0, 0, 4], &[8, 0, 1, 4]].concat());
    assert_eq!((unrecorded[0], unrecorded[1]), (1, 0));
    let input = [8, 0, 1, 4];
    let without = super::fuzz::play(&[&pair[..], &input, &picture, &input].concat());
    assert_eq!(without.iter().sum::<u32>(), 0);
}

#[test]
fn a_refused_connection_leaves_nothing_behind() {
    let mut relay = Pub::new();
    let console = relay.console_of(Some(TECHNICIAN));
    let nameplate = relay.offer(console);
    let agent = relay.agent_from(1);
    relay.join(agent, &nameplate);
    relay.share(agent);
    relay.console_hears(console);
    relay.router.handle_malformed(agent, relay.now());
    assert_eq!(relay.console_hears(console), [RelayToConsole::AgentLeft]);
    relay.router.handle_malformed(console, relay.now());
    assert_eq!(relay.router.sessions(), (0, 0));
    assert!(relay.closed(agent) && relay.closed(console));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn nothing_passes_that_was_not_granted(data in proptest::collection::vec(any::<u8>(), 0..600)) {
        fuzz(&data);
    }

    /// Starts paired, and mostly with frames, so that the lock is really met.
    #[test]
    fn nothing_passes_in_a_paired_session(
        steps in proptest::collection::vec((0u8..12, 0u8..2, any::<u8>(), any::<u8>()), 0..200),
    ) {
        let mut data = vec![0, 2, 1];
        for (op, by, what, how) in steps {
            match op {
                0 => data.extend([5, by, how & 15, 5]),
                1 => data.extend([12, how & 15]),
                2 => data.extend([14, how, by]),
                3 => data.extend([4, by, 1, 7]),
                4 => data.extend([6, by, how & 15, 10 + (how >> 7)]),
                _ => data.extend([8, by, what % 10, how & 0x3f]),
            }
        }
        fuzz(&data);
    }
}
