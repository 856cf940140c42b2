//! Every way in which a click is not the customer's hand, and the one in which it is.

use std::sync::Mutex;

use super::*;

#[derive(Default)]
struct Desk {
    presses: Mutex<Vec<Press>>,
    dead: bool,
    covered: Mutex<bool>,
    /// When something lay over everything for a moment.
    passed_over: Mutex<Option<Instant>>,
}

impl Desk {
    fn press(&self, at: Instant, physical: bool) {
        self.press_of(at, physical, PressKind::Button);
    }

    fn press_of(&self, at: Instant, physical: bool, kind: PressKind) {
        let press = Press { physical, kind, at };
        self.presses.lock().expect("unpoisoned").push(press);
    }

    fn cover(&self, covered: bool) {
        *self.covered.lock().expect("unpoisoned") = covered;
    }
}

impl Provenance for Desk {
    fn presses_since(&self, since: Instant) -> Option<Vec<Press>> {
        let presses = self.presses.lock().expect("unpoisoned");
        let later = presses.iter().filter(|press| press.at >= since);
        (!self.dead).then(|| later.copied().collect())
    }

    fn covered(&self, _: ScreenRect) -> bool {
        *self.covered.lock().expect("unpoisoned")
    }

    fn covered_since(&self, since: Instant, _: ScreenRect) -> bool {
        let passed = self.passed_over.lock().expect("unpoisoned");
        passed.is_some_and(|at| at >= since)
    }
}

const RECT: ScreenRect = ScreenRect {
    x: 10,
    y: 20,
    width: 200,
    height: 48,
};
const MOVED: ScreenRect = ScreenRect { x: 11, ..RECT };
const MS: Duration = Duration::from_millis(1);

fn gate_at(start: Instant) -> Gate {
    let mut gate = Gate::default();
    gate.place(start, &[(Grant::ConsentView, RECT)]);
    gate
}

fn granted(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Granted(Grant::ConsentView, _))
}

#[test]
fn a_physical_click_after_a_second_in_sight_is_the_hand() {
    let (start, desk) = (Instant::now(), Desk::default());
    let mut gate = gate_at(start);
    let down = start + 1100 * MS;
    gate.handle_down(down, Grant::ConsentView);
    desk.press(down, true);
    gate.handle_click(down + 80 * MS, Grant::ConsentView, Way::Pointer);
    assert!(granted(&gate.poll(down + 80 * MS, &desk)));
    assert!(matches!(gate.poll(down + 90 * MS, &desk), Verdict::Idle));
}

#[test]
fn within_the_first_second_nothing_happens() {
    let (start, desk) = (Instant::now(), Desk::default());
    let mut gate = gate_at(start);
    desk.press(start + 999 * MS, true);
    gate.handle_click(start + 999 * MS, Grant::ConsentView, Way::Pointer);
    assert!(matches!(gate.poll(start + 2000 * MS, &desk), Verdict::Idle));
}

#[test]
fn pressed_too_early_and_released_late_does_not_count() {
    let (start, desk) = (Instant::now(), Desk::default());
    let mut gate = gate_at(start);
    gate.handle_down(start + 900 * MS, Grant::ConsentView);
    desk.press(start + 900 * MS, true);
    gate.handle_click(start + 1100 * MS, Grant::ConsentView, Way::Pointer);
    assert!(matches!(gate.poll(start + 1100 * MS, &desk), Verdict::Idle));
}

#[test]
fn an_injected_press_is_refused_and_the_second_starts_anew() {
    let (start, desk) = (Instant::now(), Desk::default());
    let mut gate = gate_at(start);
    let now = start + 1500 * MS;
    desk.press(now, false);
    gate.handle_click(now, Grant::ConsentView, Way::Pointer);
    assert!(matches!(
        gate.poll(now, &desk),
        Verdict::Refused(Grant::ConsentView)
    ));
    assert!(!gate.ready(now + 999 * MS, Grant::ConsentView));
    assert!(gate.ready(now + 1000 * MS, Grant::ConsentView));
}

#[test]
fn a_click_without_any_press_waits_and_is_then_refused() {
    let (start, desk) = (Instant::now(), Desk::default());
    let mut gate = gate_at(start);
    let now = start + 1500 * MS;
    gate.handle_click(now, Grant::ConsentView, Way::Pointer);
    assert!(matches!(gate.poll(now, &desk), Verdict::Wait));
    assert!(matches!(
        gate.poll(now + PATIENCE, &desk),
        Verdict::Refused(_)
    ));
}

