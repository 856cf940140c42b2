//! The bar of a running session, its statistics, its notices and its question.

use egui::{
    Align2, Color32, Frame, Margin, RichText, TextStyle, TextWrapMode, Ui, Vec2, WidgetText,
};

use super::placement::Scale;
use super::signs::{self, Sign};
use super::tokens::{self, Colours, colours};
use super::viewing::Act;
use super::{Action, pieces};
use crate::texts::Texts;
use crate::view::{Layout, Link, Measured, Recorder, Session};

/// What the bar shows beside the session.
#[derive(Debug, Clone, Copy)]
pub struct State {
    /// How the picture is to be shown.
    pub scale: Scale,
    /// How large it is shown, in per cent.
    pub percent: u16,
    /// The one screen that is looked at.
    pub screen: Option<u8>,
    /// Filling the screen.
    pub full_screen: bool,
    /// Statistics are shown.
    pub statistics: bool,
    /// The customer's pointer is drawn.
    pub pointer: bool,
    /// The bar stands over a picture that fills the screen.
    pub bar_over: bool,
    /// The chat stands beside the picture.
    pub chat: bool,
    /// Lines of the customer's that could not be read yet.
    pub unread: u32,
    /// In how many seconds the relay ends for maintenance.
    pub ends_in_s: Option<u64>,
    /// For how many seconds nothing has come from the customer's computer, though something should have.
    pub silent_s: Option<u64>,
}

/// The bar's content: the way to everything else, always at the same place, and what goes on.
pub fn bar(ui: &mut Ui, texts: &Texts, session: &Session, state: State) -> Option<Action> {
    let mut action = None;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().button_padding = Vec2::new(10.0, 4.0);
        ui.spacing_mut().interact_size.y = 30.0;
        for (key, chosen) in [
            ("bar-menu", Action::ToggleMenu),
            ("bar-end", Action::AskEnd),
        ] {
            let text = RichText::new(texts.text(key)).size(tokens::SMALL);
            if ui.button(text).clicked() {
                action = Some(chosen);
            }
        }
        action = action.take().or(chat(ui, texts, state));
        let (sign, text, colour) = status(texts, session, state.silent_s, colours(ui));
        told(ui, sign, colour, RichText::new(text).color(colour));
        recorded(ui, texts, session.recorded);
        if let Some(left) = state.ends_in_s {
            maintenance(ui, texts, left);
        }
    });
    if let Some(piece) = &session.piece {
        let chosen = pieces::line(ui, texts, piece);
        action = action.or(chosen);
    }
    let several = session.layout.as_ref().filter(|l| l.screens.len() > 1);
    if let Some(layout) = several.filter(|_| session.shows()) {
        let chosen = ui.horizontal_wrapped(|ui| screens(ui, texts, layout, state));
        action = action.or(chosen.inner);
    }
    action
}

/// The way to the chat; it says how much has come.
fn chat(ui: &mut Ui, texts: &Texts, state: State) -> Option<Action> {
    let c = colours(ui);
    let small = |text: String| RichText::new(text).size(tokens::SMALL);
    let button = match state.unread {
        0 => egui::Button::new(small(texts.text("bar-chat"))).selected(state.chat),
        count => {
            let text = texts.with("bar-chat-new", [("count", count.into())]);
            egui::Button::new(small(text).color(c.on_accent)).fill(c.accent)
        }
    };
    ui.add(button).clicked().then_some(Action::ToggleChat)
}

/// How long the relay is still there.
pub fn maintenance(ui: &mut Ui, texts: &Texts, left_s: u64) {
    let colour = colours(ui).alarm;
    let time = format!("{}:{:02}", left_s / 60, left_s % 60);
    let text = texts.with("bar-maintenance", [("time", time.into())]);
    let text = RichText::new(text).size(tokens::SMALL).color(colour);
    told(ui, Sign::Alarm, colour, text);
}

/// A sign and its words, which begin a row of their own where they do not fit any more.
fn told(ui: &mut Ui, sign: Sign, colour: Color32, text: RichText) {
    let words = WidgetText::from(text);
    let wrap = Some(TextWrapMode::Extend);
    let galley = words
        .clone()
        .into_galley(ui, wrap, f32::INFINITY, TextStyle::Body);
    let needed = signs::SIZE + ui.spacing().item_spacing.x + galley.size().x;
    let whole = ui.max_rect().width();
    if needed > ui.available_size_before_wrap().x && needed <= whole {
        ui.end_row();
    }
    signs::sign(ui, sign, colour);
    ui.label(words);
}

/// Whether the session is recorded, always said.
fn recorded(ui: &mut Ui, texts: &Texts, recorded: bool) {
    let c = colours(ui);
    let (sign, key, colour) = if recorded {
        (Sign::Recorded, "state-recorded", c.alarm)
    } else {
        (Sign::Unrecorded, "state-not-recorded", c.quiet)
    };
    let text = RichText::new(texts.text(key)).size(tokens::SMALL);
    told(ui, sign, colour, text);
}

/// Over a picture that fills the screen: why nothing moves. None while everything is as it looks.
pub fn badge(ctx: &egui::Context, texts: &Texts, session: &Session, silent_s: Option<u64>) {
    let paused = session.rights.control() && session.customer_active;
    if !paused && !session.protected && silent_s.is_none() && session.recorder == Recorder::Fine {
        return;
    }
    egui::Area::new(egui::Id::unique("badge"))
        .anchor(Align2::CENTER_TOP, Vec2::new(0.0, 12.0))
        .interactable(false)
        .show(ctx, |ui| {
            raised(ui).show(ui, |ui| {
                ui.horizontal(|ui| {
                    let (sign, text, colour) = status(texts, session, silent_s, colours(ui));
                    signs::sign(ui, sign, colour);
                    ui.label(RichText::new(text).color(colour).strong());
                });
            });
        });
}

