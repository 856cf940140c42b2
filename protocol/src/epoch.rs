//! The keys of an epoch, and the sealing and opening of frames (SPEC "Epoch n", docs/protocol.md §5).
//!
//! ```text
//! ep = Extract(H(enc("epoch", session, rid, n, recorded, th2)), E_n)
//! key(direction, class) = Expand(ep, enc("frame", direction, class))
//! plaintext = length u32 ‖ content ‖ zeros up to the padded size
//! ```
//!
//! Each key has one allocator of numbers, from 0. A number is consumed by sealing, whether or
//! not the frame arrives. Classes 0–5 open in exact order, classes 6–9 once each within a window of 1,024.
//!
//! Not here: whether a frame may be sent or acted on ([`crate::guard`], [`crate::router`]).

use std::ops::Range;

use rand_core::{CryptoRng, RngCore};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::crypto::{self, AeadKey, Hash, Prk, Secret, TAG_BYTES, labelled_hash};
use crate::frame::{Class, Direction, Frame, Header};
use crate::messages::SessionId;
use crate::rights::Rights;

/// The most epochs of a session: what a recording and its keys can hold. Whoever makes the link
/// flap without end ends the session.
pub const MAX_EPOCHS: u32 = 512;

/// How far a frame of classes 6 to 9 may be overtaken.
pub const WINDOW: u64 = 1024;

/// Why a frame is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Error {
    /// The tag does not fit.
    #[error("a frame was altered")]
    Altered,
    /// Another epoch's, or the wrong direction.
    #[error("a frame belongs to another epoch")]
    Foreign,
    /// In-order numbers have a gap, or a number came twice.
    #[error("a frame's number is out of order")]
    Number,
    /// The padding is not what this protocol makes.
    #[error("a frame's padding is wrong")]
    Padding,
}

/// The secret of an epoch with what it is bound to.
#[derive(Debug)]
pub struct Epoch {
    number: u32,
    prk: Prk,
}

impl Epoch {
    /// Draws E_n.
    pub fn draw(rng: &mut (impl RngCore + CryptoRng)) -> Secret {
        Zeroizing::new(crypto::random(rng))
    }

    /// Binds E_n to its session. `rid` is none while nothing is recorded.
    pub fn new(
        session: &SessionId,
        rid: Option<[u8; 16]>,
        number: u32,
        th2: &Hash,
        secret: &Secret,
    ) -> Self {
        let salt = labelled_hash(
            "epoch",
            &[
                session,
                &rid.unwrap_or_default(),
                &number.to_be_bytes(),
                &[u8::from(rid.is_some())],
                th2,
            ],
        );
        Self {
            number,
            prk: Prk::extract(&salt, secret.as_slice()),
        }
    }

    /// commit_n.
    pub fn commitment(&self) -> Hash {
        *self.prk.expand("commit", &[])
    }

    /// The end that seals in `direction`.
    pub fn sealer(&self, direction: Direction) -> Sealer {
        Sealer {
            epoch: self.number,
            direction,
            keys: self.keys(direction),
            next: [0; 10],
        }
    }

    /// The end that opens what was sealed in `direction`.
    pub fn opener(&self, direction: Direction) -> Opener {
        Opener {
            epoch: self.number,
            direction,
            keys: self.keys(direction),
            next: [0; 6],
            windows: Default::default(),
        }
    }

    fn keys(&self, direction: Direction) -> [AeadKey; 10] {
        Class::ALL.map(|class| {
            AeadKey::new(
                &self
                    .prk
                    .expand("frame", &[&[direction as u8], &[class as u8]]),
            )
        })
    }
}

/// Seals frames of one direction.
#[derive(Debug)]
pub struct Sealer {
    epoch: u32,
    direction: Direction,
    keys: [AeadKey; 10],
    next: [u64; 10],
}

impl Sealer {
    /// The epoch.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The number that the next frame of `class` will have.
    pub fn next_number(&self, class: Class) -> u64 {
        self.next[class as usize]
    }

    /// Seals `content` with the grant and rights in force and consumes a number.
    ///
    /// # Panics
    /// If `class` does not travel in this direction or the padded content exceeds its cap:
    /// our own misuse.
    pub fn seal(&mut self, class: Class, grant: u32, rights: Rights, content: &[u8]) -> Frame {
        assert!(
            class.allows(self.direction),
            "{class:?} does not travel in this direction"
        );
        let mut body = Vec::with_capacity(padded(class, content.len()) + TAG_BYTES);
        body.extend_from_slice(&(content.len() as u32).to_be_bytes());
        body.extend_from_slice(content);
        body.resize(padded(class, content.len()), 0);
        assert!(
            body.len() + TAG_BYTES <= class.max_ciphertext(),
            "the content fits its class"
        );
        let number = self.next[class as usize];
        self.next[class as usize] += 1;
        let header = Header {
            epoch: self.epoch,
            direction: self.direction,
            class,
            number,
            grant,
            rights,
            length: (body.len() + TAG_BYTES) as u32,
        };
        self.keys[class as usize].seal(number, &header.encode(), &mut body);
        Frame {
            header,
            ciphertext: body,
        }
    }
}

