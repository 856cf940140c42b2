//! The fuzz bodies: over the vectors, whole, cut and altered at random, and over random edits.

use std::path::Path;

use fernsicht_recordings::fuzzing::{altered, recording};
use fernsicht_recordings::sample::Dice;
use rand_core::RngCore;

#[test]
fn no_bytes_break_the_readers() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let mut dice = Dice(5);
    for entry in std::fs::read_dir(directory).unwrap() {
        let mut bytes = std::fs::read(entry.unwrap().path()).unwrap();
        recording(&bytes);
        for _ in 0..4 {
            for _ in 0..dice.next_u32() % 4 + 1 {
                let at = dice.next_u64() as usize % bytes.len();
                bytes[at] = dice.next_u32() as u8;
            }
            recording(&bytes);
        }
        bytes.truncate(dice.next_u64() as usize % bytes.len());
        recording(&bytes);
    }
    recording(b"");
}

#[test]
fn no_edit_passes_for_the_original() {
    let mut dice = Dice(6);
    altered(b"");
    for _ in 0..400 {
        let mut edits = vec![0; 5 * (dice.next_u32() as usize % 3 + 1)];
        dice.fill_bytes(&mut edits);
        for edit in edits.chunks_mut(5) {
            // Mostly small ones: large ones leave nothing to find.
            edit[3] %= 40;
        }
        altered(&edits);
    }
}
