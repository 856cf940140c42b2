//! The pages beside the picture: enrolment, ready, code, the customer decides, no picture, the end.
//!
//! Each is a function of what is to be seen and returns what the technician wants.

use std::time::Instant;

use egui::{
    Align, Button, FontId, Key, Layout, RichText, ScrollArea, Sense, TextEdit, Ui, Vec2, WidgetInfo,
};
use fernsicht_protocol::messages::{End, Page};
use fernsicht_protocol::wire::plain;

use super::Action;
use super::signs::{self, Sign};
use super::tokens::{self, colours};
use super::words::{cause_text, end_text, guide_key, page_text, problem_text};
use crate::journal;
use crate::texts::{Language, Texts};
use crate::view::{self, CodeOver, CodeState, Link, Problem, Stage, View};

/// What the technician types on the pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// The enrolment token.
    pub token: String,
    /// The case number.
    pub case: String,
    /// The note on the session that is over.
    pub note: String,
    /// True if a field had the keyboard in the last pass: letters are text then, and Escape leaves the field.
    pub typing: bool,
}

/// Draws the page of `view`. Sessions with sight are drawn elsewhere.
pub fn page(
    ui: &mut Ui,
    texts: &Texts,
    view: &View,
    form: &mut Form,
    now: Instant,
) -> Option<Action> {
    let mut action = language_switch(ui, texts);
    let mut typing = false;
    let scroll = ScrollArea::vertical().auto_shrink(false);
    scroll.show(ui, |ui| {
        ui.vertical_centered(|ui| {
            let wide = ui.available_width();
            ui.set_max_width(tokens::COLUMN.min(wide));
            ui.add_space(tokens::NEAR);
            let mut desk = Desk {
                texts,
                form,
                typing: &mut typing,
                now,
            };
            action = action.take().or(match &view.stage {
                Stage::Enrol { busy, problem } => enrol(ui, &mut desk, *busy, problem.as_ref()),
                Stage::Ready { problem } => ready(ui, &mut desk, view, problem.as_ref()),
                Stage::Connecting => connecting(ui, &desk, view),
                Stage::Code(shown) => code(ui, &mut desk, shown, wide),
                Stage::CodeOver { why } => code_over(ui, &desk, *why),
                Stage::Deciding { page, until } => {
                    if let Some(ends) = view.maintenance {
                        let time = left(ends, now).into();
                        alarm(ui, texts.with("bar-maintenance", [("time", time)]));
                    }
                    deciding(ui, &mut desk, page.as_ref(), *until)
                }
                Stage::Session(session) => blank(ui, &desk, session),
                Stage::Ended { reason } => ended(ui, &mut desk, view, reason),
            });
            ui.add_space(tokens::NEAR);
        });
    });
    form.typing = typing;
    action
}

/// What every page is drawn with.
struct Desk<'a> {
    texts: &'a Texts,
    form: &'a mut Form,
    /// Set where a field has the keyboard.
    typing: &'a mut bool,
    now: Instant,
}

impl Desk<'_> {
    /// True if one of these keys was pressed, and not into a field.
    fn pressed(&self, ui: &Ui, keys: &[Key]) -> bool {
        !self.form.typing && ui.input(|i| keys.iter().any(|key| i.key_pressed(*key)))
    }

    /// A new session or code is wanted by key: N where nothing is typed, F5 always.
    fn new_pressed(&self, ui: &Ui) -> bool {
        self.pressed(ui, &[Key::N]) || ui.input(|i| i.key_pressed(Key::F5))
    }

    fn dismiss(&self, ui: &mut Ui, key: &str) -> Option<Action> {
        let clicked = ui.button(self.texts.text(key)).clicked();
        (clicked || self.pressed(ui, &[Key::Escape])).then_some(Action::Dismiss)
    }

    /// The case number's field. F2 leads there.
    fn case_field(&mut self, ui: &mut Ui) -> Option<Action> {
        let label = ui.label(self.texts.text("case-label"));
        let entry = TextEdit::singleline(&mut self.form.case)
            .char_limit(LONGEST_CASE)
            .desired_width(CASE_WIDTH.min(ui.available_width()));
        let entry = ui.add(entry).labelled_by(label.id);
        if ui.input(|i| i.key_pressed(Key::F2)) {
            entry.request_focus();
        }
        *self.typing |= entry.has_focus();
        if !entry.changed() {
            return None;
        }
        fit(&mut self.form.case);
        Some(Action::Case(self.form.case.clone()))
    }
}

/// Takes out of a case number what the other end would not take.
fn fit(case: &mut String) {
    case.retain(|c| plain(c.encode_utf8(&mut [0; 4])));
    while case.len() > LONGEST_CASE {
        case.pop();
    }
}

/// Bytes of a case number (protocol::messages).
const LONGEST_CASE: usize = 64;
const CASE_WIDTH: f32 = 360.0;

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

