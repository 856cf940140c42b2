//! The customer's pointer: where it is and how it looks, apart from the picture.
//!
//! Not here: how often a move is worth a frame.

use super::PointerShape;
pub use super::system::pointer::Pointer;

/// What happened to the pointer; says nothing of where or how it looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PointerNotice {
    /// It moved.
    pub moved: bool,
    /// It looks different.
    pub shape: bool,
    /// A [`Waker`] ended the wait.
    pub woken: bool,
}

impl PointerNotice {
    pub(super) fn nothing(self) -> bool {
        self == Self::default()
    }
}

/// The pointer of this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointerState {
    /// The hot spot's column on the desktop.
    pub x: i16,
    /// The hot spot's row on the desktop.
    pub y: i16,
    /// The shape, if it is new since the last read.
    pub shape: Option<PointerShape>,
}
