//! What travels between Fernsicht's programs, and the state machines that decide.
//!
//! ```text
//! code ─► pairing ─► peer ─► epoch ─► frame / content
//!                                ▲
//!              guard (agent's, console's mirror) · router (relay's, second lock)
//! complaint ─► sealing ─► messages   heads ─► checkpoint   retention   audit      recordings
//! ```
//!
//! Sans-IO: cores take the time, bytes and randomness, and return outputs. No async,
//! no clock, no sockets; the exceptions stand behind the features `net` and `files`.
//! Normative text: docs/protocol.md.

pub mod attached;
pub mod audit;
pub mod cert;
pub mod chat;
pub mod checkpoint;
pub mod code;
pub mod complaint;
pub mod content;
pub mod crypto;
pub mod epoch;
pub mod frame;
#[doc(hidden)]
pub mod fuzzing;
pub mod guard;
pub mod heads;
pub mod messages;
pub mod mux;
#[cfg(feature = "net")]
pub mod net;
pub mod pairing;
pub mod peer;
pub mod picture;
pub mod receipt;
pub mod retention;
pub mod rights;
pub mod router;
pub mod sealing;
pub mod token;
pub mod transfer;
pub mod unit;
pub mod wire;
