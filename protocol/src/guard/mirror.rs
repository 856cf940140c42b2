//! The console's mirror of the guard: what the technician may see and send, as the newest
//! rights frame says it.
//!
//! ```text
//! EpochStart ─► handle_epoch ─► no rights
//! rights frame (class 0) ─► handle_rights ─► rights, grant
//! picture frames (7–9)   ─► may_draw ─► draw | hold | drop
//! hand                   ─► may_send ─► grant and beacon for the input frame
//! ```
//!
//! The mirror grants nothing: a console that ignores it is stopped by the relay's lock and by the
//! agent's guard. It is there so that a revocation blanks the picture at once and no key
//! press is sent in vain.
//!
//! Not here: opening the frames ([`crate::epoch`]).

use thiserror::Error;

use crate::content::Cause;
use crate::frame::{Class, Header};
use crate::rights::Rights;

/// What the console knows of the rights.
#[derive(Debug, Default)]
pub struct Mirror {
    epoch: u32,
    grant: u32,
    rights: Rights,
    cause: Option<Cause>,
    /// Grant and number of the newest beacon; it may have overtaken its rights frame.
    beacon: Option<(u32, u64)>,
    customer_active: bool,
}

/// What a change means for the picture on the technician's screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a blanked picture must go at once"]
pub enum Effect {
    /// Sight has ended, or never was: the picture must go now.
    Blank,
    /// Sight has begun: wait for a complete picture.
    Fresh,
    /// Sight goes on: the picture stays.
    Keep,
}

/// What to do with a frame that shows the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draw {
    /// Draw it.
    Draw,
    /// Its rights frame is still on the way: keep it unopened until the next rights frame,
    /// then ask again. The caller bounds how many it keeps.
    Hold,
    /// Throw it away.
    Drop,
}

/// A rights frame that cannot be: something was altered on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Violation {
    /// Not a rights frame, or of another epoch.
    #[error("a rights frame of another epoch")]
    Epoch,
    /// The grant did not rise.
    #[error("a rights frame whose grant does not rise")]
    Grant,
}

impl Mirror {
    /// Nothing is granted.
    pub fn new() -> Self {
        Self::default()
    }

    /// An epoch has been acknowledged: nothing is granted until its first rights frame.
    /// Grants go on rising over the epochs. An epoch that is not newer is ignored.
    pub fn handle_epoch(&mut self, epoch: u32) -> Effect {
        if epoch > self.epoch {
            self.epoch = epoch;
        }
        self.revoke()
    }

    /// A rights frame was opened; frames of class 0 come in order. `header` brings the rights.
    /// Errors: a frame that cannot be; nothing is granted then, and the session ends as
    /// tampered with.
    pub fn handle_rights(&mut self, header: &Header, cause: Cause) -> Result<Effect, Violation> {
        let violation = if header.class != Class::Rights || header.epoch != self.epoch {
            Some(Violation::Epoch)
        } else if header.grant <= self.grant {
            Some(Violation::Grant)
        } else {
            None
        };
        if let Some(violation) = violation {
            self.rights = Rights::None;
            self.beacon = None;
            return Err(violation);
        }
        let seen = self.rights.view();
        self.grant = header.grant;
        self.rights = header.rights;
        self.cause = Some(cause);
        // Not `customer_active`: its notices come in order among themselves, and the guard
        // takes back what it has told when the rights change.
        Ok(match (seen, self.rights.view()) {
            (_, false) => Effect::Blank,
            (false, true) => Effect::Fresh,
            (true, true) => Effect::Keep,
        })
    }

    /// A beacon was opened. One that was overtaken by a newer one is ignored; one that
    /// overtook its rights frame waits for it.
    pub fn handle_beacon(&mut self, header: &Header, number: u64) {
        if header.class != Class::Beacon || header.epoch != self.epoch {
            return;
        }
        let beacon = (header.grant, number);
        if self.beacon.is_none_or(|newest| newest < beacon) {
            self.beacon = Some(beacon);
        }
    }

    /// The agent says whether the customer uses mouse or keyboard.
    pub fn handle_customer_active(&mut self, active: bool) {
        self.customer_active = active;
    }

