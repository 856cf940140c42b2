//! Clients that speak the protocol to a real relay, without screen or window: whom they enrol and how
//! they connect. [`crate::pair`] makes a whole session of two of them.
//!
//! Nothing of the programs is in here but the protocol's own code.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fernsicht_protocol::audit::{
    ALPN_AUDITOR, AuditRefusal, AuditorToRelay, HandOut, Keys, Note, RelayToAuditor,
};
use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::messages::{ALPN_CONSOLE, ConsoleToRelay, RelayToConsole, VERSION};
use fernsicht_protocol::net::{
    self, Connection, Identity, Incoming, MessageReceiver, MessageSender, Pin,
};
use fernsicht_protocol::sealing::AuditorKey;
use fernsicht_protocol::token::Token;
use fernsicht_protocol::wire::{Blob, Wire};
use rand_core::OsRng;
use rcgen::{CertificateParams, KeyPair, PKCS_ED25519};
use tokio::time::timeout;

/// How long the relay may take for an answer on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs something of these to its end, in a program without a runtime.
pub fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(work)
}

/// A connection with its message stream.
#[derive(Debug)]
pub struct Client {
    /// The connection, for streams.
    pub connection: Connection,
    sender: MessageSender,
    receiver: MessageReceiver,
}

impl Client {
    /// Connects as whoever speaks `alpn`.
    pub async fn connect(
        address: &str,
        pin: &Pin,
        alpn: &[u8],
        identity: Option<&Identity>,
    ) -> Result<Self> {
        Self::on(net::connect(address, pin, alpn, identity).await?).await
    }

    /// Opens the message stream of a connection.
    pub async fn on(connection: Connection) -> Result<Self> {
        let (sender, receiver) = connection.open_messages().await?;
        Ok(Self {
            connection,
            sender,
            receiver,
        })
    }

    /// Says something.
    pub async fn say(&mut self, message: &impl Wire) -> Result<()> {
        Ok(self.sender.send(message).await?)
    }

    /// The relay's next message.
    pub async fn hear<T: Wire>(&mut self) -> Result<T> {
        let message = timeout(PATIENCE, self.receiver.next()).await;
        message
            .context("the relay is silent")??
            .context("the relay has ended the stream")
    }

    /// The two halves, for tasks of their own.
    pub fn split(self) -> (MessageSender, MessageReceiver) {
        (self.sender, self.receiver)
    }
}

/// Whom a token's holder expects.
fn pin(token: &Token) -> Pin {
    Pin {
        ca: token.ca,
        relay_name: token.relay_name.as_str().to_owned(),
    }
}

/// A key with the request for its certificate.
fn request() -> Result<(KeyPair, Blob<4096>)> {
    let key = KeyPair::generate_for(&PKCS_ED25519)?;
    let request = CertificateParams::new(vec![])?.serialize_request(&key)?;
    Ok((key, Blob(request.der().to_vec())))
}

fn identity(chain: Vec<Blob<4096>>, key: &KeyPair) -> Identity {
    Identity {
        chain: chain.into_iter().map(|der| der.0).collect(),
        key: key.serialize_der().into(),
    }
}

/// Enrols a technician with a one-time token.
pub async fn enrol_technician(address: &str, token: &str) -> Result<(Identity, Pin)> {
    let token = Token::parse(token).context("the technician's token")?;
    let pin = pin(&token);
    let (key, request) = request()?;
    let mut client = Client::connect(address, &pin, ALPN_CONSOLE, None).await?;
    client
        .say(&ConsoleToRelay::Hello { version: VERSION })
        .await?;
    let RelayToConsole::Hello { .. } = client.hear().await? else {
        bail!("the relay greets first")
    };
    let enrol = ConsoleToRelay::Enrol {
        secret: token.secret,
        request,
    };
    client.say(&enrol).await?;
    let RelayToConsole::Enrolled { chain } = client.hear().await? else {
        bail!("the technician is not enrolled")
    };
    Ok((identity(chain.0, &key), pin))
}

