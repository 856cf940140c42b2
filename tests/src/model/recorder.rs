//! The relay's recorder, as its hub and its recording thread work it: a queue of items, a file, a disk that
//! may fail or stall, a failure and a way back. The bytes are made by the real [`Writer`].
//!
//! ```text
//! push ─► queue ─► work: one write for all ─► file          checkpoints each second, signed
//! broken or full disk, or nothing written for a while ─► failed ─► cut back, probe each second ─► back
//! ```

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use fernsicht_protocol::audit::EpochKeys;
use fernsicht_protocol::checkpoint::SignedCheckpoint;
use fernsicht_protocol::crypto::hash;
use fernsicht_protocol::frame::{Class, Frame, Header};
use fernsicht_protocol::messages::{Chain, End};
use fernsicht_protocol::router::Opening;
use fernsicht_protocol::wire::{Blob, List};
use fernsicht_recordings::format;
use fernsicht_recordings::writer::{Ciphertext, Writer};

use super::office::Office;

/// Something for the file.
#[derive(Debug)]
pub(super) enum Item {
    Open(Box<Opening>),
    Signature { epoch: u32, signature: [u8; 64] },
    Frame(Frame),
    Withheld(Frame),
    Dropped(Frame),
}

/// What the recorder tells the relay.
#[derive(Debug)]
pub(super) enum Told {
    Ready {
        epoch: u32,
        chain: Chain,
        first: SignedCheckpoint,
    },
    Checkpoint(SignedCheckpoint),
    /// The input frame that somebody waits for is written, or never will be.
    Taken(bool),
    Failed,
    Back,
    Finished(Option<SignedCheckpoint>),
}

/// How the disk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disk {
    Working,
    /// Every write fails, half-way.
    Broken,
    /// Writes do not come back.
    Stalled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Taking,
    Failed,
    Closing,
    Closed,
}

/// One session's recorder.
pub(super) struct Recorder {
    phase: Phase,
    items: VecDeque<Item>,
    /// Taken by a thread that hangs in the disk, and whether something was missing before it.
    hanging: Option<(Vec<Item>, bool)>,
    /// Since when something waits.
    waiting: Option<Duration>,
    /// Somebody waits for an input frame.
    asked: bool,
    missing: bool,
    safe: Option<Writer>,
    checkpoint_at: Duration,
    probe_at: Duration,
    reason: Option<End>,
    told_finished: bool,
    /// The file.
    pub(super) bytes: Vec<u8>,
    /// The sealed keys beside it.
    pub(super) keys: Vec<EpochKeys>,
    /// Input frames that are in the file, whole.
    pub(super) written: HashSet<(u32, u64)>,
    /// Failures so far.
    pub(super) failures: u64,
}

