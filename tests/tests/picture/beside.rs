//! What is typed beside a film: before it, and exact.

use std::convert::identity;
use std::time::Duration;

use fernsicht_agent::encode::{Acked, Line};
use fernsicht_protocol::content::PictureAck;
use fernsicht_protocol::picture::{Rect, View};
use fernsicht_protocol::wire::List;

use super::rig::Rig;
use super::videos;

#[test]
fn typing_beside_a_film_is_exact_at_once() {
    let mut rig = Rig::new(1000, 700).on_a_fast_line();
    rig.settle();
    let film = Rect {
        x: 0,
        y: 0,
        width: 640,
        height: 360,
    };
    for phase in 0..3 {
        let updates = rig.encode();
        rig.deliver(updates);
        rig.now += Duration::from_millis(40);
        rig.film(film, phase);
    }
    let letter = Rect {
        x: 700,
        y: 500,
        width: 8,
        height: 16,
    };
    rig.text(letter, 9);
    let updates = rig.encode();
    assert_eq!(videos(&updates), 1);
    rig.deliver(updates);
    for row in 0..16 {
        let view = View {
            width: 1000,
            height: 700,
            stride: 4000,
            bgrx: &rig.screen,
        };
        let (there, here) = (rig.decoder.view().row(letter, row), view.row(letter, row));
        assert!(
            there
                .as_chunks::<4>()
                .0
                .iter()
                .zip(here.as_chunks::<4>().0)
                .all(|(a, b)| a[..3] == b[..3])
        );
    }
}

/// A film is under way on a thin line, and one of its pictures is late: what is typed is encoded at once, and the console
/// can show it at once.
#[test]
fn what_is_typed_passes_a_film_under_way() {
    let mut rig = Rig::new(1000, 700);
    rig.settle();
    rig.encoder.handle_line(Line {
        bytes_per_second: Some(100_000),
        round_trip: Some(Duration::from_millis(80)),
    });
    let film = Rect {
        x: 0,
        y: 0,
        width: 640,
        height: 360,
    };
    let letter = Rect {
        x: 700,
        y: 500,
        width: 8,
        height: 16,
    };
    let mut damage = vec![letter];
    assert!(
        rig.encoder.beside(&mut damage).is_empty(),
        "nothing is under way"
    );
    let mut late = Vec::new();
    for phase in 0..9 {
        rig.photo(film, phase);
        late.extend(rig.encode());
    }
    assert!(!rig.encoder.room());

    rig.text(letter, 9);
    damage.push(film);
    assert_eq!(rig.encoder.beside(&mut damage), [letter]);
    assert_eq!(damage, [film]);
    let screen = View {
        width: 1000,
        height: 700,
        stride: 4000,
        bgrx: &rig.screen,
    };
    let echo = rig
        .encoder
        .encode_beside(&[letter], screen, rig.now, identity)
        .expect("encodes");
    let echo = echo.expect("it is new");
    let again = rig
        .encoder
        .encode_beside(&[letter], screen, rig.now, identity)
        .expect("encodes");
    assert!(again.is_none(), "nothing has changed since");
    assert!(
        rig.decoder
            .handle_update(&echo.bytes)
            .expect("waits")
            .sequence
            .is_none()
    );
    let rows = |view: View<'_>| -> Vec<u8> {
        let pixels = (0..letter.height).flat_map(|row| view.row(letter, row).as_chunks::<4>().0);
        pixels.flat_map(|p| [p[0], p[1], p[2]]).collect()
    };
    let seen = rig.decoder.look_ahead(|canvas, ahead| {
        assert_eq!(ahead.areas(), [letter]);
        (rows(canvas.view()), ahead.sequences().to_vec())
    });
    assert_eq!(seen, Some((rows(screen), vec![echo.sequence])));
    assert_ne!(rows(rig.decoder.view()), rows(screen), "it is not its turn");
    // The console says so; of the line that tells nothing.
    let (line, ack) = (
        rig.encoder.line(),
        PictureAck {
            sequence: rig.decoder.sequence().expect("a picture"),
            digest: rig.decoder.digest(),
            ahead: List(vec![echo.sequence]),
            held_us: 0,
        },
    );
    assert_eq!(rig.encoder.handle_ack(&ack, rig.now), Acked::Old);
    assert_eq!(rig.encoder.line(), line);

    rig.deliver(late);
    rig.settle();
    assert_eq!(rig.differing_pixels(), 0);
    assert_eq!(rig.encoder.counts().mismatches, 0);
}
