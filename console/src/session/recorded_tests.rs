//! Recorded epochs, against a relay that keeps heads and signs checkpoints.

use fernsicht_protocol::cert::{Role, role_arcs};
use fernsicht_protocol::checkpoint::{Checkpoint, SignedCheckpoint};
use fernsicht_protocol::content::{ConsoleNotice, PeerHeads};
use fernsicht_protocol::crypto::SigningKey;
use fernsicht_protocol::heads::{self, Heads};
use fernsicht_protocol::messages::Chain;
use fernsicht_protocol::sealing::{Binding, epoch_message};

use super::*;
use crate::session::recorded::HEADS;

#[path = "pieces_tests.rs"]
mod pieces;

const RID: [u8; 16] = [8; 16];
const SEALED: [u8; 32] = [4; 32];
const NOW: u64 = 1_800_000_000;

/// The operator's relay: its signer of checkpoints, and what it has seen.
struct Relay {
    ca: [u8; 32],
    chain: Chain,
    key: SigningKey,
    heads: Heads,
}

impl Relay {
    fn new(role: Role) -> Self {
        use rcgen::{
            BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
            KeyPair, PKCS_ED25519,
        };
        let ca_key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = params.self_signed(&ca_key).unwrap().der().to_vec();
        let issuer = Issuer::new(params, ca_key);
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "relay.example");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(role_arcs(role).to_vec())];
        let leaf = params.signed_by(&key, &issuer).unwrap().der().to_vec();
        Self {
            ca: hash(&ca),
            chain: List(vec![Blob(leaf), Blob(ca)]),
            key: SigningKey::from_pkcs8(&key.serialize_der()).unwrap(),
            heads: Heads::new(SESSION),
        }
    }

    fn checkpoint(&self, rid: [u8; 16]) -> SignedCheckpoint {
        let checkpoint = Checkpoint {
            rid,
            length: 1,
            chain: [1; 32],
            heads: List(self.heads.all()),
            time: NOW * 100,
        };
        SignedCheckpoint::sign(checkpoint, &self.key)
    }

    fn recording(&self, epoch: u32) -> RelayToConsole {
        RelayToConsole::Recording {
            epoch,
            chain: self.chain.clone(),
            checkpoint: self.checkpoint(RID),
        }
    }

    fn note(&mut self, frame: &Frame) {
        if frame.header.class.in_order() {
            let hash = hash(&frame.ciphertext);
            self.heads.note(&frame.header, &hash).unwrap();
        }
    }
}

fn office(role: Role) -> (Pair, Relay) {
    let relay = Relay::new(role);
    let mut technician = identity("Erika Weber");
    technician.relay.ca = relay.ca;
    let mut pair = paired_to(technician);
    pair.core.handle_clock(NOW);
    (pair, relay)
}

impl Pair {
    /// The agent begins an epoch; what the console says of it.
    fn begin(&mut self, number: u32, rid: Option<[u8; 16]>) -> Vec<ConsoleToRelay> {
        let secret = Epoch::draw(&mut OsRng);
        self.tell(&AgentToConsole::EpochStart {
            epoch: number,
            rid,
            secret: *secret,
            sealed_keys_hash: SEALED,
        });
        let epoch = Epoch::new(&SESSION, rid, number, &self.peer.th2, &secret);
        self.peer.commitment = epoch.commitment();
        self.peer.sealer = Some(epoch.sealer(Direction::AgentToConsole));
        self.peer.opener = Some(epoch.opener(Direction::ConsoleToAgent));
        said(&mut self.core)
    }

    fn relay_says(&mut self, message: RelayToConsole) -> Vec<ConsoleToRelay> {
        self.core.handle_relay(message, self.now);
        said(&mut self.core)
    }

    /// A recorded epoch with control, both words in the usual order.
    fn recorded(&mut self, relay: &mut Relay, number: u32) {
        self.begin(number, Some(RID));
        relay.heads.begin(number);
        let message = relay.recording(number);
        let said = self.relay_says(message);
        self.acknowledged(&said, number, &relay.checkpoint(RID));
        let rights = self.frame(
            Class::Rights,
            self.peer.grant + 1,
            Rights::Control,
            &Cause::Epoch.to_bytes(),
        );
        self.peer.grant += 1;
        relay.note(&rights);
        self.core.handle_record(Record::Frame(rights));
        self.beacon(u64::from(number));
        outputs(&mut self.core);
    }

