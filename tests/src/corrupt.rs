//! A console that draws one area in a thousand wrong, in a session of real programs: whatever was hit, both screens
//! are the same as soon as the customer's rests.
//!
//! ```text
//! scenes (typing, scrolling, pages, a dragged window, a film) ─► rest ─► both screens grabbed: equal?
//! console.log: each hit   agent.log: each wrong picture, each that is right again
//! ```
//! The console is the one that is built for tests: `fernsicht-console` with its feature `corrupt` and with debug
//! assertions.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::dice::Dice;
use crate::programs::Programs;
use crate::session::{Backdrop, Layout, STEP, Stage};
use crate::show::material::{Material, lines};
use crate::show::player::{LETTER, Place, Player, cell};

/// What came of it.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Scenes after which both screens were compared.
    pub rests: usize,
    /// Of these, the ones after which they were not the same in time.
    pub stayed_wrong: usize,
    /// The longest from the last change until they were the same.
    pub longest_ms: u64,
    /// Areas that the console drew.
    pub drawn: u64,
    /// Of these, the ones that it drew wrong.
    pub hit: u64,
    /// How often each kind of area was hit.
    pub kinds: Vec<(String, usize)>,
    /// Pictures that the agent found to be wrong.
    pub wrong: usize,
    /// Of these, the ones that it found to be right again.
    pub mended: usize,
    /// The longest from the one to the other.
    pub slowest_mend_ms: u64,
    /// Updates that the console could not draw.
    pub refused: usize,
    /// How often the recorder failed: the console then says so beside the picture, and both screens differ by that.
    pub recorder_failed: usize,
}

impl Report {
    /// Errors: it did not go as it must.
    pub fn check(&self) -> Result<()> {
        ensure!(
            self.recorder_failed == 0,
            "the store was too slow for the recorder: {self:?}"
        );
        ensure!(
            self.hit > 0 && self.wrong > 0,
            "nothing was wrong: {self:?}"
        );
        ensure!(self.stayed_wrong == 0, "a wrong picture stayed: {self:?}");
        ensure!(self.wrong == self.mended, "not all were mended: {self:?}");
        ensure!(self.refused == 0, "something could not be drawn: {self:?}");
        Ok(())
    }
}

/// Programs whose console can draw wrong. Errors: there are none, or `released` can as well.
pub fn programs(released: &Programs) -> Result<Programs> {
    let able = |programs: &Programs| -> Result<bool> {
        let bytes = std::fs::read(&programs.console)?;
        Ok(bytes
            .windows(SWITCH.len())
            .any(|at| at == SWITCH.as_bytes()))
    };
    let folder = released
        .console
        .parent()
        .context("a program has a folder")?;
    if folder.ends_with("release") {
        ensure!(!able(released)?, "a released console can draw wrong");
    }
    let for_tests = Programs::find_in(&[folder.with_file_name("debug")])?;
    ensure!(
        able(&for_tests)?,
        "this console cannot draw wrong; run: cargo build --workspace --bins"
    );
    Ok(for_tests)
}

/// Plays scenes for that long, at least one of each.
pub fn run(programs: Programs, folder: &Path, seed: u64, time: Duration) -> Result<Report> {
    let (width, height) = SIZE;
    let layout = Layout {
        width,
        height,
        customer: "us",
        technician: "us",
        ..Layout::default()
    };
    let backdrop = Backdrop::raise(programs, folder, layout)?
        .with("FERNSICHT_LOG", "warn")
        .with(SWITCH, &(seed >> 1).to_string());
    let mut stage = backdrop.open()?;
    let code = stage.code()?;
    stage.customer.enter_code(&code)?;
    stage.consent_to_control()?;
    let material = Material::make(folder, SIZE)?;
    let act = Act {
        player: Player::open(stage.customer_screen.display(), &material.font)?,
        material,
        dice: Dice::from_seed(seed),
    };
    let mut report = Report::default();
    act.play(&stage, time, &mut report)?;
    stage.check()?;
    let relay = stage.relay.log()?;
    report.recorder_failed = relay.matches("the recorder has failed").count();
    read_console(&stage.folder, &mut report)?;
    read_agent(&stage.folder, &mut report)?;
    Ok(report)
}

/// Who draws, and by what chance.
struct Act {
    player: Player,
    material: Material,
    dice: Dice,
}

impl Act {
    fn play(mut self, stage: &Stage, time: Duration, report: &mut Report) -> Result<()> {
        let film = self.material.film(&self.player)?;
        let photo = self.material.photos(&self.player)?[0];
        let end = Instant::now() + time;
        for scene in 0.. {
            if scene >= SCENES && Instant::now() >= end {
                break;
            }
            let seed = self.dice.roll(1 << 20);
            match scene % SCENES {
                0 => self.write_letters(100)?,
                1 => self.count(240)?,
                2 => self.scroll(seed, 60)?,
                3 => self.drag(seed, 120)?,
                4 => self.play_film(&film, 72)?,
                _ => self.turn_pages(photo, seed, 6)?,
            }
            let rested = Instant::now();
            let same = stage.same_picture(STEP);
            report.rests += 1;
            report.longest_ms = report.longest_ms.max(rested.elapsed().as_millis() as u64);
            report.stayed_wrong += usize::from(same.is_err());
        }
        // The last ack is on its way.
        thread::sleep(Duration::from_secs(2));
        Ok(())
    }

