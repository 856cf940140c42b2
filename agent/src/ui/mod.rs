//! The pages: each a function that draws a view and notes what was asked for.
//!
//! ```text
//! start ─► connecting ─► consent ─► (screens) ─► (card) ─► starting ─► bar ─► end
//!    └─────────────────────── privacy from any of the first three
//! ```
//!
//! Nothing here does I/O, waits, takes a lock or decides: [`crate::app`] does what an [`Action`] says.

mod bar;
mod card;
pub(crate) mod chat;
mod consent;
mod elevate;
mod end;
mod pen;
mod privacy;
mod problem;
mod receipt;
mod screens;
mod sheet;
mod sign;
mod start;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod tokens;
mod transfer;

use std::time::{Duration, Instant};

use egui::Ui;
use fernsicht_protocol::attached::Configuration;
use fernsicht_protocol::code::SessionCode;

use crate::hand::{Grant, Way};
use crate::texts::Language;
use crate::view::{Problem, Receipt, Saved, Stage, View};

pub(crate) use pen::Pen;
pub(crate) use transfer::usual_path;

/// Whom the program belongs to, as the pages name it.
#[derive(Debug, Clone, Default)]
pub struct Operator {
    /// The company.
    pub name: String,
    /// Its domain, from where the program is downloaded.
    pub domain: String,
    /// Postal address.
    pub address: String,
    /// Questions about privacy.
    pub privacy_contact: String,
    /// The data protection authority.
    pub authority: String,
    /// Legal basis.
    pub legal_basis: String,
}

impl From<&Configuration> for Operator {
    fn from(attached: &Configuration) -> Self {
        Self {
            name: attached.operator.as_str().to_owned(),
            domain: attached.domain.as_str().to_owned(),
            address: attached.address.as_str().to_owned(),
            privacy_contact: attached.privacy_contact.as_str().to_owned(),
            authority: attached.authority.as_str().to_owned(),
            legal_basis: attached.legal_basis.as_str().to_owned(),
        }
    }
}

/// What the customer has entered; it survives a change of language and of page.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form {
    /// The code as typed.
    pub(crate) code: String,
    /// The code that came with the command line.
    pub(crate) prefilled: Option<String>,
    /// What is wrong with the code as typed.
    pub(crate) error: Option<Problem>,
    /// Uses an on-screen keyboard or another aid.
    pub(crate) aid: bool,
    /// The privacy page lies over the page.
    pub(crate) privacy: bool,
    /// The page that asks where else to save the receipt lies over the end page.
    pub(crate) saving: bool,
    /// The folder as typed there.
    pub(crate) folder: String,
    /// The folder for a file that comes, or the file that could go, as typed on the bar.
    pub(crate) piece_path: String,
    /// The customer wants to close although the receipt lies nowhere: the page asks.
    pub(crate) closing: bool,
    /// The page has just appeared.
    pub(crate) arrived: bool,
    /// The chat on the bar.
    pub(crate) chat: chat::Form,
}

/// What was asked for on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// A granting button was pressed. Whether that counts is the gate's to say.
    Grant(Grant, Way),
    /// Connect with this code.
    Connect(SessionCode),
    /// Refuse.
    Refuse,
    /// More time.
    MoreTime,
    /// Stop showing.
    ViewOff,
    /// End control.
    ControlOff,
    /// Stop everything.
    Stop,
    /// Ask for the end.
    AskEnd,
    /// Yes, end it.
    ConfirmEnd,
    /// No.
    No,
    /// Ask for a start with administrator rights.
    AskElevation,
    /// Back to the start, with the code kept or not.
    Restart {
        /// True if the code may be used again.
        keep_code: bool,
    },
    /// Close the program.
    Close,
    /// Show another language.
    Language(Language),
    /// Open or close the privacy page.
    Privacy(bool),
    /// Save the receipt in this folder.
    SaveReceipt(std::path::PathBuf),
    /// Show the receipt for printing.
    PrintReceipt,
    /// End the text or file that is under way.
    TransferCancel,
    /// This file could be sent.
    TransferFile(std::path::PathBuf),
    /// What became of it was read.
    TransferSeen,
    /// Move the bar to the next edge.
    MoveBar,
    /// The bar is being dragged.
    DragBar,
    /// Send this line to the technician.
    Write(String),
}

/// Draws the page that the view asks for.
pub(crate) fn draw(ui: &mut Ui, pen: &mut Pen<'_>, view: &View, form: &mut Form) {
    if form.privacy {
        return privacy::ui(ui, pen, view);
    }
    match &view.stage {
        Stage::Start => start::ui(ui, pen, view, form, None),
        Stage::StartError(problem) => match problem::remedy(problem) {
            problem::Remedy::Code | problem::Remedy::Again => {
                start::ui(ui, pen, view, form, Some(problem))
            }
            problem::Remedy::NewCode | problem::Remedy::Close => problem::ui(ui, pen, problem),
        },
        Stage::Connecting => start::connecting_ui(ui, pen, view),
        Stage::Consent(consent) => consent::ui(ui, pen, consent, view.stop_key),
        Stage::Screens { screens, .. } => screens::ui(ui, pen, screens),
        Stage::Card(card) => card::ui(ui, pen, card),
        Stage::Starting(what) => start::starting_ui(ui, pen, *what),
        Stage::Session(session) => bar::ui(ui, pen, session, form),
        Stage::Ended(ended) => match &ended.receipt {
            Some(_) if form.closing => receipt::unsaved_ui(ui, pen, form),
            Some(receipt) if form.saving => receipt::save_ui(ui, pen, receipt, form),
            Some(_) | None => end::ui(ui, pen, ended, form),
        },
    }
}

/// True if closing the window now would leave a recorded session without a receipt.
pub(crate) fn unsaved(stage: &Stage) -> bool {
    match stage {
        Stage::Ended(ended) => ended
            .receipt
            .as_ref()
            .is_some_and(|receipt: &Receipt| receipt.saved == Saved::Nowhere),
        Stage::Start
        | Stage::StartError(_)
        | Stage::Connecting
        | Stage::Consent(_)
        | Stage::Screens { .. }
        | Stage::Card(_)
        | Stage::Starting(_)
        | Stage::Session(_) => false,
    }
}

/// True on the pages that come only after the code was tried: it serves once.
pub(crate) fn code_spent(stage: &Stage) -> bool {
    match stage {
        Stage::Start | Stage::Connecting => false,
        Stage::StartError(problem) => match problem::remedy(problem) {
            problem::Remedy::Code | problem::Remedy::Again => false,
            problem::Remedy::NewCode | problem::Remedy::Close => true,
        },
        Stage::Consent(_)
        | Stage::Screens { .. }
        | Stage::Card(_)
        | Stage::Starting(_)
        | Stage::Session(_)
        | Stage::Ended(_) => true,
    }
}

/// Whole minutes until then, rounded up, at least one.
fn minutes_until(now: Instant, then: Instant) -> u64 {
    then.saturating_duration_since(now)
        .as_secs()
        .div_ceil(60)
        .max(1)
}

/// When a page with this deadline looks different next: with each minute, and with each second of the last.
pub(crate) fn next_tick(now: Instant, deadline: Instant) -> Duration {
    let left = deadline.saturating_duration_since(now);
    if left <= consent::COUNTDOWN {
        return Duration::from_secs(1);
    }
    let into = Duration::from_nanos((left.as_nanos() % 60_000_000_000) as u64);
    into + Duration::from_millis(1)
}
