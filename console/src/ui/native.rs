//! The picture beside egui: a surface of the window system's own inside the window, painted by changed area.
//!
//! ```text
//! board (changed areas, pointer) ── stir ──► presenter thread ─► Glass ─► a window inside the window
//! app (where it lies, what lies upon it) ── Scene ──►   └── drawn ──► engine (acknowledges)
//! ```
//!
//! egui draws a whole window for every change; where a processor does the drawing, as at virtual desktops, a change of
//! a few pixels then costs as much as a film. So pixels that are shown as they are, or smaller, go to the window system
//! directly, and nothing else is drawn anew. What egui draws over the picture is left out of the surface ([`Scene::holes`]).
//!
//! Not here: enlarged pictures, and pictures behind a dialogue: those are textures ([`super::surface`]).

mod compose;
#[cfg(not(unix))]
mod none;
#[cfg(test)]
mod tests;
#[cfg(unix)]
mod x11;

#[cfg(not(unix))]
use none as system;
#[cfg(unix)]
use x11 as system;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use fernsicht_protocol::content::PointerShape;
use fernsicht_protocol::picture::Rect;
use winit::raw_window_handle::RawWindowHandle;

use self::compose::Composer;
use self::system::{Child, Waker, number};
use super::placement::{Placement, Space};
use crate::picture::{self, Mark, Pointer, Taken};

/// What is to be seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// Which picture; of another one nothing is shown.
    pub generation: u64,
    /// Generation of the layout that it was placed for.
    pub layout: u32,
    /// Where it lies.
    pub placed: Placement,
    /// True if the customer's pointer is drawn.
    pub pointer: bool,
    /// The technician's own pointer looks like the customer's; a number that is another one each time it begins to. The
    /// window has hidden its own before, and shows it again by itself.
    pub alike: Option<u64>,
    /// Parts of the window that are egui's.
    pub holes: Vec<Space>,
}

impl Scene {
    /// True if a picture that lies like this can be shown here: pixel for pixel, or smaller.
    pub fn takes(placed: &Placement) -> bool {
        let part = placed.subject.part;
        placed.drawn.0 <= part.width && placed.drawn.1 <= part.height
    }

    /// What of the window the picture fills.
    fn frame(&self) -> Frame {
        let space = self.placed.space;
        let along = |origin: i64, drawn: u16, start: f64, room: f64| {
            let from = origin.max(start as i64);
            let to = (origin + i64::from(drawn)).min((start + room) as i64);
            (from, u16::try_from(to - from).unwrap_or(0))
        };
        let (x, width) = along(
            self.placed.origin.0,
            self.placed.drawn.0,
            space.x,
            space.width,
        );
        let (y, height) = along(
            self.placed.origin.1,
            self.placed.drawn.1,
            space.y,
            space.height,
        );
        Frame {
            x: x.clamp(0, i16::MAX.into()) as i16,
            y: y.clamp(0, i16::MAX.into()) as i16,
            width,
            height,
        }
    }
}

/// When the technician's own pointer looks like the customer's: from the frame after the one in which the window has hidden
/// its own, which would come later otherwise and hide both.
#[derive(Debug, Default)]
pub struct Alike {
    /// It would, in this frame.
    pub wanted: bool,
    /// The frame since which it is wanted.
    since: Option<u64>,
}

impl Alike {
    /// The number of this turn once it looks so.
    pub fn follow(&mut self, wanted: bool, frame: u64) -> Option<u64> {
        match wanted {
            true => Some(*self.since.get_or_insert(frame)).filter(|since| *since < frame),
            false => {
                self.since = None;
                None
            }
        }
    }
}

/// A rectangle of the window, in physical pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Frame {
    x: i16,
    y: i16,
    width: u16,
    height: u16,
}

impl Frame {
    /// The whole of it, seen from its own corner.
    fn whole(self) -> Rect {
        Rect {
            x: 0,
            y: 0,
            width: self.width,
            height: self.height,
        }
    }

    /// What of `space` lies in it, seen from its own corner.
    fn part(self, space: Space) -> Rect {
        let along = |from: f64, length: f64, start: i16, room: u16| {
            let first = (from.floor() as i64 - i64::from(start)).clamp(0, room.into());
            let last = ((from + length).ceil() as i64 - i64::from(start)).clamp(0, room.into());
            (first as u16, (last - first) as u16)
        };
        let (x, width) = along(space.x, space.width, self.x, self.width);
        let (y, height) = along(space.y, space.height, self.y, self.height);
        Rect {
            x,
            y,
            width,
            height,
        }
    }
}

