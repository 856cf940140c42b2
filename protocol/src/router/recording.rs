//! Recorded epochs: what has to come together before one opens, and what ends it.
//!
//! ```text
//! agent: EpochOpen{recording} ─► Awaits ─(console: Transcript)─► Starting ─(recorder: first
//! checkpoint)─► Unsigned ─(console: EpochSignature)─► Signed
//!
//! any of them ─(recorder failed)─► Failed ─(recorder back)─► Idle ─(EpochOpen)─► Awaits …
//! any of them ─(a side is lost)─► Idle
//! ```
//!
//! - Until the first checkpoint the lock lets nothing of the new epoch pass; until the technician has signed
//!   it, no rights. Then the ceiling is control: the only place where it ever is.
//! - Once recorded, a session is recorded to its end: an unrecorded epoch is refused.
//! - What identifies the recording (rid, hashes of code and number, deletion) is the same in all epochs.
//!
//! Not here: the file ([`super::Output::StartRecording`] and what follows it are the caller's).

use std::sync::Arc;

use super::lock::Effect;
use super::session::{Link, Pair, Phase, Session};
use super::{ConnectionId, Cut, Event, Now, Output, Router, Side, Technician, Timer, Told};
use crate::checkpoint::SignedCheckpoint;
use crate::crypto::{self, Hash};
use crate::epoch::MAX_EPOCHS;
use crate::messages::{
    CaseNumber, Chain, End, RecordingOpen, RelayToAgent, RelayToConsole, SessionId, Share,
};
use crate::pairing::{self, Confirm, transcript};
use crate::rights::Rights;
use crate::sealing::Binding;
use crate::{retention, sealing};

/// The clear part of a pairing, as it passed the relay.
#[derive(Debug)]
pub struct Pairing {
    /// What both ends agreed on before any share.
    pub context: pairing::Context,
    /// msgA.
    pub message_a: Share,
    /// msgB.
    pub message_b: Share,
    /// confB.
    pub conf_b: [u8; 32],
    /// confA with the agent's key and nonce.
    pub confirm: Confirm,
    /// Who was paired.
    pub technician: Arc<Technician>,
    /// The transcript up to the shares.
    pub th1: Hash,
    /// The transcript that the technician signs.
    pub th2: Hash,
}

impl Pairing {
    pub(super) fn new(
        context: pairing::Context,
        (message_a, message_b): (Share, Share),
        conf_b: [u8; 32],
        confirm: Confirm,
        technician: Arc<Technician>,
    ) -> Self {
        let th1 = transcript::th1(&context.bytes(), &message_a.0, &message_b.0);
        let th2 = transcript::th2(&th1, &conf_b, &confirm, &technician.leaf);
        Self {
            context,
            message_a,
            message_b,
            conf_b,
            confirm,
            technician,
            th1,
            th2,
        }
    }
}

/// What the opening record of an epoch is made of.
#[derive(Debug, Clone)]
pub struct Opening {
    /// The session.
    pub session: SessionId,
    /// The epoch.
    pub epoch: u32,
    /// The session's pairing.
    pub pairing: Arc<Pairing>,
    /// `Sign(technician, "technician", th2)`, verified.
    pub signature: [u8; 64],
    /// What the agent has sent for this epoch.
    pub recording: RecordingOpen,
    /// H(all SealedKeys).
    pub sealed_keys_hash: Hash,
    /// The technician's case number, for the catalogue; empty: none.
    pub case: CaseNumber,
}

/// Whether a session is recorded.
#[derive(Debug, Clone)]
pub(super) enum Recording {
    /// Never was so far.
    Off,
    /// From its first recorded epoch to its end.
    On(Box<Recorded>),
}

#[derive(Debug, Clone)]
pub(super) struct Recorded {
    identity: Identity,
    step: Step,
    /// The newest recorded epoch that was asked for.
    newest: u32,
    /// The last epochs that the recorder has kept without a gap, newest first.
    kept: [Option<u32>; 2],
    /// The recorder has been asked for something: there may be a file to finish.
    begun: bool,
    /// The recorder has failed at least once: a side that comes back is told how it stands.
    failed_once: bool,
}

/// What must not change from one epoch to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Identity {
    rid: [u8; 16],
    open_hash: Hash,
    lookup_hash: Hash,
    deletion: u64,
}

#[derive(Debug, Clone)]
enum Step {
    /// The console's signature over the transcript is awaited.
    Awaits {
        epoch: u32,
        open: Box<RecordingOpen>,
    },
    /// The recorder writes the opening record.
    Starting {
        epoch: u32,
        commitment: Hash,
        keys: Hash,
    },
    /// The technician's signature over the epoch is awaited.
    Unsigned { epoch: u32, message: Vec<u8> },
    /// Control may be granted.
    Signed,
    /// The recorder does not take anything.
    Failed,
    /// A new epoch is awaited.
    Idle,
}

