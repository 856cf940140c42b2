//! What sealed frames carry once opened: input, acks, notices, pointer (docs/protocol.md §6).
//!
//! Picture updates have a module of their own ([`crate::picture`]).
//! Not here: whether an event may act; that is the guard's ([`crate::guard`]).

use crate::frame::Direction;
use crate::heads::HeadList;
use crate::transfer;
use crate::wire::{Error, List, Reader, Text, Wire, wire_enum, wire_struct};

wire_enum! {
    /// Why the rights changed; the plaintext of class 0.
    pub enum Cause {
        /// The customer granted or widened.
        0 => Granted,
        /// The customer switched sight or control off.
        1 => Narrowed,
        /// F11 or Stop.
        2 => Stopped,
        /// A question to the customer is open.
        3 => Question,
        /// The customer has answered the question.
        4 => Answered,
        /// The link to the relay or the technician was lost.
        5 => Lost,
        /// The recorder failed.
        6 => Recorder,
        /// Something on the customer's computer: window gone, screen gone, input impossible.
        7 => Computer,
        /// The session ends.
        8 => Ended,
        /// The first rights frame of an epoch.
        9 => Epoch,
    }
}

wire_enum! {
    /// A mouse button, as the technician's hand means it.
    pub enum Button {
        /// Left.
        0 => Left,
        /// Middle.
        1 => Middle,
        /// Right.
        2 => Right,
        /// Back.
        3 => Back,
        /// Forward.
        4 => Forward,
    }
}

wire_enum! {
    /// One act of the technician's hand. Positions are pixels of the shared area,
    /// from its upper left corner.
    pub enum InputEvent {
        /// The pointer moves.
        0 => Move {
            /// Pixels from the left.
            x: u16,
            /// Pixels from the top.
            y: u16,
        },
        /// A button goes down or up.
        1 => Button {
            /// Which.
            button: Button,
            /// True for down.
            down: bool,
            /// Pixels from the left.
            x: u16,
            /// Pixels from the top.
            y: u16,
        },
        /// The wheel turns by whole notches, positive right and down, each at most 32.
        2 => Scroll {
            /// Notches to the right.
            dx: i16,
            /// Notches down.
            dy: i16,
            /// Pixels from the left.
            x: u16,
            /// Pixels from the top.
            y: u16,
        },
        /// A key that is not plain text, by X11 keysym: modifiers, arrows, function keys, shortcuts. Down again while it is
        /// held is one repeat; the customer's system repeats nothing by itself.
        3 => Key {
            /// The X11 keysym.
            keysym: u32,
            /// True for down.
            down: bool,
        },
        /// Printable text, typed character by character.
        4 => Text {
            /// At most 256 bytes without control characters.
            text: Text<256>,
        },
        /// Everything that is held goes up (the technician's window lost the focus).
        5 => ReleaseAll,
    }
}

wire_struct! {
    /// The plaintext of class 1.
    pub struct Input {
        /// The newest beacon number that the console has opened.
        pub beacon: u64,
        /// Generation of the layout ([`AgentNotice::Layout`]) of the picture that the technician had
        /// before him; 0 if there was none. Positions on another one mean nothing.
        pub layout: u32,
        /// What the technician did.
        pub event: InputEvent,
    }
}

wire_enum! {
    /// Why the agent dropped input.
    pub enum DropReason {
        /// An old grant, epoch or beacon.
        0 => Stale,
        /// Control was not granted.
        1 => NotGranted,
        /// The customer used mouse or keyboard.
        2 => CustomerActive,
        /// It aimed at the agent's own windows.
        3 => OwnWindow,
        /// F11 is never injected.
        4 => StopKey,
        /// The system refused it.
        5 => Refused,
    }
}

wire_struct! {
    /// A range of input numbers that were dropped, both ends included.
    pub struct Dropped {
        /// First number.
        pub from: u64,
        /// Last number.
        pub to: u64,
        /// Why.
        pub reason: DropReason,
    }
}

wire_struct! {
    /// Class 2 from the agent: what became of the input.
    pub struct InputAck {
        /// Every input number up to this one has been decided.
        pub decided: u64,
        /// Those among the newly decided ones that were dropped; the others were injected.
        pub dropped: List<Dropped, 64>,
    }
}

/// The most updates that are shown before their turn.
pub const MOST_AHEAD: usize = 64;

