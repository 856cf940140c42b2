//! The world of one schedule: both ends, the relay, the network and one clock.
//!
//! What a program says is carried at once to the network; what arrives is one of [`Arrival`]. After each
//! call the reference sees what left and what acted.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use fernsicht_agent::session::model::{self as agent, Agent};
use fernsicht_console::session::model::{self as console, Console};
use fernsicht_protocol::content::InputEvent;
use fernsicht_protocol::frame::{Class, Direction, Frame};
use fernsicht_protocol::messages::{
    AgentToConsole, AgentToRelay, ConsoleToAgent, ConsoleToRelay, ControlOffer, End, Refusal,
    RelayToAgent, RelayToConsole, VERSION,
};
use fernsicht_protocol::peer;
use fernsicht_protocol::router::{ConnectionId, Now, Side};
use fernsicht_protocol::unit::Record;
use fernsicht_protocol::wire::{Blob, Wire as _};

use super::ends::{AgentEnd, AgentState, ConsoleEnd, HEADS_EVERY, LAST_CHECKPOINT};
use super::network::{Arrival, Mail, Network, Single};
use super::office::Office;
use super::reference::{Opened, Pages, Reference, serial};
use super::relay::{Passed, Relay};
use super::run::Counts;

/// Everything of one schedule.
pub(super) struct World<'o> {
    pub(super) office: &'o Office,
    pub(super) now: Duration,
    pub(super) network: Network,
    pub(super) relay: Relay,
    pub(super) agent: AgentEnd,
    pub(super) console: ConsoleEnd,
    pub(super) reference: Reference,
    pub(super) counts: Counts,
    /// Listens to what the ends say to each other behind the relay's back: it knows their keys.
    to_console: peer::Channel,
    to_agent: peer::Channel,
    /// Packets that begin an epoch and have not come to the console.
    beginnings: HashMap<Vec<u8>, u32>,
    /// Numbers for events and pictures.
    pub(super) serial: u32,
}

impl<'o> World<'o> {
    /// Paired, with the consent page before the customer.
    pub(super) fn new(office: &'o Office) -> Self {
        let rehearsal = &office.rehearsal;
        let console = Console::paired(office.identity.clone(), rehearsal.console(), office.unix_s);
        let mut world = Self {
            office,
            now: Duration::ZERO,
            network: Network::default(),
            relay: Relay::new(office),
            agent: AgentEnd {
                core: Agent::new(office.configuration.clone()),
                line: None,
                state: AgentState::Up,
                heads_at: Duration::ZERO,
                picture: None,
                card: None,
            },
            console: ConsoleEnd {
                core: console,
                line: None,
                drawn: 0,
            },
            reference: Reference::default(),
            counts: Counts::default(),
            to_console: rehearsal.listener(),
            to_agent: rehearsal.agent().peer,
            beginnings: HashMap::new(),
            serial: 0,
        };
        world.pair();
        world
    }

    /// The pairing, message by message through the router, as it was once rehearsed.
    fn pair(&mut self) {
        let (office, now) = (self.office, self.relay_now());
        let rehearsal = &office.rehearsal;
        let console = self.network.connect(Side::Console);
        self.console.line = Some(console);
        self.relay.connected(console, Side::Console, office, now);
        let hello = ConsoleToRelay::Hello { version: VERSION };
        self.console_says(console, hello);
        self.console_says(console, ConsoleToRelay::NewSession);
        let agent = self.network.connect(Side::Agent);
        self.agent.line = Some(agent);
        self.relay.connected(agent, Side::Agent, office, now);
        let hello = AgentToRelay::Hello {
            version: VERSION,
            configuration: rehearsal.context.configuration,
        };
        self.agent_says(agent, hello);
        let nameplate = rehearsal.context.nameplate.as_str();
        if let Ok(nameplate) = fernsicht_protocol::wire::Text::new(nameplate) {
            self.agent_says(agent, AgentToRelay::Join { nameplate });
        }
        let share = Blob(rehearsal.message_a.to_vec());
        self.agent_says(agent, AgentToRelay::Share { share });
        let reply = ConsoleToRelay::Reply {
            share: Blob(rehearsal.message_b.to_vec()),
            confirmation: rehearsal.conf_b,
        };
        self.console_says(console, reply);
        let confirm = &rehearsal.confirm;
        let confirm = AgentToRelay::Confirm {
            confirmation: confirm.confirmation,
            agent_key: confirm.agent_key,
            nonce: confirm.nonce,
        };
        self.agent_says(agent, confirm);
        let offer = self.settle_pairing(agent, console);
        let mut paired = rehearsal.agent();
        while let Some(out) = self.console.core.poll_out() {
            let console::Out::Relay(message) = out else {
                continue;
            };
            if let ConsoleToRelay::Peer { packet } = &message {
                // The technician's certificate, which the rehearsal has verified.
                drop(paired.peer.open(&packet.0));
                drop(self.to_agent.open(&packet.0));
            }
            self.console_says(console, message);
        }
        self.settle_pairing(agent, console);
        self.agent.core.attach();
        let at = self.instant();
        self.reference.paired();
        self.agent.core.handle_paired(at, paired, offer);
        self.carry();
    }

