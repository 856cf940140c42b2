//! Whatever is done to a recording is found, and its place named.

use fernsicht_protocol::content::{Cause, InputEvent};
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::messages::End as Reason;
use fernsicht_protocol::rights::Rights;
use fernsicht_recordings::finding::{End, Finding, Refusal, Verdict, What};
use fernsicht_recordings::format::Kind;
use fernsicht_recordings::sample::{Office, Recorded, Session};
use fernsicht_recordings::verify::verify_outside;

use crate::common::{office, open, small};
use crate::forge::Forge;

/// One epoch, everything that a short session has.
fn short(office: &Office) -> Recorded {
    let mut session = Session::begin(office, 3);
    session.grant(Rights::Control, Cause::Granted);
    session.picture(b"picture");
    session.input(InputEvent::ReleaseAll);
    session.ack(0, &[]);
    session.checkpoint();
    session.wait(100);
    session.beacon();
    session.end(Reason::Customer)
}

/// True if a verdict names a place that has this byte in it.
fn named(findings: &[Finding], at: u64) -> bool {
    findings.iter().any(|finding| finding.place.contains(at))
}

#[test]
fn every_flipped_byte_is_found_at_its_place() {
    let office = office();
    let recorded = short(&office);
    for at in 0..recorded.bytes.len() {
        let mut bytes = recorded.bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        let place = at as u64;
        match open(&office, &recorded, &bytes) {
            // The file's header, or the length or kind of its first record.
            Err(Refusal::Unreadable(_)) => assert!(at < 14 + 5, "byte {at}"),
            Err(Refusal::Altered(_)) => {
                let outside = verify_outside(&bytes, &office.pin());
                assert!(named(&outside.findings, place), "byte {at}");
            }
            Err(other) => panic!("byte {at}: {other}"),
            Ok(opened) => {
                assert!(named(opened.findings(), place), "byte {at}");
                let without_keys = &opened.outline().findings;
                assert!(named(without_keys, place), "byte {at} from outside");
            }
        }
    }
}

#[test]
fn every_truncation_is_an_interruption_and_the_rest_opens() {
    let office = office();
    let recorded = short(&office);
    let offsets = Forge::new(&recorded.bytes).offsets();
    for length in 0..recorded.bytes.len() {
        let whole = offsets.iter().filter(|end| **end <= length).count();
        match open(&office, &recorded, &recorded.bytes[..length]) {
            Err(Refusal::Unreadable(_)) => assert!(length < 14),
            Err(Refusal::Empty) => assert!(whole < 2, "{length}"),
            Err(other) => panic!("{length} bytes: {other}"),
            Ok(opened) => {
                assert_eq!(opened.verdict(), Verdict::Incomplete, "{length}");
                assert_eq!(opened.index().len(), whole - 1);
                let torn = (length - offsets[whole - 1]) as u64;
                let [finding] = opened.findings() else {
                    panic!("one finding")
                };
                assert!(matches!(finding.what, What::Interrupted { torn: t, .. } if t == torn));
                assert_eq!(finding.place.until, length as u64);
            }
        }
    }
}

#[test]
fn every_record_dropped_swapped_or_doubled_is_found() {
    let office = office();
    let recorded = small(&office);
    let forge = Forge::new(&recorded.bytes);
    let offsets = forge.offsets();
    let last = forge.records.len() - 1;
    let check = |what: &str, at: usize, altered: &Forge, place: usize| {
        let bytes = altered.bytes();
        let outside = verify_outside(&bytes, &office.pin());
        let place = (place as u64).min(outside.length - 1);
        assert!(
            named(&outside.findings, place),
            "{what} {at}: {:?}",
            outside.findings
        );
        let expected = match (what, at == last) {
            ("dropped", true) => Verdict::Incomplete,
            _ => Verdict::Altered,
        };
        assert_eq!(outside.verdict(), expected, "{what} {at}");
        match open(&office, &recorded, &bytes) {
            Ok(opened) => assert_eq!(opened.verdict(), expected, "{what} {at}"),
            Err(Refusal::Altered(_)) => {}
            Err(other) => panic!("{what} {at}: {other}"),
        }
    };
    for at in 0..=last {
        let mut dropped = forge.clone();
        dropped.records.remove(at);
        check("dropped", at, &dropped, offsets[at]);
        let mut doubled = forge.clone();
        doubled.records.insert(at, forge.records[at].clone());
        check("doubled", at, &doubled, offsets[at + 1]);
        if at < last {
            let mut swapped = forge.clone();
            swapped.records.swap(at, at + 1);
            check("swapped", at, &swapped, offsets[at]);
        }
    }
}

