//! The core of a session that is recorded: what the recording's messages do to guard and keys.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use fernsicht_protocol::checkpoint::SignedCheckpoint;
use fernsicht_protocol::content::{AgentNotice, PeerHeads};
use fernsicht_protocol::crypto::Hash;
use fernsicht_protocol::frame::{Class, Header};
use fernsicht_protocol::guard::{Interruption, Phase};
use fernsicht_protocol::messages::{Chain, ControlOffer, End, Page};
use fernsicht_protocol::receipt;
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::unit::Record;
use fernsicht_protocol::wire::{Text, Wire};

use super::core::{Core, ReceiptFile};
use super::pairing::seconds_since_1970;
use super::recording::{Recording, Why, Wrong};
use crate::receipt::{Agreed, html};
use crate::texts;

impl Core {
    /// True if the relay may have a recording of this session.
    pub(super) fn recorded(&self) -> bool {
        self.recording.as_ref().is_some_and(Recording::begun)
    }

    /// The card is due: code, id and receipt, before anything else.
    pub(super) fn draw_card(&mut self) {
        let deletion = match self.guard.offer() {
            ControlOffer::Recorded { deletion } => Some(*deletion),
            ControlOffer::Unavailable => None,
        };
        let (language, now) = (self.agreed_in, seconds_since_1970());
        let drawn = self
            .keys
            .as_ref()
            .zip(deletion)
            .and_then(|(keys, deletion)| {
                Recording::draw(
                    &keys.parties(),
                    &self.configuration,
                    deletion,
                    language,
                    &self.case,
                    now,
                )
            });
        let Some((recording, card)) = drawn else {
            return self.guard.handle_end(Instant::now(), End::Fault);
        };
        self.recording = Some(recording);
        self.card = Some(Arc::new(card));
        self.file = ReceiptFile::Wanted;
        self.tell_page(Instant::now(), Page::Card);
    }

    /// The receipt as a file, as far as the session has come, and when its recording began.
    pub(super) fn receipt(&self) -> Option<(Vec<u8>, u64)> {
        let (recording, keys) = (self.recording.as_ref()?, self.keys.as_ref()?);
        let agreed = Agreed {
            complaints_office: self.configuration.complaints_office.as_str(),
            widened: self.widened,
        };
        let page = html(recording.receipt(), &agreed);
        let file = receipt::seal(&page, &keys.signing).ok()?;
        Some((file, recording.started()))
    }

    /// The receipt was written, or no folder takes it. True if it is not needed: nothing was recorded.
    pub(super) fn receipt_written(&mut self, path: Option<PathBuf>) -> bool {
        if self.guard.phase() == Phase::Ended && !self.recorded() {
            self.file = ReceiptFile::None;
            return true;
        }
        self.file = path.map_or(ReceiptFile::Unsaved, ReceiptFile::Saved);
        false
    }

    /// The relay's first checkpoint of a recorded epoch.
    pub(super) fn handle_recording(
        &mut self,
        now: Instant,
        epoch: u32,
        chain: &Chain,
        checkpoint: &SignedCheckpoint,
    ) {
        let ca = self.configuration.ca;
        let Some(recording) = self.recording.as_mut().filter(|r| r.begun()) else {
            return self.guard.handle_end(now, End::Tampered);
        };
        match recording.handle_first(&ca, seconds_since_1970(), epoch, chain, checkpoint) {
            Ok(true) => {
                self.tell_page(now, Page::Session);
                self.guard.handle_epoch_opened(now, epoch);
                self.try_signed(now);
            }
            // Of an epoch that another has replaced.
            Ok(false) => {}
            Err(Wrong::Forged | Wrong::Mismatch) => self.guard.handle_end(now, End::Tampered),
        }
    }

    /// The console's acknowledgement of the newest epoch. None if it does not fit that epoch.
    pub(super) fn handle_acknowledged(
        &mut self,
        now: Instant,
        epoch: u32,
        signature: Option<&[u8; 64]>,
    ) -> Option<()> {
        if epoch != self.guard.epoch() {
            return Some(());
        }
        let recording = self.recording.as_mut();
        match (recording.filter(|r| r.epoch() == epoch), signature) {
            (None, None) => self.guard.handle_epoch_acknowledged(now, epoch),
            (Some(recording), Some(signature)) => {
                recording.handle_signature(epoch, signature);
                self.try_signed(now);
            }
            (None, Some(_)) | (Some(_), None) => return None,
        }
        Some(())
    }

