//! `serve`: the running relay.
//!
//! ```text
//! accept ─► connection (one task each) ─► messages ─► hub ─► outboxes
//!                 └─► forward (one task per open stream) ─► hub: verdict ─► the other connection
//! timers, revocations, signals ─────────────────────────► hub
//! ```
//!
//! Bounds: connections in all and per network (relay.toml), 64 streams a connection, windows
//! of 2 MB a connection, 256 messages an outbox. Whoever does not read his messages is
//! disconnected.

mod connection;
mod forward;
mod hub;
mod recorder;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use fernsicht_protocol::messages::ControlOffer;
use fernsicht_protocol::quic;
use tokio::signal::unix::{SignalKind, signal};

use crate::Error;
use crate::cli::{LogFormat, say};
use crate::home::Home;
use hub::Hub;
use recorder::NoRecorder;

/// How to run.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) unrecorded_test: bool,
    pub(crate) log: LogFormat,
}

/// Runs until SIGTERM or SIGINT.
pub(crate) fn run(home: &Home, options: &Options) -> Result<(), Error> {
    start_log(options.log);
    let lock = home.lock()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Error::system("cannot start the runtime"))?;
    let result = runtime.block_on(serve(home, options));
    drop(lock);
    result
}

async fn serve(home: &Home, options: &Options) -> Result<(), Error> {
    let listen = options.listen.unwrap_or(home.config.listen);
    let endpoint = bind(listen, home, options.listen.is_none())?;
    let address = endpoint
        .local_addr()
        .map_err(Error::system("the socket has no address"))?;
    let mut terminate =
        signal(SignalKind::terminate()).map_err(Error::system("cannot wait for signals"))?;
    let mut interrupt =
        signal(SignalKind::interrupt()).map_err(Error::system("cannot wait for signals"))?;

    let control = if options.unrecorded_test {
        ControlOffer::Recorded {
            deletion: 1_900_000_000,
        }
    } else {
        ControlOffer::Unavailable
    };
    let authority = home.authority().ok();
    let hub = Arc::new(Hub::new(home, control, authority, Arc::new(NoRecorder))?);
    greet(home, options, hub.can_enrol());
    say(&format!("listening on {address}"));
    tracing::info!(%address, unrecorded_test = options.unrecorded_test, "listening");

    let timers = tokio::spawn(hub::run_timers(hub.clone()));
    let revocations = tokio::spawn(hub::watch_register(hub.clone()));
    tokio::select! {
        () = accept(&endpoint, &hub) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }

    tracing::info!("ending: every session is told");
    endpoint.set_server_config(None);
    hub.drain();
    if tokio::time::timeout(DRAIN_WITHIN, hub.empty())
        .await
        .is_err()
    {
        tracing::warn!("not everybody could be told in time");
    }
    endpoint.close(0u32.into(), b"the relay ends");
    if tokio::time::timeout(CLOSE_WITHIN, endpoint.wait_idle())
        .await
        .is_err()
    {
        tracing::debug!("not every connection was closed in time");
    }
    timers.abort();
    revocations.abort();
    say("ended");
    Ok(())
}

/// Takes connections as long as there is room.
async fn accept(endpoint: &quinn::Endpoint, hub: &Arc<Hub>) {
    while let Some(incoming) = endpoint.accept().await {
        let Some(place) = hub.admit(incoming.remote_address().ip()) else {
            incoming.refuse();
            continue;
        };
        // Under a flood every address has to prove that it is its own before it costs memory.
        if place.crowded() && incoming.may_retry() && !incoming.remote_address_validated() {
            drop(incoming.retry());
            continue;
        }
        tokio::spawn(connection::run(hub.clone(), incoming, place));
    }
}

/// Without IPv6 in the kernel the default address is taken in IPv4.
fn bind(listen: SocketAddr, home: &Home, is_default: bool) -> Result<quinn::Endpoint, Error> {
    let identity = home.identity()?;
    let server = |address| quic::server(address, &identity, home.ca_fingerprint());
    match server(listen) {
        Err(error)
            if is_default
                && listen.is_ipv6()
                && listen.ip().is_unspecified()
                && error.kind() != std::io::ErrorKind::AddrInUse =>
        {
            let address = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), listen.port());
            server(address).map_err(|source| Error::Listen { address, source })
        }
        result => result.map_err(|source| Error::Listen {
            address: listen,
            source,
        }),
    }
}

fn greet(home: &Home, options: &Options, can_enrol: bool) {
    let data = home.dir().display();
    if home.fresh || home.config.operator.is_empty() {
        say(&format!(
            "Not set up yet: a new CA, the relay's certificate and relay.toml are in {data}.\n\
             Relay and CA are one here: who controls this machine can appear as any technician to a\n\
             customer whose code he knows. The CA key ({data}/ca.key) may be kept elsewhere after enrolments.\n\n\
             What to do next:\n\
             1. Fill in {data}/relay.toml (name, addresses, complaints office) and start again.\n\
             2. fernsicht-relay --data {data} technician add \"First Last\" --organisation NAME\n\
             3. fernsicht-relay --data {data} agent --output fernsicht-agent-for-customers\n"
        ));
    }
    if !can_enrol {
        say("The CA key is not here: technicians cannot enrol at this relay until it is.");
    }
    if options.unrecorded_test {
        say(
            "*****************************************************************************\n\
             ** TEST OPERATION: control is permitted WITHOUT A RECORDING.               **\n\
             ** Never use this with real customers.                                     **\n\
             *****************************************************************************",
        );
    }
}

fn start_log(format: LogFormat) {
    let filter =
        tracing_subscriber::EnvFilter::try_from_env("FERNSICHT_LOG").unwrap_or_else(|_| {
            tracing_subscriber::EnvFilter::new("info,quinn=error,quinn_proto=error")
        });
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    // A test may have set one; its log is as good.
    drop(started);
}

const DRAIN_WITHIN: Duration = Duration::from_secs(5);
const CLOSE_WITHIN: Duration = Duration::from_secs(2);
