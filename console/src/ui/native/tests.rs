//! Whatever changed, was uncovered or moved: on the surface is what would be there if it were painted anew.

use std::sync::Arc;

use fernsicht_protocol::content::{Pointer, PointerShape};
use fernsicht_protocol::picture::View;
use proptest::prelude::*;

use super::*;
use crate::ui::placement::{Scale, Subject};

/// A surface in memory.
#[derive(Default)]
struct Sheet {
    size: (usize, usize),
    pixels: Vec<u8>,
    memory: Vec<u8>,
    shown: bool,
    pointer: Option<PointerShape>,
}

impl Glass for Sheet {
    fn place(&mut self, frame: Frame, _holes: &[Rect]) -> Result<(), Gone> {
        let size = (frame.width.into(), frame.height.into());
        if self.size != size {
            self.size = size;
            self.pixels = vec![0x55; size.0 * size.1 * 4];
        }
        self.memory.resize(size.0 * size.1 * 4, 0);
        self.shown = true;
        Ok(())
    }

    fn write(&mut self, at: usize, rows: &mut dyn Iterator<Item = &[u8]>) -> Result<(), Gone> {
        let mut at = at;
        for row in rows {
            self.memory[at..at + row.len()].copy_from_slice(row);
            at += row.len();
        }
        Ok(())
    }

    fn show(&mut self, pieces: &[(Rect, usize)]) -> Result<(), Gone> {
        for (rect, from) in pieces {
            let row = usize::from(rect.width) * 4;
            for y in 0..usize::from(rect.height) {
                let to = ((usize::from(rect.y) + y) * self.size.0 + usize::from(rect.x)) * 4;
                let from = from + y * row;
                self.pixels[to..to + row].copy_from_slice(&self.memory[from..from + row]);
            }
        }
        Ok(())
    }

    fn point(&mut self, shape: &PointerShape) -> Result<(), Gone> {
        self.pointer = Some(shape.clone());
        Ok(())
    }

    fn hide(&mut self) -> Result<(), Gone> {
        *self = Self::default();
        Ok(())
    }

    fn wait(&mut self, _waker: &Waker, _exposed: &mut Vec<Rect>) -> Result<(), Gone> {
        Ok(())
    }
}

fn presenter(board: &picture::Shared) -> Presenter<Sheet> {
    Presenter {
        told: Arc::default(),
        board: board.clone(),
        glass: Sheet::default(),
        shown: None,
        pointed: None,
        composer: Composer::default(),
    }
}

const SIZE: (u16, u16) = (90, 70);

/// One colour.
fn plain() -> View<'static> {
    View {
        width: SIZE.0,
        height: SIZE.1,
        stride: 360,
        bgrx: &[9; 90 * 70 * 4],
    }
}

fn scene(board: &picture::Shared, scale: Scale, centre: (f64, f64), pointer: bool) -> Scene {
    let space = Space {
        x: 3.0,
        y: 11.0,
        width: 64.0,
        height: 57.0,
    };
    let mut subject = Subject::whole(SIZE);
    subject.part.x = 7;
    subject.part.width -= 9;
    let placed = Placement::new(space, subject, scale, &mut { centre });
    assert!(Scene::takes(&placed));
    let board = board.lock();
    Scene {
        generation: board.generation(),
        layout: board.layout(),
        placed,
        pointer,
        alike: None,
        holes: Vec::new(),
    }
}

/// What may happen.
#[derive(Debug, Clone)]
enum Event {
    Draw(Rect, u8),
    Point(u16, u16, bool),
    Shape(u16, u16, u8),
    Look(Scale, (f64, f64), bool),
    Uncover(Rect),
    Clear,
}

fn rects() -> impl Strategy<Value = Rect> {
    (0..90u16, 0..70u16, 1..50u16, 1..50u16).prop_map(|(x, y, width, height)| Rect {
        x,
        y,
        width,
        height,
    })
}

fn events() -> impl Strategy<Value = Event> {
    let scales = prop_oneof![
        Just(Scale::ONE),
        Just(Scale::Fit),
        Just(Scale::Zoom(50)),
        Just(Scale::Zoom(75))
    ];
    prop_oneof![
        4 => (rects(), any::<u8>()).prop_map(|(rect, colour)| Event::Draw(rect, colour)),
        4 => (0..95u16, 0..75u16, any::<bool>()).prop_map(|(x, y, seen)| Event::Point(x, y, seen)),
        1 => (1..30u16, 1..30u16, any::<u8>()).prop_map(|(w, h, colour)| Event::Shape(w, h, colour)),
        2 => (scales, (0.0..1.0, 0.0..1.0), any::<bool>())
            .prop_map(|(scale, centre, pointer)| Event::Look(scale, centre, pointer)),
        1 => rects().prop_map(Event::Uncover),
        1 => Just(Event::Clear),
    ]
}

