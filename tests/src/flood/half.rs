//! Somebody who begins handshakes, proves his address where he is asked to, and never goes on: of all that the relay
//! answers he takes the requests for a proof alone.

use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, Endpoint, EndpointConfig, TokioRuntime, UdpPoller};
use tokio::io::ReadBuf;

/// An endpoint at this socket. Inside a tokio runtime.
pub(super) fn endpoint(socket: UdpSocket) -> io::Result<Endpoint> {
    socket.set_nonblocking(true)?;
    let socket = OnlyRetries(tokio::net::UdpSocket::from_std(socket)?);
    let config = EndpointConfig::default();
    Endpoint::new_with_abstract_socket(config, None, Arc::new(socket), Arc::new(TokioRuntime))
}

#[derive(Debug)]
struct OnlyRetries(tokio::net::UdpSocket);

impl AsyncUdpSocket for OnlyRetries {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Writable(self))
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let sent = self.0.try_send_to(transmit.contents, transmit.destination);
        sent.map(drop)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let ([bytes, ..], [meta, ..]) = (bufs, meta) else {
            return Poll::Ready(Ok(0));
        };
        loop {
            let mut packet = ReadBuf::new(bytes);
            let addr = ready!(self.0.poll_recv_from(cx, &mut packet))?;
            let packet = packet.filled();
            if is_retry(packet) {
                *meta = RecvMeta {
                    addr,
                    len: packet.len(),
                    stride: packet.len(),
                    ..RecvMeta::default()
                };
                return Poll::Ready(Ok(1));
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

#[derive(Debug)]
struct Writable(Arc<OnlyRetries>);

impl UdpPoller for Writable {
    fn poll_writable(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.0.poll_send_ready(cx)
    }
}

/// A long header of type Retry (RFC 9000, 17.2.5).
fn is_retry(packet: &[u8]) -> bool {
    packet.first().is_some_and(|first| first & 0xf0 == 0xf0)
}
