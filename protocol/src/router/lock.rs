//! The second lock: what the relay lets pass of one session's frames.
//!
//! ```text
//!            open(n)                     first rights frame of n
//! NoEpoch ───────────► Open{n, Nothing} ────────────────────────► Open{n, Rights{grant, rights}} ─┐
//!                        ▲         │                                   │              ▲            │
//!                        │ open(n) │ suspend                           │ suspend      └────────────┘
//!                        └───── Suspended{n} ◄─────────────────────────┘              rights frame
//! ```
//!
//! Rights come from the clear headers of class 0 and from nowhere else. The relay may
//! narrow them (`ceiling`), never widen them. It reads headers only: whether the sender's
//! key sealed them is for the ends to find out.
//!
//! Not here: who is connected, and where a frame goes ([`super::Router`]).

use crate::frame::{Class, Direction, Header};
use crate::rights::Rights;

/// What the lock says of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    /// May pass.
    Pass,
    /// Input that may pass once the recorder has taken it.
    PassInput,
    /// Too early: its rights frame has not come by. Ask again when the lock changes.
    Hold,
    /// In order, but may not pass: header and hash travel in its place.
    Tombstone,
    /// A frame with a stream of its own that may not pass: its stream is reset.
    Refuse,
    /// What an honest sender cannot have sent.
    Tampered,
}

/// Which open per-frame streams have to be reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cut {
    /// None of them.
    Nothing,
    /// Those of beacons: control has ended.
    Beacons,
    /// All of them: sight has ended.
    Everything,
}

/// What a step did to the rights in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Held frames need not be asked again.
    Unchanged,
    /// Held frames are judged again, open streams are cut.
    Changed(Cut),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Announced {
    Nothing,
    Rights { grant: u32, rights: Rights },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    NoEpoch,
    Open { epoch: u32, announced: Announced },
    Suspended { epoch: u32 },
}

/// The next frame of one in-order class and direction.
#[derive(Debug, Clone, Copy, Default)]
struct Track {
    epoch: u32,
    next: u64,
}

/// One session's second lock.
#[derive(Debug, Clone)]
pub(super) struct Lock {
    state: State,
    ceiling: Rights,
    /// The newest grant; it rises over the whole session.
    grant: u32,
    tracks: [[Track; IN_ORDER_CLASSES]; 2],
}

impl Lock {
    pub(super) fn new() -> Self {
        Self {
            state: State::NoEpoch,
            ceiling: Rights::None,
            grant: 0,
            tracks: Default::default(),
        }
    }

    /// Sets the locks of a new epoch: no rights until its first rights frame, and never more
    /// than `ceiling`. False if `epoch` is not newer than the last one.
    pub(super) fn open(&mut self, epoch: u32, ceiling: Rights) -> bool {
        if epoch <= self.epoch() {
            return false;
        }
        self.state = State::Open {
            epoch,
            announced: Announced::Nothing,
        };
        self.ceiling = ceiling;
        true
    }

    /// Closes everything until the next epoch.
    pub(super) fn suspend(&mut self) -> Effect {
        match self.state {
            State::Open { epoch, .. } => {
                self.state = State::Suspended { epoch };
                Effect::Changed(Cut::Everything)
            }
            State::NoEpoch | State::Suspended { .. } => Effect::Unchanged,
        }
    }

    /// Takes control away until the next epoch, whatever the agent announces.
    pub(super) fn narrow_to_view(&mut self) -> Effect {
        let before = self.rights();
        self.ceiling = self.ceiling.min(Rights::View);
        if before.control() {
            Effect::Changed(Cut::Beacons)
        } else {
            Effect::Unchanged
        }
    }

    /// Raises the ceiling of the open epoch: the technician has signed it.
    pub(super) fn raise(&mut self, ceiling: Rights) -> Effect {
        let before = self.rights();
        self.ceiling = self.ceiling.max(ceiling);
        match self.rights() == before {
            true => Effect::Unchanged,
            false => Effect::Changed(Cut::Nothing),
        }
    }

