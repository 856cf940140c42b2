//! The keyboard's layout as the X server has it: which key and which modifiers make a symbol.
//!
//! Pure after [`Keymap::read`]. A key has columns of symbols: group 1 plain, group 1 with
//! Shift, the same two of group 2, then group 1 with AltGr and with Shift+AltGr, then the
//! same two of group 2. Groups 3 and 4 do not show in the core protocol: their characters
//! count as missing.
//!
//! Not here: pressing anything ([`crate::platform::inject`]).

use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::ConnectionExt as _;
use xkeysym::Keysym;

use super::{Error, Link};

/// No symbol.
const NONE: u32 = 0;
const F11: u32 = 0xffc8;
const SHIFT: u32 = 0xffe1;
const SHIFT_RIGHT: u32 = 0xffe2;
const LEVEL3: u32 = 0xfe03;
const NUM_LOCK: u32 = 0xff7f;
/// F11's keycode wherever no layout names it.
const USUAL_F11: u8 = 95;

/// A copy of the server's keyboard mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::platform) struct Keymap {
    first: u8,
    columns: usize,
    symbols: Vec<u32>,
    /// The keycodes of each of the eight modifiers.
    modifiers: [Vec<u8>; 8],
}

/// What the keyboard's state is while a key is looked up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::platform) struct Mode {
    /// The active group, from 0.
    pub(in crate::platform) group: u8,
    /// Caps Lock is on.
    pub(in crate::platform) caps: bool,
    /// Num Lock is on.
    pub(in crate::platform) num: bool,
}

/// A key and what must be held with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::platform) struct Stroke {
    pub(in crate::platform) keycode: u8,
    pub(in crate::platform) shift: bool,
    pub(in crate::platform) level3: bool,
}

impl Keymap {
    /// Asks the server.
    pub(in crate::platform) fn read(link: &Link) -> Result<Self, Error> {
        let setup = link.connection.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let map = link
            .connection
            .get_keyboard_mapping(first, last - first + 1)?;
        let modifiers = link.connection.get_modifier_mapping()?;
        let (map, modifiers) = (map.reply()?, modifiers.reply()?);
        let each = usize::from(modifiers.keycodes_per_modifier()).max(1);
        let mut table: [Vec<u8>; 8] = Default::default();
        for (keys, found) in table.iter_mut().zip(modifiers.keycodes.chunks(each)) {
            keys.extend(found.iter().copied().filter(|key| *key != 0));
        }
        Ok(Self {
            first,
            columns: usize::from(map.keysyms_per_keycode).max(1),
            symbols: map.keysyms,
            modifiers: table,
        })
    }

    /// Every key with its symbols.
    fn keys(&self) -> impl Iterator<Item = (u8, &[u32])> {
        (self.first..=u8::MAX).zip(self.symbols.chunks(self.columns))
    }

    fn symbols(&self, keycode: u8) -> &[u32] {
        let Some(index) = keycode.checked_sub(self.first) else {
            return &[];
        };
        let from = usize::from(index) * self.columns;
        self.symbols.get(from..from + self.columns).unwrap_or(&[])
    }

    /// True if the key makes this symbol with any modifiers.
    pub(in crate::platform) fn has(&self, keycode: u8, symbol: u32) -> bool {
        self.symbols(keycode).contains(&symbol)
    }

    /// True if the key is F11, or makes F11 with any modifiers.
    pub(in crate::platform) fn is_stop_key(&self, keycode: u8) -> bool {
        if self.has(keycode, F11) {
            return true;
        }
        keycode == USUAL_F11 && !self.symbols.contains(&F11)
    }

    /// True if the symbol lies on the key of F11.
    pub(in crate::platform) fn on_stop_key(&self, symbol: u32) -> bool {
        self.keys()
            .any(|(key, symbols)| symbols.contains(&symbol) && self.is_stop_key(key))
    }

