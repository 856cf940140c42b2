//! A text or a file on its way and at its end: what the jobs bring, what the guard takes back, what the bar shows.

use std::path::PathBuf;
use std::time::Instant;

use fernsicht_protocol::content::AgentNotice;
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::guard::Question;
use fernsicht_protocol::transfer::{Kind, Message, Outcome, Reason, preview};
use fernsicht_protocol::wire::{Text, Wire};

use super::{Done, Job, PAUSE, PREVIEW, Piece, Ticket, Way, Word, Work};
use crate::session::core::Core;
use crate::view;

impl Core {
    /// The guard's word that a piece is over.
    pub(in crate::session) fn cancel_transfer(&mut self, now: Instant, id: u32, reason: Reason) {
        if self.transfers.clip == Some(id) {
            self.transfers.clip = None;
            let (ticket, work) = (self.transfers.ticket(id), Work::Unclip);
            self.transfers.jobs.push_front(Job { ticket, work });
        }
        self.fail_piece(now, id, reason);
    }

    /// Rights were taken, and the guard's own pieces with them: one that it does not know yet, a text that is still
    /// arriving, goes as well. The console ends it without a word, too.
    pub(in crate::session) fn end_unasked(&mut self, now: Instant) {
        self.end_piece(now, Reason::Stopped);
    }

    /// A new epoch is open: what may have been lost is said again.
    pub(in crate::session) fn resume_piece(&mut self) {
        let again = match &mut self.transfers.current {
            Some(Piece {
                way: Way::Going { sender, .. },
                ..
            }) => Some(sender.offer()),
            // The console repeats its offer, and is answered.
            Some(_) => None,
            None => self.transfers.over.clone(),
        };
        if let Some(again) = again {
            self.say(&again);
        }
    }

    /// The thread has done its job. An answer to another session's is none of this one's.
    pub(in crate::session) fn job_done(&mut self, now: Instant, ticket: Ticket, done: Done) {
        if ticket.session != self.transfers.session {
            return;
        }
        let id = ticket.piece;
        let Some(piece) = self.transfers.current.as_mut().filter(|p| p.id == id) else {
            return;
        };
        match (done, &mut piece.way) {
            (Done::Opened { .. } | Done::Failed(_), Way::Wanted { opening, .. })
                if *opening > 1 =>
            {
                *opening -= 1;
            }
            (
                Done::Opened { name, size },
                Way::Wanted {
                    opening,
                    chosen,
                    choices,
                    ..
                },
            ) => {
                (*opening, *chosen) = (0, true);
                *choices = choices.wrapping_add(1);
                (piece.name, piece.size) = (name, size);
            }
            (
                Done::Failed(_),
                Way::Wanted {
                    opening, refused, ..
                },
            ) => (*opening, *refused) = (0, true),
            (Done::Created, Way::Coming { .. }) => self.accept_coming(),
            (Done::Written(length), Way::Coming { receiver, .. }) => {
                if let Some(told) = receiver.handle_written(length) {
                    self.say(&told);
                }
                self.place_if_whole();
            }
            (Done::Checked, Way::Coming { .. }) => self.push(id, Work::Place),
            (Done::Placed(path), Way::Coming { .. }) => {
                self.say(&Message::Finished { id });
                self.complete(now, Some(path));
            }
            (Done::Clipped, Way::Coming { .. }) => {
                self.say(&Message::Finished { id });
                if let Some(before) = self.transfers.clip.replace(id) {
                    self.guard.end_transfer(now, before);
                }
                self.complete(now, None);
            }
            (Done::Read(part, bytes), Way::Going { sender, reading }) => {
                *reading = false;
                let may = self.guard.transfer_permit(now, id).is_some();
                let chunk = may
                    .then(|| sender.handle_read(part.offset, bytes))
                    .flatten();
                if let Some(chunk) = chunk {
                    self.say(&chunk);
                }
                self.read_on();
            }
            (Done::Summed(sum), Way::Going { sender, reading }) => {
                *reading = false;
                piece.hash = Some(sum);
                if let Some(done) = sender.handle_hash(sum) {
                    self.say(&done);
                }
            }
            (Done::Failed(reason), _) => self.fail_piece(now, id, reason),
            (_, _) => self.fail_piece(now, id, Reason::Fault),
        }
    }

    pub(super) fn place_if_whole(&mut self) {
        if let Some(Piece {
            id,
            way: Way::Coming {
                receiver, placing, ..
            },
            ..
        }) = &mut self.transfers.current
            && let Some(stated) = receiver.complete()
            && !std::mem::replace(placing, true)
        {
            let id = *id;
            self.push(id, Work::Check(stated));
        }
    }

    /// The next part, if the window is open and none is being read.
    pub(super) fn read_on(&mut self) {
        if let Some(Piece {
            id,
            way: Way::Going { sender, reading },
            ..
        }) = &mut self.transfers.current
            && !*reading
        {
            let work = match sender.poll_part() {
                Some(part) => Work::Read(part),
                None if sender.exhausted() => Work::Sum,
                None => return,
            };
            *reading = true;
            let id = *id;
            self.push(id, work);
        }
    }

