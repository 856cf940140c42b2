//! The chain over a recording's records (docs/recording-format.md §4).
//!
//! ```text
//! c_0 = H(enc("recording", rid, session, th2))      c_i = H(enc("chain", c_{i-1}, kind ‖ time ‖ body))
//! ```
//!
//! A record's bytes are hashed once, piece by piece, where they lie.

use fernsicht_protocol::crypto::{Hash, labelled_hash};
use ring::digest::{Context, SHA256};

use crate::format::Opening;

/// c_0.
pub(crate) fn first(opening: &Opening) -> Hash {
    labelled_hash("recording", &[&opening.rid, &opening.session, &opening.th2])
}

/// c_i from c_{i-1}; `first` and `rest` together are kind ‖ time ‖ body.
pub(crate) fn step(before: &Hash, first: &[u8], rest: &[&[u8]]) -> Hash {
    let length = first.len() + rest.iter().map(|piece| piece.len()).sum::<usize>();
    let mut context = Context::new(&SHA256);
    context.update(&(LABEL.len() as u32).to_be_bytes());
    context.update(LABEL);
    context.update(&(before.len() as u32).to_be_bytes());
    context.update(before);
    context.update(&(length as u32).to_be_bytes());
    context.update(first);
    for piece in rest {
        context.update(piece);
    }
    finish(context)
}

/// H over pieces.
pub(crate) fn hash(pieces: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    for piece in pieces {
        context.update(piece);
    }
    finish(context)
}

const LABEL: &[u8] = b"fernsicht/1 chain";

fn finish(context: Context) -> Hash {
    let digest = context.finish();
    digest
        .as_ref()
        .try_into()
        .expect("a SHA-256 value has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_hash_as_one_and_as_the_labelled_hash_says() {
        let record = b"kind, time and body";
        let whole = labelled_hash("chain", &[&[7; 32], record]);
        assert_eq!(step(&[7; 32], record, &[]), whole);
        assert_eq!(step(&[7; 32], &record[..3], &[b"", &record[3..]]), whole);
        assert_ne!(step(&[8; 32], record, &[]), whole);
    }
}
