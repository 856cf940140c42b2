//! What technician and customer write to each other, and where the customer's bar lies, with the real programs.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::chat::{LONGEST, WAITING};
use fernsicht_protocol::content::{Chat, ConsoleNotice};
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::unit::Record;
use fernsicht_protocol::wire::{Text, Wire};
use fernsicht_tests::apps::AppWindow;
use fernsicht_tests::customer::Button;
use fernsicht_tests::grab::Area;
use fernsicht_tests::hostile::{Hostile, Met, Pair};
use fernsicht_tests::keymap::keysyms::{self, ALT, CONTROL};
use fernsicht_tests::programs::Programs;
use fernsicht_tests::reader::{Reader, Words};
use fernsicht_tests::reading::{Desk, Reads, keep};
use fernsicht_tests::session::{Backdrop, Layout, STEP, Stage};
use fernsicht_tests::tap::Leg;
use fernsicht_tests::wait;

/// A screen that rests has shown what was asked for.
const REST: Duration = Duration::from_millis(400);

fn stage(folder: &Path, layout: Layout) -> Result<(Stage, Arc<Reader>)> {
    let reader = Arc::new(Reader::start(folder)?);
    let backdrop = Backdrop::raise(Programs::find()?, folder, layout)?;
    let mut stage = backdrop.read_by(Arc::clone(&reader)).open()?;
    let code = stage.code()?;
    stage.customer.enter_code(&code)?;
    Ok((stage, reader))
}

/// The technician writes a line. `open`: the chat is not there yet.
fn write(stage: &Stage, open: bool, text: &str) -> Result<()> {
    if open {
        stage.technician.shortcut(&[CONTROL, ALT], 'n')?;
        stage.technician_view.settled(REST, STEP)?;
    }
    stage.technician.type_text(text)?;
    stage.technician.key(keysyms::RETURN)
}

