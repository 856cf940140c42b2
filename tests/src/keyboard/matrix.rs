//! A session in which layouts change on both sides, and what each editor has saved is compared.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::rights::Rights;
use x11rb::protocol::xproto::ConnectionExt as _;

use super::compose::Table;
use super::editors::{Editor, Kind};
use super::hands::{Arrivals, Hands, Ways};
use super::layout::{self, EXTRA, Layout};
use crate::customer::Button;
use crate::device::Device;
use crate::dice::Dice;
use crate::keymap::Keymap;
use crate::observer::{Act, Maker, Observer};
use crate::programs::Programs;
use crate::scenery;
use crate::session::{self, Backdrop, Stage};
use crate::wait;
use crate::xserver::XServer;

/// What one text did.
#[derive(Debug)]
pub struct Typed {
    /// The customer's layout.
    pub customer: Layout,
    /// The technician's.
    pub technician: Layout,
    /// Where it was typed.
    pub editor: Kind,
    /// How many characters.
    pub characters: usize,
    /// How they were made.
    pub ways: Ways,
    /// How many of them the customer's layout lacks.
    pub lacking: usize,
    /// How long it took until the last had arrived.
    pub time: Duration,
    /// What is wrong, if anything is.
    pub wrong: Option<String>,
}

impl Typed {
    /// Pair and editor, and what is wrong.
    pub fn complaint(&self) -> Option<String> {
        let wrong = self.wrong.as_ref()?;
        let (customer, technician) = (self.customer.name, self.technician.name);
        Some(format!(
            "{technician} to {customer}, {:?}: {wrong}",
            self.editor
        ))
    }
}

/// A technician at a layout.
#[derive(Debug)]
pub struct Technician {
    /// The layout.
    pub layout: Layout,
    /// The hands on it.
    pub hands: Hands,
    /// Every printable character of both layouts.
    pub characters: BTreeSet<char>,
    theirs: Keymap,
}

/// A session under control, with editors on the customer's screen.
#[derive(Debug)]
pub struct Matrix {
    /// The editors, and how many lines each has.
    editors: Vec<(Editor, usize)>,
    /// The session.
    pub stage: Stage,
    table: Table,
    before: String,
}

impl Matrix {
    /// Starts everything, and lets the customer grant control.
    pub fn open(programs: Programs, folder: &Path, kinds: &[Kind]) -> Result<Self> {
        let shape = session::Layout {
            customer: "us",
            technician: "us",
            ..session::Layout::default()
        };
        let backdrop = Backdrop::raise(programs, folder, shape)?;
        let home = scenery::home(folder)?;
        let mut editors = Vec::new();
        for (kind, at) in kinds.iter().zip([(30, 420), (560, 420), (560, 60)]) {
            let editor = Editor::start(*kind, &backdrop.customer_screen, &home, at)?;
            editors.push((editor, 0));
        }
        let mut stage = backdrop.open()?;
        let code = stage.code()?;
        stage.customer.enter_code(&code)?;
        stage.consent_to_control()?;
        stage.same_picture(session::STEP)?;
        let before = key_map(&stage.customer_screen)?;
        Ok(Self {
            editors,
            stage,
            table: Table::read()?,
            before,
        })
    }

    /// The customer's keyboard becomes another.
    pub fn customer_takes(&mut self, customer: Layout) -> Result<()> {
        customer.set(&self.stage.customer_screen, false)?;
        self.customer_has_changed()
    }

    /// The customer's keyboard is another one by other means.
    pub fn customer_has_changed(&mut self) -> Result<()> {
        self.before = key_map(&self.stage.customer_screen)?;
        Ok(())
    }

    /// An editor, by its place.
    pub fn editor(&self, place: usize) -> &Editor {
        &self.editors[place].0
    }

    /// The technician sits down at another layout, with keys for all characters of both.
    pub fn technician_takes(&self, technician: Layout) -> Result<Technician> {
        technician.set(&self.stage.technician_screen, true)?;
        let map = |screen: &XServer| Device::physical(screen.display())?.keymap();
        let theirs = map(&self.stage.customer_screen)?;
        let ours = map(&self.stage.technician_screen)?;
        let mut characters: BTreeSet<char> = Layout::characters(&theirs);
        characters.extend(Layout::characters(&ours));
        let all = characters.iter().copied().chain(EXTRA.chars());
        let hands = Hands::at(&self.stage.technician_screen, &self.table, all)?;
        Ok(Technician {
            layout: technician,
            hands,
            characters,
            theirs,
        })
    }

    /// Types a text from one layout to the other into each editor, and compares.
    pub fn pair(
        &mut self,
        customer: Layout,
        technician: Layout,
        dice: &mut Dice,
    ) -> Result<Vec<Typed>> {
        let technician = self.technician_takes(technician)?;
        let mut typed = Vec::new();
        for editor in 0..self.editors.len() {
            let text = layout::text(&technician.characters, dice);
            typed.push(self.type_into(editor, customer, &technician, &text)?);
        }
        self.stage.check()?;
        Ok(typed)
    }

