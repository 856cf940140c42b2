//! Starting this program anew with administrator rights, which the system asks the person for.
//!
//! ```text
//! Restart::open ─► start ─► the system asks ─► Successor: waits for this one's place
//!       │                          └─────────► Error
//!       └─► none: this program has the rights already, or there is no such thing here
//! ```
//!
//! Not here: who may ask for it, and when (the session's engine).

use std::path::PathBuf;

pub use super::system::elevate::{Restart, Successor};

/// Why the program was not started anew.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The person refused, or did not answer.
    #[error("the person refused")]
    Refused,
    /// This would be loaded with the same rights, and nobody knows who put it there.
    #[error("beside the program lies {}", .0.display())]
    Neighbour(PathBuf),
    /// The system started nothing.
    #[error("the system started nothing")]
    System(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::System(Box::new(error))
    }
}
