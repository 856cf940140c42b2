//! The memory of a process, sampled on a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::proc;

/// A watch over one process.
#[derive(Debug)]
pub struct Memory {
    pid: u32,
    before_kib: u64,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<u64>>,
}

/// How a process grew.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Growth {
    /// Resident memory at the start.
    pub before_kib: u64,
    /// The most that was seen.
    pub most_kib: u64,
    /// At the end.
    pub after_kib: u64,
}

impl Growth {
    /// From the start to the most.
    pub fn kib(&self) -> u64 {
        self.most_kib.saturating_sub(self.before_kib)
    }

    /// A sentence if it grew by more.
    pub fn failures(&self, limit_kib: u64) -> Vec<String> {
        let grown = self.kib();
        match grown > limit_kib {
            true => vec![format!(
                "the relay grew by {grown} KiB, more than {limit_kib}"
            )],
            false => Vec::new(),
        }
    }
}

impl Memory {
    /// Watches from now on.
    pub fn watch(pid: u32) -> Result<Self> {
        let before_kib = proc::resident_kib(pid)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut most = 0;
            while !stopped.load(Ordering::Relaxed) {
                // A process that is gone grows no more; that it is gone is found elsewhere.
                most = most.max(proc::resident_kib(pid).unwrap_or_default());
                thread::sleep(EVERY);
            }
            most
        });
        Ok(Self {
            pid,
            before_kib,
            stop,
            thread: Some(thread),
        })
    }

    /// What was seen.
    pub fn stop(mut self) -> Growth {
        self.stop.store(true, Ordering::Relaxed);
        let most = self.thread.take().and_then(|thread| thread.join().ok());
        let after_kib = proc::resident_kib(self.pid).unwrap_or_default();
        Growth {
            before_kib: self.before_kib,
            most_kib: most.unwrap_or_default().max(after_kib),
            after_kib,
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

const EVERY: Duration = Duration::from_millis(20);
