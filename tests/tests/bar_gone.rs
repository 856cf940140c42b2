//! A bar that is gone, or an agent that is dead or stands still, ends the rights: the technician's picture goes,
//! nothing more is injected, nothing stays pressed, and the recording does not say that anybody wanted the end.
//!
//! Each time the technician types and holds a key while it happens.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::messages::End;
use fernsicht_protocol::rights::Rights;
use fernsicht_tests::apps::App;
use fernsicht_tests::clients;
use fernsicht_tests::customer::Button;
use fernsicht_tests::grab::Area;
use fernsicht_tests::keymap::keysyms;
use fernsicht_tests::programs::Programs;
use fernsicht_tests::scenery;
use fernsicht_tests::sealed;
use fernsicht_tests::session::{Backdrop, Layout, STEP, Stage};
use fernsicht_tests::tap::Leg;
use fernsicht_tests::typist::Typist;
use fernsicht_tests::vanish::Patches;
use fernsicht_tests::wait;

/// What another program, or a person at a shell, does to the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blow {
    /// Takes its window off the screen.
    Unmapped,
    /// Destroys its window.
    Destroyed,
    /// Cuts its window's connection to the X server.
    CutOff,
    /// Kills the process.
    Killed,
}

/// A session under control, with something to see and somewhere to type.
struct Scene {
    stage: Stage,
    terminal: App,
    patches: Patches,
    _photo: App,
    _folder: tempfile::TempDir,
}

impl Scene {
    fn under_control() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let layout = Layout {
            plain_auditor: true,
            ..Layout::default()
        };
        let backdrop = Backdrop::raise(Programs::find()?, folder.path(), layout)?;
        let screen = &backdrop.customer_screen;
        let photo = scenery::photo(screen, folder.path(), 500, 360, "500x360+640+260")?;
        let terminal = App::terminal(screen, "Eingabe", "60x20+40+260", "printf '\\033[?25l'")?;
        let mut stage = backdrop.open()?;
        let code = stage.code()?;
        stage.customer.enter_code(&code)?;
        stage.consent_to_control()?;
        stage.same_picture(STEP)?;
        let seen = Area {
            x: 660,
            y: 300,
            width: 420,
            height: 280,
        };
        let patches = Patches::choose(&stage.technician_view, seen)?;
        let scene = Self {
            stage,
            terminal,
            patches,
            _photo: photo,
            _folder: folder,
        };
        scene.turn_to_terminal()?;
        Ok(scene)
    }

    /// The technician clicks into the terminal until he has his turn.
    fn turn_to_terminal(&self) -> Result<()> {
        self.stage.turn_to(self.terminal.window().centre()?)
    }

    /// A key that the technician holds is down on the customer's screen. Returns its code.
    fn held(&self) -> Result<u8> {
        let code = self
            .stage
            .observer
            .keymap()?
            .keysym(keysyms::PAGE_DOWN)?
            .keycode;
        self.stage.technician.key_event(keysyms::PAGE_DOWN, true)?;
        wait::until_true("the held key to be down", STEP, || {
            Ok(self.stage.observer.keys_down()?.contains(&code))
        })?;
        Ok(code)
    }

    /// Nothing more comes: neither frames of the screen nor input, though the technician goes on.
    fn nothing_more(&self) -> Result<()> {
        let frames = self.stage.tap.log().mark();
        self.no_input()?;
        let since = self.stage.tap.log().since(frames);
        let shown = since
            .iter()
            .filter(|p| p.leg == Leg::FromAgent && p.header.class.shows_screen());
        ensure!(shown.count() == 0, "the screen was captured");
        Ok(())
    }

    /// Whatever the technician does, nothing is injected.
    fn no_input(&self) -> Result<()> {
        self.stage.observer.clear()?;
        let (x, y) = self.terminal.window().centre()?;
        for _ in 0..5 {
            self.stage.technician.click(x, y, 1)?;
            self.stage.technician.type_text("nein")?;
            std::thread::sleep(Duration::from_millis(100));
        }
        let input = self.stage.observer.by_programs()?;
        ensure!(input == 0, "{input} events were injected");
        Ok(())
    }
}

#[test]
fn a_window_that_another_program_hides_ends_the_rights() -> Result<()> {
    struck(Blow::Unmapped)
}

#[test]
fn a_window_that_another_program_destroys_ends_the_rights() -> Result<()> {
    struck(Blow::Destroyed)
}

