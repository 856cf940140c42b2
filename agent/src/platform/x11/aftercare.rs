//! Lets go of what an agent that died was holding.
//!
//! ```text
//! agent ──pipe──► this program again, as a child: sleeps until the pipe ends
//!                   ├─ "done" before the end: the agent has released everything itself
//!                   └─ the end alone: it died ─► every key and button that is down on the XTEST devices goes up,
//!                        and spare keys are emptied
//! ```
//!
//! An X server keeps a key that a program pressed by XTEST down when that program is killed, and repeats it
//! for ever. The child is started with the first input of a session's control. It injects nothing
//! but releases, and only of what the server says is down on the devices of programs: a person's keys stay as they
//! are. What another program holds by XTEST at that moment goes up as well: the server does not say whose it is.
//!
//! Not here: what to do while the agent lives ([`super::inject::Inject`] releases then).

use std::io::{Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use x11rb::connection::Connection as _;
use x11rb::protocol::xinput::{ConnectionExt as _, InputStateData};
use x11rb::protocol::xproto;
use x11rb::protocol::xtest::ConnectionExt as _;

use super::Link;
use super::devices::{self, Devices};
use super::keyboard::{self, Keymap};
use super::spares;
use crate::platform::Error;

/// The argument by which the program knows what it is to be.
pub const ARGUMENT: &str = "--let-go";

/// The child, as the agent has it. Dropped, it is told that there is nothing to let go of.
pub struct Aftercare {
    child: Child,
}

impl Aftercare {
    /// Starts the child. Errors: the system starts no second process.
    pub fn start() -> std::io::Result<Self> {
        // The file may have been moved or deleted meanwhile; this path leads to what is running.
        let child = Command::new("/proc/self/exe")
            .arg(ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // What a terminal sends to the agent is not for it.
            .process_group(0)
            .spawn()?;
        Ok(Self { child })
    }

    /// False if it has ended: nobody would let go.
    pub fn alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Aftercare {
    fn drop(&mut self) {
        if let Some(mut pipe) = self.child.stdin.take() {
            // A child that is gone needs no word.
            pipe.write_all(DONE).ok();
        }
        self.child.wait().ok();
    }
}

/// What the child does, until the agent is gone.
pub fn run() -> Result<(), Error> {
    let link = Link::open(None)?;
    devices::check_version(&link)?;
    let mut word = Vec::new();
    std::io::stdin()
        .take(DONE.len() as u64)
        .read_to_end(&mut word)?;
    if word == DONE {
        return Ok(());
    }
    let_go(&link)
}

/// Everything that is down on the devices of programs goes up.
fn let_go(link: &Link) -> Result<(), Error> {
    for device in Devices::query(link)?.injected() {
        let Ok(device) = u8::try_from(device) else {
            continue;
        };
        let state = link.connection.xinput_query_device_state(device)?.reply()?;
        for class in state.classes {
            match class.data {
                InputStateData::Key(keys) => {
                    for keycode in down(&keys.keys) {
                        release(link, xproto::KEY_RELEASE_EVENT, keycode)?;
                    }
                }
                InputStateData::Button(buttons) => {
                    for button in down(&buttons.buttons) {
                        release(link, xproto::BUTTON_RELEASE_EVENT, button)?;
                    }
                }
                InputStateData::Valuator(_) | InputStateData::InvalidValue(_) => {}
            }
        }
    }
    link.sync()?;
    empty_spare_keys(link)
}

/// What is on keys of the injecting keyboard that are empty on every person's, was put there for the technician.
fn empty_spare_keys(link: &Link) -> Result<(), Error> {
    let (Some(injecting), persons) = Devices::keyboards(link)? else {
        return Ok(());
    };
    keyboard::follow(link, injecting)?;
    let keymap = Keymap::read(link, injecting)?;
    let mut theirs = Vec::new();
    for person in persons {
        theirs.push(Keymap::read(link, person)?.spare_keys());
    }
    let Some((first, others)) = theirs.split_first() else {
        return Ok(());
    };
    let empty = keymap.spare_keys();
    let ours = first
        .iter()
        .filter(|key| others.iter().all(|keys| keys.contains(key)) && !empty.contains(key));
    spares::empty(link, injecting, ours.copied())
}

fn release(link: &Link, kind: u8, detail: u8) -> Result<(), Error> {
    link.connection
        .xtest_fake_input(kind, detail, x11rb::CURRENT_TIME, 0, 0, 0, 0)?;
    Ok(link.connection.flush()?)
}

/// The numbers of the bits that are set.
fn down(bits: &[u8]) -> impl Iterator<Item = u8> {
    (0..=u8::MAX).filter(|number| {
        let byte = bits.get(usize::from(number / 8)).copied().unwrap_or(0);
        byte & (1 << (number % 8)) != 0
    })
}

const DONE: &[u8] = b"done";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_numbered_as_the_server_does() {
        assert_eq!(
            down(&[0b10, 0, 0b1000_0001]).collect::<Vec<_>>(),
            [1, 16, 23]
        );
        assert_eq!(down(&[0; 32]).count(), 0);
        let mut all = down(&[0xff; 32]);
        assert_eq!((all.next(), all.last()), (Some(0), Some(255)));
    }
}
