//! The driver: the session's story from a typed code to its end.
//!
//! ```text
//! idle ─Connect─► pairing ─► paired: messages, commands, timers ─► ended ─Restart─► idle
//!                    │              │      ▲
//!                    ▼              ▼      │ resumed
//!                 failed         reconnecting ─► ended
//! ```
//!
//! One async task. Every outside event becomes one call of the guard; what follows from it
//! happens in [`Shared::settle`].

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fernsicht_protocol::attached::Configuration;
use fernsicht_protocol::code::SessionCode;
use fernsicht_protocol::guard::{Fault, Phase};
use fernsicht_protocol::messages::End;
use tokio::sync::mpsc;

use super::core::{Before, Core, OUTGOING, Shared};
use super::eyes::Bar;
use super::pairing::{self, Line};
use super::reconnect::Connected;
use super::recording::Recording;
use super::{injector, pictures, pieces, pointer, pointing, screens};
use crate::platform::elevate::Restart;
use crate::platform::overlay::Numbers;
use crate::platform::own::Desk;
use crate::platform::{self, Inject, OwnWindows, Screen, Waker};
use crate::view::{Command, Problem, ScreenChoice};

/// How long it is said that only a person can answer, after it was last seen: longer than from one look to the next.
const PROTECTED_FOR: Duration = Duration::from_secs(5);

/// How often this end's heads are sent while others than heads change.
const HEADS_EVERY: Duration = Duration::from_secs(5);

/// How often the window is looked after while the technician controls.
const WINDOW_EVERY: Duration = Duration::from_secs(2);

/// How often it is while he only looks, perhaps for hours: each look costs the customer's computer some questions to the server.
const WINDOW_AT_REST: Duration = Duration::from_secs(5);

/// How long the window may take to come to another screen when its own is gone.
const MOVING: Duration = Duration::from_secs(1);

/// Drives sessions, one after the other.
pub(super) struct Driver {
    pub(super) configuration: Arc<Configuration>,
    pub(super) shared: Arc<Shared>,
    pub(super) inbox: mpsc::Receiver<Command>,
    own: OwnWindows,
    bar: Bar,
    /// The codes whose one share has been sent.
    spent: Vec<SessionCode>,
    /// The numbers on the screens, while the customer chooses one.
    numbers: Option<(Vec<Screen>, Numbers)>,
    /// Ends the thread that follows the screens.
    closing: Option<Waker>,
    /// The receipt of a recording about to begin is being written.
    pub(super) writing: bool,
    /// This program anew, where it could have more rights than it has.
    pub(super) restart: Option<Arc<Restart>>,
    /// The number of the pages' window.
    pub(super) window: Option<u32>,
}

/// Whose doing it is if this command ends the session: the customer closes the window with a word of it; without one
/// the window was destroyed.
pub(super) fn ended_by(command: Option<&Command>) -> End {
    match command {
        Some(_) => End::Customer,
        None => End::Fault,
    }
}

/// How a stage of the story ended.
enum Next {
    /// Another code may be typed.
    Idle,
    /// The program ends.
    Closed,
}

impl Driver {
    pub(super) fn new(
        configuration: Arc<Configuration>,
        shared: Arc<Shared>,
        inbox: mpsc::Receiver<Command>,
        own: OwnWindows,
        window: Option<u32>,
    ) -> Self {
        let bar = Bar::new(window, own.clone());
        let restart = Restart::open().map(Arc::new);
        shared.lock().elevation.possible = restart.is_some();
        Self {
            configuration,
            shared,
            inbox,
            own,
            bar,
            spent: Vec::new(),
            numbers: None,
            closing: Waker::new().ok(),
            writing: false,
            restart,
            window,
        }
    }

    /// Runs until the program ends.
    pub(super) fn run(mut self) {
        let hands = self.spawn_hands();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        match runtime {
            Ok(runtime) => runtime.block_on(self.drive()),
            Err(_) => self
                .shared
                .change(|core| core.stage = Before::Failed(Problem::Internal)),
        }
        self.shared.change(|core| {
            core.closing = true;
            core.guard.handle_end(Instant::now(), End::Customer);
        });
        if let Some(closing) = &self.closing {
            closing.wake();
        }
        for hand in hands {
            // A thread that panicked has released what it held with its connection.
            hand.join().ok();
        }
    }

