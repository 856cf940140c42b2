//! Waiting for a condition, with a limit: nothing here waits "long enough".

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How often a condition is looked at.
const STEP: Duration = Duration::from_millis(10);

/// Looks until `ready` gives a value. Errors: the limit has passed; `what` names what was awaited.
pub fn until<T>(
    what: &str,
    limit: Duration,
    mut ready: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(value) = ready()? {
            return Ok(value);
        }
        if Instant::now() >= end {
            bail!("waited {} s in vain for {what}", limit.as_secs_f32());
        }
        thread::sleep(STEP);
    }
}

/// Looks until `ready` is true. Errors: the limit has passed.
pub fn until_true(
    what: &str,
    limit: Duration,
    mut ready: impl FnMut() -> Result<bool>,
) -> Result<()> {
    until(what, limit, || Ok(ready()?.then_some(())))
}

/// Milliseconds of CLOCK_MONOTONIC, truncated as X servers on Linux do with their timestamps.
pub fn server_clock_ms() -> u32 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    (now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000) as u32
}

/// Signed distance in milliseconds from server time `from` to `to`, over the wrap.
pub fn server_ms_between(from: u32, to: u32) -> i64 {
    i64::from(to.wrapping_sub(from) as i32)
}
