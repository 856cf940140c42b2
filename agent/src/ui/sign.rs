//! The signs that stand before sentences, painted: the fonts have no letters for them.
//!
//! Each differs from the others by its shape; colour adds nothing to what it says.

use egui::{Align2, Color32, FontId, Pos2, Rect, Shape, Stroke, Ui, vec2};

/// A sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// A step of a list.
    Step(usize),
    /// Checked, or all is well.
    Check,
    /// Beware, or an error.
    Warning,
    /// A question.
    Question,
    /// Please wait.
    Wait,
    /// Stop, or stopped.
    Stop,
    /// Somebody sees.
    Eye,
    /// Somebody controls.
    Mouse,
    /// Nobody sees.
    Unseen,
    /// Off.
    Off,
    /// The customer comes first.
    Person,
    /// Nothing is recorded.
    Empty,
    /// Everything is recorded.
    Recording,
}

/// Paints it into this square.
pub(crate) fn paint(ui: &Ui, square: Rect, sign: Sign, colour: Color32) {
    let painter = ui.painter();
    let (middle, radius) = (square.center(), square.width() / 2.0 - 1.5);
    let stroke = Stroke::new((square.width() / 11.0).max(1.5), colour);
    let at = |x: f32, y: f32| middle + vec2(x, y) * radius;
    let letter = |text: &str, place: Pos2, size: f32| {
        painter.text(
            place,
            Align2::CENTER_CENTER,
            text,
            FontId::proportional(size),
            colour,
        );
    };
    match sign {
        Sign::Recording => {
            painter.circle_stroke(middle, radius, stroke);
            painter.circle_filled(middle, radius * 0.6, colour);
        }
        Sign::Step(number) => {
            painter.circle_stroke(middle, radius, stroke);
            letter(&number.to_string(), middle, square.width() * 0.7);
        }
        Sign::Check => {
            painter.add(Shape::line(
                vec![at(-0.8, 0.1), at(-0.2, 0.7), at(0.85, -0.65)],
                stroke,
            ));
        }
        Sign::Warning => {
            painter.add(Shape::closed_line(
                vec![at(0.0, -0.9), at(1.0, 0.8), at(-1.0, 0.8)],
                stroke,
            ));
            painter.line_segment([at(0.0, -0.3), at(0.0, 0.25)], stroke);
            painter.circle_filled(at(0.0, 0.53), stroke.width * 0.65, colour);
        }
        Sign::Question => {
            painter.circle_stroke(middle, radius, stroke);
            letter("?", middle, square.width() * 0.75);
        }
        Sign::Wait => {
            painter.circle_stroke(middle, radius, stroke);
            painter.add(Shape::line(
                vec![at(0.0, -0.65), middle, at(0.45, 0.3)],
                stroke,
            ));
        }
        Sign::Stop => {
            painter.rect_filled(
                Rect::from_center_size(middle, vec2(1.0, 1.0) * radius * 1.6),
                2.0,
                colour,
            );
        }
        Sign::Eye | Sign::Unseen => {
            let lid = |side: f32| {
                (0..=12u8)
                    .map(move |step| f32::from(step) / 6.0 - 1.0)
                    .map(move |x| (x, side))
            };
            let curve = |(x, side): (f32, f32)| at(x, side * 0.62 * (1.0 - x * x));
            let points: Vec<Pos2> = lid(-1.0).chain(lid(1.0).rev()).map(curve).collect();
            painter.add(Shape::closed_line(points, stroke));
            painter.circle_filled(middle, radius * 0.32, colour);
            if sign == Sign::Unseen {
                painter.line_segment([at(-0.8, 0.85), at(0.8, -0.85)], stroke);
            }
        }
        Sign::Mouse => {
            let body = Rect::from_center_size(middle, vec2(1.25, 1.9) * radius);
            painter.rect_stroke(body, radius * 0.6, stroke, egui::StrokeKind::Middle);
            painter.line_segment([at(0.0, -0.95), at(0.0, -0.1)], stroke);
            painter.line_segment([at(-0.62, -0.1), at(0.62, -0.1)], stroke);
        }
        Sign::Off => {
            painter.circle_stroke(middle, radius, stroke);
            painter.line_segment([at(-0.7, 0.7), at(0.7, -0.7)], stroke);
        }
        Sign::Person => {
            painter.circle_stroke(at(0.0, -0.5), radius * 0.4, stroke);
            let points = [
                at(-0.8, 0.95),
                at(-0.6, 0.35),
                at(0.0, 0.1),
                at(0.6, 0.35),
                at(0.8, 0.95),
            ];
            painter.add(Shape::line(points.to_vec(), stroke));
        }
        Sign::Empty => {
            painter.circle_stroke(middle, radius * 0.75, stroke);
        }
    }
}
