//! Enrolment: from a one-time token to a key and a certificate on this computer.
//!
//! ```text
//! token ─► pinned connection ─► CSR and secret ─► chain ─► checked ─► Store
//! ```
//!
//! The key is made here and never leaves. The names in the request are empty: the relay puts
//! in those that the operator gave.

use std::time::Duration;

use fernsicht_protocol::cert::{self, Role};
use fernsicht_protocol::messages::{ConsoleToRelay, RelayToConsole, VERSION};
use fernsicht_protocol::net::{MessageReceiver, ReadError};
use fernsicht_protocol::token::Token;
use fernsicht_protocol::wire::Blob;
use zeroize::Zeroizing;

use crate::identity::{Identity, Relay, Store};
use crate::session::{link, refusal};
use crate::view::Problem;

/// How long the relay may take for an answer.
const ANSWER: Duration = Duration::from_secs(20);

/// Enrols with `token` and stores the result. Refuses if somebody is enrolled in `store` already.
pub async fn enrol(store: &Store, token: &str) -> Result<Identity, Problem> {
    if let Some(there) = store.load()? {
        return Err(Problem::AlreadyEnrolled {
            technician: there.technician,
            relay: there.relay.address,
            path: store.dir().display().to_string(),
        });
    }
    let token = Token::parse(token).map_err(|_| Problem::TokenForm)?;
    store.prepare()?;
    let relay = Relay {
        address: token.address.as_str().to_owned(),
        name: token.relay_name.as_str().to_owned(),
        ca: token.ca,
    };
    let internal = |e: rcgen::Error| Problem::Internal(e.to_string());
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).map_err(internal)?;
    let request = rcgen::CertificateParams::default()
        .serialize_request(&key)
        .map_err(internal)?;
    let chain = fetch(&relay, token.secret, request.der().to_vec()).await?;
    check(&chain, &relay)?;
    let identity = Identity::new(relay, chain, Zeroizing::new(key.serialize_der()))?;
    store.save(&identity)?;
    Ok(identity)
}

async fn fetch(relay: &Relay, secret: [u8; 16], request: Vec<u8>) -> Result<Vec<Vec<u8>>, Problem> {
    let (mut connected, mut messages) = link::connect(relay, None).await?;
    for message in [
        ConsoleToRelay::Hello { version: VERSION },
        ConsoleToRelay::Enrol {
            secret,
            request: Blob(request),
        },
    ] {
        connected.say(message).map_err(Problem::Link)?;
    }
    let chain = loop {
        match answer(&mut messages).await? {
            RelayToConsole::Hello {
                version: VERSION, ..
            } => {}
            RelayToConsole::Hello { .. } => return Err(Problem::TooOld),
            RelayToConsole::Enrolled { chain } => {
                break chain.0.into_iter().map(|der| der.0).collect();
            }
            RelayToConsole::Refused { reason } => return Err(refusal(&reason)),
            RelayToConsole::Session { .. }
            | RelayToConsole::CodeExpired
            | RelayToConsole::Share { .. }
            | RelayToConsole::Confirm { .. }
            | RelayToConsole::AgentLeft
            | RelayToConsole::Peer { .. }
            | RelayToConsole::PeerLost
            | RelayToConsole::Resumed
            | RelayToConsole::RecorderFailed
            | RelayToConsole::RecorderBack
            | RelayToConsole::Maintenance { .. }
            | RelayToConsole::Recording { .. }
            | RelayToConsole::Checkpoint { .. }
            | RelayToConsole::Ended { .. } => {
                return Err(Problem::RelayAnswer("a message out of turn".into()));
            }
        }
    };
    connected.close(None).await;
    Ok(chain)
}

async fn answer(messages: &mut MessageReceiver) -> Result<RelayToConsole, Problem> {
    match tokio::time::timeout(ANSWER, messages.next()).await {
        Ok(Ok(Some(message))) => Ok(message),
        Ok(Ok(None)) => Err(Problem::Link("the relay ended the connection".into())),
        Ok(Err(error @ (ReadError::Malformed(_) | ReadError::Truncated))) => {
            Err(Problem::RelayAnswer(error.to_string()))
        }
        Ok(Err(error @ (ReadError::Cancelled | ReadError::Lost(_)))) => {
            Err(Problem::Link(error.to_string()))
        }
        Err(_) => Err(Problem::Link("no answer".into())),
    }
}

/// A chain that the customer's agent would refuse is of no use: better to know now.
fn check(chain: &[Vec<u8>], relay: &Relay) -> Result<(), Problem> {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    cert::verify(chain, &relay.ca, Role::Technician, now)
        .map(drop)
        .map_err(|e| Problem::WrongRelay {
            relay: relay.address.clone(),
            detail: e.to_string(),
        })
}
