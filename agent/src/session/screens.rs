//! Which screens there are, and which of them the customer shows.
//!
//! ```text
//! the desktop's screens, always ─► choice of the customer ─► Selection, by name ─► pictures, pointer, injector
//! ```
//!
//! Only the customer's choice adds a screen. One that is plugged in later is not shown, also when all were
//! chosen before; one that moves, turns or changes its size goes on; one that goes ends sight.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fernsicht_protocol::content::{AgentNotice, DropReason, Input, InputEvent, Place};
use fernsicht_protocol::guard::{Denied, Phase};
use fernsicht_protocol::messages::Page;
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::wire::List;

use super::core::{Before, Consent, Core, Shared};
use crate::hand::ScreenRect;
use crate::platform::{self, Area, Monitor, Selection, Shown, Waker};
use crate::view::{Hand, ScreenChoice};

/// How long the screens must have been as they are before one of them can be chosen: their numbers may
/// have changed under the customer's hand. Longer than a button must be in plain sight.
const SETTLED: Duration = Duration::from_millis(1500);

/// Tells the core of the desktop's screens until the waker wakes. Where nobody can tell them, none is shown.
pub(super) fn run(shared: &Arc<Shared>, waker: &Waker) {
    let told = |monitors| {
        shared.change(|core| core.handle_monitors(Instant::now(), monitors));
        shared.repaint();
    };
    if let Err(error) = platform::follow_monitors(None, waker, told) {
        tracing::warn!(%error, "the screens cannot be listed");
    }
}

impl Core {
    /// The desktop's screens are these from now on.
    pub(super) fn handle_monitors(&mut self, now: Instant, monitors: Vec<Monitor>) {
        self.monitors = monitors;
        self.monitors_since = Some(now);
    }

    /// True if they have been others a moment ago.
    pub(super) fn monitors_changed_within(&self, now: Instant, time: Duration) -> bool {
        self.monitors_since
            .is_some_and(|since| now.saturating_duration_since(since) < time)
    }

    /// The screens to choose from. Mirrored ones are one.
    pub(super) fn choices(&self) -> Vec<ScreenChoice> {
        let distinct = self.distinct();
        distinct.map(|m| ScreenChoice::from(&m.screen)).collect()
    }

    /// True if a screen is chosen on the bar at this moment.
    pub(super) fn choosing(&self) -> bool {
        self.choosing
            && matches!(self.guard.phase(), Phase::Session)
            && self.guard.rights() == Rights::None
            && self.guard.question().is_none()
    }

    /// Consent: at once if there is one screen, after the choice of a screen otherwise.
    pub(super) fn consent(
        &mut self,
        now: Instant,
        consent: Consent,
        hand: Hand,
    ) -> Result<(), Denied> {
        if !matches!(self.guard.phase(), Phase::Consent { .. }) {
            return Err(Denied::NotNow);
        }
        if self.distinct().count() > 1 {
            self.stage = Before::Screens(consent);
            self.tell_page(now, Page::Screens);
            return Ok(());
        }
        self.consented(now, consent, hand)?;
        self.select(self.names(None));
        Ok(())
    }

    /// Showing begins again: at once if there is one screen, after the choice of a screen otherwise.
    pub(super) fn view_on(&mut self, now: Instant, hand: Hand) -> Result<(), Denied> {
        let shows = self.guard.rights().view();
        if self.distinct().count() > 1 {
            self.choosing = !shows;
            return Ok(());
        }
        self.guard.view_on(now, hand.into_act())?;
        if !shows {
            self.select(self.names(None));
        }
        Ok(())
    }

    /// The customer shows this screen, or all with `None`.
    pub(super) fn choose(
        &mut self,
        now: Instant,
        hand: Hand,
        number: Option<u8>,
    ) -> Result<(), Denied> {
        let settled = |since: Instant| hand.at().saturating_duration_since(since) >= SETTLED;
        if !self.monitors_since.is_some_and(settled) {
            return Err(Denied::NotNow);
        }
        let names = self.names(number);
        if names.is_empty() {
            return Err(Denied::NotNow);
        }
        if self.choosing() {
            self.guard.view_on(now, hand.into_act())?;
            self.choosing = false;
        } else if let Before::Screens(consent) = self.stage {
            self.stage = Before::Paired;
            self.consented(now, consent, hand)?;
        } else {
            return Err(Denied::NotNow);
        }
        self.select(names);
        Ok(())
    }

