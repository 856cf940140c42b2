//! What consoles say.
//!
//! ```text
//! Fresh ─Hello─► Greeted ─NewSession─► Offering ─Paired─► Paired
//!                 │  ▲ ▲                   │                │
//!                 │  │ └─── code expired ──┘                │
//!                 │  └──────── session ended ───────────────┤
//!                 └──────────────── Resume ─────────────────┘
//! ```
//!
//! Without a certificate: Fresh ─Hello─► Greeted ─Enrol─► Enrolling ─► Over, and nothing else.

use rand_core::{CryptoRng, RngCore};

use super::session::{Link, Offer, Phase, Session, Step};
use super::{
    ConnectionId, ENROL_WITHIN, Event, Now, Output, Role, Router, Service, Side, TechnicianId,
    Timer, Told,
};
use crate::messages::{
    ConsoleToRelay, End, Refusal, RelayToAgent, RelayToConsole, SessionId, VERSION,
};
use crate::wire::{Blob, List, Text};

/// How far a console's connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Fresh,
    Greeted,
    Enrolling,
    Offering {
        session: SessionId,
    },
    Paired {
        session: SessionId,
    },
    /// Being closed.
    Over,
}

impl Router {
    /// A message from a console.
    pub fn handle_console(
        &mut self,
        id: ConnectionId,
        message: ConsoleToRelay,
        now: Now,
        rng: &mut (impl RngCore + CryptoRng),
    ) {
        let Some(Role::Console { technician, state }) = self.connections.get(&id).map(|c| &c.role)
        else {
            return;
        };
        let technician = technician.as_ref().map(|t| t.id);
        let result = match (*state, technician, message) {
            (State::Over, _, _) => Ok(()),
            (State::Fresh, technician, ConsoleToRelay::Hello { version }) => {
                self.greet_console(id, version, technician, now)
            }
            (State::Greeted, None, ConsoleToRelay::Enrol { secret, request }) => {
                self.enrol(id, secret, request.0, now)
            }
            (
                State::Greeted | State::Offering { .. },
                Some(technician),
                ConsoleToRelay::NewSession,
            ) => self.new_session(id, technician, now, rng),
            (
                State::Greeted,
                Some(_),
                ConsoleToRelay::Resume {
                    session,
                    token,
                    next_hash,
                },
            ) => self.resume_console(id, session, (&token, next_hash), now),
            (State::Offering { session }, _, message) => {
                self.handle_offering_console(id, session, message, now)
            }
            (State::Paired { session }, _, message) => {
                self.handle_paired_console(session, message, now)
            }
            // Sent before the console learnt that its session or code is over.
            (
                State::Greeted,
                Some(_),
                ConsoleToRelay::Reply { .. }
                | ConsoleToRelay::Paired
                | ConsoleToRelay::PairingFailed
                | ConsoleToRelay::Peer { .. }
                | ConsoleToRelay::ResumeHash { .. }
                | ConsoleToRelay::Transcript { .. }
                | ConsoleToRelay::EpochSignature { .. }
                | ConsoleToRelay::End { .. },
            ) => Ok(()),
            (State::Fresh | State::Greeted | State::Enrolling, _, _) => Err(Refusal::Unexpected),
        };
        match result {
            Ok(()) => {}
            // The technician may try again on the same connection.
            Err(
                reason @ (Refusal::Full
                | Refusal::TooManyTries { .. }
                | Refusal::Draining
                | Refusal::NotResumable),
            ) if technician_of(self, id).is_some() => {
                self.tell_console(id, RelayToConsole::Refused { reason })
            }
            Err(reason) => self.refuse(id, reason, now),
        }
    }

    /// What became of an enrolment.
    pub fn handle_enrolment(&mut self, id: ConnectionId, result: Result<Vec<Vec<u8>>, Refusal>) {
        let Some(Role::Console {
            state: State::Enrolling,
            ..
        }) = self.connections.get(&id).map(|c| &c.role)
        else {
            return;
        };
        match result {
            Ok(chain) => {
                let chain = List(chain.into_iter().map(Blob).collect());
                self.tell_console(id, RelayToConsole::Enrolled { chain });
                self.set_console(id, State::Over);
                self.timers.cancel(Timer::Connection(id));
                self.outputs.push_back(Output::Close { connection: id });
            }
            Err(reason) => self.refuse_console(id, reason),
        }
    }

