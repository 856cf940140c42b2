//! The driven demonstration, step by step.
//!
//! ```text
//! code ─► consent ─► card ─► picture ─► clicks ─► typing ─► film, text, photo, moved window ─► idle ─► revocations
//!      ─► both at once ─► end ─► complaint
//! ```

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::rights::Rights;
use fernsicht_tests::apps::App;
use fernsicht_tests::customer::Button;
use fernsicht_tests::keymap::keysyms;
use fernsicht_tests::observer::{Act, Maker, Observer, Seen, Target};
use fernsicht_tests::proc::Load;
use fernsicht_tests::programs::Programs;
use fernsicht_tests::scenery;
use fernsicht_tests::session::{Backdrop, Layout, STEP, Stage};
use fernsicht_tests::show::material::Material;
use fernsicht_tests::show::player::{Place, Player};
use fernsicht_tests::tap::{Ending, Leg};
use fernsicht_tests::typist::Typist;
use fernsicht_tests::wait;

use crate::summary::Summary;
use crate::{complaint, revoke, say};

/// What is to be done.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) output: PathBuf,
    pub(crate) revocations: usize,
    pub(crate) idle: Duration,
}

/// What the technician types: a German keyboard's Shift and AltGr, and a new line.
pub(crate) const TYPED: &str =
    "Guten Tag, hier ist der Kundendienst.\nGrüße äöüß ÄÖÜ € @ {[]} \\ ~ | 'quoted'";

/// Clicks that are counted.
pub(crate) const CLICKS: i16 = 20;

/// Where the film is shown.
const FILM: Place = Place::new(600, 240, 640, 360);

/// The photo's size.
const PHOTO: (usize, usize) = (560, 400);

/// Runs everything, writes pictures and figures, and says what does not hold.
pub(crate) fn demonstrate(programs: Programs, plan: &Plan) -> Result<()> {
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let mut summary = Summary::default();
    let outcome = drive(programs, plan, folder.path(), &mut summary);
    summary.write(&plan.output)?;
    outcome?;
    summary.check(plan.revocations)?;
    say(&format!(
        "Everything holds. Pictures and figures: {}",
        plan.output.display()
    ));
    Ok(())
}

fn drive(programs: Programs, plan: &Plan, folder: &Path, summary: &mut Summary) -> Result<()> {
    let layout = Layout {
        plain_auditor: true,
        ..Layout::default()
    };
    let backdrop = Backdrop::raise(programs, folder, layout)?;
    let home = scenery::home(folder)?;
    let (editor, file) = scenery::editor(&backdrop.customer_screen, &home, "brief.txt")?;
    editor.window().arrange(30, 220, 520, 420)?;
    let write_at = (290, 500);
    let target = Target::show(backdrop.customer_screen.display(), 1090, 640, 160, 120)?;
    say("Screens, relay, console and agent start.");
    // From before the first event to the last: what is injected is counted over the whole session.
    let witness = Observer::start(backdrop.customer_screen.display())?;
    let mut show = Show {
        stage: backdrop.open()?,
        output: plan.output.clone(),
        number: 0,
        apps: vec![editor],
    };

    show.pair(summary)?;
    show.click(&target, summary)?;
    show.type_into(write_at, &file, summary)?;
    show.picture_steps(folder, summary)?;
    show.idle(plan.idle, summary)?;
    revoke::rounds(&mut show.stage, plan.revocations, summary)?;
    show.take("revoked-and-granted-again")?;
    show.both_at_once(write_at)?;
    show.end()?;
    summary.injected_input_events = Some(presses(&witness)?);
    complaint::tell(&mut show.stage, &show.output, summary)
}

/// A stage whose pictures are taken.
struct Show {
    stage: Stage,
    output: PathBuf,
    number: usize,
    /// What stands on the customer's screen.
    apps: Vec<App>,
}

impl Show {
    fn pair(&mut self, summary: &mut Summary) -> Result<()> {
        let code = self.stage.code()?;
        self.stage.customer.window()?;
        self.stage.customer.rest(Duration::from_secs(1))?;
        self.take("start")?;
        self.stage.customer.enter_code(&code)?;
        say("The customer has typed the code.");
        // The consent page comes only after the technician's certificate was verified, so a grant proves both.
        self.stage.customer.read()?;
        self.take("consent")?;
        self.stage.press_until_card(Button::ConsentControl)?;
        self.take("card")?;
        self.stage.grant(Button::CardDone, Rights::Control)?;
        (summary.paired, summary.technician_verified) = (true, true);
        let rights = self.stage.tap.log().rights();
        summary.view_granted = rights.iter().any(|(_, _, rights)| rights.view());
        summary.control_granted = rights.iter().any(|(_, _, rights)| rights.control());
        say("The customer has allowed sight and control.");
        self.stage.same_picture(STEP).context("the first picture")?;
        self.take("first-picture")
    }

