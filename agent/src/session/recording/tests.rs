//! A recording between a relay's signer and a technician of the tests' own.

use fernsicht_protocol::checkpoint::Checkpoint;
use fernsicht_protocol::epoch::{Opener, Sealer};
use fernsicht_protocol::frame::Frame;
use fernsicht_protocol::heads::Heads;
use fernsicht_protocol::sealing::AuditorKey;

use super::*;

const NOW: u64 = 1_800_000_000;

struct Stand {
    recording: Recording,
    card: CardCode,
    auditor: AuditorKey,
    technician: SigningKey,
    signer: SigningKey,
    agent: SigningKey,
    relay: Heads,
    length: u64,
    ends: Option<(Sealer, Opener)>,
}

fn configuration(auditor: &AuditorKey) -> Configuration {
    let text = |text: &str| Text::new(text).expect("short");
    Configuration {
        made: NOW - 1_000,
        operator: text("Nordlicht Telefon"),
        domain: Text::new("hilfe.example").expect("short"),
        relay_addresses: List::default(),
        relay_name: text("relay.example"),
        ca: [5; 32],
        address: Text::default(),
        complaints_office: Text::default(),
        privacy_contact: Text::default(),
        authority: Text::default(),
        legal_basis: Text::default(),
        language: Text::default(),
        auditors: List(vec![Auditor {
            name: text("Rita Prüfer"),
            key: auditor.public(),
            certificate: [6; 32],
        }]),
    }
}

impl Stand {
    fn new() -> Self {
        let draw = || SigningKey::draw(&mut OsRng);
        let (auditor, technician, agent) = (AuditorKey::draw(&mut OsRng), draw(), draw());
        let holder = Holder {
            name: "Erika Weber".to_owned(),
            organisation: "Nord".to_owned(),
            key: technician.public(),
            leaf: [3; 32],
            serial: vec![1],
        };
        let public = agent.public();
        let parties = Parties {
            session: [1; 16],
            technician: &holder,
            agent_key: public,
        };
        let drawn = Recording::draw(
            &parties,
            &configuration(&auditor),
            NOW,
            Language::De,
            &CaseNumber::default(),
            NOW,
        );
        let (recording, card) = drawn.expect("the auditor's key is one");
        assert_eq!(recording.receipt().agent_key, public);
        Self {
            recording,
            card,
            auditor,
            technician,
            signer: draw(),
            agent,
            relay: Heads::new([1; 16]),
            length: 0,
            ends: None,
        }
    }

    fn code(&self) -> Code {
        let groups: Vec<&str> = self.card.groups().collect();
        Code::parse(&groups.join("-")).expect("as it is shown")
    }

    /// Begins an epoch and returns its secret with what goes to the relay.
    fn open(&mut self, number: u32) -> (Secret, RecordingOpen) {
        let secret = Epoch::draw(&mut OsRng);
        let rid = Some(self.recording.rid);
        let epoch = Epoch::new(&[1; 16], rid, number, &[2; 32], &secret);
        let (open, _) = self
            .recording
            .open(number, &epoch, &[2; 32], &secret)
            .expect("sealed");
        self.ends = Some((
            epoch.sealer(Direction::ConsoleToAgent),
            epoch.opener(Direction::ConsoleToAgent),
        ));
        self.relay.begin(number);
        self.recording.signer = Some(self.signer.public());
        (secret, open)
    }

    fn input(&mut self) -> Frame {
        let (sealer, _) = self.ends.as_mut().expect("an epoch is open");
        sealer.seal(Class::Input, 1, Rights::Control, b"input")
    }

    /// The console's frame passes the relay and comes here.
    fn pass(&mut self, frame: Frame) -> Result<(), Wrong> {
        let digest = hash(&frame.ciphertext);
        self.relay.note(&frame.header, &digest).expect("in order");
        let record = Record::Frame(frame);
        let noted = self.recording.digest(&record).expect("of this epoch");
        self.recording.note(record.header(), &noted)
    }

    fn checkpoint(&mut self) -> SignedCheckpoint {
        self.length += 100;
        let checkpoint = Checkpoint {
            rid: self.recording.rid,
            length: self.length,
            chain: [9; 32],
            heads: List(self.relay.all()),
            time: 100 * NOW,
        };
        SignedCheckpoint::sign(checkpoint, &self.signer)
    }
}

