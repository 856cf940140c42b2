//! The guard: the only way from the network to the customer's screen and keyboard.
//!
//! ```text
//!            handle_technician        consent_view / consent_control       both acknowledgements
//! Unpaired ───────────────────► Consent ───────────────────────► Starting ───────────────────► Session
//!    │                             │ refuse, 5 min                  │  ▲ upgrade, resumed          │
//!    │                             ▼                                ▼  │                           ▼
//!    └─────────────────────────► Ended ◄──────────── 10 min ──── Reconnecting ◄──── link lost ─────┘
//! ```
//!
//! - The customer's *wish* (sight, control) changes by the customer's acts alone; a granting
//!   method uses up a [`CustomerAct`]. Loss, faults and failures take from the wish, nothing adds to it.
//! - The *rights* in force are what is left of the wish while the epoch is open, the link is up, no
//!   question is open (at most sight then) and control is on offer. After every call they are
//!   settled anew; each change raises the grant.
//! - [`Guard::view_permit`] and [`Guard::handle_input`] give a permit for one capture or one
//!   injection, by the rights at that moment.
//! - On a change the outputs come in the order [`Output::ReleaseInput`], [`Output::CancelFrames`],
//!   [`Output::SendRights`]; the permits are gone as soon as the method has returned, sent or not.
//!
//! Pure: it takes the time, and reads no clock. Drain [`Guard::poll_output`] after every call, and call
//! [`Guard::handle_timeout`] at [`Guard::poll_timeout`]. Every method that takes the time lets what is due happen
//! first, so a late timer never lengthens a right.
//!
//! Not here: whose hand it was (the agent's hand module attests that), sealing, capture, injection,
//! and the second lock ([`crate::router`]). Recorded control is not built yet: an offer of it counts as none.

mod mirror;
mod permit;
mod session;
mod timer;

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use thiserror::Error;

pub use mirror::{Draw, Effect, Mirror, Violation};
pub use permit::{ControlPermit, CustomerAct, ViewPermit};
pub use timer::Timer;

use crate::content::{Cause, DropReason, Input, InputEvent};
use crate::frame::{Class, Direction, Header};
use crate::messages::{ControlOffer, End};
use crate::rights::Rights;
use session::{Link, Session};

/// How long the consent page waits for an answer.
pub const CONSENT: Duration = Duration::from_secs(5 * 60);
/// How long an epoch may take to be acknowledged by console and relay.
pub const OPENING: Duration = Duration::from_secs(60);
/// How long a lost link may take to come back.
pub const RECONNECT: Duration = Duration::from_secs(10 * 60);
/// Without input from either side for this long, the guard asks "still there?".
pub const IDLE: Duration = Duration::from_secs(15 * 60);
/// How long "still there?" waits for an answer.
pub const STILL_THERE: Duration = Duration::from_secs(2 * 60);
/// The greatest length of a session.
pub const LONGEST: Duration = Duration::from_secs(4 * 60 * 60);
/// Between two beacons.
pub const BEACON_EVERY: Duration = Duration::from_millis(500);
/// Input is taken if its beacon was sent at most this long ago.
pub const BEACON_FRESH: Duration = Duration::from_secs(2);
/// Remote input is dropped until the customer has been still for this long.
pub const CUSTOMER_FIRST: Duration = Duration::from_secs(1);
/// The most notches of one scroll event, either way.
pub const MAX_NOTCHES: u16 = 32;

/// The agent's guard; see the module.
#[derive(Debug)]
pub struct Guard {
    state: State,
    rights: Rights,
    /// When the rights in force began.
    since: Option<Instant>,
    grant: u32,
    viewed: Duration,
    controlled: Duration,
    offer: ControlOffer,
    input: InputWay,
    stop_presses: u32,
    /// The latest time that was told: time never runs back.
    latest: Option<Instant>,
    /// Drained after every call; a call adds at most a dozen.
    outputs: VecDeque<Output>,
    changed: bool,
}

#[derive(Debug)]
enum State {
    Unpaired,
    Consent {
        until: Instant,
        /// Set while the link is lost: when the guard gives it up.
        lost: Option<Instant>,
    },
    Granted(Box<Session>),
    Ended(End),
}

/// Whether this computer lets the agent inject at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InputWay {
    Possible,
    Impossible,
}

