//! The replay's page: masked keys, keys of the keyboard, the timeline, the list.

use std::sync::Arc;

use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::super::fake;
use super::super::pages::tests::{controls, reached};
use super::super::view::{Page, Verdict};
use super::*;
use crate::audit::index::input::Outcome;
use crate::audit::index::talk::Said;
use crate::audit::replay::{Finding, Replay, Stroke};
use crate::audit::sample::{START, Sample};
use crate::texts::Language;

struct Bench {
    texts: Texts,
    view: View,
    playing: Playing,
    state: State,
    wishes: Vec<Wish>,
    drawn: usize,
}

fn harness(
    language: Language,
    at: u64,
    change: impl FnOnce(&mut Playing),
) -> Harness<'static, Bench> {
    let mut replay = Replay::open(Sample::work(2)).unwrap();
    let moment = replay.seek(START + at).unwrap();
    let mut case = fake::case(Verdict::Sound);
    case.track = Some(Arc::new(replay.index().into()));
    let mut playing = Playing {
        moment,
        running: false,
        speed: 2,
        findings: Vec::new(),
        revealed: Arc::default(),
    };
    change(&mut playing);
    let shown = Bench {
        texts: Texts::new(language),
        view: View {
            page: Page::Replay(playing.clone()),
            who: Some(fake::who()),
            case: Some(Arc::new(case)),
            busy: None,
            failure: None,
        },
        playing,
        state: State::default(),
        wishes: Vec::new(),
        drawn: 0,
    };
    let mut harness = Harness::builder()
        .with_size([1280.0, 860.0])
        .build_ui_state(
            |ui, shown: &mut Bench| {
                let mut drawn = 0;
                let wish = player(
                    ui,
                    &shown.texts,
                    &shown.view,
                    &shown.playing,
                    &mut shown.state,
                    &mut |_| drawn += 1,
                );
                shown.drawn += drawn;
                shown.wishes.extend(wish);
            },
            shown,
        );
    harness.run();
    harness
}

fn nothing(_: &mut Playing) {}

#[test]
fn of_a_long_talk_only_what_is_in_sight_is_laid_out_and_all_can_be_reached() {
    const LINES: usize = 3_000;
    let mut harness = harness(Language::De, 0, nothing);
    let mut case = (**harness.state().view.case.as_ref().unwrap()).clone();
    let mut track = (**case.track.as_ref().unwrap()).clone();
    let text = |n: usize| format!("Zeile {n}, {}", "die umbricht ".repeat(n % 9));
    let time = |n: usize| START + n as u64;
    track.talk = (0..LINES).map(|n| Said::sample(time(n), text(n))).collect();
    case.track = Some(Arc::new(track));
    harness.state_mut().view.case = Some(Arc::new(case));
    harness.run_steps(LINES / 500 + 4);
    let lines = |harness: &Harness<'_, Bench>| {
        let all = harness.get_all_by_role(Role::Label);
        let said = all.filter_map(|node| {
            let node = node.accesskit_node();
            node.value().or(node.label())
        });
        said.filter(|words| words.starts_with("Zeile ")).count()
    };
    harness.get_by_label_contains("Zeile 0,");
    let shown = lines(&harness);
    assert!((2..60).contains(&shown), "{shown} lines in one frame");
    // No line lies upon the next one.
    for n in 0..3 {
        let (this, next) = (format!("Zeile {n},"), format!("Zeile {},", n + 1));
        let (this, next) = (
            harness.get_by_label_contains(&this).rect(),
            harness.get_by_label_contains(&next).rect(),
        );
        assert!(this.bottom() <= next.top(), "{this:?}, {next:?}");
    }
    let at = harness.get_by_label_contains("Zeile 1,").rect().center();
    harness.hover_at(at);
    harness.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Line,
        delta: egui::vec2(0.0, -1e6),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Unknown,
        modifiers: egui::Modifiers::NONE,
    });
    harness.run_steps(60);
    harness.get_by_label_contains(&format!("Zeile {},", LINES - 1));
    let shown = lines(&harness);
    assert!((2..60).contains(&shown), "{shown} lines in one frame");
}

#[test]
fn tab_reaches_everything_in_both_languages() {
    for language in [Language::De, Language::En] {
        let mut shown = harness(language, 500, nothing);
        let all = controls(&shown);
        assert!(all.len() > 15, "{all:?}");
        let reached = reached(&mut shown);
        let missed: Vec<_> = all.difference(&reached).collect();
        assert!(missed.is_empty(), "Tab does not reach {missed:?}");
    }
}

#[test]
fn the_picture_is_drawn_only_where_one_was_seen() {
    let shown = harness(Language::En, 500, nothing);
    assert!(shown.state().drawn > 0);
    shown.get_all_by_label("Looks and controls").next().unwrap();
    let blank = harness(Language::En, 0, nothing);
    assert_eq!(blank.state().drawn, 0);
    blank.get_by_label_contains("was not allowed to look");
}

