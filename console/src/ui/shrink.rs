//! Pictures made smaller so that text stays readable: every pixel is the mean of all that it stands for.
//!
//! Graphics systems look at four pixels at most; what lies between them, thin strokes above all, they lose.
//! Weights are whole numbers: a part that is made anew is the same as in the whole.

use egui::{Color32, ColorImage};
use fernsicht_protocol::picture::Rect;

use crate::picture::Pixels;

/// From a part of a picture to a smaller size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shrink {
    part: Rect,
    to: (u16, u16),
}

impl Shrink {
    /// `to` is at most the part's size.
    pub(super) fn new(part: Rect, to: (u16, u16)) -> Self {
        Self { part, to }
    }

    /// What of the result depends on this area of the picture.
    pub(super) fn reach(&self, area: Rect) -> Rect {
        let area = area.intersection(self.part);
        if area.is_empty() {
            return Rect::default();
        }
        let along = |from: u16, length: u16, start: u16, source: u16, to: u16| {
            let at = u32::from(from - start);
            let first = at * u32::from(to) / u32::from(source);
            let last = ((at + u32::from(length)) * u32::from(to)).div_ceil(u32::from(source));
            (first as u16, (last - first) as u16)
        };
        let (x, width) = along(area.x, area.width, self.part.x, self.part.width, self.to.0);
        let (y, height) = along(
            area.y,
            area.height,
            self.part.y,
            self.part.height,
            self.to.1,
        );
        Rect {
            x,
            y,
            width,
            height,
        }
    }

    /// An area of the result.
    pub(super) fn image(&self, pixels: &Pixels, area: Rect) -> ColorImage {
        let mut colours = Vec::with_capacity(area.area());
        let stride = usize::from(pixels.width) * 4;
        self.each(&pixels.bgrx, stride, area, |[b, g, r, _]| {
            colours.push(Color32::from_rgb(r, g, b));
        });
        ColorImage::new([area.width.into(), area.height.into()], colours)
    }

    /// The pixels of an area of the result, row by row, from rows of `stride` bytes with four bytes a pixel.
    pub(super) fn each(
        &self,
        source: &[u8],
        stride: usize,
        area: Rect,
        mut pixel: impl FnMut([u8; 4]),
    ) {
        let across: Vec<Span> = (area.x..area.x + area.width)
            .map(|x| span(x, self.part.width, self.to.0))
            .collect();
        let (Some(first), Some(last)) = (across.first(), across.last()) else {
            return;
        };
        let (from, end) = (first.from, last.from + last.weights.len());
        let offset = usize::from(self.part.x) + from;
        let whole = 1.0 / (f32::from(self.part.width) * f32::from(self.part.height));
        let mut sums = vec![0u32; (end - from) * 4];
        for y in area.y..area.y + area.height {
            let down = span(y, self.part.height, self.to.1);
            sums.fill(0);
            for (row, weight) in (down.from..).zip(&down.weights) {
                let start = (usize::from(self.part.y) + row) * stride + offset * 4;
                let row = &source[start..start + sums.len()];
                for (sum, value) in sums.iter_mut().zip(row) {
                    *sum += weight * u32::from(*value);
                }
            }
            for span in &across {
                let mut mean = [0.0f32; 4];
                let columns = sums[(span.from - from) * 4..].as_chunks::<4>().0;
                for (column, weight) in columns.iter().zip(&span.weights) {
                    for (mean, sum) in mean.iter_mut().zip(column) {
                        *mean += *weight as f32 * *sum as f32;
                    }
                }
                pixel(mean.map(|sum| (sum * whole + 0.5) as u8));
            }
        }
    }
}

/// What one pixel of the result stands for, along one axis.
struct Span {
    from: usize,
    /// Together as many as the picture is long.
    weights: Vec<u32>,
}

/// Both axes cut into `source` times `to` pieces: each pixel of the result has `source` of them.
fn span(at: u16, source: u16, to: u16) -> Span {
    let (source, to) = (u32::from(source), u32::from(to));
    let (start, end) = (u32::from(at) * source, (u32::from(at) + 1) * source);
    let from = start / to;
    let weights = (from..end.div_ceil(to))
        .map(|pixel| ((pixel + 1) * to).min(end) - (pixel * to).max(start))
        .collect();
    Span {
        from: from as usize,
        weights,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rect(x: u16, y: u16, width: u16, height: u16) -> Rect {
        Rect {
            x,
            y,
            width,
            height,
        }
    }

    /// A picture of looks-like-chance.
    fn picture(width: u16, height: u16) -> Pixels {
        let bytes = usize::from(width) * usize::from(height) * 4;
        let noise = (0..bytes as u32).map(|n| (n.wrapping_mul(0x9e37_79b9) >> 13) as u8);
        Pixels {
            width,
            height,
            bgrx: noise.collect(),
        }
    }

    #[test]
    fn weights_share_the_whole_axis_out() {
        for (source, to) in [(1920, 1280), (1080, 1080), (7, 3), (3000, 1)] {
            let spans: Vec<Span> = (0..to).map(|at| span(at, source, to)).collect();
            assert!(
                spans
                    .iter()
                    .all(|s| s.weights.iter().sum::<u32>() == u32::from(source))
            );
            let all: u32 = spans.iter().flat_map(|s| &s.weights).sum();
            assert_eq!(all, u32::from(source) * u32::from(to));
        }
    }

    #[test]
    fn halves_are_means_and_a_thin_line_stays() {
        let mut pixels = picture(8, 2);
        pixels.bgrx.fill(255);
        for y in 0..2 {
            pixels.bgrx[y * 32 + 12..y * 32 + 16].fill(0);
        }
        let image = Shrink::new(rect(0, 0, 8, 2), (4, 1)).image(&pixels, rect(0, 0, 4, 1));
        let seen: Vec<u8> = image.pixels.iter().map(|p| p.r()).collect();
        assert_eq!(seen, [255, 128, 255, 255]);
    }

    #[test]
    fn a_part_made_anew_is_the_same_as_in_the_whole() {
        let pixels = picture(97, 61);
        for part in [rect(0, 0, 97, 61), rect(13, 7, 80, 50)] {
            let shrink = Shrink::new(part, (40, 33));
            let whole = shrink.image(&pixels, rect(0, 0, 40, 33));
            let mut changed = pixels.clone();
            let area = rect(50, 20, 9, 5);
            for y in 20..25 {
                let at = (y * 97 + 50) * 4;
                changed.bgrx[at..at + 36].fill(9);
            }
            let reach = shrink.reach(area);
            let (after, piece) = (
                shrink.image(&changed, rect(0, 0, 40, 33)),
                shrink.image(&changed, reach),
            );
            for (at, (old, new)) in whole.pixels.iter().zip(&after.pixels).enumerate() {
                let (x, y) = ((at % 40) as u16, (at / 40) as u16);
                if reach.contains(rect(x, y, 1, 1)) {
                    let at = usize::from(y - reach.y) * usize::from(reach.width);
                    assert_eq!(piece.pixels[at + usize::from(x - reach.x)], *new);
                } else {
                    assert_eq!(old, new, "{x}, {y}");
                }
            }
        }
    }
}
