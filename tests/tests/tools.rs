//! The tools themselves, against plain X applications: what they measure must be right before
//! they may judge our programs.

use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};
use fernsicht_tests::apps::App;
use fernsicht_tests::device::Device;
use fernsicht_tests::grab::Grabber;
use fernsicht_tests::keymap::keysyms;
use fernsicht_tests::observer::{Maker, Observer, Target};
use fernsicht_tests::wait;
use fernsicht_tests::xserver::XServer;

/// Text that needs Shift, AltGr and characters beyond ASCII on a German keyboard.
const TEXT: &str = "Grüße äöüß ÄÖÜ € @ {[]} \\ ~ | 'quoted'";

#[test]
fn sources_are_told_apart_and_clicks_counted() -> Result<()> {
    let screen = XServer::start(640, 480, "us")?;
    let observer = Observer::start(screen.display())?;
    let target = Target::show(screen.display(), 100, 100, 200, 200)?;
    let (x, y) = target.centre();

    let person = Device::physical(screen.display())?;
    let program = Device::injected(screen.display())?;
    person.click(x, y, 1)?;
    person.key(keysyms::F11)?;
    ensure!(
        observer.by_programs()? == 0,
        "hardware events count as forged"
    );
    let pressed = observer.last_press(95)?;
    let age = wait::server_ms_between(pressed.server_ms, wait::server_clock_ms());
    ensure!(
        (0..5_000).contains(&age),
        "the server's clock is not CLOCK_MONOTONIC: {age} ms"
    );

    program.click(x, y, 3)?;
    program.key(keysyms::F11)?;
    let seen = observer.seen()?;
    let forged = seen
        .iter()
        .filter(|seen| seen.maker == Maker::Program)
        .count();
    ensure!(
        forged == 5,
        "motion, two of the button, two of the key, but {forged} were seen"
    );

    let presses = target.presses()?;
    ensure!(
        presses.iter().map(|p| p.button).eq([1, 3]),
        "presses: {presses:?}"
    );
    ensure!(
        presses.iter().all(|p| (p.x, p.y) == (x, y)),
        "presses: {presses:?}"
    );
    Ok(())
}

#[test]
fn an_editor_saves_what_the_keyboard_types() -> Result<()> {
    let screen = XServer::start(800, 600, "de")?.with_window_manager()?;
    let home = tempfile::tempdir()?;
    let file = home.path().join("typed.txt");
    fs::write(&file, "")?;
    let editor = App::editor(&screen, &file, home.path())?;
    let person = Device::physical(screen.display())?;
    let (x, y) = editor.window().centre()?;
    person.click(x, y, 1)?;
    person.type_text(TEXT)?;
    wait::until(
        "the editor to save the text",
        Duration::from_secs(20),
        || {
            person.shortcut(&[keysyms::CONTROL], 's')?;
            let saved = fs::read_to_string(&file)?;
            Ok((saved.trim_end() == TEXT).then_some(()))
        },
    )
}

#[test]
fn differing_pixels_are_counted() -> Result<()> {
    let screen = XServer::start(320, 240, "us")?;
    let grabber = Grabber::open(screen.display())?;
    let blank = grabber.grab()?;
    ensure!(blank.colours() == 1, "a fresh screen has one colour");
    let _target = Target::show(screen.display(), 10, 20, 30, 40)?;
    let (shown, _) = grabber.settled(Duration::from_millis(100), Duration::from_secs(5))?;
    ensure!(
        shown.differing_pixels(&blank)? == 30 * 40,
        "the window's pixels are counted"
    );
    let area = shown.difference(&blank);
    ensure!(
        area.is_some_and(|a| (a.x, a.y, a.width, a.height) == (10, 20, 30, 40)),
        "{area:?}"
    );
    Ok(())
}
