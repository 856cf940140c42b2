//! What the auditor's window has done for it: keys, link, recording, files.
//!
//! The window asks ([`Office`]); everything that reaches beyond this computer's memory is here and
//! in the modules that the command line uses too.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use fernsicht_recordings::finding;
use zeroize::Zeroizing;

use super::case::{Case, Done};
use super::cases::Cases;
use super::complaint::Complaint;
use super::enrol;
use super::export::Progress;
use super::facts::{Facts, Verdict};
use super::identity::{Effort, Identity, Known, Store};
use super::link::{self, Link};
use super::passphrase::Passphrase;
use super::replay::Replay;
use super::source::Recording;
use super::ui::engine::{Office, Opened};
use super::ui::view::{self, Check, CheckResult, Checked, Order, Proof, Step, Track, Who};
use super::{Failure, now_unix_s};

/// The auditor's desk behind the window.
#[derive(Debug)]
pub struct Desk {
    store: Store,
    identity: Option<Arc<Identity>>,
    case: Option<Case>,
    verdict: Arc<AtomicU8>,
}

impl Desk {
    /// Nothing is open yet.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            identity: None,
            case: None,
            verdict: Arc::default(),
        }
    }

    /// The exit code of the last verdict, to be read when the window has closed.
    pub fn verdict(&self) -> Arc<AtomicU8> {
        self.verdict.clone()
    }

    fn identity(&self) -> Result<Arc<Identity>, Failure> {
        self.identity.clone().ok_or(Failure::NotEnrolled)
    }

    fn open_case(&self) -> Result<&Case, Failure> {
        let none = || Failure::Internal("no case is open".into());
        self.case.as_ref().ok_or_else(none)
    }
}

impl Office for Desk {
    type Records = Recording;

    fn known(&mut self) -> Result<Option<Who>, Failure> {
        Ok(self.store.known()?.map(who))
    }

    fn enrol(
        &mut self,
        token: &str,
        passphrase: Zeroizing<String>,
        again: Zeroizing<String>,
    ) -> Result<Who, Failure> {
        if *passphrase != *again {
            return Err(Failure::PassphrasesDiffer);
        }
        let passphrase = Passphrase::new(passphrase)?;
        let token = enrol::prepare(&self.store, token)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Failure::Internal(e.to_string()))?;
        let enrolling = enrol::enrol(&self.store, &token, &passphrase, Effort::ORDINARY);
        Ok(who(runtime.block_on(enrolling)?.known))
    }

    fn unlock(&mut self, passphrase: Zeroizing<String>) -> Result<view::Overview, Failure> {
        let passphrase = Passphrase::new(passphrase)?;
        self.identity = Some(Arc::new(self.store.open(&passphrase)?));
        self.overview()
    }

    fn overview(&mut self) -> Result<view::Overview, Failure> {
        let identity = self.identity()?;
        Ok(overview(Link::connect(&identity)?.overview()?))
    }

    fn open(
        &mut self,
        reference: &str,
        proof: Proof,
        progress: &mut dyn FnMut(Step, Option<u16>),
    ) -> Result<Opened<Recording>, Failure> {
        progress(Step::Fetching, None);
        let identity = self.identity()?;
        let complaint = match proof {
            Proof::Receipt(path) => Complaint::from_receipt_file(&path, &identity)?,
            Proof::Code(typed) => Complaint::from_code(&typed)?,
        };
        let case = Case::open(identity, reference, &complaint, &mut |done| match done {
            Done::Fetched => progress(Step::Verifying, None),
        })?;
        let facts = case.facts();
        self.verdict
            .store(facts.verdict.exit() as u8, Ordering::Relaxed);
        Cases::new(self.store.folder()).note_opened(facts, now_unix_s())?;
        let replay = case.replay().transpose()?;
        let shown = view::Case {
            reference: facts.case.clone(),
            number: facts.number.clone(),
            technician: facts.technician.clone(),
            organisation: facts.organisation.clone(),
            deletion: facts.deletion,
            days_left: case.days_left(),
            entry: facts.entry,
            verification: verification(facts),
            track: replay
                .as_ref()
                .map(|replay| Arc::new(Track::from(replay.index()))),
        };
        self.case = Some(case);
        Ok(Opened {
            case: shown,
            replay,
        })
    }

    fn reveal(&mut self, what: &str) -> Result<(), Failure> {
        self.open_case()?.reveal(what)
    }

    fn export(
        &mut self,
        order: &Order,
        replay: &mut Replay<Recording>,
        go_on: &mut dyn FnMut(u16) -> bool,
    ) -> Result<Vec<PathBuf>, Failure> {
        let case = self.open_case()?;
        let file = |ending: &str| order.folder.join(file_name(case.reference(), ending));
        let video = order.video.then(|| file("mp4"));
        let report = order.report.then(|| file("html"));
        let mut told = |progress: Progress| {
            let thousandths = progress.done * 1000 / progress.of.max(1);
            go_on(u16::try_from(thousandths).unwrap_or(1000).min(1000))
        };
        case.export(Some(replay), video.as_deref(), report.as_deref(), &mut told)?;
        Ok([video, report].into_iter().flatten().collect())
    }

    fn close(&mut self) -> Result<(), Failure> {
        let Some(case) = self.case.take() else {
            return Ok(());
        };
        let reference = case.reference().to_owned();
        case.close()?;
        Cases::new(self.store.folder()).note_closed(&reference, now_unix_s())?;
        Ok(())
    }
}

