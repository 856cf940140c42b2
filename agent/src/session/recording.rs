//! What the agent keeps of a session that is recorded: the customer's code, the keys' sealing, the
//! comparison of the relay's checkpoints, and the facts for the receipt.
//!
//! ```text
//! Output::Card ─► draw: code, rid, receipt ─► card done: the code is forgotten
//! OpenEpoch ─► open: E_n sealed to each auditor ─► first checkpoint + epoch signature ─► the epoch opens
//! in-order frames ─► witness ◄─ checkpoints ─► covered (the guard's lease) │ mismatch
//! ```
//!
//! The code itself is zeroised as soon as the card is done. What stays in memory until the session ends is
//! `cp`, from which the outer layer of each later epoch's sealed keys is made; it opens nothing without an
//! auditor's key. The receipt's sealed codes are made at the beginning.
//!
//! Not here: files, and the pages.

use fernsicht_protocol::attached::{AUDITOR_KEYS_VALID_S, Auditor, Configuration};
use fernsicht_protocol::cert::{self, Holder, Role};
use fernsicht_protocol::checkpoint::SignedCheckpoint;
use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::content::PeerHeads;
use fernsicht_protocol::crypto::{self, Hash, Prk, Secret, SigningKey, hash};
use fernsicht_protocol::epoch::Epoch;
use fernsicht_protocol::frame::{Class, Direction, Header};
use fernsicht_protocol::heads::{self, Witness};
use fernsicht_protocol::messages::{
    CaseNumber, Chain, ControlOffer, End, RecordingOpen, SessionId,
};
use fernsicht_protocol::receipt::{
    self, Event, EventKind, MAX_EVENTS, Receipt, SealedCode, State, TheirHeads,
};
use fernsicht_protocol::retention;
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::sealing::{self, Binding};
use fernsicht_protocol::unit::Record;
use fernsicht_protocol::wire::{Blob, List, Text};
use rand_core::OsRng;

use crate::texts::{self, Language};
use crate::view::CardCode;

/// By how much the relay's deletion date may lie beyond what this computer's clock allows: clocks differ.
const CLOCK_SLACK_S: u64 = 10 * 60;

/// The relay's offer, as far as this agent can keep what it promises: it needs auditors whose keys are
/// not expired, and a deletion date within the longest retention, by its own clock.
pub(super) fn offer(configuration: &Configuration, offer: ControlOffer, now: u64) -> ControlOffer {
    let ControlOffer::Recorded { deletion } = offer else {
        return offer;
    };
    let expires = configuration.made.saturating_add(AUDITOR_KEYS_VALID_S);
    let keys = !configuration.auditors.0.is_empty() && now < expires;
    let latest = retention::latest_deletion(now.saturating_add(CLOCK_SLACK_S));
    if keys && deletion <= latest {
        offer
    } else {
        ControlOffer::Unavailable
    }
}

/// Something that a relay or console says of the recording cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Wrong {
    /// Its form, signature or place: nobody honest sends it.
    #[error("a statement on the recording that is forged or out of place")]
    Forged,
    /// It contradicts what was sent or received here.
    #[error("the recording differs from what was sent and received")]
    Mismatch,
}

/// Between whom a session is.
pub(super) struct Parties<'a> {
    pub(super) session: SessionId,
    pub(super) technician: &'a Holder,
    /// agent_pk.
    pub(super) agent_key: [u8; 32],
}

/// One recorded session.
pub(super) struct Recording {
    session: SessionId,
    pub(super) rid: [u8; 16],
    cp: Prk,
    open_hash: Hash,
    lookup_hash: Hash,
    deletion: u64,
    auditors: Vec<Auditor>,
    technician: [u8; 32],
    witness: Witness,
    opening: Option<Opening>,
    /// The signer of this session's checkpoints.
    signer: Option<[u8; 32]>,
    newest: Option<SignedCheckpoint>,
    /// What the customer allowed when it was last looked at.
    allowed: Rights,
    /// In-order frames other than heads since the last heads.
    stirred: bool,
    /// The last heads frame of an epoch restates the one's before, once.
    restated: u32,
    confirmed: bool,
    receipt: Receipt,
}

