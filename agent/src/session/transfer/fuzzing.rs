//! Body of the fuzz target `agent`: the session's core before a technician who offers, asks, sends and writes what he
//! likes, with a customer, a disk, a recorder and a line that do what the bytes say.
//!
//! ```text
//! classes 4 and 5 ─┐                    ┌─ jobs ─► a disk and a clipboard that check what they are to do
//! acts, time ──────┼─► Core ────────────┤
//! losses ──────────┘                    └─ pages ─► questions and lines, held against the rules
//! ```
//!
//! Nothing touches disk or clipboard without the customer's yes to what was shown; what arrives is what was sent, within
//! what was offered, and never more than two windows of it wait; who was refused waits. Lines are few, short, paced and
//! readable. Nothing that a technician says here gives rights or ends the session. Not part of the program.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fernsicht_protocol::chat;
use fernsicht_protocol::content;
use fernsicht_protocol::crypto::{Hash, hash};
use fernsicht_protocol::fuzzing::Input;
use fernsicht_protocol::guard::{Phase, Question};
use fernsicht_protocol::messages::RelayToAgent;
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::transfer::{
    CHUNK, Kind, LONGEST_TEXT, Message, Part, Reason, WINDOW, harmless, preview,
};
use fernsicht_protocol::wire::{Blob, Text};

use super::brake::Subject;
use super::desk::Desk;
use super::{Done, Job, PREVIEW, Ticket, Way, Word, Work};
use crate::session::core::Core;
use crate::view::{self, Command, Hand, Writer};

/// Runs the operations that `bytes` spell.
pub fn run(bytes: &[u8]) {
    let mut input = Input(bytes);
    let mut room = Room::new();
    while !input.0.is_empty() {
        let before = room.rights();
        let op = input.byte();
        let asked = room.asked();
        match op % 8 {
            0..=2 => {
                room.technician(op / 8, &mut input);
                assert!(room.rights() <= before, "a technician takes no rights");
            }
            3 => room.chat(op / 8, &mut input),
            4 => room.customer(op / 8, &mut input),
            5 | 6 => room.disk(op / 8),
            _ => room.world(op / 8, &mut input),
        }
        if room.look(|core| core.guard.phase()) == Phase::Ended {
            break;
        }
        room.note_answer(asked);
        room.check();
    }
}

/// What the technician has said of a piece.
#[derive(Default)]
struct Said {
    kind: Option<Kind>,
    size: u64,
    /// By offset, how many bytes; each of them is the piece's number.
    chunks: BTreeMap<u64, BTreeSet<usize>>,
    /// Where the next ones belong.
    next: u64,
    stated: BTreeSet<Hash>,
}

/// What the customer read when he said yes.
#[derive(Clone, PartialEq, Debug)]
enum Read {
    /// A text's beginning, and whether that is all.
    Text(String, bool),
    /// Name and size of a file.
    File(String, u64),
}

/// A file that comes to the disk.
struct Incoming {
    ticket: Ticket,
    size: u64,
    bytes: Vec<u8>,
    same: bool,
}

/// What the customer has answered of one kind: how often not yes in a row, and when last.
type Nos = (usize, Option<Instant>);

/// The core, and what must be true of it.
struct Room {
    desk: Desk,
    newest: u32,
    said: BTreeMap<u32, Said>,
    /// To what the customer said yes.
    yes: BTreeMap<u32, Read>,
    nos: [Nos; 3],
    /// The name of the question that was seen last, to answer it late.
    seen: u64,
    incoming: Option<Incoming>,
    /// The customer's file that is open: whose, and what it is. No two are the same.
    outgoing: Option<(Ticket, Read)>,
    opened: u64,
    /// What the disk has done and not said yet.
    done: Option<(Ticket, Done)>,
    /// The technician's newest line.
    line: u32,
    /// When a line of his was shown last, and how many there were then.
    shown: (Option<Instant>, u32),
}

impl Room {
    fn new() -> Self {
        Self {
            desk: Desk::new(),
            newest: 0,
            said: BTreeMap::new(),
            yes: BTreeMap::new(),
            nos: Default::default(),
            seen: 0,
            incoming: None,
            outgoing: None,
            opened: 0,
            done: None,
            line: 0,
            shown: (None, 0),
        }
    }

    /// Reads without letting anything happen.
    fn look<T>(&self, read: impl FnOnce(&mut Core) -> T) -> T {
        read(&mut self.desk.shared.lock())
    }

