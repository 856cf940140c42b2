//! An office for tests: no relay, no keys, a recording from memory.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use zeroize::Zeroizing;

use super::Failure;
use super::engine::{Office, Opened};
use super::view::{
    Case, Check, CheckResult, Checked, Order, Overview, Proof, Step, Technician, Verdict,
    Verification, Who,
};
use crate::audit::replay::Replay;
use crate::audit::sample::Sample;

#[derive(Clone, Default)]
pub(crate) struct Fake {
    pub(crate) enrolled: bool,
    /// What the relay was asked, in order.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
    /// The relay notes nothing.
    pub(crate) refuses: Arc<AtomicBool>,
}

pub(crate) fn who() -> Who {
    Who {
        name: "Ada Prüfer".into(),
        relay: "relay.example:7443".into(),
    }
}

pub(crate) fn overview() -> Overview {
    let technician = |name: &str, recorded, without_receipt| Technician {
        name: name.into(),
        organisation: "Hotline Nord".into(),
        recorded,
        without_receipt,
    };
    Overview {
        auditors: 1,
        technicians: vec![
            technician("Erika Weber", 41, 0),
            technician("Max Kurz", 17, 5),
        ],
    }
}

pub(crate) fn verification(verdict: Verdict) -> Verification {
    use Check::{Auditor, Chain, Code, Commitment, End, Frames, PeerHeads, Technician};
    let checks = [
        Chain, Technician, Code, Auditor, Commitment, Frames, PeerHeads, End,
    ];
    let result = |check| match (verdict, check) {
        (Verdict::Sound, _) => CheckResult::Passed,
        (Verdict::Incomplete, End) => CheckResult::Noted,
        (Verdict::Altered, Frames) | (Verdict::Closed, Code) => CheckResult::Failed,
        (Verdict::Closed, Auditor | Commitment | Frames | PeerHeads | End) => CheckResult::Skipped,
        (_, _) => CheckResult::Passed,
    };
    let checked = |check| Checked {
        check,
        result: result(check),
        details: match result(check) {
            CheckResult::Passed | CheckResult::Skipped => Vec::new(),
            CheckResult::Noted | CheckResult::Failed => {
                vec!["record 812, bytes 40961 to 42003: a frame was altered".into()]
            }
        },
    };
    Verification {
        verdict,
        checks: checks.map(checked).to_vec(),
    }
}

pub(crate) fn case(verdict: Verdict) -> Case {
    Case {
        reference: "2026-117".into(),
        number: "4MXT-9K2P-WW3D-0QZA".into(),
        technician: "Max Kurz".into(),
        organisation: "Hotline Nord".into(),
        deletion: 1_775_000_000,
        days_left: 61,
        entry: 4711,
        verification: verification(verdict),
        track: None,
    }
}

impl Fake {
    fn ask(&self, what: String) -> Result<(), Failure> {
        self.asked.lock().unwrap().push(what);
        match self.refuses.load(Ordering::Relaxed) {
            true => Err(Failure::Internal("refused".into())),
            false => Ok(()),
        }
    }
}

impl Office for Fake {
    type Records = Sample;

    fn known(&mut self) -> Result<Option<Who>, Failure> {
        Ok(self.enrolled.then(who))
    }

    fn enrol(
        &mut self,
        token: &str,
        _passphrase: Zeroizing<String>,
        _again: Zeroizing<String>,
    ) -> Result<Who, Failure> {
        self.ask(format!("enrol {token}")).map(|()| who())
    }

    fn unlock(&mut self, passphrase: Zeroizing<String>) -> Result<Overview, Failure> {
        match passphrase.as_str() {
            "right" => Ok(overview()),
            _ => Err(Failure::Internal("the passphrase is wrong".into())),
        }
    }

    fn overview(&mut self) -> Result<Overview, Failure> {
        Ok(overview())
    }

    fn open(
        &mut self,
        reference: &str,
        proof: Proof,
        progress: &mut dyn FnMut(Step, Option<u16>),
    ) -> Result<Opened<Sample>, Failure> {
        progress(Step::Verifying, Some(500));
        let proof = match proof {
            Proof::Receipt(path) => path.display().to_string(),
            Proof::Code(_) => "code".into(),
        };
        self.ask(format!("open {reference} {proof}"))?;
        Ok(Opened {
            case: case(Verdict::Sound),
            replay: Replay::open(Sample::work(2)).ok(),
        })
    }

    fn reveal(&mut self, what: &str) -> Result<(), Failure> {
        self.ask(format!("reveal {what}"))
    }

    fn export(
        &mut self,
        order: &Order,
        _replay: &mut Replay<Sample>,
        go_on: &mut dyn FnMut(u16) -> bool,
    ) -> Result<Vec<PathBuf>, Failure> {
        for thousandths in 0..1000 {
            if !go_on(thousandths) {
                return Err(Failure::Internal("cancelled".into()));
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        Ok(vec![order.folder.join("report.html")])
    }

    fn close(&mut self) -> Result<(), Failure> {
        self.ask("close".into())
    }
}
