//! The picture on its way from the decode thread to the window.
//!
//! ```text
//! decode thread ── draws into ──► Board (canvas, dirty rectangles, mark) ◄── takes ── window
//! ```
//!
//! One lock, held for a decode or for a copy of the dirty rectangles. A revocation clears
//! the board: the canvas's memory is given back and its epoch of drawing ends, so that a
//! decode that was under way finds nothing to draw into.
//!
//! Not here: the update format (protocol) and its decoding ([`crate::decode`]).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use fernsicht_protocol::content::PointerShape;
use fernsicht_protocol::picture::{Rect, View};

/// How far the picture on the board has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mark {
    /// Sequence of the newest update drawn in sequence.
    pub sequence: u64,
    /// Running digest after it.
    pub digest: u64,
    /// Sequences of those that are shown over it before their turn.
    pub ahead: Vec<u64>,
    /// Generation of the layout that it shows.
    pub layout: u32,
    /// When the last part of it had arrived.
    pub arrived: Option<Instant>,
}

/// Opaque BGRX pixels, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
    /// `width * height * 4` bytes.
    pub bgrx: Vec<u8>,
}

/// What the decode thread draws on and the window takes from.
#[derive(Debug, Default)]
pub struct Board {
    pixels: Option<Pixels>,
    /// Rises whenever sight ends or begins.
    sight: u64,
    /// Rises whenever the picture is another one: cleared or resized.
    generation: u64,
    dirty: Vec<Rect>,
    /// Generation of the layout that the picture shows.
    layout: u32,
    mark: Option<Mark>,
    before: Option<Mark>,
    received: Option<Instant>,
    late: Arc<Mutex<Option<Late>>>,
    by_area: bool,
    pointer: Pointer,
    /// Sequence of the frame that brought the pointer's shape.
    shaped: u64,
    /// Counts shapes, over all sessions: the window tells them apart by it.
    shapes: u64,
    /// Complete pictures of this session.
    complete: u64,
}

/// The customer's pointer as last heard.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pointer {
    /// Sequence of the newest pointer frame.
    pub sequence: u64,
    /// Inside the shared area.
    pub visible: bool,
    /// Pixels from the left.
    pub x: u16,
    /// Pixels from the top.
    pub y: u16,
    /// Its shape and a number that rises with every new one.
    pub shape: Option<(u64, Arc<PointerShape>)>,
}

impl Pointer {
    /// Its shape and the shape's number, if there is anything to see: programs hide it while somebody types.
    pub fn to_see(&self) -> Option<(u64, &PointerShape)> {
        let (number, shape) = self.shape.as_ref().filter(|_| self.visible)?;
        let opaque = shape.bgra.iter().skip(3).step_by(4).any(|alpha| *alpha > 0);
        opaque.then_some((*number, shape))
    }
}

/// What the window takes: what changed since it last looked.
#[derive(Debug)]
pub enum Taken {
    /// Nothing is to be shown.
    Nothing,
    /// The picture of this generation; these areas changed.
    Changed {
        /// Which picture.
        generation: u64,
        /// Changed areas, not overlapping the picture's edge.
        areas: Vec<Rect>,
        /// To acknowledge now: what was shown before. Its mark followed.
        before: Option<Mark>,
        /// To acknowledge once they are drawn; none if that was done, or it follows.
        mark: Option<Mark>,
        /// When the newest update among them had been received completely.
        received: Option<Instant>,
    },
}

/// Shared handle.
#[derive(Debug, Clone)]
pub struct Shared {
    board: Arc<Mutex<Board>>,
    late: Arc<Mutex<Option<Late>>>,
}

/// A mark that follows what it is of: apart from the board, so that who reckons it does not wait for who shows it.
#[derive(Debug)]
struct Late {
    sight: u64,
    mark: Mark,
    received: Instant,
}

impl Default for Shared {
    fn default() -> Self {
        Self::new()
    }
}

impl Shared {
    /// An empty board.
    pub fn new() -> Self {
        let late: Arc<Mutex<Option<Late>>> = Arc::default();
        let board = Board {
            late: late.clone(),
            ..Board::default()
        };
        Self {
            board: Arc::new(Mutex::new(board)),
            late,
        }
    }

    /// What was drawn last on the board has this mark.
    pub fn follow(&self, sight: u64, mark: Mark, received: Instant) {
        *lock(&self.late) = Some(Late {
            sight,
            mark,
            received,
        });
    }

