//! Where in a recording something is.

use std::fmt;

use fernsicht_protocol::frame::{Class, Direction, Header};

use crate::reader;

/// Which frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameId {
    /// The epoch.
    pub epoch: u32,
    /// Who sealed it.
    pub direction: Direction,
    /// What it carries.
    pub class: Class,
    /// Its number.
    pub number: u64,
}

impl From<&Header> for FrameId {
    fn from(header: &Header) -> Self {
        Self {
            epoch: header.epoch,
            direction: header.direction,
            class: header.class,
            number: header.number,
        }
    }
}

impl fmt::Display for FrameId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = match self.direction {
            Direction::AgentToConsole => "agent",
            Direction::ConsoleToAgent => "console",
        };
        let (epoch, class, number) = (self.epoch, self.class, self.number);
        write!(f, "epoch {epoch}, {class:?} {number} of the {from}")
    }
}

/// Where in a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The (first) record, from 0.
    pub record: u64,
    /// The first byte.
    pub offset: u64,
    /// Behind the last byte; `u64::MAX` where it is not known.
    pub until: u64,
    /// The frame, where it is about one.
    pub frame: Option<FrameId>,
}

impl From<&reader::Record<'_>> for Place {
    fn from(record: &reader::Record<'_>) -> Self {
        Self {
            record: record.number,
            offset: record.offset,
            until: record.end(),
            frame: None,
        }
    }
}

impl Place {
    /// The same place, about this frame.
    pub(crate) fn frame(self, frame: FrameId) -> Self {
        Self {
            frame: Some(frame),
            ..self
        }
    }

    /// True if the two have bytes in common.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.offset < other.until && other.offset < self.until
    }

    /// True if the byte at `offset` lies here.
    pub fn contains(&self, offset: u64) -> bool {
        (self.offset..self.until).contains(&offset)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (record, offset) = (self.record, self.offset);
        match self.until {
            u64::MAX => write!(f, "record {record}, from byte {offset} on")?,
            until => write!(f, "record {record}, bytes {offset} to {until}")?,
        }
        match &self.frame {
            Some(frame) => write!(f, " ({frame})"),
            None => Ok(()),
        }
    }
}
