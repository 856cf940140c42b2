//! The replay: picture, controls, timeline, and beside them what the technician did.
//!
//! Keys: K plays and pauses (Space too, while nothing has the focus), J and L go 5 s back and on,
//! arrows, Home and End as on the timeline, + and - change the speed, S the size.

use egui::{Button, CentralPanel, Frame, Key, Margin, Panel, RichText, Ui, Vec2};
use fernsicht_protocol::content::Cause;
use fernsicht_protocol::rights::Rights;

use super::pages::{header, small};
use super::timeline::{SHORT, clock, key_goal, rights_key, timeline};
use super::view::{Case, Playing, SPEEDS, Track, View};
use super::{Wish, failure_text, list, talk};
use crate::audit::replay::{Misfit, Seen, Shown};
use crate::texts::Texts;
use crate::ui::signs::{self, Sign};
use crate::ui::tokens::{self, colours};

/// What the page itself remembers.
#[derive(Debug, Default)]
pub struct State {
    /// True if the picture is shown pixel for pixel now.
    pub exact: bool,
    followed: Option<usize>,
    talk: talk::Heights,
}

/// Draws it. `picture` fills the place of the picture.
pub fn player(
    ui: &mut Ui,
    texts: &Texts,
    view: &View,
    playing: &Playing,
    state: &mut State,
    picture: &mut dyn FnMut(&mut Ui),
) -> Option<Wish> {
    let mut wish = header(ui, texts, view);
    let case = view.case.as_ref()?;
    let track = case.track.as_ref()?;
    let c = colours(ui);
    let raised = Frame::new()
        .fill(c.raised)
        .inner_margin(Margin::symmetric(12, 6));
    Panel::top("status").frame(raised).show(ui, |ui| {
        status(ui, texts, view, case, playing);
    });
    Panel::bottom("controls").frame(raised).show(ui, |ui| {
        let controls = controls(ui, texts, track, playing, state);
        let line = timeline(ui, texts, track, playing.moment.time);
        wish = wish.take().or(controls).or(line.map(Wish::Seek));
    });
    let side = Frame::new()
        .fill(c.ground)
        .inner_margin(Margin::symmetric(10, 8));
    let width = (ui.available_width() * 0.32).clamp(240.0, 380.0);
    Panel::right("input")
        .frame(side)
        .exact_size(width)
        .show(ui, |ui| {
            let talk = talk::talk(ui, texts, track, playing, &mut state.talk);
            let list = list::list(ui, texts, track, playing, &mut state.followed);
            wish = wish.take().or(talk).or(list);
        });
    CentralPanel::default()
        .frame(Frame::new().fill(c.ground))
        .show(ui, |ui| match playing.moment.shown {
            Shown::Picture { .. } => picture(ui),
            Shown::Nothing => blank(ui, texts, playing),
        });
    wish.or_else(|| keys(ui, track, playing))
}

fn status(ui: &mut Ui, texts: &Texts, view: &View, case: &Case, playing: &Playing) {
    let c = colours(ui);
    ui.horizontal_wrapped(|ui| {
        let moment = &playing.moment;
        let (sign, colour) = match (moment.gap, moment.rights) {
            (Some(_), _) => (Sign::Alarm, c.alarm),
            (None, Rights::None) => (Sign::Stopped, c.quiet),
            (None, Rights::View) => (Sign::View, c.view),
            (None, Rights::Control) => (Sign::Control, c.control),
        };
        let key = match moment.gap {
            Some(_) => "window-gap",
            None => rights_key(moment.rights),
        };
        signs::sign(ui, sign, colour);
        ui.label(RichText::new(texts.text(key)).strong().color(colour));
        if let Some(cause) = &moment.cause {
            ui.label(small(cause_text(texts, cause)));
        }
        if moment.customer_active && moment.rights.control() {
            signs::sign(ui, Sign::Paused, c.alarm);
            ui.label(small(texts.text("window-active")).color(c.alarm));
        }
        let unproven = Seen::Unproven;
        if matches!(moment.shown, Shown::Picture { seen, .. } if seen == unproven) {
            signs::sign(ui, Sign::Paused, c.alarm);
            ui.label(small(texts.text("window-unproven")).color(c.alarm));
        }
        ui.label(small(case.technician.clone()));
    });
    if let Some(failure) = &view.failure {
        ui.label(small(failure_text(texts, failure)).color(c.alarm));
    }
    if let Some(finding) = playing.findings.last() {
        let key = match finding.what {
            Misfit::Digest { .. } => "window-misfit-digest",
            Misfit::Missing => "window-misfit-missing",
            Misfit::Undrawable(_) => "window-misfit-undrawable",
        };
        let from = case.track.as_ref().map_or(0, |t| t.from);
        let values = [
            ("time", clock(from, finding.time).into()),
            ("all", playing.findings.len().into()),
        ];
        ui.horizontal_wrapped(|ui| {
            signs::sign(ui, Sign::Alarm, c.alarm);
            ui.label(small(texts.with(key, values)).color(c.alarm));
        });
    }
}

