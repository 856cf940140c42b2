//! Seeking and playing against what the display of the tests' technician showed.

use fernsicht_protocol::content::Dropped;
use fernsicht_protocol::messages::End;

use super::*;
use crate::audit::index::Kind;
use crate::audit::sample::{HEIGHT, START, Sample, WIDTH, rect};
use fernsicht_protocol::content::{DropReason, InputEvent};
use fernsicht_protocol::frame::Class;

pub(super) fn open(sample: &Sample) -> Replay<Sample> {
    Replay::open(sample.clone()).unwrap()
}

fn seen(replay: &Replay<Sample>) -> Option<Vec<u8>> {
    replay.view().map(|v| v.bgrx.to_vec())
}

fn assert_truth(sample: &Sample, replay: &mut Replay<Sample>, time: Time) {
    replay.seek(time).unwrap();
    let shown = seen(replay);
    assert!(
        shown.as_deref() == sample.truth_at(time),
        "at {}",
        time - START
    );
}

/// Any reproducible order will do.
fn shuffled(count: u64, bound: u64) -> impl Iterator<Item = u64> {
    let mut state = 7u64;
    (0..count).map(move |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    })
}

fn eventful() -> Sample {
    let mut sample = Sample::work(4);
    sample
        .wait(10)
        .rights(Rights::None, Cause::Stopped)
        .wait(100);
    sample.rights(Rights::View, Cause::Granted).wait(10);
    sample
        .picture(rect(0, 0, 1, 1), [9, 9, 9], true)
        .wait(5)
        .ack();
    sample
        .wait(30)
        .opening()
        .wait(30)
        .rights(Rights::Control, Cause::Epoch);
    sample
        .wait(5)
        .picture(rect(0, 0, 1, 1), [99, 9, 9], true)
        .wait(5)
        .ack();
    for step in 0..80 {
        sample
            .wait(3)
            .picture(rect(step, step, 30, 10), [step as u8; 3], false);
        if step % 3 == 0 {
            sample.wait(2).ack();
        }
    }
    sample.wait(100).end(End::Customer);
    sample
}

#[test]
fn seeking_shows_what_the_display_showed_at_100_random_times() {
    let sample = eventful();
    let mut replay = open(&sample);
    let length = replay.index().to - replay.index().from;
    for after in shuffled(100, length) {
        assert_truth(&sample, &mut replay, START + after);
    }
    assert_eq!(replay.findings(), []);
}

#[test]
fn playing_through_shows_the_same_as_seeking() {
    let sample = eventful();
    let (mut playing, mut seeking) = (open(&sample), open(&sample));
    let (from, to) = (playing.index().from, playing.index().to);
    for time in (from..=to).step_by(7) {
        let played = playing.seek(time).unwrap();
        assert!(
            seen(&playing).as_deref() == sample.truth_at(time),
            "at {}",
            time - from
        );
        if time % 31 == 0 {
            assert_eq!(seeking.seek(time).unwrap(), played);
            assert!(seen(&seeking) == seen(&playing));
        }
    }
    assert_eq!(playing.findings(), []);
}

#[test]
fn what_changed_is_enough_to_follow_the_picture() {
    let sample = eventful();
    let mut replay = open(&sample);
    let mut screen: Vec<u8> = Vec::new();
    let mut time = START;
    while let Some(next) = replay.index().change_after(time) {
        time = next;
        replay.seek(time).unwrap();
        let changed = replay.take_changed();
        let Some(view) = replay.view() else {
            screen.clear();
            continue;
        };
        if changed.afresh || screen.is_empty() {
            screen = view.bgrx.to_vec();
        }
        for area in changed.areas {
            for y in 0..area.height {
                let row = view.row(area, y);
                let start = (usize::from(area.y + y)) * view.stride + usize::from(area.x) * 4;
                screen[start..start + row.len()].copy_from_slice(row);
            }
        }
        assert!(screen == view.bgrx, "at {}", time - START);
    }
    assert_eq!(time, replay.index().to);
}

