//! The guard: what the customer's hand does.
//!
//! Granting takes a [`CustomerAct`] by value; narrowing, refusing and ending need none.
//! Every method lets what is due happen first, changes the *wish*, and has the rights settled.

use std::time::Instant;

use super::session::{Link, Recording, Session};
use super::{
    CARD, CONSENT, CustomerAct, Denied, Guard, Interruption, Kind, Output, Question, State,
};
use crate::content::Cause;
use crate::messages::End;
use crate::rights::Rights;

impl Guard {
    /// The customer needs more time for the consent page: it waits another [`CONSENT`].
    pub fn more_time(&mut self, now: Instant) {
        let now = self.advance(now);
        if let State::Consent { until, .. } = &mut self.state {
            *until = now + CONSENT;
            self.changed = true;
        }
    }

    /// The customer refuses on the consent page, or on the card.
    pub fn refuse(&mut self, now: Instant) {
        let now = self.advance(now);
        match &self.state {
            State::Consent { .. } => self.end(now, End::Refused),
            State::Granted(session) if matches!(session.recording, Recording::Card { .. }) => {
                // On the card of widening something has been seen before.
                let reason = if session.epoch == 0 {
                    End::Refused
                } else {
                    End::Customer
                };
                self.end(now, reason);
            }
            State::Granted(_) | State::Unpaired | State::Ended(_) => {}
        }
    }

    /// "Yes, only look."
    pub fn consent_view(&mut self, now: Instant, act: CustomerAct) -> Result<(), Denied> {
        self.consent(now, Kind::Look, act)
    }

    /// "Yes, look and control."
    pub fn consent_control(&mut self, now: Instant, act: CustomerAct) -> Result<(), Denied> {
        self.consent(now, Kind::Control, act)
    }

    /// "I have the code", or "Continue without the code": the first recorded epoch begins, or is
    /// due as soon as the link is back.
    pub fn card_done(&mut self, now: Instant, _act: CustomerAct) -> Result<(), Denied> {
        let now = self.advance(now);
        let State::Granted(session) = &mut self.state else {
            return Err(Denied::NotNow);
        };
        if !matches!(session.recording, Recording::Card { .. }) {
            return Err(Denied::NotNow);
        }
        session.recording = Recording::Begun;
        self.changed = true;
        if matches!(session.link, Link::Waiting) {
            self.begin_epoch(now, Cause::Granted);
        }
        Ok(())
    }

    /// "Show screen." Brings sight alone.
    pub fn view_on(&mut self, now: Instant, _act: CustomerAct) -> Result<(), Denied> {
        let now = self.advance(now);
        let session = self.grantable()?;
        session.wish = session.wish.max(Rights::View);
        session.interruption = None;
        self.settle(now, Cause::Granted);
        self.changed = true;
        Ok(())
    }

    /// "Allow control."
    pub fn control_on(&mut self, now: Instant, _act: CustomerAct) -> Result<(), Denied> {
        let now = self.advance(now);
        let offered = self.control_offered();
        let session = self.grantable()?;
        match session.kind {
            Kind::Look => return Err(Denied::OnlyLook),
            Kind::Control if !offered => return Err(Denied::NotOffered),
            Kind::Control if !session.wish.view() => return Err(Denied::ViewOff),
            Kind::Control => {}
        }
        session.wish = Rights::Control;
        session.interruption = None;
        self.settle(now, Cause::Granted);
        self.changed = true;
        Ok(())
    }

    /// "Stop showing": sight and control end. Closes the question of widening.
    pub fn view_off(&mut self, now: Instant) {
        self.narrow(now, Rights::None, Cause::Narrowed, None);
    }

    /// "End control."
    pub fn control_off(&mut self, now: Instant) {
        self.narrow(now, Rights::View, Cause::Narrowed, None);
    }

    /// The Stop button: sight and control end; the session goes on.
    pub fn stop(&mut self, now: Instant) {
        self.stop_presses = self.stop_presses.saturating_add(1);
        self.narrow(
            now,
            Rights::None,
            Cause::Stopped,
            Some(Interruption::Stopped),
        );
    }

    /// F11, from any device, injected or not, in every state: the same as [`Guard::stop`].
    pub fn handle_stop_key(&mut self, now: Instant) {
        self.stop(now);
    }

