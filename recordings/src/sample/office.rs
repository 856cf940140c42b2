//! An operator with its people, drawn from a seed.

use fernsicht_protocol::cert::{Role, role_arcs};
use fernsicht_protocol::crypto::{self, Hash, SigningKey, hash};
use fernsicht_protocol::messages::Chain;
use fernsicht_protocol::sealing::AuditorKey;
use fernsicht_protocol::wire::{Blob, List};
use rand_core::{CryptoRng, RngCore};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};

/// Reproducible bytes that are anything but random (splitmix64).
#[derive(Debug, Clone)]
pub struct Dice(pub u64);

impl RngCore for Dice {
    fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        for chunk in dest.chunks_mut(8) {
            let bytes = self.next_u64().to_be_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

impl CryptoRng for Dice {}

/// An operator with its people.
#[derive(Debug)]
pub struct Office {
    /// The CA certificate, DER.
    pub ca: Vec<u8>,
    /// The technician's chain: Erika Weber, Technik.
    pub technician: Chain,
    /// The technician's key.
    pub technician_key: SigningKey,
    /// The checkpoint signer's chain.
    pub signer: Chain,
    /// The checkpoint signer's key.
    pub signer_key: SigningKey,
    /// The auditors, to all of whom recordings are sealed.
    pub auditors: Vec<AuditorKey>,
}

impl Office {
    /// Makes CA, technician, checkpoint signer and two auditors.
    pub fn new(seed: u64) -> Self {
        let mut rng = Dice(seed);
        let (ca_key, _) = key(&mut rng);
        let mut params = params("Fernsicht CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = params.self_signed(&ca_key).expect("a CA").der().to_vec();
        let issuer = Issuer::new(params, ca_key);
        let mut issue = |name: &str, role: Role| {
            let (pair, key) = key(&mut rng);
            let mut params = self::params(name);
            params.extended_key_usages =
                vec![ExtendedKeyUsagePurpose::Other(role_arcs(role).to_vec())];
            let leaf = params.signed_by(&pair, &issuer).expect("a certificate");
            (List(vec![Blob(leaf.der().to_vec()), Blob(ca.clone())]), key)
        };
        let (technician, technician_key) = issue("Erika Weber", Role::Technician);
        let (signer, signer_key) = issue("checkpoints", Role::Checkpoint);
        let auditors = vec![AuditorKey::draw(&mut rng), AuditorKey::draw(&mut rng)];
        Self {
            ca,
            technician,
            technician_key,
            signer,
            signer_key,
            auditors,
        }
    }

    /// SHA-256 of the CA certificate, by which it is pinned.
    pub fn pin(&self) -> Hash {
        hash(&self.ca)
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2036, 1, 1);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let organisation = DnType::OrganizationName;
    params.distinguished_name.push(organisation, "Technik");
    params
}

fn key(rng: &mut Dice) -> (KeyPair, SigningKey) {
    // RFC 8410: a PKCS #8 document that holds nothing but the seed.
    let mut der = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".to_vec();
    der.extend(crypto::random::<32>(rng));
    let key = SigningKey::from_pkcs8(&der).expect("a seed");
    let pair = KeyPair::try_from(der.as_slice()).expect("a seed");
    (pair, key)
}
