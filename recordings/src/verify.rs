//! What can be checked of a recording without any key (docs/recording-format.md §7.1, §7.2).
//!
//! ```text
//! handle_bytes ─► reader ─► each record: rules · chain · numbers and heads · checkpoint · opening ─► finish ─► Outline
//! ```
//!
//! This is what `recordings verify` tells the operator, and the first two checks of an opening.
//! The place of an alteration is everything since the last checkpoint that fitted: from a
//! checkpoint that does not fit but is signed, the checking goes on from what it states, so that one
//! alteration is found once.
//!
//! Not here: anything that needs a key ([`mod@crate::open`]).

use fernsicht_protocol::cert::{self, Holder, Role};
use fernsicht_protocol::checkpoint::SignedCheckpoint;
use fernsicht_protocol::crypto::Hash;
use fernsicht_protocol::frame::Header;
use fernsicht_protocol::messages::{End, SessionId};

use crate::chain::{self, Ciphertext};
use crate::finding::{
    Finding, Findings, FrameId, MAX_EPOCHS, Mismatch, Place, Proof, Rule, Verdict, What,
};
use crate::format::{Body, FILE_HEADER_BYTES, FRAME_CLEAR_BYTES, Kind, Opening};
use crate::parallel;
use crate::reader::{self, Reader, Record, Records};

mod technician;
pub(crate) mod tracks;

use tracks::Tracks;

/// What the clear part of a recorded epoch says, as far as it was proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// Its opening, as recorded.
    pub opening: Opening,
    /// The opening's record.
    pub place: Place,
    /// When it was opened, in hundredths of a second since 1970 UTC.
    pub time: u64,
    /// Who the technician was; none if that is not proven.
    pub technician: Option<Holder>,
    /// True if the technician's key signed this epoch.
    pub signed: bool,
    signer: Option<[u8; 32]>,
    first_checkpoint: Option<Hash>,
    signature_seen: bool,
    /// The recorder failed after it: none of its frames may follow.
    closed: bool,
    /// It failed during this epoch, or before the last frames of it had come.
    gap: bool,
    unsigned_told: bool,
}

impl Epoch {
    /// True if the recorder failed while frames of this epoch could come.
    pub fn gap(&self) -> bool {
        self.gap
    }
}

/// What a recording is, seen from outside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    /// The epochs, in order. The first one's opening tells session, rid and agent_pk of all.
    pub epochs: Vec<Epoch>,
    /// The first record's time, in hundredths of a second since 1970 UTC.
    pub started: Option<u64>,
    /// The last record's time.
    pub last: Option<u64>,
    /// Time and reason of the end's record.
    pub ended: Option<(u64, Option<End>)>,
    /// True if the end is there and covered by the last checkpoint.
    pub complete: bool,
    /// Bytes up to the end of the last whole record: what can be kept of a torn file.
    pub length: u64,
    /// Bytes that a checkpoint covers which fits.
    pub covered: u64,
    /// Whole records.
    pub records: u64,
    /// Frames among them.
    pub frames: u64,
    /// Checkpoints that fit.
    pub checkpoints: u64,
    /// The last checkpoint that fits.
    pub last_checkpoint: Option<SignedCheckpoint>,
    /// What was found, by place.
    pub findings: Vec<Finding>,
    /// How many more findings there were.
    pub more_findings: u64,
}

impl Outline {
    /// All of it in one word.
    pub fn verdict(&self) -> Verdict {
        Verdict::of(&self.findings)
    }

    /// The session's id, if there is an epoch.
    pub fn session(&self) -> Option<SessionId> {
        self.epochs.first().map(|epoch| epoch.opening.session)
    }

    /// The recording's inner id, if there is an epoch.
    pub fn rid(&self) -> Option<[u8; 16]> {
        self.epochs.first().map(|epoch| epoch.opening.rid)
    }

    /// True if the signer of one of the epochs has signed this checkpoint.
    pub(crate) fn signed(&self, checkpoint: &SignedCheckpoint) -> bool {
        let mut signers = self.epochs.iter().filter_map(|epoch| epoch.signer);
        signers.any(|signer| checkpoint.verify(&signer).is_ok())
    }
}

/// Checks a complete recording without any key. `ca` is the SHA-256 of the operator's CA certificate.
pub fn verify_outside(bytes: &[u8], ca: &Hash) -> Outline {
    let mut walk = Walk::new(*ca, false);
    walk.handle_slice(bytes, |_, _| {});
    walk.finish().0
}

