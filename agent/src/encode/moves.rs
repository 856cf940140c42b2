//! What only moved: scrolled text, a window that is dragged.
//!
//! ```text
//! marks in what changed ─► the same pixels in what was sent ─► votes for a displacement
//!                                   tiles that are as displaced ─► the largest rectangle, grown to its edges
//! ```
//!
//! A mark is a short row of pixels with some structure. It is looked for along its own column and row first, which costs
//! next to nothing, and anywhere only where what changed is not too large. Every pixel of what is found was compared.
//!
//! Not here: whether the console has the source exactly ([`super::Encoder`] asks the ledger).

use fernsicht_protocol::picture::{Rect, TILE, View};

/// An area that is to be seen elsewhere now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Move {
    /// Where it is now.
    pub(super) to: Rect,
    /// Where it was: its left edge.
    pub(super) x: u16,
    /// Its upper edge.
    pub(super) y: u16,
}

impl Move {
    /// Where it was.
    pub(super) fn from(&self) -> Rect {
        Rect {
            x: self.x,
            y: self.y,
            ..self.to
        }
    }
}

/// How far something moved, in pixels to the right and down.
type Displacement = (i32, i32);

/// The largest of what moved among `changes`, disjoint rectangles at most one to a tile; none if too little would be saved.
pub(super) fn find(changes: &[Rect], view: View<'_>, sent: View<'_>) -> Option<Move> {
    let changed: usize = changes.iter().map(|rect| rect.area()).sum();
    if changed < LEAST {
        return None;
    }
    let bounds = changes
        .iter()
        .fold(Rect::default(), |all, rect| all.union(*rect));
    let marks = marks(changes, view);
    let mut by = along(&marks, bounds, view, sent);
    if by.is_empty() {
        by = anywhere(&marks, bounds, view, sent);
    }
    let moves = by.into_iter().filter_map(|by| {
        let to = grown(largest(changes, bounds, by, view, sent)?, by, view, sent);
        let saved = changes.iter().map(|rect| rect.intersection(to).area());
        let Rect { x, y, .. } = displaced(to, by, view.area())?;
        Some((saved.sum::<usize>(), Move { to, x, y }))
    });
    let best = moves.max_by_key(|(saved, _)| *saved);
    best.filter(|(saved, _)| *saved >= LEAST)
        .map(|(_, found)| found)
}

/// Places in what changed that are easily known again: the left ends of rows of [`MARK`] pixels.
fn marks(changes: &[Rect], view: View<'_>) -> Vec<(u16, u16)> {
    let wide = |rect: &&Rect| rect.width >= MARK;
    let step = (changes.len() / MOST_MARKS).max(1);
    changes
        .iter()
        .filter(wide)
        .step_by(step)
        .filter_map(|rect| mark(*rect, view))
        .collect()
}

/// The row of pixels with the most structure among some of the rectangle's; it begins with two different ones.
fn mark(rect: Rect, view: View<'_>) -> Option<(u16, u16)> {
    let mut best = (LEAST_STRUCTURE, None);
    for row in (0..rect.height).step_by(3) {
        let pixels = view.row(rect, row).as_chunks::<4>().0;
        let mut start = 0;
        while let Some(part) = pixels.get(start..start + usize::from(MARK)) {
            match part.windows(2).position(|two| two[0] != two[1]) {
                Some(0) => {}
                Some(flat) => {
                    start += flat;
                    continue;
                }
                None => {
                    start += usize::from(MARK) - 1;
                    continue;
                }
            }
            let structure = structure(part);
            if structure > best.0 {
                best = (structure, Some((rect.x + start as u16, rect.y + row)));
            }
            start += usize::from(MARK);
        }
    }
    best.1
}

/// How often the colour changes.
fn structure(pixels: &[[u8; 4]]) -> usize {
    pixels.windows(2).filter(|two| two[0] != two[1]).count()
}

fn pixels<'a>(view: View<'a>, (x, y): (u16, u16)) -> &'a [u8] {
    view.row(
        Rect {
            x,
            y,
            width: MARK,
            height: 1,
        },
        0,
    )
}

