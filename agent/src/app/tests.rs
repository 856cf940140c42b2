//! The window with an engine of the test's own: which press becomes which command, and when.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use egui::Vec2;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use fernsicht_protocol::messages::ControlOffer;

use super::*;
use crate::hand::PressKind;
use crate::ui::tests::{card, consent, operator, session};
use crate::view::{Elevate, Notice, Session, StopKey};

#[derive(Default)]
struct Desk {
    presses: Mutex<Vec<Press>>,
    dead: AtomicBool,
}

impl Provenance for Desk {
    fn presses_since(&self, since: Instant) -> Option<Vec<Press>> {
        if self.dead.load(Ordering::Relaxed) {
            return None;
        }
        let presses = self.presses.lock().expect("unpoisoned");
        Some(
            presses
                .iter()
                .filter(|press| press.at >= since)
                .copied()
                .collect(),
        )
    }

    fn covered(&self, _: ScreenRect) -> bool {
        false
    }

    fn covered_since(&self, _: Instant, _: ScreenRect) -> bool {
        false
    }
}

struct Stand {
    app: Option<App>,
    setup: Option<(Setup, Link)>,
    now: Instant,
}

struct Bench {
    harness: Harness<'static, Stand>,
    view: watch::Sender<View>,
    commands: mpsc::Receiver<Command>,
    desk: Arc<Desk>,
}

impl Bench {
    fn new(stage: Stage) -> Self {
        Self::with(stage, None)
    }

    fn with(stage: Stage, code: Option<&str>) -> Self {
        let (view, viewed) = watch::channel(View {
            stage,
            stop_key: StopKey::Watched,
            stop_presses: 0,
            recovered: None,
        });
        let (sender, commands) = mpsc::channel(8);
        let desk = Arc::new(Desk::default());
        let link = Link {
            view: viewed,
            commands: sender,
            provenance: Arc::clone(&desk) as _,
        };
        let setup = Setup {
            operator: operator(),
            language: Language::De,
            code: code.map(str::to_owned),
            dark: None,
        };
        let stand = Stand {
            app: None,
            setup: Some((setup, link)),
            now: Instant::now(),
        };
        let harness = Harness::builder()
            .with_size(Vec2::new(940.0, 1200.0))
            .with_max_steps(8)
            .build_ui_state(
                |ui, stand: &mut Stand| {
                    if let Some((setup, link)) = stand.setup.take() {
                        let lookout = Lookout::new(Arc::clone(&link.provenance));
                        stand.app = Some(App::new(ui.ctx(), setup, link, lookout));
                        // Its letters are known from the next frame on.
                        return;
                    }
                    let now = stand.now;
                    let app = stand.app.as_mut().expect("made above");
                    app.look_once(now);
                    app.draw(ui, now, None);
                },
                stand,
            );
        let mut bench = Self {
            harness,
            view,
            commands,
            desk,
        };
        bench.pass(0);
        bench
    }

    /// Time passes, and a few frames are drawn.
    fn pass(&mut self, ms: u64) {
        self.harness.state_mut().now += Duration::from_millis(ms);
        self.harness.run_steps(3);
    }

    fn touch(&self, physical: bool) {
        self.press(physical, PressKind::Button);
    }

    fn press(&self, physical: bool, kind: PressKind) {
        let at = self.harness.state().now;
        let press = Press { physical, kind, at };
        self.desk.presses.lock().expect("unpoisoned").push(press);
    }

    fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.pass(0);
    }

    fn command(&mut self) -> Option<Command> {
        self.commands.try_recv().ok()
    }

    fn show(&mut self, stage: Stage) {
        self.view.send_modify(|view| view.stage = stage);
        self.pass(0);
    }
}

const LOOK: &str = "Ja, nur ansehen";

fn consent_bench() -> Bench {
    Bench::new(consent(
        ControlOffer::Recorded {
            deletion: 1_900_000_000,
        },
        Instant::now(),
    ))
}

#[test]
fn a_granting_button_ignores_the_first_second() {
    let mut bench = consent_bench();
    bench.pass(900);
    bench.touch(true);
    bench.click(LOOK);
    bench.pass(1000);
    assert!(bench.command().is_none());
}

#[test]
fn after_a_second_a_physical_click_grants() {
    let mut bench = consent_bench();
    bench.pass(1100);
    bench.touch(true);
    bench.click(LOOK);
    assert!(matches!(bench.command(), Some(Command::ConsentView(_))));
    bench.pass(50);
    bench.touch(true);
    bench.click("Ja, ansehen und steuern");
    assert!(matches!(bench.command(), Some(Command::ConsentControl(..))));
}

