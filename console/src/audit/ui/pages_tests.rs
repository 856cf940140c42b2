//! Every page, in both languages: its words are there, its controls do what they say, Tab reaches all.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use egui::Key;
use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::*;
use crate::audit::ui::Failure;
use crate::audit::ui::fake;
use crate::audit::ui::view::Verdict;

pub(crate) struct Shown {
    pub(crate) texts: Texts,
    pub(crate) view: View,
    pub(crate) form: Form,
    pub(crate) wishes: Vec<Wish>,
}

fn view(page: Page) -> View {
    View {
        page,
        who: Some(fake::who()),
        case: None,
        busy: None,
        failure: None,
    }
}

fn of_case(page: Page, verdict: Verdict) -> View {
    let mut case = fake::case(verdict);
    let index = crate::audit::index::Builder::new().finish();
    case.track = (verdict != Verdict::Closed).then(|| Arc::new((&index).into()));
    View {
        case: Some(Arc::new(case)),
        ..view(page)
    }
}

fn harness(language: Language, view: View, form: Form) -> Harness<'static, Shown> {
    let shown = Shown {
        texts: Texts::new(language),
        view,
        form,
        wishes: Vec::new(),
    };
    let mut harness = Harness::builder()
        .with_size([1000.0, 1100.0])
        .build_ui_state(
            |ui, shown: &mut Shown| {
                let wish = page(ui, &shown.texts, &shown.view, &mut shown.form);
                shown.wishes.extend(wish);
            },
            shown,
        );
    harness.run();
    harness
}

/// Names of everything that can be worked with; each must have one.
pub(crate) fn controls<S>(harness: &Harness<'_, S>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for node in harness.root().children_recursive() {
        let node = node.accesskit_node();
        let works = matches!(
            node.role(),
            Role::Button
                | Role::TextInput
                | Role::PasswordInput
                | Role::MultilineTextInput
                | Role::CheckBox
                | Role::RadioButton
                | Role::Slider
        );
        if works && !node.is_disabled() {
            let name = node.label().unwrap_or_default();
            assert!(!name.is_empty(), "{:?} has no name", node.role());
            names.insert(name);
        }
    }
    names
}

/// Names of everything that Tab comes to.
pub(crate) fn reached<S>(harness: &mut Harness<'_, S>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for _ in 0..60 {
        harness.key_press(Key::Tab);
        harness.run();
        let nodes = harness.root().children_recursive();
        let focused = nodes.filter(|n| n.accesskit_node().is_focused());
        names.extend(focused.filter_map(|n| n.accesskit_node().label()));
    }
    names
}

fn filled() -> Form {
    Form {
        token: "fst1-abc".into(),
        passphrase: Zeroizing::new("correct horse".into()),
        again: Zeroizing::new("correct horse".into()),
        reference: "2026-117".into(),
        receipt: "/home/ada/receipt.html".into(),
        code: Zeroizing::new("ABCD".into()),
        folder: "/tmp".into(),
        ..Form::default()
    }
}

fn pages() -> Vec<View> {
    let written = vec![PathBuf::from("/tmp/report.html")];
    let mut pages = vec![
        view(Page::Enrol),
        view(Page::Unlock),
        view(Page::Case(Arc::new(fake::overview()))),
        view(Page::Case(Arc::default())),
        of_case(Page::Export { written }, Verdict::Sound),
    ];
    let verdicts = [
        Verdict::Sound,
        Verdict::Incomplete,
        Verdict::Altered,
        Verdict::Closed,
    ];
    pages.extend(verdicts.map(|verdict| of_case(Page::Verification, verdict)));
    pages
}

#[test]
fn tab_reaches_everything_on_every_page_in_both_languages() {
    for language in [Language::De, Language::En] {
        for view in pages() {
            let page = format!("{:?}", view.page);
            let mut shown = harness(language, view, filled());
            let all = controls(&shown);
            assert!(all.len() >= 3, "{page}: {all:?}");
            assert!(shown.state().wishes.is_empty(), "{page} acts by itself");
            let reached = reached(&mut shown);
            let missed: Vec<_> = all.difference(&reached).collect();
            assert!(missed.is_empty(), "{page}: Tab does not reach {missed:?}");
        }
    }
}

