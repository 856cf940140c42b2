//! What technician and customer wrote to each other, from both ends' notices.
//!
//! A line that was said again after a loss counts once. Whether it could be read the other end says.

use fernsicht_protocol::chat::{Fate, readable};
use fernsicht_protocol::content::Chat;
use fernsicht_protocol::frame::Direction;

use super::Time;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// When the relay had it first.
    pub time: Time,
    /// Where it went: towards the agent the technician's, towards the console the customer's.
    pub direction: Direction,
    /// One line that reads as it is written.
    pub text: String,
    /// What became of it, by the other end's word.
    pub fate: Fate,
    number: u32,
}

#[cfg(test)]
impl Said {
    /// A line of the technician's that the customer could read.
    pub(in crate::audit) fn sample(time: Time, text: String) -> Self {
        Self {
            time,
            direction: Direction::ConsoleToAgent,
            text,
            fate: Fate::Shown,
            number: 0,
        }
    }
}

/// Takes both ends' words in the order of the recording.
#[derive(Debug, Default)]
pub(super) struct Talk {
    /// The greatest number that each end has used.
    last: [u32; 2],
}

impl Talk {
    /// A word of the end that `direction` begins at.
    pub(super) fn handle(
        &mut self,
        said: &mut Vec<Said>,
        (direction, time): (Direction, Time),
        chat: &Chat,
    ) {
        let (range, fate) = match chat {
            Chat::Line { number, text } => {
                let last = &mut self.last[direction as usize];
                if *number > *last {
                    *last = *number;
                    said.push(Said {
                        time,
                        direction,
                        text: readable(text.as_str()),
                        fate: Fate::Open,
                        number: *number,
                    });
                }
                return;
            }
            Chat::Shown { number } => (*number..=*number, Fate::Shown),
            Chat::Refused { from, to } => (*from..=*to, Fate::Refused),
        };
        let answered = said.iter_mut().rev().take(NEWEST);
        for line in answered.filter(|line| {
            line.direction != direction && line.fate == Fate::Open && range.contains(&line.number)
        }) {
            line.fate = fate;
        }
    }
}

/// A line as the reports' tests have it.
#[cfg(test)]
pub(crate) fn said(time: Time, direction: Direction, text: &str, fate: Fate) -> Said {
    Said {
        time,
        direction,
        text: text.to_owned(),
        fate,
        number: 1,
    }
}

/// Answers come for the newest lines: a recording full of answers is read in no more time than any other.
const NEWEST: usize = 256;
