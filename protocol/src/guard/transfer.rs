//! The guard: texts for the clipboard and files, each asked for piece by piece.
//!
//! ```text
//! ask_transfer ─► Question::Transfer ─ allow_transfer (act) ─► allowed ─► transfer_permit, step by step
//!                      │ refuse_transfer (act), 5 min            │ end_transfer
//!                      ▼                                         ▼
//!                    over ◄── Stop, F11, show off, control off, end of the session
//! ```
//!
//! - Only in a recorded session with sight, and while the recorder works. A lost link and a failed recorder take the
//!   permits away and leave the customer's word: the piece goes on in the next epoch, control or not.
//! - While the question is open nothing is injected. Answers bring control back as it was, hence the act; silence does
//!   not.

use std::time::Instant;

use super::session::{Link, Recording, Session};
use super::{
    CustomerAct, Denied, Guard, Output, Question, Recorder, State, TRANSFER_ANSWER, TransferPermit,
};
use crate::content::Cause;
use crate::rights::Rights;
use crate::transfer::Reason;

/// The most pieces that are allowed at a time: a file under way, a text on the clipboard, and the one that takes its place.
pub(super) const MOST: usize = 3;

impl Guard {
    /// The technician offers a text or a file, or asks for one: the customer is asked.
    pub fn ask_transfer(&mut self, now: Instant, piece: u32) -> Result<(), Denied> {
        let now = self.advance(now);
        self.transfer_possible()?;
        let State::Granted(session) = &mut self.state else {
            return Err(Denied::NotNow);
        };
        session.question = Some(Question::Transfer {
            piece,
            until: now + TRANSFER_ANSWER,
        });
        self.settle(now, Cause::Question);
        self.changed = true;
        Ok(())
    }

    /// Whether the customer could be asked for a piece at this moment.
    pub fn transfer_possible(&self) -> Result<(), Denied> {
        let session = self.session().ok_or(Denied::NotNow)?;
        if session.question.is_some() {
            return Err(Denied::Question);
        }
        if session.pieces.len() >= MOST {
            return Err(Denied::NotNow);
        }
        self.transfers(session)
    }

    /// "Yes": the open question's piece may come, or go.
    pub fn allow_transfer(&mut self, now: Instant, _act: CustomerAct) -> Result<u32, Denied> {
        let now = self.advance(now);
        let session = self.session().ok_or(Denied::NotNow)?;
        let Some(Question::Transfer { piece, .. }) = session.question else {
            return Err(Denied::NotNow);
        };
        self.transfers(session)?;
        let State::Granted(session) = &mut self.state else {
            return Err(Denied::NotNow);
        };
        session.question = None;
        session.active = now;
        session.pieces.push(piece);
        self.settle(now, Cause::Answered);
        self.changed = true;
        Ok(piece)
    }

    /// "No." Control comes back if it was on; hence the act.
    pub fn refuse_transfer(&mut self, now: Instant, _act: CustomerAct) -> Result<(), Denied> {
        let now = self.advance(now);
        let State::Granted(session) = &mut self.state else {
            return Err(Denied::NotNow);
        };
        let Some(Question::Transfer { piece, .. }) = session.question else {
            return Err(Denied::NotNow);
        };
        session.question = None;
        session.active = now;
        self.cancel_transfer(piece, Reason::Refused);
        self.settle(now, Cause::Answered);
        self.changed = true;
        Ok(())
    }

    /// The open question's piece is over for another reason than an answer: the question is closed. Nobody has
    /// answered, so control does not come back by it.
    pub fn withdraw_question(&mut self, now: Instant, piece: u32) {
        let now = self.advance(now);
        let State::Granted(session) = &mut self.state else {
            return;
        };
        if matches!(session.question, Some(Question::Transfer { piece: asked, .. }) if asked == piece)
        {
            session.question = None;
            session.wish = session.wish.min(Rights::View);
            self.settle(now, Cause::Answered);
            self.changed = true;
        }
    }

    /// A piece is over, whole or not: there is no permit for it any more.
    pub fn end_transfer(&mut self, now: Instant, piece: u32) {
        self.advance(now);
        if let State::Granted(session) = &mut self.state {
            session.pieces.retain(|allowed| *allowed != piece);
            self.changed = true;
        }
    }

    /// Permission for one step of a piece that the customer allowed.
    pub fn transfer_permit(&mut self, now: Instant, piece: u32) -> Option<TransferPermit<'_>> {
        self.advance(now);
        let session = self.session()?;
        let may = session.pieces.contains(&piece) && self.transfers(session).is_ok();
        may.then(TransferPermit::new)
    }

    /// True if the customer allowed this piece and it is not over.
    pub fn transfer_allowed(&self, piece: u32) -> bool {
        self.session()
            .is_some_and(|session| session.pieces.contains(&piece))
    }

    /// Nobody answered. Without a hand of the customer's nothing brings control back.
    pub(super) fn silence_refuses(&mut self, now: Instant) {
        let State::Granted(session) = &mut self.state else {
            return;
        };
        if let Some(Question::Transfer { piece, .. }) = session.question {
            session.question = None;
            session.wish = session.wish.min(Rights::View);
            self.cancel_transfer(piece, Reason::Silence);
            self.settle(now, Cause::Answered);
            self.changed = true;
        }
    }

    pub(super) fn cancel_transfer(&mut self, piece: u32, reason: Reason) {
        self.outputs
            .push_back(Output::CancelTransfer { piece, reason });
    }

    /// Every piece is over, asked for or allowed.
    pub(super) fn cancel_transfers(&mut self, reason: Reason) {
        let State::Granted(session) = &mut self.state else {
            return;
        };
        let mut pieces = std::mem::take(&mut session.pieces);
        if let Some(Question::Transfer { piece, .. }) = session.question {
            session.question = None;
            pieces.push(piece);
        }
        for piece in pieces {
            self.cancel_transfer(piece, reason.clone());
        }
    }

    /// Whether anything may travel: recorded, with sight, and with a recorder that works.
    fn transfers(&self, session: &Session) -> Result<(), Denied> {
        if session.recording != Recording::Begun {
            return Err(Denied::OnlyLook);
        }
        if !matches!(session.link, Link::Open) {
            return Err(Denied::NotConnected);
        }
        if !self.rights.view() {
            return Err(Denied::ViewOff);
        }
        if self.recorder != Recorder::Working {
            return Err(Denied::NotOffered);
        }
        Ok(())
    }
}
