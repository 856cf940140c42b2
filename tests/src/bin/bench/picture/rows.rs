//! The rows: what happens on the customer's screen, and by what the technician is seen to see it.
//!
//! Each row prepares its scene and lets it rest. From then on until a second after the last change everything is
//! counted. What was drawn and what was seen is told by numbers that both sides can read.

mod lasting;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use fernsicht_tests::dice::Dice;
use fernsicht_tests::measure::{Row, Run, Sight, judge};
use fernsicht_tests::show::material::{Material, lines};
use fernsicht_tests::show::player::{Echo, LETTER, Place, Player, cell};
use x11rb::protocol::xproto::Pixmap;

use super::looks::{Look, at, first_letters, letters};
use super::rig::Rig;
use super::systems::SIZE;
use super::watch::{Eyes, Watch};

/// How long rows are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lengths {
    pub(crate) seconds: u64,
    pub(crate) idle_seconds: u64,
    /// Of the row that lasts.
    pub(crate) minutes: u64,
    /// True on bad lines: pages come one after the other, and are waited for.
    pub(crate) patient: bool,
}

/// Plays a row. None: this system cannot take part in it.
pub(crate) fn play(
    row: Row,
    rig: &Rig,
    material: &Material,
    lengths: Lengths,
) -> Result<Option<Run>> {
    if matches!(row, Row::Key | Row::KeyBeside | Row::Lasting) && rig.hand.is_none() {
        return Ok(None);
    }
    let player = Player::open(&rig.displays[0], &material.font)?;
    let act = Act {
        player: &player,
        rig,
        material,
        drawn: Arc::default(),
        seconds: lengths.seconds,
        patient: lengths.patient,
    };
    let take = match row {
        Row::Patch => act.patch(),
        Row::Key => act.keys(),
        Row::KeyBeside => act.keys_beside_a_film(),
        Row::Flip => act.flip(),
        Row::Page => act.page(),
        Row::Typing => act.typing(),
        Row::Scroll => act.scroll(),
        Row::Cat => act.cat(),
        Row::Drag => act.drag(),
        Row::Video => act.video(),
        Row::Slides => act.slides(),
        Row::Counter => act.counter(),
        Row::Whole => act.whole(),
        Row::Idle => act.idle(lengths.idle_seconds),
        Row::Lasting => act.lasting(lengths.minutes),
        // In a session of its own.
        Row::Revoked => return Ok(None),
    }?;
    Ok(Some(take))
}

/// Scene and stage of one row.
struct Act<'a> {
    player: &'a Player,
    rig: &'a Rig,
    material: &'a Material,
    /// The newest number that was drawn.
    drawn: Arc<AtomicU32>,
    seconds: u64,
    patient: bool,
}

