//! Networks of our own: namespaces, and lines between them that lose, delay and block packets.
//!
//! ```text
//! namespace "customer"          this process             namespace "operator"
//! programs ── TUN ──► Line: block ─► lose ─► queue, rate ─► delay, jitter ──► TUN ── programs
//!                  ◄──────────────── the same, the other way ────────────────
//! ```
//! - [`Namespace`] is a network with interfaces, addresses and routes of its own.
//! - [`Line`] carries packets between two of them, and [`Impairment`] says how badly.
//! - [`Streets`] is a customer and a technician, each behind a line of his own.
//! - [`Town`] is many small networks around one operator, for floods.
//!
//! Packets are carried whole, whatever is in them: UDP and TCP suffer alike. Nothing of this touches the
//! machine's own network. It needs root: see [`possible`].

mod impairment;
mod line;
mod namespace;
mod streets;
mod town;
mod tun;

use anyhow::{Result, bail};

pub use impairment::{Counts, Impairment, Lane};
pub use line::{End, Line};
pub use namespace::Namespace;
pub use streets::{CUSTOMER, Resident, Streets};
pub(crate) use town::bind;
pub use town::{OPERATOR, Town};

/// True if this machine lets the tests make networks. Errors: it does not, in continuous integration.
pub fn possible() -> Result<bool> {
    let root = rustix::process::geteuid().is_root();
    if !root && std::env::var_os("CI").is_some() {
        bail!("networks can be made by root only, and continuous integration must try them");
    }
    Ok(root)
}
