//! F11 while a camera moves over a photograph on the whole screen: when the technician's screen shows nothing of it any
//! more, and that nothing captured afterwards passes the tap.
//!
//! ```text
//! F11 at the customer's X server ─► agent ══ line ══► tap ─► relay ─► console ─► technician's screen
//! ```
//! Gone is the picture when patches all over the technician's screen look as they do at the end, and go on to.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::rights::Rights;
use fernsicht_tests::customer::Button;
use fernsicht_tests::dice::Dice;
use fernsicht_tests::measure::{Revocations, Revoked};
use fernsicht_tests::net::Resident;
use fernsicht_tests::session::{Backdrop, STEP, Stage};
use fernsicht_tests::show::player::{Place, Player};
use fernsicht_tests::tap::Leg;
use fernsicht_tests::wait;

use super::Set;
use super::rows::roll_film;
use super::systems::{SIZE, layout, share};
use super::watch::Eyes;
use crate::say;

/// Revokes so often, in a session of its own.
pub(super) fn measure(set: &Set<'_>, count: usize) -> Result<Revocations> {
    let line = set.options.line;
    let streets = Arc::new(super::build(line)?);
    let backdrop = Backdrop::raise(set.programs.clone(), set.place, layout(true))?;
    let backdrop = backdrop.at_ends_of(Arc::clone(&streets))?;
    if let Some(how) = line.impairment() {
        streets.line(Resident::Customer).impair(how);
    }
    let inside = Arc::clone(&streets);
    streets.operator.enter(move || {
        let mut stage = share(backdrop, true)?;
        let player = Player::open(stage.customer_screen.display(), &set.material.font)?;
        let frames = set.material.camera(&player, SIZE)?;
        let all = Place::new(0, 0, SIZE.0, SIZE.1);
        let ended = AtomicBool::new(false);
        let rounds = thread::scope(|scope| {
            let moving = scope.spawn(|| roll_film(&player, &frames, all, &ended, |_| Ok(())));
            let rounds = revoke(&mut stage, count, &|| {
                let line = line.impairment().map(|_| inside.line(Resident::Customer));
                let sent = line.map_or_else(Default::default, |line| line.counts()[0]);
                [sent.lost, sent.dropped]
            });
            ended.store(true, Ordering::Relaxed);
            let moved = moving
                .join()
                .map_err(|_| anyhow!("the camera's thread panicked"))?;
            moved.and(rounds)
        })?;
        let round_trip_ms = line.round_trip_ms();
        Ok(Revocations::of(rounds, round_trip_ms))
    })
}

fn revoke(stage: &mut Stage, count: usize, lost: &dyn Fn() -> [u64; 2]) -> Result<Vec<Revoked>> {
    let mut dice = Dice::from_seed(7);
    let mut rounds = Vec::new();
    for round in 1..=count {
        let moving = stage.tap.log().mark();
        wait::until_true("pictures of the camera", STEP, || {
            let frames = stage.tap.log().since(moving);
            let pictures = |p: &&fernsicht_tests::tap::Passed| {
                p.leg == Leg::FromAgent && p.header.class == Class::Picture
            };
            Ok(frames.iter().filter(pictures).count() >= 12)
        })?;
        // Not always at the same point of a picture's way.
        thread::sleep(Duration::from_millis(500 + u64::from(dice.roll(400))));
        let one = once(stage, lost).with_context(|| format!("revocation {round}"))?;
        say(&format!("  {round} of {count}: {one:?}"));
        rounds.push(one);
        stage.customer.turn_to_bar()?;
        stage.grant(Button::ViewOn, Rights::View)?;
        stage.grant(Button::ControlOn, Rights::Control)?;
    }
    Ok(rounds)
}

fn once(stage: &mut Stage, lost: &dyn Fn() -> [u64; 2]) -> Result<Revoked> {
    let before = stage.tap.log().revocations().len();
    let eyes = Eyes::open(stage.technician_screen.display(), (0, 0))?;
    let ended = AtomicBool::new(false);
    let lost_before = lost();
    let (pressed, looks) = thread::scope(|scope| {
        let looking = scope.spawn(|| -> Result<Vec<(u32, u64)>> {
            let mut looks = Vec::new();
            while !ended.load(Ordering::Relaxed) {
                let look = patches(&eyes)?;
                looks.push((wait::server_clock_ms(), look));
                thread::sleep(Duration::from_millis(1));
            }
            Ok(looks)
        });
        let pressed = stage.customer.press_stop(&stage.observer);
        thread::sleep(WATCHED);
        ended.store(true, Ordering::Relaxed);
        let looks = looking
            .join()
            .map_err(|_| anyhow!("the watcher's thread panicked"))?;
        anyhow::Ok((pressed?, looks?))
    })?;
    let lost = [0, 1].map(|which| lost()[which] - lost_before[which]);
    let (_, last) = *looks.last().context("the screen was looked at")?;
    let first = looks.iter().rposition(|(_, look)| *look != last);
    let first = first.context("nothing moved on the technician's screen")? + 1;
    let (gone, _) = looks[first];
    ensure!(first + 100 < looks.len(), "the picture did not go");
    stage.check()?;
    let revoked = *stage
        .tap
        .log()
        .revocations()
        .get(before)
        .context("the tap saw no revocation")?;
    let ms = |to: u32| wait::server_ms_between(pressed, to) as f64;
    Ok(Revoked {
        told_ms: ms(revoked.at.server_ms),
        gone_ms: ms(gone),
        lost,
        frames_after: revoked.frames_after,
        open: revoked.open,
        reset: revoked.reset,
    })
}

/// What patches all over the screen look like.
fn patches(eyes: &Eyes) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    for x in [90, 520, 1380, 1810] {
        for y in [260, 560, 860] {
            eyes.look(Place::new(x, y, 16, 16))?.hash(&mut hasher);
        }
    }
    Ok(hasher.finish())
}

/// So long the technician's screen is watched after the key.
const WATCHED: Duration = Duration::from_millis(1500);
