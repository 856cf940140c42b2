//! The state of the technician's hands: which keys and buttons the customer's computer
//! holds down for him.
//!
//! - Printable text travels as characters: what the technician's keyboard types, arrives.
//! - With Ctrl, Alt or Super held, and for keys with names, keysyms travel, with the modifiers
//!   that are held. Shift is sent only where a key, button or wheel needs it, and taken back before text.
//! - AltGr, CapsLock and dead keys act here; what they make travels as text.
//! - What is held repeats here, as often as this keyboard says: never at the customer's, whatever the line does.
//! - F11 is never sent. Losing the focus releases everything.
//!
//! Pure: winit's events come in as [`Press`] and positions, [`InputEvent`]s go out.

use std::collections::{BTreeMap, HashMap};

use fernsicht_protocol::content::{Button, InputEvent};
use fernsicht_protocol::wire::Text;
use winit::keyboard::{Key, KeyLocation, ModifiersState, PhysicalKey};

use super::keys::{self, Meaning, Modifier, Side};

/// One key going down or up.
#[derive(Debug, Clone)]
pub struct Press {
    /// The key's place, which names it between down and up.
    pub physical: PhysicalKey,
    /// What the layout makes of it.
    pub logical: Key,
    /// What the layout makes of it without modifiers.
    pub plain: Key,
    /// The text that it types.
    pub text: Option<String>,
    /// Left, right or on the number pad.
    pub location: KeyLocation,
    /// Going down.
    pub down: bool,
    /// Held long enough to repeat.
    pub repeat: bool,
}

/// What came of a key press beside the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noted {
    /// Nothing.
    Nothing,
    /// It was F11.
    StopKey,
}

/// The hands.
#[derive(Debug, Default)]
pub struct Capture {
    modifiers: ModifiersState,
    /// What the customer's computer holds down.
    sent: BTreeMap<Modifier, Side>,
    /// On which side a modifier went down last.
    sides: BTreeMap<Modifier, Side>,
    keys: HashMap<PhysicalKey, u32>,
    buttons: Vec<Button>,
    scrolled: (f64, f64),
    altgr: bool,
}

impl Capture {
    /// Modifiers changed, as winit says; it counts also what was held before the focus came.
    pub fn handle_modifiers(&mut self, modifiers: ModifiersState) {
        self.modifiers = modifiers;
    }

    /// A key.
    pub fn handle_key(&mut self, press: &Press, out: &mut Vec<InputEvent>) -> Noted {
        let meaning = keys::meaning(&press.logical, press.location);
        if press.logical == Key::Named(winit::keyboard::NamedKey::AltGraph) {
            self.altgr = press.down;
        }
        if let (Meaning::Modifier(modifier, side), true) = (&meaning, press.down) {
            self.sides.insert(*modifier, *side);
        }
        if !press.down {
            self.handle_up(press, &meaning, out);
            return Noted::Nothing;
        }
        match meaning {
            Meaning::StopKey => return Noted::StopKey,
            Meaning::Modifier(Modifier::Shift, _) | Meaning::Local if press.text.is_none() => {}
            Meaning::Modifier(modifier, _) => {
                if modifier != Modifier::Shift {
                    self.hold(modifier, out);
                }
            }
            Meaning::Named(keysym) => self.key_down(press, keysym, out),
            Meaning::Character(c) if self.is_shortcut() => self.shortcut(press, c, out),
            Meaning::Character(_) | Meaning::Local => {
                self.text(press.text.as_deref().unwrap_or_default(), out)
            }
        }
        Noted::Nothing
    }

    /// Text from an input method.
    pub fn handle_text(&mut self, text: &str, out: &mut Vec<InputEvent>) {
        self.text(text, out);
    }

    /// The pointer moved over the picture.
    pub fn handle_move(&mut self, at: (u16, u16), out: &mut Vec<InputEvent>) {
        out.push(InputEvent::Move { x: at.0, y: at.1 });
    }

    /// A button went down or up at this place.
    pub fn handle_button(
        &mut self,
        button: Button,
        down: bool,
        at: (u16, u16),
        out: &mut Vec<InputEvent>,
    ) {
        if down {
            self.hold_all(out);
            self.buttons.push(button.clone());
        } else {
            let held = self.buttons.len();
            self.buttons.retain(|b| *b != button);
            if self.buttons.len() == held {
                return;
            }
        }
        out.push(InputEvent::Button {
            button,
            down,
            x: at.0,
            y: at.1,
        });
    }

    /// The wheel turned by these notches, positive right and down. Parts of notches add up.
    pub fn handle_scroll(&mut self, dx: f64, dy: f64, at: (u16, u16), out: &mut Vec<InputEvent>) {
        let (sum_x, sum_y) = (self.scrolled.0 + dx, self.scrolled.1 + dy);
        self.scrolled = (sum_x.fract(), sum_y.fract());
        let notches = |v: f64| (v.trunc() as i16).clamp(-MOST_NOTCHES, MOST_NOTCHES);
        let (dx, dy) = (notches(sum_x), notches(sum_y));
        if (dx, dy) == (0, 0) {
            return;
        }
        self.hold_all(out);
        out.push(InputEvent::Scroll {
            dx,
            dy,
            x: at.0,
            y: at.1,
        });
    }

