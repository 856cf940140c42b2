//! Where the picture may have changed, and where it really has.
//!
//! ```text
//! add: rectangles of the platform's notices ─► one rectangle for each tile touched
//! take: compared with what was last sent    ─► one tight rectangle for each tile changed
//! merge: neighbours with little between them ─► few rectangles, still disjoint
//! ```
//!
//! Not here: what is done about a change ([`super::Encoder`]).

use fernsicht_protocol::picture::{Rect, TILE, View};

/// The part of each tile that may have changed.
#[derive(Debug)]
pub(super) struct Damage {
    area: Rect,
    columns: usize,
    tiles: Vec<Rect>,
    any: bool,
}

impl Damage {
    /// Nothing has changed.
    pub(super) fn nothing(area: Rect) -> Self {
        let (columns, rows) = area.tiles();
        Self {
            area,
            columns: columns.len(),
            tiles: vec![Rect::default(); columns.len() * rows.len()],
            any: false,
        }
    }

    /// Everything may have changed.
    pub(super) fn everything(area: Rect) -> Self {
        let mut damage = Self::nothing(area);
        damage.add(area);
        damage
    }

    /// `rect` may have changed; what lies outside the area is ignored.
    pub(super) fn add(&mut self, rect: Rect) {
        let rect = rect.intersection(self.area);
        if rect.is_empty() {
            return;
        }
        self.any = true;
        let (columns, rows) = rect.tiles();
        for row in rows {
            for column in columns.clone() {
                let tile = Rect::tile(column, row);
                let slot = &mut self.tiles[usize::from(row) * self.columns + usize::from(column)];
                *slot = slot.union(rect.intersection(tile));
            }
        }
    }

    /// True if nothing may have changed.
    pub(super) fn is_empty(&self) -> bool {
        !self.any
    }

    /// What differs between `view` and `sent`, at most one rectangle for each tile, in
    /// reading order of the tiles. Nothing is damaged afterwards.
    pub(super) fn take(&mut self, view: View<'_>, sent: View<'_>) -> Vec<Rect> {
        if !std::mem::take(&mut self.any) {
            return Vec::new();
        }
        self.tiles
            .iter_mut()
            .map(std::mem::take)
            .filter(|rect| !rect.is_empty())
            .filter_map(|rect| difference(rect, view, sent))
            .collect()
    }
}

/// The smallest rectangle within `rect` that holds all that differs.
fn difference(rect: Rect, view: View<'_>, sent: View<'_>) -> Option<Rect> {
    let differs = |row: &u16| view.row(rect, *row) != sent.row(rect, *row);
    let top = (0..rect.height).find(differs)?;
    let bottom = (top..rect.height).rev().find(differs)?;
    let (mut left, mut right) = (rect.width, 0);
    for row in top..=bottom {
        let (new, old) = (
            view.row(rect, row).as_chunks::<4>().0,
            sent.row(rect, row).as_chunks::<4>().0,
        );
        let mut pairs = new.iter().zip(old);
        // Only what lies outside the columns known to differ can widen them.
        if let Some(first) = pairs.clone().take(left.into()).position(|(a, b)| a != b) {
            left = first as u16;
        }
        let tail = usize::from(rect.width - right);
        if let Some(last) = pairs.by_ref().rev().take(tail).position(|(a, b)| a != b) {
            right = rect.width - last as u16;
        }
    }
    Some(Rect {
        x: rect.x + left,
        y: rect.y + top,
        width: right - left,
        height: bottom - top + 1,
    })
}

/// Joins neighbours where little else comes in between. Takes rectangles as
/// [`Damage::take`] gives them; each result owns all tiles that it touches.
pub(super) fn merge(changes: &[Rect]) -> Vec<Rect> {
    let mut runs: Vec<Rect> = Vec::new();
    for &rect in changes {
        match runs.last_mut() {
            Some(last)
                if last.tiles().1 == rect.tiles().1
                    && last.tiles().0.end == rect.tiles().0.start
                    && close(*last, rect) =>
            {
                *last = last.union(rect);
            }
            _ => runs.push(rect),
        }
    }
    let mut merged: Vec<Rect> = Vec::new();
    // Only what reaches the tile row above can be continued; runs come in reading order.
    let mut open = 0;
    for rect in runs {
        let row = rect.tiles().1.start;
        while merged.get(open).is_some_and(|m| m.tiles().1.end < row) {
            open += 1;
        }
        let above = merged[open..]
            .iter_mut()
            .find(|m| m.tiles().1.end == row && m.tiles().0 == rect.tiles().0 && close(**m, rect));
        match above {
            Some(above) => *above = above.union(rect),
            None => merged.push(rect),
        }
    }
    merged
}

/// True if joining costs little: a box of its own costs about as much as 64 pixels.
fn close(a: Rect, b: Rect) -> bool {
    let apart = a.area() + b.area();
    a.union(b).area() <= apart + apart / 4 + 64
}