fn enrol(
    ui: &mut Ui,
    desk: &mut Desk<'_>,
    busy: bool,
    problem: Option<&Problem>,
) -> Option<Action> {
    let texts = desk.texts;
    title(ui, texts.text("enrol-title"));
    ui.label(texts.text("enrol-lead"));
    ui.add_space(tokens::NEAR);
    if let Some(problem) = problem {
        alarm(ui, problem_text(texts, problem));
    }
    let label = ui.label(texts.text("enrol-label"));
    let token = &mut desk.form.token;
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

fn ready(
    ui: &mut Ui,
    desk: &mut Desk<'_>,
    view: &View,
    problem: Option<&Problem>,
) -> Option<Action> {
    let texts = desk.texts;
    title(ui, texts.text("ready-title"));
    ui.label(texts.with(
        "ready-who",
        [
            ("technician", view.technician.as_str().into()),
            ("relay", view.relay.as_str().into()),
        ],
    ));
    ui.add_space(tokens::NEAR);
    if let Some(problem) = problem {
        alarm(ui, problem_text(texts, problem));
    }
    if let Some(days) = view.expires_days {
        alarm(ui, texts.with("notice-expires", [("days", days.into())]));
    }
    if let Some(detail) = &view.log_problem {
        alarm(
            ui,
            texts.with("notice-log", [("detail", detail.as_str().into())]),
        );
    }
    ui.label(texts.text("ready-lead"));
    ui.add_space(tokens::NEAR);
    let clicked = main_button(ui, texts.text("ready-button"), true);
    ui.add_space(tokens::NEAR);
    let case = desk.case_field(ui);
    ui.add_space(tokens::NEAR);
    quiet(ui, texts.text("ready-keys"));
    let new = clicked || desk.new_pressed(ui);
    case.or(new.then_some(Action::NewSession))
}

fn connecting(ui: &mut Ui, desk: &Desk<'_>, view: &View) -> Option<Action> {
    let relay = view.relay.as_str();
    title(ui, desk.texts.with("connecting", [("relay", relay.into())]));
    desk.dismiss(ui, "button-cancel")
}

fn code(ui: &mut Ui, desk: &mut Desk<'_>, shown: &view::Code, wide: f32) -> Option<Action> {
    let texts = desk.texts;
    title(ui, texts.text("code-title"));
    if shown.replaces {
        alarm(ui, texts.text("code-replaced"));
    }
    big_code(ui, &shown.grouped, wide);
    let left = texts.with("code-left", [("time", left(shown.until, desk.now).into())]);
    let tries = texts.with("code-tries", [("tries", shown.tries.into())]);
    ui.label(format!("{left} · {tries}"));
    match shown.state {
        CodeState::Waiting => drop(ui.label(texts.text("code-waiting"))),
        CodeState::Pairing => drop(ui.label(RichText::new(texts.text("code-pairing")).strong())),
        CodeState::Wrong => alarm(ui, texts.text("code-wrong")),
        CodeState::AgentLeft => alarm(ui, texts.text("code-left-agent")),
    }
    ui.add_space(tokens::NEAR);
    let case = desk.case_field(ui);
    ui.add_space(tokens::NEAR);
    let mut action = None;
    row(ui, |ui| {
        if ui.button(texts.text("code-new")).clicked() {
            action = Some(Action::NewSession);
        }
        if ui.button(texts.text("code-copy")).clicked() {
            action = Some(Action::Copy);
        }
        action = action.take().or_else(|| desk.dismiss(ui, "code-give-up"));
    });
    if desk.new_pressed(ui) {
        return Some(Action::NewSession);
    }
    case.or(action)
}

/// The code as large as the window allows, also beyond the column of the other words.
fn big_code(ui: &mut Ui, grouped: &str, wide: f32) {
    let font = FontId::monospace(tokens::CODE);
    let text = |font| {
        let colour = ui.visuals().strong_text_color();
        ui.painter()
            .layout_no_wrap(grouped.to_owned(), font, colour)
    };
    let size = tokens::CODE * ((wide - tokens::GAP) / text(font).rect.width()).min(1.0);
    let galley = text(FontId::monospace(size));
    let height = galley.rect.height();
    let (rect, response) = ui.allocate_exact_size(
        Vec2::new(ui.available_width(), height),
        Sense::focusable_noninteractive(),
    );
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, grouped));
    let colour = ui.visuals().strong_text_color();
    let at = rect.center_top() - Vec2::new(galley.rect.width() / 2.0, 0.0);
    ui.painter().galley(at, galley, colour);
}

fn code_over(ui: &mut Ui, desk: &Desk<'_>, why: CodeOver) -> Option<Action> {
    let texts = desk.texts;
    alarm(
        ui,
        match why {
            CodeOver::Expired => texts.text("code-expired"),
            CodeOver::Spent => texts.text("code-spent"),
        },
    );
    ui.add_space(tokens::NEAR);
    if main_button(ui, texts.text("code-new"), true) || desk.new_pressed(ui) {
        return Some(Action::NewSession);
    }
    desk.dismiss(ui, "button-back")
}

