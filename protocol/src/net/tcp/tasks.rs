//! The two tasks of a connection. Both end soon after it is lost.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::time::MissedTickBehavior;
use tokio_rustls::TlsStream;

use super::super::connection::Lost;
use super::super::{IDLE_TIMEOUT, KEEP_ALIVE};
use super::carrier::Shared;
use crate::mux::SEGMENT;

/// Hands to the mux what comes, until the end.
pub(super) async fn read(shared: Arc<Shared>, mut tls: ReadHalf<TlsStream<TcpStream>>) {
    let mut buffer = vec![0; AT_ONCE];
    loop {
        let read = tokio::select! {
            read = tokio::time::timeout(IDLE_TIMEOUT, tls.read(&mut buffer)) => read,
            () = overdue(&shared) => return,
        };
        let length = match read {
            Ok(Ok(0)) => return shared.lose(Lost::Broken("the connection broke off".into()), None),
            Ok(Ok(length)) => length,
            Ok(Err(error)) => return shared.lose(Lost::Broken(error.to_string()), None),
            Err(_) => return shared.lose(Lost::Silence, None),
        };
        let handled = shared.with(|state| match &state.lost {
            None => Some(state.mux.handle(&buffer[..length])),
            // Read to its end, so that the goodbye is not lost to bytes that nobody took.
            Some(_) if state.taking_leave => Some(Ok(())),
            Some(_) => None,
        });
        // Room that the other end gives, and pings, make work.
        shared.work.notify_one();
        match handled {
            Some(Ok(())) => {}
            Some(Err(violation)) => {
                let reason = violation.to_string();
                let goodbye = Some((CODE_VIOLATION, reason.as_bytes()));
                shared.lose(Lost::Broken(reason.clone()), goodbye);
            }
            None => return,
        }
    }
}

/// Sends what waits, most important first, until the end; then says so to TLS and TCP.
pub(super) async fn write(shared: Arc<Shared>, mut tls: WriteHalf<TlsStream<TcpStream>>) {
    let mut keep_alive = tokio::time::interval(KEEP_ALIVE);
    keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut out = Vec::with_capacity(2 * SEGMENT);
    loop {
        out.clear();
        let (some, over) = shared.with(|state| {
            let over = state.lost.is_some() && !state.taking_leave;
            let some = !over && state.mux.poll_transmit(&mut out, SEGMENT);
            (some, !some && state.lost.is_some())
        });
        if over {
            break;
        }
        if some {
            let written = async {
                tls.write_all(&out).await?;
                tls.flush().await
            };
            let written = tokio::select! {
                written = tokio::time::timeout(IDLE_TIMEOUT, written) => written,
                () = overdue(&shared) => break,
            };
            match written {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => shared.lose(Lost::Broken(error.to_string()), None),
                // It may go on speaking: whoever does not listen is gone as well.
                Err(_) => shared.lose(Lost::Silence, None),
            }
            break;
        }
        tokio::select! {
            () = shared.work.notified() => {}
            _ = keep_alive.tick() => shared.ping(),
        }
    }
    // The other end may be gone already, or not take it.
    drop(tokio::time::timeout(FAREWELL, tls.shutdown()).await);
    shared.ended.send_replace(true);
}

/// Completes when a connection that was lost has had its time for goodbyes.
async fn overdue(shared: &Shared) {
    drop(shared.closed().await);
    tokio::time::sleep(FAREWELL).await;
}

/// Bytes taken from TLS at a time.
const AT_ONCE: usize = 32 << 10;
/// How long goodbyes may take.
const FAREWELL: Duration = Duration::from_secs(2);
const CODE_VIOLATION: u32 = 2;