/// Checks a recording as it is read, holding one record.
#[derive(Debug)]
pub struct Verifier {
    reader: Reader,
    walk: Walk,
    failed: bool,
}

impl Verifier {
    /// `ca` is the SHA-256 of the operator's CA certificate.
    pub fn new(ca: &Hash) -> Self {
        Self {
            reader: Reader::new(),
            walk: Walk::new(*ca, false),
            failed: false,
        }
    }

    /// Takes bytes as they come.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        if self.failed {
            return;
        }
        self.reader.push(bytes);
        loop {
            match self.reader.poll_record() {
                Ok(Some(record)) => {
                    let body = self.walk.handle_record(&record, None);
                    drop(body);
                }
                Ok(None) => break,
                Err(error) => {
                    self.failed = true;
                    self.walk.handle_unreadable(error);
                    break;
                }
            }
        }
    }

    /// The file ends here.
    pub fn finish(mut self) -> Outline {
        if !self.failed {
            self.walk.handle_torn(self.reader.torn() as u64);
        }
        self.walk.finish().0
    }
}

/// The checking itself, record by record.
#[derive(Debug)]
pub(crate) struct Walk {
    ca: Hash,
    chain: Hash,
    tracks: Option<Tracks>,
    keep_heads: bool,
    /// What must be subtracted from a place in this file to get the place that the relay signed.
    shift: i128,
    /// Where the last checkpoint that was taken ends, and the number of the record behind it.
    since: (u64, u64),
    torn: u64,
    /// The epoch whose frames were last told to have no place here.
    foreign: Option<u32>,
    findings: Findings,
    outline: Outline,
}

impl Walk {
    pub(crate) fn new(ca: Hash, keep_heads: bool) -> Self {
        Self {
            ca,
            chain: [0; 32],
            tracks: None,
            keep_heads,
            shift: 0,
            since: (FILE_HEADER_BYTES as u64, 0),
            torn: 0,
            foreign: None,
            findings: Findings::default(),
            outline: Outline::default(),
        }
    }

