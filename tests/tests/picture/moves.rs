//! What only moves: scrolling and windows that are dragged.

use std::time::Duration;

use fernsicht_agent::encode::Line;
use fernsicht_protocol::picture::Rect;

use super::boxes;
use super::rig::Rig;

#[test]
fn what_only_moved_costs_what_is_new() {
    let mut rig = Rig::new(1280, 800);
    let page = Rect {
        x: 100,
        y: 50,
        width: 900,
        height: 640,
    };
    rig.text(page, 7);
    rig.settle();
    let (before, moves) = (rig.encoder.counts(), 30);
    for line in 0..moves {
        // Three lines up, with new ones below.
        let kept = Rect {
            y: page.y + 48,
            height: page.height - 48,
            ..page
        };
        rig.shift(kept, page.x, page.y);
        let new = Rect {
            y: page.y + page.height - 48,
            height: 48,
            ..page
        };
        rig.text(new, 1000 + line);
        let updates = rig.encode();
        let moved = boxes(&updates)
            .iter()
            .filter(|b| b.source().is_some())
            .count();
        assert_eq!(moved, 1, "line {line}");
        rig.now += Duration::from_millis(20);
        rig.deliver(updates);
        assert_eq!(rig.differing_pixels(), 0, "line {line}");
    }
    rig.settle();
    let after = rig.encoder.counts();
    assert_eq!(
        (after.moves, after.videos),
        (before.moves + moves, before.videos)
    );
    // Three lines of forty, which pack less well than a page.
    assert!(
        (after.bytes - before.bytes) / moves < before.bytes / 4,
        "{before:?} {after:?}"
    );
}

#[test]
fn a_dragged_window_uncovers_what_was_below() {
    let mut rig = Rig::new(1280, 800);
    let whole = rig.area();
    rig.text(whole, 3);
    let below = rig.screen.clone();
    let window = |step: u16| Rect {
        x: 200 + step * 17,
        y: 100 + step * 9,
        width: 500,
        height: 350,
    };
    rig.text(window(0), 99);
    rig.settle();
    let videos = rig.encoder.counts().videos;
    for step in 0..20 {
        let (from, to) = (window(step), window(step + 1));
        rig.shift(from, to.x, to.y);
        let width = usize::from(rig.width);
        let uncovered = |x: u16, y: u16| {
            let pixel = Rect {
                x,
                y,
                width: 1,
                height: 1,
            };
            from.contains(pixel) && !to.contains(pixel)
        };
        for y in from.y..from.y + from.height {
            for x in (from.x..from.x + from.width).filter(|x| uncovered(*x, y)) {
                let at = (usize::from(y) * width + usize::from(x)) * 4;
                rig.screen[at..at + 4].copy_from_slice(&below[at..at + 4]);
            }
        }
        rig.encoder.handle_damage(&[from]);
        rig.now += Duration::from_millis(30);
        let updates = rig.encode();
        rig.deliver(updates);
        assert_eq!(rig.differing_pixels(), 0, "step {step}");
    }
    let counts = rig.encoder.counts();
    assert_eq!((counts.moves, counts.videos), (20, videos));
}

/// Pixels that the console does not have exactly are not moved about.
#[test]
fn what_is_coarse_does_not_move() {
    let mut rig = Rig::new(640, 480);
    rig.encoder.handle_line(Line {
        bytes_per_second: Some(60_000),
        round_trip: Some(Duration::from_millis(80)),
    });
    let whole = rig.area();
    rig.photo(whole, 0);
    for phase in 1..20 {
        rig.photo(whole, phase * 4);
        rig.now += Duration::from_millis(40);
        let updates = rig.encode();
        assert!(boxes(&updates).iter().all(|b| b.source().is_none()));
        rig.deliver(updates);
    }
    rig.settle();
    assert_eq!(rig.differing_pixels(), 0);
}
