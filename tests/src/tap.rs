//! A proxy between agent and relay that reads the clear headers on their way.
//!
//! ```text
//! agent ── QUIC ──► tap (a relay certificate of the test's CA) ── QUIC, CA pinned ──► relay
//! ```
//!
//! It ends QUIC on both sides and forwards every stream byte for byte, its end, its reset and
//! its refusal included. Whoever holds the CA can stand here; what he reads is what the log
//! holds: headers and times, no contents.

mod log;
mod pump;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use fernsicht_protocol::messages::ALPN_AGENT;
use fernsicht_protocol::net::{Identity, Pin, quic};
use tokio::sync::oneshot;

pub use log::{Ending, Leg, Log, Moment, Passed, Revocation};

/// What the tap needs to stand between.
#[derive(Debug, Clone)]
pub struct Place {
    /// A relay certificate of the CA that the agent pins, with its key.
    pub identity: Identity,
    /// Whom to expect at the relay's address.
    pub pin: Pin,
    /// `host:port` of the relay.
    pub relay: String,
    /// Where it listens for agents, on a free port.
    pub listen: IpAddr,
    /// How fast a frame's stream is taken from the agent, in bytes a second: a slow line on which
    /// pictures stay in flight. None is as fast as it goes.
    pub pace: Option<u32>,
}

/// A running tap. It ends when dropped, with all its connections.
#[derive(Debug)]
pub struct Tap {
    address: SocketAddr,
    log: Arc<Log>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Tap {
    /// Listens.
    pub fn start(place: Place) -> Result<Self> {
        let log = Arc::new(Log::default());
        let (stop, stopped) = oneshot::channel();
        let (ready, address) = std::sync::mpsc::sync_channel(1);
        let book = Arc::clone(&log);
        let thread = thread::spawn(move || {
            let outcome = serve(&place, &book, stopped, &ready);
            // The starter hears of a failure; after the start there is nobody to tell but the log.
            if let Err(error) = outcome
                && let Err(unread) = ready.try_send(Err(error))
            {
                drop(unread);
            }
        });
        let address = address.recv().context("the tap ended at its start")??;
        Ok(Self {
            address,
            log,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where the agent must connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has passed so far.
    pub fn log(&self) -> &Log {
        &self.log
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn serve(
    place: &Place,
    log: &Arc<Log>,
    stopped: oneshot::Receiver<()>,
    ready: &std::sync::mpsc::SyncSender<Result<SocketAddr>>,
) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut config = quic::server_config(&place.identity, place.pin.ca)?;
        if place.pace.is_some() {
            // What is not taken must stay with the agent, where it can still be cancelled.
            let mut transport = quinn::TransportConfig::default();
            transport.stream_receive_window(SLOW_WINDOW.into());
            config.transport_config(Arc::new(transport));
        }
        let endpoint = quinn::Endpoint::server(config, (place.listen, 0).into())?;
        ready.send(Ok(endpoint.local_addr()?))?;
        let accept = async {
            while let Some(incoming) = endpoint.accept().await {
                tokio::spawn(connection(incoming, place.clone(), Arc::clone(log)));
            }
        };
        tokio::select! {
            () = accept => {}
            _ended = stopped => {}
        }
        endpoint.close(0u32.into(), b"");
        anyhow::Ok(())
    })
}

/// One agent's connection and the one onward; ends with either.
async fn connection(incoming: quinn::Incoming, place: Place, log: Arc<Log>) {
    // An agent that does not complete its handshake, or a relay that does not answer, ends here;
    // the agent learns it from the closed connection.
    let Ok(agent) = incoming.await else { return };
    let Ok((_endpoint, relay)) = quic::connect(&place.relay, &place.pin, ALPN_AGENT, None).await
    else {
        agent.close(0u32.into(), b"the relay does not answer");
        return;
    };
    let id = log.next_connection();
    let legs = async {
        tokio::join!(
            pump::messages(&agent, &relay),
            pump::frames(&agent, &relay, id, Leg::FromAgent, place.pace, &log),
            pump::frames(&relay, &agent, id, Leg::FromRelay, None, &log),
        )
    };
    tokio::select! {
        _ended = legs => {}
        reason = agent.closed() => pump::close(&relay, &reason),
        reason = relay.closed() => pump::close(&agent, &reason),
    }
}

/// Bytes of one stream in flight on a slow line.
const SLOW_WINDOW: u32 = 1 << 10;
