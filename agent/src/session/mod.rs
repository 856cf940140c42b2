//! The session's engine: everything between the pages and the relay.
//!
//! ```text
//!  pages ──Command──► driver ──────► guard ◄────── watch (F11, activity)
//!    ▲                  │ ▲         (Core, one lock)     ▲
//!    └───View───────────┘ │             │ outputs        │ decisions
//!                         │             ▼                │
//!  relay ◄──────────── link (streams) ◄─┴─ pictures, pointer │ injector
//! ```
//!
//! One lock holds guard and keys together ([`core`]): who has it may ask the guard, act under
//! the permit and seal, and F11 waits for at most that one act. Threads: the watch, pictures,
//! pointer and injector each have one, the driver one with an async runtime; the pages keep
//! the main thread. A session that is recorded has a [`recording`] besides: the keys' sealing, the comparison
//! of checkpoints, the facts for the receipt ([`receipts`]). Queues: commands 64, outgoing 1,024 (a full one ends the session: it
//! means that a peer does not read), input 256 (a full one stops reading from the relay).
//!
//! Not here: what is decided (the guard), what is drawn (the pages), how pixels become
//! updates ([`crate::encode`]), how the computer is seen and steered ([`crate::platform`]).

mod chat;
mod commands;
mod core;
mod decisions;
mod driver;
mod elevation;
mod epochs;
mod eyes;
mod flights;
mod injector;
mod link;
mod mends;
mod messages;
#[cfg(feature = "model")]
#[doc(hidden)]
pub mod model;
#[cfg(feature = "model")]
#[doc(hidden)]
pub use transfer::fuzzing::run as fuzz;
mod pairing;
mod pictures;
mod pieces;
mod pointer;
mod pointing;
mod protected;
mod publish;
mod receipts;
mod reconnect;
mod recorded;
mod recording;
mod screens;
mod transfer;

use std::sync::Arc;
use std::time::{Duration, Instant};

use fernsicht_protocol::attached::Configuration;
use fernsicht_protocol::guard::Fault;
use tokio::sync::{mpsc, watch};

use crate::hand;
use crate::platform::{self, OwnWindows};
use crate::view::{Command, StopKey, View};

/// Commands wait here: a person's clicks, never many.
const COMMANDS: usize = 64;

/// What the engine needs from its surroundings.
pub struct Setup {
    /// Whom the agent belongs to.
    pub configuration: Configuration,
    /// Asks the pages for a repaint; called from any thread.
    pub repaint: Arc<dyn Fn() + Send + Sync>,
    /// The number of the pages' window.
    pub window: Option<u32>,
}

/// The running engine. Ends, in good order, when it is dropped after [`Command::Close`].
pub struct Engine {
    /// What the pages show.
    pub view: watch::Receiver<View>,
    /// What the customer asks for.
    pub commands: mpsc::Sender<Command>,
    /// Where presses come from and what covers the window. A desktop that does not tell
    /// makes every button wait for ever: then nothing is granted.
    pub provenance: Arc<dyn hand::Provenance>,
    /// Waits for the session's end.
    pub ending: Ending,
}

/// The engine's end.
pub struct Ending {
    shared: Arc<core::Shared>,
    _watch: Option<platform::Watch>,
    driver: std::thread::JoinHandle<()>,
}

impl Ending {
    /// Waits until the other side has been told. Call it when no command can follow.
    pub fn wait(self) {
        // A driver that panicked has taken its session, and with it every right, along.
        self.driver.join().ok();
    }

    /// The pages are gone without a word: everything ends, and the other side is told, if that takes no longer than
    /// [`LAST_WORD`].
    pub fn fail(self) {
        self.shared.change(|core| {
            core.guard
                .handle_computer_fault(Instant::now(), Fault::Window);
        });
        let until = Instant::now() + LAST_WORD;
        while !self.driver.is_finished() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// How long a program without pages may go on.
const LAST_WORD: Duration = Duration::from_secs(5);

/// Starts watching F11 and waits for a code. Captures nothing, connects nowhere.
/// Errors: the system refuses a thread.
pub fn start(setup: Setup) -> std::io::Result<Engine> {
    let (commands, inbox) = mpsc::channel(COMMANDS);
    let configuration = Arc::new(setup.configuration);
    let (shared, view) = core::Shared::new(configuration.clone(), setup.repaint);
    let own = OwnWindows::new();
    if let Some(window) = setup.window {
        own.add(window);
        platform::keep_out(window);
    }
    // Before the watch: on Windows that takes the key itself.
    let taken = platform::stop_key_taken(None).unwrap_or_default();
    let watch = {
        let shared = shared.clone();
        platform::Watch::start(None, move |seen| shared.handle_seen(&seen)).ok()
    };
    shared.set_stop_key(match &watch {
        Some(_) if taken => StopKey::Shared,
        Some(_) => StopKey::Watched,
        None => StopKey::Unavailable,
    });
    let provenance = eyes::Eyes::new(watch.as_ref(), setup.window, own.clone());
    let ended = shared.clone();
    let driver = driver::Driver::new(configuration, shared, inbox, own, setup.window);
    let driver = std::thread::Builder::new()
        .name("session".to_owned())
        .spawn(move || driver.run())?;
    let ending = Ending {
        shared: ended,
        _watch: watch,
        driver,
    };
    Ok(Engine {
        view,
        commands,
        provenance: Arc::new(provenance),
        ending,
    })
}
