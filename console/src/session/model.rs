//! The session's core without window and network, for the model of both ends.
//!
//! Everything that decides is the program's own; imitated are the engine's loop and the painter.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fernsicht_protocol::content::InputEvent;
use fernsicht_protocol::frame::Frame;
use fernsicht_protocol::messages::{ConsoleToRelay, End, RelayToConsole};
use fernsicht_protocol::pairing::console::Paired;
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::unit::Record;

use super::core::{Core, Output};
use crate::identity::Identity;
use crate::picture::Mark;
use crate::view::Stage;

/// What is to be done.
#[derive(Debug)]
pub enum Out {
    /// Say this to the relay.
    Relay(ConsoleToRelay),
    /// Send this frame on the stream of its class.
    Frame(Frame),
    /// Sight has begun.
    Fresh,
    /// The picture goes, now: sight has ended, or the session is over.
    Blank,
    /// An opened update.
    Picture(Vec<u8>),
    /// Say why it is over behind everything that was sent, then close.
    Goodbye(End),
    /// The connection is not needed any more.
    Close,
}

/// The console's end.
pub struct Console {
    core: Core,
}

impl Console {
    /// A console that has just paired: what it says to the relay comes first.
    pub fn paired(identity: Arc<Identity>, paired: Paired, unix_s: u64) -> Self {
        let mut core = Core::new(identity);
        core.handle_clock(unix_s);
        core.handle_paired(paired);
        Self { core }
    }

    /// What to do next.
    pub fn poll_out(&mut self) -> Option<Out> {
        loop {
            return Some(match self.core.poll_output()? {
                Output::Relay(message) => Out::Relay(message),
                Output::Frame(frame) => Out::Frame(frame),
                Output::Fresh => Out::Fresh,
                Output::Blank | Output::Forget => Out::Blank,
                Output::Picture(update) => Out::Picture(update),
                Output::Goodbye(reason) => Out::Goodbye(reason),
                Output::Close => Out::Close,
                Output::Code(_) | Output::Pointer(_) | Output::Disk(_) => continue,
            });
        }
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.core.poll_timeout()
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.core.handle_timeout(now);
    }

    /// The relay says something.
    pub fn handle_relay(&mut self, message: RelayToConsole, now: Instant) {
        self.core.handle_relay(message, now);
    }

    /// A record of an in-order stream has come.
    pub fn handle_record(&mut self, record: Record) {
        self.core.handle_record(record);
    }

    /// A frame with a stream of its own has come.
    pub fn handle_single(&mut self, frame: Frame) {
        self.core.handle_single(frame);
    }

    /// A connection stands.
    pub fn handle_connected(&mut self) {
        self.core.handle_connected();
    }

    /// The connection broke and is being made again.
    pub fn handle_lost(&mut self) {
        self.core.handle_lost();
    }

    /// What the technician's hand did.
    pub fn input(&mut self, event: InputEvent) {
        self.core.handle_input(event, usize::MAX);
    }

    /// The picture up to this sequence is on the screen.
    pub fn drawn(&mut self, sequence: u64) {
        let mark = Mark {
            sequence,
            ..Mark::default()
        };
        self.core.handle_drawn(mark, Duration::ZERO);
    }

    /// The technician ends the session.
    pub fn end(&mut self) {
        self.core.end();
    }

    /// True if a lost connection is to be made again.
    pub fn resumable(&self) -> bool {
        self.core.resumable()
    }

    /// The rights that the technician is shown.
    pub fn rights(&self) -> Rights {
        match self.core.stage() {
            Stage::Session(session) => session.rights,
            Stage::Enrol { .. }
            | Stage::Ready { .. }
            | Stage::Connecting
            | Stage::Code(_)
            | Stage::CodeOver { .. }
            | Stage::Deciding { .. }
            | Stage::Ended { .. } => Rights::None,
        }
    }
}
