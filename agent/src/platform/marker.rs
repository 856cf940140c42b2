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
pub fn place(x: i16, y: i16) -> Area {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pointed_at_stays_visible() {
        let half = i32::from(SIZE / 2);
        for (dx, dy) in (-11..=11).flat_map(|dx| (-11..=11).map(move |dy| (dx, dy))) {
            assert!(!of_sign(dx * dx + dy * dy, false), "{dx} {dy}");
        }
        assert!(of_sign(0, true));
        // It fills its place and nothing beyond.
        assert!(of_sign(half * half, false) && !of_sign((half + 1) * (half + 1), false));
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
