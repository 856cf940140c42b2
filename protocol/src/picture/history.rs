//! The unpacked blocks of earlier updates: what both ends can refer to in the next one.

/// The most bytes that are kept.
pub const MOST: usize = 1 << 20;

/// The last [`MOST`] bytes of the blocks of the complete picture and of those updates after it that refer to them
/// ([`super::Update::kept`]), behind four zeros: by its first four bytes zstd tells bytes from a dictionary of its own kind
/// (RFC 8878, §5).
#[derive(Debug)]
pub struct History(Vec<u8>);

impl Default for History {
    fn default() -> Self {
        Self(vec![0; FRONT])
    }
}

impl History {
    /// A block has been unpacked.
    pub fn add(&mut self, block: &[u8]) {
        let block = &block[block.len().saturating_sub(MOST)..];
        let beyond = (self.0.len() - FRONT + block.len()).saturating_sub(MOST);
        self.0.drain(FRONT..FRONT + beyond);
        self.0.extend_from_slice(block);
    }

    /// The dictionary that it makes.
    pub fn dictionary(&self) -> &[u8] {
        &self.0
    }
}

const FRONT: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bytes_are_kept() {
        let mut history = History::default();
        history.add(&[1; 10]);
        assert_eq!(history.dictionary(), [&[0; 4][..], &[1; 10]].concat());
        history.add(&vec![2; MOST - 5]);
        assert_eq!(history.dictionary().len(), MOST + 4);
        assert_eq!(history.dictionary()[..10], [0, 0, 0, 0, 1, 1, 1, 1, 1, 2]);
        history.add(&vec![3; MOST * 2]);
        assert_eq!(history.dictionary(), [&[0; 4][..], &vec![3; MOST]].concat());
        history.add(&[]);
        assert_eq!(history.dictionary().len(), MOST + 4);
    }
}