fn who(known: Known) -> Who {
    Who {
        name: known.name,
        relay: known.relay.address,
    }
}

fn overview(overview: link::Overview) -> view::Overview {
    view::Overview {
        auditors: overview.auditors,
        technicians: overview
            .technicians
            .iter()
            .map(|t| view::Technician {
                name: t.name.as_str().to_owned(),
                organisation: t.organisation.as_str().to_owned(),
                recorded: t.recorded,
                without_receipt: t.without_receipt,
            })
            .collect(),
    }
}

/// A file's name for a case reference, whatever stands in it.
pub(super) fn file_name(reference: &str, ending: &str) -> PathBuf {
    let plain: String = reference
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .collect();
    Path::new(&format!("fernsicht-{plain}")).with_extension(ending)
}

/// Check by check.
fn verification(facts: &Facts) -> view::Verification {
    let refused = facts.refused_at;
    let checks = finding::Check::ALL.map(|check| {
        let found: Vec<_> = facts.findings.iter().filter(|f| f.check == check).collect();
        let result = match refused {
            Some(at) if check == at => CheckResult::Failed,
            Some(at) if check > at => CheckResult::Skipped,
            Some(_) | None if found.iter().any(|f| f.grave) => CheckResult::Failed,
            Some(_) | None if !found.is_empty() => CheckResult::Noted,
            Some(_) | None => CheckResult::Passed,
        };
        Checked {
            check: shown(check),
            result,
            details: found.iter().map(|f| f.what.clone()).collect(),
        }
    });
    view::Verification {
        verdict: match facts.verdict {
            _ if refused.is_some() => view::Verdict::Closed,
            Verdict::Sound => view::Verdict::Sound,
            Verdict::Interrupted => view::Verdict::Incomplete,
            Verdict::Altered | Verdict::WrongCode | Verdict::WrongKey | Verdict::SealedFalsely => {
                view::Verdict::Altered
            }
        },
        checks: checks.into(),
    }
}

fn shown(check: finding::Check) -> Check {
    match check {
        finding::Check::Chain => Check::Chain,
        finding::Check::Technician => Check::Technician,
        finding::Check::Code => Check::Code,
        finding::Check::Auditor => Check::Auditor,
        finding::Check::Commitment => Check::Commitment,
        finding::Check::Frames => Check::Frames,
        finding::Check::PeerHeads => Check::PeerHeads,
        finding::Check::End => Check::End,
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::facts;
    use super::*;

    #[test]
    fn a_refusal_skips_what_comes_after_it() {
        let mut facts = facts();
        facts.refused_at = Some(finding::Check::Code);
        facts.verdict = Verdict::WrongCode;
        let shown = verification(&facts);
        assert_eq!(shown.verdict, view::Verdict::Closed);
        let results: Vec<_> = shown.checks.iter().map(|c| c.result).collect();
        assert_eq!(results[0], CheckResult::Failed);
        assert_eq!(results[1], CheckResult::Passed);
        assert_eq!(results[2], CheckResult::Failed);
        assert!(results[3..].iter().all(|r| *r == CheckResult::Skipped));
    }

    #[test]
    fn file_names_hold_nothing_that_leads_elsewhere() {
        let name = file_name("../../etc/passwd.d", "mp4");
        assert_eq!(name, Path::new("fernsicht-------etc-passwd-d.mp4"));
    }
}
