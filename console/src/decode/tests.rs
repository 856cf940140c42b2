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
        generation: 1,
        width: 200,
        height: 100,
        complete,
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
    let mut other = fill(1, false, rect(0, 0, 9, 9), 1);
    other.generation = 2;
    assert!(matches!(
        handle(&mut decoder, &other),
        Err(Error::OtherLayout)
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
