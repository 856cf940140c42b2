//! A screen, the encoder that sees it, and the decoder that draws what comes of it.

use std::collections::VecDeque;
use std::convert::identity;
use std::time::{Duration, Instant};

use fernsicht_agent::encode::{Acked, Config, Encoder, Line};
use fernsicht_console::decode::{Decoder, Drawn};
use fernsicht_protocol::content::PictureAck;
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::picture::{Rect, View};
use fernsicht_protocol::wire::List;
use fernsicht_tests::dice::Dice;

pub(crate) struct Rig {
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) screen: Vec<u8>,
    pub(crate) encoder: Encoder,
    pub(crate) decoder: Decoder,
    /// Draws the same, and is asked for its digest when all is settled only.
    pub(crate) unasked: Decoder,
    pub(crate) now: Instant,
    pub(crate) dice: Dice,
    /// True if updates overtake one another.
    pub(crate) overtaking: bool,
}

impl Rig {
    pub(crate) fn new(width: u16, height: u16) -> Self {
        let mut encoder = Encoder::new(Config::default()).expect("zstd");
        encoder.handle_layout(1, width, height).expect("a size");
        Self {
            width,
            height,
            screen: vec![0; usize::from(width) * usize::from(height) * 4],
            encoder,
            decoder: Decoder::new(),
            unasked: Decoder::new(),
            now: Instant::now(),
            dice: Dice::from_seed(0x2545_f491_4f6c_dd1d),
            overtaking: false,
        }
    }

    pub(crate) fn paint(&mut self, rect: Rect, mut pixel: impl FnMut(u32, u32) -> [u8; 3]) {
        for y in 0..rect.height {
            for x in 0..rect.width {
                let at =
                    usize::from(rect.y + y) * usize::from(self.width) + usize::from(rect.x + x);
                let [b, g, r] = pixel(x.into(), y.into());
                self.screen[at * 4..at * 4 + 4].copy_from_slice(&[b, g, r, 0]);
            }
        }
        self.encoder.handle_damage(&[rect]);
    }

