//! The injector's thread: one decision of the guard per event, under the lock, and an
//! acknowledgement of what became of it.
//!
//! Text is injected character by character, each with a permit of its own: a revocation in the
//! middle of a sentence stops it there.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fernsicht_protocol::content::{DropReason, Input, InputEvent};
use fernsicht_protocol::frame::Header;
use fernsicht_protocol::guard::{ControlPermit, Fault};
use fernsicht_protocol::wire::Text;

use super::core::{Core, Queued, Shared};
use super::decisions::Acting;
use crate::platform::own::Desk;
use crate::platform::{self, Aftercare, Area, Inject, inject};

/// How often one piece is prepared before it is given up.
const MOST_PREPARATIONS: usize = 3;

/// What injects: [`Inject`], which says what each of these does.
pub(super) trait Hands: Send {
    fn prepare(&mut self, event: &InputEvent) -> Result<Option<Duration>, inject::Error>;
    fn inject(&mut self, permit: &ControlPermit<'_>, area: Area) -> Result<(), inject::Error>;
    fn holding(&self) -> bool;
    fn release_held(&mut self) -> Result<(), inject::Error>;
    fn ease(&mut self, now: Instant) -> Result<Option<Instant>, inject::Error>;
    fn give_back(&mut self) -> Result<Option<Duration>, inject::Error>;
}

impl Hands for Inject {
    fn prepare(&mut self, event: &InputEvent) -> Result<Option<Duration>, inject::Error> {
        Inject::prepare(self, event)
    }
    fn inject(&mut self, permit: &ControlPermit<'_>, area: Area) -> Result<(), inject::Error> {
        Inject::inject(self, permit, area)
    }
    fn holding(&self) -> bool {
        Inject::holding(self)
    }
    fn release_held(&mut self) -> Result<(), inject::Error> {
        Inject::release_held(self)
    }
    fn ease(&mut self, now: Instant) -> Result<Option<Instant>, inject::Error> {
        Inject::ease(self, now)
    }
    fn give_back(&mut self) -> Result<Option<Duration>, inject::Error> {
        Inject::give_back(self)
    }
}

/// Where the agent's own windows are: [`Desk`].
pub(super) trait Own {
    fn own_at(&self, x: i16, y: i16) -> Result<bool, platform::Error>;
    fn own_has_focus(&self) -> Result<bool, platform::Error>;
}

impl Own for Desk {
    fn own_at(&self, x: i16, y: i16) -> Result<bool, platform::Error> {
        Desk::own_at(self, x, y)
    }
    fn own_has_focus(&self) -> Result<bool, platform::Error> {
        Desk::own_has_focus(self)
    }
}

/// Runs until the program ends.
pub(super) fn run(shared: &Arc<Shared>, desk: &Desk) {
    let mut aftercare = None;
    loop {
        let mut core = shared.lock_politely();
        while core.input.is_empty() && !core.release && !core.closing {
            if core.decisions.waiting() {
                core.acknowledge();
                shared.settle_quietly(&mut core);
            }
            let rest = ease(shared, &mut core);
            // Easing may have failed, and everything is to be let go of.
            if core.release {
                break;
            }
            core = match rest {
                None => shared
                    .stirred
                    .wait(core)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(rest) => {
                    let waited = shared.stirred.wait_timeout(core, rest);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        if core.release || core.closing {
            core.release = false;
            let closing = core.closing;
            drop(core);
            release(shared);
            if closing {
                // Dropped last: everything has been let go of.
                return;
            }
            continue;
        }
        drop(core);
        // Whatever is pressed from here on somebody lets go of, even if this process is killed.
        if !cared_for(&mut aftercare) {
            shared.change(|core| {
                core.guard
                    .handle_computer_fault(Instant::now(), Fault::Input)
            });
        }
        serve(shared, desk, shared.lock_politely());
    }
}

/// Lets go of a key before the system repeats it. `Some`: so much later again.
fn ease(shared: &Shared, core: &mut Core) -> Option<Duration> {
    let mut hands = shared.hands();
    let inject = hands.as_mut()?;
    let now = Instant::now();
    let eased = inject.ease(now);
    shared.holding.store(inject.holding(), Ordering::Release);
    drop(hands);
    match eased {
        Ok(due) => due.map(|due| due.saturating_duration_since(now)),
        Err(_) => {
            core.guard.handle_computer_fault(now, Fault::Input);
            shared.settle_quietly(core);
            None
        }
    }
}

/// True if somebody will let go of what is held when this process dies.
fn cared_for(aftercare: &mut Option<Aftercare>) -> bool {
    if aftercare.as_mut().is_none_or(|child| !child.alive()) {
        *aftercare = None;
        *aftercare = Aftercare::start().ok();
    }
    aftercare.is_some()
}

/// Decides the oldest input, and injects it if the guard permits.
pub(super) fn serve(shared: &Shared, desk: &dyn Own, mut core: MutexGuard<'_, Core>) {
    let Some(queued) = core.input.pop_front() else {
        return;
    };
    core.acting = Some(Acting {
        header: queued.header,
        injected: false,
    });
    drop(core);
    shared.room.notify_one();
    let outcome = act(shared, desk, queued);
    let mut core = shared.lock_politely();
    core.acted(outcome);
    shared.settle_quietly(&mut core);
}

/// Everything that is held goes up; then spare keys are given back, waiting without any lock
/// where one was used just now. What could not be released will be when the connection closes.
pub(super) fn release(shared: &Shared) {
    if let Some(inject) = &mut *shared.hands() {
        inject.release_held().ok();
    }
    loop {
        let rest = shared.hands().as_mut().map(|inject| inject.give_back());
        match rest {
            Some(Ok(Some(rest))) => std::thread::sleep(rest),
            Some(Ok(None) | Err(_)) | None => return,
        }
    }
}

/// Injects one event, or says why not.
fn act(shared: &Shared, desk: &dyn Own, queued: Queued) -> Result<(), DropReason> {
    let Queued {
        header,
        input,
        releases,
    } = queued;
    let Some(input) = input else {
        return Err(DropReason::NotGranted);
    };
    for event in pieces(input.event) {
        let piece = Input {
            beacon: input.beacon,
            layout: input.layout,
            event,
        };
        let mut injected = Err(inject::Error::Unprepared);
        // The customer may change the layout in between: then it is prepared anew.
        for _ in 0..MOST_PREPARATIONS {
            prepare(shared, &header, &piece, releases)?;
            injected = inject_piece(shared, desk, &header, &piece, releases)?;
            if !matches!(injected, Err(inject::Error::Unprepared)) {
                break;
            }
        }
        injected.map_err(|error| reason(shared, &error))?;
    }
    Ok(())
}

/// One permit, one injection, under one lock. Err: dropped before anything was tried.
fn inject_piece(
    shared: &Shared,
    desk: &dyn Own,
    header: &Header,
    piece: &Input,
    releases: u64,
) -> Result<Result<(), inject::Error>, DropReason> {
    let mut core = shared.lock_politely();
    if core.releases != releases {
        return Err(DropReason::Stale);
    }
    let aim = core.aim(piece);
    let permit = core.guard.handle_input(Instant::now(), header, piece)?;
    let area = aim?;
    if aims_at_own(desk, &piece.event, area) {
        return Err(DropReason::OwnWindow);
    }
    let mut hands = shared.hands();
    let Some(inject) = &mut *hands else {
        return Err(DropReason::Refused);
    };
    let injected = inject.inject(&permit, area);
    drop(permit);
    if injected.is_ok()
        && let Some(acting) = &mut core.acting
    {
        acting.injected = true;
    }
    shared.holding.store(inject.holding(), Ordering::Release);
    Ok(injected)
}

/// Gives spare keys to what the layout lacks, waiting without any lock: nothing is pressed by
/// it. Only for input that the guard takes at this moment.
fn prepare(
    shared: &Shared,
    header: &Header,
    piece: &Input,
    releases: u64,
) -> Result<(), DropReason> {
    loop {
        let mut core = shared.lock_politely();
        if core.releases != releases {
            return Err(DropReason::Stale);
        }
        // Only asked: the injection takes a permit of its own.
        drop(core.guard.handle_input(Instant::now(), header, piece)?);
        drop(core);
        let prepared = shared
            .hands()
            .as_mut()
            .map(|inject| inject.prepare(&piece.event));
        match prepared {
            None | Some(Ok(None)) => return Ok(()),
            Some(Ok(Some(rest))) => std::thread::sleep(rest),
            Some(Err(error)) => return Err(reason(shared, &error)),
        }
    }
}

/// An event as the guard shall see it: text one character at a time.
fn pieces(event: InputEvent) -> VecDeque<InputEvent> {
    match event {
        InputEvent::Text { text } => text
            .as_str()
            .chars()
            .filter_map(|c| Text::new(c).ok())
            .map(|text| InputEvent::Text { text })
            .collect(),
        event @ (InputEvent::Move { .. }
        | InputEvent::Button { .. }
        | InputEvent::Scroll { .. }
        | InputEvent::Key { .. }
        | InputEvent::ReleaseAll) => VecDeque::from([event]),
    }
}

/// Remote clicks and keys never reach the agent's own windows. If nobody can tell, they count as aimed there.
fn aims_at_own(desk: &dyn Own, event: &InputEvent, area: Area) -> bool {
    match event {
        InputEvent::Button {
            x, y, down: true, ..
        }
        | InputEvent::Scroll { x, y, .. } => {
            let (x, y) = (
                area.x.saturating_add_unsigned(*x),
                area.y.saturating_add_unsigned(*y),
            );
            desk.own_at(x, y).unwrap_or(true)
        }
        InputEvent::Key { down: true, .. } | InputEvent::Text { .. } => {
            desk.own_has_focus().unwrap_or(true)
        }
        InputEvent::Move { .. }
        | InputEvent::Button { .. }
        | InputEvent::Key { .. }
        | InputEvent::ReleaseAll => false,
    }
}

fn reason(shared: &Shared, error: &inject::Error) -> DropReason {
    match error {
        inject::Error::StopKey => DropReason::StopKey,
        inject::Error::OutsideArea
        | inject::Error::NoSuchKey
        | inject::Error::NoSpareKey
        | inject::Error::Unprepared => DropReason::Refused,
        inject::Error::Protected => {
            shared.note_protected();
            DropReason::Refused
        }
        inject::Error::Refused(_) | inject::Error::Platform(_) => {
            shared.change(|core| {
                core.guard
                    .handle_computer_fault(Instant::now(), Fault::Input)
            });
            DropReason::Refused
        }
    }
}
