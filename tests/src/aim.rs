//! Does a click land on the pixel that was pointed at? The technician points at a pixel of the picture with the
//! mouse of his own screen; a [`Pattern`] on the customer's says where it arrived.
//!
//! ```text
//! technician's screen, grabbed ─► colour ─► which of the customer's pixels is drawn here ─► click ─► Pattern
//! ```
//! Where every pixel keeps its colour the picture itself says what is expected. Where it is made smaller colours are
//! mixed, and the expectation is reckoned: the pixel whose centre is nearest.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fernsicht_protocol::frame::Class;

use crate::dice::Dice;
use crate::grab::Picture;
use crate::pattern::{self, Pattern};
use crate::session::{STEP, Stage};
use crate::tap::{Leg, Passed};
use crate::wait;
use crate::xserver::XServer;

/// A rectangle of a desktop: left, top, width, height.
pub type Place = (u16, u16, u16, u16);

/// True if the point is in the place.
pub fn inside((left, top, width, height): Place, (x, y): (u16, u16)) -> bool {
    (left..left + width).contains(&x) && (top..top + height).contains(&y)
}

/// Which of the customer's pixels are drawn where on the technician's screen, at scales that keep colours.
#[derive(Debug)]
pub struct Drawn {
    picture: Picture,
    /// By the customer's pixel, row by row; 0 is nowhere, else one more than the place in the picture.
    at: Vec<u32>,
}

impl Drawn {
    /// Waits until the technician sees at least this part of each of these places, in thousandths, and nothing
    /// of the hidden ones; reads the screen.
    pub fn wait(stage: &Stage, places: &[Place], share: usize, hidden: &[Place]) -> Result<Self> {
        let (mut least, mut most) = (0, 0);
        let drawn = wait::until("the pattern on the technician's screen", STEP, || {
            // What is still on its way to its last colours says nothing.
            let (picture, _) = stage.technician_view.settled(REST, STEP)?;
            let drawn = Self::read(picture);
            least = places
                .iter()
                .map(|place| drawn.share(*place))
                .min()
                .unwrap_or(0);
            most = hidden
                .iter()
                .map(|place| drawn.share(*place))
                .max()
                .unwrap_or(0);
            Ok((least >= share && most == 0).then_some(drawn))
        });
        drawn.with_context(|| {
            format!("of 1000 at least {share} and none were awaited, {least} and {most} came")
        })
    }

    /// How much of a place is drawn, in thousandths.
    pub fn share(&self, place: Place) -> usize {
        let (left, top, width, height) = place;
        let pixels = (top..top + height).flat_map(|y| (left..left + width).map(move |x| (x, y)));
        let seen = pixels.filter(|pixel| self.place(*pixel).is_some()).count();
        seen * 1000 / (usize::from(width) * usize::from(height))
    }

    /// A pixel counts if its neighbours are those of the pattern: what is drawn over it is no pattern.
    fn read(picture: Picture) -> Self {
        let (width, height) = (picture.width, picture.height);
        let place = |x: usize, y: usize| pattern::place(picture.pixels[y * width + x]);
        let mut at = vec![0; SIDE * SIDE];
        for y in 1..height.saturating_sub(1) {
            for x in 1..width.saturating_sub(1) {
                let here = place(x, y);
                let near = |other: (u16, u16)| {
                    other.0.abs_diff(here.0) <= 1 && other.1.abs_diff(here.1) <= 1
                };
                let differ =
                    place(x - 1, y) != place(x + 1, y) && place(x, y - 1) != place(x, y + 1);
                let like = [(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)]
                    .into_iter()
                    .all(|(x, y)| near(place(x, y)));
                if differ && like {
                    at[index(here)] = (y * width + x + 1) as u32;
                }
            }
        }
        Self { picture, at }
    }

    /// Where this pixel is drawn, if it can be seen.
    pub fn place(&self, pixel: (u16, u16)) -> Option<(u16, u16)> {
        let found = self.at[index(pixel)].checked_sub(1)? as usize;
        let width = self.picture.width;
        Some(((found % width) as u16, (found / width) as u16))
    }

