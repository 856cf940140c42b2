//! Segments: what follows each other on the one byte stream (docs/protocol.md §2).

use thiserror::Error;

/// The most bytes of a stream in one segment: this much may stand before a revocation.
pub const SEGMENT: usize = 16 << 10;

/// The longest reason of a goodbye.
pub const MAX_REASON: usize = 255;

/// The other end does not keep to the segments: the connection is of no use any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Violation {
    /// No such kind of segment.
    #[error("an unknown segment {0}")]
    Kind(u8),
    /// Data of no byte or of too many.
    #[error("a segment of {0} bytes")]
    Length(usize),
    /// A stream out of turn, one that is over, or one too many.
    #[error("stream {0} is not open")]
    Stream(u32),
    /// More bytes than there was room for, or room for bytes that were never sent.
    #[error("the windows of stream {0} are not kept")]
    Window(u32),
}

/// A segment without data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// The stream is complete.
    Finish(u32),
    /// Its sender takes back what was not read yet.
    Cancel(u32),
    /// Its reader has taken so many bytes.
    Room(u32, u32),
    /// Its reader wants no more of it.
    Refuse(u32),
    /// All of it has come to its reader's side.
    Got(u32),
    /// Its reader has seen its end: the stream is over.
    Done(u32),
    /// To be answered.
    Ping(u64),
    /// The answer.
    Pong(u64),
    /// Nothing follows.
    Close(u32, Vec<u8>),
}

impl Segment {
    /// Appends the bytes on the wire.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Finish(stream) => head(out, FINISH, *stream),
            Self::Cancel(stream) => head(out, CANCEL, *stream),
            Self::Room(stream, bytes) => {
                head(out, ROOM, *stream);
                out.extend_from_slice(&bytes.to_be_bytes());
            }
            Self::Refuse(stream) => head(out, REFUSE, *stream),
            Self::Got(stream) => head(out, GOT, *stream),
            Self::Done(stream) => head(out, DONE, *stream),
            Self::Ping(value) => {
                out.push(PING);
                out.extend_from_slice(&value.to_be_bytes());
            }
            Self::Pong(value) => {
                out.push(PONG);
                out.extend_from_slice(&value.to_be_bytes());
            }
            Self::Close(code, reason) => {
                head(out, CLOSE, *code);
                let reason = &reason[..reason.len().min(MAX_REASON)];
                out.push(reason.len() as u8);
                out.extend_from_slice(reason);
            }
        }
    }
}

/// Appends the head of a segment with `length` bytes of data.
pub(super) fn write_data_head(out: &mut Vec<u8>, stream: u32, length: usize) {
    head(out, DATA, stream);
    out.extend_from_slice(&(length as u16).to_be_bytes());
}

fn head(out: &mut Vec<u8>, kind: u8, number: u32) {
    out.push(kind);
    out.extend_from_slice(&number.to_be_bytes());
}

/// A part of what arrives.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Some bytes of a stream; never none.
    Data(u32, &'a [u8]),
    /// A whole segment.
    Whole(Segment),
}

/// Takes bytes as they come; holds no more than a segment's head or a reason.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    head: Vec<u8>,
    /// Stream and bytes to come of a data segment.
    data: Option<(u32, usize)>,
}

