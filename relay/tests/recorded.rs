//! Recorded sessions through a real relay: what is in the file, and when.

mod common;

use std::fs;

use common::auditor::Auditor;
use common::file::*;
use common::*;
use fernsicht_protocol::audit::*;
use fernsicht_protocol::crypto::hash;
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::messages::*;
use fernsicht_protocol::net::{self, Incoming, RecordSender, WriteError, read_single};
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::unit::Record;
use fernsicht_protocol::wire::Text;

#[tokio::test]
async fn control_is_offered_with_an_auditor_only() {
    let relay = Relay::start(&[]);
    let (_, pin) = relay.enrol("Erika Weber").await;
    let (_, control) = Agent::connect(&relay.address, &pin).await;
    assert_eq!(control, ControlOffer::Unavailable);
    auditor::enrol(&relay, &pin, "Ada Prüfer").await;
    let now = jiff::Timestamp::now().as_second() as u64;
    let (_, control) = Agent::connect(&relay.address, &pin).await;
    let ControlOffer::Recorded { deletion } = control else {
        panic!("not offered: {}", relay.log())
    };
    let latest = fernsicht_protocol::retention::latest_deletion(now);
    assert!((latest..latest + 60).contains(&deletion));
    succeeds(&relay.data(), &["auditor", "revoke", "Ada Prüfer"]);
    let (_, control) = Agent::connect(&relay.address, &pin).await;
    assert_eq!(control, ControlOffer::Unavailable);
}

#[tokio::test]
async fn input_is_in_the_file_before_the_agent_has_it() {
    let (relay, identity, pin) = Relay::with_auditor().await;
    let mut session = recorded(&relay, &identity, &pin).await;
    let mut hands = session.control(1, 1).await;
    let [file] = &relay.active()[..] else {
        panic!("one file")
    };
    for _ in 0..200 {
        let sent = hands.send().await;
        assert_eq!(hands.receive().await, Record::Frame(sent.clone()));
        let there = fs::read(file).unwrap();
        assert!(
            there.windows(80).rev().any(|w| w == &sent.ciphertext[..]),
            "forwarded before it was recorded"
        );
    }
    let records = read_recording(&fs::read(file).unwrap(), false);
    assert_eq!(
        kinds(&records)[..4],
        [OPENING, CHECKPOINT, SIGNATURE, FRAME]
    );
    assert_eq!(frames_of(&records, Class::Input).len(), 200);
}

#[tokio::test]
async fn what_is_only_looked_at_leaves_no_file() {
    let (relay, identity, pin) = Relay::with_auditor().await;
    let (agent, console) = opened(&relay, &identity, &pin).await;
    let on = Record::Frame(frame(Class::Rights, 0, 1, Rights::View, 32));
    let mut rights = RecordSender::open(&agent.0.connection, Class::Rights)
        .await
        .unwrap();
    rights.send(&on).await.unwrap();
    let mut seen = console.0.records().await;
    assert_eq!(seen.next().await.unwrap(), Some(on));
    let picture = frame(Class::Picture, 0, 1, Rights::View, 100_000);
    let _stream = agent.0.single(&picture).await;
    let Incoming::Single(header, mut received) = console.0.stream().await else {
        panic!("no picture")
    };
    read_single(header, &mut received).await.unwrap();
    assert!(relay.active().is_empty() && relay.stored().is_empty());
    assert!(succeeds(&relay.data(), &["recordings", "list"]).contains("no recordings"));
}

#[tokio::test]
async fn pictures_are_recorded_whole_or_as_dropped_and_the_rest_as_it_was_judged() {
    let (relay, identity, pin) = Relay::with_auditor().await;
    let mut session = recorded(&relay, &identity, &pin).await;
    let mut hands = session.control(1, 1).await;
    let whole = frame(Class::Picture, 0, 1, Rights::Control, 300_000);
    let _whole = session.agent.0.single(&whole).await;
    let Incoming::Single(header, mut received) = session.console.0.stream().await else {
        panic!("no picture")
    };
    read_single(header, &mut received).await.unwrap();
    let half = frame(Class::Picture, 1, 1, Rights::Control, 200_000);
    let mut stream = session.agent.0.part(&half, 100_000).await;
    let Incoming::Single(_, mut received) = session.console.0.stream().await else {
        panic!("no picture")
    };
    received.read_exact(&mut vec![0; 50_000]).await.unwrap();
    let off = Record::Frame(frame(Class::Rights, 1, 2, Rights::None, 32));
    hands.rights.send(&off).await.unwrap();
    assert_eq!(hands.seen.next().await.unwrap(), Some(off));
    let late = hands.send().await;
    let tombstone = Record::Tombstone {
        header: late.header,
        hash: hash(&late.ciphertext),
    };
    assert_eq!(hands.receive().await, tombstone);
    assert_eq!(stream.delivered().await, Err(WriteError::Refused));

    let checkpoint = session.checkpoint().await;
    assert!(checkpoint.checkpoint.length > 300_000);
    let file = fs::read(&relay.active()[0]).unwrap();
    let records = read_recording(&file, false);
    let pictures = frames_of(&records, Class::Picture);
    assert_eq!(pictures.len(), 1);
    assert_eq!(pictures[0].1, whole.ciphertext);
    for kind in [DROPPED, TOMBSTONE] {
        let of_kind = records.iter().filter(|(k, _)| *k == kind).count();
        assert_eq!(of_kind, 1, "{kind}");
    }
}

