//! What the customer has granted: nothing, sight, or sight and control.
//!
//! "Control without sight" has no value here, so it cannot be represented,
//! sent, or stored.

use crate::wire::{Error, Reader, Wire};

/// The rights in force. Ordered: each includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub enum Rights {
    /// Neither sight nor control.
    #[default]
    None,
    /// Sight.
    View,
    /// Sight and control.
    Control,
}

impl Rights {
    /// True if the technician may see the screen.
    pub fn view(self) -> bool {
        self >= Self::View
    }

    /// True if the technician may use mouse and keyboard.
    pub fn control(self) -> bool {
        self == Self::Control
    }

    /// The byte of the clear header: bit 0 view, bit 1 control.
    pub fn bits(self) -> u8 {
        match self {
            Self::None => 0,
            Self::View => 1,
            Self::Control => 3,
        }
    }

    /// Reads the byte of the clear header. Errors: any other value, control without view included.
    pub fn from_bits(bits: u8) -> Result<Self, Error> {
        match bits {
            0 => Ok(Self::None),
            1 => Ok(Self::View),
            3 => Ok(Self::Control),
            _ => Err(Error::OutOfRange("the rights byte")),
        }
    }
}

impl Wire for Rights {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(self.bits());
    }
    fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
        Self::from_bits(u8::read(input)?)
    }
}
