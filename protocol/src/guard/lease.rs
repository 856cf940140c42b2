//! The guard: what was injected and is not known to be recorded yet.
//!
//! Exact and bounded: one entry for each number, for [`LEASE`] at most. Whoever injects so
//! much that they do not fit loses control, as if they had not been covered in time.

use std::collections::VecDeque;
use std::time::Instant;

use super::LEASE;

/// Injected input, oldest first.
#[derive(Debug, Default)]
pub(super) struct Lease {
    injected: VecDeque<(u64, Instant)>,
    /// Everything before this number is covered.
    next: u64,
}

/// 2,000 events a second for the whole of [`LEASE`]: no hand makes as many.
pub(super) const MOST: usize = 8_000;

impl Lease {
    /// Notes that input `number` may be injected now. False if there is no room for it. A number that was
    /// noted before (text is injected in pieces) keeps its time; numbers rise.
    pub(super) fn note(&mut self, now: Instant, number: u64) -> bool {
        let known = self
            .injected
            .back()
            .is_some_and(|(last, _)| *last >= number);
        if known || number < self.next {
            return true;
        }
        if self.injected.len() == MOST {
            return false;
        }
        self.injected.push_back((number, now));
        true
    }

    /// Every input before number `next` is in the recording.
    pub(super) fn cover(&mut self, next: u64) {
        self.next = self.next.max(next);
        while self
            .injected
            .front()
            .is_some_and(|(number, _)| *number < self.next)
        {
            self.injected.pop_front();
        }
    }

    /// True if nothing injected is uncovered.
    pub(super) fn covered(&self) -> bool {
        self.injected.is_empty()
    }

    /// When the oldest that is uncovered has waited too long.
    pub(super) fn lapses(&self) -> Option<Instant> {
        self.injected.front().map(|(_, at)| *at + LEASE)
    }

    /// Another epoch: numbers begin anew.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
