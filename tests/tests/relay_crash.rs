//! The relay is killed under load, at random moments: everything but at most the last second opens.
//!
//! FERNSICHT_KILLS says how often (200 for a release; a handful otherwise).

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::content::{Input, InputEvent};
use fernsicht_protocol::frame::{Class, Direction, Header};
use fernsicht_protocol::wire::Wire;
use fernsicht_recordings::format::Body;
use fernsicht_recordings::reader::Records;
use fernsicht_tests::clients::{self, PlainAuditor};
use fernsicht_tests::dice::Dice;
use fernsicht_tests::operator::Operator;
use fernsicht_tests::pair::{Kind, Pair};
use fernsicht_tests::programs::Programs;
use fernsicht_tests::sealed;

/// What a crash may cost.
const MAY_BE_LOST: Duration = Duration::from_secs(1);

/// How often a session is begun after a start, each half a second.
const TRIES: u32 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_kill_9_everything_but_the_last_second_opens() -> Result<()> {
    let kills = std::env::var("FERNSICHT_KILLS").ok();
    let kills: u32 = kills.map_or(Ok(5), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let operator = Operator::new(Programs::find()?, folder.path())?;
    let mut relay = operator.serve()?;
    let address = operator.address();
    let (technician, pin) = clients::enrol_technician(&address, &operator.token()?).await?;
    let auditor = PlainAuditor::enrol(&address, &operator.auditor_token("Ute Sommer")?).await?;
    let mut dice = Dice::fresh();
    let seed = dice.seed();
    for kill in 1..=kills {
        let said = || format!("kill {kill} of {kills}, dice {seed:#x}");
        let kind = Kind::Control(&[auditor.key.public()]);
        // A relay that has just started offers control once it has tried its store.
        let mut tries = 0;
        let mut pair = loop {
            match Pair::open(&address, &pin, &technician, kind).await {
                Ok(pair) => break pair,
                Err(error) if tries == TRIES => return Err(error).with_context(said),
                Err(_) => tries += 1,
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        };
        let code = pair.code.clone().context("a recorded session has a code")?;
        let until = Instant::now() + Duration::from_millis(u64::from(dice.roll(2_500)) + 50);
        let (mut n, mut stood_still) = (0, Duration::ZERO);
        while Instant::now() < until {
            let since = Instant::now();
            load(&mut pair, n, &mut dice).await.with_context(said)?;
            stood_still = stood_still.max(since.elapsed());
            n += 1;
        }
        // A machine that lets this program wait lets the relay's threads wait, too.
        let may_be_lost = MAY_BE_LOST + stood_still;
        let killed = Instant::now();
        relay.process.kill().with_context(said)?;
        // What the kernel still holds of its packets may arrive yet.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let arrived: Vec<(Instant, Header)> = {
            let noted = pair.noted();
            let input = noted.at_agent.iter().filter(|(_, _, tombstone)| !tombstone);
            let input = input.map(|(at, header, _)| (*at, *header));
            noted.at_console.iter().copied().chain(input).collect()
        };
        pair.vanish();
        relay = operator.serve().with_context(said)?;

        let handed = auditor.open("kill", &code).await.with_context(said)?;
        let handed = handed
            .map_err(|refusal| anyhow::anyhow!("{refusal:?}"))
            .with_context(said)?;
        let present = frames(&handed.file).with_context(said)?;
        let lost = |since: Duration| {
            let old = arrived.iter().filter(|(at, _)| *at + since < killed);
            old.filter(|(_, header)| !present.contains(&name(header)))
                .count()
        };
        ensure!(
            lost(may_be_lost) == 0,
            "{}: {} of {} frames that arrived more than {may_be_lost:?} before are missing",
            said(),
            lost(may_be_lost),
            arrived.len()
        );
        // Input is forwarded only once it is written: only the machine could lose it, and it did not go down.
        let input = |header: &Header| header.class == Class::Input;
        let unwritten = arrived
            .iter()
            .filter(|(_, header)| input(header) && !present.contains(&name(header)));
        let unwritten = unwritten.count();
        ensure!(
            unwritten == 0,
            "{}: {unwritten} input frames reached the agent and are missing",
            said()
        );
        let opened = sealed::open(&handed, &pin.ca, &code, &auditor.key).with_context(said)?;
        ensure!(opened.sound(), "{}: {:?}", said(), opened.findings());
        ensure!(
            opened.interrupted(),
            "{}: not said to be interrupted",
            said()
        );
    }
    Ok(())
}

/// A mixture as work makes it: many small frames, some large ones.
async fn load(pair: &mut Pair, n: u64, dice: &mut Dice) -> Result<()> {
    let event = InputEvent::Move {
        x: (n % 1000) as u16,
        y: 5,
    };
    let input = Input {
        beacon: 1,
        layout: 1,
        event,
    };
    pair.send(Direction::ConsoleToAgent, Class::Input, &input.to_bytes())
        .await?;
    let bytes = match n % 8 {
        0 => 60_000 + dice.roll(60_000) as usize,
        _ => 400 + dice.roll(3_000) as usize,
    };
    pair.send(
        Direction::AgentToConsole,
        Class::Picture,
        &vec![n as u8; bytes],
    )
    .await?;
    tokio::time::sleep(Duration::from_millis(2)).await;
    Ok(())
}

type Name = (u32, u8, u8, u64);

fn name(header: &Header) -> Name {
    (
        header.epoch,
        header.direction as u8,
        header.class as u8,
        header.number,
    )
}

/// All frames that stand whole in a file.
fn frames(file: &[u8]) -> Result<BTreeSet<Name>> {
    let mut found = BTreeSet::new();
    for record in Records::new(file)? {
        if let Body::Frame { header, .. } = record?.parse()? {
            found.insert(name(&header));
        }
    }
    Ok(found)
}
