//! The end of the story: the customer complains, the auditor opens the recording by the receipt.
//!
//! ```text
//! receipt (browser) ─► verify ─► export: film and report ─► film against replay ─► window
//!                      card's code ─► an auditor without a program ─► input against the observer
//! ```
//! Everything with the programs that an operator has; what they say is held against what was seen from outside.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fernsicht_console::audit::canvas::{Canvas, Pointer};
use fernsicht_console::audit::case::Case;
use fernsicht_console::audit::complaint::Complaint;
use fernsicht_console::audit::identity::{Identity, Store};
use fernsicht_console::audit::passphrase::Passphrase;
use fernsicht_console::audit::replay::Moment;
use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::picture::View;
use fernsicht_tests::auditor::{Auditor, PASSPHRASE};
use fernsicht_tests::device::Device;
use fernsicht_tests::grab::{Grabber, Picture};
use fernsicht_tests::keymap::keysyms;
use fernsicht_tests::session::{STEP, Stage};
use fernsicht_tests::xserver::{Process, XServer};
use fernsicht_tests::{browser, clients, sealed, wait};

use crate::say;
use crate::summary::Summary;

/// The auditor's name for it.
pub(crate) const CASE: &str = "B-2026-017";

/// How like the replayed pictures the film must be, in dB over red, green and blue of every pixel.
pub(crate) const LIKENESS: f64 = 40.0;

/// At how many places of the film a picture is compared if nothing moves there.
const CANDIDATES: u64 = 24;

/// For so long before and behind, in hundredths of a second.
const STILL: u64 = 30;

/// Goes to the end of the story. The session is over.
pub(crate) fn tell(stage: &mut Stage, output: &Path, summary: &mut Summary) -> Result<()> {
    let receipt = output.join("receipt.html");
    let kept = wait::until("the receipt", STEP, || Ok(stage.operator.receipts()?.pop()))?;
    fs::copy(&kept, &receipt)?;
    browser::picture_of_page(&receipt, &output.join("receipt.png"), 900, 1500)?;
    say("The customer has the receipt. Now the auditor opens the recording with it.");

    let auditor = stage.auditors.first().context("there is an auditor")?;
    let text = |path: &Path| path.to_str().map(str::to_owned).context("paths are text");
    let receipt_text = text(&receipt)?;
    let with = ["--receipt", &receipt_text, "--case", CASE];
    let verified = auditor.json(&[&["verify"][..], &with].concat())?;
    fs::write(
        output.join("verified.json"),
        serde_json::to_string_pretty(&verified)? + "\n",
    )?;
    summary.recording_verified = verified["verdict"] == "sound";
    say(&format!("Verdict: {}.", verified["verdict"]));

    let (film, report) = (output.join("export.mp4"), output.join("report.html"));
    for old in [&film, &report] {
        // Of an earlier demonstration; an export overwrites nothing.
        drop(fs::remove_file(old));
    }
    let (film_text, report_text) = (text(&film)?, text(&report)?);
    let to = ["--video", &film_text, "--report", &report_text];
    auditor.run_well(&[&["export"][..], &with, &to].concat())?;
    browser::picture_of_page(&report, &output.join("report.png"), 900, 1500)?;
    let found = browser::film(&film)?;
    ensure!(
        found.code == "h264" && found.frames > 0,
        "ffprobe finds {found:?}"
    );
    summary.film_seconds = Some(found.seconds);
    summary.film_frames = Some(found.frames);
    say(&format!(
        "The film has {} pictures in {:.0} s.",
        found.frames, found.seconds
    ));
    compare(auditor, &receipt, &film, found.seconds, summary)?;
    count(stage, summary)?;
    window(auditor, &text(&receipt.canonicalize()?)?, output)?;
    let log = stage.operator.command(&["access-log", "--verify"])?;
    fs::write(
        output.join("access-log.txt"),
        stage.operator.command(&["access-log"])? + &log,
    )?;
    Ok(())
}

/// The input by the card's code, with the library alone: what the agent's acks say was injected.
fn count(stage: &Stage, summary: &mut Summary) -> Result<()> {
    let plain = stage
        .plain_auditor
        .as_ref()
        .context("there is a plain auditor")?;
    let code = Code::parse(stage.complaint_code()?)?;
    let answer = clients::block_on(plain.open(CASE, &code))?;
    let handed = answer.map_err(|refusal| anyhow::anyhow!("{refusal:?}"))?;
    let ca = stage.operator.authority()?.fingerprint();
    let opened = sealed::open(&handed, &ca, &code, &plain.key)?;
    summary.recorded_input_events = Some(opened.presses_injected());
    summary.recorded_events_dropped = Some(opened.dropped());
    summary.recording_verified &= opened.sound() && !opened.interrupted();
    Ok(())
}