    /// The rights in force: the customer's, narrowed by the relay's ceiling.
    pub(super) fn rights(&self) -> Rights {
        match self.state {
            State::Open {
                announced: Announced::Rights { rights, .. },
                ..
            } => rights.min(self.ceiling),
            State::Open {
                announced: Announced::Nothing,
                ..
            }
            | State::NoEpoch
            | State::Suspended { .. } => Rights::None,
        }
    }

    /// True if texts and files may pass: with sight, in an epoch that is recorded, while the recorder takes it.
    fn transfers(&self) -> bool {
        self.ceiling.control() && self.rights().view()
    }

    /// The newest epoch, 0 before the first.
    pub(super) fn epoch(&self) -> u32 {
        match self.state {
            State::NoEpoch => 0,
            State::Open { epoch, .. } | State::Suspended { epoch } => epoch,
        }
    }

    /// Judges a frame that `sender` sent. In-order frames advance their numbers.
    pub(super) fn judge(&mut self, sender: Direction, header: &Header) -> (Judgement, Effect) {
        if header.direction != sender {
            return (Judgement::Tampered, Effect::Unchanged);
        }
        if !header.class.in_order() {
            return (self.judge_alone(header), Effect::Unchanged);
        }
        if !self.in_order(header) {
            return (Judgement::Tampered, Effect::Unchanged);
        }
        match self.state {
            State::Open { epoch, .. } if epoch == header.epoch => match header.class {
                Class::Rights => self.take_rights(epoch, header),
                Class::Input => (self.judge_input(header), Effect::Unchanged),
                Class::Transfer if !self.transfers() => (Judgement::Tombstone, Effect::Unchanged),
                Class::Acks | Class::Heads | Class::Notices | Class::Transfer => {
                    (Judgement::Pass, Effect::Unchanged)
                }
                Class::Beacon | Class::Pointer | Class::Picture | Class::Refinement => {
                    unreachable!("judged alone above")
                }
            },
            // On its way while the epoch changed or the session was suspended.
            State::Open { .. } | State::Suspended { .. } | State::NoEpoch => {
                (Judgement::Tombstone, Effect::Unchanged)
            }
        }
    }

    /// Judges input once more, after the recorder has taken it: the rights may have ended.
    pub(super) fn judge_input(&self, header: &Header) -> Judgement {
        match self.state {
            State::Open {
                epoch,
                announced: Announced::Rights { grant, rights },
            } if epoch == header.epoch
                && grant == header.grant
                && rights == header.rights
                && self.rights().control() =>
            {
                Judgement::PassInput
            }
            State::Open { .. } | State::NoEpoch | State::Suspended { .. } => Judgement::Tombstone,
        }
    }

    fn judge_alone(&self, header: &Header) -> Judgement {
        let State::Open { epoch, announced } = self.state else {
            return Judgement::Refuse;
        };
        if epoch != header.epoch {
            return Judgement::Refuse;
        }
        let Announced::Rights { grant, rights } = announced else {
            return Judgement::Hold;
        };
        if header.grant > grant {
            return Judgement::Hold;
        }
        let may = if header.class.shows_screen() {
            self.rights().view()
        } else {
            self.rights().control()
        };
        if header.grant == grant && header.rights == rights && may {
            Judgement::Pass
        } else {
            Judgement::Refuse
        }
    }

    fn take_rights(&mut self, epoch: u32, header: &Header) -> (Judgement, Effect) {
        if header.grant <= self.grant {
            return (Judgement::Tampered, Effect::Unchanged);
        }
        self.grant = header.grant;
        let before = self.rights();
        self.state = State::Open {
            epoch,
            announced: Announced::Rights {
                grant: header.grant,
                rights: header.rights,
            },
        };
        let after = self.rights();
        let cut = match (before, after) {
            (_, Rights::None) => Cut::Everything,
            (_, Rights::View) => Cut::Beacons,
            (_, Rights::Control) => Cut::Nothing,
        };
        (Judgement::Pass, Effect::Changed(cut))
    }

    /// True if the frame is the next of its class, direction and epoch. A newer epoch
    /// starts at 0; an older one than the class has seen does not come back.
    fn in_order(&mut self, header: &Header) -> bool {
        let newest = self.epoch();
        let track = &mut self.tracks[header.direction as usize][header.class as usize];
        if header.epoch == 0 || header.epoch > newest || header.epoch < track.epoch {
            return false;
        }
        if header.epoch > track.epoch {
            *track = Track {
                epoch: header.epoch,
                next: 0,
            };
        }
        if header.number != track.next {
            return false;
        }
        track.next += 1;
        true
    }
}

