//! `serve`: the running relay.
//!
//! ```text
//! accept (QUIC, TLS/TCP) ─► connection (one task each) ─► messages ─► hub ─► outboxes
//!                           └─► forward (one task per open stream) ─► hub: verdict ─► the other connection
//! timers, revocations, signals ─────────────────────────► hub ─► recorders (a few threads, more as stores need them) ─► store
//! auditors (one task each) ─► access log, hand-out               care: offer, space, retention, depot
//! ```
//!
//! Bounds: connections in all and per network (relay.toml), over TCP also open files, 64 streams a side of a session, windows
//! of 2 MB a connection, 256 messages an outbox, 48 MB a recording that are not yet written. Whoever
//! does not read his messages is disconnected.

mod admission;
mod auditor;
mod care;
mod connection;
mod forward;
mod hub;
mod people;
mod recorder;
mod recording;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fernsicht_protocol::net::{Server, Transport};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;

use crate::cli::{LogFormat, say, unix_now};
use crate::home::Home;
use crate::{Error, commands};
use care::Care;
use hub::Hub;
use recorder::Recorders;

/// How to run.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) log: LogFormat,
}

/// Threads that forward. What they hand to one another, they wake one another for, which costs more than forwarding small frames
/// does: half of the cores are enough, and the others are left to the recordings' writers and the kernel's.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2))
}

/// Runs until SIGTERM or SIGINT. After SIGTERM sessions have their grace; a second signal ends it.
pub(crate) fn run(home: &Home, options: &Options) -> Result<(), Error> {
    start_log(options.log);
    let lock = home.lock()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers())
        .enable_all()
        .build()
        .map_err(Error::system("cannot start the runtime"))?;
    let result = runtime.block_on(serve(home, options));
    // Tasks let go of their sockets before the process ends: a thread that hangs in a stalled disk would keep
    // them, and the address with them. That thread itself is not waited for.
    runtime.shutdown_timeout(TASKS_WITHIN);
    drop(lock);
    result
}

