//! Alters a recording as its file, and signs it anew as a relay or a technician could.

use std::collections::BTreeMap;

use fernsicht_protocol::checkpoint::{Checkpoint, SignedCheckpoint};
use fernsicht_protocol::crypto::{Hash, hash, labelled_hash};
use fernsicht_protocol::frame::{Class, Direction, HEADER_BYTES, Header};
use fernsicht_protocol::heads::{self, Head};
use fernsicht_protocol::sealing::epoch_message;
use fernsicht_protocol::wire::{List, Wire};
use fernsicht_recordings::format::{Body, Kind, Opening, file_header};
use fernsicht_recordings::reader::Records;
use fernsicht_recordings::sample::Office;

/// A record as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Raw {
    pub(crate) kind: u8,
    pub(crate) time: u64,
    pub(crate) body: Vec<u8>,
}

impl Raw {
    pub(crate) fn new(kind: Kind, time: u64, body: Vec<u8>) -> Self {
        let kind = kind as u8;
        Self { kind, time, body }
    }

    pub(crate) fn is(&self, kind: Kind) -> bool {
        self.kind == kind as u8
    }

    pub(crate) fn header(&self) -> Option<Header> {
        let kind = Kind::from_byte(self.kind)?;
        Body::parse(kind, &self.body).ok()?.header().copied()
    }

    fn covered(&self) -> Vec<u8> {
        let mut out = vec![self.kind];
        self.time.write(&mut out);
        out.extend(&self.body);
        out
    }
}

/// The records of a recording.
#[derive(Debug, Clone)]
pub(crate) struct Forge {
    pub(crate) records: Vec<Raw>,
}

impl Forge {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let records = Records::new(bytes).unwrap().map(Result::unwrap);
        let raw = records.map(|record| Raw {
            kind: record.bytes[0],
            time: record.time(),
            body: record.body().to_vec(),
        });
        Self {
            records: raw.collect(),
        }
    }

    /// Where each record begins, and the end.
    pub(crate) fn offsets(&self) -> Vec<usize> {
        let mut offsets = vec![file_header().len()];
        for record in &self.records {
            let last = offsets.last().copied().unwrap_or_default();
            offsets.push(last + 4 + 9 + record.body.len());
        }
        offsets
    }

    /// The first record of a kind for which `fits`.
    pub(crate) fn find(&self, kind: Kind, fits: impl Fn(&Raw) -> bool) -> usize {
        let mut records = self.records.iter();
        records.position(|r| r.is(kind) && fits(r)).unwrap()
    }

    /// The first record that holds a frame of this class.
    pub(crate) fn find_frame(&self, class: Class) -> usize {
        let of = |r: &Raw| r.header().is_some_and(|h| h.class == class);
        self.records.iter().position(of).unwrap()
    }

    pub(crate) fn opening(&mut self, at: usize, alter: impl FnOnce(&mut Opening)) {
        let mut opening = Opening::from_bytes(&self.records[at].body).unwrap();
        alter(&mut opening);
        self.records[at].body = opening.to_bytes();
    }

    pub(crate) fn checkpoint(
        &mut self,
        at: usize,
        office: &Office,
        alter: impl FnOnce(&mut Checkpoint),
    ) {
        let signed = SignedCheckpoint::from_bytes(&self.records[at].body).unwrap();
        let mut checkpoint = signed.checkpoint;
        alter(&mut checkpoint);
        self.records[at].body = SignedCheckpoint::sign(checkpoint, &office.signer_key).to_bytes();
    }

    /// The file as the records now are, signatures as they were.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = file_header().to_vec();
        for record in &self.records {
            let covered = record.covered();
            (covered.len() as u32).write(&mut out);
            out.extend(covered);
        }
        out
    }

    /// Signs all checkpoints and epochs anew, so that they fit.
    pub(crate) fn sign(self, office: &Office) -> Self {
        self.sign_as(office, true)
    }

    /// Signs all checkpoints anew: what the relay alone can do.
    pub(crate) fn sign_checkpoints(self, office: &Office) -> Self {
        self.sign_as(office, false)
    }

    fn sign_as(mut self, office: &Office, epochs_too: bool) -> Self {
        let (mut chain, mut length) = ([0; 32], file_header().len() as u64);
        let mut opening: Option<Opening> = None;
        let mut first = None;
        let mut tracks: BTreeMap<(u32, Direction, Class), (u64, Hash)> = BTreeMap::new();
        let mut epochs = Vec::new();
        for record in &mut self.records {
            match (Kind::from_byte(record.kind), &opening) {
                (Some(Kind::Opening), _) => {
                    let new = Opening::from_bytes(&record.body).unwrap();
                    if opening.is_none() {
                        let fields: [&[u8]; 3] = [&new.rid, &new.session, &new.th2];
                        chain = labelled_hash("recording", &fields);
                    }
                    epochs.insert(0, new.epoch);
                    for (direction, class) in heads::places() {
                        let head = heads::first(&new.session, new.epoch, direction, class);
                        tracks.insert((new.epoch, direction, class), (0, head));
                    }
                    (opening, first) = (Some(new), None);
                }
                (Some(Kind::Checkpoint), Some(opening)) => {
                    let stated = epochs.iter().take(2).flat_map(|epoch| {
                        heads::places().map(|(direction, class)| (*epoch, direction, class))
                    });
                    let heads = stated.map(|lane| Head {
                        epoch: lane.0,
                        direction: lane.1,
                        class: lane.2,
                        next: tracks[&lane].0,
                        head: tracks[&lane].1,
                    });
                    let checkpoint = Checkpoint {
                        rid: opening.rid,
                        length,
                        chain,
                        heads: List(heads.collect()),
                        time: record.time,
                    };
                    let signed = SignedCheckpoint::sign(checkpoint, &office.signer_key);
                    first.get_or_insert(signed.hash());
                    record.body = signed.to_bytes();
                }
                (Some(Kind::EpochSignature), Some(opening)) if epochs_too => {
                    let first = first.unwrap_or_default();
                    let sealed = &opening.sealed_keys_hash;
                    let message = epoch_message(&opening.binding(), sealed, &first);
                    record.body = opening.epoch.to_bytes();
                    let signature = office.technician_key.sign("epoch", &message);
                    signature.write(&mut record.body);
                }
                (Some(Kind::Frame | Kind::Tombstone), _) => note(&mut tracks, record),
                _ => {}
            }
            let covered = record.covered();
            let entering = match covered.split_at_checked(9 + HEADER_BYTES) {
                Some((clear, ciphertext)) if record.is(Kind::Frame) => {
                    [clear, &hash(ciphertext)].concat()
                }
                _ => covered.clone(),
            };
            chain = labelled_hash("chain", &[&chain, &entering]);
            length += 4 + covered.len() as u64;
        }
        self
    }
}

fn note(tracks: &mut BTreeMap<(u32, Direction, Class), (u64, Hash)>, record: &Raw) {
    let kind = Kind::from_byte(record.kind).unwrap();
    let (header, hash) = match Body::parse(kind, &record.body) {
        Ok(Body::Frame { header, ciphertext }) => (header, hash(ciphertext)),
        Ok(Body::Tombstone { header, hash }) => (header, hash),
        _ => return,
    };
    let lane = (header.epoch, header.direction, header.class);
    if let Some((next, head)) = tracks.get_mut(&lane)
        && header.number >= *next
    {
        *head = heads::step(head, &header, &hash);
        *next = header.number + 1;
    }
}