/// The surface: one per window system.
trait Glass {
    /// Puts it there, with these holes, and shows it.
    fn place(&mut self, frame: Frame, holes: &[Rect]) -> Result<(), Gone>;
    /// Where the pixels of a rectangle are written before they are shown. They lie one after the other from `at`.
    fn write(&mut self, at: usize, rows: &mut dyn Iterator<Item = &[u8]>) -> Result<(), Gone>;
    /// Shows what was written: each rectangle and where its pixels begin. Comes back when they are on the screen.
    fn show(&mut self, pieces: &[(Rect, usize)]) -> Result<(), Gone>;
    /// The window's pointer looks like this. Comes back when it does.
    fn point(&mut self, shape: &PointerShape) -> Result<(), Gone>;
    /// Takes it off the screen, and its pixels out of the memory.
    fn hide(&mut self) -> Result<(), Gone>;
    /// Sleeps until it was woken, or the window system says that something must be shown anew: that is added.
    fn wait(&mut self, waker: &Waker, exposed: &mut Vec<Rect>) -> Result<(), Gone>;
}

/// The surface is gone, with the window or with the connection.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Gone(String);

/// The surface's other end, for the window.
pub struct Native {
    shared: Arc<Mutex<Told>>,
    waker: Waker,
    board: picture::Shared,
}

impl std::fmt::Debug for Native {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Native").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Told {
    scene: Option<Scene>,
    ended: bool,
}

impl Native {
    /// A surface inside this window; none where the window system has none for us. `drawn` is called, from a thread of
    /// its own, with what is on the screen now; `gone` if the surface is lost.
    pub fn open(
        window: RawWindowHandle,
        board: picture::Shared,
        drawn: impl Fn(Mark, Option<Instant>) + Send + 'static,
        gone: impl Fn() + Send + 'static,
    ) -> Option<Self> {
        let glass = glass(window)?;
        let waker = Waker::new().ok()?;
        let native = Self {
            shared: Arc::default(),
            waker: waker.clone(),
            board: board.clone(),
        };
        let mut presenter = Presenter {
            told: native.shared.clone(),
            board,
            glass,
            shown: None,
            pointed: None,
            composer: Composer::default(),
        };
        let spawned = std::thread::Builder::new()
            .name("presenter".into())
            .spawn(move || {
                // However it ends, the window has to know.
                let _end = End {
                    told: presenter.told.clone(),
                    board: presenter.board.clone(),
                    gone,
                };
                if let Err(error) = presenter.run(&waker, &drawn) {
                    tracing::warn!(%error, "the picture's surface is gone");
                }
            });
        spawned.ok().map(|_| native)
    }

    /// False once the surface is lost.
    pub fn works(&self) -> bool {
        !lock(&self.shared).ended
    }

    /// Shows this from now on; nothing with `None`. True if something was shown until now: what was drawn meanwhile was
    /// left to this surface, and the window has to look once more.
    pub fn show(&self, scene: Option<Scene>) -> bool {
        let mut told = lock(&self.shared);
        if told.scene == scene {
            return false;
        }
        let over = scene.is_none();
        told.scene = scene;
        drop(told);
        self.waker.wake();
        over
    }

    /// The board changed. False if the window has to look: nothing is shown here, or another picture.
    pub fn stir(&self) -> bool {
        let shown = {
            let told = lock(&self.shared);
            let scene = told.scene.as_ref().filter(|_| !told.ended);
            scene.map(|scene| (scene.generation, scene.layout))
        };
        if shown.is_some() {
            self.waker.wake();
        }
        let board = self.board.lock();
        board.pixels().is_some() && shown == Some((board.generation(), board.layout()))
    }
}

struct End<F: Fn()> {
    told: Arc<Mutex<Told>>,
    board: picture::Shared,
    gone: F,
}

impl<F: Fn()> Drop for End<F> {
    fn drop(&mut self) {
        self.board.lock().set_by_area(false);
        lock(&self.told).ended = true;
        (self.gone)();
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        lock(&self.shared).ended = true;
        self.waker.wake();
    }
}

fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

fn glass(window: RawWindowHandle) -> Option<Child> {
    match Child::open(number(window)?) {
        Ok(child) => child,
        Err(error) => {
            tracing::info!(%error, "pictures are drawn as textures");
            None
        }
    }
}

struct Presenter<G> {
    told: Arc<Mutex<Told>>,
    board: picture::Shared,
    glass: G,
    shown: Option<Shown>,
    /// What the window's pointer looks like: since which turn of [`Scene::alike`], and the number of the shape.
    pointed: Option<(u64, u64)>,
    composer: Composer,
}

