//! The connection that all programs share, over QUIC and over TLS/TCP: the same promises from both.

mod copies;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fernsicht_protocol::cert::Role;
use fernsicht_protocol::frame::{Class, Direction, Frame, Header};
use fernsicht_protocol::messages::{ALPN_AGENT, AgentToRelay, End, RelayToAgent};
use fernsicht_protocol::mux;
use fernsicht_protocol::net::{
    self, ConnectError, Connection, Identity, Incoming, Lost, MessageReceiver, MessageSender, Pin,
    ReadError, RecordReceiver, RecordSender, Server, SingleSender, Transport, WriteError,
};
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::unit::Record;
use fernsicht_tests::authority::Authority;
use fernsicht_tests::clients;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;

const BOTH: [Transport; 2] = [Transport::Quic, Transport::Tcp];
const PATIENCE: Duration = Duration::from_secs(20);
const NAME: &str = "relay.test";

/// A relay's door, and what a client must know of it.
struct Door {
    server: Arc<Server>,
    address: String,
    pin: Pin,
    authority: Authority,
}

impl Door {
    fn open() -> Result<Self> {
        let authority = Authority::new()?;
        let pin = Pin {
            ca: authority.fingerprint(),
            relay_name: NAME.into(),
        };
        let identity = authority.issue(Role::Relay, NAME, "Test")?;
        let server = Server::bind("127.0.0.1:0".parse()?, &identity, pin.ca)?;
        Ok(Self {
            address: server.local_addr()?.to_string(),
            server: Arc::new(server),
            pin,
            authority,
        })
    }

    async fn take(&self) -> Result<Connection> {
        let arriving = timeout(PATIENCE, self.server.accept()).await?;
        let connection = arriving.context("the door is open")?.connect().await?;
        connection.allow_streams();
        Ok(connection)
    }

    /// A client and the relay's side of it, with their messages.
    async fn meet(&self, over: Transport) -> Result<(Side, Side)> {
        let client = net::connect_over(over, &self.address, &self.pin, ALPN_AGENT, None);
        let (client, relay) = tokio::join!(client, self.take());
        let (client, relay) = (client?, relay?);
        ensure!((client.transport(), relay.transport()) == (over, over));
        let (mut sender, receiver) = client.open_messages().await?;
        sender.send(&hello()).await?;
        let (answer, mut question) = timeout(PATIENCE, relay.accept_messages()).await??;
        ensure!(hear::<AgentToRelay>(&mut question).await? == hello());
        Ok((
            Side(client, sender, receiver),
            Side(relay, answer, question),
        ))
    }
}

/// One side: the connection and its messages.
struct Side(Connection, MessageSender, MessageReceiver);

fn hello() -> AgentToRelay {
    AgentToRelay::Hello {
        version: 1,
        configuration: [7; 32],
    }
}

async fn hear<T: fernsicht_protocol::wire::Wire>(receiver: &mut MessageReceiver) -> Result<T> {
    let message = timeout(PATIENCE, receiver.next()).await??;
    message.context("the stream goes on")
}

fn header(class: Class, number: u64, length: usize) -> Header {
    Header {
        epoch: 1,
        direction: match class == Class::Input {
            true => Direction::ConsoleToAgent,
            false => Direction::AgentToConsole,
        },
        class,
        number,
        grant: 1,
        rights: Rights::Control,
        length: length as u32,
    }
}

fn frame(class: Class, number: u64, length: usize) -> Frame {
    let ciphertext = (0..length).map(|at| (at * 31 + at / 4096) as u8).collect();
    Frame {
        header: header(class, number, length),
        ciphertext,
    }
}

async fn incoming(connection: &Connection) -> Result<Incoming> {
    timeout(PATIENCE, clients::next_stream(connection)).await?
}