/// Opens frames of one direction.
#[derive(Debug)]
pub struct Opener {
    epoch: u32,
    direction: Direction,
    keys: [AeadKey; 10],
    next: [u64; 6],
    windows: [Window; 4],
}

impl Opener {
    /// The epoch.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Opens a frame and returns its content. Errors: see [`Error`]; none of them may be
    /// survived by the session, except [`Error::Foreign`] of the epoch just left.
    pub fn open(&mut self, frame: Frame) -> Result<Vec<u8>, Error> {
        let Frame {
            header,
            ciphertext: mut body,
        } = frame;
        self.check_number(&header)?;
        self.decrypt(&header, &mut body)?;
        self.take_number(&header);
        let content = content(&header, &body)?;
        body.truncate(content.end);
        body.drain(..content.start);
        Ok(body)
    }

    /// Opens a frame's ciphertext in place, whatever its number: for recordings, whose numbers are checked
    /// apart and which are read in any order. Returns where in `body` the content stands.
    pub fn open_at(&self, header: &Header, body: &mut Vec<u8>) -> Result<Range<usize>, Error> {
        if header.epoch != self.epoch || header.direction != self.direction {
            return Err(Error::Foreign);
        }
        self.decrypt(header, body)?;
        content(header, body)
    }

    fn decrypt(&self, header: &Header, body: &mut Vec<u8>) -> Result<(), Error> {
        self.keys[header.class as usize]
            .open(header.number, &header.encode(), body)
            .map_err(|_| Error::Altered)
    }

    /// Takes note of a frame that the relay withheld: its number is spent, its content is not known.
    pub fn skip(&mut self, header: &Header) -> Result<(), Error> {
        self.check_number(header)?;
        self.take_number(header);
        Ok(())
    }

    fn check_number(&self, header: &Header) -> Result<(), Error> {
        if header.epoch != self.epoch || header.direction != self.direction {
            return Err(Error::Foreign);
        }
        let fits = match header.class.in_order() {
            true => header.number == self.next[header.class as usize],
            false => self.windows[header.class as usize - 6].is_new(header.number),
        };
        if fits { Ok(()) } else { Err(Error::Number) }
    }

    fn take_number(&mut self, header: &Header) {
        match header.class.in_order() {
            true => self.next[header.class as usize] += 1,
            false => self.windows[header.class as usize - 6].take(header.number),
        }
    }
}

/// Which of the last 1,024 numbers have come.
#[derive(Debug, Clone, Default)]
pub struct Window {
    /// One past the highest number taken.
    end: u64,
    /// Bit `number % 1024`, for the numbers in `end - 1024 .. end`.
    seen: [u64; (WINDOW / 64) as usize],
}

impl Window {
    /// True if the number has not come and may still.
    pub fn is_new(&self, number: u64) -> bool {
        if number >= self.end {
            return number < u64::MAX;
        }
        self.end - number <= WINDOW && !self.bit(number)
    }

    /// True if the number is older than the window: whether it has come is not known any more.
    pub fn is_old(&self, number: u64) -> bool {
        number < self.end && self.end - number > WINDOW
    }

    /// The number has come.
    pub fn take(&mut self, number: u64) {
        if number >= self.end {
            let first = self.end.max((number + 1).saturating_sub(WINDOW));
            for skipped in first..=number {
                self.set(skipped, false);
            }
            self.end = number + 1;
        }
        self.set(number, true);
    }

    fn bit(&self, number: u64) -> bool {
        let at = number % WINDOW;
        self.seen[(at / 64) as usize] >> (at % 64) & 1 == 1
    }

    fn set(&mut self, number: u64, value: bool) {
        let at = number % WINDOW;
        let word = &mut self.seen[(at / 64) as usize];
        *word = *word & !(1 << (at % 64)) | u64::from(value) << (at % 64);
    }
}

/// Where the content stands in what was decrypted.
fn content(header: &Header, body: &[u8]) -> Result<Range<usize>, Error> {
    let length = body.first_chunk::<4>().ok_or(Error::Padding)?;
    let length = u32::from_be_bytes(*length) as usize;
    if length > body.len() - 4 || padded(header.class, length) != body.len() {
        return Err(Error::Padding);
    }
    Ok(4..length + 4)
}