#[test]
fn pictures_that_overtook_one_another_are_drawn_in_sequence() {
    let mut sample = Sample::new();
    sample
        .opening()
        .rights(Rights::View, Cause::Granted)
        .wait(10);
    let updates: Vec<_> = (0..40u16)
        .map(|n| sample.update(rect(n, n, 50, 50), [n as u8 * 6; 3], n % 13 == 0))
        .collect();
    for pair in updates.chunks(2) {
        for update in pair.iter().rev() {
            sample.wait(1).record_update(update);
        }
    }
    sample.wait(5).ack().wait(10);
    // One whose record comes after the ack for it.
    let late = sample.update(rect(0, 0, 9, 9), [1, 2, 3], false);
    sample
        .ack()
        .wait(1)
        .record_update(&late)
        .wait(10)
        .end(End::Customer);
    let mut replay = open(&sample);
    for time in [START + 60, START + 70, START + 55] {
        assert_truth(&sample, &mut replay, time);
    }
    assert_eq!(replay.findings(), []);
}

#[test]
fn nothing_is_seen_before_it_was_acknowledged() {
    let mut sample = Sample::new();
    sample
        .opening()
        .rights(Rights::View, Cause::Granted)
        .wait(10);
    sample
        .picture(rect(0, 0, 1, 1), [5; 3], true)
        .wait(20)
        .ack()
        .wait(10);
    sample
        .picture(rect(0, 0, 9, 9), [6; 3], false)
        .wait(50)
        .end(End::Lost);
    let mut replay = open(&sample);
    assert_eq!(replay.seek(START + 20).unwrap().shown, Shown::Nothing);
    let seen = Seen::Acknowledged;
    for time in [START + 30, START + 80] {
        let shown = replay.seek(time).unwrap().shown;
        assert_eq!(
            shown,
            Shown::Picture {
                sequence: 0,
                ahead: 0,
                seen
            }
        );
    }
    assert_eq!(replay.seek(START + 90).unwrap().shown, Shown::Nothing);
}

#[test]
fn without_any_acknowledgement_pictures_count_as_unproven() {
    let mut sample = Sample::new();
    sample
        .opening()
        .rights(Rights::View, Cause::Granted)
        .wait(10);
    sample.picture(rect(0, 0, 1, 1), [5; 3], false).wait(10);
    sample.picture(rect(0, 0, 1, 1), [5; 3], true).wait(10);
    sample.picture(rect(0, 0, 9, 9), [6; 3], false).wait(50);
    let mut replay = open(&sample);
    assert_eq!(replay.seek(START + 15).unwrap().shown, Shown::Nothing);
    let seen = Seen::Unproven;
    for (time, sequence) in [(25, 1), (35, 2), (25, 1)] {
        let shown = replay.seek(START + time).unwrap().shown;
        assert_eq!(
            shown,
            Shown::Picture {
                sequence,
                ahead: 0,
                seen
            }
        );
    }
    assert_eq!(replay.findings(), []);
}

#[test]
fn another_digest_is_a_finding_however_it_is_come_upon() {
    let mut sample = Sample::work(1);
    sample
        .wait(10)
        .picture(rect(3, 3, 9, 9), [7; 3], false)
        .wait(5);
    let at = sample.now();
    sample.ack_as(12345).wait(20);
    sample
        .picture(rect(0, 0, 9, 9), [8; 3], false)
        .wait(5)
        .ack()
        .wait(10);
    let mut seeking = open(&sample);
    seeking.seek(at + 1).unwrap();
    seeking.seek(at + 2).unwrap();
    let mut checking = open(&sample);
    assert!(checking.check(&mut |_| true).unwrap());
    for replay in [&seeking, &checking] {
        let [Finding { time, what, .. }] = replay.findings() else {
            panic!("one finding")
        };
        assert_eq!(*time, at);
        assert!(matches!(
            what,
            Misfit::Digest {
                acknowledged: 12345,
                ..
            }
        ));
    }
    let mut stopped = open(&sample);
    assert!(!stopped.check(&mut |_| false).unwrap());
}

