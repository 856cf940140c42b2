//! Whoever carries a picture from one screen to another, ready to be measured, and what that costs.
//!
//! ```text
//! network "customer"        network "operator"        network "technician"
//! agent ── line ──────────── relay ─────────── line ── console
//! server ─ line ──────── (packets pass) ────── line ── viewer
//! ```
//! The screens stand outside. Bytes are counted by the kernel at both ends of the lines; those of peers also by TCP
//! itself, ours by what the relay recorded. CPU is the kernel's as well, of each program with its children.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use fernsicht_protocol::frame::Class;
use fernsicht_recordings::format::Body;
use fernsicht_recordings::reader::Records;
use fernsicht_tests::device::Device;
use fernsicht_tests::grab::{Area, Grabber};
use fernsicht_tests::measure::{Cost, Frames, Role, System, acked_bytes};
use fernsicht_tests::net::{Resident, Streets};
use fernsicht_tests::operator::files_below;
use fernsicht_tests::proc;

/// How the programs' own bytes are counted.
#[derive(Debug)]
pub(super) enum Counter {
    /// TCP knows what it has sent from this port.
    Tcp(u16),
    /// The relay records them in this folder.
    Recording(PathBuf),
    /// Nobody counts them.
    Nobody,
}

/// A system that shows the customer's screen on the technician's.
pub(crate) struct Rig {
    pub(crate) system: System,
    /// Displays of the customer and of the technician.
    pub(crate) displays: [String; 2],
    /// Where the picture begins on the technician's.
    pub(crate) offset: (i16, i16),
    /// The technician's hand. None: only looked at.
    pub(crate) hand: Option<Device>,
    pub(super) processes: Vec<(Role, u32)>,
    pub(super) streets: Arc<Streets>,
    pub(super) counter: Counter,
    pub(super) views: [Grabber; 2],
    /// What ends with it.
    pub(super) _kept: Box<dyn std::any::Any>,
}

/// What has been spent up to a moment.
#[derive(Debug, Clone)]
pub(crate) struct Spent {
    at: SystemTime,
    cpu: BTreeMap<Role, Duration>,
    threads: BTreeMap<Role, BTreeMap<String, Duration>>,
    tcp: Option<u64>,
    /// Sent by the customer, received by the technician.
    wire: [u64; 2],
}

impl Rig {
    /// What has been spent so far.
    pub(crate) fn spent(&self) -> Result<Spent> {
        let (mut cpu, mut threads) = (BTreeMap::new(), BTreeMap::new());
        for (role, pid) in &self.processes {
            *cpu.entry(*role).or_default() += tree_time(*pid)?;
            threads.insert(*role, proc::running_times(*pid)?);
        }
        let tcp = match &self.counter {
            Counter::Tcp(port) => Some(self.tcp_bytes(*port)?),
            Counter::Recording(_) | Counter::Nobody => None,
        };
        let [sent, _] = self.streets.bytes(Resident::Customer)?;
        let [_, received] = self.streets.bytes(Resident::Technician)?;
        Ok(Spent {
            at: SystemTime::now(),
            cpu,
            threads,
            tcp,
            wire: [sent, received],
        })
    }

    /// What has been spent since.
    pub(crate) fn cost_since(&self, from: &Spent) -> Result<Cost> {
        let to = self.spent()?;
        let frames = match &self.counter {
            Counter::Recording(folder) => recorded(folder, from.at, to.at)?,
            Counter::Tcp(_) | Counter::Nobody => BTreeMap::new(),
        };
        let app_bytes = match &self.counter {
            Counter::Recording(_) => Some(frames.values().map(|frames| frames.bytes).sum()),
            Counter::Tcp(_) | Counter::Nobody => to.tcp.zip(from.tcp).map(|(to, from)| to - from),
        };
        let cpu = |(role, to): (&Role, &Duration)| {
            let from = from.cpu.get(role).copied().unwrap_or_default();
            (*role, to.saturating_sub(from).as_secs_f64())
        };
        let threads = |(role, to): (&Role, &BTreeMap<String, Duration>)| {
            let from = from.threads.get(role);
            let spent = to.iter().map(|(name, to)| {
                let from = from.and_then(|from| from.get(name)).copied();
                let spent = to.saturating_sub(from.unwrap_or_default());
                (name.clone(), spent.as_secs_f64())
            });
            (*role, spent.collect())
        };
        Ok(Cost {
            seconds: to.at.duration_since(from.at)?.as_secs_f64(),
            cpu_s: to.cpu.iter().map(cpu).collect(),
            threads_s: to.threads.iter().map(threads).collect(),
            app_bytes,
            frames,
            customer_wire_bytes: to.wire[0] - from.wire[0],
            technician_wire_bytes: to.wire[1] - from.wire[1],
        })
    }

