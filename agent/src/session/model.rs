//! The session's core under another clock: no screen, no hand, no network. For the model of both ends.
//!
//! ```text
//! acts, messages, records, time ─► Agent ─► Out (what leaves for the relay), injected events
//! ```
//!
//! Everything that decides is the program's own; imitated are the driver's loop, the threads and
//! the computer. Where the core reads the clock by itself, the guard keeps the latest time that it was told:
//! the caller's times must lie ahead of the real one, and [`Agent::advance`] comes before everything else.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fernsicht_protocol::attached::Configuration;
use fernsicht_protocol::content::InputEvent;
use fernsicht_protocol::frame::{Class, Frame};
use fernsicht_protocol::guard::{ControlPermit, Guard};
use fernsicht_protocol::messages::{AgentToRelay, ControlOffer, End, RelayToAgent, SessionId};
use fernsicht_protocol::pairing::agent::Paired;
use fernsicht_protocol::unit::Record;
use tokio::sync::mpsc;

use super::core::{Core, OUTGOING, Outgoing, ReceiptFile, Shared};
use super::injector::{self, Hands, Own};
use super::pictures::{self, Sealed};
use super::recording::{self, Recording};
use super::{link, pairing};
use crate::platform::watch::Seen;
use crate::platform::{self, Area, Screen, Shown, inject};
use crate::texts::Language;
use crate::view::{Command, Hand};

/// What leaves for the relay.
#[derive(Debug)]
pub enum Out {
    /// On the message stream.
    Message(AgentToRelay),
    /// On the stream of its in-order class.
    Record(Record),
    /// On a stream of its own; void once [`Agent::cancels`] has passed `cancels`.
    Single {
        /// The frame.
        frame: Frame,
        /// The counter when it was sealed.
        cancels: u64,
        /// Counts as under way until this is dropped.
        flight: Box<dyn Any + Send>,
    },
    /// Nothing follows.
    Close,
}

/// What the customer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// "Yes, only look."
    ConsentView,
    /// "Yes, look and control."
    ConsentControl,
    /// The card is done.
    CardDone,
    /// Refuses.
    Refuse,
    /// "Show screen."
    ViewOn,
    /// "Stop showing."
    ViewOff,
    /// "Allow control."
    ControlOn,
    /// "End control."
    ControlOff,
    /// The Stop button.
    Stop,
    /// F11.
    StopKey,
    /// Yes to the question of control.
    Yes,
    /// No to it.
    No,
    /// Goes on after a question.
    GoOn,
    /// Asks to end.
    AskEnd,
    /// Ends.
    ConfirmEnd,
    /// Uses mouse or keyboard.
    Activity,
}

/// The agent's end.
pub struct Agent {
    shared: Arc<Shared>,
    queue: Option<mpsc::Receiver<Outgoing>>,
    computer: Computer,
}

impl Agent {
    /// An agent whose computer can be steered.
    pub fn new(configuration: Arc<Configuration>) -> Self {
        let (shared, _no_pages) = Shared::new(configuration, Arc::new(|| {}));
        let computer = Computer::default();
        *shared.hands() = Some(Box::new(computer.clone()));
        {
            let mut core = shared.lock();
            core.input_possible = true;
            core.show(LAYOUT, shown());
        }
        Self {
            shared,
            queue: None,
            computer,
        }
    }

    /// A connection stands; what comes from here on leaves over it.
    pub fn attach(&mut self) {
        let (outgoing, queue) = mpsc::channel(OUTGOING);
        self.queue = Some(queue);
        self.shared.lock().outgoing = Some(outgoing);
    }

    /// Paired: the consent page opens. `offer` is that of the relay's hello.
    pub fn handle_paired(&mut self, now: Instant, paired: Paired, offer: ControlOffer) {
        let offer = self.offered(offer);
        self.shared.handle_paired(now, paired, offer);
    }

