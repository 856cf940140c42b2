//! The decoder against updates in every order and of every kind of wrong.

use fernsicht_protocol::picture::{MAX_BOXES, MAX_RAW};
use fernsicht_protocol::wire::{Blob, List};

use super::*;

fn rect(x: u16, y: u16, width: u16, height: u16) -> Rect {
    Rect {
        x,
        y,
        width,
        height,
    }
}

/// An update of 200x100 pixels that fills `rect` with one colour.
fn fill(sequence: u64, complete: bool, rect: Rect, colour: u8) -> Update {
    let raw = vec![0; rect.area()];
    Update {
        sequence,
        complete: complete.then_some(Layout {
            generation: 1,
            width: 200,
            height: 100,
        }),
        history: false,
        palette: List(vec![[colour; 3]]),
        boxes: List(vec![Box {
            rect,
            code: Code::Indexed,
        }]),
        block: Blob(zstd::bulk::compress(&raw, 1).unwrap()),
    }
}

fn colours(sequence: u64, raw: &[u8], rect: Rect) -> Update {
    Update {
        palette: List::default(),
        boxes: List(vec![Box {
            rect,
            code: Code::Colours,
        }]),
        block: Blob(zstd::bulk::compress(raw, 1).unwrap()),
        ..fill(sequence, true, rect, 0)
    }
}

fn handle(decoder: &mut Decoder, update: &Update) -> Result<Drawn, Error> {
    decoder.handle_update(&update.to_bytes())
}

fn pixel(decoder: &Decoder, x: u16, y: u16) -> [u8; 4] {
    decoder.view().row(rect(x, y, 1, 1), 0).try_into().unwrap()
}

#[test]
fn updates_are_drawn_in_sequence() {
    let mut decoder = Decoder::new();
    assert_eq!(
        handle(&mut decoder, &fill(4, false, rect(0, 0, 9, 9), 1)).unwrap(),
        Drawn::default()
    );
    let first = handle(&mut decoder, &fill(5, true, rect(0, 0, 9, 9), 1)).unwrap();
    assert!(first.afresh);
    assert_eq!(
        (first.sequence, first.dirty),
        (Some(5), vec![rect(0, 0, 9, 9)])
    );
    assert_eq!(
        (pixel(&decoder, 8, 8), pixel(&decoder, 9, 9)),
        ([1, 1, 1, 255], [0, 0, 0, 255])
    );

    for (sequence, colour) in [(8, 8), (7, 7)] {
        let early = handle(
            &mut decoder,
            &fill(sequence, false, rect(0, 0, 9, 9), colour),
        )
        .unwrap();
        assert_eq!(early.sequence, None);
    }
    assert!(decoder.waits());
    let drawn = handle(&mut decoder, &fill(6, false, rect(0, 0, 9, 9), 6)).unwrap();
    assert_eq!((drawn.sequence, drawn.dirty.len()), (Some(8), 3));
    assert_eq!(pixel(&decoder, 0, 0), [8, 8, 8, 255]);

    let late = handle(&mut decoder, &fill(6, false, rect(0, 0, 9, 9), 6)).unwrap();
    assert_eq!(late, Drawn::default());
    assert_eq!(pixel(&decoder, 0, 0), [8, 8, 8, 255]);
}

/// What one would see at these places, and which updates before their turn.
fn ahead<const N: usize>(decoder: &mut Decoder, at: [(u16, u16); N]) -> ([u8; N], Vec<u64>) {
    let before = decoder.view().bgrx.to_vec();
    let look = |canvas: &Canvas, ahead: &Ahead| {
        let blue = |(x, y)| canvas.view().row(rect(x, y, 1, 1), 0)[0];
        assert_eq!(ahead.areas().len(), ahead.sequences().len());
        (at.map(blue), ahead.sequences().to_vec())
    };
    let seen = decoder.look_ahead(look).unwrap();
    assert_eq!(decoder.view().bgrx, before, "looking changes nothing");
    seen
}

