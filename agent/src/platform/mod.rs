//! The customer's computer as the agent meets it: screens, pointer, mouse and keyboard,
//! and the agent's own windows among all others.
//!
//! ```text
//! screen ──damage──► Capture::wait ──rects──► Capture::read(&ViewPermit) ──► Pixels
//! pointer ─────────► Pointer::wait ─────────► Pointer::read(&ViewPermit) ──► PointerState
//! InputEvent ──► Inject::prepare ──► Inject::inject(&ControlPermit) ──► the system
//! every device ──────────────► Watch ──► callback (F11, activity) and Provenance
//! ```
//!
//! One backend per system: `x11` and `win32` have the same names. Every part holds a connection or
//! a thread of its own, so that none waits for another. Nothing here decides: rights are the
//! guard's, and reading or injecting without one of its permits does not compile.

use std::time::{Duration, Instant};

pub use fernsicht_protocol::content::{PointerShape, Screen};
pub use fernsicht_protocol::guard::{ControlPermit, PointPermit, TransferPermit, ViewPermit};
pub use fernsicht_protocol::picture::Rect;

pub mod elevate;
pub mod inject;
pub mod marker;
mod numbering;
pub mod overlay;
pub mod own;
pub mod pointer;
pub mod region;
mod tiles;
mod trail;
pub mod watch;
#[cfg(windows)]
mod win32;
#[cfg(unix)]
mod x11;

#[cfg(windows)]
use win32 as system;
#[cfg(unix)]
use x11 as system;

pub use inject::Inject;
pub use own::{OwnWindows, Sight, Steady};
pub use pointer::{Pointer, PointerState};
#[cfg(unix)]
pub use system::scrap;
pub use system::{
    Aftercare, Clipboard, Covers, Waker, aftercare, clipboard, dark, desktop, follow_monitors,
    keep_out, open_capture, protected, removable, stop_key_taken,
};
pub use watch::{Provenance, Watch};

/// What goes wrong between the agent and the customer's desktop.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No screen answers.
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
    /// A screen that was chosen is not there any more.
    #[error("a screen that was chosen is gone")]
    ScreenGone,
    /// The screen is gone or answers nonsense.
    #[error("the connection to the screen was lost: {0}")]
    Lost(String),
    /// The system refused memory or a thread.
    #[error("the system refused: {0}")]
    System(#[from] std::io::Error),
}

/// The login session that this program runs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Desktop {
    /// Its screens can be shown; other starts in it know it by this name.
    Shown(String),
    /// Programs' windows open there, but what could be shown is not the whole screen.
    Partly(String),
    /// A Wayland session without room for our windows.
    Wayland,
    /// There is none: this is missing.
    Missing(&'static str),
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

    /// True if the other lies wholly inside.
    pub fn covers(self, inner: Area) -> bool {
        self.clip(inner)
            .is_some_and(|part| (part.width, part.height) == (inner.width, inner.height))
    }

    /// What both have in common.
    pub fn common(self, other: Area) -> Option<Area> {
        let part = self.clip(other)?;
        Some(Area {
            x: self.x.saturating_add_unsigned(part.x),
            y: self.y.saturating_add_unsigned(part.y),
            width: part.width,
            height: part.height,
        })
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

/// A screen and what the desktop calls it. Numbers follow the screens' places; the name stays when a screen
/// moves, turns or changes its size, so it is by name that a screen is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Monitor {
    /// Unlike every other one's; 0 where the desktop knows no monitors.
    pub name: u32,
    /// Where it is.
    pub screen: Screen,
}

/// Which screens are shared: those with these names, and none that comes later.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection(pub Vec<u32>);

impl Selection {
    /// What is shared of these. Errors: [`Error::ScreenGone`] if one of the chosen is not among them.
    pub fn shown(&self, monitors: &[Monitor]) -> Result<Shown, Error> {
        let Self(names) = self;
        let there = |name: &u32| monitors.iter().any(|monitor| monitor.name == *name);
        let mut screens: Vec<Screen> = monitors
            .iter()
            .filter(|monitor| names.contains(&monitor.name))
            .map(|monitor| monitor.screen.clone())
            .collect();
        screens.dedup();
        if screens.is_empty() || !names.iter().all(there) {
            return Err(Error::ScreenGone);
        }
        Ok(Shown::new(screens))
    }
}

/// The shared part of the desktop: some screens, and the smallest rectangle around them. What else lies in
/// the rectangle (another screen, or nothing at all) is black and takes no clicks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    /// The rectangle.
    pub area: Area,
    screens: Vec<Screen>,
}

impl Shown {
    /// What these screens, in pixels of the desktop, make up.
    pub fn new(screens: Vec<Screen>) -> Self {
        let around = |all: Area, next: Area| {
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
        };
        let area = screens.iter().map(area_of).reduce(around);
        Self {
            area: area.unwrap_or_default(),
            screens,
        }
    }

