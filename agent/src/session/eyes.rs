//! What the hand module asks the platform: whose press it was, and what covers the window.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::hand::{self, Press, PressKind, ScreenRect};
use crate::platform::own::Desk;
use crate::platform::{Area, Covers, OwnWindows, Provenance, Watch, watch};

/// Answers from the watch and from a look at the desktop. What it cannot tell it answers so
/// that nothing is granted.
pub(super) struct Eyes {
    provenance: Option<Provenance>,
    desk: Option<Mutex<Desk>>,
    covers: Option<Covers>,
    window: Option<u32>,
}

impl Eyes {
    pub(super) fn new(watch: Option<&Watch>, window: Option<u32>, own: OwnWindows) -> Self {
        Self {
            provenance: watch.map(Watch::provenance),
            covers: window.and_then(|window| Covers::start(None, window, own.clone()).ok()),
            desk: Desk::open(None, own).ok().map(Mutex::new),
            window,
        }
    }
}

impl hand::Provenance for Eyes {
    fn presses_since(&self, since: Instant) -> Option<Vec<Press>> {
        let presses = self.provenance.as_ref()?.presses_since(since)?;
        Some(presses.iter().map(press).collect())
    }

    fn covered(&self, rect: ScreenRect) -> bool {
        let (Some(desk), Some(window)) = (&self.desk, self.window) else {
            return true;
        };
        let Some(place) = area(rect) else { return true };
        let desk = desk.lock().unwrap_or_else(PoisonError::into_inner);
        desk.covered_at(window, place).unwrap_or(true)
    }

    fn covered_since(&self, since: Instant, rect: ScreenRect) -> bool {
        let (Some(desk), Some(covers), Some(window)) = (&self.desk, &self.covers, self.window)
        else {
            return true;
        };
        let Some(came) = area(rect).and_then(|place| covers.since(since, place)) else {
            return true;
        };
        let desk = desk.lock().unwrap_or_else(PoisonError::into_inner);
        let own = |other: &u32| desk.holds(window, *other).unwrap_or(false);
        !came.iter().all(own)
    }
}

/// Is the window, and with it the bar, still there? Rights end without it.
pub(super) struct Bar {
    desk: Option<Desk>,
    window: Option<u32>,
}

impl Bar {
    /// Opens a connection of its own.
    pub(super) fn new(window: Option<u32>, own: OwnWindows) -> Self {
        Self {
            desk: Desk::open(None, own).ok(),
            window,
        }
    }

    /// Where the window is, as far as anybody can tell.
    pub(super) fn place(&self) -> Option<Area> {
        let (desk, window) = (self.desk.as_ref()?, self.window?);
        desk.place_of(window).ok().flatten()
    }

    /// True if the window is unmapped, gone or out of every screen, or if nobody can tell.
    /// Takes a few round trips to the X server; not for every turn of a loop.
    pub(super) fn window_gone(&self) -> bool {
        let (Some(desk), Some(window)) = (&self.desk, self.window) else {
            return true;
        };
        desk.gone(window).unwrap_or(true)
    }
}

fn press(press: &watch::Press) -> Press {
    Press {
        physical: press.physical,
        kind: match press.kind {
            // The device's own numbers: from 4 on they are the wheel and the like.
            watch::PressKind::Button(1..=3) => PressKind::Button,
            watch::PressKind::Space => PressKind::Space,
            watch::PressKind::Enter => PressKind::Enter,
            watch::PressKind::Tab => PressKind::Tab,
            watch::PressKind::Stop => PressKind::Stop,
            watch::PressKind::Button(_) | watch::PressKind::OtherKey => PressKind::Other,
        },
        at: press.at,
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
