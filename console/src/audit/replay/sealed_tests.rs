//! The same through a sealed recording: written, opened and verified with the real parts.

use std::sync::Arc;

use fernsicht_protocol::content::Cause;
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::messages::End;
use fernsicht_recordings::finding::Verdict;
use fernsicht_recordings::open::Opened;
use fernsicht_recordings::sample::{Office, Recorded, Session};

use super::*;
use crate::audit::index::Kind;
use crate::audit::sample::{START, Sample, rect};
use crate::audit::source::{Bytes, Recording};

fn open(office: &Office, recorded: Recorded) -> (Arc<Opened<Bytes>>, Recording) {
    let bytes = Bytes::new(recorded.bytes);
    let auditor = &office.auditors[0];
    let opened = fernsicht_recordings::open::open(
        bytes.clone(),
        &recorded.keys,
        &recorded.code,
        auditor,
        &office.pin(),
    );
    let opened = Arc::new(opened.unwrap());
    (opened.clone(), Recording::new(bytes, opened))
}

/// The sample, sealed and recorded.
fn sealed(office: &Office, sample: &mut Sample) -> Recorded {
    let mut session = Session::begin(office, 3);
    let mut before = START;
    for at in 0..sample.records() {
        let entry = sample.entry(at);
        session.wait(entry.time - before);
        before = entry.time;
        let content = sample.content(at).unwrap();
        match entry.kind {
            Kind::Opening { epoch: 1 } => {}
            Kind::Opening { .. } => session.begin_epoch(),
            Kind::Frame(header) if header.class == Class::Rights => {
                session.grant(header.rights, Cause::from_bytes(&content).unwrap());
            }
            Kind::Frame(header) => drop(session.frame(header.direction, header.class, &content)),
            Kind::End(_) => return session.end(End::Customer),
            Kind::Withheld(_) | Kind::Cut(_) | Kind::Gap { .. } | Kind::Other => {
                unreachable!("not in this sample")
            }
        }
        if at % 50 == 0 {
            session.checkpoint();
        }
    }
    session.kill()
}

#[test]
fn a_sealed_recording_shows_the_same() {
    let office = Office::new(5);
    let mut sample = Sample::work(2);
    sample
        .wait(30)
        .opening()
        .wait(30)
        .rights(Rights::Control, Cause::Epoch);
    sample
        .wait(5)
        .picture(rect(0, 0, 1, 1), [99, 9, 9], true)
        .wait(5)
        .ack();
    sample
        .text("x")
        .decided(Vec::new())
        .wait(100)
        .end(End::Customer);
    let recorded = sealed(&office, &mut sample);
    let (opened, recording) = open(&office, recorded);
    assert_eq!(opened.verdict(), Verdict::Sound, "{:?}", opened.findings());
    let mut replay = Replay::open(recording).unwrap();
    let mut plain = Replay::open(sample.clone()).unwrap();
    assert_eq!(replay.index().input.tally(), plain.index().input.tally());
    let (shift, length) = (
        replay.index().from as i64 - START as i64,
        plain.index().to - START,
    );
    for step in 0..60 {
        let time = START + step * 7919 % length;
        let sealed = replay.seek(time.saturating_add_signed(shift)).unwrap();
        let moment = plain.seek(time).unwrap();
        assert_eq!(sealed.shown, moment.shown, "at {}", time - START);
        let pixels = |view: Option<View<'_>>| view.map(|v| v.bgrx.to_vec());
        assert!(pixels(replay.view()) == pixels(plain.view()));
    }
    assert_eq!(replay.findings(), []);
    let typed = replay
        .index()
        .input
        .acts()
        .iter()
        .rfind(|a| a.typed())
        .cloned();
    assert_eq!(replay.typed(&typed.unwrap()).unwrap()[0].text, "x");
}