#[test]
fn keys_move_the_replay() {
    let mut shown = harness(Language::En, 1500, nothing);
    let at = |offset: i64| Wish::Seek(START.saturating_add_signed(1500 + offset));
    for (key, wish) in [
        (Key::K, Wish::Play(true)),
        (Key::Space, Wish::Play(true)),
        (Key::J, at(-500)),
        (Key::L, at(500)),
        (Key::S, Wish::ToggleScale),
    ] {
        shown.key_press(key);
        shown.run();
        assert_eq!(shown.state_mut().wishes.pop(), Some(wish), "{key:?}");
    }
    for (text, speed) in [("+", 4), ("-", 1)] {
        shown.event(egui::Event::Text(text.into()));
        shown.run();
        assert_eq!(shown.state_mut().wishes.pop(), Some(Wish::Speed(speed)));
    }
}

#[test]
fn the_timeline_takes_clicks_and_keys() {
    let mut shown = harness(Language::En, 1500, nothing);
    let line = shown.get_by_label_contains("Timeline: 0:00:15 of");
    let rect = line.rect();
    line.focus();
    shown.run();
    for (key, time) in [(Key::ArrowRight, START + 2000), (Key::Home, START)] {
        shown.key_press(key);
        shown.run();
        assert_eq!(
            shown.state_mut().wishes.pop(),
            Some(Wish::Seek(time)),
            "{key:?}"
        );
    }
    shown.drag_at(rect.center());
    shown.run();
    shown.drop_at(rect.center());
    shown.run();
    let wish = shown.state_mut().wishes.pop();
    let length = shown
        .state()
        .view
        .case
        .as_ref()
        .unwrap()
        .track
        .as_ref()
        .unwrap()
        .to
        - START;
    assert!(
        matches!(wish, Some(Wish::Seek(t)) if (t - START).abs_diff(length / 2) < 100),
        "{wish:?}"
    );
}

#[test]
fn what_was_typed_is_masked_until_it_was_revealed() {
    let mut shown = harness(Language::En, 1500, nothing);
    shown.get_by_label("What the technician did");
    assert!(shown.query_all_by_label_contains("geheim").next().is_none());
    let typed = shown.query_all_by_label("Typed: 6 characters");
    assert!(typed.count() >= 1);
    shown
        .get_all_by_label("Show (noted)")
        .next()
        .unwrap()
        .click();
    shown.run();
    let Some(Wish::Reveal(act)) = shown.state_mut().wishes.pop() else {
        panic!("a reveal is asked for")
    };
    let stroke = |text: &str, outcome| Stroke {
        time: START,
        text: text.into(),
        outcome,
    };
    let strokes = vec![
        stroke("gehe", Outcome::Injected),
        stroke("im", Outcome::Undecided),
    ];
    let shown = harness(Language::En, 1500, |playing| {
        playing.revealed = Arc::new([(act, strokes)].into());
    });
    shown.get_by_label("gehe(not known: im)");
    shown.get_by_label("Mask");
}

#[test]
fn a_finding_is_said_with_its_time() {
    for (what, words) in [
        (
            Misfit::Digest {
                acknowledged: 1,
                replayed: 2,
            },
            "0:00:07: the technician's program confirmed another picture",
        ),
        (Misfit::Missing, "does not hold"),
        (Misfit::Undrawable("x".into()), "cannot be drawn"),
    ] {
        let finding = Finding {
            time: START + 700,
            sequence: 3,
            what,
        };
        let shown = harness(Language::En, 1500, |playing| {
            playing.findings = vec![finding]
        });
        shown.get_by_label_contains(words);
    }
}

#[test]
fn gaps_pauses_and_unproven_pictures_are_said() {
    let shown = harness(Language::De, 1500, |playing| {
        playing.moment.customer_active = true;
        playing.moment.shown = Shown::Picture {
            sequence: 1,
            ahead: 0,
            seen: Seen::Unproven,
        };
    });
    shown.get_by_label_contains("Am Kundencomputer wurden Maus oder Tastatur benutzt");
    shown.get_by_label_contains("nie bestätigt");
    let shown = harness(Language::De, 1500, |playing| {
        playing.moment.gap = Some((START, START + 9000));
        playing.moment.shown = Shown::Nothing;
    });
    shown.get_by_label_contains("ist nicht bekannt");
}

#[test]
fn days_left_are_visible_while_it_plays() {
    let shown = harness(Language::De, 1500, |playing| playing.running = true);
    shown.get_by_label_contains("Noch 61 Tage");
    shown.get_by_label("Anhalten (K)");
}