    /// What the relay answered meanwhile is what both expect; the offer is kept.
    fn settle_pairing(&mut self, agent: ConnectionId, console: ConnectionId) -> ControlOffer {
        let mut offer = ControlOffer::Unavailable;
        if let Some(line) = self.network.line(agent) {
            for mail in line.down.messages.drain(..) {
                if let Mail::ToAgent(RelayToAgent::Hello { control, .. }) = mail {
                    offer = control;
                }
            }
        }
        if let Some(line) = self.network.line(console) {
            line.down.messages.clear();
        }
        offer
    }

    /// The fake clock.
    pub(super) fn instant(&self) -> Instant {
        self.office.zero + self.now
    }

    pub(super) fn relay_now(&self) -> Now {
        self.office.relay_now(self.now)
    }

    pub(super) fn pages(&self) -> Pages {
        self.agent.core.guard(Pages::of)
    }

    fn agent_says(&mut self, id: ConnectionId, message: AgentToRelay) {
        let now = self.relay_now();
        self.relay.agent_says(id, message, &mut self.network, now);
    }

    fn console_says(&mut self, id: ConnectionId, message: ConsoleToRelay) {
        let now = self.relay_now();
        self.relay.console_says(id, message, &mut self.network, now);
    }

    /// Time stands at `now`: whoever waits for it is told.
    pub(super) fn tell_time(&mut self) {
        let (at, now) = (self.instant(), self.relay_now());
        self.reference.advance(self.now);
        self.agent.core.advance(at);
        self.carry();
        if self
            .console
            .core
            .poll_timeout()
            .is_some_and(|due| due <= at)
        {
            self.console.core.handle_timeout(at);
        }
        if self.agent.core.stirred() && self.now >= self.agent.heads_at {
            self.agent.heads_at = self.now + HEADS_EVERY;
            self.agent.core.send_heads();
        }
        if let AgentState::Finishing { until } = self.agent.state
            && until <= self.now
        {
            self.agent.core.finish();
            self.agent.state = AgentState::Up;
            self.carry();
            self.agent.state = AgentState::Gone;
        }
        self.relay.handle_timeout(&mut self.network, now);
        self.carry();
    }

    /// When somebody has something to do by himself.
    pub(super) fn next_due(&self) -> Option<Duration> {
        let since = |at: Instant| at.saturating_duration_since(self.office.zero);
        let agent = self.agent.core.poll_timeout().map(since);
        let console = self.console.core.poll_timeout().map(since);
        let heads = self.agent.core.stirred().then_some(self.agent.heads_at);
        let relay = self.relay.poll_timeout();
        [agent, console, heads, relay].into_iter().flatten().min()
    }

    /// Carries what everybody says to the network, until nobody says anything.
    pub(super) fn carry(&mut self) {
        let pages = self.pages();
        while let Some(out) = self.agent.core.poll_out() {
            self.carry_from_agent(out, pages);
        }
        for event in self.agent.core.injected() {
            self.counts.injected += 1;
            self.reference
                .injected(&event, pages, self.relay.recorder.as_ref());
        }
        if let Some(line) = self.agent.line {
            self.network.cancel(line, self.agent.core.cancels());
        }
        self.carry_from_console(None);
        self.look_at_relay();
        let (rights, ended) = self
            .agent
            .core
            .guard(|guard| (guard.rights(), guard.ended().cloned()));
        self.reference.check_agent(rights, pages);
        self.reference.check_console(self.console.core.rights());
        if self.agent.card.is_none() {
            self.agent.card = self.agent.core.card();
        }
        if let Some(reason) = ended
            && self.agent.state == AgentState::Up
        {
            if reason == End::Tampered {
                self.reference
                    .fail(|| "the agent calls an honest world tampered with".to_owned());
            }
            self.agent.state = match self.agent.core.recorded() {
                true => AgentState::Finishing {
                    until: self.now + LAST_CHECKPOINT,
                },
                false => AgentState::Gone,
            };
        }
    }

