//! The guard: the only way from the network to the customer's screen and keyboard.
//!
//! ```text
//!            handle_technician          consent_view                       both acknowledgements
//! Unpaired ───────────────────► Consent ───────────────────────► Starting ───────────────────► Session
//!    │                             │ │ consent_control  card_done ▲  ▲ resumed,                │  │
//!    │                             │ └────────► Card ─────────────┘  │ recorder back           │  │
//!    │                             │             ▲ └ 10 min, refuse  │                         │  │
//!    │               refuse, 5 min │             └─────────────────── accept_upgrade ──────────┘  │
//!    │                             ▼                                 │                            ▼
//!    └─────────────────────────► Ended ◄──────────── 10 min ──── Reconnecting ◄──── link lost ────┘
//! ```
//!
//! - The customer's *wish* (sight, control) changes by the customer's acts alone; a granting
//!   method uses up a [`CustomerAct`]. Loss, faults and failures take from the wish, nothing adds to it.
//! - The *rights* in force are what is left of the wish while the epoch is open, the link is up, no
//!   question is open (at most sight then), control is on offer and the epoch is recorded. After
//!   every call they are settled anew; each change raises the grant.
//! - *Control is recorded from before its first event.* [`Phase::Card`] comes before the first recorded
//!   epoch, with nothing granted; only [`Guard::card_done`] leads on. Recording once begun lasts: every
//!   later epoch is recorded. A recorded epoch opens when the caller has verified the relay's first
//!   checkpoint ([`Guard::handle_epoch_opened`]) and the console's signature over it
//!   ([`Guard::handle_epoch_acknowledged`]).
//! - *Control is a lease*: what was injected must be covered by a checkpoint that was compared
//!   ([`Guard::handle_covered`]) within [`LEASE`]. A lapse counts as a failure of the recorder: control ends, and only
//!   a new epoch and the customer's own act bring it back. After a checkpoint that contradicts what was sent
//!   or received there is no control in this session any more.
//! - [`Guard::view_permit`] and [`Guard::handle_input`] give a permit for one capture or one
//!   injection, by the rights at that moment.
//! - On a change the outputs come in the order [`Output::ReleaseInput`], [`Output::CancelFrames`],
//!   [`Output::SendRights`]; the permits are gone as soon as the method has returned, sent or not.
//!   [`Output::CancelTransfer`] comes before all of them where the customer ends it: without sight the relay lets no word of it pass.
//!
//! Pure: it takes the time, and reads no clock. Drain [`Guard::poll_output`] after every call, and call
//! [`Guard::handle_timeout`] at [`Guard::poll_timeout`]. Every method that takes the time lets what is due happen
//! first, so a late timer never lengthens a right.
//!
//! ```
//! use std::time::Instant;
//! use fernsicht_protocol::guard::{CustomerAct, Guard};
//! use fernsicht_protocol::messages::ControlOffer;
//!
//! let (now, mut guard) = (Instant::now(), Guard::new());
//! guard.handle_technician(now, ControlOffer::Unavailable, true)?;
//! guard.consent_view(now, CustomerAct::attest())?; // the customer has just clicked
//! guard.handle_epoch_acknowledged(now, 1);
//! assert!(guard.view_permit(now).is_none());
//! guard.handle_epoch_opened(now, 1);
//! let permit = guard.view_permit(now).expect("both have acknowledged");
//! drop(permit); // one capture
//! guard.handle_stop_key(now);
//! assert!(guard.view_permit(now).is_none());
//! # Ok::<(), fernsicht_protocol::guard::Denied>(())
//! ```
//!
//! Not here: whose hand it was (the agent's hand module attests that), sealing, capture, injection,
//! the comparison of checkpoints ([`crate::heads`]), and the second lock ([`crate::router`]).

mod acts;
mod lease;
mod mirror;
mod outside;
mod permit;
mod session;
mod settle;
mod timer;
mod transfer;

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use thiserror::Error;

pub use mirror::{Draw, Effect, Mirror, Violation};
pub use permit::{ControlPermit, CustomerAct, PointPermit, TransferPermit, ViewPermit};
pub use timer::Timer;

use crate::content::{Cause, DropReason, Input, InputEvent};
use crate::frame::{Class, Direction, Header};
use crate::messages::{ControlOffer, End};
use crate::rights::Rights;
use session::{Link, Recording, Session};

