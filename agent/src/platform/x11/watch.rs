//! Watches every key, button and motion of the whole desktop, whoever else grabs them, and
//! whether a hand made it.
//!
//! ```text
//! XI2 raw events ─► device known? ─► F11 pressed ─► Seen::StopKey, whatever its source
//!                        │        └► a hand's    ─► Seen::Activity
//!                        └► button or key pressed ─► Provenance (the last few)
//! ```
//!
//! One thread on one connection; it sleeps while nothing happens. Which key was pressed
//! is looked at here and only here: nothing but F11 and the kind of press leaves this module.
//! Not here: what F11 does (the guard's) and what a granting button needs (the hand module's).

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xinput::{self, ConnectionExt as _, XIEventMask};

use super::Link;
use super::devices::{self, Devices, Kind};
use super::keyboard::{self, Keymap};
use super::wake::sleep;
use crate::platform::Error;
use crate::platform::watch::{Press, PressKind, Provenance, Seen};

/// A running watch. Ends with this handle.
pub struct Watch {
    provenance: Provenance,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Connects, and calls `seen` on a thread of its own for everything that is seen.
    /// When this returns, no later F11 can be missed.
    pub fn start(
        display: Option<&str>,
        seen: impl FnMut(Seen) + Send + 'static,
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
        let provenance = Provenance::new()?;
        let watcher = Watcher {
            devices: Devices::query(&link)?,
            keymap: Keymap::read(&link, keyboard::common())?,
            link,
            shared: provenance.clone(),
            seen,
            last_motion: None,
        };
        let thread = std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || watcher.run())?;
        Ok(Self {
            provenance,
            thread: Some(thread),
        })
    }

    /// Where the latest presses came from.
    pub fn provenance(&self) -> Provenance {
        self.provenance.clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.provenance.end();
        let Some(thread) = self.thread.take() else {
            return;
        };
        // The callback may own this handle's last reference: a thread cannot join itself.
        if thread.thread().id() != std::thread::current().id() {
            thread.join().ok();
        }
    }
}

struct Watcher<F> {
    link: Link,
    devices: Devices,
    keymap: Keymap,
    shared: Provenance,
    seen: F,
    last_motion: Option<Instant>,
}

impl<F: FnMut(Seen)> Watcher<F> {
    fn run(mut self) {
        let outcome = self.watch();
        self.shared.give_up();
        if let Err(error) = outcome {
            (self.seen)(Seen::Lost(error));
        }
    }

    fn watch(&mut self) -> Result<(), Error> {
        loop {
            self.drain()?;
            if self.shared.ending() {
                return Ok(());
            }
            if self.shared.waker().take() {
                self.answer()?;
                continue;
            }
            sleep(self.link.fd(), self.shared.waker(), None)?;
        }
    }

    /// After a round trip every event that the server had sent has arrived.
    fn answer(&mut self) -> Result<(), Error> {
        let asked = self.shared.asked();
        self.link.sync()?;
        self.drain()?;
        self.shared.answer(asked);
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
                    self.press(button.time, physical, PressKind::Button(button.detail));
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
        let kind = if self.keymap.is_stop_key(keycode) {
            let at = Instant::now();
            (self.seen)(Seen::StopKey {
                server_time,
                physical,
                at,
            });
            PressKind::Stop
        } else if self.keymap.has(keycode, SPACE) {
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
        self.press(server_time, physical, kind);
    }

    fn handle_release(&mut self, device: u16, source: u16) -> Result<(), Error> {
        if self.source(device, source)? == Some(true) {
            self.activity();
        }
        Ok(())
    }

    fn handle_motion(&mut self, motion: &xinput::RawMotionEvent) -> Result<(), Error> {
        let recent = self
            .last_motion
            .is_some_and(|last| last.elapsed() < MOTION_PAUSE);
        if !recent && self.source(motion.deviceid, motion.sourceid)? == Some(true) {
            self.last_motion = Some(Instant::now());
            self.activity();
        }
        Ok(())
    }

    fn press(&mut self, server_time: u32, physical: bool, kind: PressKind) {
        let at = Instant::now();
        self.shared.remember(Press {
            server_time,
            physical,
            kind,
            at,
        });
        if physical {
            self.activity();
        }
    }

    fn activity(&mut self) {
        (self.seen)(Seen::Activity { at: Instant::now() });
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

/// Motions closer together than this are one activity: mice report a thousand times a second.
const MOTION_PAUSE: Duration = Duration::from_millis(20);

const SPACE: u32 = 0x20;
const RETURN: u32 = 0xff0d;
const KEYPAD_ENTER: u32 = 0xff8d;
/// Tab, and left, up, right, down.
const MOVES_RING: [u32; 5] = [0xff09, 0xff51, 0xff52, 0xff53, 0xff54];
