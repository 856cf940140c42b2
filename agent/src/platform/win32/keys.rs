//! Which key of Windows a symbol is.

use windows::Win32::UI::Input::KeyboardAndMouse::{
    GetKeyboardLayout, HKL, MAPVK_VK_TO_VSC_EX, MapVirtualKeyExW, VIRTUAL_KEY, VK_ADD, VK_APPS,
    VK_BACK, VK_CAPITAL, VK_CLEAR, VK_DECIMAL, VK_DELETE, VK_DIVIDE, VK_DOWN, VK_END, VK_ESCAPE,
    VK_F1, VK_F11, VK_HELP, VK_HOME, VK_INSERT, VK_LCONTROL, VK_LEFT, VK_LMENU, VK_LSHIFT, VK_LWIN,
    VK_MULTIPLY, VK_NEXT, VK_NUMLOCK, VK_NUMPAD0, VK_PAUSE, VK_PRIOR, VK_RCONTROL, VK_RETURN,
    VK_RIGHT, VK_RMENU, VK_RSHIFT, VK_RWIN, VK_SCROLL, VK_SEPARATOR, VK_SNAPSHOT, VK_SPACE,
    VK_SUBTRACT, VK_TAB, VK_UP, VkKeyScanExW,
};
use windows::Win32::UI::WindowsAndMessaging::{GetForegroundWindow, GetWindowThreadProcessId};
use xkeysym::key;

/// A key, and whether it is one of those that came later to the keyboard and share a scan code with an older one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) code: VIRTUAL_KEY,
    pub(super) extended: bool,
}

/// A character's key in a layout, with what must be held for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stroke {
    pub(super) key: Key,
    pub(super) shift: bool,
    pub(super) alt_gr: bool,
}

/// The keyboard layout of whoever has the keyboard.
pub(super) fn layout() -> HKL {
    // SAFETY: numbers alone; without a window it is this thread's.
    unsafe { GetKeyboardLayout(GetWindowThreadProcessId(GetForegroundWindow(), None)) }
}

/// A key with a name.
pub(super) fn named(keysym: u32) -> Option<Key> {
    let (code, extended) = match keysym {
        key::BackSpace => (VK_BACK, false),
        key::Tab | key::ISO_Left_Tab => (VK_TAB, false),
        key::Clear | key::KP_Begin => (VK_CLEAR, false),
        key::Return => (VK_RETURN, false),
        key::KP_Enter => (VK_RETURN, true),
        key::Pause => (VK_PAUSE, false),
        key::Scroll_Lock => (VK_SCROLL, false),
        key::Escape => (VK_ESCAPE, false),
        key::Delete => (VK_DELETE, true),
        key::Home => (VK_HOME, true),
        key::Left => (VK_LEFT, true),
        key::Up => (VK_UP, true),
        key::Right => (VK_RIGHT, true),
        key::Down => (VK_DOWN, true),
        key::Prior => (VK_PRIOR, true),
        key::Next => (VK_NEXT, true),
        key::End => (VK_END, true),
        key::Insert => (VK_INSERT, true),
        key::Print | key::Sys_Req => (VK_SNAPSHOT, true),
        key::Menu => (VK_APPS, true),
        key::Help => (VK_HELP, false),
        key::Num_Lock => (VK_NUMLOCK, true),
        key::KP_Delete => (VK_DELETE, false),
        key::KP_Home => (VK_HOME, false),
        key::KP_Left => (VK_LEFT, false),
        key::KP_Up => (VK_UP, false),
        key::KP_Right => (VK_RIGHT, false),
        key::KP_Down => (VK_DOWN, false),
        key::KP_Prior => (VK_PRIOR, false),
        key::KP_Next => (VK_NEXT, false),
        key::KP_End => (VK_END, false),
        key::KP_Insert => (VK_INSERT, false),
        key::KP_Space => (VK_SPACE, false),
        key::KP_Tab => (VK_TAB, false),
        key::KP_Multiply => (VK_MULTIPLY, false),
        key::KP_Add => (VK_ADD, false),
        key::KP_Separator => (VK_SEPARATOR, false),
        key::KP_Subtract => (VK_SUBTRACT, false),
        key::KP_Decimal => (VK_DECIMAL, false),
        key::KP_Divide => (VK_DIVIDE, true),
        key::KP_0..=key::KP_9 => (
            VIRTUAL_KEY(VK_NUMPAD0.0 + (keysym - key::KP_0) as u16),
            false,
        ),
        key::F1..=key::F24 => (VIRTUAL_KEY(VK_F1.0 + (keysym - key::F1) as u16), false),
        key::Shift_L => (VK_LSHIFT, false),
        key::Shift_R => (VK_RSHIFT, false),
        key::Control_L => (VK_LCONTROL, false),
        key::Control_R => (VK_RCONTROL, true),
        key::Caps_Lock => (VK_CAPITAL, false),
        key::Alt_L | key::Meta_L => (VK_LMENU, false),
        key::Alt_R | key::Meta_R => (VK_RMENU, true),
        key::Super_L => (VK_LWIN, true),
        key::Super_R => (VK_RWIN, true),
        _ => return None,
    };
    Some(Key { code, extended })
}

/// A character's key. None if this layout lacks it, or has it on F11.
pub(super) fn of_char(character: char, layout: HKL) -> Option<Stroke> {
    let mut units = [0; 2];
    let [unit] = character.encode_utf16(&mut units) else {
        return None;
    };
    // SAFETY: numbers alone.
    let found = unsafe { VkKeyScanExW(*unit, layout) };
    let [code, with] = found.to_le_bytes();
    // Bits: Shift, Control, Alt, and others of a few layouts.
    let (shift, alt_gr) = (with & 1 != 0, with & 6 == 6);
    if found == -1 || with & 6 != 0 && !alt_gr || with & !7 != 0 {
        return None;
    }
    let code = VIRTUAL_KEY(code.into());
    (code != VK_F11).then_some(Stroke {
        key: Key {
            code,
            extended: false,
        },
        shift,
        alt_gr,
    })
}

/// The key's place on the keyboard. None if the layout has none for it.
pub(super) fn scan_code(key: Key, layout: HKL) -> Option<u16> {
    // SAFETY: numbers alone.
    let code = unsafe { MapVirtualKeyExW(key.code.0.into(), MAPVK_VK_TO_VSC_EX, Some(layout)) };
    let low = (code & 0xff) as u16;
    (low != 0).then_some(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_one_name_differ_by_their_place() {
        let both = |a, b| (named(a), named(b));
        for (key, pad) in [
            (key::Return, key::KP_Enter),
            (key::Left, key::KP_Left),
            (key::Delete, key::KP_Delete),
        ] {
            let (Some(key), Some(pad)) = both(key, pad) else {
                panic!("a key is missing")
            };
            assert_eq!(key.code, pad.code);
            assert_ne!(key.extended, pad.extended);
        }
        assert_eq!(named(key::F24).map(|key| key.code.0), Some(0x87));
        assert_eq!(named(u32::from('a')), None);
    }
}
