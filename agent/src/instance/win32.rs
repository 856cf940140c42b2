//! The place as a mutex of the login session, and an event that asks its holder to come to the front.
//!
//! Names that begin with `Local\` are seen in one session alone, and Windows drops them with the process. The objects of
//! an agent with administrator rights may not be opened by one without, nor those of another user's: that Windows
//! denies it says that they are there.
#![expect(
    unsafe_code,
    reason = "named objects of the system are foreign functions"
)]

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};

use windows::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_ALREADY_EXISTS, GetLastError, HANDLE, WAIT_OBJECT_0,
};
use windows::Win32::System::Threading::{
    CreateEventW, CreateMutexW, INFINITE, SetEvent, WaitForSingleObject,
};
use windows::core::HSTRING;

use super::Place;

/// Held by the only agent of a login session.
pub struct First {
    /// Nobody waits for it: that it exists says everything.
    place: OwnedHandle,
    front: OwnedHandle,
}

/// Who holds the place: its event, where that can be opened.
pub(super) struct Holder(Option<OwnedHandle>);

impl Holder {
    /// Asks for its window, if it can be asked.
    pub(super) fn front(self) -> io::Result<()> {
        let Self(Some(front)) = self else {
            return Ok(());
        };
        // SAFETY: the handle is open.
        unsafe { SetEvent(HANDLE(front.as_raw_handle()))? };
        Ok(())
    }
}

pub(super) fn place(display: &str) -> io::Result<Place> {
    let name = HSTRING::from(format!("Local\\fernsicht-agent-front/{display}"));
    // SAFETY: no attributes, and a name that lives until this returns.
    let front = match Named::of(|| unsafe { CreateEventW(None, false, false, &name) })? {
        Named::New(front) | Named::There(front) => front,
        Named::Barred => return Ok(Place::Theirs(Holder(None))),
    };
    let name = HSTRING::from(format!("Local\\fernsicht-agent/{display}"));
    // SAFETY: as above.
    match Named::of(|| unsafe { CreateMutexW(None, false, &name) })? {
        Named::New(place) => Ok(Place::Ours(First { place, front })),
        Named::There(_) | Named::Barred => Ok(Place::Theirs(Holder(Some(front)))),
    }
}

/// What became of making an object with a name.
enum Named {
    New(OwnedHandle),
    There(OwnedHandle),
    /// It is there, and may not be opened.
    Barred,
}

impl Named {
    fn of(make: impl FnOnce() -> windows::core::Result<HANDLE>) -> io::Result<Self> {
        let handle = match make() {
            Ok(handle) => handle,
            Err(error) if error.code() == ERROR_ACCESS_DENIED.to_hresult() => {
                return Ok(Self::Barred);
            }
            Err(error) => return Err(error.into()),
        };
        // SAFETY: takes nothing; asked before anything else can say something else.
        let there = unsafe { GetLastError() } == ERROR_ALREADY_EXISTS;
        // SAFETY: the handle is ours, also to an object that was there already.
        let handle = unsafe { OwnedHandle::from_raw_handle(handle.0) };
        Ok(match there {
            true => Self::There(handle),
            false => Self::New(handle),
        })
    }
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

#[cfg(test)]
mod tests {
    use windows::Win32::Foundation::FALSE;
    use windows::Win32::Security::{
        ACL, ACL_REVISION, InitializeAcl, InitializeSecurityDescriptor, PSECURITY_DESCRIPTOR,
        SECURITY_ATTRIBUTES, SECURITY_DESCRIPTOR, SetSecurityDescriptorDacl,
    };

    use super::*;

    /// Attributes of what nobody may open, as the objects of a program with more rights.
    fn barred(make: impl FnOnce(&SECURITY_ATTRIBUTES) -> HANDLE) -> OwnedHandle {
        let mut list = [0u32; 8];
        let mut descriptor = SECURITY_DESCRIPTOR::default();
        let descriptor = PSECURITY_DESCRIPTOR((&raw mut descriptor).cast());
        // SAFETY: an empty list in room of its own, in a descriptor of its own; both live until the object is made, whose
        // handle nobody else has.
        unsafe {
            let list = list.as_mut_ptr().cast::<ACL>();
            InitializeAcl(list, 32, ACL_REVISION).expect("room");
            InitializeSecurityDescriptor(descriptor, 1).expect("a descriptor");
            SetSecurityDescriptorDacl(descriptor, true, Some(list), false).expect("a list");
            let attributes = SECURITY_ATTRIBUTES {
                nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
                lpSecurityDescriptor: descriptor.0,
                bInheritHandle: FALSE,
            };
            OwnedHandle::from_raw_handle(make(&attributes).0)
        }
    }

    #[test]
    fn what_may_not_be_opened_is_there() {
        let display = format!(":barred-{}", std::process::id());
        let name = HSTRING::from(format!("Local\\fernsicht-agent/{display}"));
        // SAFETY: attributes and name live until it returns.
        let held = barred(|attributes| unsafe {
            CreateMutexW(Some(attributes), false, &name).expect("a mutex")
        });
        assert!(matches!(
            place(&display),
            Ok(Place::Theirs(Holder(Some(_))))
        ));
        drop(held);
        assert!(matches!(place(&display), Ok(Place::Ours(_))));
        let name = HSTRING::from(format!("Local\\fernsicht-agent-front/{display}"));
        // SAFETY: as above.
        let held = barred(|attributes| unsafe {
            CreateEventW(Some(attributes), false, false, &name).expect("an event")
        });
        let Ok(Place::Theirs(holder)) = place(&display) else {
            panic!("the event may not be opened")
        };
        assert!(
            holder.front().is_ok(),
            "who cannot be asked is there all the same"
        );
        drop(held);
        assert!(matches!(place(&display), Ok(Place::Ours(_))));
    }
}
