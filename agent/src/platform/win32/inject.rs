//! The technician's hand on Windows: SendInput, scan codes for keys and Unicode for text.
//!
//! Keys are pressed by their place on the keyboard, so that programs that look at nothing else take them too; text goes as
//! characters, whatever the layout has. Windows repeats nothing that is injected, so nothing is held too long.
//!
//! Where a program with more rights is in front, or the secure desktop, Windows would drop all of it without a word: that
//! is found out before ([`Error::Protected`]), and nothing is half typed.

use std::time::{Duration, Instant};

use fernsicht_protocol::content::{Button, InputEvent};
use windows::Win32::UI::Input::KeyboardAndMouse::{
    INPUT, INPUT_0, INPUT_KEYBOARD, INPUT_MOUSE, KEYBD_EVENT_FLAGS, KEYBDINPUT,
    KEYEVENTF_EXTENDEDKEY, KEYEVENTF_KEYUP, KEYEVENTF_SCANCODE, KEYEVENTF_UNICODE,
    MOUSE_EVENT_FLAGS, MOUSEEVENTF_ABSOLUTE, MOUSEEVENTF_HWHEEL, MOUSEEVENTF_LEFTDOWN,
    MOUSEEVENTF_LEFTUP, MOUSEEVENTF_MIDDLEDOWN, MOUSEEVENTF_MIDDLEUP, MOUSEEVENTF_MOVE,
    MOUSEEVENTF_RIGHTDOWN, MOUSEEVENTF_RIGHTUP, MOUSEEVENTF_VIRTUALDESK, MOUSEEVENTF_WHEEL,
    MOUSEEVENTF_XDOWN, MOUSEEVENTF_XUP, MOUSEINPUT, SendInput, VIRTUAL_KEY, VK_LSHIFT, VK_RMENU,
};
use windows::Win32::UI::WindowsAndMessaging::{GetSystemMetrics, SM_SWAPBUTTON};
use xkeysym::{Keysym, key};

use super::keys::{self, Key};
use super::{desk, integrity};
use crate::platform::inject::{Error, F11, MOST_NOTCHES, steers_server};
use crate::platform::{Area, ControlPermit, Error as PlatformError};

/// Injects. Lives on one thread, may be sent there.
pub struct Inject {
    /// Keys held for the technician: the symbol asked for, the key pressed.
    held: Vec<(u32, Pressed)>,
    /// Shift and AltGr that were changed for a key that is down, and how they go back.
    levels: Vec<(Place, bool)>,
    buttons: Vec<Button>,
}

/// What is down for a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pressed {
    Key(Place),
    /// AltGr: what it makes travels as characters.
    Nothing,
}

/// A key by its place on the keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    scan: u16,
    /// Windows finds it by the place; other makers' Windows want it told.
    code: VIRTUAL_KEY,
    extended: bool,
}

impl Inject {
    /// Ready at once.
    pub fn open(_: Option<&str>) -> Result<Self, PlatformError> {
        Ok(Self {
            held: Vec::new(),
            levels: Vec::new(),
            buttons: Vec::new(),
        })
    }

    /// Nothing has to be made ready: Unicode knows every character.
    pub fn prepare(&mut self, _: &InputEvent) -> Result<Option<Duration>, Error> {
        Ok(None)
    }

    /// Injects the event that the permit carries. `area` is the shared area on the desktop.
    pub fn inject(&mut self, permit: &ControlPermit<'_>, area: Area) -> Result<(), Error> {
        let event = permit.event();
        self.put_levels_back()?;
        check_reach(event, area)?;
        match event {
            InputEvent::Move { x, y } => send(&[move_to(*x, *y, area)?]),
            InputEvent::Button { button, down, x, y } => {
                self.button(button, *down, move_to(*x, *y, area)?)
            }
            InputEvent::Scroll { dx, dy, x, y } => {
                if dx.unsigned_abs() > MOST_NOTCHES || dy.unsigned_abs() > MOST_NOTCHES {
                    return Err(Error::NoSuchKey);
                }
                let mut inputs = vec![move_to(*x, *y, area)?];
                // The wheel's own direction is up, and right.
                for (turn, which) in [
                    (i32::from(*dx), MOUSEEVENTF_HWHEEL),
                    (-i32::from(*dy), MOUSEEVENTF_WHEEL),
                ] {
                    if turn != 0 {
                        inputs.push(mouse(0, 0, (turn * NOTCH).cast_unsigned(), which));
                    }
                }
                send(&inputs)
            }
            InputEvent::Key { keysym, down: true } => self.key_down(*keysym),
            InputEvent::Key {
                keysym,
                down: false,
            } => self.key_up(*keysym),
            InputEvent::Text { text } => self.text(text.as_str()),
            InputEvent::ReleaseAll => self.release(),
        }
    }