proptest! {
    #[test]
    fn what_is_shown_is_what_painting_it_anew_would_show(events in prop::collection::vec(events(), 1..40)) {
        let board = picture::Shared::new();
        let mut sight = board.lock().clear();
        let mut ours = presenter(&board);
        let mut canvas = vec![9u8; usize::from(SIZE.0) * usize::from(SIZE.1) * 4];
        let mut look = (Scale::ONE, (0.5, 0.5), true);
        let mut sequence = 0;
        let view = |canvas: &[u8], areas: &[Rect], sight, sequence| {
            let view = View {
                width: SIZE.0,
                height: SIZE.1,
                stride: usize::from(SIZE.0) * 4,
                bgrx: canvas,
            };
            let mark = Mark { sequence, ..Mark::default() };
            board.lock().draw(sight, view, areas, Some(mark), Instant::now())
        };
        let whole = Subject::whole(SIZE).part;
        view(&canvas, &[whole], sight, 0);
        for event in events {
            sequence += 1;
            let mut exposed = Vec::new();
            match event {
                Event::Draw(rect, colour) => {
                    for y in rect.y..(rect.y + rect.height).min(SIZE.1) {
                        for x in rect.x..(rect.x + rect.width).min(SIZE.0) {
                            let at = (usize::from(y) * usize::from(SIZE.0) + usize::from(x)) * 4;
                            canvas[at..at + 3].fill(colour ^ (x as u8).wrapping_mul(31) ^ y as u8);
                        }
                    }
                    view(&canvas, &[rect], sight, sequence);
                }
                Event::Point(x, y, visible) => {
                    let shape = None;
                    board.lock().handle_pointer(Pointer { sequence, visible, x, y, shape });
                }
                Event::Shape(width, height, colour) => {
                    let pixels = usize::from(width) * usize::from(height);
                    let bgra = (0..pixels).flat_map(|n| {
                        let alpha = (n as u8).wrapping_mul(37) | 1;
                        [colour.min(alpha), alpha / 2, 0, alpha]
                    });
                    let shape = PointerShape {
                        width,
                        height,
                        hot_x: width / 2,
                        hot_y: height - 1,
                        bgra: bgra.collect(),
                    };
                    let (x, y) = (40, 30);
                    board.lock().handle_pointer(Pointer { sequence, visible: true, x, y, shape: Some(shape) });
                }
                Event::Look(scale, centre, pointer) => look = (scale, centre, pointer),
                Event::Uncover(rect) => {
                    let frame = ours.shown.as_ref().map(|shown| shown.frame.whole());
                    let hurt = frame.map(|frame| rect.intersection(frame));
                    exposed.extend(hurt.filter(|hurt| !hurt.is_empty()));
                }
                Event::Clear => {
                    let cleared = board.lock().clear();
                    sight = cleared;
                    let stale = Scene { generation: 0, ..scene(&board, Scale::ONE, (0.5, 0.5), true) };
                    prop_assert_eq!(ours.present(Some(stale), Vec::new()).unwrap().0, []);
                    prop_assert!(!ours.glass.shown && ours.glass.memory.is_empty());
                    view(&canvas, &[whole], sight, sequence);
                }
            }
            let scene = scene(&board, look.0, look.1, look.2);
            for hurt in &exposed {
                // What was uncovered is not there any more.
                for y in hurt.y..hurt.y + hurt.height {
                    let at = (usize::from(y) * ours.glass.size.0 + usize::from(hurt.x)) * 4;
                    ours.glass.pixels[at..at + usize::from(hurt.width) * 4].fill(0xee);
                }
            }
            ours.present(Some(scene.clone()), exposed).unwrap();
            let mut anew = presenter(&board);
            anew.present(Some(scene), Vec::new()).unwrap();
            prop_assert_eq!(ours.glass.size, anew.glass.size);
            prop_assert!(ours.glass.pixels == anew.glass.pixels);
        }
    }
}

