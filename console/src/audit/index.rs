//! What a recording holds, by time: the index that replay, timeline, list and report share.
//!
//! ```text
//! records ──one pass──► Builder ──► Index
//!   header only           │           rights, gaps, customer active     (small frames, opened)
//!   small frames opened   │           stretches of sight: pictures and what was acknowledged
//!   pictures stay sealed  │           pointer, input and what became of it
//! ```
//!
//! What the technician could see follows from the same mirror as in the console
//! ([`fernsicht_protocol::guard::Mirror`]), fed with the rights frames in the order of the recording.
//! Pictures are not opened here: which of them are complete is found when a time is asked for.
//! What was typed is not kept either, only that something was.
//!
//! Not here: drawing ([`super::replay`]), and whether the recording is genuine (recordings).

pub mod input;
pub mod talk;

use fernsicht_protocol::content::{
    AgentNotice, Cause, ConsoleNotice, InputAck, PictureAck, Pointer,
};
use fernsicht_protocol::frame::{Class, Direction, Header};
use fernsicht_protocol::guard::{Draw, Effect, Mirror};
use fernsicht_protocol::messages::End;
use fernsicht_protocol::picture::Head;
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::transfer;
use fernsicht_protocol::wire::{Reader, Wire as _};

use input::{Input, Inputs};
use talk::{Said, Talk};

/// Hundredths of a second since 1970, by the relay's clock.
pub type Time = u64;

/// A recording whose keys are known: its records by position, each opened when asked for.
pub trait Source {
    /// How many records there are.
    fn records(&self) -> usize;
    /// What a record is, as far as it is in clear.
    fn entry(&self, at: usize) -> Entry;
    /// The plaintext of the frame at `at`.
    fn content(&mut self, at: usize) -> Result<Vec<u8>, Unreadable>;
}

/// A record that cannot be read any more, though the recording was verified: its file changed
/// or went away.
#[derive(Debug, thiserror::Error)]
#[error("record {at} cannot be read")]
pub struct Unreadable {
    /// Which record.
    pub at: usize,
    /// Why.
    #[source]
    pub reason: Box<dyn std::error::Error + Send + Sync>,
}

/// A record in clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When the relay wrote it.
    pub time: Time,
    /// What it is.
    pub kind: Kind,
}

/// What a record is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// An epoch begins.
    Opening {
        /// Its number.
        epoch: u32,
    },
    /// A frame that the relay forwarded.
    Frame(Header),
    /// An in-order frame that the relay did not forward.
    Withheld(Header),
    /// A frame that was cancelled on its way.
    Cut(Header),
    /// Nothing was recorded in between.
    Gap {
        /// From when.
        from: Time,
        /// Until when.
        to: Time,
    },
    /// The recording ends.
    End(Ended),
    /// Nothing that is shown.
    Other,
}

/// How a recording ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// By this.
    Session(End),
    /// Nobody knows.
    Interrupted,
}

/// What a recording holds.
#[derive(Debug)]
pub struct Index {
    /// When the first record was written.
    pub from: Time,
    /// When the last one was written.
    pub to: Time,
    /// Changes of the rights, in order.
    pub rights: Vec<Change>,
    /// When the customer began (true) and ceased (false) to use mouse or keyboard.
    pub active: Vec<(Time, bool)>,
    /// When nothing was recorded, though the session went on.
    pub gaps: Vec<(Time, Time)>,
    /// What the technician's hands did.
    pub input: Inputs,
    /// What technician and customer wrote to each other.
    pub talk: Vec<Said>,
    /// What became of texts for the clipboard and files, by the agent's word.
    pub pieces: Vec<PieceFact>,
    /// The texts that the customer agreed to: version and language.
    pub text: Option<([u8; 8], String)>,
    /// How it ends.
    pub end: Ended,
    /// Rights frames that cannot be, and small frames that are not what their class says.
    pub misfits: Vec<(Time, usize)>,
    pub(super) stretches: Vec<Stretch>,
    pub(super) pointers: Vec<PointerAt>,
}

/// The rights from a time on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// From when.
    pub time: Time,
    /// In which epoch.
    pub epoch: u32,
    /// What may be done.
    pub rights: Rights,
    /// Why they changed; none where an epoch begins or the recording ends.
    pub cause: Option<Cause>,
}

