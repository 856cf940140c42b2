//! Texts for the customer's clipboard and files either way, between the real programs.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fernsicht_console::audit::replay::Replay;
use fernsicht_console::audit::source::{Bytes, Recording};
use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::crypto::hash;
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::transfer::{Outcome, Reason};
use fernsicht_recordings::finding::Verdict;
use fernsicht_recordings::open;
use fernsicht_tests::clients;
use fernsicht_tests::customer::Button;
use fernsicht_tests::dice::Dice;
use fernsicht_tests::keymap::keysyms::{ALT, CONTROL};
use fernsicht_tests::net::{self, Impairment, Lane, Resident, Streets};
use fernsicht_tests::programs::Programs;
use fernsicht_tests::session::{Backdrop, Layout, STEP, Stage};
use fernsicht_tests::transfer::{
    LONG, REST, answered, arrived, asked, call, content, downloads, keep, names, press, rest,
    type_path,
};
use fernsicht_tests::wait;
use fernsicht_tests::xserver::XServer;

/// A recorded session under control, whose recording this test can open.
fn begin(folder: &Path) -> Result<Stage> {
    let layout = Layout {
        plain_auditor: true,
        ..Layout::default()
    };
    call(Backdrop::raise(Programs::find()?, folder, layout)?)
}

#[test]
fn a_file_reaches_the_customer_whole_and_only_if_he_says_yes() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut stage = begin(folder.path())?;
    let downloads = downloads(&stage);
    // Hidden on most systems, a device on one.
    let file = folder.path().join(".nul.bin");
    let sent = content(24 << 20);
    std::fs::write(&file, &sent)?;

    type_path(&stage, 'u', &file)?;
    asked(&stage)?;
    stage.customer.read()?;
    keep(&stage, "file-asked")?;
    ensure!(names(&downloads)?.is_empty(), "nothing before consent");
    press(&stage, Button::FileNo, || answered(&stage))?;
    ensure!(names(&downloads)?.is_empty(), "nothing after No");

    type_path(&stage, 'u', &file)?;
    asked(&stage)?;
    press(&stage, Button::FileYes, || answered(&stage))?;
    let placed = downloads.join("_nul.bin");
    wait::until_true("the file", LONG, || Ok(placed.exists()))?;
    ensure!(std::fs::read(&placed)? == sent, "the file is another one");
    ensure!(names(&downloads)? == ["_nul.bin"]);
    rest(&stage)?;
    keep(&stage, "file-arrived")?;

    // Once more: it takes no other file's place.
    type_path(&stage, 'u', &file)?;
    asked(&stage)?;
    press(&stage, Button::FileYes, || answered(&stage))?;
    let second = downloads.join("_nul (2).bin");
    wait::until_true("the second file", LONG, || Ok(second.exists()))?;
    ensure!(std::fs::read(&second)? == sent);
    stage.check()?;

    stage.end_by_customer()?;

    // The recording is sound, holds the facts, and is far too small for the content.
    let code = Code::parse(stage.complaint_code()?)?;
    let auditor = stage.plain_auditor.take().context("a plain auditor")?;
    let handed = wait::until("the recording to be closed", STEP, || {
        Ok(clients::block_on(auditor.open("transfer", &code))?.ok())
    })?;
    ensure!(
        handed.file.len() < sent.len() / 4,
        "{} bytes were recorded of two times {}",
        handed.file.len(),
        sent.len()
    );
    let ca = stage.operator.authority()?.fingerprint();
    let bytes = Bytes::new(handed.file);
    let opened = open::open(bytes.clone(), &handed.keys.0, &code, &auditor.key, &ca)?;
    ensure!(
        opened.verdict() == Verdict::Sound,
        "{:?}",
        opened.findings()
    );
    let replay = Replay::open(Recording::new(bytes, Arc::new(opened)))?;
    let complete = Outcome::Complete { hash: hash(&sent) };
    let refused = Outcome::Ended {
        reason: Reason::Refused,
        sent: 0,
    };
    let facts: Vec<_> = replay
        .index()
        .pieces
        .iter()
        .map(|fact| (fact.id, fact.name.as_str(), fact.size, fact.outcome.clone()))
        .collect();
    let size = sent.len() as u64;
    ensure!(
        facts
            == [
                (1, "_nul.bin", size, refused),
                (2, "_nul.bin", size, Outcome::Allowed),
                (2, "_nul.bin", size, complete.clone()),
                (3, "_nul.bin", size, Outcome::Allowed),
                (3, "_nul.bin", size, complete),
            ],
        "{facts:?}"
    );
    Ok(())
}

/// What is on this screen's clipboard; none if nobody owns it.
fn clipboard(screen: &XServer) -> Result<Option<String>> {
    let output = screen
        .command("xclip")
        .args(["-selection", "clipboard", "-o"])
        .stderr(Stdio::null())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(output.status.success().then_some(text))
}