#[test]
fn what_needs_nothing_is_seen_before_its_turn() {
    let mut decoder = Decoder::new();
    assert_eq!(decoder.look_ahead(|_, _| ()), None);
    handle(&mut decoder, &fill(0, true, rect(0, 0, 200, 100), 1)).unwrap();
    assert_eq!(ahead(&mut decoder, [(0, 0)]), ([1], vec![]));
    let (large, near, over) = (rect(0, 0, 200, 90), rect(9, 9, 9, 9), rect(12, 9, 9, 9));
    for (sequence, place) in [(2, large), (4, over), (3, near)] {
        handle(&mut decoder, &fill(sequence, false, place, sequence as u8)).unwrap();
    }
    // What needs another box, or would come before all that wait, has to wait.
    handle(&mut decoder, &again(5, rect(100, 50, 9, 9), 1)).unwrap();
    let places = [(0, 0), (9, 9), (12, 9), (20, 9), (100, 50)];
    let seen = ahead(&mut decoder, places);
    assert_eq!(seen, ([1, 3, 4, 4, 1], vec![3, 4]));
    // Wrong pixels are told of when their turn comes.
    let wrong = Update {
        block: Blob(vec![7; 9]),
        ..fill(6, false, rect(0, 95, 1, 1), 6)
    };
    handle(&mut decoder, &wrong).unwrap();
    assert_eq!(ahead(&mut decoder, places), seen);
    let turn = handle(&mut decoder, &fill(1, false, rect(0, 0, 1, 1), 1));
    assert!(matches!(turn, Err(Error::Pixels)));
    assert_eq!(decoder.look_ahead(|_, _| ()), None);
}

/// An update of two boxes, of which the second is wrong.
fn half_wrong(sequence: u64) -> Update {
    let (first, second) = (rect(0, 0, 9, 9), rect(20, 0, 1, 1));
    let mut raw = vec![0; first.area() + second.area()];
    raw[first.area()] = 7;
    let mut update = fill(sequence, false, first, 5);
    update.boxes.0.push(Box {
        rect: second,
        code: Code::Indexed,
    });
    update.block = Blob(zstd::bulk::compress(&raw, 1).unwrap());
    update
}

#[test]
fn what_was_seen_before_its_turn_can_be_drawn_so_again() {
    let whole = rect(0, 0, 200, 100);
    let (near, over) = (rect(9, 9, 9, 9), rect(12, 9, 9, 9));
    let first = fill(0, true, whole, 1);
    let small = [
        fill(3, false, near, 3),
        fill(5, false, over, 5),
        half_wrong(6),
    ];
    let (mut looking, mut drawing) = (Decoder::new(), Decoder::new());
    handle(&mut looking, &first).unwrap();
    handle(&mut drawing, &first).unwrap();
    for update in small.iter().rev() {
        handle(&mut looking, update).unwrap();
    }
    let seen = looking.look_ahead(|canvas, ahead| {
        assert_eq!(ahead.sequences(), [3, 5], "whole or not at all");
        canvas.view().bgrx.to_vec()
    });
    let (before, digest) = (drawing.view().bgrx.to_vec(), looking.digest());
    assert_eq!(drawing.draw_ahead(&small[0].to_bytes()).unwrap(), [near]);
    assert_eq!(drawing.draw_ahead(&small[1].to_bytes()).unwrap(), [over]);
    assert_eq!(drawing.ahead(), [3, 5]);
    for wrong in [
        fill(7, false, rect(0, 0, 200, 90), 7),
        fill(7, true, near, 7),
        again(7, near, 1),
        Update {
            history: true,
            ..fill(7, false, near, 7)
        },
        half_wrong(7),
        fill(7, false, rect(195, 0, 9, 9), 7),
    ] {
        assert!(drawing.draw_ahead(&wrong.to_bytes()).is_err(), "{wrong:?}");
    }
    assert!(seen.as_deref() == Some(drawing.view().bgrx));
    assert_eq!(drawing.digest(), digest, "it is of the picture in sequence");
    assert_eq!(drawing.take_back(), [near, over]);
    assert!(drawing.view().bgrx == before && drawing.ahead().is_empty());
    // The next update in sequence takes it back as well.
    drawing.draw_ahead(&small[0].to_bytes()).unwrap();
    handle(&mut drawing, &fill(1, false, rect(0, 0, 1, 1), 1)).unwrap();
    assert_eq!((drawing.sequence(), drawing.ahead()), (Some(1), &[][..]));
    assert!(drawing.view().bgrx == before);
    drawing.clear();
    let without = drawing.draw_ahead(&small[0].to_bytes());
    assert!(matches!(without, Err(Error::Missing)));
    assert_eq!(drawing.sequence(), None);
}

