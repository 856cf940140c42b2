//! What happens on the customer's screen: an X client of its own that draws text with a font, photographs that
//! move, windows that are dragged. It knows nothing of the programs that watch.
//!
//! Everything is drawn on a canvas that nobody sees, and comes onto the screen in one piece: so no change is seen
//! half. The canvas is also the window's background, with which the server fills what a window uncovers.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crate::grab::Picture;
use crate::measure::marker;
use anyhow::{Context, Result, ensure};
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    ChangeGCAux, ChangeWindowAttributesAux, ConfigureWindowAux, ConnectionExt as _, CreateGCAux,
    CreateWindowAux, EventMask, Gcontext, ImageFormat, InputFocus, Pixmap, Rectangle, Screen,
    StackMode, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;

use super::material::lines;

/// A letter's cell.
pub const LETTER: (u16, u16) = (8, 17);

/// A place on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Pixels from the left.
    pub x: u16,
    /// Pixels from the top.
    pub y: u16,
    /// Pixels across.
    pub width: u16,
    /// Pixels down.
    pub height: u16,
}

impl Place {
    /// Of that size, at that corner.
    pub const fn new(x: u16, y: u16, width: u16, height: u16) -> Self {
        Self {
            x,
            y,
            width,
            height,
        }
    }

    fn rectangle(self) -> Rectangle {
        Rectangle {
            x: self.x as i16,
            y: self.y as i16,
            width: self.width,
            height: self.height,
        }
    }
}

/// The letters of a font in four colours, as pixels.
#[derive(Debug, Clone)]
pub struct Font(Picture);

impl Font {
    /// Has ImageMagick draw them, smoothed as desktops do.
    pub fn draw(folder: &Path) -> Result<Self> {
        let file = folder.join("letters.bgra");
        let (width, height) = (
            usize::from(LETTER.0) * LETTERS.len(),
            usize::from(LETTER.1) * INKS.len(),
        );
        let mut command = Command::new("convert");
        command
            .args(["-size", &format!("{width}x{height}"), "xc:white"])
            .args(["-font", FONT, "-pointsize", "13"]);
        for (row, ink) in (0..).zip(INKS) {
            command.args(["-fill", ink]);
            for (column, letter) in (0..).zip(LETTERS.chars()) {
                let (x, y) = (column * LETTER.0, row * LETTER.1 + 13);
                command.args(["-annotate", &format!("+{x}+{y}"), &letter.to_string()]);
            }
        }
        command.arg("-depth").arg("8").arg(&file);
        let status = command
            .stdin(Stdio::null())
            .status()
            .context("ImageMagick could not be started; is its package installed?")?;
        let bytes = std::fs::read(&file)?;
        ensure!(
            status.success() && bytes.len() == width * height * 4,
            "ImageMagick drew no letters with {FONT}"
        );
        let pixel = |b: &[u8]| u32::from_le_bytes([b[0], b[1], b[2], 0]);
        let letters = Picture {
            width,
            height,
            pixels: bytes.chunks_exact(4).map(pixel).collect(),
        };
        ensure!(letters.colours() > 20, "the letters are not smooth");
        Ok(Self(letters))
    }
}

/// The client that draws.
#[derive(Debug)]
pub struct Player {
    connection: RustConnection,
    screen: Screen,
    /// Covers the screen.
    pub window: Window,
    canvas: Pixmap,
    letters: Pixmap,
    pen: Gcontext,
}

