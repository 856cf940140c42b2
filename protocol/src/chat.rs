//! The chat's lines on their way: numbered, said again after a loss, answered for, and made harmless.
//!
//! ```text
//! Outbox::write ─► Chat::Line ───────────────► Inbox::handle_line ─► waits ─► poll_line: it is shown
//!    ▲  again(): once more in a new epoch                                         │
//!    └── handle_answer ◄── Chat::Shown, Chat::Refused ◄── poll_answer ◄───────────┘
//! ```
//!
//! Either side is bounded whatever the other sends: [`OPEN`] lines from the first without an answer on, [`WAITING`] that wait to be
//! shown. Not here: when a line may be shown, and where.

use std::collections::VecDeque;

use crate::content::Chat;
use crate::wire::Text;

/// Characters of a line.
pub const LONGEST: usize = 500;

/// Lines of one writer that nothing is known of yet.
pub const OPEN: usize = 20;

/// Lines that wait to be shown: as many as an honest writer has open.
pub const WAITING: usize = OPEN;

/// A line as it may be shown: one line of at most [`LONGEST`] characters that reads as it is written. What is not to
/// be seen, or turns the direction of writing around, is taken out. May be empty.
pub fn readable(text: &str) -> String {
    let kept = text.chars().filter_map(|c| match c {
        c if c.is_control() || c.is_whitespace() => Some(' '),
        c if unseen(c) => None,
        c => Some(c),
    });
    let line: String = kept.take(LONGEST).collect();
    line.trim().to_owned()
}

/// Characters without a look of their own: marks of direction, joiners, fillers, selectors, tags.
fn unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Nothing is known yet.
    Open,
    /// The other side can read it.
    Shown,
    /// The other side will not read it.
    Refused,
}

/// What this side writes.
#[derive(Debug, Default)]
pub struct Outbox {
    last: u32,
    open: VecDeque<(u32, Text<2000>)>,
}

impl Outbox {
    /// Lines without an answer.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// True while nothing more can be written: the reader remembers the last [`OPEN`] that it has shown, and no older one may
    /// have to be said again.
    pub fn full(&self) -> bool {
        let first = self.open.front();
        first.is_some_and(|(first, _)| self.last - first >= OPEN as u32 - 1)
    }

    /// Takes a line; returns its number and what to send. None: nothing is left of it, or there is no room.
    pub fn write(&mut self, text: &str) -> Option<(u32, Chat)> {
        let text = Text::new(readable(text)).ok()?;
        if text.as_str().is_empty() || self.full() {
            return None;
        }
        self.last = self.last.checked_add(1)?;
        self.open.push_back((self.last, text.clone()));
        let number = self.last;
        Some((number, Chat::Line { number, text }))
    }

    /// The lines without an answer: what a lost connection may have taken along. Sent once more in a new epoch.
    pub fn again(&self) -> impl Iterator<Item = Chat> + '_ {
        self.open.iter().map(|(number, text)| Chat::Line {
            number: *number,
            text: text.clone(),
        })
    }

    /// The other side's answer. Calls `tell` for every line that it decides.
    pub fn handle_answer(&mut self, chat: &Chat, mut tell: impl FnMut(u32, Fate)) {
        let (range, fate) = match chat {
            Chat::Line { .. } => return,
            Chat::Shown { number } => (*number..=*number, Fate::Shown),
            Chat::Refused { from, to } => (*from..=*to, Fate::Refused),
        };
        self.open.retain(|(number, _)| {
            let decided = range.contains(number);
            if decided {
                tell(*number, fate);
            }
            !decided
        });
    }
}

/// What the other side writes.
#[derive(Debug, Default)]
pub struct Inbox {
    /// The greatest number that came.
    last: u32,
    waiting: VecDeque<(u32, String)>,
    /// The newest that were shown: a repetition of one is answered like the first time.
    shown: VecDeque<u32>,
    /// Answers that are due.
    again: VecDeque<u32>,
    refused: VecDeque<(u32, u32)>,
}

