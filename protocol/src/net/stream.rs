//! One-way streams of bytes, whatever carries them.
//!
//! Over QUIC they are QUIC's own: each call goes straight through.

use bytes::Bytes;
use quinn::ReadExactError;
use thiserror::Error;

use super::connection::Lost;
use super::copy::Copies;
use super::tcp;
use super::units::{CHUNK, ReadError};
use crate::frame::Class;

/// Why nothing more can be written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WriteError {
    /// The other end wants nothing more of this stream, or it was cancelled here.
    #[error("the other end has refused the stream")]
    Refused,
    /// The connection is gone.
    #[error("the connection is gone: {0}")]
    Lost(#[from] Lost),
}

impl From<quinn::WriteError> for WriteError {
    fn from(error: quinn::WriteError) -> Self {
        match error {
            quinn::WriteError::ConnectionLost(error) => Self::Lost(error.into()),
            quinn::WriteError::Stopped(_)
            | quinn::WriteError::ClosedStream
            | quinn::WriteError::ZeroRttRejected => Self::Refused,
        }
    }
}

/// The sending end of a stream. What was written is complete when it is dropped; see
/// [`super::SingleSender`] for what must not be.
#[derive(Debug)]
pub struct SendStream(Sending);

#[derive(Debug)]
enum Sending {
    Quic(quinn::SendStream),
    Tcp(tcp::SendStream),
}

impl From<quinn::SendStream> for SendStream {
    fn from(stream: quinn::SendStream) -> Self {
        Self(Sending::Quic(stream))
    }
}

impl From<tcp::SendStream> for SendStream {
    fn from(stream: tcp::SendStream) -> Self {
        Self(Sending::Tcp(stream))
    }
}

impl SendStream {
    /// For messages, which go first over either transport.
    pub(super) fn most_important(&self) {
        if let Sending::Quic(stream) = &self.0 {
            // A stream that is closed already reports it at the first write.
            drop(stream.set_priority(Class::Rights.priority()));
        }
    }

    /// Writes all of it, once there is room.
    pub async fn write_all(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        match &mut self.0 {
            Sending::Quic(stream) => Ok(stream.write_all(bytes).await?),
            Sending::Tcp(stream) => stream.write(Bytes::copy_from_slice(bytes)).await,
        }
    }

    /// The same without a copy.
    pub async fn write_chunk(&mut self, chunk: Bytes) -> Result<(), WriteError> {
        match &mut self.0 {
            Sending::Quic(stream) => Ok(stream.write_chunk(chunk).await?),
            Sending::Tcp(stream) => stream.write(chunk).await,
        }
    }

    /// Writes all of several chunks, without a copy.
    pub async fn write_all_chunks(&mut self, chunks: &mut [Bytes]) -> Result<(), WriteError> {
        match &mut self.0 {
            Sending::Quic(stream) => Ok(stream.write_all_chunks(chunks).await?),
            Sending::Tcp(stream) => {
                for chunk in chunks {
                    stream.write(std::mem::take(chunk)).await?;
                }
                Ok(())
            }
        }
    }

    /// Nothing more comes. Errors: the other end wants nothing of it.
    pub fn finish(&mut self) -> Result<(), WriteError> {
        match &mut self.0 {
            Sending::Quic(stream) => stream.finish().map_err(|_| WriteError::Refused),
            Sending::Tcp(stream) => stream.finish(),
        }
    }

    /// Takes back what the other end does not have yet.
    pub fn cancel(&mut self) {
        match &mut self.0 {
            // A stream that the other end has refused or has in full needs no reset.
            Sending::Quic(stream) => drop(stream.reset(0u32.into())),
            Sending::Tcp(stream) => stream.cancel(),
        }
    }

