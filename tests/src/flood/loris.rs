//! Those who connect and then take their time: nobody is kept waiting by them, and they are let go.
//!
//! ```text
//! siege: open all ─► hold them, while a session runs and honest people pair ─► wait until the relay lets go
//! ```

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::unit::encode_message;
use serde::Serialize;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::bystander::{Honest, Undisturbed};
use super::memory::{Growth, Memory};
use super::stranger::{GIVES_UP, Stranger, hello};
use super::{SETTLE, Scene};

/// How somebody takes his time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Manner {
    /// Begins the handshake, proves the address where the relay asks for that, and never goes on.
    HalfOpen,
    /// Completes the handshake and says nothing.
    Silent,
    /// Says hello byte by byte.
    ByteByByte,
    /// Says hello, begins a message that never ends, and asks for streams.
    Unfinished,
}

/// What came of a siege.
#[derive(Debug, Serialize)]
pub struct Siege {
    /// How they went about it.
    pub manner: Manner,
    /// Connections that they tried to open.
    pub tried: usize,
    /// That stood.
    pub opened: usize,
    /// Of those, how many were given a stream for frames without being a side of a session.
    pub streams: usize,
    /// Others of their networks who were told meanwhile that there is no room. With half-open ones so many are tried
    /// that there is none.
    pub refused: usize,
    /// Of those that stood, let go by the relay.
    pub let_go: usize,
    /// When the last one was let go, in seconds after the first was opened.
    pub seconds: f64,
    /// The session that ran all the while.
    pub session: Undisturbed,
    /// Those who paired meanwhile.
    pub honest: Honest,
    /// The relay's memory.
    pub memory: Growth,
}

impl Siege {
    /// What does not hold, as sentences.
    pub fn failures(&self) -> Vec<String> {
        let mut failures = self.session.failures();
        failures.extend(self.honest.failed.iter().cloned());
        if self.honest.paired == 0 {
            failures.push("nobody honest paired".to_owned());
        }
        if self.opened == 0 {
            failures.push("no connection stood: the siege is none".to_owned());
        }
        if self.streams > 0 {
            failures.push(format!(
                "{} were given streams before a pairing",
                self.streams
            ));
        }
        if self.manner == Manner::HalfOpen && self.refused == 0 {
            failures.push("the limit was not reached: the siege is none".to_owned());
        }
        if self.let_go < self.opened {
            failures.push(format!(
                "{} of {} connections were never let go",
                self.opened - self.let_go,
                self.opened
            ));
        }
        let manner = self.manner;
        let words = |failure| format!("{manner:?}: {failure}");
        failures.into_iter().map(words).collect()
    }
}

/// So many connections, from all sockets in turn, and what became of everybody. Half-open ones come from every second
/// socket; the others, at addresses of the same networks, look whether there is room.
pub async fn siege(
    scene: &Scene,
    sockets: Vec<UdpSocket>,
    manner: Manner,
    connections: usize,
) -> Result<Siege> {
    let mut session = scene.bystander().await?;
    session.work(tokio::time::sleep(SETTLE)).await?;
    let memory = Memory::watch(scene.relay)?;
    let began = Instant::now();
    let mut honest = Honest::default();
    let (done, over) = oneshot::channel();
    let (there, all_there) = oneshot::channel();
    let held = async {
        let outcome = match manner {
            Manner::HalfOpen => half_open(scene, sockets, connections, there).await,
            Manner::Silent | Manner::ByteByByte | Manner::Unfinished => {
                whole(scene, sockets, (manner, connections), there).await
            }
        };
        // Whoever does not wait any more has failed already.
        done.send(()).ok();
        outcome
    };
    let meanwhile = async {
        // Whoever gives up tells nobody.
        drop(all_there.await);
        for _ in 0..PAIRINGS {
            honest
                .pair(&scene.address, &scene.pin, &scene.technician)
                .await;
        }
    };
    let until = async { drop(over.await) };
    let (held, worked, ()) = tokio::join!(held, session.work(until), meanwhile);
    worked.context("the running session")?;
    let Held {
        opened,
        streams,
        refused,
        let_go,
    } = held?;
    let seconds = began.elapsed().as_secs_f64();
    let undisturbed = session.look().await;
    let growth = memory.stop();
    session.end().await.context("the end of the session")?;
    Ok(Siege {
        manner,
        tried: connections,
        opened,
        streams,
        refused,
        let_go,
        seconds,
        session: undisturbed,
        honest,
        memory: growth,
    })
}

/// What became of the connections.
#[derive(Default)]
struct Held {
    opened: usize,
    streams: usize,
    refused: usize,
    let_go: usize,
}