    fn rights(&self) -> Rights {
        self.look(|core| core.guard.rights())
    }

    /// The question about a piece that is open.
    fn asked(&self) -> Option<(u32, Subject)> {
        self.look(|core| match core.guard.question() {
            Some(Question::Transfer { piece, .. }) => {
                let current = core.transfers.current.as_ref();
                let current = current.filter(|current| current.id == piece);
                Some((piece, current.expect("it is about the piece").subject()))
            }
            Some(Question::Upgrade | Question::End | Question::StillThere { .. }) | None => None,
        })
    }

    /// Something of class 5.
    fn technician(&mut self, how: u8, input: &mut Input<'_>) {
        let now = self.desk.now;
        let current = self.look(|core| core.transfers.current.as_ref().map(|p| p.id));
        let id = match how % 4 {
            0 | 1 => current.unwrap_or(self.newest),
            2 => self.newest.saturating_add(1),
            _ => u32::from(input.byte() % 8),
        };
        let what = input.byte();
        let said = self.said.entry(id).or_default();
        let message = match what % 8 {
            0 => {
                let size = sized(input.byte());
                let file = what & 8 == 0;
                let kind = if file { Kind::File } else { Kind::Text };
                let names = ["a.txt", "..\\NUL", "/etc/passwd", "\u{202e}x .", ""];
                let name = Text::new(names[usize::from(what >> 4) % names.len()]);
                // The first offer of an id is the one that counts, unless it was asked for.
                if said.kind.is_none() {
                    (said.kind, said.size) = (Some(kind.clone()), size);
                }
                let name = name.expect("short");
                Message::Offer {
                    id,
                    kind,
                    name,
                    size,
                }
            }
            1 => Message::Ask { id },
            2 | 3 => {
                let shape = input.byte();
                let offset = match shape >> 6 {
                    3 => said.next ^ u64::from(shape & 3),
                    _ => said.next,
                };
                let left = said.size.saturating_sub(offset).min(CHUNK as u64) as usize;
                let length = match shape >> 4 & 3 {
                    0 => usize::from(shape & 15),
                    1 => CHUNK,
                    _ => left,
                };
                said.chunks.entry(offset).or_default().insert(length);
                // Without a permit a file pauses.
                let text = said.kind == Some(Kind::Text);
                let taken = text || self.look(|core| core.guard.transfer_permit(now, id).is_some());
                let said = self.said.entry(id).or_default();
                said.next += if taken { length as u64 } else { 0 };
                let bytes = Blob(vec![id as u8; length]);
                Message::Chunk { id, offset, bytes }
            }
            4 => {
                let wrong = what & 64 != 0 || said.size > HASHED;
                let hash = match wrong {
                    true => [what; 32],
                    false => hash(&vec![id as u8; said.size as usize]),
                };
                said.stated.insert(hash);
                Message::Done { id, hash }
            }
            5 => {
                let from = sized(input.byte());
                match what & 8 {
                    0 => Message::Accept { id, from },
                    _ => Message::Received { id, to: from },
                }
            }
            6 => Message::Finished { id },
            _ => Message::Cancel {
                id,
                reason: [Reason::Technician, Reason::Refused, Reason::Fault]
                    [usize::from(what >> 3) % 3]
                    .clone(),
            },
        };
        self.newest = self.newest.max(id);
        self.desk.change(|core| core.handle_transfer(now, message));
        self.goes_on();
    }

    /// Something of the chat.
    fn chat(&mut self, how: u8, input: &mut Input<'_>) {
        let number = match how & 3 {
            0 => u32::from(input.byte()),
            1 => u32::MAX - u32::from(input.byte()),
            _ => self.line.saturating_add(1),
        };
        self.line = self.line.max(number);
        let chat = match how >> 2 & 3 {
            0 | 1 => {
                let letter = ["x", "\u{202e}\u{200b}", " ", "日本"][usize::from(input.byte() & 3)];
                let text = letter.repeat(1 + usize::from(how) * 8);
                let text = Text::new(text).expect("short enough");
                content::Chat::Line { number, text }
            }
            2 => content::Chat::Shown { number },
            _ => content::Chat::Refused {
                from: number,
                to: number.saturating_add(u32::from(input.byte())),
            },
        };
        self.desk
            .change(|core| core.handle_chat(self.desk.now, &chat));
        self.goes_on();
    }

    /// What a technician says here ends no session.
    fn goes_on(&self) {
        let phase = self.look(|core| core.guard.phase());
        assert_ne!(phase, Phase::Ended, "it ends a piece at most");
    }

