//! An hour of work as a recording, made in minutes: real pictures go through the real encoder and the real
//! decoder, whose acknowledgements the encoder gets; only their clock is pushed forward. The recording is
//! written as the relay writes it, with a checkpoint each second in which something happened.
//!
//! Five minutes are four of typing (five letters a second, with pauses), forty seconds of scrolling and twenty of
//! video; twelve times that is the hour.

use std::convert::identity;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use fernsicht_agent::encode::{Config, Encoder};
use fernsicht_console::decode::Decoder;
use fernsicht_protocol::content::{Cause, InputEvent, PictureAck};
use fernsicht_protocol::frame::Direction;
use fernsicht_protocol::messages::End as Reason;
use fernsicht_protocol::picture::{Rect, Update, View};
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::wire::{List, Wire};
use fernsicht_recordings::finding::End;
use fernsicht_recordings::sample::{Office, Recorded, Session};

use crate::say;
use crate::scenes::{self, Clip, SIZE};
use crate::table::Figures;

/// What follows what, in seconds: which clip, and how long.
const FIVE_MINUTES: [(&str, u64); 6] = [
    ("typing", 110),
    ("scrolling", 20),
    ("typing", 70),
    ("video", 20),
    ("typing", 60),
    ("scrolling", 20),
];

/// How long an acknowledgement takes.
const ROUND_TRIP: Duration = Duration::from_millis(25);

/// A finished recording with whoever can open it.
pub(crate) struct Hour {
    pub(crate) office: Office,
    pub(crate) recorded: Recorded,
}

pub(crate) fn make(folder: &Path, minutes: u64, figures: &mut Figures) -> Result<Hour> {
    let (first, clips) = scenes::grab(folder)?;
    say("The scenes are grabbed; the hour is being encoded.");
    let office = Office::new(7);
    let (recorded, counts) = {
        let mut work = Work::begin(&office, &first)?;
        let (mut at, mut turn) = (0, 0);
        while at < minutes * 60 {
            let (name, seconds) = FIVE_MINUTES[turn % FIVE_MINUTES.len()];
            let clip = clips
                .iter()
                .find(|clip| clip.name == name)
                .context("a clip of this name")?;
            work.play(clip, Duration::from_secs(seconds))?;
            (at, turn) = (at + seconds, turn + 1);
        }
        work.end()
    };
    figures.hour.minutes = minutes;
    figures.hour.file_bytes = recorded.bytes.len() as u64;
    figures.hour.records = counts.records;
    figures.hour.pictures = counts.pictures;
    figures.hour.complete_pictures = counts.complete;
    for (name, (bytes, time)) in counts.scenes {
        let minute = bytes as f64 / (time.as_secs_f64() / 60.0);
        figures.hour.bytes_per_minute.insert(name, minute as u64);
    }
    Ok(Hour { office, recorded })
}

#[derive(Debug, Default)]
struct Counts {
    records: u64,
    pictures: u64,
    complete: u64,
    scenes: std::collections::BTreeMap<&'static str, (u64, Duration)>,
}

/// Agent, console and relay of the hour.
struct Work<'o> {
    session: Session<'o>,
    encoder: Encoder,
    decoder: Decoder,
    screen: Vec<u8>,
    began: Instant,
    start: u64,
    /// Time of the work since its beginning.
    now: Duration,
    second: u64,
    heads_at: Duration,
    beacon_at: Duration,
    counts: Counts,
}

impl<'o> Work<'o> {
    fn begin(office: &'o Office, first: &fernsicht_tests::grab::Picture) -> Result<Self> {
        let mut encoder = Encoder::new(Config::default()).context("zstd")?;
        encoder.handle_layout(1, SIZE.0, SIZE.1).context("a size")?;
        encoder.set_recorded(true);
        let mut session = Session::begin(office, 11);
        session.grant(Rights::Control, Cause::Granted);
        let screen = first
            .pixels
            .iter()
            .flat_map(|pixel| pixel.to_le_bytes())
            .collect();
        let start = session.time;
        let mut this = Self {
            session,
            encoder,
            decoder: Decoder::new(),
            screen,
            began: Instant::now(),
            start,
            now: Duration::ZERO,
            second: 0,
            heads_at: Duration::ZERO,
            beacon_at: Duration::ZERO,
            counts: Counts::default(),
        };
        this.encoder.handle_damage(&[Rect {
            x: 0,
            y: 0,
            width: SIZE.0,
            height: SIZE.1,
        }]);
        this.pass(Duration::from_secs(2))?;
        Ok(this)
    }

