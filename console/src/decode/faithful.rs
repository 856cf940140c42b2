//! Stands where builds for tests may draw areas wrong: does nothing.

use fernsicht_protocol::picture::{Code, Rect};

use super::canvas::Canvas;

/// Nothing.
#[derive(Debug, Default)]
pub(super) struct Corruption;

impl Corruption {
    pub(super) fn new() -> Self {
        Self
    }

    pub(super) fn handle_area(&mut self, _: Rect, _: &Code, _: &mut Canvas) {}
}
