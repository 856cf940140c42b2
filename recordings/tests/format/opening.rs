//! A recording opens with code and key together, and tells what happened.

use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::content::{Cause, DropReason, InputEvent};
use fernsicht_protocol::epoch::Epoch;
use fernsicht_protocol::frame::{Class, Direction};
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::sealing::{self, AuditorKey};
use fernsicht_recordings::finding::{End, Refusal, Verdict, What};
use fernsicht_recordings::format::Kind;
use fernsicht_recordings::open::{Event, open};
use fernsicht_recordings::outcome::{Counts, Outcome};
use fernsicht_recordings::sample::{Dice, Session};
use fernsicht_recordings::verify::{Verifier, verify_outside};
use fernsicht_recordings::writer::Ciphertext;

use crate::common::{office, small};
use crate::forge::Forge;

#[test]
fn with_code_and_key_everything_is_there() {
    let office = office();
    let recorded = small(&office);
    let opened = open(
        recorded.bytes.as_slice(),
        &recorded.keys,
        &recorded.code,
        &office.auditors[1],
        &office.pin(),
    )
    .unwrap();
    assert_eq!(opened.findings(), []);
    assert_eq!(opened.verdict(), Verdict::Sound);
    assert_eq!(opened.compare(&recorded.evidence), []);
    let facts = opened.facts();
    assert_eq!(facts.technician.as_ref().unwrap().name, "Erika Weber");
    let counts = Counts {
        injected: 3,
        dropped: 1,
        withheld: 1,
        undecided: 0,
    };
    assert_eq!(opened.outcomes().counts(), counts);
    let dropped = Outcome::Dropped(DropReason::CustomerActive);
    assert_eq!(opened.outcomes().outcome(1, 1), dropped);
    let (mut pictures, mut rights, mut last) = (Vec::new(), Vec::new(), 0);
    opened.for_each(|entry, event| {
        assert!(entry.time >= last);
        last = entry.time;
        assert!(!matches!(event, Event::Unreadable { .. }), "{event:?}");
        if let Event::Picture { update, .. } = event {
            pictures.push(update.to_vec());
        } else if let Event::Rights { header, cause } = event {
            rights.push((header.rights, cause));
        }
        true
    });
    assert_eq!(
        pictures,
        [b"first".to_vec(), b"second".to_vec(), vec![7; 3000]]
    );
    assert_eq!(rights[1], (Rights::Control, Cause::Granted));
    // Any record opens by itself.
    let at = opened.index().iter().rposition(|entry| {
        entry.frame.is_some_and(|f| f.class == Class::Picture) && entry.kind == Kind::Frame
    });
    let mut buffer = Vec::new();
    let event = opened.event(at.unwrap(), &mut buffer);
    assert!(matches!(event, Some(Event::Picture { update, .. }) if update == [7; 3000]));
    assert!(
        opened
            .event(opened.index().len(), &mut Vec::new())
            .is_none()
    );
}

#[test]
fn from_outside_the_same_is_found_in_any_pieces() {
    let office = office();
    let recorded = small(&office);
    let outline = verify_outside(&recorded.bytes, &office.pin());
    assert_eq!(outline.findings, []);
    assert!(outline.complete);
    assert_eq!(outline.covered, recorded.bytes.len() as u64);
    assert_eq!(outline.epochs.len(), 2);
    assert!(outline.epochs.iter().all(|epoch| epoch.signed));
    for size in [1, 777, recorded.bytes.len()] {
        let mut verifier = Verifier::new(&office.pin());
        for chunk in recorded.bytes.chunks(size) {
            verifier.handle_bytes(chunk);
        }
        assert_eq!(verifier.finish(), outline);
    }
}

#[test]
fn it_takes_both_keys_and_each_refusal_has_its_name() {
    let office = office();
    let recorded = small(&office);
    let refuse = |code: &Code, key: &AuditorKey| {
        let opened = open(&recorded.bytes, &recorded.keys, code, key, &office.pin());
        opened.map(drop).unwrap_err()
    };
    let (right, own) = (&recorded.code, &office.auditors[0]);
    let nobody = AuditorKey::draw(&mut Dice(99));
    // The auditor's key without the code: whatever is tried instead is a wrong code.
    assert_eq!(refuse(&Code::from_bytes([0; 16]), own), Refusal::Code);
    // The code without the auditor's key, and another auditor.
    assert_eq!(refuse(right, &nobody), Refusal::Auditor);
    // Another recording's code.
    let other = Session::begin(&office, 1234).end(fernsicht_protocol::messages::End::Customer);
    assert_eq!(refuse(&other.code, own), Refusal::Code);
    // Neither.
    assert_eq!(refuse(&other.code, &nobody), Refusal::Code);
    // Another recording's sealed keys.
    let keys = &other.keys;
    let refused = open(&recorded.bytes, keys, &other.code, own, &office.pin());
    assert_eq!(refused.map(drop).unwrap_err(), Refusal::OtherKeys);
    let refused = open(&recorded.bytes, &[], right, own, &office.pin());
    assert_eq!(refused.map(drop).unwrap_err(), Refusal::NoKeys);
}