#[tokio::test]
async fn a_session_ends_with_its_receipt_and_an_auditor_gets_it() {
    let (relay, identity, pin) = Relay::with_auditor().await;
    let ada = auditor::enrol(&relay, &pin, "Ida Kontrolle").await;
    let mut session = recorded(&relay, &identity, &pin).await;
    let mut hands = session.control(1, 1).await;
    let sent = hands.send().await;
    hands.receive().await;

    let mut auditor = Auditor::hello(&relay.address, &pin, Some(&ada)).await;
    let case = Text::new("B-17").unwrap();
    let open = AuditorToRelay::Open {
        case: case.clone(),
        open_token: *session.code.open_token(),
    };
    assert_eq!(
        auditor.ask(open.clone()).await,
        RelayToAuditor::Refused {
            reason: AuditRefusal::Running
        }
    );
    session
        .agent
        .say(AgentToRelay::End {
            reason: End::Customer,
        })
        .await;
    let last = session.checkpoint().await;
    session.agent.say(AgentToRelay::ReceiptDone).await;
    until("it is moved", || relay.stored().len() == 1).await;

    let unknown = AuditorToRelay::Open {
        case: case.clone(),
        open_token: [0; 32],
    };
    assert_eq!(
        auditor.ask(unknown).await,
        RelayToAuditor::Refused {
            reason: AuditRefusal::NoRecording
        }
    );
    let RelayToAuditor::Handed { recording } = auditor.ask(open).await else {
        panic!("not handed out: {}", relay.log())
    };
    assert_eq!(recording.lookup_hash, session.open.lookup_hash);
    let log = succeeds(&relay.data(), &["access-log"]);
    assert!(log.contains("B-17"), "{log}");
    let (keys, file) = auditor.take(&recording).await;
    assert_eq!(keys.0.len(), 1);
    assert_eq!(keys.0[0].sealed_keys, session.open.sealed_keys);
    let records = read_recording(&file, false);
    assert_eq!(
        kinds(&records)[records.len() - 2..],
        [END, CHECKPOINT],
        "the end is the last record that the last checkpoint covers"
    );
    assert_eq!(
        last.checkpoint.length as usize,
        file.len() - 4 - 9 - records.last().unwrap().1.len()
    );
    assert_eq!(frames_of(&records, Class::Input)[0].1, sent.ciphertext);
    let what = Text::new("MP4").unwrap();
    let exported = AuditorToRelay::Exported {
        case: case.clone(),
        what,
    };
    assert_eq!(auditor.ask(exported).await, RelayToAuditor::Logged);
    // Another connection of the same auditor knows the case.
    let mut again = Auditor::hello(&relay.address, &pin, Some(&ada)).await;
    let closed = AuditorToRelay::Close { case };
    assert_eq!(again.ask(closed).await, RelayToAuditor::Logged);
    let RelayToAuditor::Overview {
        auditors,
        technicians,
        ..
    } = again.ask(AuditorToRelay::Overview).await
    else {
        panic!("no overview")
    };
    assert_eq!(auditors, 2);
    assert_eq!(
        (technicians.0[0].recorded, technicians.0[0].without_receipt),
        (1, 0)
    );
    succeeds(&relay.data(), &["access-log", "--verify"]);

    succeeds(&relay.data(), &["auditor", "revoke", "Ida Kontrolle"]);
    assert_eq!(
        again.hear().await,
        Some(RelayToAuditor::Refused {
            reason: AuditRefusal::Revoked
        })
    );
}

#[tokio::test]
async fn without_a_certificate_auditors_may_only_enrol() {
    let (relay, identity, pin) = Relay::with_auditor().await;
    let mut stranger = Auditor::hello(&relay.address, &pin, None).await;
    assert_eq!(
        stranger.ask(AuditorToRelay::Overview).await,
        RelayToAuditor::Refused {
            reason: AuditRefusal::Unexpected
        }
    );
    // A technician's certificate does not open this door, nor an auditor's the other one.
    let mut technician = Auditor::connect(&relay.address, &pin, Some(&identity)).await;
    assert!(technician.refused().await);
    let ida = auditor::enrol(&relay, &pin, "Ida Kontrolle").await;
    let console = net::connect(&relay.address, &pin, ALPN_CONSOLE, Some(&ida));
    let connection = console.await.unwrap();
    tokio::time::timeout(PATIENCE, connection.closed())
        .await
        .expect("thrown out");
}

#[tokio::test]
async fn a_drain_closes_recordings_and_waits_for_receipts() {
    let (mut relay, identity, pin) = Relay::with_auditor().await;
    let mut session = recorded(&relay, &identity, &pin).await;
    let mut hands = session.control(1, 1).await;
    hands.send().await;
    hands.receive().await;
    relay.signal_end();
    assert_eq!(
        session.agent_hears().await,
        RelayToAgent::Ended { reason: End::Relay }
    );
    session.checkpoint().await;
    session.agent.say(AgentToRelay::ReceiptDone).await;
    let (relay, status) = tokio::task::spawn_blocking(move || {
        let status = relay.process.wait();
        (relay, status)
    })
    .await
    .unwrap();
    assert!(status.unwrap().success());
    let files = [relay.active(), relay.stored()].concat();
    let records = read_recording(&fs::read(&files[0]).unwrap(), false);
    assert_eq!(kinds(&records)[records.len() - 2..], [END, CHECKPOINT]);
}