#[test]
fn the_receipt_serves_for_a_complaint_and_holds_no_code() {
    let mut stand = Stand::new();
    let (code, rid) = (stand.code(), stand.recording.rid);
    let receipt = stand.recording.receipt().clone();
    let sealed = &receipt.codes.0[0].sealed.0;
    assert_eq!(
        sealing::open_code(&stand.auditor, &rid, sealed),
        Ok(code.clone())
    );
    let bytes = fernsicht_protocol::wire::Wire::to_bytes(&receipt);
    assert!(!bytes.windows(16).any(|window| window == code.bytes()));
    assert_eq!(receipt.lookup, code.lookup().0);
    // And the code opens what is sealed after it was forgotten here.
    let (secret, open) = stand.open(1);
    assert_eq!(open.open_hash, hash(code.open_token().as_slice()));
    assert_eq!(open.lookup_hash, code.lookup().hash());
    let binding = stand
        .recording
        .opening
        .as_ref()
        .expect("opened")
        .binding
        .clone();
    let opened = sealing::unseal(&binding, &stand.auditor, &code, &open.sealed_keys.0[0]);
    assert_eq!(opened.expect("both halves"), secret);
}

#[test]
fn an_epoch_is_signed_once_checkpoint_and_signature_fit() {
    let mut stand = Stand::new();
    stand.open(1);
    assert_eq!(stand.recording.signed(), Ok(false));
    let first = stand.checkpoint();
    let (binding, keys) = {
        let opening = stand.recording.opening.as_mut().expect("opened");
        opening.first = Some(first.hash());
        (opening.binding.clone(), opening.sealed_keys_hash)
    };
    let signature = |first: &Hash, key: &SigningKey| {
        key.sign("epoch", &sealing::epoch_message(&binding, &keys, first))
    };
    stand
        .recording
        .handle_signature(2, &signature(&first.hash(), &stand.technician));
    assert_eq!(stand.recording.signed(), Ok(false), "of another epoch");
    for wrong in [
        signature(&first.hash(), &stand.agent),
        signature(&[0; 32], &stand.technician),
    ] {
        stand.recording.handle_signature(1, &wrong);
        assert_eq!(stand.recording.signed(), Err(Wrong::Forged));
        assert!(!stand.recording.confirmed());
    }
    stand
        .recording
        .handle_signature(1, &signature(&first.hash(), &stand.technician));
    assert_eq!(stand.recording.signed(), Ok(true));
    assert!(stand.recording.confirmed());
}

#[test]
fn compared_checkpoints_cover_input_and_false_ones_are_found() {
    let mut stand = Stand::new();
    stand.open(1);
    for _ in 0..3 {
        let frame = stand.input();
        assert_eq!(stand.pass(frame), Ok(()));
    }
    assert_eq!(stand.recording.covered(), 0);
    let good = stand.checkpoint();
    assert_eq!(stand.recording.handle_checkpoint(&good), Ok(()));
    assert_eq!(stand.recording.covered(), 3);
    assert_eq!(stand.recording.receipt().checkpoint, Some(good.clone()));

    let key = SigningKey::draw(&mut OsRng);
    let forged = SignedCheckpoint::sign(good.checkpoint.clone(), &key);
    assert_eq!(
        stand.recording.handle_checkpoint(&forged),
        Err(Wrong::Forged)
    );
    let mut shorter = stand.checkpoint().checkpoint;
    shorter.length = 1;
    let shorter = SignedCheckpoint::sign(shorter, &stand.signer);
    assert_eq!(
        stand.recording.handle_checkpoint(&shorter),
        Err(Wrong::Forged)
    );
    assert!(!stand.recording.receipt().mismatch);

    // The relay records another input than the one that comes here.
    let (one, other) = (stand.input(), stand.input());
    let digest = hash(&other.ciphertext);
    stand.relay.note(&one.header, &digest).expect("in order");
    let stated = stand.checkpoint();
    let ahead = stand.recording.handle_checkpoint(&stated);
    assert_eq!(ahead, Ok(()), "it has not come yet");
    let digest = hash(&one.ciphertext);
    assert_eq!(
        stand.recording.note(&one.header, &digest),
        Err(Wrong::Mismatch)
    );
    assert!(stand.recording.receipt().mismatch);
}

