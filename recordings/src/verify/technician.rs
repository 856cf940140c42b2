//! Who the technician was: the pairing's transcript and the technician's signatures (docs/recording-format.md §7.2).

use fernsicht_protocol::cert::{self, Holder, Role};
use fernsicht_protocol::crypto::{self, Hash};
use fernsicht_protocol::sealing::epoch_message;
use fernsicht_protocol::wire::Reader;

use crate::finding::Proof;
use crate::format::Opening;

/// Checks everything but the epoch's signature. Errors: everything that does not fit, in order.
pub(super) fn check(opening: &Opening, ca: &Hash, now: u64) -> Result<Holder, Vec<Proof>> {
    let mut proofs = Vec::new();
    if !context_fits(opening, ca) {
        proofs.push(Proof::Context);
    }
    if opening.recomputed_th1() != opening.th1 {
        proofs.push(Proof::Th1);
    }
    let chain = Opening::ders(&opening.technician);
    let technician = match cert::verify(&chain, ca, Role::Technician, now) {
        Ok(technician) => technician,
        Err(error) => {
            proofs.push(Proof::Certificate(error));
            return Err(proofs);
        }
    };
    if opening.recomputed_th2() != opening.th2 {
        proofs.push(Proof::Th2);
    }
    let signature = &opening.signature;
    if crypto::verify(&technician.key, "technician", &opening.th2, signature).is_err() {
        proofs.push(Proof::Signature);
    }
    match proofs.is_empty() {
        true => Ok(technician),
        false => Err(proofs),
    }
}

/// Checks the epoch's signature over its first checkpoint.
pub(super) fn check_epoch(
    opening: &Opening,
    technician: &Holder,
    first_checkpoint: &Hash,
    signature: &[u8; 64],
) -> Result<(), Proof> {
    let message = epoch_message(
        &opening.binding(),
        &opening.sealed_keys_hash,
        first_checkpoint,
    );
    crypto::verify(&technician.key, "epoch", &message, signature).map_err(|_| Proof::EpochSignature)
}

/// ctx = enc(version, relay name, H(CA), H(configuration), session, nameplate): it must name this operator
/// and this session.
fn context_fits(opening: &Opening, ca: &Hash) -> bool {
    let mut input = Reader::new(&opening.context.0);
    let mut fields = [&[][..]; 6];
    for field in &mut fields {
        let Ok(length) = input.length(opening.context.0.len()) else {
            return false;
        };
        let Ok(bytes) = input.take(length) else {
            return false;
        };
        *field = bytes;
    }
    input.finish().is_ok() && fields[2] == ca && fields[4] == opening.session
}
