//! What may happen next: each number of a schedule is one step.
//!
//! | of 128 | step |
//! |---|---|
//! | 48 | something arrives, or a thread of relay or agent has its turn |
//! | 12 | everything goes on until nothing moves |
//! | 12 | time passes: up to 0.6 s, 5 s, 20 min |
//! | 16 | the customer acts, mostly on what the page offers |
//! | 22 | the technician's hand |
//! | 9 | the picture thread reads or seals |
//! | 9 | a link breaks at one end or comes back, the disk fails or works, checkpoints are withheld |

use std::time::Duration;

use fernsicht_agent::session::model::Act;
use fernsicht_protocol::content::{Button, InputEvent};
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::guard::{Kind, Phase, Question};
use fernsicht_protocol::router::Side;
use fernsicht_protocol::wire::Text;

use super::ends::AgentState;
use super::network::Arrival;
use super::recorder::Disk;
use super::reference::{CHARACTERS, F11, F11_TWIN, FIRST_CHARACTER};
use super::world::World;

/// Takes one step. What it was, for a trace; none if it was not possible.
pub(super) fn step(world: &mut World<'_>, number: u32) -> Option<String> {
    world.counts.steps += 1;
    let (kind, choice) = (number % 128, number >> 7);
    match kind {
        0..48 => go_on(world, choice),
        48..60 => Some(flush(world, choice)),
        60..72 => Some(pass_time(world, kind - 60, choice)),
        72..86 => act(world, sensible(world, choice)?),
        86..88 => act(world, ACTS[choice as usize % ACTS.len()]),
        88..110 => technician(world, choice),
        110..119 => picture(world, choice),
        _ => trouble(world, kind - 119, choice),
    }
}

/// One of those that could have their turn.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Arrival(Arrival),
    Forwarded(usize),
    Recorder,
    Injector,
}

fn turns(world: &World<'_>) -> Vec<Turn> {
    let mut arrivals = Vec::with_capacity(16);
    world.network.arrivals(&mut arrivals);
    let mut turns = vec![Turn::Injector];
    let moves = |arrival: &Arrival| !stands_still(world, *arrival);
    turns.extend(arrivals.into_iter().filter(moves).map(Turn::Arrival));
    turns.extend((0..world.relay.forwarding()).map(Turn::Forwarded));
    turns.extend(world.relay.thread_busy(world.now).then_some(Turn::Recorder));
    turns
}

/// True for input that waits until the one before it is recorded.
fn stands_still(world: &World<'_>, arrival: Arrival) -> bool {
    match arrival {
        Arrival::Record {
            line,
            up: true,
            class,
        } => world.relay.waits(world.network.id(line), class),
        Arrival::Record { .. }
        | Arrival::Message { .. }
        | Arrival::Single { .. }
        | Arrival::Gone { .. } => false,
    }
}

fn take(world: &mut World<'_>, turn: Turn) -> bool {
    match turn {
        Turn::Arrival(arrival) => world.arrive(arrival),
        Turn::Forwarded(at) => {
            let now = world.relay_now();
            world.relay.forwarded(at, &mut world.network, now);
            world.carry();
        }
        Turn::Recorder => {
            let now = world.relay_now();
            world.relay.work(world.office, &mut world.network, now);
            world.carry();
        }
        Turn::Injector => {
            let served = world.agent.core.serve_input();
            world.carry();
            return served;
        }
    }
    true
}

fn go_on(world: &mut World<'_>, choice: u32) -> Option<String> {
    let turns = turns(world);
    let turn = turns[choice as usize % turns.len()];
    take(world, turn).then(|| format!("{turn:?}"))
}

/// Everything goes on until nothing moves.
#[cfg(test)]
pub(super) fn settle(world: &mut World<'_>) {
    loop {
        let turns = turns(world);
        let last = turns[turns.len() - 1];
        if !take(world, last) && turns.len() == 1 {
            return;
        }
    }
}

/// Everything goes on, in an order that hangs on the choice.
pub(super) fn flush(world: &mut World<'_>, choice: u32) -> String {
    let (mut order, mut idle) = (choice, 0);
    for _ in 0..MOST_TURNS {
        let turns = turns(world);
        order = order.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let at = if idle > 0 {
            idle
        } else {
            (order >> 8) as usize
        };
        let moved = take(world, turns[at % turns.len()]);
        // A turn that moved nothing: the others, one after the other, until all have had theirs.
        idle = if moved { 0 } else { idle + 1 };
        if idle > turns.len() {
            break;
        }
    }
    "everything goes on".to_owned()
}

