//! From updates to pixels: what the technician sees.
//!
//! ```text
//! handle_update ─► early? wait ─► in sequence ─► draw ─► what to repaint, what to acknowledge
//!                  wrong? ─► typed error, and from then on only a complete picture helps
//! ```
//!
//! A small update that came before its turn and needs nothing of those before it can be looked at at once
//! ([`Decoder::look_ahead`]): the echo of a key does not wait for a lost packet of a film. The picture itself is drawn
//! in sequence. What was looked at can be shown again ([`Decoder::draw_ahead`]).
//!
//! Updates come from the other end of the session, which may be hostile: everything is
//! checked before memory is taken, what waits is bounded, and nothing panics. After an
//! error, or [`Decoder::clear`], the canvas is gone until a complete picture arrives.
//!
//! Not here: opening frames and whether they may be shown (the mirror's), and drawing on
//! the technician's screen.

mod ahead;
mod canvas;
#[cfg(all(feature = "corrupt", debug_assertions))]
mod corrupt;
#[cfg(not(all(feature = "corrupt", debug_assertions)))]
#[path = "faithful.rs"]
mod corrupt;
mod exact;
mod sps;
mod video;

use std::collections::BTreeMap;

use fernsicht_protocol::content::MOST_AHEAD;
use fernsicht_protocol::picture::seen::Patch;
use fernsicht_protocol::picture::{Box, Code, History, Layout, Ledger, Rect, Seen, Update, View};
use fernsicht_protocol::wire::{self, Wire};

pub use ahead::Ahead;
pub use canvas::Canvas;

use corrupt::Corruption;

