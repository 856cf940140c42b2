//! Moves what the core decides: commands and events in, messages, frames and pictures out.
//!
//! One thread with a small tokio runtime. Every step is: take one thing, tell the core, carry out
//! its outputs, publish the view if it changed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fernsicht_protocol::content::InputEvent;
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::messages::{End, RelayToConsole};
use tokio::sync::mpsc;

use super::budget::Arriving;
use super::core::{Core, Output};
use super::disk::{self, Disk};
use super::link::{self, Connected, Event, Link};
use super::meter::Meter;
use super::painter::{Queue, Report};
use super::retry::Retry;
use super::{Config, MOST_COMMANDS, lock};
use crate::enrol;
use crate::identity::{Identity, Store};
use crate::journal::Journal;
use crate::picture;
use crate::view::{Command, PieceState, Problem, Stage, View};

/// Events of the relay that are handled before a command must have its turn: a relay that
/// never rests must not keep the technician from ending the session.
const MOST_EVENTS_IN_A_ROW: usize = 64;

pub(super) struct Parts {
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) view: Arc<Mutex<View>>,
    pub(super) board: picture::Shared,
}

pub(super) fn first_view(config: &Config) -> View {
    let mut view = View {
        stage: Stage::Enrol {
            busy: false,
            problem: None,
        },
        technician: String::new(),
        relay: String::new(),
        measured: crate::view::Measured::default(),
        dropped: 0,
        past: None,
        expires_days: None,
        log_problem: None,
        maintenance: None,
    };
    if let Some(identity) = &config.identity {
        view.stage = Stage::Ready { problem: None };
        view.technician = identity.technician.clone();
        view.relay = identity.relay.address.clone();
        view.expires_days = expires_days(identity.valid_until, unix_s());
    }
    view
}

pub(super) fn start(config: Config, parts: Parts) -> std::io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (reports, painted) = mpsc::channel(MOST_REPORTS);
    let (disk, written) = Disk::start()?;
    let drawn = config.drawn.clone();
    let arriving = Arriving::default();
    let painter = Queue::start(
        parts.board.clone(),
        arriving.clone(),
        move |report| match report {
            Report::Drawn => drawn(),
            // A report that is on its way already asks for the same.
            Report::Wanted => drop(reports.try_send(report)),
        },
    )?;
    std::thread::Builder::new()
        .name("session".into())
        .spawn(move || {
            let new_session = config.new_session;
            let mut engine = Engine {
                journal: Journal::new(config.store.folder().clone()),
                store: config.store,
                state: match config.identity {
                    Some(identity) => State::enrolled(identity),
                    None => State::Enrolling {
                        busy: None,
                        problem: None,
                    },
                },
                on_code: config.on_code,
                repaint: config.repaint,
                drawn: config.drawn,
                view: parts.view,
                board: parts.board,
                painter,
                arriving,
                disk,
                piece: None,
                link: None,
                connected: None,
                closing: None,
                retry: None,
                meter: Meter::default(),
            };
            if new_session {
                engine.start_session();
            }
            runtime.block_on(engine.run(parts.commands, painted, written));
            runtime.shutdown_timeout(Duration::from_millis(200));
        })
}

/// Reports of the painter; one is enough, see above.
const MOST_REPORTS: usize = 2;

enum State {
    Enrolling {
        busy: Option<tokio::task::JoinHandle<Result<Identity, Problem>>>,
        problem: Option<Problem>,
    },
    Enrolled {
        identity: Arc<Identity>,
        core: Box<Core>,
    },
}

impl State {
    fn enrolled(identity: Identity) -> Self {
        let identity = Arc::new(identity);
        Self::Enrolled {
            core: Box::new(Core::new(identity.clone())),
            identity,
        }
    }
}

struct Engine {
    store: Store,
    journal: Journal,
    state: State,
    on_code: Box<dyn Fn(&str) + Send>,
    repaint: Arc<dyn Fn() + Send + Sync>,
    drawn: Arc<dyn Fn() + Send + Sync>,
    view: Arc<Mutex<View>>,
    board: picture::Shared,
    painter: Queue,
    arriving: Arriving,
    disk: Disk,
    /// When the piece under way began to run, and how much of it was there.
    piece: Option<Instant>,
    link: Option<Link>,
    connected: Option<Box<Connected>>,
    /// The goodbye of the link before.
    closing: Option<tokio::task::JoinHandle<()>>,
    retry: Option<Retry>,
    meter: Meter,
}

