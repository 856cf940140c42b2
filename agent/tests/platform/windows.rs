//! The agent's own windows among others.

use fernsicht_agent::platform::marker::Marker;
use fernsicht_agent::platform::overlay::{Frame, Numbers};
use fernsicht_agent::platform::own::Desk;
use fernsicht_agent::platform::{Area, OwnWindows, Sight};
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{ConfigureWindowAux, ConnectionExt as _, InputFocus};

use crate::rig::{Customer, Hand, Server, eventually, monitors};

const AREA: Area = Area {
    x: 0,
    y: 0,
    width: 1280,
    height: 800,
};
const PART: Area = Area {
    x: 10,
    y: 10,
    width: 100,
    height: 30,
};

fn place(x: i16, y: i16, width: u16, height: u16) -> Area {
    Area {
        x,
        y,
        width,
        height,
    }
}

#[test]
fn the_frame_is_seen_and_takes_no_click() {
    let server = Server::start();
    let client = server.client();
    let hand = Hand::new(&server);
    let below = client.window(AREA, 0x0000_0000);
    let own = OwnWindows::new();
    let frame = Frame::show(Some(&server.display), &[AREA], [0xe0, 0x40, 0x10], &own).unwrap();
    for (x, y) in [(640, 1), (640, 798), (1, 400), (1278, 400)] {
        assert_eq!(client.look(place(x, y, 1, 1)), [[0x10, 0x40, 0xe0]]);
        hand.click(x, y);
        client.sync();
        let mut clicked = false;
        while let Some(event) = client.connection.poll_for_event().unwrap() {
            clicked |= matches!(event, Event::ButtonPress(press) if press.event == below);
        }
        assert!(clicked, "the click at {x},{y} went to the frame");
    }
    assert_eq!(
        client.look(place(5, 5, 1, 1)),
        [[0; 3]],
        "four pixels at most"
    );
    // A later window does not stay above it.
    client.window(place(0, 300, 200, 200), 0x00ff_ffff);
    eventually("the frame is on top again", || {
        client.look(place(1, 400, 1, 1)) == [[0x10, 0x40, 0xe0]]
    });
    drop(frame);
    eventually("the frame is gone", || {
        client.look(place(640, 1, 1, 1)) == [[0; 3]]
    });
}

/// Blue, green, red of the sign's ring, and how far it is from the middle.
const RING: [u8; 3] = [0x60, 0x10, 0xd0];
const RADIUS: i16 = 21;

#[test]
fn the_sign_is_seen_takes_no_click_and_covers_a_granting_button() {
    let server = Server::start();
    let client = server.client();
    let hand = Hand::new(&server);
    let below = client.window(AREA, 0x0000_0000);
    let own = OwnWindows::new();
    own.add(below);
    let desk = Desk::open(Some(&server.display), own).unwrap();
    let mut customer = Customer::granting();
    let mut sign = Marker::open(Some(&server.display)).unwrap();
    assert_eq!(client.look(place(640 + RADIUS, 400, 1, 1)), [[0; 3]]);

    let ring = |x: i16, y: i16| client.look(place(x + RADIUS, y, 1, 1)) == [RING];
    for (x, y, click) in [(640, 400, false), (300, 200, false), (300, 200, true)] {
        sign.show(&customer.point(), x, y, click).unwrap();
        // A press is drawn where the sign already stands: its ring alone does not tell that it is there.
        eventually(
            "the sign is there, and what is pointed at is seen unless it is a click",
            || ring(x, y) && (client.look(place(x, y, 1, 1)) == [RING]) == click,
        );
    }
    eventually("it is nowhere else", || !ring(640, 400));
    let button = place(300, 210, 30, 30);
    assert!(
        desk.covered_at(below, button).unwrap(),
        "a button under it does not act"
    );
    assert!(
        desk.own_at(300 + RADIUS, 200).unwrap(),
        "a click goes to what is below"
    );
    hand.click(300 + RADIUS, 200);
    client.sync();
    let mut clicked = false;
    while let Some(event) = client.connection.poll_for_event().unwrap() {
        clicked |= matches!(event, Event::ButtonPress(press) if press.event == below);
    }
    assert!(clicked, "the click went to the sign");
    sign.hide().unwrap();
    eventually("it is gone", || !ring(300, 200));
    assert!(!desk.covered_at(below, button).unwrap());
}

