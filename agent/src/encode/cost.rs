//! Which code a change gets: what each would cost in time on this line.
//!
//! ```text
//! exact = bytes / rate + time to pack and unpack
//! lossy = bytes / rate + time to encode and decode
//! ```
//!
//! What fits the budget goes out exactly. Beyond it the lossy code must be clearly
//! faster, since the exact pixels have to follow it; what does not move goes exactly,
//! too, if nobody would notice the time that it takes. Figures: DESIGN §7, FACTS.

use std::time::Duration;

/// What to do with a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// Exact pixels.
    Exact,
    /// Exact pixels, as many as the budget takes; the rest in later updates.
    InParts,
    /// H.264, exact pixels once it rests.
    Lossy,
}

/// The two ways for one change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ways {
    /// Bytes of the exact pixels.
    pub(super) exact_bytes: usize,
    /// Bytes of the H.264 picture.
    pub(super) lossy_bytes: usize,
    /// Pixels of the H.264 picture.
    pub(super) lossy_pixels: usize,
    /// True if it changes again and again: then exact pixels would soon be old.
    pub(super) moving: bool,
}

/// Chooses. `rate` is what the line carries, in bytes a second.
pub(super) fn choose(ways: Ways, budget: usize, rate: Option<u64>) -> Choice {
    if ways.exact_bytes <= budget {
        return Choice::Exact;
    }
    let rate = rate.unwrap_or(ASSUMED_RATE).clamp(1, FASTEST);
    let exact = transfer(ways.exact_bytes, rate) + EXACT_PER_MIB.mul_f64(mebi(ways.exact_bytes));
    if !ways.moving && exact < UNNOTICED {
        return Choice::InParts;
    }
    let lossy = transfer(ways.lossy_bytes, rate) + LOSSY_PER_MPIX.mul_f64(mebi(ways.lossy_pixels));
    if lossy.mul_f64(1.4) < exact {
        Choice::Lossy
    } else {
        Choice::InParts
    }
}

/// What a region shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Text and lines.
    Sharp,
    /// Many colours.
    Photo,
}

/// Bytes that the first H.264 picture of a region takes, learnt from those before.
#[derive(Debug)]
pub(super) struct Keys {
    /// Bytes for each pixel.
    sharp: f64,
    photo: f64,
}

impl Keys {
    /// What pages and photographs take at 1080p.
    pub(super) fn new() -> Self {
        Self {
            sharp: 0.02,
            photo: 0.06,
        }
    }

    /// Bytes that a key of so many pixels will probably take.
    pub(super) fn expected(&self, content: Content, pixels: usize) -> usize {
        let each = match content {
            Content::Sharp => self.sharp,
            Content::Photo => self.photo,
        };
        (pixels as f64 * each) as usize
    }

    /// A key of so many pixels took so many bytes.
    pub(super) fn learn(&mut self, content: Content, pixels: usize, bytes: usize) {
        let each = match content {
            Content::Sharp => &mut self.sharp,
            Content::Photo => &mut self.photo,
        };
        *each = *each / 2.0 + bytes as f64 / pixels.max(1) as f64 / 2.0;
    }
}

/// Bytes that exact pixels of a photograph will probably take.
pub(super) fn photo_bytes(pixels: usize) -> usize {
    pixels * 3 / 2
}

fn transfer(bytes: usize, rate: u64) -> Duration {
    Duration::from_secs_f64(bytes as f64 / rate as f64)
}

fn mebi(count: usize) -> f64 {
    count as f64 / f64::from(1 << 20)
}

/// Until measured: 100 Mbit/s.
pub(super) const ASSUMED_RATE: u64 = 12_500_000;

/// Sealing, relaying and opening carry no more than this, whatever the line does.
const FASTEST: u64 = 25_000_000;

/// Nobody sees that a picture comes later by this, but everybody sees it twice, coarse and exact. On lines below 5 MB/s
/// the budget is less.
const UNNOTICED: Duration = Duration::from_millis(50);

