//! Opens a recording, with the customer's code and the auditor's key (docs/recording-format.md §7).
//!
//! ```text
//! bytes ─► verify (chain, checkpoints, technician) ─► sealed keys: code ─► auditor's key ─► commitment
//!       ─► every frame ─► what the ends signed ─► Opened: facts, findings, index, events
//! ```
//!
//! The checks are made in the order of [`crate::finding::Check`]. What makes opening impossible is a
//! [`Refusal`], each with its own meaning; whatever else is found is in [`Opened::findings`], with its
//! place, and the rest of the recording can be seen all the same.
//! A recording stays where it is: an event is decrypted when it is asked for ([`Opened::event`]), into a buffer
//! of the caller's. Keys are dropped with the [`Opened`].
//!
//! Not here: what the events look like (replay), and fetching bytes and keys.

use std::collections::BTreeMap;

use fernsicht_protocol::audit::EpochKeys;
use fernsicht_protocol::cert::Holder;
use fernsicht_protocol::checkpoint::SignedCheckpoint;
use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::content::PeerHeads;
use fernsicht_protocol::crypto::{Hash, hash};
use fernsicht_protocol::epoch;
use fernsicht_protocol::frame::{Class, Direction, Header};
use fernsicht_protocol::messages::{End as Reason, SessionId};
use fernsicht_protocol::sealing::{self, AuditorKey};

use crate::finding::{
    End, Finding, FrameId, MAX_FINDINGS, Mismatch, Place, Refusal, Verdict, What,
};
use crate::format::{Body, Kind, Opening};
use crate::outcome::Outcomes;
use crate::parallel;
use crate::reader::{Record, Records};
use crate::verify::tracks::Tracks;
use crate::verify::{Outline, Walk};

mod event;
mod heads;

pub use event::{Event, Unreadable};

/// Where a record is, and what: enough to find one's way without opening anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The record's number.
    pub record: u64,
    /// Its first byte in the file.
    pub offset: u64,
    /// The relay's time, in hundredths of a second since 1970 UTC.
    pub time: u64,
    /// What it is.
    pub kind: Kind,
    /// Which frame, for frames, tombstones and dropped frames.
    pub frame: Option<FrameId>,
    /// Bytes of the record.
    pub length: u32,
}

/// Who and when, as far as it is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The technician; none if that is not proven.
    pub technician: Option<Holder>,
    /// The session.
    pub session: SessionId,
    /// The recording's inner id.
    pub rid: [u8; 16],
    /// agent_pk.
    pub agent_key: [u8; 32],
    /// The deletion date that the customer was shown, in seconds since 1970 UTC.
    pub deletion: u64,
    /// The first record's time, in hundredths of a second since 1970 UTC.
    pub started: u64,
    /// The last record's time.
    pub last: u64,
    /// Time and reason of the end; none if it is not there.
    pub ended: Option<(u64, Option<Reason>)>,
}

/// What the customer's receipt says about the recording: it may know more than is left here.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The relay's last checkpoint that the agent had.
    pub checkpoint: Option<SignedCheckpoint>,
    /// The agent's last heads.
    pub agent: Option<PeerHeads>,
    /// The console's last heads that the agent had.
    pub console: Option<PeerHeads>,
}

/// An opened recording.
#[derive(Debug)]
pub struct Opened<B> {
    bytes: B,
    outline: Outline,
    facts: Facts,
    index: Vec<Entry>,
    epochs: BTreeMap<u32, Result<Ends, Refusal>>,
    tracks: Tracks,
    outcomes: Outcomes,
    findings: Vec<Finding>,
}

/// The keys of an epoch's two directions.
#[derive(Debug)]
struct Ends {
    agent: epoch::Opener,
    console: epoch::Opener,
}

impl Ends {
    fn opener(&self, direction: Direction) -> &epoch::Opener {
        match direction {
            Direction::AgentToConsole => &self.agent,
            Direction::ConsoleToAgent => &self.console,
        }
    }
}