    /// Gradients with grain: what no palette holds. The phase moves it to the left.
    pub(crate) fn photo(&mut self, rect: Rect, phase: u32) {
        self.paint(rect, |x, y| {
            let x = x + phase;
            let grain = x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca6b);
            let grain = (grain.wrapping_mul(0x2c1b_3c6d) >> 28) + 8;
            let wave = |v: u32| v.wrapping_mul(v) >> 9;
            [
                (x / 3 + wave(y) + grain) as u8,
                (y / 2 + grain) as u8,
                (wave(x) + y / 4 + grain) as u8,
            ]
        });
    }

    /// Colours that change slowly, with grain that is another one in each frame: nothing of it only moves.
    pub(crate) fn film(&mut self, rect: Rect, frame: u32) {
        let start = frame.wrapping_mul(0x68bc_21eb);
        self.paint(rect, |x, y| {
            let grain = (start ^ x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca6b))
                .wrapping_mul(0x2c1b_3c6d)
                >> 29;
            let wave = x / 3 + y / 2 + frame;
            [wave, wave / 2 + 40, x / 5 + frame].map(|colour| (colour + grain) as u8)
        });
    }

    /// Black on white, with some grey edges, in one and the same font.
    pub(crate) fn text(&mut self, rect: Rect, seed: u64) {
        let mut font = Dice::from_seed(0);
        let glyphs: Vec<u32> = (0..64 * 16)
            .map(|_| font.roll(u32::MAX) & font.roll(u32::MAX))
            .collect();
        let mut dice = Dice::from_seed(seed);
        let letters: Vec<u32> = (0..100_000).map(|_| dice.roll(64)).collect();
        self.paint(rect, |x, y| {
            let letter = letters[(y / 16 * 331 + x / 8) as usize % letters.len()];
            let bits = glyphs[(letter * 16 + y % 16) as usize];
            match (
                y % 16 > 12 || letter > 52,
                bits >> (x % 8) & 1,
                bits >> (x % 8 + 8) & 1,
            ) {
                (true, _, _) | (false, 0, 0) => [255; 3],
                (false, 0, _) => [140; 3],
                (false, _, _) => [20; 3],
            }
        });
    }

    /// What is in `from` is to be seen at `x` and `y`, and stays where it was as far as that does not cover it.
    pub(crate) fn shift(&mut self, from: Rect, x: u16, y: u16) {
        let pixels: Vec<[u8; 4]> = (0..from.height)
            .flat_map(|row| {
                let start = usize::from(from.y + row) * usize::from(self.width);
                let start = (start + usize::from(from.x)) * 4;
                let row = &self.screen[start..start + usize::from(from.width) * 4];
                row.as_chunks::<4>().0.to_vec()
            })
            .collect();
        let width = u32::from(from.width);
        self.paint(Rect { x, y, ..from }, |x, y| {
            let [b, g, r, _] = pixels[(y * width + x) as usize];
            [b, g, r]
        });
    }

    /// Its line is known to be a fast one.
    pub(crate) fn on_a_fast_line(mut self) -> Self {
        self.encoder.handle_line(Line {
            bytes_per_second: Some(12_500_000),
            round_trip: None,
        });
        self
    }

    /// Sends what there is room for. Returns class and bytes of each update.
    pub(crate) fn encode(&mut self) -> Vec<(Class, Vec<u8>)> {
        std::iter::from_fn(|| self.encode_one()).collect()
    }

    /// Sends one update, if there is one and room for it.
    pub(crate) fn encode_one(&mut self) -> Option<(Class, Vec<u8>)> {
        let view = View {
            width: self.width,
            height: self.height,
            stride: usize::from(self.width) * 4,
            bgrx: &self.screen,
        };
        let update = self.encoder.encode(view, self.now, identity);
        let update = update.expect("encodes")?;
        Some((update.class, update.bytes))
    }

    /// Lets a thin line carry everything until nothing is left. Returns how long that takes, and the bytes.
    pub(crate) fn carry(&mut self) -> (Duration, u64) {
        let (start, before) = (self.now, self.encoder.counts().bytes);
        let rate = THIN.bytes_per_second.expect("it is known") as f64;
        let mut free = self.now;
        let mut under_way = VecDeque::new();
        loop {
            for (class, bytes) in self.encode() {
                free = free.max(self.now) + Duration::from_secs_f64(bytes.len() as f64 / rate);
                under_way.push_back((free + THIN.round_trip.expect("it is known"), class, bytes));
            }
            let waiting: usize = under_way.iter().map(|(_, _, b)| b.len()).sum();
            assert!(waiting < 150_000, "{waiting} bytes are under way");
            let timeout = self.encoder.poll_timeout().filter(|at| *at > self.now);
            match (under_way.front().map(|u| u.0), timeout) {
                (Some(arrival), Some(at)) if at < arrival => self.now = at,
                (Some(arrival), _) => {
                    self.now = arrival;
                    let (_, class, bytes) = under_way.pop_front().expect("it is there");
                    self.deliver(vec![(class, bytes)]);
                }
                (None, Some(at)) => self.now = at,
                (None, None) => break,
            }
        }
        assert_eq!(self.differing_pixels(), 0);
        (self.now - start, self.encoder.counts().bytes - before)
    }

    pub(crate) fn deliver(&mut self, mut updates: Vec<(Class, Vec<u8>)>) {
        if self.overtaking {
            for at in (1..updates.len()).rev() {
                updates.swap(at, self.dice.roll(at as u32 + 1) as usize);
            }
        }
        for (_, bytes) in updates {
            let drawn = self.decoder.handle_update(&bytes).expect("draws");
            drop(self.unasked.handle_update(&bytes));
            let digest = self.decoder.digest();
            self.acknowledge(&drawn, digest);
        }
    }

    pub(crate) fn acknowledge(&mut self, drawn: &Drawn, digest: u64) {
        let Some(sequence) = drawn.sequence else {
            return;
        };
        let ack = PictureAck {
            sequence,
            digest,
            ahead: List::default(),
            held_us: 0,
        };
        assert_ne!(
            self.encoder.handle_ack(&ack, self.now),
            Acked::Differs,
            "after update {sequence}"
        );
    }

    /// Lets time pass until nothing is left to do. Returns how long that took.
    pub(crate) fn settle(&mut self) -> Duration {
        let start = self.now;
        for _ in 0..2000 {
            let updates = self.encode();
            if updates.is_empty() {
                match self.encoder.poll_timeout() {
                    Some(at) => {
                        assert!(at > self.now, "it asks to be called and does nothing");
                        self.now = at;
                        continue;
                    }
                    None => {
                        assert!(self.encoder.settled());
                        return self.now - start;
                    }
                }
            }
            self.now += Duration::from_millis(3);
            self.deliver(updates);
        }
        panic!("it never comes to rest");
    }

    pub(crate) fn differing_pixels(&self) -> usize {
        let canvas = self.decoder.view().bgrx.as_chunks::<4>().0;
        let screen = self.screen.as_chunks::<4>().0;
        assert_eq!(canvas.len(), screen.len());
        canvas
            .iter()
            .zip(screen)
            .filter(|(a, b)| a[..3] != b[..3])
            .count()
    }

    pub(crate) fn area(&self) -> Rect {
        Rect {
            x: 0,
            y: 0,
            width: self.width,
            height: self.height,
        }
    }
}

/// 512 kbit/s and 80 ms.
pub(crate) const THIN: Line = Line {
    bytes_per_second: Some(64_000),
    round_trip: Some(Duration::from_millis(80)),
};
