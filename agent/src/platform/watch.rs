//! Watches every key, button and motion of the whole desktop, whoever else takes them, and whether a hand made it.
//!
//! ```text
//! every device ─► whose? ─► F11 pressed ─► Seen::StopKey, whatever its source
//!                   │    └► a hand's    ─► Seen::Activity
//!                   └► button or key pressed ─► Provenance (the last few)
//! ```
//!
//! One thread; it sleeps while nothing happens. Which key was pressed is looked at there and only there: nothing but F11
//! and the kind of press leaves this module. Not here: what F11 does (the guard's) and what a granting button needs (the
//! hand module's).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::system::watch::Watcher;
use super::{Error, Waker};

/// A running watch. Ends with this handle.
pub struct Watch {
    provenance: Provenance,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins, and calls `seen` on a thread of its own for everything that is seen.
    /// When this returns, no later F11 can be missed.
    pub fn start(
        display: Option<&str>,
        seen: impl FnMut(Seen) + Send + 'static,
    ) -> Result<Self, Error> {
        let provenance = Provenance::new()?;
        let teller = Teller {
            provenance: provenance.clone(),
            seen,
        };
        let mut watcher = Watcher::open(display, teller)?;
        let thread = std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || {
                let outcome = watcher.watch();
                watcher.teller.over(outcome);
            })?;
        Ok(Self {
            provenance,
            thread: Some(thread),
        })
    }

    /// Where the latest presses came from.
    pub fn provenance(&self) -> Provenance {
        self.provenance.clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.provenance.end();
        let Some(thread) = self.thread.take() else {
            return;
        };
        // The callback may own this handle's last reference: a thread cannot join itself.
        if thread.thread().id() != std::thread::current().id() {
            thread.join().ok();
        }
    }
}

/// What the system's watcher tells.
pub(super) struct Teller<F> {
    provenance: Provenance,
    seen: F,
}

impl<F: FnMut(Seen)> Teller<F> {
    /// Who asks, and whether it goes on.
    pub(super) fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// F11 went down, whoever made it.
    pub(super) fn stop(&mut self, server_time: u32, physical: bool) {
        let at = Instant::now();
        (self.seen)(Seen::StopKey {
            server_time,
            physical,
            at,
        });
        self.press(server_time, physical, PressKind::Stop);
    }

    /// A key or a button went down.
    pub(super) fn press(&mut self, server_time: u32, physical: bool, kind: PressKind) {
        let at = Instant::now();
        self.provenance.remember(Press {
            server_time,
            physical,
            kind,
            at,
        });
        if physical {
            self.activity();
        }
    }

    /// A person's device was used.
    pub(super) fn activity(&mut self) {
        (self.seen)(Seen::Activity { at: Instant::now() });
    }

    fn over(&mut self, outcome: Result<(), Error>) {
        self.provenance.give_up();
        if let Err(error) = outcome {
            (self.seen)(Seen::Lost(error));
        }
    }
}

/// What the watch reports, on its own thread and at once.
#[derive(Debug)]
pub enum Seen {
    /// F11 went down.
    StopKey {
        /// The system's clock of input in milliseconds.
        server_time: u32,
        /// True if a person's device made it.
        physical: bool,
        /// When it was handled here.
        at: Instant,
    },
    /// A person's device was used: a key, a button, or a motion (at most every 20 ms).
    Activity {
        /// When it was handled here.
        at: Instant,
    },
    /// The watch is over: the desktop tells no more. Rights must end.
    Lost(Error),
}

/// One press of a button or a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Press {
    /// The system's clock of input in milliseconds.
    pub server_time: u32,
    /// True if a person's device made it.
    pub physical: bool,
    /// What was pressed.
    pub kind: PressKind,
    /// When it was handled here.
    pub at: Instant,
}

/// What was pressed, as far as a granting button needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PressKind {
    /// A mouse button, by the device's own number.
    Button(u32),
    /// The space bar.
    Space,
    /// Enter, also the keypad's.
    Enter,
    /// Tab or an arrow.
    Tab,
    /// F11.
    Stop,
    /// Any other key; which one is not kept.
    OtherKey,
}

/// Answers where the latest presses came from. Clones share the answer.
#[derive(Clone)]
pub struct Provenance(Arc<Shared>);

