//! What the router asks its caller to do.

use super::{ConnectionId, Cut, Network, Opening, Side, TechnicianId, Ticket};
use crate::messages::{End, RelayToAgent, RelayToConsole, SessionId};

/// What becomes of a frame, by its header. `recording` names the recording that it belongs into,
/// in the order of the verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Header and ciphertext go to a connection.
    Forward {
        /// Whom.
        to: ConnectionId,
        /// Where it is recorded, once it was forwarded whole.
        recording: Option<SessionId>,
    },
    /// The frame goes to the recorder; [`super::Router::handle_recorded`] then says what becomes of it.
    Record {
        /// What to ask with.
        ticket: Ticket,
        /// Where it is recorded.
        recording: SessionId,
    },
    /// Not read further until [`Output::Rejudge`] or [`Output::CutStreams`]; then asked again.
    Hold,
    /// Header and H(ciphertext) go to a connection in the frame's place.
    Tombstone {
        /// Whom.
        to: ConnectionId,
        /// Where the tombstone is recorded.
        recording: Option<SessionId>,
    },
    /// The other side is away: an in-order frame is read and forgotten.
    Discard {
        /// Where its tombstone is recorded.
        recording: Option<SessionId>,
    },
    /// The frame's own stream is stopped, and reset onward.
    Refuse,
    /// Something was altered. The session has ended.
    Tampered,
}

/// What the caller has to do.
#[derive(Debug, Clone)]
pub enum Output {
    /// Send a message to an agent.
    ToAgent {
        /// Whom.
        connection: ConnectionId,
        /// What.
        message: RelayToAgent,
    },
    /// Send a message to a console.
    ToConsole {
        /// Whom.
        connection: ConnectionId,
        /// What.
        message: RelayToConsole,
    },
    /// Deliver what was sent, then close.
    Close {
        /// Whom.
        connection: ConnectionId,
    },
    /// This side of a session is paired, or back: frames may come from it.
    Seated {
        /// Which.
        connection: ConnectionId,
    },
    /// The rights changed: held frames of this agent are judged again.
    Rejudge {
        /// The agent.
        connection: ConnectionId,
    },
    /// Reset the streams that carry this agent's frames onward. Held ones are judged again.
    CutStreams {
        /// The agent.
        connection: ConnectionId,
        /// Which streams.
        cut: Cut,
    },
    /// Check an enrolment, then call [`super::Router::handle_enrolment`].
    Enrol {
        /// Who asks.
        connection: ConnectionId,
        /// The secret of the one-time token.
        secret: [u8; 16],
        /// PKCS #10, DER.
        request: Vec<u8>,
    },
    /// Begin or continue this session's recording with an opening record, then call
    /// [`super::Router::handle_recording_ready`], or [`super::Router::handle_recorder_failed`].
    StartRecording(Box<Opening>),
    /// Append the technician's signature over an epoch.
    RecordSignature {
        /// The session.
        session: SessionId,
        /// The epoch.
        epoch: u32,
        /// Verified.
        signature: [u8; 64],
    },
    /// The session is over: close its recording, then call [`super::Router::handle_recording_finished`].
    FinishRecording {
        /// The session.
        session: SessionId,
        /// Why it ended.
        reason: End,
    },
    /// The agent has completed the receipt of this session's recording.
    ReceiptDone {
        /// The session.
        session: SessionId,
    },
    /// Something for the log. Ids only.
    Event(Event),
}

/// What happened, for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A code is out.
    Offered {
        /// The session.
        session: SessionId,
        /// Who offers it.
        technician: TechnicianId,
    },
    /// Two are paired.
    Paired {
        /// The session.
        session: SessionId,
    },
    /// A pairing failed or was given up.
    PairingFailed {
        /// The session.
        session: SessionId,
    },
    /// One side's connection is lost.
    Lost {
        /// The session.
        session: SessionId,
        /// Which side.
        side: Side,
    },
    /// One side is back.
    Resumed {
        /// The session.
        session: SessionId,
        /// Which side.
        side: Side,
    },
    /// A paired session is over.
    Ended {
        /// The session.
        session: SessionId,
        /// Why.
        reason: End,
    },
    /// A recorded epoch has begun.
    Recording {
        /// The session.
        session: SessionId,
        /// The epoch.
        epoch: u32,
    },
    /// A session's recorder has failed.
    RecorderFailed {
        /// The session.
        session: SessionId,
    },
    /// A session's recorder takes again.
    RecorderBack {
        /// The session.
        session: SessionId,
    },
    /// A network has tried too often.
    TooManyTries {
        /// Which.
        network: Network,
    },
}
