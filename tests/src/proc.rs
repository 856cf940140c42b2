//! What a process costs, from /proc.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// CPU time of a process, user and system, all threads; in steps of 10 ms.
pub fn cpu_time(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))
        .with_context(|| format!("process {pid} is gone"))?;
    // The name in brackets may hold blanks; the numbers begin behind it, with field 3.
    let (_, numbers) = stat
        .rsplit_once(')')
        .context("/proc/PID/stat has a name in brackets")?;
    let field = |index: usize| -> Result<u64> {
        let word = numbers
            .split_whitespace()
            .nth(index - 3)
            .context("/proc/PID/stat is too short")?;
        Ok(word.parse()?)
    };
    Ok(Duration::from_millis(
        (field(14)? + field(15)?) * MS_PER_TICK,
    ))
}

/// CPU time of the threads that a process has now, to the nanosecond: for short measurements, during which no
/// thread ends.
pub fn running_time(pid: u32) -> Result<Duration> {
    Ok(running_times(pid)?.into_values().sum())
}

/// The same by the threads' names.
pub fn running_times(pid: u32) -> Result<BTreeMap<String, Duration>> {
    let mut times: BTreeMap<String, Duration> = BTreeMap::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = thread?.path();
        // A thread may end while this is read.
        let (Ok(text), Ok(name)) = (
            fs::read_to_string(path.join("schedstat")),
            fs::read_to_string(path.join("comm")),
        ) else {
            continue;
        };
        let first = text.split(' ').next().context("an empty schedstat")?;
        *times.entry(name.trim().to_owned()).or_default() += Duration::from_nanos(first.parse()?);
    }
    Ok(times)
}

/// Resident memory in KiB.
pub fn resident_kib(pid: u32) -> Result<u64> {
    status_kib(pid, "VmRSS:")
}

/// The most that was ever resident, in KiB.
pub fn peak_kib(pid: u32) -> Result<u64> {
    status_kib(pid, "VmHWM:")
}

fn status_kib(pid: u32, field: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .with_context(|| format!("no {field}"))?;
    Ok(line
        .split_whitespace()
        .next()
        .with_context(|| format!("{field} has a number"))?
        .parse()?)
}

/// Measures the share of one core that a process uses, from now on.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pid: u32,
    from: Duration,
    since: Instant,
}

impl Load {
    /// Starts measuring.
    pub fn start(pid: u32) -> Result<Self> {
        Ok(Self {
            pid,
            from: cpu_time(pid)?,
            since: Instant::now(),
        })
    }

    /// Percent of one core since the start.
    pub fn percent(&self) -> Result<f64> {
        let used = cpu_time(self.pid)?.saturating_sub(self.from);
        Ok(100.0 * used.as_secs_f64() / self.since.elapsed().as_secs_f64())
    }
}

/// USER_HZ is 100 on every Linux that this runs on.
const MS_PER_TICK: u64 = 10;
