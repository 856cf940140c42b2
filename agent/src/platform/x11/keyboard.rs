//! The keyboard's layout as the X server has it: which key and which modifiers make a symbol.
//!
//! Pure after [`Keymap::read`]. A key has groups (of which one is active), a group has levels, and the
//! type of the key in that group says which modifiers lead to which level. A lookup tries the few
//! combinations of Shift, AltGr and the fifth level that can be held, and translates each as programs do,
//! with the locks that are on.
//!
//! Of the X server's keyboards this is one: a person's keyboard, the one through which programs inject,
//! and the common one, which has the layout of whichever of them was used last.
//!
//! Not here: pressing anything ([`crate::platform::inject`]).

use x11rb::protocol::Event;
use x11rb::protocol::xkb::{self, ConnectionExt as _, ID, KeySymMap, KeyType, MapPart};
use x11rb::protocol::xproto::ModMask;
use xkeysym::Keysym;

use super::{Error, Link};

/// No symbol.
const NONE: u32 = 0;
const F11: u32 = 0xffc8;
/// F11's keycode wherever no layout names it.
const USUAL_F11: u8 = 95;
/// The modifier bits of the core protocol that mean the same everywhere.
const SHIFT_BIT: u8 = 1;
const LOCK_BIT: u8 = 2;
/// The type of spare keys, which every layout has: two levels, and CapsLock is used up by it.
pub(in crate::platform) const ALPHABETIC: u8 = 2;

/// A copy of the server's mapping of one keyboard.
#[derive(Debug, Clone)]
pub(in crate::platform) struct Keymap {
    first: u8,
    types: Vec<KeyType>,
    keys: Vec<KeySymMap>,
    /// Each keycode's modifier bits.
    bits: Vec<(u8, u8)>,
    shifters: [Option<Held>; 3],
}

/// What the keyboard's state is while a key is looked up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::platform) struct Mode {
    /// The active group, from 0.
    pub(in crate::platform) group: u8,
    /// The modifiers that are locked: CapsLock, NumLock and the like.
    pub(in crate::platform) locked: u8,
}

/// A modifier that leads to another level of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::platform) enum Shifter {
    /// Shift.
    Shift,
    /// AltGr.
    Third,
    /// The fifth level, which few layouts have.
    Fifth,
}

/// A key and what must be held with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::platform) struct Stroke {
    pub(in crate::platform) keycode: u8,
    pub(in crate::platform) with: &'static [Shifter],
}

/// A key that holds a modifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    keycode: u8,
    bits: u8,
}

impl Shifter {
    /// All of them.
    pub(in crate::platform) const ALL: [Self; 3] = [Self::Shift, Self::Third, Self::Fifth];

    /// The symbols of the keys that hold it.
    pub(in crate::platform) fn symbols(self) -> &'static [u32] {
        match self {
            Self::Shift => &[0xffe1, 0xffe2],
            Self::Third => &[0xfe03],
            Self::Fifth => &[0xfe11],
        }
    }
}

/// Of one to three modifiers, those with the fewest first.
const COMBINATIONS: [&[Shifter]; 8] = {
    use Shifter::{Fifth, Shift, Third};
    [
        &[],
        &[Shift],
        &[Third],
        &[Shift, Third],
        &[Fifth],
        &[Shift, Fifth],
        &[Third, Fifth],
        &[Shift, Third, Fifth],
    ]
};

/// The common keyboard, which programs hear.
pub(in crate::platform) fn common() -> u16 {
    ID::USE_CORE_KBD.into()
}

/// Asks the server to say when a keyboard's layout changes: [`changes`] knows those events.
pub(in crate::platform) fn follow(link: &Link, keyboard: u16) -> Result<(), Error> {
    if !link.has(xkb::X11_EXTENSION_NAME)? {
        return Err(Error::InputUnavailable {
            detail: "the X server has no XKEYBOARD extension".to_owned(),
        });
    }
    link.connection.xkb_use_extension(1, 0)?.reply()?;
    let events = xkb::EventType::NEW_KEYBOARD_NOTIFY | xkb::EventType::MAP_NOTIFY;
    let parts = MapPart::KEY_TYPES | MapPart::KEY_SYMS | MapPart::MODIFIER_MAP;
    link.connection
        .xkb_select_events(
            keyboard,
            xkb::EventType::from(0u16),
            events,
            parts,
            parts,
            &xkb::SelectEventsAux::new(),
        )?
        .check()?;
    Ok(())
}

