//! The sign that shows where the technician points: a ring around the place, with a dot in it for a click.
//!
//! ```text
//! PointPermit ─► Marker::show ─► one of two small windows, moved there
//! end of sight, or time ───────► Marker::hide
//! ```
//!
//! It takes no click and stands still: showing it costs one capture of what it covers, and nothing after. It is *not*
//! on the list of own windows: where it lies over a granting button, that button is covered and does not act.
//!
//! Not here: whether it may be shown (the guard's), and when it goes (the engine's).

use super::Area;
pub use super::system::marker::Marker;

/// Width and height of the sign in pixels. Odd: it has a middle.
pub const SIZE: u16 = 53;

/// What the sign takes up around a point of the desktop.
pub(super) fn place(x: i16, y: i16) -> Area {
    let half = (SIZE / 2).cast_signed();
    Area {
        x: x.saturating_sub(half),
        y: y.saturating_sub(half),
        width: SIZE,
        height: SIZE,
    }
}

/// Squares of distances from the middle: where the parts of the sign begin and end.
const DOT: i32 = 4 * 4;
const DOT_EDGE: i32 = 6 * 6;
const INNER_EDGE: i32 = 16 * 16;
const INNER: i32 = 18 * 18;
const OUTER: i32 = 24 * 24;
const OUTER_EDGE: i32 = 26 * 26;

/// Of the sign: alpha, red, green, blue.
pub(super) const COLOUR: u32 = 0xffd0_1060;
/// Around it.
pub(super) const EDGE: u32 = 0xffff_ffff;

/// True if the pixel belongs to the sign.
pub(super) fn of_sign(distance: i32, click: bool) -> bool {
    (INNER_EDGE..=OUTER_EDGE).contains(&distance) || click && distance <= DOT_EDGE
}

/// True if it has the sign's colour; its edge is white, so that it shows on every ground.
pub(super) fn coloured(distance: i32, click: bool) -> bool {
    (INNER..=OUTER).contains(&distance) || click && distance <= DOT
}

/// Runs of pixels, row by row, whose distance from the middle is as wanted.
pub(super) fn runs(wanted: impl Fn(i32) -> bool) -> Vec<Area> {
    let size = SIZE.cast_signed();
    let half = size / 2;
    let mut runs: Vec<Area> = Vec::new();
    for y in 0..size {
        let mut open = false;
        for x in 0..size {
            let (dx, dy) = (i32::from(x - half), i32::from(y - half));
            let inside = wanted(dx * dx + dy * dy);
            match runs.last_mut() {
                Some(run) if inside && open => run.width += 1,
                Some(_) | None if inside => runs.push(Area {
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

    fn covers(runs: &[Area], x: i16, y: i16) -> bool {
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