    /// Everything that is held goes up. Needs no permit: it only ends.
    pub fn release_held(&mut self) -> Result<(), Error> {
        self.release()
    }

    /// Windows repeats nothing that is injected.
    pub fn ease(&mut self, _: Instant) -> Result<Option<Instant>, Error> {
        Ok(None)
    }

    /// The layout was never changed.
    pub fn give_back(&mut self) -> Result<Option<Duration>, Error> {
        Ok(None)
    }

    /// Everything that is held goes up.
    pub fn release_all(&mut self) -> Result<(), Error> {
        self.release()
    }

    /// True if a key or a button is held for the technician.
    pub fn holding(&self) -> bool {
        !self.held.is_empty() || !self.buttons.is_empty() || !self.levels.is_empty()
    }

    /// Tries all of them, also after one failed, and reports the first failure. What could not be released stays held:
    /// it is tried again with the next release.
    fn release(&mut self) -> Result<(), Error> {
        let mut outcome = self.put_levels_back();
        self.buttons.retain(|button| {
            let sent = send(&[button_input(button, false)]);
            kept(sent, &mut outcome)
        });
        // The last one first.
        self.held.reverse();
        self.held.retain(|(_, pressed)| match pressed {
            Pressed::Key(place) => kept(send(&[place.input(false)]), &mut outcome),
            Pressed::Nothing => false,
        });
        self.held.reverse();
        outcome
    }

    fn button(&mut self, button: &Button, down: bool, there: INPUT) -> Result<(), Error> {
        let held = self.buttons.iter().position(|held| held == button);
        if held.is_some() == down {
            return send(&[there]);
        }
        send(&[there, button_input(button, down)])?;
        match held {
            Some(index) => {
                self.buttons.remove(index);
            }
            None => self.buttons.push(button.clone()),
        }
        Ok(())
    }

    fn key_down(&mut self, keysym: u32) -> Result<(), Error> {
        if keysym == F11 {
            return Err(Error::StopKey);
        }
        if keysym == 0 || steers_server(keysym) {
            return Err(Error::NoSuchKey);
        }
        let known = self.held.iter().find(|(held, _)| *held == keysym);
        if let Some((_, Pressed::Key(place))) = known {
            // It repeats at the technician's.
            let again = place.input(true);
            return match Keysym::new(keysym).is_modifier_key() {
                true => Ok(()),
                false => send(&[again]),
            };
        }
        if keysym == key::ISO_Level3_Shift || keysym == key::Mode_switch {
            self.held.push((keysym, Pressed::Nothing));
            return Ok(());
        }
        let layout = keys::layout();
        if let Some(key) = keys::named(keysym) {
            return self.press(keysym, Place::of(key, layout)?);
        }
        let character = Keysym::new(keysym).key_char().filter(|c| !c.is_control());
        let character = character.ok_or(Error::NoSuchKey)?;
        // Letters stand on their key whatever Shift does to them: that is the technician's own doing.
        let letter = character.is_lowercase() || character.is_uppercase();
        let plain = character.to_lowercase().next().filter(|_| letter);
        match keys::of_char(plain.unwrap_or(character), layout) {
            Some(stroke) => {
                if !letter {
                    self.level(&SHIFTS, VK_LSHIFT, stroke.shift, layout)?;
                }
                if stroke.alt_gr {
                    self.level(&[], VK_RMENU, true, layout)?;
                }
                self.press(keysym, Place::of(stroke.key, layout)?)
            }
            // No shortcut can be made of it, but it can be typed.
            None => send(&of_text(character)),
        }
    }

    fn press(&mut self, keysym: u32, place: Place) -> Result<(), Error> {
        // Of two symbols on one key the first holds it.
        if !self
            .held
            .iter()
            .any(|(_, held)| *held == Pressed::Key(place))
        {
            send(&[place.input(true)])?;
            self.held.push((keysym, Pressed::Key(place)));
        }
        Ok(())
    }