    /// The epoch signature to the relay, then the same to the agent.
    fn acknowledged(&mut self, said: &[ConsoleToRelay], number: u32, first: &SignedCheckpoint) {
        let [
            ConsoleToRelay::EpochSignature { epoch, signature },
            ConsoleToRelay::Peer { packet },
        ] = said
        else {
            panic!("signature, then acknowledgement: {said:?}")
        };
        assert_eq!(*epoch, number);
        let message = self.peer.channel.open(&packet.0).unwrap().unwrap();
        let ack = ConsoleToAgent::EpochAck {
            epoch: number,
            signature: Some(*signature),
        };
        assert_eq!(ConsoleToAgent::from_bytes(&message), Ok(ack));
        let leaf = &self.core.identity.chain[0];
        let binding = Binding {
            session: SESSION,
            rid: RID,
            epoch: number,
            commitment: self.peer.commitment,
            leaf: hash(leaf),
            th2: self.peer.th2,
        };
        let message = epoch_message(&binding, &SEALED, &first.hash());
        let technician = self.core.identity.key.public();
        crypto::verify(&technician, "epoch", &message, signature).unwrap();
    }

    /// A click that the relay passes on.
    fn click(&mut self, relay: &mut Relay) {
        self.core.handle_input(click(), ROOM_PER_INPUT);
        for output in outputs(&mut self.core) {
            if let Output::Frame(frame) = output {
                relay.note(&frame);
            }
        }
    }

    /// The heads that are due after `wait`.
    fn heads_after(&mut self, wait: Duration) -> Option<(PeerHeads, Frame)> {
        self.now += wait;
        self.core.handle_timeout(self.now);
        self.heads()
    }

    fn heads(&mut self) -> Option<(PeerHeads, Frame)> {
        let mut frames = Vec::new();
        for output in outputs(&mut self.core) {
            if let Output::Frame(frame) = output
                && frame.header.class == Class::Heads
            {
                frames.push(frame);
            }
        }
        let frame = frames.pop()?;
        // The test's agent opens nothing before it: numbers of one class stand by themselves.
        let content = self.peer.opener.as_mut().unwrap().open(frame.clone());
        let heads = PeerHeads::from_bytes(&content.unwrap()).unwrap();
        let message = heads::to_sign(&SESSION, &RID, &heads.heads, &heads.previous);
        let technician = self.core.identity.key.public();
        crypto::verify(&technician, "heads", &message, &heads.signature).unwrap();
        Some((heads, frame))
    }
}

#[test]
fn both_words_are_awaited_in_either_order() {
    for early in [false, true] {
        let (mut pair, mut relay) = office(Role::Checkpoint);
        relay.heads.begin(1);
        let recording = relay.recording(1);
        if early {
            assert_eq!(pair.relay_says(recording.clone()), []);
        }
        pair.core.handle_case("2026-17");
        assert_eq!(heard(&mut pair).len(), 1);
        let mut said = pair.begin(1, Some(RID));
        // What is typed once recording begins is too late.
        pair.core.handle_case("2026-18");
        assert!(outputs(&mut pair.core).is_empty());
        let ConsoleToRelay::Transcript {
            epoch: 1,
            signature,
            case,
        } = said.remove(0)
        else {
            panic!("the transcript first")
        };
        assert_eq!((case.as_str(), pair.core.case()), ("2026-17", "2026-17"));
        let technician = pair.core.identity.key.public();
        crypto::verify(&technician, "technician", &pair.peer.th2, &signature).unwrap();
        if !early {
            assert_eq!(said, []);
            // Nothing is sealed in an epoch that is not acknowledged.
            pair.core.handle_picture_wanted();
            assert!(outputs(&mut pair.core).is_empty());
            said = pair.relay_says(recording);
        }
        pair.acknowledged(&said, 1, &relay.checkpoint(RID));
        assert!(pair.core.poll_timeout().is_none());
    }
}

