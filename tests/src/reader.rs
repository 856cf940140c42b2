//! Reads the programs' pages as a screen reader does, and presses their buttons: over a message bus of its
//! own, through AT-SPI.
//!
//! ```text
//! program ── AccessKit ──► accessibility bus ◄── Reader: every name on the page, in order
//!                                            ◄── Heard:  what is announced without being asked for
//! ```
//! What it returns is what the people in front of the screens are told; [`Words`] says what they should be told,
//! by the key of the text.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use zbus::blocking::{Connection, Proxy, connection};
use zbus::names::OwnedBusName;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

use crate::wait;
use crate::xserver::Process;

/// A message bus with an accessibility bus behind it. Both end with the value.
#[derive(Debug)]
pub struct Reader {
    _bus: Process,
    address: String,
    accessible: Connection,
}

type Place = (OwnedBusName, OwnedObjectPath);
/// Kind, two details, what it is about, and more.
type Event = (String, i32, i32, OwnedValue, HashMap<String, OwnedValue>);

/// What a program for assistive technology does to a control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Presses it.
    Press,
    /// Gives it the keyboard.
    Focus,
}

impl Reader {
    /// Starts the buses; sockets lie in `folder`.
    pub fn start(folder: &Path) -> Result<Self> {
        let mut command = Command::new("dbus-daemon");
        command
            .args(["--session", "--nofork", "--nopidfile", "--print-address"])
            .arg(format!("--address=unix:path={}/bus", folder.display()))
            .env_remove("DISPLAY")
            .env("XDG_RUNTIME_DIR", folder)
            .env("GSETTINGS_BACKEND", "memory")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut bus = Process::start("dbus-daemon", &mut command)?;
        let pipe = bus.child().stdout.take().context("its output is piped")?;
        let mut address = String::new();
        BufReader::new(pipe).read_line(&mut address)?;
        let address = address.trim().to_owned();
        let session = connect(&address).context("the message bus does not answer")?;
        let status = Proxy::new(
            &session,
            "org.a11y.Bus",
            "/org/a11y/bus",
            "org.freedesktop.DBus.Properties",
        )?;
        // Programs put their pages on the bus only where somebody reads them.
        let on = ("org.a11y.Status", "IsEnabled", Value::from(true));
        status
            .call_method("Set", &on)
            .context("is the package at-spi2-core installed?")?;
        let bus_of_readers = Proxy::new(&session, "org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus")?;
        let accessible: String = bus_of_readers.call("GetAddress", &())?;
        Ok(Self {
            _bus: bus,
            address,
            accessible: connect(&accessible)?,
        })
    }

    /// Lets a program be read.
    pub fn attend(&self, command: &mut Command) {
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
    }

    /// Everything that a program shows right now, from top to bottom. Empty while it shows nothing.
    pub fn read(&self, pid: u32) -> Result<Vec<String>> {
        let mut words = Vec::new();
        for window in self.windows(pid)? {
            self.gather(&window, 0, &mut words);
        }
        Ok(words)
    }

    fn windows(&self, pid: u32) -> Result<Vec<Place>> {
        let names = Proxy::new(
            &self.accessible,
            "org.freedesktop.DBus",
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus",
        )?;
        let mut windows = self.children(&root()?)?;
        windows.retain(|(name, _)| {
            // A program that has just ended has no process any more.
            let owner: zbus::Result<u32> = names.call("GetConnectionUnixProcessID", &name.as_str());
            owner.is_ok_and(|owner| owner == pid)
        });
        Ok(windows)
    }

    /// Waits until a program shows a sentence. Returns it as it is shown. Errors: it does not come.
    pub fn wait(&self, pid: u32, words: &Words, limit: Duration) -> Result<String> {
        let mut last = Vec::new();
        let said = wait::until(&format!("the words {words:?}"), limit, || {
            last = self.read(pid)?;
            Ok(last.iter().find(|said| words.fit(said)).cloned())
        });
        said.with_context(|| format!("it shows {last:?}"))
    }

    /// What a program announces from now on by itself.
    pub fn listen(&self) -> Result<Heard> {
        let rule = zbus::MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .interface("org.a11y.atspi.Event.Object")?
            .member("Announcement")?
            .build();
        let registry = Proxy::new(
            &self.accessible,
            "org.a11y.atspi.Registry",
            "/org/a11y/atspi/registry",
            "org.a11y.atspi.Registry",
        )?;
        let everything = ("object:announcement", Vec::<String>::new(), "");
        registry.call_method("RegisterEvent", &everything)?;
        let signals = zbus::blocking::MessageIterator::for_match_rule(
            rule,
            &self.accessible,
            Some(ANNOUNCEMENTS),
        )?;
        let said = Arc::new(Mutex::new(Vec::new()));
        let book = Arc::clone(&said);
        // Ends with the bus.
        std::thread::spawn(move || {
            for signal in signals.flatten() {
                let body = signal.body();
                let Ok((_, _, _, words, _)) = body.deserialize::<Event>() else {
                    continue;
                };
                if let Ok(words) = String::try_from(words) {
                    book.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(words);
                }
            }
        });
        Ok(Heard { said })
    }

