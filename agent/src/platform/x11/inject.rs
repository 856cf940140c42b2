//! The technician's hand: moves, buttons, wheel, keys and text, through enigo.
//!
//! ```text
//! prepare(event)            characters that the layout lacks get a spare key (no permit:
//!                           nothing is pressed; wait as it says, without any lock)
//! inject(&ControlPermit)    the one event that the permit carries
//! release_all()             everything held goes up, spare keys are given back
//! ```
//!
//! enigo sends the events, by raw keycode only: its own lookup knows just the plain
//! level of a key, gives every other character a new keycode at 25 ms each, and reuses
//! keycodes while programs still look up the old symbol. So levels are resolved here, and a
//! spare key is set only for what the layout lacks: many at once, checked, kept until
//! [`Inject::release_all`], and reused only after a rest.
//!
//! F11 is never pressed. Not here: whether the event may act, and whether it aims at the
//! agent's own windows ([`super::desk`]).

use std::time::{Duration, Instant};

use enigo::{
    Axis, Coordinate, Direction, Enigo, InputError, Keyboard as _, Mouse as _, NewConError,
    Settings,
};
use fernsicht_protocol::content::{Button, InputEvent};
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xkb::ConnectionExt as _;
use x11rb::protocol::xproto::{ConnectionExt as _, Mapping, ModMask};
use x11rb::protocol::xtest;
use xkeysym::Keysym;

use super::Link;
use super::devices::{self, Devices};
use super::keyboard::{self, Keymap, Mode, Shifter, Stroke};
use super::spares::{SETTLE, Spares, Wanted};
use crate::platform::inject::{Error, F11, MOST_NOTCHES, steers_server};
use crate::platform::{Area, ControlPermit, Error as PlatformError};

impl From<InputError> for Error {
    fn from(error: InputError) -> Self {
        Self::Refused(Box::new(error))
    }
}

/// Injects on connections of its own. Lives on one thread, may be sent there.
pub struct Inject {
    enigo: Enigo,
    link: Link,
    /// The X server's keyboard on which the keys are pressed.
    keyboard: u16,
    keymap: Keymap,
    pointer_map: Vec<u8>,
    /// Keys held for the technician: the symbol asked for, the key pressed.
    held: Vec<(u32, u8)>,
    /// What puts Shift and AltGr back as the technician holds them, once the key is up for which they were changed.
    levels: Vec<(u8, Direction)>,
    /// The key that the X server would repeat, and when it lets go of it before that.
    repeating: Option<(u8, Instant)>,
    /// Buttons held for the technician: the one meant, the one pressed.
    buttons: Vec<(Button, enigo::Button)>,
    spares: Spares,
}

impl Inject {
    /// Connects. Errors: [`PlatformError::InputUnavailable`] where the X server has no XTEST, or no XKEYBOARD.
    pub fn open(display: Option<&str>) -> Result<Self, PlatformError> {
        let unavailable = |detail: String| PlatformError::InputUnavailable { detail };
        let link = Link::open(display)?;
        if !link.has(xtest::X11_EXTENSION_NAME)? {
            return Err(unavailable(
                "the X server has no XTEST extension".to_owned(),
            ));
        }
        let settings = Settings {
            linux_delay: 0,
            x11_display: display.map(str::to_owned),
            // Held keys are kept here: enigo would release what was released already.
            release_keys_when_dropped: false,
            ..Settings::default()
        };
        let enigo =
            Enigo::new(&settings).map_err(|error: NewConError| unavailable(error.to_string()))?;
        devices::check_version(&link)?;
        // Where nobody can tell, the common keyboard will do: only the spare keys then show on a person's too.
        let keyboard = Devices::keyboards(&link)?
            .0
            .unwrap_or_else(keyboard::common);
        keyboard::follow(&link, keyboard)?;
        let keymap = Keymap::read(&link, keyboard)?;
        let pointer_map = link.connection.get_pointer_mapping()?.reply()?.map;
        let spares = Spares::new(keyboard, &keymap);
        Ok(Self {
            enigo,
            link,
            keyboard,
            keymap,
            pointer_map,
            held: Vec::new(),
            levels: Vec::new(),
            repeating: None,
            buttons: Vec::new(),
            spares,
        })
    }

