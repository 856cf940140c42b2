//! Sealing: an epoch's secret under an auditor's key and the customer's code (SPEC "Sealing, per auditor").
//!
//! ```text
//! info      = enc("seal", session, rid, n, commit_n, H(pk_j), H(leaf), th2)
//! encap, ct = HPKE SealBase(pk_j, info, E_n)           RFC 9180: X25519-HKDF-SHA256, HKDF-SHA256, ChaCha20-Poly1305
//! k         = Expand(cp, enc("outer", H(info), encap))
//! SealedKey = encap ‖ AES-256-GCM(k, nonce 0, AAD = enc(info, encap), ct)
//! ```
//!
//! Two layers, so that a wrong code and a wrong key are told apart. In the receipt the code itself stands
//! sealed to each auditor, HPKE alone, info = enc("complaint", rid).
//!
//! Not here: what is done with an opened secret, and the order of checks (the crate `recordings`).

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable as _, Kem as _, OpModeR, OpModeS, Serializable as _};
use rand_core::{CryptoRng, RngCore};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::complaint::Code;
use crate::crypto::{self, AeadKey, Hash, Prk, Secret, TAG_BYTES, hash};
use crate::messages::SessionId;
use crate::wire::{Blob, List, Wire, enc, wire_struct};

/// Bytes of an encapsulated key.
const ENCAP: usize = 32;

/// Bytes of a sealed key: encapsulated key, secret, and the two tags.
pub const SEALED_BYTES: usize = ENCAP + 32 + 2 * TAG_BYTES;

wire_struct! {
    /// E_n, sealed to one auditor under the code.
    pub struct SealedKey {
        /// H(pk_j): whose it is. Without it nobody could tell a wrong code from a wrong key.
        pub auditor: Hash,
        /// encap ‖ outer ciphertext, [`SEALED_BYTES`].
        pub sealed: Blob<256>,
    }
}

/// The sealed keys of an epoch, one per auditor.
pub type SealedKeys = List<SealedKey, 16>;

/// Why something sealed does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Error {
    /// The outer layer does not open: another recording's code, or a wrong one.
    #[error("the complaint code does not belong to this recording")]
    Code,
    /// The inner layer does not open: sealed to another auditor's key.
    #[error("sealed to another auditor's key")]
    Auditor,
    /// Not what sealing makes.
    #[error("the sealed key is malformed")]
    Malformed,
    /// A public key that is none.
    #[error("the auditor's public key is not one")]
    Key,
}

/// What a sealed key is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The session.
    pub session: SessionId,
    /// The recording's inner id.
    pub rid: [u8; 16],
    /// n.
    pub epoch: u32,
    /// commit_n.
    pub commitment: Hash,
    /// H(leaf) of the technician.
    pub leaf: Hash,
    /// th2.
    pub th2: Hash,
}

impl Binding {
    fn info(&self, auditor: &Hash) -> Vec<u8> {
        crypto::info(
            "seal",
            &[
                &self.session,
                &self.rid,
                &self.epoch.to_be_bytes(),
                &self.commitment,
                auditor,
                &self.leaf,
                &self.th2,
            ],
        )
    }
}

/// An auditor's X25519 key.
pub struct AuditorKey(Secret);

impl std::fmt::Debug for AuditorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuditorKey(…)")
    }
}

impl AuditorKey {
    /// A fresh one.
    pub fn draw(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        Self(Zeroizing::new(crypto::random(rng)))
    }

    /// From its 32 bytes.
    pub fn from_bytes(bytes: Secret) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    pub fn bytes(&self) -> &Secret {
        &self.0
    }

    /// The public key.
    pub fn public(&self) -> [u8; 32] {
        let public = X25519HkdfSha256::sk_to_pk(&self.private());
        public
            .to_bytes()
            .as_slice()
            .try_into()
            .expect("an X25519 key has 32 bytes")
    }

    fn private(&self) -> <X25519HkdfSha256 as hpke::Kem>::PrivateKey {
        <X25519HkdfSha256 as hpke::Kem>::PrivateKey::from_bytes(self.0.as_slice())
            .expect("any 32 bytes are an X25519 key")
    }
}