#[test]
fn an_epochs_tail_cut_and_signed_anew_is_found_by_the_next_epochs_heads() {
    let office = office();
    let recorded = small(&office);
    let forge = Forge::new(&recorded.bytes);
    let signed = Forge::new(&recorded.bytes).sign(&office);
    assert_eq!(
        signed.bytes(),
        recorded.bytes,
        "signing anew changes nothing"
    );
    let next = forge.find(Kind::Opening, |r| r.body[16..20] == [0, 0, 0, 2]);
    let input = forge.find_frame(Class::Input);
    for cut in input..next - 1 {
        let mut altered = forge.clone();
        altered.records.drain(cut..next - 1);
        let bytes = altered.sign(&office).bytes();
        let outside = verify_outside(&bytes, &office.pin());
        assert_eq!(outside.findings, [], "the relay has signed it");
        let opened = open(&office, &recorded, &bytes).unwrap();
        let cut_in_order = forge.records[cut..next - 1]
            .iter()
            .any(|r| r.header().is_some_and(|h| h.class.in_order()));
        assert_eq!(
            opened.verdict() == Verdict::Altered,
            cut_in_order,
            "cut at {cut}"
        );
        for finding in opened.findings() {
            assert!(
                matches!(finding.what, What::HeadsMissing { .. }),
                "{finding}"
            );
            let frame = finding.place.frame.unwrap();
            assert_eq!(frame.epoch, 1);
        }
    }
}

#[test]
fn the_last_tail_cut_and_signed_anew_is_found_by_the_receipt() {
    let office = office();
    let recorded = small(&office);
    let forge = Forge::new(&recorded.bytes);
    let end = forge.find(Kind::End, |_| true);
    let signature = forge.find(Kind::EpochSignature, |r| r.body[3] == 2);
    for cut in signature + 1..end {
        let mut altered = forge.clone();
        altered.records.drain(cut..end);
        let bytes = altered.sign(&office).bytes();
        let opened = open(&office, &recorded, &bytes).unwrap();
        let findings = opened.compare(&recorded.evidence);
        assert_eq!(Verdict::of(&findings), Verdict::Altered, "cut at {cut}");
        let told = |f: &Finding| matches!(f.what, What::Shortened { .. } | What::Checkpoint(_));
        assert!(
            findings.iter().any(told),
            "the relay's own checkpoint says so"
        );
        let mut evidence = recorded.evidence.clone();
        evidence.checkpoint = None;
        let findings = opened.compare(&evidence);
        if cut < end - 1 {
            let missing = |f: &Finding| matches!(f.what, What::HeadsMissing { received: true, .. });
            assert!(findings.iter().any(missing), "cut at {cut}: {findings:?}");
        }
    }
}

#[test]
fn what_the_relay_makes_up_is_found_by_both_ends() {
    let office = office();
    let recorded = small(&office);
    let forge = Forge::new(&recorded.bytes);
    // An input frame goes, the later ones are numbered down: nothing opens any more.
    let input = forge.find_frame(Class::Input);
    let mut gone = forge.clone();
    gone.records.remove(input);
    let gone = gone.sign(&office).bytes();
    let opened = open(&office, &recorded, &gone).unwrap();
    assert!(opened.findings().iter().any(|f| {
        matches!(f.what, What::Frame(_)) && f.place.frame.is_some_and(|f| f.class == Class::Input)
    }));
    let altered = |f: &Finding| {
        matches!(
            f.what,
            What::HeadsAltered {
                by: End::Agent,
                after: 0
            }
        )
    };
    assert!(
        opened.findings().iter().any(altered),
        "{:?}",
        opened.findings()
    );
    // An injected input frame becomes a tombstone: the agent's ack contradicts.
    let mut hidden = forge.clone();
    let raw = &mut hidden.records[input];
    let ciphertext = fernsicht_protocol::crypto::hash(&raw.body[25..]);
    raw.kind = Kind::Tombstone as u8;
    raw.body.truncate(25);
    raw.body.extend(ciphertext);
    let hidden = hidden.sign(&office).bytes();
    let opened = open(&office, &recorded, &hidden).unwrap();
    let [finding] = opened.findings() else {
        panic!("{:?}", opened.findings())
    };
    assert_eq!(
        (finding.what.clone(), finding.place.record),
        (What::Withheld, input as u64)
    );
}