    /// Gives spare keys to the characters of an event that the layout lacks: all, or none.
    /// Presses nothing. Call it only while control is granted, before [`Inject::inject`].
    ///
    /// `Some`: sleep for that long, without any lock, and call it again; `None`: ready. Every
    /// event gets ready or fails after a few calls.
    pub fn prepare(&mut self, event: &InputEvent) -> Result<Option<Duration>, Error> {
        match event {
            InputEvent::Text { text } => {
                self.refresh()?;
                let mode = self.mode()?;
                self.prepare_text(text.as_str(), mode)
            }
            InputEvent::Key { keysym, down: true } => {
                self.refresh()?;
                let mode = self.mode()?;
                self.prepare_key(*keysym, mode)
            }
            InputEvent::Move { .. }
            | InputEvent::Button { .. }
            | InputEvent::Scroll { .. }
            | InputEvent::Key { .. }
            | InputEvent::ReleaseAll => Ok(None),
        }
    }

    /// Injects the event that the permit carries. `area` is the shared area on the desktop.
    ///
    /// An event that was not prepared may take 10 ms, or fail with [`Error::Unprepared`].
    pub fn inject(&mut self, permit: &ControlPermit<'_>, area: Area) -> Result<(), Error> {
        self.refresh()?;
        self.put_levels_back()?;
        self.ease(Instant::now())?;
        match permit.event() {
            InputEvent::Move { x, y } => self.move_to(*x, *y, area),
            InputEvent::Button { button, down, x, y } => {
                self.move_to(*x, *y, area)?;
                self.button(button, *down)
            }
            InputEvent::Scroll { dx, dy, x, y } => {
                if dx.unsigned_abs() > MOST_NOTCHES || dy.unsigned_abs() > MOST_NOTCHES {
                    return Err(Error::NoSuchKey);
                }
                self.move_to(*x, *y, area)?;
                self.enigo.scroll((*dx).into(), Axis::Horizontal)?;
                Ok(self.enigo.scroll((*dy).into(), Axis::Vertical)?)
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

    /// Everything that is held goes up; the X server has done it when this returns. Needs no permit: it only ends.
    pub fn release_held(&mut self) -> Result<(), Error> {
        self.release()
    }

    /// Lets go of a held key before the X server repeats it: how often it comes is the technician's keyboard to say, and
    /// a line that stalls between a press and its release must not make one press many. `Some`: call it again then.
    pub fn ease(&mut self, now: Instant) -> Result<Option<Instant>, Error> {
        match self.repeating {
            Some((keycode, due)) if due <= now => {
                self.raw(keycode, Direction::Release)?;
                self.held.retain(|(_, held)| *held != keycode);
                self.put_levels_back()?;
                Ok(None)
            }
            Some((_, due)) => Ok(Some(due)),
            None => Ok(None),
        }
    }

    /// Takes the characters off the spare keys. `Some`: programs may still look up the last
    /// press; sleep for that long, without any lock, and call it again.
    pub fn give_back(&mut self) -> Result<Option<Duration>, Error> {
        self.spares.restore(&self.link, &mut self.keymap)
    }

    /// Both at once, waiting up to half a second. Needs no permit: it only ends.
    pub fn release_all(&mut self) -> Result<(), Error> {
        self.release()?;
        while let Some(wait) = self.give_back()? {
            std::thread::sleep(wait);
        }
        Ok(())
    }

    /// True if a key or a button is held for the technician.
    pub fn holding(&self) -> bool {
        !self.held.is_empty() || !self.buttons.is_empty() || !self.levels.is_empty()
    }

    /// Tries all of them, also after one failed, and reports the first failure.
    fn release(&mut self) -> Result<(), Error> {
        let mut outcome = self.put_levels_back();
        for (_, button) in std::mem::take(&mut self.buttons) {
            let released = self.enigo.button(button, Direction::Release);
            outcome = outcome.and(released.map_err(Error::from));
        }
        for (_, keycode) in std::mem::take(&mut self.held).into_iter().rev() {
            outcome = outcome.and(self.raw(keycode, Direction::Release));
        }
        outcome
    }

    fn move_to(&mut self, x: u16, y: u16, area: Area) -> Result<(), Error> {
        if x >= area.width || y >= area.height {
            return Err(Error::OutsideArea);
        }
        let (x, y) = (
            i32::from(area.x) + i32::from(x),
            i32::from(area.y) + i32::from(y),
        );
        Ok(self.enigo.move_mouse(x, y, Coordinate::Abs)?)
    }

    fn button(&mut self, meant: &Button, down: bool) -> Result<(), Error> {
        let held = self.buttons.iter().position(|(held, _)| held == meant);
        match (held, down) {
            (Some(index), false) => {
                let (_, pressed) = self.buttons.remove(index);
                Ok(self.enigo.button(pressed, Direction::Release)?)
            }
            (None, true) => {
                let pressed = self.button_for(meant).ok_or(Error::NoSuchKey)?;
                self.buttons.push((meant.clone(), pressed));
                Ok(self.enigo.button(pressed, Direction::Press)?)
            }
            (Some(_), true) | (None, false) => Ok(()),
        }
    }

    /// A customer with exchanged buttons has them exchanged for injected events too: find
    /// the number that the server will turn into the meant one.
    fn button_for(&self, meant: &Button) -> Option<enigo::Button> {
        let meant: u8 = match meant {
            Button::Left => 1,
            Button::Middle => 2,
            Button::Right => 3,
            Button::Back => 8,
            Button::Forward => 9,
        };
        let mut numbers = (1u8..).zip(&self.pointer_map);
        let number = numbers.find(|(_, to)| **to == meant).map(|(from, _)| from);
        match number.unwrap_or(meant) {
            1 => Some(enigo::Button::Left),
            2 => Some(enigo::Button::Middle),
            3 => Some(enigo::Button::Right),
            8 => Some(enigo::Button::Back),
            9 => Some(enigo::Button::Forward),
            _ => None,
        }
    }

    fn key_down(&mut self, keysym: u32) -> Result<(), Error> {
        if self.held.iter().any(|(held, _)| *held == keysym) {
            match Keysym::new(keysym).is_modifier_key() {
                true => return Ok(()),
                // It repeats at the technician's.
                false => self.key_up(keysym)?,
            }
        }
        let mode = self.mode()?;
        settled(self.prepare_key(keysym, mode)?)?;
        let stroke = self.key_stroke(keysym, mode)?.ok_or(Error::NoSpareKey)?;
        let held = self.held.iter().map(|(_, key)| *key);
        let with = stroke.with.iter();
        let with = with.filter_map(|shifter| self.keymap.shifter_key(*shifter));
        // Ctrl+Alt+F1 is another symbol than F1.
        if steers_server(self.keymap.made(stroke.keycode, mode, held.chain(with))) {
            return Err(Error::NoSuchKey);
        }
        if self.held.iter().any(|(_, held)| *held == stroke.keycode) {
            return Ok(());
        }
        let printable = Keysym::new(keysym)
            .key_char()
            .is_some_and(|c| !c.is_control());
        // What Shift does to letters and to keys without a character is the technician's own doing.
        let shifters = match printable && !is_letter(keysym) || is_keypad(keysym) {
            true => &Shifter::ALL[..],
            false => &Shifter::ALL[1..],
        };
        let held = self.held.clone();
        self.with_levels(stroke, shifters, &held, Direction::Press)?;
        self.held.push((keysym, stroke.keycode));
        if !Keysym::new(keysym).is_modifier_key() {
            let due = Instant::now() + self.repeat_delay()? * 3 / 4;
            self.repeating = Some((stroke.keycode, due));
        }
        Ok(())
    }

    /// The symbol may have changed its case since it went down, with Shift.
    fn key_up(&mut self, keysym: u32) -> Result<(), Error> {
        let same = |held: u32| {
            held == keysym || lowercase(held).is_some_and(|c| lowercase(keysym) == Some(c))
        };
        let found = self.held.iter().position(|(held, _)| *held == keysym);
        let found = found.or_else(|| self.held.iter().position(|(held, _)| same(*held)));
        let Some(index) = found else { return Ok(()) };
        let (_, keycode) = self.held.remove(index);
        self.raw(keycode, Direction::Release)
    }

    /// The key for a symbol. `None`: the layout lacks it, and it has no spare key.
    fn key_stroke(&self, keysym: u32, mode: Mode) -> Result<Option<Stroke>, Error> {
        if keysym == F11 || self.keymap.on_stop_key(keysym) {
            return Err(Error::StopKey);
        }
        if keysym == 0 || steers_server(keysym) {
            return Err(Error::NoSuchKey);
        }
        let stroke = self.keymap.stroke_for_symbol(keysym, mode);
        if stroke.is_some_and(|stroke| self.keymap.is_stop_key(stroke.keycode)) {
            return Err(Error::StopKey);
        }
        Ok(stroke)
    }

    fn prepare_key(&mut self, keysym: u32, mode: Mode) -> Result<Option<Duration>, Error> {
        let lacks = self.key_stroke(keysym, mode)?.is_none();
        let wanted = lacks.then(|| Wanted {
            pair: pair_of(keysym),
            capital: false,
        });
        self.spares
            .set(wanted.as_slice(), &[], &self.link, &mut self.keymap)
    }

    fn prepare_text(&mut self, text: &str, mode: Mode) -> Result<Option<Duration>, Error> {
        let mut lacking: Vec<Wanted> = Vec::new();
        let mut needed: Vec<u8> = Vec::new();
        for character in text.chars() {
            if let Some(stroke) = self.keymap.stroke_for(character, mode) {
                needed.push(stroke.keycode);
                continue;
            }
            let capital = keyboard::capital(character, mode);
            let pair = match capital {
                true => keyboard::pair_under_caps(character),
                false => keyboard::pair_for(character),
            };
            let wanted = Wanted { pair, capital };
            if !lacking.contains(&wanted) {
                lacking.push(wanted);
            }
        }
        self.spares
            .set(&lacking, &needed, &self.link, &mut self.keymap)
    }

    /// Modifiers that the technician holds would turn text into shortcuts: they are lifted
    /// meanwhile.
    fn text(&mut self, text: &str) -> Result<(), Error> {
        let mode = self.mode()?;
        settled(self.prepare_text(text, mode)?)?;
        let keymap = &self.keymap;
        let lifted: Vec<u8> = self
            .held
            .iter()
            .map(|(_, key)| *key)
            .filter(|key| keymap.is_modifier(*key))
            .collect();
        for key in lifted.iter().rev() {
            self.raw(*key, Direction::Release)?;
        }
        let mut outcome = Ok(());
        for character in text.chars() {
            outcome = self.character(character, mode);
            if outcome.is_err() {
                break;
            }
        }
        for key in lifted {
            self.raw(key, Direction::Press)?;
        }
        outcome
    }

    fn character(&mut self, character: char, mode: Mode) -> Result<(), Error> {
        if character.is_control() {
            return Err(Error::NoSuchKey);
        }
        let stroke = self.keymap.stroke_for(character, mode);
        let stroke = stroke.ok_or(Error::NoSpareKey)?;
        if self.keymap.is_stop_key(stroke.keycode) {
            return Err(Error::StopKey);
        }
        self.with_levels(stroke, &Shifter::ALL, &[], Direction::Click)
    }

    /// Sets Shift and AltGr, or those of them that count, as the stroke needs them among the keys that are
    /// held, acts on the key, and puts them back: at once, or once it goes up.
    fn with_levels(
        &mut self,
        stroke: Stroke,
        shifters: &[Shifter],
        held: &[(u32, u8)],
        direction: Direction,
    ) -> Result<(), Error> {
        for shifter in shifters.iter().copied() {
            let on = stroke.with.contains(&shifter);
            let mut holding = held
                .iter()
                .filter(|(symbol, _)| shifter.symbols().contains(symbol))
                .peekable();
            if on && holding.peek().is_none() {
                let key = self.keymap.shifter_key(shifter).ok_or(Error::NoSuchKey)?;
                self.raw(key, Direction::Press)?;
                self.levels.push((key, Direction::Release));
            } else if !on {
                for (_, key) in holding {
                    self.raw(*key, Direction::Release)?;
                    self.levels.push((*key, Direction::Press));
                }
            }
        }
        let outcome = self.raw(stroke.keycode, direction);
        // A key that stays down repeats on its level, until anything else is done.
        match direction {
            Direction::Press => outcome,
            Direction::Click | Direction::Release => outcome.and(self.put_levels_back()),
        }
    }

    fn put_levels_back(&mut self) -> Result<(), Error> {
        let mut outcome = Ok(());
        while let Some((key, direction)) = self.levels.pop() {
            outcome = outcome.and(self.raw(key, direction));
        }
        outcome
    }

    fn raw(&mut self, keycode: u8, direction: Direction) -> Result<(), Error> {
        self.spares.touch(keycode);
        self.enigo.raw(keycode.into(), direction)?;
        // The server repeats what was pressed last, until that is up; modifiers change nothing of it.
        let ends = match direction {
            Direction::Click => true,
            Direction::Release => self.repeating.is_some_and(|(key, _)| key == keycode),
            Direction::Press => false,
        };
        if ends {
            self.repeating = None;
        }
        Ok(())
    }

    /// After how long the X server repeats a key that is held.
    fn repeat_delay(&self) -> Result<Duration, Error> {
        let controls = self.link.connection.xkb_get_controls(keyboard::common())?;
        Ok(Duration::from_millis(controls.reply()?.repeat_delay.into()))
    }

    /// Takes over changes of the layout that other programs made.
    fn refresh(&mut self) -> Result<(), Error> {
        let (mut keys, mut buttons) = (false, false);
        while let Some(event) = self.link.connection.poll_for_event()? {
            keys |= keyboard::changes(&event);
            if let Event::MappingNotify(notify) = event {
                buttons |= notify.request == Mapping::POINTER;
            }
        }
        if keys {
            self.keymap = Keymap::read(&self.link, self.keyboard)?;
            self.spares.revise(&self.keymap);
        }
        if buttons {
            self.pointer_map = self.link.connection.get_pointer_mapping()?.reply()?.map;
        }
        Ok(())
    }

    /// Caps Lock, Num Lock and the active group, whoever set them.
    fn mode(&self) -> Result<Mode, Error> {
        let state = self.link.connection.xkb_get_state(keyboard::common())?;
        let state = state.reply()?;
        let bits = |mask: ModMask| u16::from(mask) as u8;
        Ok(Mode {
            group: state.group.into(),
            locked: bits(state.locked_mods) | bits(state.latched_mods),
        })
    }
}

impl Drop for Inject {
    fn drop(&mut self) {
        // The connection may be gone, and with it everything that was held.
        self.release_all().ok();
    }
}

/// The short wait after a spare key was set happens here; a longer one does not.
fn settled(wait: Option<Duration>) -> Result<(), Error> {
    match wait {
        None => Ok(()),
        Some(wait) if wait <= SETTLE => {
            std::thread::sleep(wait);
            Ok(())
        }
        Some(_) => Err(Error::Unprepared),
    }
}

fn pair_of(keysym: u32) -> [u32; 2] {
    let character = Keysym::new(keysym).key_char();
    character.map_or([keysym, keysym], keyboard::pair_for)
}

fn is_keypad(keysym: u32) -> bool {
    (0xff80..=0xffbd).contains(&keysym)
}

fn is_letter(keysym: u32) -> bool {
    lowercase(keysym).is_some()
}

fn lowercase(keysym: u32) -> Option<String> {
    let character = Keysym::new(keysym).key_char()?;
    (character.is_lowercase() || character.is_uppercase())
        .then(|| character.to_lowercase().collect())
}
