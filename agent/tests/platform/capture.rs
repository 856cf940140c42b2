//! Pictures: what changed, what it looks like, and who else could read it.

use std::time::{Duration, Instant};

use fernsicht_agent::platform::scrap::Scrap;
use fernsicht_agent::platform::{
    Area, Capture, Error, Pixels, Pointer, Selection, open_capture, region,
};
use x11rb::connection::Connection as _;
use x11rb::protocol::randr::{ConnectionExt as _, Rotation};
use x11rb::protocol::xproto::{ChangeGCAux, ConnectionExt as _, CreateGCAux, Rectangle};

use crate::rig::{Client, Customer, Hand, Server, colours, eventually, monitors};

const SECOND: Option<Duration> = Some(Duration::from_secs(1));

/// Every screen of this moment.
fn everything(display: &str) -> Selection {
    Selection(monitors(display).iter().map(|m| m.name).collect())
}

/// Capture of everything.
fn opened(server: &Server) -> Box<dyn Capture> {
    let mut capture = open_capture(Some(&server.display)).unwrap();
    assert!(capture.area().whole().is_empty(), "nothing was chosen yet");
    capture.select(&everything(&server.display)).unwrap();
    capture
}

fn whole(capture: &mut dyn Capture, customer: &mut Customer) -> Pixels {
    let mut pixels = Pixels::new(capture.area());
    let rect = capture.area().whole();
    capture
        .read(&customer.permit(), &[rect], &mut pixels)
        .unwrap();
    pixels
}

/// Takes damage until nothing more comes.
fn follow(capture: &mut dyn Capture, customer: &mut Customer, pixels: &mut Pixels) {
    loop {
        let changes = capture.wait(Some(Duration::from_millis(100))).unwrap();
        if changes.nothing() {
            return;
        }
        capture
            .read(&customer.permit(), &changes.damage, pixels)
            .unwrap();
    }
}

#[test]
fn damage_brings_exactly_the_screen() {
    let mut server = Server::start();
    let client = server.client();
    let mut customer = Customer::granting();
    let mut capture = opened(&server);
    assert_eq!(capture.name(), "x11 damage, shared memory");
    let mut pixels = whole(&mut *capture, &mut customer);

    server.run(
        "xterm",
        &["-geometry", "100x30+37+21", "-e", "seq 200; sleep 600"],
    );
    let area = capture.area();
    let mut seen = 0;
    eventually("the xterm shows", || {
        let changes = capture.wait(SECOND).unwrap();
        seen += changes.damage.len();
        capture
            .read(&customer.permit(), &changes.damage, &mut pixels)
            .unwrap();
        colours(&pixels.bgrx)
            .iter()
            .filter(|c| **c == [255; 3])
            .count()
            > 100_000
    });
    // Screen contents follow the damage, not the other way round.
    follow(&mut *capture, &mut customer, &mut pixels);
    assert!(seen > 0);
    assert!(
        colours(&pixels.bgrx) == client.look(area),
        "the picture differs from the screen"
    );

    client.window(
        Area {
            x: 700,
            y: 300,
            width: 333,
            height: 77,
        },
        0x00c0_ffee,
    );
    let changes = capture.wait(SECOND).unwrap();
    let around = region::around(&changes.damage).unwrap();
    assert_eq!(
        (around.x, around.y, around.width, around.height),
        (700, 300, 333, 77)
    );
    capture
        .read(&customer.permit(), &changes.damage, &mut pixels)
        .unwrap();
    assert!(
        colours(&pixels.bgrx) == client.look(area),
        "the picture differs from the screen"
    );
}

#[test]
fn a_still_screen_sends_nothing_and_a_waker_ends_the_wait() {
    let server = Server::start();
    let mut capture = opened(&server);
    let settled = capture.wait(Some(Duration::from_millis(200))).unwrap();
    assert!(!settled.layout);
    assert!(
        capture
            .wait(Some(Duration::from_millis(200)))
            .unwrap()
            .nothing()
    );
    let waker = capture.waker();
    let thread = std::thread::spawn(move || waker.wake());
    assert!(capture.wait(None).unwrap().woken);
    thread.join().unwrap();
}

