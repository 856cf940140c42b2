//! The technician's own log: one line per session, in the console's data folder and nowhere else.
//!
//! ```text
//! stages ─► Running ─(the session is over)─► Past, the note is typed ─(another page, or the end)─► line
//! ```
//!
//! A line: when, case number, duration, whether it was recorded, note; tabs between them. Never what was
//! seen, typed or read out. What cannot be written is said on the pages; the session goes on without it.

use std::time::Instant;

use crate::folder::Folder;
use crate::view::{Past, Stage};

/// The log's file.
pub const FILE: &str = "sessions.tsv";

/// The longest note, in characters.
pub const LONGEST_NOTE: usize = 1000;

/// The log, and the session that its next line is about.
#[derive(Debug)]
pub(crate) struct Journal {
    folder: Folder,
    session: Session,
    problem: Option<String>,
}

#[derive(Debug)]
enum Session {
    None,
    Running {
        began: Instant,
        began_unix_s: u64,
        recorded: bool,
        case: String,
    },
    Over {
        past: Past,
        case: String,
        note: String,
    },
}

impl Journal {
    /// A log in this folder.
    pub(crate) fn new(folder: Folder) -> Self {
        Self {
            folder,
            session: Session::None,
            problem: None,
        }
    }

    /// The session that has just ended.
    pub(crate) fn past(&self) -> Option<Past> {
        match &self.session {
            Session::Over { past, .. } => Some(*past),
            Session::None | Session::Running { .. } => None,
        }
    }

    /// Why the last line could not be written.
    pub(crate) fn problem(&self) -> Option<String> {
        self.problem.clone()
    }

    /// The note, as far as it is typed.
    pub(crate) fn handle_note(&mut self, text: &str) {
        if let Session::Over { note, .. } = &mut self.session {
            text.clone_into(note);
        }
    }

    /// The page of this moment.
    pub(crate) fn handle_stage(&mut self, stage: &Stage, case: &str, now: Instant, unix_s: u64) {
        match stage {
            Stage::Deciding { .. } | Stage::Session(_) => {
                let is_recorded = matches!(stage, Stage::Session(session) if session.recorded);
                if !matches!(self.session, Session::Running { .. }) {
                    self.write();
                    self.session = Session::Running {
                        began: now,
                        began_unix_s: unix_s,
                        recorded: false,
                        case: String::new(),
                    };
                }
                if let Session::Running {
                    recorded, case: of, ..
                } = &mut self.session
                {
                    *recorded |= is_recorded;
                    if of != case {
                        case.clone_into(of);
                    }
                }
            }
            Stage::Ended { .. } => self.end(now),
            Stage::Enrol { .. }
            | Stage::Ready { .. }
            | Stage::Connecting
            | Stage::Code(_)
            | Stage::CodeOver { .. } => {
                self.end(now);
                self.write();
            }
        }
    }

    /// The program ends.
    pub(crate) fn finish(&mut self) {
        self.end(Instant::now());
        self.write();
    }

    fn end(&mut self, now: Instant) {
        if let Session::Running {
            began,
            began_unix_s,
            recorded,
            case,
        } = &mut self.session
        {
            self.session = Session::Over {
                past: Past {
                    began: *began_unix_s,
                    lasted_s: now.saturating_duration_since(*began).as_secs(),
                    recorded: *recorded,
                },
                case: std::mem::take(case),
                note: String::new(),
            };
        }
    }

    fn write(&mut self) {
        let session = std::mem::replace(&mut self.session, Session::None);
        if let Session::Over { past, case, note } = session {
            let written = self
                .folder
                .append(FILE, line(&past, &case, &note).as_bytes());
            self.problem = written.err().map(|problem| problem.to_string());
        }
    }
}

