//! What the technician's hands did, and what became of it.
//!
//! The agent's acks decide: up to a number everything was injected but the ranges that it
//! names. What no ack decides is *undecided*: it may or may not have acted.
//! Of keys and text only their place is kept; they are opened again when they are asked for.

use fernsicht_protocol::content::{self, Button, DropReason, InputAck, InputEvent};
use fernsicht_protocol::frame::Header;
use fernsicht_protocol::wire::Wire as _;

use super::Time;

/// One input frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// When the relay forwarded it.
    pub time: Time,
    /// Its record.
    pub record: usize,
    /// Its epoch.
    pub epoch: u32,
    /// Its number in the epoch.
    pub number: u64,
    /// What was done.
    pub what: What,
    /// What became of it.
    pub outcome: Outcome,
}

/// What was done, without what was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The pointer moved there.
    Move(u16, u16),
    /// A button.
    Button {
        /// Which.
        button: Button,
        /// True for down.
        down: bool,
        /// Pixels from the left.
        x: u16,
        /// Pixels from the top.
        y: u16,
    },
    /// The wheel.
    Scroll,
    /// A key that is no text.
    Key {
        /// True for down.
        down: bool,
    },
    /// Text of so many characters.
    Text {
        /// How many.
        characters: usize,
    },
    /// Everything went up.
    ReleaseAll,
    /// Not known: withheld, or not an input.
    Unknown,
}

/// What became of an input event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The agent injected it.
    Injected,
    /// The agent dropped it.
    Dropped(Reason),
    /// The relay did not forward it.
    Withheld,
    /// No ack says.
    Undecided,
}

/// Why the agent dropped it; as [`DropReason`], which is not `Copy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// An old grant, epoch or beacon.
    Stale,
    /// Control was not granted.
    NotGranted,
    /// The customer used mouse or keyboard.
    CustomerActive,
    /// It aimed at the agent's own windows.
    OwnWindow,
    /// F11 is never injected.
    StopKey,
    /// The system refused it.
    Refused,
}

/// How many of which outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Injected.
    pub injected: u64,
    /// Dropped by the agent.
    pub dropped: u64,
    /// Not forwarded.
    pub withheld: u64,
    /// Not known.
    pub undecided: u64,
}

/// What belongs together in the list: a run of typing, a way of the pointer, a click.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// What.
    pub kind: Doing,
    /// When it began.
    pub from: Time,
    /// When it ended.
    pub to: Time,
    /// Its events: the first, and one past the last.
    pub events: (usize, usize),
    /// What became of them.
    pub tally: Tally,
}

/// What an act is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doing {
    /// Keys and text.
    Typed {
        /// Characters of text.
        characters: usize,
        /// Other keys that went down.
        keys: usize,
    },
    /// The pointer moved.
    Moved,
    /// A button was pressed.
    Pressed {
        /// Which.
        button: Button,
        /// How often.
        times: usize,
        /// Where first: pixels from the left.
        x: u16,
        /// Pixels from the top.
        y: u16,
    },
    /// The wheel turned.
    Scrolled,
    /// Everything went up.
    Released,
    /// Not known.
    Unknown,
}

/// All input.
#[derive(Debug, Default)]
pub struct Inputs {
    events: Vec<Input>,
    acts: Vec<Act>,
}

impl Input {
    /// One that the relay did not forward.
    pub(super) fn withheld(time: Time, record: usize, header: &Header) -> Self {
        Self {
            time,
            record,
            epoch: header.epoch,
            number: header.number,
            what: What::Unknown,
            outcome: Outcome::Withheld,
        }
    }

    /// One that was forwarded.
    pub(super) fn read(time: Time, record: usize, header: &Header, content: &[u8]) -> Self {
        let event = content::Input::from_bytes(content).map(|input| input.event);
        Self {
            what: event.map_or(What::Unknown, |event| what(&event)),
            outcome: Outcome::Undecided,
            ..Self::withheld(time, record, header)
        }
    }

    pub(super) fn known(&self) -> bool {
        self.what != What::Unknown
    }
}

impl Inputs {
    /// Every event, in order.
    pub fn events(&self) -> &[Input] {
        &self.events
    }

    /// What belongs together, in order.
    pub fn acts(&self) -> &[Act] {
        &self.acts
    }

    /// What became of all of it.
    pub fn tally(&self) -> Tally {
        tally(&self.events)
    }

    pub(super) fn push(&mut self, input: Input) {
        self.events.push(input);
    }

    pub(super) fn handle_ack(&mut self, epoch: u32, ack: &InputAck) {
        // Inputs of an epoch stand together and their numbers rise.
        let start = self.events.partition_point(|i| i.epoch < epoch);
        for input in self.events[start..]
            .iter_mut()
            .rev()
            .skip_while(|i| i.epoch > epoch || i.number > ack.decided)
            .take_while(|i| i.outcome == Outcome::Undecided || i.outcome == Outcome::Withheld)
            .filter(|i| i.outcome == Outcome::Undecided)
        {
            let range = ack
                .dropped
                .0
                .iter()
                .find(|r| (r.from..=r.to).contains(&input.number));
            input.outcome =
                range.map_or(Outcome::Injected, |r| Outcome::Dropped((&r.reason).into()));
        }
    }

