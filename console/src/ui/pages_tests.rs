//! Every page, in both languages: its words are there, its buttons and keys do what they say.

use std::time::Duration;

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use fernsicht_protocol::rights::Rights;

use super::*;
use crate::view::{Measured, Recorder, Session};

struct Shown {
    texts: Texts,
    view: View,
    token: String,
    actions: Vec<Action>,
    now: Instant,
}

fn view(stage: Stage) -> View {
    View {
        stage,
        technician: "Erika Weber".into(),
        relay: "relay.example:7443".into(),
        measured: Measured::default(),
        dropped: 0,
    }
}

fn harness(language: Language, stage: Stage) -> Harness<'static, Shown> {
    harness_of(language, stage, String::new(), Instant::now())
}

fn harness_of(
    language: Language,
    stage: Stage,
    token: String,
    now: Instant,
) -> Harness<'static, Shown> {
    let shown = Shown {
        texts: Texts::new(language),
        view: view(stage),
        token,
        actions: Vec::new(),
        now,
    };
    let mut harness = Harness::builder().with_size([900.0, 700.0]).build_ui_state(
        |ui, shown: &mut Shown| {
            let action = page(ui, &shown.texts, &shown.view, &mut shown.token, shown.now);
            shown.actions.extend(action);
        },
        shown,
    );
    harness.run();
    harness
}

fn session(rights: Rights, cause: Cause, link: Link) -> Stage {
    Stage::Session(Session {
        rights,
        cause,
        customer_active: false,
        link,
        recorder: Recorder::Fine,
        recorded: false,
        page: None,
        layout: None,
    })
}

fn code(until: Instant, state: CodeState) -> Stage {
    Stage::Code(view::Code {
        grouped: "4812 073 956".into(),
        until,
        tries: 2,
        replaces: false,
        state,
    })
}

#[test]
fn enrolment_takes_a_token() {
    let stage = Stage::Enrol {
        busy: false,
        problem: None,
    };
    let mut harness = harness_of(Language::En, stage, " fst1-abc \n".into(), Instant::now());
    harness.get_by_label("Enrol").click();
    harness.run();
    assert_eq!(harness.state().actions, [Action::Enrol("fst1-abc".into())]);
}

#[test]
fn enrolment_without_a_token_and_while_busy_does_nothing() {
    let mut empty = harness(
        Language::De,
        Stage::Enrol {
            busy: false,
            problem: Some(Problem::TokenForm),
        },
    );
    empty.get_by_label_contains("Das ist keine Marke.");
    empty.get_by_label("Anmelden").click();
    empty.run();
    assert!(empty.state().actions.is_empty());
    let busy = harness(
        Language::De,
        Stage::Enrol {
            busy: true,
            problem: None,
        },
    );
    assert!(busy.query_by_label("Anmelden").is_none());
}

#[test]
fn ready_starts_a_session_by_button_and_by_key() {
    let mut harness = harness(Language::En, Stage::Ready { problem: None });
    harness.get_by_label_contains("Erika Weber");
    harness.get_by_label("New session (N)").click();
    harness.run();
    for key in [egui::Key::N, egui::Key::F5] {
        harness.key_press(key);
        harness.run();
    }
    assert_eq!(
        harness.state().actions,
        [Action::NewSession, Action::NewSession, Action::NewSession]
    );
}

#[test]
fn the_code_is_shown_with_its_time_and_tries() {
    let now = Instant::now();
    let stage = code(now + Duration::from_secs(9 * 60 + 41), CodeState::Waiting);
    let mut harness = harness_of(Language::En, stage, String::new(), now);
    harness.get_by_label("4812 073 956");
    harness.get_by_label("Valid for another 9:41 · 2 tries left");
    harness.get_by_label("Copy (Ctrl+C)").click();
    harness.run();
    harness.key_press(egui::Key::N);
    harness.run();
    harness.key_press(egui::Key::Escape);
    harness.run();
    assert_eq!(
        harness.state().actions,
        [Action::Copy, Action::NewSession, Action::Dismiss]
    );
}

