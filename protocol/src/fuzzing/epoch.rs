//! Operations on the sealing and opening of frames, with a relay in between that reorders, repeats,
//! alters and withholds them.

use std::collections::HashSet;

use zeroize::Zeroizing;

use super::Input;
use crate::epoch::{Epoch, WINDOW};
use crate::frame::{Class, Direction, Frame, HEADER_BYTES, Header};
use crate::rights::Rights;

/// Runs the operations that `bytes` spell.
pub fn run(bytes: &[u8]) {
    let mut input = Input(bytes);
    let direction = match input.byte() & 1 {
        0 => Direction::AgentToConsole,
        _ => Direction::ConsoleToAgent,
    };
    let epoch = Epoch::new(&[1; 16], None, 1, &[2; 32], &Zeroizing::new([3; 32]));
    let (mut sealer, mut opener) = (epoch.sealer(direction), epoch.opener(direction));
    let mut frames: Vec<(Frame, Vec<u8>)> = Vec::new();
    let (mut taken, mut next, mut ends) = (HashSet::new(), [0_u64; 10], [0_u64; 10]);
    while !input.0.is_empty() {
        let (op, arg) = (input.byte(), input.byte());
        if op & 3 == 0 {
            let class = Class::ALL[usize::from(arg) % Class::ALL.len()];
            if class.allows(direction) {
                // A burst moves the window on.
                let (count, length) = if op == 0xfc { (600, 1) } else { (1, op) };
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
            1 => opener.open(frame).map(|opened| assert_eq!(opened, content)),
            2 => match altered(frame, &mut input) {
                Some(frame) => {
                    assert!(opener.open(frame).is_err(), "an altered frame never opens");
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
