//! Ordinary editors, and what they have saved.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};

use super::hands::Arrivals;
use super::page::{self, Page};
use crate::apps::{App, AppWindow};
use crate::device::Device;
use crate::keymap::keysyms;
use crate::scenery;
use crate::wait;
use crate::xserver::XServer;

/// Which editor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Mousepad: GTK.
    Gtk,
    /// `cat` in an xterm.
    Terminal,
    /// A text field in Chromium.
    Browser,
}

/// A running editor whose lines are in a file.
#[derive(Debug)]
pub struct Editor {
    /// Which it is.
    pub kind: Kind,
    app: App,
    file: PathBuf,
    _page: Option<Page>,
}

impl Editor {
    /// Starts it at a place of the screen.
    pub fn start(kind: Kind, screen: &XServer, folder: &Path, at: (i32, i32)) -> Result<Self> {
        let file = folder.join(format!("{kind:?}.txt"));
        let (app, page) = match kind {
            Kind::Gtk => {
                let (app, _) = scenery::editor(screen, folder, "Gtk.txt")?;
                (app, None)
            }
            Kind::Terminal => {
                let shell = format!("stty -echo; cat > '{}'", file.display());
                (App::terminal(screen, "Eingabe", "60x12", &shell)?, None)
            }
            Kind::Browser => {
                let page = Page::serve(&file)?;
                (browser(screen, folder, &page)?, Some(page))
            }
        };
        app.window().arrange(at.0, at.1, 480, 300)?;
        Ok(Self {
            kind,
            app,
            file,
            _page: page,
        })
    }

    /// Its window.
    pub fn window(&self) -> &AppWindow {
        self.app.window()
    }

    /// The technician clicks into it until it has the keyboard, and goes to the end of the text.
    pub fn focus(&self, technician: &Device, arrivals: &Arrivals<'_>) -> Result<()> {
        let what = format!("the keyboard for {:?}", self.kind);
        wait::until_true(&what, LIMIT * 2, || {
            if self.app.window().has_keyboard()? {
                return Ok(true);
            }
            let (x, y) = self.app.window().centre()?;
            let before = arrivals.clicks()?;
            technician.click(x, y, 1)?;
            // A window manager that takes its time over a click holds the pointer back until then: what is clicked
            // meanwhile waits in the X server, and keys overtake it. One that the customer's own hand has kept out never arrives.
            let took = || Ok(arrivals.clicks()? > before && self.app.window().has_keyboard()?);
            Ok(wait::until_true(&what, ONE_CLICK, took).is_ok())
        })?;
        if self.kind != Kind::Terminal {
            let before = arrivals.count()?;
            technician.shortcut_key(&[keysyms::CONTROL], keysyms::END)?;
            arrivals.wait_for(before + 1)?;
        }
        Ok(())
    }

    /// The technician ends the line, and saves. Returns the last line of the file, once it is there.
    pub fn save(&self, technician: &Device, lines: usize) -> Result<String> {
        technician.key(keysyms::RETURN)?;
        if self.kind == Kind::Gtk {
            technician.shortcut(&[keysyms::CONTROL], 's')?;
        }
        let what = format!("line {lines} in the file of {:?}", self.kind);
        let text = wait::until(&what, LIMIT, || {
            let text = self.text()?;
            Ok((text.matches('\n').count() >= lines).then_some(text))
        });
        let text = text.with_context(|| format!("{:?} is there", self.text()))?;
        let last = text.trim_end_matches('\n').rsplit('\n').next();
        Ok(last.unwrap_or_default().to_owned())
    }

    /// How many lines are in its file.
    pub fn lines(&self) -> Result<usize> {
        Ok(self.text()?.matches('\n').count())
    }

    fn text(&self) -> Result<String> {
        // A letter may be half written.
        Ok(String::from_utf8_lossy(&fs::read(&self.file).unwrap_or_default()).into_owned())
    }
}

fn browser(screen: &XServer, folder: &Path, page: &Page) -> Result<App> {
    let profile = folder.join("browser");
    fs::create_dir_all(&profile)?;
    let mut command = screen.command("chromium");
    command
        .args([
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--no-default-browser-check",
            "--disable-background-networking",
            "--disable-sync",
            "--password-store=basic",
        ])
        // The page is ours, and Chromium's own sandbox does not start as root.
        .args(["--no-sandbox", "--test-type"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("--app={}", page.address()))
        .env("HOME", &profile)
        .stdin(Stdio::null());
    App::start(screen, "chromium", page::TITLE, command)
}

/// On a loaded machine.
const LIMIT: Duration = Duration::from_secs(20);
/// How long one click may take to bring the keyboard.
const ONE_CLICK: Duration = Duration::from_secs(4);