/// Straight up, down, to the left or right.
fn along(marks: &[(u16, u16)], bounds: Rect, view: View<'_>, sent: View<'_>) -> Vec<Displacement> {
    let mut votes = Votes::default();
    for &(x, y) in marks {
        let mark = pixels(view, (x, y));
        let rows = (bounds.y..bounds.y + bounds.height).map(|row| (x, row));
        let last = (bounds.x + bounds.width).saturating_sub(MARK);
        let columns = (bounds.x..last).map(|column| (column, y));
        let found = rows
            .chain(columns)
            .filter(|place| *place != (x, y) && pixels(sent, *place) == mark);
        votes.cast((x, y), found);
    }
    votes.winners(marks.len())
}

/// In any direction. Only one row in [`STRIDE`] is looked through: of as many rows of each mark one lies there.
fn anywhere(
    marks: &[(u16, u16)],
    bounds: Rect,
    view: View<'_>,
    sent: View<'_>,
) -> Vec<Displacement> {
    if bounds.area() > MOST_SEARCHED || bounds.width <= MARK {
        return Vec::new();
    }
    let mut sought = Vec::with_capacity(marks.len() * usize::from(STRIDE));
    let mut table: [Vec<u16>; SLOTS] = [const { Vec::new() }; SLOTS];
    for (mark, &(x, y)) in marks.iter().enumerate() {
        for below in 0..STRIDE.min(view.height - y) {
            let row = pixels(view, (x, y + below)).as_chunks::<4>().0;
            if row[0] != row[1] && structure(row) > LEAST_STRUCTURE {
                table[slot(row)].push(sought.len() as u16);
                sought.push((mark, below, row));
            }
        }
    }
    let mut found: Vec<Vec<(u16, u16)>> = vec![Vec::new(); marks.len()];
    for y in (bounds.y..bounds.y + bounds.height).step_by(STRIDE.into()) {
        let row = Rect {
            y,
            height: 1,
            ..bounds
        };
        let here = sent.row(row, 0).as_chunks::<4>().0.windows(MARK.into());
        for (x, here) in (bounds.x..).zip(here) {
            if here[0] == here[1] {
                continue;
            }
            for index in &table[slot(here)] {
                let (mark, below, row) = sought[usize::from(*index)];
                let places = &mut found[mark];
                if places.len() <= MOST_PLACES && here == row {
                    places.extend(y.checked_sub(below).map(|y| (x, y)));
                }
            }
        }
    }
    let mut votes = Votes::default();
    for (at, found) in marks.iter().zip(found) {
        votes.cast(*at, found.into_iter().filter(|place| place != at));
    }
    votes.winners(marks.len())
}

/// Where a row of pixels stands in a table: a few of them decide.
fn slot(row: &[[u8; 4]]) -> usize {
    let [a, b, c] = [0, row.len() / 2, row.len() - 1].map(|at| u32::from_le_bytes(row[at]));
    let mixed = a ^ b.rotate_left(11) ^ c.rotate_left(22);
    (mixed.wrapping_mul(0x9e37_79b1) >> 22) as usize
}

/// Which displacement most marks agree on.
#[derive(Default)]
struct Votes(Vec<(Displacement, usize)>);

impl Votes {
    /// A mark at `to` was found at these places; one that is everywhere tells nothing.
    fn cast(&mut self, to: (u16, u16), from: impl Iterator<Item = (u16, u16)>) {
        let places: Vec<_> = from.take(MOST_PLACES + 1).collect();
        if places.len() > MOST_PLACES {
            return;
        }
        for (x, y) in places {
            let by = (
                i32::from(to.0) - i32::from(x),
                i32::from(to.1) - i32::from(y),
            );
            match self.0.iter_mut().find(|(known, _)| *known == by) {
                Some((_, votes)) => *votes += 1,
                None => self.0.push((by, 1)),
            }
        }
    }

    /// Those that enough marks agree on, at most two: what repeats itself makes some votes ambiguous.
    fn winners(mut self, marks: usize) -> Vec<Displacement> {
        self.0.sort_by_key(|(_, votes)| std::cmp::Reverse(*votes));
        let enough = |votes: usize| votes >= LEAST_VOTES && votes * 4 >= marks;
        let winners = self.0.into_iter().filter(|(_, votes)| enough(*votes));
        winners.map(|(by, _)| by).take(2).collect()
    }
}

/// Where `rect` was, if all of that lies within the area.
fn displaced(rect: Rect, (dx, dy): Displacement, area: Rect) -> Option<Rect> {
    let x = u16::try_from(i32::from(rect.x) - dx).ok()?;
    let y = u16::try_from(i32::from(rect.y) - dy).ok()?;
    let from = Rect { x, y, ..rect };
    from.lies_within(area.width, area.height).then_some(from)
}

