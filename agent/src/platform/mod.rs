//! The customer's computer as the agent meets it: screens, pointer, mouse and keyboard,
//! and the agent's own windows among all others.
//!
//! ```text
//! screen ──damage──► Capture::wait ──rects──► Capture::read(&ViewPermit) ──► Pixels
//! pointer ─────────► Pointer::wait ─────────► Pointer::read(&ViewPermit) ──► PointerState
//! InputEvent ──► Inject::plan ──► Inject::step(&ControlPermit) ──► X server
//! every device ──raw events──► Watch ──► callback (F11, activity) and Provenance
//! ```
//!
//! One trait per concern, one backend per file. Every part holds a connection of its own
//! to the X server, so that none waits for another. Nothing here decides: rights are the
//! guard's, and reading or injecting without one of its permits does not compile.

use std::time::Duration;

pub use fernsicht_protocol::content::{PointerShape, Screen};
pub use fernsicht_protocol::guard::{ControlPermit, ViewPermit};
pub use fernsicht_protocol::picture::Rect;

pub mod aftercare;
pub mod covers;
pub mod inject;
pub mod overlay;
pub mod own;
pub mod pointer;
pub mod region;
pub mod scrap;
pub mod wake;
pub mod watch;
mod x11;

pub use aftercare::Aftercare;
pub use covers::Covers;
pub use inject::Inject;
pub use own::{OwnWindows, Sight, Steady};
pub use pointer::{Pointer, PointerState};
pub use wake::Waker;
pub use watch::{Provenance, Watch};

/// What goes wrong between the agent and the customer's desktop.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No X server answers.
    #[error("no screen can be reached: {0}")]
    NoDisplay(String),
    /// The session is a Wayland one: no program may see or steer others there.
    #[error("this is a Wayland session; sign in to an X11 session instead")]
    Wayland,
    /// The screen has a property that this program cannot handle.
    #[error("{detail}")]
    Unsupported {
        /// One sentence that says what.
        detail: &'static str,
    },
    /// Mouse and keyboard cannot be steered here.
    #[error("mouse and keyboard cannot be steered here: {detail}")]
    InputUnavailable {
        /// One sentence that says why.
        detail: String,
    },
    /// The screens changed: choose the area again.
    #[error("the screens have changed")]
    LayoutChanged,
    /// There is no screen with this number.
    #[error("there is no screen {0}")]
    NoSuchScreen(u8),
    /// The X server is gone or answers nonsense.
    #[error("the connection to the screen was lost: {0}")]
    Lost(String),
    /// The system refused memory or a thread.
    #[error("the system refused: {0}")]
    System(#[from] std::io::Error),
}

/// A rectangle of the desktop: the shared area, or what a window takes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Area {
    /// Left edge in pixels of the desktop.
    pub x: i16,
    /// Upper edge.
    pub y: i16,
    /// Width.
    pub width: u16,
    /// Height.
    pub height: u16,
}

impl Area {
    /// The whole of it, as seen from inside.
    pub fn whole(self) -> Rect {
        Rect {
            x: 0,
            y: 0,
            width: self.width,
            height: self.height,
        }
    }

    /// True if the point of the desktop is inside.
    pub fn contains(self, x: i32, y: i32) -> bool {
        let (left, top) = (i32::from(self.x), i32::from(self.y));
        (left..left + i32::from(self.width)).contains(&x)
            && (top..top + i32::from(self.height)).contains(&y)
    }

    /// The part of a rectangle of the desktop that lies inside, relative to the area.
    pub fn clip(self, other: Area) -> Option<Rect> {
        let left = i32::from(self.x).max(i32::from(other.x));
        let top = i32::from(self.y).max(i32::from(other.y));
        let right = self.right().min(other.right());
        let bottom = self.bottom().min(other.bottom());
        if left >= right || top >= bottom {
            return None;
        }
        let inside = |value: i32| u16::try_from(value).ok();
        Some(Rect {
            x: inside(left - i32::from(self.x))?,
            y: inside(top - i32::from(self.y))?,
            width: inside(right - left)?,
            height: inside(bottom - top)?,
        })
    }

    fn right(self) -> i32 {
        i32::from(self.x) + i32::from(self.width)
    }

    fn bottom(self) -> i32 {
        i32::from(self.y) + i32::from(self.height)
    }
}

/// Which part of the desktop is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// All screens: the smallest rectangle around them.
    All,
    /// One screen, by its number.
    Screen(u8),
}

impl Selection {
    /// The area among these screens.
    pub fn area(self, screens: &[Screen]) -> Result<Area, Error> {
        match self {
            Self::Screen(number) => screens
                .iter()
                .find(|screen| screen.number == number)
                .map(area_of)
                .ok_or(Error::NoSuchScreen(number)),
            Self::All => screens
                .iter()
                .map(area_of)
                .reduce(|all, next| {
                    let (x, y) = (all.x.min(next.x), all.y.min(next.y));
                    let width = all.right().max(next.right()) - i32::from(x);
                    let height = all.bottom().max(next.bottom()) - i32::from(y);
                    let size = |value: i32| u16::try_from(value).unwrap_or(u16::MAX);
                    Area {
                        x,
                        y,
                        width: size(width),
                        height: size(height),
                    }
                })
                .ok_or(Error::NoSuchScreen(0)),
        }
    }
}

