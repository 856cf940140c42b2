//! The X11 session as a whole: is there one, what are its screens, and how they are captured.

use super::Link;
use crate::platform::{Capture, Desktop, Error, Monitor, Waker};

/// What this session shows, and by which name another start of this program would know it.
pub fn desktop() -> Desktop {
    let session = Session::from_environment();
    match std::env::var_os("DISPLAY").filter(|display| !display.is_empty()) {
        Some(display) if refuse_wayland(None, &session).is_ok() => {
            Desktop::Shown(display.to_string_lossy().into_owned())
        }
        Some(display) => Desktop::Partly(display.to_string_lossy().into_owned()),
        None if session.wayland => Desktop::Wayland,
        None => Desktop::Missing("DISPLAY"),
    }
}

/// Opens the best backend that this desktop has: change notices where the X server gives
/// them, comparison by the portable backend elsewhere. `display` is `None` for the
/// session's own; the portable backend knows no other.
pub fn open_capture(display: Option<&str>) -> Result<Box<dyn Capture>, Error> {
    refuse_wayland(display, &Session::from_environment())?;
    match super::capture::Damage::open(display) {
        Ok(capture) => Ok(Box::new(capture)),
        Err(super::capture::OpenError::NoNotices) => Ok(Box::new(super::scrap::Scrap::open()?)),
        Err(super::capture::OpenError::Failed(error)) => Err(error),
    }
}

/// Calls `changed` with the screens of this moment, numbered from 1, from left to right, then from top to bottom, and
/// again whenever they are others, until the waker wakes. Sleeps in between. No pixels.
pub fn follow_monitors(
    display: Option<&str>,
    waker: &Waker,
    changed: impl FnMut(Vec<Monitor>),
) -> Result<(), Error> {
    refuse_wayland(display, &Session::from_environment())?;
    super::screens::follow(&Link::open(display)?, waker, changed)
}

/// What the environment says about the session.
struct Session {
    display: bool,
    wayland: bool,
    kind: Option<String>,
}

impl Session {
    fn from_environment() -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        Self {
            display: set("DISPLAY"),
            wayland: set("WAYLAND_DISPLAY"),
            kind: std::env::var("XDG_SESSION_TYPE").ok(),
        }
    }
}

/// Under Wayland an X server may be there too (Xwayland), but it shows only some windows:
/// sharing them would promise more than it keeps.
fn refuse_wayland(display: Option<&str>, session: &Session) -> Result<(), Error> {
    if display.is_some() {
        return Ok(());
    }
    let wayland =
        session.kind.as_deref() == Some("wayland") || (session.wayland && !session.display);
    if wayland { Err(Error::Wayland) } else { Ok(()) }
}

/// True for a dark desktop. None if nobody tells.
pub fn dark(display: Option<&str>) -> Option<bool> {
    super::theme::dark(display).ok().flatten()
}

/// True if another program uses F11 as well. It stops all the same.
pub fn stop_key_taken(display: Option<&str>) -> Result<bool, Error> {
    super::stop_key::taken(display)
}

/// An X server leaves no window out of its picture: the console marks ours in it.
pub fn keep_out(_: u32) {}

/// An X server keeps nothing from this program: false.
pub fn protected() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wayland_sessions_are_named() {
        let session = |display, wayland, kind: Option<&str>| Session {
            display,
            wayland,
            kind: kind.map(str::to_owned),
        };
        let refused = |given: Option<&str>, session: &Session| {
            matches!(refuse_wayland(given, session), Err(Error::Wayland))
        };
        assert!(refused(None, &session(false, true, None)));
        assert!(refused(None, &session(true, true, Some("wayland"))));
        assert!(!refused(None, &session(true, true, Some("x11"))));
        assert!(!refused(None, &session(true, false, None)));
        assert!(!refused(Some(":1"), &session(false, true, None)));
    }
}
