//! Every page and every error, in both languages, on light and dark ground, on the smallest window at
//! 100, 125 and 200 %: what is drawn is looked at shape by shape, and what screen readers get node by node.

use std::collections::BTreeSet;

use egui::epaint::{ClippedShape, Shape};
use egui::{Color32, Rect, Theme, Vec2};

use super::*;
use crate::ui::tokens::contrast;

/// The smallest window, in logical pixels.
const SMALLEST: Vec2 = Vec2::new(640.0, 360.0);
/// Sizes of the desktop's pixels.
const SCALES: [f32; 3] = [1.0, 1.25, 2.0];

/// A page, what the customer has entered there, and what else was found.
struct Page {
    name: String,
    view: View,
    form: Form,
    started_again: bool,
}

impl Page {
    fn of(name: &str, stage: Stage) -> Self {
        Self {
            name: name.to_owned(),
            view: view(stage),
            form: Form::default(),
            started_again: false,
        }
    }

    fn form(mut self, change: impl FnOnce(&mut Form)) -> Self {
        change(&mut self.form);
        self
    }

    fn view(mut self, change: impl FnOnce(&mut View)) -> Self {
        change(&mut self.view);
        self
    }

    fn open(&self, language: Language, theme: Theme, scale: f32) -> Harness<'static, Shown> {
        let mut shown = Shown::of(self.view.clone(), language);
        shown.form = self.form.clone();
        shown.started_again = self.started_again;
        shown.room = Some(SMALLEST.y);
        let mut harness = open(shown, SMALLEST, theme, scale);
        harness.run_steps(3);
        harness
    }
}

/// All of [`pages`], and those that only differ by what was entered or found.
fn every_page(now: Instant) -> Vec<Page> {
    let pages = pages(now);
    let mut all: Vec<Page> = pages
        .into_iter()
        .map(|(name, stage)| Page::of(&name, stage))
        .collect();
    for key in [StopKey::Unknown, StopKey::Shared, StopKey::Unavailable] {
        for stage in [Stage::Start, Stage::Connecting] {
            let name = format!("{key:?} {stage:?}");
            all.push(Page::of(&name, stage).view(|view| view.stop_key = key));
        }
    }
    all.push(Page::of("F11 tried", Stage::Start).view(|view| view.stop_presses = 1));
    let lost = "/home/erika/Dokumente/Fernhilfe-Beleg-2026-11-22-1405.html";
    all.push(Page::of("recovered", Stage::Start).view(|view| view.recovered = Some(lost.into())));
    all.push(Page::of("prefilled", Stage::Start).form(|form| {
        form.code = "4812 073 956".to_owned();
        form.prefilled = Some(form.code.clone());
    }));
    for error in [Problem::CodeLetters, Problem::CodeShort, Problem::CodeTypo] {
        let name = format!("{error:?}");
        all.push(Page::of(&name, Stage::Start).form(|form| form.error = Some(error)));
    }
    let recorded = ControlOffer::Recorded {
        deletion: 1_900_000_000,
    };
    for stage in [Stage::Start, consent(recorded.clone(), now)] {
        all.push(Page::of("privacy", stage).form(|form| form.privacy = true));
    }
    for left in [110, 42] {
        let stage = Stage::Consent(Consent {
            technician: technician(),
            control: recorded.clone(),
            deadline: now + Duration::from_secs(left),
            input_possible: true,
        });
        all.push(Page::of("consent, last minutes", stage));
    }
    let stage = Stage::Consent(Consent {
        technician: technician(),
        control: recorded,
        deadline: now + Duration::from_secs(300),
        input_possible: false,
    });
    all.push(Page::of("consent, no input", stage));
    for failed in [false, true] {
        let receipt = Receipt {
            failed,
            ..receipt(Saved::At("/home/erika/b.html".into()))
        };
        let stage = ended_with(Some(receipt));
        all.push(Page::of("save", stage).form(|form| form.saving = true));
    }
    let stage = ended_with(Some(receipt(Saved::Nowhere)));
    all.push(Page::of("unsaved", stage).form(|form| form.closing = true));
    let question = Session {
        question: Some(Question::Upgrade),
        control: ControlOffer::Unavailable,
        notice: Some(Notice::RecorderFailed),
        ..session(BarState::View)
    };
    all.push(Page::of("upgrade, no recorder", Stage::Session(question)));
    for recorded in [false, true] {
        let session = Session {
            recorded,
            chat: chat(),
            notice: recorded.then_some(Notice::Reconnected),
            ..session(BarState::View)
        };
        let stage = Stage::Session(session);
        all.push(Page::of("bar, unread", stage.clone()));
        all.push(Page::of("bar, chat", stage).form(|form| {
            form.chat.open = true;
            form.chat.text = "Wo soll ich drücken?".to_owned();
        }));
    }
    all.push(Page {
        started_again: true,
        ..Page::of("started again", Stage::Start)
    });
    all
}

