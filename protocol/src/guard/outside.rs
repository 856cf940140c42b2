//! The guard: what comes from outside the customer's hand: the session's messages, losses,
//! faults. None of it adds to what the customer has granted.

use std::time::Instant;

use super::session::{Link, Recording};
use super::{
    CONSENT, CUSTOMER_FIRST, Denied, Fault, Guard, InputWay, Interruption, Output, Recorder, State,
};
use crate::content::Cause;
use crate::messages::{ControlOffer, End};
use crate::rights::Rights;

impl Guard {
    /// The technician has been verified: the consent page opens. `offer` is that of the relay's
    /// hello, `input_possible` whether this computer lets the agent inject.
    /// Errors: [`Denied::NotNow`] for a second technician.
    pub fn handle_technician(
        &mut self,
        now: Instant,
        offer: ControlOffer,
        input_possible: bool,
    ) -> Result<(), Denied> {
        let now = self.advance(now);
        if !matches!(self.state, State::Unpaired) {
            return Err(Denied::NotNow);
        }
        self.offer = offer;
        self.input = if input_possible {
            InputWay::Possible
        } else {
            InputWay::Impossible
        };
        self.state = State::Consent {
            until: now + CONSENT,
            lost: None,
        };
        self.changed = true;
        Ok(())
    }

    /// The console holds the keys of epoch `epoch`; for a recorded one its signature over the
    /// epoch has been verified. Any but the one being opened is ignored.
    pub fn handle_epoch_acknowledged(&mut self, now: Instant, epoch: u32) {
        let now = self.advance(now);
        if let State::Granted(session) = &mut self.state
            && session.epoch == epoch
            && let Link::Opening { acknowledged, .. } = &mut session.link
        {
            *acknowledged = true;
            self.try_open(now);
        }
    }

    /// The relay has set the locks of epoch `epoch`; for a recorded one its first checkpoint has
    /// been verified. Any but the one being opened is ignored.
    pub fn handle_epoch_opened(&mut self, now: Instant, epoch: u32) {
        let now = self.advance(now);
        if let State::Granted(session) = &mut self.state
            && session.epoch == epoch
            && let Link::Opening { opened, .. } = &mut session.link
        {
            *opened = true;
            if session.recording == Recording::Begun && self.recorder == Recorder::Failed {
                // Its first checkpoint was verified: this session's recorder works, whatever the
                // relay offers to others.
                self.recorder = Recorder::Working;
            }
            self.try_open(now);
        }
    }

    /// The agent's own connection is lost. Before the consent page opens this is the agent's to tell.
    pub fn handle_connection_lost(&mut self, now: Instant) {
        let now = self.advance(now);
        self.lose(now);
    }

    /// The relay says that the console's connection is lost. The epoch's last rights frame says so.
    pub fn handle_peer_lost(&mut self, now: Instant) {
        let now = self.advance(now);
        self.set_rights(now, Rights::None, Cause::Lost);
        self.lose(now);
    }

    /// Both are connected again: a new epoch begins, with the sight that the customer had granted;
    /// control is off. Without a loss before, it counts as one.
    pub fn handle_resumed(&mut self, now: Instant) {
        let now = self.advance(now);
        match &mut self.state {
            State::Consent { lost, .. } => {
                *lost = None;
                self.changed = true;
            }
            State::Granted(session) => {
                session.wish = session.wish.min(Rights::View);
                session.active = now;
                if session.interruption != Some(Interruption::Stopped) {
                    session.interruption = Some(Interruption::Reconnected);
                }
                if matches!(session.recording, Recording::Card { .. }) {
                    session.link = Link::Waiting;
                    self.changed = true;
                } else {
                    self.begin_epoch(now, Cause::Lost);
                }
            }
            State::Unpaired | State::Ended(_) => {}
        }
    }

    /// The relay states its offer anew in the hello of a resumed connection. A wider one is taken only
    /// while the link is lost, so that a new epoch precedes control. Once there is a recording,
    /// its deletion date is the one that was consented to, whatever is offered later.
    pub fn handle_offer(&mut self, now: Instant, offer: ControlOffer) {
        let now = self.advance(now);
        let lost = match &self.state {
            State::Unpaired => true,
            State::Consent { lost, .. } => lost.is_some(),
            State::Granted(session) => matches!(session.link, Link::Lost { .. }),
            State::Ended(_) => false,
        };
        let available = offer != ControlOffer::Unavailable;
        if !lost && available {
            return;
        }
        let dated = self
            .session()
            .is_some_and(|session| session.recording != Recording::No);
        if !dated {
            self.offer = offer;
        }
        self.set_recorder(if available {
            Recorder::Working
        } else if dated {
            Recorder::Failed
        } else {
            self.recorder
        });
        self.withdraw_control(now, Interruption::Recorder);
    }

