//! Every error of the agent by its real cause, read from the real program's pages as a screen reader does.
//!
//! Where the real cause cannot be had on a machine for tests (ten minutes of silence, a revoked certificate's
//! forger), a relay that says so stands in for it: [`Hostile`]. The agent is the real one in every case.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::code::{Password, SessionCode};
use fernsicht_protocol::crypto;
use fernsicht_protocol::messages::{
    ALPN_AGENT, AgentToRelay, ConsoleToAgent, End, Refusal, RelayToAgent, VERSION,
};
use fernsicht_protocol::wire::{Blob, List};
use fernsicht_tests::apps::AppWindow;
use fernsicht_tests::clients::Client;
use fernsicht_tests::customer::Button;
use fernsicht_tests::disk::Disk;
use fernsicht_tests::grab::{Area, Grabber};
use fernsicht_tests::hostile::{Hostile, Met, Pair};
use fernsicht_tests::keymap::keysyms;
use fernsicht_tests::operator::{OPERATOR, Operator};
use fernsicht_tests::programs::Programs;
use fernsicht_tests::reader::{Reader, Words};
use fernsicht_tests::reading::{Desk, Reads, keep};
use fernsicht_tests::session::{Backdrop, Layout, STEP, Stage};
use fernsicht_tests::wait;
use fernsicht_tests::xserver::XServer;
use rand_core::OsRng;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    ConnectionExt as _, CreateWindowAux, GrabMode, ModMask, PropMode, WindowClass,
};
use x11rb::wrapper::ConnectionExt as _;

/// A code that no relay of these tests gives, with its check digit.
fn strange_code() -> Result<String> {
    let code = SessionCode::new("9999", Password::draw(&mut OsRng)).context("a code")?;
    Ok(code.grouped().replace(' ', ""))
}

/// The same nameplate with another password.
fn other_password(code: &str) -> Result<String> {
    let right = SessionCode::parse(code).context("a code")?;
    loop {
        let wrong = SessionCode::new(right.nameplate(), Password::draw(&mut OsRng));
        let wrong = wrong.context("a code")?.grouped().replace(' ', "");
        if wrong != code {
            return Ok(wrong);
        }
    }
}

fn executable(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes)?;
    Ok(fs::set_permissions(
        path,
        fs::Permissions::from_mode(0o700),
    )?)
}

/// An operator whose relay has run once, with the agent's file.
fn operator(folder: &Path) -> Result<(Operator, PathBuf)> {
    let operator = Operator::new(Programs::find()?, folder)?;
    drop(operator.serve()?);
    let file = operator.agent(&operator.address())?;
    Ok((operator, file))
}

#[test]
fn a_file_that_is_not_whole_or_of_another_version_is_named() -> Result<()> {
    let desk = Desk::set()?;
    let bare = Programs::find()?.agent;
    desk.start(&bare, &[], |_| {})?
        .says("error-agent-damaged")?;

    let cut = desk.folder.path().join("cut");
    let (_, whole) = operator(&made(desk.folder.path().join("operator"))?)?;
    let bytes = fs::read(whole)?;
    executable(
        &cut,
        &[&bytes[..bytes.len() - 200], &bytes[bytes.len() - 100..]].concat(),
    )?;
    desk.start(&cut, &[], |_| {})?.says("error-agent-damaged")?;

    // Whole, with a configuration that this version cannot read.
    let (program, later) = (fs::read(&bare)?, b"of a later version");
    let (length, configuration) = (program.len() as u64, later.len() as u32);
    let mut file = program;
    file.extend(later);
    file.extend(length.to_be_bytes());
    file.extend(configuration.to_be_bytes());
    let digest = crypto::hash(&file);
    file.extend(digest);
    file.extend(b"FERNSICHTCONFIG1");
    let old = desk.folder.path().join("old");
    executable(&old, &file)?;
    desk.start(&old, &[], |_| {})?.says("error-agent-old")
}

