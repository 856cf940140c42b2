//! The session's menu, over the picture: views, keys that the own desktop keeps, the end. Everything of it by keyboard.

use egui::{Button, Context, Key, Modal, RichText, ScrollArea, Ui, Vec2};

use super::bar::State;
use super::placement::Scale;
use super::viewing::Act;
use super::{Action, PathFor, tokens};
use crate::input::special;
use crate::texts::Texts;

/// Draws the menu. `control`: keys can be sent. `pieces`: texts and files can; `under_way`:
/// one is. What is chosen closes it.
pub fn menu(
    ctx: &Context,
    texts: &Texts,
    state: State,
    control: bool,
    pieces: bool,
    under_way: bool,
) -> Option<Action> {
    let mut action = None;
    let id = egui::Id::unique("menu");
    let room = ctx.content_rect().size() - Vec2::splat(2.0 * tokens::GAP);
    let beside = room.x >= BESIDE;
    let width = if beside { BESIDE } else { NARROW.min(room.x) };
    let size = Vec2::new(width, room.y - 2.0 * tokens::BUTTON);
    let area = Modal::default_area(id).default_size(size);
    let modal = Modal::new(id).area(area).show(ctx, |ui| {
        ui.set_width(width);
        ScrollArea::vertical().max_height(size.y).show(ui, |ui| {
            ui.spacing_mut().button_padding = Vec2::new(10.0, 4.0);
            ui.spacing_mut().interact_size.y = 30.0;
            if beside {
                ui.columns(2, |columns| {
                    action = keys(&mut columns[0], texts, control);
                    action =
                        action
                            .take()
                            .or(views(&mut columns[1], texts, state, (pieces, under_way)));
                });
            } else {
                action = keys(ui, texts, control);
                action = action
                    .take()
                    .or(views(ui, texts, state, (pieces, under_way)));
            }
        });
    });
    if action.is_none() && modal.should_close() {
        action = Some(Action::ToggleMenu);
    }
    action
}

/// Keys to send, each with a digit that chooses it.
fn keys(ui: &mut Ui, texts: &Texts, control: bool) -> Option<Action> {
    let mut action = None;
    heading(ui, texts.text("menu-keys"));
    let arrived = ui.memory(|m| m.focused().is_none());
    for (n, combination) in special::ALL.into_iter().enumerate() {
        let name = format!("{}   {}", n + 1, texts.text(combination.name));
        let button = ui.add_enabled(control, wide(ui, RichText::new(name)));
        if n == 0 && control && arrived {
            button.request_focus();
        }
        let digit = DIGITS
            .get(n)
            .is_some_and(|digit| ui.input(|i| i.key_pressed(*digit)));
        if button.clicked() || control && digit {
            action = Some(Action::Keys(combination));
        }
    }
    let note = if control {
        "notice-f11"
    } else {
        "notice-no-control"
    };
    ui.label(RichText::new(texts.text(note)).size(tokens::SMALL).weak());
    action
}

/// How the picture is looked at, and the end.
fn views(
    ui: &mut Ui,
    texts: &Texts,
    state: State,
    (pieces, under_way): (bool, bool),
) -> Option<Action> {
    let mut action = None;
    heading(ui, texts.text("menu-view"));
    for (scale, key) in [
        (Scale::Automatic, "menu-automatic"),
        (Scale::ONE, "menu-one"),
        (Scale::Fit, "menu-fit"),
    ] {
        let chosen = Action::View(Act::Scale(scale));
        choice(
            ui,
            &texts.text(key),
            state.scale == scale,
            chosen,
            &mut action,
        );
    }
    let larger = texts.with("menu-larger", [("percent", state.percent.into())]);
    choice(ui, &larger, false, Action::View(Act::Larger), &mut action);
    let smaller = texts.text("menu-smaller");
    choice(ui, &smaller, false, Action::View(Act::Smaller), &mut action);
    for (on, key, chosen) in [
        (state.full_screen, "menu-full", Action::ToggleFullScreen),
        (state.bar_over, "menu-bar", Action::ToggleBar),
        (state.pointer, "menu-pointer", Action::TogglePointer),
        (state.statistics, "menu-stats", Action::ToggleStatistics),
    ] {
        choice(ui, &texts.text(key), on, chosen, &mut action);
    }
    heading(ui, texts.text("menu-pieces"));
    for (key, chosen) in [
        ("menu-clipboard", Action::SendClipboard),
        ("menu-file", Action::AskPath(PathFor::File)),
        ("menu-ask-file", Action::AskPath(PathFor::Folder)),
    ] {
        let button = wide(ui, RichText::new(texts.text(key)));
        if ui.add_enabled(pieces, button).clicked() {
            action = Some(chosen);
        }
    }
    if under_way {
        let cancel = texts.text("piece-cancel");
        choice(ui, &cancel, false, Action::CancelPiece, &mut action);
    } else if !pieces {
        let note = RichText::new(texts.text("menu-no-pieces"));
        ui.label(note.size(tokens::SMALL).weak());
    }
    heading(ui, texts.text("menu-session"));
    for (key, chosen) in [
        ("menu-chat", Action::ToggleChat),
        ("menu-end", Action::AskEnd),
        ("menu-close", Action::ToggleMenu),
    ] {
        choice(ui, &texts.text(key), false, chosen, &mut action);
    }
    action
}

fn choice(ui: &mut Ui, text: &str, on: bool, chosen: Action, action: &mut Option<Action>) {
    let button = wide(ui, RichText::new(text)).selected(on);
    if ui.add(button).clicked() {
        *action = Some(chosen);
    }
}

fn wide<'a>(ui: &Ui, text: RichText) -> Button<'a> {
    Button::new(text)
        .wrap()
        .min_size(Vec2::new(ui.available_width(), 30.0))
}

fn heading(ui: &mut Ui, text: String) {
    ui.add_space(tokens::NEAR);
    ui.label(RichText::new(text).strong());
}

/// Below each other, and beside each other where there is room.
const NARROW: f32 = 460.0;
const BESIDE: f32 = 720.0;

const DIGITS: [Key; 8] = [
    Key::Num1,
    Key::Num2,
    Key::Num3,
    Key::Num4,
    Key::Num5,
    Key::Num6,
    Key::Num7,
    Key::Num8,
];
