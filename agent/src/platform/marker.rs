//! The sign that shows where the technician points: a ring around the place, with a dot in it for a click.
//!
//! ```text
//! PointPermit ─► Marker::show ─► one of two small shaped windows, moved there
//! end of sight, or time ───────► Marker::hide
//! ```
//!
//! A plain window that no window manager touches, transparent to every click, still: showing it costs
//! one capture of what it covers, and nothing after. It is *not* on the list of own windows: where it
//! lies over a granting button, that button is covered and does not act.
//!
//! Not here: whether it may be shown (the guard's), and when it goes (the engine's).

use x11rb::connection::Connection as _;
use x11rb::protocol::shape::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{
    ChangeGCAux, ClipOrdering, ConfigureWindowAux, ConnectionExt as _, CreateGCAux,
    CreateWindowAux, EventMask, Rectangle, StackMode, Window, WindowClass,
};

use super::x11::Link;
use super::{Area, Error, PointPermit};

/// Width and height of the sign in pixels. Odd: it has a middle.
pub const SIZE: u16 = 53;

/// The sign, hidden or shown. Its windows go with it.
pub struct Marker {
    link: Link,
    ring: Window,
    click: Window,
    shown: Option<Window>,
}

impl Marker {
    /// Makes the sign, hidden.
    pub fn open(display: Option<&str>) -> Result<Self, Error> {
        let link = Link::open(display)?;
        if !link.has(shape::X11_EXTENSION_NAME)? {
            // A sign that swallows clicks would be worse than none.
            return Err(Error::Unsupported {
                detail: "The X server knows no shaped windows.",
            });
        }
        let ring = create(&link, false)?;
        let click = create(&link, true)?;
        link.sync()?;
        Ok(Self {
            link,
            ring,
            click,
            shown: None,
        })
    }

    /// What the sign takes up around a point of the desktop.
    pub fn place(x: i16, y: i16) -> Area {
        let half = (SIZE / 2).cast_signed();
        Area {
            x: x.saturating_sub(half),
            y: y.saturating_sub(half),
            width: SIZE,
            height: SIZE,
        }
    }

    /// Shows it around a point of the desktop, above everything.
    pub fn show(
        &mut self,
        _permit: &PointPermit<'_>,
        x: i16,
        y: i16,
        click: bool,
    ) -> Result<(), Error> {
        let connection = &self.link.connection;
        let window = if click { self.click } else { self.ring };
        let place = Self::place(x, y);
        let there = ConfigureWindowAux::new()
            .x(i32::from(place.x))
            .y(i32::from(place.y))
            .stack_mode(StackMode::ABOVE);
        connection.configure_window(window, &there)?;
        if self.shown != Some(window) {
            connection.map_window(window)?;
            if let Some(other) = self.shown {
                connection.unmap_window(other)?;
            }
        }
        self.shown = Some(window);
        connection.flush()?;
        Ok(())
    }

    /// Takes it off the screen.
    pub fn hide(&mut self) -> Result<(), Error> {
        if let Some(window) = self.shown.take() {
            self.link.connection.unmap_window(window)?;
            self.link.connection.flush()?;
        }
        Ok(())
    }
}

/// Squares of distances from the middle: where the parts of the sign begin and end.
const DOT: i32 = 4 * 4;
const DOT_EDGE: i32 = 6 * 6;
const INNER_EDGE: i32 = 16 * 16;
const INNER: i32 = 18 * 18;
const OUTER: i32 = 24 * 24;
const OUTER_EDGE: i32 = 26 * 26;

const COLOUR: u32 = 0xffd0_1060;
const EDGE: u32 = 0xffff_ffff;

/// True if the pixel belongs to the sign.
fn of_sign(distance: i32, click: bool) -> bool {
    (INNER_EDGE..=OUTER_EDGE).contains(&distance) || click && distance <= DOT_EDGE
}

/// True if it has the sign's colour; its edge is white, so that it shows on every ground.
fn coloured(distance: i32, click: bool) -> bool {
    (INNER..=OUTER).contains(&distance) || click && distance <= DOT
}