/// True if a layout has changed.
pub(in crate::platform) fn changes(event: &Event) -> bool {
    matches!(
        event,
        Event::XkbNewKeyboardNotify(_) | Event::XkbMapNotify(_)
    )
}

impl Keymap {
    /// Asks the server for one keyboard's, on a link that follows it.
    pub(in crate::platform) fn read(link: &Link, keyboard: u16) -> Result<Self, Error> {
        let parts = MapPart::KEY_TYPES | MapPart::KEY_SYMS | MapPart::MODIFIER_MAP;
        let none = MapPart::from(0u16);
        let vmods = xkb::VMod::from(0u16);
        let reply = link
            .connection
            .xkb_get_map(
                keyboard, parts, none, 0, 0, 0, 0, 0, 0, 0, 0, vmods, 0, 0, 0, 0, 0, 0,
            )?
            .reply()?;
        let (types, keys) = (reply.map.types_rtrn, reply.map.syms_rtrn);
        let bits = reply.map.modmap_rtrn.unwrap_or_default();
        Ok(Self::new(
            reply.first_key_sym,
            types.unwrap_or_default(),
            keys.unwrap_or_default(),
            bits.into_iter()
                .map(|key| (key.keycode, u16::from(key.mods) as u8))
                .collect(),
        ))
    }

    fn new(first: u8, types: Vec<KeyType>, keys: Vec<KeySymMap>, bits: Vec<(u8, u8)>) -> Self {
        let mut this = Self {
            first,
            types,
            keys,
            bits,
            shifters: [None; 3],
        };
        this.shifters = Shifter::ALL.map(|shifter| {
            let found = shifter.symbols().iter().find_map(|symbol| {
                this.codes()
                    .find(|key| this.plain(*key) == *symbol && this.bits_of(*key) != 0)
            });
            found.map(|keycode| Held {
                keycode,
                bits: this.bits_of(keycode),
            })
        });
        this
    }

    fn codes(&self) -> impl Iterator<Item = u8> {
        (self.first..=u8::MAX).take(self.keys.len())
    }

    fn key(&self, keycode: u8) -> Option<&KeySymMap> {
        self.keys.get(usize::from(keycode.checked_sub(self.first)?))
    }

    /// Every symbol on a key.
    fn symbols(&self, keycode: u8) -> &[u32] {
        self.key(keycode).map_or(&[], |key| &key.syms)
    }

    fn plain(&self, keycode: u8) -> u32 {
        self.symbols(keycode).first().copied().unwrap_or(NONE)
    }

    fn bits_of(&self, keycode: u8) -> u8 {
        let found = self.bits.iter().find(|(key, _)| *key == keycode);
        found.map_or(0, |(_, bits)| *bits)
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
        keycode == USUAL_F11 && !self.keys.iter().any(|key| key.syms.contains(&F11))
    }

    /// True if the symbol lies on the key of F11.
    pub(in crate::platform) fn on_stop_key(&self, symbol: u32) -> bool {
        self.codes()
            .any(|key| self.has(key, symbol) && self.is_stop_key(key))
    }

    /// True if the key is bound to a modifier.
    pub(in crate::platform) fn is_modifier(&self, keycode: u8) -> bool {
        self.bits_of(keycode) != 0
    }

    /// The bits of the modifiers that these keys hold.
    pub(in crate::platform) fn bits_of_all(&self, keycodes: impl Iterator<Item = u8>) -> u8 {
        keycodes.fold(0, |bits, key| bits | self.bits_of(key))
    }

    /// The key that holds a modifier, if this layout has one that works.
    pub(in crate::platform) fn shifter_key(&self, shifter: Shifter) -> Option<u8> {
        self.shifters[shifter as usize].map(|held| held.keycode)
    }

    /// The bits of a combination. `None`: the layout lacks one of its keys.
    fn combined(&self, with: &[Shifter]) -> Option<u8> {
        with.iter().try_fold(0, |bits, shifter| {
            Some(bits | self.shifters[*shifter as usize]?.bits)
        })
    }

