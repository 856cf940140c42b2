//! When a recorded picture is sent completely once more: replay begins at complete pictures, so
//! that a seek never has far to go.
//!
//! ```text
//! complete ─(a change, 60 s or 12 MB later)─► overdue ─(a pause, or 5 s)─► complete
//! ```
//!
//! Only changes bring it about: an idle screen costs nothing, however long ago the last one was. It waits
//! for a pause, so that what is typed does not wait behind it. Where nearly everything changes at once, as from slide to
//! slide, and the next one is not far off, that change is the complete picture: it costs nothing then.

use std::time::{Duration, Instant};

/// The longest a recorded picture goes on without a complete one, if it changes.
const EVERY: Duration = Duration::from_secs(60);

/// The most bytes of updates between two complete pictures of a recording.
const MOST_BYTES: usize = 12 << 20;

/// Of the bytes or the time until then, so much is not far off.
const NEAR: (u32, u32) = (3, 4);

/// Without a change for so long, there is a pause.
const PAUSE: Duration = Duration::from_millis(500);

/// The longest that a pause is waited for.
const LATEST: Duration = Duration::from_secs(5);

/// What was sent since the last complete picture.
#[derive(Debug, Default)]
pub(super) struct Refresh {
    recorded: bool,
    since: Option<Instant>,
    bytes: usize,
    /// The first and the last change since the next one is overdue.
    overdue: Option<(Instant, Instant)>,
}

impl Refresh {
    /// Whether the epoch is recorded.
    pub(super) fn set_recorded(&mut self, recorded: bool) {
        self.recorded = recorded;
    }

    /// A complete picture was sent.
    pub(super) fn complete(&mut self, now: Instant) {
        *self = Self {
            recorded: self.recorded,
            since: Some(now),
            ..Self::default()
        };
    }

    /// An update was sent: a change of the screen, or a refinement of what has not changed.
    pub(super) fn sent(&mut self, bytes: usize, change: bool, now: Instant) {
        self.bytes += bytes;
        let Some(since) = self.since.filter(|_| change) else {
            return;
        };
        if now >= since + EVERY || self.bytes >= MOST_BYTES {
            let first = self.overdue.map_or(now, |(first, _)| first);
            self.overdue = Some((first, now));
        }
    }

    /// True if a change of nearly everything should be a complete picture.
    pub(super) fn near(&self, now: Instant) -> bool {
        let (part, whole) = NEAR;
        let late = self
            .since
            .is_some_and(|since| now >= since + EVERY * part / whole);
        self.recorded && (late || self.bytes >= MOST_BYTES / whole as usize * part as usize)
    }

    /// When a complete picture is due; none if nothing has changed since it would have been.
    pub(super) fn due(&self) -> Option<Instant> {
        let (first, last) = self.overdue.filter(|_| self.recorded)?;
        Some((last + PAUSE).min(first + LATEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_while_it_is_recorded_is_sent_again() {
        let now = Instant::now();
        let later = now + EVERY + Duration::from_secs(100);
        let mut refresh = Refresh::default();
        refresh.complete(now);
        refresh.sent(9, true, later);
        assert_eq!(refresh.due(), None, "not recorded");
        refresh.set_recorded(true);
        assert_eq!(refresh.due(), Some(later + PAUSE));
        refresh.complete(later);
        refresh.sent(9, true, later + EVERY / 2);
        assert_eq!(refresh.due(), None, "nothing changes any more");
        refresh.sent(MOST_BYTES, false, later + EVERY * 2);
        assert_eq!(refresh.due(), None, "refined, not changed");
        let change = later + EVERY * 2;
        refresh.sent(1, true, change);
        assert_eq!(refresh.due(), Some(change + PAUSE));
    }

    #[test]
    fn a_change_of_everything_may_come_at_the_right_moment() {
        let now = Instant::now();
        let mut refresh = Refresh::default();
        refresh.complete(now);
        refresh.sent(MOST_BYTES * 3 / 4, false, now);
        assert!(!refresh.near(now), "not recorded");
        refresh.set_recorded(true);
        assert!(refresh.near(now), "nine megabytes");
        refresh.complete(now);
        assert!(!refresh.near(now + EVERY / 2) && refresh.near(now + EVERY * 3 / 4));
    }

    #[test]
    fn it_waits_for_a_pause_but_not_for_ever() {
        let now = Instant::now();
        let mut refresh = Refresh::default();
        refresh.set_recorded(true);
        refresh.complete(now);
        refresh.sent(MOST_BYTES, true, now);
        assert_eq!(refresh.due(), Some(now + PAUSE), "four megabytes");
        for tenth in 1..100 {
            let at = now + Duration::from_millis(100) * tenth;
            refresh.sent(1, true, at);
            assert_eq!(refresh.due(), Some((at + PAUSE).min(now + LATEST)));
        }
    }
}