async fn serve(home: &Home, options: &Options) -> Result<(), Error> {
    let files = open_files();
    let listen = options.listen.unwrap_or(home.config.listen);
    let mut server = bind(listen, home, options.listen.is_none())?;
    let address = server
        .local_addr()
        .map_err(Error::system("the socket has no address"))?;
    let mut terminate =
        signal(SignalKind::terminate()).map_err(Error::system("cannot wait for signals"))?;
    let mut interrupt =
        signal(SignalKind::interrupt()).map_err(Error::system("cannot wait for signals"))?;

    let authority = home.authority().ok();
    let register = Arc::new(Mutex::new(home.register()?));
    let care = match home.checkpoint_signer() {
        Ok(signer) => {
            let store = Arc::new(home.store()?);
            let recorders = Recorders::new(store.clone(), signer);
            let care = Care::new(store, recorders, register.clone());
            care.start()?;
            Some(Arc::new(care))
        }
        Err(Error::NoCaKey(_)) => None,
        Err(error) => return Err(error),
    };
    let auditors = hub::lock(&register).good_auditors(unix_now())?.len();
    let hub = Arc::new(Hub::new(home, authority, register, care));
    greet(home, hub.can_enrol());
    commands::warn_of_few_auditors(home)?;
    say(&format!("listening on {address}"));
    tracing::info!(%address, auditors, "listening");

    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(hub::run_timers(hub.clone()));
    tasks.spawn(people::watch_register(hub.clone()));
    if let Some(care) = hub.care().cloned() {
        tasks.spawn(care::run(care.clone()));
        let reports = recording::Reports(hub.clone());
        tasks.spawn(async move { care.recorders.watch(&reports).await });
    }
    {
        let mut accepting = std::pin::pin!(accept(&server, &hub, files));
        let patient = tokio::select! {
            () = &mut accepting => false,
            _ = terminate.recv() => true,
            _ = interrupt.recv() => false,
        };
        let grace = Duration::from_secs(home.config.drain_seconds.into());
        if patient && !grace.is_zero() {
            tracing::info!(seconds = grace.as_secs(), "ending: no new sessions");
            hub.announce_end(grace);
            let idle = async {
                while hub.busy() {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            };
            // Who has lost the connection may still come back.
            tokio::select! {
                () = &mut accepting => {}
                () = idle => {}
                () = tokio::time::sleep(grace) => {}
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
    }

    tracing::info!("ending: every session is told");
    server.stop();
    hub.drain();
    let drained = async {
        hub.empty().await;
        while hub.care().is_some_and(|c| c.recorders.unfinished() > 0) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    if tokio::time::timeout(DRAIN_WITHIN, drained).await.is_err() {
        tracing::warn!("not everybody could be told in time");
    }
    let closed = tokio::time::timeout(CLOSE_WITHIN, server.close(b"the relay ends"));
    if closed.await.is_err() {
        tracing::debug!("not every connection was closed in time");
    }
    tasks.abort_all();
    say("ended");
    Ok(())
}

/// Takes connections as long as there is room. Over TCP each is an open file, of which recordings and
/// the register need some whoever knocks.
async fn accept(server: &Server, hub: &Arc<Hub>, files: u64) {
    let sockets = files.saturating_sub(FILES_OF_OUR_OWN);
    let sockets = Arc::new(Semaphore::new(usize::try_from(sockets).unwrap_or_default()));
    while let Some(arriving) = server.accept().await {
        let socket = match arriving.transport() {
            Transport::Quic => None,
            Transport::Tcp => match sockets.clone().try_acquire_owned() {
                Ok(socket) => Some(socket),
                Err(_) => {
                    arriving.refuse();
                    continue;
                }
            },
        };
        let Some(place) = hub.admit(arriving.remote_address().ip()) else {
            arriving.refuse();
            continue;
        };
        // Under a flood every address has to prove that it is its own before it costs memory.
        if place.crowded() && arriving.unproven() {
            arriving.ask_for_proof();
            continue;
        }
        let hub = hub.clone();
        tokio::spawn(async move {
            connection::run(hub, arriving, place).await;
            drop(socket);
        });
    }
}

/// As many files as the system lets this process open, which is seldom what it starts with.
fn open_files() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    let few = limit.current;
    limit.current = limit.maximum;
    if setrlimit(Resource::Nofile, limit).is_err() {
        limit.current = few;
    }
    limit.current.unwrap_or(MANY_FILES).min(MANY_FILES)
}

/// Without IPv6 in the kernel the default address is taken in IPv4.
fn bind(listen: SocketAddr, home: &Home, is_default: bool) -> Result<Server, Error> {
    let identity = home.identity()?;
    let server = |address| Server::bind(address, &identity, home.ca_fingerprint());
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

fn greet(home: &Home, can_enrol: bool) {
    let data = home.dir().display();
    if home.fresh || home.config.operator.is_empty() {
        say(&format!(
            "Not set up yet: a new CA, the relay's certificate and relay.toml are in {data}.\n\
             Relay and CA are one here: who controls this machine can appear as any technician to a\n\
             customer whose code he knows. The CA key ({data}/ca.key) may be kept elsewhere after enrolments.\n\n\
             What to do next:\n\
             1. Fill in {data}/relay.toml (name, addresses, complaints office) and start again.\n\
             2. fernsicht-relay --data {data} technician add \"First Last\" --organisation NAME\n\
             3. fernsicht-relay --data {data} auditor add \"First Last\"\n\
             4. fernsicht-relay --data {data} agent --output fernsicht-agent-for-customers\n"
        ));
    }
    if !can_enrol {
        say("The CA key is not here: nobody can enrol at this relay until it is.");
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

/// Recordings, register, log, runtime.
const FILES_OF_OUR_OWN: u64 = 512;
const MANY_FILES: u64 = 1 << 20;
/// An agent has 5 s for its receipt behind the last checkpoint.
const DRAIN_WITHIN: Duration = Duration::from_secs(9);
const CLOSE_WITHIN: Duration = Duration::from_secs(2);
const TASKS_WITHIN: Duration = Duration::from_secs(2);
