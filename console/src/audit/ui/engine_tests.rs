//! The engine's thread with an office from memory.

use std::sync::atomic::AtomicU64;

use super::*;
use crate::audit::replay::Shown;
use crate::audit::sample::START;
use crate::audit::ui::fake::Fake;

struct Run {
    engine: Engine,
    repaints: Arc<AtomicU64>,
    office: Fake,
}

impl Run {
    fn new(office: Fake) -> Self {
        let repaints = Arc::new(AtomicU64::new(0));
        let counted = repaints.clone();
        let engine = Engine::start(office.clone(), move || {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        Self {
            engine: engine.unwrap(),
            repaints,
            office,
        }
    }

    fn opened() -> Self {
        let run = Self::new(Fake {
            enrolled: true,
            ..Fake::default()
        });
        run.send(Command::Unlock {
            passphrase: Zeroizing::new("right".into()),
        });
        run.send(Command::Open {
            reference: "2026-117".into(),
            proof: Proof::Code(Zeroizing::new("X".into())),
        });
        run.until(|v| matches!(v.page, Page::Verification));
        run
    }

    fn send(&self, command: Command) {
        assert!(self.engine.send(command));
    }

    fn until(&self, good: impl Fn(&View) -> bool) -> View {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let view = self.engine.view();
            if good(&view) && view.busy.is_none() {
                return view;
            }
            assert!(Instant::now() < end, "{:?}", view.page);
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn playing(&self, good: impl Fn(&Playing) -> bool) -> Playing {
        let view = self.until(|v| matches!(&v.page, Page::Replay(p) if good(p)));
        match view.page {
            Page::Replay(playing) => playing,
            Page::Enrol
            | Page::Unlock
            | Page::Case(_)
            | Page::Verification
            | Page::Export { .. } => unreachable!("it was waited for"),
        }
    }

    fn asked(&self) -> Vec<String> {
        self.office.asked.lock().unwrap().clone()
    }
}

#[test]
fn a_wrong_passphrase_is_told_and_a_right_one_leads_on() {
    let run = Run::new(Fake {
        enrolled: true,
        ..Fake::default()
    });
    for (passphrase, opens) in [("wrong", false), ("right", true)] {
        let passphrase = Zeroizing::new(passphrase.to_owned());
        run.send(Command::Unlock { passphrase });
        run.until(|v| match opens {
            true => matches!(v.page, Page::Case(_)) && v.failure.is_none(),
            false => matches!(v.page, Page::Unlock) && v.failure.is_some(),
        });
    }
}

#[test]
fn enrolment_leads_to_the_case() {
    let run = Run::new(Fake::default());
    let passphrase = Zeroizing::new("right".to_owned());
    run.until(|v| matches!(v.page, Page::Enrol));
    run.send(Command::Enrol {
        token: "fst1".into(),
        passphrase: passphrase.clone(),
        again: passphrase,
    });
    let view = run.until(|v| matches!(v.page, Page::Case(_)));
    assert_eq!(view.who.unwrap().name, "Ada Prüfer");
}

#[test]
fn the_replay_begins_with_the_first_picture_and_ends_at_the_end() {
    let run = Run::opened();
    run.send(Command::Watch);
    let first = run.playing(|_| true);
    assert!(!first.running && first.moment.shown != Shown::Nothing);
    assert!(run.engine.board().lock().pixels().is_some());
    run.send(Command::Seek(Time::MAX));
    let end = run.playing(|p| p.moment.time > first.moment.time);
    run.send(Command::Speed(32));
    run.send(Command::Play(true));
    run.playing(|p| p.running && p.moment.time < end.moment.time);
    run.send(Command::Seek(end.moment.time - 200));
    run.playing(|p| !p.running && p.moment.time == end.moment.time);
    run.send(Command::Verification);
    run.until(|v| matches!(v.page, Page::Verification));
    assert!(
        run.engine.board().lock().pixels().is_none(),
        "the picture is gone"
    );
}

#[test]
fn nothing_is_repainted_while_it_rests() {
    let run = Run::opened();
    run.send(Command::Watch);
    run.playing(|_| true);
    std::thread::sleep(Duration::from_millis(100));
    let before = run.repaints.load(Ordering::Relaxed);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(run.repaints.load(Ordering::Relaxed), before);
}

#[test]
fn what_was_typed_is_shown_only_after_the_relay_has_noted_it() {
    let run = Run::opened();
    run.send(Command::Watch);
    run.playing(|_| true);
    let case = run.engine.view().case.unwrap();
    let track = case.track.clone().unwrap();
    let typed = track.acts.iter().position(|a| a.typed()).unwrap();
    run.send(Command::Reveal(typed));
    let playing = run.playing(|p| !p.revealed.is_empty());
    let text: String = playing.revealed[&typed]
        .iter()
        .map(|s| s.text.as_str())
        .collect();
    assert_eq!(text, "geheim");
    assert!(
        run.asked()[1].starts_with("reveal keys: input "),
        "{:?}",
        run.asked()
    );
    assert!(run.asked()[1].len() <= 64);
    run.send(Command::Mask(typed));
    run.playing(|p| p.revealed.is_empty());
}

#[test]
fn a_relay_that_does_not_note_it_keeps_it_masked() {
    let run = Run::opened();
    run.send(Command::Watch);
    let track = run.engine.view().case.unwrap().track.clone().unwrap();
    let typed = track.acts.iter().position(|a| a.typed()).unwrap();
    run.office.refuses.store(true, Ordering::Relaxed);
    run.send(Command::Reveal(typed));
    let view = run.until(|v| v.failure.is_some());
    assert!(matches!(view.page, Page::Replay(p) if p.revealed.is_empty()));
}

#[test]
fn an_export_tells_how_far_it_is_and_can_be_cancelled() {
    let run = Run::opened();
    let order = Order {
        folder: "/tmp/x".into(),
        report: true,
        video: true,
    };
    run.send(Command::ShowExport);
    run.send(Command::Export(order));
    let end = Instant::now() + Duration::from_secs(20);
    while run
        .engine
        .view()
        .busy
        .and_then(|b| b.thousandths)
        .is_none_or(|t| t < 10)
    {
        assert!(Instant::now() < end);
        std::thread::sleep(Duration::from_millis(1));
    }
    run.engine.cancel();
    let view = run.until(|v| v.failure.is_some());
    assert!(matches!(view.page, Page::Export { written } if written.is_empty()));
}

#[test]
fn closing_a_case_forgets_it() {
    let run = Run::opened();
    run.send(Command::Watch);
    run.playing(|p| p.moment.time > START);
    run.send(Command::Close);
    let view = run.until(|v| matches!(v.page, Page::Case(_)));
    assert!(view.case.is_none());
    assert_eq!(run.asked(), ["open 2026-117 code", "close"]);
    assert!(run.engine.board().lock().pixels().is_none());
}
