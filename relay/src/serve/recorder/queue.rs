//! What one recording still has to write: bounded in bytes and items, and watched.
//!
//! ```text
//! Taking ─(full, write error, too slow)─► Failed ─(the store takes again)─► Taking
//!    └──────────────(Finish)──────────► Closing ◄──(Finish)──┘
//! ```
//!
//! Items are pushed in the order in which they were judged, under the hub's lock. Whoever writes takes
//! them in batches: what nobody waits for may rest for [`LINGER`], so that a stream of pictures does
//! not wake a thread for each one; input wakes one at once. One at a time writes: who is told to
//! begin ([`Queue::push`], [`Queue::claim`]) goes on until [`Queue::next`] has nothing more.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fernsicht_protocol::crypto::Hash;
use fernsicht_protocol::frame::Header;
use fernsicht_protocol::messages::End;
use fernsicht_protocol::router::Opening;
use fernsicht_recordings::writer::{Ciphertext, Hashing};
use tokio::sync::oneshot;

/// The recorder does not take this.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the recorder does not take any more")]
pub(crate) struct Failed;

/// Something for the recording's file. Times are hundredths of a second since 1970 UTC.
#[derive(Debug)]
pub(crate) enum Item {
    /// A recorded epoch begins.
    Open(Box<Opening>),
    /// The technician's signature over the epoch.
    Signature { epoch: u32, signature: [u8; 64] },
    /// A frame that is forwarded. For one that somebody waits for, [`Queue::tell_taken`] is called.
    Frame {
        header: Header,
        ciphertext: Sealed,
        asked: bool,
        room: Room,
    },
    /// An in-order frame that is withheld, and the hash of its ciphertext.
    Withheld { header: Header, hash: Hash },
    /// A frame with a stream of its own that was not delivered whole.
    Dropped {
        header: Header,
        received: Ciphertext,
    },
    /// The session is over.
    Finish { reason: End },
    /// The customer has the completed receipt.
    ReceiptDone,
}

/// A whole ciphertext.
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    pub(crate) bytes: Bytes,
    pub(crate) sum: Ciphertext,
}

impl Sealed {
    pub(crate) fn new(bytes: Bytes) -> Self {
        let sum = Ciphertext::of(&bytes);
        Self { bytes, sum }
    }
}

/// The ciphertext of a frame with a stream of its own, copied while it is forwarded: the connection's buffers
/// are free again at once, and its bytes are hashed while they are in the cache.
#[derive(Debug)]
pub(crate) struct Copying {
    bytes: Vec<u8>,
    hashing: Hashing,
}

impl Copying {
    /// `length` bytes are to come.
    pub(crate) fn new(length: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(length),
            hashing: Hashing::new(),
        }
    }

    /// The next bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.hashing.update(bytes);
        self.bytes.extend_from_slice(bytes);
    }

    /// All of it has come.
    pub(crate) fn whole(self) -> Sealed {
        Sealed {
            bytes: self.bytes.into(),
            sum: self.hashing.finish(),
        }
    }

    /// No more of it will come.
    pub(crate) fn part(self) -> Ciphertext {
        self.hashing.finish()
    }
}

/// Memory that an item or a frame on its way holds; given back when dropped.
#[derive(Debug)]
pub(crate) struct Room {
    held: Arc<AtomicUsize>,
    bytes: usize,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The writer's next work.
#[derive(Debug)]
pub(crate) enum Work {
    /// Items with the times of their hand-over, oldest first.
    Batch(Vec<(u64, Item)>),
    /// The time that was given has come.
    Due,
    /// It has failed: time to see whether the store takes again.
    Probe,
}

/// Whether somebody has to begin to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Begin {
    Now,
    /// Before whatever else waits for a thread: somebody waits for this.
    First,
    /// Somebody was told to and may not have begun: he has to, before whatever else waits.
    Hurry,
    /// Somebody writes already, or it may rest.
    No,
}