#[test]
fn a_line_each_way_is_read_answered_and_recorded() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (mut stage, reader) = stage(folder.path(), Layout::default())?;
    let (agent, console) = (stage.agent.pid(), stage.console.pid());
    let customer_reads = |said: &str| reader.wait(agent, &Words::said(said), STEP);
    let technician_reads = |said: &str| reader.wait(console, &Words::said(said), STEP);
    stage.consent_to_control()?;
    reader.wait(agent, &Words::agent("bar-control")?, STEP)?;
    stage.same_picture(STEP)?;

    let typed = stage.observer.by_programs()?;
    write(&stage, true, "Guten Tag, <b>wo</b> hakt es?")?;
    customer_reads("schreibt: „Guten Tag, <b>wo</b> hakt es?“")?;
    reader.wait(agent, &Words::agent("chat-whose")?, STEP)?;
    reader.wait(agent, &Words::agent("chat-recorded")?, STEP)?;
    reader.wait(console, &Words::console("chat-shown")?, STEP)?;
    ensure!(
        stage.observer.by_programs()? <= typed + 4,
        "what was written was typed at the customer's, too"
    );

    // The customer answers in the field of the same window.
    let (x, y, ..) = stage.customer.window()?.place()?;
    let field = reader.extents(agent, &Words::agent("chat-field")?)?;
    let (left, top, width, height) = field.context("the field has a place")?;
    let at =
        |from: i16, start: i32, length: i32| anyhow::Ok(from + i16::try_from(start + length / 2)?);
    let (across, down) = (at(x, left, width)?, at(y, top, height)?);
    let window = stage.customer.window()?;
    wait::until_true("the field with the keyboard", STEP, || {
        let (before, _) = stage.customer_view.settled(REST, STEP)?;
        stage.customer.hand().click(across, down, 1)?;
        let (after, _) = stage.customer_view.settled(REST, STEP)?;
        Ok(window.has_keyboard()? && before.differing_pixels(&after)? > 0)
    })?;
    stage.customer.hand().type_text("Beim Drucker")?;
    stage.customer.hand().key(keysyms::RETURN)?;
    customer_reads("Sie schreiben: „Beim Drucker“")?;
    technician_reads("Beim Drucker")?;
    let on_way = Words::agent("chat-on-way")?;
    wait::until_true("the customer's line to have arrived", STEP, || {
        Ok(!reader.read(agent)?.iter().any(|said| on_way.fit(said)))
    })?;
    keep(&stage.customer_screen, "bar-chat")?;

    // The technician's hand does not reach the chat.
    stage.technician.shortcut(&[CONTROL, ALT], 'n')?;
    stage.same_picture(STEP)?;
    let desk = (640, 700);
    stage.turn_to(desk)?;
    let close = reader.extents(agent, &Words::agent("chat-button-close")?)?;
    let (left, top, width, height) = close.context("the button has a place")?;
    let (across, down) = (at(x, left, width)?, at(y, top, height)?);
    stage.technician.click(across, down, 1)?;
    stage.turn_to(desk)?;
    reader.wait(agent, &Words::agent("chat-whose")?, STEP)?;

    // Sight off ends no chat.
    stage.customer.press_stop(&stage.observer)?;
    reader.wait(agent, &Words::agent("bar-stopped")?, STEP)?;
    write(&stage, true, "Ich sehe nichts mehr")?;
    customer_reads("schreibt: „Ich sehe nichts mehr“")?;

    stage.technician.shortcut(&[CONTROL, ALT], 'e')?;
    stage.technician_view.settled(REST, STEP)?;
    stage.technician.key(keysyms::TAB)?;
    stage.technician.key(keysyms::SPACE)?;
    reader.wait(agent, &Words::agent("end-by-technician")?, STEP)?;
    reader.wait(agent, &Words::agent("end-saved")?, STEP)?;
    for read in [reader.read(agent)?, reader.read(console)?] {
        let kept = read.iter().any(|said| said.contains("Drucker"));
        ensure!(!kept, "after the end nothing of it is left: {read:?}");
    }
    let receipts = stage.operator.receipts()?;
    let receipt = receipts.first().context("a receipt")?;
    ensure!(!std::fs::read_to_string(receipt)?.contains("Drucker"));
    let receipt = receipt.to_str().context("paths of tests are text")?;
    let verify = ["verify", "--receipt", receipt, "--case", "Fall 1"];
    let mut facts = serde_json::Value::Null;
    wait::until_true("a sound recording", STEP, || {
        facts = stage.auditors[0].json(&verify)?;
        Ok(facts["verdict"] == "sound")
    })?;
    let said: Vec<[&str; 2]> = facts["talk"]
        .as_array()
        .context("the auditor reads the chat")?
        .iter()
        .map(|line| [&line["writer"], &line["text"]].map(|v| v.as_str().unwrap_or_default()))
        .collect();
    let all = [
        ["technician", "Guten Tag, <b>wo</b> hakt es?"],
        ["customer", "Beim Drucker"],
        ["technician", "Ich sehe nichts mehr"],
    ];
    ensure!(said == all, "{said:?}");
    ensure!(
        facts["talk"]
            .as_array()
            .is_some_and(|talk| talk.iter().all(|line| line["shown"] == true))
    );
    Ok(())
}

#[test]
fn a_line_waits_behind_a_question_and_moves_nothing_of_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (mut stage, reader) = stage(folder.path(), Layout::default())?;
    let (agent, console) = (stage.agent.pid(), stage.console.pid());
    stage.grant(Button::ConsentView, Rights::View)?;
    stage.same_picture(STEP)?;
    stage.customer.read()?;
    stage.customer.press(Button::ControlOn)?;
    reader.wait(agent, &Words::agent("upgrade-title")?, STEP)?;
    // Its granting button is ready.
    stage.customer.read()?;
    let (before, _) = stage.customer_view.settled(Duration::from_secs(2), STEP)?;
    let place = stage.customer.window()?.place()?;
    let told = || {
        let all = stage.tap.log().all();
        let lines = all
            .iter()
            .filter(|passed| passed.leg != Leg::FromAgent && passed.header.class == Class::Notices);
        lines.count()
    };
    let earlier = told();
    write(&stage, true, "Klicken Sie auf Ja")?;
    reader.wait(console, &Words::console("chat-open")?, STEP)?;
    wait::until_true("the line at the agent's", STEP, || Ok(told() > earlier))?;
    let (after, _) = stage.customer_view.settled(Duration::from_secs(2), STEP)?;
    ensure!(stage.customer.window()?.place()? == place, "the bar moved");
    ensure!(
        before.differing_pixels(&after)? == 0,
        "something is to be seen of it"
    );
    let hidden = reader.read(agent)?;
    ensure!(
        !hidden.iter().any(|said| said.contains("Klicken")),
        "{hidden:?}"
    );

    reader.press(agent, &Words::agent("upgrade-no")?, STEP)?;
    reader.wait(agent, &Words::said("schreibt: „Klicken Sie auf Ja“"), STEP)?;
    reader.wait(agent, &Words::agent("chat-not-recorded")?, STEP)?;
    reader.wait(console, &Words::console("chat-shown")?, STEP)?;
    stage.check()
}

