//! Low-level hooks on mouse and keyboard: they tell whose hand it was, and do nothing but hand over.
//!
//! ```text
//! input ─► hook (this thread: look at the flags, put it into the queue, return) ─► queue, 1,024 ─► the watch's thread
//! ```
//!
//! Windows takes a hook that is slow away without a word (`LowLevelHooksTimeout`); so the thread serves nothing else, takes
//! no lock that anybody holds for long, and the hooks are set anew when the watch finds that they saw less than Windows did.
//! F11 is a hot key as well: hot keys come also while a program with more rights is in front, where hooks see nothing.
//!
//! What a program injects is marked so by Windows itself, whatever device it names.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use windows::Win32::Foundation::{LPARAM, LRESULT, WPARAM};
use windows::Win32::System::Threading::{
    GetCurrentThread, SetThreadPriority, THREAD_PRIORITY_TIME_CRITICAL,
};
use windows::Win32::UI::Input::KeyboardAndMouse::{
    HOT_KEY_MODIFIERS, RegisterHotKey, UnregisterHotKey, VIRTUAL_KEY, VK_F11,
};
use windows::Win32::UI::WindowsAndMessaging::{
    CallNextHookEx, HHOOK, KBDLLHOOKSTRUCT, LLKHF_INJECTED, LLKHF_LOWER_IL_INJECTED, LLKHF_UP,
    LLMHF_INJECTED, LLMHF_LOWER_IL_INJECTED, MSG, MSLLHOOKSTRUCT, SetWindowsHookExW,
    UnhookWindowsHookEx, WH_KEYBOARD_LL, WH_MOUSE_LL, WM_APP, WM_HOTKEY, WM_LBUTTONDOWN,
    WM_LBUTTONUP, WM_MBUTTONDOWN, WM_MBUTTONUP, WM_MOUSEMOVE, WM_RBUTTONDOWN, WM_RBUTTONUP,
    WM_XBUTTONDOWN, WM_XBUTTONUP,
};

use super::pump::{Pump, Serve};
use crate::platform::watch::MOTION_PAUSE;
use crate::platform::{Error, Waker};

/// What a hook saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) what: What,
    /// True unless a program made it.
    pub(super) physical: bool,
    /// Milliseconds of the system's clock.
    pub(super) time: u32,
}

/// Which kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    KeyDown(VIRTUAL_KEY),
    ButtonDown(u32),
    /// A key or a button.
    Up,
    Motion,
    Wheel,
    /// F11, as a hot key.
    HotKey,
}

/// The hooks. They go with this handle.
pub(super) struct Hooks {
    pump: Pump,
    pub(super) queue: Receiver<Seen>,
    /// Set when the queue was full.
    lost: Arc<AtomicBool>,
}

impl Hooks {
    /// Sets them. Whatever is seen from now on wakes the waker.
    pub(super) fn set(waker: Waker) -> Result<Self, Error> {
        let (out, queue) = sync_channel(MOST_WAITING);
        let lost = Arc::new(AtomicBool::new(false));
        let exit = Exit {
            out,
            waker,
            lost: Arc::clone(&lost),
        };
        let (pump, ()) = Pump::start("hooks", move || {
            EXIT.with_borrow_mut(|here| *here = Some(exit));
            // Everybody's input waits for this thread. A busy computer shall not make it late; it does next to nothing.
            // SAFETY: the pseudo handle of this thread needs no closing.
            unsafe { SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_TIME_CRITICAL) }.ok();
            let server = Server {
                hooks: set_both()?,
                _hot_key: HotKey::take(),
            };
            Ok(((), server))
        })?;
        Ok(Self { pump, queue, lost })
    }

    /// Sets them anew: Windows may have taken them away. False if their thread is gone.
    pub(super) fn renew(&self) -> bool {
        self.pump.post(RENEW)
    }

    /// Takes that something was not handed over because too much waited.
    pub(super) fn take_lost(&self) -> bool {
        self.lost.swap(false, Ordering::AcqRel)
    }
}

/// The way out of a hook. The queue is bounded: more waiting than a person can do says that nobody takes it.
struct Exit {
    out: SyncSender<Seen>,
    waker: Waker,
    lost: Arc<AtomicBool>,
}

thread_local! {
    /// A hook is a bare function: what it hands over to is its thread's.
    static EXIT: RefCell<Option<Exit>> = const { RefCell::new(None) };
    /// When a motion was handed over last, and whether it was a hand's.
    static MOTION: Cell<Option<(u32, bool)>> = const { Cell::new(None) };
}

struct Server {
    hooks: [HHOOK; 2],
    /// None if another program has it: the hook sees it all the same.
    _hot_key: Option<HotKey>,
}

