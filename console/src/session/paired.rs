//! A paired session as the console keeps it: the keys, the mirror of the rights, the frames
//! that wait for their rights frame, and the tokens to come back with.
//!
//! Frames come in opened or are dropped here; what may be drawn and sent is the mirror's to say.
//! Not here: the way from a code to the pairing, and what the relay says ([`super::core`]).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use fernsicht_protocol::content::{AgentNotice, Beacon, Cause, DropReason, InputAck, Pointer};
use fernsicht_protocol::crypto::{Hash, Secret, SigningKey, hash};
use fernsicht_protocol::epoch;
use fernsicht_protocol::frame::{Class, Direction, Frame, Header};
use fernsicht_protocol::guard::{Draw, Effect, Mirror};
use fernsicht_protocol::messages::{
    CaseNumber, ConsoleToAgent, ConsoleToRelay, End, Page, SessionId,
};
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::transfer::Message;
use fernsicht_protocol::unit::Record;
use fernsicht_protocol::wire::{Blob, Wire};
use fernsicht_protocol::{pairing, peer};

use super::chat::Chat;
use super::core::Output;
use super::pieces::Pieces;
use super::recorded::{Confirmed, Recorded};
use crate::view::{self, Link, Recorder};

/// Frames kept until their rights frame comes: what a round trip can hold, no more.
const MOST_HELD: usize = 64;

/// Six beacons that did not come.
const SILENCE: Duration = Duration::from_secs(3);

/// Bytes of those frames.
const MOST_HELD_BYTES: usize = 32 << 20;

pub(super) struct Paired {
    pub(super) session: SessionId,
    pub(super) th2: Hash,
    /// H(leaf) of the technician.
    pub(super) leaf: Hash,
    /// `Sign(technician, "technician", th2)`.
    pub(super) signature: [u8; 64],
    pub(super) peer: peer::Channel,
    pub(super) resume: Resume,
    /// None before the first epoch, and from a loss to the next one: what is still on its way
    /// from before has no effect then.
    pub(super) keys: Option<Keys>,
    pub(super) mirror: Mirror,
    pub(super) cause: Cause,
    /// True once a rights frame has come.
    pub(super) begun: bool,
    pub(super) page: Option<Page>,
    /// When silence answers for the customer.
    pub(super) until: Option<Instant>,
    /// The case number that the agent was told; what stands when recording begins, stays.
    pub(super) case: CaseNumber,
    pub(super) link: Link,
    pub(super) recorder: Recorder,
    pub(super) held: VecDeque<Frame>,
    pub(super) held_bytes: usize,
    /// The customer was active: what he interrupted must be released first.
    pub(super) release_first: bool,
    pub(super) dropped: u64,
    /// Generation of the layout of the picture on the screen: positions are meant on it.
    pub(super) drawn: u32,
    /// The layout as the agent told it last.
    pub(super) layout: Option<view::Layout>,
    /// Where the agent's own windows lie in the picture of a layout.
    pub(super) own: Option<view::OwnArea>,
    /// Under which grant the customer's computer asks what only a person can answer.
    pub(super) protected: Option<u32>,
    pub(super) chat: Chat,
    /// When something of the agent's came last.
    pub(super) heard: Option<Instant>,
    /// True if nothing has come for so long that something should have.
    pub(super) silent: bool,
    /// Texts and files.
    pub(super) pieces: Pieces,
    /// From the first recorded epoch on.
    pub(super) recorded: Option<Box<Recorded>>,
    /// The relay's word on an epoch that the agent has not yet begun.
    pub(super) early: Option<Confirmed>,
}

pub(super) struct Keys {
    pub(super) sealer: epoch::Sealer,
    pub(super) opener: epoch::Opener,
}

/// What the agent says of a new epoch.
pub(super) struct EpochStart {
    pub(super) number: u32,
    pub(super) rid: Option<[u8; 16]>,
    pub(super) secret: Secret,
    pub(super) sealed_keys_hash: Hash,
}

