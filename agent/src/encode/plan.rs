//! Which changes go exactly, which by H.264, and which wait for the next update.
//!
//! ```text
//! little changed                    ─► all exact
//! a group of photographic tiles     ─► H.264 for their region if the cost says so
//! the rest, exact, beyond budget    ─► H.264 for everything, or as many boxes as fit
//! ```

use std::collections::HashSet;
use std::time::{Duration, Instant};

use fernsicht_protocol::picture::{Box, Code, MAX_RAW, MAX_VIDEO, Rect, TILE, View, seen};
use fernsicht_protocol::wire::Blob;

use super::cost::{self, Choice, Content, Ways, choose};
use super::damage::{largest_group, merge};
use super::exact::{PHOTO, PHOTO_EDGE, Packed, variety};
use super::slices::Slices;
use super::{Encoder, Error, lines, video};

/// The H.264 box of an update.
pub(super) type Region = (Rect, Code);

impl Encoder {
    /// Encodes `changes` (one for each changed tile); what does not fit is damage again, and `in_slices` only the first
    /// slice is encoded where that is how they go.
    pub(super) fn plan(
        &mut self,
        in_slices: bool,
        changes: &[Rect],
        view: View<'_>,
        now: Instant,
    ) -> Result<(Packed, Option<Region>), Error> {
        self.plan_as(false, in_slices, changes, view, now)
    }

    /// `moving`: photographs count as moving, whether or not they do.
    fn plan_as(
        &mut self,
        moving: bool,
        in_slices: bool,
        changes: &[Rect],
        view: View<'_>,
        now: Instant,
    ) -> Result<(Packed, Option<Region>), Error> {
        let budget = self.flow.budget(&self.config);
        let pixels = pixels(changes);
        if cost::photo_bytes(pixels) <= budget {
            return Ok((self.exact(merge(changes), view)?, None));
        }
        let (photo, sharp) = photographs(changes, view);
        let known = self.flow.line().bytes_per_second.is_some();
        let region = self
            .photographic_region(moving, &photo, budget, view, now)
            .filter(|_| known)
            .and_then(|(needed, exact)| self.video(needed, exact, Content::Photo, view, now));
        let covered = region.as_ref().map(|(rect, _)| *rect).unwrap_or_default();
        // Text first: it is what the technician reads. Never merged with photographs,
        // whose colours would keep it out of the palette.
        let sharp = self.cut(&merge(&outside_of(covered, &sharp)), view);
        let mut boxes = strips(&sharp, STRIP);
        let text = boxes.len();
        let in_slices = in_slices && region.is_none() && few(&photo, pixels);
        let most = if in_slices { PHOTO_STRIP } else { STRIP };
        boxes.extend(strips(&merge(&outside_of(covered, &photo)), most));
        let part = self.flow.part(&self.config);
        let later = boxes.split_off(fitting(&boxes, text, part));
        self.handle_damage(&later);
        if in_slices && later.is_empty() {
            boxes = self.slices.begin(boxes, text);
        }
        let packed = self.packer.pack(&boxes, view)?;
        let bytes = packed.block.0.len();
        if boxes.is_empty() || (bytes <= budget && later.is_empty()) {
            return Ok((packed, region));
        }
        // What was packed tells how well the others will pack.
        let left = pixels - region.as_ref().map_or(0, |_| inside(covered, changes));
        let whole = (bytes as f64 * left as f64 / self::pixels(&boxes) as f64) as usize;
        let coarse = match &region {
            Some((_, Code::Video { bytes, .. })) => bytes.0.len(),
            Some(_) | None => 0,
        };
        let whole = whole.max(bytes) + coarse;
        if known && let Some(all) = self.changed_region(changes, whole, budget, now) {
            if !moving && region.is_none() && !photo.is_empty() {
                // The photograph alone, before text becomes coarse.
                self.slices = Slices::default();
                return self.plan_as(true, false, changes, view, now);
            }
            if let Some(region) = self.video(all, whole, Content::Sharp, view, now) {
                self.slices = Slices::default();
                self.handle_damage(&outside_of(region.0, changes));
                let nothing = self.packer.pack(&[], view)?;
                return Ok((nothing, Some(region)));
            }
        }
        if bytes <= part {
            return Ok((packed, region));
        }
        self.pack_part(&boxes, bytes, part, view)
            .map(|packed| (packed, region))
    }

