//! What the hand module asks the platform: whose press it was, and what covers the window.

use std::sync::{Mutex, PoisonError};

use crate::hand::{self, Press, ScreenRect};
use crate::platform::own::Desk;
use crate::platform::{Area, OwnWindows, Provenance, Watch};

/// Answers from the watch and from a look at the desktop. What it cannot tell it answers so
/// that nothing is granted.
pub(super) struct Eyes {
    provenance: Option<Provenance>,
    desk: Option<Mutex<Desk>>,
    window: Option<u32>,
}

impl Eyes {
    pub(super) fn new(watch: Option<&Watch>, window: Option<u32>, own: OwnWindows) -> Self {
        Self {
            provenance: watch.map(Watch::provenance),
            desk: Desk::open(None, own).ok().map(Mutex::new),
            window,
        }
    }
}

impl hand::Provenance for Eyes {
    fn newest_press(&self) -> Option<Press> {
        let press = self.provenance.as_ref()?.newest()?;
        Some(Press {
            physical: press.physical,
            at: press.at,
        })
    }

    fn covered(&self, rect: ScreenRect) -> bool {
        let (Some(desk), Some(window)) = (&self.desk, self.window) else {
            return true;
        };
        let Some(place) = area(rect) else { return true };
        let desk = desk.lock().unwrap_or_else(PoisonError::into_inner);
        desk.covered_at(window, place).unwrap_or(true)
    }
}

/// None if the rectangle reaches beyond what a desktop can have.
fn area(rect: ScreenRect) -> Option<Area> {
    Some(Area {
        x: i16::try_from(rect.x).ok()?,
        y: i16::try_from(rect.y).ok()?,
        width: u16::try_from(rect.width).ok()?,
        height: u16::try_from(rect.height).ok()?,
    })
}
