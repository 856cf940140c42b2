//! What the commands beside `serve` do and say. Each prints for people, or JSON if asked.

mod access_log;
mod agent;
mod auditor;
mod recordings;
mod technician;

use std::fmt::Write as _;

use clap::ValueEnum;
use fernsicht_protocol::complaint::Lookup;
use fernsicht_protocol::token::Token;
use fernsicht_protocol::wire::Text;

use crate::Error;
use crate::home::Home;

pub(crate) use access_log::access_log;
pub(crate) use agent::agent;
pub(crate) use auditor::{add_auditor, list_auditors, revoke_auditor, warn_of_few_auditors};
pub(crate) use recordings::{delete, list_recordings, prune, verify};
pub(crate) use technician::{add, list, revoke};

/// How lists are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// Lines for people.
    Text,
    /// One JSON document.
    Json,
}

/// Why a recording is deleted before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DeleteReason {
    /// The customer has withdrawn the consent.
    Withdrawal,
}

/// A one-time token with everything that an enrolment needs.
fn token(home: &Home, secret: [u8; 16]) -> Result<Token, Error> {
    let empty = |field| Error::EmptyField {
        field,
        path: home.config_file(),
    };
    let config = &home.config;
    Ok(Token {
        address: Text::new(config.public_address.as_str()).map_err(|_| empty("public_address"))?,
        relay_name: Text::new(config.name.as_str()).map_err(|_| empty("name"))?,
        ca: home.ca_fingerprint(),
        secret,
    })
}

/// Reads a number as it stands on receipts.
fn number(text: &str) -> Result<Lookup, Error> {
    Lookup::parse(text).map_err(|_| Error::Number(text.to_owned()))
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("what commands print is JSON")
}

fn day(unix_s: i64) -> String {
    moment(unix_s, "%Y-%m-%d")
}

fn minute(unix_s: u64) -> String {
    moment(
        i64::try_from(unix_s).unwrap_or(i64::MAX),
        "%Y-%m-%d %H:%M UTC",
    )
}

fn moment(unix_s: i64, format: &str) -> String {
    match jiff::Timestamp::from_second(unix_s) {
        Ok(time) => time.strftime(format).to_string(),
        Err(_) => "an impossible date".to_owned(),
    }
}

fn bytes(count: u64) -> String {
    let mut text = String::new();
    let (unit, name) = match count {
        0..1_000 => (1.0, "B"),
        1_000..1_000_000 => (1e3, "kB"),
        1_000_000..1_000_000_000 => (1e6, "MB"),
        1_000_000_000.. => (1e9, "GB"),
    };
    let digits = usize::from(count >= 1_000);
    write!(text, "{:.digits$} {name}", count as f64 / unit).expect("a String takes everything");
    text
}
