//! Framing: how messages and frames follow each other on a stream (docs/protocol.md §2, §5.4).
//!
//! ```text
//! message   = length u32 ‖ message                       the bidirectional stream
//! record    = 16 ‖ header ‖ ciphertext                   in-order streams: a frame
//!           | 17 ‖ header ‖ SHA-256(ciphertext)          … or its tombstone
//! single    = header ‖ ciphertext ‖ FIN                  one stream per frame of classes 6–9
//! copy      = 18 ‖ header ‖ offset u64 ‖ bytes           of the in-order stream that began with that header
//! ```
//!
//! The first byte of a unidirectional stream tells what it carries: 16 or 17 begins a record, 18 a copy,
//! [`crate::frame::VERSION`] the header of a single frame.
//!
//! Readers are pushed bytes and give whole units; they hold at most one unit's worth.

use crate::frame::{Frame, HEADER_BYTES, Header};
use crate::messages::MAX_MESSAGE;
use crate::wire::{Error, Reader, Wire};

/// A unit of an in-order stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A frame.
    Frame(Frame),
    /// A frame that the relay withheld: it advances the number and is never acted on.
    Tombstone {
        /// The unchanged header.
        header: Header,
        /// SHA-256 of the ciphertext.
        hash: [u8; 32],
    },
}

impl Record {
    /// The header, of either kind.
    pub fn header(&self) -> &Header {
        match self {
            Self::Frame(frame) => &frame.header,
            Self::Tombstone { header, .. } => header,
        }
    }

    /// The bytes on an in-order stream.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Frame(frame) => {
                out.push(KIND_FRAME);
                frame.header.write(&mut out);
                out.extend_from_slice(&frame.ciphertext);
            }
            Self::Tombstone { header, hash } => {
                out.push(KIND_TOMBSTONE);
                header.write(&mut out);
                hash.write(&mut out);
            }
        }
        out
    }
}

/// Puts a message behind its length.
pub fn encode_message(message: &impl Wire) -> Vec<u8> {
    let mut out = vec![0; 4];
    message.write(&mut out);
    let length = (out.len() - 4) as u32;
    out[..4].copy_from_slice(&length.to_be_bytes());
    out
}

/// Collects pushed bytes into messages or records.
#[derive(Debug, Default)]
pub struct Assembler {
    buffer: Vec<u8>,
    /// Bytes at the front that have been given out.
    used: usize,
}

impl Assembler {
    /// Takes bytes as they arrive. Call the matching `next_…` until it returns `None` before
    /// pushing more: what is held is then less than one unit.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.used);
        self.used = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// True if no part of a unit is held: a stream may end here.
    pub fn at_boundary(&self) -> bool {
        self.used == self.buffer.len()
    }

    /// The next message's bytes.
    pub fn next_message(&mut self) -> Result<Option<Vec<u8>>, Error> {
        self.next(message)
    }

    /// The next record.
    pub fn next_record(&mut self) -> Result<Option<Record>, Error> {
        self.next(record)
    }

    fn next<T>(
        &mut self,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let bytes = &self.buffer[self.used..];
        if bytes.is_empty() {
            return Ok(None);
        }
        let mut input = Reader::new(bytes);
        match read(&mut input) {
            Ok(value) => {
                self.used = self.buffer.len() - input.rest().len();
                Ok(Some(value))
            }
            Err(Error::Truncated) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn message(input: &mut Reader<'_>) -> Result<Vec<u8>, Error> {
    let length = input.length(MAX_MESSAGE)?;
    Ok(input.take(length)?.to_vec())
}

fn record(input: &mut Reader<'_>) -> Result<Record, Error> {
    let kind = u8::read(input)?;
    let header = Header::read(input)?;
    if !header.class.in_order() {
        return Err(Error::OutOfRange("the class of an in-order record"));
    }
    match kind {
        KIND_FRAME => {
            let ciphertext = input.take(header.length as usize)?.to_vec();
            Ok(Record::Frame(Frame { header, ciphertext }))
        }
        KIND_TOMBSTONE => Ok(Record::Tombstone {
            header,
            hash: <[u8; 32]>::read(input)?,
        }),
        tag => Err(Error::UnknownTag { of: "Record", tag }),
    }
}

/// First byte of a record that holds a frame.
pub const KIND_FRAME: u8 = 16;

/// First byte of a record that holds a tombstone.
pub const KIND_TOMBSTONE: u8 = 17;

/// First byte of a copy of an in-order stream.
pub const KIND_COPY: u8 = 18;

/// Bytes of a copy before the copied ones.
pub const COPY_PREFIX: usize = RECORD_PREFIX + 8;

/// Bytes of a record before its ciphertext or hash.
pub const RECORD_PREFIX: usize = 1 + HEADER_BYTES;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Class, Direction};
    use crate::rights::Rights;

    fn header(class: Class) -> Header {
        Header {
            epoch: 1,
            direction: Direction::AgentToConsole,
            class,
            number: 3,
            grant: 2,
            rights: Rights::View,
            length: 5,
        }
    }

    #[test]
    fn records_survive_any_cut() {
        let frame = Frame {
            header: header(Class::Rights),
            ciphertext: vec![9; 5],
        };
        let records = [
            Record::Frame(frame),
            Record::Tombstone {
                header: header(Class::Acks),
                hash: [4; 32],
            },
        ];
        let bytes: Vec<u8> = records.iter().flat_map(Record::encode).collect();
        for step in [1, 7, bytes.len()] {
            let mut assembler = Assembler::default();
            let mut had = Vec::new();
            for chunk in bytes.chunks(step) {
                assembler.push(chunk);
                while let Some(record) = assembler.next_record().unwrap() {
                    had.push(record);
                }
            }
            assert_eq!(had, records);
            assert!(assembler.at_boundary());
        }
    }

    #[test]
    fn oversized_messages_are_refused_at_their_length() {
        let mut assembler = Assembler::default();
        assembler.push(&(MAX_MESSAGE as u32 + 1).to_be_bytes());
        assert!(matches!(
            assembler.next_message(),
            Err(Error::TooLong { .. })
        ));
    }

    #[test]
    fn per_frame_classes_do_not_travel_in_order() {
        let picture = Record::Frame(Frame {
            header: header(Class::Picture),
            ciphertext: vec![0; 5],
        });
        let mut assembler = Assembler::default();
        assembler.push(&picture.encode());
        assert!(assembler.next_record().is_err());
    }
}
