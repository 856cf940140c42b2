//! Bad networks and sudden deaths, with the real programs on two screens, each behind a line of its own.
//!
//! ```text
//! pair, control ─► something happens, the technician goes on typing ─► what both read ─► rights ─► recording
//! ```
//! After everything that a session survives: what was off stays off until the customer switches it on. What both must
//! read, which rights are left and how sound the recording is stands in [`expected`], case by case.
//! Whatever cannot be read from outside is read by nobody: pages through AT-SPI, input by an X client on the
//! customer's screen, frames at the tap, recordings by the relay's and the auditor's programs.

mod cases;
mod expected;
mod scene;
mod story;

pub(crate) use cases::{
    agent_killed, codes_replaced, console_killed, customer_loss, customer_moves, customer_stall,
    long_loss, relay_killed, relay_restarts, technician_loss, technician_moves, technician_stall,
    without_udp,
};
