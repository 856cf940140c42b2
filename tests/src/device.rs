//! A virtual screen's keyboard and mouse, played through XTEST in two ways.
//!
//! [`Device`] acts as the *hardware*: the events name "Xvfb keyboard" and "Xvfb mouse" as their
//! source, so programs see a person. [`Device::injected`] acts as any program could: the events
//! name the XTEST devices. The difference is the point of half of the tests.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use x11rb::CURRENT_TIME;
use x11rb::connection::{Connection, RequestConnection};
use x11rb::protocol::xinput::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{self, ConnectionExt as _, Window};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

use crate::keymap::{Chord, Keymap, keysyms};

/// A keyboard and a mouse of one display.
#[derive(Debug)]
pub struct Device {
    connection: RustConnection,
    root: Window,
    keymap: Keymap,
    source: Source,
    pace: Duration,
}

impl Device {
    /// The display's own devices: what a person at that screen would use.
    pub fn physical(display: &str) -> Result<Self> {
        let (connection, root) = connect(display)?;
        let extension = connection
            .extension_information(xinput::X11_EXTENSION_NAME)?
            .context("the X server lacks XInput")?;
        let keyboard = device_id(&connection, b"Xvfb keyboard")?;
        let mouse = device_id(&connection, b"Xvfb mouse")?;
        for id in [keyboard, mouse] {
            connection.xinput_open_device(id)?.reply()?;
        }
        let source = Source::Hardware {
            first_event: extension.first_event,
            keyboard,
            mouse,
        };
        Self::new(connection, root, source)
    }

    /// Ordinary XTEST: what a program would forge.
    pub fn injected(display: &str) -> Result<Self> {
        let (connection, root) = connect(display)?;
        Self::new(connection, root, Source::Forged)
    }

    fn new(connection: RustConnection, root: Window, source: Source) -> Result<Self> {
        let keymap = Keymap::read(&connection)?;
        Ok(Self {
            connection,
            root,
            keymap,
            source,
            pace: Duration::from_millis(8),
        })
    }

    /// The same with another pause between keystrokes (8 ms at first; a fast typist takes 50).
    pub fn paced(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }

    /// The key code of a keysym on this display.
    pub fn keycode(&self, keysym: u32) -> Result<u8> {
        Ok(self.keymap.keysym(keysym)?.keycode)
    }

    /// The layout as it is at this moment.
    pub fn keymap(&self) -> Result<Keymap> {
        Keymap::read(&self.connection)
    }

    /// Presses and releases a key with what must be held for it.
    pub fn press(&self, chord: Chord) -> Result<()> {
        self.chord(&[], chord)
    }

    /// Presses and releases one key.
    pub fn key(&self, keysym: u32) -> Result<()> {
        self.chord(&[], self.keymap.keysym(keysym)?)
    }

    /// Presses or releases one key.
    pub fn key_event(&self, keysym: u32, down: bool) -> Result<()> {
        self.raw_key(self.keymap.keysym(keysym)?.keycode, down)?;
        self.flush()
    }

    /// A key with modifiers held, all by keysym: `shortcut(&[CONTROL], 's')`.
    pub fn shortcut(&self, held: &[u32], key: char) -> Result<()> {
        self.chord(held, self.keymap.character(key)?)
    }

    /// A key without a character, with modifiers held, all by keysym.
    pub fn shortcut_key(&self, held: &[u32], key: u32) -> Result<()> {
        self.chord(held, self.keymap.keysym(key)?)
    }

    /// Types text, key by key, with Shift and AltGr where the layout wants them.
    pub fn type_text(&self, text: &str) -> Result<()> {
        for character in text.chars() {
            self.chord(&[], self.keymap.character(character)?)?;
        }
        Ok(())
    }

    /// Puts the pointer at a place and presses and releases a button there (1 left, 2 middle, 3 right).
    pub fn click(&self, x: i16, y: i16, button: u8) -> Result<()> {
        self.point(x, y)?;
        self.button_event(button, true)?;
        thread::sleep(self.pace);
        self.button_event(button, false)?;
        thread::sleep(self.pace);
        Ok(())
    }

    /// Moves with the button held, in steps, and releases at the end.
    pub fn drag(&self, from: (i16, i16), to: (i16, i16), button: u8) -> Result<()> {
        const STEPS: i32 = 12;
        self.point(from.0, from.1)?;
        self.button_event(button, true)?;
        for step in 1..=STEPS {
            let along = |a: i16, b: i16| {
                (i32::from(a) + (i32::from(b) - i32::from(a)) * step / STEPS) as i16
            };
            thread::sleep(self.pace);
            self.point(along(from.0, to.0), along(from.1, to.1))?;
        }
        thread::sleep(self.pace);
        self.button_event(button, false)
    }