/// What one screen takes up of the desktop.
pub fn area_of(screen: &Screen) -> Area {
    Area {
        x: screen.x,
        y: screen.y,
        width: screen.width,
        height: screen.height,
    }
}

/// The picture of the shared area. Four bytes a pixel: blue, green, red, and one that
/// means nothing; rows from the top, without gaps.
#[derive(Clone, Default)]
pub struct Pixels {
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
    /// `width * height * 4` bytes.
    pub bgrx: Vec<u8>,
}

impl Pixels {
    /// A black picture of the area's size.
    pub fn new(area: Area) -> Self {
        let bytes = usize::from(area.width) * usize::from(area.height) * 4;
        Self {
            width: area.width,
            height: area.height,
            bgrx: vec![0; bytes],
        }
    }

    /// Where a pixel's bytes begin.
    pub fn offset(&self, x: u16, y: u16) -> usize {
        (usize::from(y) * usize::from(self.width) + usize::from(x)) * 4
    }
}

impl std::fmt::Debug for Pixels {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Pixels({}x{})", self.width, self.height)
    }
}

/// What happened to the screen since the last look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Where something may look different, inside the shared area.
    pub damage: Vec<Rect>,
    /// True if screens came, went, moved, turned or changed size: select again.
    pub layout: bool,
    /// True if a [`Waker`] ended the wait.
    pub woken: bool,
}

impl Changes {
    /// True if nothing happened.
    pub fn nothing(&self) -> bool {
        self.damage.is_empty() && !self.layout && !self.woken
    }
}

/// Sees the customer's screens. Lives on one thread.
pub trait Capture {
    /// Which backend this is, for the log.
    fn name(&self) -> &'static str;

    /// The screens, numbered from 1, from left to right, then from top to bottom.
    fn screens(&self) -> &[Screen];

    /// The shared area.
    fn area(&self) -> Area;

    /// Chooses the shared area; also after [`Changes::layout`].
    fn select(&mut self, selection: Selection) -> Result<Area, Error>;

    /// A handle that ends [`Capture::wait`] from another thread.
    fn waker(&self) -> Waker;

    /// Sleeps until something changes, somebody wakes it, or the time is over
    /// (`None`: without end). Carries no pixels.
    fn wait(&mut self, timeout: Option<Duration>) -> Result<Changes, Error>;

    /// Reads these rectangles of the screen *of this moment* into the picture, which must
    /// have the area's size, and says which of them were read or found changed.
    fn read(
        &mut self,
        permit: &ViewPermit<'_>,
        rects: &[Rect],
        into: &mut Pixels,
    ) -> Result<Vec<Rect>, Error>;
}

/// Opens the best backend that this desktop has: change notices where the X server gives
/// them, comparison by the portable backend elsewhere. `display` is `None` for the
/// session's own; the portable backend knows no other.
pub fn open_capture(display: Option<&str>) -> Result<Box<dyn Capture>, Error> {
    refuse_wayland(display, &Session::from_environment())?;
    match x11::capture::Damage::open(display) {
        Ok(capture) => Ok(Box::new(capture)),
        Err(x11::capture::OpenError::NoNotices) => Ok(Box::new(scrap::Scrap::open()?)),
        Err(x11::capture::OpenError::Failed(error)) => Err(error),
    }
}

/// The screens of this moment, for the page that lets the customer choose. No pixels.
pub fn screens(display: Option<&str>) -> Result<Vec<Screen>, Error> {
    refuse_wayland(display, &Session::from_environment())?;
    let link = x11::Link::open(display)?;
    x11::screens::query(&link)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(number: u8, x: i16, y: i16, width: u16, height: u16) -> Screen {
        Screen {
            number,
            x,
            y,
            width,
            height,
        }
    }

    #[test]
    fn all_screens_are_the_box_around_them() {
        let screens = [
            screen(1, -1280, 40, 1280, 1024),
            screen(2, 0, 0, 1920, 1080),
        ];
        let area = Selection::All.area(&screens).unwrap();
        assert_eq!(
            area,
            Area {
                x: -1280,
                y: 0,
                width: 3200,
                height: 1080
            }
        );
        assert!(matches!(
            Selection::Screen(3).area(&screens),
            Err(Error::NoSuchScreen(3))
        ));
    }

    #[test]
    fn clipping_is_relative_to_the_area() {
        let area = Area {
            x: 100,
            y: 50,
            width: 200,
            height: 100,
        };
        let clipped = area.clip(Area {
            x: 90,
            y: 140,
            width: 30,
            height: 30,
        });
        assert_eq!(
            clipped,
            Some(Rect {
                x: 0,
                y: 90,
                width: 20,
                height: 10
            })
        );
        assert_eq!(
            area.clip(Area {
                x: 300,
                y: 50,
                width: 5,
                height: 5
            }),
            None
        );
    }

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
