//! The relay: the real router, and around it what the hub and the forwarding tasks do.
//!
//! In-order frames are judged and handed to the recorder in one step. Input waits until the recorder has
//! written it; its stream stands still meanwhile. Frames with a stream of their own are judged, held or
//! forwarded, and recorded once they were forwarded whole.

use std::time::Duration;

use fernsicht_protocol::crypto::hash;
use fernsicht_protocol::frame::{Class, Frame, Header};
use fernsicht_protocol::fuzzing::Dice;
use fernsicht_protocol::messages::{
    AgentToRelay, ConsoleToRelay, RelayToAgent, RelayToConsole, SessionId,
};
use fernsicht_protocol::router::{
    ConnectionId, Cut, Now, Offer, Output, Router, Side, Ticket, Verdict,
};
use fernsicht_protocol::unit::Record;

use super::network::{Mail, Network, Single};
use super::office::Office;
use super::recorder::{Disk, Item, Recorder, Told, place};

/// A frame of classes 6 to 9 inside the relay.
pub(super) struct Passing {
    from: ConnectionId,
    /// None while it is held.
    to: Option<ConnectionId>,
    recording: bool,
    frame: Frame,
}

/// Input that waits for the recorder.
struct Asked {
    from: ConnectionId,
    ticket: Ticket,
    frame: Frame,
}

/// What the reference looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passed {
    /// A rights frame went on to the console.
    Rights(Header),
    /// Input went on to the agent, in full.
    Input(Header, bool),
    /// A frame of classes 6 to 9 was let through.
    Single(Header),
    /// An epoch's locks were set.
    Opened(u32),
    /// Everything was closed: a side is lost, or the recorder has failed.
    Suspended,
    /// No control until the next epoch.
    Narrowed,
}

/// The relay.
pub(super) struct Relay {
    pub(super) router: Router,
    pub(super) recorder: Option<Recorder>,
    pub(super) disk: Disk,
    /// Checkpoints are not told to the agent.
    pub(super) withholds: bool,
    passing: Vec<Passing>,
    asked: Option<Asked>,
    session: SessionId,
    /// An input frame that was asked about will not be recorded.
    unrecorded: bool,
    dice: Dice,
    /// What happened since the last look.
    pub(super) news: Vec<Passed>,
    /// The end of the session was taken up.
    ending: bool,
    /// The connections of the session's two sides.
    seats: [Option<ConnectionId>; 2],
}

impl Relay {
    pub(super) fn new(office: &Office) -> Self {
        Self {
            router: office.router(),
            recorder: None,
            disk: Disk::Working,
            withholds: false,
            passing: Vec::new(),
            asked: None,
            session: office.rehearsal.context.session,
            unrecorded: false,
            dice: Office::relay_dice(),
            news: Vec::new(),
            ending: false,
            seats: [None; 2],
        }
    }

    /// What an agent's hello is answered with.
    pub(super) fn offer(&self) -> Offer {
        let failing = self.recorder.as_ref().is_some_and(Recorder::failing);
        match self.disk == Disk::Working && !failing {
            true => Offer::Recorded,
            false => Offer::Unavailable,
        }
    }

    /// A client has connected.
    pub(super) fn connected(&mut self, id: ConnectionId, side: Side, office: &Office, now: Now) {
        let address = std::net::Ipv4Addr::LOCALHOST.into();
        self.seats[side as usize].get_or_insert(id);
        match side {
            Side::Agent => {
                let offer = self.offer();
                self.router.handle_agent_connected(id, offer, address, now);
            }
            Side::Console => {
                let technician = Some(office.technician.clone());
                self.router
                    .handle_console_connected(id, technician, address, now);
            }
        }
    }

    /// A connection is gone.
    pub(super) fn disconnected(&mut self, id: ConnectionId, network: &mut Network, now: Now) {
        self.passing.retain(|passing| passing.from != id);
        self.router.handle_disconnected(id, now);
        if self.seats.contains(&Some(id)) {
            self.news.push(Passed::Suspended);
        }
        network.relay_gone(id);
        self.dispatch(network, now);
    }

