//! Screens get their numbers as the customer counts them.

use super::{Area, Monitor, Screen};

/// Numbers from 1, from left to right, then from top to bottom. Mirrored screens share one.
pub(super) fn number(mut boxes: Vec<(Area, u32)>) -> Vec<Monitor> {
    let place = |(area, _): &(Area, u32)| (area.x, area.y, area.width, area.height);
    // The order of those at one place stays the server's.
    boxes.sort_by_key(place);
    let mut monitors = Vec::new();
    for (number, mirrored) in (1..).zip(boxes.chunk_by(|a, b| a.0 == b.0).take(MOST)) {
        monitors.extend(mirrored.iter().map(|(area, name)| Monitor {
            name: *name,
            screen: Screen {
                number,
                x: area.x,
                y: area.y,
                width: area.width,
                height: area.height,
            },
        }));
    }
    monitors
}

/// The most screens that are told apart; more than the wire carries would be cut there.
const MOST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_eye() {
        let place = |x, y, width, height| Area {
            x,
            y,
            width,
            height,
        };
        let monitors = number(vec![
            (place(1920, 0, 1280, 1024), 50),
            (place(0, 1080, 1920, 1080), 51),
            (place(0, 0, 1920, 1080), 53),
            (place(0, 0, 1920, 1080), 52),
        ]);
        let found: Vec<_> = monitors
            .iter()
            .map(|m| (m.screen.number, m.name, m.screen.x, m.screen.y))
            .collect();
        let wanted = [
            (1, 53, 0, 0),
            (1, 52, 0, 0),
            (2, 51, 0, 1080),
            (3, 50, 1920, 0),
        ];
        assert_eq!(found, wanted);
    }
}
