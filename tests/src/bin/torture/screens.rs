//! 500 random points over monitors of all kinds: plain and scaled, fitted, enlarged and scrolled, plugged in and out,
//! with another resolution, and upright. Each click is made with the mouse of the technician's screen and counted by an
//! X client on the customer's.
//!
//! Layouts lie over Xvfb as RandR monitors; outputs are those of Xorg's dummy driver. That driver refuses to
//! turn an output: an upright mode stands in its place, which is the same to whoever asks for the monitors.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use fernsicht_protocol::rights::Rights;
use fernsicht_tests::aim::{self, Drawn, Place, Tally};
use fernsicht_tests::customer::Button;
use fernsicht_tests::dice::Dice;
use fernsicht_tests::keymap::keysyms;
use fernsicht_tests::pattern::Pattern;
use fernsicht_tests::session::{Backdrop, Layout, STEP, Stage};
use fernsicht_tests::wait;
use fernsicht_tests::xserver::{Monitor, XServer};

use crate::item::{Context, Outcome};

/// Ctrl and Alt: what the console keeps for itself.
const HOLD: [u32; 2] = [keysyms::CONTROL, keysyms::ALT];

pub(crate) fn points(context: &Context) -> Result<Outcome> {
    let mut dice = Dice::fresh();
    let mut outcome = Outcome::default();
    outcome.seed(dice.seed());
    for (name, scene) in [
        (
            "monitors",
            monitors as fn(&Context, &Path, &mut Dice) -> Result<Tally>,
        ),
        ("scaled", scaled),
        ("outputs", outputs),
    ] {
        let folder = tempfile::tempdir()?;
        let tally = scene(context, folder.path(), &mut dice).with_context(|| name.to_owned())?;
        outcome.runs += tally.clicks as u64;
        outcome.measure(name, &tally.clicks)?;
        for (pixel, at) in tally.missed {
            outcome
                .failed
                .push(format!("{name}: a click on {pixel:?} arrived at {at:?}"));
        }
    }
    if outcome.runs != 500 {
        outcome
            .failed
            .push(format!("{} points instead of 500", outcome.runs));
    }
    Ok(outcome)
}

/// Three monitors with a gap, pixel for pixel.
fn monitors(context: &Context, folder: &Path, dice: &mut Dice) -> Result<Tally> {
    let monitors = [
        monitor("low", (900, 600), (0, 440)),
        monitor("high", (1000, 700), (960, 0)),
        monitor("narrow", (300, 400), (300, 0)),
    ];
    let size = (1960, 1040);
    let mut stage = raise(context, folder, size, size, ["", ""], &monitors)?;
    let mut pattern = cover(&stage)?;
    stage.share(4)?;
    let places = monitors.map(place);
    aim::wait_for_control(&stage, &mut pattern, (500, 900))?;
    let drawn = Drawn::wait(&stage, &places, 600, &[])?;
    let mut tally = Tally::default();
    tally.click_seen(&stage, &mut pattern, &drawn, &places, 40, dice)?;
    keep(context, &stage, "monitors")?;
    Ok(tally)
}

/// Both programs draw themselves at scales of their own; the picture is fitted, then pixel for pixel and scrolled.
fn scaled(context: &Context, folder: &Path, dice: &mut Dice) -> Result<Tally> {
    let monitors = [
        monitor("left", (1280, 1024), (0, 0)),
        monitor("right", (640, 480), (1280, 300)),
    ];
    let room = (1237, 803);
    let mut stage = raise(
        context,
        folder,
        (1920, 1200),
        room,
        ["2.0", "1.25"],
        &monitors,
    )?;
    let mut pattern = cover(&stage)?;
    stage.share(3)?;
    let places = monitors.map(place);
    let mut tally = Tally::default();
    fitted(&stage, &mut pattern, &places, 30, dice, &mut tally)?;
    keep(context, &stage, "fitted")?;
    stage.technician.shortcut(&HOLD, 's')?;
    for key in [keysyms::END, keysyms::PAGE_DOWN] {
        for _ in 0..5 {
            stage.technician.shortcut_key(&HOLD, key)?;
        }
    }
    let drawn = Drawn::wait(&stage, &[places[1]], 700, &[])?;
    let seen = [places[1], (800, 300, 400, 700)];
    tally.click_seen(&stage, &mut pattern, &drawn, &seen, 20, dice)?;
    keep(context, &stage, "scrolled")?;
    Ok(tally)
}

