//! Was it the customer's own hand? The only maker of [`Hand`], the proof that granting commands need.
//!
//! A granting button acts only if
//! 1. it has been visible, unmoved and uncovered for a second before it is pressed, and still
//!    is when it acts ([`Readiness`], observed by every frame and by [`lookout`] in between);
//! 2. the platform's watch is alive, and saw no F11 since the click was begun;
//! 3. every press since then is physical, and one of the kind that makes such a click (a mouse button; Space or
//!    Enter) has not served another click; or the customer declared an aid before pairing;
//! 4. a key finds the ring on the button only if the customer's own Tab brought it there. Without a declared aid
//!    what assistive technology presses counts for nothing.
//!
//! The kinds matter: programs can send keys to a window, and press buttons as assistive technology does, without
//! any device; the customer's own typing or clicking elsewhere must not vouch for that.
//!
//! The press reaches the UI and the platform's watch by different ways, so a click may come a
//! little before its press is known: it then waits, for at most [`PATIENCE`]. [`Hand`] carries
//! the time of the press, so that the engine can drop what an F11 on the way has overtaken.
//!
//! [`Gate`] is pure: it takes the time and what was observed. It does not ask for the keyboard
//! focus: the first click on a window that lies open anyway is as good as the second. Provenance
//! is not authentication: a program that can forge the devices of the X server can forge this.

pub mod lookout;

use std::time::{Duration, Instant};

use crate::view::Hand;

/// How long a granting button must have been in plain sight.
pub const SIGHT: Duration = Duration::from_secs(1);

/// How long a click waits for the platform to report its press.
pub const PATIENCE: Duration = Duration::from_millis(300);

/// How much older than the UI's own notice of it a press may be: a busy computer draws late.
const SLACK: Duration = Duration::from_millis(700);

/// The buttons that grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Grant {
    /// Consent: only look.
    ConsentView,
    /// Consent: look and control.
    ConsentControl,
    /// Show this screen, or all.
    Screen(Option<u8>),
    /// Show the screen again.
    ViewOn,
    /// Allow control.
    ControlOn,
    /// Yes to a question that widens rights.
    Yes,
    /// Go on after a question: control comes back if it was on.
    GoOn,
    /// Start anew with administrator rights.
    Elevate,
    /// Yes to this text or file.
    TransferYes(u64),
    /// No to it: control comes back if it was on.
    TransferNo(u64),
    /// The card is done: the code is noted.
    CardDone,
    /// The card is done without the code.
    CardSkip,
}

impl Grant {
    /// True for the buttons of the bar, which stand there for as long as the session lasts.
    fn stands(self) -> bool {
        match self {
            Self::ViewOn | Self::ControlOn => true,
            Self::ConsentView
            | Self::ConsentControl
            | Self::Screen(_)
            | Self::Yes
            | Self::GoOn
            | Self::Elevate
            | Self::TransferYes(_)
            | Self::TransferNo(_)
            | Self::CardDone
            | Self::CardSkip => false,
        }
    }
}

/// A rectangle on the desktop, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScreenRect {
    /// Left edge.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// What was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PressKind {
    /// A mouse button; which of the three clicks is the customer's setting.
    Button,
    /// The space bar.
    Space,
    /// Enter.
    Enter,
    /// Tab or an arrow: moves the ring.
    Tab,
    /// F11: refuses every click that was begun before it.
    Stop,
    /// Anything else: makes no click.
    Other,
}

/// How a granting button was pressed, as the pages see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// With the mouse.
    Pointer,
    /// By a key, while the ring was on it.
    Key,
    /// By assistive technology.
    Aid,
}

impl Way {
    /// True if a press of this kind makes such a click.
    fn made_by(self, kind: PressKind) -> bool {
        match (self, kind) {
            (Self::Pointer, PressKind::Button)
            | (Self::Key, PressKind::Space | PressKind::Enter) => true,
            (Self::Pointer | Self::Key | Self::Aid, _) => false,
        }
    }
}

/// A press of a key or a mouse button, as the platform saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Press {
    /// True if it came from a physical device.
    pub physical: bool,
    /// What was pressed.
    pub kind: PressKind,
    /// When.
    pub at: Instant,
}

/// What the platform knows about presses and about what lies over our window.
pub trait Provenance: Send + Sync {
    /// Every press of any key or button on this desktop since that moment, oldest first.
    /// `None` if nobody can tell: then F11 is not seen either, and nothing is granted.
    fn presses_since(&self, since: Instant) -> Option<Vec<Press>>;
    /// True if a window that is not ours covers a part of this rectangle, or if nobody can tell.
    fn covered(&self, rect: ScreenRect) -> bool;
    /// True if a window that is not ours has come over a part of this rectangle since that moment, also if it is gone
    /// again, or if nobody can tell.
    fn covered_since(&self, since: Instant, rect: ScreenRect) -> bool;
}

