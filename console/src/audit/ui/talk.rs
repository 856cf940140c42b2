//! What technician and customer wrote, beside the picture: each line at its time.
//!
//! Lines are of any height. How high each is, is reckoned once for a width, a few hundred a frame; a frame lays out
//! what is in sight.

use std::ops::Range;

use egui::{FontId, Label, Rect, RichText, ScrollArea, TextStyle, Ui, UiBuilder, Vec2};
use fernsicht_protocol::chat::Fate;
use fernsicht_protocol::frame::Direction;

use super::Wish;
use super::pages::small;
use super::timeline::clock;
use super::view::{Playing, Track};
use crate::audit::facts::writer_text;
use crate::audit::index::talk::Said;
use crate::texts::{Language, Texts};
use crate::ui::tokens::{self, colours};

/// How high the lines are, as far as it was reckoned.
#[derive(Debug, Default)]
pub struct Heights {
    /// For this width, scale, number of lines and language.
    of: Option<(f32, f32, usize, Language)>,
    /// Where each line ends.
    ends: Vec<f32>,
}

impl Heights {
    /// Reckons on. True once all is known.
    fn grow(&mut self, ui: &Ui, texts: &Texts, talk: &[Said]) -> bool {
        let of = (
            ui.available_width(),
            ui.ctx().pixels_per_point(),
            talk.len(),
            texts.language(),
        );
        if self.of != Some(of) {
            (self.of, self.ends) = (Some(of), Vec::new());
        }
        let fonts = [TextStyle::Body.resolve(ui.style()), small_font()];
        let high = |text: String, font: &FontId| {
            let colour = colours(ui).text;
            let galley = ui.painter().layout(text, font.clone(), colour, of.0);
            galley.size().y
        };
        for said in talk.iter().skip(self.ends.len()).take(AT_ONCE) {
            let text = high(said.text.clone(), &fonts[0]);
            let fate = fate_text(texts, &said.fate).map_or(0.0, |fate| high(fate, &fonts[1]));
            let top = self.ends.last().copied().unwrap_or_default();
            self.ends.push(top + HEAD + text + fate + GAP);
        }
        self.ends.len() == talk.len()
    }

    fn all(&self) -> f32 {
        self.ends.last().copied().unwrap_or_default()
    }

    /// The lines that touch this stretch.
    fn within(&self, from: f32, to: f32) -> Range<usize> {
        let first = self.ends.partition_point(|end| *end <= from);
        let behind = self.ends.partition_point(|end| *end < to);
        first..(behind + 1).min(self.ends.len())
    }

    fn place(&self, at: usize) -> (f32, f32) {
        let top = at.checked_sub(1).map_or(0.0, |before| self.ends[before]);
        (top, self.ends[at])
    }
}

/// Draws the lines, if there are any. A time leads there.
pub fn talk(
    ui: &mut Ui,
    texts: &Texts,
    track: &Track,
    playing: &Playing,
    heights: &mut Heights,
) -> Option<Wish> {
    if track.talk.is_empty() {
        return None;
    }
    let mut wish = None;
    ui.label(RichText::new(texts.text("window-talk")).strong());
    let room = (ui.available_height() * SHARE).max(LEAST);
    ScrollArea::vertical()
        .id_salt("talk")
        .max_height(room)
        .auto_shrink([false, true])
        .show_viewport(ui, |ui, view| {
            if !heights.grow(ui, texts, &track.talk) {
                ui.ctx().request_repaint();
            }
            let from = ui.max_rect().min;
            ui.set_height(heights.all());
            for at in heights.within(view.min.y, view.max.y) {
                let (top, end) = heights.place(at);
                let rect = Rect::from_min_size(
                    from + Vec2::new(0.0, top),
                    Vec2::new(ui.available_width(), end - top),
                );
                let builder = UiBuilder::new().id_salt(at).max_rect(rect);
                let chosen = ui.scope_builder(builder, |ui| line(ui, texts, track, playing, at));
                wish = wish.take().or(chosen.inner);
            }
        });
    ui.separator();
    wish
}

fn line(ui: &mut Ui, texts: &Texts, track: &Track, playing: &Playing, at: usize) -> Option<Wish> {
    let (said, c) = (&track.talk[at], colours(ui));
    let mut wish = None;
    ui.spacing_mut().item_spacing.y = 0.0;
    let head = Vec2::new(ui.available_width(), HEAD);
    let middle = egui::Layout::left_to_right(egui::Align::Center);
    ui.allocate_ui_with_layout(head, middle, |ui| {
        ui.spacing_mut().button_padding = Vec2::new(6.0, 1.0);
        ui.spacing_mut().interact_size.y = 22.0;
        if ui.button(small(clock(track.from, said.time))).clicked() {
            wish = Some(Wish::Seek(said.time));
        }
        let edge = match said.direction {
            Direction::ConsoleToAgent => c.accent,
            Direction::AgentToConsole => c.text,
        };
        let writer = writer_text(texts, said.direction);
        ui.label(small(writer).strong().color(edge));
        ui.set_min_height(HEAD);
    });
    let past = said.time <= playing.moment.time;
    let colour = if past { c.text } else { c.quiet };
    ui.add(Label::new(RichText::new(&said.text).color(colour)).wrap());
    if let Some(fate) = fate_text(texts, &said.fate) {
        ui.add(Label::new(small(fate)).wrap());
    }
    wish
}

/// What is to be said of a line that was not read.
fn fate_text(texts: &Texts, fate: &Fate) -> Option<String> {
    match fate {
        Fate::Shown => None,
        Fate::Open => Some(texts.text("audit-talk-open")),
        Fate::Refused => Some(texts.text("audit-talk-refused")),
    }
}

/// That of [`small`].
fn small_font() -> FontId {
    FontId::proportional(tokens::SMALL)
}

/// Of the column's height, at most.
const SHARE: f32 = 0.4;
const LEAST: f32 = 80.0;
/// Above a line's words: its time and who wrote it.
const HEAD: f32 = 26.0;
/// Between two lines.
const GAP: f32 = 6.0;
/// Lines whose height is reckoned in one frame.
const AT_ONCE: usize = 500;
