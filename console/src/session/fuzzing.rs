//! Body of the fuzz target `console`: a paired session of the console before an agent that says what it likes, with a
//! technician, a disk and a line that do what the bytes say.
//!
//! ```text
//! classes 0, 4, 5 ─┐                  ┌─ jobs ─► a disk that checks what it is to do
//! wishes ──────────┼─► Paired ────────┼─ frames ─► opened, and held against what may be said
//! losses, disk ────┘                  └─ lines, pictures
//! ```
//!
//! Only what the technician asked for lands on his disk, in the folder that he named, under a harmless name, as it was
//! sent and no more than was offered; of his own only what he offered leaves, from the agent's Accept on and within its
//! window. Nothing is drawn without sight. Lines are few, short and readable. Not part of the program.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use fernsicht_protocol::chat::{Fate, OPEN, readable};
use fernsicht_protocol::content::{AgentNotice, Cause, Chat, ConsoleNotice};
use fernsicht_protocol::crypto::{Hash, hash};
use fernsicht_protocol::epoch::{Epoch, Opener, Sealer};
use fernsicht_protocol::frame::{Class, Direction, Frame};
use fernsicht_protocol::fuzzing::Input;
use fernsicht_protocol::guard::{Effect, Mirror};
use fernsicht_protocol::messages::CaseNumber;
use fernsicht_protocol::peer;
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::transfer::{
    CHUNK, Kind, LONGEST_TEXT, Message, Part, Reason, WINDOW, ends, harmless,
};
use fernsicht_protocol::unit::Record;
use fernsicht_protocol::wire::{Blob, Text, Wire};
use zeroize::Zeroizing;

use super::chat;
use super::core::Output;
use super::disk::{Done, Job, Ticket, Work};
use super::paired::{Keys, Paired, Resume};
use super::pieces::Pieces;
use crate::view::{Link, Recorder, Writer};

/// Runs the operations that `bytes` spell.
pub fn run(bytes: &[u8]) {
    let mut input = Input(bytes);
    let mut room = Room::new();
    while !input.0.is_empty() {
        let op = input.byte();
        let on = match op % 8 {
            0 | 1 => {
                room.agent(op / 8, &mut input);
                Some(())
            }
            2 => room.notice(op / 8, &mut input),
            3 => {
                room.technician(op / 8, &mut input);
                Some(())
            }
            4 | 5 => {
                room.disk(op / 8);
                Some(())
            }
            6 => room.rights(op / 8),
            _ => room.single(op / 8, &mut input),
        };
        // What no agent may say ends the session.
        if on.is_none() {
            break;
        }
        room.settle();
        room.check();
    }
}

/// What the technician has begun.
#[derive(Debug, Clone, PartialEq)]
enum Begun {
    /// To offer this text.
    Text(usize),
    /// To offer this file.
    File(PathBuf),
    /// To ask for a file, for this folder.
    Ask(PathBuf),
}

/// What is known of a piece besides.
#[derive(Debug)]
struct Known {
    begun: Begun,
    size: u64,
    /// The customer's file was offered: the first offer says its size.
    offered: bool,
    /// By offset, how many bytes the agent sent; each is the piece's number.
    chunks: BTreeMap<u64, BTreeSet<usize>>,
    next: u64,
    stated: BTreeSet<Hash>,
    /// How far the agent's word lets chunks go; none before its Accept of this epoch.
    window: Option<u64>,
    /// The disk has a place for it.
    created: bool,
    /// It has its name there, or the agent says that it is whole.
    whole: bool,
}

struct Room {
    paired: Paired,
    out: VecDeque<Output>,
    agent: Sealer,
    here: Opener,
    epoch: u32,
    grant: u32,
    rights: Rights,
    /// The newest piece, and all.
    id: u32,
    known: BTreeMap<u32, Known>,
    jobs: VecDeque<Job>,
    /// The file that comes: whose, what is there.
    incoming: Option<(Ticket, Vec<u8>)>,
    outgoing: Option<Ticket>,
    /// The customer's newest line, and how many the technician has written.
    line: u32,
}

const SESSION: [u8; 16] = [5; 16];
const FILE: u64 = 150_000;

static TEXT: LazyLock<Vec<u8>> = LazyLock::new(|| b"Guten Tag. ".repeat(30_000));

