//! What the session's threads share: the guard and the keys behind one lock, and the ways
//! to wake each other.
//!
//! Every change goes through [`Shared::change`]: it takes the lock, lets the guard decide,
//! then carries out the guard's outputs in their order *before* the lock is given back ([`settle`]). So
//! the rights frame is on its way, frames in flight are cancelled and held keys are due for
//! release when F11's thread returns.

mod settle;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use fernsicht_protocol::attached::Configuration;
use fernsicht_protocol::content::{self, AgentNotice, Input, Place};
use fernsicht_protocol::frame::{Class, Frame, Header};
use fernsicht_protocol::guard::Guard;
use fernsicht_protocol::messages::{AgentToRelay, CaseNumber, ControlOffer, End, Page};
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::unit::Record;
use fernsicht_protocol::wire::Wire;
use tokio::sync::{Notify, mpsc, watch};

use super::chat::Chat;
use super::decisions::{Acting, Decisions};
use super::elevation::Elevation;
use super::epochs::Keys;
use super::flights::{Flight, Flights};
use super::injector::Hands;
use super::pointing::Pointed;
use super::protected::Told;
use super::recording::Recording;
use super::transfer::Transfers;
use crate::hand::ScreenRect;
use crate::platform::watch::Seen;
use crate::platform::{Monitor, Selection, Shown, Waker};
use crate::texts::Language;
use crate::view::{CardCode, Stage, StopKey, Technician, View};

/// What leaves for the relay, in the order of its making.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// On the message stream.
    Message(AgentToRelay),
    /// On the stream of its in-order class.
    Record(Record),
    /// On a stream of its own; void once the cancellation counter has passed `cancels`.
    Single {
        /// The frame.
        frame: Frame,
        /// The counter when it was sealed.
        cancels: u64,
        /// Counts as under way until this is dropped.
        flight: Flight,
    },
    /// Nothing follows: deliver what is under way and close.
    Close,
}

/// How many units may wait for the link. Pictures are bounded by their own acknowledgements,
/// the rest is small; a queue this long means that the relay does not read.
pub(super) const OUTGOING: usize = 1024;

/// How much input may wait for the injector.
pub(super) const INPUT: usize = 256;

/// Shared by all threads of the engine.
pub(super) struct Shared {
    core: Mutex<Core>,
    /// Wakes the threads of pictures, pointer and injector.
    pub(super) stirred: Condvar,
    /// Wakes the driver: timers may have moved, or the session has ended.
    pub(super) rearm: Notify,
    /// Wakes the link: the injector has room again.
    pub(super) room: Notify,
    /// The technician's hand. Locked after `core`, never before it.
    pub(super) hands: Mutex<Option<Box<dyn Hands>>>,
    /// True while a key or a button is held for the technician.
    pub(super) holding: AtomicBool,
    /// How many threads carry out an F11 or wait to: all others let them go first.
    urgent: AtomicUsize,
    /// Frames of classes 6 to 9 that are not delivered yet.
    pub(super) flights: Arc<Flights>,
    /// Counts [`Output::CancelFrames`].
    pub(super) cancels: watch::Sender<u64>,
    view: watch::Sender<View>,
    repaint: Arc<dyn Fn() + Send + Sync>,
}

