//! When does the picture leave the technician's screen? Grabs small patches of it, outside our
//! programs, until none of them shows what the customer's screen showed.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use crate::grab::{Area, Grabber, Picture};
use crate::wait;

/// Patches of a picture that must be gone.
#[derive(Debug)]
pub struct Patches {
    patches: Vec<(Area, Picture)>,
}

impl Patches {
    /// Chooses patches spread over `area` from the picture that is there now.
    /// Errors: the area has no detail by which it could be known.
    pub fn choose(grabber: &Grabber, area: Area) -> Result<Self> {
        let mut patches = Vec::new();
        let (columns, rows) = (4, 3);
        for (column, row) in (0..columns).flat_map(|c| (0..rows).map(move |r| (c, r))) {
            let x = area.x + (area.width - SIDE) / (columns - 1) * column;
            let y = area.y + (area.height - SIDE) / (rows - 1) * row;
            let patch = Area {
                x,
                y,
                width: SIDE,
                height: SIDE,
            };
            let picture = grabber.grab_area(patch)?;
            if picture.colours() >= COLOURS {
                patches.push((patch, picture));
            }
        }
        ensure!(
            patches.len() >= 6,
            "the screen has too little detail to tell whether it is shown"
        );
        Ok(Self { patches })
    }

    /// Grabs until no patch is there. Returns the server's time after the first such grab.
    pub fn gone(&self, grabber: &Grabber, limit: Duration) -> Result<u32> {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            if !self.any_shown(grabber)? {
                return Ok(wait::server_clock_ms());
            }
        }
        bail!("the picture was still there after {} s", limit.as_secs())
    }

    /// True if all patches are there.
    pub fn all_shown(&self, grabber: &Grabber) -> Result<bool> {
        for (area, picture) in &self.patches {
            if !shown(&grabber.grab_area(*area)?, picture)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn any_shown(&self, grabber: &Grabber) -> Result<bool> {
        for (area, picture) in &self.patches {
            if shown(&grabber.grab_area(*area)?, picture)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A fifth of a detailed patch does not agree by chance.
fn shown(now: &Picture, then: &Picture) -> Result<bool> {
    let all = then.pixels.len();
    Ok((all - now.differing_pixels(then)?) * 5 > all)
}

const SIDE: u16 = 24;
const COLOURS: usize = 40;
