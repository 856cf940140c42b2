//! A side of a session, with valid keys, that begins as many frames as it may and finishes none of them.
//!
//! ```text
//! Hoard::begin: one-way streams until the relay grants no more ─► in each a frame without its last byte ─► rest ─► drop
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use fernsicht_protocol::frame::{Class, Direction};
use fernsicht_protocol::net::SendStream;
use fernsicht_protocol::unit::KIND_FRAME;
use tokio::task::JoinSet;

use crate::pair::Pair;

/// Streams that never end. Cut off when dropped.
#[derive(Debug)]
pub struct Hoard {
    streams: usize,
    taken: Arc<AtomicUsize>,
    writing: JoinSet<()>,
}

impl Hoard {
    /// Begins on all streams that the side of `from` may still have open. Each frame lacks its last byte; pictures are as
    /// large as so many fit into what the relay keeps for a recording. Errors: there is no stream to have.
    pub async fn begin(pair: &Pair, from: Direction) -> Result<Self> {
        let mut hoard = Self {
            streams: 0,
            taken: Arc::default(),
            writing: JoinSet::new(),
        };
        let connection = pair.connection(from);
        loop {
            let number = hoard.streams as u64;
            // Only an agent has frames that come alone.
            let class = match from {
                Direction::AgentToConsole if number.is_multiple_of(2) => Class::Picture,
                Direction::AgentToConsole | Direction::ConsoleToAgent => Class::Notices,
            };
            let stream = tokio::select! {
                biased;
                stream = connection.open_uni(class) => stream?,
                // It would wait for one that ends.
                () = std::future::ready(()) => break,
            };
            let length = class.max_ciphertext().min(PICTURE);
            let header = pair.header(from, class, FAR + number, u32::try_from(length)?);
            let mut begun = match class.in_order() {
                true => vec![KIND_FRAME],
                false => Vec::new(),
            };
            begun.extend(header.encode());
            let bytes = (begun, length - 1);
            hoard
                .writing
                .spawn(write(stream, bytes, Arc::clone(&hoard.taken)));
            hoard.streams += 1;
        }
        ensure!(hoard.streams > 0, "there is no stream to have");
        Ok(hoard)
    }

    /// On how many streams.
    pub fn streams(&self) -> usize {
        self.streams
    }

    /// Completes once the relay takes nothing more. Returns how many bytes it took.
    pub async fn rest(&self) -> usize {
        let mut before = 0;
        loop {
            tokio::time::sleep(STILL).await;
            let taken = self.taken.load(Ordering::Relaxed);
            if taken == before && taken > 0 {
                return taken;
            }
            before = taken;
        }
    }
}

/// Writes what there is, as fast as it is taken, and never ends.
async fn write(mut stream: SendStream, (begun, more): (Vec<u8>, usize), taken: Arc<AtomicUsize>) {
    let mut left = more;
    let mut next = begun;
    while stream.write_all(&next).await.is_ok() {
        taken.fetch_add(next.len(), Ordering::Relaxed);
        let length = left.min(CHUNK);
        if length == 0 {
            break;
        }
        left -= length;
        next = vec![7; length];
    }
    std::future::pending().await
}

/// Numbers that no honest frame of the session has had.
const FAR: u64 = 1 << 32;
const PICTURE: usize = 1 << 20;
const CHUNK: usize = 8 << 10;
const STILL: Duration = Duration::from_millis(700);
