//! Frames: the sealed units of a session and their clear header (docs/protocol.md §5).
//!
//! ```text
//! version u8 | epoch u32 | direction u8 | class u8 | flags u8 | number u64 | grant u32 | rights u8 | length u32
//! ```
//!
//! The header is the AAD of the frame, complete. `length` counts the ciphertext
//! with its tag. Relay, console and auditor read the same header; only the ends of
//! the session read what is behind it ([`crate::epoch`]).

use crate::rights::Rights;
use crate::wire::{Error, Reader, Wire};

/// The version in every clear header.
pub const VERSION: u8 = 1;

/// Bytes of an encoded header.
pub const HEADER_BYTES: usize = 25;

/// The largest ciphertext with tag: a complete 8K picture in the worst lossless case does
/// not fit and need not: an update that large is split.
pub const MAX_CIPHERTEXT: usize = 16 << 20;

/// The largest ciphertext of an in-order class.
pub const MAX_IN_ORDER_CIPHERTEXT: usize = 64 << 10;

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Direction {
    /// From the agent to the console.
    AgentToConsole = 0,
    /// From the console to the agent.
    ConsoleToAgent = 1,
}

impl Wire for Direction {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(*self as u8);
    }
    fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
        match u8::read(input)? {
            0 => Ok(Self::AgentToConsole),
            1 => Ok(Self::ConsoleToAgent),
            tag => Err(Error::UnknownTag {
                of: "Direction",
                tag,
            }),
        }
    }
}

/// What a frame carries. The number is that of SPEC, Epoch n.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Class {
    /// The rights in force; agent to console.
    Rights = 0,
    /// Mouse and keyboard; console to agent.
    Input = 1,
    /// What was drawn, what was injected; both.
    Acks = 2,
    /// Heads of the chains of the in-order classes; both.
    Heads = 3,
    /// Screen layout, customer active, text version, chat, pointing; both.
    Notices = 4,
    /// File contents; both.
    Transfer = 5,
    /// Numbered signs of life under control; agent to console.
    Beacon = 6,
    /// Pointer position and shape; agent to console.
    Pointer = 7,
    /// Picture updates; agent to console.
    Picture = 8,
    /// Exact pixels for what was sent lossy; agent to console.
    Refinement = 9,
}

impl Class {
    /// All classes by number.
    pub const ALL: [Self; 10] = [
        Self::Rights,
        Self::Input,
        Self::Acks,
        Self::Heads,
        Self::Notices,
        Self::Transfer,
        Self::Beacon,
        Self::Pointer,
        Self::Picture,
        Self::Refinement,
    ];

    /// True for classes 0 to 5: numbers exactly +1, one stream, never cancelled.
    pub fn in_order(self) -> bool {
        (self as u8) <= 5
    }

    /// True for classes 7 to 9: what shows the screen and needs sight.
    pub fn shows_screen(self) -> bool {
        matches!(self, Self::Pointer | Self::Picture | Self::Refinement)
    }

    /// True if frames of this class may travel in `direction`.
    pub fn allows(self, direction: Direction) -> bool {
        match self {
            Self::Rights | Self::Beacon | Self::Pointer | Self::Picture | Self::Refinement => {
                direction == Direction::AgentToConsole
            }
            Self::Input => direction == Direction::ConsoleToAgent,
            Self::Acks | Self::Heads | Self::Notices | Self::Transfer => true,
        }
    }

    /// Importance on the wire, larger first (DESIGN §7).
    pub const fn priority(self) -> i32 {
        match self {
            Self::Rights => 9,
            Self::Input => 8,
            Self::Beacon | Self::Acks | Self::Heads => 7,
            Self::Pointer => 6,
            Self::Notices => 5,
            Self::Picture => 4,
            Self::Refinement => 3,
            Self::Transfer => 2,
        }
    }

