//! What the relay hands out, examined: each verdict, and the way from a recording to a video.

use fernsicht_protocol::audit::{HandOut, Keys};
use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::content::{Button, Cause, DropReason, InputEvent};
use fernsicht_protocol::messages::End;
use fernsicht_protocol::picture::{Box as Patch, Code as Pixels, Layout, Rect, Update};
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::wire::{Blob, List, Wire as _};
use fernsicht_recordings::sample::{Office, Recorded, Session};

use super::*;
use crate::audit::replay::{Seen, Shown as Sight};
use crate::decode::Decoder;

const WIDTH: u16 = 64;
const HEIGHT: u16 = 48;

/// A complete picture of one colour.
fn picture(sequence: u64, colour: [u8; 3]) -> Vec<u8> {
    let pixels: Vec<u8> = (0..usize::from(WIDTH) * usize::from(HEIGHT))
        .flat_map(|_| colour)
        .collect();
    let rect = Rect {
        x: 0,
        y: 0,
        width: WIDTH,
        height: HEIGHT,
    };
    Update {
        sequence,
        complete: Some(Layout {
            generation: 1,
            width: WIDTH,
            height: HEIGHT,
        }),
        history: false,
        palette: List::default(),
        boxes: List(vec![Patch {
            rect,
            code: Pixels::Colours,
        }]),
        block: Blob(zstd::encode_all(pixels.as_slice(), 1).unwrap()),
    }
    .to_bytes()
}

fn click() -> InputEvent {
    InputEvent::Button {
        button: Button::Left,
        down: true,
        x: 1,
        y: 2,
    }
}

/// A session under control: two pictures a second apart, three clicks of which one is dropped.
fn session(office: &Office) -> Session<'_> {
    let mut session = Session::begin(office, 1);
    session.grant(Rights::Control, Cause::Epoch);
    session.beacon();
    let mut decoder = Decoder::new();
    for (sequence, colour) in [(1, [10, 20, 30]), (2, [200, 100, 0])] {
        let update = picture(sequence, colour);
        decoder.handle_update(&update).unwrap();
        session.picture(&update);
        session.wait(5);
        session.picture_ack(sequence, decoder.digest());
        session.wait(95);
        session.checkpoint();
    }
    for _ in 0..3 {
        session.input(click());
    }
    session.ack(1, &[(1, 1, DropReason::CustomerActive)]);
    session.heads(fernsicht_recordings::finding::End::Agent);
    session.heads(fernsicht_recordings::finding::End::Console);
    session
}

fn relay(office: &Office) -> Relay {
    Relay {
        address: "relay.example:7443".into(),
        name: "relay.example".into(),
        ca: office.pin(),
    }
}

fn handed(recorded: &Recorded) -> Handed {
    Handed {
        about: HandOut {
            lookup_hash: recorded.code.lookup().hash(),
            keys_length: 0,
            length: recorded.bytes.len() as u64,
            deletion: u64::MAX,
            entry: 7,
        },
        keys: List(recorded.keys.clone()) as Keys,
        bytes: recorded.bytes.clone(),
        relay_now: 0,
    }
}

fn complaint(code: &Code) -> Complaint {
    Complaint {
        code: code.clone(),
        receipt: None,
    }
}

fn examined(
    office: &Office,
    handed: Handed,
    auditor: usize,
    code: &Code,
) -> (Facts, Option<Recording>) {
    let key = &office.auditors[auditor];
    examine(handed, &relay(office), key, "2026/1", &complaint(code)).unwrap()
}

#[test]
fn a_whole_recording_is_sound_and_its_facts_are_told() {
    let office = Office::new(1);
    let recorded = session(&office).end(End::Customer);
    for auditor in 0..2 {
        let (facts, recording) = examined(&office, handed(&recorded), auditor, &recorded.code);
        assert_eq!(facts.findings, []);
        assert_eq!((facts.verdict, facts.refused_at), (Verdict::Sound, None));
        assert_eq!(facts.technician, "Erika Weber");
        assert_eq!(facts.end, Some(End::Customer));
        assert_eq!(facts.number, recorded.code.lookup().to_string());
        assert_eq!(
            facts.input,
            Input {
                injected: 1,
                dropped: 1,
                undecided: 1
            }
        );
        // The date that the customer was shown, though the relay states a later one.
        assert!(facts.deletion < u64::MAX);
        assert_eq!((facts.epochs, facts.sealed_to, facts.entry), (1, 2, 7));
        assert!(facts.rights.iter().any(|c| c.rights == Rights::Control));
        assert!(recording.is_some());
    }
}

