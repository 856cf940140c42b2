//! The agent's own windows among all others on Windows.
//!
//! Own is what stands on the list, and what belongs to this process. Not here: what to do about it (the hand module's
//! and the engine's).

use windows::Win32::Foundation::{COLORREF, HWND, POINT, RECT};
use windows::Win32::Graphics::Dwm::{DWMWA_CLOAKED, DwmGetWindowAttribute};
use windows::Win32::Graphics::Gdi::{
    ClientToScreen, GDI_REGION_TYPE, GetWindowRgnBox, MONITOR_DEFAULTTONULL, MonitorFromRect,
};
use windows::Win32::UI::WindowsAndMessaging::{
    GA_ROOT, GW_HWNDNEXT, GWL_EXSTYLE, GetAncestor, GetForegroundWindow,
    GetLayeredWindowAttributes, GetSystemMetrics, GetTopWindow, GetWindow, GetWindowLongW,
    GetWindowRect, GetWindowThreadProcessId, IsIconic, IsWindow, IsWindowVisible,
    LAYERED_WINDOW_ATTRIBUTES_FLAGS, LWA_ALPHA, SM_CXVIRTUALSCREEN, SM_CYVIRTUALSCREEN,
    SM_XVIRTUALSCREEN, SM_YVIRTUALSCREEN, WS_EX_LAYERED, WindowFromPoint,
};

use super::{area, number, window};
use crate::platform::{Area, Error, OwnWindows, Sight};

/// Looks at windows.
pub struct Desk {
    own: OwnWindows,
}

impl Desk {
    /// `own` is the list of the agent's windows; windows of this process count too.
    pub fn open(_: Option<&str>, own: OwnWindows) -> Result<Self, Error> {
        Ok(Self { own })
    }

    /// True unless this part of the window (relative to its upper left corner) is wholly seen.
    pub fn covered(&self, window: u32, part: Area) -> Result<bool, Error> {
        Ok(!matches!(self.sight(window, part)?, Sight::Clear(_)))
    }

    /// True unless this part of the window, given by its place on the desktop, is wholly seen.
    pub fn covered_at(&self, number: u32, place: Area) -> Result<bool, Error> {
        Ok(!matches!(
            self.look_at(window(number), place),
            Sight::Clear(_)
        ))
    }

    /// True if no pixel of the window lies on a screen: it is hidden or gone, or out of
    /// every screen. What covers it does not matter.
    pub fn gone(&self, number: u32) -> Result<bool, Error> {
        let window = window(number);
        let Some(place) = place(window).filter(|_| visible(window)) else {
            return Ok(true);
        };
        let rect = rect(place);
        // SAFETY: the rectangle is alive until this returns.
        let screen = unsafe { MonitorFromRect(&raw const rect, MONITOR_DEFAULTTONULL) };
        Ok(screen.is_invalid())
    }

    /// What the window takes up of the desktop; none if it is gone.
    pub fn place_of(&self, number: u32) -> Result<Option<Area>, Error> {
        Ok(place(window(number)))
    }

    /// How this part of the window (relative to its upper left corner) is seen.
    pub fn sight(&self, number: u32, part: Area) -> Result<Sight, Error> {
        let mut corner = POINT {
            x: part.x.into(),
            y: part.y.into(),
        };
        let window = window(number);
        // SAFETY: the point is ours.
        let known = unsafe { ClientToScreen(window, &raw mut corner) }.as_bool();
        let (Ok(x), Ok(y)) = (i16::try_from(corner.x), i16::try_from(corner.y)) else {
            return Ok(Sight::Hidden);
        };
        match known {
            true => Ok(self.look_at(window, Area { x, y, ..part })),
            false => Ok(Sight::Hidden),
        }
    }

    /// True if the second window is the first, or is on the list of the agent's own.
    pub fn holds(&self, window: u32, other: u32) -> Result<bool, Error> {
        Ok(window == other || self.own.contains(other))
    }

    /// True if a click at this point of the desktop would reach one of the agent's windows.
    pub fn own_at(&self, x: i16, y: i16) -> Result<bool, Error> {
        let point = POINT {
            x: x.into(),
            y: y.into(),
        };
        // SAFETY: numbers alone.
        Ok(self.is_own(unsafe { WindowFromPoint(point) }))
    }

    /// True if a key press would reach one of the agent's windows.
    pub fn own_has_focus(&self) -> Result<bool, Error> {
        // SAFETY: takes nothing.
        Ok(self.is_own(unsafe { GetForegroundWindow() }))
    }

