//! Texts for the clipboard and files, on the bar: the question, how far it is, what became of it.

use std::path::PathBuf;

use egui::{TextEdit, Ui};
use fernsicht_protocol::transfer::{Reason, size_text};

use super::pen::{Look, Pen, announce};
use super::sign::Sign;
use super::{Action, Form, tokens};
use crate::hand::Grant;
use crate::texts::Language;
use crate::view::{Outcome, Session, Stage, Transfer};

/// What stands in the path's field when a question comes: the folder for what comes, nothing for what goes.
pub(crate) fn usual_path(stage: &Stage) -> String {
    let Stage::Session(session) = stage else {
        return String::new();
    };
    match &session.transfer {
        Some(Transfer::AskFile { folder, .. }) => folder.display().to_string(),
        Some(_) | None => String::new(),
    }
}

/// Asks. Inside the question's box.
pub(crate) fn question(ui: &mut Ui, pen: &mut Pen<'_>, session: &Session, form: &mut Form) {
    let texts = pen.texts;
    let name = session.technician.name.as_str();
    match &session.transfer {
        Some(Transfer::AskText {
            ask,
            start,
            whole,
            length,
        }) => {
            asked(ui, pen, texts.transfer_text_title(name));
            pen.text(
                ui,
                match whole {
                    true => texts.transfer_text_whole(start),
                    false => texts.transfer_text_start(start),
                },
            );
            pen.text(ui, texts.transfer_text_length(*length));
            pen.text(ui, texts.transfer_text_help());
            answers(ui, pen, *ask, Some(texts.transfer_yes()));
        }
        Some(Transfer::AskFile {
            ask,
            name: file,
            size,
            ..
        }) => {
            let size = size_text(*size, decimal(texts.language()));
            asked(ui, pen, texts.transfer_file_title(name, file, &size));
            pen.text(ui, texts.transfer_file_help());
            field(ui, pen, form, texts.transfer_folder(), None);
            answers(ui, pen, *ask, Some(texts.transfer_yes()));
        }
        Some(Transfer::AskForFile {
            ask,
            chosen,
            unreadable,
        }) => {
            asked(ui, pen, texts.transfer_want_title(name));
            pen.text(ui, texts.transfer_want_help());
            if *unreadable {
                pen.error(ui, texts.transfer_want_unreadable());
            }
            if let Some((file, size)) = chosen {
                let size = size_text(*size, decimal(texts.language()));
                pen.text(ui, texts.transfer_want_chosen(file, &size));
            }
            field(
                ui,
                pen,
                form,
                texts.transfer_want_path(),
                Some(texts.transfer_want_choose()),
            );
            dropped(ui, pen);
            let send = chosen.as_ref().map(|_| texts.transfer_send());
            answers(ui, pen, *ask, send);
        }
        Some(Transfer::Coming { .. } | Transfer::Going { .. } | Transfer::Over(_)) | None => {}
    }
}

/// How far it is, or what became of it.
pub(crate) fn state(ui: &mut Ui, pen: &mut Pen<'_>, transfer: &Transfer) {
    let texts = pen.texts;
    match transfer {
        Transfer::Coming { name, percent } => {
            running(ui, pen, texts.transfer_coming(name, *percent));
        }
        Transfer::Going { name, percent } => {
            running(ui, pen, texts.transfer_going(name, *percent));
        }
        Transfer::Over(outcome) => over(ui, pen, outcome),
        Transfer::AskText { .. } | Transfer::AskFile { .. } | Transfer::AskForFile { .. } => {}
    }
}

fn asked(ui: &mut Ui, pen: &Pen<'_>, sentence: String) {
    let colour = pen.palette(ui).text;
    let response = pen.sign(ui, Sign::Question, sentence, colour, tokens::LEAD);
    announce(ui, &response);
}

