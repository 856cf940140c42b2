//! What agents say.
//!
//! ```text
//! Fresh ─Hello─► Greeted ─Join─► Joined ─Share─► Pairing ─(console: Paired)─► Paired ─► Over
//!                   └────────────────────Resume───────────────────────────────►┘
//! Paired ─(a recorded session ends)─► Parting ─ReceiptDone─► Over
//! ```
//!
//! Whatever does not fit the state is refused and ends the connection.

use rand_core::{CryptoRng, RngCore};

use super::recording::Recording;
use super::session::{Candidate, Link, Phase, Session, Step};
use super::{
    ConnectionId, Cut, Event, JOIN_WITHIN, Now, Offer, Output, Role, Router, SHARE_WITHIN, Service,
    Side, Timer, Told,
};
use crate::messages::{
    AgentToRelay, ControlOffer, End, Refusal, RelayToAgent, RelayToConsole, SessionId, Share,
    VERSION,
};
use crate::pairing::Confirm;
use crate::retention;
use crate::rights::Rights;

/// How far an agent's connection has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    Fresh {
        offer: Offer,
    },
    Greeted {
        client: Client,
    },
    Joined {
        client: Client,
        session: SessionId,
        nameplate: String,
    },
    Pairing {
        session: SessionId,
    },
    Paired {
        session: SessionId,
    },
    /// Its recorded session is over; its receipt is not yet complete.
    Parting {
        session: SessionId,
    },
    /// Being closed.
    Over,
}

/// What an agent's hello has settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Client {
    configuration: [u8; 32],
    /// The deletion date of recordings that it was told.
    stated_deletion: Option<u64>,
}

impl Router {
    /// A message from an agent.
    pub fn handle_agent(
        &mut self,
        id: ConnectionId,
        message: AgentToRelay,
        now: Now,
        _rng: &mut (impl RngCore + CryptoRng),
    ) {
        let Some(Role::Agent(state)) = self.connections.get(&id).map(|c| &c.role) else {
            return;
        };
        let result = match (state.clone(), message) {
            (State::Over, _) => Ok(()),
            (State::Parting { session }, AgentToRelay::ReceiptDone) => {
                self.let_go(id, session);
                self.outputs.push_back(Output::ReceiptDone { session });
                Ok(())
            }
            // Sent before the agent learnt that the session is over.
            (State::Parting { .. }, _) => Ok(()),
            (
                State::Fresh { offer },
                AgentToRelay::Hello {
                    version,
                    configuration,
                },
            ) => self.greet_agent(id, version, (configuration, offer), now),
            (State::Greeted { client }, AgentToRelay::Join { nameplate }) => {
                self.join(id, client, nameplate.as_str(), now)
            }
            (
                State::Greeted { .. },
                AgentToRelay::Resume {
                    session,
                    token,
                    next_hash,
                },
            ) => self.resume_agent(id, session, (&token, next_hash), now),
            (
                State::Joined {
                    client,
                    session,
                    nameplate,
                },
                AgentToRelay::Share { share },
            ) => self.share(id, (session, &nameplate), client, share, now),
            (
                State::Pairing { session },
                AgentToRelay::Confirm {
                    confirmation,
                    agent_key,
                    nonce,
                },
            ) => {
                let confirm = Confirm {
                    confirmation,
                    agent_key,
                    nonce,
                };
                self.confirm(id, session, confirm, now)
            }
            (State::Pairing { session }, AgentToRelay::End { .. }) => {
                self.set_agent(id, State::Over);
                self.outputs.push_back(Output::Close { connection: id });
                self.candidate_left(session, id, now);
                Ok(())
            }
            (State::Greeted { .. } | State::Joined { .. }, AgentToRelay::End { .. }) => {
                self.set_agent(id, State::Over);
                self.outputs.push_back(Output::Close { connection: id });
                Ok(())
            }
            (State::Paired { session }, message) => {
                self.handle_paired_agent(id, session, message, now)
            }
            (
                State::Fresh { .. }
                | State::Greeted { .. }
                | State::Joined { .. }
                | State::Pairing { .. },
                _,
            ) => Err(Refusal::Unexpected),
        };
        if let Err(reason) = result {
            self.refuse(id, reason, now);
        }
    }

