//! Strangers in numbers, for some seconds and from the loopback's own networks: `make torture` does it at length
//! and from network namespaces.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::content::{Cause, Input, InputEvent};
use fernsicht_protocol::frame::{Class, Direction, Header};
use fernsicht_protocol::messages::{AgentToRelay, End};
use fernsicht_protocol::net::{MAX_UNI_STREAMS, Transport};
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::wire::{Blob, Wire};
use fernsicht_tests::dice::Dice;
use fernsicht_tests::flood::loris::{Manner, siege};
use fernsicht_tests::flood::{Hoard, Memory, Plan, Scene, loopback, storm};
use fernsicht_tests::operator::Operator;
use fernsicht_tests::pair::{Kind, Noted, Pair};
use fernsicht_tests::programs::Programs;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_attempts_disturbs_nobody() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let operator = Operator::new(Programs::find()?, folder.path())?;
    let relay = operator.serve()?;
    let scene = Scene::set(&operator, &relay).await?;
    let plan = Plan {
        attempts: 600,
        per_second: 200,
        targets: 8,
        honest_every: Duration::from_secs(1),
    };
    let mut dice = Dice::fresh();
    let seed = dice.seed();
    let report = storm(&scene, loopback(20, 2)?, plan, &mut dice).await?;
    let failures = report.failures();
    ensure!(
        failures.is_empty(),
        "dice {seed:#x}: {}\n{report:#?}",
        failures.join("; ")
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_say_hello_byte_by_byte_keep_nobody_waiting_and_are_let_go() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let operator = Operator::new(Programs::find()?, folder.path())?;
    let relay = operator.serve()?;
    let scene = Scene::set(&operator, &relay).await?;
    let report = siege(&scene, loopback(10, 1)?, Manner::ByteByByte, 100).await?;
    let failures = report.failures();
    ensure!(failures.is_empty(), "{}\n{report:#?}", failures.join("; "));
    Ok(())
}

/// Twice as many as the relay has places for; of one network fewer than that may have.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_open_connections_beyond_the_limit_keep_nobody_waiting_and_are_let_go() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let operator = Operator::new(Programs::find()?, folder.path())?;
    operator.configure_places(80, 24)?;
    let relay = operator.serve()?;
    let scene = Scene::set(&operator, &relay).await?;
    let report = siege(&scene, loopback(10, 2)?, Manner::HalfOpen, 160).await?;
    let failures = report.failures();
    ensure!(failures.is_empty(), "{}\n{report:#?}", failures.join("; "));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_goes_on_when_both_ends_move() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let operator = Operator::new(Programs::find()?, folder.path())?;
    let relay = operator.serve()?;
    let scene = Scene::set(&operator, &relay).await?;
    let mut session = scene.bystander().await?;
    let work = Duration::from_millis(500);
    session.work(tokio::time::sleep(work)).await?;
    for host in 1..=3 {
        let socket = |network| UdpSocket::bind(format!("127.{network}.0.{host}:0"));
        session.pair().rebind([socket(91)?, socket(92)?])?;
        session.work(tokio::time::sleep(work)).await?;
    }
    let report = session.look().await;
    let failures = report.failures();
    ensure!(
        failures.is_empty() && report.input > 0,
        "{}\n{report:#?}",
        failures.join("; ")
    );
    session.end().await?;
    // The recording holds what was forwarded before and after the moves.
    operator.command(&["recordings", "verify"])?;
    Ok(())
}

/// How long something may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A way to the relay that knows TCP alone.
async fn only_tcp(target: String) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let target = target.clone();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(target).await?;
                copy_bidirectional(&mut near, &mut far).await
            });
        }
    });
    Ok(address)
}

async fn input(pair: &mut Pair) -> Result<Header> {
    let event = InputEvent::Move { x: 5, y: 5 };
    let input = Input {
        beacon: 1,
        layout: 1,
        event,
    };
    let content = input.to_bytes();
    pair.send(Direction::ConsoleToAgent, Class::Input, &content)
        .await
}

