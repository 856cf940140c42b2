//! The customer's hand on the agent, by keyboard alone: Tab to a button, Space to press it.
//!
//! Tab goes the way that one reads (documented with the agent). The pages are watched from
//! outside: each Tab must change the window before the next one comes.

use std::collections::HashSet;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::apps::AppWindow;
use crate::browser;
use crate::device::Device;
use crate::grab::{Area, Grabber, Picture};
use crate::keymap::keysyms;
use crate::observer::Observer;
use crate::wait;
use crate::xserver::XServer;

/// How long a window may take for a change on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a granting button must have been in plain sight, and some more.
const SIGHT: Duration = Duration::from_millis(1300);

/// Tabs from the code's field to the box of the aid.
const AID_TABS: usize = 2;

/// Buttons by the number of Tabs that lead to them from an unfocused page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Button {
    /// Choice of screens on its page: the nth button; all screens come last.
    Screen(u8),
    /// The same on the bar.
    BarScreen(u8),
    /// Consent page: "Yes, only look".
    ConsentView,
    /// Consent page: "Yes, look and control".
    ConsentControl,
    /// Consent page: "No, refuse".
    ConsentRefuse,
    /// Bar, while showing is off: "Show screen".
    ViewOn,
    /// Bar, while only showing: "Allow control".
    ControlOn,
    /// Bar, while controlled: "End control".
    ControlOff,
    /// Card: "I have the code".
    CardDone,
    /// Card: "Go on without the code".
    CardSkip,
    /// Bar, while only looking was agreed and the question about more is open: "Yes".
    UpgradeYes,
    /// Bar, under control: "End the session".
    End,
    /// Bar, under control, while the question is open: "Yes, end".
    EndYes,
    /// Bar, while the connection is lost: "End the session".
    EndLost,
    /// The same, while the question is open: "Yes, end".
    EndLostYes,
    /// Bar, while a text for the clipboard is asked about: "Accept".
    TextYes,
    /// The same: "No".
    TextNo,
    /// Bar, while a file for the customer is asked about: "Accept".
    FileYes,
    /// The same: "No".
    FileNo,
    /// Bar, while the technician asks for a file: the field for its place.
    FilePlace,
    /// The same: "Take this file".
    FileTake,
    /// The same, when one was taken: "Send".
    FileSend,
    /// Page at the end of a recorded session: "Close".
    Close,
}

impl Button {
    /// How many Tabs lead to it.
    pub fn tabs(self) -> usize {
        match self {
            // The language switch comes first.
            Self::ConsentView | Self::ViewOn | Self::EndLost => 2,
            // On the card the refusal comes first.
            Self::ConsentControl | Self::ControlOn | Self::ControlOff | Self::CardDone => 3,
            Self::ConsentRefuse | Self::CardSkip | Self::End => 4,
            // Behind Stop, show off, end, move and language: a question suspends control.
            Self::UpgradeYes | Self::EndYes | Self::TextYes | Self::FilePlace => 6,
            // On the page of a file its folder, or its place, comes first.
            Self::TextNo | Self::FileYes | Self::FileTake => 7,
            Self::FileNo | Self::FileSend => 8,
            // One behind the other; on the bar behind Stop, end, move and language.
            Self::Screen(number) => 1 + usize::from(number),
            Self::BarScreen(number) => 4 + usize::from(number),
            // Nothing can be switched then. At the end print, save and another code come before.
            Self::EndLostYes | Self::Close => 5,
        }
    }
}

/// A photograph of the card.
#[derive(Debug, Clone)]
pub struct Card {
    /// The complaint code, as the QR code has it.
    pub code: String,
    /// The screen.
    pub picture: Picture,
}

/// The customer at the screen on which the agent runs.
#[derive(Debug)]
pub struct Customer {
    hand: Device,
    grabber: Grabber,
    display: String,
    title: String,
    /// Programs press the keys, and the agent is told so beforehand.
    aid: bool,
}

impl Customer {
    /// Sits down at `screen`; `title` is a part of the agent's window title.
    pub fn at(screen: &XServer, title: &str) -> Result<Self> {
        let aid = !screen.has_devices();
        Ok(Self {
            hand: match aid {
                true => Device::injected(screen.display())?,
                false => Device::physical(screen.display())?,
            },
            grabber: Grabber::open(screen.display())?,
            display: screen.display().to_owned(),
            title: title.to_owned(),
            aid,
        })
    }

    /// The keyboard and mouse.
    pub fn hand(&self) -> &Device {
        &self.hand
    }

    /// The agent's window. Errors: it does not come.
    pub fn window(&self) -> Result<AppWindow> {
        AppWindow::wait(&self.display, &self.title, Duration::from_secs(60))
    }