/// How long the consent page waits for an answer.
pub const CONSENT: Duration = Duration::from_secs(5 * 60);
/// How long the card with the complaint code waits for the customer.
pub const CARD: Duration = Duration::from_secs(10 * 60);
/// Injected input must be covered by a compared checkpoint within this time.
pub const LEASE: Duration = Duration::from_secs(4);
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
/// How long a question about a text or a file waits for an answer.
pub const TRANSFER_ANSWER: Duration = Duration::from_secs(5 * 60);
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
    recorder: Recorder,
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

/// Whether the relay's recorder can be relied upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recorder {
    Working,
    /// The relay says that it does not take anything.
    Failed,
    /// What was injected was not covered in time.
    Lapsed,
    /// A checkpoint contradicted what was sent or received: no control in this session any more.
    Distrusted,
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
    /// Recording is about to begin: draw the complaint code and the recording's id, and write the
    /// receipt, before anything else. The page with the code is [`Phase::Card`].
    Card,
    /// Begin an epoch: a fresh secret, `EpochStart` to the console, `EpochOpen` to the relay.
    /// Nothing more is sealed under the old one.
    OpenEpoch {
        /// Its number, from 1.
        epoch: u32,
        /// True if it is recorded; then every later one is too.
        recorded: bool,
    },
    /// Tell the console (a notice), and the bar.
    CustomerActive(bool),
    /// Seal and send a beacon.
    Beacon {
        /// Its number, rising over the whole session.
        number: u64,
    },
    /// This text or file is over, for this reason: what arrived of it is removed, also from the clipboard, and
    /// both sides are told.
    CancelTransfer {
        /// Which piece.
        piece: u32,
        /// Why.
        reason: crate::transfer::Reason,
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
    /// The card with the complaint code is shown; nobody sees anything.
    Card {
        /// When silence ends the session.
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
    /// May this text or file come, or go?
    Transfer {
        /// Which piece.
        piece: u32,
        /// When silence refuses.
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
    /// The recorder works again: control is off.
    RecorderBack,
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
            recorder: Recorder::Working,
            input: InputWay::Impossible,
            stop_presses: 0,
            latest: None,
            outputs: VecDeque::new(),
            changed: false,
        }
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
        if !session.lease.note(now, header.number) {
            self.lapse(now);
            return Err(DropReason::NotGranted);
        }
        session.active = now;
        Ok(ControlPermit::new(self.grant, &input.event))
    }
}

/// Pointing.
impl Guard {
    /// The technician points at something, or what he pointed at is to be shown still: permission to show it,
    /// or why not. `header` is the notice's, which the opening has authenticated. Only in a session that he may look at
    /// and not control, and not while a question is open: no sign of his leads the customer's hand to an answer.
    pub fn handle_point(
        &mut self,
        now: Instant,
        header: &Header,
    ) -> Result<PointPermit<'_>, DropReason> {
        self.advance(now);
        let State::Granted(session) = &self.state else {
            return Err(DropReason::NotGranted);
        };
        if header.class != Class::Notices || header.direction != Direction::ConsoleToAgent {
            return Err(DropReason::Refused);
        }
        let open = matches!(session.link, Link::Open) && session.question.is_none();
        if self.rights != Rights::View || !open {
            return Err(DropReason::NotGranted);
        }
        if header.epoch != session.epoch || header.grant != self.grant {
            return Err(DropReason::Stale);
        }
        Ok(PointPermit::new())
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
            State::Granted(session) => match (session.recording, &session.link) {
                // Also while the link is lost: the code is shown only once.
                (Recording::Card { until }, _) => Phase::Card { until },
                (_, Link::Waiting | Link::Opening { .. }) => Phase::Starting,
                (_, Link::Open) => Phase::Session,
                (_, Link::Lost { until }) => Phase::Reconnecting { until: *until },
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

    /// The latest time that it was told.
    pub fn latest(&self) -> Option<Instant> {
        self.latest
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

    /// The relay's offer, as far as its recorder can be relied upon.
    pub fn offer(&self) -> &ControlOffer {
        match self.recorder {
            Recorder::Working => &self.offer,
            Recorder::Failed | Recorder::Lapsed | Recorder::Distrusted => {
                &ControlOffer::Unavailable
            }
        }
    }

    /// True if control can be granted: the recorder works, and input is possible.
    pub fn control_offered(&self) -> bool {
        self.input == InputWay::Possible && matches!(self.offer(), ControlOffer::Recorded { .. })
    }

    /// True once the card is done: this and every later epoch is recorded.
    pub fn recorded(&self) -> bool {
        self.session()
            .is_some_and(|session| session.recording == Recording::Begun)
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