/// What the agent must do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Every key and button that was injected down goes up; queued injections are dropped.
    ReleaseInput,
    /// Reset every open frame of classes 6 to 9 and drop the queued ones: they carry an older grant and
    /// will be refused. If sight goes on, what they showed must be sent again.
    CancelFrames,
    /// Seal and send a rights frame under `epoch`.
    SendRights {
        /// The epoch to seal under.
        epoch: u32,
        /// For the header.
        grant: u32,
        /// For the header.
        rights: Rights,
        /// The plaintext.
        cause: Cause,
    },
    /// Begin an epoch: a fresh secret, `EpochStart` to the console, `EpochOpen` to the relay.
    /// Nothing more is sealed under the old one.
    OpenEpoch {
        /// Its number, from 1.
        epoch: u32,
    },
    /// Tell the console (a notice), and the bar.
    CustomerActive(bool),
    /// Seal and send a beacon.
    Beacon {
        /// Its number, rising over the whole session.
        number: u64,
    },
    /// Something that the getters show has changed: draw the pages anew.
    StateChanged,
    /// The session is over; everything is off. The last output.
    SessionEnded(End),
}

/// Where the session stands, for the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// No technician has been verified yet.
    Unpaired,
    /// The customer reads the consent page.
    Consent {
        /// When silence refuses.
        until: Instant,
    },
    /// An epoch is being opened; nobody sees anything.
    Starting,
    /// The bar is shown.
    Session,
    /// The link is lost; nobody sees anything.
    Reconnecting {
        /// When the guard gives it up.
        until: Instant,
    },
    /// Over.
    Ended,
}

/// Which of the two sessions the customer chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only look.
    Look,
    /// Look and control.
    Control,
}

/// What the customer is being asked during the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Allow control as well?
    Upgrade,
    /// End the session?
    End,
    /// Still there?
    StillThere {
        /// When silence ends the session.
        until: Instant,
    },
}

/// What last took rights away other than the customer's switches; cleared by the customer's next grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    /// F11 or Stop.
    Stopped,
    /// The link was lost and is back: control is off.
    Reconnected,
    /// The recorder failed: control is off.
    Recorder,
    /// The computer: what was shown is gone, or input is impossible.
    Computer(Fault),
}

/// A fault of the customer's computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// What is shared is gone or cannot be read: sight and control end; the customer may show again.
    Screen,
    /// Input cannot be injected: control ends and is not offered again.
    Input,
    /// The bar is gone or cannot be seen: the session ends.
    Window,
}

/// Why an act of the customer did not grant. The pages offer only what is possible, so this is rare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Denied {
    /// The session is not at that point.
    #[error("not at this point of the session")]
    NotNow,
    /// The link is lost.
    #[error("the connection is interrupted")]
    NotConnected,
    /// A question is open.
    #[error("a question is open")]
    Question,
    /// Control is not on offer: no recorder, or input is impossible.
    #[error("control is not possible")]
    NotOffered,
    /// The customer chose only to look: widening needs the question.
    #[error("the session is for looking only")]
    OnlyLook,
    /// Control needs sight.
    #[error("the screen is not shown")]
    ViewOff,
}

impl Default for Guard {
    fn default() -> Self {
        Self::new()
    }
}

/// What the session's messages and the customer's acts do.
impl Guard {
    /// Nothing is granted, nobody is paired.
    pub fn new() -> Self {
        Self {
            state: State::Unpaired,
            rights: Rights::None,
            since: None,
            grant: 0,
            viewed: Duration::ZERO,
            controlled: Duration::ZERO,
            offer: ControlOffer::Unavailable,
            input: InputWay::Impossible,
            stop_presses: 0,
            latest: None,
            outputs: VecDeque::new(),
            changed: false,
        }
    }

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

    /// The customer needs more time for the consent page: it waits another [`CONSENT`].
    pub fn more_time(&mut self, now: Instant) {
        let now = self.advance(now);
        if let State::Consent { until, .. } = &mut self.state {
            *until = now + CONSENT;
            self.changed = true;
        }
    }

