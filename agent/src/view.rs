//! What the pages show and what the customer's hand may ask for: the seam between the
//! session's engine and the UI.
//!
//! The engine publishes a [`View`]; the UI draws it and sends [`Command`]s back. Neither
//! side calls the other. A granting command carries [`Hand`], which only the UI's check
//! of provenance and visibility can make.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use fernsicht_protocol::chat::Fate;
use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::content::Screen;
use fernsicht_protocol::guard::CustomerAct;
use fernsicht_protocol::messages::ControlOffer;
use fernsicht_protocol::transfer::Reason;
use zeroize::Zeroizing;

use crate::hand::ScreenRect;
use crate::texts::Language;

/// Everything that the pages show.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Which page, and what is on it.
    pub stage: Stage,
    /// True if F11 is watched system-wide.
    pub stop_key: StopKey,
    /// Counts F11 presses seen, for the try-out on the start page.
    pub stop_presses: u32,
    /// The receipt of a session that was interrupted, found at the start.
    pub recovered: Option<PathBuf>,
}

/// Whether F11 can be relied upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StopKey {
    /// Not yet known.
    #[default]
    Unknown,
    /// Watched by raw events.
    Watched,
    /// Watched, and another program reacts to the key as well.
    Shared,
    /// Cannot be watched here.
    Unavailable,
}

/// The pages in their order.
#[derive(Debug, Clone, Default)]
pub enum Stage {
    /// The code entry; with the error that led back here, if any.
    #[default]
    Start,
    /// Code entry with an error sentence.
    StartError(Problem),
    /// Connecting and pairing.
    Connecting,
    /// The consent page.
    Consent(Consent),
    /// The choice of screens (only if there are several); nothing is captured yet.
    Screens {
        /// The technician.
        technician: Technician,
        /// The screens by number.
        screens: Vec<ScreenChoice>,
    },
    /// The card with the complaint code; nobody sees anything.
    Card(Card),
    /// Consent was given; the epoch is being opened.
    Starting(Starting),
    /// The bar.
    Session(Session),
    /// The end page.
    Ended(Ended),
}

/// What is being started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Starting {
    /// A session for looking only.
    Look,
    /// A recorded session.
    Recording,
    /// Recording, in a session that was for looking only.
    Upgrade,
}

/// The card.
#[derive(Debug, Clone)]
pub struct Card {
    /// The code.
    pub code: Arc<CardCode>,
    /// Where the receipt lies; none if no folder takes it.
    pub receipt: Option<PathBuf>,
}

/// The complaint code as it is shown. Its text is zeroised with the last page that shows it (what the
/// window system has drawn meanwhile is out of reach), and `Debug` says nothing of it.
pub struct CardCode {
    grouped: Zeroizing<String>,
    modules: Zeroizing<Vec<bool>>,
    width: usize,
}

impl CardCode {
    /// The code in groups and as a QR code.
    pub fn new(code: &Code) -> Self {
        let grouped = code.grouped();
        let qr = qrcode::QrCode::new(grouped.as_bytes()).ok();
        let width = qr.as_ref().map_or(0, qrcode::QrCode::width);
        let modules = qr.map_or_else(Vec::new, |qr| {
            let colours = qr.to_colors().into_iter();
            colours
                .map(|colour| colour == qrcode::Color::Dark)
                .collect()
        });
        Self {
            grouped,
            modules: Zeroizing::new(modules),
            width,
        }
    }

    /// The groups of four.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.grouped.split('-')
    }

    /// Modules of the QR code to a side.
    pub fn width(&self) -> usize {
        self.width
    }

    /// True if this module is dark. Row by row from the top left.
    pub fn dark(&self, column: usize, row: usize) -> bool {
        self.modules
            .get(row * self.width + column)
            .copied()
            .unwrap_or_default()
    }
}

impl std::fmt::Debug for CardCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CardCode(…)")
    }
}

/// Who is asking; made only from a verified certificate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Technician {
    /// First and last name.
    pub name: String,
    /// Department or contractor.
    pub organisation: String,
}

