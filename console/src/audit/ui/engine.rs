//! The thread behind the auditor's window: carries commands out one after another and, while
//! the replay runs, moves it on.
//!
//! ```text
//! Locked ─ Enrol/Unlock ─► Ready ─ Open ─► Case ─ Watch ─► playing or resting
//!                            ▲─── Close ─────┘
//! ```
//!
//! What reaches beyond this computer's memory is the [`Office`]'s. Nothing that was typed is
//! published before the relay has noted that it is asked for. While the replay rests the thread sleeps
//! and asks for no repaint.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::Failure;
pub use super::office::{Office, Opened};
use super::screen::Screen;
use super::view::{Busy, Command, Order, Page, Playing, Proof, SPEEDS, Step, Track, View};
use crate::audit::index::Time;
use crate::audit::replay::{Moment, Replay, Stroke};
use crate::picture;

/// Commands that wait: more than a hand gives while one is carried out.
const MOST_COMMANDS: usize = 64;

/// How often the replay moves on.
const TICK: Duration = Duration::from_millis(20);

/// How often the timeline is told where it is, while the picture rests.
const REPORT: Duration = Duration::from_millis(100);

/// The window's end of the engine.
#[derive(Debug)]
pub struct Engine {
    commands: SyncSender<Command>,
    view: Arc<Mutex<View>>,
    board: picture::Shared,
    cancelled: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// Starts the thread. `repaint` asks the window to look again.
    pub fn start(
        mut office: impl Office,
        repaint: impl Fn() + Send + 'static,
    ) -> Result<Self, Failure> {
        let (commands, received) = sync_channel(MOST_COMMANDS);
        let who = office.known()?;
        let view = View {
            page: match who {
                Some(_) => Page::Unlock,
                None => Page::Enrol,
            },
            who,
            case: None,
            busy: None,
            failure: None,
        };
        let shared = Arc::new(Mutex::new(view.clone()));
        let (board, cancelled) = (picture::Shared::new(), Arc::new(AtomicBool::new(false)));
        let worker = Worker {
            office,
            desk: Desk {
                view,
                shared: shared.clone(),
                cancelled: cancelled.clone(),
                repaint: Box::new(repaint),
            },
            screen: Screen::new(board.clone()),
            replay: None,
            playing: None,
            revealed: Arc::default(),
        };
        let thread = std::thread::Builder::new()
            .name("auditor".into())
            .spawn(move || worker.run(&received))
            .map_err(|e| Failure::Internal(e.to_string()))?;
        Ok(Self {
            commands,
            view: shared,
            board,
            cancelled,
            thread: Some(thread),
        })
    }

    /// What to show.
    pub fn view(&self) -> View {
        lock(&self.view).clone()
    }

    /// The picture.
    pub fn board(&self) -> &picture::Shared {
        &self.board
    }

    /// Passes a command on. False if the engine is too busy or gone.
    pub fn send(&self, command: Command) -> bool {
        self.commands.try_send(command).is_ok()
    }