impl Serve for Server {
    fn handle(&mut self, message: &MSG) {
        if message.message == RENEW {
            // The new ones first: nothing is missed in between. What both see is handed over twice, which harms nobody.
            if let Ok(new) = set_both() {
                unset(std::mem::replace(&mut self.hooks, new));
            }
        } else if message.message == WM_HOTKEY {
            hand_over(Seen {
                what: What::HotKey,
                physical: false,
                time: message.time,
            });
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        unset(self.hooks);
    }
}

/// F11 as a hot key of the thread that took it. It stays on that thread, and is given back there.
pub(super) struct HotKey(PhantomData<*const ()>);

impl HotKey {
    /// None if another program has it.
    pub(super) fn take() -> Option<Self> {
        // SAFETY: no window; the number is this thread's.
        let taken = unsafe { RegisterHotKey(None, HOT_KEY, HOT_KEY_MODIFIERS(0), VK_F11.0.into()) };
        taken.is_ok().then_some(Self(PhantomData))
    }
}

impl Drop for HotKey {
    fn drop(&mut self) {
        // SAFETY: it was registered by this thread.
        unsafe { UnregisterHotKey(None, HOT_KEY) }.ok();
    }
}

fn set_both() -> Result<[HHOOK; 2], Error> {
    // SAFETY: both functions are of the kind that their hook wants, and live as long as the program.
    unsafe {
        let keys = SetWindowsHookExW(WH_KEYBOARD_LL, Some(on_key), None, 0)?;
        match SetWindowsHookExW(WH_MOUSE_LL, Some(on_mouse), None, 0) {
            Ok(mouse) => Ok([keys, mouse]),
            Err(error) => {
                UnhookWindowsHookEx(keys).ok();
                Err(error.into())
            }
        }
    }
}

fn unset(hooks: [HHOOK; 2]) {
    for hook in hooks {
        // SAFETY: one of ours; Windows may have taken it away already.
        unsafe { UnhookWindowsHookEx(hook) }.ok();
    }
}

unsafe extern "system" fn on_key(code: i32, word: WPARAM, long: LPARAM) -> LRESULT {
    if code >= 0 {
        // SAFETY: with such a code Windows passes the description of a key, alive until this returns.
        let key = unsafe { *(long.0 as *const KBDLLHOOKSTRUCT) };
        let injected = LLKHF_INJECTED.0 | LLKHF_LOWER_IL_INJECTED.0;
        let what = match key.flags.0 & LLKHF_UP.0 {
            0 => What::KeyDown(VIRTUAL_KEY(key.vkCode as u16)),
            _ => What::Up,
        };
        hand_over(Seen {
            what,
            physical: key.flags.0 & injected == 0,
            time: key.time,
        });
    }
    // SAFETY: passed on as it came.
    unsafe { CallNextHookEx(None, code, word, long) }
}

unsafe extern "system" fn on_mouse(code: i32, word: WPARAM, long: LPARAM) -> LRESULT {
    if code >= 0 {
        // SAFETY: with such a code Windows passes the description of a mouse event, alive until this returns.
        let mouse = unsafe { *(long.0 as *const MSLLHOOKSTRUCT) };
        let what = match word.0 as u32 {
            WM_MOUSEMOVE => What::Motion,
            WM_LBUTTONDOWN => What::ButtonDown(1),
            WM_MBUTTONDOWN => What::ButtonDown(2),
            WM_RBUTTONDOWN => What::ButtonDown(3),
            WM_XBUTTONDOWN => What::ButtonDown(7 + (mouse.mouseData >> 16)),
            WM_LBUTTONUP | WM_MBUTTONUP | WM_RBUTTONUP | WM_XBUTTONUP => What::Up,
            _ => What::Wheel,
        };
        let physical = mouse.flags & (LLMHF_INJECTED | LLMHF_LOWER_IL_INJECTED) == 0;
        let recent = |(time, hand): (u32, bool)| {
            let since = mouse.time.wrapping_sub(time);
            hand == physical && u128::from(since) < MOTION_PAUSE.as_millis()
        };
        // Mice report thousands of times a second, and the queue is for what a person does.
        if what != What::Motion || !MOTION.get().is_some_and(recent) {
            if what == What::Motion {
                MOTION.set(Some((mouse.time, physical)));
            }
            hand_over(Seen {
                what,
                physical,
                time: mouse.time,
            });
        }
    }
    // SAFETY: passed on as it came.
    unsafe { CallNextHookEx(None, code, word, long) }
}

fn hand_over(seen: Seen) {
    EXIT.with_borrow(|exit| {
        let Some(exit) = exit else { return };
        if exit.out.try_send(seen).is_err() {
            exit.lost.store(true, Ordering::Release);
        }
        exit.waker.wake();
    });
}

/// How much may wait for the watch: more than a person does in a second.
const MOST_WAITING: usize = 1024;
const RENEW: u32 = WM_APP;
const HOT_KEY: i32 = 11;
