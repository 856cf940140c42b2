//! What the technician types on one layout is what editors save at a customer with another: all pairs, many times.

use anyhow::Result;
use fernsicht_tests::dice::Dice;
use fernsicht_tests::keyboard::editors::Kind;
use fernsicht_tests::keyboard::layout::{LAYOUTS, Layout};
use fernsicht_tests::keyboard::matrix::{Matrix, Typed};

use crate::item::{Context, Outcome};

/// How fast it went.
#[derive(Debug, Default)]
struct Rates {
    /// Characters and seconds of texts that the customer's layout has.
    ordinary: (usize, f64),
    /// Of texts that it lacks.
    lacking: (usize, f64),
}

pub(crate) fn matrix(context: &Context) -> Result<Outcome> {
    let mut dice = Dice::fresh();
    let mut outcome = Outcome::default();
    outcome.seed(dice.seed());
    let (mut characters, mut lacking) = (0, 0);
    let mut rates = Rates::default();
    for round in 0..context.matrices {
        let folder = tempfile::tempdir()?;
        let kinds = [Kind::Gtk, Kind::Terminal, Kind::Browser];
        let mut matrix = Matrix::open(context.programs.clone(), folder.path(), &kinds)?;
        for (number, customer) in LAYOUTS.into_iter().enumerate() {
            if number > 0 {
                matrix.customer_grants_control()?;
            }
            matrix.customer_takes(customer)?;
            for technician in LAYOUTS {
                for typed in matrix.pair(customer, technician, &mut dice)? {
                    outcome.runs += 1;
                    characters += typed.characters;
                    lacking += typed.lacking;
                    if let Some(complaint) = typed.complaint() {
                        crate::say(&format!("  {complaint}"));
                        outcome.failed.push(complaint);
                    }
                }
            }
            measure(&mut matrix, customer, &mut rates)?;
            crate::say(&format!(
                "  round {} of {}, {}: {} texts so far, {} wrong",
                round + 1,
                context.matrices,
                customer.name,
                outcome.runs,
                outcome.failed.len()
            ));
            if let Err(error) = matrix.customer_ends_control() {
                let name = customer.name;
                outcome.failed.push(format!("after {name}: {error:#}"));
            }
        }
    }
    outcome.measure("characters", &characters)?;
    outcome.measure("characters_that_lack", &lacking)?;
    let rate = |(characters, seconds): (usize, f64)| (characters as f64 / seconds).round();
    outcome.measure("ordinary_per_second", &rate(rates.ordinary))?;
    outcome.measure("lacking_per_second", &rate(rates.lacking))?;
    Ok(outcome)
}

/// How fast characters arrive that the customer's layout has, and those that it lacks.
fn measure(matrix: &mut Matrix, customer: Layout, rates: &mut Rates) -> Result<()> {
    let technician = matrix.technician_takes(customer)?;
    let ordinary = "abcdefghijklmnopqrstuvwxyz ".repeat(8);
    let lacking = "日本".repeat(100);
    for (text, rate) in [
        (ordinary, &mut rates.ordinary),
        (lacking, &mut rates.lacking),
    ] {
        let Typed {
            characters, time, ..
        } = matrix.type_into(1, customer, &technician, text.trim())?;
        rate.0 += characters;
        rate.1 += time.as_secs_f64();
    }
    Ok(())
}
