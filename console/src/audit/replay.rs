//! The recording at a time, exactly as the technician's display showed it.
//!
//! ```text
//! seek(t) ─► stretch of sight at t ─► newest acknowledged update ─► the newest complete update
//!            before it, found backwards, each picture opened once ─► drawn in sequence up to it
//!            ─► over it, until the next seek, what the console showed before its turn
//! ```
//!
//! A picture counts as shown from the console's acknowledgement on. Only where a stretch of sight
//! has no acknowledgement at all are its pictures taken as shown when they were
//! forwarded, and said to be unproven ([`Seen::Unproven`]).
//! Each acknowledged digest is compared with the replayed one; what does not fit is a [`Finding`].
//!
//! Pure: no clock, no thread; the file is behind [`Source`]. Not here: the pace of playing, the
//! window, the export.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fernsicht_protocol::content::{Cause, Pointer, PointerShape};
use fernsicht_protocol::picture::Head;
use fernsicht_protocol::picture::{Rect, View};
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::wire::Wire as _;

use super::index::input::{self, Act, Outcome};
use super::index::{AckAt, Index, Source, Stretch, Time, Unreadable, head};
use crate::decode::Decoder;

/// A recording that can be looked at.
pub struct Replay<S> {
    source: S,
    index: Index,
    decoder: Decoder,
    /// What the decoder's canvas shows.
    drawn: Option<Drawn>,
    /// What was to be drawn over it.
    ahead: Vec<u64>,
    changed: Changed,
    /// True while the canvas is what is to be seen.
    showing: bool,
    shape: Option<(usize, Arc<PointerShape>)>,
    findings: Vec<Finding>,
}

impl<S> std::fmt::Debug for Replay<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replay")
            .field("drawn", &self.drawn)
            .finish_non_exhaustive()
    }
}

/// The recording at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// When.
    pub time: Time,
    /// In which epoch.
    pub epoch: u32,
    /// What the technician was allowed.
    pub rights: Rights,
    /// Why, if a rights frame said it.
    pub cause: Option<Cause>,
    /// True while the customer uses mouse or keyboard.
    pub customer_active: bool,
    /// The gap in the recording that this time lies in.
    pub gap: Option<(Time, Time)>,
    /// What was seen.
    pub shown: Shown,
    /// The customer's pointer.
    pub pointer: Option<PointerShown>,
}

/// What was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// No picture.
    Nothing,
    /// The picture after this update.
    Picture {
        /// Its sequence.
        sequence: u64,
        /// How many later updates are drawn over it, which were shown before their turn.
        ahead: usize,
        /// How it is known.
        seen: Seen,
    },
}

/// How it is known that a picture was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The console acknowledged it.
    Acknowledged,
    /// It was forwarded; the console acknowledged nothing in this stretch of sight.
    Unproven,
}

/// The customer's pointer as the console showed it.
#[derive(Debug, Clone, PartialEq)]
pub struct PointerShown {
    /// Pixels from the left.
    pub x: u16,
    /// Pixels from the top.
    pub y: u16,
    /// Its shape, with a number that tells shapes apart.
    pub shape: Option<(usize, Arc<PointerShape>)>,
}

/// What changed on the canvas.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// True if it is another canvas.
    pub afresh: bool,
    /// Where.
    pub areas: Vec<Rect>,
}

/// What does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// When.
    pub time: Time,
    /// Sequence of the update.
    pub sequence: u64,
    /// What.
    pub what: Misfit,
}

/// What does not fit about an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// The console acknowledged another picture than the one that the recording gives.
    Digest {
        /// What the console said.
        acknowledged: u64,
        /// What the recording gives.
        replayed: u64,
    },
    /// The console acknowledged an update that the recording does not lead to.
    Missing,
    /// The update cannot be drawn.
    Undrawable(String),
}