impl Engine {
    async fn run(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        mut painted: mpsc::Receiver<Report>,
        mut written: mpsc::Receiver<(disk::Ticket, disk::Done)>,
    ) {
        let mut waiting = VecDeque::new();
        // Events since the last command.
        let mut events = 0;
        loop {
            self.carry_out();
            self.publish();
            if events >= MOST_EVENTS_IN_A_ROW {
                events = 0;
                take_commands(&mut waiting, &mut commands);
                if let Some(command) = waiting.pop_front() {
                    if self.handle_command(command) {
                        break;
                    }
                    continue;
                }
            }
            let timeout = self.poll_timeout();
            tokio::select! {
                biased;
                // The relay first: a revocation must not wait behind input.
                event = next_event(&mut self.link) => {
                    events += 1;
                    self.handle_event(event);
                }
                Some(command) = commands.recv(), if waiting.is_empty() => {
                    waiting.push_back(command);
                    take_commands(&mut waiting, &mut commands);
                }
                Some(Report::Wanted) = painted.recv() => self.with_core(Core::handle_picture_wanted),
                Some((ticket, done)) = written.recv() => {
                    self.with_core(|core| core.handle_disk(ticket, done));
                }
                done = enrolment(&mut self.state) => self.handle_enrolled(done),
                () = sleep_until(timeout) => self.handle_timeout(),
                command = next_waiting(&mut waiting) => {
                    events = 0;
                    if self.handle_command(command) {
                        break;
                    }
                }
            }
        }
        self.carry_out();
        self.publish();
        self.journal.finish();
        self.painter.end();
        self.close(None);
        if let Some(closing) = self.closing {
            // Nothing is left to do if the goodbye failed.
            drop(closing.await);
        }
    }

    /// True if this was the last command.
    fn handle_command(&mut self, command: Command) -> bool {
        match command {
            Command::Enrol { token } => self.enrol(token),
            Command::NewSession => self.start_session(),
            Command::End | Command::Dismiss => self.with_core(Core::end),
            Command::Case(case) => self.with_core(|core| core.handle_case(&case)),
            Command::Note(note) => self.journal.handle_note(&note),
            Command::Point { x, y, press } => {
                let room = self
                    .connected
                    .as_ref()
                    .map_or(0, |c| c.room(Class::Notices));
                self.with_core(|core| core.handle_point((x, y), press, room));
            }
            Command::Write(text) => {
                let unix_s = unix_s();
                self.with_core(|core| {
                    core.handle_clock(unix_s);
                    core.handle_write(&text);
                });
            }
            Command::Piece(wish) => self.with_core(|core| core.handle_wish(wish)),
            Command::Input(event) => {
                let room = self.connected.as_ref().map_or(0, |c| c.room(Class::Input));
                self.with_core(|core| core.handle_input(event, room));
            }
            Command::Drawn { mark, received } => {
                self.meter.drawn(received);
                let held = mark.arrived.map_or(Duration::ZERO, |at| at.elapsed());
                self.with_core(|core| core.handle_drawn(mark, held));
            }
            Command::Measure(on) => self.meter.switch(on),
            Command::Quit => {
                self.with_core(Core::end);
                return true;
            }
        }
        false
    }

    fn handle_event(&mut self, event: Event) {
        let now = Instant::now();
        match event {
            Event::Connected(connected) => {
                self.connected = Some(connected);
                if let Some(retry) = &mut self.retry {
                    retry.handle_connected(now);
                }
                self.with_core(Core::handle_connected);
            }
            Event::Message(message) => {
                if matches!(message, RelayToConsole::Resumed) {
                    self.retry = None;
                }
                let unix_s = unix_s();
                self.with_core(|core| {
                    core.handle_clock(unix_s);
                    core.handle_relay(message, now);
                });
            }
            Event::Record(record) => {
                self.meter.received(record.header().length as usize);
                let unix_s = unix_s();
                self.with_core(|core| {
                    core.handle_clock(unix_s);
                    core.handle_heard(now);
                    core.handle_record(record);
                });
            }
            Event::Single {
                frame,
                received,
                share: _share,
            } => {
                self.meter.received(frame.ciphertext.len());
                self.meter.arrived = received;
                self.with_core(|core| {
                    core.handle_heard(now);
                    core.handle_single(frame);
                });
            }
            Event::Failed(problem) => self.handle_lost(problem),
            Event::Lost(detail) => self.handle_lost(Problem::Link(detail)),
            Event::Malformed(detail) => {
                tracing::warn!(detail, "the relay's bytes cannot be read");
                self.handle_lost(Problem::RelayAnswer(detail));
            }
        }
    }

    /// The link is gone. A paired session comes back, everything else begins anew.
    fn handle_lost(&mut self, problem: Problem) {
        tracing::info!(%problem, "link lost");
        self.link = None;
        self.connected = None;
        let now = Instant::now();
        let resumable = matches!(&self.state, State::Enrolled { core, .. } if core.resumable());
        self.retry = Retry::next(self.retry.as_ref(), now).filter(|_| resumable);
        match self.retry {
            Some(_) => self.with_core(Core::handle_lost),
            None => self.with_core(|core| core.handle_failed(problem)),
        }
    }

