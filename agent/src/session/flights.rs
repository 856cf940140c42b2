//! How many frames of classes 6 to 9 are under way, so that a peer that does not read takes
//! no memory: while it is too much, nothing more is captured, encoded or sealed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::platform::Waker;

/// Frames under way at most: as many as streams may be open.
const MOST_FRAMES: usize = 64;

/// Bytes under way at most: two of the largest updates.
const MOST_BYTES: usize = 32 << 20;

/// Counts what is under way.
#[derive(Default)]
pub(super) struct Flights {
    frames: AtomicUsize,
    bytes: AtomicUsize,
    /// Woken when there is room again.
    waker: Mutex<Option<Waker>>,
}

impl Flights {
    /// True if nothing more may be sealed.
    pub(super) fn full(&self) -> bool {
        self.frames.load(Ordering::Acquire) >= MOST_FRAMES
            || self.bytes.load(Ordering::Acquire) >= MOST_BYTES
    }

    /// Counts a frame until the flight is dropped.
    pub(super) fn begin(flights: &Arc<Self>, bytes: usize) -> Flight {
        flights.frames.fetch_add(1, Ordering::AcqRel);
        flights.bytes.fetch_add(bytes, Ordering::AcqRel);
        Flight {
            flights: flights.clone(),
            bytes,
        }
    }

    /// Whom to wake when there is room again.
    pub(super) fn set_waker(&self, waker: Option<Waker>) {
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = waker;
    }
}

/// One frame under way.
pub(super) struct Flight {
    flights: Arc<Flights>,
    bytes: usize,
}

impl std::fmt::Debug for Flight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Flight({} bytes)", self.bytes)
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let full = self.flights.full();
        self.flights.frames.fetch_sub(1, Ordering::AcqRel);
        self.flights.bytes.fetch_sub(self.bytes, Ordering::AcqRel);
        if full && !self.flights.full() {
            let waker = self
                .flights
                .waker
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some(waker) = &*waker {
                waker.wake();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_under_way_is_bounded_in_frames_and_in_bytes() {
        let flights = Arc::new(Flights::default());
        let many: Vec<_> = (0..MOST_FRAMES)
            .map(|_| Flights::begin(&flights, 1))
            .collect();
        assert!(flights.full());
        drop(many);
        assert!(!flights.full());
        let large = Flights::begin(&flights, MOST_BYTES);
        assert!(flights.full());
        drop(large);
        assert!(!flights.full());
    }
}
