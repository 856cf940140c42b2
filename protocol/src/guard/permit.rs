//! The proofs that the guard takes and gives.
//!
//! ```text
//! agent's hand module ── CustomerAct ──► Guard ── ViewPermit ────► capture
//!                                              ├─ ControlPermit ─► injection
//!                                              └─ TransferPermit ► disk, clipboard
//! ```
//!
//! Permits borrow the guard: while one lives nothing can change the rights, and a change
//! of rights cannot happen while one lives. They are neither `Clone` nor `Copy`, and
//! nothing outside this module's parent makes one.
//!
//! Not here: when a permit is given ([`super::Guard`]).

use std::marker::PhantomData;

use super::Guard;
use crate::content::InputEvent;
use crate::rights::Rights;

/// One act of the customer's own hand on one button: what every granting method of the
/// guard uses up.
///
/// It cannot be copied, so that one act grants one thing:
///
/// ```compile_fail,E0382
/// use fernsicht_protocol::guard::{CustomerAct, Guard};
/// let now = std::time::Instant::now();
/// let (mut guard, act) = (Guard::new(), CustomerAct::attest());
/// let _ = guard.view_on(now, act);
/// let _ = guard.control_on(now, act); // used up
/// ```
#[derive(Debug)]
#[must_use = "an act that grants nothing is lost"]
pub struct CustomerAct(());

impl CustomerAct {
    /// States that the customer has just pressed the button in question with his own
    /// hand, and that the button was visible, unmoved and uncovered for a second.
    ///
    /// Only the agent's hand module calls this, after it has checked the source device of
    /// the event. Calls elsewhere are found by `protocol/tests/hand.rs`.
    pub fn attest() -> Self {
        Self(())
    }
}

/// Permission to read the screen once, and to seal what was read.
///
/// Only the guard makes one:
///
/// ```compile_fail,E0451
/// let forged = fernsicht_protocol::guard::ViewPermit {
///     epoch: 1, grant: 1, rights: fernsicht_protocol::rights::Rights::View, guard: std::marker::PhantomData,
/// };
/// ```
///
/// None outlives a revocation: while it lives, the guard takes nothing, not even F11
/// (the agent captures under its lock, for about a millisecond):
///
/// ```compile_fail,E0499
/// use fernsicht_protocol::guard::Guard;
/// let now = std::time::Instant::now();
/// let mut guard = Guard::new();
/// let permit = guard.view_permit(now);
/// guard.handle_stop_key(now);
/// drop(permit); // still alive above
/// ```
///
/// It cannot be kept:
///
/// ```compile_fail,E0597
/// use fernsicht_protocol::guard::Guard;
/// let kept;
/// {
///     let mut guard = Guard::new();
///     kept = guard.view_permit(std::time::Instant::now());
/// }
/// drop(kept);
/// ```
///
/// nor copied:
///
/// ```compile_fail,E0277
/// fn copies<T: Clone>() {}
/// copies::<fernsicht_protocol::guard::ViewPermit<'static>>();
/// ```
#[derive(Debug)]
#[must_use = "a permit is for one capture"]
pub struct ViewPermit<'g> {
    epoch: u32,
    grant: u32,
    rights: Rights,
    guard: PhantomData<&'g mut Guard>,
}

impl ViewPermit<'_> {
    pub(super) fn new(epoch: u32, grant: u32, rights: Rights) -> Self {
        Self {
            epoch,
            grant,
            rights,
            guard: PhantomData,
        }
    }

    /// The epoch to seal under.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The grant in force. What was captured under one grant may not be sealed under
    /// another: compare before sealing.
    pub fn grant(&self) -> u32 {
        self.grant
    }

    /// The rights in force, for the frame's header.
    pub fn rights(&self) -> Rights {
        self.rights
    }
}

/// Permission to show once where the technician points: a sign on the customer's screen, nothing that acts.
///
/// Only the guard makes one, in [`Guard::handle_point`]; like the others it outlives no revocation:
///
/// ```compile_fail,E0499
/// use fernsicht_protocol::{frame::Header, guard::Guard};
/// fn late(guard: &mut Guard, header: &Header) {
///     let now = std::time::Instant::now();
///     let permit = guard.handle_point(now, header);
///     guard.handle_stop_key(now);
///     drop(permit); // still alive above
/// }
/// ```
#[derive(Debug)]
#[must_use = "a permit is for one sign"]
pub struct PointPermit<'g>(PhantomData<&'g mut Guard>);

impl PointPermit<'_> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

/// Permission for one step of one piece that the customer allowed: a chunk to the disk or from it, the file's
/// name, the text to the clipboard.
///
/// Only the guard makes one, in [`Guard::transfer_permit`]; like the others it outlives no revocation:
///
/// ```compile_fail,E0499
/// use fernsicht_protocol::guard::Guard;
/// fn late(guard: &mut Guard) {
///     let now = std::time::Instant::now();
///     let permit = guard.transfer_permit(now, 1);
///     guard.handle_stop_key(now);
///     drop(permit); // still alive above
/// }
/// ```
///
/// What is written after a revocation is what was taken under a permit before it: one chunk at most, under a temporary
/// name, which goes. So no disk holds up an F11.
#[derive(Debug)]
#[must_use = "a permit is for one step"]
pub struct TransferPermit<'g>(PhantomData<&'g mut Guard>);

impl TransferPermit<'_> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

/// Permission to inject one event: the one that it carries.
///
/// Only the guard makes one, in [`Guard::handle_input`]:
///
/// ```compile_fail,E0451
/// let event = fernsicht_protocol::content::InputEvent::ReleaseAll;
/// let forged = fernsicht_protocol::guard::ControlPermit {
///     grant: 1, event: &event, guard: std::marker::PhantomData,
/// };
/// ```
///
/// None outlives a revocation:
///
/// ```compile_fail,E0499
/// use fernsicht_protocol::{content::Input, frame::Header, guard::Guard};
/// fn late(guard: &mut Guard, header: &Header, input: &Input) {
///     let now = std::time::Instant::now();
///     let permit = guard.handle_input(now, header, input);
///     guard.handle_stop_key(now);
///     drop(permit); // still alive above
/// }
/// ```
///
/// and none is used twice:
///
/// ```compile_fail,E0382
/// use fernsicht_protocol::guard::ControlPermit;
/// fn inject(_: ControlPermit<'_>) {}
/// fn twice(permit: ControlPermit<'_>) {
///     inject(permit);
///     inject(permit);
/// }
/// ```
#[derive(Debug)]
#[must_use = "a permit is for one injection"]
pub struct ControlPermit<'g> {
    grant: u32,
    event: &'g InputEvent,
    guard: PhantomData<&'g mut Guard>,
}

impl<'g> ControlPermit<'g> {
    pub(super) fn new(grant: u32, event: &'g InputEvent) -> Self {
        Self {
            grant,
            event,
            guard: PhantomData,
        }
    }

    /// The grant in force.
    pub fn grant(&self) -> u32 {
        self.grant
    }

    /// The event that may be injected, and no other.
    pub fn event(&self) -> &'g InputEvent {
        self.event
    }
}