/// Opens a recording. `sealed` is what the relay handed out with the bytes, `ca` the SHA-256 of the
/// operator's CA certificate. Errors: no epoch opens; the refusal is that of the first one.
pub fn open<B: AsRef<[u8]> + Sync>(
    bytes: B,
    sealed: &[EpochKeys],
    code: &Code,
    auditor: &AuditorKey,
    ca: &Hash,
) -> Result<Opened<B>, Refusal> {
    let mut walk = Walk::new(*ca, true);
    let mut index = Vec::new();
    walk.handle_slice(bytes.as_ref(), |record, body| {
        index.extend(entry(record, body));
    });
    let (outline, tracks) = walk.finish();
    let Some(first) = outline.epochs.first() else {
        return Err(first_refusal(&outline, Refusal::Empty));
    };
    let facts = Facts {
        technician: first.technician.clone(),
        session: first.opening.session,
        rid: first.opening.rid,
        agent_key: first.opening.agent_key,
        deletion: first.opening.deletion,
        started: outline.started.unwrap_or_default(),
        last: outline.last.unwrap_or_default(),
        ended: outline.ended.clone(),
    };
    let mut findings = outline.findings.clone();
    let mut epochs = BTreeMap::new();
    for epoch in &outline.epochs {
        let opening = &epoch.opening;
        let keys = sealed.iter().find(|keys| keys.epoch == opening.epoch);
        let ends = unseal(opening, keys, code, auditor).map_err(|refusal| {
            let mut findings = outline.findings.iter();
            let altered = findings.any(|f| f.grave() && f.place.overlaps(&epoch.place));
            match altered {
                true => Refusal::Altered(epoch.place),
                false => refusal,
            }
        });
        if let Err(refusal) = &ends {
            let what = What::Unopened(*refusal);
            let place = epoch.place;
            findings.push(Finding { place, what });
        }
        epochs.insert(opening.epoch, ends);
    }
    if epochs.values().all(Result::is_err) {
        let first = epochs.into_values().find_map(Result::err);
        return Err(first_refusal(&outline, first.unwrap_or(Refusal::Empty)));
    }
    let mut opened = Opened {
        bytes,
        outline,
        facts,
        index,
        epochs,
        tracks,
        outcomes: Outcomes::new(),
        findings,
    };
    opened.check_frames();
    Ok(opened)
}

/// The verdict of the first check that fails: an altered recording must not be taken for a wrong code.
fn first_refusal(outline: &Outline, last: Refusal) -> Refusal {
    let found = outline.findings.iter().find(|finding| finding.grave());
    let Some(finding) = found else { return last };
    if let What::Unreadable(error) = finding.what
        && outline.records == 0
    {
        return Refusal::Unreadable(error);
    }
    Refusal::Altered(finding.place)
}

/// The sealed keys' checks, in SPEC's order.
fn unseal(
    opening: &Opening,
    keys: Option<&EpochKeys>,
    code: &Code,
    auditor: &AuditorKey,
) -> Result<Ends, Refusal> {
    let sealed = &keys.ok_or(Refusal::NoKeys)?.sealed_keys;
    if sealing::hash_all(sealed) != opening.sealed_keys_hash {
        return Err(Refusal::OtherKeys);
    }
    let binding = opening.binding();
    let mine = hash(&auditor.public());
    let Some(own) = sealed.0.iter().find(|key| key.auditor == mine) else {
        let fits = |key| sealing::code_fits(&binding, code, key);
        return Err(match sealed.0.iter().any(fits) || sealed.0.is_empty() {
            true => Refusal::Auditor,
            false => Refusal::Code,
        });
    };
    let secret = sealing::unseal(&binding, auditor, code, own).map_err(|error| match error {
        sealing::Error::Code => Refusal::Code,
        // It names this key and does not open with it: that is how it was made.
        sealing::Error::Auditor | sealing::Error::Malformed | sealing::Error::Key => {
            Refusal::SealedFalsely
        }
    })?;
    let (rid, th2) = (Some(opening.rid), &opening.th2);
    let epoch = epoch::Epoch::new(&opening.session, rid, opening.epoch, th2, &secret);
    if epoch.commitment() != opening.commitment {
        return Err(Refusal::SealedFalsely);
    }
    Ok(Ends {
        agent: epoch.opener(Direction::AgentToConsole),
        console: epoch.opener(Direction::ConsoleToAgent),
    })
}

fn entry(record: &Record<'_>, body: &Body<'_>) -> Option<Entry> {
    Some(Entry {
        record: record.number,
        offset: record.offset,
        time: record.time(),
        kind: record.kind()?,
        frame: body.header().map(FrameId::from),
        length: (record.end() - record.offset) as u32,
    })
}

impl<B: AsRef<[u8]>> Opened<B> {
    /// Who and when.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// What is seen without keys: epochs, lengths, checkpoints.
    pub fn outline(&self) -> &Outline {
        &self.outline
    }

    /// What was found, in the order of the checks: of each at most [`MAX_FINDINGS`].
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// All findings in one word.
    pub fn verdict(&self) -> Verdict {
        Verdict::of(&self.findings)
    }

    /// What became of the input.
    pub fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    /// All records that can be read, in the order of the file.
    pub fn index(&self) -> &[Entry] {
        &self.index
    }

