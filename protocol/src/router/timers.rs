//! Deadlines by name: setting one replaces it, and the earliest is known.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::time::Duration;

/// A set of named deadlines.
#[derive(Debug, Clone)]
pub(super) struct Timers<T> {
    due: BTreeSet<(Duration, T)>,
    at: HashMap<T, Duration>,
}

impl<T: Copy + Ord + Hash> Timers<T> {
    pub(super) fn new() -> Self {
        Self {
            due: BTreeSet::new(),
            at: HashMap::new(),
        }
    }

    pub(super) fn set(&mut self, timer: T, at: Duration) {
        self.cancel(timer);
        self.at.insert(timer, at);
        self.due.insert((at, timer));
    }

    pub(super) fn cancel(&mut self, timer: T) {
        if let Some(at) = self.at.remove(&timer) {
            self.due.remove(&(at, timer));
        }
    }

    pub(super) fn next(&self) -> Option<Duration> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes one timer that is due.
    pub(super) fn expire(&mut self, now: Duration) -> Option<T> {
        let (at, timer) = *self.due.first()?;
        if at > now {
            return None;
        }
        self.cancel(timer);
        Some(timer)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.due.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_fires_once() {
        let at = Duration::from_secs;
        let mut timers = Timers::new();
        timers.set('a', at(3));
        timers.set('b', at(2));
        timers.set('a', at(1));
        assert_eq!(timers.next(), Some(at(1)));
        assert_eq!(timers.expire(at(0)), None);
        assert_eq!(timers.expire(at(5)), Some('a'));
        timers.cancel('b');
        assert_eq!(timers.expire(at(5)), None);
        assert!(timers.is_empty());
    }
}
