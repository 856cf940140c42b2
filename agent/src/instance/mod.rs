//! One agent per login session: the second start brings the first window to the front.
//!
//! Whoever holds the place loses it with the process, however that ends: nothing is left behind, and a killed agent
//! blocks nobody. What a second start says is "come to the front" and nothing else; it grants nothing. One that the
//! holder started in its own place says nothing, and waits for it; that never makes two.

use std::time::{Duration, Instant};

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod win32;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use win32 as system;

pub use system::First;

/// What a start found.
pub enum Instance {
    /// This is the only agent of the login session.
    First(First),
    /// Another one is open; it has been asked to come to the front.
    Running,
}

impl Instance {
    /// Takes the place of the only agent on this display, or asks the one that holds it to show itself, and has held it
    /// all this time. Errors: the system offers no such place, or strangers hold every name.
    pub fn take_within(patience: Duration, display: &str) -> std::io::Result<Self> {
        let began = Instant::now();
        loop {
            match system::place(display)? {
                Place::Ours(first) => return Ok(Self::First(first)),
                Place::Theirs(holder) if began.elapsed() >= patience => {
                    holder.front()?;
                    return Ok(Self::Running);
                }
                Place::Theirs(_) => std::thread::sleep(AGAIN.min(patience)),
            }
        }
    }
}

/// Whose the place is.
enum Place {
    Ours(First),
    Theirs(system::Holder),
}

/// Between two looks at a place that is held.
const AGAIN: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, sync_channel};

    use super::*;

    fn take(display: &str) -> std::io::Result<Instance> {
        Instance::take_within(Duration::ZERO, display)
    }

    /// A name of this test's own.
    fn display(test: &str) -> String {
        format!(":{test}-{}", std::process::id())
    }

    fn first(display: &str) -> First {
        match take(display).expect("a place") {
            Instance::First(first) => first,
            Instance::Running => panic!("nobody was there"),
        }
    }

    /// Hears whenever the holder is asked to come to the front.
    fn listen(first: First) -> Receiver<()> {
        let (told, heard) = sync_channel(8);
        first
            .listen(move || told.send(()).expect("the test waits"))
            .expect("a thread");
        heard
    }

    #[test]
    fn the_second_start_brings_the_first_to_the_front() {
        let display = display("front");
        let heard = listen(first(&display));
        assert!(matches!(take(&display), Ok(Instance::Running)));
        heard
            .recv_timeout(Duration::from_secs(5))
            .expect("the first heard of it");
        assert!(matches!(take(":test-other"), Ok(Instance::First(_))));
    }

    #[test]
    fn a_successor_waits_until_the_place_is_free() {
        let display = display("successor");
        let before = first(&display);
        let waits = {
            let display = display.clone();
            std::thread::spawn(move || Instance::take_within(Duration::from_secs(60), &display))
        };
        // However long it has waited already, it has no place beside the other.
        std::thread::sleep(2 * AGAIN);
        assert!(!waits.is_finished());
        assert!(matches!(take(&display), Ok(Instance::Running)));
        drop(before);
        let after = waits.join().expect("no panic").expect("a place");
        assert!(matches!(after, Instance::First(_)));
        assert!(matches!(take(&display), Ok(Instance::Running)));
    }

    #[test]
    fn a_successor_that_waits_in_vain_is_a_second_start() {
        let display = display("in-vain");
        let heard = listen(first(&display));
        let patience = 2 * AGAIN;
        let waited = Instance::take_within(patience, &display);
        assert!(matches!(waited, Ok(Instance::Running)));
        heard
            .recv_timeout(Duration::from_secs(5))
            .expect("the first heard of it");
        assert!(heard.try_recv().is_err(), "once, and not while it waited");
    }
}