/// One thing typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stroke {
    /// When.
    pub time: Time,
    /// Characters, or a key's name in brackets.
    pub text: String,
    /// What became of it.
    pub outcome: Outcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Drawn {
    stretch: usize,
    sequence: u64,
}

/// Up to where a stretch is to be drawn.
struct Goal {
    stretch: usize,
    /// When that was acknowledged.
    time: Time,
    /// Only the pictures before this one count.
    pictures: usize,
    /// The update to arrive at.
    sequence: u64,
    /// The updates to draw over it.
    ahead: Vec<u64>,
}

impl<S: Source> Replay<S> {
    /// Indexes a recording.
    pub fn open(mut source: S) -> Result<Self, Unreadable> {
        let index = Index::build(&mut source)?;
        Ok(Self::new(source, index))
    }

    /// A recording that was indexed while it was verified.
    pub fn new(source: S, index: Index) -> Self {
        Self {
            source,
            index,
            decoder: Decoder::new(),
            drawn: None,
            ahead: Vec::new(),
            changed: Changed::default(),
            showing: false,
            shape: None,
            findings: Vec::new(),
        }
    }

    /// What is when.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// What did not fit so far, in the order in which it was come upon.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Goes to `time`, forwards or backwards.
    pub fn seek(&mut self, time: Time) -> Result<Moment, Unreadable> {
        let shown = match self.index.stretch_at(time) {
            Some(stretch) => self.show(stretch, time)?,
            None => Shown::Nothing,
        };
        self.showing = shown != Shown::Nothing;
        let change = self.index.change_at(time);
        let (epoch, rights) = change.map_or((0, Rights::None), |c| (c.epoch, c.rights));
        let cause = change.and_then(|c| c.cause.clone());
        Ok(Moment {
            time,
            epoch,
            rights,
            cause,
            customer_active: self.index.active_at(time),
            gap: self.index.gap_at(time),
            shown,
            pointer: self.pointer(time)?,
        })
    }

