//! One update as bytes, and the rules that it keeps.

use super::{
    MAX_AREA, MAX_BLOCK, MAX_BOXES, MAX_PALETTE, MAX_RAW, MAX_VIDEO, MAX_VIDEO_AREA,
    MAX_VIDEO_SIDE, Rect, seen,
};
use crate::wire::{Blob, Error, List, Reader, Wire, write_short};

/// How the pixels of a box are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// Exact colours in the block.
    Colours,
    /// An H.264 picture.
    Video {
        /// The stream that the picture belongs to.
        stream: u16,
        /// True if the picture starts the stream.
        key: bool,
        /// Annex B.
        bytes: Blob<MAX_VIDEO>,
    },
    /// Exact colours as palette indices in the block.
    Indexed,
    /// The pixels of the picture that begin here, as large as the box.
    Moved {
        /// Pixels from the left.
        x: u16,
        /// Pixels from the top.
        y: u16,
    },
    /// Exact colours in the block, each as its difference from what its neighbours let expect: photographs.
    Predicted,
    /// All pixels have this colour: blue, green, red.
    Solid([u8; 3]),
    /// The pixels of a box that was drawn before ([`super::seen`]).
    Seen {
        /// How many boxes before, 1 for the newest.
        back: u16,
    },
    /// As [`Code::Colours`], column by column: text.
    ColoursAcross,
    /// As [`Code::Indexed`], column by column: text.
    IndexedAcross,
}

impl Code {
    /// Bytes of the unpacked block for each pixel.
    pub fn raw_bytes(&self) -> usize {
        match self {
            Self::Colours | Self::ColoursAcross | Self::Predicted => 3,
            Self::Video { .. } | Self::Moved { .. } | Self::Solid(_) | Self::Seen { .. } => 0,
            Self::Indexed | Self::IndexedAcross => 1,
        }
    }

    /// True if its pixels are in the block column by column.
    pub fn across(&self) -> bool {
        matches!(self, Self::ColoursAcross | Self::IndexedAcross)
    }

    /// True if its pixels are in the block.
    pub fn packed(&self) -> bool {
        self.raw_bytes() > 0
    }
}

/// One changed area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Box {
    /// Where.
    pub rect: Rect,
    /// What.
    pub code: Code,
}

/// The shared area that a complete update shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Its generation (`AgentNotice::Layout`).
    pub generation: u32,
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
}

/// One update of the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// Rises by one with every picture or refinement update.
    pub sequence: u64,
    /// Of a complete update: the picture starts afresh, from black.
    pub complete: Option<Layout>,
    /// True if the block refers to the [`super::History`].
    pub history: bool,
    /// Blue, green, red of each colour of the indexed boxes.
    pub palette: List<[u8; 3], MAX_PALETTE>,
    /// The changed areas.
    pub boxes: List<Box, MAX_BOXES>,
    /// The pixels of the exact boxes: a zstd frame.
    pub block: Blob<MAX_BLOCK>,
}

impl Box {
    /// Where a moved box takes its pixels from; none for others.
    pub fn source(&self) -> Option<Rect> {
        match self.code {
            Code::Moved { x, y } => Some(Rect { x, y, ..self.rect }),
            Code::Colours
            | Code::ColoursAcross
            | Code::Indexed
            | Code::IndexedAcross
            | Code::Predicted
            | Code::Solid(_)
            | Code::Seen { .. }
            | Code::Video { .. } => None,
        }
    }
}

impl Update {
    /// Bytes of the unpacked block.
    pub fn raw_bytes(&self) -> usize {
        self.boxes
            .0
            .iter()
            .map(|b| b.rect.area() * b.code.raw_bytes())
            .sum()
    }

    /// True if the unpacked block goes into the [`super::History`].
    pub fn kept(&self) -> bool {
        self.history || self.complete.is_some()
    }

