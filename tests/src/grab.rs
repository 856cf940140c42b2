//! Screens as any X client sees them: grabbed, compared, written as PNG.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use x11rb::connection::Connection;
use x11rb::protocol::xfixes::ConnectionExt as _;
use x11rb::protocol::xproto::{ConnectionExt as _, ImageFormat};
use x11rb::rust_connection::RustConnection;

use crate::wait;

/// A rectangle in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// Left edge.
    pub x: u16,
    /// Upper edge.
    pub y: u16,
    /// Width.
    pub width: u16,
    /// Height.
    pub height: u16,
}

impl Area {
    fn holds(&self, x: usize, y: usize) -> bool {
        let (left, top) = (usize::from(self.x), usize::from(self.y));
        (left..left + usize::from(self.width)).contains(&x)
            && (top..top + usize::from(self.height)).contains(&y)
    }
}

/// Pixels of a screen, 0x00RRGGBB.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Row by row.
    pub pixels: Vec<u32>,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}x{})", self.width, self.height)
    }
}

impl Picture {
    /// How many pixels differ. Errors: the sizes differ.
    pub fn differing_pixels(&self, other: &Self) -> Result<usize> {
        self.differing_outside(other, &[])
    }

    /// How many pixels differ outside the masked areas. Errors: the sizes differ.
    pub fn differing_outside(&self, other: &Self, masks: &[Area]) -> Result<usize> {
        ensure!(
            (self.width, self.height) == (other.width, other.height),
            "pictures of {}x{} and {}x{} cannot be compared",
            self.width,
            self.height,
            other.width,
            other.height
        );
        let differs = |(at, (a, b)): (usize, (&u32, &u32))| {
            let (x, y) = (at % self.width, at / self.width);
            a != b && !masks.iter().any(|mask| mask.holds(x, y))
        };
        Ok(self
            .pixels
            .iter()
            .zip(&other.pixels)
            .enumerate()
            .filter(|pair| differs(*pair))
            .count())
    }

    /// The smallest area that holds all differing pixels, for the sentence of a failure.
    pub fn difference(&self, other: &Self) -> Option<Area> {
        let different = || {
            let pairs = self.pixels.iter().zip(&other.pixels).enumerate();
            pairs
                .filter(|(_, (a, b))| a != b)
                .map(|(at, _)| (at % self.width, at / self.width))
        };
        let (left, right) = (
            different().map(|p| p.0).min()?,
            different().map(|p| p.0).max()?,
        );
        let (top, bottom) = (
            different().map(|p| p.1).min()?,
            different().map(|p| p.1).max()?,
        );
        Some(Area {
            x: left as u16,
            y: top as u16,
            width: (right - left + 1) as u16,
            height: (bottom - top + 1) as u16,
        })
    }

    /// How many different colours there are: 1 is a blank screen.
    pub fn colours(&self) -> usize {
        let mut sorted = self.pixels.clone();
        sorted.sort_unstable();
        sorted.dedup();
        sorted.len()
    }

    /// Writes a PNG, with its folder.
    pub fn save(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file =
            File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut encoder =
            png::Encoder::new(BufWriter::new(file), self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        // Pages are flat: what a filter does to their rows packs worse.
        encoder.set_filter(png::Filter::NoFilter);
        let bytes: Vec<u8> = self
            .pixels
            .iter()
            .flat_map(|p| [(p >> 16) as u8, (p >> 8) as u8, *p as u8])
            .collect();
        encoder.write_header()?.write_image_data(&bytes)?;
        Ok(())
    }
}

/// An X client that grabs a screen.
#[derive(Debug)]
pub struct Grabber {
    connection: RustConnection,
    root: u32,
}

impl Grabber {
    /// Connects to a display.
    pub fn open(display: &str) -> Result<Self> {
        let (connection, screen) =
            x11rb::connect(Some(display)).with_context(|| format!("no X server at {display}"))?;
        let root = connection.setup().roots[screen].root;
        Ok(Self { connection, root })
    }

    /// Width and height of the screen, which may have changed since it was opened.
    pub fn size(&self) -> Result<(u16, u16)> {
        let root = self.connection.get_geometry(self.root)?.reply()?;
        Ok((root.width, root.height))
    }

    /// The whole screen, without the pointer.
    pub fn grab(&self) -> Result<Picture> {
        let (width, height) = self.size()?;
        self.grab_area(Area {
            x: 0,
            y: 0,
            width,
            height,
        })
    }

    /// A part of the screen.
    pub fn grab_area(&self, area: Area) -> Result<Picture> {
        let (x, y) = (i16::try_from(area.x)?, i16::try_from(area.y)?);
        let format = ImageFormat::Z_PIXMAP;
        let image = self
            .connection
            .get_image(format, self.root, x, y, area.width, area.height, !0)?
            .reply()?;
        ensure!(
            image.depth == 24,
            "the screen has depth {} instead of 24",
            image.depth
        );
        let pixel = |b: &[u8]| u32::from_le_bytes([b[0], b[1], b[2], 0]);
        Ok(Picture {
            width: usize::from(area.width),
            height: usize::from(area.height),
            pixels: image.data.chunks_exact(4).map(pixel).collect(),
        })
    }

    /// Where the pointer is, and what it looks like: the hot spot left out, since that is not to be seen.
    pub fn pointer(&self) -> Result<((i16, i16), Picture)> {
        let _version = self.connection.xfixes_query_version(4, 0)?.reply()?;
        let image = self.connection.xfixes_get_cursor_image()?.reply()?;
        let looks = Picture {
            width: image.width.into(),
            height: image.height.into(),
            pixels: image.cursor_image,
        };
        Ok(((image.x, image.y), looks))
    }

    /// Grabs until nothing has changed for `rest`. Returns the picture and when it was last seen to change.
    pub fn settled(&self, rest: Duration, limit: Duration) -> Result<(Picture, Instant)> {
        let mut last = (self.grab()?, Instant::now());
        wait::until("the screen to rest", limit, || {
            let picture = self.grab()?;
            if picture != last.0 {
                last = (picture, Instant::now());
            }
            Ok((last.1.elapsed() >= rest).then(|| last.clone()))
        })
    }
}