#[test]
fn the_first_complete_update_may_be_overtaken() {
    let mut decoder = Decoder::new();
    for sequence in (6..200).rev() {
        let early = fill(sequence, false, rect(0, 0, 1, 1), sequence as u8);
        assert_eq!(handle(&mut decoder, &early).unwrap().sequence, None);
    }
    assert_eq!(decoder.early.len(), MOST_EARLY);
    decoder.clear();
    for sequence in [4, 8, 7, 6] {
        handle(
            &mut decoder,
            &fill(sequence, false, rect(0, 0, 1, 1), sequence as u8),
        )
        .unwrap();
    }
    let drawn = handle(&mut decoder, &fill(5, true, rect(0, 0, 9, 9), 5)).unwrap();
    assert!(drawn.afresh && drawn.sequence == Some(8) && !decoder.waits());
    assert_eq!(pixel(&decoder, 0, 0), [8, 8, 8, 255]);
}

#[test]
fn a_complete_update_passes_what_is_missing() {
    let mut decoder = Decoder::new();
    handle(&mut decoder, &fill(0, true, rect(0, 0, 9, 9), 1)).unwrap();
    handle(&mut decoder, &fill(2, false, rect(0, 0, 9, 9), 2)).unwrap();
    handle(&mut decoder, &fill(11, false, rect(0, 0, 1, 1), 11)).unwrap();
    let drawn = handle(&mut decoder, &fill(10, true, rect(20, 0, 9, 9), 10)).unwrap();
    assert!(drawn.afresh && drawn.sequence == Some(11) && !decoder.waits());
    assert_eq!(
        (pixel(&decoder, 0, 0), pixel(&decoder, 1, 1)),
        ([11, 11, 11, 255], [0, 0, 0, 255])
    );
}

#[test]
fn what_waits_is_bounded() {
    let mut decoder = Decoder::new();
    handle(&mut decoder, &fill(0, true, rect(0, 0, 9, 9), 1)).unwrap();
    for sequence in 2..66 {
        handle(&mut decoder, &fill(sequence, false, rect(0, 0, 9, 9), 1)).unwrap();
    }
    let result = handle(&mut decoder, &fill(66, false, rect(0, 0, 9, 9), 1));
    assert!(matches!(result, Err(Error::Missing)));
    assert!(decoder.canvas().is_none() && !decoder.waits());
}

#[test]
fn after_an_error_only_a_complete_picture_helps() {
    let mut decoder = Decoder::new();
    handle(&mut decoder, &fill(0, true, rect(0, 0, 9, 9), 1)).unwrap();
    let outside = fill(1, false, rect(199, 99, 1, 2), 1);
    assert!(matches!(
        handle(&mut decoder, &outside),
        Err(Error::Malformed(_))
    ));
    assert_eq!(
        handle(&mut decoder, &fill(1, false, rect(0, 0, 9, 9), 1)).unwrap(),
        Drawn::default()
    );
    assert!(
        handle(&mut decoder, &fill(2, true, rect(0, 0, 9, 9), 1))
            .unwrap()
            .afresh
    );
}

#[test]
fn an_old_complete_picture_does_not_return_after_clear() {
    let mut decoder = Decoder::new();
    handle(&mut decoder, &fill(7, true, rect(0, 0, 9, 9), 1)).unwrap();
    decoder.clear();
    assert!(decoder.canvas().is_none());
    assert_eq!(
        handle(&mut decoder, &fill(7, true, rect(0, 0, 9, 9), 1)).unwrap(),
        Drawn::default()
    );
    assert_eq!(
        handle(&mut decoder, &fill(8, false, rect(0, 0, 9, 9), 1)).unwrap(),
        Drawn::default()
    );
}

#[test]
fn pixels_must_be_as_many_as_the_boxes_say() {
    let area = rect(0, 0, 9, 9);
    for size in [0, 1, 9 * 9 * 3 - 1, 9 * 9 * 3 + 1, MAX_RAW * 2] {
        let update = colours(0, &vec![7; size], area);
        assert!(
            matches!(handle(&mut Decoder::new(), &update), Err(Error::Pixels)),
            "{size}"
        );
    }
    let mut garbage = colours(0, &[7; 9 * 9 * 3], area);
    garbage.block = Blob(vec![1, 2, 3]);
    assert!(matches!(
        handle(&mut Decoder::new(), &garbage),
        Err(Error::Pixels)
    ));
    assert!(handle(&mut Decoder::new(), &colours(0, &[7; 9 * 9 * 3], area)).is_ok());
}

#[test]
fn indices_must_have_a_colour() {
    let mut update = fill(0, true, rect(0, 0, 9, 9), 1);
    let mut raw = [0; 81];
    raw[80] = 1;
    update.block = Blob(zstd::bulk::compress(&raw, 1).unwrap());
    assert!(matches!(
        handle(&mut Decoder::new(), &update),
        Err(Error::Pixels)
    ));
}