#[test]
fn numbers_show_on_each_screen() {
    let server = Server::start();
    let client = server.client();
    let screens: Vec<_> = monitors(&server.display)
        .into_iter()
        .map(|monitor| monitor.screen)
        .collect();
    let own = OwnWindows::new();
    let numbers = Numbers::show(Some(&server.display), &screens, None, &own).unwrap();
    let corner = client.look(place(1080, 600, 200, 200));
    assert!(corner.contains(&[255; 3]) && corner.contains(&[28, 24, 24]));
    drop(numbers);
    eventually("they are gone", || {
        !client.look(place(1080, 600, 200, 200)).contains(&[255; 3])
    });
}

#[test]
fn covered_moved_and_hidden_windows_are_told() {
    let server = Server::start();
    let client = server.client();
    let own = OwnWindows::new();
    let desk = Desk::open(Some(&server.display), own.clone()).unwrap();
    let window = client.window(place(200, 200, 300, 200), 0x0011_1111);
    own.add(window);
    let clear = Sight::Clear(place(210, 210, 100, 30));
    assert_eq!(desk.sight(window, PART).unwrap(), clear);

    let beside = client.window(place(400, 200, 50, 50), 0);
    assert_eq!(
        desk.sight(window, PART).unwrap(),
        clear,
        "it covers another part"
    );
    let over = client.window(place(305, 230, 50, 50), 0);
    assert_eq!(desk.sight(window, PART).unwrap(), Sight::Covered);
    assert!(desk.covered(window, PART).unwrap());
    client.connection.unmap_window(over).unwrap();
    client.sync();
    assert_eq!(desk.sight(window, PART).unwrap(), clear);

    // The agent's own frame over it does not count.
    let frame = Frame::show(
        Some(&server.display),
        &[place(205, 205, 300, 200)],
        [1, 2, 3],
        &own,
    );
    assert_eq!(desk.sight(window, PART).unwrap(), clear);
    drop(frame);

    let aside = ConfigureWindowAux::new().x(201);
    client.connection.configure_window(window, &aside).unwrap();
    client.sync();
    assert_eq!(
        desk.sight(window, PART).unwrap(),
        Sight::Clear(place(211, 210, 100, 30))
    );
    let off = ConfigureWindowAux::new().x(1200);
    client.connection.configure_window(window, &off).unwrap();
    client.sync();
    assert_eq!(
        desk.sight(window, PART).unwrap(),
        Sight::Covered,
        "it reaches over the edge"
    );
    client.connection.unmap_window(window).unwrap();
    client.connection.unmap_window(beside).unwrap();
    client.sync();
    assert_eq!(desk.sight(window, PART).unwrap(), Sight::Hidden);
    client.connection.destroy_window(window).unwrap();
    client.sync();
    assert_eq!(desk.sight(window, PART).unwrap(), Sight::Hidden);
}

#[test]
fn a_foreign_child_inside_the_window_covers_it() {
    let server = Server::start();
    let (client, stranger) = (server.client(), server.client());
    let own = OwnWindows::new();
    let desk = Desk::open(Some(&server.display), own.clone()).unwrap();
    let window = client.window(place(200, 200, 300, 200), 0);
    own.add(window);
    let child = stranger.window(place(0, 0, 50, 50), 0);
    assert!(!desk.covered(window, PART).unwrap());
    stranger
        .connection
        .reparent_window(child, window, 5, 5)
        .unwrap();
    stranger.sync();
    assert!(desk.covered(window, PART).unwrap());
}

