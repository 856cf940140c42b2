//! A child of the window on X11, painted through shared memory.
//!
//! ```text
//! pixels ──pwritev──► memfd ◄──ShmAttachFd── X server ──ShmPutImage──► child
//! ```
//!
//! The child takes no input: its input shape is empty, so that the pointer is over the window itself, and what it looks
//! like is the window's: that is set there, behind the toolkit's back, while the toolkit hides its own. Where egui draws
//! over the picture its bounding shape has holes. The memory has no name, is written without being mapped, and ends
//! with its last descriptor; it is given back whenever nothing is shown.

mod wake;

use std::io::IoSlice;
use std::os::fd::{AsFd, OwnedFd};

use fernsicht_protocol::content::PointerShape;
use fernsicht_protocol::picture::Rect;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::protocol::Event;
use x11rb::protocol::render::{self, ConnectionExt as _, PictType, Pictformat};
use x11rb::protocol::shape::{self, ConnectionExt as _};
use x11rb::protocol::shm::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{
    ChangeWindowAttributesAux, ClipOrdering, ConfigureWindowAux, ConnectionExt as _, CreateGCAux,
    CreateWindowAux, EventMask, Gcontext, ImageFormat, ImageOrder, Rectangle, VisualClass,
    Visualid, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;

use winit::raw_window_handle::RawWindowHandle;

pub(super) use wake::Waker;

use super::{Frame, Glass, Gone};

/// The X11 id of the window.
pub(super) fn number(window: RawWindowHandle) -> Option<u32> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "other systems' windows")]
    match window {
        RawWindowHandle::Xlib(handle) => u32::try_from(handle.window).ok(),
        RawWindowHandle::Xcb(handle) => Some(handle.window.get()),
        _ => None,
    }
}

/// The child.
pub(super) struct Child {
    connection: RustConnection,
    parent: Window,
    window: Window,
    gc: Gcontext,
    /// Pictures with an alpha channel, of which pointers are made.
    coloured: Pictformat,
    memory: Option<Memory>,
    frame: Option<Frame>,
}

struct Memory {
    file: OwnedFd,
    segment: shm::Seg,
    bytes: usize,
}

/// Pixels of this depth are what a picture's are: blue, green, red, one without meaning.
const DEPTH: u8 = 24;

impl Child {
    /// A child of this window, not to be seen yet. None if its pixels are not ours, or the server shares no memory
    /// by descriptor (it is old, or on another machine), or makes no pointers of pictures.
    pub(super) fn open(parent: Window) -> Result<Option<Self>, Gone> {
        let (connection, _) = x11rb::connect(None).map_err(gone)?;
        let visual = connection
            .get_window_attributes(parent)
            .map_err(gone)?
            .reply()
            .map_err(gone)?
            .visual;
        if !suits(&connection, visual) || !shares(&connection)? {
            return Ok(None);
        }
        let Some(coloured) = coloured(&connection)? else {
            return Ok(None);
        };
        let window = connection.generate_id().map_err(gone)?;
        let values = CreateWindowAux::new()
            .event_mask(EventMask::EXPOSURE | EventMask::STRUCTURE_NOTIFY)
            .border_pixel(0);
        connection
            .create_window(
                DEPTH,
                window,
                parent,
                0,
                0,
                1,
                1,
                0,
                WindowClass::INPUT_OUTPUT,
                visual,
                &values,
            )
            .map_err(gone)?
            .check()
            .map_err(gone)?;
        connection
            .shape_rectangles(
                shape::SO::SET,
                shape::SK::INPUT,
                ClipOrdering::UNSORTED,
                window,
                0,
                0,
                &[],
            )
            .map_err(gone)?
            .check()
            .map_err(gone)?;
        let gc = connection.generate_id().map_err(gone)?;
        let plain = CreateGCAux::new().graphics_exposures(0);
        connection.create_gc(gc, window, &plain).map_err(gone)?;
        connection.flush().map_err(gone)?;
        Ok(Some(Self {
            connection,
            parent,
            window,
            gc,
            coloured,
            memory: None,
            frame: None,
        }))
    }

    /// At least so many bytes.
    fn reserve(&mut self, bytes: usize) -> Result<(), Gone> {
        if self
            .memory
            .as_ref()
            .is_some_and(|memory| memory.bytes >= bytes)
        {
            return Ok(());
        }
        self.release()?;
        let file = memfd_create(c"picture", MemfdFlags::CLOEXEC).map_err(gone)?;
        ftruncate(&file, bytes as u64).map_err(gone)?;
        let segment = self.connection.generate_id().map_err(gone)?;
        let handed = file.try_clone().map_err(gone)?;
        self.connection
            .shm_attach_fd(segment, handed, true)
            .map_err(gone)?
            .check()
            .map_err(gone)?;
        self.memory = Some(Memory {
            file,
            segment,
            bytes,
        });
        Ok(())
    }

