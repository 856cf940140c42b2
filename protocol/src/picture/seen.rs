//! Small boxes that were drawn before: what both ends keep of them.
//!
//! Agent and console keep the same boxes by the same rule (the module above), so a number says which one is meant.

use std::collections::VecDeque;

use super::ledger::hash;
use super::{Box, Rect, View};

/// The most pixels of an update's packed boxes that are kept.
pub const SMALL: usize = 1 << 14;

/// The most boxes that are kept.
pub const MOST: usize = 1024;

/// The most pixels that are kept.
pub const MOST_PIXELS: usize = 1 << 20;

/// The boxes that are kept, the newest last.
#[derive(Debug, Default)]
pub struct Seen {
    kept: VecDeque<Patch>,
    pixels: usize,
}

/// A kept box.
#[derive(Debug)]
pub struct Patch {
    width: u16,
    height: u16,
    hash: u64,
    bgrx: Vec<u8>,
}

impl Seen {
    /// True if the packed ones of `boxes` are to be kept.
    pub fn small(boxes: &[Box]) -> bool {
        let packed = boxes.iter().filter(|each| each.code.packed());
        packed.map(|each| each.rect.area()).sum::<usize>() <= SMALL
    }

    /// Keeps a box as the newest.
    pub fn keep(&mut self, patch: Patch) {
        self.pixels += patch.area();
        self.kept.push_back(patch);
        while self.kept.len() > MOST || self.pixels > MOST_PIXELS {
            let Some(oldest) = self.kept.pop_front() else {
                return;
            };
            self.pixels -= oldest.area();
        }
    }

    /// How far back a box is that looks as `view` does at `rect`.
    pub fn find(&self, rect: Rect, view: View<'_>) -> Option<u16> {
        let fits = |patch: &Patch| (patch.width, patch.height) == (rect.width, rect.height);
        let mut alike = self.kept.iter().rev().zip(1..);
        let mut hashed = None;
        let (_, back) = alike.find(|(patch, _)| {
            fits(patch)
                && *hashed.get_or_insert_with(|| hash_of(rect, view)) == patch.hash
                && patch.looks_like(rect, view)
        })?;
        Some(back)
    }

    /// The box that lies so far back.
    pub fn get(&self, back: u16) -> Option<&Patch> {
        let from_front = self.kept.len().checked_sub(back.into())?;
        self.kept.get(from_front)
    }
}

impl Patch {
    /// What `view` shows at `rect`, which lies within it.
    pub fn of(rect: Rect, view: View<'_>) -> Self {
        let lines = (0..rect.height).map(|row| view.row(rect, row));
        Self {
            width: rect.width,
            height: rect.height,
            hash: hash_of(rect, view),
            bgrx: lines.flatten().copied().collect(),
        }
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u16, u16) {
        (self.width, self.height)
    }

    /// Rows of pixels, each blue, green, red, and one byte without meaning.
    pub fn rows(&self) -> impl Iterator<Item = &[[u8; 4]]> {
        self.bgrx.as_chunks::<4>().0.chunks_exact(self.width.into())
    }

    fn area(&self) -> usize {
        usize::from(self.width) * usize::from(self.height)
    }

    fn looks_like(&self, rect: Rect, view: View<'_>) -> bool {
        let alike = |(ours, theirs): (&[u8; 4], &[u8; 4])| ours[..3] == theirs[..3];
        (0..rect.height).zip(self.rows()).all(|(row, line)| {
            let theirs = view.row(rect, row).as_chunks::<4>().0;
            line.iter().zip(theirs).all(alike)
        })
    }
}

fn hash_of(rect: Rect, view: View<'_>) -> u64 {
    hash(0, 0, (0..rect.height).map(|row| view.row(rect, row)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: u16 = 200;

    fn view(bgrx: &[u8]) -> View<'_> {
        View {
            width: WIDTH,
            height: (bgrx.len() / usize::from(WIDTH) / 4) as u16,
            stride: usize::from(WIDTH) * 4,
            bgrx,
        }
    }

    fn noise() -> Vec<u8> {
        let value = |i: u32| (i.wrapping_mul(2_654_435_761) >> 13) as u8;
        (0..u32::from(WIDTH) * 200 * 4).map(value).collect()
    }

    fn rect(x: u16, y: u16, width: u16, height: u16) -> Rect {
        Rect {
            x,
            y,
            width,
            height,
        }
    }

    #[test]
    fn what_was_kept_is_found_wherever_it_appears() {
        let (mut seen, mut pixels) = (Seen::default(), noise());
        let places = [rect(0, 0, 9, 12), rect(20, 0, 9, 12), rect(40, 0, 12, 9)];
        for place in places {
            assert_eq!(seen.find(place, view(&pixels)), None);
            seen.keep(Patch::of(place, view(&pixels)));
        }
        for (place, back) in places.into_iter().zip([3, 2, 1]) {
            assert_eq!(seen.find(place, view(&pixels)), Some(back));
            let kept = seen.get(back).unwrap();
            assert_eq!(kept.size(), (place.width, place.height));
            let first = view(&pixels).row(place, 0).as_chunks::<4>().0;
            assert_eq!(kept.rows().next(), Some(first));
        }
        // The fourth byte does not count, every colour does.
        pixels[3] ^= 0xff;
        assert_eq!(seen.find(places[0], view(&pixels)), Some(3));
        pixels[11 * usize::from(WIDTH) * 4 + 8 * 4 + 2] ^= 1;
        assert_eq!(seen.find(places[0], view(&pixels)), None);
        for back in [0, 4, u16::MAX] {
            assert!(seen.get(back).is_none());
        }
    }

    #[test]
    fn no_more_is_kept_than_may_be() {
        let (mut seen, pixels) = (Seen::default(), noise());
        let small = rect(0, 0, 1, 1);
        for _ in 0..=MOST {
            seen.keep(Patch::of(small, view(&pixels)));
        }
        assert_eq!((seen.kept.len(), seen.pixels), (MOST, MOST));
        let large = rect(0, 0, 128, 128);
        for _ in 0..100 {
            seen.keep(Patch::of(large, view(&pixels)));
            assert!(seen.pixels <= MOST_PIXELS && seen.kept.len() <= MOST);
        }
        assert_eq!(seen.kept.len(), MOST_PIXELS / large.area());
        assert!(seen.get(64).is_some() && seen.get(65).is_none());
    }
}
