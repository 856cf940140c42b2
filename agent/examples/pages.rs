//! Shows one page of the agent with invented facts and no engine, for looking at it and for screenshots.
//!
//! `cargo run -p fernsicht-agent --example pages -- consent de dark`; without a page, their names.
//! Nothing is captured or connected here: there is nothing behind the pages.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fernsicht_agent::app::{self, Link, Setup};
use fernsicht_agent::hand::{Press, PressKind, Provenance, ScreenRect};
use fernsicht_agent::texts::Language;
use fernsicht_agent::ui::Operator;
use fernsicht_agent::view::{
    BarState, Card, CardCode, Chat, Consent, Elevate, EndReason, Ended, Notice, Problem, Question,
    Receipt, Saved, ScreenChoice, Session, Stage, Starting, StopKey, Technician, View,
};
use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::messages::ControlOffer;
use tokio::sync::{mpsc, watch};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let wanted = arguments.next().unwrap_or_default();
    let language = arguments
        .next()
        .as_deref()
        .and_then(Language::from_tag)
        .unwrap_or_default();
    let dark = arguments.next().map(|ground| ground == "dark");
    let pages = pages(Instant::now());
    let Some((_, stage)) = pages.iter().find(|(name, _)| *name == wanted) else {
        for (name, _) in pages {
            say(name);
        }
        return ExitCode::FAILURE;
    };
    let view = View {
        stage: stage.clone(),
        stop_key: StopKey::Watched,
        stop_presses: 0,
        recovered: None,
    };
    let setup = Setup {
        operator: operator(),
        language,
        code: None,
        dark,
    };
    let shown = app::run(setup, None, |_| {
        let (commands, mut inbox) = mpsc::channel(16);
        let (kept, view) = watch::channel(view);
        std::thread::spawn(move || {
            while let Some(command) = inbox.blocking_recv() {
                say(&format!("{command:?}"));
            }
            drop(kept);
        });
        Link {
            view,
            commands,
            provenance: Arc::new(Anybody),
        }
    });
    match shown {
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

/// Every press counts here: there is nothing to grant.
struct Anybody;

impl Provenance for Anybody {
    fn presses_since(&self, _: Instant) -> Option<Vec<Press>> {
        Some(vec![Press {
            physical: true,
            kind: PressKind::Button,
            at: Instant::now(),
        }])
    }

    fn covered(&self, _: ScreenRect) -> bool {
        false
    }

    fn covered_since(&self, _: Instant, _: ScreenRect) -> bool {
        false
    }
}

fn operator() -> Operator {
    Operator {
        name: "Nordlicht Telefon".to_owned(),
        domain: "hilfe.nordlicht.example".to_owned(),
        address: "Hafenstraße 1, 20457 Hamburg".to_owned(),
        privacy_contact: "datenschutz@nordlicht.example".to_owned(),
        authority: "Der Hamburgische Beauftragte für Datenschutz".to_owned(),
        legal_basis: "Einwilligung, Artikel 6 Absatz 1 Buchstabe a DSGVO".to_owned(),
    }
}

fn technician() -> Technician {
    Technician {
        name: "Erika Weber".to_owned(),
        organisation: "Technischer Kundendienst, Nord".to_owned(),
    }
}

fn pages(now: Instant) -> Vec<(&'static str, Stage)> {
    let consent = |control, left| {
        Stage::Consent(Consent {
            technician: technician(),
            control,
            deadline: now + Duration::from_secs(left),
            input_possible: true,
        })
    };
    let bar = |state, question, notice| {
        let control = ControlOffer::Recorded {
            deletion: 1_900_000_000,
        };
        Stage::Session(Session {
            technician: technician(),
            state,
            control,
            recorded: false,
            question,
            notice,
            transfer: None,
            screens: Vec::new(),
            chat: Chat::default(),
        })
    };
    let card = |receipt: Option<&str>| {
        Stage::Card(Card {
            code: Arc::new(CardCode::new(&Code::from_bytes(*b"Fernsicht sample"))),
            receipt: receipt.map(Into::into),
        })
    };
    let path = "/home/erika/Dokumente/Fernhilfe-Beleg-2026-11-22-1405.html";
    let recorded = |saved, successor| {
        Stage::Ended(Ended {
            technician: Some(technician()),
            reason: EndReason::Customer,
            at: 1_790_000_000,
            viewed_s: 754,
            controlled_s: 312,
            receipt: Some(Receipt {
                from: 1_789_999_000,
                saved,
                failed: false,
                places: vec!["/home/erika/Dokumente".into(), "/media/erika/STICK".into()],
            }),
            successor,
        })
    };
    let ended = |reason, viewed_s, controlled_s| {
        Stage::Ended(Ended {
            technician: Some(technician()),
            reason,
            at: 1_790_000_000,
            viewed_s,
            controlled_s,
            receipt: None,
            successor: false,
        })
    };
    let screen = |number, x, y, width, height| ScreenChoice {
        number,
        x,
        y,
        width,
        height,
    };
    vec![
        ("start", Stage::Start),
        ("start-error", Stage::StartError(Problem::CodeUnknown)),
        ("start-again", Stage::StartError(Problem::RelayUnreachable)),
        ("new-code", Stage::StartError(Problem::CodeWrong)),
        ("damaged", Stage::StartError(Problem::AgentDamaged)),
        ("connecting", Stage::Connecting),
        (
            "consent",
            consent(
                ControlOffer::Recorded {
                    deletion: 1_900_000_000,
                },
                300,
            ),
        ),
        (
            "consent-recorded",
            consent(
                ControlOffer::Recorded {
                    deletion: 1_800_000_000,
                },
                300,
            ),
        ),
        (
            "consent-no-control",
            consent(ControlOffer::Unavailable, 300),
        ),
        (
            "consent-last-minute",
            consent(
                ControlOffer::Recorded {
                    deletion: 1_900_000_000,
                },
                50,
            ),
        ),
        (
            "screens",
            Stage::Screens {
                technician: technician(),
                screens: vec![screen(1, 0, 0, 1920, 1080), screen(2, 1920, 0, 1280, 1024)],
            },
        ),
        ("card", card(Some(path))),
        ("card-unsaved", card(None)),
        ("starting", Stage::Starting(Starting::Look)),
        ("starting-recording", Stage::Starting(Starting::Recording)),
        ("bar-view", bar(BarState::View, None, None)),
        ("bar-control", bar(BarState::Control, None, None)),
        ("bar-view-off", bar(BarState::ViewOff, None, None)),
        ("bar-stopped", bar(BarState::Stopped, None, None)),
        ("bar-you-first", bar(BarState::CustomerFirst, None, None)),
        ("bar-reconnecting", bar(BarState::Reconnecting, None, None)),
        (
            "bar-upgrade",
            bar(BarState::View, Some(Question::Upgrade), None),
        ),
        ("bar-end", bar(BarState::Control, Some(Question::End), None)),
        (
            "bar-still-there",
            bar(
                BarState::View,
                Some(Question::StillThere(now + Duration::from_secs(120))),
                None,
            ),
        ),
        (
            "bar-notice",
            bar(BarState::View, None, Some(Notice::Reconnected)),
        ),
        (
            "bar-protected",
            bar(
                BarState::Control,
                None,
                Some(Notice::Protected { elevation: true }),
            ),
        ),
        (
            "bar-elevate",
            bar(
                BarState::View,
                Some(Question::Elevate(Elevate::Asked)),
                None,
            ),
        ),
        ("end", ended(EndReason::Customer, 754, 312)),
        ("end-recorded", recorded(Saved::At(path.into()), false)),
        ("end-successor", recorded(Saved::At(path.into()), true)),
        ("end-unsaved", recorded(Saved::Nowhere, false)),
        ("end-refused", ended(EndReason::Refusal, 0, 0)),
        (
            "end-tampered",
            ended(EndReason::Problem(Problem::Tampered), 75, 0),
        ),
    ]
}
