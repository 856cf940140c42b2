//! A text that the customer may paste: the agent owns the clipboard until it lets go.
//!
//! ```text
//! TransferPermit ─► Clipboard::take ─► the clipboard is ours ─► a window on a thread of its own owns it
//!                                          │ dropped
//!                                          ▼
//!                                      emptied, unless somebody copied something else: nothing is left
//! ```
//!
//! It is marked as one that managers, Windows' history and its cloud keep no copy of. Not here: whether it may be taken
//! (the guard's).

use windows::Win32::Foundation::{GlobalFree, HANDLE, HWND};
use windows::Win32::System::DataExchange::{
    CloseClipboard, EmptyClipboard, GetClipboardOwner, OpenClipboard, RegisterClipboardFormatW,
    SetClipboardData,
};
use windows::Win32::System::Memory::{GMEM_MOVEABLE, GlobalAlloc, GlobalLock, GlobalUnlock};
use windows::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DestroyWindow, HWND_MESSAGE, WINDOW_EX_STYLE, WINDOW_STYLE,
};
use windows::core::{PCWSTR, w};

use super::pump::{Pump, Serve};
use super::wide;
use crate::platform::{Error, TransferPermit};

/// A place from which the clipboard can be taken.
pub struct Clipboard(());

/// The clipboard is ours. Dropped, it is not.
pub struct Taken(#[expect(dead_code, reason = "it holds the window")] Pump);

impl Clipboard {
    /// Takes nothing.
    pub fn open(_: Option<&str>) -> Result<Self, Error> {
        Ok(Self(()))
    }

    /// Takes the clipboard for this text. Errors: also if somebody else keeps it.
    pub fn take(self, _permit: &TransferPermit<'_>, text: String) -> Result<Taken, Error> {
        let (pump, ()) = Pump::start("clipboard", move || {
            let owner = Owner::new()?;
            owner.fill(&text)?;
            Ok(((), owner))
        })?;
        Ok(Taken(pump))
    }
}

/// The window that owns it.
struct Owner(HWND);

impl Serve for Owner {}

impl Owner {
    fn new() -> Result<Self, Error> {
        let (look, style) = (WINDOW_EX_STYLE(0), WINDOW_STYLE(0));
        let (class, parent) = (w!("STATIC"), Some(HWND_MESSAGE));
        // SAFETY: a class that Windows has itself; the window is never shown.
        let window = unsafe {
            CreateWindowExW(
                look, class, None, style, 0, 0, 0, 0, parent, None, None, None,
            )?
        };
        Ok(Self(window))
    }

    fn fill(&self, text: &str) -> Result<(), Error> {
        let _open = Open::now(self.0)?;
        // SAFETY: the clipboard is open for our window, which owns it from then on.
        unsafe { EmptyClipboard()? };
        let none = [0u8; 4];
        for name in [
            w!("ExcludeClipboardContentFromMonitorProcessing"),
            w!("CanIncludeInClipboardHistory"),
            w!("CanUploadToCloudClipboard"),
        ] {
            put(format(name), &none)?;
        }
        let units: Vec<u8> = wide(text)
            .iter()
            .flat_map(|unit| unit.to_le_bytes())
            .collect();
        put(UNICODE_TEXT, &units)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // SAFETY: the window is ours and on this thread. What somebody copied since is not touched.
        unsafe {
            if GetClipboardOwner().is_ok_and(|owner| owner == self.0)
                && let Ok(_open) = Open::now(self.0)
            {
                EmptyClipboard().ok();
            }
            DestroyWindow(self.0).ok();
        }
    }
}

/// The clipboard, open.
struct Open;

impl Open {
    fn now(window: HWND) -> Result<Self, Error> {
        // SAFETY: the window is ours; another program may have it open, then it is tried a few times.
        let open = || unsafe { OpenClipboard(Some(window)) };
        for _ in 0..ATTEMPTS {
            if open().is_ok() {
                return Ok(Self);
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        Err(Error::Unsupported {
            detail: "Another program keeps the clipboard.",
        })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // SAFETY: it is open.
        unsafe { CloseClipboard() }.ok();
    }
}

fn format(name: PCWSTR) -> u32 {
    // SAFETY: a text of the program's own.
    unsafe { RegisterClipboardFormatW(name) }
}

fn put(format: u32, bytes: &[u8]) -> Result<(), Error> {
    // SAFETY: the memory has room for the bytes; once the clipboard took it, it is the clipboard's, else it is freed.
    unsafe {
        let memory = GlobalAlloc(GMEM_MOVEABLE, bytes.len())?;
        let place = GlobalLock(memory);
        if place.is_null() {
            GlobalFree(Some(memory)).ok();
            return Err(windows::core::Error::from_thread().into());
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), place.cast(), bytes.len());
        // It says that it is unlocked by an error without a number.
        GlobalUnlock(memory).ok();
        if let Err(error) = SetClipboardData(format, Some(HANDLE(memory.0))) {
            GlobalFree(Some(memory)).ok();
            return Err(error.into());
        }
    }
    Ok(())
}

const ATTEMPTS: u8 = 20;
/// `CF_UNICODETEXT`.
const UNICODE_TEXT: u32 = 13;
