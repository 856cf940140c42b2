//! What was shown before its turn, as far as the recording says so. That it is what the console drew is the painter's test.

use fernsicht_protocol::content::PictureAck;
use fernsicht_protocol::picture::{Rect, Update};
use fernsicht_protocol::wire::List;

use super::tests::open;
use super::*;
use crate::audit::sample::{HEIGHT, START, Sample, WIDTH, rect};

/// A picture at 10, acknowledged; then a large update and a small one, neither recorded.
struct Begun {
    sample: Sample,
    screen: Vec<u8>,
    digest: u64,
    large: Update,
    small: Update,
}

const LETTER: Rect = rect(5, 5, 9, 9);

fn begun() -> Begun {
    let mut sample = Sample::new();
    sample.opening().rights(Rights::View, Cause::Granted);
    sample.wait(10).picture(rect(0, 0, 1, 1), [5; 3], true);
    sample.ack().wait(10);
    let (screen, digest) = sample.screen();
    let large = sample.update(rect(0, 0, WIDTH, HEIGHT - 1), [6; 3], false);
    let small = sample.update(LETTER, [7; 3], false);
    Begun {
        sample,
        screen,
        digest,
        large,
        small,
    }
}

impl Begun {
    /// The console shows the first picture, and says that these are shown over it.
    fn say(&mut self, ahead: &[u64], screen: &[u8]) {
        let ack = PictureAck {
            sequence: 0,
            digest: self.digest,
            ahead: List(ahead.to_vec()),
            held_us: 0,
        };
        self.sample.showed(&ack, screen);
    }

    fn with_letter(&self) -> Vec<u8> {
        let mut screen = self.screen.clone();
        for y in LETTER.y..LETTER.y + LETTER.height {
            let at = usize::from(y) * usize::from(WIDTH) + usize::from(LETTER.x);
            for pixel in screen[at * 4..][..usize::from(LETTER.width) * 4].chunks_exact_mut(4) {
                pixel.copy_from_slice(&[7, 7, 7, 255]);
            }
        }
        screen
    }
}

#[test]
fn it_is_shown_from_its_acknowledgement_until_the_next() {
    let mut begun = begun();
    let (screen, with_letter) = (begun.screen.clone(), begun.with_letter());
    begun.sample.record_update(&begun.small);
    begun.say(&[2], &with_letter);
    // Another console than ours might take it back.
    begun.sample.wait(10);
    begun.say(&[], &screen);
    begun.sample.wait(10);
    begun.say(&[2], &with_letter);
    begun.sample.wait(10).record_update(&begun.large).ack();
    begun.sample.wait(10);
    let mut replay = open(&begun.sample);
    let mut shown = screen.clone();
    for time in [15, 25, 35, 45, 55, 25, 55, 45, 35, 25, 15, 45, 25] {
        let moment = replay.seek(START + time).unwrap();
        let ahead = usize::from([25, 45].contains(&time));
        let Shown::Picture {
            sequence,
            ahead: over,
            ..
        } = moment.shown
        else {
            panic!("it was seen")
        };
        assert_eq!((sequence, over), (if time == 55 { 2 } else { 0 }, ahead));
        let changed = replay.take_changed();
        let view = replay.view().unwrap();
        assert!(
            Some(view.bgrx) == begun.sample.truth_at(START + time),
            "{time}"
        );
        // What is said to have changed is all that did.
        if changed.afresh {
            shown = view.bgrx.to_vec();
        }
        for area in changed.areas {
            for y in 0..area.height {
                let row = view.row(area, y);
                let at = usize::from(area.y + y) * view.stride + usize::from(area.x) * 4;
                shown[at..at + row.len()].copy_from_slice(row);
            }
        }
        assert!(shown == view.bgrx, "{time}");
    }
    assert!(replay.check(&mut |_| true).unwrap());
    assert_eq!(replay.findings(), []);
}

#[test]
fn what_the_recording_does_not_hold_is_a_finding() {
    let mut begun = begun();
    let with_letter = begun.with_letter();
    begun.sample.record_update(&begun.small);
    begun.say(&[2, 9], &with_letter);
    let said = begun.sample.now();
    // The last word at this time; the one before it is compared as well.
    begun.say(&[2], &with_letter);
    let mut seeking = open(&begun.sample);
    seeking.seek(said).unwrap();
    assert_eq!(seeking.findings(), []);
    assert!(seeking.check(&mut |_| true).unwrap());
    let [finding] = seeking.findings() else {
        panic!("one finding")
    };
    assert_eq!((finding.time, finding.sequence), (said, 9));
    assert_eq!(finding.what, Misfit::Missing);
    seeking.seek(said).unwrap();
    assert!(seeking.view().unwrap().bgrx == with_letter);
}

#[test]
fn what_cannot_be_drawn_before_its_turn_is_a_finding() {
    let mut begun = begun();
    let screen = begun.screen.clone();
    begun.sample.record_update(&begun.large);
    begun.say(&[1], &screen);
    let mut wrong = begun.small.clone();
    wrong.block.0.clear();
    begun.sample.wait(10).record_update(&wrong);
    begun.say(&[2], &screen);
    let mut replay = open(&begun.sample);
    for time in [20, 30, 20] {
        let shown = replay.seek(START + time).unwrap().shown;
        let seen = Seen::Acknowledged;
        assert_eq!(
            shown,
            Shown::Picture {
                sequence: 0,
                ahead: 0,
                seen
            }
        );
        assert!(
            replay.view().unwrap().bgrx == screen,
            "the picture in sequence"
        );
    }
    let found: Vec<_> = replay.findings().iter().map(|f| f.sequence).collect();
    assert_eq!(found, [1, 2]);
    let undrawable = |f: &Finding| matches!(f.what, Misfit::Undrawable(_));
    assert!(replay.findings().iter().all(undrawable));
}

#[test]
fn what_is_not_there_is_not_looked_for_everywhere() {
    let mut sample = Sample::work(12);
    let (screen, digest) = sample.screen();
    let ack = PictureAck {
        sequence: 12 * 51 - 1,
        digest,
        ahead: List(vec![u64::MAX - 1, u64::MAX]),
        held_us: 0,
    };
    sample.wait(5).showed(&ack, &screen).wait(5);
    let mut replay = open(&sample);
    replay.seek(sample.now() - 6).unwrap();
    let before = replay.source.opened;
    replay.seek(sample.now()).unwrap();
    assert!(replay.source.opened - before <= REACH);
    assert_eq!(replay.findings().len(), 2);
}
