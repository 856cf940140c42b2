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

use std::io::Write as _;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use fernsicht_protocol::cert;
use fernsicht_protocol::crypto::{Hash, SigningKey};
use zeroize::Zeroizing;

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
            key_der,
            key,
        })
    }
}

/// The directory that holds an identity.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
}

impl Store {
    /// In `dir`, or in the system's place for this program's data.
    pub fn new(dir: Option<PathBuf>) -> Result<Self, Problem> {
        let dir = match dir {
            Some(dir) => dir,
            None => directories::ProjectDirs::from("", "", "fernsicht-console")
                .map(|dirs| dirs.data_local_dir().to_owned())
                .ok_or_else(|| Problem::Storage {
                    path: "~".into(),
                    detail: "no home directory".into(),
                })?,
        };
        Ok(Self { dir })
    }

    /// Where this is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Reads the identity; `None` before enrolment.
    pub fn load(&self) -> Result<Option<Identity>, Problem> {
        let key_path = self.dir.join(KEY);
        if !key_path.try_exists().map_err(|e| self.problem(&e))? {
            return Ok(None);
        }
        self.check_permissions(&key_path)?;
        let key = Zeroizing::new(self.read(KEY)?);
        let key_der = Zeroizing::new(
            pem_blocks(&key)
                .into_iter()
                .next()
                .ok_or_else(|| self.damaged(KEY))?,
        );
        let chain = pem_blocks(&self.read(CHAIN)?);
        let relay = parse_relay(&self.read(RELAY)?).ok_or_else(|| self.damaged(RELAY))?;
        Identity::new(relay, chain, key_der)
            .map(Some)
            .map_err(|_| self.damaged(CHAIN))
    }

    /// Writes the identity. The key goes last: without it nothing is enrolled.
    pub fn save(&self, identity: &Identity) -> Result<(), Problem> {
        self.prepare()?;
        let relay = &identity.relay;
        let lines = format!(
            "{}\n{}\n{}\n",
            relay.address,
            relay.name,
            HEXLOWER.encode(&relay.ca)
        );
        self.write(RELAY, &lines)?;
        let chain: String = identity
            .chain
            .iter()
            .map(|der| pem("CERTIFICATE", der))
            .collect();
        self.write(CHAIN, &chain)?;
        self.write(KEY, &Zeroizing::new(pem("PRIVATE KEY", &identity.key_der)))
    }

    /// Makes the directory, so that a token is not spent on a disk that cannot be written to.
    pub fn prepare(&self) -> Result<(), Problem> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.dir).map_err(|e| self.problem(&e))?;
        let probe = ".writable";
        self.write(probe, "")?;
        std::fs::remove_file(self.dir.join(probe)).map_err(|e| self.problem(&e))
    }

    fn read(&self, name: &str) -> Result<String, Problem> {
        std::fs::read_to_string(self.dir.join(name)).map_err(|e| self.problem(&e))
    }

    /// Whole or not at all: written beside, synced, renamed.
    fn write(&self, name: &str, text: &str) -> Result<(), Problem> {
        let beside = self.dir.join(format!("{name}.new"));
        let written = (|| {
            let mut options = std::fs::OpenOptions::new();
            options.write(true).create(true).truncate(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&beside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&beside, self.dir.join(name))
        })();
        written.map_err(|e| self.problem(&e))
    }

    #[cfg(unix)]
    fn check_permissions(&self, path: &Path) -> Result<(), Problem> {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(path)
            .map_err(|e| self.problem(&e))?
            .permissions()
            .mode();
        if mode & 0o077 != 0 {
            return Err(Problem::StorageOpen {
                path: self.dir.display().to_string(),
            });
        }
        Ok(())
    }

    #[cfg(not(unix))]
    fn check_permissions(&self, _: &Path) -> Result<(), Problem> {
        Ok(())
    }

    fn problem(&self, error: &std::io::Error) -> Problem {
        Problem::Storage {
            path: self.dir.display().to_string(),
            detail: error.to_string(),
        }
    }

    fn damaged(&self, name: &str) -> Problem {
        Problem::Storage {
            path: self.dir.display().to_string(),
            detail: format!("{name} is damaged"),
        }
    }
}

fn parse_relay(lines: &str) -> Option<Relay> {
    let mut lines = lines.lines();
    let (address, name, ca) = (lines.next()?, lines.next()?, lines.next()?);
    let ca = HEXLOWER.decode(ca.as_bytes()).ok()?.try_into().ok()?;
    Some(Relay {
        address: address.to_owned(),
        name: name.to_owned(),
        ca,
    })
}

/// RFC 7468, with the line length that it asks for.
fn pem(label: &str, der: &[u8]) -> String {
    let body = Zeroizing::new(data_encoding::BASE64.encode(der));
    let mut out = format!("-----BEGIN {label}-----\n");
    for at in (0..body.len()).step_by(64) {
        out.push_str(&body[at..body.len().min(at + 64)]);
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

fn pem_blocks(text: &str) -> Vec<Vec<u8>> {
    let mut blocks = Vec::new();
    let mut body = None::<Zeroizing<String>>;
    for line in text.lines() {
        if line.starts_with("-----BEGIN ") {
            body = Some(Zeroizing::default());
        } else if line.starts_with("-----END ") {
            let block = body
                .take()
                .and_then(|b| data_encoding::BASE64.decode(b.as_bytes()).ok());
            blocks.extend(block);
        } else if let Some(body) = &mut body {
            body.push_str(line.trim());
        }
    }
    blocks
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
