//! The watch on Windows: what the hooks hand over, and whether the hooks still see what Windows sees.
//!
//! ```text
//! hooks ──queue──► this thread ─► F11, activity, presses
//!          every second: has Windows seen input that the hooks have not? ─► hooks set anew
//! ```
//!
//! Input that the hooks did not see grants nothing: a press that is not known is nobody's hand.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use windows::Win32::UI::Input::KeyboardAndMouse::{
    GetAsyncKeyState, GetLastInputInfo, LASTINPUTINFO, VK_DOWN, VK_F11, VK_LEFT, VK_RETURN,
    VK_RIGHT, VK_SPACE, VK_TAB, VK_UP,
};

use super::hooks::{self, Hooks, What};
use super::wake::sleep;
use crate::platform::Error;
use crate::platform::watch::{Press, PressKind, Provenance, Seen};

/// A running watch. Ends with this handle.
pub struct Watch {
    provenance: Provenance,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Sets the hooks, and calls `seen` on a thread of its own for everything that is seen.
    /// When this returns, no later F11 can be missed.
    pub fn start(_: Option<&str>, seen: impl FnMut(Seen) + Send + 'static) -> Result<Self, Error> {
        let provenance = Provenance::new()?;
        let watcher = Watcher {
            hooks: Hooks::set(provenance.waker().clone())?,
            shared: provenance.clone(),
            seen,
            last_motion: None,
            last_stop: None,
            // SAFETY: takes nothing.
            newest: unsafe { windows::Win32::System::SystemInformation::GetTickCount() },
            looked: Instant::now(),
        };
        let thread = std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || watcher.run())?;
        Ok(Self {
            provenance,
            thread: Some(thread),
        })
    }

    /// Where the latest presses came from.
    pub fn provenance(&self) -> Provenance {
        self.provenance.clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.provenance.end();
        let Some(thread) = self.thread.take() else {
            return;
        };
        // The callback may own this handle's last reference: a thread cannot join itself.
        if thread.thread().id() != std::thread::current().id() {
            thread.join().ok();
        }
    }
}

struct Watcher<F> {
    hooks: Hooks,
    shared: Provenance,
    seen: F,
    last_motion: Option<Instant>,
    last_stop: Option<Instant>,
    /// The newest event of the hooks, by the system's clock.
    newest: u32,
    looked: Instant,
}

impl<F: FnMut(Seen)> Watcher<F> {
    fn run(mut self) {
        let outcome = self.watch();
        self.shared.give_up();
        if let Err(error) = outcome {
            (self.seen)(Seen::Lost(error));
        }
    }

    fn watch(&mut self) -> Result<(), Error> {
        loop {
            if self.shared.waker().take() {
                // Hooks are called before the input reaches anybody: what is answered here includes all of it.
                let asked = self.shared.asked();
                self.drain();
                self.shared.answer(asked);
            }
            if self.shared.ending() {
                return Ok(());
            }
            let now = Instant::now();
            if now >= self.looked + LOOK {
                self.looked = now;
                self.look(now)?;
            }
            sleep(self.shared.waker(), Some(self.looked + LOOK));
        }
    }

    fn drain(&mut self) {
        while let Ok(event) = self.hooks.queue.try_recv() {
            self.handle(event);
        }
        if self.hooks.take_lost() {
            // F11 may have been among it.
            self.stop(0, false);
        }
    }

    fn handle(&mut self, event: hooks::Seen) {
        let hooks::Seen {
            what,
            physical,
            time,
        } = event;
        if what != What::HotKey {
            self.newest = time;
        }
        match what {
            What::KeyDown(VK_F11) => {
                self.stop(time, physical);
                self.press(time, physical, PressKind::Stop);
            }
            What::KeyDown(key) => {
                let kind = match key {
                    VK_SPACE => PressKind::Space,
                    VK_RETURN => PressKind::Enter,
                    VK_TAB | VK_LEFT | VK_UP | VK_RIGHT | VK_DOWN => PressKind::Tab,
                    _ => PressKind::OtherKey,
                };
                self.press(time, physical, kind);
            }
            What::ButtonDown(button) => self.press(time, physical, PressKind::Button(button)),
            What::HotKey => {
                // Its hook has said so a moment ago, if it saw it.
                if self.last_stop.is_none_or(|last| last.elapsed() > ONE_PRESS) {
                    self.stop(time, physical);
                    self.press(time, physical, PressKind::Stop);
                }
            }
            What::Up | What::Wheel if physical => self.activity(),
            What::Motion if physical => {
                let recent = self
                    .last_motion
                    .is_some_and(|last| last.elapsed() < MOTION_PAUSE);
                if !recent {
                    self.last_motion = Some(Instant::now());
                    self.activity();
                }
            }
            What::Up | What::Wheel | What::Motion => {}
        }
    }

    fn stop(&mut self, server_time: u32, physical: bool) {
        let at = Instant::now();
        self.last_stop = Some(at);
        (self.seen)(Seen::StopKey {
            server_time,
            physical,
            at,
        });
    }

    fn press(&mut self, server_time: u32, physical: bool, kind: PressKind) {
        self.shared.remember(Press {
            server_time,
            physical,
            kind,
            at: Instant::now(),
        });
        if physical {
            self.activity();
        }
    }

    fn activity(&mut self) {
        (self.seen)(Seen::Activity { at: Instant::now() });
    }

    /// Windows takes hooks away without a word: has it seen input that they have not?
    fn look(&mut self, now: Instant) -> Result<(), Error> {
        let mut last = LASTINPUTINFO {
            cbSize: size_of::<LASTINPUTINFO>() as u32,
            dwTime: 0,
        };
        // SAFETY: the structure is ours and says how long it is.
        let (told, key) = unsafe {
            (
                GetLastInputInfo(&raw mut last).as_bool(),
                GetAsyncKeyState(VK_F11.0.into()),
            )
        };
        // Held at this moment, or pressed since the last look.
        let pressed = key != 0;
        if pressed && self.last_stop.is_none_or(|last| now - last > 2 * LOOK) {
            self.stop(last.dwTime, false);
        }
        // Wraps every 49 days: the difference does not.
        let ahead = last.dwTime.wrapping_sub(self.newest).cast_signed();
        if told && ahead > BEHIND {
            self.newest = last.dwTime;
            if !self.hooks.renew() {
                return Err(Error::Lost("the hooks' thread is gone".to_owned()));
            }
        }
        Ok(())
    }
}

/// How often the hooks are looked after.
const LOOK: Duration = Duration::from_secs(1);
/// How far the hooks may be behind Windows, in milliseconds.
const BEHIND: i32 = 500;
/// A hot key and the hook's word of it closer together than this are one press.
const ONE_PRESS: Duration = Duration::from_millis(400);
/// Motions closer together than this are one activity: mice report a thousand times a second.
const MOTION_PAUSE: Duration = Duration::from_millis(20);