    fn handle_timeout(&mut self) {
        let now = Instant::now();
        if self.retry.as_ref().is_some_and(|r| r.unanswered(now)) {
            self.handle_lost(Problem::Link("the relay does not answer".into()));
        }
        self.with_core(|core| core.handle_timeout(now));
        let rtt = self.connected.as_ref().and_then(|c| c.rtt());
        let transport = self.connected.as_ref().map(|c| c.transport());
        let picture = {
            let board = self.board.lock();
            let size = board.pixels().map(|p| (p.width.into(), p.height.into()));
            (size, board.complete())
        };
        self.meter.handle_timeout(now, (rtt, transport), picture);
    }

    fn handle_enrolled(&mut self, result: Result<Identity, Problem>) {
        match result {
            Ok(identity) => self.state = State::enrolled(identity),
            Err(problem) => {
                self.state = State::Enrolling {
                    busy: None,
                    problem: Some(problem),
                }
            }
        }
    }

    fn enrol(&mut self, token: String) {
        if let State::Enrolling {
            busy: busy @ None,
            problem,
        } = &mut self.state
        {
            let store = self.store.clone();
            *problem = None;
            *busy = Some(tokio::spawn(
                async move { enrol::enrol(&store, &token).await },
            ));
        }
    }

    fn start_session(&mut self) {
        self.with_core(Core::start);
    }

    fn with_core(&mut self, act: impl FnOnce(&mut Core)) {
        if let State::Enrolled { core, .. } = &mut self.state {
            act(core);
        }
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.poll_output() {
            let sent = match output {
                Output::Relay(message) => match &mut self.connected {
                    Some(connected) => connected.say(message),
                    None => Ok(()),
                },
                Output::Frame(frame) => match &mut self.connected {
                    Some(connected) => connected.send(frame),
                    None => Ok(()),
                },
                Output::Code(code) => {
                    (self.on_code)(&code);
                    Ok(())
                }
                Output::Fresh | Output::Blank => {
                    let sight = self.board.lock().clear();
                    self.begin_sight(sight);
                    Ok(())
                }
                Output::Forget => {
                    let sight = self.board.lock().forget();
                    self.begin_sight(sight);
                    Ok(())
                }
                Output::Picture(content) => {
                    self.painter.push(content, self.meter.arrived);
                    Ok(())
                }
                Output::Pointer(pointer) => {
                    if self.board.lock().handle_pointer(pointer) {
                        (self.drawn)();
                    }
                    Ok(())
                }
                Output::Disk(job) => {
                    let ticket = job.ticket;
                    if let Err(reason) = self.disk.push(job) {
                        let done = disk::Done::Failed(reason);
                        self.with_core(|core| core.handle_disk(ticket, done));
                    }
                    Ok(())
                }
                Output::Goodbye(reason) => {
                    self.close(Some(reason));
                    Ok(())
                }
                Output::Close => {
                    self.close(None);
                    Ok(())
                }
            };
            if let Err(detail) = sent {
                self.handle_lost(Problem::Link(detail));
            }
        }
        self.open_link();
    }

    fn begin_sight(&mut self, sight: u64) {
        self.painter.reset(sight);
        (self.drawn)();
        (self.repaint)();
    }

    fn poll_output(&mut self) -> Option<Output> {
        match &mut self.state {
            State::Enrolled { core, .. } => core.poll_output(),
            State::Enrolling { .. } => None,
        }
    }

    fn open_link(&mut self) {
        let State::Enrolled { identity, core } = &self.state else {
            return;
        };
        let due = self
            .retry
            .as_ref()
            .is_none_or(|retry| retry.due(Instant::now()));
        if self.link.is_none() && core.wants_link() && due {
            self.link = Some(Link::open(
                identity.relay.clone(),
                link::tls_identity(identity),
                self.arriving.clone(),
            ));
        }
    }