    /// The recorder does not take anything any more: control ends, until it is back and the customer
    /// allows it again.
    pub fn handle_recorder_failed(&mut self, now: Instant) {
        let now = self.advance(now);
        self.set_recorder(Recorder::Failed);
        self.withdraw_control(now, Interruption::Recorder);
    }

    /// The recorder takes again. A session that is recorded begins a new epoch, with the sight that
    /// the customer had granted; control is off until the customer's own act.
    pub fn handle_recorder_back(&mut self, now: Instant) {
        let now = self.advance(now);
        if matches!(self.recorder, Recorder::Working | Recorder::Distrusted) {
            return;
        }
        self.set_recorder(Recorder::Working);
        self.changed = true;
        let State::Granted(session) = &mut self.state else {
            return;
        };
        session.wish = session.wish.min(Rights::View);
        if session.recording != Recording::Begun || matches!(session.link, Link::Lost { .. }) {
            return;
        }
        if session.interruption != Some(Interruption::Stopped) {
            session.interruption = Some(Interruption::RecorderBack);
        }
        self.begin_epoch(now, Cause::Recorder);
    }

    /// A checkpoint was compared: in epoch `epoch` every input before number `next` is in the recording.
    pub fn handle_covered(&mut self, now: Instant, epoch: u32, next: u64) {
        let now = self.advance(now);
        let State::Granted(session) = &mut self.state else {
            return;
        };
        if session.epoch != epoch {
            return;
        }
        session.lease.cover(next);
        if self.recorder == Recorder::Lapsed && session.lease.covered() {
            self.handle_recorder_back(now);
        }
    }

    /// A checkpoint contradicts what was sent or received, here or at the console: control ends,
    /// and does not come back in this session.
    pub fn handle_recording_mismatch(&mut self, now: Instant) {
        let now = self.advance(now);
        self.recorder = Recorder::Distrusted;
        self.withdraw_control(now, Interruption::Recorder);
    }

    /// What was injected is not in the recording in time.
    pub(super) fn lapse(&mut self, now: Instant) {
        self.set_recorder(Recorder::Lapsed);
        self.withdraw_control(now, Interruption::Recorder);
    }

    fn set_recorder(&mut self, recorder: Recorder) {
        if self.recorder != Recorder::Distrusted {
            self.recorder = recorder;
        }
    }

    /// Something on the customer's computer does not work any more.
    pub fn handle_computer_fault(&mut self, now: Instant, fault: Fault) {
        match fault {
            Fault::Screen => {
                let why = Some(Interruption::Computer(fault));
                self.narrow(now, Rights::None, Cause::Computer, why);
            }
            Fault::Input => {
                let now = self.advance(now);
                self.input = InputWay::Impossible;
                self.withdraw_control(now, Interruption::Computer(fault));
            }
            Fault::Window => {
                let now = self.advance(now);
                self.set_rights(now, Rights::None, Cause::Computer);
                self.end(now, End::Fault);
            }
        }
    }

    /// The customer uses mouse or keyboard: remote input is dropped until he has been still for
    /// [`CUSTOMER_FIRST`]. Call it for each raw event of a physical device.
    pub fn handle_customer_activity(&mut self, now: Instant) {
        let now = self.advance(now);
        let State::Granted(session) = &mut self.state else {
            return;
        };
        session.active = now;
        if !self.rights.control() {
            return;
        }
        if session.customer.replace(now + CUSTOMER_FIRST).is_none() {
            self.outputs.push_back(Output::ReleaseInput);
            self.outputs.push_back(Output::CustomerActive(true));
            self.changed = true;
        }
    }

    /// The session is over, whoever ends it.
    pub fn handle_end(&mut self, now: Instant, reason: End) {
        let now = self.advance(now);
        self.end(now, reason);
    }

    /// Control is no longer on offer, for `why`: the wish for it ends.
    fn withdraw_control(&mut self, now: Instant, why: Interruption) {
        let offered = self.control_offered();
        self.changed = true;
        let State::Granted(session) = &mut self.state else {
            return;
        };
        if offered {
            return;
        }
        let recorder = why == Interruption::Recorder && session.recording == Recording::Begun;
        if session.wish.control() || (recorder && session.interruption.is_none()) {
            session.interruption = Some(why);
        }
        session.wish = session.wish.min(Rights::View);
        let cause = if why == Interruption::Recorder {
            Cause::Recorder
        } else {
            Cause::Computer
        };
        self.settle(now, cause);
    }
}
