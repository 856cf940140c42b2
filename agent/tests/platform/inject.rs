//! What the technician sends is what programs receive.

use std::path::Path;

use fernsicht_agent::platform::inject::{Error, Inject};
use fernsicht_agent::platform::{Area, Error as PlatformError};
use fernsicht_protocol::content::{Button, InputEvent};
use fernsicht_protocol::wire::Text;
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{ConnectionExt as _, InputFocus, KeyButMask};

use crate::rig::{Customer, Hand, Server, eventually};

const AREA: Area = Area {
    x: 0,
    y: 0,
    width: 1280,
    height: 800,
};
const HARD: &str = "Grüße äöüß ÄÖÜ € @ {[]} \\ ~ | 'quoted'";
const RETURN: u32 = 0xff0d;
const SHIFT: u32 = 0xffe1;
const CONTROL: u32 = 0xffe3;
const CAPS_LOCK: u32 = 0xffe5;
const NUM_LOCK: u32 = 0xff7f;

fn text(text: &str) -> InputEvent {
    InputEvent::Text {
        text: Text::new(text).unwrap(),
    }
}

fn tap(customer: &mut Customer, inject: &mut Inject, keysym: u32) {
    for down in [true, false] {
        customer
            .inject(inject, InputEvent::Key { keysym, down }, AREA)
            .unwrap();
    }
}

/// An xterm whose typed lines land in a file.
fn terminal(server: &mut Server, directory: &Path) -> std::path::PathBuf {
    let file = directory.join("typed");
    let command = format!("stty -echo; touch {0}.ready; cat > {0}", file.display());
    server.run(
        "xterm",
        &["-u8", "-geometry", "100x20+0+0", "-e", "sh", "-c", &command],
    );
    let ready = directory.join("typed.ready");
    eventually("the terminal is ready", || ready.exists());
    let client = server.client();
    eventually("the terminal has the focus", || {
        let place = client
            .connection
            .query_pointer(client.root)
            .unwrap()
            .reply()
            .unwrap();
        client
            .connection
            .warp_pointer(0u32, client.root, 0, 0, 0, 0, 200, 100)
            .unwrap();
        place.child != 0
    });
    file
}