/// The newest recorded epoch on its way to be opened.
struct Opening {
    binding: Binding,
    sealed_keys_hash: Hash,
    first: Option<Hash>,
    signature: Option<[u8; 64]>,
}

impl Recording {
    /// Draws code and id, and seals the code to the auditors for the receipt. The code itself leaves
    /// with the card alone. None if an auditor's key is not one.
    pub(super) fn draw(
        parties: &Parties<'_>,
        configuration: &Configuration,
        deletion: u64,
        language: Language,
        case: &CaseNumber,
        now: u64,
    ) -> Option<(Self, CardCode)> {
        let (code, rid) = (Code::draw(&mut OsRng), crypto::random(&mut OsRng));
        let lookup = code.lookup();
        let codes = configuration.auditors.0.iter().map(|auditor| {
            Some(SealedCode {
                auditor: auditor.name.clone(),
                fingerprint: hash(&auditor.key),
                sealed: Blob(sealing::seal_code(&auditor.key, &rid, &code).ok()?),
            })
        });
        let receipt = Receipt {
            version: receipt::VERSION,
            state: State::Started,
            operator: configuration.operator.clone(),
            domain: configuration.domain.clone(),
            technician: shortened(&parties.technician.name),
            organisation: shortened(&parties.technician.organisation),
            leaf: parties.technician.leaf,
            session: parties.session,
            rid,
            lookup: lookup.0,
            started: now,
            deletion,
            events: List::default(),
            codes: List(codes.collect::<Option<_>>()?),
            checkpoint: None,
            mismatch: false,
            own: None,
            console: TheirHeads::Missing { since: now },
            text_version: texts::version(language),
            language: shortened(language.tag()),
            case: case.clone(),
            agent_key: parties.agent_key,
        };
        let card = CardCode::new(&code);
        let recording = Self {
            session: parties.session,
            rid,
            cp: code.prk(),
            open_hash: hash(code.open_token().as_slice()),
            lookup_hash: lookup.hash(),
            deletion,
            auditors: configuration.auditors.0.clone(),
            technician: parties.technician.key,
            witness: Witness::new(parties.session, Direction::AgentToConsole),
            opening: None,
            signer: None,
            newest: None,
            allowed: Rights::None,
            stirred: false,
            restated: 0,
            confirmed: false,
            receipt,
        };
        Some((recording, card))
    }

    /// True once an epoch of it was opened.
    pub(super) fn confirmed(&self) -> bool {
        self.confirmed
    }

    /// True if heads are due some time: something other than heads was sent or came.
    pub(super) fn stirred(&self) -> bool {
        self.stirred
    }

    /// True once an epoch was asked for: then the relay may have a recording.
    pub(super) fn begun(&self) -> bool {
        self.opening.is_some()
    }

    /// When it began, in seconds since 1970 UTC.
    pub(super) fn started(&self) -> u64 {
        self.receipt.started
    }

    /// The receipt as far as it goes.
    pub(super) fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// Seals E_n of a new epoch to each auditor. None if an auditor's key is not one.
    pub(super) fn open(
        &mut self,
        number: u32,
        epoch: &Epoch,
        th2: &Hash,
        secret: &Secret,
    ) -> Option<(RecordingOpen, Hash)> {
        let binding = Binding {
            session: self.session,
            rid: self.rid,
            epoch: number,
            commitment: epoch.commitment(),
            leaf: self.receipt.leaf,
            th2: *th2,
        };
        let sealed = self
            .auditors
            .iter()
            .map(|auditor| sealing::seal_under(&binding, &auditor.key, &self.cp, secret).ok());
        let sealed_keys = List(sealed.collect::<Option<Vec<_>>>()?);
        let sealed_keys_hash = sealing::hash_all(&sealed_keys);
        let open = RecordingOpen {
            rid: self.rid,
            commitment: binding.commitment,
            sealed_keys,
            open_hash: self.open_hash,
            lookup_hash: self.lookup_hash,
            deletion: self.deletion,
        };
        self.witness.begin(number);
        self.opening = Some(Opening {
            binding,
            sealed_keys_hash,
            first: None,
            signature: None,
        });
        Some((open, sealed_keys_hash))
    }

