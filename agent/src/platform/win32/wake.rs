//! Sleeping without polling, and being woken from other threads: one event of the system.

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::sync::Arc;
use std::time::{Duration, Instant};

use windows::Win32::Foundation::{HANDLE, WAIT_OBJECT_0};
use windows::Win32::System::Threading::{
    CreateEventW, INFINITE, ResetEvent, SetEvent, WaitForSingleObject,
};

/// Ends a wait from another thread. Clones wake the same wait.
#[derive(Debug, Clone)]
pub struct Waker(Arc<OwnedHandle>);

impl Waker {
    /// One that nobody waits for yet. Errors: the system has no more handles.
    pub fn new() -> io::Result<Self> {
        // SAFETY: no attributes and no name; the handle is new and nobody else's.
        let event =
            unsafe { OwnedHandle::from_raw_handle(CreateEventW(None, true, false, None)?.0) };
        Ok(Self(Arc::new(event)))
    }

    /// Wakes; a wake that comes while nobody waits ends the next wait.
    pub fn wake(&self) {
        // SAFETY: the handle is open as long as this lives. It fails for no event.
        unsafe { SetEvent(self.handle()) }.ok();
    }

    /// Takes a pending wake.
    pub(crate) fn take(&self) -> bool {
        // SAFETY: as above.
        let pending = unsafe { WaitForSingleObject(self.handle(), 0) } == WAIT_OBJECT_0;
        if pending {
            // SAFETY: as above.
            unsafe { ResetEvent(self.handle()) }.ok();
        }
        pending
    }

    pub(super) fn handle(&self) -> HANDLE {
        HANDLE(self.0.as_raw_handle())
    }
}

/// Sleeps until the waker was used or the deadline has passed. Says whether the deadline passed first.
pub(super) fn sleep(waker: &Waker, deadline: Option<Instant>) -> bool {
    let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    // SAFETY: the handle is open as long as the waker lives.
    unsafe { WaitForSingleObject(waker.handle(), milliseconds(left)) != WAIT_OBJECT_0 }
}

/// Rounded up, so that a deadline has passed when the wait is over.
pub(super) fn milliseconds(left: Option<Duration>) -> u32 {
    left.map_or(INFINITE, |left| {
        u32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(INFINITE - 1)
    })
}
