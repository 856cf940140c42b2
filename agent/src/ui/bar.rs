//! The bar: what the technician can do right now, Stop, and what can be switched.
//!
//! It lies above all windows for the whole session, at any edge of the screen. Sign and word tell
//! the state. Stop comes first and is never hidden: where the screen has no room for all, notices and
//! questions scroll beneath it. Every word that widens rights is a granting button; what narrows them
//! acts at once.

use egui::{Rect, ScrollArea, Ui, UiBuilder};
use fernsicht_protocol::messages::ControlOffer;

use super::consent::deletion_date;
use super::pen::{Look, Pen, announce, mention};
use super::sign::Sign;
use super::{Action, Form, chat, elevate, minutes_until, screens, sheet, tokens, transfer};
use crate::hand::Grant;
use crate::view::{BarState, Notice, Question, Session};

/// Draws it and notes how high it is.
pub(crate) fn ui(ui: &mut Ui, pen: &mut Pen<'_>, session: &Session, form: &mut Form) {
    let palette = pen.palette(ui);
    let whole = ui.max_rect();
    ui.painter().rect_filled(whole, 0.0, palette.ground);
    let inner = Rect::from_min_max(
        whole.min + EDGE,
        egui::pos2(whole.right() - EDGE.x, f32::INFINITY),
    );
    let used = ui
        .scope_builder(UiBuilder::new().id_salt("bar").max_rect(inner), |ui| {
            ui.spacing_mut().item_spacing.y = tokens::TIGHT;
            state(ui, pen, session);
            buttons(ui, pen, session, &mut form.chat);
            more(ui, pen, session, whole.top(), form);
        })
        .response
        .rect;
    let (width, colour) = match session.state {
        BarState::Control | BarState::CustomerFirst => (6.0, palette.stop),
        BarState::View => (4.0, palette.lead),
        BarState::ViewOff | BarState::Stopped | BarState::Reconnecting => (2.0, palette.line),
    };
    let edge = egui::Stroke::new(width, colour);
    ui.painter()
        .rect_stroke(whole, 0.0, edge, egui::StrokeKind::Inside);
    // Even: films keep one colour for two rows, and the edge is as long as the bar.
    let height = used.bottom() - whole.top() + EDGE.y;
    pen.bar_height = Some((height / 2.0).ceil() * 2.0);
}

/// Notice, question and chat, no higher than the screen has room for. While something is asked there is no chat:
/// the technician's words are never beside a question.
fn more(ui: &mut Ui, pen: &mut Pen<'_>, session: &Session, top: f32, form: &mut Form) {
    let asks = asks(session);
    if session.notice.is_none() && session.transfer.is_none() && !asks && !form.chat.open {
        return;
    }
    let room = pen.room.map_or(f32::INFINITY, |room| {
        room - (ui.cursor().top() - top) - EDGE.y
    });
    ScrollArea::vertical()
        .id_salt("more")
        .max_height(room.max(tokens::BUTTON))
        .min_scrolled_height(tokens::BUTTON)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            sheet::scroll_by_key(ui, room);
            if let Some(notice) = &session.notice {
                self::notice(ui, pen, notice);
            }
            // One thing at a time: what became of a file waits until a question is answered.
            if let Some(piece) = &session.transfer
                && session.question.is_none()
            {
                transfer::state(ui, pen, piece);
            }
            if let Some(question) = session.question {
                self::question(ui, pen, session, form, question);
            } else if !session.screens.is_empty() {
                choice(ui, pen, session);
            } else if form.chat.open {
                chat::panel(ui, pen, session, &mut form.chat, room);
            }
        });
}

/// True while the customer is asked something.
fn asks(session: &Session) -> bool {
    session.question.is_some() || !session.screens.is_empty()
}

