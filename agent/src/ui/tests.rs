//! Every page in both languages and themes, at several sizes: drawn, reachable by keyboard, and
//! with all letters that the fonts have.

use std::time::{Duration, Instant};

use egui::{Theme, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use fernsicht_protocol::chat::Fate;
use fernsicht_protocol::messages::ControlOffer;
use fernsicht_protocol::transfer::Reason;

use super::*;
use crate::texts::Texts;
use crate::view::*;

mod every_page;

pub(crate) fn technician() -> Technician {
    Technician {
        name: "Erika Weber".to_owned(),
        organisation: "Technischer Kundendienst, Nord".to_owned(),
    }
}

pub(crate) fn operator() -> Operator {
    Operator {
        name: "Nordlicht Telefon".to_owned(),
        domain: "hilfe.example".to_owned(),
        address: "Hafenstraße 1, 20457 Hamburg".to_owned(),
        privacy_contact: "datenschutz@hilfe.example".to_owned(),
        authority: "Landesbeauftragte für den Datenschutz".to_owned(),
        legal_basis: "Art. 6 Abs. 1 lit. a DSGVO".to_owned(),
    }
}

pub(crate) fn consent(control: ControlOffer, now: Instant) -> Stage {
    Stage::Consent(Consent {
        technician: technician(),
        control,
        deadline: now + Duration::from_secs(300),
        input_possible: true,
    })
}

pub(crate) fn session(state: BarState) -> Session {
    Session {
        technician: technician(),
        state,
        control: ControlOffer::Recorded {
            deletion: 1_900_000_000,
        },
        recorded: false,
        question: None,
        notice: None,
        transfer: None,
        screens: Vec::new(),
        chat: Chat::default(),
    }
}

/// Lines of both, one of them as long as lines get.
pub(crate) fn chat() -> Chat {
    let mut chat = Chat::default();
    chat.came = 2;
    let line = |writer, text: &str, fate| Line {
        writer,
        text: text.to_owned(),
        fate,
    };
    let own = |number| Writer::Customer { number };
    chat.change().extend([
        line(Writer::Technician, "Guten Tag", Fate::Shown),
        line(own(1), "Ja?", Fate::Shown),
        line(own(2), &"Überlänge ".repeat(50), Fate::Open),
        line(own(3), "W", Fate::Refused),
        line(Writer::Technician, &"W".repeat(500), Fate::Shown),
    ]);
    chat
}

pub(crate) fn card() -> Stage {
    let code = fernsicht_protocol::complaint::Code::from_bytes([7; 16]);
    Stage::Card(Card {
        code: std::sync::Arc::new(CardCode::new(&code)),
        receipt: Some("/home/erika/Dokumente/Fernhilfe-Beleg-2026-11-22-1405.html".into()),
    })
}

fn receipt(saved: Saved) -> Receipt {
    Receipt {
        from: 1_790_000_000,
        saved,
        failed: false,
        places: vec!["/home/erika/Dokumente".into(), "/media/erika/STICK".into()],
    }
}

fn ended_with(receipt: Option<Receipt>) -> Stage {
    Stage::Ended(Ended {
        technician: Some(technician()),
        reason: EndReason::Customer,
        at: 1_790_000_900,
        viewed_s: 250,
        controlled_s: 61,
        receipt,
        successor: false,
    })
}

/// With a successor that waits.
fn ended_for_another(saved: Saved) -> Stage {
    let Stage::Ended(ended) = ended_with(Some(receipt(saved))) else {
        panic!("an end")
    };
    Stage::Ended(Ended {
        successor: true,
        ..ended
    })
}

fn problems() -> Vec<Problem> {
    use Problem::*;
    vec![
        CodeLetters,
        CodeShort,
        CodeTypo,
        CodeWrong,
        CodeUnknown,
        CodeExpired,
        CodeUsed,
        TooManyTries(3),
        TechnicianLeft,
        NoNetwork,
        RelayUnreachable,
        RelayFull,
        RelayUntrusted,
        Clock,
        AgentOld,
        AgentDamaged,
        TechnicianUnverified,
        TechnicianRevoked,
        EndedRelay,
        ConnectionLost,
        TechnicianLost,
        EndedRecorder,
        EndedIdle,
        Tampered,
        ScreenUnreadable("MIT-SHM".to_owned()),
        Wayland,
        Internal,
    ]
}

/// Every page, with a name.
/// Every state of a text or a file.
fn transfers(long: &str) -> Vec<(String, Transfer)> {
    let text = |start: &str, whole, length| Transfer::AskText {
        ask: 7,
        start: start.to_owned(),
        whole,
        length,
    };
    let file = |name: &str| Transfer::AskFile {
        ask: 7,
        name: name.to_owned(),
        size: 1_234_567,
        folder: "/home/erika/Downloads".into(),
    };
    let wanted = |chosen, unreadable| Transfer::AskForFile {
        ask: 7,
        chosen,
        unreadable,
    };
    let mut all = vec![
        ("ask text".to_owned(), text("ping 192.0.2.1", true, 14)),
        (
            "ask long text".to_owned(),
            text(&"Bitte geben Sie das ein. ".repeat(9), false, 90_000),
        ),
        ("ask file".to_owned(), file("Rechnung.pdf")),
        ("ask long file".to_owned(), file(long)),
        ("ask for a file".to_owned(), wanted(None, false)),
        ("ask for another file".to_owned(), wanted(None, true)),
        (
            "ask to send".to_owned(),
            wanted(Some((long.to_owned(), 70_000)), false),
        ),
        (
            "coming".to_owned(),
            Transfer::Coming {
                name: long.to_owned(),
                percent: 43,
            },
        ),
        (
            "going".to_owned(),
            Transfer::Going {
                name: "log.txt".to_owned(),
                percent: 99,
            },
        ),
    ];
    let over = [
        Outcome::Clipboard,
        Outcome::Received(format!("/home/erika/Downloads/{long}").into()),
        Outcome::Sent("log.txt".to_owned()),
        Outcome::Over(Reason::Stopped),
        Outcome::Partly,
        Outcome::Over(Reason::Silence),
        Outcome::Over(Reason::DiskFull),
        Outcome::Over(Reason::NotWritable),
        Outcome::Over(Reason::Changed),
        Outcome::Over(Reason::Mismatch),
    ];
    all.extend(over.map(|outcome| (format!("{outcome:?}"), Transfer::Over(outcome))));
    all
}

fn pages(now: Instant) -> Vec<(String, Stage)> {
    let screen = |number, x| ScreenChoice {
        number,
        x,
        y: 0,
        width: 1920,
        height: 1080,
    };
    let mut pages = vec![
        ("start".to_owned(), Stage::Start),
        ("connecting".to_owned(), Stage::Connecting),
        ("card".to_owned(), card()),
        (
            "end, receipt".to_owned(),
            ended_with(Some(receipt(Saved::At("/home/erika/b.html".into())))),
        ),
        (
            "end, receipt nowhere".to_owned(),
            ended_with(Some(receipt(Saved::Nowhere))),
        ),
        (
            "end, successor".to_owned(),
            ended_for_another(Saved::At("/home/erika/b.html".into())),
        ),
        (
            "end, successor, receipt nowhere".to_owned(),
            ended_for_another(Saved::Nowhere),
        ),
        (
            "bar, recorded".to_owned(),
            Stage::Session(Session {
                recorded: true,
                ..session(BarState::Control)
            }),
        ),
        (
            "consent".to_owned(),
            consent(
                ControlOffer::Recorded {
                    deletion: 1_900_000_000,
                },
                now,
            ),
        ),
        (
            "consent, recorded".to_owned(),
            consent(
                ControlOffer::Recorded {
                    deletion: 1_800_000_000,
                },
                now,
            ),
        ),
        (
            "consent, no control".to_owned(),
            consent(ControlOffer::Unavailable, now),
        ),
        (
            "screens".to_owned(),
            Stage::Screens {
                technician: technician(),
                screens: vec![screen(1, 0), screen(2, 1920)],
            },
        ),
    ];
    for what in [Starting::Look, Starting::Recording, Starting::Upgrade] {
        pages.push((format!("starting {what:?}"), Stage::Starting(what)));
    }
    use BarState::*;
    for state in [View, Control, ViewOff, Stopped, CustomerFirst, Reconnecting] {
        pages.push((format!("bar {state:?}"), Stage::Session(session(state))));
    }
    for question in [
        Question::Upgrade,
        Question::End,
        Question::StillThere(now + Duration::from_secs(90)),
        Question::Elevate(Elevate::Asked),
        Question::Elevate(Elevate::Waiting),
        Question::Elevate(Elevate::Refused),
    ] {
        let session = Session {
            question: Some(question),
            ..session(View)
        };
        pages.push((format!("bar {question:?}"), Stage::Session(session)));
    }
    let long = "Anleitung_zum_Einrichten_des_neuen_Anschlusses_in_der_Wohnung".repeat(3) + ".pdf";
    for (name, transfer) in transfers(&long) {
        let asks = name.starts_with("ask");
        let session = Session {
            question: asks.then_some(Question::Transfer(7)),
            transfer: Some(transfer),
            recorded: true,
            ..session(if asks { View } else { Control })
        };
        pages.push((format!("bar {name}"), Stage::Session(session)));
    }
    for notice in [
        Notice::Reconnected,
        Notice::RecorderFailed,
        Notice::RecorderBack,
        Notice::ScreenGone,
        Notice::Unreadable("X".to_owned()),
        Notice::InputUnavailable,
        Notice::Protected { elevation: false },
        Notice::Protected { elevation: true },
    ] {
        let session = Session {
            notice: Some(notice.clone()),
            ..session(View)
        };
        pages.push((format!("bar {notice:?}"), Stage::Session(session)));
    }
    let session = Session {
        notice: Some(Notice::ScreenGone),
        screens: vec![screen(1, 0), screen(2, 1920), screen(3, 3840)],
        ..session(ViewOff)
    };
    pages.push(("bar, screens".to_owned(), Stage::Session(session)));
    let ended = |reason| {
        Stage::Ended(Ended {
            technician: Some(technician()),
            reason,
            at: 1_790_000_000,
            viewed_s: 250,
            controlled_s: 61,
            receipt: None,
            successor: false,
        })
    };
    for reason in [
        EndReason::Customer,
        EndReason::Technician,
        EndReason::Refusal,
        EndReason::Silence,
    ] {
        pages.push((format!("end {reason:?}"), ended(reason)));
    }
    for problem in problems() {
        pages.push((
            format!("error {problem:?}"),
            Stage::StartError(problem.clone()),
        ));
        pages.push((
            format!("end {problem:?}"),
            ended(EndReason::Problem(problem)),
        ));
    }
    pages
}

struct Shown {
    texts: Texts,
    operator: Operator,
    view: View,
    form: Form,
    now: Instant,
    room: Option<f32>,
    started_again: bool,
    action: Option<Action>,
    bar_height: Option<f32>,
}

impl Shown {
    fn of(view: View, language: Language) -> Self {
        Self {
            texts: Texts::new(language, operator().name),
            operator: operator(),
            view,
            form: Form::default(),
            now: Instant::now(),
            room: None,
            started_again: false,
            action: None,
            bar_height: None,
        }
    }
}

fn view(stage: Stage) -> View {
    View {
        stage,
        stop_key: StopKey::Watched,
        stop_presses: 0,
        recovered: None,
    }
}

fn show(stage: Stage, language: Language, size: Vec2, theme: Theme) -> Harness<'static, Shown> {
    open(Shown::of(view(stage), language), size, theme, 1.0)
}

