//! The seam between the session's engine and the window.
//!
//! ```text
//! engine ── View (newest wins) ──► window        window ── Command (bounded queue) ──► engine
//! ```
//!
//! The engine publishes what is; the window draws it and sends what the technician wants.
//! Pictures travel beside it ([`crate::picture`]). Neither side calls the other.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use fernsicht_protocol::chat::Fate;
use fernsicht_protocol::content::{Cause, InputEvent, Place, Screen};
use fernsicht_protocol::messages::{End, Page};
use fernsicht_protocol::net::Transport;
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::transfer::Reason;

/// Everything that the pages show.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Which page, and what is on it.
    pub stage: Stage,
    /// Who is enrolled here; empty before.
    pub technician: String,
    /// The relay's address; empty before enrolment.
    pub relay: String,
    /// What was measured last.
    pub measured: Measured,
    /// Counts input that the agent said it dropped.
    pub dropped: u64,
    /// The session that has just ended, for the last page.
    pub past: Option<Past>,
    /// In how many days the own certificate expires, if that is soon.
    pub expires_days: Option<u16>,
    /// Why the technician's own log cannot be written.
    pub log_problem: Option<String>,
    /// When the relay ends for maintenance, and the session with it.
    pub maintenance: Option<Instant>,
}

/// A session that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// When its two ends were paired, in seconds since 1970 UTC.
    pub began: u64,
    /// How long it lasted from there, in seconds.
    pub lasted_s: u64,
    /// True if it was recorded.
    pub recorded: bool,
}

/// The pages.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// No key yet: the token is asked for.
    Enrol {
        /// True while the relay is asked.
        busy: bool,
        /// Why the last try failed.
        problem: Option<Problem>,
    },
    /// Enrolled, no session.
    Ready {
        /// Why there is none.
        problem: Option<Problem>,
    },
    /// On the way to the relay.
    Connecting,
    /// A code is valid.
    Code(Code),
    /// The code is not valid any more; a new one is offered.
    CodeOver {
        /// Why.
        why: CodeOver,
    },
    /// Paired; no rights yet.
    Deciding {
        /// Which page the customer reads, where the agent said so.
        page: Option<Page>,
        /// When silence answers for the customer.
        until: Option<Instant>,
    },
    /// A session with its rights, which may be none.
    Session(Session),
    /// Over.
    Ended {
        /// Why.
        reason: End,
    },
}

/// A code that may be read out.
#[derive(Debug, Clone, PartialEq)]
pub struct Code {
    /// `4812 073 956`.
    pub grouped: String,
    /// When it expires.
    pub until: Instant,
    /// Tries left, 1 to 3.
    pub tries: u8,
    /// True if the code before it was spent by wrong tries, and this one came in its place.
    pub replaces: bool,
    /// What is happening to it.
    pub state: CodeState,
}

/// What is happening to a valid code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeState {
    /// Nobody has typed it yet.
    Waiting,
    /// An agent pairs.
    Pairing,
    /// The last try had the wrong password.
    Wrong,
    /// The last agent left before it was paired.
    AgentLeft,
}

/// Why a code is not valid any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeOver {
    /// Its time is over.
    Expired,
    /// Its tries are spent.
    Spent,
}

/// A running session.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// The rights in force.
    pub rights: Rights,
    /// Why they changed last.
    pub cause: Cause,
    /// True while the customer uses mouse or keyboard.
    pub customer_active: bool,
    /// True while the customer's computer asks what only a person can answer.
    pub protected: bool,
    /// The links' state.
    pub link: Link,
    /// Whether the recorder has failed since control was granted last.
    pub recorder: Recorder,
    /// True once the session is recorded; it stays so to its end.
    pub recorded: bool,
    /// Which page the customer reads, where the agent said so.
    pub page: Option<Page>,
    /// The screens in the picture, once the agent has told them.
    pub layout: Option<Layout>,
    /// When silence answers for the customer there.
    pub until: Option<Instant>,
    /// The text or file under way, or the last one.
    pub piece: Option<Piece>,
    /// True if another one can be offered or asked for.
    pub takes_pieces: bool,
    /// Where the agent's own windows lie in the picture: what is done there has no effect.
    pub own: Option<OwnArea>,
    /// What technician and customer have written.
    pub chat: Talk,
    /// Since when nothing has come from the customer's computer, though something should have.
    pub silent_since: Option<Instant>,
}

