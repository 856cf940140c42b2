//! The verification in words: the verdict first, then every check with sign, word and what was found.

use egui::{Align, Layout, RichText, Ui};

use super::Wish;
use super::pages::{failure, main_button, quiet};
use super::view::{Check, CheckResult, Checked, Verdict, View};
use crate::texts::Texts;
use crate::ui::signs::{self, Sign};
use crate::ui::tokens::{self, colours};

/// Draws it.
pub(super) fn verification(ui: &mut Ui, texts: &Texts, view: &View) -> Option<Wish> {
    let case = view.case.as_ref()?;
    let verdict = case.verification.verdict;
    let (sign, colour, key) = match verdict {
        Verdict::Sound => (Sign::Good, colours(ui).control, "window-verdict-sound"),
        Verdict::Incomplete => (Sign::Paused, colours(ui).view, "window-verdict-incomplete"),
        Verdict::Altered => (Sign::Alarm, colours(ui).alarm, "window-verdict-altered"),
        Verdict::Closed => (Sign::Alarm, colours(ui).alarm, "window-verdict-closed"),
    };
    signs::sign(ui, sign, colour);
    ui.label(
        RichText::new(texts.text(key))
            .size(tokens::TITLE)
            .strong()
            .color(colour),
    );
    ui.add_space(tokens::NEAR);
    failure(ui, texts, view);
    ui.label(texts.with(
        "window-whose",
        [
            ("technician", case.technician.as_str().into()),
            ("organisation", case.organisation.as_str().into()),
        ],
    ));
    quiet(
        ui,
        texts.with("window-entry", [("entry", case.entry.into())]),
    );
    ui.add_space(tokens::NEAR);
    ui.with_layout(Layout::top_down(Align::LEFT), |ui| {
        for checked in &case.verification.checks {
            check(ui, texts, checked);
        }
    });
    ui.add_space(tokens::GAP);
    let mut wish = None;
    if case.track.is_some() {
        if main_button(ui, texts.text("window-watch"), true) {
            wish = Some(Wish::Watch);
        }
        if ui.button(texts.text("window-to-export")).clicked() {
            wish = Some(Wish::Export);
        }
    }
    let close = ui.button(texts.text("window-close")).clicked();
    wish.or(close.then_some(Wish::Close))
}

fn check(ui: &mut Ui, texts: &Texts, checked: &Checked) {
    let c = colours(ui);
    let (sign, colour, word) = match checked.result {
        CheckResult::Passed => (Sign::Good, c.control, "window-passed"),
        CheckResult::Noted => (Sign::Paused, c.view, "window-noted"),
        CheckResult::Failed => (Sign::Alarm, c.alarm, "window-failed"),
        CheckResult::Skipped => (Sign::Stopped, c.quiet, "window-skipped"),
    };
    let (name, failed) = match checked.check {
        Check::Chain => ("window-check-chain", "window-failed-chain"),
        Check::Technician => ("window-check-technician", "window-failed-technician"),
        Check::Code => ("window-check-code", "window-failed-code"),
        Check::Auditor => ("window-check-auditor", "window-failed-auditor"),
        Check::Commitment => ("window-check-commitment", "window-failed-commitment"),
        Check::Frames => ("window-check-frames", "window-failed-frames"),
        Check::PeerHeads => ("window-check-heads", "window-failed-heads"),
        Check::End => ("window-check-end", "window-failed-end"),
    };
    ui.horizontal_wrapped(|ui| {
        signs::sign(ui, sign, colour);
        ui.label(format!("{}:", texts.text(name)));
        ui.label(RichText::new(texts.text(word)).strong().color(colour));
    });
    let speaks = matches!(checked.result, CheckResult::Failed | CheckResult::Noted);
    if !speaks && checked.details.is_empty() {
        return;
    }
    ui.indent(name, |ui| {
        match checked.result {
            CheckResult::Failed | CheckResult::Noted => drop(ui.label(texts.text(failed))),
            CheckResult::Passed | CheckResult::Skipped => {}
        }
        for detail in checked.details.iter().take(MOST_DETAILS) {
            quiet(ui, detail.clone());
        }
        if let Some(more) = checked
            .details
            .len()
            .checked_sub(MOST_DETAILS)
            .filter(|m| *m > 0)
        {
            quiet(ui, texts.with("window-more", [("more", more.into())]));
        }
    });
}

/// More details say nothing more; the report has them all.
const MOST_DETAILS: usize = 20;