fn pass_time(world: &mut World<'_>, kind: u32, choice: u32) -> String {
    let by = match kind {
        0..8 => Duration::from_millis(u64::from(choice % 600)),
        8..11 => Duration::from_millis(u64::from(choice % 5_000)),
        // Twenty minutes would end most sessions.
        _ if choice.is_multiple_of(4) => Duration::from_secs(u64::from(choice % 1_200)),
        _ => Duration::from_secs(u64::from(choice % 20)),
    };
    // A busy program learns late that something was due.
    let punctual = !choice.is_multiple_of(5);
    wait(world, by, punctual);
    format!(
        "{} ms pass{}",
        by.as_millis(),
        if punctual {
            ""
        } else {
            ", nobody looks at the clock"
        }
    )
}

/// Time passes.
pub(super) fn wait(world: &mut World<'_>, by: Duration, punctual: bool) {
    let until = world.now + by;
    for _ in 0..MOST_TURNS {
        match world.next_due().filter(|due| punctual && *due <= until) {
            Some(due) => world.now = world.now.max(due),
            None => break,
        }
        world.tell_time();
    }
    world.now = until;
    world.tell_time();
}

fn act(world: &mut World<'_>, act: Act) -> Option<String> {
    let pages = world.pages();
    world.reference.act(act, pages);
    let at = world.instant();
    world.agent.core.act(at, act);
    world.carry();
    Some(format!("the customer: {act:?}"))
}

/// Something that the page before the customer offers.
fn sensible(world: &World<'_>, choice: u32) -> Option<Act> {
    let (pages, kind) = (world.pages(), world.agent.core.guard(|guard| guard.kind()));
    let of = |acts: &[Act]| Some(acts[choice as usize % acts.len()]);
    match (pages.phase, pages.question) {
        (Phase::Consent { .. }, _) if choice.is_multiple_of(4) => Some(Act::ConsentView),
        (Phase::Consent { .. }, _) => Some(Act::ConsentControl),
        (Phase::Card { .. }, _) => Some(Act::CardDone),
        (Phase::Session, Some(Question::Upgrade)) => {
            of(&[Act::Yes, Act::Yes, Act::No, Act::StopKey])
        }
        (Phase::Session, Some(Question::End | Question::StillThere { .. })) => {
            of(&[Act::GoOn, Act::GoOn, Act::GoOn, Act::StopKey])
        }
        (Phase::Starting | Phase::Session | Phase::Reconnecting { .. }, _) => match kind {
            Some(Kind::Look) => of(&[
                Act::ControlOn,
                Act::ViewOn,
                Act::ViewOff,
                Act::StopKey,
                Act::AskEnd,
            ]),
            Some(Kind::Control) | None => of(&[
                Act::ControlOn,
                Act::ControlOn,
                Act::ControlOn,
                Act::ViewOn,
                Act::ViewOn,
                Act::StopKey,
                Act::Stop,
                Act::ControlOff,
                Act::ViewOff,
                Act::AskEnd,
                Act::Activity,
            ]),
        },
        (Phase::Unpaired | Phase::Ended, _) => None,
    }
}

fn technician(world: &mut World<'_>, choice: u32) -> Option<String> {
    world.serial += 1;
    let number = world.serial;
    let x = u16::try_from(number).ok()?;
    let y = if choice.is_multiple_of(16) { 3 } else { 500 };
    let event = match choice / 16 % 12 {
        0..4 => InputEvent::Move { x, y },
        4..7 => InputEvent::Button {
            button: Button::Left,
            down: choice.is_multiple_of(2),
            x,
            y,
        },
        7 => InputEvent::Scroll {
            dx: 0,
            dy: if choice.is_multiple_of(3) { 40 } else { 2 },
            x,
            y,
        },
        8 => InputEvent::Key {
            keysym: if choice.is_multiple_of(2) {
                F11
            } else {
                F11_TWIN
            },
            down: true,
        },
        9 => InputEvent::Key {
            keysym: 0x0100_0000 | number,
            down: choice.is_multiple_of(2),
        },
        _ => {
            let character = char::from_u32(FIRST_CHARACTER + number)?;
            let text: String = std::iter::repeat_n(character, CHARACTERS).collect();
            InputEvent::Text {
                text: Text::new(text).ok()?,
            }
        }
    };
    let sent = world.counts.sent;
    world.console.core.input(event.clone());
    world.carry_from_console(Some(&event));
    world.carry();
    (world.counts.sent > sent).then(|| format!("the technician: {event:?}"))
}

