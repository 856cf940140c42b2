//! How much of the frames on streams of their own may be in memory before the engine has
//! opened them.
//!
//! QUIC gives the relay its credit back as soon as a stream has been read. What bounds the
//! memory is therefore a share of this budget, taken before reading and held until the frame is
//! handled. A stream that waits for its share is not read, and holds the relay back.
//!
//! Beacons and pointers have counts of their own: they do not wait behind pictures.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fernsicht_protocol::frame::{Class, Header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Frames of a kind.
const MOST_FRAMES: usize = 64;

/// KiB of pictures and refinements.
const MOST_PICTURE_KIB: usize = 64 << 10;

/// The budget of a link.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    beacons: Arc<Semaphore>,
    pointers: Arc<Semaphore>,
    pictures: Arc<Semaphore>,
    picture_kib: Arc<Semaphore>,
    arriving: Arriving,
}

/// Which pictures are arriving: begun, and not handled yet. Kept over links.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arriving(Arc<AtomicUsize>);

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Arrival(Arriving);

impl Arriving {
    /// One more.
    pub(crate) fn begin(&self) -> Arrival {
        self.0.fetch_add(1, Ordering::AcqRel);
        Arrival(self.clone())
    }

    /// True while there is one.
    pub(crate) fn any(&self) -> bool {
        self.0.load(Ordering::Acquire) > 0
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What a frame holds of it; given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    _arrival: Option<Arrival>,
    _frame: Option<OwnedSemaphorePermit>,
    _bytes: Option<OwnedSemaphorePermit>,
}

impl Budget {
    pub(super) fn new(arriving: Arriving) -> Self {
        let frames = || Arc::new(Semaphore::new(MOST_FRAMES));
        Self {
            beacons: frames(),
            pointers: frames(),
            pictures: frames(),
            picture_kib: Arc::new(Semaphore::new(MOST_PICTURE_KIB)),
            arriving,
        }
    }

    /// Waits for the share of a frame with this header.
    pub(super) async fn take(&self, header: &Header) -> Share {
        let picture = matches!(header.class, Class::Picture | Class::Refinement);
        let arrival = picture.then(|| self.arriving.begin());
        let (frames, kib) = match header.class {
            Class::Picture | Class::Refinement => (&self.pictures, header.length.div_ceil(1024)),
            Class::Pointer => (&self.pointers, 0),
            Class::Beacon
            | Class::Rights
            | Class::Input
            | Class::Acks
            | Class::Heads
            | Class::Notices
            | Class::Transfer => (&self.beacons, 0),
        };
        // Never closed, so never an error.
        Share {
            _arrival: arrival,
            _frame: frames.clone().acquire_owned().await.ok(),
            _bytes: self.picture_kib.clone().acquire_many_owned(kib).await.ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use fernsicht_protocol::frame::Direction;
    use fernsicht_protocol::rights::Rights;

    use super::*;

    /// What the future gives without waiting.
    fn now<T>(future: impl Future<Output = T>) -> Option<T> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::pin!(future).poll(&mut context) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        }
    }

    fn header(class: Class, length: u32) -> Header {
        Header {
            epoch: 1,
            direction: Direction::AgentToConsole,
            class,
            number: 0,
            grant: 1,
            rights: Rights::View,
            length,
        }
    }

    #[test]
    fn pictures_wait_for_bytes_and_all_for_their_count() {
        let arriving = Arriving::default();
        let budget = Budget::new(arriving.clone());
        assert!(!arriving.any());
        let large = header(Class::Picture, 16 << 20);
        let mut held: Vec<_> = (0..4).map(|_| now(budget.take(&large)).unwrap()).collect();
        let small = header(Class::Refinement, 1);
        assert!(now(budget.take(&small)).is_none());
        held.pop();
        held.extend((3..MOST_FRAMES).map(|_| now(budget.take(&small)).unwrap()));
        assert!(now(budget.take(&small)).is_none());
        assert!(arriving.any());
        drop(held);
        assert!(!arriving.any());
        let _held = now(budget.take(&small)).unwrap();
        // Others do not wait behind pictures.
        for class in [Class::Beacon, Class::Pointer] {
            let header = header(class, 100);
            let held: Vec<_> = (0..MOST_FRAMES)
                .map(|_| now(budget.take(&header)).unwrap())
                .collect();
            assert!(now(budget.take(&header)).is_none());
            drop(held);
            assert!(now(budget.take(&header)).is_some());
        }
    }
}
