//! Threads on which writers run: few, and the last one that rested goes on first, since each keeps memory of its own. More
//! come when stores hold them all up; one that has had nothing to do for a while ends.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// Something that a thread does, as often as it is handed over.
pub(super) trait Job: Send + Sync + 'static {
    fn work(&self);
}

#[derive(Debug)]
pub(super) struct Threads<J> {
    state: Mutex<State<J>>,
    rest: Duration,
}

#[derive(Debug)]
struct State<J> {
    ready: VecDeque<Arc<J>>,
    /// Those that rest, the last one to begin so last.
    resting: Vec<Thread>,
    /// Woken or begun, and not yet at what is ready.
    coming: usize,
    count: usize,
}

impl<J: Job> Threads<J> {
    /// After `rest` without anything to do a thread ends.
    pub(super) fn new(rest: Duration) -> Arc<Self> {
        let state = Mutex::new(State {
            ready: VecDeque::new(),
            resting: Vec::new(),
            coming: 0,
            count: 0,
        });
        Arc::new(Self { state, rest })
    }

    /// Runs a job soon: at once, unless all threads are at work.
    pub(super) fn run(self: &Arc<Self>, job: Arc<J>) {
        let mut state = self.lock();
        state.ready.push_back(job);
        self.wake(&mut state, FEW);
    }

    /// Runs a job at once.
    pub(super) fn run_first(self: &Arc<Self>, job: Arc<J>) {
        let mut state = self.lock();
        state.ready.push_front(job);
        self.wake(&mut state, usize::MAX);
    }

    /// Runs a job at once that was handed over before, if it still waits.
    pub(super) fn hurry(self: &Arc<Self>, job: &Arc<J>) {
        let mut state = self.lock();
        let place = state.ready.iter().position(|one| Arc::ptr_eq(one, job));
        if let Some(job) = place.and_then(|place| state.ready.remove(place)) {
            state.ready.push_front(job);
            self.wake(&mut state, usize::MAX);
        }
    }

    /// What has been ready for a while and still waits gets more threads: called every tenth of a second.
    pub(super) fn relieve(self: &Arc<Self>) {
        let mut state = self.lock();
        let waiting = state.ready.len().saturating_sub(state.coming);
        for _ in 0..waiting.div_ceil(2) {
            if !self.spawn(&mut state) {
                return;
            }
        }
    }

    /// One more thread for what is ready: one that rests, or a new one if there are fewer than `most`.
    fn wake(self: &Arc<Self>, state: &mut State<J>, most: usize) {
        match state.resting.pop() {
            Some(resting) => {
                state.coming += 1;
                resting.unpark();
            }
            None if state.count < most => {
                self.spawn(state);
            }
            None => {}
        }
    }

    fn spawn(self: &Arc<Self>, state: &mut State<J>) -> bool {
        let threads = self.clone();
        let spawned = thread::Builder::new()
            .name("recorder".to_owned())
            .stack_size(STACK)
            .spawn(move || Alive(&threads).run());
        match spawned {
            Ok(_) => {
                state.coming += 1;
                state.count += 1;
                true
            }
            Err(error) => {
                tracing::error!(%error, "cannot start a thread for recordings");
                false
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread; one that a panic ends is not counted any more.
struct Alive<'a, J: Job>(&'a Threads<J>);

impl<J: Job> Alive<'_, J> {
    fn run(&self) {
        let me = thread::current();
        let mut idle_since = Instant::now();
        let mut came = true;
        loop {
            let mut state = self.0.lock();
            if std::mem::take(&mut came) {
                // Whoever woke it took it from those that rest.
                let place = state.resting.iter().position(|one| one.id() == me.id());
                match place {
                    Some(place) => drop(state.resting.remove(place)),
                    None => state.coming -= 1,
                }
            }
            if let Some(job) = state.ready.pop_front() {
                drop(state);
                job.work();
                idle_since = Instant::now();
                continue;
            }
            let rest = self.0.rest.saturating_sub(idle_since.elapsed());
            if rest.is_zero() {
                state.count -= 1;
                return;
            }
            state.resting.push(me.clone());
            drop(state);
            thread::park_timeout(rest);
            came = true;
        }
    }
}

impl<J: Job> Drop for Alive<'_, J> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.lock().count -= 1;
        }
    }
}

