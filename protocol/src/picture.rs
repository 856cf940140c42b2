//! Picture updates: the plaintext of classes 8 and 9 (docs/protocol.md §7).
//!
//! ```text
//! update  = first u8 | sequence n | only if complete: generation u32, width u16, height u16
//!         | palette: count n (≤ 256), count × (blue u8, green u8, red u8); nothing if there is one box, and it is not indexed
//!         | boxes:   count n (≤ 4096, not 1), count × box; or one box without its code's number, which is in the first byte
//!         | block:   what is left: one zstd frame without the four bytes that all begin with
//! box     = x n | y n | width n | height n | code
//! code    = 0                                               colours: 3 bytes a pixel (B, G, R) in the block
//!         | 1 | stream u16 | key u8 | length u32, bytes     H.264, Annex B; at most one such box in an update
//!         | 2                                               indexed: 1 byte a pixel in the block, into the palette
//!         | 3 | x u16 | y u16                               moved: the pixels of the picture that begin there
//!         | 4                                               predicted: 3 bytes a pixel in the block, see below
//!         | 5 | blue u8 | green u8 | red u8                 solid: all pixels have this colour
//!         | 6 | back n                                      seen: the pixels of a small box of before, see below
//!         | 7                                               colours across: as 0, column by column
//!         | 8                                               indexed across: as 2, column by column
//! first   = (0 | 1 complete | 2 with history) + 4 × (0 | 1 + the code's number of the only box)
//! n       = an integer as short as it is (LEB128, crate::wire)
//! ```
//!
//! The unpacked block is the pixels of the boxes of codes 0, 2, 4, 7 and 8 in the order of the
//! boxes, each row by row or column by column: its size follows from the boxes, and is checked against
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
//! **Seen**: letters, cursors and marks come again. Where the boxes of codes 0, 2, 4, 7 and 8 of an update have at most
//! [`seen::SMALL`] pixels together, their pixels are kept, in their order, once the update is drawn. A box of code 6 takes those of
//! the box that was kept as the `back`th before, 1 for the newest, which has its width and height. The newest
//! [`seen::MOST`] boxes are kept, and of these no more than have [`seen::MOST_PIXELS`] pixels together; a complete update forgets all.
//!
//! **History**: where the kind says so, the zstd frame refers to a dictionary: four zeros, and the last [`history::MOST`] bytes of
//! the unpacked blocks of the complete update and of those after it that refer to the history themselves.
//!
//! **Sequence**: one counter over pictures and refinements, since frames travel on
//! streams of their own and may overtake one another. The console applies updates
//! strictly in sequence. A *complete* update depends on nothing earlier: the picture is
//! black before it, there is no H.264 stream, every update before it is void, and the
//! sequence goes on from it, whatever is missing. Only a complete update may change
//! size or generation, or names them.
//!
//! **H.264**: coded size is the box's, each side rounded up to even; BT.601, full range.
//! A key starts the stream of that number at that box, in place of any stream before it;
//! a later picture of the stream has the same box.
//!
//! **Digest**: [`Ledger`].
//!
//! Not here: how pixels become updates (the agent's `encode`) and updates become pixels
//! (the console's `decode`), sealing and padding ([`crate::epoch`]).

pub mod history;
mod ledger;
mod predict;
mod rect;
pub mod seen;
mod update;

pub use history::History;
pub use ledger::Ledger;
pub use predict::{predict, restore};
pub use rect::Rect;
pub use seen::Seen;
pub use update::{Box, Code, Head, Layout, Update};

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

#[cfg(test)]
mod tests {
    use super::*;

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
