//! Encoder and decoder together, without a network: what arrives is what was on the screen.
//!
//! ```text
//! screen ─ edit ─► Encoder ─► updates, in any order ─► Decoder ─► canvas == screen
//!                     ▲────────── acknowledgements ───────┘
//! ```
//! Time is a number here: nothing waits.

mod beside;
mod moves;
mod photographs;
mod rig;
mod slices;

use std::time::Duration;

use fernsicht_agent::encode::Acked;
use fernsicht_protocol::content::PictureAck;
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::picture::{Code, Rect, Update};
use fernsicht_protocol::wire::{List, Wire};
use fernsicht_tests::dice::Dice;

use rig::{Rig, THIN};

fn boxes(updates: &[(Class, Vec<u8>)]) -> Vec<fernsicht_protocol::picture::Box> {
    updates
        .iter()
        .flat_map(|(_, bytes)| Update::from_bytes(bytes).expect("an update").boxes.0)
        .collect()
}

fn videos(updates: &[(Class, Vec<u8>)]) -> usize {
    boxes(updates)
        .iter()
        .filter(|b| matches!(b.code, Code::Video { .. }))
        .count()
}

#[test]
fn random_edits_arrive_exactly() {
    for (width, height, seed) in [
        (1, 1, 1),
        (63, 65, 2),
        (15, 300, 3),
        (333, 257, 4),
        (801, 603, 5),
    ] {
        let mut rig = Rig::new(width, height);
        rig.dice = Dice::from_seed(seed * 0x9e37_79b9);
        rig.overtaking = seed % 2 == 1;
        for round in 0..25 {
            for _ in 0..rig.dice.roll(5) {
                let (x, y) = (
                    rig.dice.roll(width.into()) as u16,
                    rig.dice.roll(height.into()) as u16,
                );
                let rect = Rect {
                    x,
                    y,
                    width: 1 + rig.dice.roll(u32::from(width - x)) as u16,
                    height: 1 + rig.dice.roll(u32::from(height - y)) as u16,
                };
                let rect = rect.intersection(rig.area());
                match rig.dice.roll(5) {
                    4 => {
                        let x = rig.dice.roll(u32::from(width - rect.width) + 1);
                        let y = rig.dice.roll(u32::from(height - rect.height) + 1);
                        rig.shift(rect, x as u16, y as u16);
                    }
                    0 => rig.photo(rect, round),
                    1 => rig.text(rect, round.into()),
                    2 => rig.paint(rect, |_, _| [round as u8; 3]),
                    _ => rig.paint(
                        Rect {
                            width: 1,
                            height: 1,
                            ..rect
                        },
                        |_, _| [round as u8, 1, 2],
                    ),
                }
                // Sometimes the next edit comes while this one is under way.
                if rig.dice.roll(2) == 0 {
                    let updates = rig.encode();
                    rig.now += Duration::from_millis(20);
                    rig.deliver(updates);
                }
            }
            rig.settle();
            assert_eq!(rig.differing_pixels(), 0, "{width}x{height}, round {round}");
            assert_eq!(rig.unasked.digest(), rig.decoder.digest(), "round {round}");
        }
        assert_eq!(rig.encoder.counts().complete, 1);
    }
}

#[test]
fn letters_that_come_again_cost_no_pixels() {
    let mut rig = Rig::new(1920, 1080);
    let paper = Rect {
        x: 100,
        y: 100,
        width: 1600,
        height: 800,
    };
    rig.paint(paper, |_, _| [255; 3]);
    rig.settle();
    let cell = |n: u16| Rect {
        x: 121 + n % 50 * 9,
        y: 131 + n / 50 * 17,
        width: 9,
        height: 17,
    };
    // Letters smoothed as desktops do, at places that lie anyhow to the tiles; seven of them, over and over.
    for n in 0..200u16 {
        let letter = u32::from(n % 7) + 1;
        rig.paint(cell(n), |x, y| match (x % 9, y % 17) {
            (1..8, 4..13) => [((x * letter + y * y) * 29 % 256) as u8; 3],
            _ => [255; 3],
        });
        let updates = rig.encode();
        let [(_, bytes)] = &updates[..] else {
            panic!("one update for a letter")
        };
        let most = if n < 7 { 100 } else { 16 };
        assert!(bytes.len() <= most, "letter {n} takes {}", bytes.len());
        let codes: Vec<Code> = boxes(&updates).into_iter().map(|each| each.code).collect();
        assert_eq!(
            n >= 7,
            matches!(codes[..], [Code::Seen { .. }]),
            "{codes:?}"
        );
        rig.deliver(updates);
        assert_eq!(rig.differing_pixels(), 0);
        rig.now += Duration::from_millis(120);
    }
}