#[test]
fn clicks_and_keys_for_own_windows_are_recognised() {
    let mut server = Server::start();
    server.run("openbox", &[]);
    let client = server.client();
    client.window_manager();
    let own = OwnWindows::new();
    let desk = Desk::open(Some(&server.display), own.clone()).unwrap();
    let window = client.window(place(200, 200, 300, 200), 0);
    assert!(!desk.own_at(250, 250).unwrap());
    own.add(window);
    assert!(desk.own_at(250, 250).unwrap());
    assert!(!desk.own_at(600, 600).unwrap());
    // A window that clicks pass through is not in the way.
    let frame = Frame::show(
        Some(&server.display),
        &[place(150, 150, 500, 500)],
        [9, 9, 9],
        &own,
    );
    assert!(!desk.own_at(151, 160).unwrap());
    drop(frame);

    assert!(!desk.own_has_focus().unwrap());
    client
        .connection
        .set_input_focus(InputFocus::PARENT, window, 0u32)
        .unwrap();
    client.sync();
    assert!(desk.own_has_focus().unwrap());
    client
        .connection
        .set_input_focus(InputFocus::NONE, InputFocus::NONE, 0u32)
        .unwrap();
    client.sync();
    assert!(!desk.own_has_focus().unwrap());

    // In a window manager's frame: the frame counts, too.
    server.run("xterm", &["-geometry", "40x10+700+400"]);
    let framed = || {
        let tree = client
            .connection
            .query_tree(client.root)
            .unwrap()
            .reply()
            .unwrap();
        tree.children.into_iter().find_map(|top| {
            let inner = client
                .connection
                .query_tree(top)
                .unwrap()
                .reply()
                .ok()?
                .children;
            let inside = inner.iter().copied().find(|child| {
                let name = client
                    .connection
                    .get_property(false, *child, 67u32, 31u32, 0, 10)
                    .unwrap()
                    .reply();
                name.is_ok_and(|name| name.value.starts_with(b"xterm"))
            })?;
            let state = client
                .connection
                .get_window_attributes(inside)
                .unwrap()
                .reply()
                .ok()?;
            (u8::from(state.map_state) == 2).then_some((top, inside))
        })
    };
    let mut found = None;
    eventually("the terminal is framed", || {
        found = framed();
        found.is_some()
    });
    let (top, inside) = found.unwrap();
    let frame = client
        .connection
        .get_geometry(top)
        .unwrap()
        .reply()
        .unwrap();
    let title = (
        frame.x + i16::try_from(frame.width / 2).unwrap(),
        frame.y + 4,
    );
    assert!(!desk.own_at(title.0, title.1).unwrap());
    own.add(inside);
    assert!(
        desk.own_at(title.0, title.1).unwrap(),
        "the title bar of an own window"
    );
}

#[test]
fn a_window_is_gone_when_no_pixel_of_it_can_be_seen() {
    let server = Server::start();
    let client = server.client();
    let desk = Desk::open(Some(&server.display), OwnWindows::new()).unwrap();
    let window = client.window(place(200, 200, 300, 200), 0);
    client.window(AREA, 0);
    assert!(!desk.gone(window).unwrap(), "a cover may be lifted");
    for (x, gone) in [(1279, false), (1280, true), (-299, false), (-300, true)] {
        let aside = ConfigureWindowAux::new().x(x);
        client.connection.configure_window(window, &aside).unwrap();
        client.sync();
        assert_eq!(desk.gone(window).unwrap(), gone, "at {x}");
    }
    let back = ConfigureWindowAux::new().x(0);
    client.connection.configure_window(window, &back).unwrap();
    client.connection.unmap_window(window).unwrap();
    client.sync();
    assert!(desk.gone(window).unwrap());
    client.connection.map_window(window).unwrap();
    client.sync();
    assert!(!desk.gone(window).unwrap());
    client.connection.destroy_window(window).unwrap();
    client.sync();
    assert!(desk.gone(window).unwrap());
}
