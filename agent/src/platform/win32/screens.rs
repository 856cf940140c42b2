//! The screens of a Windows desktop, numbered as the customer counts them.
//!
//! A screen's name is its device's: it stays over every change of place, size and turn. All coordinates are physical
//! pixels: this program says in its manifest that it knows about every screen's own scale.

use std::time::{Duration, Instant};

use windows::Win32::Foundation::{LPARAM, RECT};
use windows::Win32::Graphics::Gdi::{
    EnumDisplayMonitors, GetMonitorInfoW, HDC, HMONITOR, MONITORINFO, MONITORINFOEXW,
};
use windows::core::BOOL;

use super::wake::sleep;
use crate::platform::numbering::number;
use crate::platform::{Area, Error, Monitor, Waker};

/// How often the screens are looked at: a message of their change goes to windows only.
const EVERY: Duration = Duration::from_millis(500);

/// Asks for the screens of this moment, numbered as the customer counts them.
pub(super) fn query() -> Result<Vec<Monitor>, Error> {
    let mut found: Vec<(Area, u32)> = Vec::new();
    let list = LPARAM(&raw mut found as isize);
    // SAFETY: the callback is called before this returns, with the list that outlives it.
    if !unsafe { EnumDisplayMonitors(None, None, Some(add), list) }.as_bool() || found.is_empty() {
        // Between two sessions, or while the modes change.
        return Err(Error::LayoutChanged);
    }
    Ok(number(found))
}

/// Tells the screens, and again whenever they are others, until the waker wakes.
pub(super) fn follow(waker: &Waker, mut changed: impl FnMut(Vec<Monitor>)) -> Result<(), Error> {
    let mut known = Vec::new();
    loop {
        if let Ok(found) = query()
            && found != known
        {
            known.clone_from(&found);
            changed(found);
        }
        if !sleep(waker, Some(Instant::now() + EVERY)) && waker.take() {
            return Ok(());
        }
    }
}

unsafe extern "system" fn add(monitor: HMONITOR, _: HDC, _: *mut RECT, list: LPARAM) -> BOOL {
    let mut info = MONITORINFOEXW::default();
    info.monitorInfo.cbSize = size_of::<MONITORINFOEXW>() as u32;
    // SAFETY: the structure begins with the shorter one, and says how long it is.
    let known =
        unsafe { GetMonitorInfoW(monitor, (&raw mut info).cast::<MONITORINFO>()) }.as_bool();
    if known && let Some(place) = super::area(&info.monitorInfo.rcMonitor) {
        // SAFETY: what `query` passed, which nobody else uses meanwhile.
        let found = unsafe { &mut *(list.0 as *mut Vec<(Area, u32)>) };
        found.push((place, name(&info.szDevice)));
    }
    true.into()
}

/// A number for a device's name, such as `\\.\DISPLAY1`: FNV-1a, never 0.
fn name(device: &[u16]) -> u32 {
    let text = device.iter().take_while(|unit| **unit != 0);
    let mixed = text.fold(0x811c_9dc5_u32, |sum, unit| {
        (sum ^ u32::from(*unit)).wrapping_mul(0x0100_0193)
    });
    mixed.max(1)
}
