//! The relay's directory: CA, relay certificate, relay.toml, register.
//!
//! ```text
//! DIR/ (0700)  ca.pem  ca.key  relay.pem  relay.key  checkpoint.pem  checkpoint.key
//!              relay.toml  register.sqlite  lock   (0600)
//!              what `fernsicht_recordings::store` keeps
//! ```
//!
//! Whatever is missing is made by the first command, whichever it is.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fernsicht_protocol::crypto::{Hash, SigningKey, hash};
use fernsicht_protocol::net::Identity;
use fernsicht_recordings::store::{self, Location, Store};
use rcgen::KeyPair;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use crate::Error;
use crate::authority::{self, Authority, Made};
use crate::config::{self, Config};
use crate::register::Register;

/// An opened data directory.
#[derive(Debug)]
pub(crate) struct Home {
    dir: PathBuf,
    /// DER of the CA certificate.
    pub(crate) ca: Vec<u8>,
    pub(crate) config: Config,
    /// True if this command has made the CA.
    pub(crate) fresh: bool,
}

/// Held by `serve` while it runs.
#[derive(Debug)]
pub(crate) struct ServeLock(#[expect(dead_code, reason = "the lock ends with the file")] File);

impl Home {
    /// Opens the directory and makes what is missing.
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        prepare(dir)?;
        // Two first commands at once must not make two CAs.
        let setup = open_private(&dir.join("setup.lock"))?;
        setup
            .lock()
            .map_err(Error::file("cannot lock", dir.join("setup.lock")))?;

        let toml = dir.join("relay.toml");
        if !toml.exists() {
            write_private(&toml, config::template(&host_name()).as_bytes())?;
        }
        let config = Config::read(&toml)?;
        let ca_file = dir.join("ca.pem");
        let fresh = !ca_file.exists();
        if fresh {
            if dir.join("ca.key").exists() {
                return Err(Error::Certificate {
                    path: ca_file,
                    reason: "it is missing, although its key is there".to_owned(),
                });
            }
            let made = authority::make_ca(&config.name).map_err(damaged(&ca_file))?;
            write_private(&dir.join("ca.key"), made.key.as_bytes())?;
            write_private(&ca_file, made.certificate.as_bytes())?;
        }
        let ca = read_certificate(&ca_file)?;
        let home = Self {
            dir: dir.to_owned(),
            ca,
            config,
            fresh,
        };
        home.renew_relay()?;
        home.renew_checkpoint()?;
        Ok(home)
    }

    /// Takes the place of the one relay that runs on this directory.
    pub(crate) fn lock(&self) -> Result<ServeLock, Error> {
        let path = self.dir.join("lock");
        let file = open_private(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(ServeLock(file)),
            Err(TryLockError::WouldBlock) => Err(Error::Running(self.dir.clone())),
            Err(TryLockError::Error(source)) => Err(Error::file("cannot lock", path)(source)),
        }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn config_file(&self) -> PathBuf {
        self.dir.join("relay.toml")
    }

    /// SHA-256 of the CA certificate.
    pub(crate) fn ca_fingerprint(&self) -> Hash {
        hash(&self.ca)
    }

    /// The CA with its key. Errors: [`Error::NoCaKey`] if it is kept elsewhere.
    pub(crate) fn authority(&self) -> Result<Authority, Error> {
        let path = self.dir.join("ca.key");
        if !path.exists() {
            return Err(Error::NoCaKey(path));
        }
        let key =
            Zeroizing::new(fs::read_to_string(&path).map_err(Error::file("cannot read", &path))?);
        Authority::new(&self.ca, &key).map_err(damaged(&path))
    }

    /// The relay's certificate chain and key.
    pub(crate) fn identity(&self) -> Result<Identity, Error> {
        let leaf = read_certificate(&self.dir.join("relay.pem"))?;
        let path = self.dir.join("relay.key");
        let pem = Zeroizing::new(fs::read(&path).map_err(Error::file("cannot read", &path))?);
        let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|e| Error::Certificate {
            path,
            reason: e.to_string(),
        })?;
        Ok(Identity {
            chain: vec![leaf, self.ca.clone()],
            key: Zeroizing::new(key.secret_der().to_vec()),
        })
    }

    pub(crate) fn register(&self) -> Result<Register, Error> {
        let path = self.dir.join("register.sqlite");
        drop(open_private(&path)?);
        Register::open(&path)
    }

    /// The signer of checkpoints and of the access log: its chain, leaf first, and its key.
    /// Errors: [`Error::NoCaKey`] if it was never made because the CA is elsewhere.
    pub(crate) fn checkpoint_signer(&self) -> Result<(Vec<Vec<u8>>, SigningKey), Error> {
        let path = self.dir.join("checkpoint.pem");
        if !path.exists() {
            return Err(Error::NoCaKey(self.dir.join("ca.key")));
        }
        let leaf = read_certificate(&path)?;
        let path = self.dir.join("checkpoint.key");
        let pem = Zeroizing::new(fs::read(&path).map_err(Error::file("cannot read", &path))?);
        let unusable = |reason: String| Error::Certificate {
            path: path.clone(),
            reason,
        };
        let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|e| unusable(e.to_string()))?;
        let key = SigningKey::from_pkcs8(key.secret_der()).map_err(|e| unusable(e.to_string()))?;
        Ok((vec![leaf, self.ca.clone()], key))
    }

    /// Recordings, their keys, the catalogue and the access log.
    pub(crate) fn store(&self) -> Result<Store, Error> {
        let (_, signer) = self.checkpoint_signer()?;
        let depot = self.config.store.as_str();
        let settings = store::Settings {
            data: self.dir.clone(),
            keys: self.dir.join(&self.config.key_directory),
            depot: Location::parse(depot, &self.dir).ok_or_else(|| Error::Config {
                path: self.config_file(),
                reason: config::store_reason(depot),
            })?,
        };
        Ok(Store::open(settings, Arc::new(signer))?)
    }

    /// Makes the signer of checkpoints if there is none; renews its certificate if it ends
    /// soon. Its key stays: it has signed what must be checked for months, and the access log
    /// for ever. Without the CA key the old certificate stays.
    fn renew_checkpoint(&self) -> Result<(), Error> {
        let path = self.dir.join("checkpoint.pem");
        let key_path = self.dir.join("checkpoint.key");
        let good = path.exists() && key_path.exists() && self.is_good(&read_certificate(&path)?);
        if good || !self.dir.join("ca.key").exists() {
            return Ok(());
        }
        if !key_path.exists() {
            let key = authority::make_key().map_err(damaged(&key_path))?;
            write_private(&key_path, key.as_bytes())?;
        }
        let pem = fs::read_to_string(&key_path).map_err(Error::file("cannot read", &key_path))?;
        let key = KeyPair::from_pem(&Zeroizing::new(pem)).map_err(damaged(&key_path))?;
        let certificate = self
            .authority()?
            .certify_checkpoint(&self.config.name, &key)
            .map_err(damaged(&path))?;
        write_private(&path, certificate.as_bytes())
    }

    /// Makes the relay's certificate if there is none, if relay.toml names the relay
    /// otherwise, or if it ends soon. Without the CA key the old one stays.
    fn renew_relay(&self) -> Result<(), Error> {
        let path = self.dir.join("relay.pem");
        let key_path = self.dir.join("relay.key");
        let good = path.exists() && key_path.exists() && self.is_good(&read_certificate(&path)?);
        if good || (path.exists() && !self.dir.join("ca.key").exists()) {
            return Ok(());
        }
        let Made { certificate, key } = self
            .authority()?
            .make_relay(&self.config.name)
            .map_err(damaged(&path))?;
        write_private(&key_path, key.as_bytes())?;
        write_private(&path, certificate.as_bytes())
    }

    fn is_good(&self, leaf: &[u8]) -> bool {
        let Ok((_, certificate)) = x509_parser::parse_x509_certificate(leaf) else {
            return false;
        };
        let ends = certificate.validity().not_after.timestamp();
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        let named = certificate
            .subject()
            .iter_common_name()
            .any(|name| name.as_str().is_ok_and(|name| name == self.config.name));
        named && ends - now > RENEW_BEFORE_S
    }
}