    pub(super) fn agent_says(
        &mut self,
        id: ConnectionId,
        message: AgentToRelay,
        network: &mut Network,
        now: Now,
    ) {
        let mut opens = None;
        if let AgentToRelay::EpochOpen {
            epoch,
            recording: None,
        } = &message
        {
            opens = Some(*epoch);
        }
        if matches!(message, AgentToRelay::EpochOpen { .. }) {
            self.news.push(Passed::Suspended);
        }
        self.router.handle_agent(id, message, now, &mut self.dice);
        self.news.extend(opens.map(Passed::Opened));
        self.dispatch(network, now);
    }

    pub(super) fn console_says(
        &mut self,
        id: ConnectionId,
        message: ConsoleToRelay,
        network: &mut Network,
        now: Now,
    ) {
        self.router.handle_console(id, message, now, &mut self.dice);
        self.dispatch(network, now);
    }

    /// True if the stream of this class stands still.
    pub(super) fn waits(&self, id: ConnectionId, class: usize) -> bool {
        class == Class::Input as usize && self.asked.as_ref().is_some_and(|asked| asked.from == id)
    }

    /// A record has come.
    pub(super) fn handle_record(
        &mut self,
        id: ConnectionId,
        record: Record,
        network: &mut Network,
        now: Now,
    ) {
        let Record::Frame(frame) = record else {
            return;
        };
        let header = frame.header;
        let verdict = self.router.handle_frame_header(id, &header, now);
        let time = now.since_start;
        match verdict {
            Verdict::Forward { recording, .. } => {
                self.record(recording, Item::Frame(frame.clone()), false, time);
            }
            Verdict::Tombstone { recording, .. } | Verdict::Discard { recording } => {
                self.record(recording, Item::Withheld(frame.clone()), false, time);
            }
            Verdict::Record { recording, ticket } => {
                self.asked = Some(Asked {
                    from: id,
                    ticket,
                    frame: frame.clone(),
                });
                self.record(Some(recording), Item::Frame(frame), true, time);
                return self.dispatch(network, now);
            }
            Verdict::Hold | Verdict::Refuse | Verdict::Tampered => {}
        }
        self.go_on(frame, verdict, network);
        self.dispatch(network, now);
    }

    fn go_on(&mut self, frame: Frame, verdict: Verdict, network: &mut Network) {
        let header = frame.header;
        let (to, record) = match verdict {
            Verdict::Forward { to, .. } => {
                match header.class {
                    Class::Rights => self.news.push(Passed::Rights(header)),
                    Class::Input => {
                        let recorder = self.recorder.as_ref();
                        let written = recorder.is_some_and(|r| r.written.contains(&place(&header)));
                        self.news.push(Passed::Input(header, written));
                    }
                    Class::Acks
                    | Class::Heads
                    | Class::Notices
                    | Class::Transfer
                    | Class::Beacon
                    | Class::Pointer
                    | Class::Picture
                    | Class::Refinement => {}
                }
                (to, Record::Frame(frame))
            }
            Verdict::Tombstone { to, .. } => {
                let hash = hash(&frame.ciphertext);
                (to, Record::Tombstone { header, hash })
            }
            Verdict::Discard { .. }
            | Verdict::Record { .. }
            | Verdict::Hold
            | Verdict::Refuse
            | Verdict::Tampered => return,
        };
        if let Some(line) = network.line(to).filter(|line| line.client) {
            line.down.send_record(record);
        }
    }

    /// A frame with a stream of its own has come.
    pub(super) fn handle_single(
        &mut self,
        id: ConnectionId,
        frame: Frame,
        network: &mut Network,
        now: Now,
    ) {
        self.judge(id, frame, now);
        self.dispatch(network, now);
    }

    fn judge(&mut self, from: ConnectionId, frame: Frame, now: Now) {
        let header = frame.header;
        match self.router.handle_frame_header(from, &header, now) {
            Verdict::Forward { to, recording } => {
                self.news.push(Passed::Single(header));
                self.passing.push(Passing {
                    from,
                    to: Some(to),
                    recording: recording.is_some(),
                    frame,
                });
            }
            Verdict::Hold => self.passing.push(Passing {
                from,
                to: None,
                recording: false,
                frame,
            }),
            Verdict::Refuse
            | Verdict::Discard { .. }
            | Verdict::Tampered
            | Verdict::Tombstone { .. }
            | Verdict::Record { .. } => {}
        }
    }