    fn customer(&mut self, how: u8, input: &mut Input<'_>) {
        let now = self.desk.now;
        let hand = Hand::pressed(now);
        let asked = self.asked();
        let shown = self.look(|core| core.piece_shown());
        let ask = match &shown {
            Some(
                view::Transfer::AskText { ask, .. }
                | view::Transfer::AskFile { ask, .. }
                | view::Transfer::AskForFile { ask, .. },
            ) => Some(*ask),
            Some(
                view::Transfer::Coming { .. }
                | view::Transfer::Going { .. }
                | view::Transfer::Over(_),
            )
            | None => None,
        };
        assert_eq!(ask.is_some(), asked.is_some(), "what is asked is shown");
        let late = how & 16 != 0;
        let answer = if late { self.seen } else { ask.unwrap_or(7) };
        let fits = Some(answer) == ask;
        self.seen = ask.unwrap_or(self.seen);
        let command = match how % 16 {
            0..=3 => {
                let folder = PathBuf::from(FOLDER);
                self.obey(Command::TransferYes(hand, answer, folder));
                let Some((id, _)) = asked else { return };
                if !self.look(|core| core.guard.transfer_allowed(id)) {
                    return;
                }
                assert!(fits, "a yes is to what was shown");
                let read = match shown {
                    Some(view::Transfer::AskText { start, whole, .. }) => Read::Text(start, whole),
                    Some(
                        view::Transfer::AskFile { name, size, .. }
                        | view::Transfer::AskForFile {
                            chosen: Some((name, size)),
                            ..
                        },
                    ) => Read::File(name, size),
                    Some(
                        view::Transfer::AskForFile { chosen: None, .. }
                        | view::Transfer::Coming { .. }
                        | view::Transfer::Going { .. }
                        | view::Transfer::Over(_),
                    )
                    | None => panic!("there was nothing to allow"),
                };
                self.yes.insert(id, read);
                return;
            }
            4 | 5 => Command::TransferNo(hand, answer),
            6 => Command::TransferCancel,
            7 | 8 => Command::TransferFile(PathBuf::from("/home/erika/brief.odt")),
            9 => Command::TransferSeen,
            10 => Command::Write("ja \u{202e}".repeat(usize::from(input.byte()))),
            11 => Command::Stop,
            12 => Command::ViewOff,
            13 => Command::ControlOff,
            14 => Command::AskEnd,
            _ => {
                // Whatever is asked is answered by going on; then everything is allowed again.
                self.obey(Command::GoOn(hand));
                self.desk.change(|core| {
                    let act = || Hand::pressed(now).into_act();
                    core.guard.view_on(now, act()).ok();
                    core.guard.control_on(now, act()).ok();
                });
                return;
            }
        };
        let stops = matches!(
            command,
            Command::Stop | Command::ViewOff | Command::ControlOff
        );
        let before = self.rights();
        self.obey(command);
        if stops {
            let told = self.rights() != before;
            self.look(|core| {
                // A text that nobody was asked about ends where rights go.
                let left = core.transfers.current.as_ref();
                let text = left.is_none_or(|piece| piece.word == Word::Unasked && !told);
                assert!(text, "stop ends every piece");
                let jobs = &core.transfers.jobs;
                assert!(!jobs.iter().any(|job| job.work.needs_permit()));
                assert_eq!(core.transfers.clip, None, "and lets go of the clipboard");
            });
        }
    }

    fn obey(&self, command: Command) {
        self.desk
            .shared
            .handle_command(self.desk.now, Some(command));
    }

    /// The thread of pieces does the next job, or says what came of the one before.
    fn disk(&mut self, how: u8) {
        let now = self.desk.now;
        if let Some((ticket, done)) = self.done.take() {
            return self.desk.change(|core| core.job_done(now, ticket, done));
        }
        let job = self.desk.change(|core| {
            let job = core.transfers.jobs.front()?;
            let ticket = job.ticket;
            if job.work.needs_permit() {
                drop(core.piece_permit(now, ticket)?);
            }
            core.transfers.jobs.pop_front()
        });
        let Some(Job { ticket, work }) = job else {
            return;
        };
        let needs = work.needs_permit();
        assert!(
            !needs || self.yes.contains_key(&ticket.piece),
            "nothing without a yes"
        );
        // What takes place under the lock is told at once.
        let opens = matches!(work, Work::Open(_));
        let slow = how & 4 != 0 && !matches!(work, Work::Clip(_) | Work::Place);
        let done = match self.work(ticket, work) {
            Some(_) if how & 3 == 3 => {
                // What was open before is not any more.
                self.outgoing.take_if(|_| opens);
                Done::Failed(Reason::DiskFull)
            }
            Some(done) => done,
            None => return,
        };
        match slow {
            true => self.done = Some((ticket, done)),
            false => self.desk.change(|core| core.job_done(now, ticket, done)),
        }
    }

