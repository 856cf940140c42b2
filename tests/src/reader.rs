//! Reads the programs' pages as a screen reader does: over a message bus of its own, through AT-SPI.
//!
//! ```text
//! program ── AccessKit ──► accessibility bus ◄── Reader: every name on the page, in order
//! ```
//! What it returns is what the people in front of the screens are told; [`Words`] says what they should be told,
//! by the key of the text.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use zbus::blocking::{Connection, Proxy, connection};
use zbus::names::OwnedBusName;
use zbus::zvariant::{OwnedObjectPath, Value};

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

    /// Does what assistive technology does to whatever shows this text: presses it, or gives it the keyboard.
    /// False: it is not there, or it does not let itself be used.
    pub fn act(&self, pid: u32, words: &Words, act: Act) -> Result<bool> {
        let Some(place) = self.find(pid, words)? else {
            return Ok(false);
        };
        let done: zbus::Result<bool> = match act {
            Act::Press => self
                .of(&place, "org.a11y.atspi.Action")?
                .call("DoAction", &0),
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

/// A text of a program, by its key: what is fixed of it, in order.
#[derive(Debug, Clone)]
pub struct Words {
    key: String,
    parts: Vec<String>,
}

impl Words {
    /// Of the agent, in German.
    pub fn agent(key: &str) -> Result<Self> {
        Self::of(include_str!("../../agent/texts/de.ftl"), key)
    }

    /// Of the console, in German.
    pub fn console(key: &str) -> Result<Self> {
        Self::of(include_str!("../../console/texts/de.ftl"), key)
    }

    fn of(texts: &str, key: &str) -> Result<Self> {
        let line = texts
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))
            .with_context(|| format!("there is no text {key}"))?;
        let mut parts = Vec::new();
        for part in line.split('{') {
            // Behind a name that is put in stands what is fixed again.
            let fixed = part.rsplit_once('}').map_or(part, |(_, fixed)| fixed);
            parts.push(fixed.trim().to_owned());
        }
        parts.retain(|part| !part.is_empty());
        let key = key.to_owned();
        Ok(Self { key, parts })
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
