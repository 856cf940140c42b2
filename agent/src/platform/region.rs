//! Sets of changed rectangles: kept few, so that their number never costs more than
//! their pixels.
//!
//! Pure. Not here: how a rectangle is read or coded.

use fernsicht_protocol::picture::Rect;

/// Reading or naming one more rectangle costs about as much as this many more pixels
/// (measured: a request 20 µs, a pixel of it 0.2 ns to move and compare).
pub const READ_SLACK: usize = 32 * 1024;

/// A rectangle more costs the codes about as much as this many unchanged pixels.
pub const REPORT_SLACK: usize = 512;

/// The most rectangles that one look reports; beyond it they are merged whatever it wastes.
pub const MOST: usize = 64;

/// Merges rectangles as long as a merger adds at most `slack` pixels that no rectangle
/// had, and further until at most [`MOST`] are left. Covers at least what it covered.
pub fn coalesce(mut rects: Vec<Rect>, slack: usize) -> Vec<Rect> {
    if rects.len() > MOST * 8 {
        // Quadratic work on thousands of rectangles would cost more than it saves.
        return around(&rects).into_iter().collect();
    }
    let mut allowed = slack;
    loop {
        while merge_once(&mut rects, allowed) {}
        if rects.len() <= MOST {
            return rects;
        }
        allowed = allowed.saturating_mul(4).max(1024);
    }
}

/// The smallest rectangle around all.
pub fn around(rects: &[Rect]) -> Option<Rect> {
    rects.iter().copied().reduce(Rect::union)
}

fn merge_once(rects: &mut Vec<Rect>, slack: usize) -> bool {
    let mut merged = false;
    let mut first = 0;
    while first < rects.len() {
        let mut second = first + 1;
        while second < rects.len() {
            let both = rects[first].union(rects[second]);
            let covered = rects[first].area() + rects[second].area();
            if both.area() <= covered.saturating_add(slack) {
                rects[first] = both;
                rects.swap_remove(second);
                merged = true;
                second = first + 1;
            } else {
                second += 1;
            }
        }
        first += 1;
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rect(x: u16, y: u16, width: u16, height: u16) -> Rect {
        Rect {
            x,
            y,
            width,
            height,
        }
    }

    #[test]
    fn neighbours_become_one_and_strangers_stay_apart() {
        let near = coalesce(vec![rect(0, 0, 8, 16), rect(8, 0, 8, 16)], 0);
        assert_eq!(near, vec![rect(0, 0, 16, 16)]);
        let far = coalesce(vec![rect(0, 0, 8, 16), rect(1800, 900, 8, 16)], 1024);
        assert_eq!(far.len(), 2);
    }

    #[test]
    fn never_more_than_the_limit_and_nothing_is_lost() {
        let many: Vec<Rect> = (0..20)
            .flat_map(|x| (0..20).map(move |y| rect(x * 90, y * 50, 3, 3)))
            .collect();
        let few = coalesce(many.clone(), 0);
        assert!(few.len() <= MOST);
        for small in many {
            assert!(few.iter().any(|big| big.contains(small)));
        }
    }
}
