//! `auditor add | list | revoke`.

use fernsicht_recordings::store::{Event, hex};

use super::technician::{state_in_json, state_in_words};
use super::{Output, day, json, token};
use crate::Error;
use crate::cli::{say, unix_now};
use crate::home::Home;
use crate::register::{Auditor, Register, TOKEN_VALID_S};

pub(crate) fn add_auditor(home: &Home, name: &str) -> Result<(), Error> {
    // Said here, where the key can be fetched, and not to the auditor's program later.
    drop(home.authority()?);
    let mut register = home.register()?;
    let (id, secret) = register.add_auditor(name.trim(), unix_now())?;
    say(&format!(
        "Auditor {} has been added: {}.\n\
         One-time token for fernsicht-auditor, valid until {}:\n\n{}\n\n\
         Hand it over on a safe way: whoever has it first enrols as this auditor.\n\
         After the enrolment make the agent anew: only agents made then seal to this auditor.",
        id.0,
        name.trim(),
        day(unix_now() + TOKEN_VALID_S),
        token(home, secret)?.encode(),
    ));
    warn(&register)
}

pub(crate) fn list_auditors(home: &Home, output: Output) -> Result<(), Error> {
    let register = home.register()?;
    let auditors = register.auditors()?;
    if output == Output::Json {
        say(&json(&auditors.iter().map(Line::of).collect::<Vec<_>>()));
        return Ok(());
    }
    for auditor in &auditors {
        say(&format!(
            "{:>4}  {}: {}",
            auditor.id.0,
            auditor.name,
            state_in_words(auditor.state, unix_now())
        ));
    }
    warn(&register)
}

pub(crate) fn revoke_auditor(home: &Home, who: &str) -> Result<(), Error> {
    let mut register = home.register()?;
    let auditor = register.find_auditor(who)?;
    let now = unix_now();
    register.revoke_auditor(auditor.id, now)?;
    let event = Event::AuditorRevoked {
        auditor: auditor.name.clone(),
        certificate: auditor.sealing.map(|sealing| hex(&sealing.certificate)),
    };
    home.store()?
        .log(event, u64::try_from(now).unwrap_or_default())?;
    say(&format!(
        "Auditor {} ({}) has been revoked and gets nothing from this relay any more.\n\
         Make the agent anew at once: agents made before still seal to this key.",
        auditor.id.0, auditor.name
    ));
    warn(&register)
}

/// Says what an operator must know at the start of `serve`.
pub(crate) fn warn_of_few_auditors(home: &Home) -> Result<(), Error> {
    warn(&home.register()?)
}

/// What an operator must know while there is none or only one auditor.
fn few_auditors(good: &[Auditor]) -> Option<String> {
    match good {
        [] => Some(
            "No auditor is enrolled: nothing can be recorded, so that customers can only permit looking.\n\
             Add one: fernsicht-relay auditor add \"First Last\""
                .to_owned(),
        ),
        [one] => Some(format!(
            "There is only one auditor ({}). If that key or its passphrase is lost, no recording can ever\n\
             be opened again. Add another: fernsicht-relay auditor add \"First Last\"",
            one.name
        )),
        [_, _, ..] => None,
    }
}

fn warn(register: &Register) -> Result<(), Error> {
    if let Some(warning) = few_auditors(&register.good_auditors(unix_now())?) {
        say(&format!("\n{warning}"));
    }
    Ok(())
}

#[derive(serde::Serialize)]
struct Line<'a> {
    id: i64,
    name: &'a str,
    state: &'static str,
    /// Until when, or since when if revoked.
    time: i64,
    /// X25519, in hexadecimal.
    key: Option<String>,
    /// SHA-256 of the certificate.
    certificate: Option<String>,
}

impl<'a> Line<'a> {
    fn of(auditor: &'a Auditor) -> Self {
        let (state, time) = state_in_json(auditor.state);
        Self {
            id: auditor.id.0,
            name: &auditor.name,
            state,
            time,
            key: auditor.sealing.map(|sealing| hex(&sealing.key)),
            certificate: auditor.sealing.map(|sealing| hex(&sealing.certificate)),
        }
    }
}
