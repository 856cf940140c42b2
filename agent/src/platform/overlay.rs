//! What the agent draws over the desktop: the frame around each shared screen, and large
//! numbers on the screens while the customer chooses.
//!
//! Plain windows that no window manager touches, transparent to every click, kept above
//! others. They are own windows of the agent, but never in anybody's way. Not here: when they show.

use super::system::panel::Panel;
use super::{Area, Error, OwnWindows, Screen};

/// Between a number and its screen's edges.
const MARGIN: u16 = 12;

/// Width of the frame in pixels.
pub const FRAME_WIDTH: u16 = 4;

/// One window.
#[derive(Clone)]
pub(super) struct Block {
    /// On the desktop.
    pub(super) place: Area,
    /// Red, green, blue of the ground.
    pub(super) colour: [u8; 3],
    /// Bright rectangles on it, relative to the window.
    pub(super) drawing: Vec<Area>,
}

/// The coloured frame around each shared screen. It goes with this handle.
pub struct Frame(#[expect(dead_code, reason = "it holds the windows")] Panel);

impl Frame {
    /// Shows a frame just inside the edges of each area. The colour is red, green, blue.
    pub fn show(
        display: Option<&str>,
        areas: &[Area],
        colour: [u8; 3],
        own: &OwnWindows,
    ) -> Result<Self, Error> {
        let strips = areas.iter().flat_map(|area| strips(*area));
        let blocks: Vec<Block> = strips
            .map(|place| Block {
                place,
                colour,
                drawing: Vec::new(),
            })
            .collect();
        Panel::show(display, &blocks, own).map(Self)
    }
}

/// Large numbers, one on each screen. They go with this handle.
pub struct Numbers(#[expect(dead_code, reason = "it holds the windows")] Panel);

impl Numbers {
    /// Shows each screen's number in a corner of it: the first one where it does not lie over `window`, which is where
    /// the customer chooses.
    pub fn show(
        display: Option<&str>,
        screens: &[Screen],
        window: Option<Area>,
        own: &OwnWindows,
    ) -> Result<Self, Error> {
        let plates = screens.iter().map(|screen| plate(screen, window));
        let blocks: Vec<Block> = plates.collect();
        Panel::show(display, &blocks, own).map(Self)
    }
}

/// Upper, lower, left and right strip, without overlap.
fn strips(area: Area) -> [Area; 4] {
    let wide = FRAME_WIDTH.min(area.width / 2).max(1);
    let high = FRAME_WIDTH.min(area.height / 2).max(1);
    let right = area.x.saturating_add_unsigned(area.width - wide);
    let bottom = area.y.saturating_add_unsigned(area.height - high);
    let between = area.height.saturating_sub(2 * high).max(1);
    let below = area.y.saturating_add_unsigned(high);
    [
        Area {
            height: high,
            ..area
        },
        Area {
            y: bottom,
            height: high,
            ..area
        },
        Area {
            y: below,
            width: wide,
            height: between,
            ..area
        },
        Area {
            x: right,
            y: below,
            width: wide,
            height: between,
        },
    ]
}

/// A dark plate with the number drawn as seven bars a digit: no font is needed.
fn plate(screen: &Screen, window: Option<Area>) -> Block {
    let digits: Vec<u8> = screen
        .number
        .to_string()
        .bytes()
        .map(|digit| digit - b'0')
        .collect();
    let high = (screen.height / 4).max(40);
    let unit = high / 10;
    let wide = unit * (1 + 6 * u16::try_from(digits.len()).unwrap_or(1));
    let drawing = (0u16..)
        .zip(&digits)
        .flat_map(|(place, digit)| bars(*digit, unit + place * 6 * unit, unit, unit))
        .collect();
    let far = |length: u16, plate: u16| length.saturating_sub(plate + MARGIN);
    let (right, bottom) = (far(screen.width, wide), far(screen.height, unit * 10));
    // A window lies in the middle or, as the bar, at the top.
    let corners = [
        (right, bottom),
        (MARGIN, bottom),
        (right, MARGIN),
        (MARGIN, MARGIN),
    ];
    let places = corners.map(|(x, y)| Area {
        x: screen.x.saturating_add_unsigned(x),
        y: screen.y.saturating_add_unsigned(y),
        width: wide,
        height: unit * 10,
    });
    let free = |place: &&Area| window.is_none_or(|window| window.clip(**place).is_none());
    let place = *places.iter().find(free).unwrap_or(&places[0]);
    Block {
        place,
        colour: [24, 24, 28],
        drawing,
    }
}

/// The bars of a digit, five units wide and eight high.
fn bars(digit: u8, x: u16, y: u16, unit: u16) -> Vec<Area> {
    // Top, upper left, upper right, middle, lower left, lower right, bottom.
    const LIT: [u8; 10] = [
        0b111_0111, 0b010_0100, 0b101_1101, 0b110_1101, 0b010_1110, 0b110_1011, 0b111_1011,
        0b010_0101, 0b111_1111, 0b110_1111,
    ];
    let all = [
        (0, 0, 5, 1),
        (0, 0, 1, 4),
        (4, 0, 1, 4),
        (0, 3, 5, 1),
        (0, 4, 1, 4),
        (4, 4, 1, 4),
        (0, 7, 5, 1),
    ];
    let lit = LIT.get(usize::from(digit)).copied().unwrap_or(0);
    let place = |value: u16, from: u16| i16::try_from(from + value * unit).unwrap_or(i16::MAX);
    (0u8..)
        .zip(all)
        .filter(|(bit, _)| lit & 1 << bit != 0)
        .map(|(_, (dx, dy, width, height))| Area {
            x: place(dx, x),
            y: place(dy, y),
            width: width * unit,
            height: height * unit,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_lie_inside_and_apart() {
        let area = Area {
            x: -10,
            y: 20,
            width: 640,
            height: 400,
        };
        let strips = strips(area);
        let sum: usize = strips.iter().map(|strip| strip.whole().area()).sum();
        assert_eq!(sum, 640 * 400 - (640 - 8) * (400 - 8));
        for (index, strip) in strips.iter().enumerate() {
            let inside = area.clip(*strip).unwrap();
            assert_eq!((inside.width, inside.height), (strip.width, strip.height));
            assert!(
                strips[index + 1..]
                    .iter()
                    .all(|other| strip.clip(*other).is_none())
            );
        }
    }

    #[test]
    fn a_number_lies_beside_the_window_on_its_screen() {
        let screen = Screen {
            number: 2,
            x: 1000,
            y: 100,
            width: 800,
            height: 600,
        };
        let area = super::super::area_of(&screen);
        for window in [
            area,
            Area {
                height: 200,
                ..area
            },
            Area { y: 500, ..area },
            Area { x: 1400, ..area },
        ] {
            let place = plate(&screen, Some(window)).place;
            let inside = area.clip(place).unwrap();
            assert_eq!((inside.width, inside.height), (place.width, place.height));
            assert!(window == area || window.clip(place).is_none());
        }
    }

    #[test]
    fn digits_differ() {
        let drawn: Vec<_> = (0..10).map(|digit| bars(digit, 0, 0, 1)).collect();
        for (index, digit) in drawn.iter().enumerate() {
            assert!(!digit.is_empty());
            assert!(!drawn[index + 1..].contains(digit));
        }
    }
}
