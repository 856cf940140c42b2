//! The machine's clocks, for [`super::retention`].

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use super::retention::Reading;

/// Reads the wall clock, and the one that only this boot of the machine has.
pub fn read() -> io::Result<Reading> {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH);
    let uptime = clock_gettime(ClockId::Boottime);
    Ok(Reading {
        wall_s: wall.map_or(0, |time| time.as_secs()),
        boot: std::fs::read_to_string(BOOT)?.trim().to_owned(),
        uptime_s: u64::try_from(uptime.tv_sec).unwrap_or_default(),
    })
}

/// Where Linux says which boot this is.
pub(super) const BOOT: &str = "/proc/sys/kernel/random/boot_id";
