//! The guard: how the rights in force follow from wish, link, question and offer.
//!
//! [`Guard::change_rights`] is the one place where rights change: it raises the grant, voids the
//! beacons, and puts out what must be done, in order.

use std::time::Instant;

use super::session::{Link, Recording};
use super::{Guard, Interruption, OPENING, Output, Question, RECONNECT, Recorder, State};
use crate::content::Cause;
use crate::epoch::MAX_EPOCHS;
use crate::messages::End;
use crate::rights::Rights;
use crate::transfer::Reason;

impl Guard {
    pub(super) fn narrow(
        &mut self,
        now: Instant,
        to: Rights,
        cause: Cause,
        why: Option<Interruption>,
    ) {
        let now = self.advance(now);
        let State::Granted(session) = &mut self.state else {
            return;
        };
        session.wish = session.wish.min(to);
        if to == Rights::None && session.question == Some(Question::Upgrade) {
            session.question = None;
        }
        if why.is_some() {
            session.interruption = why;
        }
        self.cancel_transfers(Reason::Stopped);
        self.settle(now, cause);
        self.changed = true;
    }

    pub(super) fn begin_epoch(&mut self, now: Instant, cause: Cause) {
        self.set_rights(now, Rights::None, cause);
        let State::Granted(session) = &mut self.state else {
            return;
        };
        let next = session.epoch.checked_add(1);
        let Some(epoch) = next.filter(|epoch| *epoch <= MAX_EPOCHS) else {
            self.end(now, End::Fault);
            return;
        };
        session.epoch = epoch;
        session.link = Link::Opening {
            acknowledged: false,
            opened: false,
            until: now + OPENING,
        };
        // Control is off by now: what was injected before is compared by the heads of its epoch.
        session.lease.clear();
        if self.recorder == Recorder::Lapsed {
            self.recorder = Recorder::Working;
        }
        let recorded = session.recording == Recording::Begun;
        self.outputs
            .push_back(Output::OpenEpoch { epoch, recorded });
        self.changed = true;
    }

    pub(super) fn try_open(&mut self, now: Instant) {
        let State::Granted(session) = &mut self.state else {
            return;
        };
        if !matches!(
            session.link,
            Link::Opening {
                acknowledged: true,
                opened: true,
                ..
            }
        ) {
            return;
        }
        session.link = Link::Open;
        session.active = now;
        let rights = self.due();
        self.change_rights(now, rights, Cause::Epoch);
    }

    pub(super) fn lose(&mut self, now: Instant) {
        match &mut self.state {
            State::Consent { lost, .. } => {
                lost.get_or_insert(now + RECONNECT);
            }
            State::Granted(session) => {
                session.wish = session.wish.min(Rights::View);
                if !matches!(session.link, Link::Lost { .. }) {
                    session.link = Link::Lost {
                        until: now + RECONNECT,
                    };
                }
                self.set_rights(now, Rights::None, Cause::Lost);
            }
            State::Unpaired | State::Ended(_) => {}
        }
        self.changed = true;
    }

    pub(super) fn end(&mut self, now: Instant, reason: End) {
        if matches!(self.state, State::Ended(_)) {
            return;
        }
        self.cancel_transfers(Reason::Stopped);
        self.set_rights(now, Rights::None, Cause::Ended);
        self.state = State::Ended(reason.clone());
        self.changed = false;
        self.outputs.push_back(Output::StateChanged);
        self.outputs.push_back(Output::SessionEnded(reason));
    }

    /// The rights that the session's state leaves of the wish.
    fn due(&self) -> Rights {
        let State::Granted(session) = &self.state else {
            return Rights::None;
        };
        if !matches!(session.link, Link::Open) {
            return Rights::None;
        }
        let recorded = session.recording == Recording::Begun;
        if session.question.is_some() || !recorded || !self.control_offered() {
            return session.wish.min(Rights::View);
        }
        session.wish
    }

    pub(super) fn settle(&mut self, now: Instant, cause: Cause) {
        let rights = self.due();
        self.set_rights(now, rights, cause);
    }

    pub(super) fn set_rights(&mut self, now: Instant, rights: Rights, cause: Cause) {
        if rights != self.rights {
            self.change_rights(now, rights, cause);
        }
    }

    pub(super) fn change_rights(&mut self, now: Instant, rights: Rights, cause: Cause) {
        self.viewed = self.viewed(now);
        self.controlled = self.controlled(now);
        self.since = Some(now);
        let before = std::mem::replace(&mut self.rights, rights);
        let Some(grant) = self.grant.checked_add(1) else {
            // Four billion changes: no grant is left, so none is given.
            self.rights = Rights::None;
            self.state = State::Ended(End::Fault);
            self.outputs
                .extend([Output::ReleaseInput, Output::CancelFrames]);
            self.outputs.push_back(Output::SessionEnded(End::Fault));
            return;
        };
        self.grant = grant;
        self.changed = true;
        if before.control() {
            self.outputs.push_back(Output::ReleaseInput);
        }
        if before.view() {
            self.outputs.push_back(Output::CancelFrames);
        }
        let State::Granted(session) = &mut self.state else {
            return;
        };
        session.beacons.clear();
        let was_active = session.customer.take().is_some();
        if !matches!(session.link, Link::Open) {
            return;
        }
        let epoch = session.epoch;
        self.outputs.push_back(Output::SendRights {
            epoch,
            grant,
            rights,
            cause,
        });
        if was_active {
            self.outputs.push_back(Output::CustomerActive(false));
        }
        if rights.control() {
            let number = session.beacons.send(now);
            self.outputs.push_back(Output::Beacon { number });
        }
    }
}
