//! Tools that measure Fernsicht from *outside*: virtual screens, their own keyboard and mouse,
//! independent observers, and the real programs as child processes.
//!
//! - [`xserver`] starts a virtual screen with a window manager; [`apps`] ordinary applications on it.
//! - [`scenery`] is what stands on it; [`show`] is what moves there.
//! - [`device`] presses the keys and buttons of that screen's own devices.
//! - [`clients`] speak the protocol without a screen; [`pair`] is a session of two of them;
//!   [`sealed`] opens recordings without the auditor's program.
//! - [`aim`] asks whether clicks land on the pixels pointed at.
//! - [`dice`] is chance that can be repeated.
//! - [`customer`] is the person at the agent, by keyboard.
//! - [`pattern`] says of each pixel where it is, and counts clicks.
//! - [`observer`] listens as an X client of its own: raw events with their source, clicks on a window.
//! - [`measure`] is what benchmarks of the picture reckon.
//! - [`grab`] reads screens and compares them pixel by pixel.
//! - [`auditor`] enrols an auditor and runs his program; [`browser`] looks at pages and films.
//! - [`corrupt`] has a console draw areas wrong, and looks whether that stays.
//! - [`disk`] is a disk that can be filled, stalled and broken.
//! - [`drag`] drags files onto windows.
//! - [`authority`] issues certificates for them.
//! - [`vanish`] tells when a picture has left a screen.
//! - [`tap`] stands between agent and relay and reads the clear headers.
//! - [`proc`] reads what a process costs; [`programs`] starts relay, console and agent.
//! - [`net`] makes networks of our own, as bad as one says; [`flood`] is many strangers at once.
//! - [`hostile`] is a relay and a console with valid keys that break every rule.
//! - [`intruder`] is a script on the customer's computer that goes on firing.
//! - [`reader`] reads the programs' pages as a screen reader does.
//! - [`operator`] prepares relay, technician and agent file in a temporary folder.
//! - [`keyboard`] types between two layouts, and reads files of ordinary editors.
//! - [`session`] puts all of it together: a whole session on two screens.
//! - [`typist`] types without a pause.
//! - [`wait`] waits for conditions, with a limit and a sentence.
//! - [`model`] runs the cores of both ends and of the relay under one fake clock.
//!
//! But for the model and for wrong areas nothing here reaches into a program: no switch, no shared memory, no test hook.

pub mod aim;
pub mod apps;
pub mod auditor;
pub mod authority;
pub mod browser;
pub mod clients;
pub mod corrupt;
pub mod customer;
pub mod device;
pub mod dice;
pub mod disk;
pub mod drag;
pub mod flood;
pub mod grab;
pub mod hostile;
pub mod intruder;
pub mod keyboard;
pub mod keymap;
pub mod measure;
pub mod model;
pub mod net;
pub mod observer;
pub mod operator;
pub mod pair;
pub mod pattern;
pub mod proc;
pub mod programs;
pub mod reader;
pub mod reading;
pub mod scenery;
pub mod sealed;
pub mod session;
pub mod show;
pub mod tap;
pub mod transfer;
pub mod typist;
pub mod vanish;
pub mod wait;
pub mod wine;
pub mod xserver;