impl Inbox {
    /// A line has come. One too many is refused; of one that came before only the answer is repeated.
    pub fn handle_line(&mut self, number: u32, text: &str) {
        if number <= self.last {
            if self.waiting.iter().any(|(waiting, _)| *waiting == number) {
                return;
            }
            if !self.shown.contains(&number) {
                return self.refuse(number);
            }
            if !self.again.contains(&number) {
                self.again.push_back(number);
            }
            return;
        }
        self.last = number;
        let text = readable(text);
        if text.is_empty() || self.waiting.len() >= WAITING {
            return self.refuse(number);
        }
        self.waiting.push_back((number, text));
    }

    /// True if a line waits to be shown.
    pub fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// True if an answer is due besides those for lines that wait.
    pub fn owes(&self) -> bool {
        !(self.refused.is_empty() && self.again.is_empty())
    }

    /// The line that is to be shown next: it counts as shown, and the answer is due.
    pub fn poll_line(&mut self) -> Option<String> {
        let (number, text) = self.waiting.pop_front()?;
        if self.shown.len() >= OPEN {
            self.shown.pop_front();
        }
        self.shown.push_back(number);
        self.again.push_back(number);
        Some(text)
    }

    /// The next answer.
    pub fn poll_answer(&mut self) -> Option<Chat> {
        if let Some(number) = self.again.pop_front() {
            return Some(Chat::Shown { number });
        }
        let (from, to) = self.refused.pop_front()?;
        Some(Chat::Refused { from, to })
    }

    /// Refusals are told together: a flood is answered by few words. No line that waits or was shown lies between.
    fn refuse(&mut self, number: u32) {
        if let Some((from, to)) = self.refused.back().copied() {
            let (from, to) = (from.min(number), to.max(number));
            if !self.kept_between(from, to) {
                self.refused.pop_back();
                return self.refused.push_back((from, to));
            }
        }
        if self.refused.len() < OPEN {
            self.refused.push_back((number, number));
        }
    }

