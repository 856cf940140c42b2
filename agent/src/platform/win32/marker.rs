//! The sign where the technician points, on Windows: one of two layered windows, moved there.

use windows::Win32::UI::WindowsAndMessaging::{
    HWND_TOPMOST, SWP_ASYNCWINDOWPOS, SWP_HIDEWINDOW, SWP_NOACTIVATE, SWP_NOMOVE, SWP_NOSIZE,
    SWP_NOZORDER, SWP_SHOWWINDOW, SetWindowPos,
};

use super::layer::Layer;
use super::pump::{Pump, Serve};
use super::{number, window};
use crate::platform::marker::{COLOUR, EDGE, SIZE, coloured, of_sign, place};
use crate::platform::{Area, Error, PointPermit};

/// The sign, hidden or shown. Its windows go with it.
pub struct Marker {
    ring: u32,
    click: u32,
    shown: Option<u32>,
    _pump: Pump,
}

struct Both(#[expect(dead_code, reason = "it holds the windows")] [Layer; 2]);

impl Serve for Both {}

impl Marker {
    /// Makes the sign, hidden.
    pub fn open(_: Option<&str>) -> Result<Self, Error> {
        let (pump, [ring, click]) = Pump::start("sign", || {
            let both = [create(false)?, create(true)?];
            let numbers = [number(both[0].window), number(both[1].window)];
            Ok((numbers, Both(both)))
        })?;
        Ok(Self {
            ring,
            click,
            shown: None,
            _pump: pump,
        })
    }

    /// Shows it around a point of the desktop, above everything.
    pub fn show(
        &mut self,
        _permit: &PointPermit<'_>,
        x: i16,
        y: i16,
        click: bool,
    ) -> Result<(), Error> {
        let wanted = if click { self.click } else { self.ring };
        let place = place(x, y);
        let how = SWP_NOACTIVATE | SWP_NOSIZE | SWP_SHOWWINDOW | SWP_ASYNCWINDOWPOS;
        let (x, y) = (i32::from(place.x), i32::from(place.y));
        // SAFETY: one of ours; its thread does it.
        unsafe { SetWindowPos(window(wanted), Some(HWND_TOPMOST), x, y, 0, 0, how)? };
        if self.shown.is_some_and(|other| other != wanted) {
            self.hide()?;
        }
        self.shown = Some(wanted);
        Ok(())
    }

    /// Takes it off the screen.
    pub fn hide(&mut self) -> Result<(), Error> {
        if let Some(shown) = self.shown.take() {
            let how = SWP_NOACTIVATE
                | SWP_NOMOVE
                | SWP_NOSIZE
                | SWP_NOZORDER
                | SWP_HIDEWINDOW
                | SWP_ASYNCWINDOWPOS;
            // SAFETY: one of ours; its thread does it.
            unsafe { SetWindowPos(window(shown), None, 0, 0, 0, 0, how)? };
        }
        Ok(())
    }
}

fn create(click: bool) -> Result<Layer, Error> {
    let half = (SIZE / 2).cast_signed();
    let place = Area {
        x: 0,
        y: 0,
        width: SIZE,
        height: SIZE,
    };
    Layer::new(place, |x, y| {
        let (dx, dy) = (
            i32::from(x.cast_signed() - half),
            i32::from(y.cast_signed() - half),
        );
        let distance = dx * dx + dy * dy;
        match (of_sign(distance, click), coloured(distance, click)) {
            (true, true) => COLOUR,
            (true, false) => EDGE,
            (false, _) => 0,
        }
    })
}
