//! What the technician does in a session: input, pointing, the case number, and what the window says of the picture.
//!
//! Nothing here widens anything: what the mirror does not allow is dropped.

use std::time::Duration;

use fernsicht_protocol::content::{ConsoleNotice, Input, InputEvent, PictureAck};
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::messages::CaseNumber;
use fernsicht_protocol::wire::{List, Wire, plain};

use super::{Core, Phase};
use crate::picture::Mark;
use crate::view::{Link, Wish};

/// Frames that one input may need: the release before it, itself, and the release if the next
/// one does not fit.
pub(super) const ROOM_PER_INPUT: usize = 3;

/// Pointing leaves room for notices that matter.
pub(super) const ROOM_PER_POINT: usize = 32;

impl Core {
    /// The technician's case number. A paired agent is told, and takes it until recording begins.
    /// What cannot be a case number counts as none.
    pub(crate) fn handle_case(&mut self, case: &str) {
        let case = Some(case.trim()).filter(|case| plain(case));
        let case = case.and_then(|case| CaseNumber::new(case).ok());
        self.case = case.unwrap_or_default();
        if let Phase::Paired(paired) = &mut self.phase
            && paired.case != self.case
        {
            paired.tell_case(self.case.clone(), &mut self.out);
        }
    }

    /// The case number in force.
    pub(crate) fn case(&self) -> &str {
        match &self.phase {
            Phase::Paired(paired) => paired.case.as_str(),
            Phase::Idle { .. }
            | Phase::Requested { .. }
            | Phase::Offered(_)
            | Phase::Over(_)
            | Phase::Ended(_) => self.case.as_str(),
        }
    }

    /// "Look here." Dropped silently where the mirror does not allow it, or where the link takes no more.
    pub(crate) fn handle_point(&mut self, (x, y): (u16, u16), press: bool, room: usize) {
        let Phase::Paired(paired) = &mut self.phase else {
            return;
        };
        if paired.link != Link::Whole || room < ROOM_PER_POINT {
            return;
        }
        let Some(grant) = paired.mirror.may_point() else {
            return;
        };
        let content = ConsoleNotice::Point { x, y, press }.to_bytes();
        self.out
            .extend(paired.seal(Class::Notices, grant, &content));
    }

    /// A line for the customer.
    pub(crate) fn handle_write(&mut self, text: &str) {
        if let Phase::Paired(paired) = &mut self.phase {
            paired.write_chat(text, &mut self.out);
        }
    }

    /// What the technician's hand did. Dropped silently where the mirror does not allow it.
    /// `room`: input frames that the link takes now. Where they run out the input is dropped,
    /// and everything goes up: with the last of them, and before the next input.
    pub(crate) fn handle_input(&mut self, event: InputEvent, room: usize) {
        let Phase::Paired(paired) = &mut self.phase else {
            return;
        };
        if paired.link != Link::Whole || paired.keys.is_none() {
            return;
        }
        let Some((grant, beacon)) = paired.mirror.may_send() else {
            return;
        };
        let fits = room >= ROOM_PER_INPUT;
        let release = match fits {
            true => std::mem::take(&mut paired.release_first),
            false => !std::mem::replace(&mut paired.release_first, true) && room > 0,
        };
        let release = release.then_some(InputEvent::ReleaseAll);
        for event in release.into_iter().chain(fits.then_some(event)) {
            let content = Input {
                beacon,
                layout: paired.drawn,
                event,
            }
            .to_bytes();
            self.out.extend(paired.seal(Class::Input, grant, &content));
        }
    }

    /// A text for the customer's clipboard, a file for him, or a request for one of his.
    pub(crate) fn handle_wish(&mut self, wish: Wish) {
        let Phase::Paired(paired) = &mut self.phase else {
            return;
        };
        let out = &mut self.out;
        match wish {
            Wish::Text(text) => paired.offer_text(text, out),
            Wish::File(path) => paired.offer_file(path, out),
            Wish::Ask(folder) => paired.ask_file(folder, out),
            Wish::Cancel => paired.cancel_piece(out),
        }
    }

    /// The picture of this mark is on the screen, so long after it had arrived.
    pub(crate) fn handle_drawn(&mut self, mark: Mark, held: Duration) {
        let Phase::Paired(paired) = &mut self.phase else {
            return;
        };
        paired.drawn = mark.layout;
        let content = PictureAck {
            sequence: mark.sequence,
            digest: mark.digest,
            ahead: List(mark.ahead),
            held_us: u32::try_from(held.as_micros()).unwrap_or(u32::MAX),
        }
        .to_bytes();
        self.out
            .extend(paired.seal(Class::Acks, paired.mirror.grant(), &content));
    }

    /// The painter cannot go on: it needs a complete picture.
    pub(crate) fn handle_picture_wanted(&mut self) {
        let Phase::Paired(paired) = &mut self.phase else {
            return;
        };
        let content = ConsoleNotice::PictureWanted.to_bytes();
        self.out
            .extend(paired.seal(Class::Notices, paired.mirror.grant(), &content));
    }
}