    /// The symbol may have changed its case since it went down, with Shift.
    fn key_up(&mut self, keysym: u32) -> Result<(), Error> {
        let lower = |keysym: u32| {
            let character = Keysym::new(keysym).key_char()?;
            Some(character.to_lowercase().collect::<String>())
        };
        let same = |held: u32| lower(held).is_some_and(|c| lower(keysym) == Some(c));
        let found = self.held.iter().position(|(held, _)| *held == keysym);
        let found = found.or_else(|| self.held.iter().position(|(held, _)| same(*held)));
        let Some(index) = found else { return Ok(()) };
        if let (_, Pressed::Key(place)) = self.held[index] {
            send(&[place.input(false)])?;
        }
        self.held.remove(index);
        Ok(())
    }

    /// Modifiers that the technician holds would turn text into shortcuts: they are lifted meanwhile. All at once: what
    /// somebody types comes before or after it.
    fn text(&mut self, text: &str) -> Result<(), Error> {
        let lifted: Vec<Place> = self
            .held
            .iter()
            .filter(|(keysym, _)| Keysym::new(*keysym).is_modifier_key())
            .filter_map(|(_, pressed)| match pressed {
                Pressed::Key(place) => Some(*place),
                Pressed::Nothing => None,
            })
            .collect();
        let mut inputs: Vec<INPUT> = lifted
            .iter()
            .rev()
            .map(|place| place.input(false))
            .collect();
        for character in text.chars() {
            if character.is_control() {
                return Err(Error::NoSuchKey);
            }
            inputs.extend(of_text(character));
        }
        inputs.extend(lifted.iter().map(|place| place.input(true)));
        send(&inputs)
    }

    /// Sets Shift or AltGr as a key needs it; what is changed goes back with the next event.
    fn level(
        &mut self,
        symbols: &[u32],
        code: VIRTUAL_KEY,
        on: bool,
        layout: windows::Win32::UI::Input::KeyboardAndMouse::HKL,
    ) -> Result<(), Error> {
        let held = self.held.iter().filter(|(held, _)| symbols.contains(held));
        let held: Vec<Place> = held
            .filter_map(|(_, pressed)| match pressed {
                Pressed::Key(place) => Some(*place),
                Pressed::Nothing => None,
            })
            .collect();
        if on && held.is_empty() {
            let extended = code == VK_RMENU;
            let place = Place::of(Key { code, extended }, layout)?;
            send(&[place.input(true)])?;
            self.levels.push((place, false));
        }
        if !on {
            for place in held {
                send(&[place.input(false)])?;
                self.levels.push((place, true));
            }
        }
        Ok(())
    }

    fn put_levels_back(&mut self) -> Result<(), Error> {
        let mut outcome = Ok(());
        self.levels.reverse();
        self.levels
            .retain(|(place, down)| kept(send(&[place.input(*down)]), &mut outcome));
        self.levels.reverse();
        outcome
    }
}

impl Drop for Inject {
    fn drop(&mut self) {
        // Another desktop may have the input: then nothing of ours is held there.
        self.release_all().ok();
    }
}

impl Place {
    fn of(
        key: Key,
        layout: windows::Win32::UI::Input::KeyboardAndMouse::HKL,
    ) -> Result<Self, Error> {
        let scan = keys::scan_code(key, layout).ok_or(Error::NoSuchKey)?;
        Ok(Self {
            scan,
            code: key.code,
            extended: key.extended,
        })
    }

    fn input(self, down: bool) -> INPUT {
        let mut flags = KEYEVENTF_SCANCODE;
        if self.extended {
            flags |= KEYEVENTF_EXTENDEDKEY;
        }
        if !down {
            flags |= KEYEVENTF_KEYUP;
        }
        keyboard(self.code, self.scan, flags)
    }
}

/// True for what failed, whose first failure is noted.
fn kept(sent: Result<(), Error>, outcome: &mut Result<(), Error>) -> bool {
    let failed = sent.is_err();
    if outcome.is_ok() {
        *outcome = sent;
    }
    failed
}

/// Windows drops what it does not let through without a word: this is asked before, so that nothing is half done.
fn check_reach(event: &InputEvent, area: Area) -> Result<(), Error> {
    let at = |x: u16, y: u16| {
        integrity::point_barred(
            i32::from(area.x) + i32::from(x),
            i32::from(area.y) + i32::from(y),
        )
    };
    let barred = match event {
        InputEvent::ReleaseAll
        | InputEvent::Key { down: false, .. }
        | InputEvent::Button { down: false, .. } => return Ok(()),
        InputEvent::Key { .. } | InputEvent::Text { .. } => integrity::front_barred(),
        InputEvent::Button { x, y, .. } | InputEvent::Scroll { x, y, .. } => at(*x, *y),
        InputEvent::Move { .. } => false,
    };
    match barred || integrity::desktop_barred() {
        true => Err(Error::Protected),
        false => Ok(()),
    }
}

