//! Picture updates: the plaintext of classes 8 and 9 (docs/protocol.md §7).
//!
//! ```text
//! update  = sequence u64 | generation u32 | width u16 | height u16 | complete u8
//!         | palette: count u32 (≤ 256), count × (blue u8, green u8, red u8)
//!         | boxes:   count u32 (≤ 4096), count × box
//!         | block:   length u32, that many bytes of one zstd frame
//! box     = x u16 | y u16 | width u16 | height u16 | code
//! code    = 0                                               colours: 3 bytes a pixel (B, G, R) in the block
//!         | 1 | stream u16 | key u8 | length u32, bytes     H.264, Annex B; at most one such box in an update
//!         | 2                                               indexed: 1 byte a pixel in the block, into the palette
//!         | 3 | x u16 | y u16                               moved: the pixels of the picture that begin there
//!         | 4                                               predicted: 3 bytes a pixel in the block, see below
//!         | 5 | blue u8 | green u8 | red u8                 solid: all pixels have this colour
//! ```
//!
//! The unpacked block is the pixels of the boxes of codes 0, 2 and 4 in the order of the
//! boxes, each row by row: its size follows from the boxes, and is checked against
//! [`MAX_RAW`] before anything is unpacked. The palette is empty, and the block is empty,
//! exactly when no box uses it. Every box lies within the shared area; their areas
//! together do not exceed it, moved ones counted apart.
//!
//! Boxes are drawn in their order. A *moved* box takes the pixels as they are when its turn comes, as if it took them all
//! before it drew one; where it takes them from lies within the shared area, too. A complete update has none.
//!
//! **Predicted** pixels are three planes, one after the other, each row by row: green, blue less green, red less green,
//! modulo 256. Each byte stands for its difference from the median of what is to the left, what is above, and left plus above
//! less what is above to the left (the predictor of LOCO-I, Weinberger et al., 2000), all within the box; in the first row it is what is to the
//! left, in the first column what is above, and nothing at the corner.
//!
//! **Sequence**: one counter over pictures and refinements, since frames travel on
//! streams of their own and may overtake one another. The console applies updates
//! strictly in sequence. A *complete* update depends on nothing earlier: the picture is
//! black before it, there is no H.264 stream, every update before it is void, and the
//! sequence goes on from it, whatever is missing. Only a complete update may change
//! size or generation.
//!
//! **H.264**: coded size is the box's, each side rounded up to even; BT.601, full range.
//! A key starts the stream of that number at that box, in place of any stream before it;
//! a later picture of the stream has the same box.
//!
//! **Digest**: [`Ledger`].
//!
//! Not here: how pixels become updates (the agent's `encode`) and updates become pixels
//! (the console's `decode`), sealing and padding ([`crate::epoch`]).

mod ledger;
mod predict;
mod rect;

pub use ledger::Ledger;
pub use predict::{predict, restore};
pub use rect::Rect;

use crate::wire::{Blob, Error, List, Reader, Wire};

/// Side of a tile in pixels: the grain of damage, of refinement and of the digest.
pub const TILE: u16 = 64;

/// The most pixels of a shared area: three 4K screens and some more.
pub const MAX_AREA: usize = 1 << 25;

/// The most colours of a palette.
pub const MAX_PALETTE: usize = 256;

/// The most boxes of an update.
pub const MAX_BOXES: usize = 4096;

/// The most bytes of an unpacked block. Together with [`MAX_VIDEO`] it keeps an update
/// within a frame ([`crate::frame::MAX_CIPHERTEXT`]), even if nothing can be compressed.
pub const MAX_RAW: usize = 10 << 20;

/// The most bytes of a packed block: zstd adds less than one part in 128.
pub const MAX_BLOCK: usize = MAX_RAW + (MAX_RAW >> 7);

/// The most bytes of one H.264 picture.
pub const MAX_VIDEO: usize = 4 << 20;

/// The longest side of an H.264 box.
pub const MAX_VIDEO_SIDE: u16 = 4096;

/// The most pixels of an H.264 box: level 5.2.
pub const MAX_VIDEO_AREA: usize = 36_864 * 256;

/// The pixels of the shared area, as memory has them.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Four bytes a pixel: blue, green, red, and one without meaning.
    pub bgrx: &'a [u8],
}

