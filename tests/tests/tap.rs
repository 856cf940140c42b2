//! The tap against a plain pair of QUIC ends: it must change nothing and miss nothing.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::cert::Role;
use fernsicht_protocol::frame::{Class, Direction, Frame, Header};
use fernsicht_protocol::messages::ALPN_AGENT;
use fernsicht_protocol::net::{self, Connection, Incoming, Pin, RecordSender, quic};
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::unit::Record;
use fernsicht_tests::authority::Authority;
use fernsicht_tests::clients;
use fernsicht_tests::tap::{Ending, Place, Tap};
use fernsicht_tests::wait;

fn header(class: Class, number: u64, grant: u32, rights: Rights, length: u32) -> Header {
    Header {
        epoch: 1,
        direction: Direction::AgentToConsole,
        class,
        number,
        grant,
        rights,
        length,
    }
}

fn rights(number: u64, grant: u32, rights: Rights) -> Record {
    let header = header(Class::Rights, number, grant, rights, 32);
    Record::Frame(Frame {
        header,
        ciphertext: vec![7; 32],
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_pass_unchanged_and_revocations_are_judged() -> Result<()> {
    let authority = Authority::new()?;
    let identity = authority.issue(Role::Relay, "relay.test", "Test")?;
    let pin = Pin {
        ca: authority.fingerprint(),
        relay_name: "relay.test".into(),
    };
    let relay = quic::server("127.0.0.1:0".parse()?, &identity, pin.ca)?;
    let address = relay.local_addr()?.to_string();
    let tap = Tap::start(Place {
        identity,
        pin: pin.clone(),
        relay: address,
        listen: std::net::Ipv4Addr::LOCALHOST.into(),
        pace: None,
    })?;

    let server = tokio::spawn(async move {
        let agent = relay.accept().await.context("an agent")?.await?;
        let (mut answer, mut question) = agent.accept_bi().await?;
        let mut bytes = [0; 5];
        question.read_exact(&mut bytes).await?;
        answer.write_all(&bytes).await?;
        let streams = Connection::from(agent.clone());
        let Incoming::Records(mut records) = clients::next_stream(&streams).await? else {
            anyhow::bail!("the rights come as records");
        };
        ensure!(records.next().await?.context("a record")? == rights(0, 1, Rights::View));
        let Incoming::Single(seen, mut picture) = clients::next_stream(&streams).await? else {
            anyhow::bail!("the picture comes alone");
        };
        ensure!(seen.class == Class::Picture);
        ensure!(records.next().await?.context("a record")? == rights(1, 2, Rights::None));
        let cancelled = net::read_single(seen, &mut picture).await;
        ensure!(
            matches!(cancelled, Err(net::ReadError::Cancelled)),
            "{cancelled:?}"
        );
        answer.write_all(b"end").await?;
        agent.closed().await;
        Ok(())
    });

    let (_endpoint, agent) =
        quic::connect(&tap.address().to_string(), &pin, ALPN_AGENT, None).await?;
    let (mut question, mut answer) = agent.open_bi().await?;
    question.write_all(b"hello").await?;
    let mut bytes = [0; 5];
    answer.read_exact(&mut bytes).await?;
    ensure!(&bytes == b"hello");
    let mut records = RecordSender::open(&agent.clone().into(), Class::Rights).await?;
    records.send(&rights(0, 1, Rights::View)).await?;
    let mut picture = agent.open_uni().await?;
    picture
        .write_all(&header(Class::Picture, 0, 1, Rights::View, 5000).encode())
        .await?;
    picture.write_all(&[1; 1000]).await?;
    let seen = || {
        Ok(tap
            .log()
            .all()
            .iter()
            .any(|p| p.header.class == Class::Picture))
    };
    tokio::task::block_in_place(|| wait::until_true("the picture", LIMIT, seen))?;
    records.send(&rights(1, 2, Rights::None)).await?;
    picture.reset(0u32.into())?;
    let mut end = [0; 3];
    answer.read_exact(&mut end).await?;

    let found = tap.log().revocations();
    ensure!(found.len() == 1, "one revocation, but {found:?}");
    ensure!(
        (
            found[0].grant,
            found[0].frames_after,
            found[0].open,
            found[0].reset
        ) == (2, 0, 1, 1),
        "{found:?}"
    );
    let picture = tap
        .log()
        .all()
        .into_iter()
        .find(|p| p.header.class == Class::Picture)
        .context("a picture")?;
    ensure!(
        picture
            .ended
            .is_some_and(|(ending, _)| ending == Ending::Reset)
    );

    // An agent that went on would be found, beyond what one datagram may hold.
    let beyond = || Ok(found[0].at.at.elapsed() > Duration::from_millis(30));
    tokio::task::block_in_place(|| wait::until_true("the time to pass", LIMIT, beyond))?;
    let mut late = agent.open_uni().await?;
    late.write_all(&header(Class::Pointer, 0, 1, Rights::View, 16).encode())
        .await?;
    let more = || Ok(tap.log().revocations()[0].frames_after == 1);
    tokio::task::block_in_place(|| wait::until_true("the late frame", LIMIT, more))?;

    agent.close(0u32.into(), b"");
    server.await?
}

const LIMIT: Duration = Duration::from_secs(10);