    /// Which epochs opened, and why others did not.
    pub fn epochs(&self) -> impl Iterator<Item = (u32, Option<Refusal>)> + '_ {
        let epochs = self.epochs.iter();
        epochs.map(|(number, ends)| (*number, ends.as_ref().err().copied()))
    }

    /// Opens the record at `at` of the index. A frame is decrypted into `buffer`, whose memory is reused.
    /// None: there is no such entry.
    pub fn event<'s>(&self, at: usize, buffer: &'s mut Vec<u8>) -> Option<Event<'s>> {
        let body = self.body(at)?;
        let Body::Frame { header, ciphertext } = body else {
            return Event::of_clear(&body);
        };
        Some(self.open_frame(header, ciphertext, buffer))
    }

    /// What was sealed in the frame at `at` of the index, as bytes. None: there is no such entry, or it is
    /// no frame.
    pub fn content<'s>(
        &self,
        at: usize,
        buffer: &'s mut Vec<u8>,
    ) -> Option<Result<&'s [u8], Unreadable>> {
        match self.body(at)? {
            Body::Frame { header, ciphertext } => Some(self.decrypt(&header, ciphertext, buffer)),
            Body::Opening(_)
            | Body::EpochSignature { .. }
            | Body::Tombstone { .. }
            | Body::Dropped { .. }
            | Body::Checkpoint(_)
            | Body::Gap { .. }
            | Body::End { .. } => None,
        }
    }

    /// Opens all records in order and hands out each with its entry. Stops where `each` returns false.
    pub fn for_each(&self, mut each: impl FnMut(&Entry, Event<'_>) -> bool) {
        let mut buffer = Vec::new();
        for (at, entry) in self.index.iter().enumerate() {
            if let Some(event) = self.event(at, &mut buffer)
                && !each(entry, event)
            {
                return;
            }
        }
    }

    /// Compares with what the customer's receipt says: a tail that was cut off is found so, even if the
    /// relay has signed the rest anew.
    pub fn compare(&self, evidence: &Evidence) -> Vec<Finding> {
        let mut claims = Vec::new();
        let ends = [
            (End::Agent, &evidence.agent),
            (End::Console, &evidence.console),
        ];
        for (by, heads) in ends {
            if let Some(heads) = heads.clone() {
                let place = None;
                claims.push(heads::Claim { by, heads, place });
            }
        }
        let mut findings = heads::compare(&claims, &self.outline, &self.tracks);
        if let Some(signed) = &evidence.checkpoint {
            findings.extend(self.compare_checkpoint(signed));
        }
        findings
    }

    fn compare_checkpoint(&self, signed: &SignedCheckpoint) -> Option<Finding> {
        let stated = signed.checkpoint.length;
        let tail = Place {
            record: self.outline.records,
            offset: self.outline.length,
            until: self.outline.length,
            frame: None,
        };
        let found = |place, what| Some(Finding { place, what });
        if !self.outline.signed(signed) {
            return found(tail, What::Checkpoint(Mismatch::Signature));
        }
        if signed.checkpoint.rid != self.facts.rid {
            return found(tail, What::Checkpoint(Mismatch::Recording));
        }
        if stated >= self.outline.length {
            return found(tail, What::Shortened { stated });
        }
        // The relay records a checkpoint before it sends it.
        let at = self
            .index
            .binary_search_by_key(&stated, |entry| entry.offset);
        let record = at.ok().and_then(|at| self.index.get(at));
        let record = record.and_then(|e| Records::at(self.bytes.as_ref(), e.offset, e.record));
        let body = record.and_then(|record| record.parse().ok());
        if matches!(&body, Some(Body::Checkpoint(own)) if **own == *signed) {
            return None;
        }
        let place = Place {
            record: 0,
            offset: 0,
            until: stated,
            frame: None,
        };
        found(place, What::Checkpoint(Mismatch::Chain))
    }

    fn body(&self, at: usize) -> Option<Body<'_>> {
        let entry = self.index.get(at)?;
        let record = Records::at(self.bytes.as_ref(), entry.offset, entry.record)?;
        record.parse().ok()
    }

    fn open_frame<'s>(
        &self,
        header: Header,
        ciphertext: &[u8],
        buffer: &'s mut Vec<u8>,
    ) -> Event<'s> {
        let content = self.decrypt(&header, ciphertext, buffer);
        let event =
            content.and_then(|content| Event::of_frame(header, content).map_err(Unreadable::Frame));
        event.unwrap_or_else(|why| Event::Unreadable { header, why })
    }

    fn decrypt<'s>(
        &self,
        header: &Header,
        ciphertext: &[u8],
        buffer: &'s mut Vec<u8>,
    ) -> Result<&'s [u8], Unreadable> {
        let ends = match self.epochs.get(&header.epoch) {
            Some(Ok(ends)) => ends,
            Some(Err(refusal)) => return Err(Unreadable::Epoch(*refusal)),
            None => return Err(Unreadable::Epoch(Refusal::NoKeys)),
        };
        buffer.clear();
        buffer.extend_from_slice(ciphertext);
        let opened = ends.opener(header.direction).open_at(header, buffer);
        let content = opened.map_err(|error| Unreadable::Frame(error.into()))?;
        Ok(&buffer[content])
    }

    /// Every frame: it opens, and its content is one. On the way, what the ends signed and decided.
    fn check_frames(&mut self)
    where
        B: Sync,
    {
        let mut claims = Vec::new();
        let mut faults = self.check_pictures();
        let mut outcomes = Outcomes::new();
        let mut buffer = Vec::new();
        for (at, entry) in self.index.iter().enumerate() {
            if entry.shows_screen() {
                continue;
            }
            let Some(event) = self.event(at, &mut buffer) else {
                continue;
            };
            let place = entry.place();
            match event {
                Event::Input { header, .. } => outcomes.handle_input(header.epoch, header.number),
                Event::Tombstone { header } if header.class == Class::Input => {
                    outcomes.handle_withheld(header.epoch, header.number);
                }
                Event::InputAck { header, ack } => outcomes.handle_ack(header.epoch, &ack),
                Event::Heads { header, heads } => claims.push(heads::Claim {
                    by: End::sender(header.direction),
                    heads,
                    place: Some(place),
                }),
                Event::Unreadable {
                    why: Unreadable::Frame(fault),
                    ..
                } => faults.push((place, What::Frame(fault))),
                Event::Unreadable { .. }
                | Event::Opening { .. }
                | Event::EpochSigned { .. }
                | Event::Rights { .. }
                | Event::PictureAck { .. }
                | Event::AgentNotice { .. }
                | Event::ConsoleNotice { .. }
                | Event::Transfer { .. }
                | Event::Beacon { .. }
                | Event::Pointer { .. }
                | Event::Picture { .. }
                | Event::Tombstone { .. }
                | Event::Dropped { .. }
                | Event::Checkpoint { .. }
                | Event::Gap { .. }
                | Event::End { .. } => {}
            }
        }
        faults.sort_by_key(|(place, _)| place.record);
        faults.truncate(MAX_FINDINGS);
        for (epoch, number) in outcomes.contradictions().take(MAX_FINDINGS) {
            let input = FrameId {
                epoch,
                direction: Direction::ConsoleToAgent,
                class: Class::Input,
                number,
            };
            let entry = self.index.iter().find(|entry| entry.frame == Some(input));
            if let Some(entry) = entry {
                faults.push((entry.place(), What::Withheld));
            }
        }
        let faults = faults.into_iter();
        self.findings
            .extend(faults.map(|(place, what)| Finding { place, what }));
        let claims = heads::compare(&claims, &self.outline, &self.tracks);
        self.findings.extend(claims);
        self.findings.sort_by_key(Finding::check);
        self.outcomes = outcomes;
    }
}

