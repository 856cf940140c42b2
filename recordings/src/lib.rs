//! Fernsicht's sealed recordings: write, store, retain, unseal.
//!
//! Not built yet. What recordings need is in place around it: epochs that are bound to a
//! recording's id, commitments, frame classes with numbers for heads, tombstones
//! ([`fernsicht_protocol`]), and the recorder's place in the relay's forwarding, before
//! every input event. Until this crate holds a recorder, the relay refuses control.

pub use fernsicht_protocol::messages::RecordingOpen;

#[cfg(feature = "store")]
pub mod store;
