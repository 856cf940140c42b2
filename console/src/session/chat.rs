//! The chat with the customer, as the console keeps it: in memory, to the session's end.
//!
//! A line that nothing is known of is sent again in each new epoch; what the customer writes is shown and answered at
//! once. Not here: numbers, repetition, bounds ([`fernsicht_protocol::chat`]), and how it looks.

use std::collections::VecDeque;
use std::sync::Arc;

use fernsicht_protocol::chat::{Fate, Inbox, Outbox};
use fernsicht_protocol::content::{self, ConsoleNotice};
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::wire::Wire;

use super::core::Output;
use super::paired::Paired;
use crate::view::{Line, Talk, Writer};

/// Lines that are kept.
const KEPT: usize = 200;

/// Both ends' lines.
#[derive(Debug, Default)]
pub(super) struct Chat {
    inbox: Inbox,
    outbox: Outbox,
    lines: Arc<Vec<Line>>,
    /// How many of the customer's lines have come.
    came: u32,
    /// The time, in seconds since 1970 UTC.
    pub(super) unix_s: u64,
}

impl Chat {
    /// Nothing was said yet.
    pub(super) fn new(unix_s: u64) -> Self {
        Self {
            unix_s,
            ..Self::default()
        }
    }

    /// What the window shows of it.
    pub(super) fn view(&self) -> Talk {
        Talk {
            lines: Arc::clone(&self.lines),
            came: self.came,
            full: self.outbox.full(),
        }
    }

    fn add(&mut self, writer: Writer, text: String, fate: Fate) {
        let at = self.unix_s;
        let lines = Arc::make_mut(&mut self.lines);
        if lines.len() >= KEPT {
            lines.remove(0);
        }
        lines.push(Line {
            writer,
            text,
            fate,
            at,
        });
    }
}

impl Paired {
    /// The customer writes or answers.
    pub(super) fn handle_chat(&mut self, chat: &content::Chat, out: &mut VecDeque<Output>) {
        match chat {
            content::Chat::Line { number, text } => {
                self.chat.inbox.handle_line(*number, text.as_str());
                while let Some(text) = self.chat.inbox.poll_line() {
                    self.chat.came = self.chat.came.saturating_add(1);
                    self.chat.add(Writer::Customer, text, Fate::Shown);
                }
                while let Some(answer) = self.chat.inbox.poll_answer() {
                    self.say(answer, out);
                }
            }
            content::Chat::Shown { .. } | content::Chat::Refused { .. } => {
                let Chat { outbox, lines, .. } = &mut self.chat;
                outbox.handle_answer(chat, |number, fate| {
                    let own = Writer::Technician { number };
                    let lines = Arc::make_mut(lines);
                    if let Some(line) = lines.iter_mut().find(|line| line.writer == own) {
                        line.fate = fate;
                    }
                });
            }
        }
    }

    /// The technician writes. Only once the customer has granted something.
    pub(super) fn write_chat(&mut self, text: &str, out: &mut VecDeque<Output>) {
        if !self.begun {
            return;
        }
        let Some((number, chat)) = self.chat.outbox.write(text) else {
            return;
        };
        if let content::Chat::Line { text, .. } = &chat {
            let (writer, text) = (Writer::Technician { number }, text.as_str().to_owned());
            self.chat.add(writer, text, Fate::Open);
        }
        self.say(chat, out);
    }

    /// An epoch has begun: what an earlier one may have taken along is said again.
    pub(super) fn repeat_chat(&mut self, out: &mut VecDeque<Output>) {
        let again: Vec<content::Chat> = self.chat.outbox.again().collect();
        for chat in again {
            self.say(chat, out);
        }
    }

    fn say(&mut self, chat: content::Chat, out: &mut VecDeque<Output>) {
        let content = ConsoleNotice::Chat { chat }.to_bytes();
        let grant = self.mirror.grant();
        out.extend(self.seal(Class::Notices, grant, &content));
    }
}
