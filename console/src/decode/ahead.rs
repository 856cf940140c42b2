//! What is drawn over the picture before its turn, and taken back.
//!
//! ```text
//! draw(update) ─► drawn whole, or not at all; what was there is kept ─► take_back: as it was
//! ```
//!
//! Who looks ahead and who replays what was seen then draw the same pixels: both do it here.

use fernsicht_protocol::picture::seen::{self, Patch};
use fernsicht_protocol::picture::{Box, Code, History, Rect, Update};

use super::exact::{self, Unpacker};
use super::{Canvas, Error};

/// What is drawn over the picture before its turn.
#[derive(Debug, Default)]
pub struct Ahead {
    sequences: Vec<u64>,
    areas: Vec<Rect>,
    /// What was at each of the areas before it was drawn over.
    before: Vec<Patch>,
}

impl Ahead {
    /// Which updates, in the order in which they are drawn.
    pub fn sequences(&self) -> &[u64] {
        &self.sequences
    }

    /// Where.
    pub fn areas(&self) -> &[Rect] {
        &self.areas
    }

    /// Draws an update over the picture and what is drawn over it already. Errors: [`Error::Dependent`], or what would be
    /// wrong with it in its turn; nothing of it is drawn then.
    pub(super) fn draw(
        &mut self,
        update: &Update,
        canvas: &mut Canvas,
        unpacker: &mut Unpacker,
    ) -> Result<(), Error> {
        if !alone(update) {
            return Err(Error::Dependent);
        }
        update.fits(canvas.width(), canvas.height())?;
        let mut raw = unpacker.unpack(update, &mut History::default())?;
        let drawn_before = self.areas.len();
        for Box { rect, code } in &update.boxes.0 {
            let size = rect.area() * code.raw_bytes();
            let drawn = match std::mem::take(&mut raw).split_at_mut_checked(size) {
                Some((pixels, rest)) => {
                    raw = rest;
                    self.before.push(Patch::of(*rect, canvas.view()));
                    self.areas.push(*rect);
                    exact::draw_box(canvas, *rect, code, pixels, &update.palette.0)
                }
                None => Err(Error::Pixels),
            };
            if drawn.is_err() {
                self.undo(drawn_before, canvas);
                return drawn;
            }
        }
        self.sequences.push(update.sequence);
        Ok(())
    }

    /// The picture is as it was. Returns where it was drawn over.
    pub(super) fn take_back(&mut self, canvas: &mut Canvas) -> Vec<Rect> {
        self.sequences.clear();
        self.undo(0, canvas)
    }

    /// Takes back all areas but the first so many.
    fn undo(&mut self, kept: usize, canvas: &mut Canvas) -> Vec<Rect> {
        let areas = self.areas.split_off(kept);
        let before = self.before.split_off(kept);
        for (rect, patch) in areas.iter().zip(&before).rev() {
            canvas.draw_seen(*rect, patch);
        }
        areas
    }
}

/// True for a small update that needs nothing of those before it.
fn alone(update: &Update) -> bool {
    let needs_nothing = |each: &Box| each.code.packed() || matches!(each.code, Code::Solid(_));
    let boxes = &update.boxes.0;
    let pixels: usize = boxes.iter().map(|each| each.rect.area()).sum();
    update.complete.is_none()
        && !update.history
        && !boxes.is_empty()
        && pixels <= seen::SMALL
        && boxes.iter().all(needs_nothing)
}
