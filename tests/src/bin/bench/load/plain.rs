//! The least that a relay could do, as processes of their own: for comparison.
//!
//! - *splice*: two TCP connections, everything from the first to the second and back.
//! - *forwarder*: two QUIC connections with the relay's own transport settings; each unidirectional stream of the
//!   one becomes one of the other, chunk by chunk.
//!
//! Whoever connects first says the name of a pair (16 bytes); who says the same name is its other end.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use data_encoding::HEXLOWER;
use fernsicht_protocol::cert::Role;
use fernsicht_protocol::messages::ALPN_AGENT;
use fernsicht_protocol::net::{Pin, quic};
use fernsicht_tests::authority::Authority;
use rand_core::{OsRng, RngCore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Number and length before a frame's content.
pub(crate) const NUMBER_BYTES: usize = 12;

/// The name in the forwarder's certificate.
pub(crate) const NAME: &str = "relay.demo";

type Name = [u8; 16];

/// Which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    Splice,
    Forwarder,
}

/// A running one; it ends with this.
#[derive(Debug)]
pub(crate) struct Server {
    kind: Kind,
    child: Child,
    address: SocketAddr,
    pin: Pin,
}

impl Server {
    pub(crate) fn start(kind: Kind) -> Result<Self> {
        let name = match kind {
            Kind::Splice => "splice",
            Kind::Forwarder => "forwarder",
        };
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--plain", name])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let output = child.stdout.take().context("its output")?;
        BufReader::new(output).read_line(&mut line)?;
        let mut words = line.split_whitespace();
        let address = words.next().and_then(|word| word.parse().ok());
        let ca = words.next().map(|word| HEXLOWER.decode(word.as_bytes()));
        let ca = ca.transpose()?.and_then(|ca| ca.try_into().ok());
        Ok(Self {
            kind,
            child,
            address: address.context("its address")?,
            pin: Pin {
                ca: ca.unwrap_or_default(),
                relay_name: NAME.to_owned(),
            },
        })
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How to know a forwarder.
    pub(crate) fn pin(&self) -> &Pin {
        &self.pin
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Is such a server until it is killed.
#[expect(clippy::print_stdout, reason = "tells its parent where it listens")]
pub(crate) fn serve(kind: Kind) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        match kind {
            Kind::Splice => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
                println!("{}", listener.local_addr()?);
                splice(listener).await
            }
            Kind::Forwarder => {
                let (endpoint, pin) = quic_server()?;
                let ca = HEXLOWER.encode(&pin.ca);
                println!("{} {ca}", endpoint.local_addr()?);
                forward(endpoint).await
            }
        }
    })
}

/// Ends that wait for their other end.
struct Waiting<T>(Mutex<HashMap<Name, T>>);

impl<T> Waiting<T> {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::default()))
    }

    /// The other end, if it was here before.
    fn meet(&self, name: Name, end: T) -> Option<(T, T)> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.remove(&name) {
            Some(other) => Some((other, end)),
            None => {
                waiting.insert(name, end);
                None
            }
        }
    }
}

async fn splice(listener: TcpListener) -> Result<()> {
    let waiting = Waiting::new();
    loop {
        let (mut stream, _) = listener.accept().await?;
        let waiting = waiting.clone();
        tokio::spawn(async move {
            stream.set_nodelay(true)?;
            let mut name = Name::default();
            stream.read_exact(&mut name).await?;
            if let Some((mut a, mut b)) = waiting.meet(name, stream) {
                tokio::io::copy_bidirectional(&mut a, &mut b).await?;
            }
            anyhow::Ok(())
        });
    }
}

async fn forward(endpoint: quinn::Endpoint) -> Result<()> {
    let waiting = Waiting::new();
    while let Some(incoming) = endpoint.accept().await {
        let waiting = waiting.clone();
        tokio::spawn(async move {
            let connection = incoming.await?;
            let mut first = connection.accept_uni().await?;
            let mut name = Name::default();
            first.read_exact(&mut name).await?;
            if let Some((a, b)) = waiting.meet(name, connection) {
                tokio::spawn(streams(b.clone(), a.clone()));
                streams(a, b).await;
            }
            anyhow::Ok(())
        });
    }
    Ok(())
}

async fn streams(from: quinn::Connection, to: quinn::Connection) {
    while let Ok(mut stream) = from.accept_uni().await {
        let to = to.clone();
        tokio::spawn(async move {
            let mut onward = to.open_uni().await?;
            while let Some(chunk) = stream.read_chunk(64 << 10, true).await? {
                onward.write_chunk(chunk.bytes).await?;
            }
            onward.finish()?;
            anyhow::Ok(())
        });
    }
}

/// Makes two connections to the forwarder a pair.
pub(crate) async fn introduce(a: &quinn::Connection, b: &quinn::Connection) -> Result<()> {
    let mut name = Name::default();
    OsRng.fill_bytes(&mut name);
    for connection in [a, b] {
        let mut stream = connection.open_uni().await?;
        stream.write_all(&name).await?;
        stream.finish()?;
        stream.stopped().await?;
    }
    Ok(())
}

/// Two connections to the splice that are a pair.
pub(crate) async fn introduce_tcp(address: SocketAddr) -> Result<(TcpStream, TcpStream)> {
    let mut name = Name::default();
    OsRng.fill_bytes(&mut name);
    let mut ends = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        stream.write_all(&name).await?;
        ends.push(stream);
    }
    let (b, a) = (ends.pop(), ends.pop());
    a.zip(b).context("two connections")
}

/// An end that takes connections, with the relay's transport settings, and how to know it again.
pub(crate) fn quic_server() -> Result<(quinn::Endpoint, Pin)> {
    let authority = Authority::new()?;
    let identity = authority.issue(Role::Relay, NAME, "bench")?;
    let listen = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0);
    let pin = Pin {
        ca: authority.fingerprint(),
        relay_name: NAME.to_owned(),
    };
    Ok((quic::server(listen, &identity, pin.ca)?, pin))
}

/// Connects with the programs' transport settings.
pub(crate) async fn quic_client(
    address: SocketAddr,
    pin: &Pin,
) -> Result<(quinn::Endpoint, quinn::Connection)> {
    Ok(quic::connect(&address.to_string(), pin, ALPN_AGENT, None).await?)
}
