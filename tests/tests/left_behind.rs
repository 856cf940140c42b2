//! Programs on the customer's computer try to press the agent's granting buttons after F11, while the customer
//! works on: whatever they do, only his own hand on the button grants.
//!
//! What happened is judged by the tap's frames, by what the technician's screen shows, and by a window of another
//! program at which the technician goes on clicking.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::rights::Rights;
use fernsicht_tests::apps::App;
use fernsicht_tests::customer::Button;
use fernsicht_tests::device::Device;
use fernsicht_tests::grab::Area;
use fernsicht_tests::intruder::{Aim, Fire, Script};
use fernsicht_tests::keymap::keysyms;
use fernsicht_tests::observer::Target;
use fernsicht_tests::programs::Programs;
use fernsicht_tests::reader::{Act, Reader, Words};
use fernsicht_tests::scenery;
use fernsicht_tests::session::{Backdrop, Layout, STEP, Stage};
use fernsicht_tests::tap::Leg;
use fernsicht_tests::vanish::Patches;
use fernsicht_tests::wait;

/// How often a program fires in each way.
const ROUNDS: usize = 3;

/// The technician's own clicks are right ones: the script's are left ones.
const RIGHT: u8 = 3;

/// Two screens, and what stands on the customer's: a terminal, a photo, a window that counts clicks.
struct Scene {
    stage: Stage,
    reader: Arc<Reader>,
    script: Script,
    /// The customer's, at the pace of a person: of a faster one the agent would not remember every press, and
    /// refuse for that.
    hand: Device,
    terminal: App,
    target: Target,
    patches: Option<Patches>,
    _photo: App,
    _folder: tempfile::TempDir,
}

/// What presses the button.
#[derive(Debug, Clone, Copy)]
enum Means {
    Script(Fire),
    Assistive,
}

/// What the customer does meanwhile, with keyboard and mouse of his own.
#[derive(Debug, Clone, Copy)]
enum Work {
    /// Clicks.
    Clicks,
    /// Clicks and types.
    All,
}

