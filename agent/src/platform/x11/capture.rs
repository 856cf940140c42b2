//! The default capture on X11: the server says what changed, and only that is read.
//!
//! ```text
//! DamageNotify ─► DamageSubtract into a region ─► XFixesFetchRegion ─► Changes::damage
//! RandR notify ─► monitors asked again ─► Changes::layout
//! read ─► ShmGetImage of each rectangle, all sent before the first answer ─► preadv
//! ```
//!
//! The damage is subtracted *before* pixels are read, so that a change between both is
//! reported again rather than lost. The root window's picture does not contain the
//! pointer. Not here: which changes are worth sending.

use std::time::Duration;

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::damage::{self, ConnectionExt as _, ReportLevel};
use x11rb::protocol::shm::ConnectionExt as _;
use x11rb::protocol::xfixes::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{ConnectionExt as _, ImageFormat, ImageOrder};

use super::shm::Segment;
use super::wake::sleep;
use super::{Link, outdated, screens};
use crate::platform::region::{READ_SLACK, REPORT_SLACK, coalesce};
use crate::platform::{
    Area, Capture, Changes, Error, Monitor, Pixels, Rect, Selection, Shown, ViewPermit, Waker,
    deadline,
};

/// Damage, regions and shared memory on one connection.
pub(in crate::platform) struct Damage {
    link: Link,
    waker: Waker,
    damage: damage::Damage,
    region: xfixes::Region,
    segment: Option<Segment>,
    monitors: Vec<Monitor>,
    shown: Shown,
}

/// Why this backend could not be opened.
pub(in crate::platform) enum OpenError {
    /// The server gives no change notices: another backend may do.
    NoNotices,
    /// No backend would do better.
    Failed(Error),
}

impl<E: Into<Error>> From<E> for OpenError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Damage {
    /// Connects, checks the pixel format, and asks for notices. Shares all screens until
    /// [`Capture::select`].
    pub(in crate::platform) fn open(display: Option<&str>) -> Result<Self, OpenError> {
        let link = Link::open(display)?;
        check_format(&link)?;
        for needed in [damage::X11_EXTENSION_NAME, xfixes::X11_EXTENSION_NAME] {
            if !link.has(needed)? {
                return Err(OpenError::NoNotices);
            }
        }
        let connection = &link.connection;
        connection
            .xfixes_query_version(5, 0)?
            .reply()
            .map_err(Error::from)?;
        connection
            .damage_query_version(1, 1)?
            .reply()
            .map_err(Error::from)?;

        screens::announce(&link)?;

        let (damage, region) = (connection.generate_id()?, connection.generate_id()?);
        connection.xfixes_create_region(region, &[])?;
        connection.damage_create(damage, link.root, ReportLevel::NON_EMPTY)?;
        let monitors = screens::query(&link)?;
        let waker = Waker::new().map_err(Error::from)?;
        Ok(Self {
            link,
            waker,
            damage,
            region,
            segment: None,
            monitors,
            shown: Shown::default(),
        })
    }

    /// Memory for the whole area, so that every set of rectangles fits at once.
    fn share_memory(&mut self) -> Result<(), Error> {
        let bytes = self.area().whole().area() * 4;
        if self
            .segment
            .as_ref()
            .is_some_and(|segment| segment.bytes >= bytes)
        {
            return Ok(());
        }
        if let Some(old) = self.segment.take() {
            old.detach(&self.link.connection);
        }
        self.segment = Segment::share(&self.link, bytes)?;
        Ok(())
    }

    /// Handles all events that have arrived.
    fn drain(&mut self, changes: &mut Changes) -> Result<(), Error> {
        let mut damaged = false;
        let mut layout = false;
        while let Some(event) = self.link.connection.poll_for_event()? {
            damaged |= matches!(event, Event::DamageNotify(_));
            layout |= screens::is_change(&event);
        }
        if layout {
            let found = screens::query(&self.link)?;
            changes.layout |= found != self.monitors;
            self.monitors = found;
        }
        if damaged {
            self.fetch(&mut changes.damage)?;
        }
        Ok(())
    }

    /// Takes the damaged region; from then on new damage is announced again.
    fn fetch(&self, into: &mut Vec<Rect>) -> Result<(), Error> {
        let connection = &self.link.connection;
        connection.damage_subtract(self.damage, x11rb::NONE, self.region)?;
        let region = connection.xfixes_fetch_region(self.region)?.reply()?;
        for r in &region.rectangles {
            let found = Area {
                x: r.x,
                y: r.y,
                width: r.width,
                height: r.height,
            };
            let seen = self.shown.places().filter_map(|place| place.common(found));
            into.extend(seen.filter_map(|part| self.area().clip(part)));
        }
        *into = coalesce(std::mem::take(into), REPORT_SLACK);
        Ok(())
    }

    /// One batch of rectangles that fits into the shared memory: all requests go out
    /// before the first answer is awaited.
    fn read_shared(
        &self,
        segment: &Segment,
        batch: &[(usize, Rect)],
        into: &mut Pixels,
    ) -> Result<(), Error> {
        let connection = &self.link.connection;
        let mut answers = Vec::with_capacity(batch.len());
        for &(offset, rect) in batch {
            let (x, y) = self.on_desktop(rect);
            answers.push(connection.shm_get_image(
                self.link.root,
                x,
                y,
                rect.width,
                rect.height,
                ALL_PLANES,
                ImageFormat::Z_PIXMAP.into(),
                segment.id,
                u32::try_from(offset).map_err(|_| Error::LayoutChanged)?,
            )?);
        }
        let mut outcome = Ok(());
        for answer in answers {
            outcome = outcome.and(answer.reply().map(drop).map_err(gone));
        }
        outcome?;
        for &(offset, rect) in batch {
            segment.copy(offset, rect, into)?;
        }
        Ok(())
    }

