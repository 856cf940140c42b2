//! Messages, records and single frames on streams.

use bytes::Bytes;
use thiserror::Error;

use super::connection::{Connection, Lost};
use super::copy::{Copier, Ways};
use super::stream::{RecvStream, SendStream, WriteError};

use crate::frame::{Class, Frame, HEADER_BYTES, Header, VERSION};
use crate::unit::{Assembler, KIND_COPY, KIND_FRAME, KIND_TOMBSTONE, Record, encode_message};
use crate::wire::{self, Wire};

/// Bytes taken from a stream at a time.
pub(super) const CHUNK: usize = 64 << 10;

/// Why nothing more can be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The peer sent what cannot be read: its fault.
    #[error("the peer's bytes cannot be read: {0}")]
    Malformed(#[from] wire::Error),
    /// The stream ended inside a unit.
    #[error("the stream ended too early")]
    Truncated,
    /// The sender cancelled the stream.
    #[error("the stream was cancelled")]
    Cancelled,
    /// The connection is gone.
    #[error("the connection is gone: {0}")]
    Lost(Lost),
}

impl From<quinn::ReadError> for ReadError {
    fn from(error: quinn::ReadError) -> Self {
        match error {
            quinn::ReadError::Reset(_) => Self::Cancelled,
            quinn::ReadError::ConnectionLost(error) => Self::Lost(error.into()),
            quinn::ReadError::ClosedStream
            | quinn::ReadError::IllegalOrderedRead
            | quinn::ReadError::ZeroRttRejected => Self::Lost(Lost::Broken(error.to_string())),
        }
    }
}

/// The sending half of the message stream.
#[derive(Debug)]
pub struct MessageSender(SendStream);

impl MessageSender {
    /// Takes the stream and gives it the priority of rights: messages are small and go first.
    pub(super) fn new(stream: SendStream) -> Self {
        stream.most_important();
        Self(stream)
    }

    /// Sends one message.
    pub async fn send(&mut self, message: &impl Wire) -> Result<(), WriteError> {
        self.0.write_all(&encode_message(message)).await
    }

    /// Ends the stream and waits until the peer has it all, or is gone.
    pub async fn finish(mut self) {
        if self.0.finish().is_ok() {
            // Either way there is nothing left to deliver.
            drop(self.0.delivered().await);
        }
    }
}

/// The receiving half of the message stream.
#[derive(Debug)]
pub struct MessageReceiver {
    stream: RecvStream,
    assembler: Assembler,
}

impl MessageReceiver {
    /// Takes the stream.
    pub(super) fn new(stream: RecvStream) -> Self {
        Self {
            stream,
            assembler: Assembler::default(),
        }
    }

    /// The next message; `None` at the stream's end. Not lost if the future is dropped.
    pub async fn next<T: Wire>(&mut self) -> Result<Option<T>, ReadError> {
        loop {
            if let Some(bytes) = self.assembler.next_message()? {
                return Ok(Some(T::from_bytes(&bytes)?));
            }
            match self.stream.read_chunk(CHUNK).await? {
                Some(chunk) => self.assembler.push(&chunk),
                None if self.assembler.at_boundary() => return Ok(None),
                None => return Err(ReadError::Truncated),
            }
        }
    }
}

/// The receiving half of an in-order stream.
#[derive(Debug)]
pub struct RecordReceiver {
    ways: Ways,
    assembler: Assembler,
}

impl RecordReceiver {
    /// The next record; `None` at the stream's end. Not lost if the future is dropped.
    pub async fn next(&mut self) -> Result<Option<Record>, ReadError> {
        loop {
            if let Some(record) = self.assembler.next_record()? {
                self.ways.handle_record(record.header());
                return Ok(Some(record));
            }
            match self.ways.read_chunk().await? {
                Some(chunk) => self.assembler.push(&chunk),
                None if self.assembler.at_boundary() => return Ok(None),
                None => return Err(ReadError::Truncated),
            }
        }
    }
}

/// What a unidirectional stream carries.
#[derive(Debug)]
pub enum Incoming {
    /// Records of one in-order class.
    Records(RecordReceiver),
    /// One frame of classes 6 to 9, of which the header has been read.
    Single(Header, RecvStream),
    /// A copy of an in-order stream: that one's receiver has it now.
    Copy,
}

