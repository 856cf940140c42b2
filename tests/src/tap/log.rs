//! What passed the tap, and when; and what that says about revocations.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fernsicht_protocol::frame::{Class, Header};
use fernsicht_protocol::rights::Rights;

use crate::wait;

/// Which way a frame went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Leg {
    /// From the agent to the relay.
    FromAgent,
    /// From the relay to the agent.
    FromRelay,
}

/// By which of its streams a frame came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Its own, or that of its class.
    Own,
    /// The copy of its class's stream.
    Copy,
}

/// An in-order frame: connection, leg, epoch, class and number.
type Key = (u64, Leg, u32, Class, u64);

/// How a stream of one frame ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The whole frame came.
    Complete,
    /// Its sender cancelled it.
    Reset,
    /// Its receiver refused it.
    Refused,
    /// The connection was lost.
    Lost,
}

/// A point in time, on this machine's clock and as X servers write it.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// For differences.
    pub at: Instant,
    /// For comparison with events of an X server.
    pub server_ms: u32,
}

impl Moment {
    fn now() -> Self {
        Self {
            at: Instant::now(),
            server_ms: wait::server_clock_ms(),
        }
    }
}

/// A frame that passed.
#[derive(Debug, Clone, Copy)]
pub struct Passed {
    /// Which connection of the agent, from 0.
    pub connection: u64,
    /// Which way.
    pub leg: Leg,
    /// Its clear header.
    pub header: Header,
    /// True if the relay had replaced it by a tombstone.
    pub tombstone: bool,
    /// When its header was complete.
    pub seen: Moment,
    /// How and when its stream ended; in-order frames have none of their own.
    pub ended: Option<(Ending, Moment)>,
}

/// What followed one revocation of sight.
#[derive(Debug, Clone, Copy)]
pub struct Revocation {
    /// When the revoking rights frame was complete.
    pub at: Moment,
    /// Its grant.
    pub grant: u32,
    /// Frames of classes 7 to 9 under that grant, and those that began after it had come. Must be 0.
    pub frames_after: usize,
    /// Frames of classes 7 to 9 that were open when it came.
    pub open: usize,
    /// Those of them that were reset.
    pub reset: usize,
}

/// The log of a tap.
#[derive(Debug, Default)]
pub struct Log {
    passed: Mutex<Vec<Passed>>,
    /// By which way an in-order frame came first.
    first: Mutex<HashMap<Key, Way>>,
    connections: AtomicU64,
    resets_unread: AtomicU64,
}

impl Log {
    /// Everything so far, in the order of arrival.
    pub fn all(&self) -> Vec<Passed> {
        self.lock().clone()
    }

    /// How many frames have passed: a mark for [`Self::since`].
    pub fn mark(&self) -> usize {
        self.lock().len()
    }

    /// What has passed since a mark.
    pub fn since(&self, mark: usize) -> Vec<Passed> {
        self.lock()
            .get(mark..)
            .map(<[Passed]>::to_vec)
            .unwrap_or_default()
    }

    /// Streams that were reset before their header was complete.
    pub fn resets_unread(&self) -> u64 {
        self.resets_unread.load(Ordering::Relaxed)
    }

    /// Ciphertext bytes that the agent sent in these classes since a mark.
    pub fn bytes_from_agent(&self, mark: usize, classes: &[Class]) -> u64 {
        let ours = |passed: &&Passed| {
            passed.leg == Leg::FromAgent && classes.contains(&passed.header.class)
        };
        self.since(mark)
            .iter()
            .filter(ours)
            .map(|passed| u64::from(passed.header.length))
            .sum()
    }

    /// The rights frames so far, as (when, grant, rights).
    pub fn rights(&self) -> Vec<(Moment, u32, Rights)> {
        let all = self.lock();
        let rights = all
            .iter()
            .filter(|p| p.leg == Leg::FromAgent && p.header.class == Class::Rights);
        rights
            .map(|p| (p.seen, p.header.grant, p.header.rights))
            .collect()
    }

    /// All changes from sight to no sight so far, with what followed each until sight came back.
    pub fn revocations(&self) -> Vec<Revocation> {
        let all = self.all();
        let rights = self.rights();
        let mut found = Vec::new();
        for (index, (at, grant, now)) in rights.iter().enumerate() {
            let before = index.checked_sub(1).map_or(Rights::None, |i| rights[i].2);
            if now.view() || !before.view() {
                continue;
            }
            let next_sight = rights[index + 1..]
                .iter()
                .find(|(_, _, rights)| rights.view())
                .map(|r| r.0.at);
            let shows = |p: &&Passed| p.leg == Leg::FromAgent && p.header.class.shows_screen();
            let frames_after = all
                .iter()
                .filter(shows)
                .filter(|p| {
                    let under_it = p.header.grant == *grant || !p.header.rights.view();
                    let began_after = p.header.grant <= *grant
                        && p.seen.at > at.at + TOLERANCE
                        && next_sight.is_none_or(|sight| p.seen.at < sight);
                    (under_it && p.header.grant >= *grant) || began_after
                })
                .count();
            let was_open = |p: &&Passed| match p.ended {
                None => true,
                Some((Ending::Reset, end)) => end.at + TOLERANCE > at.at,
                Some((Ending::Complete | Ending::Refused | Ending::Lost, end)) => {
                    end.at > at.at + TOLERANCE
                }
            };
            let open: Vec<_> = all
                .iter()
                .filter(shows)
                .filter(|p| p.seen.at <= at.at)
                .filter(was_open)
                .collect();
            let reset = open
                .iter()
                .filter(|p| p.ended.is_some_and(|(ending, _)| ending == Ending::Reset))
                .count();
            found.push(Revocation {
                at: *at,
                grant: *grant,
                frames_after,
                open: open.len(),
                reset,
            });
        }
        found
    }

    pub(super) fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed)
    }

    /// None: it has passed before, by its other way.
    pub(super) fn passed(
        &self,
        (connection, leg): (u64, Leg),
        header: Header,
        tombstone: bool,
        way: Way,
    ) -> Option<usize> {
        if header.class.in_order() {
            let key = (connection, leg, header.epoch, header.class, header.number);
            let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
            if *first.entry(key).or_insert(way) != way {
                return None;
            }
        }
        let mut all = self.lock();
        all.push(Passed {
            connection,
            leg,
            header,
            tombstone,
            seen: Moment::now(),
            ended: None,
        });
        Some(all.len() - 1)
    }

    pub(super) fn ended(&self, entry: usize, ending: Ending) {
        if let Some(passed) = self.lock().get_mut(entry) {
            passed.ended = Some((ending, Moment::now()));
        }
    }

    pub(super) fn reset_unread(&self, leg: Leg) {
        if leg == Leg::FromAgent {
            self.resets_unread.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Passed>> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Two streams of one connection are read by two tasks: what arrived together may be noted in
/// either order within this time, on a machine with more to do than cores.
const TOLERANCE: Duration = Duration::from_millis(10);
