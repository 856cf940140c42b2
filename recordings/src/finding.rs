//! What a check found, and where (docs/recording-format.md §7, §8).
//!
//! [`Check`] names the steps in the order in which they are made; every [`Finding`] belongs to one. A
//! *grave* finding means that the recording does not show what happened, or that this cannot be told; the others
//! say what a sound recording may also be: interrupted, or with a gap that the recorder itself states.

use std::fmt;

use fernsicht_protocol::frame::{Class, Direction};
use fernsicht_protocol::{cert, epoch, wire};
use thiserror::Error;

use crate::reader;

mod place;

pub use place::{FrameId, Place};

/// The most findings that are kept; the others are counted.
pub const MAX_FINDINGS: usize = 256;

/// The steps of checking, in order (SPEC "Opening").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// Records, their chain, and the relay's checkpoints.
    Chain,
    /// The technician's certificate, the transcript, the epoch's signature.
    Technician,
    /// The complaint code (outer layer).
    Code,
    /// The auditor's key (inner layer).
    Auditor,
    /// The epoch's commitment.
    Commitment,
    /// Every frame.
    Frames,
    /// What agent and console signed of what they sent and received.
    PeerHeads,
    /// Whether the recording goes to its end.
    End,
}

impl Check {
    /// All, in order.
    pub const ALL: [Self; 8] = [
        Self::Chain,
        Self::Technician,
        Self::Code,
        Self::Auditor,
        Self::Commitment,
        Self::Frames,
        Self::PeerHeads,
        Self::End,
    ];
}

/// Something that a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// What.
    pub what: What,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

impl Finding {
    /// The check it belongs to.
    pub fn check(&self) -> Check {
        match &self.what {
            What::Unreadable(_) | What::Malformed(_) | What::Rule(_) => Check::Chain,
            What::Signer(_) | What::Checkpoint(_) => Check::Chain,
            What::Technician(_) => Check::Technician,
            What::Unopened(refusal) => refusal.check(),
            What::Frame(_) | What::Withheld => Check::Frames,
            What::HeadsSignature | What::HeadsAltered { .. } => Check::PeerHeads,
            What::HeadsMissing { .. } | What::Shortened { .. } => Check::PeerHeads,
            What::Gap { .. } | What::Interrupted { .. } => Check::End,
        }
    }

    /// False for what is told and means nothing: frames that an end sent last and nobody received.
    fn weighs(&self) -> bool {
        !matches!(
            self.what,
            What::HeadsMissing {
                received: false,
                ..
            }
        )
    }