impl Recorder {
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::Taking,
            items: VecDeque::new(),
            hanging: None,
            waiting: None,
            asked: false,
            missing: false,
            safe: None,
            checkpoint_at: Duration::ZERO,
            probe_at: Duration::ZERO,
            reason: None,
            told_finished: false,
            bytes: Vec::new(),
            keys: Vec::new(),
            written: HashSet::new(),
            failures: 0,
        }
    }

    /// True if nothing more will be written.
    pub(super) fn closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// True if it has failed and is not back.
    pub(super) fn failing(&self) -> bool {
        self.phase == Phase::Failed
    }

    /// True if [`Recorder::work`] would do something now.
    pub(super) fn busy(&self, now: Duration, disk: Disk) -> bool {
        match self.phase {
            Phase::Taking => {
                let due = self.safe.as_ref().is_some_and(Writer::checkpoint_due);
                let stuck = self.hanging.is_some() && disk == Disk::Stalled;
                !stuck
                    && (!self.items.is_empty()
                        || self.hanging.is_some()
                        || (due && now >= self.checkpoint_at))
            }
            Phase::Failed => now >= self.probe_at,
            Phase::Closing => now >= self.probe_at && disk != Disk::Stalled,
            Phase::Closed => false,
        }
    }

    /// When it has to be looked at again.
    pub(super) fn due(&self) -> Option<Duration> {
        match self.phase {
            Phase::Taking => self.waiting.map(|since| since + WRITE_WITHIN),
            Phase::Failed | Phase::Closing | Phase::Closed => None,
        }
    }

    /// Takes an item. False: it has failed.
    pub(super) fn push(&mut self, now: Duration, item: Item, asked: bool) -> bool {
        match self.phase {
            Phase::Taking => {}
            Phase::Failed => return false,
            Phase::Closing | Phase::Closed => return true,
        }
        self.asked |= asked;
        self.items.push_back(item);
        self.waiting.get_or_insert(now);
        true
    }

    /// It has failed. False: it had before, or the end has come. Whoever waits learns it.
    pub(super) fn fail(&mut self, told: &mut Vec<Told>) -> bool {
        if self.phase != Phase::Taking {
            return false;
        }
        self.phase = Phase::Failed;
        self.missing = true;
        self.failures += 1;
        self.items.clear();
        self.waiting = None;
        if std::mem::take(&mut self.asked) {
            told.push(Told::Taken(false));
        }
        true
    }

    /// The session is over.
    pub(super) fn finish(&mut self, reason: End, told: &mut Vec<Told>) {
        if self.phase == Phase::Closed {
            return;
        }
        if self.phase == Phase::Failed {
            self.items.clear();
        }
        self.phase = Phase::Closing;
        self.reason = Some(reason);
        if std::mem::take(&mut self.asked) {
            told.push(Told::Taken(false));
        }
    }

    /// What nobody has written for too long has failed.
    pub(super) fn watch(&mut self, now: Duration, told: &mut Vec<Told>) {
        let late = self
            .waiting
            .is_some_and(|since| now >= since + WRITE_WITHIN);
        if late && self.fail(told) {
            told.push(Told::Failed);
        }
    }

    /// The thread's next work.
    pub(super) fn work(
        &mut self,
        now: Duration,
        office: &Office,
        disk: Disk,
        told: &mut Vec<Told>,
    ) {
        match self.phase {
            Phase::Taking => {
                let batch = match self.hanging.take() {
                    Some((batch, _)) => batch,
                    None => self.items.drain(..).collect(),
                };
                if disk == Disk::Stalled {
                    self.hanging = Some((batch, self.missing));
                    return;
                }
                if self.write(batch, now, office, disk, told).is_err() {
                    if self.fail(told) {
                        told.push(Told::Failed);
                    }
                    return;
                }
                self.waiting = (!self.items.is_empty()).then_some(now);
                let due = self.safe.as_ref().is_some_and(Writer::checkpoint_due);
                if due && now >= self.checkpoint_at {
                    self.checkpoint(now, office, told);
                }
            }
            Phase::Failed => {
                self.probe_at = now + PROBE_EVERY;
                // A write that hung when the recorder was given up is in the file when it comes back.
                if disk == Disk::Working {
                    self.write_hung(now, office, told);
                    self.cut_back();
                    self.phase = Phase::Taking;
                    told.push(Told::Back);
                }
            }
            Phase::Closing => {
                self.probe_at = now + PROBE_EVERY;
                let ended = disk == Disk::Working && self.end(now, office, told);
                if !ended && !std::mem::replace(&mut self.told_finished, true) {
                    told.push(Told::Finished(None));
                }
            }
            Phase::Closed => {}
        }
    }

    fn write_hung(&mut self, now: Duration, office: &Office, told: &mut Vec<Told>) {
        if let Some((batch, before)) = self.hanging.take() {
            let missing = std::mem::replace(&mut self.missing, before);
            let mut nobody = Vec::new();
            // A batch that does not fit is lost like the rest.
            self.write(batch, now, office, Disk::Working, &mut nobody)
                .ok();
            self.missing = missing;
            let ready = |told: &Told| matches!(told, Told::Ready { .. });
            told.extend(nobody.into_iter().filter(ready));
        }
    }

    fn end(&mut self, now: Duration, office: &Office, told: &mut Vec<Told>) -> bool {
        self.write_hung(now, office, told);
        self.cut_back();
        let batch = self.items.drain(..).collect();
        if self.write(batch, now, office, Disk::Working, told).is_err() {
            self.missing = true;
            self.cut_back();
        }
        let last = self.safe.clone().map(|mut writer| {
            let time = centis(now, office);
            let mut bytes = Vec::new();
            if self.missing {
                bytes.extend(writer.append_gap(time, time, time).unwrap_or_default());
            }
            let end = writer.append_end(self.reason.clone(), time);
            bytes.extend(end.unwrap_or_default());
            let (last, record) = writer.checkpoint(&office.signer, time);
            bytes.extend(record);
            self.bytes.extend(bytes);
            self.safe = Some(writer);
            last
        });
        self.phase = Phase::Closed;
        if !std::mem::replace(&mut self.told_finished, true) {
            told.push(Told::Finished(last));
        }
        true
    }

    fn cut_back(&mut self) {
        let length = self.safe.as_ref().map_or(0, Writer::length);
        self.bytes
            .truncate(usize::try_from(length).unwrap_or(usize::MAX));
    }

    /// Writes a batch with one call, but for openings. Err: the disk or an item that does not fit.
    fn write(
        &mut self,
        batch: Vec<Item>,
        now: Duration,
        office: &Office,
        disk: Disk,
        told: &mut Vec<Told>,
    ) -> Result<(), ()> {
        let time = centis(now, office);
        let mut ahead = self.safe.clone();
        let mut buffer = Vec::new();
        let mut inputs = Vec::new();
        for item in batch {
            if let Item::Open(opening) = item {
                self.flush((&mut buffer, &mut inputs), ahead.take(), disk, told)?;
                self.open(&opening, now, office, disk, told)?;
                ahead.clone_from(&self.safe);
                continue;
            }
            let writer = ahead.as_mut().ok_or(())?;
            match item {
                Item::Signature { epoch, signature } => {
                    let record = writer.append_signature(epoch, &signature, time);
                    buffer.extend(record.map_err(drop)?);
                }
                Item::Frame(Frame { header, ciphertext }) => {
                    let prefix = writer.append_frame(&header, &Ciphertext::of(&ciphertext), time);
                    buffer.extend(prefix.map_err(drop)?);
                    buffer.extend_from_slice(&ciphertext);
                    if header.class == Class::Input {
                        inputs.push((header.epoch, header.number));
                    }
                }
                Item::Withheld(Frame { header, ciphertext }) => {
                    let record = writer.append_tombstone(&header, &hash(&ciphertext), time);
                    buffer.extend(record.map_err(drop)?);
                }
                Item::Dropped(Frame { header, .. }) => {
                    let record = writer.append_dropped(&header, &Ciphertext::of(b""), time);
                    buffer.extend(record.map_err(drop)?);
                }
                // Taken above.
                Item::Open(_) => {}
            }
        }
        self.flush((&mut buffer, &mut inputs), ahead, disk, told)
    }

    fn flush(
        &mut self,
        (buffer, inputs): (&mut Vec<u8>, &mut Vec<(u32, u64)>),
        writer: Option<Writer>,
        disk: Disk,
        told: &mut Vec<Told>,
    ) -> Result<(), ()> {
        if buffer.is_empty() {
            return Ok(());
        }
        if disk == Disk::Broken {
            self.bytes.extend_from_slice(&buffer[..buffer.len() / 2]);
            return Err(());
        }
        self.bytes.append(buffer);
        self.safe = writer;
        let asked = !inputs.is_empty();
        self.written.extend(inputs.drain(..));
        if asked && std::mem::take(&mut self.asked) {
            told.push(Told::Taken(true));
        }
        Ok(())
    }

    fn open(
        &mut self,
        opening: &Opening,
        now: Duration,
        office: &Office,
        disk: Disk,
        told: &mut Vec<Told>,
    ) -> Result<(), ()> {
        if disk == Disk::Broken {
            return Err(());
        }
        let (time, record) = (
            centis(now, office),
            record_of(opening, &office.signer_chain),
        );
        self.keys.push(EpochKeys {
            epoch: opening.epoch,
            sealed_keys: opening.recording.sealed_keys.clone(),
        });
        let mut bytes = Vec::new();
        let mut writer = match &self.safe {
            None => {
                let (writer, first) = Writer::new(&record, time);
                bytes = first;
                writer
            }
            Some(safe) => {
                let mut writer = safe.clone();
                if self.missing {
                    bytes.extend(writer.append_gap(time, time, time).map_err(drop)?);
                }
                bytes.extend(writer.append_opening(&record, time).map_err(drop)?);
                writer
            }
        };
        let (first, checkpoint) = writer.checkpoint(&office.signer, time);
        bytes.extend(checkpoint);
        self.bytes.extend(bytes);
        self.safe = Some(writer);
        self.missing = false;
        self.checkpoint_at = now + CHECKPOINT_EVERY;
        told.push(Told::Ready {
            epoch: opening.epoch,
            chain: chain(&office.signer_chain),
            first,
        });
        Ok(())
    }

    fn checkpoint(&mut self, now: Duration, office: &Office, told: &mut Vec<Told>) {
        self.checkpoint_at = now + CHECKPOINT_EVERY;
        if let Some(writer) = &mut self.safe {
            let (signed, record) = writer.checkpoint(&office.signer, centis(now, office));
            self.bytes.extend(record);
            told.push(Told::Checkpoint(signed));
        }
    }
}

/// The header's place among the recorded input.
pub(super) fn place(header: &Header) -> (u32, u64) {
    (header.epoch, header.number)
}

fn centis(now: Duration, office: &Office) -> u64 {
    office.unix_s * 100 + u64::try_from(now.as_millis() / 10).unwrap_or(u64::MAX)
}

fn chain(ders: &[Vec<u8>]) -> Chain {
    List(ders.iter().cloned().map(Blob).collect())
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

/// What is not written for so long has failed.
const WRITE_WITHIN: Duration = Duration::from_millis(700);
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);
const PROBE_EVERY: Duration = Duration::from_secs(1);
