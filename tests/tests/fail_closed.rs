//! A store that fails takes control away, and loses nothing that was done: real programs on a full tmpfs, a
//! store that cannot be written any more, one that stalls, and a relay that is killed.
//!
//! Each time the technician makes 1,000 key events while it is broken. Whatever an observer on the customer's
//! screen sees of them must stand in the recording, and everything else that stands there must be marked as
//! dropped or undecided by the agent's own words.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::rights::Rights;
use fernsicht_tests::apps::App;
use fernsicht_tests::clients;
use fernsicht_tests::customer::Button;
use fernsicht_tests::disk::Disk;
use fernsicht_tests::observer::{Act, Maker, Observer};
use fernsicht_tests::programs::Programs;
use fernsicht_tests::sealed::{self, Opened, Outcome, Stroke};
use fernsicht_tests::session::{Backdrop, Layout, STEP, Stage};
use fernsicht_tests::typist::{LETTERS, Typist};
use fernsicht_tests::wait;

/// Letters that are typed while the store is broken; each is an input event.
const EVENTS: usize = 1_000;

/// Between two events of the typist.
const PACE: Duration = Duration::from_millis(4);

/// How the store breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Full,
    ReadOnly,
    Stalled,
    RelayKilled,
}

#[test]
fn a_full_store_takes_control_and_gives_it_back() -> Result<()> {
    broken(Fault::Full)
}

#[test]
fn a_store_that_cannot_be_written_takes_control() -> Result<()> {
    broken(Fault::ReadOnly)
}

#[test]
fn a_store_that_stalls_takes_control_and_gives_it_back() -> Result<()> {
    broken(Fault::Stalled)
}

#[test]
fn a_relay_that_is_killed_takes_control() -> Result<()> {
    broken(Fault::RelayKilled)
}