    fn carry_from_agent(&mut self, out: agent::Out, pages: Pages) {
        match &out {
            agent::Out::Message(AgentToRelay::EpochOpen { epoch, recording }) => {
                self.reference.agent_opens(*epoch, recording.is_some());
                self.counts.epochs += 1;
            }
            agent::Out::Message(AgentToRelay::Peer { packet }) => self.listen_to_agent(&packet.0),
            agent::Out::Message(_) | agent::Out::Close => {}
            agent::Out::Record(record) => self.reference.agent_seals(record.header(), pages),
            agent::Out::Single { frame, .. } => self.reference.agent_seals(&frame.header, pages),
        }
        let Some(line) = self.agent.line.and_then(|id| self.network.line(id)) else {
            return;
        };
        match out {
            agent::Out::Message(message) => line.up.messages.push_back(Mail::FromAgent(message)),
            agent::Out::Record(record) => line.up.send_record(record),
            agent::Out::Single {
                frame,
                cancels,
                flight,
            } => line.up.singles.push(Single {
                frame,
                cancels,
                _flight: Some(flight),
            }),
            agent::Out::Close => line.up.messages.push_back(Mail::Close),
        }
    }

    /// The epochs' secrets, for opening what was recorded.
    fn listen_to_agent(&mut self, packet: &[u8]) {
        let Ok(Some(message)) = self.to_console.open(packet) else {
            return;
        };
        if let Ok(AgentToConsole::EpochStart {
            epoch, rid, secret, ..
        }) = AgentToConsole::from_bytes(&message)
        {
            let secret = zeroize::Zeroizing::new(secret);
            self.reference.secrets.insert(epoch, Opened { rid, secret });
            self.beginnings.insert(packet.to_vec(), epoch);
        }
    }

    /// `input`: what the technician's hand has just done.
    pub(super) fn carry_from_console(&mut self, input: Option<&InputEvent>) {
        while let Some(out) = self.console.core.poll_out() {
            let line = self.console.line.and_then(|id| self.network.line(id));
            match out {
                console::Out::Relay(message) => {
                    if let Some(line) = line {
                        line.up.messages.push_back(Mail::FromConsole(message));
                    }
                }
                console::Out::Frame(frame) => {
                    if frame.header.class == Class::Input {
                        // A release may go before the event itself.
                        let number = input.and_then(serial);
                        self.counts.sent += 1;
                        self.reference.console_sends(&frame.header, number);
                    }
                    let line = self.console.line.and_then(|id| self.network.line(id));
                    if let Some(line) = line {
                        line.up.send_record(Record::Frame(frame));
                    }
                }
                console::Out::Picture(update) => {
                    self.counts.drawn += 1;
                    self.console.drawn += 1;
                    let number = update.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
                    self.reference.drawn(number.unwrap_or_default());
                }
                console::Out::Goodbye(reason) => {
                    if reason == End::Tampered {
                        self.reference
                            .fail(|| "the console calls an honest world tampered with".to_owned());
                    }
                    if let Some(line) = line {
                        let end = ConsoleToRelay::End { reason };
                        line.up.messages.push_back(Mail::FromConsole(end));
                        line.up.messages.push_back(Mail::Close);
                    }
                    self.console.line = None;
                }
                console::Out::Close => {
                    if let Some(line) = line {
                        line.up.messages.push_back(Mail::Close);
                    }
                    self.console.line = None;
                }
                console::Out::Fresh | console::Out::Blank => {}
            }
        }
    }

    fn look_at_relay(&mut self) {
        for news in std::mem::take(&mut self.relay.news) {
            match news {
                Passed::Rights(header) => self.reference.relay_passes_rights(&header),
                Passed::Input(header, written) => {
                    self.counts.forwarded += 1;
                    self.reference.relay_passes_input(&header, written);
                }
                Passed::Single(header) => self.reference.relay_passes_single(&header),
                Passed::Suspended => self.reference.relay_suspends(),
                Passed::Opened(_) => {
                    self.reference.relay_suspends();
                    self.reference.relay_narrows(false);
                }
                Passed::Narrowed => self.reference.relay_narrows(true),
            }
        }
    }

