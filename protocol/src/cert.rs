//! Certificates: who may be what (SPEC "Pairing", docs/protocol.md §4.4).
//!
//! One operator CA; each role has an extended key usage of its own, so that no
//! certificate serves for another role. The CA is known by the SHA-256 of its DER: whoever
//! checks a chain finds the CA *in* the chain by that fingerprint.
//!
//! Not here: making certificates; that is the relay's.

use pki_types::{CertificateDer, UnixTime};
use thiserror::Error;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::crypto::{Hash, hash};
use crate::wire::plain;

/// The arcs of a role's extended key usage, for making certificates. All stand under one
/// arc of `2.25` (ITU-T X.667), drawn at random.
pub const fn role_arcs(role: Role) -> [u64; 4] {
    [2, 25, 8_391_264_517_302_764_513, role as u64]
}

/// What a certificate may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The relay's TLS server certificate.
    Relay = 1,
    /// A technician: TLS client, signs pairing transcripts and epoch commitments.
    Technician = 2,
    /// An auditor.
    Auditor = 3,
    /// The relay's signer of checkpoints.
    Checkpoint = 4,
}

impl Role {
    /// The content bytes of the OID in DER.
    fn oid(self) -> &'static [u8] {
        match self {
            Self::Relay => &OID_RELAY,
            Self::Technician => &OID_TECHNICIAN,
            Self::Auditor => &OID_AUDITOR,
            Self::Checkpoint => &OID_CHECKPOINT,
        }
    }
}

const OID_RELAY: [u8; 11] = oid(1);
const OID_TECHNICIAN: [u8; 11] = oid(2);
const OID_AUDITOR: [u8; 11] = oid(3);
const OID_CHECKPOINT: [u8; 11] = oid(4);

const fn oid(role: u8) -> [u8; 11] {
    [
        0x69, OID_N[0], OID_N[1], OID_N[2], OID_N[3], OID_N[4], OID_N[5], OID_N[6], OID_N[7],
        OID_N[8], role,
    ]
}

/// 8391264517302764513 in base 128.
const OID_N: [u8; 9] = [0xf4, 0xb9, 0xf0, 0xd3, 0xea, 0x91, 0xaf, 0x87, 0x61];

/// Why a chain is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    /// The chain does not lead to the pinned CA.
    #[error("the certificate does not come from this operator")]
    Untrusted,
    /// Expired or not yet valid, by the given clock.
    #[error("the certificate is not valid at this time")]
    Time,
    /// Valid, but not for this role.
    #[error("the certificate is not for this role")]
    Role,
    /// Not a certificate, or without a name or an Ed25519 key.
    #[error("the certificate is malformed")]
    Malformed,
}

/// What a verified certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Common name.
    pub name: String,
    /// Organisation.
    pub organisation: String,
    /// Ed25519 public key.
    pub key: [u8; 32],
    /// SHA-256 of the leaf.
    pub leaf: Hash,
    /// Serial number, big-endian.
    pub serial: Vec<u8>,
}

/// Finds the pinned CA in a chain and checks the leaf against it: signature, role,
/// validity at `now` (seconds since 1970 UTC).
pub fn verify(
    chain: &[impl AsRef<[u8]>],
    ca: &Hash,
    role: Role,
    now: u64,
) -> Result<Holder, Error> {
    let leaf_der = verify_role(chain, ca, role, now)?;
    holder(leaf_der)
}

/// Like [`verify`], for leaves whose name and key do not matter (the relay's own). Returns the leaf.
pub fn verify_role<'a, C: AsRef<[u8]>>(
    chain: &'a [C],
    ca: &Hash,
    role: Role,
    now: u64,
) -> Result<&'a [u8], Error> {
    let leaf = chain.first().ok_or(Error::Malformed)?.as_ref();
    let root = chain
        .iter()
        .skip(1)
        .map(AsRef::as_ref)
        .find(|der| &hash(der) == ca)
        .ok_or(Error::Untrusted)?;
    let root = CertificateDer::from(root);
    let anchor = anchor_from_trusted_cert(&root).map_err(|_| Error::Malformed)?;
    let leaf_der = CertificateDer::from(leaf);
    let end_entity = EndEntityCert::try_from(&leaf_der).map_err(|_| Error::Malformed)?;
    end_entity
        .verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &[anchor],
            &[],
            UnixTime::since_unix_epoch(std::time::Duration::from_secs(now)),
            KeyUsage::required(role.oid()),
            None,
            None,
        )
        .map_err(chain_error)?;
    Ok(leaf)
}