/// Why an update could not be drawn. The other end is at fault, except for
/// [`Error::Decoder`]. The remedy is always a complete picture.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not an update.
    #[error("the update is malformed")]
    Malformed(#[from] wire::Error),
    /// It refers to a box of before that there is not.
    #[error("the update refers to what was never drawn")]
    Unseen,
    /// Too much arrived before what it depends on.
    #[error("an update before this one is missing")]
    Missing,
    /// The packed pixels are not what the boxes say.
    #[error("the pixels of the update are malformed")]
    Pixels,
    /// It cannot be drawn before its turn.
    #[error("the update needs those before it")]
    Dependent,
    /// The H.264 picture is not what its box says.
    #[error("the H.264 picture is malformed: {0}")]
    Video(&'static str),
    /// openh264 does not start.
    #[error("the H.264 decoder does not start")]
    Decoder(#[source] openh264::Error),
}

/// What an update changed on the canvas.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drawn {
    /// Areas to repaint.
    pub dirty: Vec<Rect>,
    /// True if the canvas is another one: a new size, or black before it was drawn.
    pub afresh: bool,
    /// Sequence of the newest update drawn; none if nothing was drawn.
    pub sequence: Option<u64>,
    /// H.264 pictures among it.
    pub videos: u32,
}

/// Draws updates onto a canvas.
#[derive(Default)]
pub struct Decoder {
    picture: Option<Picture>,
    /// Sequence of the update to draw next; older ones are void.
    next: u64,
    early: BTreeMap<u64, (Update, usize)>,
    early_bytes: usize,
    unpacker: exact::Unpacker,
    corruption: Corruption,
}

struct Picture {
    canvas: Canvas,
    ledger: Ledger,
    /// Drawn, and not yet in the ledger.
    unsettled: Vec<Box>,
    seen: Seen,
    history: History,
    video: Option<video::Stream>,
    ahead: Ahead,
}

impl Decoder {
    /// A decoder that waits for a complete picture.
    pub fn new() -> Self {
        Self {
            corruption: Corruption::new(),
            ..Self::default()
        }
    }

    /// The picture, once there is one.
    pub fn canvas(&self) -> Option<&Canvas> {
        self.picture.as_ref().map(|p| &p.canvas)
    }

    /// The pixels: blue, green, red, 255. Of no size while there is no picture.
    pub fn view(&self) -> View<'_> {
        let none = View {
            width: 0,
            height: 0,
            stride: 0,
            bgrx: &[],
        };
        self.canvas().map_or(none, Canvas::view)
    }

    /// Running digest after the newest update drawn, 0 while there is no picture. It is reckoned when it is asked for,
    /// since what is drawn can be shown before.
    pub fn digest(&mut self) -> u64 {
        self.picture.as_mut().map_or(0, Picture::digest)
    }

    /// Sequence of the newest update drawn in sequence; none while there is no picture.
    pub fn sequence(&self) -> Option<u64> {
        let next = self.picture.is_some().then_some(self.next)?;
        next.checked_sub(1)
    }

    /// True while updates wait for an earlier one.
    pub fn waits(&self) -> bool {
        !self.early.is_empty()
    }

    /// Forgets the picture: after a revocation it is gone. What was under way is void.
    pub fn clear(&mut self) {
        self.picture = None;
        self.early.clear();
        self.early_bytes = 0;
    }

    /// Takes the plaintext of a frame of class 8 or 9, and draws it and whatever waited
    /// for it. After an error ask for a complete picture.
    pub fn handle_update(&mut self, bytes: &[u8]) -> Result<Drawn, Error> {
        let drawn = self.take(bytes);
        if drawn.is_err() {
            self.clear();
        }
        drawn
    }

    /// Lets `look` see the canvas as it will be once its turn has come for what waits, as far as that can be told now, and
    /// what of it that is. None while there is no picture.
    pub fn look_ahead<T>(&mut self, look: impl FnOnce(&Canvas, &Ahead) -> T) -> Option<T> {
        let picture = self.picture.as_mut()?;
        let (canvas, ahead) = (&mut picture.canvas, &mut picture.ahead);
        for (update, _) in self.early.values() {
            // What is wrong with it is told when it is its turn.
            drop(ahead.draw(update, canvas, &mut self.unpacker));
        }
        let looked = look(canvas, ahead);
        ahead.take_back(canvas);
        Some(looked)
    }

    /// Draws the plaintext of an update over the picture before its turn, as it was looked at, and returns where. It stays
    /// until [`Decoder::take_back`] or the next update in sequence. Errors: it cannot be drawn so, and nothing is changed.
    pub fn draw_ahead(&mut self, bytes: &[u8]) -> Result<Vec<Rect>, Error> {
        let update = Update::from_bytes(bytes)?;
        let picture = self.picture.as_mut().ok_or(Error::Missing)?;
        // The digest is of the picture without it.
        picture.settle();
        let before = picture.ahead.areas().len();
        let (canvas, ahead) = (&mut picture.canvas, &mut picture.ahead);
        ahead.draw(&update, canvas, &mut self.unpacker)?;
        Ok(ahead.areas()[before..].to_vec())
    }

    /// Takes back what is drawn before its turn, and returns where that was.
    pub fn take_back(&mut self) -> Vec<Rect> {
        let picture = self.picture.as_mut();
        picture.map_or_else(Vec::new, |p| p.ahead.take_back(&mut p.canvas))
    }

    /// Sequences of the updates that are drawn before their turn.
    pub fn ahead(&self) -> &[u64] {
        self.picture.as_ref().map_or(&[], |p| p.ahead.sequences())
    }

    fn take(&mut self, bytes: &[u8]) -> Result<Drawn, Error> {
        self.take_back();
        let update = Update::from_bytes(bytes)?;
        let mut drawn = Drawn::default();
        if update.sequence < self.next {
            return Ok(drawn);
        }
        let its_turn = self.picture.is_some() && update.sequence == self.next;
        if update.complete.is_none() && !its_turn {
            self.wait(update, bytes.len())?;
            return Ok(drawn);
        }
        self.draw(update, &mut drawn)?;
        while let Some((update, bytes)) = self.early.remove(&self.next) {
            self.early_bytes -= bytes;
            self.draw(update, &mut drawn)?;
        }
        Ok(drawn)
    }

    fn wait(&mut self, update: Update, bytes: usize) -> Result<(), Error> {
        while self.early.len() >= MOST_EARLY || self.early_bytes + bytes > MOST_EARLY_BYTES {
            // Before the complete picture comes, the oldest are most likely void.
            let oldest = self.early.pop_first().filter(|_| self.picture.is_none());
            let (_, (_, bytes)) = oldest.ok_or(Error::Missing)?;
            self.early_bytes -= bytes;
        }
        // A sequence that is there already is kept: which one is right, nobody knows.
        if let std::collections::btree_map::Entry::Vacant(place) = self.early.entry(update.sequence)
        {
            place.insert((update, bytes));
            self.early_bytes += bytes;
        }
        Ok(())
    }

    fn draw(&mut self, update: Update, drawn: &mut Drawn) -> Result<(), Error> {
        if let Some(layout) = update.complete {
            self.start(update.sequence, layout, drawn);
        }
        let picture = self.picture.as_mut().ok_or(Error::Missing)?;
        update.fits(picture.canvas.width(), picture.canvas.height())?;
        let raw = self.unpacker.unpack(&update, &mut picture.history)?;
        picture.draw(&update, raw, drawn, &mut self.corruption)?;
        picture.unsettled = update.boxes.0;
        self.next = update.sequence.checked_add(1).ok_or(Error::Missing)?;
        drawn.sequence = Some(update.sequence);
        Ok(())
    }

    /// Black, of that layout; what waits and is older than `sequence` is void.
    fn start(&mut self, sequence: u64, layout: Layout, drawn: &mut Drawn) {
        self.early = self.early.split_off(&sequence);
        self.early_bytes = self.early.values().map(|(_, bytes)| bytes).sum();
        // The old canvas goes before the new one comes.
        self.picture = None;
        self.picture = Some(Picture {
            canvas: Canvas::new(layout),
            ledger: Ledger::new(layout.width, layout.height),
            unsettled: Vec::new(),
            seen: Seen::default(),
            history: History::default(),
            video: None,
            ahead: Ahead::default(),
        });
        *drawn = Drawn {
            afresh: true,
            ..Drawn::default()
        };
    }
}

