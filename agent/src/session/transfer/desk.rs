//! A session's core at a moment where texts, files and lines may come: for its tests and for fuzzing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fernsicht_protocol::attached::Configuration;
use fernsicht_protocol::messages::ControlOffer;
use fernsicht_protocol::wire::{List, Text};

use crate::session::core::{Before, Core, Shared};
use crate::view::Hand;

/// A session under control, at this moment. It has no keys: nothing is sealed.
pub(in crate::session) struct Desk {
    pub(in crate::session) shared: Arc<Shared>,
    pub(in crate::session) now: Instant,
}

impl Desk {
    pub(in crate::session) fn new() -> Self {
        let (shared, _no_pages) = Shared::new(Arc::new(configuration()), Arc::new(|| {}));
        let this = Self {
            shared,
            // Ahead of the real time, which the core reads where the guard wants something done.
            now: Instant::now() + Duration::from_secs(3_600),
        };
        this.begin();
        this
    }

    /// A session begins, and is recorded.
    pub(in crate::session) fn begin(&self) {
        let now = self.now;
        self.change(|core| {
            core.stage = Before::Paired;
            let guard = &mut core.guard;
            let act = || Hand::pressed(now).into_act();
            let offer = ControlOffer::Recorded { deletion: 1 };
            guard
                .handle_technician(now, offer, true)
                .expect("the first");
            guard.consent_control(now, act()).expect("it is offered");
            guard.card_done(now, act()).expect("it is shown");
            // Without keys there is no card to draw, and no epoch to seal.
            while guard.poll_output().is_some() {}
        });
        self.open(1);
        assert!(self.change(|core| core.guard.rights().control()));
    }

    /// The epoch of this number opens.
    pub(in crate::session) fn open(&self, epoch: u32) {
        let now = self.now;
        self.change(|core| {
            core.guard.handle_epoch_acknowledged(now, epoch);
            core.guard.handle_epoch_opened(now, epoch);
        });
    }

    pub(in crate::session) fn change<T>(&self, act: impl FnOnce(&mut Core) -> T) -> T {
        self.shared.change(act)
    }

    pub(in crate::session) fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.shared.handle_timeout(self.now);
    }
}

/// Says nothing that concerns a text or a file.
fn configuration() -> Configuration {
    Configuration {
        made: 0,
        operator: Text::default(),
        domain: Text::default(),
        relay_addresses: List::default(),
        relay_name: Text::default(),
        ca: [0; 32],
        address: Text::default(),
        complaints_office: Text::default(),
        privacy_contact: Text::default(),
        authority: Text::default(),
        legal_basis: Text::default(),
        language: Text::default(),
        auditors: List::default(),
    }
}
