//! The operator's CA, and the certificates that it issues.
//!
//! Each role has an extended key usage of its own, so that no certificate serves for
//! another role ([`fernsicht_protocol::cert`]). The CA key is a file of its own: without it
//! everything goes on but enrolment.

use fernsicht_protocol::cert::{Role, role_arcs};
use fernsicht_protocol::crypto;
use rand_core::OsRng;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ED25519, SerialNumber,
};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

/// A certificate with its key, as stored: PEM.
pub(crate) struct Made {
    pub(crate) certificate: String,
    pub(crate) key: Zeroizing<String>,
}

/// What an enrolment request has become.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) leaf: Vec<u8>,
    pub(crate) serial: Vec<u8>,
    pub(crate) expires: i64,
}

/// Makes a CA.
pub(crate) fn make_ca(operator: &str) -> Result<Made, rcgen::Error> {
    let key = KeyPair::generate_for(&PKCS_ED25519)?;
    let mut params = leaf(&format!("Fernsicht CA {operator}"), None, 20 * 365)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(&key)?;
    Ok(Made {
        certificate: certificate.pem(),
        key: Zeroizing::new(key.serialize_pem()),
    })
}

/// The CA with its key; its `Debug` leaves the key out.
#[derive(Debug)]
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new(ca: &[u8], key: &str) -> Result<Self, rcgen::Error> {
        let key = KeyPair::from_pem(key)?;
        Ok(Self {
            issuer: Issuer::from_ca_cert_der(&ca.into(), key)?,
        })
    }

    /// A TLS server certificate for the relay.
    pub(crate) fn make_relay(&self, name: &str) -> Result<Made, rcgen::Error> {
        let key = KeyPair::generate_for(&PKCS_ED25519)?;
        let mut params = leaf(name, None, RELAY_DAYS)?;
        params.subject_alt_names = CertificateParams::new(vec![name.to_owned()])?.subject_alt_names;
        params.extended_key_usages = usages(ExtendedKeyUsagePurpose::ServerAuth, Role::Relay);
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Made {
            certificate: certificate.pem(),
            key: Zeroizing::new(key.serialize_pem()),
        })
    }

    /// The certificate of the relay's signer of checkpoints, for a key that stays.
    pub(crate) fn certify_checkpoint(
        &self,
        name: &str,
        key: &KeyPair,
    ) -> Result<String, rcgen::Error> {
        let mut params = leaf(name, None, CHECKPOINT_DAYS)?;
        params.extended_key_usages = vec![role_usage(Role::Checkpoint)];
        Ok(params.signed_by(key, &self.issuer)?.pem())
    }

    /// A technician's certificate. Of the request only the key counts, and the proof that
    /// the asker has it; the names are those of the register.
    pub(crate) fn issue_technician(
        &self,
        name: &str,
        organisation: &str,
        request: &[u8],
    ) -> Result<Issued, rcgen::Error> {
        let subject = leaf(name, Some(organisation), TECHNICIAN_DAYS)?;
        self.issue(subject, Role::Technician, request)
    }

    /// An auditor's certificate, in the same way.
    pub(crate) fn issue_auditor(&self, name: &str, request: &[u8]) -> Result<Issued, rcgen::Error> {
        self.issue(leaf(name, None, AUDITOR_DAYS)?, Role::Auditor, request)
    }

    fn issue(
        &self,
        subject: CertificateParams,
        role: Role,
        request: &[u8],
    ) -> Result<Issued, rcgen::Error> {
        let mut request = CertificateSigningRequestParams::from_der(&request.into())?;
        if *rcgen::PublicKeyData::algorithm(&request.public_key) != PKCS_ED25519 {
            return Err(rcgen::Error::UnsupportedSignatureAlgorithm);
        }
        // Under a key of small order anybody's signature holds, that of the request included.
        let key = rcgen::PublicKeyData::der_bytes(&request.public_key);
        if !<[u8; 32]>::try_from(key).is_ok_and(|key| crypto::sound(&key)) {
            return Err(rcgen::Error::InvalidCertificationRequestSignature);
        }
        request.params = subject;
        request.params.extended_key_usages = usages(ExtendedKeyUsagePurpose::ClientAuth, role);
        let serial = request
            .params
            .serial_number
            .as_ref()
            .map(SerialNumber::to_bytes)
            .unwrap_or_default();
        let expires = request.params.not_after.unix_timestamp();
        let certificate = request.signed_by(&self.issuer)?;
        Ok(Issued {
            leaf: certificate.der().to_vec(),
            serial,
            expires,
        })
    }
}