/// Seals E_n for one auditor. Errors: [`Error::Key`].
pub fn seal(
    binding: &Binding,
    auditor: &[u8; 32],
    code: &Code,
    secret: &Secret,
) -> Result<SealedKey, Error> {
    seal_under(binding, auditor, &code.prk(), secret)
}

/// As [`seal`], by whoever keeps cp and not the code any more. Errors: [`Error::Key`].
pub fn seal_under(
    binding: &Binding,
    auditor: &[u8; 32],
    cp: &Prk,
    secret: &Secret,
) -> Result<SealedKey, Error> {
    let whose = hash(auditor);
    let info = binding.info(&whose);
    let (encap, mut inner) = hpke_seal(auditor, &info, secret.as_slice())?;
    outer_key(cp, &info, &encap).seal(0, &enc(&[&info, &encap]), &mut inner);
    Ok(SealedKey {
        auditor: whose,
        sealed: Blob([encap, inner].concat()),
    })
}

/// Opens a sealed key. Errors: [`Error::Code`] before [`Error::Auditor`], and [`Error::Malformed`]; the
/// commitment is the caller's to check.
pub fn unseal(
    binding: &Binding,
    key: &AuditorKey,
    code: &Code,
    sealed: &SealedKey,
) -> Result<Secret, Error> {
    let inner = open_outer(binding, code, sealed)?;
    if sealed.auditor != hash(&key.public()) {
        return Err(Error::Auditor);
    }
    let info = binding.info(&sealed.auditor);
    let plain = hpke_open(key, &info, &sealed.sealed.0[..ENCAP], &inner)?;
    let secret: [u8; 32] = plain.as_slice().try_into().map_err(|_| Error::Malformed)?;
    Ok(Zeroizing::new(secret))
}

/// True if `code` opens the outer layer, whoever the key was sealed to: tells a wrong code from a wrong
/// key without any auditor's private key.
pub fn code_fits(binding: &Binding, code: &Code, sealed: &SealedKey) -> bool {
    open_outer(binding, code, sealed).is_ok()
}

fn open_outer(binding: &Binding, code: &Code, sealed: &SealedKey) -> Result<Vec<u8>, Error> {
    if sealed.sealed.0.len() != SEALED_BYTES {
        return Err(Error::Malformed);
    }
    let (encap, outer) = sealed.sealed.0.split_at(ENCAP);
    let info = binding.info(&sealed.auditor);
    let mut inner = outer.to_vec();
    outer_key(&code.prk(), &info, encap)
        .open(0, &enc(&[&info, encap]), &mut inner)
        .map_err(|_| Error::Code)?;
    Ok(inner)
}

fn outer_key(cp: &Prk, info: &[u8], encap: &[u8]) -> AeadKey {
    AeadKey::new(&cp.expand("outer", &[&hash(info), encap]))
}

/// H(all SealedKeys).
pub fn hash_all(sealed: &SealedKeys) -> Hash {
    hash(&sealed.to_bytes())
}

/// The code for a receipt, sealed to one auditor. Errors: [`Error::Key`].
pub fn seal_code(auditor: &[u8; 32], rid: &[u8; 16], code: &Code) -> Result<Vec<u8>, Error> {
    let (encap, sealed) = hpke_seal(auditor, &crypto::info("complaint", &[rid]), code.bytes())?;
    Ok([encap, sealed].concat())
}

/// Opens the code out of a receipt. Errors: [`Error::Auditor`], [`Error::Malformed`].
pub fn open_code(key: &AuditorKey, rid: &[u8; 16], sealed: &[u8]) -> Result<Code, Error> {
    let (encap, sealed) = sealed.split_at_checked(ENCAP).ok_or(Error::Malformed)?;
    let plain = hpke_open(key, &crypto::info("complaint", &[rid]), encap, sealed)?;
    let bytes: [u8; 16] = plain.as_slice().try_into().map_err(|_| Error::Malformed)?;
    Ok(Code::from_bytes(bytes))
}

/// What the technician's key signs of an epoch under the label `epoch`: it proves that this key
/// joined this session and took this commitment, no more.
pub fn epoch_message(
    binding: &Binding,
    sealed_keys_hash: &Hash,
    first_checkpoint: &Hash,
) -> Vec<u8> {
    enc(&[
        &binding.session,
        &binding.rid,
        &binding.epoch.to_be_bytes(),
        &binding.commitment,
        sealed_keys_hash,
        first_checkpoint,
        &binding.th2,
    ])
}

