//! Streams on one byte stream, against a peer that sends whatever it likes.

use bytes::Bytes;

use super::Input;
use crate::mux::{Mux, Read, ReceiveId, STREAMS, SendId, WINDOW};

/// Operations of this end, and bytes of the other, by turns. What is held stays within the window, and
/// what has ended stays ended.
pub fn run(bytes: &[u8]) {
    let mut input = Input(bytes);
    let mut mux = Mux::default();
    let mut sending = vec![SendId::MESSAGES];
    let mut reading = vec![ReceiveId::MESSAGES];
    while !input.0.is_empty() {
        let (op, at) = (input.byte(), usize::from(input.byte()));
        match op % 10 {
            0 => sending.extend(mux.open(i32::from(op / 10))),
            1 => drop(mux.write(
                sending[at % sending.len()],
                &mut Bytes::from(vec![op; at * 64]),
            )),
            2 => drop(mux.finish(sending[at % sending.len()])),
            3 => mux.cancel(sending[at % sending.len()]),
            4 if sending.len() > 1 => mux.release_sender(sending.swap_remove(at % sending.len())),
            5 => {
                let id = reading[at % reading.len()];
                if let Read::Chunk(chunk) = mux.read(id, at * 16 + 1) {
                    assert!(!chunk.is_empty() && chunk.len() <= at * 16 + 1);
                }
            }
            6 if reading.len() > 1 => mux.release_receiver(reading.swap_remove(at % reading.len())),
            7 => drop(mux.poll_transmit(&mut Vec::new(), at * 64)),
            8 if at > 128 => mux.allow(at % (STREAMS + 1)),
            8 => mux.ping(u64::from(op)),
            _ => {
                let (theirs, rest) = input.0.split_at(at.min(input.0.len()));
                input.0 = rest;
                if mux.handle(theirs).is_err() {
                    return;
                }
            }
        }
        while mux.poll_event().is_some() {}
        reading.extend(std::iter::from_fn(|| mux.accept()));
        assert!(mux.held() <= WINDOW);
    }
    let open = (0..=STREAMS).filter_map(|_| mux.open(1)).count();
    assert!(open <= STREAMS);
}
