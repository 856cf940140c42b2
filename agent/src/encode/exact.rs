//! Exact boxes: palette indices, colours or predicted colours, all in one zstd block.
//!
//! One block for the whole update: packing tile by tile triples the bytes of a page of
//! text (a page has few patterns, and they recur everywhere). Level 1: a page takes about
//! a millisecond. What is as small as letters is packed as tightly as it can be: that takes some 30 µs. On a thin line
//! it is worth some 50 ms to refer to what was sent before, on a higher level: a page of text takes half of the bytes.
//!
//! Not here: which boxes are worth it ([`super::cost`]).

use fernsicht_protocol::picture::{
    Box, Code, History, MAX_BLOCK, MAX_PALETTE, MAX_RAW, Rect, View, predict,
};
use fernsicht_protocol::wire::{Blob, List};

use super::Error;
use super::lines::HIGHEST;

/// Boxes with their pixels, ready for an update.
#[derive(Debug)]
pub(super) struct Packed {
    /// Colours of the indexed boxes.
    pub(super) palette: List<[u8; 3], MAX_PALETTE>,
    /// The boxes in order.
    pub(super) boxes: Vec<Box>,
    /// Their pixels.
    pub(super) block: Blob<MAX_BLOCK>,
    /// The same before they were packed.
    pub(super) raw: Vec<u8>,
    /// True if the block refers to the history.
    pub(super) history: bool,
}

/// Packs boxes; keeps its memory from one update to the next.
pub(super) struct Packer {
    zstd: zstd::bulk::Compressor<'static>,
    /// For little: no dictionary, and the tightest level.
    little: zstd::bulk::Compressor<'static>,
    level: i32,
    raw: Vec<u8>,
    palette: Palette,
    history: History,
    /// True while it has a dictionary.
    refers: bool,
}

impl Packer {
    /// A packer of zstd level 1.
    pub(super) fn new() -> Result<Self, Error> {
        let zstd = |level| zstd::bulk::Compressor::new(level).map_err(Error::Pack);
        Ok(Self {
            zstd: zstd(QUICK)?,
            little: zstd(TIGHTEST)?,
            level: QUICK,
            raw: Vec::new(),
            palette: Palette::new(),
            history: History::default(),
            refers: false,
        })
    }

    /// Packs tightly if the line is thin, or may be.
    pub(super) fn suit(&mut self, thin: bool) -> Result<(), Error> {
        let level = if thin { TIGHT } else { QUICK };
        if level != self.level {
            self.zstd
                .set_compression_level(level)
                .map_err(Error::Pack)?;
            (self.level, self.refers) = (level, false);
        }
        Ok(())
    }

    /// A complete picture follows.
    pub(super) fn forget(&mut self) {
        self.history = History::default();
    }

    /// What was packed goes out. `kept`: [`Update::kept`](fernsicht_protocol::picture::Update::kept).
    pub(super) fn sent(&mut self, raw: Vec<u8>, kept: bool) {
        if kept {
            self.history.add(&raw);
        }
        self.raw = raw;
    }

    /// Packs the pixels of `rects`, which are disjoint and together at most
    /// [`MAX_RAW`] bytes of colours.
    pub(super) fn pack(&mut self, rects: &[Rect], view: View<'_>) -> Result<Packed, Error> {
        self.raw.clear();
        self.palette.cut(0);
        let boxes = rects
            .iter()
            .map(|&rect| Box {
                rect,
                code: self.write(rect, view),
            })
            .collect();
        let history = self.refer() && self.raw.len() >= LEAST_REFERRING;
        let block = self.compress(history)?;
        let palette = self
            .palette
            .colours
            .iter()
            .map(|c| [*c as u8, (c >> 8) as u8, (c >> 16) as u8])
            .collect();
        Ok(Packed {
            palette: List(palette),
            boxes,
            block,
            history,
            raw: std::mem::take(&mut self.raw),
        })
    }

    /// Packs the pixels of few `rects` in the way that takes fewer bytes: small pieces of text in all shades between two
    /// colours are smaller predicted than with a palette of their own, and so is the edge of a photograph.
    pub(super) fn pack_small(&mut self, rects: &[Rect], view: View<'_>) -> Result<Packed, Error> {
        let packed = self.pack(rects, view)?;
        let alone = self.pack_alone(rects, view)?;
        let bytes = |packed: &Packed| packed.palette.0.len() * 3 + packed.block.0.len();
        Ok(match bytes(&packed) <= bytes(&alone) {
            true => packed,
            false => alone,
        })
    }