/// The customer's screens, where several are shown: one of them alone, or all.
fn screens(ui: &mut Ui, texts: &Texts, shown: &Layout, state: State) -> Option<Action> {
    let mut action = None;
    let mut choice = |ui: &mut Ui, text: String, screen: Option<u8>| {
        let label = RichText::new(text).size(tokens::SMALL);
        if ui.selectable_label(state.screen == screen, label).clicked() {
            action = Some(Action::View(Act::Screen(screen)));
        }
    };
    choice(ui, texts.text("bar-screens-all"), None);
    for screen in &shown.screens {
        let text = texts.with("bar-screen", [("number", screen.number.into())]);
        choice(ui, text, Some(screen.number));
    }
    action
}

fn status(
    texts: &Texts,
    session: &Session,
    silent_s: Option<u64>,
    c: Colours,
) -> (Sign, String, Color32) {
    match session.link {
        Link::OwnLost => return (Sign::Alarm, texts.text("link-lost"), c.alarm),
        Link::PeerLost => return (Sign::Alarm, texts.text("peer-lost"), c.alarm),
        Link::Whole => {}
    }
    match session.recorder {
        Recorder::Fine => {}
        Recorder::Failed => return (Sign::Alarm, texts.text("recorder-failed"), c.alarm),
        Recorder::Back => return (Sign::Alarm, texts.text("recorder-back"), c.alarm),
        Recorder::Mismatch => return (Sign::Alarm, texts.text("recorder-mismatch"), c.alarm),
    }
    if let Some(seconds) = silent_s {
        let text = texts.with("state-silent", [("seconds", seconds.into())]);
        return (Sign::Alarm, text, c.alarm);
    }
    if session.rights.control() && session.customer_active {
        return (Sign::Paused, texts.text("state-paused"), c.alarm);
    }
    if session.protected {
        return (Sign::Paused, texts.text("state-protected"), c.alarm);
    }
    if session.rights.control() {
        return (Sign::Control, texts.text("state-control"), c.control);
    }
    if session.rights.view() {
        return (Sign::View, texts.text("state-view"), c.view);
    }
    (Sign::Stopped, texts.text("blank-title"), c.alarm)
}

/// The statistics, in a corner over the picture.
pub fn statistics(ctx: &egui::Context, texts: &Texts, measured: &Measured, by_area: bool) {
    let drawing = match by_area {
        true => "stats-drawing-areas",
        false => "stats-drawing-textures",
    };
    let number = |value: Option<f64>, digits: usize| match value {
        Some(value) => format!("{value:.digits$}"),
        None => texts.text("stats-off"),
    };
    let transport = measured
        .transport
        .map_or_else(|| texts.text("stats-off"), |t| t.to_string());
    let size = measured
        .size
        .map_or_else(|| texts.text("stats-off"), |(w, h)| format!("{w} × {h}"));
    let complete = measured
        .complete
        .map_or_else(|| texts.text("stats-off"), |n| n.to_string());
    egui::Area::new(egui::Id::unique("statistics"))
        .anchor(Align2::RIGHT_BOTTOM, Vec2::new(-12.0, -12.0))
        .interactable(false)
        .show(ctx, |ui| {
            raised(ui).show(ui, |ui| {
                ui.label(
                    RichText::new(texts.text("stats-title"))
                        .size(tokens::SMALL)
                        .strong(),
                );
                for (key, value) in [
                    ("stats-transport", transport),
                    ("stats-rtt", number(measured.rtt_ms, 1)),
                    ("stats-draw", number(measured.draw_ms, 1)),
                    ("stats-frames", number(measured.frames, 0)),
                    ("stats-bytes", number(measured.bytes.map(|b| b / 1000.0), 1)),
                    ("stats-size", size),
                    ("stats-complete", complete),
                    ("stats-drawing", texts.text(drawing)),
                ] {
                    let line = texts.with(key, [("value", value.into())]);
                    ui.label(RichText::new(line).size(tokens::SMALL));
                }
            });
        });
}

/// A notice, at the foot of the window, out of the way of everything: `beside` is what the chat takes at the right.
pub fn notice(ctx: &egui::Context, text: &str, beside: f32) {
    egui::Area::new(egui::Id::unique("notice"))
        .anchor(Align2::CENTER_BOTTOM, Vec2::new(-beside / 2.0, -24.0))
        .interactable(false)
        .show(ctx, |ui| {
            raised(ui).show(ui, |ui| ui.label(RichText::new(text).strong()));
        });
}

/// "End this session?"
pub fn end_question(ctx: &egui::Context, texts: &Texts) -> Option<Action> {
    let mut action = None;
    let modal = egui::Modal::new(egui::Id::unique("end")).show(ctx, |ui| {
        ui.label(RichText::new(texts.text("end-question")).size(tokens::TITLE));
        ui.add_space(tokens::NEAR);
        ui.horizontal(|ui| {
            if ui.button(texts.text("end-yes")).clicked() {
                action = Some(Action::End);
            }
            let keep_on = ui.button(texts.text("end-no"));
            if ui.memory(|m| m.focused().is_none()) {
                keep_on.request_focus();
            }
            if keep_on.clicked() {
                action = Some(Action::KeepOn);
            }
        });
    });
    if action.is_none() && modal.should_close() {
        action = Some(Action::KeepOn);
    }
    action
}

/// A raised ground for what lies over the picture.
pub fn raised(ui: &Ui) -> Frame {
    let c = colours(ui);
    Frame::new()
        .fill(c.raised)
        .stroke((1.0, c.line))
        .corner_radius(6)
        .inner_margin(Margin::symmetric(14, 8))
}