    /// The relay says something.
    pub fn handle_message(&mut self, now: Instant, message: RelayToAgent) {
        self.shared.handle_message(now, message);
        self.write_receipt();
    }

    /// A record of an in-order stream has come.
    pub fn handle_record(&mut self, record: Record) {
        link::handle_record(&self.shared, record);
    }

    /// The connection is lost.
    pub fn handle_lost(&mut self, now: Instant) {
        self.queue = None;
        self.shared.handle_lost(now);
    }

    /// The relay has taken the resume token that was `ahead`; attach first.
    pub fn handle_resumed(&mut self, now: Instant, offer: ControlOffer, ahead: u64) {
        let offer = self.offered(offer);
        self.shared.handle_resumed(now, offer, ahead);
    }

    /// The session is over for a reason that the driver found.
    pub fn handle_end(&mut self, now: Instant, reason: End) {
        self.shared
            .change(|core| core.guard.handle_end(now, reason));
    }

    /// Time has passed.
    pub fn advance(&mut self, now: Instant) {
        self.shared.handle_timeout(now);
    }

    /// When the guard wants to be told the time.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.shared.lock().guard.poll_timeout()
    }

    /// The customer does something.
    pub fn act(&mut self, now: Instant, act: Act) {
        let hand = || Hand::pressed(now);
        let command = match act {
            Act::ConsentView => Command::ConsentView(hand()),
            Act::ConsentControl => Command::ConsentControl(hand(), Language::default()),
            Act::CardDone => Command::CardDone(hand()),
            Act::Refuse => Command::Refuse,
            Act::ViewOn => Command::ViewOn(hand()),
            Act::ViewOff => Command::ViewOff,
            Act::ControlOn => Command::ControlOn(hand()),
            Act::ControlOff => Command::ControlOff,
            Act::Stop => Command::Stop,
            Act::Yes => Command::Yes(hand(), Language::default()),
            Act::No => Command::No,
            Act::GoOn => Command::GoOn(hand()),
            Act::AskEnd => Command::AskEnd,
            Act::ConfirmEnd => Command::ConfirmEnd,
            Act::StopKey => {
                return self.shared.handle_seen(&Seen::StopKey {
                    server_time: 0,
                    physical: true,
                    at: now,
                });
            }
            Act::Activity => return self.shared.handle_seen(&Seen::Activity { at: now }),
        };
        self.shared.handle_command(now, Some(command));
        self.shared.change(|core| {
            if core.shown == Shown::default() {
                // A choice was made: the picture thread would show it.
                core.show(LAYOUT, shown());
            }
        });
        self.write_receipt();
    }

    /// Reads the screen. The grant of the permit, if there was one.
    pub fn capture(&mut self, now: Instant) -> Option<u32> {
        let mut core = self.shared.lock();
        let permit = core.guard.view_permit(now)?;
        Some(permit.grant())
    }

    /// Seals what was read under `grant`. True if it is on its way.
    pub fn send_picture(&mut self, grant: u32, class: Class, update: &[u8]) -> bool {
        pictures::seal(&self.shared, grant, class, update) == Sealed::Sent
    }

    /// The injector's next step. False if there is nothing to do.
    pub fn serve_input(&mut self) -> bool {
        let mut core = self.shared.lock();
        if core.release {
            core.release = false;
            drop(core);
            injector::release(&self.shared);
            return true;
        }
        if core.input.is_empty() {
            let waiting = core.decisions.waiting();
            core.acknowledge();
            self.shared.settle_quietly(&mut core);
            return waiting;
        }
        injector::serve(&self.shared, &self.computer, core);
        true
    }

    /// This end's heads are due.
    pub fn send_heads(&mut self) {
        self.shared.change(Core::send_heads);
    }

    /// True if heads are due some time.
    pub fn stirred(&self) -> bool {
        let core = self.shared.lock();
        core.recording.as_ref().is_some_and(Recording::stirred)
    }

    /// The session is over and its last checkpoint has come or will not: nothing follows.
    pub fn finish(&mut self) {
        self.shared.lock().send(Outgoing::Close);
    }

    /// What leaves next.
    pub fn poll_out(&mut self) -> Option<Out> {
        Some(match self.queue.as_mut()?.try_recv().ok()? {
            Outgoing::Message(message) => Out::Message(message),
            Outgoing::Record(record) => Out::Record(record),
            Outgoing::Single {
                frame,
                cancels,
                flight,
            } => Out::Single {
                frame,
                cancels,
                flight: Box::new(flight),
            },
            Outgoing::Close => Out::Close,
        })
    }

    /// Counts the cancellations of frames.
    pub fn cancels(&self) -> u64 {
        *self.shared.cancels.borrow()
    }

    /// The token to come back with, `ahead` of the registered one, and the hash of its successor.
    pub fn resume(&self, ahead: u64) -> Option<(SessionId, [u8; 32], [u8; 32])> {
        let core = self.shared.lock();
        let keys = core.keys.as_ref()?;
        let (token, next) = keys.resume(ahead);
        Some((keys.session, token, next))
    }

    /// True if the relay may have a recording of this session.
    pub fn recorded(&self) -> bool {
        self.shared.lock().recorded()
    }

    /// The complaint code, while the card is to be seen.
    pub fn card(&self) -> Option<String> {
        let core = self.shared.lock();
        let card = core.card.as_ref()?;
        Some(card.groups().collect::<Vec<_>>().join("-"))
    }

    /// Reads the guard.
    pub fn guard<T>(&self, read: impl FnOnce(&Guard) -> T) -> T {
        read(&self.shared.lock().guard)
    }

    /// The events that were injected since the last call, in order.
    pub fn injected(&mut self) -> Vec<InputEvent> {
        std::mem::take(&mut *self.computer.injected())
    }

    fn offered(&self, offer: ControlOffer) -> ControlOffer {
        let configuration = self.shared.lock().configuration.clone();
        recording::offer(&configuration, offer, pairing::seconds_since_1970())
    }

    /// No folder takes the receipt: the card is shown all the same.
    fn write_receipt(&self) {
        let mut core = self.shared.lock();
        if core.file == ReceiptFile::Wanted {
            core.receipt_written(None);
        }
    }
}

