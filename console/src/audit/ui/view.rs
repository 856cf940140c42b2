//! The seam between the auditor's engine and the window.
//!
//! ```text
//! engine ── View (newest wins) ──► window        window ── Command (bounded queue) ──► engine
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::Failure;
use crate::audit::index::input::{Act, Tally};
use crate::audit::index::talk::Said;
use crate::audit::index::{Change, Ended, Index, PieceFact, Time};
use crate::audit::replay::{Finding, Moment, Stroke};

/// Everything that the pages show.
#[derive(Debug, Clone)]
pub struct View {
    /// Which page, and what is on it.
    pub page: Page,
    /// Who is enrolled here.
    pub who: Option<Who>,
    /// The case, while one is open.
    pub case: Option<Arc<Case>>,
    /// What is under way.
    pub busy: Option<Busy>,
    /// Why the last thing failed.
    pub failure: Option<Arc<Failure>>,
}

/// The pages.
#[derive(Debug, Clone)]
pub enum Page {
    /// No keys yet: token and a new passphrase are asked for.
    Enrol,
    /// The passphrase is asked for.
    Unlock,
    /// Which case, and receipt or code.
    Case(Arc<Overview>),
    /// What the checks found.
    Verification,
    /// The recording.
    Replay(Playing),
    /// What is to be exported; what was.
    Export {
        /// Files written.
        written: Vec<PathBuf>,
    },
}

/// Who audits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// The name in the certificate.
    pub name: String,
    /// The relay's address.
    pub relay: String,
}

/// What the relay tells without a complaint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overview {
    /// How many auditors there are.
    pub auditors: u16,
    /// Technicians with their counts.
    pub technicians: Vec<Technician>,
}

/// A technician's counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Technician {
    /// Name.
    pub name: String,
    /// Organisation.
    pub organisation: String,
    /// Recorded sessions.
    pub recorded: u32,
    /// Those among them that ended without a completed receipt.
    pub without_receipt: u32,
}

/// An opened recording.
#[derive(Debug, Clone)]
pub struct Case {
    /// The case reference.
    pub reference: String,
    /// The number of the recording.
    pub number: String,
    /// The technician, as the certificate names him.
    pub technician: String,
    /// The technician's organisation.
    pub organisation: String,
    /// When it will be deleted: seconds since 1970.
    pub deletion: u64,
    /// Whole days until then.
    pub days_left: u64,
    /// The entry of the access log that stands for this hand-out.
    pub entry: u64,
    /// What the checks found.
    pub verification: Verification,
    /// What is when; none if the recording could not be opened.
    pub track: Option<Arc<Track>>,
}

/// What the checks found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// All in one word.
    pub verdict: Verdict,
    /// Check by check.
    pub checks: Vec<Checked>,
}

/// All in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Whole, and nothing found.
    Sound,
    /// Nothing altered, but not whole.
    Incomplete,
    /// Altered, or not proven.
    Altered,
    /// It does not open.
    Closed,
}

/// The checks, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Records, chain, checkpoints.
    Chain,
    /// Who the technician was.
    Technician,
    /// The complaint code.
    Code,
    /// The auditor's key.
    Auditor,
    /// The commitment.
    Commitment,
    /// Every frame.
    Frames,
    /// What both ends signed.
    PeerHeads,
    /// Whether it goes to its end.
    End,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Which.
    pub check: Check,
    /// Its result.
    pub result: CheckResult,
    /// What was found, each with its place.
    pub details: Vec<String>,
}

/// A check's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckResult {
    /// In order.
    Passed,
    /// To be noted; nothing was altered.
    Noted,
    /// Failed.
    Failed,
    /// Not reached, since one before it failed.
    Skipped,
}

/// What the timeline and the list show, which does not change while it is played.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// The first record's time.
    pub from: Time,
    /// The last one's.
    pub to: Time,
    /// Changes of the rights.
    pub rights: Vec<Change>,
    /// What was not recorded.
    pub gaps: Vec<(Time, Time)>,
    /// Texts for the customer's clipboard and files.
    pub pieces: Vec<PieceFact>,
    /// What the technician did.
    pub acts: Vec<Act>,
    /// What technician and customer wrote.
    pub talk: Vec<Said>,
    /// What became of all of it.
    pub tally: Tally,
    /// How it ends.
    pub end: Ended,
}

impl From<&Index> for Track {
    fn from(index: &Index) -> Self {
        Self {
            from: index.from,
            to: index.to,
            rights: index.rights.clone(),
            gaps: index.gaps.clone(),
            pieces: index.pieces.clone(),
            acts: index.input.acts().to_vec(),
            talk: index.talk.clone(),
            tally: index.input.tally(),
            end: index.end.clone(),
        }
    }
}

/// The replay as it stands.
#[derive(Debug, Clone)]
pub struct Playing {
    /// What is to be seen.
    pub moment: Moment,
    /// True while it runs.
    pub running: bool,
    /// Speed in halves: 2 is as it was.
    pub speed: u8,
    /// Digests that do not fit, and the like.
    pub findings: Vec<Finding>,
    /// What was typed in the acts that were revealed.
    pub revealed: Arc<BTreeMap<usize, Vec<Stroke>>>,
}

/// What is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy {
    /// What.
    pub what: Step,
    /// How far, in thousandths; none if nobody knows.
    pub thousandths: Option<u16>,
}

/// Steps that take time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Enrolling.
    Enrolling,
    /// Deriving the key from the passphrase, then asking the relay.
    Unlocking,
    /// Taking the recording from the relay.
    Fetching,
    /// Checking it.
    Verifying,
    /// Having the relay note a reveal.
    Revealing,
    /// Exporting.
    Exporting,
}

/// What a complaint is proven with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The receipt's file.
    Receipt(PathBuf),
    /// The code, as typed.
    Code(Zeroizing<String>),
}

/// What is to be exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Where to.
    pub folder: PathBuf,
    /// The report.
    pub report: bool,
    /// The picture.
    pub video: bool,
}

/// What the auditor wants of the engine.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Make keys and have them certified.
    Enrol {
        /// The token as pasted.
        token: String,
        /// The new passphrase.
        passphrase: Zeroizing<String>,
        /// The same once more.
        again: Zeroizing<String>,
    },
    /// Open the keys and ask the relay.
    Unlock {
        /// The passphrase.
        passphrase: Zeroizing<String>,
    },
    /// Ask the relay for its counts anew.
    Refresh,
    /// State a complaint.
    Open {
        /// The case reference.
        reference: String,
        /// Receipt or code.
        proof: Proof,
    },
    /// To the replay.
    Watch,
    /// To the verification.
    Verification,
    /// To the export.
    ShowExport,
    /// Play or pause.
    Play(bool),
    /// Speed in halves.
    Speed(u8),
    /// Go there.
    Seek(Time),
    /// Show what was typed, once the relay has noted it.
    Reveal(usize),
    /// Mask it again.
    Mask(usize),
    /// Export.
    Export(Order),
    /// Leave the case.
    Close,
    /// The window closes.
    Quit,
}

/// The speeds, in halves.
pub const SPEEDS: [u8; 6] = [1, 2, 4, 8, 16, 32];