/// A fact about a text for the clipboard or a file; its content is not recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PieceFact {
    /// When the agent stated it.
    pub time: Time,
    /// Which one.
    pub id: u32,
    /// True if it goes to the customer.
    pub to_customer: bool,
    /// What it is.
    pub kind: transfer::Kind,
    /// The file's harmless name.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// What became of it.
    pub outcome: transfer::Outcome,
}

/// A stretch of sight: from the rights frame that brought it to what ended it.
#[derive(Debug)]
pub(super) struct Stretch {
    pub(super) from: Time,
    /// From then on nothing is seen.
    pub(super) to: Time,
    grant: u32,
    /// In the order of the recording.
    pub(super) pictures: Vec<PictureAt>,
    /// In order of sequence, which does not fall.
    pub(super) acks: Vec<AckAt>,
    /// True if nothing was acknowledged, and the acks were derived from the pictures.
    pub(super) unproven: bool,
}

#[derive(Debug)]
pub(super) struct PictureAt {
    pub(super) record: usize,
    pub(super) time: Time,
    /// Known once it was opened.
    pub(super) head: Option<Head>,
}

#[derive(Debug)]
pub(super) struct AckAt {
    pub(super) time: Time,
    pub(super) sequence: u64,
    /// None if it was derived.
    pub(super) digest: Option<u64>,
    /// Sequences of those that were shown over it before their turn, rising, all beyond it.
    pub(super) ahead: Vec<u64>,
    /// How many pictures of the stretch stand before it.
    pub(super) pictures: usize,
}

#[derive(Debug)]
pub(super) struct PointerAt {
    pub(super) time: Time,
    pub(super) visible: bool,
    pub(super) x: u16,
    pub(super) y: u16,
    /// The record that brought its shape.
    pub(super) shape: Option<usize>,
}

impl Index {
    /// Reads a recording once, opening small frames only.
    pub fn build(source: &mut impl Source) -> Result<Self, Unreadable> {
        let mut builder = Builder::new();
        for at in 0..source.records() {
            let entry = source.entry(at);
            let content = match Builder::wants(&entry.kind) {
                true => Some(source.content(at)?),
                false => None,
            };
            builder.handle(at, &entry, content.as_deref());
        }
        Ok(builder.finish())
    }

    /// The rights at `time`.
    pub fn change_at(&self, time: Time) -> Option<&Change> {
        last_until(&self.rights, time, |c| c.time)
    }

    /// True if the customer uses mouse or keyboard at `time`.
    pub fn active_at(&self, time: Time) -> bool {
        last_until(&self.active, time, |a| a.0).is_some_and(|a| a.1)
    }

    /// The gap that `time` lies in.
    pub fn gap_at(&self, time: Time) -> Option<(Time, Time)> {
        let gap = last_until(&self.gaps, time, |g| g.0)?;
        (time < gap.1).then_some(*gap)
    }

    /// The next time after `time` at which picture, pointer or rights may be others.
    pub fn change_after(&self, time: Time) -> Option<Time> {
        let rights = first_after(&self.rights, time, |c| c.time);
        let pointer = first_after(&self.pointers, time, |p| p.time);
        let gap = self.gaps.iter().flat_map(|g| [g.0, g.1]);
        let stretch = self.stretches.iter().flat_map(|s| [s.from, s.to]);
        let edges = gap.chain(stretch).filter(|t| *t > time && *t <= self.to);
        let shown = self
            .stretches
            .iter()
            .filter(|s| s.to > time)
            .filter_map(|s| match s.acks.is_empty() {
                true => first_after(&s.pictures, time, |p| p.time),
                false => first_after(&s.acks, time, |a| a.time),
            });
        [rights, pointer]
            .into_iter()
            .flatten()
            .chain(edges)
            .chain(shown)
            .min()
    }

    /// When something was seen first.
    pub fn first_sight(&self) -> Option<Time> {
        let of = |s: &Stretch| {
            let acknowledged = s.acks.first().map(|a| a.time);
            acknowledged.or(s.pictures.first().map(|p| p.time))
        };
        self.stretches.iter().find_map(of)
    }