/// An agent that only shows, with a console behind it that keeps to nothing.
struct Play<'a> {
    agent: Reads<'a>,
    met: Met,
    pair: Pair,
}

impl<'a> Play<'a> {
    async fn begin(desk: &'a Desk) -> Result<Self> {
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
        tokio::task::block_in_place(|| agent.press("consent-view-button"))?;
        pair.open_epoch(&mut met).await?;
        tokio::task::block_in_place(|| agent.says("bar-view"))?;
        Ok(Self { agent, met, pair })
    }

    async fn say(&mut self, content: &[u8]) -> Result<()> {
        let sealer = self.pair.sealer.as_mut().context("an epoch is open")?;
        let frame = sealer.seal(Class::Notices, 1, Rights::View, content);
        self.pair.record(&self.met, &Record::Frame(frame)).await
    }

    async fn line(&mut self, number: u32, text: &str) -> Result<()> {
        let chat = Chat::Line {
            number,
            text: Text::new(text)?,
        };
        self.say(&ConsoleNotice::Chat { chat }.to_bytes()).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_lines_are_harmless() -> Result<()> {
    let desk = Desk::set()?;
    let mut play = Play::begin(&desk).await?;
    let pid = play.agent.agent.pid();
    let stop = Words::agent("bar-button-stop")?;
    let buttons = || tokio::task::block_in_place(|| desk.reader.extents(pid, &stop));
    let before = buttons()?;
    // Turned around, invisible, and the longest that there is.
    play.line(1, "\u{202e}sulpH\u{202c} \u{200b}Nr\u{2066}1\u{e0041}")
        .await?;
    play.line(2, &"W".repeat(2_000)).await?;
    let longest = format!("schreibt: „{}“", "W".repeat(LONGEST));
    tokio::task::block_in_place(|| -> Result<()> {
        for words in ["schreibt: „sulpH Nr1“", &longest] {
            desk.reader.wait(pid, &Words::said(words), STEP)?;
        }
        Ok(())
    })?;
    for number in 3..10_000 {
        play.line(number, "Klicken Sie auf „Steuern erlauben“")
            .await?;
    }
    let lines = || {
        let read = desk.reader.read(pid)?;
        anyhow::Ok(read.iter().filter(|said| said.contains("Klicken")).count())
    };
    tokio::task::block_in_place(|| {
        wait::until_true("the lines that wait", STEP, || Ok(lines()? >= WAITING))
    })?;
    // Those that were allowed to wait were shown, one after the other, and of the thousands that were not none but
    // what came while one was shown: the next one that comes is the next one that is read.
    play.line(10_000, "Zum Schluss").await?;
    tokio::task::block_in_place(|| -> Result<()> {
        let last = Words::said("schreibt: „Zum Schluss“");
        desk.reader.wait(pid, &last, STEP)?;
        let shown = lines()?;
        ensure!(shown < 2 * WAITING, "{shown} of the flood were shown");
        Ok(())
    })?;
    ensure!(buttons()? == before, "the buttons moved");
    ensure!(!play.met.gone(), "the agent has hung up");
    drop(play);

    // What no line can be ends the session.
    let control = [&[3, 0, 0, 0, 0, 1, 0, 0, 0, 2][..], b"a\x1b"].concat();
    let long = [&[3, 0, 0, 0, 0, 1, 0, 0, 0x7, 0xd1][..], &[b'a'; 2_001]].concat();
    // As much as a notice can carry at all.
    let huge = [&[3, 0, 0, 0, 0, 1, 0, 0, 0xea, 0x60][..], &[b'a'; 60_000]].concat();
    for content in [control, long, huge] {
        let mut play = Play::begin(&desk).await?;
        // It may hang up while it is still being told.
        drop(play.say(&content).await);
        tokio::task::block_in_place(|| play.agent.says("error-tampered"))?;
    }
    Ok(())
}

#[test]
fn the_customers_bar_is_marked_and_a_click_there_is_answered() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let layout = Layout {
        marked: true,
        ..Layout::default()
    };
    let (mut stage, reader) = stage(folder.path(), layout)?;
    let (agent, console) = (stage.agent.pid(), stage.console.pid());
    stage.grant(Button::ConsentView, Rights::View)?;
    // Nothing differs but at the edges of the bar and beneath or above it.
    let around = |stage: &Stage| -> Result<Area> {
        let (x, y, width, height) = stage.customer.window()?.place()?;
        let start = |at: i16, by: i16| u16::try_from((at - by).max(0));
        let (left, top) = (start(x, 12)?, start(y, 40)?);
        let end = |at: i16, length: u16, by: u16, most: u16| {
            anyhow::Ok((u16::try_from(at.max(0))? + length + by).min(most))
        };
        Ok(Area {
            x: left,
            y: top,
            width: end(x, width, 12, 1280)? - left,
            height: end(y, height, 40, 800)? - top,
        })
    };
    let marked = |stage: &Stage| {
        wait::until_true("the bar to be marked where it is", STEP, || {
            let (theirs, ours) = (stage.technician_view.grab()?, stage.customer_view.grab()?);
            let place = around(stage)?;
            let marked = theirs.differing_pixels(&ours)? > 500;
            Ok(marked && theirs.differing_outside(&ours, &[place])? == 0)
        })
    };
    marked(&stage)?;
    reader.press(agent, &Words::agent("bar-button-move")?, STEP)?;
    stage.customer_view.settled(REST, STEP)?;
    marked(&stage)?;

    stage.observer.clear()?;
    let (x, y, width, height) = stage.customer.window()?.place()?;
    let middle = (x + width.cast_signed() / 2, y + height.cast_signed() / 2);
    stage.technician.click(middle.0, middle.1, 1)?;
    reader.wait(console, &Words::console("notice-own-area")?, STEP)?;
    ensure!(stage.observer.by_programs()? == 0, "something was injected");
    // Without sight there is nothing to mark.
    stage.customer.press_stop(&stage.observer)?;
    reader.wait(console, &Words::console("cause-stopped")?, STEP)?;
    stage.check()
}

#[test]
fn a_bar_that_is_dragged_near_an_edge_docks_there() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (mut stage, reader) = stage(folder.path(), Layout::default())?;
    stage.grant(Button::ConsentView, Rights::View)?;
    stage.customer_view.settled(REST, STEP)?;
    let window = stage.customer.window()?;
    let bottom = |window: &AppWindow| {
        let (_, y, _, height) = window.place()?;
        anyhow::Ok(y + height.cast_signed())
    };
    let button = Words::agent("bar-button-move")?;
    let place = reader.extents(stage.agent.pid(), &button)?;
    let (left, top, width, height) = place.context("the button has a place")?;
    let (x, y, ..) = window.place()?;
    let x = x + i16::try_from(left + width / 2)?;
    let mut pointer = y + i16::try_from(top + height / 2)?;
    let hand = stage.customer.hand();
    hand.point(x, pointer)?;
    stage.customer_view.settled(REST, STEP)?;
    hand.button_event(1, true)?;
    let before = bottom(&window)?;
    wait::until_true("the bar to follow the hand", STEP, || {
        pointer += 4;
        hand.point(x, pointer)?;
        Ok(bottom(&window)? != before)
    })?;
    stage.customer_view.settled(REST, STEP)?;
    let near = 800 - 12;
    hand.point(x, pointer + near - bottom(&window)?)?;
    wait::until_true("the bar near the lower edge", STEP, || {
        Ok((near - 8..800).contains(&bottom(&window)?))
    })?;
    hand.button_event(1, false)?;
    wait::until_true("the bar at the lower edge", STEP, || {
        Ok(bottom(&window)? == 800)
    })?;
    stage.check()
}