    /// What disk and clipboard check of a job. None: nobody waits for the outcome.
    fn work(&mut self, ticket: Ticket, work: Work) -> Option<Done> {
        let said = self.said.entry(ticket.piece).or_default();
        let read = self.yes.get(&ticket.piece);
        let incoming = self.incoming.as_mut().filter(|i| i.ticket == ticket);
        let place = "it has a place";
        Some(match work {
            Work::Open(_) => {
                self.opened += 1;
                let (name, size) = (format!("{}.odt", self.opened), self.opened * 40_000);
                self.outgoing = Some((ticket, Read::File(name.clone(), size)));
                Done::Opened { name, size }
            }
            Work::Create { folder, name, size } => {
                assert_eq!(folder, Path::new(FOLDER), "where the customer says");
                assert_eq!(harmless(&name), name);
                assert_eq!((&said.kind, said.size), (&Some(Kind::File), size));
                assert_eq!(read, Some(&Read::File(name, size)), "what was shown");
                assert!(self.incoming.is_none(), "one at a time");
                self.incoming = Some(Incoming {
                    ticket,
                    size,
                    bytes: Vec::new(),
                    same: false,
                });
                Done::Created
            }
            Work::Write(bytes) => {
                let incoming = incoming.expect(place);
                let sent = said.chunks.get(&(incoming.bytes.len() as u64));
                assert!(sent.is_some_and(|all| all.contains(&bytes.len())));
                assert!(
                    bytes.iter().all(|byte| *byte == ticket.piece as u8),
                    "as it was sent"
                );
                incoming.bytes.extend_from_slice(&bytes);
                assert!(
                    incoming.bytes.len() as u64 <= incoming.size,
                    "as it was offered"
                );
                Done::Written(bytes.len())
            }
            Work::Check(stated) => {
                let incoming = incoming.expect(place);
                assert_eq!(incoming.bytes.len() as u64, incoming.size, "all of it");
                assert!(said.stated.contains(&stated));
                incoming.same = hash(&incoming.bytes) == stated;
                match incoming.same {
                    true => Done::Checked,
                    false => Done::Failed(Reason::Mismatch),
                }
            }
            Work::Place => {
                assert!(incoming.expect(place).same, "only what was compared");
                self.incoming = None;
                Done::Placed(PathBuf::from(FOLDER))
            }
            Work::Read(Part { offset, length }) => {
                let open = self.outgoing.as_ref().filter(|(of, _)| *of == ticket);
                let open = open.map(|(_, open)| open);
                assert!(open.is_some() && open == read, "what was shown");
                let Some(Read::File(_, size)) = open else {
                    panic!("a file")
                };
                assert!(offset + length as u64 <= *size && length <= CHUNK);
                Done::Read(Part { offset, length }, vec![7; length])
            }
            Work::Sum => Done::Summed([7; 32]),
            Work::Clip(text) => {
                let (start, whole) = preview(&text, PREVIEW);
                assert_eq!(read, Some(&Read::Text(start, whole)), "what was shown");
                assert_eq!(text.len() as u64, said.size);
                assert!(said.stated.contains(&hash(text.as_bytes())));
                Done::Clipped
            }
            Work::Discard => {
                self.incoming.take_if(|i| i.ticket == ticket);
                self.outgoing.take_if(|(of, _)| *of == ticket);
                return None;
            }
            Work::Unclip => return None,
        })
    }

    /// Time passes; link and recorder fail and come back.
    fn world(&mut self, how: u8, input: &mut Input<'_>) {
        let now = self.desk.now;
        let message = match how % 8 {
            0..=2 => {
                let seconds = [1, 2, 11, 61, 301];
                self.desk.pass(seconds[usize::from(input.byte()) % 5]);
                let now = self.desk.now;
                return self.desk.change(|core| core.handle_chat_timeout(now));
            }
            3 => RelayToAgent::PeerLost,
            4 => RelayToAgent::Resumed,
            5 => RelayToAgent::RecorderFailed,
            6 => RelayToAgent::RecorderBack,
            _ => {
                // A question of the guard's own, or an answer to it.
                self.desk.change(|core| match core.guard.question() {
                    Some(_) => core.guard.go_on(now, Hand::pressed(now).into_act()).ok(),
                    None => core.guard.ask_end(now).ok(),
                });
                return;
            }
        };
        self.desk.shared.handle_message(now, message);
        if how & 8 == 0 {
            let epoch = self.look(|core| core.guard.epoch());
            self.desk.open(epoch);
        }
    }