/// Connections whose handshake is complete.
async fn whole(
    scene: &Scene,
    sockets: Vec<UdpSocket>,
    (manner, connections): (Manner, usize),
    there: oneshot::Sender<()>,
) -> Result<Held> {
    let strangers = scene.strangers(sockets)?;
    let mut holding = JoinSet::new();
    for number in 0..connections {
        let stranger = strangers[number % strangers.len()].clone();
        holding.spawn(async move {
            let Ok(connection) = stranger.connect().await else {
                return None;
            };
            // What becomes of his words is not the question: the relay may have hung up already.
            let kept = behave(&connection, manner).await;
            let mut stream = false;
            let end = async {
                let asked = async {
                    stream = connection.open_uni().await.is_ok();
                };
                tokio::join!(asked, connection.closed());
            };
            let let_go = tokio::time::timeout(LET_GO, end).await.is_ok();
            drop(kept);
            Some((stream, let_go))
        });
        tokio::time::sleep(PACE).await;
    }
    // Nobody waits for it once the running session has failed.
    there.send(()).ok();
    let mut held = Held::default();
    while let Some(outcome) = holding.join_next().await {
        if let Some((stream, let_go)) = outcome? {
            held.opened += 1;
            held.streams += usize::from(stream);
            held.let_go += usize::from(let_go);
        }
    }
    Ok(held)
}

/// What must stay open: to say something on, and to be answered on.
type Kept = Option<(quinn::SendStream, quinn::RecvStream)>;

async fn behave(connection: &quinn::Connection, manner: Manner) -> Result<Kept> {
    if matches!(manner, Manner::HalfOpen | Manner::Silent) {
        return Ok(None);
    }
    let (mut messages, answers) = connection.open_bi().await?;
    let words = encode_message(&hello());
    if manner == Manner::ByteByByte {
        for byte in words.chunks(1) {
            messages.write_all(byte).await?;
            tokio::time::sleep(BYTE_EVERY).await;
        }
        return Ok(Some((messages, answers)));
    }
    messages.write_all(&words).await?;
    // The same once more, but for its last byte.
    messages.write_all(&words[..words.len() - 1]).await?;
    Ok(Some((messages, answers)))
}

/// Handshakes that stop half-way. Let go they are once connections from the same networks stand again, in all of them.
async fn half_open(
    scene: &Scene,
    sockets: Vec<UdpSocket>,
    connections: usize,
    there: oneshot::Sender<()>,
) -> Result<Held> {
    let mut places = sockets.into_iter();
    let (mut besieging, mut beside) = (Vec::new(), Vec::new());
    while let (Some(one), Some(other)) = (places.next(), places.next()) {
        besieging.push(one);
        beside.push(other);
    }
    ensure!(!besieging.is_empty(), "a siege needs two sockets");
    let (halves, beside) = (scene.halves(besieging)?, scene.strangers(beside)?);
    let mut probing = JoinSet::new();
    for stranger in &beside {
        probing.spawn(until_refused(stranger.clone()));
    }
    let mut beat = interval(HALVES);
    // They are gone soon: late ones are made up for.
    beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut begun = Vec::new();
    for number in 0..connections {
        beat.tick().await;
        begun.push(halves[number % halves.len()].begin()?);
    }
    // Nobody waits for it once the running session has failed.
    there.send(()).ok();
    // None of them says goodbye; the last ones may have got in when they tried for the last time.
    tokio::time::sleep(GIVES_UP + HANDSHAKE).await;
    let mut refused = 0;
    while probing.try_join_next().is_some() {
        refused += 1;
    }
    drop(probing);
    for stranger in &beside {
        let again = stranger.connect().await;
        again
            .context("no connection from where half of one was begun")?
            .close(0u32.into(), b"");
    }
    drop(begun);
    Ok(Held {
        opened: connections,
        streams: 0,
        refused,
        let_go: connections,
    })
}

/// Connects again and again, and leaves at once, until the relay says that it has no room.
async fn until_refused(stranger: Stranger) {
    let refused = quinn::TransportErrorCode::CONNECTION_REFUSED;
    loop {
        match stranger.connect().await {
            Ok(connection) => connection.close(0u32.into(), b""),
            Err(error) => {
                if let Some(quinn::ConnectionError::ConnectionClosed(close)) = error.downcast_ref()
                    && close.error_code == refused
                {
                    return;
                }
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Honest pairings during a siege.
const PAIRINGS: usize = 5;
/// Between two half-open ones: the relay's places are to be taken before it lets go of the first.
const HALVES: Duration = Duration::from_millis(1);
/// Between two looks whether there is room.
const AGAIN: Duration = Duration::from_secs(1);
/// Between two connections: the strangers' machine shall not break first.
const PACE: Duration = Duration::from_millis(4);
/// A hello takes longer than the relay waits for one.
const BYTE_EVERY: Duration = Duration::from_millis(500);
/// The relay waits 10 s for a handshake or a hello, and longer for a code.
const LET_GO: Duration = Duration::from_secs(150);
const HANDSHAKE: Duration = Duration::from_secs(15);