impl<'a> View<'a> {
    /// The whole area.
    pub fn area(&self) -> Rect {
        Rect {
            x: 0,
            y: 0,
            width: self.width,
            height: self.height,
        }
    }

    /// True if every pixel is really there.
    pub fn sound(&self) -> bool {
        let row = usize::from(self.width) * 4;
        let (Some(above), true) = (usize::from(self.height).checked_sub(1), row > 0) else {
            return false;
        };
        row <= self.stride
            && above
                .checked_mul(self.stride)
                .and_then(|n| n.checked_add(row))
                .is_some_and(|n| n <= self.bgrx.len())
    }

    /// The bytes of one row of `rect`, `row` counted from the top of `rect`.
    pub fn row(&self, rect: Rect, row: u16) -> &'a [u8] {
        let start =
            (usize::from(rect.y) + usize::from(row)) * self.stride + usize::from(rect.x) * 4;
        &self.bgrx[start..start + usize::from(rect.width) * 4]
    }
}

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
}

impl Code {
    /// Bytes of the unpacked block for each pixel.
    pub fn raw_bytes(&self) -> usize {
        match self {
            Self::Colours | Self::Predicted => 3,
            Self::Video { .. } | Self::Moved { .. } | Self::Solid(_) => 0,
            Self::Indexed => 1,
        }
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

/// One update of the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// Rises by one with every picture or refinement update.
    pub sequence: u64,
    /// Generation of the layout (`AgentNotice::Layout`).
    pub generation: u32,
    /// Width of the shared area.
    pub width: u16,
    /// Height of the shared area.
    pub height: u16,
    /// True if the picture starts afresh, from black.
    pub complete: bool,
    /// Blue, green, red of each colour of the indexed boxes.
    pub palette: List<[u8; 3], MAX_PALETTE>,
    /// The changed areas.
    pub boxes: List<Box, MAX_BOXES>,
    /// The pixels of the exact boxes, packed.
    pub block: Blob<MAX_BLOCK>,
}

impl Box {
    /// Where a moved box takes its pixels from; none for others.
    pub fn source(&self) -> Option<Rect> {
        match self.code {
            Code::Moved { x, y } => Some(Rect { x, y, ..self.rect }),
            Code::Colours
            | Code::Indexed
            | Code::Predicted
            | Code::Solid(_)
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

    /// The rules that a single field cannot show.
    fn check(self) -> Result<Self, Error> {
        let area = usize::from(self.width) * usize::from(self.height);
        if area == 0 || area > MAX_AREA {
            return Err(Error::OutOfRange("the size of the shared area"));
        }
        let (mut boxed, mut moved, mut raw, mut indexed, mut videos) = (0, 0, 0, false, 0);
        for picture_box in &self.boxes.0 {
            let Box { rect, code } = picture_box;
            if !rect.lies_within(self.width, self.height) {
                return Err(Error::OutOfRange("a box of the picture"));
            }
            match picture_box.source() {
                None => boxed += rect.area(),
                Some(from) if !self.complete && from.lies_within(self.width, self.height) => {
                    moved += rect.area();
                }
                Some(_) => return Err(Error::OutOfRange("where a box moves from")),
            }
            raw += rect.area() * code.raw_bytes();
            indexed |= *code == Code::Indexed;
            if let Code::Video { .. } = code {
                videos += 1;
                if rect.width.max(rect.height) > MAX_VIDEO_SIDE || rect.area() > MAX_VIDEO_AREA {
                    return Err(Error::OutOfRange("the size of an H.264 box"));
                }
            }
        }
        if boxed.max(moved) > area {
            return Err(Error::OutOfRange("the area of the boxes"));
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
        if (raw == 0) != self.block.0.is_empty() {
            return Err(Error::OutOfRange("the block of pixels"));
        }
        Ok(self)
    }
}

impl Wire for Update {
    fn write(&self, out: &mut Vec<u8>) {
        self.sequence.write(out);
        self.generation.write(out);
        self.width.write(out);
        self.height.write(out);
        self.complete.write(out);
        self.palette.write(out);
        self.boxes.write(out);
        self.block.write(out);
    }
    fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
        Self {
            sequence: u64::read(input)?,
            generation: u32::read(input)?,
            width: u16::read(input)?,
            height: u16::read(input)?,
            complete: bool::read(input)?,
            palette: List::read(input)?,
            boxes: List::read(input)?,
            block: Blob::read(input)?,
        }
        .check()
    }
}

impl Wire for Box {
    fn write(&self, out: &mut Vec<u8>) {
        self.rect.write(out);
        match &self.code {
            Code::Colours => out.push(0),
            Code::Video { stream, key, bytes } => {
                out.push(1);
                stream.write(out);
                key.write(out);
                bytes.write(out);
            }
            Code::Indexed => out.push(2),
            Code::Moved { x, y } => {
                out.push(3);
                x.write(out);
                y.write(out);
            }
            Code::Predicted => out.push(4),
            Code::Solid(colour) => {
                out.push(5);
                colour.write(out);
            }
        }
    }
    fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
        let rect = Rect::read(input)?;
        let code = match u8::read(input)? {
            0 => Code::Colours,
            1 => Code::Video {
                stream: u16::read(input)?,
                key: bool::read(input)?,
                bytes: Blob::read(input)?,
            },
            2 => Code::Indexed,
            3 => Code::Moved {
                x: u16::read(input)?,
                y: u16::read(input)?,
            },
            4 => Code::Predicted,
            5 => Code::Solid(<[u8; 3]>::read(input)?),
            tag => return Err(Error::UnknownTag { of: "Code", tag }),
        };
        Ok(Self { rect, code })
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
            generation: 2,
            width: 640,
            height: 480,
            complete: true,
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
            block: Blob(vec![0xaa, 0xbb]),
        }
    }

