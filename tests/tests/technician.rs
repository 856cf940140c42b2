//! What a technician does beside looking and acting: a whole call by keyboard, and "look here".

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::rights::Rights;
use fernsicht_tests::apps::AppWindow;
use fernsicht_tests::customer::Button;
use fernsicht_tests::grab::{Area, Grabber};
use fernsicht_tests::keymap::keysyms::{self, ALT, CONTROL};
use fernsicht_tests::observer::{Act, Maker, Target};
use fernsicht_tests::operator::files_below;
use fernsicht_tests::programs::Programs;
use fernsicht_tests::reader::{Reader, Words};
use fernsicht_tests::scenery;
use fernsicht_tests::session::{Backdrop, Layout, STEP, Stage};
use fernsicht_tests::wait;

/// F2 leads to the field of the page, F5 to the next session.
const F2: u32 = 0xffbf;
const F5: u32 = 0xffc2;
const DELETE: u32 = 0xffff;

/// A screen that rests has shown what was asked for.
const REST: Duration = Duration::from_millis(400);

#[test]
fn a_whole_call_by_keyboard_ends_in_receipt_catalogue_and_log() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let backdrop = Backdrop::raise(Programs::find()?, folder.path(), Layout::default())?;
    let home = scenery::home(folder.path())?;
    let (editor, _file) = scenery::editor(&backdrop.customer_screen, &home, "brief.txt")?;
    editor.window().arrange(30, 220, 520, 420)?;
    let mut stage = backdrop.open()?;
    stage.code()?;
    let console = AppWindow::wait(stage.technician_screen.display(), "Fernsicht", STEP)?;
    wait::until_true("the console's keyboard", STEP, || console.has_keyboard())?;
    let rest = |stage: &Stage| stage.technician_view.settled(REST, STEP).map(drop);
    rest(&stage)?;
    // Letters in the field are no commands, F5 is; what was typed stays for the same caller.
    stage.technician.key(F2)?;
    rest(&stage)?;
    stage.technician.type_text("N-2026/17")?;
    stage.technician.key(F5)?;
    let code = stage.code()?;
    stage.customer.enter_code(&code)?;
    stage.consent_to_control()?;
    stage.same_picture(STEP)?;

    // Keys that the own desktop would keep, from the menu.
    let delete = stage.observer.keymap()?.keysym(DELETE)?.keycode;
    stage.observer.clear()?;
    wait::until_true("Ctrl+Alt+Del at the customer's", STEP, || {
        // Keys go to the editor: into the agent's own window none are let.
        stage.technician.click(290, 500, 1)?;
        stage.technician.shortcut(&[CONTROL, ALT], 'k')?;
        rest(&stage)?;
        stage.technician.type_text("1")?;
        rest(&stage)?;
        let seen = stage.observer.seen()?;
        let pressed = |act| {
            seen.iter()
                .any(|seen| seen.maker == Maker::Program && seen.act == act)
        };
        Ok(pressed(Act::KeyDown(delete)) && pressed(Act::KeyUp(delete)))
    })?;
    stage.same_picture(STEP)?;

    stage.technician.shortcut(&[CONTROL, ALT], 'e')?;
    rest(&stage)?;
    // "No" has the keyboard on arrival.
    stage.technician.key(keysyms::TAB)?;
    stage.technician.key(keysyms::SPACE)?;
    wait::until_true("the session's end", STEP, || {
        let receipts = stage.operator.receipts()?;
        let receipt = receipts.first().context("a receipt")?;
        Ok(std::fs::read_to_string(receipt)?
            .matches("<dd>–</dd>")
            .count()
            == 0)
    })?;
    rest(&stage)?;
    stage.technician.key(F2)?;
    rest(&stage)?;
    stage.technician.type_text("Router neu gestartet")?;
    stage.technician.key(F5)?;
    let log = wait::until("the line in the technician's log", STEP, || {
        let files = files_below(folder.path())?;
        let log = files.iter().find(|file| file.ends_with("sessions.tsv"));
        Ok(match log {
            Some(log) => Some(std::fs::read_to_string(log)?).filter(|log| log.ends_with('\n')),
            None => None,
        })
    })?;
    let fields: Vec<&str> = log.trim_end().split('\t').collect();
    let [_, case, _, recorded, note] = fields[..] else {
        anyhow::bail!("{log:?}")
    };
    ensure!(
        (case, recorded, note) == ("N-2026/17", "recorded", "Router neu gestartet"),
        "{log:?}"
    );
    ensure!(!log.contains(&code), "the code is nobody's note");

    let receipts = stage.operator.receipts()?;
    let receipt = std::fs::read_to_string(receipts.first().context("a receipt")?)?;
    ensure!(receipt.matches("<dd>N-2026/17</dd>").count() == 2);
    let number = Code::parse(stage.complaint_code()?)?.lookup().to_string();
    let said = stage
        .operator
        .command(&["recordings", "verify", number.as_str()])?;
    ensure!(said.contains("case number N-2026/17"), "{said}");
    let listed = stage.operator.command(&["recordings", "list"])?;
    ensure!(!listed.contains("N-2026/17"), "lists name nobody: {listed}");
    Ok(())
}