    /// All of `boxes`, exactly: those that look as others did before need no pixels.
    fn exact(&mut self, boxes: Vec<Rect>, view: View<'_>) -> Result<Packed, Error> {
        let Some(sent) = self.sent.as_ref().filter(|_| pixels(&boxes) <= seen::SMALL) else {
            let pieces = self.cut(&boxes, view);
            return self.packer.pack(&pieces, view);
        };
        let (mut known, mut others) = (Vec::new(), Vec::new());
        for rect in boxes {
            match sent.seen.find(rect, view) {
                Some(back) => known.push(Box {
                    rect,
                    code: Code::Seen { back },
                }),
                None => others.push(rect),
            }
        }
        let mut packed = self.packer.pack_small(&others, view)?;
        packed.boxes.append(&mut known);
        Ok(packed)
    }

    /// As many of `boxes`, which together take `bytes`, as fit the budget; one at least.
    fn pack_part(
        &mut self,
        boxes: &[Rect],
        bytes: usize,
        budget: usize,
        view: View<'_>,
    ) -> Result<Packed, Error> {
        let mut strips = strips(boxes, PART);
        let mut bytes = bytes;
        loop {
            let most = (pixels(&strips) as f64 * budget as f64 / bytes as f64) as usize;
            let mut taken = 0;
            let fit = strips.iter().take_while(|r| {
                taken += r.area();
                taken <= most
            });
            let fit = fit.count().max(1);
            let later = strips.split_off(fit);
            self.handle_damage(&later);
            let packed = self.packer.pack(&strips, view)?;
            bytes = packed.block.0.len();
            // The first ones may be fuller than all of them together.
            if bytes <= budget + budget / 4 || strips.len() == 1 {
                return Ok(packed);
            }
        }
    }

    /// `rects` with text in lines.
    fn cut(&self, rects: &[Rect], view: View<'_>) -> Vec<Rect> {
        match &self.sent {
            Some(sent) => lines::cut(rects, &sent.ledger, view),
            None => rects.to_vec(),
        }
    }

    /// The region of the largest group of photographic tiles and their bytes as exact
    /// pixels, if H.264 is better there.
    fn photographic_region(
        &self,
        moving: bool,
        photo: &[Rect],
        budget: usize,
        view: View<'_>,
        now: Instant,
    ) -> Option<(Rect, usize)> {
        let (group, _) = largest_group(photo)?;
        let region = group.intersection(view.area());
        let inside: Vec<Rect> = photo
            .iter()
            .copied()
            .filter(|r| region.contains(*r))
            .collect();
        let exact = cost::photo_bytes(pixels(&inside));
        let moving = moving || self.moving(&inside, now);
        self.lossy_is_better(region, exact, Content::Photo, budget, moving)
            .then_some((region, exact))
    }

    /// True if what changed there changes again and again.
    pub(super) fn moving(&self, rects: &[Rect], now: Instant) -> bool {
        let sent = self.sent.as_ref();
        sent.is_some_and(|sent| sent.moving(rects, now, AGAIN))
    }

    /// The region of all changes, if H.264 is better than their exact `bytes`.
    fn changed_region(
        &self,
        changes: &[Rect],
        bytes: usize,
        budget: usize,
        now: Instant,
    ) -> Option<Rect> {
        let region = changes.iter().fold(Rect::default(), |all, r| all.union(*r));
        let moving = self.moving(changes, now);
        self.lossy_is_better(region, bytes, Content::Sharp, budget, moving)
            .then_some(region)
    }

    fn lossy_is_better(
        &self,
        region: Rect,
        exact_bytes: usize,
        content: Content,
        budget: usize,
        moving: bool,
    ) -> bool {
        let running = self.video.as_ref().filter(|v| suits(v.rect(), region));
        let lossy_bytes = running
            .and_then(|v| v.recent_bytes())
            .unwrap_or_else(|| self.keys.expected(content, region.area()));
        let ways = Ways {
            exact_bytes,
            lossy_bytes,
            lossy_pixels: region.area(),
            moving,
        };
        choose(ways, budget, self.flow.line().bytes_per_second) == Choice::Lossy
    }

    /// Encodes a region that holds `needed`, or its part that openh264 can take; none if
    /// there is no such part, if it takes more than the `exact` pixels, or if it fails:
    /// exact pixels always work.
    fn video(
        &mut self,
        needed: Rect,
        exact: usize,
        content: Content,
        view: View<'_>,
        now: Instant,
    ) -> Option<Region> {
        match self.try_video(needed, exact, content, view, now) {
            Ok(region) => region,
            Err(error) => {
                tracing::warn!(%error, "H.264 failed, exact pixels instead");
                None
            }
        }
    }

