//! Connections: one queue for each stream and direction. The head of any queue may arrive next, so each is
//! delayed against the others by as much as the schedule wants; frames with a stream of their own arrive in any order.

use std::any::Any;
use std::collections::VecDeque;

use fernsicht_protocol::frame::{Class, Frame};
use fernsicht_protocol::messages::{AgentToRelay, ConsoleToRelay, RelayToAgent, RelayToConsole};
use fernsicht_protocol::router::{ConnectionId, Side};
use fernsicht_protocol::unit::Record;

/// Something on a message stream.
#[derive(Debug)]
pub(super) enum Mail {
    FromAgent(AgentToRelay),
    FromConsole(ConsoleToRelay),
    ToAgent(RelayToAgent),
    ToConsole(RelayToConsole),
    /// Nothing comes behind it: the connection ends.
    Close,
}

/// A frame with a stream of its own.
pub(super) struct Single {
    pub(super) frame: Frame,
    /// The sender's counter of cancellations when it was sealed.
    pub(super) cancels: u64,
    /// Given back to the sender when it is delivered or lost.
    pub(super) _flight: Option<Box<dyn Any + Send>>,
}

/// One direction of a connection.
#[derive(Default)]
pub(super) struct Way {
    pub(super) messages: VecDeque<Mail>,
    pub(super) records: [VecDeque<Record>; 6],
    pub(super) singles: Vec<Single>,
}

/// One connection.
pub(super) struct Line {
    pub(super) id: ConnectionId,
    pub(super) side: Side,
    pub(super) up: Way,
    pub(super) down: Way,
    /// The client has not noticed its end.
    pub(super) client: bool,
    /// The relay has not noticed its end.
    pub(super) relay: bool,
}

/// All connections.
#[derive(Default)]
pub(super) struct Network {
    lines: Vec<Line>,
    next: u64,
}

/// What can happen on the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// A message.
    Message { line: usize, up: bool },
    /// A record of an in-order stream.
    Record { line: usize, up: bool, class: usize },
    /// A frame with a stream of its own.
    Single { line: usize, up: bool, at: usize },
    /// The relay finds out that a client is gone.
    Gone { line: usize },
}

impl Network {
    /// A new connection.
    pub(super) fn connect(&mut self, side: Side) -> ConnectionId {
        let id = ConnectionId(self.next);
        self.next += 1;
        self.lines.push(Line {
            id,
            side,
            up: Way::default(),
            down: Way::default(),
            client: true,
            relay: true,
        });
        id
    }

    pub(super) fn line(&mut self, id: ConnectionId) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.id == id)
    }

    /// The newest connection of a side.
    pub(super) fn newest(&self, side: Side) -> Option<ConnectionId> {
        let of_side = self.lines.iter().filter(|line| line.side == side);
        of_side.map(|line| line.id).max()
    }

    /// Which connection this is.
    pub(super) fn id(&self, index: usize) -> ConnectionId {
        self.lines[index].id
    }

    pub(super) fn at(&mut self, index: usize) -> &mut Line {
        &mut self.lines[index]
    }

    /// The client is gone; what it has sent may still arrive.
    pub(super) fn client_gone(&mut self, id: ConnectionId) {
        if let Some(line) = self.line(id) {
            line.client = false;
            line.down = Way::default();
        }
        self.tidy();
    }

    /// The relay is gone or has closed; what it has sent may still arrive, then the end.
    pub(super) fn relay_gone(&mut self, id: ConnectionId) {
        if let Some(line) = self.line(id) {
            line.relay = false;
            line.up = Way::default();
            line.down.messages.push_back(Mail::Close);
        }
        self.tidy();
    }

    fn tidy(&mut self) {
        self.lines.retain(|line| line.client || line.relay);
    }

    /// Everything that may arrive next.
    pub(super) fn arrivals(&self, out: &mut Vec<Arrival>) {
        for (at, line) in self.lines.iter().enumerate() {
            if line.relay {
                if !line.client {
                    out.push(Arrival::Gone { line: at });
                }
                line.up.arrivals(at, true, out);
            }
            if line.client {
                line.down.arrivals(at, false, out);
            }
        }
    }

    /// Frames that their sender has cancelled meanwhile are reset; of those that have arrived whole, the
    /// reset comes too late. Which these are, the numbers' parity says.
    pub(super) fn cancel(&mut self, id: ConnectionId, cancels: u64) {
        if let Some(line) = self.line(id) {
            let late = |single: &Single| single.frame.header.number.is_multiple_of(2);
            line.up
                .singles
                .retain(|single| single.cancels >= cancels || late(single));
        }
    }

    /// The relay resets what it has forwarded to `id`, where it has not arrived.
    pub(super) fn cut(&mut self, id: ConnectionId, cut: impl Fn(Class) -> bool) {
        if let Some(line) = self.line(id) {
            let late = |single: &Single| single.frame.header.number.is_multiple_of(2);
            line.down
                .singles
                .retain(|single| !cut(single.frame.header.class) || late(single));
        }
    }
}

impl Way {
    fn arrivals(&self, line: usize, up: bool, out: &mut Vec<Arrival>) {
        if !self.messages.is_empty() {
            out.push(Arrival::Message { line, up });
        }
        for (class, records) in self.records.iter().enumerate() {
            if !records.is_empty() {
                out.push(Arrival::Record { line, up, class });
            }
        }
        // Any of them; the oldest four are choice enough.
        for at in 0..self.singles.len().min(4) {
            out.push(Arrival::Single { line, up, at });
        }
    }

    pub(super) fn send_record(&mut self, record: Record) {
        let class = record.header().class as usize;
        self.records[class].push_back(record);
    }
}
