//! `access-log`: who did what with recordings.

use fernsicht_recordings::store::{Entry, Event};

use super::{Output, json, minute, number};
use crate::Error;
use crate::cli::say;
use crate::home::Home;

pub(crate) fn access_log(
    home: &Home,
    of: Option<&str>,
    check: bool,
    output: Output,
) -> Result<(), Error> {
    let of = of.map(number).transpose()?;
    let store = home.store()?;
    // Before anything is printed: what is printed then has been checked.
    let verified = if check {
        Some(store.verify_log()?)
    } else {
        None
    };
    let entries = store.entries(of.map(|number| number.hash()).as_ref())?;
    match output {
        Output::Json => say(&json(&entries)),
        Output::Text if entries.is_empty() => say("The access log has no such entries."),
        Output::Text => entries.iter().for_each(|entry| say(&line(entry))),
    }
    match verified {
        None => Ok(()),
        Some(Ok(whole)) => {
            if output == Output::Text {
                say(&format!(
                    "The access log is whole: {} entries.",
                    whole.entries
                ));
            }
            Ok(())
        }
        Some(Err(broken)) => Err(Error::Damaged(format!(
            "the access log is not as it was written: {broken}"
        ))),
    }
}

fn line(entry: &Entry) -> String {
    let what = match &entry.event {
        Event::AuditorEnrolled { auditor, .. } => format!("auditor enrolled: {auditor}"),
        Event::AuditorRevoked { auditor, .. } => format!("auditor revoked: {auditor}"),
        Event::Complaint {
            auditor,
            case,
            recording,
        } => format!(
            "complaint: case {case}, {auditor}, recording {}",
            short(recording)
        ),
        Event::HandOut {
            auditor,
            case,
            recording,
            ..
        } => format!(
            "hand-out: case {case}, {auditor}, recording {}",
            short(recording)
        ),
        Event::Reveal {
            auditor,
            case,
            recording,
            what,
        } => format!(
            "reveal: case {case}, {auditor}, recording {}: {what}",
            short(recording)
        ),
        Event::Export {
            auditor,
            case,
            recording,
            what,
        } => format!(
            "export: case {case}, {auditor}, recording {}: {what}",
            short(recording)
        ),
        Event::CaseClosed {
            auditor,
            case,
            recording,
        } => format!(
            "case closed: {case}, {auditor}, recording {}",
            short(recording)
        ),
        Event::Deletion { recording, reason } => {
            format!("deletion: recording {}, {reason}", short(recording))
        }
        Event::Alarm { what } => format!("alarm: {what}"),
    };
    format!("{:>6}  {}  {what}", entry.number, minute(entry.time))
}

/// Enough of H(L) to tell recordings apart.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
