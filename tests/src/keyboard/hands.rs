//! The technician's hands on a layout: every character by the keys that make it, and never further ahead
//! than what has been seen to arrive.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use x11rb::protocol::xproto::ConnectionExt as _;

use super::compose::Table;
use crate::device::Device;
use crate::keymap::{Chord, Keymap};
use crate::observer::{Act, Maker, Observer, Seen};
use crate::xserver::XServer;

/// How the characters of a text were made.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Ways {
    /// By one key.
    pub direct: usize,
    /// By dead keys or Compose.
    pub composed: usize,
    /// By a key that was added to the layout.
    pub added: usize,
}

/// A typist on one layout.
#[derive(Debug)]
pub struct Hands {
    device: Device,
    direct: Keymap,
    composed: HashMap<char, Vec<Chord>>,
    added: HashMap<char, Chord>,
}

impl Hands {
    /// Sits down at a screen whose layout is set. Keys that it lacks for `characters`, and that no sequence makes,
    /// are added on keys that nothing is on, as on a keyboard with more of them.
    pub fn at(
        screen: &XServer,
        table: &Table,
        characters: impl IntoIterator<Item = char>,
    ) -> Result<Self> {
        let pace = Duration::ZERO;
        let direct = Device::physical(screen.display())?.keymap()?;
        let composed = table.sequences(&direct);
        let lacking: Vec<char> = characters
            .into_iter()
            .filter(|c| direct.character(*c).is_err() && !composed.contains_key(c))
            .collect::<HashSet<char>>()
            .into_iter()
            .collect();
        let free = direct.free();
        let mut added = HashMap::new();
        for (pair, keycode) in lacking.chunks(2).zip(&free) {
            let mut line = format!("keycode {keycode} =");
            for (c, shift) in pair.iter().zip([false, true]) {
                line += &format!(" U{:04X}", u32::from(*c));
                let alt_gr = false;
                let keycode = *keycode;
                added.insert(
                    *c,
                    Chord {
                        keycode,
                        shift,
                        alt_gr,
                    },
                );
            }
            screen.run("xmodmap", &["-e", &line])?;
        }
        ensure!(added.len() == lacking.len(), "no keys for {lacking:?}");
        // Read again, with the keys added.
        let device = Device::physical(screen.display())?.paced(pace);
        Ok(Self {
            device,
            direct,
            composed,
            added,
        })
    }

    /// The device under them.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Types a text, at most [`AHEAD`] characters ahead of what the customer's screen has seen. Errors: for
    /// [`PATIENCE`] nothing more arrived.
    pub fn type_text(&self, text: &str, arrivals: &Arrivals<'_>) -> Result<Ways> {
        let mut ways = Ways::default();
        let from = arrivals.count()?;
        let mut arrived = from;
        for (typed, c) in text.chars().enumerate() {
            if from + typed >= arrived + AHEAD {
                arrived = arrivals.wait_for(from + typed - AHEAD / 2)?;
            }
            if let Ok(chord) = self.direct.character(c) {
                self.device.press(chord)?;
                ways.direct += 1;
            } else if let Some(chord) = self.added.get(&c) {
                self.device.press(*chord)?;
                ways.added += 1;
            } else {
                let keys = self.composed.get(&c);
                for chord in keys.with_context(|| format!("no keys make {c:?}"))? {
                    self.device.press(*chord)?;
                }
                ways.composed += 1;
            }
        }
        arrivals.wait_for(from + text.chars().count())?;
        Ok(ways)
    }
}

/// What has arrived: presses of keys that are no modifiers, made by programs.
#[derive(Debug)]
pub struct Arrivals<'a> {
    observer: &'a Observer,
    modifiers: HashSet<u8>,
}

impl<'a> Arrivals<'a> {
    /// Counts what this observer sees, on this screen with the modifiers that it has.
    pub fn at(screen: &XServer, observer: &'a Observer) -> Result<Self> {
        let (connection, _) = x11rb::connect(Some(screen.display()))?;
        let modifiers = connection.get_modifier_mapping()?.reply()?.keycodes;
        Ok(Self {
            observer,
            modifiers: modifiers.into_iter().collect(),
        })
    }

    /// How many there are so far.
    pub fn count(&self) -> Result<usize> {
        Ok(self.keys()?.len())
    }

    /// How many clicks of programs have come to their end.
    pub fn clicks(&self) -> Result<usize> {
        let up =
            |seen: &&Seen| matches!((seen.maker, seen.act), (Maker::Program, Act::ButtonUp(_)));
        Ok(self.observer.seen()?.iter().filter(up).count())
    }

    /// Their key codes, in order.
    pub fn keys(&self) -> Result<Vec<u8>> {
        let key = |seen: &Seen| match (seen.maker, seen.act) {
            (Maker::Program, Act::KeyDown(key)) if !self.modifiers.contains(&key) => Some(key),
            _ => None,
        };
        Ok(self.observer.seen()?.iter().filter_map(key).collect())
    }

    /// Waits until there are so many, and returns how many there are.
    pub fn wait_for(&self, count: usize) -> Result<usize> {
        let mut last = (0, Instant::now());
        loop {
            let now = self.count()?;
            if now >= count {
                return Ok(now);
            }
            if now > last.0 {
                last = (now, Instant::now());
            }
            ensure!(
                last.1.elapsed() < PATIENCE,
                "{now} of {count} keys have arrived, and no more come"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Characters under way at most: far below what the console may hold back.
const AHEAD: usize = 48;

const PATIENCE: Duration = Duration::from_secs(10);
