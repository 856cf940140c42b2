//! Texts for the customer's clipboard, files either way: the technician's end, decided without I/O.
//!
//! ```text
//! command ─► Offer, Ask ─► the customer decides ─► Accept ─► parts ─► Finished
//!               │ Output::Disk(job) ─► thread ─► handle_disk ─┘
//! ```
//!
//! One piece at a time. A lost link pauses it; Stop, showing or control switched off and the end end it, as at the agent,
//! without a word from there. Whether anything may travel is the agent's and the relay's to say; what is asked for here
//! in vain is refused there.

use std::collections::VecDeque;
use std::path::PathBuf;

use fernsicht_protocol::content::Cause;
use fernsicht_protocol::crypto::hash;
use fernsicht_protocol::frame::{Class, Header};
use fernsicht_protocol::messages::SessionId;
use fernsicht_protocol::transfer::{
    Error, Kind, Message, Part, Reason, Receiver, Sender, ends, harmless,
};
use fernsicht_protocol::wire::{Text, Wire};

use super::core::Output;
use super::disk::{Done, Job, Ticket, Work};
use super::paired::Paired;
use crate::view::{self, Link, Recorder};

/// What the session keeps of texts and files.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    newest: u32,
    current: Option<Piece>,
    /// The last one that is over, to be repeated if the word was lost.
    over: Option<Message>,
    /// What the window says of the last one.
    last: Option<view::Piece>,
}

#[derive(Debug)]
struct Piece {
    id: u32,
    name: String,
    size: u64,
    /// Where a file that comes goes.
    folder: PathBuf,
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// The file is being opened.
    Opening,
    /// To the customer; a text lies here, a file on the disk.
    Going {
        sender: Sender,
        text: Option<Vec<u8>>,
        reading: bool,
    },
    /// The customer was asked for a file.
    Asked,
    /// To here.
    Coming { receiver: Receiver, placing: bool },
}

/// What the technician wants.
impl Paired {
    /// True if a text or a file can be offered or asked for.
    pub(super) fn piece_possible(&self) -> bool {
        let recorder = matches!(self.recorder, Recorder::Fine | Recorder::Back);
        self.recorded.is_some()
            && self.link == Link::Whole
            && self.keys.is_some()
            && self.mirror.rights().view()
            && recorder
            && self.pieces.current.is_none()
    }

    /// Offers a text for the customer's clipboard.
    pub(super) fn offer_text(&mut self, text: String, out: &mut VecDeque<Output>) {
        let size = text.len() as u64;
        if !self.piece_possible() || text.is_empty() {
            return;
        }
        let id = self.next_piece();
        let sender = Sender::new(id, Kind::Text, Text::default(), size);
        let Ok(mut sender) = sender else {
            return;
        };
        let offer = sender.offer();
        let way = Way::Going {
            sender,
            text: Some(text.into_bytes()),
            reading: false,
        };
        self.begin(id, String::new(), size, PathBuf::new(), way);
        self.tell(&offer, out);
    }

    /// Offers a file: it is opened first.
    pub(super) fn offer_file(&mut self, path: PathBuf, out: &mut VecDeque<Output>) {
        if !self.piece_possible() {
            return;
        }
        let id = self.next_piece();
        let name = path.file_name().map(|name| name.to_string_lossy());
        let name = harmless(&name.unwrap_or_default());
        self.begin(id, name, 0, PathBuf::new(), Way::Opening);
        disk(self.session, id, Work::Open(path), out);
    }

    /// Asks the customer for a file, which goes into this folder.
    pub(super) fn ask_file(&mut self, folder: PathBuf, out: &mut VecDeque<Output>) {
        if !self.piece_possible() {
            return;
        }
        let id = self.next_piece();
        self.begin(id, String::new(), 0, folder, Way::Asked);
        self.tell(&Message::Ask { id }, out);
    }

    /// The technician gives it up.
    pub(super) fn cancel_piece(&mut self, out: &mut VecDeque<Output>) {
        self.fail_piece(Reason::Technician, out);
    }

    fn next_piece(&mut self) -> u32 {
        self.pieces.newest += 1;
        self.pieces.newest
    }

    fn begin(&mut self, id: u32, name: String, size: u64, folder: PathBuf, way: Way) {
        self.pieces.last = None;
        self.pieces.current = Some(Piece {
            id,
            name,
            size,
            folder,
            way,
        });
    }
}

