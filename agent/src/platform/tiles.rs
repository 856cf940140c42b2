//! Comparison by tiles, for screens that say nothing of their changes.

use fernsicht_protocol::picture::TILE;

use super::{Pixels, Rect};

/// Takes over those tiles of a rectangle that differ, and adds them to `changed`. `fresh` has the picture's size and form.
pub(super) fn take_over(fresh: &[u8], rect: Rect, into: &mut Pixels, changed: &mut Vec<Rect>) {
    for y in (rect.y..rect.y + rect.height).step_by(TILE.into()) {
        for x in (rect.x..rect.x + rect.width).step_by(TILE.into()) {
            let tile = Rect {
                x,
                y,
                width: TILE,
                height: TILE,
            }
            .intersection(rect);
            let width = usize::from(tile.width) * 4;
            let mut differs = false;
            for line in tile.y..tile.y + tile.height {
                let at = into.offset(tile.x, line);
                let (old, new) = (&mut into.bgrx[at..at + width], &fresh[at..at + width]);
                if old != new {
                    old.copy_from_slice(new);
                    differs = true;
                }
            }
            if differs {
                changed.push(tile);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Area;

    #[test]
    fn only_tiles_that_differ_are_taken_over() {
        let area = Area {
            x: 0,
            y: 0,
            width: 200,
            height: 130,
        };
        let mut into = Pixels::new(area);
        let mut fresh = into.bgrx.clone();
        let at = into.offset(130, 70);
        fresh[at] = 9;
        let mut changed = Vec::new();
        take_over(&fresh, area.whole(), &mut into, &mut changed);
        let tile = Rect {
            x: 128,
            y: 64,
            width: 64,
            height: 64,
        };
        assert_eq!(changed, [tile]);
        assert_eq!(into.bgrx, fresh);
        changed.clear();
        take_over(&fresh, area.whole(), &mut into, &mut changed);
        assert_eq!(changed, []);
    }
}
