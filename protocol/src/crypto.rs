//! The few primitives that SPEC names, each with its label discipline (docs/protocol.md §4).
//!
//! H = SHA-256, HKDF-SHA256 (RFC 5869), Ed25519 (RFC 8032), AES-256-GCM with the nonce
//! 0⁴ ‖ u64 number. Secrets live in [`Secret`], which is zeroised; the AEAD keys that `ring`
//! expands from them are not, which docs/threat-model.md says.

use curve25519_dalek::edwards::CompressedEdwardsY;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use rand_core::{CryptoRng, RngCore};
use ring::aead;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::wire::enc;

/// Bytes of an AEAD tag.
pub const TAG_BYTES: usize = 16;

/// A SHA-256 value.
pub type Hash = [u8; 32];

/// 32 secret bytes, zeroised on drop.
pub type Secret = Zeroizing<[u8; 32]>;

/// What cryptography can refuse. The peer's fault, or the relay's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Error {
    /// The tag does not fit: altered, or another key.
    #[error("the data does not open")]
    Open,
    /// The signature does not fit.
    #[error("the signature is wrong")]
    Signature,
    /// Not a key.
    #[error("the key is not an Ed25519 key")]
    Key,
}

/// H.
pub fn hash(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// A label of this protocol: `fernsicht/1 ` and the name.
fn label(name: &str) -> Vec<u8> {
    format!("fernsicht/1 {name}").into_bytes()
}

/// H(enc(label, fields..)).
pub fn labelled_hash(name: &str, fields: &[&[u8]]) -> Hash {
    hash(&info(name, fields))
}

/// enc(label, fields..): the info of a key derivation, the message of a hash.
pub fn info(name: &str, fields: &[&[u8]]) -> Vec<u8> {
    let label = label(name);
    let mut all: Vec<&[u8]> = vec![&label];
    all.extend_from_slice(fields);
    enc(&all)
}

/// An extracted HKDF key, from which others are expanded.
#[derive(Clone)]
pub struct Prk(Hkdf<Sha256>);

impl std::fmt::Debug for Prk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Prk(…)")
    }
}

impl Prk {
    /// Extract(salt, secret).
    pub fn extract(salt: &[u8], secret: &[u8]) -> Self {
        Self(Hkdf::new(Some(salt), secret))
    }

    /// Expand(prk, enc(label, fields..), 32).
    pub fn expand(&self, name: &str, fields: &[&[u8]]) -> Secret {
        let mut out = Zeroizing::new([0; 32]);
        self.0
            .expand(&info(name, fields), out.as_mut_slice())
            .expect("32 bytes are within what HKDF can expand");
        out
    }
}

/// HMAC-SHA256.
pub fn hmac(key: &Secret, message: &[u8]) -> Hash {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key.as_slice())
        .expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Compares in constant time.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    subtle::ConstantTimeEq::ct_eq(a, b).into()
}

/// Random bytes.
pub fn random<const N: usize>(rng: &mut (impl RngCore + CryptoRng)) -> [u8; N] {
    let mut out = [0; N];
    rng.fill_bytes(&mut out);
    out
}

/// A signing key.
pub struct SigningKey(Ed25519KeyPair);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

impl SigningKey {
    /// A fresh key.
    pub fn draw(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let seed: Secret = Zeroizing::new(random(rng));
        Self(Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).expect("a seed has 32 bytes"))
    }

    /// From a PKCS #8 document, as certificates' keys are stored. Errors: [`Error::Key`].
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
            .map(Self)
            .map_err(|_| Error::Key)
    }

    /// The public key.
    pub fn public(&self) -> [u8; 32] {
        self.0
            .public_key()
            .as_ref()
            .try_into()
            .expect("an Ed25519 key has 32 bytes")
    }

    /// Sign(k, label, m): 64 × 0x20 ‖ label ‖ 0x00 ‖ m.
    pub fn sign(&self, name: &str, message: &[u8]) -> [u8; 64] {
        let signature = self.0.sign(&to_sign(name, message));
        signature
            .as_ref()
            .try_into()
            .expect("an Ed25519 signature has 64 bytes")
    }
}

/// True if an Ed25519 key may be somebody's: a point of the curve that is not of small order.
pub fn sound(public: &[u8; 32]) -> bool {
    let key = CompressedEdwardsY(*public).decompress();
    key.is_some_and(|point| !point.is_small_order())
}

/// Checks what [`SigningKey::sign`] made. A key of small order is nobody's: under it one signature holds for many messages
/// (RFC 8032 leaves that to the verifier). Errors: [`Error::Signature`].
pub fn verify(
    public: &[u8; 32],
    name: &str,
    message: &[u8],
    signature: &[u8; 64],
) -> Result<(), Error> {
    if !sound(public) {
        return Err(Error::Signature);
    }
    UnparsedPublicKey::new(&ED25519, public)
        .verify(&to_sign(name, message), signature)
        .map_err(|_| Error::Signature)
}

fn to_sign(name: &str, message: &[u8]) -> Vec<u8> {
    let mut out = vec![0x20; 64];
    out.extend_from_slice(&label(name));
    out.push(0);
    out.extend_from_slice(message);
    out
}

/// An AES-256-GCM key whose nonces are frame or packet numbers.
pub struct AeadKey(aead::LessSafeKey);

impl std::fmt::Debug for AeadKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AeadKey(…)")
    }
}

impl AeadKey {
    /// Expands the key.
    pub fn new(secret: &Secret) -> Self {
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, secret.as_slice())
            .expect("the key has 32 bytes");
        Self(aead::LessSafeKey::new(key))
    }

    /// Seals `buffer` in place and appends the tag. `number` must never repeat under this key.
    pub fn seal(&self, number: u64, aad: &[u8], buffer: &mut Vec<u8>) {
        self.0
            .seal_in_place_append_tag(nonce(number), aead::Aad::from(aad), buffer)
            .expect("a frame is far below the cipher's limit");
    }

    /// Opens `buffer` in place and cuts the tag off. Errors: [`Error::Open`].
    pub fn open(&self, number: u64, aad: &[u8], buffer: &mut Vec<u8>) -> Result<(), Error> {
        let length = self
            .0
            .open_in_place(nonce(number), aead::Aad::from(aad), buffer)
            .map_err(|_| Error::Open)?
            .len();
        buffer.truncate(length);
        Ok(())
    }
}

fn nonce(number: u64) -> aead::Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&number.to_be_bytes());
    aead::Nonce::assume_unique_for_key(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use curve25519_dalek::constants::EIGHT_TORSION;

    /// With a key of small order, R of small order and S = 0 the equation holds for one message in eight at least.
    #[test]
    fn keys_of_small_order_sign_nothing() {
        for key in EIGHT_TORSION {
            let key = key.compress().to_bytes();
            for first in EIGHT_TORSION {
                let mut signature = [0; 64];
                signature[..32].copy_from_slice(first.compress().as_bytes());
                for message in 0..16u8 {
                    assert_eq!(
                        verify(&key, "receipt", &[message], &signature),
                        Err(Error::Signature)
                    );
                }
            }
        }
    }
}