/// What comes from outside.
impl Paired {
    /// A message of class 5.
    pub(super) fn handle_piece(&mut self, message: Message, out: &mut VecDeque<Output>) {
        let id = message.id();
        let Some(piece) = self.pieces.current.as_mut().filter(|p| p.id == id) else {
            // An offer is repeated until its end is known here, too.
            if let Message::Offer { .. } = message {
                let last = self.pieces.over.clone().filter(|last| last.id() == id);
                let reason = Reason::Fault;
                self.tell(&last.unwrap_or(Message::Cancel { id, reason }), out);
            }
            return;
        };
        let handled = match (message, &mut piece.way) {
            (
                Message::Offer {
                    kind: Kind::File,
                    name,
                    size,
                    ..
                },
                Way::Asked,
            ) => match Receiver::new(id, Kind::File, size) {
                Ok(receiver) => {
                    let name = harmless(name.as_str());
                    let placing = false;
                    piece.way = Way::Coming { receiver, placing };
                    (piece.name, piece.size) = (name.clone(), size);
                    let folder = piece.folder.clone();
                    disk(self.session, id, Work::Create { folder, name, size }, out);
                    Ok(())
                }
                Err(error) => Err(error),
            },
            (Message::Offer { kind, size, .. }, Way::Coming { receiver, .. }) => {
                match receiver.handle_offer(&kind, size) {
                    Ok(accept) => {
                        if let Some(accept) = accept {
                            self.tell(&accept, out);
                        }
                        Ok(())
                    }
                    Err(error) => Err(error),
                }
            }
            (Message::Chunk { offset, bytes, .. }, Way::Coming { receiver, .. }) => {
                let taken = receiver.handle_chunk(offset, bytes.0.len());
                if taken.is_ok() {
                    disk(self.session, id, Work::Write(bytes.0), out);
                }
                taken
            }
            (Message::Done { hash, .. }, Way::Coming { receiver, .. }) => {
                let taken = receiver.handle_done(hash);
                if taken.is_ok() {
                    self.place_if_whole(out);
                }
                taken
            }
            (Message::Accept { from, .. }, Way::Going { sender, .. }) => sender.handle_accept(from),
            (Message::Received { to, .. }, Way::Going { sender, .. }) => sender.handle_received(to),
            (Message::Finished { .. }, Way::Going { sender, .. }) => {
                let finished = sender.handle_finished();
                if finished.is_ok() {
                    self.complete(None, out);
                }
                finished
            }
            (Message::Cancel { reason, .. }, _) => {
                self.end_piece(reason, out);
                Ok(())
            }
            (_, _) => Err(Error::Turn),
        };
        match handled {
            Ok(()) => self.read_on(out),
            Err(error) => {
                tracing::warn!(%error, "the agent does not keep to the protocol of pieces");
                self.fail_piece(Reason::Fault, out);
            }
        }
    }

    /// Rights have changed: some causes end what is under way, and a new epoch says again what may be lost.
    pub(super) fn piece_rights(&mut self, header: &Header, out: &mut VecDeque<Output>) {
        if ends(&self.cause, header.rights) {
            self.end_piece(Reason::Stopped, out);
        } else if self.cause == Cause::Epoch {
            self.resume_piece(out);
        }
    }

    fn resume_piece(&mut self, out: &mut VecDeque<Output>) {
        let again = match &mut self.pieces.current {
            Some(piece) => match &mut piece.way {
                Way::Going { sender, .. } => Some(sender.offer()),
                Way::Asked => Some(Message::Ask { id: piece.id }),
                // The agent repeats its offer.
                Way::Coming { .. } | Way::Opening => None,
            },
            None => self.pieces.over.clone(),
        };
        if let Some(again) = again {
            self.tell(&again, out);
        }
    }

    /// What came of a job on the disk. An answer to another session's is none of this one's.
    pub(super) fn handle_disk(&mut self, ticket: Ticket, done: Done, out: &mut VecDeque<Output>) {
        if ticket.session != self.session {
            return;
        }
        let id = ticket.piece;
        let Some(piece) = self.pieces.current.as_mut().filter(|p| p.id == id) else {
            return;
        };
        match (done, &mut piece.way) {
            (Done::Opened { size }, Way::Opening) => {
                let name = Text::new(piece.name.as_str()).unwrap_or_default();
                let Ok(mut sender) = Sender::new(id, Kind::File, name, size) else {
                    return self.end_piece(Reason::Unreadable, out);
                };
                piece.size = size;
                let offer = sender.offer();
                piece.way = Way::Going {
                    sender,
                    text: None,
                    reading: false,
                };
                self.tell(&offer, out);
            }
            (Done::Created, Way::Coming { receiver, .. }) => {
                let accept = receiver.accept();
                self.tell(&accept, out);
            }
            (Done::Written(length), Way::Coming { receiver, .. }) => {
                if let Some(told) = receiver.handle_written(length) {
                    self.tell(&told, out);
                }
                self.place_if_whole(out);
            }
            (Done::Placed(path), Way::Coming { .. }) => {
                self.tell(&Message::Finished { id }, out);
                self.complete(Some(path), out);
            }
            (
                Done::Read(part, bytes),
                Way::Going {
                    sender, reading, ..
                },
            ) => {
                *reading = false;
                if let Some(chunk) = sender.handle_read(part.offset, bytes) {
                    self.tell(&chunk, out);
                }
                self.read_on(out);
            }
            (
                Done::Summed(sum),
                Way::Going {
                    sender, reading, ..
                },
            ) => {
                *reading = false;
                if let Some(done) = sender.handle_hash(sum) {
                    self.tell(&done, out);
                }
            }
            (Done::Failed(reason), Way::Opening) => self.end_piece(reason, out),
            (Done::Failed(reason), _) => self.fail_piece(reason, out),
            (_, _) => self.fail_piece(Reason::Fault, out),
        }
    }

