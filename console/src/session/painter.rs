//! The thread that turns opened updates into pixels on the board.
//!
//! ```text
//! engine ── Queue (bounded) ──► Decoder ──► Board ──► repaint
//! ```
//!
//! An update that cannot be drawn, a gap that stays, or a queue that overflows ask for a
//! complete picture. A revocation empties the queue and the decoder; what is under way finds no board to draw on.
//!
//! What came before its turn is shown over the picture where it can be, and the mark says so: what is acknowledged is what
//! is to be seen.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::budget::Arriving;
use crate::decode::{Decoder, Drawn};
use crate::picture::{Mark, Shared};

/// Updates that wait to be decoded. The agent keeps about one round trip in flight.
const MOST_QUEUED: usize = 128;

/// Bytes of the updates that wait.
const MOST_BYTES: usize = 64 << 20;

/// How long a gap may stay, while no picture is arriving, before a complete one is asked for.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the painter says: whether the window should repaint, or a complete picture is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Report {
    /// Something new is on the board.
    Drawn,
    /// A complete picture is needed.
    Wanted,
}

/// The engine's end of the queue.
#[derive(Clone)]
pub(crate) struct Queue(Arc<(Mutex<Inner>, Condvar)>);

#[derive(Default)]
struct Inner {
    jobs: VecDeque<Job>,
    bytes: usize,
    /// The sight that the decoder works for; another number means: begin anew.
    sight: u64,
    overflown: bool,
    ended: bool,
}

struct Job {
    content: Vec<u8>,
    received: Instant,
}

impl Queue {
    /// Starts the thread.
    pub(crate) fn start(
        board: Shared,
        arriving: Arriving,
        report: impl Fn(Report) + Send + 'static,
    ) -> std::io::Result<Self> {
        let queue = Self(Arc::default());
        let painter = Painter {
            queue: queue.clone(),
            board,
            arriving,
            decoder: Decoder::new(),
            ahead: Vec::new(),
            waiting_since: None,
        };
        std::thread::Builder::new()
            .name("painter".into())
            .spawn(move || painter.run(&report))?;
        Ok(queue)
    }

    /// Sight ended or began: what waits is void.
    pub(crate) fn reset(&self, sight: u64) {
        let mut inner = self.lock();
        let ended = inner.ended;
        *inner = Inner {
            sight,
            ended,
            ..Inner::default()
        };
        self.0.1.notify_one();
    }

    /// An opened update.
    pub(crate) fn push(&self, content: Vec<u8>, received: Instant) {
        let mut inner = self.lock();
        if inner.jobs.len() >= MOST_QUEUED || inner.bytes + content.len() > MOST_BYTES {
            inner.jobs.clear();
            inner.bytes = 0;
            inner.overflown = true;
        }
        inner.bytes += content.len();
        inner.jobs.push_back(Job { content, received });
        self.0.1.notify_one();
    }