    fn click(&mut self, target: &Target, summary: &mut Summary) -> Result<()> {
        let (x, y) = target.centre();
        // The customer's own last key press keeps the technician waiting for a second.
        wait::until_true("the technician's turn", STEP, || {
            self.stage.technician.click(x, y, 1)?;
            Ok(!target.presses()?.is_empty())
        })?;
        thread::sleep(Duration::from_millis(300));
        let before = target.presses()?.len();
        for n in 0..CLICKS {
            let button = if n % 3 == 2 { 3 } else { 1 };
            self.stage
                .technician
                .click(x - 60 + n * 6, y - 30 + n * 3, button)?;
            summary.clicks_sent += 1;
        }
        // More than were sent would be as wrong as fewer: the count must stay.
        let arrived = || Ok(target.presses()?.len() - before >= summary.clicks_sent);
        drop(wait::until_true("the clicks", STEP, arrived));
        thread::sleep(Duration::from_millis(300));
        summary.clicks_arrived = target.presses()?.len() - before;
        say(&format!(
            "Of {} clicks {} arrived.",
            summary.clicks_sent, summary.clicks_arrived
        ));
        self.stage.check()
    }

    fn type_into(&mut self, at: (i16, i16), file: &Path, summary: &mut Summary) -> Result<()> {
        self.stage.technician.click(at.0, at.1, 1)?;
        thread::sleep(Duration::from_millis(500));
        TYPED.clone_into(&mut summary.typed_sent);
        self.stage.technician.type_text(TYPED)?;
        let saved = wait::until_true("the typed text in the saved file", STEP, || {
            self.stage.technician.shortcut(&[keysyms::CONTROL], 's')?;
            thread::sleep(Duration::from_millis(300));
            let text = std::fs::read_to_string(file)?;
            text.strip_suffix('\n')
                .unwrap_or(&text)
                .clone_into(&mut summary.typed_arrived);
            Ok(summary.typed_arrived == TYPED)
        });
        self.take("typed")?;
        self.stage.check()?;
        // What arrived instead is in the summary, which is judged at the end.
        say(if saved.is_ok() {
            "The text has arrived, character by character."
        } else {
            "The text has not arrived."
        });
        Ok(())
    }

    fn picture_steps(&mut self, folder: &Path, summary: &mut Summary) -> Result<()> {
        let mark = self.stage.tap.log().mark();
        let film = self.film(folder)?;
        self.compare("film", summary)?;
        drop(film);
        let page = scenery::page_of_text(&self.stage.customer_screen, folder, "84x34+20+190")?;
        self.compare("page-of-text", summary)?;
        let geometry = format!("{}x{}+640+200", PHOTO.0, PHOTO.1);
        let photo = scenery::photo(
            &self.stage.customer_screen,
            folder,
            PHOTO.0,
            PHOTO.1,
            &geometry,
        )?;
        self.compare("photo", summary)?;
        // Over the other windows and back, and to the side, where it stays in sight.
        for step in 0..=20 {
            let away = 10 - i32::abs(10 - step);
            photo.window().move_to(700 - away * 24, 220 + away * 12)?;
            thread::sleep(Duration::from_millis(25));
        }
        self.compare("moved-window", summary)?;
        let passed = self.stage.tap.log().since(mark);
        let complete = |class| {
            let whole = |p: &&fernsicht_tests::tap::Passed| {
                p.leg == Leg::FromAgent
                    && p.header.class == class
                    && p.ended
                        .is_some_and(|(ending, _)| ending == Ending::Complete)
            };
            passed.iter().filter(whole).count()
        };
        summary.picture_frames = complete(Class::Picture);
        summary.refinement_frames = complete(Class::Refinement);
        // Both stay for what follows.
        self.apps.extend([page, photo]);
        Ok(())
    }

    /// A film of two seconds, which goes by H.264; its last picture stays with the player.
    fn film(&mut self, folder: &Path) -> Result<Player> {
        let material = Material::make(folder, (FILM.width, FILM.height))?;
        let player = Player::open(self.stage.customer_screen.display(), &material.font)?;
        let frames = material.film(&player)?;
        for frame in frames.iter().cycle().take(48) {
            player.put(*frame, (0, 0), FILM)?;
            player.show(FILM)?;
            player.sync()?;
            thread::sleep(Duration::from_millis(41));
        }
        Ok(player)
    }

