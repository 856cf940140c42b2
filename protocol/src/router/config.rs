//! Limits and times of a router.

use std::time::Duration;

use super::Rate;
use crate::crypto::Hash;

/// Limits and times of a router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The relay's name, part of each pairing's context.
    pub relay_name: String,
    /// SHA-256 of the CA certificate, part of each pairing's context.
    pub ca: Hash,
    /// Sessions at once, waiting ones included.
    pub max_sessions: usize,
    /// How often one network may ask for a nameplate, resume in vain, or enrol.
    pub joins: Rate,
    /// How often one technician may ask for a session.
    pub new_sessions: Rate,
    /// How long a code is valid.
    pub code_valid: Duration,
    /// Shares that one code may take.
    pub shares_per_code: usize,
    /// How long one step of a pairing may take.
    pub pairing_step: Duration,
    /// How long one step of the opening of a recorded epoch may take.
    pub opening_step: Duration,
    /// How long the recorder may take for the end of a recording.
    pub finish_within: Duration,
    /// How long an agent may take to complete its receipt behind that.
    pub receipt_within: Duration,
    /// How long a lost side may stay away.
    pub resume_within: Duration,
    /// How long a session may last.
    pub longest_session: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            relay_name: String::new(),
            ca: Hash::default(),
            max_sessions: 2_000,
            joins: Rate {
                burst: 20,
                every: Duration::from_secs(30),
            },
            new_sessions: Rate {
                burst: 60,
                every: Duration::from_secs(2),
            },
            code_valid: Duration::from_secs(10 * 60),
            shares_per_code: 3,
            pairing_step: Duration::from_secs(20),
            opening_step: Duration::from_secs(20),
            finish_within: Duration::from_secs(2),
            receipt_within: Duration::from_secs(5),
            resume_within: Duration::from_secs(10 * 60),
            longest_session: Duration::from_secs(4 * 3600),
        }
    }
}
