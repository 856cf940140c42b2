//! Spare keys: keycodes that no layout uses get the characters that the layout lacks.
//!
//! Many at once, checked, kept until they are given back, and reused only after a rest:
//! programs look a symbol up when they get round to it, not when the key was pressed.
//! Nothing here sleeps: whoever must wait is told how long, and asks again.
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
    /// Set by the last request, and not yet found in place after the wait.
    unproven: Vec<[u32; 2]>,
}

impl Spares {
    pub(in crate::platform) fn new(keymap: &Keymap) -> Self {
        Self {
            free: keymap.spare_keys(),
            set: HashMap::new(),
            unproven: Vec::new(),
        }
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

    /// Puts pairs on keys: all, or none. Programs learn of it before they see the next key
    /// press, since both come in order; the pause is for those that ask again.
    ///
    /// `Some`: ask again after this long. What was set and is then gone is an error, so
    /// asking again comes to an end.
    pub(in crate::platform) fn set(
        &mut self,
        pairs: &[[u32; 2]],
        link: &Link,
        keymap: &mut Keymap,
    ) -> Result<Option<Duration>, Error> {
        let unproven = std::mem::take(&mut self.unproven);
        let lacking: Vec<[u32; 2]> = pairs
            .iter()
            .copied()
            .filter(|pair| !self.set.contains_key(pair))
            .collect();
        if lacking.is_empty() {
            return Ok(None);
        }
        if lacking.iter().any(|pair| unproven.contains(pair)) {
            return Err(Error::NoSpareKey);
        }
        if let Some(wait) = self.make_room(lacking.len(), pairs)? {
            return Ok(Some(wait));
        }
        let mut changes = Vec::with_capacity(lacking.len());
        for pair in lacking {
            let key = self.free.pop().ok_or(Error::NoSpareKey)?;
            self.set.insert(pair, (key, Instant::now()));
            changes.push((key, pair));
        }
        bind(link, &changes)?;
        *keymap = Keymap::read(link)?;
        if !changes.iter().all(|(key, pair)| keymap.holds(*key, *pair)) {
            self.revise(keymap);
            return Err(Error::NoSpareKey);
        }
        self.unproven = changes.into_iter().map(|(_, pair)| pair).collect();
        Ok(Some(SETTLE))
    }

    /// Frees as many keys: those that have rested longest and are not needed now. `Some`:
    /// one of them must rest for this long, and nothing was freed.
    fn make_room(&mut self, keys: usize, needed: &[[u32; 2]]) -> Result<Option<Duration>, Error> {
        let more = keys.saturating_sub(self.free.len());
        let mut old: Vec<([u32; 2], u8, Instant)> = self
            .set
            .iter()
            .filter(|(pair, _)| !needed.contains(pair))
            .map(|(pair, (key, last))| (*pair, *key, *last))
            .collect();
        old.sort_unstable_by_key(|(_, _, last)| *last);
        if old.len() < more {
            return Err(Error::NoSpareKey);
        }
        old.truncate(more);
        if let Some(wait) = old.last().and_then(|(_, _, last)| rest(*last)) {
            return Ok(Some(wait));
        }
        for (pair, key, _) in old {
            self.set.remove(&pair);
            self.free.push(key);
        }
        Ok(None)
    }

    /// Forgets keys that another program has taken or emptied.
    pub(in crate::platform) fn revise(&mut self, keymap: &Keymap) {
        self.set.retain(|pair, (key, _)| keymap.holds(*key, *pair));
        self.free = keymap.spare_keys();
    }

    /// Empties all keys again, once programs have had time to look up the last press.
    /// `Some`: that takes this long; ask again then.
    pub(in crate::platform) fn restore(
        &mut self,
        link: &Link,
        keymap: &mut Keymap,
    ) -> Result<Option<Duration>, Error> {
        let Some(last) = self.set.values().map(|(_, last)| *last).max() else {
            return Ok(None);
        };
        if let Some(wait) = rest(last) {
            return Ok(Some(wait));
        }
        let changes: Vec<(u8, [u32; 2])> =
            self.set.values().map(|(key, _)| (*key, [0, 0])).collect();
        bind(link, &changes)?;
        self.set.clear();
        *keymap = Keymap::read(link)?;
        self.free = keymap.spare_keys();
        Ok(None)
    }
}

/// How long a key must still rest that was last pressed then.
fn rest(last: Instant) -> Option<Duration> {
    let left = REST.saturating_sub(last.elapsed());
    (!left.is_zero()).then_some(left)
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
pub(in crate::platform) const SETTLE: Duration = Duration::from_millis(10);
/// After a key was pressed, before its symbol may change: programs look it up when they
/// get round to it.
const REST: Duration = Duration::from_millis(100);