fn open(shown: Shown, size: Vec2, theme: Theme, scale: f32) -> Harness<'static, Shown> {
    Harness::builder()
        .with_size(size)
        .with_pixels_per_point(scale)
        .with_theme(theme)
        .with_context_setup(tokens::install)
        .build_ui_state(
            |ui, shown: &mut Shown| {
                let mut pen = Pen {
                    texts: &shown.texts,
                    operator: &shown.operator,
                    now: shown.now,
                    wall_s: 1_790_000_000,
                    ready: Vec::new(),
                    room: shown.room,
                    bar_height: None,
                    stretch: false,
                    low: false,
                    started_again: shown.started_again,
                    placed: Vec::new(),
                    down: None,
                    ring: None,
                    action: None,
                };
                draw(ui, &mut pen, &shown.view, &mut shown.form);
                let Pen {
                    action, bar_height, ..
                } = pen;
                shown.action = action.or(shown.action.take());
                shown.bar_height = bar_height;
            },
            shown,
        )
}

fn button_names(harness: &Harness<'_, Shown>) -> Vec<String> {
    harness
        .get_all_by_role(egui::Role::Button)
        .filter_map(|node| node.accesskit_node().label())
        .collect()
}

#[test]
fn every_page_draws_in_both_languages_and_both_themes() {
    let now = Instant::now();
    for (name, stage) in pages(now) {
        for (language, theme) in [(Language::De, Theme::Light), (Language::En, Theme::Dark)] {
            let mut harness = show(stage.clone(), language, Vec2::new(900.0, 640.0), theme);
            harness.run_steps(2);
            assert!(!button_names(&harness).is_empty(), "{name} has no button");
            assert!(harness.state().action.is_none(), "{name} acts by itself");
        }
    }
}