    /// The way without shared memory: the pixels come over the connection, 30 to 60 times slower.
    fn read_plain(&self, rect: Rect, into: &mut Pixels) -> Result<(), Error> {
        let (x, y) = self.on_desktop(rect);
        let image = self
            .link
            .connection
            .get_image(
                ImageFormat::Z_PIXMAP,
                self.link.root,
                x,
                y,
                rect.width,
                rect.height,
                ALL_PLANES,
            )?
            .reply()
            .map_err(gone)?;
        let row = usize::from(rect.width) * 4;
        if image.data.len() < row * usize::from(rect.height) {
            return Err(Error::Lost("the X server sent too few pixels".to_owned()));
        }
        for (line, from) in (rect.y..).zip(image.data.chunks_exact(row)) {
            if u32::from(line) >= rect.bottom() {
                break;
            }
            let to = into.offset(rect.x, line);
            into.bgrx[to..to + row].copy_from_slice(from);
        }
        Ok(())
    }

    fn on_desktop(&self, rect: Rect) -> (i16, i16) {
        (
            self.area().x.saturating_add_unsigned(rect.x),
            self.area().y.saturating_add_unsigned(rect.y),
        )
    }
}

impl Capture for Damage {
    fn name(&self) -> &'static str {
        if self.segment.is_some() {
            "x11 damage, shared memory"
        } else {
            "x11 damage"
        }
    }

    fn shown(&self) -> &Shown {
        &self.shown
    }

    fn select(&mut self, selection: &Selection) -> Result<Shown, Error> {
        self.monitors = screens::query(&self.link)?;
        self.shown = selection.shown(&self.monitors)?;
        self.share_memory()?;
        Ok(self.shown.clone())
    }

    fn waker(&self) -> Waker {
        self.waker.clone()
    }

    fn wait(&mut self, timeout: Option<Duration>) -> Result<Changes, Error> {
        let deadline = deadline(timeout);
        let mut changes = Changes::default();
        loop {
            self.drain(&mut changes)?;
            changes.woken = self.waker.take();
            if !changes.nothing() {
                return Ok(changes);
            }
            self.link.connection.flush()?;
            if sleep(self.link.fd(), &self.waker, deadline)? {
                return Ok(changes);
            }
        }
    }

    fn read(
        &mut self,
        _permit: &ViewPermit<'_>,
        rects: &[Rect],
        into: &mut Pixels,
    ) -> Result<Vec<Rect>, Error> {
        if (into.width, into.height) != (self.area().width, self.area().height) {
            return Err(Error::LayoutChanged);
        }
        // Joined screen by screen: what lies between them is not read.
        let inside = self.shown.within(rects);
        let wanted: Vec<Rect> = inside
            .iter()
            .flat_map(|part| coalesce(part.clone(), READ_SLACK))
            .collect();
        let inside = inside.concat();
        let Some(segment) = &self.segment else {
            wanted
                .iter()
                .try_for_each(|rect| self.read_plain(*rect, into))?;
            return Ok(inside);
        };
        let mut batch = Vec::with_capacity(wanted.len());
        let mut used = 0;
        for rect in wanted {
            if used + rect.area() * 4 > segment.bytes {
                self.read_shared(segment, &batch, into)?;
                batch.clear();
                used = 0;
            }
            batch.push((used, rect));
            used += rect.area() * 4;
        }
        self.read_shared(segment, &batch, into)?;
        Ok(inside)
    }
}

const ALL_PLANES: u32 = !0;

/// The rectangle lies outside the screen (it shrank a moment ago), or the link is gone.
fn gone(error: x11rb::errors::ReplyError) -> Error {
    if outdated(&error) {
        Error::LayoutChanged
    } else {
        error.into()
    }
}

/// Only blue, green, red and a fourth byte, as practically all X servers have them.
fn check_format(link: &Link) -> Result<(), Error> {
    let unsupported = |detail| Err(Error::Unsupported { detail });
    let setup = link.connection.setup();
    let screen = link.screen();
    if setup.image_byte_order != ImageOrder::LSB_FIRST {
        return unsupported("The screen's bytes are in an order that this program cannot read.");
    }
    let wide = setup
        .pixmap_formats
        .iter()
        .any(|format| format.depth == screen.root_depth && format.bits_per_pixel == 32);
    if !wide || !(screen.root_depth == 24 || screen.root_depth == 32) {
        return unsupported(
            "The screen does not show 16 million colours; set its colour depth to 24 bits.",
        );
    }
    let usual = screen
        .allowed_depths
        .iter()
        .flat_map(|depth| &depth.visuals)
        .find(|visual| visual.visual_id == screen.root_visual)
        .is_some_and(|visual| {
            (visual.red_mask, visual.green_mask, visual.blue_mask) == (0xff_0000, 0xff00, 0xff)
        });
    if !usual {
        return unsupported("The screen's colours are in an order that this program cannot read.");
    }
    Ok(())
}
