//! What must hold, from the promises and not from the code.
//!
//! The reference knows what the customer's hand did, what the agent was told, and what left each program. From
//! that alone follows the most that may be allowed at this moment ([`Reference::allowed`]). Everything captured,
//! injected, sealed, forwarded and drawn is held against it. What it reads of the guard is what the customer
//! reads on the pages: whether a question or the card stands there.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use fernsicht_agent::session::model::{Act, OWN_ROWS};
use fernsicht_protocol::checkpoint::SignedCheckpoint;
use fernsicht_protocol::content::InputEvent;
use fernsicht_protocol::crypto::Secret;
use fernsicht_protocol::frame::{Class, Direction, Header};
use fernsicht_protocol::guard::{Guard, Phase, Question};
use fernsicht_protocol::rights::Rights;

use super::recorder::{Recorder, place};

/// Input that the console sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) header: Header,
    /// When the agent sent the newest beacon that the console had by then.
    pub(super) beacon_at: Duration,
}

/// An epoch's secret, and the recording it belongs to.
pub(super) struct Opened {
    pub(super) rid: Option<[u8; 16]>,
    pub(super) secret: Secret,
}

/// What the pages show of the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pages {
    pub(super) phase: Phase,
    pub(super) question: Option<Question>,
}

impl Pages {
    pub(super) fn of(guard: &Guard) -> Self {
        Self {
            phase: guard.phase(),
            question: guard.question(),
        }
    }
}

/// The reference.
#[derive(Default)]
pub(super) struct Reference {
    /// The first promise that did not hold.
    pub(super) broken: Option<String>,
    now: Duration,
    /// What the customer's own acts allow.
    wish: Rights,
    /// The customer chose, or widened to, look and control.
    may_control: bool,
    ended: bool,
    /// Both links stand, as far as the agent was told.
    up: bool,
    /// The newest epoch that the agent began, and who has acknowledged it.
    epoch: u32,
    recorded: bool,
    by_relay: u32,
    by_console: u32,
    recorder_failed: bool,
    lapsed: bool,
    /// The newest rights frame that left the agent.
    told: (u32, Rights),
    uncovered: VecDeque<(u64, Duration)>,
    covered: BTreeMap<u32, u64>,
    active: Option<(u32, Duration)>,
    beacons: HashMap<(u32, u64), (u32, Duration)>,
    /// What the console has been told.
    shown: Option<(u32, u32, Rights)>,
    beacon: Option<(u32, Duration)>,
    pub(super) console_epoch: u32,
    pub(super) sent: HashMap<u32, Sent>,
    /// Injected, in order.
    pub(super) injected: Vec<u32>,
    /// What was captured under which grant, by serial number.
    captures: HashMap<u32, u32>,
    pub(super) secrets: BTreeMap<u32, Opened>,
    /// What the relay has let through.
    passed: Option<(u32, Rights)>,
    narrowed: bool,
}

impl Reference {
    pub(super) fn fail(&mut self, sentence: impl FnOnce() -> String) {
        if self.broken.is_none() {
            self.broken = Some(sentence());
        }
    }

    /// The most that may be in force now.
    pub(super) fn allowed(&self, pages: Pages) -> Rights {
        let open = self.up
            && self.epoch > 0
            && self.by_relay == self.epoch
            && self.by_console == self.epoch;
        let closed = match pages.phase {
            Phase::Unpaired | Phase::Consent { .. } | Phase::Card { .. } | Phase::Ended => true,
            Phase::Starting | Phase::Session | Phase::Reconnecting { .. } => false,
        };
        if self.ended || closed || !open {
            return Rights::None;
        }
        let only_sight = pages.question.is_some()
            || !self.may_control
            || !self.recorded
            || self.recorder_failed
            || self.lapsed;
        match only_sight {
            true => self.wish.min(Rights::View),
            false => self.wish,
        }
    }

