//! The seam to everything that is not window and replay: keys, link, recording, files.
//!
//! Every call may take long and is made on the engine's thread, one after another.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::view::{Case, Order, Overview, Proof, Step, Who};
use crate::audit::Failure;
use crate::audit::index::Source;
use crate::audit::replay::Replay;

/// What the engine has done for it: keys, link, recording, files.
pub trait Office: Send + 'static {
    /// The records of an opened recording.
    type Records: Source + Send;

    /// Who is enrolled here.
    fn known(&mut self) -> Result<Option<Who>, Failure>;
    /// Makes keys under a passphrase and has them certified.
    fn enrol(
        &mut self,
        token: &str,
        passphrase: Zeroizing<String>,
        again: Zeroizing<String>,
    ) -> Result<Who, Failure>;
    /// Opens the keys and the link.
    fn unlock(&mut self, passphrase: Zeroizing<String>) -> Result<Overview, Failure>;
    /// Asks for the counts anew.
    fn overview(&mut self) -> Result<Overview, Failure>;
    /// States the complaint, takes the recording and checks it.
    fn open(
        &mut self,
        reference: &str,
        proof: Proof,
        progress: &mut dyn FnMut(Step, Option<u16>),
    ) -> Result<Opened<Self::Records>, Failure>;
    /// Has the relay note that something masked is about to be shown.
    fn reveal(&mut self, what: &str) -> Result<(), Failure>;
    /// Exports. `go_on` is told the thousandths and may stop it.
    fn export(
        &mut self,
        order: &Order,
        replay: &mut Replay<Self::Records>,
        go_on: &mut dyn FnMut(u16) -> bool,
    ) -> Result<Vec<PathBuf>, Failure>;
    /// Has the relay note that the case is closed, and forgets it.
    fn close(&mut self) -> Result<(), Failure>;
}

/// What [`Office::open`] gives.
#[derive(Debug)]
pub struct Opened<R> {
    /// What is known of it.
    pub case: Case,
    /// The recording; none if it does not open.
    pub replay: Option<Replay<R>>,
}
