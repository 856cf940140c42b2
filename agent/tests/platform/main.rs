//! The agent's parts for the customer's desktop, against real X servers.
//!
//! Each test starts an Xvfb of its own and waits for conditions, never for a time. What is
//! compared was fetched by a connection that shares nothing with the code under test.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as expected, helpers included"
)]

mod capture;
mod inject;
mod rig;
mod watch;
mod windows;
