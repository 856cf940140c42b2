//! Where the time of one key press goes, by what can be seen from outside: on both screens, and on the way between
//! agent and relay, where a tap reads the clear headers.
//!
//! ```text
//! key on the technician's screen
//!   │ console, relay            out    open the window's event, seal, forward
//!   ▼ input frame at the tap
//!   │ agent                     inject open, guard, XTEST, and the X server's event
//!   ▼ key at the application
//!   │ application               draw   (ours: a letter at once)
//!   ▼ letter on the customer's screen
//!   │ agent                     read   damage, read, encode, seal, send
//!   ▼ picture frame at the tap
//!   │ relay, console, relay     decode forward, open, decode into the canvas, and the ack's way back
//!   ▼ ack at the tap
//!   │ console                   paint  from the canvas to the technician's screen, less the ack's way back
//!   ▼ letter on the technician's screen
//! ```
//! The tap itself costs a few tenths of a millisecond, which are in the sum.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::frame::Class;
use fernsicht_tests::dice::Dice;
use fernsicht_tests::measure::{Breakdown, Stations};
use fernsicht_tests::net::Streets;
use fernsicht_tests::session::{Backdrop, Stage};
use fernsicht_tests::show::player::{Echo, Stroke};
use fernsicht_tests::tap::{Leg, Passed};

use super::Set;
use super::looks::{first_letters, letters};
use super::rows::{M, PAPER};
use super::systems::{layout, share};
use super::watch::{Eyes, Watch};

/// Presses keys in a session of its own.
pub(super) fn measure(set: &Set<'_>) -> Result<Breakdown> {
    let streets = Arc::new(Streets::cabled()?);
    let backdrop = Backdrop::raise(set.programs.clone(), set.place, layout(true))?;
    let backdrop = backdrop.at_ends_of(Arc::clone(&streets))?;
    streets.operator.enter(move || {
        let stage = share(backdrop, true)?;
        let presses = press(set, &stage)?;
        ensure!(
            presses.len() > 5,
            "only {} presses passed all stations",
            presses.len()
        );
        Ok(Breakdown::of(&presses))
    })
}

fn press(set: &Set<'_>, stage: &Stage) -> Result<Vec<Stations>> {
    let echo = Echo::open(stage.customer_screen.display(), &set.material.font, PAPER)?;
    let centre = (
        (PAPER.x + PAPER.width / 2) as i16,
        (PAPER.y + PAPER.height / 2) as i16,
    );
    let watch = || {
        let eyes = Eyes::open(stage.technician_screen.display(), (0, 0))?;
        Watch::start(eyes, letters(PAPER))
    };
    let first = first_letters(&echo, &stage.technician, centre, watch)?;
    let (mark, before) = (stage.tap.log().mark(), echo.strokes().len());
    let watch = watch()?;
    let mut dice = Dice::from_seed(3);
    let mut pressed = Vec::new();
    for next in (first + 1..).take(PRESSES) {
        pressed.push((Instant::now(), next));
        stage.technician.key_event(M, true)?;
        stage.technician.key_event(M, false)?;
        ensure!(
            watch.sees(next, Duration::from_secs(5)),
            "an echo did not come"
        );
        thread::sleep(Duration::from_millis(80 + u64::from(dice.roll(100))));
    }
    let sights = watch.stop()?;
    let frames = stage.tap.log().since(mark);
    let strokes = echo.strokes();
    let strokes = strokes.get(before..).context("strokes are only added")?;
    let seen = |number: u32| {
        sights
            .iter()
            .find(|sight| sight.1 == number)
            .map(|sight| sight.0)
    };
    let presses = pressed
        .iter()
        .zip(strokes)
        .filter_map(|((at, number), stroke)| stations(*at, stroke, seen(*number)?, &frames));
    Ok(presses.collect())
}

/// The stations of a press. None: they are not in this order, as when another frame came between.
fn stations(at: Instant, stroke: &Stroke, seen: Instant, frames: &[Passed]) -> Option<Stations> {
    let first = |leg: Leg, class: Class, after: Instant| {
        let ours = |p: &&Passed| p.leg == leg && p.header.class == class && p.seen.at >= after;
        frames.iter().find(ours).map(|passed| passed.seen.at)
    };
    let input = first(Leg::FromRelay, Class::Input, at)?;
    let picture = first(Leg::FromAgent, Class::Picture, stroke.drawn)?;
    // A console that acknowledges what it has drawn is seen to have drawn it before.
    let ack = first(Leg::FromRelay, Class::Acks, picture)?.min(seen);
    let stations = [at, input, stroke.came, stroke.drawn, picture, ack, seen];
    stations.is_sorted().then_some(stations)
}

const PRESSES: usize = 50;
