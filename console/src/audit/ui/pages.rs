//! The pages of the auditor's path but the replay: enrolment, passphrase, case, verification, export.
//!
//! Each is a function of what is to be seen and of the form, and returns what the auditor wants.

use egui::{Align, Button, Frame, Layout, Margin, Panel, RichText, ScrollArea, TextEdit, Ui, Vec2};
use zeroize::Zeroizing;

use super::verification::verification;
use super::view::{Busy, Case, Overview, Page, Step, View};
use super::{Wish, failure_text};
use crate::texts::{Language, Texts};
use crate::ui::signs::{self, Sign};
use crate::ui::tokens::{self, colours};

/// What is being filled in.
#[derive(Debug, Default)]
pub struct Form {
    /// The one-time token.
    pub token: String,
    /// The passphrase.
    pub passphrase: Zeroizing<String>,
    /// A new passphrase once more.
    pub again: Zeroizing<String>,
    /// The case reference.
    pub reference: String,
    /// True if the code was given, not the receipt.
    pub by_code: bool,
    /// The receipt's path.
    pub receipt: String,
    /// The complaint code.
    pub code: Zeroizing<String>,
    /// Where exports go.
    pub folder: String,
    /// Export no report.
    pub no_report: bool,
    /// Export no picture.
    pub no_video: bool,
}

/// Draws any page but the replay.
pub fn page(ui: &mut Ui, texts: &Texts, view: &View, form: &mut Form) -> Option<Wish> {
    let mut wish = header(ui, texts, view);
    let scroll = ScrollArea::vertical().auto_shrink(false);
    scroll.show(ui, |ui| {
        ui.vertical_centered(|ui| {
            ui.set_max_width(tokens::COLUMN.min(ui.available_width()));
            ui.add_space(tokens::GAP);
            wish = wish.take().or(match &view.page {
                Page::Enrol => enrol(ui, texts, view, form),
                Page::Unlock => unlock(ui, texts, view, form),
                Page::Case(overview) => case(ui, texts, view, overview, form),
                Page::Verification => verification(ui, texts, view),
                Page::Export { written } => export(ui, texts, view, written, form),
                Page::Replay(_) => None,
            });
            ui.add_space(tokens::GAP);
        });
    });
    wish
}

/// The head of every page: who, which recording, how long it will be there.
pub fn header(ui: &mut Ui, texts: &Texts, view: &View) -> Option<Wish> {
    let mut wish = None;
    let frame = Frame::new()
        .fill(colours(ui).raised)
        .inner_margin(Margin::symmetric(12, 6));
    Panel::top("head").frame(frame).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().interact_size.y = 30.0;
            match &view.case {
                Some(case) => ui.label(small(case_line(texts, case)).strong()),
                None => ui.label(small(who_line(texts, view))),
            };
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                for (language, key) in
                    [(Language::En, "language-en"), (Language::De, "language-de")]
                {
                    let chosen = texts.language() == language;
                    if ui
                        .selectable_label(chosen, small(texts.text(key)))
                        .clicked()
                    {
                        wish = Some(Wish::Language(language));
                    }
                }
            });
        });
        if let Some(case) = &view.case {
            ui.label(small(days_line(texts, case)));
        }
    });
    wish
}

fn who_line(texts: &Texts, view: &View) -> String {
    match &view.who {
        Some(who) => texts.with(
            "window-who",
            [
                ("name", who.name.as_str().into()),
                ("relay", who.relay.as_str().into()),
            ],
        ),
        None => texts.text("window-title"),
    }
}

fn case_line(texts: &Texts, case: &Case) -> String {
    texts.with(
        "window-case-line",
        [
            ("case", case.reference.as_str().into()),
            ("number", case.number.as_str().into()),
        ],
    )
}

fn days_line(texts: &Texts, case: &Case) -> String {
    texts.with(
        "window-days",
        [
            ("days", case.days_left.into()),
            ("date", date(texts, case.deletion).into()),
        ],
    )
}

/// A day, as the language writes it.
pub(super) fn date(texts: &Texts, unix_s: u64) -> String {
    let seconds = i64::try_from(unix_s).unwrap_or(i64::MAX);
    let Ok(time) = jiff::Timestamp::from_second(seconds) else {
        return unix_s.to_string();
    };
    match texts.language() {
        Language::De => time.strftime("%d.%m.%Y").to_string(),
        Language::En => time.strftime("%-d %B %Y").to_string(),
    }
}