    #[test]
    fn bytes_of_an_update() {
        #[rustfmt::skip]
        let bytes = [
            0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 2, 2, 128, 1, 224, 1, // head
            0, 0, 0, 1, 1, 2, 3, // palette
            0, 0, 0, 3, // boxes
            0, 0, 0, 0, 0, 2, 0, 1, 0, // colours
            0, 64, 0, 64, 0, 16, 0, 16, 1, 0, 5, 1, 0, 0, 0, 2, 9, 8, // H.264
            2, 127, 1, 223, 0, 1, 0, 1, 2, // indexed
            0, 0, 0, 2, 0xaa, 0xbb, // block
        ];
        assert_eq!(update().to_bytes(), bytes);
        assert_eq!(Update::from_bytes(&bytes), Ok(update()));
        assert_eq!(update().raw_bytes(), 7);
    }

    #[test]
    fn unknown_codes_are_refused() {
        let mut bytes = update().to_bytes();
        bytes[36] = 6;
        assert_eq!(
            Update::from_bytes(&bytes),
            Err(Error::UnknownTag { of: "Code", tag: 6 })
        );
    }

    #[test]
    fn moved_boxes_come_from_within_the_picture() {
        let moved = |complete, x, y| {
            let mut update = Update {
                complete,
                palette: List::default(),
                block: Blob(Vec::new()),
                ..update()
            };
            update.boxes = List(vec![Box {
                rect: Rect {
                    x: 600,
                    y: 0,
                    width: 40,
                    height: 30,
                },
                code: Code::Moved { x, y },
            }]);
            let bytes = update.to_bytes();
            Update::from_bytes(&bytes).map(|read| read == update)
        };
        assert_eq!(moved(false, 600, 450), Ok(true));
        let outside = Err(Error::OutOfRange("where a box moves from"));
        for (complete, x, y) in [(true, 0, 0), (false, 601, 0), (false, 0, 451)] {
            assert_eq!(moved(complete, x, y), outside);
        }
        assert_eq!(moved(false, u16::MAX, u16::MAX), outside);
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
            refused(|u| u.width = 0),
            OutOfRange("the size of the shared area")
        );
        assert_eq!(
            refused(|u| (u.width, u.height) = (8193, 4096)),
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
            (u.width, u.height) = (4096, 4096);
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
                (u.width, u.height) = (5000, 100);
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

    #[test]
    fn a_view_must_hold_its_pixels() {
        let view = |width, height, stride, bytes: &'static [u8]| {
            View {
                width,
                height,
                stride,
                bgrx: bytes,
            }
            .sound()
        };
        assert!(view(2, 2, 12, &[0; 20]));
        assert!(!view(2, 2, 12, &[0; 19]));
        assert!(!view(2, 2, 7, &[0; 20]));
        assert!(!view(0, 2, 8, &[0; 20]));
        assert!(!view(2, 0, 8, &[0; 20]));
        assert!(!view(2, 3, usize::MAX, &[0; 20]));
    }
}