    /// The picture of the last seek; none if nothing was seen.
    pub fn view(&self) -> Option<View<'_>> {
        let canvas = self.decoder.canvas().filter(|_| self.showing)?;
        Some(canvas.view())
    }

    /// The largest width and the largest height of any picture; opens every picture once.
    pub fn largest(&mut self) -> Result<(u16, u16), Unreadable> {
        let (mut width, mut height) = (0, 0);
        for stretch in 0..self.index.stretches.len() {
            for at in 0..self.index.stretches[stretch].pictures.len() {
                let complete = self.head(stretch, at)?.and_then(|head| head.complete);
                let size = complete.map_or((0, 0), |layout| (layout.width, layout.height));
                (width, height) = (width.max(size.0), height.max(size.1));
            }
        }
        Ok((width, height))
    }

    /// Takes what changed on the canvas since it was last asked.
    pub fn take_changed(&mut self) -> Changed {
        std::mem::take(&mut self.changed)
    }

    /// Opens what was typed in an act.
    pub fn typed(&mut self, act: &Act) -> Result<Vec<Stroke>, Unreadable> {
        let events = &self.index.input.events()[act.events.0..act.events.1];
        let mut strokes = Vec::new();
        for event in events.iter().filter(|e| e.outcome != Outcome::Withheld) {
            let content = zeroize::Zeroizing::new(self.source.content(event.record)?);
            strokes.extend(input::typed(&content).map(|text| Stroke {
                time: event.time,
                text,
                outcome: event.outcome,
            }));
        }
        Ok(strokes)
    }

    /// Draws every acknowledged picture once and so compares every digest. `go_on` is told how far it is
    /// and may stop it; true if it came to the end.
    pub fn check(&mut self, go_on: &mut dyn FnMut(Time) -> bool) -> Result<bool, Unreadable> {
        for at in 0..self.index.stretches.len() {
            for ack in 0..self.index.stretches[at].acks.len() {
                self.show_ack(at, ack)?;
                if !go_on(self.index.stretches[at].acks[ack].time) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn show(&mut self, at: usize, time: Time) -> Result<Shown, Unreadable> {
        if self.index.stretches[at].acks.is_empty() {
            self.derive(at)?;
        }
        match last_ack(&self.index.stretches[at], time) {
            Some(ack) => self.show_ack(at, ack),
            None => Ok(Shown::Nothing),
        }
    }

    /// What was on the screen when the stretch's ack of this number was sent.
    fn show_ack(&mut self, at: usize, ack: usize) -> Result<Shown, Unreadable> {
        let stretch = &self.index.stretches[at];
        let ack = &stretch.acks[ack];
        let seen = match stretch.unproven {
            true => Seen::Unproven,
            false => Seen::Acknowledged,
        };
        let goal = Goal {
            stretch: at,
            time: ack.time,
            pictures: (ack.pictures + MARGIN).min(stretch.pictures.len()),
            sequence: ack.sequence,
            ahead: ack.ahead.clone(),
        };
        self.draw(&goal)?;
        let drawn = self.drawn.filter(|d| d.stretch == at);
        Ok(drawn.map_or(Shown::Nothing, |d| Shown::Picture {
            sequence: d.sequence,
            ahead: self.decoder.ahead().len(),
            seen,
        }))
    }

    /// Nothing was acknowledged: what was forwarded counts as soon as it can be drawn.
    fn derive(&mut self, at: usize) -> Result<(), Unreadable> {
        let (mut acks, mut early) = (Vec::new(), BTreeSet::new());
        let mut drawn: Option<u64> = None;
        for picture in 0..self.index.stretches[at].pictures.len() {
            let Some(Head {
                sequence, complete, ..
            }) = self.head(at, picture)?
            else {
                continue;
            };
            let before = drawn;
            match complete.is_some() && drawn.is_none_or(|d| d < sequence) {
                true => drawn = Some(sequence),
                false => drop(early.insert(sequence)),
            }
            while let Some(next) = drawn
                .and_then(|d| d.checked_add(1))
                .filter(|n| early.remove(n))
            {
                drawn = Some(next);
            }
            if let Some(sequence) = drawn.filter(|_| drawn != before) {
                acks.push(AckAt {
                    time: self.index.stretches[at].pictures[picture].time,
                    sequence,
                    digest: None,
                    ahead: Vec::new(),
                    pictures: picture + 1,
                });
            }
        }
        let stretch = &mut self.index.stretches[at];
        (stretch.acks, stretch.unproven) = (acks, true);
        Ok(())
    }

    fn draw(&mut self, goal: &Goal) -> Result<(), Unreadable> {
        let here = self.drawn.filter(|d| d.stretch == goal.stretch);
        let there = here.is_some_and(|d| d.sequence == goal.sequence);
        if there && self.ahead == goal.ahead {
            return Ok(());
        }
        self.take_back();
        if !there {
            self.draw_in_sequence(goal, here)?;
        }
        match self.drawn.is_some_and(|d| d.sequence == goal.sequence) {
            true => self.draw_ahead(goal)?,
            false => self.find(goal.stretch, goal.sequence, Misfit::Missing),
        }
        Ok(())
    }

    /// From what is drawn of the stretch, or afresh.
    fn draw_in_sequence(&mut self, goal: &Goal, here: Option<Drawn>) -> Result<(), Unreadable> {
        let from = here.map(|d| d.sequence).filter(|s| *s < goal.sequence);
        let (complete, updates) = self.gather(goal, from)?;
        if complete.is_some() || from.is_none() {
            self.restart();
        }
        // Without a complete one there is nothing to draw upon.
        if complete.is_some() || from.is_some() {
            for record in updates.into_values() {
                let content = self.source.content(record)?;
                if !self.draw_one(goal, &content) {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Draws over the picture what was shown before its turn.
    fn draw_ahead(&mut self, goal: &Goal) -> Result<(), Unreadable> {
        let records = self.gather_ahead(goal)?;
        for &sequence in &goal.ahead {
            let Some(record) = records.get(&sequence) else {
                self.find_at(goal.time, sequence, Misfit::Missing);
                continue;
            };
            let content = self.source.content(*record)?;
            match self.decoder.draw_ahead(&content) {
                Ok(areas) => self.note(false, areas),
                Err(error) => {
                    let what = Misfit::Undrawable(error.to_string());
                    self.find_at(goal.time, sequence, what);
                }
            }
        }
        self.ahead.clone_from(&goal.ahead);
        Ok(())
    }

    /// The picture in sequence, and nothing over it.
    fn take_back(&mut self) {
        self.ahead.clear();
        let areas = self.decoder.take_back();
        self.note(false, areas);
    }

    /// The records of what was shown before its turn, as far as they are near.
    fn gather_ahead(&mut self, goal: &Goal) -> Result<BTreeMap<u64, usize>, Unreadable> {
        let mut records = BTreeMap::new();
        for at in (goal.pictures.saturating_sub(REACH)..goal.pictures).rev() {
            if records.len() == goal.ahead.len() {
                break;
            }
            let Some(head) = self.head(goal.stretch, at)? else {
                continue;
            };
            if goal.ahead.binary_search(&head.sequence).is_ok() {
                let record = self.index.stretches[goal.stretch].pictures[at].record;
                records.insert(head.sequence, record);
            }
        }
        Ok(records)
    }

    /// The updates to draw, in sequence, and the complete one among them to begin with; none: they go on
    /// from what is drawn. Walks backwards, since only opening a picture shows whether it is complete.
    fn gather(
        &mut self,
        goal: &Goal,
        from: Option<u64>,
    ) -> Result<(Option<u64>, BTreeMap<u64, usize>), Unreadable> {
        let mut updates = BTreeMap::new();
        let mut complete: Option<u64> = None;
        let mut beyond = 0;
        for at in (0..goal.pictures).rev() {
            let Some(head) = self.head(goal.stretch, at)? else {
                continue;
            };
            let reached = complete.is_some() || from.is_some_and(|f| head.sequence <= f);
            // Updates travel on streams of their own: some that follow may stand before.
            beyond += usize::from(reached || beyond > 0);
            if beyond > MARGIN {
                break;
            }
            if head.sequence > goal.sequence || from.is_some_and(|f| head.sequence <= f) {
                continue;
            }
            let record = self.index.stretches[goal.stretch].pictures[at].record;
            updates.insert(head.sequence, record);
            if head.complete.is_some() && complete.is_none_or(|c| c < head.sequence) {
                complete = Some(head.sequence);
            }
        }
        if let Some(complete) = complete {
            updates = updates.split_off(&complete);
        }
        Ok((complete, updates))
    }

    fn head(&mut self, stretch: usize, at: usize) -> Result<Option<Head>, Unreadable> {
        let picture = &mut self.index.stretches[stretch].pictures[at];
        if picture.head.is_none() {
            picture.head = head(&self.source.content(picture.record)?);
        }
        Ok(picture.head)
    }

    /// False if nothing can be drawn on top of it.
    fn draw_one(&mut self, goal: &Goal, content: &[u8]) -> bool {
        let drawn = match self.decoder.handle_update(content) {
            Ok(drawn) => drawn,
            Err(error) => {
                let sequence = head(content).map_or(goal.sequence, |p| p.sequence);
                let what = Misfit::Undrawable(error.to_string());
                self.find(goal.stretch, sequence, what);
                self.restart();
                return false;
            }
        };
        let Some(sequence) = drawn.sequence else {
            // It waits for one that is not there.
            return false;
        };
        self.drawn = Some(Drawn {
            stretch: goal.stretch,
            sequence,
        });
        self.note(drawn.afresh, drawn.dirty);
        self.compare(goal.stretch, sequence);
        true
    }

    /// Compares the digest with each that was acknowledged of this update.
    fn compare(&mut self, stretch: usize, sequence: u64) {
        let acks = &self.index.stretches[stretch].acks;
        let of_it = acks[acks.partition_point(|a| a.sequence < sequence)..]
            .iter()
            .take_while(|a| a.sequence == sequence);
        let acknowledged: Vec<(Time, u64)> = of_it
            .filter_map(|a| a.digest.map(|digest| (a.time, digest)))
            .collect();
        if acknowledged.is_empty() {
            return;
        }
        let replayed = self.decoder.digest();
        for (time, acknowledged) in acknowledged {
            if acknowledged != replayed {
                let what = Misfit::Digest {
                    acknowledged,
                    replayed,
                };
                self.find_at(time, sequence, what);
            }
        }
    }

    fn note(&mut self, afresh: bool, dirty: Vec<Rect>) {
        if afresh {
            self.changed = Changed {
                afresh: true,
                areas: Vec::new(),
            };
        }
        self.changed.areas.extend(dirty);
        if self.changed.areas.len() > MOST_AREAS {
            let all = self
                .changed
                .areas
                .drain(..)
                .fold(Rect::default(), Rect::union);
            self.changed.areas.push(all);
        }
    }

    fn restart(&mut self) {
        self.decoder = Decoder::new();
        self.drawn = None;
        self.ahead.clear();
        self.changed = Changed {
            afresh: true,
            areas: Vec::new(),
        };
    }

    fn find(&mut self, stretch: usize, sequence: u64, what: Misfit) {
        let stretch = &self.index.stretches[stretch];
        let ack = stretch.acks.iter().find(|a| a.sequence >= sequence);
        let time = ack.map_or(stretch.from, |a| a.time);
        self.find_at(time, sequence, what);
    }

    fn find_at(&mut self, time: Time, sequence: u64, what: Misfit) {
        let finding = Finding {
            time,
            sequence,
            what,
        };
        if !self.findings.contains(&finding) && self.findings.len() < MOST_FINDINGS {
            self.findings.push(finding);
        }
    }

    fn pointer(&mut self, time: Time) -> Result<Option<PointerShown>, Unreadable> {
        let Some(pointer) = self.index.pointer_at(time).filter(|p| p.visible) else {
            return Ok(None);
        };
        let (x, y, record) = (pointer.x, pointer.y, pointer.shape);
        if self.shape.as_ref().map(|s| s.0) != record {
            self.shape = None;
            if let Some(record) = record {
                let pointer = Pointer::from_bytes(&self.source.content(record)?).ok();
                let shape = pointer.and_then(|p| p.shape);
                self.shape = shape.map(|shape| (record, Arc::new(shape)));
            }
        }
        Ok(Some(PointerShown {
            x,
            y,
            shape: self.shape.clone(),
        }))
    }
}

fn last_ack(stretch: &Stretch, time: Time) -> Option<usize> {
    let after = stretch.acks.partition_point(|a| a.time <= time);
    after.checked_sub(1)
}

/// By how many pictures one may overtake another on its way; the console's decoder keeps as many.
const MARGIN: usize = 64;

/// How many pictures are looked through for what was shown before its turn: those that may come later, those that wait
/// for their turn likewise, those that it overtook, and as many on their way when it was acknowledged.
const REACH: usize = 4 * MARGIN;

/// More changed areas are joined into one.
const MOST_AREAS: usize = 64;

/// More findings say nothing more.
const MOST_FINDINGS: usize = 1000;

#[cfg(test)]
#[path = "replay/ahead_tests.rs"]
mod ahead_tests;
#[cfg(test)]
#[path = "replay/sealed_tests.rs"]
mod sealed_tests;
#[cfg(test)]
#[path = "replay/tests.rs"]
mod tests;