/// The padded size of content with its length field: Padmé for what shows the screen
/// (leaks O(log log) bits of the size), multiples of 64 otherwise.
fn padded(class: Class, content: usize) -> usize {
    let size = content + 4;
    if !class.shows_screen() {
        return size.next_multiple_of(64);
    }
    // Nikitin et al., "Reducing Metadata Leakage from Encrypted Files", PoPETs 2019, §4.
    let exponent = size.ilog2();
    let significant = exponent.checked_ilog2().unwrap_or(0) + 1;
    let mask = (1usize << exponent.saturating_sub(significant)) - 1;
    (size + mask) & !mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn epoch(n: u32) -> Epoch {
        Epoch::new(&[1; 16], None, n, &[2; 32], &Zeroizing::new([3; 32]))
    }

    fn ends(n: u32) -> (Sealer, Opener) {
        let epoch = epoch(n);
        (
            epoch.sealer(Direction::AgentToConsole),
            epoch.opener(Direction::AgentToConsole),
        )
    }

    #[test]
    fn header_is_bound_completely() {
        let (mut sealer, _) = ends(1);
        let frame = sealer.seal(Class::Rights, 4, Rights::View, b"x");
        let widened = Frame {
            header: Header {
                rights: Rights::Control,
                ..frame.header
            },
            ..frame.clone()
        };
        let regranted = Frame {
            header: Header {
                grant: 5,
                ..frame.header
            },
            ..frame.clone()
        };
        assert_eq!(ends(1).1.open(widened), Err(Error::Altered));
        assert_eq!(ends(1).1.open(regranted), Err(Error::Altered));
        assert_eq!(ends(1).1.open(frame), Ok(b"x".to_vec()));
    }

    #[test]
    fn in_order_classes_take_no_gap_and_no_replay() {
        let (mut sealer, mut opener) = ends(1);
        let frames: Vec<_> = (0..3)
            .map(|_| sealer.seal(Class::Acks, 1, Rights::View, b""))
            .collect();
        assert_eq!(opener.open(frames[1].clone()), Err(Error::Number));
        assert_eq!(opener.open(frames[0].clone()), Ok(vec![]));
        assert_eq!(opener.open(frames[0].clone()), Err(Error::Number));
        assert_eq!(opener.skip(&frames[1].header), Ok(()));
        assert_eq!(opener.open(frames[2].clone()), Ok(vec![]));
    }

    #[test]
    fn epochs_and_directions_do_not_mix() {
        let (mut sealer, _) = ends(1);
        let frame = sealer.seal(Class::Notices, 1, Rights::View, b"x");
        assert_eq!(ends(2).1.open(frame.clone()), Err(Error::Foreign));
        let as_second = Frame {
            header: Header {
                epoch: 2,
                ..frame.header
            },
            ..frame
        };
        assert_eq!(ends(2).1.open(as_second), Err(Error::Altered));
        assert_ne!(epoch(1).commitment(), epoch(2).commitment());
    }

    proptest! {
        #[test]
        fn padding_hides_little_and_costs_little(size in 0usize..(1 << 20)) {
            let picture = padded(Class::Picture, size);
            prop_assert!(picture >= size + 4 && picture as f64 <= (size + 4) as f64 * 1.12 + 1.0);
            prop_assert_eq!(padded(Class::Input, size) % 64, 0);
        }

        #[test]
        fn windowed_classes_take_each_number_once(order in proptest::collection::vec(0usize..40, 1..120)) {
            let (mut sealer, mut opener) = ends(1);
            let frames: Vec<_> = (0..40).map(|_| sealer.seal(Class::Picture, 1, Rights::View, b"p")).collect();
            let mut had = std::collections::HashSet::new();
            for at in order {
                let expected = if had.insert(at) { Ok(b"p".to_vec()) } else { Err(Error::Number) };
                prop_assert_eq!(opener.open(frames[at].clone()), expected);
            }
        }

        #[test]
        fn window_agrees_with_a_set(numbers in proptest::collection::vec(0u64..5000, 1..200)) {
            let mut window = Window::default();
            let (mut had, mut end) = (std::collections::HashSet::new(), 0);
            for n in numbers {
                let expected = !had.contains(&n) && (n >= end || end - n <= WINDOW);
                prop_assert_eq!(window.is_new(n), expected);
                if expected {
                    window.take(n);
                    had.insert(n);
                    end = end.max(n + 1);
                }
            }
        }
    }
}
