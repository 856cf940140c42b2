//! Finds the records in a recording's bytes (docs/recording-format.md §2).
//!
//! - [`Reader`] is pushed bytes as they come and holds at most one record;
//! - [`Records`] walks over a complete slice and copies nothing.
//!
//! Both name the place of whatever they refuse. A record whose frame of bytes is sound but whose body is not
//! is given out all the same ([`Record::parse`] says what is wrong with it): the chain covers it, and what
//! follows can still be read. After an [`Error`] nothing more can be found.
//!
//! Not here: whether the records are true ([`crate::verify`]).

use fernsicht_protocol::wire;
use thiserror::Error;

use crate::format::{
    Body, FILE_HEADER_BYTES, FRAME_CLEAR_BYTES, KIND_AND_TIME, Kind, MAGIC, MAX_BODY,
    RECORD_HEADER_BYTES, VERSION,
};

/// Why bytes cannot be read on. Whoever wrote or altered them is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Error {
    /// The first bytes are not those of a recording.
    #[error("this is not a recording")]
    NotARecording,
    /// A recording of a version that this program does not know.
    #[error("a recording of version {0}, which this program does not know")]
    Version(u16),
    /// A record states a length that it cannot have.
    #[error("record {record} at byte {offset} states {length} bytes, which it cannot have")]
    Length {
        /// Where the record begins.
        offset: u64,
        /// Its number, from 0.
        record: u64,
        /// What it states.
        length: u32,
    },
}

/// One record, unparsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Number within the file, from 0.
    pub number: u64,
    /// Where it begins in the file.
    pub offset: u64,
    /// Kind ‖ time ‖ body.
    pub bytes: &'a [u8],
}

impl<'a> Record<'a> {
    /// Its kind. None: not one that this version knows.
    pub fn kind(&self) -> Option<Kind> {
        Kind::from_byte(self.bytes[0])
    }

    /// The relay's time, in hundredths of a second since 1970 UTC.
    pub fn time(&self) -> u64 {
        let time = self.bytes[1..KIND_AND_TIME].try_into();
        u64::from_be_bytes(time.expect("eight bytes"))
    }

    /// Of a frame: kind ‖ time ‖ header.
    pub(crate) fn clear(&self) -> &'a [u8] {
        &self.bytes[..FRAME_CLEAR_BYTES.min(self.bytes.len())]
    }

    /// Its bytes behind kind and time.
    pub fn body(&self) -> &'a [u8] {
        &self.bytes[KIND_AND_TIME..]
    }

    /// Where the next record begins.
    pub fn end(&self) -> u64 {
        self.offset + 4 + self.bytes.len() as u64
    }

    /// Parses the body. Errors: an unknown kind, or not a body of its kind.
    pub fn parse(&self) -> Result<Body<'a>, wire::Error> {
        let kind = self.kind().ok_or(wire::Error::UnknownTag {
            of: "Kind",
            tag: self.bytes[0],
        })?;
        Body::parse(kind, self.body())
    }
}

/// Where the reading stands.
#[derive(Debug, Clone, Copy, Default)]
struct Cursor {
    offset: u64,
    records: u64,
}

/// What lies at the cursor.
enum Found<'a> {
    Record(Record<'a>),
    /// More bytes are needed.
    Part,
}

impl Cursor {
    /// Takes the record at the front of `bytes`, which lie at the cursor. The file's header is
    /// skipped by the caller, through [`header`].
    fn take<'a>(&mut self, bytes: &'a [u8]) -> Result<Found<'a>, Error> {
        let Some(head) = bytes.first_chunk::<RECORD_HEADER_BYTES>() else {
            return Ok(Found::Part);
        };
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let cap = Kind::from_byte(head[4]).map_or(MAX_BODY, Kind::max_body);
        let stated = length as usize;
        if !(KIND_AND_TIME..=KIND_AND_TIME + cap).contains(&stated) {
            return Err(Error::Length {
                offset: self.offset,
                record: self.records,
                length,
            });
        }
        let Some(record) = bytes.get(4..4 + stated) else {
            return Ok(Found::Part);
        };
        let record = Record {
            number: self.records,
            offset: self.offset,
            bytes: record,
        };
        self.records += 1;
        self.offset = record.end();
        Ok(Found::Record(record))
    }
}

/// Checks the file's first bytes; false if more are needed.
fn header(bytes: &[u8]) -> Result<bool, Error> {
    let known = bytes.len().min(MAGIC.len());
    if bytes[..known] != MAGIC[..known] {
        return Err(Error::NotARecording);
    }
    let Some(version) = bytes.get(MAGIC.len()..FILE_HEADER_BYTES) else {
        return Ok(false);
    };
    match u16::from_be_bytes([version[0], version[1]]) {
        VERSION => Ok(true),
        other => Err(Error::Version(other)),
    }
}

/// Is pushed bytes, gives records.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: Vec<u8>,
    /// Bytes at the front that have been given out.
    used: usize,
    begun: bool,
    cursor: Cursor,
}