    /// Packs the pixels of few `rects` so that nothing that was sent before is needed.
    pub(super) fn pack_alone(&mut self, rects: &[Rect], view: View<'_>) -> Result<Packed, Error> {
        self.raw.clear();
        for &rect in rects {
            let rows = (0..rect.height).map(|row| view.row(rect, row));
            predict(rows, rect.width.into(), &mut self.raw);
        }
        let block = self.compress(false)?;
        let boxes = rects.iter().map(|&rect| Box {
            rect,
            code: Code::Predicted,
        });
        Ok(Packed {
            palette: List::default(),
            boxes: boxes.collect(),
            block,
            raw: std::mem::take(&mut self.raw),
            history: false,
        })
    }

    /// True if blocks refer to the history: it takes longer than a fast line would.
    fn refer(&self) -> bool {
        self.level != QUICK
    }

    fn compress(&mut self, history: bool) -> Result<Blob<MAX_BLOCK>, Error> {
        debug_assert!(self.raw.len() <= MAX_RAW, "the caller keeps to the cap");
        if self.raw.is_empty() {
            return Ok(Blob(Vec::new()));
        }
        if self.raw.len() <= LITTLE {
            let block = self.little.compress(&self.raw).map_err(Error::Pack)?;
            return Ok(Blob(block));
        }
        if history || self.refers {
            let dictionary = history.then(|| self.history.dictionary());
            self.zstd
                .set_dictionary(self.level, dictionary.unwrap_or_default())
                .map_err(Error::Pack)?;
            self.refers = history;
        }
        self.zstd.compress(&self.raw).map(Blob).map_err(Error::Pack)
    }

    /// Appends the pixels of `rect`: indexed as long as the palette has room, where nothing refers to them.
    fn write(&mut self, rect: Rect, view: View<'_>) -> Code {
        // What others refer to later must look alike whatever came before it.
        if self.refer() {
            return self.write_colours(rect, view);
        }
        let (start, colours) = (self.raw.len(), self.palette.colours.len());
        self.raw.resize(start + rect.area(), 0);
        let (palette, mut last) = (&mut self.palette, (NO_COLOUR, 0));
        let indexed = write_each(rect, view, &mut self.raw[start..], |[index], pixel| {
            let colour = u32::from_le_bytes(*pixel) & COLOUR;
            if colour != last.0 {
                last = (colour, palette.index(colour)?);
            }
            *index = last.1;
            Some(())
        });
        if indexed.is_some() {
            return match across(rect) {
                true => Code::IndexedAcross,
                false => Code::Indexed,
            };
        }
        self.palette.cut(colours);
        self.raw.truncate(start);
        self.write_colours(rect, view)
    }

    fn write_colours(&mut self, rect: Rect, view: View<'_>) -> Code {
        if photographic(rect, view) {
            let rows = (0..rect.height).map(|row| view.row(rect, row));
            predict(rows, rect.width.into(), &mut self.raw);
            return Code::Predicted;
        }
        let start = self.raw.len();
        self.raw.resize(start + rect.area() * 3, 0);
        write_each(rect, view, &mut self.raw[start..], |colours, pixel| {
            let [blue, green, red, _] = *pixel;
            *colours = [blue, green, red];
            Some(())
        });
        match across(rect) {
            true => Code::ColoursAcross,
            false => Code::Colours,
        }
    }
}

/// True for boxes that are packed column by column.
fn across(rect: Rect) -> bool {
    (2..=HIGHEST).contains(&rect.height)
}

