//! The receipt on the customer's computer: what it looks like and where it lies.
//!
//! ```text
//! protocol's Receipt ─► paper (HTML, both languages) ─► sealed by agent_pk ─► file (temp, fsync, rename)
//! ```
//!
//! It is written before a recording begins and replaced when the session is over. Killed at any moment,
//! the agent leaves a whole file behind. Nothing else stays on this computer.
//!
//! Not here: what stands in it ([`crate::session`] gathers that) and the seal ([`fernsicht_protocol::receipt`]).

pub(crate) mod file;
mod paper;

pub(crate) use paper::{Agreed, html};
