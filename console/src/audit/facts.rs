//! What was found out about a recording, as plain facts: window, command line and report say the same.
//!
//! Times are in hundredths of a second since 1970 UTC, by the relay's clock.

use data_encoding::HEXLOWER;
use fernsicht_protocol::content::Cause;
use fernsicht_protocol::frame::Direction;
use fernsicht_protocol::messages::End;
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::transfer::{Kind, Outcome, size_text};
use fernsicht_recordings::finding::Check;
use jiff::Timestamp;

use super::Exit;
use super::index::PieceFact;
use super::index::talk::Said;
use crate::texts::{Language, Texts};
use crate::ui::pieces::why;

/// Everything about one opened recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The case reference.
    pub case: String,
    /// The number of the recording, as on the receipt.
    pub number: String,
    /// The relay.
    pub relay: String,
    /// The technician's name.
    pub technician: String,
    /// The technician's organisation.
    pub organisation: String,
    /// First record.
    pub from: u64,
    /// Last record.
    pub to: u64,
    /// Recorded epochs.
    pub epochs: u32,
    /// Bytes of the recording.
    pub bytes: u64,
    /// When it is deleted, in seconds since 1970 UTC.
    pub deletion: u64,
    /// How it ended; none: its end is missing.
    pub end: Option<End>,
    /// The overall verdict.
    pub verdict: Verdict,
    /// The check that kept it from opening; none if it opened.
    pub refused_at: Option<Check>,
    /// What was found, in the order of the checks; empty if nothing was.
    pub findings: Vec<Finding>,
    /// The rights, each change.
    pub rights: Vec<Change>,
    /// Texts for the customer's clipboard and files, by the agent's word.
    pub pieces: Vec<PieceFact>,
    /// What became of the technician's input.
    pub input: Input,
    /// What technician and customer wrote to each other.
    pub talk: Vec<Said>,
    /// The text version that the customer agreed to, and its language.
    pub text: Option<(String, String)>,
    /// Auditors to whom the recording is sealed.
    pub sealed_to: u32,
    /// The number of the access log's entry about this opening.
    pub entry: u64,
}

/// The overall verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Whole and unaltered.
    Sound,
    /// Unaltered as far as it goes; its end is missing.
    Interrupted,
    /// Something was altered or is missing.
    Altered,
    /// The code does not belong to this recording.
    WrongCode,
    /// Not sealed to this auditor.
    WrongKey,
    /// The agent sealed something else than what it used.
    SealedFalsely,
}

impl Verdict {
    /// The exit code.
    pub fn exit(self) -> Exit {
        match self {
            Self::Sound => Exit::Sound,
            Self::Interrupted => Exit::Interrupted,
            Self::Altered => Exit::Altered,
            Self::WrongCode => Exit::WrongCode,
            Self::WrongKey => Exit::WrongKey,
            Self::SealedFalsely => Exit::SealedFalsely,
        }
    }

    /// In words.
    pub fn text(self, texts: &Texts) -> String {
        texts.text(match self {
            Self::Sound => "audit-verdict-sound",
            Self::Interrupted => "audit-verdict-interrupted",
            Self::Altered => "audit-verdict-altered",
            Self::WrongCode => "audit-verdict-wrong-code",
            Self::WrongKey => "audit-verdict-wrong-key",
            Self::SealedFalsely => "audit-verdict-sealed-falsely",
        })
    }

    /// For `--json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Interrupted => "interrupted",
            Self::Altered => "altered",
            Self::WrongCode => "wrong code",
            Self::WrongKey => "wrong auditor key",
            Self::SealedFalsely => "sealed falsely",
        }
    }
}

/// One thing that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check that found it.
    pub check: Check,
    /// True if it means that the recording does not show what happened.
    pub grave: bool,
    /// Where: a record's number.
    pub record: Option<u64>,
    /// When.
    pub time: Option<u64>,
    /// What, in English: for experts.
    pub what: String,
}

/// The rights from a time on.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// When.
    pub time: u64,
    /// What was allowed.
    pub rights: Rights,
    /// Why, if it was said.
    pub cause: Option<Cause>,
}

/// Counts of the technician's input events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Input {
    /// The agent says that it was injected.
    pub injected: u64,
    /// The agent says that it was dropped, or the relay withheld it.
    pub dropped: u64,
    /// The recording does not say.
    pub undecided: u64,
}

/// Whole days until the deletion, rounded down; 0 on the last day and after it.
pub fn days_left(deletion_s: u64, now_s: u64) -> u64 {
    deletion_s.saturating_sub(now_s) / 86_400
}

