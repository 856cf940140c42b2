//! The place as an abstract socket.
//!
//! The holder listens on an abstract socket named after the user and the display. The system
//! drops it with the process. Any user of the computer could take such a name first, so the other end's
//! user is asked for: a stranger's socket is passed over.

use std::io::{self, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::time::Duration;

use super::Place;

/// Held by the only agent of a login session.
pub struct First {
    listener: UnixListener,
}

impl First {
    /// Calls `front` whenever another start asks for it, on a thread of its own.
    /// Errors: the system has no room for a thread.
    pub fn listen(self, front: impl Fn() + Send + 'static) -> io::Result<()> {
        std::thread::Builder::new()
            .name("instance".to_owned())
            .spawn(move || {
                for stream in self.listener.incoming().flatten() {
                    let mut byte = [0];
                    let greeted = ours(&stream)
                        && stream.set_read_timeout(Some(PATIENCE)).is_ok()
                        && (&stream).read_exact(&mut byte).is_ok();
                    if greeted && byte[0] == FRONT {
                        front();
                    }
                }
            })?;
        Ok(())
    }
}

/// Who holds the place. Dropped, it has heard nothing.
pub(super) struct Holder(UnixStream);

impl Holder {
    /// Asks for its window.
    pub(super) fn front(self) -> io::Result<()> {
        let Self(mut stream) = self;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(&[FRONT])
    }
}

pub(super) fn place(display: &str) -> io::Result<Place> {
    let user = rustix::process::getuid().as_raw();
    for attempt in 0..ATTEMPTS {
        let name = format!("fernsicht-agent/{user}/{display}/{attempt}");
        let address = SocketAddr::from_abstract_name(name.as_bytes())?;
        match UnixListener::bind_addr(&address) {
            Ok(listener) => return Ok(Place::Ours(First { listener })),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error),
        }
        if let Ok(stream) = UnixStream::connect_addr(&address)
            && ours(&stream)
        {
            return Ok(Place::Theirs(Holder(stream)));
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AddrInUse,
        "the agent's place in this login session is taken",
    ))
}

/// True if the process at the other end belongs to the same user.
fn ours(stream: &UnixStream) -> bool {
    rustix::net::sockopt::socket_peercred(stream)
        .is_ok_and(|peer| peer.uid == rustix::process::getuid())
}

const FRONT: u8 = b'f';
const ATTEMPTS: u8 = 8;
const PATIENCE: Duration = Duration::from_millis(500);