impl Recording {
    /// True if frames of this epoch belong into the recording, and the recorder takes them.
    pub(super) fn keeps(&self, epoch: u32) -> bool {
        match self {
            Self::Off => false,
            Self::On(recorded) => recorded.kept.contains(&Some(epoch)),
        }
    }

    /// True if there may be a file to finish.
    pub(super) fn begun(&self) -> bool {
        match self {
            Self::Off => false,
            Self::On(recorded) => recorded.begun,
        }
    }

    /// A side is lost: whatever was under way needs a new epoch.
    pub(super) fn interrupt(&mut self) {
        if let Self::On(recorded) = self
            && !matches!(recorded.step, Step::Failed)
        {
            recorded.step = Step::Idle;
        }
    }

    /// What a side that comes back has to be told of the recorder. None: it never failed.
    pub(super) fn standing(&self) -> Option<Standing> {
        match self {
            Self::On(recorded) if recorded.failed_once => Some(match recorded.step {
                Step::Failed => Standing::Failed,
                Step::Awaits { .. }
                | Step::Starting { .. }
                | Step::Unsigned { .. }
                | Step::Signed
                | Step::Idle => Standing::Back,
            }),
            Self::On(_) | Self::Off => None,
        }
    }
}

/// How it stands with a recorder that has failed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Failed,
    Back,
}

impl Router {
    /// An agent begins a recorded epoch.
    pub(super) fn open_recorded(
        &mut self,
        agent: ConnectionId,
        session: SessionId,
        (epoch, open): (u32, RecordingOpen),
        now: Now,
    ) {
        let Some(Session {
            phase: Phase::Paired(pair),
            ..
        }) = self.sessions.get_mut(&session)
        else {
            return;
        };
        let identity = Identity {
            rid: open.rid,
            open_hash: open.open_hash,
            lookup_hash: open.lookup_hash,
            deletion: open.deletion,
        };
        let newest = match &pair.recording {
            Recording::Off => {
                let latest = retention::latest_deletion(now.unix_s + CLOCK_SLACK_S);
                let stated = pair.stated_deletion.unwrap_or_default().min(latest);
                if open.deletion > stated || open.deletion <= now.unix_s {
                    return self.end_session(session, End::Fault, Told::Both, now);
                }
                pair.recording = Recording::On(Box::new(Recorded {
                    identity,
                    step: Step::Idle,
                    newest: 0,
                    kept: [None; 2],
                    begun: false,
                    failed_once: false,
                }));
                0
            }
            Recording::On(recorded) if recorded.identity == identity => recorded.newest,
            Recording::On(_) => return self.end_session(session, End::Fault, Told::Both, now),
        };
        if open.sealed_keys.0.is_empty() {
            // A recording that nobody could ever open.
            return self.end_session(session, End::Fault, Told::Both, now);
        }
        if epoch <= newest.max(pair.lock.epoch()) {
            return self.end_session(session, End::Tampered, Told::Both, now);
        }
        if epoch > MAX_EPOCHS {
            return self.end_session(session, End::Fault, Told::Both, now);
        }
        let effect = pair.lock.suspend();
        let mut failed = false;
        if let Recording::On(recorded) = &mut pair.recording {
            recorded.newest = epoch;
            match recorded.step {
                // It crossed the news; the agent begins another one once the recorder is back.
                Step::Failed => {
                    failed = true;
                    self.tell_agent(agent, RelayToAgent::RecorderFailed);
                }
                Step::Awaits { .. }
                | Step::Starting { .. }
                | Step::Unsigned { .. }
                | Step::Signed
                | Step::Idle => {
                    let open = Box::new(open);
                    recorded.step = Step::Awaits { epoch, open };
                }
            }
        }
        if let Effect::Changed(cut) = effect {
            self.lock_changed(agent, cut);
        }
        // A recorder that is down may take longer to come back than an opening does.
        if !failed {
            self.await_step(session, now);
            self.start_if_complete(session);
        }
    }

    /// The console's signature over the transcript. It may come before the agent's message.
    pub(super) fn handle_transcript(
        &mut self,
        session: SessionId,
        (epoch, signature): (u32, [u8; 64]),
        case: CaseNumber,
        now: Now,
    ) {
        let Some(pair) = self.pair_mut(session) else {
            return;
        };
        // Ed25519 signs the same thing in the same way: it is checked once for a session.
        let good = match pair.transcript {
            Some((_, known)) => known == signature,
            None => {
                let (key, th2) = (&pair.pairing.technician.key, &pair.pairing.th2);
                crypto::verify(key, "technician", th2, &signature).is_ok()
            }
        };
        if !good {
            return self.end_session(session, End::Tampered, Told::Both, now);
        }
        if pair.transcript.is_none() {
            pair.case = case;
        }
        pair.transcript = Some((epoch, signature));
        self.start_if_complete(session);
    }