impl Scene {
    fn set() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let reader = Arc::new(Reader::start(folder.path())?);
        let backdrop = Backdrop::raise(Programs::find()?, folder.path(), Layout::default())?
            .read_by(Arc::clone(&reader));
        let screen = &backdrop.customer_screen;
        let photo = scenery::photo(screen, folder.path(), 500, 360, "500x360+640+260")?;
        let terminal = App::terminal(screen, "Eingabe", "60x20+40+260", "sh")?;
        let target = Target::show(screen.display(), 1090, 640, 160, 120)?;
        let script = Script::write(folder.path())?;
        let hand = Device::physical(screen.display())?.paced(Duration::from_millis(40));
        Ok(Self {
            stage: backdrop.open()?,
            reader,
            script,
            hand,
            terminal,
            target,
            patches: None,
            _photo: photo,
            _folder: folder,
        })
    }

    /// What the technician must not see any more.
    fn choose_patches(&mut self) -> Result<()> {
        let photo = Area {
            x: 660,
            y: 300,
            width: 420,
            height: 280,
        };
        self.patches = Some(Patches::choose(&self.stage.technician_view, photo)?);
        Ok(())
    }

    /// The button with this text is attacked by these means for some rounds; the customer types and clicks
    /// elsewhere all the while, and the technician goes on as if he were in control.
    fn attack(&self, key: &str, button: Button, means: &[Means], allowed: Rights) -> Result<()> {
        let words = Words::agent(key)?;
        let pid = self.stage.agent.pid();
        self.reader.wait(pid, &words, STEP)?;
        for means in means {
            let (frames, rights) = (
                self.stage.tap.log().mark(),
                self.stage.tap.log().rights().len(),
            );
            self.target.presses()?;
            let clicks = self.right_clicks()?;
            match means {
                Means::Script(fire) => {
                    self.script.aim(*fire, self.aim(&words, button)?)?;
                    let until = self.script.fired() + ROUNDS;
                    // Its keys need the keyboard, which a click into the terminal would take back.
                    self.work_on_until(Work::Clicks, || self.script.fired() >= until)?;
                    self.script.rest()?;
                }
                Means::Assistive => {
                    let mut acted = true;
                    for round in 0..ROUNDS {
                        let (reader, words) = (Arc::clone(&self.reader), words.clone());
                        let act = move || -> Result<bool> {
                            if round % 2 == 1 {
                                reader.act(pid, &words, Act::Focus)?;
                            }
                            reader.act(pid, &words, Act::Press)
                        };
                        let acting = std::thread::spawn(act);
                        self.work_on_until(Work::All, || acting.is_finished())?;
                        acted &= acting.join().ok().context("the client's thread")??;
                        let pause = Instant::now();
                        self.work_on_until(Work::All, || {
                            pause.elapsed() > Duration::from_millis(1300)
                        })?;
                    }
                    // A button that is gone was pressed; what is judged below says so better.
                    if self.stage.rights() == allowed {
                        ensure!(acted, "the button lets nothing press it: nothing was tried");
                    }
                }
            }
            let what = format!("{means:?} at {key}");
            self.judge(frames, rights, clicks, allowed)
                .with_context(|| what)?;
            // The button is there as before: it was not pressed, and nothing else happened.
            self.reader.wait(pid, &words, STEP)?;
        }
        Ok(())
    }

    /// Where the button is right now.
    fn aim(&self, words: &Words, button: Button) -> Result<Aim> {
        let window = self.stage.customer.window()?;
        let (left, top, _, _) = window.place()?;
        let place = self
            .reader
            .extents(self.stage.agent.pid(), words)?
            .context("the button has a place")?;
        let (x, y, width, height) = place;
        Ok(Aim {
            window: window.id(),
            at: (
                i32::from(left) + x + width / 2,
                i32::from(top) + y + height / 2,
            ),
            tabs: button.tabs(),
        })
    }

    fn work_on_until(&self, work: Work, mut over: impl FnMut() -> bool) -> Result<()> {
        let end = Instant::now() + STEP * 3;
        let (x, y) = self.terminal.window().centre()?;
        let (far_x, far_y) = self.target.centre();
        while !over() {
            ensure!(Instant::now() < end, "it does not fire");
            match work {
                Work::Clicks => self.hand.click(far_x, far_y, 1)?,
                Work::All => {
                    self.hand.click(x, y, 1)?;
                    self.hand.type_text("so es ")?;
                    self.hand.key(keysyms::RETURN)?;
                }
            }
            self.stage.technician.click(far_x, far_y, RIGHT)?;
        }
        Ok(())
    }

    fn right_clicks(&self) -> Result<usize> {
        let presses = self.target.presses()?;
        Ok(presses.iter().filter(|p| p.button == RIGHT).count())
    }

    fn judge(&self, frames: usize, rights: usize, clicks: usize, allowed: Rights) -> Result<()> {
        let log = self.stage.tap.log();
        let given = log.rights();
        let wider = |now: &Rights| match allowed {
            Rights::None => *now != Rights::None,
            Rights::View | Rights::Control => now.control(),
        };
        ensure!(
            !given[rights..].iter().any(|(_, _, now)| wider(now)),
            "rights were granted: {:?}",
            &given[rights..]
        );
        ensure!(
            self.right_clicks()? == clicks,
            "the technician's click acted"
        );
        if allowed == Rights::None {
            let since = log.since(frames);
            let shown = since
                .iter()
                .filter(|p| p.leg == Leg::FromAgent && p.header.class.shows_screen());
            ensure!(shown.count() == 0, "the screen was captured");
            let patches = self.patches.as_ref().context("chosen while shown")?;
            patches.gone(&self.stage.technician_view, Duration::from_secs(5))?;
        }
        Ok(())
    }
}