async fn records(connection: &Connection) -> Result<RecordReceiver> {
    match incoming(connection).await? {
        Incoming::Records(records) => Ok(records),
        other @ (Incoming::Single(..) | Incoming::Copy) => bail!("no records: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_overtake_a_picture_that_nobody_reads() -> Result<()> {
    for over in BOTH {
        let door = Door::open()?;
        let (agent, relay) = door.meet(over).await?;
        let picture = frame(Class::Picture, 0, 4 << 20);
        let mut stream = SingleSender::open(&agent.0, Class::Picture).await?;
        let whole = picture.clone();
        let sending = tokio::spawn(async move {
            stream.send(whole).await?;
            stream.delivered().await
        });
        let Incoming::Single(header, mut unread) = incoming(&relay.0).await? else {
            bail!("the picture comes first")
        };
        let mut rights = RecordSender::open(&agent.0, Class::Rights).await?;
        let off = Record::Frame(frame(Class::Rights, 0, 32));
        rights.send(&off).await?;
        let mut seen = records(&relay.0).await?;
        ensure!(timeout(PATIENCE, seen.next()).await?? == Some(off));
        ensure!(
            !sending.is_finished(),
            "the picture is still in progress over {over}"
        );
        ensure!(net::read_single(header, &mut unread).await? == picture);
        timeout(PATIENCE, sending).await???;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_picture_is_sent_no_further() -> Result<()> {
    for over in BOTH {
        let door = Door::open()?;
        let (agent, relay) = door.meet(over).await?;
        let length = 4 << 20;
        let mut stream = SingleSender::open(&agent.0, Class::Picture).await?;
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let sending = tokio::spawn(async move {
            tokio::select! {
                _sent = stream.send(frame(Class::Picture, 0, length)) => false,
                _stop = stopped => {
                    stream.cancel();
                    true
                }
            }
        });
        let Incoming::Single(_, mut picture) = incoming(&relay.0).await? else {
            bail!("a picture")
        };
        picture.read_exact(&mut [0; 1000]).await?;
        stop.send(()).ok();
        ensure!(sending.await?, "it was in progress");
        let mut rest = 0;
        let end = loop {
            match timeout(PATIENCE, picture.read_chunk(1 << 20)).await? {
                Ok(Some(chunk)) => rest += chunk.len(),
                Ok(None) => bail!("it looks whole over {over}"),
                Err(error) => break error,
            }
        };
        ensure!(matches!(end, ReadError::Cancelled), "{end}");
        // What the windows and buffers of either transport hold.
        ensure!(rest < 3 << 20, "{rest} bytes of it came over {over}");
        // Dropped without its end it is cancelled as well, and never truncated.
        let mut half = SingleSender::open(&agent.0, Class::Picture).await?;
        let header = header(Class::Picture, 1, 500).encode().to_vec();
        half.send_chunks(&mut [header.into(), vec![1; 400].into()])
            .await?;
        let Incoming::Single(header, mut picture) = incoming(&relay.0).await? else {
            bail!("another picture")
        };
        drop(half);
        let end = timeout(PATIENCE, net::read_single(header, &mut picture)).await?;
        ensure!(matches!(end, Err(ReadError::Cancelled)), "{end:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_one_stream_only_holds_up_no_other_and_takes_bounded_memory() -> Result<()> {
    for over in BOTH {
        let door = Door::open()?;
        let (mut agent, mut relay) = door.meet(over).await?;
        // So much may be unread, and wait: QUIC's windows, and those of the mux.
        let bound = match over {
            Transport::Quic => (2 << 20) + (2 << 20),
            Transport::Tcp => mux::WINDOW / 2 + 3 * mux::SEND_BUFFER,
        };
        let taken = Arc::new(AtomicUsize::new(0));
        let mut pictures = tokio::task::JoinSet::new();
        for number in 0..3 {
            let mut stream = SingleSender::open(&agent.0, Class::Picture).await?;
            let taken = taken.clone();
            pictures.spawn(async move {
                let length = 8 << 20;
                let header = header(Class::Picture, number, length).encode().to_vec();
                stream.send_chunks(&mut [header.into()]).await?;
                for _ in 0..length / 1024 {
                    stream.send_chunks(&mut [vec![5; 1024].into()]).await?;
                    taken.fetch_add(1024, Ordering::Relaxed);
                }
                stream.finish()?;
                stream.delivered().await
            });
        }
        let mut unread = Vec::new();
        for _ in 0..3 {
            unread.push(incoming(&relay.0).await?);
        }
        // Messages, rights and beacons go both ways meanwhile.
        let mut rights = RecordSender::open(&agent.0, Class::Rights).await?;
        let mut seen = None;
        for number in 0..200 {
            agent
                .1
                .send(&AgentToRelay::End { reason: End::Idle })
                .await?;
            hear::<AgentToRelay>(&mut relay.2).await?;
            relay.1.send(&RelayToAgent::Resumed).await?;
            ensure!(hear::<RelayToAgent>(&mut agent.2).await? == RelayToAgent::Resumed);
            let right = Record::Frame(frame(Class::Rights, number, 32));
            rights.send(&right).await?;
            if seen.is_none() {
                seen = Some(records(&relay.0).await?);
            }
            let seen = seen.as_mut().context("rights")?;
            ensure!(timeout(PATIENCE, seen.next()).await?? == Some(right));
            let mut beacon = SingleSender::open(&agent.0, Class::Beacon).await?;
            beacon.send(frame(Class::Beacon, number, 64)).await?;
            let Incoming::Single(header, mut stream) = incoming(&relay.0).await? else {
                bail!("a beacon")
            };
            ensure!(
                net::read_single(header, &mut stream).await? == frame(Class::Beacon, number, 64)
            );
        }
        let taken = taken.load(Ordering::Relaxed);
        ensure!(taken <= bound, "{taken} bytes were taken over {over}");
        ensure!(
            taken > 256 << 10,
            "only {taken} bytes were taken over {over}"
        );
        // Read at last, all of them arrive.
        for incoming in unread {
            let Incoming::Single(header, mut stream) = incoming else {
                bail!("a picture")
            };
            tokio::spawn(async move { net::read_single(header, &mut stream).await });
        }
        while let Some(sent) = timeout(PATIENCE, pictures.join_next()).await? {
            sent??;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_long_cut_or_unknown_is_refused() -> Result<()> {
    for over in BOTH {
        let door = Door::open()?;
        let (mut agent, mut relay) = door.meet(over).await?;
        let mut long = header(Class::Rights, 0, 32);
        long.length = 1 << 20;
        let mut record = vec![16];
        record.extend(long.encode());
        let mut large = header(Class::Pointer, 0, 1).encode();
        large[21..].copy_from_slice(&(1u32 << 20).to_be_bytes());
        let cut = &Record::Frame(frame(Class::Rights, 0, 32)).encode()[..40];
        // Of rights there are copies, but not over TCP.
        let copied = match over {
            Transport::Quic => Class::Notices,
            Transport::Tcp => Class::Rights,
        };
        let copy = copies::head_of(&Record::Frame(frame(copied, 0, 32)), 0);
        let short = &frame(Class::Picture, 0, 300).encode()[..200];
        let trailing = [&frame(Class::Picture, 0, 300).encode()[..], b"more"].concat();
        for (bytes, malformed) in [
            (&record[..], true),
            (&large, true),
            (&[99, 1, 2, 3], true),
            (&copy, true),
            (cut, false),
            (short, false),
            (&trailing, true),
        ] {
            let mut stream = agent.0.open_uni(Class::Notices).await?;
            stream.write_all(bytes).await?;
            stream.finish()?;
            let stream = timeout(PATIENCE, relay.0.accept_uni()).await??;
            let end = match net::incoming(stream).await {
                Ok(Incoming::Records(mut records)) => records.next().await.err(),
                Ok(Incoming::Single(header, mut stream)) => {
                    net::read_single(header, &mut stream).await.err()
                }
                Ok(Incoming::Copy) => None,
                Err(error) => Some(error),
            };
            let fits = match malformed {
                true => matches!(end, Some(ReadError::Malformed(_))),
                false => matches!(end, Some(ReadError::Truncated)),
            };
            ensure!(fits, "{end:?} over {over}");
        }
        // A refused stream is told so.
        let mut stream = SingleSender::open(&agent.0, Class::Picture).await?;
        let header = header(Class::Picture, 1, 500).encode().to_vec();
        stream.send_chunks(&mut [header.into()]).await?;
        drop(timeout(PATIENCE, relay.0.accept_uni()).await??);
        let refused = timeout(PATIENCE, stream.delivered()).await?;
        ensure!(refused == Err(WriteError::Refused), "{refused:?}");
        // What was said before the end of the messages arrives, and then the end.
        agent.1.send(&AgentToRelay::ReceiptDone).await?;
        let ending = tokio::spawn(agent.1.finish());
        ensure!(hear::<AgentToRelay>(&mut relay.2).await? == AgentToRelay::ReceiptDone);
        ensure!(
            timeout(PATIENCE, relay.2.next::<AgentToRelay>())
                .await??
                .is_none()
        );
        timeout(PATIENCE, ending).await??;
        relay.0.close(3, b"messages are not read");
        let lost = timeout(PATIENCE, agent.0.closed()).await?;
        let there = Lost::There {
            code: 3,
            reason: "messages are not read".into(),
        };
        ensure!(lost == there, "{lost} over {over}");
        let end = hear::<RelayToAgent>(&mut agent.2).await;
        ensure!(end.is_err(), "{end:?}");
        ensure!(relay.0.closed().await == Lost::Here);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_know_whom_they_speak_with() -> Result<()> {
    for over in BOTH {
        let door = Door::open()?;
        let technician = door
            .authority
            .issue(Role::Technician, "Max Muster", "Test")?;
        let connect = |pin: Pin, alpn: &'static [u8], identity: Option<Identity>| {
            let address = door.address.clone();
            async move { net::connect_over(over, &address, &pin, alpn, identity.as_ref()).await }
        };
        let client = connect(door.pin.clone(), ALPN_AGENT, Some(technician.clone()));
        let (client, relay) = tokio::join!(client, door.take());
        let (client, relay) = (client?, relay?);
        ensure!(relay.peer_chain() == technician.chain);
        ensure!(relay.alpn().as_deref() == Some(ALPN_AGENT));
        ensure!(client.remote_address().to_string() == door.address);
        // The relay's side answers whoever knocks from here on.
        let server = door.server.clone();
        let knocks = tokio::spawn(async move {
            while let Some(arriving) = server.accept().await {
                tokio::spawn(arriving.connect());
            }
        });
        for pin in [
            Pin {
                ca: [0; 32],
                ..door.pin.clone()
            },
            Pin {
                relay_name: "other.test".into(),
                ..door.pin.clone()
            },
        ] {
            let refused = connect(pin, ALPN_AGENT, None).await;
            ensure!(
                matches!(refused, Err(ConnectError::Untrusted)),
                "{refused:?}"
            );
        }
        let refused = connect(door.pin.clone(), b"unknown/1", None).await;
        ensure!(
            matches!(refused, Err(ConnectError::Refused(_))),
            "{refused:?}"
        );
        // A certificate of another operator is thrown out: at the handshake, or right behind it.
        let foreign = Authority::new()?.issue(Role::Technician, "Eva Fremd", "Test")?;
        if let Ok(connection) = connect(door.pin.clone(), ALPN_AGENT, Some(foreign)).await {
            timeout(PATIENCE, connection.closed()).await?;
        }
        knocks.abort();
    }
    Ok(())
}

/// A way to `target` that knows TCP alone, as a network without UDP does.
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tcp_is_taken_where_udp_does_not_get_through_and_there_alone() -> Result<()> {
    let door = Door::open()?;
    let tcp = only_tcp(door.address.clone()).await?;
    let server = door.server.clone();
    tokio::spawn(async move {
        while let Some(arriving) = server.accept().await {
            tokio::spawn(async move {
                let connection = arriving.connect().await?;
                connection.closed().await;
                anyhow::Ok(())
            });
        }
    });
    let connect = async |address: String| net::connect(&address, &door.pin, ALPN_AGENT, None).await;
    ensure!(connect(door.address.clone()).await?.transport() == Transport::Quic);
    // Nobody answers by UDP, as behind a firewall that drops it.
    let deaf = UdpSocket::bind(tcp).await?;
    ensure!(connect(tcp.to_string()).await?.transport() == Transport::Tcp);
    let mut asked = [0; 2048];
    timeout(PATIENCE, deaf.recv(&mut asked))
        .await
        .context("QUIC was tried first")??;
    drop(deaf);
    // Nothing is there by UDP, nor by TCP.
    ensure!(connect(tcp.to_string()).await?.transport() == Transport::Tcp);
    let nowhere = UdpSocket::bind("127.0.0.1:0").await?.local_addr()?;
    let nobody = connect(nowhere.to_string()).await;
    ensure!(
        matches!(nobody, Err(ConnectError::Unreachable)),
        "{nobody:?}"
    );
    // Another relay is no better by TCP.
    let wrong = Pin {
        ca: [0; 32],
        ..door.pin.clone()
    };
    let wrong = net::connect(&tcp.to_string(), &wrong, ALPN_AGENT, None).await;
    ensure!(matches!(wrong, Err(ConnectError::Untrusted)), "{wrong:?}");
    Ok(())
}

/// Any certificate is good enough for somebody who only wants to do harm.
#[derive(Debug)]
struct Anybody;

mod careless {
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{DigitallySignedStruct, Error, SignatureScheme};

    impl ServerCertVerifier for super::Anybody {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }
        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }
        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }
        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            vec![SignatureScheme::ED25519]
        }
    }
}

async fn raw(
    address: &str,
    version: &'static rustls::SupportedProtocolVersion,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    tls.alpn_protocols = vec![ALPN_AGENT.to_vec()];
    let stream = TcpStream::connect(address).await?;
    let tls = tokio_rustls::TlsConnector::from(Arc::new(tls));
    Ok(tls.connect(NAME.try_into()?, stream).await?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_no_segments_end_the_connection_and_say_why() -> Result<()> {
    let door = Door::open()?;
    let too_much = [&[0, 0, 0, 0, 1, 0x40, 0][..], &[0; 16 << 10]]
        .concat()
        .repeat(17);
    for (bytes, reason) in [
        (vec![99], "an unknown segment 99"),
        (vec![0, 0, 0, 0, 1, 0xff, 0xff], "a segment of 65535 bytes"),
        (vec![0, 0, 0, 0, 9, 0, 1, 7], "stream 9 is not open"),
        (vec![6, 0, 0, 0, 0], "stream 0 is not open"),
        (too_much, "the windows of stream 1 are not kept"),
    ] {
        let (client, relay) =
            tokio::join!(raw(&door.address, &rustls::version::TLS13), door.take());
        let (mut client, relay) = (client?, relay?);
        // It may be thrown out before it has said everything.
        client.write_all(&bytes).await.ok();
        client.flush().await.ok();
        let lost = timeout(PATIENCE, relay.closed()).await?;
        ensure!(lost == Lost::Broken(reason.into()), "{lost}");
        let mut said = Vec::new();
        timeout(PATIENCE, client.read_to_end(&mut said)).await?.ok();
        let goodbye = [&[9, 0, 0, 0, 2, reason.len() as u8], reason.as_bytes()].concat();
        ensure!(said.ends_with(&goodbye), "{said:?}");
    }
    // One that breaks off is lost at once, and TLS 1.2 is not spoken.
    let (client, relay) = tokio::join!(raw(&door.address, &rustls::version::TLS13), door.take());
    drop(client?);
    let lost = timeout(PATIENCE, relay?.closed()).await?;
    ensure!(matches!(lost, Lost::Broken(_)), "{lost}");
    let (client, relay) = tokio::join!(raw(&door.address, &rustls::version::TLS12), door.take());
    ensure!(client.is_err() && relay.is_err());
    Ok(())
}
