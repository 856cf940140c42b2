//! Independent witnesses on a display: X clients that no program of ours knows.
//!
//! [`Observer`] listens to XInput2 *raw* events, which arrive despite grabs and name their source.
//! [`Target`] is a plain window that counts the button presses it receives.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xinput::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{self, ConnectionExt as _};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::keymap::Keymap;
use crate::wait;

/// Who made an event, by the device that the server names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    /// The screen's own keyboard or mouse.
    Hardware,
    /// An XTEST device: a program.
    Program,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// A key went down; its key code.
    KeyDown(u8),
    /// A key went up.
    KeyUp(u8),
    /// A button went down.
    ButtonDown(u8),
    /// A button went up.
    ButtonUp(u8),
    /// The pointer moved.
    Motion,
}

/// One raw event.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// The server's timestamp in milliseconds.
    pub server_ms: u32,
    /// When the observer read it.
    pub at: Instant,
    /// Who made it.
    pub maker: Maker,
    /// What it was.
    pub act: Act,
}

/// Listens to all raw events of a display until dropped.
#[derive(Debug)]
pub struct Observer {
    seen: Arc<Mutex<Vec<Seen>>>,
    thread: Background,
}

impl Observer {
    /// Starts listening; returns once the selection is in force.
    pub fn start(display: &str) -> Result<Self> {
        let connection = connect(display)?;
        connection.xinput_xi_query_version(2, 2)?.reply()?;
        let devices = connection.xinput_xi_query_device(0u16)?.reply()?;
        let programs: Vec<u16> = devices
            .infos
            .iter()
            .filter(|device| device.name.windows(5).any(|part| part == b"XTEST"))
            .map(|device| device.deviceid)
            .collect();
        let mask = xinput::XIEventMask::RAW_KEY_PRESS
            | xinput::XIEventMask::RAW_KEY_RELEASE
            | xinput::XIEventMask::RAW_BUTTON_PRESS
            | xinput::XIEventMask::RAW_BUTTON_RELEASE
            | xinput::XIEventMask::RAW_MOTION;
        let selection = xinput::EventMask {
            deviceid: ALL_MASTER_DEVICES,
            mask: vec![mask],
        };
        let root = connection.setup().roots[0].root;
        connection
            .xinput_xi_select_events(root, &[selection])?
            .check()?;

        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let maker = move |source: u16| {
            if programs.contains(&source) {
                Maker::Program
            } else {
                Maker::Hardware
            }
        };
        let thread = Background::start(connection, move |event| {
            #[expect(
                clippy::wildcard_enum_match_arm,
                reason = "a witness of input looks at nothing else"
            )]
            let (server_ms, source, act) = match event {
                Event::XinputRawKeyPress(e) => (e.time, e.sourceid, Act::KeyDown(e.detail as u8)),
                Event::XinputRawKeyRelease(e) => (e.time, e.sourceid, Act::KeyUp(e.detail as u8)),
                Event::XinputRawButtonPress(e) => {
                    (e.time, e.sourceid, Act::ButtonDown(e.detail as u8))
                }
                Event::XinputRawButtonRelease(e) => {
                    (e.time, e.sourceid, Act::ButtonUp(e.detail as u8))
                }
                Event::XinputRawMotion(e) => (e.time, e.sourceid, Act::Motion),
                _ => return,
            };
            lock(&log).push(Seen {
                server_ms,
                at: Instant::now(),
                maker: maker(source),
                act,
            });
        });
        Ok(Self { seen, thread })
    }

    /// Everything seen so far, the server's queue included.
    pub fn seen(&self) -> Result<Vec<Seen>> {
        self.thread.settle()?;
        Ok(lock(&self.seen).clone())
    }

    /// How many events programs made so far.
    pub fn by_programs(&self) -> Result<usize> {
        Ok(self
            .seen()?
            .iter()
            .filter(|seen| seen.maker == Maker::Program)
            .count())
    }

    /// Forgets what was seen.
    pub fn clear(&self) -> Result<()> {
        self.thread.settle()?;
        lock(&self.seen).clear();
        Ok(())
    }

    /// Key codes that are down at this moment, whoever pressed them.
    pub fn keys_down(&self) -> Result<Vec<u8>> {
        let keys = self.thread.connection.query_keymap()?.reply()?.keys;
        let down = |key: &u8| keys[usize::from(key / 8)] & (1 << (key % 8)) != 0;
        Ok((8..=u8::MAX).filter(down).collect())
    }

    /// The display's keyboard, to read key codes.
    pub fn keymap(&self) -> Result<Keymap> {
        Keymap::read(&self.thread.connection)
    }

    /// The newest hardware press of a key code.
    pub fn last_press(&self, keycode: u8) -> Result<Seen> {
        let pressed =
            |seen: &&Seen| seen.maker == Maker::Hardware && seen.act == Act::KeyDown(keycode);
        let seen = self.seen()?;
        seen.iter()
            .rev()
            .find(pressed)
            .copied()
            .ok_or_else(|| anyhow!("key code {keycode} was never pressed"))
    }
}

