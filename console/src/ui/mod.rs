//! The window: draws what the engine's view says, and sends what the technician wants.
//!
//! ```text
//! winit events ─► window (intake) ─┬─► input::Capture ─► engine        over the picture, under control
//!                                  └─► eframe ─► app ─► pages, bar, surface
//! ```
//!
//! Pages are functions of what is to be seen; they return an [`Action`] and do nothing themselves.

pub mod app;
pub mod bar;
pub mod chat;
pub mod menu;
pub mod native;
pub mod own;
pub mod pages;
pub mod pieces;
pub mod place;
pub mod placement;
mod shrink;
pub mod signs;
pub mod surface;
pub mod tokens;
pub mod viewing;
pub mod window;
pub mod words;

use crate::input::special::Combination;
use crate::texts::Language;

/// What a path is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathFor {
    /// A file that goes to the customer.
    File,
    /// The folder for a file of the customer's.
    Folder,
}

/// What the technician wants, by whatever key or button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Enrol with this token.
    Enrol(String),
    /// A session, or a new code.
    NewSession,
    /// The code to the clipboard.
    Copy,
    /// The clipboard as the token.
    Paste,
    /// Give the code up, or leave the last page.
    Dismiss,
    /// Ask whether to end the session.
    AskEnd,
    /// End the session.
    End,
    /// Do not end it.
    KeepOn,
    /// How the picture is looked at: its size, one of its screens, what of it.
    View(viewing::Act),
    /// Fill the screen or not.
    ToggleFullScreen,
    /// Statistics on or off.
    ToggleStatistics,
    /// The customer's pointer on or off.
    TogglePointer,
    /// The bar on or off.
    ToggleBar,
    /// The menu of the session on or off.
    ToggleMenu,
    /// Send these keys.
    Keys(Combination),
    /// The clipboard's text for the customer's clipboard.
    SendClipboard,
    /// Ask which file goes to the customer, or which folder takes one of his.
    AskPath(PathFor),
    /// The path's page is closed.
    KeepPath,
    /// Send this file.
    SendFile(std::path::PathBuf),
    /// Ask the customer for a file, into this folder.
    AskFile(std::path::PathBuf),
    /// Give up the text or file that is under way.
    CancelPiece,
    /// The case number, as far as it is typed.
    Case(String),
    /// The note on the session that is over, as far as it is typed.
    Note(String),
    /// Say that a click points.
    Pointed,
    /// Say that F11 is not sent.
    StopKey,
    /// Say that control is off.
    NoControl,
    /// The chat with the customer on or off.
    ToggleChat,
    /// The chat's field gives the keyboard back.
    LeaveChat,
    /// Send this line to the customer.
    Write(String),
    /// Say that the agent's own windows take no click.
    OwnArea,
    /// Speak another language.
    Language(Language),
}
