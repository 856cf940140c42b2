//! The fuzz bodies: over the vectors, whole, cut and altered at random, and over random edits.

use std::path::Path;

use fernsicht_protocol::messages::End;
use fernsicht_recordings::fuzzing::{TARGETS, altered, recording};
use fernsicht_recordings::sample::{Dice, Session};
use rand_core::RngCore;

use crate::common::office;

/// What the fuzzer found and what it starts from. `REGENERATE=1` writes the seeds anew.
#[test]
fn corpora_break_no_promise() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus");
    if std::env::var_os("REGENERATE").is_some() {
        for (name, target, bytes) in seeds() {
            std::fs::write(corpora.join(target).join(name), bytes).unwrap();
        }
    }
    for (target, body) in TARGETS {
        let mut replayed = 0;
        for entry in std::fs::read_dir(corpora.join(target)).unwrap() {
            let path = entry.unwrap().path();
            println!("{}", path.display()); // names the file if the body panics
            body(&std::fs::read(&path).unwrap());
            replayed += 1;
        }
        assert!(replayed > 0, "{target} has no corpus");
    }
}

/// The shortest recordings; and each kind of edit at the first records and in the midst of them, with what each
/// recording may be opened with.
fn seeds() -> Vec<(String, &'static str, Vec<u8>)> {
    let office = office();
    let short = Session::begin(&office, 7).end(End::Customer).bytes;
    let mut out = vec![
        (
            "cut".to_owned(),
            "recording",
            short[..short.len() - 30].to_vec(),
        ),
        ("short".to_owned(), "recording", short),
    ];
    for how in 0..56 {
        out.push((format!("with-{how}"), "altered", vec![how]));
    }
    for (base, what) in [0, 1, 3]
        .into_iter()
        .flat_map(|b| (0..5).map(move |w| (b, w)))
    {
        for at in [0, 1, 2, 3, 5, 8] {
            let records = vec![base, 0x80 | what, 0, at, 1, 4];
            out.push((format!("records-{base}-{what}-{at}"), "altered", records));
            let bytes = vec![base, what, at, at * 16, 8, 1 + at];
            out.push((format!("bytes-{base}-{what}-{at}"), "altered", bytes));
        }
    }
    out
}

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
