//! One case: a recording that a complaint names, opened, verified, looked at, exported, closed.
//!
//! ```text
//! reference + complaint ─► Case::open ─► relay logs and hands out ─► verified ─► Facts
//!                            Case ─► replay ─► reveal (logged before it is shown)
//!                                 ─► export (logged before it is written)
//!                                 ─► close
//! ```
//!
//! The recording is held in memory until the case is dropped; nothing of it is written but exports.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use data_encoding::HEXLOWER;
use fernsicht_protocol::audit::Note;
use fernsicht_protocol::sealing::AuditorKey;
use fernsicht_recordings::finding::{self, Check, Refusal, What};
use fernsicht_recordings::open::{self, Opened};
use fernsicht_recordings::verify::{Outline, verify_outside};

use super::canvas::Pointer;
use super::complaint::Complaint;
use super::export::{self, Pictures, Progress};
use super::facts::{Change, Facts, Finding, Input, Verdict};
use super::identity::Identity;
use super::index::Index;
use super::link::{Handed, Link};
use super::replay::{Moment, Replay};
use super::report::{self, By};
use super::source::{Bytes, Recording};
use super::video::{Written, file_failure, private};
use super::{Failure, now_unix_s};
use crate::identity::Relay;

/// An open case.
#[derive(Debug)]
pub struct Case {
    identity: Arc<Identity>,
    link: Link,
    reference: Note,
    facts: Facts,
    recording: Option<Recording>,
}

/// What has been done of opening a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// The recording is here; it is being verified.
    Fetched,
}

/// What an export wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The video.
    pub video: Option<Written>,
    /// The report.
    pub report: Option<PathBuf>,
}

impl Case {
    /// Asks the relay for the recording, which logs it, and verifies what it hands out. A
    /// recording that does not open is no failure: its facts say why.
    pub fn open(
        identity: Arc<Identity>,
        reference: &str,
        complaint: &Complaint,
        progress: &mut dyn FnMut(Done),
    ) -> Result<Self, Failure> {
        let reference = parse_reference(reference)?;
        let link = Link::connect(&identity)?;
        let handed = link.open(&reference, complaint.code.open_token())?;
        progress(Done::Fetched);
        let (facts, recording) = examine(
            *handed,
            &identity.relay,
            &identity.opening,
            reference.as_str(),
            complaint,
        )?;
        Ok(Self {
            identity,
            link,
            reference,
            facts,
            recording,
        })
    }

    /// The case reference.
    pub fn reference(&self) -> &str {
        self.reference.as_str()
    }

    /// What was found.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The auditor.
    pub fn auditor(&self) -> &Identity {
        &self.identity
    }

    /// Whole days until the recording is deleted.
    pub fn days_left(&self) -> u64 {
        super::facts::days_left(self.facts.deletion, now_unix_s())
    }

    /// The recording to look at; none if it does not open.
    pub fn replay(&self) -> Option<Result<Replay<Recording>, Failure>> {
        let recording = self.recording.clone()?;
        Some(Replay::open(recording).map_err(|e| Failure::Unreadable(e.to_string())))
    }

    /// Has the relay log that something masked is about to be shown. Only after this may it be.
    pub fn reveal(&self, what: &str) -> Result<(), Failure> {
        self.link.revealed(&self.reference, what)
    }

