//! Heads: running hashes over the in-order frames of an epoch (SPEC "Recording").
//!
//! ```text
//! h_0 = H(enc("head0", session, n, direction, class))
//! h_s = H(enc("head", h_{s-1}, header, H(ciphertext)))
//! ```
//!
//! - The relay and the auditor keep them with [`Heads`]: what a recording says came by.
//! - Agent and console each keep a [`Witness`]: what they sent and received themselves. A claim of the
//!   relay's is compared at the number it states: at once, or as soon as the witness gets there. Past heads
//!   are kept until they were compared.
//!
//! A tombstone advances a head exactly as its frame would have. Signed, heads travel in frames of
//! class 3 ([`crate::content::PeerHeads`]) and in checkpoints ([`crate::checkpoint`]).

use std::collections::{BTreeMap, VecDeque};

use thiserror::Error;

use crate::crypto::{Hash, labelled_hash};
use crate::frame::{Class, Direction, Header};
use crate::messages::SessionId;
use crate::wire::{List, Wire, wire_struct};

/// The most heads in one list: two epochs of ten (direction, class) each, and room.
pub const MAX_HEADS: usize = 24;

/// The most past heads of one class that await a comparison: minutes of the busiest class.
pub const MAX_PAST: usize = 1 << 14;

/// The most claims about numbers that have not come yet.
pub const MAX_AHEAD: usize = 64;

wire_struct! {
    /// Where one class stands: `next` frames have gone by, and their head.
    pub struct Head {
        /// The epoch.
        pub epoch: u32,
        /// Who sealed the frames.
        pub direction: Direction,
        /// Their class.
        pub class: Class,
        /// The number of the next frame.
        pub next: u64,
        /// h_next.
        pub head: Hash,
    }
}

/// A list of heads as it travels.
pub type HeadList = List<Head, MAX_HEADS>;

/// h_0.
pub fn first(session: &SessionId, epoch: u32, direction: Direction, class: Class) -> Hash {
    labelled_hash(
        "head0",
        &[
            session,
            &epoch.to_be_bytes(),
            &[direction as u8],
            &[class as u8],
        ],
    )
}

/// h_s from h_{s-1}.
pub fn step(before: &Hash, header: &Header, ciphertext_hash: &Hash) -> Hash {
    labelled_hash("head", &[before, &header.encode(), ciphertext_hash])
}

/// A frame whose number is not the next of its class, or whose epoch is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a frame is out of order")]
pub struct OutOfOrder;

/// The heads of the current and the previous epoch, as frames go by.
#[derive(Debug, Clone)]
pub struct Heads {
    session: SessionId,
    current: Option<Track>,
    previous: Option<Track>,
}

/// One epoch's heads.
#[derive(Debug, Clone)]
struct Track {
    epoch: u32,
    heads: BTreeMap<(Direction, Class), (u64, Hash)>,
}

impl Heads {
    /// No epoch yet.
    pub fn new(session: SessionId) -> Self {
        Self {
            session,
            current: None,
            previous: None,
        }
    }

    /// An epoch begins; the one before stays, older ones go.
    pub fn begin(&mut self, epoch: u32) {
        let heads = places()
            .map(|(direction, class)| {
                let head = first(&self.session, epoch, direction, class);
                ((direction, class), (0, head))
            })
            .collect();
        let before = self.current.replace(Track { epoch, heads });
        self.previous = before;
    }

    /// A frame or tombstone of an in-order class. Errors: [`OutOfOrder`].
    pub fn note(&mut self, header: &Header, ciphertext_hash: &Hash) -> Result<(), OutOfOrder> {
        let kept = [&mut self.current, &mut self.previous];
        let mut tracks = kept.into_iter().flatten();
        let track = tracks
            .find(|track| track.epoch == header.epoch)
            .ok_or(OutOfOrder)?;
        let (next, head) = track
            .heads
            .get_mut(&(header.direction, header.class))
            .ok_or(OutOfOrder)?;
        if *next != header.number {
            return Err(OutOfOrder);
        }
        *head = step(head, header, ciphertext_hash);
        *next += 1;
        Ok(())
    }

    /// The heads of the current epoch.
    pub fn current(&self) -> Vec<Head> {
        self.current.iter().flat_map(Track::list).collect()
    }

    /// The heads of the epoch before.
    pub fn previous(&self) -> Vec<Head> {
        self.previous.iter().flat_map(Track::list).collect()
    }

    /// Both, the current epoch first: what a checkpoint states.
    pub fn all(&self) -> Vec<Head> {
        let mut all = self.current();
        all.extend(self.previous());
        all
    }
}

impl Track {
    fn list(&self) -> impl Iterator<Item = Head> + '_ {
        self.heads
            .iter()
            .map(|((direction, class), (next, head))| Head {
                epoch: self.epoch,
                direction: *direction,
                class: *class,
                next: *next,
                head: *head,
            })
    }
}