    /// Waits until the other end has all of a finished stream, or wants no more of it.
    pub async fn delivered(&mut self) -> Result<(), WriteError> {
        match &mut self.0 {
            Sending::Quic(stream) => match stream.stopped().await {
                Ok(None) => Ok(()),
                Ok(Some(_)) | Err(quinn::StoppedError::ZeroRttRejected) => Err(WriteError::Refused),
                Err(quinn::StoppedError::ConnectionLost(error)) => {
                    Err(WriteError::Lost(error.into()))
                }
            },
            Sending::Tcp(stream) => stream.delivered().await,
        }
    }
}

/// The receiving end of a stream. Dropped before its end it refuses the rest.
#[derive(Debug)]
pub struct RecvStream {
    receiving: Receiving,
    copies: Option<Copies>,
}

#[derive(Debug)]
enum Receiving {
    Quic(quinn::RecvStream),
    Tcp(tcp::RecvStream),
}

impl From<quinn::RecvStream> for RecvStream {
    fn from(stream: quinn::RecvStream) -> Self {
        Self {
            receiving: Receiving::Quic(stream),
            copies: None,
        }
    }
}

impl From<tcp::RecvStream> for RecvStream {
    fn from(stream: tcp::RecvStream) -> Self {
        Self {
            receiving: Receiving::Tcp(stream),
            copies: None,
        }
    }
}

impl RecvStream {
    /// It may be a copy of its connection, or have one there.
    pub(super) fn with_copies(self, copies: &Copies) -> Self {
        Self {
            copies: Some(copies.clone()),
            ..self
        }
    }

    /// What it was given by [`Self::with_copies`]; it has it no more.
    pub(super) fn take_copies(&mut self) -> Option<Copies> {
        self.copies.take()
    }

    /// The next bytes, at most `max`; `None` at the end. Not lost if the future is dropped.
    pub async fn read_chunk(&mut self, max: usize) -> Result<Option<Bytes>, ReadError> {
        match &mut self.receiving {
            Receiving::Quic(stream) => {
                let chunk = stream.read_chunk(max, true).await?;
                Ok(chunk.map(|chunk| chunk.bytes))
            }
            Receiving::Tcp(stream) => stream.read(max).await,
        }
    }

    /// What is there of the next bytes, in as many of `chunks` as it takes; `None` at the end. Not lost if the
    /// future is dropped.
    pub async fn read_chunks(&mut self, chunks: &mut [Bytes]) -> Result<Option<usize>, ReadError> {
        match (&mut self.receiving, chunks) {
            (Receiving::Quic(stream), chunks) => Ok(stream.read_chunks(chunks).await?),
            (Receiving::Tcp(stream), [first, ..]) => {
                let chunk = stream.read(CHUNK).await?;
                Ok(chunk.map(|chunk| {
                    *first = chunk;
                    1
                }))
            }
            (Receiving::Tcp(_), []) => Ok(Some(0)),
        }
    }

    /// Exactly so many bytes.
    pub async fn read_exact(&mut self, bytes: &mut [u8]) -> Result<(), ReadError> {
        match &mut self.receiving {
            Receiving::Quic(stream) => {
                stream.read_exact(bytes).await.map_err(|error| match error {
                    ReadExactError::FinishedEarly(_) => ReadError::Truncated,
                    ReadExactError::ReadError(error) => error.into(),
                })
            }
            Receiving::Tcp(stream) => {
                let mut filled = 0;
                while filled < bytes.len() {
                    let chunk = stream.read(bytes.len() - filled).await?;
                    let chunk = chunk.ok_or(ReadError::Truncated)?;
                    bytes[filled..filled + chunk.len()].copy_from_slice(&chunk);
                    filled += chunk.len();
                }
                Ok(())
            }
        }
    }

    /// Refuses the rest.
    pub fn refuse(&mut self) {
        match &mut self.receiving {
            // A stream that has ended needs no stopping.
            Receiving::Quic(stream) => drop(stream.stop(1u32.into())),
            Receiving::Tcp(stream) => stream.refuse(),
        }
    }
}