impl Decoder {
    /// The next piece, taken from the front of `input`; none until more has come.
    pub(super) fn next<'a>(
        &mut self,
        input: &mut &'a [u8],
    ) -> Result<Option<Piece<'a>>, Violation> {
        loop {
            if let Some((stream, left)) = self.data {
                if input.is_empty() {
                    return Ok(None);
                }
                let (bytes, rest) = input.split_at(left.min(input.len()));
                *input = rest;
                self.data = (left > bytes.len()).then(|| (stream, left - bytes.len()));
                return Ok(Some(Piece::Data(stream, bytes)));
            }
            let wanted = self.wanted()?;
            if self.head.len() < wanted {
                let missing = (wanted - self.head.len()).min(input.len());
                if missing == 0 {
                    return Ok(None);
                }
                let (bytes, rest) = input.split_at(missing);
                self.head.extend_from_slice(bytes);
                *input = rest;
                continue;
            }
            let head = std::mem::take(&mut self.head);
            if let Some(segment) = self.whole(&head)? {
                return Ok(Some(Piece::Whole(segment)));
            }
        }
    }

    /// How long the head in hand must become.
    fn wanted(&self) -> Result<usize, Violation> {
        Ok(match self.head.first() {
            None => 1,
            Some(&DATA) => 7,
            Some(&(FINISH | CANCEL | REFUSE | GOT | DONE)) => 5,
            Some(&(ROOM | PING | PONG)) => 9,
            Some(&CLOSE) => 6 + self.head.get(5).map_or(0, |length| usize::from(*length)),
            Some(&kind) => return Err(Violation::Kind(kind)),
        })
    }

    /// A head that is as long as it must be. None: data follows.
    fn whole(&mut self, head: &[u8]) -> Result<Option<Segment>, Violation> {
        let number = |at: usize| {
            head.get(at..)
                .and_then(|bytes| bytes.first_chunk())
                .map_or(0, |bytes| u32::from_be_bytes(*bytes))
        };
        let stream = number(1);
        let long = || u64::from(stream) << 32 | u64::from(number(5));
        Ok(Some(match head.first().copied().unwrap_or_default() {
            DATA => {
                let length = (number(3) & 0xffff) as usize;
                if length == 0 || length > SEGMENT {
                    return Err(Violation::Length(length));
                }
                self.data = Some((stream, length));
                return Ok(None);
            }
            FINISH => Segment::Finish(stream),
            CANCEL => Segment::Cancel(stream),
            ROOM => Segment::Room(stream, number(5)),
            REFUSE => Segment::Refuse(stream),
            GOT => Segment::Got(stream),
            DONE => Segment::Done(stream),
            PING => Segment::Ping(long()),
            PONG => Segment::Pong(long()),
            CLOSE => Segment::Close(stream, head[6..].to_vec()),
            kind => return Err(Violation::Kind(kind)),
        }))
    }
}

const DATA: u8 = 0;
const FINISH: u8 = 1;
const CANCEL: u8 = 2;
const ROOM: u8 = 3;
const REFUSE: u8 = 4;
const GOT: u8 = 5;
const DONE: u8 = 6;
const PING: u8 = 7;
const PONG: u8 = 8;
const CLOSE: u8 = 9;

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> (Vec<Segment>, Vec<u8>) {
        let segments = vec![
            Segment::Finish(1),
            Segment::Cancel(2),
            Segment::Room(3, 65_536),
            Segment::Refuse(4),
            Segment::Got(5),
            Segment::Done(6),
            Segment::Ping(7 << 40),
            Segment::Pong(8),
            Segment::Close(9, b"the end".to_vec()),
        ];
        let mut bytes = Vec::new();
        for segment in &segments {
            segment.write(&mut bytes);
        }
        (segments, bytes)
    }

    #[test]
    fn segments_are_these_bytes() {
        let mut bytes = Vec::new();
        write_data_head(&mut bytes, 0x0102_0304, 0x0506);
        for segment in all().0 {
            segment.write(&mut bytes);
        }
        let expected = [
            &[0, 1, 2, 3, 4, 5, 6][..],
            &[1, 0, 0, 0, 1],
            &[2, 0, 0, 0, 2],
            &[3, 0, 0, 0, 3, 0, 1, 0, 0],
            &[4, 0, 0, 0, 4],
            &[5, 0, 0, 0, 5],
            &[6, 0, 0, 0, 6],
            &[7, 0, 0, 7, 0, 0, 0, 0, 0],
            &[8, 0, 0, 0, 0, 0, 0, 0, 8],
            b"\x09\0\0\0\x09\x07the end",
        ]
        .concat();
        assert_eq!(bytes, expected);
    }

    #[test]
    fn segments_survive_any_cut() {
        let (segments, mut bytes) = all();
        write_data_head(&mut bytes, 99, 300);
        bytes.extend([9; 300]);
        for step in [1, 7, bytes.len()] {
            let (mut decoder, mut whole, mut data) = (Decoder::default(), Vec::new(), Vec::new());
            for mut chunk in bytes.chunks(step) {
                while let Some(piece) = decoder.next(&mut chunk).unwrap() {
                    match piece {
                        Piece::Whole(segment) => whole.push(segment),
                        Piece::Data(stream, bytes) => {
                            assert_eq!(stream, 99);
                            data.extend_from_slice(bytes);
                        }
                    }
                }
            }
            assert_eq!((&whole, &data[..]), (&segments, &[9; 300][..]));
        }
    }

    #[test]
    fn what_is_no_segment_is_refused_at_its_head() {
        for (bytes, violation) in [
            (&[10][..], Violation::Kind(10)),
            (&[0, 0, 0, 0, 1, 0, 0], Violation::Length(0)),
            (&[0, 0, 0, 0, 1, 0x40, 1], Violation::Length(SEGMENT + 1)),
        ] {
            let mut input = bytes;
            assert_eq!(Decoder::default().next(&mut input), Err(violation));
        }
    }
}