    /// How many frames are being forwarded.
    pub(super) fn forwarding(&self) -> usize {
        self.passing.iter().filter(|p| p.to.is_some()).count()
    }

    /// One of them has been sent on whole.
    pub(super) fn forwarded(&mut self, at: usize, network: &mut Network, now: Now) {
        let mut going = self
            .passing
            .iter()
            .enumerate()
            .filter(|(_, p)| p.to.is_some());
        let Some((at, _)) = going.nth(at) else { return };
        let Passing {
            to,
            recording,
            frame,
            ..
        } = self.passing.remove(at);
        if recording {
            self.gather(Item::Frame(frame.clone()), now.since_start);
        }
        if let Some(line) = to
            .and_then(|to| network.line(to))
            .filter(|line| line.client)
        {
            line.down.singles.push(Single {
                frame,
                cancels: 0,
                _flight: None,
            });
        }
        self.dispatch(network, now);
    }

    /// The recording thread has its turn.
    pub(super) fn work(&mut self, office: &Office, network: &mut Network, now: Now) {
        let mut told = Vec::new();
        if let Some(recorder) = &mut self.recorder {
            recorder.work(now.since_start, office, self.disk, &mut told);
        }
        self.report(told, network, now);
    }

    /// Time has passed.
    pub(super) fn handle_timeout(&mut self, network: &mut Network, now: Now) {
        let mut told = Vec::new();
        if let Some(recorder) = &mut self.recorder {
            recorder.watch(now.since_start, &mut told);
        }
        self.report(told, network, now);
        self.router.handle_timeout(now);
        self.dispatch(network, now);
    }

