//! Sleeping on the X connection without polling, and being woken from other threads.
//!
//! A wait costs nothing while nothing happens: one `poll(2)` on the connection and on an
//! eventfd. Not here: reading the events; the waiting part drains its own connection.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

/// Ends a wait from another thread. Clones wake the same wait.
#[derive(Debug, Clone)]
pub struct Waker(Arc<OwnedFd>);

impl Waker {
    /// One that nobody waits for yet. Errors: the system has no more descriptors.
    pub fn new() -> io::Result<Self> {
        let fd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self(Arc::new(fd)))
    }

    /// Wakes; a wake that comes while nobody waits ends the next wait.
    pub fn wake(&self) {
        // The only failure is a counter at its limit: then the wait ends anyway.
        rustix::io::write(&*self.0, &1u64.to_ne_bytes()).ok();
    }

    /// Takes a pending wake.
    pub(crate) fn take(&self) -> bool {
        let mut count = [0; 8];
        rustix::io::read(&*self.0, &mut count[..]).is_ok()
    }
}

/// Sleeps until the connection has bytes, the waker was used, or the deadline has passed.
/// Says whether the deadline passed first.
pub(crate) fn sleep(
    connection: BorrowedFd<'_>,
    waker: &Waker,
    deadline: Option<Instant>,
) -> io::Result<bool> {
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let mut fds = [
            PollFd::from_borrowed_fd(connection, PollFlags::IN),
            PollFd::new(&*waker.0, PollFlags::IN),
        ];
        match poll(&mut fds, left.map(timespec).as_ref()) {
            Ok(0) => return Ok(true),
            Ok(_) => return Ok(false),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}