/// Puts a text on this screen's clipboard.
fn copy(screen: &XServer, text: &str) -> Result<()> {
    let mut command: Command = screen.command("xclip");
    let mut child = command
        .args(["-selection", "clipboard", "-i"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    let mut pipe = child.stdin.take().context("a pipe")?;
    pipe.write_all(text.as_bytes())?;
    drop(pipe);
    child.wait()?;
    Ok(())
}

#[test]
fn a_text_reaches_the_clipboard_and_leaves_it_with_stop() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let stage = begin(folder.path())?;
    // Longer than a frame, with what is not in ASCII.
    let text = format!(
        "ping 192.0.2.1 # „Müller“ 日本\n{}",
        "0123456789".repeat(9_000)
    );
    copy(&stage.technician_screen, &text)?;
    rest(&stage)?;
    stage.technician.shortcut(&[CONTROL, ALT], 'v')?;
    asked(&stage)?;
    stage.customer.read()?;
    keep(&stage, "text-asked")?;
    ensure!(clipboard(&stage.customer_screen)?.is_none());
    press(&stage, Button::TextNo, || answered(&stage))?;
    ensure!(clipboard(&stage.customer_screen)?.is_none(), "after No");

    rest(&stage)?;
    stage.technician.shortcut(&[CONTROL, ALT], 'v')?;
    asked(&stage)?;
    press(&stage, Button::TextYes, || answered(&stage))?;
    wait::until_true("the text on the clipboard", STEP, || {
        Ok(clipboard(&stage.customer_screen)?.as_ref() == Some(&text))
    })?;
    stage.customer.press_stop(&stage.observer)?;
    wait::until_true("the clipboard to be empty", STEP, || {
        Ok(clipboard(&stage.customer_screen)?.is_none())
    })
}

#[test]
fn stop_in_the_middle_leaves_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut stage = begin(folder.path())?;
    let downloads = downloads(&stage);
    let file = folder.path().join("large.bin");
    std::fs::File::create(&file)?.set_len(1 << 30)?;
    type_path(&stage, 'u', &file)?;
    asked(&stage)?;
    press(&stage, Button::FileYes, || answered(&stage))?;
    wait::until_true("some of the file", LONG, || {
        Ok(arrived(&downloads)? > 4 << 20)
    })?;
    stage.customer.press_stop(&stage.observer)?;
    wait::until_true("nothing of it", STEP, || Ok(names(&downloads)?.is_empty()))?;
    stage.check()?;
    Ok(())
}

#[test]
fn the_customer_chooses_a_file_and_the_technician_gets_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut stage = begin(folder.path())?;
    let file = stage.operator.customer().join("Documents/log.txt");
    let sent = content(3 << 20);
    std::fs::write(&file, &sent)?;
    let here = folder.path().join("received");
    std::fs::create_dir(&here)?;
    type_path(&stage, 'o', &here)?;
    asked(&stage)?;
    stage.customer.turn_to_bar()?;
    stage.customer.read()?;
    stage.customer.press(Button::FilePlace)?;
    stage
        .customer
        .hand()
        .type_text(file.to_str().context("a path in UTF-8")?)?;
    stage.customer.rest(REST)?;
    stage.customer.press(Button::FileTake)?;
    stage.customer.read()?;
    keep(&stage, "wanted-chosen")?;
    ensure!(names(&here)?.is_empty(), "nothing before consent");
    press(&stage, Button::FileSend, || answered(&stage))?;
    let placed = here.join("log.txt");
    wait::until_true("the file", LONG, || Ok(placed.exists()))?;
    ensure!(std::fs::read(&placed)? == sent);
    rest(&stage)?;
    keep(&stage, "sent")?;
    stage.check()
}

#[test]
fn a_lost_link_pauses_and_the_file_goes_on() -> Result<()> {
    if !net::possible()? {
        return Ok(());
    }
    let mut dice = Dice::fresh();
    let streets = Arc::new(Streets::build(&mut dice)?);
    let folder = tempfile::tempdir()?;
    // The screens stay outside: within, they would not see which numbers are taken.
    let backdrop = Backdrop::raise(Programs::find()?, folder.path(), Layout::default())?
        .at_ends_of(Arc::clone(&streets))?;
    let seed = dice.seed();
    let (path, lines) = (folder.path(), Arc::clone(&streets));
    streets
        .operator
        .enter(move || cut_off(backdrop, &lines, path))
        .with_context(|| format!("dice {seed:#x}"))
}

fn cut_off(backdrop: Backdrop, streets: &Streets, folder: &Path) -> Result<()> {
    let stage = call(backdrop)?;
    let downloads = downloads(&stage);
    let file = folder.join("film.bin");
    let sent = content(24 << 20);
    std::fs::write(&file, &sent)?;
    // Slow, and not perfect.
    let poor = Impairment {
        loss: 10,
        delay: Duration::from_millis(15),
        rate: Some(1_500_000),
        queue: 128 << 10,
        ..Impairment::default()
    };
    type_path(&stage, 'u', &file)?;
    asked(&stage)?;
    press(&stage, Button::FileYes, || answered(&stage))?;
    streets.line(Resident::Customer).impair(poor);
    wait::until_true("some of the file", LONG, || {
        Ok(arrived(&downloads)? > 2 << 20)
    })?;
    streets.line(Resident::Customer).impair(Impairment {
        block: Lane::Everything,
        ..poor
    });
    wait::until_true("the loss", LONG, || {
        Ok(stage.relay.log()?.contains("a side is lost"))
    })?;
    ensure!(
        arrived(&downloads)? < sent.len() as u64,
        "it was over before the loss"
    );
    streets
        .line(Resident::Customer)
        .impair(Impairment::default());
    let placed = downloads.join("film.bin");
    wait::until_true("the file", LONG, || Ok(placed.exists()))?;
    ensure!(std::fs::read(&placed)? == sent);
    ensure!(names(&downloads)? == ["film.bin"]);
    // It goes on without control: that needs the customer's hand.
    ensure!(stage.rights() == Rights::View, "{:?}", stage.rights());
    Ok(())
}
