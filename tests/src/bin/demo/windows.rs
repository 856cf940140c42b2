//! The story with the Windows agent under wine: code, consent, view and control, F11, end, complaint.
//!
//! Relay, console and auditor are this system's own. The agent connects over TCP, since wine's UDP does not serve QUIC, so
//! the tap sees nothing: what its figures would tell stays empty in the summary. What the agent injects reaches wine's
//! programs alone, and no observer of the X server sees it: a Windows program counts it beside the agent.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::rights::Rights;
use fernsicht_tests::apps::App;
use fernsicht_tests::customer::Button;
use fernsicht_tests::grab::Area;
use fernsicht_tests::keymap::keysyms;
use fernsicht_tests::programs::Programs;
use fernsicht_tests::session::{Backdrop, Layout, STEP, Stage};
use fernsicht_tests::typist::Typist;
use fernsicht_tests::vanish::Patches;
use fernsicht_tests::wine::{Traces, Witness};
use fernsicht_tests::{scenery, wait, wine};

use crate::script::{CLICKS, TYPED};
use crate::summary::{Spread, Summary};
use crate::{complaint, say};

/// The editor, and where it is clicked into.
const EDITOR: Area = Area {
    x: 30,
    y: 220,
    width: 560,
    height: 420,
};
const WRITE_AT: (i16, i16) = (290, 500);

/// The photo beside it: by its detail one sees whether the picture is shown.
const PHOTO: Area = Area {
    x: 640,
    y: 240,
    width: 560,
    height: 400,
};

/// Inside the photo.
const DETAIL: Area = Area {
    x: 680,
    y: 280,
    width: 480,
    height: 320,
};

/// Who counts what programs press.
const WITNESS: Area = Area {
    x: 640,
    y: 700,
    width: 300,
    height: 80,
};

/// A page has more colours than an empty window.
const DRAWN: usize = 20;

/// A caret blinks; a letter is wider.
const CARET: u16 = 2;

/// Behind each half of one of the technician's key strokes.
const PACE: Duration = Duration::from_millis(15);

/// How long nothing moves at the end.
const REST: Duration = Duration::from_secs(12);

/// How long the editor takes to draw a letter, on a loaded machine.
const DRAWS: Duration = Duration::from_millis(300);

/// How long after F11 the editor is watched while the technician types on.
const AFTER: Duration = Duration::from_millis(400);

/// Runs everything, writes pictures and figures, and says what does not hold.
pub(crate) fn demonstrate(programs: Programs, output: &Path, revocations: usize) -> Result<()> {
    std::fs::create_dir_all(output)?;
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let mut summary = Summary::default();
    let outcome = drive(programs, output, folder.path(), revocations, &mut summary);
    summary.write(output)?;
    outcome?;
    summary.check_untapped(revocations)?;
    say(&format!(
        "Everything holds. Pictures and figures: {}",
        output.display()
    ));
    Ok(())
}

fn drive(
    programs: Programs,
    output: &Path,
    folder: &Path,
    revocations: usize,
    summary: &mut Summary,
) -> Result<()> {
    let layout = Layout {
        plain_auditor: true,
        tapped: false,
        ..Layout::default()
    };
    let backdrop = Backdrop::raise(programs, folder, layout)?;
    let home = backdrop.operator.customer();
    say("Wine makes its folders.");
    wine::prepare(&backdrop.customer_screen, &home)?;
    let (notepad, file) = wine::notepad(&backdrop.customer_screen, &home, "brief.txt")?;
    notepad.window().arrange(
        EDITOR.x.into(),
        EDITOR.y.into(),
        EDITOR.width.into(),
        EDITOR.height.into(),
    )?;
    let geometry = format!("{}x{}+{}+{}", PHOTO.width, PHOTO.height, PHOTO.x, PHOTO.y);
    let photo = scenery::photo(
        &backdrop.customer_screen,
        folder,
        PHOTO.width.into(),
        PHOTO.height.into(),
        &geometry,
    )?;
    let witness = Witness::show(&backdrop.customer_screen, &home, WITNESS)?;
    let before = Traces::of(&backdrop.customer_screen, &home)?;
    say("Screens, relay, console and agent start.");
    let mut show = Show {
        stage: backdrop.open()?,
        output: output.to_owned(),
        number: 0,
        witness,
        _apps: [notepad, photo],
    };
    let kept = show.story(&file, revocations, summary);
    if kept.is_err() {
        // What was to be seen when it failed.
        show.take("failed").ok();
        for log in ["agent.log", "console.log"] {
            std::fs::copy(folder.join(log), output.join(log)).ok();
        }
    }
    kept?;
    show.close(&home, &before)?;
    show.damaged(&folder.join("Fernhilfe.exe"), &home)?;
    complaint::tell(&mut show.stage, output, summary)
}

