//! The agent's own windows among all others on X11: the window manager's frame around one counts as own.
//!
//! Not here: what to do about it (the hand module's and the engine's).

use x11rb::protocol::shape::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{
    AtomEnum, ConnectionExt as _, GetWindowAttributesReply, InputFocus, MapState, Window,
    WindowClass,
};

use super::{Link, outdated, screens};
use crate::platform::{Area, Error, OwnWindows, Sight, area_of};

/// Looks at windows on a connection of its own.
pub struct Desk {
    link: Link,
    own: OwnWindows,
    pid_atom: u32,
    shapes: bool,
}

impl Desk {
    /// Connects. `own` is the list of the agent's windows; windows that name this
    /// process in `_NET_WM_PID` count too.
    pub fn open(display: Option<&str>, own: OwnWindows) -> Result<Self, Error> {
        let link = Link::open(display)?;
        let pid_atom = link.atom("_NET_WM_PID")?;
        let shapes = link.has(shape::X11_EXTENSION_NAME)?;
        Ok(Self {
            link,
            own,
            pid_atom,
            shapes,
        })
    }

    /// True unless this part of the window (relative to its upper left corner) is wholly seen.
    pub fn covered(&self, window: u32, part: Area) -> Result<bool, Error> {
        Ok(!matches!(self.sight(window, part)?, Sight::Clear(_)))
    }

    /// True unless this part of the window, given by its place on the desktop, is wholly seen.
    pub fn covered_at(&self, window: u32, place: Area) -> Result<bool, Error> {
        match self.look_at(window, place) {
            Ok(sight) => Ok(!matches!(sight, Sight::Clear(_))),
            // A window went away while it was asked about.
            Err(Ask::Gone) => Ok(true),
            Err(Ask::Failed(error)) => Err(error),
        }
    }

    /// True if no pixel of the window lies on a screen: it is unmapped or gone, or out of
    /// every screen. What covers it does not matter.
    pub fn gone(&self, window: u32) -> Result<bool, Error> {
        match self.find_gone(window) {
            Ok(gone) => Ok(gone),
            Err(Ask::Gone) => Ok(true),
            Err(Ask::Failed(error)) => Err(error),
        }
    }

    /// What the window takes up of the desktop; none if it is gone.
    pub fn place_of(&self, window: u32) -> Result<Option<Area>, Error> {
        match self.place(window) {
            Ok(place) => Ok(Some(place)),
            Err(Ask::Gone) => Ok(None),
            Err(Ask::Failed(error)) => Err(error),
        }
    }

    /// How this part of the window (relative to its upper left corner) is seen.
    ///
    /// Walks from the window up to the root: at each level no foreign window that is
    /// higher may overlap the part, and every ancestor must contain it. Foreign children inside the window count
    /// as well. A window that is invisible but takes input covers nothing; what a click
    /// on it does is the provenance's and the toolkit's matter.
    pub fn sight(&self, window: u32, part: Area) -> Result<Sight, Error> {
        match self.look(window, part) {
            Ok(sight) => Ok(sight),
            // A window went away while it was asked about.
            Err(Ask::Gone) => Ok(Sight::Hidden),
            Err(Ask::Failed(error)) => Err(error),
        }
    }

    /// True if the second window is the first, lies around it (as the window manager's frame does), or is on the
    /// list of the agent's own.
    pub fn holds(&self, window: u32, other: u32) -> Result<bool, Error> {
        if self.own.contains(other) {
            return Ok(true);
        }
        match self.lies_within(window, other) {
            Ok(within) => Ok(within),
            Err(Ask::Gone) => Ok(false),
            Err(Ask::Failed(error)) => Err(error),
        }
    }

    fn lies_within(&self, window: Window, other: Window) -> Result<bool, Ask> {
        let mut node = window;
        while node != self.link.root && node != x11rb::NONE {
            if node == other {
                return Ok(true);
            }
            node = self.link.connection.query_tree(node)?.reply()?.parent;
        }
        Ok(false)
    }

    /// True if a click at this point of the desktop would reach one of the agent's windows.
    pub fn own_at(&self, x: i16, y: i16) -> Result<bool, Error> {
        settle(self.find_own_at(x, y))
    }

