//! Sessions through a real relay on the loopback.

mod common;

use common::*;
use fernsicht_protocol::crypto::hash;
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::messages::*;
use fernsicht_protocol::net::{
    Incoming, ReadError, RecordSender, Transport, WriteError, read_single,
};
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::unit::Record;
use fernsicht_protocol::wire::{Blob, Text};

#[tokio::test]
async fn enrolment_pairing_and_the_second_lock() {
    let (relay, identity, pin) = Relay::with_auditor().await;
    let Session { agent, console, .. } = recorded(&relay, &identity, &pin).await;

    // A picture that overtakes its rights frame is held, not lost.
    let picture = frame(Class::Picture, 0, 1, Rights::Control, 300_000);
    let _early = agent.0.single(&picture).await;
    let mut rights = RecordSender::open(&agent.0.connection, Class::Rights)
        .await
        .unwrap();
    let on = Record::Frame(frame(Class::Rights, 0, 1, Rights::Control, 32));
    rights.send(&on).await.unwrap();
    let (mut seen_rights, mut seen_picture) = (None, None);
    for _ in 0..2 {
        match console.0.stream().await {
            Incoming::Records(records) => seen_rights = Some(records),
            Incoming::Single(header, mut stream) => {
                seen_picture = Some(read_single(header, &mut stream).await.unwrap());
            }
            Incoming::Copy => {}
        }
    }
    let mut seen_rights = seen_rights.unwrap();
    assert_eq!(seen_rights.next().await.unwrap(), Some(on));
    assert_eq!(seen_picture, Some(picture));

    // Input passes under control.
    let mut input = RecordSender::open(&console.0.connection, Class::Input)
        .await
        .unwrap();
    let first = frame(Class::Input, 0, 1, Rights::Control, 80);
    input.send(&Record::Frame(first.clone())).await.unwrap();
    let mut received = agent.0.records().await;
    assert_eq!(received.next().await.unwrap(), Some(Record::Frame(first)));

    // A revocation resets what is open, and input becomes tombstones.
    let open = frame(Class::Picture, 1, 1, Rights::Control, 200_000);
    let mut half = agent.0.part(&open, 100_000).await;
    let Incoming::Single(header, mut stream) = console.0.stream().await else {
        panic!("no picture")
    };
    assert_eq!(header, open.header);
    let off = Record::Frame(frame(Class::Rights, 1, 2, Rights::None, 32));
    rights.send(&off).await.unwrap();
    assert_eq!(seen_rights.next().await.unwrap(), Some(off));
    assert!(matches!(
        read_single(header, &mut stream).await,
        Err(ReadError::Cancelled)
    ));
    assert_eq!(half.delivered().await, Err(WriteError::Refused));
    let late = frame(Class::Input, 1, 1, Rights::Control, 80);
    input.send(&Record::Frame(late.clone())).await.unwrap();
    let tombstone = Record::Tombstone {
        header: late.header,
        hash: hash(&late.ciphertext),
    };
    assert_eq!(received.next().await.unwrap(), Some(tombstone));
    let refused = frame(Class::Picture, 2, 1, Rights::Control, 1_000);
    let mut refused = agent.0.part(&refused, 500).await;
    assert_eq!(refused.delivered().await, Err(WriteError::Refused));
}

#[tokio::test]
async fn without_an_auditor_there_is_no_control() {
    let relay = Relay::start(&[]);
    let (identity, pin) = relay.enrol("Erika Weber").await;
    let (_, control) = Agent::connect(&relay.address, &pin).await;
    assert_eq!(control, ControlOffer::Unavailable);
    let (agent, console) = opened(&relay, &identity, &pin).await;
    let mut rights = RecordSender::open(&agent.0.connection, Class::Rights)
        .await
        .unwrap();
    rights
        .send(&Record::Frame(frame(
            Class::Rights,
            0,
            1,
            Rights::Control,
            32,
        )))
        .await
        .unwrap();
    console.0.records().await.next().await.unwrap();
    let mut input = RecordSender::open(&console.0.connection, Class::Input)
        .await
        .unwrap();
    input
        .send(&Record::Frame(frame(
            Class::Input,
            0,
            1,
            Rights::Control,
            80,
        )))
        .await
        .unwrap();
    let received = agent.0.records().await.next().await.unwrap();
    assert!(matches!(received, Some(Record::Tombstone { .. })));
    assert!(relay.active().is_empty() && relay.stored().is_empty());
}

