//! One session from its nameplate to its end: steps that concern both sides.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::lock::{Effect, Lock};
use super::nameplates::Over;
use super::recording::{Pairing, Recording};
use super::{
    ConnectionId, Event, Network, Now, Output, Role, Router, Side, TechnicianId, Ticket, Timer,
    Told,
};
use super::{agent, console};
use crate::frame::Header;
use crate::messages::{CaseNumber, End, Refusal, RelayToAgent, RelayToConsole, SessionId, Share};
use crate::pairing::{Confirm, Context};

#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) nameplate: u32,
    pub(super) technician: TechnicianId,
    pub(super) phase: Phase,
}

#[derive(Debug, Clone)]
pub(super) enum Phase {
    /// The code is out.
    Offered(Offer),
    /// Two sides, connected or to be resumed.
    Paired(Box<Pair>),
}

#[derive(Debug, Clone)]
pub(super) struct Offer {
    pub(super) console: ConnectionId,
    /// The networks that have spent their try. At most as many as shares per code.
    pub(super) tried: Vec<Network>,
    /// Agents that sent a share; the first one is being paired.
    pub(super) candidates: VecDeque<Candidate>,
}

#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) agent: ConnectionId,
    pub(super) configuration: [u8; 32],
    /// The deletion date of recordings that the agent was told. None: recording was not offered.
    pub(super) stated_deletion: Option<u64>,
    pub(super) share: Share,
    /// What the console answered: msgB and confB.
    pub(super) reply: Option<(Share, [u8; 32])>,
    /// What the agent confirmed with.
    pub(super) confirm: Option<Confirm>,
    pub(super) step: Step,
}

/// How far the pairing of a candidate has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Another one is first.
    Waiting,
    /// The console has the share.
    Shared,
    /// The agent has the reply.
    Replied,
    /// The console has the confirmation.
    Confirmed,
    /// The agent has left while the console owed an answer. The next one waits for it, so that an
    /// answer never reaches another agent than the one it was meant for.
    Left,
}

#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) agent: Place,
    pub(super) console: Place,
    pub(super) lock: Lock,
    /// The input frame that the recorder is taking.
    pub(super) pending: Option<(Ticket, Header)>,
    pub(super) pairing: Arc<Pairing>,
    /// The latest deletion date that a recording of this session may have.
    pub(super) stated_deletion: Option<u64>,
    /// The console's verified signature over the transcript, for the newest epoch it named.
    pub(super) transcript: Option<(u32, [u8; 64])>,
    /// The technician's case number, as the first recorded epoch named it.
    pub(super) case: CaseNumber,
    pub(super) recording: Recording,
}

#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) link: Link,
    /// H(token) of the one-time token that resumes this side.
    pub(super) resume: Option<[u8; 32]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    Connected(ConnectionId),
    Lost,
}

impl Pair {
    pub(super) fn place(&self, side: Side) -> &Place {
        match side {
            Side::Agent => &self.agent,
            Side::Console => &self.console,
        }
    }

    pub(super) fn place_mut(&mut self, side: Side) -> &mut Place {
        match side {
            Side::Agent => &mut self.agent,
            Side::Console => &mut self.console,
        }
    }
}

impl Router {
    /// Hands the first waiting candidate's share to the console; gives the code up when no
    /// share is left to try.
    pub(super) fn next_candidate(&mut self, session: SessionId, now: Now) {
        let Some(Session {
            phase: Phase::Offered(offer),
            ..
        }) = self.sessions.get_mut(&session)
        else {
            return;
        };
        let console = offer.console;
        let Some(first) = offer.candidates.front_mut() else {
            self.timers.cancel(Timer::Pairing(session));
            if offer.tried.len() >= self.config.shares_per_code {
                self.withdraw_and_tell(session, Refusal::Expired, now);
            }
            return;
        };
        if first.step != Step::Waiting {
            return;
        }
        first.step = Step::Shared;
        let message = RelayToConsole::Share {
            configuration: first.configuration,
            share: first.share.clone(),
        };
        self.tell_console(console, message);
        self.await_pairing(session, now);
    }

    pub(super) fn await_pairing(&mut self, session: SessionId, now: Now) {
        self.timers.set(
            Timer::Pairing(session),
            now.since_start + self.config.pairing_step,
        );
    }

