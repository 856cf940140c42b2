//! The list of what the technician did, beside the picture. What was typed is masked until it is asked for.

use egui::{Align, Label, Layout, RichText, ScrollArea, Sense, TextStyle, Ui, UiBuilder, Vec2};
use fernsicht_protocol::content::Button;

use super::Wish;
use super::pages::small;
use super::timeline::clock;
use super::view::{Playing, Track};
use crate::audit::facts::{piece_outcome, piece_text};
use crate::audit::index::Time;
use crate::audit::index::input::{Act, Doing, Outcome, Tally};
use crate::audit::replay::Stroke;
use crate::texts::Texts;
use crate::ui::tokens::{self, colours};

/// Draws the list. `followed` is the act that it was last scrolled to.
pub fn list(
    ui: &mut Ui,
    texts: &Texts,
    track: &Track,
    playing: &Playing,
    followed: &mut Option<usize>,
) -> Option<Wish> {
    let piece = pieces(ui, texts, track);
    ui.label(RichText::new(texts.text("window-input")).strong());
    ui.label(small(tally_text(texts, &track.tally)));
    if track.acts.is_empty() {
        return piece;
    }
    let current = current(&track.acts, playing.moment.time);
    let mut scroll = ScrollArea::vertical().auto_shrink(false);
    if playing.running && current.is_some() && *followed != current {
        let row = ROW + ui.spacing().item_spacing.y;
        let above = ui.available_height() / 2.0;
        let offset = current.unwrap_or_default() as f32 * row - above;
        scroll = scroll.vertical_scroll_offset(offset.max(0.0));
        *followed = current;
    }
    let mut wish = piece;
    scroll.show_rows(ui, ROW, track.acts.len(), |ui, rows| {
        for at in rows {
            let now = current == Some(at);
            let revealed = playing.revealed.get(&at).map(Vec::as_slice);
            let row = row(ui, texts, track.from, (at, &track.acts[at]), now, revealed);
            wish = wish.take().or(row);
        }
    });
    wish
}

/// Texts and files: what the agent stated of them. Their content is in no recording.
fn pieces(ui: &mut Ui, texts: &Texts, track: &Track) -> Option<Wish> {
    if track.pieces.is_empty() {
        return None;
    }
    let mut wish = None;
    ui.label(RichText::new(texts.text("audit-pieces")).strong());
    ScrollArea::vertical()
        .id_salt("pieces")
        .max_height(PIECES)
        .show(ui, |ui| {
            for fact in &track.pieces {
                ui.horizontal_wrapped(|ui| {
                    if ui.button(small(clock(track.from, fact.time))).clicked() {
                        wish = Some(Wish::Seek(fact.time));
                    }
                    ui.label(small(piece_text(texts, fact)).strong());
                    ui.label(small(piece_outcome(texts, fact)));
                });
            }
        });
    ui.separator();
    wish
}

/// The act that goes on at `time`, or was the last one.
fn current(acts: &[Act], time: Time) -> Option<usize> {
    acts.partition_point(|a| a.from <= time).checked_sub(1)
}

