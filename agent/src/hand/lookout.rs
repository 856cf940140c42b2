//! Looks between frames: an idle window draws nothing, yet something may be laid over it.
//!
//! One thread asks the platform every [`INTERVAL`] whether the granting buttons are covered and
//! tells the [`Gate`]. The buttons of the bar, once ready, are looked at every [`AT_REST`] only.
//! While no granting button is shown it sleeps. It never clicks and decides nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::{Gate, Provenance};

/// How often covered buttons are looked for. A cover between two looks is found at the click, which looks once more
/// and asks what has come and gone.
pub const INTERVAL: Duration = Duration::from_millis(200);

/// How often the bar's buttons are looked at when they are ready: they stand there for hours. What lay over one, and has
/// gone before this look, is remembered for the click.
pub const AT_REST: Duration = Duration::from_secs(30);

/// The gate, shared by the pages and the lookout.
pub struct Lookout {
    gate: Arc<Mutex<Gate>>,
    platform: Arc<dyn Provenance>,
    thread: Option<Thread>,
}

impl Lookout {
    /// A gate without a thread of its own, as tests want it: see [`look_once`](Self::look_once).
    pub fn new(platform: Arc<dyn Provenance>) -> Self {
        Self {
            gate: Arc::default(),
            platform,
            thread: None,
        }
    }

    /// Starts the thread. `repaint` is called when a button has become ready or has lost it.
    /// Errors: the system has no room for a thread.
    pub fn start(
        platform: Arc<dyn Provenance>,
        repaint: Arc<dyn Fn() + Send + Sync>,
    ) -> std::io::Result<Self> {
        let mut lookout = Self::new(platform);
        let (gate, platform) = (Arc::downgrade(&lookout.gate), Arc::clone(&lookout.platform));
        let handle = std::thread::Builder::new()
            .name("lookout".to_owned())
            .spawn(move || run(&gate, &*platform, &*repaint))?;
        lookout.thread = Some(handle.thread().clone());
        Ok(lookout)
    }

    /// The gate.
    pub fn gate(&self) -> MutexGuard<'_, Gate> {
        lock(&self.gate)
    }

    /// What the platform knows.
    pub fn platform(&self) -> &dyn Provenance {
        &*self.platform
    }

    /// Wakes the thread: a granting button is new or has moved.
    pub fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.unpark();
        }
    }

    /// Looks at every button once.
    pub fn look_once(&self, now: Instant) {
        look(&self.gate, &*self.platform, now);
    }
}

impl Drop for Lookout {
    fn drop(&mut self) {
        self.gate().clear();
        self.wake();
    }
}

fn run(gate: &Weak<Mutex<Gate>>, platform: &dyn Provenance, repaint: &(dyn Fn() + Send + Sync)) {
    let mut seen: Vec<bool> = Vec::new();
    loop {
        let Some(gate) = gate.upgrade() else { return };
        look(&gate, platform, Instant::now());
        let (now, guard) = (Instant::now(), lock(&gate));
        let ready: Vec<bool> = guard
            .rects()
            .iter()
            .map(|(grant, _)| guard.ready(now, *grant))
            .collect();
        let (idle, at_rest) = (ready.is_empty(), guard.at_rest(now));
        drop(guard);
        drop(gate);
        if ready != seen {
            seen = ready;
            repaint();
        }
        if idle {
            std::thread::park();
        } else if at_rest {
            std::thread::park_timeout(AT_REST);
        } else {
            std::thread::sleep(INTERVAL);
        }
    }
}

fn look(gate: &Mutex<Gate>, platform: &dyn Provenance, now: Instant) {
    let rects = lock(gate).rects();
    for (grant, rect) in rects {
        let covered = platform.covered(rect);
        lock(gate).look(now, grant, rect, covered);
    }
}

/// The gate stays consistent between its methods, so a panic elsewhere does not spoil it.
fn lock(gate: &Mutex<Gate>) -> MutexGuard<'_, Gate> {
    gate.lock().unwrap_or_else(PoisonError::into_inner)
}
