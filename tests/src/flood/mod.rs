//! Many strangers at once, and what those notice who are none of their business.
//!
//! ```text
//! strangers, one socket each, so many attempts a second ──┐
//! targets: codes whose nameplates the strangers know ─────┼─► the real relay ◄─ memory, sampled
//! bystander: a recorded session with numbered frames ─────┤
//! honest people who pair all the while ───────────────────┘
//! ```
//! [`storm`] lets it all loose and reports; [`Report::failures`] says what does not hold. [`loris`] is for
//! those who connect and then take their time, [`Hoard`] for sides of a session that finish nothing.

mod bystander;
mod half;
mod hoard;
pub mod loris;
mod memory;
mod stranger;
mod target;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::net::{Identity, Pin};
use serde::Serialize;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::clients::{self, PlainAuditor};
use crate::dice::Dice;
use crate::net;
use crate::operator::{Operator, Relay};

pub use bystander::{Bystander, Honest, Undisturbed};
pub use hoard::Hoard;
pub use memory::{Growth, Memory};
pub use stranger::{Stranger, Temper, Told, hello};
pub use target::{Fate, Target};

/// What a flood may cost the relay at most.
pub const MEMORY_KIB: u64 = 20_000;

/// An operator under attack, with those who are there.
#[derive(Debug)]
pub struct Scene {
    /// `host:port` of the relay.
    pub address: String,
    /// Whom clients expect there.
    pub pin: Pin,
    /// A technician.
    pub technician: Identity,
    /// To whom recordings are sealed.
    pub auditor: [u8; 32],
    /// The relay's process.
    pub relay: u32,
}

impl Scene {
    /// Enrols a technician and an auditor with a running relay.
    pub async fn set(operator: &Operator, relay: &Relay) -> Result<Self> {
        let address = operator.address();
        let (technician, pin) = clients::enrol_technician(&address, &operator.token()?).await?;
        let token = operator.auditor_token("Ute Sommer")?;
        let auditor = PlainAuditor::enrol(&address, &token).await?.key.public();
        Ok(Self {
            address,
            pin,
            technician,
            auditor,
            relay: relay.process.pid(),
        })
    }

    /// A recorded session with control.
    pub async fn bystander(&self) -> Result<Bystander> {
        Bystander::open(&self.address, &self.pin, &self.technician, self.auditor).await
    }

    /// A stranger at each of these sockets.
    pub fn strangers(&self, sockets: Vec<UdpSocket>) -> Result<Vec<Stranger>> {
        self.each(sockets, Stranger::new)
    }

    /// The same, of those who stop half-way.
    fn halves(&self, sockets: Vec<UdpSocket>) -> Result<Vec<Stranger>> {
        self.each(sockets, Stranger::half)
    }

    fn each(
        &self,
        sockets: Vec<UdpSocket>,
        make: impl Fn(UdpSocket, SocketAddr, &str) -> Result<Stranger>,
    ) -> Result<Vec<Stranger>> {
        let relay: SocketAddr = self.address.parse().context("the relay's address")?;
        let stranger = |socket| make(socket, relay, &self.pin.relay_name);
        sockets.into_iter().map(stranger).collect()
    }
}

/// Sockets at so many addresses of so many /24 networks of this machine's loopback interface.
pub fn loopback(networks: u8, per_network: u8) -> Result<Vec<UdpSocket>> {
    let networks = (1..=networks).flat_map(|network| {
        (1..=per_network).map(move |host| Ipv4Addr::new(127, 90, network, host))
    });
    net::bind(networks.map(IpAddr::V4))
}

/// How hard it storms.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Plan {
    /// Attempts at pairing.
    pub attempts: u32,
    /// How many of them begin in a second.
    pub per_second: u32,
    /// Codes whose nameplates the strangers know.
    pub targets: u32,
    /// How often somebody honest pairs.
    #[serde(skip)]
    pub honest_every: Duration,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What was planned.
    pub plan: Plan,
    /// Addresses from which it came.
    pub addresses: usize,
    /// How long the attempts took to begin, in seconds.
    pub seconds: f64,
    /// What the strangers were told, and how often.
    pub outcomes: BTreeMap<String, u64>,
    /// The session that ran all the while.
    pub session: Undisturbed,
    /// Those who paired meanwhile.
    pub honest: Honest,
    /// Targeted codes that got shares, and how many of those codes the relay withdrew and replaced.
    pub targets_hit: usize,
    /// Of those, replaced.
    pub targets_replaced: usize,
    /// From the relay's word that a code is over to the new one: the longest, in milliseconds.
    pub replaced_after_ms_max: f64,
    /// Passwords that strangers guessed.
    pub guessed: usize,
    /// The relay's memory.
    pub memory: Growth,
}

impl Report {
    /// What does not hold, as sentences.
    pub fn failures(&self) -> Vec<String> {
        let mut failures = self.session.failures();
        failures.extend(self.honest.failed.iter().cloned());
        if self.honest.paired == 0 {
            failures.push("nobody honest paired".to_owned());
        }
        if self.targets_hit < self.plan.targets as usize {
            failures.push(format!(
                "only {} of {} targeted codes were hit: the flood is none",
                self.targets_hit, self.plan.targets
            ));
        }
        if self.targets_replaced < self.targets_hit {
            failures.push(format!(
                "{} of {} targeted codes were replaced",
                self.targets_replaced, self.targets_hit
            ));
        }
        // One in a hundred thousand is the chance that the password leaves.
        if self.guessed > 1 {
            failures.push(format!("{} passwords were guessed", self.guessed));
        }
        failures.extend(self.memory.failures(MEMORY_KIB));
        failures
    }
}