/// A press that a [`Target`] received.
#[derive(Debug, Clone, Copy)]
pub struct Press {
    /// The button, from 1.
    pub button: u8,
    /// Pixels from the left of the screen.
    pub x: i16,
    /// Pixels from the top of the screen.
    pub y: i16,
    /// The server's timestamp in milliseconds.
    pub server_ms: u32,
}

/// A plain window that counts button presses.
#[derive(Debug)]
pub struct Target {
    presses: Arc<Mutex<Vec<Press>>>,
    thread: Background,
    window: xproto::Window,
    centre: (i16, i16),
}

impl Target {
    /// Shows a window at this place, which the window manager does not manage.
    pub fn show(display: &str, x: i16, y: i16, width: u16, height: u16) -> Result<Self> {
        let connection = connect(display)?;
        let screen = &connection.setup().roots[0];
        let window = connection.generate_id()?;
        let look = xproto::CreateWindowAux::new()
            .background_pixel(0x00_3a_7a_5a)
            .override_redirect(1)
            .event_mask(xproto::EventMask::BUTTON_PRESS | xproto::EventMask::EXPOSURE);
        let class = xproto::WindowClass::INPUT_OUTPUT;
        connection
            .create_window(
                0,
                window,
                screen.root,
                x,
                y,
                width,
                height,
                0,
                class,
                0,
                &look,
            )?
            .check()?;
        connection.map_window(window)?.check()?;
        let presses = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&presses);
        let thread = Background::start(connection, move |event| {
            if let Event::ButtonPress(e) = event {
                lock(&log).push(Press {
                    button: e.detail,
                    x: e.root_x,
                    y: e.root_y,
                    server_ms: e.time,
                });
            }
        });
        let centre = (
            x + i16::try_from(width / 2)?,
            y + i16::try_from(height / 2)?,
        );
        Ok(Self {
            presses,
            thread,
            window,
            centre,
        })
    }

    /// Everything received so far.
    pub fn presses(&self) -> Result<Vec<Press>> {
        self.thread.settle()?;
        Ok(lock(&self.presses).clone())
    }

    /// Takes the window off the screen, or puts it back.
    pub fn set_shown(&self, shown: bool) -> Result<()> {
        let connection = &self.thread.connection;
        match shown {
            true => connection.map_window(self.window)?.check()?,
            false => connection.unmap_window(self.window)?.check()?,
        }
        Ok(())
    }

    /// Destroys the window.
    pub fn destroy(&self) -> Result<()> {
        let connection = &self.thread.connection;
        Ok(connection.destroy_window(self.window)?.check()?)
    }

    /// Moves the window's upper left corner there.
    pub fn move_to(&self, x: i32, y: i32) -> Result<()> {
        let there = xproto::ConfigureWindowAux::new().x(x).y(y);
        let connection = &self.thread.connection;
        Ok(connection.configure_window(self.window, &there)?.check()?)
    }

    /// The middle of the window on its screen, as it was shown.
    pub fn centre(&self) -> (i16, i16) {
        self.centre
    }
}

/// A thread that reads one connection's events.
#[derive(Debug)]
struct Background {
    connection: Arc<RustConnection>,
    rounds: Arc<std::sync::atomic::AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    fn start(connection: RustConnection, mut handle: impl FnMut(Event) + Send + 'static) -> Self {
        let connection = Arc::new(connection);
        let stop = Arc::new(AtomicBool::new(false));
        let rounds = Arc::new(std::sync::atomic::AtomicU64::new(0));
        let (reader, ended, counter) = (
            Arc::clone(&connection),
            Arc::clone(&stop),
            Arc::clone(&rounds),
        );
        let thread = thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                // The end of the server ends the watch.
                let Ok(event) = reader.poll_for_event() else {
                    return;
                };
                match event {
                    Some(event) => handle(event),
                    None => {
                        counter.fetch_add(1, Ordering::Release);
                        thread::sleep(Duration::from_millis(1));
                    }
                }
            }
        });
        Self {
            connection,
            rounds,
            stop,
            thread: Some(thread),
        }
    }

    /// Returns once every event that the server has produced by now has been handled.
    fn settle(&self) -> Result<()> {
        // The reply comes behind all earlier events; then the reader must run dry twice.
        self.connection.sync()?;
        let from = self.rounds.load(Ordering::Acquire);
        wait::until_true(
            "the observer to read its queue",
            Duration::from_secs(10),
            || Ok(self.rounds.load(Ordering::Acquire) >= from + 2),
        )
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn connect(display: &str) -> Result<RustConnection> {
    let (connection, _) =
        x11rb::connect(Some(display)).with_context(|| format!("no X server at {display}"))?;
    Ok(connection)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// XIAllMasterDevices: each event once, with its true source.
const ALL_MASTER_DEVICES: u16 = 1;
