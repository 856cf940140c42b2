//! Bodies of the fuzz targets: plain functions over bytes that panic where a promise is broken.
//!
//! Coverage-guided runs live in `tests/fuzz`; the committed corpora are replayed by
//! `protocol/tests/corpora.rs` on every test run. Not part of the programs.

pub mod guard;
