//! The recorder: one thread and one queue for each recording, and what all of them share.
//!
//! ```text
//! hub ─► Handle ─► queue ─► thread ─► file            ready, checkpoint, failed, back, finished ─► Events (the hub)
//!                   ▲
//! watch ────────────┘ what is owed for too long has failed, whatever the thread does
//! ```
//!
//! Nothing here waits for a store but the threads themselves.

mod queue;
mod thread;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use fernsicht_protocol::checkpoint::SignedCheckpoint;
use fernsicht_protocol::crypto::SigningKey;
use fernsicht_protocol::messages::{Chain, SessionId};
use fernsicht_recordings::store::Store;
use tokio::sync::Notify;

use queue::Overdue;
pub(super) use queue::{Cause, Copying, Failed, Item, Queue, Room, Sealed};

/// Where the recordings' threads report to. Called from their threads, never under a queue's lock.
pub(super) trait Events: Send + Sync {
    /// An epoch's opening is recorded.
    fn ready(&self, session: SessionId, epoch: u32, chain: Chain, first: SignedCheckpoint);
    /// A checkpoint is safe.
    fn checkpoint(&self, session: SessionId, checkpoint: SignedCheckpoint);
    /// The recorder has failed.
    fn failed(&self, session: SessionId);
    /// The recorder takes again.
    fn back(&self, session: SessionId);
    /// The recording is closed, or cannot be for now.
    fn finished(&self, session: SessionId, last: Option<SignedCheckpoint>);
}

/// What all recordings share.
pub(super) struct Shared {
    pub(super) store: Arc<Store>,
    signer: SigningKey,
    /// The signer's certificates, leaf first, CA last.
    chain: Vec<Vec<u8>>,
    /// A recording is complete and may be moved.
    pub(super) finished: Notify,
    unfinished: AtomicUsize,
}

impl Shared {
    fn closed(&self) {
        self.unfinished.fetch_sub(1, Ordering::Relaxed);
        self.finished.notify_one();
    }
}

/// All recordings of a relay.
pub(super) struct Recorders {
    shared: Arc<Shared>,
    watched: Mutex<Vec<(SessionId, Weak<Queue>)>>,
    began: Notify,
}

impl std::fmt::Debug for Recorders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorders").finish_non_exhaustive()
    }
}

impl Recorders {
    pub(super) fn new(store: Arc<Store>, (chain, signer): (Vec<Vec<u8>>, SigningKey)) -> Self {
        Self {
            shared: Arc::new(Shared {
                store,
                signer,
                chain,
                finished: Notify::new(),
                unfinished: AtomicUsize::new(0),
            }),
            watched: Mutex::default(),
            began: Notify::new(),
        }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Starts the thread of a session's recording.
    pub(super) fn start(
        &self,
        session: SessionId,
        events: Arc<dyn Events>,
    ) -> Result<Arc<Queue>, Failed> {
        let queue = Arc::new(Queue::new());
        let shared = self.shared.clone();
        let thread = thread::Thread::new(session, queue.clone(), shared, events);
        self.shared.unfinished.fetch_add(1, Ordering::Relaxed);
        let spawned = std::thread::Builder::new()
            .name("recorder".to_owned())
            .stack_size(STACK)
            .spawn(move || thread.run());
        if let Err(error) = spawned {
            tracing::error!(%error, "cannot start a recorder");
            self.shared.unfinished.fetch_sub(1, Ordering::Relaxed);
            return Err(Failed);
        }
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.push((session, Arc::downgrade(&queue)));
        drop(watched);
        self.began.notify_one();
        Ok(queue)
    }

    /// Finds recorders that owe something for too long. Sleeps while there are none. If the machine itself
    /// stood still they get another round: that was no store.
    pub(super) async fn watch(&self, events: &dyn Events) {
        let mut stood_still = false;
        loop {
            let now = Instant::now();
            let overdue: Vec<(SessionId, Overdue)> = {
                let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
                watched.retain(|(_, queue)| queue.strong_count() > 0);
                let late = |(session, queue): &(SessionId, Weak<Queue>)| {
                    let queue = queue.upgrade()?;
                    let overdue = queue.overdue(now)?;
                    let tell = overdue == Overdue::End || queue.fail(now_centis(), Cause::Store);
                    tell.then_some((*session, overdue))
                };
                let judged = watched.iter().filter(|_| !stood_still);
                judged.filter_map(late).collect()
            };
            for (session, overdue) in overdue {
                tracing::error!(session = short(&session), "the store is too slow");
                match overdue {
                    Overdue::Record => events.failed(session),
                    Overdue::End => events.finished(session, None),
                }
            }
            let idle = {
                let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
                watched.is_empty()
            };
            match idle {
                true => {
                    self.began.notified().await;
                    stood_still = false;
                }
                false => {
                    tokio::time::sleep(WATCH_EVERY).await;
                    stood_still = !stood_still && now.elapsed() > WATCH_EVERY * 3;
                }
            }
        }
    }

    /// True if a recorder has failed and is not back.
    pub(super) fn failing(&self) -> bool {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |(_, queue): &(SessionId, Weak<Queue>)| {
            queue.upgrade().is_some_and(|queue| queue.failed())
        };
        watched.iter().any(failed)
    }

    /// Recordings that are not closed.
    pub(super) fn unfinished(&self) -> usize {
        self.shared.unfinished.load(Ordering::Relaxed)
    }
}

/// Hundredths of a second since 1970 UTC.
pub(super) fn now_centis() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond() / 10).unwrap_or_default()
}

pub(super) fn short(session: &SessionId) -> String {
    data_encoding::HEXLOWER.encode(&session[..6])
}

const WATCH_EVERY: Duration = Duration::from_millis(100);
/// The thread keeps its buffers on the heap.
const STACK: usize = 512 << 10;