    /// How many pixels are other ones at the technician's.
    pub(crate) fn differing(&self) -> Result<usize> {
        Ok(self.differing_at()?.0)
    }

    /// As [`Self::differing`], and when the technician's screen had been read: comparing takes as long again.
    pub(crate) fn differing_at(&self) -> Result<(usize, Instant)> {
        let [customer, technician] = &self.views;
        let ours = customer.grab()?;
        let theirs = technician.grab_area(Area {
            x: u16::try_from(self.offset.0)?,
            y: u16::try_from(self.offset.1)?,
            width: u16::try_from(ours.width)?,
            height: u16::try_from(ours.height)?,
        })?;
        let read = Instant::now();
        Ok((ours.differing_pixels(&theirs)?, read))
    }

    /// Keeps both screens as pictures.
    pub(crate) fn photograph(&self, path: &std::path::Path) -> Result<()> {
        for (view, name) in self.views.iter().zip(["customer", "technician"]) {
            view.grab()?
                .save(&path.join(format!("{:?}-{name}.png", self.system)))?;
        }
        Ok(())
    }

    fn tcp_bytes(&self, port: u16) -> Result<u64> {
        let output = self.streets.customer.enter(|| {
            Command::new("ss")
                .args([
                    "-tinH",
                    "state",
                    "established",
                    "sport",
                    "=",
                    &format!(":{port}"),
                ])
                .output()
                .context("ss could not be started; is the package iproute2 installed?")
        })?;
        acked_bytes(&String::from_utf8_lossy(&output.stdout)).context("ss names no connection")
    }
}

/// Picture, refinement and pointer frames that the relay recorded between two moments.
fn recorded(
    folder: &std::path::Path,
    from: SystemTime,
    to: SystemTime,
) -> Result<BTreeMap<&'static str, Frames>> {
    let hundredths = |at: SystemTime| -> Result<u64> {
        let since = at.duration_since(SystemTime::UNIX_EPOCH)?;
        Ok(u64::try_from(since.as_millis() / 10)?)
    };
    let (from, to) = (hundredths(from)?, hundredths(to)?);
    // Pictures rest for up to half a second before they are written.
    std::thread::sleep(Duration::from_millis(700));
    let mut frames: BTreeMap<_, Frames> = BTreeMap::new();
    for file in files_below(folder)? {
        let bytes = std::fs::read(&file)?;
        let Ok(records) = Records::new(&bytes) else {
            continue;
        };
        for record in records {
            // The last one may be half written.
            let Ok(record) = record else { break };
            if !(from..to).contains(&record.time()) {
                continue;
            }
            let body = record.parse()?;
            let Some(header) = body.header() else {
                continue;
            };
            let carried = match &body {
                Body::Frame { ciphertext, .. } => ciphertext.len(),
                Body::Dropped { received, .. } => *received as usize,
                Body::Opening(_)
                | Body::EpochSignature { .. }
                | Body::Tombstone { .. }
                | Body::Checkpoint(_)
                | Body::Gap { .. }
                | Body::End { .. } => continue,
            };
            let class = match header.class {
                Class::Picture => "picture",
                Class::Refinement => "refinement",
                Class::Pointer => "pointer",
                Class::Rights
                | Class::Input
                | Class::Acks
                | Class::Heads
                | Class::Notices
                | Class::Transfer
                | Class::Beacon => continue,
            };
            let frames = frames.entry(class).or_default();
            frames.count += 1;
            frames.bytes += (header.encode().len() + carried) as u64;
        }
    }
    Ok(frames)
}

/// CPU time of a process and of all that come from it.
fn tree_time(pid: u32) -> Result<Duration> {
    let mut sum = proc::running_time(pid).with_context(|| format!("process {pid} is gone"))?;
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = task?.path().join("children");
        // A thread may end while this is read, and a child as well.
        let children = std::fs::read_to_string(path).unwrap_or_default();
        for child in children.split_whitespace() {
            sum += tree_time(child.parse()?).unwrap_or_default();
        }
    }
    Ok(sum)
}
