//! Names and texts of strangers, and both ends of a piece: over a line that loses, with a disk that is slow, and
//! against peers that say what they like.
//!
//! What the receiver takes is held against a reference of its own; an honest pair is never refused anything, and
//! brings every piece to its end once the line holds.

use std::collections::VecDeque;

use super::Input;
use crate::crypto::Hash;
use crate::transfer::{
    CHUNK, Error, Kind, LARGEST_FILE, LONGEST_NAME, LONGEST_TEXT, Message, Part, Receiver, Sender,
    WINDOW, harmless, preview, with_number,
};
use crate::wire::{Blob, Text};

/// The longest row of operations.
const MOST: usize = 64;

/// The first byte chooses: a name, a text, or operations of the two ends.
pub fn run(bytes: &[u8]) {
    let Some((how, rest)) = bytes.split_first() else {
        return;
    };
    match how % 4 {
        0 => name(&String::from_utf8_lossy(rest), u32::from(how / 4)),
        1 => text(&String::from_utf8_lossy(rest), usize::from(how / 4)),
        _ => pieces(Input(&bytes[..bytes.len().min(MOST)])),
    }
}

fn name(name: &str, number: u32) {
    let safe = harmless(name);
    assert_eq!(harmless(&safe), safe, "a harmless name stays as it is");
    for name in [&safe, &with_number(&safe, number)] {
        assert!(!name.is_empty() && name.len() <= LONGEST_NAME);
        assert!(
            !name
                .chars()
                .any(|c| unseen(c) || r#"/\<>:"|?*"#.contains(c))
        );
        assert!(!name.starts_with(['.', ' ']) && !name.ends_with(['.', ' ']));
        let stem = name.split('.').next().unwrap_or_default().trim_end();
        let stem = stem.to_ascii_lowercase();
        assert!(!["con", "prn", "aux", "nul", "com1", "lpt9", "conin$"].contains(&stem.as_str()));
    }
    let mut given = name.chars();
    let mut letters = safe.chars().filter(|c| c.is_alphanumeric());
    assert!(safe == "file" || letters.all(|c| given.any(|given| given == c)));
}

fn text(text: &str, most: usize) {
    let (line, whole) = preview(text, most);
    assert!(line.chars().count() <= most);
    assert!(
        !line
            .chars()
            .any(|c| unseen(c) || c.is_whitespace() && c != ' ')
    );
    assert!(!line.contains("  ") && line.trim() == line);
    let words = |text: &str| -> String {
        let seen = text.chars().filter(|c| c.is_whitespace() || !unseen(*c));
        let seen: String = seen.collect();
        seen.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    match whole {
        true => assert_eq!(line, words(text)),
        false => assert!(words(text).starts_with(&line)),
    }
}

/// Control characters, and those that Unicode calls ignorable and that turn or join what is seen.
fn unseen(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c), 0xad | 0x61c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f
            | 0xfeff | 0xfff9..=0xfffb | 0xe0000..=0xe0fff)
}

/// What the receiver must hold of a piece, by the rules of the protocol.
#[derive(Debug, Default)]
struct Reference {
    taken: bool,
    received: u64,
    written: u64,
    stated: Option<Hash>,
}

impl Reference {
    fn chunk(&self, size: u64, offset: u64, length: u64) -> Result<(), Error> {
        let after = self.received + length;
        let last = after == size;
        match () {
            () if !self.taken || self.stated.is_some() => Err(Error::Turn),
            () if offset != self.received => Err(Error::Offset),
            () if length == 0 || length > CHUNK as u64 => Err(Error::Length),
            () if length < CHUNK as u64 && !last => Err(Error::Length),
            () if after > size || after - self.written > 2 * WINDOW => Err(Error::Length),
            () => Ok(()),
        }
    }
}

struct Ends {
    kind: Kind,
    size: u64,
    sender: Sender,
    receiver: Receiver,
    reference: Reference,
    /// On the way, each way.
    there: VecDeque<Message>,
    back: VecDeque<Message>,
    /// What the sender's disk is reading, and what the receiver's has to write.
    reading: Option<Part>,
    unwritten: VecDeque<usize>,
    /// It is in its place, and the sender knows it.
    placed: bool,
    over: bool,
}

