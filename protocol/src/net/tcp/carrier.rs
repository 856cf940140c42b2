//! The shared side of a connection: the mux behind a lock, and whom to wake.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio_rustls::TlsStream;

use super::super::connection::Lost;
use super::stream::{RecvStream, SendStream};
use super::tasks;
use crate::mux::{Event, Mux, ReceiveId, STREAMS, SendId};

/// A connection. It is closed when the last clone and the last stream are gone.
#[derive(Debug, Clone)]
pub(in super::super) struct Carrier(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    remote: SocketAddr,
    alpn: Option<Vec<u8>>,
    chain: Vec<Vec<u8>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.lose(Lost::Here, Some((0, b"")));
    }
}

impl Carrier {
    /// Starts the tasks of a connection whose handshake is done. A client opens streams once it is allowed to.
    pub(super) fn start(tls: TlsStream<TcpStream>, remote: SocketAddr) -> Self {
        let is_relay = matches!(tls, TlsStream::Server(_));
        let (_, session) = tls.get_ref();
        let alpn = session.alpn_protocol().map(<[u8]>::to_vec);
        let chain = session.peer_certificates().unwrap_or_default();
        let chain = chain.iter().map(|der| der.to_vec()).collect();
        let shared = Arc::new(Shared::default());
        if is_relay {
            shared.with(|state| state.mux.allow(0));
        }
        let (reading, writing) = tokio::io::split(tls);
        tokio::spawn(tasks::read(shared.clone(), reading));
        tokio::spawn(tasks::write(shared.clone(), writing));
        Self(Arc::new(Handle {
            shared,
            remote,
            alpn,
            chain,
        }))
    }

    pub(in super::super) fn remote_address(&self) -> SocketAddr {
        self.0.remote
    }

    pub(in super::super) fn alpn(&self) -> Option<Vec<u8>> {
        self.0.alpn.clone()
    }

    pub(in super::super) fn peer_chain(&self) -> Vec<Vec<u8>> {
        self.0.chain.clone()
    }

    pub(in super::super) fn rtt(&self) -> Option<Duration> {
        self.shared().lock().rtt
    }

    /// The streams of messages. To be taken once.
    pub(in super::super) fn messages<S, R>(&self) -> (S, R)
    where
        S: From<SendStream>,
        R: From<RecvStream>,
    {
        (
            SendStream::new(self.clone(), SendId::MESSAGES).into(),
            RecvStream::new(self.clone(), ReceiveId::MESSAGES).into(),
        )
    }

    /// Completes once something of the first message has come.
    pub(in super::super) async fn first_message(&self) -> Result<(), Lost> {
        let wake = self.shared().reader(ReceiveId::MESSAGES);
        let come = |state: &mut State| state.mux.has_come(ReceiveId::MESSAGES).then_some(());
        self.shared().wait(&wake, come).await
    }

    pub(in super::super) async fn open<S: From<SendStream>>(
        &self,
        priority: i32,
    ) -> Result<S, Lost> {
        let shared = self.shared();
        let id = shared
            .wait(&shared.may_open, |state| match state.lost {
                Some(_) => None,
                None => state.mux.open(priority),
            })
            .await?;
        Ok(SendStream::new(self.clone(), id).into())
    }

    pub(in super::super) fn allow_streams(&self) {
        self.shared().with(|state| state.mux.allow(STREAMS));
    }

    pub(in super::super) async fn accept<R: From<RecvStream>>(&self) -> Result<R, Lost> {
        let shared = self.shared();
        let id = shared
            .wait(&shared.arrived, |state| state.mux.accept())
            .await?;
        Ok(RecvStream::new(self.clone(), id).into())
    }

    pub(in super::super) fn close(&self, code: u32, reason: &[u8]) {
        self.shared().lose(Lost::Here, Some((code, reason)));
    }

    pub(in super::super) async fn closed(&self) -> Lost {
        self.shared().closed().await
    }

    /// Completes once the goodbye is on its way, or cannot be.
    pub(in super::super) async fn drained(&self) {
        // The sender lives as long as this.
        drop(
            self.shared()
                .ended
                .subscribe()
                .wait_for(|ended| *ended)
                .await,
        );
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }
}