    fn kept_between(&self, from: u32, to: u32) -> bool {
        let waiting = self.waiting.iter().map(|(number, _)| number);
        let mut kept = waiting.chain(&self.shown);
        kept.any(|number| (from..=to).contains(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(chat: &Chat) -> (u32, &str) {
        match chat {
            Chat::Line { number, text } => (*number, text.as_str()),
            Chat::Shown { .. } | Chat::Refused { .. } => panic!("{chat:?} is no line"),
        }
    }

    fn answers(inbox: &mut Inbox) -> Vec<Chat> {
        std::iter::from_fn(|| inbox.poll_answer()).collect()
    }

    #[test]
    fn what_turns_or_hides_writing_is_taken_out() {
        let hostile = "\u{202e}NIP\u{202c} a\u{200b}b\u{2066}c\u{feff}\u{e0041}\u{fe0f}\u{2028}d\te\u{1b}[0m  ";
        assert_eq!(readable(hostile), "NIP abc d e [0m");
        assert_eq!(readable(" \u{200d}\u{3164}\n "), "");
        assert_eq!(readable("Grüße, ß — 日本 €").as_str(), "Grüße, ß — 日本 €");
        assert_eq!(readable(&"ä".repeat(1_000)).chars().count(), LONGEST);
    }

    #[test]
    fn a_line_is_answered_for_once_it_is_shown() {
        let (mut outbox, mut inbox) = (Outbox::default(), Inbox::default());
        let (number, chat) = outbox.write(" Guten Tag ").unwrap();
        let (_, text) = line(&chat);
        assert_eq!((number, text), (1, "Guten Tag"));
        inbox.handle_line(number, text);
        assert!(inbox.waits() && answers(&mut inbox).is_empty());
        assert_eq!(inbox.poll_line().as_deref(), Some("Guten Tag"));
        let mut told = Vec::new();
        for answer in answers(&mut inbox) {
            outbox.handle_answer(&answer, |number, fate| told.push((number, fate)));
        }
        assert_eq!(told, [(1, Fate::Shown)]);
        assert_eq!(outbox.open(), 0);
    }

    #[test]
    fn what_a_lost_connection_took_along_is_said_again_and_shown_once() {
        let (mut outbox, mut inbox) = (Outbox::default(), Inbox::default());
        for text in ["eins", "zwei", "drei"] {
            let (number, chat) = outbox.write(text).unwrap();
            // The second is lost with the rest of its epoch.
            if number == 1 {
                inbox.handle_line(number, line(&chat).1);
            }
        }
        inbox.poll_line().unwrap();
        // The answer was lost, too.
        drop(answers(&mut inbox));
        for chat in outbox.again() {
            let (number, text) = line(&chat);
            inbox.handle_line(number, text);
        }
        let shown: Vec<String> = std::iter::from_fn(|| inbox.poll_line()).collect();
        assert_eq!(shown, ["zwei", "drei"]);
        for answer in answers(&mut inbox) {
            outbox.handle_answer(&answer, |_, fate| assert_eq!(fate, Fate::Shown));
        }
        assert_eq!(outbox.open(), 0);
    }

    #[test]
    fn a_flood_is_bounded_and_refused_in_few_words() {
        let mut inbox = Inbox::default();
        for number in 1..=10_000 {
            inbox.handle_line(number, "x");
        }
        assert_eq!(inbox.waiting.len(), WAITING);
        let first = u32::try_from(WAITING).unwrap() + 1;
        let refused = Chat::Refused {
            from: first,
            to: 10_000,
        };
        assert_eq!(answers(&mut inbox), [refused]);
        // What was refused once is refused again, what is shown is not.
        assert_eq!(inbox.poll_line().as_deref(), Some("x"));
        drop(answers(&mut inbox));
        for _ in 0..10_000 {
            inbox.handle_line(9_000, "x");
            inbox.handle_line(1, "x");
        }
        let both = [
            Chat::Shown { number: 1 },
            Chat::Refused {
                from: 9_000,
                to: 9_000,
            },
        ];
        assert_eq!(answers(&mut inbox), both);
    }

    /// An answer that comes late must not be for a line that the reader has forgotten, whatever came in between.
    #[test]
    fn no_line_is_so_old_that_its_reader_has_forgotten_it() {
        let (mut outbox, mut inbox) = (Outbox::default(), Inbox::default());
        for n in 1.. {
            let Some((number, chat)) = outbox.write("x") else {
                break;
            };
            assert_eq!(number, n);
            inbox.handle_line(number, line(&chat).1);
            inbox.poll_line().unwrap();
            // The first one's answer is lost each time, and no other.
            for answer in answers(&mut inbox).iter().skip(usize::from(n == 1)) {
                outbox.handle_answer(answer, |_, fate| assert_eq!(fate, Fate::Shown));
            }
        }
        let again: Vec<Chat> = outbox.again().collect();
        let [chat] = &again[..] else {
            panic!("{again:?}")
        };
        inbox.handle_line(1, line(chat).1);
        assert_eq!(answers(&mut inbox), [Chat::Shown { number: 1 }]);
    }

    #[test]
    fn a_writer_without_answers_waits() {
        let mut outbox = Outbox::default();
        for n in 0..OPEN {
            assert!(!outbox.full(), "{n}");
            outbox.write("x").unwrap();
        }
        assert!(outbox.full() && outbox.write("y").is_none());
        let all = Chat::Refused {
            from: 0,
            to: u32::MAX,
        };
        outbox.handle_answer(&all, |_, fate| assert_eq!(fate, Fate::Refused));
        assert!(outbox.write("y").is_some() && outbox.write("\u{200b}").is_none());
    }
}
