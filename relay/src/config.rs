//! relay.toml: written with comments at the first start, filled in by the operator.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fernsicht_protocol::router::{self, Rate};
use fernsicht_recordings::store::Location;
use serde::Deserialize;

use crate::Error;

/// What relay.toml says. Empty fields are allowed until an agent is made.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) public_address: String,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) operator: String,
    #[serde(default)]
    pub(crate) domain: String,
    #[serde(default)]
    pub(crate) address: String,
    #[serde(default)]
    pub(crate) complaints_office: String,
    #[serde(default)]
    pub(crate) privacy_contact: String,
    #[serde(default)]
    pub(crate) authority: String,
    #[serde(default)]
    pub(crate) legal_basis: String,
    #[serde(default = "german")]
    pub(crate) language: String,
    /// Where sealed keys are kept; a relative path stands in the data directory.
    #[serde(default = "keys")]
    pub(crate) key_directory: PathBuf,
    /// Where finished recordings are kept.
    #[serde(default = "recordings")]
    pub(crate) store: String,
    /// How long sessions may go on after SIGTERM.
    #[serde(default = "drain_seconds")]
    pub(crate) drain_seconds: u16,
    #[serde(default)]
    pub(crate) limits: Limits,
}

/// The table `limits`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    pub(crate) sessions: usize,
    pub(crate) connections: usize,
    pub(crate) connections_per_network: usize,
    pub(crate) joins_per_network: u32,
    pub(crate) seconds_per_join: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: 2_000,
            connections: 8_000,
            connections_per_network: 400,
            joins_per_network: 20,
            seconds_per_join: 30,
        }
    }
}

impl Config {
    /// Reads and checks the file.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(Error::file("cannot read", path))?;
        let invalid = |reason: String| Error::Config {
            path: path.to_owned(),
            reason,
        };
        let config: Self =
            toml::from_str(&text).map_err(|e| invalid(e.to_string().trim_end().to_owned()))?;
        config.check().map_err(invalid)?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        let port = self
            .public_address
            .rsplit_once(':')
            .map(|(host, port)| (host, port.parse::<u16>()));
        if !matches!(port, Some((host, Ok(port))) if !host.is_empty() && port != 0) {
            return Err(format!(
                "`public_address` is {:?}, but must be a host name or address and a port, as in \"relay.example:7443\"",
                self.public_address
            ));
        }
        if rustls::pki_types::ServerName::try_from(self.name.as_str()).is_err() {
            return Err(format!(
                "`name` is {:?}, but must look like a host name",
                self.name
            ));
        }
        if !matches!(self.language.as_str(), "de" | "en") {
            return Err(format!(
                "`language` is {:?}, but must be \"de\" or \"en\"",
                self.language
            ));
        }
        for (field, value, max) in [
            ("public_address", &self.public_address, 256),
            ("name", &self.name, 128),
            ("operator", &self.operator, 128),
            ("domain", &self.domain, 256),
            ("address", &self.address, 512),
            ("complaints_office", &self.complaints_office, 512),
            ("privacy_contact", &self.privacy_contact, 512),
            ("authority", &self.authority, 512),
            ("legal_basis", &self.legal_basis, 512),
        ] {
            if value.len() > max {
                return Err(format!("`{field}` is too long: at most {max} bytes"));
            }
            if value.chars().any(char::is_control) {
                return Err(format!(
                    "`{field}` has a line break or another control character"
                ));
            }
        }
        if Location::parse(&self.store, Path::new("")).is_none() {
            return Err(store_reason(&self.store));
        }
        if self.key_directory.as_os_str().is_empty() {
            return Err("`key_directory` is empty".to_owned());
        }
        let limits = &self.limits;
        let zero = limits.sessions == 0
            || limits.connections == 0
            || limits.connections_per_network == 0
            || limits.joins_per_network == 0
            || limits.seconds_per_join == 0;
        if zero {
            return Err("a field of `limits` is 0, so that nobody could connect".to_owned());
        }
        Ok(())
    }

    /// The limits of the session logic. `ca` is the fingerprint of the CA.
    pub(crate) fn router(&self, ca: fernsicht_protocol::crypto::Hash) -> router::Config {
        router::Config {
            relay_name: self.name.clone(),
            ca,
            max_sessions: self.limits.sessions,
            joins: Rate {
                burst: self.limits.joins_per_network,
                every: Duration::from_secs(self.limits.seconds_per_join),
            },
            ..router::Config::default()
        }
    }
}

