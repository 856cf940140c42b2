//! Certificates that open no door, at the real relay, over QUIC and over TLS/TCP.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fernsicht_protocol::cert::Role;
use fernsicht_protocol::messages::{
    ALPN_CONSOLE, ConsoleToRelay, Refusal, RelayToConsole, VERSION,
};
use fernsicht_protocol::net::{self, ConnectError, Identity, Transport};
use fernsicht_tests::authority::{self, Authority};
use fernsicht_tests::flood::Scene;
use fernsicht_tests::operator::Operator;
use fernsicht_tests::programs::Programs;
use tokio::time::timeout;

const BOTH: [Transport; 2] = [Transport::Quic, Transport::Tcp];
const PATIENCE: Duration = Duration::from_secs(30);
const NAME: &str = "Max Muster";

/// Everything that the relay says to a console with this certificate that asks for a code, until he has one or the relay
/// hangs up.
async fn visit(scene: &Scene, over: Transport, identity: &Identity) -> Result<Vec<RelayToConsole>> {
    let mut heard = Vec::new();
    let connected = net::connect_over(
        over,
        &scene.address,
        &scene.pin,
        ALPN_CONSOLE,
        Some(identity),
    );
    let connection = match connected.await {
        Ok(connection) => connection,
        // At the handshake; with TLS 1.3 it may as well come right behind it.
        Err(ConnectError::Refused(_)) => return Ok(heard),
        Err(error) => bail!("{error} over {over}"),
    };
    let Ok((mut sender, mut receiver)) = connection.open_messages().await else {
        return Ok(heard);
    };
    let hello = ConsoleToRelay::Hello { version: VERSION };
    for word in [hello, ConsoleToRelay::NewSession] {
        // Whether the relay hangs up before or behind it is told by what it says.
        sender.send(&word).await.ok();
    }
    let has_code = |heard: &[RelayToConsole]| {
        let last = heard.last();
        last.is_some_and(|last| matches!(last, RelayToConsole::Session { .. }))
    };
    while !has_code(&heard) {
        let next = timeout(PATIENCE, receiver.next()).await;
        match next.context("the relay neither answers nor hangs up")? {
            Ok(Some(message)) => heard.push(message),
            Ok(None) | Err(_) => break,
        }
    }
    Ok(heard)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_another_operator_role_or_time_opens_no_door() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let operator = Operator::new(Programs::find()?, folder.path())?;
    let relay = operator.serve()?;
    let scene = Scene::set(&operator, &relay).await?;
    let own = operator.authority()?;
    let foreign = Authority::new()?.issue(Role::Technician, NAME, "Test")?;
    let mut posing = foreign.clone();
    posing.chain[1] = scene.technician.chain[1].clone();
    let mut strangers = vec![
        ("another operator's", foreign),
        ("another's under the name of this CA", posing),
        ("self-signed", authority::self_signed(NAME)?),
        ("expired", own.issue_for_years(NAME, [2001, 2002])?),
        ("not valid yet", own.issue_for_years(NAME, [2901, 2902])?),
    ];
    for role in [Role::Relay, Role::Checkpoint, Role::Auditor] {
        strangers.push(("another role's", own.issue(role, "other.test", "Test")?));
    }
    let unknown = own.issue_for_years(NAME, [2001, 2901])?;

    for over in BOTH {
        for (what, identity) in &strangers {
            let heard = visit(&scene, over, identity).await?;
            ensure!(heard.is_empty(), "{what} over {over} is told {heard:?}");
        }
        // Of this CA and good in every respect, but nobody whom the operator has enrolled.
        let heard = visit(&scene, over, &unknown).await?;
        let reason = Refusal::Revoked;
        ensure!(
            heard == [RelayToConsole::Refused { reason }],
            "{heard:?} over {over}"
        );
        let heard = visit(&scene, over, &scene.technician).await?;
        ensure!(
            matches!(
                heard[..],
                [RelayToConsole::Hello { .. }, RelayToConsole::Session { .. }]
            ),
            "the operator's own technician is told {heard:?} over {over}"
        );
    }
    let codes = relay.log()?.matches("a code is out").count();
    ensure!(codes == BOTH.len(), "{codes} codes were given out");
    Ok(())
}
