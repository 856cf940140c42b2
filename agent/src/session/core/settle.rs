//! After a change: the guard's outputs are carried out, and whom they concern is woken, before the lock is given back.
//!
//! ```text
//! act(core) ─► Guard::poll_output ─► rights, beacons, epochs, keys let go, frames cancelled ─► pages, threads, timers
//! ```
//!
//! Not here: what may happen (the guard's), and what is said of it ([`Core`]'s).

use std::sync::atomic::Ordering;
use std::time::Instant;

use fernsicht_protocol::content::{self, AgentNotice, Cause};
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::guard::Output;
use fernsicht_protocol::messages::AgentToRelay;
use fernsicht_protocol::wire::Wire;

use super::{Core, Outgoing, Shared};
use crate::session::chat::Chat;
use crate::session::flights::Flights;

impl Shared {
    /// Lets `act` change the core, then carries out what the guard wants done.
    pub(in crate::session) fn change<T>(&self, act: impl FnOnce(&mut Core) -> T) -> T {
        let mut core = self.lock();
        let result = act(&mut core);
        self.settle(&mut core);
        result
    }

    /// What the computer asks can be answered by a person only.
    pub(in crate::session) fn note_protected(&self) {
        let mut core = self.lock();
        if core.protected.replace(Instant::now()).is_none() {
            self.settle(&mut core);
        }
    }

    /// Carries out the guard's outputs and wakes everybody whom they concern.
    pub(in crate::session) fn settle(&self, core: &mut Core) {
        self.settle_outputs(core);
        core.tell_own_area();
        core.tell_protected();
        core.follow_question();
        self.publish(core);
        self.wake(core);
    }

    /// As [`Shared::settle`], but nobody is woken if the guard wants nothing done.
    pub(in crate::session) fn settle_quietly(&self, core: &mut Core) {
        if self.settle_outputs(core) {
            self.publish(core);
            self.wake(core);
        }
    }

    /// As [`Shared::settle`], but only the pictures are woken if the guard wants nothing done.
    pub(in crate::session) fn settle_for_pictures(&self, core: &mut Core) {
        if self.settle_outputs(core) {
            self.publish(core);
            self.wake(core);
        } else if let Some(waker) = core
            .wake_pictures
            .as_ref()
            .filter(|_| core.acknowledged.is_some())
        {
            waker.wake();
        }
    }

    /// As [`Shared::settle`], when the guard's time has come: a beacon alone concerns nobody here.
    pub(in crate::session) fn handle_timeout(&self, now: Instant) {
        let mut core = self.lock();
        core.guard.handle_timeout(now);
        match self.settle_outputs(&mut core) {
            true => self.settle(&mut core),
            false => self.publish(&core),
        }
    }

    /// True if there were any but beacons.
    fn settle_outputs(&self, core: &mut Core) -> bool {
        let mut any = false;
        while let Some(output) = core.guard.poll_output() {
            any |= !matches!(output, Output::Beacon { .. });
            match output {
                Output::ReleaseInput => {
                    self.release_held();
                    core.release = true;
                    core.releases += 1;
                }
                Output::CancelFrames => {
                    core.restart = true;
                    core.acknowledged = None;
                    self.cancels.send_modify(|count| *count += 1);
                }
                Output::SendRights {
                    epoch,
                    grant,
                    rights,
                    cause,
                } => {
                    core.seal_record(Class::Rights, epoch, grant, rights, &cause.to_bytes());
                    if fernsicht_protocol::transfer::ends(&cause, rights) {
                        core.end_unasked(Instant::now());
                    }
                    if cause == Cause::Epoch && core.guard.recorded() {
                        core.tell_text_version();
                        core.resume_piece();
                    }
                    if cause == Cause::Epoch {
                        core.repeat_chat();
                    }
                }
                Output::CancelTransfer { piece, reason } => {
                    core.cancel_transfer(Instant::now(), piece, reason);
                }
                Output::Card => core.draw_card(),
                Output::OpenEpoch { epoch, recorded } => core.open_epoch(epoch, recorded),
                Output::CustomerActive(active) => {
                    core.notice(&AgentNotice::CustomerActive { active });
                }
                // A late clock may end control behind a beacon that was due before: its grant is gone.
                Output::Beacon { .. } if !core.guard.rights().control() => {}
                Output::Beacon { number } => {
                    let beacon = content::Beacon { number }.to_bytes();
                    self.seal_single(core, Class::Beacon, &beacon);
                }
                Output::StateChanged => {}
                Output::SessionEnded(reason) => {
                    core.ended_at = i64::try_from(crate::session::pairing::seconds_since_1970())
                        .unwrap_or(i64::MAX);
                    core.card = None;
                    core.chat = Chat::default();
                    core.decide_rest();
                    core.send_heads();
                    core.send(Outgoing::Message(AgentToRelay::End { reason }));
                    // A recording's last checkpoint is awaited, and the receipt follows.
                    if !core.recorded() {
                        core.send(Outgoing::Close);
                    }
                }
            }
        }
        if any {
            core.note_allowed();
        }
        any
    }

    /// Held keys and buttons go up before anybody is told of a revocation. The injector may be
    /// giving spare keys out (10 ms at most); it gives them back only while nothing is held.
    fn release_held(&self) {
        if self.holding.swap(false, Ordering::AcqRel)
            && let Some(inject) = &mut *self.hands()
        {
            // A key that could not be released will be when the connection closes.
            inject.release_held().ok();
            self.holding.store(inject.holding(), Ordering::Release);
        }
    }

    /// Seals a frame of classes 6 to 9 under the rights in force and hands it to the link.
    /// False if there is no epoch to seal under, or if so much is under way already that the
    /// other side cannot be reading.
    pub(in crate::session) fn seal_single(
        &self,
        core: &mut Core,
        class: Class,
        content: &[u8],
    ) -> bool {
        if self.flights.full() {
            return false;
        }
        let (grant, rights) = (core.guard.grant(), core.guard.rights());
        let epoch = core.guard.epoch();
        let Some(frame) = core
            .keys
            .as_mut()
            .and_then(|keys| keys.seal(epoch, class, grant, rights, content))
        else {
            return false;
        };
        let cancels = *self.cancels.borrow();
        let flight = Flights::begin(&self.flights, frame.ciphertext.len());
        core.send(Outgoing::Single {
            frame,
            cancels,
            flight,
        });
        true
    }

    /// Shows the pages what has changed.
    fn publish(&self, core: &Core) {
        if self.view.is_closed() {
            // There are no pages.
            return;
        }
        let stage = crate::session::publish::stage(core, Instant::now());
        let changed = self.view.send_if_modified(|view| {
            let changed = view.stage != stage;
            if changed {
                view.stage = stage;
            }
            changed
        });
        if changed {
            (self.repaint)();
        }
    }

    fn wake(&self, core: &Core) {
        self.stirred.notify_all();
        self.rearm.notify_one();
        let over = !core.sees() || core.closing;
        if (over || core.restart || core.wanted || core.acknowledged.is_some())
            && let Some(waker) = &core.wake_pictures
        {
            waker.wake();
        }
        if (over || core.pointer_grant != core.guard.grant())
            && let Some(waker) = &core.wake_pointer
        {
            waker.wake();
        }
    }
}
