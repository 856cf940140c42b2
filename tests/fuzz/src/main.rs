//! One driver for all targets: libFuzzer makes the bytes, `FUZZ_TARGET` names the body
//! ([`fernsicht_protocol::fuzzing::TARGETS`], [`fernsicht_recordings::fuzzing::TARGETS`]). Started by `run.sh`.
#![no_main]

use std::sync::LazyLock;

use fernsicht_protocol::fuzzing::TARGETS;
use fernsicht_recordings::fuzzing::TARGETS as OF_RECORDINGS;
use libfuzzer_sys::fuzz_target;

static BODY: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let wanted = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let mut all = TARGETS.into_iter().chain(OF_RECORDINGS);
    let found = all.find(|(name, _)| *name == wanted);
    found.map(|(_, body)| body).expect("FUZZ_TARGET names a target")
});

fuzz_target!(|bytes: &[u8]| BODY(bytes));
