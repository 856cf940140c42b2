//! Who this auditor is: two keys under a passphrase, a certificate, and the relay they are for.
//!
//! ```text
//! DIR/auditor.keys   both private keys, sealed (below)
//! DIR/auditor.chain  certificates, PEM, leaf first, CA last
//! DIR/auditor.key    X25519 public key, hex: what recordings are sealed to
//! DIR/relay          three lines: address, relay name, CA fingerprint in hex
//!
//! auditor.keys = "FERNSICHTKEYS" ‖ version u16 ‖ memory KiB u32 ‖ passes u32 ‖ lanes u32 ‖ salt[16]
//!                ‖ AES-256-GCM(Argon2id(passphrase, salt), nonce 0, AAD = everything before it,
//!                              X25519 secret[32] ‖ Ed25519 PKCS #8)
//! ```
//!
//! The passphrase is final: without it the keys are gone, and with them every recording that is
//! sealed to this auditor alone. A salt is drawn for every file, so no nonce repeats under a key.
//!
//! Not here: asking for the passphrase ([`super::passphrase`]), enrolment ([`super::enrol`]).

use argon2::{Algorithm, Argon2, Params, Version};
use data_encoding::HEXLOWER;
use fernsicht_protocol::cert;
use fernsicht_protocol::crypto::{self, AeadKey, Hash, Secret, SigningKey};
use fernsicht_protocol::sealing::AuditorKey;
use rand_core::OsRng;
use zeroize::Zeroizing;

use super::Failure;
use super::passphrase::Passphrase;
use crate::folder::{Folder, pem, pem_blocks};
use crate::identity::Relay;

/// An enrolled auditor, with the keys open.
pub struct Identity {
    /// The relay.
    pub relay: Relay,
    /// Certificates, DER, leaf first, CA last.
    pub chain: Vec<Vec<u8>>,
    /// The name in the certificate.
    pub name: String,
    /// PKCS #8, DER: for TLS.
    pub key_der: Zeroizing<Vec<u8>>,
    /// The same key: signs reports.
    pub key: SigningKey,
    /// Opens recordings.
    pub opening: AuditorKey,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity")
            .field("name", &self.name)
            .field("relay", &self.relay)
            .finish_non_exhaustive()
    }
}

/// What may be known of an auditor without the passphrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The name in the certificate.
    pub name: String,
    /// The relay.
    pub relay: Relay,
    /// X25519: what recordings are sealed to.
    pub public: [u8; 32],
}

impl Known {
    /// What receipts and the relay call this key.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.public)
    }
}

/// How a public key is shown to people: SHA-256, hex.
pub fn fingerprint(public: &[u8; 32]) -> String {
    HEXLOWER.encode(&crypto::hash(public))
}

/// How hard a guess at the passphrase is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Effort {
    /// RFC 9106, section 4, second recommendation: a second on an ordinary computer.
    pub const ORDINARY: Self = Self {
        memory_kib: 64 << 10,
        passes: 3,
        lanes: 4,
    };

    fn derive(self, passphrase: &Passphrase, salt: &[u8; SALT]) -> Option<Secret> {
        if self.memory_kib > MOST_MEMORY_KIB || self.passes > MOST_PASSES {
            return None;
        }
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).ok()?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.bytes(), salt, key.as_mut_slice())
            .ok()?;
        Some(key)
    }
}

/// The directory that holds an auditor.
#[derive(Debug, Clone)]
pub struct Store(Folder);

impl Store {
    /// In `dir`, or in the system's place for this program's data.
    pub fn new(dir: Option<std::path::PathBuf>) -> Result<Self, Failure> {
        Ok(Self(Folder::new(dir, "fernsicht-auditor")?))
    }

    /// The directory, for what else belongs to this auditor.
    pub fn folder(&self) -> &Folder {
        &self.0
    }