/// Has `write` fill `out`, `N` bytes for each pixel of `rect`: row by row, or column by column. None as soon as it says so.
fn write_each<const N: usize>(
    rect: Rect,
    view: View<'_>,
    out: &mut [u8],
    mut write: impl FnMut(&mut [u8; N], &[u8; 4]) -> Option<()>,
) -> Option<()> {
    let mut out = out.as_chunks_mut::<N>().0;
    let row = |row| view.row(rect, row).as_chunks::<4>().0;
    if !across(rect) {
        for pixels in (0..rect.height).map(row) {
            let (line, rest) = out.split_at_mut(pixels.len());
            out = rest;
            for (to, pixel) in line.iter_mut().zip(pixels) {
                write(to, pixel)?;
            }
        }
        return Some(());
    }
    let mut lines: [&[[u8; 4]]; HIGHEST as usize] = [&[]; HIGHEST as usize];
    let lines = &mut lines[..rect.height.into()];
    for (line, number) in lines.iter_mut().zip(0..) {
        *line = row(number);
    }
    for (column, out) in out.chunks_exact_mut(lines.len()).enumerate() {
        for (to, line) in out.iter_mut().zip(&*lines) {
            write(to, &line[column])?;
        }
    }
    Some(())
}

/// True if what is in `rect` looks like a photograph.
pub(super) fn photographic(rect: Rect, view: View<'_>) -> bool {
    variety(rect, view) > PHOTO
}

/// How much of a sample of what is in `rect` has its own colour, 0 to 1; 0 for little areas.
pub(super) fn variety(rect: Rect, view: View<'_>) -> f64 {
    if rect.area() < 256 {
        return 0.0;
    }
    let mut sample = Vec::with_capacity(SAMPLES * 2);
    let step = (rect.area() / SAMPLES).max(1);
    for place in (0..rect.area()).step_by(step) {
        let (row, column) = (
            place / usize::from(rect.width),
            place % usize::from(rect.width),
        );
        let pixels = view.row(rect, row as u16).as_chunks::<4>().0;
        sample.push(u32::from_le_bytes(pixels[column]) & COLOUR);
    }
    let samples = sample.len();
    sample.sort_unstable();
    sample.dedup();
    sample.len() as f64 / samples as f64
}

/// Colours and their indices: a table of twice as many places as it may fill, four times over.
struct Palette {
    colours: Vec<u32>,
    slots: [Slot; SLOTS],
}

#[derive(Clone, Copy)]
struct Slot {
    colour: u32,
    index: u8,
}

impl Palette {
    fn new() -> Self {
        Self {
            colours: Vec::with_capacity(MAX_PALETTE),
            slots: [FREE; SLOTS],
        }
    }

    /// The index of `colour`, a new one if need be; none if the palette is full.
    fn index(&mut self, colour: u32) -> Option<u8> {
        let mut at = place(colour);
        loop {
            let slot = self.slots[at];
            if slot.colour == colour {
                return Some(slot.index);
            }
            if slot.colour == NO_COLOUR {
                break;
            }
            at = (at + 1) % SLOTS;
        }
        if self.colours.len() == MAX_PALETTE {
            return None;
        }
        let index = self.colours.len() as u8;
        self.colours.push(colour);
        self.slots[at] = Slot { colour, index };
        Some(index)
    }

    /// Forgets all but the first `length` colours.
    fn cut(&mut self, length: usize) {
        if self.colours.len() == length {
            return;
        }
        let kept: Vec<u32> = self.colours.drain(..).take(length).collect();
        self.slots = [FREE; SLOTS];
        for colour in kept {
            self.index(colour);
        }
    }
}

fn place(colour: u32) -> usize {
    (colour.wrapping_mul(0x9e37_79b1) >> 22) as usize
}

/// Levels of zstd.
const QUICK: i32 = 1;
const TIGHT: i32 = 12;
const TIGHTEST: i32 = 19;

/// Bytes that are packed at the tightest level: far less than what refers to others ([`LEAST_REFERRING`]).
const LITTLE: usize = 1 << 10;

/// The dictionary of less takes longer than the bytes that it saves.
const LEAST_REFERRING: usize = 16 << 10;

/// As many as the upper bits that `place` leaves.
const SLOTS: usize = 1 << 10;
/// Without the fourth byte.
pub(super) const COLOUR: u32 = 0x00ff_ffff;
const NO_COLOUR: u32 = u32::MAX;
const FREE: Slot = Slot {
    colour: NO_COLOUR,
    index: 0,
};
const SAMPLES: usize = 256;

/// More [`variety`] is a photograph.
pub(super) const PHOTO: f64 = 1.0 / 3.0;

