//! Texts and files, as the technician sees them: a line on the bar, and the page that asks for a path.

use std::path::PathBuf;

use egui::{Context, Key, Modal, RichText, TextEdit, Ui};
use fernsicht_protocol::transfer::{Reason, size_text};

use super::tokens::{self, colours};
use super::{Action, PathFor};
use crate::texts::{Language, Texts};
use crate::view::{Piece, PieceState};

/// How far it is, on the bar; with the way to give it up.
pub fn line(ui: &mut Ui, texts: &Texts, piece: &Piece) -> Option<Action> {
    let mut action = None;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().button_padding = egui::vec2(8.0, 1.0);
        ui.spacing_mut().interact_size.y = 22.0;
        let quiet = colours(ui).quiet;
        ui.label(
            RichText::new(sentence(texts, piece))
                .size(tokens::SMALL)
                .color(quiet),
        );
        let cancel = RichText::new(texts.text("piece-cancel")).size(tokens::SMALL);
        if piece.under_way() && ui.button(cancel).clicked() {
            action = Some(Action::CancelPiece);
        }
    });
    action
}

/// The line over a picture that fills the screen, out of the way of everything.
pub fn badge(ctx: &Context, texts: &Texts, piece: &Piece) {
    egui::Area::new(egui::Id::unique("piece"))
        .anchor(egui::Align2::LEFT_BOTTOM, egui::vec2(12.0, -12.0))
        .interactable(false)
        .show(ctx, |ui| {
            super::bar::raised(ui).show(ui, |ui| ui.label(sentence(texts, piece)));
        });
}

/// What the line says.
pub fn sentence(texts: &Texts, piece: &Piece) -> String {
    let decimal = match texts.language() {
        Language::De => ',',
        Language::En => '.',
    };
    let name = match (piece.name.is_empty(), piece.to_customer) {
        (false, _) => format!("{} ({})", piece.name, size_text(piece.size, decimal)),
        (true, true) => texts.text("piece-text"),
        (true, false) => texts.text("piece-file"),
    };
    let name = ("name", name.into());
    match &piece.state {
        PieceState::Waiting => texts.with("piece-waiting", [name]),
        PieceState::Running { percent } => {
            let speed = match piece.speed {
                Some(speed) => format!("{}/s", size_text(speed as u64, decimal)),
                None => texts.text("stats-off"),
            };
            let values = [
                name,
                ("percent", (*percent).into()),
                ("speed", speed.into()),
            ];
            texts.with("piece-running", values)
        }
        PieceState::Delivered => texts.with("piece-delivered", [name]),
        PieceState::Received(path) => {
            let path = path.display().to_string();
            texts.with("piece-received", [name, ("path", path.into())])
        }
        PieceState::Ended(reason) => {
            let why = why(texts, reason);
            texts.with("piece-ended", [name, ("why", why.into())])
        }
    }
}

/// Why a piece is over, as technicians and auditors read it.
pub fn why(texts: &Texts, reason: &Reason) -> String {
    let key = match reason {
        Reason::Refused => "piece-refused",
        Reason::Silence => "piece-silence",
        Reason::Customer => "piece-customer",
        Reason::Technician => "piece-technician",
        Reason::Stopped => "piece-stopped",
        Reason::NotNow => "piece-not-now",
        Reason::Unreadable => "piece-unreadable",
        Reason::Changed => "piece-changed",
        Reason::DiskFull => "piece-disk-full",
        Reason::NotWritable => "piece-not-writable",
        Reason::Mismatch => "piece-mismatch",
        Reason::Fault => "piece-fault",
        Reason::TooSoon { seconds } => {
            return texts.with("piece-too-soon", [("seconds", (*seconds).into())]);
        }
        Reason::TooOften => "piece-too-often",
    };
    texts.text(key)
}

/// Asks for a path. Enter takes it.
pub fn path(ctx: &Context, texts: &Texts, what: PathFor, typed: &mut String) -> Option<Action> {
    let mut action = None;
    let modal = Modal::new(egui::Id::unique("path")).show(ctx, |ui| {
        ui.set_width((ctx.content_rect().width() - 60.0).min(WIDTH));
        let (title, go) = match what {
            PathFor::File => ("path-file", "path-send"),
            PathFor::Folder => ("path-folder", "path-ask"),
        };
        let title = ui.label(RichText::new(texts.text(title)).size(tokens::TITLE));
        ui.add_space(tokens::NEAR);
        let field = TextEdit::singleline(typed)
            .desired_width(f32::INFINITY)
            .char_limit(MAX_PATH);
        let field = ui.add(field).labelled_by(title.id);
        let entered = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        if ui.memory(|m| m.focused().is_none()) {
            field.request_focus();
        }
        if what == PathFor::File {
            ui.label(
                RichText::new(texts.text("path-drop"))
                    .size(tokens::SMALL)
                    .weak(),
            );
        }
        ui.add_space(tokens::NEAR);
        ui.horizontal(|ui| {
            let pressed = ui.button(texts.text(go)).clicked();
            if (pressed || entered) && !typed.trim().is_empty() {
                let path = PathBuf::from(typed.trim());
                action = Some(match what {
                    PathFor::File => Action::SendFile(path),
                    PathFor::Folder => Action::AskFile(path),
                });
            }
            if ui.button(texts.text("path-cancel")).clicked() {
                action = Some(Action::KeepPath);
            }
        });
    });
    if action.is_none() && modal.should_close() {
        action = Some(Action::KeepPath);
    }
    action
}

/// A file that was dropped on the window.
pub fn dropped(ctx: &Context) -> Option<Action> {
    let path = ctx.input(|input| {
        let file = input.raw.dropped_files.first()?;
        Some(file.path().to_owned())
    });
    path.map(Action::SendFile)
}

const WIDTH: f32 = 640.0;
/// The longest path that Linux takes.
const MAX_PATH: usize = 4096;
