//! The customer's whole story, from the start to the receipt, with the real programs: by keyboard alone, and as a
//! screen reader's user goes through it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::rights::Rights;
use fernsicht_tests::customer::Button;
use fernsicht_tests::device::Device;
use fernsicht_tests::keymap::keysyms;
use fernsicht_tests::observer::{Act, Maker};
use fernsicht_tests::programs::Programs;
use fernsicht_tests::reader::{Reader, Words};
use fernsicht_tests::reading::keep;
use fernsicht_tests::session::{Backdrop, Layout, STEP, Stage};
use fernsicht_tests::wait;

fn stage(folder: &Path) -> Result<(Stage, Arc<Reader>)> {
    let reader = Arc::new(Reader::start(folder)?);
    let backdrop = Backdrop::raise(Programs::find()?, folder, Layout::default())?;
    Ok((backdrop.read_by(Arc::clone(&reader)).open()?, reader))
}

fn rights(stage: &Stage, wanted: Rights) -> Result<()> {
    let reached = || Ok(stage.rights() == wanted);
    wait::until_true(&format!("the rights {wanted:?}"), STEP, reached)
}

/// The receipt is there, and a complaint can be made with it.
fn receipt(stage: &Stage) -> Result<()> {
    let receipts = stage.operator.receipts()?;
    ensure!(receipts.len() == 1, "{receipts:?}");
    let receipt = receipts[0].to_str().context("paths of tests are text")?;
    let arguments = ["verify", "--receipt", receipt, "--case", "Fall 1"];
    wait::until_true("a sound recording", STEP, || {
        Ok(stage.auditors[0].run(&arguments)?.status.code() == Some(0))
    })
}

#[test]
fn by_keyboard_alone() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (mut stage, reader) = stage(folder.path())?;
    let pid = stage.agent.pid();
    let says = |key: &str| reader.wait(pid, &Words::agent(key)?, STEP).map(drop);

    let code = stage.code()?;
    stage.customer.sit_down()?;
    stage.customer.hand().key(keysyms::F11)?;
    says("start-f11-ok")?;
    keep(&stage.customer_screen, "start")?;
    stage.customer.enter_code(&code)?;
    says("consent-title")?;
    keep(&stage.customer_screen, "consent")?;
    stage.press_until_card(Button::ConsentControl)?;
    keep(&stage.customer_screen, "card")?;
    stage.grant(Button::CardDone, Rights::Control)?;
    says("bar-control")?;
    stage.same_picture(STEP)?;
    keep(&stage.customer_screen, "bar-control")?;

    stage.customer.press_stop(&stage.observer)?;
    rights(&stage, Rights::None)?;
    says("bar-stopped")?;
    keep(&stage.customer_screen, "bar-stopped")?;
    stage.grant(Button::ViewOn, Rights::View)?;
    says("bar-view")?;
    keep(&stage.customer_screen, "bar-view")?;
    stage.grant(Button::ControlOn, Rights::Control)?;
    says("bar-control")?;
    stage.customer.press(Button::End)?;
    says("end-question")?;
    keep(&stage.customer_screen, "end-question")?;
    stage.customer.rest(Duration::from_millis(300))?;
    stage.customer.press(Button::EndYes)?;
    says("end-by-you")?;
    says("end-saved")?;
    keep(&stage.customer_screen, "end")?;
    receipt(&stage)?;
    stage.customer.press(Button::Close)?;
    stage.agent.ended(STEP)?;

    // No pointer was used.
    let clicks = stage.observer.seen()?;
    let clicked = clicks
        .iter()
        .any(|seen| seen.maker == Maker::Hardware && matches!(seen.act, Act::ButtonDown(_)));
    ensure!(!clicked, "the mouse was used");
    Ok(())
}

#[test]
fn with_a_screen_reader_and_the_declared_aid() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (mut stage, reader) = stage(folder.path())?;
    let pid = stage.agent.pid();
    let heard = reader.listen()?;
    let says = |key: &str| reader.wait(pid, &Words::agent(key)?, STEP).map(drop);
    let press = |key: &str| reader.press(pid, &Words::agent(key)?, STEP);
    let hears = |key: &str| heard.wait(&Words::agent(key)?, STEP);

    let code = stage.code()?;
    says("start-lead")?;
    stage.customer.sit_down()?;
    // What an aid types comes from no device, as everything else that it does.
    Device::injected(stage.customer_screen.display())?.type_text(&code)?;
    press("start-screen-keyboard")?;
    press("button-continue")?;
    hears("consent-title")?;
    says("consent-compare")?;
    says("consent-control-declaration")?;
    press("consent-control-button")?;
    hears("card-title")?;
    let groups = |said: &String| Code::parse(said).is_ok();
    let read = reader.read(pid)?;
    ensure!(
        read.iter().any(groups),
        "the code is not read out: {read:?}"
    );
    press("card-done")?;
    hears("bar-control")?;
    rights(&stage, Rights::Control)?;
    stage.same_picture(STEP)?;

    press("bar-button-view-off")?;
    hears("bar-view-off")?;
    rights(&stage, Rights::None)?;
    press("bar-button-view-on")?;
    hears("bar-view")?;
    rights(&stage, Rights::View)?;
    press("bar-button-control-on")?;
    rights(&stage, Rights::Control)?;
    press("bar-button-stop")?;
    hears("bar-stopped")?;
    rights(&stage, Rights::None)?;
    press("bar-button-end")?;
    hears("end-question")?;
    press("end-yes")?;
    hears("end-title")?;
    hears("end-safe")?;
    hears("end-saved")?;
    receipt(&stage)?;
    press("button-close")?;
    stage.agent.ended(STEP)?;
    // Nobody else acted at that screen.
    let seen = stage.observer.seen()?;
    let by_hand = seen.iter().any(|seen| {
        seen.maker == Maker::Hardware && matches!(seen.act, Act::KeyDown(_) | Act::ButtonDown(_))
    });
    ensure!(!by_hand, "a hand helped");
    Ok(())
}
