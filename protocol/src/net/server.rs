//! The relay's door: UDP and TCP on one port.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::connection::{Connection, Lost, Transport};
use super::{Identity, quic, tcp, tls};
use crate::crypto::Hash;

/// Takes agents without, consoles and auditors with or without a certificate of the CA; one that is
/// shown must be a technician's or an auditor's. Which door it opens is for the caller to check. Nobody opens
/// one-way streams before [`Connection::allow_streams`].
pub struct Server {
    endpoint: quinn::Endpoint,
    listener: Option<TcpListener>,
    tls: TlsAcceptor,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({:?})", self.endpoint.local_addr())
    }
}

impl Server {
    /// Listens by UDP and by TCP on the same port, inside a tokio runtime. Errors: either is taken, or
    /// the identity is unusable.
    pub fn bind(listen: SocketAddr, identity: &Identity, ca: Hash) -> io::Result<Self> {
        let tls = TlsAcceptor::from(Arc::new(tls::server(identity, ca)?));
        let mut tries = if listen.port() == 0 { ANY_PORT } else { 1 };
        loop {
            let endpoint = quic::door(listen, identity, ca)?;
            let listener = tcp_listener(endpoint.local_addr()?)
                .map_err(|error| io::Error::new(error.kind(), format!("by TCP: {error}")));
            match listener {
                Ok(listener) => {
                    return Ok(Self {
                        endpoint,
                        listener: Some(listener),
                        tls,
                    });
                }
                Err(error) if tries == 1 => return Err(error),
                // This one was free for UDP alone.
                Err(_) => tries -= 1,
            }
        }
    }

    /// The address of both.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.endpoint.local_addr()
    }

    /// The next client that knocks. None: the server is closed.
    pub async fn accept(&self) -> Option<Arriving> {
        let knock = async {
            match &self.listener {
                Some(listener) => next(listener).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            incoming = self.endpoint.accept() => Some(Arriving(Knock::Quic(Box::new(incoming?)))),
            (stream, remote) = knock => {
                Some(Arriving(Knock::Tcp(stream, remote, self.tls.clone())))
            }
        }
    }

    /// Takes nobody new; who is connected stays.
    pub fn stop(&mut self) {
        self.endpoint.set_server_config(None);
        self.listener = None;
    }

    /// Closes what is still connected by QUIC, and waits until that is said.
    pub async fn close(&self, reason: &[u8]) {
        self.endpoint.close(0u32.into(), reason);
        self.endpoint.wait_idle().await;
    }
}

/// A client that is not connected yet.
#[derive(Debug)]
pub struct Arriving(Knock);

enum Knock {
    Quic(Box<quinn::Incoming>),
    Tcp(TcpStream, SocketAddr, TlsAcceptor),
}

impl std::fmt::Debug for Knock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Quic(incoming) => write!(f, "Quic({})", incoming.remote_address()),
            Self::Tcp(_, remote, _) => write!(f, "Tcp({remote})"),
        }
    }
}

impl Arriving {
    /// What it has come by.
    pub fn transport(&self) -> Transport {
        match &self.0 {
            Knock::Quic(_) => Transport::Quic,
            Knock::Tcp(..) => Transport::Tcp,
        }
    }

    /// Where it says it is.
    pub fn remote_address(&self) -> SocketAddr {
        match &self.0 {
            Knock::Quic(incoming) => incoming.remote_address(),
            Knock::Tcp(_, remote, _) => *remote,
        }
    }

    /// True if it can be asked to prove its address, and has not: TCP has proven it.
    pub fn unproven(&self) -> bool {
        match &self.0 {
            Knock::Quic(incoming) => incoming.may_retry() && !incoming.remote_address_validated(),
            Knock::Tcp(..) => false,
        }
    }

    /// Has it come again with the proof of its address.
    pub fn ask_for_proof(self) {
        if let Knock::Quic(incoming) = self.0 {
            // One that may not be asked is gone all the same.
            drop(incoming.retry());
        }
    }

    /// Sends it away.
    pub fn refuse(self) {
        if let Knock::Quic(incoming) = self.0 {
            incoming.refuse();
        }
    }

    /// Shakes hands. The caller says how long that may take.
    pub async fn connect(self) -> Result<Connection, Lost> {
        match self.0 {
            Knock::Quic(incoming) => Ok(incoming.accept()?.await?.into()),
            Knock::Tcp(stream, remote, tls) => match tcp::accept(stream, remote, tls).await {
                Ok(carrier) => Ok(Connection::over_tcp(carrier)),
                Err(error) => Err(Lost::Broken(error.to_string())),
            },
        }
    }
}

/// A connection that broke before it was taken is nobody's; without room for another socket the next
/// one waits.
async fn next(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(_) => tokio::time::sleep(BREATH).await,
        }
    }
}

fn tcp_listener(listen: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(
        socket2::Domain::for_address(listen),
        socket2::Type::STREAM,
        Some(socket2::Protocol::TCP),
    )?;
    if listen.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // A relay that starts again must not wait for connections of the one before.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&listen.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

const ANY_PORT: u32 = 16;
const BACKLOG: i32 = 1024;
const BREATH: Duration = Duration::from_millis(50);