#[test]
fn an_injected_click_grants_nothing() {
    let mut bench = consent_bench();
    bench.pass(1100);
    bench.touch(false);
    bench.click(LOOK);
    bench.pass(500);
    assert!(bench.command().is_none());
}

#[test]
fn a_click_by_an_undeclared_aid_grants_nothing_and_by_a_declared_one_does() {
    for aid in [false, true] {
        let mut bench = Bench::with(Stage::Start, Some("4812 073 958"));
        if aid {
            bench.click("Ich benutze eine Bildschirm-Tastatur oder ein anderes Hilfsmittel.");
        }
        bench.click("Weiter");
        assert!(
            matches!(bench.command(), Some(Command::Connect { aid: declared, .. }) if declared == aid)
        );
        bench.show(consent(
            ControlOffer::Recorded {
                deletion: 1_900_000_000,
            },
            Instant::now(),
        ));
        bench.pass(1100);
        bench.harness.get_by_label(LOOK).click_accesskit();
        bench.pass(0);
        bench.pass(400);
        assert_eq!(
            matches!(bench.command(), Some(Command::ConsentView(_))),
            aid
        );
    }
}

#[test]
fn the_customers_own_press_elsewhere_vouches_for_no_aid_and_no_sent_key() {
    for kind in [PressKind::Button, PressKind::Space, PressKind::Enter] {
        let mut bench = consent_bench();
        bench.pass(1100);
        bench.press(true, kind);
        bench.harness.get_by_label(LOOK).click_accesskit();
        bench.pass(0);
        bench.pass(400);
        assert!(bench.command().is_none(), "an aid beside {kind:?}");
        // Keys that are sent to the window: the ring comes, and Space, but no device made them.
        bench.pass(1100);
        for key in [egui::Key::Tab, egui::Key::Tab] {
            bench.harness.key_press(key);
            bench.pass(0);
        }
        bench.press(true, kind);
        bench.harness.key_press(egui::Key::Space);
        bench.pass(0);
        bench.pass(400);
        assert!(bench.command().is_none(), "a sent key beside {kind:?}");
    }
}

#[test]
fn a_declared_aid_grants_nothing_while_f11_is_not_watched() {
    let mut bench = Bench::with(Stage::Start, Some("4812 073 958"));
    bench.click("Ich benutze eine Bildschirm-Tastatur oder ein anderes Hilfsmittel.");
    bench.click("Weiter");
    assert!(bench.command().is_some());
    bench.show(consent(
        ControlOffer::Recorded {
            deletion: 1_900_000_000,
        },
        Instant::now(),
    ));
    bench.desk.dead.store(true, Ordering::Relaxed);
    bench.pass(1100);
    bench.harness.get_by_label(LOOK).click_accesskit();
    bench.pass(0);
    bench.pass(400);
    assert!(bench.command().is_none());
}

#[test]
fn f11_refuses_a_click_that_still_waits() {
    let mut bench = consent_bench();
    bench.pass(1100);
    bench.click(LOOK);
    bench.pass(50);
    bench.press(true, PressKind::Stop);
    bench.pass(10);
    bench.touch(true);
    bench.pass(10);
    assert!(bench.command().is_none());
}

#[test]
fn a_code_that_was_tried_is_not_kept() {
    let code = |bench: &Bench| {
        let app = bench.harness.state().app.as_ref().expect("made at first");
        app.form.code.clone()
    };
    for problem in [
        Problem::CodeWrong,
        Problem::CodeUsed,
        Problem::CodeExpired,
        Problem::TechnicianLeft,
        Problem::ConnectionLost,
        Problem::Tampered,
        Problem::TechnicianUnverified,
    ] {
        let mut bench = Bench::with(Stage::Connecting, Some("4812073958"));
        bench.show(Stage::StartError(problem));
        assert_eq!(code(&bench), "");
    }
    for problem in [
        Problem::RelayUnreachable,
        Problem::NoNetwork,
        Problem::Clock,
        Problem::RelayFull,
        Problem::TooManyTries(5),
        Problem::RelayUntrusted,
    ] {
        let mut bench = Bench::with(Stage::Connecting, Some("4812073958"));
        bench.show(Stage::StartError(problem));
        assert_eq!(code(&bench), "4812073958");
    }
    let bench = Bench::with(Stage::Session(session(BarState::View)), Some("4812073958"));
    assert_eq!(code(&bench), "");
}

