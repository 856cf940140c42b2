//! A person who drags files out of another program and drops them on a window: XDND, version 5, as file managers speak it.
//!
//! ```text
//! Drag::of(files) ─► owns XdndSelection ─ drop_at(x, y): the first window there that is XdndAware
//!    Enter, Position ─► Status ─► Drop ─► whoever took it asks for the list ─► Finished
//! ```
//! An X client of its own; the pointer itself stays where it is.

use std::cell::Cell;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageData, ClientMessageEvent, ConnectionExt as _, CreateWindowAux,
    EventMask, PropMode, SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent,
    Timestamp, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::wait;

/// How long the other program may take to answer on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(20);

const VERSION: u32 = 5;

/// Files that hang on the pointer.
#[derive(Debug)]
pub struct Drag {
    connection: RustConnection,
    root: Window,
    window: Window,
    atoms: Atoms,
    list: Vec<u8>,
    time: Timestamp,
    /// True once somebody has read the list.
    read: Cell<bool>,
}

#[derive(Debug, Clone, Copy)]
struct Atoms {
    aware: Atom,
    selection: Atom,
    enter: Atom,
    position: Atom,
    status: Atom,
    drop: Atom,
    leave: Atom,
    finished: Atom,
    copy: Atom,
    uris: Atom,
}

/// What the other program says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Status { taken: bool },
    Finished,
}

impl Drag {
    /// Takes hold of these files.
    pub fn of(display: &str, files: &[&Path]) -> Result<Self> {
        let (connection, screen) = x11rb::connect(Some(display))?;
        let root = connection.setup().roots[screen].root;
        let atom = |name: &str| -> Result<Atom> {
            Ok(connection
                .intern_atom(false, name.as_bytes())?
                .reply()?
                .atom)
        };
        let atoms = Atoms {
            aware: atom("XdndAware")?,
            selection: atom("XdndSelection")?,
            enter: atom("XdndEnter")?,
            position: atom("XdndPosition")?,
            status: atom("XdndStatus")?,
            drop: atom("XdndDrop")?,
            leave: atom("XdndLeave")?,
            finished: atom("XdndFinished")?,
            copy: atom("XdndActionCopy")?,
            uris: atom("text/uri-list")?,
        };
        let window = connection.generate_id()?;
        let events = CreateWindowAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        connection.create_window(
            0,
            window,
            root,
            -1,
            -1,
            1,
            1,
            0,
            WindowClass::INPUT_ONLY,
            0,
            &events,
        )?;
        // The server's own time: asked for by a change that changes nothing.
        connection.change_property8(
            PropMode::APPEND,
            window,
            AtomEnum::WM_NAME,
            AtomEnum::STRING,
            &[],
        )?;
        connection.flush()?;
        let time = wait::until("the X server's time", PATIENCE, || {
            Ok(match connection.poll_for_event()? {
                Some(Event::PropertyNotify(notify)) => Some(notify.time),
                Some(_) | None => None,
            })
        })?;
        connection.set_selection_owner(window, atoms.selection, time)?;
        let mut list = Vec::new();
        for file in files {
            list.extend_from_slice(b"file://");
            for byte in file.as_os_str().as_bytes() {
                match byte {
                    b'/' | b'.' | b'-' | b'_' | b'~' => list.push(*byte),
                    byte if byte.is_ascii_alphanumeric() => list.push(*byte),
                    byte => list.extend_from_slice(format!("%{byte:02X}").as_bytes()),
                }
            }
            list.extend_from_slice(b"\r\n");
        }
        Ok(Self {
            connection,
            root,
            window,
            atoms,
            list,
            time,
            read: Cell::new(false),
        })
    }

    /// Drops them at a place of the screen. True if the window there took them and has read what they are.
    pub fn drop_at(&self, x: i16, y: i16) -> Result<bool> {
        let target = self
            .aware_at(x, y)?
            .context("no window there takes drops")?;
        let Atoms {
            enter,
            position,
            drop,
            leave,
            copy,
            uris,
            ..
        } = self.atoms;
        self.tell(target, enter, [self.window, VERSION << 24, uris, 0, 0])?;
        let place = u32::from(x.cast_unsigned()) << 16 | u32::from(y.cast_unsigned());
        self.tell(target, position, [self.window, 0, place, self.time, copy])?;
        let Answer::Status { taken } = self.await_answer("the status of a drop")? else {
            anyhow::bail!("finished before anything was dropped");
        };
        if !taken {
            self.tell(target, leave, [self.window, 0, 0, 0, 0])?;
            return Ok(false);
        }
        // Where the list is read while the files still hover, a hand does not let go sooner.
        wait::until_true("the list to be read", PATIENCE, || {
            self.serve()?;
            Ok(self.read.get())
        })
        .ok();
        self.tell(target, drop, [self.window, 0, self.time, 0, 0])?;
        let end = self.await_answer("the end of a drop")?;
        ensure!(end == Answer::Finished, "{end:?} after the drop");
        Ok(self.read.get())
    }

    /// The outermost window there that says that it takes drops.
    fn aware_at(&self, x: i16, y: i16) -> Result<Option<Window>> {
        let mut window = self.root;
        loop {
            let inside = self
                .connection
                .translate_coordinates(self.root, window, x, y)?
                .reply()?
                .child;
            if inside == x11rb::NONE {
                return Ok(None);
            }
            window = inside;
            let aware = self
                .connection
                .get_property(false, window, self.atoms.aware, AtomEnum::ANY, 0, 1)?
                .reply()?;
            if aware.value_len > 0 {
                return Ok(Some(window));
            }
        }
    }

    fn tell(&self, to: Window, kind: Atom, words: [u32; 5]) -> Result<()> {
        let message = ClientMessageEvent::new(32, to, kind, ClientMessageData::from(words));
        self.connection
            .send_event(false, to, EventMask::NO_EVENT, message)?;
        self.connection.flush()?;
        Ok(())
    }

    fn await_answer(&self, what: &str) -> Result<Answer> {
        wait::until(what, PATIENCE, || self.serve())
    }

    /// Answers whoever asks for the list. What the target says, if it said something.
    fn serve(&self) -> Result<Option<Answer>> {
        while let Some(event) = self.connection.poll_for_event()? {
            #[expect(
                clippy::wildcard_enum_match_arm,
                reason = "other events are of no concern"
            )]
            match event {
                Event::SelectionRequest(request) => self.hand_over(&request)?,
                Event::ClientMessage(message) if message.type_ == self.atoms.status => {
                    let taken = message.data.as_data32()[1] & 1 == 1;
                    return Ok(Some(Answer::Status { taken }));
                }
                Event::ClientMessage(message) if message.type_ == self.atoms.finished => {
                    return Ok(Some(Answer::Finished));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    fn hand_over(&self, request: &SelectionRequestEvent) -> Result<()> {
        let mut property = x11rb::NONE;
        if request.target == self.atoms.uris {
            property = request.property;
            self.connection.change_property8(
                PropMode::REPLACE,
                request.requestor,
                property,
                self.atoms.uris,
                &self.list,
            )?;
            self.read.set(true);
        }
        let notify = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor: request.requestor,
            selection: request.selection,
            target: request.target,
            property,
        };
        self.connection
            .send_event(false, request.requestor, EventMask::NO_EVENT, notify)?;
        self.connection.flush()?;
        Ok(())
    }
}
