//! The sealed peer channel between agent and console (SPEC "Peer channel", docs/protocol.md §4.5).
//!
//! ```text
//! packet = number u64 ‖ AES-256-GCM(key of the direction, number, AAD = number, message)
//! ```
//!
//! Numbers rise strictly by one and survive reconnects. A packet that is sent again after a
//! reconnect is sent byte for byte; the receiver ignores what it has had. It carries the end of
//! the pairing and the beginnings of epochs; never rights, input or picture.
//!
//! What was sent while this end was away is lost, and what was sent just before its return is not: such a
//! packet comes ahead of those that are sent again. From [`Channel::handle_resumed`] to the first of these it is
//! passed over, since it is among them.

use std::collections::VecDeque;

use thiserror::Error;

use crate::crypto::{AeadKey, Secret};

/// How many packets are kept for sending again. More than that never await an answer: the
/// channel carries a handful of packets per epoch.
pub const KEPT: usize = 16;

/// Why a packet is not taken. Somebody altered, dropped or invented it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Error {
    /// The packet does not open.
    #[error("a peer packet was altered")]
    Open,
    /// Numbers are missing.
    #[error("peer packets are missing")]
    Gap,
}

/// One end of the channel.
#[derive(Debug)]
pub struct Channel {
    sending: AeadKey,
    receiving: AeadKey,
    next_out: u64,
    next_in: u64,
    kept: VecDeque<Vec<u8>>,
    /// The other end is about to send its newest packets again.
    repeat_due: bool,
}

impl Channel {
    /// A channel with a key for each direction.
    pub fn new(sending: &Secret, receiving: &Secret) -> Self {
        Self {
            sending: AeadKey::new(sending),
            receiving: AeadKey::new(receiving),
            next_out: 0,
            next_in: 0,
            kept: VecDeque::new(),
            repeat_due: false,
        }
    }

    /// Seals the next message into a packet.
    pub fn seal(&mut self, message: &[u8]) -> Vec<u8> {
        let number = self.next_out.to_be_bytes();
        let mut body = message.to_vec();
        self.sending.seal(self.next_out, &number, &mut body);
        self.next_out += 1;
        let mut packet = number.to_vec();
        packet.append(&mut body);
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(packet.clone());
        packet
    }

    /// Opens a packet; `None` if it was had before. Errors: [`Error`]; the session must end.
    pub fn open(&mut self, packet: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let (number, body) = packet.split_first_chunk::<8>().ok_or(Error::Open)?;
        let stated = u64::from_be_bytes(*number);
        if stated > self.next_in {
            return match self.repeat_due {
                true => Ok(None),
                false => Err(Error::Gap),
            };
        }
        self.repeat_due = false;
        if stated < self.next_in {
            return Ok(None);
        }
        let mut body = body.to_vec();
        self.receiving
            .open(stated, number, &mut body)
            .map_err(|_| Error::Open)?;
        self.next_in += 1;
        Ok(Some(body))
    }

    /// Both ends are connected again: the other one sends its newest packets once more.
    pub fn handle_resumed(&mut self) {
        self.repeat_due = true;
    }

    /// The packets to send again after a reconnect, oldest first.
    pub fn kept(&self) -> impl Iterator<Item = &[u8]> {
        self.kept.iter().map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    fn channels() -> (Channel, Channel) {
        let (a, b) = (Zeroizing::new([1; 32]), Zeroizing::new([2; 32]));
        (Channel::new(&a, &b), Channel::new(&b, &a))
    }

    #[test]
    fn a_packet_that_overtakes_the_repetition_is_no_gap() {
        let (mut a, mut b) = channels();
        let lost = a.seal(b"said while b was away");
        let early = a.seal(b"said just before it was back");
        b.handle_resumed();
        assert_eq!(b.open(&early), Ok(None));
        assert_eq!(b.open(&lost), Ok(Some(b"said while b was away".to_vec())));
        assert_eq!(
            b.open(&early),
            Ok(Some(b"said just before it was back".to_vec()))
        );
        // From then on a gap is a gap again.
        drop(a.seal(b"dropped"));
        let later = a.seal(b"later");
        assert_eq!(b.open(&later), Err(Error::Gap));
    }

    #[test]
    fn retransmission_is_identical_and_taken_once() {
        let (mut a, mut b) = channels();
        let first = a.seal(b"one");
        let second = a.seal(b"two");
        assert_eq!(b.open(&first), Ok(Some(b"one".to_vec())));
        let again: Vec<_> = a.kept().map(<[u8]>::to_vec).collect();
        assert_eq!(again, [first.clone(), second.clone()]);
        assert_eq!(b.open(&first), Ok(None));
        assert_eq!(b.open(&second), Ok(Some(b"two".to_vec())));
    }

    #[test]
    fn altered_swapped_reflected_and_missing_packets_are_found() {
        let (mut a, mut b) = channels();
        let first = a.seal(b"one");
        let second = a.seal(b"two");
        assert_eq!(b.open(&second), Err(Error::Gap));
        assert_eq!(a.open(&first), Err(Error::Open));
        let mut altered = first.clone();
        altered[9] ^= 1;
        assert_eq!(b.open(&altered), Err(Error::Open));
        assert_eq!(b.open(&first[..5]), Err(Error::Open));
    }
}
