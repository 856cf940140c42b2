//! Memory that the X server writes pictures into: a memfd handed over by descriptor.
//!
//! ```text
//! memfd ──ShmAttachFd──► X server ──ShmGetImage──► memfd ──preadv──► Pixels
//! ```
//!
//! A memfd has no name: it is neither in /dev/shm nor in the list of SysV segments, and
//! only a process of the same user could reach it through /proc. It ends with its
//! last descriptor, a crash included.
//!
//! The memory is read with `preadv` and not mapped: no `unsafe`, no fault if the other side shrinks
//! the file, and the rows land where they belong in one copy.

use std::io::{self, IoSliceMut};
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use x11rb::connection::Connection as _;
use x11rb::protocol::shm::{self, ConnectionExt as _};
use x11rb::rust_connection::RustConnection;

use super::{Error, Link};
use crate::platform::{Pixels, Rect};

/// One segment shared with the X server.
pub(super) struct Segment {
    memory: OwnedFd,
    pub(super) id: shm::Seg,
    pub(super) bytes: usize,
}

impl Segment {
    /// Shares this many bytes; `None` if the server takes no descriptors (too old, or on
    /// another machine).
    pub(super) fn share(link: &Link, bytes: usize) -> Result<Option<Self>, Error> {
        if !descriptors_taken(link)? {
            return Ok(None);
        }
        let memory = memfd_create(c"picture", MemfdFlags::CLOEXEC).map_err(io::Error::from)?;
        ftruncate(&memory, bytes as u64).map_err(io::Error::from)?;
        let id = link.connection.generate_id()?;
        let handed = memory.try_clone()?;
        let attached = link.connection.shm_attach_fd(id, handed, false);
        match attached.map(|cookie| cookie.check()) {
            Ok(Ok(())) => Ok(Some(Self { memory, id, bytes })),
            Ok(Err(error)) if super::outdated(&error) => Ok(None),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Ok(None),
        }
    }

    /// Ends the sharing.
    pub(super) fn detach(self, connection: &RustConnection) {
        // The connection may be gone already; the server drops the segment with it.
        connection
            .shm_detach(self.id)
            .map(|cookie| cookie.ignore_error())
            .ok();
    }

    /// Copies a rectangle that the server wrote at `offset`, row after row, into the picture.
    pub(super) fn copy(&self, offset: usize, rect: Rect, into: &mut Pixels) -> io::Result<()> {
        let stride = usize::from(into.width) * 4;
        let (left, row) = (usize::from(rect.x) * 4, usize::from(rect.width) * 4);
        let mut rows = into
            .bgrx
            .chunks_exact_mut(stride)
            .skip(usize::from(rect.y))
            .take(usize::from(rect.height))
            .map(|line| &mut line[left..left + row]);
        let mut from = offset as u64;
        loop {
            let mut batch: Vec<IoSliceMut<'_>> = rows
                .by_ref()
                .take(ROWS_A_CALL)
                .map(IoSliceMut::new)
                .collect();
            if batch.is_empty() {
                return Ok(());
            }
            let wanted = row * batch.len();
            let read = rustix::io::preadv(&self.memory, &mut batch, from)?;
            if read != wanted {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            from += wanted as u64;
        }
    }
}

/// The kernel takes at most this many pieces in one call (`IOV_MAX`).
const ROWS_A_CALL: usize = 1024;

fn descriptors_taken(link: &Link) -> Result<bool, Error> {
    if !link.has(shm::X11_EXTENSION_NAME)? {
        return Ok(false);
    }
    let version = link.connection.shm_query_version()?.reply()?;
    Ok((version.major_version, version.minor_version) >= (1, 2))
}
