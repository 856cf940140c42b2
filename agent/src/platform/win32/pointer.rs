//! The customer's pointer on Windows: asked for sixty times a second while it may be seen.
//!
//! A resting pointer costs one question of a few microseconds each time, and no more.
//!
//! Shapes are asked of the system too, so that they are the same whichever way the screen is captured. There are three
//! kinds: two masks (black, white, clear, and what turns colours round), colours with alpha, and colours with a mask.

use std::time::{Duration, Instant};

use windows::Win32::Graphics::Gdi::{
    BITMAP, CreateCompatibleDC, DIB_RGB_COLORS, DeleteDC, GetDIBits, GetObjectW, HBITMAP,
};
use windows::Win32::UI::WindowsAndMessaging::{
    CURSOR_SHOWING, CURSORINFO, GetCursorInfo, GetIconInfo, HCURSOR, ICONINFO,
};

use super::capture::gdi::description;
use super::layer::delete;
use super::wake::sleep;
use crate::platform::pointer::{PointerNotice, PointerState};
use crate::platform::{Error, PointerShape, ViewPermit, Waker, deadline};
use fernsicht_protocol::content::MAX_POINTER;

/// Watches the pointer. Lives on one thread.
pub struct Pointer {
    waker: Waker,
    shape_new: bool,
    known: Option<(i32, i32, isize)>,
}

impl Pointer {
    /// The first read brings the shape.
    pub fn open(_: Option<&str>) -> Result<Self, Error> {
        ask()?;
        Ok(Self {
            waker: Waker::new()?,
            shape_new: true,
            known: None,
        })
    }

    /// A handle that ends [`Pointer::wait`] from another thread.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Sleeps until the pointer moves or changes, somebody wakes it, or the time is over.
    pub fn wait(&mut self, timeout: Option<Duration>) -> Result<PointerNotice, Error> {
        let deadline = deadline(timeout);
        loop {
            let now = Instant::now();
            // While the screen is locked there is none.
            let found = ask().ok().map(|info| key(&info));
            let mut notice = PointerNotice {
                woken: self.waker.take(),
                ..PointerNotice::default()
            };
            if let Some((x, y, cursor)) = found {
                notice.moved = self.known.is_none_or(|known| (known.0, known.1) != (x, y));
                notice.shape = self.known.is_none_or(|known| known.2 != cursor);
                self.known = found;
            }
            self.shape_new |= notice.shape;
            if !notice.nothing() || deadline.is_some_and(|deadline| deadline <= now) {
                return Ok(notice);
            }
            let next = now + EVERY;
            sleep(&self.waker, Some(deadline.map_or(next, |d| d.min(next))));
        }
    }

    /// Where the pointer is, and its shape if that is new.
    pub fn read(&mut self, _permit: &ViewPermit<'_>) -> Result<PointerState, Error> {
        let info = ask()?;
        let shown = info.flags == CURSOR_SHOWING;
        let shape = std::mem::take(&mut self.shape_new).then(|| {
            let found = shown.then(|| shape(info.hCursor)).flatten();
            found.unwrap_or_else(clear)
        });
        let small = |value: i32| value.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
        Ok(PointerState {
            x: small(info.ptScreenPos.x),
            y: small(info.ptScreenPos.y),
            shape,
        })
    }

    /// Makes the next read bring the shape again (a new console, a new epoch).
    pub fn forget_shape(&mut self) {
        self.shape_new = true;
    }
}

fn ask() -> Result<CURSORINFO, Error> {
    let mut info = CURSORINFO {
        cbSize: size_of::<CURSORINFO>() as u32,
        ..CURSORINFO::default()
    };
    // SAFETY: the structure is ours and says how long it is.
    unsafe { GetCursorInfo(&raw mut info)? };
    Ok(info)
}

fn key(info: &CURSORINFO) -> (i32, i32, isize) {
    let cursor = match info.flags == CURSOR_SHOWING {
        true => info.hCursor.0 as isize,
        false => 0,
    };
    (info.ptScreenPos.x, info.ptScreenPos.y, cursor)
}

