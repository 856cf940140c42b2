//! Where the picture lies in the window, in physical pixels, and which of its pixels a point hits.
//!
//! Whole numbers throughout: picture and window meet at whole pixels, at whatever scale the pages are drawn.
//! A pixel of the window shows, and hits, the pixel of the picture whose centre is nearest to its own; at 1:1 and
//! at whole multiples that is exactly the one that is drawn there. Between the customer's screens nothing is hit.

use fernsicht_protocol::picture::Rect;

/// How the technician wants the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// 1:1 where it fits, else fitted.
    Automatic,
    /// As large as the window allows.
    Fit,
    /// Per cent of the picture's own size; 100 is pixel for pixel.
    Zoom(u16),
}

impl Scale {
    /// Pixel for pixel.
    pub const ONE: Self = Self::Zoom(100);
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

/// What of the picture is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    /// The part of the picture: one screen, or all of it.
    pub part: Rect,
    /// The customer's screens in the picture; none while they are not known: then all of it counts as one.
    pub screens: Vec<Rect>,
}

impl Subject {
    /// A whole picture of this size.
    pub fn whole((width, height): (u16, u16)) -> Self {
        let part = Rect {
            x: 0,
            y: 0,
            width,
            height,
        };
        Self {
            part,
            screens: Vec::new(),
        }
    }

    /// True if the pixel of the picture is on a screen.
    fn shows(&self, (x, y): (u16, u16)) -> bool {
        let pixel = Rect {
            x,
            y,
            width: 1,
            height: 1,
        };
        self.screens.is_empty() || self.screens.iter().any(|screen| screen.contains(pixel))
    }
}

/// Where the picture lies.
#[derive(Debug, Clone, PartialEq)]
pub struct Placement {
    /// The part of the window that it may fill.
    pub space: Space,
    /// Upper left corner of what is shown; outside of `space` where that is larger.
    pub origin: (i64, i64),
    /// How large what is shown is drawn, in pixels of the window.
    pub drawn: (u16, u16),
    /// What is shown.
    pub subject: Subject,
}

impl Placement {
    /// Places it. `centre` is what lies in the middle where not all of it fits, from 0 to 1; it comes back as it
    /// could be had.
    pub fn new(space: Space, subject: Subject, scale: Scale, centre: &mut (f64, f64)) -> Self {
        let part = subject.part;
        let (width, height) = (f64::from(part.width.max(1)), f64::from(part.height.max(1)));
        let fitted = (space.width / width).min(space.height / height);
        let factor = match scale {
            Scale::Zoom(percent) => f64::from(percent) / 100.0,
            Scale::Fit => fitted,
            Scale::Automatic => fitted.min(1.0),
        };
        let drawn = |length: f64| (length * factor).round().clamp(1.0, f64::from(u16::MAX)) as u16;
        let drawn = (drawn(width), drawn(height));
        let origin = (
            along(space.x, space.width, drawn.0, &mut centre.0),
            along(space.y, space.height, drawn.1, &mut centre.1),
        );
        Self {
            space,
            origin,
            drawn,
            subject,
        }
    }

    /// True if it is shown pixel for pixel.
    pub fn exact(&self) -> bool {
        self.drawn == (self.subject.part.width, self.subject.part.height)
    }

    /// Pixels of the window per pixel of the picture.
    pub fn factor(&self) -> f64 {
        f64::from(self.drawn.0) / f64::from(self.subject.part.width.max(1))
    }

    /// True if not all of it fits.
    pub fn scrolls(&self) -> bool {
        f64::from(self.drawn.0) > self.space.width || f64::from(self.drawn.1) > self.space.height
    }

    /// The pixel of the picture under a point of the window; none beside the screens.
    pub fn pixel(&self, at: (f64, f64)) -> Option<(u16, u16)> {
        let part = self.subject.part;
        let x = along_picture(at.0, self.origin.0, self.drawn.0, part.width);
        let y = along_picture(at.1, self.origin.1, self.drawn.1, part.height);
        let inside = self.space.contains(at)
            && (0..i64::from(part.width)).contains(&x)
            && (0..i64::from(part.height)).contains(&y);
        let pixel = inside.then(|| (part.x + x as u16, part.y + y as u16))?;
        self.subject.shows(pixel).then_some(pixel)
    }

