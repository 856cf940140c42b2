//! Draws one area in a thousand wrong, to try that a wrong picture never stays.
//!
//! Only in builds for tests: it takes the feature `corrupt` *and* debug assertions, which no release has. Even there
//! it does nothing unless FERNSICHT_CORRUPT holds a number. Which areas are hit depends on that number and on how many
//! were drawn before, so a run can be repeated. What is hit is what everything later builds on: the canvas, from which
//! areas move, and the boxes that are kept to be seen again.

use fernsicht_protocol::picture::{Code, Rect};

use super::canvas::Canvas;

/// Of so many areas one is hit.
const ONE_IN: u64 = 1000;

/// The largest mark, in pixels each way.
const SIDE: u16 = 12;

/// Hits areas, or does nothing at all.
#[derive(Debug, Default)]
pub(super) struct Corruption {
    /// None: it does nothing.
    dice: Option<u64>,
    drawn: u64,
    hit: u64,
}

impl Corruption {
    /// As the environment says.
    pub(super) fn new() -> Self {
        let seed = std::env::var("FERNSICHT_CORRUPT").ok();
        let seed = seed.and_then(|seed| seed.parse::<u64>().ok());
        Self {
            dice: seed.map(|seed| seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            ..Self::default()
        }
    }

    /// This area has been drawn. Turns round the colours of a part of it, if it is hit.
    pub(super) fn handle_area(&mut self, rect: Rect, code: &Code, canvas: &mut Canvas) {
        self.drawn += 1;
        if self.roll(ONE_IN) != Some(0) {
            return;
        }
        let mut within = |length: u16| {
            let size = length.min(SIDE);
            let at = self.roll(u64::from(length - size) + 1).unwrap_or_default();
            (at as u16, size)
        };
        let ((x, width), (y, height)) = (within(rect.width), within(rect.height));
        let mark = Rect {
            x: rect.x + x,
            y: rect.y + y,
            width,
            height,
        };
        for row in 0..mark.height {
            for [blue, green, red, _] in canvas.row_mut(mark, row) {
                (*blue, *green, *red) = (!*blue, !*green, !*red);
            }
        }
        self.hit += 1;
        tracing::warn!(
            hit = self.hit,
            drawn = self.drawn,
            code = name(code),
            "an area is wrong on purpose"
        );
    }

    /// Of a number below this one (xorshift).
    fn roll(&mut self, below: u64) -> Option<u64> {
        let dice = self.dice.as_mut()?;
        *dice ^= *dice << 13;
        *dice ^= *dice >> 7;
        *dice ^= *dice << 17;
        Some((*dice >> 24) % below)
    }
}

fn name(code: &Code) -> &'static str {
    match code {
        Code::Colours | Code::ColoursAcross => "colours",
        Code::Indexed | Code::IndexedAcross => "indexed",
        Code::Predicted => "predicted",
        Code::Solid(_) => "solid",
        Code::Moved { .. } => "moved",
        Code::Seen { .. } => "seen",
        Code::Video { .. } => "video",
    }
}
