//! From a code to a verified technician: connects, joins, pairs.
//!
//! ```text
//! connect ─► Hello ─► Join ─► Share ─► Reply ─► Confirm ─► Peer: Technician
//! ```
//!
//! Each step that fails names its [`Problem`]. One share per typed code.

use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fernsicht_protocol::attached::Configuration;
use fernsicht_protocol::code::SessionCode;
use fernsicht_protocol::messages::{
    ALPN_AGENT, AgentToRelay, ConsoleToAgent, ControlOffer, End, Refusal, RelayToAgent, VERSION,
};
use fernsicht_protocol::net::{
    self, ConnectError, Connection, MessageReceiver, MessageSender, Pin,
};
use fernsicht_protocol::pairing::agent::{self, Paired};
use fernsicht_protocol::pairing::{Context, Error};
use fernsicht_protocol::wire::{Blob, Text, Wire};
use rand_core::OsRng;

use super::recording;
use crate::view::Problem;

/// How long the other side may take for one step.
const STEP: Duration = Duration::from_secs(30);

/// By how much this computer's clock may differ from the relay's.
const CLOCK: u64 = 24 * 60 * 60;

/// A connection that has said hello.
pub(super) struct Line {
    pub(super) connection: Connection,
    pub(super) sender: MessageSender,
    pub(super) receiver: MessageReceiver,
    pub(super) offer: ControlOffer,
}

/// Connects to the first of the relay's addresses that answers and says hello.
pub(super) async fn connect(configuration: &Configuration) -> Result<Line, Problem> {
    let pin = Pin {
        ca: configuration.ca,
        relay_name: configuration.relay_name.as_str().to_owned(),
    };
    let mut problem = Problem::RelayUnreachable;
    for address in &configuration.relay_addresses.0 {
        match net::connect(address.as_str(), &pin, ALPN_AGENT, None).await {
            Ok(connection) => return hello(connection, configuration).await,
            Err(error) => problem = connect_problem(&error),
        }
    }
    Err(problem)
}

async fn hello(connection: Connection, configuration: &Configuration) -> Result<Line, Problem> {
    let transport = connection.transport();
    tracing::info!(%transport, "connected to the relay");
    let (mut sender, mut receiver) = connection
        .open_messages()
        .await
        .map_err(|_| Problem::RelayUnreachable)?;
    let hello = AgentToRelay::Hello {
        version: VERSION,
        configuration: configuration.hash(),
    };
    say(&mut sender, &hello).await?;
    let answer = hear(&mut receiver).await?;
    match answer {
        RelayToAgent::Hello {
            version: VERSION,
            now,
            control,
        } => {
            let own = seconds_since_1970();
            if own.abs_diff(now) > CLOCK {
                return Err(Problem::Clock);
            }
            Ok(Line {
                connection,
                sender,
                receiver,
                offer: recording::offer(configuration, control, own),
            })
        }
        RelayToAgent::Hello { .. } => Err(Problem::AgentOld),
        RelayToAgent::Joined { .. }
        | RelayToAgent::Refused { .. }
        | RelayToAgent::Reply { .. }
        | RelayToAgent::Peer { .. }
        | RelayToAgent::EpochOpened { .. }
        | RelayToAgent::Resumed
        | RelayToAgent::PeerLost
        | RelayToAgent::RecorderFailed
        | RelayToAgent::RecorderBack
        | RelayToAgent::Recording { .. }
        | RelayToAgent::Checkpoint { .. }
        | RelayToAgent::Ended { .. } => Err(unexpected(&answer)),
    }
}

/// Pairs with the console behind `code`. `spent` is set before the share is sent: from then on
/// the code must not be tried again, whatever becomes of the share.
pub(super) async fn pair(
    line: &mut Line,
    configuration: &Configuration,
    code: &SessionCode,
    spent: &Cell<bool>,
) -> Result<Paired, Problem> {
    let nameplate = Text::new(code.nameplate()).map_err(|_| Problem::CodeTypo)?;
    say(&mut line.sender, &AgentToRelay::Join { nameplate }).await?;
    let answer = hear(&mut line.receiver).await?;
    let RelayToAgent::Joined { session } = answer else {
        return Err(unexpected(&answer));
    };
    let context = Context {
        relay_name: configuration.relay_name.as_str().to_owned(),
        ca: configuration.ca,
        configuration: configuration.hash(),
        session,
        nameplate: code.nameplate().to_owned(),
    };
    let (opened, share) = agent::open(context, code.password(), &mut OsRng);
    spent.set(true);
    say(
        &mut line.sender,
        &AgentToRelay::Share {
            share: Blob(share.to_vec()),
        },
    )
    .await?;
    let answer = hear(&mut line.receiver).await?;
    let RelayToAgent::Reply {
        share,
        confirmation,
    } = answer
    else {
        return Err(unexpected(&answer));
    };
    let (mut confirmed, confirm) = opened
        .handle_reply(&share.0, &confirmation, &mut OsRng)
        .map_err(|error| pairing_problem(&error))?;
    let confirm = AgentToRelay::Confirm {
        confirmation: confirm.confirmation,
        agent_key: confirm.agent_key,
        nonce: confirm.nonce,
    };
    say(&mut line.sender, &confirm).await?;
    let answer = hear(&mut line.receiver).await?;
    let RelayToAgent::Peer { packet } = answer else {
        return Err(unexpected(&answer));
    };
    let message = confirmed
        .peer
        .open(&packet.0)
        .map_err(|_| Problem::Tampered)?;
    let message = message.ok_or(Problem::Tampered)?;
    match ConsoleToAgent::from_bytes(&message) {
        Ok(ConsoleToAgent::Technician { chain, signature }) => {
            let chain: Vec<&[u8]> = chain.0.iter().map(|der| der.0.as_slice()).collect();
            confirmed
                .handle_technician(&chain, &signature, seconds_since_1970())
                .map_err(|error| pairing_problem(&error))
        }
        Ok(ConsoleToAgent::EpochAck { .. } | ConsoleToAgent::Case { .. }) | Err(_) => {
            Err(Problem::TechnicianUnverified)
        }
    }
}

