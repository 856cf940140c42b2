//! Sessions of which one side or both come over TLS/TCP: forwarded, judged, cut and recorded alike.

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use common::auditor::Auditor;
use common::file::*;
use common::*;
use fernsicht_protocol::audit::*;
use fernsicht_protocol::crypto::hash;
use fernsicht_protocol::frame::{Class, Frame};
use fernsicht_protocol::messages::*;
use fernsicht_protocol::net::{self, Incoming, ReadError, Transport, WriteError, read_single};
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::unit::Record;
use fernsicht_protocol::wire::Text;
use tokio::io::AsyncReadExt;

/// Agent, console.
const MIXED: [Over; 4] = [
    [Transport::Quic, Transport::Quic],
    [Transport::Tcp, Transport::Quic],
    [Transport::Quic, Transport::Tcp],
    [Transport::Tcp, Transport::Tcp],
];

async fn see(session: &Session) -> Result<Frame, ReadError> {
    let Incoming::Single(header, mut stream) = session.console.0.stream().await else {
        panic!("no picture")
    };
    read_single(header, &mut stream).await
}

#[tokio::test]
async fn the_second_lock_cuts_and_the_recorder_records_over_either_transport() {
    let (relay, identity, pin) = Relay::with_auditor().await;
    let auditor = auditor::enrol(&relay, &pin, "Ida Kontrolle").await;
    for (run, over) in MIXED.into_iter().enumerate() {
        let mut session = recorded_over(over, &relay, &identity, &pin).await;
        let mut hands = session.control(1, 1).await;
        let [file] = &relay.active()[..] else {
            panic!("one file")
        };
        let file = file.clone();

        // Whole pictures, larger than any window, and beside them input that is recorded first.
        let large = frame(Class::Picture, 0, 1, Rights::Control, 4 << 20);
        let small = frame(Class::Refinement, 0, 1, Rights::Control, 70_000);
        let beside = async {
            let seen = see(&session).await;
            let mut sent = Vec::new();
            for _ in 0..50 {
                let input = hands.send().await;
                assert_eq!(hands.receive().await, Record::Frame(input.clone()));
                let there = fs::read(&file).unwrap();
                assert!(there.windows(80).any(|w| w == &input.ciphertext[..]));
                sent.push(input);
            }
            (seen, sent)
        };
        let (mut whole, (seen, sent)) = tokio::join!(session.agent.0.single(&large), beside);
        assert_eq!(seen.unwrap(), large);
        whole.delivered().await.unwrap();
        let _small = session.agent.0.single(&small).await;
        assert_eq!(see(&session).await.unwrap(), small);

        // A revocation cuts what is under way, on both sides, and input becomes tombstones.
        let half = frame(Class::Picture, 1, 1, Rights::Control, 200_000);
        let mut under_way = session.agent.0.part(&half, 100_000).await;
        let Incoming::Single(header, mut received) = session.console.0.stream().await else {
            panic!("no picture")
        };
        received.read_exact(&mut vec![0; 50_000]).await.unwrap();
        let off = Record::Frame(frame(Class::Rights, 1, 2, Rights::None, 32));
        hands.rights.send(&off).await.unwrap();
        assert_eq!(hands.seen.next().await.unwrap(), Some(off));
        let end = read_single(header, &mut received).await;
        assert!(matches!(end, Err(ReadError::Cancelled)), "{end:?}");
        assert_eq!(under_way.delivered().await, Err(WriteError::Refused));
        let late = hands.send().await;
        let tombstone = Record::Tombstone {
            header: late.header,
            hash: hash(&late.ciphertext),
        };
        assert_eq!(hands.receive().await, tombstone);
        let refused = frame(Class::Picture, 2, 1, Rights::Control, 1_000);
        let mut refused = session.agent.0.part(&refused, 500).await;
        assert_eq!(refused.delivered().await, Err(WriteError::Refused));

        // The session ends, and the auditor gets the same recording by either transport.
        session
            .agent
            .say(AgentToRelay::End {
                reason: End::Customer,
            })
            .await;
        session.checkpoint().await;
        session.agent.say(AgentToRelay::ReceiptDone).await;
        until("it is moved", || relay.stored().len() == run + 1).await;
        let mut ida = Auditor::connect_over(over[1], &relay.address, &pin, Some(&auditor)).await;
        let hello = ida.ask(AuditorToRelay::Hello { version: VERSION }).await;
        assert!(matches!(hello, RelayToAuditor::Hello { .. }), "{hello:?}");
        let open = AuditorToRelay::Open {
            case: Text::new("B-17").unwrap(),
            open_token: *session.code.open_token(),
        };
        let RelayToAuditor::Handed { recording } = ida.ask(open).await else {
            panic!("not handed out: {}", relay.log())
        };
        let (_, file) = ida.take(&recording).await;
        let records = read_recording(&file, false);
        let inputs = frames_of(&records, Class::Input);
        let recorded = inputs.iter().map(|(header, bytes)| (header, &bytes[..]));
        assert!(recorded.eq(sent.iter().map(|f| (&f.header, &f.ciphertext[..]))));
        let pictures = frames_of(&records, Class::Picture);
        assert_eq!(pictures, [(large.header, large.ciphertext)]);
        assert_eq!(
            kinds(&records).iter().filter(|k| **k == TOMBSTONE).count(),
            1
        );
        assert!(kinds(&records).contains(&DROPPED));
        assert_eq!(kinds(&records)[records.len() - 2..], [END, CHECKPOINT]);
    }
    succeeds(&relay.data(), &["recordings", "verify"]);
}

