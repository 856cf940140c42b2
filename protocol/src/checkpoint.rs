//! Checkpoints: what the relay signs of a recording each second (SPEC "Recording").
//!
//! `Sign(relay, "checkpoint", enc(rid, length, c_i, heads, time))`, with the key of a certificate
//! whose only use is this ([`crate::cert::Role::Checkpoint`]). The first checkpoint of a
//! recorded epoch goes to both ends with that certificate's chain; it takes the place of
//! [`crate::messages::RelayToAgent::EpochOpened`].

use crate::crypto::{self, Hash, SigningKey, hash};
use crate::heads::HeadList;
use crate::wire::{Wire, enc, wire_struct};

wire_struct! {
    /// The state of a recording.
    pub struct Checkpoint {
        /// The recording's inner id.
        pub rid: [u8; 16],
        /// How many bytes of the recording's file it covers: the place at which its own
        /// record begins.
        pub length: u64,
        /// c_i, over every record before it.
        pub chain: Hash,
        /// The heads of the current epoch and the one before.
        pub heads: HeadList,
        /// The relay's time, in hundredths of a second since 1970 UTC.
        pub time: u64,
    }
}

wire_struct! {
    /// A checkpoint with the relay's signature.
    pub struct SignedCheckpoint {
        /// What was signed.
        pub checkpoint: Checkpoint,
        /// Ed25519.
        pub signature: [u8; 64],
    }
}

impl SignedCheckpoint {
    /// Signs.
    pub fn sign(checkpoint: Checkpoint, key: &SigningKey) -> Self {
        let signature = key.sign("checkpoint", &checkpoint.to_sign());
        Self {
            checkpoint,
            signature,
        }
    }

    /// Checks the signature. Errors: [`crypto::Error::Signature`].
    pub fn verify(&self, signer: &[u8; 32]) -> Result<(), crypto::Error> {
        crypto::verify(
            signer,
            "checkpoint",
            &self.checkpoint.to_sign(),
            &self.signature,
        )
    }

    /// H of checkpoint and signature: what an epoch signature names.
    pub fn hash(&self) -> Hash {
        hash(&self.to_bytes())
    }
}

impl Checkpoint {
    fn to_sign(&self) -> Vec<u8> {
        enc(&[
            &self.rid,
            &self.length.to_be_bytes(),
            &self.chain,
            &self.heads.to_bytes(),
            &self.time.to_be_bytes(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::List;
    use rand_core::OsRng;

    #[test]
    fn every_field_is_signed() {
        let key = SigningKey::draw(&mut OsRng);
        let signed = SignedCheckpoint::sign(
            Checkpoint {
                rid: [1; 16],
                length: 2,
                chain: [3; 32],
                heads: List(vec![]),
                time: 4,
            },
            &key,
        );
        assert_eq!(signed.verify(&key.public()), Ok(()));
        let bytes = signed.to_bytes();
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            let fits = SignedCheckpoint::from_bytes(&altered)
                .is_ok_and(|signed| signed.verify(&key.public()).is_ok());
            assert!(!fits, "byte {at}");
        }
    }
}
