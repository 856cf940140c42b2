//! Starting anew with administrator rights: the button beside the notice, the question that it opens, and what the end
//! page says of it.
//!
//! The button only asks, and takes control away for as long; the Yes is a granting button.

use egui::Ui;

use super::pen::{Look, Pen, announce};
use super::sign::Sign;
use super::{Action, tokens};
use crate::hand::Grant;
use crate::view::{Elevate, Technician};

/// Asks for it. Inside the notice's box.
pub(super) fn button(ui: &mut Ui, pen: &mut Pen<'_>) {
    let text = pen.texts.elevate_button();
    pen.button(ui, Look::Quiet, text, Action::AskElevation);
}

/// The question, and what became of it. Inside the question's box.
pub(super) fn question(ui: &mut Ui, pen: &mut Pen<'_>, technician: &Technician, step: Elevate) {
    let texts = pen.texts;
    let (sign, sentence) = match step {
        Elevate::Asked => (Sign::Question, texts.elevate_title()),
        Elevate::Waiting => (Sign::Question, texts.elevate_waiting()),
        Elevate::Refused => (Sign::Warning, texts.elevate_refused()),
    };
    let colour = pen.palette(ui).text;
    let response = pen.sign(ui, sign, sentence, colour, tokens::LEAD);
    announce(ui, &response);
    match step {
        Elevate::Asked => {
            pen.text(ui, texts.elevate_what());
            pen.text(ui, texts.elevate_why(&technician.name));
            pen.text(ui, texts.bar_question());
            ui.horizontal_wrapped(|ui| {
                pen.grant(ui, Grant::Elevate, texts.elevate_yes());
                pen.grant(ui, Grant::GoOn, texts.elevate_no());
            });
        }
        Elevate::Waiting => pen.text(ui, texts.bar_question()),
        Elevate::Refused => pen.grant(ui, Grant::GoOn, texts.bar_button_stay()),
    }
}

/// Says, on the end page, that the program starts anew.
pub(super) fn successor(ui: &mut Ui, pen: &mut Pen<'_>) {
    let surface = pen.palette(ui).surface;
    let colour = pen.palette(ui).text;
    pen.boxed(ui, surface, |pen, ui| {
        let sentence = pen.texts.elevate_ended();
        let response = pen.sign(ui, Sign::Wait, sentence, colour, tokens::BODY);
        announce(ui, &response);
    });
}