    /// The link to relay or agent is lost, or the session is over: nothing is granted.
    pub fn handle_lost(&mut self) -> Effect {
        self.revoke()
    }

    /// What to do with a frame of classes 7 to 9, by its header.
    pub fn may_draw(&self, header: &Header) -> Draw {
        if !header.class.shows_screen() || header.epoch != self.epoch {
            return Draw::Drop;
        }
        match header.grant.cmp(&self.grant) {
            std::cmp::Ordering::Less => Draw::Drop,
            std::cmp::Ordering::Greater => Draw::Hold,
            std::cmp::Ordering::Equal if self.rights.view() => Draw::Draw,
            std::cmp::Ordering::Equal => Draw::Drop,
        }
    }

    /// Grant (for the header) and beacon (for the plaintext) of an input frame, if input
    /// may be sent: control is on, a beacon of this grant has been opened, and the customer
    /// does not use mouse or keyboard.
    pub fn may_send(&self) -> Option<(u32, u64)> {
        if !self.rights.control() || self.customer_active {
            return None;
        }
        self.beacon.filter(|(grant, _)| *grant == self.grant)
    }

    /// The grant of a notice that points, if pointing may be shown: the technician may look, and no more.
    pub fn may_point(&self) -> Option<u32> {
        (self.rights == Rights::View).then_some(self.grant)
    }

    /// The rights in force.
    pub fn rights(&self) -> Rights {
        self.rights
    }

    /// The newest grant.
    pub fn grant(&self) -> u32 {
        self.grant
    }

    /// The current epoch, 0 before the first.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Why the rights last changed.
    pub fn cause(&self) -> Option<&Cause> {
        self.cause.as_ref()
    }

    /// True while the customer uses mouse or keyboard, under control.
    pub fn customer_active(&self) -> bool {
        self.customer_active
    }