#[test]
fn refusing_and_stopping_act_at_once_whatever_pressed() {
    let mut bench = consent_bench();
    bench.click("Nein, ablehnen");
    assert!(matches!(bench.command(), Some(Command::Refuse)));
    let mut bench = Bench::new(Stage::Session(session(BarState::Control)));
    for (label, wanted) in [
        ("Stopp (F11)", "Stop"),
        ("Nicht mehr zeigen", "ViewOff"),
        ("Steuern beenden", "ControlOff"),
        ("Sitzung beenden", "AskEnd"),
    ] {
        bench.click(label);
        assert_eq!(format!("{:?}", bench.command()), format!("Some({wanted})"));
    }
}

#[test]
fn the_keyboard_alone_goes_from_the_code_to_the_end() {
    let mut bench = Bench::new(Stage::Start);
    // The code field has the keyboard on arrival: nothing is granted there.
    bench
        .harness
        .event(egui::Event::Text("4812 073 958".to_owned()));
    bench.pass(0);
    bench.harness.key_press(egui::Key::Enter);
    bench.pass(0);
    assert!(matches!(
        bench.command(),
        Some(Command::Connect { aid: false, .. })
    ));

    bench.show(consent(
        ControlOffer::Recorded {
            deletion: 1_900_000_000,
        },
        Instant::now(),
    ));
    bench.touch(true);
    for key in [egui::Key::Enter, egui::Key::Space] {
        bench.harness.key_press(key);
        bench.pass(0);
        assert!(bench.command().is_none(), "a key grants on arrival");
    }
    bench.pass(1100);
    bench.harness.key_press(egui::Key::Tab); // language
    bench.pass(0);
    // The press that the ring comes by is the customer's own.
    bench.press(true, PressKind::Tab);
    bench.harness.key_press(egui::Key::Tab); // only look
    bench.pass(0);
    bench.press(true, PressKind::Space);
    bench.harness.key_press(egui::Key::Space);
    bench.pass(0);
    assert!(matches!(bench.command(), Some(Command::ConsentView(_))));

    bench.show(Stage::Session(session(BarState::View)));
    bench.harness.key_press(egui::Key::Tab); // Stop comes first
    bench.pass(0);
    bench.harness.key_press(egui::Key::Enter);
    bench.pass(0);
    assert!(matches!(bench.command(), Some(Command::Stop)));

    let asked = Session {
        question: Some(Question::End),
        ..session(BarState::Stopped)
    };
    bench.show(Stage::Session(asked));
    bench.click("Ja, beenden");
    assert!(matches!(bench.command(), Some(Command::ConfirmEnd)));
}

#[test]
fn the_card_is_done_by_the_customers_own_hand_alone() {
    for button in ["Ich habe den Code", "Ohne Code weiter"] {
        let mut bench = Bench::new(card());
        bench.touch(true);
        bench.click(button);
        assert!(bench.command().is_none(), "not in the first second");
        bench.pass(1100);
        bench.touch(false);
        bench.click(button);
        bench.pass(400);
        assert!(bench.command().is_none(), "not by a program");
        bench.pass(1100);
        bench.touch(true);
        bench.harness.get_by_label(button).click();
        while bench.harness.query_by_label(button).is_some() {
            assert!(bench.command().is_none(), "the code is still to be seen");
            bench.harness.step();
        }
        assert!(bench.command().is_none(), "not before it is off the screen");
        bench.pass(0);
        assert!(
            matches!(bench.command(), Some(Command::CardDone(_))),
            "{button}"
        );
        // Overtaken by F11: the engine stays on the card, and it comes back.
        bench.pass(3_100);
        bench.harness.get_by_label(button);
    }
}

fn elevation(step: Elevate) -> Stage {
    Stage::Session(Session {
        question: Some(Question::Elevate(step)),
        ..session(BarState::View)
    })
}

