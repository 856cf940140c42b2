//! One agent per login session: the second start brings the first window to the front.
//!
//! Whoever holds the place loses it with the process, however that ends: nothing is left behind, and a killed agent
//! blocks nobody. What a second start says is "come to the front" and nothing else; it grants nothing.

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
    /// Takes the place of the only agent on this display, or asks the one that holds it to show itself.
    /// Errors: the system offers no such place, or strangers hold every name.
    pub fn take(display: &str) -> std::io::Result<Self> {
        system::take(display)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_second_start_brings_the_first_to_the_front() {
        let display = format!(":test-{}", std::process::id());
        let Instance::First(first) = Instance::take(&display).expect("a place") else {
            panic!("nobody was there")
        };
        let (told, heard) = std::sync::mpsc::sync_channel(1);
        first
            .listen(move || told.send(()).expect("the test waits"))
            .expect("a thread");
        assert!(matches!(Instance::take(&display), Ok(Instance::Running)));
        heard
            .recv_timeout(Duration::from_secs(5))
            .expect("the first heard of it");
        assert!(matches!(
            Instance::take(":test-other"),
            Ok(Instance::First(_))
        ));
    }
}
