//! A console that draws one area in a thousand wrong, for minutes, by another chance in each round: no wrong picture
//! stays.

use std::time::Duration;

use anyhow::Result;
use fernsicht_tests::corrupt;
use fernsicht_tests::dice::Dice;

use crate::item::{Context, Outcome};

pub(crate) fn wrong_areas(context: &Context) -> Result<Outcome> {
    let mut dice = Dice::fresh();
    let mut outcome = Outcome::default();
    outcome.seed(dice.seed());
    let programs = corrupt::programs(&context.programs)?;
    let mut reports = Vec::new();
    for round in 1..=ROUNDS {
        let folder = tempfile::tempdir()?;
        let seed = u64::from(dice.roll(u32::MAX));
        let time = Duration::from_secs(60 * context.corrupt_minutes) / ROUNDS;
        let report = corrupt::run(programs.clone(), folder.path(), seed, time)?;
        outcome.runs += report.rests as u64;
        if let Err(error) = report.check() {
            outcome
                .failed
                .push(format!("round {round}, seed {seed:#x}: {error}"));
        }
        reports.push(report);
    }
    outcome.measure("rounds", &reports)?;
    Ok(outcome)
}

const ROUNDS: u32 = 3;