    /// True if the key is bound to a modifier.
    pub(in crate::platform) fn is_modifier(&self, keycode: u8) -> bool {
        self.modifiers.iter().any(|keys| keys.contains(&keycode))
    }

    /// The bit of the server's state that Num Lock sets.
    pub(in crate::platform) fn num_lock_mask(&self) -> u16 {
        (0..8u16)
            .zip(&self.modifiers)
            .filter(|(_, keys)| keys.iter().any(|key| self.has(*key, NUM_LOCK)))
            .fold(0, |mask, (bit, _)| mask | 1 << bit)
    }

    /// The key that holds Shift.
    pub(in crate::platform) fn shift_key(&self) -> Option<u8> {
        self.plain(SHIFT).or_else(|| self.plain(SHIFT_RIGHT))
    }

    /// The key that holds AltGr, if this layout has one that works.
    pub(in crate::platform) fn level3_key(&self) -> Option<u8> {
        self.plain(LEVEL3).filter(|key| self.is_modifier(*key))
    }

    /// The key that makes this symbol without modifiers.
    fn plain(&self, symbol: u32) -> Option<u8> {
        self.keys()
            .find(|(_, symbols)| symbols.first() == Some(&symbol))
            .map(|(key, _)| key)
    }

    /// How to type a character, if the layout has it and Caps Lock does not stand in the way.
    pub(in crate::platform) fn stroke_for(&self, character: char, mode: Mode) -> Option<Stroke> {
        self.lookup(mode, |symbol| {
            is_text(symbol) && Keysym::new(symbol).key_char() == Some(character)
        })
        .and_then(|(stroke, pair)| adjust_for_caps(stroke, pair, character, mode))
    }

    /// How to press a symbol. Letters are found in either case: their level is the
    /// business of whoever holds Shift.
    pub(in crate::platform) fn stroke_for_symbol(&self, symbol: u32, mode: Mode) -> Option<Stroke> {
        if let Some(character) = letter(symbol) {
            let same = |other| {
                letter(other).is_some_and(|c| c.to_lowercase().eq(character.to_lowercase()))
            };
            let (stroke, _) = self.lookup(mode, same)?;
            return Some(Stroke {
                shift: false,
                ..stroke
            });
        }
        let (mut stroke, _) = self.lookup(mode, |other| other == symbol)?;
        if mode.num && is_keypad(symbol) {
            stroke.shift = !stroke.shift;
        }
        Some(stroke)
    }

    /// The key with the fewest modifiers whose symbol satisfies, and the two cases on its level.
    fn lookup(&self, mode: Mode, satisfies: impl Fn(u32) -> bool) -> Option<(Stroke, [u32; 2])> {
        for (level, column) in self.level_columns(mode.group) {
            let level3 = level >= 2;
            if level3 && self.level3_key().is_none() {
                continue;
            }
            let found = self
                .keys()
                .find(|(_, symbols)| symbols.get(column).is_some_and(|s| satisfies(*s)));
            if let Some((keycode, symbols)) = found {
                let stroke = Stroke {
                    keycode,
                    shift: level % 2 == 1,
                    level3,
                };
                let plain = column - usize::from(stroke.shift);
                let at = |column: usize| symbols.get(column).copied().unwrap_or(NONE);
                return Some((stroke, [at(plain), at(plain + 1)]));
            }
        }
        None
    }

    /// Levels and their columns in a group.
    fn level_columns(&self, group: u8) -> Vec<(usize, usize)> {
        match group {
            0 => vec![(0, 0), (1, 1), (2, 4), (3, 5)],
            // Wider layouts push the columns of group 2 to places that cannot be told.
            1 if self.columns <= 8 => vec![(0, 2), (1, 3), (2, 6), (3, 7)],
            1 => vec![(0, 2), (1, 3)],
            _ => Vec::new(),
        }
    }

