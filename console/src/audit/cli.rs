//! Carries the auditor's command line out, in words or in JSON.
//!
//! Answers go to standard output, questions, progress and problems to standard error. The exit
//! code is the verdict ([`super::Exit`]).

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use data_encoding::HEXLOWER;
use fernsicht_protocol::chat::Fate;
use fernsicht_protocol::frame::Direction;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::args::{self, Args, Command};
use super::case::{Case, Exported, parse_reference};
use super::cases::Cases;
use super::complaint::Complaint;
use super::export::Progress;
use super::facts::{
    Facts, date_text, days_left, piece_outcome, piece_text, rights_text, time_text,
};
use super::identity::{Effort, Identity, Store};
use super::link::{Link, Overview};
use super::office::{Desk, file_name};
use super::passphrase::{Source, first_line};
use super::ui::app::Options;
use super::ui::view::{self, Proof};
use super::words::failure_text;
use super::{Exit, Failure, enrol, now_unix_s, report, say_aside, ui};
use crate::texts::{Language, Texts};

/// Reads the command line of the process and does what it says.
pub fn main() -> ExitCode {
    use clap::Parser as _;
    match Args::try_parse() {
        Ok(args) => run(args),
        Err(error) => {
            // Where nobody listens there is nobody to tell.
            drop(error.print());
            match error.use_stderr() {
                true => Exit::Usage.into(),
                false => Exit::Sound.into(),
            }
        }
    }
}

/// Does what the command line says.
pub fn run(args: Args) -> ExitCode {
    let texts = Texts::new(args.language.unwrap_or_else(Language::of_system));
    let program = Program {
        json: args.json,
        source: Source::new(args.passphrase_file.clone()),
        texts,
    };
    let done = program.run(args);
    match done {
        Ok(exit) => exit.into(),
        Err(failure) => {
            program.complain(&failure);
            failure.exit().into()
        }
    }
}

struct Program {
    json: bool,
    source: Source,
    texts: Texts,
}

impl Program {
    fn run(&self, args: Args) -> Result<Exit, Failure> {
        let data = args
            .data
            .or_else(|| std::env::var_os("FERNSICHT_AUDITOR_DATA").map(Into::into));
        let store = Store::new(data)?;
        match args.command {
            None => self.window(store, Vec::new()),
            Some(Command::Enrol { token }) => self.enrol(&store, &token),
            Some(Command::List) => self.list(&store),
            Some(Command::Verify(complaint)) => {
                let case = self.open(&store, &complaint)?;
                self.tell_facts(case.facts(), None);
                Ok(case.facts().verdict.exit())
            }
            Some(Command::Open {
                complaint,
                no_window: false,
            }) if !self.json => self.show(store, &complaint),
            Some(Command::Open { complaint, .. }) => {
                let case = self.open(&store, &complaint)?;
                self.tell_facts(case.facts(), None);
                Ok(case.facts().verdict.exit())
            }
            Some(Command::Export {
                complaint,
                video,
                report,
                output,
            }) => {
                let named = |ending: &str| {
                    let folder = output.as_ref()?;
                    Some(folder.join(file_name(&complaint.case, ending)))
                };
                let video = video.or_else(|| named("mp4"));
                let report = report.or_else(|| named("html"));
                self.export(&store, &complaint, video.as_deref(), report.as_deref())
            }
            Some(Command::CheckReport { file }) => self.check_report(&store, &file),
            Some(Command::Close { case }) => self.close(&store, &case),
        }
    }

    fn identity(&self, store: &Store) -> Result<Arc<Identity>, Failure> {
        if store.known()?.is_none() {
            return Err(Failure::NotEnrolled);
        }
        let passphrase = self.source.ask(&self.texts)?;
        Ok(Arc::new(store.open(&passphrase)?))
    }