#[test]
fn every_page_says_what_is_under_way_and_what_failed() {
    let steps = [
        Step::Enrolling,
        Step::Unlocking,
        Step::Fetching,
        Step::Verifying,
        Step::Revealing,
        Step::Exporting,
    ];
    for language in [Language::De, Language::En] {
        for step in steps {
            let busy = Some(Busy {
                what: step,
                thousandths: Some(420),
            });
            let failure = Some(Arc::new(Failure::Internal("disk on fire".into())));
            let page = Page::Case(Arc::default());
            let view = View {
                busy,
                failure,
                ..view(page)
            };
            let shown = harness(language, view, filled());
            shown.get_by_label(&step_text(&shown.state().texts, step));
            shown.get_by_label_contains("disk on fire");
            let open = shown.state().texts.text("window-open-button");
            assert!(!controls(&shown).contains(&open), "one thing after another");
        }
    }
}

#[test]
fn a_form_that_is_not_filled_is_not_sent() {
    for page in [
        Page::Enrol,
        Page::Unlock,
        Page::Case(Arc::default()),
        Page::Export {
            written: Vec::new(),
        },
    ] {
        let view = of_case(page, Verdict::Sound);
        for (form, sent) in [(Form::default(), 0), (filled(), 1)] {
            let mut shown = harness(Language::En, view.clone(), form);
            let button = match view.page {
                Page::Enrol => "Enrol",
                Page::Unlock => "Unlock",
                Page::Case(_) => "Open the recording",
                Page::Export { .. } => "Export",
                Page::Verification | Page::Replay(_) => unreachable!("not among them"),
            };
            shown.get_by_label(button).click();
            shown.run();
            assert_eq!(shown.state().wishes.len(), sent, "{button}");
        }
    }
}

#[test]
fn the_passphrase_is_asked_for_at_once_and_enter_sends_it() {
    let mut shown = harness(Language::En, view(Page::Unlock), Form::default());
    let words = "correct horse";
    shown.event(egui::Event::Text(words.into()));
    shown.run();
    assert_eq!(shown.state().form.passphrase.as_str(), words);
    assert!(
        shown.query_by_label_contains(words).is_none(),
        "it is not shown"
    );
    shown.key_press(Key::Enter);
    shown.run();
    assert_eq!(shown.state().wishes, [Wish::Submit]);
}

#[test]
fn receipt_or_code_is_chosen() {
    let page = Page::Case(Arc::new(fake::overview()));
    let mut shown = harness(Language::De, view(page), filled());
    shown.get_by_label("Pfad der Quittungsdatei");
    shown.get_by_label_contains("allein prüfberechtigt");
    shown.get_by_label_contains("Max Kurz (Hotline Nord): 17 aufgezeichnet, 5 ohne");
    shown.get_by_label("Beschwerdecode").click();
    shown.run();
    assert!(shown.state().form.by_code);
    shown.get_by_label("Beschwerdecode, sieben Vierergruppen");
}

#[test]
fn the_verdict_comes_first_and_every_check_has_its_word() {
    let view = of_case(Page::Verification, Verdict::Altered);
    let shown = harness(Language::En, view, Form::default());
    let verdict = shown.get_by_label_contains("The recording was altered");
    let check = shown.get_by_label("Every frame:");
    assert!(verdict.rect().top() < check.rect().top());
    shown.get_by_label("failed");
    shown.get_by_label_contains("record 812");
    shown.get_by_label_contains("61 days left");
    let closed = of_case(Page::Verification, Verdict::Closed);
    let shown = harness(Language::En, closed, Form::default());
    shown.get_by_label_contains("Wrong code");
    assert!(shown.query_by_label("Watch the recording").is_none());
}

#[test]
fn an_export_under_way_can_be_cancelled() {
    let mut view = of_case(
        Page::Export {
            written: Vec::new(),
        },
        Verdict::Sound,
    );
    view.busy = Some(Busy {
        what: Step::Exporting,
        thousandths: Some(250),
    });
    let mut shown = harness(Language::En, view, filled());
    shown.get_by_label("Cancel").click();
    shown.run();
    assert_eq!(shown.state().wishes, [Wish::Cancel]);
}

#[test]
fn the_language_can_be_switched() {
    let mut shown = harness(Language::De, view(Page::Unlock), Form::default());
    shown.get_by_label("English").click();
    shown.run();
    assert_eq!(shown.state().wishes, [Wish::Language(Language::En)]);
}
