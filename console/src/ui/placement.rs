//! Where the picture lies in the window, in physical pixels, and which of its pixels a point hits.
//!
//! At 1:1 every pixel of the picture is exactly one of the screen: the origin is whole, nothing is
//! resampled. A picture larger than the window slides with the pointer, so that each edge
//! is reached at the window's edge.

/// How the technician wants the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// 1:1 where it fits, else fitted.
    Automatic,
    /// Pixel for pixel.
    One,
    /// As large as the window allows.
    Fit,
}

/// A rectangle of the window, in physical pixels.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Space {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

impl Space {
    /// True if the point is in it.
    pub fn contains(&self, (x, y): (f64, f64)) -> bool {
        x >= self.x && y >= self.y && x < self.x + self.width && y < self.y + self.height
    }
}

/// Where the picture lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placement {
    /// The part of the window that it may fill.
    pub space: Space,
    /// Upper left corner of the picture; outside of `space` where the picture is larger.
    pub origin: (f64, f64),
    /// Physical pixels per pixel of the picture.
    pub factor: f64,
    /// The picture's size.
    pub size: (u16, u16),
}

impl Placement {
    /// Places a picture of `size`. `pointer` is where the technician's pointer is.
    pub fn new(space: Space, size: (u16, u16), scale: Scale, pointer: Option<(f64, f64)>) -> Self {
        let (width, height) = (f64::from(size.0), f64::from(size.1));
        let fitted = (space.width / width).min(space.height / height);
        let factor = match scale {
            Scale::One => 1.0,
            Scale::Fit => fitted,
            Scale::Automatic if fitted >= 1.0 => 1.0,
            Scale::Automatic => fitted,
        };
        let along = |start: f64, room: f64, length: f64, pointer: Option<f64>| {
            let spare = room - length;
            let part = match pointer {
                Some(pointer) if spare < 0.0 && room > 1.0 => {
                    ((pointer - start) / (room - 1.0)).clamp(0.0, 1.0)
                }
                Some(_) | None if spare < 0.0 => 0.0,
                Some(_) | None => 0.5,
            };
            (start + spare * part).floor()
        };
        let origin = (
            along(space.x, space.width, width * factor, pointer.map(|p| p.0)),
            along(space.y, space.height, height * factor, pointer.map(|p| p.1)),
        );
        Self {
            space,
            origin,
            factor,
            size,
        }
    }

    /// True if it is shown pixel for pixel.
    pub fn exact(&self) -> bool {
        self.factor == 1.0
    }

    /// True if it slides with the pointer.
    pub fn slides(&self) -> bool {
        f64::from(self.size.0) * self.factor > self.space.width + 0.5
            || f64::from(self.size.1) * self.factor > self.space.height + 0.5
    }

    /// The pixel of the picture under a point of the window; none outside of the picture.
    pub fn pixel(&self, at: (f64, f64)) -> Option<(u16, u16)> {
        let (x, y) = self.raw(at);
        let inside = self.space.contains(at)
            && x >= 0.0
            && y >= 0.0
            && x < f64::from(self.size.0)
            && y < f64::from(self.size.1);
        inside.then_some((x as u16, y as u16))
    }

    /// The nearest pixel of the picture.
    pub fn nearest(&self, at: (f64, f64)) -> (u16, u16) {
        let (x, y) = self.raw(at);
        let clamp = |v: f64, size: u16| v.clamp(0.0, f64::from(size.saturating_sub(1))) as u16;
        (clamp(x, self.size.0), clamp(y, self.size.1))
    }

    fn raw(&self, at: (f64, f64)) -> (f64, f64) {
        (
            (at.0 - self.origin.0) / self.factor,
            (at.1 - self.origin.1) / self.factor,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(width: f64, height: f64) -> Space {
        Space {
            x: 0.0,
            y: 0.0,
            width,
            height,
        }
    }

    #[test]
    fn a_picture_of_the_windows_size_fills_it_exactly() {
        for scale in [Scale::Automatic, Scale::One, Scale::Fit] {
            let placed = Placement::new(space(1280.0, 800.0), (1280, 800), scale, Some((7.0, 9.0)));
            assert!(placed.exact());
            assert_eq!(placed.origin, (0.0, 0.0));
            assert_eq!(placed.pixel((0.0, 0.0)), Some((0, 0)));
            assert_eq!(placed.pixel((1279.9, 799.9)), Some((1279, 799)));
        }
    }

    #[test]
    fn a_smaller_picture_stays_whole_and_a_larger_one_is_fitted() {
        let small = Placement::new(space(1001.0, 801.0), (640, 480), Scale::Automatic, None);
        assert!(small.exact());
        assert_eq!(small.origin, (180.0, 160.0));
        assert_eq!(small.pixel((179.0, 200.0)), None);
        let large = Placement::new(space(960.0, 540.0), (1920, 1080), Scale::Automatic, None);
        assert_eq!(large.factor, 0.5);
        assert_eq!(large.pixel((959.0, 539.0)), Some((1918, 1078)));
    }

    #[test]
    fn a_larger_picture_slides_to_every_edge() {
        let at =
            |pointer| Placement::new(space(100.0, 100.0), (300, 200), Scale::One, Some(pointer));
        assert!(at((0.0, 0.0)).slides());
        assert_eq!(at((0.0, 0.0)).pixel((0.0, 0.0)), Some((0, 0)));
        assert_eq!(at((99.0, 99.0)).pixel((99.0, 99.0)), Some((299, 199)));
    }

    #[test]
    fn a_drag_beyond_the_edge_stays_in_the_picture() {
        let placed = Placement::new(space(100.0, 100.0), (50, 50), Scale::Automatic, None);
        assert_eq!(placed.nearest((-10.0, 500.0)), (0, 49));
    }
}