#[test]
fn every_button_is_reached_by_tab_and_none_has_the_keyboard_on_arrival() {
    let now = Instant::now();
    for (name, stage) in pages(now) {
        let mut harness = show(stage, Language::De, Vec2::new(900.0, 640.0), Theme::Light);
        harness.run_steps(2);
        let wanted = button_names(&harness);
        let focused = |harness: &Harness<'_, Shown>| {
            harness
                .get_all_by_role(egui::Role::Button)
                .find(|node| node.accesskit_node().is_focused())
                .and_then(|node| node.accesskit_node().label())
        };
        assert_eq!(
            focused(&harness),
            None,
            "{name} arrives with the keyboard on a button"
        );
        let mut reached = std::collections::BTreeSet::new();
        for _ in 0..wanted.len() + 4 {
            harness.key_press(egui::Key::Tab);
            harness.run_steps(2);
            reached.extend(focused(&harness));
        }
        for button in wanted {
            assert!(
                reached.contains(&button),
                "{name}: Tab does not reach {button:?} but {reached:?}"
            );
        }
    }
}

#[test]
fn refusing_is_in_sight_on_the_smallest_window() {
    let size = Vec2::new(640.0, 360.0);
    let now = Instant::now();
    for control in [
        ControlOffer::Recorded {
            deletion: 1_900_000_000,
        },
        ControlOffer::Recorded {
            deletion: 1_800_000_000,
        },
    ] {
        for language in [Language::De, Language::En] {
            let mut harness = show(consent(control.clone(), now), language, size, Theme::Light);
            harness.run_steps(2);
            let refuse = harness.state().texts.consent_refuse_button();
            let rect = harness.get_by_label(&refuse).rect();
            assert!(
                rect.bottom() < size.y - consent::FOOTER,
                "{language:?}: {rect:?}"
            );
        }
    }
}