/// Why the relay's farewell before consent keeps the session from beginning.
pub(super) fn refusal_problem(refusal: &Refusal) -> Problem {
    match refusal {
        Refusal::Unknown => Problem::CodeUnknown,
        Refusal::Expired => Problem::CodeExpired,
        Refusal::Used => Problem::CodeUsed,
        Refusal::TooManyTries { minutes } => Problem::TooManyTries(*minutes),
        Refusal::Full => Problem::RelayFull,
        Refusal::TechnicianLeft => Problem::TechnicianLeft,
        Refusal::TooOld => Problem::AgentOld,
        Refusal::Draining => Problem::EndedRelay,
        Refusal::Revoked => Problem::TechnicianRevoked,
        Refusal::NotResumable => Problem::ConnectionLost,
        Refusal::Token | Refusal::Unexpected => Problem::Internal,
    }
}

/// Seconds since 1970 UTC by this computer's clock.
pub(super) fn seconds_since_1970() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

async fn say(sender: &mut MessageSender, message: &AgentToRelay) -> Result<(), Problem> {
    sender
        .send(message)
        .await
        .map_err(|_| Problem::ConnectionLost)
}

async fn hear(receiver: &mut MessageReceiver) -> Result<RelayToAgent, Problem> {
    match tokio::time::timeout(STEP, receiver.next()).await {
        Ok(Ok(Some(message))) => Ok(message),
        Ok(Ok(None)) => Err(Problem::TechnicianLeft),
        Ok(Err(net::ReadError::Malformed(_) | net::ReadError::Truncated)) => Err(Problem::Tampered),
        Ok(Err(net::ReadError::Cancelled | net::ReadError::Lost(_))) => {
            Err(Problem::ConnectionLost)
        }
        Err(_) => Err(Problem::TechnicianLeft),
    }
}

fn unexpected(message: &RelayToAgent) -> Problem {
    match message {
        RelayToAgent::Refused { reason } => refusal_problem(reason),
        RelayToAgent::Ended { reason: End::Relay } => Problem::EndedRelay,
        RelayToAgent::Ended {
            reason: End::Revoked,
        } => Problem::TechnicianRevoked,
        RelayToAgent::Ended {
            reason: End::WrongCode,
        } => Problem::CodeWrong,
        RelayToAgent::Ended { .. } | RelayToAgent::PeerLost => Problem::TechnicianLeft,
        RelayToAgent::Hello { .. }
        | RelayToAgent::Joined { .. }
        | RelayToAgent::Reply { .. }
        | RelayToAgent::Peer { .. }
        | RelayToAgent::EpochOpened { .. }
        | RelayToAgent::Resumed
        | RelayToAgent::RecorderFailed
        | RelayToAgent::RecorderBack
        | RelayToAgent::Recording { .. }
        | RelayToAgent::Checkpoint { .. } => Problem::Tampered,
    }
}

fn connect_problem(error: &ConnectError) -> Problem {
    match error {
        ConnectError::NoNetwork(_) => Problem::NoNetwork,
        ConnectError::Resolve(_) | ConnectError::Unreachable => Problem::RelayUnreachable,
        ConnectError::Full => Problem::RelayFull,
        ConnectError::Untrusted => Problem::RelayUntrusted,
        ConnectError::Clock => Problem::Clock,
        ConnectError::Refused(_) => Problem::AgentOld,
        ConnectError::Identity(_) => Problem::Internal,
    }
}

fn pairing_problem(error: &Error) -> Problem {
    match error {
        Error::Share => Problem::Tampered,
        Error::Confirmation => Problem::CodeWrong,
        Error::Chain(_) | Error::Signature => Problem::TechnicianUnverified,
    }
}
