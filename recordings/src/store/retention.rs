//! When a recording is due (DESIGN P6), by a clock that cannot be turned.
//!
//! ```text
//! remembered (highest time, boot, uptime) + reading (wall clock, boot, uptime) ─► judge ─► time
//! ```
//!
//! The time never falls behind the highest one remembered plus what has passed since by the
//! clock of this boot: a wall clock set back does not extend anything. A wall clock that is
//! more than a week ahead of that is not believed: it would delete what customers may still
//! need. Both raise an alarm. Whoever set the clock forward rightly says so ([`accept`]).
//!
//! Pure: the clocks are read elsewhere.

use fernsicht_protocol::retention::latest_deletion;

/// What the machine's clocks say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The wall clock, in seconds since 1970 UTC.
    pub wall_s: u64,
    /// Which boot of the machine this is.
    pub boot: String,
    /// Seconds since that boot, suspension included.
    pub uptime_s: u64,
}

/// What is kept between two readings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// The highest time so far, in seconds since 1970 UTC.
    pub highest_s: u64,
    /// The boot of the last reading.
    pub boot: String,
    /// The uptime of the last reading.
    pub uptime_s: u64,
}

/// What an operator must look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alarm {
    /// The wall clock is behind. Nothing is extended by it.
    SetBack {
        /// By how many seconds.
        by_s: u64,
    },
    /// The wall clock is ahead by more than [`SANE_S`]. It is not believed.
    SetForward {
        /// By how many seconds.
        by_s: u64,
    },
}

/// The time that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Seconds since 1970 UTC.
    pub now_s: u64,
    /// To be remembered.
    pub remember: Remembered,
    /// Why the wall clock was not taken.
    pub alarm: Option<Alarm>,
}

/// How far ahead a wall clock may be and still be believed: 7 days.
pub const SANE_S: u64 = 7 * 24 * 3600;

/// How far behind it may be without an alarm: what time services correct.
const SLACK_S: u64 = 5 * 60;

/// Which time it is.
pub fn judge(remembered: Option<&Remembered>, reading: &Reading) -> Judged {
    let Some(remembered) = remembered else {
        return accept(reading);
    };
    let passed = if remembered.boot == reading.boot {
        reading.uptime_s.saturating_sub(remembered.uptime_s)
    } else {
        0
    };
    let least = remembered.highest_s.saturating_add(passed);
    let (now_s, alarm) = match reading.wall_s.checked_sub(least) {
        Some(by_s) if by_s > SANE_S => (least, Some(Alarm::SetForward { by_s })),
        Some(_) => (reading.wall_s, None),
        None => {
            let by_s = least - reading.wall_s;
            let alarm = (by_s > SLACK_S).then_some(Alarm::SetBack { by_s });
            (least, alarm)
        }
    };
    Judged {
        now_s,
        remember: Remembered {
            highest_s: now_s,
            boot: reading.boot.clone(),
            uptime_s: reading.uptime_s,
        },
        alarm,
    }
}

/// Takes the wall clock as it is: at the first start, and when the operator says that it is right.
pub fn accept(reading: &Reading) -> Judged {
    Judged {
        now_s: reading.wall_s,
        remember: Remembered {
            highest_s: reading.wall_s,
            boot: reading.boot.clone(),
            uptime_s: reading.uptime_s,
        },
        alarm: None,
    }
}

/// True if a recording that began at `started_s` and was promised to be deleted at
/// `deletion_s` must go. No date is later than P6 permits, whatever was promised.
pub fn due(started_s: u64, deletion_s: u64, now_s: u64) -> bool {
    deletion_s.min(latest_deletion(started_s)) <= now_s
}

impl std::fmt::Display for Alarm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SetBack { by_s } => write!(
                f,
                "the clock of this machine is {by_s} s behind: retention goes on by the time that has passed"
            ),
            Self::SetForward { by_s } => write!(
                f,
                "the clock of this machine is {by_s} s ahead: retention does not believe it; if it is right, run `fernsicht-relay recordings prune --clock-is-right`"
            ),
        }
    }
}
