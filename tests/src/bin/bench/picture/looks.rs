//! For what the technician's screen is looked at: numbers at their places, letters on paper.

use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use fernsicht_tests::device::Device;
use fernsicht_tests::show::player::{Echo, Place, cell};
use fernsicht_tests::wait;

use super::rows::{M, REST};
use super::watch::{Eyes, Watch};

/// What the technician is looked at for.
pub(super) type Look = Box<dyn FnMut(&Eyes) -> Result<Option<u32>> + Send>;

/// Looks for one number at several places: it is there when it is at all of them.
pub(super) fn at(places: Vec<(u16, u16)>) -> Look {
    Box::new(move |eyes| {
        let mut found = None;
        for place in &places {
            let Some(number) = eyes.number(*place)? else {
                return Ok(None);
            };
            if *found.get_or_insert(number) != number {
                return Ok(None);
            }
        }
        Ok(found)
    })
}

/// Types until the first letter is seen: the customer's own hand has the right of way until it has rested. Returns
/// how many there are then.
pub(super) fn first_letters(
    echo: &Echo,
    hand: &Device,
    (x, y): (i16, i16),
    watch: impl FnOnce() -> Result<Watch>,
) -> Result<u32> {
    // The paper is there by then.
    thread::sleep(REST);
    let trial = watch()?;
    let mut tries = 0;
    wait::until_true("the first letter's echo", Duration::from_secs(60), || {
        ensure!(tries < 40, "keys do not arrive");
        tries += 1;
        hand.click(x, y, 1)?;
        echo.take_keyboard()?;
        hand.key(M)?;
        Ok(trial.sees(1, Duration::from_millis(900)))
    })?;
    thread::sleep(REST);
    Ok(trial.stop()?.last().map_or(0, |(_, number)| *number))
}

/// Counts the letters on a sheet of paper.
pub(super) fn letters(paper: Place) -> Look {
    let mut count = 0;
    Box::new(move |eyes| {
        loop {
            let cell = cell(count);
            let at = Place {
                x: paper.x + cell.x,
                y: paper.y + cell.y,
                ..cell
            };
            if !eyes.ink(at)? {
                return Ok((count > 0).then_some(count));
            }
            count += 1;
        }
    })
}
