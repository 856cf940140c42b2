//! What the relay and, through it, the console say: each message becomes one call of the guard.
//!
//! Not here: connections and their loss ([`super::driver`], [`super::reconnect`]), frames ([`super::link`]).

use std::time::Instant;

use fernsicht_protocol::guard::Phase;
use fernsicht_protocol::messages::{
    AgentToConsole, AgentToRelay, CaseNumber, ConsoleToAgent, ControlOffer, End, Page, RelayToAgent,
};
use fernsicht_protocol::pairing::agent::Paired;
use fernsicht_protocol::wire::{Wire, plain};

use super::core::{Before, Core, Outgoing, Shared};
use super::epochs::{Keys, wrap};
use super::pairing;
use crate::view::{Problem, Technician};

impl Shared {
    /// A technician has been verified: the session begins, with its consent page.
    pub(super) fn handle_paired(&self, now: Instant, paired: Paired, offer: ControlOffer) {
        self.change(|core| {
            core.technician = Technician {
                name: paired.technician.name.clone(),
                organisation: paired.technician.organisation.clone(),
            };
            let keys = Keys::new(paired);
            let hash = keys.first_resume_hash();
            core.keys = Some(keys);
            core.stage = Before::Paired;
            core.send(Outgoing::Message(AgentToRelay::ResumeHash { hash }));
            let possible = core.input_possible;
            // Only a second technician is denied, and a guard meets one.
            core.guard.handle_technician(now, offer, possible).ok();
            core.tell_page(now, Page::Consent);
        });
    }

    /// The relay has taken the resume token that was `ahead`.
    pub(super) fn handle_resumed(&self, now: Instant, offer: ControlOffer, ahead: u64) {
        self.change(|core| {
            if let Some(keys) = &mut core.keys {
                keys.resumed(ahead);
            }
            core.guard.handle_offer(now, offer);
            core.expect_repetition();
            core.repeat_packets();
            core.guard.handle_resumed(now);
        });
    }

    /// The connection to the relay is lost.
    pub(super) fn handle_lost(&self, now: Instant) {
        self.change(|core| {
            core.cut();
            core.guard.handle_connection_lost(now);
        });
    }

    /// The relay says something.
    pub(super) fn handle_message(&self, now: Instant, message: RelayToAgent) {
        self.change(|core| match message {
            RelayToAgent::Peer { packet } => {
                if core.handle_packet(now, &packet.0).is_none() {
                    core.guard.handle_end(now, End::Tampered);
                }
            }
            RelayToAgent::EpochOpened { epoch }
                if core.guard.recorded() && epoch == core.guard.epoch() =>
            {
                // A recorded epoch opens with its first checkpoint only.
                core.guard.handle_end(now, End::Tampered);
            }
            RelayToAgent::EpochOpened { epoch } => {
                core.tell_page(now, Page::Session);
                core.guard.handle_epoch_opened(now, epoch);
            }
            RelayToAgent::PeerLost => core.guard.handle_peer_lost(now),
            RelayToAgent::Resumed => {
                core.expect_repetition();
                core.repeat_packets();
                core.guard.handle_resumed(now);
            }
            RelayToAgent::RecorderFailed => {
                core.recorder_failed = true;
                core.guard.handle_recorder_failed(now);
            }
            RelayToAgent::RecorderBack => {
                core.recorder_failed = false;
                core.guard.handle_recorder_back(now);
            }
            RelayToAgent::Recording {
                epoch,
                chain,
                checkpoint,
            } => core.handle_recording(now, epoch, &chain, &checkpoint),
            RelayToAgent::Checkpoint { checkpoint } => core.handle_checkpoint(now, &checkpoint),
            RelayToAgent::Ended { reason } => {
                if reason == End::Lost {
                    core.stage = Before::Ended(Problem::TechnicianLost);
                }
                // The relay records nothing more: nothing more is sealed, nor signed for.
                if let Some(keys) = &mut core.keys {
                    keys.cut();
                }
                core.guard.handle_end(now, reason);
            }
            RelayToAgent::Refused { reason } => {
                core.stage = Before::Ended(pairing::refusal_problem(&reason));
                core.guard.handle_end(now, End::Fault);
            }
            RelayToAgent::Hello { .. }
            | RelayToAgent::Joined { .. }
            | RelayToAgent::Reply { .. } => {
                core.guard.handle_end(now, End::Tampered);
            }
        });
    }
}

impl Core {
    /// A packet of the console. None if it is not what the console may say.
    fn handle_packet(&mut self, now: Instant, packet: &[u8]) -> Option<()> {
        let Some(message) = self.keys.as_mut()?.peer.open(packet).ok()? else {
            return Some(());
        };
        match ConsoleToAgent::from_bytes(&message).ok()? {
            ConsoleToAgent::EpochAck { epoch, signature } => {
                self.handle_acknowledged(now, epoch, signature.as_ref())
            }
            ConsoleToAgent::Case { case } => {
                self.handle_case(case);
                Some(())
            }
            ConsoleToAgent::Technician { .. } => None,
        }
    }

    /// Tells the console which page the customer reads, and how long silence may last there.
    pub(super) fn tell_page(&mut self, now: Instant, page: Page) {
        let until = match self.guard.phase() {
            Phase::Consent { until } | Phase::Card { until } => Some(until),
            Phase::Unpaired
            | Phase::Starting
            | Phase::Session
            | Phase::Reconnecting { .. }
            | Phase::Ended => None,
        };
        let left_s = until.map(|until| {
            let left = until.saturating_duration_since(now).as_secs();
            u16::try_from(left).unwrap_or(u16::MAX)
        });
        self.page = page.clone();
        self.tell_console(&AgentToConsole::Page { page, left_s });
    }

    /// The technician's case number, for the receipt: what stood when the card was drawn stays. One that
    /// would not read as it is written counts as none.
    fn handle_case(&mut self, case: CaseNumber) {
        if self.recording.is_none() {
            self.case = if plain(case.as_str()) {
                case
            } else {
                CaseNumber::default()
            };
        }
    }

    /// The console sends its newest packets once more.
    fn expect_repetition(&mut self) {
        if let Some(keys) = &mut self.keys {
            keys.peer.handle_resumed();
        }
    }

    /// Sends the newest peer packets once more, byte for byte.
    pub(super) fn repeat_packets(&mut self) {
        let kept: Vec<Vec<u8>> = self
            .keys
            .iter()
            .flat_map(|keys| keys.peer.kept())
            .map(<[u8]>::to_vec)
            .collect();
        for packet in kept {
            self.send(Outgoing::Message(AgentToRelay::Peer {
                packet: wrap(packet),
            }));
        }
    }
}