    fn release(&mut self) -> Result<(), Gone> {
        if let Some(memory) = self.memory.take() {
            self.connection.shm_detach(memory.segment).map_err(gone)?;
        }
        Ok(())
    }

    /// Comes back when the server has done everything before.
    fn finish(&self) -> Result<(), Gone> {
        let cookie = self.connection.get_input_focus().map_err(gone)?;
        cookie.reply().map(drop).map_err(gone)
    }
}

impl Glass for Child {
    fn place(&mut self, frame: Frame, holes: &[Rect]) -> Result<(), Gone> {
        self.reserve(frame.whole().area() * 4)?;
        let values = ConfigureWindowAux::new()
            .x(i32::from(frame.x))
            .y(i32::from(frame.y))
            .width(u32::from(frame.width))
            .height(u32::from(frame.height));
        let shapes = [
            (shape::SO::SET, vec![rectangle(frame.whole())]),
            (
                shape::SO::SUBTRACT,
                holes.iter().copied().map(rectangle).collect(),
            ),
        ];
        for (operation, rectangles) in shapes {
            self.connection
                .shape_rectangles(
                    operation,
                    shape::SK::BOUNDING,
                    ClipOrdering::UNSORTED,
                    self.window,
                    0,
                    0,
                    &rectangles,
                )
                .map_err(gone)?;
        }
        if self.frame != Some(frame) {
            self.connection
                .configure_window(self.window, &values)
                .map_err(gone)?;
            self.connection.map_window(self.window).map_err(gone)?;
            self.frame = Some(frame);
        }
        self.connection.flush().map_err(gone)
    }

    fn write(&mut self, at: usize, rows: &mut dyn Iterator<Item = &[u8]>) -> Result<(), Gone> {
        let Some(memory) = &self.memory else {
            return Err(gone("no memory"));
        };
        let mut at = at as u64;
        loop {
            let batch: Vec<IoSlice<'_>> =
                (&mut *rows).take(ROWS_A_CALL).map(IoSlice::new).collect();
            if batch.is_empty() {
                return Ok(());
            }
            let bytes: usize = batch.iter().map(|row| row.len()).sum();
            if rustix::io::pwritev(&memory.file, &batch, at).map_err(gone)? != bytes {
                return Err(gone("the memory is full"));
            }
            at += bytes as u64;
        }
    }

    fn show(&mut self, pieces: &[(Rect, usize)]) -> Result<(), Gone> {
        let Some(memory) = &self.memory else {
            return Err(gone("no memory"));
        };
        for (rect, offset) in pieces {
            self.connection
                .shm_put_image(
                    self.window,
                    self.gc,
                    rect.width,
                    rect.height,
                    0,
                    0,
                    rect.width,
                    rect.height,
                    rect.x as i16,
                    rect.y as i16,
                    DEPTH,
                    ImageFormat::Z_PIXMAP.into(),
                    false,
                    memory.segment,
                    *offset as u32,
                )
                .map_err(gone)?;
        }
        self.finish()
    }

    fn point(&mut self, shape: &PointerShape) -> Result<(), Gone> {
        let connection = &self.connection;
        let id = || connection.generate_id().map_err(gone);
        let (pixmap, gc, picture, cursor) = (id()?, id()?, id()?, id()?);
        let (width, height) = (shape.width, shape.height);
        let send = || {
            connection.create_pixmap(ALPHA_DEPTH, pixmap, self.parent, width, height)?;
            connection.create_gc(gc, pixmap, &CreateGCAux::new())?;
            let rows = usize::from(width) * 4 * ROWS_A_PIECE;
            for (n, piece) in shape.bgra.chunks(rows).enumerate() {
                connection.put_image(
                    ImageFormat::Z_PIXMAP,
                    pixmap,
                    gc,
                    width,
                    (piece.len() / 4 / usize::from(width)) as u16,
                    0,
                    (n * ROWS_A_PIECE) as i16,
                    0,
                    ALPHA_DEPTH,
                    piece,
                )?;
            }
            let plain = render::CreatePictureAux::new();
            connection.render_create_picture(picture, pixmap, self.coloured, &plain)?;
            // The protocol's shapes may point beside themselves; the server's may not.
            let hot = (shape.hot_x.min(width - 1), shape.hot_y.min(height - 1));
            connection.render_create_cursor(cursor, picture, hot.0, hot.1)?;
            let looks = ChangeWindowAttributesAux::new().cursor(cursor);
            connection.change_window_attributes(self.parent, &looks)?;
            connection.free_cursor(cursor)?;
            connection.render_free_picture(picture)?;
            connection.free_gc(gc)?;
            connection.free_pixmap(pixmap)?;
            Ok::<(), x11rb::errors::ConnectionError>(())
        };
        send().map_err(gone)?;
        self.finish()
    }

