//! Which keys travel as keysyms, and which keysym each is.

use winit::keyboard::{Key, KeyLocation, NamedKey};
use xkeysym::{Keysym, key};

/// What one key press means before modifiers are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// A modifier, the left or the right one.
    Modifier(Modifier, Side),
    /// A key with a name, by keysym.
    Named(u32),
    /// A character key.
    Character(char),
    /// Never sent: F11 belongs to the customer.
    StopKey,
    /// Acts on this computer only (AltGr, CapsLock, dead keys): what it makes travels as text.
    Local,
}

/// Modifiers that are held down at the customer's while they are held here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Modifier {
    /// Shift: sent only where a key or button needs it, since text carries its effect.
    Shift,
    /// Control.
    Control,
    /// Alt.
    Alt,
    /// The Windows or command key.
    Super,
}

/// Of two keys with one name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Side {
    /// The left one.
    #[default]
    Left,
    /// The right one.
    Right,
}

impl Modifier {
    /// The keysym of the one on this side.
    pub fn keysym(self, side: Side) -> u32 {
        match (self, side) {
            (Self::Shift, Side::Left) => key::Shift_L,
            (Self::Shift, Side::Right) => key::Shift_R,
            (Self::Control, Side::Left) => key::Control_L,
            (Self::Control, Side::Right) => key::Control_R,
            (Self::Alt, Side::Left) => key::Alt_L,
            (Self::Alt, Side::Right) => key::Alt_R,
            (Self::Super, Side::Left) => key::Super_L,
            (Self::Super, Side::Right) => key::Super_R,
        }
    }
}

/// What a key means.
pub fn meaning(logical: &Key, location: KeyLocation) -> Meaning {
    match logical {
        Key::Character(text) => {
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(c), None) => Meaning::Character(c),
                (None, _) | (Some(_), Some(_)) => Meaning::Local,
            }
        }
        Key::Named(named) => of_named(*named, location),
        Key::Dead(_) | Key::Unidentified(_) => Meaning::Local,
    }
}

/// The keysym of a character.
pub fn of_char(c: char) -> u32 {
    Keysym::from_char(c).raw()
}

/// The keysym of a character on the number pad.
pub fn of_pad(c: char) -> u32 {
    match c {
        '0'..='9' => key::KP_0 + (u32::from(c) - u32::from('0')),
        '+' => key::KP_Add,
        '-' => key::KP_Subtract,
        '*' => key::KP_Multiply,
        '/' => key::KP_Divide,
        '.' => key::KP_Decimal,
        ',' => key::KP_Separator,
        other => of_char(other),
    }
}

fn of_named(named: NamedKey, location: KeyLocation) -> Meaning {
    let pad = location == KeyLocation::Numpad;
    let side = match location {
        KeyLocation::Right => Side::Right,
        KeyLocation::Left | KeyLocation::Standard | KeyLocation::Numpad => Side::Left,
    };
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "winit names hundreds of keys of televisions and phones"
    )]
    let keysym = match named {
        NamedKey::F11 => return Meaning::StopKey,
        NamedKey::Shift => return Meaning::Modifier(Modifier::Shift, side),
        NamedKey::Control => return Meaning::Modifier(Modifier::Control, side),
        NamedKey::Alt => return Meaning::Modifier(Modifier::Alt, side),
        NamedKey::Super | NamedKey::Meta => return Meaning::Modifier(Modifier::Super, side),
        NamedKey::Space => return Meaning::Character(' '),
        NamedKey::Enter if pad => key::KP_Enter,
        NamedKey::Delete if pad => key::KP_Delete,
        NamedKey::Insert if pad => key::KP_Insert,
        NamedKey::Home if pad => key::KP_Home,
        NamedKey::End if pad => key::KP_End,
        NamedKey::PageUp if pad => key::KP_Prior,
        NamedKey::PageDown if pad => key::KP_Next,
        NamedKey::ArrowLeft if pad => key::KP_Left,
        NamedKey::ArrowRight if pad => key::KP_Right,
        NamedKey::ArrowUp if pad => key::KP_Up,
        NamedKey::ArrowDown if pad => key::KP_Down,
        NamedKey::Enter => key::Return,
        NamedKey::Tab => key::Tab,
        NamedKey::Backspace => key::BackSpace,
        NamedKey::Escape => key::Escape,
        NamedKey::Delete => key::Delete,
        NamedKey::Insert => key::Insert,
        NamedKey::Home => key::Home,
        NamedKey::End => key::End,
        NamedKey::PageUp => key::Prior,
        NamedKey::PageDown => key::Next,
        NamedKey::ArrowLeft => key::Left,
        NamedKey::ArrowRight => key::Right,
        NamedKey::ArrowUp => key::Up,
        NamedKey::ArrowDown => key::Down,
        NamedKey::ContextMenu => key::Menu,
        NamedKey::PrintScreen => key::Print,
        NamedKey::Pause => key::Pause,
        NamedKey::Clear => key::Clear,
        NamedKey::Help => key::Help,
        NamedKey::Undo => key::Undo,
        NamedKey::Redo => key::Redo,
        NamedKey::Find => key::Find,
        NamedKey::F1 => key::F1,
        NamedKey::F2 => key::F2,
        NamedKey::F3 => key::F3,
        NamedKey::F4 => key::F4,
        NamedKey::F5 => key::F5,
        NamedKey::F6 => key::F6,
        NamedKey::F7 => key::F7,
        NamedKey::F8 => key::F8,
        NamedKey::F9 => key::F9,
        NamedKey::F10 => key::F10,
        NamedKey::F12 => key::F12,
        _ => return Meaning::Local,
    };
    Meaning::Named(keysym)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_an_ordinary_keyboard() {
        let standard = KeyLocation::Standard;
        assert_eq!(
            meaning(&Key::Named(NamedKey::Enter), standard),
            Meaning::Named(0xff0d)
        );
        assert_eq!(
            meaning(&Key::Named(NamedKey::Enter), KeyLocation::Numpad),
            Meaning::Named(0xff8d)
        );
        assert_eq!(
            meaning(&Key::Named(NamedKey::F11), standard),
            Meaning::StopKey
        );
        assert_eq!(
            meaning(&Key::Named(NamedKey::AltGraph), standard),
            Meaning::Local
        );
        assert_eq!(
            meaning(&Key::Character("ä".into()), standard),
            Meaning::Character('ä')
        );
        assert_eq!(meaning(&Key::Dead(Some('^')), standard), Meaning::Local);
    }

    #[test]
    fn keys_that_are_there_twice() {
        let right = meaning(&Key::Named(NamedKey::Control), KeyLocation::Right);
        assert_eq!(right, Meaning::Modifier(Modifier::Control, Side::Right));
        assert_eq!(Modifier::Control.keysym(Side::Right), 0xffe4);
        let home = meaning(&Key::Named(NamedKey::Home), KeyLocation::Numpad);
        assert_eq!(home, Meaning::Named(0xff95));
        assert_eq!(of_pad('7'), 0xffb7);
        assert_eq!(of_pad('+'), 0xffab);
    }

    #[test]
    fn keysyms_of_characters() {
        assert_eq!(of_char('c'), 0x63);
        assert_eq!(of_char('ä'), 0xe4);
        assert_eq!(of_char('€'), 0x20ac);
    }
}
