//! The portable capture: scrap's full frames, compared tile by tile.
//!
//! ```text
//! wait ─► every 50 ms "anything may have changed" ─► read ─► tiles that differ
//! RandR notice ─► Changes::layout, and read refuses until the next select
//! ```
//!
//! The way for X servers without change notices; it polls, so that an idle screen costs a
//! few per cent of a core. Three traps of scrap 0.5 on X11 are handled or to be known:
//! after the screen shrinks it goes on returning old bytes as a success (so RandR is
//! watched here); a frame is the one *requested by the call before* (so each read
//! takes two); and its shared memory has mode 0777, so that every local user could map the
//! screen while it runs (docs/known-issues.md). Its [`Scrap`] is bound to its thread.

use std::time::Duration;

use scrap::{Capturer, Display};
use x11rb::connection::Connection as _;

use super::wake::sleep;
use super::{Link, screens};
use crate::platform::region::coalesce;
use crate::platform::tiles::take_over;
use crate::platform::{
    Area, Capture, Changes, Error, Monitor, Pixels, Rect, Selection, Shown, ViewPermit, Waker,
    deadline,
};

/// Full frames of the session's own display.
pub struct Scrap {
    link: Link,
    waker: Waker,
    monitors: Vec<Monitor>,
    shown: Shown,
    sources: Vec<Source>,
    stale: bool,
    fresh: Pixels,
}

/// One screen's capturer.
struct Source {
    place: Area,
    capturer: Capturer,
}

impl Scrap {
    /// Opens the session's own display; scrap knows no other.
    pub fn open() -> Result<Self, Error> {
        let link = Link::open(None)?;
        screens::announce(&link)?;
        Ok(Self {
            link,
            waker: Waker::new()?,
            monitors: Vec::new(),
            shown: Shown::default(),
            sources: Vec::new(),
            stale: true,
            fresh: Pixels::default(),
        })
    }

    /// Notices changed screens.
    fn drain(&mut self) -> Result<bool, Error> {
        let mut noticed = false;
        while let Some(event) = self.link.connection.poll_for_event()? {
            noticed |= screens::is_change(&event);
        }
        if noticed {
            let found = screens::query(&self.link)?;
            let changed = found != self.monitors;
            self.stale |= changed;
            self.monitors = found;
            return Ok(changed);
        }
        Ok(false)
    }

    /// Takes full frames of the screens in the area and puts them together.
    fn grab(&mut self) -> Result<(), Error> {
        for source in &mut self.sources {
            let Some(inside) = self.shown.area.clip(source.place) else {
                continue;
            };
            // The first call returns what was requested long ago, and requests anew.
            source.capturer.frame()?;
            let frame = source.capturer.frame()?;
            let row = usize::from(source.place.width) * 4;
            let first = Area { ..source.place }.clip(self.shown.area);
            let Some(first) = first else { continue };
            let width = usize::from(inside.width) * 4;
            for line in 0..inside.height {
                let from = usize::from(first.y + line) * row + usize::from(first.x) * 4;
                let to = self.fresh.offset(inside.x, inside.y + line);
                let Some(pixels) = frame.get(from..from + width) else {
                    return Err(Error::LayoutChanged);
                };
                self.fresh.bgrx[to..to + width].copy_from_slice(pixels);
            }
        }
        Ok(())
    }
}

impl Capture for Scrap {
    fn name(&self) -> &'static str {
        "scrap"
    }

    fn shown(&self) -> &Shown {
        &self.shown
    }

    fn select(&mut self, selection: &Selection) -> Result<Shown, Error> {
        self.monitors = screens::query(&self.link)?;
        self.shown = selection.shown(&self.monitors)?;
        // scrap names no positions: its displays come in the server's order.
        let places = screens::in_server_order(&self.link)?;
        let mut sources = Vec::new();
        for (place, display) in places.iter().zip(Display::all()?) {
            if (display.width(), display.height()) != (place.width.into(), place.height.into()) {
                return Err(Error::LayoutChanged);
            }
            if self.shown.places().any(|shown| shown == *place) {
                sources.push(Source {
                    place: *place,
                    capturer: Capturer::new(display)?,
                });
            }
        }
        self.sources = sources;
        self.fresh = Pixels::new(self.shown.area);
        self.stale = false;
        Ok(self.shown.clone())
    }

    fn waker(&self) -> Waker {
        self.waker.clone()
    }

    fn wait(&mut self, timeout: Option<Duration>) -> Result<Changes, Error> {
        let tick = timeout.map_or(TICK, |timeout| timeout.min(TICK));
        let due = sleep(self.link.fd(), &self.waker, deadline(Some(tick)))?;
        let layout = self.drain()?;
        let damage = if due && tick == TICK {
            vec![self.shown.area.whole()]
        } else {
            Vec::new()
        };
        Ok(Changes {
            damage,
            layout,
            woken: self.waker.take(),
        })
    }

    fn read(
        &mut self,
        _permit: &ViewPermit<'_>,
        rects: &[Rect],
        into: &mut Pixels,
    ) -> Result<Vec<Rect>, Error> {
        self.drain()?;
        if self.stale || (into.width, into.height) != (self.area().width, self.area().height) {
            return Err(Error::LayoutChanged);
        }
        self.grab()?;
        let mut changed = Vec::new();
        for rect in rects {
            let rect = rect.intersection(self.area().whole());
            take_over(&self.fresh.bgrx, rect, into, &mut changed);
        }
        Ok(coalesce(changed, 0))
    }
}

/// How often the screen is looked at.
const TICK: Duration = Duration::from_millis(50);