/// Minutes and seconds.
pub fn duration(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn line(past: &Past, case: &str, note: &str) -> String {
    let when = i64::try_from(past.began)
        .ok()
        .and_then(|began| jiff::Timestamp::from_second(began).ok())
        .map(|began| {
            began
                .to_zoned(jiff::tz::TimeZone::system())
                .strftime("%Y-%m-%d %H:%M")
                .to_string()
        })
        .unwrap_or_default();
    let recorded = if past.recorded {
        "recorded"
    } else {
        "not recorded"
    };
    let lasted = duration(past.lasted_s);
    let (case, note) = (one_line(case), one_line(note));
    format!("{when}\t{case}\t{lasted}\t{recorded}\t{note}\n")
}

/// One field of one line: what would end either becomes a space.
fn one_line(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let text: String = text.chars().take(LONGEST_NOTE).map(plain).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fernsicht_protocol::content::Cause;
    use fernsicht_protocol::messages::End;
    use fernsicht_protocol::rights::Rights;

    use super::*;
    use crate::view::{self, Link, Recorder};

    fn deciding() -> Stage {
        Stage::Deciding {
            page: None,
            until: None,
        }
    }

    fn session(recorded: bool) -> Stage {
        Stage::Session(view::Session {
            rights: Rights::View,
            cause: Cause::Granted,
            customer_active: false,
            protected: false,
            link: Link::Whole,
            recorder: Recorder::Fine,
            recorded,
            page: None,
            layout: None,
            until: None,
            own: None,
            chat: crate::view::Talk::default(),
            silent_since: None,
            piece: None,
            takes_pieces: false,
        })
    }

    fn ended() -> Stage {
        Stage::Ended {
            reason: End::Customer,
        }
    }

    fn rig() -> (tempfile::TempDir, Journal) {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(Some(dir.path().to_owned()), "x").unwrap();
        (dir, Journal::new(folder))
    }

    fn lines(dir: &tempfile::TempDir) -> Vec<Vec<String>> {
        let text = std::fs::read_to_string(dir.path().join(FILE)).unwrap_or_default();
        let fields = |line: &str| line.split('\t').map(str::to_owned).collect();
        text.lines().map(fields).collect()
    }

    #[test]
    fn a_session_becomes_one_line() {
        let (dir, mut journal) = rig();
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        journal.handle_stage(&Stage::Connecting, "", at(0), 1_800_000_000);
        journal.handle_stage(&deciding(), "A-7", at(1), 1_800_000_001);
        journal.handle_stage(&session(true), "A-7", at(31), 1_800_000_031);
        // A blank page of the same session takes nothing back.
        journal.handle_stage(&session(false), "A-7", at(60), 1_800_000_060);
        assert_eq!(journal.past(), None);
        journal.handle_stage(&ended(), "", at(126), 1_800_000_126);
        let past = journal.past().unwrap();
        assert_eq!((past.lasted_s, past.recorded), (125, true));
        assert_eq!(lines(&dir), Vec::<Vec<String>>::new());
        journal.handle_note("Router\tneu\ngestartet\u{7} ");
        journal.handle_stage(&ended(), "", at(500), 1_800_000_500);
        journal.handle_stage(&Stage::Connecting, "", at(501), 1_800_000_501);
        journal.handle_note("zu spät");
        journal.finish();
        let lines = lines(&dir);
        assert_eq!(lines.len(), 1);
        assert_eq!(
            lines[0][1..],
            ["A-7", "2:05", "recorded", "Router neu gestartet"]
        );
        assert!(lines[0][0].starts_with("2027-01-15 "), "{}", lines[0][0]);
    }

    #[test]
    fn a_session_that_the_programs_end_cuts_off_is_noted_too() {
        let (dir, mut journal) = rig();
        let now = Instant::now();
        journal.handle_stage(&deciding(), "", now, 1_800_000_000);
        journal.finish();
        assert_eq!(lines(&dir)[0][2..], ["0:00", "not recorded", ""]);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_the_log_and_what_cannot_be_written_is_said() {
        use std::os::unix::fs::PermissionsExt as _;
        let (dir, mut journal) = rig();
        journal.handle_stage(&deciding(), "", Instant::now(), 0);
        journal.finish();
        let mode = std::fs::metadata(dir.path().join(FILE))
            .unwrap()
            .permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
        assert_eq!(journal.problem(), None);
        std::fs::remove_file(dir.path().join(FILE)).unwrap();
        std::fs::create_dir(dir.path().join(FILE)).unwrap();
        journal.handle_stage(&deciding(), "", Instant::now(), 0);
        journal.finish();
        assert!(journal.problem().is_some());
    }
}
