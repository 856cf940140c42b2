//! What surrounds the recordings: whether they can be offered, space, retention, and the move into
//! the depot.
//!
//! ```text
//! hello ─► offer: recorders healthy, an auditor, space, a probe of the store that is not old
//! every 10 s: space, alarm      hourly: retention      a recording is closed: it is moved
//! ```
//!
//! Everything that may wait for a disk does so on threads of its own, one at a time: a store that
//! stalls leaves one thread waiting and no more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fernsicht_protocol::router::Offer;
use fernsicht_recordings::store::{Space, Store, clock};

use super::auditor::Tries;
use super::hub::lock;
use super::recorder::Recorders;
use crate::Error;
use crate::cli::unix_now;
use crate::register::Register;

/// Recordings and their surroundings.
#[derive(Debug)]
pub(super) struct Care {
    pub(super) store: Arc<Store>,
    pub(super) recorders: Recorders,
    register: Arc<Mutex<Register>>,
    /// Tries at codes of recordings, by auditor.
    pub(super) tries: Tries,
    /// Tries at enrolment, by network.
    pub(super) enrolments: Tries,
    looking: AtomicBool,
    looked: Mutex<Option<(Instant, bool)>>,
}

impl Care {
    pub(super) fn new(
        store: Arc<Store>,
        recorders: Recorders,
        register: Arc<Mutex<Register>>,
    ) -> Self {
        Self {
            store,
            recorders,
            register,
            tries: Tries::default(),
            enrolments: Tries::default(),
            looking: AtomicBool::new(false),
            looked: Mutex::new(None),
        }
    }

    /// Closes what a killed relay has left, and deletes what is due. Before anybody is let in.
    pub(super) fn start(&self) -> Result<(), Error> {
        for one in self.store.recover(now())? {
            tracing::warn!(
                recording = &one.recording[..12],
                bytes = one.bytes,
                torn = one.torn,
                "a recording was cut off: closed as interrupted"
            );
        }
        self.retain();
        Ok(())
    }

    /// What an agent is offered at this moment.
    pub(super) async fn offer(self: &Arc<Self>) -> Offer {
        if self.recorders.failing() || self.looking.swap(true, Ordering::Relaxed) {
            // A look that has not come back says enough; one that has just begun is soon over.
            return self.wait_for_look().await;
        }
        let care = self.clone();
        let look = tokio::task::spawn_blocking(move || {
            let possible = care.look();
            care.looking.store(false, Ordering::Relaxed);
            possible
        });
        match tokio::time::timeout(LOOK_WITHIN, look).await {
            Ok(Ok(true)) => Offer::Recorded,
            Ok(Ok(false) | Err(_)) | Err(_) => Offer::Unavailable,
        }
    }

    async fn wait_for_look(&self) -> Offer {
        let until = Instant::now() + LOOK_WITHIN;
        while Instant::now() < until && !self.recorders.failing() {
            if !self.looking.load(Ordering::Relaxed) {
                let fresh = |(at, good): (Instant, bool)| good && at.elapsed() < PROBE_VALID;
                return match lock(&self.looked).is_some_and(fresh) {
                    true => Offer::Recorded,
                    false => Offer::Unavailable,
                };
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Offer::Unavailable
    }

    /// The register is asked each time, the disk only if it was not lately.
    fn look(&self) -> bool {
        let auditors = lock(&self.register).good_auditors(unix_now());
        match auditors {
            Ok(auditors) if auditors.is_empty() => return false,
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "cannot look up the auditors");
                return false;
            }
        }
        if let Some((at, true)) = *lock(&self.looked)
            && at.elapsed() < PROBE_VALID
        {
            return true;
        }
        let good = match (self.store.space(), self.store.probe()) {
            (Ok(space), Ok(())) => space.free >= floor(space),
            (Err(error), _) | (_, Err(error)) => {
                tracing::error!(%error, "recordings cannot be written: no control is offered");
                false
            }
        };
        *lock(&self.looked) = Some((Instant::now(), good));
        good
    }

    fn retain(&self) {
        let run = clock::read()
            .map_err(|error| error.to_string())
            .and_then(|clock| {
                let run = self.store.run_retention(&clock);
                run.map_err(|error| error.to_string())
            });
        match run {
            Ok(run) => {
                if let Some(alarm) = run.alarm {
                    tracing::error!(%alarm, "retention");
                }
                for error in &run.failed {
                    tracing::error!(%error, "retention is not complete");
                }
                if !run.deleted.is_empty() {
                    tracing::info!(
                        recordings = run.deleted.len(),
                        "deleted: their time is over"
                    );
                }
            }
            Err(error) => tracing::error!(%error, "retention has failed"),
        }
    }

    fn check_space(&self) {
        let space = match self.store.space() {
            Ok(space) => space,
            Err(error) => return tracing::error!(%error, "cannot ask for free space"),
        };
        let low = space.low();
        if low {
            tracing::error!(
                metric = "recordings_free_bytes",
                value = space.free,
                total = space.total,
                "ALARM: the disk of the recordings is nearly full; without space there is no control"
            );
        }
        let what = format!(
            "{} MB of {} MB are left for recordings",
            space.free >> 20,
            space.total >> 20
        );
        let alarmed = self
            .store
            .alarm("space", low.then_some(what.as_str()), now());
        if let Err(error) = alarmed {
            tracing::error!(%error, "cannot note an alarm");
        }
    }
}

/// Looks after everything until it is dropped.
pub(super) async fn run(care: Arc<Care>) {
    let space = regularly(care.clone(), SPACE_EVERY, Care::check_space);
    let retention = regularly(care.clone(), RETENTION_EVERY, Care::retain);
    let moves = async {
        let finished = &care.recorders.shared().finished;
        loop {
            let store = care.store.clone();
            match tokio::task::spawn_blocking(move || store.move_finished()).await {
                Ok(Ok(0)) => {}
                Ok(Ok(moved)) => tracing::info!(moved, "recordings were moved into the depot"),
                Ok(Err(error)) => tracing::error!(%error, "recordings cannot be moved"),
                Err(error) => tracing::error!(%error, "recordings cannot be moved"),
            }
            // What could not be moved is tried again.
            drop(tokio::time::timeout(MOVE_EVERY, finished.notified()).await);
        }
    };
    tokio::join!(space, retention, moves);
}

async fn regularly(care: Arc<Care>, every: Duration, work: fn(&Care)) {
    loop {
        let care = care.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || work(&care)).await {
            tracing::error!(%error, "care of the recordings");
        }
        tokio::time::sleep(every).await;
    }
}

/// Below this no recorded session is offered: what is running must be able to end.
fn floor(space: Space) -> u64 {
    (space.total / 20).min(256 << 20)
}

fn now() -> u64 {
    u64::try_from(unix_now()).unwrap_or_default()
}

const LOOK_WITHIN: Duration = Duration::from_millis(700);
/// For so long a store that took a probe counts as one that works.
const PROBE_VALID: Duration = Duration::from_secs(3);
const SPACE_EVERY: Duration = Duration::from_secs(10);
const RETENTION_EVERY: Duration = Duration::from_secs(3600);
const MOVE_EVERY: Duration = Duration::from_secs(60);