#[test]
fn idle_costs_nothing() {
    let mut rig = Rig::new(640, 480);
    rig.text(
        Rect {
            x: 0,
            y: 0,
            width: 640,
            height: 480,
        },
        1,
    );
    rig.settle();
    rig.encoder.handle_damage(&[rig.area()]);
    assert!(rig.encode().is_empty(), "damage that changed nothing");
    assert_eq!(rig.encoder.poll_timeout(), None);
}

#[test]
fn a_revocation_voids_what_is_under_way() {
    let mut rig = Rig::new(640, 480);
    rig.text(rig.area(), 1);
    rig.settle();
    rig.text(rig.area(), 2);
    assert!(!rig.encode().is_empty(), "cancelled");
    rig.decoder.clear();
    rig.encoder.restart();
    rig.settle();
    assert_eq!(rig.differing_pixels(), 0);
    assert_eq!(rig.encoder.counts().complete, 2);
}

#[test]
fn the_console_can_ask_for_a_complete_picture() {
    let mut rig = Rig::new(640, 480);
    rig.photo(rig.area(), 1);
    rig.settle();
    rig.text(
        Rect {
            x: 0,
            y: 0,
            width: 100,
            height: 100,
        },
        2,
    );
    let mut updates = rig.encode();
    let middle = updates[0].1.len() / 2;
    updates[0].1[middle] ^= 0x55;
    assert!(rig.decoder.handle_update(&updates[0].1).is_err() || rig.differing_pixels() > 0);
    rig.decoder.clear();
    rig.encoder.handle_picture_wanted(rig.now);
    let complete = rig.encode();
    rig.encoder.handle_picture_wanted(rig.now);
    assert!(rig.encode().is_empty(), "one is under way");
    rig.deliver(complete);
    rig.settle();
    assert_eq!(rig.differing_pixels(), 0);
}

/// It is not drawn either; what is said of it was said before.
#[test]
fn a_complete_picture_that_is_lost_is_followed_by_another() {
    let mut rig = Rig::new(320, 240);
    rig.settle();
    rig.text(rig.area(), 1);
    rig.encoder.handle_picture_wanted(rig.now);
    let lost = rig.encode();
    assert_eq!(rig.encoder.counts().complete, 2);
    // Drawn, but spoilt before the console says so.
    let mut decoder = std::mem::take(&mut rig.decoder);
    let drawn = decoder.handle_update(&lost[0].1).unwrap();
    rig.encoder.handle_picture_wanted(rig.now);
    rig.acknowledge(&drawn, decoder.digest());
    rig.now += Duration::from_millis(999);
    assert!(rig.encode().is_empty());
    rig.now += Duration::from_millis(1);
    let complete = rig.encode();
    assert_eq!(rig.encoder.counts().complete, 3);
    rig.deliver(complete);
    rig.settle();
    assert_eq!(rig.differing_pixels(), 0);
    rig.now += Duration::from_secs(5);
    assert!(rig.encode().is_empty(), "once is enough");
}

#[test]
fn a_wrong_picture_is_noticed_and_repaired() {
    let mut rig = Rig::new(640, 480);
    rig.text(rig.area(), 1);
    rig.settle();
    rig.now += Duration::from_secs(5);
    rig.text(
        Rect {
            x: 10,
            y: 10,
            width: 80,
            height: 32,
        },
        2,
    );
    let mut update = Update::from_bytes(&rig.encode()[0].1).expect("an update");
    update.palette.0[0][1] ^= 1;
    rig.decoder
        .handle_update(&update.to_bytes())
        .expect("draws");
    assert!(rig.differing_pixels() > 0);
    let ack = PictureAck {
        sequence: update.sequence,
        digest: rig.decoder.digest(),
        ahead: List::default(),
        held_us: 0,
    };
    assert_eq!(rig.encoder.handle_ack(&ack, rig.now), Acked::Differs);
    rig.settle();
    assert_eq!(rig.differing_pixels(), 0);
    assert_eq!(rig.encoder.counts().mismatches, 1);
}