fn controls(
    ui: &mut Ui,
    texts: &Texts,
    track: &Track,
    playing: &Playing,
    state: &State,
) -> Option<Wish> {
    let mut wish = None;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().button_padding = Vec2::new(10.0, 4.0);
        ui.spacing_mut().interact_size.y = 30.0;
        let mut button = |ui: &mut Ui, key: &str, asked: Wish| {
            if ui.button(small(texts.text(key))).clicked() {
                wish = Some(asked);
            }
        };
        let now = playing.moment.time;
        match playing.running {
            true => button(ui, "window-pause", Wish::Play(false)),
            false => button(ui, "window-play", Wish::Play(true)),
        }
        button(ui, "window-back", Wish::Seek(back(track, now)));
        button(ui, "window-on", Wish::Seek(on(track, now)));
        let scale = if state.exact { "menu-fit" } else { "menu-one" };
        button(ui, scale, Wish::ToggleScale);
        ui.label(small(format!(
            "{} / {}",
            clock(track.from, now),
            clock(track.from, track.to)
        )));
        ui.label(small(texts.text("window-speed")));
        for speed in SPEEDS {
            let chosen =
                Button::selectable(playing.speed == speed, small(speed_text(texts, speed)));
            if ui.add(chosen).clicked() {
                wish = Some(Wish::Speed(speed));
            }
        }
        let mut button = |ui: &mut Ui, key: &str, asked: Wish| {
            if ui.button(small(texts.text(key))).clicked() {
                wish = Some(asked);
            }
        };
        button(ui, "window-to-verification", Wish::Verification);
        button(ui, "window-to-export", Wish::Export);
        button(ui, "window-close", Wish::Close);
    });
    ui.label(small(texts.text("window-keys")).weak());
    wish
}

fn blank(ui: &mut Ui, texts: &Texts, playing: &Playing) {
    ui.vertical_centered(|ui| {
        ui.add_space(tokens::GAP);
        let (title, key) = match (playing.moment.gap, playing.moment.rights.view()) {
            (Some(_), _) => ("window-gap", "window-blank-gap"),
            (None, true) => ("blank-title", "window-blank-waiting"),
            (None, false) => ("blank-title", "window-blank-rights"),
        };
        ui.label(RichText::new(texts.text(title)).size(tokens::TITLE));
        ui.label(texts.text(key));
    });
}

fn keys(ui: &Ui, track: &Track, playing: &Playing) -> Option<Wish> {
    let now = playing.moment.time;
    let idle = ui.memory(|m| m.focused().is_none());
    let pressed = |key: Key| ui.input(|i| i.modifiers.is_none() && i.key_pressed(key));
    if pressed(Key::K) || idle && pressed(Key::Space) {
        return Some(Wish::Play(!playing.running));
    }
    if pressed(Key::J) {
        return Some(Wish::Seek(back(track, now)));
    }
    if pressed(Key::L) {
        return Some(Wish::Seek(on(track, now)));
    }
    if pressed(Key::S) {
        return Some(Wish::ToggleScale);
    }
    let at = SPEEDS.iter().position(|s| *s == playing.speed);
    let typed = |text: &str| {
        ui.input(|i| {
            let is = |e: &egui::Event| matches!(e, egui::Event::Text(t) if t == text);
            i.events.iter().any(is)
        })
    };
    if typed("+") {
        return SPEEDS.get(at? + 1).map(|s| Wish::Speed(*s));
    }
    if typed("-") {
        return SPEEDS.get(at?.checked_sub(1)?).map(|s| Wish::Speed(*s));
    }
    if idle {
        return key_goal(ui, track, now).map(Wish::Seek);
    }
    None
}

fn back(track: &Track, now: u64) -> u64 {
    now.saturating_sub(SHORT).max(track.from)
}

fn on(track: &Track, now: u64) -> u64 {
    (now + SHORT).min(track.to)
}

fn speed_text(texts: &Texts, halves: u8) -> String {
    let words = match halves {
        1 => texts.text("window-half"),
        2.. => (halves / 2).to_string(),
        0 => "0".to_owned(),
    };
    format!("{words}×")
}

fn cause_text(texts: &Texts, cause: &Cause) -> String {
    texts.text(match cause {
        Cause::Granted => "window-cause-granted",
        Cause::Narrowed => "window-cause-narrowed",
        Cause::Stopped => "window-cause-stopped",
        Cause::Question => "window-cause-question",
        Cause::Answered => "window-cause-answered",
        Cause::Lost => "window-cause-lost",
        Cause::Recorder => "window-cause-recorder",
        Cause::Computer => "window-cause-computer",
        Cause::Ended => "window-cause-ended",
        Cause::Epoch => "window-cause-epoch",
    })
}

#[cfg(test)]
#[path = "player_tests.rs"]
mod tests;