#[test]
fn one_screen_of_several_is_shared_alone() {
    let server = Server::start();
    let client = server.client();
    split(&server);
    let found = monitors(&server.display);
    let places: Vec<_> = found
        .iter()
        .map(|m| (m.screen.number, m.screen.x, m.screen.width))
        .collect();
    assert_eq!(places, [(1, 0, 500), (2, 500, 780)]);

    let mut customer = Customer::granting();
    let mut capture = opened(&server);
    let right = Selection(vec![found[1].name]);
    let area = capture.select(&right).unwrap().area;
    assert_eq!(
        area,
        Area {
            x: 500,
            y: 0,
            width: 780,
            height: 800
        }
    );
    let mut pixels = whole(&mut *capture, &mut customer);
    capture.wait(Some(Duration::from_millis(50))).unwrap();
    client.window(
        Area {
            x: 450,
            y: 100,
            width: 100,
            height: 10,
        },
        0x0012_3456,
    );
    let changes = capture.wait(SECOND).unwrap();
    let around = region::around(&changes.damage).unwrap();
    assert_eq!(
        (around.x, around.y, around.width, around.height),
        (0, 100, 50, 10)
    );
    capture
        .read(&customer.permit(), &changes.damage, &mut pixels)
        .unwrap();
    assert!(colours(&pixels.bgrx) == client.look(area));
    // The other screen alone: nothing.
    client.window(
        Area {
            x: 10,
            y: 10,
            width: 30,
            height: 30,
        },
        0x0065_4321,
    );
    assert_eq!(
        capture
            .wait(Some(Duration::from_millis(200)))
            .unwrap()
            .damage,
        []
    );
    assert!(matches!(
        capture.select(&Selection(vec![found[1].name, 9])),
        Err(Error::ScreenGone)
    ));
}

#[test]
fn what_no_chosen_screen_covers_is_black_and_is_not_read() {
    let server = Server::start();
    let client = server.client();
    let monitor = |name, place| server.call("xrandr", &["--setmonitor", name, place, "none"]);
    // Between two that are chosen there is nothing at first, then a screen that nobody chose.
    server.call(
        "xrandr",
        &["--setmonitor", "left", "400/100x300/80+0+100", "screen"],
    );
    monitor("right", "300/100x400/100+900+0");
    let chosen = monitors(&server.display);
    let chosen = Selection(chosen.iter().map(|m| m.name).collect());
    let whole_screen = Area {
        x: 0,
        y: 0,
        width: 1280,
        height: 800,
    };
    client.window(whole_screen, 0x00c0_ffee);

    let mut customer = Customer::granting();
    let mut capture = opened(&server);
    let area = capture.select(&chosen).unwrap().area;
    assert_eq!((area.width, area.height), (1200, 400));
    let check = |pixels: &Pixels| {
        for (at, pixel) in pixels.bgrx.chunks_exact(4).enumerate() {
            let (x, y) = (at % 1200, at / 1200);
            let shown = (x < 400 && (100..400).contains(&y)) || x >= 900;
            let wanted = if shown { [0xee, 0xff, 0xc0] } else { [0; 3] };
            assert_eq!(pixel[..3], wanted, "at {x}, {y}");
        }
    };
    check(&whole(&mut *capture, &mut customer));

    monitor("new", "500/150x400/100+400+0");
    eventually("the new one is noticed", || {
        capture.wait(SECOND).unwrap().layout
    });
    assert_eq!(capture.select(&chosen).unwrap().area, area);
    let mut pixels = whole(&mut *capture, &mut customer);
    check(&pixels);
    client.window(
        Area {
            x: 300,
            y: 50,
            width: 700,
            height: 200,
        },
        0x00c0_ffee,
    );
    let changes = capture.wait(SECOND).unwrap();
    capture
        .read(&customer.permit(), &changes.damage, &mut pixels)
        .unwrap();
    check(&pixels);

    server.call("xrandr", &["--delmonitor", "right"]);
    eventually("the loss is noticed", || {
        capture.wait(SECOND).unwrap().layout
    });
    assert!(matches!(capture.select(&chosen), Err(Error::ScreenGone)));
}

/// Two monitors on the one screen.
fn split(server: &Server) {
    server.call(
        "xrandr",
        &["--setmonitor", "left", "500/100x800/200+0+0", "screen"],
    );
    server.call(
        "xrandr",
        &["--setmonitor", "right", "780/150x800/200+500+0", "none"],
    );
}

#[test]
fn a_shrunken_screen_is_noticed_and_never_read_stale() {
    let server = Server::start();
    let client = server.client();
    let mut customer = Customer::granting();
    let mut capture = opened(&server);
    let mut pixels = whole(&mut *capture, &mut customer);
    let old = capture.area().whole();
    resize(&client, 640, 480);
    // Before the notice is taken the old area cannot be read any more.
    let outcome = capture.read(&customer.permit(), &[old], &mut pixels);
    assert!(matches!(outcome, Err(Error::LayoutChanged)), "{outcome:?}");
    eventually("the change is noticed", || {
        capture.wait(SECOND).unwrap().layout
    });
    let area = capture.select(&everything(&server.display)).unwrap().area;
    assert_eq!((area.width, area.height), (640, 480));
    let pixels = whole(&mut *capture, &mut customer);
    assert!(colours(&pixels.bgrx) == client.look(area));
    resize(&client, 1280, 800);
    eventually("growing is noticed", || {
        capture.wait(SECOND).unwrap().layout
    });
    assert_eq!(
        capture
            .select(&everything(&server.display))
            .unwrap()
            .area
            .width,
        1280
    );
}

