//! Chance that can be thrown again: a failing test names its seed, FERNSICHT_DICE repeats it.

use rand_core::{OsRng, RngCore};

/// Reproducible numbers (xorshift).
#[derive(Debug, Clone)]
pub struct Dice {
    seed: u64,
    state: u64,
}

impl Dice {
    /// Another row of numbers at every run, unless FERNSICHT_DICE holds a seed in hexadecimal.
    pub fn fresh() -> Self {
        let wanted = std::env::var("FERNSICHT_DICE").ok();
        let wanted =
            wanted.and_then(|text| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok());
        Self::from_seed(wanted.unwrap_or_else(|| OsRng.next_u64()))
    }

    /// The row of this seed.
    pub fn from_seed(seed: u64) -> Self {
        Self {
            seed,
            state: seed | 1,
        }
    }

    /// For the sentence of a failure.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// A number from 0 up to `below`, not included.
    pub fn roll(&mut self, below: u32) -> u32 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 32) as u32 % below.max(1)
    }
}