    /// Counts answers by the rules, and looks whether anybody is asked too early.
    fn note_answer(&mut self, before: Option<(u32, Subject)>) {
        let after = self.asked();
        if before == after {
            return;
        }
        let now = self.desk.now;
        if let Some((id, subject)) = before {
            let nos = &mut self.nos[subject as usize];
            *nos = match self.yes.contains_key(&id) {
                true => (0, None),
                false => (nos.0 + 1, Some(now)),
            };
        }
        if let Some((_, subject)) = after {
            let (nos, last) = self.nos[subject as usize];
            let pause = [0, 10, 60].get(nos).expect("three times, then no more");
            let waited = last.is_none_or(|last| last + Duration::from_secs(*pause) <= now);
            assert!(waited, "after a no the next question waits");
        }
    }

    fn check(&mut self) {
        self.shown = self.look(|core| {
            if let Some(piece) = &core.transfers.current {
                let allowed = core.guard.transfer_allowed(piece.id);
                assert!(!allowed || self.yes.contains_key(&piece.id));
            }
            let asked = core.guard.question().is_some();
            assert!(
                !asked || !core.guard.rights().control(),
                "control waits for answers"
            );
            memory(core, &self.done);
            lines(core, self.desk.now, self.shown)
        });
    }
}

/// Never more than two windows of a file are held, nor more than a text of a text.
fn memory(core: &Core, done: &Option<(Ticket, Done)>) {
    let jobs = core.transfers.jobs.iter();
    let (mut held, mut many) = (0, 0);
    for job in jobs {
        match &job.work {
            Work::Write(bytes) => held += bytes.len(),
            // The customer's own doing, and what takes back.
            Work::Open(_) | Work::Discard | Work::Unclip => continue,
            Work::Create { .. }
            | Work::Check(_)
            | Work::Place
            | Work::Read(_)
            | Work::Sum
            | Work::Clip(_) => {}
        }
        many += 1;
    }
    if let Some((ticket, Done::Written(length))) = done {
        let current = core.transfers.current.as_ref();
        let own = current.is_some_and(|current| current.id == ticket.piece);
        held += if own { *length } else { 0 };
    }
    assert!(held as u64 <= 2 * WINDOW && many <= 2 * WINDOW as usize / CHUNK + 2);
    if let Some(Way::Coming { text, .. }) = core.transfers.current.as_ref().map(|p| &p.way) {
        assert!(text.len() as u64 <= LONGEST_TEXT);
    }
}

/// The page of the chat by its rules. Returns when a line of the technician's came last, and how many there were.
fn lines(
    core: &Core,
    now: Instant,
    (last, came): (Option<Instant>, u32),
) -> (Option<Instant>, u32) {
    let page = core.chat.page();
    assert!(page.lines().len() <= 50);
    for line in page.lines() {
        assert_eq!(chat::readable(&line.text), line.text);
    }
    let open = page.lines().iter().filter(|line| {
        matches!(line.writer, Writer::Customer { .. }) && line.fate == chat::Fate::Open
    });
    assert!(open.count() <= chat::OPEN);
    if page.came == came {
        return (last, came);
    }
    assert_eq!(page.came, came + 1, "one by one");
    let pace = last.is_none_or(|last| last + Duration::from_millis(500) <= now);
    assert!(pace, "and not faster than they can be read");
    (Some(now), page.came)
}

/// Of larger pieces the true hash is never stated: it would cost more time than all the rest.
const HASHED: u64 = CHUNK as u64 + 16;

/// Sizes about every border.
fn sized(byte: u8) -> u64 {
    let (chunk, by) = (CHUNK as u64, u64::from(byte >> 4));
    match byte & 15 {
        0..=3 => by,
        4 => chunk,
        5 => chunk + by,
        6 => 2 * chunk,
        7 => LONGEST_TEXT + by,
        8 => WINDOW + by * chunk,
        9 => 2 * WINDOW + by * chunk,
        10 => 1 << 40,
        _ => by + 1,
    }
}

const FOLDER: &str = "/home/erika";