pub(super) struct Resume {
    pub(super) key: Secret,
    /// The token that the relay awaits, as far as we know.
    pub(super) counter: u64,
    /// True while the answer to a resume with `counter` is outstanding.
    pub(super) asked: Option<u64>,
}

impl Paired {
    pub(super) fn view(&self) -> view::Session {
        view::Session {
            rights: self.mirror.rights(),
            cause: self.cause.clone(),
            customer_active: self.mirror.customer_active(),
            link: self.link,
            recorder: self.recorder,
            recorded: self.recorded.is_some(),
            page: self.page.clone(),
            layout: self.layout.clone(),
            until: self.until,
            own: self.own.clone(),
            protected: self.mirror.rights().control()
                && self.protected == Some(self.mirror.grant()),
            chat: self.chat.view(),
            silent_since: self.heard.filter(|_| self.silent),
            piece: self.piece_shown(),
            takes_pieces: self.piece_possible(),
        }
    }

    pub(super) fn seal(&mut self, class: Class, grant: u32, content: &[u8]) -> Option<Output> {
        let rights = self.mirror.rights();
        let keys = self.keys.as_mut()?;
        let frame = keys.sealer.seal(class, grant, rights, content);
        self.witness(&frame.header, || hash(&frame.ciphertext));
        Some(Output::Frame(frame))
    }

    /// The agent begins an epoch: nothing is granted until its first rights frame. One that is
    /// not recorded is acknowledged at once, a recorded one once the relay has confirmed it.
    pub(super) fn start_epoch(
        &mut self,
        start: &EpochStart,
        key: &SigningKey,
        now: Instant,
        out: &mut VecDeque<Output>,
    ) -> Result<(), End> {
        let number = start.number;
        if number <= self.mirror.epoch() {
            return Err(End::Tampered);
        }
        let epoch = epoch::Epoch::new(&self.session, start.rid, number, &self.th2, &start.secret);
        let keys = Keys {
            sealer: epoch.sealer(Direction::ConsoleToAgent),
            opener: epoch.opener(Direction::AgentToConsole),
        };
        self.keys = None;
        self.drop_held();
        let effect = self.mirror.handle_epoch(number);
        apply(effect, out);
        let Some(rid) = start.rid else {
            if self.recorded.is_some() {
                // Recording, once begun, lasts to the session's end.
                return Err(End::Tampered);
            }
            self.acknowledge(number, keys, None, out);
            return Ok(());
        };
        self.open_recorded(
            rid,
            number,
            keys,
            epoch.commitment(),
            start.sealed_keys_hash,
            out,
        )?;
        match self.early.take_if(|early| early.epoch() == number) {
            Some(early) => self.handle_recording(early, key, now, out),
            None => Ok(()),
        }
    }

    /// Tells the agent the case number, unless recording has begun.
    pub(super) fn tell_case(&mut self, case: CaseNumber, out: &mut VecDeque<Output>) {
        if self.recorded.is_some() {
            return;
        }
        self.case = case.clone();
        let packet = self.peer.seal(&ConsoleToAgent::Case { case }.to_bytes());
        out.push_back(Output::Relay(ConsoleToRelay::Peer {
            packet: Blob(packet),
        }));
    }

    /// From here on frames of the epoch are sealed and opened.
    pub(super) fn acknowledge(
        &mut self,
        epoch: u32,
        keys: Keys,
        signature: Option<[u8; 64]>,
        out: &mut VecDeque<Output>,
    ) {
        self.keys = Some(keys);
        let ack = ConsoleToAgent::EpochAck { epoch, signature };
        let packet = self.peer.seal(&ack.to_bytes());
        out.push_back(Output::Relay(ConsoleToRelay::Peer {
            packet: Blob(packet),
        }));
        // Before anything is written in this epoch: lines are answered in their order.
        self.repeat_chat(out);
    }

