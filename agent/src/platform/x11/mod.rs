//! What the parts for X11 share: one connection each, the root window, typed errors.
//!
//! Not here: anything that decides, and anything that another backend could use.

use std::os::fd::{AsFd, BorrowedFd};

use x11rb::connection::Connection;
use x11rb::errors::{ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::xproto::{Atom, ConnectionExt as _, Window};
use x11rb::rust_connection::RustConnection;

use super::Error;

pub mod aftercare;
pub(super) mod capture;
pub mod clipboard;
mod covers;
pub(super) mod desk;
mod devices;
pub(super) mod elevate;
pub(super) mod inject;
mod keyboard;
pub(super) mod marker;
pub(super) mod panel;
pub(super) mod pointer;
pub mod scrap;
mod screens;
mod session;
mod shm;
mod spares;
mod sticks;
mod stop_key;
mod theme;
mod wake;
pub(super) mod watch;

pub use aftercare::Aftercare;
pub use clipboard::Clipboard;
pub use covers::Covers;
pub use session::{
    dark, desktop, follow_monitors, keep_out, open_capture, protected, stop_key_taken,
};
pub use sticks::removable;
pub use wake::Waker;

/// One connection to the X server.
pub(super) struct Link {
    pub(super) connection: RustConnection,
    pub(super) screen: usize,
    pub(super) root: Window,
}

impl Link {
    /// Connects to this display, or to the session's own.
    pub(super) fn open(display: Option<&str>) -> Result<Self, Error> {
        let (connection, screen) =
            x11rb::connect(display).map_err(|error| Error::NoDisplay(error.to_string()))?;
        let root = connection
            .setup()
            .roots
            .get(screen)
            .map(|screen| screen.root)
            .ok_or_else(|| Error::NoDisplay("the X server has no screen".to_owned()))?;
        Ok(Self {
            connection,
            screen,
            root,
        })
    }

    /// The description of the screen that was connected to.
    pub(super) fn screen(&self) -> &x11rb::protocol::xproto::Screen {
        &self.connection.setup().roots[self.screen]
    }

    /// True if the server has the extension.
    pub(super) fn has(&self, extension: &'static str) -> Result<bool, Error> {
        Ok(x11rb::connection::RequestConnection::extension_information(
            &self.connection,
            extension,
        )?
        .is_some())
    }

    /// A named atom.
    pub(super) fn atom(&self, name: &str) -> Result<Atom, Error> {
        Ok(self
            .connection
            .intern_atom(false, name.as_bytes())?
            .reply()?
            .atom)
    }

    /// Sends what is buffered and waits until the server has handled it.
    pub(super) fn sync(&self) -> Result<(), Error> {
        self.connection.get_input_focus()?.reply()?;
        Ok(())
    }

    /// What to sleep on.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.connection.stream().as_fd()
    }
}

/// True if a reply failed because the thing asked about is gone or lies outside
/// the screen: the caller's picture of the screen is out of date, the connection is well.
pub(super) fn outdated(error: &ReplyError) -> bool {
    matches!(error, ReplyError::X11Error(_))
}

impl From<ConnectionError> for Error {
    fn from(error: ConnectionError) -> Self {
        Self::Lost(error.to_string())
    }
}

impl From<ReplyError> for Error {
    fn from(error: ReplyError) -> Self {
        Self::Lost(error.to_string())
    }
}

impl From<ReplyOrIdError> for Error {
    fn from(error: ReplyOrIdError) -> Self {
        Self::Lost(error.to_string())
    }
}