#[test]
fn a_word_that_is_not_the_relays_ends_the_session() {
    let mut offices = vec![office(Role::Relay)];
    let (_, stranger) = office(Role::Checkpoint);
    let (pair, _) = office(Role::Checkpoint);
    offices.push((pair, stranger));
    for (mut pair, relay) in offices {
        pair.begin(1, Some(RID));
        pair.relay_says(relay.recording(1));
        assert_eq!(
            pair.core.stage(),
            Stage::Ended {
                reason: End::Tampered
            }
        );
    }
    for altered in 0..2 {
        let (mut pair, relay) = office(Role::Checkpoint);
        pair.begin(1, Some(RID));
        let mut checkpoint = relay.checkpoint(RID);
        match altered {
            0 => checkpoint = relay.checkpoint([9; 16]),
            _ => checkpoint.checkpoint.length += 1,
        }
        pair.relay_says(RelayToConsole::Recording {
            epoch: 1,
            chain: relay.chain.clone(),
            checkpoint,
        });
        assert_eq!(
            pair.core.stage(),
            Stage::Ended {
                reason: End::Tampered
            }
        );
    }
}

#[test]
fn a_recording_lasts_to_the_sessions_end_and_there_is_one() {
    for rid in [None, Some([9; 16])] {
        let (mut pair, mut relay) = office(Role::Checkpoint);
        pair.recorded(&mut relay, 1);
        assert!(pair.session().recorded);
        pair.begin(2, rid);
        assert_eq!(
            pair.core.stage(),
            Stage::Ended {
                reason: End::Tampered
            }
        );
    }
}

#[test]
fn an_epoch_that_another_has_overtaken_is_not_acknowledged() {
    let (mut pair, mut relay) = office(Role::Checkpoint);
    pair.begin(1, Some(RID));
    pair.begin(2, Some(RID));
    relay.heads.begin(1);
    let late = relay.recording(1);
    assert_eq!(pair.relay_says(late), []);
    relay.heads.begin(2);
    let second = relay.recording(2);
    let said = pair.relay_says(second);
    pair.acknowledged(&said, 2, &relay.checkpoint(RID));
}

#[test]
fn heads_are_stated_while_other_heads_change_and_at_the_end() {
    let (mut pair, mut relay) = office(Role::Checkpoint);
    pair.recorded(&mut relay, 1);
    let (first, frame) = pair.heads_after(HEADS).expect("the rights frame has come");
    assert_eq!(
        (&first.heads.0, first.previous.0.len()),
        (&relay.heads.current(), 0)
    );
    relay.note(&frame);
    // Nothing but heads since: nothing more is said, and no timer runs.
    assert!(pair.core.poll_timeout().is_none());
    assert!(pair.heads_after(HEADS * 10).is_none());
    pair.click(&mut relay);
    let (second, frame) = pair.heads_after(Duration::ZERO).expect("long ago");
    assert_eq!(second.heads.0, relay.heads.current());
    relay.note(&frame);
    pair.click(&mut relay);
    assert!(pair.heads_after(HEADS - Duration::from_millis(1)).is_none());
    assert_eq!(
        pair.core.poll_timeout(),
        Some(pair.now + Duration::from_millis(1))
    );
    pair.core.end();
    let ended = outputs(&mut pair.core);
    let [
        Output::Frame(frame),
        Output::Forget,
        Output::Goodbye(End::Technician),
    ] = &ended[..]
    else {
        panic!("heads, then goodbye: {ended:?}")
    };
    let content = pair.peer.opener.as_mut().unwrap().open(frame.clone());
    let last = PeerHeads::from_bytes(&content.unwrap()).unwrap();
    assert_eq!(last.heads.0, relay.heads.current());
}

#[test]
fn the_first_heads_of_an_epoch_restate_the_last_of_the_one_before() {
    let (mut pair, mut relay) = office(Role::Checkpoint);
    pair.recorded(&mut relay, 1);
    pair.click(&mut relay);
    pair.recorded(&mut relay, 2);
    let (first, frame) = pair.heads_after(HEADS).unwrap();
    assert_eq!(first.heads.0, relay.heads.current());
    assert_eq!(first.previous.0, relay.heads.previous());
    relay.note(&frame);
    pair.click(&mut relay);
    let (second, _) = pair.heads_after(HEADS).unwrap();
    assert!(second.previous.0.is_empty());
}

#[test]
fn what_an_own_loss_may_have_swallowed_is_not_claimed() {
    let (mut pair, mut relay) = office(Role::Checkpoint);
    pair.recorded(&mut relay, 1);
    // Sealed, and lost with the connection.
    pair.core.handle_input(click(), ROOM_PER_INPUT);
    outputs(&mut pair.core);
    pair.core.handle_lost();
    assert!(pair.core.poll_timeout().is_none());
    pair.core.handle_connected();
    outputs(&mut pair.core);
    pair.relay_says(RelayToConsole::Resumed);
    pair.recorded(&mut relay, 2);
    let (first, _) = pair.heads_after(HEADS).unwrap();
    let received: Vec<_> = relay
        .heads
        .previous()
        .into_iter()
        .filter(|h| h.direction == Direction::AgentToConsole)
        .collect();
    assert_eq!(first.previous.0, received);
}

