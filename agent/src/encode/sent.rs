//! What the encoder keeps of the picture: as it was last sent, with what may differ since.

use std::time::{Duration, Instant};

use fernsicht_protocol::picture::seen::Patch;
use fernsicht_protocol::picture::{Box, Code, Ledger, Rect, Seen, View};

use super::damage::Damage;
use super::moves;

/// The picture as the console has it, but for lossy tiles: those are as they were meant.
pub(super) struct Sent {
    pub(super) generation: u32,
    pub(super) width: u16,
    pub(super) height: u16,
    bgrx: Vec<u8>,
    pub(super) ledger: Ledger,
    pub(super) seen: Seen,
    pub(super) damage: Damage,
    /// When each tile was drawn last, and the time before.
    drawn: Vec<[Option<Instant>; 2]>,
}

impl Sent {
    pub(super) fn new(generation: u32, area: Rect) -> Self {
        let (columns, rows) = area.tiles();
        Self {
            generation,
            width: area.width,
            height: area.height,
            bgrx: vec![0; area.area() * 4],
            ledger: Ledger::new(area.width, area.height),
            seen: Seen::default(),
            damage: Damage::everything(area),
            drawn: vec![[None; 2]; columns.len() * rows.len()],
        }
    }

    /// Nothing has been sent, and everything may have changed. When it was drawn is still known: a film goes on.
    pub(super) fn restart(&mut self) {
        let drawn = std::mem::take(&mut self.drawn);
        *self = Self {
            drawn,
            ..Self::new(self.generation, self.view().area())
        };
    }

    /// True if these are pixels of the layout's size.
    pub(super) fn shows(&self, view: View<'_>) -> bool {
        view.sound() && (view.width, view.height) == (self.width, self.height)
    }

    pub(super) fn view(&self) -> View<'_> {
        View {
            width: self.width,
            height: self.height,
            stride: usize::from(self.width) * 4,
            bgrx: &self.bgrx,
        }
    }

    /// What of the damage differs from what was sent.
    pub(super) fn take_changes(&mut self, view: View<'_>) -> Vec<Rect> {
        let stride = usize::from(self.width) * 4;
        let sent = View {
            width: self.width,
            height: self.height,
            stride,
            bgrx: &self.bgrx,
        };
        self.damage.take(view, sent)
    }

    /// Takes what only moved out of the changes, where the console has its source exactly. What is kept of the picture
    /// is then as if it had been sent.
    pub(super) fn take_move(&mut self, changes: &mut Vec<Rect>, view: View<'_>) -> Option<Box> {
        let found = moves::find(changes, view, self.view())?;
        if !self.ledger.all_exact(found.from()) {
            return None;
        }
        self.keep(found.to, view);
        self.damage.add(found.to);
        for rect in changes.drain(..) {
            self.damage.add(rect);
        }
        *changes = self.take_changes(view);
        let (x, y) = (found.x, found.y);
        Some(Box {
            rect: found.to,
            code: Code::Moved { x, y },
        })
    }

    /// Keeps what `view` shows there.
    fn keep(&mut self, rect: Rect, view: View<'_>) {
        let stride = usize::from(self.width) * 4;
        for row in 0..rect.height {
            let start = usize::from(rect.y + row) * stride + usize::from(rect.x) * 4;
            self.bgrx[start..start + usize::from(rect.width) * 4]
                .copy_from_slice(view.row(rect, row));
        }
    }

    pub(super) fn draw(&mut self, boxes: &[Box], view: View<'_>, now: Instant) {
        let stride = usize::from(self.width) * 4;
        let small = Seen::small(boxes);
        for Box { rect, code } in boxes {
            // What moved is kept since it was found.
            if !matches!(code, Code::Moved { .. }) {
                self.keep(*rect, view);
            }
            if small && code.packed() {
                self.seen.keep(Patch::of(*rect, view));
            }
        }
        let picture = View {
            width: self.width,
            height: self.height,
            stride,
            bgrx: &self.bgrx,
        };
        self.ledger.drawn(boxes, picture);
        for Box { rect, .. } in boxes {
            for index in self.indices(*rect) {
                let [last, _] = self.drawn[index];
                // Several boxes of an update may meet in a tile.
                if last != Some(now) {
                    self.drawn[index] = [Some(now), last];
                }
            }
        }
    }

    /// True if most of the tiles of these rectangles were drawn twice within `time` before: once is a page that comes
    /// piece by piece.
    pub(super) fn moving(&self, rects: &[Rect], now: Instant, time: Duration) -> bool {
        let tiles = || rects.iter().flat_map(|rect| self.indices(*rect));
        let recent = |at: Instant| now.saturating_duration_since(at) < time;
        let moving = tiles().filter(|index| self.drawn[*index][1].is_some_and(recent));
        moving.count() * 2 > tiles().count()
    }

    /// When the lossy tile that has rested longest was drawn.
    pub(super) fn longest_at_rest(&self) -> Option<Instant> {
        self.lossy().map(|(_, drawn)| drawn).min()
    }

    /// Lossy tiles and when they were drawn, in reading order.
    fn lossy(&self) -> impl Iterator<Item = (Rect, Instant)> {
        let across = self.across();
        let drawn = self.drawn.iter().enumerate();
        drawn.filter_map(move |(index, drawn)| {
            let (row, column) = ((index / across) as u16, (index % across) as u16);
            let drawn = drawn[0].filter(|_| !self.ledger.exact(column, row))?;
            Some((self.ledger.tile(column, row), drawn))
        })
    }

    /// Tiles side by side.
    fn across(&self) -> usize {
        self.view().area().tiles().0.len()
    }

    /// The tiles that `rect` touches.
    fn indices(&self, rect: Rect) -> impl Iterator<Item = usize> + use<> {
        let across = self.across();
        let (columns, rows) = rect.tiles();
        rows.flat_map(move |row| {
            let columns = columns.clone();
            columns.map(move |column| usize::from(row) * across + usize::from(column))
        })
    }

    /// Lossy tiles that were not drawn for `rest`, in reading order.
    pub(super) fn at_rest(&self, now: Instant, rest: Duration) -> impl Iterator<Item = Rect> {
        let rests = move |at: Instant| now.saturating_duration_since(at) >= rest;
        self.lossy()
            .filter(move |(_, drawn)| rests(*drawn))
            .map(|(tile, _)| tile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_twice_within_a_moment_moves() {
        let (width, height) = (128u16, 64u16);
        let bgrx = vec![7; usize::from(width) * usize::from(height) * 4];
        let view = View {
            width,
            height,
            stride: usize::from(width) * 4,
            bgrx: &bgrx,
        };
        let (left, right) = (Rect::tile(0, 0), Rect::tile(1, 0));
        let lines = [0, 32].map(|y| Box {
            rect: Rect {
                y,
                height: 32,
                ..left
            },
            code: Code::Colours,
        });
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut sent = Sent::new(1, view.area());
        let moving = |sent: &Sent, rects: &[Rect], ms| {
            sent.moving(rects, at(ms), Duration::from_millis(500))
        };
        sent.draw(&lines, view, start);
        assert!(!moving(&sent, &[left], 100), "one update, of two lines");
        sent.draw(&lines, view, at(100));
        assert!(moving(&sent, &[left], 499) && !moving(&sent, &[left], 500));
        assert!(!moving(&sent, &[left, right], 200), "one of two");
        assert!(!moving(&sent, &[right], 200));
    }
}
