//! Those who must notice nothing: a running session that numbers its frames, and honest people who pair.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::content::{Input, InputEvent};
use fernsicht_protocol::frame::{Class, Direction, Header};
use fernsicht_protocol::net::{Identity, Pin};
use fernsicht_protocol::wire::Wire;
use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval};

use crate::pair::{Kind, Pair};

/// Pictures of a session, as someone who scrolls makes them.
const PICTURE: usize = 5_000;
const PICTURE_EVERY: Duration = Duration::from_millis(40);
/// One input event for so many pictures.
const INPUT_EVERY: u64 = 3;

/// How long what was sent may take to arrive on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A session under way, recorded, with control.
#[derive(Debug)]
pub struct Bystander {
    pair: Pair,
    sent: HashMap<(Direction, Class, u64), Instant>,
    turns: u64,
}

/// What a session went through.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Undisturbed {
    /// Pictures sent by the agent.
    pub pictures: usize,
    /// Input sent by the console.
    pub input: usize,
    /// Of both, those that did not arrive.
    pub lost: usize,
    /// Input that the relay replaced by a tombstone: a right was lost.
    pub withheld: usize,
    /// What the relay said against the session.
    pub said: Vec<String>,
    /// From sending to arrival, pictures and input, in milliseconds.
    pub delay_ms_p50: f64,
    /// The same, the worst of a hundred.
    pub delay_ms_p99: f64,
}

impl Undisturbed {
    /// What does not hold, as sentences.
    pub fn failures(&self) -> Vec<String> {
        let mut failures = self.said.clone();
        if self.lost > 0 {
            failures.push(format!("the running session lost {} frames", self.lost));
        }
        if self.withheld > 0 {
            failures.push(format!("{} input events were withheld", self.withheld));
        }
        failures
    }
}

impl Bystander {
    /// Pairs and goes into control.
    pub async fn open(
        address: &str,
        pin: &Pin,
        technician: &Identity,
        auditor: [u8; 32],
    ) -> Result<Self> {
        // A relay that has just started offers control once it has tried its store.
        let mut tries = 0;
        let pair = loop {
            match Pair::open(address, pin, technician, Kind::Control(&[auditor])).await {
                Ok(pair) => break pair,
                Err(error) if tries == 20 => return Err(error),
                Err(_) => tries += 1,
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        };
        // Input that the relay has before it has the rights would be withheld.
        let until = Instant::now() + PATIENCE;
        let granted = |(_, header): &(Instant, Header)| header.class == Class::Rights;
        while !pair.noted().at_console.iter().any(granted) {
            ensure!(Instant::now() < until, "no rights arrive");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(Self {
            pair,
            sent: HashMap::new(),
            turns: 0,
        })
    }

    /// The session's two ends.
    pub fn pair(&mut self) -> &mut Pair {
        &mut self.pair
    }

    /// Works until `until` is over. Errors: the relay is gone.
    pub async fn work(&mut self, until: impl Future<Output = ()>) -> Result<()> {
        let mut beat = interval(PICTURE_EVERY);
        beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        tokio::pin!(until);
        loop {
            tokio::select! {
                () = &mut until => return Ok(()),
                _ = beat.tick() => self.turn().await?,
            }
        }
    }

    async fn turn(&mut self) -> Result<()> {
        let content = vec![self.turns as u8; PICTURE];
        self.send(Direction::AgentToConsole, Class::Picture, &content)
            .await?;
        if self.turns.is_multiple_of(INPUT_EVERY) {
            let event = InputEvent::Move {
                x: (self.turns % 1000) as u16,
                y: 5,
            };
            let input = Input {
                beacon: 1,
                layout: 1,
                event,
            }
            .to_bytes();
            self.send(Direction::ConsoleToAgent, Class::Input, &input)
                .await?;
        }
        self.turns += 1;
        Ok(())
    }

    async fn send(&mut self, direction: Direction, class: Class, content: &[u8]) -> Result<()> {
        let now = Instant::now();
        let header = self.pair.send(direction, class, content).await?;
        self.sent.insert((direction, class, header.number), now);
        Ok(())
    }

    /// Waits for what is under way and looks what arrived. The session goes on.
    pub async fn look(&self) -> Undisturbed {
        let until = Instant::now() + PATIENCE;
        while self.arrived().len() < self.sent.len() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let arrived = self.arrived();
        let of = |class| self.sent.keys().filter(|(_, c, _)| *c == class).count();
        let mut delays: Vec<f64> = arrived
            .iter()
            .filter_map(|(name, (at, _))| Some((*at - *self.sent.get(name)?).as_secs_f64() * 1e3))
            .collect();
        delays.sort_by(f64::total_cmp);
        let rank = |share: f64| {
            let at = (delays.len() as f64 * share) as usize;
            delays.get(at).copied().unwrap_or_default()
        };
        let noted = self.pair.noted();
        let mut said = Vec::new();
        if noted.recorder_failed.is_some() {
            said.push("the recorder of the running session failed".to_owned());
        }
        if let Some((_, reason)) = &noted.ended {
            said.push(format!("the running session was ended: {reason:?}"));
        }
        Undisturbed {
            pictures: of(Class::Picture),
            input: of(Class::Input),
            lost: self.sent.len() - arrived.len(),
            withheld: arrived.values().filter(|(_, tombstone)| *tombstone).count(),
            said,
            delay_ms_p50: rank(0.5),
            delay_ms_p99: rank(0.99),
        }
    }

    /// Everything that was sent and came: when, and whether as a tombstone.
    fn arrived(&self) -> HashMap<(Direction, Class, u64), (Instant, bool)> {
        let noted = self.pair.noted();
        let name = |header: &Header| (header.direction, header.class, header.number);
        let at_console = noted
            .at_console
            .iter()
            .map(|(at, h)| (name(h), (*at, false)));
        let at_agent = noted.at_agent.iter();
        let at_agent = at_agent.map(|(at, h, tombstone)| (name(h), (*at, *tombstone)));
        at_console
            .chain(at_agent)
            .filter(|(name, _)| self.sent.contains_key(name))
            .collect()
    }

    /// Ends the session as the customer would. Errors: its end was not confirmed.
    pub async fn end(self) -> Result<()> {
        self.pair.end().await
    }
}

/// Honest pairings during a flood.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Honest {
    /// How many paired and saw each other's first frame.
    pub paired: usize,
    /// Why others did not.
    pub failed: Vec<String>,
    /// From the console's question for a code to the first rights, in milliseconds: the longest.
    pub longest_ms: f64,
}

impl Honest {
    /// Somebody pairs, looks for a moment and ends.
    pub async fn pair(&mut self, address: &str, pin: &Pin, technician: &Identity) {
        let began = Instant::now();
        match one(address, pin, technician).await {
            Ok(()) => {
                self.paired += 1;
                let took = began.elapsed().as_secs_f64() * 1e3;
                self.longest_ms = self.longest_ms.max(took);
            }
            Err(error) => self.failed.push(format!("{error:#}")),
        }
    }
}

async fn one(address: &str, pin: &Pin, technician: &Identity) -> Result<()> {
    let mut pair = Pair::open(address, pin, technician, Kind::View)
        .await
        .context("an honest code did not pair")?;
    let picture = pair
        .send(Direction::AgentToConsole, Class::Picture, &[7; PICTURE])
        .await?;
    let until = Instant::now() + PATIENCE;
    loop {
        let came = pair
            .noted()
            .at_console
            .iter()
            .any(|(_, header)| *header == picture);
        if came {
            break;
        }
        ensure!(Instant::now() < until, "an honest session shows nothing");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    pair.end().await
}