    /// The customer is about to do this, with these pages before him.
    pub(super) fn act(&mut self, act: Act, before: Pages) {
        let consenting = matches!(before.phase, Phase::Consent { .. });
        match act {
            Act::ConsentView if consenting => (self.may_control, self.wish) = (false, Rights::View),
            Act::ConsentControl if consenting => {
                (self.may_control, self.wish) = (true, Rights::Control);
            }
            Act::Yes if before.question == Some(Question::Upgrade) => {
                (self.may_control, self.wish) = (true, Rights::Control);
            }
            Act::ViewOn => self.wish = self.wish.max(Rights::View),
            Act::ControlOn if self.may_control && self.wish.view() => self.wish = Rights::Control,
            Act::ControlOff => self.cap(),
            Act::ViewOff | Act::Stop | Act::StopKey => self.wish = Rights::None,
            Act::ConfirmEnd => self.ended = true,
            Act::Activity if self.told.1.control() => {
                self.active = Some((self.told.0, self.now + STILL));
            }
            Act::ConsentView
            | Act::ConsentControl
            | Act::Yes
            | Act::ControlOn
            | Act::Activity
            | Act::CardDone
            | Act::Refuse
            | Act::No
            | Act::GoOn
            | Act::AskEnd => {}
        }
    }

    /// Losses, failures and returns take control, and never give it.
    fn cap(&mut self) {
        self.wish = self.wish.min(Rights::View);
    }

    pub(super) fn paired(&mut self) {
        self.up = true;
    }

    pub(super) fn agent_lost(&mut self) {
        (self.up, self.by_relay) = (false, 0);
        self.cap();
    }

    pub(super) fn agent_resumed(&mut self) {
        (self.up, self.by_relay) = (true, 0);
        self.cap();
    }

    pub(super) fn recorder(&mut self, failed: bool) {
        // That it is back is no news to an agent that came back meanwhile and was offered control: what the
        // customer allowed since then stands.
        if failed || self.recorder_failed {
            self.cap();
        }
        self.recorder_failed = failed;
    }

    pub(super) fn relay_opened(&mut self, epoch: u32) {
        self.by_relay = epoch;
    }

    /// The relay has confirmed that this epoch's opening is in the recording.
    pub(super) fn recording_confirmed(&mut self, epoch: u32) {
        self.by_relay = epoch;
        self.recorder_failed = false;
    }

    pub(super) fn console_acknowledged(&mut self, epoch: u32) {
        self.by_console = epoch;
    }

    pub(super) fn agent_opens(&mut self, epoch: u32, recorded: bool) {
        if self.recorded && !recorded {
            self.fail(|| format!("epoch {epoch} is not recorded, although one before it was"));
        }
        (self.epoch, self.recorded, self.lapsed) = (epoch, recorded, false);
        self.uncovered.clear();
        self.told.1 = Rights::None;
    }

    /// A checkpoint has come to the agent.
    pub(super) fn covers(&mut self, checkpoint: &SignedCheckpoint) {
        for head in &checkpoint.checkpoint.heads.0 {
            if head.direction == Direction::ConsoleToAgent && head.class == Class::Input {
                let next = self.covered.entry(head.epoch).or_default();
                *next = (*next).max(head.next);
            }
        }
        let next = self.covered.get(&self.epoch).copied().unwrap_or_default();
        self.uncovered.retain(|(number, _)| *number >= next);
        if self.lapsed && self.uncovered.is_empty() {
            self.lapsed = false;
            self.cap();
        }
    }

    /// Time has passed.
    pub(super) fn advance(&mut self, now: Duration) {
        self.now = now;
        let late = |(_, at): &(u64, Duration)| now >= *at + LEASE;
        if self.uncovered.front().is_some_and(late) {
            self.lapsed = true;
            self.cap();
        }
    }

    /// After every step.
    pub(super) fn check_agent(&mut self, rights: Rights, pages: Pages) {
        let allowed = self.allowed(pages);
        if rights > allowed {
            self.fail(|| format!("{rights:?} in force at the agent where {allowed:?} is allowed"));
        }
    }

    /// A frame leaves the agent.
    pub(super) fn agent_seals(&mut self, header: &Header, pages: Pages) {
        let allowed = self.allowed(pages);
        match header.class {
            Class::Rights => {
                if header.grant <= self.told.0 {
                    self.fail(|| format!("grant {} does not rise", header.grant));
                }
                if header.rights > allowed {
                    self.fail(|| {
                        format!("{:?} announced where {allowed:?} is allowed", header.rights)
                    });
                }
                self.told = (header.grant, header.rights);
            }
            Class::Beacon | Class::Pointer | Class::Picture | Class::Refinement => {
                let needed = match header.class.shows_screen() {
                    true => Rights::View,
                    false => Rights::Control,
                };
                let (grant, rights) = self.told;
                if allowed < needed || rights < needed || grant != header.grant {
                    self.fail(|| {
                        format!("{:?} sealed under grant {}, allowed is {allowed:?}, told was grant {grant} with {rights:?}",
                            header.class, header.grant)
                    });
                }
                if header.class == Class::Beacon {
                    self.beacons.insert(place(header), (header.grant, self.now));
                }
            }
            Class::Input | Class::Acks | Class::Heads | Class::Notices | Class::Transfer => {}
        }
    }

