//! Where the window system has no surface of ours: the picture is drawn as textures.

use std::io;

use super::{Frame, Glass, Gone};
use fernsicht_protocol::picture::Rect;

/// Nobody sleeps by it.
#[derive(Debug, Clone)]
pub(super) struct Waker(());

impl Waker {
    /// Errors: none.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(()))
    }

    /// Wakes nobody.
    pub(super) fn wake(&self) {}
}

/// There is none.
pub(super) enum Child {}

impl Child {
    /// None.
    pub(super) fn open(_: u32) -> Result<Option<Self>, Gone> {
        Ok(None)
    }
}

impl Glass for Child {
    fn place(&mut self, _: Frame, _: &[Rect]) -> Result<(), Gone> {
        match *self {}
    }
    fn write(&mut self, _: usize, _: &mut dyn Iterator<Item = &[u8]>) -> Result<(), Gone> {
        match *self {}
    }
    fn show(&mut self, _: &[(Rect, usize)]) -> Result<(), Gone> {
        match *self {}
    }
    fn hide(&mut self) -> Result<(), Gone> {
        match *self {}
    }
    fn wait(&mut self, _: &Waker, _: &mut Vec<Rect>) -> Result<(), Gone> {
        match *self {}
    }
}
