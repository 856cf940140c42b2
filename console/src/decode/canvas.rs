//! The pixels that the technician sees, exactly as the agent's screen has them.

use fernsicht_protocol::picture::seen::Patch;
use fernsicht_protocol::picture::{Layout, Rect, View};

/// Opaque BGRX pixels of the shared area.
#[derive(Debug, Clone)]
pub struct Canvas {
    generation: u32,
    width: u16,
    height: u16,
    bgrx: Vec<u8>,
}

impl Canvas {
    /// Black.
    pub(super) fn new(layout: Layout) -> Self {
        let Layout {
            generation,
            width,
            height,
        } = layout;
        let mut bgrx = vec![0; usize::from(width) * usize::from(height) * 4];
        for pixel in bgrx.as_chunks_mut::<4>().0 {
            pixel[3] = OPAQUE;
        }
        Self {
            generation,
            width,
            height,
            bgrx,
        }
    }

    /// Generation of the layout that it shows.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Width in pixels.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> u16 {
        self.height
    }

    /// The pixels: blue, green, red, 255.
    pub fn view(&self) -> View<'_> {
        View {
            width: self.width,
            height: self.height,
            stride: usize::from(self.width) * 4,
            bgrx: &self.bgrx,
        }
    }

    /// Appends the pixels of `rect`, which lies within the canvas, as red, green, blue, 255.
    pub fn copy_rgba(&self, rect: Rect, out: &mut Vec<u8>) {
        out.reserve(rect.area() * 4);
        let view = self.view();
        for row in 0..rect.height {
            out.extend(
                view.row(rect, row)
                    .as_chunks::<4>()
                    .0
                    .iter()
                    .flat_map(|p| [p[2], p[1], p[0], OPAQUE]),
            );
        }
    }

    /// Draws `patch` into `to`, which has its size.
    pub(super) fn draw_seen(&mut self, to: Rect, patch: &Patch) {
        for (row, line) in (0..to.height).zip(patch.rows()) {
            self.row_mut(to, row).copy_from_slice(line);
        }
    }

    /// Draws the pixels that begin at `x` and `y` into `to`; both lie within the canvas and may overlap.
    pub(super) fn move_to(&mut self, to: Rect, x: u16, y: u16) {
        let stride = usize::from(self.width) * 4;
        let place = |x: u16, line: u16| usize::from(line) * stride + usize::from(x) * 4;
        let row = usize::from(to.width) * 4;
        let mut line = |n: u16| {
            let from = place(x, y + n);
            self.bgrx
                .copy_within(from..from + row, place(to.x, to.y + n));
        };
        // No row is drawn over before it was taken.
        if to.y > y {
            (0..to.height).rev().for_each(&mut line);
        } else {
            (0..to.height).for_each(&mut line);
        }
    }

    /// The pixels of one row of `rect`, which lies within the canvas.
    pub(super) fn row_mut(&mut self, rect: Rect, row: u16) -> &mut [[u8; 4]] {
        let line = usize::from(rect.y) + usize::from(row);
        let start = (line * usize::from(self.width) + usize::from(rect.x)) * 4;
        self.bgrx[start..start + usize::from(rect.width) * 4]
            .as_chunks_mut()
            .0
    }
}

pub(super) const OPAQUE: u8 = 255;
