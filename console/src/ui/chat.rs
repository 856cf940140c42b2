//! The chat with the customer, beside the picture: its lines, and the field for one more.
//!
//! While the field has the keyboard, keys are text; a click on the picture, or Escape, gives them back.

use egui::{Key, RichText, ScrollArea, TextEdit, Ui, Vec2};
use fernsicht_protocol::chat::{Fate, LONGEST};

use super::Action;
use super::tokens::{self, colours};
use crate::texts::Texts;
use crate::view::{Line, Talk, Writer};

/// What the technician has done with the chat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// The panel is there.
    pub open: bool,
    /// How many of the customer's lines could be read.
    pub read: u32,
    /// The line as typed.
    pub text: String,
    /// The field gets the keyboard, once.
    pub focus: bool,
    /// The field has the keyboard.
    pub typing: bool,
}

impl Form {
    /// How many of the customer's lines could not be read yet.
    pub fn unread(&self, talk: &Talk) -> u32 {
        talk.came.saturating_sub(self.read)
    }

    /// Opens or closes the panel. Opened, it has the keyboard.
    pub fn toggle(&mut self) {
        self.open = !self.open;
        self.focus = self.open;
        self.typing = false;
    }
}

/// Draws the panel's content.
pub fn panel(ui: &mut Ui, texts: &Texts, talk: &Talk, form: &mut Form) -> Option<Action> {
    form.read = talk.came;
    let mut action = None;
    ui.spacing_mut().button_padding = Vec2::new(10.0, 4.0);
    ui.spacing_mut().interact_size.y = 30.0;
    ui.label(RichText::new(texts.text("chat-title")).strong());
    ui.label(small(texts.text("chat-note")).weak());
    egui::Panel::bottom("chat entry")
        .frame(egui::Frame::new())
        .show(ui, |ui| {
            ui.add_space(tokens::NEAR);
            action = entry(ui, texts, talk, form);
        });
    ScrollArea::vertical()
        .id_salt("chat lines")
        .auto_shrink(false)
        .stick_to_bottom(true)
        .show(ui, |ui| {
            for line in talk.lines.iter() {
                self::line(ui, texts, line);
            }
        });
    action
}

fn line(ui: &mut Ui, texts: &Texts, line: &Line) {
    let c = colours(ui);
    let (writer, colour) = match line.writer {
        Writer::Technician { .. } => ("chat-own", c.quiet),
        Writer::Customer => ("chat-customer", c.accent),
    };
    let fate = match (line.writer, line.fate) {
        (Writer::Customer, _) => None,
        (Writer::Technician { .. }, Fate::Open) => Some(("chat-open", c.quiet)),
        (Writer::Technician { .. }, Fate::Shown) => Some(("chat-shown", c.quiet)),
        (Writer::Technician { .. }, Fate::Refused) => Some(("chat-refused", c.alarm)),
    };
    ui.horizontal_wrapped(|ui| {
        let time = clock(line.at);
        ui.label(small(format!("{time} {}", texts.text(writer))).color(colour));
        if let Some((key, colour)) = fate {
            ui.label(small(format!("· {}", texts.text(key))).color(colour));
        }
    });
    ui.add(egui::Label::new(&line.text).wrap());
    ui.add_space(tokens::NEAR);
}

fn entry(ui: &mut Ui, texts: &Texts, talk: &Talk, form: &mut Form) -> Option<Action> {
    let label = ui.label(small(texts.text("chat-field")));
    let edit = TextEdit::singleline(&mut form.text)
        .id(field())
        .char_limit(LONGEST)
        .desired_width(f32::INFINITY);
    let field = ui.add(edit).labelled_by(label.id);
    if std::mem::take(&mut form.focus) {
        field.request_focus();
    }
    let entered = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
    if entered {
        field.request_focus();
    }
    form.typing = field.has_focus();
    let mut action = None;
    let mut sent = entered;
    ui.horizontal_wrapped(|ui| {
        let send = egui::Button::new(small(texts.text("chat-send")));
        sent |= ui.add_enabled(!talk.full, send).clicked();
        if ui.button(small(texts.text("chat-close"))).clicked() {
            action = Some(Action::ToggleChat);
        }
    });
    if talk.full {
        ui.label(small(texts.text("chat-full")).color(colours(ui).alarm));
    }
    if sent && !talk.full && !form.text.trim().is_empty() {
        return Some(Action::Write(std::mem::take(&mut form.text)));
    }
    action
}

fn small(text: String) -> RichText {
    RichText::new(text).size(tokens::SMALL)
}

/// The field, by its name in the window.
pub(super) fn field() -> egui::Id {
    egui::Id::unique("chat")
}

/// The time of day, by this computer's clock.
fn clock(unix_s: u64) -> String {
    let at = i64::try_from(unix_s).ok();
    let time = at.and_then(|at| jiff::Timestamp::from_second(at).ok());
    time.map_or_else(String::new, |time| {
        let here = time.to_zoned(jiff::tz::TimeZone::system());
        here.strftime("%H:%M").to_string()
    })
}