/// Since when one button has been in plain sight at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readiness {
    rect: ScreenRect,
    since: Option<Instant>,
}

impl Readiness {
    /// A button that has just appeared.
    pub fn new(now: Instant, rect: ScreenRect) -> Self {
        Self {
            rect,
            since: Some(now),
        }
    }

    /// Takes where the button is and whether something lies over it. Any change starts the second anew.
    pub fn observe(&mut self, now: Instant, rect: ScreenRect, covered: bool) {
        if covered {
            self.since = None;
        } else if self.rect != rect || self.since.is_none() {
            self.since = Some(now);
        }
        self.rect = rect;
    }

    /// True once the button has been in plain sight for [`SIGHT`].
    pub fn ready(&self, now: Instant) -> bool {
        self.since
            .is_some_and(|since| now.saturating_duration_since(since) >= SIGHT)
    }

    /// How long until it is ready, if nothing changes.
    pub fn remaining(&self, now: Instant) -> Option<Duration> {
        let since = self.since?;
        Some(SIGHT.saturating_sub(now.saturating_duration_since(since)))
    }
}

/// What became of a click on a granting button.
#[derive(Debug)]
pub enum Verdict {
    /// No click is open.
    Idle,
    /// The platform has not reported the press yet: ask again shortly.
    Wait,
    /// It was the customer's hand.
    Granted(Grant, Hand),
    /// It was not; the button starts its second anew.
    Refused(Grant),
}

/// Decides whether a click on a granting button is the customer's hand.
#[derive(Debug, Default)]
pub struct Gate {
    buttons: Vec<(Grant, Readiness)>,
    down: Option<Down>,
    click: Option<Click>,
    ring: Option<Ring>,
    used: Option<Instant>,
    aid: bool,
}

#[derive(Debug, Clone, Copy)]
struct Down {
    grant: Grant,
    at: Instant,
    ready: bool,
}

/// The granting button that a key would press.
#[derive(Debug, Clone, Copy)]
struct Ring {
    grant: Grant,
    /// True if the customer's own key brought it there.
    own: bool,
}

#[derive(Debug, Clone, Copy)]
struct Click {
    grant: Grant,
    way: Way,
    /// When the UI noticed the press that made the click.
    pressed: Instant,
    /// When the click itself came.
    at: Instant,
}

impl Gate {
    /// Whether the customer declared an aid; set when the code is sent, and not later.
    pub fn declare_aid(&mut self, aid: bool) {
        self.aid = aid;
    }

    /// The granting buttons of this frame and where they are. A button that is partly out of
    /// sight is not among them. Those that are gone start anew when they come back. True if
    /// one is new or has moved.
    pub fn place(&mut self, now: Instant, placed: &[(Grant, ScreenRect)]) -> bool {
        let mut changed = false;
        self.buttons
            .retain(|(grant, _)| placed.iter().any(|(other, _)| other == grant));
        for (grant, rect) in placed {
            match self.buttons.iter_mut().find(|(other, _)| other == grant) {
                Some((_, readiness)) if readiness.rect == *rect => {}
                Some((_, readiness)) => {
                    *readiness = Readiness::new(now, *rect);
                    changed = true;
                }
                None => {
                    self.buttons.push((*grant, Readiness::new(now, *rect)));
                    changed = true;
                }
            }
        }
        changed
    }

    /// True if there is nothing to look out for closely: only buttons of the bar, and all of them ready.
    pub fn at_rest(&self, now: Instant) -> bool {
        let mut grants = self.buttons.iter().map(|(grant, _)| *grant);
        grants.all(|grant| grant.stands() && self.ready(now, grant))
    }

    /// Forgets every button, press and click: the page has changed.
    pub fn clear(&mut self) {
        self.buttons.clear();
        self.down = None;
        self.click = None;
        self.ring = None;
    }

    /// The buttons and where they are.
    pub fn rects(&self) -> Vec<(Grant, ScreenRect)> {
        self.buttons
            .iter()
            .map(|(grant, readiness)| (*grant, readiness.rect))
            .collect()
    }

