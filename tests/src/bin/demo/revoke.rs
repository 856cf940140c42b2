//! Revocations under fire: the customer presses F11 while the technician types and clicks without
//! a pause, again and again.
//!
//! Measured per round, all from outside:
//! - from the X server's time of F11 to the first grab of the technician's display without the picture;
//! - injected events after the agent's first message of revocation (observer against tap);
//! - frames that show the screen after the revoking rights frame, and open ones that were not reset (tap).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use fernsicht_protocol::rights::Rights;
use fernsicht_tests::customer::Button;
use fernsicht_tests::device::Device;
use fernsicht_tests::grab::Area;
use fernsicht_tests::observer::Maker;
use fernsicht_tests::session::{STEP, Stage};
use fernsicht_tests::vanish::Patches;
use fernsicht_tests::wait;

use crate::say;
use crate::summary::{Spread, Summary};

/// Where the picture has detail: inside the photo.
const DETAIL: Area = Area {
    x: 720,
    y: 260,
    width: 480,
    height: 340,
};

/// Where the flood clicks: into the terminal.
const TERMINAL: (i16, i16) = (120, 560);

/// How long after F11 the rest of the flood is watched.
const AFTER: Duration = Duration::from_millis(400);

/// Runs the rounds. Control is on before and after each.
pub(crate) fn rounds(stage: &mut Stage, rounds: usize, summary: &mut Summary) -> Result<()> {
    let (mut vanished, mut told) = (Vec::new(), Vec::new());
    let (mut events_after, mut last_event) = (0, 0);
    for round in 0..rounds {
        let outcome = one(stage, round).with_context(|| format!("revocation {}", round + 1))?;
        vanished.push(outcome.vanished_ms);
        told.push(outcome.told_ms);
        events_after += outcome.events_after;
        last_event = last_event.max(outcome.last_event_ms);
        grant_again(stage).with_context(|| format!("granting after revocation {}", round + 1))?;
        if (round + 1) % 10 == 0 {
            say(&format!(
                "{} revocations; the slowest took {:?} ms.",
                round + 1,
                vanished.iter().max()
            ));
        }
    }
    let revocations = stage.tap.log().revocations();
    ensure!(
        revocations.len() >= rounds,
        "only {} of {rounds} revocations passed the tap",
        revocations.len()
    );
    summary.revocation_ms = Spread::of(vanished);
    summary.revocation_sent_ms = Spread::of(told);
    summary.events_after_revocation = Some(events_after);
    summary.last_event_after_f11_ms = Some(last_event);
    summary.frames_after_revocation = Some(revocations.iter().map(|r| r.frames_after).sum());
    summary.open_frames_at_revocation = revocations.iter().map(|r| r.open).sum();
    summary.open_frames_reset = revocations.iter().map(|r| r.reset).sum();
    Ok(())
}

struct Outcome {
    vanished_ms: i64,
    /// From F11 to the agent's first message of revocation at the tap.
    told_ms: i64,
    events_after: usize,
    last_event_ms: i64,
}

fn one(stage: &mut Stage, round: usize) -> Result<Outcome> {
    let patches = Patches::choose(&stage.technician_view, DETAIL)?;
    stage.observer.clear()?;
    let before = stage.tap.log().revocations().len();
    let flood = Flood::start(stage.technician_screen.display())?;
    wait::until_true("the flood to arrive", STEP, || {
        Ok(stage.observer.by_programs()? > 30)
    })?;
    // Not always at the same point of the flood's beat.
    thread::sleep(Duration::from_millis((round as u64 * 7) % 50));

    let pressed = stage.customer.press_stop(&stage.observer)?;
    let gone = patches.gone(&stage.technician_view, Duration::from_secs(5))?;
    thread::sleep(AFTER);
    flood.stop()?;

    let revoked = *stage
        .tap
        .log()
        .revocations()
        .get(before)
        .context("the tap saw no revocation")?;
    let injected: Vec<_> = stage
        .observer
        .seen()?
        .into_iter()
        .filter(|seen| seen.maker == Maker::Program)
        .collect();
    let after = |mark: u32| {
        injected
            .iter()
            .filter(move |seen| wait::server_ms_between(mark, seen.server_ms) > 0)
    };
    let last_event_ms = injected
        .iter()
        .map(|seen| wait::server_ms_between(pressed, seen.server_ms))
        .max()
        .unwrap_or_default();
    for late in after(revoked.at.server_ms) {
        let distance = wait::server_ms_between(revoked.at.server_ms, late.server_ms);
        say(&format!(
            "round {}: {:?} was injected {distance} ms after the revocation",
            round + 1,
            late.act
        ));
    }
    stage.check()?;
    Ok(Outcome {
        told_ms: wait::server_ms_between(pressed, revoked.at.server_ms),
        vanished_ms: wait::server_ms_between(pressed, gone),
        events_after: after(revoked.at.server_ms).count(),
        last_event_ms: last_event_ms.max(0),
    })
}

/// By the customer's keyboard: show again, then allow control again.
fn grant_again(stage: &mut Stage) -> Result<()> {
    stage.customer.turn_to_bar()?;
    stage.grant(Button::ViewOn, Rights::View)?;
    stage.grant(Button::ControlOn, Rights::Control)?;
    stage.same_picture(STEP)?;
    Ok(())
}

/// The technician's mouse and keyboard without a pause.
struct Flood {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<()>>,
}

impl Flood {
    fn start(display: &str) -> Result<Self> {
        let device = Device::physical(display)?.paced(Duration::from_millis(1));
        let stop = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut n = 0;
            while !ended.load(Ordering::Relaxed) {
                let (x, y) = TERMINAL;
                device.point(x + n % 40, y + n % 17)?;
                match n % 4 {
                    0 => device.click(x + n % 40, y + n % 17, 1)?,
                    // Until the first click has turned the keyboard to the terminal it goes to the photograph's viewer, which
                    // an x would close.
                    _ => device.type_text("y")?,
                }
                n = (n + 1) % 1000;
            }
            Ok(())
        });
        Ok(Self { stop, thread })
    }

    fn stop(self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread
            .join()
            .map_err(|_| anyhow!("the flood's thread panicked"))?
    }
}