impl Picture {
    fn draw(
        &mut self,
        update: &Update,
        mut raw: &mut [u8],
        drawn: &mut Drawn,
        corruption: &mut Corruption,
    ) -> Result<(), Error> {
        self.settle();
        let small = Seen::small(&update.boxes.0);
        let mut kept = Vec::new();
        for Box { rect, code } in &update.boxes.0 {
            let (pixels, rest) = std::mem::take(&mut raw)
                .split_at_mut_checked(rect.area() * code.raw_bytes())
                .ok_or(Error::Pixels)?;
            raw = rest;
            match code {
                Code::Colours
                | Code::ColoursAcross
                | Code::Indexed
                | Code::IndexedAcross
                | Code::Solid(_)
                | Code::Predicted => {
                    let palette = &update.palette.0;
                    exact::draw_box(&mut self.canvas, *rect, code, pixels, palette)?;
                }
                Code::Moved { x, y } => self.canvas.move_to(*rect, *x, *y),
                Code::Seen { back } => {
                    let size = (rect.width, rect.height);
                    let patch = self.seen.get(*back);
                    let patch = patch.filter(|patch| patch.size() == size);
                    self.canvas.draw_seen(*rect, patch.ok_or(Error::Unseen)?);
                }
                Code::Video { stream, key, bytes } => {
                    video::draw(
                        &mut self.video,
                        *stream,
                        *rect,
                        *key,
                        &bytes.0,
                        &mut self.canvas,
                    )?;
                    drawn.videos += 1;
                }
            }
            corruption.handle_area(*rect, code, &mut self.canvas);
            if small && code.packed() {
                kept.push(Patch::of(*rect, self.canvas.view()));
            }
            drawn.dirty.push(*rect);
        }
        for patch in kept {
            self.seen.keep(patch);
        }
        Ok(())
    }

    fn digest(&mut self) -> u64 {
        self.settle();
        self.ledger.digest()
    }

    /// Brings the ledger up to what was drawn.
    fn settle(&mut self) {
        let boxes = std::mem::take(&mut self.unsettled);
        self.ledger.drawn(&boxes, self.canvas.view());
    }
}

/// More than the agent ever has in flight. Each of them can be acknowledged as shown before its turn.
const MOST_EARLY: usize = MOST_AHEAD;
const MOST_EARLY_BYTES: usize = 32 << 20;

/// Body of the fuzz target: several updates, each behind a u16 length, on one decoder.
/// Must not panic, and must keep to its bounds.
pub fn fuzz_updates(data: &[u8]) {
    let mut decoder = Decoder::new();
    let mut rest = data;
    while let Some((length, tail)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(tail.len());
        let (update, tail) = tail.split_at(length);
        rest = tail;
        let drawn = decoder.handle_update(update);
        if length % 2 == 1 {
            decoder.digest();
        }
        let before = decoder.view().bgrx.to_vec();
        decoder.look_ahead(|canvas, ahead| {
            let area = canvas.view().area();
            let areas = ahead.areas();
            assert!(areas.iter().all(|r| area.contains(*r)), "seen within it");
            let sequences = ahead.sequences();
            assert!(sequences.len() <= MOST_AHEAD && sequences.is_sorted_by(|a, b| a < b));
        });
        assert!(before == decoder.view().bgrx, "looking changes nothing");
        if length % 3 == 1 {
            drop(decoder.draw_ahead(update));
            decoder.take_back();
        }
        assert!(before == decoder.view().bgrx, "what is taken back is gone");
        if let Ok(drawn) = drawn {
            let area = decoder
                .canvas()
                .map(|c| c.view().area())
                .unwrap_or_default();
            assert!(
                drawn.dirty.iter().all(|r| area.contains(*r)),
                "drawn within the canvas"
            );
        }
        assert!(decoder.early.len() <= MOST_EARLY && decoder.early_bytes <= MOST_EARLY_BYTES);
    }
}

#[cfg(test)]
mod tests;
