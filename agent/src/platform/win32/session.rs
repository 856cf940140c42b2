//! The Windows session as a whole: its screens, its colours, its disks, and what of it is beyond this program's reach.

use std::path::PathBuf;

use windows::Win32::Storage::FileSystem::{GetDriveTypeW, GetLogicalDrives};
use windows::Win32::System::Registry::{HKEY_CURRENT_USER, RRF_RT_REG_DWORD, RegGetValueW};
use windows::Win32::UI::WindowsAndMessaging::{SetWindowDisplayAffinity, WDA_EXCLUDEFROMCAPTURE};
use windows::core::{PCWSTR, w};

use super::hooks::HotKey;
use super::{capture, integrity, screens, wide, window};
use crate::platform::{Capture, Desktop, Error, Monitor, Waker};

/// What this session shows, and by which name another start of this program would know it.
pub fn desktop() -> Desktop {
    // Names of the session's own kind are not seen in other sessions.
    Desktop::Shown("session".to_owned())
}

/// Opens the capture of this session's screens. The name of another display means nothing here.
pub fn open_capture(_: Option<&str>) -> Result<Box<dyn Capture>, Error> {
    Ok(Box::new(capture::Screens::open()?))
}

/// Calls `changed` with the screens of this moment, numbered from 1, from left to right, then from top to bottom, and
/// again whenever they are others, until the waker wakes. No pixels.
pub fn follow_monitors(
    _: Option<&str>,
    waker: &Waker,
    changed: impl FnMut(Vec<Monitor>),
) -> Result<(), Error> {
    screens::follow(waker, changed)
}

/// True for a dark desktop. None if nobody tells.
pub fn dark(_: Option<&str>) -> Option<bool> {
    let mut light = 0u32;
    let mut size = size_of::<u32>() as u32;
    // SAFETY: a number of four bytes is asked for, and there are four.
    let answer = unsafe {
        RegGetValueW(
            HKEY_CURRENT_USER,
            w!(r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"),
            w!("AppsUseLightTheme"),
            RRF_RT_REG_DWORD,
            None,
            Some((&raw mut light).cast()),
            Some(&raw mut size),
        )
    };
    answer.is_ok().then_some(light == 0)
}

/// True if another program uses F11 as well. It stops all the same. To be asked before the watch takes the key itself.
pub fn stop_key_taken(_: Option<&str>) -> Result<bool, Error> {
    Ok(HotKey::take().is_none())
}

/// Sticks and the like.
pub fn removable() -> Vec<PathBuf> {
    // SAFETY: takes nothing.
    let drives = unsafe { GetLogicalDrives() };
    let letters = (b'A'..=b'Z')
        .zip(0u8..)
        .filter(|(_, bit)| drives & (1 << bit) != 0)
        .map(|(letter, _)| format!("{}:\\", char::from(letter)));
    let is_stick = |root: &String| {
        let root = wide(root);
        // SAFETY: zero-terminated, and alive until this returns.
        unsafe { GetDriveTypeW(PCWSTR(root.as_ptr())) == REMOVABLE }
    };
    // A drive without a disk in it has no folder.
    let folders = letters.filter(is_stick).map(PathBuf::from);
    folders.filter(|folder| folder.is_dir()).collect()
}

/// Leaves a window of this program out of every picture of the screen, where Windows can (10, version 2004, and later).
pub fn keep_out(number: u32) {
    // SAFETY: a window that is gone is refused; an older Windows shows it, and the console marks it.
    if let Err(error) = unsafe { SetWindowDisplayAffinity(window(number), WDA_EXCLUDEFROMCAPTURE) }
    {
        tracing::info!(%error, "our windows stay in the picture");
    }
}

/// True while only a person can answer: the secure desktop is shown, or a window in front belongs to a program with
/// more rights than this one.
pub fn protected() -> bool {
    integrity::desktop_barred() || integrity::front_barred()
}

/// `DRIVE_REMOVABLE`.
const REMOVABLE: u32 = 2;
