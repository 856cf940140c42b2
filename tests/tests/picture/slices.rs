//! Large changes on near lines go in slices; what comes of them is the same.

use std::time::Duration;

use fernsicht_agent::encode::Line;
use fernsicht_protocol::picture::{Code, Rect};
use fernsicht_tests::dice::Dice;

use crate::boxes;
use crate::rig::Rig;

fn near() -> Rig {
    let mut rig = Rig::new(1920, 1080);
    rig.settle();
    rig.now += Duration::from_secs(1);
    rig
}

#[test]
fn a_screen_of_one_colour_comes_in_bands() {
    let mut rig = near();
    for colour in 1..4u8 {
        rig.paint(rig.area(), |_, _| [colour; 3]);
        let updates = rig.encode();
        assert!((7..12).contains(&updates.len()), "{}", updates.len());
        let bands = boxes(&updates);
        assert!(bands.iter().all(|b| b.code == Code::Solid([colour; 3])));
        let pixels: usize = bands.iter().map(|b| b.rect.area()).sum();
        assert_eq!(pixels, rig.area().area(), "each once");
        rig.now += Duration::from_millis(3);
        rig.deliver(updates);
        assert_eq!(rig.differing_pixels(), 0);
        rig.now += Duration::from_secs(1);
    }
    rig.settle();
    assert_eq!(rig.encoder.counts().complete, 1);
    assert_eq!(rig.unasked.digest(), rig.decoder.digest());
}

/// Another page, with a photograph.
fn turn_page(rig: &mut Rig, page: u32) {
    let paper = Rect {
        x: 100,
        y: 20,
        width: 1500,
        height: 1000,
    };
    let photo = Rect {
        x: 900,
        y: 300,
        width: 500,
        height: 300,
    };
    rig.text(paper, page.into());
    rig.photo(photo, page * 100);
}

#[test]
fn a_page_comes_in_slices() {
    let mut rig = near();
    for page in 0..4 {
        turn_page(&mut rig, page);
        let updates = rig.encode();
        assert!(updates.len() > 1, "page {page}");
        let boxes = boxes(&updates);
        assert!(boxes.iter().all(|b| !matches!(b.code, Code::Video { .. })));
        rig.now += Duration::from_millis(4);
        rig.deliver(updates);
        // It may be more than may be under way.
        rig.settle();
        assert_eq!(rig.differing_pixels(), 0, "page {page}");
        rig.now += Duration::from_secs(1);
    }
    assert_eq!(rig.encoder.counts().mismatches, 0);
}

/// A first page is more than may be under way: what is left goes on, or is damage like any other if something else changes.
#[test]
fn what_is_left_of_a_change_is_not_lost() {
    for changes in [false, true] {
        let mut rig = near();
        turn_page(&mut rig, 0);
        let updates = rig.encode();
        rig.now += Duration::from_millis(4);
        rig.deliver(updates);
        assert!(rig.differing_pixels() > 0 && !rig.encoder.settled());
        assert!(rig.encoder.poll_timeout().is_some_and(|at| at <= rig.now));
        if changes {
            let aside = Rect {
                x: 10,
                y: 10,
                width: 20,
                height: 20,
            };
            rig.paint(aside, |_, _| [7; 3]);
        }
        rig.settle();
        assert_eq!(rig.differing_pixels(), 0, "{changes}");
        assert_eq!(rig.encoder.counts().complete, 1);
    }
}

/// What is drawn again and again goes whole: a film must not come in bands.
#[test]
fn what_moves_and_what_goes_far_is_not_cut() {
    let mut rig = near();
    for colour in 1..8u8 {
        rig.paint(rig.area(), |_, _| [colour; 3]);
        let updates = rig.encode();
        assert_eq!(updates.len() > 1, colour < 3, "colour {colour}");
        rig.now += Duration::from_millis(3);
        rig.deliver(updates);
        rig.now += Duration::from_millis(40);
    }
    let mut far = Rig::new(1920, 1080);
    far.encoder.handle_line(Line {
        bytes_per_second: Some(12_500_000),
        round_trip: Some(Duration::from_millis(40)),
    });
    let updates = far.encode();
    far.now += Duration::from_millis(40);
    far.deliver(updates);
    far.now += Duration::from_secs(1);
    far.paint(far.area(), |_, _| [9; 3]);
    assert_eq!(far.encode().len(), 1);
}

/// Between two slices something else is damaged, acknowledgements come, and a complete picture is wanted.
#[test]
fn what_comes_between_slices_does_no_harm() {
    let mut rig = near();
    rig.overtaking = true;
    rig.dice = Dice::from_seed(77);
    for round in 0..40u8 {
        let paper = Rect {
            x: u16::from(round),
            y: 5,
            width: 1800,
            height: 1000,
        };
        match round % 2 {
            0 => rig.paint(paper, |_, _| [round; 3]),
            _ => rig.text(paper, round.into()),
        }
        let some = 1 + rig.dice.roll(3);
        let updates = (0..some).map_while(|_| rig.encode_one()).collect();
        rig.now += Duration::from_millis(3);
        match rig.dice.roll(4) {
            0 => {
                let x = rig.dice.roll(1000) as u16;
                let rect = Rect {
                    x,
                    y: 500,
                    width: 700,
                    height: 90,
                };
                rig.paint(rect, |_, _| [200; 3]);
                rig.deliver(updates);
            }
            1 => {
                rig.deliver(updates);
                rig.encoder.restart();
            }
            2 => {
                rig.encoder.handle_picture_wanted(rig.now);
                rig.deliver(updates);
            }
            _ => rig.deliver(updates),
        }
        rig.settle();
        assert_eq!(rig.differing_pixels(), 0, "round {round}");
        rig.now += Duration::from_secs(1);
    }
    assert_eq!(rig.encoder.counts().mismatches, 0);
}
