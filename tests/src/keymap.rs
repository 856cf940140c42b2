//! Which key, with which of Shift and AltGr, makes a character on a display's layout.

use std::collections::HashMap;

use anyhow::{Context, Result, anyhow};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::ConnectionExt;
use x11rb::rust_connection::RustConnection;

/// A key with the levels that must be held for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chord {
    /// X11 key code.
    pub keycode: u8,
    /// Shift is held.
    pub shift: bool,
    /// AltGr (ISO_Level3_Shift) is held.
    pub alt_gr: bool,
}

/// A display's layout: keysyms to chords. Read once.
#[derive(Debug)]
pub struct Keymap {
    chords: HashMap<u32, Chord>,
    free: Vec<u8>,
}

impl Keymap {
    /// Reads the layout of `connection`'s display.
    pub fn read(connection: &RustConnection) -> Result<Self> {
        let setup = connection.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let map = connection
            .get_keyboard_mapping(first, last - first + 1)?
            .reply()?;
        let width = usize::from(map.keysyms_per_keycode);
        let mut chords = HashMap::new();
        // XKB shows group 1 as columns 0, 1 (levels 1, 2) and 4, 5 (levels 3, 4). The plainest wins.
        for (column, shift, alt_gr) in [
            (0, false, false),
            (1, true, false),
            (4, false, true),
            (5, true, true),
        ] {
            for (row, keycode) in map.keysyms.chunks(width).zip(first..=last) {
                match row.get(column) {
                    Some(&keysym) if keysym != 0 => {
                        chords.entry(keysym).or_insert(Chord {
                            keycode,
                            shift,
                            alt_gr,
                        });
                    }
                    Some(_) | None => {}
                }
            }
        }
        let nothing = |row: &&[u32]| row.iter().all(|keysym| *keysym == 0);
        let free = map.keysyms.chunks(width).zip(first..=last);
        let free = free
            .filter(|(row, _)| nothing(row))
            .map(|(_, keycode)| keycode);
        Ok(Self {
            chords,
            // The first would be 0 for programs that count as the kernel does.
            free: free.filter(|keycode| *keycode > first).collect(),
        })
    }

    /// All keysyms on its keys.
    pub fn keysyms(&self) -> impl Iterator<Item = u32> {
        self.chords.keys().copied()
    }

    /// Keys that nothing is on.
    pub fn free(&self) -> Vec<u8> {
        self.free.clone()
    }

    /// The chord of a keysym. Errors: the layout lacks it.
    pub fn keysym(&self, keysym: u32) -> Result<Chord> {
        let chord = self.chords.get(&keysym).copied();
        chord.ok_or_else(|| anyhow!("the layout has no key for keysym {keysym:#x}"))
    }

    /// The chord of a character. Errors: the layout lacks it.
    pub fn character(&self, character: char) -> Result<Chord> {
        let keysym = match character {
            '\n' => keysyms::RETURN,
            '\t' => keysyms::TAB,
            other => xkeysym::Keysym::from_char(other).raw(),
        };
        self.keysym(keysym)
            .with_context(|| format!("for {character:?}"))
    }
}

/// The keysyms that tests name.
pub mod keysyms {
    /// Return.
    pub const RETURN: u32 = 0xff0d;
    /// Tab.
    pub const TAB: u32 = 0xff09;
    /// Escape.
    pub const ESCAPE: u32 = 0xff1b;
    /// Space bar.
    pub const SPACE: u32 = 0x20;
    /// F11.
    pub const F11: u32 = 0xffc8;
    /// Left Shift.
    pub const SHIFT: u32 = 0xffe1;
    /// Left Control.
    pub const CONTROL: u32 = 0xffe3;
    /// Left Alt.
    pub const ALT: u32 = 0xffe9;
    /// AltGr.
    pub const ALT_GR: u32 = 0xfe03;
    /// Keys that change what others mean: Shift, Control, Caps Lock, Meta, Alt, Super, AltGr.
    pub const MODIFIERS: [u32; 14] = [
        0xffe1, 0xffe2, 0xffe3, 0xffe4, 0xffe5, 0xffe7, 0xffe8, 0xffe9, 0xffea, 0xffeb, 0xffec,
        0xfe03, 0xff7e, 0xffe6,
    ];
    /// End.
    pub const END: u32 = 0xff57;
    /// Page down.
    pub const PAGE_DOWN: u32 = 0xff56;
}