    /// The technician's signature over the epoch; with it control becomes possible.
    pub(super) fn handle_epoch_signature(
        &mut self,
        session: SessionId,
        (epoch, signature): (u32, [u8; 64]),
        now: Now,
    ) {
        let Some(pair) = self.pair_mut(session) else {
            return;
        };
        let Recording::On(recorded) = &mut pair.recording else {
            return self.end_session(session, End::Tampered, Told::Both, now);
        };
        let message = match &recorded.step {
            Step::Unsigned {
                epoch: due,
                message,
            } if *due == epoch => message,
            // It crossed a failure of the recorder or the agent's next epoch.
            Step::Failed | Step::Idle if epoch <= recorded.newest => return,
            Step::Awaits { epoch: due, .. } | Step::Starting { epoch: due, .. } if epoch < *due => {
                return;
            }
            Step::Unsigned { epoch: due, .. } if epoch < *due => return,
            Step::Awaits { .. }
            | Step::Starting { .. }
            | Step::Unsigned { .. }
            | Step::Signed
            | Step::Failed
            | Step::Idle => return self.end_session(session, End::Tampered, Told::Both, now),
        };
        if crypto::verify(&pair.pairing.technician.key, "epoch", message, &signature).is_err() {
            return self.end_session(session, End::Tampered, Told::Both, now);
        }
        recorded.step = Step::Signed;
        let effect = pair.lock.raise(Rights::Control);
        let agent = pair.agent.link;
        self.timers.cancel(Timer::Recording(session));
        // First into the file: input that this signature permits can only come behind it.
        self.outputs.push_back(Output::RecordSignature {
            session,
            epoch,
            signature,
        });
        if let (Effect::Changed(cut), Link::Connected(agent)) = (effect, agent) {
            self.lock_changed(agent, cut);
        }
    }

    /// The recorder has written an opening record and signed the epoch's first checkpoint.
    pub fn handle_recording_ready(
        &mut self,
        session: SessionId,
        epoch: u32,
        chain: Chain,
        checkpoint: SignedCheckpoint,
        now: Now,
    ) {
        let Some(pair) = self.pair_mut(session) else {
            return;
        };
        let Recording::On(recorded) = &mut pair.recording else {
            return;
        };
        match recorded.step {
            Step::Failed => return,
            Step::Starting { .. }
            | Step::Idle
            | Step::Awaits { .. }
            | Step::Unsigned { .. }
            | Step::Signed => recorded.kept = [Some(epoch), recorded.kept[0]],
        }
        let Step::Starting {
            epoch: due,
            commitment,
            keys,
        } = recorded.step
        else {
            return;
        };
        let (Link::Connected(agent), Link::Connected(console)) =
            (pair.agent.link, pair.console.link)
        else {
            return;
        };
        if due != epoch {
            return;
        }
        let binding = Binding {
            session,
            rid: recorded.identity.rid,
            epoch,
            commitment,
            leaf: pair.pairing.technician.leaf,
            th2: pair.pairing.th2,
        };
        let message = sealing::epoch_message(&binding, &keys, &checkpoint.hash());
        recorded.step = Step::Unsigned { epoch, message };
        if !pair.lock.open(epoch, Rights::None) {
            return self.end_session(session, End::Tampered, Told::Both, now);
        }
        self.lock_changed(agent, Cut::Everything);
        self.await_step(session, now);
        self.tell_agent(
            agent,
            RelayToAgent::Recording {
                epoch,
                chain: chain.clone(),
                checkpoint: checkpoint.clone(),
            },
        );
        self.tell_console(
            console,
            RelayToConsole::Recording {
                epoch,
                chain,
                checkpoint,
            },
        );
        self.outputs
            .push_back(Output::Event(Event::Recording { session, epoch }));
    }

    /// A checkpoint of this session's recording is safe on the disk.
    pub fn handle_checkpoint(&mut self, session: SessionId, checkpoint: SignedCheckpoint) {
        let Some(pair) = self.pair_mut(session) else {
            return;
        };
        let (agent, console) = (pair.agent.link, pair.console.link);
        if let Link::Connected(agent) = agent {
            let checkpoint = checkpoint.clone();
            self.tell_agent(agent, RelayToAgent::Checkpoint { checkpoint });
        }
        if let Link::Connected(console) = console {
            self.tell_console(console, RelayToConsole::Checkpoint { checkpoint });
        }
    }

