//! A text that the customer may paste: the agent owns the clipboard until it lets go.
//!
//! ```text
//! TransferPermit ─► Clipboard::take ─► selection CLIPBOARD is ours ─► thread: serves whoever pastes
//!                                          │ dropped, or somebody copies something else
//!                                          ▼
//!                                      window and text gone: nothing is left
//! ```
//!
//! The text is never handed to a clipboard manager, and is marked as one that managers keep no copy of. What
//! somebody copied since is not touched. Not here: whether it may be taken (the guard's).

use std::thread::JoinHandle;

use x11rb::CURRENT_TIME;
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ConnectionExt as _, CreateWindowAux, EventMask, PropMode,
    SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent, Window, WindowClass,
};
use x11rb::wrapper::ConnectionExt as _;

use super::{Link, wake};
use crate::platform::{Error, TransferPermit, Waker};

/// A place from which the clipboard can be taken: its window, owning nothing yet.
pub struct Clipboard {
    link: Link,
    window: Window,
    atoms: Atoms,
}

/// The clipboard is ours. Dropped, it is not.
pub struct Taken {
    waker: Waker,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Clone, Copy)]
struct Atoms {
    clipboard: Atom,
    targets: Atom,
    utf8: Atom,
    text: Atom,
    mime: Atom,
    /// What KDE's manager, and others after it, look for.
    hint: Atom,
}

impl Clipboard {
    /// Connects; takes nothing.
    pub fn open(display: Option<&str>) -> Result<Self, Error> {
        let link = Link::open(display)?;
        let window = link.connection.generate_id()?;
        link.connection.create_window(
            0,
            window,
            link.root,
            -1,
            -1,
            1,
            1,
            0,
            WindowClass::INPUT_ONLY,
            0,
            &CreateWindowAux::new().event_mask(EventMask::NO_EVENT),
        )?;
        let atoms = Atoms {
            clipboard: link.atom("CLIPBOARD")?,
            targets: link.atom("TARGETS")?,
            utf8: link.atom("UTF8_STRING")?,
            text: link.atom("TEXT")?,
            mime: link.atom("text/plain;charset=utf-8")?,
            hint: link.atom("x-kde-passwordManagerHint")?,
        };
        link.sync()?;
        Ok(Self {
            link,
            window,
            atoms,
        })
    }

    /// Takes the clipboard for this text. Errors: also if somebody else keeps it.
    pub fn take(self, _permit: &TransferPermit<'_>, text: String) -> Result<Taken, Error> {
        let connection = &self.link.connection;
        let clipboard = self.atoms.clipboard;
        connection.set_selection_owner(self.window, clipboard, CURRENT_TIME)?;
        let owner = connection.get_selection_owner(clipboard)?.reply()?.owner;
        if owner != self.window {
            return Err(Error::Unsupported {
                detail: "Another program keeps the clipboard.",
            });
        }
        let waker = Waker::new()?;
        let ended = waker.clone();
        let thread = std::thread::Builder::new()
            .name("clipboard".to_owned())
            .spawn(move || {
                if let Err(error) = self.serve(&text, &ended) {
                    tracing::debug!(%error, "the clipboard is lost");
                }
                // With the connection go window and ownership.
            })?;
        Ok(Taken {
            waker,
            thread: Some(thread),
        })
    }

    fn serve(&self, text: &str, ended: &Waker) -> Result<(), Error> {
        let connection = &self.link.connection;
        while !ended.take() {
            while let Some(event) = connection.poll_for_event()? {
                #[expect(
                    clippy::wildcard_enum_match_arm,
                    reason = "other events are of no concern"
                )]
                match event {
                    Event::SelectionRequest(request) => self.answer(text, &request)?,
                    Event::SelectionClear(_) => return Ok(()),
                    _ => {}
                }
            }
            connection.flush()?;
            wake::sleep(self.link.fd(), ended, None)?;
        }
        connection.destroy_window(self.window)?;
        self.link.sync()
    }

    /// Gives the text to whoever pastes it. A requestor that is gone is not waited for.
    fn answer(&self, text: &str, request: &SelectionRequestEvent) -> Result<(), Error> {
        let connection = &self.link.connection;
        let Atoms {
            targets,
            utf8,
            text: plain,
            mime,
            hint,
            ..
        } = self.atoms;
        // Old clients name no property.
        let property = match request.property {
            x11rb::NONE => request.target,
            property => property,
        };
        let target = request.target;
        let mut given = property;
        if target == targets {
            let all = [targets, utf8, plain, mime, hint];
            connection.change_property32(
                PropMode::REPLACE,
                request.requestor,
                property,
                AtomEnum::ATOM,
                &all,
            )?;
        } else if [utf8, plain, mime].contains(&target) {
            let of = if target == mime { mime } else { utf8 };
            connection.change_property8(
                PropMode::REPLACE,
                request.requestor,
                property,
                of,
                text.as_bytes(),
            )?;
        } else if target == hint {
            connection.change_property8(
                PropMode::REPLACE,
                request.requestor,
                property,
                utf8,
                b"secret",
            )?;
        } else {
            given = x11rb::NONE;
        }
        let notify = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor: request.requestor,
            selection: request.selection,
            target,
            property: given,
        };
        connection.send_event(false, request.requestor, EventMask::NO_EVENT, notify)?;
        connection.flush()?;
        Ok(())
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.waker.wake();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}