    /// Types a line into an editor, saves it, and compares.
    pub fn type_into(
        &mut self,
        editor: usize,
        customer: Layout,
        technician: &Technician,
        text: &str,
    ) -> Result<Typed> {
        let (editor, lines) = &mut self.editors[editor];
        let hands = &technician.hands;
        let arrivals = Arrivals::at(&self.stage.customer_screen, &self.stage.observer)?;
        editor.focus(hands.device(), &arrivals)?;
        let focused = newest(&self.stage.observer)?;
        self.stage.observer.clear()?;
        let began = Instant::now();
        let ways = hands.type_text(text, &arrivals);
        let time = began.elapsed();
        *lines += 1;
        let saved = editor.save(hands.device(), *lines);
        let wrong = match (&ways, &saved) {
            (Ok(_), Ok(saved)) if saved == text => None,
            (Err(error), _) => Some(format!("{error:#}; {saved:?}")),
            (_, Ok(saved)) => Some(difference(text, saved)),
            (_, Err(error)) => Some(format!("{error:#}")),
        };
        let wrong = match wrong {
            None => None,
            Some(wrong) => {
                // A line that did not come, or came twice, is this text's fault and not the next one's.
                *lines = editor.lines()?;
                let last = newest(&self.stage.observer)?;
                Some(format!(
                    "{wrong}\n  typed {text:?}\n  injected before: {focused}\n  injected last: {last}"
                ))
            }
        };
        let lacking = text
            .chars()
            .filter(|c| technician.theirs.character(*c).is_err());
        Ok(Typed {
            customer,
            technician: technician.layout,
            editor: editor.kind,
            characters: text.chars().count(),
            ways: ways.unwrap_or_default(),
            lacking: lacking.count(),
            time,
            wrong,
        })
    }

    /// The customer takes control back: his keys are as they were, and none is down.
    pub fn customer_ends_control(&mut self) -> Result<()> {
        self.stage.customer.turn_to_bar()?;
        self.stage.grant(Button::ControlOff, Rights::View)?;
        self.untouched()
    }

    /// The customer gives control again.
    pub fn customer_grants_control(&mut self) -> Result<()> {
        self.stage.customer.turn_to_bar()?;
        self.stage.grant(Button::ControlOn, Rights::Control)?;
        self.stage.same_picture(session::STEP).map(drop)
    }

    /// Waits until the customer's key map is as it was, and no key is down.
    pub fn untouched(&self) -> Result<()> {
        let mut last = Ok(());
        let waited = wait::until_true("the customer's keyboard", session::STEP, || {
            last = self.untouched_now();
            Ok(last.is_ok())
        });
        waited.or(last)
    }

    /// Errors if the customer's key map is another than it was, or a key is down.
    pub fn untouched_now(&self) -> Result<()> {
        let screen = &self.stage.customer_screen;
        let now = key_map(screen)?;
        let other = now.lines().zip(self.before.lines()).find(|(a, b)| a != b);
        ensure!(now == self.before, "{other:?} differ in the key map");
        let down = keys_down(screen)?;
        ensure!(down.is_empty(), "keys {down:?} are down at the customer's");
        Ok(())
    }
}

/// What `xmodmap -pke` prints.
pub fn key_map(screen: &XServer) -> Result<String> {
    let mut command: Command = screen.command("xmodmap");
    let output = command.arg("-pke").output().context("xmodmap")?;
    ensure!(output.status.success(), "xmodmap failed");
    Ok(String::from_utf8(output.stdout)?)
}

/// The key codes that are down.
pub fn keys_down(screen: &XServer) -> Result<Vec<u8>> {
    let (connection, _) = x11rb::connect(Some(screen.display()))?;
    let keys = connection.query_keymap()?.reply()?.keys;
    let down = |code: &u8| keys[usize::from(code / 8)] & 1 << (code % 8) != 0;
    Ok((0..=u8::MAX).filter(down).collect())
}

/// What programs did last on the customer's screen: keys and buttons, down and up, and when, in milliseconds before
/// the last of them.
fn newest(observer: &Observer) -> Result<String> {
    const MOST: usize = 16;
    let seen = observer.seen()?;
    let acts = seen
        .iter()
        .rev()
        .filter(|seen| seen.maker == Maker::Program);
    let acts: Vec<_> = acts
        .filter_map(|seen| {
            let what = match seen.act {
                Act::KeyDown(key) => format!("{key}↓"),
                Act::KeyUp(key) => format!("{key}↑"),
                Act::ButtonDown(button) => format!("button {button}↓"),
                Act::ButtonUp(button) => format!("button {button}↑"),
                Act::Motion => return None,
            };
            Some((seen.server_ms, what))
        })
        .take(MOST)
        .collect();
    let end = acts.first().map_or(0, |(at, _)| *at);
    let told = acts.iter().rev();
    let told = told.map(|(at, what)| format!("{what} (−{})", end.wrapping_sub(*at)));
    Ok(told.collect::<Vec<_>>().join(", "))
}

/// Where two texts part.
fn difference(wanted: &str, found: &str) -> String {
    let (a, b): (Vec<char>, Vec<char>) = (wanted.chars().collect(), found.chars().collect());
    let at = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let around = |text: &[char]| -> String {
        let from = at.saturating_sub(5).min(text.len());
        text[from..text.len().min(at + 12)].iter().collect()
    };
    format!(
        "of {} characters {} arrived; at {at}: …{:?}… was typed, …{:?}… is there\n  there {found:?}",
        a.len(),
        b.len(),
        around(&a),
        around(&b)
    )
}
