//! What became of the input, by the agent's own acks (docs/recording-format.md §9).
//!
//! An input frame was *injected* if an ack decided its number and did not name it as dropped; *withheld* if
//! the relay did not let it pass (a tombstone stands in its place); *undecided* if no ack came any more.

use std::collections::{BTreeMap, BTreeSet};

use fernsicht_protocol::content::{DropReason, InputAck};

/// What became of one input frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It acted on the customer's computer.
    Injected,
    /// The agent dropped it.
    Dropped(DropReason),
    /// The relay withheld it.
    Withheld,
    /// The recording does not tell.
    Undecided,
}

/// How many of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// [`Outcome::Injected`].
    pub injected: u64,
    /// [`Outcome::Dropped`].
    pub dropped: u64,
    /// [`Outcome::Withheld`].
    pub withheld: u64,
    /// [`Outcome::Undecided`].
    pub undecided: u64,
}

/// The outcomes of all input of a recording, as its records go by.
#[derive(Debug, Clone, Default)]
pub struct Outcomes {
    epochs: BTreeMap<u32, Epoch>,
}

#[derive(Debug, Clone, Default)]
struct Epoch {
    /// Numbers of recorded input, tombstones included, in the order of the file.
    numbers: Vec<u64>,
    withheld: BTreeSet<u64>,
    /// Every number below has been decided.
    decided: u64,
    /// First number → (last number, reason).
    dropped: BTreeMap<u64, (u64, DropReason)>,
}

impl Outcomes {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// An input frame was recorded.
    pub fn handle_input(&mut self, epoch: u32, number: u64) {
        self.epochs.entry(epoch).or_default().numbers.push(number);
    }

    /// The tombstone of an input frame was recorded.
    pub fn handle_withheld(&mut self, epoch: u32, number: u64) {
        let epoch = self.epochs.entry(epoch).or_default();
        epoch.numbers.push(number);
        epoch.withheld.insert(number);
    }

    /// An ack of the agent's was recorded.
    pub fn handle_ack(&mut self, epoch: u32, ack: &InputAck) {
        let epoch = self.epochs.entry(epoch).or_default();
        for range in &ack.dropped.0 {
            if range.from <= range.to {
                let dropped = (range.to, range.reason.clone());
                epoch.dropped.insert(range.from, dropped);
            }
        }
        epoch.decided = epoch.decided.max(ack.decided.saturating_add(1));
    }

    /// What became of one input frame. Undecided, too, if it is not recorded at all.
    pub fn outcome(&self, epoch: u32, number: u64) -> Outcome {
        let epoch = self.epochs.get(&epoch);
        epoch.map_or(Outcome::Undecided, |epoch| epoch.outcome(number))
    }

    /// The tombstones of input that the agent's acks do not name as dropped, though they decided it.
    pub fn contradictions(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.epochs.iter().flat_map(|(number, epoch)| {
            let withheld = epoch.withheld.iter().copied();
            let acted_on =
                withheld.filter(|at| *at < epoch.decided && epoch.drop_of(*at).is_none());
            acted_on.map(|at| (*number, at))
        })
    }

    /// How many of each.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for epoch in self.epochs.values() {
            for number in &epoch.numbers {
                *match epoch.outcome(*number) {
                    Outcome::Injected => &mut counts.injected,
                    Outcome::Dropped(_) => &mut counts.dropped,
                    Outcome::Withheld => &mut counts.withheld,
                    Outcome::Undecided => &mut counts.undecided,
                } += 1;
            }
        }
        counts
    }
}

impl Epoch {
    fn outcome(&self, number: u64) -> Outcome {
        if self.withheld.contains(&number) {
            return Outcome::Withheld;
        }
        match self.drop_of(number) {
            Some(reason) => Outcome::Dropped(reason.clone()),
            None if number < self.decided => Outcome::Injected,
            None => Outcome::Undecided,
        }
    }

    fn drop_of(&self, number: u64) -> Option<&DropReason> {
        let (_, (to, reason)) = self.dropped.range(..=number).next_back()?;
        (number <= *to).then_some(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fernsicht_protocol::content::Dropped;
    use fernsicht_protocol::wire::List;

    #[test]
    fn acks_decide_and_tombstones_withhold() {
        let mut outcomes = Outcomes::new();
        for number in [0, 1, 2, 4, 5] {
            outcomes.handle_input(1, number);
        }
        outcomes.handle_withheld(1, 3);
        let dropped = Dropped {
            from: 1,
            to: 2,
            reason: DropReason::CustomerActive,
        };
        let ack = InputAck {
            decided: 4,
            dropped: List(vec![dropped]),
        };
        outcomes.handle_ack(1, &ack);
        let told: Vec<_> = (0..6).map(|number| outcomes.outcome(1, number)).collect();
        let customer = || Outcome::Dropped(DropReason::CustomerActive);
        let expected = [
            Outcome::Injected,
            customer(),
            customer(),
            Outcome::Withheld,
            Outcome::Injected,
            Outcome::Undecided,
        ];
        assert_eq!(told, expected);
        let counts = Counts {
            injected: 2,
            dropped: 2,
            withheld: 1,
            undecided: 1,
        };
        assert_eq!(outcomes.counts(), counts);
        assert_eq!(outcomes.contradictions().collect::<Vec<_>>(), [(1, 3)]);
        assert_eq!(outcomes.outcome(2, 0), Outcome::Undecided);
    }
}
