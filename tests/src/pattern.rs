//! A pattern that says of each pixel where it is, and a witness of the clicks on it: an X client that no program
//! of ours knows.
//!
//! It lies at the bottom of a screen, under every window. [`place`] reads a pixel of a picture of it back.

use anyhow::{Context, Result};
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    ConfigureWindowAux, ConnectionExt as _, CreateGCAux, CreateWindowAux, EventMask, ImageFormat,
    StackMode, WindowClass,
};
use x11rb::rust_connection::RustConnection;

/// The pattern over a part of the desktop, as long as it lives.
#[derive(Debug)]
pub struct Pattern {
    connection: RustConnection,
    presses: Vec<Press>,
}

/// A click that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Press {
    /// Where, in pixels of the desktop.
    pub at: (u16, u16),
    /// Where the pointer was when it was asked for behind the click.
    pub pointer: (i16, i16),
}

impl Pattern {
    /// Covers these places: left, top, width, height.
    pub fn show(display: &str, places: &[(u16, u16, u16, u16)]) -> Result<Self> {
        let (connection, screen) =
            x11rb::connect(Some(display)).with_context(|| format!("no X server at {display}"))?;
        let screen = connection.setup().roots[screen].clone();
        for &(x, y, width, height) in places {
            let pixmap = connection.generate_id()?;
            connection.create_pixmap(screen.root_depth, pixmap, screen.root, width, height)?;
            let pen = connection.generate_id()?;
            connection.create_gc(pen, pixmap, &CreateGCAux::new())?;
            // A row at a time, which every server takes.
            for row in 0..height {
                let line: Vec<u8> = (x..x + width)
                    .flat_map(|column| colour(column, y + row).to_le_bytes())
                    .collect();
                let to = i16::try_from(row)?;
                let format = ImageFormat::Z_PIXMAP;
                connection.put_image(
                    format,
                    pixmap,
                    pen,
                    width,
                    1,
                    0,
                    to,
                    0,
                    screen.root_depth,
                    &line,
                )?;
            }
            let window = connection.generate_id()?;
            let look = CreateWindowAux::new()
                .background_pixmap(pixmap)
                .override_redirect(1)
                .event_mask(EventMask::BUTTON_PRESS);
            let (left, top) = (i16::try_from(x)?, i16::try_from(y)?);
            let class = WindowClass::INPUT_OUTPUT;
            connection.create_window(
                0,
                window,
                screen.root,
                left,
                top,
                width,
                height,
                0,
                class,
                0,
                &look,
            )?;
            let bottom = ConfigureWindowAux::new().stack_mode(StackMode::BELOW);
            connection.configure_window(window, &bottom)?;
            connection.map_window(window)?.check()?;
        }
        Ok(Self {
            connection,
            presses: Vec::new(),
        })
    }

    /// Everything that has arrived so far.
    pub fn presses(&mut self) -> Result<&[Press]> {
        // Everything that the server has done by now comes before the answer.
        self.connection.get_input_focus()?.reply()?;
        while let Some(event) = self.connection.poll_for_event()? {
            if let Event::ButtonPress(event) = event {
                let pointer = self.connection.query_pointer(event.root)?.reply()?;
                self.presses.push(Press {
                    at: (u16::try_from(event.root_x)?, u16::try_from(event.root_y)?),
                    pointer: (pointer.root_x, pointer.root_y),
                });
            }
        }
        Ok(&self.presses)
    }
}

/// The colour of a place, 0x00RRGGBB. Places up to 4,095 have each their own.
pub fn colour(x: u16, y: u16) -> u32 {
    let (x, y) = (u32::from(x), u32::from(y));
    (x & 0xff) << 16 | (y & 0xff) << 8 | (x >> 8 & 0xf) << 4 | (y >> 8 & 0xf)
}

/// The place that has this colour.
pub fn place(colour: u32) -> (u16, u16) {
    let x = colour >> 16 & 0xff | (colour >> 4 & 0xf) << 8;
    let y = colour >> 8 & 0xff | (colour & 0xf) << 8;
    (x as u16, y as u16)
}
