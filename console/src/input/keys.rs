//! Which keys travel as keysyms, and which keysym each is.

use winit::keyboard::{Key, KeyLocation, NamedKey};
use xkeysym::{Keysym, key};

/// What one key press means before modifiers are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// A modifier.
    Modifier(Modifier),
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

impl Modifier {
    /// The keysym of the left one.
    pub fn keysym(self) -> u32 {
        match self {
            Self::Shift => key::Shift_L,
            Self::Control => key::Control_L,
            Self::Alt => key::Alt_L,
            Self::Super => key::Super_L,
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

fn of_named(named: NamedKey, location: KeyLocation) -> Meaning {
    let pad = location == KeyLocation::Numpad;
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "winit names hundreds of keys of televisions and phones"
    )]
    let keysym = match named {
        NamedKey::F11 => return Meaning::StopKey,
        NamedKey::Shift => return Meaning::Modifier(Modifier::Shift),
        NamedKey::Control => return Meaning::Modifier(Modifier::Control),
        NamedKey::Alt => return Meaning::Modifier(Modifier::Alt),
        NamedKey::Super | NamedKey::Meta => return Meaning::Modifier(Modifier::Super),
        NamedKey::Space => return Meaning::Character(' '),
        NamedKey::Enter if pad => key::KP_Enter,
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
    fn keysyms_of_characters() {
        assert_eq!(of_char('c'), 0x63);
        assert_eq!(of_char('ä'), 0xe4);
        assert_eq!(of_char('€'), 0x20ac);
    }
}