/// True if every pixel of `rect` is where the displacement says.
fn moved(rect: Rect, by: Displacement, view: View<'_>, sent: View<'_>) -> bool {
    displaced(rect, by, view.area())
        .is_some_and(|from| (0..rect.height).all(|row| view.row(rect, row) == sent.row(from, row)))
}

/// The rectangle of tiles that are as displaced in which most changed.
fn largest(
    changes: &[Rect],
    bounds: Rect,
    by: Displacement,
    view: View<'_>,
    sent: View<'_>,
) -> Option<Rect> {
    let (columns, rows) = bounds.tiles();
    let across = columns.len();
    // What changed above and to the left of each corner of the tiles.
    let mut sums = vec![0; (across + 1) * (rows.len() + 1)];
    let corner = |column: usize, row: usize| row * (across + 1) + column;
    for rect in changes {
        let (column, row) = (rect.x / TILE - columns.start, rect.y / TILE - rows.start);
        sums[corner(usize::from(column) + 1, usize::from(row) + 1)] += rect.area();
    }
    for row in 1..=rows.len() {
        for column in 1..=across {
            sums[corner(column, row)] += sums[corner(column - 1, row)]
                + sums[corner(column, row - 1)]
                - sums[corner(column - 1, row - 1)];
        }
    }
    let tile = |column: u16, row: u16| Rect::tile(column, row).intersection(view.area());
    let mut best = (0, None);
    let mut heights = vec![0u16; across];
    for row in rows.clone() {
        for (place, column) in columns.clone().enumerate() {
            heights[place] = match moved(tile(column, row), by, view, sent) {
                true => heights[place] + 1,
                false => 0,
            };
        }
        // Every rectangle whose lower edge is this row, narrowed from each of its left edges.
        for left in 0..across {
            let mut height = u16::MAX;
            for right in left..across {
                height = height.min(heights[right]);
                if height == 0 {
                    break;
                }
                let top = row + 1 - height;
                let (above, below) = (
                    usize::from(top - rows.start),
                    usize::from(row - rows.start) + 1,
                );
                let inside = sums[corner(right + 1, below)] + sums[corner(left, above)]
                    - sums[corner(left, below)]
                    - sums[corner(right + 1, above)];
                if inside > best.0 {
                    let corners = (
                        tile(columns.start + left as u16, top),
                        tile(columns.start + right as u16, row),
                    );
                    best = (inside, Some(corners.0.union(corners.1)));
                }
            }
        }
    }
    best.1
}

/// Moves each edge outwards while what it takes in is as displaced, by a tile at most.
fn grown(rect: Rect, by: Displacement, view: View<'_>, sent: View<'_>) -> Rect {
    let area = view.area();
    let mut rect = rect;
    for side in [Side::Top, Side::Bottom, Side::Left, Side::Right] {
        for _ in 0..TILE {
            let edge = side.beyond(rect);
            let taken = edge.filter(|edge| {
                edge.lies_within(area.width, area.height) && moved(*edge, by, view, sent)
            });
            match taken {
                Some(edge) => rect = rect.union(edge),
                None => break,
            }
        }
    }
    rect
}

#[derive(Clone, Copy)]
enum Side {
    Top,
    Bottom,
    Left,
    Right,
}

impl Side {
    /// The pixels just beyond that side of `rect`.
    fn beyond(self, rect: Rect) -> Option<Rect> {
        let (x, y) = match self {
            Self::Top => (rect.x, rect.y.checked_sub(1)?),
            Self::Bottom => (rect.x, rect.y.checked_add(rect.height)?),
            Self::Left => (rect.x.checked_sub(1)?, rect.y),
            Self::Right => (rect.x.checked_add(rect.width)?, rect.y),
        };
        let (width, height) = match self {
            Self::Top | Self::Bottom => (rect.width, 1),
            Self::Left | Self::Right => (1, rect.height),
        };
        Some(Rect {
            x,
            y,
            width,
            height,
        })
    }
}

/// Changed pixels that a move must save: less costs no more as pixels.
const LEAST: usize = 16 << 10;

/// Pixels of a mark.
const MARK: u16 = 24;

/// Rows from one that is looked through to the next.
const STRIDE: u16 = 4;

/// As many as the bits that `slot` leaves.
const SLOTS: usize = 1 << 10;