    /// An agent that had sent its share is gone; the try is spent.
    pub(super) fn candidate_left(&mut self, session: SessionId, agent: ConnectionId, now: Now) {
        let Some(Session {
            phase: Phase::Offered(offer),
            ..
        }) = self.sessions.get_mut(&session)
        else {
            return;
        };
        let Some(at) = offer.candidates.iter().position(|c| c.agent == agent) else {
            return;
        };
        let console = offer.console;
        match offer.candidates[at].step {
            Step::Left => return,
            Step::Waiting => {
                offer.candidates.remove(at);
                return;
            }
            Step::Replied => drop(offer.candidates.remove(at)),
            Step::Shared | Step::Confirmed => {
                offer.candidates[at].step = Step::Left;
                self.await_pairing(session, now);
            }
        }
        self.tell_console(console, RelayToConsole::AgentLeft);
        self.outputs
            .push_back(Output::Event(Event::PairingFailed { session }));
        self.next_candidate(session, now);
    }

    /// A step of the pairing did not come in time.
    pub(super) fn candidate_overdue(&mut self, session: SessionId, now: Now) {
        let Some(Session {
            phase: Phase::Offered(offer),
            ..
        }) = self.sessions.get_mut(&session)
        else {
            return;
        };
        let Some(first) = offer.candidates.front() else {
            return;
        };
        let agent = first.agent;
        if first.step == Step::Left {
            offer.candidates.pop_front();
            self.next_candidate(session, now);
            return;
        }
        self.refuse_agent(agent, Refusal::TechnicianLeft);
        self.candidate_left(session, agent, now);
    }

    /// The console takes a code back, or is gone.
    pub(super) fn withdraw(&mut self, session: SessionId, reason: Refusal, now: Now) {
        let Some(removed) = self.remove(session, Over::Expired, now) else {
            return;
        };
        let Phase::Offered(offer) = removed.phase else {
            return;
        };
        for candidate in offer.candidates {
            self.refuse_agent(candidate.agent, reason.clone());
        }
    }

    /// The code is over; the console is told that it needs a new one.
    pub(super) fn withdraw_and_tell(&mut self, session: SessionId, reason: Refusal, now: Now) {
        let Some(Session {
            phase: Phase::Offered(offer),
            ..
        }) = self.sessions.get(&session)
        else {
            return;
        };
        let console = offer.console;
        self.withdraw(session, reason, now);
        self.set_console(console, console::State::Greeted);
        self.tell_console(console, RelayToConsole::CodeExpired);
    }