    fn hide(&mut self) -> Result<(), Gone> {
        self.connection.unmap_window(self.window).map_err(gone)?;
        self.frame = None;
        self.release()?;
        self.finish()
    }

    fn wait(&mut self, waker: &Waker, exposed: &mut Vec<Rect>) -> Result<(), Gone> {
        loop {
            while let Some(event) = self.connection.poll_for_event().map_err(gone)? {
                #[expect(
                    clippy::wildcard_enum_match_arm,
                    reason = "no other event is asked for"
                )]
                match event {
                    Event::Expose(event) => exposed.push(Rect {
                        x: event.x,
                        y: event.y,
                        width: event.width,
                        height: event.height,
                    }),
                    Event::DestroyNotify(_) => return Err(gone("the window is closed")),
                    Event::Error(error) => return Err(gone(format!("{error:?}"))),
                    _ => {}
                }
            }
            if !exposed.is_empty() {
                return Ok(());
            }
            if waker
                .sleep(self.connection.stream().as_fd())
                .map_err(gone)?
            {
                return Ok(());
            }
        }
    }
}

/// True if this visual's pixels are as ours.
fn suits(connection: &RustConnection, visual: Visualid) -> bool {
    let setup = connection.setup();
    let wide = setup
        .pixmap_formats
        .iter()
        .any(|format| format.depth == DEPTH && format.bits_per_pixel == 32);
    let depths = setup.roots.iter().flat_map(|root| &root.allowed_depths);
    let mut visuals = depths
        .filter(|depth| depth.depth == DEPTH)
        .flat_map(|depth| &depth.visuals);
    wide && setup.image_byte_order == ImageOrder::LSB_FIRST
        && visuals.any(|known| {
            known.visual_id == visual
                && known.class == VisualClass::TRUE_COLOR
                && (known.red_mask, known.green_mask, known.blue_mask)
                    == (0x00ff_0000, 0xff00, 0xff)
        })
}

/// True if the server takes memory by descriptor, and windows that are no rectangles.
fn shares(connection: &RustConnection) -> Result<bool, Gone> {
    for extension in [shm::X11_EXTENSION_NAME, shape::X11_EXTENSION_NAME] {
        let there = connection.extension_information(extension).map_err(gone)?;
        if there.is_none() {
            return Ok(false);
        }
    }
    let version = connection.shm_query_version().map_err(gone)?;
    let version = version.reply().map_err(gone)?;
    if (version.major_version, version.minor_version) < (1, 2) {
        return Ok(false);
    }
    // A server behind a network says so only when it is given one.
    let file = memfd_create(c"picture", MemfdFlags::CLOEXEC).map_err(gone)?;
    ftruncate(&file, 4096).map_err(gone)?;
    let segment = connection.generate_id().map_err(gone)?;
    let Ok(attached) = connection.shm_attach_fd(segment, file, true) else {
        return Ok(false);
    };
    if attached.check().is_err() {
        return Ok(false);
    }
    connection.shm_detach(segment).map_err(gone)?;
    Ok(true)
}

/// The format of pointers' pictures: blue, green, red, alpha. None where the server makes no pointers of them.
fn coloured(connection: &RustConnection) -> Result<Option<Pictformat>, Gone> {
    let there = connection.extension_information(render::X11_EXTENSION_NAME);
    if there.map_err(gone)?.is_none() {
        return Ok(None);
    }
    let version = connection.render_query_version(0, 11).map_err(gone)?;
    let version = version.reply().map_err(gone)?;
    if (version.major_version, version.minor_version) < (0, 5) {
        return Ok(None);
    }
    let formats = connection.render_query_pict_formats().map_err(gone)?;
    let formats = formats.reply().map_err(gone)?.formats;
    let suits = formats.into_iter().find(|format| {
        let d = format.direct;
        let shifts = (d.blue_shift, d.green_shift, d.red_shift, d.alpha_shift);
        let masks = [d.blue_mask, d.green_mask, d.red_mask, d.alpha_mask];
        format.type_ == PictType::DIRECT
            && format.depth == ALPHA_DEPTH
            && shifts == (0, 8, 16, 24)
            && masks == [0xff; 4]
    });
    Ok(suits.map(|format| format.id))
}

fn rectangle(rect: Rect) -> Rectangle {
    Rectangle {
        x: rect.x as i16,
        y: rect.y as i16,
        width: rect.width,
        height: rect.height,
    }
}

fn gone(error: impl std::fmt::Display) -> Gone {
    Gone(error.to_string())
}

/// Pixels with an alpha channel.
const ALPHA_DEPTH: u8 = 32;

/// So many rows of the widest pointer fit one request of any server.
const ROWS_A_PIECE: usize = 64;

/// The kernel takes at most this many pieces in one call (`IOV_MAX`).
const ROWS_A_CALL: usize = 1024;
