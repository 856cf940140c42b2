//! The fuzz body over the vectors, whole, cut and altered at random.

use std::path::Path;

use fernsicht_recordings::fuzzing::recording;
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