impl Player {
    /// Covers the screen, below every other window.
    pub fn open(display: &str, font: &Font) -> Result<Self> {
        let (connection, screen) =
            x11rb::connect(Some(display)).with_context(|| format!("no X server at {display}"))?;
        let screen = connection.setup().roots[screen].clone();
        let (width, height) = (screen.width_in_pixels, screen.height_in_pixels);
        let ids: Vec<u32> = (0..4)
            .map(|_| connection.generate_id())
            .collect::<Result<_, _>>()?;
        let [canvas, pen, window, letters] = ids[..] else {
            unreachable!("four were made")
        };
        connection.create_pixmap(screen.root_depth, canvas, screen.root, width, height)?;
        let look = CreateGCAux::new().graphics_exposures(0);
        connection.create_gc(pen, canvas, &look)?;
        let look = CreateWindowAux::new()
            .background_pixmap(canvas)
            .override_redirect(1)
            .event_mask(EventMask::BUTTON_PRESS);
        connection.create_window(
            0,
            window,
            screen.root,
            0,
            0,
            width,
            height,
            0,
            WindowClass::INPUT_OUTPUT,
            0,
            &look,
        )?;
        let mut this = Self {
            connection,
            screen,
            window,
            canvas,
            letters,
            pen,
        };
        this.letters = this.upload(&font.0)?;
        this.clear(BACKGROUND)?;
        let bottom = ConfigureWindowAux::new().stack_mode(StackMode::BELOW);
        this.connection.configure_window(window, &bottom)?;
        this.connection.map_window(window)?.check()?;
        Ok(this)
    }

    /// Width and height of the screen.
    pub fn size(&self) -> (u16, u16) {
        (self.screen.width_in_pixels, self.screen.height_in_pixels)
    }

    /// Paints the canvas in one colour and shows it.
    pub fn clear(&self, colour: u32) -> Result<()> {
        let (width, height) = self.size();
        let all = Place::new(0, 0, width, height);
        self.fill(all, colour)?;
        self.show(all)
    }

    /// Paints a part of the canvas.
    pub fn fill(&self, place: Place, colour: u32) -> Result<()> {
        self.fill_in(self.canvas, place, colour)
    }

    fn fill_in(&self, drawable: u32, place: Place, colour: u32) -> Result<()> {
        let ink = ChangeGCAux::new().foreground(colour);
        self.connection.change_gc(self.pen, &ink)?;
        self.connection
            .poly_fill_rectangle(drawable, self.pen, &[place.rectangle()])?;
        Ok(())
    }

    /// Writes a line of text onto the canvas, in one of four inks.
    pub fn write(&self, x: u16, y: u16, text: &str, ink: usize) -> Result<()> {
        self.write_in(self.canvas, x, y, text, ink)
    }

    /// The same onto something else.
    pub fn write_in(&self, drawable: u32, x: u16, y: u16, text: &str, ink: usize) -> Result<()> {
        for (at, letter) in (0..).zip(text.chars()) {
            let Some(number) = LETTERS.find(letter) else {
                continue;
            };
            let from = (
                (number as u16 * LETTER.0) as i16,
                ((ink % INKS.len()) as u16 * LETTER.1) as i16,
            );
            let to = ((x + at * LETTER.0) as i16, y as i16);
            self.connection.copy_area(
                self.letters,
                drawable,
                self.pen,
                from.0,
                from.1,
                to.0,
                to.1,
                LETTER.0,
                LETTER.1,
            )?;
        }
        Ok(())
    }

    /// Draws a number that can be read again.
    pub fn mark(&self, x: u16, y: u16, number: u32) -> Result<()> {
        self.mark_in(self.canvas, x, y, number)
    }

    /// The same onto something else.
    pub fn mark_in(&self, drawable: u32, x: u16, y: u16, number: u32) -> Result<()> {
        let whole = Place::new(x, y, marker::WIDTH, marker::HEIGHT);
        self.fill_in(drawable, whole, 0x00ff_ffff)?;
        for (at, dark) in (0..).zip(marker::cells(number)) {
            if dark {
                let cell = Place::new(x + at * marker::CELL, y, marker::CELL, marker::HEIGHT);
                self.fill_in(drawable, cell, 0)?;
            }
        }
        Ok(())
    }

    /// Copies a part of a pixmap onto the canvas.
    pub fn put(&self, pixmap: Pixmap, from: (u16, u16), to: Place) -> Result<()> {
        self.copy(pixmap, self.canvas, from, to)
    }

    /// White paper with lines of code, onto the canvas.
    pub fn page(&self, place: Place, seed: u32) -> Result<()> {
        self.fill(place, 0x00ff_ffff)?;
        let (columns, rows) = ((place.width - 16) / LETTER.0, (place.height - 8) / LETTER.1);
        for (row, words) in (0..rows).zip(lines(seed)) {
            self.words(place.x + 8, place.y + 4 + row * LETTER.1, columns, &words)?;
        }
        Ok(())
    }

