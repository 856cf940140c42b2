//! What recording costs the relay: CPU seconds per gigabyte that it forwards, the same frames through a
//! session that is only looked at (never recorded) and through one that is recorded, in turns.
//!
//! The clients keep a pace, as agents do that wait for acknowledgements: as fast as the loopback goes the store
//! would be what is measured. The relay is the real program; its CPU time is the kernel's count.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::frame::{Class, Direction};
use fernsicht_protocol::net::{Identity, Pin};
use fernsicht_tests::clients::{self, PlainAuditor};
use fernsicht_tests::operator::Operator;
use fernsicht_tests::pair::{Kind, Pair};
use fernsicht_tests::proc;
use fernsicht_tests::programs::Programs;

use crate::say;
use crate::table::{Cost, Figures};

/// Bytes a second that the clients send: about what forty sessions of video need.
const PACE: u64 = 20 << 20;

/// Sizes of frames: what typing and scrolling make, and what pages and videos make.
const SIZES: [usize; 2] = [5_000, 60_000];

pub(crate) fn measure(
    programs: &Programs,
    folder: &Path,
    megabytes: u64,
    turns: usize,
    figures: &mut Figures,
) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let folder = folder.join("operator");
    std::fs::create_dir_all(&folder)?;
    let operator = Operator::new(programs.clone(), &folder)?;
    let relay = operator.serve()?;
    runtime.block_on(async {
        let address = operator.address();
        let (technician, pin) = clients::enrol_technician(&address, &operator.token()?).await?;
        let token = operator.auditor_token("Ute Sommer")?;
        let auditor = PlainAuditor::enrol(&address, &token).await?;
        let bench = Bench {
            address,
            pin,
            technician,
            relay: relay.process.pid(),
            bytes: megabytes << 20,
        };
        for size in SIZES {
            let (mut without, mut with) = (Vec::new(), Vec::new());
            for turn in 0..turns {
                without.push(bench.one(Kind::View, size).await?);
                with.push(bench.one(Kind::Control(&[auditor.key.public()]), size).await?);
                say(&format!(
                    "Frames of {size} bytes, turn {}: {:.2} s CPU a GB without, {:.2} with a recording.",
                    turn + 1,
                    without[turn],
                    with[turn]
                ));
            }
            figures.relay.push(Cost::of(size, without, with));
        }
        anyhow::Ok(())
    })
}

struct Bench {
    address: String,
    pin: Pin,
    technician: Identity,
    relay: u32,
    bytes: u64,
}

impl Bench {
    /// One session. Returns CPU seconds of the relay per gigabyte forwarded.
    async fn one(&self, kind: Kind<'_>, size: usize) -> Result<f64> {
        let mut pair = Pair::open(&self.address, &self.pin, &self.technician, kind).await?;
        // What comes first (opening records, the first sync) belongs to no gigabyte.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let content: Vec<u8> = (0..size).map(|at| (at * 31 % 251) as u8).collect();
        let (from, began) = (proc::cpu_time(self.relay)?, Instant::now());
        let mut sent = 0;
        while sent < self.bytes {
            let header = pair
                .send(Direction::AgentToConsole, Class::Picture, &content)
                .await?;
            sent += u64::from(header.length);
            let due = began + Duration::from_secs_f64(sent as f64 / PACE as f64);
            if let Some(early) = due.checked_duration_since(Instant::now())
                && early > Duration::from_millis(2)
            {
                tokio::time::sleep(early).await;
            }
        }
        // The last second's checkpoint is a part of the cost.
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        let used = proc::cpu_time(self.relay)?.saturating_sub(from);
        let arrived: u64 = {
            let noted = pair.noted();
            ensure!(
                noted.recorder_failed.is_none(),
                "the recorder did not keep up with {PACE} bytes a second"
            );
            let pictures = noted
                .at_console
                .iter()
                .filter(|(_, header)| header.class == Class::Picture);
            pictures.map(|(_, header)| u64::from(header.length)).sum()
        };
        ensure!(
            arrived * 100 > sent * 99,
            "only {arrived} of {sent} bytes arrived"
        );
        pair.end().await.context("the session's end")?;
        Ok(used.as_secs_f64() / (arrived as f64 / 1e9))
    }
}