    /// Ends the thread.
    pub(crate) fn end(&self) {
        self.lock().ended = true;
        self.0.1.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Step {
    Reset(u64),
    Job(Job),
    Overflown,
    Impatient,
    End,
}

struct Painter {
    queue: Queue,
    board: Shared,
    arriving: Arriving,
    decoder: Decoder,
    /// What the board shows before its turn.
    ahead: Vec<u64>,
    /// Since when updates come and nothing can be drawn.
    waiting_since: Option<Instant>,
}

impl Painter {
    fn run(mut self, report: &dyn Fn(Report)) {
        let mut sight = 0;
        loop {
            match self.step(sight) {
                Step::Reset(new) => {
                    sight = new;
                    self.restart();
                    // Another sight may count its updates anew.
                    self.decoder = Decoder::new();
                }
                Step::Job(job) => self.handle_job(sight, &job, report),
                // What is missing may be what is still on its way: a slow line is no gap.
                Step::Impatient if self.arriving.any() => {
                    self.waiting_since = Some(Instant::now());
                }
                Step::Overflown | Step::Impatient => {
                    self.restart();
                    report(Report::Wanted);
                }
                Step::End => return,
            }
        }
    }

    fn step(&self, sight: u64) -> Step {
        let mut inner = self.queue.lock();
        loop {
            if inner.ended {
                return Step::End;
            }
            if inner.sight != sight {
                return Step::Reset(inner.sight);
            }
            if std::mem::take(&mut inner.overflown) {
                return Step::Overflown;
            }
            if let Some(job) = inner.jobs.pop_front() {
                inner.bytes -= job.content.len();
                return Step::Job(job);
            }
            let wait = match self.waiting_since {
                None => None,
                Some(since) => match PATIENCE.checked_sub(since.elapsed()) {
                    None | Some(Duration::ZERO) => return Step::Impatient,
                    Some(left) => Some(left),
                },
            };
            inner = match wait {
                None => self
                    .queue
                    .0
                    .1
                    .wait(inner)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    self.queue
                        .0
                        .1
                        .wait_timeout(inner, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
    }

    fn restart(&mut self) {
        self.decoder.clear();
        self.waiting_since = None;
    }

    fn handle_job(&mut self, sight: u64, job: &Job, report: &dyn Fn(Report)) {
        match self.decoder.handle_update(&job.content) {
            Ok(drawn) => self.show(sight, &drawn, job.received, report),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "an update cannot be drawn"
                );
                self.restart();
                report(Report::Wanted);
            }
        }
    }

    fn show(&mut self, sight: u64, drawn: &Drawn, received: Instant, report: &dyn Fn(Report)) {
        match self.decoder.waits() || self.decoder.canvas().is_none() {
            true => drop(self.waiting_since.get_or_insert_with(Instant::now)),
            false => self.waiting_since = None,
        }
        let (Some(sequence), Some(canvas)) = (self.decoder.sequence(), self.decoder.canvas())
        else {
            return;
        };
        let mut mark = Mark {
            sequence,
            digest: 0,
            ahead: Vec::new(),
            layout: canvas.generation(),
            arrived: Some(received),
        };
        // What is large is shown before its digest is known, where looking at it twice costs nothing.
        let later = large(drawn) && self.board.lock().by_area();
        if !later {
            mark.digest = self.decoder.digest();
        }
        let (board, before) = (&self.board, &self.ahead);
        let shown = self.decoder.look_ahead(|canvas, ahead| {
            if drawn.sequence.is_none() && ahead.sequences() == before {
                return false;
            }
            mark.ahead = ahead.sequences().to_vec();
            let view = canvas.view();
            let areas = match drawn.afresh {
                true => vec![view.area()],
                false => [drawn.dirty.as_slice(), ahead.areas()].concat(),
            };
            let known = (!later).then(|| mark.clone());
            let mut board = board.lock();
            let shown = board.draw(sight, view, &areas, known, received);
            if shown && drawn.afresh {
                board.count_complete();
            }
            shown
        });
        if shown != Some(true) {
            return;
        }
        self.ahead.clone_from(&mark.ahead);
        report(Report::Drawn);
        if later {
            mark.digest = self.decoder.digest();
            self.board.follow(sight, mark, received);
            report(Report::Drawn);
        }
    }
}

/// True if the digest of what was drawn takes long enough to be seen.
fn large(drawn: &Drawn) -> bool {
    let pixels: usize = drawn.dirty.iter().map(|rect| rect.area()).sum();
    !drawn.afresh && pixels >= LARGE
}

/// Pixels whose digest takes some tenths of a millisecond.
const LARGE: usize = 1 << 18;

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{SyncSender, sync_channel};

    use fernsicht_protocol::picture::{Box, Code, Layout, Rect, Update};
    use fernsicht_protocol::wire::{Blob, List, Wire as _};

    use super::*;
    use crate::picture::Taken;

    fn update(sequence: u64, complete: bool) -> Vec<u8> {
        let rect = Rect {
            x: 0,
            y: 0,
            width: 1,
            height: 1,
        };
        let block = zstd::encode_all([1u8, 2, 3].as_slice(), 1).unwrap();
        Update {
            sequence,
            complete: complete.then_some(Layout {
                generation: 1,
                width: 8,
                height: 8,
            }),
            history: false,
            palette: List::default(),
            boxes: List(vec![Box {
                rect,
                code: Code::Colours,
            }]),
            block: Blob(block),
        }
        .to_bytes()
    }

    fn start(board: &Shared, arriving: &Arriving, reports: SyncSender<Report>) -> Queue {
        let report = move |report| reports.send(report).unwrap();
        Queue::start(board.clone(), arriving.clone(), report).unwrap()
    }

    #[test]
    fn a_gap_is_one_only_while_nothing_arrives() {
        let (board, arriving) = (Shared::new(), Arriving::default());
        let (reports, reported) = sync_channel(16);
        let queue = start(&board, &arriving, reports);
        let sight = board.lock().clear();
        queue.reset(sight);
        let slow = arriving.begin();
        queue.push(update(4, false), Instant::now());
        assert!(reported.recv_timeout(PATIENCE * 2).is_err());
        queue.push(update(3, true), Instant::now());
        assert_eq!(
            reported.recv_timeout(Duration::from_secs(5)),
            Ok(Report::Drawn)
        );
        drop(slow);
        let acknowledged = |taken| match taken {
            Taken::Changed { mark, .. } => mark.map(|mark| (mark.sequence, mark.ahead)),
            Taken::Nothing => None,
        };
        assert_eq!(acknowledged(board.lock().take()), Some((4, vec![])));
        // It is shown, since it needs nothing, and so acknowledged; what is missing is missing all the same.
        queue.push(update(6, false), Instant::now());
        for report in [Report::Drawn, Report::Wanted] {
            let next = reported.recv_timeout(Duration::from_secs(30));
            assert_eq!(next, Ok(report));
        }
        assert_eq!(acknowledged(board.lock().take()), Some((4, vec![6])));
        queue.end();
    }

    #[test]
    fn updates_reach_the_board_in_whatever_order_they_come() {
        let board = Shared::new();
        let (reports, reported) = sync_channel(16);
        let queue = start(&board, &Arriving::default(), reports);
        let sight = board.lock().clear();
        queue.reset(sight);
        for (sequence, complete) in [(4, false), (3, true)] {
            queue.push(update(sequence, complete), Instant::now());
        }
        assert_eq!(
            reported.recv_timeout(Duration::from_secs(5)),
            Ok(Report::Drawn)
        );
        let mut shown = board.lock();
        let Taken::Changed {
            mark: Some(mark),
            areas,
            ..
        } = shown.take()
        else {
            panic!("a picture")
        };
        assert_eq!(mark.sequence, 4);
        assert!(areas.contains(&Rect {
            x: 0,
            y: 0,
            width: 8,
            height: 8
        }));
        assert_eq!(shown.pixels().unwrap().bgrx[..3], [1, 2, 3]);
        drop(shown);
        queue.push(vec![1, 2, 3], Instant::now());
        assert_eq!(
            reported.recv_timeout(Duration::from_secs(5)),
            Ok(Report::Wanted)
        );
        queue.end();
    }

    /// Once to be shown, and once more to be acknowledged, where that costs no drawing.
    #[test]
    fn what_is_large_is_shown_before_its_digest_is_known() {
        let large = |sequence, colour| {
            let rect = Rect {
                x: 0,
                y: 0,
                width: 1024,
                height: 512,
            };
            Update {
                sequence,
                complete: (sequence == 1).then_some(Layout {
                    generation: 1,
                    width: rect.width,
                    height: rect.height,
                }),
                history: false,
                palette: List::default(),
                boxes: List(vec![Box {
                    rect,
                    code: Code::Solid([colour; 3]),
                }]),
                block: Blob(Vec::new()),
            }
            .to_bytes()
        };
        let board = Shared::new();
        let (reports, reported) = sync_channel(16);
        let looking = board.clone();
        let look = move |_| {
            if let Taken::Changed {
                areas,
                before,
                mark,
                ..
            } = looking.lock().take()
            {
                let mark = before.or(mark).map(|mark| mark.sequence);
                reports.send((!areas.is_empty(), mark)).unwrap();
            }
        };
        let queue = Queue::start(board.clone(), Arriving::default(), look).unwrap();
        let sight = board.lock().clear();
        queue.reset(sight);
        for (by_area, sequence, looks) in [
            (true, 1, vec![(true, Some(1))]),
            (true, 2, vec![(true, None), (false, Some(2))]),
            (false, 3, vec![(true, Some(3))]),
        ] {
            board.lock().set_by_area(by_area);
            queue.push(large(sequence, sequence as u8), Instant::now());
            for look in looks {
                let seen = reported.recv_timeout(Duration::from_secs(30));
                assert_eq!(seen, Ok(look), "update {sequence}");
            }
        }
        assert!(reported.try_recv().is_err());
        queue.end();
    }

    #[test]
    fn nothing_is_drawn_for_a_sight_that_has_ended() {
        let board = Shared::new();
        let (reports, reported) = sync_channel(16);
        let queue = start(&board, &Arriving::default(), reports);
        let sight = board.lock().clear();
        queue.reset(sight);
        board.lock().clear();
        queue.push(update(1, true), Instant::now());
        assert!(reported.recv_timeout(Duration::from_millis(200)).is_err());
        assert!(board.lock().pixels().is_none());
        queue.end();
    }
}

#[cfg(test)]
#[path = "painter/replayed_tests.rs"]
mod replayed_tests;
