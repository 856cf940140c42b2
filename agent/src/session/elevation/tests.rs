//! A start with administrator rights: asked for by the customer's hand alone, once, and in this session.

use std::time::Duration;

use fernsicht_protocol::guard::Phase;

use super::*;
use crate::session::core::Before;
use crate::session::publish;
use crate::session::transfer::desk::Desk;
use crate::view::{self, Command, Notice, Stage};

/// A session under control, in which only a person can answer, on a computer where this program can have more rights.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.change(|core| {
        core.stage = Before::Paired;
        core.elevation.possible = true;
        core.protected = Some(desk.now);
    });
    desk
}

fn tell(desk: &Desk, command: Command) {
    desk.shared.handle_command(desk.now, Some(command));
}

fn yes(desk: &Desk) -> Command {
    Command::Elevate(Hand::pressed(desk.now), Language::En)
}

fn bar(desk: &Desk) -> view::Session {
    let stage = desk.change(|core| publish::stage(core, desk.now));
    let Stage::Session(session) = stage else {
        panic!("{stage:?}")
    };
    session
}

fn question(desk: &Desk) -> Option<view::Question> {
    bar(desk).question
}

fn asks(step: Elevate) -> Option<view::Question> {
    Some(view::Question::Elevate(step))
}

fn start(desk: &Desk) -> Option<Start> {
    desk.change(|core| core.elevation.poll_start())
}

fn controls(desk: &Desk) -> bool {
    desk.change(|core| core.guard.rights().control())
}

fn answered(desk: &Desk, attempt: u32, answer: Answer) {
    desk.change(|core| core.handle_answer(desk.now, attempt, answer));
}

/// The customer has said yes: what the system is asked.
fn asked(desk: &Desk) -> Start {
    tell(desk, Command::AskElevation);
    tell(desk, yes(desk));
    start(desk).expect("the system is asked")
}

#[test]
fn the_button_is_there_where_only_a_person_can_answer_and_more_rights_are_possible() {
    let offers = |desk: &Desk| bar(desk).notice == Some(Notice::Protected { elevation: true });
    assert!(offers(&desk()));
    let impossible = desk();
    impossible.change(|core| core.elevation.possible = false);
    let plain = Some(Notice::Protected { elevation: false });
    assert_eq!(bar(&impossible).notice, plain);
    let nothing = desk();
    nothing.change(|core| core.protected = None);
    let looks = desk();
    looks.change(|core| core.guard.control_off(looks.now));
    for other in [impossible, nothing, looks] {
        assert!(!offers(&other));
        tell(&other, Command::AskElevation);
        tell(&other, yes(&other));
        assert_eq!(question(&other), None);
        assert_eq!(start(&other), None);
    }
}

#[test]
fn asking_takes_control_away_and_a_no_gives_it_back() {
    let desk = desk();
    assert!(controls(&desk));
    tell(&desk, Command::AskElevation);
    assert!(!controls(&desk));
    assert_eq!(question(&desk), asks(Elevate::Asked));
    assert_eq!(start(&desk), None, "nobody has said yes");
    tell(&desk, Command::GoOn(Hand::pressed(desk.now)));
    assert_eq!(question(&desk), None);
    assert!(controls(&desk));
    tell(&desk, yes(&desk));
    assert_eq!(start(&desk), None, "a yes to nothing");
}

#[test]
fn a_yes_that_a_stop_has_overtaken_asks_nobody() {
    let mut desk = desk();
    tell(&desk, Command::AskElevation);
    let late = yes(&desk);
    desk.now += Duration::from_millis(10);
    tell(&desk, Command::Stop);
    tell(&desk, late);
    assert_eq!(start(&desk), None);
    assert_eq!(question(&desk), asks(Elevate::Asked));
    desk.now += Duration::from_millis(10);
    tell(&desk, yes(&desk));
    assert!(start(&desk).is_some());
}

#[test]
fn the_system_is_asked_once_and_in_the_customers_language() {
    let desk = desk();
    let start = asked(&desk);
    assert_eq!(start.arguments, Arguments::of_successor(Language::En));
    assert_eq!(question(&desk), asks(Elevate::Waiting));
    tell(&desk, yes(&desk));
    tell(&desk, Command::GoOn(Hand::pressed(desk.now)));
    assert_eq!(self::start(&desk), None);
    assert_eq!(question(&desk), asks(Elevate::Waiting));
    assert!(!controls(&desk));
}

#[test]
fn after_a_refusal_the_session_goes_on_and_control_by_the_customers_hand() {
    let desk = desk();
    let start = asked(&desk);
    answered(&desk, start.attempt, Answer::No);
    assert_eq!(question(&desk), asks(Elevate::Refused));
    assert!(!controls(&desk));
    desk.change(|core| assert!(core.guard.rights().view()));
    tell(&desk, Command::GoOn(Hand::pressed(desk.now)));
    assert_eq!(question(&desk), None);
    assert!(controls(&desk));
    // And once more.
    let again = asked(&desk);
    assert_ne!(again.attempt, start.attempt);
    answered(&desk, start.attempt, Answer::Yes);
    assert_eq!(question(&desk), asks(Elevate::Waiting), "an old answer");
}

#[test]
fn a_yes_of_the_system_ends_the_session_and_the_last_page_says_what_comes() {
    let desk = desk();
    let start = asked(&desk);
    answered(&desk, start.attempt, Answer::Yes);
    let successor = |desk: &Desk| {
        let stage = desk.change(|core| publish::stage(core, desk.now));
        let Stage::Ended(ended) = stage else {
            panic!("{stage:?}")
        };
        assert_eq!(ended.reason, view::EndReason::Customer);
        ended.successor
    };
    assert!(successor(&desk));
    desk.change(|core| core.handle_gone(start.attempt));
    assert!(!successor(&desk), "there is none any more");
}

#[test]
fn an_answer_counts_after_the_end_and_not_in_another_session() {
    let desk = desk();
    let start = asked(&desk);
    tell(&desk, Command::AskEnd);
    desk.change(|core| {
        assert_eq!(core.guard.phase(), Phase::Ended);
        core.handle_answer(desk.now, start.attempt, Answer::Yes);
        assert!(core.elevation.followed());
        core.reset(Before::Paired);
    });
    desk.begin();
    answered(&desk, start.attempt, Answer::Yes);
    desk.change(|core| assert!(core.guard.rights().control() && !core.elevation.followed()));
}

#[test]
fn who_asks_for_the_end_instead_is_asked_about_the_end() {
    let desk = desk();
    tell(&desk, Command::AskElevation);
    tell(&desk, Command::AskEnd);
    assert_eq!(question(&desk), Some(view::Question::End));
    tell(&desk, yes(&desk));
    assert_eq!(start(&desk), None);
    tell(&desk, Command::GoOn(Hand::pressed(desk.now)));
    assert!(controls(&desk));
}

#[test]
fn a_question_that_gives_way_to_another_is_gone() {
    let mut desk = desk();
    tell(&desk, Command::AskElevation);
    desk.pass(16 * 60);
    assert!(matches!(
        question(&desk),
        Some(view::Question::StillThere(_))
    ));
    tell(&desk, yes(&desk));
    assert_eq!(start(&desk), None);
}