/// Guard and keys.
pub(super) struct Core {
    /// Whom the agent belongs to.
    pub(super) configuration: Arc<Configuration>,
    pub(super) guard: Guard,
    pub(super) keys: Option<Keys>,
    /// What is kept of a session that is recorded.
    pub(super) recording: Option<Recording>,
    /// The code, as long as the card is to be seen.
    pub(super) card: Option<Arc<CardCode>>,
    /// The language in which the customer agreed to be recorded.
    pub(super) agreed_in: Language,
    /// True if control was allowed in a session for looking only.
    pub(super) widened: bool,
    /// The receipt's file.
    pub(super) file: ReceiptFile,
    /// Folders where the receipt could be saved besides, when the session is over.
    pub(super) places: Vec<PathBuf>,
    /// True if the folder that the customer chose last does not take the receipt.
    pub(super) save_failed: bool,
    /// True while the relay says that its recorder does not work.
    pub(super) recorder_failed: bool,
    /// What became of the technician's input.
    pub(super) decisions: Decisions,
    /// The input that the injector is at.
    pub(super) acting: Option<Acting>,
    pub(super) outgoing: Option<mpsc::Sender<Outgoing>>,
    pub(super) stage: Before,
    pub(super) technician: Technician,
    /// Opened input that awaits the injector.
    pub(super) input: VecDeque<Queued>,
    /// Counts [`Output::ReleaseInput`]: input that was queued before the newest is void.
    pub(super) releases: u64,
    /// When F11 or Stop was last pressed: an act before it grants nothing.
    pub(super) stopped_at: Option<Instant>,
    /// When the session ended, in seconds since 1970 UTC.
    pub(super) ended_at: i64,
    /// True while held keys and buttons are due for release.
    pub(super) release: bool,
    /// What the customer shows.
    pub(super) selection: Selection,
    /// Counts choices.
    pub(super) selected: u64,
    /// True while the customer chooses anew what to show.
    pub(super) choosing: bool,
    /// The desktop's screens.
    pub(super) monitors: Vec<Monitor>,
    /// Since when they have been these; none while they are not known.
    pub(super) monitors_since: Option<Instant>,
    /// What is shown of them.
    pub(super) shown: Shown,
    /// The layout's generation, by which the console names it; 0 while nothing is shown.
    pub(super) layout: u32,
    /// What was sent is void (cancelled, another epoch): the picture starts afresh.
    pub(super) restart: bool,
    /// The console asks for a complete picture.
    pub(super) wanted: bool,
    /// The newest acknowledgement of the console, and when it came.
    pub(super) acknowledged: Option<(content::PictureAck, Instant)>,
    /// What the picture thread says about the screen, for the bar.
    pub(super) unreadable: Option<String>,
    /// When it was last seen that only a person can answer what the computer asks.
    pub(super) protected: Option<Instant>,
    pub(super) protected_told: Told,
    /// A start anew with administrator rights.
    pub(super) elevation: Elevation,
    /// True if this computer lets the agent inject.
    pub(super) input_possible: bool,
    /// Set when the program ends.
    pub(super) closing: bool,
    /// Wakes the picture thread out of its wait for damage.
    pub(super) wake_pictures: Option<Waker>,
    /// Wakes the pointer thread out of its wait for motion.
    pub(super) wake_pointer: Option<Waker>,
    /// The grant under which the pointer was last shown.
    pub(super) pointer_grant: u32,
    /// Where the technician points, until it is shown.
    pub(super) pointed: Option<Pointed>,
    /// Where the bar lies on the desktop.
    pub(super) own_place: Option<ScreenRect>,
    /// What the console was told of that: epoch, layout, places.
    pub(super) own_told: Option<(u32, u32, Vec<Place>)>,
    /// Lines between customer and technician.
    pub(super) chat: Chat,
    /// Texts and files.
    pub(super) transfers: Transfers,
    /// The page that the console was told of last.
    pub(super) page: Page,
    /// The technician's case number.
    pub(super) case: CaseNumber,
}

/// The receipt on this computer's disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum ReceiptFile {
    /// No session is recorded.
    #[default]
    None,
    /// The driver is to write it, or does.
    Wanted,
    /// It lies there.
    Saved(PathBuf),
    /// No folder takes it.
    Unsaved,
}

/// Input that awaits the injector.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) header: Header,
    /// None if the relay withheld it.
    pub(super) input: Option<Input>,
    /// [`Core::releases`] when it came.
    pub(super) releases: u64,
}

/// Where the session stands as long as the guard has no phase for it.
#[derive(Debug, Clone, Default)]
pub(super) enum Before {
    /// At the pages' start or an error of connecting.
    #[default]
    Idle,
    /// Something went wrong before a name could be shown.
    Failed(crate::view::Problem),
    /// Connecting and pairing.
    Connecting,
    /// The guard knows.
    Paired,
    /// As `Paired`; the customer chooses a screen for this consent.
    Screens(Consent),
    /// It ended by itself, for this reason instead of the guard's.
    Ended(crate::view::Problem),
}