    fn enrol(&self, store: &Store, token: &str) -> Result<Exit, Failure> {
        let token = enrol::prepare(store, token)?;
        let passphrase = self.source.choose(&self.texts)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Failure::Internal(e.to_string()))?;
        let enrolling = enrol::enrol(store, &token, &passphrase, Effort::ORDINARY);
        let enrolled = runtime.block_on(enrolling)?;
        let known = enrolled.known;
        self.answer(
            json!({
                "auditor": known.name,
                "relay": known.relay.address,
                "fingerprint": known.fingerprint(),
                "auditors": enrolled.auditors,
            }),
            |texts| {
                let done = texts.with(
                    "audit-enrol-done",
                    [
                        ("auditor", known.name.as_str().into()),
                        ("relay", known.relay.address.as_str().into()),
                        ("fingerprint", known.fingerprint().into()),
                    ],
                );
                let advice = match enrolled.auditors {
                    0 | 1 => "audit-only-one",
                    _ => "audit-agents-anew",
                };
                format!("{done}\n{}", texts.text(advice))
            },
        );
        Ok(Exit::Sound)
    }

    fn list(&self, store: &Store) -> Result<Exit, Failure> {
        let identity = self.identity(store)?;
        let now_s = now_unix_s();
        let cases = Cases::new(store.folder()).list(now_s)?;
        let overview = Link::connect(&identity)?.overview()?;
        let listed: Vec<Value> = cases
            .iter()
            .map(|case| {
                json!({
                    "case": case.case,
                    "number": case.number,
                    "technician": case.technician,
                    "opened": case.opened_s,
                    "closed": case.closed_s,
                    "verdict": case.verdict,
                    "deletion": case.deletion_s,
                    "days_left": case.days_left(now_s),
                })
            })
            .collect();
        let technicians: Vec<Value> = overview
            .technicians
            .iter()
            .map(|t| {
                json!({
                    "technician": t.name.as_str(),
                    "organisation": t.organisation.as_str(),
                    "recorded": t.recorded,
                    "without_receipt": t.without_receipt,
                })
            })
            .collect();
        self.answer(
            json!({
                "auditor": identity.name,
                "auditors": overview.auditors,
                "cases": listed,
                "technicians": technicians,
                "more_technicians": overview.more,
            }),
            |texts| {
                let mut lines = vec![texts.text("audit-list-cases")];
                lines.extend(cases.iter().map(|case| {
                    let key = match case.closed_s {
                        None => "audit-list-open",
                        Some(_) => "audit-list-closed",
                    };
                    texts.with(
                        key,
                        [
                            ("case", case.case.as_str().into()),
                            ("number", case.number.as_str().into()),
                            ("opened", time_text(case.opened_s * 100).into()),
                            ("days", case.days_left(now_s).into()),
                        ],
                    )
                }));
                if cases.is_empty() {
                    lines.push(texts.text("audit-list-none"));
                }
                lines.extend(overview_lines(texts, &overview));
                lines.join("\n")
            },
        );
        Ok(Exit::Sound)
    }

    fn open(&self, store: &Store, asked: &args::Complaint) -> Result<Case, Failure> {
        // What costs nothing is checked before the passphrase is asked for.
        parse_reference(&asked.case)?;
        let identity = self.identity(store)?;
        let complaint = self.complaint(asked, &identity)?;
        let case = Case::open(identity, &asked.case, &complaint, &mut |_| {})?;
        Cases::new(store.folder()).note_opened(case.facts(), now_unix_s())?;
        Ok(case)
    }

    /// The window, which begins with these commands. The exit code is that of its last verdict.
    fn window(&self, store: Store, begin: Vec<view::Command>) -> Result<Exit, Failure> {
        let desk = Desk::new(store);
        let verdict = desk.verdict();
        let options = Options {
            language: self.texts.language(),
            folder: std::env::current_dir().unwrap_or_default(),
            begin,
        };
        ui::app::run(options, desk)?;
        Ok(Exit::of(verdict.load(Ordering::Relaxed)))
    }

    /// The window with a case.
    fn show(&self, store: Store, asked: &args::Complaint) -> Result<Exit, Failure> {
        parse_reference(&asked.case)?;
        if store.known()?.is_none() {
            return Err(Failure::NotEnrolled);
        }
        let proof = match &asked.receipt {
            Some(receipt) => Proof::Receipt(receipt.clone()),
            None => {
                let typed = self.code(asked)?;
                // Told before the passphrase is asked for.
                Complaint::from_code(&typed)?;
                Proof::Code(typed)
            }
        };
        let passphrase = self.source.ask(&self.texts)?.into_text();
        let begin = vec![
            view::Command::Unlock { passphrase },
            view::Command::Open {
                reference: asked.case.clone(),
                proof,
            },
        ];
        self.window(store, begin)
    }

    fn complaint(
        &self,
        asked: &args::Complaint,
        identity: &Identity,
    ) -> Result<Complaint, Failure> {
        match &asked.receipt {
            Some(receipt) => Complaint::from_receipt_file(receipt, identity),
            None => Complaint::from_code(&self.code(asked)?),
        }
    }

    /// The complaint code, as it stands in the file or as it is typed.
    fn code(&self, asked: &args::Complaint) -> Result<Zeroizing<String>, Failure> {
        if let Some(path) = &asked.code_file {
            return first_line(path);
        }
        if !std::io::stdin().is_terminal() {
            return Err(Failure::NoTerminal);
        }
        say_aside(&self.texts.text("audit-code"));
        let mut line = Zeroizing::new(String::new());
        std::io::stdin()
            .lock()
            .read_line(&mut line)
            .map_err(|_| Failure::NoTerminal)?;
        Ok(line)
    }

    fn export(
        &self,
        store: &Store,
        complaint: &args::Complaint,
        video: Option<&Path>,
        report: Option<&Path>,
    ) -> Result<Exit, Failure> {
        if video.is_none() && report.is_none() {
            say_aside(&self.texts.text("audit-export-what"));
            return Ok(Exit::Usage);
        }
        let case = self.open(store, complaint)?;
        let exit = case.facts().verdict.exit();
        // What does not open has no video; the report says why.
        let openable = !matches!(exit, Exit::WrongCode | Exit::WrongKey | Exit::SealedFalsely);
        let video = video.filter(|_| openable);
        if video.is_none() && report.is_none() {
            self.tell_facts(case.facts(), None);
            return Ok(exit);
        }
        let mut told = 0;
        let exported = case.export(None, video, report, &mut |progress: Progress| {
            let percent = progress.done * 100 / progress.of.max(1);
            if percent >= told + 5 && !self.json {
                told = percent;
                say_aside(
                    &self
                        .texts
                        .with("audit-export-at", [("percent", percent.into())]),
                );
            }
            true
        })?;
        self.tell_facts(case.facts(), Some(&exported));
        Ok(exit)
    }

    fn check_report(&self, store: &Store, file: &Path) -> Result<Exit, Failure> {
        let known = store.known()?.ok_or(Failure::NotEnrolled)?;
        let bytes = std::fs::read(file).map_err(|e| Failure::File {
            path: file.display().to_string(),
            detail: e.to_string(),
        })?;
        match report::check(&bytes, &known.relay.ca, now_unix_s()) {
            Ok(holder) => {
                self.answer(json!({ "sound": true, "auditor": holder.name }), |texts| {
                    texts.with(
                        "audit-report-sound",
                        [("auditor", holder.name.as_str().into())],
                    )
                });
                Ok(Exit::Sound)
            }
            Err(error) => {
                let detail = error.to_string();
                self.answer(json!({ "sound": false, "detail": detail }), |texts| {
                    texts.with("audit-report-altered", [("detail", detail.as_str().into())])
                });
                Ok(Exit::Altered)
            }
        }
    }

    fn close(&self, store: &Store, case: &str) -> Result<Exit, Failure> {
        let reference = parse_reference(case)?;
        let identity = self.identity(store)?;
        Link::connect(&identity)?.closed(&reference)?;
        let known = Cases::new(store.folder()).note_closed(reference.as_str(), now_unix_s())?;
        self.answer(json!({ "closed": known }), |texts| {
            texts.text(match known {
                true => "audit-closed",
                false => "audit-closed-unknown",
            })
        });
        Ok(Exit::Sound)
    }

    fn tell_facts(&self, facts: &Facts, exported: Option<&Exported>) {
        self.answer(facts_json(facts, exported), |texts| {
            facts_text(texts, facts, exported)
        });
    }

    fn answer(&self, json: Value, text: impl FnOnce(&Texts) -> String) {
        let answer = match self.json {
            true => json.to_string(),
            false => text(&self.texts),
        };
        // Where nobody listens there is nobody to tell that nobody listens.
        drop(writeln!(std::io::stdout().lock(), "{answer}"));
    }

    fn complain(&self, failure: &Failure) {
        let words = failure_text(&self.texts, failure);
        if self.json {
            let exit = failure.exit() as u8;
            self.answer(json!({ "failure": words, "exit": exit }), |_| String::new());
        }
        say_aside(&words);
    }
}

