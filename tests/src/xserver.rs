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

/// A monitor of a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Monitor<'a> {
    /// What the X server calls it.
    pub name: &'a str,
    /// Width and height.
    pub size: (u16, u16),
    /// Upper left corner.
    pub at: (u16, u16),
}

/// Xorg with outputs that nobody sees, and nothing else.
const DUMMY: &str = r#"
Section "ServerFlags"
    Option "AutoAddDevices" "false"
    Option "AutoEnableDevices" "false"
    Option "AutoAddGPU" "false"
    Option "DontVTSwitch" "true"
EndSection
Section "Device"
    Identifier "outputs"
    Driver "dummy"
    VideoRam 256000
EndSection
Section "Screen"
    Identifier "screen"
    Device "outputs"
    DefaultDepth 24
EndSection
"#;

/// A running Xvfb, or Xorg without a screen.
#[derive(Debug)]
pub struct XServer {
    server: Process,
    manager: Option<Process>,
    display: String,
    width: u16,
    height: u16,
    devices: bool,
}

impl XServer {
    /// Starts a screen of this size with an XKB layout (`us`, `de`, …), without window manager.
    pub fn start(width: u16, height: u16, layout: &str) -> Result<Self> {
        Self::start_with(width, height, layout, &[])
    }

    /// The same with more words for Xvfb, such as `["-extension", "XTEST"]`, which leaves one out.
    pub fn start_with(width: u16, height: u16, layout: &str, more: &[&str]) -> Result<Self> {
        let size = format!("{width}x{height}x24");
        let mut command = Command::new("Xvfb");
        command
            .args(["-screen", "0", &size, "-dpi", "96"])
            .args(more);
        Self::serve("Xvfb", &mut command, (width, height), layout)
    }

    /// Starts Xorg with Debian's dummy video driver: sixteen outputs that can be plugged in and out, of which
    /// the first is on, with this size. It has no keyboard and mouse but those that programs play.
    pub fn with_outputs(folder: &Path, width: u16, height: u16, layout: &str) -> Result<Self> {
        let configuration = folder.join("xorg.conf");
        std::fs::write(&configuration, DUMMY)?;
        let mut command = Command::new("Xorg");
        command
            .arg("-config")
            .arg(&configuration)
            .arg("-logfile")
            .arg(folder.join("xorg.log"))
            .args(["-novtswitch", "-sharevts", "-dpi", "96"]);
        let mut this = Self::serve("Xorg", &mut command, (width, height), layout)?;
        this.devices = false;
        this.plug("DUMMY0", (width, height), (0, 0))?;
        Ok(this)
    }

    fn serve(
        name: &str,
        command: &mut Command,
        (width, height): (u16, u16),
        layout: &str,
    ) -> Result<Self> {
        command
            .args(["-displayfd", "1", "-nolisten", "tcp", "-noreset"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut server = Process::start(name, command)?;
        let pipe = server
            .child()
            .stdout
            .take()
            .context("the X server's output is piped")?;
        let mut line = String::new();
        BufReader::new(pipe).read_line(&mut line)?;
        let number: u32 = line
            .trim()
            .parse()
            .with_context(|| format!("{name} did not name its display"))?;
        let this = Self {
            server,
            manager: None,
            display: format!(":{number}"),
            width,
            height,
            devices: true,
        };
        this.run("setxkbmap", &[layout])?;
        Ok(this)
    }

    /// Switches an output on, with this size and place, or gives it another one.
    pub fn plug(&self, output: &str, (width, height): (u16, u16), at: (u16, u16)) -> Result<()> {
        let mode = format!("{width}x{height}-fernsicht");
        // A mode that is there already is what is wanted.
        let (w, h) = (width.to_string(), height.to_string());
        let end = (u32::from(width) + 40).to_string();
        let low = (u32::from(height) + 9).to_string();
        let (w1, w2) = (
            (u32::from(width) + 10).to_string(),
            (u32::from(width) + 20).to_string(),
        );
        let (h1, h2) = (
            (u32::from(height) + 3).to_string(),
            (u32::from(height) + 6).to_string(),
        );
        let clock = f64::from(width + 40) * f64::from(height + 9) * 60.0 / 1e6;
        let clock = format!("{clock:.2}");
        self.run(
            "xrandr",
            &[
                "--newmode",
                &mode,
                &clock,
                &w,
                &w1,
                &w2,
                &end,
                &h,
                &h1,
                &h2,
                &low,
            ],
        )
        .ok();
        self.run("xrandr", &["--addmode", output, &mode])?;
        let at = format!("{}x{}", at.0, at.1);
        self.run(
            "xrandr",
            &["--output", output, "--mode", &mode, "--pos", &at],
        )
    }

    /// Switches an output off.
    pub fn unplug(&self, output: &str) -> Result<()> {
        self.run("xrandr", &["--output", output, "--off"])
    }

    /// Lays monitors over the screen, with names, sizes and places, in place of those that are there.
    pub fn set_monitors(&self, monitors: &[Monitor<'_>]) -> Result<()> {
        let output = self.command("xrandr").arg("--listmonitors").output()?;
        let listed = String::from_utf8_lossy(&output.stdout).into_owned();
        let there: Vec<(&str, &str)> = listed
            .lines()
            .skip(1)
            .filter_map(|line| {
                let mut words = line.split_whitespace().skip(1);
                let name = words.next()?.trim_start_matches(['+', '*']);
                Some((name, words.next()?))
            })
            .collect();
        for (index, Monitor { name, size, at }) in monitors.iter().enumerate() {
            let ((w, h), (x, y)) = (size, at);
            let place = format!("{w}/{}x{h}/{}+{x}+{y}", w / 4, h / 4);
            let known = there.iter().find(|(known, _)| known == name);
            if known.is_some_and(|(_, known)| *known == place) {
                continue;
            }
            if known.is_some() {
                // A monitor cannot be changed, only made anew.
                self.run("xrandr", &["--delmonitor", name])?;
            }
            // The first one takes the place of the monitor that the server makes by itself.
            let output = if index == 0 { "screen" } else { "none" };
            self.run("xrandr", &["--setmonitor", name, &place, output])?;
        }
        for (name, _) in there {
            if name != "screen" && !monitors.iter().any(|monitor| monitor.name == name) {
                self.run("xrandr", &["--delmonitor", name])?;
            }
        }
        Ok(())
    }

    /// True if it has a keyboard and a mouse of its own.
    pub fn has_devices(&self) -> bool {
        self.devices
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