    /// The words of one line, as far as they fit so many columns, onto the canvas.
    pub fn words(
        &self,
        x: u16,
        y: u16,
        columns: u16,
        words: &[(usize, String, usize)],
    ) -> Result<()> {
        for (column, word, ink) in words {
            if column + word.len() <= usize::from(columns) {
                self.write(x + *column as u16 * LETTER.0, y, word, *ink)?;
            }
        }
        Ok(())
    }

    /// Moves a part of the canvas and of the screen, as scrolling programs do.
    pub fn scroll(&self, place: Place, up: u16) -> Result<()> {
        let to = Place {
            height: place.height - up,
            ..place
        };
        for drawable in [self.canvas, self.window] {
            self.copy(drawable, drawable, (place.x, place.y + up), to)?;
        }
        Ok(())
    }

    /// Copies a part of the canvas into a pixmap.
    pub fn take(&self, pixmap: Pixmap, at: (u16, u16), place: Place) -> Result<()> {
        let to = Place {
            x: at.0,
            y: at.1,
            ..place
        };
        self.copy(self.canvas, pixmap, (place.x, place.y), to)
    }

    /// A part of the canvas comes onto the screen.
    pub fn show(&self, place: Place) -> Result<()> {
        self.copy(self.canvas, self.window, (place.x, place.y), place)?;
        self.flush()
    }

    fn copy(&self, from: u32, to: u32, at: (u16, u16), place: Place) -> Result<()> {
        self.connection.copy_area(
            from,
            to,
            self.pen,
            at.0 as i16,
            at.1 as i16,
            place.x as i16,
            place.y as i16,
            place.width,
            place.height,
        )?;
        Ok(())
    }

    /// Sends what was drawn so far.
    pub fn flush(&self) -> Result<()> {
        Ok(self.connection.flush()?)
    }

    /// Waits until the server has done everything so far.
    pub fn sync(&self) -> Result<()> {
        self.connection.get_input_focus()?.reply()?;
        Ok(())
    }

    /// A picture at the server.
    pub fn upload(&self, picture: &Picture) -> Result<Pixmap> {
        let (width, height) = (
            u16::try_from(picture.width)?,
            u16::try_from(picture.height)?,
        );
        let pixmap = self.pixmap(width, height)?;
        // As many rows at a time as every server takes.
        let rows = (200_000 / (picture.width * 4)).max(1);
        for (chunk, pixels) in picture.pixels.chunks(rows * picture.width).enumerate() {
            let bytes: Vec<u8> = pixels
                .iter()
                .flat_map(|pixel| pixel.to_le_bytes())
                .collect();
            let height = u16::try_from(pixels.len() / picture.width)?;
            self.connection.put_image(
                ImageFormat::Z_PIXMAP,
                pixmap,
                self.pen,
                width,
                height,
                0,
                i16::try_from(chunk * rows)?,
                0,
                self.screen.root_depth,
                &bytes,
            )?;
        }
        Ok(pixmap)
    }

    /// An empty picture at the server.
    pub fn pixmap(&self, width: u16, height: u16) -> Result<Pixmap> {
        let pixmap = self.connection.generate_id()?;
        let (depth, root) = (self.screen.root_depth, self.screen.root);
        self.connection
            .create_pixmap(depth, pixmap, root, width, height)?;
        Ok(pixmap)
    }

    /// A window above the canvas with this content.
    pub fn raise(&self, content: Pixmap, place: Place) -> Result<Window> {
        let window = self.connection.generate_id()?;
        let look = CreateWindowAux::new()
            .background_pixmap(content)
            .override_redirect(1);
        self.connection.create_window(
            0,
            window,
            self.screen.root,
            place.x as i16,
            place.y as i16,
            place.width,
            place.height,
            1,
            WindowClass::INPUT_OUTPUT,
            0,
            &look,
        )?;
        self.connection.map_window(window)?.check()?;
        Ok(window)
    }

