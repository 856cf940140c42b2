//! A text for the clipboard, a file from or to the technician: what the core keeps of it.
//!
//! ```text
//! class 5 ─► Core::handle_transfer ─► question ─ Yes, No ─► jobs ─► the thread of pieces (disk, clipboard)
//!    ▲                                                                 │ what came of them
//!    └──────────── the next message ◄── Core::job_done ◄───────────────┘
//! ```
//!
//! One piece at a time, each by the customer's own word. Messages are checked by the state machines of
//! [`fernsicht_protocol::transfer`]; every step that touches disk or clipboard takes a permit ([`super::pieces`]).
//! What became of a piece goes out as a notice, which is recorded; its content is not.

mod brake;
#[cfg(any(test, feature = "model"))]
pub(super) mod desk;
#[cfg(feature = "model")]
pub(super) mod fuzzing;
mod outcome;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use directories::UserDirs;
use fernsicht_protocol::crypto::{Hash, hash};
use fernsicht_protocol::frame::Direction;
use fernsicht_protocol::guard::{Denied, Question, TransferPermit};
use fernsicht_protocol::transfer::{
    Error, Kind, Message, Outcome, Part, Reason, Receiver, Sender, harmless,
};
use fernsicht_protocol::wire::Text;

use self::brake::{Brake, Subject};
use super::core::Core;
use crate::view::{self, Hand};

/// How much of a text the question shows, in characters.
const PREVIEW: usize = 240;

/// What the core keeps of texts and files.
#[derive(Debug, Default)]
pub(super) struct Transfers {
    /// Counts sessions: the thread of pieces may be late.
    session: u32,
    /// Ids rise: what is not newer was decided before.
    newest: u32,
    current: Option<Piece>,
    /// The last one that is over, to be repeated if the word was lost.
    over: Option<Message>,
    /// The text on the clipboard.
    clip: Option<u32>,
    /// For the thread of pieces, in order.
    pub(super) jobs: VecDeque<Job>,
    /// What the bar says of the last one, until the customer has read it.
    outcome: Option<view::Outcome>,
    /// Where a file that comes would go, unless the customer says another folder.
    folder: PathBuf,
    /// Nobody is asked again before.
    next: Option<Instant>,
    /// What the customer answered so far.
    brake: Brake,
}

/// Between the end of a piece that did not become whole and the next question: so that questions do not flicker.
const PAUSE: Duration = Duration::from_secs(1);

impl Transfers {
    /// Errors: no other piece may begin, for this reason.
    fn free(&self, now: Instant, subject: Subject) -> Result<(), Reason> {
        if self.current.is_some() {
            return Err(Reason::NotNow);
        }
        self.brake.check(now, subject)?;
        match self.next.is_none_or(|next| next <= now) {
            true => Ok(()),
            false => Err(Reason::NotNow),
        }
    }

    /// What a job and its answer bear.
    fn ticket(&self, piece: u32) -> Ticket {
        let session = self.session;
        Ticket { session, piece }
    }

    /// Another session: nothing of this one is left.
    pub(super) fn reset(&mut self) {
        let open = self.current.take().map(|piece| piece.id);
        let clip = self.clip.take();
        let tickets = [open, clip].map(|piece| Some(self.ticket(piece?)));
        *self = Self {
            session: self.session.wrapping_add(1),
            ..Self::default()
        };
        for (ticket, work) in tickets.into_iter().zip([Work::Discard, Work::Unclip]) {
            if let Some(ticket) = ticket {
                self.jobs.push_back(Job { ticket, work });
            }
        }
    }
}

/// Whose job it is. Pieces of two sessions may have one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    session: u32,
    piece: u32,
}

/// What the thread of pieces does for one of them.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) ticket: Ticket,
    pub(super) work: Work,
}

#[derive(Debug)]
pub(super) enum Work {
    /// Looks at a file that the customer names, and keeps it open.
    Open(PathBuf),
    /// Makes the temporary file.
    Create {
        folder: PathBuf,
        name: String,
        size: u64,
    },
    Write(Vec<u8>),
    /// Compares, and brings it to the disk.
    Check(Hash),
    /// Gives it its name.
    Place,
    Read(Part),
    /// The hash of all that was read.
    Sum,
    Clip(String),
    /// Closes what is open for this piece and removes what is not whole.
    Discard,
    /// Takes the text off the clipboard.
    Unclip,
}

impl Work {
    /// True if it takes the guard's permit. The others touch nothing of the technician's, or take back.
    pub(super) fn needs_permit(&self) -> bool {
        match self {
            Self::Create { .. }
            | Self::Write(_)
            | Self::Check(_)
            | Self::Place
            | Self::Read(_)
            | Self::Sum
            | Self::Clip(_) => true,
            Self::Open(_) | Self::Discard | Self::Unclip => false,
        }
    }
}

