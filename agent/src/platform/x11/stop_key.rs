//! Whether another program has taken F11 for itself. It stops all the same: raw events come in spite of grabs.

use x11rb::connection::Connection as _;
use x11rb::errors::ReplyError;
use x11rb::protocol::ErrorKind;
use x11rb::protocol::xproto::{ConnectionExt as _, GrabMode, ModMask};

use super::Link;
use crate::platform::Error;

/// True if another program's grab of F11 refuses ours, which is given back at once.
pub(in crate::platform) fn taken(display: Option<&str>) -> Result<bool, Error> {
    let link = Link::open(display)?;
    let setup = link.connection.setup();
    let (first, last) = (setup.min_keycode, setup.max_keycode);
    let map = link
        .connection
        .get_keyboard_mapping(first, last - first + 1)?
        .reply()?;
    let each = usize::from(map.keysyms_per_keycode.max(1));
    for (keycode, keysyms) in (first..=last).zip(map.keysyms.chunks(each)) {
        if keysyms.first() != Some(&F11) {
            continue;
        }
        let (root, none) = (link.root, ModMask::default());
        let grab = link.connection.grab_key(
            true,
            root,
            none,
            keycode,
            GrabMode::ASYNC,
            GrabMode::ASYNC,
        )?;
        match grab.check() {
            Ok(()) => link.connection.ungrab_key(keycode, root, none)?.check()?,
            Err(ReplyError::X11Error(error)) if error.error_kind == ErrorKind::Access => {
                return Ok(true);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(false)
}

const F11: u32 = 0xffc8;
