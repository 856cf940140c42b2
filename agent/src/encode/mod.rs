//! From a changed screen to updates that fit the line; no I/O and no clock of its own.
//!
//! ```text
//! handle_layout ─┐
//! handle_damage ─┤                    ┌─ changed?  exact boxes, or H.264 if that is too much (cost)
//! handle_ack ────┼─► encode(view) ────┤
//! handle_…wanted ┘    (while room)    └─ at rest?  exact pixels for what was sent by H.264
//! poll_timeout: when to call encode next without any of these
//! ```
//!
//! [`Encoder`] keeps the picture as last sent. Damage is compared with it, so what did
//! not change costs no byte; what does not fit into one update stays damage and goes into
//! the next one, which shows the newest pixels. At most about one round trip is in flight
//! ([`flow`]). Call [`Encoder::encode`] until it returns `None`.
//!
//! An update that was encoded must be sent or the encoder be told to
//! [restart](Encoder::restart): the console applies updates strictly in sequence. It is handed over as soon as it is
//! written; what is kept of it, and its digest, come while it is on its way. On a near line a large change goes in
//! [`slices`]: the console draws one while the next is written. Until [`Encoder::encode`] has returned `None` the pixels
//! must stay as they are.
//!
//! Small changes do not wait behind large ones: [`Encoder::beside`] says which, and [`Encoder::encode_beside`] encodes
//! them so that the console can show them before what is still under way.
//!
//! Not here: reading the screen, leave to do so, sealing and sending.

mod cost;
mod damage;
mod exact;
mod flow;
mod lines;
mod moves;
mod plan;
mod refresh;
mod sent;
mod slices;
mod solid;
mod video;

use std::time::{Duration, Instant};

use fernsicht_protocol::content::PictureAck;
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::picture::seen;
use fernsicht_protocol::picture::{Box, Layout, MAX_AREA, MAX_RAW, Rect, TILE, Update, View};
use fernsicht_protocol::wire::{List, Wire};

pub use flow::{Acked, Line};

use damage::{Damage, merge};
use exact::{Packed, Packer};
use flow::Flow;
use refresh::Refresh;
use sent::Sent;
use slices::{Gone, Slices};

/// What cannot be encoded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller's pixels do not have the size of the layout.
    #[error("the pixels do not have the size of the shared area")]
    View,
    /// The caller's layout is empty or too large.
    #[error("a shared area of {0}x{1} pixels cannot be sent")]
    Layout(u16, u16),
    /// zstd failed.
    #[error("pixels could not be packed")]
    Pack(#[source] std::io::Error),
    /// openh264 failed.
    #[error("pixels could not be encoded as H.264")]
    Video(#[source] openh264::Error),
    /// The conversion of colours failed.
    #[error("colours could not be converted")]
    Conversion,
}

/// How the encoder weighs time against bytes.
#[derive(Debug, Clone)]
pub struct Config {
    /// How long an area must be unchanged before exact pixels replace H.264.
    pub rest: Duration,
    /// How long one update may occupy the line.
    pub patience: Duration,
    /// The most bytes of exact pixels in one update, however fast the line.
    pub largest_budget: usize,
    /// The bytes that one update may always have.
    pub smallest_budget: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rest: Duration::from_millis(150),
            patience: Duration::from_millis(80),
            largest_budget: 256 << 10,
            smallest_budget: 4 << 10,
        }
    }
}

/// An update, ready to be sealed.
#[derive(Debug)]
pub struct Encoded {
    /// [`Class::Picture`] or [`Class::Refinement`].
    pub class: Class,
    /// Its number among the updates.
    pub sequence: u64,
    /// The plaintext of the frame.
    pub bytes: Vec<u8>,
}

/// What has been done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Updates of changes.
    pub pictures: u64,
    /// Updates of exact pixels at rest.
    pub refinements: u64,
    /// H.264 pictures among the updates.
    pub videos: u64,
    /// Updates in which something only moved.
    pub moves: u64,
    /// Complete pictures.
    pub complete: u64,
    /// Digests of the console that were not ours.
    pub mismatches: u64,
    /// Bytes of all updates.
    pub bytes: u64,
}