#[test]
fn without_an_end_it_is_interrupted_and_opens_up_to_there() {
    let office = office();
    let mut session = Session::begin(&office, 7);
    session.grant(Rights::Control, Cause::Granted);
    session.input(InputEvent::ReleaseAll);
    session.checkpoint();
    session.input(InputEvent::ReleaseAll);
    let recorded = session.kill();
    let opened = crate::common::open(&office, &recorded, &recorded.bytes).unwrap();
    assert_eq!(opened.verdict(), Verdict::Incomplete);
    assert_eq!(opened.findings().len(), 1);
    assert_eq!(opened.outcomes().counts().undecided, 2);
    let torn = &recorded.bytes[..recorded.bytes.len() - 5];
    let opened = crate::common::open(&office, &recorded, torn).unwrap();
    assert!(matches!(
        opened.findings()[0].what,
        What::Interrupted { torn: 1.., .. }
    ));
    assert_eq!(opened.outcomes().counts().undecided, 1);
}

#[test]
fn what_is_lost_with_a_connection_accuses_nobody() {
    let office = office();
    let mut session = Session::begin(&office, 7);
    session.grant(Rights::Control, Cause::Granted);
    session.lose(Direction::ConsoleToAgent, Class::Input, b"lost");
    session.begin_epoch();
    let recorded = session.end(fernsicht_protocol::messages::End::Lost);
    let opened = crate::common::open(&office, &recorded, &recorded.bytes).unwrap();
    assert_eq!(opened.verdict(), Verdict::Sound);
    assert!(matches!(
        opened.findings()[0].what,
        What::HeadsMissing {
            by: End::Console,
            stated: 1,
            present: 0,
            received: false,
            ..
        }
    ));
}

#[test]
fn what_came_while_the_recorder_had_failed_is_a_gap() {
    let office = office();
    let mut session = Session::begin(&office, 7);
    session.grant(Rights::Control, Cause::Granted);
    session.input(InputEvent::ReleaseAll);
    let failed = session.time;
    session.wait(300);
    session.pass_unrecorded(Direction::AgentToConsole, Class::Acks, b"");
    let late = session.seal(Direction::ConsoleToAgent, Class::Acks, b"late");
    session.gap(failed);
    let sum = Ciphertext::of(&late.ciphertext);
    let refused = session
        .writer
        .append_frame(&late.header, &sum, session.time);
    assert!(
        refused.is_err(),
        "frames from before a gap are not recorded"
    );
    session.begin_epoch();
    let recorded = session.end(fernsicht_protocol::messages::End::Customer);
    let opened = crate::common::open(&office, &recorded, &recorded.bytes).unwrap();
    assert_eq!(
        opened.verdict(),
        Verdict::Incomplete,
        "{:?}",
        opened.findings()
    );
    let whats: Vec<_> = opened.findings().iter().map(|f| &f.what).collect();
    assert!(
        whats
            .iter()
            .any(|w| matches!(w, What::Gap { from, .. } if *from == failed))
    );
    let by_receiver = |w: &What| {
        matches!(
            w,
            What::HeadsMissing {
                received: true,
                excused: true,
                ..
            }
        )
    };
    assert!(whats.into_iter().any(by_receiver));
}

#[test]
fn relay_and_operator_together_open_nothing() {
    let office = office();
    let recorded = small(&office);
    // Everything that they hold: the CA, the checkpoint signer, here even the technician's key, and
    // all that is kept of the recording. They seal a secret of their own to themselves.
    let (code, key) = (Code::from_bytes([5; 16]), AuditorKey::draw(&mut Dice(5)));
    let mut forge = Forge::new(&recorded.bytes);
    let mut keys = recorded.keys.clone();
    let openings = forge.records.iter().enumerate();
    let openings: Vec<usize> = openings
        .filter(|(_, r)| r.is(Kind::Opening))
        .map(|(at, _)| at)
        .collect();
    for (at, keys) in openings.into_iter().zip(&mut keys) {
        forge.opening(at, |opening| {
            let secret = [5; 32].into();
            let (session, rid) = (&opening.session, Some(opening.rid));
            let epoch = Epoch::new(session, rid, opening.epoch, &opening.th2, &secret);
            opening.commitment = epoch.commitment();
            let sealed = sealing::seal(&opening.binding(), &key.public(), &code, &secret);
            keys.sealed_keys.0 = vec![sealed.unwrap()];
            opening.sealed_keys_hash = sealing::hash_all(&keys.sealed_keys);
        });
    }
    let bytes = forge.sign(&office).bytes();
    let opened = open(&bytes, &keys, &code, &key, &office.pin()).unwrap();
    assert_eq!(opened.verdict(), Verdict::Altered);
    opened.for_each(|entry, event| {
        let frame = entry.kind == Kind::Frame;
        assert_eq!(
            frame,
            matches!(event, Event::Unreadable { .. }),
            "{event:?}"
        );
        true
    });
    // And a stolen receipt holds the code for the auditors only.
    let sealed =
        sealing::seal_code(&office.auditors[0].public(), &opened.facts().rid, &code).unwrap();
    let stolen = sealing::open_code(&key, &opened.facts().rid, &sealed);
    assert_eq!(stolen.map(drop), Err(sealing::Error::Auditor));
}