/// The largest group of neighbouring tiles, as one rectangle of whole tiles, and the
/// number of its tiles. `changes` as [`Damage::take`] gives them.
pub(super) fn largest_group(changes: &[Rect]) -> Option<(Rect, usize)> {
    let place = |r: &Rect| (r.x / TILE, r.y / TILE);
    let mut left: std::collections::HashSet<(u16, u16)> = changes.iter().map(place).collect();
    let mut best: Option<(Rect, usize)> = None;
    for start in changes.iter().map(place) {
        if !left.remove(&start) {
            continue;
        }
        let (mut group, mut count, mut open) = (Rect::default(), 0, vec![start]);
        while let Some((column, row)) = open.pop() {
            count += 1;
            group = group.union(Rect {
                x: column * TILE,
                y: row * TILE,
                width: TILE,
                height: TILE,
            });
            for near_row in row.saturating_sub(1)..=row + 1 {
                for near_column in column.saturating_sub(1)..=column + 1 {
                    if left.remove(&(near_column, near_row)) {
                        open.push((near_column, near_row));
                    }
                }
            }
        }
        if best.is_none_or(|(_, most)| count > most) {
            best = Some((group, count));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: u16 = 200;
    const HEIGHT: u16 = 150;

    fn view(bgrx: &[u8]) -> View<'_> {
        View {
            width: WIDTH,
            height: HEIGHT,
            stride: usize::from(WIDTH) * 4,
            bgrx,
        }
    }

    fn pixels() -> Vec<u8> {
        vec![0; usize::from(WIDTH) * usize::from(HEIGHT) * 4]
    }

    fn set(pixels: &mut [u8], x: usize, y: usize) {
        pixels[(y * usize::from(WIDTH) + x) * 4] = 1;
    }

    #[test]
    fn damage_that_changed_nothing_vanishes() {
        let sent = pixels();
        let mut damage = Damage::everything(view(&sent).area());
        assert!(damage.take(view(&sent), view(&sent)).is_empty());
        assert!(damage.is_empty());
    }

    #[test]
    fn changes_are_tight() {
        let (sent, mut now) = (pixels(), pixels());
        set(&mut now, 10, 20);
        set(&mut now, 30, 22);
        set(&mut now, 199, 149);
        let mut damage = Damage::everything(view(&sent).area());
        assert_eq!(
            damage.take(view(&now), view(&sent)),
            [
                Rect {
                    x: 10,
                    y: 20,
                    width: 21,
                    height: 3
                },
                Rect {
                    x: 199,
                    y: 149,
                    width: 1,
                    height: 1
                }
            ]
        );
    }

    #[test]
    fn damage_beyond_the_area_is_ignored() {
        let sent = pixels();
        let mut damage = Damage::everything(view(&sent).area());
        damage.take(view(&sent), view(&sent));
        damage.add(Rect {
            x: 200,
            y: 0,
            width: 10,
            height: 10,
        });
        assert!(damage.is_empty());
        damage.add(Rect {
            x: u16::MAX,
            y: u16::MAX,
            width: u16::MAX,
            height: u16::MAX,
        });
        assert!(damage.is_empty());
    }

    #[test]
    fn full_tiles_merge_to_one_box() {
        let sent = pixels();
        let now = vec![1; sent.len()];
        let mut damage = Damage::everything(view(&sent).area());
        let changes = damage.take(view(&now), view(&sent));
        assert_eq!(changes.len(), 12);
        assert_eq!(merge(&changes), [view(&now).area()]);
    }

    #[test]
    fn merged_boxes_are_disjoint_and_cover_all() {
        use rand_core::{OsRng, RngCore};
        for _ in 0..200 {
            let (sent, mut now) = (pixels(), pixels());
            for _ in 0..OsRng.next_u32() % 60 {
                set(
                    &mut now,
                    OsRng.next_u32() as usize % 200,
                    OsRng.next_u32() as usize % 150,
                );
            }
            let merged =
                merge(&Damage::everything(view(&sent).area()).take(view(&now), view(&sent)));
            for y in 0..HEIGHT {
                for x in 0..WIDTH {
                    let pixel = Rect {
                        x,
                        y,
                        width: 1,
                        height: 1,
                    };
                    let holders = merged.iter().filter(|r| r.contains(pixel)).count();
                    let changed = view(&now).row(pixel, 0) != view(&sent).row(pixel, 0);
                    assert!(holders == 1 || (holders == 0 && !changed), "{x}, {y}");
                }
            }
        }
    }

    #[test]
    fn groups_of_tiles() {
        let tile = |c: u16, r: u16| Rect {
            x: c * 64 + 3,
            y: r * 64,
            width: 5,
            height: 5,
        };
        let found = largest_group(&[tile(0, 0), tile(5, 5), tile(6, 6), tile(7, 6)]);
        assert_eq!(
            found,
            Some((
                Rect {
                    x: 320,
                    y: 320,
                    width: 192,
                    height: 128
                },
                3
            ))
        );
        assert_eq!(largest_group(&[]), None);
    }
}