    /// It is whole and in place.
    pub(super) fn complete(&mut self, now: Instant, path: Option<PathBuf>) {
        let Some(piece) = &self.transfers.current else {
            return;
        };
        let (id, hash) = (piece.id, piece.hash.unwrap_or_default());
        self.transfers.outcome = Some(match (&piece.way, path) {
            (Way::Coming { .. }, Some(path)) => view::Outcome::Received(path),
            (Way::Coming { .. }, None) => view::Outcome::Clipboard,
            (Way::Wanted { .. } | Way::Going { .. }, _) => view::Outcome::Sent(piece.name.clone()),
        });
        self.state_fact(&Outcome::Complete { hash });
        self.transfers.over = Some(Message::Finished { id });
        self.transfers.current = None;
        self.void_jobs(id);
        if self.transfers.clip != Some(id) {
            self.guard.end_transfer(now, id);
        }
    }

    /// This end ends it: the other one is told.
    pub(super) fn fail_piece(&mut self, now: Instant, id: u32, reason: Reason) {
        if self.transfers.current.as_ref().is_none_or(|p| p.id != id) {
            return;
        }
        let cancel = Message::Cancel {
            id,
            reason: reason.clone(),
        };
        self.say(&cancel);
        self.end_piece(now, reason);
    }

    /// It is over and not whole.
    pub(super) fn end_piece(&mut self, now: Instant, reason: Reason) {
        let Some(piece) = &self.transfers.current else {
            return;
        };
        // As for the guard, time does not run back.
        let now = self.guard.latest().map_or(now, |latest| latest.max(now));
        let (id, sent) = (piece.id, piece.sent());
        let told = match sent {
            0 => view::Outcome::Over(reason.clone()),
            _ => view::Outcome::Partly,
        };
        // What the customer refused himself he need not be told.
        self.transfers.outcome = (reason != Reason::Refused).then_some(told);
        self.transfers.next = Some(now + PAUSE);
        if piece.word == Word::Asked {
            self.transfers.brake.handle_no(now, piece.subject());
        }
        self.state_fact(&Outcome::Ended {
            reason: reason.clone(),
            sent,
        });
        self.transfers.over = Some(Message::Cancel { id, reason });
        self.transfers.current = None;
        self.void_jobs(id);
        self.guard.withdraw_question(now, id);
        self.guard.end_transfer(now, id);
    }

    /// What waits for this piece is void, since nothing is permitted for it any more; what takes back comes first.
    fn void_jobs(&mut self, piece: u32) {
        let (ticket, work) = (self.transfers.ticket(piece), Work::Discard);
        self.transfers.jobs.retain(|job| job.ticket != ticket);
        self.transfers.jobs.push_front(Job { ticket, work });
    }

    pub(super) fn push(&mut self, piece: u32, work: Work) {
        let ticket = self.transfers.ticket(piece);
        self.transfers.jobs.push_back(Job { ticket, work });
    }

    pub(super) fn say(&mut self, message: &Message) {
        self.record(Class::Transfer, &message.to_bytes());
    }

    /// For the recording, which has no content of pieces.
    pub(super) fn state_fact(&mut self, outcome: &Outcome) {
        let Some(piece) = &self.transfers.current else {
            return;
        };
        let notice = AgentNotice::Transfer {
            id: piece.id,
            direction: piece.direction(),
            kind: piece.kind.clone(),
            name: Text::new(piece.name.as_str()).unwrap_or_default(),
            size: piece.size,
            outcome: outcome.clone(),
        };
        self.notice(&notice);
    }

    /// What the bar shows of it.
    pub(in crate::session) fn piece_shown(&self) -> Option<view::Transfer> {
        let transfers = &self.transfers;
        let Some(piece) = &transfers.current else {
            return transfers.outcome.clone().map(view::Transfer::Over);
        };
        let asked = matches!(self.guard.question(), Some(Question::Transfer { piece: id, .. }) if id == piece.id);
        let ask = piece.ask();
        let percent = |done: u64| {
            let percent = done.saturating_mul(100).checked_div(piece.size);
            u8::try_from(percent.unwrap_or(100)).unwrap_or(100)
        };
        match &piece.way {
            Way::Coming { text, .. } if piece.kind == Kind::Text => asked.then(|| {
                let text = String::from_utf8_lossy(text);
                let (start, whole) = preview(&text, PREVIEW);
                let length = text.chars().count();
                view::Transfer::AskText {
                    ask,
                    start,
                    whole,
                    length,
                }
            }),
            Way::Coming { .. } if asked => Some(view::Transfer::AskFile {
                ask,
                folder: transfers.folder.clone(),
                name: piece.name.clone(),
                size: piece.size,
            }),
            Way::Coming { receiver, .. } => Some(view::Transfer::Coming {
                name: piece.name.clone(),
                percent: percent(receiver.written()),
            }),
            Way::Wanted {
                chosen, refused, ..
            } => Some(view::Transfer::AskForFile {
                ask,
                chosen: chosen.then(|| (piece.name.clone(), piece.size)),
                unreadable: *refused,
            }),
            Way::Going { sender, .. } => Some(view::Transfer::Going {
                name: piece.name.clone(),
                percent: percent(sender.written()),
            }),
        }
    }
}
