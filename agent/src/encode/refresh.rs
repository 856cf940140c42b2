//! When a recorded picture is sent completely once more: replay begins at complete pictures, so
//! that a seek never has far to go. Never while nothing has changed: an idle screen costs nothing.

use std::time::{Duration, Instant};

/// The longest a recorded picture goes on without a complete one, if it changes.
const EVERY: Duration = Duration::from_secs(60);

/// The most bytes of updates between two complete pictures of a recording.
const MOST_BYTES: usize = 4 << 20;

/// What was sent since the last complete picture.
#[derive(Debug, Default)]
pub(super) struct Refresh {
    recorded: bool,
    since: Option<Instant>,
    changed: bool,
    bytes: usize,
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
    pub(super) fn sent(&mut self, bytes: usize, change: bool) {
        self.bytes += bytes;
        self.changed |= change;
    }

    /// When a complete picture is due; none if nothing has changed since the last.
    pub(super) fn due(&self) -> Option<Instant> {
        let since = self.since.filter(|_| self.recorded && self.changed)?;
        Some(if self.bytes >= MOST_BYTES {
            since
        } else {
            since + EVERY
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_while_it_is_recorded_is_sent_again() {
        let now = Instant::now();
        let mut refresh = Refresh::default();
        refresh.complete(now);
        refresh.sent(9, true);
        assert_eq!(refresh.due(), None, "not recorded");
        refresh.set_recorded(true);
        assert_eq!(refresh.due(), Some(now + EVERY));
        refresh.complete(now + EVERY);
        assert_eq!(refresh.due(), None, "nothing has changed since");
        refresh.sent(MOST_BYTES, false);
        assert_eq!(refresh.due(), None, "refined, not changed");
        refresh.sent(1, true);
        assert_eq!(refresh.due(), Some(now + EVERY), "four megabytes: at once");
    }
}