    /// Plays a clip again and again for so long.
    fn play(&mut self, clip: &Clip, time: Duration) -> Result<()> {
        let (from, until) = (self.session.bytes.len(), self.now + time);
        for (n, step) in clip.steps.iter().cycle().enumerate() {
            if self.now >= until {
                break;
            }
            if clip.name == "typing" {
                // The technician types it: a key down, a key up, an ack for both.
                let keysym = u32::from(b'a' + (n % 26) as u8);
                self.session.input(InputEvent::Key { keysym, down: true });
                let last = self.session.input(InputEvent::Key {
                    keysym,
                    down: false,
                });
                self.session.ack(last, &[]);
            }
            self.draw(step.rect, &step.bgrx);
            // After each line of forty letters somebody thinks for three seconds.
            let pause = match (clip.name, n % 40) {
                ("typing", 39) => Duration::from_secs(3),
                _ => Duration::ZERO,
            };
            self.pass(clip.interval + pause)?;
        }
        let entry = self.counts.scenes.entry(clip.name).or_default();
        entry.0 += (self.session.bytes.len() - from) as u64;
        entry.1 += time;
        Ok(())
    }

    fn draw(&mut self, rect: Rect, bgrx: &[u8]) {
        let row = usize::from(rect.width) * 4;
        for (n, line) in bgrx.chunks_exact(row).enumerate() {
            let at = ((usize::from(rect.y) + n) * usize::from(SIZE.0) + usize::from(rect.x)) * 4;
            self.screen[at..at + row].copy_from_slice(line);
        }
        self.encoder.handle_damage(&[rect]);
    }

    /// Lets time pass; the encoder is called whenever it has something or wanted to be called.
    fn pass(&mut self, time: Duration) -> Result<()> {
        let until = self.now + time;
        loop {
            while self.encode()? {}
            let wanted = self.encoder.poll_timeout();
            let wanted = wanted.map(|at| at.saturating_duration_since(self.began));
            match wanted.filter(|at| *at < until) {
                Some(at) => self.go_to(at.max(self.now + Duration::from_millis(1))),
                None => break,
            }
        }
        self.go_to(until);
        Ok(())
    }

    /// One update, if there is one: sealed, recorded, drawn, acknowledged.
    fn encode(&mut self) -> Result<bool> {
        let view = View {
            width: SIZE.0,
            height: SIZE.1,
            stride: usize::from(SIZE.0) * 4,
            bgrx: &self.screen,
        };
        let Some(update) = self.encoder.encode(view, self.began + self.now, identity)? else {
            return Ok(false);
        };
        self.session
            .frame(Direction::AgentToConsole, update.class, &update.bytes);
        self.counts.pictures += 1;
        self.counts.complete += u64::from(Update::from_bytes(&update.bytes)?.complete.is_some());
        let drawn = self.decoder.handle_update(&update.bytes).context("draws")?;
        if let Some(sequence) = drawn.sequence {
            let digest = self.decoder.digest();
            self.session.picture_ack(sequence, digest);
            let ack = PictureAck {
                sequence,
                digest,
                ahead: List::default(),
                held_us: 0,
            };
            self.encoder
                .handle_ack(&ack, self.began + self.now + ROUND_TRIP);
        }
        Ok(true)
    }

    /// The clock goes on; beacons, heads and checkpoints fall due.
    fn go_to(&mut self, at: Duration) {
        while self.beacon_at <= at {
            self.set(self.beacon_at);
            self.session.beacon();
            self.beacon_at += Duration::from_millis(500);
        }
        if self.heads_at <= at {
            self.set(at);
            self.session.heads(End::Agent);
            self.session.heads(End::Console);
            self.heads_at = at + Duration::from_secs(5);
        }
        self.set(at);
        if at.as_secs() != self.second {
            self.second = at.as_secs();
            self.session.checkpoint();
        }
        self.now = at;
    }

    fn set(&mut self, at: Duration) {
        let time = self.start + at.as_millis() as u64 / 10;
        self.session.time = self.session.time.max(time);
    }

    fn end(self) -> (Recorded, Counts) {
        let recorded = self.session.end(Reason::Customer);
        let mut counts = self.counts;
        let records = fernsicht_recordings::reader::Records::new(&recorded.bytes);
        counts.records = records.map_or(0, |records| records.count() as u64);
        (recorded, counts)
    }
}