/// What handles, streams and tasks share.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// The writer task looks whether there is something to send.
    pub(super) work: Notify,
    arrived: Notify,
    may_open: Notify,
    lost: watch::Sender<Option<Lost>>,
    pub(super) ended: watch::Sender<bool>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) mux: Mux,
    readers: HashMap<ReceiveId, Arc<Notify>>,
    writers: HashMap<SendId, Arc<Notify>>,
    /// Set once.
    pub(super) lost: Option<Lost>,
    /// It ended here, and the other end is told.
    pub(super) taking_leave: bool,
    pinged: Option<Instant>,
    rtt: Option<Duration>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            work: Notify::new(),
            arrived: Notify::new(),
            may_open: Notify::new(),
            lost: watch::Sender::default(),
            ended: watch::Sender::default(),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // What a panicking task was about to do is lost with it; the mux is changed in whole steps.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the mux, and wakes whoever waited for what follows from it.
    pub(super) fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.lock();
        let result = f(&mut state);
        let mut goodbye = None;
        while let Some(event) = state.mux.poll_event() {
            match event {
                Event::Arrived => self.arrived.notify_waiters(),
                Event::MayOpen => self.may_open.notify_waiters(),
                Event::Readable(id) => wake(state.readers.get(&id)),
                Event::Writable(id) => wake(state.writers.get(&id)),
                Event::Pong(_) => state.rtt = state.pinged.map(|at| at.elapsed()),
                Event::Closed => {
                    goodbye = state.mux.goodbye().map(|(code, reason)| Lost::There {
                        code: u64::from(code),
                        reason: String::from_utf8_lossy(reason).into_owned(),
                    });
                }
            }
        }
        let control = state.mux.control_waits();
        drop(state);
        if let Some(lost) = goodbye {
            self.lose(lost, None);
        }
        if control {
            self.work.notify_one();
        }
        result
    }

    /// Tries something again whenever `wake` is notified. What has come already is still had when the
    /// connection is lost.
    pub(super) async fn wait<T>(
        &self,
        wake: &Notify,
        mut attempt: impl FnMut(&mut State) -> Option<T>,
    ) -> Result<T, Lost> {
        loop {
            // Made before the attempt, so that no notice falls in between.
            let woken = wake.notified();
            let outcome = self.with(|state| match attempt(state) {
                Some(result) => Some(Ok(result)),
                None => state.lost.clone().map(Err),
            });
            match outcome {
                Some(result) => return result,
                None => woken.await,
            }
        }
    }

    pub(super) fn reader(&self, id: ReceiveId) -> Arc<Notify> {
        self.lock().readers.entry(id).or_default().clone()
    }

    pub(super) fn writer(&self, id: SendId) -> Arc<Notify> {
        self.lock().writers.entry(id).or_default().clone()
    }

    pub(super) fn release_reader(&self, id: ReceiveId) {
        self.with(|state| {
            state.readers.remove(&id);
            state.mux.release_receiver(id);
        });
    }

    pub(super) fn release_writer(&self, id: SendId) {
        self.with(|state| {
            state.writers.remove(&id);
            state.mux.release_sender(id);
        });
        self.work.notify_one();
    }

    pub(super) fn ping(&self) {
        self.with(|state| {
            state.pinged = Some(Instant::now());
            state.mux.ping(0);
        });
    }

    /// The connection is over, with a goodbye to the other end or without; everybody who waits for it is
    /// told, and what waits is not sent.
    pub(super) fn lose(&self, lost: Lost, goodbye: Option<(u32, &[u8])>) {
        let mut state = self.lock();
        if state.lost.is_some() {
            return;
        }
        state.lost = Some(lost.clone());
        if let Some((code, reason)) = goodbye {
            state.taking_leave = true;
            state.mux.close(code, reason);
        }
        for waiting in state.readers.values().chain(state.writers.values()) {
            waiting.notify_waiters();
        }
        drop(state);
        self.arrived.notify_waiters();
        self.may_open.notify_waiters();
        self.lost.send_replace(Some(lost));
        self.work.notify_one();
    }

    pub(super) async fn closed(&self) -> Lost {
        let mut lost = self.lost.subscribe();
        // The sender lives as long as this.
        let lost = lost.wait_for(Option::is_some).await;
        lost.ok()
            .and_then(|lost| lost.clone())
            .unwrap_or(Lost::Here)
    }
}

fn wake(waiting: Option<&Arc<Notify>>) {
    if let Some(waiting) = waiting {
        waiting.notify_waiters();
    }
}