#[test]
fn a_press_that_is_reported_late_still_counts() {
    let (start, desk) = (Instant::now(), Desk::default());
    let mut gate = gate_at(start);
    let now = start + 1500 * MS;
    gate.handle_click(now, Grant::ConsentView, Way::Pointer);
    assert!(matches!(gate.poll(now, &desk), Verdict::Wait));
    desk.press(now - 5 * MS, true);
    assert!(granted(&gate.poll(now + 20 * MS, &desk)));
}

#[test]
fn an_old_press_is_not_this_click() {
    let (start, desk) = (Instant::now(), Desk::default());
    let mut gate = gate_at(start);
    desk.press(start, true);
    let now = start + 1500 * MS;
    gate.handle_click(now, Grant::ConsentView, Way::Pointer);
    assert!(matches!(
        gate.poll(now + PATIENCE, &desk),
        Verdict::Refused(_)
    ));
}

#[test]
fn one_press_grants_once() {
    let (start, desk) = (Instant::now(), Desk::default());
    let mut gate = gate_at(start);
    let now = start + 1500 * MS;
    desk.press(now, true);
    gate.handle_click(now, Grant::ConsentView, Way::Pointer);
    assert!(granted(&gate.poll(now, &desk)));
    gate.handle_click(now + 10 * MS, Grant::ConsentView, Way::Pointer);
    assert!(matches!(
        gate.poll(now + 10 * MS + PATIENCE, &desk),
        Verdict::Refused(_)
    ));
}

#[test]
fn a_declared_aid_needs_no_device_but_plain_sight() {
    let (start, desk) = (Instant::now(), Desk::default());
    let mut gate = gate_at(start);
    gate.declare_aid(true);
    gate.handle_click(start + 500 * MS, Grant::ConsentView, Way::Pointer);
    assert!(matches!(gate.poll(start + 500 * MS, &desk), Verdict::Idle));
    desk.cover(true);
    gate.handle_click(start + 1200 * MS, Grant::ConsentView, Way::Pointer);
    assert!(matches!(
        gate.poll(start + 1200 * MS, &desk),
        Verdict::Refused(_)
    ));
    desk.cover(false);
    gate.handle_click(start + 2300 * MS, Grant::ConsentView, Way::Pointer);
    assert!(granted(&gate.poll(start + 2300 * MS, &desk)));
}

#[test]
fn moving_covering_and_vanishing_start_the_second_anew() {
    let start = Instant::now();
    let mut gate = gate_at(start);
    gate.place(start + 900 * MS, &[(Grant::ConsentView, MOVED)]);
    assert!(!gate.ready(start + 1800 * MS, Grant::ConsentView));
    assert!(gate.ready(start + 1900 * MS, Grant::ConsentView));

    gate.look(start + 2000 * MS, Grant::ConsentView, MOVED, true);
    assert!(!gate.ready(start + 9000 * MS, Grant::ConsentView));
    gate.look(start + 9000 * MS, Grant::ConsentView, MOVED, false);
    assert!(!gate.ready(start + 9999 * MS, Grant::ConsentView));
    assert!(gate.ready(start + 10_000 * MS, Grant::ConsentView));

    gate.place(start + 11_000 * MS, &[]);
    gate.place(start + 11_001 * MS, &[(Grant::ConsentView, MOVED)]);
    assert!(!gate.ready(start + 11_900 * MS, Grant::ConsentView));
}

#[test]
fn a_cover_reported_for_an_older_place_is_ignored() {
    let start = Instant::now();
    let mut gate = gate_at(start);
    gate.look(start + 10 * MS, Grant::ConsentView, MOVED, true);
    assert!(gate.ready(start + 1000 * MS, Grant::ConsentView));
}

#[test]
fn a_new_page_forgets_the_click() {
    let (start, desk) = (Instant::now(), Desk::default());
    let mut gate = gate_at(start);
    gate.handle_click(start + 1500 * MS, Grant::ConsentView, Way::Pointer);
    gate.clear();
    assert!(matches!(gate.poll(start + 1501 * MS, &desk), Verdict::Idle));
    assert!(!gate.ready(start + 1501 * MS, Grant::ConsentView));
}