    pub(super) fn finish(&mut self) {
        let mut acts: Vec<Act> = Vec::new();
        for (at, input) in self.events.iter().enumerate() {
            let joined = acts.last_mut().is_some_and(|act| act.join(at, input));
            if !joined {
                acts.push(Act {
                    kind: Doing::of(&input.what),
                    from: input.time,
                    to: input.time,
                    events: (at, at + 1),
                    tally: Tally::default(),
                });
            }
        }
        for act in &mut acts {
            act.tally = tally(&self.events[act.events.0..act.events.1]);
        }
        self.acts = acts;
    }
}

impl Act {
    /// Takes one more event, if it belongs here.
    fn join(&mut self, at: usize, input: &Input) -> bool {
        if input.time.saturating_sub(self.to) > PAUSE {
            return false;
        }
        let joins = match (&mut self.kind, &input.what) {
            (Doing::Typed { characters, .. }, What::Text { characters: more }) => {
                *characters += more;
                true
            }
            (Doing::Typed { keys, .. }, What::Key { down }) => {
                *keys += usize::from(*down);
                true
            }
            (Doing::Moved, What::Move(..))
            | (Doing::Scrolled, What::Scroll)
            | (Doing::Released, What::ReleaseAll)
            | (Doing::Unknown, What::Unknown) => true,
            (
                Doing::Pressed { button, times, .. },
                What::Button {
                    button: b, down, ..
                },
            ) => {
                let same = button == b;
                *times += usize::from(same && *down);
                same
            }
            (
                Doing::Typed { .. }
                | Doing::Moved
                | Doing::Pressed { .. }
                | Doing::Scrolled
                | Doing::Released
                | Doing::Unknown,
                _,
            ) => false,
        };
        if joins {
            self.to = input.time;
            self.events.1 = at + 1;
        }
        joins
    }

    /// True if something was typed.
    pub fn typed(&self) -> bool {
        matches!(self.kind, Doing::Typed { .. })
    }
}

impl Doing {
    fn of(what: &What) -> Self {
        match what {
            What::Move(..) => Self::Moved,
            What::Button {
                button, down, x, y, ..
            } => Self::Pressed {
                button: button.clone(),
                times: usize::from(*down),
                x: *x,
                y: *y,
            },
            What::Scroll => Self::Scrolled,
            What::Key { down } => Self::Typed {
                characters: 0,
                keys: usize::from(*down),
            },
            What::Text { characters } => Self::Typed {
                characters: *characters,
                keys: 0,
            },
            What::ReleaseAll => Self::Released,
            What::Unknown => Self::Unknown,
        }
    }
}

impl Tally {
    /// All together.
    pub fn all(&self) -> u64 {
        self.injected + self.dropped + self.withheld + self.undecided
    }
}

impl From<&DropReason> for Reason {
    fn from(reason: &DropReason) -> Self {
        match reason {
            DropReason::Stale => Self::Stale,
            DropReason::NotGranted => Self::NotGranted,
            DropReason::CustomerActive => Self::CustomerActive,
            DropReason::OwnWindow => Self::OwnWindow,
            DropReason::StopKey => Self::StopKey,
            DropReason::Refused => Self::Refused,
        }
    }
}

/// The characters or the key's name of an input's content; none if it typed nothing.
pub(in crate::audit) fn typed(content: &[u8]) -> Option<String> {
    match content::Input::from_bytes(content).ok()?.event {
        InputEvent::Text { text } => Some(text.as_str().to_owned()),
        InputEvent::Key { keysym, down: true } => {
            let name = xkeysym::Keysym::new(keysym).name();
            let name = name.map(|n| n.trim_start_matches("XK_").to_owned());
            Some(format!(
                "[{}]",
                name.unwrap_or_else(|| format!("{keysym:#x}"))
            ))
        }
        InputEvent::Key { .. }
        | InputEvent::Move { .. }
        | InputEvent::Button { .. }
        | InputEvent::Scroll { .. }
        | InputEvent::ReleaseAll => None,
    }
}

fn what(event: &InputEvent) -> What {
    match event {
        InputEvent::Move { x, y } => What::Move(*x, *y),
        InputEvent::Button { button, down, x, y } => What::Button {
            button: button.clone(),
            down: *down,
            x: *x,
            y: *y,
        },
        InputEvent::Scroll { .. } => What::Scroll,
        InputEvent::Key { down, .. } => What::Key { down: *down },
        InputEvent::Text { text } => What::Text {
            characters: text.as_str().chars().count(),
        },
        InputEvent::ReleaseAll => What::ReleaseAll,
    }
}

fn tally(events: &[Input]) -> Tally {
    let mut tally = Tally::default();
    for input in events {
        let count = match input.outcome {
            Outcome::Injected => &mut tally.injected,
            Outcome::Dropped(_) => &mut tally.dropped,
            Outcome::Withheld => &mut tally.withheld,
            Outcome::Undecided => &mut tally.undecided,
        };
        *count += 1;
    }
    tally
}

/// A longer pause begins another act.
const PAUSE: Time = 200;