/// Every (direction, class) whose frames come in order.
pub fn places() -> impl Iterator<Item = (Direction, Class)> {
    [Direction::AgentToConsole, Direction::ConsoleToAgent]
        .into_iter()
        .flat_map(|direction| {
            Class::ALL
                .into_iter()
                .filter(move |class| class.in_order() && class.allows(direction))
                .map(move |class| (direction, class))
        })
}

/// What the relay states is not what happened here. Somebody altered, dropped or invented frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the recording does not say what happened: epoch {epoch}, {direction:?}, {class:?}")]
pub struct Mismatch {
    /// Where.
    pub epoch: u32,
    /// Where.
    pub direction: Direction,
    /// Where.
    pub class: Class,
}

/// One end's memory of what it sent and received in order.
#[derive(Debug)]
pub struct Witness {
    /// The direction in which this end sends.
    own: Direction,
    heads: Heads,
    past: BTreeMap<(u32, Direction, Class), Past>,
}

#[derive(Debug, Default)]
struct Past {
    /// (next, head), oldest first; none that was compared but the newest of them.
    heads: VecDeque<(u64, Hash)>,
    /// Claims about numbers that have not come yet, rising.
    ahead: VecDeque<(u64, Hash)>,
    /// Everything below has been compared equal.
    covered: u64,
}

impl Witness {
    /// For the end that sends in `own`.
    pub fn new(session: SessionId, own: Direction) -> Self {
        Self {
            own,
            heads: Heads::new(session),
            past: BTreeMap::new(),
        }
    }

    /// An epoch begins.
    pub fn begin(&mut self, epoch: u32) {
        self.heads.begin(epoch);
        let kept = self.heads.previous().first().map_or(epoch, |h| h.epoch);
        self.past.retain(|(epoch, ..), _| *epoch >= kept);
        for head in self.heads.current() {
            let past = Past {
                heads: VecDeque::from([(0, head.head)]),
                ..Past::default()
            };
            self.past
                .insert((head.epoch, head.direction, head.class), past);
        }
    }

    /// An in-order frame or tombstone was sent or received. Those of epochs that are not kept do not
    /// count. Errors: it does not continue its class, or contradicts what the relay has claimed.
    pub fn note(&mut self, header: &Header, ciphertext_hash: &Hash) -> Result<(), Mismatch> {
        let place = (header.epoch, header.direction, header.class);
        let mismatch = mismatch(place);
        let Some(past) = self.past.get_mut(&place) else {
            return Ok(());
        };
        self.heads
            .note(header, ciphertext_hash)
            .map_err(|_| mismatch)?;
        let (_, before) = *past.heads.back().ok_or(mismatch)?;
        let here = (header.number + 1, step(&before, header, ciphertext_hash));
        past.heads.push_back(here);
        while let Some(claim) = past.ahead.front().copied()
            && claim.0 <= here.0
        {
            past.ahead.pop_front();
            past.compare(claim).map_err(|()| mismatch)?;
        }
        if past.heads.len() > MAX_PAST {
            past.heads.pop_front();
        }
        Ok(())
    }

    /// The relay states heads, in a checkpoint whose signature has been verified. Errors: they
    /// are not ours, or speak of frames that this end never sent.
    pub fn handle_claims(&mut self, claims: &[Head]) -> Result<(), Mismatch> {
        for claim in claims {
            let place = (claim.epoch, claim.direction, claim.class);
            let Some(past) = self.past.get_mut(&place) else {
                continue;
            };
            let mismatch = mismatch(place);
            let here = past.heads.back().ok_or(mismatch)?.0;
            let stated = (claim.next, claim.head);
            if claim.next <= here {
                past.compare(stated).map_err(|()| mismatch)?;
            } else if claim.direction == self.own || past.ahead.len() >= MAX_AHEAD {
                return Err(mismatch);
            } else if past.ahead.back().is_none_or(|last| last.0 < claim.next) {
                past.ahead.push_back(stated);
            } else if !past.ahead.contains(&stated) {
                return Err(mismatch);
            }
        }
        Ok(())
    }

    /// Everything below this number of that class has been compared with the relay and found equal.
    pub fn covered(&self, epoch: u32, direction: Direction, class: Class) -> u64 {
        self.past
            .get(&(epoch, direction, class))
            .map_or(0, |past| past.covered)
    }

    /// This end's heads, to be signed and sent: the current epoch's and the one's before.
    pub fn lists(&self) -> (HeadList, HeadList) {
        (List(self.heads.current()), List(self.heads.previous()))
    }
}

