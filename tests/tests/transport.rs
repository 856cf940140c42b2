//! The connection that all programs share, over QUIC and over TLS/TCP: the same promises from both.

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
    ReadError, RecordReceiver, RecordSender, SendStream, Server, SingleSender, Transport,
    WriteError, quic,
};
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::unit::{KIND_COPY, Record};
use fernsicht_tests::authority::Authority;
use fernsicht_tests::dice::Dice;
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
    loop {
        let stream = timeout(PATIENCE, connection.accept_uni()).await??;
        match timeout(PATIENCE, net::incoming(stream)).await?? {
            Incoming::Copy => {}
            incoming @ (Incoming::Records(_) | Incoming::Single(..)) => return Ok(incoming),
        }
    }
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
        let notice = Record::Frame(frame(Class::Notices, 0, 32));
        let short = &frame(Class::Picture, 0, 300).encode()[..200];
        let trailing = [&frame(Class::Picture, 0, 300).encode()[..], b"more"].concat();
        for (bytes, malformed) in [
            (&record[..], true),
            (&large, true),
            (&[99, 1, 2, 3], true),
            // No copies of notices, and none at all over TCP.
            (&head_of(&notice, 0), true),
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

/// The stream of a copy of what began with this record, from some offset on.
async fn copy_of(connection: &Connection, first: &Record, offset: u64) -> Result<SendStream> {
    let mut stream = connection.open_uni(first.header().class).await?;
    stream.write_all(&head_of(first, offset)).await?;
    Ok(stream)
}

fn head_of(first: &Record, offset: u64) -> Vec<u8> {
    let mut head = vec![KIND_COPY];
    head.extend_from_slice(&first.header().encode());
    head.extend_from_slice(&offset.to_be_bytes());
    head
}

fn records_of(class: Class, count: u64) -> Vec<Record> {
    let record = |number| Record::Frame(frame(class, number, 40));
    (0..count).map(record).collect()
}

/// What its own stream still lacks: as where its packet was lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_comes_by_its_copy_where_its_own_stream_stands_still() -> Result<()> {
    let door = Door::open()?;
    let (agent, relay) = door.meet(Transport::Quic).await?;
    let sent = records_of(Class::Rights, 4);
    let bytes: Vec<_> = sent.iter().map(Record::encode).collect();
    let mut own = agent.0.open_uni(Class::Rights).await?;
    own.write_all(&bytes[0]).await?;
    let mut seen = records(&relay.0).await?;
    let mut next = async || anyhow::Ok(timeout(PATIENCE, seen.next()).await??);
    ensure!(next().await?.as_ref() == Some(&sent[0]));

    let mut copy = copy_of(&agent.0, &sent[0], bytes[0].len() as u64).await?;
    copy.write_all(&bytes[1]).await?;
    take_copy(&relay.0).await?;
    ensure!(next().await?.as_ref() == Some(&sent[1]));
    copy.write_all(&bytes[2]).await?;
    ensure!(next().await?.as_ref() == Some(&sent[2]));

    // What comes late on its own stream has been there; what is new counts, and its end is the end.
    own.write_all(&bytes[1..].concat()).await?;
    ensure!(next().await?.as_ref() == Some(&sent[3]));
    copy.write_all(&bytes[3]).await?;
    own.finish()?;
    ensure!(next().await?.is_none());
    Ok(())
}

async fn take_copy(connection: &Connection) -> Result<()> {
    let stream = timeout(PATIENCE, connection.accept_uni()).await??;
    let copy = timeout(PATIENCE, net::incoming(stream)).await??;
    ensure!(matches!(copy, Incoming::Copy), "{copy:?}");
    Ok(())
}

/// As after a resume: the stream of the old epoch is still read when the new one's begins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_of_one_stream_alone() -> Result<()> {
    let door = Door::open()?;
    let (agent, relay) = door.meet(Transport::Quic).await?;
    let old = records_of(Class::Input, 3);
    let new: Vec<_> = (0..3)
        .map(|number| {
            let mut frame = frame(Class::Input, number, 70);
            frame.header.epoch += 1;
            Record::Frame(frame)
        })
        .collect();
    let mut streams = Vec::new();
    for sent in [&old, &new] {
        let mut own = agent.0.open_uni(Class::Input).await?;
        own.write_all(&sent[0].encode()).await?;
        let mut seen = records(&relay.0).await?;
        ensure!(timeout(PATIENCE, seen.next()).await??.as_ref() == Some(&sent[0]));
        streams.push((own, seen));
    }
    // The new one's copy comes first, and the old one's takes its place before anybody has read.
    for sent in [&new, &old] {
        let first = sent[0].encode().len() as u64;
        let mut copy = copy_of(&agent.0, &sent[0], first).await?;
        copy.write_all(&sent[1].encode()).await?;
        copy.finish()?;
        take_copy(&relay.0).await?;
    }
    let [(mut old_own, mut old_seen), (mut new_own, mut new_seen)] =
        <[_; 2]>::try_from(streams).ok().context("two")?;
    ensure!(timeout(PATIENCE, old_seen.next()).await??.as_ref() == Some(&old[1]));
    for (own, sent) in [(&mut new_own, &new), (&mut old_own, &old)] {
        own.write_all(&[sent[1].encode(), sent[2].encode()].concat())
            .await?;
        own.finish()?;
    }
    for (seen, rest) in [(&mut new_seen, &new[1..]), (&mut old_seen, &old[2..])] {
        for record in rest {
            ensure!(timeout(PATIENCE, seen.next()).await??.as_ref() == Some(record));
        }
        ensure!(timeout(PATIENCE, seen.next()).await??.is_none());
    }
    Ok(())
}