/// The auditor's window, on a screen of his own: passphrase, complaint, verification, replay.
fn window(auditor: &Auditor, receipt: &str, output: &Path) -> Result<()> {
    let screen = XServer::start(1280, 860, "de")?.with_window_manager()?;
    let view = Grabber::open(screen.display())?;
    let hand = Device::physical(screen.display())?;
    let log = fs::File::create(output.join("auditor.log"))?;
    let mut command = auditor.window(&screen);
    command.stdout(log.try_clone()?).stderr(log);
    let mut program = Process::start("fernsicht-auditor", &mut command)?;
    wait::until_true("the auditor's window", STEP, || {
        program.check()?;
        Ok(!fernsicht_tests::apps::titles(screen.display())?.is_empty())
    })?;
    let mut number = 0;
    let mut page = |name: &str| -> Result<()> {
        number += 1;
        let (picture, _) = view.settled(Duration::from_millis(1_500), STEP)?;
        picture.save(&output.join(format!("auditor-{number}-{name}.png")))
    };
    let tab = |times: usize| -> Result<()> {
        for _ in 0..times {
            hand.key(keysyms::TAB)?;
            std::thread::sleep(Duration::from_millis(150));
        }
        Ok(())
    };
    page("passphrase")?;
    hand.type_text(PASSPHRASE)?;
    hand.key(keysyms::RETURN)?;
    page("complaints")?;
    // Two languages come first, then the reference; two ways to name the recording before the file.
    tab(3)?;
    hand.type_text(CASE)?;
    tab(3)?;
    hand.type_text(receipt)?;
    hand.key(keysyms::RETURN)?;
    page("verification")?;
    tab(3)?;
    hand.key(keysyms::SPACE)?;
    page("replay")?;
    // On, twice ten seconds, and playing.
    hand.type_text("ll")?;
    page("replay-later")?;
    program.check()
}

/// Pictures of the film against the replay at the same times.
fn compare(
    auditor: &Auditor,
    receipt: &Path,
    film: &Path,
    seconds: f64,
    summary: &mut Summary,
) -> Result<()> {
    let identity = Arc::new(identity(auditor)?);
    let complaint = Complaint::from_receipt_file(receipt, &identity)?;
    let case = Case::open(identity, CASE, &complaint, &mut |_| {})?;
    let mut replay = case.replay().context("the recording opens")??;
    // As the auditor sees it: with the customer's pointer, which is in the film as well.
    let mut canvas = Canvas::new(replay.largest()?);
    let from = replay.index().from;
    let (mut least, mut in_own): (Option<f64>, f64) = (None, f64::INFINITY);
    let mut compared = 0;
    for n in 1..=CANDIDATES {
        let at = seconds * n as f64 / (CANDIDATES + 1) as f64;
        let time = from + (at * 100.0) as u64;
        // Where something moves, a film of 25 pictures a second shows the one before or behind.
        let changes = replay.index().change_after(time - STILL);
        if changes.is_some_and(|change| change <= time + STILL) {
            continue;
        }
        let moment = replay.seek(time)?;
        let Some(view) = replay.view() else { continue };
        canvas.draw(Some(view), pointer(&moment));
        let replayed = picture(canvas.view());
        let shown = browser::picture_at(film, at)?;
        let likeness = browser::psnr_of_colours(&shown, &replayed)?;
        if least.is_none_or(|least| likeness < least) {
            least = Some(likeness);
            shown.save(&film.with_file_name("film-least-like.png"))?;
        }
        in_own = in_own.min(browser::psnr(&shown, &replayed)?);
        compared += 1;
    }
    ensure!(
        compared >= 5,
        "only {compared} pictures of the film could be compared"
    );
    summary.film_psnr_db = least;
    summary.film_psnr_in_420_db = Some(in_own);
    say(&format!(
        "Film against replay: {least:?} dB at least over red, green and blue; {in_own} dB in its own 4:2:0."
    ));
    case.close()?;
    Ok(())
}

/// The customer's pointer at a moment.
fn pointer(moment: &Moment) -> Option<Pointer<'_>> {
    let pointer = moment.pointer.as_ref()?;
    Some(Pointer {
        x: pointer.x,
        y: pointer.y,
        shape: pointer.shape.as_ref().map(|(_, shape)| shape.as_ref()),
    })
}

fn identity(auditor: &Auditor) -> Result<Identity> {
    let passphrase = Passphrase::new(PASSPHRASE.to_owned().into())?;
    let store = Store::new(Some(auditor.home().to_owned()))?;
    Ok(store.open(&passphrase)?)
}

fn picture(view: View<'_>) -> Picture {
    let width = usize::from(view.width);
    let rows = view.bgrx.chunks_exact(view.stride).take(view.height.into());
    let pixels = rows.flat_map(|row| {
        let row = &row[..width * 4];
        row.chunks_exact(4)
            .map(|b| u32::from_le_bytes([b[0], b[1], b[2], 0]))
    });
    Picture {
        width,
        height: view.height.into(),
        pixels: pixels.collect(),
    }
}