    /// What programs get from a key in a group under these modifiers, and whether the key's type uses
    /// CapsLock up. Where it does not, programs make letters large by themselves.
    fn translate(&self, keycode: u8, group: u8, bits: u8) -> (u32, bool) {
        let nothing = (NONE, true);
        let Some(key) = self.key(keycode) else {
            return nothing;
        };
        let Some(group) = effective_group(key.group_info, group) else {
            return nothing;
        };
        let kind = key.kt_index.get(usize::from(group));
        let Some(kind) = kind.and_then(|index| self.types.get(usize::from(*index))) else {
            return nothing;
        };
        let mask = of(kind.mods_mask);
        let found = kind
            .map
            .iter()
            .position(|entry| entry.active && of(entry.mods_mask) == bits & mask);
        let level = found.map_or(0, |index| kind.map[index].level);
        let kept = found.and_then(|index| kind.preserve.get(index));
        let from = usize::from(group) * usize::from(key.width);
        let on = |level: u8| {
            let symbol = key.syms.get(from + usize::from(level));
            symbol.copied().unwrap_or(NONE)
        };
        // GTK takes CapsLock for unused if by itself it changes nothing on this key.
        let matters = kind
            .map
            .iter()
            .any(|entry| of(entry.mods_mask) == LOCK_BIT && on(entry.level) != on(0));
        let used = matters && kept.is_none_or(|kept| of(kept.mask) & LOCK_BIT == 0);
        (on(level), used)
    }

    /// What a key does while these keys are held.
    pub(in crate::platform) fn made(
        &self,
        keycode: u8,
        mode: Mode,
        held: impl Iterator<Item = u8>,
    ) -> u32 {
        let bits = mode.locked | self.bits_of_all(held);
        self.translate(keycode, mode.group, bits).0
    }

    /// How to type a character, if the layout has it in the active group and CapsLock does not stand in
    /// the way.
    pub(in crate::platform) fn stroke_for(&self, character: char, mode: Mode) -> Option<Stroke> {
        let capital = capital(character, mode);
        self.lookup(mode, &COMBINATIONS, |key, bits| {
            let (symbol, used) = self.translate(key, mode.group, bits);
            is_text(symbol)
                && Keysym::new(symbol).key_char() == Some(character)
                // Whether programs leave the case alone then, is not sure.
                && (used || !capital)
                && !self.is_modifier(key)
        })
    }

    /// How to press a symbol. Letters are found in either case: their level is the
    /// business of whoever holds Shift. Of right and left keys, and of those on the number pad,
    /// one will do where the layout lacks the other.
    pub(in crate::platform) fn stroke_for_symbol(&self, symbol: u32, mode: Mode) -> Option<Stroke> {
        let own = self.stroke_for_own(symbol, mode);
        own.or_else(|| self.stroke_for_own(twin(symbol)?, mode))
    }

    fn stroke_for_own(&self, symbol: u32, mode: Mode) -> Option<Stroke> {
        if let Some(character) = letter(symbol) {
            let unshifted = COMBINATIONS
                .into_iter()
                .filter(|with| !with.contains(&Shifter::Shift));
            let unshifted: Vec<_> = unshifted.collect();
            let same = |other| {
                letter(other).is_some_and(|c| c.to_lowercase().eq(character.to_lowercase()))
            };
            return self.lookup(mode, &unshifted, |key, bits| {
                [bits, bits | SHIFT_BIT]
                    .into_iter()
                    .any(|bits| same(self.translate(key, mode.group, bits).0))
            });
        }
        let character = Keysym::new(symbol).key_char().filter(|_| is_text(symbol));
        self.lookup(mode, &COMBINATIONS, |key, bits| {
            let (made, _) = self.translate(key, mode.group, bits);
            let same_character = || {
                character.is_some() && is_text(made) && Keysym::new(made).key_char() == character
            };
            made == symbol || same_character()
        })
    }