#[test]
fn an_acknowledged_picture_that_is_not_there_is_a_finding() {
    let mut sample = Sample::new();
    sample
        .opening()
        .rights(Rights::View, Cause::Granted)
        .wait(10);
    sample
        .picture(rect(0, 0, 1, 1), [5; 3], true)
        .wait(1)
        .ack()
        .wait(10);
    drop(sample.update(rect(0, 0, 5, 5), [1; 3], false));
    sample
        .picture(rect(0, 0, 9, 9), [6; 3], false)
        .wait(1)
        .ack()
        .wait(10);
    let mut replay = open(&sample);
    let shown = replay.seek(START + 25).unwrap().shown;
    let seen = Seen::Acknowledged;
    assert_eq!(
        shown,
        Shown::Picture {
            sequence: 0,
            ahead: 0,
            seen
        },
        "as far as it leads"
    );
    let [finding] = replay.findings() else {
        panic!("one finding")
    };
    assert_eq!((finding.sequence, &finding.what), (2, &Misfit::Missing));
}

#[test]
fn an_update_that_cannot_be_drawn_is_a_finding() {
    let mut sample = Sample::work(1);
    let last = sample.records.iter().rposition(
        |(entry, _)| matches!(entry.kind, Kind::Frame(header) if header.class == Class::Picture),
    );
    let content = &mut sample.records[last.unwrap()].1;
    let end = content.len();
    content[end - 4..].fill(0x55);
    let mut replay = open(&sample);
    replay.check(&mut |_| true).unwrap();
    assert!(
        replay
            .findings()
            .iter()
            .any(|f| matches!(f.what, Misfit::Undrawable(_)))
    );
}

#[test]
fn what_was_typed_is_opened_only_when_it_is_asked_for() {
    let mut sample = Sample::new();
    sample
        .opening()
        .rights(Rights::Control, Cause::Granted)
        .wait(10);
    sample.text("Pass");
    for down in [true, false] {
        sample.input(InputEvent::Key {
            keysym: 0xff0d,
            down,
        });
    }
    sample.decided(vec![Dropped {
        from: 3,
        to: 3,
        reason: DropReason::Stale,
    }]);
    let mut replay = open(&sample);
    let act = replay.index().input.acts()[0].clone();
    assert!(!format!("{:?}", replay.index()).contains("Return"));
    let strokes = replay.typed(&act).unwrap();
    let texts: Vec<_> = strokes.iter().map(|s| s.text.as_str()).collect();
    assert_eq!(texts, ["P", "a", "s", "s", "[Return]"]);
    assert_eq!(strokes[2].outcome, Outcome::Injected);
    assert_ne!(strokes[3].outcome, Outcome::Injected);
}

#[test]
fn the_largest_picture_is_known() {
    let mut sample = Sample::work(1);
    let mut replay = open(&sample);
    assert_eq!(replay.largest().unwrap(), (WIDTH, HEIGHT));
    let mut empty = Replay::open(Sample::new()).unwrap();
    assert_eq!(empty.largest().unwrap(), (0, 0));
    let size = |content: &mut Vec<u8>| content[6..8].copy_from_slice(&1000u16.to_be_bytes());
    let picture = sample.records.iter_mut().find(
        |(entry, _)| matches!(entry.kind, Kind::Frame(header) if header.class == Class::Picture),
    );
    size(&mut picture.unwrap().1);
    assert_eq!(open(&sample).largest().unwrap(), (1000, HEIGHT));
}

#[test]
fn the_pointer_is_where_it_was_with_its_shape() {
    let mut sample = Sample::new();
    sample
        .opening()
        .rights(Rights::View, Cause::Granted)
        .wait(10);
    sample
        .pointer(5, 6, true)
        .wait(10)
        .pointer(7, 8, false)
        .wait(10);
    sample.rights(Rights::None, Cause::Stopped).wait(10);
    sample
        .rights(Rights::View, Cause::Granted)
        .wait(10)
        .pointer(9, 9, false)
        .wait(10);
    let mut replay = open(&sample);
    let mut at = |time| {
        let pointer = replay.seek(START + time).unwrap().pointer;
        pointer.map(|p| (p.x, p.y, p.shape.is_some()))
    };
    assert_eq!(at(5), None);
    assert_eq!(at(15), Some((5, 6, true)));
    assert_eq!(at(25), Some((7, 8, true)));
    assert_eq!(at(35), None);
    assert_eq!(at(45), None);
    assert_eq!(at(55), Some((9, 9, true)));
    assert_eq!(at(15), Some((5, 6, true)));
}
