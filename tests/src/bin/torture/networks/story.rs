//! What happened in one case, for the summary.

use fernsicht_protocol::rights::Rights;
use serde::Serialize;

/// The course of one case.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Story {
    /// What both people read, moment by moment.
    pub(crate) read: Vec<Moment>,
    /// Rights when it happened, and when both were together again; none if they never were.
    pub(crate) rights_before: &'static str,
    pub(crate) rights_after: Option<&'static str>,
    /// What the technician tried while it lasted.
    pub(crate) tried_between: usize,
    /// Input that an observer on the customer's screen saw while it lasted: must be 0.
    pub(crate) input_between: usize,
    /// Frames of the screen that passed the tap while it lasted: must be 0 where the customer's line was cut.
    pub(crate) frames_between: usize,
    /// Input that was tried while it lasted and came afterwards: must be 0.
    pub(crate) input_late: usize,
    /// Every rights frame that passed the tap: seconds after the first, epoch, rights.
    pub(crate) rights: Vec<(f64, u32, &'static str)>,
    /// Packets that came through the line that was cut: must be 0.
    pub(crate) packets_between: u64,
    /// Connections of the agent that the tap saw.
    pub(crate) connections: u64,
    /// What `recordings verify` says.
    pub(crate) recording: String,
    /// The exit code of the auditor's `verify`: 0 sound, 2 sound as far as it goes.
    pub(crate) auditor: Option<i32>,
    /// What does not hold, as sentences.
    #[serde(skip)]
    pub(crate) failures: Vec<String>,
}

/// What both people read at one moment.
#[derive(Debug, Serialize)]
pub(crate) struct Moment {
    pub(crate) when: String,
    pub(crate) customer: Vec<String>,
    pub(crate) technician: Vec<String>,
}

impl Story {
    /// A sentence if something does not hold.
    pub(crate) fn must(&mut self, holds: bool, failure: impl FnOnce() -> String) {
        if !holds {
            self.failures.push(failure());
        }
    }
}

/// A word for rights.
pub(crate) fn word(rights: Rights) -> &'static str {
    match rights {
        Rights::None => "none",
        Rights::View => "sight",
        Rights::Control => "sight and control",
    }
}