impl Reader {
    /// Awaits a file from its first byte.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes as they come. Call [`Reader::poll_record`] until it returns `None` before pushing
    /// more: what is held is then less than one record.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.used);
        self.used = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next record. Errors: [`Error`]; they stay.
    pub fn poll_record(&mut self) -> Result<Option<Record<'_>>, Error> {
        if !self.begun {
            if !header(&self.buffer)? {
                return Ok(None);
            }
            self.begun = true;
            self.used = FILE_HEADER_BYTES;
            self.cursor.offset = FILE_HEADER_BYTES as u64;
        }
        let bytes = &self.buffer[self.used..];
        match self.cursor.take(bytes)? {
            Found::Part => Ok(None),
            Found::Record(record) => {
                self.used += 4 + record.bytes.len();
                Ok(Some(record))
            }
        }
    }

    /// Bytes that belong to no whole record: if nothing more comes, the last record is torn. Their place is
    /// [`Reader::offset`].
    pub fn torn(&self) -> usize {
        self.buffer.len() - self.used
    }

    /// Where the next record begins, or would.
    pub fn offset(&self) -> u64 {
        self.cursor.offset
    }

    /// Records given out.
    pub fn records(&self) -> u64 {
        self.cursor.records
    }
}

/// Walks over the records of a complete slice. Ends at the first error, at a torn record and at the end.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    rest: &'a [u8],
    cursor: Cursor,
    failed: bool,
}

impl<'a> Records<'a> {
    /// From the first byte of a recording. Errors: [`Error::NotARecording`], also for less than the file's
    /// header, and [`Error::Version`].
    pub fn new(bytes: &'a [u8]) -> Result<Self, Error> {
        if !header(bytes)? {
            return Err(Error::NotARecording);
        }
        Ok(Self {
            rest: &bytes[FILE_HEADER_BYTES..],
            cursor: Cursor {
                offset: FILE_HEADER_BYTES as u64,
                records: 0,
            },
            failed: false,
        })
    }

    /// The one record that begins at `offset`, which an index names. None: there is none.
    pub fn at(bytes: &'a [u8], offset: u64, number: u64) -> Option<Record<'a>> {
        let rest = bytes.get(usize::try_from(offset).ok()?..)?;
        let mut cursor = Cursor {
            offset,
            records: number,
        };
        match cursor.take(rest) {
            Ok(Found::Record(record)) => Some(record),
            Ok(Found::Part) | Err(_) => None,
        }
    }

    /// Bytes behind the last whole record.
    pub fn torn(&self) -> usize {
        self.rest.len()
    }

    /// Where the next record begins, or would.
    pub fn offset(&self) -> u64 {
        self.cursor.offset
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.rest.is_empty() {
            return None;
        }
        match self.cursor.take(self.rest) {
            Ok(Found::Part) => None,
            Ok(Found::Record(record)) => {
                self.rest = &self.rest[4 + record.bytes.len()..];
                Some(Ok(record))
            }
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::file_header;

    fn record(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut out = ((KIND_AND_TIME + body.len()) as u32).to_be_bytes().to_vec();
        out.push(kind);
        out.extend([0; 8]);
        out.extend_from_slice(body);
        out
    }

    #[test]
    fn records_survive_any_cut_and_both_readers_agree() {
        let mut bytes = file_header().to_vec();
        bytes.extend(record(8, &[0]));
        bytes.extend(record(7, &[0; 16]));
        bytes.extend(record(99, b"unknown"));
        bytes.extend([0, 0, 0]);
        let whole = Records::new(&bytes).unwrap();
        let whole: Vec<_> = whole.map(Result::unwrap).collect();
        assert_eq!(whole.len(), 3);
        assert!(whole[2].parse().is_err() && whole[1].parse().is_ok());
        assert_eq!(Records::at(&bytes, whole[1].offset, 1), Some(whole[1]));
        for step in [1, 5, bytes.len()] {
            let (mut reader, mut had) = (Reader::new(), Vec::new());
            for chunk in bytes.chunks(step) {
                reader.push(chunk);
                while let Some(record) = reader.poll_record().unwrap() {
                    had.push((record.offset, record.bytes.to_vec()));
                }
            }
            let expected: Vec<_> = whole.iter().map(|r| (r.offset, r.bytes.to_vec())).collect();
            assert_eq!(had, expected);
            assert_eq!(reader.torn(), 3);
        }
    }

    #[test]
    fn oversized_records_are_refused_at_their_length() {
        let mut bytes = file_header().to_vec();
        bytes.extend((KIND_AND_TIME as u32 + 17).to_be_bytes());
        bytes.push(Kind::Gap as u8);
        bytes.extend([0; 8]);
        let mut reader = Reader::new();
        reader.push(&bytes);
        let refused = Error::Length {
            offset: FILE_HEADER_BYTES as u64,
            record: 0,
            length: KIND_AND_TIME as u32 + 17,
        };
        assert_eq!(reader.poll_record(), Err(refused));
        assert_eq!(reader.poll_record(), Err(refused));
    }

    #[test]
    fn other_files_and_versions_are_refused() {
        assert_eq!(Records::new(b"PDF").unwrap_err(), Error::NotARecording);
        assert_eq!(Records::new(b"FERN").unwrap_err(), Error::NotARecording);
        let mut later = file_header();
        later[FILE_HEADER_BYTES - 1] = 2;
        assert_eq!(Records::new(&later).unwrap_err(), Error::Version(2));
    }
}
