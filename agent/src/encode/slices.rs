//! A large change in slices: while the console unpacks, draws and shows one, the next is written.
//!
//! ```text
//! areas of one colour, text, then photographs ─► some for this update ─► the others for the next ones, by SLICE pixels
//! ```
//!
//! Worth it where the line takes less time than that work ([`super::Encoder`] asks the flow).

use fernsicht_protocol::picture::{Box, Rect};

/// Pixels of one slice: an eighth of a screen.
pub(super) const SLICE: usize = 1 << 18;

/// What is left of a change.
#[derive(Debug, Default)]
pub(super) struct Slices {
    /// Areas of one colour.
    pub(super) solid: Vec<Box>,
    /// Boxes whose pixels are to be packed.
    exact: Vec<Rect>,
    /// Such boxes of photographs, each of whose pixels takes as long as four of text.
    photo: Vec<Rect>,
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

    /// The next slice.
    pub(super) fn next(&mut self) -> (Vec<Box>, Vec<Rect>) {
        let solid = split_off_solid(&mut self.solid);
        (std::mem::replace(&mut self.solid, solid), self.next_exact())
    }

    fn next_exact(&mut self) -> Vec<Rect> {
        let (boxes, most) = match self.exact.is_empty() {
            false => (&mut self.exact, SLICE),
            true => (&mut self.photo, SLICE / 4),
        };
        let taken = first(boxes.iter().map(|rect| rect.area()), most);
        let left = boxes.split_off(taken.min(boxes.len()));
        std::mem::replace(boxes, left)
    }

    /// Everything.
    pub(super) fn rects(self) -> Vec<Rect> {
        let solid = self.solid.into_iter().map(|each| each.rect);
        solid.chain(self.exact).chain(self.photo).collect()
    }
}

/// All but the first [`SLICE`] pixels of areas of one colour, which are cut where they are larger.
pub(super) fn split_off_solid(boxes: &mut Vec<Box>) -> Vec<Box> {
    *boxes = boxes.drain(..).flat_map(bands).collect();
    let taken = first(boxes.iter().map(|each| each.rect.area()), SLICE);
    boxes.split_off(taken.min(boxes.len()))
}

/// How many of them come first: those within `most` pixels, and one at least.
fn first(areas: impl Iterator<Item = usize>, most: usize) -> usize {
    let mut pixels = 0;
    let fit = areas.take_while(|area| {
        pixels += area;
        pixels <= most
    });
    fit.count().max(1)
}

/// Bands of whole rows of tiles, of at most [`SLICE`] pixels where a row of tiles is not more.
fn bands(each: Box) -> impl Iterator<Item = Box> {
    let Box { rect, code } = each;
    rect.bands(SLICE).map(move |rect| Box {
        rect,
        code: code.clone(),
    })
}

#[cfg(test)]
mod tests {
    use fernsicht_protocol::picture::{Code, TILE};

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
        let mut slices = Slices {
            solid: vec![solid(small), solid(whole)],
            ..Slices::default()
        };
        let boxes = [text.clone(), photo.clone()].concat();
        let mut others = slices.begin(boxes.clone(), text.len());
        assert_eq!(others, text[..64]);
        let (mut solids, mut count) = (Vec::new(), 1);
        while !slices.is_empty() {
            let (some, rects) = slices.next();
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
        assert_eq!(slices.next(), (Vec::new(), vec![wide]));
        assert!(slices.is_empty());
        assert_eq!(slices.next(), (Vec::new(), Vec::new()));
    }
}
