//! A thread with a queue of messages: hooks, hot keys and windows belong to one, and need it to be emptied.

use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;

use windows::Win32::Foundation::{LPARAM, WPARAM};
use windows::Win32::System::Threading::GetCurrentThreadId;
use windows::Win32::UI::WindowsAndMessaging::{
    DispatchMessageW, GetMessageW, MSG, PM_NOREMOVE, PeekMessageW, PostThreadMessageW,
    TranslateMessage, WM_QUIT,
};

use crate::platform::Error;

/// The thread. It ends, and what its setup made goes, with this handle.
#[derive(Debug)]
pub(super) struct Pump {
    thread: u32,
    handle: Option<JoinHandle<()>>,
}

/// What the thread does with messages that are no window's.
pub(super) trait Serve {
    /// Handles one.
    fn handle(&mut self, _message: &MSG) {}
}

impl Pump {
    /// Runs `setup` on the new thread; what it makes first is for the caller, the second stays there until the end.
    pub(super) fn start<R: Send + 'static, S: Serve + 'static>(
        name: &str,
        setup: impl FnOnce() -> Result<(R, S), Error> + Send + 'static,
    ) -> Result<(Self, R), Error> {
        let (tell, told) = sync_channel(1);
        let handle = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let mut message = MSG::default();
                // SAFETY: the message is ours. The first look makes the queue, so that nothing posted to it is lost.
                unsafe { PeekMessageW(&raw mut message, None, 0, 0, PM_NOREMOVE) }
                    .ok()
                    .ok();
                match setup() {
                    Ok((result, serve)) => {
                        // SAFETY: takes nothing.
                        let thread = unsafe { GetCurrentThreadId() };
                        if tell.send(Ok((thread, result))).is_ok() {
                            run(serve);
                        }
                    }
                    // Nobody waits any more: then nobody wants to know.
                    Err(error) => drop(tell.send(Err(error))),
                }
            })?;
        let gone = || Error::Lost("a thread has ended".to_owned());
        let (thread, result) = told.recv().map_err(|_| gone())??;
        let pump = Self {
            thread,
            handle: Some(handle),
        };
        Ok((pump, result))
    }

    /// False once it has ended by itself.
    pub(super) fn runs(&self) -> bool {
        let handle = self.handle.as_ref();
        handle.is_some_and(|handle| !handle.is_finished())
    }

    /// Posts a message to the thread itself. False if it is gone.
    pub(super) fn post(&self, message: u32) -> bool {
        // SAFETY: numbers alone.
        unsafe { PostThreadMessageW(self.thread, message, WPARAM(0), LPARAM(0)) }.is_ok()
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.post(WM_QUIT);
        if let Some(handle) = self.handle.take()
            && handle.thread().id() != std::thread::current().id()
        {
            handle.join().ok();
        }
    }
}

fn run(mut serve: impl Serve) {
    let mut message = MSG::default();
    // SAFETY: the message is ours; zero is the end, less than that a failure, which does not happen without a window.
    while unsafe { GetMessageW(&raw mut message, None, 0, 0) }.0 > 0 {
        if message.hwnd.is_invalid() {
            serve.handle(&message);
        }
        // SAFETY: the message is one that was just taken.
        unsafe {
            // It says whether it made a character of it.
            let _made = TranslateMessage(&raw const message);
            DispatchMessageW(&raw const message);
        }
    }
}