/// Finds out what a new stream carries, by its first byte. Errors: see [`ReadError`].
pub async fn incoming(mut stream: RecvStream) -> Result<Incoming, ReadError> {
    let mut first = [0; 1];
    stream.read_exact(&mut first).await?;
    match first[0] {
        KIND_FRAME | KIND_TOMBSTONE => {
            let mut assembler = Assembler::default();
            assembler.push(&first);
            let ways = Ways::new(stream, first.len() as u64);
            Ok(Incoming::Records(RecordReceiver { ways, assembler }))
        }
        VERSION => {
            let mut header = [VERSION; HEADER_BYTES];
            stream.read_exact(&mut header[1..]).await?;
            let header = Header::decode(&header)?;
            if header.class.in_order() {
                return Err(wire::Error::OutOfRange("the class of a single frame").into());
            }
            Ok(Incoming::Single(header, stream))
        }
        tag => match stream.take_copies() {
            Some(copies) if tag == KIND_COPY => {
                copies.handle_copy(stream).await?;
                Ok(Incoming::Copy)
            }
            Some(_) | None => Err(wire::Error::UnknownTag { of: "stream", tag }.into()),
        },
    }
}

/// The sending half of an in-order stream. What was sent whole is complete when it is dropped.
#[derive(Debug)]
pub struct RecordSender {
    stream: SendStream,
    copier: Option<Copier>,
}

impl RecordSender {
    /// Opens a stream for the records of `class`.
    pub async fn open(connection: &Connection, class: Class) -> Result<Self, Lost> {
        Ok(Self {
            stream: connection.open_uni(class).await?,
            copier: Copier::new(connection, class),
        })
    }

    /// Ends the stream and waits until the peer has it all, or is gone.
    pub async fn finish(mut self) {
        if self.stream.finish().is_ok() {
            // Either way there is nothing left to deliver.
            drop(self.stream.delivered().await);
        }
    }

    /// Sends one record. If the future is dropped, part of it may have been sent: see [`Self::cancel`].
    pub async fn send(&mut self, record: &Record) -> Result<(), WriteError> {
        let header = *record.header();
        self.send_chunks(&header, &mut [record.encode().into()])
            .await
    }

    /// Sends one record that is encoded already, in chunks.
    pub async fn send_chunks(
        &mut self,
        header: &Header,
        record: &mut [Bytes],
    ) -> Result<(), WriteError> {
        let copied = self.copier.as_ref().map(|_| record.concat());
        self.stream.write_all_chunks(record).await?;
        if let Some((copier, copied)) = self.copier.as_mut().zip(copied) {
            copier.handle_sent(header, copied.into());
        }
        Ok(())
    }

    /// Takes back what the other end does not have yet: a stream that merely ended within a record would look altered.
    pub fn cancel(&mut self) {
        self.stream.cancel();
    }
}

/// Sends one frame of classes 6 to 9 on a stream of its own. Dropped before the end it is cancelled:
/// half a frame never looks whole.
#[derive(Debug)]
pub struct SingleSender {
    stream: SendStream,
    whole: bool,
}

impl SingleSender {
    /// Opens the stream, once there is room for one.
    pub async fn open(connection: &Connection, class: Class) -> Result<Self, Lost> {
        Ok(Self {
            stream: connection.open_uni(class).await?,
            whole: false,
        })
    }

    /// Sends chunks, of which the very first begins with the header: it need not go in a packet of its own.
    pub async fn send_chunks(&mut self, chunks: &mut [Bytes]) -> Result<(), WriteError> {
        self.stream.write_all_chunks(chunks).await
    }

    /// Sends a whole frame.
    pub async fn send(&mut self, frame: Frame) -> Result<(), WriteError> {
        let header = Bytes::copy_from_slice(&frame.header.encode());
        let mut chunks = [header, frame.ciphertext.into()];
        self.send_chunks(&mut chunks).await?;
        self.finish()
    }

    /// The frame is complete. Errors: the other end wants nothing of it.
    pub fn finish(&mut self) -> Result<(), WriteError> {
        self.stream.finish()?;
        self.whole = true;
        Ok(())
    }

    /// Waits until the other end has all of it, or wants no more of it.
    pub async fn delivered(&mut self) -> Result<(), WriteError> {
        self.stream.delivered().await
    }

    /// Takes back what the other end does not have yet.
    pub fn cancel(mut self) {
        self.stream.cancel();
        self.whole = true;
    }
}

impl Drop for SingleSender {
    fn drop(&mut self) {
        if !self.whole {
            self.stream.cancel();
        }
    }
}

/// Reads a single frame to its end. Memory grows with what arrives, up to the class's cap.
pub async fn read_single(header: Header, stream: &mut RecvStream) -> Result<Frame, ReadError> {
    let length = header.length as usize;
    let mut ciphertext = Vec::new();
    while let Some(chunk) = stream.read_chunk(CHUNK).await? {
        if ciphertext.len() + chunk.len() > length {
            return Err(ReadError::Malformed(wire::Error::Trailing(
                ciphertext.len() + chunk.len() - length,
            )));
        }
        ciphertext.extend_from_slice(&chunk);
    }
    match ciphertext.len() == length {
        true => Ok(Frame { header, ciphertext }),
        false => Err(ReadError::Truncated),
    }
}
