//! The chat with the technician, as the agent keeps it: in memory, to the session's end.
//!
//! ```text
//! notice ─► Inbox: waits ─► a line each PACE, while nothing else is asked ─► the bar's page, answer
//! page ─► Outbox ─► notice; again in each new epoch until it is answered
//! ```
//!
//! A chat gives no rights and needs none: it goes on while sight is off. Not here: numbers, repetition, bounds
//! ([`fernsicht_protocol::chat`]), and how it looks.

use std::time::{Duration, Instant};

use fernsicht_protocol::chat::{Fate, Inbox, Outbox};
use fernsicht_protocol::content::{self, AgentNotice};

use super::core::Core;
use super::publish;
use crate::view::{self, Line, Writer};

/// Between two lines of the technician's that are shown.
const PACE: Duration = Duration::from_millis(500);

/// Lines that are kept.
const KEPT: usize = 50;

/// Both ends' lines.
#[derive(Debug, Default)]
pub(super) struct Chat {
    inbox: Inbox,
    outbox: Outbox,
    page: view::Chat,
    /// Nothing is shown or answered before.
    next: Option<Instant>,
}

impl Chat {
    /// What the page shows of it.
    pub(super) fn page(&self) -> view::Chat {
        let mut page = self.page.clone();
        page.full = self.outbox.full();
        page
    }

    fn add(&mut self, line: Line) {
        let lines = self.page.change();
        if lines.len() >= KEPT {
            lines.remove(0);
        }
        lines.push(line);
    }
}

impl Core {
    /// The technician writes or answers.
    pub(super) fn handle_chat(&mut self, now: Instant, chat: &content::Chat) {
        match chat {
            content::Chat::Line { number, text } => {
                self.chat.inbox.handle_line(*number, text.as_str());
                self.handle_chat_timeout(now);
            }
            content::Chat::Shown { .. } | content::Chat::Refused { .. } => {
                let Chat { outbox, page, .. } = &mut self.chat;
                outbox.handle_answer(chat, |number, fate| {
                    let own = Writer::Customer { number };
                    if let Some(line) = page.change().iter_mut().find(|line| line.writer == own) {
                        line.fate = fate;
                    }
                });
            }
        }
    }

    /// The customer writes a line. It may be that it is sent in the next epoch only.
    pub(super) fn write_chat(&mut self, text: &str) {
        let Some((number, chat)) = self.chat.outbox.write(text) else {
            return;
        };
        if let content::Chat::Line { text, .. } = &chat {
            self.chat.add(Line {
                writer: Writer::Customer { number },
                text: text.as_str().to_owned(),
                fate: Fate::Open,
            });
        }
        self.notice(&AgentNotice::Chat { chat });
    }

    /// An epoch has begun: what an earlier one may have taken along is said again.
    pub(super) fn repeat_chat(&mut self) {
        let again: Vec<content::Chat> = self.chat.outbox.again().collect();
        for chat in again {
            self.notice(&AgentNotice::Chat { chat });
        }
    }

    /// When [`Self::handle_chat_timeout`] has something to do.
    pub(super) fn chat_due(&self, now: Instant) -> Option<Instant> {
        let Chat { inbox, next, .. } = &self.chat;
        let due = inbox.owes() || inbox.waits() && publish::talks(self, now);
        due.then(|| next.unwrap_or(now))
    }

    /// Shows the next line, and gives the answers that are due.
    pub(super) fn handle_chat_timeout(&mut self, now: Instant) {
        if self.chat.next.is_some_and(|next| next > now) || self.chat_due(now).is_none() {
            return;
        }
        self.chat.next = Some(now + PACE);
        if publish::talks(self, now)
            && let Some(text) = self.chat.inbox.poll_line()
        {
            self.chat.page.came += 1;
            self.chat.add(Line {
                writer: Writer::Technician,
                text,
                fate: Fate::Shown,
            });
        }
        while let Some(chat) = self.chat.inbox.poll_answer() {
            self.notice(&AgentNotice::Chat { chat });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_are_kept() {
        let mut chat = Chat::default();
        for number in 0..KEPT + 5 {
            chat.add(Line {
                writer: Writer::Technician,
                text: number.to_string(),
                fate: Fate::Shown,
            });
        }
        let page = chat.page();
        let lines = page.lines();
        assert_eq!(lines.len(), KEPT);
        assert_eq!(lines[0].text, "5");
    }
}