/// Switches the output off, which leaves the bare screen, and gives that another size.
fn resize(client: &Client, width: u16, height: u16) {
    let connection = &client.connection;
    let found = connection
        .randr_get_screen_resources(client.root)
        .unwrap()
        .reply()
        .unwrap();
    for crtc in found.crtcs {
        connection
            .randr_set_crtc_config(crtc, 0, 0, 0, 0, 0, Rotation::ROTATE0, &[])
            .unwrap()
            .reply()
            .unwrap();
    }
    connection
        .randr_set_screen_size(client.root, width, height, 200, 150)
        .unwrap()
        .check()
        .unwrap();
}

#[test]
fn the_picture_is_in_no_memory_that_others_could_open() {
    let server = Server::start();
    let mut customer = Customer::granting();
    let listed = || {
        let mut names: Vec<_> = std::fs::read_dir("/dev/shm")
            .map(|dir| dir.flatten().map(|entry| entry.file_name()).collect())
            .unwrap_or_default();
        names.sort();
        names
    };
    let mine = || {
        let pid = std::process::id().to_string();
        let table = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
        table
            .lines()
            .filter(|line| line.split_whitespace().nth(4) == Some(&pid))
            .count()
    };
    let before = listed();
    let mut capture = opened(&server);
    whole(&mut *capture, &mut customer);
    let new: Vec<_> = listed()
        .into_iter()
        .filter(|name| !before.contains(name))
        .collect();
    assert!(new.is_empty(), "{new:?}");
    assert_eq!(mine(), 0);
}

#[test]
fn sixteen_bit_screens_are_refused_with_a_sentence() {
    let server = Server::with(&["-screen", "0", "640x480x16"]);
    let Err(Error::Unsupported { detail }) = open_capture(Some(&server.display)) else {
        panic!("not refused");
    };
    assert!(detail.ends_with('.'));
}

#[test]
fn without_shared_memory_or_notices_it_still_works_or_says_why() {
    let server = Server::with(&["-screen", "0", "800x600x24", "-extension", "MIT-SHM"]);
    let client = server.client();
    let mut customer = Customer::granting();
    let mut capture = opened(&server);
    assert_eq!(capture.name(), "x11 damage");
    client.window(
        Area {
            x: 5,
            y: 6,
            width: 70,
            height: 80,
        },
        0x00aa_bbcc,
    );
    let pixels = whole(&mut *capture, &mut customer);
    assert!(colours(&pixels.bgrx) == client.look(capture.area()));
    assert!(matches!(
        open_capture(Some(":9999")),
        Err(Error::NoDisplay(_))
    ));
}

#[test]
fn a_dying_server_is_an_error_and_no_hang() {
    let server = Server::start();
    let mut capture = opened(&server);
    let thread = std::thread::spawn(move || drop(server));
    eventually("the loss is reported", || {
        matches!(capture.wait(SECOND), Err(Error::Lost(_)))
    });
    thread.join().unwrap();
}

#[test]
fn the_pointer_tells_moves_and_shapes() {
    let server = Server::start();
    let client = server.client();
    let hand = Hand::new(&server);
    let mut customer = Customer::granting();
    let mut pointer = Pointer::open(Some(&server.display)).unwrap();
    let first = pointer.read(&customer.permit()).unwrap();
    assert!(first.shape.is_some());
    assert!(pointer.read(&customer.permit()).unwrap().shape.is_none());
    pointer.forget_shape();
    assert!(pointer.read(&customer.permit()).unwrap().shape.is_some());

    hand.forged_motion(123, 45);
    eventually("the move is noticed", || {
        pointer.wait(SECOND).unwrap().moved
    });
    let state = pointer.read(&customer.permit()).unwrap();
    assert_eq!((state.x, state.y), (123, 45));
    assert!(
        !pointer
            .wait(Some(Duration::from_millis(100)))
            .unwrap()
            .moved
    );

    let window = client.window(
        Area {
            x: 100,
            y: 30,
            width: 100,
            height: 100,
        },
        0,
    );
    cross(&client, window);
    eventually("the shape is noticed", || {
        pointer.wait(SECOND).unwrap().shape
    });
    let shape = pointer.read(&customer.permit()).unwrap().shape.unwrap();
    assert_eq!(
        shape.bgra.len(),
        usize::from(shape.width) * usize::from(shape.height) * 4
    );
    assert!(shape.hot_x < shape.width && shape.hot_y < shape.height);
    assert!(
        shape.bgra.chunks_exact(4).any(|p| p[3] == 255),
        "something of it is seen"
    );
}

