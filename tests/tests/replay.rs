//! The recording shows exactly what the technician saw: at random moments of a session the technician's
//! display is grabbed from outside, and the replay at that moment is the same, pixel by pixel (1:1); also on a slow line,
//! where letters are shown before a film whose pictures are still under way.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fernsicht_console::audit::replay::{Replay, Shown};
use fernsicht_console::audit::source::{Bytes, Recording};
use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::picture::View;
use fernsicht_recordings::open;
use fernsicht_tests::apps::App;
use fernsicht_tests::clients;
use fernsicht_tests::dice::Dice;
use fernsicht_tests::grab::Picture;
use fernsicht_tests::programs::Programs;
use fernsicht_tests::scenery;
use fernsicht_tests::session::{Backdrop, Layout, STEP, Stage};
use fernsicht_tests::show::material::Material;
use fernsicht_tests::show::player::{Place, Player};
use fernsicht_tests::wait;

/// How many grabs are compared.
const MOMENTS: usize = 100;

/// From drawing to the relay's note of the acknowledgement, in hundredths of a second, on a loaded machine.
const ACKNOWLEDGED: u64 = 50;

/// What may be drawn and acknowledged while a grab is under way.
const BEFORE: u64 = 10;

/// Bytes a second of each picture on the slow line.
const PACE: u32 = 20_000;

/// Where the film plays.
const FILM: Place = Place::new(600, 300, 480, 320);

/// Something grabbed, and when.
struct Moment {
    from: u64,
    to: u64,
    picture: Picture,
}

#[test]
fn at_a_hundred_random_moments_the_replay_is_what_the_technician_saw() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let backdrop = raise(folder.path(), None)?;
    let screen = &backdrop.customer_screen;
    let terminal = App::terminal(screen, "Eingabe", "60x24+30+300", "printf '\\033[?25l'")?;
    let photo = scenery::photo(screen, folder.path(), 400, 300, "400x300+700+240")?;
    let mut stage = backdrop.open()?;
    begin(&mut stage, &terminal)?;

    let mut dice = Dice::fresh();
    let mut moments = Vec::new();
    for _ in 0..MOMENTS {
        match dice.roll(6) {
            0 | 1 => stage.technician.type_text("Anschluss frei ")?,
            2 => photo
                .window()
                .move_to(560 + dice.roll(260) as i32, 180 + dice.roll(220) as i32)?,
            3 => stage
                .technician
                .key(fernsicht_tests::keymap::keysyms::RETURN)?,
            4 => stage.technician.type_text("x")?,
            _ => {}
        }
        thread::sleep(Duration::from_millis(u64::from(dice.roll(450))));
        moments.push(grab(&stage)?);
    }
    stage.check()?;
    let different = moments
        .windows(2)
        .filter(|pair| pair[0].picture != pair[1].picture)
        .count();
    ensure!(
        different > MOMENTS / 3,
        "the display changed only {different} times"
    );
    let mut replay = recorded(stage)?;
    compare(&mut replay, &moments, &dice)?;
    Ok(())
}

/// A film on a slow line stays under way, letters pass it, and the technician sees them before their turn.
#[test]
fn what_the_technician_saw_before_its_turn_is_replayed_so() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let backdrop = raise(folder.path(), Some(PACE))?;
    let screen = &backdrop.customer_screen;
    let material = Material::make(folder.path(), (FILM.width, FILM.height))?;
    let player = Player::open(screen.display(), &material.font)?;
    let film = material.film(&player)?;
    let terminal = App::terminal(screen, "Eingabe", "60x24+30+300", "printf '\\033[?25l'")?;
    let mut stage = backdrop.open()?;
    begin(&mut stage, &terminal)?;

    let mut dice = Dice::fresh();
    let mut moments = Vec::new();
    for frame in film.iter().cycle().take(3 * MOMENTS) {
        player.put(*frame, (0, 0), FILM)?;
        player.show(FILM)?;
        match dice.roll(6) {
            0 | 1 => stage.technician.type_text("x")?,
            2 | 3 => moments.push(grab(&stage)?),
            _ => {}
        }
        thread::sleep(Duration::from_millis(u64::from(dice.roll(80))));
    }
    stage.check()?;
    let mut replay = recorded(stage)?;
    let ahead = compare(&mut replay, &moments, &dice)?;
    ensure!(
        ahead > 0,
        "nothing was shown before its turn in {} moments, dice {:#x}",
        moments.len(),
        dice.seed()
    );
    Ok(())
}

