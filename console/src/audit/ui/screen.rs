//! Brings the replayed picture onto the board that the window draws from.

use std::time::Instant;

use fernsicht_protocol::content::Pointer;

use crate::audit::index::Source;
use crate::audit::replay::{Moment, Replay, Shown};
use crate::picture::{self, Mark};

/// Brings the replayed picture onto the board.
pub(super) struct Screen {
    board: picture::Shared,
    sight: u64,
    /// True while the board shows the replay's canvas.
    showing: bool,
    /// The board takes pointers in rising order only.
    pointers: u64,
    /// The shape that the board has.
    shape: Option<usize>,
}

impl Screen {
    pub(super) fn new(board: picture::Shared) -> Self {
        let sight = board.lock().forget();
        Self {
            board,
            sight,
            showing: false,
            pointers: 0,
            shape: None,
        }
    }

    /// What is seen at `moment`, which the replay has just gone to.
    pub(super) fn show(&mut self, replay: &mut Replay<impl Source>, moment: &Moment) {
        let changed = replay.take_changed();
        if moment.shown == Shown::Nothing {
            self.clear();
        } else if let Some(view) = replay.view() {
            let whole = [view.area()];
            let areas = match changed.afresh || !self.showing {
                true => whole.as_slice(),
                false => changed.areas.as_slice(),
            };
            self.board.lock().draw(
                self.sight,
                view,
                areas,
                Some(Mark::default()),
                Instant::now(),
            );
            self.showing = true;
        }
        self.point(moment);
    }

    fn point(&mut self, moment: &Moment) {
        let shape = moment.pointer.as_ref().and_then(|p| p.shape.as_ref());
        let new = shape.filter(|s| self.shape != Some(s.0));
        self.pointers += 1;
        let at = moment.pointer.as_ref().map(|p| (p.x, p.y));
        let pointer = Pointer {
            sequence: self.pointers,
            visible: at.is_some(),
            x: at.unwrap_or_default().0,
            y: at.unwrap_or_default().1,
            shape: new.map(|s| (*s.1).clone()),
        };
        self.shape = shape.map(|s| s.0).or(self.shape);
        self.board.lock().handle_pointer(pointer);
    }

    /// Nothing is seen.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.showing) {
            self.sight = self.board.lock().clear();
        }
    }

    /// The recording is closed.
    pub(super) fn forget(&mut self) {
        (self.showing, self.shape, self.pointers) = (false, None, 0);
        self.sight = self.board.lock().forget();
    }
}
