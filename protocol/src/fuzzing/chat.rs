//! Lines of strangers, made readable; and both ends of a chat: over a line that loses, read when it pleases, and against
//! writers that keep to nothing.
//!
//! Between honest ends each line is shown once at most and in order, and what a writer is told of it is so. Whoever
//! writes on the other side, what waits, what is owed and what is shown stay bounded.

use std::collections::VecDeque;

use super::Input;
use crate::chat::{Fate, Inbox, LONGEST, OPEN, Outbox, WAITING, readable};
use crate::content::Chat;
use crate::wire::Text;

/// The first byte chooses: a line, two honest ends, or a stranger before each of them.
pub fn run(bytes: &[u8]) {
    let Some((how, rest)) = bytes.split_first() else {
        return;
    };
    match how % 3 {
        0 => line(&String::from_utf8_lossy(rest)),
        1 => Talk::default().run(Input(rest)),
        _ => strangers(Input(rest)),
    }
}

fn line(text: &str) {
    let shown = readable(text);
    assert!(bland(&shown));
    assert_eq!(readable(&shown), shown, "a readable line stays as it is");
    let seen = |text: &str| -> String {
        let seen = text.chars().filter(|c| !unseen(*c) && !c.is_whitespace());
        seen.collect()
    };
    assert!(seen(text).starts_with(&seen(&shown)), "nothing is added");
    if text.chars().count() <= LONGEST {
        assert_eq!(seen(text), seen(&shown), "nothing that is seen is missing");
    }
}

/// One short line that reads as it is written.
fn bland(line: &str) -> bool {
    let one = !line
        .chars()
        .any(|c| unseen(c) || c.is_whitespace() && c != ' ');
    one && line.chars().count() <= LONGEST && line.trim() == line
}

/// Control characters; what Unicode calls default-ignorable; marks of interlinear notes; the empty braille cell.
fn unseen(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c), 0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f
            | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0x2800 | 0x3164 | 0xfe00..=0xfe0f | 0xfeff
            | 0xffa0 | 0xfff0..=0xfffb | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
}

/// A writer and a reader who keep to the protocol.
#[derive(Default)]
struct Talk {
    outbox: Outbox,
    inbox: Inbox,
    there: VecDeque<Chat>,
    back: VecDeque<Chat>,
    /// The lines in their order, and how many of them were shown.
    written: Vec<String>,
    shown: usize,
    /// How many the writer knows to be shown.
    told: usize,
}

impl Talk {
    fn run(mut self, mut input: Input<'_>) {
        while !input.0.is_empty() {
            match input.byte() % 8 {
                0 | 1 => self.write(input.byte()),
                2 | 3 => self.deliver(),
                4 => self.show(),
                5 => self.answer(),
                6 => self.tell(),
                _ => self.lose(),
            }
            self.check();
        }
        // The line holds and everybody reads: nothing stays open.
        self.lose();
        for _ in 0..OPEN {
            self.deliver();
            self.show();
        }
        self.answer();
        while !self.back.is_empty() {
            self.tell();
        }
        self.check();
        assert_eq!(self.told, self.written.len());
    }

    /// Lines that are longer than one may be, too, and such of which nothing is left.
    fn write(&mut self, what: u8) {
        let letter = ["x", "ä", "\u{202e}", " ", "日"][usize::from(what % 5)];
        // Mostly short: executions count.
        let long = if what < 240 { what / 16 } else { what };
        let line = letter.repeat(usize::from(long) * 3);
        let left = readable(&line);
        let possible = !self.outbox.full() && !left.is_empty();
        let written = self.outbox.write(&line);
        assert_eq!(written.is_some(), possible);
        if let Some((number, chat)) = written {
            self.there.push_back(chat);
            self.written.push(left);
            assert_eq!(number as usize, self.written.len());
        }
    }

    fn deliver(&mut self) {
        if let Some(Chat::Line { number, text }) = self.there.pop_front() {
            self.inbox.handle_line(number, text.as_str());
        }
    }

    fn show(&mut self) {
        if let Some(text) = self.inbox.poll_line() {
            assert_eq!(text, self.written[self.shown], "once, and in order");
            self.shown += 1;
        }
    }

    fn answer(&mut self) {
        self.back
            .extend(std::iter::from_fn(|| self.inbox.poll_answer()));
        assert!(!self.inbox.owes());
    }

    fn tell(&mut self) {
        let Some(answer) = self.back.pop_front() else {
            return;
        };
        let (told, shown) = (&mut self.told, self.shown);
        self.outbox.handle_answer(&answer, |number, fate| {
            assert_eq!(fate, Fate::Shown, "who keeps to the bounds is not refused");
            assert!(number as usize <= shown, "what is told is so");
            *told += 1;
        });
    }

    /// What was on its way is lost; in the new epoch everything open is said again, first of all.
    fn lose(&mut self) {
        self.back.clear();
        self.there = self.outbox.again().collect();
    }

    fn check(&self) {
        let open = self.outbox.open();
        let first = self.outbox.again().next().map(|chat| match chat {
            Chat::Line { number, .. } => number as usize,
            Chat::Shown { .. } | Chat::Refused { .. } => panic!("{chat:?} is no line"),
        });
        let full = first.is_some_and(|first| self.written.len() - first == OPEN - 1);
        assert!(open <= OPEN && self.outbox.full() == full);
        assert_eq!(open + self.told, self.written.len());
    }
}

/// Strangers write and answer whatever they like: two bytes each.
fn strangers(mut input: Input<'_>) {
    let (mut outbox, mut inbox) = (Outbox::default(), Inbox::default());
    let mut last = 0;
    while !input.0.is_empty() {
        let (op, at) = (input.byte(), input.byte());
        // The next one, one of the first, one of the last there can be, or one of the newest.
        let number = match op >> 6 {
            0 => last + 1,
            1 => u32::from(at),
            2 => u32::MAX - u32::from(at),
            _ => last.saturating_sub(u32::from(at)),
        };
        match op % 8 {
            0..=3 => {
                let text = ["x", "", "\u{200b}", "Größe"][usize::from(at % 4)];
                inbox.handle_line(number, &text.repeat(usize::from(op >> 3) % 4 + 1));
                last = last.max(number.min(u32::MAX / 2));
            }
            4 | 5 => {
                let line = inbox.poll_line();
                assert!(line.is_none_or(|line| bland(&line) && !line.is_empty()));
                let answers = std::iter::from_fn(|| inbox.poll_answer()).count();
                assert!(answers <= 3 * OPEN, "a flood is answered in few words");
            }
            6 => drop(outbox.write("x")),
            _ => {
                let to = number.saturating_add(u32::from(at));
                let chat = match at % 3 {
                    0 => Chat::Shown { number },
                    1 => Chat::Refused { from: number, to },
                    _ => Chat::Line {
                        number,
                        text: Text::default(),
                    },
                };
                let (before, mut told) = (outbox.open(), 0);
                outbox.handle_answer(&chat, |_, fate| told += usize::from(fate != Fate::Open));
                assert_eq!(outbox.open() + told, before);
            }
        }
        assert!(outbox.open() <= OPEN);
    }
    let lines = std::iter::from_fn(|| inbox.poll_line()).count();
    assert!(
        lines <= WAITING,
        "no more wait than an honest writer has open"
    );
}
