//! What writes one recording's file, and nothing else does. It runs on whatever thread has begun ([`super::Recorder`]),
//! one at a time.
//!
//! ```text
//! Open ─► (gap) opening, first checkpoint, keys: synced ─► ready
//! batch ─► one write(2) ─► who waits is told          each second: checkpoint, fdatasync ─► both ends
//! failure ─► cut back to what is whole ─► probe each second ─► back
//! Finish ─► end, last checkpoint: synced ─► catalogue ─► (receipt) ─► over
//! ```
//!
//! It may hang in the operating system for as long as the store does; nobody waits for it.
//! [`super::Recorders::watch`] then says that the recorder has failed, and whoever hung finds that
//! out when he comes back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fernsicht_protocol::cert;
use fernsicht_protocol::checkpoint::SignedCheckpoint;
use fernsicht_protocol::messages::{End, SessionId};
use fernsicht_protocol::router::Opening;
use fernsicht_protocol::wire::{Blob, List};
use fernsicht_recordings::format;
use fernsicht_recordings::store::{self, Appending, NewRecording, RecordingId};
use fernsicht_recordings::writer::{self, Writer};

use super::queue::{Cause, Item, Queue, SOON, Work};
use super::{Events, Shared, now_centis};

/// Why the recorder has failed.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("cannot write a recording: {0}")]
    Write(#[from] std::io::Error),
    #[error("a record does not fit: {0}")]
    Writer(#[from] writer::Error),
    #[error("a certificate cannot be recorded")]
    Certificate,
    #[error("nothing of this session has been recorded")]
    Nothing,
}

impl Fault {
    fn cause(&self) -> Cause {
        match self {
            Self::Store(store::Error::Twice) => Cause::Session,
            Self::Store(_) | Self::Write(_) => Cause::Store,
            Self::Writer(_) | Self::Certificate | Self::Nothing => Cause::Session,
        }
    }
}

/// The file and what is known of it.
#[derive(Debug)]
struct Written {
    id: RecordingId,
    file: Box<dyn Appending>,
    /// Behind the last record that write(2) has taken. None: nothing is in the file.
    safe: Option<Writer>,
    /// A write did not come to its end: there may be something behind that record.
    torn: bool,
}

impl Written {
    /// Writes what leads to this state.
    fn append(&mut self, bytes: &[&[u8]], writer: Option<Writer>) -> Result<(), Fault> {
        if self.torn {
            self.cut_back()?;
        }
        self.torn = true;
        self.file.append_all(bytes)?;
        self.torn = false;
        self.safe = writer;
        Ok(())
    }

    /// What is in the file behind the last whole record goes.
    fn cut_back(&mut self) -> Result<(), Fault> {
        let length = self.safe.as_ref().map_or(0, Writer::length);
        self.file.truncate(length)?;
        self.file.sync()?;
        self.torn = false;
        Ok(())
    }
}

/// The file's writer.
pub(super) struct Writing {
    session: SessionId,
    queue: Arc<Queue>,
    shared: Arc<Shared>,
    events: Arc<dyn Events>,
    written: Option<Written>,
    /// When the next checkpoint may come.
    checkpoint_at: Instant,
    gathered: Gathered,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Recording,
    /// The session is over; the end is tried at `at`.
    Ending {
        reason: End,
        receipt: bool,
        tries: u32,
        at: Instant,
    },
    /// The recording is closed; the customer's receipt may come until then.
    Closed {
        until: Instant,
    },
    Over,
}

/// Records for one write(2). Large ciphertexts stay where they are.
#[derive(Debug, Default)]
struct Gathered {
    pieces: Vec<Bytes>,
    /// What stands behind the pieces.
    last: Vec<u8>,
    bytes: usize,
}

impl Gathered {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len();
        self.last.extend_from_slice(bytes);
    }

    fn push_bytes(&mut self, bytes: Bytes) {
        if bytes.len() < LARGE {
            return self.push(&bytes);
        }
        self.bytes += bytes.len();
        self.pieces.push(std::mem::take(&mut self.last).into());
        self.pieces.push(bytes);
    }

    fn slices(&self) -> Vec<&[u8]> {
        let pieces = self.pieces.iter().map(|piece| &piece[..]);
        pieces.chain([&self.last[..]]).collect()
    }
}

/// What a batch has asked for beside being written.
#[derive(Debug, Default)]
struct Orders {
    finish: Option<End>,
    receipt: bool,
}