/// The agent's own windows in the picture of one layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnArea {
    /// Which pictures have it.
    pub layout: u32,
    /// In pixels of the picture.
    pub places: Vec<Place>,
}

/// The lines of a session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Talk {
    /// The oldest first.
    pub lines: Arc<Vec<Line>>,
    /// How many of the customer's have come.
    pub came: u32,
    /// True while nothing more can be written: too much is without an answer.
    pub full: bool,
}

/// A line of the chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Who wrote it.
    pub writer: Writer,
    /// One line that reads as it is written.
    pub text: String,
    /// Whether the customer can read the technician's.
    pub fate: Fate,
    /// When it was written or came, in seconds since 1970 UTC.
    pub at: u64,
}

/// Who wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// Whoever sits here.
    Technician {
        /// The line's number.
        number: u32,
    },
    /// The customer.
    Customer,
}

/// A text for the customer's clipboard, or a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// The file's name; empty for a text, and for a file that is not chosen yet.
    pub name: String,
    /// Its bytes.
    pub size: u64,
    /// True if it goes to the customer.
    pub to_customer: bool,
    /// How far it is.
    pub state: PieceState,
    /// Bytes per second so far, while it is under way.
    pub speed: Option<f64>,
}

impl Piece {
    /// True until it is over.
    pub fn under_way(&self) -> bool {
        match self.state {
            PieceState::Waiting | PieceState::Running { .. } => true,
            PieceState::Delivered | PieceState::Received(_) | PieceState::Ended(_) => false,
        }
    }
}

/// How far a text or a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PieceState {
    /// The customer is being asked.
    Waiting,
    /// Under way.
    Running {
        /// How much is there.
        percent: u8,
    },
    /// The customer has it.
    Delivered,
    /// It lies here.
    Received(PathBuf),
    /// It is over and not whole.
    Ended(Reason),
}

/// The screens that the customer shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Which pictures have it.
    pub generation: u32,
    /// The screens, in pixels of the picture.
    pub screens: Vec<Screen>,
}

impl Session {
    /// True if what the technician's hands do is sent.
    pub fn takes_input(&self) -> bool {
        self.rights.control() && self.link == Link::Whole
    }

    /// The screens in a picture of this layout; none while they are not known.
    pub fn screens_of(&self, layout: u32) -> &[Screen] {
        match &self.layout {
            Some(known) if known.generation == layout => &known.screens,
            Some(_) | None => &[],
        }
    }

    /// The agent's own windows in a picture of this layout.
    pub fn own_of(&self, layout: u32) -> &[Place] {
        match &self.own {
            Some(known) if known.layout == layout => &known.places,
            Some(_) | None => &[],
        }
    }

    /// True if what the technician points at is shown to the customer.
    pub fn points(&self) -> bool {
        self.rights == Rights::View && self.link == Link::Whole
    }

    /// True if a picture may be drawn.
    pub fn shows(&self) -> bool {
        self.rights.view() && self.link == Link::Whole
    }
}

/// Who is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Both.
    Whole,
    /// The customer's link is lost.
    PeerLost,
    /// Our own link is lost and being restored.
    OwnLost,
}

/// The relay's recorder, as far as the console is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorder {
    /// Nothing is known against it.
    Fine,
    /// It failed.
    Failed,
    /// It failed and takes again: the customer may switch control on.
    Back,
    /// What the relay states of the recording is not what happened here.
    Mismatch,
}

