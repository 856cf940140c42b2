//! The auditor's program: opens one recording on a complaint, shows it and exports it.
//!
//! ```text
//! records (opened) ─► index (what is when) ─► replay (state and picture at a time) ─► ui, export
//! ```

pub mod index;
pub mod replay;
#[cfg(test)]
pub(crate) mod sample;
pub mod ui;