    /// True if a key press would reach one of the agent's windows.
    pub fn own_has_focus(&self) -> Result<bool, Error> {
        settle(self.find_own_focus())
    }

    fn find_gone(&self, window: Window) -> Result<bool, Ask> {
        let connection = &self.link.connection;
        // Sent together: one answer to wait for.
        let attributes = connection.get_window_attributes(window)?;
        let place = self.place(window);
        if attributes.reply()?.map_state != MapState::VIEWABLE {
            return Ok(true);
        }
        let place = place?;
        let screens = screens::query(&self.link).map_err(Ask::Failed)?;
        let mut screens = screens.iter().map(|monitor| area_of(&monitor.screen));
        Ok(!screens.any(|screen| screen.clip(place).is_some()))
    }

    fn look(&self, window: Window, part: Area) -> Result<Sight, Ask> {
        let connection = &self.link.connection;
        let corner = connection
            .translate_coordinates(window, self.link.root, part.x, part.y)?
            .reply()?;
        let place = Area {
            x: corner.dst_x,
            y: corner.dst_y,
            ..part
        };
        self.look_at(window, place)
    }

    fn look_at(&self, window: Window, place: Area) -> Result<Sight, Ask> {
        let connection = &self.link.connection;
        let state = connection.get_window_attributes(window)?.reply()?.map_state;
        if state != MapState::VIEWABLE {
            return Ok(Sight::Hidden);
        }
        if self.overlapped(window, None, place)? {
            return Ok(Sight::Covered);
        }
        let mut node = window;
        loop {
            if !self.place(node)?.covers(place) {
                return Ok(Sight::Covered);
            }
            if node == self.link.root {
                return Ok(Sight::Clear(place));
            }
            let parent = connection.query_tree(node)?.reply()?.parent;
            if self.overlapped(parent, Some(node), place)? {
                return Ok(Sight::Covered);
            }
            node = parent;
        }
    }

