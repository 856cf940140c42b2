//! Where other windows lay a moment ago: what came over a place, and what went from there.
//!
//! Pure. Not here: the system's notices, and what lies over a place right now (the backends').

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use super::Area;

/// Remembers the last notices, and where each window lay by its last one.
#[derive(Debug, Default)]
pub(super) struct Trail {
    seen: VecDeque<Seen>,
    places: HashMap<u32, Area>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    at: Instant,
    window: u32,
    /// Where it lay before, if that is known: what moves away has covered something until now.
    before: Option<Area>,
    /// Where it is.
    now: Now,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Now {
    At(Area),
    Gone,
    /// It was gone before anybody could ask: it may have been anywhere.
    Anywhere,
}

impl Trail {
    /// The window has come, moved or risen, and lies there; none if it was gone before anybody could ask.
    pub(super) fn note(&mut self, at: Instant, window: u32, place: Option<Area>) {
        let place =
            place.filter(|_| self.places.len() < MOST_WINDOWS || self.places.contains_key(&window));
        let (before, now) = match place {
            Some(place) => (self.places.insert(window, place), Now::At(place)),
            None => (self.places.remove(&window), Now::Anywhere),
        };
        // A window that is dragged says so for every pixel, some more than once.
        if let Some(last) = self.seen.back_mut()
            && (last.window, last.now) == (window, now)
        {
            last.at = at;
            return;
        }
        self.push(Seen {
            at,
            window,
            before,
            now,
        });
    }

    /// The window has gone from where it lay. False if nothing was known of it.
    pub(super) fn note_gone(&mut self, at: Instant, window: u32) -> bool {
        let before = self.places.remove(&window);
        if before.is_some() {
            self.push(Seen {
                at,
                window,
                before,
                now: Now::Gone,
            });
        }
        before.is_some()
    }

    /// Windows that have come, moved or risen over this place of the desktop since that moment, or gone from there.
    /// `None` if nobody can tell.
    pub(super) fn since(&self, since: Instant, place: Area) -> Option<Vec<u32>> {
        let oldest = self.seen.front().map(|seen| seen.at);
        if self.seen.len() == KEPT && oldest.is_some_and(|oldest| oldest >= since) {
            return None;
        }
        let over = |at: Area| at.clip(place).is_some();
        let counts = |seen: &&Seen| {
            let now = match seen.now {
                Now::At(at) => over(at),
                Now::Gone => false,
                Now::Anywhere => true,
            };
            seen.at >= since && (now || seen.before.is_some_and(over))
        };
        Some(self.seen.iter().filter(counts).map(|s| s.window).collect())
    }

    fn push(&mut self, seen: Seen) {
        if self.seen.len() == KEPT {
            self.seen.pop_front();
        }
        self.seen.push_back(seen);
    }
}

/// How much is remembered: more within a second, and nothing is granted.
pub(super) const KEPT: usize = 256;

/// Of more windows than these nobody knows where they lay: whenever they stir, they may have been anywhere.
const MOST_WINDOWS: usize = 4096;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const BUTTON: Area = Area {
        x: 100,
        y: 10,
        width: 80,
        height: 30,
    };
    const ASIDE: Area = Area { x: 500, ..BUTTON };
    const MS: Duration = Duration::from_millis(1);

    /// What of it is over the button in the last second before `now`.
    fn lately(trail: &Trail, now: Instant) -> Option<Vec<u32>> {
        trail.since(now - 1000 * MS, BUTTON)
    }

    #[test]
    fn what_has_lain_there_counts_when_it_goes_however_long_it_lay() {
        let start = Instant::now();
        let later = start + 60_000 * MS;
        let ways: [fn(&mut Trail, Instant); 3] = [
            |trail, at| assert!(trail.note_gone(at, 7)),
            |trail, at| trail.note(at, 7, Some(ASIDE)),
            |trail, at| trail.note(at, 7, None),
        ];
        for goes in ways {
            let mut trail = Trail::default();
            trail.note(start, 7, Some(BUTTON));
            assert_eq!(lately(&trail, start + 500 * MS), Some(vec![7]));
            assert_eq!(lately(&trail, later), Some(vec![]));
            goes(&mut trail, later);
            assert_eq!(lately(&trail, later + 500 * MS), Some(vec![7]));
            assert_eq!(lately(&trail, later + 1001 * MS), Some(vec![]));
        }
    }

    #[test]
    fn what_was_elsewhere_does_not_count() {
        let now = Instant::now();
        let mut trail = Trail::default();
        trail.note(now, 7, Some(ASIDE));
        trail.note(now, 7, Some(Area { y: 300, ..ASIDE }));
        assert!(trail.note_gone(now, 7));
        assert!(!trail.note_gone(now, 7), "it is forgotten");
        assert_eq!(lately(&trail, now), Some(vec![]));
        // But what nobody could ask about does.
        trail.note(now, 8, None);
        assert_eq!(lately(&trail, now), Some(vec![8]));
    }

    /// Other windows that stir take no place of a window away.
    #[test]
    fn what_has_lain_there_is_known_after_many_others() {
        let start = Instant::now();
        let mut trail = Trail::default();
        trail.note(start, 7, Some(BUTTON));
        for n in 0..2 * KEPT as i16 {
            trail.note(
                start,
                8,
                Some(Area {
                    y: 100 + n,
                    ..ASIDE
                }),
            );
        }
        assert_eq!(lately(&trail, start), None, "too much at once");
        let later = start + 5_000 * MS;
        trail.note(later, 7, Some(ASIDE));
        assert_eq!(lately(&trail, later), Some(vec![7]));
    }

    #[test]
    fn of_too_many_windows_it_is_not_known_where_they_were() {
        let start = Instant::now();
        let mut trail = Trail::default();
        for window in 0..MOST_WINDOWS as u32 {
            trail.note(start, window, Some(ASIDE));
        }
        let later = start + 5_000 * MS;
        trail.note(later, u32::MAX, Some(ASIDE));
        assert_eq!(lately(&trail, later), Some(vec![u32::MAX]));
        assert_eq!(trail.places.len(), MOST_WINDOWS);
    }
}