    /// Moves a window, which shows another number there in the same moment.
    pub fn move_window(&self, window: Window, x: u16, y: u16, number: u32) -> Result<()> {
        let to = ConfigureWindowAux::new().x(i32::from(x)).y(i32::from(y));
        self.connection.configure_window(window, &to)?;
        self.mark_in(window, 0, 0, number)?;
        self.flush()
    }

    /// Takes a window away.
    pub fn lower(&self, window: Window) -> Result<()> {
        self.connection.destroy_window(window)?;
        self.sync()
    }
}

/// Writes a letter for each key that comes, in rows.
#[derive(Debug)]
pub struct Echo {
    connection: RustConnection,
    window: Window,
    thread: Option<JoinHandle<Result<()>>>,
    strokes: Arc<Mutex<Vec<Stroke>>>,
}

/// A key that came, and its letter.
#[derive(Debug, Clone, Copy)]
pub struct Stroke {
    /// When it came.
    pub came: Instant,
    /// When its letter was drawn.
    pub drawn: Instant,
}

impl Echo {
    /// Opens a window at this place that has the keyboard.
    pub fn open(display: &str, font: &Font, place: Place) -> Result<Self> {
        let player = Player::open(display, font)?;
        let paper = player.pixmap(place.width, place.height)?;
        player.fill_in(
            paper,
            Place::new(0, 0, place.width, place.height),
            0x00ff_ffff,
        )?;
        let window = player.raise(paper, place)?;
        player.lower(player.window)?;
        // Clicks that it did not take would reach the desktop, whose window manager gives the keyboard away then.
        let keys = ChangeWindowAttributesAux::new()
            .event_mask(EventMask::KEY_PRESS | EventMask::BUTTON_PRESS);
        player
            .connection
            .change_window_attributes(window, &keys)?
            .check()?;
        let strokes = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&strokes);
        let thread = thread::spawn(move || {
            let mut letters = 0;
            loop {
                // The server ends the connection when the window is killed.
                let Ok(event) = player.connection.wait_for_event() else {
                    return Ok(());
                };
                if matches!(event, Event::KeyPress(_)) {
                    let came = Instant::now();
                    let cell = cell(letters);
                    player.write_in(window, cell.x, cell.y, "m", 0)?;
                    player.flush()?;
                    letters += 1;
                    let drawn = Instant::now();
                    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                    log.push(Stroke { came, drawn });
                }
            }
        });
        let (connection, _) = x11rb::connect(Some(display))?;
        let this = Self {
            connection,
            window,
            thread: Some(thread),
            strokes,
        };
        this.take_keyboard()?;
        Ok(this)
    }

    /// All keys that have come.
    pub fn strokes(&self) -> Vec<Stroke> {
        let strokes = self.strokes.lock();
        strokes.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Has the keyboard from now on.
    pub fn take_keyboard(&self) -> Result<()> {
        self.connection
            .set_input_focus(InputFocus::POINTER_ROOT, self.window, x11rb::CURRENT_TIME)?
            .check()?;
        Ok(())
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let killed = self
            .connection
            .kill_client(self.window)
            .map(|sent| sent.check());
        if matches!(killed, Ok(Ok(())))
            && let Some(thread) = self.thread.take()
        {
            thread.join().ok();
        }
    }
}

/// Where the nth letter of an [`Echo`] stands in its window.
pub fn cell(letter: u32) -> Place {
    let (column, row) = (letter as u16 % COLUMNS, letter as u16 / COLUMNS);
    Place::new(
        8 + column * LETTER.0,
        8 + row * LETTER.1,
        LETTER.0,
        LETTER.1,
    )
}

/// Letters in a row of an [`Echo`].
const COLUMNS: u16 = 60;

/// A desktop's plain colour.
pub const BACKGROUND: u32 = 0x0038_6a8c;

/// What can be written.
const LETTERS: &str =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;=+-*/(){}[]<>_!?#&|$";
const INKS: [&str; 4] = ["#101010", "#0030a0", "#107030", "#a02020"];
const FONT: &str = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf";