    /// Presses the control with this name as an aid does, once it is there and not busy.
    pub fn press(&self, pid: u32, words: &Words, limit: Duration) -> Result<()> {
        let mut last = Vec::new();
        let place = wait::until(&format!("the control {words:?}"), limit, || {
            let controls = self.controls(pid)?;
            let found = controls.iter().find(|(_, name)| words.fit(name)).cloned();
            last = controls.into_iter().map(|(_, name)| name).collect();
            let Some((place, _)) = found else {
                return Ok(None);
            };
            let state: Vec<u32> = self.proxy(&place)?.call("GetState", &())?;
            let busy = state.first().is_some_and(|low| low & BUSY != 0);
            Ok((!busy).then_some(place))
        });
        let place = place.with_context(|| format!("there are {last:?}"))?;
        let done: bool = self.action(&place)?.call("DoAction", &(0i32))?;
        ensure!(done, "{words:?} does nothing");
        Ok(())
    }

    /// Everything on a program's page that can be pressed, with its name.
    fn controls(&self, pid: u32) -> Result<Vec<(Place, String)>> {
        let mut found = Vec::new();
        for place in self.windows(pid)? {
            self.gather_controls(&place, 0, &mut found);
        }
        Ok(found)
    }

    fn gather_controls(&self, place: &Place, depth: usize, found: &mut Vec<(Place, String)>) {
        if depth > DEEPEST || found.len() > MOST {
            return;
        }
        let actions = self
            .action(place)
            .and_then(|proxy| Ok(proxy.get_property::<i32>("NActions")?));
        if actions.is_ok_and(|count| count > 0)
            && let Ok(name) = self.name(place)
        {
            found.push((place.clone(), name));
        }
        for child in self.children(place).unwrap_or_default() {
            self.gather_controls(&child, depth + 1, found);
        }
    }

    /// Does what assistive technology does to whatever shows this text: presses it, or gives it the keyboard.
    /// False: it is not there, or it does not let itself be used.
    pub fn act(&self, pid: u32, words: &Words, act: Act) -> Result<bool> {
        let Some(place) = self.find(pid, words)? else {
            return Ok(false);
        };
        let done: zbus::Result<bool> = match act {
            Act::Press => self.action(&place)?.call("DoAction", &0),
            Act::Focus => self
                .of(&place, "org.a11y.atspi.Component")?
                .call("GrabFocus", &()),
        };
        Ok(done.unwrap_or(false))
    }

    /// Where whatever shows this text is, in pixels from the window's upper left corner: left, top, width, height.
    pub fn extents(&self, pid: u32, words: &Words) -> Result<Option<(i32, i32, i32, i32)>> {
        let Some(place) = self.find(pid, words)? else {
            return Ok(None);
        };
        let component = self.of(&place, "org.a11y.atspi.Component")?;
        Ok(component.call("GetExtents", &IN_WINDOW).ok())
    }

    fn find(&self, pid: u32, words: &Words) -> Result<Option<Place>> {
        let mut found = None;
        for window in self.windows(pid)? {
            self.search(&window, 0, words, &mut found);
        }
        Ok(found)
    }

    /// The deepest: containers may bear the text of what they hold.
    fn search(&self, place: &Place, depth: usize, words: &Words, found: &mut Option<Place>) {
        if depth > DEEPEST {
            return;
        }
        if self.name(place).is_ok_and(|name| words.fit(&name)) {
            *found = Some(place.clone());
        }
        for child in self.children(place).unwrap_or_default() {
            self.search(&child, depth + 1, words, found);
        }
    }

    /// Pages change while they are read: what has gone meanwhile is left out.
    fn gather(&self, place: &Place, depth: usize, words: &mut Vec<String>) {
        if depth > DEEPEST || words.len() > MOST {
            return;
        }
        if let Ok(name) = self.name(place)
            && !name.is_empty()
            && words.last() != Some(&name)
        {
            words.push(name);
        }
        for child in self.children(place).unwrap_or_default() {
            self.gather(&child, depth + 1, words);
        }
    }

    fn children(&self, place: &Place) -> Result<Vec<Place>> {
        Ok(self.proxy(place)?.call("GetChildren", &())?)
    }

    fn name(&self, place: &Place) -> Result<String> {
        Ok(self.proxy(place)?.get_property("Name")?)
    }