    fn close(&mut self, reason: Option<End>) {
        let link = self.link.take();
        self.retry = None;
        if let Some(connected) = self.connected.take() {
            self.closing = Some(tokio::spawn(async move {
                connected.close(reason).await;
                // Let go of before, it would refuse what the relay says, which ends the connection ahead of the goodbye.
                drop(link);
            }));
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let core = match &self.state {
            State::Enrolled { core, .. } => core.poll_timeout(),
            State::Enrolling { .. } => None,
        };
        let retry = self
            .retry
            .as_ref()
            .and_then(|retry| retry.poll_timeout(self.link.is_some()));
        [core, retry, self.meter.poll_timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    fn publish(&mut self) {
        let now = unix_s();
        let (mut stage, technician, relay, dropped, valid_until) = match &self.state {
            State::Enrolling { busy, problem } => {
                let stage = Stage::Enrol {
                    busy: busy.is_some(),
                    problem: problem.clone(),
                };
                (stage, String::new(), String::new(), 0, u64::MAX)
            }
            State::Enrolled { identity, core } => (
                core.stage(),
                identity.technician.clone(),
                identity.relay.address.clone(),
                core.dropped(),
                identity.valid_until,
            ),
        };
        let maintenance = match &self.state {
            State::Enrolling { .. } => None,
            State::Enrolled { core, .. } => core.maintenance(),
        };
        let case = match &self.state {
            State::Enrolling { .. } => "",
            State::Enrolled { core, .. } => core.case(),
        };
        self.journal.handle_stage(&stage, case, Instant::now(), now);
        self.note_speed(&mut stage);
        let view = View {
            stage,
            technician,
            relay,
            measured: self.meter.measured(),
            dropped,
            past: self.journal.past(),
            expires_days: expires_days(valid_until, now),
            log_problem: self.journal.problem(),
            maintenance,
        };
        let mut shown = lock(&self.view);
        if *shown != view {
            *shown = view;
            drop(shown);
            (self.repaint)();
        }
    }
}

impl Engine {
    /// How fast the piece under way has been so far.
    fn note_speed(&mut self, stage: &mut Stage) {
        let Stage::Session(session) = stage else {
            self.piece = None;
            return;
        };
        let Some(piece) = session.piece.as_mut() else {
            self.piece = None;
            return;
        };
        let PieceState::Running { percent } = piece.state else {
            self.piece = None;
            return;
        };
        let since = self.piece.get_or_insert_with(Instant::now).elapsed();
        // Per percent, not per glance: a view that differs is drawn.
        let done = piece.size as f64 * f64::from(percent) / 100.0;
        let before = match &lock(&self.view).stage {
            Stage::Session(session) => session.piece.clone(),
            Stage::Enrol { .. }
            | Stage::Ready { .. }
            | Stage::Connecting
            | Stage::Code(_)
            | Stage::CodeOver { .. }
            | Stage::Deciding { .. }
            | Stage::Ended { .. } => None,
        };
        piece.speed = match before {
            Some(before) if before.state == piece.state => before.speed,
            Some(_) | None if percent > 0 && since.as_secs_f64() > 0.0 => {
                Some(done / since.as_secs_f64())
            }
            Some(_) | None => None,
        };
    }
}

/// In how many days a certificate expires, if the technician should ask for a new one.
fn expires_days(valid_until: u64, now: u64) -> Option<u16> {
    let days = valid_until.saturating_sub(now) / (24 * 60 * 60);
    u16::try_from(days)
        .ok()
        .filter(|days| *days <= EXPIRES_SOON_DAYS)
}

/// From when on the technician is told.
const EXPIRES_SOON_DAYS: u16 = 14;

/// Of moves that wait one behind the other only the newest counts.
fn push_newest(waiting: &mut VecDeque<Command>, command: Command) {
    if let (
        Some(Command::Input(last @ InputEvent::Move { .. })),
        Command::Input(new @ InputEvent::Move { .. }),
    ) = (waiting.back_mut(), &command)
    {
        *last = new.clone();
    } else {
        waiting.push_back(command);
    }
}

/// Takes what has come meanwhile.
fn take_commands(waiting: &mut VecDeque<Command>, commands: &mut mpsc::Receiver<Command>) {
    while waiting.len() < MOST_COMMANDS
        && let Ok(command) = commands.try_recv()
    {
        push_newest(waiting, command);
    }
}

/// The next command, after everything else of this thread has had its turn.
async fn next_waiting(waiting: &mut VecDeque<Command>) -> Command {
    tokio::task::yield_now().await;
    match waiting.pop_front() {
        Some(command) => command,
        None => std::future::pending().await,
    }
}

async fn next_event(link: &mut Option<Link>) -> Event {
    match link {
        Some(link) => link.next().await,
        None => std::future::pending().await,
    }
}

async fn enrolment(state: &mut State) -> Result<Identity, Problem> {
    match state {
        State::Enrolling {
            busy: Some(task), ..
        } => task
            .await
            .unwrap_or_else(|e| Err(Problem::Internal(e.to_string()))),
        State::Enrolling { busy: None, .. } | State::Enrolled { .. } => {
            std::future::pending().await
        }
    }
}

fn unix_s() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_of_adjacent_moves_is_sent() {
        let at = |x| Command::Input(InputEvent::Move { x, y: 0 });
        let mut waiting = VecDeque::new();
        for command in [
            at(1),
            at(2),
            Command::Input(InputEvent::ReleaseAll),
            at(3),
            at(4),
        ] {
            push_newest(&mut waiting, command);
        }
        assert_eq!(
            waiting,
            [at(2), Command::Input(InputEvent::ReleaseAll), at(4)]
        );
    }
}