    /// The recorder of this session has failed: no control until it is back and a new epoch begins.
    pub fn handle_recorder_failed(&mut self, session: SessionId) {
        let Some(pair) = self.pair_mut(session) else {
            return;
        };
        let Recording::On(recorded) = &mut pair.recording else {
            return;
        };
        if matches!(recorded.step, Step::Failed) {
            return;
        }
        recorded.step = Step::Failed;
        recorded.kept = [None; 2];
        recorded.failed_once = true;
        let effect = pair.lock.narrow_to_view();
        let (agent, console) = (pair.agent.link, pair.console.link);
        self.timers.cancel(Timer::Recording(session));
        if let (Effect::Changed(cut), Link::Connected(agent)) = (effect, agent) {
            self.lock_changed(agent, cut);
        }
        self.tell_standing(Side::Agent, agent, Standing::Failed);
        self.tell_standing(Side::Console, console, Standing::Failed);
        self.outputs
            .push_back(Output::Event(Event::RecorderFailed { session }));
    }

    /// The recorder of this session takes again: a new epoch may begin.
    pub fn handle_recorder_back(&mut self, session: SessionId) {
        let Some(pair) = self.pair_mut(session) else {
            return;
        };
        let Recording::On(recorded) = &mut pair.recording else {
            return;
        };
        if !matches!(recorded.step, Step::Failed) {
            return;
        }
        recorded.step = Step::Idle;
        let (agent, console) = (pair.agent.link, pair.console.link);
        self.tell_standing(Side::Agent, agent, Standing::Back);
        self.tell_standing(Side::Console, console, Standing::Back);
        self.outputs
            .push_back(Output::Event(Event::RecorderBack { session }));
    }

    /// The recording of an ended session has its final checkpoint, or will not get one. The agent
    /// completes its receipt with it.
    pub fn handle_recording_finished(
        &mut self,
        session: SessionId,
        last: Option<SignedCheckpoint>,
        now: Now,
    ) {
        let Some(agent) = self.parting.get(&session).copied() else {
            return;
        };
        match last {
            Some(checkpoint) => self.tell_agent(agent, RelayToAgent::Checkpoint { checkpoint }),
            None => self.tell_agent(agent, RelayToAgent::RecorderFailed),
        }
        self.set_deadline(agent, self.config.receipt_within, now);
    }

    pub(super) fn tell_standing(&mut self, side: Side, link: Link, standing: Standing) {
        let Link::Connected(id) = link else {
            return;
        };
        match (side, standing) {
            (Side::Agent, Standing::Failed) => self.tell_agent(id, RelayToAgent::RecorderFailed),
            (Side::Agent, Standing::Back) => self.tell_agent(id, RelayToAgent::RecorderBack),
            (Side::Console, Standing::Failed) => {
                self.tell_console(id, RelayToConsole::RecorderFailed);
            }
            (Side::Console, Standing::Back) => self.tell_console(id, RelayToConsole::RecorderBack),
        }
    }

    fn await_step(&mut self, session: SessionId, now: Now) {
        let due = now.since_start + self.config.opening_step;
        self.timers.set(Timer::Recording(session), due);
    }

    /// Both the agent's opening and the console's signature are there: the recorder may begin.
    fn start_if_complete(&mut self, session: SessionId) {
        let Some(pair) = self.pair_mut(session) else {
            return;
        };
        let Recording::On(recorded) = &mut pair.recording else {
            return;
        };
        let Some((signed, signature)) = pair.transcript else {
            return;
        };
        let step = std::mem::replace(&mut recorded.step, Step::Idle);
        let Step::Awaits { epoch, open } = step else {
            recorded.step = step;
            return;
        };
        if signed != epoch {
            recorded.step = Step::Awaits { epoch, open };
            return;
        }
        let keys = sealing::hash_all(&open.sealed_keys);
        recorded.step = Step::Starting {
            epoch,
            commitment: open.commitment,
            keys,
        };
        recorded.begun = true;
        let opening = Opening {
            session,
            epoch,
            pairing: pair.pairing.clone(),
            signature,
            recording: *open,
            sealed_keys_hash: keys,
            case: pair.case.clone(),
        };
        self.outputs
            .push_back(Output::StartRecording(Box::new(opening)));
    }

    fn pair_mut(&mut self, session: SessionId) -> Option<&mut Pair> {
        match &mut self.sessions.get_mut(&session)?.phase {
            Phase::Paired(pair) => Some(pair),
            Phase::Offered(_) => None,
        }
    }
}

/// Between hello and consent the relay's clock may have been set back by this much.
const CLOCK_SLACK_S: u64 = 600;
