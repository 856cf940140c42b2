//! What both ends know of the picture: which tiles are exact, and their running digest.
//!
//! ```text
//! a lossy box touches a tile          the tile is lossy: only the console knows its pixels
//! an exact box covers a whole tile    the tile is exact again
//! an exact box touches an exact tile  it stays exact, with new pixels
//! a moved box                         is exact if all tiles are that it takes pixels from
//! digest = XOR of the hashes of all exact tiles
//! ```
//!
//! The agent keeps a ledger over what it sent, the console over what it drew. The rules
//! use nothing but the boxes, so both always agree on the set of exact tiles, and equal
//! digests mean equal pixels there. Its cost follows the changed area.
//!
//! A tile's hash is of its position and its pixels without their fourth byte. It finds
//! faults of our own; forgery is what the seal prevents.

use super::{Box, Code, Rect, TILE, View};

/// The state of every tile of a shared area.
#[derive(Debug, Clone)]
pub struct Ledger {
    width: u16,
    height: u16,
    columns: usize,
    /// `None` where lossy.
    tiles: Vec<Option<u64>>,
    digest: u64,
    lossy: usize,
}

impl Ledger {
    /// A black area, all exact.
    pub fn new(width: u16, height: u16) -> Self {
        let columns = usize::from(width.div_ceil(TILE));
        let rows = usize::from(height.div_ceil(TILE));
        let mut ledger = Self {
            width,
            height,
            columns,
            tiles: vec![Some(0); columns * rows],
            digest: 0,
            lossy: 0,
        };
        let black = [0; TILE as usize * 4];
        for row in 0..height.div_ceil(TILE) {
            for column in 0..width.div_ceil(TILE) {
                let rect = ledger.tile(column, row);
                let line = &black[..usize::from(rect.width) * 4];
                let hash = hash(column, row, (0..rect.height).map(|_| line));
                ledger.set(column, row, Some(hash));
            }
        }
        ledger
    }

    /// Notes that `boxes` have been drawn, in order; `view` is the picture after all of them.
    pub fn drawn(&mut self, boxes: &[Box], view: View<'_>) {
        let mut touched = Vec::new();
        for picture_box in boxes {
            let Box { rect, code } = picture_box;
            let sharp = match code {
                Code::Colours
                | Code::ColoursAcross
                | Code::Indexed
                | Code::IndexedAcross
                | Code::Predicted
                | Code::Solid(_)
                | Code::Seen { .. } => true,
                Code::Video { .. } => false,
                Code::Moved { .. } => picture_box
                    .source()
                    .is_some_and(|from| self.all_exact(from)),
            };
            let (columns, rows) = rect.tiles();
            for row in rows {
                for column in columns.clone() {
                    let tile = self.tile(column, row);
                    let exact = sharp && (self.exact(column, row) || rect.contains(tile));
                    self.set(column, row, exact.then_some(0));
                    touched.push((row, column));
                }
            }
        }
        // Once each, however many boxes meet there.
        touched.sort_unstable();
        touched.dedup();
        for (row, column) in touched {
            if self.exact(column, row) {
                let tile = self.tile(column, row);
                let lines = (0..tile.height).map(|y| view.row(tile, y));
                self.set(column, row, Some(hash(column, row, lines)));
            }
        }
    }

    /// The digest of the exact tiles.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// How many tiles are lossy.
    pub fn lossy(&self) -> usize {
        self.lossy
    }

    /// True if that tile is exact.
    pub fn exact(&self, column: u16, row: u16) -> bool {
        self.tiles[self.index(column, row)].is_some()
    }

    /// True if every tile that `rect` touches is exact.
    pub fn all_exact(&self, rect: Rect) -> bool {
        let (columns, mut rows) = rect.tiles();
        rows.all(|row| columns.clone().all(|column| self.exact(column, row)))
    }

    /// The pixels of that tile, which is smaller at the right and lower edge.
    pub fn tile(&self, column: u16, row: u16) -> Rect {
        let (x, y) = (column * TILE, row * TILE);
        Rect {
            x,
            y,
            width: TILE.min(self.width - x),
            height: TILE.min(self.height - y),
        }
    }

    fn index(&self, column: u16, row: u16) -> usize {
        usize::from(row) * self.columns + usize::from(column)
    }

    fn set(&mut self, column: u16, row: u16, hash: Option<u64>) {
        let index = self.index(column, row);
        let before = std::mem::replace(&mut self.tiles[index], hash);
        self.digest ^= before.unwrap_or(0) ^ hash.unwrap_or(0);
        self.lossy += usize::from(hash.is_none());
        self.lossy -= usize::from(before.is_none());
    }
}