    /// True while a button is held that went down over the picture: its motion and its
    /// release belong to the picture wherever the pointer is.
    pub fn holds_button(&self) -> bool {
        !self.buttons.is_empty()
    }

    /// The focus or the control is gone: everything goes up.
    pub fn release(&mut self, out: &mut Vec<InputEvent>) {
        let nothing = self.sent.is_empty() && self.keys.is_empty() && self.buttons.is_empty();
        let (modifiers, sides) = (self.modifiers, std::mem::take(&mut self.sides));
        *self = Self {
            modifiers,
            sides,
            ..Self::default()
        };
        if !nothing {
            out.push(InputEvent::ReleaseAll);
        }
    }

    fn handle_up(&mut self, press: &Press, meaning: &Meaning, out: &mut Vec<InputEvent>) {
        if let Some(keysym) = self.keys.remove(&press.physical) {
            out.push(InputEvent::Key {
                keysym,
                down: false,
            });
        }
        if let Meaning::Modifier(modifier, _) = meaning {
            self.let_go(*modifier, out);
        }
    }

    /// Ctrl and Alt together with AltGr are AltGr alone: so some systems name it.
    fn is_shortcut(&self) -> bool {
        let m = self.modifiers;
        let named = self.altgr && m.control_key() && m.alt_key();
        (m.control_key() || m.alt_key()) && !named || m.super_key()
    }

    /// Letters travel as they stand on the key, so that Shift and CapsLock do not count
    /// twice; other characters as they were made, without the Shift or AltGr that made them.
    fn shortcut(&mut self, press: &Press, made: char, out: &mut Vec<InputEvent>) {
        if press.location == KeyLocation::Numpad {
            return self.key_down(press, keys::of_pad(made), out);
        }
        let plain = match keys::meaning(&press.plain, press.location) {
            Meaning::Character(c) if !self.altgr => c,
            Meaning::Character(_)
            | Meaning::Modifier(..)
            | Meaning::Named(_)
            | Meaning::StopKey
            | Meaning::Local => made,
        };
        if plain.is_alphabetic() || plain == made && !self.altgr {
            let lower = plain.to_lowercase().next().unwrap_or(plain);
            return self.key_down(press, keys::of_char(lower), out);
        }
        if self.again(press, out) {
            return;
        }
        self.hold_all(out);
        self.let_go(Modifier::Shift, out);
        self.press(press.physical, keys::of_char(made), out);
    }

    fn key_down(&mut self, press: &Press, keysym: u32, out: &mut Vec<InputEvent>) {
        if self.again(press, out) {
            return;
        }
        self.hold_all(out);
        self.press(press.physical, keysym, out);
    }

    /// A key that repeats goes down again as what it was. False if it does not.
    fn again(&self, press: &Press, out: &mut Vec<InputEvent>) -> bool {
        let held = self.keys.get(&press.physical).filter(|_| press.repeat);
        if let Some(keysym) = held {
            let (keysym, down) = (*keysym, true);
            out.push(InputEvent::Key { keysym, down });
        }
        held.is_some()
    }

    fn press(&mut self, physical: PhysicalKey, keysym: u32, out: &mut Vec<InputEvent>) {
        self.keys.insert(physical, keysym);
        out.push(InputEvent::Key { keysym, down: true });
    }

    fn text(&mut self, text: &str, out: &mut Vec<InputEvent>) {
        let printable: String = text.chars().filter(|c| !c.is_control()).collect();
        if printable.is_empty() {
            return;
        }
        self.let_go(Modifier::Shift, out);
        let mut chunk = String::new();
        for c in printable.chars() {
            if chunk.len() + c.len_utf8() > MOST_TEXT {
                push_text(std::mem::take(&mut chunk), out);
            }
            chunk.push(c);
        }
        push_text(chunk, out);
    }

    /// Makes the customer's computer hold what is held here.
    fn hold_all(&mut self, out: &mut Vec<InputEvent>) {
        let m = self.modifiers;
        for (held, modifier) in [
            (m.shift_key(), Modifier::Shift),
            (m.control_key(), Modifier::Control),
            (m.alt_key(), Modifier::Alt),
            (m.super_key(), Modifier::Super),
        ] {
            if held {
                self.hold(modifier, out);
            } else {
                self.let_go(modifier, out);
            }
        }
    }

    fn hold(&mut self, modifier: Modifier, out: &mut Vec<InputEvent>) {
        if !self.sent.contains_key(&modifier) {
            let side = self.sides.get(&modifier).copied().unwrap_or_default();
            self.sent.insert(modifier, side);
            out.push(InputEvent::Key {
                keysym: modifier.keysym(side),
                down: true,
            });
        }
    }

    fn let_go(&mut self, modifier: Modifier, out: &mut Vec<InputEvent>) {
        if let Some(side) = self.sent.remove(&modifier) {
            out.push(InputEvent::Key {
                keysym: modifier.keysym(side),
                down: false,
            });
        }
    }
}

fn push_text(text: String, out: &mut Vec<InputEvent>) {
    let text = Text::new(text).expect("control characters are filtered and chunks are short");
    out.push(InputEvent::Text { text });
}

/// Bytes of one text event (protocol::content).
const MOST_TEXT: usize = 256;

/// Notches of one wheel event (protocol::content).
const MOST_NOTCHES: i16 = 32;

#[cfg(test)]
#[path = "capture_tests.rs"]
mod tests;