fn enrol(ui: &mut Ui, texts: &Texts, view: &View, form: &mut Form) -> Option<Wish> {
    title(ui, texts.text("window-enrol-title"));
    ui.label(texts.text("window-enrol-lead"));
    ui.add_space(tokens::NEAR);
    let free = opening(ui, texts, view);
    field(
        ui,
        texts.text("window-token"),
        &mut form.token,
        free,
        Kind::Plain,
        4096,
    );
    ui.add_space(tokens::NEAR);
    ui.label(RichText::new(texts.text("window-passphrase-final")).strong());
    let new = texts.text("window-passphrase-new");
    field(ui, new, &mut form.passphrase, free, Kind::Secret, 1024);
    let again = texts.text("window-passphrase-again");
    let entered = field(ui, again, &mut form.again, free, Kind::Secret, 1024);
    ui.add_space(tokens::NEAR);
    let filled = !form.token.trim().is_empty() && !form.passphrase.is_empty();
    submit(
        ui,
        texts.text("window-enrol-button"),
        free && filled,
        entered,
    )
}

fn unlock(ui: &mut Ui, texts: &Texts, view: &View, form: &mut Form) -> Option<Wish> {
    title(ui, texts.text("window-unlock-title"));
    ui.label(texts.text("window-unlock-lead"));
    ui.add_space(tokens::NEAR);
    let free = opening(ui, texts, view);
    let label = texts.text("window-passphrase");
    let entered = field(ui, label, &mut form.passphrase, free, Kind::First, 1024);
    ui.add_space(tokens::NEAR);
    let filled = !form.passphrase.is_empty();
    submit(
        ui,
        texts.text("window-unlock-button"),
        free && filled,
        entered,
    )
}

fn case(
    ui: &mut Ui,
    texts: &Texts,
    view: &View,
    overview: &Overview,
    form: &mut Form,
) -> Option<Wish> {
    title(ui, texts.text("window-case-title"));
    if overview.auditors == 1 {
        alarm(ui, texts.text("window-only-auditor"));
    }
    ui.label(texts.text("window-case-lead"));
    ui.add_space(tokens::NEAR);
    let free = opening(ui, texts, view);
    let label = texts.text("window-reference");
    field(ui, label, &mut form.reference, free, Kind::Plain, 64);
    ui.add_space(tokens::NEAR);
    ui.horizontal(|ui| {
        ui.add_enabled_ui(free, |ui| {
            ui.radio_value(&mut form.by_code, false, texts.text("window-by-receipt"));
            ui.radio_value(&mut form.by_code, true, texts.text("window-by-code"));
        });
    });
    let (entered, filled) = match form.by_code {
        true => {
            let label = texts.text("window-code");
            let entered = field(ui, label, &mut form.code, free, Kind::Code, 64);
            (entered, !form.code.trim().is_empty())
        }
        false => {
            let label = texts.text("window-receipt");
            let entered = field(ui, label, &mut form.receipt, free, Kind::Plain, 4096);
            quiet(ui, texts.text("window-receipt-drop"));
            (entered, !form.receipt.trim().is_empty())
        }
    };
    ui.add_space(tokens::NEAR);
    let filled = filled && !form.reference.trim().is_empty();
    let wish = submit(
        ui,
        texts.text("window-open-button"),
        free && filled,
        entered,
    );
    quiet(ui, texts.text("window-open-logged"));
    ui.add_space(tokens::GAP);
    technicians(ui, texts, overview);
    let refresh = ui.add_enabled(free, Button::new(texts.text("window-refresh")));
    wish.or(refresh.clicked().then_some(Wish::Refresh))
}

fn technicians(ui: &mut Ui, texts: &Texts, overview: &Overview) {
    ui.label(RichText::new(texts.text("window-technicians")).strong());
    quiet(ui, texts.text("window-technicians-lead"));
    if overview.technicians.is_empty() {
        ui.label(texts.text("window-technicians-none"));
    }
    for technician in &overview.technicians {
        let line = texts.with(
            "window-technician",
            [
                ("name", technician.name.as_str().into()),
                ("organisation", technician.organisation.as_str().into()),
                ("recorded", technician.recorded.into()),
                ("without", technician.without_receipt.into()),
            ],
        );
        let colour = match technician.without_receipt {
            0 => colours(ui).text,
            1.. => colours(ui).alarm,
        };
        ui.horizontal_wrapped(|ui| {
            if technician.without_receipt > 0 {
                signs::sign(ui, Sign::Alarm, colour);
            }
            ui.label(RichText::new(line).size(tokens::SMALL).color(colour));
        });
    }
    ui.add_space(tokens::NEAR);
}

