//! Fernsicht's sealed recordings: write, store, retain, unseal.
//!
//! ```text
//! relay    writer ─► bytes ─► store                    (catalogue, key directory, retention, access log)
//! anyone   bytes ─► reader ─► verify                   what the relay signed, and who the technician was: no keys
//! auditor  bytes + sealed keys + code + key ─► open ─► events, outcomes of the input, findings
//! ```
//!
//! Everything but `store` is sans-IO: bytes and times come in, bytes and findings go out. The relay's half
//! ([`writer`], `store`) needs no key but that of its checkpoint signer; the auditor's ([`mod@open`]) no file.
//! Normative text: docs/recording-format.md.

mod chain;
pub mod finding;
pub mod format;
#[doc(hidden)]
pub mod fuzzing;
pub mod open;
pub mod outcome;
mod parallel;
pub mod reader;
#[cfg(feature = "sample")]
#[doc(hidden)]
pub mod sample;
#[cfg(feature = "store")]
pub mod store;
pub mod verify;
pub mod writer;

pub use fernsicht_protocol::messages::RecordingOpen;
