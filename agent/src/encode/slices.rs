//! A large change in slices: while the console unpacks, draws and shows one, the next is written.
//!
//! ```text
//! areas of one colour, text, then photographs ─► some for this update ─► the others for the next ones, by SLICE pixels
//! ```
//!
//! Worth it where the line takes less time than that work. What is kept of the slices, and their digests, wait until the
//! last one has gone: they would hold up the next.

use std::time::Instant;

use fernsicht_protocol::frame::Class;
use fernsicht_protocol::picture::{Box, Rect, TILE, View};

use super::exact::Packed;
use super::plan::{STRIP, pixels, strips};
use super::{Encoded, Encoder, Error};

/// Pixels of one slice: an eighth of a 1080p screen, as many as a strip has.
const SLICE: usize = STRIP as usize * TILE as usize * TILE as usize;

/// What is left of a change.
#[derive(Debug, Default)]
pub(super) struct Slices {
    /// Areas of one colour.
    solid: Vec<Box>,
    /// Boxes whose pixels are to be packed.
    exact: Vec<Rect>,
    /// Such boxes of photographs, each of whose pixels takes as long as four of text.
    photo: Vec<Rect>,
}

/// A slice that has gone.
pub(super) struct Gone {
    pub(super) sequence: u64,
    pub(super) boxes: Vec<Box>,
    pub(super) bytes: usize,
    pub(super) at: Instant,
}

impl Slices {
    pub(super) fn is_empty(&self) -> bool {
        self.solid.is_empty() && self.exact.is_empty() && self.photo.is_empty()
    }

    /// Takes over these boxes, the first `text` of which are text, and returns those of the first slice.
    pub(super) fn begin(&mut self, mut boxes: Vec<Rect>, text: usize) -> Vec<Rect> {
        self.photo = boxes.split_off(text);
        self.exact = boxes;
        self.next_exact()
    }

    /// Takes over these areas of one colour, and returns those of the first slice.
    pub(super) fn begin_solid(&mut self, solid: Vec<Box>) -> Vec<Box> {
        let cut = |Box { rect, code }: Box| {
            let pieces = strips(&[rect], STRIP).into_iter();
            pieces.map(move |rect| Box {
                rect,
                code: code.clone(),
            })
        };
        self.solid = solid.into_iter().flat_map(cut).collect();
        self.next_solid()
    }

    fn next_solid(&mut self) -> Vec<Box> {
        let taken = first(self.solid.iter().map(|each| each.rect.area()), SLICE);
        self.solid.drain(..taken).collect()
    }

    fn next_exact(&mut self) -> Vec<Rect> {
        let (boxes, most) = match self.exact.is_empty() {
            false => (&mut self.exact, SLICE),
            true => (&mut self.photo, SLICE / 4),
        };
        let taken = first(boxes.iter().map(|rect| rect.area()), most);
        boxes.drain(..taken).collect()
    }

    /// Everything.
    pub(super) fn rects(self) -> Vec<Rect> {
        let solid = self.solid.into_iter().map(|each| each.rect);
        solid.chain(self.exact).chain(self.photo).collect()
    }
}

/// How many of them come first: those within `most` pixels, and one at least if there is one.
fn first(areas: impl ExactSizeIterator<Item = usize>, most: usize) -> usize {
    let (all, mut pixels) = (areas.len(), 0);
    let fit = areas.take_while(|area| {
        pixels += area;
        pixels <= most
    });
    fit.count().max(1).min(all)
}

impl Encoder {
    /// True if `changes` are worth going in slices: so large that the console's work on them counts, on a line that takes
    /// nearly no time, and no film.
    pub(super) fn in_slices(&self, changes: &[Rect], now: Instant) -> bool {
        pixels(changes) >= 2 * SLICE && self.flow.quick() && !self.moving(changes, now)
    }

    pub(super) fn room_for_slice(&self) -> bool {
        let bytes = self.unsettled.iter().map(|gone| gone.bytes).sum();
        self.flow.room_for_slice(self.unsettled.len(), bytes)
    }

    /// Hands over the next slice of a large change.
    pub(super) fn encode_slice<R>(
        &mut self,
        view: View<'_>,
        now: Instant,
        send: impl FnOnce(Encoded) -> R,
    ) -> Result<R, Error> {
        let (solid, rects) = (self.slices.next_solid(), self.slices.next_exact());
        let packed = match self.packer.pack(&rects, view) {
            Ok(packed) => packed,
            Err(error) => {
                // What went of it is not kept yet.
                self.restart();
                return Err(error);
            }
        };
        self.counts.pictures += 1;
        let boxes = solid.into_iter().chain(packed.boxes).collect();
        let packed = Packed { boxes, ..packed };
        Ok(self.send(Class::Picture, false, packed, view, now, send))
    }

    /// Keeps what has gone as `view` shows it.
    pub(super) fn settle(&mut self, view: View<'_>) {
        let Some(sent) = &mut self.sent else { return };
        for gone in self.unsettled.drain(..) {
            sent.draw(&gone.boxes, view, gone.at);
            let digest = sent.ledger.digest();
            self.flow
                .handle_sent(gone.sequence, digest, gone.bytes, gone.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use fernsicht_protocol::picture::Code;

    use super::*;

    #[test]
    fn slices_are_all_of_it_once() {
        let solid = |rect| Box {
            rect,
            code: Code::Solid([1, 2, 3]),
        };
        let (whole, small) = (
            Rect {
                x: 3,
                y: 70,
                width: 1900,
                height: 1000,
            },
            Rect {
                x: 0,
                y: 0,
                width: 64,
                height: 64,
            },
        );
        let text: Vec<Rect> = (0..70).map(|row| Rect::tile(0, row)).collect();
        let photo: Vec<Rect> = (0..20).map(|row| Rect::tile(1, row)).collect();
        let mut slices = Slices::default();
        let boxes = [text.clone(), photo.clone()].concat();
        let mut others = slices.begin(boxes.clone(), text.len());
        assert_eq!(others, text[..64]);
        let mut solids = slices.begin_solid(vec![solid(small), solid(whole)]);
        let mut count = 1;
        while !slices.is_empty() {
            let (some, rects) = (slices.next_solid(), slices.next_exact());
            assert!(some.iter().map(|each| each.rect.area()).sum::<usize>() <= SLICE);
            solids.extend(some);
            others.extend(rects);
            count += 1;
        }
        assert!((8..=12).contains(&count), "{count}");
        assert_eq!(others, boxes);
        assert_eq!(solids[0], solid(small));
        let mut bottom = whole.y;
        for each in &solids[1..] {
            assert_eq!((each.rect.x, each.rect.y), (whole.x, bottom));
            assert_eq!(each.rect.width, whole.width);
            assert!(
                each.rect.y == whole.y || each.rect.y % TILE == 0,
                "whole tiles"
            );
            bottom += each.rect.height;
        }
        assert_eq!(u32::from(bottom), whole.bottom());
    }

    /// What is wider than a slice's row of tiles still comes.
    #[test]
    fn one_comes_at_least() {
        let wide = Rect {
            x: 0,
            y: 0,
            width: u16::MAX,
            height: 64,
        };
        let mut slices = Slices::default();
        assert_eq!(slices.begin(vec![wide; 2], 1), [wide]);
        assert_eq!(slices.next_exact(), [wide]);
        assert!(slices.is_empty());
        assert!(slices.next_exact().is_empty() && slices.next_solid().is_empty());
    }
}