#[test]
fn more_rights_come_by_the_customers_own_hand_alone() {
    const YES: &str = "Ja, neu starten";
    let mut bench = Bench::new(Stage::Session(Session {
        notice: Some(Notice::Protected { elevation: true }),
        ..session(BarState::Control)
    }));
    // Asking takes rights away: it acts at once, whatever pressed.
    bench.click("Als Administrator neu starten");
    assert!(matches!(bench.command(), Some(Command::AskElevation)));
    bench.show(elevation(Elevate::Asked));
    bench.touch(true);
    bench.click(YES);
    assert!(bench.command().is_none(), "not in the first second");
    bench.pass(1100);
    bench.touch(false);
    bench.click(YES);
    bench.pass(400);
    assert!(bench.command().is_none(), "not by a program");
    bench.pass(1100);
    bench.click(YES);
    bench.pass(400);
    assert!(bench.command().is_none(), "not without any press");
    bench.pass(1100);
    bench.touch(true);
    bench.harness.get_by_label(YES).click_accesskit();
    bench.pass(400);
    assert!(
        bench.command().is_none(),
        "not by an aid that was not declared"
    );
    bench.pass(1100);
    bench.touch(true);
    bench.click(YES);
    assert!(matches!(
        bench.command(),
        Some(Command::Elevate(_, Language::De))
    ));
}

#[test]
fn going_on_after_a_refusal_waits_its_own_second() {
    let mut bench = Bench::new(elevation(Elevate::Asked));
    bench.pass(1100);
    bench.show(elevation(Elevate::Waiting));
    bench.show(elevation(Elevate::Refused));
    bench.touch(true);
    bench.click("Sitzung fortsetzen");
    assert!(bench.command().is_none());
    bench.pass(1100);
    bench.touch(true);
    bench.click("Sitzung fortsetzen");
    assert!(matches!(bench.command(), Some(Command::GoOn(_))));
}

#[test]
fn what_is_agreed_to_is_known_with_its_language() {
    let mut bench = consent_bench();
    bench.click("Sprache: English");
    bench.pass(1100);
    bench.touch(true);
    bench.click("Yes, look and control");
    assert!(matches!(
        bench.command(),
        Some(Command::ConsentControl(_, Language::En))
    ));
}

#[test]
fn no_button_keeps_the_keyboard_when_rights_change() {
    let mut bench = Bench::new(Stage::Session(session(BarState::View)));
    bench.pass(1100);
    for _ in 0..2 {
        bench.harness.key_press(egui::Key::Tab);
        bench.pass(0);
    }
    bench.harness.key_press(egui::Key::Enter);
    bench.pass(0);
    assert!(matches!(bench.command(), Some(Command::ViewOff)));
    bench.show(Stage::Session(session(BarState::ViewOff)));
    bench.pass(1100);
    bench.touch(true);
    bench.harness.key_press(egui::Key::Enter);
    bench.pass(0);
    assert!(bench.command().is_none());
}

#[test]
fn the_language_changes_and_the_entries_stay() {
    let mut bench = Bench::with(Stage::Start, Some("4812073958"));
    bench.harness.get_by_label(
        "Der Code ist schon eingetragen. Bitte vergleichen Sie ihn mit dem Code vom Telefon.",
    );
    bench.click("Sprache: English");
    bench
        .harness
        .get_by_label("Nobody can see your screen yet.");
    bench.click("Continue");
    assert!(matches!(bench.command(), Some(Command::Connect { .. })));
    bench.show(Stage::StartError(Problem::CodeWrong));
    bench.click("Enter a new code");
    assert!(matches!(bench.command(), Some(Command::Restart)));
}

#[test]
fn the_technician_hears_which_page_is_read() {
    // Without an offer of control the page is short, and the button in sight.
    let mut bench = Bench::new(consent(ControlOffer::Unavailable, Instant::now()));
    bench.click("Hinweise zum Datenschutz");
    assert!(matches!(
        bench.command(),
        Some(Command::Reading(Page::Privacy))
    ));
    bench.click("Zurück");
    assert!(matches!(
        bench.command(),
        Some(Command::Reading(Page::Consent))
    ));
    bench.pass(0);
    bench.touch(true);
    bench.click(LOOK);
    assert!(
        bench.command().is_none(),
        "the page is new: the second starts anew"
    );
}

#[test]
fn a_dead_engine_is_said_and_a_full_queue_keeps_the_order() {
    let mut bench = Bench::new(Stage::Session(session(BarState::Control)));
    for _ in 0..9 {
        bench.click("Stopp (F11)");
    }
    bench.click("Sitzung beenden");
    let mut seen = Vec::new();
    for _ in 0..12 {
        seen.extend(bench.command().map(|command| format!("{command:?}")));
        bench.pass(20);
    }
    assert_eq!(seen.len(), 10);
    assert_eq!(seen.last().map(String::as_str), Some("AskEnd"));

    let Bench {
        mut harness, view, ..
    } = bench;
    drop(view);
    harness.run_steps(3);
    harness.get_by_label_contains("Im Programm ist ein Fehler passiert.");
}
