//! Remembers what has lain over the agent's window a moment ago, also if it is gone when somebody looks.
//!
//! ```text
//! X server ──"mapped", "moved", "raised", "unmapped" (beside, above and inside our window)──► Covers ──► since then, over this place?
//! ```
//!
//! A window that covers a granting button until just before the customer's press on something that it showed
//! leaves no other trace, however long it lay there. Windows that only moved below ours are remembered as well: whether they lay above in
//! between nobody can tell.
//!
//! One thread reads the notices and sleeps while there are none. Not here: what lies over the window right now
//! ([`super::desk::Desk`]).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{ChangeWindowAttributesAux, ConnectionExt as _, EventMask, Window};

use super::wake::sleep;
use super::{Link, desk};
use crate::platform::trail::Trail;
use crate::platform::{Area, Error, OwnWindows, Waker};

/// A running memory. Ends with this handle.
pub struct Covers {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    link: Link,
    window: Window,
    own: OwnWindows,
    waker: Waker,
    ending: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    trail: Trail,
    /// True if the notices have ended.
    over: bool,
}

impl Covers {
    /// Connects, and remembers from now on what comes over `window`.
    pub fn start(display: Option<&str>, window: u32, own: OwnWindows) -> Result<Self, Error> {
        let shared = Arc::new(Shared {
            link: Link::open(display)?,
            window,
            own,
            waker: Waker::new()?,
            ending: AtomicBool::new(false),
            state: Mutex::default(),
        });
        let link = &shared.link;
        shared.listen(link.root, EventMask::SUBSTRUCTURE_NOTIFY)?;
        let both = EventMask::SUBSTRUCTURE_NOTIFY | EventMask::STRUCTURE_NOTIFY;
        shared.listen(window, both)?;
        let parent = link.connection.query_tree(window)?.reply()?.parent;
        shared.listen_beside(parent)?;
        link.sync()?;
        let reader = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("covers".to_owned())
            .spawn(move || reader.run())?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Windows that have come, moved or risen over this place of the desktop since that moment, or gone from there, up to
    /// now. `None` if nobody can tell.
    pub fn since(&self, since: Instant, place: Area) -> Option<Vec<u32>> {
        // After a round trip everything that has happened is known.
        let caught_up = self
            .shared
            .link
            .sync()
            .and_then(|()| self.shared.catch_up());
        let state = self.shared.lock();
        match caught_up.is_err() || state.over {
            true => None,
            false => state.trail.since(since, place),
        }
    }
}

impl Drop for Covers {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::Release);
        self.shared.waker.wake();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

impl Shared {
    fn run(&self) {
        let outcome = self.read();
        if outcome.is_err() {
            self.lock().over = true;
        }
    }

    fn read(&self) -> Result<(), Error> {
        while !self.ending.load(Ordering::Acquire) {
            self.catch_up()?;
            sleep(self.link.fd(), &self.waker, None)?;
        }
        Ok(())
    }

    fn catch_up(&self) -> Result<(), Error> {
        while let Some(event) = self.link.connection.poll_for_event()? {
            self.handle(&event)?;
        }
        Ok(())
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "only what was asked for matters"
    )]
    fn handle(&self, event: &Event) -> Result<(), Error> {
        match event {
            Event::MapNotify(event) => self.note(event.window),
            Event::ConfigureNotify(event) => self.note(event.window),
            Event::CirculateNotify(event) => self.note(event.window),
            // One that is destroyed is unmapped before.
            Event::UnmapNotify(event) => self.note_gone(event.window),
            Event::DestroyNotify(event) => {
                self.lock().trail.note_gone(Instant::now(), event.window);
            }
            Event::ReparentNotify(event) if event.window == self.window => {
                self.listen_beside(event.parent)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// It has come, moved or risen.
    fn note(&self, window: Window) {
        if window == self.window || self.own.contains(window) {
            return;
        }
        // Its whole box, whatever its shape was when it lay there.
        let place = desk::place(&self.link, window, false).ok();
        self.lock().trail.note(Instant::now(), window, place);
    }

    /// It has been unmapped, and perhaps destroyed.
    fn note_gone(&self, window: Window) {
        if !self.lock().trail.note_gone(Instant::now(), window) {
            self.note(window);
        }
    }

    /// The window manager's frame may hold other windows over ours.
    fn listen_beside(&self, parent: Window) -> Result<(), Error> {
        if parent == self.link.root {
            return Ok(());
        }
        self.listen(parent, EventMask::SUBSTRUCTURE_NOTIFY)
    }

    fn listen(&self, window: Window, mask: EventMask) -> Result<(), Error> {
        let wish = ChangeWindowAttributesAux::new().event_mask(mask);
        // A frame that is gone meanwhile holds nothing over ours.
        self.link
            .connection
            .change_window_attributes(window, &wish)?
            .ignore_error();
        Ok(())
    }

    /// The state is whole between any two statements.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
