//! Bodies of the fuzz targets: plain functions over bytes that panic where a promise is broken.
//!
//! Coverage-guided runs live in `tests/fuzz`; the committed corpora are replayed by
//! `protocol/tests/corpora.rs` on every test run. Not part of the programs.

pub mod certificate;
pub mod chat;
pub mod epoch;
pub mod guard;
pub mod heads;
pub mod mux;
pub mod pairing;
pub mod parsers;
pub mod peer;
pub mod receipt;
pub mod samples;
pub mod transfer;

use rand_core::{CryptoRng, RngCore};

/// Panics where the bytes break a promise.
pub type Body = fn(&[u8]);

/// Name and body of each target, by which `tests/fuzz` and the corpora find it.
pub const TARGETS: [(&str, Body); 19] = [
    ("attached", parsers::attached),
    ("certificate", certificate::run),
    ("chat", chat::run),
    ("code", parsers::code),
    ("complaint", parsers::complaint),
    ("epoch", epoch::run),
    ("frame", parsers::frame),
    ("guard", |bytes| {
        guard::run(bytes);
    }),
    ("heads", heads::run),
    ("messages", parsers::messages),
    ("mux", mux::run),
    ("pairing", pairing::run),
    ("peer", peer::run),
    ("picture", parsers::picture),
    ("receipt", receipt::run),
    ("router", crate::router::fuzz),
    ("token", parsers::token),
    ("transfer", transfer::run),
    ("unit", parsers::unit),
];

/// Takes bytes from the front; zeros when there are none left.
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    /// The next one.
    pub fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    /// Alters `bytes` as the input says, or not; returns whether they differ then.
    fn alter(&mut self, bytes: &mut [u8]) -> bool {
        let (how, at, with) = (self.byte(), self.byte(), self.byte());
        if how.is_multiple_of(4) || bytes.is_empty() || with == 0 {
            return false;
        }
        let at = (usize::from(how) << 8 | usize::from(at)) % bytes.len();
        bytes[at] ^= with;
        true
    }
}

/// Reproducible bytes that are anything but random (splitmix64).
pub struct Dice(pub u64);

impl RngCore for Dice {
    fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        for chunk in dest.chunks_mut(8) {
            let bytes = self.next_u64().to_be_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

impl CryptoRng for Dice {}
