//! The consent page: who is asking, and the three choices.
//!
//! The choices have the same look and size, their text and declaration beneath each. They come
//! before everything long, so that refusing is in sight on the smallest window. The time stands in
//! the footer, in minutes, and in seconds in the last one: it moves no granting button.

use std::time::Duration;

use egui::{Rect, Shape, Stroke, StrokeKind, Ui};
use fernsicht_protocol::messages::ControlOffer;

use super::pen::{Look, Pen, common_height, mention, with_height};
use super::sign::Sign;
use super::{Action, minutes_until, sheet, start, tokens};
use crate::format;
use crate::hand::Grant;
use crate::view::{Consent, StopKey};

/// From how long before the deadline there is a button for more time.
pub(crate) const SHORT: Duration = Duration::from_secs(120);
/// From how long before the deadline seconds are counted.
pub(crate) const COUNTDOWN: Duration = Duration::from_secs(60);

/// Draws it.
pub(crate) fn ui(ui: &mut Ui, pen: &mut Pen<'_>, consent: &Consent, stop_key: StopKey) {
    let technician = consent.technician.name.as_str();
    let body = |ui: &mut Ui, pen: &mut Pen<'_>| {
        pen.title(ui, pen.texts.consent_title(technician));
        pen.text(
            ui,
            pen.texts
                .consent_organisation(&consent.technician.organisation),
        );
        let good = pen.palette(ui).good;
        pen.sign(
            ui,
            Sign::Check,
            pen.texts.consent_verified(),
            good,
            tokens::BODY,
        );
        pen.text(ui, pen.texts.consent_compare());
        if !pen.low {
            ui.add_space(tokens::GAP);
            start::nobody_sees(ui, pen, pen.texts.consent_nothing_yet());
        }
        pen.lead(ui, pen.texts.consent_question());
        choices(ui, pen, consent);
        if pen.low {
            start::nobody_sees(ui, pen, pen.texts.consent_nothing_yet());
        }
        ui.add_space(tokens::GAP);
        pen.text(ui, pen.texts.consent_withdraw());
        pen.text(ui, pen.texts.consent_private());
        if let ControlOffer::Recorded { deletion } = consent.control {
            recording(ui, pen, technician, &deletion_date(pen, deletion));
        }
        start::stop_key(ui, pen, stop_key);
        ui.add_space(tokens::GAP);
        start::fraud(ui, pen);
        ui.add_space(tokens::GAP);
        pen.button(
            ui,
            Look::Quiet,
            pen.texts.privacy_link(),
            Action::Privacy(true),
        );
    };
    sheet::show(ui, pen, "consent", FOOTER, body, |ui, pen| {
        countdown(ui, pen, consent)
    });
}

/// The time left, and when it gets short the button for more.
pub(crate) fn countdown(ui: &mut Ui, pen: &mut Pen<'_>, consent: &Consent) {
    let left = consent.deadline.saturating_duration_since(pen.now);
    ui.horizontal_centered(|ui| {
        if left <= SHORT {
            pen.button(
                ui,
                Look::Quiet,
                pen.texts.consent_more_time(),
                Action::MoreTime,
            );
        }
        if left < COUNTDOWN {
            let seconds = format!("0:{:02}", left.as_secs());
            ui.label(egui::RichText::new(seconds).font(tokens::strong(tokens::LEAD)));
        }
        let sentence = pen
            .texts
            .consent_time(minutes_until(pen.now, consent.deadline));
        let response = ui.add(egui::Label::new(sentence).wrap());
        mention(ui, &response);
    });
}

/// The height of the footer with the countdown.
pub(crate) const FOOTER: f32 = 70.0;

