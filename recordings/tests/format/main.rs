//! The format end to end: written, read, verified, opened, altered (docs/recording-format.md).

mod common;
mod forge;
mod opening;
mod tampering;
mod vectors;