/// What is on the screen.
struct Shown {
    scene: Scene,
    frame: Frame,
    /// Where the pointer was painted, seen from the frame's corner.
    pointer: Rect,
    /// Its shape's number, or none.
    shape: Option<u64>,
}

impl<G: Glass> Presenter<G> {
    fn told(&self) -> MutexGuard<'_, Told> {
        lock(&self.told)
    }

    fn run(&mut self, waker: &Waker, drawn: &dyn Fn(Mark, Option<Instant>)) -> Result<(), Gone> {
        let mut exposed = Vec::new();
        loop {
            self.glass.wait(waker, &mut exposed)?;
            let scene = {
                let told = self.told();
                if told.ended {
                    return Ok(());
                }
                told.scene.clone()
            };
            let (marks, received) = self.present(scene, std::mem::take(&mut exposed))?;
            for mark in marks {
                drawn(mark, received);
            }
        }
    }

    /// Brings what changed onto the screen, and says what is to be acknowledged.
    fn present(
        &mut self,
        scene: Option<Scene>,
        exposed: Vec<Rect>,
    ) -> Result<(Vec<Mark>, Option<Instant>), Gone> {
        let Some(scene) = scene else {
            self.hide()?;
            return Ok((Vec::new(), None));
        };
        let shared = self.board.clone();
        let mut board = shared.lock();
        if board.generation() != scene.generation || board.pixels().is_none() {
            drop(board);
            self.hide()?;
            return Ok((Vec::new(), None));
        }
        board.set_by_area(true);
        let Taken::Changed {
            areas,
            before,
            mark,
            received,
            ..
        } = board.take()
        else {
            return Ok((Vec::new(), None));
        };
        let marks = before.into_iter().chain(mark).collect();
        let frame = scene.frame();
        if frame.whole().is_empty() {
            drop(board);
            self.hide()?;
            return Ok((marks, received));
        }
        self.composer.aim(&scene.placed, frame);
        let remote = board.pointer().clone();
        let pointer = self.composer.point(scene.pointer.then_some(&remote));
        let shape = remote.shape.as_ref().map(|(number, _)| *number);
        let same = self.shown.as_ref().filter(|shown| {
            shown.frame == frame
                && shown.scene.placed == scene.placed
                && shown.scene.generation == scene.generation
        });
        let mut dirty = match same {
            None => vec![frame.whole()],
            Some(shown) => {
                let mut dirty: Vec<Rect> = areas
                    .iter()
                    .map(|area| self.composer.reach(*area))
                    .collect();
                dirty.extend(exposed);
                if shown.pointer != pointer || shown.shape != shape {
                    dirty.extend([shown.pointer, pointer]);
                }
                dirty
            }
        };
        dirty.retain(|rect| !rect.is_empty());
        let area: usize = dirty.iter().map(|rect| rect.area()).sum();
        if area > frame.whole().area() {
            dirty = vec![frame.whole()];
        }
        if same.is_none_or(|shown| shown.scene.holes != scene.holes) {
            let holes: Vec<Rect> = scene.holes.iter().map(|hole| frame.part(*hole)).collect();
            self.glass.place(frame, &holes)?;
        }
        let mut pieces = Vec::with_capacity(dirty.len());
        let mut at = 0;
        if let Some(pixels) = board.pixels() {
            for rect in dirty {
                self.composer.compose(pixels, rect, at, &mut self.glass)?;
                pieces.push((rect, at));
                at += rect.area() * 4;
            }
        }
        drop(board);
        let alike = scene.alike;
        self.shown = Some(Shown {
            scene,
            frame,
            pointer,
            shape,
        });
        if !pieces.is_empty() {
            self.glass.show(&pieces)?;
        }
        self.point(alike, &remote)?;
        Ok((marks, received))
    }

    /// The window's pointer looks like the customer's, if it is to.
    fn point(&mut self, alike: Option<u64>, remote: &Pointer) -> Result<(), Gone> {
        let Some((turn, (number, shape))) = alike.zip(remote.to_see()) else {
            return Ok(());
        };
        if self.pointed == Some((turn, number)) {
            return Ok(());
        }
        // The window shows its own again only once it has said so here: it waits, so that its word is the last.
        let told = self.told.clone();
        let told = lock(&told);
        if told.scene.as_ref().and_then(|scene| scene.alike) == alike {
            self.glass.point(shape)?;
            self.pointed = Some((turn, number));
        }
        Ok(())
    }

    fn hide(&mut self) -> Result<(), Gone> {
        self.board.lock().set_by_area(false);
        match self.shown.take() {
            Some(_) => {
                // Pixels and pointer that were composed last.
                self.composer = Composer::default();
                self.glass.hide()
            }
            None => Ok(()),
        }
    }
}
