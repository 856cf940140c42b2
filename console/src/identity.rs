//! Who this console is: the technician's key and certificate, and the relay they are for.
//!
//! ```text
//! DIR/technician.key    PKCS #8, PEM      made here, never leaves
//! DIR/technician.chain  certificates, PEM, leaf first, CA last
//! DIR/relay             three lines: address, relay name, CA fingerprint in hex
//! ```
//!
//! The directory is for its owner only (0700, files 0600); a key that others can read is refused.
//! Not here: the conversation that fetches the certificate ([`crate::enrol`]).

use std::path::{Path, PathBuf};

use fernsicht_protocol::cert;
use fernsicht_protocol::crypto::{Hash, SigningKey};
use zeroize::Zeroizing;

use crate::folder::{Folder, pem, pem_blocks};
use crate::view::Problem;

/// Where the relay is and how it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// `host:port`.
    pub address: String,
    /// The name in its certificate.
    pub name: String,
    /// SHA-256 of the CA certificate.
    pub ca: Hash,
}

/// An enrolled technician.
pub struct Identity {
    /// The relay.
    pub relay: Relay,
    /// Certificates, DER, leaf first, CA last.
    pub chain: Vec<Vec<u8>>,
    /// The technician's name in the certificate.
    pub technician: String,
    /// The certificate's last second, since 1970 UTC.
    pub valid_until: u64,
    /// PKCS #8, DER.
    pub key_der: Zeroizing<Vec<u8>>,
    /// The same key, for signing.
    pub key: SigningKey,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity")
            .field("relay", &self.relay)
            .finish_non_exhaustive()
    }
}

impl Identity {
    /// Puts the parts together and checks that they belong together.
    pub fn new(
        relay: Relay,
        chain: Vec<Vec<u8>>,
        key_der: Zeroizing<Vec<u8>>,
    ) -> Result<Self, Problem> {
        let leaf = chain.first().ok_or(Problem::Certificate)?;
        let holder = cert::holder(leaf).map_err(|e| Problem::RelayAnswer(e.to_string()))?;
        let valid_until =
            cert::valid_until(leaf).map_err(|e| Problem::RelayAnswer(e.to_string()))?;
        let key = SigningKey::from_pkcs8(&key_der).map_err(|e| Problem::Internal(e.to_string()))?;
        if holder.key != key.public() {
            return Err(Problem::RelayAnswer(
                "the certificate is for another key".into(),
            ));
        }
        Ok(Self {
            relay,
            chain,
            technician: holder.name,
            valid_until,
            key_der,
            key,
        })
    }
}

/// The directory that holds an identity.
#[derive(Debug, Clone)]
pub struct Store(Folder);

impl Store {
    /// In `dir`, or in the system's place for this program's data.
    pub fn new(dir: Option<PathBuf>) -> Result<Self, Problem> {
        Folder::new(dir, "fernsicht-console").map(Self)
    }

    /// Where this is.
    pub fn dir(&self) -> &Path {
        self.0.dir()
    }

    /// The directory.
    pub fn folder(&self) -> &Folder {
        &self.0
    }

    /// Reads the identity; `None` before enrolment.
    pub fn load(&self) -> Result<Option<Identity>, Problem> {
        let folder = &self.0;
        if !folder.holds(KEY)? {
            return Ok(None);
        }
        folder.check_permissions(KEY)?;
        let key = Zeroizing::new(folder.read_text(KEY)?);
        let key_der = Zeroizing::new(
            pem_blocks(&key)
                .into_iter()
                .next()
                .ok_or_else(|| folder.damaged(KEY))?,
        );
        let chain = pem_blocks(&folder.read_text(CHAIN)?);
        let relay = folder.read_relay(RELAY)?;
        Identity::new(relay, chain, key_der)
            .map(Some)
            .map_err(|_| folder.damaged(CHAIN))
    }

    /// Writes the identity. The key goes last: without it nothing is enrolled.
    pub fn save(&self, identity: &Identity) -> Result<(), Problem> {
        let folder = &self.0;
        folder.prepare()?;
        folder.write_relay(RELAY, &identity.relay)?;
        let chain: String = identity
            .chain
            .iter()
            .map(|der| pem("CERTIFICATE", der))
            .collect();
        folder.write(CHAIN, chain.as_bytes())?;
        let key = Zeroizing::new(pem("PRIVATE KEY", &identity.key_der));
        folder.write(KEY, key.as_bytes())
    }

    /// Makes the directory, so that a token is not spent on a disk that cannot be written to.
    pub fn prepare(&self) -> Result<(), Problem> {
        self.0.prepare()
    }
}

const KEY: &str = "technician.key";
const CHAIN: &str = "technician.chain";
const RELAY: &str = "relay";

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A certificate for a fresh key, signed by itself: enough for what does not check chains.
    pub(crate) fn identity(name: &str) -> Identity {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let mut params = rcgen::CertificateParams::default();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        let leaf = params.self_signed(&key).unwrap();
        let relay = Relay {
            address: "relay.example:7443".into(),
            name: "relay.example".into(),
            ca: [7; 32],
        };
        Identity::new(
            relay,
            vec![leaf.der().to_vec()],
            Zeroizing::new(key.serialize_der()),
        )
        .unwrap()
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(Some(dir.path().join("deep/console"))).unwrap();
        assert!(store.load().unwrap().is_none());
        let identity = identity("Erika Weber");
        store.save(&identity).unwrap();
        let loaded = store.load().unwrap().unwrap();
        assert_eq!(loaded.relay, identity.relay);
        assert_eq!(loaded.chain, identity.chain);
        assert_eq!(loaded.technician, "Erika Weber");
        assert_eq!(loaded.key_der, identity.key_der);
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(Some(dir.path().to_owned())).unwrap();
        store.save(&identity("Erika Weber")).unwrap();
        let key = dir.path().join(KEY);
        assert_eq!(
            std::fs::metadata(&key).unwrap().permissions().mode() & 0o777,
            0o600
        );
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(store.load(), Err(Problem::StorageOpen { .. })));
    }

    #[test]
    fn damaged_files_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(Some(dir.path().to_owned())).unwrap();
        store.save(&identity("Erika Weber")).unwrap();
        std::fs::write(dir.path().join(RELAY), "nonsense").unwrap();
        let Err(Problem::Storage { detail, .. }) = store.load() else {
            panic!("it is damaged")
        };
        assert!(detail.contains(RELAY));
    }
}
