//! Spare keys: keycodes that no layout uses get the characters that the layout lacks.
//!
//! Many at once, checked, kept until they are given back, and reused only after a rest:
//! programs look a symbol up when they get round to it, not when the key was pressed.
//! Not here: which characters lack, and pressing the keys ([`crate::platform::inject`]).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use x11rb::protocol::xproto::ConnectionExt as _;

use super::Link;
use super::keyboard::Keymap;
use crate::platform::inject::Error;

/// Keys that no layout uses, and what was put on them.
pub(in crate::platform) struct Spares {
    free: Vec<u8>,
    set: HashMap<[u32; 2], (u8, Instant)>,
}

impl Spares {
    pub(in crate::platform) fn new(keymap: &Keymap) -> Self {
        Self {
            free: keymap.spare_keys(),
            set: HashMap::new(),
        }
    }

    pub(in crate::platform) fn total(&self) -> usize {
        self.free.len() + self.set.len()
    }

    /// The key that has this pair.
    pub(in crate::platform) fn used(&self, pair: [u32; 2]) -> Option<u8> {
        self.set.get(&pair).map(|(key, _)| *key)
    }

    pub(in crate::platform) fn touch(&mut self, keycode: u8) {
        for (key, last) in self.set.values_mut() {
            if *key == keycode {
                *last = Instant::now();
            }
        }
    }

    /// Puts pairs on keys, all before one wait. Programs learn of it before they see the
    /// next key press, since both come in order; the pause is for those that ask again.
    pub(in crate::platform) fn set(
        &mut self,
        pairs: &[[u32; 2]],
        link: &Link,
        keymap: &mut Keymap,
    ) -> Result<(), Error> {
        let lacking: Vec<[u32; 2]> = pairs
            .iter()
            .copied()
            .filter(|pair| !self.set.contains_key(pair))
            .collect();
        if lacking.is_empty() {
            return Ok(());
        }
        for pair in &lacking {
            let key = self.take(pairs)?;
            self.set.insert(*pair, (key, Instant::now()));
        }
        let changes: Vec<(u8, [u32; 2])> = lacking
            .iter()
            .filter_map(|pair| Some((self.used(*pair)?, *pair)))
            .collect();
        bind(link, &changes)?;
        *keymap = Keymap::read(link)?;
        std::thread::sleep(SETTLE);
        if changes.iter().all(|(key, pair)| keymap.holds(*key, *pair)) {
            return Ok(());
        }
        self.revise(keymap);
        Err(Error::NoSpareKey)
    }

    /// A free key, or the one that has rested longest and is not needed now.
    fn take(&mut self, needed: &[[u32; 2]]) -> Result<u8, Error> {
        if let Some(key) = self.free.pop() {
            return Ok(key);
        }
        let oldest = self
            .set
            .iter()
            .filter(|(pair, _)| !needed.contains(pair))
            .min_by_key(|(_, (_, last))| *last)
            .map(|(pair, (key, last))| (*pair, *key, *last));
        let (pair, key, last) = oldest.ok_or(Error::NoSpareKey)?;
        std::thread::sleep(REST.saturating_sub(last.elapsed()));
        self.set.remove(&pair);
        Ok(key)
    }

    /// Forgets keys that another program has taken or emptied.
    pub(in crate::platform) fn revise(&mut self, keymap: &Keymap) {
        self.set.retain(|pair, (key, _)| keymap.holds(*key, *pair));
        self.free = keymap.spare_keys();
    }

    /// Empties all keys again, once programs have had time to look up the last press.
    pub(in crate::platform) fn restore(
        &mut self,
        link: &Link,
        keymap: &mut Keymap,
    ) -> Result<(), Error> {
        let Some(last) = self.set.values().map(|(_, last)| *last).max() else {
            return Ok(());
        };
        std::thread::sleep(REST.saturating_sub(last.elapsed()));
        let changes: Vec<(u8, [u32; 2])> =
            self.set.values().map(|(key, _)| (*key, [0, 0])).collect();
        bind(link, &changes)?;
        self.set.clear();
        *keymap = Keymap::read(link)?;
        self.free = keymap.spare_keys();
        Ok(())
    }
}

/// Sets the symbols of keys: one request for each run of neighbours, one wait for all.
/// Straight to the server, since enigo maps key by key and waits after each.
fn bind(link: &Link, changes: &[(u8, [u32; 2])]) -> Result<(), Error> {
    let mut sorted = changes.to_vec();
    sorted.sort_unstable();
    for run in sorted.chunk_by(|a, b| a.0.checked_add(1) == Some(b.0)) {
        let symbols: Vec<u32> = run.iter().flat_map(|(_, pair)| *pair).collect();
        let count = u8::try_from(run.len()).map_err(|_| Error::NoSpareKey)?;
        link.connection
            .change_keyboard_mapping(count, run[0].0, 2, &symbols)?;
    }
    Ok(link.sync()?)
}

/// After new symbols were set, before they are used.
const SETTLE: Duration = Duration::from_millis(10);
/// After a key was pressed, before its symbol may change: programs look it up when they
/// get round to it.
const REST: Duration = Duration::from_millis(100);