#[test]
fn the_proof_carries_the_time_of_the_press() {
    let (start, desk) = (Instant::now(), Desk::default());
    let mut gate = gate_at(start);
    let down = start + 1500 * MS;
    desk.press(down - 10 * MS, true);
    gate.handle_down(down, Grant::ConsentView);
    gate.handle_click(down + 100 * MS, Grant::ConsentView, Way::Pointer);
    let verdict = gate.poll(down + 120 * MS, &desk);
    assert!(matches!(verdict, Verdict::Granted(_, hand) if hand.at() == down - 10 * MS));

    let mut gate = gate_at(start);
    gate.declare_aid(true);
    gate.handle_click(down, Grant::ConsentView, Way::Pointer);
    let verdict = gate.poll(down + 120 * MS, &Desk::default());
    assert!(matches!(verdict, Verdict::Granted(_, hand) if hand.at() == down));
}

#[test]
fn of_two_presses_the_older_one_vouches_and_both_are_used_up() {
    let (start, desk) = (Instant::now(), Desk::default());
    let mut gate = gate_at(start);
    let now = start + 1500 * MS;
    desk.press(now - 100 * MS, true);
    desk.press(now, true);
    gate.handle_click(now, Grant::ConsentView, Way::Pointer);
    let verdict = gate.poll(now, &desk);
    assert!(matches!(verdict, Verdict::Granted(_, hand) if hand.at() == now - 100 * MS));
    gate.handle_click(now + 10 * MS, Grant::ConsentView, Way::Pointer);
    assert!(matches!(gate.poll(now + 10 * MS, &desk), Verdict::Wait));
}

#[test]
fn f11_after_the_press_refuses_the_click_with_and_without_an_aid() {
    for (aid, physical) in [(false, true), (false, false), (true, true), (true, false)] {
        let (start, desk) = (Instant::now(), Desk::default());
        let mut gate = gate_at(start);
        gate.declare_aid(aid);
        let down = start + 1500 * MS;
        gate.handle_down(down, Grant::ConsentView);
        desk.press(down, true);
        desk.press_of(down + 40 * MS, physical, PressKind::Stop);
        desk.press(down + 60 * MS, true);
        gate.handle_click(down + 80 * MS, Grant::ConsentView, Way::Pointer);
        assert!(matches!(
            gate.poll(down + 90 * MS, &desk),
            Verdict::Refused(_)
        ));
    }
}

#[test]
fn f11_refuses_a_waiting_click_and_never_vouches() {
    let (start, desk) = (Instant::now(), Desk::default());
    let mut gate = gate_at(start);
    let now = start + 1500 * MS;
    gate.handle_click(now, Grant::ConsentView, Way::Pointer);
    assert!(matches!(gate.poll(now, &desk), Verdict::Wait));
    desk.press_of(now + 50 * MS, true, PressKind::Stop);
    assert!(matches!(
        gate.poll(now + 60 * MS, &desk),
        Verdict::Refused(_)
    ));
    assert!(!gate.ready(now + 900 * MS, Grant::ConsentView));
}

#[test]
fn only_presses_that_click_vouch() {
    use PressKind::{Button, Enter, Other, Space, Tab};
    for (way, kinds) in [
        (Way::Pointer, &[Button][..]),
        (Way::Key, &[Space, Enter]),
        (Way::Aid, &[]),
    ] {
        for kind in [Button, Space, Enter, Tab, Other] {
            let (start, desk) = (Instant::now(), Desk::default());
            let mut gate = gate_at(start);
            let now = start + 1500 * MS;
            bring_ring(&mut gate, &desk, now);
            desk.press_of(now, true, kind);
            gate.handle_click(now, Grant::ConsentView, way);
            let vouches = kinds.contains(&kind);
            let granted = granted(&gate.poll(now + PATIENCE, &desk));
            assert_eq!(granted, vouches, "{way:?} by {kind:?}");
        }
    }
}

/// The customer's Tab brings the ring to the button.
fn bring_ring(gate: &mut Gate, desk: &Desk, now: Instant) {
    desk.press_of(now - 400 * MS, true, PressKind::Tab);
    gate.handle_ring(now - 390 * MS, Some(Grant::ConsentView), desk);
}

