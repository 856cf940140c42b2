//! One client's connection: who it is, its messages, its streams.

use std::sync::Arc;
use std::time::Duration;

use fernsicht_protocol::audit::ALPN_AUDITOR;
use fernsicht_protocol::cert::{self, Role};
use fernsicht_protocol::messages::{ALPN_AGENT, ALPN_CONSOLE};
use fernsicht_protocol::net::{
    self, Arriving, Connection, MessageReceiver, MessageSender, ReadError,
};
use fernsicht_protocol::router::Technician;
use fernsicht_protocol::wire::Wire;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::admission::Place;
use super::hub::{Client, Hub, Mail, Seat};
use super::{auditor, forward};
use crate::cli::unix_now;
use crate::register::Standing;

/// Serves one connection from its handshake to its end, or until it has to give way.
pub(super) async fn run(hub: Arc<Hub>, arriving: Arriving, place: Place) {
    let address = arriving.remote_address().ip();
    let (connection, visitor, messages) = tokio::select! {
        entered = enter(&hub, arriving) => match entered {
            Some(entered) => entered,
            None => return,
        },
        () = place.lost() => return,
    };
    let client = match visitor {
        Visitor::Auditor(serial) => {
            let served = auditor::run(hub, (connection.clone(), &place), serial, messages);
            return tokio::select! {
                () = served => {}
                () = place.lost() => connection.close(CODE_FULL, FULL),
            };
        }
        Visitor::Agent => Client::Agent(hub.offer().await),
        Visitor::Console(client) => client,
    };
    let speaks = match client {
        Client::Agent(_) => Speaks::Agent,
        Client::Console(_) | Client::Revoked => Speaks::Console,
    };
    let seat = hub.connected(&connection, client, (address, place.clone()));
    let id = seat.id;
    let transport = connection.transport();
    tracing::debug!(connection = id.0, %transport, "connected");
    tokio::select! {
        () = converse(&hub, &connection, speaks, seat, messages) => {}
        () = place.lost() => connection.close(CODE_FULL, FULL),
    }
    hub.disconnected(id);
    tracing::debug!(connection = id.0, "disconnected");
}

/// The handshake, who it is, and the streams of its messages. None: it was turned away, or has left.
async fn enter(
    hub: &Hub,
    arriving: Arriving,
) -> Option<(Connection, Visitor, (MessageSender, MessageReceiver))> {
    let connection = match tokio::time::timeout(HANDSHAKE_WITHIN, arriving.connect()).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => {
            tracing::debug!(%error, "a handshake failed");
            return None;
        }
        Err(_) => {
            tracing::debug!("a handshake took too long");
            return None;
        }
    };
    let Some(visitor) = identify(hub, &connection).await else {
        connection.close(CODE_REFUSED, b"the certificate could not be checked");
        return None;
    };
    match tokio::time::timeout(HANDSHAKE_WITHIN, connection.accept_messages()).await {
        Ok(Ok(messages)) => Some((connection, visitor, messages)),
        Ok(Err(_)) => None,
        Err(_) => {
            connection.close(CODE_REFUSED, b"no message came");
            None
        }
    }
}

enum Visitor {
    Agent,
    Console(Client),
    /// With the serial number of the certificate, if one was shown.
    Auditor(Option<Vec<u8>>),
}

#[derive(Clone, Copy)]
enum Speaks {
    Agent,
    Console,
}

