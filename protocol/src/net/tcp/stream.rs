//! The two ends of a stream of the mux.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Notify;

use super::super::stream::WriteError;
use super::super::units::ReadError;
use super::carrier::Carrier;
use crate::mux::{Fate, Read, ReceiveId, SendId};

/// A stream that is written here.
#[derive(Debug)]
pub(in super::super) struct SendStream {
    carrier: Carrier,
    id: SendId,
    wake: Arc<Notify>,
}

impl SendStream {
    pub(super) fn new(carrier: Carrier, id: SendId) -> Self {
        let wake = carrier.shared().writer(id);
        Self { carrier, id, wake }
    }

    pub(in super::super) async fn write(&mut self, mut bytes: Bytes) -> Result<(), WriteError> {
        let shared = self.carrier.shared();
        while !bytes.is_empty() {
            let before = bytes.len();
            shared
                .wait(&self.wake, |state| {
                    if state.lost.is_some() {
                        return None;
                    }
                    let written = state.mux.write(self.id, &mut bytes);
                    (written.is_err() || bytes.len() < before).then_some(written)
                })
                .await?
                .map_err(|_| WriteError::Refused)?;
            shared.work.notify_one();
        }
        Ok(())
    }

    pub(in super::super) fn finish(&mut self) -> Result<(), WriteError> {
        let shared = self.carrier.shared();
        let finished = shared.with(|state| state.mux.finish(self.id));
        shared.work.notify_one();
        finished.map_err(|_| WriteError::Refused)
    }

    pub(in super::super) fn cancel(&mut self) {
        let shared = self.carrier.shared();
        shared.with(|state| state.mux.cancel(self.id));
    }

    pub(in super::super) async fn delivered(&mut self) -> Result<(), WriteError> {
        let fate = self
            .carrier
            .shared()
            .wait(&self.wake, |state| match state.mux.fate(self.id) {
                Fate::Open => None,
                fate @ (Fate::Delivered | Fate::Refused) => Some(fate),
            })
            .await?;
        match fate {
            Fate::Refused => Err(WriteError::Refused),
            Fate::Delivered | Fate::Open => Ok(()),
        }
    }
}

impl Drop for SendStream {
    fn drop(&mut self) {
        self.carrier.shared().release_writer(self.id);
    }
}

/// A stream that is read here.
#[derive(Debug)]
pub(in super::super) struct RecvStream {
    carrier: Carrier,
    id: ReceiveId,
    wake: Arc<Notify>,
    /// How it ended, once that was read.
    ended: Option<Read>,
}

impl RecvStream {
    pub(super) fn new(carrier: Carrier, id: ReceiveId) -> Self {
        let wake = carrier.shared().reader(id);
        Self {
            carrier,
            id,
            wake,
            ended: None,
        }
    }

    pub(in super::super) async fn read(&mut self, max: usize) -> Result<Option<Bytes>, ReadError> {
        let shared = self.carrier.shared();
        let ended = &mut self.ended;
        let read = match ended {
            Some(Read::End) => return Ok(None),
            Some(_) => return Err(ReadError::Cancelled),
            None => shared.wait(&self.wake, |state| match state.mux.read(self.id, max) {
                Read::Nothing => None,
                read @ (Read::Chunk(_) | Read::End | Read::Cancelled) => Some(read),
            }),
        };
        match read.await {
            Ok(Read::Chunk(chunk)) => Ok(Some(chunk)),
            Ok(Read::End) => {
                *ended = Some(Read::End);
                Ok(None)
            }
            Ok(Read::Cancelled | Read::Nothing) => {
                *ended = Some(Read::Cancelled);
                Err(ReadError::Cancelled)
            }
            Err(lost) => Err(ReadError::Lost(lost)),
        }
    }

    pub(in super::super) fn refuse(&mut self) {
        self.ended.get_or_insert(Read::Cancelled);
        self.carrier.shared().release_reader(self.id);
    }
}

impl Drop for RecvStream {
    fn drop(&mut self) {
        self.refuse();
    }
}
