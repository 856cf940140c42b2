//! The pages beside the picture: enrolment, ready, code, the customer decides, no picture, the end.
//!
//! Each is a function of what is to be seen and returns what the technician wants.

use std::time::Instant;

use egui::{Align, Button, Key, Layout, RichText, ScrollArea, TextEdit, Ui, Vec2};
use fernsicht_protocol::content::Cause;
use fernsicht_protocol::messages::{End, Page};

use super::Action;
use super::signs::{self, Sign};
use super::tokens::{self, colours};
use crate::texts::{Language, Texts};
use crate::view::{self, CodeOver, CodeState, Link, Problem, Stage, View};

/// Draws the page of `view`. Sessions with sight are drawn elsewhere.
pub fn page(
    ui: &mut Ui,
    texts: &Texts,
    view: &View,
    token: &mut String,
    now: Instant,
) -> Option<Action> {
    let mut action = language_switch(ui, texts);
    let scroll = ScrollArea::vertical().auto_shrink(false);
    scroll.show(ui, |ui| {
        ui.vertical_centered(|ui| {
            ui.set_max_width(tokens::COLUMN.min(ui.available_width()));
            ui.add_space(tokens::GAP);
            action = action.take().or(match &view.stage {
                Stage::Enrol { busy, problem } => enrol(ui, texts, token, *busy, problem.as_ref()),
                Stage::Ready { problem } => ready(ui, texts, view, problem.as_ref()),
                Stage::Connecting => connecting(ui, texts, view),
                Stage::Code(shown) => code(ui, texts, shown, now),
                Stage::CodeOver { why } => code_over(ui, texts, *why),
                Stage::Deciding { page } => deciding(ui, texts, page.as_ref()),
                Stage::Session(session) => blank(ui, texts, session),
                Stage::Ended { reason } => ended(ui, texts, reason),
            });
        });
    });
    action
}

/// The sentence of a problem: what is wrong, and what to do.
pub fn problem_text(texts: &Texts, problem: &Problem) -> String {
    match problem {
        Problem::TokenForm => texts.text("problem-token-form"),
        Problem::TokenRefused => texts.text("problem-token-refused"),
        Problem::Unreachable { relay, detail } => texts.with(
            "problem-unreachable",
            [
                ("relay", relay.as_str().into()),
                ("detail", detail.as_str().into()),
            ],
        ),
        Problem::WrongRelay { relay, detail } => texts.with(
            "problem-wrong-relay",
            [
                ("relay", relay.as_str().into()),
                ("detail", detail.as_str().into()),
            ],
        ),
        Problem::RelayAnswer(detail) => {
            texts.with("problem-relay-answer", [("detail", detail.as_str().into())])
        }
        Problem::Storage { path, detail } => texts.with(
            "problem-storage",
            [
                ("path", path.as_str().into()),
                ("detail", detail.as_str().into()),
            ],
        ),
        Problem::StorageOpen { path } => {
            texts.with("problem-storage-open", [("path", path.as_str().into())])
        }
        Problem::NotEnrolled => texts.text("problem-not-enrolled"),
        Problem::AlreadyEnrolled {
            technician,
            relay,
            path,
        } => texts.with(
            "enrol-again",
            [
                ("technician", technician.as_str().into()),
                ("relay", relay.as_str().into()),
                ("path", path.as_str().into()),
            ],
        ),
        Problem::TooOld => texts.text("problem-too-old"),
        Problem::Full => texts.text("problem-full"),
        Problem::Draining => texts.text("problem-draining"),
        Problem::Revoked => texts.text("problem-revoked"),
        Problem::Certificate => texts.text("problem-certificate"),
        Problem::TooManyTries { minutes } => {
            texts.with("problem-many-tries", [("minutes", (*minutes).into())])
        }
        Problem::Unexpected => texts.text("problem-unexpected"),
        Problem::Link(detail) => texts.with("problem-link", [("detail", detail.as_str().into())]),
        Problem::Internal(detail) => {
            texts.with("problem-internal", [("detail", detail.as_str().into())])
        }
        Problem::Window(detail) => {
            texts.with("problem-window", [("detail", detail.as_str().into())])
        }
    }
}

fn language_switch(ui: &mut Ui, texts: &Texts) -> Option<Action> {
    let mut action = None;
    ui.with_layout(Layout::right_to_left(Align::TOP), |ui| {
        for (language, key) in [(Language::En, "language-en"), (Language::De, "language-de")] {
            if ui
                .selectable_label(texts.language() == language, texts.text(key))
                .clicked()
            {
                action = Some(Action::Language(language));
            }
        }
    });
    action
}

