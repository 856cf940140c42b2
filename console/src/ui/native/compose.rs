//! From the board's pixels to those of the surface: pixel for pixel or made smaller, with the customer's pointer over them.

use fernsicht_protocol::content::PointerShape;
use fernsicht_protocol::picture::Rect;

use super::{Frame, Glass, Gone};
use crate::picture::{Pixels, Pointer};
use crate::ui::placement::Placement;
use crate::ui::shrink::Shrink;

/// Makes rectangles of the surface.
#[derive(Default)]
pub(super) struct Composer {
    part: Rect,
    shrink: Option<Shrink>,
    /// The frame's corner, in pixels of what is drawn.
    corner: (u16, u16),
    frame: Rect,
    factor: f64,
    /// The pointer's shape as it was drawn last.
    shape: Option<Shape>,
    /// Its corner, from the frame's; none where it is not drawn.
    at: Option<(i32, i32)>,
    staging: Vec<u8>,
}

/// The pointer's shape, as large as the picture makes it.
struct Shape {
    number: u64,
    factor: f64,
    width: u16,
    height: u16,
    /// Premultiplied.
    bgra: Vec<u8>,
}

impl Composer {
    /// What is drawn, and which part of it the frame shows.
    pub(super) fn aim(&mut self, placed: &Placement, frame: Frame) {
        let part = placed.subject.part;
        let exact = placed.exact();
        self.part = part;
        self.shrink = (!exact).then(|| Shrink::new(part, placed.drawn));
        let along =
            |frame: i16, origin: i64| (i64::from(frame) - origin).clamp(0, u16::MAX.into()) as u16;
        self.corner = (
            along(frame.x, placed.origin.0),
            along(frame.y, placed.origin.1),
        );
        self.frame = frame.whole();
        self.factor = placed.factor();
    }

    /// What of the frame depends on this area of the picture.
    pub(super) fn reach(&self, area: Rect) -> Rect {
        let drawn = match &self.shrink {
            Some(shrink) => shrink.reach(area),
            None => {
                let area = area.intersection(self.part);
                Rect {
                    x: area.x.saturating_sub(self.part.x),
                    y: area.y.saturating_sub(self.part.y),
                    ..area
                }
            }
        };
        let seen = drawn.intersection(self.seen());
        Rect {
            x: seen.x.saturating_sub(self.corner.0),
            y: seen.y.saturating_sub(self.corner.1),
            ..seen
        }
    }

    /// What of what is drawn the frame shows.
    fn seen(&self) -> Rect {
        Rect {
            x: self.corner.0,
            y: self.corner.1,
            ..self.frame
        }
    }

    /// Takes the pointer, and says where in the frame it will be.
    pub(super) fn point(&mut self, pointer: Option<&Pointer>) -> Rect {
        self.at = None;
        let Some(pointer) = pointer.filter(|pointer| pointer.visible) else {
            return Rect::default();
        };
        let Some((number, shape)) = &pointer.shape else {
            return Rect::default();
        };
        let same = |known: &Shape| known.number == *number && known.factor == self.factor;
        if !self.shape.as_ref().is_some_and(same) {
            self.shape = Some(Shape::new(*number, shape, self.factor));
        }
        let along = |at: u16, hot: u16, part: u16, corner: u16| {
            let from = f64::from(at) - f64::from(hot) - f64::from(part);
            (from * self.factor).round() as i32 - i32::from(corner)
        };
        self.at = Some((
            along(pointer.x, shape.hot_x, self.part.x, self.corner.0),
            along(pointer.y, shape.hot_y, self.part.y, self.corner.1),
        ));
        self.pointed(self.frame)
    }

    /// Writes a rectangle of the frame.
    pub(super) fn compose(
        &mut self,
        pixels: &Pixels,
        rect: Rect,
        at: usize,
        glass: &mut impl Glass,
    ) -> Result<(), Gone> {
        let drawn = Rect {
            x: rect.x + self.corner.0,
            y: rect.y + self.corner.1,
            ..rect
        };
        let covered = self.pointed(rect);
        let stride = usize::from(pixels.width) * 4;
        let row = usize::from(rect.width) * 4;
        let start = (usize::from(drawn.y) + usize::from(self.part.y)) * stride
            + (usize::from(drawn.x) + usize::from(self.part.x)) * 4;
        let lines =
            (0..usize::from(rect.height)).map(|y| &pixels.bgrx[start + y * stride..][..row]);
        if self.shrink.is_none() && covered.is_empty() {
            let mut lines = lines;
            return glass.write(at, &mut lines);
        }
        self.staging.clear();
        match &self.shrink {
            Some(shrink) => shrink.each(&pixels.bgrx, stride, drawn, |pixel| {
                self.staging.extend_from_slice(&pixel);
            }),
            None => lines.for_each(|line| self.staging.extend_from_slice(line)),
        }
        self.blend(rect, covered);
        glass.write(at, &mut std::iter::once(self.staging.as_slice()))
    }

    /// What of a rectangle of the frame lies under the pointer.
    fn pointed(&self, rect: Rect) -> Rect {
        let (Some((x, y)), Some(shape)) = (self.at, &self.shape) else {
            return Rect::default();
        };
        let along = |at: i32, length: u16, room: u16| {
            let first = at.clamp(0, room.into());
            let last = (at + i32::from(length)).clamp(0, room.into());
            (first as u16, (last - first) as u16)
        };
        let (x, width) = along(x, shape.width, self.frame.width);
        let (y, height) = along(y, shape.height, self.frame.height);
        let whole = Rect {
            x,
            y,
            width,
            height,
        };
        whole.intersection(rect)
    }

    /// Blends the pointer into the staged rectangle.
    fn blend(&mut self, rect: Rect, covered: Rect) {
        let (Some((x, y)), Some(shape)) = (self.at, &self.shape) else {
            return;
        };
        if covered.is_empty() {
            return;
        }
        let stride = usize::from(rect.width) * 4;
        let row = usize::from(covered.width) * 4;
        for line in covered.y..covered.y + covered.height {
            let from = (i32::from(line) - y) as usize * usize::from(shape.width) * 4
                + (i32::from(covered.x) - x) as usize * 4;
            let to = usize::from(line - rect.y) * stride + usize::from(covered.x - rect.x) * 4;
            let above = shape.bgra[from..from + row].as_chunks::<4>().0;
            let below = self.staging[to..to + row].as_chunks_mut::<4>().0;
            for (above, below) in above.iter().zip(below) {
                let left = 255 - u16::from(above[3]);
                for (above, below) in above.iter().zip(below) {
                    *below = above.saturating_add(((u16::from(*below) * left + 127) / 255) as u8);
                }
            }
        }
    }
}

impl Shape {
    fn new(number: u64, shape: &PointerShape, factor: f64) -> Self {
        let size = |length: u16| {
            let scaled = (f64::from(length) * factor).round() as u16;
            scaled.clamp(1, length.max(1))
        };
        let (width, height) = (size(shape.width), size(shape.height));
        let whole = |width, height| Rect {
            x: 0,
            y: 0,
            width,
            height,
        };
        let mut bgra = Vec::with_capacity(usize::from(width) * usize::from(height) * 4);
        Shrink::new(whole(shape.width, shape.height), (width, height)).each(
            &shape.bgra,
            usize::from(shape.width) * 4,
            whole(width, height),
            |pixel| bgra.extend_from_slice(&pixel),
        );
        Self {
            number,
            factor,
            width,
            height,
            bgra,
        }
    }
}
