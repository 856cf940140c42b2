//! Both ends, the relay and its recorder under one fake clock, compared after every step with a reference
//! that is written from the promises.
//!
//! ```text
//! seed ─► steps ─► World: agent's core ◄─ network ─► relay's router, recorder ◄─ network ─► console's core
//!                    │ what leaves, what is injected, sealed, drawn, recorded
//!                    ▼
//!                  Reference: what the customer's acts allow at this moment ─► the first thing that broke
//! ```
//!
//! Real are: `agent::session` (guard, keys, decisions, injector, the comparison of checkpoints),
//! `console::session` (mirror, keys, witness), `router::Router`, `recordings::writer`, `recordings::verify` and
//! `recordings::open`. The pairing is one real pairing, worked out once for each thread and played again for
//! each session. Imitated are: connections (one queue for each stream, whose heads arrive in any order), the
//! relay's hub and recording thread with their queue, the disk, the screen, and the people.
//!
//! A schedule is a row of numbers drawn from its seed; each number is a step, or nothing where that step is
//! not possible. Hence a shorter row is a schedule too, and a failure is shown with its shortest.
//!
//! Not here: QUIC, threads and pixels (the tests with real programs), and dishonest relays ([`crate::hostile`]).

#[cfg(test)]
mod attacks;
mod ends;
mod network;
mod office;
mod recorder;
mod reference;
mod relay;
mod run;
mod steps;
mod verdict;
mod world;

pub use office::Office;
pub use run::{Failure, Options, Report, run, run_one};
