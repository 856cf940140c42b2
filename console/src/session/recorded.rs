//! What a recorded session adds to the console: it signs each recorded epoch and witnesses what
//! the relay says of the recording.
//!
//! ```text
//! EpochStart(rid) ─► Transcript ─► relay            in whatever order both come:
//! Recording (first checkpoint) ─► verified ─► EpochSignature to the relay, then EpochAck to the agent
//! every in-order frame, sent or received ─► Witness ◄─ checkpoints
//!                                             └─► heads frames, every 5 s while other heads change, and at the end
//! ```
//!
//! A checkpoint that does not fit what happened here suspends nothing by itself: the agent is
//! told, and ends control; the technician is told.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use fernsicht_protocol::cert::{self, Role};
use fernsicht_protocol::checkpoint::SignedCheckpoint;
use fernsicht_protocol::content::{ConsoleNotice, PeerHeads};
use fernsicht_protocol::crypto::{Hash, SigningKey};
use fernsicht_protocol::frame::{Class, Direction, Header};
use fernsicht_protocol::heads::{self, Witness};
use fernsicht_protocol::messages::{Chain, ConsoleToRelay, End, SessionId};
use fernsicht_protocol::sealing::{Binding, epoch_message};
use fernsicht_protocol::wire::{List, Wire as _};

use super::core::Output;
use super::paired::{Keys, Paired};
use crate::identity::Relay;
use crate::view::Recorder;

/// How often the heads are stated while they change (SPEC "Recording").
pub(super) const HEADS: Duration = Duration::from_secs(5);

/// The recording of a session, from its first recorded epoch to the session's end.
pub(super) struct Recorded {
    rid: [u8; 16],
    witness: Witness,
    /// The key of the checkpoints, once the relay has proven it.
    signer: Option<[u8; 32]>,
    /// An epoch that awaits the relay's word.
    opening: Option<Opening>,
    /// Something other than heads has been sent or received since the last heads frame.
    changed: bool,
    /// When heads were stated last, or the epoch began.
    stated: Option<Instant>,
    /// Not at the next turn, but now.
    urgent: bool,
    /// The next heads frame is the first of its epoch.
    first: bool,
    /// Our own link was lost in the epoch before: what we sent last may never have arrived.
    interrupted: bool,
    /// The agent is still to be told that the relay's word does not fit.
    untold: bool,
}

/// A recorded epoch that is not yet acknowledged.
struct Opening {
    keys: Keys,
    binding: Binding,
    sealed_keys_hash: Hash,
}

/// The relay's word that an epoch's opening is recorded; signer and signature are verified.
pub(super) struct Confirmed {
    epoch: u32,
    signer: [u8; 32],
    checkpoint: SignedCheckpoint,
}

impl Confirmed {
    /// Checks who signs, and the signature. Errors: the session must end.
    pub(super) fn verify(
        epoch: u32,
        chain: &Chain,
        checkpoint: SignedCheckpoint,
        relay: &Relay,
        unix_s: u64,
    ) -> Result<Self, End> {
        let chain: Vec<&[u8]> = chain.0.iter().map(|der| der.0.as_slice()).collect();
        let signer = cert::verify(&chain, &relay.ca, Role::Checkpoint, unix_s)
            .map_err(|_| End::Tampered)?
            .key;
        checkpoint.verify(&signer).map_err(|_| End::Tampered)?;
        Ok(Self {
            epoch,
            signer,
            checkpoint,
        })
    }

    /// The epoch's number.
    pub(super) fn epoch(&self) -> u32 {
        self.epoch
    }
}

impl Recorded {
    fn new(session: SessionId, rid: [u8; 16]) -> Self {
        Self {
            rid,
            witness: Witness::new(session, Direction::ConsoleToAgent),
            signer: None,
            opening: None,
            changed: false,
            stated: None,
            urgent: false,
            first: true,
            interrupted: false,
            untold: false,
        }
    }

    /// An in-order frame or tombstone, either way.
    pub(super) fn note(&mut self, header: &Header, ciphertext_hash: &Hash) {
        self.changed |= header.class != Class::Heads;
        self.untold |= self.witness.note(header, ciphertext_hash).is_err();
    }

    /// Rights are gone: perhaps there is no later moment to state the heads.
    pub(super) fn hurry(&mut self) {
        self.urgent = true;
    }

    /// When the heads are due. None while nothing changes.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let stated = self.stated.filter(|_| self.changed)?;
        Some(if self.urgent { stated } else { stated + HEADS })
    }
}

impl Paired {
    /// The agent begins a recorded epoch. The epoch is acknowledged once the relay has confirmed it.
    pub(super) fn open_recorded(
        &mut self,
        rid: [u8; 16],
        number: u32,
        keys: Keys,
        commitment: Hash,
        sealed_keys_hash: Hash,
        out: &mut VecDeque<Output>,
    ) -> Result<(), End> {
        let recorded = self
            .recorded
            .get_or_insert_with(|| Box::new(Recorded::new(self.session, rid)));
        if recorded.rid != rid {
            // One session, one recording.
            return Err(End::Tampered);
        }
        recorded.witness.begin(number);
        recorded.first = true;
        recorded.opening = Some(Opening {
            keys,
            binding: Binding {
                session: self.session,
                rid,
                epoch: number,
                commitment,
                leaf: self.leaf,
                th2: self.th2,
            },
            sealed_keys_hash,
        });
        out.push_back(Output::Relay(ConsoleToRelay::Transcript {
            epoch: number,
            signature: self.signature,
            case: self.case.clone(),
        }));
        Ok(())
    }

