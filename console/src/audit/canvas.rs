//! What one picture of the exported video looks like: the technician's picture with the customer's
//! pointer drawn in, in a frame of fixed size.
//!
//! The frame is as large as the largest picture, with even sides; a smaller picture stands
//! in its upper left corner, black around it. What is larger than a video can be is made smaller by a
//! whole number, averaging.

use fernsicht_protocol::content::PointerShape;
use fernsicht_protocol::picture::View;

use super::video::{MAX_LONG, MAX_SHORT};

/// Opaque pixels in a frame of fixed size.
#[derive(Debug)]
pub struct Canvas {
    width: u16,
    height: u16,
    /// Every so many pixels of the picture become one.
    divisor: u16,
    bgrx: Vec<u8>,
}

/// The pointer to draw in.
#[derive(Debug, Clone, Copy)]
pub struct Pointer<'a> {
    /// Pixels from the left.
    pub x: u16,
    /// Pixels from the top.
    pub y: u16,
    /// Its shape; none: a small cross.
    pub shape: Option<&'a PointerShape>,
}

impl Canvas {
    /// For pictures of at most `largest`.
    pub fn new(largest: (u16, u16)) -> Self {
        let (width, height) = largest;
        let divisor = divisor(width, height);
        let even = |side: u16| side.div_ceil(divisor).max(LEAST).next_multiple_of(2);
        let (width, height) = (even(width), even(height));
        Self {
            width,
            height,
            divisor,
            bgrx: vec![0; usize::from(width) * usize::from(height) * 4],
        }
    }

    /// Width and height in pixels, both even.
    pub fn size(&self) -> (u16, u16) {
        (self.width, self.height)
    }

    /// The pixels.
    pub fn view(&self) -> View<'_> {
        View {
            width: self.width,
            height: self.height,
            stride: usize::from(self.width) * 4,
            bgrx: &self.bgrx,
        }
    }

    /// Draws what is to be seen; no picture: black.
    pub fn draw(&mut self, picture: Option<View<'_>>, pointer: Option<Pointer<'_>>) {
        self.bgrx.fill(0);
        let Some(picture) = picture else {
            return;
        };
        match self.divisor {
            1 => self.copy(picture),
            _ => self.shrink(picture),
        }
        if let Some(pointer) = pointer {
            self.draw_pointer(pointer);
        }
    }

    fn copy(&mut self, picture: View<'_>) {
        let bytes = usize::from(picture.width.min(self.width)) * 4;
        let stride = usize::from(self.width) * 4;
        let area = picture.area();
        let rows = self.bgrx.chunks_exact_mut(stride);
        for (row, line) in (0..picture.height).zip(rows) {
            line[..bytes].copy_from_slice(&picture.row(area, row)[..bytes]);
        }
    }

    fn shrink(&mut self, picture: View<'_>) {
        let n = usize::from(self.divisor);
        let area = picture.area();
        let stride = usize::from(self.width) * 4;
        let width = usize::from(picture.width);
        for (row, line) in self.bgrx.chunks_exact_mut(stride).enumerate() {
            for (column, pixel) in line.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                let mut sum = [0u32; 3];
                let mut count = 0;
                for y in row * n..(row * n + n).min(usize::from(picture.height)) {
                    let from = picture.row(area, y as u16).as_chunks::<4>().0;
                    for source in &from[(column * n).min(width)..(column * n + n).min(width)] {
                        for (sum, byte) in sum.iter_mut().zip(source) {
                            *sum += u32::from(*byte);
                        }
                        count += 1;
                    }
                }
                for (byte, sum) in pixel.iter_mut().zip(sum) {
                    *byte = sum.checked_div(count).unwrap_or_default() as u8;
                }
            }
        }
    }

    fn draw_pointer(&mut self, pointer: Pointer<'_>) {
        let (x, y) = (
            i32::from(pointer.x / self.divisor),
            i32::from(pointer.y / self.divisor),
        );
        let Some(shape) = pointer.shape else {
            for d in -4..=4 {
                self.blend(x + d, y, [255, 255, 255, 255]);
                self.blend(x, y + d, [255, 255, 255, 255]);
            }
            return;
        };
        let (left, top) = (x - i32::from(shape.hot_x), y - i32::from(shape.hot_y));
        let pixels = shape.bgra.as_chunks::<4>().0;
        let rows = pixels.chunks_exact(usize::from(shape.width));
        for (row, line) in (top..).zip(rows) {
            for (column, pixel) in (left..).zip(line) {
                self.blend(column, row, *pixel);
            }
        }
    }

    /// Premultiplied over opaque.
    fn blend(&mut self, x: i32, y: i32, over: [u8; 4]) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else {
            return;
        };
        if x >= usize::from(self.width) || y >= usize::from(self.height) {
            return;
        }
        let at = (y * usize::from(self.width) + x) * 4;
        let rest = 255 - u16::from(over[3]);
        for (under, over) in self.bgrx[at..at + 3].iter_mut().zip(over) {
            let sum = u16::from(over) + (u16::from(*under) * rest + 127) / 255;
            *under = sum.min(255) as u8;
        }
    }
}

