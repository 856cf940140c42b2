//! Strangers in numbers, for some seconds and from the loopback's own networks: `make torture` does it at length
//! and from network namespaces.

use std::net::UdpSocket;
use std::time::Duration;

use anyhow::{Result, ensure};
use fernsicht_tests::dice::Dice;
use fernsicht_tests::flood::loris::{Manner, siege};
use fernsicht_tests::flood::{Plan, Scene, loopback, storm};
use fernsicht_tests::operator::Operator;
use fernsicht_tests::programs::Programs;

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