    /// Letters all over a paper, some at a time, as small areas that come again.
    fn write_letters(&mut self, steps: u32) -> Result<()> {
        let paper = Place::new(60, 200, 520, 400);
        self.player.fill(paper, 0x00ff_ffff)?;
        self.player.show(paper)?;
        for _ in 0..steps {
            for _ in 0..8 {
                let cell = cell(self.dice.roll(1_300));
                let (x, y) = (paper.x + cell.x, paper.y + cell.y);
                let letter = ["m", "a", "e", "u", "w", "x", "o"][self.dice.roll(7) as usize];
                let place = Place { x, y, ..cell };
                self.player.fill(place, 0x00ff_ffff)?;
                self.player.write(x, y, letter, 0)?;
                self.player.show(place)?;
            }
            thread::sleep(Duration::from_millis(30));
        }
        Ok(())
    }

    fn count(&self, to: u32) -> Result<()> {
        let place = Place::new(900, 200, 160, 48);
        for n in 0..to {
            self.player.fill(place, 0x00ff_ffff)?;
            let number = format!("{:08}", n * 16_667);
            self.player.write(910, 220, &number, 0)?;
            self.player.show(place)?;
            thread::sleep(FRAME);
        }
        Ok(())
    }

    fn scroll(&self, seed: u32, count: u32) -> Result<()> {
        self.player.page(TERMINAL, seed)?;
        self.player.show(TERMINAL)?;
        for words in lines(seed + 1).take(count as usize) {
            self.player.scroll(TERMINAL, LETTER.1)?;
            let y = TERMINAL.y + TERMINAL.height - LETTER.1;
            let line = Place {
                y,
                height: LETTER.1,
                ..TERMINAL
            };
            self.player.fill(line, 0x00ff_ffff)?;
            let columns = line.width / LETTER.0;
            self.player.words(line.x, line.y, columns, &words)?;
            self.player.show(line)?;
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// A window over a page, so that areas move that may be wrong.
    fn drag(&self, seed: u32, steps: u16) -> Result<()> {
        self.player.page(TERMINAL, seed)?;
        let content = self.player.pixmap(360, 240)?;
        let corner = Place {
            width: 360,
            height: 240,
            ..TERMINAL
        };
        self.player.take(content, (0, 0), corner)?;
        self.player.page(TERMINAL, seed + 1)?;
        self.player.show(TERMINAL)?;
        let at = |step: u16| (TERMINAL.x + step * 4, TERMINAL.y + step * 2);
        let (x, y) = at(0);
        let window = self.player.raise(content, Place { x, y, ..corner })?;
        for step in 0..steps {
            let (x, y) = at(step);
            self.player.move_window(window, x, y, step.into())?;
            thread::sleep(Duration::from_millis(25));
        }
        self.player.lower(window)
    }

    fn play_film(&self, film: &[u32], frames: usize) -> Result<()> {
        let place = Place::new(520, 300, 640, 360);
        for frame in film.iter().cycle().take(frames) {
            self.player.put(*frame, (0, 0), place)?;
            self.player.show(place)?;
            thread::sleep(Duration::from_micros(41_667));
        }
        Ok(())
    }

    fn turn_pages(&self, photo: u32, seed: u32, pages: u32) -> Result<()> {
        for page in 0..pages {
            self.player.page(TERMINAL, seed + page)?;
            let place = Place::new(600, 260, 420, 300);
            let from = ((seed + page * 37) % 700) as u16;
            self.player.put(photo, (from, from / 3), place)?;
            self.player.show(TERMINAL)?;
            thread::sleep(Duration::from_millis(500));
        }
        Ok(())
    }
}

/// What the console hit, and of what.
fn read_console(folder: &Path, report: &mut Report) -> Result<()> {
    let mut kinds = std::collections::BTreeMap::<String, usize>::new();
    for line in log(folder.join("console.log"))?.lines() {
        if line.contains("an area is wrong on purpose") {
            report.hit = number(line, "hit").context("how many were hit")?;
            report.drawn = number(line, "drawn").context("how many were drawn")?;
            let kind = word(line, "code").context("what was hit")?;
            *kinds.entry(kind.trim_matches('"').to_owned()).or_default() += 1;
        }
        report.refused += usize::from(line.contains("an update cannot be drawn"));
    }
    report.kinds = kinds.into_iter().collect();
    Ok(())
}

/// What the agent found.
fn read_agent(folder: &Path, report: &mut Report) -> Result<()> {
    for line in log(folder.join("agent.log"))?.lines() {
        report.wrong += usize::from(line.contains("the console's picture is wrong"));
        if line.contains("the console's picture is right again") {
            report.mended += 1;
            let ms = number(line, "ms").context("how long it took")?;
            report.slowest_mend_ms = report.slowest_mend_ms.max(ms);
        }
    }
    Ok(())
}

/// Without the colours of terminals.
fn log(path: PathBuf) -> Result<String> {
    let text = std::fs::read_to_string(path)?;
    let mut plain = String::with_capacity(text.len());
    let mut parts = text.split('\u{1b}');
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        plain.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    Ok(plain)
}

fn word<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let mut words = line.split_whitespace();
    words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

fn number(line: &str, name: &str) -> Option<u64> {
    word(line, name)?.parse().ok()
}

/// Makes a console for tests draw wrong: holds a number.
const SWITCH: &str = "FERNSICHT_CORRUPT";

const SIZE: (u16, u16) = (1280, 800);
const TERMINAL: Place = Place::new(60, 180, 1100, LETTER.1 * 34);
const FRAME: Duration = Duration::from_micros(16_667);

/// How many scenes there are.
const SCENES: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_logs_are_read() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("agent.log");
        std::fs::write(
            &file,
            "\u{1b}[2mat\u{1b}[0m right \u{1b}[3mms\u{1b}[0m\u{1b}[2m=\u{1b}[0m41 code=\"seen\"\n",
        )?;
        let line = log(file)?;
        assert_eq!(
            (number(&line, "ms"), word(&line, "code")),
            (Some(41), Some("\"seen\""))
        );
        Ok(())
    }
}
