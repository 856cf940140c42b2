//! Ordinary applications on a virtual screen: a terminal, an editor, a photo viewer; and what the
//! window manager says about their windows.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{AtomEnum, ConfigureWindowAux, ConnectionExt as _, MapState, Window};
use x11rb::rust_connection::RustConnection;

use crate::wait;
use crate::xserver::{Process, XServer};

/// How long an application may take to show its window on a loaded machine.
const START: Duration = Duration::from_secs(40);

/// An application with one window.
#[derive(Debug)]
pub struct App {
    process: Process,
    window: AppWindow,
}

impl App {
    /// The application's window.
    pub fn window(&self) -> &AppWindow {
        &self.window
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// A terminal that runs a shell command and then stays.
    pub fn terminal(screen: &XServer, title: &str, geometry: &str, shell: &str) -> Result<Self> {
        let mut command = screen.command("xterm");
        command.args([
            "-u8",
            "-T",
            title,
            "-n",
            title,
            "-geometry",
            geometry,
            "-fa",
            "DejaVu Sans Mono",
            "-fs",
            "10",
        ]);
        // A blinking cursor would be a change for ever.
        command.args([
            "-xrm",
            "XTerm*cursorBlink: false",
            "-e",
            "sh",
            "-c",
            &format!("{shell}; exec cat"),
        ]);
        Self::start(screen, "xterm", title, command)
    }

    /// An editor with `file` open. Its title holds the file's name.
    pub fn editor(screen: &XServer, file: &Path, home: &Path) -> Result<Self> {
        let mut command = screen.command("mousepad");
        command
            .arg("--disable-server")
            .arg(file)
            .env("HOME", home)
            .env("XDG_RUNTIME_DIR", home);
        command.env("XDG_CONFIG_HOME", home.join("config"));
        let name = file
            .file_name()
            .context("the editor's file has a name")?
            .to_string_lossy()
            .into_owned();
        Self::start(screen, "mousepad", &name, command)
    }

    /// A viewer that shows a picture pixel by pixel.
    pub fn photo(screen: &XServer, file: &Path, geometry: &str) -> Result<Self> {
        let mut command = screen.command("feh");
        command
            .args([
                "--title",
                PHOTO_TITLE,
                "--geometry",
                geometry,
                "--zoom",
                "100",
                "--force-aliasing",
            ])
            .arg(file);
        Self::start(screen, "feh", PHOTO_TITLE, command)
    }

    /// Starts a program and waits for its window, by a part of the title.
    pub fn start(
        screen: &XServer,
        name: &str,
        title: &str,
        mut command: std::process::Command,
    ) -> Result<Self> {
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = Process::start(name, &mut command)?;
        let window = wait::until(&format!("the window of {name}"), START, || {
            process.check()?;
            AppWindow::find(screen.display(), title)
        })?;
        Ok(Self { process, window })
    }
}

/// A managed window, found by a part of its title.
#[derive(Debug)]
pub struct AppWindow {
    connection: RustConnection,
    root: Window,
    window: Window,
}

impl AppWindow {
    /// Looks for a mapped window whose title holds `title`.
    pub fn find(display: &str, title: &str) -> Result<Option<Self>> {
        let (connection, screen) = x11rb::connect(Some(display))?;
        let root = connection.setup().roots[screen].root;
        for window in client_windows(&connection, root)? {
            if window_title(&connection, window)?.contains(title) {
                return Ok(Some(Self {
                    connection,
                    root,
                    window,
                }));
            }
        }
        Ok(None)
    }

    /// Waits for a window with this in its title.
    pub fn wait(display: &str, title: &str, limit: Duration) -> Result<Self> {
        wait::until(
            &format!("a window with {title:?} in its title"),
            limit,
            || Self::find(display, title),
        )
    }

    /// The X server's number for it.
    pub fn id(&self) -> u32 {
        self.window
    }

    /// Left, top, width and height of its contents on the screen.
    pub fn place(&self) -> Result<(i16, i16, u16, u16)> {
        let size = self.connection.get_geometry(self.window)?.reply()?;
        let at = self
            .connection
            .translate_coordinates(self.window, self.root, 0, 0)?
            .reply()?;
        Ok((at.dst_x, at.dst_y, size.width, size.height))
    }