/// The consent page.
#[derive(Debug, Clone)]
pub struct Consent {
    /// Who is asking.
    pub technician: Technician,
    /// Whether control can be offered, and how.
    pub control: ControlOffer,
    /// When silence refuses.
    pub deadline: Instant,
    /// False if this computer cannot inject input.
    pub input_possible: bool,
}

/// A screen to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScreenChoice {
    /// Number, from 1.
    pub number: u8,
    /// Left edge on the desktop, in pixels.
    pub x: i16,
    /// Upper edge on the desktop, in pixels.
    pub y: i16,
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
}

impl From<&Screen> for ScreenChoice {
    fn from(screen: &Screen) -> Self {
        Self {
            number: screen.number,
            x: screen.x,
            y: screen.y,
            width: screen.width,
            height: screen.height,
        }
    }
}

impl ScreenChoice {
    /// As the platform names it.
    pub(crate) fn screen(&self) -> Screen {
        Screen {
            number: self.number,
            x: self.x,
            y: self.y,
            width: self.width,
            height: self.height,
        }
    }
}

/// The bar.
#[derive(Debug, Clone)]
pub struct Session {
    /// Who helps.
    pub technician: Technician,
    /// What the technician can do right now.
    pub state: BarState,
    /// Whether control can be switched on at all in this session, and how.
    pub control: ControlOffer,
    /// True if the session is recorded.
    pub recorded: bool,
    /// The question on the bar, if any.
    pub question: Option<Question>,
    /// A notice beside the state, if any.
    pub notice: Option<Notice>,
    /// The text or file that is asked about, under way, or was the last.
    pub transfer: Option<Transfer>,
    /// The screens, while the customer chooses anew which to show; else none.
    pub screens: Vec<ScreenChoice>,
    /// What customer and technician have written.
    pub chat: Chat,
}

/// The lines of the session. `Debug` names them by their state only: pages are compared by it.
#[derive(Clone, Default)]
pub struct Chat {
    lines: Arc<Vec<Line>>,
    /// Counts changes.
    state: u64,
    /// How many lines of the technician's have come.
    pub came: u32,
    /// True while nothing more can be written.
    pub full: bool,
}

impl Chat {
    /// The lines, the oldest first.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// For changing them.
    pub(crate) fn change(&mut self) -> &mut Vec<Line> {
        self.state += 1;
        Arc::make_mut(&mut self.lines)
    }
}

impl std::fmt::Debug for Chat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Chat({}, {})", self.state, self.full)
    }
}

/// A line of the chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Whose words these are.
    pub writer: Writer,
    /// One line that reads as it is written.
    pub text: String,
    /// Whether the technician has the customer's.
    pub fate: Fate,
}

/// Who wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// The technician.
    Technician,
    /// The customer.
    Customer {
        /// The line's number.
        number: u32,
    },
}

/// What the technician can do right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BarState {
    /// Sees.
    View,
    /// Sees and controls.
    Control,
    /// Showing is off.
    ViewOff,
    /// F11 or Stop was pressed.
    Stopped,
    /// The customer uses mouse or keyboard; remote input is dropped.
    CustomerFirst,
    /// The connection is interrupted.
    Reconnecting,
}

/// A question on the bar. While it is open nothing is injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Allow control as well?
    Upgrade,
    /// End the session?
    End,
    /// Still there? With the time at which the session ends.
    StillThere(Instant),
    /// May this text or file come, or go? With its number; [`Session::transfer`] says more.
    Transfer(u32),
    /// End the session, and start anew with administrator rights?
    Elevate(Elevate),
}

/// How far a start with administrator rights is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elevate {
    /// The customer is asked.
    Asked,
    /// The system asks the customer.
    Waiting,
    /// There is none: the system refused, or the customer refused there.
    Refused,
}