/// What came of a job.
#[derive(Debug)]
pub(super) enum Done {
    Opened { name: String, size: u64 },
    Created,
    Written(usize),
    Checked,
    Placed(PathBuf),
    Read(Part, Vec<u8>),
    Summed(Hash),
    Clipped,
    Failed(Reason),
}

#[derive(Debug)]
struct Piece {
    id: u32,
    kind: Kind,
    name: String,
    size: u64,
    hash: Option<Hash>,
    word: Word,
    way: Way,
}

/// The customer's word on a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// The question was not shown yet.
    Unasked,
    /// It was, and there was no Yes.
    Asked,
    /// "Yes."
    Yes,
}

#[derive(Debug)]
enum Way {
    /// To the customer. A text is gathered here, a file goes to the disk.
    Coming {
        receiver: Receiver,
        text: Vec<u8>,
        placing: bool,
    },
    /// The technician asks for a file, the customer chooses.
    Wanted {
        /// Choices that the disk has not opened yet: only what came of the last one counts, since that is what it has open.
        opening: u32,
        chosen: bool,
        refused: bool,
        /// Counts the choices that were shown: an answer is to one of them.
        choices: u16,
    },
    /// To the technician. One part is read at a time.
    Going { sender: Sender, reading: bool },
}

impl Piece {
    /// How much of it has left for the technician.
    fn sent(&self) -> u64 {
        match &self.way {
            Way::Going { sender, .. } => sender.sent(),
            Way::Coming { .. } | Way::Wanted { .. } => 0,
        }
    }

    fn subject(&self) -> Subject {
        Subject::of(&self.kind, self.direction())
    }

    fn direction(&self) -> Direction {
        match self.way {
            Way::Coming { .. } => Direction::ConsoleToAgent,
            Way::Wanted { .. } | Way::Going { .. } => Direction::AgentToConsole,
        }
    }

    /// What an answer of the customer's is to.
    fn ask(&self) -> u64 {
        let choices = match self.way {
            Way::Wanted { choices, .. } => choices,
            Way::Coming { .. } | Way::Going { .. } => 0,
        };
        u64::from(self.id) << 16 | u64::from(choices)
    }
}

/// What the console says.
impl Core {
    /// A message of class 5. What does not fit ends the piece, not the session.
    pub(super) fn handle_transfer(&mut self, now: Instant, message: Message) {
        let id = message.id();
        let current = self.transfers.current.as_ref().map(|piece| piece.id);
        let handled = match message {
            Message::Offer { kind, size, .. } if current == Some(id) => {
                self.offered_again(&kind, size)
            }
            Message::Ask { .. } if current == Some(id) => self.asked_again(),
            Message::Offer { .. } | Message::Ask { .. } if id <= self.transfers.newest => {
                self.repeat_last(id);
                Ok(())
            }
            Message::Offer {
                kind, name, size, ..
            } => {
                self.transfers.newest = id;
                self.offered(now, id, kind, name.as_str(), size);
                Ok(())
            }
            Message::Ask { .. } => {
                self.transfers.newest = id;
                self.asked(now, id);
                Ok(())
            }
            // Of a piece that is over: it was on its way.
            _ if current != Some(id) => Ok(()),
            Message::Chunk { offset, bytes, .. } => self.chunk(now, offset, bytes.0),
            Message::Done { hash, .. } => self.all_sent(now, hash),
            Message::Accept { from, .. } => self.with_sender(|s| s.handle_accept(from)),
            Message::Received { to, .. } => self.with_sender(|s| s.handle_received(to)),
            Message::Finished { .. } => {
                let finished = self.with_sender(|s| s.handle_finished());
                if finished.is_ok() {
                    self.complete(now, None);
                }
                finished
            }
            Message::Cancel { reason, .. } => {
                self.end_piece(now, reason.of_console());
                Ok(())
            }
        };
        if let Err(error) = handled {
            tracing::warn!(%error, piece = id, "the other side does not keep to the protocol of pieces");
            self.fail_piece(now, id, Reason::Fault);
        }
    }