    /// When the relay has something to do by itself.
    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        let recorder = self.recorder.as_ref().and_then(Recorder::due);
        self.router.poll_timeout().into_iter().chain(recorder).min()
    }

    /// True if the recording thread would do something now.
    pub(super) fn thread_busy(&self, now: Duration) -> bool {
        let recorder = self.recorder.as_ref();
        recorder.is_some_and(|recorder| recorder.busy(now, self.disk))
    }

    fn report(&mut self, told: Vec<Told>, network: &mut Network, now: Now) {
        for told in told {
            let session = self.session;
            match told {
                Told::Ready {
                    epoch,
                    chain,
                    first,
                } => {
                    self.router
                        .handle_recording_ready(session, epoch, chain, first, now);
                    self.news.push(Passed::Opened(epoch));
                }
                Told::Checkpoint(checkpoint) => self.router.handle_checkpoint(session, checkpoint),
                Told::Taken(taken) => self.taken(taken, network),
                Told::Failed => self.fail(session),
                Told::Back => self.router.handle_recorder_back(session),
                Told::Finished(last) => {
                    self.router.handle_recording_finished(session, last, now);
                }
            }
            self.dispatch(network, now);
        }
    }

    fn taken(&mut self, taken: bool, network: &mut Network) {
        let Some(Asked {
            from,
            ticket,
            frame,
        }) = self.asked.take()
        else {
            return;
        };
        let verdict = match taken {
            true => self.router.handle_recorded(from, ticket),
            false => {
                self.news.push(Passed::Narrowed);
                self.router.handle_unrecorded(from, ticket)
            }
        };
        self.go_on(frame, verdict, network);
    }

    /// Hands an in-order frame to the recorder, in the step in which it was judged.
    fn record(&mut self, session: Option<SessionId>, item: Item, asked: bool, now: Duration) {
        let Some(session) = session else { return };
        let taken = match &mut self.recorder {
            Some(recorder) if !self.ending => recorder.push(now, item, asked),
            Some(_) | None => false,
        };
        if !taken {
            self.fail(session);
            self.unrecorded |= asked;
        }
    }

    /// Hands over what was gathered beside the forwarding.
    fn gather(&mut self, item: Item, now: Duration) {
        let taken = self.recorder.as_mut().map(|r| r.push(now, item, false));
        if taken == Some(false) {
            self.fail(self.session);
        }
    }

    fn fail(&mut self, session: SessionId) {
        let mut told = Vec::new();
        if let Some(recorder) = &mut self.recorder {
            recorder.fail(&mut told);
        }
        self.unrecorded |= told.iter().any(|told| matches!(told, Told::Taken(false)));
        self.news.push(Passed::Narrowed);
        self.router.handle_recorder_failed(session);
    }

    fn dispatch(&mut self, network: &mut Network, now: Now) {
        loop {
            while let Some(output) = self.router.poll_output() {
                self.carry_out(output, network, now);
            }
            if !std::mem::take(&mut self.unrecorded) {
                return;
            }
            self.taken(false, network);
        }
    }

    fn carry_out(&mut self, output: Output, network: &mut Network, now: Now) {
        match output {
            Output::ToAgent {
                connection,
                message,
            } => {
                if message == RelayToAgent::Resumed {
                    self.seated(Side::Agent, connection);
                }
                let withheld = self.withholds && matches!(message, RelayToAgent::Checkpoint { .. });
                if !withheld {
                    send(network, connection, Mail::ToAgent(message));
                }
            }
            Output::ToConsole {
                connection,
                message,
            } => {
                if message == RelayToConsole::Resumed {
                    self.seated(Side::Console, connection);
                }
                send(network, connection, Mail::ToConsole(message));
            }
            Output::Close { connection } => {
                self.passing.retain(|passing| passing.from != connection);
                network.relay_gone(connection);
                self.router.handle_disconnected(connection, now);
            }
            Output::Rejudge { connection } => self.rejudge(connection, now),
            Output::CutStreams { connection, cut } => self.cut(connection, cut, network, now),
            Output::StartRecording(opening) => {
                let session = opening.session;
                self.recorder.get_or_insert_with(Recorder::new);
                self.record(Some(session), Item::Open(opening), false, now.since_start);
            }
            Output::RecordSignature {
                session,
                epoch,
                signature,
            } => {
                let item = Item::Signature { epoch, signature };
                self.record(Some(session), item, false, now.since_start);
            }
            Output::FinishRecording { reason, .. } => {
                self.ending = true;
                let mut told = Vec::new();
                if let Some(recorder) = &mut self.recorder {
                    recorder.finish(reason, &mut told);
                }
                self.unrecorded |= told.iter().any(|told| matches!(told, Told::Taken(false)));
            }
            Output::Seated { .. }
            | Output::ReceiptDone { .. }
            | Output::Enrol { .. }
            | Output::Event(_) => {}
        }
    }

    /// A side is back, with this connection: everything is closed until the next epoch.
    fn seated(&mut self, side: Side, id: ConnectionId) {
        self.seats[side as usize] = Some(id);
        self.news.push(Passed::Suspended);
    }

    /// Held frames are asked about again.
    fn rejudge(&mut self, agent: ConnectionId, now: Now) {
        let all = std::mem::take(&mut self.passing);
        for passing in all {
            match passing.to.is_none() && passing.from == agent {
                true => self.judge(agent, passing.frame, now),
                false => self.passing.push(passing),
            }
        }
    }

    fn cut(&mut self, agent: ConnectionId, cut: Cut, network: &mut Network, now: Now) {
        let cuts = |class: Class| match cut {
            Cut::Nothing => false,
            Cut::Beacons => !class.shows_screen(),
            Cut::Everything => true,
        };
        let all = std::mem::take(&mut self.passing);
        for passing in all {
            match passing.to {
                Some(to) if passing.from == agent && cuts(passing.frame.header.class) => {
                    network.cut(to, cuts);
                    if passing.recording {
                        self.gather(Item::Dropped(passing.frame), now.since_start);
                    }
                }
                Some(_) | None => self.passing.push(passing),
            }
        }
        if let Some(console) = network.newest(Side::Console) {
            network.cut(console, cuts);
        }
        self.rejudge(agent, now);
    }
}

fn send(network: &mut Network, to: ConnectionId, mail: Mail) {
    if let Some(line) = network.line(to).filter(|line| line.client) {
        line.down.messages.push_back(mail);
    }
}