fn answers(ui: &mut Ui, pen: &mut Pen<'_>, ask: u64, yes: Option<String>) {
    ui.horizontal_wrapped(|ui| {
        if let Some(yes) = yes {
            pen.grant(ui, Grant::TransferYes(ask), yes);
        }
        let no = pen.texts.transfer_no();
        pen.grant(ui, Grant::TransferNo(ask), no);
    });
}

/// The path of a folder or a file, and the button that takes it.
fn field(ui: &mut Ui, pen: &mut Pen<'_>, form: &mut Form, label: String, take: Option<String>) {
    pen.text(ui, label.clone());
    ui.horizontal_wrapped(|ui| {
        let beside = if take.is_some() { BUTTON } else { 0.0 };
        let field = TextEdit::singleline(&mut form.piece_path)
            .id(egui::Id::unique("piece path"))
            .char_limit(MAX_PATH)
            .desired_width((ui.available_width() - beside - 24.0).max(120.0))
            .margin(egui::Margin::symmetric(10, 6));
        let response = ui.add(field);
        ui.ctx()
            .accesskit_node_builder(response.id, |node| node.set_label(label));
        let Some(take) = take else { return };
        let pressed = pen.plain(ui, Look::Quiet, take).clicked();
        if pressed && !form.piece_path.trim().is_empty() {
            let path = PathBuf::from(form.piece_path.trim());
            pen.action = Some(Action::TransferFile(path));
        }
    });
}

/// A file that was dragged here.
fn dropped(ui: &Ui, pen: &mut Pen<'_>) {
    let path = ui.input(|input| Some(input.raw.dropped_files.first()?.path().to_owned()));
    if let Some(path) = path {
        pen.action = Some(Action::TransferFile(path));
    }
}

fn running(ui: &mut Ui, pen: &mut Pen<'_>, sentence: String) {
    let surface = pen.palette(ui).surface;
    pen.boxed(ui, surface, |pen, ui| {
        pen.text(ui, sentence);
        let cancel = pen.texts.transfer_cancel();
        pen.button(ui, Look::Quiet, cancel, Action::TransferCancel);
    });
}

fn over(ui: &mut Ui, pen: &mut Pen<'_>, outcome: &Outcome) {
    let texts = pen.texts;
    let (good, sentence) = match outcome {
        Outcome::Clipboard => (true, texts.transfer_clipboard()),
        Outcome::Received(path) => (true, texts.transfer_received(&path.display().to_string())),
        Outcome::Sent(name) => (true, texts.transfer_sent(name)),
        Outcome::Partly => (false, texts.transfer_partly()),
        Outcome::Over(reason) => (
            false,
            match reason {
                Reason::Silence => texts.transfer_unanswered(),
                Reason::DiskFull => texts.transfer_disk_full(),
                Reason::NotWritable => texts.transfer_not_writable(),
                Reason::Changed | Reason::Unreadable => texts.transfer_changed(),
                Reason::Mismatch => texts.transfer_damaged(),
                Reason::Refused
                | Reason::Customer
                | Reason::Technician
                | Reason::Stopped
                | Reason::NotNow
                | Reason::Fault
                | Reason::TooSoon { .. }
                | Reason::TooOften => texts.transfer_over(),
            },
        ),
    };
    let surface = pen.palette(ui).surface;
    pen.boxed(ui, surface, |pen, ui| {
        let palette = pen.palette(ui);
        let (sign, colour) = match good {
            true => (Sign::Check, palette.good),
            false => (Sign::Warning, palette.text),
        };
        let response = pen.sign(ui, sign, sentence, colour, tokens::BODY);
        announce(ui, &response);
        let seen = pen.texts.transfer_seen();
        pen.button(ui, Look::Quiet, seen, Action::TransferSeen);
    });
}

fn decimal(language: Language) -> char {
    match language {
        Language::De => ',',
        Language::En => '.',
    }
}

/// Room for the button beside the field.
const BUTTON: f32 = 220.0;
/// The longest path that Linux takes.
const MAX_PATH: usize = 4096;