    /// The board, locked. Held briefly by either side.
    pub fn lock(&self) -> MutexGuard<'_, Board> {
        lock(&self.board)
    }
}

/// A panic of the decode thread must not take the window down: it ends in a blank page.
fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Board {
    /// Sight has ended, or begins anew: blanks the picture, gives its memory back, and
    /// returns the number that drawing needs from now on.
    pub fn clear(&mut self) -> u64 {
        self.sight += 1;
        self.blank();
        // Its shape is kept: the agent sends it only when it changes.
        self.pointer.visible = false;
        self.sight
    }

    /// A session begins or is over: as [`Self::clear`], and nothing of its pointer stays.
    pub fn forget(&mut self) -> u64 {
        self.pointer = Pointer::default();
        self.shaped = 0;
        self.complete = 0;
        self.clear()
    }

    fn blank(&mut self) {
        self.pixels = None;
        self.generation += 1;
        self.dirty = Vec::new();
        self.mark = None;
        self.before = None;
        self.received = None;
    }

    fn resize(&mut self, width: u16, height: u16) {
        let bytes = usize::from(width) * usize::from(height) * 4;
        self.blank();
        self.pixels = Some(Pixels {
            width,
            height,
            bgrx: vec![0; bytes],
        });
        self.dirty.push(Rect {
            x: 0,
            y: 0,
            width,
            height,
        });
    }

    /// The pixels, where there is a picture.
    pub fn pixels(&self) -> Option<&Pixels> {
        self.pixels.as_ref()
    }

    /// Complete pictures of this session: the first one after each grant, repairs, and those by which recordings are found.
    pub fn complete(&self) -> u64 {
        self.complete
    }

    /// What was just drawn was a complete picture.
    pub fn count_complete(&mut self) {
        self.complete += 1;
    }

    /// Generation of the layout that the picture shows.
    pub fn layout(&self) -> u32 {
        self.layout
    }

    /// Which picture this is; changes when it is cleared or resized.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Copies the changed areas from the decoder's canvas. A canvas of another size begins
    /// another picture. No mark: it follows ([`Shared::follow`]); what was there before and was not taken is not acknowledged,
    /// since nobody sees it by itself. False, and nothing is drawn, if the sight that it was decoded for has ended.
    pub fn draw(
        &mut self,
        sight: u64,
        canvas: View<'_>,
        areas: &[Rect],
        mark: Option<Mark>,
        received: Instant,
    ) -> bool {
        if sight != self.sight {
            return false;
        }
        self.take_late();
        let whole = canvas.area();
        if self
            .pixels
            .as_ref()
            .is_none_or(|p| (p.width, p.height) != (whole.width, whole.height))
        {
            self.resize(whole.width, whole.height);
        }
        let Some(pixels) = &mut self.pixels else {
            return false;
        };
        for area in areas
            .iter()
            .map(|a| a.intersection(whole))
            .filter(|a| !a.is_empty())
        {
            let stride = usize::from(pixels.width) * 4;
            for y in 0..area.height {
                let row = canvas.row(area, y);
                let start =
                    (usize::from(area.y) + usize::from(y)) * stride + usize::from(area.x) * 4;
                pixels.bgrx[start..start + row.len()].copy_from_slice(row);
            }
            self.dirty.push(area);
        }
        if self.dirty.len() > MOST_AREAS {
            let all = self.dirty.drain(..).fold(Rect::default(), Rect::union);
            self.dirty.push(all);
        }
        self.layout = mark.as_ref().map_or(self.layout, |mark| mark.layout);
        self.mark = mark;
        self.received.get_or_insert(received);
        true
    }

    /// True while changes are shown by area: then to look once more costs nothing.
    pub fn by_area(&self) -> bool {
        self.by_area
    }

    /// Whether changes are shown by area from now on.
    pub fn set_by_area(&mut self, by_area: bool) {
        self.by_area = by_area;
    }

    /// Takes what changed since the last call.
    pub fn take(&mut self) -> Taken {
        if self.pixels.is_none() {
            return Taken::Nothing;
        }
        self.take_late();
        Taken::Changed {
            generation: self.generation,
            areas: std::mem::take(&mut self.dirty),
            before: self.before.take(),
            mark: self.mark.take(),
            received: self.received.take(),
        }
    }

    /// What followed is of what is shown already, or of what is about to be.
    fn take_late(&mut self) {
        let late = lock(&self.late).take();
        let Some(late) = late.filter(|late| late.sight == self.sight) else {
            return;
        };
        let place = match self.dirty.is_empty() {
            true => &mut self.before,
            false => &mut self.mark,
        };
        *place = Some(late.mark);
        self.received.get_or_insert(late.received);
    }

    /// The pointer.
    pub fn pointer(&self) -> &Pointer {
        &self.pointer
    }

    /// Takes a pointer frame; false if it brings nothing new. Frames overtake each other: of one
    /// that is late its shape still counts, unless a newer one is known.
    pub fn handle_pointer(&mut self, frame: fernsicht_protocol::content::Pointer) -> bool {
        let heard = self.pointer.sequence != 0;
        let newer = !heard || frame.sequence > self.pointer.sequence;
        let reshaped = match frame.shape {
            Some(shape) if self.pointer.shape.is_none() || frame.sequence > self.shaped => {
                self.shapes += 1;
                self.shaped = frame.sequence;
                self.pointer.shape = Some((self.shapes, Arc::new(shape)));
                true
            }
            Some(_) | None => false,
        };
        if newer {
            self.pointer.sequence = frame.sequence;
            self.pointer.visible = frame.visible;
            (self.pointer.x, self.pointer.y) = (frame.x, frame.y);
        }
        newer || reshaped
    }
}

