//! Operations on the sealed peer channel, with a relay in between that holds back, repeats, alters and
//! reflects packets.

use zeroize::Zeroizing;

use super::Input;
use crate::peer::{Channel, Error};

/// Runs the operations that `bytes` spell.
pub fn run(bytes: &[u8]) {
    let mut input = Input(bytes);
    let (a2c, c2a) = (Zeroizing::new([1; 32]), Zeroizing::new([2; 32]));
    let mut ends = [Channel::new(&a2c, &c2a), Channel::new(&c2a, &a2c)];
    // By sending end: what was sent, and how many the other end has taken.
    let mut sent: [Vec<(Vec<u8>, Vec<u8>)>; 2] = Default::default();
    let mut taken = [0, 0];
    let mut resumed = [false, false];
    while !input.0.is_empty() {
        let (op, arg) = (input.byte(), input.byte());
        let from = usize::from(op & 1);
        if op & 0x13 == 0x10 {
            for (end, resumed) in ends.iter_mut().zip(&mut resumed) {
                end.handle_resumed();
                *resumed = true;
            }
            continue;
        }
        if op & 2 == 0 {
            let message = vec![arg; usize::from(arg)];
            let packet = ends[from].seal(&message);
            sent[from].push((packet, message));
            continue;
        }
        if sent[from].is_empty() {
            continue;
        }
        let at = usize::from(arg) % sent[from].len();
        let (mut packet, message) = sent[from][at].clone();
        let to = if op & 4 == 0 { 1 - from } else { from };
        let altered = op & 8 != 0 && input.alter(&mut packet);
        let opened = ends[to].open(&packet);
        if to == from || altered {
            assert!(
                !matches!(opened, Ok(Some(_))),
                "an invented packet is never taken"
            );
            // Its number may have looked like that of a repetition.
            let stated = packet.first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
            resumed[to] &= stated.is_none_or(|stated| stated > taken[1 - to] as u64);
            continue;
        }
        let expected = match at.cmp(&taken[from]) {
            std::cmp::Ordering::Less => Ok(None),
            std::cmp::Ordering::Equal => Ok(Some(message)),
            std::cmp::Ordering::Greater if resumed[to] => Ok(None),
            std::cmp::Ordering::Greater => Err(Error::Gap),
        };
        assert_eq!(opened, expected);
        resumed[to] &= at > taken[from];
        taken[from] += usize::from(at == taken[from]);
    }
}