fn title(ui: &mut Ui, text: String) {
    ui.label(RichText::new(text).size(tokens::TITLE).strong());
    ui.add_space(tokens::NEAR);
}

fn alarm(ui: &mut Ui, text: String) {
    let colour = colours(ui).alarm;
    signs::sign(ui, Sign::Alarm, colour);
    ui.label(RichText::new(text).color(colour));
    ui.add_space(tokens::NEAR);
}

fn quiet(ui: &mut Ui, text: String) {
    ui.label(RichText::new(text).size(tokens::SMALL).weak());
}

fn main_button(ui: &mut Ui, text: String, enabled: bool) -> bool {
    let c = colours(ui);
    let button = Button::new(RichText::new(text).color(c.on_accent))
        .fill(c.accent)
        .min_size(Vec2::new(220.0, 48.0));
    ui.add_enabled(enabled, button).clicked()
}

fn pressed(ui: &Ui, keys: &[Key]) -> bool {
    ui.input(|i| keys.iter().any(|key| i.key_pressed(*key)))
}

fn enrol(
    ui: &mut Ui,
    texts: &Texts,
    token: &mut String,
    busy: bool,
    problem: Option<&Problem>,
) -> Option<Action> {
    title(ui, texts.text("enrol-title"));
    ui.label(texts.text("enrol-lead"));
    ui.add_space(tokens::NEAR);
    if let Some(problem) = problem {
        alarm(ui, problem_text(texts, problem));
    }
    let label = ui.label(texts.text("enrol-label"));
    let entry = TextEdit::multiline(token)
        .desired_rows(3)
        .desired_width(f32::INFINITY)
        .char_limit(4096);
    let entry = ui.add_enabled(!busy, entry).labelled_by(label.id);
    if token.is_empty() && !busy && ui.memory(|m| m.focused().is_none()) {
        entry.request_focus();
    }
    ui.add_space(tokens::NEAR);
    if busy {
        ui.label(texts.text("enrol-busy"));
        return None;
    }
    let ready = !token.trim().is_empty();
    main_button(ui, texts.text("enrol-button"), ready)
        .then(|| Action::Enrol(token.trim().to_owned()))
}

fn ready(ui: &mut Ui, texts: &Texts, view: &View, problem: Option<&Problem>) -> Option<Action> {
    title(ui, texts.text("ready-title"));
    ui.label(texts.with(
        "ready-who",
        [
            ("technician", view.technician.as_str().into()),
            ("relay", view.relay.as_str().into()),
        ],
    ));
    ui.add_space(tokens::GAP);
    if let Some(problem) = problem {
        alarm(ui, problem_text(texts, problem));
    }
    ui.label(texts.text("ready-lead"));
    ui.add_space(tokens::NEAR);
    let clicked = main_button(ui, texts.text("ready-button"), true);
    ui.add_space(tokens::GAP);
    quiet(ui, texts.text("ready-keys"));
    (clicked || pressed(ui, &[Key::N, Key::F5])).then_some(Action::NewSession)
}

fn connecting(ui: &mut Ui, texts: &Texts, view: &View) -> Option<Action> {
    title(
        ui,
        texts.with("connecting", [("relay", view.relay.as_str().into())]),
    );
    dismiss(ui, texts.text("button-cancel"))
}

fn code(ui: &mut Ui, texts: &Texts, shown: &view::Code, now: Instant) -> Option<Action> {
    title(ui, texts.text("code-title"));
    if shown.replaces {
        alarm(ui, texts.text("code-replaced"));
    }
    ui.add_space(tokens::NEAR);
    let size = (ui.available_width() / 8.0).min(tokens::CODE);
    ui.label(
        RichText::new(&shown.grouped)
            .size(size)
            .monospace()
            .strong(),
    );
    let left = shown.until.saturating_duration_since(now).as_secs();
    let time = format!("{}:{:02}", left / 60, left % 60);
    let left = texts.with("code-left", [("time", time.into())]);
    let tries = texts.with("code-tries", [("tries", shown.tries.into())]);
    ui.label(format!("{left} · {tries}"));
    ui.add_space(tokens::NEAR);
    match shown.state {
        CodeState::Waiting => drop(ui.label(texts.text("code-waiting"))),
        CodeState::Pairing => drop(ui.label(RichText::new(texts.text("code-pairing")).strong())),
        CodeState::Wrong => alarm(ui, texts.text("code-wrong")),
        CodeState::AgentLeft => alarm(ui, texts.text("code-left-agent")),
    }
    ui.add_space(tokens::GAP);
    let new = ui.button(texts.text("code-new")).clicked() || pressed(ui, &[Key::N, Key::F5]);
    let copy = ui.button(texts.text("code-copy")).clicked();
    if new {
        return Some(Action::NewSession);
    }
    if copy {
        return Some(Action::Copy);
    }
    dismiss(ui, texts.text("button-cancel"))
}