    /// The nearest pixel on a screen.
    pub fn nearest(&self, at: (f64, f64)) -> (u16, u16) {
        let part = self.subject.part;
        let x = along_picture(at.0, self.origin.0, self.drawn.0, part.width) + i64::from(part.x);
        let y = along_picture(at.1, self.origin.1, self.drawn.1, part.height) + i64::from(part.y);
        let shown = self
            .subject
            .screens
            .iter()
            .map(|screen| screen.intersection(part));
        let screens = shown.filter(|screen| !screen.is_empty());
        let within = |screen: Rect| {
            let near = |v: i64, from: u16, length: u16| {
                let last = i64::from(from) + i64::from(length.max(1)) - 1;
                v.clamp(i64::from(from), last) as u16
            };
            (
                near(x, screen.x, screen.width),
                near(y, screen.y, screen.height),
            )
        };
        let away = |&(px, py): &(u16, u16)| (x - i64::from(px)).pow(2) + (y - i64::from(py)).pow(2);
        screens
            .map(within)
            .min_by_key(away)
            .unwrap_or_else(|| within(part))
    }

    /// Where a pixel of the picture is drawn: its upper left corner in the window.
    pub fn point(&self, x: f64, y: f64) -> (f64, f64) {
        let part = self.subject.part;
        let place = |v: f64, from: u16, length: u16, origin: i64, drawn: u16| {
            origin as f64 + (v - f64::from(from)) * f64::from(drawn) / f64::from(length.max(1))
        };
        (
            place(x, part.x, part.width, self.origin.0, self.drawn.0),
            place(y, part.y, part.height, self.origin.1, self.drawn.1),
        )
    }
}

/// Where it begins along one axis.
fn along(start: f64, room: f64, drawn: u16, centre: &mut f64) -> i64 {
    let drawn = f64::from(drawn);
    if drawn <= room {
        *centre = 0.5;
        return (start + ((room - drawn) / 2.0).floor()) as i64;
    }
    let beyond = (*centre * drawn - room / 2.0).clamp(0.0, drawn - room);
    *centre = (beyond + room / 2.0) / drawn;
    (start - beyond.floor()) as i64
}