impl Writing {
    pub(super) fn new(
        session: SessionId,
        queue: Arc<Queue>,
        shared: Arc<Shared>,
        events: Arc<dyn Events>,
    ) -> Self {
        Self {
            session,
            queue,
            shared,
            events,
            written: None,
            checkpoint_at: Instant::now(),
            gathered: Gathered::default(),
            stage: Stage::Recording,
        }
    }

    /// Until there is nothing to do for now. True: nor will there ever be.
    pub(super) fn run(&mut self) -> bool {
        while let Some(work) = self.queue.next(self.due()) {
            let mut orders = Orders::default();
            match (&self.stage, work) {
                (Stage::Recording, Work::Due) => {
                    let result = self.checkpoint();
                    self.judge(result);
                }
                (Stage::Recording, Work::Batch(batch)) => {
                    let result = self.write(batch, &mut orders);
                    self.judge(result);
                }
                (_, Work::Batch(batch)) => {
                    for (_, item) in batch {
                        // Nothing but the receipt comes behind the end.
                        drop(orders.note(item));
                    }
                }
                (Stage::Recording, Work::Probe) => self.probe(),
                (_, Work::Due | Work::Probe) => {}
            }
            self.follow(orders);
        }
        let over = matches!(self.stage, Stage::Over);
        if over {
            // Closing a large file that was moved meanwhile frees its blocks: here, and not where the last one lets go.
            self.written = None;
        }
        over
    }