/// Class 2 from the console: what is on the technician's screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureAck {
    /// Sequence of the newest update drawn in sequence; all before it are drawn too.
    pub sequence: u64,
    /// Running digest of the picture after that update.
    pub digest: u64,
    /// Sequences of the updates that are shown over it before their turn; rising, and beyond `sequence`.
    pub ahead: List<u64, MOST_AHEAD>,
    /// Microseconds from the arrival of the last part of that picture until this was said: what the console took, and
    /// not the line.
    pub held_us: u32,
}

impl Wire for PictureAck {
    fn write(&self, out: &mut Vec<u8>) {
        self.sequence.write(out);
        self.digest.write(out);
        self.ahead.write(out);
        self.held_us.write(out);
    }
    fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
        let ack = Self {
            sequence: u64::read(input)?,
            digest: u64::read(input)?,
            ahead: List::read(input)?,
            held_us: u32::read(input)?,
        };
        let beyond = ack.ahead.0.first().is_none_or(|a| *a > ack.sequence);
        match beyond && ack.ahead.0.is_sorted_by(|a, b| a < b) {
            true => Ok(ack),
            false => Err(Error::OutOfRange("an update before its turn")),
        }
    }
}

wire_struct! {
    /// One of the customer's screens, in pixels of the desktop.
    pub struct Screen {
        /// Number shown to the customer, from 1.
        pub number: u8,
        /// Left edge.
        pub x: i16,
        /// Upper edge.
        pub y: i16,
        /// Width.
        pub width: u16,
        /// Height.
        pub height: u16,
    }
}

wire_struct! {
    /// A part of the shared area, in pixels from its upper left corner.
    pub struct Place {
        /// Left edge.
        pub x: u16,
        /// Upper edge.
        pub y: u16,
        /// Width.
        pub width: u16,
        /// Height.
        pub height: u16,
    }
}

wire_enum! {
    /// A word of the chat, either way ([`crate::chat`]). Each side numbers its lines from 1, rising over the
    /// whole session; a number that is not greater than one that came before is a repetition.
    pub enum Chat {
        /// A line.
        0 => Line {
            /// Its writer's number.
            number: u32,
            /// At most 500 characters count.
            text: Text<2000>,
        },
        /// The other side's line of this number stands where it can be read.
        1 => Shown {
            /// The line's number.
            number: u32,
        },
        /// The other side's lines of these numbers are not shown, and will not be.
        2 => Refused {
            /// First number.
            from: u32,
            /// Last number.
            to: u32,
        },
    }
}

wire_enum! {
    /// Class 4 from the agent.
    pub enum AgentNotice {
        /// The shared area changed.
        0 => Layout {
            /// Rises with every change, from 1.
            generation: u32,
            /// Width of the shared area in pixels.
            width: u16,
            /// Height of the shared area in pixels.
            height: u16,
            /// The screens that are shown, relative to its upper left corner. Between them it is black,
            /// and positions there mean nothing.
            screens: List<Screen, 16>,
        },
        /// The customer uses mouse or keyboard: remote input is dropped meanwhile.
        1 => CustomerActive {
            /// True while it lasts.
            active: bool,
        },
        /// The texts that the customer read and agreed to.
        2 => TextVersion {
            /// First 8 bytes of SHA-256 of the texts file.
            version: [u8; 8],
            /// `de` or `en`.
            language: Text<8>,
        },
        /// The customer writes, or answers for a line of the technician's.
        3 => Chat {
            /// What.
            chat: Chat,
        },
        /// Where the agent's own windows lie in the picture: input that aims there is dropped.
        4 => OwnArea {
            /// Generation of the layout that the places are meant on.
            layout: u32,
            /// All of them; none lies in the picture if there are none.
            places: List<Place, 8>,
        },
        /// What became of a text for the clipboard or a file: the fact that a recording keeps in place of the content.
        5 => Transfer {
            /// Which piece.
            id: u32,
            /// Which way it goes.
            direction: Direction,
            /// What it is.
            kind: transfer::Kind,
            /// The file's harmless name; empty for a text.
            name: Text<{ transfer::LONGEST_NAME }>,
            /// Its bytes.
            size: u64,
            /// What became of it.
            outcome: transfer::Outcome,
        },
        /// The customer's computer asks what only a person can answer: input does not arrive there.
        6 => Protected {
            /// True while it lasts, under this grant.
            protected: bool,
        },
    }
}

