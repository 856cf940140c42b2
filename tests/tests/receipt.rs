//! The receipt serves for a complaint whatever dies, and gives nothing away.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fernsicht_protocol::complaint::Code;
use fernsicht_tests::apps::App;
use fernsicht_tests::auditor::Auditor;
use fernsicht_tests::customer::Button;
use fernsicht_tests::dice::Dice;
use fernsicht_tests::operator::{files_below, files_with};
use fernsicht_tests::programs::Programs;
use fernsicht_tests::session::{Backdrop, Layout, STEP, Stage};
use fernsicht_tests::typist::Typist;
use fernsicht_tests::wait;

/// Exit codes of the auditor's program.
const SOUND: i32 = 0;
const INTERRUPTED: i32 = 2;
const NO_RECORDING: i32 = 6;

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Agent,
    Screen,
    Relay,
}

/// When.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The receipt is on the disk, the card is shown, nobody sees or controls anything yet.
    Card,
    /// The card is put away: the recorded epoch is being opened, and control granted.
    Beginning,
    /// The technician is at work.
    Working,
    /// The session has been ended; the receipt is being completed.
    Completing,
}

#[test]
fn after_the_agent_is_killed_the_receipt_serves() -> Result<()> {
    killed(Phase::Working, Victim::Agent)
}

#[test]
fn after_the_screen_is_gone_the_receipt_serves() -> Result<()> {
    killed(Phase::Working, Victim::Screen)
}

#[test]
fn after_the_relay_is_killed_the_receipt_serves() -> Result<()> {
    killed(Phase::Working, Victim::Relay)
}

#[test]
fn killed_while_the_card_is_shown_nothing_was_recorded_and_that_is_said() -> Result<()> {
    for victim in [Victim::Agent, Victim::Screen, Victim::Relay] {
        killed(Phase::Card, victim)?;
    }
    Ok(())
}

#[test]
fn killed_at_the_epochs_beginning_what_was_controlled_can_be_complained_of() -> Result<()> {
    for victim in [Victim::Agent, Victim::Screen, Victim::Relay] {
        killed(Phase::Beginning, victim)?;
    }
    Ok(())
}

#[test]
fn killed_while_the_receipt_is_completed_it_serves() -> Result<()> {
    for victim in [Victim::Agent, Victim::Screen, Victim::Relay] {
        killed(Phase::Completing, victim)?;
    }
    Ok(())
}

fn killed(phase: Phase, victim: Victim) -> Result<()> {
    let mut dice = Dice::fresh();
    let folder = tempfile::tempdir()?;
    let (mut stage, terminal) = prepared(folder.path())?;
    let moment = match phase {
        Phase::Card => {
            stage.press_until_card(Button::ConsentControl)?;
            ensure!(
                stage.operator.receipts()?.len() == 1,
                "the card is shown, and no receipt is on the disk"
            );
            dice.roll(200)
        }
        Phase::Beginning => {
            stage.press_until_card(Button::ConsentControl)?;
            until_recorded(&stage)?;
            dice.roll(150)
        }
        Phase::Working => {
            under_control(&mut stage, &terminal)?;
            dice.roll(2_000)
        }
        Phase::Completing => {
            under_control(&mut stage, &terminal)?;
            stage.technician.type_text("vertraulich")?;
            stage.end_by_customer()?;
            dice.roll(1_200)
        }
    };
    let said = format!("{phase:?}, {victim:?} at {moment} ms");
    let typist = match phase {
        Phase::Working => Some(Typist::start(
            stage.technician_screen.display(),
            Duration::from_millis(10),
        )?),
        Phase::Card | Phase::Beginning | Phase::Completing => None,
    };
    std::thread::sleep(Duration::from_millis(u64::from(moment)));
    match victim {
        Victim::Agent => stage.agent.kill()?,
        Victim::Screen => stage.customer_screen.kill()?,
        Victim::Relay => stage.relay.process.kill()?,
    }
    typist.map(Typist::stop).transpose()?;
    if victim == Victim::Screen {
        // It says goodbye as well as it can, and ends.
        stage.agent.ended(STEP)?;
    }
    if victim != Victim::Relay {
        // The relay waits ten minutes for an agent that only lost its network; the operator does not.
        stage.relay.process.terminate()?;
        stage.relay.process.ended(STEP)?;
    }
    stage.relay = stage.operator.serve()?;
    judge(&stage, phase).context(said)
}

/// Whoever was seen or controlled can complain with the receipt; if nothing was recorded, nobody was, and the
/// auditor is told that there is no recording.
fn judge(stage: &Stage, phase: Phase) -> Result<()> {
    let controlled = stage.tap.log().rights();
    let controlled = controlled.iter().any(|(_, _, rights)| rights.control());
    let recorded = recordings(stage)?;
    ensure!(
        !controlled || recorded > 0,
        "control was granted, and no recording is there"
    );
    let Some(receipt) = stage.operator.receipts()?.pop() else {
        // The agent takes it away if it never heard that recording had begun.
        ensure!(!controlled, "no receipt of what was controlled");
        ensure!(
            matches!(phase, Phase::Card | Phase::Beginning),
            "no receipt"
        );
        return Ok(());
    };
    let output = verify_by_receipt(&stage.auditors[0], &receipt)?;
    match output.status.code() {
        Some(SOUND | INTERRUPTED) => {
            ensure!(phase != Phase::Card && recorded > 0, "it was recorded")
        }
        Some(NO_RECORDING) => ensure!(
            recorded == 0 && !controlled && matches!(phase, Phase::Card | Phase::Beginning),
            "{recorded} recordings are there, and none is found"
        ),
        _ => bail!("{}", said(&output)),
    }
    Ok(())
}

/// The customer puts the card away, until the relay has a recording.
fn until_recorded(stage: &Stage) -> Result<()> {
    for _ in 0..3 {
        stage.customer.read()?;
        stage.customer.press(Button::CardDone)?;
        let begun = wait::until_true("the recording", Duration::from_secs(5), || {
            Ok(recordings(stage)? > 0)
        });
        if begun.is_ok() {
            return Ok(());
        }
    }
    bail!("the card was put away, but no recording begins")
}

/// How many recordings the relay has, open or closed.
fn recordings(stage: &Stage) -> Result<usize> {
    let files = files_below(&stage.operator.data())?;
    let recording = |path: &&PathBuf| path.extension().is_some_and(|e| e == "recording");
    Ok(files.iter().filter(recording).count())
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
    let (mut stage, terminal) = prepared(folder)?;
    under_control(&mut stage, &terminal)?;
    Ok((stage, terminal))
}

/// A session whose customer is asked for his consent.
fn prepared(folder: &Path) -> Result<(Stage, App)> {
    let backdrop = Backdrop::raise(Programs::find()?, folder, Layout::default())?;
    let screen = &backdrop.customer_screen;
    let terminal = App::terminal(screen, "Eingabe", "60x20+40+260", "printf '\\033[?25l'")?;
    let mut stage = backdrop.open()?;
    let code = stage.code()?;
    stage.customer.enter_code(&code)?;
    Ok((stage, terminal))
}

/// The customer agrees, and the technician clicks into the terminal.
fn under_control(stage: &mut Stage, terminal: &App) -> Result<()> {
    stage.consent_to_control()?;
    stage.same_picture(STEP)?;
    stage.turn_to(terminal.window().centre()?)
}

fn verify_by_receipt(auditor: &Auditor, receipt: &Path) -> Result<Output> {
    let receipt = receipt.to_str().context("paths of tests are text")?;
    auditor.run(&["verify", "--receipt", receipt, "--case", "Fall 1"])
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