    /// The rules that a single field cannot show.
    fn check(self) -> Result<Self, Error> {
        let (mut raw, mut indexed, mut videos) = (0, false, 0);
        for Box { rect, code } in &self.boxes.0 {
            raw += rect.area() * code.raw_bytes();
            indexed |= matches!(code, Code::Indexed | Code::IndexedAcross);
            match code {
                Code::Video { .. } => {
                    videos += 1;
                    if rect.width.max(rect.height) > MAX_VIDEO_SIDE || rect.area() > MAX_VIDEO_AREA
                    {
                        return Err(Error::OutOfRange("the size of an H.264 box"));
                    }
                }
                Code::Moved { .. } if self.complete.is_some() => {
                    return Err(Error::OutOfRange("where a box moves from"));
                }
                Code::Seen { .. } if self.complete.is_some() => {
                    return Err(Error::OutOfRange("a box of before"));
                }
                Code::Colours
                | Code::ColoursAcross
                | Code::Indexed
                | Code::IndexedAcross
                | Code::Moved { .. }
                | Code::Predicted
                | Code::Seen { .. }
                | Code::Solid(_) => {}
            }
        }
        if raw > MAX_RAW {
            return Err(Error::TooLong {
                length: raw,
                cap: MAX_RAW,
            });
        }
        if videos > 1 {
            return Err(Error::OutOfRange("the number of H.264 boxes"));
        }
        if indexed == self.palette.0.is_empty() {
            return Err(Error::OutOfRange("the palette"));
        }
        if (raw == 0) != self.block.0.is_empty() || (raw == 0 && self.history) {
            return Err(Error::OutOfRange("the block of pixels"));
        }
        if let Some(layout) = self.complete {
            self.fits(layout.width, layout.height)?;
        }
        Ok(self)
    }

    /// Whether the boxes fit an area of that size: each lies within it, and together they are no larger.
    pub fn fits(&self, width: u16, height: u16) -> Result<(), Error> {
        let area = usize::from(width) * usize::from(height);
        if area == 0 || area > MAX_AREA {
            return Err(Error::OutOfRange("the size of the shared area"));
        }
        let (mut boxed, mut moved) = (0, 0);
        for each in &self.boxes.0 {
            if !each.rect.lies_within(width, height) {
                return Err(Error::OutOfRange("a box of the picture"));
            }
            match each.source() {
                None => boxed += each.rect.area(),
                Some(from) if from.lies_within(width, height) => moved += each.rect.area(),
                Some(_) => return Err(Error::OutOfRange("where a box moves from")),
            }
        }
        match boxed.max(moved) > area {
            true => Err(Error::OutOfRange("the area of the boxes")),
            false => Ok(()),
        }
    }
}

impl Wire for Update {
    fn write(&self, out: &mut Vec<u8>) {
        let head = Head {
            sequence: self.sequence,
            complete: self.complete,
            history: self.history,
            only: match &self.boxes.0[..] {
                [only] => Some(only.code.tag()),
                _ => None,
            },
        };
        head.write(out);
        if head.has_palette() {
            write_short(out, self.palette.0.len() as u64);
            out.extend(self.palette.0.iter().flatten());
        }
        if head.only.is_none() {
            write_short(out, self.boxes.0.len() as u64);
        }
        for Box { rect, code } in &self.boxes.0 {
            rect.write(out);
            if head.only.is_none() {
                out.push(code.tag());
            }
            code.write_rest(out);
        }
        let block = &self.block.0;
        out.extend(block.strip_prefix(&MAGIC).unwrap_or(block));
    }
    fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
        let head = Head::read(input)?;
        let colours = match head.has_palette() {
            true => input.short(MAX_PALETTE as u64, "the palette")?,
            false => 0,
        };
        let palette = (0..colours).map(|_| <[u8; 3]>::read(input));
        let palette = List(palette.collect::<Result<_, _>>()?);
        let boxes = match head.only {
            Some(_) => 1,
            None => match input.short(MAX_BOXES as u64, "the number of boxes")? {
                1 => return Err(Error::OutOfRange("the number of boxes")),
                several => several,
            },
        };
        let boxes = (0..boxes).map(|_| {
            let rect = Rect::read(input)?;
            let tag = head.only.map_or_else(|| u8::read(input), Ok)?;
            let code = Code::read_rest(tag, input)?;
            Ok(Box { rect, code })
        });
        let boxes = List(boxes.collect::<Result<_, _>>()?);
        Self {
            sequence: head.sequence,
            complete: head.complete,
            history: head.history,
            palette,
            boxes,
            block: block(input.rest())?,
        }
        .check()
    }
}

