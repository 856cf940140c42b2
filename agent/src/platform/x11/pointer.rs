//! The customer's pointer: where it is and how it looks, apart from the picture.
//!
//! ```text
//! XI2 raw motion (any device, injected too) ─┐
//! XFixes cursor notify ──────────────────────┴► wait ─► PointerNotice
//! read(&ViewPermit) ─► QueryPointer, GetCursorImage if new ─► PointerState
//! ```
//!
//! A resting pointer costs nothing. A program that warps the pointer makes no raw motion;
//! its new place is noticed at the next motion, shape change, or [`Pointer::read`].
//! Not here: how often a move is worth a frame.

use std::time::Duration;

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xfixes::{self, ConnectionExt as _, CursorNotifyMask};
use x11rb::protocol::xinput::{self, ConnectionExt as _, XIEventMask};
use x11rb::protocol::xproto::ConnectionExt as _;

use super::wake::sleep;
use super::{Link, devices};
use crate::platform::pointer::{PointerNotice, PointerState};
use crate::platform::{Error, PointerShape, ViewPermit, Waker, deadline};
use fernsicht_protocol::content::MAX_POINTER;

/// Watches the pointer on a connection of its own. Lives on one thread.
pub struct Pointer {
    link: Link,
    waker: Waker,
    shape_new: bool,
}

impl Pointer {
    /// Connects and asks for notices. The first read brings the shape.
    pub fn open(display: Option<&str>) -> Result<Self, Error> {
        let link = Link::open(display)?;
        if !link.has(xfixes::X11_EXTENSION_NAME)? {
            return Err(Error::Unsupported {
                detail: "The X server does not tell the pointer's shape.",
            });
        }
        link.connection.xfixes_query_version(5, 0)?.reply()?;
        link.connection
            .xfixes_select_cursor_input(link.root, CursorNotifyMask::DISPLAY_CURSOR)?;
        devices::check_version(&link)?;
        let mask = xinput::EventMask {
            deviceid: xinput::Device::ALL_MASTER.into(),
            mask: vec![XIEventMask::RAW_MOTION],
        };
        link.connection
            .xinput_xi_select_events(link.root, &[mask])?;
        link.connection.flush()?;
        Ok(Self {
            link,
            waker: Waker::new()?,
            shape_new: true,
        })
    }

    /// A handle that ends [`Pointer::wait`] from another thread.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Sleeps until the pointer moves or changes, somebody wakes it, or the time is over.
    pub fn wait(&mut self, timeout: Option<Duration>) -> Result<PointerNotice, Error> {
        let deadline = deadline(timeout);
        let mut notice = PointerNotice::default();
        loop {
            while let Some(event) = self.link.connection.poll_for_event()? {
                notice.moved |= matches!(event, Event::XinputRawMotion(_));
                notice.shape |= matches!(event, Event::XfixesCursorNotify(_));
            }
            self.shape_new |= notice.shape;
            notice.woken = self.waker.take();
            if !notice.nothing() || sleep(self.link.fd(), &self.waker, deadline)? {
                return Ok(notice);
            }
        }
    }

    /// Where the pointer is, and its shape if that is new.
    pub fn read(&mut self, _permit: &ViewPermit<'_>) -> Result<PointerState, Error> {
        let place = self
            .link
            .connection
            .query_pointer(self.link.root)?
            .reply()?;
        let shape = if self.shape_new {
            let image = self.link.connection.xfixes_get_cursor_image()?.reply()?;
            self.shape_new = false;
            Some(shape(&image))
        } else {
            None
        };
        Ok(PointerState {
            x: place.root_x,
            y: place.root_y,
            shape,
        })
    }

    /// Makes the next read bring the shape again (a new console, a new epoch).
    pub fn forget_shape(&mut self) {
        self.shape_new = true;
    }
}

/// The server's image as the wire has it; shapes wider than the wire's limit are made
/// smaller by a whole factor, and an empty one is one clear pixel.
fn shape(image: &xfixes::GetCursorImageReply) -> PointerShape {
    let (width, height) = (usize::from(image.width), usize::from(image.height));
    if width * height == 0 || image.cursor_image.len() < width * height {
        return PointerShape {
            width: 1,
            height: 1,
            hot_x: 0,
            hot_y: 0,
            bgra: vec![0; 4],
        };
    }
    let factor = width.max(height).div_ceil(usize::from(MAX_POINTER));
    let (across, down) = (width / factor, height / factor);
    let (across, down) = (across.max(1), down.max(1));
    let bgra = (0..down)
        .flat_map(|y| (0..across).map(move |x| y * factor * width + x * factor))
        .flat_map(|at| image.cursor_image[at].to_le_bytes())
        .collect();
    let small = |value: usize| u16::try_from(value).unwrap_or(MAX_POINTER);
    let hot = |value: u16, limit: usize| small((usize::from(value) / factor).min(limit - 1));
    PointerShape {
        width: small(across),
        height: small(down),
        hot_x: hot(image.xhot, across),
        hot_y: hot(image.yhot, down),
        bgra,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(width: u16, height: u16) -> xfixes::GetCursorImageReply {
        let pixels = usize::from(width) * usize::from(height);
        xfixes::GetCursorImageReply {
            sequence: 0,
            length: 0,
            x: 0,
            y: 0,
            width,
            height,
            xhot: width / 2,
            yhot: height,
            cursor_serial: 1,
            cursor_image: (0..pixels as u32).collect(),
        }
    }

    #[test]
    fn shapes_fit_the_wire() {
        let small = shape(&image(24, 16));
        assert_eq!(
            (small.width, small.height, small.hot_x, small.hot_y),
            (24, 16, 12, 15)
        );
        assert_eq!(small.bgra[4..8], 1u32.to_le_bytes());
        let large = shape(&image(600, 10));
        assert_eq!((large.width, large.height), (200, 3));
        assert_eq!(large.bgra.len(), 200 * 3 * 4);
        assert_eq!(shape(&image(0, 5)).bgra.len(), 4);
    }
}
