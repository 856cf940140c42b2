//! The format end to end: written, read, verified, opened, altered (docs/recording-format.md).

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

mod common;
mod forge;
mod fuzzed;
mod opening;
mod tampering;
mod vectors;