/// A text for the clipboard, or a file. `ask`: what an answer is to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transfer {
    /// May this text come to the clipboard?
    AskText {
        /// See above.
        ask: u64,
        /// Its beginning, as one line.
        start: String,
        /// True if that is all.
        whole: bool,
        /// In characters.
        length: usize,
    },
    /// May this file come?
    AskFile {
        /// See above.
        ask: u64,
        /// Its harmless name.
        name: String,
        /// In bytes.
        size: u64,
        /// Where it would go.
        folder: PathBuf,
    },
    /// The technician asks for a file.
    AskForFile {
        /// See above.
        ask: u64,
        /// Name and size of the one that the customer chose.
        chosen: Option<(String, u64)>,
        /// What he chose last is no file that can be read.
        unreadable: bool,
    },
    /// A file comes.
    Coming {
        /// Its name.
        name: String,
        /// How much is there.
        percent: u8,
    },
    /// A file goes.
    Going {
        /// Its name.
        name: String,
        /// How much is there.
        percent: u8,
    },
    /// What became of the last one.
    Over(Outcome),
}

/// What became of a text or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The text is on the clipboard.
    Clipboard,
    /// The file lies here.
    Received(PathBuf),
    /// The file of this name was sent.
    Sent(String),
    /// It is over, and nothing is left of it.
    Over(Reason),
    /// It is over, and some of it had left for the technician.
    Partly,
}

/// A notice on the bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The connection is back; control is off.
    Reconnected,
    /// The recorder failed; control is off.
    RecorderFailed,
    /// The recorder works again; control is off.
    RecorderBack,
    /// The shown screen is gone.
    ScreenGone,
    /// The screen cannot be read; the detail is for the phone.
    Unreadable(String),
    /// Input cannot be injected here.
    InputUnavailable,
    /// The computer asks something that only a person can answer.
    Protected {
        /// True if the program can be started anew with the rights that it lacks there.
        elevation: bool,
    },
}

/// The end page.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Who helped, if a name was shown before.
    pub technician: Option<Technician>,
    /// Why it ended.
    pub reason: EndReason,
    /// Seconds since 1970 UTC at the end.
    pub at: i64,
    /// How long the screen was seen, in seconds.
    pub viewed_s: u64,
    /// How long the computer was controlled, in seconds.
    pub controlled_s: u64,
    /// The receipt, if the session was recorded.
    pub receipt: Option<Receipt>,
    /// True if the program starts anew, with administrator rights, once this one is closed.
    pub successor: bool,
}

/// The receipt on the end page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// When the recording began, in seconds since 1970 UTC.
    pub from: i64,
    /// Where it lies.
    pub saved: Saved,
    /// True if the folder chosen last does not take it.
    pub failed: bool,
    /// Folders to choose from.
    pub places: Vec<PathBuf>,
}

/// Where the receipt lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// It is being written.
    NotYet,
    /// There.
    At(PathBuf),
    /// No folder takes it.
    Nowhere,
}

/// Why the session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndReason {
    /// `end-by-you`.
    Customer,
    /// `end-by-technician`.
    Technician,
    /// `end-by-refusal`.
    Refusal,
    /// `end-by-silence`.
    Silence,
    /// One of the error texts.
    Problem(Problem),
}

/// An error in the customer's words: each is one `error-…` text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// `error-code-letters`.
    CodeLetters,
    /// `error-code-short`.
    CodeShort,
    /// `error-code-typo`.
    CodeTypo,
    /// `error-code-wrong`.
    CodeWrong,
    /// `error-code-unknown`.
    CodeUnknown,
    /// `error-code-expired`.
    CodeExpired,
    /// `error-code-used`.
    CodeUsed,
    /// `error-too-many-tries`, with minutes to wait.
    TooManyTries(u16),
    /// `error-technician-left`.
    TechnicianLeft,
    /// `error-no-network`.
    NoNetwork,
    /// `error-relay-unreachable`.
    RelayUnreachable,
    /// `error-relay-full`.
    RelayFull,
    /// `error-relay-untrusted`.
    RelayUntrusted,
    /// `error-clock`.
    Clock,
    /// `error-agent-old`.
    AgentOld,
    /// `error-agent-damaged`.
    AgentDamaged,
    /// `error-technician-unverified`.
    TechnicianUnverified,
    /// `error-technician-revoked`.
    TechnicianRevoked,
    /// `error-ended-relay`.
    EndedRelay,
    /// `error-connection-lost`.
    ConnectionLost,
    /// `error-technician-lost`.
    TechnicianLost,
    /// `error-ended-recorder`.
    EndedRecorder,
    /// `error-ended-idle`.
    EndedIdle,
    /// `error-tampered`.
    Tampered,
    /// `error-screen-unreadable`, with the detail to say on the phone.
    ScreenUnreadable(String),
    /// `error-wayland`.
    Wayland,
    /// `error-internal`.
    Internal,
}