/// Who writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Nobody,
    /// Somebody was told to begin.
    Told,
    Writing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Taking,
    Failed,
    /// The session is over; only what concerns the end is taken.
    Closing,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    items: VecDeque<(u64, Item)>,
    /// When what waits should be taken: at once if somebody waits for it or there is enough of it.
    ripe: Option<Instant>,
    /// Bytes of what waits.
    bytes: usize,
    /// What the writer wants to be called for beside; while it is failed, the next probe.
    due: Option<Instant>,
    /// It has tried the store and was not asked since.
    probing: bool,
    turn: Turn,
    /// Since when what was given out is being written.
    working: Option<Instant>,
    /// An epoch's opening is among it: it takes more than a write.
    opening: bool,
    /// Who waits until the one input frame on its way is written. It stands here and not with the
    /// frame, so that a thread that hangs does not keep it.
    asked: Option<oneshot::Sender<()>>,
    /// The time of the oldest item that was lost with a failure, and how many failures there were.
    lost_since: Option<u64>,
    failures: u64,
    cause: Cause,
    /// Somebody was told that the end takes too long.
    given_up: bool,
    /// The recording was deleted.
    removed: bool,
}

/// Something is missing in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Since when.
    pub(crate) since: u64,
    failures: u64,
}

/// Whom a failure concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The store does not take what it must: others may meet the same.
    Store,
    /// Something of this session alone.
    Session,
}

/// What is owed for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overdue {
    /// A record or a checkpoint.
    Record,
    /// The end of the recording; said once.
    End,
}

/// One recording's queue.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    held: Arc<AtomicUsize>,
}