    /// How many picture updates were forwarded while they could be seen.
    pub fn pictures(&self) -> usize {
        self.stretches.iter().map(|s| s.pictures.len()).sum()
    }

    /// The stretch of sight that `time` lies in.
    pub(super) fn stretch_at(&self, time: Time) -> Option<usize> {
        let after = self.stretches.partition_point(|s| s.from <= time);
        let at = after.checked_sub(1)?;
        (time < self.stretches[at].to).then_some(at)
    }

    pub(super) fn pointer_at(&self, time: Time) -> Option<&PointerAt> {
        last_until(&self.pointers, time, |p| p.time)
    }
}

/// What an update begins with, without looking at the rest.
pub(super) fn head(content: &[u8]) -> Option<Head> {
    Head::read(&mut Reader::new(content)).ok()
}

/// Takes records in order.
#[derive(Debug)]
pub struct Builder {
    index: Index,
    mirror: Mirror,
    /// Overtook their rights frame.
    held: Vec<(usize, Header, Option<Vec<u8>>)>,
    /// True while the last stretch goes on.
    seeing: bool,
    talk: Talk,
    /// Sequence of the newest pointer, and of the newest that brought a shape.
    pointer: Option<u64>,
    shaped: Option<u64>,
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            index: Index {
                from: 0,
                to: 0,
                rights: Vec::new(),
                active: Vec::new(),
                gaps: Vec::new(),
                input: Inputs::default(),
                talk: Vec::new(),
                pieces: Vec::new(),
                text: None,
                end: Ended::Interrupted,
                misfits: Vec::new(),
                stretches: Vec::new(),
                pointers: Vec::new(),
            },
            mirror: Mirror::new(),
            held: Vec::new(),
            seeing: false,
            talk: Talk::default(),
            pointer: None,
            shaped: None,
        }
    }

    /// True if [`Self::handle`] needs the content of such a record.
    pub fn wants(kind: &Kind) -> bool {
        let Kind::Frame(header) = kind else {
            return false;
        };
        match header.class {
            Class::Rights | Class::Input | Class::Acks | Class::Notices | Class::Pointer => true,
            // Opened when a time is asked for, and then remembered.
            Class::Picture | Class::Refinement => false,
            Class::Heads | Class::Transfer | Class::Beacon => false,
        }
    }

    /// The next record. The content of a picture may be given and is then read for its first
    /// fields; that of what [`Self::wants`] names must be.
    pub fn handle(&mut self, at: usize, entry: &Entry, content: Option<&[u8]>) {
        let last = self.index.to;
        let interrupted = entry.kind == Kind::End(Ended::Interrupted) && last > 0;
        let time = match interrupted {
            // Written when the relay ran again; when it ended nobody knows.
            true => last + 1,
            // A clock that was set back must not turn the order round.
            false => entry.time.max(last),
        };
        if self.index.from == 0 {
            self.index.from = time;
        }
        self.index.to = time;
        match &entry.kind {
            Kind::Opening { epoch } => self.handle_epoch(*epoch, time),
            Kind::Frame(header) => self.handle_frame(at, header, content, time),
            Kind::Withheld(header) if header.class == Class::Input => {
                let input = Input::withheld(time, at, header);
                self.index.input.push(input);
            }
            Kind::Gap { from, to } => self.handle_gap(*from, (*to).min(time)),
            Kind::End(ended) => {
                self.index.end = ended.clone();
                self.blank(time);
                self.change(time, Rights::None, None);
            }
            Kind::Withheld(_) | Kind::Cut(_) | Kind::Other => {}
        }
    }

    /// Nothing more comes.
    pub fn finish(mut self) -> Index {
        self.index.input.finish();
        self.index
    }

    fn handle_epoch(&mut self, epoch: u32, time: Time) {
        let effect = self.mirror.handle_epoch(epoch);
        self.held.clear();
        self.apply(effect, time);
        self.note_active(time, false);
        self.change(time, Rights::None, None);
    }

    fn handle_gap(&mut self, from: Time, to: Time) {
        // What the technician saw from then on is not known.
        self.blank(from);
        if from < to {
            self.index.gaps.push((from, to));
        }
    }

    fn handle_frame(&mut self, at: usize, header: &Header, content: Option<&[u8]>, time: Time) {
        let fits = match (header.class, header.direction) {
            (Class::Rights, _) => self.handle_rights(header, content, time),
            (Class::Input, _) => self.handle_input(at, header, content, time),
            (Class::Acks, Direction::AgentToConsole) => content
                .and_then(|c| InputAck::from_bytes(c).ok())
                .map(|ack| {
                    self.index.input.handle_ack(header.epoch, &ack);
                }),
            (Class::Acks, Direction::ConsoleToAgent) => self.handle_drawn(header, content, time),
            (Class::Notices, Direction::AgentToConsole) => self.handle_notice(content, time),
            (Class::Pointer | Class::Picture | Class::Refinement, _) => {
                self.handle_screen(at, header, content, time)
            }
            (Class::Notices, Direction::ConsoleToAgent) => {
                self.handle_console_notice(content, time)
            }
            (Class::Heads | Class::Transfer | Class::Beacon, _) => Some(()),
        };
        if fits.is_none() {
            self.index.misfits.push((time, at));
        }
    }

    fn handle_rights(&mut self, header: &Header, content: Option<&[u8]>, time: Time) -> Option<()> {
        let cause = Cause::from_bytes(content?).ok()?;
        let taken = self.mirror.handle_rights(header, cause.clone()).ok();
        self.apply(taken.unwrap_or(Effect::Blank), time);
        self.change(time, self.mirror.rights(), Some(cause));
        for (at, header, content) in std::mem::take(&mut self.held) {
            self.handle_screen(at, &header, content.as_deref(), time);
        }
        taken.map(drop)
    }

    fn handle_input(
        &mut self,
        at: usize,
        header: &Header,
        content: Option<&[u8]>,
        time: Time,
    ) -> Option<()> {
        let input = Input::read(time, at, header, content?);
        let known = input.known();
        self.index.input.push(input);
        known.then_some(())
    }

    fn handle_drawn(&mut self, header: &Header, content: Option<&[u8]>, time: Time) -> Option<()> {
        let ack = PictureAck::from_bytes(content?).ok()?;
        let epoch = self.mirror.epoch();
        let Some(stretch) = self.index.stretches.last_mut().filter(|_| self.seeing) else {
            return Some(());
        };
        // One of a sight that has ended was still on its way.
        let of_this = header.epoch == epoch && header.grant >= stretch.grant;
        let another = stretch.acks.last().is_none_or(|last| {
            let again = last.sequence == ack.sequence;
            last.sequence < ack.sequence || (again && last.ahead != ack.ahead.0)
        });
        if of_this && another {
            stretch.acks.push(AckAt {
                time,
                sequence: ack.sequence,
                digest: Some(ack.digest),
                ahead: ack.ahead.0,
                pictures: stretch.pictures.len(),
            });
        }
        Some(())
    }

    fn handle_notice(&mut self, content: Option<&[u8]>, time: Time) -> Option<()> {
        match AgentNotice::from_bytes(content?).ok()? {
            AgentNotice::CustomerActive { active } => {
                self.mirror.handle_customer_active(active);
                self.note_active(time, active);
            }
            AgentNotice::TextVersion { version, language } => {
                self.index.text = Some((version, language.as_str().to_owned()));
            }
            AgentNotice::Transfer {
                id,
                direction,
                kind,
                name,
                size,
                outcome,
            } => self.index.pieces.push(PieceFact {
                time,
                id,
                to_customer: direction == Direction::ConsoleToAgent,
                kind,
                name: name.as_str().to_owned(),
                size,
                outcome,
            }),
            AgentNotice::Chat { chat } => {
                let from = (Direction::AgentToConsole, time);
                self.talk.handle(&mut self.index.talk, from, &chat);
            }
            AgentNotice::Layout { .. }
            | AgentNotice::OwnArea { .. }
            | AgentNotice::Protected { .. } => {}
        }
        Some(())
    }

    fn handle_console_notice(&mut self, content: Option<&[u8]>, time: Time) -> Option<()> {
        match ConsoleNotice::from_bytes(content?).ok()? {
            ConsoleNotice::Chat { chat } => {
                let from = (Direction::ConsoleToAgent, time);
                self.talk.handle(&mut self.index.talk, from, &chat);
            }
            ConsoleNotice::PictureWanted
            | ConsoleNotice::RecordingMismatch
            | ConsoleNotice::Point { .. } => {}
        }
        Some(())
    }

    fn handle_screen(
        &mut self,
        at: usize,
        header: &Header,
        content: Option<&[u8]>,
        time: Time,
    ) -> Option<()> {
        match self.mirror.may_draw(header) {
            Draw::Drop => return Some(()),
            Draw::Hold => {
                if self.held.len() < MOST_HELD {
                    self.held.push((at, *header, content.map(<[u8]>::to_vec)));
                }
                return Some(());
            }
            Draw::Draw => {}
        }
        if header.class == Class::Pointer {
            return self.handle_pointer(at, &Pointer::from_bytes(content?).ok()?, time);
        }
        self.index.stretches.last_mut()?.pictures.push(PictureAt {
            record: at,
            time,
            head: content.and_then(head),
        });
        Some(())
    }

    /// As the console's board takes them: a late one counts for its shape at most.
    fn handle_pointer(&mut self, at: usize, pointer: &Pointer, time: Time) -> Option<()> {
        let newer = self.pointer.is_none_or(|s| s < pointer.sequence);
        let reshaped = pointer.shape.is_some() && self.shaped.is_none_or(|s| s < pointer.sequence);
        if !newer && !reshaped {
            return Some(());
        }
        let last = self.index.pointers.last();
        let (mut visible, mut x, mut y) = last.map_or((false, 0, 0), |p| (p.visible, p.x, p.y));
        let mut shape = last.and_then(|p| p.shape);
        if newer {
            self.pointer = Some(pointer.sequence);
            (visible, x, y) = (pointer.visible, pointer.x, pointer.y);
        }
        if reshaped {
            self.shaped = Some(pointer.sequence);
            shape = Some(at);
        }
        self.index.pointers.push(PointerAt {
            time,
            visible,
            x,
            y,
            shape,
        });
        Some(())
    }

    fn apply(&mut self, effect: Effect, time: Time) {
        match effect {
            Effect::Blank => self.blank(time),
            Effect::Fresh => {
                self.blank(time);
                self.seeing = true;
                self.index.stretches.push(Stretch {
                    from: time,
                    to: Time::MAX,
                    grant: self.mirror.grant(),
                    pictures: Vec::new(),
                    acks: Vec::new(),
                    unproven: false,
                });
            }
            Effect::Keep => {}
        }
    }

    fn blank(&mut self, time: Time) {
        if !std::mem::take(&mut self.seeing) {
            return;
        }
        if let Some(stretch) = self.index.stretches.last_mut() {
            stretch.to = time.max(stretch.from);
        }
        if let Some(last) = self.index.pointers.last() {
            // A gap begins before it is recorded.
            let (time, shape) = (time.max(last.time), last.shape);
            self.index.pointers.push(PointerAt {
                time,
                visible: false,
                x: 0,
                y: 0,
                shape,
            });
        }
    }

    fn note_active(&mut self, time: Time, active: bool) {
        if self
            .index
            .active
            .last()
            .map_or(active, |last| last.1 != active)
        {
            self.index.active.push((time, active));
        }
    }

    fn change(&mut self, time: Time, rights: Rights, cause: Option<Cause>) {
        self.index.rights.push(Change {
            time,
            epoch: self.mirror.epoch(),
            rights,
            cause,
        });
    }
}

fn last_until<T>(all: &[T], time: Time, of: impl Fn(&T) -> Time) -> Option<&T> {
    let after = all.partition_point(|item| of(item) <= time);
    all.get(after.checked_sub(1)?)
}

fn first_after<T>(all: &[T], time: Time, of: impl Fn(&T) -> Time) -> Option<Time> {
    all.get(all.partition_point(|item| of(item) <= time))
        .map(of)
}

/// As many as the console keeps.
const MOST_HELD: usize = 64;

#[cfg(test)]
#[path = "index/tests.rs"]
mod tests;