    /// The relay's first checkpoint of an epoch. Ok(false) if it is not the newest epoch's.
    pub(super) fn handle_first(
        &mut self,
        ca: &Hash,
        now: u64,
        epoch: u32,
        chain: &Chain,
        checkpoint: &SignedCheckpoint,
    ) -> Result<bool, Wrong> {
        let Some(opening) = self.opening.as_mut() else {
            return Err(Wrong::Forged);
        };
        if epoch != opening.binding.epoch {
            return Ok(false);
        }
        let chain: Vec<&[u8]> = chain.0.iter().map(|der| der.0.as_slice()).collect();
        let signer = cert::verify(&chain, ca, Role::Checkpoint, now).map_err(|_| Wrong::Forged)?;
        opening.first = Some(checkpoint.hash());
        self.signer = Some(signer.key);
        self.handle_checkpoint(checkpoint)?;
        Ok(true)
    }

    /// A checkpoint of the relay: verified, and compared with what was sent and received here.
    pub(super) fn handle_checkpoint(&mut self, signed: &SignedCheckpoint) -> Result<(), Wrong> {
        let signer = self.signer.ok_or(Wrong::Forged)?;
        signed.verify(&signer).map_err(|_| Wrong::Forged)?;
        let stated = &signed.checkpoint;
        let grown = self
            .newest
            .as_ref()
            .is_none_or(|newest| newest.checkpoint.length <= stated.length);
        if stated.rid != self.rid || !grown {
            return Err(Wrong::Forged);
        }
        if self.witness.handle_claims(&stated.heads.0).is_err() {
            self.receipt.mismatch = true;
            return Err(Wrong::Mismatch);
        }
        self.newest = Some(signed.clone());
        self.receipt.checkpoint = self.newest.clone();
        Ok(())
    }

    /// The console's epoch signature; checked as soon as the first checkpoint is there.
    pub(super) fn handle_signature(&mut self, epoch: u32, signature: &[u8; 64]) {
        if let Some(opening) = self.opening.as_mut()
            && opening.binding.epoch == epoch
        {
            opening.signature = Some(*signature);
        }
    }

    /// Ok(true) once the newest epoch has both, first checkpoint and a valid signature over it.
    pub(super) fn signed(&mut self) -> Result<bool, Wrong> {
        let Some(opening) = &self.opening else {
            return Ok(false);
        };
        let (Some(first), Some(signature)) = (&opening.first, &opening.signature) else {
            return Ok(false);
        };
        let message = sealing::epoch_message(&opening.binding, &opening.sealed_keys_hash, first);
        crypto::verify(&self.technician, "epoch", &message, signature)
            .map_err(|_| Wrong::Forged)?;
        self.confirmed = true;
        Ok(true)
    }

    /// The number of the newest recorded epoch.
    pub(super) fn epoch(&self) -> u32 {
        self.opening
            .as_ref()
            .map_or(0, |opening| opening.binding.epoch)
    }

    /// Everything before this number of the newest epoch's input is covered by a compared checkpoint.
    pub(super) fn covered(&self) -> u64 {
        self.witness
            .covered(self.epoch(), Direction::ConsoleToAgent, Class::Input)
    }

    /// The hash of what is noted, if it is noted at all.
    pub(super) fn digest(&self, record: &Record) -> Option<Hash> {
        let header = record.header();
        let noted = header.class.in_order() && header.epoch == self.epoch();
        noted.then(|| match record {
            Record::Frame(frame) => hash(&frame.ciphertext),
            Record::Tombstone { hash, .. } => *hash,
        })
    }

