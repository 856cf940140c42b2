//! The agent's own windows in the picture: marked, because what is done there has no effect.

use egui::{Align2, FontId, Rect, Shape, Stroke, Ui, pos2};
use fernsicht_protocol::content::Place;

use super::placement::Placement;
use super::tokens::{self, colours};

/// True if this pixel of the picture lies on one of them.
pub fn contains(places: &[Place], (x, y): (u16, u16)) -> bool {
    let within = |at: u16, from: u16, length: u16| at >= from && at - from < length;
    places
        .iter()
        .any(|place| within(x, place.x, place.width) && within(y, place.y, place.height))
}

/// Draws a hatched outline around each, and the word for them, within the picture's place. Returns what of it they take.
pub fn paint(ui: &Ui, placed: &Placement, places: &[Place], word: &str) -> Vec<Rect> {
    let mut taken = Vec::new();
    let ppp = f64::from(ui.ctx().pixels_per_point());
    let point = |(x, y): (f64, f64)| pos2((x / ppp) as f32, (y / ppp) as f32);
    let space = placed.space;
    let room = Rect::from_min_max(
        point((space.x, space.y)),
        point((space.x + space.width, space.y + space.height)),
    );
    let painter = ui.painter().with_clip_rect(room);
    let c = colours(ui);
    for place in places {
        let (right, bottom) = (
            u32::from(place.x) + u32::from(place.width),
            u32::from(place.y) + u32::from(place.height),
        );
        let rect = Rect::from_min_max(
            point(placed.point(place.x.into(), place.y.into())),
            point(placed.point(right.into(), bottom.into())),
        );
        if !rect.intersects(room) {
            continue;
        }
        for strip in strips(rect) {
            painter.rect_filled(strip, 0.0, c.raised);
            taken.push(strip.intersect(room));
        }
        let outline = painter.with_clip_rect(room.intersect(rect.expand(DEPTH / 2.0)));
        outline.extend(hatch(rect, Stroke::new(2.0, c.alarm)));
        // Beneath it, above it, or on it, wherever there is room.
        let font = FontId::proportional(tokens::SMALL);
        let galley = painter.layout_no_wrap(word.to_owned(), font, c.alarm);
        let size = galley.size() + egui::vec2(12.0, 4.0);
        let seen = rect.intersect(room);
        let (at, align) = if seen.bottom() + size.y <= room.bottom() {
            (seen.center_bottom(), Align2::CENTER_TOP)
        } else if seen.top() - size.y >= room.top() {
            (seen.center_top(), Align2::CENTER_BOTTOM)
        } else {
            (seen.center_top(), Align2::CENTER_TOP)
        };
        let tag = align.anchor_size(at, size);
        painter.rect_filled(tag, 4.0, c.raised);
        let corner = tag.min + egui::vec2(6.0, 2.0);
        painter.galley(corner, galley, c.alarm);
        taken.push(tag.intersect(room));
    }
    taken.retain(|rect| rect.is_positive());
    taken
}

/// The outline, half of it within: above, below, left, right.
fn strips(rect: Rect) -> [Rect; 4] {
    let (outer, inner) = (rect.expand(DEPTH / 2.0), rect.shrink(DEPTH / 2.0));
    [
        Rect::from_min_max(outer.min, pos2(outer.right(), inner.top())),
        Rect::from_min_max(pos2(outer.left(), inner.bottom()), outer.max),
        Rect::from_min_max(
            pos2(outer.left(), inner.top()),
            pos2(inner.left(), inner.bottom()),
        ),
        Rect::from_min_max(
            pos2(inner.right(), inner.top()),
            pos2(outer.right(), inner.bottom()),
        ),
    ]
}

/// Short strokes across the edges.
fn hatch(rect: Rect, stroke: Stroke) -> Vec<Shape> {
    let mut shapes = Vec::new();
    let corners = [
        rect.left_top(),
        rect.right_top(),
        rect.right_bottom(),
        rect.left_bottom(),
        rect.left_top(),
    ];
    for edge in corners.windows(2) {
        let (from, along) = (edge[0], edge[1] - edge[0]);
        let length = along.length().min(LONGEST);
        let mut at = STEP / 2.0;
        while at < length {
            let middle = from + along.normalized() * at;
            let half = egui::vec2(DEPTH, -DEPTH) / 2.0;
            shapes.push(Shape::line_segment([middle - half, middle + half], stroke));
            at += STEP;
        }
    }
    shapes
}

const STEP: f32 = 10.0;
const DEPTH: f32 = 10.0;
/// No window is longer in any picture that can be shown.
const LONGEST: f32 = 20_000.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_ends_before_its_right_and_lower_edge() {
        let places = [Place {
            x: 10,
            y: 0,
            width: 5,
            height: 65_535,
        }];
        for (at, inside) in [
            ((10, 0), true),
            ((14, 65_534), true),
            ((15, 3), false),
            ((9, 3), false),
            ((12, 65_535), false),
        ] {
            assert_eq!(contains(&places, at), inside, "{at:?}");
        }
    }
}
