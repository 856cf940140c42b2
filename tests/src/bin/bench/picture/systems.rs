//! Raises the systems that are measured: our three programs, TigerVNC, xpra.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use fernsicht_protocol::rights::Rights;
use fernsicht_tests::apps::AppWindow;
use fernsicht_tests::customer::Button;
use fernsicht_tests::device::Device;
use fernsicht_tests::grab::Grabber;
use fernsicht_tests::measure::{Role, System};
use fernsicht_tests::net::{CUSTOMER, Streets};
use fernsicht_tests::programs::Programs;
use fernsicht_tests::session::{Backdrop, Layout, STEP, Stage};
use fernsicht_tests::xserver::{Process, XServer};

use super::rig::{Counter, Rig};

/// The customer's screen.
pub(crate) const SIZE: (u16, u16) = (1920, 1080);

/// A system's screens, before it runs.
pub(crate) enum Prepared {
    Ours(Box<Backdrop>),
    Peer(Box<[XServer; 2]>),
}

impl Prepared {
    /// Starts the screens: not yet in any network.
    pub(crate) fn new(
        system: System,
        programs: &Programs,
        folder: &Path,
        streets: &Arc<Streets>,
    ) -> Result<Self> {
        if system.ours() {
            let backdrop = Backdrop::raise(programs.clone(), folder, layout(false))?;
            return Ok(Self::Ours(Box::new(
                backdrop.at_ends_of(Arc::clone(streets))?,
            )));
        }
        // xpra shows its picture in a window with a frame.
        let frame = match system {
            System::Xpra | System::XpraLossless => 60,
            System::Recorded | System::Looked | System::X0 | System::X0Lossless => 0,
        };
        let screen =
            |more| XServer::start(SIZE.0 + more, SIZE.1 + more, "us")?.with_window_manager();
        Ok(Self::Peer(Box::new([screen(0)?, screen(frame)?])))
    }

    /// Starts the programs, from a thread in the operator's network.
    pub(crate) fn raise(self, system: System, folder: &Path, streets: Arc<Streets>) -> Result<Rig> {
        match self {
            Self::Ours(backdrop) => ours(*backdrop, system, folder, streets),
            Self::Peer(screens) => peer(*screens, system, folder, streets),
        }
    }
}

/// Screens of one size. With a tap what passes between agent and relay can be read, a little later.
pub(super) fn layout(tapped: bool) -> Layout {
    Layout {
        width: SIZE.0,
        height: SIZE.1,
        customer: "us",
        technician: "us",
        tapped,
        ..Layout::default()
    }
}

/// Agent, relay and console, up to the picture.
pub(super) fn share(backdrop: Backdrop, control: bool) -> Result<Stage> {
    let mut stage = backdrop.open()?;
    let code = stage.code()?;
    stage.customer.enter_code(&code)?;
    match control {
        true => stage.consent_to_control()?,
        false => stage.grant(Button::ConsentView, Rights::View)?,
    }
    stage.same_picture(STEP)?;
    Ok(stage)
}

fn ours(backdrop: Backdrop, system: System, folder: &Path, streets: Arc<Streets>) -> Result<Rig> {
    let recorded = system == System::Recorded;
    let stage = share(backdrop, recorded)?;
    let displays = [&stage.customer_screen, &stage.technician_screen];
    let displays = displays.map(|screen| screen.display().to_owned());
    Ok(Rig {
        system,
        offset: (0, 0),
        hand: match recorded {
            true => Some(Device::physical(&displays[1])?),
            false => None,
        },
        processes: vec![
            (Role::Server, stage.agent.pid()),
            (Role::Relay, stage.relay.process.pid()),
            (Role::Viewer, stage.console.pid()),
            (Role::CustomerScreen, stage.customer_screen.pid()),
            (Role::TechnicianScreen, stage.technician_screen.pid()),
        ],
        streets,
        counter: match recorded {
            true => Counter::Recording(folder.join("relay").join("active")),
            false => Counter::Nobody,
        },
        views: [Grabber::open(&displays[0])?, Grabber::open(&displays[1])?],
        displays,
        _kept: Box::new(stage),
    })
}