    fn proxy(&self, place: &Place) -> Result<Proxy<'static>> {
        self.of(place, "org.a11y.atspi.Accessible")
    }

    fn action(&self, place: &Place) -> Result<Proxy<'static>> {
        self.of(place, "org.a11y.atspi.Action")
    }

    fn of(&self, (name, path): &Place, interface: &'static str) -> Result<Proxy<'static>> {
        let builder = zbus::blocking::proxy::Builder::new(&self.accessible)
            .destination(name.clone())?
            .path(path.clone())?
            .interface(interface)?
            // What was shown a moment ago is not what is asked for.
            .cache_properties(zbus::proxy::CacheProperties::No);
        Ok(builder.build()?)
    }
}

/// What was announced.
#[derive(Debug, Clone)]
pub struct Heard {
    said: Arc<Mutex<Vec<String>>>,
}

impl Heard {
    /// All of it so far.
    pub fn said(&self) -> Vec<String> {
        self.said
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits until this text is announced.
    pub fn wait(&self, words: &Words, limit: Duration) -> Result<()> {
        let heard = || Ok(self.said().iter().any(|said| words.fit(said)));
        wait::until_true(&format!("the announcement {words:?}"), limit, heard)
            .with_context(|| format!("it announced {:?}", self.said()))
    }
}

/// A text of a program, by its key: what is fixed of it, in order.
#[derive(Debug, Clone)]
pub struct Words {
    key: String,
    parts: Vec<String>,
}

impl Words {
    /// Of the agent, in German.
    pub fn agent(key: &str) -> Result<Self> {
        let texts = concat!(
            include_str!("../../agent/texts/de.ftl"),
            "\n",
            include_str!("../../agent/texts/chat.de.ftl"),
            "\n",
            include_str!("../../agent/texts/transfer.de.ftl"),
            "\n",
            include_str!("../../agent/texts/elevate.de.ftl")
        );
        Self::of(texts, key)
    }

    /// Of the console, in German.
    pub fn console(key: &str) -> Result<Self> {
        Self::of(include_str!("../../console/texts/de.ftl"), key)
    }

    /// Of the console, in this language.
    pub fn console_in(language: &str, key: &str) -> Result<Self> {
        match language {
            "en" => Self::of(include_str!("../../console/texts/en.ftl"), key),
            _ => Self::console(key),
        }
    }

    fn of(texts: &str, key: &str) -> Result<Self> {
        let line = texts
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))
            .with_context(|| format!("there is no text {key}"))?;
        let mut parts = Vec::new();
        // The common form of a text that depends on a number.
        let line = if line.trim_end().ends_with("->") {
            texts
                .lines()
                .skip_while(|other| !other.starts_with(key))
                .find_map(|line| line.trim_start().strip_prefix("*[other] "))
                .with_context(|| format!("{key} has no form for many"))?
        } else {
            line
        };
        for part in line.split('{') {
            // Behind a name that is put in stands what is fixed again.
            let fixed = part.rsplit_once('}').map_or(part, |(_, fixed)| fixed);
            parts.push(fixed.trim().to_owned());
        }
        parts.retain(|part| !part.is_empty());
        let key = key.to_owned();
        Ok(Self { key, parts })
    }

    /// What somebody wrote or typed: exactly this is contained.
    pub fn said(text: &str) -> Self {
        Self {
            key: text.to_owned(),
            parts: vec![text.to_owned()],
        }
    }

    /// The text's key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// True if this sentence is the text.
    pub fn fit(&self, sentence: &str) -> bool {
        let mut rest = sentence;
        self.parts.iter().all(|part| {
            rest.split_once(part.as_str())
                .map(|(_, behind)| rest = behind)
                .is_some()
        })
    }
}

fn root() -> Result<Place> {
    let name = OwnedBusName::try_from("org.a11y.atspi.Registry")?;
    let path = OwnedObjectPath::try_from("/org/a11y/atspi/accessible/root")?;
    Ok((name, path))
}

fn connect(address: &str) -> Result<Connection> {
    Ok(connection::Builder::address(address)?
        .method_timeout(PATIENCE)
        .build()?)
}

/// AT-SPI's number for places within a window.
const IN_WINDOW: u32 = 1;
/// How long a program may take to answer on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// Pages are flat; what is deeper or longer is none.
const DEEPEST: usize = 24;
const MOST: usize = 400;
/// AT-SPI's bit for a control that takes no press yet.
const BUSY: u32 = 1 << 3;
/// Announcements that may wait to be noted.
const ANNOUNCEMENTS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_fits_with_its_names_put_in() {
        let words = Words::of("a = Hallo { $name }, es ist { $time }.\nb = Nein", "a").unwrap();
        assert!(words.fit("Hallo Erika, es ist 12."));
        assert!(!words.fit("Hallo Erika."));
        assert!(Words::of("a = b", "c").is_err());
    }
}