fn state(ui: &mut Ui, pen: &mut Pen<'_>, session: &Session) {
    let name = session.technician.name.as_str();
    let texts = pen.texts;
    let (sign, sentence) = match session.state {
        BarState::View => (Sign::Eye, texts.bar_view(name)),
        BarState::Control => (Sign::Mouse, texts.bar_control(name)),
        BarState::ViewOff => (Sign::Unseen, texts.bar_view_off(name)),
        BarState::Stopped => (Sign::Stop, texts.bar_stopped(name)),
        BarState::CustomerFirst => (Sign::Person, texts.bar_you_first(name)),
        BarState::Reconnecting => (Sign::Warning, texts.bar_reconnecting()),
    };
    let colour = pen.palette(ui).text;
    let spoken = texts.a11y_bar(&sentence);
    let seen = match session.state {
        BarState::View | BarState::Control | BarState::CustomerFirst => Some(texts.a11y_frame()),
        BarState::ViewOff | BarState::Stopped | BarState::Reconnecting => None,
    };
    let said = |ui: &mut Ui| {
        let response = pen.sign(ui, sign, sentence, colour, tokens::LEAD);
        ui.ctx().accesskit_node_builder(response.id, |node| {
            node.set_label(spoken);
            if let Some(seen) = seen {
                node.set_description(seen);
            }
        });
        announce(ui, &response);
    };
    if ui.available_width() < NARROW {
        said(ui);
        return ui.vertical(|ui| recording(ui, pen, session)).inner;
    }
    ui.horizontal_top(|ui| {
        let width = ui.available_width() - RECORDING;
        ui.allocate_ui(egui::vec2(width, 0.0), |ui| {
            ui.set_width(width);
            said(ui);
        });
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Min), |ui| {
            let size = egui::vec2(RECORDING - tokens::GAP, 0.0);
            let rows = egui::Layout::top_down(egui::Align::Min);
            ui.allocate_ui_with_layout(size, rows, |ui| recording(ui, pen, session));
        });
    });
}

fn recording(ui: &mut Ui, pen: &Pen<'_>, session: &Session) {
    let (word, sign) = if session.recorded {
        (pen.texts.bar_recording(), Sign::Recording)
    } else {
        (pen.texts.bar_not_recording(), Sign::Empty)
    };
    let colour = pen.palette(ui).text;
    let response = pen.sign(ui, sign, word, colour, tokens::BODY);
    mention(ui, &response);
}

fn buttons(ui: &mut Ui, pen: &mut Pen<'_>, session: &Session, form: &mut chat::Form) {
    let texts = pen.texts;
    // One below the other, each as wide as the bar.
    pen.stretch = ui.available_width() < SLENDER;
    let mut row = |ui: &mut Ui, pen: &mut Pen<'_>| {
        pen.button(ui, Look::Stop, texts.bar_button_stop(), Action::Stop);
        match session.state {
            BarState::View => {
                pen.button(
                    ui,
                    Look::Quiet,
                    texts.bar_button_view_off(),
                    Action::ViewOff,
                );
                if session.control != ControlOffer::Unavailable && session.question.is_none() {
                    pen.grant(ui, Grant::ControlOn, texts.bar_button_control_on());
                }
            }
            BarState::Control | BarState::CustomerFirst => {
                pen.button(
                    ui,
                    Look::Quiet,
                    texts.bar_button_view_off(),
                    Action::ViewOff,
                );
                pen.button(
                    ui,
                    Look::Quiet,
                    texts.bar_button_control_off(),
                    Action::ControlOff,
                );
            }
            BarState::ViewOff | BarState::Stopped => {
                if session.question.is_none() && session.screens.is_empty() {
                    pen.grant(ui, Grant::ViewOn, texts.bar_button_view_on());
                }
            }
            BarState::Reconnecting => {}
        }
        pen.button(ui, Look::Quiet, texts.bar_button_end(), Action::AskEnd);
        move_button(ui, pen);
        sheet::language_switch(ui, pen);
        if !asks(session) {
            chat::button(ui, pen, session, form);
        }
    };
    if ui.available_width() < SLENDER {
        ui.vertical(|ui| row(ui, pen));
    } else {
        ui.horizontal_wrapped(|ui| row(ui, pen));
    }
    pen.stretch = false;
}

/// Dragged, it moves the bar freely; pressed, it sends it to the screen's next edge.
fn move_button(ui: &mut Ui, pen: &mut Pen<'_>) {
    let response = pen.plain(ui, Look::Quiet, pen.texts.bar_button_move());
    let dragged = response.interact(egui::Sense::click_and_drag());
    if dragged.drag_started() {
        pen.action = Some(Action::DragBar);
    } else if response.clicked() {
        pen.action = Some(Action::MoveBar);
    }
}