fn overview_lines(texts: &Texts, overview: &Overview) -> Vec<String> {
    let mut lines = vec![String::new(), texts.text("audit-list-technicians")];
    lines.extend(overview.technicians.iter().map(|t| {
        texts.with(
            "audit-list-technician",
            [
                ("technician", t.name.as_str().into()),
                ("organisation", t.organisation.as_str().into()),
                ("recorded", t.recorded.into()),
                ("without", t.without_receipt.into()),
            ],
        )
    }));
    if overview.technicians.is_empty() {
        lines.push(texts.text("audit-list-none"));
    }
    if overview.more {
        lines.push(texts.text("audit-list-more"));
    }
    if overview.auditors <= 1 {
        lines.extend([String::new(), texts.text("audit-only-one")]);
    }
    lines
}

fn facts_text(texts: &Texts, facts: &Facts, exported: Option<&Exported>) -> String {
    let mut lines = vec![facts.verdict.text(texts)];
    lines.extend(facts.findings.iter().map(|f| format!("  · {}", f.what)));
    let line = |key: &str, value: String| format!("{}: {value}", texts.text(key));
    lines.extend([
        line("report-case", facts.case.clone()),
        line("report-number", facts.number.clone()),
        line("report-technician", facts.technician.clone()),
        line("report-from", time_text(facts.from)),
        line("report-to", time_text(facts.to)),
        line("report-injected", facts.input.injected.to_string()),
        line("report-dropped", facts.input.dropped.to_string()),
        line("report-undecided", facts.input.undecided.to_string()),
        line(
            "report-deletion",
            texts.with(
                "audit-deletion",
                [
                    ("date", date_text(facts.deletion).into()),
                    ("days", days_left(facts.deletion, now_unix_s()).into()),
                ],
            ),
        ),
    ]);
    lines.extend(facts.pieces.iter().map(|fact| {
        let (what, became) = (piece_text(texts, fact), piece_outcome(texts, fact));
        format!("  · {} {what}: {became}", time_text(fact.time))
    }));
    if let Some(exported) = exported {
        if let Some(video) = &exported.video {
            lines.push(line("report-video", video.path.display().to_string()));
        }
        if let Some(report) = &exported.report {
            lines.push(line("report-title", report.display().to_string()));
        }
    }
    lines.join("\n")
}