/// Statistics of the last second. None: not measured.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Measured {
    /// What carries the connection to the relay.
    pub transport: Option<Transport>,
    /// The round trip to the relay, in milliseconds.
    pub rtt_ms: Option<f64>,
    /// From the complete receipt of an update to its drawing, mean, in milliseconds.
    pub draw_ms: Option<f64>,
    /// Updates drawn per second.
    pub frames: Option<f64>,
    /// Bytes of frames received per second, headers and tags included.
    pub bytes: Option<f64>,
    /// Width and height of the picture.
    pub size: Option<(u32, u32)>,
    /// Complete pictures so far: repairs are among them.
    pub complete: Option<u64>,
}

/// What went wrong, as the technician is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The token cannot be read.
    #[error("not a token")]
    TokenForm,
    /// Unknown, used or expired.
    #[error("the relay refuses the token")]
    TokenRefused,
    /// No answer.
    #[error("{relay} cannot be reached: {detail}")]
    Unreachable {
        /// Its address.
        relay: String,
        /// What the system says.
        detail: String,
    },
    /// Another CA, name or role than the token's.
    #[error("{relay} is not the relay: {detail}")]
    WrongRelay {
        /// Its address.
        relay: String,
        /// What does not fit.
        detail: String,
    },
    /// A message that does not decode or fit.
    #[error("the relay's answer is not understood: {0}")]
    RelayAnswer(String),
    /// Key or certificate cannot be read or written.
    #[error("{path}: {detail}")]
    Storage {
        /// Where.
        path: String,
        /// What the system says.
        detail: String,
    },
    /// The key's file may be read by others.
    #[error("others can read {path}")]
    StorageOpen {
        /// Where.
        path: String,
    },
    /// There is no key here.
    #[error("not enrolled")]
    NotEnrolled,
    /// There is already a key here.
    #[error("already enrolled")]
    AlreadyEnrolled {
        /// As whom.
        technician: String,
        /// Where.
        relay: String,
        /// What to delete.
        path: String,
    },
    /// Our version.
    #[error("this program is too old for the relay")]
    TooOld,
    /// No room.
    #[error("the relay is full")]
    Full,
    /// It ends.
    #[error("the relay drains")]
    Draining,
    /// Our certificate.
    #[error("the certificate is revoked")]
    Revoked,
    /// Our certificate's time.
    #[error("the certificate is not valid")]
    Certificate,
    /// The relay's limit.
    #[error("too many tries, wait {minutes} minutes")]
    TooManyTries {
        /// How long to wait.
        minutes: u16,
    },
    /// A refusal without a better name.
    #[error("the relay refused this step")]
    Unexpected,
    /// The connection broke.
    #[error("the link broke: {0}")]
    Link(String),
    /// Our own misuse.
    #[error("internal: {0}")]
    Internal(String),
    /// The window system.
    #[error("no window: {0}")]
    Window(String),
}

/// What the technician wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Enrol with this token.
    Enrol {
        /// The token as pasted.
        token: String,
    },
    /// A session and its code; an unpaired one is given up.
    NewSession,
    /// End the session, or give the code up.
    End,
    /// Back to the ready page.
    Dismiss,
    /// The case number of the next session, or of the one that is not recorded yet. Empty: none.
    Case(String),
    /// The note on the session that is over, as far as it is typed.
    Note(String),
    /// "Look here", at this pixel of the picture.
    Point {
        /// From the left.
        x: u16,
        /// From the top.
        y: u16,
        /// A click.
        press: bool,
    },
    /// A line for the customer.
    Write(String),
    /// Texts and files.
    Piece(Wish),
    /// Mouse and keyboard.
    Input(InputEvent),
    /// The picture up to this update is on the screen.
    Drawn {
        /// Which update.
        mark: crate::picture::Mark,
        /// When the oldest update drawn with it had been received completely.
        received: Option<Instant>,
    },
    /// Statistics are wanted, or not any more.
    Measure(bool),
    /// The window closes.
    Quit,
}

/// What the technician wants of texts and files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// This text for the customer's clipboard.
    Text(String),
    /// This file for the customer.
    File(PathBuf),
    /// A file of the customer's, into this folder.
    Ask(PathBuf),
    /// Give up what is under way.
    Cancel,
}