#[test]
fn the_choices_have_the_same_size() {
    let now = Instant::now();
    for width in [640.0, 940.0] {
        let stage = consent(
            ControlOffer::Recorded {
                deletion: 1_900_000_000,
            },
            now,
        );
        let mut harness = show(stage, Language::De, Vec2::new(width, 700.0), Theme::Light);
        harness.run_steps(2);
        let texts = &harness.state().texts;
        let sizes: Vec<_> = [
            texts.consent_view_button(),
            texts.consent_control_button(),
            texts.consent_refuse_button(),
        ]
        .iter()
        .map(|name| harness.get_by_label(name).rect())
        .collect();
        for rect in &sizes[1..] {
            assert!((rect.size() - sizes[0].size()).length() < 1.5, "{sizes:?}");
            assert!((rect.top() - sizes[0].top()).abs() < 1.0, "{sizes:?}");
        }
    }
}

#[test]
fn without_control_there_is_no_button_for_it_but_the_reason() {
    let now = Instant::now();
    let size = Vec2::new(940.0, 700.0);
    let mut harness = show(
        consent(ControlOffer::Unavailable, now),
        Language::De,
        size,
        Theme::Light,
    );
    harness.run_steps(2);
    let texts = &harness.state().texts;
    harness.get_by_label(&texts.consent_control_unavailable());
    assert!(
        harness
            .query_by_label(&texts.consent_control_button())
            .is_none()
    );

    let Stage::Consent(mut asked) = consent(
        ControlOffer::Recorded {
            deletion: 1_900_000_000,
        },
        now,
    ) else {
        panic!("a consent page")
    };
    asked.input_possible = false;
    let mut harness = show(Stage::Consent(asked), Language::De, size, Theme::Light);
    harness.run_steps(2);
    let texts = &harness.state().texts;
    harness.get_by_label(&texts.error_input_unavailable());
    assert!(
        harness
            .query_by_label(&texts.consent_control_button())
            .is_none()
    );
}

