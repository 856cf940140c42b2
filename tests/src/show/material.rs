//! What is drawn: letters, code, photographs, a film.

use std::path::Path;

use crate::dice::Dice;
use crate::grab::Picture;
use crate::scenery;
use anyhow::Result;
use x11rb::protocol::xproto::Pixmap;

use super::player::{Font, Player};

/// Made once, shown to all.
#[derive(Debug)]
pub struct Material {
    /// Letters.
    pub font: Font,
    photo: Picture,
    film: Vec<Picture>,
    slides: Vec<Picture>,
}

impl Material {
    /// Draws it, slides for screens of this size; `folder` keeps what is drawn by other programs.
    pub fn make(folder: &Path, (width, height): (u16, u16)) -> Result<Self> {
        let photo = scenery::shades(1280, 720);
        let still = |turn: f32| sample(&photo, width.into(), height.into(), turn, 0.6);
        Ok(Self {
            font: Font::draw(folder)?,
            film: (0..FRAMES)
                .map(|n| sample(&photo, 640, 360, n as f32 * 0.012, 1.1))
                .collect(),
            slides: [0.1, 0.4, 0.8].map(still).into(),
            photo,
        })
    }

    /// Photographs, at the server.
    pub fn photos(&self, player: &Player) -> Result<Vec<Pixmap>> {
        Ok(vec![player.upload(&self.photo)?])
    }

    /// The pictures of a film, at the server.
    pub fn film(&self, player: &Player) -> Result<Vec<Pixmap>> {
        self.film.iter().map(|frame| player.upload(frame)).collect()
    }

    /// A camera that moves over a photograph on the whole screen, at the server.
    pub fn camera(&self, player: &Player, (width, height): (u16, u16)) -> Result<Vec<Pixmap>> {
        let picture = |n| {
            sample(
                &self.photo,
                width.into(),
                height.into(),
                n as f32 * 0.02,
                0.6,
            )
        };
        (0..16).map(|n| player.upload(&picture(n))).collect()
    }

    /// Slides, at the server.
    pub fn slides(&self, player: &Player) -> Result<Vec<Pixmap>> {
        self.slides
            .iter()
            .map(|slide| player.upload(slide))
            .collect()
    }
}

/// Turned and scaled: a camera that moves over a photograph.
fn sample(photo: &Picture, width: usize, height: usize, turn: f32, scale: f32) -> Picture {
    let (sin, cos) = turn.sin_cos();
    let pixel = |at: usize| {
        let x = ((at % width) as f32 - width as f32 / 2.0) * scale;
        let y = ((at / width) as f32 - height as f32 / 2.0) * scale;
        let x = (x * cos - y * sin + photo.width as f32 / 2.0) as usize;
        let y = (x as f32 * sin * 0.2 + y * cos + photo.height as f32 / 2.0) as usize;
        photo.pixels[y.min(photo.height - 1) * photo.width + x.min(photo.width - 1)]
    };
    Picture {
        width,
        height,
        pixels: (0..width * height).map(pixel).collect(),
    }
}

/// Lines of code without end: words with their column and ink.
pub fn lines(seed: u32) -> impl Iterator<Item = Vec<(usize, String, usize)>> {
    // The dice take no difference between an even number and the next one.
    let mut dice = Dice::from_seed(2 * u64::from(seed) + 17);
    std::iter::from_fn(move || {
        let mut column = 4 * dice.roll(5) as usize;
        let mut words = Vec::new();
        for _ in 0..dice.roll(14) {
            let pick = dice.roll(WORDS.len() as u32 + 3) as usize;
            let word = match WORDS.get(pick) {
                Some(word) => (*word).to_owned(),
                None => format!("0x{:04x}", dice.roll(1 << 16)),
            };
            let ink = if pick < 6 { 1 } else { [0, 0, 2, 3][pick % 4] };
            let length = word.len();
            words.push((column, word, ink));
            column += length + 1;
        }
        Some(words)
    })
}

const FRAMES: usize = 48;

const WORDS: [&str; 28] = [
    "let",
    "match",
    "return",
    "for",
    "if",
    "else",
    "router.connect(address)",
    "=",
    "+=",
    "{",
    "}",
    "state",
    "Some(line)",
    "timeout_ms",
    "->",
    "Result<()>",
    "customer",
    "session.rights()",
    ";",
    "=>",
    "None",
    "port",
    "(index + 1)",
    "number",
    "// nothing is left",
    "self.queue",
    "&mut buffer[..length]",
    "&&",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_differ_and_come_again() {
        let page = |seed| lines(seed).take(50).collect::<Vec<_>>();
        assert_eq!(page(3), page(3));
        assert_ne!(page(3), page(4));
        assert!(page(3).iter().map(Vec::len).sum::<usize>() > 150);
    }
}
