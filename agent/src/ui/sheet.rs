//! The sheet that every page but the bar is drawn on: whose program it is and the language above,
//! the page, what must always be in reach below.
//!
//! Drawn from top to bottom, so that Tab goes the way that one reads. The header and the footer
//! stay; the page between them scrolls.

use egui::{Key, Rect, ScrollArea, Ui, UiBuilder, vec2};

use super::pen::{Look, Pen, announce};
use super::sign::Sign;
use super::{Action, tokens};
use crate::texts::Language;

/// Draws the sheet. The footer has this height; 0 is none.
pub(crate) fn show(
    ui: &mut Ui,
    pen: &mut Pen<'_>,
    name: &str,
    footer_height: f32,
    body: impl FnOnce(&mut Ui, &mut Pen<'_>),
    footer: impl FnOnce(&mut Ui, &mut Pen<'_>),
) {
    let whole = ui.max_rect();
    // On a low window every line counts: the language comes after the page.
    let compact = whole.height() < tokens::LOW;
    pen.low = compact;
    ui.painter().rect_filled(whole, 0.0, pen.palette(ui).ground);
    let header = Rect::from_min_size(
        whole.min,
        vec2(whole.width(), if compact { 0.0 } else { HEADER }),
    );
    let foot = Rect::from_min_max(
        egui::pos2(whole.left(), whole.bottom() - footer_height),
        whole.max,
    );
    let middle = Rect::from_min_max(header.left_bottom(), foot.right_top());

    if !compact {
        ui.scope_builder(
            UiBuilder::new()
                .id_salt("header")
                .max_rect(header.shrink2(vec2(tokens::MARGIN, 6.0))),
            |ui| {
                ui.set_clip_rect(header);
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    language_switch(ui, pen);
                    // A file without a configuration names nobody.
                    if pen.operator.name.is_empty() {
                        return;
                    }
                    let rest = egui::Layout::left_to_right(egui::Align::Center);
                    ui.with_layout(rest, |ui| {
                        let font = tokens::strong(tokens::BODY);
                        let whose = egui::RichText::new(pen.texts.app_title()).font(font);
                        ui.add(egui::Label::new(whose).truncate());
                    });
                });
            },
        );
        let line = egui::Stroke::new(1.0, pen.palette(ui).line);
        ui.painter().hline(whole.x_range(), header.bottom(), line);
    }
    ui.scope_builder(UiBuilder::new().id_salt(name).max_rect(middle), |ui| {
        ui.set_clip_rect(middle);
        ScrollArea::vertical()
            .id_salt(name)
            .auto_shrink(false)
            .show(ui, |ui| {
                scroll_by_key(ui, middle.height());
                let room = ui.available_rect_before_wrap();
                let width = (room.width() - 2.0 * tokens::MARGIN).min(tokens::LINE);
                let left = (room.center().x - width / 2.0).round();
                ui.add_space(if compact {
                    tokens::TIGHT
                } else {
                    tokens::GROUP
                });
                let inner = Rect::from_min_size(
                    egui::pos2(left, ui.cursor().top()),
                    vec2(width, f32::INFINITY),
                );
                let used = ui
                    .scope_builder(UiBuilder::new().max_rect(inner), |ui| {
                        if compact {
                            ui.spacing_mut().item_spacing.y = tokens::TIGHT;
                        }
                        if pen.started_again {
                            started_again(ui, pen);
                        }
                        body(ui, pen);
                        if compact {
                            language_switch(ui, pen);
                        }
                    })
                    .response
                    .rect;
                ui.advance_cursor_after_rect(used);
                ui.add_space(tokens::MARGIN);
            });
    });
    if footer_height > 0.0 {
        let line = egui::Stroke::new(1.0, pen.palette(ui).line);
        ui.painter().hline(whole.x_range(), foot.top(), line);
        ui.scope_builder(
            UiBuilder::new()
                .id_salt("footer")
                .max_rect(foot.shrink2(vec2(tokens::MARGIN, 6.0))),
            |ui| {
                ui.set_clip_rect(foot);
                footer(ui, pen);
            },
        );
    }
}

/// The program was started once more: this is the window that was open.
fn started_again(ui: &mut Ui, pen: &mut Pen<'_>) {
    let palette = pen.palette(ui);
    pen.boxed(ui, palette.warning, |pen, ui| {
        let sentence = pen.texts.error_already_running();
        let ink = palette.on_warning;
        let said = pen.sign(ui, Sign::Warning, sentence, ink, tokens::BODY);
        announce(ui, &said);
    });
}

/// The button to the other language, in that language.
pub(crate) fn language_switch(ui: &mut Ui, pen: &mut Pen<'_>) {
    let (other, name) = match pen.texts.language() {
        Language::De => (Language::En, pen.texts.language_en()),
        Language::En => (Language::De, pen.texts.language_de()),
    };
    let label = format!("{}: {name}", pen.texts.language_switch());
    let response = pen.plain(ui, Look::Quiet, name);
    ui.ctx()
        .accesskit_node_builder(response.id, |node| node.set_label(label));
    if response.clicked() {
        pen.action = Some(Action::Language(other));
    }
}

/// Page Up and Page Down.
pub(crate) fn scroll_by_key(ui: &Ui, page: f32) {
    let step = ui.input(|input| {
        let pressed = |key| f32::from(u8::from(input.key_pressed(key)));
        pressed(Key::PageUp) - pressed(Key::PageDown)
    });
    if step != 0.0 {
        ui.scroll_with_delta(vec2(
            0.0,
            step * (page - 2.0 * tokens::BODY).max(tokens::BODY),
        ));
    }
}

const HEADER: f32 = 60.0;
