//! The first page: what is going to happen, the code, the try-out of F11, the warning; and
//! the short pages while the connection is made.

use egui::{Key, TextEdit, Ui};
use fernsicht_protocol::code::{self, SessionCode};

use super::pen::{Look, Pen, announce};
use super::sign::Sign;
use super::{Action, Form, problem, receipt, sheet, tokens};
use crate::view::{Problem, Starting, StopKey, View};

/// The code entry, with what went wrong before, if anything did.
pub(crate) fn ui(
    ui: &mut Ui,
    pen: &mut Pen<'_>,
    view: &View,
    form: &mut Form,
    before: Option<&Problem>,
) {
    let body = |ui: &mut Ui, pen: &mut Pen<'_>| {
        if let Some(path) = &view.recovered {
            receipt::recovered(ui, pen, path);
        }
        pen.lead(ui, pen.texts.start_lead());
        nobody_sees(ui, pen, pen.texts.start_nothing_yet());
        entry(ui, pen, form, before);
        ui.add_space(tokens::TIGHT);
        // Who reads an error has read the steps.
        if before.is_none() && form.error.is_none() {
            steps(ui, pen);
        }
        try_out(ui, pen, view);
        let aid = ui.checkbox(&mut form.aid, pen.texts.start_screen_keyboard());
        if aid.gained_focus() {
            aid.scroll_to_me(None);
        }
        ui.add_space(tokens::TIGHT);
        fraud(ui, pen);
        ui.add_space(tokens::GAP);
        pen.button(
            ui,
            Look::Quiet,
            pen.texts.privacy_link(),
            Action::Privacy(true),
        );
    };
    sheet::show(ui, pen, "start", 0.0, body, |_, _| {});
}

/// Connecting and pairing.
pub(crate) fn connecting_ui(ui: &mut Ui, pen: &mut Pen<'_>, view: &View) {
    let body = |ui: &mut Ui, pen: &mut Pen<'_>| {
        let colour = pen.palette(ui).text;
        ui.add_space(tokens::GROUP);
        pen.message(ui, Sign::Wait, pen.texts.connecting(), colour);
        ui.add_space(tokens::GROUP);
        stop_key(ui, pen, view.stop_key);
        ui.add_space(tokens::GROUP);
        pen.button(
            ui,
            Look::Quiet,
            pen.texts.button_back(),
            Action::Restart { keep_code: true },
        );
    };
    sheet::show(ui, pen, "connecting", 0.0, body, |_, _| {});
}

/// Consent was given; nothing is shown yet.
pub(crate) fn starting_ui(ui: &mut Ui, pen: &mut Pen<'_>, what: Starting) {
    let body = |ui: &mut Ui, pen: &mut Pen<'_>| {
        let colour = pen.palette(ui).text;
        let sentence = match what {
            Starting::Look => pen.texts.connecting(),
            Starting::Recording => pen.texts.consent_starting_recording(),
            Starting::Upgrade => pen.texts.upgrade_starting_recording(),
        };
        ui.add_space(tokens::GROUP);
        pen.message(ui, Sign::Wait, sentence, colour);
        ui.add_space(tokens::GROUP);
        pen.button(
            ui,
            Look::Quiet,
            pen.texts.consent_refuse_button(),
            Action::Refuse,
        );
    };
    sheet::show(ui, pen, "starting", 0.0, body, |_, _| {});
}

/// How F11 can be relied upon, or that it cannot.
pub(crate) fn stop_key(ui: &mut Ui, pen: &mut Pen<'_>, stop_key: StopKey) {
    let palette = pen.palette(ui);
    match stop_key {
        StopKey::Unknown => {}
        StopKey::Watched | StopKey::Shared => {
            let notice = pen.texts.f11_notice();
            pen.sign(ui, Sign::Stop, notice, palette.text, tokens::BODY);
            if stop_key == StopKey::Shared {
                shared(ui, pen);
            }
        }
        StopKey::Unavailable => {
            pen.boxed(ui, palette.warning, |pen, ui| {
                pen.sign(
                    ui,
                    Sign::Warning,
                    pen.texts.f11_unavailable(),
                    palette.on_warning,
                    tokens::BODY,
                );
            });
        }
    }
}

/// Another program reacts to F11 as well.
fn shared(ui: &mut Ui, pen: &mut Pen<'_>) {
    let colour = pen.palette(ui).text;
    let sentence = pen.texts.f11_shared();
    pen.sign(ui, Sign::Warning, sentence, colour, tokens::BODY);
}