/// Whatever comes first, and in whatever pieces, copies that are ahead, cut off or given anew among them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_change_nothing_of_what_is_read() -> Result<()> {
    let door = Door::open()?;
    let early = Arc::new(AtomicUsize::new(0));
    for seed in 0..30 {
        let mut dice = Dice::from_seed(2 * seed + 1);
        let (agent, relay) = door.meet(Transport::Quic).await?;
        let sent: Vec<_> = (0..12)
            .map(|number| Record::Frame(frame(Class::Input, number, dice.roll(3_000) as usize)))
            .collect();
        let bytes: Vec<u8> = sent.iter().flat_map(Record::encode).collect();
        let written = Arc::new(AtomicUsize::new(0));
        let (early, own_written) = (Arc::clone(&early), Arc::clone(&written));
        let reading = tokio::spawn(async move {
            let mut own = records(&relay.0).await?;
            let connection = relay.0.clone();
            // Copies may end within their heads.
            tokio::spawn(async move {
                while let Ok(stream) = connection.accept_uni().await {
                    tokio::spawn(net::incoming(stream));
                }
            });
            let (mut seen, mut length) = (Vec::new(), 0);
            while let Some(record) = timeout(PATIENCE, own.next()).await?? {
                length += record.encode().len();
                if length > own_written.load(Ordering::SeqCst) {
                    early.fetch_add(1, Ordering::Relaxed);
                }
                seen.push(record);
            }
            drop(relay);
            anyhow::Ok(seen)
        });
        let mut own = agent.0.open_uni(Class::Input).await?;
        let (mut at, mut copy): (usize, Option<(usize, SendStream)>) = (0, None);
        while at < bytes.len() {
            let piece = dice.roll(2_500) as usize + 1;
            match (dice.roll(6), &mut copy) {
                (0..=2, Some((from, stream))) => {
                    let end = (*from + piece).min(bytes.len());
                    // One that a newer one has replaced is refused.
                    drop(stream.write_all(&bytes[*from..end]).await);
                    *from = end;
                }
                (0 | 1, copy) => {
                    let ahead = dice.roll(4) == 0;
                    let most = if ahead { bytes.len() } else { at + 1 };
                    let from = dice.roll(most as u32) as usize;
                    let stream = copy_of(&agent.0, &sent[0], from as u64).await?;
                    *copy = Some((from, stream));
                }
                // Ended, or cancelled.
                (3, copy) => {
                    if let Some((_, mut stream)) = copy.take()
                        && dice.roll(2) == 0
                    {
                        stream.cancel();
                    }
                }
                _ => {
                    let end = (at + piece).min(bytes.len());
                    written.store(end, Ordering::SeqCst);
                    own.write_all(&bytes[at..end]).await?;
                    at = end;
                }
            }
            if dice.roll(3) == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        own.finish()?;
        ensure!(reading.await?? == sent, "seed {seed}");
    }
    let early = early.load(Ordering::Relaxed);
    ensure!(early > 0, "no record came by a copy first");
    Ok(())
}

/// Rights and input where the way is long, nothing else; and nothing over TCP.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_must_not_wait_for_a_lost_packet_is_sent_twice() -> Result<()> {
    let door = Door::open()?;
    let far = far_from(door.address.parse()?).await?.to_string();
    let client = quic::connect(&far, &door.pin, ALPN_AGENT, None);
    let (client, relay) = tokio::join!(client, door.take());
    let ((_endpoint, client), relay) = (client?, relay?);
    let agent = Connection::from(client);
    let mut notices = RecordSender::open(&agent, Class::Notices).await?;
    for notice in records_of(Class::Notices, 3) {
        notices.send(&notice).await?;
    }
    let first = timeout(PATIENCE, relay.accept_uni()).await??;
    ensure!(matches!(net::incoming(first).await?, Incoming::Records(_)));
    for class in [Class::Rights, Class::Input] {
        let mut sender = RecordSender::open(&agent, class).await?;
        let sent = records_of(class, 5);
        for record in &sent {
            sender.send(record).await?;
        }
        let bytes: Vec<u8> = sent.iter().flat_map(Record::encode).collect();
        let copied = [head_of(&sent[0], 0), bytes.clone()].concat();
        for bytes in [bytes, copied] {
            let mut stream = timeout(PATIENCE, relay.accept_uni()).await??;
            let mut seen = vec![0; bytes.len()];
            timeout(PATIENCE, stream.read_exact(&mut seen)).await??;
            ensure!(seen == bytes, "{class:?}");
        }
    }
    Ok(())
}

/// Another address of a server, a quarter of a second away in each direction.
async fn far_from(server: SocketAddr) -> Result<SocketAddr> {
    let near = Arc::new(UdpSocket::bind("127.0.0.1:0").await?);
    let beyond = Arc::new(UdpSocket::bind("127.0.0.1:0").await?);
    beyond.connect(server).await?;
    let address = near.local_addr()?;
    tokio::spawn(async move {
        let (mut there, mut back) = ([0; 2048], [0; 2048]);
        let mut client = None;
        loop {
            let (packet, to) = tokio::select! {
                Ok((length, from)) = near.recv_from(&mut there) => {
                    client = Some(from);
                    (there[..length].to_vec(), None)
                }
                Ok(length) = beyond.recv(&mut back) => (back[..length].to_vec(), client),
            };
            let (near, beyond) = (Arc::clone(&near), Arc::clone(&beyond));
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(250)).await;
                match to {
                    Some(client) => near.send_to(&packet, client).await,
                    None => beyond.send(&packet).await,
                }
            });
        }
    });
    Ok(address)
}
