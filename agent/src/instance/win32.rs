//! The place as a mutex of the login session, and an event that asks its holder to come to the front.
//!
//! Names that begin with `Local\` are seen in one session alone, and Windows drops them with the process.
#![expect(
    unsafe_code,
    reason = "named objects of the system are foreign functions"
)]

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};

use windows::Win32::Foundation::{ERROR_ALREADY_EXISTS, GetLastError, HANDLE, WAIT_OBJECT_0};
use windows::Win32::System::Threading::{
    CreateEventW, CreateMutexW, INFINITE, SetEvent, WaitForSingleObject,
};
use windows::core::HSTRING;

use super::Instance;

/// Held by the only agent of a login session.
pub struct First {
    /// Nobody waits for it: that it exists says everything.
    place: OwnedHandle,
    front: OwnedHandle,
}

pub(super) fn take(display: &str) -> io::Result<Instance> {
    let front = {
        let name = HSTRING::from(format!("Local\\fernsicht-agent-front/{display}"));
        // SAFETY: no attributes; the handle is new, also to an event that is there already.
        unsafe { OwnedHandle::from_raw_handle(CreateEventW(None, false, false, &name)?.0) }
    };
    let name = HSTRING::from(format!("Local\\fernsicht-agent/{display}"));
    // SAFETY: as above. Whether it was there is asked before anything else can say something else.
    let (place, there) = unsafe {
        let place = CreateMutexW(None, false, &name)?;
        let there = GetLastError() == ERROR_ALREADY_EXISTS;
        (OwnedHandle::from_raw_handle(place.0), there)
    };
    if there {
        // SAFETY: the handle is open.
        unsafe { SetEvent(HANDLE(front.as_raw_handle()))? };
        return Ok(Instance::Running);
    }
    Ok(Instance::First(First { place, front }))
}

impl First {
    /// Calls `front` whenever another start asks for it, on a thread of its own.
    /// Errors: the system has no room for a thread.
    pub fn listen(self, front: impl Fn() + Send + 'static) -> io::Result<()> {
        std::thread::Builder::new()
            .name("instance".to_owned())
            .spawn(move || {
                let Self {
                    place: _place,
                    front: asked,
                } = self;
                // SAFETY: the handle is open as long as this thread runs.
                while unsafe { WaitForSingleObject(HANDLE(asked.as_raw_handle()), INFINITE) }
                    == WAIT_OBJECT_0
                {
                    front();
                }
            })?;
        Ok(())
    }
}
