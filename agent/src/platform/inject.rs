//! The technician's hand: moves, buttons, wheel, keys and text.
//!
//! ```text
//! prepare(event)            what the layout lacks is made ready (no permit: nothing is pressed; wait as it says,
//!                           without any lock)
//! inject(&ControlPermit)    the one event that the permit carries
//! release_all()             everything held goes up, the layout is what it was
//! ```
//!
//! F11 is never pressed. Not here: whether the event may act, and whether it aims at the
//! agent's own windows ([`super::own`]).

pub use super::system::inject::Inject;

/// Why an event was not injected, or not wholly.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It was F11, or a key that can become F11.
    #[error("F11 is never pressed for somebody else")]
    StopKey,
    /// It points outside the shared area.
    #[error("the position lies outside the shared area")]
    OutsideArea,
    /// Not a key, or a wheel turn beyond the wire's limit.
    #[error("there is no such key or turn")]
    NoSuchKey,
    /// The layout lacks the character and no key is spare.
    #[error("no key is free for a character that the keyboard lacks")]
    NoSpareKey,
    /// A spare key must rest before it gets another character.
    #[error("a key must rest first: prepare the event and wait as told")]
    Unprepared,
    /// A window with more rights than this program, or the secure desktop, would get it: only a person can answer there.
    #[error("only a person can answer there")]
    Protected,
    /// The system refused the event.
    #[error("the system refused the event: {0}")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The connection failed.
    #[error(transparent)]
    Platform(super::Error),
}

impl<E: Into<super::Error>> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Platform(error.into())
    }
}

/// Symbols that end the X server, its grabs, or switch to another terminal: the customer could
/// be left without the agent's window. And those with which keys click: nobody checks where.
pub(super) fn steers_server(keysym: u32) -> bool {
    matches!(keysym, 0xfed5 | 0xfee0..=0xfefa | 0xfe70..=0xfe7a | 0x1008_fe01..=0x1008_fe2f)
}

/// The wire's limit for one wheel event.
pub(super) const MOST_NOTCHES: u16 = 32;
/// The key that is never pressed.
pub(super) const F11: u32 = 0xffc8;
