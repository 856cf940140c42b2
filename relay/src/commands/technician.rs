//! `technician add | list | revoke`.

use super::{Output, day, json, token};
use crate::Error;
use crate::cli::{say, unix_now};
use crate::home::Home;
use crate::register::{State, TOKEN_VALID_S, Technician};

pub(crate) fn add(home: &Home, name: &str, organisation: Option<String>) -> Result<(), Error> {
    let organisation = organisation.unwrap_or_else(|| home.config.operator.clone());
    // Said here, where the key can be fetched, and not to the console later.
    drop(home.authority()?);
    let (id, secret) = home
        .register()?
        .add(name.trim(), organisation.trim(), unix_now())?;
    say(&format!(
        "Technician {} has been added: {}, {}.\n\
         One-time token for the console, valid until {}:\n\n{}\n\n\
         Hand it over on a safe way: whoever has it first enrols as this technician.\n\
         The console will connect to {}.",
        id.0,
        name.trim(),
        organisation.trim(),
        day(unix_now() + TOKEN_VALID_S),
        token(home, secret)?.encode(),
        home.config.public_address,
    ));
    Ok(())
}

pub(crate) fn list(home: &Home, output: Output) -> Result<(), Error> {
    let technicians = home.register()?.list()?;
    if output == Output::Json {
        say(&json(&technicians.iter().map(Line::of).collect::<Vec<_>>()));
        return Ok(());
    }
    if technicians.is_empty() {
        say(
            "There are no technicians yet. Add one: fernsicht-relay technician add \"First Last\" --organisation NAME",
        );
    }
    for technician in technicians {
        say(&format!(
            "{:>4}  {}, {}: {}",
            technician.id.0,
            technician.name,
            technician.organisation,
            state_in_words(technician.state, unix_now())
        ));
    }
    Ok(())
}

pub(crate) fn revoke(home: &Home, who: &str) -> Result<(), Error> {
    let mut register = home.register()?;
    let technician = register.find(who)?;
    register.revoke(technician.id, unix_now())?;
    say(&format!(
        "Technician {} ({}) has been revoked. Sessions of this technician end within a second.",
        technician.id.0, technician.name
    ));
    Ok(())
}

#[derive(serde::Serialize)]
struct Line<'a> {
    id: i64,
    name: &'a str,
    organisation: &'a str,
    state: &'static str,
    /// Until when, or since when if revoked.
    time: i64,
}

impl<'a> Line<'a> {
    fn of(technician: &'a Technician) -> Self {
        let (state, time) = state_in_json(technician.state);
        Self {
            id: technician.id.0,
            name: &technician.name,
            organisation: &technician.organisation,
            state,
            time,
        }
    }
}

pub(super) fn state_in_words(state: State, now: i64) -> String {
    match state {
        State::Invited { until } if until < now => "token expired, never enrolled".to_owned(),
        State::Invited { until } => format!("not yet enrolled, token valid until {}", day(until)),
        State::Enrolled { until } if until < now => {
            format!("certificate expired on {}", day(until))
        }
        State::Enrolled { until } => format!("enrolled until {}", day(until)),
        State::Revoked { since } => format!("revoked on {}", day(since)),
    }
}

pub(super) fn state_in_json(state: State) -> (&'static str, i64) {
    match state {
        State::Invited { until } => ("invited", until),
        State::Enrolled { until } => ("enrolled", until),
        State::Revoked { since } => ("revoked", since),
    }
}