impl Past {
    fn compare(&mut self, (next, head): (u64, Hash)) -> Result<(), ()> {
        if next < self.covered {
            // Stated and compared before; the relay may repeat itself, in any order.
            return Ok(());
        }
        if self.heads.front().is_some_and(|(at, _)| next < *at) {
            // Older than what is remembered: it proves nothing, and covers nothing.
            return Ok(());
        }
        let ours = self.heads.iter().find(|(at, _)| *at == next).ok_or(())?;
        if ours.1 != head {
            return Err(());
        }
        self.covered = next;
        while self.heads.front().is_some_and(|(at, _)| *at < next) {
            self.heads.pop_front();
        }
        Ok(())
    }
}

fn mismatch((epoch, direction, class): (u32, Direction, Class)) -> Mismatch {
    Mismatch {
        epoch,
        direction,
        class,
    }
}

/// What an end signs of its heads under the label `heads`.
pub fn to_sign(
    session: &SessionId,
    rid: &[u8; 16],
    current: &HeadList,
    previous: &HeadList,
) -> Vec<u8> {
    crate::wire::enc(&[session, rid, &current.to_bytes(), &previous.to_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rights::Rights;

    fn header(class: Class, direction: Direction, number: u64) -> Header {
        Header {
            epoch: 1,
            direction,
            class,
            number,
            grant: 1,
            rights: Rights::Control,
            length: 16,
        }
    }

    fn input(number: u64) -> Header {
        header(Class::Input, Direction::ConsoleToAgent, number)
    }

    fn claim(heads: &Heads, class: Class) -> Head {
        let mut all = heads.current().into_iter();
        all.find(|h| h.class == class && h.direction == Direction::ConsoleToAgent)
            .unwrap()
    }

    #[test]
    fn the_relay_may_be_ahead_of_the_receiver_but_not_of_the_sender() {
        let (mut relay, mut agent) = (
            Heads::new([1; 16]),
            Witness::new([1; 16], Direction::AgentToConsole),
        );
        let mut console = Witness::new([1; 16], Direction::ConsoleToAgent);
        relay.begin(1);
        agent.begin(1);
        console.begin(1);
        relay.note(&input(0), &[7; 32]).unwrap();
        let ahead = [claim(&relay, Class::Input)];
        assert_eq!(agent.handle_claims(&ahead), Ok(()));
        assert_eq!(agent.covered(1, Direction::ConsoleToAgent, Class::Input), 0);
        agent.note(&input(0), &[7; 32]).unwrap();
        assert_eq!(agent.covered(1, Direction::ConsoleToAgent, Class::Input), 1);
        assert!(console.handle_claims(&ahead).is_err());
    }

    #[test]
    fn another_ciphertext_is_found_at_once_or_when_it_comes() {
        let mut relay = Heads::new([1; 16]);
        relay.begin(1);
        relay.note(&input(0), &[7; 32]).unwrap();
        let claim = [claim(&relay, Class::Input)];
        let mut agent = Witness::new([1; 16], Direction::AgentToConsole);
        agent.begin(1);
        agent.note(&input(0), &[8; 32]).unwrap();
        assert!(agent.handle_claims(&claim).is_err());
        let mut agent = Witness::new([1; 16], Direction::AgentToConsole);
        agent.begin(1);
        agent.handle_claims(&claim).unwrap();
        assert!(agent.note(&input(0), &[8; 32]).is_err());
    }

    #[test]
    fn past_heads_are_kept_until_compared() {
        let mut relay = Heads::new([1; 16]);
        let mut agent = Witness::new([1; 16], Direction::AgentToConsole);
        relay.begin(1);
        agent.begin(1);
        let mut early = None;
        for number in 0..100 {
            relay.note(&input(number), &[number as u8; 32]).unwrap();
            agent.note(&input(number), &[number as u8; 32]).unwrap();
            if number == 40 {
                early = Some(claim(&relay, Class::Input));
            }
        }
        agent.handle_claims(&[early.unwrap()]).unwrap();
        assert_eq!(
            agent.covered(1, Direction::ConsoleToAgent, Class::Input),
            41
        );
        agent.handle_claims(&[claim(&relay, Class::Input)]).unwrap();
        assert_eq!(
            agent.covered(1, Direction::ConsoleToAgent, Class::Input),
            100
        );
    }

    #[test]
    fn an_epoch_later_the_last_ones_heads_still_count() {
        let mut relay = Heads::new([1; 16]);
        let mut agent = Witness::new([1; 16], Direction::AgentToConsole);
        for heads in [1, 2] {
            relay.begin(heads);
            agent.begin(heads);
            if heads == 1 {
                relay.note(&input(0), &[7; 32]).unwrap();
                agent.note(&input(0), &[7; 32]).unwrap();
            }
        }
        agent.handle_claims(&relay.all()).unwrap();
        assert_eq!(agent.covered(1, Direction::ConsoleToAgent, Class::Input), 1);
        assert_eq!(relay.all().len(), 20);
        assert_eq!(agent.lists().1.0, relay.previous());
    }
}
