//! The card with the complaint code: shown once, while nobody sees the screen, before anything is recorded.
//!
//! Code and QR code come first, so that both are in sight on the smallest window and on one photograph; they are
//! black on white in every theme. The two ways on are granting buttons, in the footer with the way out: always in
//! reach.

use egui::{Color32, CornerRadius, FontFamily, FontId, Rect, RichText, Sense, Ui, Vec2, vec2};

use super::pen::{Look, Pen};
use super::{Action, sheet, tokens};
use crate::hand::Grant;
use crate::view::{Card, CardCode};

/// Draws it.
pub(crate) fn ui(ui: &mut Ui, pen: &mut Pen<'_>, card: &Card) {
    let body = |ui: &mut Ui, pen: &mut Pen<'_>| {
        pen.title(ui, pen.texts.card_title());
        code(ui, pen, &card.code);
        ui.add_space(tokens::GAP);
        pen.lead(ui, pen.texts.card_how());
        pen.text(ui, pen.texts.card_once());
        pen.text(ui, pen.texts.card_why());
        pen.text(ui, pen.texts.card_secret());
        match &card.receipt {
            Some(path) => pen.text(ui, pen.texts.card_receipt(&path.display().to_string())),
            None => {
                let sentence = pen.texts.error_receipt_save();
                pen.error(ui, sentence);
            }
        }
        ui.add_space(tokens::GROUP);
        let surface = pen.palette(ui).surface;
        let skip = format!("{}: {}", pen.texts.card_skip(), pen.texts.card_skip_text());
        pen.boxed(ui, surface, |pen, ui| pen.text(ui, skip));
    };
    sheet::show(ui, pen, "card", FOOTER, body, |ui, pen| {
        ui.horizontal_centered(|ui| {
            // The way out comes first, for the keyboard too.
            let refuse = pen.texts.consent_refuse_button();
            pen.button(ui, Look::Quiet, refuse, Action::Refuse);
            pen.grant(ui, Grant::CardDone, pen.texts.card_done());
            pen.grant(ui, Grant::CardSkip, pen.texts.card_skip());
        });
    });
}

/// The groups and the QR code side by side.
fn code(ui: &mut Ui, pen: &Pen<'_>, code: &CardCode) {
    egui::Frame::new()
        .fill(Color32::WHITE)
        .corner_radius(CornerRadius::same(tokens::ROUND))
        .inner_margin(8.0)
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal(|ui| {
                let picture = picture_size(ui, code);
                let room = ui.available_width() - picture.x - tokens::GROUP;
                ui.allocate_ui(vec2(room, picture.y), |ui| {
                    ui.set_width(room);
                    ui.vertical_centered(|ui| groups(ui, code, vec2(room, picture.y)));
                });
                picture_of(ui, pen, code, picture);
            });
        });
}

/// The code in large type, in the middle of the room. Screen readers get it whole.
fn groups(ui: &mut Ui, code: &CardCode, room: Vec2) {
    let font = |size| FontId::new(size, FontFamily::Monospace);
    let letter = ui.fonts_mut(|fonts| fonts.glyph_width(&font(SMALLEST), '0'));
    // Four symbols and a blank to a group.
    let widest = 5.0 * PER_LINE as f32 * letter;
    let size = (SMALLEST * room.x / widest)
        .clamp(SMALLEST, LARGEST)
        .floor();
    let font = font(size);
    let groups: Vec<&str> = code.groups().collect();
    let lines: Vec<String> = groups.chunks(PER_LINE).map(|line| line.join(" ")).collect();
    let height = ui.fonts_mut(|fonts| fonts.row_height(&font)) * lines.len() as f32;
    ui.add_space(((room.y - height) / 2.0).max(0.0));
    let text = RichText::new(lines.join("\n"))
        .font(font)
        .color(Color32::BLACK);
    let response = ui.add(egui::Label::new(text).extend());
    let whole = groups.join("-");
    ui.ctx()
        .accesskit_node_builder(response.id, |node| node.set_value(whole));
}

/// With a quiet zone, each module as large as the room allows.
fn picture_size(ui: &Ui, code: &CardCode) -> Vec2 {
    let modules = (code.width() + 2 * QUIET) as f32;
    let module = ((ui.available_width() * 0.35) / modules)
        .clamp(4.0, 6.0)
        .floor();
    Vec2::splat(modules * module)
}

fn picture_of(ui: &mut Ui, pen: &Pen<'_>, code: &CardCode, size: Vec2) {
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let alt = pen.texts.card_qr_alt();
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &alt));
    // On whole pixels: a camera reads sharp edges better.
    let scale = ui.ctx().pixels_per_point();
    let corner = (rect.min.to_vec2() * scale).round() / scale;
    let module = size.x / (code.width() + 2 * QUIET) as f32;
    let at = |column: usize, row: usize| {
        (corner + vec2((column + QUIET) as f32, (row + QUIET) as f32) * module).to_pos2()
    };
    for row in 0..code.width() {
        let mut column = 0;
        while column < code.width() {
            let run = (column..code.width())
                .take_while(|column| code.dark(*column, row))
                .count();
            if run > 0 {
                let bar = Rect::from_min_size(at(column, row), vec2(run as f32 * module, module));
                ui.painter().rect_filled(bar, 0.0, Color32::BLACK);
            }
            column += run.max(1);
        }
    }
}

const FOOTER: f32 = 64.0;
/// Groups on a line.
const PER_LINE: usize = 4;
/// The code's letters are at least this large, and as large as the room allows.
const SMALLEST: f32 = 26.0;
const LARGEST: f32 = 38.0;
/// Modules around a QR code that stay white.
const QUIET: usize = 4;