fn broken(fault: Fault) -> Result<()> {
    if !Disk::possible()? {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let place = folder.path().join("relay");
    // Declared before the stage: unmounted after the relay has ended.
    let mut disk = match fault {
        Fault::Full => Disk::memory(&place, 256)?,
        Fault::ReadOnly | Fault::Stalled | Fault::RelayKilled => Disk::block(&place, 256)?,
    };
    let layout = Layout {
        plain_auditor: true,
        ..Layout::default()
    };
    let backdrop = Backdrop::raise(Programs::find()?, folder.path(), layout)?;
    let screen = &backdrop.customer_screen;
    let terminal = App::terminal(screen, "Eingabe", "60x20+40+260", "printf '\\033[?25l'")?;
    let (x, y) = terminal.window().centre()?;
    let mut stage = backdrop.open()?;
    let code = stage.code()?;
    stage.customer.enter_code(&code)?;
    stage.consent_to_control()?;
    stage.same_picture(STEP)?;
    let seen = Observer::start(stage.customer_screen.display())?;
    turn_to(&stage, (x, y))?;

    let typist = Typist::start(stage.technician_screen.display(), PACE)?;
    wait::until_true("the first letters", STEP, || Ok(seen.by_programs()? > 40))?;
    let (from, made) = (Instant::now(), typist.letters());
    match fault {
        Fault::Full => disk.fill()?,
        Fault::ReadOnly => disk.break_writes()?,
        Fault::Stalled => disk.stall()?,
        Fault::RelayKilled => stage.relay.process.kill()?,
    }
    let broken_at = Instant::now();
    let gone = match fault {
        // The tap sees no more rights frames once the relay is gone: the observer tells.
        Fault::RelayKilled => None,
        Fault::Full | Fault::ReadOnly | Fault::Stalled => {
            let gone = || Ok(!stage.rights().control());
            wait::until_true("control to be gone", STEP, gone)?;
            Some(broken_at.elapsed())
        }
    };
    // What was on its way may still act; half a thousand events later nothing of it is left.
    let on = typist.letters();
    let letters = |count| wait::until_true("events", STEP * 4, || Ok(typist.letters() >= count));
    letters(on + EVENTS / 2)?;
    let settled = seen.by_programs()?;
    letters((on + EVENTS).max(made + EVENTS))?;
    let late = seen.by_programs()? - settled;
    let typed = typist.stop()?;
    ensure!(
        late == 0,
        "{fault:?}: {late} events acted long after the store broke"
    );
    let injected_while_broken = seen.seen()?.iter().filter(|s| s.at > from).count();

    match fault {
        Fault::Full => disk.free()?,
        Fault::Stalled => disk.go_on()?,
        Fault::ReadOnly | Fault::RelayKilled => {}
    }
    if matches!(fault, Fault::Full | Fault::Stalled) {
        ensure!(!stage.rights().control(), "control came back by itself");
        stage.customer.turn_to_bar()?;
        stage
            .grant(Button::ControlOn, Rights::Control)
            .context("after the recovery")?;
        turn_to(&stage, (x, y))?;
        let before = seen.by_programs()?;
        wait::until_true("letters after the recovery", STEP, || {
            stage.technician.type_text("xyz")?;
            Ok(seen.by_programs()? >= before + 6)
        })?;
        std::thread::sleep(Duration::from_millis(300));
        stage.end_by_customer()?;
    }
    let opened = open(&mut stage, &mut disk, fault)?;
    let sentence = format!(
        "{fault:?}: {typed} letters typed, control gone after {gone:?}, {injected_while_broken} seen while broken"
    );
    compare(&seen, &opened).with_context(|| sentence.clone())?;
    ensure!(opened.sound(), "{sentence}: {:?}", opened.findings());
    Ok(())
}

/// The technician clicks into the terminal until it has the keyboard: the customer's own hand has the right of way.
fn turn_to(stage: &Stage, place: (i16, i16)) -> Result<()> {
    stage.turn_to(place)?;
    std::thread::sleep(Duration::from_millis(300));
    Ok(())
}

/// Opens the recording as the plain auditor, after whatever the fault needs.
fn open(stage: &mut Stage, disk: &mut Disk, fault: Fault) -> Result<Opened> {
    let code = Code::parse(stage.complaint_code()?)?;
    let auditor = stage
        .plain_auditor
        .take()
        .context("there is a plain auditor")?;
    match fault {
        Fault::Full | Fault::Stalled => {}
        Fault::ReadOnly => {
            stage.relay.process.kill()?;
            disk.replace_by_copy()?;
            stage.relay = stage.operator.serve()?;
        }
        Fault::RelayKilled => stage.relay = stage.operator.serve()?,
    }
    let ca = stage.operator.authority()?.fingerprint();
    let handed = wait::until("the recording to be closed", STEP, || {
        Ok(clients::block_on(auditor.open("fault", &code))?.ok())
    })?;
    sealed::open(&handed, &ca, &code, &auditor.key)
}

/// Every press of a letter that was seen stands in the recording, in this order; every other one there was
/// not injected, and says so.
fn compare(seen: &Observer, opened: &Opened) -> Result<()> {
    let keycodes: Vec<(u8, char)> = {
        let keyboard = seen.keymap()?;
        let letters = LETTERS.chars().chain(['y', 'z']);
        letters
            .map(|c| Ok((keyboard.character(c)?.keycode, c)))
            .collect::<Result<_>>()?
    };
    let letter = |keycode: u8| {
        keycodes
            .iter()
            .find(|(code, _)| *code == keycode)
            .map(|(_, c)| *c)
    };
    let observed: Vec<char> = seen
        .seen()?
        .iter()
        .filter(|s| s.maker == Maker::Program)
        .filter_map(|s| match s.act {
            Act::KeyDown(keycode) => letter(keycode),
            Act::KeyUp(_) | Act::ButtonDown(_) | Act::ButtonUp(_) | Act::Motion => None,
        })
        .collect();
    let mut rest = observed.iter().copied().peekable();
    let (mut injected, mut undecided, mut dropped) = (0, 0, 0);
    for typed in opened.typed() {
        let Stroke::Character(c) = typed.what else {
            continue;
        };
        match typed.outcome {
            Outcome::Injected => {
                injected += 1;
                let next = rest.next();
                ensure!(
                    next == Some(c),
                    "the recording says that {c:?} was injected as number {injected}, the observer saw {next:?}"
                );
            }
            Outcome::Undecided => {
                undecided += 1;
                rest.next_if_eq(&c);
            }
            Outcome::Dropped => dropped += 1,
        }
    }
    let more = rest.count();
    ensure!(
        more == 0,
        "{more} letters were seen that do not stand in the recording ({} seen, {injected} injected, \
         {undecided} undecided, {dropped} dropped)",
        observed.len()
    );
    // Of the last ones the agent could not say any more what became of them.
    let stand = injected + undecided;
    ensure!(stand > 10, "only {stand} letters in the recording");
    Ok(())
}
