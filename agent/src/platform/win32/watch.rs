//! The watch on Windows: what the hooks hand over, and whether the hooks still see what Windows sees.
//!
//! ```text
//! hooks ──queue──► this thread ─► F11, activity, presses
//!          every second: has Windows seen input that the hooks have not? ─► hooks set anew
//! ```
//!
//! Input that the hooks did not see grants nothing: a press that is not known is nobody's hand.

use std::time::{Duration, Instant};

use windows::Win32::UI::Input::KeyboardAndMouse::{
    GetAsyncKeyState, GetLastInputInfo, LASTINPUTINFO, VK_DOWN, VK_F11, VK_LEFT, VK_RETURN,
    VK_RIGHT, VK_SPACE, VK_TAB, VK_UP,
};

use super::hooks::{self, Hooks, What};
use super::wake::sleep;
use crate::platform::Error;
use crate::platform::watch::{PressKind, Seen, Teller};

/// What watches.
pub(in crate::platform) struct Watcher<F> {
    hooks: Hooks,
    pub(in crate::platform) teller: Teller<F>,
    last_stop: Option<Instant>,
    /// The newest event of the hooks, by the system's clock.
    newest: u32,
    looked: Instant,
}

impl<F: FnMut(Seen)> Watcher<F> {
    /// Sets the hooks. When this returns, no later F11 can be missed.
    pub(in crate::platform) fn open(_: Option<&str>, teller: Teller<F>) -> Result<Self, Error> {
        Ok(Self {
            hooks: Hooks::set(teller.provenance().waker().clone())?,
            teller,
            last_stop: None,
            // SAFETY: takes nothing.
            newest: unsafe { windows::Win32::System::SystemInformation::GetTickCount() },
            looked: Instant::now(),
        })
    }

    /// Until it is told to end. Errors: the hooks' thread is gone.
    pub(in crate::platform) fn watch(&mut self) -> Result<(), Error> {
        loop {
            if self.teller.provenance().waker().take() {
                // Hooks are called before the input reaches anybody: what is answered here includes all of it.
                let asked = self.teller.provenance().asked();
                self.drain();
                self.teller.provenance().answer(asked);
            }
            if self.teller.provenance().ending() {
                return Ok(());
            }
            let now = Instant::now();
            if now >= self.looked + LOOK {
                self.looked = now;
                self.look(now)?;
            }
            sleep(self.teller.provenance().waker(), Some(self.looked + LOOK));
        }
    }

    fn drain(&mut self) {
        while let Ok(event) = self.hooks.queue.try_recv() {
            self.handle(event);
        }
        if self.hooks.take_lost() {
            // F11 may have been among it.
            self.stop(self.newest, false);
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
            What::KeyDown(VK_F11) => self.stop(time, physical),
            What::KeyDown(key) => {
                let kind = match key {
                    VK_SPACE => PressKind::Space,
                    VK_RETURN => PressKind::Enter,
                    VK_TAB | VK_LEFT | VK_UP | VK_RIGHT | VK_DOWN => PressKind::Tab,
                    _ => PressKind::OtherKey,
                };
                self.teller.press(time, physical, kind);
            }
            What::ButtonDown(button) => {
                self.teller.press(time, physical, PressKind::Button(button))
            }
            What::HotKey => {
                // Its hook has said so a moment ago, if it saw it.
                if self.last_stop.is_none_or(|last| last.elapsed() > ONE_PRESS) {
                    self.stop(time, physical);
                }
            }
            What::Up | What::Wheel if physical => self.teller.activity(),
            What::Motion if physical => self.teller.activity(),
            What::Up | What::Wheel | What::Motion => {}
        }
    }

    fn stop(&mut self, server_time: u32, physical: bool) {
        self.last_stop = Some(Instant::now());
        self.teller.stop(server_time, physical);
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