    /// The first candidate becomes the session's agent; nobody else gets in.
    pub(super) fn pair(&mut self, id: SessionId, now: Now) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let Phase::Offered(offer) = &mut session.phase else {
            return;
        };
        let Some(first) = offer.candidates.pop_front() else {
            return;
        };
        let others = std::mem::take(&mut offer.candidates);
        let console = offer.console;
        let nameplate = session.nameplate;
        let technician = match self.connections.get(&console).map(|c| &c.role) {
            Some(Role::Console { technician, .. }) => technician.clone(),
            Some(Role::Agent(_)) | None => None,
        };
        let (Some((message_b, conf_b)), Some(confirm), Some(technician)) =
            (first.reply, first.confirm, technician)
        else {
            return;
        };
        let context = Context {
            relay_name: self.config.relay_name.clone(),
            ca: self.config.ca,
            configuration: first.configuration,
            session: id,
            nameplate: nameplate.to_string(),
        };
        let shares = (first.share, message_b);
        let pairing = Pairing::new(context, shares, conf_b, confirm, technician);
        session.phase = Phase::Paired(Box::new(Pair {
            agent: Place {
                link: Link::Connected(first.agent),
                resume: None,
            },
            console: Place {
                link: Link::Connected(console),
                resume: None,
            },
            lock: Lock::new(),
            pending: None,
            pairing: Arc::new(pairing),
            stated_deletion: first.stated_deletion,
            transcript: None,
            case: CaseNumber::default(),
            recording: Recording::Off,
        }));
        for other in others {
            self.refuse_agent(other.agent, Refusal::Used);
        }
        self.nameplates
            .retire(nameplate, Over::Used, now.since_start);
        self.set_agent(first.agent, agent::State::Paired { session: id });
        self.set_console(console, console::State::Paired { session: id });
        for connection in [first.agent, console] {
            self.outputs.push_back(Output::Seated { connection });
        }
        self.timers.cancel(Timer::Code(id));
        self.timers.cancel(Timer::Pairing(id));
        self.timers.set(
            Timer::Longest(id),
            now.since_start + self.config.longest_session,
        );
        self.outputs
            .push_back(Output::Event(Event::Paired { session: id }));
    }

    /// Sight and control end at once; the lost side may come back if it left a token.
    pub(super) fn side_lost(&mut self, session: SessionId, side: Side, now: Now) {
        let Some(Session {
            phase: Phase::Paired(pair),
            ..
        }) = self.sessions.get_mut(&session)
        else {
            return;
        };
        let effect = pair.lock.suspend();
        pair.pending = None;
        pair.recording.interrupt();
        // Also of an agent that is seated anew: its old connection may still be there.
        let agent = pair.agent.link;
        let place = pair.place_mut(side);
        place.link = Link::Lost;
        let resumable = place.resume.is_some();
        let other = pair.place(side.other()).link;
        self.timers.cancel(Timer::Recording(session));
        if let (Effect::Changed(cut), Link::Connected(agent)) = (effect, agent)
            && self.connections.contains_key(&agent)
        {
            self.lock_changed(agent, cut);
        }
        self.outputs
            .push_back(Output::Event(Event::Lost { session, side }));
        if !resumable {
            self.end_session(session, End::Lost, Told::Both, now);
            return;
        }
        self.timers.set(
            Timer::Lost(session, side),
            now.since_start + self.config.resume_within,
        );
        if let Link::Connected(other) = other {
            self.tell_lost(side.other(), other);
        }
    }

    /// Seats a new connection at the place of a lost side. False: no such session, or a
    /// token that is not the one expected.
    pub(super) fn resume(
        &mut self,
        id: ConnectionId,
        side: Side,
        session: SessionId,
        (token, next_hash): (&[u8; 32], [u8; 32]),
        now: Now,
    ) -> bool {
        let technician = match self.connections.get(&id).map(|c| &c.role) {
            Some(Role::Console { technician, .. }) => technician.as_ref().map(|t| t.id),
            Some(Role::Agent(_)) | None => None,
        };
        let Some(Session {
            phase: Phase::Paired(pair),
            technician: owner,
            ..
        }) = self.sessions.get_mut(&session)
        else {
            return false;
        };
        if side == Side::Console && technician != Some(*owner) {
            return false;
        }
        let place = pair.place_mut(side);
        let hash = Sha256::digest(token);
        let expected = place.resume.unwrap_or_default();
        if place.resume.is_none() || !bool::from(hash.as_slice().ct_eq(&expected)) {
            return false;
        }
        // The relay may not have noticed yet that the old connection is dead.
        if let Link::Connected(old) = place.link {
            match side {
                Side::Agent => self.set_agent(old, agent::State::Over),
                Side::Console => self.set_console(old, console::State::Over),
            }
            self.outputs.push_back(Output::Close { connection: old });
            self.side_lost(session, side, now);
        }
        let Some(Session {
            phase: Phase::Paired(pair),
            ..
        }) = self.sessions.get_mut(&session)
        else {
            return false;
        };
        *pair.place_mut(side) = Place {
            link: Link::Connected(id),
            resume: Some(next_hash),
        };
        let other = pair.place(side.other()).link;
        let standing = pair.recording.standing();
        self.timers.cancel(Timer::Lost(session, side));
        self.timers.cancel(Timer::Connection(id));
        match side {
            Side::Agent => self.set_agent(id, agent::State::Paired { session }),
            Side::Console => self.set_console(id, console::State::Paired { session }),
        }
        self.outputs.push_back(Output::Seated { connection: id });
        self.outputs
            .push_back(Output::Event(Event::Resumed { session, side }));
        self.tell_resumed(side, id);
        if side == Side::Console {
            self.tell_maintenance(id, now);
        }
        match other {
            Link::Connected(other) => self.tell_resumed(side.other(), other),
            Link::Lost => self.tell_lost(side, id),
        }
        // What it was told last may have been lost with the old connection.
        if let Some(standing) = standing {
            self.tell_standing(side, Link::Connected(id), standing);
        }
        true
    }

    /// Ends a session, paired or not. Agents are sent away; consoles may begin another.
    pub(super) fn end_session(&mut self, session: SessionId, reason: End, told: Told, now: Now) {
        let over = match self.sessions.get(&session).map(|s| &s.phase) {
            Some(Phase::Offered(_)) => Over::Expired,
            Some(Phase::Paired(_)) => Over::Used,
            None => return,
        };
        let Some(removed) = self.remove(session, over, now) else {
            return;
        };
        match removed.phase {
            Phase::Offered(offer) => {
                for candidate in offer.candidates {
                    // One that has left is closed already.
                    if candidate.step != Step::Left {
                        self.end_agent(candidate.agent, reason.clone(), Told::Both);
                    }
                }
                self.end_console(offer.console, reason, told);
            }
            Phase::Paired(pair) => {
                if pair.recording.begun() {
                    let reason = reason.clone();
                    self.outputs
                        .push_back(Output::FinishRecording { session, reason });
                }
                if let Link::Connected(agent) = pair.agent.link {
                    self.outputs.push_back(Output::CutStreams {
                        connection: agent,
                        cut: super::Cut::Everything,
                    });
                    match pair.recording.begun() {
                        true => self.part_agent(agent, session, reason.clone(), (told, now)),
                        false => self.end_agent(agent, reason.clone(), told),
                    }
                }
                if let Link::Connected(console) = pair.console.link {
                    self.end_console(console, reason.clone(), told);
                }
                self.outputs
                    .push_back(Output::Event(Event::Ended { session, reason }));
            }
        }
    }

    fn end_agent(&mut self, agent: ConnectionId, reason: End, told: Told) {
        if told != Told::Only(Side::Console) {
            self.tell_agent(agent, RelayToAgent::Ended { reason });
        }
        self.set_agent(agent, agent::State::Over);
        self.outputs.push_back(Output::Close { connection: agent });
    }

    /// Like [`Self::end_agent`], but the agent may stay until its receipt is complete.
    fn part_agent(
        &mut self,
        agent: ConnectionId,
        session: SessionId,
        reason: End,
        (told, now): (Told, Now),
    ) {
        if told != Told::Only(Side::Console) {
            self.tell_agent(agent, RelayToAgent::Ended { reason });
        }
        self.set_agent(agent, agent::State::Parting { session });
        self.parting.insert(session, agent);
        let within = self.config.finish_within + self.config.receipt_within;
        self.set_deadline(agent, within, now);
    }

    fn end_console(&mut self, console: ConnectionId, reason: End, told: Told) {
        if told != Told::Only(Side::Agent) {
            self.tell_console(console, RelayToConsole::Ended { reason });
        }
        self.set_console(console, console::State::Greeted);
    }

    fn remove(&mut self, id: SessionId, over: Over, now: Now) -> Option<Session> {
        let session = self.sessions.remove(&id)?;
        if matches!(session.phase, Phase::Offered(_)) {
            self.nameplates
                .retire(session.nameplate, over, now.since_start);
        }
        for timer in [
            Timer::Code(id),
            Timer::Pairing(id),
            Timer::Recording(id),
            Timer::Lost(id, Side::Agent),
            Timer::Lost(id, Side::Console),
            Timer::Longest(id),
        ] {
            self.timers.cancel(timer);
        }
        Some(session)
    }

    fn tell_lost(&mut self, side: Side, connection: ConnectionId) {
        match side {
            Side::Agent => self.tell_agent(connection, RelayToAgent::PeerLost),
            Side::Console => self.tell_console(connection, RelayToConsole::PeerLost),
        }
    }

    fn tell_resumed(&mut self, side: Side, connection: ConnectionId) {
        match side {
            Side::Agent => self.tell_agent(connection, RelayToAgent::Resumed),
            Side::Console => self.tell_console(connection, RelayToConsole::Resumed),
        }
    }

    pub(super) fn set_agent(&mut self, id: ConnectionId, new: agent::State) {
        if let Some(connection) = self.connections.get_mut(&id)
            && let Role::Agent(state) = &mut connection.role
        {
            *state = new;
        }
    }

    pub(super) fn set_console(&mut self, id: ConnectionId, new: console::State) {
        if let Some(connection) = self.connections.get_mut(&id)
            && let Role::Console { state, .. } = &mut connection.role
        {
            *state = new;
        }
    }

    pub(super) fn set_deadline(&mut self, id: ConnectionId, within: Duration, now: Now) {
        self.timers
            .set(Timer::Connection(id), now.since_start + within);
    }
}