#[test]
fn what_this_computer_lacks_is_named() -> Result<()> {
    let desk = Desk::set()?;
    let (_, file) = operator(&made(desk.folder.path().join("operator"))?)?;
    desk.start(&file, &[], |command| {
        command.env("XDG_SESSION_TYPE", "wayland");
    })?
    .says("error-wayland")?;

    // Without any X server there is no window to say it in.
    let mut blind = Command::new(&file);
    blind.args(["--language", "de"]).env_remove("DISPLAY");
    let said = blind.env("WAYLAND_DISPLAY", "wayland-0").output()?;
    let sentence = String::from_utf8_lossy(&said.stderr).into_owned();
    ensure!(Words::agent("error-wayland")?.fit(&sentence), "{sentence}");
    let said = blind.env_remove("WAYLAND_DISPLAY").output()?;
    let sentence = String::from_utf8_lossy(&said.stderr).into_owned();
    ensure!(
        Words::agent("error-screen-unreadable")?.fit(&sentence),
        "{sentence}"
    );

    // Another program has F11.
    let (grabber, screen) = x11rb::connect(Some(desk.screen.display()))?;
    let keycode = desk_keycode(&desk)?;
    let root = grabber.setup().roots[screen].root;
    let mode = GrabMode::ASYNC;
    grabber
        .grab_key(false, root, ModMask::default(), keycode, mode, mode)?
        .check()?;
    let agent = desk.start(&file, &[], |_| {})?;
    agent.says("f11-shared")?;
    grabber
        .ungrab_key(keycode, root, ModMask::default())?
        .check()?;

    // A second start shows the first one's window, and says so in it.
    let mut second = desk.start(&file, &[], |_| {})?;
    second.agent.ended(STEP)?;
    agent.says("error-already-running")
}

#[test]
fn a_dark_desktop_has_dark_pages() -> Result<()> {
    let desk = Desk::set()?;
    let (_, file) = operator(&made(desk.folder.path().join("operator"))?)?;
    let brightness = || -> Result<u32> {
        let agent = desk.start(&file, &[], |_| {})?;
        agent.says("start-f11-try")?;
        let (x, y, _, height) = agent.customer()?.window()?.place()?;
        let corner = Area {
            x: u16::try_from(x)? + 4,
            y: u16::try_from(y)? + height - 8,
            width: 4,
            height: 4,
        };
        let seen = Grabber::open(desk.screen.display())?.grab_area(corner)?;
        Ok(seen.pixels[0] & 0xff)
    };
    ensure!(brightness()? > 0xe0);

    // As the desktop's own settings program says it.
    let (manager, screen) = x11rb::connect(Some(desk.screen.display()))?;
    let atom = |name: &str| -> Result<u32> {
        Ok(manager.intern_atom(false, name.as_bytes())?.reply()?.atom)
    };
    let (window, root) = (manager.generate_id()?, manager.setup().roots[screen].root);
    let (class, look) = (WindowClass::INPUT_ONLY, CreateWindowAux::new());
    manager.create_window(0, window, root, 0, 0, 1, 1, 0, class, 0, &look)?;
    let (name, theme) = (b"Net/ThemeName\0\0\0", b"Adwaita-dark");
    let settings = [
        &[0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 13, 0][..],
        &name[..],
        &[0, 0, 0, 0, 12, 0, 0, 0],
        &theme[..],
    ]
    .concat();
    let property = atom("_XSETTINGS_SETTINGS")?;
    manager.change_property8(PropMode::REPLACE, window, property, property, &settings)?;
    let selection = atom("_XSETTINGS_S0")?;
    manager
        .set_selection_owner(window, selection, x11rb::CURRENT_TIME)?
        .check()?;
    ensure!(brightness()? < 0x40);
    Ok(())
}

fn desk_keycode(desk: &Desk) -> Result<u8> {
    fernsicht_tests::device::Device::physical(desk.screen.display())?.keycode(keysyms::F11)
}

#[test]
fn typing_errors_are_found_at_once_and_f11_is_tried_out() -> Result<()> {
    let desk = Desk::set()?;
    let (_, file) = operator(&made(desk.folder.path().join("operator"))?)?;
    let agent = desk.start(&file, &[], |_| {})?;
    agent.says("start-f11-try")?;
    let customer = agent.customer()?;
    customer.hand().key(keysyms::F11)?;
    agent.says("start-f11-ok")?;
    let mut typo = strange_code()?;
    let last = typo.pop().context("digits")?;
    typo.push(if last == '0' { '1' } else { '0' });
    for (typed, key) in [
        ("12o4", "error-code-letters"),
        ("1234", "error-code-short"),
        (typo.as_str(), "error-code-typo"),
    ] {
        customer.hand().shortcut(&[keysyms::CONTROL], 'a')?;
        customer.hand().type_text(typed)?;
        customer.hand().key(keysyms::RETURN)?;
        agent.says(key)?;
        // Back to the field: behind the language it is the first.
        customer.hand().key(keysyms::ESCAPE)?;
        customer.rest(Duration::from_millis(120))?;
        for _ in 0..2 {
            customer.hand().key(keysyms::TAB)?;
            customer.rest(Duration::from_millis(120))?;
        }
    }
    Ok(())
}

