//! Rectangles of whole pixels within the shared area.

use super::TILE;
use crate::wire::{Error, Reader, Wire, write_short};

/// A rectangle in pixels of the shared area, from its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Rect {
    /// Pixels from the left.
    pub x: u16,
    /// Pixels from the top.
    pub y: u16,
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
}

impl Rect {
    /// The rectangle between two corners; empty if they are out of order.
    /// Coordinates beyond `u16` are cut off.
    pub fn between(left: u32, top: u32, right: u32, bottom: u32) -> Self {
        let cut = |v: u32| u16::try_from(v).unwrap_or(u16::MAX);
        let (x, y) = (cut(left), cut(top));
        Self {
            x,
            y,
            width: cut(right).saturating_sub(x),
            height: cut(bottom).saturating_sub(y),
        }
    }

    /// The first column to the right of it.
    pub fn right(self) -> u32 {
        u32::from(self.x) + u32::from(self.width)
    }

    /// The first row below it.
    pub fn bottom(self) -> u32 {
        u32::from(self.y) + u32::from(self.height)
    }

    /// Pixels in it.
    pub fn area(self) -> usize {
        usize::from(self.width) * usize::from(self.height)
    }

    /// True if it holds no pixel.
    pub fn is_empty(self) -> bool {
        self.width == 0 || self.height == 0
    }

    /// True if it is not empty and lies within an area of that size.
    pub fn lies_within(self, width: u16, height: u16) -> bool {
        !self.is_empty() && self.right() <= u32::from(width) && self.bottom() <= u32::from(height)
    }

    /// True if every pixel of `other` is in it.
    pub fn contains(self, other: Self) -> bool {
        self.x <= other.x
            && self.y <= other.y
            && self.right() >= other.right()
            && self.bottom() >= other.bottom()
    }

    /// What both have; empty if nothing.
    pub fn intersection(self, other: Self) -> Self {
        Self::between(
            self.x.max(other.x).into(),
            self.y.max(other.y).into(),
            self.right().min(other.right()),
            self.bottom().min(other.bottom()),
        )
    }

    /// The smallest rectangle that holds both; an empty one adds nothing.
    pub fn union(self, other: Self) -> Self {
        if self.is_empty() {
            return other;
        }
        if other.is_empty() {
            return self;
        }
        Self::between(
            self.x.min(other.x).into(),
            self.y.min(other.y).into(),
            self.right().max(other.right()),
            self.bottom().max(other.bottom()),
        )
    }

    /// The pixels of that tile, whole also where the area ends within it.
    pub fn tile(column: u16, row: u16) -> Self {
        Self {
            x: column * TILE,
            y: row * TILE,
            width: TILE,
            height: TILE,
        }
    }

    /// Columns and rows of the tiles that it touches, each as first and one past the last.
    pub fn tiles(self) -> (std::ops::Range<u16>, std::ops::Range<u16>) {
        let end = |v: u32| u16::try_from(v.div_ceil(TILE.into())).unwrap_or(u16::MAX);
        (
            self.x / TILE..end(self.right()),
            self.y / TILE..end(self.bottom()),
        )
    }
}

impl Wire for Rect {
    fn write(&self, out: &mut Vec<u8>) {
        for side in [self.x, self.y, self.width, self.height] {
            write_short(out, side.into());
        }
    }
    fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
        let mut side = || input.short(u16::MAX.into(), "a box of the picture");
        let [x, y, width, height] = [side()?, side()?, side()?, side()?].map(|side| side as u16);
        Ok(Self {
            x,
            y,
            width,
            height,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rect(x: u16, y: u16, width: u16, height: u16) -> Rect {
        Rect {
            x,
            y,
            width,
            height,
        }
    }

    #[test]
    fn sets_of_pixels() {
        let (a, b) = (rect(0, 0, 10, 10), rect(5, 6, 10, 10));
        assert_eq!(a.intersection(b), rect(5, 6, 5, 4));
        assert_eq!(a.union(b), rect(0, 0, 15, 16));
        assert!(a.intersection(rect(10, 0, 3, 3)).is_empty());
        assert_eq!(a.union(Rect::default()), a);
        assert!(a.contains(rect(9, 9, 1, 1)));
        assert!(!a.contains(b));
    }

    #[test]
    fn edges_of_the_number_range() {
        let far = rect(u16::MAX, u16::MAX, u16::MAX, u16::MAX);
        assert!(!far.lies_within(u16::MAX, u16::MAX));
        assert_eq!(rect(63, 64, 2, 64).tiles(), (0..2, 1..2));
    }
}
