//! Fernsicht's agent: the customer's program.

pub mod app;
pub mod cli;
pub mod encode;
pub mod format;
pub mod hand;
pub mod instance;
pub mod platform;
pub mod program;
mod receipt;
pub mod session;
pub mod texts;
pub mod ui;
pub mod view;
