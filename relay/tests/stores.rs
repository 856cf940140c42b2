//! Stores that are full, read-only, stalled or cut off, under the real relay. What needs a file
//! system of its own is skipped, and says so, where this user may not mount one.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: a failure is the test's"
)]

mod common;

use std::fs;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use common::disk::Mounted;
use common::file::*;
use common::*;
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::messages::*;
use fernsicht_protocol::net::{Identity, Pin, SingleSender};
use fernsicht_protocol::unit::Record;

/// A relay whose recordings are written to a file system of their own.
async fn on<D>(
    mount: impl FnOnce(&std::path::Path) -> Option<D>,
) -> Option<(Relay, Identity, Pin, D)> {
    let dir = tempfile::tempdir().unwrap();
    succeeds(&dir.path().join("data"), &["technician", "list"]);
    let active = dir.path().join("data").join("active");
    fs::create_dir_all(&active).unwrap();
    let disk = mount(&active)?;
    let relay = Relay::start_in(dir, &[]);
    let (identity, pin) = relay.enrol("Erika Weber").await;
    auditor::enrol(&relay, &pin, "Ada Prüfer").await;
    Some((relay, identity, pin, disk))
}

/// Sends input until both ends hear of the recorder's failure; returns what had reached the agent.
async fn until_failed(session: &mut Session, hands: &mut Hands) -> Vec<Record> {
    // Only tells a relay that goes on from one that is slow; how soon it must be is a matter of what passes.
    let hung = Instant::now() + PATIENCE;
    let mut passed = Vec::new();
    loop {
        hands.send().await;
        tokio::select! {
            record = hands.receive() => passed.push(record),
            heard = session.agent_hears() => {
                assert_eq!(heard, RelayToAgent::RecorderFailed);
                assert_eq!(session.console_hears().await, RelayToConsole::RecorderFailed);
                return passed;
            }
        }
        assert!(Instant::now() < hung, "it goes on");
    }
}

/// What the last page of a file may still take of input, in events: the smallest is 80 bytes.
const LAST_PAGE: usize = 4096 / 80;

#[tokio::test]
async fn a_full_store_ends_control_until_it_has_room_again() {
    let disk = on(|at| Mounted::tmpfs(at, 24, "")).await;
    let Some((relay, identity, pin, _disk)) = disk else {
        return;
    };
    let mut session = recorded(&relay, &identity, &pin).await;
    let mut hands = session.control(1, 1).await;
    hands.send().await;
    hands.receive().await;
    let filler = relay.data().join("active").join("filler");
    let mut filling = fs::File::create(&filler).unwrap();
    while filling.write_all(&[0; 4096]).is_ok() {}
    let passed = until_failed(&mut session, &mut hands).await;
    let frames = passed.iter().filter(|r| matches!(r, Record::Frame(_)));
    assert!(frames.count() <= LAST_PAGE, "more than what had room");
    // What the agent got is in the file; what is not in the file came as a tombstone.
    let file = relay.active().pop().unwrap();
    let kept = frames_of(
        &read_recording(&fs::read(&file).unwrap(), true),
        Class::Input,
    );
    for record in passed {
        if let Record::Frame(frame) = record {
            assert!(kept.iter().any(|(_, c)| *c == frame.ciphertext));
        }
    }
    let (_, control) = Agent::connect(&relay.address, &pin).await;
    assert_eq!(control, ControlOffer::Unavailable);
    hands.send().await;
    let record = hands.receive().await;
    assert!(matches!(record, Record::Tombstone { .. }));

    // What is open still takes its room.
    drop(filling);
    fs::remove_file(&filler).unwrap();
    assert_eq!(session.agent_hears().await, RelayToAgent::RecorderBack);
    assert_eq!(session.console_hears().await, RelayToConsole::RecorderBack);
    drop(hands);
    session.open(2).await;
    let mut hands = session.control(2, 2).await;
    let sent = hands.send().await;
    let record = hands.receive_newest(&sent).await;
    assert_eq!(record, Record::Frame(sent));
    // It is being written: a checkpoint may stand there in part.
    let records = read_recording(&fs::read(&file).unwrap(), true);
    let gap = kinds(&records).iter().position(|kind| *kind == GAP);
    assert_eq!(records[gap.expect("a gap") + 1].0, OPENING);
    assert!(relay.log().contains("the recorder has failed"));
}

#[tokio::test]
async fn a_read_only_store_permits_looking_only() {
    let disk = on(|at| Mounted::tmpfs(at, 24, ",ro")).await;
    let Some((relay, identity, pin, _disk)) = disk else {
        return;
    };
    let (_, control) = Agent::connect(&relay.address, &pin).await;
    assert_eq!(control, ControlOffer::Unavailable);
    opened(&relay, &identity, &pin).await;
    assert!(relay.log().contains("no control is offered"));
}

