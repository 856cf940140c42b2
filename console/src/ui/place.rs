//! Where the window was when it was closed, for the next start: five words in a file of the data folder.
//!
//! A place that cannot be read, or that no screen shows any more, is none.

use egui::{Pos2, Rect, Vec2};

use crate::folder::Folder;

/// The file.
const FILE: &str = "window";

/// The smallest window, in points.
pub const SMALLEST: Vec2 = Vec2::new(640.0, 360.0);

/// Where it is, in points: the corner with its frame, the size without.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Upper left corner of the frame.
    pub corner: Pos2,
    /// Size of the contents.
    pub size: Vec2,
    /// As large as the screen.
    pub maximized: bool,
}

impl Place {
    /// The last one.
    pub fn load(folder: &Folder) -> Option<Self> {
        folder.holds(FILE).ok().filter(|there| *there)?;
        Self::parse(&folder.read_text(FILE).ok()?)
    }

    /// Keeps it for the next start.
    pub fn save(&self, folder: &Folder) {
        let line = format!(
            "{} {} {} {} {}\n",
            self.corner.x.round(),
            self.corner.y.round(),
            self.size.x.round(),
            self.size.y.round(),
            u8::from(self.maximized)
        );
        if let Err(problem) = folder.write(FILE, line.as_bytes()) {
            tracing::debug!(%problem, "the window's place is not kept");
        }
    }

    /// True if the part by which a window is moved lies on one of these screens.
    pub fn reachable(&self, screens: &[Rect]) -> bool {
        let width = self.size.x;
        let handle = Rect::from_min_size(self.corner, Vec2::new(width, HANDLE));
        screens.iter().any(|screen| {
            let seen = screen.intersect(handle);
            seen.width() >= HANDLE.min(width) && seen.height() >= HANDLE / 2.0
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let words: Vec<f32> = text
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()
            .ok()?;
        let [x, y, width, height, maximized] = *words.as_slice() else {
            return None;
        };
        let place = Self {
            corner: Pos2::new(x, y),
            size: Vec2::new(width, height),
            maximized: maximized == 1.0,
        };
        let sound = words.iter().all(|word| word.abs() <= FARTHEST)
            && width >= SMALLEST.x
            && height >= SMALLEST.y;
        sound.then_some(place)
    }
}

/// True if none of these screens has room for contents of this size with a frame around them.
pub fn cramped(size: Vec2, screens: &[Rect]) -> bool {
    !screens
        .iter()
        .any(|screen| screen.width() >= size.x + FRAME.x && screen.height() >= size.y + FRAME.y)
}

/// What frames and panels of desktops take, about, in points.
const FRAME: Vec2 = Vec2::new(16.0, 40.0);
/// As much of the title bar must be seen, in points.
const HANDLE: f32 = 48.0;

/// No desktop is larger, in points.
const FARTHEST: f32 = 32_767.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(Some(dir.path().to_owned()), "x").unwrap();
        assert_eq!(Place::load(&folder), None);
        let place = Place {
            corner: Pos2::new(-1270.0, 30.0),
            size: Vec2::new(900.0, 700.0),
            maximized: false,
        };
        place.save(&folder);
        assert_eq!(Place::load(&folder), Some(place));
    }

    #[test]
    fn what_is_no_place_is_none() {
        for text in [
            "",
            "1 2 3 4",
            "0 0 900 700 0 0",
            "0 0 900 NaN 0",
            "0 0 inf 700 0",
            "1e30 0 900 700 0",
            "0 0 90 70 0",
            "x y 900 700 0",
        ] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_screen_that_is_hardly_larger_than_the_window_is_cramped() {
        let screen = |width, height| Rect::from_min_size(Pos2::ZERO, Vec2::new(width, height));
        let size = Vec2::new(1100.0, 760.0);
        assert!(!cramped(size, &[screen(1280.0, 800.0)]));
        assert!(cramped(size, &[screen(960.0, 600.0)]));
        assert!(cramped(size, &[screen(1280.0, 768.0)]));
        let two = [screen(960.0, 600.0), screen(1920.0, 1080.0)];
        assert!(!cramped(size, &two));
    }

    #[test]
    fn a_window_out_of_every_screen_is_not_reachable() {
        let screens = [Rect::from_min_size(Pos2::ZERO, Vec2::new(1920.0, 1080.0))];
        let at = |x, y| Place {
            corner: Pos2::new(x, y),
            size: Vec2::new(900.0, 700.0),
            maximized: false,
        };
        assert!(at(0.0, 0.0).reachable(&screens));
        assert!(at(-800.0, 900.0).reachable(&screens));
        assert!(!at(-880.0, 0.0).reachable(&screens));
        assert!(!at(100.0, 1070.0).reachable(&screens));
        assert!(!at(2000.0, 100.0).reachable(&screens));
        assert!(!at(0.0, 0.0).reachable(&[]));
    }
}