/// A key for the signer of checkpoints, as stored: PEM.
pub(crate) fn make_key() -> Result<Zeroizing<String>, rcgen::Error> {
    let key = KeyPair::generate_for(&PKCS_ED25519)?;
    Ok(Zeroizing::new(key.serialize_pem()))
}

fn leaf(
    name: &str,
    organisation: Option<&str>,
    days: i64,
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    let now = OffsetDateTime::now_utc();
    // Customers' clocks are often wrong by hours.
    params.not_before = now - Duration::days(1);
    params.not_after = now + Duration::days(days);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    if let Some(organisation) = organisation {
        params
            .distinguished_name
            .push(DnType::OrganizationName, organisation);
    }
    let mut serial: [u8; 16] = crypto::random(&mut OsRng);
    // Positive, and of full length.
    serial[0] = serial[0] & 0x3f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn usages(general: ExtendedKeyUsagePurpose, role: Role) -> Vec<ExtendedKeyUsagePurpose> {
    vec![general, role_usage(role)]
}

fn role_usage(role: Role) -> ExtendedKeyUsagePurpose {
    ExtendedKeyUsagePurpose::Other(role_arcs(role).to_vec())
}

const RELAY_DAYS: i64 = 2 * 365;
const CHECKPOINT_DAYS: i64 = 2 * 365;
const TECHNICIAN_DAYS: i64 = 365;
// Auditors come rarely, and what was sealed to their keys lives for months.
const AUDITOR_DAYS: i64 = 3 * 365;

#[cfg(test)]
mod tests {
    use super::*;
    use fernsicht_protocol::cert;
    use rustls::pki_types::{CertificateDer, pem::PemObject};

    #[test]
    fn certificates_serve_for_their_role_only() {
        let ca = make_ca("Nordlicht").unwrap();
        let ca_der = CertificateDer::from_pem_slice(ca.certificate.as_bytes())
            .unwrap()
            .to_vec();
        let pin = crypto::hash(&ca_der);
        let authority = Authority::new(&ca_der, &ca.key).unwrap();
        let now = OffsetDateTime::now_utc().unix_timestamp() as u64;

        let relay = authority.make_relay("relay.example").unwrap();
        let relay = CertificateDer::from_pem_slice(relay.certificate.as_bytes())
            .unwrap()
            .to_vec();
        let chain = [relay, ca_der.clone()];
        assert!(cert::verify_role(&chain, &pin, Role::Relay, now).is_ok());
        assert_eq!(
            cert::verify_role(&chain, &pin, Role::Technician, now),
            Err(cert::Error::Role)
        );

        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let request = CertificateParams::new(vec![])
            .unwrap()
            .serialize_request(&key)
            .unwrap();
        let issued = authority
            .issue_technician("Erika Weber", "Nordlicht", request.der())
            .unwrap();
        let chain = [issued.leaf, ca_der];
        let holder = cert::verify(&chain, &pin, Role::Technician, now).unwrap();
        assert_eq!(
            (holder.name.as_str(), holder.organisation.as_str()),
            ("Erika Weber", "Nordlicht")
        );
        assert_eq!(holder.serial, issued.serial);
        assert_eq!(
            cert::verify_role(&chain, &pin, Role::Relay, now),
            Err(cert::Error::Role)
        );

        let other = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let request = CertificateParams::new(vec![])
            .unwrap()
            .serialize_request(&other)
            .unwrap();
        assert!(
            authority
                .issue_technician("Erika Weber", "Nordlicht", request.der())
                .is_err()
        );
        // A key under which everybody's signature holds: the neutral point, with itself and a zero for a signature.
        let mut nobodys = CertificateParams::new(vec![])
            .unwrap()
            .serialize_request(&key)
            .unwrap()
            .der()
            .to_vec();
        let (own, neutral) = (key.public_key_raw(), [&[1][..], &[0; 31]].concat());
        let at = nobodys.windows(32).position(|bytes| bytes == own).unwrap();
        nobodys[at..at + 32].copy_from_slice(&neutral);
        let end = nobodys.len();
        nobodys[end - 64..].copy_from_slice(&[&neutral[..], &[0; 32]].concat());
        // Nested sequences, deeper than any request is.
        let deep = (0..10_000u32).fold(vec![5, 0], |inner, _| {
            let length = (inner.len() as u32).to_be_bytes();
            [&[0x30, 0x84], &length[..], &inner].concat()
        });
        for request in [b"no request".to_vec(), deep, nobodys] {
            let issued = authority.issue_technician("Erika Weber", "Nordlicht", &request);
            assert!(issued.is_err());
            assert!(authority.issue_auditor("Erika Weber", &request).is_err());
        }
    }
}