/// An auditor without a program.
#[derive(Debug)]
pub struct PlainAuditor {
    /// What recordings are sealed to.
    pub key: AuditorKey,
    identity: Identity,
    pin: Pin,
    address: String,
}

/// What the relay hands out on a complaint.
#[derive(Debug)]
pub struct Handed {
    /// What the relay says about it.
    pub about: HandOut,
    /// The sealed keys.
    pub keys: Keys,
    /// The recording's file.
    pub file: Vec<u8>,
}

impl PlainAuditor {
    /// Enrols with a one-time token.
    pub async fn enrol(address: &str, token: &str) -> Result<Self> {
        let token = Token::parse(token).context("the auditor's token")?;
        let pin = pin(&token);
        let (key, request) = request()?;
        let seal_to = AuditorKey::draw(&mut OsRng);
        let mut client = Client::connect(address, &pin, ALPN_AUDITOR, None).await?;
        greet(&mut client).await?;
        let enrol = AuditorToRelay::Enrol {
            secret: token.secret,
            request,
            key: seal_to.public(),
        };
        client.say(&enrol).await?;
        let RelayToAuditor::Enrolled { chain, .. } = client.hear().await? else {
            bail!("the auditor is not enrolled")
        };
        Ok(Self {
            key: seal_to,
            identity: identity(chain.0, &key),
            pin,
            address: address.to_owned(),
        })
    }

    /// Asks for the recording of a complaint code.
    pub async fn open(&self, case: &str, code: &Code) -> Result<Result<Handed, AuditRefusal>> {
        let identity = Some(&self.identity);
        let mut client = Client::connect(&self.address, &self.pin, ALPN_AUDITOR, identity).await?;
        greet(&mut client).await?;
        let open = AuditorToRelay::Open {
            case: Note::new(case)?,
            open_token: *code.open_token(),
        };
        client.say(&open).await?;
        let about = match client.hear().await? {
            RelayToAuditor::Handed { recording } => recording,
            RelayToAuditor::Refused { reason } => return Ok(Err(reason)),
            other @ (RelayToAuditor::Hello { .. }
            | RelayToAuditor::Enrolled { .. }
            | RelayToAuditor::Overview { .. }
            | RelayToAuditor::Logged) => bail!("the relay answers {other:?}"),
        };
        let mut stream = timeout(PATIENCE, client.connection.accept_uni())
            .await
            .context("no stream")??;
        let length = usize::try_from(about.length)? + about.keys_length as usize;
        let mut bytes = Vec::new();
        while let Some(chunk) = timeout(PATIENCE, stream.read_chunk(1 << 20)).await?? {
            bytes.extend_from_slice(&chunk);
            ensure!(bytes.len() <= length, "more than {length} bytes came");
        }
        ensure!(
            bytes.len() == length,
            "{} bytes of {length} came",
            bytes.len()
        );
        let (keys, file) = bytes.split_at(about.keys_length as usize);
        Ok(Ok(Handed {
            keys: Keys::from_bytes(keys)?,
            file: file.to_vec(),
            about,
        }))
    }
}

async fn greet(client: &mut Client) -> Result<()> {
    client
        .say(&AuditorToRelay::Hello { version: VERSION })
        .await?;
    let RelayToAuditor::Hello { .. } = client.hear().await? else {
        bail!("the relay greets first")
    };
    Ok(())
}

/// The next one-way stream that is no copy, of which there are some where the machine is slow. Errors: see
/// [`net::incoming`]; the connection is gone.
pub async fn next_stream(connection: &Connection) -> Result<Incoming> {
    loop {
        match net::incoming(connection.accept_uni().await?).await? {
            Incoming::Copy => {}
            incoming @ (Incoming::Records(_) | Incoming::Single(..)) => return Ok(incoming),
        }
    }
}