    /// When the writer wants to be called, whatever else comes.
    fn due(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Recording => {
                let safe = self.written.as_ref()?.safe.as_ref()?;
                safe.checkpoint_due().then_some(self.checkpoint_at)
            }
            Stage::Ending { at, .. } => Some(*at),
            Stage::Closed { until } => Some(*until),
            Stage::Over => None,
        }
    }

    fn judge(&self, result: Result<(), Fault>) {
        if let Err(fault) = result {
            self.failed(&fault);
        }
    }

    fn failed(&self, fault: &Fault) {
        tracing::error!(session = super::short(&self.session), %fault, "the recorder has failed");
        if self.queue.fail(now_centis(), fault.cause()) {
            self.events.failed(self.session);
        }
    }

    /// Writes a batch with as few calls as possible. What was written before a fault stays.
    fn write(&mut self, batch: Vec<(u64, Item)>, orders: &mut Orders) -> Result<(), Fault> {
        let first = batch.first().map(|(time, _)| *time);
        let mut records = Vec::with_capacity(batch.len());
        for (time, item) in batch {
            if let Some(item) = orders.note(item) {
                records.push((time, item));
            }
        }
        let written = self.write_all(records);
        if written.is_err() {
            self.queue.lost(first.unwrap_or_else(now_centis));
        }
        written?;
        let soon = Instant::now() + SOON;
        if orders.finish.is_none() && self.due().is_some_and(|due| due <= soon) {
            self.checkpoint()?;
        }
        Ok(())
    }

    fn write_all(&mut self, batch: Vec<(u64, Item)>) -> Result<(), Fault> {
        let mut ahead = self.written.as_ref().and_then(|w| w.safe.clone());
        let mut told = false;
        let mut rooms = Vec::new();
        self.gathered = Gathered::default();
        for (time, item) in batch {
            if let Item::Open(opening) = item {
                self.flush(ahead.take(), &mut told)?;
                self.open(&opening)?;
                ahead = self.written.as_ref().and_then(|w| w.safe.clone());
                continue;
            }
            let Some(writer) = &mut ahead else {
                return Err(Fault::Nothing);
            };
            match item {
                Item::Signature { epoch, signature } => {
                    let record = writer.append_signature(epoch, &signature, time)?;
                    self.gathered.push(&record);
                }
                Item::Frame {
                    header,
                    ciphertext,
                    asked,
                    room,
                } => {
                    let prefix = writer.append_frame(&header, &ciphertext.sum, time)?;
                    self.gathered.push(&prefix);
                    self.gathered.push_bytes(ciphertext.bytes);
                    told |= asked;
                    rooms.push(room);
                }
                Item::Withheld { header, hash } => {
                    let record = writer.append_tombstone(&header, &hash, time)?;
                    self.gathered.push(&record);
                }
                Item::Dropped { header, received } => {
                    let record = writer.append_dropped(&header, &received, time)?;
                    self.gathered.push(&record);
                }
                // Taken before.
                Item::Open(_) | Item::Finish { .. } | Item::ReceiptDone => {}
            }
            if self.gathered.bytes >= FLUSH_BYTES {
                self.flush(ahead.clone(), &mut told)?;
                rooms.clear();
            }
        }
        self.flush(ahead, &mut told)
    }

    /// Writes what is gathered; `writer` is the state behind it.
    fn flush(&mut self, writer: Option<Writer>, told: &mut bool) -> Result<(), Fault> {
        let Some(written) = &mut self.written else {
            return Ok(());
        };
        let gathered = std::mem::take(&mut self.gathered);
        if gathered.bytes > 0 {
            written.append(&gathered.slices(), writer)?;
        }
        if std::mem::take(told) {
            self.queue.tell_taken();
        }
        Ok(())
    }

    /// An epoch begins: everything that it needs is synced before anybody is told.
    fn open(&mut self, opening: &Opening) -> Result<(), Fault> {
        let now = now_centis();
        let written = match self.written.take() {
            Some(written) => written,
            None => self.begin(opening, now)?,
        };
        let written = self.written.insert(written);
        self.shared
            .store
            .keep_keys(written.id, opening.epoch, &opening.recording.sealed_keys)?;
        let record = record_of(opening, &self.shared.chain);
        let missing = self.queue.missing();
        let mut bytes = Vec::new();
        let mut writer = match &written.safe {
            None => {
                let (writer, first) = Writer::new(&record, now);
                bytes = first;
                writer
            }
            Some(safe) => {
                let mut writer = safe.clone();
                if let Some(lost) = missing {
                    bytes.extend(writer.append_gap(lost.since, now, now)?);
                }
                bytes.extend(writer.append_opening(&record, now)?);
                writer
            }
        };
        let (first, record) = writer.checkpoint(&self.shared.signer, now);
        bytes.extend(record);
        written.append(&[&bytes], Some(writer))?;
        written.file.sync()?;
        self.queue.said(missing);
        self.checkpoint_at = Instant::now() + CHECKPOINT_EVERY;
        let chain = chain(&self.shared.chain);
        self.events.ready(self.session, opening.epoch, chain, first);
        Ok(())
    }

    fn begin(&self, opening: &Opening, now: u64) -> Result<Written, Fault> {
        let technician = &opening.pairing.technician;
        let leaf = technician.chain.first().ok_or(Fault::Certificate)?;
        let holder = cert::holder(leaf).map_err(|_| Fault::Certificate)?;
        let new = NewRecording {
            open_hash: opening.recording.open_hash,
            lookup_hash: opening.recording.lookup_hash,
            deletion: opening.recording.deletion,
            technician: store::Technician {
                id: technician.id.0,
                name: holder.name,
                organisation: holder.organisation,
            },
            case: opening.case.as_str().to_owned(),
        };
        let begun = self.shared.store.begin(&new, now / 100)?;
        Ok(Written {
            id: begun.id,
            file: begun.file,
            safe: None,
            torn: false,
        })
    }

    /// Signs and syncs what is written, and tells both ends.
    fn checkpoint(&mut self) -> Result<(), Fault> {
        self.checkpoint_at = Instant::now() + CHECKPOINT_EVERY;
        let Some(written) = &mut self.written else {
            return Ok(());
        };
        let Some(safe) = &written.safe else {
            return Ok(());
        };
        let mut writer = safe.clone();
        let (signed, record) = writer.checkpoint(&self.shared.signer, now_centis());
        written.append(&[&record], Some(writer))?;
        written.file.sync()?;
        self.events.checkpoint(self.session, signed);
        Ok(())
    }

    /// Whether the store takes again.
    fn probe(&mut self) {
        let probed = self
            .cut_back()
            .and_then(|()| Ok(self.shared.store.probe()?));
        match probed {
            Ok(()) if self.queue.recover() => self.events.back(self.session),
            Ok(()) => {}
            Err(_) if self.removed() => self.queue.removed(),
            Err(fault) => {
                self.queue.blame_store();
                tracing::debug!(%fault, "the recorder is not back yet");
            }
        }
    }

    /// True if the recording was deleted meanwhile: the customer has withdrawn the consent.
    fn removed(&self) -> bool {
        let written = self.written.as_ref();
        written.is_some_and(|written| matches!(self.shared.store.keeps(written.id), Ok(false)))
    }

    fn cut_back(&mut self) -> Result<(), Fault> {
        self.written.as_mut().map_or(Ok(()), Written::cut_back)
    }

    /// What the batch has asked for, and what its time has come for. A store that does not take the end is tried again for
    /// a while.
    fn follow(&mut self, orders: Orders) {
        let now = Instant::now();
        let soon = now + SOON;
        if let (Stage::Recording, Some(reason)) = (&self.stage, orders.finish) {
            self.stage = Stage::Ending {
                reason,
                receipt: false,
                tries: 0,
                at: now,
            };
        }
        match &mut self.stage {
            Stage::Recording | Stage::Over => {}
            Stage::Ending { receipt, at, .. } => {
                *receipt |= orders.receipt;
                if *at <= soon {
                    self.finish();
                }
            }
            Stage::Closed { .. } if orders.receipt => self.receipt_done(),
            Stage::Closed { until } if *until <= soon => self.stage = Stage::Over,
            Stage::Closed { .. } => {}
        }
    }

    fn finish(&mut self) {
        let Stage::Ending {
            reason,
            receipt,
            tries,
            ..
        } = std::mem::replace(&mut self.stage, Stage::Over)
        else {
            return;
        };
        match self.cut_back().and_then(|()| self.end(&reason)) {
            Ok(last) if tries == 0 => self.events.finished(self.session, last),
            Ok(_) => {}
            Err(fault) => {
                tracing::error!(session = super::short(&self.session), %fault, "a recording cannot be closed");
                if tries == 0 {
                    self.events.finished(self.session, None);
                }
                if tries + 1 < FINISH_TRIES && !self.removed() {
                    self.stage = Stage::Ending {
                        reason,
                        receipt,
                        tries: tries + 1,
                        at: Instant::now() + FINISH_RETRY,
                    };
                    return;
                }
            }
        }
        self.shared.closed();
        match receipt {
            true => self.receipt_done(),
            false => {
                self.stage = Stage::Closed {
                    until: Instant::now() + RECEIPT_WITHIN,
                };
            }
        }
    }

    /// The customer has the completed receipt: nothing more will come.
    fn receipt_done(&mut self) {
        self.stage = Stage::Over;
        if let Some(written) = &self.written
            && let Err(error) = self.shared.store.receipt_done(written.id)
        {
            tracing::error!(%error, "a receipt cannot be noted");
        }
    }

    /// End record and last checkpoint, synced, and noted in the catalogue. None: there is no recording.
    fn end(&mut self, reason: &End) -> Result<Option<SignedCheckpoint>, Fault> {
        let Some(Written {
            id,
            file,
            safe: Some(safe),
            ..
        }) = &mut self.written
        else {
            return Ok(None);
        };
        let now = now_centis();
        let mut writer = safe.clone();
        let mut bytes = Vec::new();
        if let Some(lost) = self.queue.missing() {
            bytes.extend(writer.append_gap(lost.since, now, now)?);
        }
        bytes.extend(writer.append_end(Some(reason.clone()), now)?);
        let (last, record) = writer.checkpoint(&self.shared.signer, now);
        bytes.extend(record);
        file.append(&bytes)?;
        file.sync()?;
        let length = writer.length();
        self.shared.store.end(*id, length, now / 100)?;
        Ok(Some(last))
    }
}

