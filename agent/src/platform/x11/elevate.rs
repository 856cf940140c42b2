//! There are no other rights to start with: an X server asks nobody for them, and keeps nobody from any window.

use crate::platform::elevate::Error;

/// There is none.
#[derive(Debug)]
pub enum Restart {}

impl Restart {
    /// None.
    pub fn open() -> Option<Self> {
        None
    }

    /// Nobody can call this.
    pub fn start(&self, _window: Option<u32>, _arguments: &[String]) -> Result<Successor, Error> {
        match *self {}
    }
}

/// There is none.
#[derive(Debug)]
pub enum Successor {}

impl Successor {
    /// Nobody can call this.
    pub fn wait(self) {
        match self {}
    }
}
