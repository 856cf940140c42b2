//! What the board showed is what the replay of the same traffic shows, whichever update overtook which.
//!
//! ```text
//! updates, in the order in which they came ──► painter ──► board ──► looked at now and then: pixels, marks
//!                      └──► recording ◄── each mark acknowledged ◄──────────────────────────────────┘
//!                               └──► replay, at each of these moments ══ the same pixels?
//! ```

use std::cell::{Cell, RefCell};

use fernsicht_protocol::content::{Cause, PictureAck};
use fernsicht_protocol::picture::{Box, Code, Layout, Update};
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::wire::{Blob, List, Wire as _};
use proptest::prelude::*;

use super::*;
use crate::audit::replay::{Replay, Shown};
use crate::audit::sample::{Sample, rect};
use crate::picture::Taken;

/// So large that the digest of all of it follows what it is of.
const SIZE: (u16, u16) = (640, 512);

/// What an update draws.
#[derive(Debug, Clone, Copy)]
enum What {
    Complete,
    /// All of the picture, but no new one.
    Large,
    /// Needs nothing, here.
    Small(u16, u16),
    /// Takes pixels from elsewhere.
    Moved(u16, u16),
}

/// One update on its way.
#[derive(Debug, Clone, Copy)]
struct Step {
    what: What,
    /// How many later ones may overtake it.
    delay: usize,
    /// Whether the window looks at once, and once more if there is more to look at.
    looks: (bool, bool),
    by_area: bool,
}

fn update(sequence: u64, what: What) -> Update {
    let colour = [sequence as u8, (sequence * 7) as u8, 90];
    let whole = rect(0, 0, SIZE.0, SIZE.1);
    let (rect, code) = match what {
        What::Complete | What::Large => (whole, Code::Solid(colour)),
        What::Small(x, y) => (rect(x, y, 40, 30), Code::Indexed),
        What::Moved(x, y) => (rect(x, y, 60, 50), Code::Moved { x: 20, y: 10 }),
    };
    let packed = code.packed();
    Update {
        sequence,
        complete: matches!(what, What::Complete).then_some(Layout {
            generation: 1,
            width: SIZE.0,
            height: SIZE.1,
        }),
        history: false,
        palette: List(if packed { vec![colour] } else { Vec::new() }),
        block: Blob(match packed {
            true => zstd::bulk::compress(&vec![0; rect.area()], 1).unwrap(),
            false => Vec::new(),
        }),
        boxes: List(vec![Box { rect, code }]),
    }
}

/// The technician's window, and what is recorded of what it shows.
struct Window {
    board: Shared,
    sample: RefCell<Sample>,
    acks: RefCell<Vec<PictureAck>>,
    /// What was taken last.
    seen: RefCell<Vec<u8>>,
}

impl Window {
    fn look(&self) {
        let mut board = self.board.lock();
        let Taken::Changed { before, mark, .. } = board.take() else {
            return;
        };
        before.into_iter().for_each(|mark| self.acknowledge(mark));
        let pixels = board.pixels().expect("it has changed").bgrx.clone();
        self.seen.replace(pixels);
        mark.into_iter().for_each(|mark| self.acknowledge(mark));
    }

    fn acknowledge(&self, mark: Mark) {
        let ack = PictureAck {
            sequence: mark.sequence,
            digest: mark.digest,
            ahead: List(mark.ahead),
            held_us: 0,
        };
        let mut sample = self.sample.borrow_mut();
        sample.wait(1).showed(&ack, &self.seen.borrow());
        self.acks.borrow_mut().push(ack);
    }
}

