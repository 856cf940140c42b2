//! Retention under clocks that are turned, and calendars that are uneven.

use fernsicht_protocol::retention::latest_deletion;

use super::super::retention::{Alarm, Judged, Remembered, SANE_S, accept, due, judge};
use super::*;

fn reading(wall_s: u64, boot: &str, uptime_s: u64) -> Reading {
    Reading {
        wall_s,
        boot: boot.to_owned(),
        uptime_s,
    }
}

fn after(before: &Judged, reading: &Reading) -> Judged {
    judge(Some(&before.remember), reading)
}

fn date(text: &str) -> u64 {
    let time: jiff::Timestamp = text.parse().unwrap();
    time.as_second() as u64
}

#[test]
fn months_and_leap_years_end_where_the_calendar_says() {
    for (started, deletion) in [
        ("2027-11-29T12:00:00Z", "2028-02-27T12:00:00Z"),
        ("2027-11-30T12:00:00Z", "2028-02-28T12:00:00Z"),
        ("2027-12-01T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("2026-11-30T23:59:59Z", "2027-02-28T23:59:59Z"),
        ("2028-02-29T08:00:00Z", "2028-05-29T08:00:00Z"),
        ("2026-12-31T00:00:00Z", "2027-03-31T00:00:00Z"),
        ("2026-06-30T00:00:00Z", "2026-09-28T00:00:00Z"),
    ] {
        let (started, deletion) = (date(started), date(deletion));
        assert_eq!(latest_deletion(started), deletion);
        assert!(!due(started, deletion, deletion - 1));
        assert!(due(started, deletion, deletion));
        assert!(due(started, u64::MAX, deletion), "no promise goes beyond");
        assert!(
            due(started, started + 5, started + 5),
            "an earlier one counts"
        );
    }
}

#[test]
fn a_clock_set_back_extends_nothing() {
    let start = accept(&reading(NOW, "one", 100));
    let hour = after(&start, &reading(NOW + 3600, "one", 3700));
    assert_eq!((hour.now_s, hour.alarm), (NOW + 3600, None));
    let back = after(&hour, &reading(NOW - 300 * DAY, "one", 7300));
    assert_eq!(back.now_s, NOW + 7200, "time goes on");
    assert!(matches!(back.alarm, Some(Alarm::SetBack { .. })));
    let rebooted = after(&back, &reading(NOW - 300 * DAY, "two", 5));
    assert_eq!(rebooted.now_s, NOW + 7200, "and does not fall back");
    let later = after(&rebooted, &reading(NOW - 300 * DAY, "two", 5 + DAY));
    assert_eq!(later.now_s, NOW + 7200 + DAY);
    let right = after(&later, &reading(NOW + 8000 + DAY, "two", 6 + DAY));
    assert_eq!((right.now_s, right.alarm), (NOW + 8000 + DAY, None));
    let slewed = after(&right, &reading(NOW + 7900 + DAY, "two", 6 + DAY));
    assert_eq!((slewed.now_s, slewed.alarm), (NOW + 8000 + DAY, None));
}

#[test]
fn a_clock_set_forward_is_not_believed() {
    let start = accept(&reading(NOW, "one", 100));
    let far = after(&start, &reading(NOW + 100 * DAY, "one", 160));
    assert_eq!(far.now_s, NOW + 60);
    assert_eq!(
        far.alarm,
        Some(Alarm::SetForward {
            by_s: 100 * DAY - 60
        })
    );
    let still = after(&far, &reading(NOW + 100 * DAY + 60, "one", 220));
    assert_eq!(
        still.now_s,
        NOW + 120,
        "asking again does not make it believed"
    );
    let right = after(&still, &reading(NOW + 180, "one", 280));
    assert_eq!((right.now_s, right.alarm), (NOW + 180, None));
    let confirmed = accept(&reading(NOW + 100 * DAY, "one", 300));
    let next = after(&confirmed, &reading(NOW + 101 * DAY, "one", 300 + DAY));
    assert_eq!((next.now_s, next.alarm), (NOW + 101 * DAY, None));
}

#[test]
fn a_week_without_the_machine_is_believed_and_more_is_asked_about() {
    let start = accept(&reading(NOW, "one", 100));
    let off = after(&start, &reading(NOW + SANE_S, "two", 5));
    assert_eq!((off.now_s, off.alarm), (NOW + SANE_S, None));
    let long = after(&start, &reading(NOW + SANE_S + 1, "two", 5));
    assert_eq!(long.now_s, NOW);
    assert!(long.alarm.is_some());
    // A long uptime is no jump, however rarely anybody looks.
    let slept = after(&start, &reading(NOW + 50 * DAY, "one", 100 + 50 * DAY));
    assert_eq!((slept.now_s, slept.alarm), (NOW + 50 * DAY, None));
    assert_eq!(
        slept.remember,
        Remembered {
            highest_s: NOW + 50 * DAY,
            boot: "one".to_owned(),
            uptime_s: 100 + 50 * DAY
        }
    );
}

#[test]
fn turned_clocks_delete_nothing_early_and_nothing_late() {
    let rig = Rig::new();
    let store = rig.store();
    let made = finish(&store, NOW);
    let deletion = store.find(made.id).unwrap().unwrap().deletion;
    store.run_retention(&at(NOW)).unwrap();
    let mut forward = at(NOW + 3600);
    forward.wall_s = deletion + DAY;
    let run = store.run_retention(&forward).unwrap();
    assert!(run.deleted.is_empty());
    assert!(matches!(run.alarm, Some(Alarm::SetForward { .. })));
    store.run_retention(&forward).unwrap();
    let alarms = store.entries(None).unwrap();
    assert_eq!(alarms.len(), 1, "an alarm is logged when it begins");

    let mut back = at(deletion);
    back.wall_s = NOW - 1000 * DAY;
    let run = store.run_retention(&back).unwrap();
    assert_eq!(
        run.deleted.len(),
        1,
        "set back, the time has passed all the same"
    );
    assert!(matches!(run.alarm, Some(Alarm::SetBack { .. })));
}

#[test]
fn an_operator_may_say_that_the_clock_is_right() {
    let rig = Rig::new();
    let store = rig.store();
    finish(&store, NOW);
    store.run_retention(&at(NOW)).unwrap();
    let late = reading(NOW + 100 * DAY, "after months in a box", 10);
    assert!(store.run_retention(&late).unwrap().deleted.is_empty());
    store.accept_clock(&late).unwrap();
    assert_eq!(store.run_retention(&late).unwrap().deleted.len(), 1);
}