fn epoch(number: u32) -> Epoch {
    let secret = Zeroizing::new([number as u8; 32]);
    Epoch::new(&SESSION, Some([8; 16]), number, &[1; 32], &secret)
}

/// The console's keys of an epoch.
fn keys(number: u32) -> Keys {
    let epoch = epoch(number);
    Keys {
        sealer: epoch.sealer(Direction::ConsoleToAgent),
        opener: epoch.opener(Direction::AgentToConsole),
    }
}

impl Room {
    /// A recorded session under control.
    fn new() -> Self {
        let secret = |n| Zeroizing::new([n; 32]);
        let paired = Paired {
            session: SESSION,
            th2: [1; 32],
            leaf: [2; 32],
            signature: [3; 64],
            peer: peer::Channel::new(&secret(4), &secret(5)),
            resume: Resume {
                key: secret(6),
                counter: 0,
                asked: None,
            },
            keys: None,
            mirror: Mirror::new(),
            cause: Cause::Epoch,
            begun: false,
            page: None,
            until: None,
            case: CaseNumber::default(),
            link: Link::Whole,
            recorder: Recorder::Fine,
            held: VecDeque::new(),
            held_bytes: 0,
            release_first: false,
            dropped: 0,
            drawn: 0,
            layout: None,
            own: None,
            protected: None,
            chat: chat::Chat::new(7),
            heard: None,
            silent: false,
            pieces: Pieces::default(),
            recorded: None,
            early: None,
        };
        let mut room = Self {
            paired,
            out: VecDeque::new(),
            agent: epoch(1).sealer(Direction::AgentToConsole),
            here: epoch(1).opener(Direction::ConsoleToAgent),
            epoch: 0,
            grant: 0,
            rights: Rights::None,
            id: 0,
            known: BTreeMap::new(),
            jobs: VecDeque::new(),
            incoming: None,
            outgoing: None,
            line: 0,
        };
        let commitment = epoch(1).commitment();
        let opened =
            room.paired
                .open_recorded([8; 16], 1, keys(1), commitment, [9; 32], &mut room.out);
        assert_eq!(opened, Ok(()));
        room.begin();
        room
    }

    /// A new epoch, which repeats what may be lost.
    fn begin(&mut self) {
        self.epoch += 1;
        self.agent = epoch(self.epoch).sealer(Direction::AgentToConsole);
        self.here = epoch(self.epoch).opener(Direction::ConsoleToAgent);
        self.paired.link = Link::Whole;
        let effect = self.paired.mirror.handle_epoch(self.epoch);
        assert!(matches!(effect, Effect::Blank), "nothing is granted yet");
        for known in self.known.values_mut() {
            known.window = None;
        }
        self.out.clear();
        self.paired
            .acknowledge(self.epoch, keys(self.epoch), None, &mut self.out);
        self.told(Rights::Control, Cause::Epoch);
        self.settle();
    }

    /// The agent tells these rights.
    fn told(&mut self, rights: Rights, cause: Cause) {
        self.settle();
        self.grant += 1;
        self.rights = rights;
        let over = ends(&cause, rights);
        let frame = self
            .agent
            .seal(Class::Rights, self.grant, rights, &cause.to_bytes());
        let taken = self
            .paired
            .handle_record(Record::Frame(frame), &mut self.out);
        assert_eq!(taken, Ok(()));
        assert_eq!(self.paired.mirror.rights(), rights);
        if over {
            let shown = self.paired.piece_shown();
            let under_way = shown.is_some_and(|piece| piece.under_way());
            assert!(!under_way, "the customer's stop ends every piece");
        }
    }

