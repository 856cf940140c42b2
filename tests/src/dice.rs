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
        // SplitMix64: from small seeds xorshift begins with small numbers, nearly the same for neighbours.
        let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self {
            seed,
            state: (state ^ (state >> 31)) | 1,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// As when each of many sessions begins at a moment of its own.
    #[test]
    fn neighbouring_seeds_have_nothing_in_common() {
        let mut first: Vec<u32> = (0..100).map(|s| Dice::from_seed(s).roll(40_000)).collect();
        first.sort_unstable();
        for (quarter, rolls) in (0..4).zip(first.chunks(25)) {
            let mean = rolls.iter().sum::<u32>() / 25;
            assert!(mean.abs_diff(quarter * 10_000 + 5_000) < 4_000, "{mean}");
        }
    }
}