    /// True if it means that the recording does not show what happened, or that this cannot be told.
    pub fn grave(&self) -> bool {
        match &self.what {
            What::Unreadable(_) | What::Malformed(_) | What::Rule(_) => true,
            What::Signer(_) | What::Checkpoint(_) | What::Technician(_) => true,
            What::Unopened(_) | What::Frame(_) | What::Withheld => true,
            What::HeadsSignature | What::HeadsAltered { .. } | What::Shortened { .. } => true,
            What::HeadsMissing {
                received, excused, ..
            } => *received && !*excused,
            What::Gap { .. } | What::Interrupted { .. } => false,
        }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum What {
    /// Nothing behind this place can be read.
    #[error("nothing can be read from here: {0}")]
    Unreadable(reader::Error),
    /// A record is not one of its kind.
    #[error("the record is malformed: {0}")]
    Malformed(wire::Error),
    /// The records do not follow each other as they must.
    #[error("{0}")]
    Rule(Rule),
    /// The signer of the checkpoints is not this operator's.
    #[error("the checkpoints' signer cannot be verified: {0}")]
    Signer(cert::Error),
    /// A checkpoint does not fit; the place is everything since the last one that did.
    #[error("altered, missing or added: {0}")]
    Checkpoint(Mismatch),
    /// It is not proven who the technician was.
    #[error("the technician is not proven: {0}")]
    Technician(Proof),
    /// The epoch could not be opened.
    #[error("the epoch does not open: {0}")]
    Unopened(Refusal),
    /// A frame does not open, or does not fit its place.
    #[error("{0}")]
    Frame(Fault),
    /// The recording holds no more than an input frame's hash, yet the agent says that it acted on it.
    #[error("the agent acted on input that the recording withholds")]
    Withheld,
    /// The signature under heads is not that of the end that sent them.
    #[error("the signature under the heads is wrong")]
    HeadsSignature,
    /// An end signed another head than the recorded frames have.
    #[error("{by} signed other frames than stand here: altered after number {after}")]
    HeadsAltered {
        /// Who signed.
        by: End,
        /// Up to this number (not included) the frames compared equal.
        after: u64,
    },
    /// An end signed for more frames than there are.
    #[error(
        "missing at the end of this class: {by} signed for {stated} frames, {present} are here"
    )]
    HeadsMissing {
        /// Who signed.
        by: End,
        /// How many frames it signed for.
        stated: u64,
        /// How many are here.
        present: u64,
        /// True if the signer had received them, so that they did pass the relay; what an end says
        /// that it sent may have been lost with its connection.
        received: bool,
        /// True if the recording says so itself: the recorder had failed then, or it is interrupted and
        /// the signature stands outside of it.
        excused: bool,
    },
    /// A checkpoint outside of the recording covers more than there is.
    #[error("the tail is missing: the relay has signed for {stated} bytes")]
    Shortened {
        /// How many bytes.
        stated: u64,
    },
    /// The recorder had failed; what came by then is not recorded.
    #[error("the recorder had failed: nothing is recorded from {from} to {to}")]
    Gap {
        /// In hundredths of a second since 1970 UTC.
        from: u64,
        /// In hundredths of a second since 1970 UTC.
        to: u64,
    },
    /// The recording ends without an end that the relay has signed.
    #[error("interrupted: {unsigned} bytes after the last checkpoint, {torn} of them torn")]
    Interrupted {
        /// Bytes that no checkpoint covers.
        unsigned: u64,
        /// Bytes of a last record that is not whole.
        torn: u64,
    },
}

/// One end of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// The customer's program.
    Agent,
    /// The technician's program.
    Console,
}

impl End {
    /// The end that sends in this direction.
    pub fn sender(direction: Direction) -> Self {
        match direction {
            Direction::AgentToConsole => Self::Agent,
            Direction::ConsoleToAgent => Self::Console,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Agent => "the agent",
            Self::Console => "the console",
        })
    }
}

/// How records must follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Rule {
    /// The first record is an opening.
    #[error("the recording does not begin with an opening")]
    OpeningFirst,
    /// Every opening is of the same recording, session and pairing.
    #[error("an opening of another recording")]
    SameRecording,
    /// Epochs rise.
    #[error("an epoch that is not a later one")]
    EpochOrder,
    /// More epochs than a recording can have.
    #[error("more than {MAX_EPOCHS} epochs")]
    TooManyEpochs,
    /// Times do not go back.
    #[error("the time goes back")]
    Time,
    /// A frame's epoch is open: its opening stands before it and no gap between.
    #[error("a frame of an epoch that is not recorded here")]
    ForeignEpoch,
    /// One signature for each epoch, behind its first checkpoint.
    #[error("an epoch signature that does not belong here")]
    StraySignature,
    /// Only the last checkpoint stands behind the end.
    #[error("a record behind the end")]
    AfterEnd,
}

/// The most epochs of one recording.
pub const MAX_EPOCHS: usize = fernsicht_protocol::epoch::MAX_EPOCHS as usize;

/// What of a checkpoint does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Mismatch {
    /// Not signed by the signer that the opening names.
    #[error("the checkpoint's signature is wrong")]
    Signature,
    /// Another recording's.
    #[error("the checkpoint is another recording's")]
    Recording,
    /// Not the time of its record.
    #[error("the checkpoint's time is not its record's")]
    Time,
    /// It covers another number of bytes.
    #[error("the checkpoint covers {stated} bytes, which is not here")]
    Length {
        /// How many.
        stated: u64,
    },
    /// Another chain.
    #[error("the checkpoint's chain is not that of these records")]
    Chain,
    /// Another head of one class.
    #[error(
        "the checkpoint's head of epoch {epoch}, {class:?}, {direction:?} is not that of these frames"
    )]
    Head {
        /// The epoch.
        epoch: u32,
        /// Who sealed the frames.
        direction: Direction,
        /// Their class.
        class: Class,
    },
    /// Not the heads that a checkpoint states.
    #[error("the checkpoint does not state the heads that it must")]
    HeadList,
}