    /// Waits for the agent's first page: painted, at rest, and with the keyboard. A mapped window has neither
    /// yet, and what is typed then goes nowhere.
    pub fn sit_down(&self) -> Result<()> {
        let window = self.window()?;
        wait::until_true("the agent's page with the keyboard", PATIENCE * 3, || {
            let (_, picture) = self.look()?;
            let colours: HashSet<&u32> = picture.pixels.iter().collect();
            Ok(colours.len() > 2 && window.has_keyboard()?)
        })?;
        self.rest(Duration::from_millis(400))
    }

    /// Types the code into the code page, where the field has the focus, and confirms it.
    pub fn enter_code(&self, code: &str) -> Result<()> {
        self.sit_down()?;
        if self.aid {
            self.declare_aid()?;
        }
        self.hand.type_text(code)?;
        self.rest(Duration::from_millis(200))?;
        self.hand.key(keysyms::RETURN)
    }

    /// "I use an on-screen keyboard or another aid": by Tab to the box, and back to the field.
    fn declare_aid(&self) -> Result<()> {
        for _ in 0..AID_TABS {
            self.hand.key(keysyms::TAB)?;
            self.rest(Duration::from_millis(60))?;
        }
        self.hand.key(keysyms::SPACE)?;
        self.rest(Duration::from_millis(60))?;
        for _ in 0..AID_TABS {
            self.hand.key_event(keysyms::SHIFT, true)?;
            self.hand.key(keysyms::TAB)?;
            self.hand.key_event(keysyms::SHIFT, false)?;
            self.rest(Duration::from_millis(60))?;
        }
        Ok(())
    }

    /// Waits until the page rests and its granting buttons have been in sight for long enough.
    pub fn read(&self) -> Result<()> {
        self.rest(SIGHT)
    }

    /// Gives the bar the keyboard by a click on its empty edge, and waits until it has it: what is typed before goes
    /// to whichever window had it.
    pub fn turn_to_bar(&self) -> Result<()> {
        let window = self.window()?;
        let (x, y, _, _) = window.place()?;
        self.hand.click(x + 5, y + 5, 1)?;
        wait::until_true("the bar with the keyboard", PATIENCE, || {
            window.has_keyboard()
        })
    }

    /// Walks to a button and presses it.
    pub fn press(&self, button: Button) -> Result<()> {
        self.hand.key(keysyms::ESCAPE)?;
        self.rest(Duration::from_millis(120))?;
        for step in 1..=button.tabs() {
            let before = self.look()?;
            self.hand.key(keysyms::TAB)?;
            wait::until_true(
                &format!("Tab {step} to {button:?} to move the focus"),
                PATIENCE,
                || Ok(self.look()? != before),
            )?;
            self.rest(Duration::from_millis(60))?;
        }
        self.hand.key(keysyms::SPACE)
    }

    /// Photographs the card: the whole screen, and what its QR code says. Errors: none comes.
    pub fn photograph_card(&self) -> Result<Card> {
        wait::until("the card with its code", PATIENCE * 3, || {
            let picture = self.grabber.grab()?;
            let code = browser::code_in(&picture)?;
            Ok(code.map(|code| Card { code, picture }))
        })
    }

    /// Presses F11. Returns the X server's time of the press, as an independent observer saw it.
    pub fn press_stop(&self, observer: &Observer) -> Result<u32> {
        let keycode = self.hand.keycode(keysyms::F11)?;
        self.hand.key(keysyms::F11)?;
        Ok(observer.last_press(keycode)?.server_ms)
    }

    /// Waits until the agent's window has not changed for so long.
    pub fn rest(&self, time: Duration) -> Result<()> {
        let (mut last, mut since) = (self.look()?, Instant::now());
        wait::until_true("the agent's window to rest", PATIENCE + time, || {
            let now = self.look()?;
            if now != last {
                (last, since) = (now, Instant::now());
            }
            thread::sleep(Duration::from_millis(5));
            Ok(since.elapsed() >= time)
        })
    }

    /// The agent's window as it looks right now, with its place.
    fn look(&self) -> Result<(Area, Picture)> {
        let (x, y, width, height) = self.window()?.place()?;
        let (right, bottom) = (
            i32::from(x) + i32::from(width),
            i32::from(y) + i32::from(height),
        );
        let clamp = |value: i32, max: u16| value.clamp(0, i32::from(max)) as u16;
        let size = self.grabber.size()?;
        let (left, top) = (clamp(x.into(), size.0), clamp(y.into(), size.1));
        let area = Area {
            x: left,
            y: top,
            width: clamp(right, size.0) - left,
            height: clamp(bottom, size.1) - top,
        };
        ensure!(
            area.width > 0 && area.height > 0,
            "the agent's window is off the screen"
        );
        Ok((
            area,
            self.grabber.grab_area(area).context("the agent's window")?,
        ))
    }
}