fn peer(
    screens: [XServer; 2],
    system: System,
    folder: &Path,
    streets: Arc<Streets>,
) -> Result<Rig> {
    let displays = [&screens[0], &screens[1]].map(|screen| screen.display().to_owned());
    let home = folder.join("home");
    std::fs::create_dir_all(&home)?;
    let log = |name: &str| File::create(folder.join(name));
    let command =
        |screen: &XServer, program: &str, words: &[&str], name: &str| -> Result<Command> {
            let mut command = screen.command(program);
            command
                .args(words)
                .env("HOME", &home)
                .env("XDG_RUNTIME_DIR", &home)
                // Nothing but what is said here.
                .env("XPRA_SYSTEM_CONF_DIRS", &home)
                .stdin(Stdio::null())
                .stdout(log(&format!("{name}.out"))?)
                .stderr(log(&format!("{name}.err"))?);
            Ok(command)
        };
    let vnc = matches!(system, System::X0 | System::X0Lossless);
    let (mut serve, mut watch) = match vnc {
        true => (
            command(
                &screens[0],
                "X0tigervnc",
                &vnc_server(&displays[0]),
                "server",
            )?,
            command(
                &screens[1],
                "xtigervncviewer",
                &vnc_viewer(system),
                "viewer",
            )?,
        ),
        false => (
            command(
                &screens[0],
                "xpra",
                &words(&xpra_server(&displays[0])),
                "server",
            )?,
            command(&screens[1], "xpra", &words(&xpra_client(system)), "viewer")?,
        ),
    };
    let server = streets
        .customer
        .enter(|| Process::start("a peer's server", &mut serve))?;
    streets.customer.enter(listening)?;
    let viewer = streets
        .technician
        .enter(|| Process::start("a peer's viewer", &mut watch))?;
    let title = if vnc { "TigerVNC" } else { "screen on" };
    let window = AppWindow::wait(&displays[1], title, STEP * 2)
        .with_context(|| std::fs::read_to_string(folder.join("viewer.err")).unwrap_or_default())?;
    // TigerVNC tells of its menu for five seconds, above the picture.
    let views = [Grabber::open(&displays[0])?, Grabber::open(&displays[1])?];
    views[1].settled(Duration::from_secs(6), STEP * 2)?;
    let (x, y, _, _) = window.place()?;
    Ok(Rig {
        system,
        offset: (x, y),
        hand: Some(Device::physical(&displays[1])?),
        processes: vec![
            (Role::Server, server.pid()),
            (Role::Viewer, viewer.pid()),
            (Role::CustomerScreen, screens[0].pid()),
            (Role::TechnicianScreen, screens[1].pid()),
        ],
        streets,
        counter: Counter::Tcp(PORT),
        views,
        displays,
        _kept: Box::new((viewer, server, screens)),
    })
}

/// Waits until somebody listens at the port, without speaking to him.
fn listening() -> Result<()> {
    let port = format!("{PORT:04X}");
    fernsicht_tests::wait::until_true("the peer's server to listen", STEP * 2, || {
        let table = std::fs::read_to_string("/proc/thread-self/net/tcp")?;
        let listens = |row: &str| {
            let words: Vec<&str> = row.split_whitespace().collect();
            let at_port = words
                .get(1)
                .is_some_and(|at| at.ends_with(&format!(":{port}")));
            at_port && words.get(3) == Some(&"0A")
        };
        Ok(table.lines().any(listens))
    })
}

fn words(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

fn vnc_server(display: &str) -> Vec<&str> {
    vec![
        "-display",
        display,
        "-SecurityTypes",
        "None",
        "-rfbport",
        "5990",
        "-localhost=0",
    ]
}

fn vnc_viewer(system: System) -> Vec<&'static str> {
    let mut words = vec![
        "-FullScreen=1",
        "-SecurityTypes",
        "None",
        "-RemoteResize=0",
        "-AlertOnFatalError=0",
    ];
    if system == System::X0Lossless {
        words.extend([
            "-AutoSelect=0",
            "-PreferredEncoding=Tight",
            "-NoJPEG=1",
            "-CustomCompressLevel=1",
            "-CompressLevel=2",
        ]);
    }
    words.push("10.71.1.2::5990");
    words
}

/// What has nothing to do with pictures and keys is off, and so is the memory by which both ends would pass the
/// picture beside the network.
const XPRA_PLAIN: [&str; 9] = [
    "--mmap=no",
    "--opengl=no",
    "--speaker=no",
    "--microphone=no",
    "--webcam=no",
    "--mdns=no",
    "--printing=no",
    "--file-transfer=no",
    "--clipboard=no",
];

fn xpra_server(display: &str) -> Vec<String> {
    let mut words = vec![
        "shadow".to_owned(),
        display.to_owned(),
        format!("--bind-tcp=0.0.0.0:{PORT}"),
    ];
    words.extend(XPRA_PLAIN.map(str::to_owned));
    let more = [
        "--daemon=no",
        "--notifications=no",
        "--pulseaudio=no",
        "--html=off",
        "--dbus-control=no",
        "--systemd-run=no",
        "--start-new-commands=no",
    ];
    words.extend(more.map(str::to_owned));
    words
}

fn xpra_client(system: System) -> Vec<String> {
    let mut words = vec!["attach".to_owned(), format!("tcp://{CUSTOMER}:{PORT}/")];
    words.extend(XPRA_PLAIN.map(str::to_owned));
    words.extend(
        [
            "--notifications=no",
            "--tray=no",
            "--border=off",
            "--desktop-scaling=off",
        ]
        .map(str::to_owned),
    );
    if system == System::XpraLossless {
        words.extend(["--quality=100", "--min-quality=100"].map(str::to_owned));
    }
    words
}

/// Where peers' servers listen, in the customer's network.
const PORT: u16 = 5990;