    /// What the technician sees.
    pub fn picture(&self) -> &Picture {
        &self.picture
    }
}

/// As far as the pattern's colours go, either way.
const SIDE: usize = 4096;

fn index((x, y): (u16, u16)) -> usize {
    usize::from(y) * SIDE + usize::from(x)
}

/// Clicks, and what became of them.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    /// How many were made.
    pub clicks: usize,
    /// Those that arrived elsewhere: what was pointed at, and where they arrived.
    pub missed: Vec<((u16, u16), (u16, u16))>,
}

impl Tally {
    /// Clicks on so many random pixels of each place, of those that can be seen.
    pub fn click_seen(
        &mut self,
        stage: &Stage,
        pattern: &mut Pattern,
        drawn: &Drawn,
        places: &[Place],
        each: usize,
        dice: &mut Dice,
    ) -> Result<()> {
        for &(left, top, width, height) in places {
            let mut done = 0;
            for _ in 0..each * 1000 {
                let pixel = (
                    left + dice.roll(width.into()) as u16,
                    top + dice.roll(height.into()) as u16,
                );
                let Some(at) = drawn.place(pixel) else {
                    continue;
                };
                self.click(stage, pattern, at, pixel)?;
                done += 1;
                if done == each {
                    break;
                }
            }
            ensure!(done == each, "only {done} pixels of a screen could be seen");
        }
        Ok(())
    }

    /// Clicks on random points of a picture that is fitted into the technician's whole screen, so many on each of these
    /// places; what lies in `covered` is left out.
    pub fn click_fitted(
        &mut self,
        stage: &Stage,
        pattern: &mut Pattern,
        places: &[Place],
        covered: &[Place],
        each: usize,
        dice: &mut Dice,
    ) -> Result<()> {
        let fitted = Fitted::new(stage.technician_screen.size(), places);
        for place in places {
            let mut done = 0;
            while done < each {
                let at = (
                    dice.roll(fitted.room.0.into()) as u16,
                    dice.roll(fitted.room.1.into()) as u16,
                );
                let Some(pixel) = fitted.pixel(at).filter(|pixel| inside(*place, *pixel)) else {
                    continue;
                };
                if covered.iter().any(|place| inside(*place, pixel)) {
                    continue;
                }
                self.click(stage, pattern, at, pixel)?;
                done += 1;
            }
        }
        Ok(())
    }

    /// Clicks at a point of the technician's screen; `pixel` is what is drawn there.
    pub fn click(
        &mut self,
        stage: &Stage,
        pattern: &mut Pattern,
        at: (u16, u16),
        pixel: (u16, u16),
    ) -> Result<()> {
        let before = pattern.presses()?.len();
        stage
            .technician
            .click(i16::try_from(at.0)?, i16::try_from(at.1)?, 1)?;
        let press = wait::until(&format!("the click on {pixel:?}"), STEP, || {
            Ok(pattern.presses()?.get(before).copied())
        })?;
        self.clicks += 1;
        if press.at != pixel {
            self.missed.push((pixel, press.at));
        }
        Ok(())
    }

    /// Errors if one arrived elsewhere, or if so many were not made.
    pub fn check(&self, clicks: usize) -> Result<()> {
        if let Some((pixel, at)) = self.missed.first() {
            bail!(
                "{} of {} clicks missed; the first was on {pixel:?} and arrived at {at:?}",
                self.missed.len(),
                self.clicks
            );
        }
        ensure!(
            self.clicks == clicks,
            "{} clicks instead of {clicks}",
            self.clicks
        );
        Ok(())
    }
}

/// A picture of these places that is fitted into a room, in fractions.
struct Fitted {
    room: (u16, u16),
    corner: (u16, u16),
    size: (f64, f64),
    drawn: (f64, f64),
}