    /// When the agent counts as silent: under control its beacons come twice a second.
    pub(super) fn silence_due(&self) -> Option<Instant> {
        let speaks = self.mirror.rights().control() && self.link == Link::Whole;
        let heard = self.heard.filter(|_| speaks && !self.silent)?;
        Some(heard + SILENCE)
    }

    /// Something of the agent's has come.
    pub(super) fn handle_heard(&mut self, now: Instant) {
        (self.heard, self.silent) = (Some(now), false);
    }

    pub(super) fn lose(&mut self, link: Link, out: &mut VecDeque<Output>) {
        self.link = link;
        (self.heard, self.silent) = (None, false);
        self.cause = Cause::Lost;
        self.keys = None;
        self.interrupt_recording(link == Link::OwnLost);
        self.drop_held();
        let effect = self.mirror.handle_lost();
        apply(effect, out);
    }

    pub(super) fn handle_record(
        &mut self,
        record: Record,
        out: &mut VecDeque<Output>,
    ) -> Result<(), End> {
        match &record {
            Record::Frame(frame) => self.witness(&frame.header, || hash(&frame.ciphertext)),
            Record::Tombstone { header, hash } => self.witness(header, || *hash),
        }
        let Some(keys) = &mut self.keys else {
            return match self.mirror.epoch() {
                0 => Err(End::Tampered),
                _ => Ok(()),
            };
        };
        if record.header().epoch < keys.opener.epoch() {
            return Ok(());
        }
        let frame = match record {
            Record::Frame(frame) => frame,
            Record::Tombstone { header, .. } => {
                return keys.opener.skip(&header).map_err(|_| End::Tampered);
            }
        };
        let header = frame.header;
        let content = keys.opener.open(frame).map_err(|_| End::Tampered)?;
        match header.class {
            Class::Rights => self.handle_rights(&header, &content, out),
            Class::Acks => {
                let ack = InputAck::from_bytes(&content).map_err(|_| End::Fault)?;
                for range in &ack.dropped.0 {
                    if range.reason != DropReason::CustomerActive {
                        self.dropped += range.to.saturating_sub(range.from).saturating_add(1);
                    }
                }
                Ok(())
            }
            Class::Notices => self.handle_notice(&content, out),
            Class::Transfer => {
                let message = Message::from_bytes(&content).map_err(|_| End::Fault)?;
                self.handle_piece(message, out);
                Ok(())
            }
            // The agent's heads are for the auditor.
            Class::Heads => Ok(()),
            Class::Input | Class::Beacon | Class::Pointer | Class::Picture | Class::Refinement => {
                Err(End::Tampered)
            }
        }
    }

    pub(super) fn handle_rights(
        &mut self,
        header: &Header,
        content: &[u8],
        out: &mut VecDeque<Output>,
    ) -> Result<(), End> {
        let cause = Cause::from_bytes(content).map_err(|_| End::Fault)?;
        let effect = self
            .mirror
            .handle_rights(header, cause.clone())
            .map_err(|_| End::Tampered)?;
        apply(effect, out);
        self.cause = cause;
        self.begun = true;
        self.release_first = false;
        if header.rights == Rights::Control {
            self.recorder = Recorder::Fine;
        }
        if let Some(recorded) = self.recorded.as_mut().filter(|_| !header.rights.view()) {
            recorded.hurry();
        }
        self.piece_rights(header, out);
        let held = std::mem::take(&mut self.held);
        self.held_bytes = 0;
        for frame in held {
            self.handle_single(frame, out)?;
        }
        Ok(())
    }