#[tokio::test]
async fn a_stalled_store_stops_control_and_nothing_else() {
    let disk = on(|at| Mounted::ext4(at, 64)).await;
    let Some((mut relay, identity, pin, mut disk)) = disk else {
        return;
    };
    let mut session = recorded(&relay, &identity, &pin).await;
    let mut other = recorded(&relay, &identity, &pin).await;
    let mut hands = session.control(1, 1).await;
    hands.send().await;
    hands.receive().await;
    if disk.freeze().is_none() {
        return;
    }
    let passed = until_failed(&mut session, &mut hands).await;
    let withheld = |record: &Record| matches!(record, Record::Tombstone { .. });
    assert!(
        passed.iter().all(withheld),
        "nothing passes a store that takes nothing: {passed:?}"
    );
    // Its tombstone may come before the news or behind them.
    assert!(!passed.is_empty() || withheld(&hands.receive().await));

    // While the store stands still others go on, sessions end, and the relay does.
    let (agent, console) = opened(&relay, &identity, &pin).await;
    drop((agent, console));
    other
        .agent
        .say(AgentToRelay::End {
            reason: End::Customer,
        })
        .await;
    assert_eq!(
        other.console_hears().await,
        RelayToConsole::Ended {
            reason: End::Customer
        }
    );
    disk.thaw();
    assert_eq!(session.agent_hears().await, RelayToAgent::RecorderBack);
    assert_eq!(session.console_hears().await, RelayToConsole::RecorderBack);
    drop(hands);
    session.open(2).await;
    let mut hands = session.control(2, 2).await;
    let sent = hands.send().await;
    hands.receive_newest(&sent).await;

    assert!(disk.freeze().is_some());
    relay.signal_end();
    let ended = session.agent_hears().await;
    assert!(
        matches!(
            ended,
            RelayToAgent::Ended { reason: End::Relay } | RelayToAgent::RecorderFailed
        ),
        "{ended:?}"
    );
    // A process with a thread in a frozen write cannot be reaped, but it lets go of its address.
    let address = relay.address.clone();
    until("the relay ends", || {
        std::net::UdpSocket::bind(&address).is_ok() && std::net::TcpListener::bind(&address).is_ok()
    })
    .await;
    disk.thaw();
    relay.process.wait().unwrap();
}

#[tokio::test]
async fn a_killed_relay_leaves_what_it_had_recorded() {
    let (relay, identity, pin) = Relay::with_auditor().await;
    let mut session = recorded(&relay, &identity, &pin).await;
    let mut hands = session.control(1, 1).await;
    let mut received = Vec::new();
    let pictures = session.agent.0.connection.clone();
    let load = tokio::spawn(async move {
        for number in 0.. {
            let rights = fernsicht_protocol::rights::Rights::Control;
            let picture = frame(Class::Picture, number, 1, rights, 60_000);
            let Ok(mut stream) = SingleSender::open(&pictures, Class::Picture).await else {
                return;
            };
            // The relay may be gone already.
            drop(stream.send(picture).await);
        }
    });
    let viewer = session.console.0.connection.clone();
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = seen.clone();
    let looking = tokio::spawn(async move {
        while let Ok(mut stream) = viewer.accept_uni().await {
            // Each by itself: in-order streams do not end.
            let counted = counted.clone();
            tokio::spawn(async move {
                if read_to_end(&mut stream).await.is_ok() {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    // One checkpoint more than the opening's, and as many pictures as a second shows.
    let mut checkpoints = 0;
    while checkpoints < 1 || seen.load(Ordering::Relaxed) < 30 {
        hands.send().await;
        tokio::select! {
            record = hands.receive() => if let Record::Frame(frame) = record {
                received.push(frame);
            },
            _ = session.checkpoint() => checkpoints += 1,
        }
    }
    let relay = relay.kill_and_restart();
    load.abort();
    looking.abort();
    until("it is moved", || relay.stored().len() == 1).await;
    let records = read_recording(&fs::read(&relay.stored()[0]).unwrap(), false);
    let kept = frames_of(&records, Class::Input);
    assert!(!received.is_empty() && kept.len() >= received.len());
    for (kept, sent) in kept.iter().zip(&received) {
        assert_eq!(kept.1, sent.ciphertext);
    }
    assert!(frames_of(&records, Class::Picture).len() > 10);
    assert!(kinds(&records).iter().filter(|k| **k == CHECKPOINT).count() >= 2);
    let listed = succeeds(&relay.data(), &["recordings", "list"]);
    assert!(listed.contains("interrupted"), "{listed}");
    // The next one is recorded as if nothing had been.
    recorded(&relay, &identity, &pin).await;
}