#[test]
fn a_stream_must_be_started() {
    let code = |key| Code::Video {
        stream: 1,
        key,
        bytes: Blob(vec![0, 0, 1, 0x61, 1, 2, 3]),
    };
    for key in [false, true] {
        let update = Update {
            palette: List::default(),
            boxes: List(vec![Box {
                rect: rect(0, 0, 64, 64),
                code: code(key),
            }]),
            block: Blob::default(),
            ..fill(0, true, rect(0, 0, 9, 9), 1)
        };
        assert!(matches!(
            handle(&mut Decoder::new(), &update),
            Err(Error::Video(_))
        ));
    }
}

/// A complete update with all three codes, as the agent would write it.
fn all_codes() -> Update {
    use openh264::encoder::{Encoder, EncoderConfig, Profile};
    let config = EncoderConfig::new().profile(Profile::Baseline);
    let mut encoder =
        Encoder::with_api_config(openh264::OpenH264API::from_source(), config).unwrap();
    let yuv: Vec<u8> = (0..64 * 48 * 3 / 2u32)
        .map(|i| ((i * i) >> 7) as u8)
        .collect();
    let picture = encoder
        .encode(&openh264::formats::YUVBuffer::from_vec(yuv, 64, 48))
        .unwrap()
        .to_vec();
    let raw: Vec<u8> = (0..9 * 9 * 4).map(|i| i as u8 / 3).collect();
    Update {
        palette: List((0..=255).map(|i| [i, 255 - i, i / 2]).collect()),
        boxes: List(vec![
            Box {
                rect: rect(0, 0, 9, 9),
                code: Code::Colours,
            },
            Box {
                rect: rect(64, 10, 63, 47),
                code: Code::Video {
                    stream: 1,
                    key: true,
                    bytes: Blob(picture),
                },
            },
            Box {
                rect: rect(20, 0, 9, 9),
                code: Code::Indexed,
            },
        ]),
        block: Blob(zstd::bulk::compress(&raw, 1).unwrap()),
        ..fill(0, true, rect(0, 0, 9, 9), 1)
    }
}

/// An update that shows at `to` what was drawn `back` boxes before.
fn again(sequence: u64, to: Rect, back: u16) -> Update {
    Update {
        palette: List::default(),
        boxes: List(vec![Box {
            rect: to,
            code: Code::Seen { back },
        }]),
        block: Blob::default(),
        ..fill(sequence, false, to, 0)
    }
}

#[test]
fn what_was_seen_is_drawn_again() {
    let mut decoder = Decoder::new();
    handle(&mut decoder, &fill(0, true, rect(0, 0, 200, 100), 9)).unwrap();
    for (sequence, colour) in [(1, 10), (2, 20), (3, 30)] {
        let at = rect(sequence as u16 * 20, 0, 8, 12);
        handle(&mut decoder, &fill(sequence, false, at, colour)).unwrap();
    }
    // Drawn over since: what was drawn counts, not what stands there.
    handle(&mut decoder, &fill(4, false, rect(20, 0, 8, 11), 40)).unwrap();
    let to = rect(150, 60, 8, 12);
    let drawn = handle(&mut decoder, &again(5, to, 4)).unwrap();
    assert_eq!(drawn.dirty, [to]);
    assert_eq!(pixel(&decoder, 150, 60), [10, 10, 10, 255]);
    assert_eq!(pixel(&decoder, 157, 71), [10, 10, 10, 255]);
    assert_eq!(pixel(&decoder, 158, 71), [9, 9, 9, 255]);
    // It is none of those that are counted.
    handle(&mut decoder, &again(6, to, 2)).unwrap();
    assert_eq!(pixel(&decoder, 150, 60), [30, 30, 30, 255]);
}

#[test]
fn what_was_never_drawn_is_not_seen() {
    for (width, back) in [(8, 0), (8, 2), (8, 1024), (7, 1)] {
        let mut decoder = Decoder::new();
        handle(&mut decoder, &fill(0, true, rect(0, 0, 200, 100), 9)).unwrap();
        handle(&mut decoder, &fill(1, false, rect(0, 0, 8, 12), 1)).unwrap();
        let result = handle(&mut decoder, &again(2, rect(0, 0, width, 12), back));
        assert!(matches!(result, Err(Error::Unseen)), "{width} {back}");
    }
    // A complete picture forgets, and a large update is not kept.
    let mut decoder = Decoder::new();
    handle(&mut decoder, &fill(0, true, rect(0, 0, 8, 12), 9)).unwrap();
    handle(&mut decoder, &fill(1, true, rect(0, 0, 200, 100), 9)).unwrap();
    let result = handle(&mut decoder, &again(2, rect(0, 0, 8, 12), 1));
    assert!(matches!(result, Err(Error::Unseen)));
}

