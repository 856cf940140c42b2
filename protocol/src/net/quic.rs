//! QUIC alone: endpoints and their sockets, for [`super::connect`], [`super::Server`], and whoever stands
//! between two ends on purpose.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use pki_types::CertificateDer;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};

use super::{
    CONNECT_TIMEOUT, ConnectError, IDLE_TIMEOUT, Identity, KEEP_ALIVE, MAX_UNI_STREAMS, Pin,
    Transport, tls,
};
use crate::crypto::Hash;

/// A server on `listen`; see [`super::Server`] for whom it takes.
pub fn server(listen: SocketAddr, identity: &Identity, ca: Hash) -> io::Result<quinn::Endpoint> {
    endpoint(udp_socket(listen)?, Some(server_config(identity, ca)?))
}

/// As [`server`]; a client opens one-way streams only after [`super::Connection::allow_streams`].
pub(super) fn door(
    listen: SocketAddr,
    identity: &Identity,
    ca: Hash,
) -> io::Result<quinn::Endpoint> {
    let mut config = server_config(identity, ca)?;
    let mut transport = transport(1);
    transport.max_concurrent_uni_streams(0u32.into());
    config.transport_config(Arc::new(transport));
    endpoint(udp_socket(listen)?, Some(config))
}

/// The configuration of [`server`]. Errors: the identity is unusable.
pub fn server_config(identity: &Identity, ca: Hash) -> io::Result<quinn::ServerConfig> {
    let tls = QuicServerConfig::try_from(tls::server(identity, ca)?).map_err(io::Error::other)?;
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(tls));
    config.transport_config(Arc::new(transport(1)));
    Ok(config)
}

/// [`super::connect`] over QUIC alone. The endpoint must be kept as long as the connection.
pub async fn connect(
    address: &str,
    pin: &Pin,
    alpn: &[u8],
    identity: Option<&Identity>,
) -> Result<(quinn::Endpoint, quinn::Connection), ConnectError> {
    let connection = super::connect_over(Transport::Quic, address, pin, alpn, identity).await?;
    connection.into_quic().ok_or(ConnectError::Unreachable)
}

pub(super) async fn connect_to(
    target: SocketAddr,
    tls: rustls::ClientConfig,
    pin: &Pin,
) -> Result<(quinn::Endpoint, quinn::Connection), ConnectError> {
    let any = match target {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let config = client_config(tls)?;
    let socket = udp_socket(SocketAddr::new(any, 0)).map_err(ConnectError::NoNetwork)?;
    let endpoint = endpoint(socket, None).map_err(ConnectError::NoNetwork)?;
    let connecting = endpoint
        .connect_with(config, target, &pin.relay_name)
        .map_err(|error| ConnectError::Refused(error.to_string()))?;
    match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
        Ok(Ok(connection)) => Ok((endpoint, connection)),
        Ok(Err(quinn::ConnectionError::TimedOut)) | Err(_) => Err(ConnectError::Unreachable),
        Ok(Err(quinn::ConnectionError::ConnectionClosed(close)))
            if close.error_code == quinn::TransportErrorCode::CONNECTION_REFUSED =>
        {
            Err(ConnectError::Full)
        }
        Ok(Err(error)) => Err(ConnectError::Refused(error.to_string())),
    }
}

pub(super) fn alpn(connection: &quinn::Connection) -> Option<Vec<u8>> {
    let data = connection.handshake_data()?;
    let data = data
        .downcast::<quinn::crypto::rustls::HandshakeData>()
        .ok()?;
    data.protocol
}

pub(super) fn peer_chain(connection: &quinn::Connection) -> Vec<Vec<u8>> {
    connection
        .peer_identity()
        .and_then(|identity| identity.downcast::<Vec<CertificateDer<'static>>>().ok())
        .map(|chain| chain.iter().map(|der| der.to_vec()).collect())
        .unwrap_or_default()
}

fn client_config(tls: rustls::ClientConfig) -> Result<quinn::ClientConfig, ConnectError> {
    let tls = QuicClientConfig::try_from(tls).map_err(|e| ConnectError::Identity(e.to_string()))?;
    let mut config = quinn::ClientConfig::new(Arc::new(tls));
    config.transport_config(Arc::new(transport(0)));
    Ok(config)
}

/// Windows: one stream may hold half a megabyte unread, one connection two; what does not
/// fit stays with its sender, where it can still be cancelled.
fn transport(bidi_streams: u32) -> quinn::TransportConfig {
    // By a timer 25 ms later, each key press and each letter on the screen would wake all three programs once more.
    let mut acks = quinn::AckFrequencyConfig::default();
    acks.ack_eliciting_threshold(0u32.into())
        .reordering_threshold(1u32.into());
    let mut transport = quinn::TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(bidi_streams.into())
        .max_concurrent_uni_streams(MAX_UNI_STREAMS.into())
        .stream_receive_window((512u32 << 10).into())
        .receive_window((2u32 << 20).into())
        .send_window(2 << 20)
        .datagram_receive_buffer_size(None)
        .keep_alive_interval(Some(KEEP_ALIVE))
        .ack_frequency_config(Some(acks))
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
