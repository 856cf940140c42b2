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
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::transfer::{Outcome, Reason};
use fernsicht_protocol::unit::Record;
use fernsicht_recordings::finding::Verdict;
use fernsicht_recordings::open;
use fernsicht_tests::apps::{App, AppWindow};
use fernsicht_tests::clients;
use fernsicht_tests::customer::Button;
use fernsicht_tests::dice::Dice;
use fernsicht_tests::disk::Disk;
use fernsicht_tests::drag::Drag;
use fernsicht_tests::hostile::Hostile;
use fernsicht_tests::keymap::keysyms::{self, ALT, CONTROL};
use fernsicht_tests::net::{self, Impairment, Lane, Resident, Streets};
use fernsicht_tests::programs::Programs;
use fernsicht_tests::reader::{Reader, Words};
use fernsicht_tests::reading::{Desk, Reads};
use fernsicht_tests::scenery;
use fernsicht_tests::session::{Backdrop, Layout, STEP, Stage};
use fernsicht_tests::transfer::{
    LONG, answered, arrived, asked, call, choose, content, downloads, keep, keep_technicians,
    names, press, rest, type_path, until_asked,
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
    let (mut stage, reader) = begin_read(folder.path())?;
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

    // At once nobody is asked again, and the technician reads why.
    type_path(&stage, 'u', &file)?;
    let console = stage.console.pid();
    reader.wait(console, &Words::console("piece-too-soon")?, STEP)?;
    ensure!(stage.rights() == Rights::Control, "the customer was asked");
    keep(&stage, "too-soon")?;
    until_asked(&stage, || type_path(&stage, 'u', &file))?;
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
    // Of those that came too soon after the No nobody was asked.
    let facts: Vec<_> = replay
        .index()
        .pieces
        .iter()
        .map(|fact| (fact.name.as_str(), fact.size, fact.outcome.clone()))
        .collect();
    let size = sent.len() as u64;
    ensure!(
        facts
            == [
                ("_nul.bin", size, refused),
                ("_nul.bin", size, Outcome::Allowed),
                ("_nul.bin", size, complete.clone()),
                ("_nul.bin", size, Outcome::Allowed),
                ("_nul.bin", size, complete),
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

    until_asked(&stage, || {
        rest(&stage)?;
        stage.technician.shortcut(&[CONTROL, ALT], 'v')
    })?;
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
    choose(&stage, &file)?;
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

/// A recorded session under control whose pages are read.
fn begin_read(folder: &Path) -> Result<(Stage, Arc<Reader>)> {
    let reader = Arc::new(Reader::start(folder)?);
    let layout = Layout {
        plain_auditor: true,
        ..Layout::default()
    };
    let backdrop = Backdrop::raise(Programs::find()?, folder, layout)?;
    Ok((call(backdrop.read_by(Arc::clone(&reader)))?, reader))
}

/// Both people read why it came to nothing, and nothing of it is there.
fn both_read(stage: &Stage, reader: &Reader, (customer, technician): (&str, &str)) -> Result<()> {
    // Over a full screen it is told for a while only.
    reader.wait(stage.console.pid(), &Words::console(technician)?, LONG)?;
    reader.wait(stage.agent.pid(), &Words::agent(customer)?, STEP)?;
    keep(stage, technician)
}

const FULL: (&str, &str) = ("transfer-disk-full", "piece-disk-full");
const READ_ONLY: (&str, &str) = ("transfer-not-writable", "piece-not-writable");

#[test]
fn a_disk_that_is_full_or_takes_nothing_is_told_to_both_and_nothing_is_left() -> Result<()> {
    if !Disk::possible()? {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let (mut stage, reader) = begin_read(folder.path())?;
    let file = folder.path().join("film.bin");
    std::fs::write(&file, content(24 << 20))?;

    // To the customer, whose downloads are a small disk.
    let theirs = downloads(&stage);
    let disk = Disk::memory(&theirs, 4)?;
    for (read_only, told) in [(false, FULL), (true, READ_ONLY)] {
        if read_only {
            disk.forbid_writes()?;
        }
        type_path(&stage, 'u', &file)?;
        asked(&stage)?;
        press(&stage, Button::FileYes, || answered(&stage))?;
        both_read(&stage, &reader, told)?;
        ensure!(names(&theirs)?.is_empty(), "{:?}", names(&theirs)?);
    }
    drop(disk);

    // From the customer, into such a folder of the technician's.
    let here = folder.path().join("received");
    let disk = Disk::memory(&here, 4)?;
    let file = stage.operator.customer().join("Documents/film.bin");
    std::fs::write(&file, content(24 << 20))?;
    for (read_only, told) in [(false, FULL), (true, READ_ONLY)] {
        if read_only {
            disk.forbid_writes()?;
        }
        type_path(&stage, 'o', &here)?;
        asked(&stage)?;
        choose(&stage, &file)?;
        press(&stage, Button::FileSend, || answered(&stage))?;
        both_read(&stage, &reader, told)?;
        ensure!(names(&here)?.is_empty(), "{:?}", names(&here)?);
    }
    stage.check()
}

/// Names that a file can have on this system, and the harmless ones that they become.
fn hostile_names() -> Vec<(String, String)> {
    let long = "ä".repeat(124);
    let mut names: Vec<_> = [
        // An ordinary one first.
        ("Rechnung März 100%.txt", "Rechnung März 100%.txt"),
        ("..\\..\\.bashrc", "bashrc"),
        ("CON", "_CON"),
        ("com1.log", "_com1.log"),
        ("\u{202e}fdp.\u{200b}exe", "fdp.exe"),
        ("a\u{1b}[31m\tb\n.txt", "a[31mb.txt"),
    ]
    .map(|(name, harmless)| (name.to_owned(), harmless.to_owned()))
    .into();
    // 252 bytes, the most being 255; 200 are kept, and its ending.
    names.push((format!("{long}.txt"), format!("{}.txt", "ä".repeat(98))));
    names
}

#[test]
fn files_dragged_onto_the_console_arrive_under_harmless_names() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (mut stage, reader) = begin_read(folder.path())?;
    let downloads = downloads(&stage);
    let hostile = folder.path().join("hostile");
    std::fs::create_dir(&hostile)?;
    for (name, harmless) in hostile_names() {
        let file = hostile.join(&name);
        std::fs::write(&file, &name)?;
        rest(&stage)?;
        let taken = Drag::of(stage.technician_screen.display(), &[&file])?.drop_at(640, 400)?;
        ensure!(taken, "the console did not take {name:?}");
        asked(&stage).with_context(|| format!("{name:?}"))?;
        let pid = stage.agent.pid();
        reader.wait(pid, &Words::agent("transfer-file-title")?, STEP)?;
        reader.wait(pid, &Words::said(&format!(": {harmless} (")), STEP)?;
        press(&stage, Button::FileYes, || answered(&stage))?;
        let placed = downloads.join(&harmless);
        wait::until_true("the file", LONG, || Ok(placed.exists()))
            .with_context(|| format!("{harmless:?}, there is {:?}", names(&downloads)))?;
        ensure!(std::fs::read_to_string(&placed)? == name);
    }
    ensure!(names(&downloads)?.len() == hostile_names().len());
    ensure!(!stage.operator.customer().join(".bashrc").exists());
    stage.check()
}

#[test]
fn files_dragged_onto_the_bar_are_what_the_customer_sends() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (mut stage, reader) = begin_read(folder.path())?;
    let here = folder.path().join("received");
    std::fs::create_dir(&here)?;
    let hostile = stage.operator.customer().join("Documents");
    let display = stage.customer_screen.display().to_owned();
    for (name, harmless) in hostile_names() {
        let file = hostile.join(&name);
        std::fs::write(&file, &name)?;
        type_path(&stage, 'o', &here)?;
        asked(&stage)?;
        stage.customer.turn_to_bar()?;
        stage.customer.read()?;
        let (x, y) = stage.customer.window()?.centre()?;
        let taken = Drag::of(&display, &[&file])?.drop_at(x, y)?;
        ensure!(taken, "the bar did not take {name:?}");
        let pid = stage.agent.pid();
        reader.wait(pid, &Words::agent("transfer-want-chosen")?, STEP)?;
        reader.wait(pid, &Words::said(&format!(": {harmless} (")), STEP)?;
        ensure!(!here.join(&harmless).exists(), "a drop is no consent");
        press(&stage, Button::FileSend, || answered(&stage))?;
        let placed = here.join(&harmless);
        wait::until_true("the file", LONG, || Ok(placed.exists()))
            .with_context(|| format!("{harmless:?}, there is {:?}", names(&here)))?;
        ensure!(std::fs::read_to_string(&placed)? == name);
    }
    ensure!(names(&here)?.len() == hostile_names().len());
    stage.check()
}

/// A console with valid keys that says of a file what no file can be called.
async fn offer_name(
    desk: &Desk,
    name: &[u8],
    look: impl FnOnce(&Reads<'_>) -> Result<()>,
) -> Result<()> {
    let hostile = Hostile::start()?;
    let file = desk.folder.path().join("Fernhilfe");
    hostile.agent_file(&Programs::find()?.agent, &file)?;
    let code = hostile.code();
    let agent = tokio::task::block_in_place(|| -> Result<_> {
        let agent = desk.start(&file, &["--code", &code], |_| {})?;
        agent.says("start-code-prefilled")?;
        agent.press("start-screen-keyboard")?;
        agent.press("button-continue")?;
        Ok(agent)
    })?;
    let mut met = hostile.meet().await?;
    let mut pair = hostile.pair(&mut met).await?;
    tokio::task::block_in_place(|| -> Result<()> {
        agent.press("consent-control-button")?;
        agent.press("card-done")
    })?;
    pair.open_epoch(&mut met).await?;
    tokio::task::block_in_place(|| agent.says("bar-control"))?;
    // An offer of one byte, by hand: no type of ours has such names.
    let length = u32::try_from(name.len())?.to_be_bytes();
    let offer = [&[0, 0, 0, 0, 1, 1][..], &length, name, &1u64.to_be_bytes()].concat();
    let sealer = pair.sealer.as_mut().context("an epoch is open")?;
    let frame = sealer.seal(Class::Transfer, 1, Rights::Control, &offer);
    // It may hang up while it is still being told.
    drop(pair.record(&met, &Record::Frame(frame)).await);
    tokio::task::block_in_place(|| look(&agent))?;
    ensure!(
        names(desk.folder.path())?
            .iter()
            .all(|name| !name.ends_with("x.txt") && !name.starts_with(".fernsicht-"))
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_no_file_has_are_harmless_or_end_the_session() -> Result<()> {
    let desk = Desk::set()?;
    offer_name(&desk, "/etc/../../\u{2066}.x.txt".as_bytes(), |agent| {
        agent.says("transfer-file-title")?;
        let words = Words::said(": x.txt (1 B)");
        desk.reader.wait(agent.agent.pid(), &words, STEP).map(drop)
    })
    .await?;
    let long = "x".repeat(300);
    for name in [long.as_bytes(), b"a\x1b]0;x.txt", b"\xff\xfe.x.txt"] {
        offer_name(&desk, name, |agent| agent.says("error-tampered")).await?;
    }
    Ok(())
}

#[test]
fn a_text_is_pasted_into_an_editor_and_a_terminal_by_the_customer() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let stage = begin(folder.path())?;
    let text = format!("route add „Müller“ 日本 €\n{}", "0123456789 ".repeat(200));
    let (editor, saved) = scenery::editor(&stage.customer_screen, folder.path(), "notes.txt")?;
    editor.window().arrange(40, 420, 560, 300)?;
    // An xterm that takes the clipboard, as the usual terminals do; by itself it takes what is marked.
    let typed = folder.path().join("typed.txt");
    let mut command = stage.customer_screen.command("xterm");
    command
        .args([
            "-u8",
            "-T",
            "Eingabe",
            "-xrm",
            "XTerm*selectToClipboard: true",
            "-e",
            "sh",
            "-c",
        ])
        .arg(format!("stty -echo; exec cat > '{}'", typed.display()));
    let terminal = App::start(&stage.customer_screen, "xterm", "Eingabe", command)?;
    terminal.window().arrange(660, 420, 560, 300)?;

    copy(&stage.technician_screen, &text)?;
    rest(&stage)?;
    stage.technician.shortcut(&[CONTROL, ALT], 'v')?;
    asked(&stage)?;
    press(&stage, Button::TextYes, || answered(&stage))?;
    wait::until_true("the text on the clipboard", STEP, || {
        Ok(clipboard(&stage.customer_screen)?.as_ref() == Some(&text))
    })?;
    let hand = stage.customer.hand();
    let turn_to = |window: &AppWindow| {
        let (x, y) = window.centre()?;
        hand.click(x, y, 1)?;
        wait::until_true("the keyboard", STEP, || window.has_keyboard())
    };
    turn_to(editor.window())?;
    hand.shortcut(&[CONTROL], 'v')?;
    wait::until_true("the text in the editor's file", STEP, || {
        hand.shortcut(&[CONTROL], 's')?;
        std::thread::sleep(Duration::from_millis(200));
        Ok(std::fs::read_to_string(&saved)?.trim_end() == text.trim_end())
    })?;
    turn_to(terminal.window())?;
    hand.shortcut_key(&[keysyms::SHIFT], INSERT)?;
    hand.key(keysyms::RETURN)?;
    wait::until_true("the text in the terminal's file", STEP, || {
        let arrived = std::fs::read_to_string(&typed).unwrap_or_default();
        Ok(arrived.trim_end() == text.trim_end())
    })
    .with_context(|| format!("{:?}", std::fs::read_to_string(&typed)))
}

#[test]
fn the_technician_reads_what_is_under_way_in_both_languages_and_sizes() -> Result<()> {
    for (language, size, scale) in [
        ("de", (1280, 800), ""),
        ("en", (1280, 800), ""),
        ("de", (1920, 1200), "2"),
        ("en", (1920, 1200), "2"),
    ] {
        let layout = Layout {
            technician_size: Some(size),
            scales: ["", scale],
            marked: true,
            language,
            ..Layout::default()
        };
        technicians_views(layout).with_context(|| format!("{language}, {size:?}"))?;
    }
    Ok(())
}

/// The bar's mark, a line of the chat, a question that waits, a file under way: each is read, and kept as a picture.
fn technicians_views(layout: Layout) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let reader = Arc::new(Reader::start(folder.path())?);
    let backdrop = Backdrop::raise(Programs::find()?, folder.path(), layout)?;
    let mut stage = backdrop.read_by(Arc::clone(&reader)).open()?;
    let code = stage.code()?;
    stage.customer.enter_code(&code)?;
    stage.consent_to_control()?;
    let (language, scale) = (layout.language, layout.scales[1]);
    let reads = |stage: &Stage, key: &str, picture: &str| -> Result<()> {
        let words = Words::console_in(language, key)?;
        reader.wait(stage.console.pid(), &words, STEP)?;
        rest(stage)?;
        keep_technicians(stage, &format!("{picture}-{language}{scale}"))
    };
    // With the bar of its own.
    stage.technician.shortcut(&[CONTROL, ALT], 'f')?;
    reads(&stage, "state-recorded", "technician-mark")?;
    stage.technician.shortcut(&[CONTROL, ALT], 'n')?;
    rest(&stage)?;
    stage.technician.type_text("Guten Tag. Wo hakt es?")?;
    stage.technician.key(keysyms::RETURN)?;
    reads(&stage, "chat-shown", "technician-chat")?;
    let file = folder.path().join("Router-Update.bin");
    std::fs::File::create(&file)?.set_len(1 << 30)?;
    type_path(&stage, 'u', &file)?;
    asked(&stage)?;
    reads(&stage, "piece-waiting", "technician-waiting")?;
    press(&stage, Button::FileYes, || answered(&stage))?;
    let words = Words::console_in(language, "piece-running")?;
    reader.wait(stage.console.pid(), &words, STEP)?;
    // How fast it goes is known after a second.
    reader.wait(stage.console.pid(), &Words::said("MB/s"), STEP)?;
    keep_technicians(&stage, &format!("technician-running-{language}{scale}"))?;
    stage.customer.press_stop(&stage.observer)?;
    reads(&stage, "piece-stopped", "technician-stopped")?;
    stage.check()
}

/// The keysym of Insert.
const INSERT: u32 = 0xff63;

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