#[test]
fn no_recording_is_said_in_every_state_of_the_bar() {
    use BarState::*;
    for state in [View, Control, ViewOff, Stopped, CustomerFirst, Reconnecting] {
        let stage = Stage::Session(session(state));
        let mut harness = show(stage, Language::De, Vec2::new(900.0, 300.0), Theme::Light);
        harness.run_steps(2);
        harness.get_by_label_contains("Keine Aufzeichnung");
        let stop = harness.state().texts.bar_button_stop();
        harness.get_by_label(&stop).click();
        harness.run_steps(2);
        assert_eq!(harness.state().action, Some(Action::Stop));
    }
}

#[test]
fn a_recorded_session_says_so_on_the_bar() {
    let stage = Stage::Session(Session {
        recorded: true,
        ..session(BarState::View)
    });
    let mut harness = show(stage, Language::De, Vec2::new(900.0, 300.0), Theme::Light);
    harness.run_steps(2);
    harness.get_by_label_contains("Aufzeichnung läuft");
}

#[test]
fn code_picture_and_both_ways_on_are_in_sight_on_the_smallest_window() {
    let size = Vec2::new(640.0, 360.0);
    for language in [Language::De, Language::En] {
        let mut harness = show(card(), language, size, Theme::Dark);
        harness.run_steps(2);
        let texts = &harness.state().texts;
        for (name, below) in [
            (texts.card_qr_alt(), 64.0),
            (texts.card_done(), 0.0),
            (texts.card_skip(), 0.0),
        ] {
            let rect = harness.get_by_label(&name).rect();
            assert!(
                rect.top() >= 0.0 && rect.bottom() <= size.y - below && rect.right() <= size.x,
                "{language:?} {name}: {rect:?}"
            );
        }
    }
}

#[test]
fn the_picture_on_the_card_holds_the_code() {
    let code = fernsicht_protocol::complaint::Code::from_bytes([7; 16]);
    let card = CardCode::new(&code);
    assert_eq!(card.groups().count(), 7);
    let grouped: Vec<&str> = card.groups().collect();
    assert_eq!(grouped.join("-"), *code.grouped());
    let qr = qrcode::QrCode::new(code.grouped().as_bytes()).expect("short");
    assert_eq!(card.width(), qr.width());
    let dark = (0..card.width())
        .flat_map(|row| (0..card.width()).map(move |column| (column, row)))
        .all(|(column, row)| card.dark(column, row) == (qr[(column, row)] == qrcode::Color::Dark));
    assert!(dark);
    assert!(!format!("{card:?}").contains(grouped[0]));
}

#[test]
fn where_no_folder_takes_the_receipt_closing_asks_first() {
    let stage = ended_with(Some(receipt(Saved::Nowhere)));
    let mut harness = show(stage, Language::De, Vec2::new(900.0, 700.0), Theme::Light);
    harness.run_steps(2);
    let (close, question) = {
        let texts = &harness.state().texts;
        (texts.button_close(), texts.end_close_unsaved())
    };
    harness.get_by_label(&close).click();
    harness.run_steps(2);
    assert_eq!(harness.state().action, None);
    harness.get_by_label(&question);
    harness.get_by_label(&close).click();
    harness.run_steps(2);
    assert_eq!(harness.state().action, Some(Action::Close));
}

#[test]
fn the_receipt_can_be_saved_elsewhere_and_printed() {
    let saved = Saved::At("/home/erika/Dokumente/b.html".into());
    let stage = ended_with(Some(receipt(saved)));
    let mut harness = show(stage, Language::De, Vec2::new(900.0, 700.0), Theme::Light);
    harness.run_steps(2);
    let (save, print) = {
        let texts = &harness.state().texts;
        (texts.end_save(), texts.end_print())
    };
    harness.get_by_label(&print).click();
    harness.run_steps(2);
    assert_eq!(harness.state().action, Some(Action::PrintReceipt));
    harness.get_by_label(&save).click();
    harness.run_steps(2);
    harness.get_by_label("/media/erika/STICK").click();
    harness.run_steps(2);
    let stick = Action::SaveReceipt("/media/erika/STICK".into());
    assert_eq!(harness.state().action, Some(stick));
}

