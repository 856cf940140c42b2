//! Areas of one colour: cleared windows, empty pages, a screen that goes dark.
//!
//! They cost neither packing nor unpacking. Only what is large is taken: small ones are part of the text around them, and
//! pack to nothing there.

use fernsicht_protocol::picture::{Box, Code, Rect, View};

use super::exact::COLOUR;

/// Takes the large areas of one colour out of `changes`, disjoint rectangles.
pub(super) fn take(changes: &mut Vec<Rect>, view: View<'_>) -> Vec<Box> {
    let mut found: Vec<(u32, Vec<Rect>)> = Vec::new();
    for rect in changes.iter() {
        let Some(colour) = uniform(*rect, view) else {
            continue;
        };
        match found.iter().position(|(known, _)| *known == colour) {
            Some(at) => found[at].1.push(*rect),
            None if found.len() == MOST_COLOURS => {}
            None => found.push((colour, vec![*rect])),
        }
    }
    found.retain(|(_, rects)| rects.iter().map(|rect| rect.area()).sum::<usize>() >= LEAST);
    let boxes: Vec<Box> = found
        .iter()
        .flat_map(|(colour, rects)| {
            let [blue, green, red, _] = colour.to_le_bytes();
            let code = Code::Solid([blue, green, red]);
            joined(rects).into_iter().map(move |rect| Box {
                rect,
                code: code.clone(),
            })
        })
        .collect();
    if boxes.len() > MOST {
        return Vec::new();
    }
    changes.retain(|rect| !found.iter().any(|(_, rects)| rects.contains(rect)));
    boxes
}

/// The colour of all pixels of `rect`, if they have one.
pub(super) fn uniform(rect: Rect, view: View<'_>) -> Option<u32> {
    let first = view.row(rect, 0).first_chunk::<4>()?;
    let colour = u32::from_le_bytes(*first) & COLOUR;
    let same = |row| {
        let pixels = view.row(rect, row).as_chunks::<4>().0.iter();
        let other = pixels.fold(0, |other, pixel| {
            other | (u32::from_le_bytes(*pixel) ^ colour)
        });
        other & COLOUR == 0
    };
    (0..rect.height).all(same).then_some(colour)
}

/// The same pixels in fewer rectangles: rows of them, then columns of rows.
fn joined(rects: &[Rect]) -> Vec<Rect> {
    let mut rows: Vec<Rect> = Vec::new();
    for rect in rects {
        match rows.last_mut() {
            Some(last)
                if last.y == rect.y
                    && last.height == rect.height
                    && last.x + last.width == rect.x =>
            {
                last.width += rect.width;
            }
            _ => rows.push(*rect),
        }
    }
    let mut columns: Vec<Rect> = Vec::new();
    for row in rows {
        let above = columns.iter_mut().find(|above| {
            above.x == row.x && above.width == row.width && above.y + above.height == row.y
        });
        match above {
            Some(above) => above.height += row.height,
            None => columns.push(row),
        }
    }
    columns
}

/// Pixels of one colour that are worth boxes of their own.
const LEAST: usize = 64 << 10;

/// More colours than this are not looked for.
const MOST_COLOURS: usize = 32;

/// The most boxes that come of it.
pub(super) const MOST: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_areas_of_one_colour_are_taken_and_joined() {
        let (width, height) = (640u16, 384u16);
        let mut bgrx = vec![9u8; usize::from(width) * usize::from(height) * 4];
        // The fourth byte does not count; one pixel of the last tile does.
        bgrx[3] = 77;
        let last = bgrx.len() - 4;
        bgrx[last] = 8;
        let view = View {
            width,
            height,
            stride: usize::from(width) * 4,
            bgrx: &bgrx,
        };
        let tile = |column: u16, row: u16| Rect {
            x: column * 64,
            y: row * 64,
            width: 64,
            height: 64,
        };
        let all = (0..6).flat_map(|row| (0..10).map(move |column| tile(column, row)));
        let mut changes: Vec<Rect> = all.collect();
        let boxes = take(&mut changes, view);
        assert_eq!(changes, [tile(9, 5)]);
        assert!(boxes.iter().all(|b| b.code == Code::Solid([9, 9, 9])));
        let rects: Vec<Rect> = boxes.iter().map(|b| b.rect).collect();
        let (above, below) = (tile(0, 0).union(tile(9, 4)), tile(0, 5).union(tile(8, 5)));
        assert_eq!(rects, [above, below]);
        let mut few = vec![tile(0, 0), tile(1, 0)];
        assert!(take(&mut few, view).is_empty() && few.len() == 2);
    }
}
