//! Every way in which a click is not the customer's hand, and the one in which it is.

use std::sync::Mutex;

use super::*;

#[derive(Default)]
struct Desk {
    press: Mutex<Option<Press>>,
    covered: Mutex<bool>,
}

impl Desk {
    fn press(&self, at: Instant, physical: bool) {
        *self.press.lock().expect("unpoisoned") = Some(Press { physical, at });
    }

    fn cover(&self, covered: bool) {
        *self.covered.lock().expect("unpoisoned") = covered;
    }
}

impl Provenance for Desk {
    fn newest_press(&self) -> Option<Press> {
        *self.press.lock().expect("unpoisoned")
    }

    fn covered(&self, _: ScreenRect) -> bool {
        *self.covered.lock().expect("unpoisoned")
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
    gate.handle_click(down + 80 * MS, Grant::ConsentView);
    assert!(granted(&gate.poll(down + 80 * MS, &desk)));
    assert!(matches!(gate.poll(down + 90 * MS, &desk), Verdict::Idle));
}

#[test]
fn within_the_first_second_nothing_happens() {
    let (start, desk) = (Instant::now(), Desk::default());
    let mut gate = gate_at(start);
    desk.press(start + 999 * MS, true);
    gate.handle_click(start + 999 * MS, Grant::ConsentView);
    assert!(matches!(gate.poll(start + 2000 * MS, &desk), Verdict::Idle));
}

#[test]
fn pressed_too_early_and_released_late_does_not_count() {
    let (start, desk) = (Instant::now(), Desk::default());
    let mut gate = gate_at(start);
    gate.handle_down(start + 900 * MS, Grant::ConsentView);
    desk.press(start + 900 * MS, true);
    gate.handle_click(start + 1100 * MS, Grant::ConsentView);
    assert!(matches!(gate.poll(start + 1100 * MS, &desk), Verdict::Idle));
}

#[test]
fn an_injected_press_is_refused_and_the_second_starts_anew() {
    let (start, desk) = (Instant::now(), Desk::default());
    let mut gate = gate_at(start);
    let now = start + 1500 * MS;
    desk.press(now, false);
    gate.handle_click(now, Grant::ConsentView);
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
    gate.handle_click(now, Grant::ConsentView);
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
    gate.handle_click(now, Grant::ConsentView);
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
    gate.handle_click(now, Grant::ConsentView);
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
    gate.handle_click(now, Grant::ConsentView);
    assert!(granted(&gate.poll(now, &desk)));
    gate.handle_click(now + 10 * MS, Grant::ConsentView);
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
    gate.handle_click(start + 500 * MS, Grant::ConsentView);
    assert!(matches!(gate.poll(start + 500 * MS, &desk), Verdict::Idle));
    desk.cover(true);
    gate.handle_click(start + 1200 * MS, Grant::ConsentView);
    assert!(matches!(
        gate.poll(start + 1200 * MS, &desk),
        Verdict::Refused(_)
    ));
    desk.cover(false);
    gate.handle_click(start + 2300 * MS, Grant::ConsentView);
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
    gate.handle_click(start + 1500 * MS, Grant::ConsentView);
    gate.clear();
    assert!(matches!(gate.poll(start + 1501 * MS, &desk), Verdict::Idle));
    assert!(!gate.ready(start + 1501 * MS, Grant::ConsentView));
}