fn pieces(mut input: Input<'_>) {
    let how = input.byte();
    let kind = if how & 4 == 0 { Kind::File } else { Kind::Text };
    let sizes = [
        0,
        1,
        CHUNK as u64 - 1,
        CHUNK as u64,
        CHUNK as u64 + 1,
        LONGEST_TEXT,
        LONGEST_TEXT + 1,
        WINDOW,
        WINDOW + 7,
        2 * WINDOW + 3 * CHUNK as u64,
        LARGEST_FILE,
        LARGEST_FILE + 1,
    ];
    let size = sizes[usize::from(how >> 3) % sizes.len()];
    let sender = Sender::new(7, kind.clone(), Text::default(), size);
    let receiver = Receiver::new(7, kind.clone(), size);
    let fits = size <= kind.largest();
    assert_eq!((sender.is_ok(), receiver.is_ok()), (fits, fits));
    let (Ok(sender), Ok(receiver)) = (sender, receiver) else {
        return;
    };
    let mut ends = Ends {
        kind,
        size,
        sender,
        receiver,
        reference: Reference::default(),
        there: VecDeque::new(),
        back: VecDeque::new(),
        reading: None,
        unwritten: VecDeque::new(),
        placed: false,
        over: false,
    };
    ends.lose();
    while !input.0.is_empty() {
        let op = input.byte();
        if ends.step(op).is_none() {
            return ends.meet_stranger(op, input);
        }
        ends.check();
    }
    if size <= 3 * WINDOW {
        ends.bring_home();
    }
}

impl Ends {
    /// What an honest pair does. None: it is another operation.
    fn step(&mut self, op: u8) -> Option<()> {
        match op % 12 {
            0 => self.lose(),
            1 => self.take(),
            2 => self.begin_to_read(),
            3 => self.read(),
            4 => {
                if let Some(message) = self.there.pop_front() {
                    let taken = self.receive(message);
                    assert_eq!(taken, Ok(()), "an honest sender is believed");
                }
            }
            5 => {
                if let Some(message) = self.back.pop_front() {
                    let taken = self.answered(&message);
                    assert_eq!(taken, Ok(()), "an honest receiver is believed");
                }
            }
            6 => self.write(),
            7 => self.place(),
            8 => {
                self.begin_to_read();
                self.read();
                self.step(4);
            }
            9 => {
                self.write();
                self.step(5);
            }
            _ => return None,
        }
        Some(())
    }

    /// What was on its way is lost, and a new epoch begins.
    fn lose(&mut self) {
        self.there.clear();
        self.back.clear();
        if !self.over {
            self.there.push_back(self.sender.offer());
        }
        if self.placed {
            self.back.push_back(Message::Finished { id: 7 });
        }
    }

    /// The receiver's person says yes.
    fn take(&mut self) {
        if !self.reference.taken {
            self.reference.taken = true;
            let accept = self.receiver.accept();
            self.back.push_back(accept);
        }
    }

    fn begin_to_read(&mut self) {
        self.reading = self.reading.or_else(|| self.sender.poll_part());
    }

    /// The disk has read; or the hash of everything is due.
    fn read(&mut self) {
        let next = match self.reading.take() {
            Some(part) => {
                let wanted = self.sender.poll_part() == Some(part);
                let chunk = self.sender.handle_read(part.offset, vec![0; part.length]);
                assert_eq!(
                    chunk.is_some(),
                    wanted,
                    "what was read before a loss is void"
                );
                chunk
            }
            None => self.sender.handle_hash([9; 32]),
        };
        self.there.extend(next);
    }

    fn write(&mut self) {
        if let Some(length) = self.unwritten.pop_front() {
            self.reference.written += length as u64;
            let told = self.receiver.handle_written(length);
            self.back.extend(told);
        }
    }

    /// The whole is compared and gets its place.
    fn place(&mut self) {
        if self.receiver.complete().is_some() && !self.placed {
            self.placed = true;
            self.back.push_back(Message::Finished { id: 7 });
        }
    }

    /// A message for the receiver, held against the reference.
    fn receive(&mut self, message: Message) -> Result<(), Error> {
        match message {
            Message::Offer { .. } if self.placed => {
                self.back.push_back(Message::Finished { id: 7 });
            }
            Message::Offer { kind, size, .. } => {
                let again = self.receiver.handle_offer(&kind, size);
                let same = (&kind, size) == (&self.kind, self.size);
                let held = self.reference.received - self.reference.written;
                let ready = self.reference.taken && held <= WINDOW;
                let expected = match (same, ready) {
                    (false, _) => Err(Error::Turn),
                    (true, false) => Ok(None),
                    (true, true) => Ok(Some(Message::Accept {
                        id: 7,
                        from: self.reference.received,
                    })),
                };
                assert_eq!(again, expected);
                self.back.extend(again?);
            }
            Message::Chunk { offset, bytes, .. } => {
                let length = bytes.0.len();
                let expected = self.reference.chunk(self.size, offset, length as u64);
                assert_eq!(self.receiver.handle_chunk(offset, length), expected);
                expected?;
                self.reference.received += length as u64;
                self.unwritten.push_back(length);
            }
            Message::Done { hash, .. } => {
                let whole = self.reference.taken && self.reference.received == self.size;
                let same = self.reference.stated.is_none_or(|before| before == hash);
                let done = self.receiver.handle_done(hash);
                assert_eq!(done.is_ok(), whole && same);
                done?;
                self.reference.stated = Some(hash);
            }
            Message::Ask { .. }
            | Message::Accept { .. }
            | Message::Received { .. }
            | Message::Finished { .. }
            | Message::Cancel { .. } => {}
        }
        Ok(())
    }

