//! A connection between a client and the relay, whatever carries it.

use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;

use super::copy::Copies;
use super::stream::{RecvStream, SendStream};
use super::{MAX_UNI_STREAMS, MessageReceiver, MessageSender, quic, tcp};
use crate::frame::Class;

/// What carries a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// UDP.
    Quic,
    /// TLS over TCP, where UDP does not get through.
    Tcp,
}

impl std::fmt::Display for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Quic => "QUIC",
            Self::Tcp => "TLS/TCP",
        })
    }
}

/// Why a connection is over.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Lost {
    /// It was closed here.
    #[error("closed")]
    Here,
    /// The other end has closed it, and says why or not.
    #[error("closed by the other end: {reason} (code {code})")]
    There {
        /// 0: all is well.
        code: u64,
        /// For people.
        reason: String,
    },
    /// Nothing has come for too long.
    #[error("timed out")]
    Silence,
    /// The network, or an end that does not keep to the transport.
    #[error("{0}")]
    Broken(String),
}

impl From<quinn::ConnectionError> for Lost {
    fn from(error: quinn::ConnectionError) -> Self {
        match error {
            quinn::ConnectionError::ApplicationClosed(close) => Self::There {
                code: close.error_code.into_inner(),
                reason: String::from_utf8_lossy(&close.reason).into_owned(),
            },
            quinn::ConnectionError::LocallyClosed => Self::Here,
            quinn::ConnectionError::TimedOut => Self::Silence,
            quinn::ConnectionError::VersionMismatch
            | quinn::ConnectionError::TransportError(_)
            | quinn::ConnectionError::ConnectionClosed(_)
            | quinn::ConnectionError::Reset
            | quinn::ConnectionError::CidsExhausted => Self::Broken(error.to_string()),
        }
    }
}

/// A connection. Clones are the same one; it is closed when the last is gone.
#[derive(Debug, Clone)]
pub struct Connection(Carrier);

#[derive(Debug, Clone)]
enum Carrier {
    /// A client keeps its endpoint as long as the connection.
    Quic(quinn::Connection, Option<quinn::Endpoint>, Copies),
    Tcp(tcp::Carrier),
}

impl From<quinn::Connection> for Connection {
    fn from(connection: quinn::Connection) -> Self {
        Self(Carrier::Quic(connection, None, Copies::default()))
    }
}

impl Connection {
    pub(super) fn of_client(endpoint: quinn::Endpoint, connection: quinn::Connection) -> Self {
        Self(Carrier::Quic(connection, Some(endpoint), Copies::default()))
    }

    pub(super) fn over_tcp(carrier: tcp::Carrier) -> Self {
        Self(Carrier::Tcp(carrier))
    }

    pub(super) fn into_quic(self) -> Option<(quinn::Endpoint, quinn::Connection)> {
        match self.0 {
            Carrier::Quic(connection, Some(endpoint), _) => Some((endpoint, connection)),
            Carrier::Quic(_, None, _) | Carrier::Tcp(_) => None,
        }
    }

    /// A client goes on from another socket, as after a change of its network. Errors: the socket cannot be used,
    /// or this is no client over QUIC.
    pub fn rebind(&self, socket: std::net::UdpSocket) -> std::io::Result<()> {
        match &self.0 {
            Carrier::Quic(_, Some(endpoint), _) => endpoint.rebind(socket),
            Carrier::Quic(_, None, _) | Carrier::Tcp(_) => {
                Err(std::io::ErrorKind::Unsupported.into())
            }
        }
    }

    /// What carries it.
    pub fn transport(&self) -> Transport {
        match &self.0 {
            Carrier::Quic(..) => Transport::Quic,
            Carrier::Tcp(_) => Transport::Tcp,
        }
    }

    /// Where the other end is.
    pub fn remote_address(&self) -> SocketAddr {
        match &self.0 {
            Carrier::Quic(connection, ..) => connection.remote_address(),
            Carrier::Tcp(carrier) => carrier.remote_address(),
        }
    }

    /// The protocol that was negotiated.
    pub fn alpn(&self) -> Option<Vec<u8>> {
        match &self.0 {
            Carrier::Quic(connection, ..) => quic::alpn(connection),
            Carrier::Tcp(carrier) => carrier.alpn(),
        }
    }