wire_enum! {
    /// Class 4 from the console.
    pub enum ConsoleNotice {
        /// The console cannot draw an update: it asks for a complete picture.
        0 => PictureWanted,
        /// What the relay states of the recording is not what happened at the console: control must end.
        1 => RecordingMismatch,
        /// "Look here": the technician points while he may only look. Nothing is injected; the guard decides
        /// whether it is shown.
        2 => Point {
            /// Pixels from the left of the shared area.
            x: u16,
            /// Pixels from the top.
            y: u16,
            /// True for a click: the sign is shown more strongly.
            press: bool,
        },
        /// The technician writes, or answers for a line of the customer's. It grants nothing.
        3 => Chat {
            /// What.
            chat: Chat,
        },
    }
}

wire_struct! {
    /// Class 3: what this end sent and received in order, by its own count.
    pub struct PeerHeads {
        /// The current epoch's.
        pub heads: HeadList,
        /// The final ones of the epoch before, in the first such frame of an epoch; empty later.
        pub previous: HeadList,
        /// By agent_pk or the technician's key over [`crate::heads::to_sign`], label `heads`.
        pub signature: [u8; 64],
    }
}

wire_struct! {
    /// Class 6.
    pub struct Beacon {
        /// Number of the beacon, from 1, rising over the whole session.
        pub number: u64,
    }
}

/// The widest pointer shape, in pixels, either way.
pub const MAX_POINTER: u16 = 256;

/// A pointer shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointerShape {
    /// Width in pixels, 1 to 256.
    pub width: u16,
    /// Height in pixels, 1 to 256.
    pub height: u16,
    /// Hot spot from the left.
    pub hot_x: u16,
    /// Hot spot from the top.
    pub hot_y: u16,
    /// Premultiplied BGRA, row by row, `width * height * 4` bytes.
    pub bgra: Vec<u8>,
}

impl Wire for PointerShape {
    fn write(&self, out: &mut Vec<u8>) {
        self.width.write(out);
        self.height.write(out);
        self.hot_x.write(out);
        self.hot_y.write(out);
        out.extend_from_slice(&self.bgra);
    }
    fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
        let (width, height) = (u16::read(input)?, u16::read(input)?);
        let (hot_x, hot_y) = (u16::read(input)?, u16::read(input)?);
        if !(1..=MAX_POINTER).contains(&width) || !(1..=MAX_POINTER).contains(&height) {
            return Err(Error::OutOfRange("the pointer's size"));
        }
        if hot_x >= width || hot_y >= height {
            return Err(Error::OutOfRange("the pointer's hot spot"));
        }
        let bgra = input
            .take(usize::from(width) * usize::from(height) * 4)?
            .to_vec();
        Ok(Self {
            width,
            height,
            hot_x,
            hot_y,
            bgra,
        })
    }
}

wire_struct! {
    /// Class 7.
    pub struct Pointer {
        /// Rises with every pointer frame: an older one that arrives late is ignored.
        pub sequence: u64,
        /// False while the pointer is outside the shared area.
        pub visible: bool,
        /// Pixels from the left of the shared area.
        pub x: u16,
        /// Pixels from the top of the shared area.
        pub y: u16,
        /// A new shape, where it changed.
        pub shape: Option<PointerShape>,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_before_its_turn_comes_after_what_is_drawn_and_rises() {
        let ack = |sequence, ahead: &[u64]| PictureAck {
            sequence,
            digest: 5,
            ahead: List(ahead.to_vec()),
            held_us: 7,
        };
        let most: Vec<u64> = (1..=MOST_AHEAD as u64).collect();
        for sound in [
            ack(u64::MAX, &[]),
            ack(4, &[5]),
            ack(4, &[6, 9, u64::MAX]),
            ack(0, &most),
        ] {
            assert_eq!(PictureAck::from_bytes(&sound.to_bytes()), Ok(sound));
        }
        for wrong in [
            ack(4, &[4]),
            ack(4, &[3, 6]),
            ack(4, &[6, 6]),
            ack(4, &[7, 6]),
        ] {
            assert_eq!(
                PictureAck::from_bytes(&wrong.to_bytes()),
                Err(Error::OutOfRange("an update before its turn"))
            );
        }
        let mut longer = ack(0, &most).to_bytes();
        longer[19] += 1;
        longer.extend(u64::MAX.to_be_bytes());
        assert_eq!(
            PictureAck::from_bytes(&longer),
            Err(Error::TooLong {
                length: MOST_AHEAD + 1,
                cap: MOST_AHEAD
            })
        );
    }
}