/// The sign's colour, and how far from the middle it is.
const RING: u32 = 0x00d0_1060;
const RADIUS: u16 = 21;

/// True if the sign stands around this point.
fn sign(view: &Grabber, (x, y): (i16, i16)) -> Result<bool> {
    let picture = view.grab_area(Area {
        x: u16::try_from(x)? + RADIUS,
        y: u16::try_from(y)?,
        width: 1,
        height: 1,
    })?;
    Ok(picture.pixels == [RING])
}

#[test]
fn a_click_shows_the_customer_where_and_presses_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let backdrop = Backdrop::raise(Programs::find()?, folder.path(), Layout::default())?;
    let target = Target::show(backdrop.customer_screen.display(), 560, 340, 160, 160)?;
    let mut stage = backdrop.open()?;
    let code = stage.code()?;
    stage.customer.enter_code(&code)?;
    stage.grant(Button::ConsentView, Rights::View)?;
    stage.same_picture(STEP)?;
    stage.observer.clear()?;

    // Over the agent's own bar there is no sign: no hand is led to its buttons.
    let (x, y, width, height) = stage.customer.window()?.place()?;
    let bar = (x + width.cast_signed() / 2, y + height.cast_signed() / 2);
    stage.technician.click(bar.0, bar.1, 1)?;
    let at = target.centre();
    let shown = |view: &Grabber| {
        wait::until_true("the sign", STEP, || {
            ensure!(!sign(&stage.customer_view, bar)?, "a sign over the bar");
            stage.technician.click(at.0, at.1, 1)?;
            sign(view, at)
        })
    };
    shown(&stage.customer_view)?;
    // It is part of the screen, so the technician sees what the customer sees.
    shown(&stage.technician_view)?;
    wait::until_true("the sign to go by itself", STEP, || {
        Ok(!sign(&stage.customer_view, at)?)
    })?;
    shown(&stage.customer_view)?;
    stage.customer.press_stop(&stage.observer)?;
    wait::until_true("the sign to go with the sight", STEP, || {
        Ok(!sign(&stage.customer_view, at)?)
    })?;
    stage.technician.click(at.0, at.1, 1)?;
    ensure!(stage.observer.by_programs()? == 0, "something was injected");
    ensure!(target.presses()?.is_empty(), "something was pressed");
    stage.check()
}

/// Over the picture, while he controls, and by another program's word.
#[test]
fn the_technicians_pointer_looks_like_the_customers() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let backdrop = Backdrop::raise(Programs::find()?, folder.path(), Layout::default())?;
    let home = scenery::home(folder.path())?;
    let (editor, _file) = scenery::editor(&backdrop.customer_screen, &home, "brief.txt")?;
    editor.window().arrange(30, 220, 520, 420)?;
    let target = Target::show(backdrop.customer_screen.display(), 1090, 640, 160, 120)?;
    let mut stage = backdrop.open()?;
    let code = stage.code()?;
    stage.customer.enter_code(&code)?;
    stage.consent_to_control()?;
    stage.same_picture(STEP)?;
    stage.turn_to(target.centre())?;

    let text = (290, 500);
    let mut looks = Vec::new();
    for at in [text, target.centre(), text] {
        wait::until_true("both pointers to look alike", STEP, || {
            stage.technician.point(at.0 - 3, at.1)?;
            stage.technician.point(at.0, at.1)?;
            std::thread::sleep(REST);
            let (there, theirs) = stage.customer_view.pointer()?;
            let (here, ours) = stage.technician_view.pointer()?;
            let alike = there == at && here == at && ours == theirs;
            looks.extend(alike.then_some(ours));
            Ok(alike)
        })?;
    }
    ensure!(
        looks[0] == looks[2] && looks[0] != looks[1],
        "one of text, one of others"
    );

    // What is no picture any more has the technician's own.
    stage.customer.press_stop(&stage.observer)?;
    wait::until_true("the technician's own pointer", STEP, || {
        stage.technician.point(text.0 + 2, text.1)?;
        Ok(stage.technician_view.pointer()?.1 != looks[0])
    })?;
    stage.check()
}

#[test]
fn a_customers_computer_that_stands_still_is_told() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let reader = Arc::new(Reader::start(folder.path())?);
    let backdrop = Backdrop::raise(Programs::find()?, folder.path(), Layout::default())?;
    let mut stage = backdrop.read_by(Arc::clone(&reader)).open()?;
    let code = stage.code()?;
    stage.customer.enter_code(&code)?;
    stage.consent_to_control()?;
    stage.same_picture(STEP)?;
    stage.agent.stop()?;
    let console = stage.console.pid();
    let silent = Words::console("state-silent")?;
    reader.wait(console, &silent, STEP)?;
    stage.agent.go_on()?;
    wait::until_true("the sign of life", STEP, || {
        Ok(!reader.read(console)?.iter().any(|said| silent.fit(said)))
    })?;
    stage.check()
}