    /// Who is enrolled here; `None` before enrolment.
    pub fn known(&self) -> Result<Option<Known>, Failure> {
        if !self.0.holds(KEYS)? {
            return Ok(None);
        }
        let chain = self.chain()?;
        let name = self.name(&chain)?;
        let public = HEXLOWER
            .decode(self.0.read_text(PUBLIC)?.trim().as_bytes())
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| self.0.damaged(PUBLIC))?;
        Ok(Some(Known {
            name,
            relay: self.0.read_relay(RELAY)?,
            public,
        }))
    }

    /// Opens the keys. Errors: [`Failure::Passphrase`], [`Failure::NotEnrolled`], storage.
    pub fn open(&self, passphrase: &Passphrase) -> Result<Identity, Failure> {
        let known = self.known()?.ok_or(Failure::NotEnrolled)?;
        self.0.check_permissions(KEYS)?;
        let file = self.0.read(KEYS)?;
        let keys = open_keys(&file, passphrase).map_err(|why| match why {
            Unopened::Passphrase => Failure::Passphrase,
            Unopened::Damaged => self.0.damaged(KEYS).into(),
        })?;
        if keys.opening.public() != known.public {
            return Err(self.0.damaged(PUBLIC).into());
        }
        let chain = self.chain()?;
        Identity::new(known.relay, chain, keys).ok_or_else(|| self.0.damaged(CHAIN).into())
    }

    /// Writes everything. The keys go last: without them nobody is enrolled.
    pub fn save(
        &self,
        relay: &Relay,
        chain: &[Vec<u8>],
        keys: &Keys,
        passphrase: &Passphrase,
        effort: Effort,
    ) -> Result<(), Failure> {
        self.0.prepare()?;
        self.0.write_relay(RELAY, relay)?;
        let chain: String = chain.iter().map(|der| pem("CERTIFICATE", der)).collect();
        self.0.write(CHAIN, chain.as_bytes())?;
        let public = HEXLOWER.encode(&keys.opening.public());
        self.0.write(PUBLIC, format!("{public}\n").as_bytes())?;
        let sealed = seal_keys(keys, passphrase, effort)
            .ok_or_else(|| Failure::Internal("Argon2 refuses its parameters".into()))?;
        Ok(self.0.write(KEYS, &sealed)?)
    }

    /// Makes the directory, so that a token is not spent on a disk that cannot be written to.
    pub fn prepare(&self) -> Result<(), Failure> {
        Ok(self.0.prepare()?)
    }

    fn chain(&self) -> Result<Vec<Vec<u8>>, Failure> {
        Ok(pem_blocks(&self.0.read_text(CHAIN)?))
    }

    fn name(&self, chain: &[Vec<u8>]) -> Result<String, Failure> {
        let leaf = chain.first().ok_or_else(|| self.0.damaged(CHAIN))?;
        let holder = cert::holder(leaf).map_err(|_| self.0.damaged(CHAIN))?;
        Ok(holder.name)
    }
}

impl Identity {
    /// Puts the parts together; none if they do not belong together.
    pub fn new(relay: Relay, chain: Vec<Vec<u8>>, keys: Keys) -> Option<Self> {
        let holder = cert::holder(chain.first()?).ok()?;
        let key = SigningKey::from_pkcs8(&keys.signing_der).ok()?;
        (holder.key == key.public()).then_some(Self {
            relay,
            chain,
            name: holder.name,
            key_der: keys.signing_der,
            key,
            opening: keys.opening,
        })
    }

    /// SHA-256 of the own certificate.
    pub fn certificate(&self) -> Hash {
        self.chain
            .first()
            .map_or([0; 32], |leaf| crypto::hash(leaf))
    }
}

