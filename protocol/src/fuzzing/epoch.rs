//! Operations on the sealing and opening of frames, with a relay in between that reorders, repeats,
//! alters and withholds them, and a sender that has the keys and does not keep to the padding.

use std::collections::HashSet;

use zeroize::Zeroizing;

use super::Input;
use crate::crypto::{AeadKey, Prk, TAG_BYTES, labelled_hash};
use crate::epoch::{Epoch, Error, WINDOW};
use crate::frame::{Class, Direction, Frame, HEADER_BYTES, Header};
use crate::rights::Rights;

/// Runs the operations that `bytes` spell.
pub fn run(bytes: &[u8]) {
    let mut input = Input(bytes);
    let direction = match input.byte() & 1 {
        0 => Direction::AgentToConsole,
        _ => Direction::ConsoleToAgent,
    };
    let epoch = Epoch::new(&SESSION, None, 1, &TH2, &Zeroizing::new(SECRET));
    let (mut sealer, mut opener) = (epoch.sealer(direction), epoch.opener(direction));
    let mut frames: Vec<(Frame, Vec<u8>)> = Vec::new();
    let mut bursts = 0;
    let (mut taken, mut next, mut ends) = (HashSet::new(), [0_u64; 10], [0_u64; 10]);
    while !input.0.is_empty() {
        let (op, arg) = (input.byte(), input.byte());
        if op & 3 == 0 {
            let class = Class::ALL[usize::from(arg) % Class::ALL.len()];
            if class.allows(direction) {
                // A burst moves the window on.
                let (count, length) = match op {
                    0xfc if bursts < BURSTS => (600, 1),
                    _ => (1, op),
                };
                bursts += usize::from(count > 1);
                let content = vec![op; usize::from(length)];
                for _ in 0..count {
                    let frame = sealer.seal(class, u32::from(arg), Rights::View, &content);
                    frames.push((frame, content.clone()));
                }
            }
            continue;
        }
        if frames.is_empty() {
            continue;
        }
        let at = (usize::from(arg) | usize::from(op & 0x70) << 4) % frames.len();
        let (frame, content) = frames[at].clone();
        let (class, number) = (frame.header.class as usize, frame.header.number);
        let fresh = match frame.header.class.in_order() {
            true => number == next[class],
            false => {
                !taken.contains(&(class, number))
                    && (number >= ends[class] || ends[class] - number <= WINDOW)
            }
        };
        let result = match op & 3 {
            1 => {
                let mut body = frame.ciphertext.clone();
                let at = opener.open_at(&frame.header, &mut body);
                assert_eq!(&body[at.expect("a sealed frame")], content);
                opener.open(frame).map(|opened| assert_eq!(opened, content))
            }
            2 if op & 0x80 != 0 => {
                let forged = ill_padded(&frame.header, &content, arg);
                let opened = opener.open(forged);
                let expected = if fresh { Error::Padding } else { Error::Number };
                assert_eq!(opened, Err(expected), "one content has one padding");
                opened
                    .or_else(|error| match error {
                        Error::Padding => Ok(vec![]),
                        Error::Altered | Error::Foreign | Error::Number => Err(error),
                    })
                    .map(drop)
            }
            2 => match altered(frame, &mut input) {
                Some(Frame { header, ciphertext }) => {
                    let mut body = ciphertext.clone();
                    assert!(opener.open_at(&header, &mut body).is_err());
                    let opened = opener.open(Frame { header, ciphertext });
                    assert!(opened.is_err(), "an altered frame never opens");
                    continue;
                }
                None => continue,
            },
            _ => opener.skip(&frame.header),
        };
        assert_eq!(
            result.is_ok(),
            fresh,
            "number {number} of class {class}: {result:?}"
        );
        if fresh {
            taken.insert((class, number));
            next[class] += u64::from(frames[at].0.header.class.in_order());
            ends[class] = ends[class].max(number + 1);
        }
    }
}

/// What a sender with the key makes of the same content: padding too long, none at all, or a length that is none.
fn ill_padded(header: &Header, content: &[u8], how: u8) -> Frame {
    let length = content.len() as u32 + if how % 3 == 2 { 1 << 24 } else { 0 };
    let mut body = [&length.to_be_bytes(), content].concat();
    match how % 3 {
        0 => body.resize(body.len().next_multiple_of(64) * 2 + 64, 0),
        1 => body.truncate(usize::from(how % 4)),
        _ => {}
    }
    let header = Header {
        length: (body.len() + TAG_BYTES) as u32,
        ..*header
    };
    let bound: &[&[u8]] = &[&SESSION, &[0; 16], &1_u32.to_be_bytes(), &[0], &TH2];
    let prk = Prk::extract(&labelled_hash("epoch", bound), &SECRET);
    let direction = [header.direction as u8];
    let key = AeadKey::new(&prk.expand("frame", &[&direction, &[header.class as u8]]));
    key.seal(header.number, &header.encode(), &mut body);
    Frame {
        header,
        ciphertext: body,
    }
}

/// Enough to leave the window.
const BURSTS: usize = 2;

const SESSION: [u8; 16] = [1; 16];
const TH2: [u8; 32] = [2; 32];
const SECRET: [u8; 32] = [3; 32];

/// The frame with a byte of header or ciphertext altered, if that is a frame at all.
fn altered(frame: Frame, input: &mut Input<'_>) -> Option<Frame> {
    let mut bytes = frame.encode();
    if !input.alter(&mut bytes) {
        return None;
    }
    let (header, ciphertext) = bytes.split_first_chunk::<HEADER_BYTES>()?;
    let header = Header::decode(header).ok()?;
    Some(Frame {
        header,
        ciphertext: ciphertext.to_vec(),
    })
}