fn hpke_seal(auditor: &[u8; 32], info: &[u8], plain: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let public =
        <X25519HkdfSha256 as hpke::Kem>::PublicKey::from_bytes(auditor).map_err(|_| Error::Key)?;
    let (encap, sealed) = hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &public,
        info,
        plain,
        b"",
    )
    .map_err(|_| Error::Key)?;
    Ok((encap.to_bytes().to_vec(), sealed))
}

fn hpke_open(
    key: &AuditorKey,
    info: &[u8],
    encap: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let encap = <X25519HkdfSha256 as hpke::Kem>::EncappedKey::from_bytes(encap)
        .map_err(|_| Error::Malformed)?;
    hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &key.private(),
        &encap,
        info,
        sealed,
        b"",
    )
    .map(Zeroizing::new)
    .map_err(|_| Error::Auditor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::OsRng;

    fn binding() -> Binding {
        Binding {
            session: [1; 16],
            rid: [2; 16],
            epoch: 3,
            commitment: [4; 32],
            leaf: [5; 32],
            th2: [6; 32],
        }
    }

    #[test]
    fn it_takes_both_and_says_which_is_missing() {
        let (key, other) = (AuditorKey::draw(&mut OsRng), AuditorKey::draw(&mut OsRng));
        let (code, wrong) = (Code::draw(&mut OsRng), Code::draw(&mut OsRng));
        let secret = Zeroizing::new([9; 32]);
        let sealed = seal(&binding(), &key.public(), &code, &secret).unwrap();
        assert_eq!(sealed.sealed.0.len(), SEALED_BYTES);
        let opened = unseal(&binding(), &key, &code, &sealed).unwrap();
        assert_eq!(*opened, *secret);
        assert_eq!(
            unseal(&binding(), &key, &wrong, &sealed).unwrap_err(),
            Error::Code
        );
        assert!(code_fits(&binding(), &code, &sealed));
        assert!(!code_fits(&binding(), &wrong, &sealed));
        let wrong_key = unseal(&binding(), &other, &code, &sealed).unwrap_err();
        assert_eq!(wrong_key, Error::Auditor);
        let neither = unseal(&binding(), &other, &wrong, &sealed).unwrap_err();
        assert_eq!(neither, Error::Code);
    }

    #[test]
    fn every_part_of_the_binding_and_every_byte_counts() {
        let key = AuditorKey::draw(&mut OsRng);
        let code = Code::draw(&mut OsRng);
        let sealed = seal(&binding(), &key.public(), &code, &Zeroizing::new([9; 32])).unwrap();
        let others = [
            Binding {
                session: [0; 16],
                ..binding()
            },
            Binding {
                rid: [0; 16],
                ..binding()
            },
            Binding {
                epoch: 4,
                ..binding()
            },
            Binding {
                commitment: [0; 32],
                ..binding()
            },
            Binding {
                leaf: [0; 32],
                ..binding()
            },
            Binding {
                th2: [0; 32],
                ..binding()
            },
        ];
        for other in others {
            assert!(unseal(&other, &key, &code, &sealed).is_err());
        }
        for at in 0..SEALED_BYTES {
            let mut altered = sealed.clone();
            altered.sealed.0[at] ^= 1;
            assert!(unseal(&binding(), &key, &code, &altered).is_err());
        }
    }

    #[test]
    fn the_receipts_code_opens_for_its_auditor_and_recording_only() {
        let (key, other) = (AuditorKey::draw(&mut OsRng), AuditorKey::draw(&mut OsRng));
        let code = Code::draw(&mut OsRng);
        let sealed = seal_code(&key.public(), &[2; 16], &code).unwrap();
        assert_eq!(open_code(&key, &[2; 16], &sealed), Ok(code));
        assert_eq!(open_code(&other, &[2; 16], &sealed), Err(Error::Auditor));
        assert_eq!(open_code(&key, &[3; 16], &sealed), Err(Error::Auditor));
        assert_eq!(
            open_code(&key, &[2; 16], &sealed[..9]),
            Err(Error::Malformed)
        );
    }
}
