//! Windows programs on a virtual screen, under wine.
//!
//! Wine's windows are ordinary windows of the X server, so whoever sits there uses them with that screen's own keyboard
//! and mouse; what a Windows program injects reaches Windows programs alone. Wine keeps everything in the customer's home.

mod traces;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::apps::App;
use crate::grab::Area;
use crate::xserver::XServer;

pub use traces::{Left, Traces};

/// True for a program of Windows.
pub fn runs(program: &Path) -> bool {
    program
        .extension()
        .is_some_and(|extension| extension == "exe")
}

/// A Windows program's command on a screen, in this home.
pub fn command(screen: &XServer, home: &Path, program: &Path) -> Command {
    let mut command = screen.command(launcher());
    command
        .arg(program)
        .env("WINEPREFIX", home.join("wine"))
        .env("HOME", home);
    command
}

/// Makes wine's folders in this home. The first start of wine takes its time. Programs draw their titles themselves, as on
/// Windows: the X side's window manager knows nothing of a window that wants none.
pub fn prepare(screen: &XServer, home: &Path) -> Result<()> {
    std::fs::create_dir_all(home)?;
    let decorated = r"HKCU\Software\Wine\X11 Driver";
    for (program, arguments) in [
        ("wineboot", &["--init"][..]),
        (
            "reg",
            &["add", decorated, "/v", "Decorated", "/d", "N", "/f"],
        ),
    ] {
        let mut command = command(screen, home, Path::new(program));
        let status = command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .context("wine is not installed; run: scripts/packages.sh wine")?;
        anyhow::ensure!(status.success(), "wine cannot make its folders");
    }
    Ok(())
}

/// Wine's own editor with a file that is UTF-8 and says so.
pub fn notepad(screen: &XServer, home: &Path, name: &str) -> Result<(App, PathBuf)> {
    let file = home.join(name);
    std::fs::write(&file, MARK.to_string())?;
    let mut command = command(screen, home, Path::new("notepad"));
    command.arg(windows_path(&file));
    let app = App::start(screen, "notepad", name, command)?;
    Ok((app, file))
}

/// Counts what programs press, and clicks into its own window (`windows/tests/witness.c`).
#[derive(Debug)]
pub struct Witness {
    app: App,
    file: PathBuf,
}

impl Witness {
    /// Stands on the screen from now on, at this place.
    pub fn show(screen: &XServer, home: &Path, place: Area) -> Result<Self> {
        let file = home.join("witness.txt");
        let mut command = command(screen, home, Path::new("witness.exe"));
        command.arg(windows_path(&file));
        let app = App::start(screen, "the witness", "witness", command)?;
        app.window().arrange(
            place.x.into(),
            place.y.into(),
            place.width.into(),
            place.height.into(),
        )?;
        Ok(Self { app, file })
    }

    /// Keys, without modifiers, and buttons that programs pressed, anywhere.
    pub fn presses(&self) -> Result<usize> {
        self.count(0)
    }

    /// Clicks into its window.
    pub fn clicks(&self) -> Result<usize> {
        self.count(1)
    }

    /// Its window's middle.
    pub fn centre(&self) -> Result<(i16, i16)> {
        self.app.window().centre()
    }

    fn count(&self, which: usize) -> Result<usize> {
        let text = std::fs::read_to_string(&self.file)?;
        let number = text.split_whitespace().nth(which);
        number
            .and_then(|number| number.parse().ok())
            .with_context(|| format!("the witness wrote {text:?}"))
    }
}

/// As Windows programs name it.
fn windows_path(path: &Path) -> String {
    format!("Z:{}", path.display()).replace('/', "\\")
}

/// What was saved there, as everybody else would have it.
pub fn saved(file: &Path) -> Result<String> {
    let text = std::fs::read_to_string(file)?;
    Ok(text.trim_start_matches(MARK).replace("\r\n", "\n"))
}

fn launcher() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/windows-wine.sh")
}

const MARK: char = '\u{feff}';