/// Calls `look` for every page in every look, with a name for complaints.
fn everywhere(mut look: impl FnMut(&Page, &mut Harness<'_, Shown>, &str)) {
    for page in every_page(Instant::now()) {
        for language in [Language::De, Language::En] {
            for (theme, scale) in [Theme::Light, Theme::Dark].into_iter().zip(SCALES) {
                let name = format!("{} {language:?} {theme:?} {scale}", page.name);
                look(&page, &mut page.open(language, theme, scale), &name);
            }
            let name = format!("{} {language:?} 200 %", page.name);
            look(&page, &mut page.open(language, Theme::Light, 2.0), &name);
        }
    }
}

/// A text as it is drawn: where, within what, in which colours, on what.
#[derive(Debug)]
struct Written {
    text: String,
    rect: Rect,
    clip: Rect,
    inks: Vec<Color32>,
    ground: Color32,
}

fn written(shapes: &[ClippedShape]) -> Vec<Written> {
    let (mut texts, mut grounds) = (Vec::new(), Vec::new());
    for ClippedShape {
        clip_rect, shape, ..
    } in shapes
    {
        gather(shape, *clip_rect, &mut texts, &mut grounds);
    }
    texts
}

fn gather(shape: &Shape, clip: Rect, texts: &mut Vec<Written>, grounds: &mut Vec<(Rect, Color32)>) {
    #[expect(clippy::wildcard_enum_match_arm, reason = "signs are no words")]
    match shape {
        Shape::Vec(shapes) => shapes
            .iter()
            .for_each(|shape| gather(shape, clip, texts, grounds)),
        Shape::Rect(rect) if rect.fill.a() == 255 => {
            grounds.push((rect.rect.intersect(clip), rect.fill));
        }
        Shape::Text(text) if !text.galley.text().trim().is_empty() => {
            let rect = text.galley.rect.translate(text.pos.to_vec2());
            let ink = |colour: Color32| match (text.override_text_color, colour) {
                (Some(colour), _) => colour,
                (None, Color32::PLACEHOLDER) => text.fallback_color,
                (None, colour) => colour,
            };
            let sections = text.galley.job.sections.iter();
            let ground = grounds
                .iter()
                .rfind(|(ground, _)| ground.contains(rect.intersect(clip).center()))
                .map_or(Color32::TRANSPARENT, |(_, colour)| *colour);
            texts.push(Written {
                text: text.galley.text().to_owned(),
                rect,
                clip,
                inks: sections.map(|section| ink(section.format.color)).collect(),
                ground,
            });
        }
        _ => {}
    }
}

#[test]
fn no_text_leaves_its_place_and_all_of_it_stands_out() {
    everywhere(|_, harness, name| {
        let texts = written(&harness.output().shapes);
        assert!(!texts.is_empty(), "{name} is empty");
        let window = Rect::from_min_size(egui::Pos2::ZERO, SMALLEST);
        for text in &texts {
            let (rect, clip) = (text.rect.shrink(0.5), text.clip);
            assert!(
                rect.left() >= clip.left() && rect.right() <= clip.right(),
                "{name}: {:?} is cut off at the side: {text:?}",
                text.text
            );
            assert!(window.expand(0.5).contains_rect(clip), "{name}: {text:?}");
            // What scrolls may be out of sight, but not what stands above or below it.
            let visible = rect.intersects(clip);
            let stays = clip.height() < 80.0;
            assert!(
                !stays || clip.contains_rect(rect),
                "{name}: {text:?} is cut off"
            );
            if !visible {
                continue;
            }
            for ink in &text.inks {
                let stands_out = contrast(*ink, text.ground);
                assert!(stands_out >= 7.0, "{name}: {text:?} has {stands_out:.2}");
            }
        }
        let bar = harness.state().bar_height.unwrap_or_default();
        assert!(bar <= SMALLEST.y, "{name}: the bar is {bar} high");
        for (index, one) in texts.iter().enumerate() {
            for other in &texts[index + 1..] {
                let both = one.rect.shrink(3.0).intersect(other.rect.shrink(3.0));
                let seen = both.intersect(one.clip).intersect(other.clip);
                assert!(!seen.is_positive(), "{name}: {one:?} lies on {other:?}");
            }
        }
    });
}

/// The nodes that somebody can act on.
fn controls(
    harness: &Harness<'_, Shown>,
) -> Vec<(egui::Role, Option<String>, egui::accesskit::NodeId)> {
    use egui::Role;
    let roles = [Role::Button, Role::TextInput, Role::CheckBox];
    let mut found = Vec::new();
    for role in roles {
        for node in harness.query_all_by_role(role) {
            let node = node.accesskit_node();
            found.push((role, node.label(), node.locate().0));
        }
    }
    found
}

#[test]
fn every_control_has_a_name_and_is_reached_by_tab() {
    everywhere(|_, harness, name| {
        let wanted = controls(harness);
        for (role, label, _) in &wanted {
            let named = label.as_ref().is_some_and(|label| !label.trim().is_empty());
            assert!(named, "{name}: a {role:?} has no name");
        }
        for heading in harness.query_all_by_role(egui::Role::Heading) {
            let label = heading.accesskit_node().label();
            assert!(label.is_some(), "{name}: a heading");
        }
        for image in harness.query_all_by_role(egui::Role::Image) {
            assert!(
                image.accesskit_node().label().is_some(),
                "{name}: a picture"
            );
        }
        let mut reached = BTreeSet::new();
        for _ in 0..wanted.len() + 2 {
            harness.key_press(egui::Key::Tab);
            harness.run_steps(2);
            reached.extend(controls_with_focus(harness).map(|label| label.unwrap_or_default()));
        }
        for (role, label, _) in wanted {
            let label = label.unwrap_or_default();
            assert!(
                reached.contains(&label),
                "{name}: Tab does not reach the {role:?} {label:?} but {reached:?}"
            );
        }
    });
}

fn controls_with_focus<'a>(
    harness: &'a Harness<'_, Shown>,
) -> impl Iterator<Item = Option<String>> + 'a {
    use egui::Role;
    [Role::Button, Role::TextInput, Role::CheckBox]
        .into_iter()
        .flat_map(|role| harness.query_all_by_role(role))
        .filter(|node| node.accesskit_node().is_focused())
        .map(|node| node.accesskit_node().label())
}