/// Proof that the customer's own hand pressed a button that was visible, unmoved and
/// uncovered for a second: the event came from a physical device, or from a declared aid.
/// Only [`crate::hand`] makes one; it is used up by the command that it allows.
#[derive(Debug)]
pub struct Hand {
    at: Instant,
}

impl Hand {
    /// For [`crate::hand`] alone, with the time of the press that vouches.
    pub(crate) fn pressed(at: Instant) -> Self {
        Self { at }
    }

    /// When the press came that vouches, or with a declared aid the click. A stop that came
    /// since then is newer than what the customer allowed here.
    pub(crate) fn at(&self) -> Instant {
        self.at
    }

    /// Uses the proof up for one act of the guard. The only place of this program that attests.
    pub(crate) fn into_act(self) -> CustomerAct {
        CustomerAct::attest()
    }
}

/// What the customer asks for. Those that grant carry a [`Hand`].
#[derive(Debug)]
pub enum Command {
    /// Connect with this code. The aid may not be declared later.
    Connect {
        /// The parsed code.
        code: fernsicht_protocol::code::SessionCode,
        /// True if the customer uses an on-screen keyboard or another aid.
        aid: bool,
    },
    /// Consent: only look.
    ConsentView(Hand),
    /// Consent: look and control, with the declaration read in this language.
    ConsentControl(Hand, Language),
    /// The card is done, with the code noted or not.
    CardDone(Hand),
    /// Refuse.
    Refuse,
    /// More time on the consent page.
    MoreTime,
    /// Show this screen, or all with `None`.
    ChooseScreen(Hand, Option<u8>),
    /// Show the screen again.
    ViewOn(Hand),
    /// Stop showing.
    ViewOff,
    /// Allow control (from `Stopped`, `View`: asks [`Question::Upgrade`] first where due).
    ControlOn(Hand),
    /// End control.
    ControlOff,
    /// Stop everything, like F11.
    Stop,
    /// Ask for the end of the session (opens [`Question::End`]).
    AskEnd,
    /// Answer to [`Question::Upgrade`]: yes, with the declaration read in this language.
    Yes(Hand, Language),
    /// Answer to [`Question::End`]: yes. It takes rights away, so it needs no proof.
    ConfirmEnd,
    /// Answer to [`Question::End`], [`Question::StillThere`] and [`Question::Elevate`]: go on. Control comes back if it
    /// was on, hence the proof.
    GoOn(Hand),
    /// Ask for a start with administrator rights (opens [`Question::Elevate`]).
    AskElevation,
    /// Answer to [`Question::Elevate`]: yes, and go on in this language.
    Elevate(Hand, Language),
    /// Answer to [`Question::Upgrade`]: no.
    No,
    /// A line for the technician.
    Write(String),
    /// The bar lies here on the desktop, in pixels; none while there is no bar.
    Placed(Option<ScreenRect>),
    /// Yes to this text or file; one that comes goes into this folder.
    TransferYes(Hand, u64, PathBuf),
    /// No to it. Control comes back if it was on, hence the proof.
    TransferNo(Hand, u64),
    /// End what is under way.
    TransferCancel,
    /// The file that could be sent.
    TransferFile(PathBuf),
    /// What became of it was read.
    TransferSeen,
    /// A page for the technician to know (consent, privacy).
    Reading(fernsicht_protocol::messages::Page),
    /// Save the receipt in this folder; after the end only.
    SaveReceipt(PathBuf),
    /// Show the receipt in the browser, for printing; while no session runs only.
    PrintReceipt,
    /// Back to the start for another code.
    Restart,
    /// The window closes: everything off, session over.
    Close,
}
