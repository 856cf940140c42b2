//! What the parts for Windows share: the same names as on X11, each on a thread or a handle of its own.
//!
//! ```text
//! capture    desktop duplication, or GDI with comparison where that is refused
//! inject     SendInput: scan codes for keys, Unicode for text
//! watch      low-level hooks that only hand over, and F11 as a hot key beside them
//! desk       windows by their order, their process and their integrity
//! elevate    this program anew, with administrator rights
//! ```
//!
//! Windows' own interfaces are called in this leaf alone, and are the only reason for `unsafe` in this program. Each
//! block says what makes its call sound; what takes plain values and returns plain values says nothing.
//!
//! Not here: anything that decides.
#![expect(
    unsafe_code,
    reason = "the system's interfaces are foreign functions; this leaf is the only one that calls them"
)]

use super::Error;

pub mod aftercare;
mod capture;
pub mod clipboard;
mod covers;
pub(super) mod desk;
pub(super) mod elevate;
mod hooks;
pub(super) mod inject;
mod integrity;
mod keys;
mod layer;
pub(super) mod marker;
pub(super) mod panel;
pub(super) mod pointer;
mod pump;
mod screens;
mod session;
mod wake;
pub(super) mod watch;

pub use aftercare::Aftercare;
pub use clipboard::Clipboard;
pub use covers::Covers;
pub use session::{
    dark, desktop, follow_monitors, keep_out, open_capture, protected, removable, stop_key_taken,
};
pub use wake::Waker;

impl From<windows::core::Error> for Error {
    fn from(error: windows::core::Error) -> Self {
        Self::Lost(error.message())
    }
}

/// A window's number: handles are numbers of 32 bits that Windows extends by their sign.
fn number(window: windows::Win32::Foundation::HWND) -> u32 {
    window.0 as usize as u32
}

/// The window with this number.
fn window(number: u32) -> windows::Win32::Foundation::HWND {
    windows::Win32::Foundation::HWND(number.cast_signed() as isize as *mut std::ffi::c_void)
}

/// Zero-terminated, as Windows takes text.
fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// A place of Windows as ours: its part that a desktop can have. None for an empty one.
fn area(rect: &windows::Win32::Foundation::RECT) -> Option<super::Area> {
    let within = |at: i32| at.clamp(i16::MIN.into(), i16::MAX.into());
    let along = |from: i32, to: i32| {
        let (from, to) = (within(from), within(to));
        let length = u16::try_from(to - from).ok().filter(|length| *length > 0);
        i16::try_from(from).ok().zip(length)
    };
    let (x, width) = along(rect.left, rect.right)?;
    let (y, height) = along(rect.top, rect.bottom)?;
    Some(super::Area {
        x,
        y,
        width,
        height,
    })
}
