//! The timeline: rights as bands with their words, what was done as ticks, gaps, and where we are.
//!
//! Mouse: click or drag. Keys, while it has the focus: arrows 5 s, with Shift a minute, Home, End.

use egui::{
    Align2, Color32, EventFilter, FontId, Key, Pos2, Rect, Response, Sense, Stroke, Ui, Vec2,
    WidgetInfo,
};
use fernsicht_protocol::rights::Rights;

use super::view::Track;
use crate::audit::index::Time;
use crate::texts::Texts;
use crate::ui::tokens::{self, colours};

/// Draws it; returns where to go.
pub fn timeline(ui: &mut Ui, texts: &Texts, track: &Track, now: Time) -> Option<Time> {
    let size = Vec2::new(ui.available_width().max(80.0), HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    let line = Line {
        rect,
        from: track.from,
        length: track.to.saturating_sub(track.from).max(1),
    };
    bands(ui, texts, track, &line);
    ticks(ui, track, &line);
    marks(ui, &line, track.talk.iter().map(|said| said.time));
    marks(ui, &line, track.pieces.iter().map(|fact| fact.time));
    axis(ui, &line);
    cursor(ui, &line, now, response.has_focus());
    describe(texts, track, now, &response);
    goal(ui, &response, track, &line, now)
}

/// Hours, minutes and seconds since the recording began.
pub fn clock(from: Time, time: Time) -> String {
    let seconds = time.saturating_sub(from) / 100;
    format!(
        "{}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// The words for rights.
pub fn rights_key(rights: Rights) -> &'static str {
    match rights {
        Rights::None => "window-rights-none",
        Rights::View => "window-rights-view",
        Rights::Control => "window-rights-control",
    }
}

struct Line {
    rect: Rect,
    from: Time,
    length: Time,
}

impl Line {
    fn x(&self, time: Time) -> f32 {
        let part = time.saturating_sub(self.from) as f64 / self.length as f64;
        self.rect.left() + (part.min(1.0) * f64::from(self.rect.width())) as f32
    }

    fn time(&self, x: f32) -> Time {
        let part = f64::from((x - self.rect.left()) / self.rect.width()).clamp(0.0, 1.0);
        self.from + (part * self.length as f64).round() as Time
    }
}

fn bands(ui: &Ui, texts: &Texts, track: &Track, line: &Line) {
    let c = colours(ui);
    let band = |from: Time, to: Time, colour: Color32, filled: bool, words: String| {
        let top = line.rect.top();
        let rect = Rect::from_min_max(
            Pos2::new(line.x(from), top),
            Pos2::new(line.x(to).max(line.x(from) + 1.0), top + BAND),
        );
        let text = match filled {
            true => {
                ui.painter().rect_filled(rect, 0.0, colour);
                c.raised
            }
            false => {
                ui.painter().rect_filled(rect, 0.0, c.raised);
                let stroke = Stroke::new(1.0, colour);
                ui.painter()
                    .rect_stroke(rect, 0.0, stroke, egui::StrokeKind::Inside);
                colour
            }
        };
        let font = FontId::proportional(tokens::SMALL);
        let words = ui.painter().layout_no_wrap(words, font, text);
        if words.size().x + 8.0 <= rect.width() {
            let at = rect.left_center() + Vec2::new(4.0, -words.size().y / 2.0);
            ui.painter().galley(at, words, text);
        }
    };
    for (at, change) in track.rights.iter().enumerate() {
        let to = track.rights.get(at + 1).map_or(track.to, |next| next.time);
        let (colour, filled) = match change.rights {
            Rights::None => (c.quiet, false),
            Rights::View => (c.view, true),
            Rights::Control => (c.control, true),
        };
        if to > change.time {
            let words = texts.text(rights_key(change.rights));
            band(change.time, to, colour, filled, words);
        }
    }
    for (from, to) in &track.gaps {
        band(*from, *to, c.alarm, true, texts.text("window-gap"));
    }
}

/// One line for every pixel column in which something was done.
fn ticks(ui: &Ui, track: &Track, line: &Line) {
    let colour = colours(ui).text;
    let top = line.rect.top() + BAND + 3.0;
    let mut last = f32::NEG_INFINITY;
    for act in &track.acts {
        let (from, to) = (line.x(act.from), line.x(act.to));
        if from - last < 1.0 && to - last < 1.0 {
            continue;
        }
        last = to;
        let tick = Rect::from_min_max(
            Pos2::new(from, top),
            Pos2::new(to.max(from + 1.0), top + TICKS),
        );
        ui.painter().rect_filled(tick, 0.0, colour);
    }
}

/// A mark for each of these: lines of the chat, texts, files. One for every pixel column.
fn marks(ui: &Ui, line: &Line, times: impl Iterator<Item = Time>) {
    let colour = colours(ui).accent;
    let middle = line.rect.top() + BAND + 3.0 + TICKS / 2.0;
    let mut last = f32::NEG_INFINITY;
    for x in times.map(|time| line.x(time)) {
        if (x - last).abs() < 1.0 {
            continue;
        }
        last = x;
        let at = Pos2::new(x, middle);
        ui.painter().circle_filled(at, 4.0, colour);
    }
}

fn axis(ui: &Ui, line: &Line) {
    let colour = colours(ui).quiet;
    let step = STEPS
        .into_iter()
        .find(|step| {
            f64::from(line.rect.width()) * *step as f64 / line.length as f64 > f64::from(LABEL)
        })
        .unwrap_or(STEPS[STEPS.len() - 1]);
    let bottom = line.rect.bottom();
    for time in (0..=line.length).step_by(step as usize) {
        let x = line.x(line.from + time);
        let stroke = Stroke::new(1.0, colour);
        ui.painter().vline(x, bottom - 20.0..=bottom - 14.0, stroke);
        let (at, align) = match x + LABEL / 2.0 > line.rect.right() {
            true => (line.rect.right(), Align2::RIGHT_BOTTOM),
            false => (x, Align2::LEFT_BOTTOM),
        };
        let font = FontId::proportional(tokens::SMALL - 2.0);
        let words = clock(0, time);
        ui.painter()
            .text(Pos2::new(at, bottom), align, words, font, colour);
    }
}

fn cursor(ui: &Ui, line: &Line, now: Time, focused: bool) {
    let c = colours(ui);
    let x = line.x(now);
    let stroke = Stroke::new(3.0, c.accent);
    ui.painter()
        .vline(x, line.rect.top() - 2.0..=line.rect.bottom() - 12.0, stroke);
    if focused {
        let stroke = Stroke::new(2.0, c.accent);
        let around = line.rect.expand(3.0);
        ui.painter()
            .rect_stroke(around, 4.0, stroke, egui::StrokeKind::Outside);
    }
}

fn describe(texts: &Texts, track: &Track, now: Time, response: &Response) {
    let after = track.rights.partition_point(|c| c.time <= now);
    let rights = after
        .checked_sub(1)
        .map_or(Rights::None, |at| track.rights[at].rights);
    let words = texts.with(
        "window-timeline",
        [
            ("now", clock(track.from, now).into()),
            ("length", clock(track.from, track.to).into()),
            ("rights", texts.text(rights_key(rights)).into()),
        ],
    );
    let seconds = now.saturating_sub(track.from) as f64 / 100.0;
    response.widget_info(|| WidgetInfo::slider(true, seconds, words.clone()));
}

fn goal(ui: &Ui, response: &Response, track: &Track, line: &Line, now: Time) -> Option<Time> {
    if response.clicked() || response.dragged() || response.drag_started() {
        response.request_focus();
        let at = response.interact_pointer_pos()?;
        return Some(line.time(at.x)).filter(|t| *t != now);
    }
    if !response.has_focus() {
        return None;
    }
    let filter = EventFilter {
        horizontal_arrows: true,
        ..EventFilter::default()
    };
    ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
    key_goal(ui, track, now)
}

/// Where a key leads: arrows, Home, End.
pub(super) fn key_goal(ui: &Ui, track: &Track, now: Time) -> Option<Time> {
    ui.input(|i| {
        let step = if i.modifiers.shift { LONG } else { SHORT };
        if i.key_pressed(Key::ArrowLeft) {
            Some(now.saturating_sub(step).max(track.from))
        } else if i.key_pressed(Key::ArrowRight) {
            Some((now + step).min(track.to))
        } else if i.key_pressed(Key::Home) {
            Some(track.from)
        } else if i.key_pressed(Key::End) {
            Some(track.to)
        } else {
            None
        }
    })
}

/// Five seconds, a minute.
pub(super) const SHORT: Time = 500;
const LONG: Time = 6000;

const BAND: f32 = 22.0;
const TICKS: f32 = 12.0;
const HEIGHT: f32 = BAND + TICKS + 28.0;
/// Room for the time under the axis.
const LABEL: f32 = 70.0;
/// Between two marks of the axis.
const STEPS: [Time; 9] = [
    500, 1000, 3000, 6000, 30_000, 60_000, 180_000, 360_000, 720_000,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_places_agree() {
        let line = Line {
            rect: Rect::from_min_size(Pos2::new(10.0, 0.0), Vec2::new(1000.0, 60.0)),
            from: 5000,
            length: 360_000,
        };
        for time in [5000, 5360, 185_000, 365_000] {
            assert!(line.time(line.x(time)).abs_diff(time) < 40);
        }
        assert_eq!(line.time(-5.0), 5000);
        assert_eq!(line.time(9999.0), 365_000);
        assert_eq!(clock(5000, 5000 + 372_399), "1:02:03");
    }
}