    /// Something of class 5.
    fn agent(&mut self, how: u8, input: &mut Input<'_>) {
        if self.paired.keys.is_none() {
            return;
        }
        let id = match how % 8 {
            7 => u32::from(input.byte() % 8),
            _ => self.id,
        };
        let what = input.byte();
        let Some(known) = self.known.get_mut(&id) else {
            let reason = Reason::Fault;
            return self.say(Message::Cancel { id, reason });
        };
        let message = match what % 8 {
            0 => {
                let size = sized(input.byte());
                let file = what & 8 == 0;
                if file && matches!(known.begun, Begun::Ask(_)) && !known.offered {
                    (known.size, known.offered) = (size, true);
                }
                let names = ["a.txt", "..\\NUL", "/etc/passwd", "\u{202e}x .", ""];
                let name = Text::new(names[usize::from(what >> 4) % names.len()]);
                Message::Offer {
                    id,
                    kind: if file { Kind::File } else { Kind::Text },
                    name: name.expect("short"),
                    size,
                }
            }
            1 | 2 => {
                let shape = input.byte();
                let offset = match shape >> 6 {
                    3 => known.next ^ u64::from(shape & 3),
                    _ => known.next,
                };
                let left = known.size.saturating_sub(offset).min(CHUNK as u64) as usize;
                let length = match shape >> 4 & 3 {
                    0 => usize::from(shape & 15),
                    1 => CHUNK,
                    _ => left,
                };
                known.chunks.entry(offset).or_default().insert(length);
                known.next += length as u64;
                let bytes = Blob(vec![id as u8; length]);
                Message::Chunk { id, offset, bytes }
            }
            3 => {
                let wrong = what & 64 != 0 || known.size > HASHED;
                let hash = match wrong {
                    true => [what; 32],
                    false => hash(&vec![id as u8; known.size as usize]),
                };
                known.stated.insert(hash);
                Message::Done { id, hash }
            }
            4 | 5 => {
                let to = match what & 8 {
                    0 => 0,
                    _ => sized(input.byte()),
                };
                if what & 16 == 0 {
                    known.window = known.window.max(Some(to));
                    Message::Accept { id, from: to }
                } else {
                    known.window = known.window.map(|window| window.max(to));
                    Message::Received { id, to }
                }
            }
            6 => {
                known.whole = true;
                Message::Finished { id }
            }
            _ => Message::Cancel {
                id,
                reason: [Reason::Refused, Reason::TooOften, Reason::Stopped]
                    [usize::from(what >> 3) % 3]
                    .clone(),
            },
        };
        self.say(message);
    }

    fn say(&mut self, message: Message) {
        self.paired.handle_piece(message, &mut self.out);
    }

    /// Something of class 4: of the chat, or any bytes.
    fn notice(&mut self, how: u8, input: &mut Input<'_>) -> Option<()> {
        if self.paired.keys.is_none() {
            return Some(());
        }
        let number = match how & 3 {
            0 => u32::from(input.byte()),
            1 => u32::MAX - u32::from(input.byte()),
            _ => self.line.saturating_add(1),
        };
        let chat = match how >> 2 & 3 {
            0 | 1 => {
                self.line = self.line.max(number);
                let letter = ["x", "\u{202e}\u{200b}", " ", "日本"][usize::from(input.byte() & 3)];
                let text = letter.repeat(1 + usize::from(how) * 8);
                let text = Text::new(text).expect("short enough");
                Chat::Line { number, text }
            }
            2 if how & 16 == 0 => Chat::Shown { number },
            2 => Chat::Refused {
                from: number,
                to: number.saturating_add(u32::from(input.byte())),
            },
            _ => {
                let length = usize::from(input.byte()).min(input.0.len());
                let (bytes, rest) = input.0.split_at(length);
                input.0 = rest;
                return self.paired.handle_notice(bytes, &mut self.out).ok();
            }
        };
        let notice = AgentNotice::Chat { chat }.to_bytes();
        let taken = self.paired.handle_notice(&notice, &mut self.out);
        assert_eq!(taken, Ok(()), "the chat ends nothing");
        Some(())
    }

    fn technician(&mut self, how: u8, input: &mut Input<'_>) {
        let possible = self.paired.piece_possible();
        let out = &mut self.out;
        let (begun, size) = match how % 8 {
            0 | 1 => {
                // Mostly short ones, and some about the longest.
                let length = match usize::from(input.byte()) {
                    byte @ 0..250 => byte,
                    byte => LONGEST_TEXT as usize + byte - 253,
                };
                let text = String::from_utf8(TEXT[..length].to_vec()).expect("ASCII");
                self.paired.offer_text(text, out);
                (Begun::Text(length), length as u64)
            }
            2 | 3 => {
                let path = PathBuf::from("/home/erika/brief.odt");
                self.paired.offer_file(path.clone(), out);
                (Begun::File(path), 0)
            }
            4 | 5 => {
                let folder = PathBuf::from(format!("/home/weber/{how}"));
                self.paired.ask_file(folder.clone(), out);
                (Begun::Ask(folder), 0)
            }
            6 => return self.paired.cancel_piece(out),
            _ => {
                let line = "ja \u{202e}".repeat(usize::from(input.byte()));
                return self.paired.write_chat(&line, out);
            }
        };
        let piece = out.front().map(|_| self.id + 1);
        assert!(piece.is_none() || possible, "one at a time, and with sight");
        // A text that is too long has a number, and is not offered.
        self.id += u32::from(possible && size != 0 || piece.is_some());
        if let Some(piece) = piece {
            let known = Known {
                begun,
                size,
                offered: false,
                chunks: BTreeMap::new(),
                next: 0,
                stated: BTreeSet::new(),
                window: None,
                created: false,
                whole: false,
            };
            self.known.insert(piece, known);
        }
    }