impl Provenance {
    /// One that knows of no press yet. Errors: the system has no more descriptors.
    fn new() -> std::io::Result<Self> {
        Ok(Self(Arc::new(Shared {
            waker: Waker::new()?,
            ending: AtomicBool::new(false),
            state: Mutex::default(),
            settled: Condvar::new(),
        })))
    }

    /// Tells the watching thread to end.
    fn end(&self) {
        self.0.ending.store(true, Ordering::Release);
        self.0.waker.wake();
    }

    /// True once the watching thread shall end.
    pub(super) fn ending(&self) -> bool {
        self.0.ending.load(Ordering::Acquire)
    }

    /// Wakes the watching thread: it is to end, or somebody asked.
    pub(super) fn waker(&self) -> &Waker {
        &self.0.waker
    }

    /// The number of the latest question.
    pub(super) fn asked(&self) -> u64 {
        self.0.lock().asked
    }

    /// Everything that was seen before this question was asked has been remembered.
    pub(super) fn answer(&self, asked: u64) {
        self.0.lock().answered = asked;
        self.0.settled.notify_all();
    }

    /// Nothing is watched any more.
    fn give_up(&self) {
        self.0.lock().over = true;
        self.0.settled.notify_all();
    }

    /// Adds a press.
    fn remember(&self, press: Press) {
        let mut state = self.0.lock();
        if state.presses.len() == KEPT {
            state.presses.pop_front();
        }
        state.presses.push_back(press);
    }

    /// The newest press, after everything that the desktop has seen until this moment was
    /// handled. `None` if there was none, or if the watch does not answer in time: then
    /// nothing may be granted. Blocks for a fraction of a millisecond.
    pub fn newest(&self) -> Option<Press> {
        self.settled()?.presses.back().copied()
    }

    /// All presses since that moment, oldest first. `None` if the watch is over or does not
    /// answer in time, or if there were more than it remembers: then nothing may be granted.
    /// Blocks like [`Provenance::newest`].
    pub fn presses_since(&self, since: Instant) -> Option<Vec<Press>> {
        let state = self.settled()?;
        let whole = state.presses.len() < KEPT
            || state
                .presses
                .front()
                .is_some_and(|oldest| oldest.at < since);
        let later = state.presses.iter().filter(|press| press.at >= since);
        whole.then(|| later.copied().collect())
    }

    /// The newest press, if a person made it.
    pub fn last_press_physical(&self) -> Option<Press> {
        self.newest().filter(|press| press.physical)
    }

    /// True if there was at least one press since that moment and a person made each.
    /// Blocks like [`Provenance::newest`].
    pub fn all_physical_since(&self, since: Instant) -> bool {
        let Some(state) = self.settled() else {
            return false;
        };
        let mut later = state
            .presses
            .iter()
            .filter(|press| press.at >= since)
            .peekable();
        later.peek().is_some() && later.all(|press| press.physical)
    }

    /// Asks the watch to catch up with the server, and waits for it.
    fn settled(&self) -> Option<MutexGuard<'_, State>> {
        let mut state = self.0.lock();
        state.asked += 1;
        let mine = state.asked;
        self.0.waker.wake();
        let (state, timeout) = self
            .0
            .settled
            .wait_timeout_while(state, PATIENCE, |state| {
                state.answered < mine && !state.over
            })
            .unwrap_or_else(PoisonError::into_inner);
        (!timeout.timed_out() && !state.over).then_some(state)
    }
}

impl std::fmt::Debug for Provenance {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Provenance")
    }
}

struct Shared {
    waker: Waker,
    ending: AtomicBool,
    state: Mutex<State>,
    settled: Condvar,
}

#[derive(Default)]
struct State {
    presses: VecDeque<Press>,
    asked: u64,
    answered: u64,
    over: bool,
}

impl Shared {
    /// The state is whole between any two statements, so a panic elsewhere spoils nothing.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Motions closer together than this are one activity: mice report a thousand times a second.
pub(super) const MOTION_PAUSE: Duration = Duration::from_millis(20);
/// How many presses are remembered.
const KEPT: usize = 32;
/// How long the UI waits for the watch to catch up, before it grants nothing.
const PATIENCE: Duration = Duration::from_millis(250);