struct Show {
    stage: Stage,
    output: PathBuf,
    number: usize,
    /// What stands on the customer's screen.
    _apps: [App; 2],
    witness: Witness,
}

impl Show {
    fn story(&mut self, file: &Path, revocations: usize, summary: &mut Summary) -> Result<()> {
        self.pair(summary)?;
        self.click(summary)?;
        self.type_into(file, summary)?;
        self.revoke(revocations, summary)?;
        self.stage.end_by_customer()?;
        thread::sleep(Duration::from_millis(1_500));
        summary.injected_input_events = Some(self.witness.presses()?);
        self.take("ended")
    }

    fn pair(&mut self, summary: &mut Summary) -> Result<()> {
        let code = self.stage.code()?;
        self.stage.customer.sit_down()?;
        self.take("start")?;
        self.stage.customer.enter_code(&code)?;
        say("The customer has typed the code.");
        self.stage.customer.read()?;
        self.take("consent")?;
        self.stage.press_until_card(Button::ConsentControl)?;
        self.take("card")?;
        // Without the tap: until the technician sees what the customer sees.
        self.stage.grant(Button::CardDone, Rights::Control)?;
        (summary.paired, summary.technician_verified) = (true, true);
        (summary.view_granted, summary.control_granted) = (true, true);
        say("The customer has allowed sight and control.");
        self.compare("first-picture", summary)
    }

    fn click(&mut self, summary: &mut Summary) -> Result<()> {
        let (x, y) = self.witness.centre()?;
        // The customer's own last key press keeps the technician waiting for a second.
        wait::until_true("the technician's turn", STEP, || {
            self.stage.technician.click(x, y, 1)?;
            thread::sleep(Duration::from_millis(200));
            Ok(self.witness.clicks()? > 0)
        })?;
        thread::sleep(Duration::from_millis(300));
        let before = self.witness.clicks()?;
        for n in 0..CLICKS {
            let button = if n % 3 == 2 { 3 } else { 1 };
            self.stage
                .technician
                .click(x - 60 + n * 6, y - 10 + n, button)?;
            summary.clicks_sent += 1;
        }
        // More than were sent would be as wrong as fewer: the count must stay.
        let arrived = || Ok(self.witness.clicks()? - before >= summary.clicks_sent);
        drop(wait::until_true("the clicks", STEP, arrived));
        thread::sleep(Duration::from_millis(300));
        summary.clicks_arrived = self.witness.clicks()? - before;
        say(&format!(
            "Of {} clicks {} arrived.",
            summary.clicks_sent, summary.clicks_arrived
        ));
        self.stage.check()
    }

    fn type_into(&mut self, file: &Path, summary: &mut Summary) -> Result<()> {
        // The customer's own last key press keeps the technician waiting for a second.
        thread::sleep(Duration::from_millis(1_500));
        self.stage.technician.click(WRITE_AT.0, WRITE_AT.1, 1)?;
        thread::sleep(Duration::from_millis(700));
        TYPED.clone_into(&mut summary.typed_sent);
        self.stage.technician.type_text(TYPED)?;
        let saved = wait::until_true("the typed text in the saved file", STEP, || {
            self.stage.technician.shortcut(&[keysyms::CONTROL], 's')?;
            thread::sleep(Duration::from_millis(300));
            summary.typed_arrived = wine::saved(file)?;
            Ok(summary.typed_arrived == TYPED)
        });
        // What arrived instead is in the summary, which is judged at the end.
        say(match saved.is_ok() {
            true => "The text has arrived, character by character.",
            false => "The text has not arrived.",
        });
        self.compare("typed", summary)?;
        self.stage.check()
    }

    fn revoke(&mut self, rounds: usize, summary: &mut Summary) -> Result<()> {
        let (mut vanished, mut late) = (Vec::new(), 0);
        for round in 1..=rounds {
            let took = self
                .one_revocation(round)
                .with_context(|| format!("revocation {round}"))?;
            vanished.push(took.0);
            late += took.1;
            self.stage.customer.turn_to_bar()?;
            self.stage.grant(Button::ViewOn, Rights::View)?;
            self.stage.grant(Button::ControlOn, Rights::Control)?;
            self.stage.check()?;
        }
        // Control is back after the last one, too.
        self.write()?.stop()?;
        // The editor's caret blinks while it has the keyboard; film and replay are compared where nothing moves.
        self.stage.customer.turn_to_bar()?;
        thread::sleep(REST);
        summary.revocation_ms = Spread::of(vanished);
        summary.events_after_revocation = Some(late);
        say(&format!("F11: {:?}", summary.revocation_ms));
        self.compare("granted-again", summary)
    }