fn export(
    ui: &mut Ui,
    texts: &Texts,
    view: &View,
    written: &[std::path::PathBuf],
    form: &mut Form,
) -> Option<Wish> {
    title(ui, texts.text("window-export-title"));
    ui.label(texts.text("window-export-lead"));
    ui.add_space(tokens::NEAR);
    let free = opening(ui, texts, view);
    let label = texts.text("window-folder");
    let entered = field(ui, label, &mut form.folder, free, Kind::Plain, 4096);
    let (mut report, mut video) = (!form.no_report, !form.no_video);
    ui.add_enabled_ui(free, |ui| {
        ui.checkbox(&mut report, texts.text("window-export-report"));
        ui.checkbox(&mut video, texts.text("window-export-video"));
    });
    (form.no_report, form.no_video) = (!report, !video);
    ui.add_space(tokens::NEAR);
    let filled = (report || video) && !form.folder.trim().is_empty();
    let start = submit(
        ui,
        texts.text("window-export-button"),
        free && filled,
        entered,
    );
    if let Some(Busy {
        what: Step::Exporting,
        ..
    }) = view.busy
        && ui.button(texts.text("button-cancel")).clicked()
    {
        return Some(Wish::Cancel);
    }
    if !written.is_empty() {
        ui.add_space(tokens::NEAR);
        let colour = colours(ui).control;
        signs::sign(ui, Sign::Good, colour);
        ui.label(RichText::new(texts.text("window-exported")).color(colour));
        for path in written {
            ui.label(RichText::new(path.display().to_string()).monospace());
        }
    }
    ui.add_space(tokens::GAP);
    let watch = ui
        .add_enabled(free, Button::new(texts.text("window-watch")))
        .clicked();
    let back = Button::new(texts.text("window-to-verification"));
    let back = ui.add_enabled(free, back).clicked();
    let close = ui
        .add_enabled(free, Button::new(texts.text("window-close")))
        .clicked();
    let start = start.map(|_| Wish::StartExport);
    let choice = |clicked: bool, wish: Wish| clicked.then_some(wish);
    start
        .or(choice(watch, Wish::Watch))
        .or(choice(back, Wish::Verification))
        .or(choice(close, Wish::Close))
}

/// What is under way and what failed; true if the form may be used.
fn opening(ui: &mut Ui, texts: &Texts, view: &View) -> bool {
    failure(ui, texts, view);
    let Some(busy) = view.busy else {
        return true;
    };
    ui.label(RichText::new(step_text(texts, busy.what)).strong());
    if let Some(thousandths) = busy.thousandths {
        let part = f32::from(thousandths) / 1000.0;
        ui.add(egui::ProgressBar::new(part).show_percentage());
    }
    ui.add_space(tokens::NEAR);
    false
}

pub(super) fn failure(ui: &mut Ui, texts: &Texts, view: &View) {
    if let Some(failure) = &view.failure {
        alarm(ui, failure_text(texts, failure));
    }
}

fn step_text(texts: &Texts, step: Step) -> String {
    texts.text(match step {
        Step::Enrolling => "window-enrolling",
        Step::Unlocking => "window-unlocking",
        Step::Fetching => "window-fetching",
        Step::Verifying => "window-verifying",
        Step::Revealing => "window-revealing",
        Step::Exporting => "window-exporting",
    })
}

pub(super) fn small(text: String) -> RichText {
    RichText::new(text).size(tokens::SMALL)
}

pub(super) fn quiet(ui: &mut Ui, text: String) {
    ui.label(small(text).weak());
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

pub(super) fn main_button(ui: &mut Ui, text: String, enabled: bool) -> bool {
    let c = colours(ui);
    let button = Button::new(RichText::new(text).color(c.on_accent))
        .fill(c.accent)
        .min_size(Vec2::new(220.0, 48.0));
    ui.add_enabled(enabled, button).clicked()
}

/// The main button; Enter in the last field does the same.
fn submit(ui: &mut Ui, text: String, enabled: bool, entered: bool) -> Option<Wish> {
    let clicked = main_button(ui, text, enabled);
    (clicked || enabled && entered).then_some(Wish::Submit)
}

/// How a field takes what is typed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    /// Readable letters of one width.
    Code,
    /// Not shown.
    Secret,
    /// Not shown, and asked for first.
    First,
}

/// A labelled line; true if Enter was pressed in it.
fn field(
    ui: &mut Ui,
    label: String,
    text: &mut String,
    free: bool,
    kind: Kind,
    most: usize,
) -> bool {
    let label = ui.label(label);
    let mut entry = TextEdit::singleline(text)
        .desired_width(f32::INFINITY)
        .char_limit(most);
    match kind {
        Kind::Plain => {}
        Kind::Code => entry = entry.font(egui::TextStyle::Monospace),
        Kind::Secret | Kind::First => entry = entry.password(true),
    }
    let entry = ui.add_enabled(free, entry).labelled_by(label.id);
    let entered = entry.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
    if kind == Kind::First && free && ui.memory(|m| m.focused().is_none()) {
        entry.request_focus();
    }
    entered
}

#[cfg(test)]
#[path = "pages_tests.rs"]
pub(super) mod tests;
