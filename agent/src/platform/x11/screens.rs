//! The screens of an X11 desktop: RandR 1.5 monitors, numbered as the customer counts them.
//!
//! Not here: noticing that they changed ([`super::capture`]).

use fernsicht_protocol::content::Screen;
use x11rb::protocol::randr::ConnectionExt as _;
use x11rb::protocol::xproto::ConnectionExt as _;

use super::{Error, Link};

/// The most screens that are told apart; more than the wire carries would be cut there.
const MOST: usize = 16;

/// Asks for the screens of this moment, numbered as the customer counts them.
pub(in crate::platform) fn query(link: &Link) -> Result<Vec<Screen>, Error> {
    Ok(number(boxes(link)?))
}

/// The screens as the server lists them; their numbers mean nothing.
pub(in crate::platform) fn in_server_order(link: &Link) -> Result<Vec<Screen>, Error> {
    let screens = boxes(link)?.into_iter();
    Ok(screens
        .map(|(x, y, width, height)| Screen {
            number: 0,
            x,
            y,
            width,
            height,
        })
        .collect())
}

fn boxes(link: &Link) -> Result<Vec<(i16, i16, u16, u16)>, Error> {
    let mut boxes = Vec::new();
    if monitors_known(link)? {
        let monitors = link
            .connection
            .randr_get_monitors(link.root, true)?
            .reply()?
            .monitors;
        boxes = monitors
            .iter()
            .filter(|monitor| monitor.width > 0 && monitor.height > 0)
            .map(|monitor| (monitor.x, monitor.y, monitor.width, monitor.height))
            .collect();
    }
    if boxes.is_empty() {
        let root = link.connection.get_geometry(link.root)?.reply()?;
        boxes.push((0, 0, root.width, root.height));
    }
    Ok(boxes)
}

fn monitors_known(link: &Link) -> Result<bool, Error> {
    if !link.has(x11rb::protocol::randr::X11_EXTENSION_NAME)? {
        return Ok(false);
    }
    let version = link.connection.randr_query_version(1, 5)?.reply()?;
    Ok((version.major_version, version.minor_version) >= (1, 5))
}

/// Numbers from 1, from left to right, then from top to bottom. Mirrored screens count once.
fn number(mut boxes: Vec<(i16, i16, u16, u16)>) -> Vec<Screen> {
    boxes.sort_unstable();
    boxes.dedup();
    (1..)
        .zip(boxes.into_iter().take(MOST))
        .map(|(number, (x, y, width, height))| Screen {
            number,
            x,
            y,
            width,
            height,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_eye() {
        let screens = number(vec![
            (1920, 0, 1280, 1024),
            (0, 1080, 1920, 1080),
            (0, 0, 1920, 1080),
            (0, 0, 1920, 1080),
        ]);
        let corners: Vec<_> = screens.iter().map(|s| (s.number, s.x, s.y)).collect();
        assert_eq!(corners, [(1, 0, 0), (2, 0, 1080), (3, 1920, 0)]);
    }
}
