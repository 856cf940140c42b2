//! The recorders: one queue and one writer for each recording, and what all of them share.
//!
//! ```text
//! hub ─► Recorder: queue ─► writer, on one of a few threads ─► file      ready, checkpoint, failed, back, finished ─► Events (the hub)
//!                    ▲
//! watch ─────────────┘ begins what is due; what is owed for too long has failed, whatever its thread does
//! ```
//!
//! Nothing here waits for a store but those threads. There are as many of them as stores hold up: a thread for each
//! recording would take more memory than what rests in its queue.

mod queue;
mod threads;
mod writing;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use fernsicht_protocol::checkpoint::SignedCheckpoint;
use fernsicht_protocol::crypto::SigningKey;
use fernsicht_protocol::messages::{Chain, SessionId};
use fernsicht_recordings::store::Store;
use tokio::sync::{Notify, oneshot};

use super::hub::lock;
use queue::{Begin, LOOK_EVERY, Overdue, Queue};
pub(super) use queue::{Cause, Copying, Failed, Item, Room, Sealed};
use threads::{Job, REST, Threads};
use writing::Writing;

/// Where writers report to. Called from their threads, never under a queue's lock.
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

/// One recording that is being made.
pub(super) struct Recorder {
    session: SessionId,
    queue: Arc<Queue>,
    /// Locked by whoever the queue told to begin.
    writing: Mutex<Writing>,
    over: AtomicBool,
    threads: Arc<Threads<Self>>,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

impl Recorder {
    /// Memory for what will be recorded later.
    pub(super) fn room(&self, bytes: usize) -> Result<Room, Failed> {
        self.queue.room(bytes)
    }

    /// Takes an item. What comes behind the end is forgotten. Time as [`now_centis`].
    pub(super) fn push(self: &Arc<Self>, now: u64, item: Item) -> Result<(), Failed> {
        let begin = self.queue.push(now, item)?;
        self.begin(begin);
        Ok(())
    }

    /// Takes a frame, and who waits for it.
    pub(super) fn push_asked(
        self: &Arc<Self>,
        now: u64,
        item: Item,
        asked: oneshot::Sender<()>,
    ) -> Result<(), Failed> {
        let begin = self.queue.push_asked(now, item, asked)?;
        self.begin(begin);
        Ok(())
    }

    /// It has failed: what waits is lost. False: it had failed before, or the end has come.
    pub(super) fn fail(&self, now: u64, cause: Cause) -> bool {
        self.queue.fail(now, cause)
    }

    fn begin(self: &Arc<Self>, begin: Begin) {
        match begin {
            Begin::Now => self.threads.run(self.clone()),
            Begin::First => self.threads.run_first(self.clone()),
            Begin::Hurry => self.threads.hurry(self),
            Begin::No => {}
        }
    }
}

impl Job for Recorder {
    fn work(&self) {
        if lock(&self.writing).run() {
            self.over.store(true, Ordering::Relaxed);
        }
    }
}

/// All recordings of a relay.
pub(super) struct Recorders {
    shared: Arc<Shared>,
    /// Those that are not over.
    all: Mutex<Vec<Arc<Recorder>>>,
    threads: Arc<Threads<Recorder>>,
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
            all: Mutex::default(),
            threads: Threads::new(REST),
            began: Notify::new(),
        }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Begins a session's recording.
    pub(super) fn start(&self, session: SessionId, events: Arc<dyn Events>) -> Arc<Recorder> {
        let queue = Arc::new(Queue::new());
        let shared = self.shared.clone();
        let writing = Writing::new(session, queue.clone(), shared, events);
        let recorder = Arc::new(Recorder {
            session,
            queue,
            writing: Mutex::new(writing),
            over: AtomicBool::new(false),
            threads: self.threads.clone(),
        });
        self.shared.unfinished.fetch_add(1, Ordering::Relaxed);
        lock(&self.all).push(recorder.clone());
        self.began.notify_one();
        recorder
    }

    /// Begins what is due, and finds recorders that owe something for too long. Sleeps while there are none. If the
    /// machine itself stood still they get another round: that was no store.
    pub(super) async fn watch(&self, events: &dyn Events) {
        let mut stood_still = false;
        loop {
            let now = Instant::now();
            let all = {
                let mut all = lock(&self.all);
                all.retain(|recorder| !recorder.over.load(Ordering::Relaxed));
                all.clone()
            };
            let late = |recorder: &&Arc<Recorder>| {
                let overdue = recorder.queue.overdue(now)?;
                let tell = overdue == Overdue::End || recorder.fail(now_centis(), Cause::Store);
                tell.then_some((recorder.session, overdue))
            };
            for (session, overdue) in all.iter().filter(|_| !stood_still).filter_map(|r| late(&r)) {
                tracing::error!(session = short(&session), "the store is too slow");
                match overdue {
                    Overdue::Record => events.failed(session),
                    Overdue::End => events.finished(session, None),
                }
            }
            self.threads.relieve();
            for recorder in &all {
                recorder.begin(recorder.queue.claim(now));
            }
            match all.is_empty() {
                true => {
                    self.began.notified().await;
                    stood_still = false;
                }
                false => {
                    tokio::time::sleep(LOOK_EVERY).await;
                    stood_still = !stood_still && now.elapsed() > LOOK_EVERY * 3;
                }
            }
        }
    }

    /// True if a recorder has failed and is not back.
    pub(super) fn failing(&self) -> bool {
        lock(&self.all).iter().any(|r| r.queue.failed())
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
