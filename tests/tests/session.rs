//! One whole session of the real programs, smaller than the demonstration: code, consent, picture,
//! text, F11.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::rights::Rights;
use fernsicht_tests::apps::App;
use fernsicht_tests::customer::{Button, Customer};
use fernsicht_tests::grab::Area;
use fernsicht_tests::keymap::keysyms;
use fernsicht_tests::observer::{Act, Maker, Seen, Target};
use fernsicht_tests::operator::OPERATOR;
use fernsicht_tests::programs::Programs;
use fernsicht_tests::reader::{Reader, Words};
use fernsicht_tests::scenery;
use fernsicht_tests::session::{Backdrop, Layout, STEP};
use fernsicht_tests::tap::{Ending, Passed};
use fernsicht_tests::typist::Typist;
use fernsicht_tests::vanish::Patches;
use fernsicht_tests::wait;
use fernsicht_tests::xserver::{Process, XServer};

/// Also characters that the customer's American keyboard lacks.
const TYPED: &str = "Grüße an 'Jürgen' @ ~ € {[]} \\ |";

#[test]
fn from_the_code_to_the_stop_key() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let layout = Layout {
        customer: "us",
        ..Layout::default()
    };
    let backdrop = Backdrop::raise(Programs::find()?, folder.path(), layout)?;
    let home = scenery::home(folder.path())?;
    let (editor, file) = scenery::editor(&backdrop.customer_screen, &home, "brief.txt")?;
    editor.window().arrange(30, 220, 520, 420)?;
    let geometry = "560x400+640+200";
    let _photo = scenery::photo(&backdrop.customer_screen, folder.path(), 560, 400, geometry)?;
    let target = Target::show(backdrop.customer_screen.display(), 1090, 640, 160, 120)?;
    let mut stage = backdrop.open()?;

    let code = stage.code()?;
    stage.customer.enter_code(&code)?;
    stage.consent_to_control()?;
    stage.same_picture(STEP)?;

    let (x, y) = target.centre();
    wait::until_true("a click to arrive", STEP, || {
        stage.technician.click(x, y, 1)?;
        Ok(!target.presses()?.is_empty())
    })?;
    stage.technician.click(290, 500, 1)?;
    std::thread::sleep(Duration::from_millis(500));
    stage.technician.type_text(TYPED)?;
    let mut saved = String::new();
    let arrived = wait::until_true("the typed text", STEP, || {
        stage.technician.shortcut(&[keysyms::CONTROL], 's')?;
        std::thread::sleep(Duration::from_millis(300));
        saved = std::fs::read_to_string(&file)?;
        Ok(saved.trim_end() == TYPED)
    });
    arrived.with_context(|| format!("{saved:?} arrived"))?;
    stage.same_picture(STEP)?;

    let photo = Area {
        x: 660,
        y: 240,
        width: 400,
        height: 300,
    };
    let patches = Patches::choose(&stage.technician_view, photo)?;
    stage.observer.clear()?;
    stage.customer.press_stop(&stage.observer)?;
    // How soon, the demonstration measures.
    patches.gone(&stage.technician_view, STEP)?;
    stage.technician.click(x, y, 1)?;
    stage.technician.type_text("nein")?;
    std::thread::sleep(Duration::from_millis(500));
    let injected = stage
        .observer
        .seen()?
        .into_iter()
        .filter(|seen| seen.maker == Maker::Program)
        .count();
    ensure!(injected == 0, "{injected} events after F11");
    let revocations = stage.tap.log().revocations();
    ensure!(
        revocations
            .iter()
            .all(|r| r.frames_after == 0 && r.open == r.reset),
        "{revocations:?}"
    );
    stage.check()
}

#[test]
fn only_looking_shows_and_does_not_inject() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let layout = Layout {
        auditors: 0,
        ..Layout::default()
    };
    let backdrop = Backdrop::raise(Programs::find()?, folder.path(), layout)?;
    let target = Target::show(backdrop.customer_screen.display(), 1090, 640, 160, 120)?;
    let mut stage = backdrop.open()?;
    let code = stage.code()?;
    stage.customer.enter_code(&code)?;
    // Without an auditor there is no recording, hence no control to consent to.
    stage.grant(Button::ConsentView, Rights::View)?;
    stage.same_picture(STEP)?;
    stage.observer.clear()?;
    for _ in 0..5 {
        let (x, y) = target.centre();
        stage.technician.click(x, y, 1)?;
        stage.technician.type_text("x")?;
    }
    std::thread::sleep(Duration::from_secs(1));
    ensure!(stage.observer.by_programs()? == 0, "something was injected");
    ensure!(target.presses()?.is_empty(), "a click arrived");
    ensure!(
        stage
            .tap
            .log()
            .rights()
            .iter()
            .all(|(_, _, rights)| !rights.control()),
        "control was granted"
    );
    stage.check()
}