fn chain_error(error: webpki::Error) -> Error {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "webpki's list of errors is open"
    )]
    match error {
        webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. } => Error::Time,
        webpki::Error::RequiredEkuNotFoundContext(_) => Error::Role,
        webpki::Error::BadDer | webpki::Error::BadDerTime => Error::Malformed,
        _ => Error::Untrusted,
    }
}

/// Name, organisation and key of a certificate that has been verified elsewhere (the TLS
/// handshake). Errors: [`Error::Malformed`].
pub fn holder(leaf: &[u8]) -> Result<Holder, Error> {
    let (_, certificate) = X509Certificate::from_der(leaf).map_err(|_| Error::Malformed)?;
    let subject = certificate.subject();
    let name = subject
        .iter_common_name()
        .next()
        .and_then(|a| a.as_str().ok());
    let organisation = subject
        .iter_organization()
        .next()
        .and_then(|a| a.as_str().ok());
    let key = certificate
        .public_key()
        .subject_public_key
        .data
        .as_ref()
        .try_into();
    let name = name.ok_or(Error::Malformed)?.to_owned();
    let organisation = organisation.unwrap_or_default().to_owned();
    if !plain(&name) || !plain(&organisation) {
        return Err(Error::Malformed);
    }
    Ok(Holder {
        name,
        organisation,
        key: key.map_err(|_| Error::Malformed)?,
        leaf: hash(leaf),
        serial: certificate.raw_serial().to_vec(),
    })
}

/// The last second in which a certificate is valid, since 1970 UTC. Errors: [`Error::Malformed`].
pub fn valid_until(leaf: &[u8]) -> Result<u64, Error> {
    let (_, certificate) = X509Certificate::from_der(leaf).map_err(|_| Error::Malformed)?;
    let until = certificate.validity().not_after.timestamp();
    u64::try_from(until).map_err(|_| Error::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(name: &str, organisation: &str) -> Vec<u8> {
        let mut params = rcgen::CertificateParams::default();
        let mut subject = rcgen::DistinguishedName::new();
        subject.push(rcgen::DnType::CommonName, name);
        subject.push(rcgen::DnType::OrganizationName, organisation);
        params.distinguished_name = subject;
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    /// ASN.1 may nest, what is read of it does not: ten thousand sequences, each in the next one.
    fn nested() -> Vec<u8> {
        let mut der = vec![5, 0];
        for _ in 0..10_000 {
            let length = (der.len() as u32).to_be_bytes();
            let mut outer = vec![0x30, 0x84];
            outer.extend(length);
            outer.append(&mut der);
            der = outer;
        }
        der
    }

    #[test]
    fn what_is_nested_deeply_is_malformed() {
        let (chain, root) = ([nested(), nested()], hash(&nested()));
        assert!(verify(&chain, &root, Role::Technician, 1_800_000_000).is_err());
        assert_eq!(holder(&chain[0]), Err(Error::Malformed));
        assert_eq!(valid_until(&chain[0]), Err(Error::Malformed));
    }

    #[test]
    fn the_last_second_is_read() {
        let mut params = rcgen::CertificateParams::default();
        params.not_after = rcgen::date_time_ymd(2030, 1, 1);
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let leaf = params.self_signed(&key).unwrap();
        assert_eq!(valid_until(leaf.der()), Ok(1_893_456_000));
        assert_eq!(valid_until(&[0x30, 0]), Err(Error::Malformed));
    }

    #[test]
    fn names_read_as_they_are_written() {
        let holder = holder(&leaf("Zoë Müller-Ōta", "علي & Söhne")).unwrap();
        assert_eq!(holder.name, "Zoë Müller-Ōta");
        for trick in ["a\u{202e}b", "a\u{2066}b", "a\u{202a}", "a\nb", "a\u{85}b"] {
            assert_eq!(super::holder(&leaf(trick, "IT")), Err(Error::Malformed));
            assert_eq!(super::holder(&leaf("Eve", trick)), Err(Error::Malformed));
        }
    }
}
