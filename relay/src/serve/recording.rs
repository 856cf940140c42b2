//! The hub's recordings: frames on their way into them, and what their recorders report.
//!
//! In-order frames are handed to the recorder under the hub's lock, in the step in which they are
//! judged: the file has the order of the judgements. A recorder that does not take what it must have,
//! has failed in the same step, before anything else can be judged.

use std::sync::Arc;

use fernsicht_protocol::checkpoint::SignedCheckpoint;
use fernsicht_protocol::frame::{Class, Header};
use fernsicht_protocol::messages::{Chain, End, SessionId};
use fernsicht_protocol::router::{ConnectionId, Opening, Ticket, Verdict};
use tokio::sync::oneshot;

use super::hub::{Hub, State};
use super::recorder::{Cause, Events, Item, Recorder, Sealed, now_centis};

/// An in-order frame, judged, and handed to the recorder in the same step.
#[derive(Debug)]
pub(super) enum Passed {
    /// What becomes of it.
    Judged(Verdict),
    /// Input: what becomes of it is known once `taken` has come, or never will.
    Asked {
        ticket: Ticket,
        taken: oneshot::Receiver<()>,
    },
}

impl Hub {
    pub(super) fn start_recording(self: &Arc<Self>, state: &mut State, opening: Box<Opening>) {
        let session = opening.session;
        if !state.recordings.contains_key(&session)
            && let Some(care) = self.care()
        {
            let recorder = care
                .recorders
                .start(session, Arc::new(Reports(self.clone())));
            state.recordings.insert(session, recorder);
        }
        state.push(session, Item::Open(opening));
    }

    /// Judges a frame with a stream of its own. If it is to be recorded, its recording comes along.
    pub(super) fn judge(
        self: &Arc<Self>,
        id: ConnectionId,
        header: &Header,
    ) -> (Verdict, Option<Recording>) {
        self.with(|state, now| {
            let verdict = state.router.handle_frame_header(id, header, now);
            let recording = match verdict {
                Verdict::Forward {
                    recording: Some(session),
                    ..
                } => state.recordings.get(&session).map(|recorder| Recording {
                    session,
                    recorder: recorder.clone(),
                }),
                Verdict::Forward { .. }
                | Verdict::Record { .. }
                | Verdict::Hold
                | Verdict::Tombstone { .. }
                | Verdict::Discard { .. }
                | Verdict::Refuse
                | Verdict::Tampered => None,
            };
            (verdict, recording)
        })
    }

    /// Judges an in-order frame and hands it to the recorder before anything else can be judged:
    /// the recording has the order of the judgements.
    pub(super) fn pass(
        self: &Arc<Self>,
        id: ConnectionId,
        header: &Header,
        ciphertext: &Sealed,
    ) -> Passed {
        self.with(|state, now| {
            let verdict = state.router.handle_frame_header(id, header, now);
            let (session, kind) = match verdict {
                Verdict::Forward { recording, .. } => (recording, Kind::Forwarded),
                Verdict::Tombstone { recording, .. } | Verdict::Discard { recording } => {
                    (recording, Kind::Withheld)
                }
                Verdict::Record { recording, ticket } => (Some(recording), Kind::Asked(ticket)),
                Verdict::Hold | Verdict::Refuse | Verdict::Tampered => (None, Kind::Withheld),
            };
            let (told, taken) = oneshot::channel();
            if let Some(session) = session {
                let told = matches!(kind, Kind::Asked(_)).then_some(told);
                state.record(session, header, ciphertext, (&kind, told));
            }
            match kind {
                Kind::Asked(ticket) => Passed::Asked { ticket, taken },
                Kind::Forwarded | Kind::Withheld => Passed::Judged(verdict),
            }
        })
    }

    /// What becomes of input that was asked about. `taken` is false if the recorder has not taken it.
    pub(super) fn recorded(
        self: &Arc<Self>,
        id: ConnectionId,
        (ticket, taken): (Ticket, bool),
    ) -> Verdict {
        self.with(|state, _| match taken {
            true => state.router.handle_recorded(id, ticket),
            false => state.router.handle_unrecorded(id, ticket),
        })
    }

