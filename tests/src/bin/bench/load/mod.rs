//! Many sessions at once: what they cost the relay, how much later frames arrive, how much memory each takes,
//! beside the least that any relay could do, in the same run and in turns.
//!
//! ```text
//! direct      no relay at all: whose latency is taken off the others'
//! splice      two TCP connections, bytes from one to the other; no encryption
//! forwarder   two QUIC connections, each stream's bytes to one of the other's; no decisions
//! relay       fernsicht-relay, sessions that are only looked at
//! recorded    fernsicht-relay, sessions that are recorded
//! ```
//!
//! Every session sends 25 frames a second of 5 kB, or what an hour of real work made, from a random moment of it.
//! Relays are processes of their own, whose CPU time and memory are the kernel's count.

mod link;
pub(crate) mod plain;
mod trace;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::net::{Identity, Pin};
use fernsicht_tests::clients::{self, PlainAuditor};
use fernsicht_tests::operator::Operator;
use fernsicht_tests::proc;
use fernsicht_tests::programs::Programs;

use crate::say;
use crate::table::{Figures, Load, rank};
use link::{Arrivals, Link};
pub(crate) use trace::Trace;

/// How long frames are sent before anything counts.
const WARM_UP: Duration = Duration::from_secs(2);

/// Sessions of one technician: a relay lets nobody begin any number of them at once.
const SESSIONS_EACH: usize = 10;

/// Connections that are made at the same time.
const AT_ONCE: usize = 8;

/// What sessions go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum System {
    Direct,
    Splice,
    Forwarder,
    Relay,
    Recorded,
}

const SYSTEMS: [System; 5] = [
    System::Direct,
    System::Splice,
    System::Forwarder,
    System::Relay,
    System::Recorded,
];

/// How much is measured.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) sessions: &'a [usize],
    pub(crate) seconds: u64,
    pub(crate) turns: usize,
}

pub(crate) fn measure(
    programs: &Programs,
    folder: &Path,
    plan: &Plan<'_>,
    traces: &[Trace],
    figures: &mut Figures,
) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let folder = folder.join("load");
    std::fs::create_dir_all(&folder)?;
    let operator = Operator::new(programs.clone(), &folder)?;
    // All sessions of the test come from one network.
    operator.configure_without_limits()?;
    runtime.block_on(async {
        for trace in traces {
            for sessions in plan.sessions {
                let mut rows: Vec<Load> = Vec::new();
                for turn in 0..plan.turns {
                    for system in SYSTEMS {
                        let run = Run {
                            system,
                            trace,
                            sessions: *sessions,
                            time: Duration::from_secs(plan.seconds),
                        };
                        let what = format!("{system:?}, {sessions} sessions, {}", trace.name);
                        let load = run.one(&operator).await.with_context(|| what.clone())?;
                        say(&format!("{what}, turn {}: {}", turn + 1, load.line()));
                        rows.push(load);
                    }
                }
                figures.load.extend(Load::medians(rows));
            }
        }
        anyhow::Ok(())
    })
}

/// One system under one load.
struct Run<'a> {
    system: System,
    trace: &'a Trace,
    sessions: usize,
    time: Duration,
}

/// What is in the middle: nothing, or a process.
enum Middle {
    Nothing,
    Plain(plain::Server),
    Relay(Box<Relay>),
}

struct Relay {
    relay: fernsicht_tests::operator::Relay,
    address: String,
    /// Each begins as many sessions as the relay lets one begin in a row.
    technicians: Vec<Identity>,
    pin: Pin,
    auditor: Option<PlainAuditor>,
}

impl Middle {
    async fn start(system: System, operator: &Operator, sessions: usize) -> Result<Self> {
        Ok(match system {
            System::Direct => Self::Nothing,
            System::Splice => Self::Plain(plain::Server::start(plain::Kind::Splice)?),
            System::Forwarder => Self::Plain(plain::Server::start(plain::Kind::Forwarder)?),
            System::Relay | System::Recorded => {
                let relay = operator.serve()?;
                let address = operator.address();
                let (first, pin) = clients::enrol_technician(&address, &operator.token()?).await?;
                let mut technicians = vec![first];
                while technicians.len() * SESSIONS_EACH < sessions {
                    let token = operator.token()?;
                    technicians.push(clients::enrol_technician(&address, &token).await?.0);
                }
                let auditor = match system == System::Recorded {
                    true => {
                        let token = operator.auditor_token("Ute Sommer")?;
                        Some(PlainAuditor::enrol(&address, &token).await?)
                    }
                    false => None,
                };
                Self::Relay(Box::new(Relay {
                    relay,
                    address,
                    technicians,
                    pin,
                    auditor,
                }))
            }
        })
    }

