//! Keys that the technician's own desktop keeps for itself, sent from the menu instead.
//!
//! F11 is not among them and never will be: it is the customer's.

use fernsicht_protocol::content::InputEvent;

/// A combination, by the name on the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Combination {
    /// Its text's key.
    pub name: &'static str,
    /// X11 keysyms, in the order in which they go down.
    keysyms: &'static [u32],
}

impl Combination {
    /// Everything down, then everything up the other way.
    pub fn events(&self) -> impl Iterator<Item = InputEvent> {
        let key = |down| {
            move |keysym: &u32| InputEvent::Key {
                keysym: *keysym,
                down,
            }
        };
        let downs = self.keysyms.iter().map(key(true));
        downs.chain(self.keysyms.iter().rev().map(key(false)))
    }
}

/// All of them, in the menu's order.
pub const ALL: [Combination; 8] = [
    Combination {
        name: "keys-ctrl-alt-del",
        keysyms: &[CONTROL, ALT, DELETE],
    },
    Combination {
        name: "keys-alt-tab",
        keysyms: &[ALT, TAB],
    },
    Combination {
        name: "keys-super",
        keysyms: &[SUPER],
    },
    Combination {
        name: "keys-print",
        keysyms: &[PRINT],
    },
    Combination {
        name: "keys-ctrl-esc",
        keysyms: &[CONTROL, ESCAPE],
    },
    Combination {
        name: "keys-alt-f4",
        keysyms: &[ALT, F4],
    },
    Combination {
        name: "keys-ctrl-shift-esc",
        keysyms: &[CONTROL, SHIFT, ESCAPE],
    },
    Combination {
        name: "keys-alt-f2",
        keysyms: &[ALT, F2],
    },
];

const CONTROL: u32 = 0xffe3;
const SHIFT: u32 = 0xffe1;
const ALT: u32 = 0xffe9;
const SUPER: u32 = 0xffeb;
const DELETE: u32 = 0xffff;
const TAB: u32 = 0xff09;
const ESCAPE: u32 = 0xff1b;
const PRINT: u32 = 0xff61;
const F2: u32 = 0xffbf;
const F4: u32 = 0xffc1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_down_comes_up_and_none_is_the_customers_key() {
        for combination in ALL {
            let mut held = Vec::new();
            for event in combination.events() {
                let InputEvent::Key { keysym, down } = event else {
                    panic!("only keys")
                };
                assert!(
                    ![0xffc8, 0x1008_fe0b].contains(&keysym),
                    "F11 is never sent"
                );
                match down {
                    true => held.push(keysym),
                    false => assert_eq!(held.pop(), Some(keysym), "the other way round"),
                }
            }
            assert!(held.is_empty(), "{combination:?}");
        }
    }
}