/// More rectangles than this between two repaints are joined into one: an upload costs
/// per call, and the window repaints whole anyway.
const MOST_AREAS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn canvas(width: u16, height: u16, bytes: &[u8]) -> View<'_> {
        View {
            width,
            height,
            stride: usize::from(width) * 4,
            bgrx: bytes,
        }
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
    fn a_cleared_board_shows_nothing_and_holds_no_pixels() {
        let mut board = Board::default();
        board.draw(
            0,
            canvas(4, 4, &[7; 64]),
            &[rect(0, 0, 4, 4)],
            Some(Mark::default()),
            Instant::now(),
        );
        assert!(matches!(board.take(), Taken::Changed { .. }));
        assert_eq!(board.clear(), 1);
        assert!(board.pixels().is_none());
        assert!(matches!(board.take(), Taken::Nothing));
        // An update that was being decoded meanwhile.
        assert!(!board.draw(
            0,
            canvas(4, 4, &[7; 64]),
            &[rect(0, 0, 4, 4)],
            Some(Mark::default()),
            Instant::now()
        ));
        assert!(matches!(board.take(), Taken::Nothing));
    }

    #[test]
    fn areas_are_copied_clipped_and_joined() {
        let mut board = Board::default();
        let source: Vec<u8> = (0..100 * 50 * 4).map(|i| i as u8).collect();
        board.draw(
            0,
            canvas(100, 50, &source),
            &[],
            Some(Mark::default()),
            Instant::now(),
        );
        board.take();
        board.draw(
            0,
            canvas(100, 50, &source),
            &[rect(90, 40, 50, 50)],
            Some(Mark::default()),
            Instant::now(),
        );
        let Taken::Changed { areas, .. } = board.take() else {
            panic!("there is a picture")
        };
        assert_eq!(areas, [rect(90, 40, 10, 10)]);
        let at = (45 * 100 + 95) * 4;
        let pixels = board.pixels().unwrap();
        assert_eq!(pixels.bgrx[at..at + 4], source[at..at + 4]);
        assert_eq!(pixels.bgrx[0], 0);
        for x in 0..100 {
            board.draw(
                0,
                canvas(100, 50, &source),
                &[rect(x, 0, 1, 1)],
                Some(Mark::default()),
                Instant::now(),
            );
        }
        let Taken::Changed { areas, .. } = board.take() else {
            panic!("there is a picture")
        };
        assert!(areas.len() <= MOST_AREAS);
    }

    /// Taken twice: to be shown, and to be acknowledged.
    #[test]
    fn a_mark_may_follow_what_it_is_of() {
        let shared = Shared::new();
        let (areas, pixels) = ([rect(0, 0, 4, 4)], [7; 64]);
        let mark = |sequence| Mark {
            sequence,
            ..Mark::default()
        };
        let draw = |mark| {
            let sight = shared.lock().sight;
            let canvas = canvas(4, 4, &pixels);
            let drawn = shared
                .lock()
                .draw(sight, canvas, &areas, mark, Instant::now());
            assert!(drawn);
        };
        let sequence = |mark: Option<Mark>| mark.map(|mark| mark.sequence);
        let taken = || match shared.lock().take() {
            Taken::Changed {
                areas,
                before,
                mark,
                ..
            } => (sequence(before), areas.len(), sequence(mark)),
            Taken::Nothing => panic!("there is a picture"),
        };
        draw(None);
        taken();
        shared.follow(0, mark(5), Instant::now());
        assert_eq!(taken(), (Some(5), 0, None));
        assert_eq!(taken(), (None, 0, None));
        draw(None);
        shared.follow(0, mark(6), Instant::now());
        assert_eq!(taken(), (None, 1, Some(6)), "not shown before");
        draw(None);
        taken();
        shared.follow(0, mark(7), Instant::now());
        draw(Some(mark(8)));
        assert_eq!(taken(), (Some(7), 1, Some(8)), "both were shown");
        draw(None);
        shared.follow(0, mark(9), Instant::now());
        draw(Some(mark(10)));
        assert_eq!(taken(), (None, 2, Some(10)), "only together");
        draw(Some(mark(11)));
        draw(None);
        assert_eq!(taken(), (None, 2, None), "nobody saw the first by itself");
        shared.follow(0, mark(12), Instant::now());
        assert_eq!(taken(), (Some(12), 0, None));
        draw(None);
        taken();
        shared.lock().clear();
        shared.follow(0, mark(13), Instant::now());
        draw(None);
        let (before, _, mark) = taken();
        assert_eq!((before, mark), (None, None), "of a sight that is over");
    }

    #[test]
    fn a_pointer_that_comes_before_the_picture_stays() {
        let mut board = Board::default();
        let pointer = fernsicht_protocol::content::Pointer {
            sequence: 1,
            visible: true,
            x: 3,
            y: 4,
            shape: None,
        };
        assert!(board.handle_pointer(pointer));
        board.draw(
            0,
            canvas(4, 4, &[7; 64]),
            &[],
            Some(Mark::default()),
            Instant::now(),
        );
        assert!(board.pointer().visible);
        board.clear();
        assert!(!board.pointer().visible);
    }

    #[test]
    fn late_pointers_are_ignored() {
        let mut board = Board::default();
        let at = |sequence, x| fernsicht_protocol::content::Pointer {
            sequence,
            visible: true,
            x,
            y: 0,
            shape: None,
        };
        assert!(board.handle_pointer(at(2, 7)));
        assert!(!board.handle_pointer(at(1, 9)));
        assert_eq!(board.pointer().x, 7);
    }

    fn shaped(sequence: u64, width: u16) -> fernsicht_protocol::content::Pointer {
        let shape = PointerShape {
            width,
            height: 1,
            hot_x: 0,
            hot_y: 0,
            bgra: vec![0; usize::from(width) * 4],
        };
        fernsicht_protocol::content::Pointer {
            sequence,
            visible: true,
            x: width,
            y: 0,
            shape: Some(shape),
        }
    }

    fn width(board: &Board) -> Option<u16> {
        board.pointer().shape.as_ref().map(|(_, shape)| shape.width)
    }

    #[test]
    fn the_shape_of_a_late_pointer_counts_unless_a_newer_one_is_known() {
        let mut board = Board::default();
        let mut moved = shaped(3, 9);
        moved.shape = None;
        assert!(board.handle_pointer(moved));
        assert!(board.handle_pointer(shaped(2, 5)));
        assert_eq!((width(&board), board.pointer().x), (Some(5), 9));
        assert!(!board.handle_pointer(shaped(1, 4)));
        assert_eq!((width(&board), board.pointer().sequence), (Some(5), 3));
    }

    #[test]
    fn another_session_has_a_pointer_of_its_own() {
        let mut board = Board::default();
        assert!(board.handle_pointer(shaped(70, 5)));
        let first = board.pointer().shape.clone().map(|(number, _)| number);
        board.clear();
        assert_eq!(width(&board), Some(5));
        board.forget();
        assert_eq!(*board.pointer(), Pointer::default());
        assert!(board.handle_pointer(shaped(1, 4)));
        assert_eq!(width(&board), Some(4));
        assert_ne!(
            board.pointer().shape.clone().map(|(number, _)| number),
            first
        );
    }
}
