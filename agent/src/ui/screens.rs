//! The choice of screens, where there are several. Nothing has been captured yet: the page
//! shows where the screens lie, not what is on them.

use egui::{Align2, FontId, Rect, Sense, Stroke, StrokeKind, Ui, pos2, vec2};

use super::pen::{Look, Pen};
use super::{Action, sheet, tokens};
use crate::hand::Grant;
use crate::view::ScreenChoice;

/// Draws it.
pub(crate) fn ui(ui: &mut Ui, pen: &mut Pen<'_>, screens: &[ScreenChoice]) {
    let body = |ui: &mut Ui, pen: &mut Pen<'_>| {
        pen.title(ui, pen.texts.monitor_title());
        pen.text(ui, pen.texts.monitor_help());
        pen.text(ui, pen.texts.consent_nothing_yet());
        ui.add_space(tokens::GAP);
        choices(ui, pen, screens);
        pen.button(
            ui,
            Look::Quiet,
            pen.texts.consent_refuse_button(),
            Action::Refuse,
        );
        ui.add_space(tokens::GAP);
        plan(ui, pen, screens);
    };
    sheet::show(ui, pen, "screens", 0.0, body, |_, _| {});
}

/// A granting button for each screen, and one for all.
pub(super) fn choices(ui: &mut Ui, pen: &mut Pen<'_>, screens: &[ScreenChoice]) {
    for screen in screens {
        pen.grant(
            ui,
            Grant::Screen(Some(screen.number)),
            pen.texts.monitor_choice(screen.number),
        );
    }
    pen.grant(ui, Grant::Screen(None), pen.texts.monitor_all());
}

/// Where the screens lie, to scale.
fn plan(ui: &mut Ui, pen: &Pen<'_>, screens: &[ScreenChoice]) {
    let whole = screens
        .iter()
        .map(desktop_rect)
        .fold(Rect::NOTHING, Rect::union);
    if !whole.is_positive() {
        return;
    }
    let room = vec2(ui.available_width().min(PLAN_WIDTH), PLAN_HEIGHT);
    let scale = (room.x / whole.width()).min(room.y / whole.height());
    let (area, _) = ui.allocate_exact_size(whole.size() * scale, Sense::hover());
    let palette = pen.palette(ui);
    for screen in screens {
        let rect = desktop_rect(screen);
        let at = area.min + (rect.min - whole.min) * scale;
        let drawn = Rect::from_min_size(at, rect.size() * scale).shrink(2.0);
        ui.painter().rect(
            drawn,
            2.0,
            palette.surface,
            Stroke::new(2.0, palette.line),
            StrokeKind::Inside,
        );
        let font = FontId::proportional((drawn.height() * 0.5).clamp(tokens::BODY, 60.0));
        ui.painter().text(
            drawn.center(),
            Align2::CENTER_CENTER,
            screen.number.to_string(),
            font,
            palette.text,
        );
    }
}

fn desktop_rect(screen: &ScreenChoice) -> Rect {
    let size = vec2(f32::from(screen.width), f32::from(screen.height));
    Rect::from_min_size(pos2(f32::from(screen.x), f32::from(screen.y)), size)
}

const PLAN_WIDTH: f32 = 480.0;
const PLAN_HEIGHT: f32 = 180.0;
