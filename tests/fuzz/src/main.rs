//! One driver for all targets: libFuzzer makes the bytes, `FUZZ_TARGET` names the body
//! ([`fernsicht_protocol::fuzzing::TARGETS`], [`fernsicht_recordings::fuzzing::TARGETS`], [`OF_PROGRAMS`]). Started by
//! `run.sh`.
//!
//! With `FUZZ_COVERAGE=FOLDER:FOLDER` it fuzzes nothing: it replays the files of these folders and prints
//! for each instrumented edge its place in the program and whether one of them reached it.
#![no_main]

/// The relay's, of which no other crate has anything.
#[path = "../../../relay/src/authority.rs"]
#[expect(dead_code, reason = "what only the relay's own certificates need")]
mod authority;
mod coverage;
#[path = "../../../relay/src/fuzzing.rs"]
mod fuzzing;

use std::sync::LazyLock;

use fernsicht_protocol::fuzzing::{Body, TARGETS};
use fernsicht_recordings::fuzzing::TARGETS as OF_RECORDINGS;
use libfuzzer_sys::fuzz_target;

/// Those of the programs.
const OF_PROGRAMS: [(&str, Body); 5] = [
    ("agent", fernsicht_agent::session::fuzz),
    ("console", fernsicht_console::session::fuzz),
    ("decode", fernsicht_console::decode::fuzz_updates),
    ("report", fernsicht_console::audit::report::fuzz),
    ("request", fuzzing::run),
];

static BODY: LazyLock<Body> = LazyLock::new(|| {
    let wanted = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let all = TARGETS.into_iter().chain(OF_RECORDINGS);
    let mut all = all.chain(OF_PROGRAMS);
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