impl Act<'_> {
    fn patch(&self) -> Result<Run> {
        let mut dice = Dice::from_seed(1);
        self.run(at(vec![PATCH_MARK]), |act| {
            act.each(act.seconds * 8, |n| {
                draw_patch(act.player, n)?;
                Ok(Duration::from_millis(90 + u64::from(dice.roll(60))))
            })
        })
    }

    fn keys(&self) -> Result<Run> {
        let place = PAPER;
        let echo = Echo::open(&self.rig.displays[0], &self.material.font, place)?;
        let Some(hand) = &self.rig.hand else {
            anyhow::bail!("nobody may type");
        };
        let centre = (
            (place.x + place.width / 2) as i16 + self.rig.offset.0,
            (place.y + place.height / 2) as i16 + self.rig.offset.1,
        );
        let first = first_letters(&echo, hand, centre, || self.watch(letters(place)))?;
        let mut dice = Dice::from_seed(2);
        let watch = self.watch(letters(place))?;
        let from = self.rig.spent()?;
        let (mut pressed, mut next) = (Vec::new(), first + 1);
        for _ in 0..self.seconds * 6 {
            pressed.push((Instant::now(), next));
            hand.key_event(M, true)?;
            hand.key_event(M, false)?;
            if watch.sees(next, Duration::from_secs(2)) {
                next += 1;
            }
            thread::sleep(Duration::from_millis(60 + u64::from(dice.roll(80))));
        }
        self.end(watch, &from, pressed)
    }

    fn keys_beside_a_film(&self) -> Result<Run> {
        let film = self.player;
        let frames = self.material.film(film)?;
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            let playing = scope.spawn(|| roll_film(film, &frames, BESIDE, &ended, |_| Ok(())));
            let run = self.keys();
            ended.store(true, Ordering::Relaxed);
            let played = playing
                .join()
                .map_err(|_| anyhow!("the film's thread panicked"))?;
            played.and(run)
        })
    }

    fn flip(&self) -> Result<Run> {
        self.run(at(CORNERS.to_vec()), |act| {
            act.each(act.seconds * 3, |n| {
                draw_flip(act.player, n)?;
                Ok(Duration::from_millis(350))
            })
        })
    }

    fn page(&self) -> Result<Run> {
        let photos = self.material.photos(self.player)?;
        self.run(at(PAGE_MARKS.to_vec()), |act| {
            act.each(if act.patient { 5 } else { act.seconds * 2 }, |n| {
                draw_page(act.player, &photos, n)?;
                Ok(Duration::from_millis(if act.patient { 6_000 } else { 700 }))
            })
        })
    }

    fn typing(&self) -> Result<Run> {
        let paper = PAPER;
        self.player.fill(paper, 0x00ff_ffff)?;
        self.player.show(paper)?;
        self.run(letters(paper), |act| {
            // Three times as long as the others: a few milliseconds of CPU cannot be told from chance. The paper has room
            // for 1,440.
            act.each((act.seconds * 24).min(1_200), |n| {
                let cell = cell(n - 1);
                let (x, y) = (paper.x + cell.x, paper.y + cell.y);
                let letter = ["m", "a", "e", "u", "w", "x", "o"][n as usize % 7];
                act.player.write(x, y, letter, 0)?;
                act.player.show(Place { x, y, ..cell })?;
                Ok(Duration::from_millis(125))
            })
        })
    }

    fn scroll(&self) -> Result<Run> {
        self.player.page(TERMINAL, 0)?;
        self.player.show(TERMINAL)?;
        self.run(at(vec![LAST_LINE]), |act| {
            act.each(act.seconds * 10, |n| {
                act.roll(n, 1)?;
                Ok(Duration::from_millis(100))
            })
        })
    }

    fn cat(&self) -> Result<Run> {
        self.player.page(TERMINAL, 0)?;
        self.player.show(TERMINAL)?;
        self.run(at(vec![LAST_LINE]), |act| {
            act.each(120, |n| {
                act.roll(n, 25)?;
                Ok(Duration::from_micros(16_667))
            })
        })
    }

    fn drag(&self) -> Result<Run> {
        let size = Place::new(0, 0, 520, 380);
        self.player.page(PAGE, 0)?;
        self.player.show(PAGE)?;
        let content = self.player.pixmap(size.width, size.height)?;
        let corner = Place::new(PAGE.x, PAGE.y, size.width, size.height);
        self.player.page(corner, 77)?;
        self.player.take(content, (0, 0), corner)?;
        self.player.page(PAGE, 0)?;
        let (x, y) = path(0);
        let window = self.player.raise(content, Place { x, y, ..size })?;
        let drawn = Arc::clone(&self.drawn);
        let mut last = 0;
        let look = move |eyes: &Eyes| {
            for number in (last + 1..=drawn.load(Ordering::Relaxed)).rev() {
                if eyes.number(path(number))? == Some(number) {
                    last = number;
                    return Ok(Some(number));
                }
            }
            Ok(None)
        };
        let run = self.run(Box::new(look), |act| {
            act.each(act.seconds * 40, |n| {
                let (x, y) = path(n);
                act.player.move_window(window, x, y, n)?;
                Ok(Duration::from_millis(25))
            })
        });
        self.player.lower(window)?;
        run
    }

    fn video(&self) -> Result<Run> {
        let place = Place::new(640, 300, 640, 360);
        let frames = self.material.film(self.player)?;
        self.run(at(vec![(place.x + 8, place.y + 8)]), |act| {
            act.each(act.seconds * 24, |n| {
                let frame = there_and_back(n as usize, frames.len());
                act.player.put(frames[frame], (0, 0), place)?;
                act.player.mark(place.x + 8, place.y + 8, n)?;
                act.player.show(place)?;
                Ok(FRAME)
            })
        })
    }

    fn slides(&self) -> Result<Run> {
        let all = Place::new(0, 0, SIZE.0, SIZE.1);
        let slides = self.material.slides(self.player)?;
        self.run(at(CORNERS.to_vec()), |act| {
            act.each(4, |n| {
                act.player
                    .put(slides[n as usize % slides.len()], (0, 0), all)?;
                let paper = Place::new(200, 600, 900, 300);
                act.player.page(paper, n)?;
                for (x, y) in CORNERS {
                    act.player.mark(x, y, n)?;
                }
                act.player.show(all)?;
                Ok(Duration::from_secs(2))
            })
        })
    }

    fn counter(&self) -> Result<Run> {
        let place = Place::new(900, 500, 160, 48);
        self.run(at(vec![(904, 504)]), |act| {
            act.each(act.seconds * 60, |n| {
                act.player.fill(place, 0x00ff_ffff)?;
                act.player.mark(904, 504, n)?;
                act.player
                    .write(910, 520, &format!("{:08}", n * 16_667), 0)?;
                act.player.show(place)?;
                Ok(Duration::from_micros(16_667))
            })
        })
    }

    fn whole(&self) -> Result<Run> {
        let all = Place::new(0, 0, SIZE.0, SIZE.1);
        const STEP: u16 = 6;
        const STEPS: u16 = 300;
        let long = self.player.pixmap(SIZE.0, SIZE.1 + STEP * STEPS)?;
        for part in 0..=(STEP * STEPS / SIZE.1) {
            self.player.page(all, u32::from(part) + 500)?;
            self.player.take(long, (0, part * SIZE.1), all)?;
        }
        self.player.put(long, (0, 0), all)?;
        self.player.show(all)?;
        self.run(at(vec![CORNERS[2]]), |act| {
            act.each(act.seconds * 60, |n| {
                let turn = n as u16 % (2 * STEPS);
                let step = turn.min(2 * STEPS - turn);
                act.player.put(long, (0, step * STEP), all)?;
                act.player.mark(CORNERS[2].0, CORNERS[2].1, n)?;
                act.player.show(all)?;
                Ok(Duration::from_micros(16_667))
            })
        })
    }

    fn idle(&self, seconds: u64) -> Result<Run> {
        self.player.page(PAGE, 3)?;
        self.player.show(PAGE)?;
        self.run(Box::new(|_: &Eyes| Ok(None)), |_| {
            thread::sleep(Duration::from_secs(seconds));
            Ok(Vec::new())
        })
    }

    /// Lets the scene rest, plays, and counts until a second after the last change.
    fn run(&self, look: Look, play: impl FnOnce(&Self) -> Result<Vec<Sight>>) -> Result<Run> {
        self.player.sync()?;
        thread::sleep(REST);
        let watch = self.watch(look)?;
        let from = self.rig.spent()?;
        let drawn = play(self)?;
        self.end(watch, &from, drawn)
    }

    fn end(&self, watch: Watch, from: &super::rig::Spent, drawn: Vec<Sight>) -> Result<Run> {
        Ok(self.end_seen(watch, from, &drawn)?.0)
    }

    /// Also what was seen.
    fn end_seen(
        &self,
        watch: Watch,
        from: &super::rig::Spent,
        drawn: &[Sight],
    ) -> Result<(Run, Vec<Sight>)> {
        let last = drawn.last().map_or_else(Instant::now, |(at, _)| *at);
        thread::sleep((last + AFTER).saturating_duration_since(Instant::now()));
        let differing_pixels = self.rig.differing()?;
        let mut exact = (differing_pixels == 0).then(|| last.elapsed());
        let cost = self.rig.cost_since(from)?;
        while self.patient && exact.is_none() && last.elapsed() < PATIENCE {
            let (differing, read) = self.rig.differing_at()?;
            exact = (differing == 0).then(|| read - last);
        }
        let sights = watch.stop()?;
        let mut run = judge(drawn, &sights, cost, differing_pixels);
        run.exact_ms = exact.map(|after| after.as_secs_f64() * 1e3);
        Ok((run, sights))
    }

    fn watch(&self, look: Look) -> Result<Watch> {
        Watch::start(Eyes::open(&self.rig.displays[1], self.rig.offset)?, look)
    }

    /// Draws numbers from 1 on; what `draw` returns is the time until the next one is due.
    fn each(
        &self,
        count: u64,
        mut draw: impl FnMut(u32) -> Result<Duration>,
    ) -> Result<Vec<Sight>> {
        let mut drawn = Vec::new();
        let mut due = Instant::now();
        for number in 1..=u32::try_from(count)? {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            self.drawn.store(number, Ordering::Relaxed);
            let at = Instant::now();
            due += draw(number)?;
            drawn.push((at, number));
        }
        Ok(drawn)
    }

    /// The terminal gets so many lines, all at once; the number stands in the last one.
    fn roll(&self, number: u32, count: u16) -> Result<()> {
        let up = count * LETTER.1;
        self.player.scroll(TERMINAL, up)?;
        let top = TERMINAL.y + TERMINAL.height - up;
        let new = Place::new(TERMINAL.x, top, TERMINAL.width, up);
        self.player.fill(new, 0x00ff_ffff)?;
        for (row, words) in (0..count).zip(lines(number)) {
            self.player
                .words(TERMINAL.x + 88, top + row * LETTER.1, 100, &words)?;
        }
        self.player.mark(LAST_LINE.0, LAST_LINE.1, number)?;
        self.player.show(new)
    }
}