impl Fitted {
    fn new(room: (u16, u16), places: &[Place]) -> Self {
        let left = places.iter().map(|p| p.0).min().unwrap_or(0);
        let top = places.iter().map(|p| p.1).min().unwrap_or(0);
        let right = places.iter().map(|p| p.0 + p.2).max().unwrap_or(1);
        let bottom = places.iter().map(|p| p.1 + p.3).max().unwrap_or(1);
        let size = (f64::from(right - left), f64::from(bottom - top));
        let factor = (f64::from(room.0) / size.0).min(f64::from(room.1) / size.1);
        Self {
            room,
            corner: (left, top),
            size,
            drawn: ((size.0 * factor).round(), (size.1 * factor).round()),
        }
    }

    /// The pixel whose centre is nearest to that of this point's.
    fn pixel(&self, at: (u16, u16)) -> Option<(u16, u16)> {
        let along = |at: u16, room: u16, drawn: f64, size: f64| {
            let origin = ((f64::from(room) - drawn) / 2.0).floor();
            let middle = (f64::from(at) + 0.5 - origin) * size / drawn;
            (0.0..size).contains(&middle).then_some(middle as u16)
        };
        let x = along(at.0, self.room.0, self.drawn.0, self.size.0)?;
        let y = along(at.1, self.room.1, self.drawn.1, self.size.1)?;
        Some((x + self.corner.0, y + self.corner.1))
    }
}

/// Where the agent's bar is, once it rests there.
pub fn bar(stage: &Stage) -> Result<Place> {
    stage.customer.rest(REST)?;
    let (x, y, width, height) = stage.customer.window()?.place()?;
    Ok((u16::try_from(x)?, u16::try_from(y)?, width, height))
}

/// Keeps what both see, where pictures are wanted (FERNSICHT_TEST_PICTURES).
pub fn save(stage: &Stage, name: &str) -> Result<()> {
    let Some(folder) = std::env::var_os("FERNSICHT_TEST_PICTURES") else {
        return Ok(());
    };
    let folder = std::path::PathBuf::from(folder);
    let customer = stage.customer_view.grab()?;
    customer.save(&folder.join(format!("{name}-customer.png")))?;
    let technician = stage.technician_view.grab()?;
    technician.save(&folder.join(format!("{name}-technician.png")))
}

/// Changes the customer's screens, and waits until the agent has told the console of it and rests.
pub fn rearrange(stage: &Stage, change: impl FnOnce(&XServer) -> Result<()>) -> Result<()> {
    let mark = stage.tap.log().mark();
    change(&stage.customer_screen)?;
    wait::until_true("the new layout", STEP, || {
        let passed = stage.tap.log().since(mark);
        let told = |passed: &&Passed| {
            passed.leg == Leg::FromAgent && passed.header.class == Class::Notices
        };
        let last = passed.iter().rev().find(told);
        Ok(last.is_some_and(|passed| passed.seen.at.elapsed() > REST))
    })
}

/// How long nothing may follow: xrandr changes monitors one by one, pictures become exact when they rest.
const REST: Duration = Duration::from_millis(400);

/// Clicks until one arrives: the customer's own hand has rested for long enough by then.
pub fn wait_for_control(stage: &Stage, pattern: &mut Pattern, at: (u16, u16)) -> Result<()> {
    let before = pattern.presses()?.len();
    wait::until_true("the technician's first click", STEP, || {
        stage
            .technician
            .click(i16::try_from(at.0)?, i16::try_from(at.1)?, 1)?;
        std::thread::sleep(Duration::from_millis(50));
        Ok(pattern.presses()?.len() > before)
    })?;
    // Whatever was under way has arrived behind the second rest.
    let mut last = 0;
    wait::until_true("the clicks to rest", STEP, || {
        let now = pattern.presses()?.len();
        std::thread::sleep(Duration::from_millis(150));
        Ok(std::mem::replace(&mut last, now) == now && pattern.presses()?.len() == now)
    })
}