    /// Tells a console why not, and closes.
    pub(super) fn refuse_console(&mut self, id: ConnectionId, reason: Refusal) {
        match self.connections.get(&id).map(|c| &c.role) {
            Some(Role::Console { state, .. }) if *state != State::Over => {}
            Some(Role::Agent(_) | Role::Console { .. }) | None => return,
        }
        self.set_console(id, State::Over);
        self.timers.cancel(Timer::Connection(id));
        self.tell_console(id, RelayToConsole::Refused { reason });
        self.outputs.push_back(Output::Close { connection: id });
    }

    fn greet_console(
        &mut self,
        id: ConnectionId,
        version: u16,
        technician: Option<TechnicianId>,
        now: Now,
    ) -> Result<(), Refusal> {
        if version < VERSION {
            return Err(Refusal::TooOld);
        }
        self.set_console(id, State::Greeted);
        match technician {
            Some(_) => self.timers.cancel(Timer::Connection(id)),
            None => self.set_deadline(id, ENROL_WITHIN, now),
        }
        self.tell_console(
            id,
            RelayToConsole::Hello {
                version: VERSION,
                now: now.unix_s,
            },
        );
        Ok(())
    }

    fn enrol(
        &mut self,
        id: ConnectionId,
        secret: [u8; 16],
        request: Vec<u8>,
        now: Now,
    ) -> Result<(), Refusal> {
        self.spend_try(id, now)?;
        self.set_console(id, State::Enrolling);
        self.outputs.push_back(Output::Enrol {
            connection: id,
            secret,
            request,
        });
        Ok(())
    }