/// What an update begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// [`Update::sequence`].
    pub sequence: u64,
    /// [`Update::complete`].
    pub complete: Option<Layout>,
    /// [`Update::history`]; never of a complete one.
    pub history: bool,
    /// The code of the only box, if there is exactly one: the first byte tells it.
    only: Option<u8>,
}

impl Head {
    /// True if the palette comes next: several boxes may need one, a single one does if its code says so.
    fn has_palette(&self) -> bool {
        self.only
            .is_none_or(|tag| tag == INDEXED || tag == INDEXED_ACROSS)
    }
}

/// Complete, or with history: the first byte's lowest bits. Above them is nothing, or one more than the code of the only box.
const COMPLETE: u8 = 1;
const HISTORY: u8 = 2;
const ONLY: u8 = 4;

impl Wire for Head {
    fn write(&self, out: &mut Vec<u8>) {
        let kind = match self.complete {
            Some(_) => COMPLETE,
            None => u8::from(self.history) * HISTORY,
        };
        out.push(kind + self.only.map_or(0, |tag| (tag + 1) * ONLY));
        write_short(out, self.sequence);
        if let Some(layout) = self.complete {
            layout.generation.write(out);
            layout.width.write(out);
            layout.height.write(out);
        }
    }
    fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
        let first = u8::read(input)?;
        let (kind, only) = (first % ONLY, (first / ONLY).checked_sub(1));
        if kind > HISTORY || only.is_some_and(|tag| tag > INDEXED_ACROSS) {
            let (of, tag) = ("Update", first);
            return Err(Error::UnknownTag { of, tag });
        }
        let sequence = input.short(u64::MAX, "the sequence")?;
        let complete = match kind == COMPLETE {
            false => None,
            true => Some(Layout {
                generation: u32::read(input)?,
                width: u16::read(input)?,
                height: u16::read(input)?,
            }),
        };
        Ok(Self {
            sequence,
            complete,
            history: kind == HISTORY,
            only,
        })
    }
}

/// The zstd frame of which these are all bytes but the first four.
fn block(bytes: &[u8]) -> Result<Blob<MAX_BLOCK>, Error> {
    if bytes.is_empty() {
        return Ok(Blob::default());
    }
    let length = MAGIC.len() + bytes.len();
    if length > MAX_BLOCK {
        let cap = MAX_BLOCK;
        return Err(Error::TooLong { length, cap });
    }
    Ok(Blob([&MAGIC, bytes].concat()))
}

/// What every zstd frame begins with (RFC 8878, §3.1.1).
const MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();

const COLOURS: u8 = 0;
const VIDEO: u8 = 1;
const INDEXED: u8 = 2;
const MOVED: u8 = 3;
const PREDICTED: u8 = 4;
const SOLID: u8 = 5;
const SEEN: u8 = 6;
const COLOURS_ACROSS: u8 = 7;
const INDEXED_ACROSS: u8 = 8;

impl Code {
    fn tag(&self) -> u8 {
        match self {
            Self::Colours => COLOURS,
            Self::Video { .. } => VIDEO,
            Self::Indexed => INDEXED,
            Self::Moved { .. } => MOVED,
            Self::Predicted => PREDICTED,
            Self::Solid(_) => SOLID,
            Self::Seen { .. } => SEEN,
            Self::ColoursAcross => COLOURS_ACROSS,
            Self::IndexedAcross => INDEXED_ACROSS,
        }
    }

    /// Writes what comes after the tag.
    fn write_rest(&self, out: &mut Vec<u8>) {
        match self {
            Self::Video { stream, key, bytes } => {
                stream.write(out);
                key.write(out);
                bytes.write(out);
            }
            Self::Moved { x, y } => {
                x.write(out);
                y.write(out);
            }
            Self::Solid(colour) => colour.write(out),
            Self::Seen { back } => write_short(out, (*back).into()),
            Self::Colours
            | Self::ColoursAcross
            | Self::Indexed
            | Self::IndexedAcross
            | Self::Predicted => {}
        }
    }

