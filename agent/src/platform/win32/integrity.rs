//! What is beyond the reach of a program without administrator rights: windows of programs that have them, and the
//! secure desktop, where Windows asks for a password or for consent.
//!
//! Windows drops what is injected there without a word, so it is asked for before.

use std::os::windows::io::{FromRawHandle, OwnedHandle};
use std::sync::OnceLock;

use windows::Win32::Foundation::{ERROR_ACCESS_DENIED, HANDLE, HWND, POINT};
use windows::Win32::Security::{
    GetSidSubAuthority, GetSidSubAuthorityCount, GetTokenInformation, TOKEN_MANDATORY_LABEL,
    TOKEN_QUERY, TokenIntegrityLevel,
};
use windows::Win32::System::StationsAndDesktops::{
    CloseDesktop, DESKTOP_CONTROL_FLAGS, DESKTOP_READOBJECTS, OpenInputDesktop,
};
use windows::Win32::System::Threading::{
    GetCurrentProcess, OpenProcess, OpenProcessToken, PROCESS_QUERY_LIMITED_INFORMATION,
};
use windows::Win32::UI::WindowsAndMessaging::{
    GetForegroundWindow, GetWindowThreadProcessId, WindowFromPoint,
};

/// True if this program has administrator rights.
pub(super) fn elevated() -> bool {
    own() >= HIGH
}

/// True while another desktop has the input: the secure one, or a locked screen.
pub(super) fn desktop_barred() -> bool {
    // SAFETY: the handle is closed at once.
    unsafe {
        match OpenInputDesktop(DESKTOP_CONTROL_FLAGS(0), false, DESKTOP_READOBJECTS) {
            Ok(desktop) => {
                CloseDesktop(desktop).ok();
                false
            }
            Err(error) => error.code() == ERROR_ACCESS_DENIED.to_hresult(),
        }
    }
}

/// True if what is typed would go to a program with more rights than this one.
pub(super) fn front_barred() -> bool {
    // SAFETY: takes nothing.
    barred(unsafe { GetForegroundWindow() })
}

/// True if a click at this point of the desktop would go to a program with more rights than this one.
pub(super) fn point_barred(x: i32, y: i32) -> bool {
    // SAFETY: numbers alone.
    barred(unsafe { WindowFromPoint(POINT { x, y }) })
}

fn barred(window: HWND) -> bool {
    if window.is_invalid() {
        return false;
    }
    let mut process = 0;
    // SAFETY: the number is ours; a window that is gone has no process.
    unsafe { GetWindowThreadProcessId(window, Some(&raw mut process)) };
    if process == 0 || process == std::process::id() {
        return false;
    }
    // What may not even be asked about is beyond reach.
    level(process).is_none_or(|level| level > own())
}

/// A process's integrity. None if it may not be asked for.
fn level(process: u32) -> Option<u32> {
    // SAFETY: the handle is new, and closed when it is dropped.
    let process = unsafe {
        let handle = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, false, process).ok()?;
        OwnedHandle::from_raw_handle(handle.0)
    };
    level_of(HANDLE(std::os::windows::io::AsRawHandle::as_raw_handle(
        &process,
    )))
}

fn own() -> u32 {
    static OWN: OnceLock<u32> = OnceLock::new();
    // SAFETY: the pseudo handle of this process needs no closing.
    *OWN.get_or_init(|| level_of(unsafe { GetCurrentProcess() }).unwrap_or(MEDIUM))
}

fn level_of(process: HANDLE) -> Option<u32> {
    let mut token = HANDLE::default();
    // The label and, behind it, its identifier. In words, so that it is aligned as the label wants it.
    let mut label = [0usize; 32];
    let mut size = 0;
    // SAFETY: the token is new and closed when it is dropped; Windows is told how much room there is, and the identifier
    // that it writes lies in that room.
    unsafe {
        OpenProcessToken(process, TOKEN_QUERY, &raw mut token).ok()?;
        let _closes = OwnedHandle::from_raw_handle(token.0);
        GetTokenInformation(
            token,
            TokenIntegrityLevel,
            Some(label.as_mut_ptr().cast()),
            size_of_val(&label) as u32,
            &raw mut size,
        )
        .ok()?;
        let sid = (*label.as_ptr().cast::<TOKEN_MANDATORY_LABEL>()).Label.Sid;
        let count = *GetSidSubAuthorityCount(sid);
        let last = count.checked_sub(1)?;
        Some(*GetSidSubAuthority(sid, last.into()))
    }
}

/// `SECURITY_MANDATORY_MEDIUM_RID`: what programs have that were simply started.
const MEDIUM: u32 = 0x2000;
/// `SECURITY_MANDATORY_HIGH_RID`: what programs have that an administrator let have it.
const HIGH: u32 = 0x3000;
