//! The receipt serves for a complaint whatever dies, and gives nothing away.

use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::complaint::Code;
use fernsicht_tests::apps::App;
use fernsicht_tests::auditor::Auditor;
use fernsicht_tests::dice::Dice;
use fernsicht_tests::operator::files_with;
use fernsicht_tests::programs::Programs;
use fernsicht_tests::session::{Backdrop, Layout, STEP, Stage};
use fernsicht_tests::wait;

/// Exit codes of the auditor's program.
const SOUND: i32 = 0;
const INTERRUPTED: i32 = 2;

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Agent,
    Screen,
    Relay,
}

#[test]
fn after_the_agent_is_killed_the_receipt_serves() -> Result<()> {
    killed(Victim::Agent)
}

#[test]
fn after_the_screen_is_gone_the_receipt_serves() -> Result<()> {
    killed(Victim::Screen)
}

#[test]
fn after_the_relay_is_killed_the_receipt_serves() -> Result<()> {
    killed(Victim::Relay)
}

fn killed(victim: Victim) -> Result<()> {
    let mut dice = Dice::fresh();
    let folder = tempfile::tempdir()?;
    let (mut stage, _terminal) = controlled(folder.path())?;
    // Any moment of the first seconds, while the technician works.
    let moment = dice.roll(2_000);
    let typist = fernsicht_tests::typist::Typist::start(
        stage.technician_screen.display(),
        Duration::from_millis(10),
    )?;
    std::thread::sleep(Duration::from_millis(u64::from(moment)));
    match victim {
        Victim::Agent => stage.agent.kill()?,
        Victim::Screen => stage.customer_screen.kill()?,
        Victim::Relay => stage.relay.process.kill()?,
    }
    typist.stop()?;
    if victim == Victim::Screen {
        // It says goodbye as well as it can, and ends.
        stage.agent.ended(STEP)?;
    }
    if victim == Victim::Relay {
        stage.relay = stage.operator.serve()?;
    } else {
        // The relay waits ten minutes for an agent that only lost its network; the operator does not.
        stage.relay.process.terminate()?;
        stage.relay.process.ended(STEP)?;
        stage.relay = stage.operator.serve()?;
    }
    let receipts = stage.operator.receipts()?;
    let receipt = receipts
        .last()
        .with_context(|| format!("{victim:?} at {moment} ms: no receipt"))?;
    let output = verify_by_receipt(&stage.auditors[0], receipt)?;
    ensure!(
        matches!(output.status.code(), Some(SOUND | INTERRUPTED)),
        "{victim:?} at {moment} ms: {}",
        said(&output)
    );
    Ok(())
}

#[test]
fn receipt_and_relays_disk_together_reveal_nothing_of_the_code() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (mut stage, _terminal) = controlled(folder.path())?;
    stage.technician.type_text("vertraulich")?;
    std::thread::sleep(Duration::from_millis(1_500));
    let code = Code::parse(stage.complaint_code()?)?;
    let started = stage.operator.receipts()?;
    ensure!(!started.is_empty(), "no receipt at the start");
    stage.end_by_customer()?;
    let complete = wait::until("the completed receipt", STEP, || {
        let now = fs::read(&started[0])?;
        Ok((now.len() > 2_000 && stage.agent.check().is_ok()).then_some(now))
    })?;
    ensure!(!complete.is_empty());
    std::thread::sleep(Duration::from_secs(1));
    for (what, needle) in needles(&code) {
        for place in [stage.operator.data(), stage.operator.customer()] {
            let found = files_with(&place, &needle)?;
            ensure!(found.is_empty(), "{what} stands in {found:?}");
        }
    }
    // The scan is not blind: the number of the recording is on the receipt, its hash at the relay.
    let number = code.lookup().to_string();
    ensure!(
        !files_with(&stage.operator.customer(), number.as_bytes())?.is_empty(),
        "the receipt does not name the recording"
    );
    ensure!(
        !files_with(&stage.operator.data(), &code.lookup().hash())?.is_empty(),
        "the relay does not know the recording"
    );
    Ok(())
}

/// The code and what follows from it and opens, as bytes and as text in the ways in which it could be written.
fn needles(code: &Code) -> Vec<(String, Vec<u8>)> {
    let mut needles = Vec::new();
    let mut add = |what: &str, bytes: &[u8]| {
        needles.push((what.to_owned(), bytes.to_vec()));
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        needles.push((
            format!("{what} in hexadecimal"),
            hex.to_uppercase().into_bytes(),
        ));
        needles.push((format!("{what} in hexadecimal"), hex.into_bytes()));
    };
    add("the code", code.bytes());
    add("T_open", code.open_token().as_slice());
    add("the symbols", code.symbols().as_bytes());
    needles.push((
        "the grouped symbols".to_owned(),
        code.grouped().as_bytes().to_vec(),
    ));
    let lower = code.symbols().to_lowercase();
    needles.push(("the symbols".to_owned(), lower.into_bytes()));
    let spaced = code.grouped().replace('-', " ");
    needles.push(("the grouped symbols".to_owned(), spaced.into_bytes()));
    needles
}

/// A session under control, with a terminal that has the keyboard.
fn controlled(folder: &Path) -> Result<(Stage, App)> {
    let backdrop = Backdrop::raise(Programs::find()?, folder, Layout::default())?;
    let screen = &backdrop.customer_screen;
    let terminal = App::terminal(screen, "Eingabe", "60x20+40+260", "printf '\\033[?25l'")?;
    let (x, y) = terminal.window().centre()?;
    let mut stage = backdrop.open()?;
    let code = stage.code()?;
    stage.customer.enter_code(&code)?;
    stage.consent_to_control()?;
    stage.same_picture(STEP)?;
    wait::until_true("the technician's turn", STEP, || {
        stage.technician.click(x, y, 1)?;
        std::thread::sleep(Duration::from_millis(200));
        Ok(stage.observer.by_programs()? > 0)
    })?;
    Ok((stage, terminal))
}

fn verify_by_receipt(auditor: &Auditor, receipt: &Path) -> Result<Output> {
    let receipt = receipt.to_str().context("paths of tests are text")?;
    auditor.run(&["verify", "--receipt", receipt, "--case", "Fall 1"])
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