#[test]
fn networks_clocks_and_strangers_are_told_apart() -> Result<()> {
    let desk = Desk::set()?;
    let place = made(desk.folder.path().join("operator"))?;
    let (operator, file) = operator(&place)?;
    let code = strange_code()?;
    let prefilled = ["--code", code.as_str()];
    let tried = |change: &dyn Fn(&mut Command), key: &str| -> Result<()> {
        let agent = desk.start(&file, &prefilled, change)?;
        agent.says("start-code-prefilled")?;
        agent.press("button-continue")?;
        agent.says_within(key, STEP * 2)
    };
    tried(&|_| {}, "error-relay-unreachable")?;
    {
        let _relay = operator.serve()?;
        tried(&|_| {}, "error-code-unknown")?;
        let wrong_clock = |command: &mut Command| {
            command
                .env("LD_PRELOAD", FAKETIME)
                .env("FAKETIME", "+40d")
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        };
        tried(&wrong_clock, "error-clock")?;
    }
    {
        let strangers = made(desk.folder.path().join("stranger"))?;
        let stranger = operator.taken_over(&strangers)?;
        let _relay = stranger.serve()?;
        tried(&|_| {}, "error-relay-untrusted")?;
    }
    if !Disk::possible()? {
        return Ok(());
    }
    let nowhere = desk.folder.path().join("nowhere");
    executable(
        &nowhere,
        format!(
            "#!/bin/sh\nexec unshare --net -- {} \"$@\"\n",
            file.display()
        )
        .as_bytes(),
    )?;
    let agent = desk.start(&nowhere, &prefilled, |_| {})?;
    agent.says("start-code-prefilled")?;
    agent.press("button-continue")?;
    agent.says_within("error-no-network", STEP * 2)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_without_room_says_so() -> Result<()> {
    let desk = Desk::set()?;
    let (operator, file) = operator(&made(desk.folder.path().join("operator"))?)?;
    operator.configure_for_one()?;
    let _relay = operator.serve()?;
    let pin = operator.place()?.pin;
    let first = Client::connect(&operator.address(), &pin, ALPN_AGENT, None).await?;
    let code = strange_code()?;
    tokio::task::block_in_place(|| -> Result<()> {
        let agent = desk.start(&file, &["--code", &code], |_| {})?;
        agent.says("start-code-prefilled")?;
        agent.press("button-continue")?;
        agent.says_within("error-relay-full", STEP * 2)
    })?;
    drop(first);
    Ok(())
}

const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/// A full session's stage whose pages are read.
fn stage(folder: &Path) -> Result<Stage> {
    staged(folder, |_| Ok(()))
}

fn staged(folder: &Path, prepare: impl FnOnce(&Backdrop) -> Result<()>) -> Result<Stage> {
    let reader = Arc::new(Reader::start(folder)?);
    let backdrop = Backdrop::raise(Programs::find()?, folder, Layout::default())?.read_by(reader);
    prepare(&backdrop)?;
    backdrop.open()
}

fn says(stage: &Stage, key: &str) -> Result<()> {
    says_within(stage, key, STEP)
}

fn says_within(stage: &Stage, key: &str, limit: Duration) -> Result<()> {
    let reader = stage.reader.as_ref().context("somebody reads")?;
    reader.wait(stage.agent.pid(), &Words::agent(key)?, limit)?;
    keep(&stage.customer_screen, key)
}

fn controlled(stage: &mut Stage) -> Result<()> {
    let code = stage.code()?;
    stage.customer.enter_code(&code)?;
    says(stage, "consent-title")?;
    stage.press_until_card(Button::ConsentControl)?;
    stage.grant(
        Button::CardDone,
        fernsicht_protocol::rights::Rights::Control,
    )?;
    says(stage, "bar-control")
}

#[test]
fn a_code_serves_once_and_a_wrong_one_never() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut stage = stage(folder.path())?;
    let code = stage.code()?;
    let wrong = other_password(&code)?;
    stage.customer.enter_code(&wrong)?;
    says(&stage, "error-code-wrong")?;
    let reader = stage.reader.clone().context("somebody reads")?;
    let again = |stage: &Stage, code: &str| -> Result<()> {
        reader.press(stage.agent.pid(), &Words::agent("button-new-code")?, STEP)?;
        says(stage, "start-lead")?;
        stage.customer.enter_code(code)
    };
    again(&stage, &wrong)?;
    says(&stage, "error-code-used")?;
    // One network has one try for a code.
    again(&stage, &code)?;
    says(&stage, "error-code-used")
}