/// An auditor's private keys.
pub struct Keys {
    /// Ed25519, PKCS #8, DER.
    pub signing_der: Zeroizing<Vec<u8>>,
    /// X25519.
    pub opening: AuditorKey,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

enum Unopened {
    Passphrase,
    Damaged,
}

fn seal_keys(keys: &Keys, passphrase: &Passphrase, effort: Effort) -> Option<Vec<u8>> {
    let salt: [u8; SALT] = crypto::random(&mut OsRng);
    let key = AeadKey::new(&effort.derive(passphrase, &salt)?);
    let mut file = MAGIC.to_vec();
    file.extend_from_slice(&FORMAT.to_be_bytes());
    for number in [effort.memory_kib, effort.passes, effort.lanes] {
        file.extend_from_slice(&number.to_be_bytes());
    }
    file.extend_from_slice(&salt);
    // With room for the tag: a buffer that moved would leave the keys behind.
    let mut sealed = Zeroizing::new(Vec::with_capacity(
        32 + keys.signing_der.len() + crypto::TAG_BYTES,
    ));
    sealed.extend_from_slice(keys.opening.bytes().as_slice());
    sealed.extend_from_slice(&keys.signing_der);
    key.seal(0, &file, &mut sealed);
    file.extend_from_slice(&sealed);
    Some(file)
}

fn open_keys(file: &[u8], passphrase: &Passphrase) -> Result<Keys, Unopened> {
    let (head, sealed) = file.split_at_checked(HEAD).ok_or(Unopened::Damaged)?;
    let rest = head.strip_prefix(MAGIC).ok_or(Unopened::Damaged)?;
    let (version, rest) = rest.split_first_chunk::<2>().ok_or(Unopened::Damaged)?;
    if u16::from_be_bytes(*version) != FORMAT {
        return Err(Unopened::Damaged);
    }
    let mut numbers = [0; 3];
    let (parameters, salt) = rest.split_at(12);
    for (number, bytes) in numbers.iter_mut().zip(parameters.as_chunks::<4>().0) {
        *number = u32::from_be_bytes(*bytes);
    }
    let [memory_kib, passes, lanes] = numbers;
    let effort = Effort {
        memory_kib,
        passes,
        lanes,
    };
    let salt = salt.try_into().map_err(|_| Unopened::Damaged)?;
    let key = effort.derive(passphrase, salt).ok_or(Unopened::Damaged)?;
    let mut plain = Zeroizing::new(sealed.to_vec());
    AeadKey::new(&key)
        .open(0, head, &mut plain)
        .map_err(|_| Unopened::Passphrase)?;
    let (opening, signing) = plain.split_first_chunk::<32>().ok_or(Unopened::Damaged)?;
    Ok(Keys {
        signing_der: Zeroizing::new(signing.to_vec()),
        opening: AuditorKey::from_bytes(Zeroizing::new(*opening)),
    })
}

const KEYS: &str = "auditor.keys";
const CHAIN: &str = "auditor.chain";
const PUBLIC: &str = "auditor.key";
const RELAY: &str = "relay";
const MAGIC: &[u8] = b"FERNSICHTKEYS";
const FORMAT: u16 = 1;
const SALT: usize = 16;
const HEAD: usize = MAGIC.len() + 2 + 12 + SALT;

/// A file that asks for more was not made here.
const MOST_MEMORY_KIB: u32 = 1 << 20;
const MOST_PASSES: u32 = 64;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Quick: what the effort is worth is not what these tests are about.
    pub(crate) const LITTLE: Effort = Effort {
        memory_kib: 64,
        passes: 1,
        lanes: 1,
    };

    pub(crate) fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(text.to_owned().into()).unwrap()
    }

    pub(crate) fn keys() -> Keys {
        let signing = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        Keys {
            signing_der: Zeroizing::new(signing.serialize_der()),
            opening: AuditorKey::draw(&mut OsRng),
        }
    }

    fn enrolled(dir: &std::path::Path) -> (Store, Keys) {
        let store = Store::new(Some(dir.to_owned())).unwrap();
        let keys = keys();
        let signing = rcgen::KeyPair::try_from(keys.signing_der.as_slice()).unwrap();
        let mut params = rcgen::CertificateParams::default();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "Jonas Brandt");
        let leaf = params.self_signed(&signing).unwrap().der().to_vec();
        let relay = Relay {
            address: "relay.example:7443".into(),
            name: "relay.example".into(),
            ca: [7; 32],
        };
        let right = passphrase("correct horse battery");
        store.save(&relay, &[leaf], &keys, &right, LITTLE).unwrap();
        (store, keys)
    }

    #[test]
    fn the_keys_open_with_the_passphrase_and_with_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let (store, keys) = enrolled(dir.path());
        let opened = store.open(&passphrase("correct horse battery")).unwrap();
        assert_eq!(opened.name, "Jonas Brandt");
        assert_eq!(opened.opening.bytes(), keys.opening.bytes());
        assert_eq!(opened.key_der, keys.signing_der);
        assert!(matches!(
            store.open(&passphrase("correct horse batterY")),
            Err(Failure::Passphrase)
        ));
    }

    #[test]
    fn neither_key_stands_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let (store, keys) = enrolled(dir.path());
        let file = store.folder().read(KEYS).unwrap();
        for secret in [keys.opening.bytes().as_slice(), &keys.signing_der[16..48]] {
            assert!(!file.windows(secret.len()).any(|w| w == secret));
        }
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = enrolled(dir.path());
        let file = store.folder().read(KEYS).unwrap();
        let right = passphrase("correct horse battery");
        for at in 0..file.len() {
            let mut flipped = file.clone();
            // Not so that a memory of gigabytes is asked for.
            flipped[at] ^= 1;
            assert!(open_keys(&flipped, &right).is_err(), "byte {at}");
            assert!(open_keys(&file[..at], &right).is_err(), "cut at {at}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn keys_that_others_can_read_are_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = enrolled(dir.path());
        let path = dir.path().join(KEYS);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(store.open(&passphrase("correct horse battery")).is_err());
    }
}
