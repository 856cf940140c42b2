//! Runs schedules: many at a time, each from its own seed; a failure is shortened and told.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::Result;
use fernsicht_protocol::fuzzing::Dice;
use rand_core::RngCore as _;
use serde::Serialize;

use super::office::Office;
use super::steps;
use super::verdict::{self, Ending};
use super::world::World;

/// What to run.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How many schedules.
    pub schedules: u64,
    /// How many threads.
    pub threads: usize,
    /// The first schedule's seed; the others follow.
    pub seed: u64,
}

/// What was done and seen: a model in which nothing happens shows it here.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Counts {
    /// Steps.
    pub steps: u64,
    /// Epochs begun.
    pub epochs: u64,
    /// Input frames that the console sent.
    pub sent: u64,
    /// Input frames that the relay passed on.
    pub forwarded: u64,
    /// Events that acted on the customer's computer.
    pub injected: u64,
    /// Captures.
    pub captured: u64,
    /// Pictures drawn on the technician's screen.
    pub drawn: u64,
    /// Times that the agent came back.
    pub resumed: u64,
    /// Failures of the recorder that the agent was told of.
    pub recorder_failures: u64,
    /// Recordings begun.
    pub recordings: u64,
    /// Recordings verified and opened as an auditor does.
    pub opened: u64,
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.epochs += other.epochs;
        self.sent += other.sent;
        self.forwarded += other.forwarded;
        self.injected += other.injected;
        self.captured += other.captured;
        self.drawn += other.drawn;
        self.resumed += other.resumed;
        self.recorder_failures += other.recorder_failures;
        self.recordings += other.recordings;
        self.opened += other.opened;
    }
}

/// A promise that did not hold.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    /// The schedule.
    pub seed: u64,
    /// Which promise.
    pub sentence: String,
    /// The shortest row of steps that was found, in words.
    pub trace: Vec<String>,
}

/// What came of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Schedules run.
    pub schedules: u64,
    /// How long it took.
    pub seconds: f64,
    /// The first schedule's seed.
    pub seed: u64,
    /// Schedules in which a promise did not hold.
    pub failures: u64,
    /// What happened in all of them together.
    #[serde(flatten)]
    pub counts: Counts,
    /// The first failures.
    pub first: Vec<Failure>,
}

/// Runs schedules. Errors: there are no keys to be had.
pub fn run(options: Options) -> Result<Report> {
    let began = Instant::now();
    let next = AtomicU64::new(0);
    let all = Mutex::new((Counts::default(), 0_u64, Vec::new()));
    std::thread::scope(|scope| -> Result<()> {
        let threads: Vec<_> = (0..options.threads)
            .map(|_| scope.spawn(|| work(&options, &next, &all)))
            .collect();
        for thread in threads {
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        Ok(())
    })?;
    let (counts, failures, first) = all.into_inner()?;
    Ok(Report {
        schedules: options.schedules,
        seconds: began.elapsed().as_secs_f64(),
        seed: options.seed,
        failures,
        counts,
        first,
    })
}

fn work(
    options: &Options,
    next: &AtomicU64,
    all: &Mutex<(Counts, u64, Vec<Failure>)>,
) -> Result<()> {
    let office = Office::new()?;
    let mut counts = Counts::default();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= options.schedules {
            break;
        }
        let seed = options.seed.wrapping_add(number);
        let (done, failure) = run_one(&office, seed);
        counts.add(&done);
        if let Some(failure) = failure
            && let Ok(mut all) = all.lock()
        {
            all.1 += 1;
            // One of each kind is enough.
            let kind = |failure: &Failure| failure.sentence.chars().take(24).collect::<String>();
            let known = all.2.iter().any(|told| kind(told) == kind(&failure));
            if !known && all.2.len() < MOST_TOLD {
                all.2.push(failure);
            }
        }
    }
    if let Ok(mut all) = all.lock() {
        all.0.add(&counts);
    }
    Ok(())
}

/// Runs one schedule; a failure comes with its shortest trace.
pub fn run_one(office: &Office, seed: u64) -> (Counts, Option<Failure>) {
    let mut dice = Dice(seed);
    let length = 40 + dice.next_u32() % 160;
    // Most begin with what leads to control; the rest finds its own way.
    let begun = if seed.is_multiple_of(4) {
        &[][..]
    } else {
        &steps::TO_CONTROL
    };
    let drawn = (0..length).map(|_| dice.next_u32());
    let numbers: Vec<u32> = begun.iter().copied().chain(drawn).collect();
    let (counts, broken, _) = play(office, seed, &numbers);
    let failure = broken.map(|sentence| {
        let (numbers, sentence) = shorten(office, seed, numbers, sentence);
        let (_, _, trace) = play(office, seed, &numbers);
        Failure {
            seed,
            sentence,
            trace,
        }
    });
    (counts, failure)
}

fn play(office: &Office, seed: u64, numbers: &[u32]) -> (Counts, Option<String>, Vec<String>) {
    let mut trace = Vec::new();
    let played = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(office);
        for number in numbers {
            trace.extend(steps::step(&mut world, *number));
            if world.reference.broken.is_some() {
                break;
            }
        }
        if world.reference.broken.is_none() {
            let ending = match seed % 4 {
                0 => Ending::Killed,
                _ => Ending::Orderly,
            };
            verdict::end(&mut world, ending);
            trace.push(format!("the end: {ending:?}"));
            verdict::check(&mut world, ending, seed.is_multiple_of(OPENED_EVERY));
        }
        (world.counts, world.reference.broken)
    }));
    match played {
        Ok((counts, broken)) => (counts, broken, trace),
        Err(panic) => {
            let said = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|said| (*said).to_owned()));
            let said = format!("a panic: {}", said.unwrap_or_default());
            (Counts::default(), Some(said), trace)
        }
    }
}

/// Leaves out what the failure does not need.
fn shorten(
    office: &Office,
    seed: u64,
    mut numbers: Vec<u32>,
    mut sentence: String,
) -> (Vec<u32>, String) {
    let mut piece = numbers.len() / 2;
    let mut tries = MOST_TRIES;
    while piece > 0 {
        let mut at = 0;
        while at < numbers.len() && tries > 0 {
            tries -= 1;
            let end = numbers.len().min(at + piece);
            let shorter = [&numbers[..at], &numbers[end..]].concat();
            match play(office, seed, &shorter) {
                (_, Some(again), _) => (numbers, sentence) = (shorter, again),
                (_, None, _) => at = end,
            }
        }
        piece /= 2;
    }
    (numbers, sentence)
}

/// One in so many is verified and opened as an auditor does.
const OPENED_EVERY: u64 = 8;
const MOST_TOLD: usize = 8;
const MOST_TRIES: usize = 2_000;
