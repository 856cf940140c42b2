//! Texts and files between the two people: what both do by keyboard, and where files lie.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use fernsicht_protocol::rights::Rights;

use crate::customer::Button;
use crate::dice::Dice;
use crate::keymap::keysyms::{self, ALT, CONTROL};
use crate::session::{Backdrop, STEP, Stage};
use crate::wait;

/// A screen that rests has shown what was asked for.
pub const REST: Duration = Duration::from_millis(400);

/// How long a file may take on a loaded machine.
pub const LONG: Duration = Duration::from_secs(180);

/// How often a button is pressed that does nothing.
const TRIES: usize = 4;

/// A recorded session under control.
pub fn call(backdrop: Backdrop) -> Result<Stage> {
    let mut stage = backdrop.open()?;
    let code = stage.code()?;
    stage.customer.enter_code(&code)?;
    stage.consent_to_control()?;
    stage.same_picture(STEP)?;
    Ok(stage)
}

/// The technician's screen rests.
pub fn rest(stage: &Stage) -> Result<()> {
    stage.technician_view.settled(REST, STEP).map(drop)
}

/// The technician opens a page by its keys and types a path there.
pub fn type_path(stage: &Stage, key: char, path: &Path) -> Result<()> {
    rest(stage)?;
    stage.technician.shortcut(&[CONTROL, ALT], key)?;
    rest(stage)?;
    // What stands there already is replaced.
    stage.technician.shortcut(&[CONTROL], 'a')?;
    stage
        .technician
        .type_text(path.to_str().context("a path in UTF-8")?)?;
    rest(stage)?;
    keep(stage, "path")?;
    stage.technician.key(keysyms::RETURN)
}

/// While a question is open control is suspended.
pub fn asked(stage: &Stage) -> Result<()> {
    let asked = wait::until_true("the question", STEP, || Ok(stage.rights() == Rights::View));
    if asked.is_err() {
        keep(stage, "not-asked")?;
    }
    asked
}

/// The technician asks again and again until the customer is asked: after a No there is a pause.
pub fn until_asked(stage: &Stage, ask: impl Fn() -> Result<()>) -> Result<()> {
    for _ in 0..TRIES {
        ask()?;
        let end = Duration::from_secs(8);
        if wait::until_true("the question", end, || Ok(stage.rights() == Rights::View)).is_ok() {
            return Ok(());
        }
    }
    bail!("the customer is not asked")
}

/// The customer presses a button until it has worked.
pub fn press(stage: &Stage, button: Button, worked: impl Fn() -> Result<bool>) -> Result<()> {
    for _ in 0..TRIES {
        stage.customer.turn_to_bar()?;
        stage.customer.read()?;
        stage.customer.press(button)?;
        let end = Duration::from_secs(5);
        if wait::until_true("the answer", end, &worked).is_ok() {
            return Ok(());
        }
    }
    stage.customer_view.grab()?.save(&shot("refused")?)?;
    bail!("{button:?} did nothing")
}

/// The customer types where the file is that he could send, and takes it. The question is open.
pub fn choose(stage: &Stage, file: &Path) -> Result<()> {
    stage.customer.turn_to_bar()?;
    stage.customer.read()?;
    stage.customer.press(Button::FilePlace)?;
    let place = file.to_str().context("a path in UTF-8")?;
    stage.customer.hand().type_text(place)?;
    stage.customer.rest(REST)?;
    stage.customer.press(Button::FileTake)?;
    stage.customer.read()
}

/// Where pictures of these tests go: those that docs/gallery.md shows into the folder that was named, others below it.
fn shot(name: &str) -> Result<PathBuf> {
    let Some(folder) = std::env::var_os("FERNSICHT_TEST_PICTURES").map(PathBuf::from) else {
        return Ok(std::env::temp_dir().join(format!("transfer-{name}.png")));
    };
    let shown = include_str!("../../docs/gallery.md").contains(&format!("gallery/{name}.png"));
    let folder = if shown { folder } else { folder.join("more") };
    std::fs::create_dir_all(&folder)?;
    Ok(folder.join(format!("{name}.png")))
}

/// Keeps what both see, if somebody wants it.
pub fn keep(stage: &Stage, name: &str) -> Result<()> {
    if std::env::var_os("FERNSICHT_TEST_PICTURES").is_some() {
        stage.customer_view.grab()?.save(&shot(name)?)?;
        keep_technicians(stage, &format!("{name}-technician"))?;
    }
    Ok(())
}

/// Keeps what the technician sees, if somebody wants it.
pub fn keep_technicians(stage: &Stage, name: &str) -> Result<()> {
    if std::env::var_os("FERNSICHT_TEST_PICTURES").is_some() {
        stage.technician_view.grab()?.save(&shot(name)?)?;
    }
    Ok(())
}

/// The question is answered, and control is as it was.
pub fn answered(stage: &Stage) -> Result<bool> {
    Ok(stage.rights() == Rights::Control)
}

/// Where the customer's downloads lie.
pub fn downloads(stage: &Stage) -> PathBuf {
    stage.operator.customer().join("Downloads")
}

/// What lies in a folder, hidden files, too.
pub fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Bytes that do not repeat.
pub fn content(bytes: usize) -> Vec<u8> {
    let mut dice = Dice::fresh();
    let words = (0..bytes.div_ceil(4)).flat_map(|_| dice.roll(u32::MAX).to_le_bytes());
    words.take(bytes).collect()
}

/// How much of a file has arrived under its temporary name.
pub fn arrived(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        // It may take its name at this moment.
        bytes += entry?.metadata().map_or(0, |metadata| metadata.len());
    }
    Ok(bytes)
}