/// Waits until both ends have noted something; what runs beside goes on.
async fn until(pair: &Pair, what: &str, noted: impl Fn(&Noted) -> bool) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while !noted(&pair.noted()) {
        let ended = pair.noted().ended.clone();
        ensure!(Instant::now() < end, "waited in vain for {what}, {ended:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// Of streams of one end, those that a pair has used itself: rights or input.
const OWN: usize = 1;

/// A console with valid keys takes every stream that it may have, finishes none, and reads nothing any more.
async fn hostile_console(pair: &mut Pair) -> Result<(Hoard, usize)> {
    input(pair).await?;
    let hoard = Hoard::begin(pair, Direction::ConsoleToAgent).await?;
    pair.deafen(Direction::ConsoleToAgent);
    let taken = hoard.rest().await;
    // Its agent hears what comes whole, and its customer's Stop counts at once.
    let last = input(pair).await?;
    until(pair, "input beside the hoard", |noted| {
        let as_it_was = |(_, header, tombstone): &(_, Header, bool)| *header == last && !tombstone;
        noted.at_agent.iter().any(as_it_was)
    })
    .await?;
    pair.change_rights(Rights::None, Cause::Stopped).await?;
    let late = input(pair).await?;
    until(pair, "a tombstone", |noted| {
        let withheld = |(_, header, tombstone): &(_, Header, bool)| *header == late && *tombstone;
        noted.at_agent.iter().any(withheld)
    })
    .await?;
    Ok((hoard, taken))
}

/// An agent that does the same.
async fn hostile_agent(pair: &mut Pair) -> Result<(Hoard, usize)> {
    let hoard = Hoard::begin(pair, Direction::AgentToConsole).await?;
    pair.deafen(Direction::AgentToConsole);
    let taken = hoard.rest().await;
    // Its console sees at once that sight has ended, and what it says is taken.
    let rights = pair.change_rights(Rights::None, Cause::Stopped).await?;
    until(pair, "rights beside the hoard", |noted| {
        noted.at_console.iter().any(|(_, header)| *header == rights)
    })
    .await?;
    for _ in 0..100 {
        input(pair).await?;
    }
    Ok((hoard, taken))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sides_that_finish_nothing_and_read_nothing_cost_others_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let operator = Operator::new(Programs::find()?, folder.path())?;
    let relay = operator.serve()?;
    let scene = Scene::set(&operator, &relay).await?;
    let by_tcp = only_tcp(scene.address.clone()).await?.to_string();
    let mut bystander = scene.bystander().await?;
    bystander
        .work(tokio::time::sleep(Duration::from_secs(1)))
        .await?;
    let memory = Memory::watch(scene.relay)?;
    let (done, finished) = tokio::sync::oneshot::channel();
    let attack = async {
        let mut sessions = Vec::new();
        for (address, over) in [(&scene.address, Transport::Quic), (&by_tcp, Transport::Tcp)] {
            for from in [Direction::ConsoleToAgent, Direction::AgentToConsole] {
                let auditors = [scene.auditor];
                let kind = Kind::Control(&auditors);
                let mut pair = Pair::open(address, &scene.pin, &scene.technician, kind).await?;
                ensure!(pair.connection(from).transport() == over);
                let (hoard, taken) = match from {
                    Direction::ConsoleToAgent => hostile_console(&mut pair).await,
                    Direction::AgentToConsole => hostile_agent(&mut pair).await,
                }
                .with_context(|| format!("{from:?} over {over}"))?;
                let streams = hoard.streams() + OWN;
                ensure!(
                    streams == MAX_UNI_STREAMS as usize,
                    "{streams} streams of {from:?} over {over}"
                );
                println!(
                    "{from:?} over {over}: {streams} streams, {} KiB",
                    taken / 1024
                );
                sessions.push((from, pair, hoard));
            }
        }
        // Whoever does not read what he is told is gone once more is told than fits, and the other end knows.
        for (from, pair, hoard) in &mut sessions {
            if *from == Direction::ConsoleToAgent {
                for _ in 0..UNREAD {
                    let packet = Blob(vec![7; 16_000]);
                    pair.say(&AgentToRelay::Peer { packet }).await?;
                }
                until(pair, "the deaf console's end", |noted| {
                    matches!(noted.ended, Some((_, End::Lost)))
                })
                .await?;
                hoard.rest().await;
            }
        }
        done.send(()).ok();
        anyhow::Ok(sessions)
    };
    // Whoever fails is done as well.
    let done = async { drop(finished.await) };
    let (attack, worked) = tokio::join!(attack, bystander.work(done));
    let sessions = attack?;
    worked.context("the running session")?;
    let report = bystander.look().await;
    let growth = memory.stop();
    println!("the relay grew by {} KiB", growth.kib());
    let mut failures = report.failures();
    failures.extend(growth.failures(HOARDS_KIB));
    ensure!(
        failures.is_empty() && report.input > 0,
        "{}\n{report:#?}",
        failures.join("; ")
    );
    drop(sessions);
    bystander.end().await
}

/// More messages than wait in the relay for one who does not read, and than fit into any window.
const UNREAD: usize = 700;

/// Two consoles: 64 frames of 64 KiB that lack a byte, 4 MiB that are not read, windows. Two agents the same, and 32 MiB of
/// pictures that their recordings wait for.
const HOARDS_KIB: u64 = 2 * (16 << 10) + 2 * (48 << 10);
