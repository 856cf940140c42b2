//! Lets go of what an agent that died was holding.
//!
//! ```text
//! agent ──pipe──► this program again, as a child: sleeps until the pipe ends
//!                   ├─ "done" before the end: the agent has released everything itself
//!                   └─ the end alone: it died ─► every key and button that is down goes up
//! ```
//!
//! Windows keeps a key that a program pressed down when that program is killed. The child is started with the first input
//! of a session's control. It injects nothing but releases. Windows does not say whose a key is: one that the person holds
//! at that very moment goes up as well, and comes back when it repeats.
//!
//! Not here: what to do while the agent lives ([`super::inject::Inject`] releases then).

use std::io::{Read as _, Write as _};
use std::os::windows::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use windows::Win32::System::Threading::CREATE_NO_WINDOW;
use windows::Win32::UI::Input::KeyboardAndMouse::{
    GetAsyncKeyState, INPUT, INPUT_0, INPUT_KEYBOARD, INPUT_MOUSE, KEYBDINPUT, KEYEVENTF_KEYUP,
    MOUSE_EVENT_FLAGS, MOUSEEVENTF_LEFTUP, MOUSEEVENTF_MIDDLEUP, MOUSEEVENTF_RIGHTUP,
    MOUSEEVENTF_XUP, MOUSEINPUT, SendInput, VIRTUAL_KEY,
};

use crate::platform::Error;

/// The argument by which the program knows what it is to be.
pub const ARGUMENT: &str = "--let-go";

/// The child, as the agent has it. Dropped, it is told that there is nothing to let go of.
pub struct Aftercare {
    child: Child,
}

impl Aftercare {
    /// Starts the child. Errors: the system starts no second process.
    pub fn start() -> std::io::Result<Self> {
        // Windows lets nobody move or delete what is running.
        let child = Command::new(std::env::current_exe()?)
            .arg(ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .creation_flags(CREATE_NO_WINDOW.0)
            .spawn()?;
        Ok(Self { child })
    }

    /// False if it has ended: nobody would let go.
    pub fn alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Aftercare {
    fn drop(&mut self) {
        if let Some(mut pipe) = self.child.stdin.take() {
            // A child that is gone needs no word.
            pipe.write_all(DONE).ok();
        }
        self.child.wait().ok();
    }
}

/// What the child does, until the agent is gone.
pub fn run() -> Result<(), Error> {
    let mut word = Vec::new();
    std::io::stdin()
        .take(DONE.len() as u64)
        .read_to_end(&mut word)?;
    if word == DONE {
        return Ok(());
    }
    let inputs: Vec<INPUT> = (1..=LAST_KEY)
        .filter(|key| is_down(*key))
        .map(release)
        .collect();
    // SAFETY: each is wholly filled in, and Windows is told how long one is.
    let sent = unsafe { SendInput(&inputs, size_of::<INPUT>() as i32) };
    match sent as usize == inputs.len() {
        true => Ok(()),
        false => Err(windows::core::Error::from_thread().into()),
    }
}

fn is_down(key: u16) -> bool {
    // SAFETY: numbers alone.
    let state = unsafe { GetAsyncKeyState(key.into()) };
    state < 0
}

fn release(key: u16) -> INPUT {
    let button = match key {
        1 => Some((MOUSEEVENTF_LEFTUP, 0)),
        2 => Some((MOUSEEVENTF_RIGHTUP, 0)),
        4 => Some((MOUSEEVENTF_MIDDLEUP, 0)),
        5 => Some((MOUSEEVENTF_XUP, 1)),
        6 => Some((MOUSEEVENTF_XUP, 2)),
        _ => None,
    };
    match button {
        Some((flags, data)) => of_button(flags, data),
        None => INPUT {
            r#type: INPUT_KEYBOARD,
            Anonymous: INPUT_0 {
                ki: KEYBDINPUT {
                    wVk: VIRTUAL_KEY(key),
                    dwFlags: KEYEVENTF_KEYUP,
                    ..KEYBDINPUT::default()
                },
            },
        },
    }
}

fn of_button(flags: MOUSE_EVENT_FLAGS, data: u32) -> INPUT {
    INPUT {
        r#type: INPUT_MOUSE,
        Anonymous: INPUT_0 {
            mi: MOUSEINPUT {
                mouseData: data,
                dwFlags: flags,
                ..MOUSEINPUT::default()
            },
        },
    }
}

const DONE: &[u8] = b"done";
const LAST_KEY: u16 = 0xfe;