#[test]
fn a_technician_who_is_revoked_is_named_and_the_session_over() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut stage = stage(folder.path())?;
    controlled(&mut stage)?;
    let name = fernsicht_tests::operator::TECHNICIAN;
    stage.operator.command(&["technician", "revoke", name])?;
    says(&stage, "error-technician-revoked")
}

#[test]
fn a_relay_that_stops_says_so_and_one_that_dies_is_noticed() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut stage = stage(folder.path())?;
    controlled(&mut stage)?;
    stage.relay.process.terminate()?;
    says(&stage, "error-ended-relay")?;
    drop(stage);

    let folder = tempfile::tempdir()?;
    let mut stage = self::stage(folder.path())?;
    controlled(&mut stage)?;
    stage.relay.process.kill()?;
    stage.relay = stage.operator.serve()?;
    says_within(&stage, "error-connection-lost", STEP * 4)
}

#[test]
fn a_disk_without_room_is_said_on_card_and_end() -> Result<()> {
    if !Disk::possible()? {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let mut disk = None;
    let mut stage = staged(folder.path(), |backdrop| {
        disk = Some(Disk::memory(&backdrop.operator.customer(), 4)?);
        Ok(())
    })?;
    let code = stage.code()?;
    stage.customer.enter_code(&code)?;
    says(&stage, "consent-title")?;
    disk.as_ref().context("a disk")?.fill()?;
    stage.press_until_card(Button::ConsentControl)?;
    says(&stage, "error-receipt-save")?;
    stage.grant(
        Button::CardDone,
        fernsicht_protocol::rights::Rights::Control,
    )?;
    stage.end_by_customer()?;
    says(&stage, "end-by-you")?;
    says(&stage, "error-receipt-save")?;
    let reader = stage.reader.clone().context("somebody reads")?;
    reader.press(stage.agent.pid(), &Words::agent("button-close")?, STEP)?;
    says(&stage, "end-close-unsaved")?;
    drop(stage);
    Ok(())
}

#[test]
fn documents_that_cannot_be_written_send_the_receipt_elsewhere() -> Result<()> {
    if !Disk::possible()? {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let mut documents = None;
    let mut stage = staged(folder.path(), |backdrop| {
        let disk = Disk::block(&backdrop.operator.customer().join("Documents"), 8)?;
        disk.break_writes()?;
        documents = Some(disk);
        Ok(())
    })?;
    controlled(&mut stage)?;
    let receipts = stage.operator.receipts()?;
    let elsewhere = receipts.first().context("a receipt lies elsewhere")?;
    ensure!(!elsewhere.starts_with(stage.operator.customer().join("Documents")));
    stage.end_by_customer()?;
    says(&stage, "end-saved")?;
    drop(stage);
    Ok(())
}

#[test]
fn a_screen_that_is_unplugged_ends_sight_and_is_named() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut stage = staged(folder.path(), |backdrop| {
        let screen = &backdrop.customer_screen;
        screen.run(
            "xrandr",
            &["--setmonitor", "links", "640/170x800/210+0+0", "screen"],
        )?;
        screen.run(
            "xrandr",
            &["--setmonitor", "rechts", "640/170x800/210+640+0", "none"],
        )
    })?;
    let code = stage.code()?;
    stage.customer.enter_code(&code)?;
    says(&stage, "consent-title")?;
    stage.customer.read()?;
    stage.customer.press(Button::ConsentView)?;
    says(&stage, "monitor-title")?;
    stage.customer.read()?;
    // The language first, then the screens in their order.
    stage.customer.press(Button::ConsentControl)?;
    says(&stage, "bar-view")?;
    stage
        .customer_screen
        .run("xrandr", &["--delmonitor", "rechts"])?;
    says(&stage, "error-monitor-gone")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bar_goes_to_every_edge_and_stop_with_it() -> Result<()> {
    let desk = Desk::set()?;
    let (hostile, file) = hostile(&desk)?;
    let mut play = play(&desk, &hostile, &file).await?;
    let _pair = play.only_look(&hostile).await?;
    play.says("bar-view")?;
    let (width, height) = desk.screen.size();
    tokio::task::block_in_place(|| -> Result<()> {
        let place = || AppWindow::wait(desk.screen.display(), OPERATOR, STEP)?.place();
        type Touches = fn((i16, i16, u16, u16), (u16, u16)) -> bool;
        let edges: [(&str, Touches); 4] = [
            ("right", |(x, _, w, h), (width, _)| {
                x as u16 + w == width && h > w
            }),
            ("bottom", |(_, y, w, h), (_, height)| {
                y as u16 + h == height && w > h
            }),
            ("left", |(x, _, w, h), _| x == 0 && h > w),
            ("top", |(_, y, w, h), _| y == 0 && w > h),
        ];
        for (edge, touches) in edges {
            play.agent.press("bar-button-move")?;
            wait::until_true(&format!("the bar at the {edge}"), STEP, || {
                Ok(touches(place()?, (width, height)))
            })
            .with_context(|| format!("it is at {:?}", place()))?;
            play.agent.says("bar-button-stop")?;
            keep(&desk.screen, &format!("bar-{edge}"))?;
        }
        play.agent.press("bar-button-stop")
    })?;
    play.says("bar-stopped")
}

/// The agent of a hostile relay, and the relay's side of it.
struct Play<'a> {
    agent: Reads<'a>,
    met: Met,
}

async fn play<'a>(desk: &'a Desk, hostile: &Hostile, file: &Path) -> Result<Play<'a>> {
    let code = hostile.code();
    let agent = tokio::task::block_in_place(|| -> Result<_> {
        // The aid is declared: its presses count.
        let agent = desk.start(file, &["--code", &code], |_| {})?;
        agent.says("start-code-prefilled")?;
        agent.press("start-screen-keyboard")?;
        agent.press("button-continue")?;
        Ok(agent)
    })?;
    let met = hostile.meet().await?;
    Ok(Play { agent, met })
}

