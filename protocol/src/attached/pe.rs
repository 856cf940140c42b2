//! What of a Windows program its signature changes: two fields of the header, and a table behind everything else.
//!
//! The configuration is attached first and the program signed afterwards, so that the signature covers both. The signature's
//! table comes to lie behind the configuration, and its place and a checksum into the header: the hash of the attached
//! configuration takes these fields for zero, as the signature itself does.

use std::ops::Range;

use sha2::{Digest as _, Sha256};

use crate::crypto::Hash;

/// Where a Windows program has these fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fields {
    checksum: Range<usize>,
    signature: Range<usize>,
}

/// None: the file is no Windows program.
pub(super) fn fields(file: &[u8]) -> Option<Fields> {
    if !file.starts_with(b"MZ") {
        return None;
    }
    let header = usize::try_from(number(file, 0x3c)?).ok()?;
    let optional = header.checked_add(24)?;
    if file.get(header..header.checked_add(4)?)? != b"PE\0\0" {
        return None;
    }
    // Two kinds, of 32 and of 64 bits; the table of tables begins at different places.
    let tables = match file.get(optional..optional.checked_add(2)?)? {
        [0x0b, 0x01] => optional + 96,
        [0x0b, 0x02] => optional + 112,
        _ => return None,
    };
    if number(file, tables - 4)? <= SIGNATURE {
        return None;
    }
    let signature = tables + SIGNATURE as usize * 8;
    file.get(signature..signature + 8)?;
    Some(Fields {
        checksum: optional + 64..optional + 68,
        signature: signature..signature + 8,
    })
}

impl Fields {
    /// Where the signature's table begins; the file's length without one. None: its place is nonsense.
    pub(super) fn signed_to(&self, file: &[u8]) -> Option<usize> {
        let start = usize::try_from(number(file, self.signature.start)?).ok()?;
        let length = usize::try_from(number(file, self.signature.start + 4)?).ok()?;
        if (start, length) == (0, 0) {
            return Some(file.len());
        }
        (start >= self.signature.end && start.checked_add(length)? == file.len()).then_some(start)
    }

    /// The bytes' hash, with both fields taken for zero.
    pub(super) fn hash(&self, bytes: &[u8]) -> Hash {
        let mut hash = Sha256::new();
        let mut from = 0;
        for field in [&self.checksum, &self.signature] {
            hash.update(&bytes[from..field.start]);
            hash.update(&[0; 8][..field.len()]);
            from = field.end;
        }
        hash.update(&bytes[from..]);
        hash.finalize().into()
    }
}

fn number(file: &[u8], at: usize) -> Option<u32> {
    let bytes = file.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

/// The signature's entry in the table of tables.
const SIGNATURE: u32 = 4;

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// As little as makes a program of 64 bits.
    pub(in crate::attached) fn program() -> Vec<u8> {
        let mut file = vec![0; 0x200];
        file[..2].copy_from_slice(b"MZ");
        file[0x3c] = 0x80;
        file[0x80..0x84].copy_from_slice(b"PE\0\0");
        let optional = 0x80 + 24;
        file[optional..optional + 2].copy_from_slice(&[0x0b, 0x02]);
        file[optional + 108] = 16;
        file
    }

    /// As a tool for signatures does it: filled up to a multiple of eight, a table behind, its place and a checksum in front.
    pub(in crate::attached) fn sign(file: &[u8], table: &[u8]) -> Vec<u8> {
        let fields = fields(file).unwrap();
        let mut signed = file.to_vec();
        signed.resize(signed.len().next_multiple_of(8), 0);
        let place = (signed.len() as u32).to_le_bytes();
        signed[fields.signature.start..][..4].copy_from_slice(&place);
        signed[fields.signature.start + 4..][..4]
            .copy_from_slice(&(table.len() as u32).to_le_bytes());
        signed[fields.checksum].copy_from_slice(&[1, 2, 3, 4]);
        signed.extend_from_slice(table);
        signed
    }

    #[test]
    fn no_beginning_of_a_program_is_read_beyond_its_end() {
        let file = program();
        let whole = fields(&file).unwrap();
        assert_eq!(whole.checksum, 0x80 + 24 + 64..0x80 + 24 + 68);
        assert_eq!(whole.signature.start, 0x80 + 24 + 112 + 32);
        for length in 0..whole.signature.end {
            assert_eq!(fields(&file[..length]), None, "{length}");
        }
        let mut far = file;
        far[0x3c..0x40].copy_from_slice(&[0xff; 4]);
        assert_eq!(fields(&far), None);
    }

    #[test]
    fn a_table_that_does_not_end_with_the_file_is_none() {
        let file = program();
        let fields = fields(&file).unwrap();
        assert_eq!(fields.signed_to(&file), Some(file.len()));
        let mut signed = sign(&file, &[7; 24]);
        assert_eq!(fields.signed_to(&signed), Some(file.len()));
        signed.push(0);
        assert_eq!(fields.signed_to(&signed), None);
        signed.truncate(file.len() + 8);
        assert_eq!(fields.signed_to(&signed), None);
    }
}
