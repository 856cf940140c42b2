//! `recordings list | verify | prune | delete`.
//!
//! Lists say nothing of a recording's content or people before a complaint names it.

use fernsicht_protocol::complaint::Lookup;
use fernsicht_protocol::crypto::Hash;
use fernsicht_recordings::finding::Verdict;
use fernsicht_recordings::store::{self, Reason, Recording, State, Store, clock};
use fernsicht_recordings::verify::{Outline, Verifier};

use super::{Output, bytes, json, minute, number};
use crate::Error;
use crate::cli::{say, unix_now};
use crate::home::Home;

pub(crate) fn list_recordings(home: &Home, output: Output) -> Result<(), Error> {
    let recordings = home.store()?.list()?;
    if output == Output::Json {
        say(&json(&recordings.iter().map(Line::of).collect::<Vec<_>>()));
        return Ok(());
    }
    if recordings.is_empty() {
        say("There are no recordings.");
    }
    for recording in &recordings {
        say(&words(recording));
    }
    Ok(())
}

pub(crate) fn verify(home: &Home, of: Option<&str>, output: Output) -> Result<(), Error> {
    let store = home.store()?;
    let recordings = match of {
        Some(text) => {
            let (_, recording) = named(&store, text)?;
            vec![recording]
        }
        None => {
            let mut all = store.list()?;
            all.retain(|recording| recording.state != State::Deleted);
            all
        }
    };
    let ca = home.ca_fingerprint();
    let checked: Vec<Checked> = recordings
        .iter()
        .map(|recording| Checked {
            // Who has the number may know what the technician called the case.
            case: of.and(recording.case.clone()),
            ..Checked::of(&store, &ca, recording)
        })
        .collect();
    match output {
        Output::Json => say(&json(&checked)),
        Output::Text => checked.iter().for_each(Checked::print),
    }
    let damaged = checked.iter().filter(|one| one.damaged()).count();
    match damaged {
        0 => Ok(()),
        _ => Err(Error::Damaged(format!(
            "{damaged} of {} recordings are not as they were written",
            checked.len()
        ))),
    }
}

/// Deletes what is due; with `dry_run` only says what.
pub(crate) fn prune(home: &Home, dry_run: bool, clock_is_right: bool) -> Result<(), Error> {
    let store = home.store()?;
    let now = clock::read().map_err(Error::system("cannot read the clocks"))?;
    if dry_run {
        let due = store.would_delete(&now)?;
        due.iter().for_each(|recording| say(&words(recording)));
        say(&format!("{} recordings would be deleted.", due.len()));
        return Ok(());
    }
    if clock_is_right {
        store.accept_clock(&now)?;
    }
    let run = store.run_retention(&now)?;
    say(&format!(
        "{} recordings have been deleted.",
        run.deleted.len()
    ));
    if let Some(alarm) = run.alarm {
        say(&format!("WARNING: {alarm}"));
    }
    if run.keys_missing > 0 {
        say(&format!(
            "WARNING: {} recordings have no keys, so that nobody can open them: is the key directory in its place?",
            run.keys_missing
        ));
    }
    match run.failed.first() {
        None => Ok(()),
        Some(error) => Err(Error::Incomplete(format!(
            "not everything could be deleted: {error}; it is tried again every hour"
        ))),
    }
}

/// Deletes one recording at once.
pub(crate) fn delete(home: &Home, text: &str, reason: Reason) -> Result<(), Error> {
    let store = home.store()?;
    let (number, recording) = named(&store, text)?;
    if let Some(deleted) = recording.deleted {
        return Err(Error::AlreadyDeleted {
            number: number.to_string(),
            day: minute(deleted),
        });
    }
    let now = u64::try_from(unix_now()).unwrap_or_default();
    store.delete(&recording, reason, now)?;
    say(&format!(
        "The recording {number} has been deleted; the access log says so."
    ));
    Ok(())
}

fn named(store: &Store, text: &str) -> Result<(Lookup, Recording), Error> {
    let number = number(text)?;
    match store.find_by_number(&number)? {
        Some(recording) => Ok((number, recording)),
        None => Err(Error::NoRecording(number.to_string())),
    }
}