    fn offered(&mut self, now: Instant, id: u32, kind: Kind, name: &str, size: u64) {
        let subject = Subject::of(&kind, Direction::ConsoleToAgent);
        if let Err(reason) = self.transfers.free(now, subject) {
            return self.decline(id, reason);
        }
        let possible = self.guard.transfer_possible().is_ok();
        let receiver = match Receiver::new(id, kind.clone(), size) {
            Ok(receiver) if possible && (kind == Kind::File || size > 0) => receiver,
            Ok(_) | Err(_) => return self.decline(id, Reason::NotNow),
        };
        let name = match kind {
            Kind::File => harmless(name),
            Kind::Text => String::new(),
        };
        let asked = match kind {
            Kind::File => self.guard.ask_transfer(now, id),
            // Shown when it is whole.
            Kind::Text => Ok(()),
        };
        if asked.is_err() {
            return self.decline(id, Reason::NotNow);
        }
        self.transfers.outcome = None;
        self.transfers.folder = downloads();
        self.transfers.current = Some(Piece {
            id,
            kind: kind.clone(),
            name,
            size,
            hash: None,
            word: match kind {
                Kind::File => Word::Asked,
                Kind::Text => Word::Unasked,
            },
            way: Way::Coming {
                receiver,
                text: Vec::new(),
                placing: false,
            },
        });
        if kind == Kind::Text {
            self.accept_coming();
        }
    }

    fn asked(&mut self, now: Instant, id: u32) {
        if let Err(reason) = self.transfers.free(now, Subject::FileAway) {
            return self.decline(id, reason);
        }
        if self.guard.ask_transfer(now, id).is_err() {
            return self.decline(id, Reason::NotNow);
        }
        self.transfers.outcome = None;
        self.transfers.current = Some(Piece {
            id,
            kind: Kind::File,
            name: String::new(),
            size: 0,
            hash: None,
            word: Word::Asked,
            way: Way::Wanted {
                opening: 0,
                chosen: false,
                refused: false,
                choices: 0,
            },
        });
    }

    /// Nobody is asked.
    fn decline(&mut self, id: u32, reason: Reason) {
        let cancel = Message::Cancel { id, reason };
        self.say(&cancel);
        self.transfers.over = Some(cancel);
    }

    fn repeat_last(&mut self, id: u32) {
        let last = self.transfers.over.clone().filter(|last| last.id() == id);
        let reason = Reason::Fault;
        self.say(&last.unwrap_or(Message::Cancel { id, reason }));
    }

    fn offered_again(&mut self, kind: &Kind, size: u64) -> Result<(), Error> {
        let Some(Piece {
            way: Way::Coming { receiver, .. },
            ..
        }) = &mut self.transfers.current
        else {
            return Err(Error::Turn);
        };
        if let Some(accept) = receiver.handle_offer(kind, size)? {
            self.say(&accept);
        }
        Ok(())
    }

    fn asked_again(&self) -> Result<(), Error> {
        match &self.transfers.current {
            // Asked still; or offered meanwhile, which the new epoch has repeated already.
            Some(Piece {
                way: Way::Wanted { .. } | Way::Going { .. },
                ..
            }) => Ok(()),
            Some(_) | None => Err(Error::Turn),
        }
    }

    fn accept_coming(&mut self) {
        if let Some(Piece {
            way: Way::Coming { receiver, .. },
            ..
        }) = &mut self.transfers.current
        {
            let accept = receiver.accept();
            self.say(&accept);
        }
    }

    fn chunk(&mut self, now: Instant, offset: u64, bytes: Vec<u8>) -> Result<(), Error> {
        let Some(Piece {
            id,
            kind,
            way: Way::Coming { receiver, text, .. },
            ..
        }) = &mut self.transfers.current
        else {
            return Err(Error::Turn);
        };
        let id = *id;
        if *kind == Kind::Text {
            receiver.handle_chunk(offset, bytes.len())?;
            text.extend_from_slice(&bytes);
            let told = receiver.handle_written(bytes.len());
            if let Some(told) = told {
                self.say(&told);
            }
            return Ok(());
        }
        // Without a permit it pauses: the next epoch begins where this end stands.
        if self.guard.transfer_permit(now, id).is_none() {
            return match self.guard.transfer_allowed(id) {
                true => Ok(()),
                false => Err(Error::Turn),
            };
        }
        receiver.handle_chunk(offset, bytes.len())?;
        self.push(id, Work::Write(bytes));
        Ok(())
    }

    fn all_sent(&mut self, now: Instant, stated: Hash) -> Result<(), Error> {
        let Some(piece) = &mut self.transfers.current else {
            return Err(Error::Turn);
        };
        let Way::Coming { receiver, text, .. } = &mut piece.way else {
            return Err(Error::Turn);
        };
        receiver.handle_done(stated)?;
        if piece.hash.replace(stated).is_some() {
            // Repeated in a new epoch.
            return Ok(());
        }
        let id = piece.id;
        if piece.kind == Kind::File {
            self.place_if_whole();
            return Ok(());
        }
        if hash(text) != stated || std::str::from_utf8(text).is_err() {
            self.fail_piece(now, id, Reason::Mismatch);
            return Ok(());
        }
        if self.guard.ask_transfer(now, id).is_err() {
            self.fail_piece(now, id, Reason::NotNow);
            return Ok(());
        }
        piece.word = Word::Asked;
        Ok(())
    }