fn choices(ui: &mut Ui, pen: &mut Pen<'_>, consent: &Consent) {
    let names = [
        pen.texts.consent_view_button(),
        pen.texts.consent_control_button(),
        pen.texts.consent_refuse_button(),
    ];
    let width = (ui.available_width() - 2.0 * tokens::GAP) / 3.0 - 2.0 * CARD;
    let high = common_height(ui, &[&names[0], &names[1], &names[2]], width);
    let [view, control, refuse] = names;
    let ground = [const { Shape::Noop }; 3].map(|none| ui.painter().add(none));
    let used = with_height(ui, high, |ui| {
        ui.columns_const(|[one, two, three]| {
            [
                card(one, pen, |ui, pen| view_choice(ui, pen, consent, view)),
                card(two, pen, |ui, pen| {
                    control_choice(ui, pen, consent, control)
                }),
                card(three, pen, |ui, pen| refuse_choice(ui, pen, refuse)),
            ]
        })
    });
    // Cards of the same height, whatever is on them.
    let bottom = used.iter().map(Rect::bottom).fold(0.0, f32::max);
    let line = Stroke::new(1.0, pen.palette(ui).line);
    for (index, mut rect) in ground.into_iter().zip(used) {
        rect.max.y = bottom;
        let round = egui::CornerRadius::same(tokens::ROUND);
        let edge = Shape::Rect(egui::epaint::RectShape::stroke(
            rect,
            round,
            line,
            StrokeKind::Inside,
        ));
        ui.painter().set(index, edge);
    }
}

fn card(ui: &mut Ui, pen: &mut Pen<'_>, add: impl FnOnce(&mut Ui, &mut Pen<'_>)) -> Rect {
    egui::Frame::new()
        .inner_margin(CARD)
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            // Columns justify their text; ragged lines are easier to read.
            ui.with_layout(egui::Layout::top_down(egui::Align::Min), |ui| add(ui, pen));
        })
        .response
        .rect
}

fn view_choice(ui: &mut Ui, pen: &mut Pen<'_>, consent: &Consent, name: String) {
    pen.grant_wide(ui, Grant::ConsentView, name);
    pen.text(ui, pen.texts.consent_view_text(&consent.technician.name));
    pen.text(ui, pen.texts.consent_view_declaration());
}

fn control_choice(ui: &mut Ui, pen: &mut Pen<'_>, consent: &Consent, name: String) {
    let colour = pen.palette(ui).text;
    let missing = |ui: &mut Ui, sentence| {
        pen.sign(ui, Sign::Off, sentence, colour, tokens::BODY);
    };
    if !consent.input_possible {
        return missing(ui, pen.texts.error_input_unavailable());
    }
    match consent.control {
        ControlOffer::Unavailable => missing(ui, pen.texts.consent_control_unavailable()),
        ControlOffer::Recorded { deletion } => {
            pen.grant_wide(ui, Grant::ConsentControl, name);
            pen.text(ui, pen.texts.consent_control_text(&consent.technician.name));
            pen.text(
                ui,
                pen.texts
                    .consent_control_declaration(&deletion_date(pen, deletion)),
            );
        }
    }
}

fn refuse_choice(ui: &mut Ui, pen: &mut Pen<'_>, name: String) {
    pen.wide(ui, Look::Quiet, name, Action::Refuse);
    pen.text(ui, pen.texts.consent_refuse_text());
}

fn recording(ui: &mut Ui, pen: &mut Pen<'_>, technician: &str, date: &str) {
    let surface = pen.palette(ui).surface;
    pen.boxed(ui, surface, |pen, ui| {
        pen.lead(ui, pen.texts.recording_title());
        let lines = [
            pen.texts.recording_what(technician),
            pen.texts.recording_not(),
            pen.texts.recording_typed(),
            pen.texts.recording_whole(),
            pen.texts.recording_why(),
            pen.texts.recording_locked(),
            pen.texts.recording_open(),
            pen.texts.recording_delete(date),
            pen.texts.recording_copy(),
            pen.texts.recording_third(),
        ];
        for line in lines {
            pen.text(ui, line);
        }
    });
}

/// A deletion date as people read it.
pub(crate) fn deletion_date(pen: &Pen<'_>, deletion: u64) -> String {
    format::date(
        pen.texts.language(),
        i64::try_from(deletion).unwrap_or(i64::MAX),
    )
}

const CARD: f32 = 10.0;
