//! What became of each event of the technician: decided once, and told to the console in
//! acknowledgements, which are recorded. In a recording every event that reached this computer is decided,
//! also those that a revocation, another epoch or the end has overtaken.

use fernsicht_protocol::content::{DropReason, Dropped, InputAck};
use fernsicht_protocol::frame::{Class, Header};
use fernsicht_protocol::wire::{List, Wire};

use super::core::Core;

/// How many decisions one acknowledgement may wait for.
const ACKNOWLEDGE_EVERY: u64 = 32;

/// The event that the injector is at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Acting {
    pub(super) header: Header,
    /// True once a part of it was injected: then it counts as injected, whatever becomes of the rest.
    pub(super) injected: bool,
}

/// What has been decided since the last acknowledgement, within one epoch.
#[derive(Debug, Default)]
pub(super) struct Decisions {
    epoch: u32,
    count: u64,
    newest: u64,
    dropped: Vec<Dropped>,
}

impl Decisions {
    /// True if something waits to be told.
    pub(super) fn waiting(&self) -> bool {
        self.count > 0
    }

    fn note(&mut self, header: &Header, outcome: Result<(), DropReason>) {
        let number = header.number;
        if header.epoch != self.epoch {
            // Numbers of an epoch that is over cannot be acknowledged any more.
            *self = Self {
                epoch: header.epoch,
                ..Self::default()
            };
        }
        self.count += 1;
        self.newest = number;
        let Err(reason) = outcome else { return };
        match self.dropped.last_mut() {
            Some(last) if last.reason == reason && last.to + 1 == number => last.to = number,
            _ => self.dropped.push(Dropped {
                from: number,
                to: number,
                reason,
            }),
        }
    }
}

impl Core {
    /// An event is decided; acknowledges where enough has come together.
    pub(super) fn decide(&mut self, header: &Header, outcome: Result<(), DropReason>) {
        self.decisions.note(header, outcome);
        if self.decisions.count >= ACKNOWLEDGE_EVERY {
            self.acknowledge();
        }
    }

    /// The injector has done with its event, unless an end has decided it meanwhile.
    pub(super) fn acted(&mut self, outcome: Result<(), DropReason>) {
        if let Some(Acting { header, injected }) = self.acting.take() {
            self.decide(&header, if injected { Ok(()) } else { outcome });
        }
    }

    /// An epoch or the session is over: everything that came is decided before its keys go.
    pub(super) fn decide_rest(&mut self) {
        self.acted(Err(DropReason::Stale));
        while let Some(queued) = self.input.pop_front() {
            self.decide(&queued.header, Err(DropReason::NotGranted));
        }
        self.acknowledge();
    }

    /// Tells what has been decided.
    pub(super) fn acknowledge(&mut self) {
        if !self.decisions.waiting() {
            return;
        }
        let dropped = List(std::mem::take(&mut self.decisions.dropped));
        self.decisions.count = 0;
        let epoch = self.keys.as_ref().map_or(0, super::epochs::Keys::epoch);
        if epoch == self.decisions.epoch {
            let ack = InputAck {
                decided: self.decisions.newest,
                dropped,
            };
            self.record(Class::Acks, &ack.to_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fernsicht_protocol::frame::Direction;
    use fernsicht_protocol::rights::Rights;

    fn header(epoch: u32, number: u64) -> Header {
        Header {
            epoch,
            direction: Direction::ConsoleToAgent,
            class: Class::Input,
            number,
            grant: 1,
            rights: Rights::Control,
            length: 80,
        }
    }

    #[test]
    fn neighbours_dropped_for_one_reason_are_one_range() {
        let mut decisions = Decisions::default();
        for (number, outcome) in [
            (0, Ok(())),
            (1, Err(DropReason::Stale)),
            (2, Err(DropReason::Stale)),
            (3, Err(DropReason::OwnWindow)),
            (4, Ok(())),
            (5, Err(DropReason::OwnWindow)),
        ] {
            decisions.note(&header(1, number), outcome);
        }
        let ranges: Vec<(u64, u64)> = decisions.dropped.iter().map(|d| (d.from, d.to)).collect();
        assert_eq!(ranges, [(1, 2), (3, 3), (5, 5)]);
        assert_eq!((decisions.newest, decisions.count), (5, 6));
        decisions.note(&header(2, 0), Ok(()));
        assert_eq!((decisions.newest, decisions.count), (0, 1));
        assert!(decisions.dropped.is_empty());
    }
}
