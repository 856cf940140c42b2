//! The capture on Windows: duplication where Windows grants it, else GDI with comparison.
//!
//! ```text
//! select ─► duplication of the shown screens ─ refused here ─► GDI
//!                    │ lost (mode, secure desktop, another session)
//!                    ▼
//!             opened anew, tried every 100 ms while no other desktop has the screen; meanwhile nothing is read
//! screens are others ─► Changes::layout, and read refuses until the next select
//! ```
//!
//! The agent's own windows are left out of every picture by Windows itself ([`super::session::keep_out`]). Neither way
//! draws the pointer into the picture, but where the card has none of its own.

mod duplication;
pub(super) mod gdi;

use std::time::{Duration, Instant};

use super::wake::sleep;
use super::{integrity, screens};
use crate::platform::region::{REPORT_SLACK, coalesce};
use crate::platform::tiles::take_over;
use crate::platform::{
    Area, Capture, Changes, Error, Monitor, Pixels, Rect, Selection, Shown, ViewPermit, Waker,
    deadline,
};

/// The screens of this session.
pub(super) struct Screens {
    waker: Waker,
    monitors: Vec<Monitor>,
    looked: Instant,
    shown: Shown,
    way: Way,
    stale: bool,
    /// Until when GDI rests before it looks again.
    rest: Duration,
}

enum Way {
    /// Nothing is chosen yet.
    None,
    Duplicated(Vec<duplication::Screen>),
    /// It was duplicated, and will be again.
    Lost,
    Compared(gdi::Picture),
}

impl Screens {
    /// Shares nothing at first.
    pub(super) fn open() -> Result<Self, Error> {
        Ok(Self {
            waker: Waker::new()?,
            monitors: screens::query()?,
            looked: Instant::now(),
            shown: Shown::default(),
            way: Way::None,
            stale: true,
            rest: SHORT,
        })
    }

    /// Tries duplication; keeps to GDI where that is refused.
    fn choose_way(&mut self) -> Result<(), Error> {
        let places: Vec<Area> = self.shown.places().collect();
        self.way = match duplication::open(&places) {
            Ok(screens) => Way::Duplicated(screens),
            Err(duplication::Refused::Now(error)) => {
                tracing::debug!(%error, "the screen cannot be read at this moment");
                Way::Lost
            }
            Err(duplication::Refused::Here(error)) => {
                tracing::info!(error, "no duplication here");
                Way::Compared(gdi::Picture::new(self.shown.area)?)
            }
        };
        Ok(())
    }

    /// Notices changed screens, now and then.
    fn layout_changed(&mut self, now: Instant) -> bool {
        if now < self.looked + LOOK {
            return false;
        }
        self.looked = now;
        // While they cannot be listed, they are as they were.
        let Ok(found) = screens::query() else {
            return false;
        };
        let changed = found != self.monitors;
        self.monitors = found;
        self.stale |= changed;
        changed
    }

    /// One look, of at most `most`. What changed is added.
    fn look(&mut self, most: Duration, damage: &mut Vec<Rect>) -> Result<(), Error> {
        let area = self.area();
        match &mut self.way {
            Way::None => {
                sleep(&self.waker, Some(Instant::now() + most));
            }
            Way::Duplicated(screens) => {
                if screens.iter().all(duplication::Screen::unread) {
                    // What they show is known to have changed: nothing more is to be learnt before somebody reads.
                    sleep(&self.waker, Some(Instant::now() + most));
                    return Ok(());
                }
                let mut wait = u32::try_from(most.min(SLICE).as_millis()).unwrap_or(1);
                let mut changed = Vec::new();
                for screen in screens.iter_mut().filter(|screen| !screen.unread()) {
                    if let Err(error) = screen.follow(wait, &mut changed) {
                        tracing::debug!(%error, "the duplication is lost");
                        self.way = Way::Lost;
                        return Ok(());
                    }
                    wait = 0;
                }
                damage.extend(changed.iter().filter_map(|place| area.clip(*place)));
                *damage = coalesce(std::mem::take(damage), REPORT_SLACK);
            }
            Way::Lost => {
                // While another desktop has the screen, asking for it costs the card a start each time, and is in vain.
                if sleep(&self.waker, Some(Instant::now() + most.min(RETRY)))
                    && most >= RETRY
                    && !integrity::desktop_barred()
                {
                    self.choose_way()?;
                    damage.push(area.whole());
                }
            }
            Way::Compared(_) => {
                if sleep(&self.waker, Some(Instant::now() + most.min(self.rest)))
                    && most >= self.rest
                {
                    damage.push(area.whole());
                }
            }
        }
        Ok(())
    }
}

