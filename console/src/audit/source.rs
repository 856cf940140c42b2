//! An opened recording as the replay reads it.
//!
//! Each content is opened when it is asked for and kept nowhere. What does not open was found when
//! the recording was verified; here it counts as empty, so that the rest can be seen.

use std::sync::Arc;

use fernsicht_protocol::wire::Wire as _;
use fernsicht_recordings::format::Body;
use fernsicht_recordings::open::{self, Event, Opened};
use fernsicht_recordings::reader::Records;

use super::index::{Ended, Entry, Kind, Source, Unreadable};

/// A recording's bytes, held once.
#[derive(Debug, Clone)]
pub struct Bytes(Arc<Vec<u8>>);

impl Bytes {
    /// Takes them.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Arc::new(bytes))
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// The recording of a case.
#[derive(Debug, Clone)]
pub struct Recording {
    bytes: Bytes,
    opened: Arc<Opened<Bytes>>,
    /// Epochs that did not open.
    closed: Arc<[u32]>,
}

impl Recording {
    /// Shares what was opened.
    pub fn new(bytes: Bytes, opened: Arc<Opened<Bytes>>) -> Self {
        let closed = opened
            .epochs()
            .filter(|(_, refusal)| refusal.is_some())
            .map(|(epoch, _)| epoch)
            .collect();
        Self {
            bytes,
            opened,
            closed,
        }
    }

    fn kind(&self, entry: &open::Entry) -> Option<Kind> {
        let record = Records::at(self.bytes.as_ref(), entry.offset, entry.record)?;
        let open = |epoch| !self.closed.contains(&epoch);
        Some(match record.parse().ok()? {
            Body::Opening(opening) => Kind::Opening {
                epoch: opening.epoch,
            },
            Body::Frame { header, .. } if open(header.epoch) => Kind::Frame(header),
            Body::Tombstone { header, .. } => Kind::Withheld(header),
            Body::Dropped { header, .. } => Kind::Cut(header),
            Body::Gap { from, to } => Kind::Gap { from, to },
            Body::End { reason } => Kind::End(reason.map_or(Ended::Interrupted, Ended::Session)),
            Body::Frame { .. } | Body::EpochSignature { .. } | Body::Checkpoint(_) => Kind::Other,
        })
    }
}

impl Source for Recording {
    fn records(&self) -> usize {
        self.opened.index().len()
    }

    fn entry(&self, at: usize) -> Entry {
        let found = self.opened.index().get(at);
        Entry {
            time: found.map_or(0, |entry| entry.time),
            kind: found
                .and_then(|entry| self.kind(entry))
                .unwrap_or(Kind::Other),
        }
    }

    fn content(&mut self, at: usize) -> Result<Vec<u8>, Unreadable> {
        let mut buffer = Vec::new();
        let event = self.opened.event(at, &mut buffer);
        Ok(event.map(|event| content(&event)).unwrap_or_default())
    }
}

/// What was sealed. Every value has exactly one encoding.
fn content(event: &Event<'_>) -> Vec<u8> {
    match event {
        Event::Rights { cause, .. } => cause.to_bytes(),
        Event::Input { input, .. } => input.to_bytes(),
        Event::InputAck { ack, .. } => ack.to_bytes(),
        Event::PictureAck { ack, .. } => ack.to_bytes(),
        Event::Heads { heads, .. } => heads.to_bytes(),
        Event::AgentNotice { notice, .. } => notice.to_bytes(),
        Event::ConsoleNotice { notice, .. } => notice.to_bytes(),
        Event::Beacon { beacon, .. } => beacon.to_bytes(),
        Event::Pointer { pointer, .. } => pointer.to_bytes(),
        Event::Picture { update, .. } => update.to_vec(),
        Event::Transfer { content, .. } => content.to_vec(),
        Event::Opening { .. }
        | Event::EpochSigned { .. }
        | Event::Tombstone { .. }
        | Event::Dropped { .. }
        | Event::Checkpoint { .. }
        | Event::Gap { .. }
        | Event::End { .. }
        | Event::Unreadable { .. } => Vec::new(),
    }
}
