//! The guard's timers: when each is due, and what happens then.
//!
//! There is no list of armed timers: each due time follows from the state, so a timer cannot be
//! forgotten or left behind. Without control none is due more often than every few minutes.

use std::time::Instant;

use super::session::{Link, Recording};
use super::{Guard, Output, Question, Recorder, STILL_THERE, State};
use crate::content::Cause;
use crate::messages::End;
use crate::transfer::Reason;

/// What the guard waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// The consent page was not answered for [`super::CONSENT`]: refused.
    Consent,
    /// The card was not answered for [`super::CARD`]: the session ends.
    Card,
    /// An epoch was not acknowledged for [`super::OPENING`]: the session ends.
    Opening,
    /// The link did not come back for [`super::RECONNECT`]: the session ends.
    Reconnect,
    /// No input from either side for [`super::IDLE`]: asks.
    Idle,
    /// "Still there?" was not answered for [`super::STILL_THERE`]: the session ends.
    StillThere,
    /// The session has lasted [`super::LONGEST`]: it ends.
    Longest,
    /// Under control, [`super::BEACON_EVERY`] after the last beacon: the next.
    Beacon,
    /// The customer has been still for [`super::CUSTOMER_FIRST`]: remote input counts again.
    Customer,
    /// Injected input is not covered after [`super::LEASE`]: control ends.
    Lease,
    /// A question about a text or a file was not answered for [`super::TRANSFER_ANSWER`]: refused.
    Transfer,
}

impl Timer {
    const ALL: [Self; 11] = [
        Self::Consent,
        Self::Card,
        Self::Opening,
        Self::Reconnect,
        Self::Idle,
        Self::StillThere,
        Self::Longest,
        Self::Beacon,
        Self::Customer,
        Self::Lease,
        Self::Transfer,
    ];
}

impl Guard {
    /// When [`Guard::handle_timeout`] is due next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.next_timer().map(|(at, _)| at)
    }

    /// Lets everything happen that is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
    }

    /// Lets everything happen that is due; returns the time that counts, which never runs back.
    pub(super) fn advance(&mut self, now: Instant) -> Instant {
        let now = self.latest.map_or(now, |latest| latest.max(now));
        self.latest = Some(now);
        // Each firing moves its timer past `now` or takes it away.
        while let Some((at, timer)) = self.next_timer()
            && at <= now
        {
            self.fire(now, timer);
        }
        now
    }

    fn next_timer(&self) -> Option<(Instant, Timer)> {
        let due = Timer::ALL
            .into_iter()
            .filter_map(|timer| Some((self.due_at(timer)?, timer)));
        due.min_by_key(|(at, _)| *at)
    }

    fn due_at(&self, timer: Timer) -> Option<Instant> {
        let session = match &self.state {
            State::Granted(session) => session,
            State::Consent { until, lost } => {
                return match timer {
                    Timer::Consent => Some(*until),
                    Timer::Reconnect => *lost,
                    Timer::Card
                    | Timer::Opening
                    | Timer::Idle
                    | Timer::StillThere
                    | Timer::Longest
                    | Timer::Beacon
                    | Timer::Customer
                    | Timer::Lease
                    | Timer::Transfer => None,
                };
            }
            State::Unpaired | State::Ended(_) => return None,
        };
        match (timer, &session.link) {
            (Timer::Card, _) => match session.recording {
                Recording::Card { until } => Some(until),
                Recording::No | Recording::Begun => None,
            },
            (Timer::Opening, Link::Opening { until, .. }) => Some(*until),
            (Timer::Reconnect, Link::Lost { until }) => Some(*until),
            (Timer::Idle, Link::Open) => match session.question {
                Some(Question::StillThere { .. }) => None,
                Some(Question::Upgrade | Question::End | Question::Transfer { .. }) | None => {
                    Some(session.active + super::IDLE)
                }
            },
            (Timer::StillThere, _) => match session.question {
                Some(Question::StillThere { until }) => Some(until),
                Some(Question::Upgrade | Question::End | Question::Transfer { .. }) | None => None,
            },
            (Timer::Transfer, _) => match session.question {
                Some(Question::Transfer { until, .. }) => Some(until),
                Some(Question::Upgrade | Question::End | Question::StillThere { .. }) | None => {
                    None
                }
            },
            (Timer::Longest, _) => Some(session.longest),
            (Timer::Beacon, Link::Open) if self.rights.control() => session.beacons.next(),
            (Timer::Customer, _) => session.customer,
            (Timer::Lease, Link::Open) if self.recorder == Recorder::Working => {
                session.lease.lapses()
            }
            (
                Timer::Consent
                | Timer::Opening
                | Timer::Reconnect
                | Timer::Idle
                | Timer::Beacon
                | Timer::Lease,
                _,
            ) => None,
        }
    }

    fn fire(&mut self, now: Instant, timer: Timer) {
        match timer {
            Timer::Consent | Timer::Card => self.end(now, End::Silence),
            Timer::Lease => self.lapse(now),
            Timer::Opening | Timer::Reconnect => self.end(now, End::Lost),
            Timer::StillThere | Timer::Longest => self.end(now, End::Idle),
            Timer::Idle => {
                let State::Granted(session) = &mut self.state else {
                    return;
                };
                let faded = session.question.replace(Question::StillThere {
                    until: now + STILL_THERE,
                });
                if let Some(Question::Transfer { piece, .. }) = faded {
                    self.cancel_transfer(piece, Reason::Silence);
                }
                self.settle(now, Cause::Question);
                self.changed = true;
            }
            Timer::Transfer => self.silence_refuses(now),
            Timer::Beacon => {
                let State::Granted(session) = &mut self.state else {
                    return;
                };
                let number = session.beacons.send(now);
                self.outputs.push_back(Output::Beacon { number });
            }
            Timer::Customer => {
                let State::Granted(session) = &mut self.state else {
                    return;
                };
                session.customer = None;
                self.outputs.push_back(Output::CustomerActive(false));
                self.changed = true;
            }
        }
    }
}