fn facts_json(facts: &Facts, exported: Option<&Exported>) -> Value {
    let english = Texts::new(Language::En);
    let findings: Vec<Value> = facts
        .findings
        .iter()
        .map(|f| json!({ "record": f.record, "time": f.time, "what": f.what }))
        .collect();
    let rights: Vec<Value> = facts
        .rights
        .iter()
        .map(|c| json!({ "time": c.time, "rights": rights_text(&english, c.rights) }))
        .collect();
    let talk: Vec<Value> = facts
        .talk
        .iter()
        .map(|said| {
            json!({
                "time": said.time,
                "writer": match said.direction {
                    Direction::ConsoleToAgent => "technician",
                    Direction::AgentToConsole => "customer",
                },
                "text": said.text,
                "shown": said.fate == Fate::Shown,
            })
        })
        .collect();
    let pieces: Vec<Value> = facts
        .pieces
        .iter()
        .map(|fact| {
            json!({
                "time": fact.time,
                "id": fact.id,
                "what": piece_text(&english, fact),
                "outcome": piece_outcome(&english, fact),
            })
        })
        .collect();
    let video = exported.and_then(|e| e.video.as_ref()).map(|video| {
        json!({
            "path": video.path,
            "bytes": video.length,
            "sha256": HEXLOWER.encode(&video.hash),
        })
    });
    json!({
        "verdict": facts.verdict.name(),
        "exit": facts.verdict.exit() as u8,
        "findings": findings,
        "case": facts.case,
        "number": facts.number,
        "technician": facts.technician,
        "organisation": facts.organisation,
        "from": facts.from,
        "to": facts.to,
        "epochs": facts.epochs,
        "bytes": facts.bytes,
        "rights": rights,
        "texts_and_files": pieces,
        "input": {
            "injected": facts.input.injected,
            "dropped": facts.input.dropped,
            "undecided": facts.input.undecided,
        },
        "talk": talk,
        "text": facts.text,
        "sealed_to": facts.sealed_to,
        "access_log_entry": facts.entry,
        "deletion": facts.deletion,
        "days_left": days_left(facts.deletion, now_unix_s()),
        "video": video,
        "report": exported.and_then(|e| e.report.as_ref()),
    })
}