fn words(recording: &Recording) -> String {
    let began = minute(recording.started);
    let what = match (recording.state, recording.deleted) {
        (State::Active, _) => "is being written".to_owned(),
        (State::Closed, _) => format!("complete, {}", bytes(recording.bytes)),
        (State::Interrupted, _) => format!("interrupted, {}", bytes(recording.bytes)),
        (State::Stored, _) if recording.interrupted => {
            format!("stored, interrupted, {}", bytes(recording.bytes))
        }
        (State::Stored, _) => format!("stored, {}", bytes(recording.bytes)),
        (State::Deleted, deleted) => {
            return format!(
                "{:>6}  {began}  deleted on {}",
                recording.id.0,
                minute(deleted.unwrap_or_default())
            );
        }
    };
    format!(
        "{:>6}  {began}  {what}, to be deleted on {}",
        recording.id.0,
        minute(recording.deletion)
    )
}

#[derive(serde::Serialize)]
struct Line {
    id: i64,
    state: &'static str,
    interrupted: bool,
    /// Seconds since 1970 UTC, as all times here.
    started: u64,
    ended: Option<u64>,
    deletion: u64,
    deleted: Option<u64>,
    reason: Option<&'static str>,
    bytes: u64,
}

impl Line {
    fn of(recording: &Recording) -> Self {
        Self {
            id: recording.id.0,
            state: recording.state.word(),
            interrupted: recording.interrupted,
            started: recording.started,
            ended: recording.ended,
            deletion: recording.deletion,
            deleted: recording.deleted,
            reason: recording.deletion_reason.map(Reason::word),
            bytes: recording.bytes,
        }
    }
}

/// What can be checked without any key.
#[derive(serde::Serialize)]
struct Checked {
    id: i64,
    /// The technician's case number, if the recording was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<String>,
    /// `sound`, `incomplete` (interrupted, or with a stated gap), `altered` or `unreadable`.
    verdict: &'static str,
    bytes: u64,
    records: u64,
    checkpoints: u64,
    findings: Vec<String>,
}

impl Checked {
    fn of(store: &Store, ca: &Hash, recording: &Recording) -> Self {
        let checked = outline(store, ca, recording);
        let id = recording.id.0;
        match checked {
            Ok(outline) => Self {
                id,
                case: None,
                verdict: match outline.verdict() {
                    Verdict::Sound => "sound",
                    Verdict::Incomplete => "incomplete",
                    Verdict::Altered => "altered",
                },
                bytes: outline.length,
                records: outline.records,
                checkpoints: outline.checkpoints,
                findings: outline.findings.iter().map(ToString::to_string).collect(),
            },
            Err(fault) => Self {
                id,
                case: None,
                verdict: "unreadable",
                bytes: 0,
                records: 0,
                checkpoints: 0,
                findings: vec![fault],
            },
        }
    }

    fn damaged(&self) -> bool {
        matches!(self.verdict, "altered" | "unreadable")
    }

    fn print(&self) {
        say(&format!(
            "{:>6}  {}, {} records",
            self.id, self.verdict, self.records
        ));
        if let Some(case) = &self.case {
            say(&format!("        case number {case}"));
        }
        for finding in &self.findings {
            say(&format!("        {finding}"));
        }
    }
}

/// Reads a recording to its end. Err: it cannot be read, in words.
fn outline(store: &Store, ca: &Hash, recording: &Recording) -> Result<Outline, String> {
    let failed = |error: store::Error| error.to_string();
    let mut reading = store.reading(recording).map_err(failed)?;
    if recording.state != State::Active && reading.length() < recording.bytes {
        return Err(format!(
            "{} of {} bytes are missing at its end",
            recording.bytes - reading.length(),
            recording.bytes
        ));
    }
    let mut verifier = Verifier::new(ca);
    while let Some(block) = reading.next_blocking().map_err(failed)? {
        verifier.handle_bytes(&block);
    }
    Ok(verifier.finish())
}
