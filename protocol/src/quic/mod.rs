//! The QUIC glue that agent, relay and console share (docs/protocol.md §2): endpoints,
//! pinned certificates, and units on streams.
//!
//! One connection per client. The client opens one bidirectional stream for messages; each
//! in-order class has a unidirectional stream of its own per direction, each frame of
//! classes 6 to 9 one for itself. Nothing here decides anything.

mod pin;
mod stream;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use thiserror::Error;

use crate::audit::ALPN_AUDITOR;
use crate::cert;
use crate::crypto::Hash;
use crate::messages::{ALPN_AGENT, ALPN_CONSOLE};

pub use stream::{
    Incoming, MessageReceiver, MessageSender, ReadError, RecordReceiver, RecordSender, incoming,
    read_single,
};

/// How long a connection may be silent before it counts as lost.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long one address is tried.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(8);

/// Streams that a peer may have open towards us. Each costs memory; what the picture's
/// flow control keeps in flight is far below.
pub const MAX_UNI_STREAMS: u32 = 64;

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
    /// Nobody answers.
    #[error("the relay does not answer")]
    Unreachable,
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

/// Connects to `address` (`host:port`) and checks who answers. The endpoint must be kept as
/// long as the connection.
pub async fn connect(
    address: &str,
    pin: &Pin,
    alpn: &[u8],
    identity: Option<&Identity>,
) -> Result<(quinn::Endpoint, quinn::Connection), ConnectError> {
    let resolved = tokio::net::lookup_host(address)
        .await
        .map_err(|_| ConnectError::Resolve(address.to_owned()))?;
    let verifier = Arc::new(pin::Verifier::new(pin.clone()));
    let config = client_config(verifier.clone(), alpn, identity)?;
    let mut last = ConnectError::Resolve(address.to_owned());
    for target in resolved {
        match connect_to(target, &config, pin).await {
            Ok(connected) => return Ok(connected),
            Err(error) => last = error,
        }
        match verifier.failure() {
            Some(cert::Error::Time) => return Err(ConnectError::Clock),
            Some(_) => return Err(ConnectError::Untrusted),
            None => {}
        }
    }
    Err(last)
}

async fn connect_to(
    target: SocketAddr,
    config: &quinn::ClientConfig,
    pin: &Pin,
) -> Result<(quinn::Endpoint, quinn::Connection), ConnectError> {
    let any = match target {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = udp_socket(SocketAddr::new(any, 0)).map_err(ConnectError::NoNetwork)?;
    let endpoint = endpoint(socket, None).map_err(ConnectError::NoNetwork)?;
    let connecting = endpoint
        .connect_with(config.clone(), target, &pin.relay_name)
        .map_err(|error| ConnectError::Refused(error.to_string()))?;
    match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
        Ok(Ok(connection)) => Ok((endpoint, connection)),
        Ok(Err(quinn::ConnectionError::TimedOut)) | Err(_) => Err(ConnectError::Unreachable),
        Ok(Err(error)) => Err(ConnectError::Refused(error.to_string())),
    }
}

/// A server on `listen` that shows `identity` and takes agents without, consoles and auditors with or
/// without a certificate of `ca`; one that is shown must be a technician's or an auditor's. Which door
/// it opens is for the caller to check.
pub fn server(listen: SocketAddr, identity: &Identity, ca: Hash) -> io::Result<quinn::Endpoint> {
    endpoint(udp_socket(listen)?, Some(server_config(identity, ca)?))
}

/// The configuration of [`server`]. Errors: the identity is unusable.
pub fn server_config(identity: &Identity, ca: Hash) -> io::Result<quinn::ServerConfig> {
    let mut tls = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(io::Error::other)?
        .with_client_cert_verifier(Arc::new(pin::ClientVerifier::new(ca)))
        .with_single_cert(identity.certificates(), identity.private_key())
        .map_err(io::Error::other)?;
    tls.alpn_protocols = [ALPN_AGENT, ALPN_CONSOLE, ALPN_AUDITOR]
        .map(<[u8]>::to_vec)
        .to_vec();
    // A session ticket would spare the check of the certificate, hence of a revocation.
    tls.send_tls13_tickets = 0;
    tls.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    let tls = QuicServerConfig::try_from(tls).map_err(io::Error::other)?;
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(tls));
    config.transport_config(Arc::new(transport(1)));
    Ok(config)
}

/// The protocol that a connection negotiated.
pub fn alpn(connection: &quinn::Connection) -> Option<Vec<u8>> {
    let data = connection.handshake_data()?;
    let data = data
        .downcast::<quinn::crypto::rustls::HandshakeData>()
        .ok()?;
    data.protocol
}

/// The chain that the other end showed, leaf first; empty if none.
pub fn peer_chain(connection: &quinn::Connection) -> Vec<Vec<u8>> {
    connection
        .peer_identity()
        .and_then(|identity| identity.downcast::<Vec<CertificateDer<'static>>>().ok())
        .map(|chain| chain.iter().map(|der| der.to_vec()).collect())
        .unwrap_or_default()
}

fn client_config(
    verifier: Arc<pin::Verifier>,
    alpn: &[u8],
    identity: Option<&Identity>,
) -> Result<quinn::ClientConfig, ConnectError> {
    let refuse = |error: rustls::Error| ConnectError::Identity(error.to_string());
    let builder = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(refuse)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut tls = match identity {
        Some(identity) => builder
            .with_client_auth_cert(identity.certificates(), identity.private_key())
            .map_err(refuse)?,
        None => builder.with_no_client_auth(),
    };
    tls.alpn_protocols = vec![alpn.to_vec()];
    tls.resumption = rustls::client::Resumption::disabled();
    let tls = QuicClientConfig::try_from(tls).map_err(|e| ConnectError::Identity(e.to_string()))?;
    let mut config = quinn::ClientConfig::new(Arc::new(tls));
    config.transport_config(Arc::new(transport(0)));
    Ok(config)
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Windows: one stream may hold half a megabyte unread, one connection two; what does not
/// fit stays with its sender, where it can still be cancelled.
fn transport(bidi_streams: u32) -> quinn::TransportConfig {
    let mut transport = quinn::TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(bidi_streams.into())
        .max_concurrent_uni_streams(MAX_UNI_STREAMS.into())
        .stream_receive_window((512u32 << 10).into())
        .receive_window((2u32 << 20).into())
        .send_window(2 << 20)
        .datagram_receive_buffer_size(None)
        .keep_alive_interval(Some(Duration::from_secs(5)))
        .max_idle_timeout(Some(
            IDLE_TIMEOUT
                .try_into()
                .expect("30 s fit QUIC's idle timeout"),
        ));
    transport
}

/// Default buffers of the kernel lose packets in bulk; what it grants of 4 MB is taken.
fn udp_socket(bind: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = socket2::Socket::new(
        socket2::Domain::for_address(bind),
        socket2::Type::DGRAM,
        Some(socket2::Protocol::UDP),
    )?;
    if bind.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    for outcome in [
        socket.set_recv_buffer_size(4 << 20),
        socket.set_send_buffer_size(4 << 20),
    ] {
        // A smaller buffer is slower, not wrong.
        drop(outcome);
    }
    socket.bind(&bind.into())?;
    Ok(socket.into())
}

fn endpoint(
    socket: std::net::UdpSocket,
    server: Option<quinn::ServerConfig>,
) -> io::Result<quinn::Endpoint> {
    quinn::Endpoint::new(
        quinn::EndpointConfig::default(),
        server,
        socket,
        Arc::new(quinn::TokioRuntime),
    )
}
