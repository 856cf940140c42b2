//! A start anew with administrator rights, by the customer's own click: what only a person can answer here can be steered
//! in a session of its own, with another code, another consent and a recording of its own.
//!
//! ```text
//!        AskElevation          Elevate(Hand)             the system: yes
//! rest ───────────────► asked ───────────────► waiting ─────────────────► followed: this session is over, and the
//!  ▲ ▲                    │                       │ the system: no               │   successor waits for our place
//!  │ └──────GoOn(Hand)────┘                       ▼                              │ it is gone
//!  ├────────────────────────GoOn(Hand)─────── refused                            │
//!  └──────────────────────────────────────────────────────────────────────────── ┘
//! ```
//!
//! From the question to its answer the guard's own question about the end is open: as long as that is so nothing is
//! injected, so the technician's hand cannot say yes, and nothing but the customer's brings control back. The system is
//! asked on a thread of its own; an answer to an attempt of an earlier session counts for nothing.
//!
//! Not here: how the system is asked ([`crate::platform::elevate`]), whether it was the customer's hand ([`crate::hand`]).

#[cfg(test)]
mod tests;

use std::time::Instant;

use fernsicht_protocol::guard::{Denied, Question};
use fernsicht_protocol::messages::End;

use super::core::{Core, Shared};
use super::driver::Driver;
use crate::cli::Arguments;
use crate::platform::elevate::Error;
use crate::texts::Language;
use crate::view::{Elevate, Hand};

/// How far it is.
#[derive(Debug, Default)]
pub(super) struct Elevation {
    /// True if this program can be started with more rights than it has.
    pub(super) possible: bool,
    step: Step,
    /// Counts what the system was asked.
    attempt: u32,
    /// The driver is to ask the system.
    due: Option<Language>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Step {
    #[default]
    Rest,
    Asked,
    Waiting,
    Refused,
    Followed,
}

/// What the driver is to ask the system.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Start {
    attempt: u32,
    arguments: Vec<String>,
}

impl Elevation {
    /// The question, if there is one.
    pub(super) fn question(&self) -> Option<Elevate> {
        match self.step {
            Step::Asked => Some(Elevate::Asked),
            Step::Waiting => Some(Elevate::Waiting),
            Step::Refused => Some(Elevate::Refused),
            Step::Rest | Step::Followed => None,
        }
    }

    /// True while the system asks the customer.
    pub(super) fn waits(&self) -> bool {
        self.step == Step::Waiting
    }

    /// True if the program starts anew when this one is closed.
    pub(super) fn followed(&self) -> bool {
        self.step == Step::Followed
    }

    /// Another session: what was asked in the last one is not asked any more.
    pub(super) fn reset(&mut self) {
        (self.step, self.due) = (Step::Rest, None);
    }

    /// What the system is to be asked, once.
    fn poll_start(&mut self) -> Option<Start> {
        let language = self.due.take()?;
        Some(Start {
            attempt: self.attempt,
            arguments: Arguments::of_successor(language),
        })
    }
}

impl Core {
    /// True if the bar has a button for it: while only a person can answer, and the technician controls.
    pub(super) fn elevation_offered(&self) -> bool {
        let wanted = self.guard.rights().control() && self.protected.is_some();
        wanted && self.elevation.possible && self.elevation.step == Step::Rest
    }

    /// Asks the customer. Control is off until the answer.
    pub(super) fn ask_elevation(&mut self, now: Instant) -> Result<(), Denied> {
        if !self.elevation_offered() {
            return Err(Denied::NotNow);
        }
        self.guard.ask_end(now)?;
        self.elevation.step = Step::Asked;
        Ok(())
    }

    /// The customer's own yes: the system is asked.
    pub(super) fn elevate(&mut self, _hand: Hand, language: Language) -> Result<(), Denied> {
        if self.elevation.step != Step::Asked || self.guard.question() != Some(Question::End) {
            return Err(Denied::NotNow);
        }
        self.elevation.step = Step::Waiting;
        self.elevation.attempt += 1;
        self.elevation.due = Some(language);
        Ok(())
    }

    /// The customer goes on. Not while the system asks: its answer may be on the way.
    pub(super) fn go_on(&mut self, now: Instant, hand: Hand) -> Result<(), Denied> {
        if self.elevation.waits() && self.guard.question() == Some(Question::End) {
            return Err(Denied::NotNow);
        }
        self.guard.go_on(now, hand.into_act())
    }

    /// The customer asks to end while the question about the end is open: it is this one's, or is taken for one.
    pub(super) fn end_instead(&mut self, now: Instant) -> Result<(), Denied> {
        match self.elevation.step {
            Step::Asked | Step::Refused => self.elevation.step = Step::Rest,
            Step::Waiting => self.guard.handle_end(now, End::Customer),
            Step::Rest | Step::Followed => return Err(Denied::Question),
        }
        Ok(())
    }

    /// A question that was answered, or has given way to another, is none.
    pub(super) fn follow_question(&mut self) {
        let asks = matches!(self.elevation.step, Step::Asked | Step::Refused);
        if asks && self.guard.question() != Some(Question::End) {
            self.elevation.step = Step::Rest;
        }
    }

    /// The system has answered: with a yes this session is over.
    fn handle_answer(&mut self, now: Instant, attempt: u32, answer: Answer) {
        if self.elevation.attempt != attempt || !self.elevation.waits() {
            return;
        }
        match answer {
            Answer::Yes => {
                self.elevation.step = Step::Followed;
                self.guard.handle_end(now, End::Customer);
            }
            Answer::No => self.elevation.step = Step::Refused,
        }
    }

    /// The successor is gone before it had its turn.
    fn handle_gone(&mut self, attempt: u32) {
        if self.elevation.attempt == attempt && self.elevation.followed() {
            self.elevation.step = Step::Rest;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
}

impl Driver {
    /// Asks the system, if the customer said yes. Its answer may take minutes.
    pub(super) fn start_successor(&self) {
        let Some(start) = self.shared.lock().elevation.poll_start() else {
            return;
        };
        let Some(restart) = self.restart.clone() else {
            return answer(&self.shared, start.attempt, Answer::No);
        };
        let (shared, window, attempt) = (self.shared.clone(), self.window, start.attempt);
        // Nobody waits for this thread: the system may not answer before the program ends.
        let asking = move || {
            let successor = match restart.start(window, &start.arguments) {
                Ok(successor) => successor,
                Err(error) => {
                    log(&error);
                    return answer(&shared, attempt, Answer::No);
                }
            };
            answer(&shared, attempt, Answer::Yes);
            successor.wait();
            shared.change(|core| core.handle_gone(attempt));
        };
        let thread = std::thread::Builder::new().name("elevate".to_owned());
        if let Err(error) = thread.spawn(asking) {
            log(&error.into());
            answer(&self.shared, attempt, Answer::No);
        }
    }
}

fn answer(shared: &Shared, attempt: u32, answer: Answer) {
    shared.change(|core| core.handle_answer(Instant::now(), attempt, answer));
}

fn log(error: &Error) {
    tracing::info!(
        error = error as &dyn std::error::Error,
        "no start with administrator rights"
    );
}