    fn new_session(
        &mut self,
        id: ConnectionId,
        technician: TechnicianId,
        now: Now,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(), Refusal> {
        if self.service != Service::Running {
            return Err(Refusal::Draining);
        }
        if let Some(Role::Console {
            state: State::Offering { session },
            ..
        }) = self.connections.get(&id).map(|c| &c.role)
        {
            self.withdraw(*session, Refusal::Expired, now);
            self.set_console(id, State::Greeted);
        }
        self.new_sessions
            .spend(technician, now.since_start)
            .map_err(|too_many| Refusal::TooManyTries {
                minutes: too_many.minutes(),
            })?;
        if self.sessions.len() >= self.config.max_sessions {
            return Err(Refusal::Full);
        }
        let mut session = SessionId::default();
        rng.fill_bytes(&mut session);
        let nameplate = self.nameplates.draw(session, now.since_start, rng);
        let offer = Offer {
            console: id,
            tried: Vec::new(),
            candidates: Default::default(),
        };
        self.sessions.insert(
            session,
            Session {
                nameplate,
                technician,
                phase: Phase::Offered(offer),
            },
        );
        self.set_console(id, State::Offering { session });
        self.timers.set(
            Timer::Code(session),
            now.since_start + self.config.code_valid,
        );
        self.outputs.push_back(Output::Event(Event::Offered {
            session,
            technician,
        }));
        let nameplate = Text::new(nameplate.to_string()).expect("a u32 has at most 10 digits");
        let valid_s = u32::try_from(self.config.code_valid.as_secs()).unwrap_or(u32::MAX);
        self.tell_console(
            id,
            RelayToConsole::Session {
                session,
                nameplate,
                valid_s,
            },
        );
        Ok(())
    }

    fn resume_console(
        &mut self,
        id: ConnectionId,
        session: SessionId,
        tokens: (&[u8; 32], [u8; 32]),
        now: Now,
    ) -> Result<(), Refusal> {
        if self.resume(id, Side::Console, session, tokens, now) {
            return Ok(());
        }
        self.spend_try(id, now)?;
        Err(Refusal::NotResumable)
    }

    fn handle_offering_console(
        &mut self,
        id: ConnectionId,
        session: SessionId,
        message: ConsoleToRelay,
        now: Now,
    ) -> Result<(), Refusal> {
        let Some(Session {
            phase: Phase::Offered(offer),
            ..
        }) = self.sessions.get_mut(&session)
        else {
            return Err(Refusal::Unexpected);
        };
        let first = offer.candidates.front_mut();
        let step = first.as_ref().map_or(Step::Waiting, |c| c.step);
        match (message, step, first) {
            (
                ConsoleToRelay::Reply {
                    share,
                    confirmation,
                },
                Step::Shared,
                Some(first),
            ) => {
                first.step = Step::Replied;
                first.reply = Some((share.clone(), confirmation));
                let agent = first.agent;
                self.tell_agent(
                    agent,
                    RelayToAgent::Reply {
                        share,
                        confirmation,
                    },
                );
                self.await_pairing(session, now);
            }
            (ConsoleToRelay::Paired, Step::Confirmed, Some(_)) => self.pair(session, now),
            (
                ConsoleToRelay::PairingFailed,
                Step::Shared | Step::Replied | Step::Confirmed,
                Some(_),
            ) => {
                self.pairing_failed(session, now);
            }
            (ConsoleToRelay::End { .. }, _, _) => {
                self.withdraw(session, Refusal::TechnicianLeft, now);
                self.set_console(id, State::Greeted);
            }
            // Answers that crossed the news that the agent has left.
            (ConsoleToRelay::Reply { .. } | ConsoleToRelay::PairingFailed, Step::Left, Some(_)) => {
                offer.candidates.pop_front();
                self.next_candidate(session, now);
            }
            (ConsoleToRelay::Paired, Step::Left, Some(_)) => {
                self.end_session(session, End::Lost, Told::Both, now);
            }
            (ConsoleToRelay::PairingFailed, Step::Waiting, None) => {}
            (
                ConsoleToRelay::Hello { .. }
                | ConsoleToRelay::Enrol { .. }
                | ConsoleToRelay::NewSession
                | ConsoleToRelay::Reply { .. }
                | ConsoleToRelay::Paired
                | ConsoleToRelay::PairingFailed
                | ConsoleToRelay::Peer { .. }
                | ConsoleToRelay::ResumeHash { .. }
                | ConsoleToRelay::Transcript { .. }
                | ConsoleToRelay::EpochSignature { .. }
                | ConsoleToRelay::Resume { .. },
                _,
                _,
            ) => {
                self.withdraw(session, Refusal::TechnicianLeft, now);
                return Err(Refusal::Unexpected);
            }
        }
        Ok(())
    }

    fn pairing_failed(&mut self, session: SessionId, now: Now) {
        let Some(Session {
            phase: Phase::Offered(offer),
            ..
        }) = self.sessions.get_mut(&session)
        else {
            return;
        };
        let Some(first) = offer.candidates.pop_front() else {
            return;
        };
        self.tell_agent(
            first.agent,
            RelayToAgent::Ended {
                reason: End::WrongCode,
            },
        );
        self.set_agent(first.agent, super::agent::State::Over);
        self.outputs.push_back(Output::Close {
            connection: first.agent,
        });
        self.outputs
            .push_back(Output::Event(Event::PairingFailed { session }));
        self.next_candidate(session, now);
    }

    fn handle_paired_console(
        &mut self,
        session: SessionId,
        message: ConsoleToRelay,
        now: Now,
    ) -> Result<(), Refusal> {
        let Some(Session {
            phase: Phase::Paired(pair),
            ..
        }) = self.sessions.get_mut(&session)
        else {
            return Err(Refusal::Unexpected);
        };
        match message {
            ConsoleToRelay::Peer { packet } => {
                if let Link::Connected(agent) = pair.agent.link {
                    self.tell_agent(agent, RelayToAgent::Peer { packet });
                }
            }
            ConsoleToRelay::ResumeHash { hash } => pair.console.resume = Some(hash),
            ConsoleToRelay::Transcript {
                epoch,
                signature,
                case,
            } => {
                self.handle_transcript(session, (epoch, signature), case, now);
            }
            ConsoleToRelay::EpochSignature { epoch, signature } => {
                self.handle_epoch_signature(session, (epoch, signature), now);
            }
            ConsoleToRelay::End { reason } => {
                let reason = consoles_reason(reason);
                self.end_session(session, reason, Told::Only(Side::Agent), now);
            }
            ConsoleToRelay::Hello { .. }
            | ConsoleToRelay::Enrol { .. }
            | ConsoleToRelay::NewSession
            | ConsoleToRelay::Reply { .. }
            | ConsoleToRelay::Paired
            | ConsoleToRelay::PairingFailed
            | ConsoleToRelay::Resume { .. } => {
                self.end_session(session, End::Fault, Told::Only(Side::Agent), now);
                return Err(Refusal::Unexpected);
            }
        }
        Ok(())
    }
}

fn technician_of(router: &Router, id: ConnectionId) -> Option<TechnicianId> {
    match router.connections.get(&id).map(|c| &c.role) {
        Some(Role::Console { technician, .. }) => technician.as_ref().map(|t| t.id),
        Some(Role::Agent(_)) | None => None,
    }
}

/// The reasons that a console may give; it does not speak for the customer.
fn consoles_reason(reason: End) -> End {
    match reason {
        End::Tampered | End::Lost | End::Idle | End::Fault => reason,
        End::Customer
        | End::Technician
        | End::Refused
        | End::Silence
        | End::Relay
        | End::Revoked
        | End::WrongCode
        | End::Unverified => End::Technician,
    }
}
