//! Tools that measure Fernsicht from *outside*: virtual screens, their own keyboard and mouse,
//! independent observers, and the real programs as child processes.
//!
//! - [`xserver`] starts a virtual screen with a window manager; [`apps`] ordinary applications on it.
//! - [`device`] presses the keys and buttons of that screen's own devices.
//! - [`observer`] listens as an X client of its own: raw events with their source, clicks on a window.
//! - [`grab`] reads screens and compares them pixel by pixel.
//! - [`authority`] issues certificates for them.
//! - [`tap`] stands between agent and relay and reads the clear headers.
//! - [`proc`] reads what a process costs; [`programs`] starts relay, console and agent.
//! - [`wait`] waits for conditions, with a limit and a sentence.
//!
//! Nothing here reaches into a program: no switch, no shared memory, no test hook.

pub mod apps;
pub mod authority;
pub mod device;
pub mod grab;
pub mod keymap;
pub mod observer;
pub mod proc;
pub mod tap;
pub mod wait;
pub mod xserver;