#[test]
fn a_revocation_states_the_heads_at_once() {
    let (mut pair, mut relay) = office(Role::Checkpoint);
    pair.recorded(&mut relay, 1);
    pair.rights(Rights::None, Cause::Ended);
    assert!(pair.heads_after(Duration::ZERO).is_some());
}

#[test]
fn tombstones_count_as_their_frames() {
    let (mut pair, mut relay) = office(Role::Checkpoint);
    pair.recorded(&mut relay, 1);
    let frame = pair.frame(Class::Acks, 1, Rights::Control, b"");
    relay.note(&frame);
    pair.core.handle_record(Record::Tombstone {
        header: frame.header,
        hash: hash(&frame.ciphertext),
    });
    let (heads, _) = pair.heads_after(HEADS).unwrap();
    assert_eq!(heads.heads.0, relay.heads.current());
}

#[test]
fn a_checkpoint_that_does_not_fit_is_told_to_both() {
    let cases: [fn(&mut Relay) -> SignedCheckpoint; 4] = [
        // Another recording, another signer, another frame, one that was never sent.
        |relay| relay.checkpoint([9; 16]),
        |relay| {
            let mut checkpoint = relay.checkpoint(RID);
            checkpoint.signature[0] ^= 1;
            checkpoint
        },
        |relay| {
            let mut heads = Heads::new(SESSION);
            heads.begin(1);
            relay.heads = heads;
            relay
                .heads
                .note(&header(Class::Rights, 0), &[1; 32])
                .unwrap();
            relay.checkpoint(RID)
        },
        |relay| {
            relay
                .heads
                .note(&header(Class::Input, 1), &[1; 32])
                .unwrap();
            relay.checkpoint(RID)
        },
    ];
    for case in cases {
        let (mut pair, mut relay) = office(Role::Checkpoint);
        pair.recorded(&mut relay, 1);
        pair.click(&mut relay);
        let sound = relay.checkpoint(RID);
        pair.core
            .handle_relay(RelayToConsole::Checkpoint { checkpoint: sound }, pair.now);
        assert!(outputs(&mut pair.core).is_empty());
        assert_eq!(pair.session().recorder, Recorder::Fine);
        let checkpoint = case(&mut relay);
        pair.core
            .handle_relay(RelayToConsole::Checkpoint { checkpoint }, pair.now);
        assert_eq!(pair.session().recorder, Recorder::Mismatch);
        let told = outputs(&mut pair.core);
        let [Output::Frame(frame)] = &told[..] else {
            panic!("a notice: {told:?}")
        };
        let content = pair.peer.opener.as_mut().unwrap().open(frame.clone());
        assert_eq!(
            ConsoleNotice::from_bytes(&content.unwrap()),
            Ok(ConsoleNotice::RecordingMismatch)
        );
    }
}

fn header(class: Class, number: u64) -> fernsicht_protocol::frame::Header {
    fernsicht_protocol::frame::Header {
        epoch: 1,
        direction: if class == Class::Input {
            Direction::ConsoleToAgent
        } else {
            Direction::AgentToConsole
        },
        class,
        number,
        grant: 1,
        rights: Rights::Control,
        length: 16,
    }
}

#[test]
fn failure_and_recovery_of_the_recorder_are_shown() {
    let (mut pair, mut relay) = office(Role::Checkpoint);
    pair.recorded(&mut relay, 1);
    for (message, shown) in [
        (RelayToConsole::RecorderBack, Recorder::Fine),
        (RelayToConsole::RecorderFailed, Recorder::Failed),
        (RelayToConsole::RecorderBack, Recorder::Back),
    ] {
        pair.relay_says(message);
        assert_eq!(pair.session().recorder, shown);
    }
    pair.recorded(&mut relay, 2);
    assert_eq!(pair.session().recorder, Recorder::Fine);
}

#[test]
fn unrecorded_epochs_are_acknowledged_at_once_and_state_no_heads() {
    let mut pair = Pair::control();
    assert!(!pair.session().recorded);
    pair.input(click());
    assert!(pair.core.poll_timeout().is_none());
    assert!(pair.heads_after(HEADS * 2).is_none());
}