const EXACT_PER_MIB: Duration = Duration::from_millis(8);
const LOSSY_PER_MPIX: Duration = Duration::from_millis(18);

#[cfg(test)]
mod tests {
    use super::*;

    const THIN: Option<u64> = Some(64_000);
    const DSL: Option<u64> = Some(250_000);
    const LAN: Option<u64> = Some(100_000_000);

    fn at(
        rate: Option<u64>,
        exact_bytes: usize,
        lossy_bytes: usize,
        lossy_pixels: usize,
    ) -> Choice {
        of(rate, exact_bytes, lossy_bytes, lossy_pixels, true)
    }

    fn of(
        rate: Option<u64>,
        exact_bytes: usize,
        lossy_bytes: usize,
        lossy_pixels: usize,
        moving: bool,
    ) -> Choice {
        let budget = rate.map_or(256 << 10, |r| (r as usize / 12).min(256 << 10));
        choose(
            Ways {
                exact_bytes,
                lossy_bytes,
                lossy_pixels,
                moving,
            },
            budget,
            rate,
        )
    }

    #[test]
    fn typing_is_exact_on_every_line() {
        for rate in [THIN, DSL, LAN, None] {
            assert_eq!(at(rate, 200, 120, 64 * 64), Choice::Exact);
        }
    }

    #[test]
    fn a_page_of_text_is_exact_where_the_line_carries_it() {
        let page = 1920 * 1080;
        assert_eq!(
            at(
                LAN,
                62_000,
                Keys::new().expected(Content::Sharp, page),
                page
            ),
            Choice::Exact
        );
        assert_eq!(
            at(
                None,
                62_000,
                Keys::new().expected(Content::Sharp, page),
                page
            ),
            Choice::Exact
        );
        assert_eq!(
            at(
                DSL,
                62_000,
                Keys::new().expected(Content::Sharp, page),
                page
            ),
            Choice::InParts
        );
        // Scrolling, once the stream runs.
        assert_eq!(at(DSL, 54_000, 4_000, page), Choice::Lossy);
    }

    #[test]
    fn a_moving_photograph_is_lossy_on_every_line() {
        for pixels in [640 * 480, 1920 * 1080] {
            for rate in [THIN, DSL, LAN, None] {
                assert_eq!(
                    at(
                        rate,
                        photo_bytes(pixels),
                        Keys::new().expected(Content::Photo, pixels),
                        pixels
                    ),
                    Choice::Lossy
                );
            }
        }
    }

    /// In a page, and as a slide that fills the screen.
    #[test]
    fn a_photograph_at_rest_is_exact_where_nobody_would_notice_the_time() {
        for (rate, page, slide) in [
            (THIN, Choice::Lossy, Choice::Lossy),
            (DSL, Choice::Lossy, Choice::Lossy),
            (LAN, Choice::InParts, Choice::Lossy),
        ] {
            for (pixels, choice) in [(520 * 360, page), (1920 * 1080, slide)] {
                let lossy_bytes = Keys::new().expected(Content::Photo, pixels);
                let exact_bytes = photo_bytes(pixels);
                let chosen = of(rate, exact_bytes, lossy_bytes, pixels, false);
                assert_eq!(chosen, choice, "{rate:?}, {pixels}");
            }
        }
    }

    #[test]
    fn keys_are_learnt() {
        let mut keys = Keys::new();
        for _ in 0..10 {
            keys.learn(Content::Sharp, 1000, 500);
        }
        assert!((480..=500).contains(&keys.expected(Content::Sharp, 1000)));
        assert_eq!(keys.expected(Content::Photo, 1000), 60);
    }

    #[test]
    fn a_line_without_rate_does_not_divide_by_zero() {
        assert_eq!(at(Some(0), 1 << 20, 1 << 10, 1 << 20), Choice::Lossy);
    }
}
