//! The screens of an X11 desktop: RandR 1.5 monitors, numbered as the customer counts them.
//!
//! A monitor's name is its output's: it stays over every change of place, size and turn, and another screen
//! never gets it as long as this one is there.

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::randr::{self, ConnectionExt as _, NotifyMask};
use x11rb::protocol::xproto::{ChangeWindowAttributesAux, ConnectionExt as _, EventMask};

use super::wake::sleep;
use super::{Error, Link};
use crate::platform::numbering::number;
use crate::platform::{Area, Monitor, Waker};

/// Asks for the screens of this moment, numbered as the customer counts them.
pub(in crate::platform) fn query(link: &Link) -> Result<Vec<Monitor>, Error> {
    Ok(number(boxes(link)?))
}

/// The screens' places as the server lists them.
pub(in crate::platform) fn in_server_order(link: &Link) -> Result<Vec<Area>, Error> {
    let boxes = boxes(link)?.into_iter();
    Ok(boxes.map(|(place, _)| place).collect())
}

/// Wants to be told of changes. What a change was is asked for anew: servers tell too little, or too much.
pub(in crate::platform) fn announce(link: &Link) -> Result<(), Error> {
    if link.has(randr::X11_EXTENSION_NAME)? {
        let notices =
            NotifyMask::SCREEN_CHANGE | NotifyMask::CRTC_CHANGE | NotifyMask::OUTPUT_CHANGE;
        link.connection.randr_select_input(link.root, notices)?;
    }
    let structure = ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY);
    link.connection
        .change_window_attributes(link.root, &structure)?;
    Ok(())
}

/// True for what [`announce`] asks for.
pub(in crate::platform) fn is_change(event: &Event) -> bool {
    matches!(
        event,
        Event::RandrScreenChangeNotify(_) | Event::RandrNotify(_) | Event::ConfigureNotify(_)
    )
}

/// Tells the screens, and again whenever they are others, until the waker wakes.
pub(in crate::platform) fn follow(
    link: &Link,
    waker: &Waker,
    mut changed: impl FnMut(Vec<Monitor>),
) -> Result<(), Error> {
    announce(link)?;
    let mut known = Vec::new();
    loop {
        let found = query(link)?;
        if found != known {
            known.clone_from(&found);
            changed(found);
        }
        // What came with the answer is seen here; what comes later ends the sleep.
        while !take_change(link)? {
            sleep(link.fd(), waker, None)?;
            if waker.take() {
                return Ok(());
            }
        }
    }
}

fn take_change(link: &Link) -> Result<bool, Error> {
    let mut any = false;
    while let Some(event) = link.connection.poll_for_event()? {
        any |= is_change(&event);
    }
    Ok(any)
}

/// Places with names.
fn boxes(link: &Link) -> Result<Vec<(Area, u32)>, Error> {
    let mut boxes = Vec::new();
    if let Some(monitors) = monitors(link)? {
        boxes = monitors
            .iter()
            .filter(|monitor| monitor.width > 0 && monitor.height > 0)
            .map(|monitor| {
                let place = Area {
                    x: monitor.x,
                    y: monitor.y,
                    width: monitor.width,
                    height: monitor.height,
                };
                (place, monitor.name)
            })
            .collect();
    }
    if boxes.is_empty() {
        let root = link.connection.get_geometry(link.root)?.reply()?;
        let place = Area {
            x: 0,
            y: 0,
            width: root.width,
            height: root.height,
        };
        boxes.push((place, x11rb::NONE));
    }
    Ok(boxes)
}

/// What RandR calls monitors; none if the server does not know them.
fn monitors(link: &Link) -> Result<Option<Vec<randr::MonitorInfo>>, Error> {
    if !link.has(randr::X11_EXTENSION_NAME)? {
        return Ok(None);
    }
    // Sent together: one answer to wait for.
    let version = link.connection.randr_query_version(1, 5)?;
    let monitors = link.connection.randr_get_monitors(link.root, true)?;
    let version = version.reply()?;
    if (version.major_version, version.minor_version) < (1, 5) {
        monitors.discard_reply_and_errors();
        return Ok(None);
    }
    Ok(Some(monitors.reply()?.monitors))
}