/// Real outputs, in a session in which they change.
fn outputs(context: &Context, folder: &Path, dice: &mut Dice) -> Result<Tally> {
    let screen = XServer::with_outputs(folder, 1280, 800, "de")?.with_window_manager()?;
    screen.plug("DUMMY1", (1024, 768), (1280, 32))?;
    let layout = Layout {
        width: 640,
        height: 480,
        technician_size: Some((1300, 700)),
        scales: ["1.25", "1.5"],
        ..Layout::default()
    };
    let mut backdrop = Backdrop::raise(context.programs.clone(), folder, layout)?;
    backdrop.customer_screen = screen;
    let mut stage = backdrop.open()?;
    let mut pattern = cover(&stage)?;
    stage.share(3)?;
    let mut tally = Tally::default();
    let first: Place = (0, 0, 1280, 800);
    let mut places = [first, (1280, 32, 1024, 768)];
    fitted(&stage, &mut pattern, &places, 30, dice, &mut tally)?;

    // The second one alone, at twice its size, from its middle.
    stage.technician.shortcut(&HOLD, '2')?;
    stage.technician.shortcut(&HOLD, 's')?;
    for _ in 0..3 {
        stage.technician.shortcut(&HOLD, '+')?;
    }
    let middle: Place = (1600, 300, 380, 220);
    let drawn = Drawn::wait(&stage, &[middle], 950, &[first])?;
    tally.click_seen(&stage, &mut pattern, &drawn, &[middle], 40, dice)?;
    keep(context, &stage, "twice")?;
    for key in ['0', 's', 's'] {
        stage.technician.shortcut(&HOLD, key)?;
    }

    for (name, size) in [("resolution", (1600, 1000)), ("upright", (600, 1024))] {
        places[1] = (1280, 0, size.0, size.1);
        aim::rearrange(&stage, |screen| screen.plug("DUMMY1", size, (1280, 0)))?;
        ensure!(
            stage.rights() == Rights::Control,
            "the rights went with the {name}"
        );
        pattern = cover(&stage)?;
        fitted(&stage, &mut pattern, &places, 20, dice, &mut tally)?;
        keep(context, &stage, name)?;
    }

    // Another one is plugged in: it is not shown.
    aim::rearrange(&stage, |screen| {
        screen.plug("DUMMY2", (800, 600), (1880, 0))
    })?;
    ensure!(
        stage.rights() == Rights::Control,
        "the rights went with a new screen"
    );
    pattern = cover(&stage)?;
    fitted(&stage, &mut pattern, &places, 20, dice, &mut tally)?;

    // The one on which the agent's bar is goes: the customer chooses again, and allows control again.
    stage.customer_screen.unplug("DUMMY0")?;
    wait::until_true("sight to end", STEP, || Ok(stage.rights() == Rights::None))?;
    stage.customer.turn_to_bar()?;
    stage.customer.read()?;
    stage.customer.press(Button::ViewOn)?;
    stage.grant(Button::BarScreen(3), Rights::View)?;
    stage.grant(Button::ControlOn, Rights::Control)?;
    keep(context, &stage, "chosen-again")?;
    // xrandr moves what is left to the corner.
    let places = [(0, 0, 600, 1024), (600, 0, 800, 600)];
    pattern = cover(&stage)?;
    fitted(&stage, &mut pattern, &places, 30, dice, &mut tally)?;
    Ok(tally)
}

/// Clicks on a fitted picture, beside the agent's bar.
fn fitted(
    stage: &Stage,
    pattern: &mut Pattern,
    places: &[Place],
    each: usize,
    dice: &mut Dice,
    tally: &mut Tally,
) -> Result<()> {
    let size = stage.technician_screen.size();
    aim::wait_for_control(stage, pattern, (size.0 / 4, size.1 / 2))?;
    let bar = aim::bar(stage)?;
    tally.click_fitted(stage, pattern, places, &[bar], each, dice)
}

fn monitor(name: &str, size: (u16, u16), at: (u16, u16)) -> Monitor<'_> {
    Monitor { name, size, at }
}

fn place(monitor: Monitor<'_>) -> Place {
    (monitor.at.0, monitor.at.1, monitor.size.0, monitor.size.1)
}

fn raise(
    context: &Context,
    folder: &Path,
    (width, height): (u16, u16),
    room: (u16, u16),
    scales: [&'static str; 2],
    monitors: &[Monitor<'_>],
) -> Result<Stage> {
    let layout = Layout {
        width,
        height,
        technician_size: Some(room),
        scales,
        ..Layout::default()
    };
    let backdrop = Backdrop::raise(context.programs.clone(), folder, layout)?;
    backdrop.customer_screen.set_monitors(monitors)?;
    backdrop.open()
}

/// Over the whole desktop, as large as it is now.
fn cover(stage: &Stage) -> Result<Pattern> {
    let (width, height) = stage.customer_view.size()?;
    Pattern::show(stage.customer_screen.display(), &[(0, 0, width, height)])
}

/// Pictures for whoever wants to look.
fn keep(context: &Context, stage: &Stage, name: &str) -> Result<()> {
    let folder = context.output.join("screens");
    let (customer, technician) = (stage.customer_view.grab()?, stage.technician_view.grab()?);
    customer.save(&folder.join(format!("{name}-customer.png")))?;
    technician.save(&folder.join(format!("{name}-technician.png")))
}
