//! How the technician looks at the picture: which of the granted screens, how large, and what of it.
//!
//! ```text
//! Act (a key, a menu) ─► Viewing ─► place ─► Placement        pointer at the edge ─► push ─► Placement
//! ```
//!
//! It changes nothing of what the customer shows. A picture larger than its room moves when the pointer comes to the
//! room's edge, and otherwise stays where it is: what is pointed at does not slip away.

use fernsicht_protocol::content::Screen;
use fernsicht_protocol::picture::Rect;

use super::placement::{Placement, Scale, Space, Subject};

/// What the technician wants of the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// 1:1, or fitted if it is that.
    Toggle,
    /// The next larger step.
    Larger,
    /// The next smaller step.
    Smaller,
    /// This scale.
    Scale(Scale),
    /// This of the granted screens; all of them with `None`.
    Screen(Option<u8>),
    /// Half a room to the right and down; negative to the left and up.
    Scroll(i8, i8),
}

/// The view.
#[derive(Debug, Clone)]
pub struct Viewing {
    scale: Scale,
    screen: Option<u8>,
    /// What lies in the middle, from 0 to 1.
    centre: (f64, f64),
    /// Per cent at which the picture was drawn last, and what of it there was room for.
    percent: f64,
    room: (f64, f64),
    exact: bool,
}

impl Default for Viewing {
    fn default() -> Self {
        Self {
            scale: Scale::Automatic,
            screen: None,
            centre: (0.5, 0.5),
            percent: 100.0,
            room: (1.0, 1.0),
            exact: true,
        }
    }
}

impl Viewing {
    /// How large the technician wants it.
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// The one screen that is looked at.
    pub fn screen(&self) -> Option<u8> {
        self.screen
    }

    /// Per cent at which the picture was drawn last.
    pub fn percent(&self) -> u16 {
        self.percent.round().clamp(1.0, 9999.0) as u16
    }

    /// True if the picture was drawn pixel for pixel.
    pub fn exact(&self) -> bool {
        self.exact
    }

    /// Does it.
    pub fn act(&mut self, act: Act) {
        match act {
            Act::Toggle if self.exact => self.resize(Scale::Fit),
            Act::Toggle => self.resize(Scale::ONE),
            Act::Larger => {
                let larger = STEPS
                    .into_iter()
                    .find(|step| f64::from(*step) > self.percent + 0.5);
                self.resize(Scale::Zoom(larger.unwrap_or(STEPS[STEPS.len() - 1])));
            }
            Act::Smaller => {
                let mut steps = STEPS.into_iter().rev();
                let smaller = steps.find(|step| f64::from(*step) < self.percent - 0.5);
                self.resize(Scale::Zoom(smaller.unwrap_or(STEPS[0])));
            }
            Act::Scale(scale) => self.resize(scale),
            Act::Screen(screen) => {
                self.screen = screen;
                self.centre = (0.5, 0.5);
            }
            Act::Scroll(across, down) => {
                self.centre.0 += f64::from(across) * self.room.0 / 2.0;
                self.centre.1 += f64::from(down) * self.room.1 / 2.0;
            }
        }
    }

    /// Several keys may come before the next picture: each counts.
    fn resize(&mut self, scale: Scale) {
        self.scale = scale;
        match scale {
            Scale::Zoom(percent) => {
                self.percent = percent.into();
                self.exact = scale == Scale::ONE;
            }
            Scale::Fit | Scale::Automatic => self.exact = false,
        }
    }

    /// Where a picture of this size, with these screens in it, lies. A screen that is gone is not looked at.
    pub fn place(&mut self, space: Space, size: (u16, u16), screens: &[Screen]) -> Placement {
        let mut subject = Subject::whole(size);
        let inside = |screen: &Screen| {
            let (x, y) = (u16::try_from(screen.x).ok()?, u16::try_from(screen.y).ok()?);
            let rect = Rect {
                x,
                y,
                width: screen.width,
                height: screen.height,
            };
            let rect = rect.intersection(subject.part);
            (!rect.is_empty()).then_some((screen.number, rect))
        };
        let screens: Vec<(u8, Rect)> = screens.iter().filter_map(inside).collect();
        let chosen = screens
            .iter()
            .find(|(number, _)| Some(*number) == self.screen);
        match chosen {
            Some((_, part)) => subject.part = *part,
            None if !screens.is_empty() => self.screen = None,
            None => {}
        }
        subject.screens = screens.into_iter().map(|(_, rect)| rect).collect();
        let placed = Placement::new(space, subject, self.scale, &mut self.centre);
        self.exact = placed.exact();
        self.percent = placed.factor() * 100.0;
        self.room = (
            space.width / f64::from(placed.drawn.0),
            space.height / f64::from(placed.drawn.1),
        );
        placed
    }

    /// As [`Self::place`], with the pointer here and so many seconds since the last time: at the edge it moves the
    /// picture. True if it does, and goes on.
    pub fn follow(
        &mut self,
        space: Space,
        size: (u16, u16),
        screens: &[Screen],
        pointer: Option<(f64, f64)>,
        seconds: f64,
    ) -> (Placement, bool) {
        let placed = self.place(space, size, screens);
        match pointer.is_some_and(|at| self.push(&placed, at, seconds)) {
            true => (self.place(space, size, screens), true),
            false => (placed, false),
        }
    }