    fn consented(&mut self, now: Instant, consent: Consent, hand: Hand) -> Result<(), Denied> {
        match consent {
            Consent::View => self.guard.consent_view(now, hand.into_act()),
            Consent::Control(language) => {
                self.agreed_in = language;
                self.guard.consent_control(now, hand.into_act())
            }
        }
    }

    /// By name, so that none that comes later is among them.
    fn names(&self, number: Option<u8>) -> Vec<u32> {
        let chosen = |m: &&Monitor| number.is_none_or(|number| m.screen.number == number);
        self.distinct().filter(chosen).map(|m| m.name).collect()
    }

    fn select(&mut self, names: Vec<u32>) {
        self.selection = Selection(names);
        self.selected += 1;
        self.show_nothing();
    }

    /// The first of those that share a number.
    fn distinct(&self) -> impl Iterator<Item = &Monitor> {
        self.monitors
            .chunk_by(|a, b| a.screen.number == b.screen.number)
            .filter_map(|mirrored| mirrored.first())
    }

    /// This is shown from now on. What is held goes up, and what was queued for another layout is void.
    pub(super) fn show(&mut self, generation: u32, shown: Shown) {
        (self.layout, self.shown) = (generation, shown);
        self.release = true;
        self.releases += 1;
    }

    /// Positions mean nothing until something is shown again.
    pub(super) fn show_nothing(&mut self) {
        self.show(0, Shown::default());
    }

    /// Tells the console where the bar lies in what it sees, if that has changed.
    pub(super) fn tell_own_area(&mut self) {
        if !self.sees() || self.layout == 0 {
            self.own_told = None;
            return;
        }
        let area = self.shown.area;
        let place = self.own_place.and_then(|place| within(area, place));
        let places: Vec<Place> = place.into_iter().collect();
        let told = (self.guard.epoch(), self.layout, places);
        if self.own_told.as_ref() != Some(&told) {
            self.notice(&AgentNotice::OwnArea {
                layout: told.1,
                places: List(told.2.clone()),
            });
            self.own_told = Some(told);
        }
    }

    /// Where positions of this input are counted from. Errors: it points at another layout than the one that is shown,
    /// or beside the screens.
    pub(super) fn aim(&self, input: &Input) -> Result<Area, DropReason> {
        let area = self.shown.area;
        let (x, y) = match input.event {
            InputEvent::Move { x, y }
            | InputEvent::Button { x, y, .. }
            | InputEvent::Scroll { x, y, .. } => (x, y),
            InputEvent::Key { .. } | InputEvent::Text { .. } | InputEvent::ReleaseAll => {
                return Ok(area);
            }
        };
        if input.layout != self.layout {
            return Err(DropReason::Stale);
        }
        let (x, y) = (
            i32::from(area.x) + i32::from(x),
            i32::from(area.y) + i32::from(y),
        );
        if self.shown.contains(x, y) {
            Ok(area)
        } else {
            Err(DropReason::Refused)
        }
    }
}

/// What of a part of the desktop lies in the area, from its upper left corner.
fn within(area: Area, place: ScreenRect) -> Option<Place> {
    let span = |from: i32, length: u32, edge: i16, room: u16| {
        let (from, room) = (i64::from(from) - i64::from(edge), i64::from(room));
        let to = (from + i64::from(length)).min(room);
        let from = from.max(0);
        let length = u16::try_from(to - from).ok().filter(|length| *length > 0)?;
        Some((u16::try_from(from).ok()?, length))
    };
    let (x, width) = span(place.x, place.width, area.x, area.width)?;
    let (y, height) = span(place.y, place.height, area.y, area.height)?;
    Some(Place {
        x,
        y,
        width,
        height,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_told_as_far_as_it_lies_in_what_is_shown() {
        let area = Area {
            x: -100,
            y: 50,
            width: 400,
            height: 300,
        };
        let told = |x, y, width, height| {
            let place = ScreenRect {
                x,
                y,
                width,
                height,
            };
            within(area, place).map(|p| (p.x, p.y, p.width, p.height))
        };
        assert_eq!(told(0, 60, 50, 20), Some((100, 10, 50, 20)));
        assert_eq!(told(-200, 0, 150, 70), Some((0, 0, 50, 20)));
        assert_eq!(told(250, 340, 9_999, 9_999), Some((350, 290, 50, 10)));
        for beside in [(300, 60, 10, 10), (-300, 60, 200, 10), (0, 0, 10, 50)] {
            let (x, y, width, height) = beside;
            assert_eq!(told(x, y, width, height), None, "{beside:?}");
        }
    }
}