    /// True if a foreign child of `parent` overlaps the place: any, or one above `above`.
    fn overlapped(&self, parent: Window, above: Option<Window>, place: Area) -> Result<bool, Ask> {
        let connection = &self.link.connection;
        let children = connection.query_tree(parent)?.reply()?.children;
        let from = above.and_then(|node| children.iter().position(|child| *child == node));
        let higher = &children[from.map_or(0, |index| index + 1)..];
        let mut asked = Vec::with_capacity(higher.len());
        for &child in higher.iter().filter(|child| !self.own.contains(**child)) {
            asked.push((child, connection.get_window_attributes(child)?));
        }
        let mut seen = Vec::new();
        for (child, answer) in asked {
            match answer.reply() {
                Ok(found) if visible(&found) => seen.push(child),
                Ok(_) => {}
                Err(error) if outdated(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        for child in seen {
            match self.place(child) {
                Ok(found) if found.clip(place).is_some() => return Ok(true),
                Ok(_) | Err(Ask::Gone) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    fn place(&self, window: Window) -> Result<Area, Ask> {
        place(&self.link, window, self.shapes)
    }

    /// Follows the server's own choice from the root down: the topmost mapped child at the
    /// point that takes input there.
    fn find_own_at(&self, x: i16, y: i16) -> Result<bool, Ask> {
        let connection = &self.link.connection;
        let mut node = self.link.root;
        let mut top = None;
        loop {
            let child = connection
                .translate_coordinates(self.link.root, node, x, y)?
                .reply()?
                .child;
            if child == x11rb::NONE {
                break;
            }
            if self.is_own(child)? {
                return Ok(true);
            }
            top = top.or(Some(child));
            node = child;
        }
        top.map_or(Ok(false), |top| self.frames_own(top))
    }

    fn find_own_focus(&self) -> Result<bool, Ask> {
        let connection = &self.link.connection;
        let focus = connection.get_input_focus()?.reply()?.focus;
        if focus == u32::from(InputFocus::POINTER_ROOT) {
            let place = connection.query_pointer(self.link.root)?.reply()?;
            return self.find_own_at(place.root_x, place.root_y);
        }
        if focus == u32::from(InputFocus::NONE) {
            return Ok(false);
        }
        let mut node = focus;
        while node != self.link.root && node != x11rb::NONE {
            if self.is_own(node)? {
                return Ok(true);
            }
            node = connection.query_tree(node)?.reply()?.parent;
        }
        if focus == self.link.root {
            Ok(false)
        } else {
            self.frames_own(focus)
        }
    }

    /// True if one of the agent's windows lies inside: the window is its frame. F11 waits while this is found
    /// out: what has more windows than any frame counts as own.
    fn frames_own(&self, window: Window) -> Result<bool, Ask> {
        self.holds_own(window, FRAME_DEPTH, &mut { MOST_WINDOWS })
    }

    fn holds_own(&self, window: Window, depth: u8, left: &mut u32) -> Result<bool, Ask> {
        if depth == 0 {
            return Ok(false);
        }
        let children = self.link.connection.query_tree(window)?.reply()?.children;
        for child in children {
            let Some(rest) = left.checked_sub(1) else {
                return Ok(true);
            };
            *left = rest;
            let found = match self.is_own(child) {
                Ok(false) => self.holds_own(child, depth - 1, left),
                Ok(true) => Ok(true),
                Err(error) => Err(error),
            };
            match found {
                Ok(false) | Err(Ask::Gone) => {}
                Ok(true) => return Ok(true),
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    fn is_own(&self, window: Window) -> Result<bool, Ask> {
        if self.own.contains(window) {
            return Ok(true);
        }
        let property = self
            .link
            .connection
            .get_property(false, window, self.pid_atom, AtomEnum::CARDINAL, 0, 1)?
            .reply()?;
        Ok(property.value32().and_then(|mut values| values.next()) == Some(std::process::id()))
    }
}

/// How deep in a window manager's frame the window itself lies at most.
const FRAME_DEPTH: u8 = 4;
const MOST_WINDOWS: u32 = 256;

/// What a window takes up of the desktop, its border and, if the server knows `shapes`, its shape included.
pub(super) fn place(link: &Link, window: Window, shapes: bool) -> Result<Area, Ask> {
    let connection = &link.connection;
    let origin = connection.translate_coordinates(window, link.root, 0, 0)?;
    let geometry = connection.get_geometry(window)?;
    let shape = if shapes {
        Some(connection.shape_query_extents(window)?)
    } else {
        None
    };
    let (origin, geometry) = (origin.reply()?, geometry.reply()?);
    if let Some(shape) = shape {
        let shape = shape.reply()?;
        if shape.bounding_shaped {
            return Ok(Area {
                x: origin.dst_x.saturating_add(shape.bounding_shape_extents_x),
                y: origin.dst_y.saturating_add(shape.bounding_shape_extents_y),
                width: shape.bounding_shape_extents_width,
                height: shape.bounding_shape_extents_height,
            });
        }
    }
    let border = geometry.border_width;
    Ok(Area {
        x: origin.dst_x.saturating_sub_unsigned(border),
        y: origin.dst_y.saturating_sub_unsigned(border),
        width: geometry.width.saturating_add(border.saturating_mul(2)),
        height: geometry.height.saturating_add(border.saturating_mul(2)),
    })
}

/// How asking about windows fails: they come and go.
pub(super) enum Ask {
    Gone,
    Failed(Error),
}

impl From<x11rb::errors::ConnectionError> for Ask {
    fn from(error: x11rb::errors::ConnectionError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<x11rb::errors::ReplyError> for Ask {
    fn from(error: x11rb::errors::ReplyError) -> Self {
        if outdated(&error) {
            Self::Gone
        } else {
            Self::Failed(error.into())
        }
    }
}

/// When a window went away meanwhile, nobody knows where input goes: it counts as own, and is
/// dropped.
fn settle(answer: Result<bool, Ask>) -> Result<bool, Error> {
    match answer {
        Ok(own) => Ok(own),
        Err(Ask::Gone) => Ok(true),
        Err(Ask::Failed(error)) => Err(error),
    }
}

fn visible(window: &GetWindowAttributesReply) -> bool {
    window.class == WindowClass::INPUT_OUTPUT && window.map_state == MapState::VIEWABLE
}