/// Which consent awaits the choice of a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consent {
    View,
    /// In the language in which the declaration was read.
    Control(Language),
}

impl Shared {
    pub(super) fn new(
        configuration: Arc<Configuration>,
        repaint: Arc<dyn Fn() + Send + Sync>,
    ) -> (Arc<Self>, watch::Receiver<View>) {
        let (view, receiver) = watch::channel(View::default());
        let core = Core {
            configuration,
            guard: Guard::new(),
            keys: None,
            recording: None,
            card: None,
            agreed_in: Language::default(),
            widened: false,
            file: ReceiptFile::None,
            places: Vec::new(),
            save_failed: false,
            recorder_failed: false,
            decisions: Decisions::default(),
            acting: None,
            outgoing: None,
            stage: Before::Idle,
            technician: Technician::default(),
            input: VecDeque::new(),
            releases: 0,
            stopped_at: None,
            ended_at: 0,
            release: false,
            selection: Selection::default(),
            selected: 0,
            choosing: false,
            monitors: Vec::new(),
            monitors_since: None,
            shown: Shown::default(),
            layout: 0,
            restart: true,
            wanted: false,
            acknowledged: None,
            unreadable: None,
            protected: None,
            protected_told: Told::default(),
            elevation: Elevation::default(),
            input_possible: false,
            closing: false,
            wake_pictures: None,
            wake_pointer: None,
            pointer_grant: 0,
            pointed: None,
            own_place: None,
            own_told: None,
            chat: Chat::default(),
            transfers: Transfers::default(),
            page: Page::Consent,
            case: CaseNumber::default(),
        };
        let shared = Self {
            core: Mutex::new(core),
            stirred: Condvar::new(),
            rearm: Notify::new(),
            room: Notify::new(),
            hands: Mutex::new(None),
            holding: AtomicBool::new(false),
            urgent: AtomicUsize::new(0),
            flights: Arc::default(),
            cancels: watch::Sender::new(0),
            view,
            repaint,
        };
        (Arc::new(shared), receiver)
    }

    /// The lock. A thread that panicked while it had it leaves a guard that may be half-changed:
    /// the session ends rather than go on with it.
    pub(super) fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(|poisoned| {
            let mut core = PoisonError::into_inner(poisoned);
            self.core.clear_poison();
            core.guard.handle_end(Instant::now(), End::Fault);
            self.settle(&mut core);
            core
        })
    }

    /// The lock for threads that take it again and again: an F11 that waits for it goes first,
    /// which the lock by itself does not promise.
    pub(super) fn lock_politely(&self) -> MutexGuard<'_, Core> {
        while self.urgent.load(Ordering::Acquire) > 0 {
            std::thread::yield_now();
        }
        self.lock()
    }

    pub(super) fn hands(&self) -> MutexGuard<'_, Option<Box<dyn Hands>>> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the watch saw.
    pub(super) fn handle_seen(&self, seen: &Seen) {
        match seen {
            Seen::StopKey { at, .. } => {
                self.urgent.fetch_add(1, Ordering::AcqRel);
                self.change(|core| {
                    core.stopped_at = Some(*at);
                    core.choosing = false;
                    core.guard.handle_stop_key(*at);
                });
                self.urgent.fetch_sub(1, Ordering::AcqRel);
                self.view.send_modify(|view| view.stop_presses += 1);
                (self.repaint)();
            }
            Seen::Activity { at } => {
                let mut core = self.lock();
                core.guard.handle_customer_activity(*at);
                self.settle_quietly(&mut core);
            }
            Seen::Lost(_) => {
                self.set_stop_key(StopKey::Unavailable);
                self.change(|core| core.guard.handle_end(Instant::now(), End::Fault));
            }
        }
    }

    /// The receipt of an interrupted session, if one was found.
    pub(super) fn recovered(&self) -> Option<PathBuf> {
        self.view.borrow().recovered.clone()
    }

    /// The receipt of an interrupted session was found.
    pub(super) fn set_recovered(&self, path: Option<PathBuf>) {
        self.view.send_modify(|view| view.recovered = path);
        (self.repaint)();
    }

    pub(super) fn set_stop_key(&self, stop_key: StopKey) {
        self.view.send_modify(|view| view.stop_key = stop_key);
    }

    /// The pages are drawn again.
    pub(super) fn repaint(&self) {
        (self.repaint)();
    }
}

