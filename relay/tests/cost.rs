//! What recording costs the relay: CPU for the same forwarding with and without it. Not run by
//! default: `cargo test -p fernsicht-relay --test cost -- --ignored --nocapture`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a measurement: a failure is the test's, and the figures are for people"
)]

mod common;

use std::time::{Duration, Instant};

use common::*;
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::net::{Identity, Pin, RecordSender};
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::unit::Record;

const FRAME_BYTES: usize = 60_000;
const BYTES: usize = 100 << 20;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn recording_costs_little() {
    let (relay, identity, pin) = Relay::with_auditor().await;
    let mut costs = [Vec::new(), Vec::new()];
    for _ in 0..4 {
        for (recorded, costs) in [false, true].into_iter().zip(&mut costs) {
            costs.push(cost(&relay, &identity, &pin, recorded).await);
        }
    }
    for (what, costs) in ["forwarding", "recording, too"].iter().zip(&costs) {
        eprintln!("{what}: CPU s/GB {costs:.2?}");
    }
    // What disturbs a measurement only ever adds.
    let least = |costs: &[f64]| costs.iter().copied().fold(f64::INFINITY, f64::min);
    let more = least(&costs[1]) / least(&costs[0]) - 1.0;
    eprintln!("recording adds {:.0} %", more * 100.0);
    latency(&relay, &identity, &pin).await;
}

async fn cost(relay: &Relay, identity: &Identity, pin: &Pin, record: bool) -> f64 {
    let (agent, console, _hands) = match record {
        true => {
            let mut session = recorded(relay, identity, pin).await;
            let hands = session.control(1, 1).await;
            (session.agent, session.console, Some(hands))
        }
        false => {
            let (agent, console) = opened(relay, identity, pin).await;
            let mut rights = RecordSender::open(&agent.0.connection, Class::Rights)
                .await
                .unwrap();
            let on = Record::Frame(frame(Class::Rights, 0, 1, Rights::Control, 32));
            rights.send(&on).await.unwrap();
            console.0.records().await.next().await.unwrap();
            (agent, console, None)
        }
    };
    let frames = (BYTES / FRAME_BYTES) as u64;
    let viewer = console.0.connection.clone();
    let looking = tokio::spawn(async move {
        let mut reading = tokio::task::JoinSet::new();
        for _ in 0..frames {
            let mut stream = viewer.accept_uni().await.unwrap();
            // At once, as a console reads: streams share the connection's window.
            reading.spawn(async move { read_to_end(&mut stream).await.unwrap().len() });
            while reading.try_join_next().is_some() {}
        }
        reading.join_all().await;
    });
    let before = cpu(relay);
    let mut frame = frame(Class::Picture, 0, 1, Rights::Control, FRAME_BYTES);
    for number in 0..frames {
        frame.header.number = number;
        agent.0.single(&frame).await;
    }
    looking.await.unwrap();
    let used = cpu(relay) - before;
    used.as_secs_f64() / (BYTES as f64 / 1e9)
}

/// Input, one at a time, from console to agent: each waits for its record.
async fn latency(relay: &Relay, identity: &Identity, pin: &Pin) {
    let mut session = recorded(relay, identity, pin).await;
    let mut hands = session.control(1, 1).await;
    let mut times = Vec::new();
    let end = Instant::now() + Duration::from_secs(5);
    while Instant::now() < end {
        let since = Instant::now();
        hands.send().await;
        hands.receive().await;
        times.push(since.elapsed());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    eprintln!(
        "input: p50 {:?}, p95 {:?}, p99.9 {:?}, worst {:?}",
        at(0.5),
        at(0.95),
        at(0.999),
        at(1.0)
    );
}

/// User and system time of the relay's process.
fn cpu(relay: &Relay) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", relay.process.id())).unwrap();
    let behind = stat.rsplit_once(')').unwrap().1;
    let ticks: u64 = behind
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().unwrap())
        .sum();
    Duration::from_millis(ticks * 10)
}
