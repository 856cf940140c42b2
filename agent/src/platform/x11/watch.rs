//! The watch on X11: XI2's raw events, which come despite other clients' grabs.
//!
//! One connection. A device that is not known is asked for; what its events mean is [`Teller`]'s.

use std::time::Instant;

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xinput::{self, ConnectionExt as _, XIEventMask};

use super::Link;
use super::devices::{self, Devices, Kind};
use super::keyboard::{self, Keymap};
use super::wake::sleep;
use crate::platform::Error;
use crate::platform::watch::{MOTION_PAUSE, PressKind, Seen, Teller};

/// What watches.
pub(in crate::platform) struct Watcher<F> {
    link: Link,
    devices: Devices,
    keymap: Keymap,
    pub(in crate::platform) teller: Teller<F>,
    last_motion: Option<Instant>,
}

impl<F: FnMut(Seen)> Watcher<F> {
    /// Connects. When this returns, no later F11 can be missed.
    pub(in crate::platform) fn open(
        display: Option<&str>,
        teller: Teller<F>,
    ) -> Result<Self, Error> {
        let link = Link::open(display)?;
        devices::check_version(&link)?;
        keyboard::follow(&link, keyboard::common())?;
        let mask = xinput::EventMask {
            deviceid: xinput::Device::ALL.into(),
            mask: vec![
                XIEventMask::HIERARCHY
                    | XIEventMask::RAW_KEY_PRESS
                    | XIEventMask::RAW_KEY_RELEASE
                    | XIEventMask::RAW_BUTTON_PRESS
                    | XIEventMask::RAW_BUTTON_RELEASE
                    | XIEventMask::RAW_MOTION,
            ],
        };
        link.connection
            .xinput_xi_select_events(link.root, &[mask])?
            .check()?;
        Ok(Self {
            devices: Devices::query(&link)?,
            keymap: Keymap::read(&link, keyboard::common())?,
            link,
            teller,
            last_motion: None,
        })
    }

    /// Until it is told to end. Errors: the server is gone.
    pub(in crate::platform) fn watch(&mut self) -> Result<(), Error> {
        loop {
            self.drain()?;
            if self.teller.provenance().ending() {
                return Ok(());
            }
            if self.teller.provenance().waker().take() {
                self.answer()?;
                continue;
            }
            sleep(self.link.fd(), self.teller.provenance().waker(), None)?;
        }
    }

    /// After a round trip every event that the server had sent has arrived.
    fn answer(&mut self) -> Result<(), Error> {
        let asked = self.teller.provenance().asked();
        self.link.sync()?;
        self.drain()?;
        self.teller.provenance().answer(asked);
        Ok(())
    }

    fn drain(&mut self) -> Result<(), Error> {
        while let Some(event) = self.link.connection.poll_for_event()? {
            self.handle(&event)?;
        }
        Ok(())
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "only what was asked for matters"
    )]
    fn handle(&mut self, event: &Event) -> Result<(), Error> {
        match event {
            event if keyboard::changes(event) => {
                self.keymap = Keymap::read(&self.link, keyboard::common())?;
            }
            Event::XinputHierarchy(_) => self.devices = Devices::query(&self.link)?,
            Event::XinputRawKeyPress(key) => {
                if let Some(physical) = self.source(key.deviceid, key.sourceid)? {
                    self.handle_key(key.detail, key.time, physical);
                }
            }
            Event::XinputRawButtonPress(button) => {
                if let Some(physical) = self.source(button.deviceid, button.sourceid)? {
                    self.teller
                        .press(button.time, physical, PressKind::Button(button.detail));
                }
            }
            Event::XinputRawKeyRelease(key) => {
                self.handle_release(key.deviceid, key.sourceid)?;
            }
            Event::XinputRawButtonRelease(button) => {
                self.handle_release(button.deviceid, button.sourceid)?;
            }
            Event::XinputRawMotion(motion) => self.handle_motion(motion)?,
            _ => {}
        }
        Ok(())
    }

    fn handle_key(&mut self, keycode: u32, server_time: u32, physical: bool) {
        let keycode = u8::try_from(keycode).unwrap_or(0);
        if self.keymap.is_stop_key(keycode) {
            return self.teller.stop(server_time, physical);
        }
        let kind = if self.keymap.has(keycode, SPACE) {
            PressKind::Space
        } else if self.keymap.has(keycode, RETURN) || self.keymap.has(keycode, KEYPAD_ENTER) {
            PressKind::Enter
        } else if MOVES_RING
            .iter()
            .any(|keysym| self.keymap.has(keycode, *keysym))
        {
            PressKind::Tab
        } else {
            PressKind::OtherKey
        };
        self.teller.press(server_time, physical, kind);
    }

    fn handle_release(&mut self, device: u16, source: u16) -> Result<(), Error> {
        if self.source(device, source)? == Some(true) {
            self.teller.activity();
        }
        Ok(())
    }

    fn handle_motion(&mut self, motion: &xinput::RawMotionEvent) -> Result<(), Error> {
        let recent = self
            .last_motion
            .is_some_and(|last| last.elapsed() < MOTION_PAUSE);
        if !recent && self.source(motion.deviceid, motion.sourceid)? == Some(true) {
            self.last_motion = Some(Instant::now());
            self.teller.activity();
        }
        Ok(())
    }

    /// `None` for the copy of an event that a master device passes on; else whether a
    /// person made it. A device that even the server does not know any more made nothing
    /// that may grant.
    fn source(&mut self, device: u16, source: u16) -> Result<Option<bool>, Error> {
        if self.devices.kind(source).is_none() || self.devices.kind(device).is_none() {
            self.devices = Devices::query(&self.link)?;
        }
        if self.devices.kind(device) == Some(Kind::Master) {
            return Ok(None);
        }
        Ok(Some(self.devices.kind(source) == Some(Kind::Physical)))
    }
}

const SPACE: u32 = 0x20;
const RETURN: u32 = 0xff0d;
const KEYPAD_ENTER: u32 = 0xff8d;
/// Tab, and left, up, right, down.
const MOVES_RING: [u32; 5] = [0xff09, 0xff51, 0xff52, 0xff53, 0xff54];
