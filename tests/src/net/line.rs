//! A line between two namespaces: packets of one interface come out of the other, as badly as one says.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::impairment::{Counts, Direction, Impairment};
use super::{Namespace, tun};
use crate::dice::Dice;

/// One end of a line.
#[derive(Debug, Clone, Copy)]
pub struct End<'a> {
    /// Where the interface is.
    pub namespace: &'a Namespace,
    /// Its name there.
    pub interface: &'a str,
}

/// A running line. Its interfaces are gone when it is dropped.
#[derive(Debug)]
pub struct Line {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    how: Mutex<Impairment>,
    counts: Mutex<[Counts; 2]>,
    stop: AtomicBool,
}

impl Line {
    /// Makes both interfaces, without addresses, and carries packets from now on.
    pub fn start(near: End<'_>, far: End<'_>, dice: &mut Dice) -> Result<Self> {
        let near = Arc::new(tun::open(near.namespace, near.interface)?);
        let far = Arc::new(tun::open(far.namespace, far.interface)?);
        let shared = Arc::new(Shared {
            how: Mutex::default(),
            counts: Mutex::default(),
            stop: AtomicBool::new(false),
        });
        let mut threads = Vec::new();
        for (number, (from, to)) in [(&near, &far), (&far, &near)].into_iter().enumerate() {
            let (from, to, shared) = (Arc::clone(from), Arc::clone(to), Arc::clone(&shared));
            let seed = u64::from(dice.roll(u32::MAX));
            let direction = Direction::new(Dice::from_seed(seed));
            threads.push(thread::spawn(move || {
                carry(&from, &to, direction, number, &shared);
            }));
        }
        Ok(Self { shared, threads })
    }

    /// From now on it is this bad, in both directions.
    pub fn impair(&self, how: Impairment) {
        *lock(&self.shared.how) = how;
    }

    /// What became of the packets so far, from the near end and from the far one.
    pub fn counts(&self) -> [Counts; 2] {
        *lock(&self.shared.counts)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

/// Carries packets one way until it is told to stop.
fn carry(from: &File, to: &File, mut line: Direction, number: usize, shared: &Shared) {
    let mut packet = vec![0; LARGEST];
    while !shared.stop.load(Ordering::Relaxed) {
        let how = *lock(&shared.how);
        let now = Instant::now();
        while let Some(packet) = line.poll_packet(&how, now) {
            // An interface that takes no more drops, as interfaces do.
            to_interface(to, &packet);
        }
        lock(&shared.counts)[number] = line.counts;
        let next = line.poll_timeout().map_or(LOOK, |due| {
            due.saturating_duration_since(now).clamp(SHORTEST, LOOK)
        });
        let ready = poll(
            &mut [PollFd::new(from, PollFlags::IN)],
            Some(&Timespec {
                tv_sec: 0,
                tv_nsec: next.subsec_nanos().into(),
            }),
        );
        if !matches!(ready, Ok(1..)) {
            continue;
        }
        loop {
            match (&mut &*from).read(&mut packet) {
                Ok(length) => line.handle_packet(&packet[..length], &how, Instant::now()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // The namespace is gone, and nothing comes from there any more.
                Err(_) => return,
            }
        }
    }
}

fn to_interface(mut interface: &File, packet: &[u8]) {
    drop(interface.write(packet));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Larger than any packet of the interface.
const LARGEST: usize = 2048;

/// How often a line looks whether it has become another.
const LOOK: Duration = Duration::from_millis(5);

/// So that a packet that is due in no time makes no spin.
const SHORTEST: Duration = Duration::from_micros(100);