#[test]
fn every_page_is_drawn_in_both_languages() {
    let now = Instant::now();
    let problems = [
        Problem::TokenForm,
        Problem::TokenRefused,
        Problem::Unreachable {
            relay: "relay.example:7443".into(),
            detail: "the relay does not answer".into(),
        },
        Problem::WrongRelay {
            relay: "relay.example:7443".into(),
            detail: "another operator".into(),
        },
        Problem::RelayAnswer("x".into()),
        Problem::Storage {
            path: "/p".into(),
            detail: "x".into(),
        },
        Problem::StorageOpen { path: "/p".into() },
        Problem::NotEnrolled,
        Problem::AlreadyEnrolled {
            technician: "E".into(),
            relay: "r".into(),
            path: "/p".into(),
        },
        Problem::TooOld,
        Problem::Full,
        Problem::Draining,
        Problem::Revoked,
        Problem::Certificate,
        Problem::TooManyTries { minutes: 3 },
        Problem::Unexpected,
        Problem::Link("x".into()),
        Problem::Internal("x".into()),
        Problem::Window("x".into()),
    ];
    let pages = [
        Page::Consent,
        Page::Screens,
        Page::Privacy,
        Page::Starting,
        Page::Session,
    ];
    let causes = [
        Cause::Granted,
        Cause::Narrowed,
        Cause::Stopped,
        Cause::Question,
        Cause::Answered,
        Cause::Lost,
        Cause::Recorder,
        Cause::Computer,
        Cause::Ended,
        Cause::Epoch,
    ];
    let ends = [
        End::Customer,
        End::Technician,
        End::Refused,
        End::Silence,
        End::Idle,
        End::Relay,
        End::Revoked,
        End::Lost,
        End::Tampered,
        End::WrongCode,
        End::Unverified,
        End::Fault,
    ];
    let codes = [
        CodeState::Waiting,
        CodeState::Pairing,
        CodeState::Wrong,
        CodeState::AgentLeft,
    ];
    let mut stages = vec![
        Stage::Connecting,
        Stage::CodeOver {
            why: CodeOver::Expired,
        },
        Stage::CodeOver {
            why: CodeOver::Spent,
        },
        Stage::Deciding { page: None },
        session(Rights::View, Cause::Granted, Link::Whole),
        session(Rights::None, Cause::Lost, Link::OwnLost),
        session(Rights::None, Cause::Lost, Link::PeerLost),
    ];
    stages.extend(problems.clone().map(|p| Stage::Enrol {
        busy: false,
        problem: Some(p),
    }));
    stages.extend(problems.map(|p| Stage::Ready { problem: Some(p) }));
    stages.extend(pages.map(|page| Stage::Deciding { page: Some(page) }));
    stages.extend(causes.map(|cause| session(Rights::None, cause, Link::Whole)));
    stages.extend(ends.map(|reason| Stage::Ended { reason }));
    stages.extend(codes.map(|state| code(now + Duration::from_secs(60), state)));
    for language in [Language::De, Language::En] {
        for stage in &stages {
            let shown = harness(language, stage.clone());
            assert!(shown.state().actions.is_empty(), "{stage:?} acts by itself");
        }
    }
}

#[test]
fn nothing_of_a_picture_is_left_after_a_revocation() {
    let shown = harness(
        Language::En,
        session(Rights::None, Cause::Stopped, Link::Whole),
    );
    shown.get_by_label("No picture");
    shown.get_by_label("The customer has stopped the session with F11 or Stop.");
}

#[test]
fn the_language_can_be_switched_on_a_page() {
    let mut shown = harness(Language::De, Stage::Ready { problem: None });
    shown.get_by_label("English").click();
    shown.run();
    assert_eq!(shown.state().actions, [Action::Language(Language::En)]);
}
