//! A recording's file, read without the reader.

use fernsicht_protocol::frame::{Class, HEADER_BYTES, Header};

/// The whole records of a recording's file: kind and body. Asserts that nothing else is there,
/// unless the end may be torn.
pub(crate) fn read_recording(bytes: &[u8], torn: bool) -> Vec<(u8, Vec<u8>)> {
    assert!(bytes.starts_with(b"FERNSICHTREC\x00\x01"));
    let mut rest = &bytes[14..];
    let mut records = Vec::new();
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some((record, behind)) = behind.split_at_checked(length) else {
            assert!(torn, "a torn record");
            return records;
        };
        records.push((record[0], record[9..].to_vec()));
        rest = behind;
    }
    assert!(torn || rest.is_empty(), "a torn record");
    records
}

/// The headers of the recorded frames of a class.
pub(crate) fn frames_of(records: &[(u8, Vec<u8>)], class: Class) -> Vec<(Header, Vec<u8>)> {
    records
        .iter()
        .filter(|(kind, _)| *kind == FRAME)
        .map(|(_, body)| {
            let (header, ciphertext) = body.split_first_chunk::<HEADER_BYTES>().unwrap();
            (Header::decode(header).unwrap(), ciphertext.to_vec())
        })
        .filter(|(header, _)| header.class == class)
        .collect()
}

pub(crate) fn kinds(records: &[(u8, Vec<u8>)]) -> Vec<u8> {
    records.iter().map(|(kind, _)| *kind).collect()
}

pub(crate) const OPENING: u8 = 1;
pub(crate) const SIGNATURE: u8 = 2;
pub(crate) const FRAME: u8 = 3;
pub(crate) const TOMBSTONE: u8 = 4;
pub(crate) const DROPPED: u8 = 5;
pub(crate) const CHECKPOINT: u8 = 6;
pub(crate) const GAP: u8 = 7;
pub(crate) const END: u8 = 8;