    /// Stops an export that is under way.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.cancel();
        let Some(thread) = self.thread.take() else {
            return;
        };
        let until = Instant::now() + GOODBYE;
        let mut told = false;
        while !thread.is_finished() && Instant::now() < until {
            // The queue may be full for the moment.
            told = told || self.send(Command::Quit);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// How long the goodbye may keep the program.
const GOODBYE: Duration = Duration::from_secs(3);

/// What is published.
struct Desk {
    view: View,
    shared: Arc<Mutex<View>>,
    cancelled: Arc<AtomicBool>,
    repaint: Box<dyn Fn() + Send>,
}

impl Desk {
    fn publish(&self) {
        *lock(&self.shared) = self.view.clone();
        (self.repaint)();
    }

    fn begin(&mut self, what: Step) {
        self.view.failure = None;
        self.progress(what, None);
    }

    fn progress(&mut self, what: Step, thousandths: Option<u16>) {
        let busy = Some(Busy { what, thousandths });
        if self.view.busy != busy {
            self.view.busy = busy;
            self.publish();
        }
    }

    fn fail(&mut self, failure: Failure) {
        self.view.failure = Some(Arc::new(failure));
    }

    /// What was asked for, or the failure on the page.
    fn done<T>(&mut self, result: Result<T, Failure>) -> Option<T> {
        self.view.busy = None;
        result.map_err(|failure| self.fail(failure)).ok()
    }
}

struct Worker<O: Office> {
    office: O,
    desk: Desk,
    screen: Screen,
    replay: Option<Replay<O::Records>>,
    playing: Option<Pace>,
    revealed: Arc<BTreeMap<usize, Vec<Stroke>>>,
}

/// Where the replay is and how it moves on.
struct Pace {
    at: Time,
    speed: u8,
    /// While it runs: since when, from where.
    running: Option<(Instant, Time)>,
    reported: Instant,
}

impl<O: Office> Worker<O> {
    fn run(mut self, commands: &Receiver<Command>) {
        let mut next = None;
        loop {
            let running = self.playing.as_ref().is_some_and(|p| p.running.is_some());
            let command = match (next.take(), running) {
                (Some(command), _) => Ok(command),
                (None, true) => commands.recv_timeout(TICK),
                (None, false) => commands.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match command {
                Ok(Command::Quit) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(Command::Seek(time)) => {
                    let (newest, after) = newest_goal(time, commands);
                    next = after;
                    self.carry_out(Command::Seek(newest));
                }
                Ok(command) => self.carry_out(command),
                Err(RecvTimeoutError::Timeout) => self.tick(),
            }
        }
        if self.desk.view.case.is_some() {
            // The window is gone: nobody to tell.
            drop(self.office.close());
        }
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Enrol {
                token,
                passphrase,
                again,
            } => self.enrol(&token, passphrase, again),
            Command::Unlock { passphrase } => self.unlock(passphrase),
            Command::Refresh => {
                let overview = self.office.overview();
                if let Some(overview) = self.desk.done(overview) {
                    self.desk.view.page = Page::Case(Arc::new(overview));
                }
            }
            Command::Open { reference, proof } => self.open(&reference, proof),
            Command::Watch => self.watch(),
            Command::Verification => self.leave_replay(Page::Verification),
            Command::ShowExport => {
                let written = Vec::new();
                self.leave_replay(Page::Export { written });
            }
            Command::Play(run) => self.play(run),
            Command::Speed(speed) => self.change_speed(speed),
            Command::Seek(time) => self.seek(time),
            Command::Reveal(act) => self.reveal(act),
            Command::Mask(act) => {
                Arc::make_mut(&mut self.revealed).remove(&act);
                self.refresh_replay();
            }
            Command::Export(order) => self.export(&order),
            Command::Close => self.close(),
            Command::Quit => {}
        }
        self.desk.publish();
    }

    fn enrol(&mut self, token: &str, passphrase: Zeroizing<String>, again: Zeroizing<String>) {
        self.desk.begin(Step::Enrolling);
        let enrolled = self.office.enrol(token, passphrase.clone(), again);
        if let Some(who) = self.desk.done(enrolled) {
            self.desk.view.who = Some(who);
            self.desk.view.page = Page::Unlock;
            self.unlock(passphrase);
        }
    }

    fn unlock(&mut self, passphrase: Zeroizing<String>) {
        self.desk.begin(Step::Unlocking);
        let unlocked = self.office.unlock(passphrase);
        if let Some(overview) = self.desk.done(unlocked) {
            self.desk.view.page = Page::Case(Arc::new(overview));
        }
    }

    fn open(&mut self, reference: &str, proof: Proof) {
        self.desk.begin(Step::Fetching);
        let Self { office, desk, .. } = self;
        let mut progress = |step, thousandths| desk.progress(step, thousandths);
        let opened = office.open(reference, proof, &mut progress);
        let Some(mut opened) = self.desk.done(opened) else {
            return;
        };
        let track = opened.replay.as_ref().map(|r| Track::from(r.index()));
        opened.case.track = track.map(Arc::new);
        self.replay = opened.replay;
        self.revealed = Arc::default();
        self.playing = None;
        self.desk.view.case = Some(Arc::new(opened.case));
        self.desk.view.page = Page::Verification;
    }

    fn watch(&mut self) {
        let Some(replay) = &self.replay else {
            return;
        };
        let index = replay.index();
        let (from, first) = (index.from, index.first_sight());
        let pace = self.playing.get_or_insert_with(|| Pace {
            at: first.unwrap_or(from),
            speed: SPEEDS[1],
            running: None,
            reported: Instant::now(),
        });
        let at = pace.at;
        self.seek(at);
    }

    fn leave_replay(&mut self, page: Page) {
        if self.desk.view.case.is_none() {
            return;
        }
        if let Some(pace) = &mut self.playing {
            pace.running = None;
        }
        self.screen.clear();
        self.desk.view.failure = None;
        self.desk.view.page = page;
    }

    fn play(&mut self, run: bool) {
        let end = self.replay.as_ref().map_or(0, |r| r.index().to);
        let Some(pace) = &mut self.playing else {
            return;
        };
        if run && pace.at >= end {
            pace.at = self.replay.as_ref().map_or(0, |r| r.index().from);
        }
        pace.running = run.then(|| (Instant::now(), pace.at));
        let at = pace.at;
        self.show(at);
    }

    fn change_speed(&mut self, speed: u8) {
        if let Some(pace) = self.playing.as_mut().filter(|_| SPEEDS.contains(&speed)) {
            pace.speed = speed;
            pace.running = pace.running.map(|_| (Instant::now(), pace.at));
        }
        self.refresh_replay();
    }

    fn seek(&mut self, time: Time) {
        let Some((from, to)) = self.replay.as_ref().map(|r| (r.index().from, r.index().to)) else {
            return;
        };
        let time = time.clamp(from, to);
        if let Some(pace) = &mut self.playing {
            pace.at = time;
            pace.running = pace.running.map(|_| (Instant::now(), time));
        }
        self.show(time);
    }

    /// Time has passed while it runs.
    fn tick(&mut self) {
        let (Some(replay), Some(pace)) = (&self.replay, &mut self.playing) else {
            return;
        };
        let Some((since, from)) = pace.running else {
            return;
        };
        let passed = since.elapsed().as_millis() as u64 * u64::from(pace.speed) / 20;
        let end = replay.index().to;
        let (before, now) = (pace.at, (from + passed).min(end));
        pace.at = now;
        let over = now >= end;
        if over {
            pace.running = None;
        }
        let moves = replay
            .index()
            .change_after(before)
            .is_some_and(|t| t <= now);
        if moves || over || pace.reported.elapsed() >= REPORT {
            pace.reported = Instant::now();
            self.show(now);
            self.desk.publish();
        }
    }

    fn show(&mut self, time: Time) {
        let Some(replay) = &mut self.replay else {
            return;
        };
        match replay.seek(time) {
            Ok(moment) => {
                self.screen.show(replay, &moment);
                self.set_replay(moment);
            }
            Err(error) => {
                if let Some(pace) = &mut self.playing {
                    pace.running = None;
                }
                self.desk.fail(Failure::Unreadable(error.to_string()));
            }
        }
    }

    fn set_replay(&mut self, moment: Moment) {
        let (Some(pace), Some(replay)) = (&self.playing, &self.replay) else {
            return;
        };
        self.desk.view.page = Page::Replay(Playing {
            moment,
            running: pace.running.is_some(),
            speed: pace.speed,
            findings: replay.findings().to_vec(),
            revealed: self.revealed.clone(),
        });
    }

    /// The same moment, with what changed beside it.
    fn refresh_replay(&mut self) {
        if let Page::Replay(playing) = &self.desk.view.page {
            let moment = playing.moment.clone();
            self.set_replay(moment);
        }
    }

    fn reveal(&mut self, act: usize) {
        let Some(replay) = &mut self.replay else {
            return;
        };
        let Some(found) = replay.index().input.acts().get(act).cloned() else {
            return;
        };
        let (first, last) = found.events;
        let (begin, end) = (replay.index().from, found.to);
        let seconds = |time: Time| time.saturating_sub(begin) / 100;
        let what = format!(
            "keys: input {} to {}, second {} to {}",
            first + 1,
            last,
            seconds(found.from),
            seconds(end)
        );
        self.desk.begin(Step::Revealing);
        let noted = self.office.reveal(&what);
        if self.desk.done(noted).is_none() {
            return;
        }
        let strokes = replay.typed(&found);
        let strokes = strokes.map_err(|e| Failure::Unreadable(e.to_string()));
        if let Some(strokes) = self.desk.done(strokes) {
            Arc::make_mut(&mut self.revealed).insert(act, strokes);
        }
        self.refresh_replay();
    }

    fn export(&mut self, order: &Order) {
        let Some(replay) = &mut self.replay else {
            return;
        };
        self.desk.cancelled.store(false, Ordering::Relaxed);
        self.desk.begin(Step::Exporting);
        let Self { office, desk, .. } = self;
        let mut go_on = |thousandths| {
            desk.progress(Step::Exporting, Some(thousandths));
            !desk.cancelled.load(Ordering::Relaxed)
        };
        let written = office.export(order, replay, &mut go_on);
        if let Some(written) = self.desk.done(written) {
            self.desk.view.page = Page::Export { written };
        }
    }

    fn close(&mut self) {
        self.screen.forget();
        (self.replay, self.playing, self.revealed) = (None, None, Arc::default());
        self.desk.view.case = None;
        self.desk.view.failure = None;
        let closed = self.office.close();
        let closed = closed.and_then(|()| self.office.overview());
        let overview = self.desk.done(closed).unwrap_or_default();
        self.desk.view.page = Page::Case(Arc::new(overview));
    }
}

/// A dragged timeline asks faster than pictures are drawn: the newest goal counts. And the command behind it.
fn newest_goal(mut time: Time, commands: &Receiver<Command>) -> (Time, Option<Command>) {
    loop {
        match commands.try_recv() {
            Ok(Command::Seek(newer)) => time = newer,
            Ok(other) => return (time, Some(other)),
            Err(_) => return (time, None),
        }
    }
}

fn lock(view: &Mutex<View>) -> MutexGuard<'_, View> {
    view.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
