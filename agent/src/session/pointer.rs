//! The pointer thread: where the customer's pointer is and how it looks, while it may be seen.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use fernsicht_protocol::content;
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::wire::Wire;

use super::core::Shared;
use crate::platform::{self, Pointer};

/// Between two positions: nobody sees more than about 60 a second.
const EVERY: Duration = Duration::from_millis(16);

/// Runs until the program ends. A desktop that does not tell its pointer is shown without one.
pub(super) fn run(shared: &Arc<Shared>) {
    let mut sequence = 0;
    loop {
        let mut core = shared.lock();
        while !core.sees() && !core.closing {
            core = shared
                .stirred
                .wait(core)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if core.closing {
            return;
        }
        drop(core);
        let shown = Pointer::open(None).and_then(|pointer| follow(shared, pointer, &mut sequence));
        let mut core = shared.lock();
        core.wake_pointer = None;
        core.pointer_grant = 0;
        // Without notices of the pointer the thread waits for the end of sight.
        while shown.is_err() && core.sees() && !core.closing {
            core = shared
                .stirred
                .wait(core)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn follow(
    shared: &Shared,
    mut pointer: Pointer,
    sequence: &mut u64,
) -> Result<(), platform::Error> {
    shared.lock().wake_pointer = Some(pointer.waker());
    loop {
        let mut core = shared.lock_politely();
        let now = Instant::now();
        let grant = core.guard.grant();
        if core.pointer_grant != grant {
            pointer.forget_shape();
        }
        let shown = core.shown.clone();
        let Some(permit) = core.guard.view_permit(now) else {
            return Ok(());
        };
        let state = pointer.read(&permit)?;
        core.pointer_grant = grant;
        *sequence += 1;
        let inside = |value: i16, from: i16, size: u16| {
            u16::try_from(i32::from(value) - i32::from(from))
                .ok()
                .filter(|at| *at < size)
        };
        let area = shown.area;
        let place = inside(state.x, area.x, area.width)
            .zip(inside(state.y, area.y, area.height))
            .filter(|_| shown.contains(state.x.into(), state.y.into()));
        let content = content::Pointer {
            sequence: *sequence,
            visible: place.is_some(),
            x: place.map_or(0, |(x, _)| x),
            y: place.map_or(0, |(_, y)| y),
            shape: state.shape,
        };
        if !shared.seal_single(&mut core, Class::Pointer, &content.to_bytes()) {
            pointer.forget_shape();
        }
        shared.settle_quietly(&mut core);
        drop(core);
        std::thread::sleep(EVERY);
        pointer.wait(None)?;
    }
}