    fn try_video(
        &mut self,
        needed: Rect,
        exact: usize,
        content: Content,
        view: View<'_>,
        now: Instant,
    ) -> Result<Option<Region>, Error> {
        let rate = self.flow.line().bytes_per_second;
        let goes_on = |v: &video::Stream| suits(v.rect(), needed) && v.suits(rate) && !v.old(now);
        // A stream that was not asked goes on where the new one comes to nothing.
        let (mut stream, before) = match self.video.take() {
            Some(stream) if goes_on(&stream) => (stream, None),
            before => {
                let Some(rect) = region(needed, view) else {
                    self.video = before;
                    return Ok(None);
                };
                self.streams = self.streams.wrapping_add(1);
                let stream = video::Stream::new(self.streams, rect, rate, now)?;
                (stream, before)
            }
        };
        let picture = stream.encode(view, now)?;
        let rect = stream.rect();
        if picture.key {
            self.keys.learn(content, rect.area(), picture.bytes.len());
        }
        if picture.bytes.is_empty() || picture.bytes.len() > exact.min(MAX_VIDEO) {
            self.video = before;
            return Ok(None);
        }
        let code = Code::Video {
            stream: stream.number(),
            key: picture.key,
            bytes: Blob(picture.bytes),
        };
        self.video = Some(stream);
        Ok(Some((rect, code)))
    }
}

/// The photographic ones of `changes`, one for each changed tile, and the others. A photograph's edge is in tiles that it does
/// not fill.
fn photographs(changes: &[Rect], view: View<'_>) -> (Vec<Rect>, Vec<Rect>) {
    let varieties: Vec<f64> = changes.iter().map(|r| variety(*r, view)).collect();
    let tile = |rect: &Rect| (rect.x / TILE, rect.y / TILE);
    let full = changes.iter().zip(&varieties).filter(|(_, v)| **v > PHOTO);
    let full: HashSet<(u16, u16)> = full.map(|(rect, _)| tile(rect)).collect();
    let beside = |rect: &Rect| {
        let (x, y) = tile(rect);
        let near = |at: u16| at.saturating_sub(1)..=at + 1;
        near(x).any(|x| near(y).any(|y| full.contains(&(x, y))))
    };
    let (photo, sharp): (Vec<_>, Vec<_>) = changes
        .iter()
        .zip(varieties)
        .partition(|(rect, v)| *v > PHOTO || (*v > PHOTO_EDGE && beside(rect)));
    let rects = |side: Vec<(&Rect, f64)>| side.into_iter().map(|(rect, _)| *rect).collect();
    (rects(photo), rects(sharp))
}

/// True if `photo` is the smaller part of so many pixels: large photographs are worth a look as a whole.
fn few(photo: &[Rect], pixels: usize) -> bool {
    self::pixels(photo) * 2 <= pixels
}

pub(super) fn pixels(rects: &[Rect]) -> usize {
    rects.iter().map(|rect| rect.area()).sum()
}

/// Pixels of `rects` that are covered.
fn inside(covered: Rect, rects: &[Rect]) -> usize {
    let inside = rects.iter().filter(|rect| covered.contains(**rect));
    inside.map(|rect| rect.area()).sum()
}

/// True if a stream over `running` can show `needed` without much waste.
fn suits(running: Rect, needed: Rect) -> bool {
    running.contains(needed) && needed.area() * 4 >= running.area()
}

/// `needed` in whole tiles, within the area and what openh264 takes.
fn region(needed: Rect, view: View<'_>) -> Option<Rect> {
    let (columns, rows) = needed.tiles();
    let tile = u32::from(TILE);
    let whole = Rect::between(
        u32::from(columns.start) * tile,
        u32::from(rows.start) * tile,
        u32::from(columns.end) * tile,
        u32::from(rows.end) * tile,
    );
    let mut region = whole.intersection(view.area());
    region.width = region.width.min(video::MAX_WIDTH);
    region.height = region.height.min(video::MAX_HEIGHT / TILE * TILE);
    (region.width.min(region.height) >= video::MIN_SIDE).then_some(region)
}

