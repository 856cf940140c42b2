//! A technician who types without a pause, letter by letter through the alphabet, while other things happen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::device::Device;

/// The letters, again and again: their order tells which one is missing.
pub const LETTERS: &str = "abcdefghijklmnopqrstuvwx";

/// Types until stopped.
#[derive(Debug)]
pub struct Typist {
    stop: Arc<AtomicBool>,
    letters: Arc<AtomicUsize>,
    thread: JoinHandle<Result<()>>,
}

impl Typist {
    /// Begins, on the physical keyboard of this display, with so long a pause behind each half of a key stroke.
    pub fn start(display: &str, pace: Duration) -> Result<Self> {
        let device = Device::physical(display)?.paced(pace);
        let (stop, letters) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicUsize::new(0)),
        );
        let (ended, count) = (Arc::clone(&stop), Arc::clone(&letters));
        let thread = thread::spawn(move || {
            for letter in LETTERS.chars().cycle() {
                if ended.load(Ordering::Relaxed) {
                    break;
                }
                device.type_text(letter.encode_utf8(&mut [0; 4]))?;
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        });
        Ok(Self {
            stop,
            letters,
            thread,
        })
    }

    /// How many letters it has typed: each travels as one event.
    pub fn letters(&self) -> usize {
        self.letters.load(Ordering::Relaxed)
    }

    /// Ends. Returns how many letters it has typed.
    pub fn stop(self) -> Result<usize> {
        self.stop.store(true, Ordering::Relaxed);
        let letters = Arc::clone(&self.letters);
        self.thread
            .join()
            .map_err(|_| anyhow!("the typist's thread panicked"))??;
        Ok(letters.load(Ordering::Relaxed))
    }
}