    /// Asks whether to allow control as well, in a session for looking only.
    pub fn ask_upgrade(&mut self, now: Instant) -> Result<(), Denied> {
        let now = self.advance(now);
        let offered = self.control_offered();
        let session = self.grantable()?;
        match session.kind {
            Kind::Control => return Err(Denied::NotNow),
            Kind::Look if !offered => return Err(Denied::NotOffered),
            Kind::Look if !session.wish.view() => return Err(Denied::ViewOff),
            Kind::Look => session.question = Some(Question::Upgrade),
        }
        self.settle(now, Cause::Question);
        self.changed = true;
        Ok(())
    }

    /// "Yes, allow control": sight goes off and the card comes; the recorded epoch after it brings
    /// sight and control.
    pub fn accept_upgrade(&mut self, now: Instant, _act: CustomerAct) -> Result<(), Denied> {
        let now = self.advance(now);
        let offered = self.control_offered();
        let State::Granted(session) = &mut self.state else {
            return Err(Denied::NotNow);
        };
        if session.question != Some(Question::Upgrade) {
            return Err(Denied::NotNow);
        }
        if !matches!(session.link, Link::Open) {
            return Err(Denied::NotConnected);
        }
        if !offered {
            return Err(Denied::NotOffered);
        }
        if !session.wish.view() {
            return Err(Denied::ViewOff);
        }
        session.question = None;
        session.kind = Kind::Control;
        session.wish = Rights::Control;
        session.interruption = None;
        self.set_rights(now, Rights::None, Cause::Granted);
        self.show_card(now);
        Ok(())
    }

    /// "No, only look."
    pub fn decline_upgrade(&mut self, now: Instant) {
        let now = self.advance(now);
        if let State::Granted(session) = &mut self.state
            && session.question == Some(Question::Upgrade)
        {
            session.question = None;
            self.settle(now, Cause::Answered);
            self.changed = true;
        }
    }

    /// Asks whether to end the session. An open "still there?" stays.
    pub fn ask_end(&mut self, now: Instant) -> Result<(), Denied> {
        let now = self.advance(now);
        let State::Granted(session) = &mut self.state else {
            return Err(Denied::NotNow);
        };
        if matches!(session.recording, Recording::Card { .. }) {
            return Err(Denied::NotNow);
        }
        if session.question.is_some() {
            return Err(Denied::Question);
        }
        session.question = Some(Question::End);
        self.settle(now, Cause::Question);
        self.changed = true;
        Ok(())
    }

    /// "No, continue", or "Continue session": closes the question about the end or about being there.
    /// Control comes back if it was on; hence the act.
    pub fn go_on(&mut self, now: Instant, _act: CustomerAct) -> Result<(), Denied> {
        let now = self.advance(now);
        let State::Granted(session) = &mut self.state else {
            return Err(Denied::NotNow);
        };
        if !matches!(
            session.question,
            Some(Question::End | Question::StillThere { .. })
        ) {
            return Err(Denied::NotNow);
        }
        session.question = None;
        session.active = now;
        self.settle(now, Cause::Answered);
        self.changed = true;
        Ok(())
    }

    fn consent(&mut self, now: Instant, kind: Kind, _act: CustomerAct) -> Result<(), Denied> {
        let now = self.advance(now);
        match self.state {
            State::Consent { lost: Some(_), .. } => return Err(Denied::NotConnected),
            State::Consent { .. } => {}
            State::Unpaired | State::Granted(_) | State::Ended(_) => return Err(Denied::NotNow),
        }
        if kind == Kind::Control && !self.control_offered() {
            return Err(Denied::NotOffered);
        }
        self.state = State::Granted(Box::new(Session::new(now, kind)));
        match kind {
            Kind::Look => self.begin_epoch(now, Cause::Granted),
            Kind::Control => self.show_card(now),
        }
        Ok(())
    }

    /// Nothing is granted and the link is up: the card, before anything is recorded.
    fn show_card(&mut self, now: Instant) {
        let State::Granted(session) = &mut self.state else {
            return;
        };
        session.link = Link::Waiting;
        session.recording = Recording::Card { until: now + CARD };
        self.outputs.push_back(Output::Card);
        self.changed = true;
    }

    /// The session, if a granting act may change its wish now.
    fn grantable(&mut self) -> Result<&mut Session, Denied> {
        let State::Granted(session) = &mut self.state else {
            return Err(Denied::NotNow);
        };
        if matches!(session.recording, Recording::Card { .. }) {
            return Err(Denied::NotNow);
        }
        if matches!(session.link, Link::Lost { .. }) {
            return Err(Denied::NotConnected);
        }
        if session.question.is_some() {
            return Err(Denied::Question);
        }
        Ok(session)
    }
}