    /// The disk does its next job.
    fn disk(&mut self, how: u8) {
        let Some(Job { ticket, work }) = self.jobs.pop_front() else {
            return;
        };
        let done = match self.work(ticket, work) {
            Some(_) if how & 3 == 3 => Done::Failed(Reason::DiskFull),
            Some(done) => done,
            None => return,
        };
        let known = self.known.get_mut(&ticket.piece).expect("it was begun");
        match &done {
            Done::Created => known.created = true,
            Done::Placed(_) => known.whole = true,
            Done::Opened { size } => known.size = *size,
            Done::Read(..) | Done::Summed(_) | Done::Written(_) | Done::Failed(_) => {}
        }
        self.paired.handle_disk(ticket, done, &mut self.out);
    }

    fn work(&mut self, ticket: Ticket, work: Work) -> Option<Done> {
        let known = self.known.get(&ticket.piece).expect("it was begun");
        let incoming = self.incoming.as_mut().filter(|(of, _)| *of == ticket);
        Some(match work {
            Work::Open(path) => {
                assert_eq!(known.begun, Begun::File(path));
                self.outgoing = Some(ticket);
                Done::Opened { size: FILE }
            }
            Work::Read(Part { offset, length }) => {
                assert_eq!(self.outgoing, Some(ticket));
                assert!(offset + length as u64 <= FILE);
                Done::Read(Part { offset, length }, vec![7; length])
            }
            Work::Sum => Done::Summed([7; 32]),
            Work::Create { folder, name, size } => {
                assert_eq!(known.begun, Begun::Ask(folder), "where the technician says");
                assert_eq!(harmless(&name), name);
                assert_eq!(known.size, size);
                self.incoming = Some((ticket, Vec::new()));
                Done::Created
            }
            Work::Write(bytes) => {
                let (_, held) = incoming.expect("it has a place");
                let sent = known.chunks.get(&(held.len() as u64));
                assert!(sent.is_some_and(|all| all.contains(&bytes.len())));
                assert!(
                    bytes.iter().all(|byte| *byte == ticket.piece as u8),
                    "as it was sent"
                );
                held.extend_from_slice(&bytes);
                assert!(held.len() as u64 <= known.size, "as it was offered");
                Done::Written(bytes.len())
            }
            Work::Place(stated) => {
                let (_, held) = incoming.expect("it has a place");
                assert_eq!(held.len() as u64, known.size, "all of it");
                assert!(known.stated.contains(&stated));
                match hash(held) == stated {
                    true => Done::Placed(PathBuf::from(Path::new("/home/weber"))),
                    false => Done::Failed(Reason::Mismatch),
                }
            }
            Work::Discard => {
                (self.incoming, self.outgoing) = (None, None);
                return None;
            }
        })
    }

    /// The customer's hand, losses and new epochs.
    fn rights(&mut self, how: u8) -> Option<()> {
        let causes = [
            Cause::Granted,
            Cause::Question,
            Cause::Answered,
            Cause::Recorder,
            Cause::Narrowed,
            Cause::Stopped,
            Cause::Computer,
        ];
        match how % 8 {
            7 if how & 8 == 0 => {
                self.paired.lose(Link::PeerLost, &mut self.out);
                self.rights = Rights::None;
            }
            7 => {
                if self.epoch == u32::from(u8::MAX) {
                    return None;
                }
                self.begin();
            }
            at if self.paired.keys.is_some() => {
                let rights = [Rights::None, Rights::View, Rights::Control];
                let rights = rights[usize::from(how >> 3) % 3];
                self.told(rights, causes[usize::from(at)].clone());
            }
            _ => {}
        }
        Some(())
    }