impl Capture for Screens {
    fn name(&self) -> &'static str {
        match self.way {
            Way::None => "windows",
            Way::Duplicated(_) | Way::Lost => "windows duplication",
            Way::Compared(_) => "windows gdi",
        }
    }

    fn shown(&self) -> &Shown {
        &self.shown
    }

    fn select(&mut self, selection: &Selection) -> Result<Shown, Error> {
        self.monitors = screens::query()?;
        self.shown = selection.shown(&self.monitors)?;
        self.choose_way()?;
        self.stale = false;
        Ok(self.shown.clone())
    }

    fn waker(&self) -> Waker {
        self.waker.clone()
    }

    fn wait(&mut self, timeout: Option<Duration>) -> Result<Changes, Error> {
        let deadline = deadline(timeout);
        let mut changes = Changes::default();
        loop {
            let now = Instant::now();
            changes.layout = self.layout_changed(now);
            changes.woken = self.waker.take();
            let left = deadline.map_or(LOOK, |deadline| deadline.saturating_duration_since(now));
            if !changes.nothing() || left.is_zero() {
                return Ok(changes);
            }
            self.look(left.min(LOOK), &mut changes.damage)?;
        }
    }

    fn read(
        &mut self,
        _permit: &ViewPermit<'_>,
        rects: &[Rect],
        into: &mut Pixels,
    ) -> Result<Vec<Rect>, Error> {
        let area = self.area();
        if self.stale || (into.width, into.height) != (area.width, area.height) {
            return Err(Error::LayoutChanged);
        }
        let inside = self.shown.within(rects);
        match &mut self.way {
            Way::None | Way::Lost => Ok(Vec::new()),
            Way::Duplicated(screens) => {
                let mut read = Vec::new();
                for screen in screens {
                    // What changes meanwhile is damage of the next wait.
                    match screen.read(area, &inside.concat(), into) {
                        Ok(parts) => read.extend(parts),
                        Err(error) => {
                            tracing::debug!(%error, "the duplication is lost");
                            self.way = Way::Lost;
                            return Ok(Vec::new());
                        }
                    }
                }
                Ok(read)
            }
            Way::Compared(picture) => {
                let mut changed = Vec::new();
                for rect in inside
                    .iter()
                    .flat_map(|part| coalesce(part.clone(), READ_ALL))
                {
                    if picture.read(rect) {
                        take_over(picture.pixels(), rect, into, &mut changed);
                    }
                }
                self.rest = match changed.is_empty() {
                    true => (self.rest * 3 / 2).min(LONG),
                    false => SHORT,
                };
                Ok(coalesce(changed, 0))
            }
        }
    }
}

/// How often the list of screens is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How long duplication is waited for at a time: nobody can end that wait, and somebody may want to.
const SLICE: Duration = Duration::from_millis(8);
/// Between two attempts to duplicate again.
const RETRY: Duration = Duration::from_millis(100);
/// How long GDI rests after a change, and how long at most while nothing changes.
const SHORT: Duration = Duration::from_millis(30);
const LONG: Duration = Duration::from_millis(150);
/// GDI reads one large rectangle faster than two.
const READ_ALL: usize = usize::MAX / 4;