fn row(
    ui: &mut Ui,
    texts: &Texts,
    from: Time,
    (at, act): (usize, &Act),
    now: bool,
    revealed: Option<&[Stroke]>,
) -> Option<Wish> {
    let mut wish = None;
    let size = Vec2::new(ui.available_width(), ROW);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let c = colours(ui);
    if now {
        ui.painter().rect_filled(rect, 4.0, c.raised);
        let bar = egui::Rect::from_min_size(rect.min, Vec2::new(4.0, ROW));
        ui.painter().rect_filled(bar, 0.0, c.accent);
    }
    let builder = UiBuilder::new()
        .max_rect(rect.shrink2(Vec2::new(8.0, 2.0)))
        .layout(Layout::top_down(Align::LEFT));
    ui.scope_builder(builder, |ui| {
        ui.spacing_mut().item_spacing = Vec2::new(6.0, 2.0);
        ui.spacing_mut().button_padding = Vec2::new(6.0, 1.0);
        ui.spacing_mut().interact_size.y = 22.0;
        ui.horizontal(|ui| {
            let time = clock(from, act.from);
            if ui.button(small(time)).clicked() {
                wish = Some(Wish::Seek(act.from));
            }
            let what = small(doing_text(texts, act)).strong();
            ui.add(Label::new(what).truncate());
        });
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if act.typed() {
                let (key, asked) = match revealed {
                    Some(_) => ("window-mask", Wish::Mask(at)),
                    None => ("window-reveal", Wish::Reveal(at)),
                };
                if ui.button(small(texts.text(key))).clicked() {
                    wish = Some(asked);
                }
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| match revealed {
                Some(strokes) => {
                    let words = strokes_text(texts, strokes);
                    let label = RichText::new(&words).text_style(TextStyle::Monospace);
                    ui.add(Label::new(label.size(tokens::SMALL)).truncate())
                        .on_hover_text(words);
                }
                None => {
                    let colour = match act.tally.injected == act.tally.all() {
                        true => c.quiet,
                        false => c.alarm,
                    };
                    let words = small(outcome_text(texts, &act.tally)).color(colour);
                    ui.add(Label::new(words).truncate());
                }
            });
        });
    });
    wish
}

fn doing_text(texts: &Texts, act: &Act) -> String {
    match &act.kind {
        Doing::Typed { characters, keys } => texts.with(
            "window-did-typed",
            [
                ("characters", (*characters).into()),
                ("keys", (*keys).into()),
            ],
        ),
        Doing::Moved => texts.text("window-did-moved"),
        Doing::Pressed {
            button,
            times,
            x,
            y,
        } => texts.with(
            "window-did-pressed",
            [
                ("button", button_text(texts, button).into()),
                ("times", (*times).into()),
                ("place", format!("{x}, {y}").into()),
            ],
        ),
        Doing::Scrolled => texts.text("window-did-scrolled"),
        Doing::Released => texts.text("window-did-released"),
        Doing::Unknown => texts.text("window-did-unknown"),
    }
}

fn button_text(texts: &Texts, button: &Button) -> String {
    texts.text(match button {
        Button::Left => "window-button-left",
        Button::Middle => "window-button-middle",
        Button::Right => "window-button-right",
        Button::Back => "window-button-back",
        Button::Forward => "window-button-forward",
    })
}

fn outcome_text(texts: &Texts, tally: &Tally) -> String {
    let parts = [
        ("window-injected", tally.injected),
        ("window-dropped", tally.dropped),
        ("window-withheld", tally.withheld),
        ("window-undecided", tally.undecided),
    ];
    let words: Vec<String> = parts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(key, count)| texts.with(key, [("count", count.into())]))
        .collect();
    words.join(" · ")
}

fn tally_text(texts: &Texts, tally: &Tally) -> String {
    match tally.all() {
        0 => texts.text("window-input-none"),
        1.. => outcome_text(texts, tally),
    }
}

/// What was not injected stands in brackets, with its word.
fn strokes_text(texts: &Texts, strokes: &[Stroke]) -> String {
    let mut words = String::new();
    let mut open: Option<&'static str> = None;
    for stroke in strokes {
        let key = match stroke.outcome {
            Outcome::Injected => None,
            Outcome::Dropped(_) => Some("window-stroke-dropped"),
            Outcome::Withheld => Some("window-stroke-withheld"),
            Outcome::Undecided => Some("window-stroke-undecided"),
        };
        if key != open {
            words.push_str(if open.is_some() { ")" } else { "" });
            if let Some(key) = key {
                words.push_str(&format!("({}: ", texts.text(key)));
            }
            open = key;
        }
        words.push_str(&stroke.text);
    }
    words.push_str(if open.is_some() { ")" } else { "" });
    words
}

/// The most that texts and files take of the list.
const PIECES: f32 = 160.0;

/// Height of a row: two lines.
const ROW: f32 = 54.0;