/// How many of `boxes`, the first `text` of them text, are worth packing at once.
fn fitting(boxes: &[Rect], text: usize, budget: usize) -> usize {
    let (mut raw, mut bytes) = (0, 0);
    for (index, rect) in boxes.iter().enumerate() {
        raw += rect.area() * 3;
        bytes += if index < text {
            rect.area() / 32
        } else {
            cost::photo_bytes(rect.area())
        };
        if raw > MAX_RAW || index == MOST_BOXES || (bytes > budget * 4 && index > 0) {
            return index;
        }
    }
    boxes.len()
}

/// Those of `rects` that are not covered.
fn outside_of(covered: Rect, rects: &[Rect]) -> Vec<Rect> {
    rects
        .iter()
        .copied()
        .filter(|r| !covered.contains(*r))
        .collect()
}

/// `rects` cut along tiles into pieces of at most `most` tiles each; lines stay whole.
pub(super) fn strips(rects: &[Rect], most: u16) -> Vec<Rect> {
    let mut pieces = Vec::new();
    for rect in rects {
        if rect.height <= lines::HIGHEST {
            pieces.push(*rect);
            continue;
        }
        let (columns, rows) = rect.tiles();
        let across = (columns.len() as u16).min(most);
        let down = (most / across).max(1);
        for row in rows.step_by(down.into()) {
            for column in columns.clone().step_by(across.into()) {
                let tile = u32::from(TILE);
                let (left, top) = (u32::from(column) * tile, u32::from(row) * tile);
                let piece = Rect::between(
                    left,
                    top,
                    left + u32::from(across) * tile,
                    top + u32::from(down) * tile,
                );
                pieces.push(piece.intersection(*rect));
            }
        }
    }
    pieces
}

/// What is drawn a third time within this moves: slower, and there is time to look at it.
const AGAIN: Duration = Duration::from_millis(500);

/// Tiles of a box where all will probably fit.
pub(super) const STRIP: u16 = 64;

/// Tiles of a photograph's box where it goes in slices.
const PHOTO_STRIP: u16 = 16;

/// Tiles of a box where an update takes only part of the changes.
const PART: u16 = 8;

/// Less than an update may have: a moved box, the H.264 box and those of one colour come on top.
const MOST_BOXES: usize = fernsicht_protocol::picture::MAX_BOXES - 2 - super::solid::MOST;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::exact::COLOUR;

    /// A photograph that ends within the second of four tiles; in the last one stands a piece of another.
    #[test]
    fn a_photograph_ends_within_a_tile() {
        let colour = |x: u32, y: u32| (y * 64 + x % 64).wrapping_mul(0x9e37_79b1) >> 8;
        let pixel = |x: u32, y: u32| match x {
            0..80 | 192..208 => colour(x, y),
            _ => COLOUR,
        };
        let pixels = (0..64).flat_map(|y| (0..256).map(move |x| pixel(x, y)));
        let bgrx: Vec<u8> = pixels.flat_map(u32::to_le_bytes).collect();
        let view = View {
            width: 256,
            height: 64,
            stride: 1024,
            bgrx: &bgrx,
        };
        let tiles: Vec<Rect> = (0..4).map(|column| Rect::tile(column, 0)).collect();
        let (photo, sharp) = photographs(&tiles, view);
        assert_eq!(photo, tiles[..2]);
        assert_eq!(sharp, tiles[2..]);
    }

    #[test]
    fn strips_cover_all_once() {
        let rect = Rect {
            x: 5,
            y: 70,
            width: 1900,
            height: 900,
        };
        for most in [1, 8, 64] {
            let pieces = strips(&[rect], most);
            assert_eq!(pieces.iter().map(|p| p.area()).sum::<usize>(), rect.area());
            assert!(
                pieces
                    .iter()
                    .all(|p| rect.contains(*p)
                        && p.tiles().0.len() * p.tiles().1.len() <= most.into())
            );
        }
        assert_eq!(strips(&[rect], u16::MAX), [rect]);
    }

    #[test]
    fn regions_are_whole_tiles_that_openh264_takes() {
        let view = |width, height| View {
            width,
            height,
            stride: 0,
            bgrx: &[],
        };
        let needed = Rect {
            x: 70,
            y: 1,
            width: 10,
            height: 64,
        };
        assert_eq!(
            region(needed, view(100, 100)),
            Some(Rect {
                x: 64,
                y: 0,
                width: 36,
                height: 100
            })
        );
        assert_eq!(region(view(10, 500).area(), view(10, 500)), None);
        let all = region(view(8000, 4000).area(), view(8000, 4000)).unwrap();
        assert_eq!((all.width, all.height), (3840, 2112));
    }
}
