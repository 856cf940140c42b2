//! Who takes part: an operator, a technician, an auditor, a customer's agent, and their one pairing.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use fernsicht_console::identity::{self, Identity};
use fernsicht_protocol::attached::{Auditor, Configuration};
use fernsicht_protocol::cert::Role;
use fernsicht_protocol::code::Password;
use fernsicht_protocol::crypto::{Hash, SigningKey, hash};
use fernsicht_protocol::fuzzing::Dice;
use fernsicht_protocol::messages::{ConsoleToRelay, RelayToConsole, VERSION};
use fernsicht_protocol::pairing::Context;
use fernsicht_protocol::pairing::rehearsal::Rehearsal;
use fernsicht_protocol::router::{self, ConnectionId, Now, Output, Router, TechnicianId};
use fernsicht_protocol::sealing::AuditorKey;
use fernsicht_protocol::wire::{List, Text};
use rand_core::OsRng;

use crate::authority::Authority;

/// The relay's name.
const RELAY: &str = "relay.example";

/// From which the relay draws: the same session id and nameplate in every schedule.
const RELAY_DICE: u64 = 7;

/// The people, their keys, and their pairing.
pub struct Office {
    pub(super) configuration: Arc<Configuration>,
    pub(super) identity: Arc<Identity>,
    pub(super) technician: router::Technician,
    pub(super) signer: SigningKey,
    pub(super) signer_chain: Vec<Vec<u8>>,
    pub(super) ca: Hash,
    pub(super) auditor: AuditorKey,
    pub(super) rehearsal: Rehearsal,
    pub(super) unix_s: u64,
    /// The fake clock's zero, ahead of every real time that a core may read during the run.
    pub(super) zero: Instant,
}

impl Office {
    /// Makes everybody, and lets agent and console pair.
    pub fn new() -> Result<Self> {
        let authority = Authority::new()?;
        let technician = authority.issue(Role::Technician, "Erika Weber", "Technik")?;
        let signer = authority.issue(Role::Checkpoint, "checkpoints", "Technik")?;
        let (ca, auditor) = (authority.fingerprint(), AuditorKey::draw(&mut OsRng));
        let unix_s = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let configuration = Configuration {
            made: unix_s,
            operator: Text::new("Technik")?,
            relay_name: Text::new(RELAY)?,
            ca,
            language: Text::new("de")?,
            auditors: List(vec![Auditor {
                name: Text::new("Ute Brandt")?,
                key: auditor.public(),
                certificate: [0; 32],
            }]),
            domain: Text::default(),
            relay_addresses: List::default(),
            address: Text::default(),
            complaints_office: Text::default(),
            privacy_contact: Text::default(),
            authority: Text::default(),
            legal_basis: Text::default(),
        };
        let relay = identity::Relay {
            address: "localhost:1".to_owned(),
            name: RELAY.to_owned(),
            ca,
        };
        let key_der = zeroize::Zeroizing::new(technician.key.to_vec());
        let identity = Identity::new(relay, technician.chain.clone(), key_der)
            .ok()
            .context("the technician's identity")?;
        let leaf = technician.chain.first().context("a leaf")?;
        let technician = router::Technician {
            id: TechnicianId(1),
            key: identity.key.public(),
            leaf: hash(leaf),
            chain: technician.chain,
        };
        let (session, nameplate) = first_session(&technician, ca, unix_s)?;
        let context = Context {
            relay_name: RELAY.to_owned(),
            ca,
            configuration: configuration.hash(),
            session,
            nameplate,
        };
        let rehearsal = Rehearsal::new(
            context,
            &Password::draw(&mut OsRng),
            (&identity.chain, &identity.key),
            unix_s,
            &mut OsRng,
        )?;
        Ok(Self {
            configuration: Arc::new(configuration),
            identity: Arc::new(identity),
            technician,
            signer: SigningKey::from_pkcs8(&signer.key)
                .ok()
                .context("a signer")?,
            signer_chain: signer.chain,
            ca,
            auditor,
            rehearsal,
            unix_s,
            zero: Instant::now() + AHEAD,
        })
    }

    /// A relay's router.
    pub(super) fn router(&self) -> Router {
        new_router(self.ca)
    }

    /// The relay's chance.
    pub(super) fn relay_dice() -> Dice {
        Dice(RELAY_DICE)
    }

    /// The time as the relay reads it. Seconds since 1970 stand still: only dates hang on them.
    pub(super) fn relay_now(&self, since_start: Duration) -> Now {
        Now {
            since_start,
            unix_s: self.unix_s,
        }
    }
}

fn new_router(ca: Hash) -> Router {
    Router::new(router::Config {
        relay_name: RELAY.to_owned(),
        ca,
        ..router::Config::default()
    })
}

/// Session id and nameplate that a fresh relay draws.
fn first_session(
    technician: &router::Technician,
    ca: Hash,
    unix_s: u64,
) -> Result<([u8; 16], String)> {
    let mut router = new_router(ca);
    let (id, mut dice) = (ConnectionId(0), Dice(RELAY_DICE));
    let now = Now {
        since_start: Duration::ZERO,
        unix_s,
    };
    let address = std::net::Ipv4Addr::LOCALHOST.into();
    router.handle_console_connected(id, Some(technician.clone()), address, now);
    let hello = ConsoleToRelay::Hello { version: VERSION };
    router.handle_console(id, hello, now, &mut dice);
    router.handle_console(id, ConsoleToRelay::NewSession, now, &mut dice);
    while let Some(output) = router.poll_output() {
        if let Output::ToConsole {
            message: RelayToConsole::Session {
                session, nameplate, ..
            },
            ..
        } = output
        {
            return Ok((session, nameplate.as_str().to_owned()));
        }
    }
    anyhow::bail!("the relay gives no session")
}

/// A run may last this long.
const AHEAD: Duration = Duration::from_secs(48 * 3600);
