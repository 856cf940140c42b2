//! The chain over a recording's records (docs/recording-format.md §4).
//!
//! ```text
//! c_0 = H(enc("recording", rid, session, th2))      c_i = H(enc("chain", c_{i-1}, record_i))
//! ```
//!
//! A frame's ciphertext goes in by its hash, as it does in heads. So the bulk is hashed where it lies, once,
//! and on as many cores as there are; the chain itself is short.

use fernsicht_protocol::crypto::{Hash, labelled_hash};
use ring::digest::{Context, SHA256};

use crate::format::Opening;

/// c_0.
pub(crate) fn first(opening: &Opening) -> Hash {
    labelled_hash("recording", &[&opening.rid, &opening.session, &opening.th2])
}

/// c_i from c_{i-1}. `record` is kind ‖ time ‖ body in pieces, one behind the other; of a frame, H(ciphertext)
/// stands for the ciphertext.
pub(crate) fn step(before: &Hash, record: &[&[u8]]) -> Hash {
    let length: usize = record.iter().map(|piece| piece.len()).sum();
    let mut hashing = Hashing::new();
    hashing.update(&(LABEL.len() as u32).to_be_bytes());
    hashing.update(LABEL);
    hashing.update(&(before.len() as u32).to_be_bytes());
    hashing.update(before);
    hashing.update(&(length as u32).to_be_bytes());
    for piece in record {
        hashing.update(piece);
    }
    hashing.finish().hash
}

/// What a recording keeps of a ciphertext apart from its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ciphertext {
    /// Bytes.
    pub length: u32,
    /// H.
    pub hash: Hash,
}

impl Ciphertext {
    /// Of bytes that are all there.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hashing = Hashing::new();
        hashing.update(bytes);
        hashing.finish()
    }
}

/// Hashes a ciphertext piece by piece, as it goes by.
#[derive(Clone)]
pub struct Hashing {
    context: Context,
    length: u32,
}

impl std::fmt::Debug for Hashing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hashing").finish_non_exhaustive()
    }
}

impl Default for Hashing {
    fn default() -> Self {
        Self::new()
    }
}

impl Hashing {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            context: Context::new(&SHA256),
            length: 0,
        }
    }

    /// The next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.context.update(piece);
        self.length += piece.len() as u32;
    }

    /// All that came.
    pub fn finish(self) -> Ciphertext {
        let digest = self.context.finish();
        let hash = digest.as_ref().try_into();
        Ciphertext {
            length: self.length,
            hash: hash.expect("a SHA-256 value has 32 bytes"),
        }
    }
}

const LABEL: &[u8] = b"fernsicht/1 chain";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_hash_as_one_and_as_the_labelled_hash_says() {
        let record = b"kind, time and body";
        let whole = labelled_hash("chain", &[&[7; 32], record]);
        assert_eq!(step(&[7; 32], &[record]), whole);
        assert_eq!(step(&[7; 32], &[&record[..3], b"", &record[3..]]), whole);
        assert_ne!(step(&[8; 32], &[record]), whole);
    }
}