    fn is_own(&self, window: HWND) -> bool {
        if window.is_invalid() {
            return false;
        }
        // SAFETY: a window that is gone has no ancestor.
        let top = unsafe { GetAncestor(window, GA_ROOT) };
        self.own.contains(number(window)) || self.own.contains(number(top)) || is_ours(window)
    }

    /// No foreign window that is higher may overlap the place, the window must contain it, and it must lie on the desktop.
    fn look_at(&self, window: HWND, at: Area) -> Sight {
        // SAFETY: a question about a number.
        if !unsafe { IsWindow(Some(window)) }.as_bool() || !visible(window) {
            return Sight::Hidden;
        }
        if !place(window).is_some_and(|whole| whole.covers(at)) || !desktop().covers(at) {
            return Sight::Covered;
        }
        // SAFETY: windows come and go meanwhile; one that is gone has no next one, and then nothing is clear.
        let mut above = unsafe { GetTopWindow(None) };
        // Which of two windows that swap their places was higher, nobody can tell: a walk that finds no end sees nothing.
        for _ in 0..MOST_WINDOWS {
            let Ok(higher) = above else {
                return Sight::Covered;
            };
            if higher == window {
                return Sight::Clear(at);
            }
            if !self.own.contains(number(higher))
                && visible(higher)
                && place(higher).is_some_and(|found| found.clip(at).is_some())
            {
                return Sight::Covered;
            }
            // SAFETY: as above.
            above = unsafe { GetWindow(higher, GW_HWNDNEXT) };
        }
        Sight::Covered
    }
}

/// What a window takes up of the desktop, its shape included.
pub(super) fn place(window: HWND) -> Option<Area> {
    let (mut whole, mut shape) = (RECT::default(), RECT::default());
    // SAFETY: both rectangles are ours.
    let shaped = unsafe {
        GetWindowRect(window, &raw mut whole).ok()?;
        GetWindowRgnBox(window, &raw mut shape)
    };
    if shaped != GDI_REGION_TYPE(0) {
        return area(&RECT {
            left: whole.left + shape.left,
            top: whole.top + shape.top,
            right: whole.left + shape.right,
            bottom: whole.top + shape.bottom,
        });
    }
    area(&whole)
}

/// True if the window belongs to this process.
pub(super) fn is_ours(window: HWND) -> bool {
    let mut process = 0;
    // SAFETY: the number is ours; a window that is gone has no process.
    unsafe { GetWindowThreadProcessId(window, Some(&raw mut process)) };
    process == std::process::id()
}

/// True if anything of it can be on a screen: shown, not minimised, not cloaked, and not clear all over.
pub(super) fn visible(window: HWND) -> bool {
    let mut cloaked = 0u32;
    let mut alpha = u8::MAX;
    let mut flags = LAYERED_WINDOW_ATTRIBUTES_FLAGS(0);
    let mut key = COLORREF(0);
    // SAFETY: numbers of ours, whose sizes are told. What fails leaves them as they are: seen.
    unsafe {
        if !IsWindowVisible(window).as_bool() || IsIconic(window).as_bool() {
            return false;
        }
        let size = size_of::<u32>() as u32;
        DwmGetWindowAttribute(window, DWMWA_CLOAKED, (&raw mut cloaked).cast(), size).ok();
        if GetWindowLongW(window, GWL_EXSTYLE).cast_unsigned() & WS_EX_LAYERED.0 != 0 {
            let (key, alpha, flags) = (&raw mut key, &raw mut alpha, &raw mut flags);
            GetLayeredWindowAttributes(window, Some(key), Some(alpha), Some(flags)).ok();
        }
    }
    cloaked == 0 && !(flags.0 & LWA_ALPHA.0 != 0 && alpha == 0)
}

/// All screens, and the rectangle around them.
pub(super) fn desktop() -> Area {
    let [x, y, width, height] = [
        SM_XVIRTUALSCREEN,
        SM_YVIRTUALSCREEN,
        SM_CXVIRTUALSCREEN,
        SM_CYVIRTUALSCREEN,
    ]
    .map(|what| {
        // SAFETY: numbers alone.
        unsafe { GetSystemMetrics(what) }
    });
    area(&RECT {
        left: x,
        top: y,
        right: x + width,
        bottom: y + height,
    })
    .unwrap_or_default()
}

fn rect(area: Area) -> RECT {
    let (left, top) = (i32::from(area.x), i32::from(area.y));
    RECT {
        left,
        top,
        right: left + i32::from(area.width),
        bottom: top + i32::from(area.height),
    }
}

/// More windows than a desktop has, hidden ones included.
const MOST_WINDOWS: usize = 4096;