    /// The largest ciphertext of this class, in bytes.
    pub fn max_ciphertext(self) -> usize {
        match self {
            Self::Picture | Self::Refinement => MAX_CIPHERTEXT,
            Self::Pointer => 512 << 10,
            Self::Rights
            | Self::Input
            | Self::Acks
            | Self::Heads
            | Self::Notices
            | Self::Transfer
            | Self::Beacon => MAX_IN_ORDER_CIPHERTEXT,
        }
    }
}

impl Wire for Class {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(*self as u8);
    }
    fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
        let tag = u8::read(input)?;
        Self::ALL
            .get(usize::from(tag))
            .copied()
            .ok_or(Error::UnknownTag { of: "Class", tag })
    }
}

/// The clear header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The epoch under whose keys the frame is sealed.
    pub epoch: u32,
    /// Who sealed it.
    pub direction: Direction,
    /// What it carries.
    pub class: Class,
    /// Number within (epoch, direction, class), from 0.
    pub number: u64,
    /// The grant in force when it was sealed.
    pub grant: u32,
    /// The rights in force when it was sealed; in class 0, the rights it brings.
    pub rights: Rights,
    /// Bytes of ciphertext and tag that follow.
    pub length: u32,
}

impl Header {
    /// The 25 bytes on the wire, which are also the AAD.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[0] = VERSION;
        out[1..5].copy_from_slice(&self.epoch.to_be_bytes());
        out[5] = self.direction as u8;
        out[6] = self.class as u8;
        // out[7], the flags, stays 0.
        out[8..16].copy_from_slice(&self.number.to_be_bytes());
        out[16..20].copy_from_slice(&self.grant.to_be_bytes());
        out[20] = self.rights.bits();
        out[21..].copy_from_slice(&self.length.to_be_bytes());
        out
    }

    /// Reads a header. Errors: unknown version, class or direction, a class that may not
    /// travel in this direction, flags other than 0, or a length beyond the class's cap.
    pub fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Self, Error> {
        Self::from_bytes(bytes)
    }
}

impl Wire for Header {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.encode());
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
        if u8::read(input)? != VERSION {
            return Err(Error::OutOfRange("the version"));
        }
        let epoch = u32::read(input)?;
        let direction = Direction::read(input)?;
        let class = Class::read(input)?;
        if !class.allows(direction) {
            return Err(Error::OutOfRange("the direction of this class"));
        }
        if u8::read(input)? != 0 {
            return Err(Error::OutOfRange("the flags"));
        }
        let header = Self {
            epoch,
            direction,
            class,
            number: u64::read(input)?,
            grant: u32::read(input)?,
            rights: Rights::read(input)?,
            length: u32::read(input)?,
        };
        let cap = class.max_ciphertext();
        if header.length as usize > cap {
            return Err(Error::TooLong {
                length: header.length as usize,
                cap,
            });
        }
        Ok(header)
    }
}

/// A sealed frame: header and ciphertext with tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The clear header.
    pub header: Header,
    /// Ciphertext and tag, `header.length` bytes.
    pub ciphertext: Vec<u8>,
}

impl Frame {
    /// Header and ciphertext as they travel.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES + self.ciphertext.len());
        self.header.write(&mut out);
        out.extend_from_slice(&self.ciphertext);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            epoch: 1,
            direction: Direction::AgentToConsole,
            class: Class::Picture,
            number: 0x0203,
            grant: 7,
            rights: Rights::Control,
            length: 32,
        }
    }

    #[test]
    fn header_bytes() {
        let bytes = header().encode();
        assert_eq!(
            bytes,
            [
                1, 0, 0, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 2, 3, 0, 0, 0, 7, 3, 0, 0, 0, 32
            ]
        );
        assert_eq!(Header::decode(&bytes), Ok(header()));
    }

    #[test]
    fn each_field_is_checked() {
        for (at, value) in [(0, 2), (5, 2), (5, 1), (6, 10), (7, 1), (20, 2), (21, 9)] {
            let mut bytes = header().encode();
            bytes[at] = value;
            assert!(Header::decode(&bytes).is_err(), "byte {at} = {value}");
        }
    }
}
