//! Floods, sieges and moves, in network namespaces, against the real relay without any screen.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fernsicht_tests::dice::Dice;
use fernsicht_tests::flood::loris::{Manner, siege};
use fernsicht_tests::flood::{Plan, Scene, storm};
use fernsicht_tests::net::{self, Town};
use fernsicht_tests::operator::{Operator, Relay};

use crate::item::{Context, Outcome};
use crate::say;

/// Networks of strangers, each a /24, and addresses in each.
const NETWORKS: u8 = 20;
const PER_NETWORK: u8 = 10;

/// Codes that the strangers know the nameplate of.
const TARGETS: u32 = 20;

/// Places of a relay that is besieged by half-open connections, in all and for one network; and how many of those are tried
/// at least. A relay's own limit of 8,000 is not reached on every machine: each is let go after 10 s.
const PLACES: [usize; 2] = [2_000, 400];
const BEYOND: usize = 4_000;

/// How often both ends move.
const MOVES: u32 = 10;

/// A flood of pairing attempts.
pub(crate) fn pairing(context: &Context) -> Result<Outcome> {
    let plan = Plan {
        attempts: context.attempts,
        per_second: context.per_second,
        targets: TARGETS,
        // One network has 20 tries at once and one more every half a minute; these are honest ones.
        honest_every: Duration::from_secs(4),
    };
    let mut dice = Dice::fresh();
    let seed = dice.seed();
    in_town(context, None, async |_, town, scene| {
        let report = storm(&scene, town.sockets()?, plan, &mut dice).await?;
        say(&serde_json::to_string_pretty(&report)?);
        let mut outcome = Outcome {
            runs: plan.attempts.into(),
            failed: report.failures(),
            ..Outcome::default()
        };
        outcome.measure("report", &report)?;
        outcome.measure("grown_kib", &report.memory.kib())?;
        outcome.seed(seed);
        Ok(outcome)
    })
}

/// Connections that take their time.
pub(crate) fn loris(context: &Context) -> Result<Outcome> {
    let connections = context.connections;
    let mut outcome = Outcome::default();
    for (name, manner) in [
        ("half_open", Manner::HalfOpen),
        ("silent", Manner::Silent),
        ("byte_by_byte", Manner::ByteByByte),
        ("unfinished", Manner::Unfinished),
    ] {
        let (connections, places) = match manner {
            Manner::HalfOpen => (connections.max(BEYOND), Some(PLACES)),
            Manner::Silent | Manner::ByteByByte | Manner::Unfinished => (connections, None),
        };
        // A relay of its own for each, so that its memory is its own.
        let one = in_town(context, places, async |_, town, scene| {
            let report = siege(&scene, town.sockets()?, manner, connections).await?;
            say(&serde_json::to_string_pretty(&report)?);
            let mut outcome = Outcome {
                runs: report.tried as u64,
                failed: report.failures(),
                ..Outcome::default()
            };
            outcome.measure(name, &report)?;
            Ok(outcome)
        })?;
        if one.absent.is_some() {
            return Ok(one);
        }
        outcome.runs += one.runs;
        outcome.failed.extend(one.failed);
        outcome.measured.extend(one.measured);
    }
    Ok(outcome)
}

/// Both ends of a running session move to other sockets, of other networks too.
pub(crate) fn migration(context: &Context) -> Result<Outcome> {
    in_town(context, None, async |operator, town, scene| {
        let mut session = scene.bystander().await?;
        session
            .work(tokio::time::sleep(Duration::from_secs(1)))
            .await?;
        let mut sockets = town.sockets()?;
        for number in 0..MOVES {
            // Every second time only the port changes, as when a router forgets whom it translated.
            let pair = match number % 2 {
                0 => [same_address()?, same_address()?],
                _ => {
                    let mut far = || sockets.pop().context("an address");
                    [far()?, far()?]
                }
            };
            session.pair().rebind(pair)?;
            session
                .work(tokio::time::sleep(Duration::from_secs(1)))
                .await?;
        }
        let report = session.look().await;
        session.end().await?;
        let verified = operator.command(&["recordings", "verify"])?;
        let mut outcome = Outcome {
            runs: MOVES.into(),
            failed: report.failures(),
            ..Outcome::default()
        };
        outcome.measure("session", &report)?;
        outcome.measure("recording", &verified.trim())?;
        Ok(outcome)
    })
}

fn same_address() -> Result<UdpSocket> {
    Ok(UdpSocket::bind(SocketAddr::from(([0, 0, 0, 0], 0)))?)
}

/// A town with a relay in it, of so many places if they are others than usual, and `work` done by the honest people there.
fn in_town(
    context: &Context,
    places: Option<[usize; 2]>,
    work: impl AsyncFnOnce(&Operator, &Town, Scene) -> Result<Outcome> + Send,
) -> Result<Outcome> {
    if !net::possible()? {
        return Ok(Outcome::absent("network namespaces need root"));
    }
    let town = Town::build(NETWORKS, PER_NETWORK)?;
    let folder = tempfile::tempdir()?;
    let programs = context.programs.clone();
    let operator = Operator::at(programs, folder.path(), net::OPERATOR.into())?;
    if let Some([all, per_network]) = places {
        operator.configure_places(all, per_network)?;
    }
    let relay: Relay = town.operator.enter(|| operator.serve())?;
    let outcome = town.people.enter(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let scene = Scene::set(&operator, &relay).await?;
            work(&operator, &town, scene).await
        })
    })?;
    let log = relay.log()?;
    ensure!(!log.contains("panicked"), "the relay panicked: {log}");
    std::fs::create_dir_all(&context.output)?;
    std::fs::write(context.output.join("relay.log"), log)?;
    Ok(outcome)
}