    fn place_if_whole(&mut self, out: &mut VecDeque<Output>) {
        if let Some(piece) = &mut self.pieces.current
            && let Way::Coming { receiver, placing } = &mut piece.way
            && let Some(stated) = receiver.complete()
            && !std::mem::replace(placing, true)
        {
            disk(self.session, piece.id, Work::Place(stated), out);
        }
    }

    /// Sends on, as far as the window is open.
    fn read_on(&mut self, out: &mut VecDeque<Output>) {
        loop {
            let Some(piece) = &mut self.pieces.current else {
                return;
            };
            let Way::Going {
                sender,
                text,
                reading,
            } = &mut piece.way
            else {
                return;
            };
            let part = sender.poll_part();
            if part.is_none() && !sender.exhausted() {
                return;
            }
            let Some(text) = text else {
                if !std::mem::replace(reading, true) {
                    disk(
                        self.session,
                        piece.id,
                        part.map_or(Work::Sum, Work::Read),
                        out,
                    );
                }
                return;
            };
            let next = match part {
                Some(Part { offset, length }) => {
                    let bytes = text.get(offset as usize..offset as usize + length);
                    sender.handle_read(offset, bytes.unwrap_or_default().to_vec())
                }
                None => sender.handle_hash(hash(text)),
            };
            let Some(next) = next else { return };
            self.tell(&next, out);
        }
    }

    fn complete(&mut self, path: Option<PathBuf>, out: &mut VecDeque<Output>) {
        let Some(piece) = self.pieces.current.take() else {
            return;
        };
        let state = match (path, &piece.way) {
            (Some(path), _) => view::PieceState::Received(path),
            (None, _) => view::PieceState::Delivered,
        };
        self.pieces.over = Some(Message::Finished { id: piece.id });
        self.pieces.last = Some(piece.shown(state));
        disk(self.session, piece.id, Work::Discard, out);
    }

    fn fail_piece(&mut self, reason: Reason, out: &mut VecDeque<Output>) {
        let Some(piece) = &self.pieces.current else {
            return;
        };
        let cancel = Message::Cancel {
            id: piece.id,
            reason: reason.clone(),
        };
        self.tell(&cancel, out);
        self.end_piece(reason, out);
    }

    /// Over and not whole.
    pub(super) fn end_piece(&mut self, reason: Reason, out: &mut VecDeque<Output>) {
        let Some(piece) = self.pieces.current.take() else {
            return;
        };
        let id = piece.id;
        self.pieces.last = Some(piece.shown(view::PieceState::Ended(reason.clone())));
        self.pieces.over = Some(Message::Cancel { id, reason });
        disk(self.session, id, Work::Discard, out);
    }

    fn tell(&mut self, message: &Message, out: &mut VecDeque<Output>) {
        let grant = self.mirror.grant();
        out.extend(self.seal(Class::Transfer, grant, &message.to_bytes()));
    }

    /// What the window shows of it.
    pub(super) fn piece_shown(&self) -> Option<view::Piece> {
        let Some(piece) = &self.pieces.current else {
            return self.pieces.last.clone();
        };
        let running = |done: u64| {
            // In hundredths: the window is not drawn anew for each part.
            let percent = done.saturating_mul(100).checked_div(piece.size);
            let percent = u8::try_from(percent.unwrap_or(0)).unwrap_or(100);
            view::PieceState::Running { percent }
        };
        Some(piece.shown(match &piece.way {
            Way::Going { sender, .. } if sender.accepted() => running(sender.written()),
            Way::Coming { receiver, .. } => running(receiver.written()),
            Way::Opening | Way::Asked | Way::Going { .. } => view::PieceState::Waiting,
        }))
    }
}

impl Piece {
    fn shown(&self, state: view::PieceState) -> view::Piece {
        view::Piece {
            name: self.name.clone(),
            size: self.size,
            to_customer: matches!(self.way, Way::Going { .. } | Way::Opening),
            state,
            speed: None,
        }
    }
}

fn disk(session: SessionId, piece: u32, work: Work, out: &mut VecDeque<Output>) {
    let ticket = Ticket { session, piece };
    out.push_back(Output::Disk(Job { ticket, work }));
}