fn code_over(ui: &mut Ui, texts: &Texts, why: CodeOver) -> Option<Action> {
    alarm(
        ui,
        match why {
            CodeOver::Expired => texts.text("code-expired"),
            CodeOver::Spent => texts.text("code-spent"),
        },
    );
    ui.add_space(tokens::NEAR);
    if main_button(ui, texts.text("code-new"), true) || pressed(ui, &[Key::N, Key::F5]) {
        return Some(Action::NewSession);
    }
    dismiss(ui, texts.text("button-back"))
}

fn deciding(ui: &mut Ui, texts: &Texts, page: Option<&Page>) -> Option<Action> {
    title(ui, texts.text("deciding-title"));
    ui.label(texts.text("deciding-lead"));
    ui.add_space(tokens::GAP);
    if let Some(page) = page {
        ui.label(RichText::new(page_text(texts, page)).strong());
    }
    ui.add_space(tokens::GAP);
    ui.button(texts.text("bar-end"))
        .clicked()
        .then_some(Action::AskEnd)
}

fn blank(ui: &mut Ui, texts: &Texts, session: &view::Session) -> Option<Action> {
    title(ui, texts.text("blank-title"));
    match session.link {
        Link::OwnLost => alarm(ui, texts.text("link-lost")),
        Link::PeerLost => alarm(ui, texts.text("peer-lost")),
        Link::Whole if session.page == Some(Page::Card) => {
            drop(ui.label(RichText::new(texts.text("page-card")).strong()));
        }
        Link::Whole if session.rights.view() => drop(ui.label(texts.text("blank-waiting"))),
        Link::Whole => drop(ui.label(RichText::new(cause_text(texts, &session.cause)).strong())),
    }
    None
}

fn ended(ui: &mut Ui, texts: &Texts, reason: &End) -> Option<Action> {
    title(ui, texts.text("ended-title"));
    ui.label(end_text(texts, reason));
    ui.add_space(tokens::GAP);
    if main_button(ui, texts.text("ready-button"), true) || pressed(ui, &[Key::N, Key::F5]) {
        return Some(Action::NewSession);
    }
    dismiss(ui, texts.text("button-close"))
}

fn dismiss(ui: &mut Ui, text: String) -> Option<Action> {
    (ui.button(text).clicked() || pressed(ui, &[Key::Escape])).then_some(Action::Dismiss)
}

fn page_text(texts: &Texts, page: &Page) -> String {
    texts.text(match page {
        Page::Consent => "page-consent",
        Page::Screens => "page-screens",
        Page::Privacy => "page-privacy",
        Page::Starting => "page-starting",
        Page::Session => "page-session",
        Page::Card => "page-card",
    })
}

fn cause_text(texts: &Texts, cause: &Cause) -> String {
    texts.text(match cause {
        Cause::Granted => "cause-granted",
        Cause::Narrowed => "cause-narrowed",
        Cause::Stopped => "cause-stopped",
        Cause::Question => "cause-question",
        Cause::Answered => "cause-answered",
        Cause::Lost => "cause-lost",
        Cause::Recorder => "cause-recorder",
        Cause::Computer => "cause-computer",
        Cause::Ended => "cause-ended",
        Cause::Epoch => "cause-epoch",
    })
}

fn end_text(texts: &Texts, reason: &End) -> String {
    texts.text(match reason {
        End::Customer => "ended-customer",
        End::Technician => "ended-technician",
        End::Refused => "ended-refused",
        End::Silence => "ended-silence",
        End::Idle => "ended-idle",
        End::Relay => "ended-relay",
        End::Revoked => "ended-revoked",
        End::Lost => "ended-lost",
        End::Tampered => "ended-tampered",
        End::WrongCode => "ended-wrong-code",
        End::Unverified => "ended-unverified",
        End::Fault => "ended-fault",
    })
}

#[cfg(test)]
#[path = "pages_tests.rs"]
mod tests;