    pub(super) fn recorder_failed(self: &Arc<Self>, session: SessionId) {
        self.with(|state, _| state.router.handle_recorder_failed(session));
    }

    /// A recording has no room for what must be recorded.
    pub(super) fn recorder_overflows(self: &Arc<Self>, recording: &Recording) {
        if recording.recorder.fail(now_centis(), Cause::Session) {
            self.recorder_failed(recording.session);
        }
    }
}

/// Where recorders report to.
pub(super) struct Reports(pub(super) Arc<Hub>);

impl Events for Reports {
    fn ready(&self, session: SessionId, epoch: u32, chain: Chain, first: SignedCheckpoint) {
        self.0.with(|state, now| {
            state
                .router
                .handle_recording_ready(session, epoch, chain, first, now);
        });
    }

    fn checkpoint(&self, session: SessionId, checkpoint: SignedCheckpoint) {
        self.0
            .with(|state, _| state.router.handle_checkpoint(session, checkpoint));
    }

    fn failed(&self, session: SessionId) {
        self.0.recorder_failed(session);
    }

    fn back(&self, session: SessionId) {
        self.0
            .with(|state, _| state.router.handle_recorder_back(session));
    }

    fn finished(&self, session: SessionId, last: Option<SignedCheckpoint>) {
        self.0.with(|state, now| {
            state.router.handle_recording_finished(session, last, now);
        });
    }
}

/// A running session's recording.
#[derive(Debug, Clone)]
pub(super) struct Recording {
    pub(super) session: SessionId,
    pub(super) recorder: Arc<Recorder>,
}

enum Kind {
    Forwarded,
    Withheld,
    Asked(Ticket),
}

impl State {
    /// Hands an in-order frame to its recorder.
    fn record(
        &mut self,
        session: SessionId,
        header: &Header,
        ciphertext: &Sealed,
        (kind, asked): (&Kind, Option<oneshot::Sender<()>>),
    ) {
        let Some(recorder) = self.recordings.get(&session) else {
            return self.fail(session);
        };
        let header = *header;
        let item = match kind {
            // Of texts and files the recording keeps that they came by, and no content.
            Kind::Forwarded if header.class == Class::Transfer => Item::Withheld {
                header,
                hash: ciphertext.sum.hash,
            },
            Kind::Forwarded | Kind::Asked(_) => {
                let Ok(room) = recorder.room(ciphertext.bytes.len()) else {
                    return self.fail(session);
                };
                Item::Frame {
                    header,
                    ciphertext: ciphertext.clone(),
                    asked: asked.is_some(),
                    room,
                }
            }
            Kind::Withheld => Item::Withheld {
                header,
                hash: ciphertext.sum.hash,
            },
        };
        let pushed = match asked {
            Some(asked) => recorder.push_asked(now_centis(), item, asked),
            None => recorder.push(now_centis(), item),
        };
        if pushed.is_err() {
            self.fail(session);
        }
    }

    /// A recorder that does not take what it must have, has failed.
    pub(super) fn push(&mut self, session: SessionId, item: Item) {
        let pushed = self
            .recordings
            .get(&session)
            .is_some_and(|recorder| recorder.push(now_centis(), item).is_ok());
        if !pushed {
            self.fail(session);
        }
    }

    fn fail(&mut self, session: SessionId) {
        if let Some(recorder) = self.recordings.get(&session) {
            recorder.fail(now_centis(), Cause::Session);
        }
        self.router.handle_recorder_failed(session);
    }

    /// The session is over.
    pub(super) fn finish_recording(&mut self, session: SessionId, reason: End) {
        let Some(recorder) = self.recordings.remove(&session) else {
            return;
        };
        // The end is always taken.
        drop(recorder.push(now_centis(), Item::Finish { reason }));
        self.ended.retain(|_, recorder| recorder.strong_count() > 0);
        self.ended.insert(session, Arc::downgrade(&recorder));
    }

    /// The customer has the completed receipt.
    pub(super) fn note_receipt(&mut self, session: SessionId) {
        let ended = self.ended.remove(&session);
        if let Some(recorder) = ended.and_then(|recorder| recorder.upgrade()) {
            // What comes behind the end is always taken.
            drop(recorder.push(now_centis(), Item::ReceiptDone));
        }
    }
}