#[test]
fn heads_are_signed_when_others_than_heads_have_changed() {
    let mut stand = Stand::new();
    stand.open(1);
    assert_eq!(stand.recording.heads(&stand.agent), None);
    let frame = stand.input();
    stand.pass(frame).expect("in order");
    let heads = stand.recording.heads(&stand.agent).expect("changed");
    let message = heads::to_sign(
        &[1; 16],
        &stand.recording.rid,
        &heads.heads,
        &heads.previous,
    );
    let signed = crypto::verify(&stand.agent.public(), "heads", &message, &heads.signature);
    assert_eq!(signed, Ok(()));
    assert_eq!(stand.recording.heads(&stand.agent), None);
    assert_eq!(stand.recording.receipt().own.as_ref(), Some(&heads));
    // The next epoch's first ones restate these.
    stand.open(2);
    let frame = stand.input();
    stand.pass(frame).expect("in order");
    let next = stand.recording.heads(&stand.agent).expect("changed");
    assert_eq!(next.previous, heads.heads);
}

#[test]
fn only_the_consoles_heads_stand_in_the_receipt() {
    let mut stand = Stand::new();
    stand.open(1);
    let heads = List(stand.relay.current());
    let message = heads::to_sign(&[1; 16], &stand.recording.rid, &heads, &List::default());
    let signed = |key: &SigningKey| PeerHeads {
        heads: heads.clone(),
        previous: List::default(),
        signature: key.sign("heads", &message),
    };
    let missing = TheirHeads::Missing { since: NOW };
    assert_eq!(stand.recording.receipt().console, missing);
    let forged = stand.recording.handle_heads(signed(&stand.agent), NOW + 5);
    assert_eq!(forged, Err(Wrong::Forged));
    assert_eq!(stand.recording.receipt().console, missing);
    let heads = signed(&stand.technician);
    assert_eq!(stand.recording.handle_heads(heads.clone(), NOW + 5), Ok(()));
    let stated = TheirHeads::Stated { at: NOW + 5, heads };
    assert_eq!(stand.recording.receipt().console, stated);
}

#[test]
fn what_the_customer_allowed_is_listed_in_order() {
    let mut stand = Stand::new();
    let steps = [
        (Rights::Control, Why::Switched),
        (Rights::View, Why::Recorder),
        (Rights::Control, Why::Switched),
        (Rights::None, Why::Stopped),
        (Rights::View, Why::Switched),
        (Rights::View, Why::Switched),
        (Rights::None, Why::Lost),
        (Rights::View, Why::Switched),
        (Rights::None, Why::Switched),
    ];
    for (allowed, why) in steps {
        stand.recording.note_allowed(allowed, why, NOW);
    }
    use EventKind::*;
    let kinds: Vec<EventKind> = stand
        .recording
        .receipt()
        .events
        .0
        .iter()
        .map(|e| e.kind.clone())
        .collect();
    assert_eq!(
        kinds,
        [
            ViewOn, ControlOn, Recorder, ControlOn, Stop, ViewOn, Lost, ViewOn, ViewOff
        ]
    );
    for _ in 0..MAX_EVENTS {
        stand
            .recording
            .note_allowed(Rights::View, Why::Switched, NOW);
        stand
            .recording
            .note_allowed(Rights::None, Why::Switched, NOW);
    }
    assert_eq!(stand.recording.receipt().events.0.len(), MAX_EVENTS);
    stand
        .recording
        .complete(&stand.agent, NOW + 9, End::Customer);
    let state = &stand.recording.receipt().state;
    assert!(matches!(
        state,
        State::Completed {
            reason: End::Customer,
            ..
        }
    ));
}

#[test]
fn control_is_offered_with_valid_auditors_and_a_lawful_date_only() {
    let key = AuditorKey::draw(&mut OsRng);
    let good = configuration(&key);
    let latest = retention::latest_deletion(NOW);
    let offered = |configuration: &Configuration, deletion, now| {
        offer(configuration, ControlOffer::Recorded { deletion }, now) != ControlOffer::Unavailable
    };
    assert!(offered(&good, latest, NOW));
    assert!(offered(&good, latest + 300, NOW), "clocks differ");
    assert!(!offered(&good, latest + 86_400, NOW), "kept too long");
    assert!(
        !offered(&good, latest, NOW + AUDITOR_KEYS_VALID_S),
        "keys expired"
    );
    let none = Configuration {
        auditors: List::default(),
        ..good.clone()
    };
    assert!(!offered(&none, latest, NOW));
    assert_eq!(
        offer(&good, ControlOffer::Unavailable, NOW),
        ControlOffer::Unavailable
    );
}
