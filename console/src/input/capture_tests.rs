//! What the technician's hands do, and what travels.

use winit::keyboard::{KeyCode, NamedKey};

use super::*;

const SHIFT: u32 = 0xffe1;
const CTRL: u32 = 0xffe3;
const ALT: u32 = 0xffe9;

#[derive(Default)]
struct Hands {
    capture: Capture,
    out: Vec<InputEvent>,
}

impl Hands {
    fn modifiers(&mut self, state: ModifiersState) {
        self.capture.handle_modifiers(state);
    }

    fn press(
        &mut self,
        code: KeyCode,
        logical: Key,
        plain: &str,
        text: Option<&str>,
        down: bool,
        repeat: bool,
    ) -> Noted {
        let press = Press {
            physical: PhysicalKey::Code(code),
            logical,
            plain: Key::Character(plain.into()),
            text: text.map(str::to_owned),
            location: KeyLocation::Standard,
            down,
            repeat,
        };
        self.capture.handle_key(&press, &mut self.out)
    }

    fn types(&mut self, code: KeyCode, made: &str, plain: &str) {
        for down in [true, false] {
            self.press(
                code,
                Key::Character(made.into()),
                plain,
                Some(made),
                down,
                false,
            );
        }
    }

    fn named(&mut self, code: KeyCode, named: NamedKey, down: bool) -> Noted {
        self.press(code, Key::Named(named), "", None, down, false)
    }

    fn had(&mut self) -> Vec<InputEvent> {
        std::mem::take(&mut self.out)
    }
}

fn text(s: &str) -> InputEvent {
    InputEvent::Text {
        text: Text::new(s).unwrap(),
    }
}

fn key(keysym: u32, down: bool) -> InputEvent {
    InputEvent::Key { keysym, down }
}

#[test]
fn printable_text_travels_as_characters_and_shift_does_not() {
    let mut hands = Hands::default();
    hands.types(KeyCode::KeyG, "g", "g");
    hands.modifiers(ModifiersState::SHIFT);
    hands.named(KeyCode::ShiftLeft, NamedKey::Shift, true);
    hands.types(KeyCode::KeyA, "Ä", "ä");
    hands.named(KeyCode::ShiftLeft, NamedKey::Shift, false);
    assert_eq!(hands.had(), [text("g"), text("Ä")]);
}

#[test]
fn altgr_makes_text() {
    let mut hands = Hands::default();
    hands.named(KeyCode::AltRight, NamedKey::AltGraph, true);
    hands.types(KeyCode::KeyQ, "@", "q");
    hands.types(KeyCode::KeyE, "€", "e");
    hands.named(KeyCode::AltRight, NamedKey::AltGraph, false);
    // Windows says Ctrl+Alt for AltGr.
    hands.named(KeyCode::AltRight, NamedKey::AltGraph, true);
    hands.modifiers(ModifiersState::CONTROL | ModifiersState::ALT);
    hands.types(KeyCode::Digit7, "{", "7");
    assert_eq!(hands.had(), [text("@"), text("€"), text("{")]);
}

#[test]
fn composed_characters_travel_and_dead_keys_do_not() {
    let mut hands = Hands::default();
    hands.press(
        KeyCode::Backquote,
        Key::Dead(Some('^')),
        "^",
        None,
        true,
        false,
    );
    hands.press(
        KeyCode::KeyE,
        Key::Character("ê".into()),
        "e",
        Some("ê"),
        true,
        false,
    );
    assert_eq!(hands.had(), [text("ê")]);
}

#[test]
fn space_is_text_and_return_is_a_key() {
    let mut hands = Hands::default();
    hands.press(
        KeyCode::Space,
        Key::Named(NamedKey::Space),
        " ",
        Some(" "),
        true,
        false,
    );
    hands.press(
        KeyCode::Enter,
        Key::Named(NamedKey::Enter),
        "\r",
        Some("\r"),
        true,
        false,
    );
    hands.press(
        KeyCode::Enter,
        Key::Named(NamedKey::Enter),
        "\r",
        None,
        false,
        false,
    );
    hands.press(
        KeyCode::Tab,
        Key::Named(NamedKey::Tab),
        "\t",
        Some("\t"),
        true,
        false,
    );
    assert_eq!(
        hands.had(),
        [
            text(" "),
            key(0xff0d, true),
            key(0xff0d, false),
            key(0xff09, true)
        ]
    );
}