#[test]
fn an_update_with_all_codes() {
    let mut decoder = Decoder::new();
    let drawn = handle(&mut decoder, &all_codes()).unwrap();
    assert_eq!((drawn.videos, drawn.dirty.len()), (1, 3));
    assert_eq!(pixel(&decoder, 1, 0), [1, 1, 1, 255]);
}

/// Each byte flipped, each length cut: an error or a picture, never a panic.
#[test]
fn hostile_updates() {
    let sound = all_codes().to_bytes();
    for at in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << (at % 8);
        let mut decoder = Decoder::new();
        if decoder.handle_update(&bytes).is_ok() {
            assert!(decoder.canvas().is_none_or(|c| c.view().sound()));
        }
        assert!(
            Decoder::new().handle_update(&sound[..at]).is_err(),
            "cut at {at}"
        );
    }
}

#[test]
fn fuzz_bodies() {
    use rand_core::{OsRng, RngCore};
    let mut seeds = vec![all_codes().to_bytes()];
    for sequence in 1..4 {
        seeds.push(fill(sequence, false, rect(5, 5, 30, 30), sequence as u8).to_bytes());
    }
    for _ in 0..300 {
        let mut data = Vec::new();
        for seed in &seeds {
            let mut bytes = seed.clone();
            if OsRng.next_u32().is_multiple_of(3) {
                let at = OsRng.next_u32() as usize % bytes.len();
                bytes[at] = OsRng.next_u32() as u8;
            }
            data.extend((bytes.len() as u16).to_be_bytes());
            data.extend(bytes);
        }
        fuzz_updates(&data);
    }
    fuzz_updates(&[]);
    fuzz_updates(&[0, 0, 255]);
}

/// What the fuzzer starts from and what it found; `REGENERATE=1` writes the seeds anew.
#[test]
fn the_fuzz_corpus() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fuzz/corpus/decode");
    if std::env::var_os("REGENERATE").is_some() {
        let small = |code, block: &[u8]| Update {
            palette: List::default(),
            boxes: List(vec![Box {
                rect: rect(3, 2, 2, 1),
                code,
            }]),
            block: Blob(match block {
                [] => Vec::new(),
                raw => zstd::bulk::compress(raw, 1).unwrap(),
            }),
            ..fill(1, false, rect(0, 0, 9, 9), 0)
        };
        let others = [
            small(Code::Colours, &[1, 2, 3, 4, 5, 6]),
            small(Code::Predicted, &[1, 2, 3, 4, 5, 6]),
            small(Code::Moved { x: 1, y: 1 }, &[]),
            small(Code::Solid([1, 2, 3]), &[]),
            again(1, rect(8, 8, 9, 9), 1),
        ];
        std::fs::create_dir_all(folder).unwrap();
        for (name, other) in others.iter().enumerate() {
            let updates = [&fill(0, true, rect(0, 0, 9, 9), 7), other].map(Wire::to_bytes);
            let joined = updates.map(|bytes| {
                let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
                [&length[..], &bytes].concat()
            });
            std::fs::write(format!("{folder}/seed-{name}"), joined.concat()).unwrap();
        }
        let all = all_codes().to_bytes();
        let length = u16::try_from(all.len()).unwrap().to_be_bytes();
        std::fs::write(format!("{folder}/seed-all"), [&length[..], &all].concat()).unwrap();
    }
    let mut replayed = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        fuzz_updates(&std::fs::read(entry.unwrap().path()).unwrap());
        replayed += 1;
    }
    assert!(replayed > 5, "the corpus is there");
}

#[test]
fn many_boxes() {
    let boxes = (0..MAX_BOXES as u16).map(|i| Box {
        rect: rect(i % 200, i / 200, 1, 1),
        code: Code::Colours,
    });
    let mut update = colours(0, &vec![3; MAX_BOXES * 3], rect(0, 0, 1, 1));
    update.boxes = List(boxes.collect());
    assert_eq!(
        handle(&mut Decoder::new(), &update).unwrap().dirty.len(),
        MAX_BOXES
    );
}