/// The technician starts a script through the session, types at it, and is stopped. It goes on, and so do clients
/// for assistive technology; the customer's own hand still grants.
#[test]
fn a_script_that_goes_on_after_the_stop_key_grants_nothing() -> Result<()> {
    let mut scene = Scene::set()?;
    let code = scene.stage.code()?;
    scene.stage.customer.enter_code(&code)?;
    scene.stage.consent_to_control()?;
    scene.stage.same_picture(STEP)?;
    let (x, y) = scene.terminal.window().centre()?;
    wait::until_true("the script to run", STEP, || {
        scene.stage.technician.click(x, y, 1)?;
        std::thread::sleep(Duration::from_millis(500));
        scene.stage.technician.type_text(&scene.script.command())?;
        scene.stage.technician.key(keysyms::RETURN)?;
        std::thread::sleep(Duration::from_millis(500));
        Ok(scene.script.started())
    })?;
    scene.stage.same_picture(STEP)?;
    scene.choose_patches()?;
    scene.stage.customer.press_stop(&scene.stage.observer)?;
    wait::until_true("the revocation", STEP, || {
        Ok(scene.stage.rights() == Rights::None)
    })?;

    let all = [
        Means::Assistive,
        Means::Script(Fire::Sent),
        Means::Script(Fire::Forged),
    ];
    scene.attack("bar-button-view-on", Button::ViewOn, &all, Rights::None)?;
    scene.stage.customer.turn_to_bar()?;
    scene.stage.grant(Button::ViewOn, Rights::View)?;
    scene.attack(
        "bar-button-control-on",
        Button::ControlOn,
        &all,
        Rights::View,
    )?;
    scene.stage.customer.turn_to_bar()?;
    scene.stage.grant(Button::ControlOn, Rights::Control)?;
    let before = scene.right_clicks()?;
    wait::until_true("a click under control", STEP, || {
        let (x, y) = scene.target.centre();
        scene.stage.technician.click(x, y, RIGHT)?;
        Ok(scene.right_clicks()? > before)
    })?;
    scene.stage.check()
}

/// A window lies over a granting button for half a second, or for longer than what has come is asked about, and is gone when
/// the customer presses what it showed: hidden, moved aside or destroyed.
#[test]
fn a_window_that_vanishes_under_the_click_grants_nothing() -> Result<()> {
    let mut scene = Scene::set()?;
    let code = scene.stage.code()?;
    scene.stage.customer.enter_code(&code)?;
    scene.stage.consent_to_control()?;
    scene.stage.same_picture(STEP)?;
    scene.choose_patches()?;
    scene.stage.customer.press_stop(&scene.stage.observer)?;
    let words = Words::agent("bar-button-view-on")?;
    scene.reader.wait(scene.stage.agent.pid(), &words, STEP)?;
    scene.stage.customer.read()?;
    let (x, y) = scene.aim(&words, Button::ViewOn)?.at;
    let (x, y) = (i16::try_from(x)?, i16::try_from(y)?);
    let display = scene.stage.customer_screen.display();
    let marks = (
        scene.stage.tap.log().mark(),
        scene.stage.tap.log().rights().len(),
    );
    for (lies, goes) in [500, 1_500]
        .into_iter()
        .flat_map(|lies| (0..3).map(move |goes| (lies, goes)))
    {
        // The button has been ready for a while: it is looked at seldom.
        std::thread::sleep(Duration::from_millis(2_300));
        let cover = Target::show(display, x - 60, y - 20, 120, 40)?;
        std::thread::sleep(Duration::from_millis(lies));
        match goes {
            0 => cover.set_shown(false)?,
            1 => cover.move_to(0, 700)?,
            _ => cover.destroy()?,
        }
        scene.hand.click(x, y, 1)?;
        std::thread::sleep(Duration::from_millis(600));
        ensure!(cover.presses()?.is_empty(), "the window took the click");
        scene.judge(marks.0, marks.1, scene.right_clicks()?, Rights::None)?;
    }
    // The same click grants when nothing was there.
    scene.stage.customer.read()?;
    wait::until_true("sight", STEP, || {
        scene.hand.click(x, y, 1)?;
        std::thread::sleep(Duration::from_millis(1_500));
        Ok(scene.stage.rights() == Rights::View)
    })?;
    scene.stage.check()
}