const IN_ORDER_CLASSES: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "tests name what they expect"
    )]
    fn header(class: Class, epoch: u32, number: u64, grant: u32, rights: Rights) -> Header {
        let direction = match class {
            Class::Input => Direction::ConsoleToAgent,
            _ => Direction::AgentToConsole,
        };
        Header {
            epoch,
            direction,
            class,
            number,
            grant,
            rights,
            length: 16,
        }
    }

    fn judge(lock: &mut Lock, header: &Header) -> Judgement {
        lock.judge(header.direction, header).0
    }

    fn controlled() -> Lock {
        let mut lock = Lock::new();
        assert!(lock.open(1, Rights::Control));
        let rights = header(Class::Rights, 1, 0, 1, Rights::Control);
        assert_eq!(
            lock.judge(rights.direction, &rights),
            (Judgement::Pass, Effect::Changed(Cut::Nothing))
        );
        lock
    }

    #[test]
    fn nothing_passes_before_an_epoch() {
        let mut lock = Lock::new();
        for class in Class::ALL {
            let frame = header(class, 1, 0, 0, Rights::Control);
            let expected = if class.in_order() {
                Judgement::Tampered
            } else {
                Judgement::Refuse
            };
            assert_eq!(judge(&mut lock, &frame), expected, "{class:?}");
        }
    }

    #[test]
    fn input_needs_control_grant_and_epoch() {
        let mut lock = controlled();
        let mut number = 0;
        for (epoch, grant, rights, expected) in [
            (1, 1, Rights::Control, Judgement::PassInput),
            (1, 0, Rights::Control, Judgement::Tombstone),
            (1, 2, Rights::Control, Judgement::Tombstone),
            (1, 1, Rights::View, Judgement::Tombstone),
        ] {
            let frame = header(Class::Input, epoch, number, grant, rights);
            assert_eq!(judge(&mut lock, &frame), expected);
            number += 1;
        }
        assert!(lock.open(2, Rights::Control));
        let late = header(Class::Input, 1, number, 1, Rights::Control);
        assert_eq!(judge(&mut lock, &late), Judgement::Tombstone);
        let early = header(Class::Input, 2, 0, 1, Rights::Control);
        assert_eq!(judge(&mut lock, &early), Judgement::Tombstone);
        assert_eq!(
            judge(
                &mut lock,
                &header(Class::Input, 1, number + 1, 1, Rights::Control)
            ),
            Judgement::Tampered
        );
        assert_eq!(
            judge(&mut lock, &header(Class::Input, 3, 0, 1, Rights::Control)),
            Judgement::Tampered
        );
    }

    #[test]
    fn texts_and_files_need_sight_and_a_recorder() {
        let mut lock = controlled();
        let mut number = 0;
        let mut next = |lock: &mut Lock| {
            let frame = header(Class::Transfer, 1, number, 1, Rights::View);
            number += 1;
            judge(lock, &frame)
        };
        assert_eq!(next(&mut lock), Judgement::Pass);
        judge(&mut lock, &header(Class::Rights, 1, 1, 2, Rights::View));
        assert_eq!(next(&mut lock), Judgement::Pass, "without control");
        judge(&mut lock, &header(Class::Rights, 1, 2, 3, Rights::None));
        assert_eq!(next(&mut lock), Judgement::Tombstone, "without sight");
        judge(&mut lock, &header(Class::Rights, 1, 3, 4, Rights::Control));
        assert_eq!(next(&mut lock), Judgement::Pass);
        lock.narrow_to_view();
        assert_eq!(next(&mut lock), Judgement::Tombstone, "without a recorder");
        let mut lock = Lock::new();
        lock.open(1, Rights::View);
        judge(&mut lock, &header(Class::Rights, 1, 0, 1, Rights::View));
        let frame = header(Class::Transfer, 1, 0, 1, Rights::View);
        assert_eq!(
            judge(&mut lock, &frame),
            Judgement::Tombstone,
            "only looking"
        );
    }

    #[test]
    fn revocation_cuts_and_refuses() {
        let mut lock = controlled();
        assert_eq!(
            judge(&mut lock, &header(Class::Picture, 1, 0, 1, Rights::Control)),
            Judgement::Pass
        );
        assert_eq!(
            judge(&mut lock, &header(Class::Picture, 1, 1, 2, Rights::None)),
            Judgement::Hold
        );
        let revoking = header(Class::Rights, 1, 1, 2, Rights::None);
        assert_eq!(
            lock.judge(revoking.direction, &revoking),
            (Judgement::Pass, Effect::Changed(Cut::Everything))
        );
        assert_eq!(
            judge(&mut lock, &header(Class::Picture, 1, 1, 2, Rights::None)),
            Judgement::Refuse
        );
        assert_eq!(
            judge(&mut lock, &header(Class::Picture, 1, 2, 1, Rights::Control)),
            Judgement::Refuse
        );
        assert_eq!(
            judge(&mut lock, &header(Class::Input, 1, 0, 1, Rights::Control)),
            Judgement::Tombstone
        );
    }

    #[test]
    fn the_relay_narrows_and_never_widens() {
        let mut lock = Lock::new();
        lock.open(1, Rights::View);
        judge(&mut lock, &header(Class::Rights, 1, 0, 1, Rights::Control));
        assert_eq!(lock.rights(), Rights::View);
        assert_eq!(
            judge(&mut lock, &header(Class::Input, 1, 0, 1, Rights::Control)),
            Judgement::Tombstone
        );
        assert_eq!(
            judge(&mut lock, &header(Class::Beacon, 1, 0, 1, Rights::Control)),
            Judgement::Refuse
        );
        assert_eq!(
            judge(&mut lock, &header(Class::Picture, 1, 0, 1, Rights::Control)),
            Judgement::Pass
        );
        let mut lock = controlled();
        assert_eq!(lock.narrow_to_view(), Effect::Changed(Cut::Beacons));
        judge(&mut lock, &header(Class::Rights, 1, 1, 2, Rights::Control));
        assert_eq!(lock.rights(), Rights::View);
    }

    #[test]
    fn a_grant_always_rises() {
        for (grant, rights) in [
            (0, Rights::Control),
            (1, Rights::View),
            (1, Rights::Control),
        ] {
            let mut lock = controlled();
            assert_eq!(
                judge(&mut lock, &header(Class::Rights, 1, 1, grant, rights)),
                Judgement::Tampered
            );
            let mut lock = controlled();
            assert!(lock.open(2, Rights::Control));
            assert_eq!(
                judge(&mut lock, &header(Class::Rights, 2, 0, grant, rights)),
                Judgement::Tampered
            );
        }
    }

    #[test]
    fn numbers_are_exactly_one_more() {
        for number in [0, 2] {
            let mut lock = controlled();
            assert_eq!(
                judge(&mut lock, &header(Class::Notices, 1, 0, 1, Rights::View)),
                Judgement::Pass
            );
            assert_eq!(
                judge(
                    &mut lock,
                    &header(Class::Notices, 1, number, 1, Rights::View)
                ),
                Judgement::Tampered
            );
        }
    }

    #[test]
    fn suspended_until_a_newer_epoch() {
        let mut lock = controlled();
        assert_eq!(lock.suspend(), Effect::Changed(Cut::Everything));
        assert_eq!(lock.rights(), Rights::None);
        assert_eq!(
            judge(&mut lock, &header(Class::Rights, 1, 1, 2, Rights::Control)),
            Judgement::Tombstone
        );
        assert_eq!(lock.rights(), Rights::None);
        assert!(!lock.open(1, Rights::Control));
        assert!(lock.open(2, Rights::Control));
        assert_eq!(lock.rights(), Rights::None);
    }

    #[test]
    fn a_sender_cannot_speak_for_the_other() {
        let mut lock = controlled();
        let frame = header(Class::Rights, 1, 1, 2, Rights::Control);
        assert_eq!(
            lock.judge(Direction::ConsoleToAgent, &frame).0,
            Judgement::Tampered
        );
    }
}