#[test]
fn what_is_pixel_for_pixel_is_and_the_mark_comes_once() {
    let board = picture::Shared::new();
    let sight = board.lock().clear();
    let canvas: Vec<u8> = (0..usize::from(SIZE.0) * usize::from(SIZE.1) * 4)
        .map(|n| (n * 7 % 251) as u8)
        .collect();
    let view = View {
        width: SIZE.0,
        height: SIZE.1,
        stride: usize::from(SIZE.0) * 4,
        bgrx: &canvas,
    };
    let mark = Mark {
        sequence: 5,
        ..Mark::default()
    };
    let area = view.area();
    board
        .lock()
        .draw(sight, view, &[area], Some(mark.clone()), Instant::now());
    let mut ours = presenter(&board);
    let scene = scene(&board, Scale::ONE, (0.0, 0.0), false);
    let (told, received) = ours.present(Some(scene.clone()), Vec::new()).unwrap();
    assert_eq!(told, [mark]);
    assert!(received.is_some());
    assert_eq!(ours.present(Some(scene), Vec::new()).unwrap().0, []);
    for y in 0..ours.glass.size.1 {
        let from = (y * usize::from(SIZE.0) + 7) * 4;
        let row = ours.glass.size.0 * 4;
        assert_eq!(
            ours.glass.pixels[y * row..][..row],
            canvas[from..from + row]
        );
    }
    ours.present(None, Vec::new()).unwrap();
    assert!(!ours.glass.shown);
}

/// Once for each shape, again whenever the window had shown its own meanwhile, and never behind the window's back.
#[test]
fn the_windows_pointer_looks_like_the_customers() {
    let board = picture::Shared::new();
    let sight = board.lock().clear();
    let canvas = plain();
    let areas = [canvas.area()];
    board
        .lock()
        .draw(sight, canvas, &areas, None, Instant::now());
    let shape = |sequence, alpha| Pointer {
        sequence,
        visible: true,
        x: 4,
        y: 5,
        shape: Some(PointerShape {
            width: 1,
            height: 1,
            hot_x: 0,
            hot_y: 0,
            bgra: vec![0, 0, sequence as u8, alpha],
        }),
    };
    let mut presenter = presenter(&board);
    let mut present = |alike: Option<u64>, told: Option<u64>| {
        let scene = Scene {
            alike,
            ..scene(&board, Scale::ONE, (0.5, 0.5), false)
        };
        let said = Scene {
            alike: told,
            ..scene.clone()
        };
        presenter.told().scene = Some(said);
        presenter.present(Some(scene), Vec::new()).unwrap();
        presenter.glass.pointer.take().map(|shape| shape.bgra[2])
    };
    board.lock().handle_pointer(shape(1, 255));
    assert_eq!(present(None, None), None);
    assert_eq!(present(Some(1), None), None, "the window has its own again");
    assert_eq!(present(Some(1), Some(1)), Some(1));
    assert_eq!(present(Some(1), Some(1)), None);
    board.lock().handle_pointer(shape(2, 255));
    assert_eq!(present(Some(1), Some(1)), Some(2));
    assert_eq!(present(Some(7), Some(7)), Some(2), "shown anew");
    board.lock().handle_pointer(shape(3, 0));
    assert_eq!(
        present(Some(7), Some(7)),
        None,
        "nothing is to be seen of it"
    );
}

/// It was not known yet when what it is of was shown.
#[test]
fn a_mark_that_follows_is_told_without_painting() {
    let board = picture::Shared::new();
    let sight = board.lock().clear();
    let canvas = plain();
    let mark = |sequence| Mark {
        sequence,
        ..Mark::default()
    };
    let draw = |mark| {
        let areas = [canvas.area()];
        board
            .lock()
            .draw(sight, canvas, &areas, mark, Instant::now())
    };
    assert!(draw(Some(mark(1))));
    let mut presenter = presenter(&board);
    let shown = scene(&board, Scale::ONE, (0.5, 0.5), false);
    let mut present =
        |scene: Option<&Scene>| presenter.present(scene.cloned(), Vec::new()).unwrap().0;
    assert_eq!(present(Some(&shown)), [mark(1)]);
    assert!(board.lock().by_area());
    assert!(draw(None));
    assert_eq!(present(Some(&shown)), []);
    board.follow(sight, mark(2), Instant::now());
    assert_eq!(present(Some(&shown)), [mark(2)]);
    assert!(draw(None));
    assert_eq!(present(Some(&shown)), []);
    board.follow(sight, mark(3), Instant::now());
    assert!(draw(Some(mark(4))));
    assert_eq!(present(Some(&shown)), [mark(3), mark(4)], "each was seen");
    present(None);
    assert!(!board.lock().by_area());
}