    /// The screen was read with a permit of this grant.
    pub(super) fn captured(&mut self, serial: u32, grant: u32, pages: Pages) {
        let allowed = self.allowed(pages);
        if !allowed.view() || self.told.0 != grant {
            self.fail(|| format!("captured under grant {grant}, allowed is {allowed:?}"));
        }
        self.captures.insert(serial, grant);
    }

    /// A picture was accepted for sending under what is in force.
    pub(super) fn sealed(&mut self, serial: u32) {
        let (grant, _) = self.told;
        if self.captures.get(&serial) != Some(&grant) {
            self.fail(|| format!("a picture read under another grant was sealed under {grant}"));
        }
    }

    /// An event acts on the customer's computer.
    pub(super) fn injected(
        &mut self,
        event: &InputEvent,
        pages: Pages,
        recorder: Option<&Recorder>,
    ) {
        let allowed = self.allowed(pages);
        if !allowed.control() {
            self.fail(|| format!("{event:?} injected where {allowed:?} is allowed"));
        }
        if forbidden(event) {
            self.fail(|| format!("{event:?} injected"));
        }
        if let Some((grant, until)) = self.active
            && grant == self.told.0
            && self.now < until
        {
            self.fail(|| format!("{event:?} injected while the customer is active"));
        }
        let Some(serial) = serial(event) else { return };
        let Some(Sent { header, beacon_at }) = self.sent.get(&serial).copied() else {
            return self.fail(|| format!("{event:?} injected that nobody sent"));
        };
        let again = self
            .injected
            .iter()
            .filter(|known| **known == serial)
            .count();
        if again >= pieces(event) {
            self.fail(|| format!("{event:?} injected twice"));
        }
        if header.epoch != self.epoch || header.grant != self.told.0 {
            let (epoch, grant) = (self.epoch, self.told.0);
            self.fail(|| {
                format!(
                    "{event:?} of epoch {}, grant {} injected in epoch {epoch}, grant {grant}",
                    header.epoch, header.grant
                )
            });
        }
        if self.now > beacon_at + FRESH {
            let held = self.now - beacon_at;
            self.fail(|| format!("{event:?} injected, held back for {held:?}"));
        }
        if !recorder.is_some_and(|recorder| recorder.written.contains(&place(&header))) {
            self.fail(|| format!("{event:?} injected, but not in the recording"));
        }
        self.injected.push(serial);
        let next = self.covered.get(&header.epoch).copied().unwrap_or_default();
        let known = self
            .uncovered
            .iter()
            .any(|(number, _)| *number == header.number);
        if header.number >= next && !known {
            self.uncovered.push_back((header.number, self.now));
        }
    }

    /// The console has been told of an epoch.
    pub(super) fn console_epoch(&mut self, epoch: u32) {
        if epoch > self.console_epoch {
            self.console_epoch = epoch;
        }
        (self.shown, self.beacon) = (None, None);
    }

    pub(super) fn console_lost(&mut self) {
        (self.shown, self.beacon) = (None, None);
    }

    /// A rights frame has come to the console.
    pub(super) fn console_told(&mut self, header: &Header) {
        if header.epoch == self.console_epoch {
            self.shown = Some((header.epoch, header.grant, header.rights));
        }
    }

    /// A beacon has come to the console.
    pub(super) fn console_beacon(&mut self, header: &Header) {
        if let Some((grant, at)) = self.beacons.get(&place(header)).copied()
            && header.epoch == self.console_epoch
            && self.beacon.is_none_or(|newest| newest < (grant, at))
        {
            self.beacon = Some((grant, at));
        }
    }

    /// An update is drawn on the technician's screen.
    pub(super) fn drawn(&mut self, serial: u32) {
        let grant = self.captures.get(&serial).copied();
        let fits =
            |(_, current, rights): (u32, u32, Rights)| Some(current) == grant && rights.view();
        if !self.shown.is_some_and(fits) {
            let shown = self.shown;
            self.fail(|| format!("drawn: a picture of grant {grant:?}, told was {shown:?}"));
        }
    }