    /// The middle of its contents on the screen.
    pub fn centre(&self) -> Result<(i16, i16)> {
        let (x, y, width, height) = self.place()?;
        Ok((
            x + i16::try_from(width / 2)?,
            y + i16::try_from(height / 2)?,
        ))
    }

    /// Asks the window manager to move it.
    pub fn move_to(&self, x: i32, y: i32) -> Result<()> {
        self.connection
            .configure_window(self.window, &ConfigureWindowAux::new().x(x).y(y))?
            .check()?;
        Ok(())
    }

    /// Asks the window manager for this place and size of its contents.
    pub fn arrange(&self, x: i32, y: i32, width: u32, height: u32) -> Result<()> {
        let wish = ConfigureWindowAux::new()
            .x(x)
            .y(y)
            .width(width)
            .height(height);
        self.connection
            .configure_window(self.window, &wish)?
            .check()?;
        Ok(())
    }

    /// Takes it off the screen, as any program may.
    pub fn unmap(&self) -> Result<()> {
        Ok(self.connection.unmap_window(self.window)?.check()?)
    }

    /// Destroys it, as any program may.
    pub fn destroy(&self) -> Result<()> {
        Ok(self.connection.destroy_window(self.window)?.check()?)
    }

    /// Cuts its program off the X server, as `xkill` does.
    pub fn kill(&self) -> Result<()> {
        Ok(self.connection.kill_client(self.window)?.check()?)
    }

    /// True while keys go to it.
    pub fn has_keyboard(&self) -> Result<bool> {
        let mut window = self.connection.get_input_focus()?.reply()?.focus;
        // No window, or whichever the pointer is in.
        while window > 1 {
            if window == self.window {
                return Ok(true);
            }
            let Ok(tree) = self.connection.query_tree(window)?.reply() else {
                return Ok(false);
            };
            window = tree.parent;
        }
        Ok(false)
    }

    /// Its title.
    pub fn title(&self) -> Result<String> {
        window_title(&self.connection, self.window)
    }

    /// True while it is on the screen.
    pub fn shown(&self) -> Result<bool> {
        // A destroyed window has no attributes.
        let reply = self.connection.get_window_attributes(self.window)?.reply();
        Ok(reply.is_ok_and(|attributes| attributes.map_state == MapState::VIEWABLE))
    }
}

/// Titles of all managed windows of a display.
pub fn titles(display: &str) -> Result<Vec<String>> {
    let (connection, screen) = x11rb::connect(Some(display))?;
    let root = connection.setup().roots[screen].root;
    client_windows(&connection, root)?
        .into_iter()
        .map(|window| window_title(&connection, window))
        .collect()
}

/// True once a window manager has announced itself on the root window.
pub fn window_manager_runs(display: &str) -> Result<bool> {
    let (connection, screen) = x11rb::connect(Some(display))?;
    let root = connection.setup().roots[screen].root;
    let atom = connection
        .intern_atom(false, b"_NET_SUPPORTING_WM_CHECK")?
        .reply()?
        .atom;
    let reply = connection
        .get_property(false, root, atom, AtomEnum::WINDOW, 0, 1)?
        .reply()?;
    Ok(reply.value_len == 1)
}

fn client_windows(connection: &RustConnection, root: Window) -> Result<Vec<Window>> {
    let atom = connection
        .intern_atom(false, b"_NET_CLIENT_LIST")?
        .reply()?
        .atom;
    let reply = connection
        .get_property(false, root, atom, AtomEnum::WINDOW, 0, 1024)?
        .reply()?;
    Ok(reply.value32().map(Iterator::collect).unwrap_or_default())
}

fn window_title(connection: &RustConnection, window: Window) -> Result<String> {
    let name = connection
        .intern_atom(false, b"_NET_WM_NAME")?
        .reply()?
        .atom;
    for (property, kind) in [
        (name, AtomEnum::ANY.into()),
        (AtomEnum::WM_NAME.into(), AtomEnum::ANY.into()),
    ] {
        let kind: u32 = kind;
        // The window may vanish while it is looked at.
        let Ok(reply) = connection
            .get_property(false, window, property, kind, 0, 256)?
            .reply()
        else {
            continue;
        };
        if !reply.value.is_empty() {
            return Ok(String::from_utf8_lossy(&reply.value).into_owned());
        }
    }
    Ok(String::new())
}

const PHOTO_TITLE: &str = "photo";
