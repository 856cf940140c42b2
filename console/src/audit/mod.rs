//! The auditor's program: opens one recording on a complaint, shows it and exports it.
//!
//! ```text
//! cli, ui ─► identity (keys, passphrase) ─► link ─► relay
//!              └─► complaint (code, receipt) ─► case (opened, verified) ─► facts ─► report
//!                                                 └─► index ─► replay ─► ui, export (video)
//! ```

pub mod args;
pub mod canvas;
pub mod case;
pub mod cases;
pub mod cli;
pub mod complaint;
pub mod enrol;
pub mod export;
pub mod facts;
mod failure;
pub mod identity;
pub mod index;
pub mod link;
pub mod office;
pub mod passphrase;
pub mod replay;
pub mod report;
#[cfg(test)]
pub(crate) mod sample;
pub mod source;
pub mod ui;
pub mod video;
pub mod words;

pub use failure::{Exit, Failure};

/// This computer's clock, in seconds since 1970 UTC.
pub(crate) fn now_unix_s() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// One line to standard error.
pub(crate) fn say_aside(text: &str) {
    use std::io::Write as _;
    // Where nobody listens there is nobody to tell that nobody listens.
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}
