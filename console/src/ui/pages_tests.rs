//! Every page, in both languages and at every scale: its words are there and fit, its buttons and keys do
//! what they say.

use std::time::Duration;

use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable};
use fernsicht_protocol::content::Cause;
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::transfer::Reason;

use super::*;
use crate::ui::{PathFor, bar, chat, menu, pieces};
use crate::view::{Measured, Piece, PieceState, Recorder, Session};

struct Shown {
    texts: Texts,
    view: View,
    form: Form,
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
        past: None,
        expires_days: None,
        log_problem: None,
        maintenance: None,
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
        form: Form {
            token,
            ..Form::default()
        },
        actions: Vec::new(),
        now,
    };
    let mut harness = Harness::builder().with_size([900.0, 700.0]).build_ui_state(
        |ui, shown: &mut Shown| {
            let action = page(ui, &shown.texts, &shown.view, &mut shown.form, shown.now);
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
        protected: false,
        link,
        recorder: Recorder::Fine,
        recorded: false,
        page: None,
        layout: None,
        until: None,
        own: None,
        chat: view::Talk::default(),
        silent_since: None,
        piece: None,
        takes_pieces: false,
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

/// Every page.
fn every_stage(now: Instant) -> Vec<Stage> {
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
        Page::Card,
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
        Stage::Deciding {
            page: None,
            until: None,
        },
        session(Rights::View, Cause::Granted, Link::Whole),
        session(Rights::None, Cause::Lost, Link::OwnLost),
        session(Rights::None, Cause::Lost, Link::PeerLost),
    ];
    stages.extend(problems.clone().map(|p| Stage::Enrol {
        busy: false,
        problem: Some(p),
    }));
    stages.extend(problems.map(|p| Stage::Ready { problem: Some(p) }));
    stages.extend(pages.map(|page| Stage::Deciding {
        page: Some(page),
        until: Some(now + Duration::from_secs(272)),
    }));
    stages.extend(causes.map(|cause| session(Rights::None, cause, Link::Whole)));
    stages.extend(ends.map(|reason| Stage::Ended { reason }));
    stages.extend(codes.map(|state| code(now + Duration::from_secs(60), state)));
    stages
}

/// What a page shows besides its stage.
fn full_view(stage: Stage) -> View {
    View {
        past: Some(view::Past {
            began: 1_800_000_000,
            lasted_s: 754,
            recorded: true,
        }),
        expires_days: Some(1),
        log_problem: Some("No space left on device (os error 28)".into()),
        maintenance: Some(Instant::now() + Duration::from_secs(29)),
        ..view(stage)
    }
}

/// Every text that was drawn, with the rectangle that it may not leave.
fn drawn_texts(
    shape: &egui::Shape,
    clip: egui::Rect,
    out: &mut Vec<(String, egui::Rect, egui::Rect)>,
) {
    if let egui::Shape::Vec(shapes) = shape {
        shapes.iter().for_each(|s| drawn_texts(s, clip, out));
    }
    if let egui::Shape::Text(text) = shape {
        assert!(!text.galley.elided, "cut off: {}", text.galley.text());
        let rect = text.galley.rect.translate(text.pos.to_vec2());
        out.push((text.galley.text().to_owned(), rect, clip));
    }
}

/// Names of all buttons and fields, and the one that has the keyboard.
fn controls<S>(harness: &Harness<'_, S>) -> (Vec<String>, Option<String>) {
    let nodes = [
        egui::Role::Button,
        egui::Role::TextInput,
        egui::Role::MultilineTextInput,
    ]
    .into_iter()
    .flat_map(|role| harness.query_all_by_role(role));
    let (mut names, mut focused) = (Vec::new(), None);
    for node in nodes.filter(|node| !node.accesskit_node().is_disabled()) {
        let node = node.accesskit_node();
        let labelled = || {
            let by = node
                .labelled_by()
                .find_map(|label| label.label().or_else(|| label.value()));
            node.label().or(by)
        };
        let name = labelled().unwrap_or_default();
        assert!(!name.is_empty(), "a control without a name");
        if node.is_focused() {
            focused = Some(name.clone());
        }
        names.push(name);
    }
    (names, focused)
}

/// No text leaves its place, and Tab leads to every control.
fn check<S>(harness: &mut Harness<'_, S>, what: &str, scrolls: bool) {
    let mut texts = Vec::new();
    for shape in &harness.output().shapes {
        drawn_texts(&shape.shape, shape.clip_rect, &mut texts);
    }
    assert!(!texts.is_empty(), "{what}: nothing is said");
    for (text, rect, clip) in texts {
        // What is below the fold is scrolled to; what is beyond the side is lost.
        assert!(
            rect.left() >= clip.left() - 0.5 && rect.right() <= clip.right() + 0.5,
            "{what}: {text:?} at {rect:?} leaves {clip:?}"
        );
        assert!(
            scrolls || rect.top() >= clip.top() - 0.5 && rect.bottom() <= clip.bottom() + 0.5,
            "{what}: {text:?} at {rect:?} leaves {clip:?}"
        );
    }
    let (names, _) = controls(harness);
    let mut reached = std::collections::BTreeSet::new();
    for _ in 0..names.len() + 4 {
        harness.key_press(egui::Key::Tab);
        harness.run_steps(2);
        reached.extend(controls(harness).1);
    }
    for name in names {
        assert!(
            reached.contains(&name),
            "{what}: Tab does not reach {name:?}"
        );
    }
}

/// A bar of three lines leaves most of the smallest window to the picture; a text or a file takes two more for a while.
const HIGHEST_BAR: f32 = 130.0;
const HIGHEST_PIECE: f32 = 60.0;

/// How large a point is, in pixels: 100, 125 and 200 %.
const SCALES: [f32; 3] = [1.0, 1.25, 2.0];

#[test]
fn every_page_fits_the_smallest_window_in_both_languages_and_at_every_scale() {
    let now = Instant::now();
    for language in [Language::De, Language::En] {
        for stage in every_stage(now) {
            for scale in SCALES {
                let shown = Shown {
                    texts: Texts::new(language),
                    view: full_view(stage.clone()),
                    form: Form::default(),
                    actions: Vec::new(),
                    now,
                };
                let mut applied = false;
                let mut harness = Harness::builder()
                    .with_size(crate::ui::place::SMALLEST)
                    .with_pixels_per_point(scale)
                    .build_ui_state(
                        move |ui, shown: &mut Shown| {
                            if !std::mem::replace(&mut applied, true) {
                                tokens::apply(ui.ctx());
                            }
                            let action =
                                page(ui, &shown.texts, &shown.view, &mut shown.form, shown.now);
                            shown.actions.extend(action);
                        },
                        shown,
                    );
                harness.run_steps(3);
                check(
                    &mut harness,
                    &format!("{language:?} {scale} {stage:?}"),
                    true,
                );
                assert!(
                    harness.state().actions.is_empty(),
                    "{stage:?} acts by itself"
                );
            }
        }
    }
}

#[test]
fn bar_menu_and_question_fit_the_smallest_window_too() {
    let mut sessions = Vec::new();
    for (rights, active, recorder, recorded) in [
        (Rights::View, false, Recorder::Fine, false),
        (Rights::Control, false, Recorder::Fine, true),
        (Rights::Control, true, Recorder::Fine, true),
        (Rights::View, false, Recorder::Failed, true),
        (Rights::View, false, Recorder::Back, true),
        (Rights::View, false, Recorder::Mismatch, true),
        (Rights::None, false, Recorder::Fine, true),
    ] {
        let Stage::Session(session) = session(rights, Cause::Granted, Link::Whole) else {
            panic!("a session")
        };
        sessions.push(Session {
            customer_active: active,
            recorder,
            recorded,
            ..session
        });
    }
    let Stage::Session(plain) = session(Rights::View, Cause::Granted, Link::Whole) else {
        panic!("a session")
    };
    sessions.push(Session {
        rights: Rights::Control,
        protected: true,
        ..plain.clone()
    });
    for state in piece_states() {
        sessions.push(Session {
            piece: Some(piece(state)),
            takes_pieces: true,
            ..plain.clone()
        });
    }
    let state = state();
    for language in [Language::De, Language::En] {
        for scale in SCALES {
            for session in &sessions {
                for over in ["bar", "menu", "question"] {
                    let (texts, session) = (Texts::new(language), session.clone());
                    let what = format!("{language:?} {scale} {over} {session:?}");
                    let mut applied = false;
                    let mut harness = Harness::builder()
                        .with_size(crate::ui::place::SMALLEST)
                        .with_pixels_per_point(scale)
                        .build_ui(move |ui| {
                            if !std::mem::replace(&mut applied, true) {
                                tokens::apply(ui.ctx());
                            }
                            match over {
                                "menu" => drop(menu::menu(
                                    ui.ctx(),
                                    &texts,
                                    state,
                                    session.takes_input(),
                                    session.takes_pieces,
                                    false,
                                )),
                                "question" => drop(bar::end_question(ui.ctx(), &texts)),
                                _ => {
                                    // Each of what comes at times has its line at most.
                                    let ends_in_s = session.recorded.then_some(29);
                                    let more = if session.recorded { 34.0 } else { 0.0 };
                                    let state = bar::State {
                                        unread: 12,
                                        ends_in_s,
                                        ..state
                                    };
                                    let bar = ui.scope(|ui| bar::bar(ui, &texts, &session, state));
                                    let height = bar.response.rect.height();
                                    let more = more
                                        + match session.piece {
                                            Some(_) => HIGHEST_PIECE,
                                            None => 0.0,
                                        };
                                    assert!(height <= HIGHEST_BAR + more, "{height}: {session:?}");
                                }
                            }
                        });
                    harness.run_steps(3);
                    check(&mut harness, &what, over == "menu");
                }
            }
        }
    }
}

fn state() -> bar::State {
    bar::State {
        scale: crate::ui::placement::Scale::Automatic,
        percent: 100,
        screen: None,
        full_screen: false,
        statistics: false,
        pointer: true,
        bar_over: false,
        chat: false,
        unread: 0,
        ends_in_s: None,
        silent_s: None,
    }
}

struct Chosen(Option<Action>);

#[test]
fn the_menu_is_worked_by_keys() {
    let harness = |control: bool| {
        let state = state();
        let texts = Texts::new(Language::En);
        let mut harness = Harness::builder().with_size([900.0, 700.0]).build_ui_state(
            move |ui, chosen: &mut Chosen| {
                let action = menu::menu(ui.ctx(), &texts, state, control, control, control);
                chosen.0 = action.or(chosen.0.take());
            },
            Chosen(None),
        );
        harness.run_steps(3);
        harness
    };
    let keys = |n: usize| Some(Action::Keys(crate::input::special::ALL[n]));
    for (key, control, chosen) in [
        (Key::Num1, true, keys(0)),
        (Key::Num4, true, keys(3)),
        (Key::Enter, true, keys(0)),
        (Key::Escape, true, Some(Action::ToggleMenu)),
        (Key::Num1, false, None),
        (Key::Escape, false, Some(Action::ToggleMenu)),
    ] {
        let mut harness = harness(control);
        harness.key_press(key);
        harness.run_steps(2);
        assert_eq!(harness.state().0, chosen, "{key:?} {control}");
    }
}

#[test]
fn letters_that_are_typed_into_a_field_are_no_commands() {
    let now = Instant::now();
    let stage = code(now + Duration::from_secs(60), CodeState::Waiting);
    let mut harness = harness_of(Language::En, stage, String::new(), now);
    harness.key_press(Key::F2);
    harness.run();
    harness.key_press(Key::N);
    harness.event(egui::Event::Text("n7\u{202e}\u{7}".into()));
    harness.run();
    assert_eq!(harness.state().actions, [Action::Case("n7".into())]);
    assert_eq!(harness.state().form.case, "n7");
    // Escape leaves the field, and only the next one the page; F5 works everywhere.
    harness.key_press(Key::F5);
    harness.run();
    harness.key_press(Key::Escape);
    harness.run();
    assert_eq!(harness.state().actions[1..], [Action::NewSession]);
    harness.key_press(Key::Escape);
    harness.run();
    assert_eq!(harness.state().actions[2..], [Action::Dismiss]);
}

#[test]
fn a_case_number_is_as_long_as_the_other_end_takes() {
    let mut case = "ä".repeat(40);
    fit(&mut case);
    assert_eq!(case.len(), 64);
    let mut case = "A\u{85}7\u{2066}".to_owned();
    fit(&mut case);
    assert_eq!(case, "A7");
}

#[test]
fn the_last_page_takes_a_note() {
    let now = Instant::now();
    let stage = Stage::Ended {
        reason: End::Customer,
    };
    let mut harness = harness_of(Language::De, stage.clone(), String::new(), now);
    harness.state_mut().view = full_view(stage);
    harness.run();
    harness.get_by_label("Dauer 12:34 · aufgezeichnet");
    harness.key_press(Key::F2);
    harness.run();
    harness.event(egui::Event::Text("Router".into()));
    harness.run();
    assert_eq!(harness.state().actions, [Action::Note("Router".into())]);
}

#[test]
fn while_the_customer_reads_the_time_runs_and_the_page_is_named() {
    let now = Instant::now();
    let stage = Stage::Deciding {
        page: Some(Page::Consent),
        until: Some(now + Duration::from_secs(272)),
    };
    let shown = harness_of(Language::De, stage, String::new(), now);
    shown.get_by_label_contains("Die Seite zur Einwilligung");
    shown.get_by_label_contains("Noch 4:32 für die Antwort.");
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

/// Lines of both, with everything that can become of one.
fn talk() -> view::Talk {
    use fernsicht_protocol::chat::Fate;
    let line = |writer, text: &str, fate| view::Line {
        writer,
        text: text.to_owned(),
        fate,
        at: 1_800_000_000,
    };
    let own = |number| view::Writer::Technician { number };
    view::Talk {
        lines: std::sync::Arc::new(vec![
            line(own(1), "Guten Tag", Fate::Shown),
            line(view::Writer::Customer, "Ja?", Fate::Shown),
            line(own(2), "W", Fate::Refused),
            line(own(3), &"Überlänge ".repeat(50), Fate::Open),
            line(view::Writer::Customer, &"W".repeat(500), Fate::Shown),
        ]),
        came: 2,
        full: true,
    }
}

struct Talking {
    texts: Texts,
    talk: view::Talk,
    form: chat::Form,
    actions: Vec<Action>,
}

fn talking(language: Language, talk: view::Talk, scale: f32) -> Harness<'static, Talking> {
    let shown = Talking {
        texts: Texts::new(language),
        talk,
        form: chat::Form::default(),
        actions: Vec::new(),
    };
    let mut applied = false;
    let mut harness = Harness::builder()
        .with_size([240.0, 330.0])
        .with_pixels_per_point(scale)
        .build_ui_state(
            move |ui, shown: &mut Talking| {
                if !std::mem::replace(&mut applied, true) {
                    tokens::apply(ui.ctx());
                }
                let action = chat::panel(ui, &shown.texts, &shown.talk, &mut shown.form);
                shown.actions.extend(action);
            },
            shown,
        );
    harness.run_steps(3);
    harness
}

#[test]
fn the_chat_fits_beside_the_smallest_picture() {
    for language in [Language::De, Language::En] {
        for scale in SCALES {
            let mut harness = talking(language, talk(), scale);
            check(&mut harness, &format!("chat {language:?} {scale}"), true);
        }
    }
}

#[test]
fn a_line_is_sent_by_enter_unless_too_many_are_on_their_way() {
    for full in [false, true] {
        let talk = view::Talk { full, ..talk() };
        let mut harness = talking(Language::En, talk, 1.0);
        assert_eq!(harness.state().form.read, 2, "what is shown counts as read");
        harness.state_mut().form.focus = true;
        harness.run_steps(2);
        assert!(harness.state().form.typing);
        harness.event(egui::Event::Text("Hello".into()));
        harness.run_steps(2);
        harness.key_press(Key::Enter);
        harness.run_steps(2);
        let (sent, kept) = match full {
            false => (vec![Action::Write("Hello".into())], ""),
            true => (Vec::new(), "Hello"),
        };
        assert_eq!(harness.state().actions, sent);
        assert_eq!(harness.state().form.text, kept);
        assert!(harness.state().form.typing, "the keyboard stays");
    }
}

fn piece(state: PieceState) -> Piece {
    Piece {
        name: "Anleitung.pdf".into(),
        size: 1_234_567,
        to_customer: true,
        speed: Some(2.5e6),
        state,
    }
}

fn piece_states() -> Vec<PieceState> {
    let reasons = [
        Reason::Refused,
        Reason::Silence,
        Reason::Customer,
        Reason::Technician,
        Reason::Stopped,
        Reason::NotNow,
        Reason::Unreadable,
        Reason::Changed,
        Reason::DiskFull,
        Reason::NotWritable,
        Reason::Mismatch,
        Reason::Fault,
        Reason::TooSoon { seconds: 58 },
        Reason::TooOften,
    ];
    let mut all = vec![
        PieceState::Waiting,
        PieceState::Running { percent: 43 },
        PieceState::Delivered,
        PieceState::Received("/home/erika/Downloads/log.txt".into()),
    ];
    all.extend(reasons.map(PieceState::Ended));
    all
}

#[test]
fn a_piece_says_how_far_it_is_and_can_be_given_up() {
    let texts = Texts::new(Language::De);
    let said = |state| pieces::sentence(&texts, &piece(state));
    assert_eq!(
        said(PieceState::Running { percent: 43 }),
        "Anleitung.pdf (1,2 MB): 43 %, 2,5 MB/s"
    );
    let all: std::collections::BTreeSet<String> = piece_states().into_iter().map(said).collect();
    assert_eq!(all.len(), piece_states().len(), "each state has its words");
    let mut harness = Harness::builder().with_size([900.0, 200.0]).build_ui_state(
        move |ui, chosen: &mut Chosen| {
            let piece = piece(PieceState::Waiting);
            let action = pieces::line(ui, &Texts::new(Language::De), &piece);
            chosen.0 = action.or(chosen.0.take());
        },
        Chosen(None),
    );
    harness.get_by_label("Abbrechen").click();
    harness.run();
    assert_eq!(harness.state().0, Some(Action::CancelPiece));
}

#[test]
fn a_path_is_typed_and_taken_by_keys() {
    for (key, what, chosen) in [
        (
            Key::Enter,
            PathFor::File,
            Action::SendFile("/tmp/a b.txt".into()),
        ),
        (
            Key::Enter,
            PathFor::Folder,
            Action::AskFile("/tmp/a b.txt".into()),
        ),
        (Key::Escape, PathFor::File, Action::KeepPath),
    ] {
        let mut typed = String::new();
        let mut harness = Harness::builder().with_size([900.0, 500.0]).build_ui_state(
            move |ui, chosen: &mut Chosen| {
                let texts = Texts::new(Language::En);
                let action = pieces::path(ui.ctx(), &texts, what, &mut typed);
                chosen.0 = action.or(chosen.0.take());
            },
            Chosen(None),
        );
        harness.run_steps(3);
        harness.event(egui::Event::Text("/tmp/a b.txt".into()));
        harness.run_steps(2);
        harness.key_press(key);
        harness.run_steps(2);
        assert_eq!(harness.state().0, Some(chosen));
    }
}
