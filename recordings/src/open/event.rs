//! What a record says once it is opened.

use fernsicht_protocol::content::{
    AgentNotice, Beacon, Cause, ConsoleNotice, Input, InputAck, PeerHeads, PictureAck, Pointer,
};
use fernsicht_protocol::frame::{Class, Direction, Header};
use fernsicht_protocol::messages::End;
use fernsicht_protocol::wire::Wire;

use crate::finding::{Fault, Refusal};
use crate::format::Body;

/// A record, opened. What shows the screen is borrowed; replay decodes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'s> {
    /// A recorded epoch begins.
    Opening {
        /// n.
        epoch: u32,
    },
    /// The technician signed the epoch.
    EpochSigned {
        /// n.
        epoch: u32,
    },
    /// The rights changed; the new ones stand in the header.
    Rights {
        /// The frame's header.
        header: Header,
        /// Why.
        cause: Cause,
    },
    /// The technician's hand. Whether it acted: [`crate::outcome`].
    Input {
        /// The frame's header.
        header: Header,
        /// What.
        input: Input,
    },
    /// The agent decided input.
    InputAck {
        /// The frame's header.
        header: Header,
        /// What.
        ack: InputAck,
    },
    /// The console drew a picture.
    PictureAck {
        /// The frame's header.
        header: Header,
        /// Which, and how the picture then was.
        ack: PictureAck,
    },
    /// An end signed what it sent and received.
    Heads {
        /// The frame's header.
        header: Header,
        /// What.
        heads: PeerHeads,
    },
    /// A notice of the agent's.
    AgentNotice {
        /// The frame's header.
        header: Header,
        /// What.
        notice: AgentNotice,
    },
    /// A notice of the console's.
    ConsoleNotice {
        /// The frame's header.
        header: Header,
        /// What.
        notice: ConsoleNotice,
    },
    /// File contents.
    Transfer {
        /// The frame's header.
        header: Header,
        /// As they travelled.
        content: &'s [u8],
    },
    /// A sign of life under control.
    Beacon {
        /// The frame's header.
        header: Header,
        /// Which.
        beacon: Beacon,
    },
    /// The pointer moved.
    Pointer {
        /// The frame's header.
        header: Header,
        /// Where to.
        pointer: Pointer,
    },
    /// A picture update or a refinement, as the header's class says.
    Picture {
        /// The frame's header.
        header: Header,
        /// An encoded [`fernsicht_protocol::picture::Update`].
        update: &'s [u8],
    },
    /// The relay withheld a frame.
    Tombstone {
        /// The frame's header.
        header: Header,
    },
    /// A frame was not delivered whole.
    Dropped {
        /// The frame's header.
        header: Header,
    },
    /// The relay signed.
    Checkpoint {
        /// How many bytes.
        length: u64,
    },
    /// The recorder had failed.
    Gap {
        /// In hundredths of a second since 1970 UTC.
        from: u64,
        /// In hundredths of a second since 1970 UTC.
        to: u64,
    },
    /// The recording is over.
    End {
        /// Why; none if it was interrupted.
        reason: Option<End>,
    },
    /// A frame that does not open, or whose content is none.
    Unreadable {
        /// The frame's header.
        header: Header,
        /// Why.
        why: Unreadable,
    },
}

/// Why a frame's content cannot be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// Its epoch did not open.
    Epoch(Refusal),
    /// The frame itself.
    Frame(Fault),
}

impl<'s> Event<'s> {
    /// What a frame says.
    pub(super) fn of_frame(header: Header, content: &'s [u8]) -> Result<Self, Fault> {
        let wrong = Fault::Content;
        Ok(match (header.class, header.direction) {
            (Class::Rights, _) => Self::Rights {
                header,
                cause: Cause::from_bytes(content).map_err(wrong)?,
            },
            (Class::Input, _) => Self::Input {
                header,
                input: Input::from_bytes(content).map_err(wrong)?,
            },
            (Class::Acks, Direction::AgentToConsole) => Self::InputAck {
                header,
                ack: InputAck::from_bytes(content).map_err(wrong)?,
            },
            (Class::Acks, Direction::ConsoleToAgent) => Self::PictureAck {
                header,
                ack: PictureAck::from_bytes(content).map_err(wrong)?,
            },
            (Class::Heads, _) => Self::Heads {
                header,
                heads: PeerHeads::from_bytes(content).map_err(wrong)?,
            },
            (Class::Notices, Direction::AgentToConsole) => Self::AgentNotice {
                header,
                notice: AgentNotice::from_bytes(content).map_err(wrong)?,
            },
            (Class::Notices, Direction::ConsoleToAgent) => Self::ConsoleNotice {
                header,
                notice: ConsoleNotice::from_bytes(content).map_err(wrong)?,
            },
            (Class::Transfer, _) => Self::Transfer { header, content },
            (Class::Beacon, _) => Self::Beacon {
                header,
                beacon: Beacon::from_bytes(content).map_err(wrong)?,
            },
            (Class::Pointer, _) => Self::Pointer {
                header,
                pointer: Pointer::from_bytes(content).map_err(wrong)?,
            },
            (Class::Picture | Class::Refinement, _) => Self::Picture {
                header,
                update: content,
            },
        })
    }

    /// What a record says that is no frame.
    pub(super) fn of_clear(body: &Body<'_>) -> Option<Event<'static>> {
        Some(match body {
            Body::Opening(opening) => Event::Opening {
                epoch: opening.epoch,
            },
            Body::EpochSignature { epoch, .. } => Event::EpochSigned { epoch: *epoch },
            Body::Frame { .. } => return None,
            Body::Tombstone { header, .. } => Event::Tombstone { header: *header },
            Body::Dropped { header, .. } => Event::Dropped { header: *header },
            Body::Checkpoint(signed) => Event::Checkpoint {
                length: signed.checkpoint.length,
            },
            Body::Gap { from, to } => Event::Gap {
                from: *from,
                to: *to,
            },
            Body::End { reason } => Event::End {
                reason: reason.clone(),
            },
        })
    }
}
