//! The privacy information, over the start or the consent page. The time to consent goes on
//! and stays in sight.

use egui::Ui;

use super::pen::{Look, Pen};
use super::{Action, consent, sheet, tokens};
use crate::view::{Stage, View};

/// Draws it.
pub(crate) fn ui(ui: &mut Ui, pen: &mut Pen<'_>, view: &View) {
    let body = |ui: &mut Ui, pen: &mut Pen<'_>| {
        pen.title(ui, pen.texts.privacy_title());
        let operator = pen.operator;
        let lines = [
            pen.texts.privacy_controller(&operator.address),
            pen.texts.privacy_contact(&operator.privacy_contact),
            pen.texts.privacy_purpose(),
            pen.texts.privacy_data(),
            pen.texts.privacy_basis(&operator.legal_basis),
            pen.texts.privacy_rights(),
            pen.texts.privacy_authority(&operator.authority),
            pen.texts.privacy_local(),
        ];
        for line in lines {
            pen.text(ui, line);
        }
        ui.add_space(tokens::GROUP);
        pen.button(
            ui,
            Look::Quiet,
            pen.texts.button_back(),
            Action::Privacy(false),
        );
    };
    if let Stage::Consent(asked) = &view.stage {
        sheet::show(ui, pen, "privacy", consent::FOOTER, body, |ui, pen| {
            consent::countdown(ui, pen, asked)
        });
    } else {
        sheet::show(ui, pen, "privacy", 0.0, body, |_, _| {});
    }
}
