//! A virtual screen: Xvfb on a display number of its own choice, a keyboard layout, a window manager.
//!
//! Everything that is started here ends with the value that started it, by its own process id.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal};

use crate::wait;

/// A child process that is killed and reaped when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
}

impl Process {
    /// Starts `command`. `name` is for error sentences.
    pub fn start(name: &str, command: &mut Command) -> Result<Self> {
        let child = command
            .spawn()
            .with_context(|| format!("{name} could not be started; is its package installed?"))?;
        Ok(Self {
            child,
            name: name.to_owned(),
        })
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The process itself, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Errors if the process has ended.
    pub fn check(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            anyhow::bail!("{} ended unexpectedly: {status}", self.name);
        }
        Ok(())
    }

    /// Waits for the end. Errors: it does not end within `limit`.
    pub fn ended(&mut self, limit: Duration) -> Result<std::process::ExitStatus> {
        let (what, child) = (format!("the end of {}", self.name), &mut self.child);
        wait::until(&what, limit, || Ok(child.try_wait()?))
    }

    /// Kills it (SIGKILL) and reaps it.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks the process to end (SIGTERM).
    pub fn terminate(&self) -> Result<()> {
        self.signal(Signal::TERM)
    }

    /// Stops it where it is (SIGSTOP), until [`Self::go_on`].
    pub fn stop(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// It goes on (SIGCONT).
    pub fn go_on(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.child.id()).context("a process id fits i32")?;
        let pid = Pid::from_raw(pid).context("a process id is not 0")?;
        Ok(rustix::process::kill_process(pid, signal)?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already gone is as good as killed.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A running Xvfb.
#[derive(Debug)]
pub struct XServer {
    server: Process,
    manager: Option<Process>,
    display: String,
    width: u16,
    height: u16,
}

impl XServer {
    /// Starts a screen of this size with an XKB layout (`us`, `de`, …), without window manager.
    pub fn start(width: u16, height: u16, layout: &str) -> Result<Self> {
        let mut server = Process::start(
            "Xvfb",
            Command::new("Xvfb")
                .args([
                    "-displayfd",
                    "1",
                    "-screen",
                    "0",
                    &format!("{width}x{height}x24"),
                ])
                .args(["-nolisten", "tcp", "-noreset", "-dpi", "96"])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        )?;
        let pipe = server
            .child()
            .stdout
            .take()
            .context("Xvfb's output is piped")?;
        let mut line = String::new();
        BufReader::new(pipe).read_line(&mut line)?;
        let number: u32 = line
            .trim()
            .parse()
            .context("Xvfb did not name its display")?;
        let this = Self {
            server,
            manager: None,
            display: format!(":{number}"),
            width,
            height,
        };
        this.run("setxkbmap", &[layout])?;
        Ok(this)
    }

    /// Starts openbox and waits until it manages windows.
    pub fn with_window_manager(mut self) -> Result<Self> {
        let mut command = self.command("openbox");
        command
            .arg("--sm-disable")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.manager = Some(Process::start("openbox", &mut command)?);
        let display = self.display.clone();
        wait::until_true("openbox to manage windows", Duration::from_secs(20), || {
            crate::apps::window_manager_runs(&display)
        })?;
        Ok(self)
    }

    /// A command with DISPLAY and a plain environment set for this screen.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .env("DISPLAY", &self.display)
            .env("LANG", "C.UTF-8")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("XAUTHORITY")
            .env_remove("LC_ALL")
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .env("GIO_USE_VFS", "local")
            .env("GSETTINGS_BACKEND", "memory")
            .env("NO_AT_BRIDGE", "1")
            .stdin(Stdio::null());
        command
    }

    /// Runs a short program on this screen to its end. Errors: it fails.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<()> {
        let output = self
            .command(program)
            .args(arguments)
            .output()
            .with_context(|| {
                format!("{program} could not be started; is its package installed?")
            })?;
        let words = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "{program} failed: {}",
            words.trim()
        );
        Ok(())
    }

    /// The display's name, `:N`.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u16, u16) {
        (self.width, self.height)
    }

    /// The server's process id.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Kills the server (SIGKILL), and with it the screen.
    pub fn kill(&mut self) -> Result<()> {
        self.server.kill()
    }
}
