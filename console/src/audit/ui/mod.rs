//! The auditor's window: a guided path from the passphrase to the report.
//!
//! ```text
//! enrol ─► unlock ─► case ─► verification ─► replay ─► export ─► close
//!
//! window ── Command (bounded) ──► engine thread ──► Office: keys, link, recording, files
//!        ◄── View (newest) ─────        └─ Replay ─► Board (picture)
//! ```
//!
//! Pages are functions of what is to be seen; they return a [`Wish`] and do nothing themselves.

pub mod app;
pub mod engine;
#[cfg(test)]
pub(crate) mod fake;
pub mod list;
pub mod office;
pub mod pages;
pub mod player;
mod screen;
pub mod talk;
pub mod timeline;
pub mod verification;
pub mod view;

use super::index::Time;
use crate::texts::Language;

pub use super::Failure;
use super::words::failure_text;

/// What the auditor wants, by whatever key or button.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wish {
    /// What stands in the form is to be done.
    Submit,
    /// The facts of the relay anew.
    Refresh,
    /// From the verification to the replay.
    Watch,
    /// Back to the verification.
    Verification,
    /// To the export.
    Export,
    /// Begin the export as the form says.
    StartExport,
    /// Stop what is under way.
    Cancel,
    /// Leave the case.
    Close,
    /// Play or pause.
    Play(bool),
    /// Another speed, in halves.
    Speed(u8),
    /// Go there.
    Seek(Time),
    /// Show what was typed in this act.
    Reveal(usize),
    /// Mask it again.
    Mask(usize),
    /// 1:1 or fitted.
    ToggleScale,
    /// Speak another language.
    Language(Language),
}