/// Makes updates of the shared area for one console.
pub struct Encoder {
    config: Config,
    packer: Packer,
    flow: Flow,
    sent: Option<Sent>,
    video: Option<video::Stream>,
    streams: u16,
    keys: cost::Keys,
    sequence: u64,
    /// What is left of a large change.
    slices: Slices,
    /// Its slices that have gone: what is kept of them, and their digests, wait until the last one has.
    unsettled: Vec<Gone>,
    restart: Restart,
    /// The first update that is sent after a repair was wanted.
    wanted: u64,
    /// The latest time heard of.
    now: Option<Instant>,
    /// The newest complete picture.
    last_complete: Option<(u64, Instant)>,
    refresh: Refresh,
    counts: Counts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Restart {
    No,
    /// A complete picture as soon as there is room.
    Wanted,
    /// A complete picture, but not before then.
    At(Instant),
}

impl Encoder {
    /// An encoder that knows no layout yet. Errors: [`Error::Pack`] if zstd cannot start.
    pub fn new(config: Config) -> Result<Self, Error> {
        Ok(Self {
            config,
            packer: Packer::new()?,
            flow: Flow::new(),
            sent: None,
            video: None,
            streams: 0,
            keys: cost::Keys::new(),
            sequence: 0,
            slices: Slices::default(),
            unsettled: Vec::new(),
            restart: Restart::Wanted,
            wanted: 0,
            now: None,
            last_complete: None,
            refresh: Refresh::default(),
            counts: Counts::default(),
        })
    }

    /// The shared area has this size from here on; a complete picture follows.
    pub fn handle_layout(&mut self, generation: u32, width: u16, height: u16) -> Result<(), Error> {
        let area = Rect {
            x: 0,
            y: 0,
            width,
            height,
        };
        if area.is_empty() || area.area() > MAX_AREA {
            return Err(Error::Layout(width, height));
        }
        self.sent = Some(Sent::new(generation, area));
        self.restart();
        Ok(())
    }

    /// These areas may have changed.
    pub fn handle_damage(&mut self, rects: &[Rect]) {
        if !self.unsettled.is_empty() {
            // The pixels that were sent may be others by now.
            self.restart();
        }
        if let Some(sent) = &mut self.sent {
            for &rect in rects {
                sent.damage.add(rect);
            }
        }
    }

    /// The console has drawn something. What it shows before its turn is in the recording for whoever replays it: here only
    /// what is drawn in sequence counts, and each of it once.
    pub fn handle_ack(&mut self, ack: &PictureAck, now: Instant) -> Acked {
        self.now = Some(now);
        let held = Duration::from_micros(ack.held_us.into());
        let acked = self.flow.handle_ack(ack.sequence, ack.digest, held, now);
        // What was sent since a repair was wanted is drawn, and right: none is due any more.
        if matches!(acked, Acked::Drawn(_))
            && matches!(self.restart, Restart::At(_))
            && ack.sequence >= self.wanted
        {
            self.restart = Restart::No;
        }
        if acked == Acked::Differs {
            self.counts.mismatches += 1;
            // Should the digests never agree, repairing must not fill the line.
            match self.last_complete.map(|(_, at)| at + REPAIR_INTERVAL) {
                Some(at) if at > now => self.repair(at),
                _ => self.restart(),
            }
        }
        acked
    }

    /// The console asks for a complete picture. Where one is under way that was sent just now, another one follows only
    /// if that one is not drawn.
    pub fn handle_picture_wanted(&mut self, now: Instant) {
        let under_way = self.last_complete.filter(|(sequence, at)| {
            now.saturating_duration_since(*at) < REPAIR_INTERVAL && self.flow.waits_for(*sequence)
        });
        match under_way {
            Some((_, at)) if self.restart == Restart::No => {
                self.repair(at + REPAIR_INTERVAL);
            }
            Some(_) => {}
            None => self.restart(),
        }
    }