    /// Something arrives.
    pub(super) fn arrive(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Message { line, up } => self.arrive_message(line, up),
            Arrival::Record { line, up, class } => self.arrive_record(line, up, class),
            Arrival::Single { line, up, at } => {
                let line = self.network.at(line);
                let (id, way) = (line.id, if up { &mut line.up } else { &mut line.down });
                let frame = way.singles.remove(at).frame;
                match up {
                    true => {
                        let now = self.relay_now();
                        self.relay.handle_single(id, frame, &mut self.network, now);
                    }
                    false => self.console_single(frame),
                }
            }
            Arrival::Gone { line } => {
                let (id, now) = (self.network.at(line).id, self.relay_now());
                self.relay.disconnected(id, &mut self.network, now);
            }
        }
        self.carry();
    }

    fn console_single(&mut self, frame: Frame) {
        if frame.header.class == Class::Beacon {
            self.reference.console_beacon(&frame.header);
        }
        self.console.core.handle_single(frame);
    }

    fn arrive_record(&mut self, line: usize, up: bool, class: usize) {
        let line = self.network.at(line);
        let (id, side) = (line.id, line.side);
        let way = if up { &mut line.up } else { &mut line.down };
        if up && self.relay.waits(id, class) {
            return;
        }
        let Some(record) = way.records[class].pop_front() else {
            return;
        };
        match (up, side) {
            (true, _) => {
                let now = self.relay_now();
                self.relay.handle_record(id, record, &mut self.network, now);
            }
            (false, Side::Agent) => self.agent.core.handle_record(record),
            (false, Side::Console) => {
                if let Record::Frame(frame) = &record
                    && frame.header.class == Class::Rights
                    && frame.header.direction == Direction::AgentToConsole
                {
                    self.reference.console_told(&frame.header);
                }
                self.console.core.handle_record(record);
            }
        }
    }

    fn arrive_message(&mut self, line: usize, up: bool) {
        let line = self.network.at(line);
        let (id, side) = (line.id, line.side);
        let way = if up { &mut line.up } else { &mut line.down };
        let Some(mail) = way.messages.pop_front() else {
            return;
        };
        match mail {
            Mail::FromAgent(message) => self.agent_says(id, message),
            Mail::FromConsole(message) => self.console_says(id, message),
            Mail::ToAgent(message) => self.agent_hears(id, message),
            Mail::ToConsole(message) => self.console_hears(message),
            Mail::Close if up => {
                let now = self.relay_now();
                self.network.client_gone(id);
                self.relay.disconnected(id, &mut self.network, now);
            }
            Mail::Close => self.lose(side),
        }
    }

    /// A client finds its connection broken.
    pub(super) fn lose(&mut self, side: Side) {
        match side {
            Side::Agent => {
                let Some(id) = self.agent.line.take() else {
                    return;
                };
                self.network.client_gone(id);
                match &self.agent.state {
                    AgentState::Up => {
                        let at = self.instant();
                        self.reference.agent_lost();
                        self.agent.core.handle_lost(at);
                        self.agent.state = AgentState::Down { ahead: 0 };
                    }
                    AgentState::Greeting { ahead } | AgentState::Resuming { ahead, .. } => {
                        self.agent.state = AgentState::Down { ahead: *ahead };
                    }
                    AgentState::Finishing { .. } => self.agent.state = AgentState::Gone,
                    AgentState::Down { .. } | AgentState::Gone => {}
                }
            }
            Side::Console => {
                let Some(id) = self.console.line.take() else {
                    return;
                };
                self.network.client_gone(id);
                self.reference.console_lost();
                self.console.core.handle_lost();
            }
        }
        self.carry();
    }

    /// A client tries to come back.
    pub(super) fn reconnect(&mut self, side: Side) {
        let (office, now) = (self.office, self.relay_now());
        match side {
            Side::Agent => {
                let AgentState::Down { ahead } = self.agent.state else {
                    return;
                };
                if self.agent.core.guard(|guard| guard.ended().is_some()) {
                    self.agent.state = AgentState::Gone;
                    return;
                }
                let id = self.network.connect(side);
                self.relay.connected(id, side, office, now);
                self.agent.line = Some(id);
                self.agent.state = AgentState::Greeting { ahead };
                let hello = AgentToRelay::Hello {
                    version: VERSION,
                    configuration: office.rehearsal.context.configuration,
                };
                if let Some(line) = self.network.line(id) {
                    line.up.messages.push_back(Mail::FromAgent(hello));
                }
            }
            Side::Console => {
                if self.console.line.is_some() || !self.console.core.resumable() {
                    return;
                }
                let id = self.network.connect(side);
                self.relay.connected(id, side, office, now);
                self.console.line = Some(id);
                self.console.core.handle_connected();
            }
        }
        self.carry();
    }

    fn agent_hears(&mut self, id: ConnectionId, message: RelayToAgent) {
        let at = self.instant();
        match (&self.agent.state, message) {
            (AgentState::Up, message) => {
                self.note_agent_hears(&message);
                self.agent.core.handle_message(at, message);
            }
            (AgentState::Greeting { ahead }, RelayToAgent::Hello { control, .. }) => {
                let ahead = *ahead;
                let Some((session, token, next_hash)) = self.agent.core.resume(ahead) else {
                    return;
                };
                let resume = AgentToRelay::Resume {
                    session,
                    token,
                    next_hash,
                };
                if let Some(line) = self.network.line(id) {
                    line.up.messages.push_back(Mail::FromAgent(resume));
                }
                self.agent.state = AgentState::Resuming {
                    ahead,
                    offer: control,
                };
            }
            (AgentState::Resuming { ahead, offer }, RelayToAgent::Resumed) => {
                let (ahead, offer) = (*ahead, offer.clone());
                self.counts.resumed += 1;
                self.reference.recorder(offer == ControlOffer::Unavailable);
                self.reference.agent_resumed();
                self.agent.core.attach();
                self.agent.core.handle_resumed(at, offer, ahead);
                self.agent.state = AgentState::Up;
            }
            (
                AgentState::Resuming { ahead, .. },
                RelayToAgent::Refused {
                    reason: Refusal::NotResumable,
                },
            ) => {
                let ahead = *ahead;
                self.drop_agent_line();
                self.agent.state = match ahead {
                    0 => AgentState::Down { ahead: 1 },
                    _ => {
                        self.agent.core.handle_end(at, End::Lost);
                        AgentState::Gone
                    }
                };
            }
            (AgentState::Resuming { .. }, RelayToAgent::Ended { reason }) => {
                self.drop_agent_line();
                self.agent.core.handle_end(at, reason);
                self.agent.state = AgentState::Gone;
            }
            (
                AgentState::Greeting { ahead } | AgentState::Resuming { ahead, .. },
                RelayToAgent::Refused { .. },
            ) => {
                let ahead = *ahead;
                self.drop_agent_line();
                self.agent.state = AgentState::Down { ahead };
            }
            (AgentState::Finishing { .. }, message @ RelayToAgent::Checkpoint { .. }) => {
                self.agent.core.handle_message(at, message);
                self.agent.state = AgentState::Finishing { until: self.now };
            }
            (_, _) => {}
        }
    }

    fn drop_agent_line(&mut self) {
        if let Some(id) = self.agent.line.take() {
            self.network.client_gone(id);
        }
    }

    fn note_agent_hears(&mut self, message: &RelayToAgent) {
        match message {
            RelayToAgent::Peer { packet } => {
                if let Ok(Some(message)) = self.to_agent.open(&packet.0)
                    && let Ok(ConsoleToAgent::EpochAck { epoch, .. }) =
                        ConsoleToAgent::from_bytes(&message)
                {
                    self.reference.console_acknowledged(epoch);
                }
            }
            RelayToAgent::EpochOpened { epoch } => self.reference.relay_opened(*epoch),
            RelayToAgent::Recording {
                epoch, checkpoint, ..
            } => {
                self.reference.covers(checkpoint);
                self.reference.recording_confirmed(*epoch);
            }
            RelayToAgent::Checkpoint { checkpoint } => self.reference.covers(checkpoint),
            RelayToAgent::PeerLost => self.reference.agent_lost(),
            RelayToAgent::Resumed => self.reference.agent_resumed(),
            RelayToAgent::RecorderFailed => {
                self.counts.recorder_failures += 1;
                self.reference.recorder(true);
            }
            RelayToAgent::RecorderBack => self.reference.recorder(false),
            RelayToAgent::Hello { .. }
            | RelayToAgent::Joined { .. }
            | RelayToAgent::Refused { .. }
            | RelayToAgent::Reply { .. }
            | RelayToAgent::Ended { .. } => {}
        }
    }

    fn console_hears(&mut self, message: RelayToConsole) {
        match &message {
            RelayToConsole::Peer { packet } => {
                if let Some(epoch) = self.beginnings.remove(&packet.0) {
                    self.reference.console_epoch(epoch);
                }
            }
            RelayToConsole::PeerLost | RelayToConsole::Resumed | RelayToConsole::Ended { .. } => {
                self.reference.console_lost();
            }
            RelayToConsole::Hello { .. }
            | RelayToConsole::Enrolled { .. }
            | RelayToConsole::Session { .. }
            | RelayToConsole::CodeExpired
            | RelayToConsole::Share { .. }
            | RelayToConsole::Confirm { .. }
            | RelayToConsole::AgentLeft
            | RelayToConsole::RecorderFailed
            | RelayToConsole::RecorderBack
            | RelayToConsole::Maintenance { .. }
            | RelayToConsole::Refused { .. }
            | RelayToConsole::Recording { .. }
            | RelayToConsole::Checkpoint { .. } => {}
        }
        let at = self.instant();
        self.console.core.handle_relay(message, at);
    }
}
