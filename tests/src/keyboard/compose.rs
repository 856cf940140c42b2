//! Which keys, one after the other, make a character: dead keys and the Compose key, by the table that the
//! system's own programs read.

use std::collections::HashMap;
use std::fs;

use anyhow::{Context, Result};
use xkeysym::Keysym;

use crate::keymap::{Chord, Keymap};

/// The sequences of the table.
#[derive(Debug)]
pub struct Table {
    lines: Vec<(Vec<String>, char)>,
}

impl Table {
    /// Reads the table of UTF-8 locales.
    pub fn read() -> Result<Self> {
        let text = fs::read_to_string(TABLE).with_context(|| TABLE.to_owned())?;
        Ok(Self {
            lines: text.lines().filter_map(line).collect(),
        })
    }

    /// What a layout makes with more than one key: the shortest sequence of each character.
    pub fn sequences(&self, keymap: &Keymap) -> HashMap<char, Vec<Chord>> {
        let named: HashMap<&str, u32> = keymap
            .keysyms()
            .filter_map(|keysym| {
                let name = Keysym::new(keysym).name()?;
                Some((name.strip_prefix("XK_").unwrap_or(name), keysym))
            })
            .collect();
        let mut found: HashMap<char, Vec<Chord>> = HashMap::new();
        for (names, made) in &self.lines {
            let chord = |name: &String| keymap.keysym(*named.get(name.as_str())?).ok();
            let Some(chords) = names.iter().map(chord).collect::<Option<Vec<_>>>() else {
                continue;
            };
            let shorter = found.get(made).is_none_or(|old| chords.len() < old.len());
            if shorter {
                found.insert(*made, chords);
            }
        }
        found
    }
}

/// `<dead_acute> <e> : "é" eacute`
fn line(text: &str) -> Option<(Vec<String>, char)> {
    let (keys, made) = text.split_once(':')?;
    let names: Vec<String> = keys
        .split_whitespace()
        .map(|key| Some(key.strip_prefix('<')?.strip_suffix('>')?.to_owned()))
        .collect::<Option<_>>()?;
    let mut made = made.split('"').nth(1)?.chars();
    let (only, None) = (made.next()?, made.next()) else {
        return None;
    };
    (names.len() > 1 && only != '\\').then_some((names, only))
}

const TABLE: &str = "/usr/share/X11/locale/en_US.UTF-8/Compose";