    pub(super) fn handle_notice(
        &mut self,
        content: &[u8],
        out: &mut VecDeque<Output>,
    ) -> Result<(), End> {
        match AgentNotice::from_bytes(content).map_err(|_| End::Fault)? {
            AgentNotice::CustomerActive { active } => {
                self.release_first |= active;
                self.mirror.handle_customer_active(active);
            }
            AgentNotice::Layout {
                generation,
                screens,
                ..
            } => {
                self.layout = Some(view::Layout {
                    generation,
                    screens: screens.0,
                });
            }
            AgentNotice::Chat { chat } => self.handle_chat(&chat, out),
            AgentNotice::OwnArea { layout, places } => {
                self.own = Some(view::OwnArea {
                    layout,
                    places: places.0,
                });
            }
            AgentNotice::Protected { protected } => {
                self.protected = protected.then(|| self.mirror.grant());
            }
            // For the auditor.
            AgentNotice::TextVersion { .. } | AgentNotice::Transfer { .. } => {}
        }
        Ok(())
    }

    pub(super) fn handle_single(
        &mut self,
        frame: Frame,
        out: &mut VecDeque<Output>,
    ) -> Result<(), End> {
        let Some(keys) = &mut self.keys else {
            return Ok(());
        };
        let header = frame.header;
        if header.epoch != keys.opener.epoch() {
            return Ok(());
        }
        if header.class.shows_screen() {
            match self.mirror.may_draw(&header) {
                Draw::Draw => {}
                Draw::Drop => return Ok(()),
                Draw::Hold => {
                    self.hold(frame);
                    return Ok(());
                }
            }
        } else if header.grant > self.mirror.grant() {
            // A beacon that overtook its rights frame.
            self.hold(frame);
            return Ok(());
        }
        let content = keys.opener.open(frame).map_err(|_| End::Tampered)?;
        match header.class {
            Class::Beacon => {
                let beacon = Beacon::from_bytes(&content).map_err(|_| End::Fault)?;
                self.mirror.handle_beacon(&header, beacon.number);
            }
            Class::Pointer => {
                out.push_back(Output::Pointer(
                    Pointer::from_bytes(&content).map_err(|_| End::Fault)?,
                ));
            }
            Class::Picture | Class::Refinement => out.push_back(Output::Picture(content)),
            Class::Rights
            | Class::Input
            | Class::Acks
            | Class::Heads
            | Class::Notices
            | Class::Transfer => {
                return Err(End::Tampered);
            }
        }
        Ok(())
    }

    /// Keeps a frame that overtook its rights frame. What does not fit is lost, and the
    /// painter will ask for a complete picture.
    pub(super) fn hold(&mut self, frame: Frame) {
        let bytes = frame.ciphertext.len();
        if self.held.len() < MOST_HELD && self.held_bytes + bytes <= MOST_HELD_BYTES {
            self.held_bytes += bytes;
            self.held.push_back(frame);
        }
    }

    pub(super) fn drop_held(&mut self) {
        self.held = VecDeque::new();
        self.held_bytes = 0;
    }
}

impl Resume {
    pub(super) fn token_hash(&self, counter: u64) -> [u8; 32] {
        hash(pairing::resume_token(&self.key, counter).as_slice())
    }

    pub(super) fn ask(&mut self, session: SessionId) -> ConsoleToRelay {
        // Unanswered once, the relay may or may not have taken the token: both are tried.
        let counter = self.counter;
        self.asked = Some(counter);
        self.message(session, counter)
    }

    pub(super) fn ask_next(&mut self, session: SessionId) -> Option<ConsoleToRelay> {
        if self.asked != Some(self.counter) {
            return None;
        }
        let next = self.counter + 1;
        self.asked = Some(next);
        Some(self.message(session, next))
    }

    pub(super) fn message(&self, session: SessionId, counter: u64) -> ConsoleToRelay {
        ConsoleToRelay::Resume {
            session,
            token: *pairing::resume_token(&self.key, counter),
            next_hash: self.token_hash(counter + 1),
        }
    }
}

pub(super) fn apply(effect: Effect, out: &mut VecDeque<Output>) {
    match effect {
        Effect::Blank => out.push_back(Output::Blank),
        Effect::Fresh => out.push_back(Output::Fresh),
        Effect::Keep => {}
    }
}
