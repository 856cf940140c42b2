//! Several monitors: the customer's choice, clicks that land on the pixel pointed at, changes during the session.
//!
//! The picture is checked with each click: what is drawn where the technician points says what must be hit.

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::rights::Rights;
use fernsicht_tests::aim::{self, Drawn, Place, Tally};
use fernsicht_tests::customer::Button;
use fernsicht_tests::dice::Dice;
use fernsicht_tests::keymap::keysyms;
use fernsicht_tests::observer::{Act, Maker, Seen};
use fernsicht_tests::pattern::Pattern;
use fernsicht_tests::programs::Programs;
use fernsicht_tests::session::{Backdrop, Layout, STEP, Stage};
use fernsicht_tests::wait;
use fernsicht_tests::xserver::Monitor;

/// A small one, a gap, and a larger one that begins lower.
const LEFT: Monitor<'_> = Monitor {
    name: "left",
    size: (800, 600),
    at: (0, 0),
};
const RIGHT: Monitor<'_> = Monitor {
    name: "right",
    size: (640, 700),
    at: (860, 100),
};
/// Plugged in later, in the gap's place and beyond: it lies within the box around the others.
const NEW: Monitor<'_> = Monitor {
    name: "new",
    size: (60, 800),
    at: (800, 0),
};

fn place(monitor: Monitor<'_>) -> Place {
    (monitor.at.0, monitor.at.1, monitor.size.0, monitor.size.1)
}

/// A desktop of 1500x800 with these two monitors, and a technician's screen of the same size.
fn raise(
    folder: &std::path::Path,
    technician: (u16, u16),
    scales: [&'static str; 2],
) -> Result<Stage> {
    let layout = Layout {
        width: 1500,
        height: 800,
        technician_size: Some(technician),
        scales,
        ..Layout::default()
    };
    let backdrop = Backdrop::raise(Programs::find()?, folder, layout)?;
    backdrop.customer_screen.set_monitors(&[LEFT, RIGHT])?;
    backdrop.open()
}

fn pattern(stage: &Stage) -> Result<Pattern> {
    Pattern::show(stage.customer_screen.display(), &[(0, 0, 1500, 800)])
}

#[test]
fn all_screens_then_one_is_gone_and_a_new_one_waits_for_the_customer() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut stage = raise(folder.path(), (1500, 800), ["", ""])?;
    let mut pattern = pattern(&stage)?;
    stage.share(3)?;
    let both = [place(LEFT), place(RIGHT)];
    let drawn = Drawn::wait(&stage, &both, 700, &[])?;

    // Between the screens it is black, and a click there goes nowhere.
    let black = drawn.picture().pixels[400 * 1500 + 830];
    ensure!(black == 0, "{black:06x} between the screens");
    let left = (200, 500);
    let at = drawn.place(left).context("a pixel of the left screen")?;
    ensure!(at == left, "the picture lies at {at:?} instead of {left:?}");
    aim::wait_for_control(&stage, &mut pattern, at)?;
    stage.observer.clear()?;
    stage.technician.click(830, 400, 1)?;
    let mut dice = Dice::fresh();
    let mut tally = Tally::default();
    tally.click_seen(&stage, &mut pattern, &drawn, &both, 20, &mut dice)?;
    tally
        .check(40)
        .with_context(|| format!("dice {:#x}", dice.seed()))?;
    let presses = |seen: &&Seen| seen.maker == Maker::Program && seen.act == Act::ButtonDown(1);
    let counted = stage.observer.seen()?.iter().filter(presses).count();
    ensure!(counted == 40, "{counted} presses instead of 40");

    // One of the granted screens alone, by keyboard; then all again.
    let hold = [keysyms::CONTROL, keysyms::ALT];
    stage.technician.shortcut(&hold, '2')?;
    let one = Drawn::wait(&stage, &[place(RIGHT)], 900, &[place(LEFT)])?;
    let mut tally = Tally::default();
    tally.click_seen(&stage, &mut pattern, &one, &[place(RIGHT)], 10, &mut dice)?;
    tally
        .check(10)
        .with_context(|| format!("dice {:#x}", dice.seed()))?;
    stage.technician.shortcut(&hold, '0')?;
    Drawn::wait(&stage, &both, 700, &[])?;

    // A new screen is not shown, though all were chosen before.
    aim::rearrange(&stage, |screen| screen.set_monitors(&[LEFT, RIGHT, NEW]))?;
    let drawn = Drawn::wait(&stage, &both, 700, &[place(NEW)])?;
    let at = drawn.place(left).context("a pixel of the left screen")?;
    aim::wait_for_control(&stage, &mut pattern, at)?;
    ensure!(stage.rights() == Rights::Control, "the rights went");
    let mut tally = Tally::default();
    tally.click_seen(&stage, &mut pattern, &drawn, &both, 5, &mut dice)?;
    tally
        .check(10)
        .with_context(|| format!("dice {:#x}", dice.seed()))?;

    // A granted screen goes: sight and control end, the customer chooses another one.
    stage.customer_screen.set_monitors(&[LEFT, NEW])?;
    wait::until_true("sight to end", STEP, || Ok(stage.rights() == Rights::None))?;
    let before = pattern.presses()?.len();
    stage.technician.click(200, 500, 1)?;
    stage.customer.turn_to_bar()?;
    stage.customer.read()?;
    stage.customer.press(Button::ViewOn)?;
    stage.customer.read()?;
    aim::save(&stage, "choose-again")?;
    stage.grant(Button::BarScreen(1), Rights::View)?;
    Drawn::wait(&stage, &[place(LEFT)], 500, &[place(RIGHT)])?;
    ensure!(
        pattern.presses()?.len() == before,
        "a click arrived without control"
    );
    Ok(())
}