#[tokio::test]
async fn tampering_ends_the_session() {
    let relay = Relay::start(&[]);
    let (identity, pin) = relay.enrol("Erika Weber").await;
    let (mut agent, mut console) = opened(&relay, &identity, &pin).await;
    let mut input = RecordSender::open(&console.0.connection, Class::Input)
        .await
        .unwrap();
    input
        .send(&Record::Frame(frame(
            Class::Input,
            5,
            1,
            Rights::Control,
            80,
        )))
        .await
        .unwrap();
    assert_eq!(
        agent.hear().await,
        RelayToAgent::Ended {
            reason: End::Tampered
        }
    );
    assert_eq!(
        console.hear().await,
        RelayToConsole::Ended {
            reason: End::Tampered
        }
    );
    console.offer().await;
}

#[tokio::test]
async fn revoked_technicians_are_out_at_once() {
    let relay = Relay::start(&[]);
    let (identity, pin) = relay.enrol("Erika Weber").await;
    let (mut agent, mut console) = opened(&relay, &identity, &pin).await;
    succeeds(&relay.data(), &["technician", "revoke", "Erika Weber"]);
    assert_eq!(
        agent.hear().await,
        RelayToAgent::Ended {
            reason: End::Revoked
        }
    );
    assert_eq!(
        console.hear().await,
        RelayToConsole::Ended {
            reason: End::Revoked
        }
    );
    assert_eq!(
        console.hear().await,
        RelayToConsole::Refused {
            reason: Refusal::Revoked
        }
    );

    let address = (&relay.address[..], &pin);
    let mut again = Client::connect(Transport::Quic, address, ALPN_CONSOLE, Some(&identity)).await;
    again.say(&ConsoleToRelay::Hello { version: VERSION }).await;
    let heard = again.hear::<RelayToConsole>().await;
    assert_eq!(
        heard,
        Some(RelayToConsole::Refused {
            reason: Refusal::Revoked
        })
    );
}

#[tokio::test]
async fn sigterm_tells_both_and_exits_cleanly() {
    let mut relay = Relay::start(&[]);
    let (identity, pin) = relay.enrol("Erika Weber").await;
    let (mut agent, mut console) = opened(&relay, &identity, &pin).await;
    relay.signal_end();
    assert_eq!(
        agent.hear().await,
        RelayToAgent::Ended { reason: End::Relay }
    );
    assert_eq!(
        console.hear().await,
        RelayToConsole::Ended { reason: End::Relay }
    );
    let status = tokio::task::spawn_blocking(move || relay.process.wait())
        .await
        .unwrap()
        .unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn tries_are_limited() {
    let relay = Relay::start(&[]);
    let (identity, pin) = relay.enrol("Erika Weber").await;
    let mut console = Console::connect(&relay.address, &pin, Some(&identity)).await;
    let nameplate = console.offer().await;
    let (mut agent, _) = Agent::connect(&relay.address, &pin).await;
    agent.join(&nameplate).await;
    agent
        .say(AgentToRelay::Share {
            share: Blob(vec![1; 33]),
        })
        .await;
    assert!(matches!(console.hear().await, RelayToConsole::Share { .. }));
    agent.0.connection.close(0, b"");
    assert_eq!(console.hear().await, RelayToConsole::AgentLeft);

    // The whole loopback is one network: its try for this code is spent.
    let (mut agent, _) = Agent::connect(&relay.address, &pin).await;
    assert_eq!(
        agent.join(&nameplate).await,
        RelayToAgent::Refused {
            reason: Refusal::Used
        }
    );
    let unknown = Text::new("0000").unwrap();
    for _ in 0..17 {
        let (mut agent, _) = Agent::connect(&relay.address, &pin).await;
        assert_eq!(
            agent.join(&unknown).await,
            RelayToAgent::Refused {
                reason: Refusal::Unknown
            }
        );
    }
    let (mut agent, _) = Agent::connect(&relay.address, &pin).await;
    let refused = agent.join(&unknown).await;
    assert!(matches!(
        refused,
        RelayToAgent::Refused {
            reason: Refusal::TooManyTries { minutes: 1 }
        }
    ));
}

#[tokio::test]
async fn a_token_serves_once_and_strangers_get_nothing() {
    let relay = Relay::start(&[]);
    let token = relay.token("Erika Weber");
    let pin = fernsicht_protocol::net::Pin {
        ca: token.ca,
        relay_name: token.relay_name.as_str().to_owned(),
    };
    for (secret, request) in [([0; 16], vec![1]), (token.secret, vec![1])] {
        let mut console = Console::connect(&relay.address, &pin, None).await;
        console
            .say(ConsoleToRelay::Enrol {
                secret,
                request: Blob(request),
            })
            .await;
        assert_eq!(
            console.hear().await,
            RelayToConsole::Refused {
                reason: Refusal::Token
            }
        );
    }
    let mut console = Console::connect(&relay.address, &pin, None).await;
    console.say(ConsoleToRelay::NewSession).await;
    assert_eq!(
        console.hear().await,
        RelayToConsole::Refused {
            reason: Refusal::Unexpected
        }
    );
}
