//! Attacks of hostile relays, consoles and thieves on the real cores, by the clock of the model.
//!
//! The relay in these tests is the honest one; what a hostile one does is done to its queues behind its back.

use std::time::Duration;

use fernsicht_agent::session::model::Act;
use fernsicht_protocol::content::{Input, InputEvent};
use fernsicht_protocol::epoch::{Epoch, Sealer};
use fernsicht_protocol::frame::{Class, Direction, Frame};
use fernsicht_protocol::messages::{AgentToRelay, End, VERSION};
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::router::Side;
use fernsicht_protocol::unit::Record;
use fernsicht_protocol::wire::{Blob, Wire as _};

use super::ends::AgentState;
use super::network::{Mail, Way};
use super::office::Office;
use super::steps::{TO_CONTROL, settle, step, wait};
use super::world::World;

fn office() -> Office {
    Office::new().expect("keys are to be had")
}

/// A session under control, with nothing on its way.
fn controlled(office: &Office) -> World<'_> {
    let mut world = World::new(office);
    for number in TO_CONTROL {
        step(&mut world, number);
    }
    settle(&mut world);
    assert_eq!(rights(&world), Rights::Control);
    assert_eq!(world.console.core.rights(), Rights::Control);
    world
}

fn rights(world: &World<'_>) -> Rights {
    world.agent.core.guard(|guard| guard.rights())
}

fn ended(world: &World<'_>) -> Option<End> {
    world.agent.core.guard(|guard| guard.ended().cloned())
}

fn act(world: &mut World<'_>, act: Act) {
    let pages = world.pages();
    world.reference.act(act, pages);
    let at = world.instant();
    world.agent.core.act(at, act);
    world.carry();
}

/// Time passes, and everything arrives meanwhile.
fn pass(world: &mut World<'_>, by: Duration) {
    let until = world.now + by;
    while world.now < until {
        wait(world, TICK.min(until - world.now), true);
        settle(world);
    }
}

fn move_to(world: &mut World<'_>) {
    world.serial += 1;
    let x = u16::try_from(world.serial).expect("few events");
    let event = InputEvent::Move { x, y: 500 };
    world.console.core.input(event.clone());
    world.carry_from_console(Some(&event));
}

/// What is on its way to the agent.
fn to_agent<'w>(world: &'w mut World<'_>) -> &'w mut Way {
    let line = world.agent.line.expect("connected");
    &mut world.network.line(line).expect("it stands").down
}

fn to_console<'w>(world: &'w mut World<'_>) -> &'w mut Way {
    let line = world.console.line.expect("connected");
    &mut world.network.line(line).expect("it stands").down
}

fn from_console<'w>(world: &'w mut World<'_>) -> &'w mut Way {
    let line = world.console.line.expect("connected");
    &mut world.network.line(line).expect("it stands").up
}

/// Lets the relay work until so much input is on its way to the agent, which takes nothing meanwhile.
fn input_on_its_way(world: &mut World<'_>, count: usize) -> Vec<Record> {
    let mut held = Vec::new();
    for number in 0.. {
        if held.len() == count {
            return held;
        }
        assert!(number < 10_000, "the relay passes input");
        held.extend(to_agent(world).records[Class::Input as usize].drain(..));
        step(world, number << 7);
    }
    held
}

/// What a console that knows the keys can seal.
fn sealer(world: &World<'_>) -> Sealer {
    let (number, opened) = world.reference.secrets.last_key_value().expect("an epoch");
    let rehearsal = &world.office.rehearsal;
    let session = rehearsal.context.session;
    Epoch::new(
        &session,
        opened.rid,
        *number,
        &rehearsal.th2,
        &opened.secret,
    )
    .sealer(Direction::ConsoleToAgent)
}

#[test]
fn a_hundred_thousand_events_a_second_stop_at_f11() {
    let office = office();
    let mut world = controlled(&office);
    let (mut sealer, grant) = (
        sealer(&world),
        world.agent.core.guard(|guard| guard.grant()),
    );
    let event = InputEvent::Move { x: 1, y: 500 };
    let content = Input {
        beacon: 1,
        layout: 0,
        event,
    }
    .to_bytes();
    let mut at_f11 = 0;
    // 20,000 events in a fifth of a second; F11 in the middle of a batch that is on its way.
    for batch in 0..200 {
        for _ in 0..100 {
            let frame = sealer.seal(Class::Input, grant, Rights::Control, &content);
            from_console(&mut world).send_record(Record::Frame(frame));
        }
        if batch == 40 {
            for number in 0..200 {
                step(&mut world, number << 7);
            }
            act(&mut world, Act::StopKey);
            at_f11 = world.counts.injected;
            assert!(at_f11 > 1_000, "{at_f11} events before F11");
        }
        settle(&mut world);
        wait(&mut world, Duration::from_millis(1), true);
    }
    assert_eq!(world.counts.injected, at_f11, "none after F11");
    assert_eq!(rights(&world), Rights::None);
    assert_eq!(ended(&world), None, "the session goes on");
}

#[test]
fn input_that_a_relay_delays_by_three_seconds_lands_nowhere() {
    let office = office();
    let mut world = controlled(&office);
    move_to(&mut world);
    let held = input_on_its_way(&mut world, 1);
    pass(&mut world, Duration::from_secs(3));
    for record in held {
        to_agent(&mut world).send_record(record);
    }
    settle(&mut world);
    assert_eq!(world.counts.injected, 0);
    assert_eq!(world.reference.broken, None);
    assert_eq!(
        rights(&world),
        Rights::Control,
        "what is not late still counts"
    );
    move_to(&mut world);
    settle(&mut world);
    assert_eq!(world.counts.injected, 1);
}

