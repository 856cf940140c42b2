//! The sheet that every page but the bar is drawn on: language above, the page, what must
//! always be in reach below.
//!
//! Drawn from top to bottom, so that Tab goes the way that one reads. The header and the footer
//! stay; the page between them scrolls.

use egui::{Key, Rect, ScrollArea, Ui, UiBuilder, vec2};

use super::pen::{Look, Pen};
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
    let compact = whole.height() < LOW;
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
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    language_switch(ui, pen)
                });
            },
        );
    }
    ui.scope_builder(UiBuilder::new().id_salt(name).max_rect(middle), |ui| {
        ui.set_clip_rect(middle);
        ScrollArea::vertical()
            .id_salt(name)
            .auto_shrink(false)
            .show(ui, |ui| {
                scroll_by_key(ui, middle.height());
                let width = (ui.available_width() - 2.0 * tokens::MARGIN).min(tokens::LINE);
                let left = ui.available_rect_before_wrap().left() + tokens::MARGIN;
                let inner = Rect::from_min_size(
                    egui::pos2(left, ui.cursor().top()),
                    vec2(width, f32::INFINITY),
                );
                let used = ui
                    .scope_builder(UiBuilder::new().max_rect(inner), |ui| {
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
                .max_rect(foot.shrink2(vec2(tokens::MARGIN, 8.0))),
            |ui| {
                footer(ui, pen);
            },
        );
    }
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

fn scroll_by_key(ui: &Ui, page: f32) {
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

const HEADER: f32 = 58.0;
/// Below this height there is no header.
const LOW: f32 = 480.0;