    fn repair(&mut self, at: Instant) {
        self.restart = Restart::At(at);
        self.wanted = self.sequence;
    }

    /// Whether what is sent is recorded: then complete pictures come again from time to time.
    pub fn set_recorded(&mut self, recorded: bool) {
        self.refresh.set_recorded(recorded);
    }

    /// What the transport says of the line.
    pub fn handle_line(&mut self, line: Line) {
        self.flow.handle_line(line);
    }

    /// Starts afresh: what is in flight is void (revoked, cancelled), a complete picture follows.
    pub fn restart(&mut self) {
        self.restart = Restart::Wanted;
        self.flow.clear();
        self.video = None;
        self.slices = Slices::default();
        self.unsettled.clear();
    }

    /// True if an update could be sent now: call this before reading the screen.
    pub fn room(&self) -> bool {
        self.sent.is_some() && self.flow.room()
    }

    /// Takes out of `damage` what should not wait behind something else that is under way, such as the echo of a key
    /// beside a film: to be read and given to [`Encoder::encode_beside`].
    pub fn beside(&self, damage: &mut Vec<Rect>) -> Vec<Rect> {
        if self.restart != Restart::No || !self.flow.busy() || !self.flow.room_beside() {
            return Vec::new();
        }
        let small = |rect: &Rect| rect.area() <= seen::SMALL;
        let pixels: usize = damage.iter().filter(|r| small(r)).map(|r| r.area()).sum();
        match pixels <= seen::SMALL {
            true => damage.extract_if(.., |rect| small(rect)).collect(),
            false => Vec::new(),
        }
    }

    /// Hands over an update of what changed within `rects`, whether or not there is room, that refers to nothing under
    /// way. None: nothing did, or it is more than a few packets and damage now. Errors: as [`Encoder::encode`].
    pub fn encode_beside<R>(
        &mut self,
        rects: &[Rect],
        view: View<'_>,
        now: Instant,
        send: impl FnOnce(Encoded) -> R,
    ) -> Result<Option<R>, Error> {
        self.now = Some(now);
        let sent = match &self.sent {
            Some(sent) if sent.shows(view) => sent,
            Some(_) => return Err(Error::View),
            None => return Ok(None),
        };
        let mut damage = Damage::nothing(view.area());
        rects.iter().for_each(|rect| damage.add(*rect));
        let changes = damage.take(view, sent.view());
        if changes.is_empty() {
            return Ok(None);
        }
        let packed = self.packer.pack_alone(&merge(&changes), view)?;
        if packed.block.0.len() > flow::SMALL {
            self.handle_damage(&changes);
            return Ok(None);
        }
        self.counts.pictures += 1;
        // It is no slice of what is left of another change.
        let left = std::mem::take(&mut self.slices);
        let handed = self.send(Class::Picture, false, packed, view, now, send);
        self.slices = left;
        self.flow.handle_beside();
        Ok(Some(handed))
    }

    /// When [`Encoder::encode`] has something to do although nothing else happens; a time
    /// in the past means at once. `None` while only damage, an acknowledgement or the
    /// console can change anything.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let sent = self.sent.as_ref()?;
        let more = !sent.damage.is_empty() || !self.slices.is_empty();
        if self.flow.room() && (self.restart == Restart::Wanted || more) {
            return self.now;
        }
        let restart = match self.restart {
            Restart::At(at) => Some(at),
            Restart::No | Restart::Wanted => None,
        };
        let refresh = self.refresh.due().filter(|_| self.flow.room());
        let restart = restart.into_iter().chain(refresh).min();
        if sent.ledger.lossy() == 0 || !self.flow.room_for_refinement() {
            return restart;
        }
        let rest = sent.longest_at_rest().map(|at| at + self.config.rest);
        rest.into_iter().chain(restart).min()
    }