    /// Keys that no layout uses. Keycode 8 would be 0 for programs that count as the kernel does.
    pub(in crate::platform) fn spare_keys(&self) -> Vec<u8> {
        self.keys()
            .filter(|(key, symbols)| {
                *key > 8 && symbols.iter().all(|symbol| *symbol == NONE) && !self.is_modifier(*key)
            })
            .map(|(key, _)| key)
            .collect()
    }

    /// True if the key makes this pair and nothing else was put there.
    pub(in crate::platform) fn holds(&self, keycode: u8, pair: [u32; 2]) -> bool {
        let symbols = self.symbols(keycode);
        symbols.first() == Some(&pair[0]) && symbols.get(1).unwrap_or(&pair[0]) == &pair[1]
    }
}

/// The pair of symbols that a spare key gets for a character: both cases of a letter, so
/// that the server treats the key as a letter and Caps Lock can be undone by Shift.
pub(in crate::platform) fn pair_for(character: char) -> [u32; 2] {
    let symbol = |c| Keysym::from_char(c).raw();
    let (lower, upper) = cases(character);
    [symbol(lower), symbol(upper)]
}

/// How to type a character on a spare key that got [`pair_for`] it.
pub(in crate::platform) fn spare_stroke(keycode: u8, character: char, mode: Mode) -> Stroke {
    let (lower, upper) = cases(character);
    let shift = lower != upper && (character == upper) != mode.caps;
    Stroke {
        keycode,
        shift,
        level3: false,
    }
}

/// Lower and upper case, where each is one character and they lead to one another.
fn cases(character: char) -> (char, char) {
    let single = |mut of: Box<dyn Iterator<Item = char>>| match (of.next(), of.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    };
    let lower = single(Box::new(character.to_lowercase())).unwrap_or(character);
    let upper = single(Box::new(character.to_uppercase())).unwrap_or(character);
    let back = single(Box::new(upper.to_lowercase()));
    if back == Some(lower) && (character == lower || character == upper) {
        (lower, upper)
    } else {
        (character, character)
    }
}

/// Under Caps Lock the keys of letters change their case, unless Shift changes it back.
/// On a level where that is not sure, the character counts as missing.
fn adjust_for_caps(stroke: Stroke, pair: [u32; 2], character: char, mode: Mode) -> Option<Stroke> {
    let cased = character.is_lowercase() || character.is_uppercase();
    if !mode.caps || !cased {
        return Some(stroke);
    }
    let (lower, upper) = cases(character);
    let is = |symbol, c| Keysym::new(symbol).key_char() == Some(c);
    let letters = lower != upper && is(pair[0], lower) && is(pair[1], upper);
    (letters && !stroke.level3).then_some(Stroke {
        shift: !stroke.shift,
        ..stroke
    })
}

fn letter(symbol: u32) -> Option<char> {
    Keysym::new(symbol)
        .key_char()
        .filter(|c| is_text(symbol) && (c.is_lowercase() || c.is_uppercase()))
}

/// Function and keypad keys may have a character too, but are not how text is typed.
fn is_text(symbol: u32) -> bool {
    !(0xfd00..=0xffff).contains(&symbol)
}

