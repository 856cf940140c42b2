//! F11 and the source of every press.

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use fernsicht_agent::platform::watch::{PressKind, Seen};
use fernsicht_agent::platform::{Provenance, Watch};
use x11rb::protocol::xproto::{ConnectionExt as _, GrabMode};

use crate::rig::{Hand, Server, eventually};

const F11: u8 = 95;
const RETURN: u8 = 36;
const SPACE: u8 = 65;
const A: u8 = 38;

fn start(server: &Server) -> (Watch, Receiver<Seen>) {
    let (send, seen) = sync_channel(1000);
    let watch = Watch::start(Some(&server.display), move |what| {
        send.try_send(what).ok();
    })
    .unwrap();
    (watch, seen)
}

/// All that was seen after a settled round trip.
fn stops(provenance: &Provenance, seen: &Receiver<Seen>) -> (Vec<bool>, usize) {
    provenance.newest();
    let (mut stops, mut activity) = (Vec::new(), 0);
    while let Ok(seen) = seen.try_recv() {
        match seen {
            Seen::StopKey { physical, .. } => stops.push(physical),
            Seen::Activity { .. } => activity += 1,
            Seen::Lost(error) => panic!("{error}"),
        }
    }
    (stops, activity)
}

#[test]
fn every_f11_counts_and_names_its_source() {
    let server = Server::start();
    let hand = Hand::new(&server);
    let (watch, seen) = start(&server);
    let provenance = watch.provenance();
    hand.key(F11);
    let (found, activity) = stops(&provenance, &seen);
    assert_eq!(found, [true]);
    assert!(activity > 0);
    hand.forged_key(F11);
    assert_eq!(stops(&provenance, &seen), (vec![false], 0));
    hand.key(A);
    assert_eq!(stops(&provenance, &seen).0, []);
}

#[test]
fn another_programs_grab_hides_nothing() {
    let server = Server::start();
    let hand = Hand::new(&server);
    let (watch, seen) = start(&server);
    let client = server.client();
    let grab = client
        .connection
        .grab_keyboard(true, client.root, 0u32, GrabMode::ASYNC, GrabMode::ASYNC)
        .unwrap()
        .reply()
        .unwrap();
    assert_eq!(u8::from(grab.status), 0);
    hand.key(F11);
    assert_eq!(stops(&watch.provenance(), &seen).0, [true]);
    hand.forged_key(F11);
    assert_eq!(stops(&watch.provenance(), &seen).0, [false]);
}

#[test]
fn f11_on_another_key_counts_too() {
    let server = Server::start();
    let hand = Hand::new(&server);
    let (watch, seen) = start(&server);
    server.call("xmodmap", &["-e", "keycode 38 = a A F11"]);
    hand.key(A);
    assert_eq!(stops(&watch.provenance(), &seen).0, [true]);
}

#[test]
fn presses_know_whose_they_are() {
    let server = Server::start();
    let hand = Hand::new(&server);
    let (watch, _seen) = start(&server);
    let provenance = watch.provenance();
    assert_eq!(provenance.newest(), None);

    let before = Instant::now();
    hand.click(50, 50);
    let press = provenance.newest().unwrap();
    assert_eq!((press.physical, press.kind), (true, PressKind::Button(1)));
    assert!(provenance.all_physical_since(before));
    hand.key(RETURN);
    assert_eq!(
        provenance.last_press_physical().unwrap().kind,
        PressKind::Enter
    );
    hand.key(SPACE);
    assert_eq!(provenance.newest().unwrap().kind, PressKind::Space);
    hand.key(A);
    assert_eq!(provenance.newest().unwrap().kind, PressKind::OtherKey);

    hand.forged_click();
    assert_eq!(provenance.last_press_physical(), None);
    assert!(!provenance.newest().unwrap().physical);
    assert!(!provenance.all_physical_since(before));
    hand.forged_key(RETURN);
    assert_eq!(provenance.last_press_physical(), None);
    let later = Instant::now();
    assert!(
        !provenance.all_physical_since(later),
        "no press at all grants nothing"
    );
    hand.click(60, 60);
    assert!(provenance.all_physical_since(later));
    let seen = provenance.presses_since(later).unwrap();
    assert_eq!(
        seen.iter().map(|press| press.kind).collect::<Vec<_>>(),
        [PressKind::Button(1)]
    );
    for _ in 0..40 {
        hand.key(A);
    }
    assert_eq!(
        provenance.presses_since(later),
        None,
        "more than it remembers"
    );
}

#[test]
fn new_devices_are_known_and_a_dead_server_grants_nothing() {
    let server = Server::start();
    let hand = Hand::new(&server);
    let (watch, seen) = start(&server);
    let provenance = watch.provenance();
    // A second pair of masters brings a second pair of XTEST devices.
    server.call("xinput", &["create-master", "second"]);
    hand.key(F11);
    assert_eq!(stops(&provenance, &seen).0, [true]);
    hand.forged_key(F11);
    assert_eq!(stops(&provenance, &seen).0, [false]);
    assert!(provenance.presses_since(Instant::now()).is_some());
    drop(server);
    let lost = seen.recv_timeout(Duration::from_secs(5)).unwrap();
    assert!(matches!(lost, Seen::Lost(_)), "{lost:?}");
    assert_eq!(provenance.newest(), None);
    assert_eq!(provenance.presses_since(Instant::now()), None);
    drop(watch);
    eventually("the callback is gone", || {
        matches!(
            seen.try_recv(),
            Err(std::sync::mpsc::TryRecvError::Disconnected)
        )
    });
}