    /// A picture under some grant.
    fn single(&mut self, how: u8, input: &mut Input<'_>) -> Option<()> {
        let grant = (self.grant + u32::from(how & 3)).saturating_sub(2);
        let stated = [Rights::View, Rights::Control][usize::from(how >> 2 & 1)];
        let frame: Frame = self
            .agent
            .seal(Class::Picture, grant, stated, &[input.byte()]);
        self.paired.handle_single(frame, &mut self.out).ok()
    }

    /// Looks at everything that the session wants done.
    fn settle(&mut self) {
        while let Some(output) = self.out.pop_front() {
            match output {
                Output::Disk(job) => {
                    assert_eq!(job.ticket.session, SESSION);
                    assert!(
                        self.known.contains_key(&job.ticket.piece),
                        "nothing unasked"
                    );
                    self.jobs.push_back(job);
                }
                Output::Frame(frame) => self.sent(frame),
                Output::Picture(_) => assert!(self.rights.view(), "nothing without sight"),
                Output::Relay(_)
                | Output::Code(_)
                | Output::Fresh
                | Output::Blank
                | Output::Forget
                | Output::Pointer(_)
                | Output::Goodbye(_)
                | Output::Close => {}
            }
        }
    }

    /// A frame of the console's.
    fn sent(&mut self, frame: Frame) {
        assert_eq!(frame.header.grant, self.grant);
        let class = frame.header.class;
        let content = self.here.open(frame).expect("in order");
        if class == Class::Notices {
            if let Ok(ConsoleNotice::Chat {
                chat: Chat::Line { text, .. },
            }) = ConsoleNotice::from_bytes(&content)
            {
                assert_eq!(readable(text.as_str()), text.as_str());
            }
            return;
        }
        assert_eq!(class, Class::Transfer);
        let message = Message::from_bytes(&content).expect("our own");
        let known = self.known.get(&message.id());
        match message {
            Message::Offer { kind, size, .. } => {
                let known = known.expect("nothing unasked");
                assert_eq!(size, known.size);
                assert_eq!(kind == Kind::Text, matches!(known.begun, Begun::Text(_)));
            }
            Message::Chunk { id, offset, bytes } => {
                let known = known.expect("nothing unasked");
                let after = offset + bytes.0.len() as u64;
                let window = known.window.expect("not before it is taken");
                assert!(after <= window + WINDOW && after <= known.size);
                match known.begun {
                    Begun::Text(_) => {
                        assert_eq!(bytes.0, TEXT[offset as usize..after as usize]);
                    }
                    Begun::File(_) => assert!(bytes.0.iter().all(|byte| *byte == 7)),
                    Begun::Ask(_) => panic!("{id} comes from the customer"),
                }
            }
            Message::Accept { .. } | Message::Received { .. } => {
                assert!(known.is_some_and(|known| known.created));
            }
            Message::Finished { .. } => assert!(known.is_some_and(|known| known.whole)),
            Message::Done { hash: stated, .. } => {
                let known = known.expect("nothing unasked");
                let right = match known.begun {
                    Begun::Text(length) => hash(&TEXT[..length]),
                    Begun::File(_) | Begun::Ask(_) => [7; 32],
                };
                assert_eq!(stated, right);
            }
            Message::Ask { .. } | Message::Cancel { .. } => {}
        }
    }

    fn check(&self) {
        let mut waiting = 0;
        for job in self.jobs.iter().filter(|job| job.ticket.piece == self.id) {
            if let Work::Write(bytes) = &job.work {
                waiting += bytes.len();
            }
        }
        assert!(waiting as u64 <= 2 * WINDOW, "never more than two windows");
        let talk = self.paired.chat.view();
        assert!(talk.lines.len() <= 200);
        // Own lines from the oldest open one on.
        let mut since = 0;
        for line in talk.lines.iter() {
            assert_eq!(readable(&line.text), line.text);
            let own = matches!(line.writer, Writer::Technician { .. });
            since += usize::from(own && (since > 0 || line.fate == Fate::Open));
        }
        assert!(since <= OPEN && (talk.full == (since == OPEN) || talk.lines.len() == 200));
        if let Some(piece) = self.paired.piece_shown() {
            assert!(piece.name.is_empty() || harmless(&piece.name) == piece.name);
        }
    }
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
        _ => by * 1_100,
    }
}