fn picture(world: &mut World<'_>, choice: u32) -> Option<String> {
    let (at, pages) = (world.instant(), world.pages());
    if let Some((serial, grant)) = world.agent.picture.take() {
        let class = if choice.is_multiple_of(4) {
            Class::Refinement
        } else {
            Class::Picture
        };
        let sent = world
            .agent
            .core
            .send_picture(grant, class, &serial.to_be_bytes());
        if sent {
            world.reference.sealed(serial);
        }
        world.carry();
        return sent.then(|| format!("picture {serial} is sealed"));
    }
    let grant = world.agent.core.capture(at)?;
    world.serial += 1;
    world.counts.captured += 1;
    world.reference.captured(world.serial, grant, pages);
    world.agent.picture = Some((world.serial, grant));
    Some(format!("the screen is read under grant {grant}"))
}

fn trouble(world: &mut World<'_>, kind: u32, choice: u32) -> Option<String> {
    let side = if choice.is_multiple_of(2) {
        Side::Agent
    } else {
        Side::Console
    };
    match kind {
        0 if choice.is_multiple_of(3) => {
            let line = match side {
                Side::Agent => world.agent.line,
                Side::Console => world.console.line,
            };
            let (id, now) = (line?, world.relay_now());
            world.network.line(id).filter(|line| line.relay)?;
            world.relay.disconnected(id, &mut world.network, now);
            world.carry();
            Some(format!("the relay loses the {side:?}"))
        }
        0 => {
            world.lose(side);
            Some(format!("the {side:?} loses the relay"))
        }
        1..5 => {
            let away = match side {
                Side::Agent => matches!(world.agent.state, AgentState::Down { .. }),
                Side::Console => world.console.line.is_none() && world.console.core.resumable(),
            };
            if !away {
                return None;
            }
            world.reconnect(side);
            Some(format!("the {side:?} comes back"))
        }
        5 => {
            world.relay.disk = match (world.relay.disk, choice % 3) {
                (Disk::Working, 0) => Disk::Stalled,
                (Disk::Working, _) => Disk::Broken,
                (Disk::Broken | Disk::Stalled, _) => Disk::Working,
            };
            Some(format!("the disk: {:?}", world.relay.disk))
        }
        6 if world.relay.disk != Disk::Working => {
            world.relay.disk = Disk::Working;
            Some("the disk works".to_owned())
        }
        7 => {
            world.relay.withholds = !world.relay.withholds && choice.is_multiple_of(3);
            Some(format!(
                "checkpoints are withheld: {}",
                world.relay.withholds
            ))
        }
        8 if choice.is_multiple_of(8) => {
            world.console.core.end();
            world.carry();
            Some("the technician ends".to_owned())
        }
        _ => {
            world.console.core.drawn(world.console.drawn);
            world.carry();
            Some("the console acknowledges its picture".to_owned())
        }
    }
}

const ACTS: [Act; 15] = [
    Act::ConsentView,
    Act::ConsentControl,
    Act::CardDone,
    Act::ViewOn,
    Act::ViewOff,
    Act::ControlOn,
    Act::ControlOff,
    Act::Stop,
    Act::StopKey,
    Act::Yes,
    Act::No,
    Act::GoOn,
    Act::AskEnd,
    Act::Activity,
    Act::Refuse,
];

const MOST_TURNS: usize = 80;

/// Consent, card, and everything that leads to control.
pub(super) const TO_CONTROL: [u32; 5] = [SENSIBLE, FLUSH, SENSIBLE, FLUSH, FLUSH];
const SENSIBLE: u32 = 1 << 7 | 72;
const FLUSH: u32 = 1 << 7 | 48;