/// So many are there before anybody waits. A sync takes milliseconds, a second's worth of it for each recording.
const FEW: usize = 4;
/// Long enough for what comes each second.
pub(super) const REST: Duration = Duration::from_secs(1);
/// Writers keep their buffers on the heap.
const STACK: usize = 512 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    /// Waits until it may go on, and counts.
    struct Gate {
        go: Mutex<mpsc::Receiver<()>>,
        done: AtomicUsize,
    }

    impl Job for Gate {
        fn work(&self) {
            let go = self.go.lock().unwrap_or_else(PoisonError::into_inner);
            go.recv().unwrap();
            self.done.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn gate() -> (mpsc::SyncSender<()>, Arc<Gate>) {
        let (open, go) = mpsc::sync_channel(2);
        let done = AtomicUsize::new(0);
        (
            open,
            Arc::new(Gate {
                go: Mutex::new(go),
                done,
            }),
        )
    }

    /// No clock ends a thread.
    const NEVER: Duration = Duration::MAX;

    /// As many jobs as there are threads without anybody waiting, all at work until they may go on.
    fn hang(threads: &Arc<Threads<Gate>>) -> Vec<mpsc::SyncSender<()>> {
        let opened = (0..FEW).map(|_| {
            let (open, gate) = gate();
            threads.run(gate);
            open
        });
        let opened = opened.collect();
        until(|| threads.lock().ready.is_empty());
        opened
    }

    fn until(condition: impl Fn() -> bool) {
        while !condition() {
            thread::yield_now();
        }
    }

    #[test]
    fn jobs_that_hang_hold_up_nobody() {
        let threads = Threads::new(NEVER);
        let hanging = hang(&threads);
        let (open, last) = gate();
        open.send(()).unwrap();
        threads.run(last.clone());
        assert_eq!(threads.lock().ready.len(), 1);
        threads.relieve();
        until(|| last.done.load(Ordering::Relaxed) == 1);
        // That one now rests, and takes the next.
        until(|| threads.lock().resting.len() == 1);
        open.send(()).unwrap();
        threads.run(last.clone());
        until(|| last.done.load(Ordering::Relaxed) == 2);
        assert_eq!(threads.lock().count, FEW + 1);
        for open in &hanging {
            open.send(()).unwrap();
        }
        until(|| threads.lock().resting.len() == FEW + 1);
        assert_eq!(threads.lock().coming, 0);
    }

    #[test]
    fn who_is_waited_for_goes_first() {
        let threads = Threads::new(NEVER);
        let hanging = hang(&threads);
        let ((slowly, slow), (open, fast), (open_too, told)) = (gate(), gate(), gate());
        threads.run(slow);
        threads.run(told.clone());
        open.send(()).unwrap();
        threads.run_first(fast.clone());
        until(|| fast.done.load(Ordering::Relaxed) == 1);
        open_too.send(()).unwrap();
        threads.hurry(&told);
        until(|| told.done.load(Ordering::Relaxed) == 1);
        // Not there any more: nothing to hurry.
        threads.hurry(&told);
        slowly.send(()).unwrap();
        for open in &hanging {
            open.send(()).unwrap();
        }
        until(|| threads.lock().ready.is_empty() && threads.lock().coming == 0);
    }

    #[test]
    fn who_has_nothing_to_do_ends() {
        let threads = Threads::new(Duration::ZERO);
        let (open, gate) = gate();
        open.send(()).unwrap();
        threads.run(gate.clone());
        until(|| threads.lock().count == 0);
        assert_eq!(gate.done.load(Ordering::Relaxed), 1);
        let state = threads.lock();
        assert!(state.ready.is_empty() && state.resting.is_empty() && state.coming == 0);
    }

    #[test]
    fn a_panic_takes_its_thread_alone() {
        struct Panics;
        impl Job for Panics {
            fn work(&self) {
                panic!("on purpose");
            }
        }
        let threads = Threads::new(NEVER);
        threads.run(Arc::new(Panics));
        until(|| threads.lock().count == 0 && threads.lock().ready.is_empty());
    }
}