#[test]
fn shortcuts_travel_as_keys_with_their_modifiers() {
    let mut hands = Hands::default();
    hands.named(KeyCode::ControlLeft, NamedKey::Control, true);
    hands.modifiers(ModifiersState::CONTROL);
    for c in ["c", "x", "v"] {
        hands.types(KeyCode::KeyC, c, c);
    }
    hands.named(KeyCode::ControlLeft, NamedKey::Control, false);
    let c = |c| keys::of_char(c);
    assert_eq!(
        hands.had(),
        [
            key(CTRL, true),
            key(c('c'), true),
            key(c('c'), false),
            key(c('x'), true),
            key(c('x'), false),
            key(c('v'), true),
            key(c('v'), false),
            key(CTRL, false)
        ]
    );
}

#[test]
fn shift_is_held_for_keys_and_taken_back_for_text() {
    let mut hands = Hands::default();
    hands.named(KeyCode::ShiftLeft, NamedKey::Shift, true);
    hands.modifiers(ModifiersState::SHIFT);
    hands.named(KeyCode::ArrowLeft, NamedKey::ArrowLeft, true);
    hands.named(KeyCode::ArrowLeft, NamedKey::ArrowLeft, false);
    hands.types(KeyCode::KeyA, "A", "a");
    hands.named(KeyCode::ShiftLeft, NamedKey::Shift, false);
    assert_eq!(
        hands.had(),
        [
            key(SHIFT, true),
            key(0xff51, true),
            key(0xff51, false),
            key(SHIFT, false),
            text("A")
        ]
    );
}

#[test]
fn shifted_shortcuts() {
    let mut hands = Hands::default();
    hands.modifiers(ModifiersState::CONTROL | ModifiersState::SHIFT);
    hands.types(KeyCode::KeyT, "T", "t");
    assert_eq!(
        hands.had(),
        [
            key(SHIFT, true),
            key(CTRL, true),
            key(0x74, true),
            key(0x74, false)
        ]
    );
    // Ctrl and plus on a US keyboard: the Shift belongs to the plus.
    hands.types(KeyCode::Equal, "+", "=");
    assert_eq!(
        hands.had(),
        [key(SHIFT, false), key(0x2b, true), key(0x2b, false)]
    );
}

#[test]
fn altgr_in_a_shortcut_makes_the_character_of_it() {
    let mut hands = Hands::default();
    hands.named(KeyCode::AltRight, NamedKey::AltGraph, true);
    hands.modifiers(ModifiersState::CONTROL);
    hands.types(KeyCode::KeyQ, "@", "q");
    assert_eq!(
        hands.had(),
        [key(CTRL, true), key(0x40, true), key(0x40, false)]
    );
}

#[test]
fn right_modifiers_and_the_number_pad_travel_as_such() {
    let mut hands = Hands::default();
    let mut press = |logical: Key, location, text: Option<&str>, down| {
        let press = Press {
            physical: PhysicalKey::Code(KeyCode::NumpadAdd),
            logical: logical.clone(),
            plain: logical,
            text: text.map(str::to_owned),
            location,
            down,
            repeat: false,
        };
        hands.capture.handle_key(&press, &mut hands.out);
    };
    let control = Key::Named(NamedKey::Control);
    let plus = Key::Character("+".into());
    press(plus.clone(), KeyLocation::Numpad, Some("+"), true);
    press(control.clone(), KeyLocation::Right, None, true);
    hands.capture.handle_modifiers(ModifiersState::CONTROL);
    let mut press = |logical: Key, location, down| {
        let press = Press {
            physical: PhysicalKey::Code(KeyCode::NumpadAdd),
            logical: logical.clone(),
            plain: logical,
            text: None,
            location,
            down,
            repeat: false,
        };
        hands.capture.handle_key(&press, &mut hands.out);
    };
    press(plus.clone(), KeyLocation::Numpad, true);
    press(plus, KeyLocation::Numpad, false);
    press(control, KeyLocation::Right, false);
    assert_eq!(
        hands.had(),
        [
            text("+"),
            key(0xffe4, true),
            key(0xffab, true),
            key(0xffab, false),
            key(0xffe4, false)
        ]
    );
}