    /// Input leaves the console.
    pub(super) fn console_sends(&mut self, header: &Header, serial: Option<u32>) {
        let fits = |(epoch, grant, rights): (u32, u32, Rights)| {
            (epoch, grant) == place_of(header) && rights.control()
        };
        if !self.shown.is_some_and(fits) {
            let shown = self.shown;
            self.fail(|| {
                format!(
                    "input sent under grant {}, told was {shown:?}",
                    header.grant
                )
            });
        }
        let (header, beacon_at) = (*header, self.beacon.map_or(Duration::ZERO, |(_, at)| at));
        if let Some(serial) = serial {
            self.sent.insert(serial, Sent { header, beacon_at });
        }
    }

    /// What the technician is shown must be what the newest rights frame says, or less.
    pub(super) fn check_console(&mut self, rights: Rights) {
        let most = self.shown.map_or(Rights::None, |(_, _, rights)| rights);
        if rights > most {
            self.fail(|| format!("{rights:?} shown to the technician where {most:?} was told"));
        }
    }

    /// The relay has passed a rights frame on.
    pub(super) fn relay_passes_rights(&mut self, header: &Header) {
        self.passed = Some((header.grant, header.rights));
    }

    /// The relay lets nothing pass, or no control.
    pub(super) fn relay_suspends(&mut self) {
        self.passed = None;
    }

    pub(super) fn relay_narrows(&mut self, narrowed: bool) {
        self.narrowed = narrowed;
    }

    /// The relay has passed input on.
    pub(super) fn relay_passes_input(&mut self, header: &Header, written: bool) {
        if !written {
            self.fail(|| {
                format!(
                    "input {} was forwarded before it was recorded",
                    header.number
                )
            });
        }
        if self.narrowed || self.passed != Some((header.grant, Rights::Control)) {
            let passed = self.passed;
            self.fail(|| {
                format!(
                    "the relay passed input of grant {}, it knew {passed:?}",
                    header.grant
                )
            });
        }
    }

    /// The relay has let a frame with a stream of its own through.
    pub(super) fn relay_passes_single(&mut self, header: &Header) {
        let needed = match header.class.shows_screen() {
            true => Rights::View,
            false => Rights::Control,
        };
        let fits = |(grant, rights)| grant == header.grant && rights >= needed;
        if !self.passed.is_some_and(fits) {
            let passed = self.passed;
            self.fail(|| {
                format!(
                    "the relay passed {:?} of grant {}, it knew {passed:?}",
                    header.class, header.grant
                )
            });
        }
    }
}

/// What is never injected: F11, wild turns of the wheel, what aims at the agent's windows.
fn forbidden(event: &InputEvent) -> bool {
    match event {
        InputEvent::Key { keysym, .. } => matches!(*keysym, F11 | F11_TWIN),
        InputEvent::Button { y, down, .. } => *down && *y < OWN_ROWS,
        InputEvent::Scroll { dx, dy, y, .. } => {
            *y < OWN_ROWS || dx.unsigned_abs().max(dy.unsigned_abs()) > 32
        }
        InputEvent::Move { .. } | InputEvent::Text { .. } | InputEvent::ReleaseAll => false,
    }
}

/// The number that the technician put into an event; none into a release.
pub(super) fn serial(event: &InputEvent) -> Option<u32> {
    Some(match event {
        InputEvent::Move { x, .. }
        | InputEvent::Button { x, .. }
        | InputEvent::Scroll { x, .. } => u32::from(*x),
        InputEvent::Key { keysym, .. } => keysym & 0xffff,
        InputEvent::Text { text } => u32::from(text.as_str().chars().next()?) - FIRST_CHARACTER,
        InputEvent::ReleaseAll => return None,
    })
}

fn pieces(event: &InputEvent) -> usize {
    match event {
        InputEvent::Text { .. } => CHARACTERS,
        InputEvent::Move { .. }
        | InputEvent::Button { .. }
        | InputEvent::Scroll { .. }
        | InputEvent::Key { .. }
        | InputEvent::ReleaseAll => 1,
    }
}

fn place_of(header: &Header) -> (u32, u32) {
    (header.epoch, header.grant)
}

/// F11 and the console switch on its key.
pub(super) const F11: u32 = 0xffc8;
pub(super) const F11_TWIN: u32 = 0x1008_fe0b;
/// Texts of the technician are this many times one character of the private area.
pub(super) const CHARACTERS: usize = 3;
pub(super) const FIRST_CHARACTER: u32 = 0xe000;
const LEASE: Duration = Duration::from_secs(4);
const FRESH: Duration = Duration::from_secs(2);
const STILL: Duration = Duration::from_secs(1);