    fn try_signed(&mut self, now: Instant) {
        let Some(recording) = &mut self.recording else {
            return;
        };
        let epoch = recording.epoch();
        match recording.signed() {
            Ok(true) => self.guard.handle_epoch_acknowledged(now, epoch),
            Ok(false) => {}
            Err(Wrong::Forged | Wrong::Mismatch) => self.guard.handle_end(now, End::Tampered),
        }
    }

    /// A later checkpoint of the relay.
    pub(super) fn handle_checkpoint(&mut self, now: Instant, checkpoint: &SignedCheckpoint) {
        let Some(recording) = &mut self.recording else {
            return self.guard.handle_end(now, End::Tampered);
        };
        match recording.handle_checkpoint(checkpoint) {
            Ok(()) => self.cover(now),
            Err(Wrong::Forged | Wrong::Mismatch) => self.guard.handle_recording_mismatch(now),
        }
    }

    /// The console says that the recording is not what it sent and received.
    pub(super) fn handle_their_mismatch(&mut self) {
        if let Some(recording) = &mut self.recording {
            recording.handle_their_mismatch();
            self.guard.handle_recording_mismatch(Instant::now());
        }
    }

    /// The console's heads. None if they are not the console's.
    pub(super) fn handle_heads(&mut self, heads: PeerHeads) -> Option<()> {
        match &mut self.recording {
            Some(recording) => recording.handle_heads(heads, seconds_since_1970()).ok(),
            // In an epoch that is not recorded they prove nothing to anybody.
            None => Some(()),
        }
    }

    /// An in-order frame is on its way out.
    pub(super) fn note_record(&mut self, record: &Record) {
        let recording = self.recording.as_ref();
        if let Some(digest) = recording.and_then(|recording| recording.digest(record)) {
            self.note(record.header(), &digest);
        }
    }

    /// An in-order frame of the recorded epoch, either way.
    pub(super) fn note(&mut self, header: &Header, digest: &Hash) {
        let Some(recording) = &mut self.recording else {
            return;
        };
        let now = Instant::now();
        match recording.note(header, digest) {
            Ok(()) if header.class == Class::Input => self.cover(now),
            Ok(()) => {}
            Err(Wrong::Forged | Wrong::Mismatch) => self.guard.handle_recording_mismatch(now),
        }
    }

    fn cover(&mut self, now: Instant) {
        if let Some(recording) = &self.recording {
            let (epoch, next) = (recording.epoch(), recording.covered());
            self.guard.handle_covered(now, epoch, next);
        }
    }

    /// Sends this end's heads, if others than heads have changed.
    pub(super) fn send_heads(&mut self) {
        let epoch = self.keys.as_ref().map_or(0, super::epochs::Keys::epoch);
        let Some((recording, keys)) = self.recording.as_mut().zip(self.keys.as_ref()) else {
            return;
        };
        // Before the first rights frame nothing can be sealed, and must not be used up.
        if epoch == 0 || recording.epoch() != epoch || !keys.announced() {
            return;
        }
        if let Some(heads) = recording.heads(&keys.signing) {
            self.record(Class::Heads, &heads.to_bytes());
        }
    }

    /// Which texts the customer agreed to, for the recording.
    pub(super) fn tell_text_version(&mut self) {
        let notice = AgentNotice::TextVersion {
            version: texts::version(self.agreed_in),
            language: Text::new(self.agreed_in.tag()).unwrap_or_default(),
        };
        self.notice(&notice);
    }

    /// Notes for the receipt what the customer allows, where it has changed. A new epoch on its way
    /// changes nothing of that.
    pub(super) fn note_allowed(&mut self) {
        let allowed = match self.guard.phase() {
            Phase::Session => self.guard.wish(),
            Phase::Reconnecting { .. } => Rights::None,
            Phase::Unpaired
            | Phase::Consent { .. }
            | Phase::Card { .. }
            | Phase::Starting
            | Phase::Ended => return,
        };
        let why = match (self.guard.phase(), self.guard.interruption()) {
            (_, Some(Interruption::Stopped)) => Why::Stopped,
            (Phase::Reconnecting { .. }, _) => Why::Lost,
            (_, Some(Interruption::Recorder)) => Why::Recorder,
            (_, _) => Why::Switched,
        };
        if let Some(recording) = self.recording.as_mut().filter(|r| r.begun()) {
            recording.note_allowed(allowed, why, seconds_since_1970());
        }
    }
}
