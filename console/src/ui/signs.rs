//! The signs of the states, drawn, because no font is sure to have them.

use egui::{Color32, Pos2, Rect, Sense, Shape, Stroke, Ui, Vec2};

/// What a sign means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Something is wrong.
    Alarm,
    /// Checked and in order.
    Good,
    /// We look.
    View,
    /// We act.
    Control,
    /// We wait.
    Paused,
    /// Nothing goes on.
    Stopped,
    /// What goes on is recorded.
    Recorded,
    /// It is not.
    Unrecorded,
}

/// Draws a sign beside its words.
pub fn sign(ui: &mut Ui, sign: Sign, colour: Color32) {
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(SIZE), Sense::hover());
    let painter = ui.painter();
    let at = |x: f32, y: f32| rect.min + Vec2::new(x, y) * SIZE;
    let block = |x: f32, width: f32| Rect::from_min_max(at(x, 0.15), at(x + width, 0.85));
    let triangle = |points: [Pos2; 3]| Shape::convex_polygon(points.to_vec(), colour, Stroke::NONE);
    match sign {
        Sign::Alarm => {
            painter.add(triangle([at(0.5, 0.05), at(1.0, 0.95), at(0.0, 0.95)]));
        }
        Sign::Good => {
            let tick = vec![at(0.08, 0.55), at(0.38, 0.85), at(0.95, 0.15)];
            painter.add(Shape::line(tick, Stroke::new(3.0, colour)));
        }
        Sign::View => {
            painter.circle_stroke(rect.center(), SIZE * 0.4, Stroke::new(2.0, colour));
            painter.circle_filled(rect.center(), SIZE * 0.18, colour);
        }
        Sign::Control => {
            painter.add(triangle([at(0.15, 0.05), at(0.95, 0.5), at(0.15, 0.95)]));
        }
        Sign::Paused => {
            painter.rect_filled(block(0.15, 0.25), 0.0, colour);
            painter.rect_filled(block(0.6, 0.25), 0.0, colour);
        }
        Sign::Stopped => {
            painter.rect_filled(block(0.15, 0.7), 0.0, colour);
        }
        Sign::Unrecorded => {
            painter.circle_stroke(rect.center(), SIZE * 0.35, Stroke::new(2.0, colour));
        }
        Sign::Recorded => {
            painter.circle_filled(rect.center(), SIZE * 0.35, colour);
        }
    }
}

pub(super) const SIZE: f32 = 18.0;