    /// Takes whether something lies over a button. Ignored if the button has moved since.
    pub fn look(&mut self, now: Instant, grant: Grant, rect: ScreenRect, covered: bool) {
        if let Some((_, readiness)) = self.buttons.iter_mut().find(|(other, _)| *other == grant)
            && readiness.rect == rect
        {
            readiness.observe(now, rect, covered);
        }
    }

    /// True if a press on this button would count.
    pub fn ready(&self, now: Instant, grant: Grant) -> bool {
        self.buttons
            .iter()
            .any(|(other, readiness)| *other == grant && readiness.ready(now))
    }

    /// When the next button gets ready, if nothing changes.
    pub fn next_ready(&self, now: Instant) -> Option<Duration> {
        self.buttons
            .iter()
            .filter_map(|(_, readiness)| readiness.remaining(now))
            .filter(|remaining| !remaining.is_zero())
            .min()
    }

    /// The mouse button went down on this button.
    pub fn handle_down(&mut self, now: Instant, grant: Grant) {
        self.down = Some(Down {
            grant,
            at: now,
            ready: self.ready(now, grant),
        });
    }

    /// On which granting button the ring is in this frame.
    pub fn handle_ring(&mut self, now: Instant, on: Option<Grant>, platform: &dyn Provenance) {
        if self.ring.map(|ring| ring.grant) == on {
            return;
        }
        self.ring = on.map(|grant| {
            let presses = now
                .checked_sub(SLACK)
                .and_then(|since| platform.presses_since(since))
                .unwrap_or_default();
            let own = presses.iter().any(|press| press.kind == PressKind::Tab)
                && presses.iter().all(|press| press.physical);
            Ring { grant, own }
        });
    }

    /// The button was clicked. One that is not ready, or was not when it was pressed, ignores it.
    pub fn handle_click(&mut self, now: Instant, grant: Grant, way: Way) {
        let down = self.down.take().filter(|down| down.grant == grant);
        let pressed = down.map_or(now, |down| down.at);
        if self.ready(now, grant) && down.is_none_or(|down| down.ready) && self.click.is_none() {
            self.click = Some(Click {
                grant,
                way,
                pressed,
                at: now,
            });
        }
    }

    /// Decides the open click from what the platform knows right now.
    pub fn poll(&mut self, now: Instant, platform: &dyn Provenance) -> Verdict {
        let Some(click) = self.click else {
            return Verdict::Idle;
        };
        let rect = self
            .buttons
            .iter()
            .find(|(grant, _)| *grant == click.grant)
            .map(|(_, readiness)| readiness.rect);
        // Looks come now and then; what came and went between two of them is remembered elsewhere.
        let before = click.pressed.checked_sub(SIGHT).unwrap_or(click.pressed);
        let in_sight = rect
            .is_some_and(|rect| !platform.covered(rect) && !platform.covered_since(before, rect))
            && self.ready(now, click.grant);
        if !in_sight {
            return self.refuse(now, click);
        }
        let since = click.pressed.checked_sub(SLACK).unwrap_or(click.pressed);
        let Some(mut presses) = platform.presses_since(since) else {
            return self.refuse(now, click);
        };
        if presses.iter().any(|press| press.kind == PressKind::Stop) {
            return self.refuse(now, click);
        }
        if self.aid {
            return self.grant(click, click.pressed);
        }
        let own_ring = |ring: Ring| ring.own && ring.grant == click.grant;
        let possible = match click.way {
            Way::Pointer => true,
            Way::Key => self.ring.is_some_and(own_ring),
            Way::Aid => false,
        };
        if !possible {
            return self.refuse(now, click);
        }
        presses.retain(|press| self.used.is_none_or(|used| press.at > used));
        if presses.iter().any(|press| !press.physical) {
            return self.refuse(now, click);
        }
        // Of several the oldest, so that no F11 after any of them is taken for an older one.
        match presses.iter().find(|press| click.way.made_by(press.kind)) {
            Some(press) => {
                self.used = presses.last().map(|newest| newest.at);
                self.grant(click, press.at)
            }
            None if now.saturating_duration_since(click.at) < PATIENCE => Verdict::Wait,
            None => self.refuse(now, click),
        }
    }

    fn grant(&mut self, click: Click, at: Instant) -> Verdict {
        self.click = None;
        Verdict::Granted(click.grant, Hand::pressed(at))
    }

    fn refuse(&mut self, now: Instant, click: Click) -> Verdict {
        self.click = None;
        for (grant, readiness) in &mut self.buttons {
            if *grant == click.grant {
                *readiness = Readiness::new(now, readiness.rect);
            }
        }
        Verdict::Refused(click.grant)
    }
}

#[cfg(test)]
mod tests;
