//! What the guard keeps of a session from the consent to its end.
//!
//! Not here: what changes it ([`super::Guard`]).

use std::collections::VecDeque;
use std::time::Instant;

use super::lease::Lease;
use super::{BEACON_EVERY, BEACON_FRESH, Interruption, Kind, LONGEST, Question};
use crate::rights::Rights;

/// A session that the customer has consented to.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) kind: Kind,
    /// What the customer wants.
    pub(super) wish: Rights,
    pub(super) link: Link,
    pub(super) recording: Recording,
    /// The newest epoch.
    pub(super) epoch: u32,
    pub(super) question: Option<Question>,
    pub(super) interruption: Option<Interruption>,
    /// The last input from either side.
    pub(super) active: Instant,
    /// When the session is at its greatest length.
    pub(super) longest: Instant,
    /// Set while the customer's own input keeps remote input out: until when.
    pub(super) customer: Option<Instant>,
    pub(super) beacons: Beacons,
    pub(super) lease: Lease,
    /// The texts and files that the customer allowed and that are not over; at most [`super::transfer::MOST`].
    pub(super) pieces: Vec<u32>,
}

/// Whether the session's epochs are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recording {
    /// Only looking: they are not.
    No,
    /// The customer has the card before him: none begins until that is done.
    Card { until: Instant },
    /// They are, to the session's end.
    Begun,
}

/// Link and epoch: an epoch is open only while the link is up.
#[derive(Debug)]
pub(super) enum Link {
    /// The link is up; no epoch has been asked for yet.
    Waiting,
    /// The epoch waits for console and relay.
    Opening {
        acknowledged: bool,
        opened: bool,
        until: Instant,
    },
    /// The epoch is open.
    Open,
    /// The link to relay or console is lost.
    Lost { until: Instant },
}

impl Session {
    pub(super) fn new(now: Instant, kind: Kind) -> Self {
        Self {
            kind,
            wish: match kind {
                Kind::Look => Rights::View,
                Kind::Control => Rights::Control,
            },
            link: Link::Waiting,
            recording: Recording::No,
            epoch: 0,
            question: None,
            interruption: None,
            active: now,
            longest: now + LONGEST,
            customer: None,
            beacons: Beacons::default(),
            lease: Lease::default(),
            pieces: Vec::new(),
        }
    }
}

/// The beacons of the last [`BEACON_FRESH`], at most [`BEACONS_KEPT`].
#[derive(Debug, Default)]
pub(super) struct Beacons {
    sent: VecDeque<(u64, Instant)>,
    last: u64,
}

const BEACONS_KEPT: usize = 8;

impl Beacons {
    /// Sends the next one.
    pub(super) fn send(&mut self, now: Instant) -> u64 {
        self.last += 1;
        if self.sent.len() == BEACONS_KEPT {
            self.sent.pop_front();
        }
        self.sent.push_back((self.last, now));
        self.last
    }

    /// When the next one is due; none before the first of a grant.
    pub(super) fn next(&self) -> Option<Instant> {
        self.sent.back().map(|(_, at)| *at + BEACON_EVERY)
    }

    /// Those sent before count no longer.
    pub(super) fn clear(&mut self) {
        self.sent.clear();
    }

    /// The newest number, 0 before the first.
    #[cfg(test)]
    pub(super) fn newest(&self) -> u64 {
        self.last
    }

    /// True if beacon `number` was sent under this grant at most [`BEACON_FRESH`] ago.
    pub(super) fn fresh(&self, now: Instant, number: u64) -> bool {
        let mut sent = self.sent.iter();
        sent.any(|(sent, at)| *sent == number && now.saturating_duration_since(*at) <= BEACON_FRESH)
    }
}