impl Play<'_> {
    async fn pair(&mut self, hostile: &Hostile) -> Result<Pair> {
        let pair = hostile.pair(&mut self.met).await?;
        tokio::task::block_in_place(|| self.agent.says("consent-title"))?;
        Ok(pair)
    }

    async fn only_look(&mut self, hostile: &Hostile) -> Result<Pair> {
        let mut pair = self.pair(hostile).await?;
        tokio::task::block_in_place(|| self.agent.press("consent-view-button"))?;
        pair.open_epoch(&mut self.met).await?;
        Ok(pair)
    }

    fn says(&self, key: &str) -> Result<()> {
        tokio::task::block_in_place(|| self.agent.says(key))
    }
}

fn hostile(desk: &Desk) -> Result<(Hostile, PathBuf)> {
    let hostile = Hostile::start()?;
    let file = desk.folder.path().join("Fernhilfe");
    hostile.agent_file(&Programs::find()?.agent, &file)?;
    Ok((hostile, file))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_relay_says_before_consent_has_its_page() -> Result<()> {
    let desk = Desk::set()?;
    let (hostile, file) = hostile(&desk)?;
    for (reason, key) in [
        (Refusal::Expired, "error-code-expired"),
        (Refusal::Full, "error-relay-full"),
        (Refusal::TooManyTries { minutes: 3 }, "error-too-many-tries"),
        (Refusal::TechnicianLeft, "error-technician-left"),
        (Refusal::TooOld, "error-agent-old"),
        (Refusal::Unexpected, "error-internal"),
    ] {
        let play = play(&desk, &hostile, &file).await?;
        play.met.say(RelayToAgent::Refused { reason }).await?;
        play.says(key)?;
    }
    let out_of_turn = play(&desk, &hostile, &file).await?;
    out_of_turn.met.say(RelayToAgent::Resumed).await?;
    out_of_turn.says("error-tampered")?;
    drop(out_of_turn);

    // Another version, and a clock that differs by two days.
    let now = jiff::Timestamp::now().as_second().unsigned_abs();
    for (version, now, key) in [
        (VERSION + 1, now, "error-agent-old"),
        (VERSION, now + 2 * 86_400, "error-clock"),
    ] {
        let code = hostile.code();
        let agent = tokio::task::block_in_place(|| -> Result<_> {
            let agent = desk.start(&file, &["--code", &code], |_| {})?;
            agent.says("start-code-prefilled")?;
            agent.press("button-continue")?;
            Ok(agent)
        })?;
        let _met = hostile.greet(version, now).await?;
        tokio::task::block_in_place(|| agent.says(key))?;
    }
    Ok(())
}

/// It takes the share and says that the network failed: the same code is not tried again, however often it is typed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_drops_shares_spends_the_code() -> Result<()> {
    let desk = Desk::set()?;
    let (hostile, file) = hostile(&desk)?;
    let mut play = play(&desk, &hostile, &file).await?;
    play.met
        .say(RelayToAgent::Joined { session: [9; 16] })
        .await?;
    let share = play.met.next().await?;
    ensure!(matches!(share, AgentToRelay::Share { .. }), "{share:?}");
    play.met.hang_up();
    play.says("error-connection-lost")?;
    tokio::task::block_in_place(|| {
        play.agent.press("button-new-code")?;
        play.agent.says("start-lead")?;
        play.agent.customer()?.enter_code(&hostile.code())
    })?;
    play.says("error-code-used")?;
    let again = tokio::time::timeout(Duration::from_secs(2), hostile.meet()).await;
    ensure!(again.is_err(), "the agent connects again");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_technician_who_cannot_be_checked_is_not_shown() -> Result<()> {
    let desk = Desk::set()?;
    let (hostile, file) = hostile(&desk)?;
    let mut play = play(&desk, &hostile, &file).await?;
    let forged = ConsoleToAgent::Technician {
        chain: List(vec![Blob(vec![0; 40])]),
        signature: [0; 64],
    };
    hostile.pair_as(&mut play.met, Some(forged)).await?;
    play.says("error-technician-unverified")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_a_session_has_its_page() -> Result<()> {
    let desk = Desk::set()?;
    let (hostile, file) = hostile(&desk)?;
    for (reason, key) in [
        (End::Lost, "error-technician-lost"),
        (End::Idle, "error-ended-idle"),
        (End::Technician, "end-by-technician"),
    ] {
        let mut play = play(&desk, &hostile, &file).await?;
        let _pair = play.only_look(&hostile).await?;
        play.says("bar-view")?;
        play.met.say(RelayToAgent::Ended { reason }).await?;
        play.says(key)?;
    }
    let mut reconnecting = play(&desk, &hostile, &file).await?;
    let _pair = reconnecting.only_look(&hostile).await?;
    reconnecting.met.say(RelayToAgent::PeerLost).await?;
    reconnecting.says("bar-reconnecting")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recorder_that_fails_is_named() -> Result<()> {
    let desk = Desk::set()?;
    let (hostile, file) = hostile(&desk)?;
    let mut play = play(&desk, &hostile, &file).await?;
    let mut pair = play.pair(&hostile).await?;
    tokio::task::block_in_place(|| {
        play.agent.press("consent-control-button")?;
        play.agent.says("card-title")?;
        play.agent.press("card-done")
    })?;
    pair.open_epoch(&mut play.met).await?;
    play.says("bar-control")?;
    play.met.say(RelayToAgent::RecorderFailed).await?;
    play.says("bar-recorder-failed")?;
    play.met.say(RelayToAgent::RecorderBack).await?;
    play.says("bar-recorder-back")
}

#[test]
fn without_an_auditor_there_is_only_looking_and_that_is_said() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let reader = Arc::new(Reader::start(folder.path())?);
    let layout = Layout {
        auditors: 0,
        ..Layout::default()
    };
    let backdrop = Backdrop::raise(Programs::find()?, folder.path(), layout)?.read_by(reader);
    let mut stage = backdrop.open()?;
    let code = stage.code()?;
    stage.customer.enter_code(&code)?;
    says(&stage, "consent-control-unavailable")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_screen_that_cannot_be_read_or_steered_is_named() -> Result<()> {
    let with = |words: &[&str]| Desk::before(XServer::start_with(1280, 800, "de", words)?);
    let desk = with(&["-extension", "XTEST"])?;
    let (relay, file) = hostile(&desk)?;
    let mut play = self::play(&desk, &relay, &file).await?;
    let _pair = play.pair(&relay).await?;
    play.says("error-input-unavailable")?;
    drop(play);
    drop(desk);

    // Too few colours.
    let desk = with(&["-screen", "0", "1280x800x16"])?;
    let (relay, file) = hostile(&desk)?;
    let mut play = self::play(&desk, &relay, &file).await?;
    let _pair = play.only_look(&relay).await?;
    play.says("error-screen-unreadable")
}

fn made(folder: PathBuf) -> Result<PathBuf> {
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