#[tokio::test]
async fn a_drain_tells_everybody_and_closes_both_doors() {
    let (mut relay, identity, pin) = Relay::with_auditor().await;
    let over = [Transport::Tcp, Transport::Quic];
    let mut session = recorded_over(over, &relay, &identity, &pin).await;
    let mut hands = session.control(1, 1).await;
    hands.send().await;
    hands.receive().await;
    relay.signal_end();
    assert_eq!(
        session.agent_hears().await,
        RelayToAgent::Ended { reason: End::Relay }
    );
    assert_eq!(
        session.console_hears().await,
        RelayToConsole::Ended { reason: End::Relay }
    );
    session.checkpoint().await;
    until("the door is closed", || {
        TcpStream::connect(&relay.address).is_err()
    })
    .await;
    session.agent.say(AgentToRelay::ReceiptDone).await;
    let closed = tokio::time::timeout(Duration::from_secs(20), session.agent.0.connection.closed());
    assert!(matches!(closed.await.unwrap(), net::Lost::There { .. }));
    let status = tokio::task::spawn_blocking(move || relay.process.wait())
        .await
        .unwrap()
        .unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn before_maintenance_sessions_have_their_time_and_nothing_new_begins() {
    let (mut relay, identity, pin) = Relay::with_auditor().await;
    let over = [Transport::Quic, Transport::Quic];
    let mut session = recorded_over(over, &relay, &identity, &pin).await;
    let mut hands = session.control(1, 1).await;
    relay.signal_term();
    let RelayToConsole::Maintenance { seconds } = session.console_hears().await else {
        panic!("the technician is not told");
    };
    assert!((1..=30).contains(&seconds), "{seconds}");
    // The session goes on.
    hands.send().await;
    hands.receive().await;
    // A second signal ends it at once.
    relay.signal_term();
    assert_eq!(
        session.agent_hears().await,
        RelayToAgent::Ended { reason: End::Relay }
    );
    assert_eq!(
        session.console_hears().await,
        RelayToConsole::Ended { reason: End::Relay }
    );
    session.agent.say(AgentToRelay::ReceiptDone).await;
    let status = tokio::task::spawn_blocking(move || relay.process.wait());
    assert!(status.await.unwrap().unwrap().success());
}

/// A relay with a limit of its configuration set.
fn relay_with_places(limit: &str, places: usize) -> Relay {
    let relay = Relay::start(&[]);
    let config = relay.data().join("relay.toml");
    let text = fs::read_to_string(&config).expect("the relay has made its configuration");
    let is = |line: &str| {
        line.trim_start_matches(['#', ' '])
            .starts_with(&format!("{limit} ="))
    };
    assert!(text.lines().any(is), "{text}");
    let text: String = text
        .lines()
        .map(|line| match is(line) {
            true => format!("{limit} = {places}\n"),
            false => format!("{line}\n"),
        })
        .collect();
    fs::write(&config, text).expect("the configuration can be written");
    relay.kill_and_restart()
}

#[tokio::test]
async fn who_fills_the_relay_makes_room_for_others() {
    let relay = relay_with_places("connections", 8);
    let pin = relay.token("Erika Weber");
    let pin = net::Pin {
        ca: pin.ca,
        relay_name: pin.relay_name.as_str().to_owned(),
    };
    let mut strangers = Vec::new();
    for _ in 0..8 {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.77.1:0".parse().unwrap()).unwrap();
        strangers.push(
            socket
                .connect(relay.address.parse().unwrap())
                .await
                .unwrap(),
        );
    }
    let mut ninth = TcpStream::connect(&relay.address).unwrap();
    // The oldest has made room for this one.
    assert_eq!(strangers[0].read(&mut [0; 1]).await.unwrap_or(0), 0);
    let (_, control) = Agent::connect_over(Transport::Quic, &relay.address, &pin).await;
    assert_eq!(control, ControlOffer::Unavailable);
    assert_eq!(strangers[1].read(&mut [0; 1]).await.unwrap_or(0), 0);
    ninth.set_nonblocking(true).unwrap();
    let waits = ninth.read(&mut [0; 1]).unwrap_err();
    assert_eq!(waits.kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn strangers_at_the_tcp_door_take_places_of_their_own_network_and_for_a_while_only() {
    let relay = relay_with_places("connections_per_network", 8);
    let (_, pin) = (relay.token("Erika Weber"), relay.token("Max Muster"));
    let pin = net::Pin {
        ca: pin.ca,
        relay_name: pin.relay_name.as_str().to_owned(),
    };
    // Silent ones, and one that says a byte now and then, as slow-loris attacks do.
    let mut silent: Vec<TcpStream> = (0..8)
        .map(|_| TcpStream::connect(&relay.address).unwrap())
        .collect();
    let mut ninth = TcpStream::connect(&relay.address).unwrap();
    assert_eq!(ninth.read(&mut [0; 1]).unwrap_or(0), 0, "sent away at once");
    let all = net::connect(&relay.address, &pin, ALPN_AGENT, None).await;
    assert!(all.is_err(), "the places count for both transports");
    let mut slow = silent.pop().unwrap();
    let slow = std::thread::spawn(move || {
        slow.set_read_timeout(Some(Duration::from_millis(200)))
            .unwrap();
        // A handshake record of 400 bytes that never becomes whole.
        for byte in [22, 3, 1, 1, 144].into_iter().chain(std::iter::repeat(1)) {
            let gone = slow.write_all(&[byte]).is_err();
            if gone || slow.read(&mut [0; 1]).is_ok() {
                return;
            }
        }
    });
    for mut stream in silent {
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0, "thrown out");
    }
    slow.join().unwrap();
    for over in [Transport::Tcp, Transport::Quic] {
        let (_, control) = Agent::connect_over(over, &relay.address, &pin).await;
        assert_eq!(control, ControlOffer::Unavailable);
    }
}

#[tokio::test]
async fn strangers_open_no_streams() {
    let relay = Relay::start(&[]);
    let pin = relay.token("Erika Weber");
    let pin = net::Pin {
        ca: pin.ca,
        relay_name: pin.relay_name.as_str().to_owned(),
    };
    // Over QUIC there is none to open for whoever is no side of a session.
    let (agent, _) = Agent::connect_over(Transport::Quic, &relay.address, &pin).await;
    tokio::select! {
        biased;
        _ = agent.0.connection.open_uni(Class::Picture) => panic!("a stream before a pairing"),
        () = std::future::ready(()) => {}
    }
    // Over TCP who opens one is sent away: behind a hello, before any message, and at the auditors' door.
    let (agent, _) = Agent::connect_over(Transport::Tcp, &relay.address, &pin).await;
    opens_a_stream_and_is_sent_away(&agent.0.connection).await;
    for alpn in [ALPN_AGENT, ALPN_AUDITOR] {
        let silent = net::connect_over(Transport::Tcp, &relay.address, &pin, alpn, None);
        opens_a_stream_and_is_sent_away(&silent.await.unwrap()).await;
    }
}

async fn opens_a_stream_and_is_sent_away(connection: &net::Connection) {
    let picture = frame(Class::Picture, 0, 1, Rights::Control, 100);
    let mut sender = net::SingleSender::open(connection, Class::Picture)
        .await
        .expect("over TCP nothing keeps it from trying");
    // It may be gone before the last byte.
    drop(sender.send(picture).await);
    let closed = tokio::time::timeout(Duration::from_secs(5), connection.closed());
    let why = closed.await.expect("the relay closes at once");
    assert!(matches!(why, net::Lost::There { code: 2, .. }), "{why}");
}