    /// An in-order frame was sealed, or one or its tombstone has come and was found genuine.
    pub(super) fn note(&mut self, header: &Header, hash: &Hash) -> Result<(), Wrong> {
        self.stirred |= header.class != Class::Heads;
        self.witness.note(header, hash).map_err(|_| {
            self.receipt.mismatch = true;
            Wrong::Mismatch
        })
    }

    /// This end's heads, signed, if others than heads have changed since they were last taken.
    pub(super) fn heads(&mut self, signing: &SigningKey) -> Option<PeerHeads> {
        if !std::mem::take(&mut self.stirred) {
            return None;
        }
        Some(self.sign_heads(signing))
    }

    fn sign_heads(&mut self, signing: &SigningKey) -> PeerHeads {
        let (heads, previous) = self.witness.lists();
        let previous = if self.restated < self.epoch() {
            self.restated = self.epoch();
            previous
        } else {
            List::default()
        };
        let message = heads::to_sign(&self.session, &self.rid, &heads, &previous);
        let signed = PeerHeads {
            signature: signing.sign("heads", &message),
            heads,
            previous,
        };
        self.receipt.own = Some(signed.clone());
        signed
    }

    /// The console's heads: kept for the receipt.
    pub(super) fn handle_heads(&mut self, heads: PeerHeads, now: u64) -> Result<(), Wrong> {
        let message = heads::to_sign(&self.session, &self.rid, &heads.heads, &heads.previous);
        crypto::verify(&self.technician, "heads", &message, &heads.signature)
            .map_err(|_| Wrong::Forged)?;
        self.receipt.console = TheirHeads::Stated { at: now, heads };
        Ok(())
    }

    /// The console says that the relay's checkpoints contradict what it sent or received.
    pub(super) fn handle_their_mismatch(&mut self) {
        self.receipt.mismatch = true;
    }

    /// What the customer allows at this moment, and why it changed if it did.
    pub(super) fn note_allowed(&mut self, allowed: Rights, why: Why, now: u64) {
        let before = std::mem::replace(&mut self.allowed, allowed);
        let kinds: &[EventKind] = match (before, allowed) {
            (before, allowed) if before == allowed => &[],
            (_, Rights::None) if why == Why::Stopped => &[EventKind::Stop],
            (_, Rights::None) if why == Why::Lost => &[EventKind::Lost],
            (Rights::Control, Rights::View) if why == Why::Recorder => &[EventKind::Recorder],
            (Rights::None, Rights::View) => &[EventKind::ViewOn],
            (Rights::None, _) => &[EventKind::ViewOn, EventKind::ControlOn],
            (Rights::View, Rights::Control) => &[EventKind::ControlOn],
            (Rights::Control, Rights::View) => &[EventKind::ControlOff],
            (_, _) => &[EventKind::ViewOff],
        };
        for kind in kinds {
            if self.receipt.events.0.len() < MAX_EVENTS {
                self.receipt.events.0.push(Event {
                    at: now,
                    kind: kind.clone(),
                });
            }
        }
    }

    /// The session is over; the receipt gets this end's last heads, also those that nobody could be
    /// sent any more.
    pub(super) fn complete(&mut self, signing: &SigningKey, at: u64, reason: End) {
        self.sign_heads(signing);
        self.receipt.state = State::Completed { at, reason };
    }
}

/// Why what the customer allows has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// By a switch.
    Switched,
    /// F11 or Stop.
    Stopped,
    /// The connection is gone.
    Lost,
    /// The recorder failed.
    Recorder,
}

/// A name as the receipt holds it. Certificates' names are longer in no operator's register.
fn shortened<const MAX: usize>(text: &str) -> Text<MAX> {
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    let mut end = plain.len().min(MAX);
    while !plain.is_char_boundary(end) {
        end -= 1;
    }
    Text::new(&plain[..end]).unwrap_or_default()
}

#[cfg(test)]
mod tests;