/// More [`variety`] than in text: beside a photograph it is its edge.
pub(super) const PHOTO_EDGE: f64 = 1.0 / 6.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn view(bgrx: &[u8]) -> View<'_> {
        View {
            width: 64,
            height: (bgrx.len() / 256) as u16,
            stride: 256,
            bgrx,
        }
    }

    fn colours(count: u32) -> Vec<u8> {
        (0..64 * 64u32)
            .flat_map(|i| (i % count * 0x0003_0507).to_le_bytes())
            .collect()
    }

    #[test]
    fn few_colours_are_indexed() {
        let pixels = colours(256);
        let packed = Packer::new()
            .unwrap()
            .pack(&[view(&pixels).area()], view(&pixels))
            .unwrap();
        assert_eq!(packed.palette.0.len(), 256);
        assert_eq!(packed.boxes[0].code, Code::Indexed);
        let raw = zstd::bulk::decompress(&packed.block.0, 64 * 64).unwrap();
        for (index, pixel) in raw.iter().zip(pixels.as_chunks::<4>().0) {
            assert_eq!(packed.palette.0[usize::from(*index)], pixel[..3]);
        }
    }

    #[test]
    fn many_colours_leave_the_palette_to_others() {
        let mut pixels = colours(257);
        pixels.extend(colours(3));
        let rect = |y| Rect {
            x: 0,
            y,
            width: 64,
            height: 64,
        };
        let packed = Packer::new()
            .unwrap()
            .pack(&[rect(0), rect(64)], view(&pixels))
            .unwrap();
        assert_eq!(packed.boxes[0].code, Code::Predicted);
        assert_eq!(packed.boxes[1].code, Code::Indexed);
        assert_eq!(packed.palette.0.len(), 3);
    }

    /// Where the palette is full in the middle of a line, nothing of what was begun stays.
    #[test]
    fn lines_are_packed_column_by_column() {
        let (width, height) = (512u16, 32u16);
        for (colours, code) in [(250, Code::IndexedAcross), (257, Code::ColoursAcross)] {
            let colour = |x: u32, y: u32| match y {
                // Another line comes first.
                0..16 => x % 3,
                _ => Some((y - 16) * 512 + x)
                    .filter(|n| *n < colours)
                    .unwrap_or(1),
            };
            let place = |n: u32| (n % 512, n / 512);
            let bgrx: Vec<u8> = (0..512 * 32)
                .map(place)
                .flat_map(|(x, y)| colour(x, y).to_le_bytes())
                .collect();
            let view = View {
                width,
                height,
                stride: 2048,
                bgrx: &bgrx,
            };
            let line = |y| Rect {
                x: 0,
                y,
                width,
                height: 16,
            };
            let packed = Packer::new()
                .unwrap()
                .pack(&[line(0), line(16)], view)
                .unwrap();
            assert_eq!(packed.boxes[0].code, Code::IndexedAcross);
            assert_eq!(packed.boxes[1].code, code);
            let each = code.raw_bytes();
            let raw = &packed.raw[512 * 16..];
            assert_eq!(raw.len(), 512 * 16 * each);
            for (n, bytes) in raw.chunks_exact(each).enumerate() {
                let (x, y) = (n as u32 / 16, n as u32 % 16 + 16);
                let [blue, green, red, _] = colour(x, y).to_le_bytes();
                match bytes {
                    [index] => {
                        let known = packed.palette.0[usize::from(*index)];
                        assert_eq!(known, [blue, green, red]);
                    }
                    colours => assert_eq!(colours, [blue, green, red]),
                }
            }
            let expected = if each == 1 { 250 } else { 3 };
            assert_eq!(packed.palette.0.len(), expected);
        }
    }

    #[test]
    fn nothing_to_pack() {
        let packed = Packer::new().unwrap().pack(&[], view(&[0; 256])).unwrap();
        assert!(
            packed.boxes.is_empty() && packed.block.0.is_empty() && packed.palette.0.is_empty()
        );
    }

    #[test]
    fn photographs_are_known_by_their_colours() {
        let photo: Vec<u8> = (0..64 * 64u32)
            .flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes())
            .collect();
        assert!(photographic(view(&photo).area(), view(&photo)));
        let text = colours(40);
        assert!(!photographic(view(&text).area(), view(&text)));
    }
}