    fn pid(&self) -> Option<u32> {
        match self {
            Self::Nothing => None,
            Self::Plain(server) => Some(server.pid()),
            Self::Relay(relay) => Some(relay.relay.process.pid()),
        }
    }

    /// The link of a session's number.
    async fn link(&self, number: usize) -> Result<Link> {
        match self {
            Self::Nothing => Link::direct().await,
            Self::Plain(server) => match server.kind() {
                plain::Kind::Splice => Link::splice(server.address()).await,
                plain::Kind::Forwarder => Link::forwarder(server.address(), server.pin()).await,
            },
            Self::Relay(relay) => {
                let key = relay.auditor.as_ref().map(|auditor| auditor.key.public());
                Link::pair(
                    &relay.address,
                    &relay.pin,
                    &relay.technicians[number / SESSIONS_EACH],
                    key.as_ref().map(std::slice::from_ref),
                )
                .await
            }
        }
    }
}

impl Run<'_> {
    async fn one(&self, operator: &Operator) -> Result<Load> {
        let middle = Middle::start(self.system, operator, self.sessions).await?;
        let memory = |pid: Option<u32>| pid.map_or(Ok(0), proc::resident_kib);
        let cpu = |pid: Option<u32>| pid.map_or(Ok(Duration::ZERO), proc::running_time);
        let pid = middle.pid();
        let before = memory(pid)?;
        let mut links = Vec::new();
        while links.len() < self.sessions {
            let more = AT_ONCE.min(self.sessions - links.len());
            let numbers = links.len()..links.len() + more;
            let made = futures_util::future::join_all(numbers.map(|n| middle.link(n))).await;
            links.extend(made.into_iter().collect::<Result<Vec<_>>>()?);
        }
        let (from, until) = (Instant::now() + WARM_UP, self.time + WARM_UP);
        let senders: Vec<_> = links
            .into_iter()
            .enumerate()
            .map(|(number, link)| tokio::spawn(link.send(self.trace.clone(), number, until)))
            .collect();
        tokio::time::sleep_until(from.into()).await;
        let (used, began) = (cpu(pid)?, Instant::now());
        tokio::time::sleep(self.time - Duration::from_millis(200)).await;
        let (used, took) = (cpu(pid)?.saturating_sub(used), began.elapsed());
        let during = memory(pid)?;
        let (end, mut bytes, mut late, mut lost) = (began + took, 0, Vec::new(), 0);
        for sender in senders {
            let Arrivals { frames, missing } = sender.await??;
            for frame in frames {
                if (began..end).contains(&frame.arrived) {
                    bytes += frame.bytes;
                    late.push(frame.late.as_secs_f64() * 1e3);
                }
            }
            lost += missing;
        }
        ensure!(!late.is_empty(), "nothing arrived");
        late.sort_by(f64::total_cmp);
        let gigabytes = bytes as f64 / 1e9;
        Ok(Load {
            system: self.system,
            trace: self.trace.name,
            sessions: self.sessions,
            megabytes_per_s: bytes as f64 / 1e6 / took.as_secs_f64(),
            cpu_s_per_gb: used.as_secs_f64() / gigabytes,
            cpu_percent_per_session: 100.0 * used.as_secs_f64()
                / took.as_secs_f64()
                / self.sessions as f64,
            latency_ms_p50: rank(&late, 0.5),
            latency_ms_p99: rank(&late, 0.99),
            added_ms_p50: None,
            added_ms_p99: None,
            kib_per_session: during.saturating_sub(before) as f64 / self.sessions as f64,
            frames_missing: lost,
        })
    }
}