/// Changes of colour within a mark; less is found everywhere.
const LEAST_STRUCTURE: usize = 3;

const MOST_MARKS: usize = 48;

/// Places of a mark; more tell nothing.
const MOST_PLACES: usize = 12;

const LEAST_VOTES: usize = 3;

/// Pixels that are searched in every direction: a window's worth.
const MOST_SEARCHED: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: u16 = 640;
    const HEIGHT: u16 = 480;

    fn view(bgrx: &[u8]) -> View<'_> {
        View {
            width: WIDTH,
            height: HEIGHT,
            stride: usize::from(WIDTH) * 4,
            bgrx,
        }
    }

    /// Something like a page of text: every line another one.
    fn page(seed: u32) -> Vec<u8> {
        let pixel = |n: u32| {
            let (x, y) = (n % u32::from(WIDTH), n / u32::from(WIDTH));
            let mixed = (x / 2 + y / 2 * 977 + seed * 7919).wrapping_mul(2_654_435_761);
            let letter = (mixed ^ mixed >> 15).wrapping_mul(2_246_822_519) >> 31;
            if y % 16 < 11 && letter == 0 {
                0
            } else {
                0x00ff_ffffu32
            }
        };
        let pixels = 0..u32::from(WIDTH) * u32::from(HEIGHT);
        pixels.flat_map(|n| pixel(n).to_le_bytes()).collect()
    }

    fn copy(from: &[u8], source: Rect, to: &mut [u8], x: u16, y: u16) {
        for row in 0..source.height {
            let line = view(from).row(source, row);
            let start = (usize::from(y + row) * usize::from(WIDTH) + usize::from(x)) * 4;
            to[start..start + line.len()].copy_from_slice(line);
        }
    }

    /// One rectangle to a tile, as damage tells it.
    fn changes(now: &[u8], sent: &[u8]) -> Vec<Rect> {
        let mut damage = super::super::damage::Damage::everything(view(now).area());
        damage.take(view(now), view(sent))
    }

    fn rect(x: u16, y: u16, width: u16, height: u16) -> Rect {
        Rect {
            x,
            y,
            width,
            height,
        }
    }

    #[test]
    fn scrolled_text_is_found_to_its_edges() {
        let sent = page(1);
        let mut now = sent.clone();
        let inside = rect(37, 50, 500, 350);
        copy(&page(2), rect(37, 352, 500, 48), &mut now, 37, 352);
        copy(&sent, rect(37, 98, 500, 302), &mut now, 37, 50);
        let found = find(&changes(&now, &sent), view(&now), view(&sent)).unwrap();
        assert!(found.to.contains(rect(37, 50, 500, 302)), "{found:?}");
        assert_eq!((found.x, found.y), (found.to.x, found.to.y + 48));
        assert!(inside.contains(found.to) || found.to.area() < inside.area() * 2);
        for row in 0..found.to.height {
            assert_eq!(
                view(&now).row(found.to, row),
                view(&sent).row(found.from(), row)
            );
        }
    }

    #[test]
    fn a_dragged_window_is_found_in_any_direction() {
        let ground = vec![0x40; page(0).len()];
        for (dx, dy) in [(13, 0), (0, -20), (17, 9), (-31, 22)] {
            let (mut sent, mut now) = (ground.clone(), ground.clone());
            let window = rect(0, 0, 300, 250);
            copy(&page(3), window, &mut sent, 150, 100);
            let (x, y) = ((150 + dx) as u16, (100 + dy) as u16);
            copy(&page(3), window, &mut now, x, y);
            let found = find(&changes(&now, &sent), view(&now), view(&sent)).unwrap();
            assert!(found.to.contains(rect(x, y, 300, 250)), "{found:?}");
            assert_eq!(
                (
                    i32::from(found.to.x) - i32::from(found.x),
                    i32::from(found.to.y) - i32::from(found.y)
                ),
                (dx, dy)
            );
        }
    }

    #[test]
    fn what_is_new_has_moved_from_nowhere() {
        assert_eq!(
            find(&changes(&page(5), &page(6)), view(&page(5)), view(&page(6))),
            None
        );
        // A plain area is found everywhere: it tells nothing, and packs to nothing.
        let (white, black) = (vec![255; page(0).len()], vec![0; page(0).len()]);
        assert_eq!(
            find(&changes(&white, &black), view(&white), view(&black)),
            None
        );
        assert_eq!(find(&[], view(&white), view(&black)), None);
    }
}
