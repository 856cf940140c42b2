//! A certificate authority of the tests' own: for taps, and for relays and technicians that are
//! hostile although their keys are valid.

use anyhow::{Context, Result};
use fernsicht_protocol::cert::{self, Role};
use fernsicht_protocol::crypto::{self, Hash};
use fernsicht_protocol::net::Identity;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ED25519, date_time_ymd,
};

/// A CA that issues what it is asked for.
#[derive(Debug)]
pub struct Authority {
    certificate: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A fresh CA.
    pub fn new() -> Result<Self> {
        let key = KeyPair::generate_for(&PKCS_ED25519)?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params
            .distinguished_name
            .push(DnType::CommonName, "Test CA");
        let certificate = params.self_signed(&key)?.der().to_vec();
        Ok(Self {
            certificate,
            issuer: Issuer::new(params, key),
        })
    }

    /// A CA that exists already, for instance a test relay's: certificate in DER, key in PEM.
    pub fn load(certificate: Vec<u8>, key_pem: &str) -> Result<Self> {
        let key = KeyPair::from_pem(key_pem).context("the CA's key cannot be read")?;
        let issuer = Issuer::from_ca_cert_der(&certificate.as_slice().into(), key)?;
        Ok(Self {
            certificate,
            issuer,
        })
    }

    /// The fingerprint that agents and tokens carry.
    pub fn fingerprint(&self) -> Hash {
        crypto::hash(&self.certificate)
    }

    /// A certificate for a role, with its chain and key. A relay's name is its host name.
    pub fn issue(&self, role: Role, name: &str, organisation: &str) -> Result<Identity> {
        self.sign(&leaf(role, name, organisation)?)
    }

    /// A technician's certificate that is valid from the beginning of one year to that of another.
    pub fn issue_for_years(&self, name: &str, [from, to]: [i32; 2]) -> Result<Identity> {
        let mut params = leaf(Role::Technician, name, "Test")?;
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Result<Identity> {
        let key = KeyPair::generate_for(&PKCS_ED25519)?;
        let leaf = params.signed_by(&key, &self.issuer)?;
        let chain = vec![leaf.der().to_vec(), self.certificate.clone()];
        Ok(Identity {
            chain,
            key: key.serialize_der().into(),
        })
    }
}

/// A technician's certificate that nobody but himself has signed.
pub fn self_signed(name: &str) -> Result<Identity> {
    let key = KeyPair::generate_for(&PKCS_ED25519)?;
    let leaf = leaf(Role::Technician, name, "Test")?.self_signed(&key)?;
    Ok(Identity {
        chain: vec![leaf.der().to_vec()],
        key: key.serialize_der().into(),
    })
}

fn leaf(role: Role, name: &str, organisation: &str) -> Result<CertificateParams> {
    let server_names = if role == Role::Relay {
        vec![name.to_owned()]
    } else {
        vec![]
    };
    let mut params = CertificateParams::new(server_names)?;
    params.distinguished_name.push(DnType::CommonName, name);
    params
        .distinguished_name
        .push(DnType::OrganizationName, organisation);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(
        cert::role_arcs(role).to_vec(),
    )];
    Ok(params)
}