#[test]
fn fitted_zoomed_and_scaled_clicks_land_where_they_point_also_after_a_turn() -> Result<()> {
    let folder = tempfile::tempdir()?;
    // The technician's window is smaller than the picture, and both programs draw themselves larger.
    let room = (1101, 777);
    let mut stage = raise(folder.path(), room, ["1.5", "1.25"])?;
    let mut pattern = pattern(&stage)?;
    stage.share(3)?;
    let both = [place(LEFT), place(RIGHT)];
    let (mut dice, mut tally) = (Dice::fresh(), Tally::default());
    let seed = dice.seed();
    // Fitted at first.
    aim::wait_for_control(&stage, &mut pattern, (300, 400))?;
    let bar = aim::bar(&stage)?;
    tally.click_fitted(&stage, &mut pattern, &both, &[bar], 10, &mut dice)?;
    aim::save(&stage, "fitted")?;

    // 1:1, with the picture moved to its lower right corner: what is drawn says what is hit.
    let hold = [keysyms::CONTROL, keysyms::ALT];
    stage.technician.shortcut(&hold, 's')?;
    for key in [keysyms::END, keysyms::PAGE_DOWN] {
        for _ in 0..4 {
            stage.technician.shortcut_key(&hold, key)?;
        }
    }
    let drawn = Drawn::wait(&stage, &[place(RIGHT)], 700, &[])?;
    tally.click_seen(&stage, &mut pattern, &drawn, &[place(RIGHT)], 10, &mut dice)?;
    aim::save(&stage, "one-to-one")?;

    // One screen at twice its size.
    stage.technician.shortcut(&hold, '1')?;
    for _ in 0..3 {
        stage.technician.shortcut(&hold, '+')?;
    }
    let drawn = Drawn::wait(&stage, &[(150, 200, 400, 200)], 800, &[place(RIGHT)])?;
    tally.click_seen(
        &stage,
        &mut pattern,
        &drawn,
        &[(150, 200, 400, 200)],
        10,
        &mut dice,
    )?;
    aim::save(&stage, "twice")?;

    // The right one is turned and moved to the left of the other: all goes on where things are now.
    let turned = Monitor {
        size: (700, 640),
        at: (0, 0),
        ..RIGHT
    };
    let moved = Monitor {
        at: (700, 200),
        ..LEFT
    };
    aim::rearrange(&stage, |screen| screen.set_monitors(&[moved, turned]))?;
    ensure!(stage.rights() == Rights::Control, "the rights went");
    for key in ['s', '0', 's'] {
        stage.technician.shortcut(&hold, key)?;
    }
    let both = [place(moved), place(turned)];
    aim::wait_for_control(&stage, &mut pattern, (300, 400))?;
    let bar = aim::bar(&stage)?;
    tally.click_fitted(&stage, &mut pattern, &both, &[bar], 10, &mut dice)?;
    tally.check(60).with_context(|| format!("dice {seed:#x}"))
}
