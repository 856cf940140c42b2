//! Shows one page of the console with invented facts and no engine, for looking at it and for screenshots.
//!
//! `cargo run --example console-pages -- code de 2.0`; without a page, their names.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use egui::{CentralPanel, Frame, Margin, Ui};
use fernsicht_console::texts::{Language, Texts};
use fernsicht_console::ui::pages::{Form, page};
use fernsicht_console::ui::placement::Scale;
use fernsicht_console::ui::{bar, menu, place, tokens};
use fernsicht_console::view::{
    Code, CodeState, Link, Measured, Past, Problem, Recorder, Session, Stage, Talk, View,
};
use fernsicht_protocol::content::Cause;
use fernsicht_protocol::messages::{End, Page};
use fernsicht_protocol::rights::Rights;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let wanted = arguments.next().unwrap_or_default();
    let language = match arguments.next().as_deref() {
        Some("en") => Language::En,
        Some(_) | None => Language::De,
    };
    let zoom: f32 = arguments.next().and_then(|z| z.parse().ok()).unwrap_or(1.0);
    let pages = pages(Instant::now());
    let Some((_, stage)) = pages.iter().find(|(name, _)| *name == wanted) else {
        for (name, _) in pages {
            say(name);
        }
        return ExitCode::FAILURE;
    };
    let window = egui::ViewportBuilder::default()
        .with_title("pages")
        .with_inner_size(if zoom > 1.0 {
            place::SMALLEST * zoom
        } else {
            egui::vec2(1100.0, 760.0)
        });
    let options = eframe::NativeOptions {
        viewport: window,
        ..eframe::NativeOptions::default()
    };
    let shown = Shown {
        texts: Texts::new(language),
        view: view(stage.clone()),
        form: Form {
            case: "2026-1128".to_owned(),
            ..Form::default()
        },
        menu: wanted == "menu",
        now: Instant::now(),
    };
    let run = eframe::run_native(
        "pages",
        options,
        Box::new(move |cc| {
            tokens::apply(&cc.egui_ctx);
            cc.egui_ctx.set_zoom_factor(zoom);
            Ok(Box::new(shown))
        }),
    );
    match run {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "an example for the terminal")]
fn say(line: &str) {
    println!("{line}");
}

struct Shown {
    texts: Texts,
    view: View,
    form: Form,
    menu: bool,
    now: Instant,
}

impl eframe::App for Shown {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        if let Stage::Session(session) = &self.view.stage {
            let state = bar::State {
                scale: Scale::Automatic,
                percent: 100,
                screen: None,
                full_screen: false,
                statistics: false,
                pointer: true,
                bar_over: false,
                chat: false,
                unread: 2,
                ends_in_s: None,
                silent_s: None,
            };
            let frame = Frame::new()
                .fill(tokens::colours(ui).raised)
                .inner_margin(Margin::symmetric(12, 6));
            egui::Panel::top("bar").frame(frame).show(ui, |ui| {
                drop(bar::bar(ui, &self.texts, session, state));
            });
            if self.menu {
                drop(menu::menu(
                    ui.ctx(),
                    &self.texts,
                    state,
                    session.takes_input(),
                    session.takes_pieces,
                    false,
                ));
            }
        }
        let frame = Frame::new()
            .fill(tokens::colours(ui).ground)
            .inner_margin(Margin::same(16));
        CentralPanel::default().frame(frame).show(ui, |ui| {
            drop(page(ui, &self.texts, &self.view, &mut self.form, self.now));
        });
    }
}

fn view(stage: Stage) -> View {
    View {
        stage,
        technician: "Erika Weber".into(),
        relay: "hilfe.example:7443".into(),
        measured: Measured::default(),
        dropped: 0,
        past: Some(Past {
            began: 1_790_000_000,
            lasted_s: 754,
            recorded: true,
        }),
        expires_days: Some(9),
        log_problem: None,
        maintenance: None,
    }
}

fn session(rights: Rights, active: bool, recorded: bool) -> Session {
    Session {
        rights,
        cause: Cause::Stopped,
        customer_active: active,
        protected: false,
        link: Link::Whole,
        recorder: Recorder::Fine,
        recorded,
        page: None,
        layout: None,
        until: None,
        own: None,
        chat: Talk::default(),
        silent_since: None,
        piece: None,
        takes_pieces: false,
    }
}

fn pages(now: Instant) -> Vec<(&'static str, Stage)> {
    let deciding = |page, seconds| Stage::Deciding {
        page: Some(page),
        until: Some(now + Duration::from_secs(seconds)),
    };
    vec![
        (
            "enrol",
            Stage::Enrol {
                busy: false,
                problem: Some(Problem::TokenForm),
            },
        ),
        ("ready", Stage::Ready { problem: None }),
        (
            "ready-draining",
            Stage::Ready {
                problem: Some(Problem::Draining),
            },
        ),
        (
            "code",
            Stage::Code(Code {
                grouped: "4812 073 956".into(),
                until: now + Duration::from_secs(581),
                tries: 3,
                replaces: false,
                state: CodeState::Waiting,
            }),
        ),
        ("consent", deciding(Page::Consent, 272)),
        ("card", deciding(Page::Card, 512)),
        (
            "looking",
            Stage::Session(session(Rights::View, false, false)),
        ),
        (
            "paused",
            Stage::Session(session(Rights::Control, true, true)),
        ),
        (
            "protected",
            Stage::Session(Session {
                protected: true,
                ..session(Rights::Control, false, true)
            }),
        ),
        (
            "stopped",
            Stage::Session(session(Rights::None, false, true)),
        ),
        (
            "menu",
            Stage::Session(session(Rights::Control, false, true)),
        ),
        (
            "ended",
            Stage::Ended {
                reason: End::Customer,
            },
        ),
    ]
}