fn move_to(x: u16, y: u16, area: Area) -> Result<INPUT, Error> {
    if x >= area.width || y >= area.height {
        return Err(Error::OutsideArea);
    }
    let whole = desk::desktop();
    let along = |at: u16, area: i16, whole: i16, size: u16| {
        let pixel = i64::from(area) + i64::from(at) - i64::from(whole);
        let size = i64::from(size).max(1);
        // Of 65,536 parts the first that lies in the pixel.
        i32::try_from((pixel * 0x1_0000 + size - 1) / size).unwrap_or(0)
    };
    let (dx, dy) = (
        along(x, area.x, whole.x, whole.width),
        along(y, area.y, whole.y, whole.height),
    );
    let how = MOUSEEVENTF_MOVE | MOUSEEVENTF_ABSOLUTE | MOUSEEVENTF_VIRTUALDESK;
    Ok(mouse(dx, dy, 0, how))
}

/// A customer with exchanged buttons has them exchanged for injected events too.
fn button_input(button: &Button, down: bool) -> INPUT {
    // SAFETY: numbers alone.
    let exchanged = unsafe { GetSystemMetrics(SM_SWAPBUTTON) } != 0;
    let (data, pressed, released) = match (button, exchanged) {
        (Button::Left, false) | (Button::Right, true) => {
            (0, MOUSEEVENTF_LEFTDOWN, MOUSEEVENTF_LEFTUP)
        }
        (Button::Right, false) | (Button::Left, true) => {
            (0, MOUSEEVENTF_RIGHTDOWN, MOUSEEVENTF_RIGHTUP)
        }
        (Button::Middle, _) => (0, MOUSEEVENTF_MIDDLEDOWN, MOUSEEVENTF_MIDDLEUP),
        (Button::Back, _) => (1, MOUSEEVENTF_XDOWN, MOUSEEVENTF_XUP),
        (Button::Forward, _) => (2, MOUSEEVENTF_XDOWN, MOUSEEVENTF_XUP),
    };
    mouse(0, 0, data, if down { pressed } else { released })
}

/// Down and up of a character, in one or two units.
fn of_text(character: char) -> Vec<INPUT> {
    let mut units = [0; 2];
    let units = character.encode_utf16(&mut units);
    let way = |up: KEYBD_EVENT_FLAGS| {
        units
            .iter()
            .map(move |unit| keyboard(VIRTUAL_KEY(0), *unit, KEYEVENTF_UNICODE | up))
    };
    way(KEYBD_EVENT_FLAGS(0))
        .chain(way(KEYEVENTF_KEYUP))
        .collect()
}

fn keyboard(code: VIRTUAL_KEY, scan: u16, flags: KEYBD_EVENT_FLAGS) -> INPUT {
    INPUT {
        r#type: INPUT_KEYBOARD,
        Anonymous: INPUT_0 {
            ki: KEYBDINPUT {
                wVk: code,
                wScan: scan,
                dwFlags: flags,
                time: 0,
                dwExtraInfo: 0,
            },
        },
    }
}

fn mouse(dx: i32, dy: i32, data: u32, flags: MOUSE_EVENT_FLAGS) -> INPUT {
    INPUT {
        r#type: INPUT_MOUSE,
        Anonymous: INPUT_0 {
            mi: MOUSEINPUT {
                dx,
                dy,
                mouseData: data,
                dwFlags: flags,
                time: 0,
                dwExtraInfo: 0,
            },
        },
    }
}

/// All of them, with nothing of anybody else's in between.
fn send(inputs: &[INPUT]) -> Result<(), Error> {
    // SAFETY: each is wholly filled in, and Windows is told how long one is.
    let sent = unsafe { SendInput(inputs, size_of::<INPUT>() as i32) };
    match sent as usize == inputs.len() {
        true => Ok(()),
        // Another desktop has come between.
        false if integrity::desktop_barred() => Err(Error::Protected),
        false => Err(Error::Refused(
            Box::new(windows::core::Error::from_thread()),
        )),
    }
}

const SHIFTS: [u32; 2] = [key::Shift_L, key::Shift_R];
/// What one notch of the wheel is.
const NOTCH: i32 = 120;
