//! Spare keys: keycodes that no layout uses get the characters that the layout lacks.
//!
//! Up to four on a key, many at once, checked, kept until they are given back; and a key gets others only after
//! a rest, since programs look a symbol up when they get round to it, not when the key was pressed.
//!
//! They are set on the one keyboard through which programs inject, and never on a person's: with the
//! customer's next key stroke the common keyboard has his own layout again, whatever became of this program.
//!
//! Nothing here sleeps: whoever must wait is told how long, and asks again.
//! Not here: which characters lack, and pressing the keys ([`crate::platform::inject`]). What is on a spare key
//! is found in the layout, as everything else is.

use std::time::{Duration, Instant};

use x11rb::connection::Connection as _;
use x11rb::protocol::xkb::{ConnectionExt as _, KeySymMap, SetMapAux, SetMapFlags, VMod};

use super::Link;
use super::keyboard::{ALPHABETIC, Keymap};
use crate::platform;
use crate::platform::inject::Error;

/// A character or symbol that the layout lacks: both cases of a letter, or the same twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::platform) struct Wanted {
    pub(in crate::platform) pair: [u32; 2],
    /// It is a letter, and CapsLock is on: only a key whose type knows CapsLock will do.
    pub(in crate::platform) capital: bool,
}

/// Keys that no layout uses, and what was put on them.
pub(in crate::platform) struct Spares {
    keyboard: u16,
    free: Vec<u8>,
    keys: Vec<Spare>,
    /// Set by the last request, and not yet found in the layout after the wait.
    unproven: Vec<Wanted>,
}

/// A spare key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Spare {
    keycode: u8,
    /// Its type in the layout: the alphabetic one with two levels, or one with four.
    kind: u8,
    symbols: [u32; 4],
    last: Instant,
}

impl Spare {
    fn new(keycode: u8, kind: u8) -> Self {
        Self {
            keycode,
            kind,
            symbols: [0; 4],
            last: Instant::now(),
        }
    }

    /// Puts it where there is room.
    fn take(&mut self, wanted: Wanted) -> bool {
        let single = wanted.pair[0] == wanted.pair[1];
        let levels = if self.kind == ALPHABETIC { 2 } else { 4 };
        if wanted.capital && self.kind != ALPHABETIC {
            return false;
        }
        if single && self.kind != ALPHABETIC {
            let free = self.symbols.iter_mut().find(|symbol| **symbol == 0);
            return free.map(|symbol| *symbol = wanted.pair[0]).is_some();
        }
        let free = self.symbols[..levels]
            .chunks_exact_mut(2)
            .find(|half| *half == [0, 0]);
        free.map(|half| half.copy_from_slice(&wanted.pair))
            .is_some()
    }

    fn map(&self) -> KeySymMap {
        let levels = if self.kind == ALPHABETIC { 2 } else { 4 };
        KeySymMap {
            kt_index: [self.kind, 0, 0, 0],
            group_info: 1,
            width: levels,
            syms: self.symbols[..usize::from(levels)].to_vec(),
        }
    }

    /// True if the key still makes this and nothing else was put there.
    fn stands_in(&self, keymap: &Keymap) -> bool {
        keymap.holds(self.keycode, &self.map().syms)
    }
}

impl Spares {
    /// Keys of this keyboard.
    pub(in crate::platform) fn new(keyboard: u16, keymap: &Keymap) -> Self {
        Self {
            keyboard,
            free: keymap.spare_keys(),
            keys: Vec::new(),
            unproven: Vec::new(),
        }
    }

    pub(in crate::platform) fn touch(&mut self, keycode: u8) {
        let key = self.keys.iter_mut().find(|key| key.keycode == keycode);
        if let Some(key) = key {
            key.last = Instant::now();
        }
    }

