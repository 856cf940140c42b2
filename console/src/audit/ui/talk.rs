//! What technician and customer wrote, beside the picture: each line at its time.

use egui::{RichText, ScrollArea, Ui};
use fernsicht_protocol::chat::Fate;
use fernsicht_protocol::frame::Direction;

use super::Wish;
use super::pages::small;
use super::timeline::clock;
use super::view::{Playing, Track};
use crate::audit::facts::writer_text;
use crate::texts::Texts;
use crate::ui::tokens::colours;

/// Draws the lines, if there are any. A time leads there.
pub fn talk(ui: &mut Ui, texts: &Texts, track: &Track, playing: &Playing) -> Option<Wish> {
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
        .show(ui, |ui| {
            let c = colours(ui);
            for said in &track.talk {
                let past = said.time <= playing.moment.time;
                let colour = if past { c.text } else { c.quiet };
                ui.horizontal(|ui| {
                    ui.spacing_mut().button_padding = egui::Vec2::new(6.0, 1.0);
                    if ui.button(small(clock(track.from, said.time))).clicked() {
                        wish = Some(Wish::Seek(said.time));
                    }
                    let edge = match said.direction {
                        Direction::ConsoleToAgent => c.accent,
                        Direction::AgentToConsole => c.text,
                    };
                    let writer = writer_text(texts, said.direction);
                    ui.label(small(writer).strong().color(edge));
                });
                ui.add(egui::Label::new(RichText::new(&said.text).color(colour)).wrap());
                match said.fate {
                    Fate::Shown => {}
                    Fate::Open => drop(ui.label(small(texts.text("audit-talk-open")))),
                    Fate::Refused => drop(ui.label(small(texts.text("audit-talk-refused")))),
                }
            }
        });
    ui.separator();
    wish
}

/// Of the column's height, at most.
const SHARE: f32 = 0.4;
const LEAST: f32 = 80.0;
