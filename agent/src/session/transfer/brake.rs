//! How often the customer may be asked for texts and files: each No makes the next question of its kind wait longer.
//!
//! ```text
//! asked ─ no Yes ─► pause of 10 s ─ asked ─ no Yes ─► pause of a minute ─ asked ─ no Yes ─► no more in this session
//!   └───── Yes: counting begins anew
//! ```
//!
//! Silence counts as No, and so does a question that the technician takes back or that Stop ends: whoever could ask
//! again at once would hold control suspended, and wear the customer down. Pure: it takes the time.

use std::time::{Duration, Instant};

use fernsicht_protocol::frame::Direction;
use fernsicht_protocol::transfer::{Kind, Reason};

/// What a question is about. Each counts for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// A text for the clipboard.
    Text,
    /// A file that comes.
    FileHere,
    /// A file that goes.
    FileAway,
}

impl Subject {
    pub(super) fn of(kind: &Kind, direction: Direction) -> Self {
        match (kind, direction) {
            (Kind::Text, _) => Self::Text,
            (Kind::File, Direction::ConsoleToAgent) => Self::FileHere,
            (Kind::File, Direction::AgentToConsole) => Self::FileAway,
        }
    }
}

/// What was answered in this session.
#[derive(Debug, Default)]
pub(super) struct Brake([Answers; 3]);

#[derive(Debug, Default)]
struct Answers {
    /// How many in a row were no Yes.
    refused: usize,
    /// When the last one was.
    last: Option<Instant>,
}

impl Brake {
    /// Errors: it is not asked, for this reason.
    pub(super) fn check(&self, now: Instant, subject: Subject) -> Result<(), Reason> {
        let Answers { refused, last } = &self.0[subject as usize];
        let Some(last) = last else { return Ok(()) };
        let Some(pause) = PAUSES.get(refused.saturating_sub(1)) else {
            return Err(Reason::TooOften);
        };
        let left = pause.saturating_sub(now.saturating_duration_since(*last));
        if left.is_zero() {
            return Ok(());
        }
        let seconds = u16::try_from(left.as_millis().div_ceil(1_000)).unwrap_or(u16::MAX);
        Err(Reason::TooSoon { seconds })
    }

    /// The customer said yes.
    pub(super) fn handle_yes(&mut self, subject: Subject) {
        self.0[subject as usize] = Answers::default();
    }

    /// The question was over without a Yes.
    pub(super) fn handle_no(&mut self, now: Instant, subject: Subject) {
        let answers = &mut self.0[subject as usize];
        answers.refused += 1;
        answers.last = Some(now);
    }
}

/// After the first No and after the second; after the third nothing is asked any more.
const PAUSES: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(60)];

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn each_no_makes_the_next_question_wait_longer_and_the_third_is_the_last() {
        let (mut brake, mut now) = (Brake::default(), Instant::now());
        for pause in [10, 60] {
            assert_eq!(brake.check(now, Subject::Text), Ok(()));
            brake.handle_no(now, Subject::Text);
            let seconds = u16::try_from(pause).unwrap();
            let early = Err(Reason::TooSoon { seconds });
            assert_eq!(brake.check(now, Subject::Text), early);
            now += SECOND * pause - Duration::from_millis(1);
            let early = Err(Reason::TooSoon { seconds: 1 });
            assert_eq!(brake.check(now, Subject::Text), early);
            now += Duration::from_millis(1);
        }
        assert_eq!(brake.check(now, Subject::Text), Ok(()));
        brake.handle_no(now, Subject::Text);
        now += SECOND * 4 * 3_600;
        assert_eq!(brake.check(now, Subject::Text), Err(Reason::TooOften));
    }

    #[test]
    fn other_kinds_are_not_concerned_and_a_yes_begins_anew() {
        let (mut brake, now) = (Brake::default(), Instant::now());
        brake.handle_no(now, Subject::FileHere);
        brake.handle_no(now, Subject::FileHere);
        assert_eq!(brake.check(now, Subject::FileAway), Ok(()));
        assert_eq!(brake.check(now, Subject::Text), Ok(()));
        brake.handle_yes(Subject::FileHere);
        assert_eq!(brake.check(now, Subject::FileHere), Ok(()));
        brake.handle_no(now, Subject::FileHere);
        let seconds = 10;
        let first = Err(Reason::TooSoon { seconds });
        assert_eq!(brake.check(now, Subject::FileHere), first);
    }

    #[test]
    fn time_that_runs_back_shortens_nothing() {
        let (mut brake, now) = (Brake::default(), Instant::now() + SECOND * 60);
        brake.handle_no(now, Subject::Text);
        let seconds = 10;
        let whole = Err(Reason::TooSoon { seconds });
        assert_eq!(brake.check(now - SECOND * 30, Subject::Text), whole);
    }
}
