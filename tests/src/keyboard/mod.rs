//! What the technician types on one layout arrives at a customer with another: read back from files that
//! ordinary editors saved.
//!
//! ```text
//! Layout ─► Text (every printable character of both) ─► Hands (the keys that make each) ─► console … agent
//!                                                                 Editor (GTK, xterm, Chromium) ─► file ◄┘
//! ```
//! - [`layout`] names the layouts and what their keys can make; [`compose`] how dead keys and Compose make the rest.
//! - [`hands`] presses the technician's keys and waits until they have arrived.
//! - [`editors`] are the three editors; [`page`] serves the browser its text field.
//! - [`matrix`] puts them together.

pub mod compose;
pub mod editors;
pub mod hands;
pub mod layout;
pub mod matrix;
pub mod page;