/// None: it cannot be told who it is.
async fn identify(hub: &Hub, connection: &Connection) -> Option<Visitor> {
    let alpn = connection.alpn()?;
    if alpn == ALPN_AGENT {
        return Some(Visitor::Agent);
    }
    let role = match alpn {
        alpn if alpn == ALPN_CONSOLE => Role::Technician,
        alpn if alpn == ALPN_AUDITOR => Role::Auditor,
        _ => return None,
    };
    let chain = connection.peer_chain();
    if chain.is_empty() {
        return Some(match role {
            Role::Auditor => Visitor::Auditor(None),
            Role::Technician | Role::Relay | Role::Checkpoint => {
                Visitor::Console(Client::Console(None))
            }
        });
    }
    // The handshake takes both roles: each opens its own door only.
    let now = u64::try_from(unix_now()).unwrap_or_default();
    let holder = cert::verify(&chain, &hub.ca_fingerprint(), role, now).ok()?;
    if role == Role::Auditor {
        return Some(Visitor::Auditor(Some(holder.serial)));
    }
    // What else a client put into its chain must not get into recordings.
    let leaf = chain.into_iter().next()?;
    let client = match hub.standing(holder.serial).await {
        Ok(Standing::Good(_)) if leaf.len() > MAX_CERTIFICATE => return None,
        Ok(Standing::Good(id)) => Client::Console(Some(Technician {
            id,
            chain: vec![leaf, hub.ca.clone()],
            key: holder.key,
            leaf: holder.leaf,
        })),
        Ok(Standing::Revoked | Standing::Unknown) => Client::Revoked,
        Err(error) => {
            tracing::error!(%error, "cannot look up a certificate");
            return None;
        }
    };
    Some(Visitor::Console(client))
}

/// Until the connection is gone. Tasks of its streams end with it.
async fn converse(
    hub: &Arc<Hub>,
    connection: &Connection,
    speaks: Speaks,
    Seat { id, mail }: Seat,
    (sender, receiver): (MessageSender, MessageReceiver),
) {
    let (mut tasks, mut reading) = (JoinSet::new(), JoinSet::new());
    tasks.spawn(write(connection.clone(), sender, mail));
    let reader = hub.clone();
    match speaks {
        Speaks::Agent => {
            reading.spawn(async move {
                let said = |message| reader.agent_says(id, message);
                if read(receiver, said).await.is_err() {
                    reader.malformed(id);
                }
            });
        }
        Speaks::Console => {
            reading.spawn(async move {
                let said = |message| reader.console_says(id, message);
                if read(receiver, said).await.is_err() {
                    reader.malformed(id);
                }
            });
        }
    }
    // The transport bounds the streams that are open at once; each task ends with its stream.
    while let Ok(stream) = connection.accept_uni().await {
        while tasks.try_join_next().is_some() {}
        tasks.spawn(forward::run(hub.clone(), id, stream));
    }
    tasks.shutdown().await;
    // Who says goodbye leaves as soon as it has arrived, which may be before it was read.
    let read = tokio::time::timeout(READ_WITHIN, reading.join_next()).await;
    if read.is_err() {
        tracing::debug!("the last messages were not read");
    }
}

/// Err: the client's bytes cannot be read.
async fn read<T: Wire>(mut receiver: MessageReceiver, said: impl Fn(T)) -> Result<(), ReadError> {
    loop {
        match receiver.next::<T>().await {
            Ok(Some(message)) => said(message),
            Ok(None) | Err(ReadError::Lost(_)) => return Ok(()),
            Err(
                error @ (ReadError::Malformed(_) | ReadError::Truncated | ReadError::Cancelled),
            ) => {
                return Err(error);
            }
        }
    }
}

async fn write(connection: Connection, mut sender: MessageSender, mut mail: mpsc::Receiver<Mail>) {
    while let Some(next) = mail.recv().await {
        let sending = async {
            match next {
                Mail::Agent(message) => sender.send(&*message).await.is_ok(),
                Mail::Console(message) => sender.send(&*message).await.is_ok(),
                Mail::Close => false,
            }
        };
        // A client that does not listen counts as gone, however alive its transport says it is.
        if !matches!(
            tokio::time::timeout(net::IDLE_TIMEOUT, sending).await,
            Ok(true)
        ) {
            break;
        }
    }
    if tokio::time::timeout(DELIVER_WITHIN, sender.finish())
        .await
        .is_err()
    {
        tracing::debug!("the last messages were not taken");
    }
    connection.close(CODE_DONE, b"");
}

/// What messages and recordings take.
const MAX_CERTIFICATE: usize = 4096;
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
const DELIVER_WITHIN: Duration = Duration::from_secs(3);
const READ_WITHIN: Duration = Duration::from_secs(1);
const CODE_DONE: u32 = 0;
const CODE_REFUSED: u32 = 1;
const CODE_FULL: u32 = 4;
const FULL: &[u8] = b"the place is needed for others";