    /// Tells an agent why not, and closes.
    pub(super) fn refuse_agent(&mut self, id: ConnectionId, reason: Refusal) {
        match self.connections.get(&id).map(|c| &c.role) {
            Some(Role::Agent(State::Parting { session })) => return self.let_go(id, *session),
            Some(Role::Agent(state)) if *state != State::Over => {}
            Some(Role::Agent(_) | Role::Console { .. }) | None => return,
        }
        self.set_agent(id, State::Over);
        self.timers.cancel(Timer::Connection(id));
        self.tell_agent(id, RelayToAgent::Refused { reason });
        self.outputs.push_back(Output::Close { connection: id });
    }

    /// The agent of an ended recorded session has its receipt, or had its time for it.
    fn let_go(&mut self, id: ConnectionId, session: SessionId) {
        self.set_agent(id, State::Over);
        self.parting.remove(&session);
        self.timers.cancel(Timer::Connection(id));
        self.outputs.push_back(Output::Close { connection: id });
    }

    fn greet_agent(
        &mut self,
        id: ConnectionId,
        version: u16,
        (configuration, offer): ([u8; 32], Offer),
        now: Now,
    ) -> Result<(), Refusal> {
        if version < VERSION {
            return Err(Refusal::TooOld);
        }
        if self.service != Service::Running {
            return Err(Refusal::Draining);
        }
        let stated_deletion = match offer {
            Offer::Recorded => Some(retention::latest_deletion(now.unix_s)),
            Offer::Unavailable => None,
        };
        let client = Client {
            configuration,
            stated_deletion,
        };
        self.set_agent(id, State::Greeted { client });
        self.set_deadline(id, JOIN_WITHIN, now);
        let control = match stated_deletion {
            Some(deletion) => ControlOffer::Recorded { deletion },
            None => ControlOffer::Unavailable,
        };
        self.tell_agent(
            id,
            RelayToAgent::Hello {
                version: VERSION,
                now: now.unix_s,
                control,
            },
        );
        Ok(())
    }

    fn join(
        &mut self,
        id: ConnectionId,
        client: Client,
        nameplate: &str,
        now: Now,
    ) -> Result<(), Refusal> {
        self.spend_try(id, now)?;
        let session = self.nameplates.find(nameplate)?;
        self.check_try(id, session)?;
        self.set_agent(
            id,
            State::Joined {
                client,
                session,
                nameplate: nameplate.to_owned(),
            },
        );
        self.set_deadline(id, SHARE_WITHIN, now);
        self.tell_agent(id, RelayToAgent::Joined { session });
        Ok(())
    }

    /// One share per code and network.
    fn check_try(&self, id: ConnectionId, session: SessionId) -> Result<(), Refusal> {
        let Some(Session {
            phase: Phase::Offered(offer),
            ..
        }) = self.sessions.get(&session)
        else {
            return Err(Refusal::Used);
        };
        let network = self.connections.get(&id).map(|c| c.network);
        let spent = offer.tried.iter().any(|tried| Some(*tried) == network);
        if spent || offer.tried.len() >= self.config.shares_per_code {
            return Err(Refusal::Used);
        }
        Ok(())
    }

    fn share(
        &mut self,
        id: ConnectionId,
        (session, nameplate): (SessionId, &str),
        client: Client,
        share: Share,
        now: Now,
    ) -> Result<(), Refusal> {
        if self.nameplates.find(nameplate)? != session {
            return Err(Refusal::Expired);
        }
        self.check_try(id, session)?;
        let network = self
            .connections
            .get(&id)
            .map(|c| c.network)
            .ok_or(Refusal::Unexpected)?;
        let Some(Session {
            phase: Phase::Offered(offer),
            ..
        }) = self.sessions.get_mut(&session)
        else {
            return Err(Refusal::Used);
        };
        offer.tried.push(network);
        offer.candidates.push_back(Candidate {
            agent: id,
            configuration: client.configuration,
            stated_deletion: client.stated_deletion,
            share,
            reply: None,
            confirm: None,
            step: Step::Waiting,
        });
        self.timers.cancel(Timer::Connection(id));
        self.set_agent(id, State::Pairing { session });
        self.next_candidate(session, now);
        Ok(())
    }