#[test]
fn an_agent_that_is_cut_off_its_screen_ends_the_rights_and_holds_nothing() -> Result<()> {
    struck(Blow::CutOff)
}

#[test]
fn an_agent_that_is_killed_ends_the_rights_and_holds_nothing() -> Result<()> {
    struck(Blow::Killed)
}

fn struck(blow: Blow) -> Result<()> {
    let mut scene = Scene::under_control()?;
    let display = scene.stage.technician_screen.display().to_owned();
    let window = scene.stage.customer.window()?;
    let held = scene.held()?;
    let typist = Typist::start(&display, Duration::from_millis(10))?;
    let before = scene.stage.observer.by_programs()?;
    wait::until_true("letters", STEP, || {
        Ok(scene.stage.observer.by_programs()? > before + 20)
    })?;
    match blow {
        Blow::Unmapped => window.unmap()?,
        Blow::Destroyed => window.destroy()?,
        Blow::CutOff => window.kill()?,
        Blow::Killed => scene.stage.agent.kill()?,
    }
    // Nobody can hold anything without an agent.
    wait::until_true("everything that was held to go up", STEP, || {
        let down = scene.stage.observer.keys_down()?;
        Ok(!down.contains(&held) && down.is_empty())
    })
    .with_context(|| format!("{blow:?}"))?;
    typist.stop()?;
    // A killed program says nothing: its silence is noticed.
    scene.patches.gone(&scene.stage.technician_view, STEP * 2)?;
    scene
        .nothing_more()
        .with_context(|| format!("after {blow:?}"))?;
    scene
        .stage
        .technician
        .key_event(keysyms::PAGE_DOWN, false)?;
    cut_off(&mut scene.stage, blow)
}

/// The recording is sound, and does not say that one of the two ended the session.
fn cut_off(stage: &mut Stage, blow: Blow) -> Result<()> {
    let code = Code::parse(stage.complaint_code()?)?;
    let auditor = stage.plain_auditor.take().context("there is one")?;
    // The relay waits ten minutes for an agent that only lost its network; the operator does not.
    stage.relay.process.terminate()?;
    stage.relay.process.ended(STEP)?;
    stage.relay = stage.operator.serve()?;
    let ca = stage.operator.authority()?.fingerprint();
    let handed = wait::until("the recording to be closed", STEP, || {
        Ok(clients::block_on(auditor.open("bar", &code))?.ok())
    })?;
    let opened = sealed::open(&handed, &ca, &code, &auditor.key)?;
    ensure!(opened.sound(), "{:?}", opened.findings());
    let reason = opened
        .recording
        .facts()
        .ended
        .clone()
        .and_then(|(_, reason)| reason);
    let expected = match blow {
        Blow::Unmapped | Blow::Destroyed => reason == Some(End::Fault),
        // The relay that stopped waiting, or a recording that nobody closed.
        Blow::CutOff | Blow::Killed => matches!(reason, None | Some(End::Relay | End::Lost)),
    };
    ensure!(expected, "{blow:?} reads as {reason:?}");
    Ok(())
}

/// An agent that stands still, and goes on later: what the technician did meanwhile never acts, and control is the
/// customer's to give again.
#[test]
fn what_comes_while_the_agent_stands_still_never_acts() -> Result<()> {
    let mut scene = Scene::under_control()?;
    scene.stage.agent.stop()?;
    // What was on its way into the X server.
    std::thread::sleep(Duration::from_millis(300));
    scene.stage.observer.clear()?;
    let typist = Typist::start(
        scene.stage.technician_screen.display(),
        Duration::from_millis(20),
    )?;
    std::thread::sleep(Duration::from_secs(8));
    ensure!(typist.stop()? > 50, "nothing was tried");
    // Until the newest input is too old as well.
    std::thread::sleep(Duration::from_secs(3));
    scene.stage.agent.go_on()?;
    wait::until_true("the end of control", STEP, || {
        Ok(!scene.stage.rights().control())
    })?;
    let input = scene.stage.observer.by_programs()?;
    ensure!(input == 0, "{input} events acted late");
    scene.no_input()?;
    scene.stage.customer.turn_to_bar()?;
    if scene.stage.rights() == Rights::None {
        scene.stage.grant(Button::ViewOn, Rights::View)?;
    }
    scene.stage.grant(Button::ControlOn, Rights::Control)?;
    scene.turn_to_terminal()?;
    scene.stage.check()
}