#[test]
fn modifiers_held_before_the_focus_came_are_sent_with_the_key() {
    let mut hands = Hands::default();
    hands.modifiers(ModifiersState::ALT);
    hands.named(KeyCode::F4, NamedKey::F4, true);
    hands.modifiers(ModifiersState::empty());
    hands.named(KeyCode::F4, NamedKey::F4, false);
    hands.named(KeyCode::F5, NamedKey::F5, true);
    assert_eq!(
        hands.had(),
        [
            key(ALT, true),
            key(0xffc1, true),
            key(0xffc1, false),
            key(ALT, false),
            key(0xffc2, true)
        ]
    );
}

#[test]
fn what_is_held_repeats_here() {
    let mut hands = Hands::default();
    for repeat in [false, true, true] {
        hands.press(
            KeyCode::KeyA,
            Key::Character("a".into()),
            "a",
            Some("a"),
            true,
            repeat,
        );
        hands.press(
            KeyCode::ArrowUp,
            Key::Named(NamedKey::ArrowUp),
            "",
            None,
            true,
            repeat,
        );
    }
    assert_eq!(
        hands.had(),
        [
            text("a"),
            key(0xff52, true),
            text("a"),
            key(0xff52, true),
            text("a"),
            key(0xff52, true)
        ]
    );
}

#[test]
fn f11_is_never_sent() {
    for state in [
        ModifiersState::empty(),
        ModifiersState::CONTROL,
        ModifiersState::all(),
    ] {
        let mut hands = Hands::default();
        hands.modifiers(state);
        assert_eq!(
            hands.named(KeyCode::F11, NamedKey::F11, true),
            Noted::StopKey
        );
        assert_eq!(
            hands.named(KeyCode::F11, NamedKey::F11, false),
            Noted::Nothing
        );
        assert!(hands.had().is_empty());
    }
}

#[test]
fn losing_the_focus_releases_everything_once() {
    let mut hands = Hands::default();
    hands.capture.release(&mut hands.out);
    assert!(hands.had().is_empty(), "nothing was held");
    hands.named(KeyCode::ArrowUp, NamedKey::ArrowUp, true);
    hands
        .capture
        .handle_button(Button::Left, true, (3, 4), &mut hands.out);
    hands.had();
    hands.capture.release(&mut hands.out);
    hands.named(KeyCode::ArrowUp, NamedKey::ArrowUp, false);
    hands
        .capture
        .handle_button(Button::Left, false, (3, 4), &mut hands.out);
    assert_eq!(hands.had(), [InputEvent::ReleaseAll]);
}

#[test]
fn parts_of_notches_add_up() {
    let mut hands = Hands::default();
    for _ in 0..4 {
        hands
            .capture
            .handle_scroll(0.0, 0.25, (1, 2), &mut hands.out);
    }
    hands
        .capture
        .handle_scroll(0.0, -1000.0, (1, 2), &mut hands.out);
    assert_eq!(
        hands.had(),
        [
            InputEvent::Scroll {
                dx: 0,
                dy: 1,
                x: 1,
                y: 2
            },
            InputEvent::Scroll {
                dx: 0,
                dy: -32,
                x: 1,
                y: 2
            }
        ]
    );
}

#[test]
fn long_text_travels_in_pieces() {
    let mut hands = Hands::default();
    hands.capture.handle_text(&"ä".repeat(200), &mut hands.out);
    let pieces: Vec<usize> = hands
        .had()
        .iter()
        .map(|e| match e {
            InputEvent::Text { text } => text.as_str().chars().count(),
            InputEvent::Move { .. }
            | InputEvent::Button { .. }
            | InputEvent::Scroll { .. }
            | InputEvent::Key { .. }
            | InputEvent::ReleaseAll => panic!("only text"),
        })
        .collect();
    assert_eq!(pieces, [128, 72]);
}
