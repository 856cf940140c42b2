//! Minutes with a film and keys beside it: whether anything grows.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail, ensure};
use fernsicht_tests::measure::{Role, Run, Sight, lasting, marker};
use fernsicht_tests::proc;
use fernsicht_tests::show::player::Echo;

use super::{Act, BESIDE, M, PAPER, roll_film};
use crate::picture::looks::{at, first_letters, letters};
use crate::picture::rig::Spent;
use crate::picture::watch::Watch;

/// What was typed while the film played.
struct Typed {
    watch: Watch,
    from: Spent,
    span: (Instant, Instant),
    pressed: Vec<Sight>,
    resident_kib: Vec<(Instant, BTreeMap<Role, u64>)>,
    /// Its letters stay until both screens were compared.
    _echo: Echo,
}

impl Act<'_> {
    pub(super) fn lasting(&self, minutes: u64) -> Result<Run> {
        let (frames, place) = (
            self.material.film(self.player)?,
            (BESIDE.x + 8, BESIDE.y + 8),
        );
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            let playing = scope.spawn(|| -> Result<Vec<Sight>> {
                let mut drawn = Vec::new();
                roll_film(self.player, &frames, BESIDE, &ended, |n| {
                    self.player.mark(place.0, place.1, n + 1)?;
                    drawn.push((Instant::now(), (n + 1) % marker::NUMBERS));
                    Ok(())
                })?;
                Ok(drawn)
            });
            let film = self.watch(at(vec![place]))?;
            let typed = self.type_for(minutes);
            ended.store(true, Ordering::Relaxed);
            let drawn = playing
                .join()
                .map_err(|_| anyhow!("the film's thread panicked"))??;
            let Typed {
                watch,
                from,
                span: (start, end),
                pressed,
                resident_kib,
                _echo,
            } = typed?;
            let (mut run, letters) = self.end_seen(watch, &from, &pressed)?;
            let notes = lasting::Notes {
                start,
                end,
                keys: [pressed, letters],
                film: [drawn, film.stop()?],
                resident_kib,
            };
            run.lasting = Some(notes.judge());
            Ok(run)
        })
    }

    fn type_for(&self, minutes: u64) -> Result<Typed> {
        let Some(hand) = &self.rig.hand else {
            bail!("nobody may type");
        };
        let echo = Echo::open(&self.rig.displays[0], &self.material.font, PAPER)?;
        let centre = (
            (PAPER.x + PAPER.width / 2) as i16 + self.rig.offset.0,
            (PAPER.y + PAPER.height / 2) as i16 + self.rig.offset.1,
        );
        let first = first_letters(&echo, hand, centre, || self.watch(letters(PAPER)))?;
        let watch = self.watch(letters(PAPER))?;
        let from = self.rig.spent()?;
        let time = Duration::from_secs(60 * minutes);
        // The paper has room for so many.
        let pause = (time / LETTERS).max(Duration::from_millis(200));
        let start = Instant::now();
        let (mut pressed, mut resident_kib) = (Vec::new(), Vec::new());
        let mut due = start;
        for next in first + 1.. {
            if start.elapsed() >= time {
                break;
            }
            thread::sleep(due.saturating_duration_since(Instant::now()));
            due += pause;
            pressed.push((Instant::now(), next));
            hand.key_event(M, true)?;
            hand.key_event(M, false)?;
            ensure!(watch.sees(next, PATIENCE), "an echo did not come");
            resident_kib.push((Instant::now(), self.resident()?));
        }
        Ok(Typed {
            watch,
            from,
            span: (start, Instant::now()),
            pressed,
            resident_kib,
            _echo: echo,
        })
    }

    fn resident(&self) -> Result<BTreeMap<Role, u64>> {
        let programs = self.rig.processes.iter();
        programs
            .filter(|(role, _)| matches!(role, Role::Server | Role::Relay | Role::Viewer))
            .map(|(role, pid)| Ok((*role, proc::resident_kib(*pid)?)))
            .collect()
    }
}

/// Letters for which there is room.
const LETTERS: u32 = 1_250;

/// So long an echo is waited for.
const PATIENCE: Duration = Duration::from_secs(20);
