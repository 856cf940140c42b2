//! The picture thread: sleeps until the customer shows the screen, then follows its changes.
//!
//! ```text
//! damage ─► read (permit, under the lock) ─► encode (no lock) ─► permit again ─► seal ─► link
//! ```
//!
//! While nothing is granted no connection to the screen is open. What was encoded under a
//! grant that is over is thrown away. The encoder lives as long as the thread: the sequence
//! of updates rises over everything.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use fernsicht_protocol::content::AgentNotice;
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::guard::Fault;
use fernsicht_protocol::picture::{Rect, View};
use fernsicht_protocol::wire::List;

use super::core::{Core, Shared};
use super::mends::Mends;
use crate::encode::{self, Encoded, Encoder};
use crate::platform::overlay::Frame;
use crate::platform::{self, Area, Capture, OwnWindows, Pixels, Shown};

/// How long a screen may be away without being gone.
const AWAY: Duration = Duration::from_secs(1);

/// Colour of the frame around what is shared: red, green, blue.
const FRAME_COLOUR: [u8; 3] = [0xd9, 0x2d, 0x20];

/// Runs until the program ends.
pub(super) fn run(shared: &Arc<Shared>, own: &OwnWindows) {
    let mut thread = Thread {
        shared,
        own,
        generation: 0,
        encoder: None,
        mends: Mends::default(),
    };
    while thread.wait_for_sight() {
        if let Err(error) = thread.show() {
            let detail = error.to_string();
            let gone = matches!(error, Error::Platform(platform::Error::ScreenGone));
            shared.change(|core| {
                core.unreadable = (!gone).then_some(detail);
                core.show_nothing();
                core.guard
                    .handle_computer_fault(Instant::now(), Fault::Screen);
            });
        }
        shared.lock().wake_pictures = None;
        shared.flights.set_waker(None);
    }
}

/// Why the screen cannot be shown.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Platform(#[from] platform::Error),
    #[error(transparent)]
    Encode(#[from] encode::Error),
}

struct Thread<'a> {
    shared: &'a Arc<Shared>,
    own: &'a OwnWindows,
    generation: u32,
    encoder: Option<Encoder>,
    mends: Mends,
}