fn is_keypad(symbol: u32) -> bool {
    (0xff95..=0xff9f).contains(&symbol) || (0xffae..=0xffb9).contains(&symbol)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A few keys of the German layout, seven columns as the server sends them.
    fn german() -> Keymap {
        let rows: [(u8, [u32; 7]); 9] = [
            (24, [0x71, 0x51, 0x71, 0x51, 0x40, 0x7d9, 0x40]), // q Q @ Ω
            (26, [0x65, 0x45, 0x65, 0x45, 0x20ac, 0, 0x20ac]), // e E €
            (48, [0xe4, 0xc4, 0xe4, 0xc4, 0xfe52, 0xfe5a, 0xfe52]), // ä Ä
            (20, [0xdf, 0x3f, 0xdf, 0x3f, 0x5c, 0xbf, 0x5c]),  // ß ? \
            (50, [SHIFT, 0, SHIFT, 0, 0, 0, 0]),
            (79, [0xff95, 0xffb7, 0xff95, 0xffb7, 0, 0, 0]), // KP_Home KP_7
            (95, [F11, F11, F11, F11, F11, F11, 0x1008_fe0b]),
            (108, [LEVEL3, 0, LEVEL3, 0, 0, 0, 0]),
            (200, [0; 7]),
        ];
        let mut symbols = vec![0x61; 248 * 7];
        for (key, row) in rows {
            let at = usize::from(key - 8) * 7;
            symbols[at..at + 7].copy_from_slice(&row);
        }
        let mut modifiers: [Vec<u8>; 8] = Default::default();
        modifiers[0] = vec![50];
        modifiers[7] = vec![108];
        Keymap {
            first: 8,
            columns: 7,
            symbols,
            modifiers,
        }
    }

    fn stroke(keycode: u8, shift: bool, level3: bool) -> Option<Stroke> {
        Some(Stroke {
            keycode,
            shift,
            level3,
        })
    }

    #[test]
    fn levels_are_resolved() {
        let map = german();
        let mode = Mode::default();
        assert_eq!(map.stroke_for('q', mode), stroke(24, false, false));
        assert_eq!(map.stroke_for('Ä', mode), stroke(48, true, false));
        assert_eq!(map.stroke_for('@', mode), stroke(24, false, true));
        assert_eq!(map.stroke_for('€', mode), stroke(26, false, true));
        assert_eq!(map.stroke_for('¿', mode), stroke(20, true, true));
        assert_eq!(map.stroke_for('ß', mode), stroke(20, false, false));
        assert_eq!(map.stroke_for('ø', mode), None);
        assert_eq!(map.stroke_for('q', Mode { group: 2, ..mode }), None);
    }

    #[test]
    fn caps_lock_is_undone_by_shift_or_named_missing() {
        let map = german();
        let caps = Mode {
            caps: true,
            ..Mode::default()
        };
        assert_eq!(map.stroke_for('ä', caps), stroke(48, true, false));
        assert_eq!(map.stroke_for('Q', caps), stroke(24, false, false));
        assert_eq!(map.stroke_for('?', caps), stroke(20, true, false));
        assert_eq!(map.stroke_for('Ω', caps), None);
        assert_eq!(
            spare_stroke(200, 'Ö', caps),
            Stroke {
                keycode: 200,
                shift: false,
                level3: false
            }
        );
        assert_eq!(
            spare_stroke(200, 'ö', caps),
            Stroke {
                keycode: 200,
                shift: true,
                level3: false
            }
        );
        assert_eq!(pair_for('ö'), [0xf6, 0xd6]);
        assert_eq!(pair_for('ß'), [0xdf, 0xdf]);
    }

    #[test]
    fn symbols_for_shortcuts() {
        let map = german();
        let mode = Mode::default();
        assert_eq!(map.stroke_for_symbol(0x51, mode), stroke(24, false, false));
        assert_eq!(map.stroke_for_symbol(0xffb7, mode), stroke(79, true, false));
        let num = Mode { num: true, ..mode };
        assert_eq!(map.stroke_for_symbol(0xffb7, num), stroke(79, false, false));
        assert_eq!(map.stroke_for_symbol(0xff95, num), stroke(79, true, false));
    }

    #[test]
    fn the_stop_key_is_known_under_any_modifier() {
        let mut map = german();
        assert!(map.is_stop_key(95));
        assert!(!map.is_stop_key(24));
        assert_eq!(map.spare_keys(), [200]);
        map.symbols
            .iter_mut()
            .filter(|s| **s == F11)
            .for_each(|s| *s = 0x61);
        assert!(
            map.is_stop_key(95),
            "without any F11 the usual place counts"
        );
    }
}
