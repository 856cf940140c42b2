//! Real pictures for the hour of work: a terminal that is typed into, one that scrolls, and a film, each
//! played on a virtual screen and grabbed as fast as it changes.
//!
//! A clip is a first picture and what changed in each step. Played again and again it goes back to its first
//! picture at the end, which is one large change, as when somebody turns a page.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::picture::Rect;
use fernsicht_tests::apps::App;
use fernsicht_tests::device::Device;
use fernsicht_tests::grab::{Grabber, Picture};
use fernsicht_tests::scenery;
use fernsicht_tests::xserver::XServer;

/// The customer's screen.
pub(crate) const SIZE: (u16, u16) = (1920, 1080);

/// Letters of the typing clip.
const LETTERS: usize = 200;

/// Steps of the scrolling clip.
const SCROLLS: usize = 100;

/// The film: size and frames.
const FILM: (u16, u16) = (640, 360);
const FILM_FRAMES: usize = 96;

/// A change of the screen.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) rect: Rect,
    /// Row by row, four bytes a pixel.
    pub(crate) bgrx: Vec<u8>,
}

/// What is played.
#[derive(Debug)]
pub(crate) struct Clip {
    pub(crate) name: &'static str,
    pub(crate) steps: Vec<Step>,
    /// Between two steps when it is played.
    pub(crate) interval: Duration,
}

/// Plays everything once and grabs it. Returns the first picture of all, and the clips.
pub(crate) fn grab(folder: &Path) -> Result<(Picture, Vec<Clip>)> {
    let screen = XServer::start(SIZE.0, SIZE.1, "de")?.with_window_manager()?;
    let grabber = Grabber::open(screen.display())?;
    let photo = scenery::photo(&screen, folder, 560, 400, "560x400+1320+60")?;
    let shell = "stty -echo; while read -r go; do seq 1 3 | while read n; do printf '%s  %08d  Der Anschluss ist frei; der Router blinkt.\\n' \"$go\" \"$((go * 7919 + n))\"; done; done";
    let rolling = App::terminal(&screen, "Protokoll", "110x40+380+420", shell)?;
    let writing = App::terminal(&screen, "Notizen", "90x30+20+20", "true")?;
    let (first, _) = grabber.settled(Duration::from_millis(500), Duration::from_secs(20))?;
    let hand = Device::physical(screen.display())?.paced(Duration::from_millis(3));
    let mut last = first.clone();

    let typing = {
        let (x, y) = writing.window().centre()?;
        hand.click(x, y, 1)?;
        let mut clip = Clip::new("typing", Duration::from_millis(200));
        let text =
            "Guten Tag, der Anschluss wurde heute neu gestartet und der Router neu eingerichtet. ";
        for letter in text.chars().cycle().take(LETTERS) {
            hand.type_text(letter.encode_utf8(&mut [0; 4]))?;
            clip.push(&grabber, &mut last)?;
        }
        clip.back_to(&first, &mut last);
        clip
    };
    let scrolling = {
        let (x, y) = rolling.window().centre()?;
        hand.click(x, y, 1)?;
        let mut clip = Clip::new("scrolling", Duration::from_millis(100));
        for n in 0..SCROLLS {
            hand.type_text(&format!("{n}"))?;
            hand.key(fernsicht_tests::keymap::keysyms::RETURN)?;
            clip.push(&grabber, &mut last)?;
        }
        clip.back_to(&first, &mut last);
        clip
    };
    let video = film(&first, folder)?;
    drop(photo);
    for clip in [&typing, &scrolling, &video] {
        ensure!(
            clip.steps.len() > 50,
            "{} has only {} steps",
            clip.name,
            clip.steps.len()
        );
    }
    Ok((first, vec![typing, scrolling, video]))
}

impl Clip {
    fn new(name: &'static str, interval: Duration) -> Self {
        Self {
            name,
            steps: Vec::new(),
            interval,
        }
    }

    /// Waits for the next change and takes it.
    fn push(&mut self, grabber: &Grabber, last: &mut Picture) -> Result<()> {
        let until = Instant::now() + Duration::from_millis(400);
        while Instant::now() < until {
            let now = grabber.grab()?;
            if let Some(step) = step(last, &now) {
                self.steps.push(step);
                *last = now;
                break;
            }
            thread::sleep(Duration::from_millis(2));
        }
        // A letter may be drawn in two strokes; the rest belongs to the next step.
        Ok(())
    }

    fn back_to(&mut self, first: &Picture, last: &mut Picture) {
        self.steps.extend(step(last, first));
        last.clone_from(first);
    }
}

/// A film that ffmpeg draws, in a window in the middle.
fn film(first: &Picture, folder: &Path) -> Result<Clip> {
    let file = folder.join("film.rgb");
    let source = format!("mandelbrot=size={}x{}:rate=24", FILM.0, FILM.1);
    let status = Command::new("ffmpeg")
        .args([
            "-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", &source,
        ])
        .args(["-frames:v", &FILM_FRAMES.to_string()])
        .args(["-f", "rawvideo", "-pix_fmt", "bgr0"])
        .arg(&file)
        .stdin(Stdio::null())
        .status()
        .context("ffmpeg could not be started; is its package installed?")?;
    ensure!(status.success(), "ffmpeg drew no film");
    let bytes = std::fs::read(&file)?;
    let rect = Rect {
        x: 640,
        y: 300,
        width: FILM.0,
        height: FILM.1,
    };
    let frames: Vec<&[u8]> = bytes
        .chunks_exact(usize::from(FILM.0) * usize::from(FILM.1) * 4)
        .collect();
    let mut clip = Clip::new("video", Duration::from_micros(41_667));
    // Forwards and backwards: it has no cut.
    for frame in frames.iter().chain(frames.iter().rev()) {
        clip.steps.push(Step {
            rect,
            bgrx: frame.to_vec(),
        });
    }
    clip.steps.push(cut(first, rect));
    Ok(clip)
}

/// The smallest rectangle that holds all that changed.
fn step(before: &Picture, after: &Picture) -> Option<Step> {
    let area = before.difference(after)?;
    let rect = Rect {
        x: area.x,
        y: area.y,
        width: area.width,
        height: area.height,
    };
    Some(cut(after, rect))
}

fn cut(picture: &Picture, rect: Rect) -> Step {
    let rows = usize::from(rect.y)..usize::from(rect.y) + usize::from(rect.height);
    let bgrx = rows.flat_map(|y| {
        let from = y * picture.width + usize::from(rect.x);
        let row = &picture.pixels[from..from + usize::from(rect.width)];
        row.iter().flat_map(|pixel| pixel.to_le_bytes())
    });
    Step {
        rect,
        bgrx: bgrx.collect(),
    }
}