/// The cursor's picture. None if it went away meanwhile.
fn shape(cursor: HCURSOR) -> Option<PointerShape> {
    let mut icon = ICONINFO::default();
    // SAFETY: the structure is ours; both bitmaps in it are as well from then on.
    unsafe { GetIconInfo(cursor.into(), &raw mut icon).ok()? };
    let mask = pixels(icon.hbmMask);
    let colour = pixels(icon.hbmColor);
    delete(icon.hbmMask);
    if !icon.hbmColor.is_invalid() {
        delete(icon.hbmColor);
    }
    let (mask_width, mask_height, mask) = mask?;
    let (width, height, seen) = match colour {
        Some((width, height, colour)) => (width, height, with_mask(&colour, &mask)),
        // One above the other: what is kept, and what is turned round.
        None => (mask_width, mask_height / 2, of_two_masks(&mask)),
    };
    let bgra = edged(width, &seen);
    Some(fit(width, height, (icon.xHotspot, icon.yHotspot), &bgra))
}

/// Width, height and pixels from the top, blue, green, red, alpha.
fn pixels(bitmap: HBITMAP) -> Option<(usize, usize, Vec<[u8; 4]>)> {
    if bitmap.is_invalid() {
        return None;
    }
    let mut header = BITMAP::default();
    let size = size_of::<BITMAP>() as i32;
    // SAFETY: there is room for what is asked.
    if unsafe { GetObjectW(bitmap.into(), size, Some((&raw mut header).cast())) } == 0 {
        return None;
    }
    let (width, height) = (
        usize::try_from(header.bmWidth).ok()?,
        usize::try_from(header.bmHeight).ok()?,
    );
    if width * height == 0 || width > LARGEST || height > 2 * LARGEST {
        return None;
    }
    let mut info = description(header.bmWidth, header.bmHeight);
    let mut found = vec![[0u8; 4]; width * height];
    // SAFETY: four bytes for each pixel of as many rows as the bitmap has.
    let rows = unsafe {
        let context = CreateCompatibleDC(None);
        let room = Some(found.as_mut_ptr().cast());
        let lines = header.bmHeight.cast_unsigned();
        let rows = GetDIBits(
            context,
            bitmap,
            0,
            lines,
            room,
            &raw mut info,
            DIB_RGB_COLORS,
        );
        // A context of ours that nothing uses any more.
        let _gone = DeleteDC(context);
        rows
    };
    (rows != 0).then_some((width, height, found))
}

/// A pixel of a pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// Blue, green, red, alpha.
    Colour([u8; 4]),
    /// The screen below it with its colours turned round.
    Turned,
}

/// Pictures without alpha say in the mask what is clear, and what turns round.
fn with_mask(colour: &[[u8; 4]], mask: &[[u8; 4]]) -> Vec<Seen> {
    let own_alpha = colour.iter().any(|pixel| pixel[3] != 0);
    let pixel = |(colour, kept): (&[u8; 4], &[u8; 4])| match (kept[0] != 0, *colour) {
        _ if own_alpha => Seen::Colour(*colour),
        (true, [0, 0, 0, _]) => Seen::Colour(CLEAR),
        (true, _) => Seen::Turned,
        (false, [blue, green, red, _]) => Seen::Colour([blue, green, red, u8::MAX]),
    };
    let mask = mask.iter().chain(std::iter::repeat(&CLEAR));
    colour.iter().zip(mask).map(pixel).collect()
}

/// The upper half says what is kept, the lower what is turned round or white.
fn of_two_masks(masks: &[[u8; 4]]) -> Vec<Seen> {
    let (kept, turned) = masks.split_at(masks.len() / 2);
    let pixel = |(kept, turned): (&[u8; 4], &[u8; 4])| match (kept[0] != 0, turned[0] != 0) {
        (true, false) => Seen::Colour(CLEAR),
        (true, true) => Seen::Turned,
        (false, false) => Seen::Colour(BLACK),
        (false, true) => Seen::Colour(WHITE),
    };
    kept.iter().zip(turned).map(pixel).collect()
}

/// No picture can turn colours round. What does is meant to be seen on every ground: it is black with a white edge.
fn edged(width: usize, seen: &[Seen]) -> Vec<[u8; 4]> {
    let turned = |x: usize, y: usize| seen.get(y * width + x) == Some(&Seen::Turned);
    let beside = |at: usize| {
        let (x, y) = (at % width, at / width);
        let rows = y.saturating_sub(1)..=y + 1;
        rows.into_iter()
            .any(|y| (x.saturating_sub(1)..=(x + 1).min(width - 1)).any(|x| turned(x, y)))
    };
    let pixel = |(at, pixel): (usize, &Seen)| match *pixel {
        Seen::Turned => BLACK,
        Seen::Colour([_, _, _, 0]) if beside(at) => WHITE,
        Seen::Colour(colour) => colour,
    };
    seen.iter().enumerate().map(pixel).collect()
}

