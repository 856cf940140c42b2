//! The way to the relay: QUIC, and shortly after it TCP; whichever stands first is taken.

use std::net::SocketAddr;
use std::sync::Arc;

use super::connection::{Connection, Transport};
use super::{ConnectError, FALLBACK_AFTER, Identity, Pin, pin, quic, tcp, tls};
use crate::cert;

/// Connects to `address` (`host:port`) and checks who answers, by QUIC or, where that does not get
/// through within [`FALLBACK_AFTER`] or fails, by TLS over TCP at the same address.
pub async fn connect(
    address: &str,
    pin: &Pin,
    alpn: &[u8],
    identity: Option<&Identity>,
) -> Result<Connection, ConnectError> {
    dial(address, pin, alpn, (identity, None)).await
}

/// The same over one transport alone.
pub async fn connect_over(
    transport: Transport,
    address: &str,
    pin: &Pin,
    alpn: &[u8],
    identity: Option<&Identity>,
) -> Result<Connection, ConnectError> {
    dial(address, pin, alpn, (identity, Some(transport))).await
}

async fn dial(
    address: &str,
    pin: &Pin,
    alpn: &[u8],
    (identity, only): (Option<&Identity>, Option<Transport>),
) -> Result<Connection, ConnectError> {
    let resolved = tokio::net::lookup_host(address)
        .await
        .map_err(|_| ConnectError::Resolve(address.to_owned()))?;
    let verifier = Arc::new(pin::Verifier::new(pin.clone()));
    let tls = tls::client(verifier.clone(), alpn, identity)?;
    let mut last = ConnectError::Resolve(address.to_owned());
    for target in resolved {
        let connected = match only {
            None => race(target, &tls, pin).await,
            Some(Transport::Quic) => by_quic(target, &tls, pin).await,
            Some(Transport::Tcp) => by_tcp(target, &tls, pin).await,
        };
        match connected {
            Ok(connection) => return Ok(connection),
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

async fn race(
    target: SocketAddr,
    tls: &rustls::ClientConfig,
    pin: &Pin,
) -> Result<Connection, ConnectError> {
    let quic = by_quic(target, tls, pin);
    tokio::pin!(quic);
    let failed = tokio::select! {
        outcome = &mut quic => match outcome {
            Ok(connection) => return Ok(connection),
            Err(error) => Some(error),
        },
        () = tokio::time::sleep(FALLBACK_AFTER) => None,
    };
    let tcp = by_tcp(target, tls, pin);
    tokio::pin!(tcp);
    let (one, other) = match failed {
        Some(error) => (error, tcp.await),
        None => tokio::select! {
            biased;
            outcome = &mut quic => match outcome {
                Ok(connection) => return Ok(connection),
                Err(error) => (error, tcp.await),
            },
            outcome = &mut tcp => match outcome {
                Ok(connection) => return Ok(connection),
                Err(error) => (error, quic.await),
            },
        },
    };
    other.map_err(|other| telling(one, other))
}

/// Of two failures the one that says more.
fn telling(one: ConnectError, other: ConnectError) -> ConnectError {
    let says = |error: &ConnectError| match error {
        ConnectError::Unreachable | ConnectError::Resolve(_) => 0,
        ConnectError::NoNetwork(_) => 1,
        ConnectError::Full => 2,
        ConnectError::Refused(_) => 3,
        ConnectError::Untrusted | ConnectError::Clock | ConnectError::Identity(_) => 4,
    };
    if says(&one) >= says(&other) {
        one
    } else {
        other
    }
}

async fn by_quic(
    target: SocketAddr,
    tls: &rustls::ClientConfig,
    pin: &Pin,
) -> Result<Connection, ConnectError> {
    let (endpoint, connection) = quic::connect_to(target, tls.clone(), pin).await?;
    Ok(Connection::of_client(endpoint, connection))
}

async fn by_tcp(
    target: SocketAddr,
    tls: &rustls::ClientConfig,
    pin: &Pin,
) -> Result<Connection, ConnectError> {
    let carrier = tcp::connect(target, tls.clone(), pin).await?;
    Ok(Connection::over_tcp(carrier))
}