    /// The customer refuses on the consent page.
    pub fn refuse(&mut self, now: Instant) {
        let now = self.advance(now);
        if matches!(self.state, State::Consent { .. }) {
            self.end(now, End::Refused);
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

    /// "Yes, allow control": sight goes off, a new epoch begins, and brings sight and control.
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
        self.begin_epoch(now, Cause::Granted);
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

    /// The console holds the keys of epoch `epoch`. Any but the one being opened is ignored.
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

    /// The relay has set the locks of epoch `epoch`. Any but the one being opened is ignored.
    pub fn handle_epoch_opened(&mut self, now: Instant, epoch: u32) {
        let now = self.advance(now);
        if let State::Granted(session) = &mut self.state
            && session.epoch == epoch
            && let Link::Opening { opened, .. } = &mut session.link
        {
            *opened = true;
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
                self.begin_epoch(now, Cause::Lost);
            }
            State::Unpaired | State::Ended(_) => {}
        }
    }

    /// The relay states its offer anew in the hello of a resumed connection. A wider one is taken only
    /// while the link is lost, so that a new epoch precedes control.
    pub fn handle_offer(&mut self, now: Instant, offer: ControlOffer) {
        let now = self.advance(now);
        let lost = match &self.state {
            State::Unpaired => true,
            State::Consent { lost, .. } => lost.is_some(),
            State::Granted(session) => matches!(session.link, Link::Lost { .. }),
            State::Ended(_) => false,
        };
        if lost || offer == ControlOffer::Unavailable {
            self.offer = offer;
            self.withdraw_control(now, Interruption::Recorder);
        }
    }

    /// The recorder does not take input any more: control ends, and is offered again only after a
    /// reconnect.
    pub fn handle_recorder_failed(&mut self, now: Instant) {
        self.handle_offer(now, ControlOffer::Unavailable);
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
}

/// The permits.
impl Guard {
    /// Permission to capture once, or to seal what was captured under the same grant.
    pub fn view_permit(&mut self, now: Instant) -> Option<ViewPermit<'_>> {
        self.advance(now);
        let State::Granted(session) = &self.state else {
            return None;
        };
        (self.rights.view() && matches!(session.link, Link::Open))
            .then(|| ViewPermit::new(session.epoch, self.grant, self.rights))
    }

    /// Input was opened: permission to inject it, or why it is dropped. `header` is the frame's, which the
    /// opening has authenticated.
    pub fn handle_input<'g>(
        &'g mut self,
        now: Instant,
        header: &Header,
        input: &'g Input,
    ) -> Result<ControlPermit<'g>, DropReason> {
        let now = self.advance(now);
        let State::Granted(session) = &mut self.state else {
            return Err(DropReason::NotGranted);
        };
        if header.class != Class::Input || header.direction != Direction::ConsoleToAgent {
            return Err(DropReason::Refused);
        }
        let open = matches!(session.link, Link::Open) && session.question.is_none();
        if !self.rights.control() || !open {
            return Err(DropReason::NotGranted);
        }
        if header.epoch != session.epoch
            || header.grant != self.grant
            || !session.beacons.fresh(now, input.beacon)
        {
            return Err(DropReason::Stale);
        }
        match &input.event {
            InputEvent::Key { keysym, .. } if is_stop_key(*keysym) => {
                return Err(DropReason::StopKey);
            }
            InputEvent::Scroll { dx, dy, .. }
                if dx.unsigned_abs().max(dy.unsigned_abs()) > MAX_NOTCHES =>
            {
                return Err(DropReason::Refused);
            }
            InputEvent::Move { .. }
            | InputEvent::Button { .. }
            | InputEvent::Scroll { .. }
            | InputEvent::Key { .. }
            | InputEvent::Text { .. }
            | InputEvent::ReleaseAll => {}
        }
        if session.customer.is_some() {
            return Err(DropReason::CustomerActive);
        }
        session.active = now;
        Ok(ControlPermit::new(self.grant, &input.event))
    }
}

/// Outputs and getters.
impl Guard {
    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        if let Some(output) = self.outputs.pop_front() {
            return Some(output);
        }
        let changed = std::mem::take(&mut self.changed) && !matches!(self.state, State::Ended(_));
        changed.then_some(Output::StateChanged)
    }

    /// Where the session stands.
    pub fn phase(&self) -> Phase {
        match &self.state {
            State::Unpaired => Phase::Unpaired,
            State::Consent {
                lost: Some(until), ..
            } => Phase::Reconnecting { until: *until },
            State::Consent { until, .. } => Phase::Consent { until: *until },
            State::Granted(session) => match session.link {
                Link::Opening { .. } => Phase::Starting,
                Link::Open => Phase::Session,
                Link::Lost { until } => Phase::Reconnecting { until },
            },
            State::Ended(_) => Phase::Ended,
        }
    }

    /// The rights in force.
    pub fn rights(&self) -> Rights {
        self.rights
    }

    /// What the customer wants, whether or not it is in force: the state of the two switches.
    pub fn wish(&self) -> Rights {
        self.session().map_or(Rights::None, |session| session.wish)
    }

    /// The newest grant; 0 before the first.
    pub fn grant(&self) -> u32 {
        self.grant
    }

    /// The newest epoch; 0 before the first.
    pub fn epoch(&self) -> u32 {
        self.session().map_or(0, |session| session.epoch)
    }

    /// What the customer chose; none before consent.
    pub fn kind(&self) -> Option<Kind> {
        self.session().map(|session| session.kind)
    }

    /// The open question.
    pub fn question(&self) -> Option<Question> {
        self.session().and_then(|session| session.question)
    }

    /// What last took rights away other than the customer's switches.
    pub fn interruption(&self) -> Option<Interruption> {
        self.session().and_then(|session| session.interruption)
    }

    /// The relay's offer.
    pub fn offer(&self) -> &ControlOffer {
        &self.offer
    }

    /// True if control can be granted: it is on offer in a way that is built, and input is possible.
    pub fn control_offered(&self) -> bool {
        self.input == InputWay::Possible && self.offer == ControlOffer::UnrecordedTest
    }

    /// True while F11 or Stop is the last word.
    pub fn stopped(&self) -> bool {
        self.interruption() == Some(Interruption::Stopped)
    }

    /// How often F11 or Stop was pressed, in every state.
    pub fn stop_presses(&self) -> u32 {
        self.stop_presses
    }

    /// True while the customer's own input keeps remote input out.
    pub fn customer_active(&self) -> bool {
        self.session()
            .is_some_and(|session| session.customer.is_some())
    }

    /// Why the session is over.
    pub fn ended(&self) -> Option<&End> {
        match &self.state {
            State::Ended(reason) => Some(reason),
            State::Unpaired | State::Consent { .. } | State::Granted(_) => None,
        }
    }

    /// How long the technician could see, in all.
    pub fn viewed(&self, now: Instant) -> Duration {
        self.viewed + self.running(now, self.rights.view())
    }

    /// How long the technician could control, in all.
    pub fn controlled(&self, now: Instant) -> Duration {
        self.controlled + self.running(now, self.rights.control())
    }
}

