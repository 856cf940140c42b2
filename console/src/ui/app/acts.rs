//! What the technician wants, carried out: commands to the engine, pages opened and closed, the own clipboard.

use fernsicht_protocol::transfer::LONGEST_TEXT;

use super::{App, OWN_AREA};
use crate::texts::Texts;
use crate::ui::{Action, PathFor, chat};
use crate::view::{Command, Stage, View, Wish};

impl App {
    pub(super) fn act(&mut self, ctx: &egui::Context, action: Action, view: &View) {
        let menu = self.menu;
        self.menu &= matches!(
            action,
            Action::Pointed | Action::StopKey | Action::NoControl | Action::OwnArea
        );
        match action {
            Action::ToggleMenu => {
                self.menu = !menu && matches!(view.stage, Stage::Session(_));
                self.leave_chat(ctx);
            }
            Action::Keys(combination) => {
                for event in combination.events() {
                    self.session.send(Command::Input(event));
                }
            }
            Action::SendClipboard => self.send_clipboard(view),
            Action::AskPath(what) => {
                if takes_pieces(view) {
                    let usual = match what {
                        PathFor::File => String::new(),
                        PathFor::Folder => downloads(),
                    };
                    self.path = Some((what, usual));
                } else {
                    self.say("menu-no-pieces");
                }
            }
            Action::KeepPath => self.path = None,
            Action::SendFile(path) => {
                self.path = None;
                self.wish(view, Wish::File(path));
            }
            Action::AskFile(folder) => {
                self.path = None;
                self.wish(view, Wish::Ask(folder));
            }
            Action::CancelPiece => drop(self.session.send(Command::Piece(Wish::Cancel))),
            Action::Case(case) => drop(self.session.send(Command::Case(case))),
            Action::Note(note) => drop(self.session.send(Command::Note(note))),
            Action::Pointed => {
                if !std::mem::replace(&mut self.told_pointing, true) {
                    self.say("notice-pointing");
                }
            }
            Action::Enrol(token) => drop(self.session.send(Command::Enrol { token })),
            Action::NewSession => {
                self.leave_fields(view);
                self.session.send(Command::NewSession);
            }
            Action::Copy => self.copy(view),
            Action::Paste => self.paste(),
            Action::Dismiss => {
                self.leave_fields(view);
                self.session.send(Command::Dismiss);
            }
            Action::AskEnd => {
                self.asking_end = true;
                self.leave_chat(ctx);
            }
            Action::KeepOn => self.asking_end = false,
            Action::End => {
                self.asking_end = false;
                self.session.send(Command::End);
            }
            Action::View(act) => self.viewing.act(act),
            Action::ToggleFullScreen => {
                self.full_screen = !self.full_screen;
                ctx.send_viewport_cmd(egui::ViewportCommand::Fullscreen(self.full_screen));
            }
            Action::ToggleStatistics => {
                self.statistics = !self.statistics;
                self.session.send(Command::Measure(self.statistics));
            }
            Action::TogglePointer => self.pointer = !self.pointer,
            Action::ToggleBar => self.bar_over = !self.bar_over,
            Action::ToggleChat => {
                if matches!(view.stage, Stage::Session(_)) {
                    self.chat.toggle();
                }
            }
            Action::LeaveChat => self.leave_chat(ctx),
            Action::Write(text) => drop(self.session.send(Command::Write(text))),
            Action::OwnArea => self.say(OWN_AREA),
            Action::StopKey => self.say("notice-f11"),
            Action::NoControl => self.say("notice-no-control"),
            Action::Language(language) => self.texts = Texts::new(language),
        }
    }

    /// The chat's field gives the keyboard back.
    fn leave_chat(&mut self, ctx: &egui::Context) {
        self.chat.typing = false;
        ctx.memory_mut(|memory| memory.surrender_focus(chat::field()));
    }

    /// The page is left: what was typed in the same moment counts still. What was typed for a session that
    /// is over is not for the next one.
    fn leave_fields(&mut self, view: &View) {
        if matches!(view.stage, Stage::Ended { .. }) {
            let note = std::mem::take(&mut self.form.note);
            self.session.send(Command::Note(note));
            self.form.case.clear();
            self.chat = chat::Form::default();
        }
        self.session.send(Command::Case(self.form.case.clone()));
    }

    fn copy(&mut self, view: &View) {
        let Stage::Code(code) = &view.stage else {
            return;
        };
        let text = code.grouped.clone();
        if self
            .clipboard()
            .is_some_and(|clipboard| clipboard.set_text(text).is_ok())
        {
            self.say("code-copied");
        }
    }

    fn paste(&mut self) {
        let pasted = self
            .clipboard()
            .and_then(|clipboard| clipboard.get_text().ok());
        if let Some(pasted) = pasted.filter(|p| p.len() <= LONGEST_PASTE) {
            self.form.token = pasted.trim().to_owned();
        }
    }

    fn wish(&mut self, view: &View, wish: Wish) {
        match takes_pieces(view) {
            true => drop(self.session.send(Command::Piece(wish))),
            false => self.say("menu-no-pieces"),
        }
    }

    /// The technician's clipboard is read now, by his own act, and at no other time.
    fn send_clipboard(&mut self, view: &View) {
        let text = self
            .clipboard()
            .and_then(|clipboard| clipboard.get_text().ok())
            .filter(|text| !text.is_empty());
        match text {
            None => self.say("piece-no-text"),
            Some(text) if text.len() as u64 > LONGEST_TEXT => self.say("piece-text-long"),
            Some(text) => self.wish(view, Wish::Text(text)),
        }
    }

    /// Kept open: on X11 the text lives as long as its owner.
    fn clipboard(&mut self) -> Option<&mut arboard::Clipboard> {
        if self.clipboard.is_none() {
            self.clipboard = arboard::Clipboard::new().ok();
        }
        self.clipboard.as_mut()
    }
}

fn takes_pieces(view: &View) -> bool {
    matches!(&view.stage, Stage::Session(session) if session.takes_pieces)
}

/// Where downloads go on this desktop.
fn downloads() -> String {
    let user = directories::UserDirs::new();
    let folder = user.as_ref().map(|user| {
        let usual = user.download_dir().filter(|folder| folder.is_dir());
        usual.unwrap_or(user.home_dir())
    });
    folder.map_or_else(String::new, |folder| folder.display().to_string())
}

/// Longer than any token.
const LONGEST_PASTE: usize = 4096;