    /// Where its screens are, on the desktop.
    pub fn places(&self) -> impl Iterator<Item = Area> {
        self.screens.iter().map(area_of)
    }

    /// Its screens as parts of the rectangle.
    pub fn parts(&self) -> impl Iterator<Item = Rect> {
        self.places().filter_map(|place| self.area.clip(place))
    }

    /// Its screens relative to the rectangle's upper left corner, as the console is told.
    pub fn screens(&self) -> impl Iterator<Item = Screen> {
        self.screens.iter().filter_map(|screen| {
            let part = self.area.clip(area_of(screen))?;
            Some(Screen {
                number: screen.number,
                x: i16::try_from(part.x).ok()?,
                y: i16::try_from(part.y).ok()?,
                width: part.width,
                height: part.height,
            })
        })
    }

    /// True if the point of the desktop lies on one of its screens.
    pub fn contains(&self, x: i32, y: i32) -> bool {
        self.places().any(|place| place.contains(x, y))
    }

    /// What these rectangles have in common with each of its screens.
    pub fn within(&self, rects: &[Rect]) -> Vec<Vec<Rect>> {
        let inside = |part: Rect| {
            let common = rects.iter().map(move |rect| rect.intersection(part));
            common.filter(|rect| !rect.is_empty()).collect()
        };
        self.parts().map(inside).collect()
    }
}

/// When a wait of this length ends.
fn deadline(timeout: Option<Duration>) -> Option<Instant> {
    timeout.and_then(|timeout| Instant::now().checked_add(timeout))
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

    /// What is shared.
    fn shown(&self) -> &Shown;

    /// The shared area.
    fn area(&self) -> Area {
        self.shown().area
    }

    /// Chooses what is shared, which is nothing at first; also after [`Changes::layout`]. Errors: [`Error::ScreenGone`], and what
    /// was shared stays what it was.
    fn select(&mut self, selection: &Selection) -> Result<Shown, Error>;

    /// A handle that ends [`Capture::wait`] from another thread.
    fn waker(&self) -> Waker;

    /// Sleeps until something changes, somebody wakes it, or the time is over
    /// (`None`: without end). Carries no pixels.
    fn wait(&mut self, timeout: Option<Duration>) -> Result<Changes, Error>;

    /// Reads these rectangles of the screen *of this moment* into the picture, which must
    /// have the area's size, and says which of them were read or found changed. Nothing outside of the
    /// shared screens is read.
    fn read(
        &mut self,
        permit: &ViewPermit<'_>,
        rects: &[Rect],
        into: &mut Pixels,
    ) -> Result<Vec<Rect>, Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn monitor(number: u8, (x, y): (i16, i16), (width, height): (u16, u16)) -> Monitor {
        let screen = Screen {
            number,
            x,
            y,
            width,
            height,
        };
        Monitor {
            name: 100 + u32::from(number),
            screen,
        }
    }

    #[test]
    fn all_screens_are_the_box_around_them() {
        let monitors = [
            monitor(1, (-1280, 40), (1280, 1024)),
            monitor(2, (0, 0), (1920, 1080)),
        ];
        let shown = Selection(vec![101, 102]).shown(&monitors).unwrap();
        let area = Area {
            x: -1280,
            y: 0,
            width: 3200,
            height: 1080,
        };
        assert_eq!(shown.area, area);
        let parts: Vec<_> = shown.screens().map(|s| (s.number, s.x, s.y)).collect();
        assert_eq!(parts, [(1, 0, 40), (2, 1280, 0)]);
        assert!(shown.contains(-1, 40) && !shown.contains(-1, 39));
    }

    #[test]
    fn a_screen_is_chosen_by_name_and_none_comes_by_itself() {
        let (left, right) = (
            monitor(1, (0, 0), (800, 600)),
            monitor(2, (800, 0), (640, 480)),
        );
        let both = Selection(vec![101, 102]);
        assert_eq!(both.shown(&[left.clone(), right]).unwrap().area.width, 1440);
        // Another one between them: it is in the rectangle, and not shared.
        let wide = monitor(3, (1440, 0), (800, 600));
        let new = Monitor {
            name: 7,
            screen: monitor(2, (800, 0), (640, 480)).screen,
        };
        let moved = Monitor { name: 102, ..wide };
        let shown = both.shown(&[left.clone(), new.clone(), moved]).unwrap();
        assert_eq!(shown.area.width, 2240);
        assert!(!shown.contains(900, 100) && shown.contains(1500, 100));
        let read = shown.within(&[shown.area.whole()]);
        let widths: Vec<_> = read
            .concat()
            .iter()
            .map(|rect| (rect.x, rect.width))
            .collect();
        assert_eq!(widths, [(0, 800), (1440, 800)]);
        assert!(matches!(
            both.shown(&[left.clone(), new]),
            Err(Error::ScreenGone)
        ));
        assert!(matches!(
            Selection::default().shown(&[left]),
            Err(Error::ScreenGone)
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
}