    fn confirm(
        &mut self,
        id: ConnectionId,
        session: SessionId,
        confirm: Confirm,
        now: Now,
    ) -> Result<(), Refusal> {
        let message = RelayToConsole::Confirm {
            confirmation: confirm.confirmation,
            agent_key: confirm.agent_key,
            nonce: confirm.nonce,
        };
        let replied = match self.sessions.get_mut(&session) {
            Some(Session {
                phase: Phase::Offered(offer),
                ..
            }) => offer
                .candidates
                .front_mut()
                .filter(|first| first.agent == id && first.step == Step::Replied)
                .map(|first| {
                    first.step = Step::Confirmed;
                    first.confirm = Some(confirm);
                    offer.console
                }),
            Some(Session {
                phase: Phase::Paired(_),
                ..
            })
            | None => None,
        };
        let Some(console) = replied else {
            self.refuse_agent(id, Refusal::Unexpected);
            self.candidate_left(session, id, now);
            return Ok(());
        };
        self.tell_console(console, message);
        self.await_pairing(session, now);
        Ok(())
    }

    fn resume_agent(
        &mut self,
        id: ConnectionId,
        session: SessionId,
        tokens: (&[u8; 32], [u8; 32]),
        now: Now,
    ) -> Result<(), Refusal> {
        if self.resume(id, Side::Agent, session, tokens, now) {
            return Ok(());
        }
        self.spend_try(id, now)?;
        Err(Refusal::NotResumable)
    }

    fn handle_paired_agent(
        &mut self,
        id: ConnectionId,
        session: SessionId,
        message: AgentToRelay,
        now: Now,
    ) -> Result<(), Refusal> {
        let Some(Session {
            phase: Phase::Paired(pair),
            ..
        }) = self.sessions.get_mut(&session)
        else {
            return Err(Refusal::Unexpected);
        };
        let console = pair.console.link;
        match message {
            AgentToRelay::Peer { packet } => {
                if let Link::Connected(console) = console {
                    self.tell_console(console, RelayToConsole::Peer { packet });
                }
            }
            AgentToRelay::ResumeHash { hash } => pair.agent.resume = Some(hash),
            // An epoch without a console is one that crossed the news of its loss.
            AgentToRelay::EpochOpen { .. } if console == Link::Lost => {}
            AgentToRelay::EpochOpen {
                epoch,
                recording: Some(open),
            } => self.open_recorded(id, session, (epoch, open), now),
            AgentToRelay::EpochOpen {
                epoch,
                recording: None,
            } => match pair.recording {
                // Recording, once begun, lasts to the session's end.
                Recording::On(_) => self.end_session(session, End::Fault, Told::Both, now),
                Recording::Off if pair.lock.open(epoch, Rights::View) => {
                    self.lock_changed(id, Cut::Everything);
                    self.tell_agent(id, RelayToAgent::EpochOpened { epoch });
                }
                Recording::Off => self.end_session(session, End::Tampered, Told::Both, now),
            },
            AgentToRelay::End { reason } => {
                let reason = agents_reason(reason);
                self.end_session(session, reason, Told::Only(Side::Console), now);
            }
            AgentToRelay::ReceiptDone
            | AgentToRelay::Hello { .. }
            | AgentToRelay::Join { .. }
            | AgentToRelay::Share { .. }
            | AgentToRelay::Confirm { .. }
            | AgentToRelay::Resume { .. } => {
                self.outputs
                    .push_back(Output::Event(Event::PairingFailed { session }));
                self.end_session(session, End::Fault, Told::Both, now);
            }
        }
        Ok(())
    }
}

/// The reasons that an agent may give; it does not speak for the others.
fn agents_reason(reason: End) -> End {
    match reason {
        End::Customer
        | End::Refused
        | End::Silence
        | End::Idle
        | End::Lost
        | End::Tampered
        | End::WrongCode
        | End::Unverified
        | End::Fault => reason,
        End::Technician | End::Relay | End::Revoked => End::Customer,
    }
}