    /// F11 while the technician types without a pause. Returns after how many milliseconds the picture was gone, and how
    /// much was pressed after that.
    fn one_revocation(&mut self, round: usize) -> Result<(i64, usize)> {
        let patches = Patches::choose(&self.stage.technician_view, DETAIL)?;
        let typist = self.write()?;
        let pressed = self.stage.customer.press_stop(&self.stage.observer)?;
        let gone = patches.gone(&self.stage.technician_view, Duration::from_secs(5))?;
        let presses = self.witness.presses()?;
        // The editor may still be drawing what came before.
        thread::sleep(DRAWS);
        let then = self.stage.customer_view.grab_area(EDITOR)?;
        let letters = typist.letters();
        thread::sleep(AFTER);
        ensure!(
            typist.stop()? > letters,
            "the technician typed nothing after F11"
        );
        if round == 1 {
            self.take("stopped")?;
        }
        let now = self.stage.customer_view.grab_area(EDITOR)?;
        let written = now.difference(&then).filter(|area| area.width > CARET);
        ensure!(
            written.is_none(),
            "something was written after the revocation: {written:?}"
        );
        let late = self.witness.presses()? - presses;
        Ok((wait::server_ms_between(pressed, gone), late))
    }

    /// The technician types into the editor until it arrives: the customer's own hand has the right of way.
    fn write(&self) -> Result<Typist> {
        let before = self.stage.customer_view.grab_area(EDITOR)?;
        let typist = Typist::start(self.stage.technician_screen.display(), PACE)?;
        wait::until_true("the technician's letters", STEP, || {
            self.stage.technician.click(WRITE_AT.0, WRITE_AT.1, 1)?;
            thread::sleep(Duration::from_millis(200));
            let now = self.stage.customer_view.grab_area(EDITOR)?;
            Ok(now
                .difference(&before)
                .is_some_and(|area| area.width > CARET))
        })?;
        Ok(typist)
    }

    /// The customer closes the program. Of all it did only the receipt is left.
    fn close(&mut self, home: &Path, before: &Traces) -> Result<()> {
        self.stage.customer.press(Button::Close)?;
        self.stage.agent.ended(STEP)?;
        let left = Traces::of(&self.stage.customer_screen, home)?.since(before);
        say(&format!("Left behind: {left:?}"));
        let receipts = self.stage.operator.receipts()?;
        let receipts: Vec<PathBuf> = receipts
            .iter()
            .filter_map(|path| path.strip_prefix(home).map(Path::to_owned).ok())
            .collect();
        ensure!(
            receipts.len() == 1 && left.files == receipts,
            "not only the receipt is left: {:?}",
            left.files
        );
        ensure!(
            left.registry.is_empty(),
            "the registry has: {:?}",
            left.registry
        );
        Ok(())
    }

    /// A copy that was cut off says so, whatever follows; it cannot know whom to call.
    fn damaged(&mut self, agent: &Path, home: &Path) -> Result<()> {
        let whole = std::fs::read(agent)?;
        let cut = home.join("Downloads/Fernhilfe.exe");
        std::fs::write(&cut, &whole[..whole.len() - 1000])?;
        let screen = &self.stage.customer_screen;
        let mut command = wine::command(screen, home, &cut);
        command.args(["--language", "de"]);
        let page = App::start(screen, "a damaged agent", "Fernhilfe", command)?;
        let (x, y, width, height) = page.window().place()?;
        let place = Area {
            x: u16::try_from(x)?,
            y: u16::try_from(y)?,
            width,
            height,
        };
        let view = &self.stage.customer_view;
        wait::until_true("its page", STEP, || {
            let before = view.grab_area(place)?;
            thread::sleep(Duration::from_millis(700));
            let now = view.grab_area(place)?;
            Ok(now.colours() > DRAWN && now.differing_pixels(&before)? == 0)
        })?;
        self.take("damaged")?;
        drop(page);
        Ok(())
    }

    /// Both screens show the same.
    fn compare(&mut self, step: &'static str, summary: &mut Summary) -> Result<()> {
        let same = self.stage.same_picture(STEP);
        let ours = self.stage.customer_view.grab()?;
        let differing = match same {
            Ok(_) => 0,
            Err(_) => self.stage.technician_view.grab()?.differing_pixels(&ours)?,
        };
        let by_step = &mut summary.picture_differing_pixels_by_step;
        by_step.insert(step, differing);
        summary.picture_differing_pixels = by_step.values().copied().max();
        self.take(step)
    }

    /// Takes a picture of both screens.
    fn take(&mut self, name: &str) -> Result<()> {
        self.number += 1;
        for (who, view) in [
            ("customer", &self.stage.customer_view),
            ("technician", &self.stage.technician_view),
        ] {
            let file = format!("{:02}-{name}-{who}.png", self.number);
            view.grab()?.save(&self.output.join(file))?;
        }
        Ok(())
    }
}