/// Lets the updates come, and returns the recording of it and what was acknowledged.
fn record(steps: &[Step]) -> (Sample, Vec<PictureAck>) {
    let board = Shared::new();
    let window = Window {
        board: board.clone(),
        sample: RefCell::new(Sample::new()),
        acks: RefCell::default(),
        seen: RefCell::default(),
    };
    window
        .sample
        .borrow_mut()
        .opening()
        .rights(Rights::View, Cause::Granted);
    let sight = board.lock().clear();
    let mut painter = Painter {
        queue: Queue(Arc::default()),
        board: board.clone(),
        arriving: Arriving::default(),
        decoder: Decoder::new(),
        ahead: Vec::new(),
        waiting_since: None,
    };
    let mut order: Vec<usize> = (0..steps.len()).collect();
    order.sort_by_key(|at| at + steps[*at].delay);
    for at in order {
        let (step, update) = (steps[at], update(at as u64, steps[at].what));
        window.sample.borrow_mut().wait(1).record_update(&update);
        board.lock().set_by_area(step.by_area);
        let first = Cell::new(true);
        let report = |report| {
            assert_eq!(report, Report::Drawn);
            let looks = match first.replace(false) {
                true => step.looks.0,
                false => step.looks.1,
            };
            if looks {
                window.look();
            }
        };
        let job = Job {
            content: update.to_bytes(),
            received: Instant::now(),
        };
        painter.handle_job(sight, &job, &report);
    }
    window.look();
    (window.sample.into_inner(), window.acks.into_inner())
}

fn assert_replayed(sample: &Sample) {
    let mut replay = Replay::open(sample.clone()).unwrap();
    let shown = sample.truth.iter().filter(|(_, screen)| screen.is_some());
    let times: Vec<_> = shown.map(|(time, _)| *time).collect();
    // On and back, and from anywhere to anywhere.
    let hops = (0..times.len()).map(|n| times[n * 7919 % times.len()]);
    for time in times.iter().chain(times.iter().rev()).copied().chain(hops) {
        replay.seek(time).unwrap();
        let seen = replay.view().map(|view| view.bgrx);
        assert!(seen == sample.truth_at(time), "at {time}");
    }
    assert!(replay.check(&mut |_| true).unwrap());
    assert_eq!(replay.findings(), []);
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let what = prop_oneof![
        1 => Just(What::Complete),
        3 => Just(What::Large),
        8 => (0u16..60, 0u16..40).prop_map(|(x, y)| What::Small(x, y)),
        2 => (0u16..60, 0u16..40).prop_map(|(x, y)| What::Moved(x, y)),
    ];
    let step = (what, 0usize..7, any::<(bool, bool)>(), any::<bool>());
    let step = step.prop_map(|(what, delay, looks, by_area)| Step {
        what,
        delay,
        looks,
        by_area,
    });
    prop::collection::vec(step, 1..24).prop_map(|mut steps| {
        steps[0].what = What::Complete;
        steps
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_was_shown_is_replayed(steps in steps()) {
        let (sample, acks) = record(&steps);
        prop_assert_eq!(acks.last().map(|a| a.sequence), Some(steps.len() as u64 - 1));
        assert_replayed(&sample);
    }
}

/// Two letters pass a film whose packet was lost, and one more is lost itself.
#[test]
fn letters_that_pass_a_film_are_replayed_as_they_were_seen() {
    let step = |what, delay| Step {
        what,
        delay,
        looks: (true, true),
        by_area: true,
    };
    let (sample, acks) = record(&[
        step(What::Complete, 0),
        step(What::Large, 4),
        step(What::Small(5, 5), 0),
        step(What::Small(20, 15), 3),
        step(What::Small(25, 20), 0),
    ]);
    let said: Vec<_> = acks.iter().map(|a| (a.sequence, &a.ahead.0[..])).collect();
    let expected: [(u64, &[u64]); 5] = [(0, &[]), (0, &[2]), (0, &[2, 4]), (2, &[4]), (4, &[])];
    assert_eq!(said, expected);
    assert_replayed(&sample);
    let mut replay = Replay::open(sample.clone()).unwrap();
    let over = sample.truth.iter().rev().take(5).rev().map(|(time, _)| {
        match replay.seek(*time).unwrap().shown {
            Shown::Picture { ahead, .. } => ahead,
            Shown::Nothing => panic!("it was seen"),
        }
    });
    assert_eq!(over.collect::<Vec<_>>(), [0, 1, 2, 1, 0]);
}
