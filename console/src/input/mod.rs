//! From the technician's hands to input events.
//!
//! ```text
//! winit event ─► window (crate::ui::window) ─► Capture ─► InputEvent ─► engine
//! ```
//!
//! Events are taken before egui sees them: egui turns Ctrl+C, X and V into commands of its own,
//! moves the focus at Tab and repaints at every motion.

pub mod capture;
pub mod keys;
pub mod special;
