//! Enrolment of an auditor: from a one-time token to two keys and a certificate on this computer.
//!
//! ```text
//! token ─► passphrase, twice ─► keys made ─► pinned connection ─► CSR, X25519 key ─► chain ─► checked ─► Store
//! ```
//!
//! Both keys are made here and never leave, but sealed under the passphrase. It is asked for
//! before the token is spent.

use fernsicht_protocol::audit::{AuditorToRelay, RelayToAuditor};
use fernsicht_protocol::cert::{self, Role};
use fernsicht_protocol::sealing::AuditorKey;
use fernsicht_protocol::token::Token;
use fernsicht_protocol::wire::Blob;
use rand_core::OsRng;
use zeroize::Zeroizing;

use super::Failure;
use super::identity::{Effort, Identity, Keys, Known, Store};
use super::link::{Conversation, out_of_turn};
use super::passphrase::Passphrase;
use crate::identity::Relay;
use crate::view::Problem;

/// A new auditor.
#[derive(Debug)]
pub struct Enrolled {
    /// Who.
    pub known: Known,
    /// How many auditors there are with this one. One alone is a risk that must be told.
    pub auditors: u16,
}

/// Reads the token and refuses early what would spend it in vain.
pub fn prepare(store: &Store, token: &str) -> Result<Token, Failure> {
    if let Some(there) = store.known()? {
        return Err(Problem::AlreadyEnrolled {
            technician: there.name,
            relay: there.relay.address,
            path: store.folder().dir().display().to_string(),
        }
        .into());
    }
    let token = Token::parse(token).map_err(|_| Problem::TokenForm)?;
    store.prepare()?;
    Ok(token)
}

/// Enrols with `token` and stores the result under `passphrase`.
pub async fn enrol(
    store: &Store,
    token: &Token,
    passphrase: &Passphrase,
    effort: Effort,
) -> Result<Enrolled, Failure> {
    let relay = Relay {
        address: token.address.as_str().to_owned(),
        name: token.relay_name.as_str().to_owned(),
        ca: token.ca,
    };
    let internal = |e: rcgen::Error| Failure::Internal(e.to_string());
    let signing = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).map_err(internal)?;
    let request = rcgen::CertificateParams::default()
        .serialize_request(&signing)
        .map_err(internal)?;
    let keys = Keys {
        signing_der: Zeroizing::new(signing.serialize_der()),
        opening: AuditorKey::draw(&mut OsRng),
    };
    let message = AuditorToRelay::Enrol {
        secret: token.secret,
        request: Blob(request.der().to_vec()),
        key: keys.opening.public(),
    };
    let mut conversation = Conversation::begin(&relay, None).await?;
    let RelayToAuditor::Enrolled { chain, auditors } = conversation.ask(&message).await? else {
        return Err(out_of_turn());
    };
    let chain: Vec<Vec<u8>> = chain.0.into_iter().map(|der| der.0).collect();
    conversation.close().await;
    check(&chain, &relay)?;
    store.save(&relay, &chain, &keys, passphrase, effort)?;
    let identity = Identity::new(relay, chain, keys)
        .ok_or_else(|| Problem::RelayAnswer("the certificate is for another key".into()))?;
    Ok(Enrolled {
        known: Known {
            name: identity.name,
            public: identity.opening.public(),
            relay: identity.relay,
        },
        auditors,
    })
}

/// A chain that nobody would accept is of no use: better to know now.
fn check(chain: &[Vec<u8>], relay: &Relay) -> Result<(), Failure> {
    let now = super::now_unix_s();
    cert::verify(chain, &relay.ca, Role::Auditor, now).map_err(|e| Problem::WrongRelay {
        relay: relay.address.clone(),
        detail: e.to_string(),
    })?;
    Ok(())
}