impl Core {
    /// Hands a unit to the link. One that does not fit ends the session: the relay does not
    /// read, and rights that cannot be told must not stay.
    pub(super) fn send(&mut self, unit: Outgoing) {
        let Some(outgoing) = &self.outgoing else {
            return;
        };
        if outgoing.try_send(unit).is_err() {
            self.cut();
            self.guard.handle_connection_lost(Instant::now());
        }
    }

    /// The connection is gone, and what was on its way with it.
    pub(super) fn cut(&mut self) {
        self.outgoing = None;
        if let Some(keys) = &mut self.keys {
            keys.cut();
        }
    }

    /// Seals a frame of an in-order class and hands it to the link.
    pub(super) fn seal_record(
        &mut self,
        class: Class,
        epoch: u32,
        grant: u32,
        rights: Rights,
        content: &[u8],
    ) {
        let sealed = self
            .keys
            .as_mut()
            .and_then(|keys| keys.seal(epoch, class, grant, rights, content));
        if let Some(frame) = sealed {
            let record = Record::Frame(frame);
            self.note_record(&record);
            self.send(Outgoing::Record(record));
        }
    }

    /// Sends a notice under the rights in force.
    pub(super) fn notice(&mut self, notice: &AgentNotice) {
        self.record(Class::Notices, &notice.to_bytes());
    }

    /// Tells the console that only a person can answer, and that it is over.
    fn tell_protected(&mut self) {
        let grant = self.guard.rights().control().then(|| self.guard.grant());
        let news = self.protected_told.news(grant, self.protected.is_some());
        if let Some(protected) = news {
            self.notice(&AgentNotice::Protected { protected });
        }
    }

    /// Seals a frame of an in-order class other than rights under the rights in force.
    pub(super) fn record(&mut self, class: Class, content: &[u8]) {
        // The keys' epoch: the guard has none any more when the last words are said.
        let epoch = self.keys.as_ref().map_or(0, Keys::epoch);
        let (grant, rights) = (self.guard.grant(), self.guard.rights());
        self.seal_record(class, epoch, grant, rights, content);
    }

    /// True while the technician may see.
    pub(super) fn sees(&self) -> bool {
        self.guard.rights().view() && self.outgoing.is_some()
    }

    /// Everything of a session is forgotten; the guard starts anew.
    pub(super) fn reset(&mut self, stage: Before) {
        self.guard = Guard::new();
        self.keys = None;
        self.recording = None;
        self.card = None;
        self.widened = false;
        self.file = ReceiptFile::None;
        self.places.clear();
        self.save_failed = false;
        self.recorder_failed = false;
        self.decisions = Decisions::default();
        self.acting = None;
        self.outgoing = None;
        self.stage = stage;
        self.technician = Technician::default();
        self.input.clear();
        self.release = true;
        self.choosing = false;
        self.selection = Selection::default();
        self.show_nothing();
        self.restart = true;
        self.wanted = false;
        self.pointer_grant = 0;
        self.pointed = None;
        (self.own_place, self.own_told) = (None, None);
        self.chat = Chat::default();
        self.transfers.reset();
        self.page = Page::Consent;
        self.case = CaseNumber::default();
        self.acknowledged = None;
        self.unreadable = None;
        (self.protected, self.protected_told) = (None, Told::default());
        self.elevation.reset();
    }

    /// Whether control can be offered on the pages.
    pub(super) fn offer(&self) -> ControlOffer {
        self.guard.offer().clone()
    }
}

impl PartialEq for Stage {
    fn eq(&self, other: &Self) -> bool {
        // Everything that a page shows is in its Debug form; pages change seldom.
        format!("{self:?}") == format!("{other:?}")
    }
}
