//! The end of a schedule: the recording, opened with the epochs' keys, must say what happened, and be sound.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use fernsicht_agent::session::model::Act;
use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::content::{Input, InputAck};
use fernsicht_protocol::epoch::{Epoch, Opener};
use fernsicht_protocol::frame::{Class, Direction, Header};
use fernsicht_protocol::router::Side;
use fernsicht_protocol::wire::Wire as _;
use fernsicht_recordings::finding::Verdict;
use fernsicht_recordings::format::Body;
use fernsicht_recordings::open;
use fernsicht_recordings::outcome::{Outcome, Outcomes};
use fernsicht_recordings::reader::Records;
use fernsicht_recordings::verify::verify_outside;

use super::recorder::Disk;
use super::reference::serial;
use super::steps::{flush, wait};
use super::world::World;

/// How the schedule ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The customer ends, and everything arrives.
    Orderly,
    /// The relay dies.
    Killed,
}

/// Ends the session.
pub(super) fn end(world: &mut World<'_>, ending: Ending) {
    if ending == Ending::Killed {
        return;
    }
    world.relay.disk = Disk::Working;
    world.relay.withholds = false;
    let at = world.instant();
    world.reference.act(Act::ConfirmEnd, world.pages());
    world.agent.core.act(at, Act::ConfirmEnd);
    world.carry();
    for turn in 0..6 {
        world.reconnect(Side::Console);
        flush(world, turn);
        wait(world, Duration::from_millis(1_200), true);
    }
}

/// Looks at the recording. `whole`: opens it as an auditor does, too.
pub(super) fn check(world: &mut World<'_>, ending: Ending, whole: bool) {
    let Some(recorder) = world.relay.recorder.take() else {
        if let Some(serial) = world.reference.injected.first() {
            let serial = *serial;
            world
                .reference
                .fail(|| format!("event {serial} was injected, and there is no recording"));
        }
        return;
    };
    world.counts.recordings += 1;
    if recorder.bytes.is_empty() {
        return;
    }
    if let Err(sentence) = compare(world, &recorder.bytes) {
        world.reference.fail(|| sentence);
    }
    if !whole {
        return;
    }
    world.counts.opened += 1;
    let outline = verify_outside(&recorder.bytes, &world.office.ca);
    let verdict = outline.verdict();
    if verdict == Verdict::Altered {
        world.reference.fail(|| {
            format!(
                "an honest recording is called altered: {:?}",
                outline.findings
            )
        });
    }
    if ending == Ending::Orderly && recorder.closed() && !outline.complete {
        world
            .reference
            .fail(|| "a closed recording is not complete".to_owned());
    }
    let code = world.agent.card.as_deref().map(Code::parse);
    let Some(Ok(code)) = code else {
        return world
            .reference
            .fail(|| "a recording without a card".to_owned());
    };
    let (bytes, keys) = (&recorder.bytes, &recorder.keys);
    match open::open(bytes, keys, &code, &world.office.auditor, &world.office.ca) {
        Err(refusal) => world
            .reference
            .fail(|| format!("an honest recording does not open: {refusal:?}")),
        Ok(opened) => {
            if opened.verdict() == Verdict::Altered {
                world.reference.fail(|| {
                    format!(
                        "an honest recording opens as altered: {:?}",
                        opened.findings()
                    )
                });
            }
        }
    }
}

/// Holds what was injected against what the recording says.
fn compare(world: &World<'_>, bytes: &[u8]) -> Result<(), String> {
    let mut openers: BTreeMap<u32, [Opener; 2]> = BTreeMap::new();
    for (number, opened) in &world.reference.secrets {
        if opened.rid.is_none() {
            continue;
        }
        let (session, th2) = (
            world.office.rehearsal.context.session,
            world.office.rehearsal.th2,
        );
        let epoch = Epoch::new(&session, opened.rid, *number, &th2, &opened.secret);
        let both = [Direction::AgentToConsole, Direction::ConsoleToAgent];
        openers.insert(*number, both.map(|direction| epoch.opener(direction)));
    }
    let mut inputs: HashMap<u32, (u32, u64)> = HashMap::new();
    let mut outcomes = Outcomes::new();
    let records = Records::new(bytes).map_err(|error| format!("the recording: {error}"))?;
    for record in records {
        let record = record.map_err(|error| format!("the recording: {error}"))?;
        match record
            .parse()
            .map_err(|error| format!("a record: {error}"))?
        {
            Body::Frame { header, ciphertext } => {
                let opener = openers
                    .get(&header.epoch)
                    .map(|both| &both[header.direction as usize])
                    .ok_or_else(|| format!("a frame of epoch {} is recorded", header.epoch))?;
                let content = content(opener, &header, ciphertext)?;
                match header.class {
                    Class::Input => {
                        let input = Input::from_bytes(&content).map_err(|e| e.to_string())?;
                        outcomes.handle_input(header.epoch, header.number);
                        if let Some(serial) = serial(&input.event) {
                            inputs.insert(serial, (header.epoch, header.number));
                        }
                    }
                    Class::Acks if header.direction == Direction::AgentToConsole => {
                        let ack = InputAck::from_bytes(&content).map_err(|e| e.to_string())?;
                        outcomes.handle_ack(header.epoch, &ack);
                    }
                    Class::Rights
                    | Class::Acks
                    | Class::Heads
                    | Class::Notices
                    | Class::Transfer
                    | Class::Beacon
                    | Class::Pointer
                    | Class::Picture
                    | Class::Refinement => {}
                }
            }
            Body::Tombstone { header, .. } if header.class == Class::Input => {
                outcomes.handle_input(header.epoch, header.number);
                outcomes.handle_withheld(header.epoch, header.number);
            }
            Body::Opening(_)
            | Body::EpochSignature { .. }
            | Body::Tombstone { .. }
            | Body::Dropped { .. }
            | Body::Checkpoint(_)
            | Body::Gap { .. }
            | Body::End { .. } => {}
        }
    }
    for serial in &world.reference.injected {
        let Some((epoch, number)) = inputs.get(serial) else {
            return Err(format!(
                "event {serial} was injected and is not in the recording"
            ));
        };
        match outcomes.outcome(*epoch, *number) {
            Outcome::Injected | Outcome::Undecided => {}
            outcome @ (Outcome::Dropped(_) | Outcome::Withheld) => {
                return Err(format!(
                    "event {serial} was injected, the recording says {outcome:?}"
                ));
            }
        }
    }
    for (serial, (epoch, number)) in &inputs {
        let injected = world.reference.injected.contains(serial);
        if outcomes.outcome(*epoch, *number) == Outcome::Injected && !injected {
            return Err(format!(
                "event {serial} was not injected, the recording says it was"
            ));
        }
    }
    Ok(())
}

fn content(opener: &Opener, header: &Header, ciphertext: &[u8]) -> Result<Vec<u8>, String> {
    let mut body = ciphertext.to_vec();
    let content = opener
        .open_at(header, &mut body)
        .map_err(|error| format!("a recorded frame: {error}"))?;
    Ok(body[content].to_vec())
}