    /// Writes video and report, each where it is wanted. The relay logs it before. A replay that is
    /// there already spares making one.
    pub fn export(
        &self,
        replay: Option<&mut Replay<Recording>>,
        video: Option<&Path>,
        report: Option<&Path>,
        go_on: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<Exported, Failure> {
        let what = match (video.is_some(), report.is_some()) {
            (true, true) => "video, report",
            (true, false) => "video",
            (false, true) => "report",
            (false, false) => return Err(Failure::Internal("an export of nothing".into())),
        };
        self.link.exported(&self.reference, what)?;
        let video = match video {
            None => None,
            Some(path) => {
                let closed = || Failure::Unreadable("it does not open".into());
                let mut own = None;
                let replay = match replay {
                    Some(replay) => replay,
                    None => own.insert(self.replay().ok_or_else(closed)??),
                };
                Some(export::video(&mut Shown::new(replay), path, go_on)?)
            }
        };
        if let Some(path) = report {
            let by = By {
                auditor: &self.identity.name,
                key: &self.identity.opening.public(),
                now_s: now_unix_s(),
                video: video.as_ref(),
            };
            let text = report::signed(&self.facts, &by, &self.identity.chain, &self.identity.key);
            write(path, text.as_bytes())?;
        }
        Ok(Exported {
            video,
            report: report.map(Path::to_owned),
        })
    }

    /// Has the relay log that the case is closed, and forgets the recording.
    pub fn close(self) -> Result<(), Failure> {
        self.link.closed(&self.reference)
    }
}

/// A case reference as the relay takes it.
pub fn parse_reference(text: &str) -> Result<Note, Failure> {
    match text.trim() {
        "" => Err(Failure::Reference),
        text => Note::new(text).map_err(|_| Failure::Reference),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    use std::io::Write as _;
    let written = private(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|e| file_failure(path, &e))
}

/// Verifies and opens what the relay handed out.
fn examine(
    handed: Handed,
    relay: &Relay,
    key: &AuditorKey,
    case: &str,
    complaint: &Complaint,
) -> Result<(Facts, Option<Recording>), Failure> {
    let ca = &relay.ca;
    let bytes = Bytes::new(handed.bytes);
    let number = complaint.code.lookup();
    let mut facts = Facts {
        case: case.to_owned(),
        number: number.to_string(),
        relay: relay.address.clone(),
        technician: String::new(),
        organisation: String::new(),
        from: 0,
        to: 0,
        epochs: 0,
        bytes: handed.about.length,
        deletion: handed.about.deletion,
        end: None,
        verdict: Verdict::Altered,
        refused_at: None,
        findings: Vec::new(),
        rights: Vec::new(),
        pieces: Vec::new(),
        input: Input::default(),
        talk: Vec::new(),
        text: None,
        sealed_to: handed
            .keys
            .0
            .first()
            .map_or(0, |keys| keys.sealed_keys.0.len() as u32),
        entry: handed.about.entry,
    };
    if handed.about.lookup_hash != number.hash() {
        let what = "the relay handed out another recording's bytes";
        facts.findings.push(whole(Check::Chain, what));
    }
    let opened = open::open(bytes.clone(), &handed.keys.0, &complaint.code, key, ca);
    match opened {
        Err(refusal) => {
            let outline = verify_outside(bytes.as_ref(), ca);
            note_outline(&mut facts, &outline);
            facts.findings.extend(outline.findings.iter().map(finding));
            let what = refusal.to_string();
            facts.findings.push(whole(refusal.check(), &what));
            facts.findings.sort_by_key(|f| f.check);
            facts.refused_at = Some(refusal.check());
            facts.verdict = refused(refusal);
            Ok((facts, None))
        }
        Ok(opened) => {
            note_outline(&mut facts, opened.outline());
            let mut all: Vec<finding::Finding> = opened.findings().to_vec();
            if let Some(evidence) = complaint.evidence() {
                all.extend(opened.compare(&evidence));
            }
            let of_receipt = receipt_findings(complaint, &opened);
            facts.verdict = match facts.findings.is_empty() && of_receipt.is_empty() {
                true => verdict(&all),
                false => Verdict::Altered,
            };
            facts.findings.extend(of_receipt);
            facts.findings.extend(all.iter().map(finding));
            facts.findings.sort_by_key(|f| f.check);
            note_opened(&mut facts, &opened);
            let recording = Recording::new(bytes, Arc::new(opened));
            let index = Index::build(&mut recording.clone())
                .map_err(|e| Failure::Unreadable(e.to_string()))?;
            note_index(&mut facts, &index);
            Ok((facts, Some(recording)))
        }
    }
}

fn note_outline(facts: &mut Facts, outline: &Outline) {
    facts.from = outline.started.unwrap_or_default();
    facts.to = outline.last.unwrap_or_default();
    facts.epochs = outline.epochs.len() as u32;
    facts.end = outline
        .ended
        .as_ref()
        .and_then(|(_, reason)| reason.clone());
    let technician = outline.epochs.first().and_then(|e| e.technician.as_ref());
    if let Some(technician) = technician {
        facts.technician = technician.name.clone();
        facts.organisation = technician.organisation.clone();
    }
    if let Some(first) = outline.epochs.first() {
        // The earlier one binds: the relay may not keep longer than it told the customer.
        facts.deletion = facts.deletion.min(first.opening.deletion);
    }
}

fn note_opened(facts: &mut Facts, opened: &Opened<Bytes>) {
    let counts = opened.outcomes().counts();
    facts.input = Input {
        injected: counts.injected,
        dropped: counts.dropped + counts.withheld,
        undecided: counts.undecided,
    };
}

fn note_index(facts: &mut Facts, index: &Index) {
    facts.rights = index
        .rights
        .iter()
        .map(|change| Change {
            time: change.time,
            rights: change.rights,
            cause: change.cause.clone(),
        })
        .collect();
    facts.talk = index.talk.clone();
    facts.pieces = index.pieces.clone();
    facts.text = index
        .text
        .as_ref()
        .map(|(version, language)| (HEXLOWER.encode(version), language.clone()));
}

/// What does not fit between receipt and recording.
fn receipt_findings(complaint: &Complaint, opened: &Opened<Bytes>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(receipt) = &complaint.receipt {
        let facts = opened.facts();
        if receipt.rid != facts.rid || receipt.session != facts.session {
            findings.push(whole(
                Check::PeerHeads,
                "the receipt is of another recording",
            ));
        }
        if receipt.agent_key != facts.agent_key {
            findings.push(whole(
                Check::PeerHeads,
                "the receipt is not signed by the agent of this recording",
            ));
        }
        if receipt.mismatch {
            findings.push(whole(
                Check::PeerHeads,
                "the receipt says that the relay's checkpoints did not fit what the agent saw",
            ));
        }
    }
    findings
}

fn verdict(findings: &[finding::Finding]) -> Verdict {
    let grave = || findings.iter().filter(|f| f.grave());
    let only = |refusal: Refusal| grave().all(|f| f.what == What::Unopened(refusal));
    match finding::Verdict::of(findings) {
        finding::Verdict::Sound => Verdict::Sound,
        finding::Verdict::Incomplete => Verdict::Interrupted,
        finding::Verdict::Altered if only(Refusal::SealedFalsely) => Verdict::SealedFalsely,
        finding::Verdict::Altered if only(Refusal::Auditor) => Verdict::WrongKey,
        finding::Verdict::Altered => Verdict::Altered,
    }
}

fn refused(refusal: Refusal) -> Verdict {
    match refusal {
        Refusal::Unreadable(_)
        | Refusal::Altered(_)
        | Refusal::Empty
        | Refusal::NoKeys
        | Refusal::OtherKeys => Verdict::Altered,
        Refusal::Code => Verdict::WrongCode,
        Refusal::Auditor => Verdict::WrongKey,
        Refusal::SealedFalsely => Verdict::SealedFalsely,
    }
}

fn finding(found: &finding::Finding) -> Finding {
    Finding {
        check: found.check(),
        grave: found.grave(),
        record: Some(found.place.record),
        time: None,
        what: found.to_string(),
    }
}

fn whole(check: Check, what: &str) -> Finding {
    Finding {
        check,
        grave: true,
        record: None,
        time: None,
        what: what.to_owned(),
    }
}

/// A replay as the export goes through it.
struct Shown<'a> {
    replay: &'a mut Replay<Recording>,
    moment: Option<Moment>,
}

impl<'a> Shown<'a> {
    fn new(replay: &'a mut Replay<Recording>) -> Self {
        Self {
            replay,
            moment: None,
        }
    }
}

impl Pictures for Shown<'_> {
    fn span(&self) -> (u64, u64) {
        (self.replay.index().from, self.replay.index().to)
    }

    fn largest(&mut self) -> Result<(u16, u16), Failure> {
        self.replay
            .largest()
            .map_err(|e| Failure::Unreadable(e.to_string()))
    }

    fn seek(&mut self, time: u64) -> Result<(), Failure> {
        let moment = self.replay.seek(time);
        self.moment = Some(moment.map_err(|e| Failure::Unreadable(e.to_string()))?);
        Ok(())
    }

    fn change_after(&self, time: u64) -> Option<u64> {
        self.replay.index().change_after(time)
    }

    fn picture(&self) -> Option<fernsicht_protocol::picture::View<'_>> {
        self.replay.view()
    }

    fn pointer(&self) -> Option<Pointer<'_>> {
        let pointer = self.moment.as_ref()?.pointer.as_ref()?;
        Some(Pointer {
            x: pointer.x,
            y: pointer.y,
            shape: pointer.shape.as_ref().map(|(_, shape)| shape.as_ref()),
        })
    }
}

#[cfg(test)]
#[path = "case_tests.rs"]
mod tests;
