//! Where the window system has no surface of ours: the picture is drawn as textures.

use std::io;

use fernsicht_protocol::content::PointerShape;
use fernsicht_protocol::picture::Rect;
use winit::raw_window_handle::RawWindowHandle;

use super::{Frame, Glass, Gone};

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

/// No window has a surface of ours here.
pub(super) fn number(_: RawWindowHandle) -> Option<u32> {
    None
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
    fn point(&mut self, _: &PointerShape) -> Result<(), Gone> {
        match *self {}
    }
    fn hide(&mut self) -> Result<(), Gone> {
        match *self {}
    }
    fn wait(&mut self, _: &Waker, _: &mut Vec<Rect>) -> Result<(), Gone> {
        match *self {}
    }
}