    /// Waits until the customer's screen rests, and compares both one second after its last change.
    fn compare(&mut self, step: &'static str, summary: &mut Summary) -> Result<()> {
        let (_, changed) = self
            .stage
            .customer_view
            .settled(Duration::from_millis(300), STEP)?;
        thread::sleep((changed + Duration::from_secs(1)).saturating_duration_since(Instant::now()));
        let ours = self.stage.customer_view.grab()?;
        let theirs = self.stage.technician_view.grab()?;
        let differing = theirs.differing_pixels(&ours)?;
        summary
            .picture_differing_pixels_by_step
            .insert(step, differing);
        summary.picture_differing_pixels = summary.picture_differing_pixels.max(Some(differing));
        let place = theirs
            .difference(&ours)
            .map(|area| format!(" ({area:?})"))
            .unwrap_or_default();
        say(&format!(
            "{step}: {differing} pixels differ one second after the last change{place}."
        ));
        self.take(step)?;
        self.stage.check()
    }

    fn idle(&mut self, time: Duration, summary: &mut Summary) -> Result<()> {
        self.stage
            .customer_view
            .settled(Duration::from_secs(2), STEP)?;
        let mark = self.stage.tap.log().mark();
        let [agent, relay, console] = [
            self.stage.agent.pid(),
            self.stage.relay.process.pid(),
            self.stage.console.pid(),
        ]
        .map(Load::start);
        thread::sleep(time);
        let shows = [Class::Pointer, Class::Picture, Class::Refinement];
        let idle = &mut summary.idle;
        idle.seconds = time.as_secs();
        idle.picture_bytes = Some(self.stage.tap.log().bytes_from_agent(mark, &shows));
        idle.agent_cpu_percent = Some(agent?.percent()?);
        idle.relay_cpu_percent = Some(relay?.percent()?);
        idle.console_cpu_percent = Some(console?.percent()?);
        say(&format!("Idle for {} s: {idle:?}", idle.seconds));
        self.stage.check()
    }

    /// Technician and customer type at the same time: the customer's hand has the right of way.
    fn both_at_once(&mut self, at: (i16, i16)) -> Result<()> {
        self.stage.technician.click(at.0, at.1, 1)?;
        thread::sleep(Duration::from_millis(1_200));
        let typist = Typist::start(
            self.stage.technician_screen.display(),
            Duration::from_millis(15),
        )?;
        for _ in 0..3 {
            thread::sleep(Duration::from_millis(700));
            self.stage.customer.hand().type_text("ich")?;
        }
        thread::sleep(Duration::from_millis(1_500));
        let letters = typist.stop()?;
        say(&format!(
            "The technician typed {letters} letters while the customer typed, too."
        ));
        thread::sleep(Duration::from_secs(1));
        self.take("both-at-once")?;
        self.stage.check()
    }

    fn end(&mut self) -> Result<()> {
        self.stage.end_by_customer()?;
        thread::sleep(Duration::from_millis(1_500));
        self.take("ended")?;
        self.stage
            .technician_view
            .settled(Duration::from_millis(500), STEP)?;
        self.take("end")
    }

    /// Takes a picture of both screens.
    fn take(&mut self, name: &str) -> Result<()> {
        self.number += 1;
        for (who, view) in [
            ("customer", &self.stage.customer_view),
            ("technician", &self.stage.technician_view),
        ] {
            view.grab()?.save(
                &self
                    .output
                    .join(format!("{:02}-{name}-{who}.png", self.number)),
            )?;
        }
        Ok(())
    }
}

/// Keys and buttons that programs pressed, modifiers and wheels not counted.
fn presses(witness: &Observer) -> Result<usize> {
    let keyboard = witness.keymap()?;
    let mut modifiers = Vec::new();
    for keysym in keysyms::MODIFIERS {
        modifiers.extend(keyboard.keysym(keysym).map(|chord| chord.keycode));
    }
    let counts = |seen: &&Seen| {
        seen.maker == Maker::Program
            && match seen.act {
                Act::KeyDown(keycode) => !modifiers.contains(&keycode),
                Act::ButtonDown(button) => button <= 3,
                Act::KeyUp(_) | Act::ButtonUp(_) | Act::Motion => false,
            }
    };
    Ok(witness.seen()?.iter().filter(counts).count())
}
