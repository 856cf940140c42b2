//! A customer's screen whose pages are read: the real agent, started with whatever it has to cope with.
//!
//! With FERNSICHT_TEST_PICTURES each page that is read is also kept there as a picture, by the key of its text:
//! the gallery.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::apps::AppWindow;
use crate::customer::Customer;
use crate::grab::{Area, Grabber};
use crate::operator::OPERATOR;
use crate::reader::{Reader, Words};
use crate::session::STEP;
use crate::xserver::{Process, XServer};

/// A screen, a reader, and a folder for everything.
#[derive(Debug)]
pub struct Desk {
    /// The customer's screen.
    pub screen: XServer,
    /// Who reads its pages.
    pub reader: Arc<Reader>,
    /// For everything else.
    pub folder: tempfile::TempDir,
}

impl Desk {
    /// A screen with a window manager.
    pub fn set() -> Result<Self> {
        Self::before(XServer::start(1280, 800, "de")?)
    }

    /// The same with this X server.
    pub fn before(screen: XServer) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        Ok(Self {
            screen: screen.with_window_manager()?,
            reader: Arc::new(Reader::start(folder.path())?),
            folder,
        })
    }

    /// Starts an agent file with these words on its command line, changed by `change`.
    pub fn start(
        &self,
        file: &std::path::Path,
        words: &[&str],
        change: impl FnOnce(&mut Command),
    ) -> Result<Reads<'_>> {
        let mut command = self.screen.command(file);
        let home = self.folder.path();
        command
            .args(["--language", "de"])
            .args(words)
            .env("HOME", home)
            .env("XDG_RUNTIME_DIR", home)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.reader.attend(&mut command);
        change(&mut command);
        Ok(Reads {
            agent: Process::start("fernsicht-agent", &mut command)?,
            desk: self,
        })
    }
}

/// An agent whose pages are read. It ends with the value.
#[derive(Debug)]
pub struct Reads<'a> {
    /// The program.
    pub agent: Process,
    desk: &'a Desk,
}

impl Reads<'_> {
    /// Waits until a page has this text of the agent's.
    pub fn says(&self, key: &str) -> Result<()> {
        self.says_within(key, STEP)
    }

    /// The same with another limit.
    pub fn says_within(&self, key: &str, limit: Duration) -> Result<()> {
        let words = Words::agent(key)?;
        self.desk.reader.wait(self.agent.pid(), &words, limit)?;
        keep(&self.desk.screen, key)
    }

    /// Presses a control, as an aid does.
    pub fn press(&self, key: &str) -> Result<()> {
        let words = Words::agent(key)?;
        self.desk.reader.press(self.agent.pid(), &words, STEP)
    }

    /// The person at the screen.
    pub fn customer(&self) -> Result<Customer> {
        let customer = Customer::at(&self.desk.screen, OPERATOR)?;
        customer.sit_down()?;
        Ok(customer)
    }
}

/// Keeps what the agent's window on a screen shows, if pictures are wanted and docs/gallery.md has this one.
pub fn keep(screen: &XServer, name: &str) -> Result<()> {
    let Some(folder) = std::env::var_os("FERNSICHT_TEST_PICTURES").map(PathBuf::from) else {
        return Ok(());
    };
    if !include_str!("../../docs/gallery.md").contains(&format!("gallery/{name}.png")) {
        return Ok(());
    }
    let grabber = Grabber::open(screen.display())?;
    if grabber.grab().is_err() {
        // A screen with too few colours for a picture.
        return Ok(());
    }
    grabber.settled(Duration::from_millis(400), STEP)?;
    // In a file without a configuration nobody is named.
    let window = AppWindow::wait(screen.display(), "Fernhilfe", STEP)?;
    let (x, y, width, height) = window.place()?;
    let (x, y) = (u16::try_from(x)?, u16::try_from(y)?);
    let (right, bottom) = screen.size();
    let area = Area {
        x,
        y,
        width: width.min(right - x),
        height: height.min(bottom - y),
    };
    grabber
        .grab_area(area)?
        .save(&folder.join(format!("{name}.png")))
        .context("the picture")
}
