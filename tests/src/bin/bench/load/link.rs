//! One session's two ends, whatever is between them: frames in at one end, their arrival noted at the other.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use fernsicht_protocol::frame::{Class, Direction};
use fernsicht_protocol::net::{Identity, Pin};
use fernsicht_tests::dice::Dice;
use fernsicht_tests::pair::{Kind, Pair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Trace;
use super::plain::{self, NUMBER_BYTES};

/// How long the last frames may take.
const LAST: Duration = Duration::from_secs(2);

/// A frame that arrived.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrived {
    pub(crate) arrived: Instant,
    /// Since it was handed to the sender's connection.
    pub(crate) late: Duration,
    pub(crate) bytes: u64,
}

/// All frames of a session.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    pub(crate) frames: Vec<Arrived>,
    pub(crate) missing: usize,
}

type Noted = Arc<Mutex<Vec<(u64, Instant, u64)>>>;

/// A session's sending end, and what its other end has noted.
pub(crate) enum Link {
    Pair(Box<Pair>),
    Quic {
        sender: quinn::Connection,
        noted: Noted,
        /// They must live as long as their connections.
        _ends: Vec<quinn::Endpoint>,
    },
    Tcp(TcpStream, Noted),
}

impl Link {
    pub(crate) async fn pair(
        address: &str,
        pin: &Pin,
        technician: &Identity,
        auditors: Option<&[[u8; 32]]>,
    ) -> Result<Self> {
        let kind = auditors.map_or(Kind::View, Kind::Control);
        let pair = Pair::open(address, pin, technician, kind).await?;
        Ok(Self::Pair(Box::new(pair)))
    }

    /// Two ends that are connected with one another.
    pub(crate) async fn direct() -> Result<Self> {
        let (server, pin) = plain::quic_server()?;
        let connecting = plain::quic_client(server.local_addr()?, &pin);
        let accepting = async {
            let incoming = server.accept().await.context("a connection")?;
            anyhow::Ok(incoming.await?)
        };
        let (sender, receiver) = tokio::join!(connecting, accepting);
        let (client, sender) = sender?;
        let noted = Noted::default();
        tokio::spawn(note_streams(receiver?, noted.clone()));
        Ok(Self::Quic {
            sender,
            noted,
            _ends: vec![server, client],
        })
    }

    /// Two ends at the forwarder.
    pub(crate) async fn forwarder(address: SocketAddr, pin: &Pin) -> Result<Self> {
        let (sending, sender) = plain::quic_client(address, pin).await?;
        let (receiving, receiver) = plain::quic_client(address, pin).await?;
        plain::introduce(&sender, &receiver).await?;
        let noted = Noted::default();
        tokio::spawn(note_streams(receiver, noted.clone()));
        Ok(Self::Quic {
            sender,
            noted,
            _ends: vec![sending, receiving],
        })
    }

    /// Two ends at the splice.
    pub(crate) async fn splice(address: SocketAddr) -> Result<Self> {
        let (sender, receiver) = plain::introduce_tcp(address).await?;
        let noted = Noted::default();
        tokio::spawn(note_bytes(receiver, noted.clone()));
        Ok(Self::Tcp(sender, noted))
    }

    /// Sends as the trace says, for so long, and tells what arrived.
    pub(crate) async fn send(
        mut self,
        trace: Trace,
        number: usize,
        time: Duration,
    ) -> Result<Arrivals> {
        let mut dice = Dice::from_seed(number as u64);
        let mut at = trace.start(&mut dice);
        // Sessions do not send all at the same moment.
        let phase = Duration::from_micros(u64::from(dice.roll(40_000)));
        let began = Instant::now();
        let mut due = began + phase;
        let mut sent: HashMap<u64, Instant> = HashMap::new();
        let mut buffer = vec![0x5a; trace.frame(at).1];
        for count in 0u64.. {
            if due.duration_since(began) > time {
                break;
            }
            tokio::time::sleep_until(due.into()).await;
            let (_, bytes) = trace.frame(at);
            buffer.resize(bytes.max(NUMBER_BYTES), 0x5a);
            let now = Instant::now();
            let number = self.one(count, &mut buffer).await?;
            sent.insert(number, now);
            at += 1;
            due += trace.frame(at).0;
        }
        tokio::time::sleep(LAST).await;
        let noted: Vec<(u64, Instant, u64)> = match &self {
            Self::Pair(pair) => {
                let noted = pair.noted();
                let pictures = noted.at_console.iter();
                let pictures = pictures.filter(|(_, header)| header.class == Class::Picture);
                pictures
                    .map(|(at, header)| (header.number, *at, u64::from(header.length)))
                    .collect()
            }
            Self::Quic { noted, .. } | Self::Tcp(_, noted) => lock(noted).clone(),
        };
        let mut arrivals = Arrivals::default();
        for (number, arrived, bytes) in noted {
            let sent = sent.remove(&number).context("nobody sent this frame")?;
            let late = arrived.saturating_duration_since(sent);
            arrivals.frames.push(Arrived {
                arrived,
                late,
                bytes,
            });
        }
        arrivals.missing = sent.len();
        self.end().await?;
        Ok(arrivals)
    }

    /// One frame. Returns its number.
    async fn one(&mut self, count: u64, content: &mut [u8]) -> Result<u64> {
        match self {
            Self::Pair(pair) => {
                let header = pair
                    .send(Direction::AgentToConsole, Class::Picture, content)
                    .await?;
                return Ok(header.number);
            }
            Self::Quic { sender, .. } => {
                content[..8].copy_from_slice(&count.to_be_bytes());
                let mut stream = sender.open_uni().await?;
                stream.write_all(content).await?;
                stream.finish()?;
            }
            Self::Tcp(stream, _) => {
                content[..8].copy_from_slice(&count.to_be_bytes());
                let length = (content.len() as u32).to_be_bytes();
                content[8..12].copy_from_slice(&length);
                stream.write_all(content).await?;
            }
        }
        Ok(count)
    }

    async fn end(self) -> Result<()> {
        match self {
            Self::Pair(pair) => pair.end().await,
            Self::Quic { sender, .. } => {
                sender.close(0u32.into(), b"");
                Ok(())
            }
            Self::Tcp(..) => Ok(()),
        }
    }
}

async fn note_streams(connection: quinn::Connection, noted: Noted) {
    while let Ok(mut stream) = connection.accept_uni().await {
        let noted = noted.clone();
        tokio::spawn(async move {
            let Ok(bytes) = stream.read_to_end(16 << 20).await else {
                return;
            };
            if let Some(number) = bytes.first_chunk() {
                let number = u64::from_be_bytes(*number);
                lock(&noted).push((number, Instant::now(), bytes.len() as u64));
            }
        });
    }
}

async fn note_bytes(mut stream: TcpStream, noted: Noted) -> Result<()> {
    let mut content = Vec::new();
    loop {
        let number = stream.read_u64().await?;
        let length = stream.read_u32().await? as usize;
        content.resize(length - NUMBER_BYTES, 0);
        stream.read_exact(&mut content).await?;
        lock(&noted).push((number, Instant::now(), length as u64));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
