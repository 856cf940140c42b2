//! What a session sends: when, and how much.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use fernsicht_recordings::format::Body;
use fernsicht_recordings::reader::Records;
use fernsicht_tests::dice::Dice;

/// Frames in their order, which begin anew behind the last.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    pub(crate) name: &'static str,
    /// Time since the frame before, and bytes of content.
    frames: Arc<Vec<(Duration, usize)>>,
    /// Every session begins elsewhere.
    anywhere: bool,
}

impl Trace {
    /// 25 frames a second of 5 kB.
    pub(crate) fn even() -> Self {
        Self {
            name: "25/s of 5 kB",
            frames: Arc::new(vec![(Duration::from_millis(40), 5_000)]),
            anywhere: false,
        }
    }

    /// The pictures of a recording, at their times.
    pub(crate) fn of_recording(file: &[u8]) -> Result<Self> {
        let mut frames = Vec::new();
        let mut last = None;
        for record in Records::new(file)? {
            let record = record?;
            if let Body::Frame { header, .. } = record.parse()?
                && header.class.shows_screen()
            {
                let since = record.time() - last.replace(record.time()).unwrap_or(record.time());
                frames.push((Duration::from_millis(since * 10), header.length as usize));
            }
        }
        frames.first().context("a recording with pictures")?;
        Ok(Self {
            name: "work",
            frames: Arc::new(frames),
            anywhere: true,
        })
    }

    /// Where one session begins.
    pub(crate) fn start(&self, dice: &mut Dice) -> usize {
        match self.anywhere {
            true => dice.roll(self.frames.len() as u32) as usize,
            false => 0,
        }
    }

    /// The frame at this place, whatever the place: time since the one before, bytes.
    pub(crate) fn frame(&self, at: usize) -> (Duration, usize) {
        self.frames[at % self.frames.len()]
    }
}
