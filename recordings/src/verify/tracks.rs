//! Numbers and heads of the recorded frames, as they must continue (docs/recording-format.md §7.1).
//!
//! Like the relay's [`fernsicht_protocol::heads::Heads`], with two differences: where something is missing
//! it goes on from what is there or from what the relay has signed, so that the next alteration is found
//! at its own place; and on request it keeps every head, to compare what the ends have signed.

use std::collections::BTreeMap;

use fernsicht_protocol::crypto::Hash;
use fernsicht_protocol::epoch::Window;
use fernsicht_protocol::frame::{Class, Direction, Header};
use fernsicht_protocol::heads::{self, Head};
use fernsicht_protocol::messages::SessionId;

use crate::finding::{Fault, Mismatch};

/// A head after a frame, and the record that held it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Past {
    pub(crate) next: u64,
    pub(crate) head: Hash,
    pub(crate) record: u64,
    pub(crate) offset: u64,
    pub(crate) until: u64,
}

/// One in-order class of one epoch.
#[derive(Debug, Clone)]
pub(crate) struct Track {
    pub(crate) next: u64,
    pub(crate) head: Hash,
    /// Rising `next`; empty unless kept.
    pub(crate) past: Vec<Past>,
}

pub(crate) type Lane = (u32, Direction, Class);

/// All classes of all epochs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tracks {
    session: SessionId,
    keep: bool,
    /// The two newest epochs: what a checkpoint states, current first.
    stated: Vec<u32>,
    pub(crate) lanes: BTreeMap<Lane, Track>,
    windows: BTreeMap<(u32, Class), Window>,
}

impl Tracks {
    pub(crate) fn new(session: SessionId, keep: bool) -> Self {
        Self {
            session,
            keep,
            ..Self::default()
        }
    }

    pub(crate) fn begin(&mut self, epoch: u32) {
        self.stated.insert(0, epoch);
        self.stated.truncate(2);
        for (direction, class) in heads::places() {
            let track = Track {
                next: 0,
                head: heads::first(&self.session, epoch, direction, class),
                past: Vec::new(),
            };
            self.lanes.insert((epoch, direction, class), track);
        }
        if !self.keep {
            // Bounded, however many epochs there are.
            let oldest = self.stated.last().copied().unwrap_or(epoch);
            self.lanes.retain(|(epoch, ..), _| *epoch >= oldest);
            self.windows.retain(|(epoch, _), _| *epoch >= oldest);
        }
    }

    /// An in-order frame or its tombstone.
    pub(crate) fn note(
        &mut self,
        header: &Header,
        hash: &Hash,
        at: (u64, u64, u64),
    ) -> Result<(), Fault> {
        let lane = (header.epoch, header.direction, header.class);
        let Some(track) = self.lanes.get_mut(&lane) else {
            return Err(Fault::Repeated);
        };
        let expected = track.next;
        if header.number < expected {
            return Err(Fault::Repeated);
        }
        track.head = heads::step(&track.head, header, hash);
        track.next = header.number.saturating_add(1);
        if self.keep {
            let (record, offset, until) = at;
            track.past.push(Past {
                next: track.next,
                head: track.head,
                record,
                offset,
                until,
            });
        }
        match header.number == expected {
            true => Ok(()),
            false => Err(Fault::Missing { expected }),
        }
    }

    /// A frame of classes 6 to 9, or what is left of one.
    pub(crate) fn note_single(&mut self, header: &Header, dropped: bool) -> Result<(), Fault> {
        let window = self
            .windows
            .entry((header.epoch, header.class))
            .or_default();
        if window.is_new(header.number) {
            window.take(header.number);
            return Ok(());
        }
        // A dropped frame is recorded when it is given up, which may be long after.
        match dropped && window.is_old(header.number) {
            true => Ok(()),
            false => Err(Fault::Repeated),
        }
    }

    /// Compares with what the relay has signed, then goes on from that.
    pub(crate) fn compare(&mut self, signed: &[Head]) -> Vec<Mismatch> {
        let mut found = Vec::new();
        let places: Vec<_> = heads::places().collect();
        let must = self.stated.iter().flat_map(|epoch| {
            places
                .iter()
                .map(move |(direction, class)| (*epoch, *direction, *class))
        });
        let states = signed.iter().map(|h| (h.epoch, h.direction, h.class));
        if !must.eq(states) {
            found.push(Mismatch::HeadList);
        }
        for head in signed {
            let lane = (head.epoch, head.direction, head.class);
            let Some(track) = self.lanes.get_mut(&lane) else {
                continue;
            };
            if (track.next, track.head) != (head.next, head.head) {
                found.push(Mismatch::Head {
                    epoch: head.epoch,
                    direction: head.direction,
                    class: head.class,
                });
                (track.next, track.head) = (head.next, head.head);
            }
        }
        found
    }
}
