//! The session's engine: everything of the console that is not a window.
//!
//! ```text
//! window ── Command (bounded) ──► engine thread (tokio) ── core decides ──► link, painter
//!        ◄── View (newest) ─────                        ◄── events ───────
//!        ◄── Board (picture) ─── painter thread
//! ```

mod budget;
mod chat;
mod core;
mod disk;
mod engine;
#[cfg(feature = "model")]
mod fuzzing;
pub(crate) mod link;
mod meter;
#[cfg(feature = "model")]
#[doc(hidden)]
pub mod model;
#[cfg(feature = "model")]
#[doc(hidden)]
pub use fuzzing::run as fuzz;
mod painter;
mod paired;
mod pieces;
mod recorded;
mod retry;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::identity::{Identity, Store};
use crate::picture;
use crate::view::{Command, Problem, View};

pub(crate) use self::core::refusal;

/// Commands that wait for the engine: a second of a hand's fastest work. Moves are not
/// counted: the engine takes only the newest.
const MOST_COMMANDS: usize = 1024;

/// How long the goodbye may keep the program.
const GOODBYE: Duration = Duration::from_secs(3);

/// What the engine starts with.
pub struct Config {
    /// Where the identity is.
    pub store: Store,
    /// The identity, if enrolled.
    pub identity: Option<Identity>,
    /// Start a session at once.
    pub new_session: bool,
    /// Called with each new code, grouped.
    pub on_code: Box<dyn Fn(&str) + Send>,
    /// Asks the window to look again. Called from the engine's threads.
    pub repaint: Arc<dyn Fn() + Send + Sync>,
    /// Says that picture or pointer changed. Called from the engine's threads.
    pub drawn: Arc<dyn Fn() + Send + Sync>,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

/// The window's end of the engine.
#[derive(Debug)]
pub struct Session {
    commands: mpsc::Sender<Command>,
    view: Arc<Mutex<View>>,
    board: picture::Shared,
    thread: Option<JoinHandle<()>>,
}

impl Session {
    /// Starts the engine's threads. Errors: the system gives no thread.
    pub fn start(config: Config) -> Result<Self, Problem> {
        let (commands, received) = mpsc::channel(MOST_COMMANDS);
        let board = picture::Shared::new();
        let view = Arc::new(Mutex::new(engine::first_view(&config)));
        let parts = engine::Parts {
            commands: received,
            view: view.clone(),
            board: board.clone(),
        };
        let thread = engine::start(config, parts).map_err(|e| Problem::Internal(e.to_string()))?;
        Ok(Self {
            commands,
            view,
            board,
            thread: Some(thread),
        })
    }

    /// What to show.
    pub fn view(&self) -> View {
        lock(&self.view).clone()
    }

    /// The picture.
    pub fn board(&self) -> &picture::Shared {
        &self.board
    }

    /// Passes a command on. False if the engine is too busy or gone: the command is lost.
    pub fn send(&self, command: Command) -> bool {
        self.commands.try_send(command).is_ok()
    }

    /// A way to send commands from another thread.
    pub fn sender(&self) -> impl Fn(Command) -> bool + Send + 'static {
        let commands = self.commands.clone();
        move |command| commands.try_send(command).is_ok()
    }

    /// Says goodbye to the relay and ends the threads; a few seconds at most.
    pub fn stop(&mut self) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        let until = std::time::Instant::now() + GOODBYE;
        let mut told = false;
        while !thread.is_finished() && std::time::Instant::now() < until {
            // The queue may be full for the moment.
            told = told || self.send(Command::Quit);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stop();
    }
}

fn lock(view: &Mutex<View>) -> MutexGuard<'_, View> {
    view.lock().unwrap_or_else(PoisonError::into_inner)
}