/// The pixel of the picture whose centre is nearest to that of the window's pixel, along one axis.
fn along_picture(at: f64, origin: i64, drawn: u16, length: u16) -> i64 {
    let twice = (2 * (at.floor() as i64 - origin) + 1) * i64::from(length);
    twice.div_euclid(2 * i64::from(drawn.max(1)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn space(width: f64, height: f64) -> Space {
        Space {
            x: 0.0,
            y: 0.0,
            width,
            height,
        }
    }

    fn place(space: Space, size: (u16, u16), scale: Scale) -> Placement {
        Placement::new(space, Subject::whole(size), scale, &mut (0.5, 0.5))
    }

    fn rect(x: u16, y: u16, width: u16, height: u16) -> Rect {
        Rect {
            x,
            y,
            width,
            height,
        }
    }

    #[test]
    fn a_picture_of_the_windows_size_fills_it_exactly() {
        for scale in [Scale::Automatic, Scale::ONE, Scale::Fit] {
            let placed = place(space(1280.0, 800.0), (1280, 800), scale);
            assert!(placed.exact());
            assert_eq!(placed.origin, (0, 0));
            assert_eq!(placed.pixel((0.0, 0.0)), Some((0, 0)));
            assert_eq!(placed.pixel((1279.9, 799.9)), Some((1279, 799)));
        }
    }

    #[test]
    fn a_smaller_picture_stays_whole_and_a_larger_one_is_fitted() {
        let small = place(space(1001.0, 801.0), (640, 480), Scale::Automatic);
        assert!(small.exact());
        assert_eq!(small.origin, (180, 160));
        assert_eq!(small.pixel((179.0, 200.0)), None);
        let large = place(space(960.0, 540.0), (1920, 1080), Scale::Automatic);
        assert_eq!(large.drawn, (960, 540));
        // Two pixels of the picture for one of the window: their common edge is its centre.
        assert_eq!(large.pixel((959.0, 539.0)), Some((1919, 1079)));
        assert_eq!(large.pixel((0.0, 0.0)), Some((1, 1)));
    }

    #[test]
    fn a_larger_picture_is_moved_to_every_edge_and_no_further() {
        let at = |mut centre| {
            let placed = Placement::new(
                space(100.0, 100.0),
                Subject::whole((300, 200)),
                Scale::ONE,
                &mut centre,
            );
            (placed, centre)
        };
        let (placed, centre) = at((-3.0, 0.0));
        assert!(placed.scrolls());
        assert_eq!(placed.pixel((0.0, 0.0)), Some((0, 0)));
        assert_eq!(centre, (50.0 / 300.0, 0.25));
        let (placed, _) = at((1.0, 7.0));
        assert_eq!(placed.pixel((99.0, 99.0)), Some((299, 199)));
    }

    #[test]
    fn a_drag_beyond_the_edge_stays_in_the_picture() {
        let placed = place(space(100.0, 100.0), (50, 50), Scale::Automatic);
        assert_eq!(placed.nearest((-10.0, 500.0)), (0, 49));
    }

    #[test]
    fn between_the_screens_nothing_is_hit_and_a_drag_stays_on_one() {
        let subject = Subject {
            part: rect(0, 0, 300, 100),
            screens: vec![rect(0, 0, 100, 100), rect(200, 50, 100, 50)],
        };
        let whole = Placement::new(
            space(300.0, 100.0),
            subject.clone(),
            Scale::ONE,
            &mut (0.5, 0.5),
        );
        assert_eq!(whole.pixel((99.0, 3.0)), Some((99, 3)));
        assert_eq!(whole.pixel((100.0, 3.0)), None);
        assert_eq!(whole.pixel((250.0, 49.0)), None);
        assert_eq!(whole.pixel((250.0, 50.0)), Some((250, 50)));
        assert_eq!(whole.nearest((120.0, 3.0)), (99, 3));
        assert_eq!(whole.nearest((190.0, 20.0)), (200, 50));
        // One of them alone.
        let subject = Subject {
            part: rect(200, 50, 100, 50),
            ..subject
        };
        let one = Placement::new(space(200.0, 100.0), subject, Scale::Fit, &mut (0.5, 0.5));
        assert_eq!(one.drawn, (200, 100));
        assert_eq!(one.pixel((0.0, 99.0)), Some((200, 99)));
        assert_eq!(one.nearest((-500.0, 0.0)), (200, 50));
    }

    proptest! {
        /// By another way than the code's: fractions, and a look at every neighbour.
        #[test]
        fn a_point_hits_the_pixel_whose_centre_is_nearest(
            size in (1u16..4000, 1u16..3000),
            room in (40u16..2600, 40u16..1600),
            corner in (0u16..100, 0u16..100),
            scale in prop_oneof![
                Just(Scale::Automatic),
                Just(Scale::Fit),
                (10u16..800).prop_map(Scale::Zoom),
            ],
            mut centre in (0.0f64..1.0, 0.0f64..1.0),
            at in (0.0f64..1.0, 0.0f64..1.0),
        ) {
            let space = Space {
                x: corner.0.into(),
                y: corner.1.into(),
                width: room.0.into(),
                height: room.1.into(),
            };
            let placed = Placement::new(space, Subject::whole(size), scale, &mut centre);
            let at = (space.x + at.0 * space.width, space.y + at.1 * space.height);
            if let Some((x, y)) = placed.pixel(at) {
                for (at, origin, drawn, length, hit) in [
                    (at.0, placed.origin.0, placed.drawn.0, size.0, x),
                    (at.1, placed.origin.1, placed.drawn.1, size.1, y),
                ] {
                    let middle = at.floor() + 0.5;
                    let away = |pixel: f64| {
                        let centre = (pixel + 0.5) * f64::from(drawn) / f64::from(length);
                        (origin as f64 + centre - middle).abs()
                    };
                    let hit = f64::from(hit);
                    prop_assert!(hit < 1.0 || away(hit) <= away(hit - 1.0) + 1e-6);
                    prop_assert!(away(hit) <= away(hit + 1.0) + 1e-6);
                    if drawn == length {
                        prop_assert_eq!(at.floor(), origin as f64 + hit);
                    }
                }
            }
            // Enlarged or not, every pixel can be hit, where it is drawn.
            let pixel = (size.0 / 2, size.1 / 3);
            let (left, top) = placed.point(f64::from(pixel.0), f64::from(pixel.1));
            let (right, bottom) = placed.point(f64::from(pixel.0) + 1.0, f64::from(pixel.1) + 1.0);
            let middle = ((left + right) / 2.0, (top + bottom) / 2.0);
            if placed.factor() >= 1.0 && space.contains(middle) && placed.drawn.1 >= size.1 {
                prop_assert_eq!(placed.pixel(middle), Some(pixel));
            }
        }
    }
}
