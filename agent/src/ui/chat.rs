//! The chat on the bar: a button that always has its place, and a panel that unfolds below everything else.
//!
//! The technician's words stand in frames of their own that say whose they are, as text alone, and look like
//! nothing that this program says. A line that comes changes neither the size of what is unfolded nor the place of
//! any button, and takes no keyboard. Not here: what may be shown when (the session's engine).

use egui::{Key, ScrollArea, Stroke, TextEdit, Ui};
use fernsicht_protocol::chat::{Fate, LONGEST};

use super::pen::{Look, Pen, mention};
use super::sign::Sign;
use super::{Action, tokens};
use crate::view::{Chat, Line, Session, Writer};

/// What the customer has done with the chat.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form {
    /// The panel is unfolded.
    pub(crate) open: bool,
    /// The customer has closed it: it opens by the button only.
    pub(crate) closed: bool,
    /// How many of the technician's lines could be read.
    pub(crate) read: u32,
    /// The line as typed.
    pub(crate) text: String,
}

impl Form {
    /// Unfolds the panel for a new line, where nothing moves by that and the customer has not closed it.
    pub(crate) fn follow(&mut self, chat: &Chat, unfolds: bool) {
        if chat.came > self.read && unfolds && !self.closed {
            self.open = true;
        }
        if self.open {
            self.read = chat.came;
        }
    }
}

/// Opens and closes the panel. It says where a line has come that could not be read yet.
pub(super) fn button(ui: &mut Ui, pen: &Pen<'_>, session: &Session, form: &mut Form) {
    let texts = pen.texts;
    let all = [
        texts.chat_button(),
        texts.chat_button_new(),
        texts.chat_button_close(),
    ];
    let [button, new, close] = all.clone();
    let unread = session.chat.came > form.read;
    let (look, text) = match (form.open, unread) {
        (true, _) => (Look::Quiet, close),
        (false, true) => (Look::Lead, new),
        (false, false) => (Look::Quiet, button),
    };
    let response = pen.lasting(ui, look, text, &all.each_ref().map(String::as_str));
    if unread {
        mention(ui, &response);
    }
    if response.clicked() {
        (form.closed, form.open) = (form.open, !form.open);
        form.read = session.chat.came;
        ui.ctx().request_repaint();
    }
}

/// The lines, and the field for one more. `room`: how high it may be; where that is little, all of it scrolls as one.
pub(super) fn panel(ui: &mut Ui, pen: &mut Pen<'_>, session: &Session, form: &mut Form, room: f32) {
    ui.add_space(tokens::GROUP);
    let ground = pen.palette(ui).ground;
    pen.boxed(ui, ground, |pen, ui| {
        whose(ui, pen, session);
        let lines = |ui: &mut Ui| {
            for line in session.chat.lines() {
                self::line(ui, pen, session, line);
            }
        };
        if room < HEIGHT {
            // All of what is given to it, from the first unfolding on: a line that comes moves no button.
            ui.set_min_height(room);
            lines(ui);
        } else {
            ScrollArea::vertical()
                .id_salt("lines")
                .max_height(LINES)
                .min_scrolled_height(LINES)
                .auto_shrink(false)
                .stick_to_bottom(true)
                .show(ui, lines);
        }
        entry(ui, pen, session, form);
    });
}

fn whose(ui: &mut Ui, pen: &Pen<'_>, session: &Session) {
    let texts = pen.texts;
    let kept = if session.recorded {
        texts.chat_recorded()
    } else {
        texts.chat_not_recorded()
    };
    let sentence = format!("{} {kept}", texts.chat_whose(&session.technician.name));
    let colour = pen.palette(ui).text;
    pen.sign(ui, Sign::Warning, sentence, colour, tokens::BODY);
}

/// Whose words, and the words.
fn line(ui: &mut Ui, pen: &Pen<'_>, session: &Session, line: &Line) {
    let (texts, palette) = (pen.texts, pen.palette(ui));
    let (writer, fill, edge) = match line.writer {
        Writer::Technician => {
            let writer = texts.chat_from(&session.technician.name);
            (writer, palette.surface, palette.lead)
        }
        Writer::Customer { .. } => (texts.chat_you(), palette.ground, palette.line),
    };
    let said = texts.chat_text(&line.text);
    let name = format!("{writer} {said}");
    egui::Frame::new()
        .fill(fill)
        .stroke(Stroke::new(2.0, edge))
        .inner_margin(tokens::GAP)
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = tokens::TIGHT;
            let strong = egui::RichText::new(writer).font(tokens::strong(tokens::BODY));
            ui.add(egui::Label::new(strong).wrap());
            let response = ui.add(egui::Label::new(egui::RichText::new(said)).wrap());
            ui.ctx()
                .accesskit_node_builder(response.id, |node| node.set_value(name));
            mention(ui, &response);
            match line.fate {
                Fate::Shown => {}
                Fate::Open => pen.text(ui, texts.chat_on_way()),
                Fate::Refused => pen.text(ui, texts.chat_refused()),
            }
        });
}

fn entry(ui: &mut Ui, pen: &mut Pen<'_>, session: &Session, form: &mut Form) {
    let texts = pen.texts;
    let label = ui.add(egui::Label::new(texts.chat_field(&session.technician.name)).wrap());
    let sent = ui
        .horizontal_wrapped(|ui| {
            let send = texts.chat_send();
            let beside = super::pen::natural_width(ui, &send) + ui.spacing().item_spacing.x;
            let width = (ui.available_width() - beside).max(FIELD);
            let field = TextEdit::singleline(&mut form.text)
                .id(egui::Id::unique("chat"))
                .char_limit(LONGEST)
                .desired_width(width.min(ui.available_width()) - 20.0)
                .margin(egui::Margin::symmetric(10, 10));
            let field = ui.add(field).labelled_by(label.id);
            let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            if entered {
                field.request_focus();
            }
            pen.plain(ui, Look::Lead, send).clicked() || entered
        })
        .inner;
    if sent && !session.chat.full && !form.text.trim().is_empty() {
        pen.action = Some(Action::Write(std::mem::take(&mut form.text)));
    }
}

/// Room for the lines.
const LINES: f32 = 170.0;
/// The field's smallest width.
const FIELD: f32 = 180.0;
/// What the panel adds to the bar's height, at most.
pub(crate) const HEIGHT: f32 = 400.0;