    /// The relay has recorded an epoch's opening; the agent's word may still be on its way.
    pub(super) fn handle_recording(
        &mut self,
        confirmed: Confirmed,
        key: &SigningKey,
        now: Instant,
        out: &mut VecDeque<Output>,
    ) -> Result<(), End> {
        if confirmed.epoch > self.mirror.epoch() {
            self.early = Some(confirmed);
            return Ok(());
        }
        let opening = self
            .recorded
            .as_mut()
            .and_then(|r| r.opening.take_if(|o| o.binding.epoch == confirmed.epoch));
        match opening {
            Some(opening) => self.confirm(opening, confirmed, key, now, out),
            // An epoch that another has overtaken.
            None => Ok(()),
        }
    }

    /// Both words are there: the epoch signature to the relay first, then the acknowledgement.
    fn confirm(
        &mut self,
        opening: Opening,
        confirmed: Confirmed,
        key: &SigningKey,
        now: Instant,
        out: &mut VecDeque<Output>,
    ) -> Result<(), End> {
        let recorded = self.recorded.as_mut().ok_or(End::Fault)?;
        let first = &confirmed.checkpoint;
        if first.checkpoint.rid != recorded.rid {
            return Err(End::Tampered);
        }
        let claims = &first.checkpoint.heads.0;
        recorded.untold |= recorded.witness.handle_claims(claims).is_err();
        recorded.signer = Some(confirmed.signer);
        recorded.stated = Some(now);
        recorded.changed = false;
        recorded.urgent = false;
        let message = epoch_message(&opening.binding, &opening.sealed_keys_hash, &first.hash());
        let signature = key.sign("epoch", &message);
        let epoch = confirmed.epoch;
        out.push_back(Output::Relay(ConsoleToRelay::EpochSignature {
            epoch,
            signature,
        }));
        self.acknowledge(epoch, opening.keys, Some(signature), out);
        Ok(())
    }

    /// A later checkpoint. One that is not the relay's, or not of this recording, does not fit either.
    pub(super) fn handle_checkpoint(&mut self, checkpoint: &SignedCheckpoint) {
        let Some(recorded) = &mut self.recorded else {
            return;
        };
        let Some(signer) = recorded.signer else {
            return;
        };
        let fits = checkpoint.verify(&signer).is_ok()
            && checkpoint.checkpoint.rid == recorded.rid
            && recorded
                .witness
                .handle_claims(&checkpoint.checkpoint.heads.0)
                .is_ok();
        recorded.untold |= !fits;
    }

    /// A record of either way, before anything else is done with it.
    pub(super) fn witness(&mut self, header: &Header, ciphertext_hash: impl FnOnce() -> Hash) {
        if let Some(recorded) = &mut self.recorded
            && header.class.in_order()
        {
            recorded.note(header, &ciphertext_hash());
        }
    }

    /// Our own link is lost: what was sealed last may not have arrived.
    pub(super) fn interrupt_recording(&mut self, own: bool) {
        self.early = None;
        if let Some(recorded) = &mut self.recorded {
            recorded.opening = None;
            recorded.stated = None;
            recorded.interrupted |= own;
        }
    }

    /// Tells the agent and the technician if the relay's word does not fit.
    pub(super) fn tell_mismatch(&mut self, out: &mut VecDeque<Output>) {
        let Some(recorded) = self.recorded.as_mut().filter(|r| r.untold) else {
            return;
        };
        self.recorder = Recorder::Mismatch;
        if self.keys.is_some() {
            recorded.untold = false;
            tracing::warn!("the relay's checkpoint is not what happened here");
            let content = ConsoleNotice::RecordingMismatch.to_bytes();
            out.extend(self.seal(Class::Notices, self.mirror.grant(), &content));
        }
    }

    /// States the heads if they are due.
    pub(super) fn state_heads_if_due(
        &mut self,
        key: &SigningKey,
        now: Instant,
        out: &mut VecDeque<Output>,
    ) {
        let due = self.recorded.as_ref().and_then(|r| r.poll_timeout());
        if due.is_some_and(|due| due <= now) {
            self.state_heads(key, Some(now), out);
        }
    }

    /// States the heads if anything but heads has changed since. `now`: none at the session's end.
    pub(super) fn state_heads(
        &mut self,
        key: &SigningKey,
        now: Option<Instant>,
        out: &mut VecDeque<Output>,
    ) {
        let Some(recorded) = self.recorded.as_mut().filter(|r| r.changed) else {
            return;
        };
        if self.keys.is_none() {
            return;
        }
        let (current, mut previous) = recorded.witness.lists();
        if !recorded.first {
            previous = List::default();
        } else if recorded.interrupted {
            previous
                .0
                .retain(|head| head.direction != Direction::ConsoleToAgent);
            recorded.interrupted = false;
        }
        recorded.first = false;
        recorded.changed = false;
        recorded.urgent = false;
        recorded.stated = now;
        let message = heads::to_sign(&self.session, &recorded.rid, &current, &previous);
        let content = PeerHeads {
            heads: current,
            previous,
            signature: key.sign("heads", &message),
        };
        out.extend(self.seal(Class::Heads, self.mirror.grant(), &content.to_bytes()));
    }
}
