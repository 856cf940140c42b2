//! The sign where the technician points, on X11: one of two small shaped windows, moved there.
//!
//! A plain window that no window manager touches, transparent to every click.

use x11rb::connection::Connection as _;
use x11rb::protocol::shape::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{
    ChangeGCAux, ClipOrdering, ConfigureWindowAux, ConnectionExt as _, CreateGCAux,
    CreateWindowAux, EventMask, Rectangle, StackMode, Window, WindowClass,
};

use super::Link;
use crate::platform::marker::{COLOUR, EDGE, SIZE, coloured, of_sign, place};
use crate::platform::{Error, PointPermit};

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
        let place = place(x, y);
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
    connection.poly_fill_rectangle(pixmap, context, &rectangles(|d| coloured(d, click)))?;
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
        (shape::SK::BOUNDING, rectangles(|d| of_sign(d, click))),
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

/// Runs of pixels, row by row, whose distance from the middle is as wanted.
fn rectangles(wanted: impl Fn(i32) -> bool) -> Vec<Rectangle> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rectangles_are_the_sign() {
        for click in [false, true] {
            let runs = rectangles(|distance| of_sign(distance, click));
            let (size, half) = (SIZE.cast_signed(), SIZE.cast_signed() / 2);
            for (x, y) in (0..size).flat_map(|y| (0..size).map(move |x| (x, y))) {
                let (dx, dy) = (i32::from(x - half), i32::from(y - half));
                let within = |run: &&Rectangle| {
                    run.y == y && run.x <= x && x < run.x + run.width.cast_signed()
                };
                let runs = runs.iter().filter(within).count();
                assert_eq!(
                    runs,
                    usize::from(of_sign(dx * dx + dy * dy, click)),
                    "{x}, {y}"
                );
            }
        }
    }
}