fn arrives(file: &Path, expected: &str) {
    let read = || std::fs::read_to_string(file).unwrap_or_default();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while read() != expected && std::time::Instant::now() < end {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(read(), expected);
}

#[test]
fn characters_that_the_layout_lacks_arrive_exactly() {
    let mut server = Server::start();
    let directory = tempfile::tempdir().unwrap();
    let file = terminal(&mut server, directory.path());
    let mut customer = Customer::granting();
    let mut inject = Inject::open(Some(&server.display)).unwrap();
    let before = mapping(&server);
    let mut expected = String::new();
    for _ in 0..5 {
        customer.inject(&mut inject, text(HARD), AREA).unwrap();
        tap(&mut customer, &mut inject, RETURN);
        expected.push_str(HARD);
        expected.push('\n');
    }
    arrives(&file, &expected);
    // Character by character, as a console sends it.
    for character in HARD.chars() {
        customer
            .inject(&mut inject, text(&character.to_string()), AREA)
            .unwrap();
    }
    tap(&mut customer, &mut inject, RETURN);
    expected.push_str(HARD);
    expected.push('\n');
    arrives(&file, &expected);
    assert_ne!(mapping(&server), before);
    inject.release_all().unwrap();
    assert_eq!(mapping(&server), before, "the layout is as it was");
}

#[test]
#[ignore = "needs mousepad and openbox"]
fn a_gtk_editor_saves_what_was_typed() {
    let mut server = Server::start();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("letter.txt");
    std::fs::write(&file, "").unwrap();
    server.run("openbox", &[]);
    server.run("mousepad", &["--disable-server", file.to_str().unwrap()]);
    let client = server.client();
    let manager = client.window_manager();
    let owner = |window: u32| window & !client.connection.setup().resource_id_mask;
    eventually("the editor has the focus", || {
        let focus = client
            .connection
            .get_input_focus()
            .unwrap()
            .reply()
            .unwrap()
            .focus;
        focus > 1 && ![owner(manager), owner(client.root)].contains(&owner(focus))
    });
    std::thread::sleep(std::time::Duration::from_secs(2));
    let mut customer = Customer::granting();
    let mut inject = Inject::open(Some(&server.display)).unwrap();
    let mut expected = String::new();
    for _ in 0..3 {
        customer.inject(&mut inject, text(HARD), AREA).unwrap();
        tap(&mut customer, &mut inject, RETURN);
        expected.push_str(HARD);
        expected.push('\n');
    }
    for character in HARD.chars() {
        customer
            .inject(&mut inject, text(&character.to_string()), AREA)
            .unwrap();
    }
    tap(&mut customer, &mut inject, RETURN);
    expected.push_str(HARD);
    expected.push('\n');
    let control = |down| InputEvent::Key {
        keysym: CONTROL,
        down,
    };
    customer.inject(&mut inject, control(true), AREA).unwrap();
    tap(&mut customer, &mut inject, 0x73);
    customer.inject(&mut inject, control(false), AREA).unwrap();
    arrives(&file, &expected);
}

#[test]
fn more_strange_characters_than_spare_keys_arrive_in_order() {
    let mut server = Server::start();
    let directory = tempfile::tempdir().unwrap();
    let file = terminal(&mut server, directory.path());
    let mut customer = Customer::granting();
    let mut inject = Inject::open(Some(&server.display)).unwrap();
    let greek: String = ('α'..='ω').chain('а'..='я').chain('א'..='ת').collect();
    let mut expected = String::new();
    // All or nothing: not in one piece.
    let outcome = customer.inject(&mut inject, text(&greek), AREA);
    assert!(matches!(outcome, Err(Error::NoSpareKey)), "{outcome:?}");
    for _ in 0..2 {
        for character in greek.chars() {
            let piece = text(&character.to_string());
            customer.inject(&mut inject, piece, AREA).unwrap();
        }
        tap(&mut customer, &mut inject, RETURN);
        expected.push_str(&greek);
        expected.push('\n');
    }
    arrives(&file, &expected);
}

#[test]
fn nobody_waits_for_a_key_to_rest_while_injecting() {
    let server = Server::start();
    let mut customer = Customer::granting();
    let mut inject = Inject::open(Some(&server.display)).unwrap();
    let strange: Vec<char> = ('α'..='ω').chain('а'..='я').chain('א'..='ת').collect();
    // As many as there are keys, pressed at once: none of them has rested then.
    let full = (1..=strange.len()).rev().find(|count| {
        let all: String = strange[..*count].iter().collect();
        customer.inject(&mut inject, text(&all), AREA).is_ok()
    });
    let all: String = strange[..full.unwrap()].iter().collect();
    let refused = (0..10).any(|_| {
        customer.inject(&mut inject, text(&all), AREA).unwrap();
        let outcome = customer.inject_unprepared(&mut inject, text("ա"), AREA);
        matches!(outcome, Err(Error::Unprepared))
    });
    assert!(refused);
    customer.inject(&mut inject, text("ա"), AREA).unwrap();
}

#[test]
fn other_layouts_caps_lock_and_held_modifiers_change_nothing() {
    let mut server = Server::start();
    let directory = tempfile::tempdir().unwrap();
    let file = terminal(&mut server, directory.path());
    let mut customer = Customer::granting();
    let mut inject = Inject::open(Some(&server.display)).unwrap();
    let mut expected = String::new();
    let line = format!("{HARD} ^`´ aZ1!?ß ıłŁ日");
    for layout in ["de", "fr", "us,ru", "us"] {
        server.call("setxkbmap", &[layout]);
        for caps in [false, true] {
            if caps {
                tap(&mut customer, &mut inject, CAPS_LOCK);
            }
            customer.inject(&mut inject, text(&line), AREA).unwrap();
            tap(&mut customer, &mut inject, RETURN);
            if caps {
                tap(&mut customer, &mut inject, CAPS_LOCK);
            }
            expected.push_str(&line);
            expected.push('\n');
            arrives(&file, &expected);
        }
    }
    for keysym in [SHIFT, CONTROL] {
        customer
            .inject(&mut inject, InputEvent::Key { keysym, down: true }, AREA)
            .unwrap();
        customer.inject(&mut inject, text("held Ä"), AREA).unwrap();
        assert!(inject.holding());
        customer
            .inject(
                &mut inject,
                InputEvent::Key {
                    keysym,
                    down: false,
                },
                AREA,
            )
            .unwrap();
        tap(&mut customer, &mut inject, RETURN);
        expected.push_str("held Ä\n");
    }
    arrives(&file, &expected);
    // Control+D ends the file: shortcuts work.
    customer
        .inject(
            &mut inject,
            InputEvent::Key {
                keysym: CONTROL,
                down: true,
            },
            AREA,
        )
        .unwrap();
    tap(&mut customer, &mut inject, 0x44);
    customer
        .inject(
            &mut inject,
            InputEvent::Key {
                keysym: CONTROL,
                down: false,
            },
            AREA,
        )
        .unwrap();
    let client = server.client();
    eventually("the terminal ends", || {
        client
            .connection
            .query_tree(client.root)
            .unwrap()
            .reply()
            .unwrap()
            .children
            .is_empty()
    });
}

#[test]
fn f11_is_never_pressed_by_any_name() {
    let server = Server::start();
    let mut inject = Inject::open(Some(&server.display)).unwrap();
    // The guard refuses F11 too; here it is asked directly, before any permit.
    let outcome = inject.prepare(&InputEvent::Key {
        keysym: 0xffc8,
        down: true,
    });
    assert!(matches!(outcome, Err(Error::StopKey)), "{outcome:?}");
    // What lies on the key of F11 under Control and Alt.
    let outcome = inject.prepare(&InputEvent::Key {
        keysym: 0x1008_fe0b,
        down: true,
    });
    assert!(matches!(outcome, Err(Error::StopKey)), "{outcome:?}");
    // Ending the customer's X server is not on offer either.
    // Nor are clicks and motions by keys, which no check of the position would see.
    for keysym in [0xfed5, 0xfee9, 0xfee0, 0xfefa, 0xfe70, 0xfe77, 0xfe7a] {
        let outcome = inject.prepare(&InputEvent::Key { keysym, down: true });
        assert!(matches!(outcome, Err(Error::NoSuchKey)), "{outcome:?}");
    }
    let mut customer = Customer::granting();
    server.call("xmodmap", &["-e", "keycode 38 = a F11"]);
    let outcome = customer.inject(&mut inject, text("a"), AREA);
    assert!(matches!(outcome, Err(Error::StopKey)), "{outcome:?}");
}

#[test]
fn what_steers_the_server_is_refused_under_any_modifier() {
    const ALT: u32 = 0xffe9;
    const BACKSPACE: u32 = 0xff08;
    let server = Server::start();
    server.call("setxkbmap", &["de", "-option", "terminate:ctrl_alt_bksp"]);
    let mut customer = Customer::granting();
    let mut inject = Inject::open(Some(&server.display)).unwrap();
    for key in [0xffbe, 0xffc9, BACKSPACE] {
        tap(&mut customer, &mut inject, key);
    }
    for keysym in [CONTROL, ALT] {
        let down = InputEvent::Key { keysym, down: true };
        customer.inject(&mut inject, down, AREA).unwrap();
    }
    for keysym in [0xffbe, 0xffc9, BACKSPACE] {
        let down = InputEvent::Key { keysym, down: true };
        let outcome = customer.inject(&mut inject, down, AREA);
        assert!(matches!(outcome, Err(Error::NoSuchKey)), "{outcome:?}");
    }
    // Ctrl+Alt+Del is nobody's but the desktop's.
    tap(&mut customer, &mut inject, 0xffff);
    inject.release_all().unwrap();
}

/// A customer's layout is that of his own keyboard; the one through which programs inject may have another.
#[test]
fn the_layout_is_that_of_the_keyboard_on_which_keys_are_pressed() {
    let mut server = Server::start();
    let directory = tempfile::tempdir().unwrap();
    let file = terminal(&mut server, directory.path());
    let hand = Hand::new(&server);
    server.call("setxkbmap", &["us"]);
    server.call(
        "setxkbmap",
        &["-device", &hand.keyboard().to_string(), "de"],
    );
    let mut customer = Customer::granting();
    let mut inject = Inject::open(Some(&server.display)).unwrap();
    let shift = 50;
    hand.key(shift);
    let own = mapping(&server);
    let mut expected = String::new();
    for line in ["zy", "Zitat ß 日本 „ł“", "yz?/"] {
        // The common keyboard is the customer's again in between.
        hand.key(shift);
        assert_eq!(mapping(&server), own);
        customer.inject(&mut inject, text(line), AREA).unwrap();
        tap(&mut customer, &mut inject, RETURN);
        expected.push_str(line);
        expected.push('\n');
        arrives(&file, &expected);
    }
    // Even without a word of farewell.
    std::mem::forget(inject);
    hand.key(shift);
    assert_eq!(mapping(&server), own);
}

#[test]
fn number_pad_and_right_modifiers_are_those_keys() {
    let server = Server::start();
    server.call("setxkbmap", &["de"]);
    let client = server.client();
    let mut customer = Customer::granting();
    let mut inject = Inject::open(Some(&server.display)).unwrap();
    let down = || {
        let keys = client.connection.query_keymap().unwrap().reply().unwrap();
        (8..=u8::MAX)
            .filter(|code| keys.keys[usize::from(code / 8)] & 1 << (code % 8) != 0)
            .collect::<Vec<u8>>()
    };
    // Home and 7 are one key, but no modifier makes it 7 without NumLock: the plain 7 will do. And the
    // left Alt, where AltGr is in the place of the right one.
    for (keysym, code, code_locked) in [
        (0xff95, 79, 79),
        (0xffb7, 16, 79),
        (0xff8d, 104, 104),
        (0xffe2, 62, 62),
        (0xffe4, 105, 105),
        (0xffea, 64, 64),
    ] {
        for locked in [false, true] {
            if locked {
                tap(&mut customer, &mut inject, NUM_LOCK);
            }
            let code = if locked { code_locked } else { code };
            let press = |down| InputEvent::Key { keysym, down };
            customer.inject(&mut inject, press(true), AREA).unwrap();
            assert!(down().contains(&code), "{keysym:x}: {:?}", down());
            customer.inject(&mut inject, press(false), AREA).unwrap();
            assert_eq!(down(), [], "{keysym:x}");
            if locked {
                tap(&mut customer, &mut inject, NUM_LOCK);
            }
        }
    }
}

#[test]
fn buttons_arrive_where_and_as_meant_and_go_up_at_the_end() {
    let server = Server::start();
    let client = server.client();
    let window = client.window(
        Area {
            x: 100,
            y: 100,
            width: 400,
            height: 300,
        },
        0,
    );
    let mut customer = Customer::granting();
    let mut inject = Inject::open(Some(&server.display)).unwrap();
    let area = Area {
        x: 50,
        y: 60,
        width: 1000,
        height: 700,
    };
    let mut pressed = |inject: &mut Inject, event| {
        let outcome = customer.inject(inject, event, area);
        client.sync();
        let mut found = None;
        while let Some(event) = client.connection.poll_for_event().unwrap() {
            if let Event::ButtonPress(press) = event {
                assert_eq!(press.event, window);
                found = Some((press.detail, press.root_x, press.root_y));
            }
        }
        (outcome, found)
    };
    let button = |button, down, x, y| InputEvent::Button { button, down, x, y };
    let (_, found) = pressed(&mut inject, button(Button::Left, true, 100, 100));
    assert_eq!(found, Some((1, 150, 160)));
    let (_, found) = pressed(&mut inject, button(Button::Left, false, 100, 100));
    assert_eq!(found, None);
    let (_, found) = pressed(
        &mut inject,
        InputEvent::Scroll {
            dx: 0,
            dy: -1,
            x: 101,
            y: 100,
        },
    );
    assert_eq!(found, Some((4, 151, 160)));
    let (outcome, found) = pressed(&mut inject, button(Button::Left, true, 1000, 10));
    assert!(matches!(outcome, Err(Error::OutsideArea)));
    assert_eq!(found, None);

    // A left-handed customer: the technician's left stays left.
    server.call("xmodmap", &["-e", "pointer = 3 2 1"]);
    let (_, found) = pressed(&mut inject, button(Button::Left, true, 100, 100));
    assert_eq!(found.unwrap().0, 1);
    let mask = || {
        u16::from(
            client
                .connection
                .query_pointer(client.root)
                .unwrap()
                .reply()
                .unwrap()
                .mask,
        )
    };
    assert!(mask() & u16::from(KeyButMask::BUTTON1) != 0);
    assert!(inject.holding());
    inject.release_all().unwrap();
    assert!(!inject.holding());
    assert_eq!(mask(), 0);
}

#[test]
fn held_keys_go_up_with_the_handle() {
    let server = Server::start();
    let client = server.client();
    let mut customer = Customer::granting();
    let mut inject = Inject::open(Some(&server.display)).unwrap();
    for keysym in [SHIFT, CONTROL, 0xff53] {
        customer
            .inject(&mut inject, InputEvent::Key { keysym, down: true }, AREA)
            .unwrap();
    }
    let down = || {
        client
            .connection
            .query_keymap()
            .unwrap()
            .reply()
            .unwrap()
            .keys
    };
    assert_eq!(down().iter().map(|byte| byte.count_ones()).sum::<u32>(), 3);
    drop(inject);
    assert_eq!(down(), [0; 32]);
}

#[test]
fn the_system_repeats_nothing_and_each_repeat_counts_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Server::start();
    let file = terminal(&mut server, directory.path());
    let client = server.client();
    let mut customer = Customer::granting();
    let mut inject = Inject::open(Some(&server.display)).unwrap();
    let press = |down| InputEvent::Key {
        keysym: RETURN,
        down,
    };
    customer.inject(&mut inject, press(true), AREA).unwrap();
    let now = std::time::Instant::now();
    let due = inject.ease(now).unwrap().unwrap();
    assert!(
        due < now + std::time::Duration::from_millis(660),
        "the server's delay"
    );
    assert_eq!(inject.ease(due).unwrap(), None);
    let keys = client.connection.query_keymap().unwrap().reply().unwrap();
    assert_eq!(keys.keys, [0; 32], "up, although nobody let go");
    // Its release means nothing any more; modifiers are never let go of.
    let shift = |down| InputEvent::Key {
        keysym: SHIFT,
        down,
    };
    for event in [press(false), shift(true), shift(true)] {
        customer.inject(&mut inject, event, AREA).unwrap();
    }
    assert_eq!(inject.ease(due).unwrap(), None);
    assert!(inject.holding());
    for event in [
        shift(false),
        press(true),
        press(true),
        press(true),
        press(false),
    ] {
        customer.inject(&mut inject, event, AREA).unwrap();
    }
    customer.inject(&mut inject, text("x"), AREA).unwrap();
    tap(&mut customer, &mut inject, RETURN);
    arrives(&file, "\n\n\n\nx\n");
}

#[test]
fn without_xtest_there_is_no_hand() {
    let server = Server::with(&["-screen", "0", "640x480x24", "-extension", "XTEST"]);
    let outcome = Inject::open(Some(&server.display)).map(drop);
    assert!(
        matches!(outcome, Err(PlatformError::InputUnavailable { .. })),
        "{outcome:?}"
    );
    let client = server.client();
    client
        .connection
        .set_input_focus(InputFocus::NONE, client.root, 0u32)
        .unwrap();
}

fn mapping(server: &Server) -> Vec<u32> {
    let client = server.client();
    client
        .connection
        .get_keyboard_mapping(8, 248)
        .unwrap()
        .reply()
        .unwrap()
        .keysyms
}