fn raise(folder: &Path, pace: Option<u32>) -> Result<Backdrop> {
    let layout = Layout {
        plain_auditor: true,
        pace,
        ..Layout::default()
    };
    Backdrop::raise(Programs::find()?, folder, layout)
}

/// Until the technician types into the terminal.
fn begin(stage: &mut Stage, terminal: &App) -> Result<()> {
    let code = stage.code()?;
    stage.customer.enter_code(&code)?;
    stage.consent_to_control()?;
    stage.same_picture(STEP)?;
    stage.turn_to(terminal.window().centre()?)
}

fn grab(stage: &Stage) -> Result<Moment> {
    let from = hundredths();
    let picture = stage.technician_view.grab()?;
    Ok(Moment {
        from,
        to: hundredths(),
        picture,
    })
}

/// Ends the session and opens its recording.
fn recorded(mut stage: Stage) -> Result<Replay<Recording>> {
    // The last ack is on its way.
    thread::sleep(Duration::from_secs(1));
    stage.end_by_customer()?;
    let code = Code::parse(stage.complaint_code()?)?;
    let auditor = stage
        .plain_auditor
        .take()
        .context("there is a plain auditor")?;
    let handed = wait::until("the recording to be closed", STEP, || {
        Ok(clients::block_on(auditor.open("replay", &code))?.ok())
    })?;
    let ca = stage.operator.authority()?.fingerprint();
    let bytes = Bytes::new(handed.file);
    let opened = open::open(bytes.clone(), &handed.keys.0, &code, &auditor.key, &ca)?;
    Ok(Replay::open(Recording::new(bytes, Arc::new(opened)))?)
}

/// Errors: a moment differs, or something does not fit. Returns at how many moments something was shown before its turn.
fn compare(replay: &mut Replay<Recording>, moments: &[Moment], dice: &Dice) -> Result<usize> {
    let (mut wrong, mut ahead) = (Vec::new(), 0);
    for (n, moment) in moments.iter().enumerate() {
        match find(replay, moment)? {
            Ok(Shown::Picture { ahead: over, .. }) => ahead += usize::from(over > 0),
            Ok(Shown::Nothing) => {}
            Err(least) => wrong.push(format!("moment {n}: {least} pixels")),
        }
    }
    ensure!(
        wrong.is_empty(),
        "{} of {} moments differ, dice {:#x}: {}",
        wrong.len(),
        moments.len(),
        dice.seed(),
        wrong.join(", ")
    );
    ensure!(replay.check(&mut |_| true)?, "it was not stopped");
    let findings = replay.findings();
    ensure!(findings.is_empty(), "{findings:?}");
    Ok(ahead)
}

/// What the replay shows when it shows the grabbed picture at this moment; else how many pixels differ at least.
fn find(replay: &mut Replay<Recording>, moment: &Moment) -> Result<Result<Shown, usize>> {
    let mut time = moment.from - BEFORE;
    let mut least = usize::MAX;
    loop {
        let shown = replay.seek(time)?.shown;
        let pixels = replay
            .view()
            .map_or(usize::MAX, |view| count(view, &moment.picture));
        least = least.min(pixels);
        if least == 0 {
            return Ok(Ok(shown));
        }
        match replay.index().change_after(time) {
            Some(next) if next <= moment.to + ACKNOWLEDGED => time = next,
            Some(_) | None => return Ok(Err(least)),
        }
    }
}

fn count(view: View<'_>, picture: &Picture) -> usize {
    if (usize::from(view.width), usize::from(view.height)) != (picture.width, picture.height) {
        return usize::MAX;
    }
    let row = |y: usize| &view.bgrx[y * view.stride..][..picture.width * 4];
    let rows = picture.pixels.chunks_exact(picture.width).enumerate();
    rows.map(|(y, ours)| {
        let theirs = row(y).as_chunks::<4>().0;
        let pairs = ours.iter().zip(theirs);
        pairs
            .filter(|(a, b)| **a & 0xff_ffff != u32::from_le_bytes([b[0], b[1], b[2], 0]))
            .count()
    })
    .sum()
}

/// The clock that the relay has, too: hundredths of a second since 1970 UTC.
fn hundredths() -> u64 {
    (jiff::Timestamp::now().as_millisecond() / 10).unsigned_abs()
}