/// Lets a storm loose and waits for its end.
pub async fn storm(
    scene: &Scene,
    sockets: Vec<UdpSocket>,
    plan: Plan,
    dice: &mut Dice,
) -> Result<Report> {
    let strangers = scene.strangers(sockets)?;
    ensure!(!strangers.is_empty(), "a storm needs strangers");
    let mut session = scene.bystander().await?;
    let targets = targets(scene, plan.targets).await?;
    // What is there before, connections, codes and the recording, is not the storm's.
    session.work(tokio::time::sleep(SETTLE)).await?;
    let memory = Memory::watch(scene.relay)?;

    let (over, mut watched) = watch::channel(false);
    let until = async move { drop(watched.wait_for(|over| *over).await) };
    let nameplates: Vec<String> = targets.iter().map(|t| t.nameplate.clone()).collect();
    let attack = async {
        let outcome = attack(&strangers, &nameplates, plan, dice).await;
        over.send_replace(true);
        outcome
    };
    let mut honest = Honest::default();
    let honest_people = people(scene, plan.honest_every, over.subscribe(), &mut honest);
    let (attack, worked, ()) = tokio::join!(attack, session.work(until), honest_people);
    worked.context("the running session")?;
    let (outcomes, seconds) = attack;
    let undisturbed = session.look().await;
    let growth = memory.stop();
    session.end().await.context("the end of the session")?;

    let fates: Vec<Fate> = targets.iter().map(Target::fate).collect();
    let waits = fates.iter().filter_map(|f| Some(f.replaced? - f.over?));
    let longest = waits.max().unwrap_or_default();
    Ok(Report {
        plan,
        addresses: strangers.len(),
        seconds,
        outcomes,
        session: undisturbed,
        honest,
        targets_hit: fates.iter().filter(|f| f.shares > 0).count(),
        targets_replaced: fates.iter().filter(|f| f.replaced.is_some()).count(),
        replaced_after_ms_max: longest.as_secs_f64() * 1e3,
        guessed: fates.iter().filter(|f| f.paired).count(),
        memory: growth,
    })
}

async fn targets(scene: &Scene, number: u32) -> Result<Vec<Target>> {
    let mut targets = Vec::new();
    for _ in 0..number {
        targets.push(Target::offer(&scene.address, &scene.pin, &scene.technician).await?);
    }
    Ok(targets)
}

/// Honest pairings, one after the other, until it is over.
async fn people(
    scene: &Scene,
    every: Duration,
    mut over: watch::Receiver<bool>,
    honest: &mut Honest,
) {
    let mut beat = interval(every);
    beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
    for _ in 0..HONEST {
        tokio::select! {
            // An error is the sender's end.
            _ = over.wait_for(|over| *over) => return,
            _ = beat.tick() => {}
        }
        honest
            .pair(&scene.address, &scene.pin, &scene.technician)
            .await;
    }
}

/// All attempts, at their pace, from all addresses in turn. Returns what they were told, and in how many
/// seconds they began.
async fn attack(
    strangers: &[Stranger],
    nameplates: &[String],
    plan: Plan,
    dice: &mut Dice,
) -> (BTreeMap<String, u64>, f64) {
    let began = Instant::now();
    let mut beat = interval(Duration::from_secs(1) / plan.per_second.max(1));
    // Late ones are made up for: the pace is the plan's.
    beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let (mut tasks, mut outcomes) = (JoinSet::new(), BTreeMap::new());
    let mut note = |told: Told| *outcomes.entry(words(&told)).or_default() += 1;
    for number in 0..plan.attempts {
        beat.tick().await;
        // Rounds go over the networks first, so that each code is hit from several of them.
        let stranger = strangers[place(number as usize, strangers.len())].clone();
        let nameplate = match nameplates.get(number as usize / SHOTS) {
            Some(known) => known.clone(),
            None => (1_000 + dice.roll(9_000)).to_string(),
        };
        let temper = [Temper::Guesses, Temper::Leaves, Temper::Stalls][dice.roll(3) as usize];
        let Ok(place) = room.clone().acquire_owned().await else {
            break;
        };
        tasks.spawn(async move {
            let told = stranger.attempt(&nameplate, temper).await;
            drop(place);
            told
        });
        while let Some(Ok(told)) = tasks.try_join_next() {
            note(told);
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    while let Some(told) = tasks.join_next().await {
        note(told.unwrap_or(Told::Silence));
    }
    (outcomes, seconds)
}

/// The addresses of one network stand side by side: steps of a prime number lead through all of them.
fn place(number: usize, of: usize) -> usize {
    number * 37 % of
}

fn words(told: &Told) -> String {
    match told {
        Told::NotConnected => "not connected".to_owned(),
        Told::Refused(why) => format!("refused: {why}"),
        Told::Shared(Temper::Guesses) => "a wrong guess".to_owned(),
        Told::Shared(Temper::Leaves) => "left after the share".to_owned(),
        Told::Shared(Temper::Stalls) => "stalled after the share".to_owned(),
        Told::Silence => "hung up".to_owned(),
        Told::Paired => "paired".to_owned(),
    }
}

/// Attempts at each known nameplate: some more than a code takes shares.
const SHOTS: usize = 5;
/// Attempts under way at once; what is more waits, so that the strangers' machine does not break first.
const AT_ONCE: usize = 2_000;
/// Honest pairings at most: they come from one network, which has 20 tries at once.
const HONEST: usize = 15;
const SETTLE: Duration = Duration::from_secs(2);
