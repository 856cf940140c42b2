//! Where the time of one change goes, by what can be seen from outside: on both screens, and on the way between
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
//! What is drawn without a key has the stations from *draw* on, and that of the last of its frames. The tap itself costs a
//! few tenths of a millisecond, which are in the sum.
//!
//! The same session then rests with control off: no frame of the screen may pass the tap.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::rights::Rights;
use fernsicht_tests::customer::Button;
use fernsicht_tests::dice::Dice;
use fernsicht_tests::measure::{Breakdown, Claim, KEY, PICTURE, Row, System};
use fernsicht_tests::net::Streets;
use fernsicht_tests::session::{Backdrop, Stage};
use fernsicht_tests::show::player::{Echo, Player, Stroke};
use fernsicht_tests::tap::{Ending, Leg, Passed};

use super::Set;
use super::looks::{at, first_letters, letters};
use super::rows::{
    CORNERS, M, PAGE_MARKS, PAPER, PATCH_MARK, REST, draw_flip, draw_page, draw_patch,
};
use super::systems::{layout, share};
use super::watch::{Eyes, Watch};

/// Plays the rows that are told from ahead of the others in a session of its own, and has it rest.
pub(super) fn measure(set: &Set<'_>, idle: bool) -> Result<(Vec<Breakdown>, Vec<Claim>)> {
    let streets = Arc::new(Streets::cabled()?);
    let backdrop = Backdrop::raise(set.programs.clone(), set.place, layout(true))?;
    let backdrop = backdrop.at_ends_of(Arc::clone(&streets))?;
    let wanted = |row: &Row| set.rows.contains(row);
    streets.operator.enter(move || {
        let mut stage = share(backdrop, true)?;
        let mut parts = Vec::new();
        if wanted(&Row::Key) {
            parts.push(Breakdown::of(Row::Key, &KEY, &press(set, &stage)?));
        }
        let pictures = [Row::Patch, Row::Flip, Row::Page];
        for row in pictures.into_iter().filter(wanted) {
            parts.push(Breakdown::of(row, &PICTURE, &show(set, &stage, row)?));
        }
        for part in &parts {
            let (row, samples) = (part.row, part.samples);
            ensure!(samples > 5, "{row:?}: only {samples} passed all stations");
        }
        let claims = match idle {
            true => vec![rest(&mut stage, set.options.idle_seconds)?],
            false => Vec::new(),
        };
        Ok((parts, claims))
    })
}

/// Control is off, and nothing moves: what passes the tap all the same.
fn rest(stage: &mut Stage, seconds: u64) -> Result<Claim> {
    stage.customer.turn_to_bar()?;
    stage.grant(Button::ControlOff, Rights::View)?;
    // The bar's own change, and what is refined after it.
    thread::sleep(REST * 2);
    let mark = stage.tap.log().mark();
    thread::sleep(Duration::from_secs(seconds));
    let frames = stage.tap.log().since(mark);
    let shows = |p: &&Passed| p.leg == Leg::FromAgent && p.header.class.shows_screen();
    let bytes: u64 = frames
        .iter()
        .filter(shows)
        .map(|passed| u64::from(passed.header.length))
        .sum();
    Ok(Claim {
        must: true,
        row: Row::Idle,
        what: "picture bytes, control off",
        system: System::Looked,
        ours: bytes as f64,
        bound: 0.0,
        peer: None,
        holds: bytes == 0,
    })
}

/// Draws one of the pictures' rows.
fn show(set: &Set<'_>, stage: &Stage, row: Row) -> Result<Vec<Vec<Instant>>> {
    let player = Player::open(stage.customer_screen.display(), &set.material.font)?;
    let photos = set.material.photos(&player)?;
    let (places, pause) = if row == Row::Patch {
        (vec![PATCH_MARK], 120)
    } else if row == Row::Flip {
        (CORNERS.to_vec(), 350)
    } else {
        (PAGE_MARKS.to_vec(), 700)
    };
    let draw = |n| {
        if row == Row::Patch {
            draw_patch(&player, n)
        } else if row == Row::Flip {
            draw_flip(&player, n)
        } else {
            draw_page(&player, &photos, n)
        }
    };
    player.sync()?;
    thread::sleep(REST);
    let eyes = Eyes::open(stage.technician_screen.display(), (0, 0))?;
    let watch = Watch::start(eyes, at(places))?;
    let mark = stage.tap.log().mark();
    let mut shown = Vec::new();
    for n in 1..=PICTURES {
        let begun = Instant::now();
        draw(n)?;
        player.sync()?;
        shown.push((begun, Instant::now(), n));
        ensure!(
            watch.sees(n, Duration::from_secs(5)),
            "{row:?}: picture {n} did not come"
        );
        thread::sleep(Duration::from_millis(pause));
    }
    let sights = watch.stop()?;
    let frames = stage.tap.log().since(mark);
    let samples = shown.iter().filter_map(|(begun, drawn, number)| {
        let (seen, _) = sights.iter().find(|sight| sight.1 == *number)?;
        picture_stations(*begun, *drawn, *seen, &frames)
    });
    Ok(samples.collect())
}

/// The stations of a picture. None: they are not in this order.
fn picture_stations(
    begun: Instant,
    drawn: Instant,
    seen: Instant,
    frames: &[Passed],
) -> Option<Vec<Instant>> {
    let within = |at: Instant| (begun..=seen).contains(&at);
    let pictures: Vec<_> = frames
        .iter()
        .filter(|p| p.leg == Leg::FromAgent && p.header.class == Class::Picture)
        .collect();
    let first = pictures.iter().map(|p| p.seen.at).find(|at| within(*at))?;
    let ends = pictures.iter().filter_map(|p| match p.ended {
        Some((Ending::Complete, moment)) => Some(moment.at),
        Some(_) | None => None,
    });
    let last = ends.filter(|at| within(*at)).max()?;
    let acks = frames
        .iter()
        .filter(|p| p.leg == Leg::FromRelay && p.header.class == Class::Acks);
    // What is large is seen before it is acknowledged.
    let ack = acks.map(|p| p.seen.at).find(|at| *at >= last)?.min(seen);
    let stations = vec![begun, drawn.min(first), first, last.max(first), ack, seen];
    stations.is_sorted().then_some(stations)
}

fn press(set: &Set<'_>, stage: &Stage) -> Result<Vec<Vec<Instant>>> {
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
fn stations(
    at: Instant,
    stroke: &Stroke,
    seen: Instant,
    frames: &[Passed],
) -> Option<Vec<Instant>> {
    let first = |leg: Leg, class: Class, after: Instant| {
        let ours = |p: &&Passed| p.leg == leg && p.header.class == class && p.seen.at >= after;
        frames.iter().find(ours).map(|passed| passed.seen.at)
    };
    let input = first(Leg::FromRelay, Class::Input, at)?;
    let picture = first(Leg::FromAgent, Class::Picture, stroke.drawn)?;
    // A console that acknowledges what it has drawn is seen to have drawn it before.
    let ack = first(Leg::FromRelay, Class::Acks, picture)?.min(seen);
    let stations = vec![at, input, stroke.came, stroke.drawn, picture, ack, seen];
    stations.is_sorted().then_some(stations)
}

const PRESSES: usize = 50;

const PICTURES: u32 = 20;