/// The file of the first start.
pub(crate) fn template(host: &str) -> String {
    format!(
        r#"# Fernsicht relay. After a change, restart `fernsicht-relay serve` and make the agent anew.

# Where the relay listens: UDP, and TCP for networks that block it. "[::]:7443" takes IPv6 and IPv4.
listen = "[::]:7443"

# How agents and consoles reach it from outside: host name or address, and port.
public_address = "{host}:7443"

# The name in the relay's certificate. Agents and consoles keep it: do not change it later.
name = "{host}"

# What customers read before they consent. `fernsicht-relay agent` wants all of it.
# The company's name as customers know it, and its internet domain.
operator = ""
domain = ""
# Postal address.
address = ""
# Where customers complain.
complaints_office = ""
# Who answers questions about privacy.
privacy_contact = ""
# The data protection authority in charge.
authority = ""
# The legal basis of the processing, for example "Art. 6 Abs. 1 lit. a DSGVO".
legal_basis = ""

# Language of customers whose system speaks neither German nor English: "de" or "en".
language = "de"

# Where finished recordings are kept: "file:" and a folder; a relative one stands beside this file.
store = "file:recordings"
# Where the keys of recordings are kept. LEAVE THIS DIRECTORY OUT OF EVERY BACKUP: a key that lives
# on in a backup keeps a deleted recording readable.
key_directory = "keys"

# How long sessions may go on after SIGTERM, in seconds. Technicians read how long they have; nothing new
# begins, and the relay ends as soon as no session is left. A second SIGTERM, or SIGINT, ends them at once. A service
# manager must wait at least 15 seconds longer before it kills. 0 ends them at once.
drain_seconds = 30

[limits]
# Sessions at once, those that wait for a customer included.
sessions = 2000
# Connections at once, in all and from one network (IPv4 /24, IPv6 /48).
connections = 8000
connections_per_network = 400
# Codes that one network may try at once, and seconds after which it has one more try.
joins_per_network = 20
seconds_per_join = 30
"#
    )
}

/// Why a value of `store` is not taken.
pub(crate) fn store_reason(value: &str) -> String {
    format!("`store` is {value:?}, but must be \"file:\" and a folder, as in \"file:recordings\"")
}

fn keys() -> PathBuf {
    "keys".into()
}

fn recordings() -> String {
    "file:recordings".to_owned()
}

fn drain_seconds() -> u16 {
    30
}

fn german() -> String {
    "de".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, Error> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Config::read(file.path())
    }

    #[test]
    fn the_template_is_valid() {
        let config = parse(&template("relay.example")).unwrap();
        assert_eq!(config.public_address, "relay.example:7443");
        assert_eq!(config.limits.sessions, Limits::default().sessions);
        assert_eq!(
            config.limits.connections_per_network,
            Limits::default().connections_per_network
        );
    }

    #[test]
    fn errors_name_the_field() {
        let good = template("relay.example");
        for (from, to, field) in [
            ("listen = \"[::]:7443\"", "listen = \"hello\"", "listen"),
            (
                "\"relay.example:7443\"",
                "\"relay.example\"",
                "public_address",
            ),
            ("name = \"relay.example\"", "name = \"no name\"", "name"),
            ("operator", "operater", "operater"),
            ("sessions = 2000", "sessions = \"many\"", "sessions"),
            ("sessions = 2000", "sessions = 0", "limits"),
            ("language = \"de\"", "language = \"fr\"", "language"),
            ("\"file:recordings\"", "\"recordings\"", "store"),
            ("\"keys\"", "\"\"", "key_directory"),
            ("domain = \"\"", "domain = \"a\\nb\"", "domain"),
        ] {
            let text = good.replacen(from, to, 1);
            assert_ne!(text, good);
            let message = parse(&text).unwrap_err().to_string();
            assert!(message.contains(field), "{message}");
        }
    }
}