    /// What is known of the line.
    pub fn line(&self) -> Line {
        self.flow.line()
    }

    /// What has been done so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// True if the console, once it has drawn everything in flight, shows exact pixels of
    /// all damage reported so far.
    pub fn settled(&self) -> bool {
        self.restart == Restart::No
            && self.slices.is_empty()
            && self
                .sent
                .as_ref()
                .is_some_and(|s| s.damage.is_empty() && s.ledger.lossy() == 0)
    }

    /// Hands over the next update of what `view` shows, if there is something to send and room for
    /// it, and returns what `send` made of it. Errors: [`Error::View`] if `view` does not have the layout's size.
    pub fn encode<R>(
        &mut self,
        view: View<'_>,
        now: Instant,
        send: impl FnOnce(Encoded) -> R,
    ) -> Result<Option<R>, Error> {
        self.now = Some(now);
        let Some(sent) = &self.sent else {
            return Ok(None);
        };
        if !sent.shows(view) {
            return Err(Error::View);
        }
        let undamaged = sent.damage.is_empty();
        if matches!(self.restart, Restart::At(at) if at <= now) {
            self.restart();
        }
        let goes_on = !self.slices.is_empty() && self.restart == Restart::No && undamaged;
        if goes_on && self.room_for_slice() {
            return self.encode_slice(view, now, send).map(Some);
        }
        self.settle(view);
        if !self.flow.room() {
            return Ok(None);
        }
        if self.refresh.due().is_some_and(|at| at <= now) {
            self.restart = Restart::Wanted;
            self.video = None;
        }
        let left = std::mem::take(&mut self.slices).rects();
        self.handle_damage(&left);
        let Some(sent) = &mut self.sent else {
            return Ok(None);
        };
        let mut complete = self.restart == Restart::Wanted;
        let (mut changes, mut moved) = (Vec::new(), None);
        if !complete {
            changes = sent.take_changes(view);
            moved = sent.take_move(&mut changes, view);
            complete = moved.is_none() && nearly_all(&changes, view) && self.refresh.near(now);
        }
        if complete {
            self.restart = Restart::Wanted;
            self.video = None;
            sent.restart();
            self.packer.forget();
            changes = sent.take_changes(view);
        }
        self.packer.suit(self.flow.perhaps_thin())?;
        if complete || moved.is_some() || !changes.is_empty() {
            return self
                .encode_changes(moved, &changes, complete, view, now, send)
                .map(Some);
        }
        self.encode_refinement(view, now, send)
    }

    fn encode_changes<R>(
        &mut self,
        moved: Option<Box>,
        changes: &[Rect],
        complete: bool,
        view: View<'_>,
        now: Instant,
        send: impl FnOnce(Encoded) -> R,
    ) -> Result<R, Error> {
        let mut rest = changes.to_vec();
        let mut solid = solid::take(&mut rest, view);
        let in_slices = !complete && moved.is_none() && self.in_slices(changes, now);
        let (packed, region) = match self.plan(in_slices, &rest, view, now) {
            Ok(plan) => plan,
            Err(error) => {
                // Nothing is lost: the changes are damage again, and a move that was not sent is as nothing.
                self.slices = Slices::default();
                self.handle_damage(changes);
                if moved.is_some() {
                    self.restart();
                }
                return Err(error);
            }
        };
        let Packed {
            palette,
            mut boxes,
            block,
            raw,
            history,
        } = packed;
        self.counts.pictures += 1;
        self.counts.complete += u64::from(complete);
        self.counts.moves += u64::from(moved.is_some());
        if let Some((region, _)) = &region {
            // Together boxes are no larger than the picture.
            solid.retain(|each| !region.contains(each.rect));
            let aside = |each: &Box| each.rect.intersection(*region).is_empty();
            let (kept, later): (Vec<Box>, Vec<Box>) = solid.into_iter().partition(aside);
            let later: Vec<Rect> = later.iter().map(|each| each.rect).collect();
            self.handle_damage(&later);
            solid = kept;
        }
        if in_slices && region.is_none() {
            solid = self.slices.begin_solid(solid);
        }
        // Before anything else is drawn over what it takes.
        boxes.splice(0..0, moved.into_iter().chain(solid));
        if let Some((rect, code)) = region {
            self.counts.videos += 1;
            boxes.push(Box { rect, code });
        }
        if complete {
            self.restart = Restart::No;
            self.last_complete = Some((self.sequence, now));
            self.refresh.complete(now);
        }
        Ok(self.send(
            Class::Picture,
            complete,
            Packed {
                palette,
                boxes,
                block,
                raw,
                history: history && !complete,
            },
            view,
            now,
            send,
        ))
    }

