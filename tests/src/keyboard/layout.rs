//! The layouts of the matrix, and the texts that are typed between two of them.

use std::collections::BTreeSet;

use anyhow::Result;
use xkeysym::Keysym;

use crate::dice::Dice;
use crate::keymap::Keymap;
use crate::xserver::XServer;

/// A keyboard layout, as setxkbmap names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Layout {
    /// For people.
    pub name: &'static str,
    layout: &'static str,
    variant: &'static str,
}

impl Layout {
    /// The one of [`LAYOUTS`] with this name.
    pub fn named(name: &str) -> Self {
        let found = LAYOUTS.into_iter().find(|layout| layout.name == name);
        found.expect("tests name layouts of the matrix")
    }

    /// Gives a screen's keyboard this layout, with the Menu key as Compose where `compose` says so.
    pub fn set(&self, screen: &XServer, compose: bool) -> Result<()> {
        let mut arguments = vec!["-layout", self.layout, "-variant", self.variant];
        // An empty option takes those away that were set before.
        arguments.extend(["-option", ""]);
        if compose {
            arguments.extend(["-option", "compose:menu"]);
        }
        screen.run("setxkbmap", &arguments)
    }

    /// The screen's printable characters.
    pub fn characters(keymap: &Keymap) -> BTreeSet<char> {
        let printable = |c: &char| !c.is_control() && !c.is_whitespace() || *c == ' ';
        let text = |keysym: &u32| !(0xfd00..=0xffff).contains(keysym);
        keymap
            .keysyms()
            .filter(text)
            .filter_map(|keysym| Keysym::new(keysym).key_char())
            .filter(printable)
            .collect()
    }
}

/// A line that holds all of `characters` in some order, and at least [`LENGTH`] of them, without blanks at its ends.
pub fn text(characters: &BTreeSet<char>, dice: &mut Dice) -> String {
    let mut letters: Vec<char> = characters.iter().copied().filter(|c| *c != ' ').collect();
    let words: Vec<char> = WORDS.chars().collect();
    let mut fill = words.iter().cycle();
    while letters.len() + EXTRA.chars().count() + 3 < LENGTH {
        letters.extend(fill.next());
    }
    for at in (1..letters.len()).rev() {
        letters.swap(at, dice.roll(at as u32 + 1) as usize);
    }
    let half = letters.len() / 2;
    let side = |part: &[char]| part.iter().collect::<String>();
    format!(
        "{} {EXTRA} {}",
        side(&letters[..half]),
        side(&letters[half..])
    )
}

/// All that are tried against each other.
pub const LAYOUTS: [Layout; 6] = [
    layout("us", "us", ""),
    layout("de", "de", ""),
    layout("de-nodeadkeys", "de", "nodeadkeys"),
    layout("fr", "fr", ""),
    layout("ch", "ch", ""),
    layout("pl", "pl", ""),
];

/// What every text holds.
pub const EXTRA: &str = "„Zitat“ – … € ß ẞ æ ł ğ 日本";

/// The shortest text.
pub const LENGTH: usize = 200;

const WORDS: &str = "zyxabcZYXqwmAQWM1234567890";

const fn layout(name: &'static str, layout: &'static str, variant: &'static str) -> Layout {
    Layout {
        name,
        layout,
        variant,
    }
}