/// By which whole number pictures must be made smaller.
fn divisor(width: u16, height: u16) -> u16 {
    let (long, short) = (width.max(height), width.min(height));
    let needed = long.div_ceil(MAX_LONG).max(short.div_ceil(MAX_SHORT));
    needed.max(1)
}

/// Below that openh264 encodes nothing.
const LEAST: u16 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u16, height: u16) -> Vec<u8> {
        (0..u32::from(width) * u32::from(height))
            .flat_map(|i| [i as u8, (i >> 3) as u8, (i >> 6) as u8, 255])
            .collect()
    }

    fn view(bgrx: &[u8], width: u16, height: u16) -> View<'_> {
        View {
            width,
            height,
            stride: usize::from(width) * 4,
            bgrx,
        }
    }

    #[test]
    fn sides_are_even_and_within_what_a_video_can_be() {
        assert_eq!(Canvas::new((1279, 801)).size(), (1280, 802));
        assert_eq!(Canvas::new((1, 1)).size(), (16, 16));
        assert_eq!(Canvas::new((7680, 4320)).size(), (3840, 2160));
        assert_eq!(Canvas::new((2160, 3840)).size(), (2160, 3840));
        let (width, height) = Canvas::new((u16::MAX, 1080)).size();
        assert!(width <= MAX_LONG && height <= MAX_SHORT);
    }

    #[test]
    fn a_picture_stands_where_it_stood_with_the_pointer_in_it() {
        let mut canvas = Canvas::new((41, 31));
        let bgrx = picture(40, 30);
        let shape = PointerShape {
            width: 2,
            height: 1,
            hot_x: 1,
            hot_y: 0,
            bgra: vec![1, 2, 3, 255, 0, 0, 0, 128],
        };
        let pointer = Pointer {
            x: 5,
            y: 7,
            shape: Some(&shape),
        };
        canvas.draw(Some(view(&bgrx, 40, 30)), Some(pointer));
        let shown = canvas.view();
        let at = |x: usize, y: usize| &shown.bgrx[y * shown.stride + x * 4..][..3];
        let source = |x: usize, y: usize| &bgrx[(y * 40 + x) * 4..][..3];
        assert_eq!(at(39, 29), source(39, 29));
        assert_eq!(at(4, 7), [1, 2, 3]);
        let half: Vec<u8> = source(5, 7)
            .iter()
            .map(|b| ((u16::from(*b) * 127 + 127) / 255) as u8)
            .collect();
        assert_eq!(at(5, 7), half);
        assert_eq!(at(41, 0), [0, 0, 0]);
        canvas.draw(None, Some(pointer));
        assert!(canvas.view().bgrx.iter().all(|b| *b == 0));
    }

    #[test]
    fn pointers_at_the_edges_are_cut() {
        let mut canvas = Canvas::new((32, 32));
        let bgrx = picture(32, 32);
        for (x, y) in [(0, 0), (31, 31), (u16::MAX, 0)] {
            let pointer = Pointer { x, y, shape: None };
            canvas.draw(Some(view(&bgrx, 32, 32)), Some(pointer));
        }
    }

    #[test]
    fn what_is_too_large_is_averaged() {
        let mut canvas = Canvas::new((7680, 16));
        assert_eq!(canvas.size(), (3840, 16));
        let bgrx: Vec<u8> = (0..7680 * 16)
            .flat_map(|i| if i % 2 == 0 { [10; 4] } else { [20; 4] })
            .collect();
        canvas.draw(Some(view(&bgrx, 7680, 16)), None);
        assert_eq!(canvas.view().bgrx[..3], [15, 15, 15]);
    }
}