#[test]
fn a_key_counts_only_where_the_customers_own_tab_brought_the_ring() {
    enum Brought {
        BySomething,
        ByAForgedTab,
        BesideAForgedKey,
        AwayAndBack,
    }
    for brought in [
        Brought::BySomething,
        Brought::ByAForgedTab,
        Brought::BesideAForgedKey,
        Brought::AwayAndBack,
    ] {
        let (start, desk) = (Instant::now(), Desk::default());
        let mut gate = gate_at(start);
        let now = start + 3000 * MS;
        let came = now - 1000 * MS;
        match brought {
            Brought::BySomething => desk.press_of(came, true, PressKind::Other),
            Brought::ByAForgedTab => desk.press_of(came, false, PressKind::Tab),
            Brought::BesideAForgedKey => {
                desk.press_of(came, false, PressKind::Other);
                desk.press_of(came, true, PressKind::Tab);
            }
            Brought::AwayAndBack => {
                bring_ring(&mut gate, &desk, came - 500 * MS);
                gate.handle_ring(came - 5 * MS, None, &desk);
            }
        }
        gate.handle_ring(came, Some(Grant::ConsentView), &desk);
        desk.press_of(now, true, PressKind::Space);
        gate.handle_click(now, Grant::ConsentView, Way::Key);
        assert!(matches!(gate.poll(now, &desk), Verdict::Refused(_)));
    }
    let (start, desk) = (Instant::now(), Desk::default());
    let mut gate = gate_at(start);
    let now = start + 3000 * MS;
    bring_ring(&mut gate, &desk, now);
    gate.handle_ring(now, Some(Grant::ConsentView), &desk);
    desk.press_of(now, true, PressKind::Space);
    gate.handle_click(now, Grant::ConsentView, Way::Key);
    assert!(granted(&gate.poll(now, &desk)));
}

#[test]
fn a_forged_press_beside_a_physical_one_refuses() {
    for forged_first in [false, true] {
        let (start, desk) = (Instant::now(), Desk::default());
        let mut gate = gate_at(start);
        let now = start + 1500 * MS;
        desk.press_of(now - 20 * MS, !forged_first, PressKind::Button);
        desk.press_of(now - 10 * MS, forged_first, PressKind::Button);
        gate.handle_click(now, Grant::ConsentView, Way::Pointer);
        assert!(matches!(gate.poll(now, &desk), Verdict::Refused(_)));
    }
}

#[test]
fn without_a_watch_nobody_grants() {
    for aid in [false, true] {
        let (start, mut desk) = (Instant::now(), Desk::default());
        desk.dead = true;
        let mut gate = gate_at(start);
        gate.declare_aid(aid);
        let now = start + 1500 * MS;
        desk.press(now, true);
        gate.handle_click(now, Grant::ConsentView, Way::Pointer);
        assert!(matches!(gate.poll(now, &desk), Verdict::Refused(_)));
    }
}

#[test]
fn a_cover_that_comes_with_the_click_refuses() {
    let (start, desk) = (Instant::now(), Desk::default());
    let mut gate = gate_at(start);
    let now = start + 1500 * MS;
    desk.press(now, true);
    desk.cover(true);
    gate.handle_click(now, Grant::ConsentView, Way::Pointer);
    assert!(matches!(gate.poll(now, &desk), Verdict::Refused(_)));
}

#[test]
fn a_cover_that_vanishes_before_the_press_refuses_for_a_second() {
    for (before, refuses) in [(10, true), (900, true), (1100, false)] {
        let (start, desk) = (Instant::now(), Desk::default());
        let mut gate = gate_at(start);
        let now = start + 5000 * MS;
        *desk.passed_over.lock().expect("unpoisoned") = Some(now - before * MS);
        gate.handle_down(now, Grant::ConsentView);
        desk.press(now, true);
        gate.handle_click(now + 50 * MS, Grant::ConsentView, Way::Pointer);
        assert_eq!(!granted(&gate.poll(now + 50 * MS, &desk)), refuses);
    }
}

#[test]
fn only_ready_buttons_of_the_bar_are_at_rest() {
    let start = Instant::now();
    let mut gate = gate_at(start);
    assert!(!gate.at_rest(start + 2000 * MS));
    assert!(gate.place(start, &[(Grant::ControlOn, RECT)]));
    assert!(!gate.place(start, &[(Grant::ControlOn, RECT)]));
    assert!(!gate.at_rest(start + 900 * MS));
    assert!(gate.at_rest(start + 1000 * MS));
    // One that is covered is to be ready again soon.
    gate.look(start + 1000 * MS, Grant::ControlOn, RECT, true);
    assert!(!gate.at_rest(start + 9000 * MS));
    gate.look(start + 9000 * MS, Grant::ControlOn, RECT, false);
    assert!(gate.at_rest(start + 10_000 * MS));
    assert!(gate.place(start + 1000 * MS, &[(Grant::ControlOn, MOVED)]));
    assert!(!gate.at_rest(start + 1000 * MS));
}