impl<B: AsRef<[u8]> + Sync> Opened<B> {
    /// What shows the screen is the bulk, and each of it stands for itself: opened on all cores.
    fn check_pictures(&self) -> Vec<(Place, What)> {
        let entries = self.index.iter().enumerate();
        let pictures: Vec<_> = entries.filter(|(_, e)| e.shows_screen()).collect();
        let check = |run: &[(usize, &Entry)]| {
            let mut buffer = Vec::new();
            let mut faults = Vec::new();
            for (at, entry) in run {
                if let Some(Event::Unreadable {
                    why: Unreadable::Frame(fault),
                    ..
                }) = self.event(*at, &mut buffer)
                {
                    faults.push((entry.place(), What::Frame(fault)));
                }
            }
            faults
        };
        parallel::map(&pictures, |(_, entry)| entry.length as usize, check)
    }
}

impl Entry {
    /// True for a frame that is a part of the picture.
    fn shows_screen(&self) -> bool {
        let shows = |frame: FrameId| frame.class.shows_screen();
        self.kind == Kind::Frame && self.frame.is_some_and(shows)
    }

    /// The record's place.
    pub fn place(&self) -> Place {
        Place {
            record: self.record,
            offset: self.offset,
            until: self.offset + u64::from(self.length),
            frame: self.frame,
        }
    }
}