impl Queue {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                phase: Phase::Taking,
                items: VecDeque::new(),
                ripe: None,
                bytes: 0,
                due: None,
                probing: false,
                turn: Turn::Nobody,
                working: None,
                opening: false,
                asked: None,
                lost_since: None,
                failures: 0,
                cause: Cause::Session,
                given_up: false,
                removed: false,
            }),
            held: Arc::default(),
        }
    }

    /// Memory for what will be recorded later.
    pub(crate) fn room(&self, bytes: usize) -> Result<Room, Failed> {
        let held = self.held.fetch_add(bytes, Ordering::Relaxed);
        let room = Room {
            held: self.held.clone(),
            bytes,
        };
        match held + bytes <= MAX_BYTES {
            true => Ok(room),
            false => Err(Failed),
        }
    }

    /// Takes a frame, and who waits for it.
    pub(crate) fn push_asked(
        &self,
        now: u64,
        item: Item,
        asked: oneshot::Sender<()>,
    ) -> Result<Begin, Failed> {
        self.lock().asked = Some(asked);
        self.push(now, item)
    }

    /// The frame that somebody waits for is written.
    pub(crate) fn tell_taken(&self) {
        let asked = self.lock().asked.take();
        if asked.is_some_and(|asked| asked.send(()).is_err()) {
            tracing::trace!("nobody waits for a record any more");
        }
    }

    /// Takes an item. What comes behind the end is forgotten.
    pub(crate) fn push(&self, now: u64, item: Item) -> Result<Begin, Failed> {
        let mut state = self.lock();
        let about_end = matches!(item, Item::Finish { .. } | Item::ReceiptDone);
        match state.phase {
            Phase::Failed if !about_end => {
                state.asked = None;
                return Err(Failed);
            }
            Phase::Closing if !about_end => {
                state.asked = None;
                return Ok(Begin::No);
            }
            Phase::Taking if !about_end && state.items.len() >= MAX_ITEMS => return Err(Failed),
            Phase::Taking | Phase::Failed | Phase::Closing => {}
        }
        let at = Instant::now();
        let first = matches!(item, Item::Frame { asked: true, .. });
        let urgent = match &item {
            Item::Frame {
                ciphertext, asked, ..
            } => {
                state.bytes += ciphertext.bytes.len();
                *asked || state.bytes >= ENOUGH
            }
            Item::Withheld { .. } | Item::Dropped { .. } => false,
            Item::Open(_) => {
                state.opening = true;
                true
            }
            Item::Signature { .. } | Item::ReceiptDone => true,
            Item::Finish { .. } => {
                state.asked = None;
                state.phase = Phase::Closing;
                true
            }
        };
        state.items.push_back((now, item));
        let ripe = match urgent || state.items.len() >= MANY {
            true => at,
            false => at + LINGER,
        };
        let ripe = state.ripe.map_or(ripe, |before| before.min(ripe));
        state.ripe = Some(ripe);
        Ok(match (state.begin(ripe <= at), first) {
            (Begin::Now, true) => Begin::First,
            (Begin::No, true) if state.turn == Turn::Told => Begin::Hurry,
            (begin, _) => begin,
        })
    }

    /// Whether something is to be done that nobody was told of: called every [`LOOK_EVERY`].
    pub(crate) fn claim(&self, now: Instant) -> Begin {
        let mut state = self.lock();
        let wanted = state.ripe.into_iter().chain(state.due).min();
        let until = now + SOON;
        state.begin(wanted.is_some_and(|at| at <= until))
    }

    /// The next work; `due` is what the writer wants to be called for. What was given out before is done. None: whoever
    /// writes has nothing more to do. What would become due before the next look is due now.
    pub(crate) fn next(&self, due: Option<Instant>) -> Option<Work> {
        let mut state = self.lock();
        state.working = None;
        let now = Instant::now();
        let until = now + SOON;
        state.turn = Turn::Writing;
        if state.phase == Phase::Failed {
            if std::mem::take(&mut state.probing) {
                state.due = Some(now + PROBE_EVERY);
            }
            if state.due.is_none_or(|at| at > until) {
                state.turn = Turn::Nobody;
                return None;
            }
            state.probing = true;
            return Some(Work::Probe);
        }
        state.probing = false;
        state.due = due;
        let is_due = due.is_some_and(|due| due <= until);
        // What rests goes along with what is due: a checkpoint then covers it.
        if state.ripe.is_some_and(|at| at <= until || is_due) {
            return Some(state.take(now));
        }
        if is_due {
            state.working = Some(now);
            return Some(Work::Due);
        }
        state.turn = Turn::Nobody;
        None
    }

    /// The recorder has failed: what waits is lost. False: it had failed before, or the end has come.
    pub(crate) fn fail(&self, now: u64, cause: Cause) -> bool {
        let mut state = self.lock();
        if state.phase != Phase::Taking {
            return false;
        }
        state.phase = Phase::Failed;
        state.cause = cause;
        let oldest = state.items.front().map_or(now, |(time, _)| *time);
        state.lose(oldest);
        // Who waits learns it from the dropped sender.
        state.asked = None;
        let lost: Vec<_> = state.items.drain(..).collect();
        (state.ripe, state.bytes, state.opening) = (None, 0, false);
        (state.due, state.probing) = (Some(Instant::now() + PROBE_EVERY), false);
        drop(state);
        drop(lost);
        true
    }

    /// Something from this time on is not in the file.
    pub(crate) fn lost(&self, since: u64) {
        self.lock().lose(since);
    }

    /// What is missing in the file and not yet said there.
    pub(crate) fn missing(&self) -> Option<Lost> {
        let state = self.lock();
        state.lost_since.map(|since| Lost {
            since,
            failures: state.failures,
        })
    }

    /// The file says what is missing; what was lost since then is not meant.
    pub(crate) fn said(&self, lost: Option<Lost>) {
        let mut state = self.lock();
        if lost.is_some_and(|lost| lost.failures == state.failures) {
            state.lost_since = None;
        }
    }

    /// Failed already, it finds that the store does not take anything either.
    pub(crate) fn blame_store(&self) {
        self.lock().cause = Cause::Store;
    }

    /// True if it has failed and is not back, for a reason that others may meet too.
    pub(crate) fn failed(&self) -> bool {
        let state = self.lock();
        state.phase == Phase::Failed && state.cause == Cause::Store && !state.removed
    }

    /// The recording was deleted while it was written: it does not come back, and says nothing of
    /// the store.
    pub(crate) fn removed(&self) {
        self.lock().removed = true;
    }

    /// The store takes again. False: the end has come meanwhile.
    pub(crate) fn recover(&self) -> bool {
        let mut state = self.lock();
        if state.phase == Phase::Failed {
            state.phase = Phase::Taking;
        }
        state.phase == Phase::Taking
    }

    /// What has been owed for too long at this time.
    pub(crate) fn overdue(&self, now: Instant) -> Option<Overdue> {
        let mut state = self.lock();
        let since = state.working.into_iter().chain(state.ripe).min()?;
        let late = |limit| now.saturating_duration_since(since) > limit;
        match state.phase {
            Phase::Taking if state.opening => late(OPENING_WITHIN).then_some(Overdue::Record),
            Phase::Taking => late(WRITE_WITHIN).then_some(Overdue::Record),
            Phase::Closing if !state.given_up && late(END_WITHIN) => {
                state.given_up = true;
                Some(Overdue::End)
            }
            Phase::Closing | Phase::Failed => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn begin(&mut self, wanted: bool) -> Begin {
        if !wanted || self.turn != Turn::Nobody {
            return Begin::No;
        }
        self.turn = Turn::Told;
        Begin::Now
    }

    fn take(&mut self, now: Instant) -> Work {
        self.working = Some(self.ripe.take().map_or(now, |ripe| ripe.min(now)));
        self.bytes = 0;
        self.opening = self
            .items
            .iter()
            .any(|(_, item)| matches!(item, Item::Open(_)));
        Work::Batch(self.items.drain(..).collect())
    }

    fn lose(&mut self, since: u64) {
        self.failures += 1;
        self.lost_since = Some(self.lost_since.map_or(since, |before| before.min(since)));
    }
}

/// What may wait: a second and more of the fastest link, or two pictures of the greatest size.
const MAX_BYTES: usize = 48 << 20;
const MAX_ITEMS: usize = 16 << 10;
/// How long an item that nobody waits for may rest: a wake-up and a write for each picture would cost more than
/// forwarding it. A killed process loses what rests; a second is what it may lose.
const LINGER: Duration = Duration::from_millis(500);
/// So much of it is written without resting: memory that every recording holds. More of it saves no time that can be measured.
const ENOUGH: usize = 12 << 10;
/// So many items do not rest either: whoever floods with input that is withheld must not fill the queue.
const MANY: usize = MAX_ITEMS / 16;
/// How often a recorder that fails tries its store.
const PROBE_EVERY: Duration = Duration::from_secs(1);
/// How often somebody looks what is due, and what is overdue.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(100);
/// What becomes due within so much is due now: the next look may come a little late.
pub(crate) const SOON: Duration = Duration::from_millis(150);
/// Control must end within a second of a store that stalls.
const WRITE_WITHIN: Duration = Duration::from_millis(700);
/// What an agent waits for the last checkpoint before it is told that none may come.
const END_WITHIN: Duration = Duration::from_millis(1_500);
/// An opening makes files and catalogue lines, each synced; no control depends on it yet.
const OPENING_WITHIN: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn item(asked: bool, queue: &Queue) -> Item {
        let header = Header {
            epoch: 1,
            direction: fernsicht_protocol::frame::Direction::ConsoleToAgent,
            class: fernsicht_protocol::frame::Class::Input,
            number: 0,
            grant: 0,
            rights: fernsicht_protocol::rights::Rights::Control,
            length: 1,
        };
        Item::Frame {
            header,
            ciphertext: Sealed::new(Bytes::from_static(b"x")),
            asked,
            room: queue.room(1).unwrap(),
        }
    }

    #[test]
    fn a_failure_tells_who_waits_and_takes_nothing_more() {
        let queue = Queue::new();
        let (taken, mut told) = oneshot::channel();
        let begin = queue.push_asked(5, item(true, &queue), taken);
        assert_eq!(begin, Ok(Begin::First));
        assert!(queue.fail(9, Cause::Session) && !queue.fail(9, Cause::Store));
        assert!(matches!(
            told.try_recv(),
            Err(oneshot::error::TryRecvError::Closed)
        ));
        assert_eq!(queue.push(10, item(false, &queue)), Err(Failed));
        // Whoever was told to begin finds nothing to do until a probe is due.
        assert!(queue.next(None).is_none());
        assert_eq!(queue.claim(Instant::now()), Begin::No);
        assert_eq!(queue.claim(Instant::now() + PROBE_EVERY), Begin::Now);
        // One session's own fault says nothing of the store, until the store itself does.
        assert!(!queue.failed());
        queue.blame_store();
        assert!(queue.failed());
        let missing = queue.missing();
        assert_eq!(missing.map(|lost| lost.since), Some(5));
        queue.said(missing);
        assert_eq!(queue.missing(), None);
        assert!(queue.recover());
        // Who was told to begin takes it along.
        assert_eq!(queue.push(11, item(true, &queue)), Ok(Begin::Hurry));
        assert!(matches!(queue.next(None), Some(Work::Batch(batch)) if batch.len() == 1));
        assert!(queue.next(None).is_none());
        assert_eq!(queue.held.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_store_that_takes_nothing_is_found_within_a_second() {
        let (input, picture) = (Queue::new(), Queue::new());
        let before = Instant::now();
        let (taken, _told) = oneshot::channel();
        let begin = input.push_asked(1, item(true, &input), taken);
        assert_eq!(begin, Ok(Begin::First));
        assert_eq!(picture.push(1, item(false, &picture)), Ok(Begin::No));
        let after = Instant::now();
        assert_eq!(input.overdue(before + WRITE_WITHIN), None);
        let found = after + WRITE_WITHIN + LOOK_EVERY;
        assert_eq!(input.overdue(found), Some(Overdue::Record));
        assert!(found - after < Duration::from_secs(1));
        // Nobody waits for a picture: it may rest first.
        assert_eq!(picture.overdue(found), None);
        assert_eq!(picture.overdue(found + LINGER), Some(Overdue::Record));
        // A thread that is at work does not help.
        assert!(matches!(input.next(None), Some(Work::Batch(_))));
        assert_eq!(input.overdue(found), Some(Overdue::Record));
    }

    #[test]
    fn many_items_do_not_rest() {
        let queue = Queue::new();
        let began = Instant::now();
        for number in 0..MANY {
            let ripe = queue.lock().ripe;
            assert!(ripe.is_none_or(|ripe| ripe >= began + LINGER), "{number}");
            let Item::Frame { header, .. } = item(false, &queue) else {
                panic!("a frame")
            };
            let hash = [0; 32];
            let begin = queue.push(1, Item::Withheld { header, hash });
            let last = number == MANY - 1;
            let wanted = if last { Begin::Now } else { Begin::No };
            assert_eq!(begin, Ok(wanted));
        }
        assert!(queue.lock().ripe.is_some_and(|ripe| ripe <= Instant::now()));
    }

    #[test]
    fn one_at_a_time_writes_and_misses_nothing() {
        let queue = Queue::new();
        let now = Instant::now();
        assert_eq!(queue.claim(now), Begin::No);
        assert_eq!(queue.push(1, item(false, &queue)), Ok(Begin::No));
        // It rests, and is then found.
        assert_eq!(queue.claim(now), Begin::No);
        assert_eq!(queue.claim(now + LINGER + LOOK_EVERY), Begin::Now);
        assert_eq!(queue.claim(now + LINGER + LOOK_EVERY), Begin::No);
        // Whoever writes takes what has come meanwhile, and what rests along with what is due.
        assert_eq!(queue.push(2, item(true, &queue)), Ok(Begin::Hurry));
        assert!(matches!(queue.next(None), Some(Work::Batch(batch)) if batch.len() == 2));
        assert_eq!(queue.push(3, item(true, &queue)), Ok(Begin::No));
        assert!(matches!(queue.next(None), Some(Work::Batch(batch)) if batch.len() == 1));
        assert_eq!(queue.push(3, item(false, &queue)), Ok(Begin::No));
        let due = Some(now);
        assert!(matches!(queue.next(due), Some(Work::Batch(batch)) if batch.len() == 1));
        assert!(matches!(queue.next(due), Some(Work::Due)));
        // What is due later is found by whoever looks then.
        let later = Instant::now() + PROBE_EVERY;
        assert!(queue.next(Some(later)).is_none());
        assert_eq!(queue.claim(now), Begin::No);
        assert_eq!(queue.claim(later), Begin::Now);
    }

    #[test]
    fn a_store_that_fails_has_a_pause_after_each_probe() {
        let queue = Queue::new();
        assert!(queue.fail(1, Cause::Store));
        let probed = |queue: &Queue| {
            queue.lock().due = Some(Instant::now());
            assert!(matches!(queue.next(None), Some(Work::Probe)));
        };
        probed(&queue);
        // However long it took.
        queue.lock().due = Some(Instant::now());
        assert!(queue.next(None).is_none());
        assert_eq!(queue.claim(Instant::now()), Begin::No);
        probed(&queue);
        assert!(queue.recover());
        assert!(queue.next(None).is_none());
        assert!(queue.fail(2, Cause::Store));
        assert!(queue.next(None).is_none());
        assert_eq!(queue.claim(Instant::now() + PROBE_EVERY), Begin::Now);
    }

    #[test]
    fn the_end_is_taken_even_by_a_failed_one() {
        let queue = Queue::new();
        queue.fail(1, Cause::Store);
        let begin = queue.push(2, Item::Finish { reason: End::Relay });
        assert_eq!(begin, Ok(Begin::Now));
        assert!(!queue.recover());
        let Some(Work::Batch(last)) = queue.next(None) else {
            panic!("the end")
        };
        assert!(matches!(last[..], [(2, Item::Finish { .. })]));
        assert_eq!(queue.push(3, item(false, &queue)), Ok(Begin::No));
    }

    #[test]
    fn memory_is_bounded() {
        let queue = Queue::new();
        let first = queue.room(MAX_BYTES).unwrap();
        assert!(queue.room(1).is_err());
        drop(first);
        assert!(queue.room(MAX_BYTES).is_ok());
    }
}