    /// The key with the fewest modifiers that satisfies with the bits in force.
    fn lookup(
        &self,
        mode: Mode,
        combinations: &[&'static [Shifter]],
        satisfies: impl Fn(u8, u8) -> bool,
    ) -> Option<Stroke> {
        combinations.iter().find_map(|with| {
            let bits = mode.locked | self.combined(with)?;
            let keycode = self.codes().find(|key| satisfies(*key, bits))?;
            Some(Stroke { keycode, with })
        })
    }

    /// Keys that no layout uses. Keycode 8 would be 0 for programs that count as the kernel does.
    pub(in crate::platform) fn spare_keys(&self) -> Vec<u8> {
        self.codes()
            .filter(|key| {
                *key > 8
                    && self.symbols(*key).iter().all(|symbol| *symbol == NONE)
                    && !self.is_modifier(*key)
            })
            .collect()
    }

    /// True if these and no others are on the key.
    pub(in crate::platform) fn holds(&self, keycode: u8, symbols: &[u32]) -> bool {
        self.symbols(keycode) == symbols
    }

    /// The type whose four levels are led to by Shift and AltGr, if this layout has both.
    pub(in crate::platform) fn four_levels(&self) -> Option<u8> {
        let level = |kind: &KeyType, bits: u8| {
            let entry = kind
                .map
                .iter()
                .find(|entry| entry.active && of(entry.mods_mask) == bits);
            entry.map_or(0, |entry| entry.level)
        };
        let third = self.combined(&[Shifter::Third])?;
        let shift = self.combined(&[Shifter::Shift])?;
        let fits = |kind: &KeyType| {
            (of(kind.mods_mask), kind.num_levels) == (shift | third, 4)
                && [shift, third, shift | third].map(|bits| level(kind, bits)) == [1, 2, 3]
        };
        let index = self.types.iter().position(fits)?;
        u8::try_from(index).ok()
    }
}

/// The pair of symbols that a spare key gets for a character: both cases of a letter, so
/// that CapsLock can be undone by Shift.
pub(in crate::platform) fn pair_for(character: char) -> [u32; 2] {
    let (lower, upper) = cases(character);
    [plainest(lower), plainest(upper)]
}

/// The same for a letter that has only one case, while CapsLock is on: it must be CapsLock that leads to it, or
/// programs would look for another case by themselves.
pub(in crate::platform) fn pair_under_caps(character: char) -> [u32; 2] {
    let pair = pair_for(character);
    match pair[0] == pair[1] {
        true => [plainest(' '), pair[1]],
        false => pair,
    }
}

/// By its number in Unicode: of the older names some are unknown to some programs (GTK does not know `permille`).
fn plainest(character: char) -> u32 {
    match u32::from(character) {
        latin @ (0x20..=0x7e | 0xa0..=0xff) => latin,
        other => 0x0100_0000 | other,
    }
}

/// True if it is a letter that CapsLock, which is on, may change.
pub(in crate::platform) fn capital(character: char, mode: Mode) -> bool {
    (character.is_lowercase() || character.is_uppercase()) && mode.locked & LOCK_BIT != 0
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

/// The group of a key that is in force: one beyond its last is brought back as the key says.
fn effective_group(info: u8, group: u8) -> Option<u8> {
    let count = info & 0x0f;
    if count == 0 {
        return None;
    }
    if group < count {
        return Some(group);
    }
    match info & 0xc0 {
        0x40 => Some(count - 1),
        0x80 => Some((info >> 4 & 3).min(count - 1)),
        _ => Some(group % count),
    }
}

fn of(mask: ModMask) -> u8 {
    u16::from(mask) as u8
}

/// The left one of a right modifier, and the plain one of a key on the number pad.
fn twin(symbol: u32) -> Option<u32> {
    match symbol {
        0xffe2 => Some(0xffe1),
        0xffe4 => Some(0xffe3),
        0xffe8 => Some(0xffe7),
        0xffea => Some(0xffe9),
        0xffec => Some(0xffeb),
        0xff8d => Some(0xff0d),
        // Home, arrows, Page up and down, End, Begin.
        0xff95..=0xff9d => Some(symbol - 0xff95 + 0xff50),
        0xff9e => Some(0xff63),
        0xff9f => Some(0xffff),
        // Signs and digits, by their number in ASCII.
        0xffaa..=0xffb9 => Some(symbol - 0xff80),
        _ => None,
    }
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

#[cfg(test)]
#[path = "keyboard_tests.rs"]
mod tests;
