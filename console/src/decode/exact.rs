//! Exact boxes: the one zstd block of an update, its colours and its palette.

use fernsicht_protocol::picture::{Code, History, Rect, Update, restore};

use super::Error;
use super::canvas::{Canvas, OPAQUE};

/// Unpacks blocks; keeps its memory from one update to the next.
#[derive(Default)]
pub(super) struct Unpacker {
    zstd: Option<zstd::bulk::Decompressor<'static>>,
    /// True while it has a dictionary.
    refers: bool,
    raw: Vec<u8>,
}

impl Unpacker {
    /// The pixels of the exact boxes, of exactly the size that the boxes say. The update's
    /// own check has bounded that size.
    pub(super) fn unpack(
        &mut self,
        update: &Update,
        history: &mut History,
    ) -> Result<&mut [u8], Error> {
        let size = update.raw_bytes();
        if size == 0 {
            return Ok(&mut []);
        }
        if self.raw.len() < size || self.raw.len() > KEPT.max(size * 4) {
            self.raw = vec![0; size];
        }
        if self.zstd.is_none() {
            self.zstd = Some(zstd::bulk::Decompressor::new().map_err(|_| Error::Pixels)?);
        }
        let zstd = self.zstd.as_mut().ok_or(Error::Pixels)?;
        let raw = &mut self.raw[..size];
        if update.history || self.refers {
            let dictionary = update.history.then(|| history.dictionary());
            let set = zstd.set_dictionary(dictionary.unwrap_or_default());
            set.map_err(|_| Error::Pixels)?;
        }
        self.refers = update.history;
        match zstd.decompress_to_buffer(&update.block.0, raw) {
            Ok(written) if written == size => {
                if update.kept() {
                    history.add(raw);
                }
                Ok(&mut self.raw[..size])
            }
            Ok(_) | Err(_) => Err(Error::Pixels),
        }
    }
}

/// Draws a box that needs nothing but its own pixels; other codes draw nothing. Errors: as [`draw_indexed`].
pub(super) fn draw_box(
    canvas: &mut Canvas,
    rect: Rect,
    code: &Code,
    pixels: &mut [u8],
    palette: &[[u8; 3]],
) -> Result<(), Error> {
    match code {
        Code::Colours | Code::ColoursAcross => draw_colours(canvas, rect, code.across(), pixels),
        Code::Indexed | Code::IndexedAcross => {
            draw_indexed(canvas, rect, code.across(), pixels, palette)?;
        }
        Code::Predicted => draw_predicted(canvas, rect, pixels),
        Code::Solid(colour) => draw_solid(canvas, rect, *colour),
        Code::Moved { .. } | Code::Seen { .. } | Code::Video { .. } => {}
    }
    Ok(())
}

/// Draws blue, green, red of each pixel; `pixels` has three bytes for each pixel of `rect`.
pub(super) fn draw_colours(canvas: &mut Canvas, rect: Rect, across: bool, pixels: &[u8]) {
    let pixels = pixels.as_chunks::<3>().0;
    draw(canvas, rect, across, pixels, |[b, g, r]| {
        [*b, *g, *r, OPAQUE]
    });
}

/// Draws palette indices; `pixels` has one byte for each pixel of `rect`. Errors: an index without a colour.
pub(super) fn draw_indexed(
    canvas: &mut Canvas,
    rect: Rect,
    across: bool,
    pixels: &[u8],
    palette: &[[u8; 3]],
) -> Result<(), Error> {
    // All 256 indices have a colour here, so the inner loops need no check.
    let mut colours = [[0, 0, 0, OPAQUE]; 256];
    for (colour, [b, g, r]) in colours.iter_mut().zip(palette) {
        *colour = [*b, *g, *r, OPAQUE];
    }
    draw(canvas, rect, across, pixels, |index| {
        colours[usize::from(*index)]
    });
    match pixels.iter().max() {
        Some(largest) if usize::from(*largest) >= palette.len() => Err(Error::Pixels),
        Some(_) | None => Ok(()),
    }
}

/// Draws `pixels`, one for each of `rect`: row by row, or `across`, column by column.
fn draw<P>(
    canvas: &mut Canvas,
    rect: Rect,
    across: bool,
    pixels: &[P],
    colour: impl Fn(&P) -> [u8; 4],
) {
    let (width, height) = (usize::from(rect.width), usize::from(rect.height));
    for row in 0..rect.height {
        let line = canvas.row_mut(rect, row).iter_mut();
        let row = usize::from(row);
        match across {
            true => line
                .zip(pixels[row..].iter().step_by(height))
                .for_each(|(to, from)| *to = colour(from)),
            false => line
                .zip(&pixels[row * width..])
                .for_each(|(to, from)| *to = colour(from)),
        }
    }
}

/// Draws one colour.
pub(super) fn draw_solid(canvas: &mut Canvas, rect: Rect, [b, g, r]: [u8; 3]) {
    for row in 0..rect.height {
        canvas.row_mut(rect, row).fill([b, g, r, OPAQUE]);
    }
}

/// Draws predicted pixels; `planes` has three bytes for each pixel of `rect`, and is used up.
pub(super) fn draw_predicted(canvas: &mut Canvas, rect: Rect, planes: &mut [u8]) {
    let width = usize::from(rect.width);
    restore(planes, width, usize::from(rect.height));
    let (greens, others) = planes.split_at(rect.area());
    let (blues, reds) = others.split_at(rect.area());
    for row in 0..rect.height {
        let line = usize::from(row) * width..(usize::from(row) + 1) * width;
        let (greens, blues, reds) = (&greens[line.clone()], &blues[line.clone()], &reds[line]);
        let pixels = canvas.row_mut(rect, row).iter_mut();
        for (pixel, ((green, blue), red)) in pixels.zip(greens.iter().zip(blues).zip(reds)) {
            let colours = [blue.wrapping_add(*green), *green, red.wrapping_add(*green)];
            *pixel = [colours[0], colours[1], colours[2], OPAQUE];
        }
    }
}

/// Memory that is worth keeping between updates; more is kept while a quarter of it is used.
const KEPT: usize = 1 << 20;