#[test]
fn what_has_the_ring_is_in_sight() {
    for page in every_page(Instant::now()) {
        let mut harness = page.open(Language::De, Theme::Light, 2.0);
        for _ in 0..controls(&harness).len() {
            harness.key_press(egui::Key::Tab);
            harness.run_steps(3);
            let window = Rect::from_min_size(egui::Pos2::ZERO, SMALLEST).expand(1.0);
            for node in harness
                .query_all_by_role(egui::Role::Button)
                .filter(|node| node.accesskit_node().is_focused())
            {
                let (rect, label) = (node.rect(), node.accesskit_node().label());
                assert!(
                    window.contains_rect(rect),
                    "{}: {label:?} {rect:?}",
                    page.name
                );
            }
        }
    }
}

#[test]
fn every_text_of_a_page_is_shown_on_one() {
    let mut asked = BTreeSet::new();
    for page in every_page(Instant::now()) {
        for language in [Language::De, Language::En] {
            let shown = Shown::of(page.view.clone(), language);
            let mut large = open(shown, tokens::PAGE_SIZE, Theme::Light, 1.0);
            large.run_steps(2);
            for harness in [page.open(language, Theme::Light, 1.0), large] {
                asked.extend(harness.state().texts.asked());
            }
        }
    }
    let missing: Vec<&str> = crate::texts::used()
        // On paper: see the receipt's own tests.
        .filter(|key| !key.starts_with("receipt-") && !asked.contains(*key))
        .collect();
    assert!(missing.is_empty(), "no page shows {missing:?}");
}
