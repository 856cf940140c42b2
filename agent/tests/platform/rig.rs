//! What the tests share: an X server, an independent client, a person's hand, and a guard.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fernsicht_agent::platform::{Area, Inject, Monitor, Waker, follow_monitors, inject};
use fernsicht_protocol::content::{Input, InputEvent};
use fernsicht_protocol::frame::{Class, Direction, Header};
use fernsicht_protocol::guard::{CustomerAct, Guard, Output, PointPermit};
use fernsicht_protocol::messages::ControlOffer;
use fernsicht_protocol::rights::Rights;
use x11rb::connection::{Connection, RequestConnection};
use x11rb::protocol::xinput::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{ConnectionExt as _, ImageFormat, Window};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

/// An Xvfb that ends with the test, and programs that end before it.
pub(crate) struct Server {
    pub(crate) display: String,
    xvfb: Child,
    programs: Vec<Child>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(&["-screen", "0", "1280x800x24"])
    }

    pub(crate) fn with(arguments: &[&str]) -> Self {
        let mut xvfb = Command::new("Xvfb")
            .args(["-displayfd", "1", "-noreset", "-nolisten", "tcp"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb is installed");
        let mut number = String::new();
        let out = xvfb.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut number).unwrap();
        Self {
            display: format!(":{}", number.trim()),
            xvfb,
            programs: Vec::new(),
        }
    }

    /// Starts a program on this display.
    pub(crate) fn run(&mut self, program: &str, arguments: &[&str]) {
        let child = Command::new(program)
            .args(arguments)
            .env("DISPLAY", &self.display)
            .env_remove("WAYLAND_DISPLAY")
            .env("LC_ALL", "C.UTF-8")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        self.programs.push(child);
    }

    /// Runs a program to its end.
    pub(crate) fn call(&self, program: &str, arguments: &[&str]) {
        let status = Command::new(program)
            .args(arguments)
            .env("DISPLAY", &self.display)
            .status()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        assert!(status.success(), "{program} {arguments:?}");
    }

    pub(crate) fn client(&self) -> Client {
        Client::open(&self.display)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for child in self.programs.iter_mut().chain([&mut self.xvfb]) {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// Waits for a condition.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A client that knows nothing of the code under test.
pub(crate) struct Client {
    pub(crate) connection: RustConnection,
    pub(crate) root: Window,
}

impl Client {
    pub(crate) fn open(display: &str) -> Self {
        let (connection, screen) = x11rb::connect(Some(display)).unwrap();
        let root = connection.setup().roots[screen].root;
        Self { connection, root }
    }

    pub(crate) fn sync(&self) {
        self.connection.get_input_focus().unwrap().reply().unwrap();
    }

    /// Waits for the window manager; returns its own window.
    pub(crate) fn window_manager(&self) -> Window {
        let connection = &self.connection;
        let name = b"_NET_SUPPORTING_WM_CHECK";
        let atom = connection
            .intern_atom(false, name)
            .unwrap()
            .reply()
            .unwrap()
            .atom;
        let mut found = None;
        eventually("the window manager runs", || {
            let property = connection.get_property(false, self.root, atom, 0u32, 0, 1);
            let property = property.unwrap().reply().unwrap();
            found = property.value32().and_then(|mut values| values.next());
            found.is_some()
        });
        found.unwrap()
    }

    /// Blue, green and red of every pixel.
    pub(crate) fn look(&self, area: Area) -> Vec<[u8; 3]> {
        let image = self
            .connection
            .get_image(
                ImageFormat::Z_PIXMAP,
                self.root,
                area.x,
                area.y,
                area.width,
                area.height,
                !0,
            )
            .unwrap()
            .reply()
            .unwrap();
        colours(&image.data)
    }

    /// A filled window on top of all, without a window manager.
    pub(crate) fn window(&self, area: Area, colour: u32) -> Window {
        use x11rb::protocol::xproto::{CreateWindowAux, EventMask, WindowClass};
        let window = self.connection.generate_id().unwrap();
        let look = CreateWindowAux::new()
            .background_pixel(colour)
            .override_redirect(1)
            .event_mask(
                EventMask::BUTTON_PRESS | EventMask::KEY_PRESS | EventMask::STRUCTURE_NOTIFY,
            );
        self.connection
            .create_window(
                0,
                window,
                self.root,
                area.x,
                area.y,
                area.width,
                area.height,
                0,
                WindowClass::INPUT_OUTPUT,
                0,
                &look,
            )
            .unwrap();
        self.connection.map_window(window).unwrap();
        self.sync();
        window
    }
}

pub(crate) fn colours(bgrx: &[u8]) -> Vec<[u8; 3]> {
    bgrx.chunks_exact(4).map(|p| [p[0], p[1], p[2]]).collect()
}

/// A person's keyboard and mouse, as the X server's own devices.
pub(crate) struct Hand {
    client: Client,
    first_event: u8,
    keyboard: u8,
    mouse: u8,
}

impl Hand {
    pub(crate) fn new(server: &Server) -> Self {
        let client = server.client();
        let first_event = client
            .connection
            .extension_information(xinput::X11_EXTENSION_NAME)
            .unwrap()
            .unwrap()
            .first_event;
        let infos = client
            .connection
            .xinput_xi_query_device(xinput::Device::ALL)
            .unwrap()
            .reply()
            .unwrap()
            .infos;
        let find = |name: &[u8]| {
            let device = infos
                .iter()
                .find(|info| info.name == name)
                .unwrap()
                .deviceid;
            let device = u8::try_from(device).unwrap();
            client
                .connection
                .xinput_open_device(device)
                .unwrap()
                .reply()
                .unwrap();
            device
        };
        let (keyboard, mouse) = (find(b"Xvfb keyboard"), find(b"Xvfb mouse"));
        Self {
            client,
            first_event,
            keyboard,
            mouse,
        }
    }

    pub(crate) fn keyboard(&self) -> u8 {
        self.keyboard
    }

    pub(crate) fn key(&self, keycode: u8) {
        for kind in [1, 2] {
            self.fake(self.first_event + kind, keycode, self.keyboard);
        }
    }

    pub(crate) fn click(&self, x: i16, y: i16) {
        self.warp(x, y);
        for kind in [3, 4] {
            self.fake(self.first_event + kind, 1, self.mouse);
        }
    }

    /// A click by a program, through XTEST.
    pub(crate) fn forged_click(&self) {
        for kind in [4, 5] {
            self.fake(kind, 1, 0);
        }
    }

    /// A key by a program, through XTEST.
    pub(crate) fn forged_key(&self, keycode: u8) {
        for kind in [2, 3] {
            self.fake(kind, keycode, 0);
        }
    }

    /// A motion by a program, through XTEST.
    pub(crate) fn forged_motion(&self, x: i16, y: i16) {
        self.client
            .connection
            .xtest_fake_input(6, 0, 0, self.client.root, x, y, 0)
            .unwrap();
        self.client.sync();
    }

    fn warp(&self, x: i16, y: i16) {
        self.client
            .connection
            .warp_pointer(0u32, self.client.root, 0, 0, 0, 0, x, y)
            .unwrap();
        self.client.sync();
    }

    fn fake(&self, kind: u8, detail: u8, device: u8) {
        self.client
            .connection
            .xtest_fake_input(kind, detail, 0, 0, 0, 0, device)
            .unwrap();
        self.client.sync();
    }
}

/// A guard whose customer has granted control.
pub(crate) struct Customer {
    guard: Guard,
    now: Instant,
    beacon: u64,
}

impl Customer {
    pub(crate) fn granting() -> Self {
        let (mut guard, now) = (Guard::new(), Instant::now());
        guard
            .handle_technician(
                now,
                ControlOffer::Recorded {
                    deletion: 1_900_000_000,
                },
                true,
            )
            .unwrap();
        guard.consent_control(now, CustomerAct::attest()).unwrap();
        guard.card_done(now, CustomerAct::attest()).unwrap();
        let epoch = guard.epoch();
        guard.handle_epoch_acknowledged(now, epoch);
        guard.handle_epoch_opened(now, epoch);
        assert_eq!(guard.rights(), Rights::Control);
        let mut beacon = 0;
        while let Some(output) = guard.poll_output() {
            if let Output::Beacon { number } = output {
                beacon = number;
            }
        }
        Self { guard, now, beacon }
    }

    pub(crate) fn permit(&mut self) -> fernsicht_protocol::guard::ViewPermit<'_> {
        self.guard.view_permit(self.now).unwrap()
    }

    /// Lets the technician look and no more, and point.
    pub(crate) fn point(&mut self) -> PointPermit<'_> {
        self.guard.control_off(self.now);
        let header = Header {
            epoch: self.guard.epoch(),
            direction: Direction::ConsoleToAgent,
            class: Class::Notices,
            number: 0,
            grant: self.guard.grant(),
            rights: Rights::View,
            length: 80,
        };
        self.guard.handle_point(self.now, &header).unwrap()
    }

    /// Lets the technician do this, as the engine would.
    pub(crate) fn inject(
        &mut self,
        inject: &mut Inject,
        event: InputEvent,
        area: Area,
    ) -> Result<(), inject::Error> {
        while let Some(wait) = inject.prepare(&event)? {
            std::thread::sleep(wait);
        }
        self.inject_unprepared(inject, event, area)
    }

    /// Lets the technician do this, whether it is ready or not.
    pub(crate) fn inject_unprepared(
        &mut self,
        inject: &mut Inject,
        event: InputEvent,
        area: Area,
    ) -> Result<(), inject::Error> {
        let header = Header {
            epoch: self.guard.epoch(),
            direction: Direction::ConsoleToAgent,
            class: Class::Input,
            number: 0,
            grant: self.guard.grant(),
            rights: Rights::Control,
            length: 80,
        };
        let input = Input {
            beacon: self.beacon,
            layout: 1,
            event,
        };
        let permit = self.guard.handle_input(self.now, &header, &input).unwrap();
        inject.inject(&permit, area)
    }
}

/// The screens of this moment.
pub(crate) fn monitors(display: &str) -> Vec<Monitor> {
    let waker = Waker::new().unwrap();
    let mut found = Vec::new();
    follow_monitors(Some(display), &waker, |monitors| {
        found = monitors;
        waker.wake();
    })
    .unwrap();
    found
}