/// A console that has drawn nothing names this one.
const LAYOUT: u32 = 0;

/// What is shared.
fn shown() -> Shown {
    Shown::new(vec![Screen {
        number: 1,
        x: 0,
        y: 0,
        width: 1000,
        height: 1000,
    }])
}

/// The agent's own windows cover the rows above this one.
pub const OWN_ROWS: u16 = 10;

/// A computer that takes every event and has the agent's windows at the top.
#[derive(Debug, Clone, Default)]
struct Computer(Arc<Mutex<Vec<InputEvent>>>);

impl Computer {
    fn injected(&self) -> std::sync::MutexGuard<'_, Vec<InputEvent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hands for Computer {
    fn prepare(&mut self, _event: &InputEvent) -> Result<Option<Duration>, inject::Error> {
        Ok(None)
    }

    fn inject(&mut self, permit: &ControlPermit<'_>, _area: Area) -> Result<(), inject::Error> {
        self.injected().push(permit.event().clone());
        Ok(())
    }

    fn holding(&self) -> bool {
        false
    }

    fn release_held(&mut self) -> Result<(), inject::Error> {
        Ok(())
    }

    fn ease(&mut self, _now: Instant) -> Result<Option<Instant>, inject::Error> {
        Ok(None)
    }
    fn give_back(&mut self) -> Result<Option<Duration>, inject::Error> {
        Ok(None)
    }
}

impl Own for Computer {
    fn own_at(&self, _x: i16, y: i16) -> Result<bool, platform::Error> {
        Ok(y < OWN_ROWS.cast_signed())
    }

    fn own_has_focus(&self) -> Result<bool, platform::Error> {
        Ok(false)
    }
}