    /// Presses or releases a button where the pointer is.
    pub fn button_event(&self, button: u8, down: bool) -> Result<()> {
        match self.source {
            Source::Hardware {
                first_event, mouse, ..
            } => {
                let kind = first_event
                    + if down {
                        DEVICE_BUTTON_PRESS
                    } else {
                        DEVICE_BUTTON_PRESS + 1
                    };
                self.connection
                    .xtest_fake_input(kind, button, CURRENT_TIME, 0, 0, 0, mouse)?;
            }
            Source::Forged => {
                let kind = if down {
                    xproto::BUTTON_PRESS_EVENT
                } else {
                    xproto::BUTTON_RELEASE_EVENT
                };
                self.connection
                    .xtest_fake_input(kind, button, CURRENT_TIME, 0, 0, 0, 0)?;
            }
        }
        self.flush()
    }

    /// Puts the pointer at a place. The hardware way warps, which programs see as motion without a source.
    pub fn point(&self, x: i16, y: i16) -> Result<()> {
        match self.source {
            Source::Hardware { .. } => {
                self.connection
                    .warp_pointer(x11rb::NONE, self.root, 0, 0, 0, 0, x, y)?;
            }
            Source::Forged => {
                let kind = xproto::MOTION_NOTIFY_EVENT;
                self.connection
                    .xtest_fake_input(kind, 0, CURRENT_TIME, self.root, x, y, 0)?;
            }
        }
        self.flush()
    }

    fn chord(&self, held: &[u32], chord: Chord) -> Result<()> {
        let mut keys = Vec::new();
        for keysym in held {
            keys.push(self.keymap.keysym(*keysym)?.keycode);
        }
        if chord.shift {
            keys.push(self.keymap.keysym(keysyms::SHIFT)?.keycode);
        }
        if chord.alt_gr {
            keys.push(self.keymap.keysym(keysyms::ALT_GR)?.keycode);
        }
        keys.push(chord.keycode);
        for keycode in &keys {
            self.raw_key(*keycode, true)?;
        }
        self.flush()?;
        thread::sleep(self.pace);
        for keycode in keys.iter().rev() {
            self.raw_key(*keycode, false)?;
        }
        self.flush()?;
        thread::sleep(self.pace);
        Ok(())
    }

    fn raw_key(&self, keycode: u8, down: bool) -> Result<()> {
        match self.source {
            Source::Hardware {
                first_event,
                keyboard,
                ..
            } => {
                let kind = first_event
                    + if down {
                        DEVICE_KEY_PRESS
                    } else {
                        DEVICE_KEY_PRESS + 1
                    };
                self.connection
                    .xtest_fake_input(kind, keycode, CURRENT_TIME, 0, 0, 0, keyboard)?;
            }
            Source::Forged => {
                let kind = if down {
                    xproto::KEY_PRESS_EVENT
                } else {
                    xproto::KEY_RELEASE_EVENT
                };
                self.connection
                    .xtest_fake_input(kind, keycode, CURRENT_TIME, 0, 0, 0, 0)?;
            }
        }
        Ok(())
    }

    /// Sends what is queued and waits until the server has acted on it.
    fn flush(&self) -> Result<()> {
        self.connection.get_input_focus()?.reply()?;
        Ok(())
    }
}

/// Whose events they are.
#[derive(Debug, Clone, Copy)]
enum Source {
    Hardware {
        first_event: u8,
        keyboard: u8,
        mouse: u8,
    },
    Forged,
}

fn connect(display: &str) -> Result<(RustConnection, Window)> {
    let (connection, screen) =
        x11rb::connect(Some(display)).with_context(|| format!("no X server at {display}"))?;
    let root = connection.setup().roots[screen].root;
    Ok((connection, root))
}

fn device_id(connection: &RustConnection, name: &[u8]) -> Result<u8> {
    connection.xinput_xi_query_version(2, 2)?.reply()?;
    let devices = connection.xinput_xi_query_device(0u16)?.reply()?;
    let device = devices.infos.iter().find(|device| device.name == name);
    let device = device.with_context(|| {
        format!(
            "no device {:?}; is this Xvfb?",
            String::from_utf8_lossy(name)
        )
    })?;
    Ok(u8::try_from(device.deviceid)?)
}

/// Offsets from XInput's first event.
const DEVICE_KEY_PRESS: u8 = 1;
const DEVICE_BUTTON_PRESS: u8 = 3;