#[test]
fn a_mistyped_code_is_found_before_anything_is_sent() {
    let mut harness = show(
        Stage::Start,
        Language::De,
        Vec2::new(900.0, 700.0),
        Theme::Light,
    );
    for (typed, wanted) in [
        ("4812 o73 956", Problem::CodeLetters),
        ("4812", Problem::CodeShort),
        ("4812073951", Problem::CodeTypo),
    ] {
        harness.state_mut().form.code = typed.to_owned();
        harness.run_steps(1);
        let go = harness.state().texts.button_continue();
        harness.get_by_label(&go).click();
        harness.run_steps(2);
        assert_eq!(harness.state().form.error, Some(wanted), "{typed}");
        assert_eq!(harness.state().action, None, "{typed}");
    }
}

#[test]
fn minutes_are_rounded_up() {
    let now = Instant::now();
    assert_eq!(minutes_until(now, now), 1);
    assert_eq!(minutes_until(now, now + Duration::from_secs(60)), 1);
    assert_eq!(minutes_until(now, now + Duration::from_secs(61)), 2);
}

#[test]
fn more_rights_are_asked_for_only_where_there_are_more() {
    for elevation in [false, true] {
        let stage = Stage::Session(Session {
            notice: Some(Notice::Protected { elevation }),
            ..session(BarState::Control)
        });
        let mut harness = show(stage, Language::De, Vec2::new(900.0, 400.0), Theme::Light);
        harness.run_steps(2);
        let button = harness.state().texts.elevate_button();
        let found = harness.query_by_label(&button);
        assert_eq!(found.is_some(), elevation);
        if let Some(found) = found {
            found.click();
            harness.run_steps(2);
            assert_eq!(harness.state().action, Some(Action::AskElevation));
        }
    }
}

#[test]
fn before_a_successor_comes_the_receipt_is_to_be_seen() {
    let saved = Saved::At("/home/erika/b.html".into());
    let size = Vec2::new(900.0, 900.0);
    let mut harness = show(ended_for_another(saved), Language::De, size, Theme::Light);
    harness.run_steps(2);
    harness.get_by_label_contains("/home/erika/b.html");
    let (close, new_code, ended) = {
        let texts = &harness.state().texts;
        let (close, code) = (texts.elevate_close(), texts.button_new_code());
        (close, code, texts.elevate_ended())
    };
    harness.get_by_label(&ended);
    assert!(harness.query_by_label(&new_code).is_none());
    harness.get_by_label(&close).click();
    harness.run_steps(2);
    assert_eq!(harness.state().action, Some(Action::Close));
    // Where no folder takes it, closing asks first.
    let stage = ended_for_another(Saved::Nowhere);
    let mut harness = show(stage, Language::De, size, Theme::Light);
    harness.run_steps(2);
    harness.get_by_label(&close).click();
    harness.run_steps(2);
    assert_eq!(harness.state().action, None);
    assert!(harness.state().form.closing);
}

/// The places of everything that can be pressed, by name.
fn places(harness: &Harness<'_, Shown>) -> Vec<(String, egui::Rect)> {
    harness
        .get_all_by_role(egui::Role::Button)
        .filter_map(|node| Some((node.accesskit_node().label()?, node.rect())))
        .collect()
}

