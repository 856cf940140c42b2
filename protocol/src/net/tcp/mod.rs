//! TLS over TCP: one byte stream with [`crate::mux`] on it, moved by two tasks.
//!
//! ```text
//! SendStream ─► mux ─► writer task ─► TLS ─► TCP        at most 16 KiB at a time, 32 KiB unsent in the kernel
//! RecvStream ◄─ mux ◄─ reader task ◄─ TLS ◄─ TCP        30 s of silence end the connection
//! ```
//!
//! What is unread stays within the mux's windows, what waits to be sent within its buffers: the reader
//! task never waits for anybody, so whoever does not read one stream holds up no other.

mod carrier;
mod stream;
mod tasks;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::{CONNECT_TIMEOUT, ConnectError, Pin};
pub(super) use carrier::Carrier;
pub(super) use stream::{RecvStream, SendStream};

/// Connects and checks who answers.
pub(super) async fn connect(
    target: SocketAddr,
    tls: rustls::ClientConfig,
    pin: &Pin,
) -> Result<Carrier, ConnectError> {
    let name = ServerName::try_from(pin.relay_name.clone())
        .map_err(|error| ConnectError::Refused(error.to_string()))?;
    let connecting = async {
        let stream = TcpStream::connect(target).await.map_err(no_answer)?;
        prepare(&stream);
        let tls = TlsConnector::from(Arc::new(tls));
        let stream = tls.connect(name, stream).await.map_err(no_handshake)?;
        Ok(Carrier::start(TlsStream::Client(stream), target))
    };
    tokio::time::timeout(CONNECT_TIMEOUT, connecting)
        .await
        .unwrap_or(Err(ConnectError::Unreachable))
}

/// Shakes hands with a client.
pub(super) async fn accept(
    stream: TcpStream,
    remote: SocketAddr,
    tls: TlsAcceptor,
) -> io::Result<Carrier> {
    prepare(&stream);
    let stream = tls.accept(stream).await?;
    Ok(Carrier::start(TlsStream::Server(stream), remote))
}

/// Small segments leave at once, and the kernel holds little that was not sent: what is more important
/// must still get in front of it.
fn prepare(stream: &TcpStream) {
    // Either is about delay alone.
    drop(stream.set_nodelay(true));
    #[cfg(target_os = "linux")]
    drop(socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT));
}

fn no_answer(error: io::Error) -> ConnectError {
    let none = [
        io::ErrorKind::NetworkUnreachable,
        io::ErrorKind::NetworkDown,
        io::ErrorKind::PermissionDenied,
    ];
    if none.contains(&error.kind()) {
        ConnectError::NoNetwork(error)
    } else {
        ConnectError::Unreachable
    }
}

/// What TLS says is an answer; a connection that breaks is none.
fn no_handshake(error: io::Error) -> ConnectError {
    if error.kind() == io::ErrorKind::InvalidData {
        ConnectError::Refused(error.to_string())
    } else {
        ConnectError::Unreachable
    }
}

#[cfg(target_os = "linux")]
const UNSENT: u32 = 32 << 10;