/// Makes the directory, or checks that an existing one is ours or empty.
fn prepare(dir: &Path) -> Result<(), Error> {
    let cannot = || Error::file("cannot use the data directory", dir);
    match fs::read_dir(dir) {
        Ok(mut entries) => {
            let ours = ["relay.toml", "ca.pem", "ca.key", "setup.lock"]
                .iter()
                .any(|f| dir.join(f).exists());
            if !ours && entries.next().is_some() {
                return Err(Error::ForeignDirectory(dir.to_owned()));
            }
            let mode = fs::metadata(dir).map_err(cannot())?.permissions().mode();
            if mode & 0o077 != 0 {
                fs::set_permissions(dir, Permissions::from_mode(0o700)).map_err(cannot())?;
            }
            Ok(())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(cannot()),
        Err(error) => Err(cannot()(error)),
    }
}

fn open_private(path: &Path) -> Result<File, Error> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(Error::file("cannot open", path))
}

/// Writes a whole file or none, readable by its owner only.
fn write_private(path: &Path, content: &[u8]) -> Result<(), Error> {
    let part = path.with_extension("part");
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&part)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().map_err(Error::file("cannot write", path))
}

fn read_certificate(path: &Path) -> Result<Vec<u8>, Error> {
    let pem = fs::read(path).map_err(Error::file("cannot read", path))?;
    let der = CertificateDer::from_pem_slice(&pem).map_err(|e| Error::Certificate {
        path: path.to_owned(),
        reason: e.to_string(),
    })?;
    Ok(der.to_vec())
}

fn damaged(path: &Path) -> impl FnOnce(rcgen::Error) -> Error {
    let path = path.to_owned();
    move |error| Error::Certificate {
        path,
        reason: error.to_string(),
    }
}

fn host_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    match rustls::pki_types::DnsName::try_from(name) {
        Ok(_) => name.to_owned(),
        Err(_) => "localhost".to_owned(),
    }
}

const RENEW_BEFORE_S: i64 = 60 * 24 * 3600;

#[cfg(test)]
mod tests {
    use super::*;
    use fernsicht_protocol::cert::{self, Role};

    #[test]
    fn the_signer_of_checkpoints_keeps_its_key() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let home = Home::open(&data).unwrap();
        let now = time::OffsetDateTime::now_utc().unix_timestamp() as u64;
        let pin = home.ca_fingerprint();
        let (chain, key) = home.checkpoint_signer().unwrap();
        let holder = cert::verify(&chain, &pin, Role::Checkpoint, now).unwrap();
        assert_eq!(holder.key, key.public());
        let other = cert::verify(&chain, &pin, Role::Relay, now);
        assert_eq!(other.unwrap_err(), cert::Error::Role);

        fs::remove_file(data.join("checkpoint.pem")).unwrap();
        let home = Home::open(&data).unwrap();
        let (renewed, same) = home.checkpoint_signer().unwrap();
        assert_ne!(renewed[0], chain[0]);
        assert_eq!(same.public(), key.public());
        assert!(cert::verify(&renewed, &pin, Role::Checkpoint, now).is_ok());
    }
}