#[test]
fn a_line_that_comes_moves_no_button_and_takes_no_keyboard() {
    for (size, language) in [
        (tokens::BAR_WIDTH, Language::De),
        (640.0, Language::En),
        (300.0, Language::De),
    ] {
        let talk = |chat| {
            Stage::Session(Session {
                chat,
                ..session(BarState::View)
            })
        };
        let size = Vec2::new(size, 700.0);
        let mut harness = show(talk(Chat::default()), language, size, Theme::Light);
        harness.run();
        let granting = harness.state().texts.bar_button_control_on();
        harness.get_by_label(&granting).focus();
        harness.run();
        let (before, height) = (places(&harness), harness.state().bar_height);
        // Folded, nothing but one word changes.
        harness.state_mut().view = view(talk(chat()));
        harness.run();
        assert!(
            harness
                .get_by_label(&granting)
                .accesskit_node()
                .is_focused()
        );
        assert_eq!(harness.state().bar_height, height);
        let rects = |places: &[(String, egui::Rect)]| -> Vec<egui::Rect> {
            places.iter().map(|(_, rect)| *rect).collect()
        };
        assert_eq!(rects(&places(&harness)), rects(&before));
        let new = harness.state().texts.chat_button_new();
        harness.get_by_label(&new);
        // Unfolded by itself, what was there stays where it was.
        let shown = harness.state_mut();
        let Stage::Session(session) = &shown.view.stage else {
            panic!("a session")
        };
        let came = session.chat.clone();
        shown.form.chat.follow(&came, true);
        harness.run();
        assert!(
            harness
                .get_by_label(&granting)
                .accesskit_node()
                .is_focused()
        );
        let unfolded = harness.state().bar_height;
        if size.x >= tokens::BAR_WIDTH {
            // What a dragged bar must have room for.
            let more = unfolded.unwrap() - height.unwrap();
            assert!(more <= chat::HEIGHT, "{more}");
        }
        let (now, count) = (rects(&places(&harness)), before.len());
        assert_eq!(now[..count], rects(&before));
        // From then on nothing changes its size, however much comes.
        let mut more = chat();
        let line = more.lines()[0].clone();
        more.change().extend(std::iter::repeat_n(line, 40));
        harness.state_mut().view = view(talk(more));
        harness.run();
        assert_eq!(harness.state().bar_height, unfolded);
        assert_eq!(rects(&places(&harness)), now);
    }
}

#[test]
fn on_a_low_screen_a_line_moves_no_button_either() {
    let talk = |chat| {
        Stage::Session(Session {
            chat,
            ..session(BarState::View)
        })
    };
    let size = Vec2::new(300.0, 768.0);
    let mut shown = Shown::of(view(talk(chat())), Language::De);
    shown.room = Some(size.y);
    shown.form.chat.open = true;
    let mut harness = open(shown, size, Theme::Light, 1.0);
    harness.run();
    let (before, height) = (places(&harness), harness.state().bar_height);
    for count in [1, 40] {
        let mut more = chat();
        let line = more.lines()[0].clone();
        more.change().extend(std::iter::repeat_n(line, count));
        harness.state_mut().view = view(talk(more));
        harness.run();
        assert_eq!(harness.state().bar_height, height, "{count} lines more");
        let stop = harness.state().texts.bar_button_stop();
        let of = |places: &[(String, egui::Rect)]| {
            places.iter().find(|(name, _)| *name == stop).cloned()
        };
        assert!(of(&before).is_some());
        assert_eq!(of(&places(&harness)), of(&before));
    }
}

#[test]
fn beside_a_question_there_is_no_chat() {
    let asked = Session {
        question: Some(Question::Upgrade),
        chat: chat(),
        ..session(BarState::View)
    };
    let size = Vec2::new(tokens::BAR_WIDTH, 700.0);
    let mut harness = show(Stage::Session(asked), Language::De, size, Theme::Light);
    harness.state_mut().form.chat.open = true;
    harness.run();
    assert!(harness.query_by_label_contains("schreibt").is_none());
    assert!(harness.query_by_label_contains("Nachricht").is_none());
}

#[test]
fn the_customer_writes_and_closes_what_stays_closed() {
    let stage = Stage::Session(Session {
        chat: chat(),
        ..session(BarState::ViewOff)
    });
    let size = Vec2::new(tokens::BAR_WIDTH, 700.0);
    let mut harness = show(stage, Language::De, size, Theme::Light);
    harness.get_by_label("Neue Nachricht").click();
    harness.run();
    harness.get_by_label_contains("Das schreibt Erika Weber, nicht dieses Programm.");
    harness.get_by_value("Erika Weber schreibt: „Guten Tag“");
    harness.get_by_role(egui::Role::TextInput).focus();
    harness.run();
    harness.event(egui::Event::Text("Es geht wieder".to_owned()));
    harness.run();
    harness.key_press(egui::Key::Enter);
    harness.run();
    let said = Some(Action::Write("Es geht wieder".to_owned()));
    assert_eq!(harness.state().action, said);
    assert!(harness.state().form.chat.text.is_empty());
    harness.get_by_label("Nachrichten zu").click();
    harness.run();
    let form = &mut harness.state_mut().form.chat;
    let mut later = chat();
    later.came += 1;
    form.follow(&later, true);
    assert!(!form.open, "what the customer has closed stays closed");
    assert!(form.read < later.came, "and says that something came");
}