    fn with_sender(
        &mut self,
        act: impl FnOnce(&mut Sender) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match &mut self.transfers.current {
            Some(Piece {
                way: Way::Going { sender, .. },
                ..
            }) => act(sender)?,
            Some(_) | None => return Err(Error::Turn),
        }
        self.read_on();
        Ok(())
    }
}

/// What the customer says.
impl Core {
    /// "Yes", to what was shown.
    pub(super) fn allow_piece(
        &mut self,
        now: Instant,
        hand: Hand,
        ask: u64,
        folder: PathBuf,
    ) -> Result<(), Denied> {
        let piece = self.asked_about(ask)?;
        if matches!(piece.way, Way::Wanted { chosen: false, .. }) {
            return Err(Denied::NotNow);
        }
        let id = self.guard.allow_transfer(now, hand.into_act())?;
        self.state_fact(&Outcome::Allowed);
        let Some(piece) = &mut self.transfers.current else {
            return Err(Denied::NotNow);
        };
        piece.word = Word::Yes;
        self.transfers.brake.handle_yes(piece.subject());
        let (name, size) = (piece.name.clone(), piece.size);
        match &mut piece.way {
            Way::Coming { text, .. } if piece.kind == Kind::Text => {
                let text = String::from_utf8(std::mem::take(text)).unwrap_or_default();
                self.push(id, Work::Clip(text));
            }
            Way::Coming { .. } => self.push(id, Work::Create { folder, name, size }),
            Way::Wanted { .. } => {
                let name = Text::new(name).unwrap_or_default();
                let Ok(mut sender) = Sender::new(id, Kind::File, name, size) else {
                    self.fail_piece(now, id, Reason::Unreadable);
                    return Ok(());
                };
                let offer = sender.offer();
                piece.way = Way::Going {
                    sender,
                    reading: false,
                };
                self.say(&offer);
            }
            Way::Going { .. } => {}
        }
        Ok(())
    }

    /// "No."
    pub(super) fn refuse_piece(
        &mut self,
        now: Instant,
        hand: Hand,
        ask: u64,
    ) -> Result<(), Denied> {
        self.asked_about(ask)?;
        self.guard.refuse_transfer(now, hand.into_act())
    }

    /// The customer has changed his mind about a piece that is under way.
    pub(super) fn cancel_piece(&mut self, now: Instant) {
        if let Some(piece) = &self.transfers.current
            && self.guard.transfer_allowed(piece.id)
        {
            self.fail_piece(now, piece.id, Reason::Customer);
        }
    }

    /// The customer names the file that he could send.
    pub(super) fn choose_file(&mut self, path: PathBuf) {
        if let Some(Piece {
            id,
            way:
                Way::Wanted {
                    opening,
                    chosen,
                    refused,
                    ..
                },
            ..
        }) = &mut self.transfers.current
        {
            *opening = opening.saturating_add(1);
            (*chosen, *refused) = (false, false);
            let id = *id;
            self.push(id, Work::Open(path));
        }
    }

    /// The customer has read what became of it.
    pub(super) fn outcome_seen(&mut self) {
        self.transfers.outcome = None;
    }

    /// Permission for one step of a job. None for one of another session.
    pub(super) fn piece_permit(
        &mut self,
        now: Instant,
        ticket: Ticket,
    ) -> Option<TransferPermit<'_>> {
        let own = ticket.session == self.transfers.session;
        own.then(|| self.guard.transfer_permit(now, ticket.piece))?
    }

    /// True if the customer allowed this job's piece and it is not over.
    pub(super) fn piece_allowed(&self, ticket: Ticket) -> bool {
        ticket.session == self.transfers.session && self.guard.transfer_allowed(ticket.piece)
    }

    fn asked_about(&self, ask: u64) -> Result<&Piece, Denied> {
        let piece = self.transfers.current.as_ref().ok_or(Denied::NotNow)?;
        let asked = matches!(self.guard.question(), Some(Question::Transfer { piece: id, .. }) if id == piece.id);
        match asked && piece.ask() == ask {
            true => Ok(piece),
            false => Err(Denied::NotNow),
        }
    }
}

/// Where downloads go on this desktop.
fn downloads() -> PathBuf {
    let user = UserDirs::new();
    let folders = user.iter().flat_map(|user| {
        [
            user.download_dir(),
            user.desktop_dir(),
            Some(user.home_dir()),
        ]
    });
    let usual = folders.flatten().find(|folder| folder.is_dir());
    usual.map_or_else(std::env::temp_dir, PathBuf::from)
}