#[test]
fn pictures_in_flight_are_cancelled() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let layout = Layout {
        pace: Some(u32::try_from(PACE)?),
        ..Layout::default()
    };
    let backdrop = Backdrop::raise(Programs::find()?, folder.path(), layout)?;
    let _photo = scenery::photo(
        &backdrop.customer_screen,
        folder.path(),
        560,
        400,
        "560x400+640+200",
    )?;
    let mut stage = backdrop.open()?;
    let code = stage.code()?;
    stage.customer.enter_code(&code)?;
    stage.grant(Button::ConsentView, Rights::View)?;

    // The photograph comes in pieces that take such a line more than half a second.
    wait::until_true("a large picture in flight", STEP, || {
        let frames = stage.tap.log().all();
        // So much of it is still with the agent that F11 comes before the end of it, on a loaded machine as well.
        let large = |p: &&Passed| {
            p.ended.is_none()
                && p.header.class == Class::Picture
                && u64::from(p.header.length) > LARGE
                && p.seen.at.elapsed() < Duration::from_millis(100)
        };
        Ok(frames.iter().rfind(large).is_some())
    })?;
    stage.customer.press_stop(&stage.observer)?;
    wait::until_true("every stream to end", STEP, || {
        let frames = stage.tap.log().all();
        let stopped = !stage.tap.log().revocations().is_empty();
        Ok(stopped
            && frames
                .iter()
                .all(|p| p.header.class.in_order() || p.ended.is_some()))
    })?;
    let revocations = stage.tap.log().revocations();
    let last = revocations.last().context("a revocation")?;
    let around = || {
        let near = |p: &&Passed| {
            !p.header.class.in_order()
                && p.ended
                    .is_some_and(|(_, end)| end.at + STEP / 30 > last.at.at)
        };
        let all = stage.tap.log().all();
        let line = |p: &Passed| {
            let from = wait::server_ms_between(last.at.server_ms, p.seen.server_ms);
            let to = p.ended.map(|(ending, end)| {
                (
                    ending,
                    wait::server_ms_between(last.at.server_ms, end.server_ms),
                )
            });
            format!(
                "{:?} {} of {} bytes: {from} ms to {to:?}\n",
                p.header.class, p.header.number, p.header.length
            )
        };
        all.iter().filter(near).map(line).collect::<String>()
    };
    // Of a small frame, or one that is almost over, the rest may have arrived before: the slow
    // line only hands it on later. A large one that has just begun is still with the agent.
    let open: Vec<Passed> = stage
        .tap
        .log()
        .all()
        .into_iter()
        .filter(|p| {
            u64::from(p.header.length) > LARGE
                && p.seen.at <= last.at.at
                && p.seen.at + HALF > last.at.at
                && p.ended.is_some_and(|(_, end)| end.at > last.at.at)
        })
        .collect();
    ensure!(
        !open.is_empty(),
        "nothing was in flight: {last:?}\n{}",
        around()
    );
    let reset = |p: &Passed| matches!(p.ended, Some((Ending::Reset, _)));
    ensure!(
        open.iter().all(reset) && last.frames_after == 0,
        "{last:?}\n{}",
        around()
    );
    stage.check()
}

/// Bytes a second on the slow line.
const PACE: u64 = 8_000;

/// Bytes of a large picture.
const LARGE: u64 = 4_500;

/// Until half of a large picture has come.
const HALF: Duration = Duration::from_millis(LARGE * 1_000 / PACE / 2);

/// Somebody at another computer types the code of a session under way: he reads why not, and nobody is disturbed.
#[test]
fn a_second_agent_with_the_same_code_is_refused_and_disturbs_nobody() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let reader = Arc::new(Reader::start(folder.path())?);
    let backdrop = Backdrop::raise(Programs::find()?, folder.path(), Layout::default())?
        .read_by(Arc::clone(&reader));
    let screen = &backdrop.customer_screen;
    let terminal = App::terminal(screen, "Eingabe", "60x20+40+260", "printf '\\033[?25l'")?;
    let mut stage = backdrop.open()?;
    let code = stage.code()?;
    stage.customer.enter_code(&code)?;
    stage.consent_to_control()?;
    stage.same_picture(STEP)?;
    stage.turn_to(terminal.window().centre()?)?;
    std::thread::sleep(Duration::from_millis(500));
    stage.observer.clear()?;
    let rights = stage.tap.log().rights().len();
    let typist = Typist::start(stage.technician_screen.display(), Duration::from_millis(25))?;

    let elsewhere = XServer::start(1280, 800, "de")?.with_window_manager()?;
    let file = folder.path().join("Fernhilfe-2");
    std::fs::copy(format!("/proc/{}/exe", stage.agent.pid()), &file)?;
    let mut command = stage.operator.agent_command(&elsewhere, &file)?;
    reader.attend(&mut command);
    let second = Process::start("a second agent", &mut command)?;
    let stranger = Customer::at(&elsewhere, OPERATOR)?;
    stranger.enter_code(&code)?;
    reader.wait(second.pid(), &Words::agent("error-code-used")?, STEP)?;

    let typed = typist.stop()?;
    let arrived = || -> Result<usize> {
        let pressed =
            |seen: &&Seen| seen.maker == Maker::Program && matches!(seen.act, Act::KeyDown(_));
        Ok(stage.observer.seen()?.iter().filter(pressed).count())
    };
    let all = wait::until_true("every letter", STEP, || Ok(arrived()? >= typed));
    all.with_context(|| format!("{} of {typed} letters arrived", arrived().unwrap_or(0)))?;
    ensure!(arrived()? == typed, "more arrived than was typed");
    let since = stage.tap.log().rights();
    ensure!(
        since.len() == rights,
        "rights changed: {:?}",
        &since[rights..]
    );
    stage.check()
}