    /// The threads that see and steer. Without an injector control is never offered.
    fn spawn_hands(&self) -> Vec<std::thread::JoinHandle<()>> {
        let mut hands = Vec::new();
        let mut spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
            hands.extend(thread.ok());
        };
        let (shared, own) = (self.shared.clone(), self.own.clone());
        spawn("pictures", Box::new(move || pictures::run(&shared, &own)));
        let shared = self.shared.clone();
        spawn("pointer", Box::new(move || pointer::run(&shared)));
        let shared = self.shared.clone();
        spawn("pieces", Box::new(move || pieces::run(&shared)));
        if let Ok(desk) = Desk::open(None, self.own.clone()) {
            let shared = self.shared.clone();
            spawn("pointing", Box::new(move || pointing::run(&shared, &desk)));
        }
        if let Some(waker) = self.closing.clone() {
            let shared = self.shared.clone();
            spawn("screens", Box::new(move || screens::run(&shared, &waker)));
        }
        if let (Ok(inject), Ok(desk)) = (Inject::open(None), Desk::open(None, self.own.clone())) {
            let shared = self.shared.clone();
            *shared.hands() = Some(Box::new(inject));
            shared.lock().input_possible = true;
            spawn("injector", Box::new(move || injector::run(&shared, &desk)));
        }
        hands
    }

    async fn drive(&mut self) {
        self.look_for_interrupted();
        loop {
            let code = loop {
                match self.inbox.recv().await {
                    Some(Command::Connect { code, aid: _ }) => break code,
                    Some(Command::Restart) => self.shared.change(|core| core.reset(Before::Idle)),
                    Some(Command::SaveReceipt(folder)) => self.save_elsewhere(folder),
                    Some(Command::PrintReceipt) => self.print(),
                    Some(Command::Close) | None => return,
                    Some(_) => {}
                }
            };
            let next = self.session(&code).await;
            self.numbers = None;
            if matches!(next, Next::Closed) {
                return;
            }
        }
    }

    /// One code: pair, then run the session to its end.
    async fn session(&mut self, code: &SessionCode) -> Next {
        if self.spent.contains(code) {
            // One share per typed code (SPEC "Code"): nothing is sent.
            self.shared
                .change(|core| core.reset(Before::Failed(Problem::CodeUsed)));
            return Next::Idle;
        }
        self.shared.change(|core| core.reset(Before::Connecting));
        let configuration = self.configuration.clone();
        let spent = Cell::new(false);
        let pairing = async {
            let mut line = pairing::connect(&configuration).await?;
            let paired = pairing::pair(&mut line, &configuration, code, &spent).await?;
            Ok::<_, Problem>((line, paired))
        };
        tokio::pin!(pairing);
        let outcome = loop {
            tokio::select! {
                outcome = &mut pairing => break outcome.map_err(Some),
                command = self.inbox.recv() => match command {
                    Some(Command::Restart | Command::Stop) => break Err(None),
                    Some(Command::Close) | None => return Next::Closed,
                    Some(_) => {}
                },
            }
        };
        if spent.get() {
            self.spent.push(code.clone());
        }
        let (line, paired) = match outcome {
            Ok(paired) => paired,
            Err(problem) => {
                let stage = problem.map_or(Before::Idle, Before::Failed);
                self.shared.change(|core| core.reset(stage));
                return Next::Idle;
            }
        };
        let offer = line.offer.clone();
        let mut connected = self.attach(line);
        self.shared.handle_paired(Instant::now(), paired, offer);
        self.writing = false;
        let next = loop {
            match self.connected(&mut connected).await {
                Left::Ended => break Next::Idle,
                Left::Closed => break Next::Closed,
                Left::Lost => {
                    connected.abandon();
                    match self.reconnect().await {
                        Some(again) => connected = again,
                        None => {
                            self.finish(None).await;
                            return Next::Idle;
                        }
                    }
                }
            }
        };
        self.finish(Some(&mut connected)).await;
        connected.close().await;
        next
    }

    /// Starts the tasks of a connection and makes it the way out.
    pub(super) fn attach(&self, line: Line) -> Connected {
        let (outgoing, queue) = mpsc::channel(OUTGOING);
        let connected = Connected::new(&self.shared, line, queue);
        self.shared.lock().outgoing = Some(outgoing);
        connected
    }

    pub(super) fn end(&self, reason: End) {
        self.shared
            .change(|core| core.guard.handle_end(Instant::now(), reason));
    }

    /// While the customer chooses a screen, each shows its number.
    fn show_numbers(&mut self) {
        let core = self.shared.lock();
        let consenting = matches!(core.stage, Before::Screens(_))
            && matches!(core.guard.phase(), Phase::Consent { .. });
        if !consenting && !core.choosing() {
            self.numbers = None;
            return;
        }
        let screens: Vec<Screen> = core.choices().iter().map(ScreenChoice::screen).collect();
        drop(core);
        let shown = self.numbers.as_ref().map(|(shown, _)| shown);
        if shown != Some(&screens) {
            self.numbers = None;
            // A desktop without room for them still has the page.
            let numbers = Numbers::show(None, &screens, self.bar.place(), &self.own).ok();
            self.numbers = numbers.map(|numbers| (screens, numbers));
        }
    }

    /// Without its window the customer cannot see what is going on: everything ends.
    fn check_window(&self) {
        if self.bar.window_gone() {
            self.shared.change(|core| {
                core.guard
                    .handle_computer_fault(Instant::now(), Fault::Window)
            });
        }
    }

    /// What only a person can answer is said, and no longer once it was not met with for a while.
    fn check_reach(&self) {
        if platform::protected() {
            return self.shared.note_protected();
        }
        let over = |at: Instant| at.elapsed() > PROTECTED_FOR;
        if self.shared.lock().protected.is_some_and(over) {
            self.shared.change(|core| core.protected = None);
        }
    }

    /// Runs while the connection holds and the session is not over.
    async fn connected(&mut self, connected: &mut Connected) -> Left {
        // Kept over the turns of the loop: beacons turn it more often than this is due.
        let mut looked = Instant::now();
        let mut heads = Instant::now() + HEADS_EVERY;
        loop {
            let (ended, due, chat, look, stirred) = {
                let core = self.shared.lock();
                let ended = core.guard.phase() == Phase::Ended;
                let recording = core.recording.as_ref();
                let stirred = recording.is_some_and(Recording::stirred);
                let chat = core.chat_due(Instant::now());
                let moving = core.monitors_changed_within(Instant::now(), MOVING);
                let every = match (moving, core.guard.rights().control()) {
                    (true, _) => MOVING,
                    (false, true) => WINDOW_EVERY,
                    (false, false) => WINDOW_AT_REST,
                };
                let look = core.sees().then_some(looked + every);
                (ended, core.guard.poll_timeout(), chat, look, stirred)
            };
            self.show_numbers();
            self.write_started();
            self.start_successor();
            if ended {
                return Left::Ended;
            }
            tokio::select! {
                message = connected.receiver.next() => match message {
                    Ok(Some(message)) => self.shared.handle_message(Instant::now(), message),
                    Ok(None) | Err(_) => {
                        self.shared.handle_lost(Instant::now());
                        return Left::Lost;
                    }
                },
                command = self.inbox.recv() => {
                    let end = ended_by(command.as_ref());
                    if !self.shared.handle_command(Instant::now(), command) {
                        // Before anything else: no right outlives the window.
                        self.end(end);
                        return Left::Closed;
                    }
                }
                () = sleep_until(look) => {
                    looked = Instant::now();
                    if !self.shared.lock().monitors_changed_within(looked, MOVING) {
                        self.check_window();
                        self.check_reach();
                    }
                }
                () = sleep_until(stirred.then_some(heads)) => {
                    heads = Instant::now() + HEADS_EVERY;
                    self.shared.change(Core::send_heads);
                }
                () = sleep_until(due) => self.shared.handle_timeout(Instant::now()),
                () = sleep_until(chat) => {
                    self.shared.change(|core| core.handle_chat_timeout(Instant::now()));
                }
                () = self.shared.rearm.notified() => {}
            }
        }
    }
}

/// Why [`Driver::connected`] returned.
enum Left {
    Ended,
    Lost,
    Closed,
}

pub(super) async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}