/// How the rights follow.
impl Guard {
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
        self.begin_epoch(now, Cause::Granted);
        Ok(())
    }

    /// The session, if a granting act may change its wish now.
    fn grantable(&mut self) -> Result<&mut Session, Denied> {
        let State::Granted(session) = &mut self.state else {
            return Err(Denied::NotNow);
        };
        if matches!(session.link, Link::Lost { .. }) {
            return Err(Denied::NotConnected);
        }
        if session.question.is_some() {
            return Err(Denied::Question);
        }
        Ok(session)
    }

    fn narrow(&mut self, now: Instant, to: Rights, cause: Cause, why: Option<Interruption>) {
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
        self.settle(now, cause);
        self.changed = true;
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
        if session.wish.control() {
            session.wish = Rights::View;
            session.interruption = Some(why);
        }
        let cause = if why == Interruption::Recorder {
            Cause::Recorder
        } else {
            Cause::Computer
        };
        self.settle(now, cause);
    }

    fn begin_epoch(&mut self, now: Instant, cause: Cause) {
        self.set_rights(now, Rights::None, cause);
        let State::Granted(session) = &mut self.state else {
            return;
        };
        let Some(epoch) = session.epoch.checked_add(1) else {
            self.end(now, End::Fault);
            return;
        };
        session.epoch = epoch;
        session.link = Link::Opening {
            acknowledged: false,
            opened: false,
            until: now + OPENING,
        };
        self.outputs.push_back(Output::OpenEpoch { epoch });
        self.changed = true;
    }

    fn try_open(&mut self, now: Instant) {
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

    fn lose(&mut self, now: Instant) {
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

    fn end(&mut self, now: Instant, reason: End) {
        if matches!(self.state, State::Ended(_)) {
            return;
        }
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
        if session.question.is_some() || !self.control_offered() {
            return session.wish.min(Rights::View);
        }
        session.wish
    }

    fn settle(&mut self, now: Instant, cause: Cause) {
        let rights = self.due();
        self.set_rights(now, rights, cause);
    }

    fn set_rights(&mut self, now: Instant, rights: Rights, cause: Cause) {
        if rights != self.rights {
            self.change_rights(now, rights, cause);
        }
    }

    fn change_rights(&mut self, now: Instant, rights: Rights, cause: Cause) {
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

    fn session(&self) -> Option<&Session> {
        match &self.state {
            State::Granted(session) => Some(session),
            State::Unpaired | State::Consent { .. } | State::Ended(_) => None,
        }
    }

    fn running(&self, now: Instant, counts: bool) -> Duration {
        match self.since {
            Some(since) if counts => now.saturating_duration_since(since),
            Some(_) | None => Duration::ZERO,
        }
    }
}

/// True for the keysyms of the stop key: F11, and the console switch that shares its key.
pub fn is_stop_key(keysym: u32) -> bool {
    const F11: u32 = 0xffc8;
    const XF86_SWITCH_VT_11: u32 = 0x1008_fe0b;
    matches!(keysym, F11 | XF86_SWITCH_VT_11)
}