    fn revoke(&mut self) -> Effect {
        self.rights = Rights::None;
        self.beacon = None;
        self.customer_active = false;
        Effect::Blank
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Direction;

    fn header(class: Class, epoch: u32, grant: u32, rights: Rights) -> Header {
        Header {
            epoch,
            direction: Direction::AgentToConsole,
            class,
            number: 0,
            grant,
            rights,
            length: 16,
        }
    }

    fn controlled() -> Mirror {
        let mut mirror = Mirror::new();
        assert_eq!(mirror.handle_epoch(1), Effect::Blank);
        let rights = header(Class::Rights, 1, 1, Rights::Control);
        assert_eq!(
            mirror.handle_rights(&rights, Cause::Epoch),
            Ok(Effect::Fresh)
        );
        mirror.handle_beacon(&header(Class::Beacon, 1, 1, Rights::Control), 5);
        assert_eq!(mirror.may_send(), Some((1, 5)));
        mirror
    }

    #[test]
    fn nothing_before_the_first_rights_frame() {
        let mut mirror = Mirror::new();
        assert_eq!(mirror.may_send(), None);
        assert_eq!(mirror.handle_epoch(1), Effect::Blank);
        let picture = header(Class::Picture, 1, 0, Rights::Control);
        assert_eq!(mirror.may_draw(&picture), Draw::Drop);
        mirror.handle_beacon(&header(Class::Beacon, 1, 0, Rights::Control), 1);
        assert_eq!(mirror.may_send(), None);
    }

    #[test]
    fn a_revocation_blanks_and_stops_sending() {
        let mut mirror = controlled();
        let off = header(Class::Rights, 1, 2, Rights::None);
        assert_eq!(
            mirror.handle_rights(&off, Cause::Stopped),
            Ok(Effect::Blank)
        );
        assert_eq!(mirror.may_send(), None);
        for grant in [1, 2] {
            let picture = header(Class::Picture, 1, grant, Rights::Control);
            assert_eq!(mirror.may_draw(&picture), Draw::Drop);
        }
    }

    #[test]
    fn a_picture_that_overtook_its_rights_frame_is_held() {
        let mut mirror = controlled();
        let early = header(Class::Picture, 1, 2, Rights::View);
        assert_eq!(mirror.may_draw(&early), Draw::Hold);
        let view = header(Class::Rights, 1, 2, Rights::View);
        assert_eq!(
            mirror.handle_rights(&view, Cause::Narrowed),
            Ok(Effect::Keep)
        );
        assert_eq!(mirror.may_draw(&early), Draw::Draw);
        assert_eq!(
            mirror.may_draw(&header(Class::Picture, 1, 1, Rights::Control)),
            Draw::Drop
        );
        assert_eq!(
            mirror.may_draw(&header(Class::Input, 1, 2, Rights::View)),
            Draw::Drop
        );
    }

    #[test]
    fn a_new_epoch_and_a_lost_link_end_the_rights() {
        let mut mirror = controlled();
        assert_eq!(mirror.handle_epoch(2), Effect::Blank);
        assert_eq!((mirror.rights(), mirror.may_send()), (Rights::None, None));
        assert_eq!(
            mirror.may_draw(&header(Class::Picture, 1, 1, Rights::View)),
            Draw::Drop
        );
        let mut mirror = controlled();
        assert_eq!(mirror.handle_lost(), Effect::Blank);
        assert_eq!((mirror.rights(), mirror.may_send()), (Rights::None, None));
        assert_eq!(
            mirror.may_draw(&header(Class::Picture, 1, 1, Rights::View)),
            Draw::Drop
        );
    }

    #[test]
    fn a_rights_frame_that_cannot_be_grants_nothing() {
        for (class, epoch, grant, violation) in [
            (Class::Rights, 1, 1, Violation::Grant),
            (Class::Rights, 1, 0, Violation::Grant),
            (Class::Rights, 0, 2, Violation::Epoch),
            (Class::Rights, 2, 2, Violation::Epoch),
            (Class::Beacon, 1, 2, Violation::Epoch),
        ] {
            let mut mirror = controlled();
            let frame = header(class, epoch, grant, Rights::Control);
            assert_eq!(mirror.handle_rights(&frame, Cause::Granted), Err(violation));
            assert_eq!((mirror.rights(), mirror.may_send()), (Rights::None, None));
        }
    }

    #[test]
    fn the_newest_beacon_counts_and_only_of_this_grant() {
        let mut mirror = controlled();
        mirror.handle_beacon(&header(Class::Beacon, 1, 1, Rights::Control), 4);
        assert_eq!(mirror.may_send(), Some((1, 5)));
        mirror.handle_beacon(&header(Class::Beacon, 1, 1, Rights::Control), 6);
        assert_eq!(mirror.may_send(), Some((1, 6)));
        // One that overtook its rights frame serves once that has come.
        mirror.handle_beacon(&header(Class::Beacon, 1, 2, Rights::Control), 9);
        assert_eq!(mirror.may_send(), None);
        let again = header(Class::Rights, 1, 2, Rights::Control);
        assert_eq!(
            mirror.handle_rights(&again, Cause::Granted),
            Ok(Effect::Keep)
        );
        assert_eq!(mirror.may_send(), Some((2, 9)));
        mirror.handle_beacon(&header(Class::Beacon, 2, 3, Rights::Control), 10);
        assert_eq!(mirror.may_send(), Some((2, 9)));
    }

    #[test]
    fn nothing_is_sent_while_the_customer_is_active() {
        let mut mirror = controlled();
        mirror.handle_customer_active(true);
        assert_eq!(mirror.may_send(), None);
        mirror.handle_customer_active(false);
        assert_eq!(mirror.may_send(), Some((1, 5)));
    }

    #[test]
    fn a_notice_that_overtook_a_rights_frame_still_counts() {
        let mut mirror = controlled();
        mirror.handle_customer_active(true);
        let again = header(Class::Rights, 1, 2, Rights::Control);
        assert_eq!(
            mirror.handle_rights(&again, Cause::Granted),
            Ok(Effect::Keep)
        );
        mirror.handle_beacon(&header(Class::Beacon, 1, 2, Rights::Control), 6);
        assert_eq!(mirror.may_send(), None);
        assert_eq!(mirror.handle_lost(), Effect::Blank);
        assert!(!mirror.customer_active());
    }
}