/// A date and time as people read it, UTC.
pub fn time_text(centiseconds: u64) -> String {
    let milliseconds = i64::try_from(centiseconds.saturating_mul(10)).unwrap_or(i64::MAX);
    match Timestamp::from_millisecond(milliseconds) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => "–".into(),
    }
}

/// A date as people read it, UTC.
pub fn date_text(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    match Timestamp::from_second(seconds) {
        Ok(time) => time.strftime("%Y-%m-%d").to_string(),
        Err(_) => "–".into(),
    }
}

/// The rights in words.
pub fn rights_text(texts: &Texts, rights: Rights) -> String {
    texts.text(match rights {
        Rights::None => "audit-rights-none",
        Rights::View => "audit-rights-view",
        Rights::Control => "audit-rights-control",
    })
}

/// Why the rights changed, in words.
pub fn cause_text(texts: &Texts, cause: &Cause) -> String {
    texts.text(match cause {
        Cause::Granted => "audit-cause-granted",
        Cause::Narrowed => "audit-cause-narrowed",
        Cause::Stopped => "audit-cause-stopped",
        Cause::Question => "audit-cause-question",
        Cause::Answered => "audit-cause-answered",
        Cause::Lost => "audit-cause-lost",
        Cause::Recorder => "audit-cause-recorder",
        Cause::Computer => "audit-cause-computer",
        Cause::Ended => "audit-cause-ended",
        Cause::Epoch => "audit-cause-epoch",
    })
}

/// Who wrote a line that went this way, in words.
pub fn writer_text(texts: &Texts, direction: Direction) -> String {
    texts.text(match direction {
        Direction::ConsoleToAgent => "audit-talk-technician",
        Direction::AgentToConsole => "audit-talk-customer",
    })
}

/// A text or a file: which way, its name and size.
pub fn piece_text(texts: &Texts, fact: &PieceFact) -> String {
    let size = ("size", size_text(fact.size, decimal(texts)).into());
    let name = ("name", fact.name.as_str().into());
    match (&fact.kind, fact.to_customer) {
        (Kind::Text, _) => texts.with("audit-piece-text", [size]),
        (Kind::File, true) => texts.with("audit-piece-to-customer", [name, size]),
        // Before the customer has chosen one it has no name.
        (Kind::File, false) if fact.name.is_empty() => texts.text("audit-piece-wanted"),
        (Kind::File, false) => texts.with("audit-piece-from-customer", [name, size]),
    }
}

fn decimal(texts: &Texts) -> char {
    match texts.language() {
        Language::De => ',',
        Language::En => '.',
    }
}

/// What became of it, with the hash of what arrived, or how much of it had left.
pub fn piece_outcome(texts: &Texts, fact: &PieceFact) -> String {
    match &fact.outcome {
        Outcome::Allowed => texts.text("audit-piece-allowed"),
        Outcome::Complete { hash } => {
            let hash = HEXLOWER.encode(hash);
            texts.with("audit-piece-complete", [("hash", hash.into())])
        }
        Outcome::Ended { reason, sent: 0 } => why(texts, reason),
        Outcome::Ended { reason, sent } => {
            let why = why(texts, reason);
            let sent = size_text(*sent, decimal(texts));
            texts.with(
                "audit-piece-partly",
                [("why", why.into()), ("sent", sent.into())],
            )
        }
    }
}

/// How the session ended, in words.
pub fn end_text(texts: &Texts, end: Option<&End>) -> String {
    texts.text(match end {
        None => "audit-end-missing",
        Some(End::Customer) => "audit-end-customer",
        Some(End::Technician) => "audit-end-technician",
        Some(End::Refused | End::Silence | End::WrongCode | End::Unverified) => "audit-end-before",
        Some(End::Idle) => "audit-end-idle",
        Some(End::Relay) => "audit-end-relay",
        Some(End::Revoked) => "audit-end-revoked",
        Some(End::Lost) => "audit-end-lost",
        Some(End::Tampered) => "audit-end-tampered",
        Some(End::Fault) => "audit-end-fault",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_whole_and_never_negative() {
        assert_eq!(days_left(86_400 * 3, 0), 3);
        assert_eq!(days_left(86_400 * 3, 1), 2);
        assert_eq!(days_left(5, 10), 0);
    }

    #[test]
    fn times_read_as_dates() {
        assert_eq!(time_text(180_000_000_000), "2027-01-15 08:00:00 UTC");
        assert_eq!(date_text(1_800_000_000), "2027-01-15");
        assert_eq!(date_text(u64::MAX), "–");
    }
}
