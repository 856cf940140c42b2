//! When a lost link is made again, and how long the relay may take to take the session back.
//!
//! Not here: whether a session comes back at all ([`super::core`]).

use std::time::{Duration, Instant};

/// First wait before a lost connection is made again; doubles.
const FIRST_WAIT: Duration = Duration::from_millis(300);

/// The longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// How long a session waits for a reconnect (DESIGN §6).
const RECONNECT: Duration = Duration::from_secs(600);

/// How long a relay that accepted the connection may take to answer the resume.
const ANSWER: Duration = Duration::from_secs(10);

/// The tries since a link was lost.
#[derive(Debug)]
pub(super) struct Retry {
    at: Instant,
    wait: Duration,
    until: Instant,
    /// A connection stands and the resume is asked for: by then it must be answered.
    answer_by: Option<Instant>,
}

impl Retry {
    /// The next try after those so far. None: the time for a reconnect is over.
    pub(super) fn next(before: Option<&Self>, now: Instant) -> Option<Self> {
        let (wait, until) = match before {
            None => (FIRST_WAIT, now + RECONNECT),
            Some(retry) => ((retry.wait * 2).min(LONGEST_WAIT), retry.until),
        };
        let at = now + wait;
        (at < until).then_some(Self {
            at,
            wait,
            until,
            answer_by: None,
        })
    }

    /// True if the link is to be made now.
    pub(super) fn due(&self, now: Instant) -> bool {
        self.at <= now
    }

    /// The connection stands again; the relay is asked to resume.
    pub(super) fn handle_connected(&mut self, now: Instant) {
        self.answer_by = Some(now + ANSWER);
    }

    /// True if the relay should have answered by now.
    pub(super) fn unanswered(&self, now: Instant) -> bool {
        self.answer_by.is_some_and(|by| by <= now)
    }

    /// When the next try or the answer is due.
    pub(super) fn poll_timeout(&self, linked: bool) -> Option<Instant> {
        match linked {
            true => self.answer_by,
            false => Some(self.at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_and_end_after_ten_minutes() {
        let start = Instant::now();
        let mut retry = Retry::next(None, start).unwrap();
        let mut waits = vec![retry.at - start];
        while let Some(next) = Retry::next(Some(&retry), retry.at) {
            waits.push(next.at - retry.at);
            retry = next;
        }
        assert_eq!(waits[..3], [1, 2, 4].map(|n| FIRST_WAIT * n));
        assert_eq!(waits.last(), Some(&LONGEST_WAIT));
        assert!(retry.at < start + RECONNECT && retry.at + LONGEST_WAIT >= start + RECONNECT);
    }

    #[test]
    fn a_relay_that_accepts_and_never_answers_is_tried_again() {
        let start = Instant::now();
        let mut retry = Retry::next(None, start).unwrap();
        assert_eq!(retry.poll_timeout(false), Some(start + FIRST_WAIT));
        assert!(!retry.due(start) && retry.due(start + FIRST_WAIT));
        // The connection is being made: that has a time limit of its own.
        assert_eq!(retry.poll_timeout(true), None);
        assert!(!retry.unanswered(start + RECONNECT));
        retry.handle_connected(start);
        assert_eq!(retry.poll_timeout(true), Some(start + ANSWER));
        assert!(!retry.unanswered(start) && retry.unanswered(start + ANSWER));
        let next = Retry::next(Some(&retry), start + ANSWER).unwrap();
        assert!(!next.unanswered(start + RECONNECT));
        assert_eq!(next.wait, FIRST_WAIT * 2);
    }
}