    /// The chain that the other end showed, leaf first; empty if none.
    pub fn peer_chain(&self) -> Vec<Vec<u8>> {
        match &self.0 {
            Carrier::Quic(connection, ..) => quic::peer_chain(connection),
            Carrier::Tcp(carrier) => carrier.peer_chain(),
        }
    }

    /// The round trip, as far as it is known.
    pub fn rtt(&self) -> Option<Duration> {
        match &self.0 {
            Carrier::Quic(connection, ..) => Some(connection.rtt()),
            Carrier::Tcp(carrier) => carrier.rtt(),
        }
    }

    /// Opens the streams of messages; for clients, once.
    pub async fn open_messages(&self) -> Result<(MessageSender, MessageReceiver), Lost> {
        let (send, receive) = match &self.0 {
            Carrier::Quic(connection, ..) => {
                let (send, receive) = connection.open_bi().await?;
                (SendStream::from(send), RecvStream::from(receive))
            }
            Carrier::Tcp(carrier) => carrier.messages(),
        };
        Ok((MessageSender::new(send), MessageReceiver::new(receive)))
    }

    /// Awaits the client's first message, and takes the streams; for the relay, once.
    pub async fn accept_messages(&self) -> Result<(MessageSender, MessageReceiver), Lost> {
        let (send, receive) = match &self.0 {
            Carrier::Quic(connection, ..) => {
                let (send, receive) = connection.accept_bi().await?;
                (SendStream::from(send), RecvStream::from(receive))
            }
            Carrier::Tcp(carrier) => {
                carrier.first_message().await?;
                carrier.messages()
            }
        };
        Ok((MessageSender::new(send), MessageReceiver::new(receive)))
    }

    /// Opens a one-way stream of the importance of `class`. Waits while too many are open.
    pub async fn open_uni(&self, class: Class) -> Result<SendStream, Lost> {
        self.open_uni_at(class.priority()).await
    }

    /// The same of any importance.
    pub(super) async fn open_uni_at(&self, priority: i32) -> Result<SendStream, Lost> {
        match &self.0 {
            Carrier::Quic(connection, ..) => {
                let stream = connection.open_uni().await?;
                // A stream that is closed already reports it at the first write.
                drop(stream.set_priority(priority));
                Ok(stream.into())
            }
            Carrier::Tcp(carrier) => carrier.open(priority).await,
        }
    }

    /// The client may open one-way streams from here on; for the relay. Over QUIC there are none to open before;
    /// over TCP who does is disconnected.
    pub fn allow_streams(&self) {
        match &self.0 {
            Carrier::Quic(connection, ..) => {
                connection.set_max_concurrent_uni_streams(MAX_UNI_STREAMS.into());
            }
            Carrier::Tcp(carrier) => carrier.allow_streams(),
        }
    }

    /// The next one-way stream of the other end.
    pub async fn accept_uni(&self) -> Result<RecvStream, Lost> {
        match &self.0 {
            Carrier::Quic(connection, _, copies) => {
                Ok(RecvStream::from(connection.accept_uni().await?).with_copies(copies))
            }
            Carrier::Tcp(carrier) => carrier.accept().await,
        }
    }

    /// Closes at once: what was not delivered is lost.
    pub fn close(&self, code: u32, reason: &[u8]) {
        match &self.0 {
            Carrier::Quic(connection, ..) => connection.close(code.into(), reason),
            Carrier::Tcp(carrier) => carrier.close(code, reason),
        }
    }

    /// Completes when the connection is over.
    pub async fn closed(&self) -> Lost {
        match &self.0 {
            Carrier::Quic(connection, ..) => connection.closed().await.into(),
            Carrier::Tcp(carrier) => carrier.closed().await,
        }
    }

    /// For a client that has closed: completes once its goodbye has been sent.
    pub async fn drained(&self) {
        match &self.0 {
            Carrier::Quic(_, Some(endpoint), _) => endpoint.wait_idle().await,
            Carrier::Quic(_, None, _) => {}
            Carrier::Tcp(carrier) => carrier.drained().await,
        }
    }
}
