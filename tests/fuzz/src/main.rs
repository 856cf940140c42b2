//! One driver for all targets: libFuzzer makes the bytes, `FUZZ_TARGET` names the body
//! ([`fernsicht_protocol::fuzzing::TARGETS`], [`fernsicht_recordings::fuzzing::TARGETS`], the console's decoder of pictures). Started by
//! `run.sh`.
//!
//! With `FUZZ_COVERAGE=FOLDER:FOLDER` it fuzzes nothing: it replays the files of these folders and prints
//! for each instrumented edge its place in the program and whether one of them reached it.
#![no_main]

mod coverage;
/// The console's, which is not a crate that could be had without the window around it.
#[path = "../../../console/src/decode/mod.rs"]
#[expect(dead_code, reason = "what only the window asks of it")]
mod decode;

use std::sync::LazyLock;

use fernsicht_protocol::fuzzing::TARGETS;
use fernsicht_recordings::fuzzing::TARGETS as OF_RECORDINGS;
use libfuzzer_sys::fuzz_target;

static BODY: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let wanted = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let decode: (&str, fn(&[u8])) = ("decode", decode::fuzz_updates);
    let all = TARGETS.into_iter().chain(OF_RECORDINGS);
    let mut all = all.chain([decode]);
    let found = all.find(|(name, _)| *name == wanted);
    found
        .map(|(_, body)| body)
        .expect("FUZZ_TARGET names a target")
});

fuzz_target!(
    init: {
        if let Ok(folders) = std::env::var("FUZZ_COVERAGE") {
            let tables = std::env::var("FUZZ_TABLES").unwrap_or_default();
            let tables = coverage::Tables::parse(&tables).expect("FUZZ_TABLES says where they lie");
            coverage::report(&folders, tables, *BODY);
            std::process::exit(0);
        }
    },
    |bytes: &[u8]| BODY(bytes)
);
