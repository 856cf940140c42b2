//! The agent's own windows among all others: are they seen, and does input aim at them?
//!
//! A button that grants acts only while it is visible, uncovered and unmoved
//! ([`Desk::sight`], [`Steady`]). The technician's clicks and keys never reach the agent's own windows
//! ([`Desk::own_at`], [`Desk::own_has_focus`]).
//!
//! Not here: what to do about it (the hand module's and the engine's).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Area;
pub use super::system::desk::Desk;

/// The numbers of the agent's own windows. Clones share the list.
#[derive(Debug, Clone, Default)]
pub struct OwnWindows(Arc<Mutex<Vec<u32>>>);

impl OwnWindows {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a window.
    pub fn add(&self, window: u32) {
        let mut list = self.lock();
        if !list.contains(&window) {
            list.push(window);
        }
    }

    /// Takes a window off.
    pub fn remove(&self, window: u32) {
        self.lock().retain(|known| *known != window);
    }

    /// True if the window is on the list.
    pub fn contains(&self, window: u32) -> bool {
        self.lock().contains(&window)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u32>> {
        // The list is whole between any two statements.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a part of a window is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Wholly, at this place of the desktop.
    Clear(Area),
    /// Something lies over it, or it reaches over an edge.
    Covered,
    /// The window is not on the screen.
    Hidden,
}

/// Says since when a part of a window has been clearly seen at the same place.
#[derive(Debug, Clone, Copy, Default)]
pub struct Steady {
    seen: Option<(Area, Instant)>,
}

impl Steady {
    /// Takes a look's outcome; returns for how long the part has been clear and unmoved.
    pub fn observe(&mut self, now: Instant, sight: Sight) -> Option<Duration> {
        let Sight::Clear(area) = sight else {
            self.seen = None;
            return None;
        };
        let since = match self.seen {
            Some((before, since)) if before == area => since,
            Some(_) | None => now,
        };
        self.seen = Some((area, since));
        Some(now.saturating_duration_since(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steady_begins_anew_when_covered_or_moved() {
        let area = Area {
            x: 5,
            y: 5,
            width: 10,
            height: 10,
        };
        let moved = Area { x: 6, ..area };
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut steady = Steady::default();
        assert_eq!(
            steady.observe(at(0), Sight::Clear(area)),
            Some(Duration::ZERO)
        );
        assert_eq!(
            steady.observe(at(900), Sight::Clear(area)),
            Some(Duration::from_millis(900))
        );
        assert_eq!(
            steady.observe(at(1000), Sight::Clear(moved)),
            Some(Duration::ZERO)
        );
        assert_eq!(steady.observe(at(1100), Sight::Covered), None);
        assert_eq!(
            steady.observe(at(1200), Sight::Clear(moved)),
            Some(Duration::ZERO)
        );
    }
}
