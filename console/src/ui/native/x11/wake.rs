//! Sleeping on the X connection without polling, and being woken from other threads: one `poll(2)` on the connection and
//! on an eventfd.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};

/// Ends a sleep from another thread. Clones wake the same sleep.
#[derive(Debug, Clone)]
pub(in crate::ui::native) struct Waker(Arc<OwnedFd>);

impl Waker {
    /// One that nobody waits for yet. Errors: the system has no more descriptors.
    pub(in crate::ui::native) fn new() -> io::Result<Self> {
        let fd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self(Arc::new(fd)))
    }

    /// Wakes; a wake that comes while nobody sleeps ends the next sleep.
    pub(in crate::ui::native) fn wake(&self) {
        // The only failure is a counter at its limit: then the sleep ends anyway.
        rustix::io::write(&*self.0, &1u64.to_ne_bytes()).ok();
    }

    /// Sleeps until it is used or the connection has bytes. True if it was used.
    pub(in crate::ui::native) fn sleep(&self, connection: BorrowedFd<'_>) -> io::Result<bool> {
        let mut fds = [
            PollFd::from_borrowed_fd(connection, PollFlags::IN),
            PollFd::new(&*self.0, PollFlags::IN),
        ];
        loop {
            match poll(&mut fds, None) {
                Ok(_) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut count = [0; 8];
        Ok(rustix::io::read(&*self.0, &mut count[..]).is_ok())
    }
}