/// Gives a window a pointer shape from the core font.
fn cross(client: &Client, window: u32) {
    use x11rb::protocol::xproto::ChangeWindowAttributesAux;
    let connection = &client.connection;
    let (font, cursor) = (
        connection.generate_id().unwrap(),
        connection.generate_id().unwrap(),
    );
    connection.open_font(font, b"cursor").unwrap();
    connection
        .create_glyph_cursor(
            cursor,
            font,
            font,
            34,
            35,
            0,
            0,
            0,
            u16::MAX,
            u16::MAX,
            u16::MAX,
        )
        .unwrap();
    let change = ChangeWindowAttributesAux::new().cursor(cursor);
    connection
        .change_window_attributes(window, &change)
        .unwrap()
        .check()
        .unwrap();
}

/// scrap knows only the display of the environment, so it is tested in a process of its own.
#[test]
fn the_portable_backend_shows_the_same() {
    let server = Server::start();
    server.client().window(
        Area {
            x: 5,
            y: 6,
            width: 70,
            height: 80,
        },
        0x00aa_bbcc,
    );
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--ignored",
            "capture::portable_backend_on_display",
        ])
        .env("DISPLAY", &server.display)
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
#[ignore = "run by another test, with a display of its own"]
fn portable_backend_on_display() {
    let display = std::env::var("DISPLAY").unwrap();
    let client = Client::open(&display);
    let mut customer = Customer::granting();
    let mut capture = Scrap::open().unwrap();
    capture.select(&everything(&display)).unwrap();
    let area = capture.area();
    let mut pixels = whole(&mut capture, &mut customer);
    assert!(colours(&pixels.bgrx) == client.look(area));
    client.window(
        Area {
            x: 300,
            y: 200,
            width: 50,
            height: 40,
        },
        0x0012_3456,
    );
    let changes = capture.wait(SECOND).unwrap();
    assert_eq!(changes.damage, [area.whole()]);
    let changed = capture
        .read(&customer.permit(), &changes.damage, &mut pixels)
        .unwrap();
    let around = region::around(&changed).unwrap();
    assert!(around.area() <= 128 * 128, "{around:?}");
    assert!(colours(&pixels.bgrx) == client.look(area));
    resize(&client, 640, 480);
    let outcome = capture.read(&customer.permit(), &changes.damage, &mut pixels);
    assert!(matches!(outcome, Err(Error::LayoutChanged)), "{outcome:?}");
}

/// Not a promise, a measurement: `cargo test --release -- --ignored --nocapture latency`.
#[test]
#[ignore = "a measurement"]
fn latency_from_drawing_to_pixels() {
    let server = Server::with(&["-screen", "0", "1920x1080x24"]);
    let client = server.client();
    let mut customer = Customer::granting();
    let mut capture = opened(&server);
    let mut pixels = whole(&mut *capture, &mut customer);
    let window = client.window(
        Area {
            x: 0,
            y: 0,
            width: 1920,
            height: 1080,
        },
        0,
    );
    let context = client.connection.generate_id().unwrap();
    client
        .connection
        .create_gc(context, window, &CreateGCAux::new())
        .unwrap();
    follow(&mut *capture, &mut customer, &mut pixels);
    for (width, height) in [(16, 16), (64, 64), (640, 400), (1920, 1080)] {
        let mut total = Vec::new();
        let mut reading = Vec::new();
        for round in 0..200u32 {
            let colour = ChangeGCAux::new().foreground(round + 1);
            client.connection.change_gc(context, &colour).unwrap();
            let rectangle = Rectangle {
                x: 0,
                y: 0,
                width,
                height,
            };
            let start = Instant::now();
            client
                .connection
                .poly_fill_rectangle(window, context, &[rectangle])
                .unwrap();
            client.connection.flush().unwrap();
            let changes = capture.wait(SECOND).unwrap();
            let noticed = Instant::now();
            capture
                .read(&customer.permit(), &changes.damage, &mut pixels)
                .unwrap();
            reading.push(noticed.elapsed());
            total.push(start.elapsed());
            assert_eq!(pixels.bgrx[0], round as u8 + 1);
        }
        total.sort_unstable();
        reading.sort_unstable();
        println!(
            "{width}x{height}: draw to pixels p50 {:?} p95 {:?}, of it reading p50 {:?}",
            total[100], total[190], reading[100]
        );
    }
}
