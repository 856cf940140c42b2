//! The thread that shows where the technician points, while he may look and no more.
//!
//! ```text
//! notice ─► Core::pointed (the newest) ─► this thread ─► guard: permit? ─► sign moved there
//!                                              └── revoked, or STANDS after the newest ─► sign gone
//! ```
//!
//! The sign moves at most every [`EVERY`], whatever comes: its cost is bounded by that, and it stands
//! still in between. Never over the agent's own windows. Not here: how it looks ([`crate::platform::marker`]).

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use fernsicht_protocol::frame::Header;

use super::core::Shared;
use super::injector::Own;
use crate::platform::marker::{self, Marker};
use crate::platform::own::Desk;
use crate::platform::{self, Area};

/// How long the sign stands after the newest notice.
const STANDS: Duration = Duration::from_secs(3);

/// Between two moves of the sign.
const EVERY: Duration = Duration::from_millis(50);

/// Where the technician points, and by which notice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pointed {
    /// The notice's.
    pub(super) header: Header,
    /// Pixels of the shared area.
    pub(super) x: u16,
    /// Pixels of the shared area.
    pub(super) y: u16,
    /// A click.
    pub(super) press: bool,
}

/// The sign on the screen.
#[derive(Debug, Clone, Copy)]
struct Shown {
    header: Header,
    at: Instant,
}

enum Next {
    Show(Pointed, platform::Shown),
    Hide,
    Close,
}

/// Runs until the program ends. A desktop that takes no sign is shown without one.
pub(super) fn run(shared: &Arc<Shared>, desk: &Desk) {
    let mut marker: Option<Marker> = None;
    let mut shown: Option<Shown> = None;
    loop {
        let stands = match next(shared, shown) {
            Next::Close => return,
            Next::Hide => None,
            Next::Show(pointed, screens) => show(shared, desk, &mut marker, &pointed, &screens),
        };
        if stands.is_none() && shown.is_some() {
            // A marker whose connection is gone has taken its windows along.
            marker = marker.and_then(|mut sign| sign.hide().ok().map(|()| sign));
        }
        shown = stands;
    }
}

/// Waits for what is to be done next. `shown`: the sign that stands.
fn next(shared: &Shared, shown: Option<Shown>) -> Next {
    let mut core = shared.lock_politely();
    loop {
        if core.closing {
            return Next::Close;
        }
        let now = Instant::now();
        if let Some(shown) = &shown {
            let stays =
                shown.at + STANDS > now && core.guard.handle_point(now, &shown.header).is_ok();
            shared.settle_quietly(&mut core);
            if !stays {
                return Next::Hide;
            }
        }
        let due = shown.map_or(now, |shown| shown.at + EVERY);
        if due <= now
            && let Some(pointed) = core.pointed.take()
        {
            return Next::Show(pointed, core.shown.clone());
        }
        let until = match (shown, core.pointed) {
            (Some(_), Some(_)) => Some(due),
            (Some(shown), None) => Some(shown.at + STANDS),
            (None, _) => None,
        };
        core = match until {
            Some(until) => {
                let rest = until.saturating_duration_since(now);
                let waited = shared.stirred.wait_timeout(core, rest);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => shared
                .stirred
                .wait(core)
                .unwrap_or_else(PoisonError::into_inner),
        };
    }
}

/// Moves the sign there, if the guard permits it. None: it is not to be seen.
fn show(
    shared: &Shared,
    desk: &Desk,
    marker: &mut Option<Marker>,
    pointed: &Pointed,
    screens: &platform::Shown,
) -> Option<Shown> {
    let area = screens.area;
    let x = area.x.saturating_add_unsigned(pointed.x);
    let y = area.y.saturating_add_unsigned(pointed.y);
    // Only on what is shown: between the screens there is nothing to point at.
    if !screens.contains(x.into(), y.into()) || over_own(desk, marker::place(x, y)) {
        return None;
    }
    if marker.is_none() {
        *marker = Marker::open(None).ok();
    }
    let sign = marker.as_mut()?;
    let mut core = shared.lock_politely();
    let now = Instant::now();
    let moved = match core.guard.handle_point(now, &pointed.header) {
        Ok(permit) => sign.show(&permit, x, y, pointed.press),
        Err(_) => {
            shared.settle_quietly(&mut core);
            return None;
        }
    };
    shared.settle_quietly(&mut core);
    drop(core);
    moved.ok()?;
    Some(Shown {
        header: pointed.header,
        at: now,
    })
}

/// True if one of the agent's windows lies there, or if nobody can tell.
fn over_own(desk: &dyn Own, place: Area) -> bool {
    let steps = |from: i16, size: u16| {
        let last = i32::from(size) - 1;
        (0..=GRID)
            .map(move |n| from.saturating_add(i16::try_from(last * n / GRID).unwrap_or(i16::MAX)))
    };
    steps(place.y, place.height)
        .flat_map(|y| steps(place.x, place.width).map(move |x| (x, y)))
        .any(|(x, y)| desk.own_at(x, y).unwrap_or(true))
}

/// The sign's area is looked at in a grid of so many steps: 26 pixels apart, less than any own window measures.
const GRID: i32 = 2;
