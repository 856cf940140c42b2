//! Remembers what has lain over the agent's window a moment ago, also if it is gone when somebody looks.
//!
//! ```text
//! Windows ──"shown", "moved", "reordered", "in front", "uncloaked", "gone" (of other programs)──► Covers ──► since then, over this place?
//! ```
//!
//! Windows that only moved below ours are remembered as well: whether they lay above in between nobody can tell. The
//! notices come a little late, by a queue of their own; what lies over the window right now is [`super::desk::Desk`]'s.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use windows::Win32::Foundation::HWND;
use windows::Win32::UI::Accessibility::{HWINEVENTHOOK, SetWinEventHook, UnhookWinEvent};
use windows::Win32::UI::WindowsAndMessaging::{
    EVENT_OBJECT_CLOAKED, EVENT_OBJECT_DESTROY, EVENT_OBJECT_HIDE, EVENT_OBJECT_LOCATIONCHANGE,
    EVENT_OBJECT_REORDER, EVENT_OBJECT_UNCLOAKED, EVENT_SYSTEM_FOREGROUND, GA_ROOT, GW_HWNDPREV,
    GetAncestor, GetWindow, OBJID_WINDOW, WINEVENT_OUTOFCONTEXT, WINEVENT_SKIPOWNPROCESS,
};

use super::pump::{Pump, Serve};
use super::{desk, number, window};
use crate::platform::trail::{KEPT, Trail};
use crate::platform::{Area, Error, OwnWindows};

/// A running memory. Ends with this handle.
pub struct Covers {
    trail: Arc<Mutex<Trail>>,
    pump: Pump,
}

/// What a notice, a bare function, hands over to.
struct Memory {
    trail: Arc<Mutex<Trail>>,
    ours: u32,
    own: OwnWindows,
}

thread_local! {
    static MEMORY: RefCell<Option<Memory>> = const { RefCell::new(None) };
}

struct Notices(Vec<HWINEVENTHOOK>);

impl Serve for Notices {}

impl Drop for Notices {
    fn drop(&mut self) {
        for hook in &self.0 {
            // SAFETY: one of ours, on its own thread; it says whether it was there.
            let _there = unsafe { UnhookWinEvent(*hook) };
        }
    }
}

impl Covers {
    /// Remembers from now on what comes over `window`.
    pub fn start(_: Option<&str>, window: u32, own: OwnWindows) -> Result<Self, Error> {
        let trail = Arc::new(Mutex::new(Trail::default()));
        let memory = Memory {
            trail: Arc::clone(&trail),
            ours: window,
            own,
        };
        let (pump, ()) = Pump::start("covers", move || {
            MEMORY.with_borrow_mut(|here| *here = Some(memory));
            let mut notices = Notices(Vec::new());
            for (first, last) in [
                (EVENT_SYSTEM_FOREGROUND, EVENT_SYSTEM_FOREGROUND),
                (EVENT_OBJECT_DESTROY, EVENT_OBJECT_REORDER),
                (EVENT_OBJECT_LOCATIONCHANGE, EVENT_OBJECT_LOCATIONCHANGE),
                (EVENT_OBJECT_CLOAKED, EVENT_OBJECT_UNCLOAKED),
            ] {
                let how = WINEVENT_OUTOFCONTEXT | WINEVENT_SKIPOWNPROCESS;
                // SAFETY: the function is of the kind that is wanted and lives as long as the program.
                let hook = unsafe { SetWinEventHook(first, last, None, Some(noticed), 0, 0, how) };
                if hook.is_invalid() {
                    return Err(windows::core::Error::from_thread().into());
                }
                notices.0.push(hook);
            }
            Ok(((), notices))
        })?;
        Ok(Self { trail, pump })
    }

    /// Windows that have come, moved or risen over this place of the desktop since that moment, or gone from there, up to
    /// now. `None` if nobody can tell.
    pub fn since(&self, since: Instant, place: Area) -> Option<Vec<u32>> {
        if !self.pump.runs() {
            return None;
        }
        lock(&self.trail).since(since, place)
    }
}

unsafe extern "system" fn noticed(
    _: HWINEVENTHOOK,
    event: u32,
    hwnd: HWND,
    object: i32,
    child: i32,
    _: u32,
    _: u32,
) {
    if object != OBJID_WINDOW.0 || child != 0 || hwnd.is_invalid() {
        return;
    }
    // SAFETY: a window that is gone has no ancestor.
    let top = unsafe { GetAncestor(hwnd, GA_ROOT) } == hwnd;
    MEMORY.with_borrow(|memory| {
        let Some(memory) = memory else { return };
        match event {
            // Said of what the windows stand on.
            EVENT_OBJECT_REORDER => memory.note_above(),
            // What is destroyed is no top window any more, and none of its parts was noted.
            EVENT_OBJECT_DESTROY | EVENT_OBJECT_HIDE | EVENT_OBJECT_CLOAKED
                if memory.note_gone(hwnd) => {}
            EVENT_OBJECT_DESTROY => {}
            EVENT_OBJECT_LOCATIONCHANGE if top && !desk::visible(hwnd) => {
                memory.note_gone(hwnd);
            }
            EVENT_OBJECT_LOCATIONCHANGE if !top => {}
            // It may be gone again already.
            _ if top => memory.note(hwnd),
            _ => {}
        }
    });
}

impl Memory {
    fn note_above(&self) {
        let mut above = window(self.ours);
        for _ in 0..KEPT {
            // SAFETY: a window that is gone has none above it.
            let Ok(higher) = (unsafe { GetWindow(above, GW_HWNDPREV) }) else {
                return;
            };
            if desk::visible(higher) {
                self.note(higher);
            }
            above = higher;
        }
    }

    fn note(&self, hwnd: HWND) {
        let noted = number(hwnd);
        if noted == self.ours || self.own.contains(noted) {
            return;
        }
        let place = desk::place(hwnd);
        lock(&self.trail).note(Instant::now(), noted, place);
    }

    /// False if nothing was known of it.
    fn note_gone(&self, hwnd: HWND) -> bool {
        lock(&self.trail).note_gone(Instant::now(), number(hwnd))
    }
}

/// The trail is whole between any two statements.
fn lock(trail: &Mutex<Trail>) -> MutexGuard<'_, Trail> {
    trail.lock().unwrap_or_else(PoisonError::into_inner)
}
