//! Photographs, slides and films: what goes coarse first, and what never does.

use std::time::Duration;

use fernsicht_agent::encode::Line;
use fernsicht_protocol::picture::{Code, Rect};
use fernsicht_tests::dice::Dice;

use super::rig::Rig;
use super::{boxes, videos};

#[test]
fn a_photograph_comes_coarse_and_rests_exact() {
    let mut rig = Rig::new(1280, 800).on_a_fast_line();
    rig.settle();
    rig.photo(
        Rect {
            x: 100,
            y: 90,
            width: 801,
            height: 601,
        },
        3,
    );
    let first = rig.encode();
    assert_eq!(videos(&first), 1);
    assert!(first.iter().map(|(_, b)| b.len()).sum::<usize>() < 400_000);
    rig.now += Duration::from_millis(10);
    rig.deliver(first);
    assert!(rig.differing_pixels() > 0);
    assert!(rig.encode().is_empty(), "nothing more before it rests");
    let took = rig.settle();
    assert!(took < Duration::from_millis(400), "{took:?}");
    assert_eq!(rig.differing_pixels(), 0);
    assert!(rig.encoder.counts().refinements > 0);
}

/// More than one update may take as exact pixels, and less than anybody would notice: nobody sees it coarse first. Once it
/// moves, it is a film.
#[test]
fn a_photograph_of_a_page_is_exact_at_once_until_it_moves() {
    let mut rig = Rig::new(1280, 800).on_a_fast_line();
    rig.text(rig.area(), 4);
    rig.settle();
    let photo = Rect {
        x: 130,
        y: 70,
        width: 520,
        height: 400,
    };
    for (n, (pause, films)) in [(1000, 0), (700, 0), (40, 0), (40, 1), (40, 1)]
        .into_iter()
        .enumerate()
    {
        rig.now += Duration::from_millis(pause);
        rig.film(photo, n as u32);
        let updates = rig.encode();
        assert_eq!(videos(&updates), films, "{n}");
        rig.deliver(updates);
        assert_eq!(rig.differing_pixels() == 0, films == 0, "{n}");
    }
    rig.settle();
    assert_eq!(rig.differing_pixels(), 0);
}

/// Together they take longer than anybody would overlook: the photograph alone is coarse, as it was where photographs
/// always were.
#[test]
fn text_beside_a_large_photograph_is_exact() {
    for (width, height) in [(500, 500), (760, 560)] {
        let mut rig = Rig::new(1280, 800).on_a_fast_line();
        rig.settle();
        rig.now += Duration::from_secs(1);
        rig.text(rig.area(), 8);
        let photo = Rect {
            x: 64,
            y: 64,
            width,
            height,
        };
        // Packs to twice of what is expected of photographs.
        let mut dice = Dice::from_seed(6);
        rig.paint(photo, |_, _| std::array::from_fn(|_| dice.roll(256) as u8));
        let updates = rig.encode();
        let covered: Vec<Rect> = boxes(&updates)
            .into_iter()
            .filter(|b| matches!(b.code, Code::Video { .. }))
            .map(|b| b.rect)
            .collect();
        let text = Rect {
            x: 900,
            ..rig.area()
        };
        assert!(
            covered
                .iter()
                .all(|rect| rect.intersection(text).is_empty()),
            "{covered:?}"
        );
        rig.deliver(updates);
        rig.settle();
        assert_eq!(rig.differing_pixels(), 0);
    }
}

/// Complete pictures of a recording come with the change of a slide, where they cost nothing.
#[test]
fn recorded_slides_cost_no_more_than_others() {
    let [plain, recorded] = [false, true].map(|recorded| {
        let mut rig = Rig::new(1280, 800).on_a_fast_line();
        rig.encoder.set_recorded(recorded);
        rig.settle();
        for slide in 0..16 {
            rig.now += Duration::from_secs(2);
            let mut dice = Dice::from_seed(slide * 2 + 1);
            rig.paint(rig.area(), |_, _| {
                std::array::from_fn(|_| dice.roll(64) as u8)
            });
            rig.settle();
            assert_eq!(rig.differing_pixels(), 0);
        }
        rig.encoder.counts()
    });
    assert!(plain.complete == 1 && recorded.complete > 2, "{recorded:?}");
    let more = recorded.bytes as f64 / plain.bytes as f64;
    assert!(more < 1.01, "{more}, {plain:?}");
}

/// What is of one colour lies beside, below and around what goes by H.264.
#[test]
fn photographs_on_empty_desktops_arrive() {
    for rate in [None, Some(60_000), Some(250_000), Some(12_500_000)] {
        let mut rig = Rig::new(1280, 800);
        rig.encoder.handle_line(Line {
            bytes_per_second: rate,
            round_trip: None,
        });
        for step in 0..6u32 {
            let whole = rig.area();
            let grey = 40 + step as u8 * 30;
            rig.paint(whole, |_, _| [grey; 3]);
            let photo = Rect {
                x: 600 - step as u16 * 90,
                y: 130,
                width: 500 + step as u16 * 20,
                height: 400 + step as u16 * 40,
            };
            rig.photo(photo, step * 50);
            let other = Rect {
                x: 20,
                y: 560,
                width: 300,
                height: 200,
            };
            rig.photo(other, step * 70);
            rig.settle();
            assert_eq!(rig.differing_pixels(), 0, "{rate:?}, step {step}");
        }
    }
}

#[test]
fn a_film_stays_one_stream_and_nothing_refines_it_before_its_end() {
    let mut rig = Rig::new(1000, 700).on_a_fast_line();
    rig.text(
        Rect {
            x: 0,
            y: 0,
            width: 1000,
            height: 700,
        },
        5,
    );
    rig.settle();
    rig.now += Duration::from_secs(1);
    let before = rig.encoder.counts();
    let mut keys = 0;
    for frame in 0..22 {
        rig.film(
            Rect {
                x: 150,
                y: 130,
                width: 640,
                height: 360,
            },
            frame,
        );
        let updates = rig.encode();
        for b in boxes(&updates) {
            if let Code::Video { key, .. } = b.code {
                keys += u32::from(key);
            }
        }
        rig.now += Duration::from_millis(5);
        rig.deliver(updates);
        rig.now += Duration::from_millis(35);
    }
    let after = rig.encoder.counts();
    // What it is shows with the third picture.
    assert_eq!((after.videos - before.videos, keys), (20, 1));
    assert_eq!(after.refinements, before.refinements);
    rig.settle();
    assert_eq!(rig.differing_pixels(), 0);
}