    fn push(&mut self, placed: &Placement, pointer: (f64, f64), seconds: f64) -> bool {
        let step = SPEED * seconds.clamp(0.0, 0.1);
        let space = placed.space;
        let along = |at: f64, start: f64, room: f64, origin: i64, drawn: u16| {
            let (origin, drawn) = (origin as f64, f64::from(drawn));
            if at < start + EDGE && origin < start {
                -step / drawn
            } else if at >= start + room - EDGE && origin + drawn > start + room {
                step / drawn
            } else {
                0.0
            }
        };
        let across = along(
            pointer.0,
            space.x,
            space.width,
            placed.origin.0,
            placed.drawn.0,
        );
        let down = along(
            pointer.1,
            space.y,
            space.height,
            placed.origin.1,
            placed.drawn.1,
        );
        self.centre.0 += across;
        self.centre.1 += down;
        across != 0.0 || down != 0.0
    }
}

/// True if a pointer here may move the picture.
pub fn at_edge(placed: &Placement, (x, y): (f64, f64)) -> bool {
    let space = placed.space;
    let inner = Space {
        x: space.x + EDGE,
        y: space.y + EDGE,
        width: space.width - 2.0 * EDGE,
        height: space.height - 2.0 * EDGE,
    };
    placed.scrolls() && !inner.contains((x, y))
}

/// The steps of the zoom, in per cent.
const STEPS: [u16; 10] = [25, 50, 75, 100, 125, 150, 200, 300, 400, 800];

/// How near to the edge the pointer moves the picture, in pixels.
const EDGE: f64 = 6.0;

/// How fast, in pixels a second.
const SPEED: f64 = 1500.0;

#[cfg(test)]
mod tests {
    use super::*;

    const SPACE: Space = Space {
        x: 0.0,
        y: 40.0,
        width: 800.0,
        height: 600.0,
    };

    fn screen(number: u8, x: i16, width: u16) -> Screen {
        Screen {
            number,
            x,
            y: 0,
            width,
            height: 1080,
        }
    }

    #[test]
    fn zoom_goes_by_steps_from_what_is_seen() {
        let mut viewing = Viewing::default();
        let size = (1600, 1200);
        let percent = |viewing: &mut Viewing, act| {
            viewing.act(act);
            viewing.place(SPACE, size, &[]);
            viewing.percent()
        };
        assert_eq!(percent(&mut viewing, Act::Scale(Scale::Automatic)), 50);
        assert_eq!(percent(&mut viewing, Act::Larger), 75);
        assert_eq!(percent(&mut viewing, Act::Larger), 100);
        assert_eq!(percent(&mut viewing, Act::Toggle), 50);
        assert_eq!(percent(&mut viewing, Act::Toggle), 100);
        assert_eq!(percent(&mut viewing, Act::Smaller), 75);
        assert_eq!(percent(&mut viewing, Act::Scale(Scale::Zoom(800))), 800);
        assert_eq!(percent(&mut viewing, Act::Larger), 800);
    }

    #[test]
    fn keys_that_come_faster_than_pictures_count_each() {
        let mut viewing = Viewing::default();
        viewing.act(Act::Scale(Scale::ONE));
        for _ in 0..3 {
            viewing.act(Act::Larger);
        }
        assert_eq!(viewing.scale(), Scale::Zoom(200));
        viewing.act(Act::Toggle);
        viewing.act(Act::Toggle);
        assert_eq!(viewing.scale(), Scale::Fit);
    }

    #[test]
    fn one_of_the_screens_is_looked_at_until_it_is_gone() {
        let mut viewing = Viewing::default();
        let screens = [screen(1, 0, 1920), screen(2, 1920, 1280)];
        viewing.act(Act::Screen(Some(2)));
        let placed = viewing.place(SPACE, (3200, 1080), &screens);
        assert_eq!(
            (placed.subject.part.x, placed.subject.part.width),
            (1920, 1280)
        );
        // Nobody knows the screens of a new layout yet: the choice waits.
        let placed = viewing.place(SPACE, (1920, 1080), &[]);
        assert_eq!(
            (placed.subject.part.width, viewing.screen()),
            (1920, Some(2))
        );
        let placed = viewing.place(SPACE, (1920, 1080), &screens[..1]);
        assert_eq!((placed.subject.part.width, viewing.screen()), (1920, None));
    }

    #[test]
    fn the_edge_moves_the_picture_to_its_end_and_the_middle_leaves_it() {
        let mut viewing = Viewing::default();
        viewing.act(Act::Scale(Scale::ONE));
        let mut placed = viewing.place(SPACE, (1600, 1200), &[]);
        assert!(!viewing.push(&placed, (400.0, 300.0), 0.03));
        let mut moves = 0;
        while viewing.push(&placed, (799.0, 300.0), 0.03) {
            placed = viewing.place(SPACE, (1600, 1200), &[]);
            moves += 1;
        }
        assert!(moves > 3);
        assert_eq!(placed.pixel((799.0, 300.0)).map(|p| p.0), Some(1599));
        viewing.act(Act::Scroll(-1, 0));
        let back = viewing.place(SPACE, (1600, 1200), &[]);
        assert_eq!(back.origin.0 - placed.origin.0, 400);
        for _ in 0..9 {
            viewing.act(Act::Scroll(-1, -1));
        }
        let back = viewing.place(SPACE, (1600, 1200), &[]);
        assert_eq!(back.origin, (0, 40));
    }
}
