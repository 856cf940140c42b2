//! Windows that lie over everything and take no input.
//!
//! ```text
//! another window mapped or restacked ─► wait a moment ─► ours are raised again
//! ```
//!
//! Override-redirect, empty input shape. One thread sleeps until something else moves; it
//! raises at most four times a second, so that two programs that both want to be on top
//! do not eat the processor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::shape::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{
    ChangeGCAux, ChangeWindowAttributesAux, ClipOrdering, ConfigureWindowAux, ConnectionExt as _,
    CreateGCAux, CreateWindowAux, EventMask, Rectangle, StackMode, Window, WindowClass,
};

use super::wake::sleep;
use super::{Error, Link};
use crate::platform::overlay::Block;
use crate::platform::{OwnWindows, Waker};

/// The windows, as long as it lives.
pub(in crate::platform) struct Panel {
    windows: Vec<Window>,
    own: OwnWindows,
    waker: Waker,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Panel {
    pub(in crate::platform) fn show(
        display: Option<&str>,
        blocks: &[Block],
        own: &OwnWindows,
    ) -> Result<Self, Error> {
        let link = Link::open(display)?;
        if !link.has(shape::X11_EXTENSION_NAME)? {
            // A frame that swallows clicks would be worse than none.
            return Err(Error::Unsupported {
                detail: "The X server knows no shaped windows.",
            });
        }
        let watch = ChangeWindowAttributesAux::new().event_mask(EventMask::SUBSTRUCTURE_NOTIFY);
        link.connection
            .change_window_attributes(link.root, &watch)?;
        let mut windows = Vec::new();
        for block in blocks {
            let window = create(&link, block)?;
            own.add(window);
            windows.push(window);
        }
        for window in &windows {
            link.connection.map_window(*window)?;
        }
        link.sync()?;

        let waker = Waker::new()?;
        let ending = Arc::new(AtomicBool::new(false));
        let keeper = Keeper {
            link,
            windows: windows.clone(),
            own: own.clone(),
            waker: waker.clone(),
            ending: Arc::clone(&ending),
        };
        let thread = std::thread::Builder::new()
            .name("overlay".to_owned())
            // The X server is gone: so are the windows.
            .spawn(move || drop(keeper.keep()))?;
        Ok(Self {
            windows,
            own: own.clone(),
            waker,
            ending,
            thread: Some(thread),
        })
    }
}

impl Drop for Panel {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Release);
        self.waker.wake();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
        for window in &self.windows {
            self.own.remove(*window);
        }
    }
}

/// The thread's part. The windows end with its connection.
struct Keeper {
    link: Link,
    windows: Vec<Window>,
    own: OwnWindows,
    waker: Waker,
    ending: Arc<AtomicBool>,
}

impl Keeper {
    fn keep(self) -> Result<(), Error> {
        let mut raise_at: Option<Instant> = None;
        loop {
            while let Some(event) = self.link.connection.poll_for_event()? {
                if self.disturbs(&event) && raise_at.is_none() {
                    raise_at = Some(Instant::now() + PAUSE);
                }
            }
            if self.ending.load(Ordering::Acquire) {
                return Ok(());
            }
            if raise_at.is_some_and(|at| at <= Instant::now()) {
                self.raise()?;
                raise_at = None;
                continue;
            }
            sleep(self.link.fd(), &self.waker, raise_at)?;
            self.waker.take();
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "only restacking matters")]
    fn disturbs(&self, event: &Event) -> bool {
        match event {
            Event::MapNotify(event) => !self.own.contains(event.window),
            Event::ConfigureNotify(event) => !self.own.contains(event.window),
            Event::CirculateNotify(event) => !self.own.contains(event.window),
            _ => false,
        }
    }

    fn raise(&self) -> Result<(), Error> {
        let top = ConfigureWindowAux::new().stack_mode(StackMode::ABOVE);
        for window in &self.windows {
            self.link.connection.configure_window(*window, &top)?;
        }
        self.link.connection.flush()?;
        Ok(())
    }
}

fn create(link: &Link, block: &Block) -> Result<Window, Error> {
    let connection = &link.connection;
    let screen = link.screen();
    let window = connection.generate_id()?;
    let place = block.place;
    let mut look = CreateWindowAux::new()
        .override_redirect(1)
        .event_mask(EventMask::NO_EVENT);
    if block.drawing.is_empty() {
        look = look.background_pixel(pixel(block.colour));
    } else {
        look = look.background_pixmap(draw(link, block)?);
    }
    connection
        .create_window(
            screen.root_depth,
            window,
            link.root,
            place.x,
            place.y,
            place.width.max(1),
            place.height.max(1),
            0,
            WindowClass::INPUT_OUTPUT,
            screen.root_visual,
            &look,
        )?
        .check()?;
    // Without input shape every click and every motion goes to what lies below.
    connection
        .shape_rectangles(
            shape::SO::SET,
            shape::SK::INPUT,
            ClipOrdering::UNSORTED,
            window,
            0,
            0,
            &[],
        )?
        .check()?;
    Ok(window)
}

/// The server repaints a window's background by itself.
fn draw(link: &Link, block: &Block) -> Result<u32, Error> {
    let connection = &link.connection;
    let (pixmap, context) = (connection.generate_id()?, connection.generate_id()?);
    let (width, height) = (block.place.width.max(1), block.place.height.max(1));
    connection.create_pixmap(link.screen().root_depth, pixmap, link.root, width, height)?;
    let ground = CreateGCAux::new().foreground(pixel(block.colour));
    connection.create_gc(context, pixmap, &ground)?;
    connection.poly_fill_rectangle(
        pixmap,
        context,
        &[Rectangle {
            x: 0,
            y: 0,
            width,
            height,
        }],
    )?;
    connection.change_gc(
        context,
        &ChangeGCAux::new().foreground(pixel([255, 255, 255])),
    )?;
    let bright: Vec<Rectangle> = block
        .drawing
        .iter()
        .map(|area| Rectangle {
            x: area.x,
            y: area.y,
            width: area.width,
            height: area.height,
        })
        .collect();
    connection.poly_fill_rectangle(pixmap, context, &bright)?;
    connection.free_gc(context)?;
    Ok(pixmap)
}

fn pixel([red, green, blue]: [u8; 3]) -> u32 {
    u32::from_be_bytes([255, red, green, blue])
}

/// How long after a disturbance the windows are raised.
const PAUSE: Duration = Duration::from_millis(250);