#[test]
fn the_recording_is_replayed_and_exported() {
    let office = Office::new(1);
    let recorded = session(&office).end(End::Customer);
    let (facts, recording) = examined(&office, handed(&recorded), 0, &recorded.code);
    let mut replay = Replay::open(recording.unwrap()).unwrap();
    let moment = replay.seek(facts.from + 50).unwrap();
    assert_eq!(
        moment.shown,
        Sight::Picture {
            sequence: 1,
            ahead: 0,
            seen: Seen::Acknowledged
        }
    );
    assert_eq!(replay.view().unwrap().bgrx[..3], [10, 20, 30]);
    assert!(replay.check(&mut |_| true).unwrap());
    assert_eq!(replay.findings(), []);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("case.mp4");
    let mut shown = Shown::new(&mut replay);
    assert_eq!(shown.largest().unwrap(), (WIDTH, HEIGHT));
    let written = export::video(&mut shown, &path, &mut |_| true).unwrap();
    assert!(written.length > 500);
}

#[test]
fn each_reason_that_keeps_it_closed_has_its_verdict() {
    let office = Office::new(1);
    let recorded = session(&office).end(End::Customer);
    let other = Code::from_bytes([9; 16]);
    let mut other_handed = handed(&recorded);
    other_handed.about.lookup_hash = other.lookup().hash();
    let (facts, recording) = examined(&office, other_handed, 0, &other);
    assert_eq!(facts.verdict, Verdict::WrongCode);
    assert_eq!(facts.refused_at, Some(Check::Code));
    assert!(recording.is_none());

    let stranger = Office::new(2);
    let key = &stranger.auditors[0];
    let (facts, _) = examine(
        handed(&recorded),
        &relay(&office),
        key,
        "2026/1",
        &complaint(&recorded.code),
    )
    .unwrap();
    assert_eq!(facts.verdict, Verdict::WrongKey);

    let mut without_keys = handed(&recorded);
    without_keys.keys = List(Vec::new());
    let (facts, _) = examined(&office, without_keys, 0, &recorded.code);
    assert_eq!(facts.verdict, Verdict::Altered);
}

#[test]
fn an_interrupted_recording_is_sound_as_far_as_it_goes() {
    let office = Office::new(1);
    let recorded = session(&office).kill();
    let (facts, recording) = examined(&office, handed(&recorded), 0, &recorded.code);
    assert_eq!((facts.verdict, facts.end), (Verdict::Interrupted, None));
    assert!(recording.is_some());
}

#[test]
fn an_altered_recording_is_altered_and_the_place_is_named() {
    let office = Office::new(1);
    let recorded = session(&office).end(End::Customer);
    let mut altered = handed(&recorded);
    let at = altered.bytes.len() / 2;
    altered.bytes[at] ^= 1;
    let (facts, _) = examined(&office, altered, 0, &recorded.code);
    assert_eq!(facts.verdict, Verdict::Altered);
    assert!(facts.findings.iter().any(|f| f.grave));
}

#[test]
fn another_recordings_bytes_are_told() {
    let office = Office::new(1);
    let recorded = session(&office).end(End::Customer);
    let mut other = handed(&recorded);
    other.about.lookup_hash[0] ^= 1;
    let (facts, _) = examined(&office, other, 0, &recorded.code);
    assert_eq!(facts.verdict, Verdict::Altered);
}

#[test]
fn a_receipt_of_another_session_does_not_fit() {
    let office = Office::new(1);
    let recorded = session(&office).end(End::Customer);
    let mut complaint = complaint(&recorded.code);
    let foreign = fernsicht_protocol::fuzzing::receipt::sample(true);
    complaint.receipt = Some(Box::new(foreign));
    let key = &office.auditors[0];
    let (facts, _) = examine(
        handed(&recorded),
        &relay(&office),
        key,
        "2026/1",
        &complaint,
    )
    .unwrap();
    assert_eq!(facts.verdict, Verdict::Altered);
    assert!(facts.findings.iter().any(|f| f.check == Check::PeerHeads));
}

#[test]
fn case_references_are_as_the_relay_takes_them() {
    assert_eq!(parse_reference("  2026/1 ").unwrap().as_str(), "2026/1");
    for text in ["", "  ", "a\nb", &"x".repeat(129)] {
        assert_eq!(parse_reference(text), Err(Failure::Reference), "{text:?}");
    }
}