/// A small area in another colour.
pub(super) fn draw_patch(player: &Player, n: u32) -> Result<()> {
    let place = Place::new(PATCH_MARK.0 - 4, PATCH_MARK.1 - 4, 96, 64);
    player.fill(place, [0x00f0_e0a0, 0x0020_5080][n as usize % 2])?;
    player.mark(PATCH_MARK.0, PATCH_MARK.1, n)?;
    player.show(place)
}

/// The whole screen in another colour.
pub(super) fn draw_flip(player: &Player, n: u32) -> Result<()> {
    let all = Place::new(0, 0, SIZE.0, SIZE.1);
    player.fill(all, [0x00f0_f0f0, 0x0040_5060][n as usize % 2])?;
    for (x, y) in CORNERS {
        player.mark(x, y, n)?;
    }
    player.show(all)
}

/// Another page of text with another photograph.
pub(super) fn draw_page(player: &Player, photos: &[Pixmap], n: u32) -> Result<()> {
    player.page(PAGE, n)?;
    let photo = Place::new(PAGE.x + 620, PAGE.y + 120, 520, 360);
    let from = (n as u16 * 40 % 400, 0);
    player.put(photos[n as usize % photos.len()], from, photo)?;
    for (x, y) in PAGE_MARKS {
        player.mark(x, y, n)?;
    }
    player.show(PAGE)
}

