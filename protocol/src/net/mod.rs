//! The glue to the network that agent, relay and console share (docs/protocol.md §2): connections with
//! pinned certificates over QUIC or, where UDP is blocked, TLS over TCP; units on their streams.
//!
//! ```text
//! connect ─► QUIC ──────────────┐                 ┌─ MessageSender, MessageReceiver
//!      1.5 s └► TLS/TCP, mux ───┴► Connection ─►──┼─ RecordSender    ─► Incoming::Records
//! Server::accept ─► Arriving ────┘                └─ SingleSender    ─► Incoming::Single
//! ```
//!
//! One connection per client. One pair of streams carries messages; each in-order class has a one-way
//! stream of its own per direction, each frame of classes 6 to 9 one for itself. Nothing here decides
//! anything.

mod connection;
mod copy;
mod dial;
mod pin;
pub mod quic;
mod server;
mod stream;
mod tcp;
mod tls;
mod units;

use std::io;
use std::time::Duration;

use pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use thiserror::Error;

use crate::crypto::Hash;

pub use connection::{Connection, Lost, Transport};
pub use dial::{connect, connect_over};
pub use server::{Arriving, Server};
pub use stream::{RecvStream, SendStream, WriteError};
pub use units::{
    Incoming, MessageReceiver, MessageSender, ReadError, RecordReceiver, RecordSender,
    SingleSender, incoming, read_single,
};

/// How long a connection may be silent before it counts as lost.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long one address is tried by one transport.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(8);

/// How long QUIC has for itself before TCP is tried as well.
pub const FALLBACK_AFTER: Duration = Duration::from_millis(1500);

/// One-way streams that a peer may have open towards us. Each costs memory; what the picture's
/// flow control keeps in flight is far below.
pub const MAX_UNI_STREAMS: u32 = 64;

/// How often an end that has nothing to say shows that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Whom a client expects at the other end.
#[derive(Debug, Clone)]
pub struct Pin {
    /// SHA-256 of the CA certificate.
    pub ca: Hash,
    /// The name in the relay's certificate.
    pub relay_name: String,
}

/// A certificate chain with its key.
#[derive(Clone)]
pub struct Identity {
    /// DER, leaf first, CA last.
    pub chain: Vec<Vec<u8>>,
    /// PKCS #8, DER.
    pub key: zeroize::Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({} certificates)", self.chain.len())
    }
}

impl Identity {
    fn certificates(&self) -> Vec<CertificateDer<'static>> {
        self.chain
            .iter()
            .map(|der| CertificateDer::from(der.clone()))
            .collect()
    }

    fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.to_vec()).into()
    }
}

/// Why no connection came about.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The address has no host or cannot be resolved.
    #[error("the address {0:?} cannot be resolved")]
    Resolve(String),
    /// This computer has no network, or forbids the socket.
    #[error("no network: {0}")]
    NoNetwork(#[source] io::Error),
    /// Nobody answers, neither by UDP nor by TCP.
    #[error("the relay does not answer")]
    Unreachable,
    /// The relay takes nobody right now: it is full, or about to stop.
    #[error("the relay has no room")]
    Full,
    /// The other end is not the pinned relay.
    #[error("the other end is not the expected relay")]
    Untrusted,
    /// The relay's certificate is not valid by this computer's clock.
    #[error("the clock of this computer or the relay's certificate is wrong")]
    Clock,
    /// The relay does not take this client: no common protocol, or its certificate is refused.
    #[error("the relay refuses the connection: {0}")]
    Refused(String),
    /// A certificate or key of our own is unusable.
    #[error("the own certificate cannot be used: {0}")]
    Identity(String),
}