/// Shapes wider than the wire's limit are made smaller by a whole factor.
fn fit(width: usize, height: usize, spot: (u32, u32), bgra: &[[u8; 4]]) -> PointerShape {
    let factor = width.max(height).div_ceil(usize::from(MAX_POINTER)).max(1);
    let (across, down) = ((width / factor).max(1), (height / factor).max(1));
    let rows = (0..down).flat_map(|y| (0..across).map(move |x| (x, y)));
    let bgra = rows
        .flat_map(|(x, y)| {
            bgra.get(y * factor * width + x * factor)
                .copied()
                .unwrap_or([0; 4])
        })
        .collect();
    let small = |value: usize| u16::try_from(value).unwrap_or(MAX_POINTER);
    let hot = |value: u32, limit: usize| small((value as usize / factor).min(limit - 1));
    PointerShape {
        width: small(across),
        height: small(down),
        hot_x: hot(spot.0, across),
        hot_y: hot(spot.1, down),
        bgra,
    }
}

/// A pointer that is not shown.
fn clear() -> PointerShape {
    PointerShape {
        width: 1,
        height: 1,
        hot_x: 0,
        hot_y: 0,
        bgra: vec![0; 4],
    }
}

const CLEAR: [u8; 4] = [0; 4];
const BLACK: [u8; 4] = [0, 0, 0, u8::MAX];
const WHITE: [u8; 4] = [u8::MAX; 4];
/// Larger cursors than any.
const LARGEST: usize = 1024;
const EVERY: Duration = Duration::from_millis(16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_fit_the_wire() {
        let picture = vec![[1, 2, 3, 4]; 600 * 10];
        let large = fit(600, 10, (300, 10), &picture);
        assert_eq!(
            (large.width, large.height, large.hot_x, large.hot_y),
            (200, 3, 100, 2)
        );
        assert_eq!(large.bgra.len(), 200 * 3 * 4);
        let small = fit(24, 16, (12, 15), &picture[..24 * 16]);
        assert_eq!(
            (small.width, small.height, small.hot_x, small.hot_y),
            (24, 16, 12, 15)
        );
    }

    #[test]
    fn masks_say_what_is_clear() {
        let (on, off) = ([255, 255, 255, 0], [0; 4]);
        let masks = [on, on, off, off, off, on, off, on];
        let [clear, black, white] = [CLEAR, BLACK, WHITE].map(Seen::Colour);
        assert_eq!(of_two_masks(&masks), [clear, Seen::Turned, black, white]);
        let colour = [[9, 9, 9, 0], [0; 4], [9, 9, 9, 0]];
        let seen = with_mask(&colour, &[off, on, on]);
        assert_eq!(seen, [Seen::Colour([9, 9, 9, 255]), clear, Seen::Turned]);
        let alpha = [[9, 9, 9, 128], [0; 4]];
        assert_eq!(with_mask(&alpha, &[on, on]), alpha.map(Seen::Colour));
    }

    #[test]
    fn what_turns_round_is_seen_on_every_ground() {
        let clear = Seen::Colour(CLEAR);
        // A bar of one pixel in the middle of five columns, and two rows below it.
        let mut seen = vec![clear; 5 * 4];
        (seen[2], seen[7]) = (Seen::Turned, Seen::Turned);
        let drawn = edged(5, &seen);
        let row = [CLEAR, WHITE, BLACK, WHITE, CLEAR];
        assert_eq!(drawn[..5], row);
        assert_eq!(drawn[5..10], row);
        assert_eq!(drawn[10..15], [CLEAR, WHITE, WHITE, WHITE, CLEAR]);
        assert_eq!(drawn[15..], [CLEAR; 5]);
        // What has a colour of its own keeps it, and the edge does not go round.
        let red = Seen::Colour([0, 0, 255, 255]);
        assert_eq!(
            edged(3, &[Seen::Turned, red, clear]),
            [BLACK, [0, 0, 255, 255], CLEAR]
        );
    }
}