/// What of the technician's proof fails.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Proof {
    /// ctx names another operator or session.
    #[error("the pairing's context is another one")]
    Context,
    /// th1 is not that of ctx and the shares.
    #[error("the transcript of the shares is wrong")]
    Th1,
    /// The certificate.
    #[error("{0}")]
    Certificate(cert::Error),
    /// th2 is not that of th1, the confirmations and the certificate.
    #[error("the transcript of the pairing is wrong")]
    Th2,
    /// The technician's signature over th2.
    #[error("the signature over the pairing is wrong")]
    Signature,
    /// The technician's signature over the epoch.
    #[error("the epoch's signature is wrong")]
    EpochSignature,
    /// The epoch was used without one.
    #[error("the epoch's signature is missing")]
    Unsigned,
}

/// What is wrong with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Fault {
    /// Its tag does not fit.
    #[error("a frame was altered")]
    Altered,
    /// Its padding is not what sealing makes.
    #[error("a frame's padding is wrong")]
    Padding,
    /// Its content is none of its class.
    #[error("a frame's content is malformed: {0}")]
    Content(wire::Error),
    /// Frames before it are missing.
    #[error("the frames from number {expected} up to this one are missing")]
    Missing {
        /// The first that is missing.
        expected: u64,
    },
    /// It was there before.
    #[error("a frame's number came before")]
    Repeated,
}

impl From<epoch::Error> for Fault {
    fn from(error: epoch::Error) -> Self {
        match error {
            epoch::Error::Altered | epoch::Error::Foreign => Self::Altered,
            epoch::Error::Number => Self::Repeated,
            epoch::Error::Padding => Self::Padding,
        }
    }
}

/// Why a recording, or one of its epochs, does not open. Each is a verdict of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The bytes are no recording that can be read.
    #[error("{0}")]
    Unreadable(reader::Error),
    /// No epoch is opened in it.
    #[error("the recording holds nothing")]
    Empty,
    /// What is needed to open it was altered, or is not proven; [`crate::verify`] tells all of it.
    #[error("altered, missing or not proven at {0}")]
    Altered(Place),
    /// The relay handed out no sealed keys for an epoch.
    #[error("the relay handed out no sealed keys")]
    NoKeys,
    /// The relay handed out other sealed keys than the technician signed for.
    #[error("the relay handed out other sealed keys than those recorded")]
    OtherKeys,
    /// The outer layer does not open.
    #[error("wrong code: this complaint code does not belong to this recording")]
    Code,
    /// The inner layer does not open.
    #[error("wrong auditor key: this recording was not sealed to this key")]
    Auditor,
    /// Code and key are right, but what was sealed is not the epoch's secret. The customer's program made
    /// it so; this accuses nobody.
    #[error("sealed falsely by the agent: what was sealed does not open the frames")]
    SealedFalsely,
}

impl Refusal {
    /// The check that refused.
    pub fn check(&self) -> Check {
        match self {
            Self::Unreadable(_) | Self::Empty | Self::Altered(_) => Check::Chain,
            Self::NoKeys | Self::OtherKeys => Check::Technician,
            Self::Code => Check::Code,
            Self::Auditor => Check::Auditor,
            Self::SealedFalsely => Check::Commitment,
        }
    }
}

/// All of it in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Whole, and nothing found.
    Sound,
    /// Nothing altered, but not whole: interrupted, or with a gap that the recording states.
    Incomplete,
    /// Altered, or not proven.
    Altered,
}

impl Verdict {
    /// Of these findings.
    pub fn of(findings: &[Finding]) -> Self {
        let weighs = findings.iter().filter(|finding| finding.weighs());
        let each = weighs.map(|finding| match finding.grave() {
            true => Self::Altered,
            false => Self::Incomplete,
        });
        each.max().unwrap_or(Self::Sound)
    }
}

/// Findings as they come, with a bound.
#[derive(Debug, Clone, Default)]
pub(crate) struct Findings {
    pub(crate) list: Vec<Finding>,
    pub(crate) more: u64,
}

impl Findings {
    pub(crate) fn add(&mut self, place: Place, what: What) {
        match self.list.len() < MAX_FINDINGS {
            true => self.list.push(Finding { place, what }),
            false => self.more += 1,
        }
    }
}