/// Four lanes of multiply and rotate over pairs of pixels.
pub(super) fn hash<'a>(column: u16, row: u16, lines: impl Iterator<Item = &'a [u8]>) -> u64 {
    let place = u64::from(column) << 16 | u64::from(row);
    let mut lanes = [place, !place, SPREAD, !SPREAD];
    for line in lines {
        let (groups, rest) = line.as_chunks::<32>();
        for group in groups {
            for (lane, pair) in lanes.iter_mut().zip(group.as_chunks::<8>().0) {
                step(lane, u64::from_le_bytes(*pair));
            }
        }
        for pixel in rest.as_chunks::<4>().0 {
            step(&mut lanes[0], u32::from_le_bytes(*pixel).into());
        }
        // The end of a row counts, so that no shift of pixels across rows goes unseen.
        lanes.rotate_left(1);
    }
    let mut sum = 0;
    for lane in lanes {
        step(&mut sum, lane ^ lane >> 32);
        sum ^= sum >> 29;
    }
    sum
}

/// Without the fourth byte of either pixel.
const COLOURS: u64 = 0x00ff_ffff_00ff_ffff;

/// An odd number without pattern (the golden ratio's fraction).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

fn step(lane: &mut u64, value: u64) {
    *lane = (lane.rotate_left(23) ^ (value & COLOURS)).wrapping_mul(SPREAD);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Blob;

    const WIDTH: u16 = 150;
    const HEIGHT: u16 = 100;

    fn view(bgrx: &[u8]) -> View<'_> {
        View {
            width: WIDTH,
            height: HEIGHT,
            stride: usize::from(WIDTH) * 4,
            bgrx,
        }
    }

    fn boxed(x: u16, y: u16, width: u16, height: u16, code: Code) -> Box {
        Box {
            rect: Rect {
                x,
                y,
                width,
                height,
            },
            code,
        }
    }

    fn video() -> Code {
        Code::Video {
            stream: 0,
            key: true,
            bytes: Blob(vec![]),
        }
    }

    #[test]
    fn the_fourth_byte_does_not_count() {
        let mut pixels = vec![0; 150 * 100 * 4];
        let mut ledger = Ledger::new(WIDTH, HEIGHT);
        let black = ledger.digest();
        pixels.iter_mut().skip(3).step_by(4).for_each(|b| *b = 255);
        ledger.drawn(&[boxed(0, 0, WIDTH, HEIGHT, Code::Colours)], view(&pixels));
        assert_eq!(ledger.digest(), black);
        pixels[4 * (150 * 99 + 149)] = 1;
        ledger.drawn(&[boxed(149, 99, 1, 1, Code::Indexed)], view(&pixels));
        assert_ne!(ledger.digest(), black);
    }

    #[test]
    fn every_pixel_and_every_place_counts() {
        let mut seen = std::collections::HashSet::new();
        for place in 0..150 * 100 {
            let mut pixels = vec![0; 150 * 100 * 4];
            pixels[place * 4 + place % 3] = 1;
            let mut ledger = Ledger::new(WIDTH, HEIGHT);
            let (x, y) = ((place % 150) as u16, (place / 150) as u16);
            ledger.drawn(&[boxed(x, y, 1, 1, Code::Colours)], view(&pixels));
            assert!(seen.insert(ledger.digest()), "pixel {x}, {y}");
        }
    }

    #[test]
    fn lossy_tiles_do_not_count_until_covered_whole() {
        let pixels = vec![7; 150 * 100 * 4];
        let mut exact = Ledger::new(WIDTH, HEIGHT);
        exact.drawn(&[boxed(0, 0, WIDTH, HEIGHT, Code::Colours)], view(&pixels));
        let mut ledger = Ledger::new(WIDTH, HEIGHT);
        ledger.drawn(&[boxed(60, 60, 30, 30, video())], view(&pixels));
        assert_eq!(ledger.lossy(), 4);
        ledger.drawn(&[boxed(0, 0, 128, 63, Code::Colours)], view(&pixels));
        assert_eq!(ledger.lossy(), 4, "a row is missing");
        ledger.drawn(&[boxed(0, 0, 128, 100, Code::Colours)], view(&pixels));
        assert_eq!(ledger.lossy(), 0);
        assert_ne!(ledger.digest(), exact.digest());
        ledger.drawn(&[boxed(128, 0, 22, 100, Code::Colours)], view(&pixels));
        assert_eq!(ledger.digest(), exact.digest());
    }
}