/// Runs of pixels, row by row, whose distance from the middle is as wanted.
fn runs(wanted: impl Fn(i32) -> bool) -> Vec<Rectangle> {
    let size = SIZE.cast_signed();
    let half = size / 2;
    let mut runs: Vec<Rectangle> = Vec::new();
    for y in 0..size {
        let mut open = false;
        for x in 0..size {
            let (dx, dy) = (i32::from(x - half), i32::from(y - half));
            let inside = wanted(dx * dx + dy * dy);
            match runs.last_mut() {
                Some(run) if inside && open => run.width += 1,
                Some(_) | None if inside => runs.push(Rectangle {
                    x,
                    y,
                    width: 1,
                    height: 1,
                }),
                Some(_) | None => {}
            }
            open = inside;
        }
    }
    runs
}

fn create(link: &Link, click: bool) -> Result<Window, Error> {
    let connection = &link.connection;
    let screen = link.screen();
    let (window, pixmap, context) = (
        connection.generate_id()?,
        connection.generate_id()?,
        connection.generate_id()?,
    );
    connection.create_pixmap(screen.root_depth, pixmap, link.root, SIZE, SIZE)?;
    connection.create_gc(context, pixmap, &CreateGCAux::new().foreground(EDGE))?;
    let whole = Rectangle {
        x: 0,
        y: 0,
        width: SIZE,
        height: SIZE,
    };
    connection.poly_fill_rectangle(pixmap, context, &[whole])?;
    connection.change_gc(context, &ChangeGCAux::new().foreground(COLOUR))?;
    connection.poly_fill_rectangle(pixmap, context, &runs(|d| coloured(d, click)))?;
    connection.free_gc(context)?;
    let look = CreateWindowAux::new()
        .override_redirect(1)
        .event_mask(EventMask::NO_EVENT)
        .background_pixmap(pixmap);
    connection
        .create_window(
            screen.root_depth,
            window,
            link.root,
            0,
            0,
            SIZE,
            SIZE,
            0,
            WindowClass::INPUT_OUTPUT,
            screen.root_visual,
            &look,
        )?
        .check()?;
    connection.free_pixmap(pixmap)?;
    for (kind, rectangles) in [
        (shape::SK::BOUNDING, runs(|d| of_sign(d, click))),
        // Every click and every motion goes to what lies below.
        (shape::SK::INPUT, Vec::new()),
    ] {
        connection
            .shape_rectangles(
                shape::SO::SET,
                kind,
                ClipOrdering::UNSORTED,
                window,
                0,
                0,
                &rectangles,
            )?
            .check()?;
    }
    Ok(window)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(runs: &[Rectangle], x: i16, y: i16) -> bool {
        runs.iter()
            .any(|run| run.y == y && (run.x..run.x + run.width.cast_signed()).contains(&x))
    }

    #[test]
    fn what_is_pointed_at_stays_visible() {
        let middle = (SIZE / 2).cast_signed();
        let ring = runs(|d| of_sign(d, false));
        for dy in -11..=11 {
            for dx in -11..=11 {
                assert!(!covers(&ring, middle + dx, middle + dy), "{dx} {dy}");
            }
        }
        assert!(covers(&runs(|d| of_sign(d, true)), middle, middle));
        assert_eq!(ring.iter().map(|run| run.y).min(), Some(0));
        assert_eq!(
            ring.iter().map(|run| run.y).max(),
            Some(SIZE.cast_signed() - 1)
        );
    }

    #[test]
    fn the_colour_lies_within_a_white_edge() {
        for click in [false, true] {
            for distance in 0..=OUTER_EDGE + 200 {
                assert!(of_sign(distance, click) || !coloured(distance, click));
            }
            assert!(of_sign(INNER_EDGE, click) && !coloured(INNER_EDGE, click));
            assert!(of_sign(OUTER_EDGE, click) && !coloured(OUTER_EDGE, click));
        }
    }
}
