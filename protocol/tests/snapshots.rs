//! Every variant of every message and content has the bytes of `testdata/messages.txt`.
//!
//! After a deliberate change of the protocol: `REGENERATE=1 cargo test -p fernsicht-protocol --test snapshots`,
//! and read the difference.

use std::collections::BTreeSet;
use std::path::PathBuf;

use fernsicht_protocol::fuzzing::parsers::KINDS;
use fernsicht_protocol::fuzzing::samples::all;
use fernsicht_protocol::wire::Error;

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/messages.txt")
}

#[test]
fn messages_have_the_committed_bytes() {
    let mut text = String::new();
    for sample in all() {
        let hex: String = sample
            .bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        text += &format!("{} {hex}\n", sample.name);
    }
    if std::env::var_os("REGENERATE").is_some() {
        std::fs::write(file(), &text).unwrap();
    }
    let committed = std::fs::read_to_string(file()).unwrap();
    for (built, committed) in text.lines().zip(committed.lines()) {
        assert_eq!(built, committed);
    }
    assert_eq!(text.lines().count(), committed.lines().count());
}

#[test]
fn every_sample_reads_back_and_no_cut_of_it_does() {
    for sample in all() {
        let (_, again) = KINDS[sample.kind];
        assert_eq!(
            again(&sample.bytes).as_ref(),
            Ok(&sample.bytes),
            "{}",
            sample.name
        );
        for at in 0..sample.bytes.len() {
            assert!(
                again(&sample.bytes[..at]).is_err(),
                "{} cut at {at}",
                sample.name
            );
        }
        let longer = [sample.bytes.as_slice(), &[0]].concat();
        assert_eq!(again(&longer), Err(Error::Trailing(1)), "{}", sample.name);
    }
}

/// A variant without a sample would be one without a committed byte.
#[test]
fn every_variant_has_a_sample() {
    for (kind, (name, again)) in KINDS.iter().enumerate() {
        let here = all().into_iter().filter(|sample| sample.kind == kind);
        let sampled: BTreeSet<u8> = here.map(|sample| sample.bytes[0]).collect();
        assert!(!sampled.is_empty(), "{name}");
        let tagged = matches!(again(&[255]), Err(Error::UnknownTag { .. }));
        for tag in 0..=255 {
            let known = !matches!(again(&[tag]), Err(Error::UnknownTag { of, .. }) if of == *name);
            assert!(!tagged || sampled.contains(&tag) == known, "{name} {tag}");
        }
    }
}

/// The normative text lists every variant under its tag.
#[test]
fn the_document_names_every_variant() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/protocol.md");
    let document = std::fs::read_to_string(path).unwrap();
    for sample in all() {
        let mut words = sample.name.split("::").skip(1);
        let tagged =
            KINDS[sample.kind].1(&[255]).is_err_and(|e| matches!(e, Error::UnknownTag { .. }));
        let (Some(variant), true) = (words.next(), tagged) else {
            continue;
        };
        let row = format!("| {} | {variant} |", sample.bytes[0]);
        assert!(document.contains(&row), "{}: {row}", sample.name);
    }
}
