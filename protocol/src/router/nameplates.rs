//! Nameplates: the part of a session code that the relay knows.
//!
//! Random, four digits or more, without a leading zero. A nameplate that is over rests for a
//! while: whoever types it late learns that it was valid once, and nobody is connected to a stranger.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use rand_core::{CryptoRng, RngCore};

use crate::messages::{Refusal, SessionId};

/// How a nameplate's time ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// Nobody paired in time, its tries are spent, or the console gave it up.
    Expired,
    /// Two have paired with it.
    Used,
}

#[derive(Debug, Clone, Copy)]
enum Entry {
    Valid(SessionId),
    Resting(Over),
}

#[derive(Debug, Clone)]
pub(super) struct Nameplates {
    entries: HashMap<u32, Entry>,
    resting: VecDeque<(Duration, u32)>,
}

impl Nameplates {
    pub(super) fn new() -> Self {
        Self {
            entries: HashMap::new(),
            resting: VecDeque::new(),
        }
    }

    /// Draws a nameplate for a session. It has as many digits as keep the space sparse,
    /// so that a guess seldom hits anybody.
    pub(super) fn draw(
        &mut self,
        session: SessionId,
        now: Duration,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> u32 {
        self.wake(now);
        let mut low = SMALLEST;
        while self.entries.len() > (low as usize) * 9 / 4 {
            low *= 10;
        }
        loop {
            let nameplate = low + uniform(rng, low * 9);
            if let std::collections::hash_map::Entry::Vacant(place) = self.entries.entry(nameplate)
            {
                place.insert(Entry::Valid(session));
                return nameplate;
            }
        }
    }

    /// The session behind a nameplate, or why there is none.
    pub(super) fn find(&self, nameplate: &str) -> Result<SessionId, Refusal> {
        let plain = nameplate.bytes().all(|b| b.is_ascii_digit()) && !nameplate.starts_with('0');
        let number = nameplate
            .parse()
            .ok()
            .filter(|_| plain)
            .ok_or(Refusal::Unknown)?;
        match self.entries.get(&number) {
            Some(Entry::Valid(session)) => Ok(*session),
            Some(Entry::Resting(Over::Expired)) => Err(Refusal::Expired),
            Some(Entry::Resting(Over::Used)) => Err(Refusal::Used),
            None => Err(Refusal::Unknown),
        }
    }

    pub(super) fn retire(&mut self, nameplate: u32, over: Over, now: Duration) {
        self.entries.insert(nameplate, Entry::Resting(over));
        self.resting.push_back((now, nameplate));
        self.wake(now);
    }

    fn wake(&mut self, now: Duration) {
        while let Some((since, nameplate)) = self.resting.front().copied() {
            if now.saturating_sub(since) < REST && self.resting.len() <= MAX_RESTING {
                return;
            }
            self.resting.pop_front();
            self.entries.remove(&nameplate);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

/// Uniform in `0..bound`, by rejection.
fn uniform(rng: &mut impl RngCore, bound: u32) -> u32 {
    let limit = u32::MAX - u32::MAX % bound;
    loop {
        let draw = rng.next_u32();
        if draw < limit {
            return draw % bound;
        }
    }
}

const SMALLEST: u32 = 1_000;
const REST: Duration = Duration::from_secs(3600);
/// Bounds the memory that a flood of new sessions can take; 65,536 entries are about 2 MB.
const MAX_RESTING: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn not_reused_while_it_rests() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut nameplates = Nameplates::new();
        let now = Duration::ZERO;
        let mut seen = std::collections::HashSet::new();
        for _ in 0..5_000 {
            let nameplate = nameplates.draw([1; 16], now, &mut rng);
            assert!(nameplate >= 1_000 && seen.insert(nameplate));
            assert_eq!(nameplates.find(&nameplate.to_string()), Ok([1; 16]));
            nameplates.retire(nameplate, Over::Expired, now);
            assert_eq!(
                nameplates.find(&nameplate.to_string()),
                Err(Refusal::Expired)
            );
        }
        assert!(
            seen.iter().any(|n| *n > 9_999),
            "the space grows before it is crowded"
        );
        let nameplate = nameplates.draw([1; 16], REST, &mut rng);
        assert_eq!(nameplates.len(), 1);
        assert!(nameplate <= 9_999);
    }

    #[test]
    fn only_plain_digits_find() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut nameplates = Nameplates::new();
        let nameplate = nameplates.draw([1; 16], Duration::ZERO, &mut rng);
        for odd in [
            format!("0{nameplate}"),
            format!("+{nameplate}"),
            String::new(),
            "99999999999".into(),
        ] {
            assert_eq!(nameplates.find(&odd), Err(Refusal::Unknown));
        }
    }
}