fn deciding(
    ui: &mut Ui,
    desk: &mut Desk<'_>,
    page: Option<&Page>,
    until: Option<Instant>,
) -> Option<Action> {
    let texts = desk.texts;
    title(ui, texts.text("deciding-title"));
    ui.label(texts.text("deciding-lead"));
    ui.add_space(tokens::NEAR);
    if let Some(page) = page {
        reading(ui, desk, page, until);
    }
    ui.add_space(tokens::NEAR);
    let case = desk.case_field(ui);
    ui.add_space(tokens::NEAR);
    let end = ui.button(texts.text("bar-end")).clicked();
    case.or(end.then_some(Action::AskEnd))
}

/// Which page the customer reads, what is on it, and how long silence may last there.
fn reading(ui: &mut Ui, desk: &Desk<'_>, page: &Page, until: Option<Instant>) {
    let texts = desk.texts;
    super::bar::raised(ui).show(ui, |ui| {
        ui.vertical_centered(|ui| {
            ui.label(RichText::new(page_text(texts, page)).strong());
            if let Some(guide) = guide_key(page) {
                ui.label(texts.text(guide));
            }
            if let Some(until) = until {
                let key = match page {
                    Page::Card => "deciding-left-card",
                    Page::Consent
                    | Page::Screens
                    | Page::Privacy
                    | Page::Starting
                    | Page::Session => "deciding-left",
                };
                let time = left(until, desk.now);
                ui.label(texts.with(key, [("time", time.into())]));
            }
        });
    });
}

fn blank(ui: &mut Ui, desk: &Desk<'_>, session: &view::Session) -> Option<Action> {
    let texts = desk.texts;
    title(ui, texts.text("blank-title"));
    match (session.link, &session.page) {
        (Link::OwnLost, _) => alarm(ui, texts.text("link-lost")),
        (Link::PeerLost, _) => alarm(ui, texts.text("peer-lost")),
        (Link::Whole, Some(page @ Page::Card)) => reading(ui, desk, page, session.until),
        (Link::Whole, _) if session.rights.view() => drop(ui.label(texts.text("blank-waiting"))),
        (Link::Whole, _) => {
            drop(ui.label(RichText::new(cause_text(texts, &session.cause)).strong()));
        }
    }
    None
}

fn ended(ui: &mut Ui, desk: &mut Desk<'_>, view: &View, reason: &End) -> Option<Action> {
    let texts = desk.texts;
    title(ui, texts.text("ended-title"));
    ui.label(end_text(texts, reason));
    if let Some(days) = view.expires_days {
        alarm(ui, texts.with("notice-expires", [("days", days.into())]));
    }
    let mut note = None;
    if let Some(past) = &view.past {
        let recorded = texts.text(if past.recorded {
            "ended-recorded"
        } else {
            "ended-not-recorded"
        });
        let time = journal::duration(past.lasted_s);
        let lasted = texts.with("ended-lasted", [("time", time.into())]);
        ui.label(format!("{lasted} · {recorded}"));
        ui.add_space(tokens::NEAR);
        note = note_field(ui, desk);
    }
    ui.add_space(tokens::NEAR);
    let mut action = None;
    row(ui, |ui| {
        if main_button(ui, texts.text("ready-button"), true) {
            action = Some(Action::NewSession);
        }
        action = action.take().or_else(|| desk.dismiss(ui, "button-close"));
    });
    quiet(ui, texts.text("ended-keys"));
    if desk.new_pressed(ui) {
        return Some(Action::NewSession);
    }
    note.or(action)
}

/// The note's field. F2 leads there.
fn note_field(ui: &mut Ui, desk: &mut Desk<'_>) -> Option<Action> {
    let label = ui.label(desk.texts.text("note-label"));
    let entry = TextEdit::multiline(&mut desk.form.note)
        .desired_rows(2)
        .desired_width(f32::INFINITY)
        .char_limit(journal::LONGEST_NOTE);
    let entry = ui.add(entry).labelled_by(label.id);
    if ui.input(|i| i.key_pressed(Key::F2)) {
        entry.request_focus();
    }
    *desk.typing |= entry.has_focus();
    entry
        .changed()
        .then(|| Action::Note(desk.form.note.clone()))
}

/// Buttons beside each other in the middle, below each other where there is no room.
fn row(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    let id = ui.scope_id().with("row");
    // As wide as they were drawn last.
    let known: Option<f32> = ui.data(|data| data.get_temp(id));
    let pad = known.map_or(0.0, |width| (ui.available_width() - width) / 2.0);
    let width = ui
        .horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.y = tokens::NEAR;
            ui.add_space(pad.max(0.0));
            let start = ui.cursor().min;
            add(ui);
            let end = ui.cursor().min;
            // Where they had to wrap, they begin at the left.
            let one_line = end.y <= start.y + 1.0;
            if one_line {
                end.x - start.x
            } else {
                f32::INFINITY
            }
        })
        .inner;
    if known != Some(width) {
        ui.data_mut(|data| data.insert_temp(id, width));
        ui.ctx().request_repaint();
    }
}

/// Minutes and seconds until then.
fn left(until: Instant, now: Instant) -> String {
    journal::duration(until.saturating_duration_since(now).as_secs())
}

#[cfg(test)]
#[path = "pages_tests.rs"]
mod tests;