#[test]
fn a_relay_that_withholds_checkpoints_ends_control_after_four_seconds() {
    let office = office();
    let mut world = controlled(&office);
    world.relay.withholds = true;
    move_to(&mut world);
    settle(&mut world);
    assert_eq!(world.counts.injected, 1);
    pass(&mut world, Duration::from_millis(3_900));
    assert_eq!(rights(&world), Rights::Control);
    pass(&mut world, Duration::from_millis(200));
    assert_eq!(rights(&world), Rights::View);
    assert_eq!(
        world.console.core.rights(),
        Rights::View,
        "the technician is told"
    );
    // With the checkpoints sight goes on in a new epoch, and control needs the customer.
    world.relay.withholds = false;
    act(&mut world, Act::AskEnd);
    act(&mut world, Act::GoOn);
    pass(&mut world, Duration::from_secs(3));
    assert_eq!(rights(&world), Rights::View);
    act(&mut world, Act::ControlOn);
    settle(&mut world);
    assert_eq!(rights(&world), Rights::Control);
    assert_eq!(world.reference.broken, None);
}

#[test]
fn a_relay_that_forwards_what_it_does_not_record_ends_control() {
    let office = office();
    let mut world = controlled(&office);
    move_to(&mut world);
    // Past router and recorder.
    let past: Vec<Record> = from_console(&mut world).records[Class::Input as usize]
        .drain(..)
        .collect();
    for record in past {
        world.agent.core.handle_record(record);
    }
    while world.agent.core.serve_input() {}
    assert_eq!(world.agent.core.injected().len(), 1, "nobody can know yet");
    world.carry();
    pass(&mut world, Duration::from_millis(4_100));
    assert_eq!(rights(&world), Rights::View);
}

#[test]
fn swapped_and_repeated_input_ends_the_session() {
    for repeated in [false, true] {
        let office = office();
        let mut world = controlled(&office);
        move_to(&mut world);
        move_to(&mut world);
        let mut held = input_on_its_way(&mut world, 2);
        match repeated {
            true => held = vec![held[0].clone(), held[0].clone()],
            false => held.swap(0, 1),
        }
        for record in held {
            to_agent(&mut world).send_record(record);
        }
        settle(&mut world);
        assert_eq!(ended(&world), Some(End::Tampered));
        assert_eq!(rights(&world), Rights::None);
        assert!(world.counts.injected <= 1, "at most the first of them");
    }
}

#[test]
fn rights_that_a_relay_widens_or_invents_show_nothing() {
    for invented in [false, true] {
        let office = office();
        let mut world = controlled(&office);
        act(&mut world, Act::StopKey);
        let mut frame = None;
        for number in 0..10_000 {
            step(&mut world, number << 7);
            if let Some(Record::Frame(found)) = to_console(&mut world).records[0].pop_front() {
                frame = Some(found);
                break;
            }
        }
        let Frame {
            mut header,
            mut ciphertext,
        } = frame.expect("the revocation passes the relay");
        assert_eq!(header.rights, Rights::None);
        header.rights = Rights::Control;
        if invented {
            ciphertext.fill(7);
        }
        world
            .console
            .core
            .handle_record(Record::Frame(Frame { header, ciphertext }));
        assert_eq!(world.console.core.rights(), Rights::None);
        world.carry_from_console(None);
        settle(&mut world);
        assert!(ended(&world).is_some(), "the console has ended the session");
    }
}

#[test]
fn a_thief_of_a_resume_token_gets_a_seat_and_nothing_else() {
    let office = office();
    let mut world = controlled(&office);
    let (session, token, _) = world.agent.core.resume(0).expect("paired");
    let now = world.relay_now();
    let thief = world.network.connect(Side::Agent);
    world.relay.connected(thief, Side::Agent, &office, now);
    let mut say = |message| {
        if let Some(line) = world.network.line(thief) {
            line.up.messages.push_back(Mail::FromAgent(message));
        }
    };
    say(AgentToRelay::Hello {
        version: VERSION,
        configuration: office.rehearsal.context.configuration,
    });
    say(AgentToRelay::Resume {
        session,
        token,
        next_hash: [1; 32],
    });
    say(AgentToRelay::EpochOpen {
        epoch: 2,
        recording: None,
    });
    say(AgentToRelay::Peer {
        packet: Blob(vec![7; 64]),
    });
    settle(&mut world);
    assert_ne!(world.agent.state, AgentState::Up, "the seat is taken");
    assert_eq!(
        world.console.core.rights(),
        Rights::None,
        "the technician sees nothing of the thief's"
    );
    assert_eq!(
        rights(&world),
        Rights::None,
        "and the customer's agent gives nothing"
    );
    assert_eq!(world.relay.router.rights(thief), Rights::None);
}

#[test]
fn a_beacon_that_the_end_of_control_has_overtaken_is_not_sent() {
    let office = office();
    let mut world = controlled(&office);
    world.relay.withholds = true;
    move_to(&mut world);
    settle(&mut world);
    // Nobody looks at the clock: beacons and the lapse come due in one step.
    wait(&mut world, Duration::from_secs(9), false);
    settle(&mut world);
    assert_eq!(world.reference.broken, None);
    assert_eq!(rights(&world), Rights::View);
}

#[test]
fn what_the_agent_says_while_the_console_comes_back_is_no_tampering() {
    let office = office();
    let mut world = World::new(&office);
    settle(&mut world);
    world.lose(Side::Console);
    act(&mut world, Act::ConsentControl);
    // The card's page passes the relay before it knows of the loss; the epoch's beginning afterwards.
    settle(&mut world);
    act(&mut world, Act::CardDone);
    world.reconnect(Side::Console);
    settle(&mut world);
    assert_eq!(world.reference.broken, None);
    assert_eq!(ended(&world), None);
}

const TICK: Duration = Duration::from_millis(100);