/// Plays pictures there and back until that has ended. `drawn` is called with the number of each, from 0 on, before it is shown.
pub(super) fn roll_film(
    player: &Player,
    frames: &[Pixmap],
    place: Place,
    ended: &AtomicBool,
    mut drawn: impl FnMut(u32) -> Result<()>,
) -> Result<()> {
    let mut due = Instant::now();
    for n in 0.. {
        if ended.load(Ordering::Relaxed) {
            break;
        }
        thread::sleep(due.saturating_duration_since(Instant::now()));
        due += FRAME;
        let frame = frames[there_and_back(n as usize, frames.len())];
        player.put(frame, (0, 0), place)?;
        drawn(n)?;
        player.show(place)?;
        player.sync()?;
    }
    Ok(())
}

/// Forwards and backwards: a film without a cut.
fn there_and_back(n: usize, frames: usize) -> usize {
    let turn = n % (2 * frames);
    turn.min(2 * frames - 1 - turn)
}

/// Where the dragged window is at each step: aslant, there and back.
fn path(number: u32) -> (u16, u16) {
    let turn = number as u16 % 160;
    let step = turn.min(160 - turn);
    (460 + step * 8, 240 + step * 4)
}

/// The scene rests so long before it begins.
pub(super) const REST: Duration = Duration::from_millis(1500);

/// From the last change until pixels are compared.
const AFTER: Duration = Duration::from_secs(1);

/// So long exact pixels are waited for.
const PATIENCE: Duration = Duration::from_secs(12);

/// Where the small area's number stands.
pub(super) const PATCH_MARK: (u16, u16) = (904, 504);

/// Where numbers stand on a page.
pub(super) const PAGE_MARKS: [(u16, u16); 3] = [
    (PAGE.x + 4, PAGE.y + 4),
    (PAGE.x + 700, PAGE.y + 500),
    (PAGE.x + 4, PAGE.y + PAGE.height - 12),
];

/// Where numbers stand on a full screen.
pub(super) const CORNERS: [(u16, u16); 5] =
    [(40, 300), (1800, 300), (960, 560), (40, 1050), (1800, 1050)];

const PAGE: Place = Place::new(360, 110, 1200, 940);
const TERMINAL: Place = Place::new(400, 150, 960, LETTER.1 * 47);
const LAST_LINE: (u16, u16) = (TERMINAL.x + 4, TERMINAL.y + TERMINAL.height - 13);

/// Where letters are written.
pub(super) const PAPER: Place = Place::new(560, 340, 520, 400);

/// Where a film plays beside the keys.
const BESIDE: Place = Place::new(1180, 340, 640, 360);
/// Between two pictures of a film.
pub(super) const FRAME: Duration = Duration::from_micros(41_667);

/// The key that is pressed.
pub(super) const M: u32 = 'm' as u32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_goes_there_and_back_on_the_screen() {
        assert_eq!(path(0), path(160));
        assert!((0..400).all(|n| path(n).0 + 520 < SIZE.0 && path(n).1 + 380 < SIZE.1));
    }
}