fn notice(ui: &mut Ui, pen: &mut Pen<'_>, notice: &Notice) {
    let palette = pen.palette(ui);
    let sentence = match notice {
        Notice::Reconnected => pen.texts.bar_reconnected(),
        Notice::RecorderFailed => pen.texts.bar_recorder_failed(),
        Notice::RecorderBack => pen.texts.bar_recorder_back(),
        Notice::ScreenGone => pen.texts.error_monitor_gone(),
        Notice::Unreadable(detail) => pen.texts.error_screen_unreadable(detail),
        Notice::InputUnavailable => pen.texts.error_input_unavailable(),
        Notice::Protected { .. } => pen.texts.bar_protected(),
    };
    pen.boxed(ui, palette.warning, |pen, ui| {
        let response = pen.sign(
            ui,
            Sign::Warning,
            sentence,
            palette.on_warning,
            tokens::BODY,
        );
        announce(ui, &response);
        if *notice == (Notice::Protected { elevation: true }) {
            elevate::button(ui, pen);
        }
    });
}

/// What to show, where there are several screens: asked anew whenever showing begins again.
fn choice(ui: &mut Ui, pen: &mut Pen<'_>, session: &Session) {
    let surface = pen.palette(ui).surface;
    let colour = pen.palette(ui).text;
    pen.boxed(ui, surface, |pen, ui| {
        let asked = pen.texts.monitor_title();
        let response = pen.sign(ui, Sign::Question, asked, colour, tokens::LEAD);
        announce(ui, &response);
        pen.text(ui, pen.texts.monitor_help());
        ui.horizontal_wrapped(|ui| screens::choices(ui, pen, &session.screens));
    });
}

fn question(
    ui: &mut Ui,
    pen: &mut Pen<'_>,
    session: &Session,
    form: &mut Form,
    question: Question,
) {
    let surface = pen.palette(ui).surface;
    let colour = pen.palette(ui).text;
    pen.boxed(ui, surface, |pen, ui| {
        let texts = pen.texts;
        let asked = match question {
            Question::Upgrade => texts.upgrade_title(),
            Question::End => texts.end_question(),
            Question::StillThere(ends) => texts.bar_still_there(minutes_until(pen.now, ends)),
            Question::Transfer(_) => {
                return transfer::question(ui, pen, session, form);
            }
            Question::Elevate(step) => {
                return elevate::question(ui, pen, &session.technician, step);
            }
        };
        let response = pen.sign(ui, Sign::Question, asked, colour, tokens::LEAD);
        announce(ui, &response);
        match question {
            Question::Upgrade => upgrade(ui, pen, session),
            Question::End => {
                pen.text(ui, texts.bar_question());
                ui.horizontal_wrapped(|ui| {
                    pen.button(ui, Look::Quiet, texts.end_yes(), Action::ConfirmEnd);
                    pen.grant(ui, Grant::GoOn, texts.end_no());
                });
            }
            Question::StillThere(_) => {
                pen.text(ui, texts.bar_question());
                pen.grant(ui, Grant::GoOn, texts.bar_button_stay());
            }
            Question::Transfer(_) | Question::Elevate(_) => {}
        }
    });
}

fn upgrade(ui: &mut Ui, pen: &mut Pen<'_>, session: &Session) {
    let texts = pen.texts;
    match session.control {
        ControlOffer::Unavailable => pen.text(ui, texts.consent_control_unavailable()),
        ControlOffer::Recorded { deletion } => {
            pen.text(ui, texts.upgrade_text());
            pen.text(ui, texts.upgrade_declaration(&deletion_date(pen, deletion)));
        }
    }
    ui.horizontal_wrapped(|ui| {
        if session.control != ControlOffer::Unavailable {
            pen.grant(ui, Grant::Yes, texts.upgrade_yes());
        }
        pen.button(ui, Look::Quiet, texts.upgrade_no(), Action::No);
    });
}

const EDGE: egui::Vec2 = egui::vec2(14.0, 10.0);
/// Room for the word on the recording.
const RECORDING: f32 = 230.0;
/// On a bar narrower than this, the recording's word stands beneath the state.
const NARROW: f32 = 560.0;
/// On a bar narrower than this, buttons stand one below the other.
const SLENDER: f32 = 400.0;