    /// All of a complete file. `each` sees every record that parses.
    pub(crate) fn handle_slice<'a>(
        &mut self,
        bytes: &'a [u8],
        mut each: impl FnMut(&Record<'a>, &Body<'a>),
    ) {
        let mut records = match Records::new(bytes) {
            Ok(records) => records,
            Err(error) => return self.handle_unreadable(error),
        };
        let mut hashes = ciphertext_hashes(records.clone()).into_iter();
        for record in records.by_ref() {
            match record {
                Ok(record) => {
                    let hash = ciphertext(&record).and_then(|_| hashes.next());
                    if let Some(body) = self.handle_record(&record, hash) {
                        each(&record, &body);
                    }
                }
                Err(error) => return self.handle_unreadable(error),
            }
        }
        self.handle_torn(records.torn() as u64);
    }

    /// A whole record. Returns its body, if it has one. `known` is the hash of a frame's ciphertext, where
    /// it was made before.
    pub(crate) fn handle_record<'a>(
        &mut self,
        record: &Record<'a>,
        known: Option<Hash>,
    ) -> Option<Body<'a>> {
        let place = Place::from(record);
        let time = record.time();
        if self.outline.last.is_some_and(|last| time < last) {
            self.findings.add(place, What::Rule(Rule::Time));
        }
        self.outline.started.get_or_insert(time);
        self.outline.last = Some(time);
        self.outline.records += 1;
        self.outline.length = record.end();
        let body = match record.parse() {
            Ok(body) => Some(body),
            Err(error) => {
                self.findings.add(place, What::Malformed(error));
                None
            }
        };
        if self.outline.complete
            || self.outline.ended.is_some() && !matches!(body, Some(Body::Checkpoint(_)))
        {
            self.findings.add(place, What::Rule(Rule::AfterEnd));
        }
        if record.number == 0 {
            self.begin(&body, place);
        }
        // The checkpoint states the chain before its own record.
        if let Some(Body::Checkpoint(signed)) = &body {
            self.handle_checkpoint(record, signed);
        }
        let hash = ciphertext(record)
            .map(|ciphertext| known.unwrap_or_else(|| Ciphertext::of(ciphertext).hash));
        self.chain = match &hash {
            Some(hash) => chain::step(&self.chain, &[record.clear(), hash]),
            None => chain::step(&self.chain, &[record.bytes]),
        };
        match &body {
            Some(Body::Opening(opening)) => self.handle_opening(opening, place, time),
            Some(Body::EpochSignature { epoch, signature }) => {
                self.handle_signature(*epoch, signature, place);
            }
            Some(Body::Frame { header, .. }) => {
                self.outline.frames += 1;
                let hash = hash.filter(|_| header.class.in_order());
                self.handle_frame(header, hash, false, place);
            }
            Some(Body::Tombstone { header, hash }) => {
                self.handle_frame(header, Some(*hash), true, place);
            }
            Some(Body::Dropped { header, .. }) => self.handle_frame(header, None, true, place),
            Some(Body::Gap { from, to }) => {
                let (from, to) = (*from, *to);
                self.findings.add(place, What::Gap { from, to });
                for (age, epoch) in self.outline.epochs.iter_mut().rev().enumerate() {
                    epoch.gap |= age < 2 && !epoch.closed;
                    epoch.closed = true;
                }
            }
            Some(Body::End { reason }) => {
                self.outline.ended.get_or_insert((time, reason.clone()));
            }
            Some(Body::Checkpoint(_)) | None => {}
        }
        body
    }

    /// Nothing more can be read.
    pub(crate) fn handle_unreadable(&mut self, error: reader::Error) {
        let (record, offset) = (self.outline.records, self.outline.length);
        let place = Place {
            record,
            offset,
            until: u64::MAX,
            frame: None,
        };
        self.findings.add(place, What::Unreadable(error));
    }

    /// The file ends, `torn` bytes behind its last whole record.
    pub(crate) fn handle_torn(&mut self, torn: u64) {
        self.torn = torn;
    }

    /// The outline, and all heads if they were kept.
    pub(crate) fn finish(mut self) -> (Outline, Tracks) {
        let outline = &mut self.outline;
        if !outline.complete || self.torn > 0 {
            let unsigned = (outline.length + self.torn).saturating_sub(self.since.0);
            let place = Place {
                record: self.since.1,
                offset: self.since.0,
                until: outline.length + self.torn,
                frame: None,
            };
            let torn = self.torn;
            let what = What::Interrupted { unsigned, torn };
            self.findings.add(place, what);
        }
        outline.findings = self.findings.list;
        outline.more_findings = self.findings.more;
        (self.outline, self.tracks.unwrap_or_default())
    }

    fn begin(&mut self, body: &Option<Body<'_>>, place: Place) {
        let Some(Body::Opening(opening)) = body else {
            return self.findings.add(place, What::Rule(Rule::OpeningFirst));
        };
        self.chain = chain::first(opening);
    }

    fn handle_opening(&mut self, opening: &Opening, place: Place, time: u64) {
        if let Some(first) = self.outline.epochs.first() {
            let (a, b) = (&first.opening, opening);
            if (a.rid, a.session, a.th2) != (b.rid, b.session, b.th2) {
                return self.findings.add(place, What::Rule(Rule::SameRecording));
            }
        }
        let last = self.outline.epochs.last();
        if last.is_some_and(|last| opening.epoch <= last.opening.epoch) {
            return self.findings.add(place, What::Rule(Rule::EpochOrder));
        }
        if self.outline.epochs.len() == MAX_EPOCHS {
            return self.findings.add(place, What::Rule(Rule::TooManyEpochs));
        }
        let keep = self.keep_heads;
        let tracks = self
            .tracks
            .get_or_insert_with(|| Tracks::new(opening.session, keep));
        tracks.begin(opening.epoch);
        let seconds = time / 100;
        let signer = Opening::ders(&opening.signer);
        let signer = cert::verify(&signer, &self.ca, Role::Checkpoint, seconds);
        if let Err(error) = &signer {
            self.findings.add(place, What::Signer(error.clone()));
        }
        let technician = match technician::check(opening, &self.ca, seconds) {
            Ok(technician) => Some(technician),
            Err(proofs) => {
                for proof in proofs {
                    self.findings.add(place, What::Technician(proof));
                }
                None
            }
        };
        self.outline.epochs.push(Epoch {
            opening: opening.clone(),
            place,
            time,
            technician,
            signed: false,
            signer: signer.ok().map(|holder| holder.key),
            first_checkpoint: None,
            signature_seen: false,
            closed: false,
            gap: false,
            unsigned_told: false,
        });
    }

    fn handle_signature(&mut self, number: u32, signature: &[u8; 64], place: Place) {
        let epochs = &mut self.outline.epochs;
        let epoch = epochs.last_mut().filter(|e| e.opening.epoch == number);
        let fits = epoch.filter(|e| !e.signature_seen);
        let Some((epoch, first)) = fits.and_then(|e| e.first_checkpoint.map(|first| (e, first)))
        else {
            return self.findings.add(place, What::Rule(Rule::StraySignature));
        };
        epoch.signature_seen = true;
        // Without a proven technician that was found already; there is no key to check with.
        let Some(technician) = &epoch.technician else {
            return;
        };
        match technician::check_epoch(&epoch.opening, technician, &first, signature) {
            Ok(()) => epoch.signed = true,
            Err(proof) => self.findings.add(place, What::Technician(proof)),
        }
    }

    fn handle_frame(&mut self, header: &Header, hash: Option<Hash>, part: bool, place: Place) {
        let place = place.frame(FrameId::from(header));
        let mut epochs = self.outline.epochs.iter_mut();
        let epoch = epochs.find(|e| e.opening.epoch == header.epoch && !e.closed);
        let (Some(epoch), Some(tracks)) = (epoch, &mut self.tracks) else {
            if self.foreign.replace(header.epoch) != Some(header.epoch) {
                self.findings.add(place, What::Rule(Rule::ForeignEpoch));
            }
            return;
        };
        if needs_signature(header) && !epoch.signature_seen && !epoch.unsigned_told {
            epoch.unsigned_told = true;
            self.findings.add(place, What::Technician(Proof::Unsigned));
        }
        let noted = match hash {
            Some(hash) => {
                let at = (place.record, place.offset, place.until);
                tracks.note(header, &hash, at)
            }
            None => tracks.note_single(header, part),
        };
        if let Err(fault) = noted {
            self.findings.add(place, What::Frame(fault));
        }
    }

    fn handle_checkpoint(&mut self, record: &Record<'_>, signed: &SignedCheckpoint) {
        let place = Place {
            record: self.since.1,
            offset: self.since.0,
            until: record.end(),
            frame: None,
        };
        let own = Place::from(record);
        // An epoch's opening names the signer of all checkpoints up to the next opening.
        let Some(epoch) = self.outline.epochs.last_mut() else {
            // That the opening is missing was found at the first record.
            return;
        };
        let first = epoch.first_checkpoint.is_none();
        if first {
            epoch.first_checkpoint = Some(signed.hash());
        }
        let fits = epoch
            .signer
            .is_some_and(|signer| signed.verify(&signer).is_ok());
        if !fits {
            return self
                .findings
                .add(own, What::Checkpoint(Mismatch::Signature));
        }
        let rid = epoch.opening.rid;
        let checkpoint = &signed.checkpoint;
        let mut found = Vec::new();
        if checkpoint.rid != rid {
            found.push(Mismatch::Recording);
        }
        if checkpoint.time != record.time() {
            found.push(Mismatch::Time);
        }
        let here = i128::from(record.offset);
        if here - self.shift != i128::from(checkpoint.length) {
            let stated = checkpoint.length;
            found.push(Mismatch::Length { stated });
            self.shift = here - i128::from(stated);
        }
        if checkpoint.chain != self.chain {
            found.push(Mismatch::Chain);
            self.chain = checkpoint.chain;
        }
        if let Some(tracks) = &mut self.tracks {
            found.extend(tracks.compare(&checkpoint.heads.0));
        }
        if found.is_empty() {
            let outline = &mut self.outline;
            outline.checkpoints += 1;
            outline.covered = record.end();
            outline.last_checkpoint = Some(signed.clone());
        }
        for mismatch in found {
            self.findings.add(place, What::Checkpoint(mismatch));
        }
        self.outline.complete |= self.outline.ended.is_some();
        self.since = (record.end(), record.number + 1);
    }
}

/// The ciphertext of a frame's record, if the record has room for one.
fn ciphertext<'a>(record: &Record<'a>) -> Option<&'a [u8]> {
    let frame = record.kind() == Some(Kind::Frame);
    let rest = record.bytes.get(FRAME_CLEAR_BYTES..);
    rest.filter(|_| frame)
}

/// The hashes of all frames' ciphertexts, in their order: most of what verifying costs, on all cores.
fn ciphertext_hashes(records: Records<'_>) -> Vec<Hash> {
    let records = records.filter_map(Result::ok);
    let all: Vec<_> = records.filter_map(|r| ciphertext(&r)).collect();
    let hash = |part: &[&[u8]]| part.iter().map(|c| Ciphertext::of(c).hash).collect();
    parallel::map(&all, |ciphertext| ciphertext.len(), hash)
}

/// The agent seals nothing and takes no input before it has verified the epoch's signature; the console's
/// first heads and acks may come on streams of their own.
fn needs_signature(header: &Header) -> bool {
    use fernsicht_protocol::frame::{Class, Direction};
    header.direction == Direction::AgentToConsole || header.class == Class::Input
}