    /// Puts what lacks on keys: all, or nothing; the keys that are `needed` keep what they have. Programs learn of
    /// it before they see the next key press, since both come in order; the pause is for those that ask again.
    ///
    /// `Some`: look up again after this long. What was set and is then lacking still is an error, so
    /// that comes to an end.
    pub(in crate::platform) fn set(
        &mut self,
        lacking: &[Wanted],
        needed: &[u8],
        link: &Link,
        keymap: &mut Keymap,
    ) -> Result<Option<Duration>, Error> {
        let unproven = std::mem::take(&mut self.unproven);
        if lacking.is_empty() {
            return Ok(None);
        }
        if lacking.iter().any(|wanted| unproven.contains(wanted)) {
            return Err(Error::NoSpareKey);
        }
        let (mut keys, mut free) = (self.keys.clone(), self.free.clone());
        for wanted in lacking {
            if keys.iter_mut().any(|key| key.take(*wanted)) {
                continue;
            }
            let keycode = match free.pop() {
                Some(keycode) => keycode,
                None => {
                    // The one that has rested longest, but for those that this request uses.
                    let idle = keys.iter().enumerate().filter(|(_, key)| {
                        !needed.contains(&key.keycode) && self.keys.contains(key)
                    });
                    let oldest = idle.min_by_key(|(_, key)| key.last);
                    let (index, key) = oldest.ok_or(Error::NoSpareKey)?;
                    if let Some(wait) = rest(key.last, REUSE) {
                        return Ok(Some(wait));
                    }
                    keys.swap_remove(index).keycode
                }
            };
            let kind = keymap.four_levels().filter(|_| !wanted.capital);
            let mut key = Spare::new(keycode, kind.unwrap_or(ALPHABETIC));
            key.take(*wanted);
            keys.push(key);
        }
        let changed: Vec<Spare> = keys
            .iter()
            .filter(|key| !self.keys.contains(key))
            .copied()
            .collect();
        let changes = changed.iter().map(|key| (key.keycode, key.map()));
        bind(link, self.keyboard, changes.collect())?;
        (self.keys, self.free) = (keys, free);
        *keymap = Keymap::read(link, self.keyboard)?;
        if !changed.iter().all(|key| key.stands_in(keymap)) {
            self.revise(keymap);
            return Err(Error::NoSpareKey);
        }
        self.unproven = lacking.to_vec();
        Ok(Some(SETTLE))
    }

    /// Forgets keys that another program has taken or emptied.
    pub(in crate::platform) fn revise(&mut self, keymap: &Keymap) {
        self.keys.retain(|key| key.stands_in(keymap));
        self.free = keymap.spare_keys();
    }

    /// Empties all keys again, once programs have had time to look up the last press.
    /// `Some`: that takes this long; ask again then.
    pub(in crate::platform) fn restore(
        &mut self,
        link: &Link,
        keymap: &mut Keymap,
    ) -> Result<Option<Duration>, Error> {
        let Some(last) = self.keys.iter().map(|key| key.last).max() else {
            return Ok(None);
        };
        if let Some(wait) = rest(last, GIVE_BACK) {
            return Ok(Some(wait));
        }
        empty(link, self.keyboard, self.keys.iter().map(|key| key.keycode))?;
        self.keys.clear();
        *keymap = Keymap::read(link, self.keyboard)?;
        self.free = keymap.spare_keys();
        Ok(None)
    }
}

/// How long a key must still rest that was last pressed then.
fn rest(last: Instant, time: Duration) -> Option<Duration> {
    let left = time.saturating_sub(last.elapsed());
    (!left.is_zero()).then_some(left)
}

/// Takes their symbols off these keys.
pub(in crate::platform) fn empty(
    link: &Link,
    keyboard: u16,
    keys: impl Iterator<Item = u8>,
) -> Result<(), platform::Error> {
    let nothing = || KeySymMap {
        kt_index: [0; 4],
        group_info: 0,
        width: 0,
        syms: Vec::new(),
    };
    bind(link, keyboard, keys.map(|key| (key, nothing())).collect())
}

/// Sets the symbols of keys: one request for each run of neighbours, one wait for all.
/// The server passes it on to the common keyboard if injected keys were the last ones, and with the next
/// injected key otherwise.
fn bind(
    link: &Link,
    keyboard: u16,
    mut changes: Vec<(u8, KeySymMap)>,
) -> Result<(), platform::Error> {
    let setup = link.connection.setup();
    let (first, last) = (setup.min_keycode, setup.max_keycode);
    changes.sort_unstable_by_key(|(keycode, _)| *keycode);
    for run in changes.chunk_by(|a, b| a.0.checked_add(1) == Some(b.0)) {
        let symbols: Vec<KeySymMap> = run.iter().map(|(_, map)| map.clone()).collect();
        let count = u8::try_from(run.len()).unwrap_or(u8::MAX);
        let total: usize = symbols.iter().map(|key| key.syms.len()).sum();
        let total = u16::try_from(total).unwrap_or(u16::MAX);
        let (flags, vmods) = (SetMapFlags::from(0u16), VMod::from(0u16));
        let values = SetMapAux::new().syms(symbols);
        let set = link.connection.xkb_set_map(
            keyboard, flags, first, last, 0, 0, run[0].0, count, total, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, vmods, &values,
        )?;
        set.check()?;
    }
    Ok(())
}

/// After new symbols were set, before they are used.
pub(in crate::platform) const SETTLE: Duration = Duration::from_millis(10);
/// After a key was pressed, before it may get other symbols: programs look it up when they
/// get round to it.
const REUSE: Duration = Duration::from_millis(1000);
/// After the last one was pressed, before all are emptied.
const GIVE_BACK: Duration = Duration::from_millis(500);
