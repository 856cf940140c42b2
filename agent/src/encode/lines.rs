//! Lines of text, found by the empty rows between them.
//!
//! A letter is some columns of one line. Packed column by column, a line at a time, it is one run of bytes that comes
//! again with the letter; packed row by row it is in as many pieces as it has rows. A page takes a third of the bytes.
//!
//! Not here: what of a line is packed, and how ([`super::exact`]).

use fernsicht_protocol::picture::{Ledger, Rect, View};

use super::exact::photographic;
use super::solid::uniform;

/// The highest box that is packed column by column.
pub(super) const HIGHEST: u16 = 40;

/// `rects` cut above each line of text. A rectangle stays whole where lines are not found, or where a tile that the
/// console does not have exactly needs one box to become so.
pub(super) fn cut(rects: &[Rect], ledger: &Ledger, view: View<'_>) -> Vec<Rect> {
    let mut pieces = Vec::with_capacity(rects.len());
    for &rect in rects {
        let worth = rect.height > HIGHEST && rect.width >= NARROWEST;
        let before = pieces.len();
        if worth && ledger.all_exact(rect) && !photographic(rect, view) {
            lines(rect, view, &mut pieces);
        }
        if pieces.len() == before || pieces.len() + rects.len() > MOST {
            pieces.truncate(before);
            pieces.push(rect);
        }
    }
    pieces
}

/// Cuts where a row that shows something follows one that does not, and around larger gaps.
fn lines(rect: Rect, view: View<'_>, pieces: &mut Vec<Rect>) {
    let (mut top, mut shown) = (0, 0);
    let mut piece = |from: u16, to: u16| {
        if from < to {
            pieces.push(Rect {
                y: rect.y + from,
                height: to - from,
                ..rect
            });
        }
    };
    // `shown`: one below the last row that shows something.
    for row in 0..rect.height {
        let line = Rect {
            y: rect.y + row,
            height: 1,
            ..rect
        };
        if uniform(line, view).is_some() {
            continue;
        }
        if shown < row {
            if shown + GAP < row {
                piece(top, shown);
                top = shown;
            }
            piece(top, row);
            top = row;
        }
        shown = row + 1;
    }
    if shown + GAP < rect.height {
        piece(top, shown);
        top = shown;
    }
    if top > 0 {
        piece(top, rect.height);
    }
}

/// Empty rows that are no longer the space between two lines.
const GAP: u16 = 12;

/// Pixels of a box that could hold a few letters.
const NARROWEST: u16 = 32;

/// The most pieces of an update, far below what it may have.
const MOST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: u16 = 128;
    const HEIGHT: u16 = 128;

    fn page(row: impl Fn(u16) -> bool) -> Vec<u8> {
        let pixel = |x: u16, y: u16| match row(y) && x % 7 < 3 {
            true => [20, 20, 20, 0],
            false => [255, 255, 255, 0],
        };
        (0..HEIGHT)
            .flat_map(|y| (0..WIDTH).flat_map(move |x| pixel(x, y)))
            .collect()
    }

    fn view(bgrx: &[u8]) -> View<'_> {
        View {
            width: WIDTH,
            height: HEIGHT,
            stride: usize::from(WIDTH) * 4,
            bgrx,
        }
    }

    #[test]
    fn pages_are_cut_above_their_lines() {
        let pixels = page(|y| (3..16).contains(&(y % 17)));
        let (view, ledger) = (view(&pixels), Ledger::new(WIDTH, HEIGHT));
        let pieces = cut(&[view.area()], &ledger, view);
        let tops: Vec<u16> = pieces.iter().map(|piece| piece.y).collect();
        assert_eq!(tops, [0, 3, 20, 37, 54, 71, 88, 105, 122]);
        assert_eq!(
            pieces.iter().map(|r| r.area()).sum::<usize>(),
            view.area().area()
        );
        let ends = pieces.iter().map(|piece| piece.bottom());
        assert!(
            ends.zip(&tops[1..])
                .all(|(end, top)| end == u32::from(*top))
        );
    }

    #[test]
    fn a_gap_is_a_piece_of_its_own() {
        let pixels = page(|y| matches!(y, 3..16 | 60..73));
        let (view, ledger) = (view(&pixels), Ledger::new(WIDTH, HEIGHT));
        let pieces = cut(&[view.area()], &ledger, view);
        let tops: Vec<u16> = pieces.iter().map(|piece| piece.y).collect();
        assert_eq!(tops, [0, 3, 16, 60, 73]);
    }

    #[test]
    fn what_has_no_lines_stays_whole() {
        let (all, none) = (page(|_| true), page(|_| false));
        let ledger = Ledger::new(WIDTH, HEIGHT);
        for pixels in [all, none] {
            let view = view(&pixels);
            assert_eq!(cut(&[view.area()], &ledger, view), [view.area()]);
        }
    }
}