    /// Exact pixels of lossy tiles that rest, as many as the budget takes.
    fn encode_refinement<R>(
        &mut self,
        view: View<'_>,
        now: Instant,
        send: impl FnOnce(Encoded) -> R,
    ) -> Result<Option<R>, Error> {
        let Some(sent) = &self.sent else {
            return Ok(None);
        };
        if sent.ledger.lossy() == 0 || !self.flow.room_for_refinement() {
            return Ok(None);
        }
        let budget = self.flow.budget(&self.config);
        let (mut tiles, mut bytes) = (Vec::new(), 0);
        for tile in sent.at_rest(now, self.config.rest) {
            bytes += match exact::variety(tile, view) > exact::PHOTO_EDGE {
                true => cost::photo_bytes(tile.area()),
                false => tile.area() / 16,
            };
            if (bytes > budget || tiles.len() == MOST_TILES) && !tiles.is_empty() {
                break;
            }
            tiles.push(tile);
        }
        if tiles.is_empty() {
            return Ok(None);
        }
        let packed = match self.flow.perhaps_thin() {
            true => self.packer.pack_small(&merge(&tiles), view)?,
            false => self.packer.pack(&merge(&tiles), view)?,
        };
        self.counts.refinements += 1;
        let handed = self.send(Class::Refinement, false, packed, view, now, send);
        Ok(Some(handed))
    }

    /// Writes the update, hands it over, and notes its boxes as sent.
    fn send<R>(
        &mut self,
        class: Class,
        complete: bool,
        packed: Packed,
        view: View<'_>,
        now: Instant,
        send: impl FnOnce(Encoded) -> R,
    ) -> R {
        let sent = self.sent.as_ref().expect("only a known layout is encoded");
        let update = Update {
            sequence: self.sequence,
            complete: complete.then_some(Layout {
                generation: sent.generation,
                width: sent.width,
                height: sent.height,
            }),
            palette: packed.palette,
            boxes: List(packed.boxes),
            block: packed.block,
            history: packed.history,
        };
        self.packer.sent(packed.raw, update.kept());
        let bytes = update.to_bytes();
        let length = bytes.len();
        self.sequence += 1;
        self.counts.bytes += length as u64;
        let change = class == Class::Picture && !complete;
        self.refresh.sent(length, change, now);
        let handed = send(Encoded {
            class,
            sequence: update.sequence,
            bytes,
        });
        self.unsettled.push(Gone {
            sequence: update.sequence,
            boxes: update.boxes.0,
            bytes: length,
            at: now,
        });
        if self.slices.is_empty() {
            self.settle(view);
        }
        handed
    }
}

/// True if little else is to be seen.
fn nearly_all(changes: &[Rect], view: View<'_>) -> bool {
    let changed: usize = changes.iter().map(|rect| rect.area()).sum();
    changed >= view.area().area() / 4 * 3
}

/// The least time between complete pictures that repair.
const REPAIR_INTERVAL: Duration = Duration::from_secs(1);

/// The most tiles of a refinement: they fit the block in any code.
const MOST_TILES: usize = MAX_RAW / (TILE as usize * TILE as usize * 3);