#[test]
fn another_layout_starts_afresh() {
    let mut rig = Rig::new(640, 480);
    rig.text(rig.area(), 1);
    rig.settle();
    (rig.width, rig.height) = (321, 199);
    rig.screen = vec![9; 321 * 199 * 4];
    rig.encoder.handle_layout(2, 321, 199).expect("a size");
    rig.settle();
    assert_eq!(rig.differing_pixels(), 0);
    assert_eq!(rig.decoder.canvas().expect("a canvas").generation(), 2);
}

/// How long a new page takes, and what is under way meanwhile.
#[test]
fn a_page_on_a_thin_line() {
    let mut rig = Rig::new(1280, 800);
    rig.encoder.handle_line(THIN);
    rig.settle();
    rig.text(rig.area(), 3);
    let (took, bytes) = rig.carry();
    assert!(
        took.as_secs_f64() < bytes as f64 / 64_000.0 + 1.5,
        "{took:?} for {bytes} bytes"
    );
}

/// What comes again a while later refers to what was sent before, also where exact pixels of a photograph came between.
#[test]
fn a_thin_line_refers_to_what_it_has_carried() {
    let mut rig = Rig::new(640, 400);
    rig.encoder.handle_line(THIN);
    rig.carry();
    // Shades that nothing but themselves is like.
    let drawing = |rig: &mut Rig| {
        let shade = |x: u32, y: u32| ((x * 640 + y).wrapping_mul(0x9e37_79b1) >> 27) as u8 * 8;
        rig.paint(rig.area(), |x, y| [shade(x, y); 3]);
        rig.carry().1
    };
    let first = drawing(&mut rig);
    rig.photo(rig.area(), 1);
    rig.carry();
    let again = drawing(&mut rig);
    assert!(again * 3 < first * 2, "{first} bytes, then {again}");
}

type Change<'a> = &'a dyn Fn(&mut Rig, u32);

/// Time that this thread has had on a core: other load does not count.
fn cpu_ms() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ')
        .next()
        .and_then(|ns| ns.parse::<f64>().ok())
        .unwrap_or_default()
        / 1e6
}

/// Prints the usual CPU times and bytes at 1080p: `cargo test --release --test picture -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn measure() {
    let mut rig = Rig::new(1920, 1080);
    rig.settle();
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    rig.text(rig.area(), 3);
    let below = rig.screen.clone();
    rig.settle();
    let changes: [(&str, Change<'_>); 5] = [
        ("window drag", &|r, n| {
            let place = |n: u32| Rect {
                x: 200 + (n * 17 % 300) as u16,
                y: 100 + (n * 9 % 200) as u16,
                width: 520,
                height: 380,
            };
            let old = place(n.saturating_sub(1));
            for y in old.y..old.y + old.height {
                let start = (usize::from(y) * usize::from(r.width) + usize::from(old.x)) * 4;
                let row = start..start + usize::from(old.width) * 4;
                r.screen[row.clone()].copy_from_slice(&below[row]);
            }
            r.encoder.handle_damage(&[old]);
            r.text(place(n), 99);
        }),
        ("typed character", &|r, n| {
            r.text(
                Rect {
                    x: 400,
                    y: 304,
                    width: 8,
                    height: 16,
                },
                u64::from(n) * 7 + 1,
            )
        }),
        ("page of text", &|r, n| {
            r.text(r.area(), u64::from(n) * 7 + 1)
        }),
        ("photo 800x600", &|r, n| {
            r.photo(
                Rect {
                    x: 200,
                    y: 200,
                    width: 800,
                    height: 600,
                },
                n * 3,
            )
        }),
        ("photo, whole screen", &|r, n| r.photo(r.area(), n * 3)),
    ];
    for (name, change) in changes {
        let (mut encode, mut decode, mut bytes, mut refine, mut refinement) =
            (vec![], vec![], vec![], vec![], vec![]);
        for n in 0..40 {
            change(&mut rig, n);
            let start = cpu_ms();
            let updates = rig.encode();
            encode.push(cpu_ms() - start);
            bytes.push(updates.iter().map(|u| u.1.len()).sum::<usize>() as f64);
            let start = cpu_ms();
            rig.deliver(updates);
            decode.push(cpu_ms() - start);
            let (start, before) = (cpu_ms(), rig.encoder.counts().bytes);
            rig.settle();
            refine.push(cpu_ms() - start);
            refinement.push((rig.encoder.counts().bytes - before) as f64);
        }
        println!(
            "{name}: encode {:.2} ms, {} B, decode {:.2} ms; then exact: {} B, {:.1} ms both ends",
            median(encode),
            median(bytes),
            median(decode),
            median(refinement),
            median(refine),
        );
    }
}