impl Orders {
    /// Takes what is an order; gives back what is a record.
    fn note(&mut self, item: Item) -> Option<Item> {
        match item {
            Item::Finish { reason } => self.finish = Some(reason),
            Item::ReceiptDone => self.receipt = true,
            record @ (Item::Open(_)
            | Item::Signature { .. }
            | Item::Frame { .. }
            | Item::Withheld { .. }
            | Item::Dropped { .. }) => return Some(record),
        }
        None
    }
}

fn record_of(opening: &Opening, signer: &[Vec<u8>]) -> format::Opening {
    let pairing = &opening.pairing;
    format::Opening {
        session: opening.session,
        epoch: opening.epoch,
        rid: opening.recording.rid,
        context: Blob(pairing.context.bytes()),
        message_a: pairing.message_a.clone(),
        message_b: pairing.message_b.clone(),
        th1: pairing.th1,
        conf_b: pairing.conf_b,
        conf_a: pairing.confirm.confirmation,
        agent_key: pairing.confirm.agent_key,
        nonce: pairing.confirm.nonce,
        th2: pairing.th2,
        technician: chain(&pairing.technician.chain),
        signature: opening.signature,
        commitment: opening.recording.commitment,
        sealed_keys_hash: opening.sealed_keys_hash,
        deletion: opening.recording.deletion,
        signer: chain(signer),
    }
}

fn chain(ders: &[Vec<u8>]) -> fernsicht_protocol::messages::Chain {
    List(ders.iter().cloned().map(Blob).collect())
}

/// One write(2) for so much.
const FLUSH_BYTES: usize = 1 << 20;
/// From here on a copy costs more than one more piece, and memory that is kept.
const LARGE: usize = 1 << 10;
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);
const FINISH_TRIES: u32 = 120;
const FINISH_RETRY: Duration = Duration::from_secs(5);
/// The agent has 5 s for its receipt; the connection takes some, too.
const RECEIPT_WITHIN: Duration = Duration::from_secs(10);
