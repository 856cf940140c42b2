//! The end page: what happened, for how long, and what is left of it.

use egui::Ui;

use super::pen::{Look, Pen, announce};
use super::problem::{self, Remedy};
use super::sign::Sign;
use super::{Action, Form, elevate, receipt, sheet, tokens};
use crate::format;
use crate::view::{EndReason, Ended, Saved};

/// Draws it.
pub(crate) fn ui(ui: &mut Ui, pen: &mut Pen<'_>, ended: &Ended, form: &mut Form) {
    let body = |ui: &mut Ui, pen: &mut Pen<'_>| {
        pen.title(ui, pen.texts.end_title());
        let palette = pen.palette(ui);
        pen.boxed(ui, palette.surface, |pen, ui| {
            let sentence = pen.texts.end_safe();
            let safe = pen.sign(ui, Sign::Check, sentence, palette.good, tokens::LEAD);
            announce(ui, &safe);
        });
        ui.add_space(tokens::TIGHT);
        reason(ui, pen, ended);
        summary(ui, pen, ended);
        match &ended.receipt {
            Some(receipt) => receipt::summary(ui, pen, receipt, form),
            None => pen.text(ui, pen.texts.end_not_recorded()),
        }
        ui.add_space(tokens::GAP);
        match ended.successor {
            true => elevate::successor(ui, pen),
            false => pen.text(ui, pen.texts.end_delete_program()),
        }
        ui.add_space(tokens::GROUP);
        ui.horizontal_wrapped(|ui| {
            let saved = ended.receipt.as_ref().map(|receipt| &receipt.saved);
            let unsaved = saved == Some(&Saved::Nowhere);
            let close = match ended.successor {
                true => pen.texts.elevate_close(),
                false => pen.texts.button_close(),
            };
            // Another session would take the receipt along, and another start comes by itself.
            if again(&ended.reason) && !unsaved && !ended.successor {
                let restart = Action::Restart { keep_code: false };
                pen.button(ui, Look::Quiet, pen.texts.button_new_code(), restart);
            }
            if !unsaved {
                pen.button(ui, Look::Lead, close, Action::Close);
            } else if pen.plain(ui, Look::Quiet, close).clicked() {
                form.closing = true;
            }
        });
    };
    sheet::show(ui, pen, "end", 0.0, body, |_, _| {});
}

fn reason(ui: &mut Ui, pen: &mut Pen<'_>, ended: &Ended) {
    let language = pen.texts.language();
    let (date, time) = (
        format::date(language, ended.at),
        format::time(language, ended.at),
    );
    let technician = ended
        .technician
        .as_ref()
        .map_or("", |technician| technician.name.as_str());
    match &ended.reason {
        EndReason::Customer => pen.text(ui, pen.texts.end_by_you(&date, &time)),
        EndReason::Technician => {
            pen.text(ui, pen.texts.end_by_technician(technician, &date, &time))
        }
        EndReason::Refusal => pen.text(ui, pen.texts.end_by_refusal()),
        EndReason::Silence => pen.text(ui, pen.texts.end_by_silence()),
        EndReason::Problem(problem) => {
            let sentence = problem::sentence_about(pen, problem, technician);
            pen.error(ui, sentence);
        }
    }
}

fn summary(ui: &mut Ui, pen: &mut Pen<'_>, ended: &Ended) {
    let Some(technician) = &ended.technician else {
        return;
    };
    let language = pen.texts.language();
    if ended.viewed_s > 0 {
        pen.text(
            ui,
            pen.texts.end_summary_view(
                &technician.name,
                &format::duration(language, ended.viewed_s),
            ),
        );
    }
    if ended.controlled_s > 0 {
        let duration = format::duration(language, ended.controlled_s);
        pen.text(
            ui,
            pen.texts.end_summary_control(&technician.name, &duration),
        );
    }
}

fn again(reason: &EndReason) -> bool {
    match reason {
        EndReason::Customer | EndReason::Technician | EndReason::Refusal | EndReason::Silence => {
            true
        }
        EndReason::Problem(problem) => problem::remedy(problem) != Remedy::Close,
    }
}
