//! The receipt on the end page: that there was a recording, where the receipt lies, and where else it
//! can go. And at the next start, the receipt of a session that was interrupted.

use std::path::{Path, PathBuf};

use egui::{TextEdit, Ui};

use super::pen::{Look, Pen, announce};
use super::sign::Sign;
use super::{Action, Form, sheet, tokens};
use crate::format;
use crate::view::{Receipt, Saved};

/// What the end page says of it, with its buttons.
pub(crate) fn summary(ui: &mut Ui, pen: &mut Pen<'_>, receipt: &Receipt, form: &mut Form) {
    let surface = pen.palette(ui).surface;
    let time = format::time(pen.texts.language(), receipt.from);
    pen.boxed(ui, surface, |pen, ui| {
        pen.text(ui, pen.texts.end_recorded(&time));
        pen.text(ui, pen.texts.end_why_receipt());
        lies(ui, pen, &receipt.saved);
        ui.horizontal_wrapped(|ui| {
            pen.button(ui, Look::Quiet, pen.texts.end_print(), Action::PrintReceipt);
            if pen.plain(ui, Look::Quiet, pen.texts.end_save()).clicked() {
                form.saving = true;
            }
        });
    });
}

/// The page that asks where else to save it.
pub(crate) fn save_ui(ui: &mut Ui, pen: &mut Pen<'_>, receipt: &Receipt, form: &mut Form) {
    let body = |ui: &mut Ui, pen: &mut Pen<'_>| {
        let title = pen.texts.end_save();
        pen.title(ui, title.clone());
        if receipt.failed {
            let sentence = pen.texts.error_receipt_save();
            pen.error(ui, sentence);
        }
        lies(ui, pen, &receipt.saved);
        for place in &receipt.places {
            let save = Action::SaveReceipt(place.clone());
            pen.button(ui, Look::Quiet, shown(place), save);
        }
        ui.add_space(tokens::GAP);
        ui.horizontal(|ui| {
            let field = TextEdit::singleline(&mut form.folder)
                .id(egui::Id::unique("folder"))
                .char_limit(MAX_PATH)
                .desired_width((ui.available_width() - BUTTON).max(120.0))
                .margin(egui::Margin::symmetric(10, 6));
            let response = ui.add(field);
            ui.ctx()
                .accesskit_node_builder(response.id, |node| node.set_label(title));
            let pressed = pen
                .plain(ui, Look::Quiet, pen.texts.button_continue())
                .clicked();
            if pressed && !form.folder.trim().is_empty() {
                let folder = PathBuf::from(form.folder.trim());
                pen.action = Some(Action::SaveReceipt(folder));
            }
        });
        ui.add_space(tokens::GROUP);
        ui.horizontal_wrapped(|ui| {
            pen.button(ui, Look::Quiet, pen.texts.end_print(), Action::PrintReceipt);
            if pen.plain(ui, Look::Lead, pen.texts.button_back()).clicked() {
                form.saving = false;
            }
        });
    };
    sheet::show(ui, pen, "save", 0.0, body, |_, _| {});
}

/// Closing without a receipt on any disk asks once.
pub(crate) fn unsaved_ui(ui: &mut Ui, pen: &mut Pen<'_>, form: &mut Form) {
    let body = |ui: &mut Ui, pen: &mut Pen<'_>| {
        let sentence = pen.texts.end_close_unsaved();
        ui.add_space(tokens::GROUP);
        pen.great_error(ui, sentence);
        ui.add_space(tokens::GROUP);
        ui.horizontal_wrapped(|ui| {
            if pen.plain(ui, Look::Lead, pen.texts.button_back()).clicked() {
                form.closing = false;
            }
            pen.button(ui, Look::Quiet, pen.texts.button_close(), Action::Close);
        });
    };
    sheet::show(ui, pen, "unsaved", 0.0, body, |_, _| {});
}

/// At the start: the last session was interrupted, and its receipt is there.
pub(crate) fn recovered(ui: &mut Ui, pen: &mut Pen<'_>, path: &Path) {
    let surface = pen.palette(ui).surface;
    pen.boxed(ui, surface, |pen, ui| {
        pen.text(ui, pen.texts.end_recovered());
        pen.text(ui, pen.texts.end_saved(&shown(path)));
        pen.button(ui, Look::Quiet, pen.texts.end_print(), Action::PrintReceipt);
    });
    ui.add_space(tokens::GAP);
}

fn lies(ui: &mut Ui, pen: &mut Pen<'_>, saved: &Saved) {
    match saved {
        Saved::NotYet => {}
        Saved::At(path) => {
            let good = pen.palette(ui).good;
            let sentence = pen.texts.end_saved(&shown(path));
            let response = pen.sign(ui, Sign::Check, sentence, good, tokens::BODY);
            announce(ui, &response);
        }
        Saved::Nowhere => {
            let sentence = pen.texts.error_receipt_save();
            pen.error(ui, sentence);
        }
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Room for the button beside the field.
const BUTTON: f32 = 160.0;
/// The longest path that Linux takes.
const MAX_PATH: usize = 4096;