    fn read_rest(tag: u8, input: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(match tag {
            COLOURS => Self::Colours,
            VIDEO => Self::Video {
                stream: u16::read(input)?,
                key: bool::read(input)?,
                bytes: Blob::read(input)?,
            },
            INDEXED => Self::Indexed,
            MOVED => Self::Moved {
                x: u16::read(input)?,
                y: u16::read(input)?,
            },
            PREDICTED => Self::Predicted,
            SOLID => Self::Solid(<[u8; 3]>::read(input)?),
            SEEN => Self::Seen {
                back: input.short(seen::MOST as u64, "a box of before")? as u16,
            },
            COLOURS_ACROSS => Self::ColoursAcross,
            INDEXED_ACROSS => Self::IndexedAcross,
            tag => return Err(Error::UnknownTag { of: "Code", tag }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update() -> Update {
        let rect = |x, y, width, height| Rect {
            x,
            y,
            width,
            height,
        };
        Update {
            sequence: 7,
            complete: Some(Layout {
                generation: 2,
                width: 640,
                height: 480,
            }),
            history: false,
            palette: List(vec![[1, 2, 3]]),
            boxes: List(vec![
                Box {
                    rect: rect(0, 0, 2, 1),
                    code: Code::Colours,
                },
                Box {
                    rect: rect(64, 64, 16, 16),
                    code: Code::Video {
                        stream: 5,
                        key: true,
                        bytes: Blob(vec![9, 8]),
                    },
                },
                Box {
                    rect: rect(639, 479, 1, 1),
                    code: Code::Indexed,
                },
            ]),
            block: Blob(vec![0x28, 0xb5, 0x2f, 0xfd, 0xaa, 0xbb]),
        }
    }

    #[test]
    fn bytes_of_an_update() {
        #[rustfmt::skip]
        let bytes = [
            1, 7, 0, 0, 0, 2, 2, 128, 1, 224, // head
            1, 1, 2, 3, // palette
            3, // boxes
            0, 0, 2, 1, 0, // colours
            64, 64, 16, 16, 1, 0, 5, 1, 0, 0, 0, 2, 9, 8, // H.264
            255, 4, 223, 3, 1, 1, 2, // indexed
            0xaa, 0xbb, // block
        ];
        assert_eq!(update().to_bytes(), bytes);
        assert_eq!(Update::from_bytes(&bytes), Ok(update()));
        assert_eq!(update().raw_bytes(), 7);
    }

    #[test]
    fn an_only_box_needs_no_counts() {
        let only = single(Code::Solid([1, 2, 3]));
        let bytes = [4 * (1 + SOLID), 7, 216, 4, 0, 40, 30, 1, 2, 3];
        assert_eq!(only.to_bytes(), bytes);
        assert_eq!(Update::from_bytes(&bytes), Ok(only));
        let indexed = Update {
            palette: List(vec![[1, 2, 3]]),
            block: update().block,
            ..single(Code::Indexed)
        };
        let bytes = [12, 7, 1, 1, 2, 3, 216, 4, 0, 40, 30, 0xaa, 0xbb];
        assert_eq!(indexed.to_bytes(), bytes);
        assert_eq!(Update::from_bytes(&bytes), Ok(indexed));
        // As one of several, it would be a second encoding of the same.
        let several = [0, 7, 0, 1, 216, 4, 0, 40, 30, SOLID, 1, 2, 3];
        assert_eq!(
            Update::from_bytes(&several),
            Err(Error::OutOfRange("the number of boxes"))
        );
    }

    #[test]
    fn first_bytes_that_mean_nothing_are_refused() {
        for first in 0..=u8::MAX {
            let bytes = [first, 7, 0, 0, 0, 2, 2, 128, 1, 224];
            let unknown = first % 4 == 3 || first >= 4 * 10;
            let head = Head::read(&mut Reader::new(&bytes));
            let (of, tag) = ("Update", first);
            assert_eq!(head == Err(Error::UnknownTag { of, tag }), unknown);
            if let Ok(head) = head {
                assert!(bytes.starts_with(&head.to_bytes()));
            }
        }
    }

    #[test]
    fn unknown_codes_are_refused() {
        let mut bytes = update().to_bytes();
        bytes[19] = 9;
        assert_eq!(
            Update::from_bytes(&bytes),
            Err(Error::UnknownTag { of: "Code", tag: 9 })
        );
    }

    /// An update that is not complete, of one box without pixels of its own.
    fn single(code: Code) -> Update {
        Update {
            complete: None,
            palette: List::default(),
            block: Blob(Vec::new()),
            boxes: List(vec![Box {
                rect: Rect {
                    x: 600,
                    y: 0,
                    width: 40,
                    height: 30,
                },
                code,
            }]),
            ..update()
        }
    }

    #[test]
    fn moved_boxes_come_from_within_the_picture() {
        let moved = |x, y| {
            let update = single(Code::Moved { x, y });
            assert_eq!(Update::from_bytes(&update.to_bytes()), Ok(update.clone()));
            update.fits(640, 480)
        };
        assert_eq!(moved(600, 450), Ok(()));
        let outside = Err(Error::OutOfRange("where a box moves from"));
        for (x, y) in [(601, 0), (0, 451), (u16::MAX, u16::MAX)] {
            assert_eq!(moved(x, y), outside);
        }
    }

    #[test]
    fn a_complete_picture_takes_nothing_of_before() {
        for code in [Code::Moved { x: 0, y: 0 }, Code::Seen { back: 1 }] {
            let sound = single(code);
            assert_eq!(Update::from_bytes(&sound.to_bytes()), Ok(sound.clone()));
            let complete = Update {
                complete: update().complete,
                ..sound
            };
            assert!(Update::from_bytes(&complete.to_bytes()).is_err());
        }
        let far = single(Code::Seen {
            back: seen::MOST as u16 + 1,
        });
        assert!(Update::from_bytes(&far.to_bytes()).is_err());
    }

    fn sized(update: &mut Update, width: u16, height: u16) {
        let generation = 2;
        update.complete = Some(Layout {
            generation,
            width,
            height,
        });
    }

    fn refused(change: impl FnOnce(&mut Update)) -> Error {
        let mut wrong = update();
        change(&mut wrong);
        Update::from_bytes(&wrong.to_bytes()).expect_err("refused")
    }

    #[test]
    fn rules_of_an_update() {
        use Error::OutOfRange;
        assert_eq!(
            refused(|u| sized(u, 0, 480)),
            OutOfRange("the size of the shared area")
        );
        assert_eq!(
            refused(|u| sized(u, 8193, 4096)),
            OutOfRange("the size of the shared area")
        );
        assert_eq!(
            refused(|u| u.boxes.0[0].rect.width = 0),
            OutOfRange("a box of the picture")
        );
        assert_eq!(
            refused(|u| u.boxes.0[2].rect.width = 2),
            OutOfRange("a box of the picture")
        );
        assert_eq!(
            refused(|u| u.boxes.0[2].rect.y = u16::MAX),
            OutOfRange("a box of the picture")
        );
        assert_eq!(refused(|u| u.palette.0.clear()), OutOfRange("the palette"));
        assert_eq!(
            refused(|u| u.boxes.0.truncate(2)),
            OutOfRange("the palette")
        );
        assert_eq!(
            refused(|u| u.block.0.clear()),
            OutOfRange("the block of pixels")
        );
        assert_eq!(
            refused(|u| u.boxes.0.push(u.boxes.0[1].clone())),
            OutOfRange("the number of H.264 boxes")
        );
        let whole = Rect {
            x: 0,
            y: 0,
            width: 640,
            height: 480,
        };
        assert_eq!(
            refused(|u| u.boxes.0[0].rect = whole),
            OutOfRange("the area of the boxes")
        );
        let big = |u: &mut Update| {
            sized(u, 4096, 4096);
            u.boxes.0[0].rect = Rect {
                x: 0,
                y: 0,
                width: 4096,
                height: 1000,
            };
        };
        assert_eq!(
            refused(big),
            Error::TooLong {
                length: 4096 * 3000 + 1,
                cap: MAX_RAW
            }
        );
        assert_eq!(
            refused(|u| {
                sized(u, 5000, 100);
                u.boxes.0[2].rect = Rect {
                    x: 0,
                    y: 99,
                    width: 1,
                    height: 1,
                };
                u.boxes.0[1].rect = Rect {
                    x: 0,
                    y: 0,
                    width: 4097,
                    height: 16,
                };
            }),
            OutOfRange("the size of an H.264 box")
        );
    }

    #[test]
    fn the_largest_update_fits_a_frame() {
        let boxes = MAX_BOXES * 16;
        let padded = (MAX_BLOCK + MAX_VIDEO + MAX_PALETTE * 3 + boxes + 64) / 100 * 103;
        assert!(padded + 64 < crate::frame::MAX_CIPHERTEXT);
    }
}
