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
    /// When each tile last changed, for tiles that are lossy.
    pub(super) changed: Vec<Option<Instant>>,
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
            changed: vec![None; columns.len() * rows.len()],
        }
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
        let across = usize::from(
            Rect {
                x: 0,
                y: 0,
                width: self.width,
                height: 1,
            }
            .tiles()
            .0
            .end,
        );
        for Box { rect, .. } in boxes {
            let (columns, rows) = rect.tiles();
            for row in rows {
                for column in columns.clone() {
                    let lossy = !self.ledger.exact(column, row);
                    self.changed[usize::from(row) * across + usize::from(column)] =
                        lossy.then_some(now);
                }
            }
        }
    }

    /// Lossy tiles that did not change for `rest`, in reading order.
    pub(super) fn at_rest(&self, now: Instant, rest: Duration) -> impl Iterator<Item = Rect> {
        let (columns, _) = self.view().area().tiles();
        self.changed
            .iter()
            .enumerate()
            .filter_map(move |(index, changed)| {
                let (row, column) = (index / columns.len(), index % columns.len());
                let rests = changed.is_some_and(|at| now.saturating_duration_since(at) >= rest);
                rests.then(|| self.ledger.tile(column as u16, row as u16))
            })
    }
}