impl Thread<'_> {
    /// False when the program ends.
    fn wait_for_sight(&self) -> bool {
        let mut core = self.shared.lock();
        while !core.sees() && !core.closing {
            core = self
                .shared
                .stirred
                .wait(core)
                .unwrap_or_else(PoisonError::into_inner);
        }
        !core.closing
    }

    /// Shows the screen until sight ends.
    fn show(&mut self) -> Result<(), Error> {
        let mut capture = platform::open_capture(None)?;
        self.shared.lock().wake_pictures = Some(capture.waker());
        self.shared.flights.set_waker(Some(capture.waker()));
        let mut encoder = match self.encoder.take() {
            Some(encoder) => encoder,
            None => Encoder::new(encode::Config::default())?,
        };
        let shown = self.follow(capture.as_mut(), &mut encoder);
        if !matches!(shown, Err(Error::Encode(_))) {
            self.encoder = Some(encoder);
        }
        shown
    }

    fn follow(&mut self, capture: &mut dyn Capture, encoder: &mut Encoder) -> Result<(), Error> {
        let Some(mut scene) = self.scene(capture, encoder)? else {
            return Ok(());
        };
        while self.take_news(encoder) {
            let sent = self.send_changes(capture, encoder, &mut scene);
            let mut stale = match sent {
                Ok(true) => false,
                Ok(false) => break,
                Err(Error::Platform(platform::Error::LayoutChanged)) => true,
                Err(error) => return Err(error),
            };
            if !stale {
                // While too much is under way, its delivery wakes this thread.
                let due = encoder
                    .poll_timeout()
                    .filter(|_| !self.shared.flights.full());
                let timeout = due.map(|at| at.saturating_duration_since(Instant::now()));
                let changes = capture.wait(timeout)?;
                stale = changes.layout;
                scene.damage.extend(changes.damage);
            }
            if stale {
                let Some(next) = self.scene(capture, encoder)? else {
                    break;
                };
                scene = next;
            }
        }
        Ok(())
    }

    /// Chooses the area, tells the console of it, and puts the frame around it. None if sight is over.
    fn scene(
        &mut self,
        capture: &mut dyn Capture,
        encoder: &mut Encoder,
    ) -> Result<Option<Scene>, Error> {
        let Some((chosen, shown)) = self.choose(capture)? else {
            return Ok(None);
        };
        let area = shown.area;
        self.generation += 1;
        encoder.handle_layout(self.generation, area.width, area.height)?;
        let layout = AgentNotice::Layout {
            generation: self.generation,
            width: area.width,
            height: area.height,
            screens: List(shown.screens().collect()),
        };
        let places: Vec<Area> = shown.places().collect();
        self.shared.change(|core| {
            core.show(self.generation, shown);
            core.unreadable = None;
            core.notice(&layout);
        });
        // A desktop without room for the frame is still shown; the bar says so.
        let frame = Frame::show(None, &places, FRAME_COLOUR, self.own).ok();
        Ok(Some(Scene {
            pixels: Pixels::new(area),
            damage: vec![area.whole()],
            chosen,
            grant: 0,
            _frame: frame,
        }))
    }

    /// What the customer chose, as it is now. A screen that is gone may be back in a moment: a change of its
    /// size switches it off and on. Nothing is read meanwhile.
    fn choose(&self, capture: &mut dyn Capture) -> Result<Option<(u64, Shown)>, Error> {
        let until = Instant::now() + AWAY;
        loop {
            let (sees, chosen, selection) = {
                let core = self.shared.lock();
                let sees = core.sees() && !core.closing;
                (sees, core.selected, core.selection.clone())
            };
            if !sees {
                return Ok(None);
            }
            let left = until.saturating_duration_since(Instant::now());
            match capture.select(&selection) {
                Ok(shown) => return Ok(Some((chosen, shown))),
                Err(platform::Error::ScreenGone) if !left.is_zero() => {
                    self.shared.change(Core::show_nothing);
                    capture.wait(Some(left))?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What the console said meanwhile. False if sight is over.
    fn take_news(&mut self, encoder: &mut Encoder) -> bool {
        let mut core = self.shared.lock();
        let now = Instant::now();
        encoder.set_recorded(core.guard.recorded());
        if let Some((ack, at)) = core.acknowledged.take() {
            let acked = encoder.handle_ack(&ack, at);
            self.mends.handle_ack(acked, now);
        }
        if std::mem::take(&mut core.restart) {
            encoder.restart();
        }
        if std::mem::take(&mut core.wanted) {
            encoder.handle_picture_wanted(now);
        }
        core.sees() && !core.closing
    }

    /// Reads what changed and sends it, as far as there is room. False if sight is over.
    fn send_changes(
        &self,
        capture: &mut dyn Capture,
        encoder: &mut Encoder,
        scene: &mut Scene,
    ) -> Result<bool, Error> {
        if self.shared.flights.full() {
            return Ok(true);
        }
        let shared = self.shared;
        let send = |grant| move |update: Encoded| seal(shared, grant, update.class, &update.bytes);
        let beside = encoder.beside(&mut scene.damage);
        if !beside.is_empty() {
            let Some(read) = self.read(capture, scene, &beside)? else {
                return Ok(false);
            };
            let (now, grant) = (Instant::now(), scene.grant);
            let sent = encoder.encode_beside(&read, scene.view(), now, send(grant))?;
            if let Some(over) = sent.and_then(|sealed| handle_sealed(sealed, encoder, scene)) {
                return Ok(!over);
            }
        }
        if encoder.room() && !scene.damage.is_empty() {
            let damage = std::mem::take(&mut scene.damage);
            let Some(read) = self.read(capture, scene, &damage)? else {
                return Ok(false);
            };
            encoder.handle_damage(&read);
        }
        let grant = scene.grant;
        while let Some(sealed) = encoder.encode(scene.view(), Instant::now(), send(grant))? {
            if let Some(over) = handle_sealed(sealed, encoder, scene) {
                return Ok(!over);
            }
        }
        Ok(true)
    }

    /// Reads these areas. None if sight is over.
    fn read(
        &self,
        capture: &mut dyn Capture,
        scene: &mut Scene,
        damage: &[Rect],
    ) -> Result<Option<Vec<Rect>>, Error> {
        let mut core = self.shared.lock_politely();
        if core.selected != scene.chosen {
            // Sight was off meanwhile, and something else was chosen.
            return Err(platform::Error::LayoutChanged.into());
        }
        let Some(permit) = core.guard.view_permit(Instant::now()) else {
            return Ok(None);
        };
        scene.grant = permit.grant();
        Ok(Some(capture.read(&permit, damage, &mut scene.pixels)?))
    }
}

/// Some if an update did not go: true if sight is over, otherwise a complete picture follows.
fn handle_sealed(sealed: Sealed, encoder: &mut Encoder, scene: &mut Scene) -> Option<bool> {
    match sealed {
        Sealed::Sent => None,
        Sealed::Over => Some(true),
        Sealed::Outdated | Sealed::Full => {
            encoder.restart();
            scene.damage = vec![scene.view().area()];
            Some(false)
        }
    }
}

/// What became of a picture that was to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sealed {
    /// It is on its way.
    Sent,
    /// Sight is over.
    Over,
    /// It was read under a grant that is over: it must be read again under this one.
    Outdated,
    /// Too much is under way already.
    Full,
}

/// Seals what was read under `grant`, with a permit of its own.
pub(super) fn seal(shared: &Shared, grant: u32, class: Class, update: &[u8]) -> Sealed {
    let mut core = shared.lock_politely();
    let under = core
        .guard
        .view_permit(Instant::now())
        .map(|permit| permit.grant());
    match under {
        None => Sealed::Over,
        Some(current) if current != grant => {
            // The caller begins afresh.
            core.restart = false;
            Sealed::Outdated
        }
        Some(_) => {
            let sent = shared.seal_single(&mut core, class, update);
            shared.settle_quietly(&mut core);
            match sent {
                true => Sealed::Sent,
                false => Sealed::Full,
            }
        }
    }
}

/// What is being shown.
struct Scene {
    pixels: Pixels,
    damage: Vec<Rect>,
    /// Of which choice it is.
    chosen: u64,
    /// The grant under which the pixels were read.
    grant: u32,
    _frame: Option<Frame>,
}

impl Scene {
    fn view(&self) -> View<'_> {
        View {
            width: self.pixels.width,
            height: self.pixels.height,
            stride: usize::from(self.pixels.width) * 4,
            bgrx: &self.pixels.bgrx,
        }
    }
}