    /// A message for the sender.
    fn answered(&mut self, message: &Message) -> Result<(), Error> {
        match message {
            Message::Accept { from, .. } => self.sender.handle_accept(*from)?,
            Message::Received { to, .. } => self.sender.handle_received(*to)?,
            Message::Finished { .. } if self.over => {}
            Message::Finished { .. } => {
                self.sender.handle_finished()?;
                self.over = true;
            }
            Message::Offer { .. }
            | Message::Ask { .. }
            | Message::Chunk { .. }
            | Message::Done { .. }
            | Message::Cancel { .. } => {}
        }
        Ok(())
    }

    /// From here on either end has a stranger before it, until it refuses him something: that ends the piece.
    fn meet_stranger(mut self, mut op: u8, mut input: Input<'_>) {
        loop {
            let met = match op % 3 {
                0 => {
                    let message = self.invented(op / 3, &mut input);
                    self.receive(message)
                }
                1 => {
                    let message = self.invented_answer(op / 3, &mut input);
                    let unsent = match &message {
                        Message::Accept { from: to, .. } | Message::Received { to, .. } => {
                            *to > self.sender.sent()
                        }
                        Message::Offer { .. }
                        | Message::Ask { .. }
                        | Message::Chunk { .. }
                        | Message::Done { .. }
                        | Message::Finished { .. }
                        | Message::Cancel { .. } => false,
                    };
                    let answered = self.answered(&message);
                    assert!(
                        !unsent || answered.is_err(),
                        "nothing comes that was not sent"
                    );
                    answered
                }
                _ => {
                    self.write();
                    self.begin_to_read();
                    self.read();
                    Ok(())
                }
            };
            self.check();
            if met.is_err() || input.0.is_empty() {
                return;
            }
            (self.there, self.back) = Default::default();
            op = input.byte();
        }
    }

    fn invented(&self, how: u8, input: &mut Input<'_>) -> Message {
        let id = 7;
        match how % 4 {
            0 => Message::Offer {
                id,
                kind: if how & 8 == 0 { Kind::Text } else { Kind::File },
                name: Text::default(),
                size: near(self.size, input),
            },
            1 => Message::Done {
                id,
                hash: [input.byte() & 1; 32],
            },
            _ => {
                let whole = near(CHUNK as u64, input).min(CHUNK as u64) as usize;
                Message::Chunk {
                    id,
                    offset: near(self.reference.received, input),
                    bytes: Blob(vec![0; whole]),
                }
            }
        }
    }

    fn invented_answer(&self, how: u8, input: &mut Input<'_>) -> Message {
        let (id, sent) = (7, self.sender.sent());
        match how % 3 {
            0 => Message::Accept {
                id,
                from: near(sent, input),
            },
            1 => Message::Received {
                id,
                to: near(sent, input),
            },
            _ => Message::Finished { id },
        }
    }

    fn check(&self) {
        let Reference {
            received,
            written,
            stated,
            ..
        } = &self.reference;
        let held: usize = self.unwritten.iter().sum();
        assert_eq!(received - written, held as u64);
        assert!(
            held as u64 <= 2 * WINDOW,
            "never more memory than two windows"
        );
        assert!(
            self.unwritten.len() as u64 <= 2 * WINDOW / CHUNK as u64 + 1,
            "no crumbs"
        );
        assert!(*received <= self.size && self.receiver.written() == *written);
        assert_eq!(
            self.receiver.complete(),
            stated.filter(|_| *written == self.size),
            "whole once all of it is written and its hash is stated"
        );
        assert!(self.sender.sent() <= self.size && self.sender.written() <= self.sender.sent());
        if let Some(part) = self.sender.poll_part() {
            let after = part.offset + part.length as u64;
            assert!(part.length > 0 && part.length <= CHUNK && after <= self.size);
            assert!(
                after <= self.sender.written() + WINDOW,
                "no more than the window"
            );
        }
    }

    /// The line holds, everybody does what is due: the piece arrives, and both know it.
    fn bring_home(&mut self) {
        self.take();
        for _ in 0..ROUNDS {
            for op in [2, 3, 4, 5, 6, 7] {
                self.step(op);
                self.check();
            }
            if self.over {
                break;
            }
        }
        assert!(self.over, "an honest pair comes to its end");
        assert_eq!(self.reference.written, self.size);
    }
}

/// More than the largest of these pieces has chunks.
const ROUNDS: usize = 200;

/// A place near another: so many bytes, chunks or windows before or behind it.
fn near(place: u64, input: &mut Input<'_>) -> u64 {
    let (unit, by) = (input.byte(), input.byte());
    let unit = [0, 1, CHUNK as u64, WINDOW, u64::MAX / 256][usize::from(unit) % 5];
    match by & 128 {
        0 => place.saturating_add(unit.saturating_mul(u64::from(by))),
        _ => place.saturating_sub(unit.saturating_mul(u64::from(by & 127))),
    }
}