/// The sentence that calms: nobody sees anything.
pub(crate) fn nobody_sees(ui: &mut Ui, pen: &Pen<'_>, sentence: String) {
    let good = pen.palette(ui).good;
    pen.sign(ui, Sign::Unseen, sentence, good, tokens::BODY);
}

/// The warning of fraud. Never with a telephone number: whoever made the program would choose it.
pub(crate) fn fraud(ui: &mut Ui, pen: &mut Pen<'_>) {
    let palette = pen.palette(ui);
    pen.boxed(ui, palette.warning, |pen, ui| {
        pen.sign(
            ui,
            Sign::Warning,
            pen.texts.fraud_title(),
            palette.on_warning,
            tokens::LEAD,
        );
        let lines = [
            pen.texts.fraud_called(),
            pen.texts.fraud_call_back(),
            pen.texts.fraud_money(),
            pen.texts.fraud_secrets(),
        ];
        for line in lines {
            ui.add(egui::Label::new(egui::RichText::new(line).color(palette.on_warning)).wrap());
        }
    });
}

/// What is going to happen.
fn steps(ui: &mut Ui, pen: &Pen<'_>) {
    let colour = pen.palette(ui).text;
    let steps = [
        pen.texts.start_step_1(),
        pen.texts.start_step_2(),
        pen.texts.start_step_3(),
    ];
    for (number, step) in steps.into_iter().enumerate() {
        pen.sign(ui, Sign::Step(number + 1), step, colour, tokens::BODY);
    }
    ui.add_space(tokens::TIGHT);
}

fn entry(ui: &mut Ui, pen: &mut Pen<'_>, form: &mut Form, before: Option<&Problem>) {
    let local = form.error.clone();
    let shown = local.as_ref().or(before);
    if let Some(problem) = shown {
        pen.error(ui, problem::sentence(pen, problem));
    }
    let surface = pen.palette(ui).surface;
    let submitted = pen.boxed(ui, surface, |pen, ui| field(ui, pen, form, before));
    if submitted {
        match SessionCode::parse(form.code.trim()) {
            Ok(code) => {
                form.error = None;
                pen.action = Some(Action::Connect(code));
            }
            Err(error) => form.error = Some(problem::of_code(error)),
        }
    }
}

/// The field, the button that leads on, and what helps with both. True if the customer is done.
fn field(ui: &mut Ui, pen: &Pen<'_>, form: &mut Form, before: Option<&Problem>) -> bool {
    let name = egui::RichText::new(pen.texts.start_code_label());
    let label = ui.label(name.font(tokens::strong(tokens::BODY)));
    let prefilled = form.prefilled.as_ref() == Some(&form.code);
    let submitted = ui
        .horizontal(|ui| {
            let field = TextEdit::singleline(&mut form.code)
                .id(egui::Id::unique("code"))
                .font(egui::TextStyle::Monospace)
                .char_limit(MAX_TYPED)
                .desired_width(CODE_WIDTH.min(ui.available_width()))
                .margin(egui::Margin::symmetric(10, 6));
            let response = ui.add(field).labelled_by(label.id);
            let name = pen.texts.a11y_code_field(code::MIN_DIGITS);
            ui.ctx()
                .accesskit_node_builder(response.id, |node| node.set_description(name));
            if response.changed() {
                form.error = None;
            }
            if form.arrived {
                response.request_focus();
            }
            let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            let again =
                before.is_some_and(|problem| problem::remedy(problem) == problem::Remedy::Again);
            let text = if again {
                pen.texts.button_retry()
            } else {
                pen.texts.button_continue()
            };
            pen.plain(ui, Look::Lead, text).clicked() || entered
        })
        .inner;
    let help = if prefilled {
        pen.texts.start_code_prefilled()
    } else {
        pen.texts.start_code_help(code::MIN_DIGITS)
    };
    pen.text(ui, help);
    submitted
}

fn try_out(ui: &mut Ui, pen: &mut Pen<'_>, view: &View) {
    let palette = pen.palette(ui);
    if view.stop_key == StopKey::Unavailable {
        stop_key(ui, pen, view.stop_key);
    } else if view.stop_presses > 0 {
        let response = pen.sign(
            ui,
            Sign::Check,
            pen.texts.start_f11_ok(),
            palette.good,
            tokens::BODY,
        );
        announce(ui, &response);
    } else {
        let sentence = pen.texts.start_f11_try();
        pen.sign(ui, Sign::Stop, sentence, palette.text, tokens::BODY);
    }
    if view.stop_key == StopKey::Shared {
        shared(ui, pen);
    }
}

/// Longer than any code with blanks between all its digits.
const MAX_TYPED: usize = 40;
const CODE_WIDTH: f32 = 330.0;
