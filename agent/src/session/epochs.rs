//! The keys of a session: peer channel, epochs, and what is sealed and opened with them.
//!
//! A new epoch replaces both directions' keys at once. What still arrives under the epoch
//! before is dropped unopened: its input could only be stale.

use fernsicht_protocol::cert::Holder;
use fernsicht_protocol::crypto::{Hash, SigningKey, hash};
use fernsicht_protocol::epoch::{self, Epoch, Opener, Sealer};
use fernsicht_protocol::frame::{Class, Direction, Frame};
use fernsicht_protocol::messages::{AgentToConsole, AgentToRelay, End, PeerPacket, SessionId};
use fernsicht_protocol::pairing::agent::Paired;
use fernsicht_protocol::pairing::resume_token;
use fernsicht_protocol::peer;
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::unit::Record;
use fernsicht_protocol::wire::Wire;
use rand_core::OsRng;

use super::core::{Core, Outgoing};
use super::recording::Parties;

/// The keys of a paired session.
pub(super) struct Keys {
    pub(super) session: SessionId,
    th2: Hash,
    /// Who was verified.
    pub(super) technician: Holder,
    /// agent_pk's other half.
    pub(super) signing: SigningKey,
    pub(super) peer: peer::Channel,
    resume: fernsicht_protocol::crypto::Secret,
    /// Which resume token is registered with the relay.
    resumes: u64,
    ends: Option<(Sealer, Opener)>,
    /// True once the epoch's first rights frame is sealed: nothing else goes before it.
    announced: bool,
}

impl Keys {
    pub(super) fn new(paired: Paired) -> Self {
        Self {
            session: paired.session,
            th2: paired.th2,
            technician: paired.technician,
            signing: paired.signing,
            peer: paired.peer,
            resume: paired.resume,
            resumes: 0,
            ends: None,
            announced: false,
        }
    }

    /// Between whom the session is.
    pub(super) fn parties(&self) -> Parties<'_> {
        Parties {
            session: self.session,
            technician: &self.technician,
            agent_key: self.signing.public(),
        }
    }

    /// The epoch that is sealed under; 0 before the first.
    pub(super) fn epoch(&self) -> u32 {
        self.ends.as_ref().map_or(0, |(sealer, _)| sealer.epoch())
    }

    /// The connection is lost, and with it frames of this epoch: nothing more is sealed in it, since its
    /// numbers would have a gap.
    pub(super) fn cut(&mut self) {
        self.ends = None;
        self.announced = false;
    }

    /// True once the epoch's first rights frame is sealed.
    pub(super) fn announced(&self) -> bool {
        self.announced
    }

    /// Seals under `epoch`. None if that is not the current one, or if its first rights
    /// frame is still to come.
    pub(super) fn seal(
        &mut self,
        epoch: u32,
        class: Class,
        grant: u32,
        rights: Rights,
        content: &[u8],
    ) -> Option<Frame> {
        let (sealer, _) = self.ends.as_mut()?;
        if sealer.epoch() != epoch || !(self.announced || class == Class::Rights) {
            return None;
        }
        self.announced = true;
        Some(sealer.seal(class, grant, rights, content))
    }

    /// Opens what came in order. None if it was withheld by the relay, or belongs to an
    /// epoch that is over. Errors end the session.
    pub(super) fn open(&mut self, record: Record) -> Result<Option<Vec<u8>>, epoch::Error> {
        let Some((_, opener)) = self.ends.as_mut() else {
            return Ok(None);
        };
        if record.header().epoch < opener.epoch() {
            return Ok(None);
        }
        match record {
            Record::Frame(frame) => opener.open(frame).map(Some),
            Record::Tombstone { header, .. } => opener.skip(&header).map(|()| None),
        }
    }

    /// The registration of the first resume token.
    pub(super) fn first_resume_hash(&self) -> [u8; 32] {
        hash(resume_token(&self.resume, self.resumes).as_slice())
    }

    /// The token to come back with, `ahead` of the registered one, and the hash of its successor.
    pub(super) fn resume(&self, ahead: u64) -> ([u8; 32], [u8; 32]) {
        let counter = self.resumes + ahead;
        let token = resume_token(&self.resume, counter);
        (
            *token,
            hash(resume_token(&self.resume, counter + 1).as_slice()),
        )
    }

    /// The relay has taken the token that was `ahead`.
    pub(super) fn resumed(&mut self, ahead: u64) {
        self.resumes += ahead + 1;
    }
}

impl Core {
    /// Begins an epoch: a fresh secret for the console, the number for the relay, and if it is
    /// recorded the secret sealed to each auditor.
    pub(super) fn open_epoch(&mut self, number: u32, recorded: bool) {
        self.decide_rest();
        let Some(keys) = &mut self.keys else { return };
        let secret = Epoch::draw(&mut OsRng);
        let recording = self.recording.as_mut().filter(|_| recorded);
        let rid = recording.as_ref().map(|recording| recording.rid);
        let epoch = Epoch::new(&keys.session, rid, number, &keys.th2, &secret);
        let opening = recording.map(|recording| recording.open(number, &epoch, &keys.th2, &secret));
        let (opening, sealed_keys_hash) = match opening {
            None if !recorded => (None, hash(&[])),
            Some(Some((opening, sealed))) => (Some(opening), sealed),
            // Nothing to seal to, or no recording was drawn: no recorded epoch without either.
            None | Some(None) => {
                self.guard.handle_end(std::time::Instant::now(), End::Fault);
                return;
            }
        };
        keys.ends = Some((
            epoch.sealer(Direction::AgentToConsole),
            epoch.opener(Direction::ConsoleToAgent),
        ));
        keys.announced = false;
        let start = AgentToConsole::EpochStart {
            epoch: number,
            rid,
            secret: *secret,
            sealed_keys_hash,
        };
        let packet = keys.peer.seal(&start.to_bytes());
        self.restart = true;
        self.acknowledged = None;
        self.send(Outgoing::Message(AgentToRelay::EpochOpen {
            epoch: number,
            recording: opening,
        }));
        self.send(Outgoing::Message(AgentToRelay::Peer {
            packet: wrap(packet),
        }));
    }

    /// Says something to the console outside of any epoch. While the link is lost it is not
    /// said: only beginnings of epochs are worth repeating.
    pub(super) fn tell_console(&mut self, message: &AgentToConsole) {
        if self.outgoing.is_none() {
            return;
        }
        if let Some(keys) = &mut self.keys {
            let packet = keys.peer.seal(&message.to_bytes());
            self.send(Outgoing::Message(AgentToRelay::Peer {
                packet: wrap(packet),
            }));
        }
    }
}

/// A packet as the message carries it.
pub(super) fn wrap(packet: Vec<u8>) -> PeerPacket {
    fernsicht_protocol::wire::Blob(packet)
}
